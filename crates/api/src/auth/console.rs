//! The door of the console: its cookie, the tokens of its forms, and where its forms may come from.
//!
//! The cookie's name begins with `__Host-` where the public URL is https, so that no other host and no plain connection can set it (RFC
//! 6265bis, section 4.1.3.2).

use actix_web::HttpRequest;
use actix_web::http::header::{COOKIE, HOST, HeaderName, ORIGIN};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use rally_domain::session::Session;
use rally_domain::timestamp::Timestamp;
use sha2::Sha256;
use url::Url;

use super::oidc;

/// Where a browser says that a request comes from (Fetch Metadata).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The milliseconds for which a form without a session is good at least. It is good for twice as long at most.
const FORM_AGE: i64 = 12 * 60 * 60 * 1000;

/// The door of the console.
pub struct ConsoleDoor {
    is_secure: bool,
    /// The origin of the public URL, such as `https://rally.example`.
    origin: String,
    key: [u8; 32],
}

impl ConsoleDoor {
    /// The door under a public URL. The key must be the same in every process of a deployment.
    pub fn new(base: &str, key: [u8; 32]) -> Self {
        let url = Url::parse(base).ok();
        let origin = url.as_ref().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        Self { is_secure: url.is_some_and(|url| url.scheme() == "https"), origin, key }
    }

    const fn cookie_name(&self) -> &'static str {
        if self.is_secure { "__Host-rally" } else { "rally" }
    }

    /// Returns the token in the cookie of a request.
    pub fn token_of(&self, request: &HttpRequest) -> Option<String> {
        Self::value_of(request, self.cookie_name())
    }

    /// Returns the value of `Set-Cookie` that keeps a token.
    pub fn keep(&self, token: &str) -> String {
        self.cookie(self.cookie_name(), token, Session::MAX_AGE.whole_seconds())
    }

    /// Returns the value of `Set-Cookie` that forgets the token.
    pub fn forget(&self) -> String {
        self.cookie(self.cookie_name(), "", 0)
    }

    /// Returns what the cookie of a sign-in through an identity provider keeps.
    pub fn begun_of(&self, request: &HttpRequest) -> Option<String> {
        Self::value_of(request, self.provider_cookie_name())
    }

    /// Returns the value of `Set-Cookie` that keeps a sign-in through an identity provider, while it may end.
    pub fn keep_begun(&self, value: &str) -> String {
        self.cookie(self.provider_cookie_name(), value, oidc::LIFETIME.whole_seconds())
    }

    /// Returns the value of `Set-Cookie` that forgets the sign-in through an identity provider.
    pub fn forget_begun(&self) -> String {
        self.cookie(self.provider_cookie_name(), "", 0)
    }

    const fn provider_cookie_name(&self) -> &'static str {
        if self.is_secure { "__Host-rally-provider" } else { "rally-provider" }
    }

    fn value_of(request: &HttpRequest, wanted: &str) -> Option<String> {
        let lines = request.headers().get_all(COOKIE).filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
    }

    fn cookie(&self, name: &str, value: &str, age: i64) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}")
    }

    /// Whether a form may come from where the browser says that it comes from. A client that is no browser says nothing.
    pub fn lets_in(&self, request: &HttpRequest) -> bool {
        let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
        let by_site = header(SEC_FETCH_SITE).is_none_or(|site| matches!(site, "same-origin" | "none"));
        // The console may be opened under another name of the server than the public one.
        let by_host = |origin: &str| origin.split_once("://").map(|(_, host)| host).is_some_and(|host| Some(host) == header(HOST));
        by_site && header(ORIGIN).is_none_or(|origin| origin == self.origin || by_host(origin))
    }

    /// Returns the token of the forms of a session.
    pub fn form_token(&self, session: &Session) -> String {
        URL_SAFE_NO_PAD.encode(self.of_session(session).finalize().into_bytes())
    }

    /// Whether a form has the token of a session.
    pub fn accepts(&self, session: &Session, token: &str) -> bool {
        is_of(self.of_session(session), token)
    }

    /// Returns the token of the forms that sign in. It is the same for everybody: a browser is told apart by [`lets_in`](Self::lets_in).
    pub fn sign_in_token(&self, now: Timestamp) -> String {
        URL_SAFE_NO_PAD.encode(self.of_time(now.unix_millis() / FORM_AGE).finalize().into_bytes())
    }

    /// Whether a form that signs in has a token that is not too old.
    pub fn accepts_sign_in(&self, now: Timestamp, token: &str) -> bool {
        let period = now.unix_millis() / FORM_AGE;
        is_of(self.of_time(period), token) || is_of(self.of_time(period - 1), token)
    }

    fn of_session(&self, session: &Session) -> Hmac<Sha256> {
        self.begin("session", session.token.bytes())
    }

    fn of_time(&self, period: i64) -> Hmac<Sha256> {
        self.begin("sign-in", &period.to_be_bytes())
    }

    fn begin(&self, label: &str, part: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("any length is a key");
        mac.update(label.as_bytes());
        mac.update(&[0]);
        mac.update(part);
        mac
    }
}

fn is_of(mac: Hmac<Sha256>, token: &str) -> bool {
    URL_SAFE_NO_PAD.decode(token).is_ok_and(|bytes| mac.verify_slice(&bytes).is_ok())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use rally_domain::id::SessionId;
    use rally_domain::session::TokenHash;
    use rally_domain::text::Subject;
    use rally_domain::uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_millis(1_700_000_000_000 + seconds * 1000).unwrap()
    }

    fn session(byte: u8) -> Session {
        Session {
            id: SessionId::new(Uuid::nil()),
            token: TokenHash::new([byte; 32]),
            workspace_id: None,
            person: Subject::parse("ada").unwrap(),
            scope: "*".to_owned(),
            api_key_id: None,
            created_at: at(0),
            seen_at: at(0),
        }
    }

    #[test]
    fn the_cookie_follows_the_public_url() {
        let (secure, plain) = (ConsoleDoor::new("https://rally.example/x", [1; 32]), ConsoleDoor::new("http://127.0.0.1:8080", [1; 32]));
        assert_eq!(secure.keep("t"), "__Host-rally=t; Path=/; Max-Age=604800; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(plain.forget(), "rally=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
        let request = TestRequest::default().insert_header((COOKIE, "a=b; rally=plain; __Host-rally=secure")).to_http_request();
        assert_eq!((secure.token_of(&request).as_deref(), plain.token_of(&request).as_deref()), (Some("secure"), Some("plain")));
    }

    #[test]
    fn a_form_comes_from_the_console() {
        let door = ConsoleDoor::new("https://rally.example", [1; 32]);
        let lets_in = |headers: &[(&'static str, &str)]| {
            let request = headers.iter().fold(TestRequest::default(), |request, header| request.insert_header(*header));
            door.lets_in(&request.to_http_request())
        };
        assert!(lets_in(&[]) && lets_in(&[("sec-fetch-site", "same-origin")]) && lets_in(&[("origin", "https://rally.example")]));
        assert!(lets_in(&[("origin", "http://localhost:8080"), ("host", "localhost:8080")]));
        for site in ["cross-site", "same-site", "", "other"] {
            assert!(!lets_in(&[("sec-fetch-site", site)]), "{site}");
        }
        for origin in ["https://evil.example", "null", "http://rally.example", "https://rally.example.evil.example", ""] {
            assert!(!lets_in(&[("origin", origin), ("host", "rally")]), "{origin}");
        }
        assert!(!lets_in(&[("sec-fetch-site", "cross-site"), ("origin", "https://rally.example")]));
    }

    #[test]
    fn a_form_has_the_token_of_its_session() {
        let door = ConsoleDoor::new("https://rally.example", [1; 32]);
        let token = door.form_token(&session(1));
        assert!(door.accepts(&session(1), &token) && !door.accepts(&session(2), &token));
        assert!(!ConsoleDoor::new("https://rally.example", [2; 32]).accepts(&session(1), &token));
        for bad in ["", "x", &token[1..], &format!("{token}A")] {
            assert!(!door.accepts(&session(1), bad), "{bad}");
        }
    }

    #[test]
    fn a_form_that_signs_in_is_good_for_hours() {
        let door = ConsoleDoor::new("https://rally.example", [1; 32]);
        let token = door.sign_in_token(at(0));
        assert!(door.accepts_sign_in(at(12 * 3600 - 1), &token) && !door.accepts_sign_in(at(24 * 3600), &token));
        assert!(!door.accepts(&session(1), &token) && !door.accepts_sign_in(at(0), &door.form_token(&session(1))));
    }
}
