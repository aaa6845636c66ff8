//! HTML that this crate wrote.

use std::fmt;

use askama::filters::HtmlSafe;

/// A piece of HTML that is safe in text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Html(String);

impl HtmlSafe for Html {}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Html {
    /// Wraps HTML in which every text is escaped.
    pub(crate) const fn of(html: String) -> Self {
        Self(html)
    }
}

/// Escapes a text for places between tags and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}
