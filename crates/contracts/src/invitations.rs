//! Cases of [`EntryStore::record_invitation`](rally_domain::port::EntryStore::record_invitation).

use futures_util::future::join_all;
use rally_domain::command::{EntryRejection, InviteMail, InviteRejection, Invited, RecordInvitation, Review, UpdateWaitlist};
use rally_domain::entry::{Entry, Invitation};
use rally_domain::error::CommandError;
use rally_domain::id::EventId;
use rally_domain::invite::{Invite, InvitedBy};
use rally_domain::mail::Mail;
use rally_domain::port::Ports;
use rally_domain::waitlist::Waitlist;
use serde_json::{Value, json};
use time::Duration;

use crate::Fixture;
use crate::mails::talking_list;
use crate::reviews::review;
use crate::samples::{ACTOR, active_list, active_list_in, delete_entry, join, sign_up};
use crate::waitlists::update;

/// The command that records an invitation of an entry into an app.
pub fn record(ports: &Ports, entry: &Entry, app: &str, invite: &str) -> RecordInvitation {
    RecordInvitation {
        waitlist_id: entry.waitlist_id,
        entry_id: entry.id,
        by: InvitedBy::App {
            slug: app.to_owned(),
            invite: Invite { id: invite.to_owned(), url: Some(format!("https://app.example/{invite}")) },
        },
        mail: InviteMail::Send,
        actor: ACTOR,
        event_id: EventId::new(ports.ids.uuid()),
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
    let Invited { entry: recorded, invite } = ports.entries.record_invitation(command.clone()).await.unwrap();
    assert_eq!(InvitedBy::App { slug: "app".to_owned(), invite }, command.by);
    let invitation = Some(Invitation { at: command.now, app_slug: Some("app".to_owned()) });
    assert_eq!(recorded, Entry { invitation, updated_at: command.now, ..ada.clone() });
    assert_eq!(ports.entries.find(list.id, ada.id).await.unwrap(), Some(recorded.clone()));
    assert_eq!(links(&ports).await, ["https://app.example/first"]);
    let silent = RecordInvitation { mail: InviteMail::DoNotSend, ..record(&ports, &ada, "other", "second") };
    let elsewhere = ports.entries.record_invitation(silent).await.unwrap().entry;
    assert_eq!(elsewhere.invitation.as_ref().unwrap().app_slug.as_deref(), Some("other"));
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

/// The command that records an invitation of an entry by the link of its list.
pub fn record_link(ports: &Ports, entry: &Entry) -> RecordInvitation {
    RecordInvitation { by: InvitedBy::Link, ..record(ports, entry, "", "") }
}

/// An invitation by the link of a list is written as one without an app. Every record of it, in any process and at once, gives the same
/// invitation, the same stamp and one mail. Another entry has another code.
pub async fn a_list_with_a_link_invites_by_it(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = talking_list(&ports, json!({"invite_url": "https://app.example/join?e={email}&c={code}", "approval_required": false})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let command = record_link(&ports, &ada);
    let tasks = (0..8).map(|n| {
        let (ports, command) = (if n % 2 == 0 { ports.clone() } else { there.clone() }, command.clone());
        tokio::spawn(async move { ports.entries.record_invitation(command).await })
    });
    let later = RecordInvitation { now: command.now.plus(Duration::hours(1)), ..command.clone() };
    let mut recorded: Vec<Invited> = join_all(tasks).await.into_iter().map(|outcome| outcome.expect("no panic").unwrap()).collect();
    recorded.push(there.entries.record_invitation(later).await.unwrap());
    let invitation = Some(Invitation { at: command.now, app_slug: None });
    let entry = Entry { invitation, updated_at: command.now, ..ada.clone() };
    let code = recorded[0].invite.id.clone();
    let url = format!("https://app.example/join?e=ada%40example.com&c={code}");
    let expected = Invited { entry: entry.clone(), invite: Invite { id: code.clone(), url: Some(url.clone()) } };
    assert_eq!(recorded, vec![expected; 9]);
    for ports in [&ports, &there] {
        assert_eq!(ports.entries.find(list.id, ada.id).await.unwrap().as_ref(), Some(&entry));
    }
    assert_eq!(links(&ports).await, [url]);
    let bob = join(&ports, &list, "bob@example.com").await;
    assert_ne!(ports.entries.record_invitation(record_link(&ports, &bob)).await.unwrap().invite.id, code);
    // An app and the link take turns.
    let app = ports.entries.record_invitation(record(&ports, &ada, "app", "first")).await.unwrap();
    assert_eq!(app.entry.invitation.unwrap().app_slug.as_deref(), Some("app"));
    let again = ports.entries.record_invitation(record_link(&ports, &ada)).await.unwrap();
    assert_eq!((again.entry.invitation.unwrap().app_slug, again.invite.id), (None, code));
}

/// A list without a link invites nobody by it. Setting or clearing the link in another process counts at once.
pub async fn an_invitation_goes_by_the_link_of_the_moment(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = talking_list(&ports, json!({"approval_required": false})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    for link in [Value::Null, json!("https://a.example/{email}"), json!("https://b.example/{email}"), Value::Null] {
        let settings = json!({"invite_url": link}).as_object().cloned();
        there.waitlists.update(UpdateWaitlist { settings, ..update(&there, &list) }).await.unwrap();
        let recorded = ports.entries.record_invitation(record_link(&ports, &ada)).await;
        match link.as_str() {
            Some(link) => assert_eq!(recorded.unwrap().invite.url, Some(link.replace("{email}", "ada%40example.com"))),
            None => assert!(matches!(recorded, Err(CommandError::Rejected(InviteRejection::NoLinkedApp))), "{recorded:?}"),
        }
    }
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
        assert!(outcome.expect("no panic").unwrap().entry.invitation.is_some());
    }
    assert_eq!(links(&ports).await.len(), 1);
}

/// A person who was invited can no longer be rejected.
pub async fn an_invited_person_cannot_be_rejected(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = approved(&ports, &list).await;
    let invited = ports.entries.record_invitation(record(&ports, &ada, "app", "first")).await.unwrap().entry;
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
        assert_eq!(found, recorded.ok().map(|invited| invited.entry).or_else(|| rejected.ok()));
    }
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
}
