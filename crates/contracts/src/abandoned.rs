//! Cases of callers that go away. A write is seen whole or not at all, at whichever point its future is dropped.
//!
//! Each case starts a write, polls it a number of times and drops it: not at all, once, twice, and so on until one has ended. A store that
//! writes in one step is dropped before and after it. A store that waits for a database in between is dropped at every such point. Writes
//! of one row are whole by themselves and have no case here.

use std::collections::HashSet;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use rally_domain::command::{RenameWorkspace, Review, RotateSecret, Selected, SignUp, TestWebhook};
use rally_domain::delivery::ClaimedDelivery;
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::event::{Event, EventKind};
use rally_domain::id::{EventId, WorkspaceId};
use rally_domain::ledger::{ReferralFilter, ReferralState};
use rally_domain::mail::MailKind;
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::waitlist::Waitlist;
use rally_domain::webhook::{DeliveryPolicy, SealedSecret};
use serde_json::{Value, json};
use time::macros::date;

use crate::Fixture;
use crate::claims::{claim, claim_each};
use crate::confirmations::{confirming_list, request, waiting};
use crate::entries::all_entries;
use crate::invitations::record;
use crate::mails::talking_list;
use crate::purges::purge_all;
use crate::referrals::{decision, ledger};
use crate::reviews::review;
use crate::samples::{
    ACTOR, active_list_in, create_waitlist, delete_entry, delete_waitlist, delete_workspace, erase_entry, join_by, sign_up, slug, told,
    workspace,
};
use crate::settlements::answered;
use crate::webhooks::{create_webhook, webhook};
use crate::{access, webhooks};

/// The most polls of a write. A write that has not ended by then is taken not to end at all.
const MOST: usize = 400;

/// The time that a store may take to roll back a dropped write.
const PATIENCE: Duration = Duration::from_secs(5);

/// The time before a write is dropped in which another task may take it up. Then it is often carried out though its caller has left.
const TAKEN_UP: Duration = Duration::from_micros(150);

/// Polls a write at most that often, each time it asks for a poll, and drops it. Returns its result, if it ended.
async fn leave_after<T>(polls: usize, write: impl Future<Output = T>) -> Option<T> {
    let mut write = pin!(write);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match write.as_mut().poll(context) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending if left == 0 => {
                std::thread::sleep(TAKEN_UP);
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Drops a write at every point: `attempt` starts one, drops it after that many polls, and returns whether it had ended by then.
async fn at_every_point(mut attempt: impl AsyncFnMut(usize) -> bool) {
    for polls in 0..MOST {
        if attempt(polls).await {
            return;
        }
    }
    panic!("a write that was polled {MOST} times has not ended");
}

/// Waits until the stored state is whole. A dropped write may still be running, or rolling back.
async fn whole(what: &str, is_whole: impl AsyncFn() -> bool) {
    let begun = tokio::time::Instant::now();
    while !is_whole().await {
        assert!(begun.elapsed() < PATIENCE, "{what} was left, and a part of it is seen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn join(ports: &Ports, list: &Waitlist, address: &str) -> Entry {
    ports.entries.sign_up(sign_up(ports, list, address)).await.unwrap()
}

/// A sign-up that is dropped has written all or nothing of the entry, the totals, the event, its delivery and the mail.
pub async fn a_sign_up_is_whole_or_not_at_all(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    webhook(&ports, list.workspace_id).await;
    at_every_point(async |polls| {
        let ended = leave_after(polls, ports.entries.sign_up(sign_up(&ports, &list, &format!("p{polls}@example.com")))).await;
        whole("a sign-up", async || {
            let entries: HashSet<_> = all_entries(&ports, list.id, None, 100).await.into_iter().map(|entry| Some(entry.id)).collect();
            let told: HashSet<_> = told(&ports, 10_000).await.into_iter().map(|event| event.entry_id).collect();
            let written: HashSet<_> = ports.mails.mails(10_000).await.unwrap().into_iter().map(|mail| mail.recipient.entry_id()).collect();
            let counted = ports.stats.count(list.id).await.unwrap() as usize;
            let waiting = ports.deliveries.depth().await.unwrap().pending as usize;
            entries == told && entries == written && entries.len() == counted && entries.len() == waiting
        })
        .await;
        ended.is_some()
    })
    .await;
    let last = join(&ports, &list, "last@example.com").await;
    let positions: Vec<_> = all_entries(&ports, list.id, None, 100).await.iter().map(|entry| entry.position.number()).collect();
    assert_eq!(positions, (1..=last.position.number()).collect::<Vec<_>>());
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
}

/// A request for a mail that is dropped has written all or nothing of the request, the mail and the share of the address.
pub async fn a_request_is_whole_or_not_at_all(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({})).await;
    at_every_point(async |polls| {
        let address = format!("p{polls}@example.com");
        let ended = leave_after(polls, ports.confirmations.request_mail(request(&ports, &list, &address))).await;
        whole("a request", async || {
            let requests: HashSet<_> = waiting(&ports, &list).await.into_iter().map(|request| Some(request.id)).collect();
            let mails = ports.mails.mails(10_000).await.unwrap().into_iter();
            let written: HashSet<_> = mails.map(|mail| mail.recipient.request_id()).collect();
            requests == written
        })
        .await;
        // If it is written, its share holds the next mail back, and if not, it does not. Either way the address gets one mail.
        ports.confirmations.request_mail(request(&ports, &list, &address)).await.unwrap();
        assert_eq!(ports.mails.mails(10_000).await.unwrap().len(), polls + 1);
        ended.is_some()
    })
    .await;
}

/// A decision about referrals that is dropped has written all or nothing of the states, the count and the events.
pub async fn a_decision_about_referrals_is_whole_or_not_at_all(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    webhook(&ports, list.workspace_id).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    for n in 0..3 {
        join_by(&ports, &list, &ada, &format!("p{n}@example.com")).await;
    }
    let revoked = ReferralFilter { state: Some(ReferralState::Revoked), referrer: Some(ada.id) };
    at_every_point(async |polls| {
        let command = decision(&ports, &list, Selected::Referrer(ada.id), ReferralState::Revoked);
        let ended = leave_after(polls, ports.referrals.decide(command)).await;
        whole("a decision", async || {
            let rows = ledger(&ports, &list, revoked).await.len();
            let told = ports.deliveries.events(10_000).await.unwrap();
            let told = told.into_iter().filter(|event| event.kind == EventKind::ReferralRevoked).count();
            let count = ports.entries.find(list.id, ada.id).await.unwrap().unwrap().referral_count as usize;
            rows == told && rows + count == 3
        })
        .await;
        ended.is_some()
    })
    .await;
    assert_eq!(ledger(&ports, &list, revoked).await.len(), 3);
}

/// A review that is dropped has written all or nothing of the status, the totals, the event and the mail. A dropped review may be carried
/// out while the next one is checked.
pub async fn a_review_is_whole_or_not_at_all(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    at_every_point(async |polls| {
        let entry = join(&ports, &list, &format!("p{polls}@example.com")).await;
        let ended = leave_after(polls, ports.entries.review(review(&ports, &entry, Review::Approve))).await;
        whole("a review", async || {
            let rows = all_entries(&ports, list.id, Some(EntryStatus::Approved), 100).await;
            let rows: HashSet<_> = rows.into_iter().map(|entry| entry.id).collect();
            let events = told(&ports, 10_000).await.into_iter();
            let told: HashSet<_> =
                events.filter(|event| event.kind == EventKind::EntryApproved).filter_map(|event| event.entry_id).collect();
            let mails = ports.mails.mails(10_000).await.unwrap().into_iter();
            let written: HashSet<_> =
                mails.filter(|mail| mail.kind == MailKind::Approved).filter_map(|mail| mail.recipient.entry_id()).collect();
            let analytics = ports.stats.analytics(list.id, date!(2026 - 01 - 31)).await.unwrap();
            rows == told && rows == written && analytics.counters.approved == rows.len() as u64
        })
        .await;
        ended.is_some()
    })
    .await;
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
}

/// An invitation that is dropped has written both the stamp and the mail, or neither.
pub async fn an_invitation_is_whole_or_not_at_all(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({"approval_required": false})).await;
    at_every_point(async |polls| {
        let entry = join(&ports, &list, &format!("p{polls}@example.com")).await;
        let ended = leave_after(polls, ports.entries.record_invitation(record(&ports, &entry, "app", &format!("i{polls}")))).await;
        whole("an invitation", async || {
            let stamped = ports.entries.find(list.id, entry.id).await.unwrap().unwrap().invitation.is_some();
            let mails = ports.mails.mails(10_000).await.unwrap();
            let invites = |data: &str| serde_json::from_str::<Value>(data).unwrap().get("invite_url").is_some();
            stamped == mails.iter().any(|mail| mail.recipient.entry_id() == Some(entry.id) && invites(&mail.data))
        })
        .await;
        ended.is_some()
    })
    .await;
}

/// A deletion of an entry that is dropped has changed all or nothing: the entry, the totals, its mail, and the referrer of a friend.
pub async fn a_deletion_of_an_entry_is_whole_or_not_at_all(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    at_every_point(async |polls| {
        let entry = join(&ports, &list, &format!("p{polls}@example.com")).await;
        let command = sign_up(&ports, &list, &format!("q{polls}@example.com"));
        let friend = SignUp { friends_code: Some(entry.referral_code.clone()), ..command };
        let friend = ports.entries.sign_up(friend).await.unwrap();
        let ended = leave_after(polls, ports.entries.delete(delete_entry(&ports, list.id, entry.id))).await;
        whole("a deletion", async || {
            let is_there = ports.entries.find(list.id, entry.id).await.unwrap().is_some();
            let named = ports.entries.find(list.id, friend.id).await.unwrap().unwrap().referred_by.is_some();
            let written = ports.mails.mails(10_000).await.unwrap().iter().any(|mail| mail.recipient.entry_id() == Some(entry.id));
            let rows = all_entries(&ports, list.id, None, 100).await.len() as u64;
            is_there == named && is_there == written && rows == ports.stats.count(list.id).await.unwrap()
        })
        .await;
        ended.is_some()
    })
    .await;
    purge_all(&ports).await;
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
}

/// An erasure that is dropped has done all or nothing: the entry, its mail and the suppression.
pub async fn an_erasure_is_whole_or_not_at_all(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    let mut erased = 0;
    at_every_point(async |polls| {
        let entry = join(&ports, &list, &format!("p{polls}@example.com")).await;
        let address = ports.links.secret().hash_address(&entry.profile.email);
        let ended = leave_after(polls, ports.entries.erase(erase_entry(&ports, list.id, entry.id))).await;
        whole("an erasure", async || {
            let is_there = ports.entries.find(list.id, entry.id).await.unwrap().is_some();
            let is_suppressed = !ports.suppressions.find(list.workspace_id, address).await.unwrap().is_empty();
            let written = ports.mails.mails(10_000).await.unwrap().iter().any(|mail| mail.recipient.entry_id() == Some(entry.id));
            is_there != is_suppressed && is_there == written
        })
        .await;
        erased += 1;
        ended.is_some()
    })
    .await;
    purge_all(&ports).await;
    assert_eq!((ports.stats.count(list.id).await.unwrap(), ports.stats.rebuild().await.unwrap().corrected), (erased, 0));
}

/// A creation of a waitlist that is dropped has written all or nothing of the list, its control variant and the stored reply.
pub async fn a_new_waitlist_is_whole_or_not_at_all(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await.id;
    at_every_point(async |polls| {
        let (command, now) = (create_waitlist(&ports, acme, &format!("list-{polls}")), ports.clock.now());
        let (id, scope) = (command.id, access::scope(acme, &format!("key-{polls}")));
        let ended = leave_after(polls, ports.waitlists.create(command, Some(access::receipt(scope.clone(), now)))).await;
        whole("a new waitlist", async || {
            let is_there = ports.waitlists.find(acme, id).await.unwrap().is_some();
            let variants = ports.variants.list(id).await.unwrap().len();
            is_there == ports.replies.find(&scope, now).await.unwrap().is_some() && usize::from(is_there) == variants
        })
        .await;
        ended.is_some()
    })
    .await;
}

/// A creation of a webhook that is dropped has written both the webhook and the stored reply, or neither.
pub async fn a_new_webhook_is_whole_or_not_at_all(fixture: &impl Fixture) {
    let ports = fixture.ports();
    at_every_point(async |polls| {
        let acme = workspace(&ports, &format!("acme-{polls}")).await.id;
        let (command, receipt) = (create_webhook(&ports, acme, &EventKind::ALL), webhooks::receipt(&ports, acme, "key"));
        let (id, scope) = (command.id, receipt.scope.clone());
        let ended = leave_after(polls, ports.webhooks.create(command, Some(receipt))).await;
        whole("a new webhook", async || {
            let is_there = ports.webhooks.find(acme, id).await.unwrap().is_some();
            is_there == ports.replies.find(&scope, ports.clock.now()).await.unwrap().is_some()
        })
        .await;
        ended.is_some()
    })
    .await;
}

/// A change of a secret that is dropped has written both the secret and the stored reply, or neither.
pub async fn a_new_secret_is_whole_or_not_at_all(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let hook = webhook(&ports, workspace(&ports, "acme").await.id).await;
    at_every_point(async |polls| {
        let secret = SealedSecret::new(format!("secret {polls}").into_bytes());
        let receipt = webhooks::receipt(&ports, hook.workspace_id, &format!("key-{polls}"));
        let scope = receipt.scope.clone();
        let rotate =
            RotateSecret { id: hook.id, workspace_id: hook.workspace_id, secret: secret.clone(), actor: ACTOR, now: ports.clock.now() };
        let ended = leave_after(polls, ports.webhooks.rotate(rotate, Some(receipt))).await;
        whole("a new secret", async || {
            let is_new = ports.webhooks.secrets().await.unwrap()[0].1.current == secret;
            is_new == ports.replies.find(&scope, ports.clock.now()).await.unwrap().is_some()
        })
        .await;
        ended.is_some()
    })
    .await;
}

/// A rename that is dropped has changed nothing, or the workspace has the new slug and its old one still resolves.
pub async fn a_rename_is_whole_or_not_at_all(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await.id;
    active_list_in(&ports, acme, "list", json!({})).await;
    at_every_point(async |polls| {
        let from = ports.workspaces.find(acme).await.unwrap().unwrap().slug;
        let rename = RenameWorkspace { from: from.clone(), to: slug(&format!("acme-{polls}")), actor: ACTOR, now: ports.clock.now() };
        let ended = leave_after(polls, ports.workspaces.rename(rename)).await;
        whole("a rename", async || ports.waitlists.find_public(&from, &slug("list")).await.unwrap().is_some()).await;
        ended.is_some()
    })
    .await;
}

async fn lists_left(ports: &Ports, workspace_id: WorkspaceId) -> usize {
    ports.waitlists.list(workspace_id, None, None, Limit::default()).await.unwrap().items.len()
}

/// A deletion of a workspace that is dropped has deleted all or nothing of the workspace, its lists and its webhooks.
pub async fn a_deletion_of_a_workspace_is_whole_or_not_at_all(fixture: &impl Fixture) {
    let ports = fixture.ports();
    at_every_point(async |polls| {
        let name = format!("acme-{polls}");
        let acme = workspace(&ports, &name).await.id;
        for text in ["one", "two"] {
            join(&ports, &active_list_in(&ports, acme, text, json!({})).await, "ada@example.com").await;
        }
        webhook(&ports, acme).await;
        let ended = leave_after(polls, ports.workspaces.delete(delete_workspace(&ports, &name))).await;
        whole("a deletion", async || {
            let is_there = ports.workspaces.find(acme).await.unwrap().is_some();
            let hooks = ports.webhooks.list(acme).await.unwrap().len();
            (usize::from(is_there) * 2, usize::from(is_there)) == (lists_left(&ports, acme).await, hooks)
        })
        .await;
        ended.is_some()
    })
    .await;
    purge_all(&ports).await;
    assert_eq!(ports.purges.find_orphans().await.unwrap(), 0);
}

/// A deleted waitlist is purged even if its caller never learned that it was deleted.
pub async fn a_deleted_waitlist_is_purged_though_its_caller_left(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await.id;
    at_every_point(async |polls| {
        let list = active_list_in(&ports, acme, &format!("list-{polls}"), json!({})).await;
        join(&ports, &list, "ada@example.com").await;
        let ended = leave_after(polls, ports.waitlists.delete(delete_waitlist(&ports, acme, list.id))).await;
        whole("a deletion", async || {
            let is_there = ports.waitlists.find(acme, list.id).await.unwrap().is_some();
            is_there == (ports.stats.count(list.id).await.unwrap() > 0)
        })
        .await;
        ended.is_some()
    })
    .await;
    purge_all(&ports).await;
    let left = lists_left(&ports, acme).await;
    assert_eq!((told(&ports, 10_000).await.len().min(20), ports.purges.find_orphans().await.unwrap()), (left, 0));
}

/// A purge that is dropped continues later, and deletes nothing else.
pub async fn a_purge_goes_on_where_it_was_left(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await.id;
    let kept = active_list_in(&ports, acme, "kept", json!({})).await;
    let gone = active_list_in(&ports, acme, "gone", json!({})).await;
    join(&ports, &kept, "ada@example.com").await;
    for n in 0..20 {
        join(&ports, &gone, &format!("p{n}@example.com")).await;
    }
    assert!(ports.waitlists.delete(delete_waitlist(&ports, acme, gone.id)).await.unwrap());
    at_every_point(async |polls| leave_after(polls, ports.purges.purge(2)).await.is_some()).await;
    // A dropped batch may be locked for a moment longer, and is skipped.
    whole("a purge", async || {
        while ports.purges.purge(2).await.unwrap() {}
        ports.purges.backlog().await.unwrap() == 0
    })
    .await;
    let told: Vec<_> = told(&ports, 100).await.into_iter().map(|event| event.waitlist_id).collect();
    assert_eq!((told, ports.purges.find_orphans().await.unwrap()), (vec![Some(kept.id)], 0));
    assert_eq!(ports.stats.count(kept.id).await.unwrap(), 1);
}

/// A purge of the traces of an erased entry that is dropped continues where it was.
pub async fn a_purge_of_traces_goes_on_where_it_was_left(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list_in(&ports, workspace(&ports, "acme").await.id, "list", json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    for n in 0..12 {
        let verdict = if n % 2 == 0 { Review::Approve } else { Review::Reject };
        ports.entries.review(review(&ports, &ada, verdict)).await.unwrap();
    }
    assert!(ports.entries.erase(erase_entry(&ports, list.id, ada.id)).await.unwrap());
    at_every_point(async |polls| leave_after(polls, ports.purges.purge(2)).await.is_some()).await;
    // A dropped batch may be locked for a moment longer, and is skipped.
    whole("a purge", async || {
        while ports.purges.purge(2).await.unwrap() {}
        ports.purges.backlog().await.unwrap() == 0
    })
    .await;
    let bodies: Vec<_> = told(&ports, 100).await.into_iter().map(|event| event.body).collect();
    assert_eq!(bodies.iter().filter(|body| body.contains("\"erased\":true") && !body.contains("ada@example.com")).count(), 13);
}

/// A test of a webhook that is dropped has written both the event and its delivery, or neither.
pub async fn a_test_is_whole_or_not_at_all(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let hook = webhook(&ports, workspace(&ports, "acme").await.id).await;
    at_every_point(async |polls| {
        let event = Event::test(EventId::new(ports.ids.uuid()), EventKind::EntryCreated, ports.clock.now(), hook.workspace_id, None);
        let ended =
            leave_after(polls, ports.webhooks.test(TestWebhook { id: hook.id, workspace_id: hook.workspace_id, event, actor: ACTOR }))
                .await;
        whole("a test", async || {
            let told = told(&ports, 10_000).await.len() as u64;
            told == ports.deliveries.depth().await.unwrap().pending
        })
        .await;
        ended.is_some()
    })
    .await;
}

/// A settlement that is dropped has written all or nothing: the log, and the webhook's record of its attempts.
pub async fn a_settlement_is_whole_or_not_at_all(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    let hook = webhook(&ports, list.workspace_id).await;
    let now = ports.clock.now();
    at_every_point(async |polls| {
        join(&ports, &list, &format!("p{polls}@example.com")).await;
        let claimed = claim_each(&ports, now, 1).await;
        let attempts = vec![answered(&ports, &claimed[0], None, now)];
        let ended = leave_after(polls, ports.deliveries.settle(attempts, DeliveryPolicy::default())).await;
        whole("a settlement", async || {
            let log = ports.webhooks.attempts(hook.id, Limit::new(100, 100).unwrap()).await.unwrap().len() as u32;
            log == ports.webhooks.find(hook.workspace_id, hook.id).await.unwrap().unwrap().failure_count
        })
        .await;
        ended.is_some()
    })
    .await;
}

/// A delivery whose claiming caller went away is due again for every process when its lease has ended.
pub async fn what_was_claimed_by_one_who_left_is_due_again(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    webhook(&ports, list.workspace_id).await;
    let now = ports.clock.now();
    let mut written = HashSet::new();
    at_every_point(async |polls| {
        let command = sign_up(&ports, &list, &format!("p{polls}@example.com"));
        ports.entries.sign_up(command.clone()).await.unwrap();
        written.insert(command.event_ids[0]);
        leave_after(polls, claim_each(&ports, now, 1)).await.is_some()
    })
    .await;
    let later = now.plus(time::Duration::minutes(2));
    let mut found = HashSet::new();
    let begun = tokio::time::Instant::now();
    while found != written {
        assert!(begun.elapsed() < PATIENCE, "{} of {} are due again", found.len(), written.len());
        ports.deliveries.reap(later, 8).await.unwrap();
        let claimed: Vec<ClaimedDelivery> = claim(&ports, later).await;
        found.extend(claimed.into_iter().map(|delivery| delivery.event_id));
    }
}
