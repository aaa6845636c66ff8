//! Cases of [`WaitlistStore::find_public`](rally_domain::port::WaitlistStore::find_public).

use rally_domain::command::{CreateVariant, UpdateVariant};
use rally_domain::port::Ports;
use rally_domain::waitlist::WaitlistStatus;
use rally_domain::workspace::{Brand, SettingsChange};
use serde_json::json;

use crate::samples::{active_list, change_status, create_waitlist, delete_waitlist, later, set, slug, workspace};
use crate::{Fixture, soon, variants};

/// A draft and inactive variants are found. The store does not decide who may see them.
pub async fn drafts_and_inactive_variants_are_found(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let workspace_id = workspace(&ports, "acme").await.id;
    let draft = ports.waitlists.create(create_waitlist(&ports, workspace_id, "list"), None).await.unwrap();
    let control = ports.variants.list(draft.id).await.unwrap().remove(0);
    ports.variants.update(UpdateVariant { active: Some(false), ..variants::update(&control) }).await.unwrap();
    let found = ports.waitlists.find_public(&slug("acme"), &slug("list")).await.unwrap().unwrap();
    assert_eq!((&found.waitlist, found.variants.len(), found.variants[0].active), (&draft, 1, false));
}

/// A list is found by its slugs in any status. The store does not decide who may see it.
pub async fn what_is_public_is_found_by_slugs(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    for status in [WaitlistStatus::Paused, WaitlistStatus::Closed, WaitlistStatus::Active] {
        let list = change_status(&ports, &list, status).await;
        let found = ports.waitlists.find_public(&slug("acme"), &slug("list")).await.unwrap().unwrap();
        assert_eq!(found.variants, ports.variants.list(list.id).await.unwrap());
        assert_eq!((found.waitlist.clone(), found.workspace_slug.clone(), found.brand.clone()), (list, slug("acme"), Brand::default()));
    }
    assert_eq!(ports.waitlists.find_public(&slug("acme"), &slug("other")).await.unwrap(), None);
    assert_eq!(ports.waitlists.find_public(&slug("other"), &slug("list")).await.unwrap(), None);
}

/// The variants of a list are returned whole, in the order of their creation.
pub async fn what_is_public_has_its_variants_whole(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    for (seconds, locale) in [(9, "de"), (5, "fr")] {
        let command = CreateVariant { now: later(&ports, seconds), ..variants::create(&ports, list.id, locale) };
        ports.variants.create(command).await.unwrap();
    }
    let listed = ports.variants.list(list.id).await.unwrap();
    assert_eq!(listed.iter().map(|variant| variant.locale.as_str()).collect::<Vec<_>>(), ["en", "fr", "de"]);
    assert_eq!(ports.waitlists.find_public(&slug("acme"), &slug("list")).await.unwrap().unwrap().variants, listed);
}

/// A change of something public shows at once in its own process, and within a second in another one.
pub async fn a_public_change_shows_elsewhere_within_a_second(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let public = async |ports: &Ports| {
        let found = ports.waitlists.find_public(&slug("acme"), &slug("list")).await.unwrap();
        found.map(|found| (found.waitlist.status, found.variants.len(), found.brand.name.clone()))
    };
    let mut expected = (WaitlistStatus::Active, 1, None);
    assert_eq!((public(&ports).await, public(&there).await), (Some(expected.clone()), Some(expected.clone())));
    for change in 0..3 {
        match change {
            0 => expected.0 = change_status(&ports, &list, WaitlistStatus::Paused).await.status,
            1 => {
                ports.variants.create(variants::create(&ports, list.id, "de")).await.unwrap();
                expected.1 = 2;
            }
            _ => {
                let change = SettingsChange { brand_name: Some(Some("Acme".to_owned())), ..SettingsChange::default() };
                expected.2 = set(&ports, list.workspace_id, change).await.brand.name;
            }
        }
        assert_eq!(public(&ports).await.as_ref(), Some(&expected));
        soon("a public change", async || public(&there).await.as_ref() == Some(&expected)).await;
    }
    assert!(ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, list.id)).await.unwrap());
    assert_eq!(public(&ports).await, None);
    soon("a deletion", async || public(&there).await.is_none()).await;
}
