//! Cases of [`PurgeStore`](rally_domain::port::PurgeStore), and of deletions that leave rows to it.

use rally_domain::command::SignUp;
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::id::EventId;
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::profile::Profile;
use rally_domain::referral::ReferralCode;
use rally_domain::suppression::SuppressionReason;
use rally_domain::text::Referrer;
use rally_domain::waitlist::Waitlist;
use rally_domain::webhook::Webhook;
use serde_json::json;
use time::Duration;
use time::macros::date;

use crate::Fixture;
use crate::claims::claim;
use crate::mail_claims;
use crate::samples::{
    active_list, active_list_in, delete_entry, delete_waitlist, delete_webhook, delete_workspace, erase_entry, notifications, profile, set,
    sign_up, sign_up_as, slug, suppress, told, workspace,
};
use crate::settlements::{answered, settle};
use crate::suppressions::suppressed;
use crate::webhooks::{self, create_webhook, switch, webhook};

/// Rows of a batch. They are few, so that some are left after the first batch.
const BATCH: usize = 3;

/// Purges until nothing is left.
pub(crate) async fn purge_all(ports: &Ports) {
    let mut batches = 0;
    while ports.purges.purge(BATCH).await.unwrap() {
        batches += 1;
        assert!(batches < 10_000, "a purge comes to an end");
    }
    assert_eq!(ports.purges.backlog().await.unwrap(), 0);
}

async fn join(ports: &Ports, list: &Waitlist, address: &str) -> Entry {
    let profile = Profile { referrer: Some(Referrer::parse(address).unwrap()), ..profile(address) };
    ports.entries.sign_up(sign_up_as(ports, list, profile)).await.unwrap()
}

/// The kind of which there were two and one remains, for something that asks all of a list.
async fn is_empty(ports: &Ports, list: &Waitlist, entry: &Entry) -> bool {
    let day = date!(2026 - 01 - 31);
    let instant = ports.clock.now();
    let span = rally_domain::analytics::DaySpan::new(instant, instant.plus(Duration::days(1))).unwrap();
    let mut exported = ports.entries.export(list.id).await.unwrap();
    ports.waitlists.find(list.workspace_id, list.id).await.unwrap().is_none()
        && ports.waitlists.find_public(&slug("acme"), &list.slug).await.unwrap().is_none()
        && ports.entries.find(list.id, entry.id).await.unwrap().is_none()
        && ports.entries.list(list.id, None, None, Limit::default()).await.unwrap().items.is_empty()
        && ports.entries.list(list.id, Some(EntryStatus::Pending), None, Limit::default()).await.unwrap().items.is_empty()
        && futures_util::StreamExt::next(&mut exported).await.is_none()
        && ports.stats.count(list.id).await.unwrap() == 0
        && ports.stats.leaders(list.id, Limit::default()).await.unwrap().is_empty()
        && ports.stats.timeline(list.id, span).await.unwrap().is_empty()
        && ports.stats.analytics(list.id, day).await.unwrap() == rally_domain::analytics::Analytics::default()
        && ports.variants.list(list.id).await.unwrap().is_empty()
}

/// No reader finds a deleted list, and nothing of it is delivered or mailed. A new list can have its slug, and has nothing of the old one.
pub async fn a_deleted_waitlist_is_gone_before_it_is_purged(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    set(&ports, list.workspace_id, notifications()).await;
    webhook(&ports, list.workspace_id).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let friend = SignUp { friends_code: Some(ada.referral_code.clone()), ..sign_up(&ports, &list, "bob@example.com") };
    ports.entries.sign_up(friend).await.unwrap();
    assert!(!is_empty(&there, &list, &ada).await);
    assert!(ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, list.id)).await.unwrap());
    assert_eq!(ports.purges.backlog().await.unwrap(), 1);
    assert!(is_empty(&ports, &list, &ada).await && is_empty(&there, &list, &ada).await);
    let now = ports.clock.now().plus(Duration::days(1));
    assert_eq!((claim(&ports, now).await, mail_claims::claim(&ports, now).await), (Vec::new(), Vec::new()));
    let gone = ports.entries.sign_up(sign_up(&ports, &list, "eve@example.com")).await;
    assert!(gone.is_err(), "{gone:?}");

    let again = active_list_in(&ports, list.workspace_id, "list", json!({})).await;
    let first = join(&ports, &again, "ada@example.com").await;
    assert_eq!((first.position.number(), ports.stats.count(again.id).await.unwrap()), (1, 1));
    purge_all(&ports).await;
    assert_eq!(ports.entries.find(again.id, first.id).await.unwrap().as_ref(), Some(&first));
}

/// A purge deletes all that belonged to what was deleted, in small batches, whichever process runs them. A neighbour keeps everything.
pub async fn a_purge_takes_what_was_deleted_and_nothing_else(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({"approval_required": false})).await;
    let neighbour = active_list_in(&ports, list.workspace_id, "neighbour", json!({})).await;
    set(&ports, list.workspace_id, notifications()).await;
    webhook(&ports, list.workspace_id).await;
    for n in 0..8 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    let doomed = join(&ports, &list, "gone@example.com").await;
    assert!(ports.entries.delete(delete_entry(&ports, list.id, doomed.id)).await.unwrap());
    let kept = [join(&ports, &neighbour, "ada@example.com").await, join(&ports, &neighbour, "bob@example.com").await];
    assert!(ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, list.id)).await.unwrap());
    let told = async || told(&ports, 100).await.len();
    assert!(there.purges.purge(BATCH).await.unwrap());
    assert!((10..20).contains(&told().await), "a batch is a part");
    purge_all(&there).await;
    assert_eq!((told().await, ports.mails.mails(100).await.unwrap().len()), (2, 2));
    assert_eq!(claim(&ports, ports.clock.now()).await.len(), 2);
    assert_eq!(ports.entries.list(neighbour.id, None, None, Limit::default()).await.unwrap().items, kept);
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
}

/// The lists and webhooks of a deleted workspace are gone at once. What they owned is purged later.
pub async fn a_deleted_workspace_is_gone_before_it_is_purged(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let lists = [active_list(&ports, json!({})).await];
    let acme = lists[0].workspace_id;
    let other = active_list_in(&ports, acme, "other", json!({})).await;
    let beta = active_list_in(&ports, workspace(&ports, "beta").await.id, "list", json!({})).await;
    let hook = webhook(&ports, acme).await;
    webhook(&ports, beta.workspace_id).await;
    let ada = join(&ports, &lists[0], "ada@example.com").await;
    let bob = join(&ports, &other, "bob@example.com").await;
    join(&ports, &beta, "eve@example.com").await;
    assert!(ports.workspaces.delete(delete_workspace(&ports, "acme")).await.unwrap());
    assert!(is_empty(&ports, &lists[0], &ada).await && is_empty(&ports, &other, &bob).await);
    assert_eq!((ports.webhooks.find(acme, hook.id).await.unwrap(), ports.webhooks.list(acme).await.unwrap()), (None, Vec::new()));
    let claimed = claim(&ports, ports.clock.now()).await;
    assert!(claimed.len() == 1 && claimed[0].webhook_id != hook.id);
    workspace(&ports, "acme").await;
    purge_all(&ports).await;
    assert_eq!(told(&ports, 10).await.len(), 1);
    assert_eq!(ports.deliveries.depth().await.unwrap().pending, 1);
}

/// A purge deletes the deliveries of a deleted webhook and their log, and nothing of another webhook.
pub async fn a_deleted_webhook_is_purged(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let (gone, kept) = (webhook(&ports, list.workspace_id).await, webhook(&ports, list.workspace_id).await);
    for n in 0..8 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    assert!(ports.webhooks.delete(delete_webhook(&ports, gone.workspace_id, gone.id)).await.unwrap());
    assert_eq!(ports.webhooks.find(gone.workspace_id, gone.id).await.unwrap(), None);
    purge_all(&ports).await;
    assert_eq!(ports.deliveries.depth().await.unwrap().pending, 8);
    assert!(claim(&ports, ports.clock.now()).await.iter().all(|delivery| delivery.webhook_id == kept.id));
}

/// A purge leaves the logs of other webhooks, and the events of tests, which belong to no list.
pub async fn a_purge_leaves_logs_and_tests_alone(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let doomed = active_list_in(&ports, list.workspace_id, "doomed", json!({})).await;
    let (kept, gone) = (webhook(&ports, list.workspace_id).await, webhook(&ports, list.workspace_id).await);
    webhooks::test(&ports, &kept).await.unwrap();
    join(&ports, &list, "ada@example.com").await;
    join(&ports, &doomed, "bob@example.com").await;
    let now = ports.clock.now();
    let attempts = claim(&ports, now).await.iter().map(|delivery| answered(&ports, delivery, Some(500), now)).collect();
    assert_eq!(settle(&ports, attempts).await, 5);
    let log = async |hook: &Webhook| ports.webhooks.attempts(hook.id, Limit::default()).await.unwrap();
    let before = log(&kept).await;
    assert_eq!((before.len(), log(&gone).await.len()), (3, 2));
    assert!(ports.webhooks.delete(delete_webhook(&ports, gone.workspace_id, gone.id)).await.unwrap());
    assert!(ports.waitlists.delete(delete_waitlist(&ports, doomed.workspace_id, doomed.id)).await.unwrap());
    purge_all(&ports).await;
    assert_eq!((log(&kept).await, log(&gone).await), (before, Vec::new()));
    let events = told(&ports, 10).await;
    assert_eq!(events.iter().filter(|event| event.waitlist_id.is_none()).count(), 1);
    assert_eq!(events.len(), 2);
}

/// A purge holds the deliveries that waited for a webhook that was disabled or enabled. Then their events end, and are pruned like others.
pub async fn what_waited_for_a_switched_webhook_is_held_in_time(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let hook = webhook(&ports, list.workspace_id).await;
    for n in 0..8 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    switch(&ports, &hook, false).await;
    switch(&ports, &hook, true).await;
    let after: EventId = {
        let command = sign_up(&ports, &list, "after@example.com");
        ports.entries.sign_up(command.clone()).await.unwrap();
        command.event_ids[0]
    };
    purge_all(&ports).await;
    assert_eq!(ports.deliveries.depth().await.unwrap().pending, 1);
    let claimed = claim(&ports, ports.clock.now()).await;
    assert_eq!(claimed.iter().map(|delivery| delivery.event_id).collect::<Vec<_>>(), [after]);
    let later = ports.clock.now().plus(Duration::days(1));
    // The status of the list was told, too.
    assert_eq!(ports.deliveries.prune(later, 100).await.unwrap(), 9);
}

/// The entries that a deleted entry referred have no referrer at once, however many they are. The totals follow.
pub async fn a_deleted_referrer_of_many_is_forgotten(fixture: &impl Fixture) {
    const FRIENDS: usize = 450;
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let friends = (0..FRIENDS).map(|n| {
        let command = SignUp { friends_code: Some(ada.referral_code.clone()), ..sign_up(&ports, &list, &format!("p{n}@example.com")) };
        ports.entries.sign_up(command)
    });
    let friends: Vec<Entry> = futures_util::future::join_all(friends).await.into_iter().map(|friend| friend.unwrap()).collect();
    assert!(friends.iter().all(|friend| friend.referred_by == Some(ada.id)));
    assert!(ports.entries.delete(delete_entry(&ports, list.id, ada.id)).await.unwrap());
    for ports in [&ports, &there] {
        let (mut after, mut seen) = (None, 0);
        loop {
            let page = ports.entries.list(list.id, None, after, Limit::new(100, 100).unwrap()).await.unwrap();
            assert!(page.items.iter().all(|entry| entry.referred_by.is_none()));
            seen += page.items.len();
            after = page.items.last().map(|entry| entry.position);
            if page.next.is_none() {
                break;
            }
        }
        assert_eq!(seen, FRIENDS);
    }
    // Those who go before the purge reaches them are not counted either.
    assert!(ports.entries.delete(delete_entry(&ports, list.id, friends[FRIENDS - 1].id)).await.unwrap());
    assert!(ports.entries.erase(erase_entry(&ports, list.id, friends[FRIENDS - 2].id)).await.unwrap());
    while ports.purges.purge(100).await.unwrap() {}
    let referred = ports.stats.analytics(list.id, date!(2026 - 01 - 31)).await.unwrap().counters.referred;
    assert_eq!((referred, ports.stats.rebuild().await.unwrap().corrected), (0, 0));
    let code = ReferralCode::from_entropy(ports.ids.entropy());
    ports.entries.sign_up(SignUp { own_code: code, ..sign_up(&ports, &list, "ada@example.com") }).await.unwrap();
}

/// Rows that an older program left when it deleted their owner are found and purged. `tamper` runs SQL on the store.
pub async fn orphans_are_found_and_purged(fixture: &impl Fixture, tamper: impl AsyncFn(&str)) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let kept = active_list_in(&ports, list.workspace_id, "kept", json!({})).await;
    let hook = ports.webhooks.create(create_webhook(&ports, list.workspace_id, &rally_domain::event::EventKind::ALL), None).await.unwrap();
    for n in 0..5 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
        join(&ports, &kept, &format!("p{n}@example.com")).await;
    }
    let gone = workspace(&ports, "gone").await;
    for id in [gone.id, kept.workspace_id] {
        ports.suppressions.suppress(suppress(&ports, id, "ada@example.com", SuppressionReason::Manual)).await.unwrap();
    }
    assert_eq!(ports.purges.find_orphans().await.unwrap(), 0);
    tamper("DELETE FROM waitlists WHERE slug = 'list'").await;
    tamper("DELETE FROM webhooks").await;
    tamper("DELETE FROM workspaces WHERE slug = 'gone'").await;
    assert_eq!(ports.purges.find_orphans().await.unwrap(), 3);
    purge_all(&ports).await;
    assert_eq!((ports.purges.find_orphans().await.unwrap(), told(&ports, 100).await.len()), (0, 5));
    assert_eq!((ports.deliveries.depth().await.unwrap().pending, ports.stats.count(kept.id).await.unwrap()), (0, 5));
    assert!(ports.webhooks.find(list.workspace_id, hook.id).await.unwrap().is_none());
    assert_eq!(suppressed(&ports, kept.workspace_id).await.len(), 1);
}

/// A list and a webhook with far more rows than one statement may delete are deleted in a moment. Sign-ups elsewhere go on while they are
/// purged. `fill` writes the rows of the list behind the store's back.
pub async fn what_is_large_is_deleted_in_a_moment_and_purged_beside_others(fixture: &impl Fixture, fill: impl AsyncFn(&Waitlist)) {
    const MOMENT: std::time::Duration = std::time::Duration::from_secs(2);
    let ports = fixture.ports();
    let large = active_list(&ports, json!({})).await;
    let small = active_list_in(&ports, workspace(&ports, "beta").await.id, "list", json!({})).await;
    let hooks = [webhook(&ports, large.workspace_id).await, webhook(&ports, large.workspace_id).await];
    fill(&large).await;
    let soon = async |work: &mut (dyn Future<Output = ()> + Unpin)| tokio::time::timeout(MOMENT, work).await.expect("it takes a moment");
    soon(&mut Box::pin(async {
        switch(&ports, &hooks[0], false).await;
        assert!(ports.webhooks.delete(delete_webhook(&ports, large.workspace_id, hooks[1].id)).await.unwrap());
        assert!(ports.waitlists.delete(delete_waitlist(&ports, large.workspace_id, large.id)).await.unwrap());
    }))
    .await;
    let (purging, done) = (ports.clone(), std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)));
    let ended = done.clone();
    let purge = tokio::spawn(async move {
        while purging.purges.purge(200).await.unwrap() {}
        ended.store(true, std::sync::atomic::Ordering::SeqCst);
    });
    let mut n = 0;
    while !done.load(std::sync::atomic::Ordering::SeqCst) {
        n += 1;
        soon(&mut Box::pin(async {
            join(&ports, &small, &format!("p{n}@example.com")).await;
        }))
        .await;
    }
    purge.await.unwrap();
    assert_eq!(ports.purges.find_orphans().await.unwrap(), 0);
    assert_eq!((ports.deliveries.depth().await.unwrap().pending, ports.stats.count(small.id).await.unwrap()), (0, n));
}
