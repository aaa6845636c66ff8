//! Networks as operators write them, in the form that addresses are compared in.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

/// The bits before an IPv4 address that is written as an IPv6 one (RFC 4291, section 2.5.5.2).
const MAPPED: u8 = 96;

/// Reads a CIDR, or an address as the network of itself. An IPv4-mapped one is the IPv4 one. `None` for what is neither, and for a
/// mapped network wider than all of IPv4: nobody can say what it means.
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
    fn a_mapped_network_is_the_ipv4_one() {
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
