//! Assembles a server, runs it, and stops it without breaking requests off.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::web::{self, QueryConfig};
use actix_web::{App as ActixApp, HttpServer};
use futures_util::future::join_all;
use moka::sync::Cache;
use rally_domain::mail::MailBudget;
use rally_domain::port::{Ports, TemplateEngine, WebhookSender};
use rally_domain::web_origin::WebOrigin;
use rally_proof::Challenges;
use rally_smtp::Templates;
use rally_webhooks::{HttpSender, Names};
use tokio::task::JoinHandle;
use url::Url;

use crate::app::App;
use crate::auth::{Authenticator, ConsoleDoor, Oidc};
use crate::boot::config::{Config, WebhookConfig};
use crate::boot::secrets::Secrets;
use crate::boot::workers::Workers;
use crate::boot::{telemetry, upstreams};
use crate::cache::at_hand::AtHand;
use crate::cache::responses::Responses;
use crate::cache::{Noted, cached};
use crate::exports::Exports;
use crate::feed_watch::FeedWatch;
use crate::http::allowed_methods::AllowedMethods;
use crate::http::cursor::Cursors;
use crate::http::error::{ApiError, Code};
use crate::http::form_seal::FormSeals;
use crate::http::limits::Limits;
use crate::http::middleware::{self, in_flight::InFlight};
use crate::http::pace::Paces;
use crate::http::{openapi, route_table};
use crate::idempotency::Idempotency;
use crate::relay::{MailFreight, Refusals, Relay, Undelivered, WebhookFreight};
use crate::routes::operations::docs;
use crate::routes::public::info::ListAtHand;
use crate::routes::{console, pages};

/// How long requests in flight may take to finish after the server was told to stop.
const DRAIN: Duration = Duration::from_secs(30);

/// How long the head of a request may take to arrive, and how long a connection may be idle between two requests.
const HEAD: Duration = Duration::from_secs(10);

/// The most workspaces whose recent URL checks are remembered, and for how long: longer than a check and its wait take.
const KNOWN_WORKSPACES: u64 = 10_000;
const CHECKS_REMEMBERED: Duration = Duration::from_secs(60);

/// The most connections of one worker thread of the HTTP server. There is one for each core. Further connections wait to be accepted.
const MAX_CONNECTIONS: usize = 4096;

/// A running server.
pub struct Running {
    /// The address it listens on.
    pub address: SocketAddr,
    handle: ServerHandle,
    workers: Workers,
    feeds: FeedWatch,
    relays: Vec<Relay>,
    task: JoinHandle<io::Result<()>>,
}

/// Opens the sign-in through an identity provider, if one is set.
fn open_oidc(config: &Config, secrets: &Secrets, base: &str) -> io::Result<Option<Oidc>> {
    let Some(settings) = &config.oidc else { return Ok(None) };
    if settings.admins.is_empty() {
        tracing::warn!("RALLY_OIDC_ADMINS names nobody, so nobody can sign in through the identity provider");
    }
    let callback = Url::parse(&format!("{base}/console/sign-in/provider/callback")).map_err(io::Error::other)?;
    Oidc::new(settings.clone(), callback, secrets.sign_in_sealer()).map(Some).map_err(io::Error::other)
}

/// Starts a server on the address in the settings.
///
/// # Errors
/// Fails if it cannot listen on the address, or no HTTP client can be created.
pub fn start(config: &Config, secrets: &Secrets, mut ports: Ports) -> io::Result<Running> {
    telemetry::metrics();
    let listener = TcpListener::bind(config.bind)?;
    give_up_on_silent_peers(&listener)?;
    let address = listener.local_addr()?;
    let base = config.public_base(address);
    ports.links = ports.links.with_base(&base);
    let noted = Noted::default();
    let ports = cached(ports, &noted);
    let document = openapi::document();
    let auth = Authenticator::new(secrets.jwt.clone(), config.jwks.clone(), ports.clock.clone()).map_err(io::Error::other)?;
    let oidc = open_oidc(config, secrets, &base)?;
    let workers = Workers::start(&ports, config.audit_keep);
    let WebhookConfig { exemptions, policy, timeout } = config.webhooks.clone();
    let sender: Arc<dyn WebhookSender> = Arc::new(HttpSender::new(exemptions, Names::of_system(), timeout).map_err(io::Error::other)?);
    let sealer = secrets.webhook_sealer();
    let templates: Arc<dyn TemplateEngine> = Arc::new(Templates::new());
    let freight = WebhookFreight {
        ports: ports.clone(),
        sender: sender.clone(),
        sealer: sealer.clone(),
        policy,
        timeout,
        changes: noted.sent,
        undelivered: Undelivered::default(),
    };
    let relays = start_relays(freight, &templates, config.mail_budget);
    let limits = Limits::new(config.signup_rate, config.admin_rate, &ports.clock);
    let origin = WebOrigin::of_url(ports.links.base());
    let paces = Paces::new(ports.proofs.clone(), ports.clock.clone());
    let feeds = FeedWatch::new(ports.feeds.clone());
    let app = web::Data::from(Arc::new(App {
        ports,
        feeds: feeds.clone(),
        console: ConsoleDoor::new(&base, secrets.derive("rally console forms")),
        oidc,
        auth,
        sender,
        templates,
        url_checks: Cache::builder().max_capacity(KNOWN_WORKSPACES).time_to_idle(CHECKS_REMEMBERED).build(),
        webhook_sealer: sealer,
        limits,
        keeps_mail_back: config.mail_budget.is_some(),
        confirmation_ttl: config.confirmation_ttl,
        proxies: config.trusted_proxies.clone(),
        exports: Exports::new(config.data_dir.clone()),
        relays: relays.iter().map(Relay::wake).collect(),
        idempotency: Idempotency::new(secrets.reply_sealer()),
        cursors: Cursors::new(secrets.derive("rally cursors"), secrets.derive_previous("rally cursors")),
        seals: FormSeals::new(secrets.derive("rally forms")),
        challenges: Challenges::new(&secrets.proof_of_work(config)),
        paces,
        origin,
        infos: Responses::default(),
        pages: Responses::default(),
        leaderboards: Responses::default(),
        routes: AllowedMethods::new(&document, &[docs::PAGES, pages::PAGES, &console::PAGES].concat(), pages::FORMS, &console::FORMS),
    }));
    let (in_flight, shown) = (InFlight::default(), noted.public);
    let origins = config.admin_origins.clone();
    let document = web::Bytes::from(serde_json::to_vec(&document).map_err(io::Error::other)?);
    let server = HttpServer::new(move || {
        let (origins, document, slots) = (origins.clone(), document.clone(), in_flight.clone());
        ActixApp::new()
            .app_data(app.clone())
            .app_data(in_flight.clone())
            .app_data(AtHand::<ListAtHand>::new(shown.clone()))
            .app_data(QueryConfig::default().error_handler(|_, _| ApiError::new(Code::BadRequest, "the query is malformed").into()))
            // A path is compared with one route after the other, so those that most people open come first.
            .configure(pages::configure)
            .configure(|routes| route_table::configure(routes, &origins))
            .configure(|routes| docs::configure_pages(routes, &document))
            .configure(console::configure)
            .default_service(web::to(route_table::unmatched))
            .wrap(from_fn(move |request, next| middleware::handle(slots.clone(), request, next)))
    })
    .disable_signals()
    .shutdown_timeout(DRAIN.as_secs())
    .client_request_timeout(HEAD)
    .keep_alive(HEAD)
    .max_connections(MAX_CONNECTIONS)
    .listen(listener)?
    .run();
    let handle = server.handle();
    Ok(Running { address, handle, workers, feeds, relays, task: tokio::spawn(server) })
}

/// A connection is closed if its peer acknowledges nothing for this time, or has no room for the data that it is sent.
const SILENCE: Duration = Duration::from_secs(30);

/// Sets the limit for all connections of a listener (tcp(7), TCP_USER_TIMEOUT). Without it, a reply that nobody reads stays for ever.
#[cfg(target_os = "linux")]
fn give_up_on_silent_peers(listener: &TcpListener) -> io::Result<()> {
    socket2::SockRef::from(listener).set_tcp_user_timeout(Some(SILENCE))
}

/// Other systems have no such setting.
#[cfg(not(target_os = "linux"))]
fn give_up_on_silent_peers(_: &TcpListener) -> io::Result<()> {
    Ok(())
}

/// Starts a relay for webhooks, and one for mail if a mail service or a mail server is configured. Without either, mail waits.
fn start_relays(webhooks: WebhookFreight, templates: &Arc<dyn TemplateEngine>, budget: Option<MailBudget>) -> Vec<Relay> {
    let (ports, schedule, changes) = (webhooks.ports.clone(), webhooks.policy.schedule.clone(), webhooks.changes.clone());
    let timeout = if ports.smtp.is_some() { upstreams::SMTP_DEADLINE } else { upstreams::MAIL_DEADLINE };
    let sends = ports.envoi.is_some() || ports.smtp.is_some();
    let (templates, refusals) = (templates.clone(), Refusals::default());
    // A mail that waits for a connection is looked at again before it is sent, because its person may be gone by then.
    let most = ports.smtp.is_some().then_some(rally_smtp::MAX_CONNECTIONS);
    let mail = sends.then(|| MailFreight { ports, templates, budget, schedule, timeout, most, changes, refusals });
    [Some(Relay::start(webhooks)), mail.map(Relay::start)].into_iter().flatten().collect()
}

impl Running {
    /// Waits until the server has ended: because it was told to stop, or because it failed.
    ///
    /// # Errors
    /// Fails if the server ended by a failure.
    pub async fn ended(&mut self) -> io::Result<()> {
        (&mut self.task).await.map_err(io::Error::other)?
    }

    /// Accepts no more connections, waits at most 30 seconds for requests in flight, attempts of the relays and steps of the workers, and
    /// ends.
    ///
    /// # Errors
    /// Fails if the server ended by a failure.
    pub async fn stop(mut self) -> io::Result<()> {
        // The server and the relays stop in parallel, within the time that the process has. Unsettled attempts are repeated later.
        self.feeds.end();
        self.relays.iter().for_each(Relay::begin_to_stop);
        let relays = tokio::time::timeout(DRAIN, join_all(self.relays.iter_mut().map(Relay::ended)));
        let workers = tokio::time::timeout(DRAIN, self.workers.stop());
        let (ended, relays, workers) = tokio::join!(
            async {
                self.handle.stop(true).await;
                (&mut self.task).await.map_err(io::Error::other)?
            },
            relays,
            workers
        );
        if workers.is_err() {
            tracing::warn!("background work was broken off; it goes on when its lease has ended");
        }
        if relays.is_err() {
            tracing::warn!("attempts under way were abandoned and will be repeated");
        }
        ended
    }
}
