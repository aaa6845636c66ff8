//! What renders mail.

use crate::locale::Locale;
use crate::mail::{MailKind, RenderError, Rendered, TemplateError, TemplateSource};

/// Checks and renders templates, and has the built-in ones. All its work is bounded, whatever the source is.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait TemplateEngine: Send + Sync {
    /// The languages that the built-in templates are there in.
    fn locales(&self) -> Vec<Locale>;

    /// The built-in template of a kind in one of its [`locales`](Self::locales), else in English.
    fn built_in(&self, kind: MailKind, locale: &Locale) -> TemplateSource;

    /// Checks a template, branches that are not taken too: syntax, the names of variables, filters and tests, and what it costs at
    /// most. It also renders the template with example data, with nulls wherever there can be one, and with the longest texts.
    ///
    /// What passes does not fail at rendering, whatever the data of its kind is. Sizes of sources are for
    /// [`TemplateSource::check_sizes`].
    ///
    /// # Errors
    /// The first fault of each part.
    fn check(&self, kind: MailKind, locale: &Locale, source: &TemplateSource) -> Result<(), Vec<TemplateError>>;

    /// Renders a template with the data of a mail, a JSON object. Numbers and times are written as the locale writes them. Nulls, and
    /// variables that the data lacks, are empty texts.
    ///
    /// # Errors
    /// If it takes too much work, or a part of its result is larger than 1 MiB. What
    /// [`check`](Self::check) refuses in every kind is an error here too.
    fn render(&self, locale: &Locale, source: &TemplateSource, data: &str) -> Result<Rendered, RenderError>;

    /// Example data for a kind, for a preview without an entry: a JSON object with every variable of the kind.
    fn example(&self, kind: MailKind) -> String;
}
