//! Cases of [`VariantStore`](rally_domain::port::VariantStore).

use rally_domain::command::{CreateVariant, SignUp, UpdateVariant, VariantRejection};
use rally_domain::error::CommandError;
use rally_domain::id::{VariantId, WaitlistId};
use rally_domain::locale::Locale;
use rally_domain::port::Ports;
use rally_domain::variant::{Variant, VariantCopy, VariantKind, Weight};
use serde_json::json;
use time::Duration;
use time::macros::date;

use crate::Fixture;
use crate::samples::{ACTOR, active_list, active_list_in, delete_variant, later, sign_up};

pub(crate) fn create(ports: &Ports, waitlist_id: WaitlistId, locale: &str) -> CreateVariant {
    let copy = json!({"display_name": "Früher Zugang", "theme": {"dark": [true, 1]}});
    CreateVariant {
        id: VariantId::new(ports.ids.uuid()),
        waitlist_id,
        kind: VariantKind::Locale,
        locale: Locale::parse(locale).unwrap(),
        copy: VariantCopy::parse(copy.as_object().cloned().unwrap()).unwrap(),
        weight: Weight::new(7).unwrap(),
        active: true,
        actor: ACTOR,
        now: ports.clock.now().plus(Duration::seconds(1)),
    }
}

pub(crate) fn update(variant: &Variant) -> UpdateVariant {
    let (id, waitlist_id, now) = (variant.id, variant.waitlist_id, variant.created_at);
    UpdateVariant { id, waitlist_id, locale: None, copy: None, weight: None, active: None, actor: ACTOR, now }
}

/// A variant reads back after the control variant, in the order of creation, active or not.
pub async fn a_variant_reads_back_as_it_was_written(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let made = ports.variants.create(create(&ports, list.id, "de-CH")).await.unwrap();
    let next = ports.variants.create(CreateVariant { active: false, ..create(&ports, list.id, "fr") }).await.unwrap();
    assert_eq!((made.active, next.active), (true, false));
    let listed = fixture.reopen().await.variants.list(list.id).await.unwrap();
    assert_eq!(listed[1..], [made, next]);
    let nowhere = ports.variants.create(create(&ports, WaitlistId::new(ports.ids.uuid()), "fr")).await;
    assert!(matches!(nowhere, Err(CommandError::Rejected(VariantRejection::NoSuchWaitlist))), "{nowhere:?}");
}

/// Variants are ordered by the time of their creation, whatever their ids.
pub async fn variants_are_in_the_order_of_their_creation(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let mut made = Vec::new();
    for seconds in [9, 5, 7] {
        let command = CreateVariant { now: later(&ports, seconds), ..create(&ports, list.id, "de") };
        made.push(ports.variants.create(command).await.unwrap());
    }
    made.sort_by_key(|variant| variant.created_at);
    assert_eq!(ports.variants.list(list.id).await.unwrap()[1..], made);
}

/// An update changes only the fields that it has. Two updates of different fields at once are both kept.
pub async fn an_update_of_a_variant_changes_what_is_given(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let made = ports.variants.create(create(&ports, list.id, "de")).await.unwrap();
    let weight = UpdateVariant { weight: Some(Weight::new(9).unwrap()), ..update(&made) };
    let active = UpdateVariant { active: Some(false), ..update(&made) };
    let copy = UpdateVariant { copy: Some(VariantCopy::default()), ..update(&made) };
    let locale = UpdateVariant { locale: Some(Locale::parse("fr").unwrap()), ..update(&made) };
    let all = tokio::join!(
        ports.variants.update(weight),
        there.variants.update(active),
        ports.variants.update(copy),
        there.variants.update(locale)
    );
    assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok() && all.3.is_ok(), "{all:?}");
    let expected = Variant {
        weight: Weight::new(9).unwrap(),
        active: false,
        copy: VariantCopy::default(),
        locale: Locale::parse("fr").unwrap(),
        ..made.clone()
    };
    assert_eq!(ports.variants.list(list.id).await.unwrap()[1], expected);
    let elsewhere = active_list_in(&ports, list.workspace_id, "elsewhere", json!({})).await;
    let foreign = ports.variants.update(UpdateVariant { waitlist_id: elsewhere.id, ..update(&made) }).await;
    assert!(matches!(foreign, Err(CommandError::Rejected(VariantRejection::NoSuchVariant))), "{foreign:?}");
}

/// The sign-ups that a deleted variant won are still counted for it, and it wins no more.
pub async fn a_deleted_variant_keeps_its_sign_ups(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let elsewhere = active_list_in(&ports, list.workspace_id, "elsewhere", json!({})).await;
    let made = ports.variants.create(create(&ports, list.id, "de")).await.unwrap();
    let idle = ports.variants.create(create(&ports, list.id, "fr")).await.unwrap();
    let shown = |address: &str| SignUp { variant_id: Some(made.id), ..sign_up(&ports, &list, address) };
    let won = ports.entries.sign_up(shown("ada@example.com")).await.unwrap();
    assert!(!ports.variants.delete(delete_variant(&ports, elsewhere.id, made.id)).await.unwrap());
    assert!(ports.variants.delete(delete_variant(&ports, list.id, made.id)).await.unwrap());
    assert!(!ports.variants.delete(delete_variant(&ports, list.id, made.id)).await.unwrap());
    assert!(ports.variants.delete(delete_variant(&ports, list.id, idle.id)).await.unwrap());
    assert_eq!(ports.variants.list(list.id).await.unwrap().len(), 1);
    let gone = ports.variants.update(update(&made)).await;
    assert!(matches!(gone, Err(CommandError::Rejected(VariantRejection::NoSuchVariant))), "{gone:?}");
    let public = ports.waitlists.find_public(&crate::samples::slug("acme"), &crate::samples::slug("list")).await.unwrap().unwrap();
    assert_eq!(public.variants.len(), 1);

    assert_eq!(ports.entries.find(list.id, won.id).await.unwrap().unwrap().variant_id, Some(made.id));
    assert_eq!(ports.entries.sign_up(shown("bob@example.com")).await.unwrap().variant_id, None);
    let analytics = ports.stats.analytics(list.id, date!(2026 - 01 - 31)).await.unwrap();
    let rows: Vec<_> = analytics.by_variant.iter().map(|row| (row.variant.as_ref().map(|v| v.id), row.signups)).collect();
    let control = public.variants[0].id;
    assert_eq!(rows, [(Some(control), 0), (Some(made.id), 1), (None, 1)]);
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
}
