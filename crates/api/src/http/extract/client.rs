//! The address of a client: the peer of the connection, or if that is a trusted proxy, the address that the proxies report.
//!
//! A client can invent everything that it sends, but a trusted proxy appends at the end. So hops are read from the right, over all
//! lines of a header. The first hop that is not a trusted proxy is the client. Everything to its left is ignored.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName};
use ipnet::IpNet;
use rally_webhooks::parse_network;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies that are trusted to name the client of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Parses comma-separated addresses and CIDRs.
    ///
    /// # Errors
    /// Returns the text that is neither.
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

    /// The address of the client of a request, unless it is that of a trusted proxy, which stands for many people.
    pub fn origin(&self, request: &HttpRequest) -> Option<IpAddr> {
        self.client(request).filter(|address| !self.trusts(*address))
    }

    /// The client behind a connection: from `X-Forwarded-For` if the request has it, else from `Forwarded` (RFC 7239). A proxy that
    /// writes only `Forwarded` must remove `X-Forwarded-For`, or clients can set their own address.
    pub fn behind(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut nearest = peer.to_canonical();
        if !self.trusts(nearest) {
            return nearest;
        }
        let hops = if headers.contains_key(X_FORWARDED_FOR) { x_forwarded_for(headers) } else { forwarded(headers) };
        for hop in hops.iter().rev() {
            // An unreadable hop hides everything behind it. The proxy that reported it counts as the client.
            let Some(address) = hop else { break };
            nearest = *address;
            if !self.trusts(nearest) {
                break;
            }
        }
        nearest
    }
}

/// The lines of a header. A line that is not text becomes an unreadable hop.
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

/// The hops of a line. A line with an unclosed quote is one unreadable hop: a client may have opened it to hide what a proxy appends.
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

/// Splits at a character outside of quoted strings (RFC 9110, section 5.6.4). Returns `None` if a quoted string does not end, or is only
/// a part of a value: then it is unknown who opened it.
fn split_unquoted(text: &str, at: char) -> Option<Vec<&str>> {
    let (mut quoted, mut escaped, mut before, mut astray) = (false, false, '\0', false);
    let parts = text.split(|c| {
        astray |= !quoted
            && match before {
                '=' => false,
                // A quoted string has just ended.
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

/// Parses an address with or without a port. An IPv6 address may have brackets.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse::<IpAddr>().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}

/// The key of a client for limits: an IPv4 address, or the /64 of an IPv6 address, which one subscriber usually has (RFC 6177).
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
            // Without a trusted proxy, headers are ignored.
            ("203.0.113.9", &[("x-forwarded-for", b"198.51.100.1")], "203.0.113.9"),
            ("203.0.113.9", &[("forwarded", b"for=198.51.100.1")], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("::ffff:10.0.0.1", &[("x-forwarded-for", b"198.51.100.1")], "198.51.100.1"),
            ("10.0.0.1", &[("x-forwarded-for", b"198.51.100.1")], "198.51.100.1"),
            // Invented hops are to the left of those that a proxy appended.
            ("10.0.0.1", &[("x-forwarded-for", b"1.1.1.1, 198.51.100.1")], "198.51.100.1"),
            ("10.0.0.1", &[("x-forwarded-for", b"1.1.1.1"), ("x-forwarded-for", b"198.51.100.1")], "198.51.100.1"),
            ("10.0.0.1", &[("x-forwarded-for", b"1.1.1.1, 198.51.100.1, 10.2.3.4, 192.168.0.1")], "198.51.100.1"),
            ("10.0.0.1", &[("x-forwarded-for", b"198.51.100.1"), ("x-forwarded-for", b"10.2.3.4")], "198.51.100.1"),
            ("10.0.0.1", &[("x-forwarded-for", b"1.1.1.1, 192.168.0.2, 10.2.3.4")], "192.168.0.2"),
            // If all hops are proxies, the farthest one is the client.
            ("10.0.0.1", &[("x-forwarded-for", b"10.9.9.9, 10.2.3.4")], "10.9.9.9"),
            // Ports, brackets, spaces, empty hops.
            ("10.0.0.1", &[("x-forwarded-for", b"198.51.100.1:4711")], "198.51.100.1"),
            ("10.0.0.1", &[("x-forwarded-for", b"[2001:db8::1]:4711")], "2001:db8::1"),
            ("10.0.0.1", &[("x-forwarded-for", b"[2001:db8::1]")], "2001:db8::1"),
            ("10.0.0.1", &[("x-forwarded-for", b"2001:db8::1")], "2001:db8::1"),
            ("10.0.0.1", &[("x-forwarded-for", b" , 198.51.100.1 ,, ")], "198.51.100.1"),
            ("10.0.0.1", &[("x-forwarded-for", b"::ffff:198.51.100.1")], "198.51.100.1"),
            ("10.0.0.1", &[("x-forwarded-for", b"")], "10.0.0.1"),
            // An unreadable hop hides what is behind it.
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
            // An unclosed quote does not swallow what a proxy appends, on the same line or another.
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1;x=\", for=198.51.100.1")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1;x=\", for=\"[2001:db8::1]\"")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1;x=\"\\\", for=198.51.100.1")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1;x=\"\\, for=198.51.100.1")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1;x=\""), ("forwarded", b"for=198.51.100.1")], "198.51.100.1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1;x=\"a\\\"\", for=198.51.100.1")], "198.51.100.1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1;x=\"a\\\\\", for=198.51.100.1")], "198.51.100.1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1;x=\\\"\", for=198.51.100.1")], "10.0.0.1"),
            ("10.0.0.1", &[("forwarded", b"for=1.1.1.1;x=\", for=198.51.100.1;host=\"a\\\"b\"")], "10.0.0.1"),
            // `X-Forwarded-For` wins.
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
