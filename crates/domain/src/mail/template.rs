//! Templates: the source of the subject, the text and the HTML of a kind of mail in one language.

use std::fmt;

use crate::error::{FieldError, Invalid};

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

/// A part of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
