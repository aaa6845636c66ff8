//! Suppressions: addresses that get no mail of a workspace.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use rally_console::page::{SuppressionAnswer, SuppressionRow, SuppressionsPage};
use rally_console::{Form, State};
use rally_domain::command::LiftSuppression;
use rally_domain::id::SuppressionId;
use rally_domain::paging::{Limit, SuppressionKey};
use rally_domain::suppression::Suppression;
use serde_json::json;

use super::doors::{Open, Posted};
use super::look::{Done, done, pager, refused, show, show_as, typed};
use crate::auth::permit;
use crate::http::error::ApiError;
use crate::http::extract::list_query::{ListQuery, Listing};
use crate::routes::admin::suppressions::{check_by, suppress_by};

/// Lists suppressions, newest first.
#[get("/w/{ws}/mail/suppressions")]
pub async fn list(door: Open<permit::EntryRead>, query: web::Query<ListQuery>) -> Result<HttpResponse, ApiError> {
    let Listing { limit, after, .. } = query.parse_all(&door.app, &name_of(&door))?;
    Ok(show(&page(&door, after, limit).await?))
}

fn name_of<P>(door: &Open<P>) -> String {
    format!("console/suppressions/{}", door.workspace_id())
}

async fn page<P>(door: &Open<P>, after: Option<SuppressionKey>, limit: Limit) -> Result<SuppressionsPage, ApiError> {
    let is_first = after.is_none();
    let found = door.app.ports.suppressions.list(door.workspace_id(), after, limit).await?;
    let name = format!("{}?status=", name_of(door));
    let address = (&*door.urls().suppressions(), &[][..]);
    let pager = pager(&door.app, address, &name, (is_first, found.next.as_ref()), "rows");
    let rows = found.items.iter().map(row).collect();
    Ok(SuppressionsPage { frame: door.frame(), rows, pager, ..SuppressionsPage::default() })
}

fn row(suppression: &Suppression) -> SuppressionRow {
    SuppressionRow {
        id: suppression.id.to_string(),
        masked_email: suppression.masked_email.clone(),
        reason: State::from(suppression.reason.as_str()),
        created_at: suppression.created_at.into(),
    }
}

async fn refuse<P>(door: &Posted<Open<P>>, error: ApiError) -> Result<HttpResponse, ApiError>
where
    Open<P>: 'static,
{
    let form = typed(&door.form, refused(error)?);
    let page = page(door, None, Limit::default()).await?;
    Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &SuppressionsPage { form, ..page }))
}

/// Suppresses an address.
#[post("/w/{ws}/mail/suppressions")]
pub async fn create(posted: Posted<Open<permit::EntryUpdate>>) -> Result<HttpResponse, ApiError> {
    match suppress_by(&posted.app, &posted.admin, json!({"email": posted.value("email").trim()})).await {
        Ok(_) => Ok(done(&posted.urls().suppressions(), Done::Suppressed)),
        Err(error) => refuse(&posted, error).await,
    }
}

/// Says whether an address is suppressed.
#[post("/w/{ws}/mail/suppressions/check")]
pub async fn check(posted: Posted<Open<permit::EntryRead>>) -> Result<HttpResponse, ApiError> {
    let email = posted.value("email").trim().to_owned();
    match check_by(&posted.app, &posted.admin, json!({"email": email})).await {
        Ok(found) => {
            let reason = found.map(|suppression| State::from(suppression.reason.as_str()));
            let answer = Some(SuppressionAnswer { email: email.clone(), reason });
            let page = page(&posted, None, Limit::default()).await?;
            Ok(show(&SuppressionsPage { answer, form: Form::new([("email", email)]), ..page }))
        }
        Err(error) => refuse(&posted, error).await,
    }
}

/// Lifts a suppression.
#[post("/w/{ws}/mail/suppressions/{suppression}/lift")]
pub async fn lift(posted: Posted<Open<permit::EntryUpdate>>, place: web::Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let id = SuppressionId::parse(&place.1).map_err(|_| ApiError::no_suppression())?;
    let (workspace_id, actor, now) = (posted.workspace_id(), posted.admin.actor(), posted.app.ports.clock.now());
    let lifted = posted.app.ports.suppressions.lift(LiftSuppression { workspace_id, id, actor, now }).await?;
    lifted.then_some(()).ok_or_else(ApiError::no_suppression)?;
    Ok(done(&posted.urls().suppressions(), Done::Lifted))
}
