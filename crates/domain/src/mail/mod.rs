//! Mail: messages of a workspace to people on its lists, with data that never changes, and the result of an attempt.

mod kind;
mod message;
mod outcome;
mod template;

use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

pub use self::kind::MailKind;
pub use self::message::{Content, Message, Rendered, Sender};
pub use self::outcome::{MailOutcome, MailReport, SettleMail};
pub use self::template::{RenderError, TemplateError, TemplatePart, TemplateSource};

use crate::email::Email;
use crate::entry::Entry;
use crate::event::EventKind;
use crate::id::{ClaimId, EntryId, EventId, MailId, WaitlistId, WorkspaceId};
use crate::invite::Invite;
use crate::referral::ReferralCode;
use crate::secret::StoreSecret;
use crate::slug::Slug;
use crate::timestamp::Timestamp;
use crate::waitlist::Waitlist;
use crate::workspace::Brand;

/// The links that people get: a base URL, and the secret that makes their tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    base: Arc<str>,
    secret: Arc<StoreSecret>,
}

impl Links {
    /// Creates links below an absolute URL. A slash at its end makes no difference.
    pub fn new(base: &str, secret: StoreSecret) -> Self {
        Self { base: base.trim_end_matches('/').into(), secret: secret.into() }
    }

    /// Returns the same links below another absolute URL.
    #[must_use]
    pub fn with_base(&self, base: &str) -> Self {
        Self { base: base.trim_end_matches('/').into(), secret: self.secret.clone() }
    }

    /// Returns the secret of the store.
    pub fn secret(&self) -> &StoreSecret {
        &self.secret
    }

    /// Returns the link for referrals: the public address of the list, with a referral code to sign up with.
    pub fn referral(&self, workspace: &Slug, waitlist: &Slug, code: &ReferralCode) -> String {
        format!("{}/v1/waitlists/{}/{}?referral_code={}", self.base, workspace.as_str(), waitlist.as_str(), code.as_str())
    }
}

/// How a workspace sends mail while its notifications are on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailSetup {
    /// The workspace's slug.
    pub workspace_slug: Slug,
    /// The brand of the workspace.
    pub brand: Brand,
    /// The address that the mail comes from.
    pub from: Email,
    /// The names of the templates.
    pub templates: Templates,
}

/// The names of the templates for each kind of event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Templates {
    /// For a sign-up.
    pub welcome: String,
    /// For an approved entry.
    pub approved: String,
    /// For a rejected entry.
    pub rejected: String,
}

impl Templates {
    fn of(&self, kind: EventKind) -> &str {
        match kind {
            EventKind::EntryCreated => &self.welcome,
            EventKind::EntryApproved => &self.approved,
            EventKind::EntryRejected => &self.rejected,
        }
    }
}

/// A mail to a person on a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The id of the mail. The mail service sends one mail for this key, however often it is asked.
    pub id: MailId,
    /// The workspace of the template.
    pub workspace_id: WorkspaceId,
    /// The list.
    pub waitlist_id: WaitlistId,
    /// The person.
    pub entry_id: EntryId,
    /// The template.
    pub template: String,
    /// The address of the sender.
    pub from: Email,
    /// The address of the person.
    pub to: Email,
    /// The data for the template: a JSON object, the same on every attempt.
    pub data: String,
    /// When the event of the mail happened.
    pub created_at: Timestamp,
}

impl Mail {
    /// Creates the mail of an event, with the entry and its list as they are now.
    pub fn of_event(
        setup: &MailSetup,
        links: &Links,
        (id, kind): (EventId, EventKind),
        now: Timestamp,
        entry: &Entry,
        waitlist: &Waitlist,
    ) -> Self {
        Self::new(MailId::new(id.uuid()), setup.templates.of(kind), setup, now, entry, data(setup, links, entry, waitlist, None))
    }

    /// Creates the mail with the link of an invitation into an app.
    ///
    /// The id is derived from the invitation. Therefore one invitation causes one mail, however often it is recorded.
    pub fn of_invitation(setup: &MailSetup, links: &Links, invite: &Invite, now: Timestamp, entry: &Entry, waitlist: &Waitlist) -> Self {
        let id = MailId::new(Uuid::new_v5(&entry.id.uuid(), invite.id.as_bytes()));
        let data = data(setup, links, entry, waitlist, invite.url.as_deref());
        Self::new(id, &setup.templates.approved, setup, now, entry, data)
    }

    /// Returns the message to send.
    pub fn message(&self) -> Message {
        Message {
            id: self.id,
            workspace_id: self.workspace_id,
            from: Sender { name: None, address: self.from.clone() },
            reply_to: None,
            to: self.to.clone(),
            content: Content::Template { name: self.template.clone(), data: self.data.clone() },
            unsubscribe_url: None,
            written_at: self.created_at,
        }
    }

    fn new(id: MailId, template: &str, setup: &MailSetup, now: Timestamp, entry: &Entry, data: String) -> Self {
        Self {
            id,
            workspace_id: entry.workspace_id,
            waitlist_id: entry.waitlist_id,
            entry_id: entry.id,
            template: template.to_owned(),
            from: setup.from.clone(),
            to: entry.profile.email.clone(),
            data,
            created_at: now,
        }
    }
}

#[derive(Serialize)]
struct Data<'a> {
    entry: EntryData<'a>,
    waitlist: WaitlistData<'a>,
    brand: BrandData<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invite_url: Option<&'a str>,
}

#[derive(Serialize)]
struct EntryData<'a> {
    id: String,
    email: &'a str,
    name: &'a str,
    position: u64,
    effective_position: u64,
    referral_code: &'a str,
    referral_url: String,
    status: &'static str,
}

#[derive(Serialize)]
struct WaitlistData<'a> {
    slug: &'a str,
    display_name: &'a str,
}

#[derive(Serialize)]
struct BrandData<'a> {
    name: Option<&'a str>,
    logo_url: Option<&'a str>,
    primary_color: Option<&'a str>,
}

fn data(setup: &MailSetup, links: &Links, entry: &Entry, waitlist: &Waitlist, invite_url: Option<&str>) -> String {
    let data = Data {
        entry: EntryData {
            id: entry.id.to_string(),
            email: entry.profile.email.as_str(),
            name: entry.profile.name.as_str(),
            position: entry.position.number(),
            effective_position: entry.position.effective(entry.referral_count, waitlist.settings.referral_boost).number(),
            referral_code: entry.referral_code.as_str(),
            referral_url: links.referral(&setup.workspace_slug, &waitlist.slug, &entry.referral_code),
            status: entry.status.as_str(),
        },
        waitlist: WaitlistData { slug: waitlist.slug.as_str(), display_name: waitlist.display_name.as_str() },
        brand: BrandData {
            name: setup.brand.name.as_deref(),
            logo_url: setup.brand.logo_url.as_deref(),
            primary_color: setup.brand.primary_color.as_deref(),
        },
        invite_url,
    };
    serde_json::to_string(&data).expect("texts and numbers serialise")
}

/// A claimed mail. This process may try to send it until its lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedMail {
    /// The claim. It is the fence: the mail is settled only while this claim holds.
    pub claim: ClaimId,
    /// The number of this attempt, from 1. It counts even if the attempt is never settled.
    pub attempt: u32,
    /// The mail.
    pub mail: Mail,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_the_list_with_or_without_a_slash_after_its_base() {
        let (workspace, list) = (Slug::parse("acme").unwrap(), Slug::parse("early").unwrap());
        let code = ReferralCode::from_entropy(7);
        for base in ["https://rally.example/x", "https://rally.example/x/"] {
            let link = Links::new(base, StoreSecret::new([7; 32])).referral(&workspace, &list, &code);
            assert_eq!(link, format!("https://rally.example/x/v1/waitlists/acme/early?referral_code={}", code.as_str()));
        }
    }
}
