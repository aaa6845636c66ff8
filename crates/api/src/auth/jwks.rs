//! The keys of an identity provider (RFC 7517), fetched when they are needed and kept for a while.

use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey};
use rally_domain::error::Fault;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use crate::error::ApiError;

/// How long fetched keys are used without asking again.
const FRESH: Duration = Duration::from_secs(10 * 60);
/// The least time between two fetches, so that tokens with made-up key ids cost the provider nothing.
const FLOOR: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(5);
/// Most bytes of a key set.
const MAX_BYTES: usize = 256 * 1024;

pub(super) struct Jwks {
    url: Url,
    client: reqwest::Client,
    fetched: Mutex<Option<Fetched>>,
}

struct Fetched {
    keys: Option<JwkSet>,
    at: Instant,
}

impl Jwks {
    pub(super) fn new(url: Url) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        Ok(Self { url, client, fetched: Mutex::new(None) })
    }

    /// The key of that id, and the algorithm it is for; without an id, the only key there is.
    pub(super) async fn find(&self, kid: Option<&str>) -> Result<Option<(DecodingKey, Algorithm)>, ApiError> {
        // Held while fetching: everybody who waits for the same keys waits for one fetch.
        let mut fetched = self.fetched.lock().await;
        let known = fetched.as_ref().and_then(|fetched| fetched.keys.as_ref()).and_then(|keys| pick(keys, kid));
        let age = fetched.as_ref().map(|fetched| fetched.at.elapsed());
        let stale = match age {
            None => true,
            Some(age) => age >= FRESH || (known.is_none() && age >= FLOOR),
        };
        if !stale {
            let without_keys = fetched.as_ref().is_some_and(|fetched| fetched.keys.is_none());
            return if without_keys { Err(unreachable("the keys could not be fetched a moment ago")) } else { Ok(known) };
        }
        match self.fetch().await {
            Ok(keys) => {
                let found = pick(&keys, kid);
                *fetched = Some(Fetched { keys: Some(keys), at: Instant::now() });
                Ok(found)
            }
            Err(fault) => {
                let keys = fetched.take().and_then(|fetched| fetched.keys);
                *fetched = Some(Fetched { keys, at: Instant::now() });
                // Keys we have go on being good for those who signed with them.
                known.map(Some).ok_or_else(|| ApiError::from(fault))
            }
        }
    }

    async fn fetch(&self) -> Result<JwkSet, Fault> {
        let unavailable = |error: reqwest::Error| Fault::unavailable(error.without_url());
        let reply = self.client.get(self.url.clone()).send().await.and_then(reqwest::Response::error_for_status);
        let mut reply = reply.map_err(unavailable)?;
        let mut body = Vec::new();
        while let Some(chunk) = reply.chunk().await.map_err(unavailable)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BYTES {
                return Err(Fault::unavailable("the key set is too large"));
            }
        }
        serde_json::from_slice(&body).map_err(Fault::unavailable)
    }
}

fn unreachable(message: &'static str) -> ApiError {
    Fault::unavailable(message).into()
}

fn pick(keys: &JwkSet, kid: Option<&str>) -> Option<(DecodingKey, Algorithm)> {
    let jwk = match (kid, keys.keys.as_slice()) {
        (Some(kid), _) => keys.find(kid)?,
        (None, [only]) => only,
        (None, _) => return None,
    };
    Some((DecodingKey::from_jwk(jwk).ok()?, algorithm(jwk)?))
}

/// The one algorithm a key is used with; keys of other kinds are not used.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Some(Algorithm::RS256),
        AlgorithmParameters::EllipticCurve(parameters) if parameters.curve == EllipticCurve::P256 => Some(Algorithm::ES256),
        AlgorithmParameters::OctetKeyPair(parameters) if parameters.curve == EllipticCurve::Ed25519 => Some(Algorithm::EdDSA),
        _ => None,
    }
}
