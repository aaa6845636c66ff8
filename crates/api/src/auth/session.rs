//! Sessions of the console: tokens, and signing in by a link, by an API key or through an identity provider.
//!
//! A token is the id of its object and 128 random bits. The store has only a hash of it. Every try to sign in counts as failed until it
//! has succeeded, so that tries at once are limited too.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rally_domain::actor::Actor;
use rally_domain::command::{BeginSession, CreateSignInLink, NoteUse, SpendLink, TrySignIn};
use rally_domain::error::Fault;
use rally_domain::id::{LinkId, SessionId, WorkspaceId};
use rally_domain::port::Ports;
use rally_domain::session::{Session, SignInLink, TokenHash};
use rally_domain::text::Subject;
use rally_domain::uuid::Uuid;
use sha2::{Digest, Sha256};

use super::oidc::{Answer, Verified};
use super::token::{Claims, WorkspaceClaim, invalid};
use super::{Callback, Oidc, OidcError, Scope, find_api_key};
use crate::chain::chain;
use crate::http::error::{ApiError, Code};

/// Bytes of a token: an id, and as many random bytes.
const BYTES: usize = 32;

/// A token of a session or of a link.
struct SessionToken {
    id: Uuid,
    text: String,
    hash: TokenHash,
}

impl SessionToken {
    /// Makes the token of a new object.
    fn issue(id: Uuid) -> Self {
        let mut bytes = [0; BYTES];
        bytes[..16].copy_from_slice(id.as_bytes());
        bytes[16..].copy_from_slice(&rand::random::<[u8; 16]>());
        Self::of(id, &bytes)
    }

    /// Reads a token. Only its hash says whether it is one that was issued.
    fn parse(text: &str) -> Option<Self> {
        // A token has 43 characters. A longer text is refused before any work on it.
        let bytes = Some(text).filter(|text| text.len() == 43).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())?;
        let bytes: [u8; BYTES] = bytes.try_into().ok()?;
        Some(Self::of(Uuid::from_slice(&bytes[..16]).ok()?, &bytes))
    }

    fn of(id: Uuid, bytes: &[u8; BYTES]) -> Self {
        Self { id, text: URL_SAFE_NO_PAD.encode(bytes), hash: TokenHash::new(Sha256::digest(bytes).into()) }
    }
}

/// A session that has just begun, and its token.
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// The token, for the cookie.
    pub token: String,
}

/// Makes a link that begins a session of a workspace, or of all workspaces. Returns its token.
///
/// # Errors
/// Fails if the store does.
pub async fn create_sign_in_link(ports: &Ports, workspace_id: Option<WorkspaceId>, actor: Actor) -> Result<String, Fault> {
    let token = SessionToken::issue(ports.ids.uuid());
    let link = SignInLink { id: LinkId::new(token.id), token: token.hash, workspace_id, created_at: ports.clock.now() };
    ports.sessions.create_link(CreateSignInLink { link, actor }).await?;
    Ok(token.text)
}

/// Whether the token of a link still begins a session. Nothing changes.
///
/// # Errors
/// Fails if the store does.
pub async fn is_usable(ports: &Ports, token: &str) -> Result<bool, Fault> {
    let Some(token) = SessionToken::parse(token) else { return Ok(false) };
    let link = ports.sessions.find_link(LinkId::new(token.id), ports.clock.now()).await?;
    Ok(link.is_some_and(|link| link.token == token.hash))
}

/// Begins a session with the token of a link.
///
/// # Errors
/// 404 if there is no such link. 429 if too many tries of the client failed.
pub async fn sign_in_by_link(ports: &Ports, client: Option<IpAddr>, token: &str) -> Result<SignedIn, ApiError> {
    let tried = begin_try(ports, client).await?;
    let no_link = || ApiError::new(Code::LinkNotFound, "this link has been used or has expired");
    let link = SessionToken::parse(token).ok_or_else(no_link)?;
    let token = SessionToken::issue(ports.ids.uuid());
    let (session_id, session_token, now) = (SessionId::new(token.id), token.hash, ports.clock.now());
    let spend = SpendLink { id: LinkId::new(link.id), token: link.hash, session_id, session_token, now };
    let session = ports.sessions.spend_link(spend).await?;
    forgive(ports, tried).await;
    Ok(SignedIn { session, token: token.text })
}

/// Begins a session with an API key. It may do what the key may do.
///
/// # Errors
/// 401 if there is no such key. 429 if too many tries of the client failed.
pub async fn sign_in_by_key(ports: &Ports, client: Option<IpAddr>, key: &str) -> Result<SignedIn, ApiError> {
    let tried = begin_try(ports, client).await?;
    let key = find_api_key(&*ports.api_keys, key).await?;
    let token = SessionToken::issue(ports.ids.uuid());
    let now = ports.clock.now();
    let session = Session {
        id: SessionId::new(token.id),
        token: token.hash,
        workspace_id: Some(key.workspace_id),
        person: Subject::from_stored(key.name.to_string()),
        scope: key.scope,
        api_key_id: Some(key.id),
        created_at: now,
        seen_at: now,
    };
    ports.sessions.begin(BeginSession { session: session.clone() }).await?;
    forgive(ports, tried).await;
    Ok(SignedIn { session, token: token.text })
}

/// Begins a session with what an identity provider sends back. Returns it with the page of the console that was asked for.
///
/// # Errors
/// If the person may not sign in, the provider cannot be used, or too many tries of the client failed.
pub async fn sign_in_by_provider(
    ports: &Ports,
    oidc: &Oidc,
    client: Option<IpAddr>,
    (cookie, callback): (Option<&str>, Callback),
) -> Result<(SignedIn, String), OidcError> {
    let now = ports.clock.now();
    let answer = oidc.read(now, cookie, callback)?;
    let tried = begin_try(ports, client).await?;
    let (verified, workspace_id) = match verify(ports, oidc, answer).await {
        Err(error) if !error.is_wrong_try() => {
            forgive(ports, tried).await;
            return Err(error);
        }
        verified => verified?,
    };
    let token = SessionToken::issue(ports.ids.uuid());
    let session = Session {
        id: SessionId::new(token.id),
        token: token.hash,
        workspace_id,
        person: Subject::from_stored(verified.email.to_string()),
        scope: "*".to_owned(),
        api_key_id: None,
        created_at: now,
        seen_at: now,
    };
    ports.sessions.begin(BeginSession { session: session.clone() }).await.map_err(ApiError::from)?;
    forgive(ports, tried).await;
    Ok((SignedIn { session, token: token.text }, verified.next))
}

/// Returns the person that the provider sends, and their workspace.
async fn verify(ports: &Ports, oidc: &Oidc, answer: Answer) -> Result<(Verified, Option<WorkspaceId>), OidcError> {
    let verified = oidc.complete(ports.clock.now(), answer).await?;
    let Some(slug) = verified.workspace.clone() else { return Ok((verified, None)) };
    match ports.workspaces.find_by_slug(&slug).await.map_err(ApiError::from)? {
        Some(workspace) => Ok((verified, Some(workspace.id))),
        None => Err(OidcError::NoWorkspace(slug)),
    }
}

async fn begin_try(ports: &Ports, client: Option<IpAddr>) -> Result<TrySignIn, ApiError> {
    let tried = TrySignIn { client: ports.links.secret().hash_client(client), now: ports.clock.now() };
    ports.sessions.try_sign_in(tried).await?;
    Ok(tried)
}

/// Notes that a try did not fail. If that is impossible, it counts as failed for a while, and what the person came for is done all the
/// same.
async fn forgive(ports: &Ports, tried: TrySignIn) {
    if let Err(fault) = ports.sessions.forgive(tried).await {
        tracing::warn!(cause = %chain(&fault), "a sign-in counts as failed");
    }
}

/// Finds the session of a token, and notes that it is used.
///
/// # Errors
/// 401 if there is none, or it is over.
pub async fn find_session(ports: &Ports, token: &str) -> Result<Session, ApiError> {
    let (token, now) = (SessionToken::parse(token).ok_or_else(invalid)?, ports.clock.now());
    let session = ports.sessions.find(SessionId::new(token.id), now).await?;
    let session = session.filter(|session| session.token == token.hash).ok_or_else(invalid)?;
    if session.is_to_be_noted(now) {
        ports.sessions.note_use(NoteUse { id: session.id, now }).await?;
    }
    Ok(session)
}

impl From<&Session> for Claims {
    fn from(session: &Session) -> Self {
        Self {
            actor: Actor::session(session),
            workspace: session.workspace_id.map_or(WorkspaceClaim::Any, WorkspaceClaim::One),
            scope: Scope::parse(&session.scope),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_another_text_does_not() {
        let id = Uuid::from_u128(7);
        let (one, other) = (SessionToken::issue(id), SessionToken::issue(id));
        let read = SessionToken::parse(&one.text).unwrap();
        assert_eq!((read.id, read.hash), (id, one.hash));
        assert_ne!(one.hash, other.hash);
        for bad in ["", "x", &one.text[1..], &format!("{}A", one.text), &"é".repeat(22), &" ".repeat(43)] {
            assert!(SessionToken::parse(bad).is_none(), "{bad:?}");
        }
    }
}
