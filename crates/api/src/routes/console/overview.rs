//! The overview of a list, its status, and its deletion.

use actix_web::{HttpRequest, HttpResponse, get, post};
use rally_console::page::{ConfirmPage, Decisions, LeaderRow, Numbers, OverviewPage};
use rally_console::{Bar, Count, Share};
use rally_domain::analytics::{Analytics, TopReferral, VariantSignups, share};
use rally_domain::command::{ChangeWaitlistStatus, DeleteWaitlist};
use rally_domain::error::FieldError;
use rally_domain::id::EventId;
use rally_domain::ledger::{ReferralFilter, ReferralState};
use rally_domain::mail::MailSetup;
use rally_domain::paging::Limit;
use rally_domain::settings::{Approval, Confirmation};
use rally_domain::waitlist::{Waitlist, WaitlistStatus};
use rally_domain::workspace::Workspace;
use url::form_urlencoded;

use super::doors::{OpenedList, Posted};
use super::lists::days;
use super::look::{Done, done, show};
use super::mail;
use super::standing::{Standing, standing};
use crate::app::App;
use crate::auth::{Action, permit};
use crate::http::error::ApiError;
use crate::http::extract::languages::in_query;

/// The numbers of days that the chart may show.
const SPANS: [u16; 4] = [7, 30, 90, 365];

type Opened = OpenedList<permit::WaitlistRead>;

/// Shows a list.
#[get("/w/{ws}/lists/{list}")]
pub async fn show_list(door: Opened, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let asked = in_query(&request, &["days"]).and_then(|days| days.parse().ok());
    let span = asked.filter(|days| SPANS.contains(days)).unwrap_or(30);
    let waitlist = &door.waitlist;
    let base = door.app.ports.links.base();
    let (workspace, slug) = (&door.admin.workspace.slug, &waitlist.slug);
    let mut page = OverviewPage {
        frame: door.frame(),
        description: waitlist.description.as_ref().map(ToString::to_string),
        page_url: format!("{base}/w/{workspace}/{slug}"),
        embed: format!("<script src=\"{base}/widget.js\" async></script>\n<rally-waitlist list=\"{workspace}/{slug}\"></rally-waitlist>"),
        next_statuses: next_statuses(waitlist.status),
        span,
        ..OverviewPage::default()
    };
    page.decisions.is_draft = waitlist.status == WaitlistStatus::Draft;
    page.decisions.cannot_confirm = takes_nobody(&door.app, &door.admin.workspace, waitlist).await?;
    if door.admin.may(Action::WebhookRead) {
        let webhooks = door.app.ports.webhooks.list(door.workspace_id()).await?;
        let disabled = webhooks.iter().filter(|webhook| webhook.auto_disabled_at.is_some()).count();
        page.decisions.disabled_webhooks = Count(disabled as u64);
    }
    if door.admin.may(Action::EntryRead) {
        add_referrals(&door, &mut page.decisions).await?;
        page.decisions.mail_fails = mail::fails(&door).await?;
    }
    if door.admin.may(Action::RallyRead) {
        add_numbers(&door, &mut page).await?;
    }
    Ok(show(&page))
}

/// Whether an active list takes nobody, because it asks for a confirmation and the workspace sends no such mail.
pub(super) async fn takes_nobody(app: &App, workspace: &Workspace, waitlist: &Waitlist) -> Result<bool, ApiError> {
    if waitlist.status != WaitlistStatus::Active || waitlist.settings.email_confirmation != Confirmation::Required {
        return Ok(false);
    }
    let setup = MailSetup::of(&app.ports.settings.get(workspace.id).await?, &workspace.slug);
    Ok(!setup.is_some_and(|setup| setup.can_confirm()))
}

/// Adds the referrals that wait for a decision.
async fn add_referrals(door: &Opened, decisions: &mut Decisions) -> Result<(), ApiError> {
    let (ports, id) = (&door.app.ports, door.waitlist.id);
    let filter = ReferralFilter { state: Some(ReferralState::Withheld), ..ReferralFilter::default() };
    let withheld = ports.referrals.list(id, filter, None, Limit::of::<{ Limit::MAX }>()).await?;
    decisions.withheld = Count(withheld.items.len() as u64);
    decisions.more_withheld = withheld.next.is_some();
    Ok(())
}

fn next_statuses(status: WaitlistStatus) -> Vec<String> {
    let next = [WaitlistStatus::Active, WaitlistStatus::Paused, WaitlistStatus::Closed].into_iter();
    next.filter(|next| *next != status && status.may_become(*next)).map(|next| next.as_str().to_owned()).collect()
}

async fn add_numbers(door: &Opened, page: &mut OverviewPage) -> Result<(), ApiError> {
    let (ports, waitlist, now) = (&door.app.ports, &door.waitlist, door.app.ports.clock.now());
    let analytics = ports.stats.analytics(waitlist.id, now.day()).await?;
    let asks = waitlist.settings.email_confirmation == Confirmation::Required;
    let awaiting = if asks { Some(Count(ports.confirmations.count(waitlist.id, now).await?)) } else { None };
    let max_entries = waitlist.settings.max_entries.map(Count);
    let standing = standing(&door.app, waitlist.id, &analytics.counters).await?;
    page.numbers = Some(numbers(&analytics, &standing, now.day(), awaiting, max_entries));
    let total = analytics.counters.total();
    page.decisions = Decisions {
        pending: Count(if waitlist.settings.approval == Approval::Required { standing.pending } else { 0 }),
        is_full: max_entries.is_some_and(|most| standing.total >= most.0),
        ..std::mem::take(&mut page.decisions)
    };
    page.days = days(&door.app, waitlist, i64::from(page.span)).await?;
    let known = analytics.top_referrers.iter().filter(|_| analytics.top_referrers.iter().any(|(source, _)| source.is_some()));
    page.sources = known.map(|(source, count)| source_bar(source.as_ref().map(ToString::to_string), *count, total)).collect();
    page.variants = analytics.by_variant.iter().filter(|row| row.signups > 0).map(|row| variant(row, total)).collect();
    page.leaders = analytics.top_referrals.iter().map(|row| leader(row, door)).collect();
    Ok(())
}

fn numbers(analytics: &Analytics, standing: &Standing, today: time::Date, awaiting: Option<Count>, max_entries: Option<Count>) -> Numbers {
    Numbers {
        total: Count(standing.total),
        pending: Count(standing.pending),
        approved: Count(standing.approved),
        rejected: Count(standing.rejected),
        today: Count(analytics.signups_today(today)),
        week: Count(analytics.signups_this_week(today)),
        month: Count(analytics.signups_this_month(today)),
        referred: Count(analytics.counters.referred),
        awaiting,
        max_entries,
    }
}

fn bar(label: Option<String>, count: u64, total: u64) -> Bar {
    Bar { label, query: None, count: Count(count), share: Share(share(count, total)) }
}

/// A bar of a source, which leads to its entries.
fn source_bar(source: Option<String>, count: u64, total: u64) -> Bar {
    let query = source.as_ref().map(|source| form_urlencoded::Serializer::new(String::new()).append_pair("referrer", source).finish());
    Bar { query, ..bar(source, count, total) }
}

/// A bar of a variant, which leads to its entries.
fn variant(row: &VariantSignups, total: u64) -> Bar {
    let label = row.variant.as_ref().map(|variant| format!("{} ({})", variant.kind.as_str(), variant.locale));
    let query = row.variant.as_ref().map(|variant| format!("variant_id={}", variant.id));
    Bar { query, ..bar(label, row.signups, total) }
}

fn leader(row: &TopReferral, door: &Opened) -> LeaderRow {
    LeaderRow {
        id: row.id.to_string(),
        email: row.email.to_string(),
        name: row.name.to_string(),
        referrals: Count(row.referral_count),
        position: Count(row.position.number()),
        effective: Count(row.position.effective(row.referral_count, door.waitlist.settings.referral_boost).number()),
    }
}

/// Changes the status.
#[post("/w/{ws}/lists/{list}/status")]
pub async fn change_status(posted: Posted<OpenedList<permit::WaitlistUpdate>>) -> Result<HttpResponse, ApiError> {
    let unknown = |error| ApiError::validation(vec![FieldError::new("status", error)]);
    let to = WaitlistStatus::parse(posted.value("status")).map_err(unknown)?;
    let (actor, now) = (posted.admin.actor(), posted.app.ports.clock.now());
    let event_id = EventId::new(posted.app.ports.ids.uuid());
    let command = ChangeWaitlistStatus { id: posted.waitlist.id, workspace_id: posted.workspace_id(), to, actor, now, event_id };
    posted.app.ports.waitlists.change_status(command).await?;
    let what = match to {
        WaitlistStatus::Active => Done::Activated,
        WaitlistStatus::Paused => Done::Paused,
        WaitlistStatus::Closed => Done::Closed,
        WaitlistStatus::Draft => Done::Saved,
    };
    Ok(done(&posted.list_urls().overview(), what))
}

/// Deletes the list, after asking.
#[post("/w/{ws}/lists/{list}/delete")]
pub async fn delete(posted: Posted<OpenedList<permit::WaitlistDelete>>) -> Result<HttpResponse, ApiError> {
    if !posted.is_confirmed() {
        let entries = posted.app.ports.stats.standing(posted.waitlist.id).await?;
        return Ok(show(&ConfirmPage::delete_list(posted.frame(), Count(entries), Count(0))));
    }
    let (actor, now) = (posted.admin.actor(), posted.app.ports.clock.now());
    let command = DeleteWaitlist { id: posted.waitlist.id, workspace_id: posted.workspace_id(), actor, now };
    posted.app.ports.waitlists.delete(command).await?;
    Ok(done(&posted.urls().lists(), Done::Deleted))
}
