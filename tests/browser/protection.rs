//! Lists that ask for a proof of work and a consent: Rally's own page and widget, and an embedded page.

use rally_tests::browser::{Browser, View};
use serde_json::json;
use time::Duration;

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
