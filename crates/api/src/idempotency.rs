//! `Idempotency-Key`: a client may repeat a request, and Rally carries it out once.
//!
//! The transaction of a successful request also stores its reply, encrypted. So either both exist or neither does. If the client
//! repeats the request, it gets the stored reply byte for byte. A failed request stores nothing.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName};
use rally_domain::access::{IdempotencyKey, Receipt, RequestScope, StoredReply};
use rally_domain::error::Fault;
use rally_domain::id::WorkspaceId;
use rally_domain::port::Ports;
use serde::Serialize;

use crate::encryption::Sealer;
use crate::fingerprint::fingerprint;
use crate::http::body::Document;
use crate::http::error::{ApiError, Code};

/// The header of a replayed reply.
pub const IDEMPOTENT_REPLAY: HeaderName = HeaderName::from_static("idempotent-replay");

/// A successful reply, as it is sent and stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    status: StatusCode,
    body: Vec<u8>,
}

impl Reply {
    /// A reply of 201 with a JSON body.
    pub fn created(view: &impl Serialize) -> Self {
        Self { status: StatusCode::CREATED, body: serde_json::to_vec(view).expect("a view is JSON") }
    }

    fn to_bytes(&self) -> Vec<u8> {
        [&self.status.as_u16().to_be_bytes()[..], &self.body].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (status, body) = bytes.split_first_chunk::<2>()?;
        Some(Self { status: StatusCode::from_u16(u16::from_be_bytes(*status)).ok()?, body: body.to_vec() })
    }

    fn send(self) -> HttpResponse {
        HttpResponse::build(self.status).insert_header((CONTENT_TYPE, "application/json")).body(self.body)
    }
}

/// A request that may be repeated.
pub struct Request<'a> {
    /// The workspace of the request.
    pub workspace_id: WorkspaceId,
    /// The route, with the ids in its path.
    pub route: String,
    /// The client's key, if the request has one.
    pub key: Option<IdempotencyKey>,
    /// The body, if the route has one.
    pub body: Option<&'a Document>,
}

/// Carries out requests with an idempotency key once.
pub struct Idempotency {
    sealer: Sealer,
    running: Arc<Mutex<HashSet<RequestScope>>>,
}

impl Idempotency {
    /// Encrypts stored replies with a sealer.
    pub fn new(sealer: Sealer) -> Self {
        Self { sealer, running: Arc::default() }
    }

    /// Carries out a request. If a request with its key was carried out before, returns the stored reply instead.
    ///
    /// `command` makes the change, and stores the receipt in the same transaction. `render` makes the reply from the result. If another
    /// process runs the same request, this one waits for it. If this process runs it already, the answer is 409.
    ///
    /// # Errors
    /// 409 if the key was used for another body, or its request is still running. Also every error of `command`.
    pub async fn once<T>(
        &self,
        ports: &Ports,
        request: Request<'_>,
        render: impl Fn(&T) -> Reply + Clone + Send + Sync + 'static,
        command: impl AsyncFnOnce(Option<Receipt<T>>) -> Result<T, ApiError>,
    ) -> Result<HttpResponse, ApiError> {
        let Request { workspace_id, route, key, body } = request;
        let Some(key) = key else { return Ok(render(&command(None).await?).send()) };
        let scope = RequestScope { workspace_id, route, key };
        let fingerprint = fingerprint(body)?;
        if let Some(reply) = self.replay(ports, &scope, fingerprint).await? {
            return Ok(reply);
        }
        let _turn = Turn::take(&self.running, &scope)
            .ok_or_else(|| ApiError::new(Code::IdempotencyInProgress, "a request with this idempotency key is still running"))?;
        let receipt = self.receipt(ports, &scope, fingerprint, render.clone());
        match command(Some(receipt)).await {
            Ok(effect) => Ok(render(&effect).send()),
            // Another process carried out the request while this one waited.
            Err(error) if error.code == Code::IdempotencyInProgress => self.replay(ports, &scope, fingerprint).await?.ok_or(error),
            Err(error) => Err(error),
        }
    }

    fn receipt<T>(
        &self,
        ports: &Ports,
        scope: &RequestScope,
        fingerprint: [u8; 32],
        render: impl Fn(&T) -> Reply + Send + Sync + 'static,
    ) -> Receipt<T> {
        let (sealer, place) = (self.sealer.clone(), place(scope));
        let seal = Box::new(move |effect: &T| sealer.seal(&place, &render(effect).to_bytes()));
        Receipt { scope: scope.clone(), fingerprint, now: ports.clock.now(), seal }
    }

    async fn replay(&self, ports: &Ports, scope: &RequestScope, fingerprint: [u8; 32]) -> Result<Option<HttpResponse>, ApiError> {
        let since = ports.clock.now().plus(-Receipt::<()>::LIFETIME);
        let Some(stored) = ports.replies.find(scope, since).await? else { return Ok(None) };
        if stored.fingerprint != fingerprint {
            return Err(ApiError::new(Code::IdempotencyKeyReuse, "this idempotency key was used for another request"));
        }
        let mut reply = self.open(scope, &stored)?.send();
        reply.headers_mut().insert(IDEMPOTENT_REPLAY, actix_web::http::header::HeaderValue::from_static("true"));
        Ok(Some(reply))
    }

    fn open(&self, scope: &RequestScope, stored: &StoredReply) -> Result<Reply, Fault> {
        let bytes = self.sealer.open(&place(scope), &stored.sealed)?;
        Reply::from_bytes(&bytes).ok_or_else(|| Fault::unexpected("a stored reply is malformed"))
    }
}

/// The place that a stored reply is bound to.
fn place(scope: &RequestScope) -> Vec<u8> {
    // A key contains no space, so two requests never have the same place.
    format!("{} {} {}", scope.workspace_id, scope.key.as_str(), scope.route).into_bytes()
}

/// The right to run a request. It ends when this value is dropped.
struct Turn {
    running: Arc<Mutex<HashSet<RequestScope>>>,
    scope: RequestScope,
}

impl Turn {
    fn take(running: &Arc<Mutex<HashSet<RequestScope>>>, scope: &RequestScope) -> Option<Self> {
        let first = running.lock().unwrap_or_else(PoisonError::into_inner).insert(scope.clone());
        first.then(|| Self { running: running.clone(), scope: scope.clone() })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.scope);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reply_comes_back_as_it_was() {
        let reply = Reply::created(&json!({"id": 1}));
        assert_eq!(Reply::from_bytes(&reply.to_bytes()), Some(reply));
        assert_eq!(Reply::from_bytes(&[1]), None);
    }
}
