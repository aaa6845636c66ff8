//! Cases of [`EntryStore::record_invitation`](rally_domain::port::EntryStore::record_invitation).

use futures_util::future::join_all;
use rally_domain::command::{EntryRejection, InviteMail, InviteRejection, RecordInvitation, Review};
use rally_domain::entry::{Entry, Invitation};
use rally_domain::error::CommandError;
use rally_domain::invite::Invite;
use rally_domain::mail::Mail;
use rally_domain::port::Ports;
use rally_domain::waitlist::Waitlist;
use serde_json::{Value, json};
use time::Duration;

use crate::Fixture;
use crate::mails::talking_list;
use crate::reviews::review;
use crate::samples::{ACTOR, active_list, active_list_in, delete_entry, join, sign_up};

/// The command that records an invitation of an entry into an app.
pub fn record(ports: &Ports, entry: &Entry, app: &str, invite: &str) -> RecordInvitation {
    RecordInvitation {
        waitlist_id: entry.waitlist_id,
        entry_id: entry.id,
        app_slug: app.to_owned(),
        invite: Invite { id: invite.to_owned(), url: Some(format!("https://app.example/{invite}")) },
        mail: InviteMail::Send,
        actor: ACTOR,
        now: ports.clock.now().plus(Duration::hours(1)),
        links: ports.links.clone(),
    }
}

async fn approved(ports: &Ports, list: &Waitlist) -> Entry {
    let entry = ports.entries.sign_up(sign_up(ports, list, "ada@example.com")).await.unwrap();
    ports.entries.review(review(ports, &entry, Review::Approve)).await.unwrap()
}

async fn links(ports: &Ports) -> Vec<String> {
    let link = |mail: &Mail| serde_json::from_str::<Value>(&mail.data).unwrap()["invite_url"].as_str().map(str::to_owned);
    ports.mails.mails(100).await.unwrap().iter().filter_map(link).collect()
}

/// A record writes both the stamp and the mail with its link, or neither.
pub async fn an_invitation_is_recorded_with_its_mail(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    let ada = approved(&ports, &list).await;
    let command = record(&ports, &ada, "app", "first");
    let recorded = ports.entries.record_invitation(command.clone()).await.unwrap();
    let invitation = Some(Invitation { at: command.now, app_slug: "app".to_owned() });
    assert_eq!(recorded, Entry { invitation, updated_at: command.now, ..ada.clone() });
    assert_eq!(ports.entries.find(list.id, ada.id).await.unwrap(), Some(recorded.clone()));
    assert_eq!(links(&ports).await, ["https://app.example/first"]);
    let silent = RecordInvitation { mail: InviteMail::DoNotSend, ..record(&ports, &ada, "other", "second") };
    let elsewhere = ports.entries.record_invitation(silent).await.unwrap();
    assert_eq!(elsewhere.invitation.as_ref().unwrap().app_slug, "other");
    assert_eq!(ports.entries.find(list.id, ada.id).await.unwrap(), Some(elsewhere));
    assert_eq!(links(&ports).await.len(), 1);
}

/// A repeated record changes nothing, except that it writes the mail if no mail was requested before. Another invitation is another mail.
pub async fn one_invitation_is_one_mail_however_often_it_is_recorded(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    let ada = approved(&ports, &list).await;
    let silent = RecordInvitation { mail: InviteMail::DoNotSend, ..record(&ports, &ada, "app", "first") };
    let recorded = ports.entries.record_invitation(silent).await.unwrap();
    assert!(links(&ports).await.is_empty());
    for _ in 0..2 {
        let again = RecordInvitation { now: ports.clock.now().plus(Duration::hours(2)), ..record(&ports, &ada, "app", "first") };
        assert_eq!(ports.entries.record_invitation(again).await.unwrap(), recorded);
        assert_eq!(links(&ports).await, ["https://app.example/first"]);
    }
    ports.entries.record_invitation(record(&ports, &ada, "app", "second")).await.unwrap();
    assert_eq!(links(&ports).await.len(), 2);
}

/// An invitation is not recorded for an entry that is not approved, is deleted, or is on another list.
pub async fn an_entry_that_is_not_approved_is_not_recorded(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    let pending = ports.entries.sign_up(sign_up(&ports, &list, "bob@example.com")).await.unwrap();
    let refused = ports.entries.record_invitation(record(&ports, &pending, "app", "first")).await;
    assert!(matches!(refused, Err(CommandError::Rejected(InviteRejection::NotApproved))), "{refused:?}");
    assert_eq!(ports.entries.find(list.id, pending.id).await.unwrap(), Some(pending.clone()));
    let ada = approved(&ports, &list).await;
    let elsewhere = active_list_in(&ports, list.workspace_id, "elsewhere", json!({})).await;
    let refused =
        ports.entries.record_invitation(RecordInvitation { waitlist_id: elsewhere.id, ..record(&ports, &ada, "app", "first") }).await;
    assert!(matches!(refused, Err(CommandError::Rejected(InviteRejection::NoSuchEntry))), "{refused:?}");
    assert_eq!(ports.entries.find(list.id, ada.id).await.unwrap(), Some(ada));
    assert!(ports.entries.delete(delete_entry(&ports, list.id, pending.id)).await.unwrap());
    let refused = ports.entries.record_invitation(record(&ports, &pending, "app", "first")).await;
    assert!(matches!(refused, Err(CommandError::Rejected(InviteRejection::NoSuchEntry))), "{refused:?}");
    assert!(links(&ports).await.is_empty());
}

/// Two processes that record the same invitation at once write one mail.
pub async fn parallel_records_write_one_mail(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = talking_list(&ports, json!({})).await;
    let ada = approved(&ports, &list).await;
    let tasks = (0..16).map(|n| {
        let (ports, command) = (if n % 2 == 0 { ports.clone() } else { there.clone() }, record(&ports, &ada, "app", "first"));
        tokio::spawn(async move { ports.entries.record_invitation(command).await })
    });
    for outcome in join_all(tasks).await {
        assert!(outcome.expect("no panic").unwrap().invitation.is_some());
    }
    assert_eq!(links(&ports).await.len(), 1);
}

/// A person who was invited can no longer be rejected.
pub async fn an_invited_person_cannot_be_rejected(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = approved(&ports, &list).await;
    let invited = ports.entries.record_invitation(record(&ports, &ada, "app", "first")).await.unwrap();
    let refused = ports.entries.review(review(&ports, &ada, Review::Reject)).await;
    assert!(matches!(refused, Err(CommandError::Rejected(EntryRejection::AlreadyInvited))), "{refused:?}");
    assert_eq!(ports.entries.find(list.id, ada.id).await.unwrap(), Some(invited));
}

/// Of a rejection and an invitation at once the later one is refused, so nobody is both invited and rejected.
pub async fn a_rejection_and_an_invitation_at_once_exclude_each_other(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({"approval_required": false})).await;
    for n in 0..8 {
        let entry = join(&ports, &list, &format!("p{n}@example.com")).await;
        let (recorded, rejected) = tokio::join!(
            ports.entries.record_invitation(record(&ports, &entry, "app", "first")),
            there.entries.review(review(&there, &entry, Review::Reject))
        );
        assert!(recorded.is_ok() != rejected.is_ok(), "{recorded:?} {rejected:?}");
        let found = ports.entries.find(list.id, entry.id).await.unwrap();
        assert_eq!(found, recorded.ok().or_else(|| rejected.ok()));
    }
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
}
