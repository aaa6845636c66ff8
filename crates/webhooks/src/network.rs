//! Networks in the spelling of operators, and the form in which addresses are compared.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

/// The bits before an IPv4 address in its IPv6 form (RFC 4291, section 2.5.5.2).
const MAPPED: u8 = 96;

/// Reads a CIDR, or an address as a network of one address.
///
/// An IPv4-mapped network becomes the IPv4 network. The result is `None` for any other text, and for a mapped network that is wider than
/// all of IPv4, because its meaning is not defined.
pub fn parse_network(text: &str) -> Option<IpNet> {
    let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()?;
    match net {
        IpNet::V6(v6) => match v6.addr().to_ipv4_mapped() {
            Some(address) => Ipv4Net::new(address, v6.prefix_len().checked_sub(MAPPED)?).ok().map(IpNet::V4),
            None => Some(net),
        },
        IpNet::V4(_) => Some(net),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_network_becomes_the_ipv4_network() {
        for (given, means) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.0.0.1", "10.0.0.1/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("::ffff:10.0.0.1", "10.0.0.1/32"),
            ("::ffff:a00:1/128", "10.0.0.1/32"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::1", "::1/128"),
            ("fd00::/8", "fd00::/8"),
            ("::/0", "::/0"),
        ] {
            assert_eq!(parse_network(given).map(|net| net.to_string()).as_deref(), Some(means), "{given}");
        }
        for none in ["", "localhost", "10.0.0.0/33", "::/129", "::ffff:0:0/95", "::ffff:10.0.0.0/8", "10.0.0.1-10.0.0.9", "*"] {
            assert_eq!(parse_network(none), None, "{none}");
        }
    }
}
