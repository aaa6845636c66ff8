//! Mail over SMTP: how a workspace turns it on, the mails that people receive, and that no request waits for the mail server or fails with
//! it.

use rally_contracts::samples::{email, put_template};
use rally_domain::command::PutTemplate;
use rally_domain::id::EntryId;
use rally_domain::mail::{Links, MailKind, TemplateSource};
use rally_fakes::{FakeSmtp, Received, SmtpAct, SmtpOptions, SmtpStep};
use rally_tests::receiver::eventually;
use rally_tests::{Kind, TestServer, on_both_stores, send};
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use time::Duration;

/// A server that sends mail over SMTP, with a public URL, and its mail server.
async fn start(kind: Kind) -> (TestServer, FakeSmtp) {
    let smtp = FakeSmtp::start(SmtpOptions::default()).await;
    let url = smtp.url();
    let server = TestServer::start_with(kind, |settings| rally_api::boot::config::Settings {
        smtp_url: Some(url),
        smtp_from: Some("Rally <rally@mail.example>".to_owned()),
        smtp_domains: Some("mail.example, acme.example".to_owned()),
        public_url: Some("https://rally.example".to_owned()),
        ..settings
    });
    (server.await, smtp)
}

async fn turn_on(server: &TestServer) {
    server.admin_put("/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
}

/// The mails that were received once there are that many.
async fn received(smtp: &FakeSmtp, number: usize) -> Vec<Received> {
    eventually(|| async { Some(smtp.received()).filter(|received| received.len() >= number) }).await
}

#[apply(on_both_stores)]
async fn every_event_has_its_mail(kind: Kind) {
    let (server, smtp) = start(kind).await;
    turn_on(&server).await;
    let list = server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    let welcome = received(&smtp, 1).await.remove(0);
    assert_eq!((welcome.from.as_str(), welcome.to.as_str()), ("rally@mail.example", "ada@example.com"));
    assert_eq!(welcome.header("From"), Some("\"Rally\" <rally@mail.example>"));
    let text = &welcome.text;
    let links = server.ports.links.with_base("https://rally.example");
    let id = EntryId::parse(ada["id"].as_str().unwrap()).unwrap();
    for part in [ada["referral_code"].as_str().unwrap(), &links.status(id, 0), &links.unsubscribe(id), "List early"] {
        assert!(text.contains(part), "{part} is not in: {text}");
        assert!(welcome.html.as_ref().unwrap().contains(part), "{part} is not in the HTML");
    }
    let path = format!("/waitlists/{list}/entries/{}", ada["id"].as_str().unwrap());
    for (number, status) in [(2, "approved"), (3, "rejected")] {
        server.admin_patch(&path, json!({"status": status})).await.expect(200);
        received(&smtp, number).await;
    }
    let subjects: std::collections::HashSet<String> = smtp.received().into_iter().map(|mail| mail.subject).collect();
    assert_eq!(subjects.len(), 3, "{subjects:?}");
}

#[apply(on_both_stores)]
async fn a_mail_can_be_ended_by_one_request_of_a_mail_program(kind: Kind) {
    let (server, smtp) = start(kind).await;
    turn_on(&server).await;
    server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    let welcome = received(&smtp, 1).await.remove(0);
    let id = EntryId::parse(ada["id"].as_str().unwrap()).unwrap();
    let url = server.ports.links.with_base("https://rally.example").unsubscribe(id);
    assert_eq!(welcome.header("List-Unsubscribe"), Some(format!("<{url}>").as_str()));
    assert_eq!(welcome.header("List-Unsubscribe-Post"), Some("List-Unsubscribe=One-Click"));
    assert_eq!(welcome.header("Auto-Submitted"), Some("auto-generated"));
}

#[apply(on_both_stores)]
async fn a_workspace_sends_from_its_own_address_with_its_brand(kind: Kind) {
    let (server, smtp) = start(kind).await;
    let settings = json!({
        "notifications": "smtp", "default_sender_address": "hello@acme.example", "reply_to_address": "help@else.example",
        "brand_name": "Acme \u{00dc}nlimited", "default_locale": "de",
    });
    let set = server.admin_put("/rally/settings", settings).await.expect(200);
    assert_eq!((&set["notifications"], &set["notifications_via_envoi"]), (&json!("smtp"), &json!(false)));
    assert_eq!((&set["reply_to_address"], &set["default_locale"]), (&json!("help@else.example"), &json!("de")));
    server.active_list("early", json!({})).await;
    server.join("early", "ada@example.com").await;
    let welcome = received(&smtp, 1).await.remove(0);
    assert_eq!(welcome.from, "hello@acme.example");
    assert!(welcome.header("From").unwrap().ends_with(" <hello@acme.example>"), "{:?}", welcome.header("From"));
    assert_eq!(welcome.header("Reply-To"), Some("help@else.example"));
    assert!(welcome.html.unwrap().contains("lang=\"de\""));
}

#[apply(on_both_stores)]
async fn the_two_forms_of_the_setting_agree(kind: Kind) {
    let (server, _smtp) = start(kind).await;
    for (change, expected) in [
        (json!({"notifications": "smtp"}), "smtp"),
        (json!({"notifications_via_envoi": false}), "smtp"),
        (json!({"brand_name": "Acme"}), "smtp"),
        (json!({"notifications": "smtp", "notifications_via_envoi": false}), "smtp"),
        (json!({"notifications": "off", "notifications_via_envoi": false}), "off"),
        (json!({"notifications_via_envoi": false}), "off"),
        (json!({"notifications": "smtp"}), "smtp"),
        (json!({"notifications": null}), "off"),
    ] {
        let set = server.admin_put("/rally/settings", change.clone()).await.expect(200);
        assert_eq!(set["notifications"], expected, "{change}");
    }
    for (bad, field) in [
        (json!({"notifications": "smtp", "notifications_via_envoi": true}), "notifications_via_envoi"),
        (json!({"notifications": "envoi", "notifications_via_envoi": false}), "notifications_via_envoi"),
        (json!({"notifications": "post"}), "notifications"),
        (json!({"notifications": "smtp", "default_sender_address": "hello@else.example"}), "default_sender_address"),
        (json!({"reply_to_address": "nobody"}), "reply_to_address"),
        (json!({"default_locale": "no_tag"}), "default_locale"),
    ] {
        let refused = server.admin_put("/rally/settings", bad.clone()).await;
        let named = refused.bad_fields();
        assert_eq!(named, [field], "{bad}");
    }
    assert_eq!(server.admin_get("/rally/settings").await.expect(200)["notifications"], "off");
}

#[apply(on_both_stores)]
async fn without_a_mail_server_smtp_cannot_be_turned_on(kind: Kind) {
    let server = TestServer::start(kind).await;
    let refused = server.admin_put("/rally/settings", json!({"notifications": "smtp"})).await;
    assert_eq!(refused.bad_fields(), ["notifications"]);
    assert!(refused.refused(400, "validation_failed").to_string().contains("RALLY_SMTP_URL"));
}

/// The entry of a person, its id, and the links in mail to them.
async fn join(server: &TestServer, address: &str) -> (EntryId, Links) {
    let joined = server.join("early", address).await;
    let id = EntryId::parse(joined["id"].as_str().unwrap()).unwrap();
    (id, server.ports.links.with_base(&server.base))
}

#[apply(on_both_stores)]
async fn whoever_unsubscribes_gets_no_more_mail(kind: Kind) {
    let (server, smtp) = start(kind).await;
    turn_on(&server).await;
    let list = server.active_list("early", json!({})).await;
    let (ada, links) = join(&server, "ada@example.com").await;
    let (bob, _) = join(&server, "bob@example.com").await;
    received(&smtp, 2).await;
    let url = links.unsubscribe(ada);
    // Programs open the links of mail. That changes nothing.
    let page = server.client.get(&url).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let headers = page.headers().clone();
    let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(header("cache-control").as_deref(), Some("no-store"));
    assert_eq!(header("referrer-policy").as_deref(), Some("no-referrer"));
    assert_eq!(header("x-robots-tag").as_deref(), Some("noindex"));
    assert!(header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    let text = page.text().await.unwrap();
    assert!(text.contains("a***@example.com") && text.contains("<form method=\"post\""), "{text}");
    assert_eq!(server.client.head(&url).send().await.unwrap().status(), 200);
    let hash = server.ports.links.secret().hash_address(&email("ada@example.com"));
    let suppressed = || async { server.ports.suppressions.find(server.workspace.id, hash).await.unwrap().len() };
    assert_eq!(suppressed().await, 0);
    // Mail programs send any body, or none, and repeat it.
    for body in ["List-Unsubscribe=One-Click", "", "anything at all"] {
        let reply = server.client.post(&url).header("content-type", "application/x-www-form-urlencoded").body(body).send().await.unwrap();
        assert_eq!(reply.status(), 200, "{body}");
    }
    assert_eq!(suppressed().await, 1);
    for id in [ada, bob] {
        server.admin_patch(&format!("/waitlists/{list}/entries/{id}"), json!({"status": "approved"})).await.expect(200);
    }
    let approved = received(&smtp, 3).await.pop().unwrap();
    assert_eq!(approved.to, "bob@example.com");
    eventually(|| async { (server.ports.mails.depth().await.unwrap().pending == 0).then_some(()) }).await;
    assert_eq!(smtp.received().len(), 3);
}

#[apply(on_both_stores)]
async fn a_link_that_is_no_one_s_is_a_page_that_says_so(kind: Kind) {
    let (server, _smtp) = start(kind).await;
    server.active_list("early", json!({})).await;
    let (ada, links) = join(&server, "ada@example.com").await;
    let (status, unsubscribe) = (links.status(ada, 0), links.unsubscribe(ada));
    let page = server.client.get(&status).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let text = page.text().await.unwrap();
    assert!(text.contains("<bdi>1</bdi>") && text.contains("List early"), "{text}");
    let swapped = unsubscribe.replace("/unsubscribe/", "/me/");
    for bad in [format!("{status}x"), swapped, links.status(ada, 1), format!("{}/me/none", server.base), format!("{}/me/a/b", server.base)]
    {
        let page = server.client.get(&bad).send().await.unwrap();
        assert_eq!(page.status(), 404, "{bad}");
        assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"), "{bad}");
        assert_eq!(page.headers()["cache-control"], "no-store");
    }
    for bad in [status.replace("/me/", "/unsubscribe/"), format!("{}/unsubscribe/{}", server.base, "A".repeat(43))] {
        assert_eq!(server.client.post(&bad).send().await.unwrap().status(), 404, "{bad}");
    }
    let refused = server.client.post(&status).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers()["allow"].to_str().unwrap()), (405, "GET, HEAD"));
    assert!(refused.text().await.unwrap().starts_with("<!doctype html>"));
}

#[apply(on_both_stores)]
async fn links_are_opened_120_times_a_minute(kind: Kind) {
    let (server, _smtp) = start(kind).await;
    server.active_list("early", json!({})).await;
    let (ada, links) = join(&server, "ada@example.com").await;
    for n in 0..120 {
        let url = if n % 2 == 0 { links.status(ada, 0) } else { links.unsubscribe(ada) };
        assert_eq!(server.client.get(url).send().await.unwrap().status(), 200, "{n}");
    }
    let refused = server.client.get(links.status(ada, 0)).send().await.unwrap();
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    assert!(refused.text().await.unwrap().starts_with("<!doctype html>"));
    // A mail program can always unsubscribe.
    assert_eq!(server.client.post(links.unsubscribe(ada)).send().await.unwrap().status(), 200);
}

#[apply(on_both_stores)]
async fn a_mail_is_in_the_language_of_its_person(kind: Kind) {
    let (server, smtp) = start(kind).await;
    server.admin_put("/rally/settings", json!({"notifications": "smtp", "default_locale": "fr"})).await.expect(200);
    server.active_list("early", json!({})).await;
    for (address, locale, accepted, language) in [
        ("a@example.com", json!("de-CH"), "es", "de"),
        ("b@example.com", json!("no_tag"), "es-MX, en;q=0.5", "es"),
        ("c@example.com", json!(null), "sv, pt-PT;q=0.9", "pt-BR"),
        ("d@example.com", json!(null), "sv", "fr"),
        ("e@example.com", json!("zh-CN"), "*", "zh-Hans"),
        ("f@example.com", json!(7), "ar", "ar"),
    ] {
        let mut body = json!({"email": address, "name": "Somebody", "locale": locale});
        if locale.is_number() {
            body.as_object_mut().unwrap().remove("locale");
        }
        let request = server.request(reqwest::Method::POST, "/v1/waitlists/acme/early/entries").header("accept-language", accepted);
        send(request.json(&body)).await.expect(201);
        let mail = eventually(|| async { smtp.received().into_iter().find(|mail| mail.to == address) }).await;
        assert!(mail.html.unwrap().contains(&format!("lang=\"{language}\"")), "{address}");
    }
}

/// Mail and pages name the list alike, also if the variant has another name for it.
#[apply(on_both_stores)]
async fn a_mail_names_the_list_as_its_person_saw_it(kind: Kind) {
    let (server, smtp) = start(kind).await;
    turn_on(&server).await;
    let lists = [server.active_list("early", json!({})).await, server.active_list("asks", json!({"email_confirmation": true})).await];
    for (list, slug) in lists.iter().zip(["early", "asks"]) {
        let variant = json!({"kind": "locale", "locale": "de", "copy": {"display_name": "Früher Zugang"}});
        let variant = server.admin_post(&format!("/waitlists/{list}/variants"), variant).await.expect(201)["id"].clone();
        for (person, variant, name) in [("ada", variant, "Früher Zugang".to_owned()), ("bob", Value::Null, format!("List {slug}"))] {
            let address = format!("{person}@{slug}.example");
            let body = json!({"email": address, "name": "Somebody", "locale": "de", "variant_id": variant});
            assert!(server.sign_up(slug, body).await.status.is_success());
            let mail = eventually(|| async { smtp.received().into_iter().find(|mail| mail.to == address) }).await;
            assert!(mail.subject.contains(&name) && mail.text.contains(&name), "{}: {}", mail.subject, mail.text);
        }
    }
    // A preview with the data of an entry shows the same.
    let entries = server.admin_get(&format!("/waitlists/{}/entries", lists[0])).await.expect(200);
    let preview = json!({"entry_id": entries["data"][0]["id"]});
    let preview = server.admin_post("/mail-templates/welcome/de/preview", preview).await.expect(200);
    assert!(preview["subject"].as_str().unwrap().contains("Früher Zugang"), "{preview}");
}

#[apply(on_both_stores)]
async fn the_template_of_a_workspace_comes_before_the_built_in_one(kind: Kind) {
    let (server, smtp) = start(kind).await;
    turn_on(&server).await;
    server.active_list("early", json!({})).await;
    let source = TemplateSource { subject: "Hallo {{ entry.name }}".to_owned(), text: "{{ entry.status_url }}".to_owned(), html: None };
    let own = PutTemplate { source, ..put_template(&server.ports, server.workspace.id, MailKind::Welcome, "de") };
    server.ports.mail_templates.put(own).await.unwrap();
    for (address, locale) in [("a@example.com", "de-AT"), ("b@example.com", "fr")] {
        server.sign_up("early", json!({"email": address, "name": "Ada", "locale": locale})).await.expect(201);
    }
    let mails = received(&smtp, 2).await;
    let to = |address: &str| mails.iter().find(|mail| mail.to == address).unwrap();
    assert_eq!((to("a@example.com").subject.as_str(), to("a@example.com").html.as_deref()), ("Hallo Ada", None));
    assert!(to("a@example.com").text.trim().starts_with("https://rally.example/me/"));
    assert!(to("b@example.com").html.as_ref().unwrap().contains("lang=\"fr\""));
}

#[apply(on_both_stores)]
async fn an_address_that_does_not_exist_gets_no_more_mail(kind: Kind) {
    let (server, smtp) = start(kind).await;
    turn_on(&server).await;
    server.active_list("early", json!({})).await;
    smtp.answer_recipient("gone@example.com", "550 5.1.1 no such mailbox");
    join(&server, "gone@example.com").await;
    let hash = server.ports.links.secret().hash_address(&email("gone@example.com"));
    let bounced = eventually(|| async { server.ports.suppressions.find(server.workspace.id, hash).await.unwrap().pop() }).await;
    assert_eq!(bounced.reason.as_str(), "bounced");
}

#[apply(on_both_stores)]
async fn a_mail_server_that_was_away_is_sent_everything(kind: Kind) {
    let (server, smtp) = start(kind).await;
    turn_on(&server).await;
    server.active_list("early", json!({})).await;
    smtp.act(SmtpStep::Greeting, SmtpAct::Say("421 4.3.2 shutting down".to_owned()));
    for n in 0..5 {
        server.join("early", &format!("p{n}@example.com")).await;
    }
    let tried = |depth: rally_domain::queue::QueueDepth| {
        let later = depth.oldest_due_at.is_some_and(|due| due > server.ports.clock.now());
        depth.running == 0 && depth.pending == 5 && later
    };
    eventually(|| async { tried(server.ports.mails.depth().await.unwrap()).then_some(()) }).await;
    assert!(smtp.received().is_empty());
    smtp.behave();
    server.clock.advance(Duration::seconds(6));
    let mut people: Vec<String> = received(&smtp, 5).await.into_iter().map(|mail| mail.to).collect();
    people.sort();
    assert_eq!(people, (0..5).map(|n| format!("p{n}@example.com")).collect::<Vec<_>>());
}

/// A mail server takes four mails at a time, and its time for each. Who is deleted, erased or unsubscribed meanwhile gets no mail that has
/// not begun.
#[apply(on_both_stores)]
async fn nobody_gets_a_mail_that_waited_for_a_connection_while_they_went(kind: Kind) {
    let (server, smtp) = start(kind).await;
    turn_on(&server).await;
    let list = server.active_list("early", json!({})).await;
    // A workspace whose mails are taken may have eight of them sent at once.
    for n in 0..6 {
        server.join("early", &format!("before{n}@example.com")).await;
        received(&smtp, n + 1).await;
    }
    smtp.act(SmtpStep::Mail, SmtpAct::Late(std::time::Duration::from_secs(6)));
    let mut people = Vec::new();
    for n in 0..12 {
        people.push(server.join("early", &format!("p{n}@example.com")).await["id"].as_str().unwrap().to_owned());
    }
    for (n, id) in people.iter().enumerate() {
        let path = format!("/waitlists/{list}/entries/{id}");
        match n % 3 {
            0 => server.admin_delete(&path).await.expect(204),
            1 => server.admin_delete(&format!("{path}?erase=true")).await.expect(204),
            _ => server.admin_post("/suppressions", json!({"email": format!("p{n}@example.com")})).await.expect(201),
        };
    }
    received(&smtp, 7).await;
    // A mail to a suppressed address is held until its lease ends.
    smtp.behave();
    server.clock.advance(Duration::minutes(3));
    eventually(|| async {
        let depth = server.ports.mails.depth().await.unwrap();
        (depth.running == 0 && depth.pending == 0).then_some(())
    })
    .await;
    // At most four had begun.
    let people: Vec<String> = smtp.received().into_iter().skip(6).map(|mail| mail.to).collect();
    assert!(people.len() <= 4, "{people:?}");
}

/// The mail server is away for a day. Every mail is tried again and again, and waits until the server is back.
#[apply(on_both_stores)]
async fn no_mail_is_given_up_in_a_day_without_the_mail_server(kind: Kind) {
    let (server, smtp) = start(kind).await;
    turn_on(&server).await;
    server.active_list("early", json!({})).await;
    smtp.act(SmtpStep::Greeting, SmtpAct::Say("421 4.3.2 shutting down".to_owned()));
    for n in 0..3 {
        server.join("early", &format!("p{n}@example.com")).await;
    }
    let day_after = server.ports.clock.now().plus(Duration::DAY);
    let next_try = || async {
        let depth = server.ports.mails.depth().await.unwrap();
        depth.oldest_due_at.filter(|due| depth.running == 0 && *due > server.ports.clock.now())
    };
    loop {
        let due = eventually(next_try).await;
        assert_eq!(server.ports.mails.depth().await.unwrap().pending, 3);
        if due >= day_after {
            break;
        }
        server.clock.advance(due.instant() - server.ports.clock.now().instant());
    }
    assert!(smtp.connections() >= 18, "{} attempts", smtp.connections());
    smtp.behave();
    server.clock.advance(Duration::hours(14));
    let mut people: Vec<String> = received(&smtp, 3).await.into_iter().map(|mail| mail.to).collect();
    people.sort();
    assert_eq!(people, ["p0@example.com", "p1@example.com", "p2@example.com"]);
}

#[apply(on_both_stores)]
async fn an_answer_that_was_lost_repeats_the_same_message(kind: Kind) {
    let (server, smtp) = start(kind).await;
    turn_on(&server).await;
    server.active_list("early", json!({})).await;
    smtp.act(SmtpStep::Message, SmtpAct::LoseAndClose);
    server.join("early", "ada@example.com").await;
    received(&smtp, 1).await;
    smtp.behave();
    eventually(|| async { (server.ports.mails.depth().await.unwrap().running == 0).then_some(()) }).await;
    server.clock.advance(Duration::seconds(6));
    let both = received(&smtp, 2).await;
    assert_eq!(both[0].header("Message-ID"), both[1].header("Message-ID"));
    assert_eq!(both[0].raw, both[1].raw);
}

#[apply(on_both_stores)]
async fn a_recipient_who_is_refused_is_tried_once(kind: Kind) {
    let (server, smtp) = start(kind).await;
    turn_on(&server).await;
    server.active_list("early", json!({})).await;
    smtp.answer_recipient("gone@example.com", "550 5.1.1 no such mailbox");
    smtp.answer_recipient("full@example.com", "452 4.2.2 mailbox full");
    for address in ["gone@example.com", "full@example.com", "ada@example.com"] {
        server.join("early", address).await;
    }
    assert_eq!(received(&smtp, 1).await[0].to, "ada@example.com");
    let depth = || async { Some(server.ports.mails.depth().await.unwrap()).filter(|depth| depth.running == 0 && depth.pending == 1) };
    eventually(depth).await;
}
