//! The console over HTTP: signing in, what a session may do and how it ends, and a launch by forms alone, as a browser without scripts
//! sends them.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use rally_api::auth::{Action, create_sign_in_link};
use rally_api::boot::config::Settings;
use rally_console::urls::{Method as PageMethod, ROUTES, Route};
use rally_contracts::samples;
use rally_domain::actor::Actor;
use rally_domain::id::ClaimId;
use rally_domain::url::form_urlencoded;
use rally_fakes::http::Misbehaviour;
use rally_fakes::{FakeSmtp, SmtpOptions};
use rally_tests::receiver::{Receiver, eventually};
use rally_tests::{Kind, TestServer, on_both_stores, send, upstreams};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use time::Duration;

/// A reply to a browser that follows no redirect.
struct Seen {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Checks that this is a page of the console with a status and some phrases.
    fn is_page(&self, status: u16, phrases: &[&str]) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8");
        for phrase in phrases {
            assert!(self.text.contains(phrase), "{phrase} is not in {}", self.text);
        }
        let policy = self.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"), "{policy}");
        assert_eq!((self.header("cache-control"), self.header("x-content-type-options")), ("no-store", "nosniff"));
        for inline in ["<style", " style=", " onclick=", "javascript:"] {
            assert!(!self.outside_fields().contains(inline), "{inline} is in {}", self.text);
        }
        self
    }

    /// The page without the text in its larger fields.
    fn outside_fields(&self) -> String {
        self.text.split("<textarea").filter_map(|part| part.rsplit("</textarea>").next()).collect()
    }

    /// The value of a hidden input.
    fn hidden(&self, name: &str) -> String {
        let before = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
        let start = self.text.find(&before).unwrap_or_else(|| panic!("no {name} in {}", self.text)) + before.len();
        self.text[start..].split('"').next().unwrap().to_owned()
    }

    /// Where a form that was carried out leads.
    fn leads_to(&self) -> String {
        assert_eq!(self.status, 303, "{}", self.text);
        self.header("location").to_owned()
    }

    /// The cookie that the reply sets, as a browser sends it back.
    fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().unwrap().to_owned()
    }
}

/// A browser without scripts.
struct Browser {
    base: String,
    client: Client,
    cookie: String,
    address: Option<String>,
}

impl Browser {
    fn of(base: &str) -> Self {
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { base: base.to_owned(), client, cookie: String::new(), address: None }
    }

    /// A browser that was signed in by a link, to a workspace or to all.
    async fn signed_in(server: &TestServer, of_acme: bool) -> Self {
        let mut browser = Self::of(&server.base);
        let token = link(server, of_acme).await;
        browser.follow(&token).await.leads_to();
        browser
    }

    async fn send(&self, request: RequestBuilder) -> Seen {
        let request = if self.cookie.is_empty() { request } else { request.header("cookie", &self.cookie) };
        let request = match &self.address {
            Some(address) => request.header("x-forwarded-for", address),
            None => request,
        };
        let reply = request.send().await.unwrap();
        Seen { status: reply.status(), headers: reply.headers().clone(), text: reply.text().await.unwrap() }
    }

    async fn open(&self, path: &str) -> Seen {
        self.send(self.client.get(format!("{}{path}", self.base))).await
    }

    fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.client.post(format!("{}{path}", self.base));
        request.header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    /// Sends a form with the token of a page.
    async fn post_from(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Seen {
        let csrf = self.open(page).await.hidden("csrf");
        self.send(self.form(path, &[&[("csrf", csrf.as_str())], fields].concat())).await
    }

    /// Sends a form with the token of the session.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Seen {
        self.post_from("/console/help", path, fields).await
    }

    /// Sends a form with a file, as browsers do, with a token.
    fn upload_as(&self, path: &str, csrf: &str, fields: &[(&str, &str)], file: &str) -> RequestBuilder {
        let field = |(name, value): (&str, &str)| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        let fields: String = [("csrf", csrf)].into_iter().chain(fields.iter().copied()).map(field).collect();
        let head = "Content-Disposition: form-data; name=\"file\"; filename=\"people.csv\"\r\nContent-Type: text/csv";
        let request = self.client.post(format!("{}{path}", self.base)).header("content-type", "multipart/form-data; boundary=x");
        request.body(format!("{fields}--x\r\n{head}\r\n\r\n{file}\r\n--x--\r\n"))
    }

    /// Sends a form with a file with the token of the session.
    async fn upload(&self, path: &str, fields: &[(&str, &str)], file: &str) -> Seen {
        let csrf = self.open("/console/help").await.hidden("csrf");
        self.send(self.upload_as(path, &csrf, fields, file)).await
    }

    /// Opens a page until it shows a phrase.
    async fn open_until(&self, path: &str, phrase: &str) -> Seen {
        eventually(|| async { Some(self.open(path).await).filter(|seen| seen.text.contains(phrase)) }).await
    }

    /// Signs in by the page of a link.
    async fn follow(&mut self, token: &str) -> Seen {
        let path = format!("/console/sign-in/link/{token}");
        let seen = self.post_from("/console/sign-in", &path, &[]).await;
        if seen.status == 303 {
            self.cookie = seen.cookie();
        }
        seen
    }

    /// Signs in by the form for keys.
    async fn paste(&mut self, key: &str) -> Seen {
        let seen = self.post_from("/console/sign-in", "/console/sign-in", &[("key", key), ("next", "")]).await;
        if seen.status == 303 {
            self.cookie = seen.cookie();
        }
        seen
    }
}

/// The token of a new link.
async fn link(server: &TestServer, of_acme: bool) -> String {
    let workspace = of_acme.then_some(server.workspace.id);
    create_sign_in_link(&server.ports, workspace, Actor::CommandLine).await.unwrap()
}

async fn key(server: &TestServer, scope: &str) -> Value {
    server.admin_post("/api-keys", json!({"name": "Website", "scope": scope})).await.expect(201)
}

#[apply(on_both_stores)]
async fn a_link_signs_in_once(kind: Kind) {
    let server = TestServer::start(kind).await;
    let (mut browser, token) = (Browser::of(&server.base), link(&server, true).await);
    let path = format!("/console/sign-in/link/{token}");
    for _ in 0..2 {
        let page = browser.open(&path).await;
        page.is_page(200, &["The link works once", &format!("action=\"{path}\"")]);
        assert_eq!(page.header("set-cookie"), "", "opening the page changes nothing");
    }
    let seen = browser.follow(&token).await;
    assert_eq!(seen.leads_to(), "/console");
    let kept = seen.header("set-cookie");
    assert!(
        kept.starts_with("rally=") && kept.contains("; HttpOnly") && kept.contains("; SameSite=Lax") && !kept.contains("Secure"),
        "{kept}"
    );
    assert_eq!(browser.open("/console").await.leads_to(), "/console/w/acme");
    browser.open("/console/w/acme").await.is_page(200, &["No list yet"]);
    let mut other = Browser::of(&server.base);
    other.open(&path).await.is_page(410, &["This link has been used or has expired"]);
    other.follow(&token).await.is_page(410, &["rally console login"]);
    for wrong in ["x", "A".repeat(43).as_str()] {
        other.open(&format!("/console/sign-in/link/{wrong}")).await.is_page(410, &[]);
        other.follow(wrong).await.is_page(410, &[]);
    }
    let late = link(&server, true).await;
    server.clock.advance(Duration::minutes(15));
    other.follow(&late).await.is_page(410, &[]);
}

#[apply(on_both_stores)]
async fn a_key_signs_in_and_ends_its_sessions(kind: Kind) {
    let server = TestServer::start(kind).await;
    let made = key(&server, "waitlist.read entry.read").await;
    let mut browser = Browser::of(&server.base);
    assert_eq!(
        browser.open("/console/w/acme?status=draft").await.leads_to(),
        "/console/sign-in?next=%2Fconsole%2Fw%2Facme%3Fstatus%3Ddraft"
    );
    browser.open("/console/sign-in?next=%2Fconsole%2Fw%2Facme").await.is_page(200, &["name=\"next\" value=\"/console/w/acme\""]);
    browser.open("/console/sign-in?next=https%3A%2F%2Fevil.example").await.is_page(200, &["name=\"next\" value=\"\""]);
    browser.paste("rally_live_wrong").await.is_page(401, &["not a key that works"]);
    assert_eq!(browser.paste(made["key"].as_str().unwrap()).await.leads_to(), "/console");
    browser.open("/console/w/acme").await.is_page(200, &["Website"]);
    // The API never reads the cookie of the console.
    let api =
        browser.client.get(format!("{}/v1/workspaces/{}/waitlists", server.base, server.workspace.id)).header("cookie", &browser.cookie);
    send(api).await.refused(401, "unauthorized");
    let id = made["id"].as_str().unwrap();
    server.admin_delete(&format!("/api-keys/{id}")).await.expect(204);
    assert!(browser.open("/console/w/acme").await.leads_to().starts_with("/console/sign-in"));
}

#[apply(on_both_stores)]
async fn a_session_may_do_what_its_key_may(kind: Kind) {
    let server = TestServer::start(kind).await;
    samples::workspace(&server.ports, "beta").await;
    server.active_list("early", json!({})).await;
    let mut browser = Browser::of(&server.base);
    browser.paste(key(&server, "waitlist.read entry.read").await["key"].as_str().unwrap()).await.leads_to();
    let list = browser.open("/console/w/acme/lists/early/entries").await;
    list.is_page(200, &["No entry yet"]);
    let shown = browser.open("/console/w/acme/lists/early").await;
    shown.is_page(200, &["List early"]);
    assert!(!shown.text.contains("/status\"") && !shown.text.contains("/console/w/acme/keys"), "{}", shown.text);
    for (path, action) in [
        ("/console/w/acme/keys", "key.read"),
        ("/console/w/acme/mail", "rally.settings.read"),
        ("/console/w/acme/new-list", "waitlist.create"),
        ("/console/w/acme/lists/early/variants", "variant.read"),
    ] {
        browser.open(path).await.is_page(403, &["This session may not do that", action]);
    }
    for (path, action) in [("/console/w/acme/lists/early/status", "waitlist.update"), ("/console/w/acme/new-list", "waitlist.create")] {
        browser.post(path, &[("status", "closed")]).await.is_page(403, &[action]);
    }
    for path in
        ["/console/w/beta", "/console/w/none", "/console/w/acme/lists/none", "/console/w/acme/lists/early/entries/17", "/console/none"]
    {
        browser.open(path).await.is_page(404, &["There is no such page"]);
    }
    browser.open("/console/new-workspace").await.is_page(403, &["Only a session of all workspaces creates a workspace"]);
    // An address that only takes a form leads to the page above it, and does nothing.
    let entries = "/console/w/acme/lists/early/entries";
    for (form, page) in [("/console/sign-out", "/console"), (&*format!("{entries}/bulk"), entries)] {
        let asked = browser.send(browser.client.get(format!("{}{form}", server.base))).await;
        assert_eq!((asked.status.as_u16(), asked.header("location")), (303, page));
    }
}

/// A session that may do everything but the action of a page or form is refused it.
#[apply(on_both_stores)]
async fn every_page_and_form_needs_its_action(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({})).await;
    let guarded: Vec<&Route> = ROUTES.iter().filter(|route| !route.action.is_empty()).collect();
    let actions: BTreeSet<&str> = guarded.iter().map(|route| route.action).collect();
    assert!(guarded.len() > 60 && actions.len() > 15, "{actions:?}");
    for action in actions {
        let others: Vec<&str> = Action::ALL.iter().map(|other| other.as_str()).filter(|other| *other != action).collect();
        let mut browser = Browser::of(&server.base);
        browser.paste(key(&server, &others.join(" ")).await["key"].as_str().unwrap()).await.leads_to();
        for route in guarded.iter().filter(|route| route.action == action) {
            let path = route.path.replace("{ws}", "acme").replace("{list}", "early");
            let seen = match route.method {
                PageMethod::Get => browser.open(&path).await,
                PageMethod::Post => browser.post(&path, &[("confirm", "yes")]).await,
            };
            assert_eq!(seen.status, 403, "{} lets a session in without {action}", route.path);
            assert!(seen.text.contains(action), "{} does not say that {action} is needed", route.path);
        }
    }
}

/// A session begins with a page that it may open, and no page leads to one that it may not.
#[apply(on_both_stores)]
async fn a_session_is_led_to_what_it_may_see(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({})).await;
    server.sign_up("early", json!({"email": "ada@example.com", "name": "Ada", "referrer": "news"})).await.expect(201);
    for (scope, first) in [
        ("waitlist.read rally.read", "/console/w/acme"),
        ("webhook.read key.read", "/console/w/acme/webhooks"),
        ("entry.read", "/console/w/acme/mail/log"),
        ("variant.read", "/console/sessions"),
    ] {
        let mut browser = Browser::of(&server.base);
        browser.paste(key(&server, scope).await["key"].as_str().unwrap()).await.leads_to();
        let led = browser.open("/console").await.leads_to();
        assert_eq!(led, first, "{scope}");
        browser.open(&led).await.is_page(200, &[]);
        if scope.contains("rally.read") {
            let overview = browser.open("/console/w/acme/lists/early").await;
            overview.is_page(200, &["Entries</dt><dd>1", "news"]);
            assert!(!overview.text.contains("/lists/early/entries"), "{}", overview.text);
        }
    }
}

/// A change of ticked entries leads to the same page of the list, and says so if nobody is left there.
#[apply(on_both_stores)]
async fn a_change_stays_on_its_page(kind: Kind) {
    let server = TestServer::start(kind).await;
    let browser = Browser::signed_in(&server, true).await;
    server.active_list("early", json!({"approval_required": true})).await;
    for number in 0..21 {
        server.sign_up("early", json!({"email": format!("p{number}@example.com"), "name": "Ada"})).await.expect(201);
    }
    let list = "/console/w/acme/lists/early/entries";
    let first = browser.open(&format!("{list}?status=pending")).await;
    let (_, next) = first.text.split_once("cursor=").unwrap();
    let cursor = next.split('"').next().unwrap();
    let second = browser.open(&format!("{list}?status=pending&cursor={cursor}")).await;
    second.is_page(200, &["p20@example.com"]);
    let (_, id) = second.text.split_once("name=\"entry\" value=\"").unwrap();
    let form =
        [("do", "approve"), ("entry", id.split('"').next().unwrap()), ("filter", "status=pending"), ("cursor", &second.hidden("cursor"))];
    let led = browser.post(&format!("{list}/bulk"), &form).await.leads_to();
    browser.open(&led).await.is_page(200, &["1 entry approved.", "No entry is left on this page", "Show the first page"]);
}

#[apply(on_both_stores)]
async fn a_session_ends_by_itself_and_by_hand(kind: Kind) {
    let server = TestServer::start(kind).await;
    let browser = Browser::signed_in(&server, false).await;
    for _ in 0..15 {
        server.clock.advance(Duration::hours(11));
        browser.open("/console").await.is_page(200, &["Workspaces"]);
    }
    server.clock.advance(Duration::hours(3));
    browser.open("/console").await.leads_to();
    let browser = Browser::signed_in(&server, false).await;
    server.clock.advance(Duration::hours(12));
    assert_eq!(browser.open("/console").await.leads_to(), "/console/sign-in");
    let (one, two) = (Browser::signed_in(&server, false).await, Browser::signed_in(&server, true).await);
    let shown = one.open("/console/sessions").await;
    shown.is_page(200, &["sign-in link", "this one", "acme"]);
    let end =
        shown.text.split("action=\"").find_map(|rest| rest.split('"').next().filter(|path| path.ends_with("/end"))).unwrap().to_owned();
    two.post(&end, &[]).await.leads_to();
    two.open("/console/w/acme").await.leads_to();
    one.open("/console").await.is_page(200, &[]);
    let gone = one.post("/console/sign-out", &[]).await;
    assert_eq!(gone.leads_to(), "/console/sign-in");
    assert!(gone.header("set-cookie").contains("Max-Age=0"));
    one.open("/console").await.leads_to();
    // A form of a session that has ended leads back to its page, and to no other site.
    let late = |from: String| one.send(one.form("/console/w/acme/new-list", &[("csrf", "x")]).header("referer", from));
    let own = late(format!("{}/console/w/acme/new-list?a=b", server.base)).await;
    own.is_page(401, &["name=\"next\" value=\"/console/w/acme/new-list?a=b\""]);
    late("https://evil.example/w/acme".to_owned()).await.is_page(401, &["name=\"next\" value=\"\""]);
}

#[apply(on_both_stores)]
async fn wrong_tries_of_an_address_count_over_all_processes(kind: Kind) {
    let some = |text: &str| Some(text.to_owned());
    let server =
        TestServer::start_with(kind, |settings| rally_api::boot::config::Settings { trusted_proxies: some("127.0.0.1"), ..settings });
    let server = server.await;
    let (_running, base) = server.second().await;
    let made = key(&server, "*").await;
    let right = made["key"].as_str().unwrap();
    let at = |base: &str, address: &str| Browser { address: Some(address.to_owned()), ..Browser::of(base) };
    let (mut here, mut there) = (at(&server.base, "192.0.2.1"), at(&base, "192.0.2.1"));
    for n in 0..10 {
        let browser = if n % 2 == 0 { &mut here } else { &mut there };
        let (seen, status) = if n % 3 == 0 { (browser.follow("x").await, 410) } else { (browser.paste("wrong").await, 401) };
        seen.is_page(status, &[]);
        // A right one takes no try.
        at(&base, "192.0.2.1").paste(right).await;
    }
    for browser in [&mut here, &mut there] {
        let refused = browser.paste(right).await;
        refused.is_page(429, &["Too many wrong tries"]);
        assert_eq!(refused.header("retry-after"), "600");
        let token = link(&server, false).await;
        browser.follow(&token).await.is_page(429, &[]);
        assert_eq!(at(&server.base, "192.0.2.2").follow(&token).await.leads_to(), "/console", "the link was not used up");
    }
    server.clock.advance(Duration::minutes(10));
    here.paste(right).await.leads_to();
}

#[apply(on_both_stores)]
async fn a_form_needs_its_token_and_comes_from_the_console(kind: Kind) {
    let server = TestServer::start(kind).await;
    let (browser, other) = (Browser::signed_in(&server, true).await, Browser::signed_in(&server, true).await);
    let path = "/console/w/acme/new-list";
    let fields = [("display_name", "Early"), ("slug", "early")];
    let own = browser.open("/console/help").await.hidden("csrf");
    let foreign = other.open("/console/help").await.hidden("csrf");
    for token in ["", "x", &foreign] {
        browser.send(browser.form(path, &[&[("csrf", token)], &fields[..]].concat())).await.is_page(403, &["not of this session"]);
    }
    browser.send(browser.form(path, &fields)).await.is_page(403, &[]);
    let whole = [&[("csrf", own.as_str())], &fields[..]].concat();
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example"), ("origin", "null")]
    {
        browser.send(browser.form(path, &whole).header(name, value)).await.is_page(403, &["not of this session"]);
        let sign_in = browser.form("/console/sign-in", &[("key", "x")]).header(name, value);
        browser.send(sign_in).await.is_page(403, &[]);
    }
    assert_eq!(server.admin_get("/waitlists").await.expect(200)["data"], json!([]));
    let strangers = Browser::of(&server.base);
    strangers.send(strangers.form(path, &whole)).await.is_page(401, &["Sign in to Rally"]);
    let request = browser.form(path, &whole).header("sec-fetch-site", "same-origin").header("origin", &server.base);
    assert_eq!(browser.send(request).await.leads_to(), "/console/w/acme/lists/early?done=created");
}

#[apply(on_both_stores)]
async fn behind_https_the_cookie_is_bound_to_the_host(kind: Kind) {
    let public = Some("https://rally.example".to_owned());
    let server = TestServer::start_with(kind, |settings| rally_api::boot::config::Settings { public_url: public, ..settings }).await;
    let mut browser = Browser::of(&server.base);
    let seen = browser.follow(&link(&server, false).await).await;
    assert_eq!(seen.leads_to(), "/console");
    let kept = seen.header("set-cookie").to_owned();
    assert!(kept.starts_with("__Host-rally=") && kept.contains("; Secure") && kept.contains("; Path=/;"), "{kept}");
    browser.open("/console").await.is_page(200, &["acme"]);
    browser.cookie = browser.cookie.replace("__Host-", "");
    browser.open("/console").await.leads_to();
}

#[apply(on_both_stores)]
async fn a_launch_needs_forms_alone(kind: Kind) {
    let server = TestServer::start(kind).await;
    let browser = Browser::signed_in(&server, false).await;
    browser.open("/console").await.is_page(200, &["/console/w/acme"]);
    let bad = browser.post("/console/w/acme/new-list", &[("display_name", ""), ("slug", "Not A Slug")]).await;
    bad.is_page(422, &["value=\"Not A Slug\"", "aria-invalid=\"true\"", "<title>Error: New list"]);
    bad.is_page(422, &["Name: Fill this in", "Slug: Use 1 to 64 characters: a-z, 0-9 and hyphens"]);
    let made =
        browser.post("/console/w/acme/new-list", &[("display_name", "Early <b>access</b>"), ("slug", "early"), ("description", "")]).await;
    let list = "/console/w/acme/lists/early";
    assert_eq!(made.leads_to(), format!("{list}?done=created"));
    let draft = browser.open(&made.leads_to()).await;
    draft.is_page(200, &["Early &#60;b&#62;access", "Created.", "The list is a draft"]);

    let settings = browser.open(&format!("{list}/settings")).await;
    settings.is_page(200, &["Questions"]);
    let seen = settings.hidden("seen");
    let words = [("display_name", "Early access"), ("description", "Be first"), ("seen", seen.as_str())];
    let boxes = [("settings.approval_required", "true"), ("settings.leaderboard_enabled", "true"), ("settings.referral_boost", "2")];
    let base: Vec<(&str, &str)> = [&words[..], &boxes].concat();
    let unsaved = browser.post(&format!("{list}/settings"), &[&base[..], &[("do", "add-field")]].concat()).await;
    unsaved.is_page(200, &["settings.custom_fields[0].key", "Not saved yet"]);
    let row = [
        ("settings.custom_fields[0].label", "Company <script>"),
        ("settings.custom_fields[0].key", "company"),
        ("settings.custom_fields[0].type", "text"),
        ("settings.custom_fields[0].required", "true"),
        ("settings.referral_rewards.milestones[0].count", "1"),
        ("settings.referral_rewards.milestones[0].reward", "A sticker"),
        ("do", "save"),
    ];
    let refused = browser.post(&format!("{list}/settings"), &[&base[..], &[("settings.max_entries", "many")], &row].concat()).await;
    refused.is_page(422, &["value=\"many\"", "A sticker"]);
    let preview = browser.post(&format!("{list}/preview"), &[&base[..], &row].concat()).await;
    assert_eq!(preview.status, 200);
    assert!(preview.text.contains("<body inert>"), "{}", preview.text);
    assert!(preview.text.contains("Company &#60;script&#62;") && preview.header("content-security-policy").starts_with("sandbox"));
    let saved = browser.post(&format!("{list}/settings"), &[&base[..], &row].concat()).await;
    assert_eq!(saved.leads_to(), format!("{list}/settings?done=saved"));
    browser.open(&format!("{list}/settings")).await.is_page(200, &["value=\"company\"", "A sticker", "Company &#60;script&#62;"]);
    // Saving the same once more changes nothing.
    browser.post(&format!("{list}/settings"), &[&base[..], &row].concat()).await.leads_to();
    let other = [("referral_boost", json!(5)), ("max_entries", json!(998))];
    for (key, value) in other {
        let id = server.admin_get("/waitlists").await.expect(200)["data"][0]["id"].as_str().unwrap().to_owned();
        server.admin_patch(&format!("/waitlists/{id}"), json!({"settings": {key: value}})).await.expect(200);
    }
    let mine = [("display_name", "Early access"), ("description", "Be the first"), ("seen", seen.as_str()), ("do", "save")];
    let boxes = [("settings.approval_required", "true"), ("settings.leaderboard_enabled", "true"), ("settings.referral_boost", "7")];
    let late = browser.post(&format!("{list}/settings"), &[&mine[..], &boxes, &row[..6]].concat()).await;
    late.is_page(
        409,
        &["saved other values of Description, Positions for each referral at", "Be the first", "value=\"7\"", "value=\"998\""],
    );
    late.is_page(409, &["<title>Error: Settings"]);
    let seen = late.hidden("seen");
    let mine =
        [("display_name", "Early access"), ("description", "Be the first"), ("seen", seen.as_str()), ("settings.max_entries", "998")];
    browser.post(&format!("{list}/settings"), &[&mine[..], &boxes, &row].concat()).await.leads_to();
    let stored = server.admin_get("/waitlists").await.expect(200)["data"][0].clone();
    assert_eq!((&stored["description"], &stored["settings"]["max_entries"]), (&json!("Be the first"), &json!(998)));

    browser.post(&format!("{list}/status"), &[("status", "active")]).await.leads_to();
    let body = json!({"email": "ada@example.com", "name": "<i>Ada</i>", "metadata": {"company": "<img src=x>"}});
    let ada = server.sign_up("early", body).await.expect(201);
    let entry = format!("{list}/entries/{}", ada["id"].as_str().unwrap());
    let shown = browser.open(&entry).await;
    shown.is_page(200, &["ada@example.com", "&#60;i&#62;Ada", "&#60;img src=x&#62;", "Pending"]);
    let approved = browser.post(&format!("{entry}/review"), &[("status", "approved")]).await;
    assert_eq!(approved.leads_to(), format!("{entry}?done=approved"));
    browser.open(&approved.leads_to()).await.is_page(200, &["Approved."]);
    let overview = browser.open(list).await;
    overview.is_page(200, &["Entries", "/w/acme/early"]);

    browser.post(&format!("{entry}/new-link"), &[]).await.is_page(200, &["Replace the link of ada@example.com?"]);
    browser.post(&format!("{entry}/new-link"), &[("confirm", "yes")]).await.leads_to();
    browser.post(&format!("{entry}/delete"), &[("erase", "true")]).await.is_page(200, &["Erase ada@example.com?"]);
    let bob = server.sign_up("early", json!({"email": "bob@example.com", "name": "Bob", "metadata": {"company": "x"}})).await.expect(201);
    let bob = bob["id"].as_str().unwrap();
    browser.open(&format!("{list}/entries?sort=-position&confirmed=false")).await.is_page(200, &["bob@example.com", "sort=-created_at"]);
    browser.open(&format!("{list}/entries?created_until=2026-01-31")).await.is_page(200, &["No entry matches"]);
    browser.open(&format!("{list}/entries?created_since=soon")).await.is_page(400, &["value=\"soon\"", "aria-invalid=\"true\""]);
    let bulk = format!("{list}/entries/bulk");
    let unticked = browser.post(&bulk, &[("do", "approve"), ("filter", "status=pending")]).await.leads_to();
    assert_eq!(unticked, format!("{list}/entries?status=pending&done=unticked"));
    browser.open(&unticked).await.is_page(200, &["Nothing was changed. Tick entries first"]);
    browser.post(&bulk, &[("do", "reject"), ("entry", bob)]).await.leads_to();
    browser.open(&format!("{list}/entries?status=rejected")).await.is_page(200, &["bob@example.com"]);
    let back = format!("href=\"{list}/entries?status=rejected\"");
    let asked = browser.post(&bulk, &[("do", "delete"), ("entry", bob), ("filter", "status=rejected")]).await;
    asked.is_page(200, &["Delete 1 entry", "this entry with its answers", &back]);
    browser.post(&bulk, &[("do", "delete"), ("entry", bob), ("confirm", "yes")]).await.leads_to();
    // The page stays as it was filtered and sorted, and nothing else of the form comes into its address.
    let filtered = [("do", "approve"), ("entry", bob), ("filter", "status=pending&sort=-position&cursor=x&q=a%26b\n")];
    let partly = browser.post(&bulk, &filtered).await.leads_to();
    assert_eq!(partly, format!("{list}/entries?status=pending&sort=-position&q=a%26b%0A&unchanged=1&why=entry_not_found"));
    browser.open(&partly).await.is_page(400, &["1 entry could not be changed: gone.", "<option value=\"pending\" selected>"]);
    let unticked = browser.post(&bulk, &[("do", "approve")]).await.leads_to();
    browser.open(&unticked).await.is_page(200, &["Nothing was changed. Tick entries first"]);
    let csv = browser.open(&format!("{list}/entries/export.csv")).await;
    assert!(csv.header("content-type").starts_with("text/csv") && csv.text.contains("ada@example.com"));
    browser.post(&format!("{list}/delete"), &[]).await.is_page(200, &["Delete Early access?", "1 entry"]);
    assert_eq!(browser.post(&format!("{list}/delete"), &[("confirm", "yes")]).await.leads_to(), "/console/w/acme?done=deleted");
    browser.open("/console/w/acme").await.is_page(200, &["No list yet"]);
}

#[apply(on_both_stores)]
async fn what_a_workspace_has_is_run_by_forms(kind: Kind) {
    let server = TestServer::start(kind).await;
    let browser = Browser::signed_in(&server, true).await;
    let ws = "/console/w/acme";
    let made =
        browser.post(&format!("{ws}/new-key"), &[("name", "Website"), ("actions", "entry.read"), ("actions", "waitlist.read")]).await;
    made.is_page(200, &["The key of Website", "rally_live_"]);
    let keys = server.admin_get("/api-keys").await.expect(200);
    assert_eq!(keys["data"][0]["scope"], "entry.read waitlist.read");
    let id = keys["data"][0]["id"].as_str().unwrap();
    browser.post(&format!("{ws}/new-key"), &[("name", " ")]).await.is_page(422, &["aria-invalid=\"true\""]);
    browser.post(&format!("{ws}/keys/{id}/revoke"), &[]).await.is_page(200, &["Revoke the key Website?", "<bdi>rally_"]);
    browser.post(&format!("{ws}/keys/{id}/revoke"), &[("confirm", "yes")]).await.leads_to();
    browser.open(&format!("{ws}/keys")).await.is_page(200, &["Revoked"]);

    browser.post(&format!("{ws}/new-webhook"), &[("url", "ftp://x"), ("events", "entry.created")]).await.is_page(422, &["ftp://x"]);
    let hook = browser.post(&format!("{ws}/new-webhook"), &[("url", "http://127.0.0.1:9/"), ("events", "entry.created")]).await;
    hook.is_page(200, &["whsec_", "http://127.0.0.1:9/"]);
    let hooks = server.admin_get("/webhooks").await.expect(200);
    let page = format!("{ws}/webhooks/{}", hooks["data"][0]["id"].as_str().unwrap());
    browser.open(&page).await.is_page(200, &["Test it"]);
    // Two tabs tick another event each. The second one is told, and replaces what the first one saved only if it saves again.
    let seen = browser.open(&page).await.hidden("seen");
    let with = |other: &'static str, seen: String| {
        vec![
            ("url", "http://127.0.0.1:9/".to_owned()),
            ("events", "entry.created".to_owned()),
            ("events", other.to_owned()),
            ("seen", seen),
        ]
    };
    let save = async |form: Vec<(&str, String)>| {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post(&page, &form).await
    };
    save(with("entry.approved", seen.clone())).await.leads_to();
    let late = save(with("entry.rejected", seen)).await;
    late.is_page(409, &["Was changed meanwhile, and is entry.approved, entry.created now"]);
    save(with("entry.rejected", late.hidden("seen"))).await.leads_to();
    assert_eq!(server.admin_get("/webhooks").await.expect(200)["data"][0]["events"], json!(["entry.created", "entry.rejected"]));
    browser.post(&format!("{page}/test"), &[("type", "entry.created")]).await.leads_to();
    browser.post(&format!("{page}/rotate"), &[]).await.is_page(200, &["Rotate the secret"]);
    browser.post(&format!("{page}/rotate"), &[("confirm", "yes")]).await.is_page(200, &["whsec_"]);
    browser.post(&format!("{page}/active"), &[("active", "false")]).await.leads_to();
    browser.open(&format!("{ws}/webhooks")).await.is_page(200, &["Disabled"]);
    browser.post(&format!("{page}/delete"), &[("confirm", "yes")]).await.leads_to();

    browser
        .post(&format!("{ws}/mail"), &[("brand_name", "Acme <b>"), ("primary_color", "#0f766e"), ("notifications", "off")])
        .await
        .leads_to();
    browser.open(&format!("{ws}/mail")).await.is_page(200, &["Acme &#60;b&#62;", "#0f766e"]);
    browser.post(&format!("{ws}/mail"), &[("primary_color", "teal")]).await.is_page(422, &["value=\"teal\""]);
    // A form that was opened before changes what was typed in it, and nothing else.
    let seen = browser.open(&format!("{ws}/mail")).await.hidden("seen").replace("&#38;", "&");
    browser.post(&format!("{ws}/mail"), &[("brand_name", "Acme Labs"), ("seen", &seen)]).await.leads_to();
    let both = [("brand_name", "Acme <b>"), ("primary_color", "#112233"), ("seen", &seen)];
    browser.post(&format!("{ws}/mail"), &both).await.leads_to();
    browser.open(&format!("{ws}/mail")).await.is_page(200, &["Acme Labs", "#112233"]);
    // What both have changed is replaced by whoever saves again.
    let mine = browser.post(&format!("{ws}/mail"), &[("brand_name", "Mine"), ("seen", &seen)]).await;
    mine.is_page(409, &["Was changed meanwhile, and is &#34;Acme Labs&#34; now", "value=\"Mine\""]);
    let seen = mine.hidden("seen").replace("&#38;", "&");
    browser.post(&format!("{ws}/mail"), &[("brand_name", "Mine"), ("seen", &seen)]).await.leads_to();
    browser.open(&format!("{ws}/mail")).await.is_page(200, &["value=\"Mine\""]);

    browser
        .open(&format!("{ws}/mail/templates"))
        .await
        .is_page(200, &["welcome", "Another language", "<span lang=\"de\">Deutsch (de)</span><span class=\"apart\">, welcome</span>"]);
    browser.open(&format!("{ws}/mail/new-template")).await.is_page(200, &["Welcome: after the sign-up"]);
    browser.post(&format!("{ws}/mail/new-template"), &[("kind", "welcome"), ("locale", "!")]).await.is_page(422, &["value=\"!\""]);
    let swedish = browser.post(&format!("{ws}/mail/new-template"), &[("kind", "welcome"), ("locale", "SV")]).await.leads_to();
    assert_eq!(swedish, format!("{ws}/mail/templates/welcome/sv"));
    browser.open(&swedish).await.is_page(200, &["not written yet", "entry.name"]);
    browser.post(&swedish, &[("subject", "Hej"), ("text", "Hej {{ entry.name }}"), ("updated_at", "")]).await.leads_to();
    browser.open(&swedish).await.is_page(200, &["value=\"Hej\"", "Delete the text"]);
    browser.post(&format!("{swedish}/reset"), &[]).await.is_page(200, &["Delete the text of welcome, sv?"]);
    browser.post(&format!("{swedish}/reset"), &[("confirm", "yes")]).await.leads_to();
    let template = format!("{ws}/mail/templates/welcome/en");
    browser.open(&template).await.is_page(200, &["entry.name", &format!("src=\"{template}/preview\"")]);
    // The preview has the brand of the workspace, and may load its logo.
    browser.post(&format!("{ws}/mail"), &[("brand_logo_url", "https://cdn.example/acme.png")]).await.leads_to();
    let stored = browser.open(&format!("{template}/preview")).await;
    assert!(stored.status == 200 && stored.text.contains("acme.png"), "{}", stored.text);
    assert!(stored.header("content-security-policy").ends_with("; img-src https://cdn.example"));
    assert!(!stored.text.contains("logo.png"), "{}", stored.text);
    let unwritten = browser.open(&format!("{ws}/mail/templates/welcome/sv/preview")).await;
    assert!(unwritten.status == 200 && !unwritten.text.contains("role=\"alert\""), "{}", unwritten.text);
    let words = [("subject", "Hello"), ("text", "Hello {{ entry.name }}"), ("html", ""), ("updated_at", "")];
    let rendered = browser.post(&format!("{template}/preview"), &words).await;
    assert!(rendered.status == 200 && rendered.header("content-security-policy").starts_with("sandbox"), "{}", rendered.text);
    browser.post(&template, &words).await.leads_to();
    browser.post(&template, &words).await.is_page(409, &["saved something else"]);
    browser.post(&format!("{template}/reset"), &[("confirm", "yes")]).await.leads_to();
    browser.post(&template, &[("subject", "Hello"), ("text", "{{ nothing }}")]).await.is_page(422, &["{{ nothing }}"]);
    browser.post(&format!("{template}/test"), &[("to", "nobody")]).await.is_page(422, &[]);
    browser.open(&format!("{ws}/mail/log?state=sent")).await.is_page(200, &["No mail"]);
    browser.post(&format!("{ws}/mail/suppressions"), &[("email", "eve@example.com")]).await.leads_to();
    let asked = browser.post(&format!("{ws}/mail/suppressions/check"), &[("email", "eve@example.com")]).await;
    asked.is_page(200, &["is suppressed", "e***@example.com"]);
    browser.post(&format!("{ws}/mail/suppressions"), &[("email", "no")]).await.is_page(422, &[]);
    let id = server.admin_get("/suppressions").await.expect(200)["data"][0]["id"].as_str().unwrap().to_owned();
    browser.post(&format!("{ws}/mail/suppressions/{id}/lift"), &[]).await.leads_to();

    let list = server.active_list("early", json!({})).await;
    let variant = [("kind", "ab"), ("locale", "en"), ("weight", "3"), ("active", "true"), ("copy.display_name", "Other words")];
    browser.post("/console/w/acme/lists/early/new-variant", &variant).await.leads_to();
    browser.open("/console/w/acme/lists/early/variants").await.is_page(200, &["Other words"]);
    let variants = server.admin_get(&format!("/waitlists/{list}/variants")).await.expect(200);
    let path = format!("/console/w/acme/lists/early/variants/{}", variants["data"][1]["id"].as_str().unwrap());
    browser.post(&path, &[("locale", "en"), ("weight", "many")]).await.is_page(422, &["value=\"many\""]);
    browser.post(&path, &[("locale", "de"), ("weight", "4"), ("copy.display_name", "Andere Worte")]).await.leads_to();
    let changed = server.admin_get(&format!("/waitlists/{list}/variants")).await.expect(200)["data"][1].clone();
    assert_eq!(
        (&changed["weight"], &changed["active"], &changed["copy"]["display_name"]),
        (&json!(4), &json!(false), &json!("Andere Worte"))
    );
    browser.post(&format!("{path}/delete"), &[("confirm", "yes")]).await.leads_to();
    browser.open("/console/w/acme/lists/early/confirmations").await.is_page(200, &["Confirmations"]);
}

/// A browser that loads the answer to a form again sends the form again.
#[apply(on_both_stores)]
async fn a_form_that_is_sent_again_is_carried_out_once(kind: Kind) {
    let server = TestServer::start(kind).await;
    let browser = Browser::signed_in(&server, true).await;
    let ws = "/console/w/acme";
    let secret = |seen: &Seen| {
        seen.is_page(200, &["Copy it now"]);
        seen.text.split("<code id=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned()
    };
    let hooks = async || server.admin_get("/webhooks").await.expect(200)["data"].as_array().unwrap().clone();
    let once = browser.open(&format!("{ws}/new-webhook")).await.hidden("once");
    let form = [("once", once.as_str()), ("url", "https://receiver.example/a"), ("events", "entry.created")];
    let first = secret(&browser.post(&format!("{ws}/new-webhook"), &form).await);
    let again = browser.post(&format!("{ws}/new-webhook"), &form).await.leads_to();
    browser.open(&again).await.is_page(200, &["That was done already."]);
    assert_eq!(hooks().await.len(), 1);
    // Another form of the same page is another webhook.
    let other = [("once", once.as_str()), ("url", "https://receiver.example/b"), ("events", "entry.created")];
    assert_ne!(secret(&browser.post(&format!("{ws}/new-webhook"), &other).await), first);
    assert_eq!(hooks().await.len(), 2);
    let rotate = format!("{ws}/webhooks/{}/rotate", hooks().await[0]["id"].as_str().unwrap());
    let asks = browser.post(&rotate, &[]).await;
    let form = [("once", asks.hidden("once")), ("confirm", "yes".to_owned())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_ne!(secret(&browser.post(&rotate, &form).await), first);
    let again = browser.post(&rotate, &form).await.leads_to();
    browser.open(&again).await.is_page(200, &["That was done already."]);
    let once = browser.open(&format!("{ws}/new-key")).await.hidden("once");
    let form = [("once", once.as_str()), ("name", "Website"), ("actions", "entry.read")];
    secret(&browser.post(&format!("{ws}/new-key"), &form).await);
    let again = browser.post(&format!("{ws}/new-key"), &form).await.leads_to();
    browser.open(&again).await.is_page(200, &["That was created already."]);
    assert_eq!(server.admin_get("/api-keys").await.expect(200)["data"].as_array().unwrap().len(), 1);
    // Also if it comes several times at once.
    let once = browser.open(&format!("{ws}/new-key")).await.hidden("once");
    let form = [("once", once.as_str()), ("name", "Other"), ("actions", "entry.read")];
    let csrf = browser.open("/console/help").await.hidden("csrf");
    let posted = [&[("csrf", csrf.as_str())], &form[..]].concat();
    let sent = join_all((0..4).map(|_| browser.send(browser.form(&format!("{ws}/new-key"), &posted)))).await;
    let mut statuses: Vec<u16> = sent.iter().map(|seen| seen.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 303, 303, 303]);
    assert_eq!(server.admin_get("/api-keys").await.expect(200)["data"].as_array().unwrap().len(), 2);
}

/// Who changes one thing undoes nothing that somebody else has changed since the form was opened.
#[apply(on_both_stores)]
async fn a_save_changes_what_the_person_changed(kind: Kind) {
    let server = TestServer::start(kind).await;
    let browser = Browser::signed_in(&server, true).await;
    let list = server.active_list("early", json!({})).await;
    let hook = json!({"url": "https://receiver.example/a", "events": ["entry.created", "entry.deleted"]});
    let hook = server.admin_post("/webhooks", hook).await.expect(201)["id"].as_str().unwrap().to_owned();
    let page = format!("/console/w/acme/webhooks/{hook}");
    let seen = browser.open(&page).await.hidden("seen");
    server.admin_patch(&format!("/webhooks/{hook}"), json!({"events": ["entry.created"]})).await.expect(200);
    let form = [("seen", seen.as_str()), ("url", "https://receiver.example/b"), ("events", "entry.created"), ("events", "entry.deleted")];
    browser.post(&page, &form).await.leads_to();
    let stored = server.admin_get(&format!("/webhooks/{hook}")).await.expect(200);
    assert_eq!((&stored["url"], &stored["events"]), (&json!("https://receiver.example/b"), &json!(["entry.created"])));
    let variant = json!({"kind": "ab", "locale": "en", "weight": 3, "active": true, "copy": {"display_name": "One", "cta": "Go"}});
    let variant = server.admin_post(&format!("/waitlists/{list}/variants"), variant).await.expect(201)["id"].as_str().unwrap().to_owned();
    let page = format!("/console/w/acme/lists/early/variants/{variant}");
    let seen = browser.open(&page).await.hidden("seen");
    let copy = json!({"copy": {"display_name": "One", "description": "Theirs"}});
    server.admin_patch(&format!("/waitlists/{list}/variants/{variant}"), copy).await.expect(200);
    let form = [("seen", seen.as_str()), ("locale", "en"), ("weight", "5"), ("active", "true"), ("copy.display_name", "One")];
    browser.post(&page, &form).await.leads_to();
    let variants = server.admin_get(&format!("/waitlists/{list}/variants")).await.expect(200)["data"].clone();
    let stored = variants.as_array().unwrap().iter().find(|row| row["id"] == variant.as_str()).unwrap().clone();
    assert_eq!((&stored["weight"], &stored["copy"]), (&json!(5), &json!({"display_name": "One", "description": "Theirs"})));
}

/// What cannot be looked for is said, and what was typed stays.
#[apply(on_both_stores)]
async fn a_filter_that_is_refused_says_why(kind: Kind) {
    let server = TestServer::start(kind).await;
    let browser = Browser::signed_in(&server, true).await;
    server.active_list("early", json!({})).await;
    let list = "/console/w/acme/lists/early/entries";
    let long = "x".repeat(300);
    let seen = browser.open(&format!("{list}?q={long}")).await;
    seen.is_page(400, &["Change what you ask for", "href=\"#f-q\"", "aria-invalid=\"true\"", &long]);
    assert!(!seen.text.contains("No entry matches"), "{}", seen.text);
    browser.open(&format!("{list}?field.nope=1")).await.is_page(400, &["Change what you ask for", "field.nope: "]);
    let seen = browser.open("/console/w/acme/audit?action=approve&target=some-target").await;
    seen.is_page(400, &["Change what you ask for", "value=\"some-target\"", "Nothing was looked for", "<title>Error: Audit log"]);
    let seen = browser.post("/console/w/acme/mail/suppressions/check", &[("email", "nobody")]).await;
    seen.is_page(422, &["Change the address", "value=\"nobody\""]);
}

/// A list that asks for confirmations takes nobody while its workspace sends no mail. The console says so where it is decided.
#[apply(on_both_stores)]
async fn the_console_says_that_nobody_can_sign_up(kind: Kind) {
    let smtp = FakeSmtp::start(SmtpOptions::default()).await;
    let url = smtp.url();
    let server = TestServer::start_with(kind, |settings| Settings {
        smtp_url: Some(url),
        smtp_from: Some("Rally <rally@mail.example>".to_owned()),
        ..settings
    });
    let server = server.await;
    server.admin_put("/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
    server.active_list("early", json!({"email_confirmation": true})).await;
    let browser = Browser::signed_in(&server, true).await;
    let (list, mail) = ("/console/w/acme/lists/early", "/console/w/acme/mail");
    assert!(!browser.open(list).await.text.contains("Nobody can sign up"));
    assert!(!browser.open(mail).await.text.contains("Nobody can sign up"));
    let led = browser.post(mail, &[("notifications", "off")]).await.leads_to();
    browser.open(&led).await.is_page(200, &["Nobody can sign up for List early"]);
    browser.open(list).await.is_page(200, &["Nobody can sign up: addresses are to be confirmed"]);
}

/// The answer to a form of a session that has ended says that nothing was saved.
#[apply(on_both_stores)]
async fn a_form_without_a_session_says_that_nothing_was_saved(kind: Kind) {
    let server = TestServer::start(kind).await;
    let browser = Browser::signed_in(&server, true).await;
    server.clock.advance(Duration::hours(13));
    let seen = browser.send(browser.form("/console/w/acme/mail", &[("brand_name", "Acme")])).await;
    seen.is_page(401, &["You were signed out, so nothing was saved."]);
    let asked = browser.open("/console/sign-in").await;
    assert!(!asked.text.contains("nothing was saved"), "{}", asked.text);
}

#[apply(on_both_stores)]
async fn the_log_of_mail_says_what_waits_for_room(kind: Kind) {
    let smtp = FakeSmtp::start(SmtpOptions::default()).await;
    let some = |text: &str| Some(text.to_owned());
    let url = smtp.url();
    let server = TestServer::start_with(kind, |settings| Settings {
        smtp_url: Some(url),
        smtp_from: some("Rally <rally@mail.example>"),
        mail_budget: some("1/1h"),
        trusted_proxies: some("127.0.0.1"),
        ..settings
    });
    let server = server.await;
    server.admin_put("/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
    server.active_list("early", json!({})).await;
    let browser = Browser::signed_in(&server, true).await;
    for name in ["ada", "bob"] {
        let request = server.request(Method::POST, "/v1/waitlists/acme/early/entries").header("x-forwarded-for", "198.51.100.1");
        send(request.json(&json!({"email": format!("{name}@example.com"), "name": name}))).await.expect(201);
        if name == "ada" {
            browser.open_until("/console/w/acme/mail/log?state=sent", "ada@example.com").await;
        }
    }
    let words = "waits until RALLY_MAIL_BUDGET has room";
    let seen = browser.open("/console/w/acme/mail/log").await;
    assert!(seen.text.contains("bob@example.com") && !seen.text.contains(words), "{}", seen.text);
    server.clock.advance(Duration::MINUTE);
    let seen = browser.open("/console/w/acme/mail/log").await;
    assert_eq!(seen.text.matches(words).count(), 1, "{}", seen.text);
    server.clock.advance(Duration::HOUR);
    browser.open_until("/console/w/acme/mail/log?state=sent", "bob@example.com").await;
}

#[apply(on_both_stores)]
async fn referrals_are_decided_after_a_look_at_whom_that_moves(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list =
        server.active_list("early", json!({"referral_boost": 2, "referral_fraud": "withhold", "referral_fraud_threshold": 40})).await;
    let browser = Browser::signed_in(&server, true).await;
    let path = "/console/w/acme/lists/early";
    browser.open(&format!("{path}/referrals")).await.is_page(200, &["No referral yet"]);
    server.join("early", "first@example.com").await;
    let ada = server.join("early", "ada@example.com").await;
    for friend in ["bob", "eve", "joe"] {
        server.join_with("early", &format!("{friend}@example.com"), &ada["referral_code"]).await;
    }
    let ada = ada["id"].as_str().unwrap();
    browser.open(path).await.is_page(200, &["3 referrals are withheld"]);
    browser.open(&format!("{path}/referrals?state=withheld")).await.is_page(200, &["bob@example.com", "same network", "Withheld", "Rings"]);
    browser.open(&format!("{path}/referrals?state=none")).await.is_page(400, &[]);
    browser.open(&format!("{path}/referrals?referrer_entry_id={ada}")).await.is_page(200, &["brought by"]);
    browser.open(&format!("{path}/referrals/rings")).await.is_page(200, &["3 referrals", "one network", "ada@example.com"]);
    browser.open(&format!("{path}/entries/{ada}")).await.is_page(200, &["Brought 0 friends", "joe@example.com"]);

    let rows = server.admin_get(&format!("/waitlists/{list}/referrals")).await.expect(200);
    let id = |index: usize| rows["data"][index]["id"].as_str().unwrap();
    let decide = format!("{path}/referrals/decide");
    let chosen = [("id", id(0)), ("id", id(1)), ("state", "credited")];
    let shown = browser.post(&decide, &chosen).await;
    shown.is_page(200, &["Credit 2 referrals?", "Who moves", "ada@example.com", &format!("value=\"{}\"", id(1))]);
    let count = async || {
        let entry = server.admin_get(&format!("/waitlists/{list}/entries/{ada}")).await.expect(200);
        entry["referral_count"].clone()
    };
    assert_eq!(count().await, 0, "a look changes nothing");
    let shown = browser.post(&decide, &[&chosen[..], &[("shown", "withheld")]].concat()).await;
    shown.is_page(200, &["name=\"shown\" value=\"withheld\"", &format!("href=\"{path}/referrals?state=withheld\"")]);
    let done = [("confirm", "yes"), ("reason", "friends <b>"), ("shown", "withheld")];
    let done = browser.post(&decide, &[&chosen[..], &done].concat()).await.leads_to();
    assert_eq!(done, format!("{path}/referrals?state=withheld&done=decided"), "the page stays as it was");
    browser.open(&done).await.is_page(200, &["Decided.", "name=\"shown\" value=\"withheld\""]);
    assert_eq!(count().await, 2);
    browser.post(&decide, &chosen).await.is_page(200, &["in this state already"]);
    let all = [("referrer_entry_id", ada), ("state", "revoked")];
    browser.post(&decide, &all).await.is_page(200, &["Revoke 3 referrals?"]);
    browser.post(&decide, &[&all[..], &[("confirm", "yes")]].concat()).await.leads_to();
    assert_eq!(count().await, 0);
    browser.post(&decide, &[("state", "credited")]).await.is_page(400, &[]);
    browser.post(&decide, &[("network_of", ada), ("state", "none")]).await.is_page(400, &[]);

    browser.post(&decide, &[("network_of", ada), ("state", "credited"), ("confirm", "yes")]).await.leads_to();
    let policy = format!("{path}/referrals/policy");
    browser.open(&policy).await.is_page(200, &["A referral is worth 2 positions now", "value=\"2\""]);
    browser.open(&format!("{policy}?referral_boost=0")).await.is_page(200, &["1 entry would move", "ada@example.com"]);
    browser.open(&format!("{policy}?referral_boost=many")).await.is_page(200, &["value=\"many\"", "aria-invalid=\"true\""]);
}

#[apply(on_both_stores)]
async fn a_review_of_one_entry_is_undone_where_it_can_be(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({"invite_url": "https://app.example/?code={code}"})).await;
    let ada = server.join("early", "ada@example.com").await;
    let browser = Browser::signed_in(&server, true).await;
    let entry = format!("/console/w/acme/lists/early/entries/{}", ada["id"].as_str().unwrap());
    let (review, undo) = (format!("{entry}/review"), |status: &str| format!("name=\"status\" value=\"{status}\"><button class=\"small\""));
    let approved = browser.post(&review, &[("status", "approved")]).await.leads_to();
    browser.open(&approved).await.is_page(200, &["Approved.", &undo("rejected"), "data-key=\"u\">Undo: reject</button>"]);
    let rejected = browser.post(&review, &[("status", "rejected")]).await.leads_to();
    browser.open(&rejected).await.is_page(200, &["Rejected after all.", &undo("approved"), "data-key=\"u\">Undo</button>"]);
    // The verdict of the address is not that of the entry any more.
    assert!(!browser.open(&approved).await.text.contains("data-key=\"u\""));
    let again = browser.post(&review, &[("status", "approved")]).await.leads_to();
    browser.open(&again).await.is_page(200, &["Approved again.", &undo("rejected"), "data-key=\"u\">Undo</button>"]);
    let path = format!("/waitlists/{list}/entries/{}/invite-to-app", ada["id"].as_str().unwrap());
    server.admin_post(&path, json!({})).await.expect(200);
    assert!(!browser.open(&again).await.text.contains("data-key=\"u\""), "who was invited cannot be rejected");
    let mut reader = Browser::of(&server.base);
    reader.paste(key(&server, "waitlist.read entry.read").await["key"].as_str().unwrap()).await.leads_to();
    assert!(!reader.open(&again).await.text.contains("data-key=\"u\""));
}

#[apply(on_both_stores)]
async fn a_file_is_imported_by_a_form(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({})).await;
    let browser = Browser::signed_in(&server, true).await;
    let list = "/console/w/acme/lists/early";
    let (imports, new) = (format!("{list}/imports"), format!("{list}/new-import"));
    browser.open(&imports).await.is_page(200, &["No import yet"]);
    browser.open(&new).await.is_page(200, &["multipart/form-data", "name=\"dry_run\" value=\"true\" checked"]);
    let file = "E-mail;Who\nada@example.com;Ada <b>\nnobody;No\nbob@example.com;Bob\n";
    let options = [("format", "generic"), ("on_duplicate", "skip"), ("map", "Who = name\r\nE-mail=email")];

    let trial = browser.upload(&new, &[&options[..], &[("dry_run", "true")]].concat(), file).await.leads_to();
    let page = browser.open_until(&trial, "data-say=\"Done\"").await;
    page.is_page(200, &["Trial import", "Would be added</dt><dd>2", "Failed</dt><dd>1", "UTF-8", "Import it: choose the file again"]);
    page.is_page(200, &["1 problem in the whole file", "All problems as CSV"]);
    page.is_page(200, &["<th scope=\"row\" class=\"number\">3</th>", "<code>E-mail</code>", "<bdi>Who</bdi></th><td><code>name</code>"]);
    browser.open(&format!("{list}/entries")).await.is_page(200, &["No entry yet"]);
    // The choices of the trial are proposed for the import itself.
    let again = browser.open(&format!("{new}?after={}", trial.rsplit('/').next().unwrap())).await;
    again.is_page(200, &["Who = name\nE-mail = email</textarea>", "value=\"generic\" selected", "name=\"dry_run\" value=\"true\" aria"]);
    again.is_page(200, &["Choose the file of the trial once more", "The same file as before: generic with 3 rows"]);
    assert!(!again.text.contains("Make a trial first"), "{}", again.text);
    page.is_page(200, &["/new-import?after="]);
    // Without a file, the form asks for the same file again.
    let after = format!("{new}?after={}", trial.rsplit('/').next().unwrap());
    browser
        .upload(&after, &[("format", "generic")], "")
        .await
        .is_page(422, &["Choose a file that", "Choose the file of the trial once more"]);
    let done = browser.upload(&new, &options, file).await.leads_to();
    browser.open_until(&done, "data-say=\"Done\"").await.is_page(200, &["Added</dt><dd>2", "See the entries"]);
    browser.open(&format!("{list}/entries")).await.is_page(200, &["ada@example.com", "Ada &#60;b&#62;", "bob@example.com"]);
    let listed = browser.open(&imports).await;
    listed.is_page(200, &["trial", "generic"]);
    assert_eq!(listed.text.matches("data-row").count(), 2);
    // A trial of both names leaves nothing to say. A problem of a person who is added can be read, too.
    let names = "First Name,Last Name,E-mail,a=b,Referred by\nCy,C,cy@example.com,x,nobody\n";
    let trial = browser.upload(&new, &[("map", "a=b = metadata.a=b"), ("dry_run", "true")], names).await.leads_to();
    browser.open_until(&trial, "data-say=\"Done\"").await.is_page(200, &["<code>first_name</code>", "<code>metadata.a=b</code>"]);
    let again = format!("{new}?after={}", trial.rsplit('/').next().unwrap());
    browser.open(&again).await.is_page(200, &["\na=b = metadata.a=b</textarea>"]);
    let named = browser.upload(&again, &[("format", "generic"), ("map", "a=b = metadata.a=b")], names).await.leads_to();
    let page = browser.open_until(&named, "data-say=\"Done\"").await;
    page.is_page(200, &["Added</dt><dd>1", "Failed</dt><dd>0", "All problems as CSV", "<code>referred_by</code>"]);
    let problems = browser.open(&format!("{done}/problems.csv")).await;
    assert!(problems.header("content-type").starts_with("text/csv") && problems.text.contains("\r\n3,E-mail,"), "{}", problems.text);
    browser.post(&format!("{done}/cancel"), &[]).await.is_page(409, &["has ended"]);
    browser.open(&format!("{imports}/00000000-0000-7000-8000-000000000000")).await.is_page(404, &[]);

    let export = browser.open(&format!("{list}/entries/export.jsonl")).await;
    assert!(
        export.header("content-type").starts_with("application/x-ndjson") && export.text.contains("ada@example.com"),
        "{}",
        export.text
    );
    browser.upload(&new, &[("format", "rally")], &export.text).await.is_page(422, &["id=\"f-file-error\">", "waitlist"]);
    server.active_list("copy", json!({})).await;
    let copy = browser.upload("/console/w/acme/lists/copy/new-import", &[("format", "rally")], &export.text).await.leads_to();
    browser.open_until(&copy, "data-say=\"Done\"").await.is_page(200, &["Added</dt><dd>3"]);
}

#[apply(on_both_stores)]
async fn a_form_with_a_file_is_refused_as_others_are(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({})).await;
    let browser = Browser::signed_in(&server, true).await;
    let new = "/console/w/acme/lists/early/new-import";
    type Refused<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a [&'a str]);
    let refused: [Refused<'_>; 5] = [
        (&[("format", "auto")], "", &["Choose a file that"]),
        (&[("format", "excel")], "a", &["f-format-error"]),
        (&[("map", "Mail")], "a", &["Write column = field", ">\nMail</textarea>"]),
        (
            &[("map", "Mail = age"), ("dry_run", "true")],
            "a",
            &["Mail: Choose one of email, name", "name=\"dry_run\" value=\"true\" checked"],
        ),
        (&[], "PK\u{3}\u{4}zip", &["f-file-error"]),
    ];
    for (fields, file, phrases) in refused {
        browser.upload(new, fields, file).await.is_page(422, &[&["aria-invalid=\"true\""][..], phrases].concat());
    }
    // Fields without anything in them take room too.
    browser.upload(new, &[("", ""); 8000], "a").await.is_page(413, &[]);
    for token in ["", "x"] {
        browser.send(browser.upload_as(new, token, &[], "a")).await.is_page(403, &["not of this session"]);
    }
    let csrf = browser.open("/console/help").await.hidden("csrf");
    let foreign = browser.upload_as(new, &csrf, &[], "a").header("origin", "https://evil.example");
    browser.send(foreign).await.is_page(403, &["not of this session"]);
    for (kind, body) in
        [("multipart/form-data", "x"), ("multipart/form-data; boundary=x", "x"), ("multipart/form-data; boundary=x", "--x\r\n\r\n")]
    {
        let request = browser.client.post(format!("{}{new}", server.base)).header("content-type", kind).body(body);
        browser.send(request).await.is_page(400, &[]);
    }
    assert_eq!(browser.post(new, &[("format", "auto")]).await.status, 415);
    // Only the archive was begun with, and its import has failed.
    let listed = browser.open("/console/w/acme/lists/early/imports").await;
    assert!(listed.text.matches("data-row").count() == 1 && listed.text.contains("Failed"), "{}", listed.text);
    let mut reader = Browser::of(&server.base);
    reader.paste(key(&server, "waitlist.read entry.read").await["key"].as_str().unwrap()).await.leads_to();
    reader.upload(new, &[], "a").await.is_page(403, &["entry.update"]);
    reader.open("/console/w/acme/lists/early/imports").await.is_page(403, &["entry.update"]);
    assert!(!reader.open("/console/w/acme/lists/early").await.text.contains("/imports"));
}

#[apply(on_both_stores)]
async fn events_are_sent_again_by_forms(kind: Kind) {
    let (server, receiver) = (TestServer::start(kind).await, Receiver::start().await);
    server.active_list("early", json!({})).await;
    let hook = json!({"url": receiver.url, "events": ["entry.created"]});
    let hook = server.admin_post("/webhooks", hook).await.expect(201)["id"].as_str().unwrap().to_owned();
    server.join("early", "ada@example.com").await;
    let first = receiver.wait_for(1).await;
    let browser = Browser::signed_in(&server, true).await;
    let page = format!("/console/w/acme/webhooks/{hook}");
    browser.open_until(&format!("{page}?state=delivered"), first[0].id()).await.is_page(200, &["Resend", "Send again what happened"]);
    browser.open(&format!("{page}?state=dead")).await.is_page(200, &["None has this state"]);
    browser.open(&format!("{page}?state=held")).await.is_page(400, &[]);
    let resent = browser.post(&format!("{page}/resend"), &[("event_id", first[0].id())]).await.leads_to();
    browser.open(&resent).await.is_page(200, &["The event is on its way"]);
    assert_eq!(receiver.wait_for(2).await[1].body, first[0].body);
    browser.post(&format!("{page}/resend"), &[("event_id", "x")]).await.is_page(404, &[]);

    let period = [("since", "2026-01-31T00:00"), ("until", "2026-02-01T00:00"), ("state", "all")];
    let sent = eventually(|| async {
        // An event that is still being sent is left alone.
        let sent = browser.post(&format!("{page}/replay"), &period).await.leads_to();
        Some(sent).filter(|sent| sent.ends_with("replayed=1"))
    })
    .await;
    browser.open(&sent).await.is_page(200, &["1 event is on its way."]);
    assert_eq!(receiver.wait_for(3).await[2].body, first[0].body);
    let none = [("since", "2026-01-30T00:00"), ("until", "2026-01-31T00:00:30"), ("state", "dead")];
    let none = browser.post(&format!("{page}/replay"), &none).await.leads_to();
    browser.open(&none).await.is_page(200, &["No event fits"]);
    let bad = [("since", "2026-01-31T00:00"), ("until", ""), ("state", "all")];
    browser.post(&format!("{page}/replay"), &bad).await.is_page(422, &["value=\"2026-01-31T00:00\"", "id=\"f-until\"", &receiver.url]);
    browser.post(&format!("{page}/active"), &[("active", "false")]).await.leads_to();
    browser.post(&format!("{page}/resend"), &[("event_id", first[0].id())]).await.is_page(409, &["not active"]);
    browser.post(&format!("{page}/replay"), &period).await.is_page(422, &["not active"]);
}

#[apply(on_both_stores)]
async fn the_audit_log_says_who_changed_what(kind: Kind) {
    let server = TestServer::start(kind).await;
    let browser = Browser::signed_in(&server, true).await;
    browser.post("/console/w/acme/new-list", &[("display_name", "Early <b>"), ("slug", "early"), ("description", "")]).await.leads_to();
    browser.post("/console/w/acme/lists/early/status", &[("status", "active")]).await.leads_to();
    let log = browser.open("/console/w/acme/audit").await;
    log.is_page(200, &["waitlist.create", "waitlist.status", "Early &#60;b&#62;", "sign-in link"]);
    log.is_page(200, &["href=\"/console/w/acme/lists/early\"><bdi>Early &#60;b&#62;</bdi></a>"]);
    let found = browser.open("/console/w/acme/audit?action=waitlist.status").await;
    found.is_page(200, &["<del>draft</del>", "<ins>active</ins>"]);
    assert!(!found.text.contains("Early &#60;b&#62;</ins>"), "{}", found.text);
    browser.open("/console/w/acme/audit?action=waitlist.paint").await.is_page(400, &[]);
    let rows = crate::audit::rows(&server, rally_domain::audit::AuditFilter::default()).await;
    let by_session: Vec<_> = rows.iter().filter(|record| record.row.actor.kind.as_str() == "session").collect();
    assert_eq!(by_session.len(), 2);
    assert!(by_session.iter().all(|record| record.row.actor.id.is_some() && record.row.actor.request_id.is_some()));
    let joined = server.join("early", "ada@example.com").await;
    let entry = format!("/console/w/acme/lists/early/entries/{}", joined["id"].as_str().unwrap());
    browser.post(&format!("{entry}/review"), &[("status", "approved")]).await.leads_to();
    browser.open(&entry).await.is_page(200, &["History", "<code>entry.approve</code>"]);
    let mut reader = Browser::of(&server.base);
    reader.paste(key(&server, "waitlist.read entry.read").await["key"].as_str().unwrap()).await.leads_to();
    reader.open("/console/w/acme/audit").await.is_page(403, &["rally.audit.read"]);
    assert!(!reader.open(&entry).await.text.contains("<code>entry.approve</code>"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_leads_to_what_is_missing() {
    let server = TestServer::start(Kind::Sqlite).await;
    server.active_list("early", json!({})).await;
    server.join("early", "ada@example.com").await;
    let browser = Browser::signed_in(&server, false).await;
    let (mut queue, mut seen) = (vec!["/console".to_owned()], std::collections::BTreeSet::new());
    while let Some(path) = queue.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let page = browser.open(&path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        for link in page.text.split("href=\"/console").skip(1).filter_map(|rest| rest.split('"').next()) {
            queue.push(format!("/console{}", link.split('#').next().unwrap().replace("&amp;", "&").replace("&#38;", "&")));
        }
    }
    assert!(seen.len() > 20, "{seen:?}");
    let index = browser.open("/").await;
    assert!(index.text.contains("/console\""), "{}", index.text);
    assert_eq!(browser.client.request(Method::OPTIONS, format!("{}/console/w/acme", server.base)).send().await.unwrap().status(), 204);
}

/// Makes the job of a form that a page has asked about.
async fn confirm(browser: &Browser, bulk: &str, fields: &[(&str, &str)], title: &str) -> String {
    let asked = browser.post(bulk, fields).await;
    let until = asked.is_page(200, &[title]).hidden("until");
    browser.post(bulk, &[fields, &[("until", until.as_str()), ("confirm", "yes")]].concat()).await.leads_to()
}

#[apply(on_both_stores)]
async fn all_that_match_are_changed_in_the_background(kind: Kind) {
    let server = TestServer::start(kind).await;
    let browser = Browser::signed_in(&server, true).await;
    let id = server.active_list("early", json!({"approval_required": true})).await;
    let list = "/console/w/acme/lists/early/entries".to_owned();
    let join = async |number: usize, domain: &str| {
        server.sign_up("early", json!({"email": format!("p{number}@{domain}"), "name": "Ada"})).await.expect(201);
    };
    for number in 0..130 {
        join(number, "acme.example").await;
    }
    join(1, "other.example").await;
    let number_of = async |status: &str| {
        let page = server.admin_get(&format!("/waitlists/{id}/entries?limit=100&status={status}&q=%40acme.example")).await.expect(200);
        let next = page["pagination"]["has_more"].as_bool().unwrap();
        (page["data"].as_array().unwrap().len(), next)
    };
    let bulk = format!("{list}/bulk");
    let matching = [("do", "approve"), ("scope", "matching"), ("filter", "q=%40acme.example&status=pending")];
    let asked = browser.post(&bulk, &matching).await;
    let until = asked.is_page(200, &["Approve 130 entries of"]).hidden("until");
    // Who comes after the click is left alone.
    join(500, "acme.example").await;
    let begun = browser.post(&bulk, &[&matching[..], &[("until", until.as_str()), ("confirm", "yes")]].concat()).await.leads_to();
    assert!(begun.contains("q=%40acme.example"), "{begun}");
    browser.open(&begun).await.is_page(200, &["It has begun", "Approving entries"]);
    eventually(|| async { browser.open(&list).await.text.contains("130 of 130").then_some(()) }).await;
    browser.open(&list).await.is_page(200, &["Approving entries", "Done"]);
    assert_eq!((number_of("approved").await, number_of("pending").await), ((100, true), (1, false)));
    let pending = server.admin_get(&format!("/waitlists/{id}/entries?status=pending")).await.expect(200);
    let addresses: Vec<&str> = pending["data"].as_array().unwrap().iter().map(|entry| entry["email"].as_str().unwrap()).collect();
    assert_eq!(addresses, ["p1@other.example", "p500@acme.example"]);

    // The number of those who cannot be invited is told, with the reason.
    let invited = confirm(&browser, &bulk, &[("do", "invite"), ("scope", "matching"), ("filter", "")], "Invite 132 entries").await;
    browser.open(&invited).await.is_page(200, &["Inviting people"]);
    eventually(|| async { browser.open(&list).await.text.contains("132 not changed").then_some(()) }).await;
    let again = browser.post(&bulk, &[("do", "approve"), ("scope", "matching"), ("filter", "")]).await;
    again.is_page(200, &["Approve 132 entries of", "130 entries are approved already: they stay as they are"]);
    browser.open(&list).await.is_page(200, &["132: no app is linked"]);

    let erased = [("do", "erase"), ("scope", "matching"), ("filter", "q=p1&sort=-created_at")];
    confirm(&browser, &bulk, &erased, "Erase 42 entries").await;
    eventually(|| async { browser.open(&list).await.text.contains("42 of 42").then_some(()) }).await;
    browser.open(&format!("{list}?q=p1")).await.is_page(200, &["No entry matches"]);
    let bad = browser.post(&bulk, &[("do", "approve"), ("scope", "matching"), ("filter", "created_since=soon")]).await;
    bad.is_page(400, &["created_since"]);
    browser.post(&bulk, &[("do", "dance"), ("scope", "matching"), ("filter", "")]).await.is_page(400, &["approve, reject"]);
}

/// A job whose service is away waits. Others do not wait for it.
#[apply(on_both_stores)]
async fn work_that_cannot_go_on_lets_others_by(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    let browser = Browser::signed_in(&server, true).await;
    server.admin_put("/rally/settings", upstreams::notifications()).await.expect(200);
    for list in ["early", "other"] {
        server.active_list(list, json!({})).await;
        for number in 0..3 {
            server.join(list, &format!("p{number}@example.com")).await;
        }
    }
    let bulk = |list: &str| format!("/console/w/acme/lists/{list}/entries/bulk");
    let shows = async |list: &str, phrase: &str| {
        let page = format!("/console/w/acme/lists/{list}/entries");
        eventually(|| async { browser.open(&page).await.text.contains(phrase).then_some(()) }).await;
    };
    let all = |action: &'static str| [("do", action), ("scope", "matching"), ("filter", "")];
    confirm(&browser, &bulk("early"), &all("approve"), "Approve 3 entries").await;
    shows("early", "3 of 3").await;
    world.heimdall.misbehave(Some(Misbehaviour::Status(503)));
    confirm(&browser, &bulk("early"), &all("invite"), "Invite 3 entries").await;
    eventually(|| async { (!world.heimdall.requests().is_empty()).then_some(()) }).await;
    confirm(&browser, &bulk("other"), &all("approve"), "Approve 3 entries").await;
    shows("other", "3 of 3").await;
    browser.open("/console/w/acme/lists/early/entries").await.is_page(200, &["Inviting people", "0 of 3"]);
    world.heimdall.misbehave(None);
    server.clock.advance(Duration::minutes(3));
    shows("early", "3 of 3").await;
    assert_eq!(world.heimdall.state().invites.len(), 3);
}

/// What the analytics count of erased people leads to nobody.
#[apply(on_both_stores)]
async fn erased_people_are_in_no_number_that_leads_to_entries(kind: Kind) {
    let server = TestServer::start(kind).await;
    let browser = Browser::signed_in(&server, true).await;
    let list = server.active_list("early", json!({"max_entries": 3, "approval_required": true})).await;
    let mut ids = Vec::new();
    for name in ["ada", "bob", "eve"] {
        ids.push(server.join("early", &format!("{name}@example.com")).await["id"].as_str().unwrap().to_owned());
    }
    let page = "/console/w/acme/lists/early";
    browser.open(page).await.is_page(200, &["The list is full", "3 entries wait for a review"]);
    server.admin_delete(&format!("/waitlists/{list}/entries/{}?erase=true", ids[0])).await;
    let seen = browser.open(page).await;
    seen.is_page(200, &["2 entries wait for a review"]);
    assert!(!seen.text.contains("The list is full"), "{}", seen.text);
    browser.open(&format!("{page}/entries")).await.is_page(200, &["2 entries"]);
    browser.post(&format!("{page}/delete"), &[]).await.is_page(200, &["Delete 2 entries and the list"]);
    let approve = [("do", "approve"), ("entry", ids[1].as_str()), ("entry", ids[2].as_str())];
    let approved = browser.post(&format!("{page}/entries/bulk"), &approve).await.leads_to();
    browser.open(&approved).await.is_page(200, &["2 entries approved."]);
    assert!(!browser.open(page).await.text.contains("for a review"));
    let again = browser.post(&format!("{page}/entries/bulk"), &[("do", "invite"), ("entry", ids[1].as_str())]).await.leads_to();
    browser.open(&again).await.is_page(200, &["1 entry could not be changed: no app and no link to invite with is set."]);
    let partly = [("do", "delete"), ("entry", ids[0].as_str()), ("entry", ids[2].as_str()), ("confirm", "yes")];
    let partly = browser.post(&format!("{page}/entries/bulk"), &partly).await.leads_to();
    browser.open(&partly).await.is_page(200, &["1 entry could not be changed: gone. All others were."]);
}

#[apply(on_both_stores)]
async fn work_in_the_background_is_cancelled(kind: Kind) {
    let server = TestServer::start(kind).await;
    let browser = Browser::signed_in(&server, true).await;
    server.active_list("early", json!({"approval_required": true})).await;
    server.active_list("other", json!({})).await;
    for number in 0..120 {
        server.sign_up("early", json!({"email": format!("p{number}@example.com"), "name": "Ada"})).await.expect(201);
    }
    let list = "/console/w/acme/lists/early";
    let approve = [("do", "approve"), ("scope", "matching"), ("filter", "")];
    let begun = confirm(&browser, &format!("{list}/entries/bulk"), &approve, "Approve 120 entries").await;
    // No worker ends it meanwhile.
    let (claim, now) = (ClaimId::new(server.ports.ids.uuid()), server.ports.clock.now());
    server.ports.entry_jobs.claim(claim, now, now.plus(Duration::hours(1))).await.unwrap();
    let second = browser.post(&format!("{list}/entries/bulk"), &approve).await.leads_to();
    assert!(second.ends_with("done=busy"), "{second}");
    let shown = browser.open(&begun).await.text;
    let job = shown.split("/jobs/").nth(1).expect("a job that goes on").split('/').next().unwrap();
    let elsewhere = browser.post(&format!("/console/w/acme/lists/other/jobs/{job}/cancel"), &[]).await;
    elsewhere.is_page(404, &[]);
    let cancelled = browser.post(&format!("{list}/jobs/{job}/cancel"), &[]).await.leads_to();
    browser.open(&cancelled).await.is_page(200, &["Cancelled"]);
}
