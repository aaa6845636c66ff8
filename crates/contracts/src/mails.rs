//! Cases of [`MailQueue`](rally_domain::port::MailQueue).

use std::collections::HashSet;

use rally_domain::command::{RenameWorkspace, Review, SignUp};
use rally_domain::email::Email;
use rally_domain::entry::Entry;
use rally_domain::locale::Locale;
use rally_domain::mail::{MailKind, MailOutcome};
use rally_domain::port::Ports;
use rally_domain::waitlist::Waitlist;
use rally_domain::workspace::{Notifications, SettingsChange};
use serde_json::{Value, json};
use time::Duration;

use crate::Fixture;
use crate::mail_claims::{claim, settle, tried};
use crate::purges::purge_all;
use crate::reviews::review;
use crate::samples::{
    ACTOR, active_list, active_list_in, delete_entry, delete_waitlist, delete_workspace, email, later, notifications, set, sign_up, slug,
    workspace,
};

/// An active list whose workspace sends mail.
pub(crate) async fn talking_list(ports: &Ports, settings: Value) -> Waitlist {
    let list = active_list(ports, settings).await;
    set(ports, list.workspace_id, notifications()).await;
    list
}

pub(crate) async fn join(ports: &Ports, list: &Waitlist, address: &str) -> Entry {
    ports.entries.sign_up(sign_up(ports, list, address)).await.unwrap()
}

/// A sign-up and a review write no mail before notifications were first turned on, nor after they were turned off.
pub async fn no_mail_is_written_while_notifications_are_off(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    join(&ports, &list, "before@example.com").await;
    set(&ports, list.workspace_id, notifications()).await;
    set(&ports, list.workspace_id, SettingsChange { notifications: Some(Notifications::Off.into()), ..SettingsChange::default() }).await;
    let after = join(&ports, &list, "after@example.com").await;
    ports.entries.review(review(&ports, &after, Review::Approve)).await.unwrap();
    assert!(ports.mails.mails(10).await.unwrap().is_empty());
}

/// Each change writes one mail with the template of its kind, under the identity of its event. A change of nothing writes none. A person
/// who is approved at once gets only the welcome.
pub async fn a_mail_is_written_with_its_change(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({"referral_boost": 3})).await;
    let command = sign_up(&ports, &list, "ada@example.com");
    let ada = ports.entries.sign_up(command.clone()).await.unwrap();
    assert!(ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.is_err());
    let bob = SignUp { friends_code: Some(ada.referral_code.clone()), ..sign_up(&ports, &list, "bob@example.com") };
    let bob = ports.entries.sign_up(bob).await.unwrap();
    let approve = review(&ports, &bob, Review::Approve);
    ports.entries.review(approve.clone()).await.unwrap();
    ports.entries.review(approve.clone()).await.unwrap();
    ports.entries.review(review(&ports, &bob, Review::Reject)).await.unwrap();
    let open = active_list_in(&ports, list.workspace_id, "open", json!({"approval_required": false})).await;
    join(&ports, &open, "eve@example.com").await;

    let mails = ports.mails.mails(10).await.unwrap();
    let told: Vec<(&str, &str)> = mails.iter().map(|mail| (mail.via.template().unwrap(), mail.to.as_str())).collect();
    let mut expected = vec![
        ("welcome", "ada@example.com"),
        ("welcome", "bob@example.com"),
        ("welcome", "eve@example.com"),
        ("approved", "bob@example.com"),
        ("rejected", "bob@example.com"),
    ];
    assert_eq!(HashSet::<_>::from_iter(told.iter().copied()), HashSet::from_iter(expected.drain(..)));
    assert_eq!(told.len(), 5);
    let welcome = mails.iter().find(|mail| mail.to == ada.profile.email).unwrap();
    assert_eq!(
        (welcome.id.uuid(), welcome.recipient.entry_id(), welcome.created_at),
        (command.event_ids[0].uuid(), Some(ada.id), command.now)
    );
    assert_eq!(welcome.from, Some(email("hello@acme.example")));
    assert_eq!((welcome.kind, &welcome.locale), (MailKind::Welcome, &Locale::english()));
    let data: Value = serde_json::from_str(&welcome.data).unwrap();
    let code = ada.referral_code.as_str();
    let url = format!("http://127.0.0.1:8080/w/acme/list?ref={code}");
    let entry = json!({
        "id": ada.id.to_string(), "email": "ada@example.com", "name": "Somebody", "position": 1, "effective_position": 1,
        "referral_code": code, "referral_url": url, "status": "pending", "status_url": ports.links.status(ada.id, 0),
        "unsubscribe_url": ports.links.unsubscribe(ada.id), "locale": "en",
    });
    let brand = json!({"name": "Acme", "logo_url": null, "primary_color": null});
    assert_eq!(data, json!({"entry": entry, "waitlist": {"slug": "list", "display_name": "list"}, "brand": brand}));
    let approved = mails.iter().find(|mail| mail.kind == MailKind::Approved).unwrap();
    assert_eq!(approved.id.uuid(), approve.event_id.uuid());
}

/// A setting by another process counts for the next mail, even in a process that read the workspace before.
pub async fn what_another_process_has_set_counts_at_once(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let before = join(&there, &list, "before@example.com").await;
    set(&ports, list.workspace_id, notifications()).await;
    let after = join(&there, &list, "after@example.com").await;
    there.entries.review(review(&there, &before, Review::Approve)).await.unwrap();
    let told: HashSet<_> = ports.mails.mails(10).await.unwrap().into_iter().map(|mail| (mail.recipient.entry_id(), mail.kind)).collect();
    assert_eq!(told, HashSet::from([(Some(after.id), MailKind::Welcome), (Some(before.id), MailKind::Approved)]));
    set(&ports, list.workspace_id, SettingsChange { notifications: Some(Notifications::Off.into()), ..SettingsChange::default() }).await;
    join(&there, &list, "silent@example.com").await;
    assert_eq!(ports.mails.mails(10).await.unwrap().len(), 2);
}

/// A mail keeps the settings of the time when it was written. Later settings are for later mails.
pub async fn a_mail_says_what_was_set_when_it_was_written(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    join(&ports, &list, "ada@example.com").await;
    let before = ports.mails.mails(1).await.unwrap();
    let other = SettingsChange {
        default_sender_address: Some(Some(Email::parse("other@acme.example").unwrap())),
        welcome_template_name: Some(Some("other".to_owned())),
        brand_name: Some(None),
        ..SettingsChange::default()
    };
    set(&ports, list.workspace_id, other).await;
    let claimed = claim(&ports, ports.clock.now()).await;
    assert_eq!(claimed.iter().map(|claimed| &claimed.mail).collect::<Vec<_>>(), before.iter().collect::<Vec<_>>());
    // It stays the oldest one, whatever is written later.
    ports.entries.sign_up(SignUp { now: later(&ports, 5), ..sign_up(&ports, &list, "bob@example.com") }).await.unwrap();
    assert_eq!(ports.mails.mails(1).await.unwrap(), before);
}

/// The mail of a deleted entry or waitlist is gone. A process that was sending it has nothing to settle.
pub async fn mail_goes_with_what_it_belongs_to(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    let doomed = active_list_in(&ports, list.workspace_id, "doomed", json!({})).await;
    let (ada, bob) = (join(&ports, &list, "ada@example.com").await, join(&ports, &list, "bob@example.com").await);
    join(&ports, &doomed, "eve@example.com").await;
    let now = ports.clock.now();
    let claimed = claim(&ports, now).await;
    assert_eq!(claimed.len(), 3);
    assert!(ports.entries.delete(delete_entry(&ports, list.id, ada.id)).await.unwrap());
    assert!(ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, doomed.id)).await.unwrap());
    let keys = claimed.iter().map(|claimed| (claimed.claim, claimed.mail.id)).collect();
    let confirmed = ports.mails.confirm(keys).await.unwrap();
    assert_eq!(confirmed, claimed.iter().filter(|claimed| claimed.mail.recipient.entry_id() == Some(bob.id)).cloned().collect::<Vec<_>>());
    // Mail of a deleted waitlist is not sent, purged or not.
    assert_eq!(ports.mails.reap(now.plus(Duration::minutes(2)), 8).await.unwrap(), 2);
    let claimed = claim(&ports, now.plus(Duration::minutes(2))).await;
    assert_eq!(claimed.iter().map(|claimed| claimed.mail.recipient.entry_id()).collect::<Vec<_>>(), [Some(bob.id)]);
    purge_all(&ports).await;
    let left = ports.mails.mails(10).await.unwrap();
    assert_eq!(left.iter().map(|mail| mail.recipient.entry_id()).collect::<Vec<_>>(), [Some(bob.id)]);
    let attempts = claimed.iter().map(|claimed| tried(claimed, MailOutcome::Accepted, now)).collect();
    assert_eq!(settle(&ports, attempts).await, 1);
}

/// The settings of another workspace cause no mail.
pub async fn a_workspace_sends_mail_by_its_own_settings(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let silent = active_list(&ports, json!({})).await;
    let beta = workspace(&ports, "beta").await.id;
    let talking = active_list_in(&ports, beta, "list", json!({})).await;
    let from = Email::parse("hello@beta.example").unwrap();
    set(&ports, beta, SettingsChange { default_sender_address: Some(Some(from.clone())), ..notifications() }).await;
    join(&ports, &silent, "ada@example.com").await;
    let bob = join(&ports, &talking, "bob@example.com").await;
    let mails = ports.mails.mails(10).await.unwrap();
    assert_eq!(
        mails.iter().map(|mail| (mail.recipient.entry_id(), mail.workspace_id, &mail.from)).collect::<Vec<_>>(),
        [(Some(bob.id), beta, &Some(from))]
    );
    set(&ports, silent.workspace_id, notifications()).await;
    let eve = join(&ports, &silent, "eve@example.com").await;
    let of_eve = ports.mails.mails(10).await.unwrap().into_iter().find(|mail| mail.recipient.entry_id() == Some(eve.id)).unwrap();
    assert_eq!((of_eve.workspace_id, of_eve.from), (silent.workspace_id, Some(email("hello@acme.example"))));
}

/// A mail links to the current slug, even if another process renamed the workspace after this one had written mail.
pub async fn a_mail_links_to_the_slug_that_its_workspace_has(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = talking_list(&ports, json!({})).await;
    join(&ports, &list, "ada@example.com").await;
    let rename = RenameWorkspace { from: slug("acme"), to: slug("two"), actor: ACTOR, now: ports.clock.now() };
    there.workspaces.rename(rename).await.unwrap();
    let bob = join(&ports, &list, "bob@example.com").await;
    let mails = ports.mails.mails(10).await.unwrap();
    let told = mails.into_iter().find(|mail| mail.recipient.entry_id() == Some(bob.id)).unwrap();
    assert!(told.data.contains("/w/two/list"), "{}", told.data);
}

/// The mail of a deleted entry is deleted, sent or not. Mail to the same address from another list stays.
pub async fn mail_of_a_deleted_entry_goes_sent_or_not(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    let now = ports.clock.now();
    let ada = join(&ports, &list, "ada@example.com").await;
    let claimed = claim(&ports, now).await;
    settle(&ports, vec![tried(&claimed[0], MailOutcome::Accepted, now)]).await;
    ports.entries.review(review(&ports, &ada, Review::Approve)).await.unwrap();
    let kept = join(&ports, &other, "ada@example.com").await;
    assert_eq!(ports.mails.mails(10).await.unwrap().len(), 3);
    assert!(ports.entries.delete(delete_entry(&ports, list.id, ada.id)).await.unwrap());
    purge_all(&ports).await;
    let left = ports.mails.mails(10).await.unwrap();
    assert_eq!(left.iter().map(|mail| mail.recipient.entry_id()).collect::<Vec<_>>(), [Some(kept.id)]);
}

/// The mail of a deleted workspace is not claimed, and a claim on it is not confirmed, before the purge and after it.
pub async fn mail_of_a_deleted_workspace_is_not_sent(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    let now = ports.clock.now();
    join(&ports, &list, "ada@example.com").await;
    let claimed = claim(&ports, now).await;
    join(&ports, &list, "bob@example.com").await;
    assert!(ports.workspaces.delete(delete_workspace(&ports, "acme")).await.unwrap());
    let keys: Vec<_> = claimed.iter().map(|claimed| (claimed.claim, claimed.mail.id)).collect();
    assert_eq!((claim(&ports, now).await, ports.mails.confirm(keys.clone()).await.unwrap()), (Vec::new(), Vec::new()));
    purge_all(&ports).await;
    assert_eq!((claim(&ports, now).await, ports.mails.confirm(keys).await.unwrap()), (Vec::new(), Vec::new()));
    assert_eq!(ports.mails.mails(10).await.unwrap(), []);
}
