//! Sign-ups that wait for their confirmation.

use askama::Template;

use super::framed;
use crate::frame::{Frame, Framed};
use crate::part::{Count, Pager, Time};

/// A sign-up that waits for its confirmation.
#[derive(Debug, Clone)]
pub struct ConfirmationRow {
    /// The id.
    pub id: String,
    /// The address.
    pub email: String,
    /// The name.
    pub name: String,
    /// When the person signed up.
    pub requested_at: Time,
    /// When it expires.
    pub expires_at: Time,
    /// The number of mails that were sent.
    pub mails_sent: Count,
    /// When the last mail was sent.
    pub last_mail_at: Option<Time>,
}

/// The sign-ups that wait for their confirmation: `GET {w}/confirmations`.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "confirmations.html", whitespace = "minimize")]
pub struct ConfirmationsPage {
    /// The frame.
    pub frame: Frame,
    /// Whether the list asks for confirmations.
    pub is_on: bool,
    /// The number that waits.
    pub waiting: Count,
    /// The sign-ups, oldest first.
    pub rows: Vec<ConfirmationRow>,
    /// The other pages. Its part is `confirmations`.
    pub pager: Pager,
}

framed!(ConfirmationsPage, Confirmations, |_page| "Confirmations".to_owned());
