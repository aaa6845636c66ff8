//! The address guard: the addresses that events may be sent to.
//!
//! A person who can create a webhook must not be able to make this server call into its own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use rally_domain::error::Invalid;
use rally_domain::webhook::WebhookUrl;
use url::Host;

use crate::names::Names;
use crate::network::parse_network;

/// IPv4 addresses that are not public (IANA IPv4 Special-Purpose Address Registry, multicast and the former class E).
const NOT_PUBLIC_V4: [Ipv4Net; 15] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    v4(224, 0, 0, 0, 4),
    v4(240, 0, 0, 0, 4),
];

/// Global unicast addresses (RFC 4291, section 2.4). All others are refused.
///
/// These are the mapped, translated and compatible forms of IPv4, with NAT64, and the unique local, link-local, site-local and multicast
/// addresses.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0], 3);

/// The part of global unicast that is not public (IANA IPv6 Special-Purpose Address Registry).
///
/// It has Teredo and other protocol assignments, documentation and 6to4.
const NOT_PUBLIC_V6: [Ipv6Net; 4] = [v6([0x2001, 0], 23), v6([0x2001, 0xdb8], 32), v6([0x2002, 0], 16), v6([0x3fff, 0], 20)];

const fn v4(a: u8, b: u8, c: u8, d: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6([first, second]: [u16; 2], length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0), length)
}

/// Whether an address is on the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_PUBLIC_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => GLOBAL_V6.contains(&address) && !NOT_PUBLIC_V6.iter().any(|net| net.contains(&address)),
    }
}

/// The addresses and hosts that an operator allows beside the public internet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exemptions {
    addresses: Vec<IpNet>,
    plain_hosts: Vec<Host<String>>,
}

impl Exemptions {
    /// Reads a comma-separated list of exemptions.
    ///
    /// A CIDR or an address exempts addresses from being public. `http://HOST` exempts a host from https.
    ///
    /// # Errors
    /// If a part is neither.
    pub fn parse(list: &str) -> Result<Self, Invalid> {
        let mut exemptions = Self::default();
        for part in list.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            if let Some(host) = part.strip_prefix("http://") {
                let host = Host::parse(host.trim_end_matches('/')).ok().filter(|host| !host.to_string().contains('*'));
                exemptions.plain_hosts.push(host.ok_or_else(|| not_an_exemption(part))?);
            } else {
                exemptions.addresses.push(parse_network(part).ok_or_else(|| not_an_exemption(part))?);
            }
        }
        Ok(exemptions)
    }

    fn covers(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|net| net.contains(&address))
    }

    /// Whether an address may be reached.
    pub(crate) fn allows(&self, address: IpAddr) -> bool {
        is_public(address) || self.covers(address)
    }

    /// Checks a URL without resolving its name.
    pub(crate) fn allow_url(&self, url: &WebhookUrl) -> Result<(), Invalid> {
        let host = url.url().host().map(|host| host.to_owned()).ok_or_else(|| Invalid::new("must name a host"))?;
        if url.url().scheme() != "https" && !self.plain_hosts.contains(&host) {
            return Err(Invalid::new("must be an https URL"));
        }
        match host {
            Host::Ipv4(address) if !self.allows(address.into()) => Err(not_public()),
            Host::Ipv6(address) if !self.allows(address.into()) => Err(not_public()),
            Host::Domain(name) if !is_a_name(&name) => Err(Invalid::new("must name a host")),
            Host::Domain(_) | Host::Ipv4(_) | Host::Ipv6(_) => Ok(()),
        }
    }

    /// Checks a URL and resolves its name.
    ///
    /// A name is refused if it resolves only to addresses that are not allowed. A name that does not resolve passes, unless it is local.
    pub(crate) async fn check(&self, names: &Names, url: &WebhookUrl) -> Result<(), Invalid> {
        self.allow_url(url)?;
        let Some(Host::Domain(name)) = url.url().host() else { return Ok(()) };
        let addresses = names.resolve(name).await;
        if !addresses.is_empty() && !addresses.iter().any(|address| self.allows(address.ip())) {
            return Err(not_public());
        }
        // A local name is refused unless all its addresses are exempt.
        let exempt = !addresses.is_empty() && addresses.iter().all(|address| self.covers(address.ip()));
        match is_local(name) && !exempt {
            true if addresses.is_empty() => Err(Invalid::new("must lead to a public address, and this local name does not resolve")),
            true => Err(not_public()),
            false => Ok(()),
        }
    }
}

fn not_an_exemption(part: &str) -> Invalid {
    Invalid::new(format!("{part:?} is neither an address, a CIDR such as 10.0.0.0/8, nor http:// and a host"))
}

fn not_public() -> Invalid {
    Invalid::new("must lead to a public address")
}

/// Whether no label of a name is empty. A dot at the end is allowed.
fn is_a_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    !name.is_empty() && name.split('.').all(|label| !label.is_empty() && label != "xn--")
}

/// Whether a name is of the local machine or network.
///
/// Such a name is `localhost` (RFC 6761), ends in `.localhost`, `.local` (RFC 6762), `.internal`, `.localdomain` or `.home.arpa` (RFC
/// 8375), or has no dot.
fn is_local(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let last = name.rsplit('.').next().unwrap_or_default();
    !name.contains('.') || matches!(last, "localhost" | "local" | "internal" | "localdomain") || name.ends_with(".home.arpa")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spellings of hosts that must not be reached.
    const REFUSED: &[&str] = &[
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "127.0.1",
        "127.255.255.254",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "0177.0.0.1",
        "%31%32%37.0.0.1",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "0",
        "0.0.0.0",
        "169.254.169.254",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "198.18.0.1",
        "192.88.99.1",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:a9fe:a9fe]",
        "[::127.0.0.1]",
        "[::ffff:0:7f00:1]",
        "[::5efe:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[64:ff9b:1::1]",
        "[64:ff9b::101:101]",
        "[2002:7f00:1::]",
        "[2001::1]",
        "[2001:db8::1]",
        "[3fff::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[fec0::1]",
        "[ff02::1]",
        "[100::1]",
        "[5f00::1]",
        "localhost",
        "localhost.",
        "LOCALHOST.",
        "ⓛocalhost",
        "foo.localhost",
        "metadata.google.internal",
        "x.internal",
        "x.local",
        "intranet",
        ".",
        "..",
        "example..com",
    ];

    const ALLOWED: &[&str] = &[
        "172.15.255.255",
        "172.32.0.1",
        "192.167.1.1",
        "11.0.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "1.1.1.1",
        "8.8.8.8",
        "[2606:4700:4700::1111]",
        "[2a00:1450::1]",
        "1.1.1.1:8443",
    ];

    fn url(host: &str) -> Option<WebhookUrl> {
        WebhookUrl::parse(&format!("https://{host}/hook")).ok()
    }

    #[tokio::test]
    async fn a_private_address_is_refused_in_every_spelling() {
        let (nothing, names) = (Exemptions::default(), Names::of_system());
        for host in REFUSED {
            if let Some(url) = url(host) {
                assert!(nothing.check(&names, &url).await.is_err(), "{host} as {}", url.as_str());
            }
        }
        for written in ["https://127.0.0.1\\.good.com/", "https:\\\\127.0.0.1/", "https:127.0.0.1", "https:///127.0.0.1/"] {
            if let Ok(url) = WebhookUrl::parse(written) {
                assert!(nothing.check(&names, &url).await.is_err(), "{written}");
            }
        }
        for host in ALLOWED {
            let url = url(host).unwrap();
            assert_eq!(nothing.check(&names, &url).await, Ok(()), "{host}");
        }
    }

    #[tokio::test]
    async fn https_is_required_of_every_host_that_is_not_exempt() {
        let plain = WebhookUrl::parse("http://1.1.1.1/").unwrap();
        let names = Names::of_system();
        assert!(Exemptions::default().check(&names, &plain).await.is_err());
        assert!(Exemptions::parse("http://1.1.1.1").unwrap().check(&names, &plain).await.is_ok());
        assert!(Exemptions::parse("http://1.1.1.2, 1.1.1.1").unwrap().check(&names, &plain).await.is_err());
    }

    #[tokio::test]
    async fn an_exemption_covers_only_its_addresses() {
        let names = Names::of_system();
        let exempt = Exemptions::parse("127.0.0.1/32, 10.0.0.0/8, ::1, http://localhost, http://127.0.0.1").unwrap();
        for (url, passes) in [
            ("http://127.0.0.1:9000/", true),
            ("https://10.1.2.3/", true),
            ("https://[::1]/", true),
            ("http://localhost:9000/", true),
            ("https://localhost/", true),
            ("https://127.0.0.2/", false),
            ("https://192.168.0.1/", false),
            ("http://10.1.2.3/", false),
        ] {
            assert_eq!(exempt.check(&names, &WebhookUrl::parse(url).unwrap()).await.is_ok(), passes, "{url}");
        }
    }

    #[test]
    fn a_text_that_is_not_an_exemption_is_refused() {
        assert_eq!(Exemptions::parse(" , "), Ok(Exemptions::default()));
        assert_eq!(Exemptions::parse("::ffff:10.0.0.0/104"), Exemptions::parse("10.0.0.0/8"));
        for bad in [
            "10.0.0.0/33",
            "localhost",
            "https://localhost",
            "http://",
            "http://a b",
            "http://*.internal",
            "10.0.0.0-10.0.0.9",
            "::ffff:0:0/64",
        ] {
            assert!(Exemptions::parse(bad).is_err(), "{bad}");
        }
    }
}
