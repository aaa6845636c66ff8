//! One entry, and what can be done with it.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use rally_console::page::{AuditRow, ConfirmPage, EntryPage, EntryView, EventRow, MailRow, Person};
use rally_console::{Count, State, Undo};
use rally_domain::command::{ReplaceLink, Review, ReviewEntry};
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::error::{FieldError, Invalid};
use rally_domain::id::{EntryId, EventId};
use rally_domain::mail::{LoggedMail, MailFilter};
use rally_domain::paging::Limit;
use rally_domain::use_case;
use rally_domain::workspace::Notifications;
use serde_json::{Value, json};
use time::Duration;

use super::audit::history;
use super::doors::{OpenedList, Posted};
use super::entries::{back_to, effective, remove_one};
use super::look::{Done, done, show};
use super::referrals::brought_by;
use crate::app::App;
use crate::auth::{Action, permit};
use crate::http::error::ApiError;
use crate::routes::admin::entries::invite::invite_by;

type Update = Posted<OpenedList<permit::EntryUpdate>>;

/// The path of an entry: the workspace, the list and the entry.
type Place = web::Path<(String, String, String)>;

fn id_of(place: &Place) -> Result<EntryId, ApiError> {
    EntryId::parse(&place.2).map_err(|_| ApiError::no_entry())
}

async fn find<P>(door: &OpenedList<P>, place: &Place) -> Result<Entry, ApiError> {
    door.app.ports.entries.find(door.waitlist.id, id_of(place)?).await?.ok_or_else(ApiError::no_entry)
}

/// Shows an entry.
#[get("/w/{ws}/lists/{list}/entries/{entry}")]
pub async fn show_page(door: OpenedList<permit::EntryRead>, place: Place, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let (ports, entry) = (&door.app.ports, find(&door, &place).await?);
    let referred_by = match entry.referred_by {
        Some(id) => ports.entries.find(door.waitlist.id, id).await?.map(person),
        None => None,
    };
    let filter = MailFilter { entry_id: Some(entry.id), ..MailFilter::default() };
    let mails = ports.mails.log(door.workspace_id(), filter, None, Limit::default()).await?.items;
    let mut events = ports.entries.records(door.waitlist.id, entry.id).await?.events;
    events.reverse();
    let settings = ports.settings.get(door.workspace_id()).await?;
    let event = |event: rally_domain::event::Event| EventRow {
        id: event.id.to_string(),
        kind: event.kind.as_str().to_owned(),
        at: event.occurred_at.into(),
        deliveries: Vec::new(),
    };
    let mut frame = door.frame();
    for notice in &mut frame.notices {
        notice.undo = undo(&door, &entry, Done::of(&request));
    }
    Ok(show(&EntryPage {
        frame,
        answers: answers(&door, &entry),
        referred_by,
        referrals: brought_by(&door, entry.id).await?,
        mails: mails.iter().map(|mail| mail_row(&door.app, mail, None)).collect(),
        events: events.into_iter().map(event).collect(),
        history: history_of(&door, entry.id).await?,
        may_invite: entry.status == EntryStatus::Approved && use_case::invite::is_possible(&door.app.ports, &door.waitlist).await?,
        has_apps: door.app.ports.inviter.is_some(),
        app_slug: settings.default_heimdall_app_slug.clone(),
        sends_mail: settings.notifications != Notifications::Off,
        conflict: None,
        entry: view(&door, &entry).await?,
    }))
}

/// How the last review is undone: by the other verdict, as long as the entry has the verdict and takes the other one. A review of an entry
/// that was pending cannot be taken back wholly, and the button says what becomes of the entry.
fn undo<P>(door: &OpenedList<P>, entry: &Entry, done: Option<Done>) -> Option<Undo> {
    let (is, label, status) = match done? {
        Done::Approved => (EntryStatus::Approved, "Undo: reject", EntryStatus::Rejected),
        Done::ApprovedAgain => (EntryStatus::Approved, "Undo", EntryStatus::Rejected),
        Done::Rejected => (EntryStatus::Rejected, "Undo: approve", EntryStatus::Approved),
        Done::RejectedAfterAll => (EntryStatus::Rejected, "Undo", EntryStatus::Approved),
        _ => return None,
    };
    let may = door.admin.may(Action::EntryUpdate) && entry.status == is;
    let takes_it = status == EntryStatus::Approved || entry.invitation.is_none();
    (may && takes_it).then(|| Undo {
        label,
        action: door.list_urls().review(&entry.id.to_string()),
        fields: vec![("status".to_owned(), status.as_str().to_owned())],
    })
}

/// What admins did to an entry, if the session may see it.
async fn history_of<P>(door: &OpenedList<P>, id: EntryId) -> Result<Vec<AuditRow>, ApiError> {
    match door.admin.may(Action::RallyAuditRead) {
        true => history(&door.app.ports, door.workspace_id(), id, door.urls()).await,
        false => Ok(Vec::new()),
    }
}

fn person(entry: Entry) -> Person {
    Person { id: entry.id.to_string(), email: entry.profile.email.to_string() }
}

async fn view(door: &OpenedList<permit::EntryRead>, entry: &Entry) -> Result<EntryView, ApiError> {
    let ports = &door.app.ports;
    let variants = ports.variants.list(door.waitlist.id).await?;
    let variant = entry.variant_id.and_then(|id| variants.into_iter().find(|variant| variant.id == id));
    let suppressed = ports.suppressions.find(door.workspace_id(), ports.links.secret().hash_address(&entry.profile.email)).await?;
    let may_see_link = door.admin.may(Action::EntryUpdate);
    Ok(EntryView {
        id: entry.id.to_string(),
        email: entry.profile.email.to_string(),
        name: entry.profile.name.to_string(),
        status: State::from(entry.status.as_str()),
        position: Count(entry.position.number()),
        effective: effective(door, entry),
        referral_code: entry.referral_code.to_string(),
        referral_count: Count(entry.referral_count),
        status_url: may_see_link.then(|| ports.links.status(entry.id, entry.link_generation)),
        locale: entry.profile.locale.as_ref().map(ToString::to_string),
        referrer: entry.profile.referrer.as_ref().map(ToString::to_string),
        interest: entry.profile.interest.as_ref().map(ToString::to_string),
        variant: variant.map(|variant| format!("{} ({})", variant.kind.as_str(), variant.locale)),
        created_at: entry.created_at.into(),
        confirmed_at: entry.confirmed_at.map(Into::into),
        invited_at: entry.invitation.as_ref().map(|invitation| invitation.at.into()),
        invited_to: entry.invitation.as_ref().and_then(|invitation| invitation.app_slug.clone()),
        consent: entry.profile.consent.as_ref().map(|consent| (consent.text.to_string(), consent.at.into())),
        suppressed: suppressed.first().map(|suppression| State::from(suppression.reason.as_str())),
    })
}

/// What the person said: the answers to the questions of the list, then everything else that was sent.
fn answers<P>(door: &OpenedList<P>, entry: &Entry) -> Vec<(String, String)> {
    let said = entry.profile.metadata.document();
    let fields = &door.waitlist.settings.custom_fields;
    let label = |key: &str| fields.iter().find(|field| field.key == key).and_then(|field| field.label.clone());
    let asked = fields.iter().map(|field| field.key.as_str()).filter(|key| said.contains_key(*key));
    let others = said.keys().map(String::as_str).filter(|key| fields.iter().all(|field| field.key != *key));
    let answer = |key: &str| (label(key).unwrap_or_else(|| key.to_owned()), in_words(&said[key]));
    asked.chain(others).map(answer).collect()
}

fn in_words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.iter().all(Value::is_string) => {
            values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// How long a mail waits before a page says that it is kept back: the relay looks for mail more often.
const KEPT_BACK_AFTER: Duration = Duration::minutes(1);

/// A mail of the log, with the entry and the slug of its list.
pub(super) fn mail_row(app: &App, mail: &LoggedMail, entry: Option<(Person, String)>) -> MailRow {
    let has_waited = mail.created_at.plus(KEPT_BACK_AFTER) <= app.ports.clock.now();
    MailRow {
        id: mail.id.to_string(),
        kind: mail.kind.as_str().to_owned(),
        locale: mail.locale.to_string(),
        to: mail.to.to_string(),
        entry,
        state: State::from(mail.state.as_str()),
        is_kept_back: mail.is_kept_back && app.keeps_mail_back && has_waited,
        attempts: Count(u64::from(mail.attempts)),
        last_error: mail.last_error.clone(),
        created_at: mail.created_at.into(),
        sent_at: mail.sent_at.map(Into::into),
    }
}

/// Approves or rejects the entry.
#[post("/w/{ws}/lists/{list}/entries/{entry}/review")]
pub async fn review(posted: Update, place: Place) -> Result<HttpResponse, ApiError> {
    let before = find(&posted, &place).await?;
    let (verdict, what) = match (posted.value("status"), before.status) {
        ("approved", EntryStatus::Rejected) => (Review::Approve, Done::ApprovedAgain),
        ("approved", _) => (Review::Approve, Done::Approved),
        ("rejected", EntryStatus::Approved) => (Review::Reject, Done::RejectedAfterAll),
        ("rejected", _) => (Review::Reject, Done::Rejected),
        _ => return Err(ApiError::validation(vec![FieldError::new("status", Invalid::new("must be approved or rejected"))])),
    };
    let (ports, entry_id) = (&posted.app.ports, before.id);
    let (event_id, actor, now) = (EventId::new(ports.ids.uuid()), posted.admin.actor(), ports.clock.now());
    let (waitlist_id, links) = (posted.waitlist.id, ports.links.clone());
    ports.entries.review(ReviewEntry { waitlist_id, entry_id, review: verdict, event_id, actor, now, links }).await?;
    posted.app.wake_relays();
    Ok(back_to(&posted, entry_id, what))
}

/// Invites the entry.
#[post("/w/{ws}/lists/{list}/entries/{entry}/invite")]
pub async fn invite(posted: Update, place: Place) -> Result<HttpResponse, ApiError> {
    let id = id_of(&place)?;
    let app = Some(posted.value("app_slug").trim()).filter(|app| !app.is_empty());
    let body = json!({"app_slug": app, "send_email": posted.value("send_email") == "true"});
    invite_by(&posted.app, &posted.admin.actor(), &posted.waitlist, id, body).await?;
    posted.app.wake_relays();
    Ok(back_to(&posted, id, Done::Invited))
}

/// Replaces the link of the person, after asking.
#[post("/w/{ws}/lists/{list}/entries/{entry}/new-link")]
pub async fn new_link(posted: Update, place: Place) -> Result<HttpResponse, ApiError> {
    let entry = find(&posted, &place).await?;
    if !posted.is_confirmed() {
        return Ok(show(&ConfirmPage::new_link(posted.frame(), &entry.id.to_string(), entry.profile.email.as_str())));
    }
    let (actor, now) = (posted.admin.actor(), posted.app.ports.clock.now());
    let command = ReplaceLink { waitlist_id: posted.waitlist.id, entry_id: entry.id, actor, now };
    posted.app.ports.entries.replace_link(command).await?;
    Ok(back_to(&posted, entry.id, Done::NewLink))
}

/// Deletes or erases the entry, after asking.
#[post("/w/{ws}/lists/{list}/entries/{entry}/delete")]
pub async fn delete(posted: Update, place: Place) -> Result<HttpResponse, ApiError> {
    let (entry, erases) = (find(&posted, &place).await?, posted.value("erase") == "true");
    if !posted.is_confirmed() {
        let (frame, id, email) = (posted.frame(), entry.id.to_string(), entry.profile.email.as_str());
        let page = if erases { ConfirmPage::erase_entry(frame, &id, email) } else { ConfirmPage::delete_entry(frame, &id, email) };
        return Ok(show(&page));
    }
    remove_one(&posted, entry.id, erases).await?.then_some(()).ok_or_else(ApiError::no_entry)?;
    Ok(done(&posted.list_urls().entries(), if erases { Done::Erased } else { Done::Deleted }))
}
