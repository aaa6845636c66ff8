//! Sign-in to the console through an identity provider: OpenID Connect, with an authorization code and PKCE.
//!
//! What a sign-in needs to remember is in an encrypted cookie of the browser that began it, so any process can complete it. The provider
//! must have verified the address, and `RALLY_OIDC_ADMINS` must name it.
//!
//! Not here: sessions, and the limit of failed tries.

mod admins;
mod id_token;
mod provider;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oauth2::{PkceCodeVerifier, RedirectUrl};
use rally_domain::email::Email;
use rally_domain::slug::Slug;
use rally_domain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use time::Duration;
use url::Url;

use self::id_token::BadClaim;
use self::provider::Provider;
use crate::boot::config::OidcConfig;
use crate::encryption::Sealer;
use crate::http::error::ApiError;

pub use self::admins::Admins;
pub use self::provider::ProviderError;

/// How long a person may take at the provider.
pub(super) const LIFETIME: Duration = Duration::minutes(10);

/// The most characters of a code, a state or another parameter that a provider sends.
const MAX_PARAMETER: usize = 4096;

/// The place that the cookie of a sign-in is encrypted for.
const PLACE: &[u8] = b"sign-in through a provider";

/// Signs people in through an identity provider.
pub struct Oidc {
    provider: Provider,
    admins: Admins,
    sealer: Sealer,
}

/// A sign-in that has begun, as the cookie keeps it.
#[derive(Serialize, Deserialize)]
struct Begun {
    state: String,
    nonce: String,
    verifier: String,
    /// The page of the console that the person asked for.
    next: String,
    /// The milliseconds since 1970 at which it is over.
    until: i64,
}

/// Where a sign-in begins.
pub struct Departure {
    /// The address at which the provider asks the person.
    pub url: Url,
    /// The value of the cookie.
    pub cookie: String,
}

/// What the provider sends back by the browser.
#[derive(Debug, Default, Deserialize)]
pub struct Callback {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
    iss: Option<String>,
}

/// What the provider sent back, of a sign-in that this browser has begun.
pub struct Answer {
    begun: Begun,
    code: String,
}

/// A person who may sign in.
pub struct Verified {
    /// The address.
    pub email: Email,
    /// The slug of the workspace. `None` means all of them.
    pub workspace: Option<Slug>,
    /// The page of the console that the person asked for.
    pub next: String,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The browser has not begun this sign-in, or it took too long, or it is over.
    #[error("this sign-in did not begin in this browser, or it took too long")]
    NotBegun,
    /// The person or the provider said no.
    #[error("the identity provider did not let the person in")]
    Denied,
    /// The provider could not be used.
    #[error("the identity provider cannot be used")]
    Provider(#[from] ProviderError),
    /// The address may not sign in.
    #[error("the address is not in RALLY_OIDC_ADMINS")]
    NotAllowed(Email),
    /// The workspace of the address in `RALLY_OIDC_ADMINS` does not exist.
    #[error("the workspace {0} in RALLY_OIDC_ADMINS does not exist")]
    NoWorkspace(Slug),
    /// Too many tries failed, or the store does.
    #[error("the sign-in cannot be tried")]
    Untried(ApiError),
}

impl From<ApiError> for OidcError {
    fn from(error: ApiError) -> Self {
        Self::Untried(error)
    }
}

impl OidcError {
    /// Whether the provider sent somebody who may not sign in, or a proof that is wrong. Else nobody has tried: any page can have a browser
    /// open the callback.
    pub fn is_wrong_try(&self) -> bool {
        match self {
            Self::NotAllowed(_) | Self::NoWorkspace(_) => true,
            // The settings or the clock of this server are wrong, not the person.
            Self::Provider(ProviderError::Refused("invalid_client" | "unauthorized_client")) => false,
            Self::Provider(ProviderError::Claim(claim)) => !matches!(claim, BadClaim::Issuer | BadClaim::Audience | BadClaim::Time),
            Self::Provider(ProviderError::Refused(_)) => true,
            Self::NotBegun | Self::Denied | Self::Provider(_) | Self::Untried(_) => false,
        }
    }

    /// Whether the provider has not verified the address of the person.
    pub const fn lacks_address(&self) -> bool {
        matches!(self, Self::Provider(ProviderError::Claim(BadClaim::NoAddress | BadClaim::Unverified)))
    }
}

impl Oidc {
    /// Sign-in through the provider of the settings, which sends people back to an address of this server.
    ///
    /// # Errors
    /// Fails if no HTTP client can be created.
    pub fn new(config: OidcConfig, callback: Url, sealer: Sealer) -> Result<Self, reqwest::Error> {
        let admins = config.admins.clone();
        Ok(Self { provider: Provider::new(config, RedirectUrl::from_url(callback))?, admins, sealer })
    }

    /// Begins a sign-in that leads to a page of the console.
    ///
    /// # Errors
    /// If the provider cannot be used.
    pub async fn begin(&self, now: Timestamp, next: String) -> Result<Departure, ProviderError> {
        let (state, nonce) = (random(), random());
        let (url, verifier) = self.provider.departure(&state, &nonce).await?;
        let begun = Begun { state, nonce, verifier: verifier.into_secret(), next, until: now.plus(LIFETIME).unix_millis() };
        let json = serde_json::to_vec(&begun).expect("texts serialise");
        Ok(Departure { url, cookie: URL_SAFE_NO_PAD.encode(self.sealer.seal(PLACE, &json)) })
    }

    /// Reads what the provider sent back to the browser.
    ///
    /// # Errors
    /// If the browser has not begun this sign-in, or somebody said no.
    pub fn read(&self, now: Timestamp, cookie: Option<&str>, callback: Callback) -> Result<Answer, OidcError> {
        let begun =
            cookie.and_then(|cookie| self.open(cookie)).filter(|begun| now.unix_millis() < begun.until).ok_or(OidcError::NotBegun)?;
        if callback.state.as_deref() != Some(&*begun.state) || !self.provider.is_issuer(callback.iss.as_deref()) {
            return Err(OidcError::NotBegun);
        }
        if callback.error.is_some() {
            return Err(OidcError::Denied);
        }
        let code = callback.code.filter(|code| (1..=MAX_PARAMETER).contains(&code.len())).ok_or(OidcError::NotBegun)?;
        Ok(Answer { begun, code })
    }

    /// Completes the sign-in of a cookie.
    ///
    /// # Errors
    /// If the cookie and the callback do not belong together, the provider cannot be used, or the person may not sign in.
    pub async fn complete(&self, now: Timestamp, Answer { begun, code }: Answer) -> Result<Verified, OidcError> {
        let claims = self.provider.exchange(code, PkceCodeVerifier::new(begun.verifier)).await?;
        let email = claims.check(&self.provider.expected(&begun.nonce, now)).map_err(ProviderError::from)?;
        match self.admins.find(&email) {
            Some(workspace) => Ok(Verified { workspace: workspace.cloned(), email, next: begun.next }),
            None => Err(OidcError::NotAllowed(email)),
        }
    }

    fn open(&self, cookie: &str) -> Option<Begun> {
        let sealed = Some(cookie).filter(|cookie| cookie.len() <= MAX_PARAMETER).and_then(|cookie| URL_SAFE_NO_PAD.decode(cookie).ok())?;
        serde_json::from_slice(&self.sealer.open(PLACE, &sealed).ok()?).ok()
    }
}

/// 256 random bits as text.
fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}
