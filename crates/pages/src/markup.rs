//! Text that is safe inside HTML.

use std::fmt;

use askama::filters::HtmlSafe;

/// Marks around a value of another direction, as Fluent sets them (U+2068 and U+2069).
const ISOLATE: char = '\u{2068}';
const END_ISOLATE: char = '\u{2069}';

/// A piece of HTML that is safe in text and in quoted attributes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Markup(String);

impl HtmlSafe for Markup {}

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Markup {
    /// Escapes a text. Values between marks of isolation become `<bdi>`.
    pub(crate) fn of_message(message: &str) -> Self {
        let mut html = String::with_capacity(message.len() + 16);
        for c in message.chars() {
            match c {
                ISOLATE => html.push_str("<bdi>"),
                END_ISOLATE => html.push_str("</bdi>"),
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '"' => html.push_str("&quot;"),
                '\'' => html.push_str("&#39;"),
                c => html.push(c),
            }
        }
        Self(html)
    }

    /// Escapes a text of a person or an operator.
    pub(crate) fn of_text(text: &str) -> Self {
        Self::of_message(&without_controls(text))
    }

    /// Wraps HTML that this crate has written.
    pub(crate) const fn of_html(html: String) -> Self {
        Self(html)
    }
}

/// Removes the marks of isolation from a message, for places that take no HTML.
pub(crate) fn without_isolation(message: &str) -> String {
    message.chars().filter(|c| !matches!(*c, ISOLATE | END_ISOLATE)).collect()
}

/// Removes the characters that change the direction of what follows.
pub(crate) fn without_controls(text: &str) -> String {
    text.chars().filter(|c| !matches!(*c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        let html = Markup::of_text("<b a='1' c=\"2\">&\u{2069}\u{202E}").to_string();
        assert_eq!(html, "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;");
        assert_eq!(Markup::of_message("a \u{2068}<i>\u{2069}").to_string(), "a <bdi>&lt;i&gt;</bdi>");
    }
}
