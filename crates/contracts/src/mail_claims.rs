//! Cases of [`MailQueue`](rally_domain::port::MailQueue) about claims: which process sends a mail, and when.

use std::collections::HashSet;

use futures_util::future::join_all;
use rally_domain::actor::Actor;
use rally_domain::command::{Review, SignUp};
use rally_domain::id::{ClaimId, MailId, WorkspaceId};
use rally_domain::mail::{ClaimedMail, MailBudget, MailFilter, MailKind, MailOutcome, MailState, SettleMail};
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::queue::{ClaimRequest, RetrySchedule};
use rally_domain::suppression::SuppressionReason;
use rally_domain::timestamp::Timestamp;
use rally_domain::waitlist::Waitlist;
use serde_json::json;
use time::Duration;

use crate::Fixture;
use crate::confirmations::{confirming_list, refusal, request as request_mail, waiting};
use crate::mails::{join, talking_list};
use crate::reviews::review;
use crate::samples::{active_list_in, delete_entry, email, erase_entry, later, notifications, set, sign_up, suppress, workspace};

/// At most that many mails of each workspace that are due at an instant.
async fn claim_each(ports: &Ports, now: Timestamp, each: usize) -> Vec<ClaimedMail> {
    let shares = ports.mails.due(now).await.unwrap().into_iter().map(|lane| (lane, each)).collect();
    claim_shares(ports, now, shares).await
}

async fn claim_shares(ports: &Ports, now: Timestamp, shares: Vec<(WorkspaceId, usize)>) -> Vec<ClaimedMail> {
    let request = ClaimRequest { claim: ClaimId::new(ports.ids.uuid()), now, lease_until: now.plus(Duration::minutes(1)), shares };
    ports.mails.claim(request, None).await.unwrap()
}

/// Everything that is due at an instant.
pub(crate) async fn claim(ports: &Ports, now: Timestamp) -> Vec<ClaimedMail> {
    claim_each(ports, now, 1000).await
}

pub(crate) fn tried(claimed: &ClaimedMail, outcome: MailOutcome, now: Timestamp) -> SettleMail {
    SettleMail {
        claim: claimed.claim,
        mail_id: claimed.mail.id,
        workspace_id: claimed.mail.workspace_id,
        attempt: claimed.attempt,
        outcome,
        error: None,
        latency: Duration::milliseconds(12),
        chance: u64::MAX / 2,
        now,
    }
}

pub(crate) async fn settle(ports: &Ports, attempts: Vec<SettleMail>) -> usize {
    ports.mails.settle(attempts, RetrySchedule::default()).await.unwrap()
}

const BROKEN: MailOutcome = MailOutcome::Failed { status: Some(500), retry_after: None };

fn ids(claimed: &[ClaimedMail]) -> HashSet<MailId> {
    claimed.iter().map(|claimed| claimed.mail.id).collect()
}

/// The mail that is due longest is claimed first, whatever was written first. A mail that is retried is due later.
pub async fn the_longest_due_is_sent_first(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    let now = ports.clock.now();
    let mut due = Vec::new();
    for seconds in [1, 3, 2] {
        let address = format!("p{seconds}@example.com");
        let command = SignUp { now: now.plus(-Duration::seconds(seconds)), ..sign_up(&ports, &list, &address) };
        due.push(ports.entries.sign_up(command).await.unwrap().id);
    }
    let order =
        async |each| claim_each(&ports, now, each).await.into_iter().map(|claimed| claimed.mail.recipient.entry_id()).collect::<Vec<_>>();
    assert_eq!(order(2).await, [Some(due[1]), Some(due[2])]);
    assert_eq!(order(2).await, [Some(due[0])]);
}

/// The depth counts the mails that are being sent and those that wait, and no mail that was taken.
pub async fn the_depth_tells_what_is_being_sent(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    for n in 0..3 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    let now = ports.clock.now();
    let depth = async || {
        let depth = ports.mails.depth().await.unwrap();
        (depth.pending, depth.running, depth.oldest_due_at)
    };
    assert_eq!(depth().await, (3, 0, Some(now)));
    let claimed = claim_each(&ports, now, 2).await;
    assert_eq!(depth().await, (3, 2, Some(now)));
    settle(&ports, vec![tried(&claimed[0], MailOutcome::Accepted, now), tried(&claimed[1], BROKEN, now)]).await;
    assert_eq!(depth().await, (2, 0, Some(now)));
    claim_each(&ports, now, 2).await;
    assert_eq!(depth().await, (2, 1, Some(now.plus(Duration::seconds(5)))));
}

/// Of many processes that look at once, one claims a mail, and not before the mail is due.
pub async fn a_mail_is_one_process_s_until_its_lease_ends(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = talking_list(&ports, json!({})).await;
    for n in 0..40 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    let now = ports.clock.now();
    assert!(claim(&ports, now.plus(-Duration::milliseconds(1))).await.is_empty());
    let tasks = (0..8).map(|n| {
        let ports = if n % 2 == 0 { ports.clone() } else { there.clone() };
        tokio::spawn(async move { claim_each(&ports, now, 7).await })
    });
    let claimed: Vec<ClaimedMail> = join_all(tasks).await.into_iter().flat_map(|claimed| claimed.expect("no panic")).collect();
    assert_eq!(ids(&claimed).len(), claimed.len());
    let rest = claim(&ports, now).await;
    assert_eq!(claimed.len() + rest.len(), 40);
    let later = now.plus(Duration::minutes(1)).plus(Duration::milliseconds(1));
    assert_eq!(ports.mails.reap(now.plus(Duration::minutes(1)), 8).await.unwrap(), 0);
    assert_eq!(ports.mails.reap(later, 8).await.unwrap(), 40);
    let again = claim(&there, later).await;
    assert!(again.len() == 40 && again.iter().all(|claimed| claimed.attempt == 2));
    // The process that had it before has lost it.
    assert_eq!(settle(&ports, vec![tried(&claimed[0], MailOutcome::Accepted, later)]).await, 0);
}

/// A mail that was taken or refused is not retried. A mail that failed is retried when the schedule says so.
pub async fn a_mail_is_settled_as_it_was_decided(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    for n in 0..4 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    let now = ports.clock.now();
    let claimed = claim(&ports, now).await;
    assert_eq!(ports.mails.depth().await.unwrap().pending, 4);
    let outcomes = [MailOutcome::Accepted, MailOutcome::Refused(422), MailOutcome::KeyRefused(401), BROKEN];
    let attempts: Vec<_> = claimed.iter().zip(outcomes).map(|(claimed, outcome)| tried(claimed, outcome, now)).collect();
    assert_eq!(settle(&ports, attempts.clone()).await, 4);
    // Once is enough.
    assert_eq!(settle(&ports, attempts).await, 0);
    let due = now.plus(Duration::seconds(5));
    let depth = ports.mails.depth().await.unwrap();
    assert_eq!((depth.pending, depth.oldest_due_at), (1, Some(due)));
    assert!(claim(&ports, due.plus(-Duration::milliseconds(1))).await.is_empty());
    let again = claim(&ports, due).await;
    assert_eq!((again.len(), again[0].attempt, again[0].mail.id), (1, 2, claimed[3].mail.id));
    assert_eq!(again[0].mail, claimed[3].mail);
}

/// A mail that is given back is due again as if it had not been claimed. Another claim cannot give it back.
pub async fn a_mail_that_is_given_back_is_due_again(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    join(&ports, &list, "ada@example.com").await;
    let now = ports.clock.now();
    let claimed = claim(&ports, now).await.remove(0);
    ports.mails.release(ClaimId::new(ports.ids.uuid()), vec![claimed.mail.id], now).await.unwrap();
    assert!(claim(&ports, now).await.is_empty());
    let later = now.plus(Duration::minutes(1));
    ports.mails.release(claimed.claim, vec![claimed.mail.id], later).await.unwrap();
    assert!(claim(&ports, now).await.is_empty());
    assert_eq!(claim(&ports, later).await[0].attempt, 1);
}

/// An attempt counts when it is claimed, so a mail that kills every process that tries it is given up in the end.
pub async fn what_always_kills_its_process_is_not_sent_for_ever(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    join(&ports, &list, "ada@example.com").await;
    let mut now = ports.clock.now();
    for attempt in 1..=3 {
        assert_eq!(claim(&ports, now).await[0].attempt, attempt);
        now = now.plus(Duration::minutes(2));
        assert_eq!(ports.mails.reap(now, 3).await.unwrap(), 1);
    }
    assert!(claim(&ports, now).await.is_empty());
    assert_eq!(ports.mails.depth().await.unwrap().pending, 0);
}

/// Each workspace gets its share, and a workspace that was not asked for gets nothing.
pub async fn workspaces_get_their_shares(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let first = talking_list(&ports, json!({})).await;
    let other = workspace(&ports, "other").await;
    let second = active_list_in(&ports, other.id, "list", json!({})).await;
    set(&ports, other.id, notifications()).await;
    for n in 0..9 {
        join(&ports, &first, &format!("p{n}@example.com")).await;
    }
    join(&ports, &second, "ada@example.com").await;
    let now = ports.clock.now();
    let due: HashSet<_> = ports.mails.due(now).await.unwrap().into_iter().collect();
    assert_eq!(due, HashSet::from([first.workspace_id, second.workspace_id]));
    assert!(ports.mails.due(now.plus(-Duration::milliseconds(1))).await.unwrap().is_empty());
    let claimed = claim_shares(&ports, now, vec![(first.workspace_id, 2), (WorkspaceId::new(ports.ids.uuid()), 5)]).await;
    assert_eq!(claimed.iter().map(|claimed| claimed.mail.workspace_id).collect::<Vec<_>>(), [first.workspace_id; 2]);
    let claimed = claim(&ports, now).await;
    let of_second = claimed.iter().filter(|claimed| claimed.mail.workspace_id == second.workspace_id).count();
    assert_eq!((claimed.len(), of_second), (8, 1));
}

/// A prune deletes finished mails, and no mail that is still to be sent.
pub async fn what_is_finished_is_pruned(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    for n in 0..4 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    let now = ports.clock.now();
    let claimed = claim(&ports, now).await;
    let outcomes = [MailOutcome::Accepted, MailOutcome::Accepted, MailOutcome::Refused(422), BROKEN];
    settle(&ports, claimed.iter().zip(outcomes).map(|(claimed, outcome)| tried(claimed, outcome, now)).collect()).await;
    let later = now.plus(Duration::milliseconds(1));
    assert_eq!(ports.mails.prune(now, 100).await.unwrap(), 0);
    assert_eq!(ports.mails.prune(later, 2).await.unwrap(), 2);
    assert_eq!(ports.mails.prune(later, 2).await.unwrap(), 1);
    assert_eq!(ports.mails.prune(later, 2).await.unwrap(), 0);
    assert_eq!(ports.mails.mails(10).await.unwrap().len(), 1);
    // A mail that is being sent stays until it is given up.
    let end = now.plus(Duration::minutes(5));
    assert_eq!(claim(&ports, now.plus(Duration::minutes(1))).await.len(), 1);
    assert_eq!(ports.mails.prune(end, 2).await.unwrap(), 0);
    assert_eq!(ports.mails.reap(end, 2).await.unwrap(), 1);
    assert_eq!(ports.mails.prune(end, 2).await.unwrap(), 1);
}

/// Every workspace with mail due is returned, however many there are.
pub async fn every_workspace_with_mail_due_is_told(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let mut talking = HashSet::new();
    for n in 0..20 {
        let id = workspace(&ports, &format!("w{n}")).await.id;
        let list = active_list_in(&ports, id, "list", json!({})).await;
        set(&ports, id, notifications()).await;
        join(&ports, &list, "ada@example.com").await;
        talking.insert(id);
    }
    let due = ports.mails.due(ports.clock.now()).await.unwrap();
    assert_eq!((due.len(), due.into_iter().collect::<HashSet<_>>()), (20, talking));
}

/// A claim that was reaped is not confirmed, even while another process has the mail. The claim of that process is confirmed.
pub async fn a_claim_on_mail_that_ended_is_not_confirmed(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = talking_list(&ports, json!({})).await;
    join(&ports, &list, "ada@example.com").await;
    let keys = |claimed: &[ClaimedMail]| claimed.iter().map(|claimed| (claimed.claim, claimed.mail.id)).collect::<Vec<_>>();
    let first = claim(&ports, ports.clock.now()).await;
    let now = later(&ports, 120);
    assert_eq!(ports.mails.reap(now, 8).await.unwrap(), 1);
    assert_eq!(ports.mails.confirm(keys(&first)).await.unwrap(), []);
    let second = claim(&there, now).await;
    assert_eq!((second.len(), second[0].attempt), (1, 2));
    assert_eq!(ports.mails.confirm(keys(&first)).await.unwrap(), []);
    assert_eq!(ports.mails.confirm(keys(&second)).await.unwrap(), second);
    settle(&ports, vec![tried(&second[0], MailOutcome::Accepted, now)]).await;
    assert_eq!(ports.mails.confirm(keys(&second)).await.unwrap(), []);
}

/// Every mail of a claim that is given back is due again, with no attempt counted.
pub async fn every_mail_that_is_given_back_is_due_again(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    for n in 0..3 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    let now = ports.clock.now();
    let claimed = claim(&ports, now).await;
    ports.mails.release(claimed[0].claim, claimed.iter().map(|claimed| claimed.mail.id).collect(), now).await.unwrap();
    let again = claim(&ports, now).await;
    assert_eq!((again.len(), ids(&again)), (3, ids(&claimed)));
    assert!(again.iter().all(|claimed| claimed.attempt == 1));
}

/// A lease ends when its request said.
pub async fn a_lease_of_mail_lasts_as_long_as_was_asked(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    join(&ports, &list, "ada@example.com").await;
    let (claim, now, lease_until) = (ClaimId::new(ports.ids.uuid()), ports.clock.now(), later(&ports, 300));
    let asked = ClaimRequest { claim, now, lease_until, shares: vec![(list.workspace_id, 9)] };
    assert_eq!(ports.mails.claim(asked, None).await.unwrap().len(), 1);
    assert_eq!(ports.mails.reap(later(&ports, 299), 8).await.unwrap(), 0);
    assert_eq!(ports.mails.reap(later(&ports, 301), 8).await.unwrap(), 1);
}

/// The given schedule decides when a mail is retried, and how often.
pub async fn a_mail_is_settled_by_the_schedule_that_is_given(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    join(&ports, &list, "ada@example.com").await;
    let schedule = RetrySchedule::new(vec![Duration::hours(1)]);
    let mut now = ports.clock.now();
    for due in [Some(now.plus(Duration::minutes(54))), None] {
        let claimed = claim(&ports, now).await;
        let attempt = SettleMail { chance: 0, ..tried(&claimed[0], BROKEN, now) };
        assert_eq!(ports.mails.settle(vec![attempt], schedule.clone()).await.unwrap(), 1);
        assert_eq!(ports.mails.depth().await.unwrap().oldest_due_at, due);
        now = due.unwrap_or(now);
    }
    assert_eq!(ports.mails.depth().await.unwrap().pending, 0);
}

/// A mail that is sent, given up or suppressed keeps its place in the log, and nothing of what it said. One that is retried keeps all.
pub async fn the_data_of_an_ended_mail_is_forgotten(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    let now = ports.clock.now();
    for address in ["sent@example.com", "refused@example.com", "held@example.com", "retried@example.com", "lost@example.com"] {
        join(&ports, &list, address).await;
    }
    let before = ports.mails.mails(10).await.unwrap();
    ports.suppressions.suppress(suppress(&ports, list.workspace_id, "held@example.com", SuppressionReason::Manual)).await.unwrap();
    let claimed = claim(&ports, now).await;
    let outcome = |claimed: &ClaimedMail| match claimed.mail.to.as_str() {
        "sent@example.com" => Some(MailOutcome::Accepted),
        "refused@example.com" => Some(MailOutcome::Refused(554)),
        "retried@example.com" => Some(BROKEN),
        _ => None,
    };
    settle(&ports, claimed.iter().filter_map(|claimed| Some(tried(claimed, outcome(claimed)?, now))).collect()).await;
    // The process that had the last one is lost for good.
    ports.mails.reap(now.plus(Duration::hours(1)), 1).await.unwrap();
    let after = ports.mails.mails(10).await.unwrap();
    for (was, is) in before.iter().zip(&after) {
        let data = if was.to.as_str() == "retried@example.com" { was.data.as_str() } else { "" };
        assert_eq!((is.id, is.data.as_str()), (was.id, data), "{}", was.to);
    }
    assert_eq!((before.len(), after.len()), (5, 5));
}

/// A suppressed address gets no mail, even if it was suppressed after the mail was written. The mail never becomes due again. A suppression
/// of another workspace has no effect.
pub async fn a_suppressed_address_gets_no_mail(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    let beta = workspace(&ports, "beta").await.id;
    for address in ["before@example.com", "after@example.com", "foreign@example.com", "ada@example.com"] {
        join(&ports, &list, address).await;
    }
    for (workspace_id, address, reason) in [
        (list.workspace_id, "before@example.com", SuppressionReason::Unsubscribed),
        (list.workspace_id, "after@example.com", SuppressionReason::Manual),
        (beta, "foreign@example.com", SuppressionReason::Manual),
    ] {
        ports.suppressions.suppress(suppress(&ports, workspace_id, address, reason)).await.unwrap();
    }
    let now = ports.clock.now();
    let mut told: Vec<String> = claim(&ports, now).await.iter().map(|claimed| claimed.mail.to.to_string()).collect();
    told.sort();
    assert_eq!(told, ["ada@example.com", "foreign@example.com"]);
    let later = now.plus(Duration::days(2));
    ports.mails.reap(later, 8).await.unwrap();
    assert_eq!(claim(&ports, later).await.len(), 2);
    assert_eq!(ports.mails.depth().await.unwrap().pending, 2);
}

/// A mail that was claimed before its address was suppressed is not confirmed, and not claimed again when its lease has ended.
pub async fn a_claimed_mail_to_an_address_that_is_suppressed_now_is_not_confirmed(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = talking_list(&ports, json!({})).await;
    let now = ports.clock.now();
    for address in ["ada@example.com", "bob@example.com"] {
        join(&ports, &list, address).await;
    }
    let keys: Vec<_> = claim(&ports, now).await.iter().map(|claimed| (claimed.claim, claimed.mail.id)).collect();
    assert_eq!(ports.mails.confirm(keys.clone()).await.unwrap().len(), 2);
    let command = suppress(&there, list.workspace_id, "ada@example.com", SuppressionReason::Unsubscribed);
    there.suppressions.suppress(command).await.unwrap();
    let confirmed = ports.mails.confirm(keys).await.unwrap();
    assert_eq!(confirmed.iter().map(|claimed| claimed.mail.to.as_str()).collect::<Vec<_>>(), ["bob@example.com"]);
    let later = now.plus(Duration::days(2));
    ports.mails.reap(later, 8).await.unwrap();
    assert_eq!(claim(&ports, later).await.len(), 1);
}

/// The settlement of an attempt that bounced suppresses the address, and no other settlement does.
pub async fn an_address_that_bounces_is_suppressed(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    let now = ports.clock.now();
    for address in ["gone@example.com", "strict@example.com"] {
        join(&ports, &list, address).await;
    }
    let claimed = claim(&ports, now).await;
    let outcome = |claimed: &ClaimedMail| match claimed.mail.to.as_str() {
        "gone@example.com" => MailOutcome::Bounced(550),
        _ => MailOutcome::Refused(554),
    };
    // Another process has the claim now, so this attempt says nothing.
    let stale = SettleMail { claim: ClaimId::new(ports.ids.uuid()), ..tried(&claimed[0], MailOutcome::Bounced(550), now) };
    assert_eq!(settle(&ports, vec![stale]).await, 0);
    let reasons = async |address: &str| {
        let hash = ports.links.secret().hash_address(&email(address));
        let found = ports.suppressions.find(list.workspace_id, hash).await.unwrap();
        found.into_iter().map(|row| (row.reason, row.masked_email)).collect::<Vec<_>>()
    };
    assert_eq!(reasons("gone@example.com").await, []);
    settle(&ports, claimed.iter().map(|claimed| tried(claimed, outcome(claimed), now)).collect()).await;
    assert_eq!(reasons("gone@example.com").await, [(SuppressionReason::Bounced, Some("g***@example.com".to_owned()))]);
    assert_eq!(reasons("strict@example.com").await, []);
    let entry = ports.entries.list(list.id, None, None, Limit::default()).await.unwrap().items.remove(0);
    ports.entries.review(review(&ports, &entry, Review::Approve)).await.unwrap();
    assert_eq!(claim(&ports, now).await.len(), 0, "{}", entry.profile.email);
}

/// Claims what is due at an instant under a budget for an hour.
async fn claim_within(ports: &Ports, now: Timestamp, mails: u32) -> Vec<ClaimedMail> {
    let shares = ports.mails.due(now).await.unwrap().into_iter().map(|lane| (lane, 1000)).collect();
    let request = ClaimRequest { claim: ClaimId::new(ports.ids.uuid()), now, lease_until: now.plus(Duration::minutes(1)), shares };
    ports.mails.claim(request, Some(MailBudget { mails, period: Duration::HOUR })).await.unwrap()
}

/// A visitor from an address signs up some seconds from now.
async fn visit(ports: &Ports, list: &Waitlist, address: &str, client: &str, seconds: i64) {
    let client = (!client.is_empty()).then(|| client.parse().unwrap());
    ports.entries.sign_up(SignUp { client, now: later(ports, seconds), ..sign_up(ports, list, address) }).await.unwrap();
}

fn told(claimed: &[ClaimedMail]) -> Vec<&str> {
    let mut told: Vec<&str> = claimed.iter().map(|claimed| claimed.mail.to.as_str().split('@').next().unwrap()).collect();
    told.sort_unstable();
    told
}

/// The mails of strangers are claimed up to the budget, with those whose client is unknown. The rest waits. Another workspace has a budget
/// of its own, and without a budget all are claimed.
pub async fn strangers_cause_no_more_mails_than_the_budget_has(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = talking_list(&ports, json!({})).await;
    let beta = workspace(&ports, "beta").await.id;
    let other = active_list_in(&ports, beta, "list", json!({})).await;
    set(&ports, beta, notifications()).await;
    for (n, client) in ["", "192.0.2.1", "2001:db8::1", ""].into_iter().enumerate() {
        visit(&ports, &list, &format!("p{n}@example.com"), client, 0).await;
    }
    visit(&ports, &other, "beta@example.com", "", 0).await;
    let now = ports.clock.now();
    assert_eq!(told(&claim_within(&ports, now, 2).await).len(), 3);
    assert_eq!(told(&claim_within(&there, now, 2).await).len(), 0);
    assert_eq!(ports.mails.depth().await.unwrap().pending, 5);
    assert_eq!(told(&claim_within(&there, now, 3).await).len(), 1);
    assert_eq!(claim(&ports, now).await.len(), 1);
}

/// Mails of strangers count as kept back, and the log shows them as such, until they are begun. Other mails never do.
pub async fn what_is_kept_back_is_counted(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = talking_list(&ports, json!({})).await;
    let command = SignUp { actor: Actor::CommandLine, ..sign_up(&ports, &list, "admin@example.com") };
    ports.entries.sign_up(command).await.unwrap();
    assert_eq!(ports.mails.kept_back().await.unwrap(), 0);
    for n in 0..3 {
        visit(&ports, &list, &format!("p{n}@example.com"), "192.0.2.1", 0).await;
    }
    let now = ports.clock.now();
    assert_eq!(there.mails.kept_back().await.unwrap(), 3);
    let logged = async || {
        let log = there.mails.log(list.workspace_id, MailFilter::default(), None, Limit::new(100, Limit::MAX).unwrap()).await;
        log.unwrap().items.iter().filter(|mail| mail.is_kept_back).count()
    };
    assert_eq!(logged().await, 3);
    let claimed = claim_within(&ports, now, 2).await;
    assert_eq!((claimed.len(), there.mails.kept_back().await.unwrap()), (3, 1));
    assert_eq!(logged().await, 1);
    let sent: Vec<_> = claimed.iter().map(|claimed| tried(claimed, MailOutcome::Accepted, now)).collect();
    assert_eq!(settle(&ports, sent).await, 3);
    assert_eq!(there.mails.kept_back().await.unwrap(), 1);
}

/// Processes that claim at once begin no more than the budget has together.
pub async fn processes_share_the_budget(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = talking_list(&ports, json!({})).await;
    for n in 0..20 {
        visit(&ports, &list, &format!("p{n}@example.com"), &format!("192.0.{n}.1"), 0).await;
    }
    let now = ports.clock.now();
    let tasks = (0..8).map(|n| {
        let ports = if n % 2 == 0 { ports.clone() } else { there.clone() };
        tokio::spawn(async move { claim_within(&ports, now, 5).await.len() })
    });
    let claimed: usize = join_all(tasks).await.into_iter().map(|claimed| claimed.expect("no panic")).sum();
    assert_eq!(claimed, 5);
}

/// What was begun a period ago makes room.
pub async fn there_is_room_again_after_the_period(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    for n in 0..3 {
        visit(&ports, &list, &format!("p{n}@example.com"), "192.0.2.1", n).await;
    }
    let now = later(&ports, 10);
    let first = claim_within(&ports, now, 2).await;
    assert_eq!(told(&first), ["p0", "p1"]);
    settle(&ports, first.iter().map(|claimed| tried(claimed, MailOutcome::Accepted, now)).collect()).await;
    let hour = now.plus(Duration::HOUR);
    assert_eq!(told(&claim_within(&ports, hour.plus(-Duration::milliseconds(1)), 2).await), [""; 0]);
    assert_eq!(told(&claim_within(&ports, hour, 2).await), ["p2"]);
}

/// A network that floods a form waits behind one with few mails, and the mail of a network that has been due for longest comes first.
pub async fn networks_with_few_mails_come_first(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    for n in 0..5 {
        visit(&ports, &list, &format!("flood{n}@example.com"), &format!("192.0.2.{n}"), n).await;
    }
    visit(&ports, &list, "ada@example.com", "198.51.100.1", 6).await;
    visit(&ports, &list, "bob@example.com", "198.51.100.2", 7).await;
    let now = later(&ports, 10);
    assert_eq!(told(&claim_within(&ports, now, 2).await), ["ada", "flood0"]);
    visit(&ports, &list, "eve@example.com", "2001:db8::1", 9).await;
    assert_eq!(told(&claim_within(&ports, now, 3).await), ["eve"]);
    assert_eq!(told(&claim_within(&ports, now, 5).await), ["bob", "flood1"]);
}

/// A retry does not count again, and a mail that is never tried does not count.
pub async fn a_mail_counts_once(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    visit(&ports, &list, "ada@example.com", "192.0.2.1", 0).await;
    let now = ports.clock.now();
    let claimed = claim_within(&ports, now, 1).await;
    settle(&ports, vec![tried(&claimed[0], BROKEN, now)]).await;
    let soon = now.plus(Duration::minutes(30));
    let again = claim_within(&ports, soon, 1).await;
    assert_eq!((told(&again), again[0].attempt), (vec!["ada"], 2));
    settle(&ports, vec![tried(&again[0], MailOutcome::Accepted, soon)]).await;
    let hour = now.plus(Duration::HOUR);
    visit(&ports, &list, "held@example.com", "192.0.2.1", 60).await;
    ports.suppressions.suppress(suppress(&ports, list.workspace_id, "held@example.com", SuppressionReason::Manual)).await.unwrap();
    assert_eq!(told(&claim_within(&ports, hour, 1).await), [""; 0]);
    visit(&ports, &list, "bob@example.com", "192.0.2.1", 120).await;
    assert_eq!(told(&claim_within(&ports, hour, 1).await), ["bob"]);
}

/// Whoever signs up and leaves again does not give the budget back, and a repeated sign-up neither.
pub async fn deleted_mails_count(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let confirming = confirming_list(&ports, json!({})).await;
    let list = active_list_in(&ports, confirming.workspace_id, "open", json!({})).await;
    let now = ports.clock.now();
    for name in ["ada", "bob"] {
        visit(&ports, &list, &format!("{name}@example.com"), "192.0.2.1", 0).await;
    }
    ports.confirmations.request_mail(request_mail(&ports, &confirming, "eve@example.com")).await.unwrap();
    let claimed = claim_within(&ports, now, 3).await;
    assert_eq!(claimed.len(), 3);
    settle(&ports, claimed.iter().map(|claimed| tried(claimed, MailOutcome::Accepted, now)).collect()).await;
    let entries = ports.entries.list(list.id, None, None, Limit::new(10, Limit::MAX).unwrap()).await.unwrap().items;
    assert!(ports.entries.delete(delete_entry(&ports, list.id, entries[0].id)).await.unwrap());
    assert!(ports.entries.erase(erase_entry(&ports, list.id, entries[1].id)).await.unwrap());
    let eve = waiting(&ports, &confirming).await.remove(0);
    ports.confirmations.refuse(refusal(&ports, eve.id)).await.unwrap();
    assert_eq!(log_of(&there, list.workspace_id).await, 0);
    visit(&ports, &list, "late@example.com", "192.0.2.1", 0).await;
    assert_eq!(told(&claim_within(&there, now, 3).await), [""; 0]);
    let hour = now.plus(Duration::HOUR);
    ports.mails.reap(hour, 5).await.unwrap();
    assert_eq!(told(&claim_within(&there, now.plus(Duration::minutes(59)), 3).await), [""; 0]);
    assert_eq!(told(&claim_within(&there, hour, 3).await), ["late"]);
}

async fn log_of(ports: &Ports, id: WorkspaceId) -> usize {
    ports.mails.log(id, MailFilter::default(), None, Limit::new(100, Limit::MAX).unwrap()).await.unwrap().items.len()
}

/// Mails that an admin or a confirmation caused are claimed while mails of strangers are kept back, and after them.
pub async fn other_mails_do_not_wait(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    for n in 0..3 {
        visit(&ports, &list, &format!("p{n}@example.com"), "192.0.2.1", 0).await;
    }
    let now = later(&ports, 10);
    assert_eq!(claim_within(&ports, now, 1).await.len(), 1);
    for admin in ["ada@example.com", "bob@example.com"] {
        let command = SignUp { actor: Actor::CommandLine, now: later(&ports, 5), ..sign_up(&ports, &list, admin) };
        ports.entries.sign_up(command).await.unwrap();
    }
    let request = |share| ClaimRequest {
        claim: ClaimId::new(ports.ids.uuid()),
        now,
        lease_until: now.plus(Duration::minutes(1)),
        shares: vec![(list.workspace_id, share)],
    };
    let budget = Some(MailBudget { mails: 1, period: Duration::HOUR });
    assert_eq!(told(&ports.mails.claim(request(2), budget).await.unwrap()), ["ada", "bob"]);
}

/// A mail that is kept back until its time is over is ended then, although the budget has no room.
pub async fn a_mail_that_is_kept_back_expires(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({})).await;
    for address in ["ada@example.com", "bob@example.com"] {
        ports.confirmations.request_mail(request_mail(&ports, &list, address)).await.unwrap();
    }
    let now = ports.clock.now();
    let claimed = claim_within(&ports, now, 1).await;
    settle(&ports, claimed.iter().map(|claimed| tried(claimed, MailOutcome::Accepted, now)).collect()).await;
    let states = async || {
        let filter = MailFilter { kind: Some(MailKind::Confirm), ..MailFilter::default() };
        let page = ports.mails.log(list.workspace_id, filter, None, Limit::default()).await.unwrap();
        let mut states: Vec<_> = page.items.into_iter().map(|mail| mail.state.as_str()).collect();
        states.sort_unstable();
        states
    };
    let end = claimed[0].mail.expires_at.unwrap();
    assert_eq!(ports.mails.reap(end.plus(-Duration::milliseconds(1)), 8).await.unwrap(), 0);
    assert_eq!(states().await, [MailState::Pending.as_str(), MailState::Sent.as_str()]);
    assert_eq!(ports.mails.reap(end, 8).await.unwrap(), 0);
    assert_eq!(states().await, [MailState::Expired.as_str(), MailState::Sent.as_str()]);
    assert!(ports.mails.due(end).await.unwrap().is_empty());
}
