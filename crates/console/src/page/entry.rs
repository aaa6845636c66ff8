//! One entry.

use askama::Template;

use super::access::AuditRow;
use super::mail::MailRow;
use super::referrals::ReferralRow;
use super::{Conflict, framed};
use crate::frame::{Frame, Framed};
use crate::part::{Count, State, Time};

/// A person who is named beside something else.
#[derive(Debug, Clone, Default)]
pub struct Person {
    /// The id of the entry.
    pub id: String,
    /// The address.
    pub email: String,
}

/// What an entry is.
#[derive(Debug, Clone)]
pub struct EntryView {
    /// The id.
    pub id: String,
    /// The address.
    pub email: String,
    /// The name.
    pub name: String,
    /// `pending`, `approved` or `rejected`.
    pub status: State,
    /// The position.
    pub position: Count,
    /// The effective position.
    pub effective: Count,
    /// The referral code.
    pub referral_code: String,
    /// The number of credited referrals.
    pub referral_count: Count,
    /// The person's own link, if the session may see it.
    pub status_url: Option<String>,
    /// The language.
    pub locale: Option<String>,
    /// Where the person came from.
    pub referrer: Option<String>,
    /// What the person is interested in.
    pub interest: Option<String>,
    /// The variant that the person saw.
    pub variant: Option<String>,
    /// When the person signed up.
    pub created_at: Time,
    /// When the person confirmed the address.
    pub confirmed_at: Option<Time>,
    /// When the person was invited.
    pub invited_at: Option<Time>,
    /// The app that the person was invited to.
    pub invited_to: Option<String>,
    /// The text that the person agreed to, and when.
    pub consent: Option<(String, Time)>,
    /// Why the address gets no mail.
    pub suppressed: Option<State>,
}

/// An event about an entry.
#[derive(Debug, Clone)]
pub struct EventRow {
    /// The id.
    pub id: String,
    /// The type, such as `entry.approved`.
    pub kind: String,
    /// When it happened.
    pub at: Time,
    /// How many webhooks got it, wait for it, or did not get it.
    pub deliveries: Vec<(State, Count)>,
}

/// One entry: `GET {w}/entries/{id}`, `{w}/referrals?referrer_entry_id=`, `/mails?entry_id=`, the events feed and the audit log.
#[derive(Debug, Clone, Template)]
#[template(path = "entry.html", whitespace = "minimize")]
pub struct EntryPage {
    /// The frame.
    pub frame: Frame,
    /// The entry.
    pub entry: EntryView,
    /// The answers: the label or key of a question, and what was said.
    pub answers: Vec<(String, String)>,
    /// Who referred the person.
    pub referred_by: Option<Person>,
    /// Whom the person referred, newest first, at most 50.
    pub referrals: Vec<ReferralRow>,
    /// The mails, newest first.
    pub mails: Vec<MailRow>,
    /// The events, newest first. Empty if the session may not see them.
    pub events: Vec<EventRow>,
    /// The rows of the audit log about the entry, newest first. Empty if the session may not see them.
    pub history: Vec<AuditRow>,
    /// Whether the entry can be invited: it is approved, and an app or an invitation link is set.
    pub may_invite: bool,
    /// Whether the server can invite into apps.
    pub has_apps: bool,
    /// The app of the workspace, which an invitation may override.
    pub app_slug: Option<String>,
    /// Whether decisions and invitations send mail to the person.
    pub sends_mail: bool,
    /// Another change that came first.
    pub conflict: Option<Conflict>,
}

framed!(EntryPage, Entries, |page| page.entry.email.clone());

impl EntryPage {
    fn may_approve(&self) -> bool {
        self.can().entry_update && !self.entry.status.is("approved")
    }

    /// An invited entry cannot be rejected.
    fn may_reject(&self) -> bool {
        self.can().entry_update && !self.entry.status.is("rejected") && self.entry.invited_at.is_none()
    }
}
