//! Cases of [`MailQueue`](rally_domain::port::MailQueue) about its log, and about mail that tries a template.

use futures_util::future::join_all;
use rally_domain::command::{Review, TestMail, TestMailRejection};
use rally_domain::error::CommandError;
use rally_domain::id::{ClaimId, MailId, WorkspaceId};
use rally_domain::mail::{LoggedMail, MailFilter, MailKind, MailOutcome, MailState, Recipient, SettleMail};
use rally_domain::paging::{Limit, MailKey};
use rally_domain::port::Ports;
use rally_domain::suppression::SuppressionReason;
use serde_json::json;
use time::Duration;

use crate::Fixture;
use crate::mail_claims::{claim, settle, tried};
use crate::mails::{join, talking_list};
use crate::purges::purge_all;
use crate::reviews::review;
use crate::samples::{
    active_list_in, delete_entry, delete_waitlist, delete_workspace, later, notifications, set, suppress, test_mail, workspace,
};

async fn log_by(ports: &Ports, id: WorkspaceId, filter: MailFilter) -> Vec<LoggedMail> {
    ports.mails.log(id, filter, None, Limit::new(100, Limit::MAX).unwrap()).await.unwrap().items
}

async fn log(ports: &Ports, id: WorkspaceId) -> Vec<LoggedMail> {
    log_by(ports, id, MailFilter::default()).await
}

fn ids(mails: &[LoggedMail]) -> Vec<MailId> {
    mails.iter().map(|mail| mail.id).collect()
}

fn too_many(outcome: Result<rally_domain::mail::Mail, CommandError<TestMailRejection>>) -> Option<Duration> {
    match outcome {
        Ok(_) => None,
        Err(CommandError::Rejected(TestMailRejection::TooMany { retry_after })) => Some(retry_after),
        Err(error) => panic!("{error:?}"),
    }
}

/// A mail is logged as it was written, with its state, its attempts, its last error and when it was sent, in every process.
pub async fn the_log_tells_what_became_of_a_mail(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = talking_list(&ports, json!({})).await;
    let id = list.workspace_id;
    let (now, then) = (ports.clock.now(), later(&ports, 5));
    for n in 0..4 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    ports.suppressions.suppress(suppress(&ports, id, "p3@example.com", SuppressionReason::Manual)).await.unwrap();
    let of = async |address: &str| log(&there, id).await.into_iter().find(|mail| mail.to.as_str() == address).unwrap();
    let before = of("p0@example.com").await;
    let claimed = claim(&ports, now).await;
    let mail = |address: &str| claimed.iter().find(|claimed| claimed.mail.to.as_str() == address).unwrap();
    let taken = mail("p0@example.com");
    let expected = LoggedMail {
        id: taken.mail.id,
        recipient: taken.mail.recipient,
        kind: MailKind::Welcome,
        locale: taken.mail.locale.clone(),
        to: taken.mail.to.clone(),
        state: MailState::Pending,
        attempts: 0,
        last_error: None,
        created_at: now,
        sent_at: None,
        is_kept_back: false,
    };
    assert_eq!(before, LoggedMail { is_kept_back: true, ..expected.clone() });
    assert_eq!(of("p0@example.com").await, LoggedMail { attempts: 1, ..expected.clone() });
    let error = |text: &str| Some(text.to_owned());
    let broken = MailOutcome::Failed { status: Some(451), retry_after: None };
    let mut attempts = vec![
        tried(taken, MailOutcome::Accepted, then),
        tried(mail("p1@example.com"), MailOutcome::Refused(554), then),
        tried(mail("p2@example.com"), broken, then),
    ];
    (attempts[1].error, attempts[2].error) = (error("554 no"), error("451 later"));
    assert_eq!(settle(&ports, attempts).await, 3);
    assert_eq!(of("p0@example.com").await, LoggedMail { state: MailState::Sent, attempts: 1, sent_at: Some(then), ..expected });
    let told = async |address: &str| {
        let mail = of(address).await;
        (mail.state, mail.attempts, mail.last_error, mail.sent_at)
    };
    assert_eq!(told("p1@example.com").await, (MailState::Failed, 1, error("554 no"), None));
    assert_eq!(told("p2@example.com").await, (MailState::Pending, 1, error("451 later"), None));
    assert_eq!(told("p3@example.com").await.0, MailState::Suppressed);
    // The error is that of the last attempt.
    let tomorrow = now.plus(Duration::DAY);
    let again = claim(&ports, tomorrow).await;
    assert_eq!(again.len(), 1);
    let again = SettleMail { error: error("452 full"), ..tried(&again[0], broken, tomorrow) };
    assert_eq!(settle(&ports, vec![again]).await, 1);
    assert_eq!(told("p2@example.com").await, (MailState::Pending, 2, error("452 full"), None));
}

/// Each filter, and all of them together, let through what they name and nothing else.
pub async fn the_log_is_filtered(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    let id = list.workspace_id;
    let (ada, bob) = (join(&ports, &list, "ada@example.com").await, join(&ports, &list, "bob@example.com").await);
    let sent = claim(&ports, ports.clock.now()).await;
    settle(&ports, sent.iter().map(|claimed| tried(claimed, MailOutcome::Accepted, ports.clock.now())).collect()).await;
    ports.entries.review(review(&ports, &ada, Review::Approve)).await.unwrap();
    ports.entries.review(review(&ports, &bob, Review::Reject)).await.unwrap();
    ports.mails.test(test_mail(&ports, id, "tester@example.com")).await.unwrap();
    let all = MailFilter::default();
    let found = async |filter: MailFilter| {
        let mut found: Vec<_> =
            log_by(&ports, id, filter).await.into_iter().map(|mail| (mail.kind.as_str(), mail.to.to_string())).collect();
        found.sort();
        found
    };
    let [to_ada, to_bob, to_tester] = ["ada", "bob", "tester"].map(|name| format!("{name}@example.com"));
    let (welcome, approved) = (MailKind::Welcome.as_str(), MailKind::Approved.as_str());
    assert_eq!(found(all).await.len(), 5);
    assert_eq!(found(MailFilter { entry_id: Some(ada.id), ..all }).await, [(approved, to_ada.clone()), (welcome, to_ada.clone())]);
    assert_eq!(found(MailFilter { state: Some(MailState::Sent), ..all }).await, [(welcome, to_ada.clone()), (welcome, to_bob.clone())]);
    assert_eq!(
        found(MailFilter { kind: Some(MailKind::Welcome), ..all }).await,
        [(welcome, to_ada.clone()), (welcome, to_bob), (welcome, to_tester.clone())]
    );
    let waiting = MailFilter { state: Some(MailState::Pending), kind: Some(MailKind::Welcome), entry_id: None };
    assert_eq!(found(waiting).await, [(welcome, to_tester)]);
    assert_eq!(found(MailFilter { entry_id: Some(ada.id), ..waiting }).await, []);
    let one = MailFilter { entry_id: Some(ada.id), state: Some(MailState::Sent), kind: Some(MailKind::Welcome) };
    assert_eq!(found(one).await, [(welcome, to_ada)]);
    for state in [MailState::Failed, MailState::Suppressed, MailState::Expired] {
        assert_eq!(found(MailFilter { state: Some(state), ..all }).await, []);
    }
}

/// Pages go newest first through all states and kinds. Mail that comes meanwhile or is deleted neither repeats nor hides another. The last
/// page names no next one.
pub async fn pages_of_the_log_go_on_where_they_were(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    let id = list.workspace_id;
    let mut entries = Vec::new();
    for n in 0..6 {
        entries.push(join(&ports, &list, &format!("p{n}@example.com")).await);
        if n == 3 {
            let sent = claim(&ports, ports.clock.now()).await;
            settle(&ports, sent.iter().map(|claimed| tried(claimed, MailOutcome::Accepted, ports.clock.now())).collect()).await;
        }
    }
    let approve = review(&ports, &entries[0], Review::Approve);
    ports.entries.review(approve).await.unwrap();
    let all = log(&ports, id).await;
    assert_eq!(all.len(), 7);
    assert!(all.windows(2).all(|pair| (pair[0].created_at, pair[0].id) > (pair[1].created_at, pair[1].id)), "{all:?}");
    let limit = Limit::new(3, Limit::MAX).unwrap();
    let page = async |after| ports.mails.log(id, MailFilter::default(), after, limit).await.unwrap();
    let first = page(None).await;
    let key = first.next.unwrap();
    assert_eq!((ids(&first.items), key), (ids(&all[..3]), MailKey { created_at: all[2].created_at, id: all[2].id }));
    ports.mails.test(test_mail(&ports, id, "newer@example.com")).await.unwrap();
    let second = page(Some(key)).await;
    assert_eq!(ids(&second.items), ids(&all[3..6]));
    let third = page(second.next).await;
    assert_eq!((ids(&third.items), third.next), (ids(&all[6..]), None));
    let gone = all[3].recipient.entry_id().unwrap();
    assert!(ports.entries.delete(delete_entry(&ports, list.id, gone)).await.unwrap());
    let left: Vec<MailId> = all[3..].iter().filter(|mail| mail.recipient.entry_id() != Some(gone)).map(|mail| mail.id).collect();
    let next = page(Some(key)).await;
    assert_eq!(ids(&next.items), left[..left.len().min(3)]);
    let of_entry = MailFilter { entry_id: all[6].recipient.entry_id(), ..MailFilter::default() };
    let full = ports.mails.log(id, of_entry, None, Limit::new(log_by(&ports, id, of_entry).await.len() as u64, Limit::MAX).unwrap()).await;
    assert_eq!(full.unwrap().next, None);
}

/// The log has no mail of another workspace, and none of a deleted list or workspace, purged or not.
pub async fn a_workspace_has_a_log_of_its_own(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = talking_list(&ports, json!({})).await;
    let doomed = active_list_in(&ports, list.workspace_id, "doomed", json!({})).await;
    let beta = workspace(&ports, "beta").await.id;
    let other = active_list_in(&ports, beta, "list", json!({})).await;
    set(&ports, beta, notifications()).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let eve = join(&ports, &doomed, "eve@example.com").await;
    let bob = join(&ports, &other, "bob@example.com").await;
    let told = async |id: WorkspaceId, entry| {
        let filter = MailFilter { entry_id: entry, ..MailFilter::default() };
        log_by(&there, id, filter).await.into_iter().map(|mail| mail.recipient.entry_id().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(told(beta, None).await, [bob.id]);
    assert_eq!(told(beta, Some(ada.id)).await, []);
    assert_eq!(told(list.workspace_id, None).await.len(), 2);
    assert!(ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, doomed.id)).await.unwrap());
    for purged in [false, true] {
        assert_eq!(told(list.workspace_id, None).await, [ada.id], "{purged}");
        assert_eq!(told(list.workspace_id, Some(eve.id)).await, [], "{purged}");
        purge_all(&ports).await;
    }
    assert!(ports.workspaces.delete(delete_workspace(&ports, "acme")).await.unwrap());
    for purged in [false, true] {
        assert_eq!((told(list.workspace_id, None).await, told(list.workspace_id, Some(ada.id)).await), (vec![], vec![]), "{purged}");
        purge_all(&ports).await;
    }
    assert_eq!(told(beta, None).await, [bob.id]);
}

/// A workspace tests ten mails an hour, whatever becomes of them, in whichever process. Other mail does not count, nor do the tests of
/// another workspace.
pub async fn a_workspace_tests_ten_mails_an_hour(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = talking_list(&ports, json!({})).await;
    let (id, beta) = (list.workspace_id, workspace(&ports, "beta").await.id);
    join(&ports, &list, "ada@example.com").await;
    let at = |minutes: i64, ports: &Ports| {
        let mut command = test_mail(ports, id, "tester@example.com");
        command.mail.created_at = command.mail.created_at.plus(Duration::minutes(minutes));
        command
    };
    let written = ports.mails.test(at(0, &ports)).await.unwrap();
    let shown = log(&ports, id).await.into_iter().find(|mail| mail.id == written.id).unwrap();
    assert_eq!((shown.recipient, shown.to.as_str(), shown.state), (Recipient::Tester, "tester@example.com", MailState::Pending));
    for n in 1..10 {
        let ports = if n % 2 == 0 { &ports } else { &there };
        assert_eq!(too_many(ports.mails.test(at(n, ports)).await), None, "{n}");
    }
    let sent = claim(&ports, later(&ports, 3600)).await;
    settle(&ports, sent.iter().map(|claimed| tried(claimed, MailOutcome::Refused(554), later(&ports, 3600))).collect()).await;
    assert_eq!(too_many(there.mails.test(at(45, &there)).await), Some(Duration::minutes(15)));
    assert_eq!(too_many(ports.mails.test(test_mail(&ports, beta, "tester@example.com")).await), None);
    assert_eq!(too_many(there.mails.test(at(60, &there)).await), None);
    assert_eq!(too_many(ports.mails.test(at(60, &ports)).await), Some(Duration::minutes(1)));
    let missing = ports.mails.test(test_mail(&ports, WorkspaceId::new(ports.ids.uuid()), "tester@example.com")).await;
    assert!(matches!(missing, Err(CommandError::Rejected(TestMailRejection::NoSuchWorkspace))), "{missing:?}");
}

/// Of many tests at once, in two processes, ten are written.
pub async fn the_most_tests_are_not_exceeded_under_concurrency(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let id = workspace(&ports, "acme").await.id;
    let tasks = (0..24).map(|n| {
        let ports = if n % 2 == 0 { ports.clone() } else { there.clone() };
        tokio::spawn(async move { ports.mails.test(test_mail(&ports, id, "tester@example.com")).await })
    });
    let refused = join_all(tasks).await.into_iter().filter_map(|outcome| too_many(outcome.expect("no panic"))).count();
    assert_eq!((refused, log(&ports, id).await.len()), (14, 10));
}

/// A test is claimed and confirmed though its address is suppressed.
pub async fn a_test_goes_to_a_suppressed_address_too(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let id = workspace(&ports, "acme").await.id;
    ports.suppressions.suppress(suppress(&ports, id, "tester@example.com", SuppressionReason::Bounced)).await.unwrap();
    let test = ports.mails.test(test_mail(&ports, id, "tester@example.com")).await.unwrap();
    let claimed = claim(&ports, ports.clock.now()).await;
    assert_eq!(claimed.iter().map(|claimed| &claimed.mail).collect::<Vec<_>>(), [&test]);
    let confirmed = ports.mails.confirm(vec![(claimed[0].claim, test.id)]).await.unwrap();
    assert_eq!(confirmed, claimed);
}

/// A test that is written under a claim is its writer's until the lease ends. Its first attempt counts.
pub async fn a_test_may_be_claimed_by_its_writer(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let id = workspace(&ports, "acme").await.id;
    let mine = ClaimId::new(ports.ids.uuid());
    let command = TestMail { claim: Some((mine, later(&ports, 60))), ..test_mail(&ports, id, "tester@example.com") };
    let test = ports.mails.test(command).await.unwrap();
    assert_eq!(claim(&ports, ports.clock.now()).await, []);
    let confirmed = ports.mails.confirm(vec![(mine, test.id)]).await.unwrap();
    assert_eq!((confirmed.len(), confirmed[0].attempt, &confirmed[0].mail), (1, 1, &test));
    assert_eq!(ports.mails.reap(later(&ports, 61), 8).await.unwrap(), 1);
    assert_eq!(claim(&ports, later(&ports, 61)).await[0].attempt, 2);
}

/// A test of a deleted workspace is neither sent nor kept, and the workspace gets no further one.
pub async fn tests_go_with_their_workspace(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let (acme, beta) = (workspace(&ports, "acme").await.id, workspace(&ports, "beta").await.id);
    for id in [acme, beta] {
        ports.mails.test(test_mail(&ports, id, "tester@example.com")).await.unwrap();
    }
    let claimed = claim(&ports, ports.clock.now()).await;
    assert_eq!(claimed.len(), 2);
    ports.mails.test(test_mail(&ports, acme, "late@example.com")).await.unwrap();
    assert!(ports.workspaces.delete(delete_workspace(&ports, "acme")).await.unwrap());
    let keys: Vec<_> = claimed.iter().map(|claimed| (claimed.claim, claimed.mail.id)).collect();
    let confirmed = ports.mails.confirm(keys).await.unwrap();
    assert_eq!(confirmed.iter().map(|claimed| claimed.mail.workspace_id).collect::<Vec<_>>(), [beta]);
    assert_eq!(claim(&ports, ports.clock.now()).await, []);
    let refused = ports.mails.test(test_mail(&ports, acme, "tester@example.com")).await;
    assert!(matches!(refused, Err(CommandError::Rejected(TestMailRejection::NoSuchWorkspace))), "{refused:?}");
    purge_all(&ports).await;
    let left = ports.mails.mails(10).await.unwrap();
    assert_eq!(left.iter().map(|mail| mail.workspace_id).collect::<Vec<_>>(), [beta]);
}
