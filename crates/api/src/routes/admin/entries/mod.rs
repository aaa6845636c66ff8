//! Entries on the admin surface.

pub mod bulk;
pub mod export;
pub mod invite;
pub mod read;
pub mod review;

use rally_domain::entry::Entry;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

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
    #[schema(value_type = EntryStatusName)]
    status: &'static str,
    #[schema(required, format = DateTime)]
    invited_at: Option<String>,
    #[schema(required)]
    invited_to_app_slug: Option<String>,
    /// Answers to the custom fields by their keys, and everything else that was sent.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<&Entry> for EntryView {
    fn from(entry: &Entry) -> Self {
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
            status: entry.status.as_str(),
            invited_at: entry.invitation.as_ref().map(|invitation| invitation.at.to_string()),
            invited_to_app_slug: entry.invitation.as_ref().and_then(|invitation| invitation.app_slug.clone()),
            metadata: entry.profile.metadata.document().clone(),
            created_at: entry.created_at.to_string(),
            updated_at: entry.updated_at.to_string(),
        }
    }
}
