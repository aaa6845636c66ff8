//! Cases of [`WorkspaceStore`](rally_domain::ports::WorkspaceStore).

use rally_domain::command::{RenameWorkspace, WorkspaceRejection};
use rally_domain::error::CommandError;
use rally_domain::ports::Ports;
use rally_domain::workspace::Workspace;
use serde_json::json;

use crate::Fixture;
use crate::given::{active_list_in, create_workspace, sign_up, slug, workspace};
use crate::purges::purge_all;

async fn rename(ports: &Ports, from: &str, to: &str) -> Result<Workspace, CommandError<WorkspaceRejection>> {
    ports.workspaces.rename(RenameWorkspace { from: slug(from), to: slug(to), now: ports.clock.now() }).await
}

/// Two cannot have one slug, and a free one reads back.
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

/// Every slug a workspace had leads to it.
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

/// A slug that was given up is free, and its new owner gets the readers.
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

/// Nothing of it can be found any more.
pub async fn a_deleted_workspace_takes_everything_with_it(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await;
    let list = active_list_in(&ports, acme.id, "list", json!({})).await;
    let entry = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    assert!(ports.workspaces.delete(&slug("acme")).await.unwrap());
    assert!(!ports.workspaces.delete(&slug("acme")).await.unwrap());
    assert_eq!(ports.workspaces.find(acme.id).await.unwrap(), None);
    assert_eq!(ports.waitlists.find(acme.id, list.id).await.unwrap(), None);
    assert_eq!(ports.entries.find(list.id, entry.id).await.unwrap(), None);
    purge_all(&ports).await;
    assert_eq!(ports.deliveries.events(10).await.unwrap(), []);
}
