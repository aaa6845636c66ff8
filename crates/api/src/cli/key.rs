//! `rally key`: creates, lists and revokes API keys.

use clap::Subcommand;
use rally_domain::access::ApiKey;
use rally_domain::actor::Actor;
use rally_domain::command::{CreateApiKey, RevokeApiKey};
use rally_domain::id::ApiKeyId;
use rally_domain::text::KeyName;
use rally_domain::workspace::Workspace;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::failure::Failure;
use super::open;
use super::output::print_json;
use super::token::check_scope;
use super::workspace::find_workspace;
use crate::auth::issue_api_key;
use crate::boot::config::Config;

#[derive(Subcommand)]
pub(super) enum KeyCommand {
    /// Create an API key and print it. The key is not shown again
    Create {
        /// Slug of the workspace that the key belongs to
        #[arg(long, value_name = "SLUG")]
        workspace: String,
        /// Name of the key
        #[arg(long)]
        name: String,
        /// Allowed actions, separated by spaces, such as "waitlist.* entry.read". "*" allows all
        #[arg(long, default_value = "*")]
        scope: String,
    },
    /// List API keys, including revoked ones
    List {
        /// List only the keys of this workspace
        #[arg(long, value_name = "SLUG")]
        workspace: Option<String>,
    },
    /// Revoke an API key
    Revoke {
        /// Id of the key, as printed by create and list
        id: String,
    },
}

pub(super) async fn run(config: &Config, command: KeyCommand) -> Result<(), Failure> {
    let ports = open(config, config.migrate.by_command()).await?.ports;
    match command {
        KeyCommand::Create { workspace, name, scope } => {
            check_scope(&scope)?;
            let name = KeyName::parse(&name).map_err(|error| Failure::Refused(format!("the name {error}")))?;
            let workspace = find_workspace(&ports, &workspace).await?;
            let (stored, key) = issue_api_key(&*ports.clock, ApiKeyId::new(ports.ids.uuid()), workspace.id, name, &scope);
            ports.api_keys.insert(CreateApiKey { key: stored.clone(), actor: Actor::CommandLine }).await?;
            let mut shown = key_view(&stored, &workspace);
            shown["key"] = key.expose_secret().into();
            print_json(&shown)
        }
        KeyCommand::List { workspace } => {
            let workspaces = match workspace {
                Some(slug) => vec![find_workspace(&ports, &slug).await?],
                None => ports.workspaces.list().await?,
            };
            let mut rows = Vec::new();
            for workspace in &workspaces {
                rows.extend(ports.api_keys.list(workspace.id).await?.iter().map(|key| key_view(key, workspace)));
            }
            print_json(&Value::Array(rows))
        }
        KeyCommand::Revoke { id } => {
            let no_key = || Failure::Refused(format!("there is no key {id} that could be revoked"));
            let found = ApiKeyId::parse(&id).map_err(|_| no_key())?;
            let command = RevokeApiKey { id: found, actor: Actor::CommandLine, now: ports.clock.now() };
            let revoked = ports.api_keys.revoke(command).await?;
            if revoked { print_json(&json!({ "revoked": id })) } else { Err(no_key()) }
        }
    }
}

/// A key as it is printed after its creation: only its first characters are shown.
fn key_view(key: &ApiKey, workspace: &Workspace) -> Value {
    json!({
        "id": key.id.to_string(),
        "workspace": workspace.slug.as_str(),
        "workspace_id": key.workspace_id.to_string(),
        "name": key.name.as_str(),
        "scope": key.scope,
        "key": format!("{}…", key.prefix),
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    })
}
