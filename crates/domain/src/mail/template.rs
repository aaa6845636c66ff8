//! Templates: the source of the subject, the text and the HTML of a kind of mail in one language, and which of them a mail has.

use std::fmt;

use crate::error::{FieldError, Invalid};
use crate::id::WorkspaceId;
use crate::locale::{Locale, language, lookup};
use crate::mail::MailKind;
use crate::timestamp::Timestamp;

/// The source of a template, in the language of Jinja.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateSource {
    /// The source of the subject.
    pub subject: String,
    /// The source of the plain text.
    pub text: String,
    /// The source of the HTML, if the mail has any.
    pub html: Option<String>,
}

impl TemplateSource {
    /// The most characters of the source of a subject.
    pub const MAX_SUBJECT: usize = 200;
    /// The most bytes of the source of a plain text.
    pub const MAX_TEXT: usize = 32 * 1024;
    /// The most bytes of the source of an HTML text.
    pub const MAX_HTML: usize = 64 * 1024;

    /// Checks the sizes. The template itself is for a [`TemplateEngine`](crate::port::TemplateEngine) to check.
    ///
    /// # Errors
    /// Every part that is empty or too long.
    pub fn check_sizes(&self) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut check = |part: TemplatePart, empty: bool, long: Option<String>| {
            let reason = if empty { Some("must not be empty".to_owned()) } else { long };
            errors.extend(reason.map(|reason| FieldError::new(part.as_str(), Invalid::new(reason))));
        };
        let long = (self.subject.chars().count() > Self::MAX_SUBJECT).then(|| format!("must be at most {} characters", Self::MAX_SUBJECT));
        check(TemplatePart::Subject, self.subject.trim().is_empty(), long);
        let bytes = |source: &str, most: usize| (source.len() > most).then(|| format!("must be at most {} KiB", most / 1024));
        check(TemplatePart::Text, self.text.trim().is_empty(), bytes(&self.text, Self::MAX_TEXT));
        if let Some(html) = &self.html {
            check(TemplatePart::Html, html.trim().is_empty(), bytes(html, Self::MAX_HTML));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

/// The most templates of a workspace.
pub const MAX_TEMPLATES: u64 = 200;

/// A template of a workspace. It takes the place of the built-in one of its kind and locale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailTemplate {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The kind of mail.
    pub kind: MailKind,
    /// The locale of its readers.
    pub locale: Locale,
    /// The source.
    pub source: TemplateSource,
    /// When it was written last.
    pub updated_at: Timestamp,
}

/// The template of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice<'a> {
    /// One of the workspace.
    Own(&'a MailTemplate),
    /// The built-in one of a locale.
    BuiltIn(Locale),
}

impl Choice<'_> {
    /// Returns the locale of the template.
    pub const fn locale(&self) -> &Locale {
        match self {
            Self::Own(template) => &template.locale,
            Self::BuiltIn(locale) => locale,
        }
    }
}

/// Chooses the template of a mail from the workspace's own of its kind and from the built-in locales.
///
/// Its locale is the first that serves the asked one, or else the fallback, or else English, which is always built in. A template of the
/// workspace comes before the built-in one of the same locale.
pub fn choose<'a>(asked: &Locale, fallback: &Locale, own: &'a [MailTemplate], built_in: &[Locale]) -> Choice<'a> {
    let of = |asked| serving(asked, own, built_in);
    of(asked).or_else(|| of(fallback)).unwrap_or_else(|| written_in(Locale::english(), own))
}

/// Returns the template that serves a locale, like [`choose`] without a fallback.
pub fn serving<'a>(asked: &Locale, own: &'a [MailTemplate], built_in: &[Locale]) -> Option<Choice<'a>> {
    let available: Vec<&Locale> = own.iter().map(|template| &template.locale).chain(built_in).collect();
    let asked = std::slice::from_ref(asked);
    let locale = lookup(asked, &available).cloned().or_else(|| language(asked).filter(|language| built_in.contains(language)));
    locale.map(|locale| written_in(locale, own))
}

fn written_in(locale: Locale, own: &[MailTemplate]) -> Choice<'_> {
    own.iter().find(|template| template.locale == locale).map_or(Choice::BuiltIn(locale), Choice::Own)
}

/// A part of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TemplatePart {
    /// The subject.
    Subject,
    /// The plain text.
    Text,
    /// The HTML.
    Html,
}

impl TemplatePart {
    /// Returns the name of the field on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Text => "text",
            Self::Html => "html",
        }
    }
}

/// A fault in the source of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// The part.
    pub part: TemplatePart,
    /// The line, from 1, if it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub reason: String,
}

impl From<TemplateError> for FieldError {
    fn from(error: TemplateError) -> Self {
        Self::new(error.part.as_str(), Invalid::new(error.to_string()))
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

/// Why a template was not rendered with its data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the template cannot be rendered: {part}: {0}", part = .0.part.as_str())]
pub struct RenderError(pub TemplateError);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::LANGUAGES;

    fn own(locale: &str) -> MailTemplate {
        MailTemplate {
            workspace_id: WorkspaceId::new(uuid::Uuid::nil()),
            kind: MailKind::Welcome,
            locale: Locale::parse(locale).unwrap(),
            source: TemplateSource { subject: "s".to_owned(), text: "t".to_owned(), html: None },
            updated_at: Timestamp::parse("2026-01-31T09:00:00Z").unwrap(),
        }
    }

    #[test]
    fn a_mail_has_the_template_of_its_language() {
        let locale = |tag: &str| Locale::parse(tag).unwrap();
        let built_in = LANGUAGES.map(locale);
        for (asked, fallback, mine, chosen) in [
            // By what is asked, the workspace's own first.
            ("de-CH", "fr", &[][..], "built-in de"),
            ("de-CH", "fr", &["de"], "own de"),
            ("de-CH", "fr", &["de", "de-CH"], "own de-CH"),
            ("de", "fr", &["de-CH", "en"], "built-in de"),
            ("sv", "fr", &["sv"], "own sv"),
            // Then by the fallback, whether its template is the workspace's or not.
            ("sv", "fr-CA", &["de"], "built-in fr"),
            ("sv", "fr-CA", &["fr", "de"], "own fr"),
            ("sv", "da", &["da"], "own da"),
            ("fr", "da", &["da"], "built-in fr"),
            // Then in English.
            ("sv", "da", &["de"], "built-in en"),
            ("sv", "da", &["en"], "own en"),
            ("sv", "da", &["en-GB"], "built-in en"),
            // Languages that are built in with more than their name.
            ("pt-PT", "fr", &[], "built-in pt-BR"),
            ("pt-PT", "fr", &["pt-BR"], "own pt-BR"),
            ("pt-PT", "fr", &["pt"], "own pt"),
            ("zh-SG", "fr", &[], "built-in zh-Hans"),
            ("zh-CN", "fr", &["zh-Hans"], "own zh-Hans"),
            ("zh-TW", "fr", &["zh-Hans"], "built-in fr"),
            ("zh-TW", "zh", &["zh-Hant"], "built-in zh-Hans"),
        ] {
            let own: Vec<MailTemplate> = mine.iter().map(|tag| own(tag)).collect();
            let choice = choose(&locale(asked), &locale(fallback), &own, &built_in);
            let whose = if matches!(choice, Choice::Own(_)) { "own" } else { "built-in" };
            assert_eq!(format!("{whose} {}", choice.locale()), chosen, "{asked}, {fallback}, {mine:?}");
        }
    }

    #[test]
    fn a_language_that_is_not_built_in_is_not_chosen() {
        let english = [Locale::english()];
        assert_eq!(
            choose(&Locale::parse("pt-PT").unwrap(), &Locale::parse("zh").unwrap(), &[], &english),
            Choice::BuiltIn(Locale::english())
        );
    }

    fn refused(subject: &str, text: &str, html: Option<&str>) -> Vec<String> {
        let source = TemplateSource { subject: subject.to_owned(), text: text.to_owned(), html: html.map(str::to_owned) };
        source.check_sizes().map_or_else(|errors| errors.into_iter().map(|error| error.field).collect(), |()| Vec::new())
    }

    #[test]
    fn each_part_has_its_size() {
        let (text, html) = ("x".repeat(TemplateSource::MAX_TEXT), "x".repeat(TemplateSource::MAX_HTML));
        assert_eq!(refused(&"é".repeat(200), &text, Some(&html)), [] as [&str; 0]);
        assert_eq!(refused(&"é".repeat(201), &format!("{text}x"), Some(&format!("{html}x"))), ["subject", "text", "html"]);
        assert_eq!(refused(" ", "", Some("")), ["subject", "text", "html"]);
        assert_eq!(refused("s", "t", None), [] as [&str; 0]);
    }
}
