//! The page that sends a lost link.

use askama::Template;

use crate::assets;
use crate::form::{Change, Control, Form, Shape};
use crate::frame::{Frame, Framed};

/// Asks for the address that a lost link is sent to.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "lost_link.html", whitespace = "minimize")]
pub struct LostLinkPage<'a> {
    /// What every page has.
    pub frame: Frame<'a>,
    /// The name of the waitlist.
    pub list: &'a str,
    /// The address that the form is posted to. It takes `email`.
    pub action: &'a str,
    /// What was typed, and what is to be changed. It has no custom fields.
    pub form: Form<'a>,
    /// The sign-up page.
    pub back: Option<&'a str>,
}

impl LostLinkPage<'_> {
    fn control(&self) -> Control {
        self.form.email(self.texts())
    }

    fn changes(&self) -> Vec<Change> {
        self.form.changes(&[self.control()], self.texts())
    }
}

impl Framed for LostLinkPage<'_> {
    fn frame(&self) -> &Frame<'_> {
        &self.frame
    }

    fn title(&self) -> String {
        self.texts().title(&self.texts().plain("lost-title"), !self.form.problems.is_empty())
    }

    fn scripts(&self) -> Vec<&'static str> {
        vec![assets::form()]
    }
}
