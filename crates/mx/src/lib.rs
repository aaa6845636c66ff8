//! [`MailDomains`] over DNS: whether a domain takes mail (RFC 5321, section 5.1; RFC 7505). Absent: what a domain that takes none means.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ProtocolConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RData;
use rally_domain::port::{MailDomain, MailDomains};
use tokio::time::timeout;

/// How long all questions about a domain may take together.
const DEADLINE: Duration = Duration::from_secs(2);

/// How long a name server may take to answer before it is asked again.
const ANSWER: Duration = Duration::from_millis(900);

/// The most cached answers, each for its own lifetime, and the longest time that "no such record" is cached.
const KEPT: u64 = 4096;
const KEPT_NEGATIVE: Duration = Duration::from_secs(60);

/// Asks name servers.
pub struct DnsMailDomains(Option<TokioResolver>);

impl DnsMailDomains {
    /// Asks the name servers of this system, as they are now.
    pub fn of_system() -> Self {
        let resolver = TokioResolver::builder_tokio().and_then(|mut builder| {
            set_up(builder.options_mut());
            builder.build()
        });
        match resolver {
            Ok(resolver) => Self(Some(resolver)),
            Err(error) => {
                tracing::warn!(%error, "the name servers of this system cannot be told: domains of addresses are not checked");
                Self(None)
            }
        }
    }

    /// Asks one name server.
    ///
    /// # Panics
    /// If no resolver can be built for it.
    pub fn of_server(address: SocketAddr) -> Self {
        let mut connection = ConnectionConfig::new(ProtocolConfig::Udp);
        connection.port = address.port();
        let server = NameServerConfig::new(address.ip(), true, vec![connection]);
        let servers = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let mut builder = TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default());
        set_up(builder.options_mut());
        Self(Some(builder.build().expect("a resolver without trust anchors can be built")))
    }
}

fn set_up(options: &mut ResolverOpts) {
    options.timeout = ANSWER;
    options.attempts = 1;
    options.cache_size = KEPT;
    options.negative_max_ttl = Some(KEPT_NEGATIVE);
    options.ip_strategy = hickory_resolver::config::LookupIpStrategy::Ipv4AndIpv6;
}

#[async_trait]
impl MailDomains for DnsMailDomains {
    async fn find(&self, domain: &str) -> MailDomain {
        let Some(resolver) = &self.0 else { return MailDomain::Unknown };
        timeout(DEADLINE, find(resolver, domain)).await.unwrap_or(MailDomain::Unknown)
    }
}

async fn find(resolver: &TokioResolver, domain: &str) -> MailDomain {
    // The name is resolved as it is. No search domain of this system is added to it.
    let name = format!("{domain}.");
    match resolver.mx_lookup(name.as_str()).await {
        Ok(found) => {
            let servers = found.answers().iter().filter_map(|record| match &record.data {
                RData::MX(server) => Some(server.exchange.is_root()),
                _ => None,
            });
            let is_null: Vec<bool> = servers.collect();
            match is_null.is_empty() {
                true => by_address(resolver, &name).await,
                false if is_null.into_iter().all(|is_null| is_null) => MailDomain::TakesNone,
                false => MailDomain::Takes,
            }
        }
        Err(error) if is_missing(&error) => by_address(resolver, &name).await,
        Err(_) => MailDomain::Unknown,
    }
}

/// A domain without a mail server takes mail at its own address.
async fn by_address(resolver: &TokioResolver, name: &str) -> MailDomain {
    match resolver.lookup_ip(name).await {
        Ok(_) => MailDomain::Takes,
        Err(error) if is_missing(&error) => MailDomain::TakesNone,
        Err(_) => MailDomain::Unknown,
    }
}

/// Whether a name server said that there is no such record, or no such name.
fn is_missing(error: &NetError) -> bool {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain),
        _ => false,
    }
}
