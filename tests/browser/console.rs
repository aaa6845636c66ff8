//! The console: a launch from the first link to the first invitation, every page is accessible, nothing needs scripts, and no other site
//! or stored text can act.

use std::io::Write;

use fantoccini::cookies::Cookie;
use rally_api::auth::create_sign_in_link;
use rally_domain::actor::Actor;
use rally_domain::id::WaitlistId;
use rally_fakes::http::Misbehaviour;
use rally_fakes::{Fake, FakeSmtp, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, SmtpOptions};
use rally_tests::browser::{Browser, View};
use rally_tests::receiver::eventually;
use rally_tests::{Kind, TestServer, upstreams};
use serde_json::{Value, json};
use time::Duration;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{everything, join, start};

const WIDE: View = View { width: 1280, ..View::PHONE };

/// Checks that a page is accessible and fits the window, also that of a phone.
async fn looks_right(browser: &Browser, page: &str) {
    let dark = View { dark: true, ..View::PHONE };
    browser.is_accessible_in(&format!("console-{page}"), View::ALL.into_iter().chain([View::PHONE, dark])).await;
}

/// Signs in by a new link, as the first start prints one.
async fn sign_in(server: &TestServer, browser: &Browser) {
    let token = create_sign_in_link(&server.ports, None, Actor::System).await.unwrap();
    browser.open(&format!("{}/console/sign-in/link/{token}", server.base)).await;
    browser.click("main button.main").await;
    browser.find("#nav").await;
}

/// Waits for a notice with a text.
async fn told(browser: &Browser, text: &str) {
    browser.until(&format!("document.getElementById('notices')?.textContent.includes({})", json!(text))).await;
}

/// Waits until a page shows a text.
async fn shown(browser: &Browser, text: &str) {
    browser.until(&format!("document.body.innerText.includes({})", json!(text))).await;
}

/// Replaces what is in a field.
async fn replace(browser: &Browser, selector: &str, text: &str) {
    browser.find(selector).await.clear().await.unwrap();
    browser.fill(selector, text).await;
}

/// Waits until the preview shows a text.
async fn previewed(browser: &Browser, text: &str) {
    eventually(|| async { browser.framed().await.filter(|seen| seen.contains(text)) }).await;
}

async fn entries(server: &TestServer, list: &str) -> Value {
    server.admin_get(&format!("/waitlists/{list}/entries")).await.expect(200)["data"].clone()
}

#[tokio::test]
async fn a_launch_leads_from_the_first_link_to_the_first_invitation() {
    let server = TestServer::start(Kind::Sqlite).await;
    let browser = Browser::start().await;
    browser.show(WIDE).await;
    sign_in(&server, &browser).await;
    browser.click("main a[href$='/console/w/acme']").await;
    browser.click("main a[href$='/new-list']").await;
    browser.fill("#f-display-name", "Early access").await;
    browser.fill("#f-slug", "Not a slug").await;
    browser.click("main button.main").await;
    // The summary has the focus, and what was typed is still there.
    browser.find("#f-slug[aria-invalid=true]").await;
    assert_eq!(browser.value("document.getElementById('f-display-name').value").await, "Early access");
    // The browser itself notes the status.
    browser.complaints().await;
    replace(&browser, "#f-slug", "early").await;
    browser.click("main button.main").await;
    told(&browser, "Created").await;

    browser.click("#nav a[href$='/lists/early/settings']").await;
    browser.click("button[value=add-field]").await;
    browser.find("#f-settings-custom-fields-0--label").await;
    browser.until("document.activeElement.id === 'f-settings-custom-fields-0--label'").await;
    browser.fill("#f-settings-custom-fields-0--label", "Company").await;
    browser.fill("#f-settings-custom-fields-0--key", "company").await;
    browser.fill("#f-settings-invite-url", "https://app.example.com/join?code={code}").await;
    previewed(&browser, "Company").await;
    browser.click(".bulk button[value=save]").await;
    told(&browser, "Saved").await;

    browser.click("#nav a[href$='/lists/early']").await;
    browser.click("#status button.main").await;
    told(&browser, "The list is active").await;
    let page = browser.find("#page a").await.attr("href").await.unwrap().unwrap();
    browser.open(&page).await;
    server.clock.advance(Duration::seconds(2));
    browser.fill("#email", "ada@example.com").await;
    browser.fill("#name", "Ada Lovelace").await;
    browser.fill("#metadata-company", "Analytical Engines").await;
    browser.click("button.main").await;
    browser.find("h1.place").await;

    browser.open(&format!("{}/console/w/acme/lists/early", server.base)).await;
    browser.click(".waiting a").await;
    browser.click("table.entries tbody th a").await;
    shown(&browser, "Analytical Engines").await;
    // One key approves.
    browser.press("a").await;
    told(&browser, "Approved").await;
    // It is said aloud, the next key goes to what it offers, and it is not said again.
    browser.until("document.getElementById('announce').textContent === 'Approved. Undo: reject'").await;
    assert_eq!(browser.value("document.activeElement.id + location.search").await, "notices");
    assert_eq!(browser.find("#notices button[data-key=u]").await.text().await.unwrap(), "Undo: reject");
    browser.click("button[data-key=i]").await;
    told(&browser, "Invited").await;
    browser.client.refresh().await.unwrap();
    browser.find("button[data-key=i]").await;
    assert_eq!(browser.value("document.getElementById('notices').textContent.trim()").await, "");
    let list = server.admin_get("/waitlists").await.expect(200)["data"][0]["id"].as_str().unwrap().to_owned();
    let ada = entries(&server, &list).await[0].clone();
    assert_eq!((&ada["status"], ada["invited_at"].is_string()), (&json!("approved"), true));
    assert_eq!(browser.complaints().await, [""; 0]);
    browser.close().await;
}

#[tokio::test]
async fn a_template_is_edited_beside_its_preview() {
    let smtp = FakeSmtp::start(SmtpOptions::default()).await;
    let url = smtp.url();
    let server = TestServer::start_with(Kind::Sqlite, |settings| rally_api::boot::config::Settings {
        smtp_url: Some(url),
        smtp_from: Some("rally@mail.example".to_owned()),
        ..settings
    });
    let server = server.await;
    let browser = Browser::start().await;
    browser.show(WIDE).await;
    sign_in(&server, &browser).await;
    browser.open(&format!("{}/console/w/acme/mail/templates/welcome/en", server.base)).await;
    previewed(&browser, "Early access").await;
    replace(&browser, "#f-subject", "You are in, {{ entry.name }}").await;
    previewed(&browser, "You are in, ").await;
    replace(&browser, "#f-text", "{{ nothing }}").await;
    browser.click("main button.main").await;
    browser.find("#f-text[aria-invalid=true]").await;
    browser.complaints().await;
    looks_right(&browser, "template-refused").await;
    browser.show(WIDE).await;
    replace(&browser, "#f-text", "Hello {{ entry.name }}").await;
    browser.click("main button.main").await;
    told(&browser, "Saved").await;
    let stored = server.admin_get("/mail-templates").await.expect(200);
    let is_own = |template: &&Value| template["kind"] == "welcome" && template["locale"] == "en" && template["source"] == "workspace";
    let stored = stored["data"].as_array().unwrap().iter().find(is_own).unwrap();
    assert_eq!((&stored["subject"], &stored["text"]), (&json!("You are in, {{ entry.name }}"), &json!("Hello {{ entry.name }}")));
    browser.close().await;
}

#[tokio::test]
async fn a_key_is_shown_once_and_ends_when_it_is_revoked() {
    let server = TestServer::start(Kind::Sqlite).await;
    let browser = Browser::start().await;
    browser.show(WIDE).await;
    sign_in(&server, &browser).await;
    browser.open(&format!("{}/console/w/acme/new-key", server.base)).await;
    browser.fill("#f-name", "Website").await;
    browser.click("input[value='entry.read']").await;
    browser.click("input[value='waitlist.read']").await;
    browser.click("main button.main").await;
    let secret = browser.find("#secret").await.text().await.unwrap();
    assert!(secret.starts_with("rally_live_"), "{secret}");
    looks_right(&browser, "secret").await;
    browser.show(WIDE).await;
    browser.click("main a.main").await;
    shown(&browser, "Website").await;
    assert_eq!(browser.value(&format!("document.body.innerText.includes({})", json!(secret))).await, false);

    // A session of the key sees what the key may see, and ends with it.
    let own = browser.client.get_named_cookie("rally").await.unwrap();
    browser.client.delete_all_cookies().await.unwrap();
    browser.open(&format!("{}/console/sign-in", server.base)).await;
    browser.fill("#f-key", &secret).await;
    browser.click("main button.main").await;
    browser.find("#nav").await;
    assert_eq!(browser.value("document.querySelector('#nav a[href$=\"/keys\"]')").await, Value::Null);
    let of_key = browser.client.get_named_cookie("rally").await.unwrap();
    put(&browser, &own).await;
    browser.open(&format!("{}/console/w/acme/keys", server.base)).await;
    browser.click("form[action$='/revoke'] button").await;
    shown(&browser, "Revoke the key Website?").await;
    looks_right(&browser, "confirm").await;
    browser.show(WIDE).await;
    browser.click("main form button").await;
    told(&browser, "Revoked").await;
    put(&browser, &of_key).await;
    browser.open(&format!("{}/console/w/acme", server.base)).await;
    assert_eq!(browser.path().await, "/console/sign-in");
    browser.close().await;
}

/// Becomes another session.
async fn put(browser: &Browser, cookie: &Cookie<'static>) {
    browser.client.delete_all_cookies().await.unwrap();
    browser.client.add_cookie(cookie.clone()).await.unwrap();
}

/// Times are in the language of the page, whatever that of the browser.
#[tokio::test]
async fn times_are_in_the_language_of_the_page() {
    let (server, _list) = start(json!({})).await;
    let browser = Browser::start().await;
    browser.show(WIDE).await;
    sign_in(&server, &browser).await;
    browser.writes_as_in("ar-EG").await;
    browser.open(&format!("{}/console/w/acme", server.base)).await;
    let text = browser.until("document.querySelector('main time[data-local]')?.textContent").await;
    let text = text.as_str().unwrap();
    let is_arabic = |c: char| ('\u{600}'..'\u{700}').contains(&c);
    assert!(text.contains("Jan") && !text.contains(is_arabic), "{text}");
    browser.close().await;
}

/// A form may have a field named "action". What is wrong beside a part is said, and what is right shows in the part.
#[tokio::test]
async fn a_part_is_replaced_and_what_is_wrong_is_said() {
    let server = TestServer::start(Kind::Sqlite).await;
    server.active_list("early", json!({})).await;
    let browser = Browser::start().await;
    browser.show(WIDE).await;
    sign_in(&server, &browser).await;
    browser.open(&format!("{}/console/w/acme/audit", server.base)).await;
    browser.fill("[name=actor]", "nobody").await;
    browser.click("form.filter button").await;
    shown(&browser, "Nothing here").await;
    browser.until("location.search === '?actor=nobody'").await;
    browser.open(&format!("{}/console/w/acme/mail/suppressions", server.base)).await;
    browser.fill("[name=email]", "nope").await;
    browser.click("form.line button").await;
    browser.until("document.querySelector('[name=email][aria-invalid]') !== null").await;
    replace(&browser, "[name=email]", "ada@example.com").await;
    browser.click("form.line button").await;
    shown(&browser, "ada@example.com is not suppressed").await;
    browser.close().await;
}

/// A search keeps the order, the way back shows the question of its answer, and ticks outlive what shows by itself.
#[tokio::test]
async fn entries_are_found_and_found_again() {
    let (server, list) = start(json!({"approval_required": true})).await;
    for name in ["ada", "bob", "eve"] {
        join(&server, &format!("{name}@example.com"), None).await;
    }
    let search = format!("/waitlists/{list}/entries?q=eve");
    eventually(|| async { server.admin_get(&search).await.expect(200)["data"].as_array().filter(|found| found.len() == 1).map(drop) })
        .await;
    let browser = Browser::start().await;
    browser.show(WIDE).await;
    sign_in(&server, &browser).await;
    browser.open(&format!("{}/console/w/acme/lists/early/entries", server.base)).await;
    browser.click("th a[href*='sort=-created_at']").await;
    browser.until("location.search === '?sort=-created_at'").await;
    browser.fill("#f-q", "bob").await;
    browser.until("document.querySelectorAll('#entries [data-row]').length === 1").await;
    browser.until("document.getElementById('announce').textContent === '1 entry matches'").await;
    browser.until("location.search === '?q=bob&sort=-created_at'").await;
    browser.run("history.back()").await;
    browser.until("document.querySelectorAll('#entries [data-row]').length === 3").await;
    browser.until("document.getElementById('f-q').value === ''").await;
    browser.fill("#f-q", "nobody").await;
    browser.until("document.getElementById('announce').textContent === 'No entry matches'").await;
    browser.until("document.getElementById('entries').innerText.includes('No entry matches')").await;

    // A phone does not show the headings that sort.
    browser.show(View::PHONE).await;
    browser.open(&format!("{}/console/w/acme/lists/early/entries", server.base)).await;
    let choose = "const s = document.getElementById('f-sort'); s.focus(); s.value = '-position'; s.dispatchEvent(new Event('change', {bubbles: true}))";
    browser.run(choose).await;
    browser.until("location.search === '?sort=-position' && document.querySelector('#entries [data-row]').innerText.includes('eve')").await;
    assert_eq!(browser.value("document.activeElement.id + document.activeElement.value").await, "f-sort-position");
    browser.show(WIDE).await;

    // The job shows its end by itself, and what is ticked meanwhile stays so.
    browser.click("input[name=scope][value=matching]").await;
    browser.click("button[name=do][value=reject]").await;
    shown(&browser, "Reject 3 entries").await;
    browser.click("main form button").await;
    told(&browser, "It has begun").await;
    // In one step, because the part may be replaced at any moment.
    browser.run("document.querySelector('#entries [data-row]:nth-child(2) input[name=entry]').click()").await;
    shown(&browser, "3 of 3").await;
    browser.until("!document.querySelector('[data-poll]')").await;
    browser.until("document.querySelectorAll('#entries .state.bad, #entries tbody .state').length >= 3").await;
    assert_eq!(browser.value("document.querySelectorAll('[name=entry]:checked').length").await, 1);
    browser.close().await;
}

/// Work that goes on shows by itself, and takes neither the focus nor what was opened away.
#[tokio::test]
async fn what_shows_by_itself_leaves_the_focus() {
    let (server, world) = upstreams::start(Kind::Sqlite).await;
    server.admin_put("/rally/settings", upstreams::notifications()).await.expect(200);
    let list = server.active_list("early", json!({"approval_required": true})).await;
    join(&server, "ada@example.com", None).await;
    let bob = join(&server, "bob@example.com", None).await["id"].as_str().unwrap().to_owned();
    server.admin_patch(&format!("/waitlists/{list}/entries/{bob}"), json!({"status": "approved"})).await.expect(200);
    // The service that invites is away, so that the work goes on.
    world.heimdall.misbehave(Some(Misbehaviour::Status(503)));
    let browser = Browser::start().await;
    browser.show(WIDE).await;
    sign_in(&server, &browser).await;
    browser.open(&format!("{}/console/w/acme/lists/early/entries", server.base)).await;
    browser.click("input[name=scope][value=matching]").await;
    browser.click("button[name=do][value=invite]").await;
    browser.click("main form button").await;
    told(&browser, "It has begun").await;
    shown(&browser, "1 not changed").await;
    // In one step, because the part may be replaced at any moment.
    browser.run("document.querySelector('#job details').open = true").await;
    for control in ["#job summary", "#job form button", "#job a[data-quiet]"] {
        browser.run(&format!("document.querySelector('{control}').focus(); window.before = document.getElementById('job')")).await;
        browser.until("!window.before.isConnected && document.getElementById('job')").await;
        assert_eq!(browser.value(&format!("document.activeElement.matches('{control}')")).await, true, "{control}");
        assert_eq!(browser.value("document.querySelector('#job details').open").await, true, "{control}");
    }
    // What shows by itself does not take away what was said.
    told(&browser, "It has begun").await;
    browser.close().await;
}

/// The options of a question show once its answer is one of several, and what is right is previewed beside what is not.
#[tokio::test]
async fn a_question_is_written_in_one_go() {
    let (server, _list) = start(json!({})).await;
    let browser = Browser::start().await;
    browser.show(WIDE).await;
    sign_in(&server, &browser).await;
    browser.open(&format!("{}/console/w/acme/lists/early/settings", server.base)).await;
    browser.click("button[value=add-field]").await;
    let row = |name: &str| format!("#f-settings-custom-fields-0--{name}");
    browser.find(&row("label")).await;
    let options = format!("document.querySelector('{}').offsetParent !== null", row("options"));
    assert_eq!(browser.value(&options).await, false);
    browser
        .run(&format!(
            "const s = document.querySelector('{}'); s.value = 'select'; s.dispatchEvent(new Event('input', {{bubbles: true}}))",
            row("type")
        ))
        .await;
    browser.until(&options).await;
    browser.fill(&row("options"), "Small\nLarge").await;
    browser.fill(&row("label"), "Size").await;
    browser.fill(&row("key"), "size").await;
    browser.fill("#f-settings-max-entries", "many").await;
    previewed(&browser, "Large").await;
    replace(&browser, "#f-settings-max-entries", "9").await;
    browser.click(".bulk button[value=save]").await;
    told(&browser, "Saved").await;
    browser.close().await;
}

#[tokio::test]
async fn a_session_is_ended_from_another_browser() {
    let server = TestServer::start(Kind::Sqlite).await;
    let browser = Browser::start().await;
    browser.show(WIDE).await;
    sign_in(&server, &browser).await;
    let lost = browser.client.get_named_cookie("rally").await.unwrap();
    browser.client.delete_all_cookies().await.unwrap();
    server.clock.advance(Duration::minutes(1));
    sign_in(&server, &browser).await;
    browser.open(&format!("{}/console/sessions", server.base)).await;
    looks_right(&browser, "sessions").await;
    browser.show(WIDE).await;
    browser.click("form[action$='/end'] button").await;
    told(&browser, "Ended").await;
    assert_eq!(browser.value("document.querySelectorAll('[data-row]').length").await, 1);
    put(&browser, &lost).await;
    browser.open(&format!("{}/console/w/acme", server.base)).await;
    assert_eq!(browser.path().await, "/console/sign-in");
    browser.close().await;
}

/// A form that was opened in a session is sent in the next one, with what was typed.
#[tokio::test]
async fn what_was_typed_outlives_the_session() {
    let (server, list) = start(json!({})).await;
    let browser = Browser::start().await;
    browser.show(WIDE).await;
    sign_in(&server, &browser).await;
    let next = browser.client.get_named_cookie("rally").await.unwrap();
    browser.client.delete_all_cookies().await.unwrap();
    sign_in(&server, &browser).await;
    browser.open(&format!("{}/console/w/acme/lists/early/settings", server.base)).await;
    replace(&browser, "#f-display-name", "Mine").await;
    browser.client.delete_all_cookies().await.unwrap();
    browser.click(".bulk button[value=save]").await;
    told(&browser, "You are signed out").await;
    assert_eq!(browser.value("document.querySelector('#notices a[target=_blank]').pathname").await, "/console");
    put(&browser, &next).await;
    browser.click(".bulk button[value=save]").await;
    told(&browser, "Saved").await;
    assert_eq!(server.admin_get(&format!("/waitlists/{list}")).await.expect(200)["display_name"], "Mine");
    browser.close().await;
}

#[tokio::test]
async fn an_import_is_watched_to_its_end() {
    let (server, list) = start(json!({})).await;
    let browser = Browser::start().await;
    browser.show(WIDE).await;
    sign_in(&server, &browser).await;
    browser.open(&format!("{}/console/w/acme/lists/early", server.base)).await;
    browser.click("#nav a[href$='/imports']").await;
    browser.click("main a.main").await;
    looks_right(&browser, "new-import").await;
    browser.show(WIDE).await;
    browser.click("main button.main").await;
    shown(&browser, "Choose a file that").await;
    // The browser itself notes the status.
    browser.complaints().await;
    looks_right(&browser, "new-import-refused").await;
    browser.show(WIDE).await;
    let mut file = tempfile::NamedTempFile::with_suffix(".csv").unwrap();
    file.write_all(b"E-mail;Name;Plan\n").unwrap();
    for n in 0..300 {
        writeln!(file, "person{n}@example.com;Person {n};Team").unwrap();
    }
    file.write_all(b"nobody;No One;Team\n").unwrap();
    browser.fill("#f-map", "E-mail = email").await;
    browser.click("#f-dry-run").await;
    browser.fill("#f-file", file.path().to_str().unwrap()).await;
    browser.click("main button.main").await;
    // The page follows the work by itself.
    browser.until("document.querySelector('#import .state.good')").await;
    shown(&browser, "The first problems").await;
    assert_eq!(browser.value("document.querySelector('#import .hero dd').textContent").await, "301");
    assert_eq!(browser.value("document.querySelector('#import section tbody th').textContent").await, "302");
    looks_right(&browser, "import").await;
    browser.show(WIDE).await;
    browser.click("#import a.main").await;
    shown(&browser, "person0@example.com").await;
    browser.click("#nav a[href$='/imports']").await;
    browser.find("tbody .state.good").await;
    looks_right(&browser, "imports").await;
    assert_eq!(server.ports.stats.count(WaitlistId::parse(&list).unwrap()).await.unwrap(), 300);
    browser.close().await;
}

/// A list with a friend of everybody's, a webhook, a key, a suppression and a variant.
async fn busy() -> (TestServer, String, Value) {
    let mut settings = everything();
    settings["referral_fraud"] = json!("withhold");
    settings["referral_fraud_threshold"] = json!(40);
    let (server, list) = start(settings).await;
    let ada = join(&server, "ada@example.com", None).await;
    for friend in ["bob", "eve", "joe"] {
        join(&server, &format!("{friend}@example.com"), ada["referral_code"].as_str()).await;
    }
    let hook = json!({"url": "http://127.0.0.1:9/", "events": ["entry.created"]});
    server.admin_post("/webhooks", hook).await.expect(201);
    server.admin_post("/api-keys", json!({"name": "Website", "scope": "entry.read waitlist.read"})).await.expect(201);
    server.admin_post("/suppressions", json!({"email": "eve@example.com"})).await.expect(201);
    let variant = json!({"kind": "ab", "locale": "en", "weight": 3, "copy": {"display_name": "Other words"}});
    server.admin_post(&format!("/waitlists/{list}/variants"), variant).await.expect(201);
    (server, list, ada)
}

#[tokio::test]
async fn pages_of_a_list_are_accessible() {
    let (server, _list, ada) = busy().await;
    let browser = Browser::start().await;
    sign_in(&server, &browser).await;
    let path = format!("{}/console/w/acme/lists/early", server.base);
    for (name, page) in [
        ("overview", String::new()),
        ("entries", "/entries".to_owned()),
        ("entries-none", "/entries?status=rejected".to_owned()),
        ("entries-found", "/entries?q=a&confirmed=false&sort=-position".to_owned()),
        ("entry", format!("/entries/{}", ada["id"].as_str().unwrap())),
        ("confirmations", "/confirmations".to_owned()),
        ("referrals", "/referrals".to_owned()),
        ("rings", "/referrals/rings".to_owned()),
        ("policy", "/referrals/policy?referral_boost=10".to_owned()),
        ("variants", "/variants".to_owned()),
        ("new-variant", "/new-variant".to_owned()),
        ("settings", "/settings".to_owned()),
        ("imports-none", "/imports".to_owned()),
    ] {
        browser.stands_still(&format!("{path}{page}")).await;
        looks_right(&browser, name).await;
    }
    browser.close().await;
}

#[tokio::test]
async fn pages_of_a_workspace_are_accessible() {
    let (server, _list, _ada) = busy().await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/console", server.base)).await;
    looks_right(&browser, "sign-in").await;
    let token = create_sign_in_link(&server.ports, None, Actor::System).await.unwrap();
    browser.open(&format!("{}/console/sign-in/link/{token}", server.base)).await;
    looks_right(&browser, "sign-in-link").await;
    sign_in(&server, &browser).await;
    let hooks = server.admin_get("/webhooks").await.expect(200);
    for (name, page) in [
        ("workspaces", String::new()),
        ("new-workspace", "/new-workspace".to_owned()),
        ("help", "/help".to_owned()),
        ("lists", "/w/acme".to_owned()),
        ("new-list", "/w/acme/new-list".to_owned()),
        ("webhooks", "/w/acme/webhooks".to_owned()),
        ("webhook-dead", format!("/w/acme/webhooks/{}?state=dead", hooks["data"][0]["id"].as_str().unwrap())),
        ("webhook", format!("/w/acme/webhooks/{}", hooks["data"][0]["id"].as_str().unwrap())),
        ("new-webhook", "/w/acme/new-webhook".to_owned()),
        ("mail", "/w/acme/mail".to_owned()),
        ("templates", "/w/acme/mail/templates".to_owned()),
        ("mail-log", "/w/acme/mail/log".to_owned()),
        ("suppressions", "/w/acme/mail/suppressions".to_owned()),
        ("keys", "/w/acme/keys".to_owned()),
        ("new-key", "/w/acme/new-key".to_owned()),
    ] {
        browser.stands_still(&format!("{}/console{page}", server.base)).await;
        looks_right(&browser, name).await;
    }
    browser.close().await;
}

#[tokio::test]
async fn pages_are_read_and_decisions_made_without_scripts() {
    let (server, list, ada) = busy().await;
    let browser = Browser::start_with(false).await;
    browser.show(WIDE).await;
    sign_in(&server, &browser).await;
    browser.click("main a[href$='/console/w/acme']").await;
    browser.click("main a[href$='/lists/early']").await;
    browser.click(".waiting a[href$='status=pending']").await;
    browser.click("table.entries tbody th a").await;
    browser.click("button[data-key=a]").await;
    browser.find("#notices .good").await;
    assert_eq!(entries(&server, &list).await[0]["status"], "approved");
    browser.click("#nav a[href$='/entries']").await;
    browser.click("tbody tr:nth-child(2) input").await;
    assert_eq!(
        browser.value("[...new Set([...document.querySelectorAll('.late')].map(one => getComputedStyle(one).display))]").await,
        json!(["none"])
    );
    browser.click("button[value=reject]").await;
    browser.find("#notices .good").await;
    assert_eq!(entries(&server, &list).await[1]["status"], "rejected");
    browser.click("#nav a[href$='/referrals']").await;
    browser.click("tbody tr:last-child input").await;
    browser.click("button[value=credited]").await;
    browser.keep("console-decide").await;
    browser.fill("#f-reason", "a friend").await;
    browser.click("main button.main").await;
    browser.find("#notices .good").await;
    let entry = server.admin_get(&format!("/waitlists/{list}/entries/{}", ada["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(entry["referral_count"], 1);
    browser.click("#nav a[href$='/settings']").await;
    browser.click("button[value=add-reward]").await;
    browser.fill("#f-settings-referral-rewards-milestones-2--count", "9").await;
    browser.fill("#f-settings-referral-rewards-milestones-2--reward", "A mug").await;
    browser.click(".bulk button[value=save]").await;
    browser.find("#notices .good").await;
    let stored = server.admin_get(&format!("/waitlists/{list}")).await.expect(200);
    assert_eq!(stored["settings"]["referral_rewards"]["milestones"][2], json!({"count": 9, "reward": "A mug"}));
    browser.close().await;
}

/// Whatever an operator or a person wrote stays text.
#[tokio::test]
async fn hostile_texts_are_shown_as_they_are() {
    const HOSTILE: &str = "</script><img src=x onerror=document.title='owned'>\"' onfocus=alert(1) {{7*7}}";
    let settings = json!({
        "custom_fields": [{"key": "a", "label": HOSTILE, "type": "text"}],
        "referral_rewards": {"milestones": [{"count": 1, "reward": HOSTILE}]},
        "confirmation_message": HOSTILE,
    });
    let (server, list) = start(settings).await;
    server.admin_patch(&format!("/waitlists/{list}"), json!({"display_name": &HOSTILE[..78], "description": HOSTILE})).await.expect(200);
    let body = json!({"email": "ada@example.com", "name": HOSTILE, "referrer": HOSTILE, "interest": HOSTILE, "metadata": {"a": HOSTILE}});
    let ada = server.sign_up("early", body).await.expect(201);
    server.admin_post("/api-keys", json!({"name": &HOSTILE[..60]})).await.expect(201);
    server.admin_put("/rally/settings", json!({"brand_name": &HOSTILE[..60]})).await.expect(200);
    server
        .admin_put("/mail-templates/welcome/en", json!({"subject": "x", "text": "</textarea><img src=x onerror=document.title='owned'>"}))
        .await;
    let browser = Browser::start().await;
    browser.show(WIDE).await;
    sign_in(&server, &browser).await;
    let entry = format!("/lists/early/entries/{}", ada["id"].as_str().unwrap());
    for page in
        ["", "/lists/early", "/lists/early/entries", &entry, "/lists/early/settings", "/keys", "/mail", "/mail/templates/welcome/en"]
    {
        browser.open(&format!("{}/console/w/acme{page}", server.base)).await;
        browser.until("document.readyState === 'complete'").await;
        assert_ne!(browser.value("document.title").await, "owned", "{page}");
        assert_eq!(browser.value("document.querySelectorAll('main img, [onerror], [onfocus]').length").await, 0, "{page}");
        assert_eq!(browser.complaints().await, [""; 0], "{page}");
    }
    browser.close().await;
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let (server, list) = start(json!({})).await;
    let browser = Browser::start().await;
    browser.show(WIDE).await;
    sign_in(&server, &browser).await;
    let site = MockServer::start().await;
    let html = format!(
        "<!doctype html><title>A site</title><form method=post action=\"{}/console/w/acme/lists/early/delete\">
         <input name=confirm value=yes><button>Win</button></form>",
        server.base
    );
    let reply = ResponseTemplate::new(200).set_body_raw(html, "text/html; charset=utf-8");
    Mock::given(any()).respond_with(reply).mount(&site).await;
    browser.open(&site.uri()).await;
    browser.click("button").await;
    shown(&browser, "not of this session").await;
    server.admin_get(&format!("/waitlists/{list}")).await.expect(200);
    // The session goes on.
    browser.open(&format!("{}/console/w/acme", server.base)).await;
    browser.find("#nav").await;
    browser.close().await;
}

#[tokio::test]
async fn a_form_that_is_older_than_another_change_is_not_saved() {
    let (server, list) = start(json!({})).await;
    let browser = Browser::start().await;
    browser.show(WIDE).await;
    sign_in(&server, &browser).await;
    browser.open(&format!("{}/console/w/acme/lists/early/settings", server.base)).await;
    server.clock.advance(Duration::seconds(1));
    server.admin_patch(&format!("/waitlists/{list}"), json!({"display_name": "Theirs"})).await.expect(200);
    replace(&browser, "#f-display-name", "Mine").await;
    browser.click(".bulk button[value=save]").await;
    shown(&browser, "saved other values of Name").await;
    assert_eq!(browser.value("document.activeElement.id").await, "changes");
    assert_eq!(browser.value("document.getElementById('f-display-name').value").await, "Mine");
    let name = async || server.admin_get(&format!("/waitlists/{list}")).await.expect(200)["display_name"].clone();
    assert_eq!(name().await, "Theirs");
    browser.complaints().await;
    looks_right(&browser, "conflict").await;
    browser.show(WIDE).await;
    browser.click(".bulk button[value=save]").await;
    told(&browser, "Saved").await;
    assert_eq!(name().await, "Mine");
    browser.close().await;
}

#[tokio::test]
async fn a_person_signs_in_through_the_identity_provider() {
    let now = rally_domain::timestamp::Timestamp::parse(rally_tests::NOW).unwrap().unix_millis() / 1000;
    let provider = Fake::start_provider(now).await;
    let some = |text: &str| Some(text.to_owned());
    let server = TestServer::start_with(Kind::Sqlite, |settings| rally_api::boot::config::Settings {
        oidc_issuer: some(&provider.base),
        oidc_client_id: some(OIDC_CLIENT_ID),
        oidc_client_secret: some(OIDC_CLIENT_SECRET),
        oidc_admins: some("*@acme.example"),
        ..settings
    });
    let server = server.await;
    let browser = Browser::start().await;
    provider.state().claims = json!({"email": "eve@other.example"});
    browser.open(&format!("{}/console", server.base)).await;
    looks_right(&browser, "sign-in-provider").await;
    browser.show(WIDE).await;
    browser.click("main a.main").await;
    shown(&browser, "eve@other.example may not sign in here").await;
    // The browser itself notes the status.
    browser.complaints().await;
    looks_right(&browser, "sign-in-refused").await;
    browser.show(WIDE).await;
    provider.state().claims = json!({});
    browser.open(&format!("{}/console/w/acme", server.base)).await;
    browser.click("main a.main").await;
    browser.find("#nav").await;
    assert_eq!(browser.path().await, "/console/w/acme");
    shown(&browser, "ada@acme.example").await;
    assert_eq!(browser.complaints().await, [""; 0]);
    browser.close().await;
}
