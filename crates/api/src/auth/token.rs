//! Admin tokens: JWTs (RFC 7519) that this deployment signed with HS256, or that its identity provider signed.

use std::sync::Arc;

use actix_web::{HttpMessage, HttpRequest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use rally_domain::actor::Actor;
use rally_domain::id::WorkspaceId;
use rally_domain::port::Clock;
use rally_domain::text::Subject;
use rally_domain::timestamp::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::jwks::Jwks;
use super::provider_key::Signing;
use super::{Action, Scope};
use crate::boot::config::JwksConfig;
use crate::http::error::{ApiError, Code};
use crate::http::middleware::request_id::RequestId;

/// The most bytes of a token.
const MAX_TOKEN: usize = 8 * 1024;

/// How many seconds the clock of the signer may be ahead of ours. The expiry of a token is never extended.
const CLOCK_SKEW: f64 = 30.0;

/// The workspaces that a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkspaceClaim {
    /// All of them.
    Any,
    /// One.
    One(WorkspaceId),
}

/// The claims of a valid token or API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The bearer.
    pub actor: Actor,
    /// The workspaces.
    pub workspace: WorkspaceClaim,
    /// The allowed actions.
    pub scope: Scope,
}

impl Claims {
    /// Returns the same claims, whose actor names a request.
    pub fn in_request(self, request: &HttpRequest) -> Self {
        let id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
        Self { actor: self.actor.in_request(&id.unwrap_or_default()), ..self }
    }

    /// Whether the token is for a workspace.
    pub fn covers(&self, workspace: WorkspaceId) -> bool {
        match self.workspace {
            WorkspaceClaim::Any => true,
            WorkspaceClaim::One(mine) => mine == workspace,
        }
    }

    /// Refuses an action that the token does not allow. The message names the action.
    ///
    /// # Errors
    /// 403 if the token does not allow the action.
    pub fn require(&self, action: Action) -> Result<(), ApiError> {
        if self.scope.allows(action) {
            return Ok(());
        }
        let refusal = ApiError::new(Code::Forbidden, format!("this token does not allow {}", action.as_str()));
        Err(ApiError { action: Some(action), ..refusal })
    }
}

/// The claims of a token that Rally signs.
#[derive(Serialize)]
struct MintedClaims<'a> {
    sub: &'a str,
    iat: i64,
    exp: i64,
    workspace_id: String,
    scope: &'a str,
}

/// A token in its compact form (RFC 7515, section 3.1), split and not yet verified.
pub(super) struct Signed<'a> {
    pub(super) header: JoseHeader,
    /// The signed part: the header and the payload.
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
}

/// The header of a token. It is parsed here, because the library does not know `Ed25519` and ignores `crit`.
#[derive(Deserialize)]
pub(super) struct JoseHeader {
    pub(super) alg: String,
    pub(super) kid: Option<String>,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
}

fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl<'a> Signed<'a> {
    pub(super) fn parse(token: &'a str) -> Option<Self> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.').filter(|(_, payload)| !payload.contains('.'))?;
        let header: JoseHeader = from_base64(header)?;
        // A critical header must be refused if it is not understood (RFC 7515, section 4.1.11). Rally understands none.
        (!header.crit).then_some(Self { header, message, payload, signature })
    }

    pub(super) fn is_signed_by(&self, key: &DecodingKey, algorithm: Algorithm) -> bool {
        crypto::verify(self.signature, self.message.as_bytes(), key, algorithm).unwrap_or(false)
    }

    pub(super) fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        from_base64(self.payload)
    }
}

fn from_base64<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// The claims of a token, unchecked. A claim of another type counts as missing, except `nbf`, which makes the token invalid.
#[derive(Deserialize)]
struct RawClaims {
    sub: Option<Value>,
    exp: Option<Value>,
    nbf: Option<Value>,
    iss: Option<Value>,
    aud: Option<Value>,
    workspace_id: Option<Value>,
    scope: Option<Value>,
}

/// Signs and verifies tokens.
pub struct Authenticator {
    secret: SecretString,
    jwks: Option<(Jwks, JwksConfig)>,
    clock: Arc<dyn Clock>,
}

impl Authenticator {
    /// An authenticator that accepts tokens under a secret, and those of an identity provider if one is given.
    ///
    /// # Errors
    /// Fails if no HTTP client can be created to fetch the provider's keys.
    pub fn new(secret: SecretString, jwks: Option<JwksConfig>, clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        let jwks = jwks.map(|config| Jwks::new(config.url.clone()).map(|jwks| (jwks, config))).transpose()?;
        Ok(Self { secret, jwks, clock })
    }

    /// Signs a token that expires at an instant.
    ///
    /// # Errors
    /// Fails if it cannot be signed.
    pub fn mint(
        &self,
        subject: &str,
        workspace: WorkspaceId,
        scope: &str,
        expires: Timestamp,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let claims = MintedClaims {
            sub: subject,
            iat: self.clock.now().unix_millis().div_euclid(1000),
            exp: expires.unix_millis().div_euclid(1000),
            workspace_id: workspace.to_string(),
            scope,
        };
        let key = EncodingKey::from_secret(self.secret.expose_secret().as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
    }

    /// Verifies a token and returns its claims.
    ///
    /// # Errors
    /// 401 if the token is not valid. 503 if the identity provider's keys cannot be fetched.
    pub async fn verify(&self, token: &str) -> Result<Claims, ApiError> {
        if token.len() > MAX_TOKEN {
            return Err(invalid());
        }
        let signed = Signed::parse(token).ok_or_else(invalid)?;
        let claims = match (signed.header.alg.as_str(), &self.jwks) {
            ("HS256", _) => {
                let key = DecodingKey::from_secret(self.secret.expose_secret().as_bytes());
                if !signed.is_signed_by(&key, Algorithm::HS256) {
                    return Err(invalid());
                }
                signed.claims::<RawClaims>().ok_or_else(invalid)?
            }
            (name, Some((jwks, config))) => {
                // The header chooses the key, but the key determines its algorithm.
                let signing = Signing::of_name(name).ok_or_else(invalid)?;
                let keys = jwks.find(signed.header.kid.as_deref(), signing).await?;
                if !keys.iter().any(|key| signed.is_signed_by(key, signing.algorithm())) {
                    return Err(invalid());
                }
                let claims = signed.claims().ok_or_else(invalid)?;
                check_party(&claims, config)?;
                claims
            }
            (_, None) => return Err(invalid()),
        };
        self.check_times(&claims)?;
        accept(claims)
    }

    fn check_times(&self, claims: &RawClaims) -> Result<(), ApiError> {
        let now = self.clock.now().unix_millis() as f64 / 1000.0;
        let ends = claims.exp.as_ref().and_then(Value::as_f64).ok_or_else(invalid)?;
        let starts = match &claims.nbf {
            Some(nbf) => nbf.as_f64().ok_or_else(invalid)?,
            None => f64::NEG_INFINITY,
        };
        if now < ends && starts <= now + CLOCK_SKEW { Ok(()) } else { Err(invalid()) }
    }
}

fn check_party(claims: &RawClaims, config: &JwksConfig) -> Result<(), ApiError> {
    let issuer = claims.iss.as_ref().and_then(Value::as_str);
    let audience = |wanted: &str| match &claims.aud {
        Some(Value::String(audience)) => audience == wanted,
        Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience == wanted),
        _ => false,
    };
    let issued = config.issuer.as_deref().is_none_or(|wanted| issuer == Some(wanted));
    let meant = config.audience.as_deref().is_none_or(audience);
    if issued && meant { Ok(()) } else { Err(invalid()) }
}

fn accept(claims: RawClaims) -> Result<Claims, ApiError> {
    let text = |claim: Option<Value>| claim.and_then(|claim| claim.as_str().map(str::to_owned));
    let workspace = match text(claims.workspace_id).ok_or_else(invalid)?.as_str() {
        "*" => WorkspaceClaim::Any,
        id => WorkspaceClaim::One(WorkspaceId::parse(id).map_err(|_| invalid())?),
    };
    // Somebody who cannot be named in the audit log may change nothing.
    let subject = match claims.sub {
        None | Some(Value::Null) => None,
        Some(Value::String(subject)) if subject.trim().is_empty() => None,
        Some(Value::String(subject)) => Some(Subject::parse(&subject).map_err(|_| invalid())?),
        Some(_) => return Err(invalid()),
    };
    Ok(Claims { actor: Actor::token(subject), workspace, scope: Scope::parse(&text(claims.scope).unwrap_or_default()) })
}

/// The refusal of a token. All reasons have the same message, so that an attacker does not learn which part was wrong.
pub(super) fn invalid() -> ApiError {
    ApiError::new(Code::Unauthorized, "a valid bearer token is required")
}
