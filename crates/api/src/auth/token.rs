//! Admin tokens: JWTs (RFC 7519) that this deployment signed with HS256, or that its identity provider signed.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use rally_domain::id::WorkspaceId;
use rally_domain::port::Clock;
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

/// Most bytes of a token.
const MAX_TOKEN: usize = 8 * 1024;

/// How far the clock of whoever signed a token may be ahead of ours, in seconds; a token's end is never stretched.
const CLOCK_SKEW: f64 = 30.0;

/// Which workspaces a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkspaceClaim {
    /// All of them.
    Any,
    /// One.
    One(WorkspaceId),
}

/// What a valid token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who calls.
    pub subject: Option<String>,
    /// For which workspaces.
    pub workspace: WorkspaceClaim,
    /// What they may do.
    pub scope: Scope,
}

impl Claims {
    /// Whether the token is for a workspace.
    pub fn covers(&self, workspace: WorkspaceId) -> bool {
        match self.workspace {
            WorkspaceClaim::Any => true,
            WorkspaceClaim::One(mine) => mine == workspace,
        }
    }

    /// Refuses with 403, naming the action, where the token does not allow it.
    ///
    /// # Errors
    /// When it does not.
    pub fn require(&self, action: Action) -> Result<(), ApiError> {
        if self.scope.allows(action) {
            return Ok(());
        }
        Err(ApiError::new(Code::Forbidden, format!("this token does not allow {}", action.as_str())))
    }
}

/// The claims of a token Rally makes.
#[derive(Serialize)]
struct MintedClaims<'a> {
    sub: &'a str,
    iat: i64,
    exp: i64,
    workspace_id: String,
    scope: &'a str,
}

/// A token in its compact form (RFC 7515, section 3.1), taken apart and not yet verified.
struct Signed<'a> {
    header: JoseHeader,
    /// What is signed.
    message: &'a str,
    payload: &'a str,
    signature: &'a str,
}

/// The header of a token. It is read here, since the library knows no `Ed25519` and passes over `crit`.
#[derive(Deserialize)]
struct JoseHeader {
    alg: String,
    kid: Option<String>,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
}

fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl<'a> Signed<'a> {
    fn parse(token: &'a str) -> Option<Self> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, payload) = message.split_once('.').filter(|(_, payload)| !payload.contains('.'))?;
        let header: JoseHeader = from_base64(header)?;
        // Whoever does not understand what is critical must refuse it (RFC 7515, section 4.1.11), and nothing is understood here.
        (!header.crit).then_some(Self { header, message, payload, signature })
    }

    fn is_signed_by(&self, key: &DecodingKey, algorithm: Algorithm) -> bool {
        crypto::verify(self.signature, self.message.as_bytes(), key, algorithm).unwrap_or(false)
    }

    fn claims(&self) -> Option<RawClaims> {
        from_base64(self.payload)
    }
}

fn from_base64<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// The claims of a token as they came; what is of another type is as if it were not there.
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

/// Checks tokens, and makes them.
pub struct Authenticator {
    secret: SecretString,
    jwks: Option<(Jwks, JwksConfig)>,
    clock: Arc<dyn Clock>,
}

impl Authenticator {
    /// An authenticator that takes tokens under a secret, and those of an identity provider where one is given.
    ///
    /// # Errors
    /// When no HTTP client can be made to fetch the provider's keys.
    pub fn new(secret: SecretString, jwks: Option<JwksConfig>, clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        let jwks = jwks.map(|config| Jwks::new(config.url.clone()).map(|jwks| (jwks, config))).transpose()?;
        Ok(Self { secret, jwks, clock })
    }

    /// Makes a token that ends at an instant.
    ///
    /// # Errors
    /// When it cannot be signed.
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

    /// The claims of a valid token.
    ///
    /// # Errors
    /// 401 when it is not valid, 503 when the identity provider's keys cannot be had.
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
                signed.claims().ok_or_else(invalid)?
            }
            (name, Some((jwks, config))) => {
                // The header chooses among keys, never what a key is used for.
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
    Ok(Claims { subject: text(claims.sub), workspace, scope: Scope::parse(&text(claims.scope).unwrap_or_default()) })
}

/// One message for every reason: which part of a token was wrong is nobody's business.
pub(super) fn invalid() -> ApiError {
    ApiError::new(Code::Unauthorized, "a valid bearer token is required")
}
