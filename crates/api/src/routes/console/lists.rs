//! The lists of a workspace, and creating one.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use rally_console::page::{FormPage, ListRow, ListsPage};
use rally_console::{Count, Day, Days, Form, State};
use rally_domain::analytics::DaySpan;
use rally_domain::waitlist::{Waitlist, WaitlistStatus};
use serde_json::Value;
use time::Duration;

use super::doors::{Open, Posted};
use super::look::{Done, body_of, done, pager, refused, show, show_as, typed};
use super::standing::standing;
use crate::app::App;
use crate::auth::{Action, permit};
use crate::http::error::ApiError;
use crate::http::extract::languages::in_query;
use crate::http::extract::list_query::{ListQuery, Listing};
use crate::routes::admin::waitlists::create::create_list;

/// The days of a sparkline.
const SPARK: i64 = 30;

/// Lists the lists.
#[get("/w/{ws}")]
pub async fn list(door: Open<permit::WaitlistRead>, request: HttpRequest, query: web::Query<ListQuery>) -> Result<HttpResponse, ApiError> {
    let status = in_query(&request, &["status"]);
    let listed = format!("console/waitlists/{}", door.workspace_id());
    let Listing { name, limit, after, status: wanted } = query.parse(&door.app, &listed, status.as_deref(), WaitlistStatus::parse)?;
    let is_first = after.is_none();
    let page = door.app.ports.waitlists.list(door.workspace_id(), wanted, after, limit).await?;
    let mut lists = Vec::with_capacity(page.items.len());
    for waitlist in &page.items {
        lists.push(row(&door.app, waitlist, door.admin.may(Action::RallyRead)).await?);
    }
    let address = (&*door.urls().lists(), &[("status", status.as_deref().unwrap_or_default())][..]);
    let pager = pager(&door.app, address, &name, (is_first, page.next.as_ref()), "");
    Ok(show(&ListsPage { frame: door.frame(), status, lists, pager }))
}

async fn row(app: &App, waitlist: &Waitlist, with_numbers: bool) -> Result<ListRow, ApiError> {
    let mut row = ListRow {
        slug: waitlist.slug.to_string(),
        name: waitlist.display_name.to_string(),
        status: State::from(waitlist.status.as_str()),
        entries: None,
        is_full: false,
        pending: Count(0),
        days: Days::default(),
        created_at: waitlist.created_at.into(),
    };
    if with_numbers {
        let counters = app.ports.stats.analytics(waitlist.id, app.ports.clock.now().day()).await?.counters;
        let standing = standing(app, waitlist.id, &counters).await?;
        (row.entries, row.pending) = (Some(Count(standing.total)), Count(standing.pending));
        let is_active = waitlist.status == WaitlistStatus::Active;
        row.is_full = is_active && waitlist.settings.max_entries.is_some_and(|most| standing.total >= most);
        row.days = days(app, waitlist, SPARK).await?;
    }
    Ok(row)
}

/// The sign-ups of the last days, with today.
pub(super) async fn days(app: &App, waitlist: &Waitlist, number: i64) -> Result<Days, ApiError> {
    let now = app.ports.clock.now();
    let span = DaySpan::new(now.plus(Duration::days(1 - number)), now.plus(Duration::milliseconds(1)));
    let Ok(span) = span else { return Ok(Days::default()) };
    let counts = app.ports.stats.timeline(waitlist.id, span).await?;
    let days = span.fill(&counts).into_iter().map(|(day, count)| Day { date: day.to_string(), count: Count(count) });
    Ok(Days(days.collect()))
}

/// Asks for a new list.
#[get("/w/{ws}/new-list")]
pub async fn new_list(door: Open<permit::WaitlistCreate>) -> HttpResponse {
    show(&FormPage::new_list(door.frame(), Form::default()))
}

/// Creates a list.
#[post("/w/{ws}/new-list")]
pub async fn create(posted: Posted<Open<permit::WaitlistCreate>>) -> Result<HttpResponse, ApiError> {
    let body = Value::Object(body_of(&posted.form, &["display_name", "slug", "description"]));
    match create_list(&posted.app, &posted.admin, body, None).await {
        Ok(waitlist) => Ok(done(&posted.urls().list(waitlist.slug.as_str()).overview(), Done::Created)),
        Err(error) => {
            let form = typed(&posted.form, refused(error)?);
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &FormPage::new_list(posted.frame(), form)))
        }
    }
}
