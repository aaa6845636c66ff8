//! Rendering of mail.

use crate::locale::Locale;
use crate::mail::{MailKind, RenderError, Rendered, TemplateError, TemplateSource};

/// Checks and renders templates, and has the built-in ones. The work of each call is bounded, whatever the source is.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait TemplateEngine: Send + Sync {
    /// The languages of the built-in templates.
    fn locales(&self) -> Vec<Locale>;

    /// The built-in template of a kind in one of its [`locales`](Self::locales), or else in English.
    fn built_in(&self, kind: MailKind, locale: &Locale) -> TemplateSource;

    /// The words of a link that ends mail, in the first of the locales whose language is built in, or else in English.
    fn unsubscribe(&self, locales: &[Locale]) -> String;

    /// Checks a template, with the branches that are not taken: its syntax, the names of variables, filters and tests, and its cost at
    /// most. It also renders the template with example data, with nulls wherever a null is possible, and with the longest texts. No part
    /// may be empty with any of them.
    ///
    /// A template that passes does not fail at rendering, whatever the data of its kind is. [`TemplateSource::check_sizes`] checks the
    /// sizes of sources.
    ///
    /// # Errors
    /// The first fault of each part.
    fn check(&self, kind: MailKind, locale: &Locale, source: &TemplateSource) -> Result<(), Vec<TemplateError>>;

    /// Renders a template with the data of a mail, a JSON object. Numbers and times are written as the locale writes them. Nulls, and
    /// variables that the data lacks, are empty texts.
    ///
    /// # Errors
    /// If it takes too much work, or a part of its result is larger than 1 MiB. A template that [`check`](Self::check) refuses for every
    /// kind is an error here too.
    fn render(&self, locale: &Locale, source: &TemplateSource, data: &str) -> Result<Rendered, RenderError>;

    /// Example data for a kind, for a preview without an entry: a JSON object with every variable of the kind.
    fn example(&self, kind: MailKind) -> String;
}
