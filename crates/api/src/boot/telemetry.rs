//! Logs, traces and metrics.

use std::fmt::Debug;
use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, registry, reload};
use url::Url;

use crate::boot::config::{Config, ConfigError, LogFormat};

/// Buckets of durations in seconds, from a cached read to a request that times out.
const LATENCIES: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Starts logging to standard error, once per process. Also starts traces if they are configured.
///
/// # Errors
/// Fails if `RALLY_LOG` is not a filter, or traces cannot be started.
pub fn start_logging(config: &Config) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(&config.log).ok().filter(|_| names_levels(&config.log)).ok_or_else(|| {
        let problem = "must be a level (error, warn, info, debug, trace or off), or levels by module such as info,rally_api=debug";
        ConfigError::new("RALLY_LOG", problem)
    })?;
    let (filter, handle) = reload::Layer::new(filter);
    let format = config.log_format.unwrap_or(if std::io::stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json });
    let logs = fmt::layer().with_writer(std::io::stderr);
    let logs = match format {
        LogFormat::Text => logs.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => logs.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let traces = traces()?.map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("rally")));
    let started = registry().with(filter).with(ClientMistakes::hidden_unless_named(&config.log)).with(logs).with(traces).try_init();
    // A second server in the same process uses the log of the first.
    if started.is_ok() {
        drop(LEVELS.set(handle));
    }
    Ok(())
}

/// Whether every word that names no module is a level. A filter takes any other word for a module, and then hides all the rest.
fn names_levels(directives: &str) -> bool {
    let is_level = |directive: &str| directive.parse::<LevelFilter>().is_ok();
    directives.split(',').map(str::trim).all(|directive| directive.is_empty() || directive.contains(['=', '[', ':']) || is_level(directive))
}

/// Hides log lines of the HTTP layer about connections that a client broke or filled with garbage. The HTTP layer logs them as
/// errors, but an operator cannot fix them. They are shown if `RALLY_LOG` names that layer, or asks for `debug` everywhere.
struct ClientMistakes {
    hidden: bool,
}

impl ClientMistakes {
    fn hidden_unless_named(directives: &str) -> Self {
        let asks = |directive: &str| {
            let (target, level) = directive.split_once('=').unwrap_or((directive, directive));
            let of_everything = level == target && level.parse::<LevelFilter>().is_ok_and(|level| level >= LevelFilter::DEBUG);
            of_everything || target.starts_with("actix")
        };
        Self { hidden: !directives.split(',').map(str::trim).any(asks) }
    }
}

impl<S: Subscriber> Layer<S> for ClientMistakes {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let mut of_client = OfClient(false);
        if self.hidden && event.metadata().target() == "actix_http::h1::dispatcher" {
            event.record(&mut of_client);
        }
        !of_client.0
    }
}

/// Whether a log event reports a broken client connection. Failures of this server have other messages.
struct OfClient(bool);

impl Visit for OfClient {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0 |= field.name() == "message" && format!("{value:?}").starts_with("stream error");
    }
}

/// The exporter of traces, if the environment configures one with the standard variables of OpenTelemetry's exporters, such as
/// `OTEL_EXPORTER_OTLP_ENDPOINT`. A thread of its own sends spans in batches, as protocol buffers over HTTP.
fn traces() -> Result<Option<SdkTracerProvider>, ConfigError> {
    let named = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let Some(setting) = [TRACES_ENDPOINT, OTLP_ENDPOINT].into_iter().find(|name| named(name)) else { return Ok(None) };
    let endpoint = std::env::var(setting).unwrap_or_default();
    if !Url::parse(&endpoint).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
        return Err(ConfigError::new(setting, format!("must be an http or https URL such as http://localhost:4318, not {endpoint:?}")));
    }
    let exporter = SpanExporter::builder().with_http().build().map_err(|error| ConfigError::new(setting, error.to_string()))?;
    let resource = Resource::builder().with_service_name("rally").build();
    let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
    Ok(Some(TRACES.get_or_init(|| provider).clone()))
}

const OTLP_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";

static TRACES: OnceLock<SdkTracerProvider> = OnceLock::new();

/// Sends the remaining spans before the process ends.
pub fn flush() {
    if let Some(Err(error)) = TRACES.get().map(SdkTracerProvider::shutdown) {
        tracing::warn!(%error, "some traces were lost");
    }
}

/// A filter that logs everything of Rally's own crates.
pub const DEBUG: &str = "rally_api=debug,rally_domain=debug,rally_postgres=debug,rally_sqlite=debug,rally_webhooks=debug,\
    rally_smtp=debug,rally_envoi=debug,rally_heimdall=debug,rally_captcha=debug";

static LEVELS: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Changes the filter of the log.
pub fn set_level(filter: &str) {
    let Some((levels, filter)) = LEVELS.get().zip(EnvFilter::try_new(filter).ok()) else { return };
    match levels.reload(filter) {
        Ok(()) => tracing::warn!("the log filter was changed"),
        Err(error) => tracing::error!(%error, "the log filter could not be changed"),
    }
}

/// The metrics of this process.
pub fn metrics() -> &'static PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| {
        let buckets = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("duration_seconds".to_owned()), &LATENCIES)
            .expect("the buckets are not empty");
        let handle = buckets.install_recorder().expect("the first recorder of the process");
        describe();
        handle
    })
}

fn describe() {
    metrics::describe_counter!("rally_http_requests_total", "Requests answered, by method, route and status");
    metrics::describe_histogram!("rally_http_request_duration_seconds", "Time to answer a request, by method and route");
    metrics::describe_counter!("rally_signups_total", "Sign-ups by outcome: created, or the code of the refusal");
    metrics::describe_counter!("rally_limited_total", "Requests refused by a limit: address, email, token, link or change");
    metrics::describe_counter!("rally_shed_total", "Requests turned away because too many ran at once");
    metrics::describe_counter!("rally_mail_attempts_total", "Attempts to send mail by outcome");
    metrics::describe_histogram!("rally_mail_attempt_duration_seconds", "How long attempts to send mail took");
    metrics::describe_gauge!("rally_mails_pending", "Mails that wait or are being tried");
    metrics::describe_gauge!("rally_mails_kept_back", "Mails that wait until RALLY_MAIL_BUDGET has room for them");
    metrics::describe_gauge!("rally_mails_oldest_due_seconds", "Seconds since the oldest pending mail became due");
    metrics::describe_counter!("rally_upstream_requests_total", "Requests to other services by service and outcome");
    metrics::describe_histogram!("rally_upstream_request_duration_seconds", "How long requests to other services took");
    metrics::describe_gauge!("rally_store_connections_in_use", "Connections to the store in use");
    metrics::describe_gauge!("rally_store_connections_max", "The most connections to the store that may be open");
    metrics::describe_gauge!("rally_deliveries_pending", "Deliveries to webhooks that wait or are being tried");
    metrics::describe_gauge!("rally_deliveries_oldest_due_seconds", "Seconds since the oldest pending delivery became due");
    metrics::describe_gauge!("rally_backfill_remaining", "Entries whose older referrals have no row in the ledger yet");
    metrics::describe_gauge!("rally_purges_pending", "Deleted waitlists, webhooks and referrers whose rows are still to be purged");
    metrics::describe_counter!("rally_webhook_deliveries_lost_total", "Events that a receiver did not get in any attempt");
    metrics::describe_counter!("rally_webhook_attempts_total", "Attempts to deliver to webhooks by outcome");
    metrics::describe_histogram!("rally_webhook_attempt_duration_seconds", "How long attempts to deliver to webhooks took");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_level_hides_no_log() {
        for good in ["info", "WARN", "off", "info,rally_api=debug", "rally_api::relay=trace", "info,", "[request]=debug"] {
            assert!(names_levels(good), "{good}");
        }
        for bad in ["warning", "verbose", "info,loud", "rally_api"] {
            assert!(!names_levels(bad), "{bad}");
        }
    }

    #[test]
    fn who_asks_for_the_http_layer_hears_of_it() {
        for (directives, hidden) in [
            ("info", true),
            ("warn,rally_api=debug", true),
            ("rally_api=trace", true),
            ("off", true),
            ("debug", false),
            ("TRACE", false),
            ("info, actix_http=debug", false),
            ("actix_http::h1=error,info", false),
            ("info,actix=warn", false),
        ] {
            assert_eq!(ClientMistakes::hidden_unless_named(directives).hidden, hidden, "{directives}");
        }
    }
}
