//! Entries on the admin surface.

pub mod bulk;
pub mod export;
pub mod invite;
pub mod new_link;
pub mod read;
pub mod review;
pub mod search;

use rally_domain::consent::Consent;
use rally_domain::entry::Entry;
use rally_domain::waitlist::Waitlist;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Action, Admin};
use crate::routes::schema::EntryStatusName;

/// A person on a waitlist.
#[derive(Serialize, ToSchema)]
#[schema(as = Entry)]
pub struct EntryView {
    #[schema(format = Uuid)]
    id: String,
    #[schema(format = Uuid)]
    waitlist_id: String,
    #[schema(format = Uuid)]
    workspace_id: String,
    #[schema(format = Email)]
    email: String,
    name: String,
    #[schema(required)]
    interest: Option<String>,
    /// Where the person heard of the waitlist.
    #[schema(required)]
    referrer: Option<String>,
    /// The code that others can sign up with.
    referral_code: String,
    /// Counted sign-ups with this code.
    referral_count: u64,
    /// The entry whose code the person used.
    #[schema(required, format = Uuid)]
    referred_by_entry_id: Option<String>,
    /// The position in the order of signing up.
    position: u64,
    /// The position, improved by referrals.
    effective_position: u64,
    #[schema(value_type = EntryStatusName)]
    status: &'static str,
    /// The language of mail to the person, as a BCP 47 tag. Null means that of the workspace.
    #[schema(required, example = "de")]
    locale: Option<String>,
    /// What the person agreed to when signing up. Null if the waitlist asked for nothing.
    #[schema(required)]
    consent: Option<ConsentView>,
    /// When the person confirmed the address. Null if nobody asked for it.
    #[schema(required, format = DateTime)]
    confirmed_at: Option<String>,
    #[schema(required, format = DateTime)]
    invited_at: Option<String>,
    #[schema(required)]
    invited_to_app_slug: Option<String>,
    /// Answers to the custom fields by their keys, and everything else that was sent.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    /// The person's own page. Whoever has the link can see and change it. Null for clients that may not do `entry.update`.
    #[schema(required, format = "uri")]
    status_url: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// What a person agreed to when signing up.
#[derive(Serialize, ToSchema)]
#[schema(as = Consent)]
pub(in crate::routes) struct ConsentView {
    /// The text beside the box that was ticked.
    text: String,
    /// The SHA-256 of the text in UTF-8.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    sha256: String,
    /// When the form was sent.
    #[schema(format = DateTime)]
    at: String,
}

impl From<&Consent> for ConsentView {
    fn from(consent: &Consent) -> Self {
        let document = consent.document();
        Self { text: document.text.to_owned(), sha256: document.sha256, at: document.at.to_string() }
    }
}

impl EntryView {
    /// The entry of a list, as an admin may see it.
    pub(super) fn new(app: &App, admin: &Admin, waitlist: &Waitlist, entry: &Entry) -> Self {
        let status_url = admin.may(Action::EntryUpdate).then(|| app.ports.links.status(entry.id, entry.link_generation));
        Self {
            id: entry.id.to_string(),
            waitlist_id: entry.waitlist_id.to_string(),
            workspace_id: entry.workspace_id.to_string(),
            email: entry.profile.email.to_string(),
            name: entry.profile.name.to_string(),
            interest: entry.profile.interest.as_ref().map(ToString::to_string),
            referrer: entry.profile.referrer.as_ref().map(ToString::to_string),
            referral_code: entry.referral_code.to_string(),
            referral_count: entry.referral_count,
            referred_by_entry_id: entry.referred_by.map(|id| id.to_string()),
            position: entry.position.number(),
            effective_position: entry.position.effective(entry.referral_count, waitlist.settings.referral_boost).number(),
            status: entry.status.as_str(),
            locale: entry.profile.locale.as_ref().map(ToString::to_string),
            consent: entry.profile.consent.as_ref().map(ConsentView::from),
            confirmed_at: entry.confirmed_at.map(|at| at.to_string()),
            invited_at: entry.invitation.as_ref().map(|invitation| invitation.at.to_string()),
            invited_to_app_slug: entry.invitation.as_ref().and_then(|invitation| invitation.app_slug.clone()),
            metadata: entry.profile.metadata.document().clone(),
            status_url,
            created_at: entry.created_at.to_string(),
            updated_at: entry.updated_at.to_string(),
        }
    }
}
