//! The keys of an identity provider: fetched when a token needs them, and kept for a while.
//!
//! A request whose key is known never waits for the provider. If the keys are no longer fresh, they are still used while one fetch
//! runs in the background. Only a request whose key is not known waits for the running fetch. The fetch is a task of its own, so it
//! goes on if a waiting request is cancelled.
//!
//! Not here: the choice of the key for a token.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use tokio::sync::watch;
use tokio::time::Instant;
use url::Url;

use super::provider_key::{KeySet, Signing};
use crate::http::error::{ApiError, Code};

/// How long a fetch may take. No request waits longer for keys.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes of a key set.
const MAX_BYTES: usize = 256 * 1024;

/// How often keys are fetched.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// How long fetched keys are used without asking again.
    fresh: Duration,
    /// How long keys are valid while they cannot be fetched again. A provider may be down for a while without locking anybody out.
    /// But an attacker who blocks the provider must not keep a withdrawn key alive for ever.
    kept: Duration,
    /// The shortest time between the starts of two fetches, so that tokens with invented key ids do not load the provider.
    floor: Duration,
}

const PACE: Pace = Pace { fresh: Duration::from_secs(10 * 60), kept: Duration::from_secs(24 * 60 * 60), floor: Duration::from_secs(10) };

/// The keys of an identity provider.
pub(super) struct Jwks(Arc<Provider>);

struct Provider {
    url: Url,
    client: reqwest::Client,
    pace: Pace,
    /// Locked only to read or write it, never during a fetch.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: Option<Known>,
    /// When the last fetch started.
    tried: Option<Instant>,
    /// Whether the last finished fetch returned keys.
    answered: bool,
    /// The channel of the running fetch, which closes when the fetch ends.
    under_way: Option<watch::Receiver<()>>,
}

struct Known {
    keys: KeySet,
    at: Instant,
}

impl State {
    fn fitting(&self, id: Option<&str>, signing: Signing, now: Instant, pace: Pace) -> Vec<DecodingKey> {
        let known = self.known.as_ref().filter(|known| now.duration_since(known.at) < pace.kept);
        known.map(|known| known.keys.fitting(id, signing)).unwrap_or_default()
    }

    fn is_fresh(&self, now: Instant, pace: Pace) -> bool {
        self.known.as_ref().is_some_and(|known| now.duration_since(known.at) < pace.fresh)
    }

    fn may_fetch(&self, now: Instant, pace: Pace) -> bool {
        self.tried.is_none_or(|tried| now.duration_since(tried) >= pace.floor)
    }

    /// The running fetch. A closed channel means that the fetch has ended, even if it panicked.
    fn under_way(&self) -> Option<watch::Receiver<()>> {
        self.under_way.clone().filter(|fetch| fetch.has_changed().is_ok())
    }
}

/// Creates a client for an identity provider. It follows no redirects, because the keys must come from where the settings say. A proxy of
/// the environment sees and changes what goes over plain http, so it is used for https alone.
pub(super) fn client_to(provider: &str, timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(timeout);
    if provider.starts_with("https:") { client.build() } else { client.no_proxy().build() }
}

impl Jwks {
    pub(super) fn new(url: Url) -> Result<Self, reqwest::Error> {
        Self::with_pace(url, PACE)
    }

    /// The keys for ID tokens. An id that is not known is asked for at once, because such a token comes from the provider itself.
    pub(super) fn of_id_tokens(url: Url, client: reqwest::Client) -> Self {
        Self::with(url, client, Pace { floor: Duration::ZERO, ..PACE })
    }

    fn with_pace(url: Url, pace: Pace) -> Result<Self, reqwest::Error> {
        let client = client_to(url.as_str(), TIMEOUT)?;
        Ok(Self::with(url, client, pace))
    }

    fn with(url: Url, client: reqwest::Client, pace: Pace) -> Self {
        Self(Arc::new(Provider { url, client, pace, state: Mutex::default() }))
    }

    /// The keys that may have made a signature of this kind with this key id. Empty if the provider has no such key.
    ///
    /// # Errors
    /// 503 if no key is known and the provider did not answer.
    pub(super) async fn find(&self, id: Option<&str>, signing: Signing) -> Result<Vec<DecodingKey>, ApiError> {
        let (known, fetch) = self.look(id, signing);
        if !known.is_empty() {
            return Ok(known);
        }
        if let Some(mut fetch) = fetch {
            // Nothing is ever sent. The channel closes when the fetch has ended, successful or not.
            while fetch.changed().await.is_ok() {}
        }
        let state = self.0.state();
        let found = state.fitting(id, signing, Instant::now(), self.0.pace);
        if found.is_empty() && !state.answered { Err(unavailable()) } else { Ok(found) }
    }

    /// Returns the known keys and the running fetch. Starts a fetch if one is needed and allowed.
    fn look(&self, id: Option<&str>, signing: Signing) -> (Vec<DecodingKey>, Option<watch::Receiver<()>>) {
        let (now, pace) = (Instant::now(), self.0.pace);
        let mut state = self.0.state();
        let known = state.fitting(id, signing, now, pace);
        let mut fetch = state.under_way();
        if fetch.is_none() && state.may_fetch(now, pace) && (known.is_empty() || !state.is_fresh(now, pace)) {
            let (running, under_way) = watch::channel(());
            state.tried = Some(now);
            state.under_way = Some(under_way.clone());
            tokio::spawn(refresh(self.0.clone(), running));
            fetch = Some(under_way);
        }
        (known, fetch)
    }
}

/// Fetches the keys. Waiting requests go on when `_running` is dropped.
async fn refresh(provider: Arc<Provider>, _running: watch::Sender<()>) {
    let fetched = provider.fetch().await;
    let mut state = provider.state();
    state.answered = fetched.is_ok();
    match fetched {
        Ok(keys) => state.known = Some(Known { keys, at: Instant::now() }),
        Err(error) => tracing::warn!(cause = %error, "the identity provider's keys could not be fetched"),
    }
}

#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("the provider did not answer: {0}")]
    NoAnswer(reqwest::Error),
    #[error("the provider led elsewhere")]
    Elsewhere,
    #[error("the key set is larger than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("the answer is not a key set: {0}")]
    Malformed(serde_json::Error),
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        Self::NoAnswer(error.without_url())
    }
}

impl Provider {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&self) -> Result<KeySet, FetchError> {
        let mut reply = self.client.get(self.url.clone()).send().await?.error_for_status()?;
        if reply.status().is_redirection() {
            return Err(FetchError::Elsewhere);
        }
        let mut body = Vec::new();
        while let Some(chunk) = reply.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BYTES {
                return Err(FetchError::TooLarge);
            }
        }
        KeySet::parse(&body).map_err(FetchError::Malformed)
    }
}

fn unavailable() -> ApiError {
    ApiError::new(Code::ServiceUnavailable, "the keys of the identity provider cannot be fetched now; try again in a moment")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    const ALWAYS: Pace = Pace { fresh: Duration::ZERO, kept: Duration::from_secs(3600), floor: Duration::ZERO };

    /// A provider that answers when the test says so.
    struct Slow(TcpListener);

    impl Slow {
        async fn start() -> (Self, Url) {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
            (Self(listener), url)
        }

        /// Accepts the next fetch, and reads the head of its request.
        async fn asked(&self) -> TcpStream {
            let (mut stream, _) = self.0.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            stream
        }
    }

    async fn answer(mut stream: TcpStream, ids: &[&str]) {
        let key = |id| json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let body = json!({"keys": ids.iter().map(key).collect::<Vec<_>>()}).to_string();
        let reply = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(reply.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    }

    /// A provider that was asked once and has the key `a`.
    async fn knowing_a(pace: Pace) -> (Slow, Arc<Jwks>) {
        let (provider, url) = Slow::start().await;
        let jwks = Arc::new(Jwks::with_pace(url, pace).unwrap());
        let first = find(&jwks, "a");
        answer(provider.asked().await, &["a"]).await;
        assert_eq!(first.await.unwrap(), Ok(1));
        (provider, jwks)
    }

    /// The number of keys with an id, or the status of the refusal.
    fn find(jwks: &Arc<Jwks>, id: &'static str) -> tokio::task::JoinHandle<Result<usize, u16>> {
        let jwks = jwks.clone();
        tokio::spawn(async move { jwks.find(Some(id), Signing::Ed25519).await.map(|keys| keys.len()).map_err(|error| error.code.status()) })
    }

    #[tokio::test]
    async fn a_known_key_serves_while_the_provider_hangs() {
        let (provider, jwks) = knowing_a(ALWAYS).await;
        let unknown = find(&jwks, "made up");
        let hanging = provider.asked().await;
        for _ in 0..3 {
            assert_eq!(find(&jwks, "a").await.unwrap(), Ok(1));
        }
        assert!(!unknown.is_finished());
        answer(hanging, &["a", "b"]).await;
        assert_eq!(unknown.await.unwrap(), Ok(0));
    }

    #[tokio::test]
    async fn keys_that_are_not_fresh_serve_and_are_fetched_beside() {
        let (provider, jwks) = knowing_a(ALWAYS).await;
        assert_eq!(find(&jwks, "a").await.unwrap(), Ok(1));
        // The known key does not wait for the answer, but starts one fetch. A request with an unknown key waits for the same fetch.
        let refreshing = provider.asked().await;
        let rotated = find(&jwks, "b");
        answer(refreshing, &["b"]).await;
        assert_eq!(rotated.await.unwrap(), Ok(1));
    }

    #[tokio::test]
    async fn who_goes_away_ends_no_fetch() {
        let (provider, jwks) = knowing_a(ALWAYS).await;
        let impatient = find(&jwks, "b");
        let hanging = provider.asked().await;
        let patient = find(&jwks, "b");
        impatient.abort();
        assert!(impatient.await.unwrap_err().is_cancelled());
        answer(hanging, &["a", "b"]).await;
        assert_eq!(patient.await.unwrap(), Ok(1));
    }

    #[tokio::test]
    async fn a_provider_that_fails_locks_out_no_known_key() {
        let (provider, jwks) = knowing_a(ALWAYS).await;
        let unknown = find(&jwks, "made up");
        drop(provider.asked().await);
        assert_eq!(unknown.await.unwrap(), Err(503));
        drop(provider);
        assert_eq!(find(&jwks, "a").await.unwrap(), Ok(1));
        assert_eq!(find(&jwks, "made up").await.unwrap(), Err(503));
    }

    #[test]
    fn keys_that_cannot_be_fetched_again_are_good_for_a_day() {
        let entry = json!({"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let keys = KeySet::parse(json!({"keys": [entry]}).to_string().as_bytes()).unwrap();
        let at = Instant::now();
        let state = State { known: Some(Known { keys, at }), tried: Some(at), ..State::default() };
        let known = |after| state.fitting(Some("a"), Signing::Ed25519, at + after, PACE).len();
        let moment = Duration::from_millis(1);
        assert_eq!((known(PACE.kept - moment), known(PACE.kept)), (1, 0));
        assert!(state.is_fresh(at + PACE.fresh - moment, PACE) && !state.is_fresh(at + PACE.fresh, PACE));
        assert!(state.may_fetch(at + PACE.floor, PACE) && !state.may_fetch(at + PACE.floor - moment, PACE));
    }

    #[tokio::test]
    async fn made_up_ids_cost_the_provider_one_fetch_in_a_while() {
        let (provider, jwks) = knowing_a(Pace { floor: Duration::from_secs(3600), ..ALWAYS }).await;
        // The provider listens no more: another fetch would fail, and the result would show it.
        drop(provider);
        for _ in 0..20 {
            assert_eq!(find(&jwks, "made up").await.unwrap(), Ok(0));
        }
        assert_eq!(find(&jwks, "a").await.unwrap(), Ok(1));
    }
}
