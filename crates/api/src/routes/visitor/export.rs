//! Everything that is held about a person, for the person to keep.

use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::{HttpResponse, get, web};
use rally_domain::entry::Invitation;
use rally_domain::error::Fault;
use rally_domain::event::Event;
use rally_domain::mail::MailRecord;
use rally_domain::suppression::Suppression;
use rally_domain::use_case::visit::{self, Holdings};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::FriendView;
use crate::app::App;
use crate::http::error::{AnyFailure, ApiError, LinkFailure};
use crate::http::extract::visitor::Visitor;
use crate::routes::admin::entries::ConsentView;
use crate::routes::schema::{EntryStatusName, EventName, MailKindName, MailStateName, ReasonName};

/// Everything that is held about a person.
#[derive(Serialize, ToSchema)]
#[schema(as = VisitorExport)]
struct ExportView {
    #[schema(format = DateTime)]
    exported_at: String,
    waitlist: ListView,
    entry: HeldEntryView,
    /// The last invitation into an app.
    #[schema(required)]
    invitation: Option<InvitationView>,
    /// All friends who signed up with the person's code, newest first.
    referrals: Vec<FriendView>,
    /// Mail to the person, oldest first.
    mails: Vec<HeldMailView>,
    /// What was told about the entry, oldest first.
    events: Vec<HeldEventView>,
    /// Why the person's address gets no mail, newest first.
    suppressions: Vec<HeldSuppressionView>,
}

/// The waitlist of an exported entry.
#[derive(Serialize, ToSchema)]
#[schema(as = VisitorExportWaitlist)]
struct ListView {
    #[schema(format = Uuid)]
    id: String,
    slug: String,
    display_name: String,
    #[schema(format = Uuid)]
    workspace_id: String,
    workspace_slug: String,
}

/// An exported entry.
#[derive(Serialize, ToSchema)]
#[schema(as = VisitorExportEntry)]
struct HeldEntryView {
    #[schema(format = Uuid)]
    id: String,
    #[schema(format = Email)]
    email: String,
    name: String,
    #[schema(required)]
    interest: Option<String>,
    /// Where the person heard of the waitlist.
    #[schema(required)]
    referrer: Option<String>,
    /// The language of mail to the person, as a BCP 47 tag.
    #[schema(required)]
    locale: Option<String>,
    /// Answers to the custom fields by their keys, and everything else that was sent.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    /// What the person agreed to when signing up. Null if the waitlist asked for nothing.
    #[schema(required)]
    consent: Option<ConsentView>,
    #[schema(value_type = EntryStatusName)]
    status: &'static str,
    position: u64,
    effective_position: u64,
    referral_code: String,
    /// The codes of the person at other services, which work here too.
    old_codes: Vec<String>,
    referral_count: u64,
    /// The entry whose code the person used.
    #[schema(required, format = Uuid)]
    referred_by_entry_id: Option<String>,
    /// The variant of the texts that the person saw.
    #[schema(required, format = Uuid)]
    variant_id: Option<String>,
    #[schema(format = "uri")]
    status_url: String,
    /// How often the link was replaced.
    links_replaced: u32,
    /// When the person confirmed the address. Null if the waitlist did not ask for it.
    #[schema(required, format = DateTime)]
    confirmed_at: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// An invitation into an app.
#[derive(Serialize, ToSchema)]
#[schema(as = VisitorExportInvitation)]
struct InvitationView {
    app_slug: Option<String>,
    #[schema(format = DateTime)]
    invited_at: String,
}

/// A mail to a person.
#[derive(Serialize, ToSchema)]
#[schema(as = VisitorExportMail)]
struct HeldMailView {
    #[schema(format = Uuid)]
    id: String,
    #[schema(value_type = MailKindName)]
    kind: &'static str,
    locale: String,
    #[schema(format = Email)]
    to: String,
    #[schema(value_type = MailStateName)]
    state: &'static str,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required, format = DateTime)]
    sent_at: Option<String>,
}

/// An event about an entry.
#[derive(Serialize, ToSchema)]
#[schema(as = VisitorExportEvent)]
struct HeldEventView {
    #[schema(format = Uuid)]
    id: String,
    #[schema(value_type = EventName)]
    r#type: &'static str,
    #[schema(format = DateTime)]
    occurred_at: String,
    /// What webhooks were told.
    #[schema(value_type = Object)]
    body: Box<RawValue>,
}

/// A reason for which an address gets no mail.
#[derive(Serialize, ToSchema)]
#[schema(as = VisitorExportSuppression)]
struct HeldSuppressionView {
    #[schema(value_type = ReasonName)]
    reason: &'static str,
    #[schema(format = DateTime)]
    created_at: String,
}

impl ExportView {
    fn new(app: &App, visitor: &visit::Visitor, held: &Holdings) -> Result<Self, Fault> {
        let visit::Visitor { entry, waitlist, workspace_slug, .. } = visitor;
        Ok(Self {
            exported_at: app.ports.clock.now().to_string(),
            waitlist: ListView {
                id: waitlist.id.to_string(),
                slug: waitlist.slug.to_string(),
                display_name: waitlist.display_name.to_string(),
                workspace_id: waitlist.workspace_id.to_string(),
                workspace_slug: workspace_slug.to_string(),
            },
            entry: HeldEntryView::new(app, visitor, held.records.old_codes.clone()),
            invitation: entry.invitation.as_ref().map(InvitationView::from),
            referrals: held.friends.iter().map(FriendView::from).collect(),
            mails: held.records.mails.iter().map(HeldMailView::from).collect(),
            events: held.records.events.iter().map(HeldEventView::read).collect::<Result<_, _>>()?,
            suppressions: held.suppressions.iter().map(HeldSuppressionView::from).collect(),
        })
    }
}

impl HeldEntryView {
    fn new(app: &App, visitor: &visit::Visitor, old_codes: Vec<String>) -> Self {
        let entry = &visitor.entry;
        let profile = &entry.profile;
        Self {
            id: entry.id.to_string(),
            email: profile.email.to_string(),
            name: profile.name.to_string(),
            interest: profile.interest.as_ref().map(ToString::to_string),
            referrer: profile.referrer.as_ref().map(ToString::to_string),
            locale: profile.locale.as_ref().map(ToString::to_string),
            metadata: profile.metadata.document().clone(),
            consent: profile.consent.as_ref().map(ConsentView::from),
            status: entry.status.as_str(),
            position: entry.position.number(),
            effective_position: visitor.place().number(),
            referral_code: entry.referral_code.to_string(),
            old_codes,
            referral_count: entry.referral_count,
            referred_by_entry_id: entry.referred_by.map(|id| id.to_string()),
            variant_id: entry.variant_id.map(|id| id.to_string()),
            status_url: app.ports.links.status(entry.id, entry.link_generation),
            links_replaced: entry.link_generation,
            confirmed_at: entry.confirmed_at.map(|at| at.to_string()),
            created_at: entry.created_at.to_string(),
            updated_at: entry.updated_at.to_string(),
        }
    }
}

impl From<&Invitation> for InvitationView {
    fn from(invitation: &Invitation) -> Self {
        Self { app_slug: invitation.app_slug.clone(), invited_at: invitation.at.to_string() }
    }
}

impl From<&MailRecord> for HeldMailView {
    fn from(mail: &MailRecord) -> Self {
        Self {
            id: mail.id.to_string(),
            kind: mail.kind.as_str(),
            locale: mail.locale.to_string(),
            to: mail.to.to_string(),
            state: mail.state.as_str(),
            created_at: mail.created_at.to_string(),
            sent_at: mail.sent_at.map(|at| at.to_string()),
        }
    }
}

impl HeldEventView {
    fn read(event: &Event) -> Result<Self, Fault> {
        Ok(Self {
            id: event.id.to_string(),
            r#type: event.kind.as_str(),
            occurred_at: event.occurred_at.to_string(),
            body: RawValue::from_string(event.body.clone()).map_err(Fault::unexpected)?,
        })
    }
}

impl From<&Suppression> for HeldSuppressionView {
    fn from(suppression: &Suppression) -> Self {
        Self { reason: suppression.reason.as_str(), created_at: suppression.created_at.to_string() }
    }
}

/// Export a person's data
///
/// Everything that is held about the person, as a file.
#[utoipa::path(
    tag = "Visitor", operation_id = "export_visitor", params(Visitor),
    responses((status = 200, description = "The data.", body = ExportView), LinkFailure, AnyFailure),
)]
#[get("/export")]
pub async fn export(app: web::Data<App>, visitor: Visitor) -> Result<HttpResponse, ApiError> {
    let held = visit::take_with(&app.ports, &visitor.0).await?;
    let view = ExportView::new(&app, &visitor.0, &held)?;
    let disposition = format!("attachment; filename=\"{}-data.json\"", visitor.0.waitlist.slug);
    Ok(HttpResponse::Ok().insert_header((CONTENT_DISPOSITION, disposition)).json(view))
}
