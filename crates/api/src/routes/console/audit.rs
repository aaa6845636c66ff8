//! The audit log of a workspace.

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, web};
use rally_console::Form;
use rally_console::page::{AuditChange, AuditPage, AuditRow};
use rally_console::urls::WorkspaceUrls;
use rally_domain::audit::{AuditAction, AuditFilter, AuditRecord};
use rally_domain::id::{EntryId, WaitlistId, WebhookId, WorkspaceId};
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::serde_json::Value;

use super::doors::Open;
use super::look::{pager, refused, show, show_as};
use crate::auth::{Action, permit};
use crate::http::error::ApiError;
use crate::http::extract::list_query::{ListQuery, Listing};
use crate::routes::admin::audit::FilterQuery;

/// Lists the changes of admins, newest first.
#[get("/w/{ws}/audit")]
pub async fn list(
    door: Open<permit::RallyAuditRead>,
    filter: web::Query<FilterQuery>,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, ApiError> {
    let asked = filter.given();
    let asked = asked.each_ref().map(|(name, value)| (*name, value.as_str()));
    let actions = AuditAction::ALL.iter().map(|action| action.as_str()).collect();
    let parsed = filter.parse(&query, &door.app, &format!("console/audit/{}", door.workspace_id()));
    let Listing { name, limit, after, status } = match parsed {
        Ok(listing) => listing,
        Err(error) => {
            let filter = Form::new(asked).refused(refused(error)?);
            let page = AuditPage { frame: door.frame(), filter, actions, ..AuditPage::default() };
            return Ok(show_as(StatusCode::BAD_REQUEST, &page));
        }
    };
    let is_first = after.is_none();
    let page = door.app.ports.audit.list(Some(door.workspace_id()), status.unwrap_or_default(), after, limit).await?;
    let address = (&*door.urls().audit(), &asked[..]);
    let pager = pager(&door.app, address, &name, (is_first, page.next.as_ref()), "rows");
    let targets = Targets::of(&door.app.ports, door.workspace_id(), door.urls());
    let rows = targets.rows(page.items).await?;
    Ok(show(&AuditPage { frame: door.frame(), filter: Form::new(asked), actions, rows, pager }))
}

/// The last changes of an entry.
pub(super) async fn history(ports: &Ports, workspace_id: WorkspaceId, id: EntryId, urls: WorkspaceUrls) -> Result<Vec<AuditRow>, ApiError> {
    let filter = AuditFilter { target: Some(id.to_string()), ..AuditFilter::default() };
    let page = ports.audit.list(Some(workspace_id), filter, None, Limit::default()).await?;
    Targets::of(ports, workspace_id, urls).rows(page.items).await
}

/// Who did something to a target last, in words, if the person may know.
pub(super) async fn last_done_by<P>(door: &Open<P>, action: AuditAction, target: &str) -> Result<Option<String>, ApiError> {
    if !door.admin.may(Action::RallyAuditRead) {
        return Ok(None);
    }
    let filter = AuditFilter { target: Some(target.to_owned()), action: Some(action), ..AuditFilter::default() };
    let page = door.app.ports.audit.list(Some(door.workspace_id()), filter, None, Limit::of::<1>()).await?;
    let Some(AuditRecord { row, .. }) = page.items.into_iter().next() else { return Ok(None) };
    let is_me = row.actor.id.as_deref() == Some(&*door.session.id.to_string());
    Ok(if is_me { Some("You, on another page,".to_owned()) } else { row.actor.name.or(row.actor.id) })
}

/// Where a target is shown, and its name.
type Target = (String, Option<String>);

/// Finds where targets of a workspace are shown.
struct Targets<'a> {
    ports: &'a Ports,
    workspace_id: WorkspaceId,
    urls: WorkspaceUrls,
    /// The targets that were looked up.
    found: HashMap<String, Option<Target>>,
}

impl<'a> Targets<'a> {
    fn of(ports: &'a Ports, workspace_id: WorkspaceId, urls: WorkspaceUrls) -> Self {
        Self { ports, workspace_id, urls, found: HashMap::new() }
    }

    async fn rows(mut self, records: Vec<AuditRecord>) -> Result<Vec<AuditRow>, ApiError> {
        let mut rows = Vec::with_capacity(records.len());
        for AuditRecord { row, .. } in records {
            let (target_url, target_name) = self.find(&row.action, row.target_id.as_deref()).await?.unzip();
            let id = row.actor.id.unwrap_or_default();
            rows.push(AuditRow {
                at: row.at.into(),
                actor_kind: row.actor.kind.as_str().to_owned(),
                actor: row.actor.name.unwrap_or_else(|| if id.is_empty() { row.actor.kind.as_str().to_owned() } else { id.clone() }),
                actor_id: id,
                target_type: row.action.split_once('.').map_or("", |(resource, _)| resource).replace('_', " "),
                target_id: row.target_id.unwrap_or_default(),
                target_url,
                target_name: target_name.flatten(),
                action: row.action,
                changes: row.changes.into_iter().map(|(field, values)| change(field, values)).collect(),
                request_id: row.actor.request_id,
            });
        }
        Ok(rows)
    }

    /// Where a target is shown, if it is there.
    async fn find(&mut self, action: &str, target: Option<&str>) -> Result<Option<Target>, ApiError> {
        let (Some((resource, _)), Some(target)) = (action.split_once('.'), target) else { return Ok(None) };
        if let Some(known) = self.found.get(target) {
            return Ok(known.clone());
        }
        let found = match resource {
            "waitlist" => self.list(target).await?,
            "webhook" => self.webhook(target).await?,
            "settings" => return Ok(Some((self.urls.mail(), None))),
            _ => return Ok(None),
        };
        self.found.insert(target.to_owned(), found.clone());
        Ok(found)
    }

    async fn list(&self, id: &str) -> Result<Option<Target>, ApiError> {
        let Ok(id) = WaitlistId::parse(id) else { return Ok(None) };
        let found = self.ports.waitlists.find(self.workspace_id, id).await?;
        Ok(found.map(|waitlist| (self.urls.list(waitlist.slug.as_str()).overview(), Some(waitlist.display_name.to_string()))))
    }

    async fn webhook(&self, id: &str) -> Result<Option<Target>, ApiError> {
        let Ok(parsed) = WebhookId::parse(id) else { return Ok(None) };
        let found = self.ports.webhooks.find(self.workspace_id, parsed).await?;
        Ok(found.map(|webhook| (self.urls.webhook(id), Some(webhook.url.as_str().to_owned()))))
    }
}

/// A change as people read it.
fn change(field: String, values: Value) -> AuditChange {
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    AuditChange { field, before: values.get(0).and_then(text), after: values.get(1).and_then(text) }
}
