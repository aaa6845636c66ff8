//! The widget on a site of another origin.

use rally_tests::browser::{Browser, View};
use rally_tests::{Kind, TestServer};
use serde_json::{Value, json};
use time::Duration;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{everything, join, start};

/// A site with a strict content policy that has the two lines of the widget.
pub(super) async fn site(server: &TestServer, attributes: &str) -> MockServer {
    site_with(server, "async", attributes).await
}

/// The same with attributes of the script.
async fn site_with(server: &TestServer, script: &str, attributes: &str) -> MockServer {
    let site = MockServer::start().await;
    let html = format!(
        "<!doctype html><html lang=en><head><title>A site</title></head><body><main><h1>A site</h1>
         <script src=\"{0}/widget.js\" {script}></script>
         <rally-waitlist list=\"acme/early\" {attributes}></rally-waitlist></main></body></html>",
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
    browser.until(&format!("{ROOT} && {ROOT}.querySelector('.links a') && {ROOT}.querySelector('form') === null")).await;
    let lost_link = browser.value(&format!("{ROOT}.querySelector('.links a').href")).await;
    assert!(lost_link.as_str().unwrap().starts_with(&format!("{}/w/acme/early/lost-link", server.base)), "{lost_link}");
    browser.is_accessible("widget-paused").await;
    browser.close().await;
}

/// Answers the form of a list without questions of its own.
async fn answer_all(server: &TestServer, browser: &Browser) {
    server.clock.advance(Duration::seconds(2));
    answer(browser, "email", "ada@example.com").await;
    answer(browser, "name", "Ada").await;
}

/// Lets a script of the page reply in place of the server: `answer` gets the address and the options of a request.
pub(super) async fn intercept(browser: &Browser, answer: &str) {
    let script = format!(
        "window.real ??= window.fetch; window.reply = (status, text) => Promise.resolve(new Response(text, {{status}}));
         window.fetch = (url, options) => ({answer})(String(url), options ?? {{}}) ?? window.real(url, options)"
    );
    browser.run(&script).await;
}

/// How often the page asked for a form.
async fn loads(browser: &Browser) -> Value {
    browser.value("performance.getEntriesByType('resource').filter(one => one.name.includes('/widget.json')).length").await
}

/// What the form says below its button.
async fn told(browser: &Browser) -> String {
    let shown = format!("(told => told && !told.hidden && told.textContent)({ROOT}.querySelector('.told'))");
    browser.until(&shown).await.as_str().unwrap().to_owned()
}

/// The widget is read, and its focus is seen, in every theme of its page.
#[tokio::test]
async fn a_widget_follows_the_theme_of_its_page() {
    let (server, _list) = start(json!({})).await;
    let site = site(&server, "").await;
    let browser = Browser::start().await;
    browser.open(&site.uri()).await;
    listen(&browser).await;
    let focus = format!(
        "(style => [style.outlineStyle, style.outlineWidth, style.outlineOffset, style.outlineColor])\
         (getComputedStyle({ROOT}.activeElement))"
    );
    for (look, ground, ink) in [("light", "rgb(254, 254, 254)", "rgb(1, 2, 3)"), ("dark", "rgb(4, 5, 6)", "rgb(250, 251, 252)")] {
        browser.run(&format!("document.body.style.cssText = 'background: {ground}; color: {ink}'")).await;
        browser.until(&format!("{ROOT}.querySelector('.box').style.colorScheme === '{look}'")).await;
        browser.run(&format!("{ROOT}.getElementById('join').focus()")).await;
        // The widget looks at the colours of the page once they have changed.
        browser.until(&format!("({focus})[3] === '{ink}'")).await;
        assert_eq!(browser.value(&focus).await, json!(["solid", "3px", "2px", ink]), "{look}");
        // A field with an error shows both.
        send(&browser).await;
        assert_eq!(browser.value(&format!("{ROOT}.activeElement.getAttribute('aria-invalid')")).await, "true");
        assert_eq!(browser.value(&focus).await, json!(["solid", "3px", "2px", ink]), "{look}");
        assert_ne!(browser.value(&format!("getComputedStyle({ROOT}.activeElement).boxShadow")).await, "none");
    }
    browser
        .run(
            "document.body.style.cssText = 'text-transform: uppercase; white-space: nowrap; text-indent: 3em; letter-spacing: 1em; \
             word-spacing: 1em; line-height: 0.5; text-shadow: 1px 1px red; font-style: italic'",
        )
        .await;
    let inherited = format!(
        "(style => [style.textTransform, style.whiteSpace, style.textIndent, style.letterSpacing, style.wordSpacing, style.textShadow, \
         style.fontStyle])(getComputedStyle({ROOT}.querySelector('label')))"
    );
    assert_eq!(browser.value(&inherited).await, json!(["none", "normal", "0px", "normal", "0px", "none", "normal"]));
    browser.close().await;
}

/// What somebody typed, and that they joined, outlives a move of the element and another language. Each form is loaded once.
#[tokio::test]
async fn a_widget_keeps_what_was_typed() {
    let (server, _list) = start(json!({})).await;
    let site = site(&server, "lang=\"de\"").await;
    let browser = Browser::start().await;
    browser.open(&site.uri()).await;
    listen(&browser).await;
    assert_eq!(loads(&browser).await, 1);
    answer_all(&server, &browser).await;
    let typed = format!("['email', 'name'].map(id => {ROOT}.getElementById(id).value).join()");
    browser.run("document.body.append(document.querySelector('rally-waitlist'))").await;
    browser.run("document.querySelector('rally-waitlist').lang = 'fr'").await;
    browser.until(&format!("{ROOT}.querySelector('.box').lang === 'fr'")).await;
    assert_eq!(browser.value(&typed).await, "ada@example.com,Ada");
    assert_eq!(loads(&browser).await, 2);
    let joined = send(&browser).await;
    assert_eq!((&joined["name"], &joined["detail"]["position"]), (&json!("joined"), &json!(1)));
    browser.run("document.querySelector('main').append(document.querySelector('rally-waitlist'))").await;
    browser.run("document.querySelector('rally-waitlist').lang = 'it'").await;
    browser.until(&format!("{ROOT}.querySelector('.box').lang === 'it'")).await;
    assert_eq!(browser.value(&format!("{ROOT}.querySelector('.place bdi').textContent")).await, "1");
    assert_eq!(loads(&browser).await, 3);
    // Without a list there is nothing to load. The language is found outside of a shadow tree.
    browser
        .run(
            "const host = document.createElement('div'); host.lang = 'ja'; document.body.append(host);
             window.other = document.createElement('rally-waitlist'); host.attachShadow({mode: 'closed'}).append(other)",
        )
        .await;
    browser.run("setTimeout(() => other.setAttribute('list', 'acme/early'), 200)").await;
    browser.until("other.shadowRoot.querySelector('.box') && other.shadowRoot.querySelector('.box').lang === 'ja'").await;
    assert_eq!(loads(&browser).await, 4);
    assert_eq!(browser.complaints().await, [""; 0]);
    browser.close().await;
}

#[tokio::test]
async fn a_widget_that_was_removed_is_forgotten() {
    let (server, _list) = start(json!({})).await;
    let site = site(&server, "").await;
    let browser = Browser::start().await;
    browser.open(&site.uri()).await;
    listen(&browser).await;
    browser.run("const widget = document.querySelector('rally-waitlist'); window.kept = new WeakRef(widget); widget.remove()").await;
    for _ in 0..50 {
        browser.collect_garbage().await;
        if browser.value("kept.deref() === undefined").await == true {
            return browser.close().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the page still holds the widget");
}

#[tokio::test]
async fn a_page_hears_of_a_sign_up_after_it_removed_the_widget() {
    let (server, _list) = start(json!({})).await;
    let site = site(&server, "").await;
    let browser = Browser::start().await;
    browser.open(&site.uri()).await;
    listen(&browser).await;
    answer_all(&server, &browser).await;
    browser.run("addEventListener('rally:joined', event => window.position = event.detail.position)").await;
    let script = format!("{ROOT}.querySelector('button').click(); document.querySelector('rally-waitlist').remove()");
    browser.run(&script).await;
    assert_eq!(browser.until("window.position").await, 1);
    browser.close().await;
}

/// A form that cannot be loaded leaves no empty box, and is tried again.
#[tokio::test]
async fn a_widget_without_a_form_tries_again() {
    let (server, _list) = start(json!({})).await;
    let site = site(&server, "lang=\"de\"").await;
    let browser = Browser::start().await;
    browser.open(&site.uri()).await;
    listen(&browser).await;
    browser.run("document.querySelector('rally-waitlist').setAttribute('list', 'acme/later')").await;
    browser.until(&format!("{ROOT}.getElementById('again') !== null")).await;
    let missing = browser.until("window.heard.length > 0 && window.heard[0]").await;
    assert_eq!((&missing["detail"]["code"], &missing["detail"]["message"]), (&json!("unavailable"), &json!("status 404")));
    assert_eq!(browser.value(&format!("{ROOT}.querySelector('p').textContent")).await, "Das Formular kann gerade nicht angezeigt werden");
    browser.complaints().await;
    browser.is_accessible("widget-without-form").await;
    // What the page wrote inside of the element stands there in place of it.
    browser.run("document.querySelector('rally-waitlist').append('Join by mail')").await;
    browser.run(&format!("window.heard.length = 0; {ROOT}.getElementById('again').click()")).await;
    browser.until(&format!("{ROOT}.querySelector('slot') !== null")).await;
    server.active_list("later", json!({})).await;
    browser.run("setInterval(() => dispatchEvent(new Event('online')), 500)").await;
    browser.until(&format!("{ROOT}.querySelector('form') !== null")).await;
    browser.close().await;
}

/// A sign-up is announced while it goes on, and is not sent before Rally would take it.
#[tokio::test]
async fn a_widget_says_that_it_sends() {
    let (server, _list) = start(json!({})).await;
    let site = site(&server, "").await;
    let browser = Browser::start().await;
    browser.open(&site.uri()).await;
    listen(&browser).await;
    answer_all(&server, &browser).await;
    let hold = "(url, options) => options.method !== 'POST' ? undefined : new Promise(resolve => {
                    window.sentAt = performance.now();
                    window.release = () => resolve(real(url, options));
                })";
    intercept(&browser, hold).await;
    browser.run(&format!("window.heard.length = 0; {ROOT}.querySelector('button').click()")).await;
    browser.until(&format!("{ROOT}.querySelector('.status').textContent === 'The form is being sent'")).await;
    browser.until("window.release !== undefined").await;
    assert_eq!(browser.value(&format!("{ROOT}.querySelector('form').getAttribute('aria-busy')")).await, "true");
    let waited = "sentAt - performance.getEntriesByType('resource').find(one => one.name.includes('/widget.json')).responseEnd";
    assert!(browser.value(waited).await.as_f64().unwrap() >= 2000.0);
    browser.run("release()").await;
    assert_eq!(browser.until("window.heard.length > 0 && window.heard[0]").await["name"], "joined");
    browser.close().await;
}

/// What went wrong is told as it is, without words of the browser.
#[tokio::test]
async fn a_widget_tells_what_went_wrong() {
    let server =
        TestServer::start_with(Kind::Sqlite, |settings| rally_api::boot::config::Settings { signup_rate: "1/1h".to_owned(), ..settings });
    let server = server.await;
    let list = server.active_list("early", json!({})).await;
    let site = site(&server, "").await;
    let browser = Browser::start().await;
    browser.open(&site.uri()).await;
    listen(&browser).await;
    answer_all(&server, &browser).await;
    let post = |reply: &str| format!("(url, {{method}}) => method === 'POST' ? {reply} : undefined");
    for (reply, code, message, text) in [
        ("Promise.reject(new TypeError('Failed to fetch'))", "network", "there is no connection", "There is no connection"),
        ("reply(502, '<html>')", "unavailable", "status 502", "The form could not be sent"),
        ("reply(200, 'null')", "unavailable", "status 200", "The form could not be sent"),
    ] {
        intercept(&browser, &post(reply)).await;
        let refused = send(&browser).await;
        assert_eq!((&refused["detail"]["code"], &refused["detail"]["message"]), (&json!(code), &json!(message)));
        assert!(told(&browser).await.starts_with(text), "{reply}");
    }
    intercept(&browser, "() => undefined").await;
    server.join("early", "first@example.com").await;
    assert_eq!(send(&browser).await["detail"]["code"], "too_many_requests");
    assert_eq!(told(&browser).await, "That was too often. Wait 60 minutes and send the form again");
    server.clock.advance(Duration::hours(1));
    server.set_status(&list, "paused").await;
    assert_eq!(send(&browser).await["detail"]["code"], "waitlist_not_active");
    let done = browser.value(&format!("{ROOT}.querySelector('.done').textContent")).await;
    assert!(done.as_str().unwrap().starts_with("This waitlist is taking a break"), "{done}");
    browser.close().await;
}

/// Nobody agrees to a text that they did not see. What else was typed stays.
#[tokio::test]
async fn a_widget_shows_the_text_of_consent_that_changed() {
    let (server, list) = start(json!({"consent_text": "I agree"})).await;
    let site = site(&server, "").await;
    let browser = Browser::start().await;
    browser.open(&site.uri()).await;
    listen(&browser).await;
    answer_all(&server, &browser).await;
    browser.run(&format!("{ROOT}.getElementById('consent').click()")).await;
    let settings = json!({"settings": {"consent_text": "I agree to all of it"}});
    server.admin_patch(&format!("/waitlists/{list}"), settings).await.expect(200);
    let refused = send(&browser).await;
    assert_eq!((&refused["name"], &refused["detail"]["code"]), (&json!("error"), &json!("validation_failed")));
    let text = browser.value(&format!("{ROOT}.querySelector('label:has(#consent)').textContent")).await;
    assert_eq!(text, "I agree to all of it");
    assert_eq!(browser.value(&format!("{ROOT}.getElementById('consent').checked")).await, false);
    assert_eq!(browser.value(&format!("{ROOT}.activeElement.id")).await, "consent");
    assert_ne!(browser.value(&format!("{ROOT}.getElementById('consent-error').textContent")).await, "");
    // The browser complains of the refusal.
    browser.complaints().await;
    browser.is_accessible("widget-consent-changed").await;
    server.clock.advance(Duration::seconds(3));
    browser.run(&format!("{ROOT}.getElementById('consent').click()")).await;
    assert_eq!(send(&browser).await["name"], "joined");
    let entries = server.admin_get(&format!("/waitlists/{list}/entries")).await.expect(200);
    assert_eq!((&entries["data"][0]["email"], &entries["data"][0]["name"]), (&json!("ada@example.com"), &json!("Ada")));
    assert_ne!(entries["data"][0]["consent"], Value::Null);
    browser.close().await;
}

#[tokio::test]
async fn a_widget_that_a_list_does_not_allow_leads_to_the_page() {
    let (server, _list) = start(json!({"allowed_origins": ["https://acme.example"]})).await;
    let site = site(&server, "ref=\"ABCD2345\"").await;
    let browser = Browser::start().await;
    browser.open(&site.uri()).await;
    listen(&browser).await;
    answer_all(&server, &browser).await;
    assert_eq!(send(&browser).await["detail"]["code"], "origin_not_allowed");
    let page = browser.until(&format!("{ROOT}.querySelector('.told a') && {ROOT}.querySelector('.told a').href")).await;
    assert_eq!(page, format!("{}/w/acme/early?lang=en&ref=ABCD2345", server.base));
    browser.close().await;
}

/// The script may be a module, and the widget may stand in a frame. Its links open a tab there, and it may name its waitlist.
#[tokio::test]
async fn a_widget_in_a_frame_opens_a_tab() {
    let (server, _list) = start(json!({})).await;
    let site = site_with(&server, "type=\"module\"", "heading").await;
    let around = MockServer::start().await;
    let html = format!(
        "<!doctype html><html lang=en><head><title>Around</title></head><body><iframe src=\"{}\"></iframe></body></html>",
        site.uri()
    );
    let reply = ResponseTemplate::new(200).set_body_raw(html, "text/html; charset=utf-8");
    Mock::given(any()).respond_with(reply).mount(&around).await;
    let browser = Browser::start().await;
    browser.open(&around.uri()).await;
    browser.find("iframe").await;
    browser.client.enter_frame(0).await.unwrap();
    listen(&browser).await;
    assert_eq!(browser.value(&format!("{ROOT}.querySelector('h2').textContent")).await, "List early");
    answer_all(&server, &browser).await;
    assert_eq!(send(&browser).await["name"], "joined");
    let open = browser.until(&format!("(link => link && [link.target, link.rel, link.textContent])({ROOT}.querySelector('a.open'))")).await;
    assert_eq!(open, json!(["_blank", "noopener", "Open your page (opens in a new tab)"]));
    browser.close().await;
}
