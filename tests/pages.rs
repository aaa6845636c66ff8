//! Pages for people, the files that they load, and what the widget reads: every page and state over HTTP, and forms sent as a browser
//! sends them, without scripts.

use rally_domain::id::{EntryId, RequestId, WaitlistId};
use rally_domain::url::form_urlencoded;
use rally_fakes::{FakeSmtp, SmtpOptions};
use rally_tests::{Kind, TestServer, on_both_stores, send};
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, StatusCode};
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use time::Duration;

pub(crate) const PAGE: &str = "/w/acme/early";

/// A reply to a browser that follows no redirect.
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    pub(crate) text: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Checks that this is a page with a status, a language and some phrases, which nobody frames.
    pub(crate) fn is_page(&self, status: u16, language: &str, phrases: &[&str]) -> &Self {
        self.is_page_for("'none'", status, language, phrases)
    }

    /// Checks the same of a page that pages of some origins may frame.
    pub(crate) fn is_page_for(&self, framers: &str, status: u16, language: &str, phrases: &[&str]) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8");
        let direction = if matches!(language, "ar" | "he") { "rtl" } else { "ltr" };
        let head = format!("<!doctype html>\n<html lang=\"{language}\" dir=\"{direction}\">");
        assert!(self.text.starts_with(&head), "{}", &self.text[..200]);
        for phrase in phrases {
            assert!(self.text.contains(phrase), "{phrase} is not in {}", self.text);
        }
        assert!(self.text.trim_end().ends_with("</html>"), "{}", self.text);
        let policy = self.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'"), "{policy}");
        assert!(policy.contains(&format!("frame-ancestors {framers};")) && !policy.contains("unsafe-inline"), "{policy}");
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        assert_eq!(self.header("set-cookie"), "");
        // Every script has a source, and nothing has a style or a handler of its own.
        assert_eq!(self.text.matches("<script").count(), self.text.matches("<script type=\"module\" src=\"/assets/").count());
        for inline in ["<style", " style=", " onclick=", "javascript:"] {
            assert!(!self.text.contains(inline), "{inline} is in {}", self.text);
        }
        self
    }

    /// The value of a hidden input.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let before = format!("<input type=\"hidden\" name=\"{name}\" value=\"");
        let start = self.text.find(&before).unwrap_or_else(|| panic!("no {name} in {}", self.text)) + before.len();
        self.text[start..].split('"').next().unwrap().to_owned()
    }

    /// Where a form that was carried out leads, as a path.
    pub(crate) fn leads_to(&self) -> String {
        assert_eq!(self.status, 303, "{}", self.text);
        let location = self.header("location");
        location.split_once("://").map_or(location, |(_, rest)| &rest[rest.find('/').unwrap()..]).to_owned()
    }
}

/// A browser without scripts.
pub(crate) struct Browser<'a> {
    server: &'a TestServer,
    pub(crate) client: Client,
    pub(crate) accepts: &'static str,
}

impl<'a> Browser<'a> {
    pub(crate) fn of(server: &'a TestServer) -> Self {
        Self { server, client: Client::builder().no_proxy().redirect(Policy::none()).build().unwrap(), accepts: "sv, en;q=0.5" }
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Seen {
        let reply = request.header("accept-language", self.accepts).send().await.unwrap();
        Seen { status: reply.status(), headers: reply.headers().clone(), text: reply.text().await.unwrap() }
    }

    pub(crate) async fn open(&self, path: &str) -> Seen {
        self.send(self.client.get(format!("{}{path}", self.server.base))).await
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Seen {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.client.post(format!("{}{path}", self.server.base));
        self.send(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    /// Opens the sign-up page, waits as long as a person needs, and sends the form with what it carries.
    pub(crate) async fn sign_up(&self, path: &str, fields: &[(&str, &str)]) -> Seen {
        let page = self.open(path).await;
        self.server.clock.advance(Duration::seconds(2));
        let names = ["form", "lang"].into_iter().filter(|name| page.text.contains(&format!("type=\"hidden\" name=\"{name}\"")));
        let carried: Vec<(&str, String)> = names.map(|name| (name, page.hidden(name))).collect();
        let carried: Vec<(&str, &str)> = carried.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.post(PAGE, &[&carried, fields].concat()).await
    }
}

pub(crate) async fn entries(server: &TestServer, list: &str) -> Vec<Value> {
    server.admin_get(&format!("/waitlists/{list}/entries")).await.expect(200)["data"].as_array().unwrap().clone()
}

/// A server that asks for confirmations, with its mail server.
pub(crate) async fn start_with_mail(kind: Kind) -> (TestServer, FakeSmtp, String) {
    let smtp = FakeSmtp::start(SmtpOptions::default()).await;
    let url = smtp.url();
    let server = TestServer::start_with(kind, |settings| rally_api::boot::config::Settings {
        smtp_url: Some(url),
        smtp_from: Some("rally@mail.example".to_owned()),
        ..settings
    });
    let server = server.await;
    server.admin_put("/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
    let list = server.active_list("early", json!({"email_confirmation": true})).await;
    (server, smtp, list)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_pages_are_kept_for_ever() {
    let server = TestServer::start(Kind::Sqlite).await;
    server.admin_put("/rally/settings", json!({"primary_color": "#0F766E"})).await.expect(200);
    server.active_list("early", json!({})).await;
    let browser = Browser::of(&server);
    let page = browser.open(PAGE).await;
    let files: Vec<&str> = page.text.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(files.len() >= 4 && files.iter().any(|file| file.starts_with("/assets/brand/0f766e.css?v=")), "{files:?}");
    for file in files {
        let got = browser.open(file).await;
        assert_eq!(got.status, 200, "{file}");
        assert_eq!(got.header("cache-control"), "public, max-age=31536000, immutable");
        assert!(got.header("etag").len() > 10 && got.header("content-encoding").is_empty(), "{file}");
        assert!(!got.text.is_empty());
    }
    let style = page.text.split('"').find(|part| part.starts_with("/assets/style.")).unwrap();
    let get = |path: &str| browser.client.get(format!("{}{path}", server.base));
    for path in [style, "/widget.js"] {
        let packed = get(path).header("accept-encoding", "br, gzip;q=0.5").send().await.unwrap();
        assert_eq!(packed.headers()["content-encoding"], "gzip");
        assert_eq!(packed.headers()["vary"], "Accept-Encoding");
        let etag = packed.headers()["etag"].clone();
        assert!(packed.bytes().await.unwrap().starts_with(&[0x1f, 0x8b]));
        let known = get(path).header("accept-encoding", "gzip").header("if-none-match", etag).send().await.unwrap();
        assert_eq!(known.status(), 304);
        let plain = get(path).header("accept-encoding", "gzip;q=0").send().await.unwrap();
        assert!(!plain.headers().contains_key("content-encoding"));
    }
    let widget = browser.open("/widget.js").await;
    assert_eq!((widget.header("content-type"), widget.header("access-control-allow-origin")), ("text/javascript; charset=utf-8", "*"));
    assert_eq!(widget.header("cache-control"), "public, max-age=300");
    assert_eq!(widget.header("cross-origin-resource-policy"), "cross-origin");
    for missing in ["/assets/style.css", "/assets/brand/zzzzzz.css", "/assets/brand/0f766e", "/assets/", "/assets/a/b/c"] {
        assert_eq!(browser.open(missing).await.status, 404, "{missing}");
    }
    let robots = browser.open("/robots.txt").await.text;
    for closed in ["/me", "/confirm", "/unsubscribe", "/console"] {
        assert!(robots.contains(&format!("Disallow: {closed}")), "{robots}");
    }
    let head = browser.send(browser.client.head(format!("{}{style}", server.base))).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""));
    let refused = browser.post("/widget.js", &[]).await;
    assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, "GET, HEAD"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_page_shows_where_to_go() {
    let server = TestServer::start(Kind::Sqlite).await;
    let mut browser = Browser::of(&server);
    browser.open("/").await.is_page(200, "en", &["href=\"/docs/\""]);
    browser.accepts = "ar-EG, en;q=0.1";
    browser.open("/").await.is_page(200, "ar", &["dir=\"rtl\""]);
    browser.open("/?lang=pt").await.is_page(200, "pt-BR", &[]);
    browser.open("/?lang=no_tag").await.is_page(200, "ar", &[]);
    // Errors are pages in the language of the reader.
    browser.accepts = "de";
    let missing = browser.open("/w/acme/nothing").await;
    missing.is_page(404, "de", &[missing.header("x-request-id")]);
    browser.open("/w").await.is_page(404, "de", &[]);
    browser.open("/me/nobody?lang=fr").await.is_page(404, "fr", &[]);
    let refused = browser.post("/", &[]).await;
    assert_eq!(refused.is_page(405, "de", &[]).header("allow"), "GET, HEAD");
    // A slash at the end is forgiven where a page is meant.
    for (typed, page) in [
        ("/w/acme/early/", "../early"),
        ("/w/acme/early/?ref=ABC&lang=de", "../early?ref=ABC&lang=de"),
        ("/console/", "../console"),
        ("/console/w/acme/", "../acme"),
        ("/me/token/", "../token"),
    ] {
        let reply = browser.open(typed).await;
        assert_eq!((reply.status.as_u16(), reply.header("location")), (308, page), "{typed}");
    }
    for path in ["/w/acme/early//", "//w/acme/early/", "/w/", "/console//", "//example.com/"] {
        assert_eq!(browser.open(path).await.status, 404, "{path}");
    }
    assert_eq!(browser.post("/w/acme/early/", &[]).await.status, 404);
}

/// An encoded letter is the same letter (RFC 3986, section 6.2.2.2), so it takes no header away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_in_another_spelling_is_as_safe() {
    let server = TestServer::start(Kind::Sqlite).await;
    server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    let own = ada["status_url"].as_str().unwrap()[server.base.len()..].to_owned();
    let entries = format!("/v1/workspaces/{}/waitlists", server.workspace.id);
    let fetch = async |path: &str| send(server.request(Method::GET, path).bearer_auth(server.token("*"))).await;
    for (path, spelt) in [
        ("/console/sign-in", "/%63onsole/sign-in"),
        ("/w/acme/early", "/%77/acme/early"),
        (&own, &own.replace("/me/", "/%6de/")),
        ("/unsubscribe/x", "/%75nsubscribe/x"),
        (&format!("/v1{own}"), &format!("/v1{}", own.replace("/me/", "/m%65/"))),
        (&entries, &entries.replace("workspaces", "%77orkspaces")),
    ] {
        let (plain, other) = (fetch(path).await, fetch(spelt).await);
        assert_eq!(plain.status, other.status, "{spelt}");
        for header in ["content-security-policy", "cache-control", "referrer-policy", "x-robots-tag", "content-type"] {
            assert_eq!(plain.header(header), other.header(header), "{header} of {spelt}");
        }
    }
}

#[apply(on_both_stores)]
async fn a_person_signs_up_without_scripts(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.admin_put("/rally/settings", json!({"brand_name": "Acme", "brand_logo_url": "https://cdn.example/logo.png"})).await.expect(200);
    let fields = json!([
        {"key": "company", "label": "Company"}, {"key": "team", "type": "number", "required": true},
        {"key": "tools", "type": "multiselect", "options": ["Hammer", "Saw"]}, {"key": "about", "type": "textarea"},
    ]);
    let rewards = json!({"milestones": [{"count": 3, "reward": "a <mug>"}]});
    let list = server.active_list("early", json!({"custom_fields": fields, "referral_rewards": rewards})).await;
    let ada = server.sign_up("early", json!({"email": "ada@example.com", "name": "Ada", "metadata": {"team": 1}})).await.expect(201);
    let variant = json!({"kind": "locale", "locale": "de", "copy": {"display_name": "Früher Zugang", "description": "Auf <Deutsch>"}});
    let variant = server.admin_post(&format!("/waitlists/{list}/variants"), variant).await.expect(201);
    let mut browser = Browser::of(&server);
    browser.accepts = "de-CH, en;q=0.5";
    let code = ada["referral_code"].as_str().unwrap();
    let page = browser.open(&format!("{PAGE}?ref={code}")).await;
    page.is_page(
        200,
        "de",
        &["Früher Zugang", "Auf &#60;Deutsch&#62;", "Company", "a &#60;mug&#62;", "name=\"metadata.team\"", "name=\"website\""],
    );
    assert!(page.header("content-security-policy").contains("img-src 'self' https://cdn.example"));
    assert_eq!((page.header("referrer-policy"), page.header("cache-control")), ("same-origin", "no-cache, private"));
    assert!(page.headers.get("x-robots-tag").is_none() && page.text.contains("rel=\"canonical\""));
    assert_eq!((page.hidden("referral_code"), page.hidden("variant_id")), (code.to_owned(), variant["id"].as_str().unwrap().to_owned()));
    for name in ["referral_code", "kid", "ref_id"] {
        assert_eq!(browser.open(&format!("{PAGE}?{name}={code}")).await.hidden("referral_code"), code);
    }
    let seal = page.hidden("form");
    let form = [
        ("email", " Bob@Example.com "),
        ("name", "Bob"),
        ("metadata.team", "1.204"),
        ("metadata.tools", "Hammer"),
        ("metadata.tools", "Saw"),
        ("metadata.about", "one\r\ntwo"),
        ("metadata.company", ""),
        ("website", ""),
        ("form", &seal),
        ("lang", "de"),
        ("variant_id", variant["id"].as_str().unwrap()),
        ("referral_code", code),
    ];
    // Nobody types that fast. The form comes back with everything, and with the time of the first showing.
    server.clock.advance(Duration::milliseconds(1999));
    let again = browser.post(PAGE, &form).await;
    again.is_page(422, "de", &["Früher Zugang", "value=\" Bob@Example.com \"", "value=\"1.204\"", "one\ntwo", "role=\"alert\""]);
    assert_eq!((again.hidden("form"), again.hidden("referral_code")), (seal.clone(), code.to_owned()));
    assert_eq!(entries(&server, &list).await.len(), 1);
    server.clock.advance(Duration::milliseconds(1));
    let own = browser.post(PAGE, &form).await.leads_to();
    browser.open(&own).await.is_page(200, "de", &["<title>Dein Platz – Früher Zugang – Acme</title>", "<bdi>2</bdi>", "bob@example.com"]);
    // Whoever opened the page by another name of the server stays there: a form may lead to its own host alone.
    let other = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("email", "eve@example.com"), ("name", "Eve"), ("metadata.team", "1"), ("form", &seal)])
        .finish();
    let request = browser.client.post(format!("{}{PAGE}", server.base)).header("host", "rally.test");
    let led = browser.send(request.header("content-type", "application/x-www-form-urlencoded").body(other)).await;
    assert!(led.status == 303 && led.header("location").starts_with("/me/"), "{}", led.header("location"));
    server
        .admin_delete(&format!("/waitlists/{list}/entries/{}", entries(&server, &list).await[2]["id"].as_str().unwrap()))
        .await
        .expect(204);
    let bob = entries(&server, &list).await.pop().unwrap();
    assert_eq!(bob["locale"], "de");
    let answers = json!({"team": 1204, "tools": ["Hammer", "Saw"], "about": "one\ntwo"});
    assert_eq!(
        (&bob["email"], &bob["name"], &bob["metadata"], &bob["referred_by_entry_id"]),
        (&json!("bob@example.com"), &json!("Bob"), &answers, &ada["id"])
    );
    let stored = server.ports.entries.find_by_id(EntryId::parse(bob["id"].as_str().unwrap()).unwrap()).await.unwrap().unwrap();
    assert_eq!(stored.profile.locale.unwrap().as_str(), "de");
    assert_eq!(json!(stored.variant_id.unwrap().to_string()), variant["id"]);
    // Who leads is shown, masked.
    browser.open(PAGE).await.is_page(200, "de", &["a***@example.com"]);
    // A page that was open for a day still works, and a referral link leads to it.
    let link = server.get(&format!("/v1/me/{}", own.rsplit('/').next().unwrap())).await.expect(200)["referral_url"].clone();
    assert_eq!(link, json!(format!("{}{PAGE}?ref={}", server.base, bob["referral_code"].as_str().unwrap())));
    let page = browser.open(PAGE).await;
    server.clock.advance(Duration::days(1));
    let late = [("email", "carl@example.com"), ("name", "Carl"), ("metadata.team", "2"), ("form", &page.hidden("form"))];
    assert!(browser.post(PAGE, &late).await.leads_to().starts_with("/me/"));
}

#[apply(on_both_stores)]
async fn what_does_not_fit_comes_back_with_what_was_typed(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({"custom_fields": [{"key": "size", "type": "number", "required": true}]})).await;
    server.sign_up("early", json!({"email": "ada@example.com", "name": "Ada", "metadata": {"size": 1}})).await.expect(201);
    let browser = Browser::of(&server);
    let hostile = "\"><script>alert(1)</script>";
    let bad = browser.sign_up(PAGE, &[("email", hostile), ("name", "'a'"), ("metadata.size", "<b>"), ("referral_code", hostile)]).await;
    let escaped = "&#34;&#62;&#60;script&#62;alert(1)&#60;/script&#62;";
    bad.is_page(422, "en", &[escaped, "href=\"#email\"", "href=\"#metadata-size\"", "aria-invalid=\"true\"", "name@example.com"]);
    let empty = browser.sign_up(PAGE, &[("name", " ")]).await;
    empty.is_page(422, "en", &["href=\"#email\"", "href=\"#name\"", "href=\"#metadata-size\""]);
    let taken = browser.sign_up(PAGE, &[("email", "ADA@example.com"), ("name", "Ada"), ("metadata.size", "1")]).await;
    taken.is_page(422, "en", &["href=\"#email\"", "value=\"ADA@example.com\""]);
    // A form without a time, or with a forged one, counts as shown just now.
    for forged in ["", "AAAA"] {
        let fields = [("email", "bob@example.com"), ("name", "Bob"), ("metadata.size", "1"), ("form", forged)];
        let again = browser.post(PAGE, &fields).await;
        again.is_page(422, "en", &["value=\"bob@example.com\""]);
        assert!(again.hidden("form").len() > 20);
    }
    assert_eq!(entries(&server, &list).await.len(), 1);
    let json = browser.client.post(format!("{}{PAGE}", server.base)).json(&json!({}));
    browser.send(json).await.is_page(415, "en", &[]);
    let large = "x".repeat(70 * 1024);
    browser.post(PAGE, &[("email", &large)]).await.is_page(413, "en", &[]);
    let refused = browser.send(browser.client.put(format!("{}{PAGE}", server.base))).await;
    assert_eq!(refused.is_page(405, "en", &[]).header("allow"), "GET, HEAD, POST");
}

#[apply(on_both_stores)]
async fn a_list_that_takes_nobody_says_so(kind: Kind) {
    let server = TestServer::start(kind).await;
    let draft = json!({"slug": "draft", "display_name": "Draft"});
    server.admin_post("/waitlists", draft).await.expect(201);
    let list = server.active_list("early", json!({"max_entries": 1})).await;
    let browser = Browser::of(&server);
    for path in ["/w/acme/draft", "/w/acme/draft/lost-link", "/w/acme/draft/mailbox", "/w/nobody/early", "/w/acme/a/b"] {
        browser.open(path).await.is_page(404, "en", &[]);
    }
    let page = browser.open(PAGE).await;
    server.clock.advance(Duration::seconds(2));
    let form = [("email", "bob@example.com"), ("name", "Bob"), ("form", &page.hidden("form"))];
    let ada = server.join("early", "ada@example.com").await;
    let own = ada["status_url"].as_str().unwrap()[server.base.len()..].to_owned();
    let lost_link = format!("href=\"{PAGE}/lost-link?lang=en\"");
    let asks_friends =
        async |phrase: &str| browser.open(&own).await.is_page(200, "en", &[phrase, "You keep your place"]).text.contains("data-copy");
    let full = browser.post(PAGE, &form).await;
    assert!(!full.is_page(422, "en", &["is full", &lost_link]).text.contains("<form"));
    assert!(!browser.open(PAGE).await.is_page(200, "en", &["is full"]).text.contains("<form"));
    assert!(!asks_friends("is full").await);
    for wrong in [&[("email", "bob"), ("name", "")][..], &[("email", "bob@example.com"), ("name", "Bob")], &[("website", "x")]] {
        assert!(!browser.post(PAGE, wrong).await.is_page(422, "en", &["is full"]).text.contains("<form"), "{wrong:?}");
    }
    for (status, phrase) in [("paused", "taking a break"), ("closed", "is closed")] {
        server.set_status(&list, status).await;
        assert!(!browser.open(PAGE).await.is_page(200, "en", &[phrase, &lost_link]).text.contains("<form"));
        assert!(!browser.post(PAGE, &form).await.is_page(422, "en", &[phrase]).text.contains("<form"));
        assert!(!asks_friends(phrase).await);
    }
    assert_eq!(entries(&server, &list).await.len(), 1);
}

#[apply(on_both_stores)]
async fn a_program_that_fills_in_what_nobody_sees_is_told_that_it_worked(kind: Kind) {
    let (server, _smtp, confirmed) = start_with_mail(kind).await;
    let list = server.active_list("open", json!({})).await;
    let browser = Browser::of(&server);
    let fields = [("email", "bot@example.com"), ("name", "Bot"), ("website", "https://spam.example")];
    let link = browser.post("/w/acme/open", &fields).await.leads_to();
    assert_eq!(link.len(), "/me/".len() + 43);
    browser.open(&link).await.is_page(404, "en", &[]);
    assert_eq!(browser.post(PAGE, &fields).await.leads_to(), "/w/acme/early/mailbox?lang=en");
    let widget = async |list: &str| {
        let form = server.get(&format!("/w/acme/{list}/widget.json")).await.expect(200)["form"].clone();
        json!({"email": "bot@example.com", "name": "Bot", "website": "x", "form": form})
    };
    let body = widget("open").await;
    let reply = server.sign_up("open", body).await.expect(201);
    assert_eq!((&reply["email"], &reply["position"]), (&json!("bot@example.com"), &json!(1)));
    let other = server.active_list("other", json!({"approval_required": false})).await;
    let first = server.join("other", "first@example.com").await["id"].as_str().unwrap().to_owned();
    server.join("other", "second@example.com").await;
    server.admin_delete(&format!("/waitlists/{other}/entries/{first}")).await.expect(204);
    let reply = server.sign_up("other", widget("other").await).await.expect(201);
    assert_eq!((&reply["position"], &reply["status"]), (&json!(3), &json!("approved")), "no place that somebody has");
    server
        .get(&format!("/v1/me/{}", reply["status_url"].as_str().unwrap().rsplit('/').next().unwrap()))
        .await
        .refused(404, "link_not_found");
    assert_eq!(server.sign_up("early", widget("early").await).await.expect(202)["status"], "confirmation_required");
    for list in [&list, &confirmed] {
        assert!(entries(&server, list).await.is_empty());
        assert_eq!(server.admin_get(&format!("/waitlists/{list}/confirmations")).await.expect(200)["data"], json!([]));
    }
    let metrics = server.get("/metrics").await.body;
    assert!(metrics.contains("rally_signups_total{outcome=\"bot\"}"), "{metrics}");
    // Other programs may have fields with these names.
    let person = json!({"email": "ada@example.com", "name": "Ada", "website": "https://ada.example", "form": "homepage"});
    server.sign_up("open", person).await.expect(201);
    assert_eq!(entries(&server, &list).await.len(), 1);
}

/// The language of a mail is that of the entry, which may have more languages than the pages.
#[apply(on_both_stores)]
async fn a_form_keeps_the_locale_that_the_person_asks_for(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let browser = Browser { accepts: "de-AT, en;q=0.5", ..Browser::of(&server) };
    let [swedish, any] = ["sv", "*"].map(|accepts| Browser { accepts, ..Browser::of(&server) });
    for (browser, query, address) in [
        (&browser, "", "a@example.com"),
        (&swedish, "", "b@example.com"),
        (&browser, "?lang=pt-PT", "c@example.com"),
        (&browser, "?lang=fr&embed=1", "d@example.com"),
        (&browser, "?lang=-", "e@example.com"),
        (&any, "", "f@example.com"),
        (&browser, "?lang=de", "g@example.com"),
    ] {
        browser.sign_up(&format!("{PAGE}{query}"), &[("email", address), ("name", "Ada")]).await.leads_to();
    }
    let locales: Vec<Value> = entries(&server, &list).await.iter().map(|entry| entry["locale"].clone()).collect();
    assert_eq!(locales, [json!("de-AT"), json!("sv"), json!("pt-PT"), json!("fr"), json!("de-AT"), json!("en"), json!("de")]);
}

/// A link says where its readers come from, also after an error. What does not fit is passed over.
#[apply(on_both_stores)]
async fn a_form_keeps_where_its_reader_comes_from(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let browser = Browser::of(&server);
    let page = browser.open(&format!("{PAGE}?referrer=news+letter")).await;
    assert_eq!(page.hidden("referrer"), "news letter");
    assert!(page.text.contains("?referrer=news+letter"), "the other languages carry it too: {}", page.text);
    let wrong = browser.post(PAGE, &[("email", "x"), ("name", "Ada"), ("referrer", "news letter")]).await;
    assert_eq!((wrong.status.as_u16(), wrong.hidden("referrer").as_str()), (422, "news letter"));
    let form = page.hidden("form");
    server.clock.advance(Duration::seconds(2));
    for (email, referrer) in [("ada@example.com", "news letter"), ("bob@example.com", "a\nb")] {
        browser.post(PAGE, &[("email", email), ("name", "Ada"), ("form", &form), ("referrer", referrer)]).await.leads_to();
    }
    let referrers: Vec<_> = entries(&server, &list).await.iter().map(|entry| entry["referrer"].clone()).collect();
    assert_eq!(referrers, [json!("news letter"), json!(null)]);
    assert!(!browser.open(&format!("{PAGE}?referrer=a%0Ab")).await.text.contains("name=\"referrer\""));
}

#[apply(on_both_stores)]
async fn a_form_says_why_an_address_is_refused(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({"block_disposable": true})).await;
    let browser = Browser::of(&server);
    let refused = browser.sign_up(PAGE, &[("email", "ada@mailinator.com"), ("name", "Ada")]).await;
    refused.is_page(422, "en", &["Enter an address that you will keep."]);
    browser.sign_up(PAGE, &[("email", "ada"), ("name", "Ada")]).await.is_page(422, "en", &["like name@example.com"]);
}

#[apply(on_both_stores)]
async fn a_form_of_a_list_that_asks_for_work_says_where_to_prove_it(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({"proof_of_work": "on"})).await;
    let browser = Browser::of(&server);
    let page = browser.open(PAGE).await;
    page.is_page(200, "en", &["data-challenge=\"/v1/waitlists/acme/early/challenge\"", "data-work=\"/assets/work.", "<noscript>"]);
    let refused = browser.sign_up(PAGE, &[("email", "ada@example.com"), ("name", "Ada")]).await;
    refused.is_page(422, "en", &["The check against robots did not work", "value=\"ada@example.com\"", "data-challenge="]);
    let form: Value = serde_json::from_str(&browser.open(&format!("{PAGE}/widget.json")).await.text).unwrap();
    assert_eq!(form["challenge"], "/v1/waitlists/acme/early/challenge");
    // A list that may ask for work, and does not now, takes people without scripts.
    server.admin_patch(&format!("/waitlists/{list}"), json!({"settings": {"proof_of_work": "auto"}})).await.expect(200);
    let page = browser.open(PAGE).await;
    page.is_page(200, "en", &["data-challenge="]);
    assert!(!page.text.contains("<noscript>"), "{}", page.text);
    browser.sign_up(PAGE, &[("email", "ada@example.com"), ("name", "Ada")]).await.leads_to();
    for n in 0..9 {
        server.join("early", &format!("p{n}@example.com")).await;
    }
    browser.open(PAGE).await.is_page(200, "en", &["<noscript>"]);
}

#[apply(on_both_stores)]
async fn the_widget_reads_its_form_and_sends_it(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({"custom_fields": [{"key": "company", "label": "Company"}]})).await;
    let browser = Browser::of(&server);
    let request = browser.client.get(format!("{}{PAGE}/widget.json?lang=ja", server.base)).header("origin", "https://any.example");
    let reply = browser.send(request).await;
    assert_eq!((reply.header("access-control-allow-origin"), reply.header("cache-control")), ("*", "no-store"));
    let form: Value = serde_json::from_str(&reply.text).unwrap();
    assert_eq!(
        (&form["lang"], &form["name"], &form["controls"][2]["name"]),
        (&json!("ja"), &json!("List early"), &json!("metadata.company"))
    );
    let body = json!({"email": "ada@example.com", "name": "Ada", "website": "", "form": form["form"], "locale": "ja"});
    let early = server.sign_up("early", body.clone()).await;
    early.refused(400, "too_fast");
    assert_eq!(early.header("retry-after"), Some("2"));
    server.clock.advance(Duration::seconds(2));
    assert_eq!(server.sign_up("early", body).await.expect(201)["position"], 1);
    // A seal that is not of this list says nothing, like no seal at all.
    server.sign_up("early", json!({"email": "bob@example.com", "name": "Bob", "form": "forged"})).await.expect(201);
    let missing = browser.open("/w/acme/nothing/widget.json").await;
    assert!(missing.status == 404 && missing.text.contains("waitlist_not_found"), "{}", missing.text);
    server.set_status(&list, "paused").await;
    let form: Value = serde_json::from_str(&browser.open(&format!("{PAGE}/widget.json")).await.text).unwrap();
    assert!(form["closed"]["title"].is_string(), "{form}");
}

#[apply(on_both_stores)]
async fn an_address_is_confirmed_or_refused_on_pages(kind: Kind) {
    let (server, _smtp, list) = start_with_mail(kind).await;
    let browser = Browser::of(&server);
    let mailbox = browser.sign_up(&format!("{PAGE}?lang=de"), &[("email", "ada@example.com"), ("name", "Ada <b>")]).await.leads_to();
    assert_eq!(mailbox, "/w/acme/early/mailbox?lang=de");
    browser.open(&mailbox).await.is_page(200, "de", &["List early", "href=\"/w/acme/early?lang=de\""]);
    browser.sign_up(PAGE, &[("email", "eve@example.com"), ("name", "Eve")]).await.leads_to();
    let waiting = server.admin_get(&format!("/waitlists/{list}/confirmations")).await.expect(200)["data"].clone();
    let path = |index: usize| {
        let id = RequestId::parse(waiting[index]["id"].as_str().unwrap()).unwrap();
        server.links().confirm(id, None)[server.base.len()..].to_owned()
    };
    let (ada, eve) = (path(0), path(1));
    let (confirms, refuses) = (format!("action=\"{ada}?lang=ar\""), format!("href=\"{ada}/refuse?lang=ar\""));
    browser.open(&format!("{ada}?lang=ar")).await.is_page(200, "ar", &[&confirms, &refuses]);
    let page = browser.open(&ada).await;
    page.is_page(200, "de", &["Ada &#60;b&#62;", "a***@example.com", &format!("action=\"{ada}\""), &format!("href=\"{ada}/refuse\"")]);
    assert_eq!(
        (page.header("x-robots-tag"), page.header("referrer-policy"), page.header("cache-control")),
        ("noindex", "no-referrer", "no-store")
    );
    let head = browser.send(browser.client.head(format!("{}{ada}", server.base))).await;
    assert_eq!(head.status, 200);
    assert!(entries(&server, &list).await.is_empty(), "opening a page changes nothing");
    server.set_status(&list, "closed").await;
    browser.post(&ada, &[]).await.is_page(422, "de", &["List early"]);
    server.set_status(&list, "active").await;
    let own = browser.post(&ada, &[]).await.leads_to();
    browser.open(&own).await.is_page(200, "de", &["<bdi>1</bdi>"]);
    assert_eq!(browser.post(&ada, &[]).await.leads_to(), own);
    for confirmed in [ada.clone(), format!("{ada}/refuse")] {
        browser.open(&confirmed).await.is_page(200, "de", &[&format!("href=\"{}{own}\"", server.base)]);
    }
    browser.post(&format!("{ada}/refuse"), &[]).await.is_page(409, "de", &[&format!("href=\"{}{own}\"", server.base)]);
    let refusal = format!("{eve}/refuse");
    browser.open(&refusal).await.is_page(200, "en", &[&format!("action=\"{refusal}\""), &format!("href=\"{eve}\"")]);
    assert_eq!(browser.post(&refusal, &[]).await.leads_to(), refusal);
    // The language that the reader chose goes with every form.
    let arabic = browser.open(&format!("{eve}?lang=ar")).await;
    arabic.is_page(200, "ar", &[]);
    assert_eq!(browser.post(&format!("{refusal}?lang=ar"), &[]).await.leads_to(), format!("{refusal}?lang=ar"));
    for refused in [&eve, &refusal] {
        browser.open(refused).await.is_page(200, "en", &["href=\"/w/acme/early\""]);
    }
    assert_eq!(browser.post(&refusal, &[]).await.leads_to(), refusal);
    browser.post(&eve, &[]).await.is_page(410, "en", &["The sign-up is deleted", "href=\"/w/acme/early\""]);
    server.clock.advance(Duration::days(8));
    for (path, language) in [(&ada, "de"), (&eve, "en")] {
        for path in [path.clone(), format!("{path}/refuse")] {
            let form = "href=\"/w/acme/early\"";
            browser.open(&path).await.is_page(410, language, &["List early", form]);
            browser.post(&path, &[]).await.is_page(410, language, &["List early", form]);
        }
    }
    let told = ["That link has expired", "Ask for a new one."];
    browser.open(&eve).await.is_page(410, "en", &told);
    // After a while nothing is known of the link.
    server.ports.confirmations.prune(server.ports.clock.now(), server.ports.clock.now(), 10).await.unwrap();
    browser.open(&eve).await.is_page(404, "en", &[]);
}

#[apply(on_both_stores)]
async fn a_person_changes_everything_on_their_page(kind: Kind) {
    let server = TestServer::start(kind).await;
    let settings = json!({"custom_fields": [{"key": "size", "type": "number"}], "confirmation_message": "Hello <you>"});
    let list = server.active_list("early", settings).await;
    let body = json!({"email": "ada@example.com", "name": "Ada", "metadata": {"size": 1, "other": [true]}});
    let ada = server.sign_up("early", body).await.expect(201);
    let own = ada["status_url"].as_str().unwrap()[server.base.len()..].to_owned();
    let browser = Browser::of(&server);
    let page = browser.open(&own).await;
    let share = format!("{}{PAGE}?ref={}", server.base, ada["referral_code"].as_str().unwrap());
    page.is_page(200, "en", &["<bdi>1</bdi>", "Hello &#60;you&#62;", "value=\"Ada\"", &share, &format!("href=\"/v1{own}/export\"")]);
    assert_eq!(
        (page.header("x-robots-tag"), page.header("referrer-policy"), page.header("cache-control")),
        ("noindex", "no-referrer", "no-store")
    );
    let saved = browser.post(&format!("{own}/answers"), &[("name", "Ada L."), ("metadata.size", "1,204")]).await.leads_to();
    assert_eq!(saved, format!("{own}?saved=answers#saved"));
    browser.open(&saved).await.is_page(200, "en", &["value=\"Ada L.\"", "role=\"status\"", "value=\"1204\""]);
    let entry = entries(&server, &list).await.pop().unwrap();
    assert_eq!((&entry["name"], &entry["metadata"]), (&json!("Ada L."), &json!({"size": 1204, "other": [true]})));
    let bad = browser.post(&format!("{own}/answers"), &[("name", ""), ("metadata.size", "<many>")]).await;
    bad.is_page(422, "en", &["href=\"#name\"", "href=\"#metadata-size\"", "value=\"&#60;many&#62;\""]);
    browser.post(&format!("{own}/language"), &[("locale", "no_tag")]).await.is_page(400, "en", &[]);
    let saved = browser.post(&format!("{own}/language"), &[("locale", "ar")]).await.leads_to();
    browser.open(&saved).await.is_page(200, "ar", &["option value=\"ar\" lang=\"ar\" selected"]);
    // The reader may choose another language for once.
    browser.open(&format!("{own}?lang=de")).await.is_page(200, "de", &[]);
    for (value, now) in [("false", false), ("true", true)] {
        browser.open(&browser.post(&format!("{own}/mail"), &[("subscribed", value)]).await.leads_to()).await.is_page(200, "ar", &[]);
        let seen = server.get(&format!("/v1{own}")).await.expect(200);
        assert_eq!(seen["mail"]["subscribed"], now);
    }
    browser.post(&format!("{own}/mail"), &[("subscribed", "maybe")]).await.is_page(400, "ar", &[]);
    // Nobody is offered what they cannot have, nor told that it was saved.
    server.admin_post("/suppressions", json!({"email": "ada@example.com", "reason": "bounced"})).await.expect(201);
    let held = browser.open(&browser.post(&format!("{own}/mail"), &[("subscribed", "true")]).await.leads_to()).await;
    held.is_page(200, "ar", &[]);
    assert!(!held.text.contains(&format!("{own}/mail")) && !held.text.contains("id=\"saved\""));
    // A browser shows the address of a form that was refused. Whoever opens it again is led to the page.
    assert_eq!(browser.open(&format!("{own}/answers")).await.leads_to(), own);
    assert_eq!(browser.open(&format!("{own}/mail?lang=fr")).await.leads_to(), format!("{own}?lang=fr"));
    browser.open("/me/forged/answers").await.is_page(404, "en", &[]);
    let unsubscribe = server.links().unsubscribe(EntryId::parse(ada["id"].as_str().unwrap()).unwrap());
    let unsubscribe = unsubscribe[server.base.len()..].to_owned();
    browser.open(&unsubscribe).await.is_page(200, "ar", &["a***@example.com"]);
    let ended = browser.post(&unsubscribe, &[("List-Unsubscribe", "One-Click")]).await;
    assert!(!ended.is_page(200, "ar", &["List early"]).text.contains("/me/"));
    browser.open(&format!("{own}/leave")).await.is_page(200, "ar", &[&format!("action=\"{own}/leave\""), &format!("href=\"{own}\"")]);
    assert_eq!(entries(&server, &list).await.len(), 1);
    let left = browser.post(&format!("{own}/leave"), &[]).await.leads_to();
    assert_eq!(left, "/w/acme/early/left?lang=ar");
    browser.open(&left).await.is_page(200, "ar", &["href=\"/w/acme/early?lang=ar\""]);
    browser.open(&own).await.is_page(404, "en", &[]);
    assert!(entries(&server, &list).await.is_empty());
}

#[apply(on_both_stores)]
async fn a_lost_link_is_sent_and_nothing_is_told(kind: Kind) {
    let (server, smtp, list) = start_with_mail(kind).await;
    let browser = Browser::of(&server);
    server.admin_patch(&format!("/waitlists/{list}"), json!({"settings": {"email_confirmation": false}})).await.expect(200);
    server.join("early", "ada@example.com").await;
    let path = format!("{PAGE}/lost-link");
    let page = browser.open(&format!("{path}?lang=fr")).await;
    page.is_page(200, "fr", &["List early", "name=\"email\"", &format!("action=\"{path}?lang=fr\"")]);
    assert_eq!(page.header("referrer-policy"), "same-origin");
    browser.post(&path, &[("email", "no address")]).await.is_page(422, "en", &["href=\"#email\"", "value=\"no address\""]);
    let mut replies = Vec::new();
    for address in ["ada@example.com", "nobody@example.com"] {
        let sent = browser.post(&format!("{path}?lang=fr"), &[("email", address)]).await.leads_to();
        assert_eq!(sent, format!("{path}/sent?lang=fr"));
        let page = browser.open(&sent).await;
        page.is_page(200, "fr", &["List early"]);
        replies.push(page.text);
    }
    assert_eq!(replies[0], replies[1]);
    let mails = rally_tests::receiver::eventually(|| async { Some(smtp.received()).filter(|received| received.len() >= 2) }).await;
    assert!(mails.iter().all(|mail| mail.to == "ada@example.com"));
}

/// Whoever looks for their link and returns to the form is still the friend of somebody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_to_a_lost_link_and_back_keeps_who_sent_the_reader() {
    let (server, _smtp, _list) = start_with_mail(Kind::Sqlite).await;
    let browser = Browser::of(&server);
    let sent_by = "?lang=de&ref=ABCD234567&referrer=news+letter";
    let leads = |page: &str| format!("\"{PAGE}{page}{}\"", sent_by.replace('&', "&#38;"));
    let form = browser.open(&format!("{PAGE}{sent_by}")).await;
    form.is_page(200, "de", &[&format!("href={}", leads("/lost-link"))]);
    let lost = browser.open(&format!("{PAGE}/lost-link{sent_by}")).await;
    lost.is_page(200, "de", &[&format!("action={}", leads("/lost-link")), &format!("href={}", leads(""))]);
    let sent = browser.post(&format!("{PAGE}/lost-link{sent_by}"), &[("email", "ada@example.com")]).await.leads_to();
    assert_eq!(sent, format!("{PAGE}/lost-link/sent{sent_by}"));
    browser.open(&sent).await.is_page(200, "de", &[&format!("href={}", leads(""))]);
    // The form says by hidden fields who sent its reader.
    server.clock.advance(Duration::seconds(2));
    let hidden = ["form", "lang", "referral_code", "referrer"].map(|name| (name, form.hidden(name)));
    let fields: Vec<(&str, &str)> = hidden.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mailbox = browser.post(PAGE, &[&fields[..], &[("email", "ada@example.com"), ("name", "Ada")]].concat()).await.leads_to();
    assert_eq!(mailbox, format!("{PAGE}/mailbox{sent_by}"));
    browser.open(&mailbox).await.is_page(200, "de", &[&format!("href={}", leads(""))]);
}

/// A screen reader would read them with the voice of the page's language.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_in_a_language_that_the_page_does_not_speak_say_so() {
    let server = TestServer::start(Kind::Sqlite).await;
    let list = server.active_list("early", json!({})).await;
    for locale in ["sv", "de"] {
        let variant = json!({"kind": "locale", "locale": locale, "copy": {"display_name": "Tidig", "description": "Bli först"}});
        server.admin_post(&format!("/waitlists/{list}/variants"), variant).await.expect(201);
    }
    let browser = Browser::of(&server);
    let marked = ["<h1 lang=\"sv\">", "<p class=\"lead\" dir=\"auto\" lang=\"sv\">"];
    browser.open(&format!("{PAGE}?lang=sv")).await.is_page(200, "en", &marked);
    browser.open(&format!("{PAGE}?lang=de")).await.is_page(200, "de", &["<h1><bdi>Tidig"]);
    let form = server.get("/w/acme/early/widget.json?lang=sv").await.expect(200);
    assert_eq!((&form["lang"], &form["words"]), (&json!("en"), &json!("sv")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_are_limited_like_the_api() {
    let change = |settings| rally_api::boot::config::Settings { signup_rate: "3/1h".to_owned(), ..settings };
    let server = TestServer::start_with(Kind::Sqlite, change).await;
    let list = server.active_list("early", json!({})).await;
    let browser = Browser::of(&server);
    for n in 0..3 {
        let email = format!("p{n}@example.com");
        browser.sign_up(PAGE, &[("email", &email), ("name", "P")]).await.leads_to();
    }
    let limited = browser.sign_up(PAGE, &[("email", "last@example.com"), ("name", "Last")]).await;
    limited.is_page(429, "en", &["value=\"last@example.com\"", " minutes and send the form again"]);
    assert!(!limited.header("retry-after").is_empty());
    server.sign_up("early", json!({"email": "last@example.com", "name": "Last"})).await.refused(429, "too_many_requests");
    browser.post(&format!("{PAGE}/lost-link"), &[("email", "p0@example.com")]).await.is_page(429, "en", &[]);
    let id = WaitlistId::parse(&list).unwrap();
    assert_eq!(server.ports.stats.count(id).await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_path_every_address_has_it() {
    let change = |settings| rally_api::boot::config::Settings { public_url: Some("https://example.com/rally".to_owned()), ..settings };
    let server = TestServer::start_with(Kind::Sqlite, change).await;
    server.active_list("early", json!({})).await;
    let browser = Browser::of(&server);
    let page = browser.open(PAGE).await;
    for part in [
        "href=\"/rally/assets/style.",
        "action=\"/rally/w/acme/early\"",
        "href=\"https://example.com/rally/w/acme/early\"",
        "href=\"/rally/w/acme/early/lost-link?lang=en\"",
    ] {
        assert!(page.text.contains(part), "{part} is not in {}", page.text);
    }
    assert!(browser.open("/robots.txt").await.text.contains("Disallow: /rally/me/"));
    let refused = browser.send(browser.client.request(Method::DELETE, format!("{}{PAGE}", server.base))).await;
    assert!(refused.text.contains("href=\"/rally/assets/style."));
}
