//! The audit log on the admin surface.

use actix_web::{get, web};
use rally_domain::audit::{AuditAction, AuditFilter, AuditRecord};
use rally_domain::paging::AuditKey;
use rally_domain::serde_json::{Map, Value};
use rally_domain::text::{Lines, check_characters};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::auth::{Granted, permit};
use crate::http::error::{AdminFailure, ApiError, ErrorBody};
use crate::http::extract::list_query::{ListQuery, Listing, Pagination, read_filter};
use crate::routes::schema::{AuditActionName, AuditActorName, AuditTargetName};

/// Which rows to list, unparsed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FilterQuery {
    /// The id of what changed.
    target: Option<String>,
    /// The id of who changed it: of an API key or a session, or the subject of a token.
    actor: Option<String>,
    /// What was done.
    #[param(value_type = Option<AuditActionName>)]
    action: Option<String>,
}

impl FilterQuery {
    /// Parses the filter, and the query of the page of that list with it. An empty parameter filters nothing.
    ///
    /// # Errors
    /// Every bad parameter.
    pub(crate) fn parse(&self, page: &ListQuery, app: &App, of: &str) -> Result<Listing<AuditKey, AuditFilter>, ApiError> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let (target, actor, action) = (given(&self.target), given(&self.actor), given(&self.action));
        // The parts are written so that no two filters have one name.
        let name = format!("{of}?{target:?}&{actor:?}&{action:?}");
        let mut errors = Vec::new();
        let action = read_filter("action", action.as_deref(), AuditAction::parse, &mut errors);
        for (name, text) in [("target", &target), ("actor", &actor)] {
            read_filter(name, text.as_deref(), |text| check_characters(text, Lines::One), &mut errors);
        }
        page.parse_filtered(app, name, Some(AuditFilter { target, actor, action }), errors)
    }

    /// The parameters as they were given, for a form.
    pub(crate) fn given(&self) -> [(&'static str, String); 3] {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        [("action", text(&self.action)), ("actor", text(&self.actor)), ("target", text(&self.target))]
    }
}

/// Who made a change, in the words of that time.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditActor)]
struct ActorView {
    #[schema(value_type = AuditActorName)]
    kind: &'static str,
    /// The id of the API key or session, or the subject of the token. Null for the command line and Rally itself.
    #[schema(required)]
    id: Option<String>,
    /// The name of the API key, or the person of the token or session.
    #[schema(required)]
    name: Option<String>,
}

/// What changed.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditTarget)]
struct TargetView {
    /// The kind of thing: the first part of the action.
    #[schema(value_type = AuditTargetName)]
    r#type: String,
    /// Null for a token.
    #[schema(required)]
    id: Option<String>,
}

/// A change that an admin made.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditRow)]
struct RowView {
    #[schema(format = Uuid)]
    id: String,
    #[schema(format = DateTime)]
    at: String,
    actor: ActorView,
    /// What was done: a kind of thing and a verb.
    #[schema(value_type = AuditActionName)]
    action: String,
    target: TargetView,
    /// For each field that changed, its value before and afterwards. What was created has null before, what was deleted null afterwards.
    #[schema(value_type = Object, example = json!({"status": ["pending", "approved"]}))]
    changes: Map<String, Value>,
    /// The `X-Request-Id` of the request that caused the change. Null if none did.
    #[schema(required)]
    request_id: Option<String>,
}

impl From<AuditRecord> for RowView {
    fn from(record: AuditRecord) -> Self {
        let AuditRecord { id, row } = record;
        Self {
            id: id.to_string(),
            at: row.at.to_string(),
            target: TargetView { r#type: row.target_kind().to_owned(), id: row.target_id },
            actor: ActorView { kind: row.actor.kind.as_str(), id: row.actor.id, name: row.actor.name },
            action: row.action,
            changes: row.changes,
            request_id: row.actor.request_id,
        }
    }
}

/// A page of the audit log, newest first.
#[derive(Serialize, ToSchema)]
struct AuditPage {
    data: Vec<RowView>,
    pagination: Pagination,
}

/// List changes of admins
///
/// Newest first. Every part of the filter that is given must fit.
#[utoipa::path(
    tag = "Audit", operation_id = "list_audit", security(("bearer" = [])), extensions(("x-action" = json!("rally.audit.read"))),
    params(Granted, FilterQuery, ListQuery),
    responses((status = 200, description = "A page of changes.", body = AuditPage), (status = 400, description = "A bad query.", body = ErrorBody), AdminFailure),
)]
#[get("/audit")]
pub async fn list(
    app: web::Data<App>,
    admin: Granted<permit::RallyAuditRead>,
    filter: web::Query<FilterQuery>,
    query: web::Query<ListQuery>,
) -> Result<web::Json<AuditPage>, ApiError> {
    let id = admin.workspace.id;
    let Listing { name, limit, after, status } = filter.parse(&query, &app, &format!("audit/{id}"))?;
    let page = app.ports.audit.list(Some(id), status.unwrap_or_default(), after, limit).await?;
    let pagination = Pagination::new(&app, &name, page.next.as_ref());
    Ok(web::Json(AuditPage { data: page.items.into_iter().map(RowView::from).collect(), pagination }))
}
