//! The identity provider over HTTP: its discovery document, its token endpoint and its keys. Rally follows no redirect, waits 5 s for an
//! answer, and reads at most 256 KiB of one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oauth2::basic::{
    BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, ExtraTokenFields, HttpRequest,
    HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, StandardRevocableToken,
    StandardTokenResponse, TokenUrl,
};
use reqwest::{Request, Response};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use url::Url;

use super::id_token::{BadClaim, Expected, IdClaims};
use crate::auth::jwks::{Jwks, client_to};
use crate::auth::provider_key::Signing;
use crate::auth::token::Signed;
use crate::boot::config::OidcConfig;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes of an answer.
const MAX_BYTES: usize = 256 * 1024;
/// The most bytes of an ID token.
const MAX_TOKEN: usize = 16 * 1024;
/// How long a discovery document is used.
const FRESH: Duration = Duration::from_secs(60 * 60);

/// Why the provider could not be used. The text reveals neither an address nor a secret.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It cannot be reached, or takes too long.
    #[error("it does not answer")]
    NoAnswer(#[source] reqwest::Error),
    /// It answered with a status that is none of success.
    #[error("it answers with status {0}")]
    Status(u16),
    /// Its answer is too large.
    #[error("its answer is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// Its answer cannot be read.
    #[error("its answer cannot be read")]
    Malformed,
    /// Its discovery document names another issuer than the setting.
    #[error("its discovery document is that of another issuer than RALLY_OIDC_ISSUER")]
    OtherIssuer,
    /// An endpoint in its discovery document is not safe.
    #[error("its {0} is no https URL")]
    Endpoint(&'static str),
    /// It refused the code.
    #[error("it refuses the code: {0}")]
    Refused(&'static str),
    /// It gave no ID token.
    #[error("it gives no ID token")]
    NoIdToken,
    /// Its keys cannot be fetched.
    #[error("its keys cannot be fetched")]
    Keys,
    /// The ID token has no valid signature.
    #[error("the ID token has no valid signature of it")]
    Signature,
    /// The ID token is not as it must be.
    #[error(transparent)]
    Claim(#[from] BadClaim),
}

impl From<reqwest::Error> for ProviderError {
    fn from(error: reqwest::Error) -> Self {
        Self::NoAnswer(error.without_url())
    }
}

/// What Rally reads of a discovery document (OpenID Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// The field of a reply of the token endpoint that OpenID Connect adds.
#[derive(Debug, Serialize, Deserialize)]
struct IdTokenField {
    id_token: Option<String>,
}

impl ExtraTokenFields for IdTokenField {}

type OidcClient = oauth2::Client<
    BasicErrorResponse,
    StandardTokenResponse<IdTokenField, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// What a discovery document leads to.
#[derive(Clone)]
struct Known {
    client: Arc<OidcClient>,
    jwks_uri: Url,
    jwks: Arc<Jwks>,
    at: Instant,
}

/// The identity provider.
pub(super) struct Provider {
    config: OidcConfig,
    redirect_url: RedirectUrl,
    http: reqwest::Client,
    /// Locked only to read or write it, never during a request.
    known: Mutex<Option<Known>>,
}

impl Provider {
    pub(super) fn new(config: OidcConfig, redirect_url: RedirectUrl) -> Result<Self, reqwest::Error> {
        let http = client_to(&config.issuer, TIMEOUT)?;
        Ok(Self { config, redirect_url, http, known: Mutex::default() })
    }

    /// Returns the address at which the provider asks a person, and the secret of the exchange that follows.
    pub(super) async fn departure(&self, state: &str, nonce: &str) -> Result<(Url, PkceCodeVerifier), ProviderError> {
        let known = self.find().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let request = known.client.authorize_url(|| CsrfToken::new(state.to_owned())).set_pkce_challenge(challenge);
        let request = request.add_scope(Scope::new("openid".to_owned())).add_scope(Scope::new("email".to_owned()));
        let (url, _) = request.add_extra_param("nonce", nonce).url();
        Ok((url, verifier))
    }

    /// Exchanges a code for an ID token whose signature is the provider's, and returns its claims.
    pub(super) async fn exchange(&self, code: String, verifier: PkceCodeVerifier) -> Result<IdClaims, ProviderError> {
        let known = self.find().await?;
        let send = |request: HttpRequest| self.send(request);
        let reply = known.client.exchange_code(AuthorizationCode::new(code)).set_pkce_verifier(verifier).request_async(&send).await;
        let token = reply.map_err(refusal)?.extra_fields().id_token.clone().ok_or(ProviderError::NoIdToken)?;
        let signed = Some(&*token).filter(|token| token.len() <= MAX_TOKEN).and_then(Signed::parse).ok_or(ProviderError::Signature)?;
        let signing = Signing::of_id_token(&signed.header.alg).ok_or(ProviderError::Signature)?;
        let keys = known.jwks.find(signed.header.kid.as_deref(), signing).await.map_err(|_| ProviderError::Keys)?;
        if !keys.iter().any(|key| signed.is_signed_by(key, signing.algorithm())) {
            return Err(ProviderError::Signature);
        }
        signed.claims().ok_or(ProviderError::Malformed)
    }

    /// What the claims of a token of a sign-in must be.
    pub(super) fn expected<'a>(&'a self, nonce: &'a str, now: rally_domain::timestamp::Timestamp) -> Expected<'a> {
        Expected { issuer: &self.config.issuer, client_id: &self.config.client_id, nonce, now }
    }

    /// Whether a reply names the provider itself, if it names one (RFC 9207).
    pub(super) fn is_issuer(&self, issuer: Option<&str>) -> bool {
        issuer.is_none_or(|issuer| issuer == self.config.issuer)
    }

    /// Returns what the discovery document leads to. It is asked for once in an hour.
    async fn find(&self) -> Result<Known, ProviderError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.as_ref().filter(|known| known.at.elapsed() < FRESH) {
            return Ok(known.clone());
        }
        let document = self.discover().await?;
        let jwks_uri = self.endpoint("jwks_uri", &document.jwks_uri)?;
        let same = known.filter(|known| known.jwks_uri == jwks_uri);
        let jwks = same.map_or_else(|| Arc::new(Jwks::of_id_tokens(jwks_uri.clone(), self.http.clone())), |known| known.jwks);
        let fresh = Known { client: Arc::new(self.client(&document)?), jwks_uri, jwks, at: Instant::now() };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh.clone());
        Ok(fresh)
    }

    async fn discover(&self) -> Result<Document, ProviderError> {
        let base = self.config.issuer.trim_end_matches('/');
        let reply = self.http.get(format!("{base}/.well-known/openid-configuration")).send().await?;
        let document: Document = serde_json::from_slice(&read(reply).await?.1).map_err(|_| ProviderError::Malformed)?;
        if document.issuer == self.config.issuer { Ok(document) } else { Err(ProviderError::OtherIssuer) }
    }

    fn client(&self, document: &Document) -> Result<OidcClient, ProviderError> {
        let authorize = AuthUrl::from_url(self.endpoint("authorization_endpoint", &document.authorization_endpoint)?);
        let token = TokenUrl::from_url(self.endpoint("token_endpoint", &document.token_endpoint)?);
        // A provider that says nothing takes the secret in the header (OpenID Connect Discovery 1.0, section 3).
        let takes =
            |wanted: &str| document.token_endpoint_auth_methods_supported.as_ref().is_none_or(|all| all.iter().any(|one| one == wanted));
        let auth_type = if takes("client_secret_basic") { AuthType::BasicAuth } else { AuthType::RequestBody };
        Ok(oauth2::Client::new(ClientId::new(self.config.client_id.clone()))
            .set_client_secret(ClientSecret::new(self.config.client_secret.expose_secret().to_owned()))
            .set_auth_uri(authorize)
            .set_token_uri(token)
            .set_redirect_uri(self.redirect_url.clone())
            .set_auth_type(auth_type))
    }

    /// An endpoint. It may be plain http only if the issuer is, on the same machine.
    fn endpoint(&self, name: &'static str, text: &str) -> Result<Url, ProviderError> {
        let is_plain = self.config.issuer.starts_with("http:");
        let is_safe = |url: &Url| url.scheme() == "https" || (is_plain && url.scheme() == "http");
        Url::parse(text).ok().filter(is_safe).ok_or(ProviderError::Endpoint(name))
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, ProviderError> {
        let reply = self.http.execute(Request::try_from(request)?).await?;
        let (status, body) = read(reply).await?;
        let mut response = HttpResponse::new(body);
        *response.status_mut() = status;
        Ok(response)
    }
}

/// Reads an answer. A refusal of the request itself is left to the caller.
async fn read(mut reply: Response) -> Result<(reqwest::StatusCode, Vec<u8>), ProviderError> {
    let status = reply.status();
    if !status.is_success() && status != reqwest::StatusCode::BAD_REQUEST && status != reqwest::StatusCode::UNAUTHORIZED {
        return Err(ProviderError::Status(status.as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = reply.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_BYTES {
            return Err(ProviderError::TooLarge);
        }
    }
    Ok((status, body))
}

/// What a failed exchange means. Only the code of a refusal is kept, because other words are the provider's.
fn refusal(error: RequestTokenError<ProviderError, BasicErrorResponse>) -> ProviderError {
    match error {
        RequestTokenError::Request(error) => error,
        RequestTokenError::ServerResponse(refused) => ProviderError::Refused(match refused.error() {
            BasicErrorResponseType::InvalidClient => "invalid_client",
            BasicErrorResponseType::InvalidGrant => "invalid_grant",
            BasicErrorResponseType::InvalidRequest => "invalid_request",
            BasicErrorResponseType::InvalidScope => "invalid_scope",
            BasicErrorResponseType::UnauthorizedClient => "unauthorized_client",
            BasicErrorResponseType::UnsupportedGrantType => "unsupported_grant_type",
            BasicErrorResponseType::Extension(_) => "another error",
        }),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => ProviderError::Malformed,
    }
}
