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

    /// Checks a template without rendering its data: syntax, and the names of variables and filters, also in branches that are not taken.
    ///
    /// It also renders the template once with example data, so that a template that never ends is told.
    ///
    /// # Errors
    /// The first fault of each part.
    fn check(&self, kind: MailKind, locale: &Locale, source: &TemplateSource) -> Result<(), Vec<TemplateError>>;

    /// Renders a template with the data of a mail, a JSON object. Numbers and times are written as the locale writes them.
    ///
    /// # Errors
    /// If it takes too much work, or its result is larger than 1 MiB.
    fn render(&self, locale: &Locale, source: &TemplateSource, data: &str) -> Result<Rendered, RenderError>;

    /// Example data for a kind, for a preview without an entry: a JSON object with every variable of the kind.
    fn example(&self, kind: MailKind) -> String;
}
