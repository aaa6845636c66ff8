//! The entries of a list, changes of several of them, and the export.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use rally_console::page::{ConfirmPage, EntriesPage, EntryFilter, EntryRow, FieldFilter};
use rally_console::{Choice, Count, Pager, State};
use rally_domain::command::{DeleteEntry, InviteMail, Review};
use rally_domain::custom_field::{CustomField, FieldType};
use rally_domain::entry::Entry;
use rally_domain::error::{FieldError, Invalid};
use rally_domain::id::{EntryId, EventId};
use rally_domain::settings::Confirmation;
use rally_domain::use_case::bulk::{self as many, Action as BulkAction, MAX_IDS};
use rally_domain::use_case::erase;
use rally_domain::use_case::invite::{self, Invitation};
use rally_domain::variant::Variant;
use url::form_urlencoded;

use super::doors::{OpenedList, Pairs, Posted};
use super::jobs;
use super::look::{Done, done, done_but, refused, show, show_as};
use super::standing::standing;
use crate::auth::{Action, permit};
use crate::http::error::{ApiError, Code};
use crate::http::extract::languages::in_query;
use crate::http::extract::list_query::ListQuery;
use crate::routes::admin::entries::export::{ExportQuery, csv_of};
use crate::routes::admin::entries::search::{self, Found};

/// The most entries that a question names.
const NAMED: usize = 5;

/// Lists the entries that the query finds.
#[get("/w/{ws}/lists/{list}/entries")]
pub async fn list(door: OpenedList<permit::EntryRead>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let pairs = filter_in(request.query_string());
    let cursor = in_query(&request, &["cursor"]).filter(|cursor| !cursor.is_empty());
    let Query { filter, page, string } = Query::of(&pairs, cursor.clone())?;
    let (found, errors) = match filter.find(&door.app, &door.waitlist, &page, &string).await {
        Ok(found) => (found, Vec::new()),
        Err(error) if error.code == Code::ValidationFailed => (Found { entries: Vec::new(), next: None }, refused(error)?),
        Err(error) => return Err(error),
    };
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let shown = EntriesPage {
        frame: door.frame(),
        matched: matched(&door, &pairs).await?,
        errors,
        variants: variants(&door).await?,
        fields: fields(&door),
        rows: found.entries.iter().map(|entry| row(&door, entry)).collect(),
        pager: pager(&door, &pairs, page.is_first(), found.next),
        job: jobs::newest(&door).await?,
        may_invite: invite::is_possible(&door.app.ports, &door.waitlist).await?,
        sends_mail: jobs::sends_mail(&door).await?,
        filter: EntryFilter(pairs),
        cursor: cursor.unwrap_or_default(),
    };
    Ok(show_as(status, &shown))
}

/// The filters and the order in a query.
fn filter_in(query: &str) -> Pairs {
    let asked = form_urlencoded::parse(query.as_bytes()).into_owned();
    asked.filter(|(name, value)| is_filter(name) && !value.is_empty()).collect()
}

fn is_filter(name: &str) -> bool {
    const NAMES: [&str; 10] =
        ["q", "status", "confirmed", "invited", "referred_by", "variant_id", "referrer", "created_since", "created_until", "sort"];
    NAMES.contains(&name) || name.starts_with("field.")
}

/// The filters and the order of the page whose form was posted.
pub(super) fn filter_of(posted: &Update) -> Pairs {
    filter_in(posted.value("filter"))
}

/// The address of the page whose form was posted.
pub(super) fn address_of(posted: &Update) -> String {
    let cursor = Some(posted.value("cursor")).filter(|cursor| !cursor.is_empty()).map(|cursor| ("cursor".to_owned(), cursor.to_owned()));
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(filter_of(posted).into_iter().chain(cursor)).finish();
    posted.list_urls().entries_where(&query)
}

/// The query of the page as that of the API.
pub(super) struct Query {
    pub(super) filter: search::EntryFilter,
    page: ListQuery,
    pub(super) string: String,
}

impl Query {
    /// Days become the instants at which they begin in UTC.
    pub(super) fn of(pairs: &Pairs, cursor: Option<String>) -> Result<Self, ApiError> {
        let instant = |(name, value): &(String, String)| match name.as_str() {
            "created_since" | "created_until" if value.len() == 10 => (name.clone(), format!("{value}T00:00:00Z")),
            _ => (name.clone(), value.clone()),
        };
        let string = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs.iter().map(instant)).finish();
        let filter = web::Query::<search::EntryFilter>::from_query(&string).map_err(|_| bad("q", "must be given once"))?.into_inner();
        Ok(Self { filter, page: ListQuery::after(cursor), string })
    }
}

/// The number of entries that match, where it is known without counting.
async fn matched<P>(door: &OpenedList<P>, pairs: &Pairs) -> Result<Option<Count>, ApiError> {
    let narrows: Vec<(&str, &str)> =
        pairs.iter().filter(|(name, _)| name != "sort").map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let counters = door.app.ports.stats.analytics(door.waitlist.id, door.app.ports.clock.now().day()).await?.counters;
    let standing = standing(&door.app, door.waitlist.id, &counters).await?;
    Ok(match narrows[..] {
        [] => Some(Count(standing.total)),
        [("status", "pending")] => Some(Count(standing.pending)),
        [("status", "approved")] => Some(Count(standing.approved)),
        [("status", "rejected")] => Some(Count(standing.rejected)),
        _ => None,
    })
}

async fn variants<P>(door: &OpenedList<P>) -> Result<Vec<Choice>, ApiError> {
    let variants = door.app.ports.variants.list(door.waitlist.id).await?;
    let name = |variant: &Variant| match &variant.copy.display_name {
        Some(name) => format!("{} ({}): {name}", variant.kind.as_str(), variant.locale),
        None => format!("{} ({})", variant.kind.as_str(), variant.locale),
    };
    Ok(variants.iter().map(|variant| Choice::new(&variant.id.to_string(), &name(variant))).collect())
}

fn fields<P>(door: &OpenedList<P>) -> Vec<FieldFilter> {
    let filter = |field: &CustomField| FieldFilter {
        key: field.key.clone(),
        label: field.label.as_deref().unwrap_or(&field.key).to_owned(),
        answers: match field.kind {
            FieldType::Boolean => vec![Choice::new("true", "Yes"), Choice::new("false", "No")],
            _ => field.options.iter().map(|option| Choice::new(option, option)).collect(),
        },
    };
    door.waitlist.settings.custom_fields.iter().map(filter).collect()
}

fn pager<P>(door: &OpenedList<P>, pairs: &Pairs, is_first: bool, next: Option<String>) -> Pager {
    let link = |cursor: Option<String>| {
        let cursor = cursor.map(|cursor| ("cursor".to_owned(), cursor));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs.iter().cloned().chain(cursor)).finish();
        door.list_urls().entries_where(&query)
    };
    Pager { first: (!is_first).then(|| link(None)), next: next.map(|cursor| link(Some(cursor))), swap: "entries" }
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

pub(super) type Update = Posted<OpenedList<permit::EntryUpdate>>;

/// Changes the ticked entries, or all that match.
#[post("/w/{ws}/lists/{list}/entries/bulk")]
pub async fn bulk(posted: Update) -> Result<HttpResponse, ApiError> {
    if posted.value("scope") == "matching" {
        return jobs::begin(&posted).await;
    }
    let ids = posted.values("entry");
    if ids.is_empty() {
        return Ok(done(&address_of(&posted), Done::Unticked));
    }
    if ids.len() > MAX_IDS {
        return Err(ApiError::new(Code::ValidationFailed, "tick at most 100 entries"));
    }
    match posted.value("do") {
        "approve" => change(&posted, ids, BulkAction::Review(Review::Approve), Done::Approved).await,
        "reject" => change(&posted, ids, BulkAction::Review(Review::Reject), Done::Rejected).await,
        "invite" => {
            let invitation = Invitation { app_slug: None, mail: InviteMail::Send };
            change(&posted, ids, BulkAction::Invite(invitation), Done::Invited).await
        }
        erasing @ ("delete" | "erase") if !posted.is_confirmed() => {
            let number = Count(ids.len() as u64);
            let who = addresses(&posted, &ids).await?;
            Ok(show(&ConfirmPage::delete_entries(posted.frame(), number, erasing == "erase", who, posted.form.clone())))
        }
        "delete" => remove(&posted, ids, Done::Deleted).await,
        "erase" => remove(&posted, ids, Done::Erased).await,
        _ => Err(bad("do", "must be approve, reject, invite, delete or erase")),
    }
}

pub(super) fn bad(field: &str, message: &'static str) -> ApiError {
    ApiError::validation(vec![FieldError::new(field, Invalid::new(message))])
}

async fn change(posted: &Update, ids: Vec<String>, action: BulkAction, what: Done) -> Result<HttpResponse, ApiError> {
    let rows = many::run(&posted.app.ports, &posted.admin.actor(), &posted.waitlist, ids, &action).await;
    posted.app.wake_relays();
    let all = rows.len();
    let failed: Vec<Code> = rows.into_iter().filter_map(|row| row.outcome.err()).map(|error| ApiError::from(error).code).collect();
    Ok(done_but(&address_of(posted), what, &failed, all))
}

/// The first addresses of entries, if the session may see them.
async fn addresses(posted: &Update, ids: &[String]) -> Result<Vec<String>, ApiError> {
    let ids = ids.iter().filter(|_| posted.admin.may(Action::EntryRead)).filter_map(|id| EntryId::parse(id).ok());
    let mut addresses = Vec::with_capacity(NAMED);
    for id in ids.take(NAMED) {
        addresses.extend(posted.app.ports.entries.find(posted.waitlist.id, id).await?.map(|entry| entry.profile.email.to_string()));
    }
    Ok(addresses)
}

async fn remove(posted: &Update, ids: Vec<String>, what: Done) -> Result<HttpResponse, ApiError> {
    let (mut gone, all) = (Vec::new(), ids.len());
    for id in ids {
        let removed = match EntryId::parse(&id) {
            Ok(id) => remove_one(posted, id, what == Done::Erased).await?,
            Err(_) => false,
        };
        if !removed {
            gone.push(Code::EntryNotFound);
        }
    }
    Ok(done_but(&address_of(posted), what, &gone, all))
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
