//! Entries, as the admin surface has them.

use actix_web::{HttpResponse, delete, get, patch, post, web};
use rally_domain::command::{InviteMail, Review, ReviewEntry};
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::error::Invalid;
use rally_domain::id::{EntryId, EventId};
use rally_domain::text::{Lines, clean};
use rally_domain::use_case::bulk::{self, Action};
use rally_domain::use_case::invite::{self, Invitation, Invited};
use rally_domain::waitlist::Waitlist;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::waitlists::waitlist_id;
use crate::app::App;
use crate::auth::{Admin, Granted, permit};
use crate::http::body::Body;
use crate::http::body::fields::{Field, Fields};
use crate::http::error::{AdminFailure, ApiError, BodyFailure, ErrorBody};
use crate::http::extract::list_query::{ListQuery, Listing, Pagination};

/// The waitlist of a path, as what belongs to it names it.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ListParams {
    /// The workspace.
    #[param(value_type = Uuid)]
    #[expect(dead_code, reason = "what lets an admin in reads it")]
    workspace_id: String,
    /// The waitlist.
    #[param(value_type = Uuid)]
    pub waitlist_id: String,
}

/// The entry of a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct EntryParams {
    /// The workspace.
    #[param(value_type = Uuid)]
    #[expect(dead_code, reason = "what lets an admin in reads it")]
    workspace_id: String,
    /// The waitlist.
    #[param(value_type = Uuid)]
    waitlist_id: String,
    /// The entry.
    #[param(value_type = Uuid)]
    entry_id: String,
}

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
    /// How they heard of it.
    #[schema(required)]
    referrer: Option<String>,
    /// The code they hand on.
    referral_code: String,
    /// Honoured sign-ups under their code.
    referral_count: u64,
    /// The entry whose code they used.
    #[schema(required, format = Uuid)]
    referred_by_entry_id: Option<String>,
    /// The place in the order of signing up.
    position: u64,
    #[schema(value_type = EntryStatusName)]
    status: &'static str,
    #[schema(required, format = DateTime)]
    invited_at: Option<String>,
    #[schema(required)]
    invited_to_app_slug: Option<String>,
    /// Answers to the custom fields by their keys, and whatever else was sent.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// Where an entry stands.
#[derive(ToSchema)]
#[schema(as = EntryStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a value, is none")]
pub enum EntryStatusName {
    Pending,
    Approved,
    Rejected,
}

impl From<&Entry> for EntryView {
    fn from(entry: &Entry) -> Self {
        Self {
            id: entry.id.to_string(),
            waitlist_id: entry.waitlist_id.to_string(),
            workspace_id: entry.workspace_id.to_string(),
            email: entry.email.to_string(),
            name: entry.name.to_string(),
            interest: entry.interest.as_ref().map(ToString::to_string),
            referrer: entry.referrer.as_ref().map(ToString::to_string),
            referral_code: entry.referral_code.to_string(),
            referral_count: entry.referral_count,
            referred_by_entry_id: entry.referred_by.map(|id| id.to_string()),
            position: entry.position.number(),
            status: entry.status.as_str(),
            invited_at: entry.invitation.as_ref().map(|invitation| invitation.at.to_string()),
            invited_to_app_slug: entry.invitation.as_ref().map(|invitation| invitation.app_slug.clone()),
            metadata: entry.metadata.document().clone(),
            created_at: entry.created_at.to_string(),
            updated_at: entry.updated_at.to_string(),
        }
    }
}

/// Which entries to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EntryFilter {
    /// Those of this status alone.
    #[param(value_type = Option<EntryStatusName>)]
    status: Option<String>,
}

/// A page of entries, by position.
#[derive(Serialize, ToSchema)]
struct EntryPage {
    data: Vec<EntryView>,
    pagination: Pagination,
}

/// How many.
#[derive(Serialize, ToSchema)]
struct EntryCount {
    count: u64,
}

/// A verdict over an entry.
#[derive(Deserialize, ToSchema)]
#[schema(as = ReviewEntry)]
struct ReviewBody {
    /// pending goes to approved or rejected, approved to rejected unless the entry was invited, rejected to approved.
    #[schema(value_type = VerdictName, required)]
    #[serde(default)]
    status: Field<String>,
}

/// What an entry may be made.
#[derive(ToSchema)]
#[schema(as = Verdict, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a value, is none")]
enum VerdictName {
    Approved,
    Rejected,
}

impl ReviewBody {
    fn parse(self) -> Result<Review, ApiError> {
        let mut fields = Fields::default();
        let verdict = |text: String| match text.as_str() {
            "approved" => Ok(Review::Approve),
            "rejected" => Ok(Review::Reject),
            _ => Err(Invalid::new("must be approved or rejected")),
        };
        let review = fields.required("status", self.status, verdict);
        fields.finish()?;
        review.ok_or_else(|| ApiError::validation(Vec::new()))
    }
}

/// Most characters of an app's slug.
const MAX_APP_SLUG: usize = 200;

/// How to invite, as the fields of two bodies say; nothing for an app's slug is none.
fn parse_invitation(fields: &mut Fields, app_slug: Field<String>, send_email: Field<bool>) -> Option<Invitation> {
    let app_slug = fields.optional("app_slug", app_slug, |text| {
        clean(&text, MAX_APP_SLUG, Lines::One).map(|slug| Some(slug).filter(|slug| !slug.is_empty()))
    });
    let mail = fields.optional("send_email", send_email, |send| Ok(if send { InviteMail::Send } else { InviteMail::DoNotSend }));
    Some(Invitation { app_slug: app_slug.flatten(), mail: mail.unwrap_or(InviteMail::Send) })
}

/// How to invite an entry.
#[derive(Deserialize, ToSchema)]
#[schema(as = InviteToApp)]
struct InviteBody {
    /// The Heimdall app to invite into; without one, the workspace's `default_heimdall_app_slug`.
    #[schema(value_type = Option<String>, max_length = 200)]
    #[serde(default)]
    app_slug: Field<String>,
    /// Whether to send the approved mail with the link in it, if the workspace sends mail.
    #[schema(value_type = Option<bool>, default = true)]
    #[serde(default)]
    send_email: Field<bool>,
}

impl InviteBody {
    fn parse(self) -> Result<Invitation, ApiError> {
        let mut fields = Fields::default();
        let invitation = parse_invitation(&mut fields, self.app_slug, self.send_email);
        fields.finish()?;
        invitation.ok_or_else(|| ApiError::validation(Vec::new()))
    }
}

/// An entry that was invited.
#[derive(Serialize, ToSchema)]
#[schema(as = InvitedEntry)]
struct InvitedView {
    entry: EntryView,
    /// The invitation, as Heimdall knows it.
    invite_id: String,
    /// Where the person accepts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    invite_url: Option<String>,
}

impl From<Invited> for InvitedView {
    fn from(Invited { entry, invite }: Invited) -> Self {
        Self { entry: EntryView::from(&entry), invite_id: invite.id, invite_url: invite.url }
    }
}

/// Entries to act on.
#[derive(Deserialize, ToSchema)]
#[schema(as = BulkChange)]
struct BulkBody {
    /// Ids of entries, taken in their order, a repeated one once.
    #[schema(value_type = Vec<Uuid>, required, min_items = 1, max_items = 100)]
    #[serde(default)]
    ids: Field<Vec<String>>,
    /// What to do with each of them.
    #[schema(value_type = BulkActionName, required)]
    #[serde(default)]
    action: Field<String>,
    /// With `invite-to-app`: the app, as in the call for one entry.
    #[schema(value_type = Option<String>, max_length = 200)]
    #[serde(default)]
    app_slug: Field<String>,
    /// With `invite-to-app`: whether to send mail, as in the call for one entry.
    #[schema(value_type = Option<bool>, default = true)]
    #[serde(default)]
    send_email: Field<bool>,
}

/// What can be done with many entries.
#[derive(ToSchema)]
#[schema(as = BulkAction, rename_all = "kebab-case")]
#[expect(dead_code, reason = "describes a value, is none")]
enum BulkActionName {
    Approve,
    Reject,
    InviteToApp,
}

impl BulkBody {
    fn parse(self) -> Result<(Vec<String>, Action), ApiError> {
        let mut fields = Fields::default();
        let ids = fields.required("ids", self.ids, |ids| match ids.len() {
            1..=bulk::MAX_IDS => Ok(ids),
            _ => Err(Invalid::new(format!("must have 1 to {} ids", bulk::MAX_IDS))),
        });
        // What an action has no use for is passed over, whatever it is.
        let invites = matches!(&self.action, Field::Given(action) if action == "invite-to-app");
        let invitation = if invites { parse_invitation(&mut fields, self.app_slug, self.send_email) } else { None };
        let action = fields.required("action", self.action, |text| match (text.as_str(), invitation) {
            ("approve", _) => Ok(Action::Review(Review::Approve)),
            ("reject", _) => Ok(Action::Review(Review::Reject)),
            ("invite-to-app", Some(invitation)) => Ok(Action::Invite(invitation)),
            _ => Err(Invalid::new("must be approve, reject or invite-to-app")),
        });
        fields.finish()?;
        ids.zip(action).ok_or_else(|| ApiError::validation(Vec::new()))
    }
}

/// What became of many entries.
#[derive(Serialize, ToSchema)]
struct BulkReport {
    /// Distinct ids.
    requested: usize,
    succeeded: usize,
    failed: usize,
    /// One for each id, in their order.
    results: Vec<BulkRow>,
}

/// What became of one of them.
#[derive(Serialize, ToSchema)]
struct BulkRow {
    /// The id as it was given.
    id: String,
    #[schema(value_type = BulkStatusName)]
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<BulkError>,
}

/// Whether it was done.
#[derive(ToSchema)]
#[schema(as = BulkStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a value, is none")]
enum BulkStatusName {
    Ok,
    Error,
}

/// Why it was not.
#[derive(Serialize, ToSchema)]
struct BulkError {
    /// The HTTP status that it would have been alone.
    #[schema(example = 404)]
    code: u16,
    message: String,
}

impl From<Vec<bulk::Row>> for BulkReport {
    fn from(rows: Vec<bulk::Row>) -> Self {
        let results: Vec<BulkRow> = rows.into_iter().map(BulkRow::from).collect();
        let succeeded = results.iter().filter(|row| row.error.is_none()).count();
        Self { requested: results.len(), succeeded, failed: results.len() - succeeded, results }
    }
}

impl From<bulk::Row> for BulkRow {
    fn from(bulk::Row { id, outcome }: bulk::Row) -> Self {
        match outcome.map_err(ApiError::from) {
            Ok(()) => Self { id, status: "ok", error: None },
            Err(ApiError { code, message, .. }) => Self { id, status: "error", error: Some(BulkError { code: code.status(), message }) },
        }
    }
}

/// The waitlist of a path, which must be the workspace's.
pub async fn find_waitlist(app: &App, admin: &Admin, id: &str) -> Result<Waitlist, ApiError> {
    let id = waitlist_id(id)?;
    app.ports.waitlists.find(admin.workspace.id, id).await?.ok_or_else(ApiError::no_waitlist)
}

/// The entry of a path; an id that cannot exist is one that does not.
fn entry_id(text: &str) -> Result<EntryId, ApiError> {
    EntryId::parse(text).map_err(|_| ApiError::no_entry())
}

/// List entries
///
/// By position.
#[utoipa::path(
    tag = "Entries", operation_id = "list_entries", security(("bearer" = [])), extensions(("x-action" = json!("entry.read"))),
    params(ListParams, ListQuery, EntryFilter),
    responses((status = 200, description = "A page of them.", body = EntryPage), (status = 400, description = "A bad query.", body = ErrorBody), AdminFailure),
)]
#[get("/waitlists/{waitlist_id}/entries")]
pub async fn list(
    app: web::Data<App>,
    admin: Granted<permit::EntryRead>,
    path: web::Path<ListParams>,
    query: web::Query<ListQuery>,
    filter: web::Query<EntryFilter>,
) -> Result<web::Json<EntryPage>, ApiError> {
    let waitlist = find_waitlist(&app, &admin, &path.waitlist_id).await?;
    let list = format!("entries/{}", waitlist.id);
    let Listing { name, limit, after, status } = query.parse(&app, &list, filter.status.as_deref(), EntryStatus::parse)?;
    let page = app.ports.entries.list(waitlist.id, status, after, limit).await?;
    Ok(web::Json(EntryPage {
        data: page.items.iter().map(EntryView::from).collect(),
        pagination: Pagination::new(&app, &name, page.next.as_ref()),
    }))
}

/// Count entries
#[utoipa::path(
    tag = "Entries", operation_id = "count_entries", security(("bearer" = [])), extensions(("x-action" = json!("entry.read"))),
    params(ListParams),
    responses((status = 200, description = "How many there are.", body = EntryCount), AdminFailure),
)]
#[get("/waitlists/{waitlist_id}/entries/count")]
pub async fn count(
    app: web::Data<App>,
    admin: Granted<permit::EntryRead>,
    path: web::Path<ListParams>,
) -> Result<web::Json<EntryCount>, ApiError> {
    let waitlist = find_waitlist(&app, &admin, &path.waitlist_id).await?;
    Ok(web::Json(EntryCount { count: app.ports.stats.count(waitlist.id).await? }))
}

/// Get an entry
#[utoipa::path(
    tag = "Entries", operation_id = "get_entry", security(("bearer" = [])), extensions(("x-action" = json!("entry.read"))),
    params(EntryParams),
    responses((status = 200, description = "The entry.", body = EntryView), AdminFailure),
)]
#[get("/waitlists/{waitlist_id}/entries/{entry_id}")]
pub async fn get(
    app: web::Data<App>,
    admin: Granted<permit::EntryRead>,
    path: web::Path<EntryParams>,
) -> Result<web::Json<EntryView>, ApiError> {
    let waitlist = find_waitlist(&app, &admin, &path.waitlist_id).await?;
    let id = entry_id(&path.entry_id)?;
    let entry = app.ports.entries.find(waitlist.id, id).await?.ok_or_else(ApiError::no_entry)?;
    Ok(web::Json(EntryView::from(&entry)))
}

/// Approve or reject an entry
#[utoipa::path(
    tag = "Entries", operation_id = "review_entry", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(EntryParams), request_body = ReviewBody,
    responses((status = 200, description = "The entry.", body = EntryView), AdminFailure, BodyFailure),
)]
#[patch("/waitlists/{waitlist_id}/entries/{entry_id}")]
pub async fn change_status(
    app: web::Data<App>,
    admin: Granted<permit::EntryUpdate>,
    path: web::Path<EntryParams>,
    body: Body,
) -> Result<web::Json<EntryView>, ApiError> {
    let waitlist_id = find_waitlist(&app, &admin, &path.waitlist_id).await?.id;
    let (entry_id, review) = (entry_id(&path.entry_id)?, body.json::<ReviewBody>().await?.parse()?);
    let event_id = EventId::new(app.ports.ids.uuid());
    let links = app.ports.links.clone();
    let command = ReviewEntry { waitlist_id, entry_id, review, event_id, now: app.ports.clock.now(), links };
    let entry = app.ports.entries.review(command).await?;
    app.wake_relays();
    Ok(web::Json(EntryView::from(&entry)))
}

/// Delete an entry
///
/// The positions of the others stay, and so do those it referred.
#[utoipa::path(
    tag = "Entries", operation_id = "delete_entry", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(EntryParams),
    responses((status = 204, description = "It is gone."), AdminFailure),
)]
#[delete("/waitlists/{waitlist_id}/entries/{entry_id}")]
pub async fn delete(
    app: web::Data<App>,
    admin: Granted<permit::EntryUpdate>,
    path: web::Path<EntryParams>,
) -> Result<HttpResponse, ApiError> {
    let waitlist = find_waitlist(&app, &admin, &path.waitlist_id).await?;
    let deleted = app.ports.entries.delete(waitlist.id, entry_id(&path.entry_id)?).await?;
    if deleted { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::no_entry()) }
}

/// Invite an entry into an app
///
/// An approved entry gets an invitation from Heimdall. Repeating it for the same app gives the same invitation.
#[utoipa::path(
    tag = "Entries", operation_id = "invite_entry_to_app", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(EntryParams), request_body = InviteBody,
    responses(
        (status = 200, description = "The entry and its invitation.", body = InvitedView),
        (status = 409, description = "Somebody with this address is in the app already.", body = ErrorBody),
        (status = 422, description = "No app is named, Heimdall has none of that name, or the entry is not approved.", body = ErrorBody),
        (status = 502, description = "Heimdall failed; nothing was changed.", body = ErrorBody),
        (status = 504, description = "Heimdall did not answer in time; nothing was changed.", body = ErrorBody),
        AdminFailure, BodyFailure,
    ),
)]
#[post("/waitlists/{waitlist_id}/entries/{entry_id}/invite-to-app")]
pub async fn invite_to_app(
    app: web::Data<App>,
    admin: Granted<permit::EntryUpdate>,
    path: web::Path<EntryParams>,
    body: Body,
) -> Result<web::Json<InvitedView>, ApiError> {
    let waitlist = find_waitlist(&app, &admin, &path.waitlist_id).await?;
    let (entry_id, invitation) = (entry_id(&path.entry_id)?, body.json::<InviteBody>().await?.parse()?);
    let invited = invite::run(&app.ports, &waitlist, entry_id, &invitation).await?;
    app.wake_relays();
    Ok(web::Json(invited.into()))
}

/// Approve, reject or invite many entries
///
/// One after the other, each with an outcome of its own: a failed row keeps no other from being tried. Once Heimdall has not
/// answered in time, the rows that are left are told so without asking it again; after 45 seconds they say 503.
#[utoipa::path(
    tag = "Entries", operation_id = "change_entries", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(ListParams), request_body = BulkBody,
    responses((status = 200, description = "What became of each.", body = BulkReport), AdminFailure, BodyFailure),
)]
#[post("/waitlists/{waitlist_id}/entries/bulk")]
pub async fn bulk_change(
    app: web::Data<App>,
    admin: Granted<permit::EntryUpdate>,
    path: web::Path<ListParams>,
    body: Body,
) -> Result<web::Json<BulkReport>, ApiError> {
    let waitlist = find_waitlist(&app, &admin, &path.waitlist_id).await?;
    let (ids, action) = body.json::<BulkBody>().await?.parse()?;
    let rows = bulk::run(&app.ports, &waitlist, ids, &action).await;
    app.wake_relays();
    Ok(web::Json(rows.into()))
}
