//! Messages: mail in the form that a mail service is given.

use serde::Serialize;

use crate::email::Email;
use crate::id::{MailId, WorkspaceId};
use crate::timestamp::Timestamp;

/// A mail as it is given to a [`Mailer`](crate::port::Mailer).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The id of the mail, the same on every attempt.
    pub id: MailId,
    /// The workspace that sends it.
    pub workspace_id: WorkspaceId,
    /// The sender.
    pub from: Sender,
    /// The address for replies, if it is not the sender's.
    pub reply_to: Option<Email>,
    /// The address of the recipient.
    pub to: Email,
    /// The content.
    pub content: Content,
    /// The URL that ends the mail to this person with one POST (RFC 8058). Only mail that a person may end has one.
    pub unsubscribe_url: Option<String>,
    /// When the mail was written.
    pub written_at: Timestamp,
}

/// The sender of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The name that people see, if there is one.
    pub name: Option<String>,
    /// The address.
    pub address: Email,
}

/// The content of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A template that the mail service keeps. The service renders it.
    Template {
        /// The name of the template.
        name: String,
        /// The data for the template: a JSON object.
        data: String,
    },
    /// A message that is rendered.
    Rendered(Rendered),
}

/// A rendered message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rendered {
    /// The subject: one line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML, if there is any.
    pub html: Option<String>,
}
