//! Cases of erasures: the person is gone for every reader, and the numbers stay.

use futures_util::future::join_all;
use rally_domain::command::{EntryRejection, InviteRejection, Review, SignUp, SignUpRejection};
use rally_domain::delivery::Attempt;
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::error::CommandError::Rejected;
use rally_domain::event::{Event, EventSubject};
use rally_domain::id::WorkspaceId;
use rally_domain::mail::{MailOutcome, Recipient};
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::suppression::{Suppression, SuppressionReason};
use rally_domain::waitlist::Waitlist;
use serde_json::json;
use time::Duration;
use time::macros::date;

use crate::claims::{claim, claim_each, keys};
use crate::entries::all_entries;
use crate::invitations::record;
use crate::mails::talking_list;
use crate::purges::purge_all;
use crate::reviews::{exported, review};
use crate::samples::{
    active_list, active_list_in, delete_entry, delete_waitlist, email, erase_entry, full_sign_up, join, join_by, later, sign_up, suppress,
    test_mail, told, workspace,
};
use crate::settlements::{answered, settle};
use crate::webhooks::webhook;
use crate::{Fixture, mail_claims};

const TODAY: time::Date = date!(2026 - 01 - 31);

async fn erase(ports: &Ports, entry: &Entry) {
    assert!(ports.entries.erase(erase_entry(ports, entry.waitlist_id, entry.id)).await.unwrap());
}

async fn suppressions(ports: &Ports, id: WorkspaceId, address: &str) -> Vec<Suppression> {
    ports.suppressions.find(id, ports.links.secret().hash_address(&email(address))).await.unwrap()
}

/// No reader finds an erased entry, before the purge and after it, in any process. The entry that it referred goes on naming it.
pub async fn an_erased_entry_is_gone_for_every_reader(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let bob = join_by(&ports, &list, &ada, "bob@example.com").await;
    erase(&ports, &ada).await;
    for is_purged in [false, true] {
        for ports in [&ports, &there] {
            assert_eq!(ports.entries.find(list.id, ada.id).await.unwrap(), None);
            assert_eq!(ports.entries.find_by_id(ada.id).await.unwrap(), None);
            for status in [None, Some(EntryStatus::Pending)] {
                assert_eq!(all_entries(ports, list.id, status, 10).await, std::slice::from_ref(&bob));
            }
            assert_eq!(exported(ports, list.id).await, std::slice::from_ref(&bob));
            assert!(ports.stats.leaders(list.id, Limit::default()).await.unwrap().is_empty(), "purged: {is_purged}");
            assert!(ports.stats.analytics(list.id, TODAY).await.unwrap().top_referrals.is_empty());
            let refused = ports.entries.review(review(ports, &ada, Review::Approve)).await;
            assert!(matches!(refused, Err(Rejected(EntryRejection::NoSuchEntry))), "{refused:?}");
            let refused = ports.entries.record_invitation(record(ports, &ada, "app", "first")).await;
            assert!(matches!(refused, Err(Rejected(InviteRejection::NoSuchEntry))), "{refused:?}");
            assert!(!ports.entries.erase(erase_entry(ports, list.id, ada.id)).await.unwrap());
            assert!(!ports.entries.delete(delete_entry(ports, list.id, ada.id)).await.unwrap());
        }
        purge_all(&there).await;
    }
    assert_eq!(bob.referred_by, Some(ada.id));
}

/// Totals, days, variants and positions go on counting an erased entry. Its source counts as none. A rebuild agrees.
pub async fn an_erased_entry_is_still_counted(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let first = join(&ports, &list, "first@example.com").await;
    let friend = SignUp { friends_code: Some(first.referral_code.clone()), ..full_sign_up(&ports, &list, "ada@example.com").await };
    let ada = ports.entries.sign_up(friend).await.unwrap();
    ports.entries.review(review(&ports, &ada, Review::Approve)).await.unwrap();
    ports.entries.sign_up(full_sign_up(&ports, &list, "bob@example.com").await).await.unwrap();
    let before = ports.stats.analytics(list.id, TODAY).await.unwrap();
    erase(&ports, &ada).await;
    let after = ports.stats.analytics(list.id, TODAY).await.unwrap();
    assert_eq!((&after.counters, &after.recent_days), (&before.counters, &before.recent_days));
    assert_eq!((&after.by_variant, &after.top_referrals), (&before.by_variant, &before.top_referrals));
    let sources: Vec<_> = after.top_referrers.iter().map(|(text, n)| (text.as_ref().map(|text| text.as_str()), *n)).collect();
    assert_eq!(sources, [(None, 2), (Some("a blog"), 1)]);
    assert_eq!((ports.stats.count(list.id).await.unwrap(), ports.stats.rebuild().await.unwrap().corrected), (3, 0));
    purge_all(&ports).await;
    if fixture.miscount(&list).await {
        assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 1);
    }
    assert_eq!(ports.stats.analytics(list.id, TODAY).await.unwrap(), after);
    assert_eq!(join(&ports, &list, "eve@example.com").await.position.number(), 4);
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
}

/// An erased entry takes no place on a full list, its address can join again, and its code earns nothing.
pub async fn an_erased_entry_frees_its_place_and_its_address(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({"max_entries": 2})).await;
    join(&ports, &list, "ada@example.com").await;
    let bob = join(&ports, &list, "bob@example.com").await;
    erase(&ports, &bob).await;
    let again = join_by(&there, &list, &bob, "bob@example.com").await;
    assert_eq!((again.position.number(), again.referred_by), (3, None));
    for ports in [&ports, &there] {
        let refused = ports.entries.sign_up(sign_up(ports, &list, "eve@example.com")).await;
        assert!(matches!(refused, Err(Rejected(SignUpRejection::WaitlistFull))), "{refused:?}");
        assert_eq!(ports.stats.count(list.id).await.unwrap(), 3);
    }
}

/// The referrer of an erased entry keeps its credit, and those whom it referred keep their referrer. A deleted referrer is forgotten.
pub async fn credit_outlives_an_erasure(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let bob = join_by(&ports, &list, &ada, "bob@example.com").await;
    let eve = join_by(&ports, &list, &bob, "eve@example.com").await;
    let referred = async || {
        assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
        ports.stats.analytics(list.id, TODAY).await.unwrap().counters.referred
    };
    erase(&ports, &bob).await;
    assert_eq!(ports.entries.find(list.id, ada.id).await.unwrap().unwrap().referral_count, 1);
    assert_eq!(ports.entries.find(list.id, eve.id).await.unwrap().unwrap().referred_by, Some(bob.id));
    assert_eq!(ports.stats.leaders(list.id, Limit::default()).await.unwrap().len(), 1);
    assert_eq!(referred().await, 2);
    assert!(ports.entries.delete(delete_entry(&ports, list.id, ada.id)).await.unwrap());
    purge_all(&ports).await;
    assert_eq!(referred().await, 1);
    erase(&ports, &eve).await;
    purge_all(&ports).await;
    assert_eq!(referred().await, 1);
}

/// The address of an erased entry is suppressed in its workspace. No suppression of it shows the address, and others stay as they are.
pub async fn an_erased_address_is_suppressed_and_not_shown(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let (acme, beta) = (list.workspace_id, workspace(&ports, "beta").await.id);
    let other = active_list_in(&ports, acme, "other", json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let elsewhere = join(&ports, &other, "ada@example.com").await;
    for (id, address) in [(acme, "ada@example.com"), (acme, "bob@example.com"), (beta, "ada@example.com")] {
        ports.suppressions.suppress(suppress(&ports, id, address, SuppressionReason::Bounced)).await.unwrap();
    }
    let command = erase_entry(&ports, list.id, ada.id);
    assert!(ports.entries.erase(command.clone()).await.unwrap());
    for ports in [&ports, &there] {
        let rows = suppressions(ports, acme, "ada@example.com").await;
        assert!(rows.len() == 2 && rows.iter().all(|row| row.masked_email.is_none()), "{rows:?}");
        let erased = rows.iter().find(|row| row.reason == SuppressionReason::Erased).unwrap();
        assert_eq!((erased.id, erased.created_at), (command.suppression_id, command.now));
        for (id, address) in [(acme, "bob@example.com"), (beta, "ada@example.com")] {
            let rows = suppressions(ports, id, address).await;
            assert!(rows.len() == 1 && rows[0].masked_email.is_some(), "{rows:?}");
        }
        assert_eq!(ports.entries.find(other.id, elsewhere.id).await.unwrap().as_ref(), Some(&elsewhere));
    }
    erase(&ports, &elsewhere).await;
    assert_eq!(suppressions(&ports, acme, "ada@example.com").await.len(), 2);
}

/// Mail to an erased person is deleted, sent or not. What is undelivered of the entry's events is not sent, though it is claimed already.
pub async fn nothing_of_an_erased_entry_is_sent(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    webhook(&ports, list.workspace_id).await;
    let now = ports.clock.now();
    let ada = join(&ports, &list, "ada@example.com").await;
    let sent = mail_claims::claim(&ports, now).await;
    mail_claims::settle(&ports, vec![mail_claims::tried(&sent[0], MailOutcome::Accepted, now)]).await;
    ports.entries.review(review(&ports, &ada, Review::Approve)).await.unwrap();
    let claimed = claim_each(&ports, now, 1).await;
    let bob = join(&ports, &list, "bob@example.com").await;
    let soon = later(&ports, 3600);
    let mails = mail_claims::claim(&ports, soon).await;
    assert_eq!(mails.len(), 2);
    erase(&ports, &ada).await;
    assert_eq!(ports.deliveries.confirm(keys(&claimed), now).await.unwrap(), []);
    assert_eq!(settle(&ports, vec![answered(&ports, &claimed[0], Some(500), now)]).await, 0);
    let claims = mails.iter().map(|mail| (mail.claim, mail.mail.id)).collect();
    let confirmed = ports.mails.confirm(claims).await.unwrap();
    assert_eq!(confirmed.iter().map(|mail| mail.mail.recipient.entry_id()).collect::<Vec<_>>(), [Some(bob.id)]);
    purge_all(&ports).await;
    let left = claim(&ports, now.plus(Duration::days(1))).await;
    let events = told(&ports, 100).await;
    let told = |id| events.iter().find(|event| event.id == id).unwrap().entry_id;
    assert_eq!(left.iter().map(|delivery| told(delivery.event_id)).collect::<Vec<_>>(), [Some(bob.id)]);
    let mails = ports.mails.mails(10).await.unwrap();
    assert_eq!(mails.iter().map(|mail| mail.recipient.entry_id()).collect::<Vec<_>>(), [Some(bob.id)]);
}

/// An erasure takes the mails to its address that tried a template, sent or not. Others of the workspace, and those of another, stay.
pub async fn test_mails_to_an_erased_address_go(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let (list, other) = (talking_list(&ports, json!({})).await, workspace(&ports, "other").await.id);
    let ada = join(&ports, &list, "ada@example.com").await;
    let twin = active_list_in(&ports, list.workspace_id, "twin", json!({})).await;
    let twin = join(&ports, &twin, "ada@example.com").await;
    let now = ports.clock.now();
    let mut tests = Vec::new();
    for (workspace, address) in [
        (list.workspace_id, "Ada@Example.com"),
        (list.workspace_id, "ada@example.com"),
        (list.workspace_id, "bob@example.com"),
        (other, "ada@example.com"),
    ] {
        tests.push(ports.mails.test(test_mail(&ports, workspace, address)).await.unwrap().id);
    }
    let sent = mail_claims::claim(&ports, now).await;
    let sent = sent.iter().filter(|claimed| claimed.mail.id != tests[1]);
    mail_claims::settle(&ports, sent.map(|claimed| mail_claims::tried(claimed, MailOutcome::Accepted, now)).collect()).await;
    erase(&ports, &ada).await;
    let left: Vec<_> = ports.mails.mails(10).await.unwrap();
    assert_eq!(left.iter().filter(|mail| mail.recipient == Recipient::Tester).map(|mail| mail.id).collect::<Vec<_>>(), tests[2..]);
    assert_eq!(left.iter().filter_map(|mail| mail.recipient.entry_id()).collect::<Vec<_>>(), [twin.id]);
}

/// Of many parallel erasures and deletions of an entry one counts.
pub async fn parallel_erasures_erase_an_entry_once(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    join(&ports, &list, "bob@example.com").await;
    let tasks = (0..8).map(|n| {
        let (ports, id) = (if n % 2 == 0 { ports.clone() } else { there.clone() }, ada.id);
        tokio::spawn(async move {
            let erase = || async { ports.entries.erase(erase_entry(&ports, list.id, id)).await.unwrap() };
            let delete = || async { ports.entries.delete(delete_entry(&ports, list.id, id)).await.unwrap() };
            // Two changes of one task begin together, whatever the threads do.
            if n < 6 { tokio::join!(erase(), erase()) } else { tokio::join!(erase(), delete()) }
        })
    });
    let outcomes = join_all(tasks).await.into_iter().map(|outcomes| outcomes.expect("no panic"));
    assert_eq!(outcomes.flat_map(|(one, other)| [one, other]).filter(|is_gone| *is_gone).count(), 1);
    purge_all(&ports).await;
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
}

/// An entry of another list or of a deleted one is not erased.
pub async fn an_erasure_needs_an_entry_of_the_list(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let elsewhere = active_list_in(&ports, list.workspace_id, "elsewhere", json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    assert!(!ports.entries.erase(erase_entry(&ports, elsewhere.id, ada.id)).await.unwrap());
    assert_eq!(ports.entries.find(list.id, ada.id).await.unwrap().as_ref(), Some(&ada));
    assert!(ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, list.id)).await.unwrap());
    for ports in [&ports, &there] {
        assert!(!ports.entries.erase(erase_entry(ports, list.id, ada.id)).await.unwrap());
    }
    assert_eq!(suppressions(&ports, list.workspace_id, "ada@example.com").await, []);
}

/// A sign-up of a person who was erased lifts that suppression in its workspace, and no other.
pub async fn a_sign_up_brings_an_erased_person_back(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let (acme, beta) = (list.workspace_id, workspace(&ports, "beta").await.id);
    let other = active_list_in(&ports, acme, "other", json!({})).await;
    for address in ["ada@example.com", "bob@example.com"] {
        erase(&ports, &join(&ports, &list, address).await).await;
    }
    for (id, address, reason) in [
        (acme, "ada@example.com", SuppressionReason::Unsubscribed),
        (beta, "ada@example.com", SuppressionReason::Erased),
        (acme, "eve@example.com", SuppressionReason::Manual),
    ] {
        ports.suppressions.suppress(suppress(&ports, id, address, reason)).await.unwrap();
    }
    join_all(["ada@example.com", "eve@example.com"].map(|address| join(&there, &other, address))).await;
    let reasons =
        async |id, address| suppressions(&ports, id, address).await.into_iter().map(|row| row.reason).collect::<Vec<SuppressionReason>>();
    assert_eq!(reasons(acme, "ada@example.com").await, [SuppressionReason::Unsubscribed]);
    assert_eq!(reasons(acme, "bob@example.com").await, [SuppressionReason::Erased]);
    assert_eq!(reasons(acme, "eve@example.com").await, [SuppressionReason::Manual]);
    assert_eq!(reasons(beta, "ada@example.com").await, [SuppressionReason::Erased]);
}

/// A list with a webhook, and two people of whom receivers have answered every event. Ada has more events than a batch.
async fn answered_list(ports: &Ports) -> (Waitlist, Entry, Entry) {
    let list = active_list(ports, json!({})).await;
    webhook(ports, list.workspace_id).await;
    let people = (join(ports, &list, "ada@example.com").await, join(ports, &list, "bob@example.com").await);
    for verdict in [Review::Approve, Review::Reject, Review::Approve, Review::Reject] {
        ports.entries.review(review(ports, &people.0, verdict)).await.unwrap();
    }
    let soon = later(ports, 3600);
    let attempts = claim(ports, soon).await.iter().map(|delivery| answered(ports, delivery, Some(500), soon)).collect();
    assert_eq!(settle(ports, attempts).await, 6);
    (list, people.0, people.1)
}

/// The log of all webhooks of a workspace.
async fn log(ports: &Ports, id: WorkspaceId) -> Vec<Attempt> {
    let hooks = ports.webhooks.list(id).await.unwrap();
    let logs = hooks.iter().map(|hook| ports.webhooks.attempts(hook.id, Limit::default()));
    join_all(logs).await.into_iter().flat_map(|log| log.unwrap()).collect()
}

fn reduced(event: &Event) -> String {
    let subject = EventSubject { workspace_id: event.workspace_id, waitlist_id: event.waitlist_id, entry_id: event.entry_id };
    Event::reduced_body(subject, event.id, event.kind.as_str(), event.occurred_at)
}

/// A purge reduces the events of an erased entry and removes the answers to them, in batches. Those of others stay.
pub async fn a_purge_reduces_the_events_of_an_erased_entry(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let (list, ada, bob) = answered_list(&ports).await;
    let before = told(&ports, 100).await;
    erase(&ports, &ada).await;
    purge_all(&there).await;
    let after = told(&ports, 100).await;
    // One more tells of the erasure.
    assert_eq!((before.len(), after.len()), (6, 7));
    for before in before {
        let body = if before.entry_id == Some(ada.id) { reduced(&before) } else { before.body.clone() };
        let after = after.iter().find(|event| event.id == before.id);
        assert_eq!(after, Some(&Event { body, ..before }));
    }
    let of_bob: Vec<_> = told(&ports, 100).await.into_iter().filter(|event| event.entry_id == Some(bob.id)).collect();
    let log = log(&ports, list.workspace_id).await;
    assert_eq!(log.len(), 6);
    for attempt in log {
        let is_bobs = of_bob.iter().any(|event| event.id == attempt.event_id);
        assert_eq!((attempt.response_body.is_some(), attempt.status_code), (is_bobs, Some(500)));
    }
}

/// The answers of receivers are removed though the list of the erased entry is deleted before the purge.
pub async fn answers_are_removed_though_the_list_is_deleted(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let (list, ada, _) = answered_list(&ports).await;
    let events = told(&ports, 100).await;
    erase(&ports, &ada).await;
    assert!(ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, list.id)).await.unwrap());
    purge_all(&ports).await;
    assert_eq!(told(&ports, 100).await, []);
    let of_ada = |attempt: &Attempt| events.iter().any(|event| event.id == attempt.event_id && event.entry_id == Some(ada.id));
    let log = log(&ports, list.workspace_id).await;
    assert_eq!(log.iter().filter(|attempt| of_ada(attempt) && attempt.response_body.is_none()).count(), 5);
}

/// A deleted list leaves nothing of its erased entries.
pub async fn a_deleted_list_takes_its_tombstones_with_it(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    for n in 0..5 {
        erase(&ports, &join(&ports, &list, &format!("p{n}@example.com")).await).await;
    }
    purge_all(&ports).await;
    assert!(ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, list.id)).await.unwrap());
    purge_all(&ports).await;
    assert_eq!(ports.purges.find_orphans().await.unwrap(), 0);
}

/// An erasure is finished though an older program deleted the note of its purge. `tamper` runs SQL on the store.
pub async fn an_erasure_whose_note_was_lost_is_finished(fixture: &impl Fixture, tamper: impl AsyncFn(&str)) {
    let ports = fixture.ports();
    let (_, ada, _) = answered_list(&ports).await;
    erase(&ports, &ada).await;
    tamper("DELETE FROM purges").await;
    assert!(!ports.purges.purge(3).await.unwrap());
    assert_eq!(ports.purges.find_orphans().await.unwrap(), 1);
    purge_all(&ports).await;
    let events = told(&ports, 100).await;
    assert!(events.iter().filter(|event| event.entry_id == Some(ada.id)).all(|event| event.body == reduced(event)));
    assert_eq!(ports.purges.find_orphans().await.unwrap(), 0);
}
