//! The ledger of referrals, and decisions about it. A decision shows first whom it moves.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use rally_console::page::{DecidePage, Effect, Person, PolicyPage, PolicyPreview, ReferralRow, ReferralsPage, RingRow, RingsPage};
use rally_console::{Count, Form, State};
use rally_domain::command::Decided;
use rally_domain::entry::Entry;
use rally_domain::error::Invalid;
use rally_domain::id::EntryId;
use rally_domain::ledger::{self, Referral, ReferralFilter, ReferralSignal, ReferralState, Ring};
use rally_domain::paging::Limit;
use rally_domain::referral::ReferralBoost;
use rally_domain::text::Subject;
use rally_domain::use_case::referrals;
use serde_json::{Value, json};

use super::doors::{OpenedList, Pairs, Posted};
use super::look::{Done, done, pager, show};
use crate::auth::permit;
use crate::http::error::ApiError;
use crate::http::extract::languages::in_query;
use crate::http::extract::list_query::{ListQuery, Listing};
use crate::routes::admin::referrals::bulk::decide_from;
use crate::routes::admin::referrals::read::FilterQuery;

type Opened = OpenedList<permit::EntryRead>;
type Update = Posted<OpenedList<permit::EntryUpdate>>;

/// The most referrers of a ring that are named.
const NAMED: usize = 5;

/// Lists the referrals, newest first.
#[get("/w/{ws}/lists/{list}/referrals")]
pub async fn list(door: Opened, filter: web::Query<FilterQuery>, query: web::Query<ListQuery>) -> Result<HttpResponse, ApiError> {
    let (app, waitlist) = (&door.app, &door.waitlist);
    let Listing { name, limit, after, status: wanted } = filter.parse(&query, app, waitlist)?;
    let (wanted, is_first) = (wanted.unwrap_or_default(), after.is_none());
    let page = app.ports.referrals.list(waitlist.id, wanted, after, limit).await?;
    let known = entries_of(&door, persons_of(&page.items).chain(wanted.referrer)).await?;
    let given = |text: &'static str, value: &Option<String>| (text, value.clone().unwrap_or_default());
    let pairs = [given("state", &filter.state), given("referrer_entry_id", &filter.referrer_entry_id)];
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let number_of_rings = match is_first && wanted == ReferralFilter::default() {
        true => referrals::rings(&app.ports, waitlist.id).await?.len(),
        false => 0,
    };
    Ok(show(&ReferralsPage {
        frame: door.frame(),
        state: wanted.state.map(|state| state.as_str().to_owned()),
        referrer: wanted.referrer.and_then(|id| person(&known, id)),
        rings: Count(number_of_rings as u64),
        rows: page.items.iter().map(|referral| row(&known, referral)).collect(),
        pager: pager(app, (&door.list_urls().referrals(), &pairs), &name, (is_first, page.next.as_ref()), "referrals"),
    }))
}

fn persons_of(referrals: &[Referral]) -> impl Iterator<Item = EntryId> {
    referrals.iter().flat_map(|referral| [referral.referrer, referral.referred]).flatten()
}

/// Finds the entries of some ids, each once.
async fn entries_of<P>(door: &OpenedList<P>, ids: impl Iterator<Item = EntryId>) -> Result<HashMap<EntryId, Entry>, ApiError> {
    let mut known = HashMap::new();
    for id in ids {
        if !known.contains_key(&id)
            && let Some(entry) = door.app.ports.entries.find(door.waitlist.id, id).await?
        {
            known.insert(id, entry);
        }
    }
    Ok(known)
}

fn person(known: &HashMap<EntryId, Entry>, id: EntryId) -> Option<Person> {
    known.get(&id).map(|entry| Person { id: id.to_string(), email: entry.profile.email.to_string() })
}

fn names(reasons: &[ReferralSignal]) -> Vec<String> {
    reasons.iter().map(|reason| reason.as_str().to_owned()).collect()
}

fn row(known: &HashMap<EntryId, Entry>, referral: &Referral) -> ReferralRow {
    let decision = referral.decision.as_ref();
    ReferralRow {
        id: referral.id.to_string(),
        referrer: referral.referrer.and_then(|id| person(known, id)),
        referred: referral.referred.and_then(|id| person(known, id)),
        state: State::from(referral.state.as_str()),
        score: referral.score,
        reasons: names(&referral.reasons),
        created_at: referral.created_at.into(),
        decided_at: decision.map(|decision| decision.at.into()),
        decided_by: decision.and_then(|decision| decision.by.as_ref()).map(decider),
        reason: decision.and_then(|decision| decision.reason.as_ref()).map(ToString::to_string),
    }
}

/// Who decided, in words. The audit log has the name and the id.
fn decider(subject: &Subject) -> String {
    match subject.as_str().split_once(':') {
        Some(("session", _)) => "a session of the console".to_owned(),
        Some(("api-key", _)) => "an API key".to_owned(),
        _ => subject.to_string(),
    }
}

/// The newest referrals of an entry, at most 50.
pub(super) async fn brought_by(door: &Opened, id: EntryId) -> Result<Vec<ReferralRow>, ApiError> {
    let filter = ReferralFilter { referrer: Some(id), ..ReferralFilter::default() };
    let limit = Limit::of::<50>();
    let found = door.app.ports.referrals.list(door.waitlist.id, filter, None, limit).await?.items;
    let known = entries_of(door, persons_of(&found)).await?;
    Ok(found.iter().map(|referral| row(&known, referral)).collect())
}

/// Lists the rings.
#[get("/w/{ws}/lists/{list}/referrals/rings")]
pub async fn rings(door: Opened) -> Result<HttpResponse, ApiError> {
    let found = referrals::rings(&door.app.ports, door.waitlist.id).await?;
    let known = entries_of(&door, found.iter().flat_map(|ring| ring.referrers.iter().take(NAMED)).copied()).await?;
    Ok(show(&RingsPage { frame: door.frame(), rings: found.iter().map(|ring| ring_row(&known, ring)).collect() }))
}

fn ring_row(known: &HashMap<EntryId, Entry>, ring: &Ring) -> RingRow {
    let code = ring.referrers.first().and_then(|id| known.get(id)).map(|entry| entry.referral_code.to_string());
    RingRow {
        key: match ring.network_of {
            Some(_) => "one network".to_owned(),
            None => code.unwrap_or_else(|| "a code".to_owned()),
        },
        reasons: names(&ring.reasons),
        size: Count(ring.size),
        referrers: ring.referrers.iter().take(NAMED).filter_map(|id| person(known, *id)).collect(),
        more: Count(ring.referrers.len().saturating_sub(NAMED) as u64),
        network_of: ring.network_of.map(|id| id.to_string()),
        first_at: ring.first_at.into(),
        last_at: ring.last_at.into(),
    }
}

/// Decides about many referrals, after showing whom that moves.
#[post("/w/{ws}/lists/{list}/referrals/decide")]
pub async fn decide(posted: Update) -> Result<HttpResponse, ApiError> {
    let decided = decide_from(&posted.app, posted.admin.actor(), posted.waitlist.id, body(&posted)).await?;
    if posted.is_confirmed() {
        let shown = ReferralState::parse(posted.value("shown"));
        let url = shown.map_or_else(|_| posted.list_urls().referrals(), |state| posted.list_urls().referrals_in(state.as_str()));
        return Ok(done(&url, Done::Decided));
    }
    let kept = ["id", "referrer_entry_id", "network_of", "shown"];
    let selector: Pairs = posted.form.iter().filter(|(name, _)| kept.contains(&name.as_str())).cloned().collect();
    let Decided { referrals: matched, changed, more, effects } = decided;
    Ok(show(&DecidePage {
        frame: posted.frame(),
        state: State::from(posted.value("state")),
        selector,
        matched: Count(matched.len() as u64),
        changed: Count(changed),
        more,
        effects: effects_of(&posted, &effects).await?,
    }))
}

/// The form as a body of the API.
fn body(posted: &Update) -> Value {
    let ids = posted.values("id");
    let given = |name: &str| Some(posted.value(name).trim()).filter(|text| !text.is_empty()).map(str::to_owned);
    json!({
        "ids": Some(ids).filter(|ids| !ids.is_empty()),
        "referrer_entry_id": given("referrer_entry_id"),
        "network_of": given("network_of"),
        "state": given("state"),
        "reason": given("reason"),
        "dry_run": !posted.is_confirmed(),
    })
}

async fn effects_of<P>(door: &OpenedList<P>, effects: &[ledger::Effect]) -> Result<Vec<Effect>, ApiError> {
    let known = entries_of(door, effects.iter().map(|effect| effect.entry_id)).await?;
    let effect = |effect: &ledger::Effect| {
        Some(Effect {
            person: person(&known, effect.entry_id)?,
            referrals: (Count(effect.count_before), Count(effect.count_after)),
            effective: (Count(effect.effective_before.number()), Count(effect.effective_after.number())),
        })
    };
    Ok(effects.iter().filter_map(effect).collect())
}

/// Shows whom another boost would move.
#[get("/w/{ws}/lists/{list}/referrals/policy")]
pub async fn policy(door: Opened, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let stored = door.waitlist.settings.referral_boost;
    let asked = in_query(&request, &["referral_boost"]);
    let typed = asked.clone().unwrap_or_else(|| stored.places().to_string());
    let form = Form::new([("referral_boost".to_owned(), typed)]);
    let (form, preview) = match asked.map(|text| parse_boost(&text)) {
        None => (form, None),
        Some(Ok(boost)) => (form, Some(preview(&door, boost).await?)),
        Some(Err(error)) => (form.refused(vec![("referral_boost".to_owned(), error.to_string())]), None),
    };
    Ok(show(&PolicyPage { frame: door.frame(), form, stored: Count(stored.places().into()), preview }))
}

fn parse_boost(text: &str) -> Result<ReferralBoost, Invalid> {
    ReferralBoost::new(text.trim().parse().unwrap_or(u64::MAX))
}

async fn preview(door: &Opened, boost: ReferralBoost) -> Result<PolicyPreview, ApiError> {
    let found = referrals::preview(&door.app.ports, &door.waitlist, boost).await?;
    Ok(PolicyPreview { moved: Count(found.moved), effects: effects_of(door, &found.effects).await? })
}
