//! Cases of [`ProofStore`](rally_domain::port::ProofStore), and of what uses proofs of work up.

use futures_util::future::join_all;
use rally_domain::command::{DeleteEntry, RequestMail, RequestMailRejection, SignUp, SignUpRejection};
use rally_domain::error::CommandError;
use rally_domain::id::ProofId;
use rally_domain::port::Ports;
use rally_domain::proof_of_work::{Proof, ProofOfWork};
use rally_domain::waitlist::Waitlist;
use serde_json::json;
use time::Duration;

use crate::Fixture;
use crate::confirmations::{confirmation, confirming_list, refusal, request, waiting};
use crate::samples::{active_list, active_list_in, delete_entry, erase_entry, join, later, sign_up};

/// A proof that can be used for ten minutes.
pub fn proof(ports: &Ports) -> Proof {
    Proof { id: ProofId::new(ports.ids.uuid()), expires_at: later(ports, 600) }
}

fn with(proof: Proof, command: SignUp) -> SignUp {
    SignUp { proof: Some(proof), ..command }
}

fn asking_with(ports: &Ports, list: &Waitlist, address: &str, proof: Proof) -> RequestMail {
    RequestMail { proof: Some(proof), ..request(ports, list, address) }
}

/// Of many sign-ups with one proof, in two processes, one succeeds. The proof is used for every list then.
pub async fn a_proof_is_used_once(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let proof = proof(&ports);
    let tasks = (0..20).map(|n| {
        let ports = if n % 2 == 0 { ports.clone() } else { there.clone() };
        let command = with(proof, sign_up(&ports, &list, &format!("p{n}@example.com")));
        tokio::spawn(async move { ports.entries.sign_up(command).await })
    });
    let outcomes: Vec<_> = join_all(tasks).await.into_iter().map(|outcome| outcome.unwrap()).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    let is_refused = |outcome: &Result<_, _>| matches!(outcome, Err(CommandError::Rejected(SignUpRejection::ProofUsed)));
    assert_eq!(outcomes.iter().filter(|outcome| is_refused(outcome)).count(), 19, "{outcomes:?}");
    assert_eq!(ports.stats.count(list.id).await.unwrap(), 1);
    let elsewhere = active_list_in(&ports, list.workspace_id, "elsewhere", json!({})).await;
    let again = there.entries.sign_up(with(proof, sign_up(&there, &elsewhere, "ada@example.com"))).await;
    assert!(is_refused(&again), "{again:?}");
}

/// A proof can be used again after the sign-up with it was refused.
pub async fn a_refused_sign_up_uses_no_proof(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    join(&ports, &list, "ada@example.com").await;
    let proof = proof(&ports);
    let refused = ports.entries.sign_up(with(proof, sign_up(&ports, &list, "ada@example.com"))).await;
    assert!(matches!(refused, Err(CommandError::Rejected(SignUpRejection::EmailTaken))), "{refused:?}");
    assert!(ports.entries.sign_up(with(proof, sign_up(&ports, &list, "bob@example.com"))).await.is_ok());
}

/// A request uses its proof, whether the address is new, waits, or is on the list.
pub async fn a_request_uses_its_proof(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = confirming_list(&ports, json!({})).await;
    join(&ports, &list, "member@example.com").await;
    for address in ["new@example.com", "new@example.com", "member@example.com"] {
        let proof = proof(&ports);
        ports.confirmations.request_mail(asking_with(&ports, &list, address, proof)).await.unwrap();
        let again = there.confirmations.request_mail(asking_with(&there, &list, "other@example.com", proof)).await;
        assert!(matches!(again, Err(CommandError::Rejected(RequestMailRejection::ProofUsed))), "{address}: {again:?}");
    }
    assert_eq!(waiting(&ports, &list).await.len(), 1);
}

/// Of many requests with one proof, for as many addresses, in two processes, one succeeds.
pub async fn parallel_requests_use_a_proof_once(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = confirming_list(&ports, json!({})).await;
    let proof = proof(&ports);
    let tasks = (0..20).map(|n| {
        let ports = if n % 2 == 0 { ports.clone() } else { there.clone() };
        let command = asking_with(&ports, &list, &format!("p{n}@example.com"), proof);
        tokio::spawn(async move { ports.confirmations.request_mail(command).await })
    });
    let outcomes: Vec<_> = join_all(tasks).await.into_iter().map(|outcome| outcome.unwrap()).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert_eq!(waiting(&ports, &list).await.len(), 1);
}

/// A used proof is known until it expires, and forgotten after that.
pub async fn a_used_proof_is_kept_until_it_expires(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let proof = proof(&ports);
    ports.entries.sign_up(with(proof, sign_up(&ports, &list, "ada@example.com"))).await.unwrap();
    assert_eq!(ports.proofs.prune(proof.expires_at, 10).await.unwrap(), 0);
    let again = ports.entries.sign_up(with(proof, sign_up(&ports, &list, "bob@example.com"))).await;
    assert!(matches!(again, Err(CommandError::Rejected(SignUpRejection::ProofUsed))), "{again:?}");
    assert_eq!(ports.proofs.prune(later(&ports, 601), 10).await.unwrap(), 1);
    assert_eq!(ports.proofs.prune(later(&ports, 601), 10).await.unwrap(), 0);
}

/// A prune forgets as many as it may, and no more.
pub async fn used_proofs_are_pruned_so_many_at_a_time(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    for email in ["ada@example.com", "bob@example.com", "eve@example.com"] {
        ports.entries.sign_up(with(proof(&ports), sign_up(&ports, &list, email))).await.unwrap();
    }
    for pruned in [2, 1, 0] {
        assert_eq!(ports.proofs.prune(later(&ports, 601), 2).await.unwrap(), pruned);
    }
}

/// Entries, requests that wait and repeated requests count, each once, if they are of the list and after the instant.
pub async fn sign_ups_of_a_moment_are_counted(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = confirming_list(&ports, json!({"proof_of_work": "auto"})).await;
    let elsewhere = active_list_in(&ports, list.workspace_id, "elsewhere", json!({"proof_of_work": "auto"})).await;
    let now = ports.clock.now();
    let before = now.plus(-Duration::SECOND);
    let taken = async |since| {
        let (here, there) = (ports.proofs.taken_since(list.id, since, 100).await, there.proofs.taken_since(list.id, since, 100).await);
        assert_eq!(here.as_ref().unwrap(), there.as_ref().unwrap());
        here.unwrap()
    };
    assert_eq!(taken(before).await, 0);
    join(&ports, &elsewhere, "ada@example.com").await;
    ports.confirmations.request_mail(request(&ports, &elsewhere, "bob@example.com")).await.unwrap();
    ports.confirmations.request_mail(request(&ports, &elsewhere, "bob@example.com")).await.unwrap();
    assert_eq!(taken(before).await, 0);
    join(&ports, &list, "ada@example.com").await;
    assert_eq!(taken(before).await, 1);
    for number in [2, 3, 4] {
        ports.confirmations.request_mail(request(&ports, &list, "bob@example.com")).await.unwrap();
        assert_eq!(taken(before).await, number);
    }
    let bob = waiting(&ports, &list).await.remove(0);
    ports.entries.sign_up(confirmation(&ports, &bob)).await.unwrap();
    assert_eq!(taken(before).await, 4);
    let used = asking_with(&ports, &list, "bob@example.com", proof(&ports));
    ports.confirmations.request_mail(used).await.unwrap();
    assert_eq!(taken(before).await, 5);
    assert_eq!(taken(now).await, 0);
    for most in [0, 1, 2, 4] {
        assert_eq!(ports.proofs.taken_since(list.id, before, most).await.unwrap(), most);
    }
}

/// Whoever leaves at once, or refuses, does not make room for the next one: the sign-up counts for the period.
pub async fn sign_ups_that_left_are_counted(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = confirming_list(&ports, json!({"proof_of_work": "auto"})).await;
    let now = ports.clock.now();
    let before = now.plus(-Duration::SECOND);
    let taken = async || there.proofs.taken_since(list.id, before, 100).await.unwrap();
    let ada = join(&ports, &list, "ada@example.com").await;
    let bob = join(&ports, &list, "bob@example.com").await;
    ports.confirmations.request_mail(request(&ports, &list, "eve@example.com")).await.unwrap();
    let eve = waiting(&ports, &list).await.remove(0);
    assert_eq!(taken().await, 3);
    assert!(ports.entries.delete(delete_entry(&ports, list.id, ada.id)).await.unwrap());
    assert!(ports.entries.erase(erase_entry(&ports, list.id, bob.id)).await.unwrap());
    ports.confirmations.refuse(refusal(&ports, eve.id)).await.unwrap();
    assert_eq!(taken().await, 3);
    // One that is no longer counted leaves nothing.
    let late = join(&ports, &list, "late@example.com").await;
    let delete = DeleteEntry { now: late.created_at.plus(ProofOfWork::PERIOD), ..delete_entry(&ports, list.id, late.id) };
    assert!(ports.entries.delete(delete).await.unwrap());
    assert_eq!(taken().await, 3);
}
