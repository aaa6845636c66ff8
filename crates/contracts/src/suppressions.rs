//! Cases of [`SuppressionStore`](rally_domain::port::SuppressionStore).

use futures_util::future::join_all;
use rally_domain::command::{CreateWorkspace, LiftSuppression, Suppress, SuppressRejection};
use rally_domain::error::CommandError;
use rally_domain::id::{SuppressionId, WorkspaceId};
use rally_domain::import::ImportRow;
use rally_domain::mail::MailOutcome;
use rally_domain::paging::{Limit, SuppressionKey};
use rally_domain::port::Ports;
use rally_domain::secret::AddressHash;
use rally_domain::suppression::{Suppression, SuppressionReason};
use serde_json::json;

use crate::Fixture;
use crate::changes::unsubscribe;
use crate::confirmations::{confirming_list, refusal, request, waiting};
use crate::imports::{import, row, run};
use crate::mail_claims::{claim, settle, tried};
use crate::purges::purge_all;
use crate::samples::{ACTOR, active_list_in, create_workspace, delete_workspace, email, erase_entry, join, later, suppress, workspace};

fn hash(ports: &Ports, address: &str) -> AddressHash {
    ports.links.secret().hash_address(&email(address))
}

/// The suppression of an address for a reason, that many seconds later.
async fn add(ports: &Ports, id: WorkspaceId, address: &str, reason: SuppressionReason, seconds: i64) -> Suppression {
    let command = Suppress { now: later(ports, seconds), ..suppress(ports, id, address, reason) };
    ports.suppressions.suppress(command).await.unwrap()
}

async fn lift(ports: &Ports, workspace_id: WorkspaceId, id: SuppressionId) -> bool {
    ports.suppressions.lift(LiftSuppression { workspace_id, id, actor: ACTOR, now: ports.clock.now() }).await.unwrap()
}

async fn found(ports: &Ports, id: WorkspaceId, address: &str) -> Vec<Suppression> {
    ports.suppressions.find(id, hash(ports, address)).await.unwrap()
}

/// All suppressions of a workspace, in pages of that size.
async fn pages(ports: &Ports, workspace_id: WorkspaceId, rows: u64) -> Vec<Suppression> {
    let limit = Limit::new(rows, Limit::MAX).unwrap();
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let page = ports.suppressions.list(workspace_id, after, limit).await.unwrap();
        assert!(page.items.len() <= limit.rows() && all.len() < 100, "pages come to an end");
        all.extend(page.items);
        match page.next {
            Some(key) => after = Some(key),
            None => return all,
        }
    }
}

/// All suppressions of a workspace.
pub(crate) async fn suppressed(ports: &Ports, workspace_id: WorkspaceId) -> Vec<Suppression> {
    pages(ports, workspace_id, u64::from(Limit::MAX)).await
}

/// Every field of a suppression reads back, for every reason, in another process too.
pub async fn a_suppression_reads_back_as_it_was_written(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let id = workspace(&ports, "acme").await.id;
    assert_eq!((found(&ports, id, "ada@example.com").await, suppressed(&ports, id).await), (Vec::new(), Vec::new()));
    for (n, reason) in SuppressionReason::ALL.into_iter().enumerate() {
        let masked_email = (n % 2 == 0).then(|| "ä•••@example.com".to_owned());
        let address = format!("p{n}@example.com");
        let command = Suppress { masked_email, now: later(&ports, n as i64), ..suppress(&ports, id, &address, reason) };
        let Suppress { masked_email, now, .. } = command.clone();
        let made = ports.suppressions.suppress(command.clone()).await.unwrap();
        let address = hash(&ports, &address);
        assert_eq!(made, Suppression { id: command.id, workspace_id: id, address, masked_email, reason, created_at: now });
        for ports in [&ports, &there] {
            assert_eq!(ports.suppressions.find(id, address).await.unwrap(), std::slice::from_ref(&made));
            assert_eq!(suppressed(ports, id).await.first(), Some(&made));
        }
    }
}

/// A second suppression of an address for a reason returns the one that is there.
pub async fn an_address_is_suppressed_once_for_a_reason(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let id = workspace(&ports, "acme").await.id;
    let first = add(&ports, id, "ada@example.com", SuppressionReason::Bounced, 0).await;
    for ports in [&ports, &there] {
        let again = Suppress { masked_email: None, now: later(ports, 9), ..suppress(ports, id, "ada@example.com", first.reason) };
        assert_eq!(ports.suppressions.suppress(again).await.unwrap(), first);
        assert_eq!(found(ports, id, "ada@example.com").await, std::slice::from_ref(&first));
    }
    // After it was lifted, it is a new one.
    assert!(lift(&ports, id, first.id).await);
    let second = add(&ports, id, "ada@example.com", first.reason, 9).await;
    assert_ne!(second.id, first.id);
    assert_eq!(found(&ports, id, "ada@example.com").await, [second]);
}

/// Sixteen calls that suppress one address at once get the same suppression.
pub async fn an_address_is_suppressed_once_for_a_reason_under_concurrency(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let id = workspace(&ports, "acme").await.id;
    let tasks = (0..16).map(|n| {
        let ports = if n % 2 == 0 { ports.clone() } else { there.clone() };
        tokio::spawn(async move { add(&ports, id, "ada@example.com", SuppressionReason::Unsubscribed, n).await })
    });
    let got: Vec<Suppression> = join_all(tasks).await.into_iter().map(|got| got.expect("no panic")).collect();
    let kept = found(&ports, id, "ada@example.com").await;
    assert_eq!(kept.len(), 1);
    assert!(got.iter().all(|one| *one == kept[0]), "{got:?}");
}

/// A workspace has one suppression of an address and reason, whatever causes it and however often: bounces, refusals, rows of imports,
/// erasures, unsubscriptions and admins.
pub async fn every_way_suppresses_an_address_once_for_a_reason(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({})).await;
    let (id, now) = (list.workspace_id, ports.clock.now());
    let other = active_list_in(&ports, id, "other", json!({})).await;
    // Two mails to a person of two lists bounce.
    for list in [&list, &other] {
        join(&ports, list, "bounced@example.com").await;
    }
    let mails = claim(&ports, now).await;
    assert_eq!(mails.len(), 2);
    settle(&ports, mails.iter().map(|mail| tried(mail, MailOutcome::Bounced(550), now)).collect()).await;
    // Another person is erased from both.
    let erased = [join(&ports, &list, "erased@example.com").await, join(&ports, &other, "erased@example.com").await];
    for (list, erased) in [&list, &other].into_iter().zip(erased) {
        assert!(ports.entries.erase(erase_entry(&ports, list.id, erased.id)).await.unwrap());
        ports.confirmations.request_mail(request(&ports, list, "refused@example.com")).await.unwrap();
        let refused = waiting(&ports, list).await.remove(0);
        ports.confirmations.refuse(refusal(&ports, refused.id)).await.unwrap();
        let unsubscribed = join(&ports, list, "unsubscribed@example.com").await;
        ports.suppressions.unsubscribe(unsubscribe(&ports, list.id, unsubscribed.id)).await.unwrap();
        let imported = ImportRow { suppressed: Some(SuppressionReason::Manual), ..row(2, 1, "manual@example.com") };
        run(&ports, import(&ports, list), vec![imported]).await;
    }
    for reason in SuppressionReason::ALL {
        let address = format!("{}@example.com", reason.as_str());
        let kept = found(&ports, id, &address).await;
        assert_eq!(kept.iter().map(|row| row.reason).collect::<Vec<_>>(), [reason]);
        assert_eq!(add(&ports, id, &address, reason, 9).await, kept[0]);
        assert_eq!(found(&ports, id, &address).await, kept);
    }
}

/// A workspace that never existed, or was deleted, gets no suppression.
pub async fn a_suppression_needs_its_workspace(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let gone = workspace(&ports, "acme").await.id;
    assert!(ports.workspaces.delete(delete_workspace(&ports, "acme")).await.unwrap());
    for id in [gone, WorkspaceId::new(ports.ids.uuid())] {
        let refused = ports.suppressions.suppress(suppress(&ports, id, "ada@example.com", SuppressionReason::Manual)).await;
        assert!(matches!(refused, Err(CommandError::Rejected(SuppressRejection::NoSuchWorkspace))), "{refused:?}");
    }
}

/// A suppression of another workspace is not found and not lifted.
pub async fn a_workspace_has_suppressions_of_its_own(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let (acme, beta) = (workspace(&ports, "acme").await.id, workspace(&ports, "beta").await.id);
    let reason = SuppressionReason::Refused;
    let made = add(&ports, acme, "ada@example.com", reason, 0).await;
    assert_eq!((found(&ports, beta, "ada@example.com").await, suppressed(&ports, beta).await), (Vec::new(), Vec::new()));
    assert!(!lift(&ports, beta, made.id).await);
    assert!(!ports.suppressions.lift_reason(beta, made.address, reason).await.unwrap());
    assert_eq!(found(&ports, acme, "ada@example.com").await, std::slice::from_ref(&made));
    let other = add(&ports, beta, "ada@example.com", reason, 1).await;
    assert!(other.id != made.id && ports.suppressions.lift_reason(beta, made.address, reason).await.unwrap());
    assert_eq!((suppressed(&ports, acme).await, suppressed(&ports, beta).await), (vec![made], Vec::new()));
}

/// A suppression is lifted once, by its id or by its reason, and the others stay.
pub async fn lifting_one_suppression_leaves_the_others(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let id = workspace(&ports, "acme").await.id;
    let mut left = Vec::new();
    for (n, reason) in SuppressionReason::ALL.into_iter().enumerate() {
        left.insert(0, add(&ports, id, "ada@example.com", reason, n as i64).await);
    }
    let others: Vec<Suppression> = {
        let bob = async |reason| add(&ports, id, "bob@example.com", reason, 0).await;
        vec![bob(SuppressionReason::Manual).await, bob(SuppressionReason::Erased).await]
    };
    let manual = left.remove(0);
    assert!(lift(&there, id, manual.id).await && !lift(&ports, id, manual.id).await);
    assert_eq!(found(&ports, id, "ada@example.com").await, left);
    let erased = left.remove(0);
    for lifts in [true, false] {
        assert_eq!(there.suppressions.lift_reason(id, erased.address, SuppressionReason::Erased).await.unwrap(), lifts);
    }
    assert_eq!(found(&ports, id, "ada@example.com").await, left);
    let mut bobs = found(&ports, id, "bob@example.com").await;
    bobs.sort_by_key(|row| row.id);
    assert_eq!(bobs, others);
}

/// Suppressions are ordered by the time of their creation, whatever their ids. Those of one time are ordered by their ids.
pub async fn suppressions_go_newest_first(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let id = workspace(&ports, "acme").await.id;
    let mut made = Vec::new();
    for (reason, seconds) in SuppressionReason::ALL.into_iter().zip([0, 3, 1, 3, 2]) {
        made.push(add(&ports, id, "ada@example.com", reason, seconds).await);
    }
    let expected = [3, 1, 4, 2, 0].map(|n: usize| made[n].clone());
    assert_eq!(found(&ports, id, "ada@example.com").await, expected);
    for rows in [1, 2, 3, 5, 100] {
        assert_eq!(pages(&ports, id, rows).await, expected, "pages of {rows}");
    }
}

/// A page that ends with the last row names no next one.
pub async fn a_full_last_page_of_suppressions_has_no_next(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let id = workspace(&ports, "acme").await.id;
    add(&ports, id, "ada@example.com", SuppressionReason::Manual, 0).await;
    let next = async |rows| ports.suppressions.list(id, None, Limit::new(rows, Limit::MAX).unwrap()).await.unwrap().next;
    assert_eq!(next(1).await, None);
    add(&ports, id, "bob@example.com", SuppressionReason::Manual, 0).await;
    assert_eq!((next(1).await.is_some(), next(2).await), (true, None));
}

/// Pages go on where they were, even if the row that a key names is gone.
pub async fn pages_of_suppressions_go_on_where_they_were(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let id = workspace(&ports, "acme").await.id;
    let mut made = Vec::new();
    for n in 0..6 {
        made.insert(0, add(&ports, id, &format!("p{n}@example.com"), SuppressionReason::Manual, 0).await);
    }
    let limit = Limit::new(2, Limit::MAX).unwrap();
    let first = ports.suppressions.list(id, None, limit).await.unwrap();
    let key = first.next.unwrap();
    assert_eq!(key, SuppressionKey { created_at: made[1].created_at, id: made[1].id });
    add(&ports, id, "newer@example.com", SuppressionReason::Manual, 0).await;
    assert_eq!(ports.suppressions.list(id, Some(key), limit).await.unwrap().items, made[2..4]);
    assert!(lift(&ports, id, made[1].id).await && lift(&ports, id, made[2].id).await);
    assert_eq!(ports.suppressions.list(id, Some(key), limit).await.unwrap().items, made[3..5]);
}

/// A new suppression and a lifted one show at once in every process.
pub async fn a_suppression_shows_in_every_process_at_once(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let id = workspace(&ports, "acme").await.id;
    assert_eq!(found(&there, id, "ada@example.com").await, []);
    let made = add(&ports, id, "ada@example.com", SuppressionReason::Manual, 0).await;
    assert_eq!(found(&there, id, "ada@example.com").await, std::slice::from_ref(&made));
    assert!(lift(&ports, id, made.id).await);
    assert_eq!(found(&there, id, "ada@example.com").await, []);
}

/// No reader finds a suppression of a deleted workspace, and none of them can be lifted.
pub async fn a_deleted_workspace_has_no_suppressions_before_it_is_purged(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let id = workspace(&ports, "acme").await.id;
    let made = add(&ports, id, "ada@example.com", SuppressionReason::Manual, 0).await;
    assert_eq!(found(&there, id, "ada@example.com").await, std::slice::from_ref(&made));
    assert!(ports.workspaces.delete(delete_workspace(&ports, "acme")).await.unwrap());
    for ports in [&ports, &there] {
        assert_eq!((found(ports, id, "ada@example.com").await, suppressed(ports, id).await), (Vec::new(), Vec::new()));
        assert!(!lift(ports, id, made.id).await);
        assert!(!ports.suppressions.lift_reason(id, made.address, made.reason).await.unwrap());
    }
    let again = workspace(&ports, "acme").await.id;
    assert_eq!(suppressed(&ports, again).await, []);
}

/// After the purge a workspace that gets the same id has none of the suppressions, and a neighbour keeps its own.
pub async fn a_purge_takes_the_suppressions_of_a_deleted_workspace(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let (acme, beta) = (workspace(&ports, "acme").await.id, workspace(&ports, "beta").await.id);
    for n in 0..8 {
        for id in [acme, beta] {
            add(&ports, id, &format!("p{n}@example.com"), SuppressionReason::Bounced, n).await;
        }
    }
    let kept = suppressed(&ports, beta).await;
    assert!(ports.workspaces.delete(delete_workspace(&ports, "acme")).await.unwrap());
    purge_all(&ports).await;
    ports.workspaces.create(CreateWorkspace { id: acme, ..create_workspace(&ports, "acme") }).await.unwrap();
    assert_eq!((suppressed(&ports, acme).await, suppressed(&ports, beta).await), (Vec::new(), kept));
}
