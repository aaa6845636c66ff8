//! Forwarded headers: only those of a trusted proxy count, and no header breaks the reader.
#![no_main]

use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use rally_api::http::extract::client::{TrustedProxies, network};

fuzz_target!(|lines: Vec<(bool, Vec<u8>)>| {
    let mut headers = HeaderMap::new();
    for (standard, line) in lines {
        let name = if standard { FORWARDED } else { HeaderName::from_static("x-forwarded-for") };
        if let Ok(value) = HeaderValue::from_bytes(&line) {
            headers.append(name, value);
        }
    }
    let proxies = TrustedProxies::parse("10.0.0.0/8").expect("a network");
    let stranger = "203.0.113.9".parse().expect("an address");
    assert_eq!(proxies.behind(stranger, &headers), stranger);
    let client = proxies.behind("10.0.0.1".parse().expect("an address"), &headers);
    assert_eq!(network(network(client)), network(client));
});
