//! Cases of [`WorkspaceStore`](rally_domain::port::WorkspaceStore).

use futures_util::future::join_all;
use rally_domain::command::{CreateWorkspace, RenameWorkspace, WorkspaceRejection};
use rally_domain::error::CommandError;
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::text::WorkspaceName;
use rally_domain::workspace::{Workspace, WorkspaceSettings};
use serde_json::json;

use crate::Fixture;
use crate::access::{api_key, receipt, scope};
use crate::purges::purge_all;
use crate::samples::{
    ACTOR, active_list_in, create_api_key, create_waitlist, create_workspace, delete_workspace, later, notifications, set, sign_up, slug,
    told, workspace,
};
use crate::webhooks::webhook;

async fn rename(ports: &Ports, from: &str, to: &str) -> Result<Workspace, CommandError<WorkspaceRejection>> {
    ports.workspaces.rename(RenameWorkspace { from: slug(from), to: slug(to), actor: ACTOR, now: ports.clock.now() }).await
}

/// Two workspaces cannot have one slug. A workspace with a free slug reads back.
pub async fn a_slug_belongs_to_one_workspace(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await;
    let again = ports.workspaces.create(create_workspace(&ports, "acme")).await;
    assert!(matches!(again, Err(CommandError::Rejected(WorkspaceRejection::SlugTaken))), "{again:?}");
    workspace(&ports, "beta").await;
    assert!(matches!(rename(&ports, "beta", "acme").await, Err(CommandError::Rejected(WorkspaceRejection::SlugTaken))));
    assert!(matches!(rename(&ports, "gone", "other").await, Err(CommandError::Rejected(WorkspaceRejection::NoSuchWorkspace))));

    assert_eq!(ports.workspaces.find(acme.id).await.unwrap(), Some(acme.clone()));
    assert_eq!(ports.workspaces.find_by_slug(&acme.slug).await.unwrap(), Some(acme));
    let slugs: Vec<String> = ports.workspaces.list().await.unwrap().into_iter().map(|w| w.slug.to_string()).collect();
    assert_eq!(slugs, ["acme", "beta"]);
}

/// Every field of a workspace reads back, in another process too. A rename changes only the slugs and the time of the last change.
pub async fn a_workspace_reads_back_as_it_was_written(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let name = WorkspaceName::parse("Acme Ünlimited").unwrap();
    let command = CreateWorkspace { name, ..create_workspace(&ports, "acme") };
    let made = ports.workspaces.create(command.clone()).await.unwrap();
    assert_eq!((made.id, &made.name, made.created_at, &made.previous_slug), (command.id, &command.name, command.now, &None));
    for ports in [&ports, &there] {
        assert_eq!(ports.workspaces.find_by_slug(&made.slug).await.unwrap().as_ref(), Some(&made));
        assert_eq!(ports.workspaces.list().await.unwrap(), std::slice::from_ref(&made));
    }
    let now = later(&ports, 5);
    let renamed = ports.workspaces.rename(RenameWorkspace { from: slug("acme"), to: slug("two"), actor: ACTOR, now }).await.unwrap();
    assert_eq!(renamed, Workspace { slug: slug("two"), previous_slug: Some(slug("acme")), updated_at: now, ..made });
    for ports in [&ports, &there] {
        assert_eq!(ports.workspaces.find(renamed.id).await.unwrap().as_ref(), Some(&renamed));
    }
}

/// Of many workspaces that are created with one slug, or renamed to it, one gets it.
pub async fn a_slug_belongs_to_one_workspace_under_concurrency(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    for n in 0..8 {
        workspace(&ports, &format!("other-{n}")).await;
    }
    let tasks = (0..16).map(|n| {
        let ports = if n % 4 < 2 { ports.clone() } else { there.clone() };
        tokio::spawn(async move {
            match n % 2 {
                0 => ports.workspaces.create(create_workspace(&ports, "acme")).await,
                _ => rename(&ports, &format!("other-{}", n / 2), "acme").await,
            }
        })
    });
    let outcomes: Vec<_> = join_all(tasks).await.into_iter().map(|outcome| outcome.expect("no panic")).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert!(matches!(refused, CommandError::Rejected(WorkspaceRejection::SlugTaken)), "{refused:?}");
    }
    let all = ports.workspaces.list().await.unwrap();
    assert_eq!(all.iter().filter(|workspace| workspace.slug == slug("acme")).count(), 1);
}

/// An old slug of a workspace cannot be used to rename or delete it.
pub async fn an_old_slug_neither_renames_nor_deletes(fixture: &impl Fixture) {
    let ports = fixture.ports();
    workspace(&ports, "acme").await;
    let renamed = rename(&ports, "acme", "two").await.unwrap();
    let refused = rename(&ports, "acme", "three").await;
    assert!(matches!(refused, Err(CommandError::Rejected(WorkspaceRejection::NoSuchWorkspace))), "{refused:?}");
    assert!(!ports.workspaces.delete(delete_workspace(&ports, "acme")).await.unwrap());
    assert_eq!(ports.workspaces.find(renamed.id).await.unwrap(), Some(renamed));
}

/// Every slug that a workspace had resolves to it.
pub async fn a_renamed_workspace_goes_on_resolving_under_its_old_slugs(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await;
    active_list_in(&ports, acme.id, "list", json!({})).await;
    rename(&ports, "acme", "acme-two").await.unwrap();
    let renamed = rename(&ports, "acme-two", "acme-three").await.unwrap();
    assert_eq!(renamed.previous_slug, Some(slug("acme-two")));
    for old_or_new in ["acme", "acme-two", "acme-three"] {
        let found = ports.waitlists.find_public(&slug(old_or_new), &slug("list")).await.unwrap().expect(old_or_new);
        assert_eq!((found.waitlist.workspace_id, found.workspace_slug.clone()), (acme.id, slug("acme-three")));
    }
    assert_eq!(ports.workspaces.find_by_slug(&slug("acme")).await.unwrap(), None);
    // Back to a slug of its own.
    let back = rename(&ports, "acme-three", "acme").await.unwrap();
    assert_eq!((back.slug, back.previous_slug), (slug("acme"), Some(slug("acme-three"))));
    assert_eq!(rename(&ports, "acme", "acme").await.unwrap().previous_slug, Some(slug("acme-three")));
}

/// Another workspace can take an old slug, which then resolves to it.
pub async fn an_old_slug_can_be_taken_by_another_workspace(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let first = workspace(&ports, "acme").await;
    active_list_in(&ports, first.id, "list", json!({})).await;
    rename(&ports, "acme", "first").await.unwrap();
    let second = workspace(&ports, "acme").await;
    assert_eq!(ports.waitlists.find_public(&slug("acme"), &slug("list")).await.unwrap(), None);
    active_list_in(&ports, second.id, "list", json!({})).await;
    let found = ports.waitlists.find_public(&slug("acme"), &slug("list")).await.unwrap().expect("the new owner's");
    assert_eq!(found.waitlist.workspace_id, second.id);
    let found = ports.waitlists.find_public(&slug("first"), &slug("list")).await.unwrap().expect("the first one's");
    assert_eq!(found.waitlist.workspace_id, first.id);
}

/// Workspaces are listed by slug, whichever was created first.
pub async fn workspaces_are_listed_by_slug(fixture: &impl Fixture) {
    let ports = fixture.ports();
    for text in ["beta", "alpha", "gamma"] {
        workspace(&ports, text).await;
    }
    let slugs: Vec<String> = ports.workspaces.list().await.unwrap().into_iter().map(|w| w.slug.to_string()).collect();
    assert_eq!(slugs, ["alpha", "beta", "gamma"]);
}

/// Every workspace is listed, however many there are.
pub async fn every_workspace_is_listed(fixture: &impl Fixture) {
    let ports = fixture.ports();
    for n in 0..120 {
        workspace(&ports, &format!("w{n}")).await;
    }
    assert_eq!(ports.workspaces.list().await.unwrap().len(), 120);
}

/// Slugs are in the order of their bytes, in whatever language the store sorts: a hyphen before every letter and digit.
pub async fn slugs_are_ordered_by_their_bytes(fixture: &impl Fixture) {
    let ports = fixture.ports();
    for text in ["acme", "ac-z", "acme-b", "ac1"] {
        workspace(&ports, text).await;
    }
    let slugs: Vec<String> = ports.workspaces.list().await.unwrap().into_iter().map(|w| w.slug.to_string()).collect();
    assert_eq!(slugs, ["ac-z", "ac1", "acme", "acme-b"]);
}

/// A rename can take an old slug of another workspace. A slug resolves to the last workspace that had it.
pub async fn a_rename_takes_an_old_slug_over(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let (first, second) = (workspace(&ports, "acme").await, workspace(&ports, "beta").await);
    for owner in [&first, &second] {
        active_list_in(&ports, owner.id, "list", json!({})).await;
    }
    rename(&ports, "acme", "first").await.unwrap();
    let renamed = rename(&ports, "beta", "acme").await.unwrap();
    assert_eq!((renamed.id, renamed.previous_slug), (second.id, Some(slug("beta"))));
    let found = async |text: &str| ports.waitlists.find_public(&slug(text), &slug("list")).await.unwrap().map(|l| l.waitlist.workspace_id);
    assert_eq!((found("acme").await, found("beta").await, found("first").await), (Some(second.id), Some(second.id), Some(first.id)));
    // After the second workspace gives it up, it still resolves to the second.
    rename(&ports, "acme", "second").await.unwrap();
    assert_eq!(found("acme").await, Some(second.id));
    assert!(ports.workspaces.delete(delete_workspace(&ports, "second")).await.unwrap());
    assert_eq!(found("acme").await, None);
    // A slug does not return to a workspace that had it before either.
    rename(&ports, "first", "other").await.unwrap();
    workspace(&ports, "first").await;
    assert!(ports.workspaces.delete(delete_workspace(&ports, "first")).await.unwrap());
    assert_eq!((found("first").await, found("other").await), (None, Some(first.id)));
}

/// Nothing of a deleted workspace is found, and a new workspace with its slug has nothing of it.
pub async fn a_deleted_workspace_takes_everything_with_it(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await;
    let beta = workspace(&ports, "beta").await;
    for id in [acme.id, beta.id] {
        set(&ports, id, notifications()).await;
        ports.api_keys.insert(create_api_key(api_key(&ports, id, "rally_live_a"))).await.unwrap();
        webhook(&ports, id).await;
        let receipt = receipt(scope(id, "key"), ports.clock.now());
        ports.waitlists.create(create_waitlist(&ports, id, "with-a-receipt"), Some(receipt)).await.unwrap();
    }
    let list = active_list_in(&ports, acme.id, "list", json!({})).await;
    let entry = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    assert!(ports.workspaces.delete(delete_workspace(&ports, "acme")).await.unwrap());
    assert!(!ports.workspaces.delete(delete_workspace(&ports, "acme")).await.unwrap());
    assert_eq!(ports.workspaces.find(acme.id).await.unwrap(), None);
    assert_eq!(ports.waitlists.find(acme.id, list.id).await.unwrap(), None);
    assert_eq!(ports.entries.find(list.id, entry.id).await.unwrap(), None);
    for (id, kept) in [(acme.id, 0), (beta.id, 1)] {
        assert_eq!(ports.webhooks.list(id).await.unwrap().len(), kept);
        assert_eq!(ports.api_keys.list(id).await.unwrap().len(), kept);
        assert_eq!(ports.waitlists.list(id, None, None, Limit::default()).await.unwrap().items.len(), kept);
        assert_eq!(ports.replies.find(&scope(id, "key"), ports.clock.now()).await.unwrap().iter().count(), kept);
        assert_eq!(usize::from(ports.settings.get(id).await.unwrap() != WorkspaceSettings::unset(id)), kept);
    }
    assert_eq!(ports.api_keys.find_by_prefix("rally_live_a").await.unwrap().len(), 1);
    assert_eq!(ports.webhooks.secrets().await.unwrap().len(), 1);
    purge_all(&ports).await;
    assert_eq!(told(&ports, 10).await, []);
    let again = active_list_in(&ports, workspace(&ports, "acme").await.id, "list", json!({})).await;
    assert_eq!(ports.settings.get(again.workspace_id).await.unwrap(), WorkspaceSettings::unset(again.workspace_id));
    assert_eq!(ports.entries.sign_up(sign_up(&ports, &again, "ada@example.com")).await.unwrap().position.number(), 1);
}
