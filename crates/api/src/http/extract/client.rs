//! Where a request comes from: the address of the connection or, where that is a proxy the operator trusts, the one it and
//! those before it tell of.
//!
//! Everything a client sends can be made up; what a trusted proxy adds comes last. So hops are read from the right, over all
//! lines of a header, and the first that is not a trusted proxy is the client, whatever stands before it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName};
use ipnet::IpNet;
use rally_webhooks::parse_network;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Proxies whose word is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Reads addresses and CIDRs with commas between.
    ///
    /// # Errors
    /// Gives what is neither.
    pub fn parse(list: &str) -> Result<Self, String> {
        let parse = |text: &str| parse_network(text).ok_or_else(|| text.to_owned());
        list.split(',').map(str::trim).filter(|text| !text.is_empty()).map(parse).collect::<Result<_, _>>().map(Self)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }

    /// The address of the client of a request.
    pub fn client(&self, request: &HttpRequest) -> Option<IpAddr> {
        request.peer_addr().map(|peer| self.behind(peer.ip(), request.headers()))
    }

    /// The client behind a connection: `X-Forwarded-For` where it is there, else `Forwarded` (RFC 7239). A proxy that speaks
    /// the second alone has to drop the first, or it lets a client speak for it.
    pub fn behind(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut nearest = peer.to_canonical();
        if !self.trusts(nearest) {
            return nearest;
        }
        let hops = if headers.contains_key(X_FORWARDED_FOR) { x_forwarded_for(headers) } else { forwarded(headers) };
        for hop in hops.iter().rev() {
            // Nobody knows what is behind a hop that is no address; the proxy that told of it is the nearest thing to a client.
            let Some(address) = hop else { break };
            nearest = *address;
            if !self.trusts(nearest) {
                break;
            }
        }
        nearest
    }
}

/// The lines of a header; one that is no text is a hop nobody can read.
fn lines(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).map(|line| line.to_str().unwrap_or("?"))
}

fn x_forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let hops = lines(headers, X_FORWARDED_FOR).flat_map(|line| line.split(','));
    hops.map(str::trim).filter(|hop| !hop.is_empty()).map(parse_hop).collect()
}

/// The `for` of every element (RFC 7239, section 4).
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    lines(headers, FORWARDED).flat_map(forwarded_line).collect()
}

/// A line with a quote that nobody closes is one hop that cannot be read: the client left it open, to hide what a proxy adds.
fn forwarded_line(line: &str) -> Vec<Option<IpAddr>> {
    let Some(elements) = split_unquoted(line, ',') else { return vec![None] };
    let elements = elements.into_iter().map(str::trim).filter(|element| !element.is_empty());
    elements.map(|element| parse_hop(forwarded_for(element)?)).collect()
}

fn forwarded_for(element: &str) -> Option<&str> {
    let pairs = split_unquoted(element, ';')?;
    let (_, value) = pairs.into_iter().filter_map(|pair| pair.split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    let value = value.trim();
    Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// Splits at a character that does not stand in a quoted string (RFC 9110, section 5.6.4); `None` where one does not end, or is
/// not all of a value: then nobody knows who opened it.
fn split_unquoted(text: &str, at: char) -> Option<Vec<&str>> {
    let (mut quoted, mut escaped, mut before, mut astray) = (false, false, '\0', false);
    let parts = text.split(|c| {
        astray |= !quoted
            && match before {
                '=' => false,
                // One has just ended.
                '"' => !matches!(c, ' ' | '\t' | ',' | ';'),
                _ => c == '"',
            };
        (quoted, escaped) = match c {
            _ if escaped => (quoted, false),
            '\\' => (quoted, quoted),
            '"' => (!quoted, false),
            _ => (quoted, false),
        };
        before = c;
        c == at && !quoted
    });
    let parts = parts.collect();
    (!quoted && !astray).then_some(parts)
}

/// An address with or without a port, an IPv6 address with or without brackets.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse::<IpAddr>().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}

/// What counts as one client: an address, or the network of an IPv6 address that one subscriber usually has (RFC 6177), /64.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn headers(lines: &[(&str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    #[test]
    fn the_first_hop_from_the_right_that_is_no_proxy_is_the_client() {
        let proxies = TrustedProxies::parse("10.0.0.0/8, 192.168.0.1, fd00::/8").unwrap();
        type Lines<'a> = &'a [(&'a str, &'a [u8])];
        let table: &[(&str, Lines<'_>, &str)] = &[
            // Without a proxy nothing is believed.
            ("203.0.113.9", &[("x-forwarded-for", b"198.51.100.1")], "203.0.113.9"),
            ("203.0.113.9", &[("forwarded", b"for=198.51.100.1")], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("::ffff:10.0.0.1", &[("x-forwarded-for", b"198.51.100.1")], "198.51.100.1"),
            ("10.0.0.1", &[("x-forwarded-for", b"198.51.100.1")], "198.51.100.1"),
            // What the client made up stands to the left of what the proxy added.
            ("10.0.0.1", &[("x-forwarded-for", b"1.1.1.1, 198.51.100.1")], "198.51.100.1"),
            ("10.0.0.1", &[("x-forwarded-for", b"1.1.1.1"), ("x-forwarded-for", b"198.51.100.1")], "198.51.100.1"),
            ("10.0.0.1", &[("x-forwarded-for", b"1.1.1.1, 198.51.100.1, 10.2.3.4, 192.168.0.1")], "198.51.100.1"),
            ("10.0.0.1", &[("x-forwarded-for", b"198.51.100.1"), ("x-forwarded-for", b"10.2.3.4")], "198.51.100.1"),
            ("10.0.0.1", &[("x-forwarded-for", b"1.1.1.1, 192.168.0.2, 10.2.3.4")], "192.168.0.2"),
            // Proxies all the way: whoever is farthest.
            ("10.0.0.1", &[("x-forwarded-for", b"10.9.9.9, 10.2.3.4")], "10.9.9.9"),
            // Ports, brackets, spaces, nothing.
            ("10.0.0.1", &[("x-forwarded-for", b"198.51.100.1:4711")], "198.51.100.1"),
            ("10.0.0.1", &[("x-forwarded-for", b"[2001:db8::1]:4711")], "2001:db8::1"),
            ("10.0.0.1", &[("x-forwarded-for", b"[2001:db8::1]")], "2001:db8::1"),
            ("10.0.0.1", &[("x-forwarded-for", b"2001:db8::1")], "2001:db8::1"),
            ("10.0.0.1", &[("x-forwarded-for", b" , 198.51.100.1 ,, ")], "198.51.100.1"),
            ("10.0.0.1", &[("x-forwarded-for", b"::ffff:198.51.100.1")], "198.51.100.1"),
            ("10.0.0.1", &[("x-forwarded-for", b"")], "10.0.0.1"),
            // What cannot be read hides what is behind it.
            ("10.0.0.1", &[("x-forwarded-for", b"1.1.1.1, unknown")], "10.0.0.1"),
            ("10.0.0.1", &[("x-forwarded-for", b"1.1.1.1, 198.51.100.1:x, 10.2.3.4")], "10.2.3.4"),
            ("10.0.0.1", &[("x-forwarded-for", b"1.1.1.1, \xff")], "10.0.0.1"),
            ("10.0.0.1", &[("x-forwarded-for", b"1.1.1.1, 198.51.100.1' OR 1=1")], "10.0.0.1"),
            ("10.0.0.1", &[("x-forwarded-for", b"0x7f.1")], "10.0.0.1"),
            // RFC 7239.
            ("10.0.0.1", &[("forwarded", b"for=198.51.100.1;proto=https;by=10.0.0.1")], "198.51.100.1"),
            ("10.0.0.1", &[("forwarded", b"proto=https; For=\"[2001:db8::1]:4711\"")], "2001:db8::1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1, for=198.51.100.1, for=10.2.3.4")], "198.51.100.1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1;host=\"a,b;for=2.2.2.2\"")], "1.1.1.1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1, for=_hidden")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1, for=unknown, for=10.2.3.4")], "10.2.3.4"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1, proto=https")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", b"for=\"198.51.100.1")], "10.0.0.1"),
            // A quote left open does not swallow what a proxy adds, on the same line or another.
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1;x=\", for=198.51.100.1")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1;x=\", for=\"[2001:db8::1]\"")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1;x=\"\\\", for=198.51.100.1")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1;x=\"\\, for=198.51.100.1")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1;x=\""), ("forwarded", b"for=198.51.100.1")], "198.51.100.1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1;x=\"a\\\"\", for=198.51.100.1")], "198.51.100.1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1;x=\"a\\\\\", for=198.51.100.1")], "198.51.100.1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1;x=\\\"\", for=198.51.100.1")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1;x=\", for=198.51.100.1;host=\"a\\\"b\"")], "10.0.0.1"),
            // One speaks for the other.
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1"), ("x-forwarded-for", b"198.51.100.1")], "198.51.100.1"),
            ("fd00::1", &[("x-forwarded-for", b"2001:db8::1, fd00::2")], "2001:db8::1"),
        ];
        for (peer, lines, client) in table {
            let found = proxies.behind(peer.parse().unwrap(), &headers(lines));
            assert_eq!(found, client.parse::<IpAddr>().unwrap(), "{peer} {lines:?}");
        }
    }

    #[test]
    fn an_ipv6_client_is_its_network() {
        for (address, counted) in [
            ("198.51.100.1", "198.51.100.1"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
            ("2001:db8:1:3::", "2001:db8:1:3::"),
        ] {
            assert_eq!(network(address.parse().unwrap()), counted.parse::<IpAddr>().unwrap(), "{address}");
        }
    }

    #[test]
    fn a_list_of_proxies_has_addresses_and_networks() {
        assert_eq!(TrustedProxies::parse(" , "), Ok(TrustedProxies::default()));
        assert_eq!(TrustedProxies::parse("::ffff:10.0.0.0/104,::ffff:192.168.0.1"), TrustedProxies::parse("10.0.0.0/8,192.168.0.1"));
        let headers = headers(&[("x-forwarded-for", b"198.51.100.1")]);
        for peer in ["10.2.3.4", "::ffff:10.2.3.4"] {
            let proxies = TrustedProxies::parse("::ffff:10.0.0.0/104").unwrap();
            assert_eq!(proxies.behind(peer.parse().unwrap(), &headers), "198.51.100.1".parse::<IpAddr>().unwrap());
        }
        for bad in ["10.0.0.0/33", "localhost", "10.0.0.1-10.0.0.9", "*", "::ffff:10.0.0.0/90"] {
            assert_eq!(TrustedProxies::parse(&format!("::1,{bad}")), Err(bad.to_owned()));
        }
    }
}
