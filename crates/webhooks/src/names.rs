//! Resolving names with the name servers of this system, without a thread that waits.
//!
//! Names of silent name servers do not delay the next name, however many there are.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;

/// How long a name may take to resolve.
const RESOLVE: Duration = Duration::from_secs(5);

/// How long a name server may take to answer, and how often Rally asks it.
const ANSWER: Duration = Duration::from_secs(2);
const ATTEMPTS: usize = 2;

/// The most cached answers, each for its own lifetime, and the longest time that "no address" is cached.
const KEPT: u64 = 4096;
const KEPT_NEGATIVE: Duration = Duration::from_secs(10);

/// The most questions at once to one name server over one connection.
const AT_ONCE: usize = 4096;

/// Resolves names.
pub struct Names(Option<TokioResolver>);

impl Names {
    /// Uses the name servers and the hosts file of this system, as they are now.
    pub fn of_system() -> Self {
        let resolver = TokioResolver::builder_tokio().and_then(|mut builder| {
            set_up(builder.options_mut());
            builder.build()
        });
        match resolver {
            Ok(resolver) => Self(Some(resolver)),
            Err(error) => {
                tracing::warn!(%error, "the name servers of this system cannot be told: names of webhooks will not resolve");
                Self(None)
            }
        }
    }

    /// Uses other name servers.
    ///
    /// # Panics
    /// If no resolver can be built from the configuration.
    pub fn by(servers: ResolverConfig) -> Self {
        let mut builder = TokioResolver::builder_with_config(servers, TokioRuntimeProvider::default());
        set_up(builder.options_mut());
        Self(Some(builder.build().expect("a resolver without trust anchors can be built")))
    }

    /// Returns the addresses of a name, or none if it has none or does not resolve in time.
    ///
    /// The name is resolved as it is. No search domain of this system is added to it.
    pub(crate) async fn resolve(&self, name: &str) -> Vec<SocketAddr> {
        let Some(resolver) = &self.0 else { return Vec::new() };
        let whole = if name.ends_with('.') { name.to_owned() } else { format!("{name}.") };
        match tokio::time::timeout(RESOLVE, resolver.lookup_ip(whole)).await {
            Ok(Ok(found)) => found.iter().map(|address| SocketAddr::new(address, 0)).collect(),
            Ok(Err(_)) | Err(_) => Vec::new(),
        }
    }
}

fn set_up(options: &mut ResolverOpts) {
    options.timeout = ANSWER;
    options.attempts = ATTEMPTS;
    options.cache_size = KEPT;
    options.negative_max_ttl = Some(KEPT_NEGATIVE);
    options.max_active_requests = AT_ONCE;
    options.ip_strategy = hickory_resolver::config::LookupIpStrategy::Ipv4AndIpv6;
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ProtocolConfig};
    use tokio::net::UdpSocket;
    use tokio::task::JoinSet;
    use tokio::time::Instant;

    use super::*;

    /// A name server that answers 192.0.2.1 for names that begin with `well`, and never answers for others.
    async fn name_server() -> (ResolverConfig, tokio::task::JoinHandle<()>) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut connection = ConnectionConfig::new(ProtocolConfig::Udp);
        connection.port = socket.local_addr().unwrap().port();
        let server = NameServerConfig::new(Ipv4Addr::LOCALHOST.into(), true, vec![connection]);
        let task = tokio::spawn(async move {
            let mut question = [0; 512];
            loop {
                let (length, asker) = socket.recv_from(&mut question).await.unwrap();
                // RFC 1035, section 4: a header of 12 bytes, then the labels of the name, each after its length.
                let is_well = question[13..length].to_ascii_lowercase().starts_with(b"well");
                if is_well {
                    socket.send_to(&answer(&question[..length]), asker).await.unwrap();
                }
            }
        });
        (ResolverConfig::from_parts(None, Vec::new(), vec![server]), task)
    }

    /// Returns the question, with one address if it asks for an A record.
    fn answer(question: &[u8]) -> Vec<u8> {
        let name = question[12..].iter().position(|byte| *byte == 0).unwrap() + 13;
        let asks_for_v4 = question[name + 1] == 1;
        let mut reply = question[..name + 4].to_vec();
        reply[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, u8::from(asks_for_v4), 0, 0, 0, 0]);
        if asks_for_v4 {
            reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
        }
        reply
    }

    #[tokio::test]
    async fn names_of_silent_servers_delay_no_other_names() {
        let (servers, task) = name_server().await;
        let names = std::sync::Arc::new(Names::by(servers));
        let mut silent = JoinSet::new();
        for n in 0..600 {
            let names = names.clone();
            silent.spawn(async move { names.resolve(&format!("silent-{n}.example.com")).await });
        }
        tokio::task::yield_now().await;
        for n in 0..20 {
            let begun = Instant::now();
            let found = names.resolve(&format!("well-{n}.example.com")).await;
            assert_eq!(found, [SocketAddr::from(([192, 0, 2, 1], 0))]);
            // A silent name takes 4 seconds.
            assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        }
        silent.shutdown().await;
        task.abort();
    }

    #[tokio::test]
    async fn the_hosts_file_is_read_and_nothing_is_added_to_a_name() {
        let (mut servers, task) = name_server().await;
        servers.search = vec!["example.com.".parse().unwrap()];
        let names = Names::by(servers);
        assert!(names.resolve("localhost").await.iter().any(|address| address.ip() == Ipv4Addr::LOCALHOST));
        tokio::time::pause();
        assert_eq!(names.resolve("silent").await, []);
        task.abort();
    }
}
