//! The settings of a waitlist that are about its pages: the operator's own page, who may frame pages and send forms, links of the form, and
//! consent. And what pages say about a list that is full, or whose form they cannot show.

use rally_domain::id::{EntryId, RequestId};
use rally_domain::referral::ReferralCode;
use rally_tests::receiver::eventually;
use rally_tests::{Kind, Reply, TestServer, on_both_stores, send};
use reqwest::{Method, RequestBuilder};
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use time::Duration;

use crate::pages::{Browser, PAGE, Seen, entries, start_with_mail};

/// A text that tries to be more, and its SHA-256.
const CONSENT: &str = "I <b>agree</b> to \"everything\"\nand more & é";
const CONSENT_SHA256: &str = "8d44bbcc6dfd59dca3f41b5f15758fecd9ead79233692384020f9e288ec67d4f";
const CONSENT_ESCAPED: &str = "I &#60;b&#62;agree&#60;/b&#62; to &#34;everything&#34;\nand more &#38; é";

async fn set(server: &TestServer, list: &str, settings: Value) -> Reply {
    server.admin_patch(&format!("/waitlists/{list}"), json!({ "settings": settings })).await
}

fn form<'a>(seal: &'a str, email: &'a str) -> [(&'a str, &'a str); 3] {
    [("email", email), ("name", "Somebody"), ("form", seal)]
}

/// Opens the page and returns the seal of its form, after as long as a person needs.
async fn sealed(server: &TestServer, browser: &Browser<'_>) -> String {
    let seal = browser.open(PAGE).await.hidden("form");
    server.clock.advance(Duration::seconds(2));
    seal
}

/// Sends a form as the page of an origin does.
async fn post_from(browser: &Browser<'_>, server: &TestServer, path: &str, origin: &str, fields: &[(&str, &str)]) -> Seen {
    let body = rally_domain::url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = browser.client.post(format!("{}{path}", server.base)).header("origin", origin);
    browser.send(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
}

#[apply(on_both_stores)]
async fn settings_of_pages_are_checked_kept_and_shown(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let good = json!({
        "page_url": "https://acme.example/join", "privacy_url": "https://acme.example/privacy", "terms_url": "http://acme.example/terms",
        "allowed_origins": ["https://acme.example", "HTTPS://ACME.example:443", "http://localhost:5173"], "consent_text": CONSENT,
    });
    let shown = set(&server, &list, good).await.expect(200)["settings"].clone();
    assert_eq!(shown["allowed_origins"], json!(["https://acme.example", "http://localhost:5173"]));
    assert_eq!((&shown["page_url"], &shown["consent_text"]), (&json!("https://acme.example/join"), &json!(CONSENT)));
    assert_eq!(server.admin_get(&format!("/waitlists/{list}")).await.expect(200)["settings"], shown);
    for url in ["javascript:alert(1)", "//acme.example", "/join", "acme.example", "ftp://acme.example", "data:text/html,x", "https://"] {
        let bad = set(&server, &list, json!({"page_url": url, "privacy_url": url, "terms_url": url})).await.bad_fields();
        assert_eq!(bad, ["settings.page_url", "settings.privacy_url", "settings.terms_url"], "{url}");
    }
    for origin in
        ["*", "null", "https://acme.example/", "https://*.acme.example", "acme.example", "https://a.example;script-src", "file://"]
    {
        let bad = set(&server, &list, json!({"allowed_origins": ["https://acme.example", origin]})).await.bad_fields();
        assert_eq!(bad, ["settings.allowed_origins"], "{origin}");
    }
    for bad in [json!("https://acme.example"), json!([7]), json!(vec!["https://acme.example"; 51]), json!({})] {
        assert_eq!(set(&server, &list, json!({"allowed_origins": bad})).await.bad_fields(), ["settings.allowed_origins"]);
    }
    for bad in [json!(true), json!("x".repeat(2001)), json!("a\u{0}b")] {
        assert_eq!(set(&server, &list, json!({"consent_text": bad})).await.bad_fields(), ["settings.consent_text"]);
    }
    assert_eq!(server.admin_get(&format!("/waitlists/{list}")).await.expect(200)["settings"], shown);
    let nothing = json!({"page_url": null, "allowed_origins": null, "privacy_url": null, "terms_url": null, "consent_text": null});
    let shown = set(&server, &list, nothing.clone()).await.expect(200)["settings"].clone();
    assert_eq!((&shown["allowed_origins"], &shown["page_url"], &shown["consent_text"]), (&json!([]), &Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_list_may_keep_rally_out_of_its_footer() {
    let server = TestServer::start(Kind::Sqlite).await;
    let list = server.active_list("early", json!({})).await;
    let browser = Browser::of(&server);
    let joined = server.sign_up("early", json!({"email": "ada@example.com", "name": "Ada"})).await.expect(201);
    let own = joined["status_url"].as_str().unwrap().rsplit_once("/me/").unwrap().1.to_owned();
    let pages = [PAGE.to_owned(), format!("{PAGE}/lost-link"), format!("/me/{own}")];
    for (badge, is_there) in [(Value::Null, true), (json!(false), false), (json!(true), true)] {
        set(&server, &list, json!({ "badge_enabled": badge })).await.expect(200);
        for page in &pages {
            assert_eq!(browser.open(page).await.text.contains("Runs on Rally"), is_there, "{page} {badge}");
        }
    }
}

#[apply(on_both_stores)]
async fn links_for_friends_lead_to_the_operators_own_page(kind: Kind) {
    let (server, smtp, list) = start_with_mail(kind).await;
    let own = "https://acme.example/join?from=mail&ref=old#form";
    set(&server, &list, json!({"email_confirmation": false, "page_url": own})).await.expect(200);
    let ada = server.join("early", "ada@example.com").await;
    let link = format!("https://acme.example/join?from=mail&ref={}#form", ada["referral_code"].as_str().unwrap());
    let path = ada["status_url"].as_str().unwrap()[server.base.len()..].to_owned();
    assert_eq!(server.get(&format!("/v1{path}")).await.expect(200)["referral_url"], json!(link));
    let shown = link.replace('&', "&#38;");
    Browser::of(&server).open(&path).await.is_page(200, "en", &[&format!("value=\"{shown}\"")]);
    let mail = eventually(|| async { smtp.received().pop() }).await;
    assert!(mail.text.contains(&link), "{}", mail.text);
}

#[apply(on_both_stores)]
async fn a_list_takes_forms_of_the_origins_that_it_names(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let browser = Browser::of(&server);
    let json_from = |path: &str, origin: &str, email: &str| -> RequestBuilder {
        let request = server.request(Method::POST, &format!("/v1/waitlists/acme/early/{path}"));
        request.header("origin", origin).json(&json!({"email": email, "name": "Somebody"}))
    };
    // Without origins in the settings every page may send.
    send(json_from("entries", "https://any.example", "any@example.com")).await.expect(201);
    send(json_from("entries", "null", "null@example.com")).await.expect(201);
    let seal = sealed(&server, &browser).await;
    post_from(&browser, &server, PAGE, "null", &form(&seal, "form@example.com")).await.leads_to();
    let allowed = json!({"allowed_origins": ["https://acme.example", "http://localhost:5173"]});
    set(&server, &list, allowed).await.expect(200);
    let framers = "https://acme.example http://localhost:5173";
    let lost = format!("{PAGE}/lost-link");
    for bad in ["https://evil.example", "null", "", "https://acme.example.evil", "https://acme.example:444", "http://acme.example"] {
        let refused = send(json_from("entries", bad, "evil@example.com")).await;
        refused.refused(403, "origin_not_allowed");
        // The page that was refused may read why.
        assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
        send(json_from("lost-link", bad, "any@example.com")).await.refused(403, "origin_not_allowed");
        post_from(&browser, &server, PAGE, bad, &form(&seal, "evil@example.com")).await.is_page(403, "en", &["another website"]);
        post_from(&browser, &server, &lost, bad, &[("email", "any@example.com")]).await.is_page(403, "en", &["another website"]);
    }
    let preflight = server.request(Method::OPTIONS, "/v1/waitlists/acme/early/entries").header("origin", "https://evil.example");
    let preflight = preflight.header("access-control-request-method", "POST").header("access-control-request-headers", "content-type");
    assert_eq!(send(preflight).await.header("access-control-allow-origin"), Some("*"));
    assert_eq!(entries(&server, &list).await.len(), 3);
    for (n, good) in ["https://acme.example", "http://localhost:5173", &server.base].into_iter().enumerate() {
        send(json_from("entries", good, &format!("json{n}@example.com"))).await.expect(201);
        send(json_from("lost-link", good, "any@example.com")).await.expect(202);
        post_from(&browser, &server, PAGE, good, &form(&seal, &format!("form{n}@example.com"))).await.leads_to();
        post_from(&browser, &server, &lost, good, &[("email", "any@example.com")]).await.leads_to();
    }
    // Programs that are no browsers name no origin.
    let ada = server.join("early", "ada@example.com").await;
    browser.post(PAGE, &form(&seal, "bob@example.com")).await.leads_to();
    // A token is authority enough, and what only reads is open to every page.
    let own = ada["status_url"].as_str().unwrap()[server.base.len()..].to_owned();
    post_from(&browser, &server, &format!("{own}/answers"), "null", &[("name", "Ada")]).await.leads_to();
    let change = server.request(Method::PATCH, &format!("/v1{own}")).header("origin", "https://evil.example");
    send(change.json(&json!({"name": "Ada L."}))).await.expect(200);
    send(server.request(Method::GET, "/v1/waitlists/acme/early").header("origin", "https://evil.example")).await.expect(200);
    // The same pages may frame those of the list.
    for path in [PAGE, &lost, &format!("{PAGE}/mailbox"), &own, &format!("{own}/leave")] {
        browser.open(path).await.is_page_for(framers, 200, "en", &[]);
    }
    browser.open("/").await.is_page(200, "en", &[]);
    browser.open("/w/acme/nothing").await.is_page(404, "en", &[]);
    send(server.request(Method::POST, "/v1/waitlists/acme/nothing/entries").header("origin", "null"))
        .await
        .refused(404, "waitlist_not_found");
}

#[apply(on_both_stores)]
async fn whoever_signs_up_agrees_to_the_text_of_the_list(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    // What a client sends under this name means nothing without a text.
    let before = json!({"email": "before@example.com", "name": "B", "consent": "whatever"});
    let before = server.sign_up("early", before).await.expect(201);
    let urls = json!({"privacy_url": "https://acme.example/privacy?a=1&b=2", "terms_url": "https://acme.example/terms"});
    set(&server, &list, urls).await.expect(200);
    set(&server, &list, json!({"consent_text": CONSENT})).await.expect(200);
    let info = server.get("/v1/waitlists/acme/early").await.expect(200);
    assert_eq!((&info["protection"]["consent_required"], &info["consent_text"]), (&json!(true), &json!(CONSENT)));
    for bad in [json!(null), json!(false), json!("true"), json!(1), json!({})] {
        let body = json!({"email": "ada@example.com", "name": "Ada", "consent": bad});
        assert_eq!(server.sign_up("early", body).await.bad_fields(), ["consent"], "{bad}");
    }
    let mut missing = server.sign_up("early", json!({"email": "no address"})).await.bad_fields();
    missing.sort();
    assert_eq!(missing, ["consent", "email", "name"]);
    let ada = json!({"email": "ada@example.com", "name": "Ada", "consent": true});
    let ada = server.sign_up("early", ada).await.expect(201);
    let agreed = json!({"text": CONSENT, "sha256": CONSENT_SHA256, "at": rally_tests::NOW});
    let path = |entry: &Value| format!("/waitlists/{list}/entries/{}", entry["id"].as_str().unwrap());
    assert_eq!(server.admin_get(&path(&ada)).await.expect(200)["consent"], agreed);
    assert_eq!(server.admin_get(&path(&before)).await.expect(200)["consent"], Value::Null);
    // A new text asks for nothing of those who agreed before.
    set(&server, &list, json!({"consent_text": "Another text"})).await.expect(200);
    server.admin_patch(&path(&ada), json!({"status": "approved"})).await.expect(200);
    let token = ada["status_url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let renamed = server.request(Method::PATCH, &format!("/v1/me/{token}")).json(&json!({"name": "Ada L."}));
    send(renamed).await.expect(200);
    assert_eq!(server.admin_get(&path(&ada)).await.expect(200)["consent"], agreed);
    let export = server.get(&format!("/v1/me/{token}/export")).await.expect(200);
    assert_eq!((&export["entry"]["consent"], &export["events"][0]["body"]["data"]["entry"]["consent"]), (&agreed, &agreed));
    let csv = server.admin_get(&format!("/waitlists/{list}/entries/export.csv")).await.body;
    assert!(!csv.contains("agree"), "the columns of the file stay: {csv}");
    // The widget shows the box and the links, and the page does too.
    set(&server, &list, json!({"consent_text": CONSENT})).await.expect(200);
    let browser = Browser::of(&server);
    let widget: Value = serde_json::from_str(&browser.open(&format!("{PAGE}/widget.json?lang=de")).await.text).unwrap();
    assert_eq!((&widget["consent"]["text"], &widget["consent"]["sha256"]), (&json!(CONSENT), &json!(CONSENT_SHA256)));
    assert_eq!(widget["links"][1], json!({"text": "Datenschutz", "url": "https://acme.example/privacy?a=1&b=2"}));
    assert_eq!(widget["links"][2]["url"], "https://acme.example/terms");
    let page = browser.open(PAGE).await;
    let links = ["href=\"https://acme.example/privacy?a=1&#38;b=2\"", "href=\"https://acme.example/terms\"", "Privacy policy", "Terms"];
    page.is_page(200, "en", &[links.as_slice(), &[CONSENT_ESCAPED, "type=\"checkbox\" id=\"consent\" name=\"consent\""]].concat());
    assert!(!page.text.contains(" checked"), "nothing is ticked before the person ticks it");
    let seal = sealed(&server, &browser).await;
    let fields = form(&seal, "bob@example.com");
    for unticked in [vec![], vec![("consent", "")], vec![("consent", "false")]] {
        let refused = browser.post(PAGE, &[&fields, unticked.as_slice()].concat()).await;
        refused.is_page(422, "en", &["href=\"#consent\"", "Tick the box to join", "value=\"bob@example.com\""]);
        assert!(!refused.text.contains(" checked"));
    }
    let again = browser.post(PAGE, &[("email", "bob@"), ("name", "Bob"), ("form", &seal), ("consent", "true")]).await;
    again.is_page(422, "en", &["href=\"#email\"", "aria-describedby=\"consent-error\" checked"]);
    assert!(!again.text.contains("href=\"#consent\""));
    assert_eq!(entries(&server, &list).await.len(), 2);
    let sent_at = server.ports.clock.now().to_string();
    browser.post(PAGE, &[&fields, [("consent", "true")].as_slice()].concat()).await.leads_to();
    let bob = entries(&server, &list).await.pop().unwrap();
    assert_eq!(bob["consent"], json!({"text": CONSENT, "sha256": CONSENT_SHA256, "at": sent_at}));
    // A form that shows another text comes back, with the present one, which nobody has agreed to.
    let shown = format!("name=\"consent\" value=\"{CONSENT_SHA256}\"");
    browser.open(PAGE).await.is_page(200, "en", &[&shown]);
    set(&server, &list, json!({"consent_text": "Another text"})).await.expect(200);
    let eve = [form(&seal, "eve@example.com").as_slice(), &[("consent", CONSENT_SHA256)]].concat();
    let stale = browser.post(PAGE, &eve).await;
    stale.is_page(422, "en", &["href=\"#consent\"", "Tick the box to join", "Another text"]);
    assert!(!stale.text.contains(" checked"));
    let api = json!({"email": "eve@example.com", "name": "Eve", "consent": true, "consent_sha256": CONSENT_SHA256});
    assert_eq!(server.sign_up("early", api.clone()).await.bad_fields(), ["consent"]);
    assert_eq!(entries(&server, &list).await.len(), 3);
    set(&server, &list, json!({"consent_text": CONSENT})).await.expect(200);
    let kept = browser.post(PAGE, &[eve.as_slice(), &[("name", " ")]].concat()[1..]).await;
    kept.is_page(422, "en", &["aria-describedby=\"consent-error\" checked"]);
    server.sign_up("early", api).await.expect(201);
    browser.post(PAGE, &[form(&seal, "fay@example.com").as_slice(), &[("consent", CONSENT_SHA256)]].concat()).await.leads_to();
    let long = "w".repeat(200);
    set(&server, &list, json!({ "consent_text": format!("{long} \u{5d0}\u{5d1}") })).await.expect(200);
    browser.open(PAGE).await.is_page(200, "en", &[&long]);
}

#[apply(on_both_stores)]
async fn consent_goes_through_a_confirmation(kind: Kind) {
    let (server, _smtp, list) = start_with_mail(kind).await;
    set(&server, &list, json!({"consent_text": CONSENT})).await.expect(200);
    let body = |consent: Value| json!({"email": "ada@example.com", "name": "Ada", "consent": consent});
    assert_eq!(server.sign_up("early", body(json!(false))).await.bad_fields(), ["consent"]);
    server.sign_up("early", body(json!(true))).await.expect(202);
    let sent_at = server.ports.clock.now().to_string();
    let waiting = server.admin_get(&format!("/waitlists/{list}/confirmations")).await.expect(200)["data"].clone();
    let id = RequestId::parse(waiting[0]["id"].as_str().unwrap()).unwrap();
    server.clock.advance(Duration::hours(3));
    // The person agreed to what stood there then.
    set(&server, &list, json!({"consent_text": "Another text"})).await.expect(200);
    let token = server.links().confirm(id, None).rsplit('/').next().unwrap().to_owned();
    let entry = server.post(&format!("/v1/confirmations/{token}"), json!({})).await.expect(201);
    let shown = entries(&server, &list).await.pop().unwrap();
    assert_eq!(shown["id"], entry["id"]);
    assert_eq!(shown["consent"], json!({"text": CONSENT, "sha256": CONSENT_SHA256, "at": sent_at}));
    assert_ne!(shown["confirmed_at"], shown["consent"]["at"]);
    // Whoever leaves takes it with them.
    send(server.request(Method::DELETE, &entry["status_url"].as_str().unwrap().replace("/me/", "/v1/me/")[server.base.len()..]))
        .await
        .expect(204);
    assert!(entries(&server, &list).await.is_empty());
}

#[apply(on_both_stores)]
async fn a_list_is_full_exactly_when_it_takes_nobody(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({"max_entries": 2})).await;
    let browser = Browser::of(&server);
    let is_full = async |email: &str| {
        let page = browser.open(PAGE).await.is_page(200, "en", &[]).text.contains("is full");
        let widget: Value = serde_json::from_str(&browser.open(&format!("{PAGE}/widget.json")).await.text).unwrap();
        let info = server.get("/v1/waitlists/acme/early").await.expect(200);
        assert_eq!((widget["closed"].is_object(), &info["full"]), (page, &json!(page)));
        let joined = server.sign_up("early", json!({"email": email, "name": "Somebody"})).await;
        assert_eq!(joined.status == 422, page, "{}", joined.body);
        page
    };
    assert!(!is_full("ada@example.com").await);
    assert!(!is_full("bob@example.com").await);
    let [ada, bob] = <[Value; 2]>::try_from(entries(&server, &list).await).unwrap();
    let path = |entry: &Value| format!("/waitlists/{list}/entries/{}", entry["id"].as_str().unwrap());
    // A rejected entry keeps its place.
    server.admin_patch(&path(&ada), json!({"status": "rejected"})).await.expect(200);
    assert!(is_full("eve@example.com").await);
    // An erased entry gives it up, and so does a deleted one.
    server.admin_delete(&format!("{}?erase=true", path(&bob))).await.expect(204);
    assert!(!is_full("eve@example.com").await);
    assert!(is_full("dan@example.com").await);
    server.admin_delete(&path(&ada)).await.expect(204);
    assert!(!is_full("dan@example.com").await);
}

#[apply(on_both_stores)]
async fn a_frame_shows_the_content_alone(kind: Kind) {
    let (server, _smtp, list) = start_with_mail(kind).await;
    server.admin_put("/rally/settings", json!({"brand_name": "Acme"})).await.expect(200);
    let own_page = "https://acme.example/privacy";
    let settings = json!({"email_confirmation": false, "allowed_origins": ["https://acme.example"], "privacy_url": own_page});
    set(&server, &list, settings).await.expect(200);
    let browser = Browser::of(&server);
    let framers = "https://acme.example";
    let plain = browser.open(PAGE).await;
    plain.is_page_for(framers, 200, "en", &["<header class=\"brand\"", "<footer>", "rel=\"canonical\""]);
    assert!(!plain.text.contains("embed"));
    let embedded = |page: &Seen| {
        assert!(page.text.contains("<body class=\"embed\" data-framers=\"https://acme.example\">"), "{}", page.text);
        assert!(page.text.contains("src=\"/assets/embed."));
        for clutter in ["<header", "<footer", "rel=\"canonical\""] {
            assert!(!page.text.contains(clutter), "{clutter} is in {}", page.text);
        }
    };
    let page = browser.open(&format!("{PAGE}?embed=1&lang=de&ref=ABCD234567")).await;
    let action = format!("action=\"{PAGE}?embed=1\"");
    let lost = format!("href=\"{PAGE}/lost-link?lang=de&#38;ref=ABCD234567&#38;embed=1\"");
    let privacy = format!("href=\"{own_page}\" rel=\"noopener\" target=\"_blank\"");
    page.is_page_for(framers, 200, "de", &[&action, &lost, &privacy, "name=\"robots\" content=\"noindex\""]);
    embedded(&page);
    let path = page.text.split('"').find(|part| part.starts_with("/assets/embed.")).unwrap().to_owned();
    let script = browser.open(&path).await;
    assert!(script.text.contains("rally:height") && !script.text.contains("\"*\""), "{}", script.text);
    // What a form leads to stays in the frame.
    let framed = format!("{PAGE}?embed=1");
    let (seal, lang) = (page.hidden("form"), page.hidden("lang"));
    let refused = browser.post(&framed, &[("email", "ada@example.com"), ("name", "Ada"), ("form", &seal)]).await;
    embedded(refused.is_page_for(framers, 422, "en", &[&action]));
    server.clock.advance(Duration::seconds(2));
    let own = browser.post(&framed, &[("email", "ada@example.com"), ("name", "Ada"), ("form", &seal), ("lang", &lang)]).await.leads_to();
    let (token, query) = own.split_once('?').unwrap();
    assert_eq!(query, "embed=1");
    embedded(browser.open(&own).await.is_page_for(framers, 200, "de", &[&format!("action=\"{token}/answers?embed=1\"")]));
    let saved = browser.post(&format!("{token}/answers?embed=1"), &[("name", "Ada L.")]).await.leads_to();
    assert_eq!(saved, format!("{token}?saved=answers&embed=1#saved"));
    embedded(browser.open(&saved).await.is_page_for(framers, 200, "de", &[]));
    embedded(browser.open(&format!("{token}/leave?embed=1")).await.is_page_for(
        framers,
        200,
        "de",
        &[&format!("href=\"{token}?embed=1\"")],
    ));
    let sent = browser.post(&format!("{PAGE}/lost-link?embed=1"), &[("email", "ada@example.com")]).await.leads_to();
    assert_eq!(sent, format!("{PAGE}/lost-link/sent?lang=en&embed=1"));
    embedded(browser.open(&sent).await.is_page_for(framers, 200, "en", &[&format!("href=\"{PAGE}?lang=en&#38;embed=1\"")]));
    set(&server, &list, json!({"email_confirmation": true})).await.expect(200);
    let mailbox = browser.post(&framed, &[("email", "bob@example.com"), ("name", "Bob"), ("form", &seal)]).await.leads_to();
    assert_eq!(mailbox, format!("{PAGE}/mailbox?lang=en&embed=1"));
    set(&server, &list, json!({"allowed_origins": null})).await.expect(200);
    let nowhere = browser.open(&framed).await;
    nowhere.is_page(200, "en", &["<body class=\"embed\">"]);
    assert!(!nowhere.text.contains("/assets/embed."));
    browser.open(&format!("{PAGE}?embed=yes")).await.is_page(200, "en", &["<body>"]);
}

#[apply(on_both_stores)]
async fn a_page_that_cannot_show_a_captcha_leads_to_one_that_can(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({"recaptcha_site_key": "site"})).await;
    let browser = Browser::of(&server);
    let page = browser.open(PAGE).await;
    assert!(!page.is_page(200, "en", &["this page cannot show", "/lost-link"]).text.contains("<form"));
    set(&server, &list, json!({"page_url": "https://acme.example/join?a=b"})).await.expect(200);
    let code = ReferralCode::from_entropy(7);
    let link = format!("href=\"https://acme.example/join?a=b&#38;ref={}\"", code.as_str());
    browser.open(&format!("{PAGE}?ref={}", code.as_str())).await.is_page(200, "en", &["this page cannot show", &link]);
    browser.post(PAGE, &[("email", "ada@example.com"), ("name", "Ada")]).await.is_page(422, "en", &["https://acme.example/join?a=b"]);
    let widget: Value = serde_json::from_str(&browser.open(&format!("{PAGE}/widget.json")).await.text).unwrap();
    assert_eq!(widget["closed"]["link"]["url"], "https://acme.example/join?a=b");
    assert!(entries(&server, &list).await.is_empty());
}

#[apply(on_both_stores)]
async fn a_person_sees_the_words_of_their_variant(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({"confirmation_message": "Hello"})).await;
    let copy = json!({"display_name": "Früher <Zugang>", "confirmation_message": "Willkommen"});
    let variant = json!({"kind": "locale", "locale": "de", "copy": copy});
    let variant = server.admin_post(&format!("/waitlists/{list}/variants"), variant).await.expect(201);
    let body = json!({"email": "ada@example.com", "name": "Ada", "variant_id": variant["id"], "locale": "de"});
    let ada = server.sign_up("early", body).await.expect(201);
    let own = ada["status_url"].as_str().unwrap()[server.base.len()..].to_owned();
    let browser = Browser::of(&server);
    browser.open(&own).await.is_page(200, "de", &["Früher &#60;Zugang&#62;", "Willkommen"]);
    browser.open(&format!("{own}/leave")).await.is_page(200, "de", &["Früher"]);
    let unsubscribe = server.links().unsubscribe(EntryId::parse(ada["id"].as_str().unwrap()).unwrap());
    let unsubscribe = &unsubscribe[server.base.len()..];
    browser.open(unsubscribe).await.is_page(200, "de", &["Mails dieses Absenders abbestellen?"]);
    browser.post(unsubscribe, &[]).await.is_page(200, "de", &["Früher"]);
    server.admin_delete(&format!("/waitlists/{list}/variants/{}", variant["id"].as_str().unwrap())).await.expect(204);
    browser.open(&own).await.is_page(200, "de", &["List early", "Hello"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_of_pages_behind_a_path_come_from_the_origin_of_the_public_url() {
    let change = |settings| rally_api::boot::config::Settings { public_url: Some("https://example.com:443/rally".to_owned()), ..settings };
    let server = TestServer::start_with(Kind::Sqlite, change).await;
    server.active_list("early", json!({"allowed_origins": ["https://acme.example"]})).await;
    let join = |origin: &str, email: &str| {
        let request = server.request(Method::POST, "/v1/waitlists/acme/early/entries").header("origin", origin);
        send(request.json(&json!({"email": email, "name": "Somebody"})))
    };
    join("https://example.com", "ada@example.com").await.expect(201);
    join("https://example.com/rally", "bob@example.com").await.refused(403, "origin_not_allowed");
    join(&server.base, "bob@example.com").await.refused(403, "origin_not_allowed");
}
