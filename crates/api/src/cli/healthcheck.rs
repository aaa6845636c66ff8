//! `rally healthcheck`: asks a running server whether it is ready.

use std::net::{Ipv4Addr, Ipv6Addr};

use rally_domain::error::Fault;

use super::failure::Failure;
use crate::boot::config::Config;

/// How long the server may take to answer.
const HEALTHCHECK: std::time::Duration = std::time::Duration::from_secs(4);

pub(super) async fn run(config: &Config) -> Result<(), Failure> {
    let mut address = config.bind;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    let client = reqwest::Client::builder().no_proxy().timeout(HEALTHCHECK).build().map_err(Fault::unexpected)?;
    let failed = |error: reqwest::Error| Failure::Refused(format!("{address} does not answer: {}", error.without_url()));
    let answer = client.get(format!("http://{address}/readyz")).send().await.map_err(failed)?;
    if answer.status().is_success() { Ok(()) } else { Err(Failure::Refused(format!("{address} is not ready: {}", answer.status()))) }
}
