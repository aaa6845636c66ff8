//! `rally serve`: runs the server until a signal stops it.

use rally_domain::actor::Actor;
use rally_domain::error::Fault;
use rally_domain::port::Ports;
use time::Duration;
use tokio::signal::unix::{SignalKind, signal};

use super::console::sign_in_link;
use super::failure::Failure;
use super::output::print;
use super::{authenticator, open};
use crate::auth::create_sign_in_link;
use crate::boot::config::{Config, ConfigError, StoreConfig};
use crate::boot::secrets::Secrets;
use crate::boot::store::Opened;
use crate::boot::{first_start, server, store, telemetry, upstreams};
use crate::http::extract::client::TrustedProxies;

pub(super) async fn run(config: &Config) -> Result<(), Failure> {
    let secrets = Secrets::load(config)?;
    let lock = store::lock(config)?;
    // Handlers are registered before the server starts, so that no signal is missed.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let Opened { mut ports, applied, skew } = open(config, config.migrate).await?;
    store::check_clocks(skew)?;
    if !applied.is_empty() {
        tracing::info!(number = applied.len(), latest = applied.last(), "migrations applied");
    }
    if let Some(lock) = &lock {
        store::end_claims(config, lock).await?;
    }
    store::share_secret(config, &secrets, &mut ports).await?;
    upstreams::attach(config, &mut ports)?;
    let mut running = server::start(config, &secrets, ports.clone())
        .map_err(|error| ConfigError::new("RALLY_BIND", format!("{}: {error}", config.bind)))?;
    let base = config.public_url.clone().unwrap_or_else(|| format!("http://{}", running.address));
    tracing::info!(address = %running.address, version = env!("CARGO_PKG_VERSION"), "listening");
    if config.public_url.is_none() && has_guests(config) {
        tracing::warn!(%base, "RALLY_PUBLIC_URL is not set, so links lead to the address that the server listens on");
    }
    // The server serves already. It goes on if the store fails now, and if whoever started it reads no further.
    let greeted = match greeting(config, &secrets, &ports, &base).await {
        Ok(greeting) => print(&greeting),
        Err(failure) => Err(failure),
    };
    if let Err(failure) = greeted {
        tracing::warn!(cause = %failure, "the greeting was not printed");
    }
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

/// Whether others than this machine come here, as far as the settings tell.
fn has_guests(config: &Config) -> bool {
    config.smtp.is_some() || !config.bind.ip().is_loopback() || config.trusted_proxies != TrustedProxies::default()
}

/// Returns the address of the server. On a new store it also tells what to do next.
async fn greeting(config: &Config, secrets: &Secrets, ports: &Ports, base: &str) -> Result<String, Failure> {
    let running = format!("Rally is running on {base} (docs: {base}/docs)");
    let is_first = store::is_first_start(config)?;
    // A first start that was broken off is completed.
    let is_new = ports.workspaces.list().await?.is_empty() || (is_first && first_start::is_begun(ports).await?);
    if !is_new {
        if is_first {
            store::note_first_start(config)?;
        }
        return Ok(running);
    }
    if let StoreConfig::Postgres(_) = config.store {
        let link = create_sign_in_link(ports, None, Actor::System).await?;
        return Ok(first_start::where_to_begin(&running, &sign_in_link(base, &link)));
    }
    if !is_first {
        tracing::warn!("the store has no workspace: make one with `rally workspace create`, or restore a backup if it had some");
        return Ok(running);
    }
    let demo = first_start::create_demo(ports).await?;
    store::note_first_start(config)?;
    let auth = authenticator(config, secrets, ports)?;
    let expires = ports.clock.now().plus(Duration::days(1));
    let token = auth.mint("rally-cli", demo.workspace.id, "*", expires).map_err(Fault::unexpected)?;
    let link = create_sign_in_link(ports, None, Actor::System).await?;
    Ok(first_start::what_to_try(&demo, base, &token, &sign_in_link(base, &link)))
}
