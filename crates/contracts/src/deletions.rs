//! Cases of deleted objects before their purge: no reader sees them, and nothing changes them.

use rally_domain::command::{
    ChangeWaitlistStatusRejection, EntryRejection, InviteRejection, Review, SignUp, SignUpRejection, UpdateWaitlistRejection,
    VariantRejection, WebhookRejection,
};
use rally_domain::error::CommandError::Rejected;
use rally_domain::paging::Limit;
use rally_domain::waitlist::WaitlistStatus;
use serde_json::{Value, json};
use time::macros::date;

use crate::Fixture;
use crate::invitations::record;
use crate::purges::purge_all;
use crate::reviews::{exported, review};
use crate::samples::{
    active_list, delete_entry, delete_variant, delete_waitlist, delete_webhook, join, join_by, sign_up, status_change, told,
};
use crate::webhooks::{rotation, test, webhook};
use crate::{variants, waitlists, webhooks};

/// A deleted list and all that it owned cannot be changed, in any process.
pub async fn a_deleted_waitlist_takes_no_changes(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({"approval_required": false})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let control = ports.variants.list(list.id).await.unwrap().remove(0);
    assert!(ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, list.id)).await.unwrap());
    for ports in [&ports, &there] {
        let refused = ports.waitlists.update(waitlists::update(ports, &list)).await;
        assert!(matches!(refused, Err(Rejected(UpdateWaitlistRejection::NoSuchWaitlist))), "{refused:?}");
        let pause = status_change(ports, &list, WaitlistStatus::Paused);
        let refused = ports.waitlists.change_status(pause).await;
        assert!(matches!(refused, Err(Rejected(ChangeWaitlistStatusRejection::NoSuchWaitlist))), "{refused:?}");
        let refused = ports.variants.create(variants::create(ports, list.id, "de")).await;
        assert!(matches!(refused, Err(Rejected(VariantRejection::NoSuchWaitlist))), "{refused:?}");
        let refused = ports.variants.update(variants::update(&control)).await;
        assert!(matches!(refused, Err(Rejected(VariantRejection::NoSuchVariant))), "{refused:?}");
        assert!(!ports.variants.delete(delete_variant(ports, list.id, control.id)).await.unwrap());
        let refused = ports.entries.sign_up(sign_up(ports, &list, "bob@example.com")).await;
        assert!(matches!(refused, Err(Rejected(SignUpRejection::NoSuchWaitlist))), "{refused:?}");
        let refused = ports.entries.review(review(ports, &ada, Review::Reject)).await;
        assert!(matches!(refused, Err(Rejected(EntryRejection::NoSuchEntry))), "{refused:?}");
        let refused = ports.entries.record_invitation(record(ports, &ada, "app", "first")).await;
        assert!(matches!(refused, Err(Rejected(InviteRejection::NoSuchEntry))), "{refused:?}");
        assert!(!ports.entries.delete(delete_entry(ports, list.id, ada.id)).await.unwrap());
        assert!(!ports.waitlists.delete(delete_waitlist(ports, list.workspace_id, list.id)).await.unwrap());
    }
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
}

/// The settings and the secret of a deleted webhook cannot be changed, and it cannot be tested.
pub async fn a_deleted_webhook_takes_no_changes(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let hook = webhook(&ports, list.workspace_id).await;
    join(&ports, &list, "ada@example.com").await;
    assert!(ports.webhooks.delete(delete_webhook(&ports, hook.workspace_id, hook.id)).await.unwrap());
    for ports in [&ports, &there] {
        let refused = [
            ports.webhooks.update(webhooks::update(&hook)).await.map(drop),
            ports.webhooks.rotate(rotation(ports, &hook, 4), None).await.map(drop),
            test(ports, &hook).await.map(drop),
        ];
        for refused in refused {
            assert!(matches!(refused, Err(Rejected(WebhookRejection::NoSuchWebhook))), "{refused:?}");
        }
        assert!(!ports.webhooks.delete(delete_webhook(ports, hook.workspace_id, hook.id)).await.unwrap());
        assert_eq!(ports.webhooks.secrets().await.unwrap(), []);
    }
}

/// An export, a review, its event and an invitation do not name a deleted referrer, even before the purge.
pub async fn a_deleted_referrer_is_hidden_from_every_reader(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let bob = join_by(&ports, &list, &ada, "bob@example.com").await;
    assert!(ports.entries.delete(delete_entry(&ports, list.id, ada.id)).await.unwrap());
    assert_eq!(exported(&ports, list.id).await[0].referred_by, None);
    let reviewed = ports.entries.review(review(&ports, &bob, Review::Approve)).await.unwrap();
    let again = ports.entries.review(review(&ports, &bob, Review::Approve)).await.unwrap();
    let invited = ports.entries.record_invitation(record(&ports, &bob, "app", "first")).await.unwrap().entry;
    assert_eq!([reviewed.referred_by, again.referred_by, invited.referred_by], [None; 3]);
    let told = told(&ports, 10).await.pop().unwrap();
    let body: Value = serde_json::from_str(&told.body).unwrap();
    assert_eq!(body["data"]["entry"]["referred_by_entry_id"], Value::Null);
    assert!(!told.body.contains(&ada.id.to_string()), "{}", told.body);
    purge_all(&ports).await;
    assert_eq!(ports.entries.find(list.id, bob.id).await.unwrap(), Some(invited));
}

/// After the purge of a referrer the totals are right, even if the entries that it referred changed before the purge.
pub async fn totals_are_right_though_friends_change_before_the_purge(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let mut friends = Vec::new();
    for n in 0..4 {
        friends.push(join_by(&ports, &list, &ada, &format!("p{n}@example.com")).await);
    }
    assert!(ports.entries.delete(delete_entry(&ports, list.id, ada.id)).await.unwrap());
    ports.entries.review(review(&ports, &friends[0], Review::Approve)).await.unwrap();
    ports.entries.record_invitation(record(&ports, &friends[0], "app", "first")).await.unwrap();
    ports.entries.review(review(&ports, &friends[1], Review::Reject)).await.unwrap();
    assert!(ports.entries.delete(delete_entry(&ports, list.id, friends[2].id)).await.unwrap());
    let friend = SignUp { friends_code: Some(friends[3].referral_code.clone()), ..sign_up(&ports, &list, "eve@example.com") };
    ports.entries.sign_up(friend).await.unwrap();
    purge_all(&ports).await;
    let counters = ports.stats.analytics(list.id, date!(2026 - 01 - 31)).await.unwrap().counters;
    assert_eq!((counters.referred, ports.stats.rebuild().await.unwrap().corrected), (1, 0));
    assert_eq!(ports.stats.leaders(list.id, Limit::default()).await.unwrap().len(), 1);
}
