//! States as a word and a shape, never as a colour alone.

use std::fmt;

use askama::filters::HtmlSafe;

use super::html::escape;

/// A state by its name on the wire, such as `approved` or `paused`. A name that is not known is shown as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State(pub String);

impl HtmlSafe for State {}

impl From<&str> for State {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl State {
    /// Whether this is the state of that name.
    pub fn is(&self, name: &str) -> bool {
        self.0 == name
    }

    fn tone(&self) -> &'static str {
        match self.0.as_str() {
            "approved" | "active" | "credited" | "sent" | "delivered" | "done" | "confirmed" => "good",
            "rejected" | "revoked" | "failed" | "dead" | "disabled" => "bad",
            "pending" | "waiting" | "withheld" | "queued" | "running" | "paused" => "wait",
            _ => "calm",
        }
    }

    /// Returns the word for people.
    pub fn word(&self) -> String {
        let mut letters = self.0.replace('_', " ");
        if let Some(first) = letters.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        letters
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<span class=\"state {}\">{}</span>", self.tone(), escape(&self.word()))
    }
}
