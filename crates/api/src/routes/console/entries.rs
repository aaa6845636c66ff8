//! The entries of a list, changes of several of them, and the export.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use rally_console::page::{ConfirmPage, EntriesPage, EntryFilter, EntryRow};
use rally_console::{Count, State};
use rally_domain::command::{DeleteEntry, InviteMail, Review};
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::error::{FieldError, Invalid};
use rally_domain::id::{EntryId, EventId};
use rally_domain::settings::Confirmation;
use rally_domain::use_case::bulk::{self as many, Action as BulkAction, MAX_IDS};
use rally_domain::use_case::erase;
use rally_domain::use_case::invite::Invitation;

use super::doors::{OpenedList, Pairs, Posted};
use super::look::{Done, done, done_but, pager, show};
use crate::auth::permit;
use crate::http::error::ApiError;
use crate::http::extract::languages::in_query;
use crate::http::extract::list_query::{ListQuery, Listing};
use crate::routes::admin::entries::export::{ExportQuery, csv_of};

/// Lists the entries by position.
#[get("/w/{ws}/lists/{list}/entries")]
pub async fn list(
    door: OpenedList<permit::EntryRead>,
    request: HttpRequest,
    query: web::Query<ListQuery>,
) -> Result<HttpResponse, ApiError> {
    let (app, waitlist) = (&door.app, &door.waitlist);
    let status = in_query(&request, &["status"]);
    let listed = format!("console/entries/{}", waitlist.id);
    let Listing { name, limit, after, status: wanted } = query.parse(app, &listed, status.as_deref(), EntryStatus::parse)?;
    let is_first = after.is_none();
    let page = app.ports.entries.list(waitlist.id, wanted, after, limit).await?;
    let counters = app.ports.stats.analytics(waitlist.id, app.ports.clock.now().day()).await?.counters;
    let matched = match wanted {
        None => counters.total(),
        Some(EntryStatus::Pending) => counters.pending,
        Some(EntryStatus::Approved) => counters.approved,
        Some(EntryStatus::Rejected) => counters.rejected,
    };
    let filter: Pairs = status.iter().map(|status| ("status".to_owned(), status.clone())).collect();
    let address = (&*door.list_urls().entries(), &[("status", status.as_deref().unwrap_or_default())][..]);
    Ok(show(&EntriesPage {
        frame: door.frame(),
        filter: EntryFilter(filter),
        matched: Some(Count(matched)),
        until: page.items.last().map_or(0, |entry| entry.position.number()),
        rows: page.items.iter().map(|entry| row(&door, entry)).collect(),
        pager: pager(app, address, &name, (is_first, page.next.as_ref()), "entries"),
        may_invite: may_invite(&door).await?,
        ..EntriesPage::default()
    }))
}

fn row<P>(door: &OpenedList<P>, entry: &Entry) -> EntryRow {
    EntryRow {
        id: entry.id.to_string(),
        email: entry.profile.email.to_string(),
        name: entry.profile.name.to_string(),
        status: State::from(entry.status.as_str()),
        position: Count(entry.position.number()),
        effective: effective(door, entry),
        referrals: Count(entry.referral_count),
        created_at: entry.created_at.into(),
        is_invited: entry.invitation.is_some(),
        is_unconfirmed: door.waitlist.settings.email_confirmation == Confirmation::Required && entry.confirmed_at.is_none(),
    }
}

/// The effective position of an entry.
pub(super) fn effective<P>(door: &OpenedList<P>, entry: &Entry) -> Count {
    Count(entry.position.effective(entry.referral_count, door.waitlist.settings.referral_boost).number())
}

/// Whether people of the list can be invited: into an app, or by the link of the list.
pub(super) async fn may_invite<P>(door: &OpenedList<P>) -> Result<bool, ApiError> {
    if door.waitlist.settings.invite_url.is_some() {
        return Ok(true);
    }
    let app = door.app.ports.settings.get(door.workspace_id()).await?.default_heimdall_app_slug;
    Ok(app.is_some() && door.app.ports.inviter.is_some())
}

type Update = Posted<OpenedList<permit::EntryUpdate>>;

/// Changes the ticked entries.
#[post("/w/{ws}/lists/{list}/entries/bulk")]
pub async fn bulk(posted: Update) -> Result<HttpResponse, ApiError> {
    let ids = posted.values("entry");
    check_number(&ids)?;
    match posted.value("do") {
        "approve" => change(&posted, ids, BulkAction::Review(Review::Approve), Done::Approved).await,
        "reject" => change(&posted, ids, BulkAction::Review(Review::Reject), Done::Rejected).await,
        "invite" => {
            let invitation = Invitation { app_slug: None, mail: InviteMail::Send };
            change(&posted, ids, BulkAction::Invite(invitation), Done::Invited).await
        }
        erasing @ ("delete" | "erase") if !posted.is_confirmed() => {
            let number = Count(ids.len() as u64);
            Ok(show(&ConfirmPage::delete_entries(posted.frame(), number, erasing == "erase", posted.form.clone())))
        }
        "delete" => remove(&posted, ids, Done::Deleted).await,
        "erase" => remove(&posted, ids, Done::Erased).await,
        _ => Err(bad("do", "must be approve, reject, invite, delete or erase")),
    }
}

fn bad(field: &str, message: &'static str) -> ApiError {
    ApiError::validation(vec![FieldError::new(field, Invalid::new(message))])
}

fn check_number(ids: &[String]) -> Result<(), ApiError> {
    match ids.len() {
        0 => Err(bad("entry", "tick the entries to change")),
        1..=MAX_IDS => Ok(()),
        _ => Err(bad("entry", "tick at most 100 entries")),
    }
}

async fn change(posted: &Update, ids: Vec<String>, action: BulkAction, what: Done) -> Result<HttpResponse, ApiError> {
    let rows = many::run(&posted.app.ports, &posted.admin.actor(), &posted.waitlist, ids, &action).await;
    posted.app.wake_relays();
    let failed = rows.into_iter().filter_map(|row| row.outcome.err()).map(ApiError::from).count();
    Ok(done_but(&posted.list_urls().entries(), what, failed))
}

async fn remove(posted: &Update, ids: Vec<String>, what: Done) -> Result<HttpResponse, ApiError> {
    let mut failed = 0;
    for id in ids {
        let removed = match EntryId::parse(&id) {
            Ok(id) => remove_one(posted, id, what == Done::Erased).await?,
            Err(_) => false,
        };
        failed += usize::from(!removed);
    }
    Ok(done_but(&posted.list_urls().entries(), what, failed))
}

/// Deletes or erases an entry. Returns whether it was there.
pub(super) async fn remove_one(posted: &Update, entry_id: EntryId, erases: bool) -> Result<bool, ApiError> {
    let (ports, waitlist_id, actor) = (&posted.app.ports, posted.waitlist.id, posted.admin.actor());
    if erases {
        return Ok(erase::erase(ports, waitlist_id, entry_id, actor).await?);
    }
    let event_id = EventId::new(ports.ids.uuid());
    Ok(ports.entries.delete(DeleteEntry { waitlist_id, entry_id, actor, now: ports.clock.now(), event_id }).await?)
}

/// The entries as CSV.
#[get("/w/{ws}/lists/{list}/entries/export.csv")]
pub async fn export(door: OpenedList<permit::EntryRead>, query: web::Query<ExportQuery>) -> Result<HttpResponse, ApiError> {
    csv_of(&door.app, &door.waitlist, &query).await
}

/// Leads to the entry after it was changed.
pub(super) fn back_to(posted: &Update, id: EntryId, what: Done) -> HttpResponse {
    done(&posted.list_urls().entry(&id.to_string()), what)
}
