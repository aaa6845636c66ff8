//! What visitors see: every page is accessible in each of its states, works by keyboard and without scripts, and stands still.

use rally_domain::id::{EntryId, RequestId};
use rally_fakes::{FakeSmtp, SmtpOptions};
use rally_tests::browser::{Browser, View};
use rally_tests::{Kind, TestServer};
use serde_json::{Value, json};
use time::Duration;

use super::{everything, join, start};

/// The path of a person's own page.
fn own(server: &TestServer, entry: &Value) -> String {
    let id = EntryId::parse(entry["id"].as_str().unwrap()).unwrap();
    server.links().status(id, 0)
}

/// The text of everything that a page shows.
async fn text(browser: &Browser) -> String {
    browser.value("document.body.innerText").await.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn pages_of_a_list_are_accessible_in_every_state() {
    let (server, list) = start(everything()).await;
    let browser = Browser::start().await;
    let page = format!("{}/w/acme/early", server.base);
    let first = join(&server, "first@example.com", None).await;
    let code = first["referral_code"].as_str().unwrap();
    join(&server, "friend@example.com", Some(code)).await;
    for (name, address) in [
        ("index", server.base.clone()),
        ("sign-up", format!("{page}?ref={code}")),
        ("sign-up-ar", format!("{page}?lang=ar")),
        ("sign-up-ja", format!("{page}?lang=ja")),
        ("mailbox", format!("{page}/mailbox")),
        ("lost-link", format!("{page}/lost-link")),
        ("left", format!("{page}/left")),
        ("visitor", own(&server, &first)),
        ("visitor-he", format!("{}?lang=he", own(&server, &first))),
        ("leave", format!("{}/leave", own(&server, &first))),
    ] {
        browser.open(&address).await;
        browser.is_accessible(name).await;
    }
    // What is not there is a page too. The browser itself notes the status.
    for (name, address) in [("no-list", format!("{}/w/acme/none", server.base)), ("bad-link", format!("{}/me/forged", server.base))] {
        browser.open(&address).await;
        assert_eq!(browser.complaints().await.len(), 1);
        browser.is_accessible(name).await;
    }
    for status in ["paused", "closed"] {
        server.set_status(&list, status).await;
        browser.open(&page).await;
        browser.is_accessible(status).await;
        browser.open(&own(&server, &first)).await;
        browser.is_accessible(&format!("visitor-{status}")).await;
        if status == "paused" {
            server.set_status(&list, "active").await;
        }
    }
    browser.close().await;
}

#[tokio::test]
async fn pages_of_a_confirmation_are_accessible() {
    let smtp = FakeSmtp::start(SmtpOptions::default()).await;
    let url = smtp.url();
    let server = TestServer::start_with(Kind::Sqlite, |settings| rally_api::boot::config::Settings {
        smtp_url: Some(url),
        smtp_from: Some("rally@mail.example".to_owned()),
        ..settings
    });
    let server = server.await;
    server.admin_put("/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
    let list = server.active_list("early", json!({"email_confirmation": true})).await;
    for person in ["ada", "eve"] {
        let body = json!({"email": format!("{person}@example.com"), "name": person, "locale": "en"});
        server.sign_up("early", body).await.expect(202);
    }
    let waiting = server.admin_get(&format!("/waitlists/{list}/confirmations")).await.expect(200)["data"].clone();
    let link = |index: usize| server.links().confirm(RequestId::parse(waiting[index]["id"].as_str().unwrap()).unwrap(), None);
    let browser = Browser::start().await;
    browser.open(&link(0)).await;
    browser.is_accessible("confirm").await;
    browser.click("button.main").await;
    browser.until("location.pathname.startsWith('/me/')").await;
    let mine = browser.client.current_url().await.unwrap().to_string();
    browser.open(&link(0)).await;
    browser.is_accessible("confirmed").await;
    browser.open(&format!("{}/refuse", link(1))).await;
    browser.is_accessible("refuse").await;
    browser.click("main button").await;
    browser.until("!document.querySelector('main form')").await;
    browser.is_accessible("refused").await;
    browser.open(&mine.replace("/me/", "/unsubscribe/")).await;
    browser.complaints().await;
    browser.is_accessible("no-unsubscribe-link").await;
    let entry = server.admin_get(&format!("/waitlists/{list}/entries")).await.expect(200)["data"][0].clone();
    browser.open(&server.links().unsubscribe(EntryId::parse(entry["id"].as_str().unwrap()).unwrap())).await;
    browser.is_accessible("unsubscribe").await;
    browser.click("main button").await;
    browser.until("!document.querySelector('main form')").await;
    browser.is_accessible("unsubscribed").await;
    browser.close().await;
}

/// Tab, Enter and the space bar are enough, and the focus is always seen.
#[tokio::test]
async fn a_person_signs_up_by_keyboard_alone() {
    const TAB: &str = "\u{e004}";
    const ENTER: &str = "\u{e007}";
    let (server, list) = start(json!({"custom_fields": [{"key": "company", "label": "Company", "required": true}]})).await;
    let browser = Browser::start().await;
    browser.show(View::PHONE).await;
    browser.open(&format!("{}/w/acme/early", server.base)).await;
    server.clock.advance(Duration::seconds(2));
    let to = async |id: &str| {
        for _ in 0..20 {
            browser.press(TAB).await;
            let seen = browser.value("[document.activeElement.id, getComputedStyle(document.activeElement).outlineStyle]").await;
            assert_ne!(seen[1], "none", "the focus on {seen} is not seen");
            if seen[0] == id {
                return;
            }
        }
        panic!("no way to {id}");
    };
    to("email").await;
    browser.press("ada").await;
    browser.press(ENTER).await;
    // The summary has the focus and leads to each field.
    browser.until("document.activeElement.id === 'changes'").await;
    browser.is_accessible("sign-up-errors").await;
    browser.press(TAB).await;
    browser.press(ENTER).await;
    assert_eq!(browser.value("document.activeElement.id").await, "email");
    browser.press("@example.com").await;
    for (field, answer) in [("name", "Ada"), ("metadata-company", "Acme")] {
        to(field).await;
        browser.press(answer).await;
    }
    browser.press(ENTER).await;
    browser.until("location.pathname.startsWith('/me/')").await;
    // The title says what happened.
    assert_eq!(browser.value("document.title").await, "Your place – List early – Acme");
    let entries = server.admin_get(&format!("/waitlists/{list}/entries")).await.expect(200);
    assert_eq!((&entries["data"][0]["email"], &entries["data"][0]["metadata"]["company"]), (&json!("ada@example.com"), &json!("Acme")));
    // The copy button says what it did, to the ear too.
    while browser.value("document.activeElement.hasAttribute('data-copy')").await != true {
        browser.press(TAB).await;
    }
    browser.press(ENTER).await;
    browser.until("document.querySelector('[data-copied]').textContent.trim()").await;
    assert_eq!(browser.value("document.querySelector('[data-copied]').getAttribute('role')").await, "status");
    // So does the button, for a moment.
    browser.until("document.querySelector('[data-copy]').textContent === 'Copy link'").await;
    browser.close().await;
}

#[tokio::test]
async fn everything_works_without_scripts() {
    let (server, _list) = start(everything()).await;
    let browser = Browser::start_with(false).await;
    browser.show(View::PHONE).await;
    browser.open(&format!("{}/w/acme/early?lang=de", server.base)).await;
    server.clock.advance(Duration::seconds(2));
    browser.fill("#email", "ada@").await;
    browser.fill("#name", "Ada Lovelace").await;
    browser.click("button.main").await;
    // The page comes back with what was typed and an error at each field.
    let summary = browser.find("#changes a[href='#email']").await;
    assert_eq!(summary.text().await.unwrap(), browser.find("#email-error").await.text().await.unwrap());
    assert_eq!(browser.value("document.getElementById('name').value").await, "Ada Lovelace");
    assert_eq!(browser.value("document.getElementById('email').getAttribute('aria-invalid')").await, "true");
    browser.keep("sign-up-errors-de").await;
    browser.find("#email").await.clear().await.unwrap();
    browser.fill("#email", "ada@example.com").await;
    browser.fill("#metadata-company", "Acme").await;
    browser.click("#metadata-beta").await;
    browser.click("button.main").await;
    browser.find("h1.place").await;
    assert!(browser.path().await.starts_with("/me/"));
    assert_eq!(
        browser.value("[...new Set([...document.querySelectorAll('.late')].map(one => getComputedStyle(one).display))]").await,
        json!(["none"])
    );
    browser.keep("visitor-de").await;
    // Another language, and away again.
    for details in browser.client.find_all(fantoccini::Locator::Css("details > summary")).await.unwrap() {
        details.click().await.unwrap();
    }
    let language = browser.find("#locale").await;
    language.select_by_value("ar").await.unwrap();
    browser.click("form[action$='/language'] button").await;
    browser.find("html[dir=rtl]").await;
    let told = "[document.activeElement.id, document.activeElement.closest('details').querySelector('form').action.split('/').pop()]";
    browser.until("document.activeElement.id === 'saved'").await;
    assert_eq!(browser.value(told).await, json!(["saved", "language"]));
    assert_eq!(browser.value("document.activeElement.getBoundingClientRect().bottom <= innerHeight").await, true);
    browser.keep("saved-ar").await;
    for details in browser.client.find_all(fantoccini::Locator::Css("details:not([open]) > summary")).await.unwrap() {
        details.click().await.unwrap();
    }
    browser.click("a.bad").await;
    browser.find("form[action$='/leave']").await;
    browser.keep("leave-ar").await;
    browser.click("main form button").await;
    browser.until("location.pathname === '/w/acme/early/left'").await;
    browser.find("html[dir=rtl] main h1").await;
    browser.close().await;
}

#[tokio::test]
async fn colours_of_the_system_and_no_motion_are_heeded() {
    let (server, _list) = start(json!({})).await;
    let entry = join(&server, "ada@example.com", None).await;
    let browser = Browser::start().await;
    browser.show(View { forced_colors: true, reduced_motion: true, ..View::PHONE }).await;
    for address in [format!("{}/w/acme/early", server.base), own(&server, &entry)] {
        browser.open(&address).await;
        // Without a background of its own, a button is known by its border.
        let plain = "[...document.querySelectorAll('button, input:not([type=hidden]), a.button')].filter(one => one.offsetParent && \
            !one.closest('.apart') && getComputedStyle(one).borderTopStyle === 'none').map(one => one.outerHTML)";
        assert_eq!(browser.value(plain).await, json!([]));
        browser.run("document.querySelector('main a, main button, main input').focus()").await;
        browser.press("\u{e004}").await;
        assert_ne!(browser.value("getComputedStyle(document.activeElement).outlineStyle").await, "none");
        let moves = "[...document.querySelectorAll('*')].map(one => getComputedStyle(one)).filter(style => \
            [style.transitionDuration, style.animationDuration].some(time => time.split(', ').some(part => parseFloat(part) > 0.01))).length";
        assert_eq!(browser.value(moves).await, 0);
        browser.keep("forced-colours").await;
    }
    browser.close().await;
}

/// Nothing jumps, no script holds the page back, nothing comes from another origin, and the whole page is small.
#[tokio::test]
async fn pages_stand_still_and_load_little() {
    let (server, _list) = start(everything()).await;
    let entry = join(&server, "ada@example.com", None).await;
    let browser = Browser::start().await;
    browser.show(View::PHONE).await;
    browser.can_share().await;
    for address in [format!("{}/w/acme/early", server.base), own(&server, &entry)] {
        browser.stands_still(&address).await;
        browser.open(&address).await;
        browser.until("document.readyState === 'complete'").await;
        let shifts = "const done = arguments[0]; const shifts = [];
            const told = ({node, previousRect, currentRect}) => [node?.outerHTML ?? node?.data, previousRect, currentRect];
            new PerformanceObserver(list => list.getEntries().forEach(one => shifts.push(one.sources.map(told)))).observe({type: 'layout-shift', buffered: true});
            setTimeout(() => done(shifts), 200)";
        let shifts = browser.client.execute_async(shifts, Vec::new()).await.unwrap();
        assert_eq!(shifts, json!([]), "{address} moves");
        let loads = browser
            .value(
                "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation')).map(one => \
                 ({name: one.name, size: one.transferSize, blocks: one.renderBlockingStatus, kind: one.initiatorType}))",
            )
            .await;
        let loads = loads.as_array().unwrap();
        assert!(loads.iter().all(|one| one["name"].as_str().unwrap().starts_with(&server.base)), "{loads:?}");
        assert!(loads.iter().all(|one| one["kind"] != "script" || one["blocks"] != "blocking"), "{loads:?}");
        let bytes: u64 = loads.iter().map(|one| one["size"].as_u64().unwrap()).sum();
        assert!((1..60_000).contains(&bytes), "{address} loads {bytes} bytes");
        assert_eq!(browser.complaints().await, [""; 0]);
    }
    // Sharing by mail is there for those for whom the system does not.
    for (refusal, by_mail) in [("AbortError", false), ("NotAllowedError", true)] {
        browser.run(&format!("window.refusal = '{refusal}'; document.querySelector('[data-system]').click()")).await;
        browser.until(&format!("!document.querySelector('[data-mail]').hidden === {by_mail}")).await;
    }
    browser.close().await;
}

/// Whatever an operator or a person wrote stays text.
#[tokio::test]
async fn hostile_texts_are_shown_as_they_are() {
    const HOSTILE: &str = "</script><img src=x onerror=document.title='owned'>\"' onfocus=alert(1) {{7*7}}";
    let settings = json!({
        "custom_fields": [{"key": "a", "label": HOSTILE, "type": "select", "options": [HOSTILE, "x".repeat(150)]}],
        "referral_rewards": {"milestones": [{"count": 1, "reward": HOSTILE}]},
        "confirmation_message": HOSTILE,
    });
    let (server, list) = start(settings).await;
    server.admin_patch(&format!("/waitlists/{list}"), json!({"display_name": &HOSTILE[..78], "description": HOSTILE})).await.expect(200);
    let body = json!({"email": "ada@example.com", "name": HOSTILE, "metadata": {"a": HOSTILE}});
    let entry = server.sign_up("early", body).await.expect(201);
    let browser = Browser::start().await;
    browser.show(View { width: 320, ..View::PHONE }).await;
    let page = format!("{}/w/acme/early?ref=%3Cscript%3E&lang=%22%3E%3Cscript%3E&x=%3Cscript%3Edocument.title=1%3C/script%3E", server.base);
    for address in [page, own(&server, &entry)] {
        browser.open(&address).await;
        assert!(text(&browser).await.contains("<img src=x onerror"), "{address}");
        assert_eq!(browser.value("document.querySelectorAll('main img, main script, [onerror], [onfocus]').length").await, 0);
        assert_eq!(browser.value("document.documentElement.scrollWidth <= 320").await, true, "{address} is too wide");
        assert!(!browser.client.title().await.unwrap().starts_with("owned"));
        assert_eq!(browser.complaints().await, [""; 0]);
    }
    browser.close().await;
}

/// What is typed stays when somebody chooses another language.
#[tokio::test]
async fn another_language_keeps_what_was_typed() {
    let settings = json!({
        "consent_text": "I agree",
        "custom_fields": [{"key": "size", "label": "Size", "type": "select", "options": ["Small", "Large"]}],
    });
    let (server, _list) = start(settings).await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/w/acme/early?lang=en", server.base)).await;
    browser.fill("#email", "ada@example.com").await;
    browser.fill("#name", "Ada").await;
    browser.click("#consent").await;
    browser.run("document.getElementById('metadata-size').value = 'Large'").await;
    browser.click(".languages summary").await;
    browser.click(".languages a[hreflang=de]").await;
    browser.until("document.documentElement.lang === 'de'").await;
    let typed = "['email', 'name', 'metadata-size'].map((id) => document.getElementById(id).value).join() + document.getElementById('consent').checked";
    browser.until(&format!("{typed} === 'ada@example.com,Ada,Largetrue'")).await;
    // It is kept for that one step.
    browser.open(&format!("{}/w/acme/early?lang=en", server.base)).await;
    assert_eq!(browser.value("document.getElementById('email').value").await, "");
    browser.close().await;
}

#[tokio::test]
async fn a_page_with_errors_says_so_in_its_tab() {
    let (server, _list) = start(json!({})).await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/w/acme/early", server.base)).await;
    let title = browser.value("document.title").await;
    for _ in 0..2 {
        browser.click("form button").await;
        browser.until("document.activeElement.id === 'changes'").await;
        assert_eq!(browser.value("document.title").await, format!("Error: {}", title.as_str().unwrap()));
    }
    browser.close().await;
}

/// A form that is sent twice signs one person up.
#[tokio::test]
async fn a_double_click_signs_up_once() {
    let (server, list) = start(json!({})).await;
    let browser = Browser::start().await;
    browser.show(View::PHONE).await;
    browser.open(&format!("{}/w/acme/early", server.base)).await;
    server.clock.advance(Duration::seconds(2));
    browser.fill("#email", "ada@example.com").await;
    browser.fill("#name", "Ada").await;
    browser.run("const button = document.querySelector('button.main'); button.click(); button.click()").await;
    browser.until("location.pathname.startsWith('/me/')").await;
    browser.find("h1.place").await;
    let entries = server.admin_get(&format!("/waitlists/{list}/entries")).await.expect(200);
    assert_eq!(entries["data"].as_array().unwrap().len(), 1);
    browser.close().await;
}
