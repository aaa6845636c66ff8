//! Cases of lists that take each mailbox once.

use rally_domain::command::SignUpRejection;
use rally_domain::error::CommandError;
use rally_domain::mail::MailKind;
use rally_domain::port::Ports;
use rally_domain::suppression::SuppressionReason;
use rally_domain::waitlist::Waitlist;
use serde_json::json;

use crate::Fixture;
use crate::confirmations::{confirmation, confirming_list, request, waiting};
use crate::samples::{active_list, join, later, sign_up, suppress};
use crate::waitlists::update;

async fn is_taken(ports: &Ports, list: &Waitlist, address: &str) -> bool {
    match ports.entries.sign_up(sign_up(ports, list, address)).await {
        Ok(_) => false,
        Err(CommandError::Rejected(SignUpRejection::EmailTaken)) => true,
        Err(error) => panic!("{address}: {error}"),
    }
}

async fn take_mailboxes_once(ports: &Ports, list: &Waitlist) {
    let settings = json!({"one_per_mailbox": true}).as_object().cloned();
    ports.waitlists.update(rally_domain::command::UpdateWaitlist { settings, ..update(ports, list) }).await.unwrap();
}

/// Another address of a mailbox that is on the list is refused, in every process, also if the entry is older than the setting.
pub async fn a_mailbox_joins_once(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    for address in ["ada@example.com", "b.ob+x@gmail.com", "+tag@example.com", "eve@googlemail.com", "c.d@gmail.com"] {
        join(&ports, &list, address).await;
    }
    assert!(!is_taken(&there, &list, "ada+first@example.com").await);
    take_mailboxes_once(&ports, &list).await;
    for taken in [
        "ada+second@example.com",
        "ada@example.com",
        "bob@gmail.com",
        "bo.b+y@googlemail.com",
        "bob@googlemail.com",
        "e.ve@gmail.com",
        "cd@gmail.com",
    ] {
        assert!(is_taken(&there, &list, taken).await, "{taken}");
    }
    for free in ["a.da@example.com", "ada@example.org", "+other@example.com", "bob@mail.example.com"] {
        assert!(!is_taken(&there, &list, free).await, "{free}");
        assert!(is_taken(&ports, &list, free).await, "{free}");
    }
}

/// Another address of a mailbox that waits is refused. The request itself is confirmed.
pub async fn a_mailbox_that_waits_joins_by_its_confirmation_alone(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = confirming_list(&ports, json!({})).await;
    ports.confirmations.request_mail(request(&ports, &list, "ada+a@example.com")).await.unwrap();
    take_mailboxes_once(&ports, &list).await;
    assert!(is_taken(&there, &list, "ada+b@example.com").await);
    let waits = waiting(&ports, &list).await.remove(0);
    ports.entries.sign_up(confirmation(&ports, &waits)).await.unwrap();
    assert!(is_taken(&there, &list, "ada+b@example.com").await);
}

/// A request for another address of a mailbox is one for the first address: of the request that waits, and of the entry later.
pub async fn a_mailbox_waits_once_and_its_first_address_gets_the_mail(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = confirming_list(&ports, json!({})).await;
    join(&ports, &list, "bob+old@gmail.com").await;
    ports.confirmations.request_mail(request(&ports, &list, "ada+a@example.com")).await.unwrap();
    take_mailboxes_once(&ports, &list).await;
    let mut again = request(&there, &list, "ada+b@example.com");
    again.now = later(&ports, 3600);
    there.confirmations.request_mail(again).await.unwrap();
    let addresses: Vec<String> = waiting(&ports, &list).await.iter().map(|waits| waits.profile.email.to_string()).collect();
    assert_eq!(addresses, ["ada+a@example.com"]);
    there.confirmations.request_mail(request(&there, &list, "b.o.b@googlemail.com")).await.unwrap();
    let mails = ports.mails.mails(1000).await.unwrap();
    let links: Vec<String> = mails.iter().filter(|mail| mail.kind == MailKind::Link).map(|mail| mail.to.to_string()).collect();
    assert_eq!(links, ["bob+old@gmail.com"]);
    let confirms: Vec<String> = mails.iter().filter(|mail| mail.kind == MailKind::Confirm).map(|mail| mail.to.to_string()).collect();
    assert_eq!(confirms, ["ada+a@example.com", "ada+a@example.com"]);
}

/// What one address of a mailbox has refused is sent to another one. A suppressed address gets nothing, whichever was typed.
pub async fn a_suppression_is_of_one_address_of_a_mailbox(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({"one_per_mailbox": true})).await;
    join(&ports, &list, "eve+a@example.com").await;
    for address in ["ada@example.com", "bob+a@example.com", "eve@example.com"] {
        ports.suppressions.suppress(suppress(&ports, list.workspace_id, address, SuppressionReason::Manual)).await.unwrap();
    }
    for address in ["ada+a@example.com", "bob+a@example.com", "bob@example.com", "eve@example.com"] {
        ports.confirmations.request_mail(request(&ports, &list, address)).await.unwrap();
    }
    let sent = waiting(&ports, &list).await.into_iter().map(|waits| (waits.profile.email.to_string(), waits.mails_sent));
    let mut sent: Vec<(String, u32)> = sent.collect();
    sent.sort();
    assert_eq!(sent, [("ada+a@example.com".to_owned(), 1), ("bob+a@example.com".to_owned(), 0)]);
    let mails = ports.mails.mails(1000).await.unwrap();
    let to: Vec<&str> = mails.iter().filter(|mail| mail.kind != MailKind::Welcome).map(|mail| mail.to.as_str()).collect();
    assert!(to.len() == 2 && to.contains(&"ada+a@example.com") && to.contains(&"eve+a@example.com"), "{to:?}");
}
