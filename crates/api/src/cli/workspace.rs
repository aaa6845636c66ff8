//! `rally workspace`: manages workspaces. Only the command line creates and deletes them.

use clap::Subcommand;
use rally_domain::actor::Actor;
use rally_domain::command::{CreateWorkspace, DeleteWorkspace, RenameWorkspace};
use rally_domain::id::WorkspaceId;
use rally_domain::port::Ports;
use rally_domain::slug::Slug;
use rally_domain::text::WorkspaceName;
use rally_domain::workspace::Workspace;
use serde_json::{Value, json};

use super::failure::{Failure, refused};
use super::open;
use super::output::print_json;
use crate::boot::config::Config;

#[derive(Subcommand)]
pub(super) enum WorkspaceCommand {
    /// Create a workspace
    Create {
        /// Name of the workspace in URLs
        slug: String,
        /// Display name [default: the slug]
        #[arg(long)]
        name: Option<String>,
    },
    /// List all workspaces
    List,
    /// Change the slug of a workspace. Public URLs with the old slug work until another workspace takes it
    Rename {
        /// The current slug
        old: String,
        /// The new slug
        new: String,
    },
    /// Delete a workspace and everything in it
    Delete {
        /// Slug of the workspace
        slug: String,
        /// Confirm the deletion
        #[arg(long)]
        yes: bool,
    },
}

impl WorkspaceCommand {
    /// Whether the command creates a workspace, and a store for it.
    pub(super) const fn creates(&self) -> bool {
        matches!(self, Self::Create { .. })
    }
}

pub(super) async fn run(config: &Config, command: WorkspaceCommand) -> Result<(), Failure> {
    let ports = open(config, config.migrate.by_command()).await?.ports;
    let (actor, now) = (Actor::CommandLine, ports.clock.now());
    match command {
        WorkspaceCommand::Create { slug, name } => {
            let name = WorkspaceName::parse(name.as_deref().unwrap_or(&slug));
            let command = CreateWorkspace {
                id: WorkspaceId::new(ports.ids.uuid()),
                slug: parse_slug(&slug)?,
                name: name.map_err(|error| Failure::Refused(format!("the name {error}")))?,
                actor,
                now,
            };
            print_json(&view(&ports.workspaces.create(command).await.map_err(refused)?))
        }
        WorkspaceCommand::List => {
            let workspaces = ports.workspaces.list().await?;
            print_json(&Value::Array(workspaces.iter().map(view).collect()))
        }
        WorkspaceCommand::Rename { old, new } => {
            let command = RenameWorkspace { from: parse_slug(&old)?, to: parse_slug(&new)?, actor, now };
            print_json(&view(&ports.workspaces.rename(command).await.map_err(refused)?))
        }
        WorkspaceCommand::Delete { slug, yes } => {
            let found = find_workspace(&ports, &slug).await?;
            if !yes {
                return Err(Failure::Refused(format!("add --yes to delete the workspace {slug} and everything in it")));
            }
            ports.workspaces.delete(DeleteWorkspace { slug: found.slug.clone(), actor, now }).await?;
            print_json(&json!({ "deleted": view(&found) }))
        }
    }
}

/// Parses a slug from the command line.
pub(super) fn parse_slug(text: &str) -> Result<Slug, Failure> {
    Slug::parse(text).map_err(|error| Failure::Refused(format!("the slug {text:?} {error}")))
}

/// Finds the workspace with a slug.
pub(super) async fn find_workspace(ports: &Ports, slug: &str) -> Result<Workspace, Failure> {
    let found = ports.workspaces.find_by_slug(&parse_slug(slug)?).await?;
    found.ok_or_else(|| Failure::Refused(format!("there is no workspace {slug}")))
}

fn view(workspace: &Workspace) -> Value {
    json!({
        "id": workspace.id.to_string(),
        "slug": workspace.slug.as_str(),
        "previous_slug": workspace.previous_slug.as_ref().map(Slug::as_str),
        "name": workspace.name.as_str(),
        "created_at": workspace.created_at,
        "updated_at": workspace.updated_at,
    })
}
