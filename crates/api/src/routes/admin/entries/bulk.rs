//! Approves, rejects or invites many entries in one request.

use actix_web::{post, web};
use rally_domain::command::Review;
use rally_domain::error::Invalid;
use rally_domain::use_case::bulk::{self, Action};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::invite::parse_invitation;
use crate::app::App;
use crate::auth::permit;
use crate::http::body::Body;
use crate::http::body::fields::{Field, Fields};
use crate::http::error::{AdminFailure, ApiError, BodyFailure};
use crate::http::extract::admin::AdminList;

/// Entries, and the action for each of them.
#[derive(Deserialize, ToSchema)]
#[schema(as = BulkChange)]
struct BulkBody {
    /// Ids of entries, in the order of handling. A repeated id counts once.
    #[schema(value_type = Vec<Uuid>, required, min_items = 1, max_items = 100)]
    #[serde(default)]
    ids: Field<Vec<String>>,
    /// The action for each entry.
    #[schema(value_type = BulkActionName, required)]
    #[serde(default)]
    action: Field<String>,
    /// For `invite-to-app`: the app, as in the request for one entry.
    #[schema(value_type = Option<String>, max_length = 200)]
    #[serde(default)]
    app_slug: Field<String>,
    /// For `invite-to-app`: whether to send mail, as in the request for one entry.
    #[schema(value_type = Option<bool>, default = true)]
    #[serde(default)]
    send_email: Field<bool>,
}

/// The actions for many entries.
#[derive(ToSchema)]
#[schema(as = BulkAction, rename_all = "kebab-case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
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
        // Fields that the action does not need are ignored, also if they are bad.
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

/// The results of a bulk request.
#[derive(Serialize, ToSchema)]
struct BulkReport {
    /// The number of different ids.
    requested: usize,
    succeeded: usize,
    failed: usize,
    /// One row for each id, in the order of the ids.
    results: Vec<BulkRow>,
}

/// The result for one entry.
#[derive(Serialize, ToSchema)]
struct BulkRow {
    /// The id in the request.
    id: String,
    #[schema(value_type = BulkStatusName)]
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<BulkError>,
}

/// Whether the action succeeded.
#[derive(ToSchema)]
#[schema(as = BulkStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
enum BulkStatusName {
    Ok,
    Error,
}

/// Why the action failed.
#[derive(Serialize, ToSchema)]
struct BulkError {
    /// The HTTP status that a request for this entry alone would get.
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

/// Approve, reject or invite many entries
///
/// Rally handles the entries one after the other. Each row has its own result, and a failed row does not stop the others. If
/// Heimdall does not answer in time, the remaining rows fail with 504 without another request. After 45 seconds, the remaining rows
/// fail with 503.
#[utoipa::path(
    tag = "Entries", operation_id = "change_entries", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(AdminList), request_body = BulkBody,
    responses((status = 200, description = "The result for each entry.", body = BulkReport), AdminFailure, BodyFailure),
)]
#[post("/waitlists/{waitlist_id}/entries/bulk")]
pub async fn bulk_change(
    app: web::Data<App>,
    waitlist: AdminList<permit::EntryUpdate>,
    body: Body,
) -> Result<web::Json<BulkReport>, ApiError> {
    let (ids, action) = body.json::<BulkBody>().await?.parse()?;
    let rows = bulk::run(&app.ports, &waitlist.actor(), &waitlist, ids, &action).await;
    app.wake_relays();
    Ok(web::Json(rows.into()))
}
