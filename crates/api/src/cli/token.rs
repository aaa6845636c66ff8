//! `rally token`: creates admin tokens.

use clap::Subcommand;
use rally_domain::actor::Actor;
use rally_domain::command::MintToken;
use rally_domain::error::Fault;
use rally_domain::text::Subject;

use super::failure::Failure;
use super::output::print;
use super::workspace::find_workspace;
use super::{authenticator, open};
use crate::auth::Scope;
use crate::boot::config::Config;
use crate::boot::secrets::Secrets;
use crate::duration::parse_duration;

#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Sign an admin token and print it
    Mint {
        /// Slug of the workspace that the token is for
        #[arg(long, value_name = "SLUG")]
        workspace: String,
        /// Allowed actions, separated by spaces, such as "waitlist.* entry.read". "*" allows all
        #[arg(long, default_value = "*")]
        scope: String,
        /// How long the token is valid, such as 30d, 12h or 15m
        #[arg(long, default_value = "30d")]
        ttl: String,
        /// Subject of the token (its `sub`)
        #[arg(long, value_name = "WHO", default_value = "rally-cli")]
        subject: String,
    },
}

pub(super) async fn run(config: &Config, command: TokenCommand) -> Result<(), Failure> {
    let TokenCommand::Mint { workspace, scope, ttl, subject } = command;
    let refused = |message: String| Failure::Refused(message);
    let secrets = Secrets::load(config)?;
    check_scope(&scope)?;
    let ttl = parse_duration(&ttl).ok_or_else(|| {
        refused(format!("the ttl {ttl:?} must be a number of s, m, h or d, such as 12h: more than 0, and at most 100 years"))
    })?;
    let subject = Subject::parse(&subject).map_err(|error| refused(format!("the subject {error}")))?;
    let ports = open(config, config.migrate.by_command()).await?.ports;
    let found = find_workspace(&ports, &workspace).await?;
    let auth = authenticator(config, &secrets, &ports)?;
    let (now, actor) = (ports.clock.now(), Actor::CommandLine);
    let token = auth.mint(subject.as_str(), found.id, &scope, now.plus(ttl)).map_err(Fault::unexpected)?;
    let (workspace_id, subject) = (Some(found.id), Some(subject));
    ports.audit.note_token(MintToken { workspace_id, subject, scope, expires_at: now.plus(ttl), actor, now }).await?;
    print(&token)
}

/// Refuses a scope with a part that grants nothing, or without a part: it is a mistake.
pub(super) fn check_scope(scope: &str) -> Result<(), Failure> {
    if scope.trim().is_empty() {
        return Err(Failure::Refused("the scope is empty and grants nothing".to_owned()));
    }
    match Scope::parse(scope).unknown().next() {
        Some(unknown) => Err(Failure::Refused(format!("the scope {unknown:?} grants nothing"))),
        None => Ok(()),
    }
}
