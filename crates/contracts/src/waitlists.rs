//! Cases of [`WaitlistStore`](rally_domain::port::WaitlistStore).

use std::collections::HashSet;

use futures_util::future::join_all;
use rally_domain::command::{
    ChangeWaitlistStatus, ChangeWaitlistStatusRejection, CreateWaitlist, CreateWaitlistRejection, UpdateWaitlist, UpdateWaitlistRejection,
};
use rally_domain::error::CommandError;
use rally_domain::id::{WaitlistId, WorkspaceId};
use rally_domain::paging::{Limit, WaitlistKey};
use rally_domain::port::Ports;
use rally_domain::settings::Settings;
use rally_domain::text::{Description, DisplayName};
use rally_domain::variant::VariantKind;
use rally_domain::waitlist::{Waitlist, WaitlistStatus};
use serde_json::{Map, Value, json};
use time::Duration;

use crate::Fixture;
use crate::purges::purge_all;
use crate::samples::{
    ACTOR, active_list, active_list_in, change_status, create_waitlist, delete_waitlist, later, sign_up, status_change, told, workspace,
};

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

pub(crate) fn update(ports: &Ports, waitlist: &Waitlist) -> UpdateWaitlist {
    UpdateWaitlist {
        id: waitlist.id,
        workspace_id: waitlist.workspace_id,
        display_name: None,
        description: None,
        settings: None,
        actor: ACTOR,
        now: ports.clock.now(),
    }
}

/// A new waitlist reads back whole, as a draft, with its control variant.
pub async fn a_new_waitlist_is_a_draft_with_a_control_variant(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let workspace = workspace(&ports, "acme").await;
    let settings = Settings::default().merge(&object(json!({"max_entries": 7, "theme": {"a": [1, "ü"]}}))).unwrap();
    let description = Some(Description::parse("two\nlines").unwrap());
    let command = CreateWaitlist { settings, description, ..create_waitlist(&ports, workspace.id, "list") };
    let created = ports.waitlists.create(command.clone(), None).await.unwrap();
    assert_eq!(created.status, WaitlistStatus::Draft);
    assert_eq!(ports.waitlists.find(workspace.id, created.id).await.unwrap(), Some(created.clone()));
    let variants = ports.variants.list(created.id).await.unwrap();
    assert_eq!(variants.len(), 1);
    let control = &variants[0];
    assert_eq!((control.id, control.kind, control.locale.as_str()), (command.control_variant_id, VariantKind::Ab, "en"));
    assert!(control.active && control.copy.to_document().is_empty() && control.weight.number() == 1);
}

/// A waitlist is not created in a workspace that does not exist.
pub async fn a_waitlist_needs_its_workspace(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let nowhere = WorkspaceId::new(ports.ids.uuid());
    let refused = ports.waitlists.create(create_waitlist(&ports, nowhere, "list"), None).await;
    assert!(matches!(refused, Err(CommandError::Rejected(CreateWaitlistRejection::NoSuchWorkspace))), "{refused:?}");
}

/// Of many lists with one slug at once exactly one is created. Another workspace may have the slug too.
pub async fn a_slug_is_unique_in_its_workspace_under_concurrency(fixture: &impl Fixture) {
    let (ports, others) = (fixture.ports(), fixture.reopen().await);
    let workspace_id = workspace(&ports, "acme").await.id;
    let outcomes = join_all((0..16).map(|n| {
        let ports = if n % 2 == 0 { ports.clone() } else { others.clone() };
        async move { ports.waitlists.create(create_waitlist(&ports, workspace_id, "list"), None).await }
    }))
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for outcome in outcomes.into_iter().filter_map(Result::err) {
        assert!(matches!(outcome, CommandError::Rejected(CreateWaitlistRejection::SlugTaken)), "{outcome:?}");
    }
    let page = ports.waitlists.list(workspace_id, None, None, Limit::default()).await.unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(ports.variants.list(page.items[0].id).await.unwrap().len(), 1);
    let beta = workspace(&ports, "beta").await;
    assert!(ports.waitlists.create(create_waitlist(&ports, beta.id, "list"), None).await.is_ok());
}

/// An update changes only the fields that it has. A refused update changes nothing.
pub async fn an_update_changes_what_is_given(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"max_entries": 7})).await;
    let updated = ports
        .waitlists
        .update(UpdateWaitlist {
            display_name: Some(DisplayName::parse("New").unwrap()),
            description: Some(Some(Description::parse("Words").unwrap())),
            settings: Some(object(json!({"referral_boost": 5}))),
            ..update(&ports, &list)
        })
        .await
        .unwrap();
    assert_eq!(updated.settings.max_entries, Some(7));
    assert_eq!(updated.settings.referral_boost.places(), 5);
    let cleared = ports.waitlists.update(UpdateWaitlist { description: Some(None), ..update(&ports, &list) }).await.unwrap();
    assert_eq!((cleared.display_name.as_str(), &cleared.description), ("New", &None));
    assert_eq!(ports.waitlists.find(list.workspace_id, list.id).await.unwrap(), Some(cleared.clone()));

    let bad = UpdateWaitlist { settings: Some(object(json!({"max_entries": 0}))), ..update(&ports, &list) };
    assert!(matches!(ports.waitlists.update(bad).await, Err(CommandError::Rejected(UpdateWaitlistRejection::Settings(_)))));
    let gone = UpdateWaitlist { id: WaitlistId::new(ports.ids.uuid()), ..update(&ports, &list) };
    assert!(matches!(ports.waitlists.update(gone).await, Err(CommandError::Rejected(UpdateWaitlistRejection::NoSuchWaitlist))));
    assert_eq!(ports.waitlists.find(list.workspace_id, list.id).await.unwrap(), Some(cleared));
}

/// An update and a change of the status write their time, and keep the other fields.
pub async fn a_change_of_a_waitlist_is_written_with_its_time(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({"max_entries": 7, "theme": {"dark": true}})).await;
    let description = Some(Description::parse("two\nlines").unwrap());
    let command = UpdateWaitlist { description: Some(description.clone()), now: later(&ports, 1), ..update(&ports, &list) };
    let updated = ports.waitlists.update(command).await.unwrap();
    assert_eq!(updated, Waitlist { description, updated_at: later(&ports, 1), ..list.clone() });
    assert_eq!(there.waitlists.find(list.workspace_id, list.id).await.unwrap().as_ref(), Some(&updated));
    let to = WaitlistStatus::Paused;
    let command = ChangeWaitlistStatus { now: later(&ports, 2), ..status_change(&ports, &list, to) };
    let paused = ports.waitlists.change_status(command).await.unwrap();
    assert_eq!(paused, Waitlist { status: to, updated_at: later(&ports, 2), ..updated });
    assert_eq!(there.waitlists.find(list.workspace_id, list.id).await.unwrap(), Some(paused));
}

/// A null clears the setting of that key.
pub async fn a_setting_of_a_waitlist_is_cleared_by_null(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"max_entries": 7, "theme": "dark", "kept": 1})).await;
    let settings = Some(object(json!({"max_entries": null, "theme": null})));
    let cleared = ports.waitlists.update(UpdateWaitlist { settings, ..update(&ports, &list) }).await.unwrap();
    assert_eq!((cleared.settings.max_entries, cleared.settings.extra.len()), (None, 1));
    assert_eq!(ports.waitlists.find(list.workspace_id, list.id).await.unwrap(), Some(cleared));
}

/// A change of the status and an update at once are both kept.
pub async fn a_status_and_an_update_at_once_are_both_kept(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    for (n, to) in [WaitlistStatus::Paused, WaitlistStatus::Active].into_iter().cycle().take(8).enumerate() {
        let settings = Some(object(json!({format!("key{n}"): n})));
        let status = status_change(&ports, &list, to);
        let update = UpdateWaitlist { settings, ..update(&ports, &list) };
        let (moved, updated) = tokio::join!(ports.waitlists.change_status(status), there.waitlists.update(update));
        assert!(moved.is_ok() && updated.is_ok(), "{moved:?} {updated:?}");
        let found = ports.waitlists.find(list.workspace_id, list.id).await.unwrap().unwrap();
        assert_eq!((found.status, found.settings.extra.len()), (to, n + 1));
    }
}

/// Sixteen updates at once, each of another setting, are all kept.
pub async fn concurrent_updates_lose_no_settings(fixture: &impl Fixture) {
    let (ports, others) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let outcomes = join_all((0..16).map(|n| {
        let ports = if n % 2 == 0 { ports.clone() } else { others.clone() };
        let command = UpdateWaitlist { settings: Some(object(json!({format!("key{n}"): n}))), ..update(&ports, &list) };
        async move { ports.waitlists.update(command).await }
    }))
    .await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let stored = ports.waitlists.find(list.workspace_id, list.id).await.unwrap().unwrap();
    assert_eq!(stored.settings.extra.len(), 16);
}

/// A change of the status that is not in the table is refused. A change to the current status changes nothing.
pub async fn a_status_changes_by_the_table(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let to = |to| status_change(&ports, &list, to);
    assert_eq!(ports.waitlists.change_status(to(WaitlistStatus::Active)).await.unwrap(), list);
    let refused = ports.waitlists.change_status(to(WaitlistStatus::Draft)).await;
    assert!(matches!(refused, Err(CommandError::Rejected(ChangeWaitlistStatusRejection::InvalidTransition { .. }))), "{refused:?}");
    let paused = change_status(&ports, &list, WaitlistStatus::Paused).await;
    assert_eq!(ports.waitlists.find(list.workspace_id, list.id).await.unwrap(), Some(paused));
}

/// A waitlist of another workspace cannot be read, changed or deleted.
pub async fn a_workspace_sees_its_own_waitlists_alone(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let other = workspace(&ports, "other").await.id;
    assert_eq!(ports.waitlists.find(other, list.id).await.unwrap(), None);
    assert!(ports.waitlists.list(other, None, None, Limit::default()).await.unwrap().items.is_empty());
    let foreign = UpdateWaitlist { workspace_id: other, ..update(&ports, &list) };
    assert!(matches!(ports.waitlists.update(foreign).await, Err(CommandError::Rejected(UpdateWaitlistRejection::NoSuchWaitlist))));
    let foreign = ChangeWaitlistStatus { workspace_id: other, ..status_change(&ports, &list, WaitlistStatus::Paused) };
    let refused = ports.waitlists.change_status(foreign).await;
    assert!(matches!(refused, Err(CommandError::Rejected(ChangeWaitlistStatusRejection::NoSuchWaitlist))), "{refused:?}");
    assert!(!ports.waitlists.delete(delete_waitlist(&ports, other, list.id)).await.unwrap());
    assert_eq!(ports.waitlists.find(list.workspace_id, list.id).await.unwrap(), Some(list));
}

async fn all_pages(ports: &Ports, workspace_id: WorkspaceId, status: Option<WaitlistStatus>, rows: u64) -> Vec<WaitlistId> {
    let limit = Limit::new(rows, Limit::MAX).unwrap();
    let mut after = None;
    let mut ids = Vec::new();
    loop {
        let page = ports.waitlists.list(workspace_id, status, after, limit).await.unwrap();
        ids.extend(page.items.iter().map(|list| list.id));
        match page.next {
            Some(key) => after = Some(key),
            None => return ids,
        }
    }
}

/// Pages are newest first, rows of one millisecond included, and have the lists of one status or of all.
pub async fn pages_go_newest_first_and_filter_by_status(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let workspace_id = workspace(&ports, "acme").await.id;
    let mut made = Vec::new();
    for n in 0..7 {
        let command = create_waitlist(&ports, workspace_id, &format!("list-{n}"));
        let draft = ports.waitlists.create(command, None).await.unwrap();
        if n % 3 == 0 {
            change_status(&ports, &draft, WaitlistStatus::Active).await;
        }
        made.push(draft.id);
    }
    made.reverse();
    for rows in [1, 2, 3, 7, 100] {
        assert_eq!(all_pages(&ports, workspace_id, None, rows).await, made, "pages of {rows}");
    }
    let active = all_pages(&ports, workspace_id, Some(WaitlistStatus::Active), 2).await;
    assert_eq!(active, [made[0], made[3], made[6]]);
    assert!(all_pages(&ports, workspace_id, Some(WaitlistStatus::Closed), 2).await.is_empty());
}

/// Lists of each status are found by it, and all lists without a status.
pub async fn lists_of_each_status_are_found(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let workspace_id = workspace(&ports, "acme").await.id;
    let mut made = Vec::new();
    for text in ["draft", "active", "paused", "closed"] {
        let draft = ports.waitlists.create(create_waitlist(&ports, workspace_id, text), None).await.unwrap();
        made.push(match text {
            "draft" => draft,
            "active" => change_status(&ports, &draft, WaitlistStatus::Active).await,
            "paused" => {
                change_status(&ports, &draft, WaitlistStatus::Active).await;
                change_status(&ports, &draft, WaitlistStatus::Paused).await
            }
            _ => change_status(&ports, &draft, WaitlistStatus::Closed).await,
        });
    }
    made.reverse();
    let found = async |status| ports.waitlists.list(workspace_id, status, None, Limit::default()).await.unwrap().items;
    assert_eq!(found(None).await, made);
    for list in &made {
        assert_eq!(found(Some(list.status)).await, std::slice::from_ref(list));
    }
}

/// A page that ends with the last row names no next one.
pub async fn a_full_last_page_of_lists_has_no_next(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let next = async |rows, status| {
        let limit = Limit::new(rows, Limit::MAX).unwrap();
        ports.waitlists.list(list.workspace_id, status, None, limit).await.unwrap().next
    };
    assert_eq!((next(1, None).await, next(1, Some(WaitlistStatus::Active)).await), (None, None));
    active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    assert_eq!((next(1, None).await.is_some(), next(2, None).await), (true, None));
}

/// Lists are ordered by the time of their creation, whatever their ids. Those of one time are ordered by their ids.
pub async fn lists_are_in_the_order_of_their_creation(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let workspace_id = workspace(&ports, "acme").await.id;
    let mut made = Vec::new();
    for (n, seconds) in [0, 2, 1, 2].into_iter().enumerate() {
        let now = ports.clock.now().plus(Duration::seconds(seconds));
        let command = CreateWaitlist { now, ..create_waitlist(&ports, workspace_id, &format!("list-{n}")) };
        made.push(ports.waitlists.create(command, None).await.unwrap().id);
    }
    let expected = [made[3], made[1], made[2], made[0]];
    for rows in [1, 2, 4] {
        assert_eq!(all_pages(&ports, workspace_id, None, rows).await, expected, "pages of {rows}");
    }
}

/// Pages neither repeat nor hide a row, even if the row that a key names is gone.
pub async fn pages_neither_repeat_nor_hide_when_rows_come_and_go(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let workspace_id = workspace(&ports, "acme").await.id;
    let mut made = Vec::new();
    for n in 0..6 {
        made.push(ports.waitlists.create(create_waitlist(&ports, workspace_id, &format!("list-{n}")), None).await.unwrap());
    }
    made.reverse();
    let limit = Limit::new(2, Limit::MAX).unwrap();
    let first = ports.waitlists.list(workspace_id, None, None, limit).await.unwrap();
    let key = first.next.unwrap();
    assert_eq!(key, WaitlistKey { created_at: made[1].created_at, id: made[1].id });
    ports.waitlists.create(create_waitlist(&ports, workspace_id, "newer"), None).await.unwrap();
    ports.waitlists.delete(delete_waitlist(&ports, workspace_id, made[1].id)).await.unwrap();
    ports.waitlists.delete(delete_waitlist(&ports, workspace_id, made[2].id)).await.unwrap();
    let second = ports.waitlists.list(workspace_id, None, Some(key), limit).await.unwrap();
    let ids: HashSet<WaitlistId> = second.items.iter().map(|list| list.id).collect();
    assert_eq!(ids, HashSet::from([made[3].id, made[4].id]));
}

/// The entries and events of a deleted waitlist are gone, and its neighbours stay.
pub async fn a_deleted_waitlist_takes_its_entries_and_events_with_it(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let neighbour = active_list_in(&ports, list.workspace_id, "neighbour", json!({})).await;
    let entry = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    let kept = ports.entries.sign_up(sign_up(&ports, &neighbour, "ada@example.com")).await.unwrap();
    assert!(ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, list.id)).await.unwrap());
    assert!(!ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, list.id)).await.unwrap());
    assert_eq!(ports.entries.find(list.id, entry.id).await.unwrap(), None);
    assert_eq!(ports.stats.count(list.id).await.unwrap(), 0);
    assert!(ports.variants.list(list.id).await.unwrap().is_empty());
    purge_all(&ports).await;
    let told: Vec<_> = told(&ports, 10).await.into_iter().map(|event| event.entry_id).collect();
    assert_eq!(told, [Some(kept.id)]);
    assert_eq!(ports.entries.find(neighbour.id, kept.id).await.unwrap(), Some(kept));
}

/// A process that has read a list before reads a change of another process at once.
pub async fn a_list_is_found_as_it_is_in_every_process(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    for to in [WaitlistStatus::Paused, WaitlistStatus::Active] {
        assert!(there.waitlists.find(list.workspace_id, list.id).await.unwrap().is_some());
        let changed = change_status(&ports, &list, to).await;
        assert_eq!(there.waitlists.find(list.workspace_id, list.id).await.unwrap(), Some(changed));
    }
    assert!(ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, list.id)).await.unwrap());
    assert_eq!(there.waitlists.find(list.workspace_id, list.id).await.unwrap(), None);
}
