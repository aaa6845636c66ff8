//! The page that a link for confirming leads to.

use askama::Template;
use rally_domain::timestamp::Timestamp;

use crate::assets;
use crate::frame::{Frame, Framed};

/// Asks a person to confirm a sign-up. Opening the page changes nothing.
#[derive(Debug, Clone, Copy, Template)]
#[template(path = "confirm.html", whitespace = "minimize")]
pub struct ConfirmPage<'a> {
    /// What every page has.
    pub frame: Frame<'a>,
    /// The name of the waitlist.
    pub list: &'a str,
    /// The name that will be stored.
    pub name: &'a str,
    /// The address, masked or whole.
    pub email: &'a str,
    /// When the link expires.
    pub expires_at: Timestamp,
    /// The address that confirms.
    pub action: &'a str,
    /// The page that asks before it refuses.
    pub refuse: &'a str,
}

impl Framed for ConfirmPage<'_> {
    fn frame(&self) -> &Frame<'_> {
        &self.frame
    }

    fn title(&self) -> String {
        self.texts().plain("confirm-title")
    }

    fn scripts(&self) -> Vec<&'static str> {
        vec![assets::form()]
    }
}
