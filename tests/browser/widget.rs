//! The widget on a site of another origin.

use rally_tests::TestServer;
use rally_tests::browser::{Browser, View};
use serde_json::{Value, json};
use time::Duration;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{everything, join, start};

/// A site with a strict content policy that has the two lines of the widget.
pub(super) async fn site(server: &TestServer, attributes: &str) -> MockServer {
    let site = MockServer::start().await;
    let html = format!(
        "<!doctype html><html lang=en><head><title>A site</title></head><body><main><h1>A site</h1>
         <script src=\"{0}/widget.js\" async></script><rally-waitlist list=\"acme/early\" {attributes}></rally-waitlist></main></body></html>",
        server.base
    );
    let policy = format!("default-src 'none'; script-src {0}; connect-src {0}; require-trusted-types-for 'script'", server.base);
    let reply = ResponseTemplate::new(200).set_body_raw(html, "text/html; charset=utf-8").insert_header("content-security-policy", policy);
    Mock::given(any()).respond_with(reply).mount(&site).await;
    site
}

pub(super) const ROOT: &str = "document.querySelector('rally-waitlist').shadowRoot";

/// Waits for the form, and notes the events that the page hears.
pub(super) async fn listen(browser: &Browser) {
    browser.until(&format!("{ROOT} && {ROOT}.querySelector('form') !== null")).await;
    browser
        .run(
            "window.heard = []; for (const name of ['joined', 'error']) document.body.addEventListener('rally:' + name, \
             event => heard.push({name, detail: event.detail, composed: event.composed}))",
        )
        .await;
}

pub(super) async fn answer(browser: &Browser, id: &str, value: &str) {
    let script = format!("{ROOT}.getElementById('{id}').value = arguments[0]");
    browser.client.execute(&script, vec![json!(value)]).await.unwrap();
}

pub(super) async fn send(browser: &Browser) -> Value {
    browser.run(&format!("window.heard.length = 0; {ROOT}.querySelector('button').click()")).await;
    browser.until("window.heard.length > 0 && window.heard[0]").await
}

#[tokio::test]
async fn a_site_signs_people_up_with_two_lines() {
    let (server, list) = start(everything()).await;
    let first = join(&server, "first@example.com", None).await;
    let site = site(&server, "lang=\"de\"").await;
    let browser = Browser::start().await;
    browser.show(View::PHONE).await;
    browser.open(&format!("{}/?ref={}", site.uri(), first["referral_code"].as_str().unwrap())).await;
    listen(&browser).await;
    browser.is_accessible("widget").await;
    // What is missing is said at its field, and the focus goes there.
    let missing = send(&browser).await;
    assert_eq!((&missing["name"], &missing["detail"]["code"]), (&json!("error"), &json!("validation_failed")));
    assert_eq!(browser.until(&format!("{ROOT}.activeElement && {ROOT}.activeElement.id")).await, "email");
    assert_ne!(browser.value(&format!("{ROOT}.getElementById('email-error').textContent")).await, "");
    browser.is_accessible("widget-errors").await;
    server.clock.advance(Duration::seconds(2));
    answer(&browser, "email", "first@example.com").await;
    answer(&browser, "name", "Ada").await;
    answer(&browser, "metadata-company", "Acme").await;
    let refused = send(&browser).await;
    assert_eq!(
        (&refused["name"], &refused["detail"]["code"], &refused["composed"]),
        (&json!("error"), &json!("email_taken"), &json!(true))
    );
    assert_ne!(browser.value(&format!("{ROOT}.getElementById('email-error').textContent")).await, "");
    let lost_link = browser.value(&format!("{ROOT}.querySelector('.links a').href")).await;
    assert_eq!(lost_link, format!("{}/w/acme/early/lost-link?lang=de", server.base));
    answer(&browser, "email", "ada@example.com").await;
    let joined = send(&browser).await;
    assert_eq!((&joined["name"], &joined["detail"]["position"], &joined["composed"]), (&json!("joined"), &json!(2), &json!(true)));
    browser.until(&format!("{ROOT}.querySelector('.done') && {ROOT}.querySelector('.done').textContent.includes('2')")).await;
    browser.complaints().await;
    browser.is_accessible("widget-joined").await;
    let entries = server.admin_get(&format!("/waitlists/{list}/entries")).await.expect(200);
    let ada = entries["data"].as_array().unwrap().iter().find(|entry| entry["email"] == "ada@example.com").unwrap();
    assert_eq!((&ada["referred_by_entry_id"], &ada["locale"]), (&first["id"], &json!("de")));
    browser.close().await;
}

#[tokio::test]
async fn a_widget_of_no_list_says_so() {
    let (server, list) = start(json!({})).await;
    server.set_status(&list, "paused").await;
    let browser = Browser::start().await;
    let paused = site(&server, "").await;
    browser.open(&paused.uri()).await;
    browser.until(&format!("{ROOT} && {ROOT}.textContent.trim() && {ROOT}.querySelector('form') === null")).await;
    let lost_link = browser.value(&format!("{ROOT}.querySelector('.links a').href")).await;
    assert!(lost_link.as_str().unwrap().starts_with(&format!("{}/w/acme/early/lost-link", server.base)), "{lost_link}");
    browser.is_accessible("widget-paused").await;
    browser.close().await;
}
