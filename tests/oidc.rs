//! Signing in to the console through an identity provider, and a provider that misbehaves.

use std::collections::BTreeMap;

use rally_api::boot::config::Settings;
use rally_contracts::samples;
use rally_domain::timestamp::Timestamp;
use rally_domain::url::form_urlencoded;
use rally_fakes::http::{Misbehaviour, PRIVATE};
use rally_fakes::{Fake, IdProvider, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, Sign};
use rally_tests::{Kind, NOW, TestServer, on_both_stores};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use time::Duration;

/// The public URL of the servers, so that several of them are one deployment.
const PUBLIC: &str = "http://rally.test";

/// A browser that keeps cookies and follows no redirect.
struct Browser {
    base: String,
    client: Client,
    cookies: BTreeMap<String, String>,
    address: String,
}

struct Seen {
    status: StatusCode,
    location: String,
    set: Vec<String>,
    text: String,
}

impl Seen {
    /// Checks that nobody is signed in, and that the page of sign-ins says why.
    fn refuses(&self, status: u16, why: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert!(self.text.contains(why) && self.text.contains("Sign in with the key"), "{why} is not in {}", self.text);
        assert!(!self.text.contains(PRIVATE), "{}", self.text);
        assert!(self.set.iter().all(|cookie| cookie.starts_with("rally-provider=;")), "{:?}", self.set);
    }

    fn leads_to(&self, start: &str) -> &str {
        assert!(self.status == 303 && self.location.starts_with(start), "{} to {}: {}", self.status, self.location, self.text);
        &self.location
    }
}

impl Browser {
    fn at(base: &str, address: u8) -> Self {
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { base: base.to_owned(), client, cookies: BTreeMap::new(), address: format!("192.0.2.{address}") }
    }

    /// Opens an address of the server or of another one.
    async fn open(&mut self, url: &str) -> Seen {
        let own = url.strip_prefix(PUBLIC).unwrap_or(url);
        let url = if own.starts_with('/') { format!("{}{own}", self.base) } else { own.to_owned() };
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.client.get(url).header("cookie", cookies.join("; ")).header("x-forwarded-for", &self.address);
        let reply = request.send().await.unwrap();
        let text = |value: &reqwest::header::HeaderValue| value.to_str().unwrap().to_owned();
        let set: Vec<String> = reply.headers().get_all("set-cookie").iter().map(text).collect();
        for cookie in &set {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name)
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned())
            };
        }
        let location = reply.headers().get("location").map(text).unwrap_or_default();
        Seen { status: reply.status(), location, set, text: reply.text().await.unwrap() }
    }

    /// Begins a sign-in and says yes at the provider. Returns where the provider sends the browser.
    async fn ask(&mut self) -> String {
        let begun = self.open("/console/sign-in/provider").await;
        let asked = begun.leads_to("http://127.0.0.1").to_owned();
        self.open(&asked).await.leads_to(&format!("{PUBLIC}/console/sign-in/provider/callback?")).to_owned()
    }

    async fn sign_in(&mut self) -> Seen {
        let back = self.ask().await;
        self.open(&back).await
    }
}

async fn provider() -> Fake<IdProvider> {
    Fake::start_provider(Timestamp::parse(NOW).unwrap().unix_millis() / 1000).await
}

fn configured(settings: Settings, provider: &Fake<IdProvider>, admins: &str) -> Settings {
    let some = |text: &str| Some(text.to_owned());
    Settings {
        oidc_issuer: some(&provider.base),
        oidc_client_id: some(OIDC_CLIENT_ID),
        oidc_client_secret: some(OIDC_CLIENT_SECRET),
        oidc_admins: some(admins),
        public_url: some(PUBLIC),
        trusted_proxies: some("127.0.0.1"),
        ..settings
    }
}

async fn start(kind: Kind, provider: &Fake<IdProvider>, admins: &str) -> TestServer {
    TestServer::start_with(kind, |settings| configured(settings, provider, admins)).await
}

#[apply(on_both_stores)]
async fn a_person_of_the_provider_signs_in(kind: Kind) {
    let provider = provider().await;
    let server = start(kind, &provider, "ADA@acme.example").await;
    let (_running, other) = server.second().await;
    let mut browser = Browser::at(&server.base, 1);
    let page = browser.open("/console/sign-in?next=%2Fconsole%2Fw%2Facme%3Fstatus%3Ddraft").await;
    assert!(page.text.contains("Sign in with your organisation"), "{}", page.text);
    let link =
        page.text.split("href=\"").find_map(|rest| rest.split('"').next().filter(|link| link.contains("/provider"))).unwrap().to_owned();
    let begun = browser.open(&link).await;
    let kept = begun.set[0].as_str();
    assert!(kept.starts_with("rally-provider=") && kept.contains("; HttpOnly") && kept.contains("; SameSite=Lax"), "{kept}");
    assert!(kept.contains("; Max-Age=600") && !kept.contains("Secure"), "{kept}");
    let back = browser.open(begun.leads_to(&format!("{}/authorize?", provider.base))).await.leads_to(PUBLIC).to_owned();
    // Another process completes it.
    browser.base = other;
    let done = browser.open(&back).await;
    assert_eq!(done.leads_to("/"), "/console/w/acme?status=draft");
    assert!(browser.cookies.contains_key("rally") && !browser.cookies.contains_key("rally-provider"), "{:?}", done.set);
    let sessions = browser.open("/console/sessions").await;
    assert!(sessions.text.contains("<bdi>ada@acme.example</bdi>") && sessions.text.contains("provider"), "{}", sessions.text);
    assert_eq!(browser.open("/console/new-workspace").await.status, 200, "the session is one of all workspaces");
    let list = server.ports.sessions.list(server.ports.clock.now()).await.unwrap();
    assert_eq!((list[0].scope.as_str(), list[0].workspace_id), ("*", None));
    assert_eq!(list[0].expires_at(), server.ports.clock.now().plus(Duration::hours(12)));
    for sign in [Sign::Rs256, Sign::Ps256] {
        provider.state().sign = sign;
        Browser::at(&server.base, 1).sign_in().await.leads_to("/console");
    }
    provider.state().sign = Sign::Es256;
    provider.state().rotate();
    Browser::at(&server.base, 1).sign_in().await.leads_to("/console");
    let asked = provider.requests();
    let times = |path: &str| asked.iter().filter(|request| request.line.contains(path)).count();
    assert_eq!((times("/.well-known/"), times("/token")), (2, 4), "each process looks the provider up once");
    assert!(times("/keys") <= 3, "{}", times("/keys"));
}

#[apply(on_both_stores)]
async fn a_session_is_for_the_workspace_of_the_address(kind: Kind) {
    let provider = provider().await;
    let server = start(kind, &provider, "*@acme.example=acme, eve@acme.example=gone").await;
    samples::workspace(&server.ports, "beta").await;
    provider.state().secret_in_body = true;
    let mut browser = Browser::at(&server.base, 1);
    browser.sign_in().await.leads_to("/console");
    assert_eq!(browser.open("/console").await.leads_to("/"), "/console/w/acme");
    assert_eq!(browser.open("/console/w/beta").await.status, 404);
    provider.state().claims = json!({"email": "eve@acme.example"});
    Browser::at(&server.base, 1).sign_in().await.refuses(403, "the workspace gone does not exist");
    provider.state().claims = json!({"email": "ada@acme.example.evil.example"});
    Browser::at(&server.base, 1).sign_in().await.refuses(403, "ada@acme.example.evil.example may not sign in here");
    // Whoever may not sign in learns it from the address alone, and not from a part of a page.
    provider.state().claims = json!({"email": "<b>@other.example"});
    Browser::at(&server.base, 1).sign_in().await.refuses(403, "has not verified");
}

#[apply(on_both_stores)]
async fn a_token_that_is_not_as_it_must_be_is_refused(kind: Kind) {
    let provider = provider().await;
    let server = start(kind, &provider, "*@acme.example").await;
    let now = provider.state().now;
    let mut address = 0;
    let mut attempt = async |claims: Value, sign: Sign, status: u16, why: &str| {
        provider.state().claims = claims;
        provider.state().sign = sign;
        address += 1;
        let mut browser = Browser::at(&server.base, address);
        browser.sign_in().await.refuses(status, why);
        assert_eq!(browser.open("/console").await.leads_to("/"), "/console/sign-in");
    };
    for (claims, status, why) in [
        (json!({"nonce": "another"}), 502, "another sign-in"),
        (json!({"nonce": null}), 502, "another sign-in"),
        (json!({"aud": "another"}), 502, "another client"),
        (json!({"aud": [OIDC_CLIENT_ID, "another"]}), 502, "another client"),
        (json!({"azp": "another"}), 502, "another client"),
        (json!({"iss": "https://evil.example"}), 502, "another issuer"),
        (json!({"exp": now}), 502, "expired"),
        (json!({"exp": null}), 502, "expired"),
        (json!({"iat": now + 3600}), 502, "clocks"),
        (json!({"email_verified": false}), 403, "has not verified"),
        (json!({"email_verified": null}), 403, "has not verified"),
        (json!({"email": null}), 403, "has not verified"),
        (json!({"email": "eve@other.example"}), 403, "eve@other.example may not sign in here"),
    ] {
        attempt(claims, Sign::Es256, status, why).await;
    }
    for sign in [Sign::None, Sign::Hs256, Sign::OtherKey, Sign::UnknownKey] {
        attempt(json!({}), sign, 502, "no valid signature").await;
    }
    assert!(server.ports.sessions.list(server.ports.clock.now()).await.unwrap().is_empty());
}

#[apply(on_both_stores)]
async fn a_sign_in_is_completed_once_in_the_browser_that_began_it(kind: Kind) {
    let provider = provider().await;
    let server = start(kind, &provider, "*@acme.example").await;
    let again = "did not begin in this browser";
    let mut browser = Browser::at(&server.base, 1);
    let back = browser.ask().await;
    Browser::at(&server.base, 2).open(&back).await.refuses(400, again);
    let mut other = Browser::at(&server.base, 2);
    other.ask().await;
    other.open(&back).await.refuses(400, again);
    for wrong in ["state=x&code=y", "code=y", "", "state=%FF"] {
        let mut other = Browser::at(&server.base, 3);
        other.ask().await;
        other.open(&format!("/console/sign-in/provider/callback?{wrong}")).await.refuses(400, again);
    }
    let mut mixed = Browser::at(&server.base, 4);
    let of_other = mixed
        .ask()
        .await
        .replace(&form_urlencoded::byte_serialize(provider.base.as_bytes()).collect::<String>(), "https%3A%2F%2Fevil.example");
    mixed.open(&of_other).await.refuses(400, again);
    let cookies = browser.cookies.clone();
    browser.open(&back).await.leads_to("/console");
    let mut replay = Browser { cookies, ..Browser::at(&server.base, 5) };
    replay.open(&back).await.refuses(502, "refuses the code: invalid_grant");
    let mut forged = Browser::at(&server.base, 5);
    let back = forged.ask().await;
    for cookie in forged.cookies.values_mut() {
        cookie.replace_range(..1, if cookie.starts_with('A') { "B" } else { "A" });
    }
    forged.open(&back).await.refuses(400, again);
    let mut slow = Browser::at(&server.base, 6);
    let back = slow.ask().await;
    server.clock.advance(Duration::minutes(10));
    slow.open(&back).await.refuses(400, again);
    provider.state().denies = true;
    Browser::at(&server.base, 6).sign_in().await.refuses(403, "did not let you in");
}

#[apply(on_both_stores)]
async fn failed_tries_count_with_those_of_keys_and_links(kind: Kind) {
    let provider = provider().await;
    let server = start(kind, &provider, "*@acme.example").await;
    for _ in 0..10 {
        // Any page can have a browser open this: it counts as no try.
        Browser::at(&server.base, 1).open("/console/sign-in/provider/callback?state=x&code=y").await.refuses(400, "did not begin");
    }
    for _ in 0..10 {
        // The settings of this server are wrong, not the person.
        provider.state().claims = json!({"aud": "another"});
        assert_eq!(Browser::at(&server.base, 1).sign_in().await.status, 502);
    }
    for _ in 0..10 {
        provider.state().claims = json!({"email": "eve@other.example"});
        Browser::at(&server.base, 1).sign_in().await.refuses(403, "may not sign in");
        provider.state().claims = json!({});
        // A right one takes no try.
        provider.state().now = server.ports.clock.now().unix_millis() / 1000;
        Browser::at(&server.base, 2).sign_in().await.leads_to("/console");
    }
    let mut browser = Browser::at(&server.base, 1);
    let refused = browser.sign_in().await;
    refused.refuses(429, "Too many wrong tries");
    Browser::at(&server.base, 2).sign_in().await.leads_to("/console");
    let tokens = provider.requests().iter().filter(|request| request.line.starts_with("POST /token")).count();
    assert_eq!(tokens, 31, "the provider is not asked for a try that is refused");
}

#[apply(on_both_stores)]
async fn a_provider_in_trouble_is_told_of_in_words(kind: Kind) {
    let provider = provider().await;
    let server = start(kind, &provider, "*@acme.example").await;
    let troubles = [
        (Misbehaviour::Status(500), "answers with status 500"),
        (Misbehaviour::WrongPage, "cannot be read"),
        (Misbehaviour::Flood, "larger than"),
        (Misbehaviour::Reset, "does not answer"),
        (Misbehaviour::Garbage, "does not answer"),
        (Misbehaviour::BreakOff, "does not answer"),
        (Misbehaviour::Hang, "does not answer"),
    ];
    let begin = "/console/sign-in/provider";
    for (how, why) in troubles {
        provider.misbehave(Some(how));
        Browser::at(&server.base, 1).open(begin).await.refuses(502, why);
    }
    provider.misbehave(None);
    let elsewhere = self::provider().await;
    provider.state().redirects_to = Some(format!("{}/.well-known/openid-configuration", elsewhere.base));
    Browser::at(&server.base, 1).open(begin).await.refuses(502, "answers with status 307");
    assert!(elsewhere.requests().is_empty(), "no redirect is followed");
    provider.state().redirects_to = None;
    for (document, why) in [
        (json!({"issuer": "https://evil.example"}), "another issuer"),
        (json!({"token_endpoint": "file:///etc/passwd"}), "its token_endpoint is no https URL"),
        (json!({"jwks_uri": null}), "cannot be read"),
    ] {
        provider.state().document = document;
        Browser::at(&server.base, 1).open(begin).await.refuses(502, why);
    }
    provider.state().document = json!({});
    for (address, (how, why)) in (2..).zip(troubles) {
        let mut browser = Browser::at(&server.base, address);
        let back = browser.ask().await;
        provider.misbehave(Some(how));
        browser.open(&back).await.refuses(502, why);
        provider.misbehave(None);
    }
    let mut browser = Browser::at(&server.base, 20);
    let back = browser.ask().await;
    provider.state().redirects_to = Some(format!("{}/token", elsewhere.base));
    browser.open(&back).await.refuses(502, "answers with status 307");
    provider.state().redirects_to = None;
    browser.sign_in().await.leads_to("/console");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_provider_is_offered_only_where_it_is_set() {
    let server = TestServer::start(Kind::Sqlite).await;
    let mut browser = Browser::at(&server.base, 1);
    assert!(!browser.open("/console/sign-in").await.text.contains("organisation"));
    for path in ["/console/sign-in/provider", "/console/sign-in/provider/callback?state=x&code=y"] {
        assert_eq!(browser.open(path).await.status, 404);
    }
    let provider = provider().await;
    let secure =
        |settings| Settings { public_url: Some("https://rally.example".to_owned()), ..configured(settings, &provider, "*@acme.example") };
    let server = TestServer::start_with(Kind::Sqlite, secure).await;
    let begun = Browser::at(&server.base, 1).open("/console/sign-in/provider").await;
    assert!(begun.set[0].starts_with("__Host-rally-provider=") && begun.set[0].ends_with("; Secure"), "{:?}", begun.set);
    assert!(
        begun.location.contains("redirect_uri=https%3A%2F%2Frally.example%2Fconsole%2Fsign-in%2Fprovider%2Fcallback"),
        "{}",
        begun.location
    );
    for part in ["response_type=code", "code_challenge_method=S256", "scope=openid+email", "nonce=", "state="] {
        assert!(begun.location.contains(part), "{part}: {}", begun.location);
    }
}
