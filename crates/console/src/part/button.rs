//! Buttons that change something: a form of their own with the token of the session.

use std::fmt;

use askama::filters::HtmlSafe;

use super::html::escape;

/// A form of one button.
#[derive(Debug, Clone, Default)]
pub struct Button {
    csrf: String,
    action: String,
    fields: Vec<(String, String)>,
    label: String,
    about: String,
    class: &'static str,
    key: &'static str,
    swap: &'static str,
}

impl HtmlSafe for Button {}

impl Button {
    pub(crate) fn new(csrf: &str, action: String, label: &str) -> Self {
        Self { csrf: csrf.to_owned(), action, label: label.to_owned(), ..Self::default() }
    }

    /// Sends a field.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Names what the button is about, for people who do not see the row that it stands in.
    pub(crate) fn about(mut self, about: &str) -> Self {
        about.clone_into(&mut self.about);
        self
    }

    pub(crate) const fn main(mut self) -> Self {
        self.class = "main";
        self
    }

    pub(crate) const fn bad(mut self) -> Self {
        self.class = "bad";
        self
    }

    pub(crate) const fn small(mut self) -> Self {
        self.class = "small";
        self
    }

    /// Takes a key of the keyboard.
    pub(crate) const fn key(mut self, key: &'static str) -> Self {
        self.key = key;
        self
    }

    /// Replaces only a part of the page.
    pub(crate) const fn swap(mut self, id: &'static str) -> Self {
        self.swap = id;
        self
    }
}

impl fmt::Display for Button {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<form method=\"post\" action=\"{}\"", escape(&self.action))?;
        if !self.swap.is_empty() {
            write!(f, " data-swap=\"{}\"", self.swap)?;
        }
        write!(f, "><input type=\"hidden\" name=\"csrf\" value=\"{}\">", escape(&self.csrf))?;
        for (name, value) in &self.fields {
            write!(f, "<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value))?;
        }
        f.write_str("<button")?;
        if !self.class.is_empty() {
            write!(f, " class=\"{}\"", self.class)?;
        }
        if !self.key.is_empty() {
            write!(f, " data-key=\"{}\"", self.key)?;
        }
        write!(f, ">{}", escape(&self.label))?;
        if !self.about.is_empty() {
            write!(f, "<span class=\"apart\"> {}</span>", escape(&self.about))?;
        }
        f.write_str("</button></form>")
    }
}
