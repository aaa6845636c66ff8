//! The command line. Results go to standard output, so that scripts can use them; everything else to standard error.

use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::{Parser, Subcommand};
use rally_domain::access::ApiKey;
use rally_domain::command::{CreateWorkspace, RenameWorkspace};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{ApiKeyId, WorkspaceId};
use rally_domain::port::{Ports, Rebuilt};
use rally_domain::slug::Slug;
use rally_domain::text::{KeyName, Subject, WorkspaceName};
use rally_domain::workspace::Workspace;
use rally_store_copy::{CopyError, Embedded, Postgres, Sum, Way};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use time::Duration;
use tokio::signal::unix::{SignalKind, signal};

use crate::auth::{Authenticator, Scope, issue_api_key};
use crate::boot::config::{Config, ConfigError, Migrate, Settings, StoreConfig};
use crate::boot::secrets::Secrets;
use crate::boot::store::{self, Opened};
use crate::boot::system::{SystemClock, SystemIds};
use crate::boot::{first_start, server, telemetry, upstreams};
use crate::chain::chain;
use crate::duration::parse_duration;
use crate::http::openapi;
use crate::{seed, webhook_secret};

/// A self-hosted waitlist service
#[derive(Parser)]
#[command(name = "rally", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Subcommand)]
enum Command {
    /// Run the API and the background workers (what happens without a command)
    Serve,
    /// Apply pending migrations
    Migrate {
        /// Undo the latest migration instead, to go back to the version before
        #[arg(long)]
        revert: bool,
    },
    /// Ask a running server whether it is ready, for health checks; fails where it is not
    Healthcheck,
    /// Copy the embedded store into one file, beside a running server
    Backup {
        /// The file, which must not exist
        file: PathBuf,
    },
    /// Manage workspaces
    Workspace {
        #[command(subcommand)]
        command: WorkspaceCommand,
    },
    /// Make admin tokens
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Manage API keys: admin tokens that do not end until they are revoked
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Look after what is encrypted at rest
    Secrets {
        #[command(subcommand)]
        command: SecretsCommand,
    },
    /// Check the totals that are kept of every waitlist
    Counters {
        #[command(subcommand)]
        command: CountersCommand,
    },
    /// Move everything from one kind of store to the other
    Store {
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// Make what measurements need
    Bench {
        #[command(subcommand)]
        command: BenchCommand,
    },
    /// Print the OpenAPI document
    Openapi,
}

#[derive(Subcommand)]
enum StoreCommand {
    /// Copy everything into an empty store of the other kind, and prove that it arrived; no server may run on either
    Copy {
        /// The store to read: a data directory, or the URL of a PostgreSQL database
        #[arg(long, value_name = "STORE")]
        from: String,
        /// The store to fill, of the other kind
        #[arg(long, value_name = "STORE")]
        to: String,
    },
}

#[derive(Subcommand)]
enum BenchCommand {
    /// Add people to a list through the store's own path, and make the list where it is not there
    Seed {
        /// How many
        #[arg(long)]
        entries: usize,
        /// The slug of the workspace
        #[arg(long, value_name = "SLUG", default_value = "bench")]
        workspace: String,
        /// The slug of the list
        #[arg(long, value_name = "SLUG", default_value = "bench")]
        list: String,
    },
}

#[derive(Subcommand)]
enum WorkspaceCommand {
    /// Create a workspace
    Create {
        /// Its name in URLs
        slug: String,
        /// What people call it [default: the slug]
        #[arg(long)]
        name: Option<String>,
    },
    /// List all workspaces
    List,
    /// Give a workspace another slug; the old one goes on resolving on the public surface
    Rename {
        /// The slug it has
        old: String,
        /// The slug it is to have
        new: String,
    },
    /// Delete a workspace and everything in it
    Delete {
        /// Its slug
        slug: String,
        /// Really
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Print a signed admin token
    Mint {
        /// The workspace it is for
        #[arg(long, value_name = "SLUG")]
        workspace: String,
        /// What it allows: actions and wildcards, with spaces between
        #[arg(long, default_value = "*")]
        scope: String,
        /// How long it is good for, such as 30d, 12h or 15m
        #[arg(long, default_value = "30d")]
        ttl: String,
        /// Who it is for
        #[arg(long, value_name = "WHO", default_value = "rally-cli")]
        subject: String,
    },
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Create a key; this is the only time it is shown
    Create {
        /// The workspace it is for
        #[arg(long, value_name = "SLUG")]
        workspace: String,
        /// What to call it
        #[arg(long)]
        name: String,
        /// What it allows: actions and wildcards, with spaces between
        #[arg(long, default_value = "*")]
        scope: String,
    },
    /// List keys, revoked ones too
    List {
        /// Of this workspace alone
        #[arg(long, value_name = "SLUG")]
        workspace: Option<String>,
    },
    /// Revoke a key
    Revoke {
        /// Its id, as create and list print it
        id: String,
    },
}

#[derive(Subcommand)]
enum SecretsCommand {
    /// Encrypt everything anew under RALLY_ENCRYPTION_KEY, what RALLY_PREVIOUS_ENCRYPTION_KEY sealed too
    Reencrypt,
}

#[derive(Subcommand)]
enum CountersCommand {
    /// Count the entries of every waitlist anew, and put right what is wrong
    Rebuild,
}

/// Why a command failed, in one line.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Refused(String),
    #[error("{}", chain(.0))]
    Fault(#[from] Fault),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Runs the command of this process's arguments.
#[expect(clippy::print_stderr, reason = "the one line that says why the command failed")]
pub async fn run() -> ExitCode {
    let Cli { command, settings } = Cli::parse();
    match dispatch(command.unwrap_or(Command::Serve), settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("rally: {}", failure.to_string().replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(command: Command, settings: Settings) -> Result<(), Failure> {
    if let Command::Openapi = command {
        return print(&openapi::document().to_pretty_json().map_err(Fault::unexpected)?);
    }
    let config = Config::try_from(settings)?;
    telemetry::start_logging(&config)?;
    match command {
        Command::Serve => serve(&config).await,
        Command::Migrate { revert: false } => migrate(&config).await,
        Command::Migrate { revert: true } => print_json(&json!({ "reverted": store::revert(&config).await? })),
        Command::Healthcheck => healthcheck(&config).await,
        Command::Backup { file } => {
            store::backup(&config, &file).await?;
            print_json(&json!({ "backup": file, "bytes": std::fs::metadata(&file)?.len() }))
        }
        Command::Workspace { command } => workspace(&config, command).await,
        Command::Token { command } => token(&config, command).await,
        Command::Key { command } => key(&config, command).await,
        Command::Secrets { command: SecretsCommand::Reencrypt } => reencrypt(&config).await,
        Command::Counters { command: CountersCommand::Rebuild } => rebuild_counters(&config).await,
        Command::Store { command: StoreCommand::Copy { from, to } } => store_copy(&config, &from, &to).await,
        Command::Bench { command } => bench(&config, command).await,
        Command::Openapi => Ok(()),
    }
}

async fn open(config: &Config, migrate: Migrate) -> Result<Opened, Failure> {
    Ok(store::open(config, migrate, Arc::new(SystemClock), Arc::new(SystemIds)).await?)
}

async fn serve(config: &Config) -> Result<(), Failure> {
    let secrets = Secrets::load(config)?;
    let _lock = store::lock(config)?;
    // Before anything can be asked to stop.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut ports = open(config, config.migrate).await?.ports;
    upstreams::attach(config, &mut ports)?;
    let mut running = server::start(config, &secrets, ports.clone())
        .map_err(|error| ConfigError::new("RALLY_BIND", format!("{}: {error}", config.bind)))?;
    let base = config.public_url.clone().unwrap_or_else(|| format!("http://{}", running.address));
    tracing::info!(address = %running.address, version = env!("CARGO_PKG_VERSION"), "listening");
    greet(config, &secrets, &ports, &base).await?;
    let (mut louder, mut quieter) = (signal(SignalKind::user_defined1())?, signal(SignalKind::user_defined2())?);
    loop {
        tokio::select! {
            ended = running.ended() => return Ok(ended?),
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = louder.recv() => telemetry::set_level(&format!("{},{}", config.log, telemetry::DEBUG)),
            _ = quieter.recv() => telemetry::set_level(&config.log),
        }
    }
    tracing::info!("stopping");
    running.stop().await?;
    tracing::info!("stopped");
    telemetry::flush();
    Ok(())
}

/// Says where the server is; on a new store also what to do with it.
async fn greet(config: &Config, secrets: &Secrets, ports: &Ports, base: &str) -> Result<(), Failure> {
    let running = format!("Rally is running on {base} (docs: {base}/docs)");
    let is_first = store::first_start(config)?;
    if !ports.workspaces.list().await?.is_empty() {
        return print(&running);
    }
    if let StoreConfig::Postgres(_) = config.store {
        let next = "make a workspace with `rally workspace create SLUG` and a token with `rally token mint --workspace SLUG`";
        return print(&format!("{running}; {next}"));
    }
    if !is_first {
        return print(&running);
    }
    let demo = first_start::create_demo(ports).await?;
    let auth = authenticator(config, secrets, ports)?;
    let expires = ports.clock.now().plus(Duration::days(1));
    let token = auth.mint("rally-cli", demo.workspace.id, "*", expires).map_err(Fault::unexpected)?;
    print(&first_start::what_to_try(&demo, base, &token))
}

async fn migrate(config: &Config) -> Result<(), Failure> {
    let applied = open(config, Migrate::AtStart).await?.applied;
    print_json(&json!({ "applied": applied }))
}

/// How long a server may take to say that it is ready.
const HEALTHCHECK: std::time::Duration = std::time::Duration::from_secs(4);

async fn healthcheck(config: &Config) -> Result<(), Failure> {
    let mut address = config.bind;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    let client = reqwest::Client::builder().no_proxy().timeout(HEALTHCHECK).build().map_err(Fault::unexpected)?;
    let failed = |error: reqwest::Error| Failure::Refused(format!("{address} does not answer: {}", error.without_url()));
    let answer = client.get(format!("http://{address}/readyz")).send().await.map_err(failed)?;
    if answer.status().is_success() { Ok(()) } else { Err(Failure::Refused(format!("{address} is not ready: {}", answer.status()))) }
}

async fn workspace(config: &Config, command: WorkspaceCommand) -> Result<(), Failure> {
    let ports = open(config, config.migrate).await?.ports;
    match command {
        WorkspaceCommand::Create { slug, name } => {
            let name = WorkspaceName::parse(name.as_deref().unwrap_or(&slug));
            let command = CreateWorkspace {
                id: WorkspaceId::new(ports.ids.uuid()),
                slug: parse_slug(&slug)?,
                name: name.map_err(|error| Failure::Refused(format!("the name {error}")))?,
                now: ports.clock.now(),
            };
            print_json(&view(&ports.workspaces.create(command).await.map_err(refused)?))
        }
        WorkspaceCommand::List => {
            let workspaces = ports.workspaces.list().await?;
            print_json(&Value::Array(workspaces.iter().map(view).collect()))
        }
        WorkspaceCommand::Rename { old, new } => {
            let command = RenameWorkspace { from: parse_slug(&old)?, to: parse_slug(&new)?, now: ports.clock.now() };
            print_json(&view(&ports.workspaces.rename(command).await.map_err(refused)?))
        }
        WorkspaceCommand::Delete { slug, yes } => {
            let found = find_workspace(&ports, &slug).await?;
            if !yes {
                return Err(Failure::Refused(format!("add --yes to delete the workspace {slug} and everything in it")));
            }
            ports.workspaces.delete(&found.slug).await?;
            print_json(&json!({ "deleted": view(&found) }))
        }
    }
}

async fn token(config: &Config, command: TokenCommand) -> Result<(), Failure> {
    let TokenCommand::Mint { workspace, scope, ttl, subject } = command;
    let refused = |message: String| Failure::Refused(message);
    let secrets = Secrets::load(config)?;
    check_scope(&scope)?;
    let ttl = parse_duration(&ttl).ok_or_else(|| refused(format!("the ttl {ttl:?} must be a number with s, m, h or d")))?;
    let subject = Subject::parse(&subject).map_err(|error| refused(format!("the subject {error}")))?;
    let ports = open(config, config.migrate).await?.ports;
    let found = find_workspace(&ports, &workspace).await?;
    let auth = authenticator(config, &secrets, &ports)?;
    let token = auth.mint(subject.as_str(), found.id, &scope, ports.clock.now().plus(ttl)).map_err(Fault::unexpected)?;
    print(&token)
}

async fn key(config: &Config, command: KeyCommand) -> Result<(), Failure> {
    let ports = open(config, config.migrate).await?.ports;
    match command {
        KeyCommand::Create { workspace, name, scope } => {
            check_scope(&scope)?;
            let name = KeyName::parse(&name).map_err(|error| Failure::Refused(format!("the name {error}")))?;
            let workspace = find_workspace(&ports, &workspace).await?;
            let (stored, key) = issue_api_key(&ports, workspace.id, name, &scope);
            ports.api_keys.insert(stored.clone()).await?;
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
            let revoked = ports.api_keys.revoke(found, ports.clock.now()).await?;
            if revoked { print_json(&json!({ "revoked": id })) } else { Err(no_key()) }
        }
    }
}

async fn reencrypt(config: &Config) -> Result<(), Failure> {
    let sealer = Secrets::load(config)?.webhook_sealer();
    let ports = open(config, config.migrate).await?.ports;
    let (mut current, mut reencrypted) = (0_u64, 0_u64);
    for (id, old) in ports.webhooks.secrets().await? {
        match webhook_secret::reseal(&sealer, id, &old)? {
            Some(new) => reencrypted += u64::from(ports.webhooks.reseal(id, old, new).await?),
            None => current += 1,
        }
    }
    print_json(&json!({ "reencrypted": reencrypted, "current": current }))
}

async fn rebuild_counters(config: &Config) -> Result<(), Failure> {
    let Rebuilt { waitlists, corrected } = open(config, config.migrate).await?.ports.stats.rebuild().await?;
    print_json(&json!({ "waitlists": waitlists, "corrected": corrected }))
}

/// The settings of one side of a copy.
fn side(config: &Config, store: &str) -> Config {
    let postgres = store.starts_with("postgres://") || store.starts_with("postgresql://");
    let kind = if postgres { StoreConfig::Postgres(store.to_owned().into()) } else { StoreConfig::Embedded };
    let data_dir = if postgres { config.data_dir.clone() } else { PathBuf::from(store) };
    Config { store: kind, data_dir, ..config.clone() }
}

#[expect(clippy::print_stderr, reason = "how far it is")]
async fn store_copy(config: &Config, from: &str, to: &str) -> Result<(), Failure> {
    let (source, target) = (side(config, from), side(config, to));
    let file = |side: &Config| side.data_dir.join(store::DATABASE_FILE);
    if let StoreConfig::Embedded = source.store
        && !file(&source).exists()
    {
        return Err(Failure::Refused(format!("there is no store in {from}")));
    }
    if std::mem::discriminant(&source.store) == std::mem::discriminant(&target.store) {
        return Err(one_kind());
    }
    // Both of the present version, and no server on the embedded one.
    let _locks = (store::lock(&source)?, store::lock(&target)?);
    drop((open(&source, Migrate::AtStart).await?, open(&target, Migrate::AtStart).await?));
    let failed = |error: CopyError| Failure::Refused(error.to_string());
    let mut moved = Vec::new();
    let tell = |table: &str, sum: Sum| {
        eprintln!("{table}: {} rows", sum.rows);
        moved.push((table.to_owned(), sum.rows));
    };
    match (&source.store, &target.store) {
        (StoreConfig::Embedded, StoreConfig::Postgres(url)) => {
            let mut from = Embedded::open(&file(&source)).map_err(failed)?;
            let mut to = Postgres::connect(url.expose_secret()).await.map_err(failed)?;
            rally_store_copy::run(Way::Up(&mut from, &mut to), tell).await.map_err(failed)?;
        }
        (StoreConfig::Postgres(url), StoreConfig::Embedded) => {
            let mut from = Postgres::connect(url.expose_secret()).await.map_err(failed)?;
            let mut to = Embedded::open(&file(&target)).map_err(failed)?;
            rally_store_copy::run(Way::Down(&mut from, &mut to), tell).await.map_err(failed)?;
        }
        (StoreConfig::Embedded, StoreConfig::Embedded) | (StoreConfig::Postgres(_), StoreConfig::Postgres(_)) => return Err(one_kind()),
    }
    print_json(&json!({ "rows": moved.into_iter().collect::<std::collections::BTreeMap<_, _>>(), "verified": true }))
}

fn one_kind() -> Failure {
    Failure::Refused("both stores are of one kind: copy the embedded one with `rally backup`, PostgreSQL with pg_dump".to_owned())
}

async fn bench(config: &Config, command: BenchCommand) -> Result<(), Failure> {
    let BenchCommand::Seed { entries, workspace, list } = command;
    let (workspace, list) = (parse_slug(&workspace)?, parse_slug(&list)?);
    let ports = open(config, config.migrate).await?.ports;
    let started = Instant::now();
    let seeded = seed::run(&ports, &workspace, &list, entries).await?;
    print_json(&json!({
        "entries": entries,
        "seconds": started.elapsed().as_secs_f64(),
        "workspace_id": seeded.workspace.id.to_string(),
        "waitlist_id": seeded.waitlist.id.to_string(),
        "codes": seeded.codes.iter().map(ToString::to_string).collect::<Vec<_>>(),
    }))
}

fn check_scope(scope: &str) -> Result<(), Failure> {
    match Scope::parse(scope).unknown().next() {
        Some(unknown) => Err(Failure::Refused(format!("the scope {unknown:?} grants nothing"))),
        None => Ok(()),
    }
}

fn parse_slug(text: &str) -> Result<Slug, Failure> {
    Slug::parse(text).map_err(|error| Failure::Refused(format!("the slug {text:?} {error}")))
}

async fn find_workspace(ports: &Ports, slug: &str) -> Result<Workspace, Failure> {
    let found = ports.workspaces.find_by_slug(&parse_slug(slug)?).await?;
    found.ok_or_else(|| Failure::Refused(format!("there is no workspace {slug}")))
}

fn authenticator(config: &Config, secrets: &Secrets, ports: &Ports) -> Result<Authenticator, Failure> {
    Ok(Authenticator::new(secrets.jwt.clone(), config.jwks.clone(), ports.clock.clone()).map_err(Fault::unexpected)?)
}

fn refused<R: std::error::Error>(error: CommandError<R>) -> Failure {
    match error {
        CommandError::Rejected(rejection) => Failure::Refused(rejection.to_string()),
        CommandError::Fault(fault) => Failure::Fault(fault),
    }
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

/// A key as its owner sees it ever after: by its first characters.
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

fn print_json(value: &Value) -> Result<(), Failure> {
    print(&format!("{value:#}"))
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
