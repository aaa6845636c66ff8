//! What is known of a mail after it was written.

use crate::email::Email;
use crate::id::MailId;
use crate::locale::Locale;
use crate::mail::{MailKind, MailState};
use crate::timestamp::Timestamp;

/// A mail to a person, as the person is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRecord {
    /// The id of the mail.
    pub id: MailId,
    /// Why it was written.
    pub kind: MailKind,
    /// The language that it was written for.
    pub locale: Locale,
    /// The address that it goes to.
    pub to: Email,
    /// How far it has come.
    pub state: MailState,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was taken. Mail that an older program sent has none.
    pub sent_at: Option<Timestamp>,
}
