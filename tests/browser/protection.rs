//! Lists that ask for a proof of work and a consent: Rally's own page and widget, an embedded page, and the public ALTCHA widget.

use std::path::Path;

use rally_tests::browser::{Browser, View};
use rally_tests::deployment::Deployment;
use rally_tests::{Kind, send};
use serde_json::json;
use time::Duration;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::start;
use super::widget::{ROOT, answer, listen, send as send_form, site};

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
    browser.is_accessible("protected").await;
    browser.click("form button").await;
    browser.until("document.activeElement.id === 'changes'").await;
    browser.is_accessible("protected-errors").await;
    for (field, text) in [("#email", "ada@example.com"), ("#name", "Ada")] {
        browser.fill(field, text).await;
    }
    browser.click("[name=consent]").await;
    server.clock.advance(Duration::seconds(2));
    browser.click("form button").await;
    browser.until("location.pathname.startsWith('/me/')").await;
    assert_eq!(browser.complaints().await, [""; 0], "the worker breaks no policy");
    let entries = server.admin_get(&format!("/waitlists/{list}/entries")).await.expect(200);
    assert_eq!(entries["data"][0]["email"], "ada@example.com");
    assert!(!entries["data"][0]["consent"].is_null());
    browser.open(&format!("{page}?embed=1")).await;
    browser.is_accessible("embedded").await;
    browser.close().await;
    // Without scripts nobody can work, and the page says so.
    let browser = Browser::start_with(false).await;
    browser.show(View::PHONE).await;
    browser.open(&page).await;
    let told = browser.find("noscript").await;
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

/// The public widget solves a challenge of the real server, and its payload is taken once.
#[tokio::test]
async fn the_public_altcha_widget_works() {
    let deployment = Deployment::new(Kind::Sqlite).await;
    let server = deployment.start();
    let change = json!({"settings": {"proof_of_work": "on"}});
    deployment.patch(&server, &format!("/waitlists/{}", deployment.list), change).await.expect(200);
    let list = format!("{}/v1/waitlists/acme/early", server.base);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/node_modules/altcha/dist/main/altcha.js");
    let script = std::fs::read_to_string(script).expect("altcha: ./scripts/test.sh installs it");
    let html = format!(
        "<!doctype html><html lang=en><head><title>A site</title><script type=module src=/altcha.js></script></head>\
         <body><form><altcha-widget name=proof auto=onload challenge=\"{list}/challenge\"></altcha-widget></form></body></html>"
    );
    let site = MockServer::start().await;
    for (at, body, kind) in [("/", html, "text/html; charset=utf-8"), ("/altcha.js", script, "text/javascript")] {
        Mock::given(path(at)).respond_with(ResponseTemplate::new(200).set_body_raw(body, kind)).mount(&site).await;
    }
    let browser = Browser::start().await;
    browser.open(&site.uri()).await;
    let proof = browser.until("document.querySelector('[name=proof]')?.value || document.querySelector('input[name=proof]')?.value").await;
    let sign_up = |email: &str| {
        let body = json!({"email": email, "name": "Ada", "proof_of_work": proof});
        send(deployment.client.post(format!("{list}/entries")).json(&body))
    };
    sign_up("ada@example.com").await.expect(201);
    sign_up("eve@example.com").await.refused(400, "proof_of_work_failed");
    browser.close().await;
}
