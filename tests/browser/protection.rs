//! Lists that ask for a proof of work and a consent: Rally's own page and widget, and an embedded page.

use rally_api::boot::system::SystemClock;
use rally_domain::port::Clock;
use rally_tests::TestServer;
use rally_tests::browser::{Browser, View, package};
use serde_json::json;
use time::Duration;
use wiremock::matchers::{any, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::start;
use super::widget::{ROOT, answer, intercept, listen, send as send_form, site};

/// The settings of a list that protects itself.
fn protected() -> serde_json::Value {
    json!({
        "proof_of_work": "on", "consent_text": "I have read how my data is used.", "privacy_url": "https://acme.example/privacy",
        "terms_url": "https://acme.example/terms",
    })
}

/// The worker that solves a challenge runs under the content policy of the page. The reply of the server ends on the person's own page.
#[tokio::test]
async fn a_page_works_for_the_visitor() {
    let (server, list) = start(protected()).await;
    let browser = Browser::start().await;
    let page = format!("{}/w/acme/early", server.base);
    browser.open(&page).await;
    for (field, text) in [("#email", "ada@example.com"), ("#name", "Ada")] {
        browser.fill(field, text).await;
    }
    browser.click("[name=consent]").await;
    server.clock.advance(Duration::seconds(2));
    // Who takes longer than the work, finds it done.
    browser.until("document.querySelector('[name=proof_of_work]').value !== ''").await;
    browser.click("form button").await;
    browser.until("location.pathname.startsWith('/me/')").await;
    assert_eq!(browser.complaints().await, [""; 0], "the worker breaks no policy");
    let entries = server.admin_get(&format!("/waitlists/{list}/entries")).await.expect(200);
    assert_eq!(entries["data"][0]["email"], "ada@example.com");
    assert!(!entries["data"][0]["consent"].is_null());
    // Who is quicker waits for it.
    browser.open(&page).await;
    for (field, text) in [("#email", "bob@example.com"), ("#name", "Bob")] {
        browser.fill(field, text).await;
    }
    server.clock.advance(Duration::seconds(2));
    browser.run("document.querySelector('[name=consent]').click(); document.querySelector('form button').click()").await;
    browser.until("location.pathname.startsWith('/me/')").await;
    browser.open(&page).await;
    browser.is_accessible("protected").await;
    browser.click("form button").await;
    browser.until("document.activeElement.id === 'changes'").await;
    browser.is_accessible("protected-errors").await;
    browser.open(&format!("{page}?embed=1")).await;
    browser.is_accessible("embedded").await;
    browser.close().await;
    // Without scripts nobody can work, and the page says so.
    let browser = Browser::start_with(false).await;
    browser.show(View::PHONE).await;
    browser.open(&page).await;
    let told = browser.find("noscript p").await;
    assert!(told.is_displayed().await.unwrap());
    browser.close().await;
}

#[tokio::test]
async fn a_widget_works_for_the_visitor() {
    let (server, list) = start(json!({"proof_of_work": "on"})).await;
    let site = site(&server, "").await;
    let browser = Browser::start().await;
    browser.open(&site.uri()).await;
    listen(&browser).await;
    server.clock.advance(Duration::seconds(2));
    answer(&browser, "email", "ada@example.com").await;
    answer(&browser, "name", "Ada").await;
    let joined = send_form(&browser).await;
    assert_eq!((&joined["name"], &joined["detail"]["position"]), (&json!("joined"), &json!(1)));
    browser.until(&format!("{ROOT}.querySelector('.done') !== null")).await;
    assert_eq!(server.admin_get(&format!("/waitlists/{list}/entries/count")).await.expect(200)["count"], 1);
    browser.close().await;
}

/// A challenge that nobody can solve.
const UNSOLVABLE: &str = r#"{"parameters": {"algorithm": "PBKDF2/NONE", "cost": 1, "nonce": "00", "salt": "00", "keyPrefix": "00"}}"#;

/// What goes wrong with one challenge is told, and the next try has another one.
#[tokio::test]
async fn a_challenge_that_fails_does_not_spoil_the_next_try() {
    let (server, _list) = start(json!({"proof_of_work": "on"})).await;
    let site = site(&server, "").await;
    let browser = Browser::start().await;
    browser.open(&site.uri()).await;
    listen(&browser).await;
    server.clock.advance(Duration::seconds(2));
    answer(&browser, "email", "ada@example.com").await;
    answer(&browser, "name", "Ada").await;
    let challenge = |reply: &str| format!("url => url.endsWith('/challenge') ? {reply} : undefined");
    for (reply, code) in [
        ("Promise.reject(new TypeError())".to_owned(), "network"),
        ("reply(503, '')".to_owned(), "unavailable"),
        (format!("reply(200, '{UNSOLVABLE}')"), "proof_of_work_failed"),
    ] {
        intercept(&browser, &challenge(&reply)).await;
        assert_eq!(send_form(&browser).await["detail"]["code"], code);
    }
    intercept(&browser, "() => undefined").await;
    assert_eq!(send_form(&browser).await["name"], "joined");
    // The page of Rally does the same.
    browser.open(&format!("{}/w/acme/early", server.base)).await;
    server.clock.advance(Duration::seconds(2));
    intercept(&browser, &challenge(&format!("reply(200, '{UNSOLVABLE}')"))).await;
    browser.fill("#email", "bob@example.com").await;
    browser.fill("#name", "Bob").await;
    browser.click("form button").await;
    browser.until("document.querySelector('.working').textContent.startsWith('The check against robots did not work')").await;
    intercept(&browser, "() => undefined").await;
    browser.click("form button").await;
    browser.until("location.pathname.startsWith('/me/')").await;
    browser.close().await;
}

/// Without a secure connection a browser solves nothing. That is told where a solution is asked for.
#[tokio::test]
async fn an_insecure_page_says_what_it_needs() {
    let (server, list) = start(json!({"proof_of_work": "on"})).await;
    let site = site(&server, "").await;
    let browser = Browser::start().await;
    browser.is_insecure().await;
    browser.open(&site.uri()).await;
    listen(&browser).await;
    server.clock.advance(Duration::seconds(2));
    answer(&browser, "email", "ada@example.com").await;
    answer(&browser, "name", "Ada").await;
    assert_eq!(send_form(&browser).await["detail"]["code"], "proof_of_work_failed");
    let told = browser.value(&format!("{ROOT}.querySelector('.told').textContent")).await;
    assert!(told.as_str().unwrap().contains("needs a secure connection"), "{told}");
    let page = format!("{}/w/acme/early", server.base);
    browser.open(&page).await;
    browser.fill("#email", "ada@example.com").await;
    browser.fill("#name", "Ada").await;
    browser.click("form button").await;
    browser.until("document.querySelector('.working').textContent.includes('needs a secure connection')").await;
    // A list that does not ask now takes the form as it is.
    server.admin_patch(&format!("/waitlists/{list}"), json!({"settings": {"proof_of_work": "auto"}})).await.expect(200);
    browser.open(&page).await;
    server.clock.advance(Duration::seconds(2));
    browser.fill("#email", "ada@example.com").await;
    browser.fill("#name", "Ada").await;
    browser.click("form button").await;
    browser.until("location.pathname.startsWith('/me/')").await;
    browser.close().await;
}

/// A site with a form of its own and the widget of ALTCHA.
async fn site_with_altcha(server: &TestServer) -> MockServer {
    let site = MockServer::start().await;
    let list = format!("{}/v1/waitlists/acme/early", server.base);
    let html = format!(
        "<!doctype html><html lang=en><head><title>A site</title><script type=module src=/altcha.js></script></head><body><form>
         <input name=email value=ada@example.com><input name=name value=Ada>
         <altcha-widget name=proof_of_work auto=onload challenge=\"{list}/challenge\"></altcha-widget></form></body></html>"
    );
    let reply = |body: String, kind| ResponseTemplate::new(200).set_body_raw(body, kind);
    Mock::given(path("/altcha.js")).respond_with(reply(package("altcha/dist/main/altcha.min.js"), "text/javascript")).mount(&site).await;
    Mock::given(any()).respond_with(reply(html, "text/html; charset=utf-8")).mount(&site).await;
    site
}

/// The widget that the authors of ALTCHA publish solves a challenge, and a form of a site sends its solution.
#[tokio::test]
async fn the_widget_of_altcha_proves_the_work() {
    let (server, list) = start(json!({"proof_of_work": "on"})).await;
    // The widget compares the end of a challenge with the clock of the browser.
    server.clock.advance(SystemClock.now().instant() - server.clock.now().instant());
    let site = site_with_altcha(&server).await;
    let browser = Browser::start().await;
    browser.open(&site.uri()).await;
    browser.until("new FormData(document.forms[0]).get('proof_of_work') ? true : false").await;
    let send = format!(
        "fetch('{}/v1/waitlists/acme/early/entries', {{method: 'POST', headers: {{'content-type': 'application/json'}}, \
         body: JSON.stringify(Object.fromEntries(new FormData(document.forms[0])))}}).then(async reply => window.reply = await reply.json())",
        server.base
    );
    browser.run(&send).await;
    let reply = browser.until("window.reply").await;
    assert_eq!(reply["position"], 1, "{reply}");
    assert_eq!(server.admin_get(&format!("/waitlists/{list}/entries/count")).await.expect(200)["count"], 1);
    // A solution counts once.
    browser.run(&format!("window.reply = null; document.forms[0].email.value = 'bob@example.com'; {send}")).await;
    assert_eq!(browser.until("window.reply").await["code"], "proof_of_work_failed");
    browser.close().await;
}
