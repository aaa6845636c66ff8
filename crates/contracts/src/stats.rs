//! Cases of [`EntryStats`](rally_domain::port::EntryStats): the counters equal the rows.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use rally_domain::analytics::{Analytics, Counters, DaySpan, TopReferral, VariantLabel, VariantSignups};
use rally_domain::command::{CreateVariant, Review, SignUp};
use rally_domain::entry::Entry;
use rally_domain::id::VariantId;
use rally_domain::paging::Limit;
use rally_domain::port::{Ports, Rebuilt};
use rally_domain::profile::Profile;
use rally_domain::text::Referrer;
use rally_domain::timestamp::Timestamp;
use rally_domain::variant::Variant;
use rally_domain::waitlist::Waitlist;
use serde_json::json;
use time::Duration;
use time::macros::date;

use crate::Fixture;
use crate::purges::purge_all;
use crate::reviews::{exported, review};
use crate::samples::{
    active_list, active_list_in, delete_entry, delete_waitlist, erase_entry, full_sign_up, join, join_by, later, profile, sign_up,
    sign_up_as,
};
use crate::variants;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn source(text: &str) -> Option<Referrer> {
    Referrer::parse_optional(text).unwrap()
}

fn profile_from(text: &str, address: &str) -> Profile {
    Profile { referrer: source(text), ..profile(address) }
}

/// Every count of a list without entries is zero.
pub async fn an_empty_list_counts_nothing(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let analytics = ports.stats.analytics(list.id, date!(2026 - 01 - 31)).await.unwrap();
    let control = &ports.variants.list(list.id).await.unwrap()[0];
    assert_eq!((analytics.counters.clone(), analytics.viral_coefficient()), (Counters::default(), 0.0));
    assert!(analytics.recent_days.is_empty() && analytics.top_referrers.is_empty() && analytics.top_referrals.is_empty());
    let [VariantSignups { variant: Some(only), signups: 0 }] = &analytics.by_variant[..] else { panic!("{analytics:?}") };
    assert_eq!((only.id, only.kind, &only.locale), (control.id, control.kind, &control.locale));
    assert_eq!(ports.stats.rebuild().await.unwrap(), Rebuilt { waitlists: 1, corrected: 0 });
}

/// After sign-ups, reviews and deletions the counters equal a count of the rows.
pub async fn analytics_follow_every_change(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let control = ports.variants.list(list.id).await.unwrap()[0].id;
    let join = |address: &str, day: &str, referrer: &str, friend: Option<&Entry>, variant_id: Option<VariantId>| {
        let command = SignUp {
            now: at(day),
            friends_code: friend.map(|entry| entry.referral_code.clone()),
            variant_id,
            ..sign_up_as(&ports, &list, profile_from(referrer, address))
        };
        let ports = ports.clone();
        async move { ports.entries.sign_up(command).await.unwrap() }
    };
    let ada = join("ada@example.com", "2026-01-25T23:59:59.999Z", "a blog", None, Some(control)).await;
    let bob = join("bob@example.com", "2026-01-26T00:00:00Z", "a blog", Some(&ada), None).await;
    let eve = join("eve@example.com", "2026-01-31T00:00:00Z", "a friend", Some(&ada), Some(control)).await;
    let dan = join("dan@example.com", "2026-01-31T08:00:00Z", "", Some(&bob), None).await;
    ports.entries.review(review(&ports, &ada, Review::Approve)).await.unwrap();
    ports.entries.review(review(&ports, &eve, Review::Reject)).await.unwrap();

    let today = date!(2026 - 01 - 31);
    let analytics = ports.stats.analytics(list.id, today).await.unwrap();
    assert_eq!(analytics.counters, Counters { pending: 2, approved: 1, rejected: 1, referred: 3 });
    let days = [(date!(2026 - 01 - 25), 1), (date!(2026 - 01 - 26), 1), (date!(2026 - 01 - 31), 2)];
    assert_eq!(analytics.recent_days, BTreeMap::from(days));
    assert_eq!((analytics.signups_today(today), analytics.signups_this_week(today), analytics.signups_this_month(today)), (2, 3, 4));
    assert_eq!(analytics.top_referrers, [(source("a blog"), 2), (None, 1), (source("a friend"), 1)]);
    let top: Vec<_> = analytics.top_referrals.iter().map(|row| (row.id, row.referral_count)).collect();
    assert_eq!(top, [(ada.id, 2), (bob.id, 1)]);
    assert_eq!(by_variant(&analytics), [(Some(control), 2), (None, 2)]);

    // Delete Bob, who has a referrer and is one.
    assert!(ports.entries.delete(delete_entry(&ports, list.id, bob.id)).await.unwrap());
    purge_all(&ports).await;
    let analytics = ports.stats.analytics(list.id, today).await.unwrap();
    assert_eq!(analytics.counters, Counters { pending: 1, approved: 1, rejected: 1, referred: 1 });
    assert_eq!(analytics.recent_days, BTreeMap::from([days[0], days[2]]));
    assert_eq!(by_variant(&analytics), [(Some(control), 2), (None, 1)]);
    for entry in [&ada, &eve, &dan] {
        assert!(ports.entries.delete(delete_entry(&ports, list.id, entry.id)).await.unwrap());
    }
    let analytics = ports.stats.analytics(list.id, today).await.unwrap();
    assert_eq!(analytics.counters, Counters::default());
    assert!(analytics.recent_days.is_empty() && analytics.top_referrers.is_empty());
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
}

fn by_variant(analytics: &Analytics) -> Vec<(Option<VariantId>, u64)> {
    analytics.by_variant.iter().map(|row| (row.variant.as_ref().map(|variant| variant.id), row.signups)).collect()
}

/// The top sources and the top referrers have ten rows each, and no rejected entry leads.
pub async fn tops_have_ten_rows_and_no_rejected_ones(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let mut founders = Vec::new();
    for n in 0..12 {
        let founder = profile_from(&format!("source {n:02}"), &format!("f{n}@example.com"));
        founders.push(ports.entries.sign_up(sign_up_as(&ports, &list, founder)).await.unwrap());
    }
    for (n, founder) in founders.iter().enumerate() {
        let friends_code = Some(founder.referral_code.clone());
        let friend = profile_from("source 11", &format!("p{n}@example.com"));
        ports.entries.sign_up(SignUp { friends_code, ..sign_up_as(&ports, &list, friend) }).await.unwrap();
    }
    ports.entries.review(review(&ports, &founders[0], Review::Reject)).await.unwrap();
    let analytics = ports.stats.analytics(list.id, date!(2026 - 01 - 31)).await.unwrap();
    let top: Vec<_> = analytics.top_referrals.iter().map(|row| row.position.number()).collect();
    assert_eq!(top, (2..=11).collect::<Vec<_>>());
    assert_eq!(analytics.top_referrers.len(), 10);
    assert_eq!(analytics.top_referrers[0], (source("source 11"), 13));
    let leaders = ports.stats.leaders(list.id, Limit::default()).await.unwrap();
    assert_eq!(leaders.iter().map(|leader| leader.position.number()).collect::<Vec<_>>(), (2..=12).collect::<Vec<_>>());
}

/// The entries, days, sources, leaders and referrals of another waitlist are not counted.
pub async fn nothing_of_another_waitlist_is_counted(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({"approval_required": false})).await;
    let ada = ports.entries.sign_up(full_sign_up(&ports, &other, "ada@example.com").await).await.unwrap();
    let bob = join_by(&ports, &other, &ada, "bob@example.com").await;
    ports.entries.review(review(&ports, &bob, Review::Reject)).await.unwrap();
    let today = date!(2026 - 01 - 31);
    let span = DaySpan::new(ports.clock.now(), ports.clock.now().plus(Duration::days(1))).unwrap();
    let read = async |id| {
        let leaders = ports.stats.leaders(id, Limit::default()).await.unwrap().len();
        let timeline = ports.stats.timeline(id, span).await.unwrap();
        let entries = (ports.stats.count(id).await.unwrap(), exported(&ports, id).await.len());
        (ports.stats.analytics(id, today).await.unwrap(), leaders, timeline, entries)
    };
    let (analytics, leaders, timeline, entries) = read(list.id).await;
    assert_eq!((analytics.counters, leaders, entries), (Counters::default(), 0, (0, 0)));
    assert!(analytics.recent_days.is_empty() && analytics.top_referrers.is_empty() && analytics.top_referrals.is_empty());
    assert!(timeline.is_empty() && analytics.by_variant.iter().all(|row| row.signups == 0));
    let before = read(other.id).await;
    assert_eq!(
        (before.0.counters.clone(), before.1, before.3),
        (Counters { pending: 0, approved: 1, rejected: 1, referred: 1 }, 1, (2, 2))
    );
    join(&ports, &list, "eve@example.com").await;
    assert_eq!((read(other.id).await, read(list.id).await.3), (before, (1, 1)));
}

/// A row of the top referrers has the address and the code of the entry.
pub async fn tops_tell_who_leads(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    join(&ports, &list, "first@example.com").await;
    let ada = join(&ports, &list, "ada@example.com").await;
    join_by(&ports, &list, &ada, "bob@example.com").await;
    let top = ports.stats.analytics(list.id, date!(2026 - 01 - 31)).await.unwrap().top_referrals;
    let row = |row: &TopReferral| (row.id, row.email.clone(), row.referral_code.clone(), row.position, row.referral_count);
    assert_eq!(top.iter().map(row).collect::<Vec<_>>(), [(ada.id, ada.profile.email, ada.referral_code, ada.position, 1)]);
}

/// The analytics have the days since the Monday of the week and since the first of the month, whichever is earlier.
pub async fn analytics_reach_back_to_monday_and_to_the_first(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    for (n, moment) in ["2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z", "2026-01-27T00:00:00Z"].into_iter().enumerate() {
        ports.entries.sign_up(SignUp { now: at(moment), ..sign_up(&ports, &list, &format!("p{n}@example.com")) }).await.unwrap();
    }
    for (today, week, month) in [(date!(2026 - 01 - 31), 1, 2), (date!(2026 - 02 - 01), 1, 0)] {
        let analytics = ports.stats.analytics(list.id, today).await.unwrap();
        assert_eq!((analytics.signups_this_week(today), analytics.signups_this_month(today)), (week, month), "{today}");
    }
}

/// Variants are counted in the order of their creation, each with its kind and locale, whatever their sign-ups.
pub async fn variants_are_counted_in_the_order_of_their_creation(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let mut made = ports.variants.list(list.id).await.unwrap();
    for (seconds, locale) in [(9, "de"), (5, "fr")] {
        let command = CreateVariant { now: later(&ports, seconds), ..variants::create(&ports, list.id, locale) };
        made.push(ports.variants.create(command).await.unwrap());
    }
    made.sort_by_key(|variant| variant.created_at);
    let last = &made[2];
    ports.entries.sign_up(SignUp { variant_id: Some(last.id), ..sign_up(&ports, &list, "ada@example.com") }).await.unwrap();
    let rows = ports.stats.analytics(list.id, date!(2026 - 01 - 31)).await.unwrap().by_variant;
    let told: Vec<_> = rows.into_iter().map(|row| (row.variant.unwrap(), row.signups)).collect();
    let label = |variant: &Variant| VariantLabel { id: variant.id, kind: variant.kind, locale: variant.locale.clone() };
    assert_eq!(told, made.iter().map(|variant| (label(variant), u64::from(variant.id == last.id))).collect::<Vec<_>>());
}

/// A timeline counts by UTC day, at both edges of a day, at the end of a year and on a leap day.
pub async fn a_timeline_counts_utc_days(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let moments = [
        "2023-12-31T23:59:59.999Z",
        "2024-01-01T00:00:00Z",
        "2024-02-28T23:59:59.999Z",
        "2024-02-29T00:00:00Z",
        "2024-02-29T23:59:59.999Z",
        "2024-03-01T00:00:00Z",
    ];
    for (n, moment) in moments.into_iter().enumerate() {
        ports.entries.sign_up(SignUp { now: at(moment), ..sign_up(&ports, &list, &format!("p{n}@example.com")) }).await.unwrap();
    }
    let counted = |since: &str, until: &str| {
        let (ports, span) = (ports.clone(), DaySpan::new(at(since), at(until)).unwrap());
        async move { ports.stats.timeline(list.id, span).await.unwrap() }
    };
    let all = [
        (date!(2023 - 12 - 31), 1),
        (date!(2024 - 01 - 01), 1),
        (date!(2024 - 02 - 28), 1),
        (date!(2024 - 02 - 29), 2),
        (date!(2024 - 03 - 01), 1),
    ];
    assert_eq!(counted("2023-12-31T00:00:00Z", "2024-03-02T00:00:00Z").await, BTreeMap::from(all));
    assert_eq!(counted("2024-01-01T00:00:00Z", "2024-02-29T00:00:00Z").await, BTreeMap::from([all[1], all[2]]));
    assert_eq!(counted("2024-02-29T12:00:00Z", "2024-03-01T00:00:00Z").await, BTreeMap::from([all[3]]));
    assert!(counted("2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z").await.is_empty());
}

async fn churn(ports: Ports, list: Waitlist, worker: usize) {
    let mut mine: Vec<Entry> = Vec::new();
    for n in 0..12 {
        let friends_code = mine.first().map(|entry| entry.referral_code.clone());
        let person = profile_from(["", "a blog", "a friend"][n % 3], &format!("w{worker}n{n}@example.com"));
        let command = SignUp { friends_code, ..sign_up_as(&ports, &list, person) };
        mine.push(ports.entries.sign_up(command).await.unwrap());
        let verdict = if n % 2 == 0 { Review::Approve } else { Review::Reject };
        ports.entries.review(review(&ports, &mine[n / 2], verdict)).await.unwrap();
    }
    for entry in mine.iter().step_by(3) {
        assert!(ports.entries.delete(delete_entry(&ports, list.id, entry.id)).await.unwrap());
    }
}

/// The counters are right after many parallel changes by two processes, with a deletion of a list among them.
pub async fn counters_stay_true_under_parallel_changes(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let doomed = active_list_in(&ports, list.workspace_id, "doomed", json!({})).await;
    ports.entries.sign_up(sign_up(&ports, &doomed, "ada@example.com")).await.unwrap();
    let workers = (0..6).map(|worker| {
        let ports = if worker % 2 == 0 { ports.clone() } else { there.clone() };
        tokio::spawn(churn(ports, list.clone(), worker))
    });
    let (done, deleted) = tokio::join!(join_all(workers), ports.waitlists.delete(delete_waitlist(&ports, doomed.workspace_id, doomed.id)));
    assert!(deleted.unwrap());
    done.into_iter().for_each(|outcome| outcome.expect("no panic"));
    assert_eq!(ports.stats.count(list.id).await.unwrap(), 6 * 8);
    assert_eq!(ports.stats.rebuild().await.unwrap(), Rebuilt { waitlists: 1, corrected: 0 });
}

/// A rebuild corrects a wrong total, whatever made it wrong. A store that counts its rows whenever it is asked has no such total.
pub async fn a_wrong_total_is_put_right(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    let early = SignUp { now: at("1969-12-31T23:59:59.500Z"), ..sign_up(&ports, &other, "ada@example.com") };
    ports.entries.sign_up(early).await.unwrap();
    let today = date!(2026 - 01 - 31);
    let right = ports.stats.analytics(list.id, today).await.unwrap();
    if fixture.miscount(&list).await {
        assert_ne!(ports.stats.analytics(list.id, today).await.unwrap(), right);
        assert_eq!(ports.stats.rebuild().await.unwrap(), Rebuilt { waitlists: 2, corrected: 1 });
    }
    assert_eq!(ports.stats.analytics(list.id, today).await.unwrap(), right);
    assert_eq!(ports.stats.rebuild().await.unwrap(), Rebuilt { waitlists: 2, corrected: 0 });
}

/// After a rebuild no position is given out that was given out before it.
pub async fn a_rebuild_keeps_the_last_position(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    join(&ports, &list, "ada@example.com").await;
    let last = join(&ports, &list, "bob@example.com").await;
    assert!(ports.entries.delete(delete_entry(&ports, list.id, last.id)).await.unwrap());
    assert_eq!(ports.stats.rebuild().await.unwrap(), Rebuilt { waitlists: 1, corrected: 0 });
    assert_eq!(join(&ports, &list, "eve@example.com").await.position.number(), 3);
}

/// As many entries stand on a list as take its places: rejected ones too, and neither erased nor deleted ones. Another process sees it.
pub async fn who_left_stands_no_more(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({"max_entries": 3})).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    join(&ports, &other, "ada@example.com").await;
    assert_eq!(ports.stats.standing(list.id).await.unwrap(), 0);
    let [ada, bob, _] = [
        join(&ports, &list, "ada@example.com").await,
        join(&ports, &list, "bob@example.com").await,
        join(&ports, &list, "eve@example.com").await,
    ];
    ports.entries.review(review(&ports, &ada, Review::Reject)).await.unwrap();
    for ports in [&ports, &there] {
        assert_eq!(ports.stats.standing(list.id).await.unwrap(), 3);
        assert!(ports.entries.sign_up(sign_up(ports, &list, "dan@example.com")).await.is_err(), "the list is full");
    }
    assert!(ports.entries.erase(erase_entry(&ports, list.id, bob.id)).await.unwrap());
    assert_eq!((there.stats.standing(list.id).await.unwrap(), there.stats.count(list.id).await.unwrap()), (2, 3));
    purge_all(&ports).await;
    assert_eq!(there.stats.standing(list.id).await.unwrap(), 2);
    join(&there, &list, "dan@example.com").await;
    assert!(there.entries.delete(delete_entry(&ports, list.id, ada.id)).await.unwrap());
    assert_eq!(ports.stats.standing(list.id).await.unwrap(), 2);
    assert_eq!(ports.stats.standing(other.id).await.unwrap(), 1);
    assert!(ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, list.id)).await.unwrap());
    assert_eq!(there.stats.standing(list.id).await.unwrap(), 0);
}

/// Ways in which the counters of Rally's SQL stores can be wrong.
const TAMPERINGS: [&str; 6] = [
    "UPDATE waitlist_totals SET pending = pending + 5",
    "UPDATE waitlist_totals SET referred = 9",
    "DELETE FROM waitlist_days",
    "UPDATE waitlist_sources SET signups = 7",
    "DELETE FROM waitlist_variants",
    "UPDATE entries SET status = 'approved'",
];

/// A rebuild corrects counters, however they came to be wrong. `tamper` runs a statement behind the store's back. This case is not among
/// those of the macro, since it is about the tables that the SQL stores share.
pub async fn a_rebuild_puts_wrong_counters_right(fixture: &impl Fixture, tamper: impl AsyncFn(&str)) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    ports.entries.sign_up(sign_up(&ports, &list, "bob@example.com")).await.unwrap();
    let today = date!(2026 - 01 - 31);
    let mut right = ports.stats.analytics(list.id, today).await.unwrap();
    for tampering in TAMPERINGS {
        tamper(tampering).await;
        if tampering.contains("entries") {
            (right.counters.pending, right.counters.approved) = (0, 2);
        }
        assert_ne!(ports.stats.analytics(list.id, today).await.unwrap(), right, "{tampering}");
        assert_eq!(ports.stats.rebuild().await.unwrap(), Rebuilt { waitlists: 1, corrected: 1 }, "{tampering}");
        assert_eq!(ports.stats.analytics(list.id, today).await.unwrap(), right, "{tampering}");
    }
    assert_eq!(ports.stats.rebuild().await.unwrap(), Rebuilt { waitlists: 1, corrected: 0 });
}
