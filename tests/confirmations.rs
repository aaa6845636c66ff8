//! Sign-ups that must be confirmed: from the form to the list, over the API and over Rally's pages.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use rally_fakes::{FakeSmtp, Received, SmtpOptions};
use rally_tests::deployment::Deployment;
use rally_tests::receiver::eventually;
use rally_tests::{Kind, Reply, TestServer, on_both_stores, send};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use time::Duration;

/// A server that sends mail over SMTP and has a list that asks for confirmations.
async fn start(kind: Kind, settings: Value) -> (TestServer, FakeSmtp, String) {
    let smtp = FakeSmtp::start(SmtpOptions::default()).await;
    let url = smtp.url();
    let server = TestServer::start_with(kind, |settings| rally_api::boot::config::Settings {
        smtp_url: Some(url),
        smtp_from: Some("Rally <rally@mail.example>".to_owned()),
        public_url: Some("https://rally.example".to_owned()),
        ..settings
    })
    .await;
    server.admin_put("/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
    let mut wanted = json!({"email_confirmation": true});
    wanted.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let list = server.active_list("early", wanted).await;
    (server, smtp, list)
}

fn person(address: &str) -> Value {
    json!({"email": address, "name": "Ada Lovelace"})
}

/// The mails that were received once there are that many.
async fn received(smtp: &FakeSmtp, number: usize) -> Vec<Received> {
    eventually(|| async { Some(smtp.received()).filter(|received| received.len() >= number) }).await
}

/// The token of the links in a mail.
fn token_of(mail: &Received) -> String {
    let (_, rest) = mail.text.split_once("/confirm/").unwrap_or_else(|| panic!("no link in: {}", mail.text));
    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect()
}

fn api(server: &TestServer, token: &str) -> String {
    format!("{}/v1/confirmations/{token}", server.base)
}

async fn get(server: &TestServer, token: &str) -> Reply {
    send(server.client.get(api(server, token))).await
}

async fn confirm(server: &TestServer, token: &str) -> Reply {
    send(server.client.post(api(server, token))).await
}

async fn refuse(server: &TestServer, token: &str) -> Reply {
    send(server.client.post(format!("{}/refuse", api(server, token)))).await
}

#[apply(on_both_stores)]
async fn a_person_is_on_the_list_when_they_have_confirmed(kind: Kind) {
    let (server, smtp, list) = start(kind, json!({})).await;
    let waits = server.sign_up("early", person("ada@example.com")).await.expect(202);
    assert_eq!(waits, json!({"status": "confirmation_required", "email": "ada@example.com", "expires_in": 7 * 24 * 3600}));
    let analytics = server.admin_get(&format!("/waitlists/{list}/analytics")).await.expect(200);
    assert_eq!((&analytics["total_entries"], &analytics["awaiting_confirmation"]), (&json!(0), &json!(1)));
    let mail = received(&smtp, 1).await.remove(0);
    assert_eq!((mail.to.as_str(), mail.header("List-Unsubscribe")), ("ada@example.com", None));
    let token = token_of(&mail);
    // Programs that open links confirm nobody.
    for _ in 0..2 {
        let shown = get(&server, &token).await.expect(200);
        assert_eq!((&shown["state"], &shown["masked_email"]), (&json!("waiting"), &json!("a***@example.com")));
        assert_eq!(
            shown["waitlist"],
            json!({"slug": "early", "display_name": "List early", "workspace_slug": server.workspace.slug.as_str()})
        );
    }
    let joined = confirm(&server, &token).await;
    assert_eq!(joined.headers["cache-control"], "no-store");
    let joined = joined.expect(201);
    assert_eq!((&joined["position"], &joined["email"]), (&json!(1), &json!("ada@example.com")));
    assert!(joined["status_url"].as_str().unwrap().starts_with("https://rally.example/me/"));
    assert_eq!(confirm(&server, &token).await.expect(200), joined);
    let shown = get(&server, &token).await.expect(200);
    assert_eq!((&shown["state"], &shown["masked_email"]), (&json!("confirmed"), &json!("a***@example.com")));
    let entry = server.admin_get(&format!("/waitlists/{list}/entries/{}", joined["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(entry["confirmed_at"], entry["created_at"]);
    assert_eq!(received(&smtp, 2).await[1].to, "ada@example.com", "the welcome mail follows");
    refuse(&server, &token).await.refused(409, "already_confirmed");
}

/// The reply of a sign-up, but for what differs between any two requests.
fn shown(reply: &Reply) -> (u16, Vec<String>, String) {
    let mut names: Vec<String> = reply.headers.keys().map(ToString::to_string).collect();
    names.sort();
    (reply.status.as_u16(), names, reply.body.clone())
}

/// A link that was replaced is not to be had by the mail of the confirmation again.
#[apply(on_both_stores)]
async fn a_new_link_ends_that_of_the_confirmation(kind: Kind) {
    let (server, smtp, list) = start(kind, json!({})).await;
    server.sign_up("early", person("ada@example.com")).await.expect(202);
    let token = token_of(&received(&smtp, 1).await.remove(0));
    let entry = confirm(&server, &token).await.expect(201);
    assert_eq!(confirm(&server, &token).await.expect(200)["status_url"], entry["status_url"]);
    let path = format!("/waitlists/{list}/entries/{}/new-link", entry["id"].as_str().unwrap());
    let new = server.admin_post(&path, json!({})).await.expect(200)["status_url"].as_str().unwrap().to_owned();
    confirm(&server, &token).await.refused(409, "already_confirmed");
    assert_eq!(get(&server, &token).await.expect(200)["state"], "confirmed");
    let (_, new) = new.rsplit_once('/').unwrap();
    let page = format!("{}/confirm/{token}", server.base);
    for (request, status) in [(server.client.get(&page), 200), (server.client.post(&page), 409)] {
        let reply = send(request).await;
        assert!(reply.status == status && !reply.body.contains(new), "{}: {}", reply.status, reply.body);
    }
}

#[apply(on_both_stores)]
async fn the_link_of_somebody_who_left_leads_nowhere(kind: Kind) {
    let (server, smtp, list) = start(kind, json!({})).await;
    for (name, query) in [("ada", ""), ("bob", "?erase=true")] {
        let sent = smtp.received().len();
        server.sign_up("early", person(&format!("{name}@example.com"))).await.expect(202);
        let token = token_of(&received(&smtp, sent + 1).await[sent]);
        let entry = confirm(&server, &token).await.expect(201)["id"].as_str().unwrap().to_owned();
        server.admin_delete(&format!("/waitlists/{list}/entries/{entry}{query}")).await.expect(204);
        get(&server, &token).await.refused(404, "confirmation_not_found");
        confirm(&server, &token).await.refused(404, "confirmation_not_found");
        let path = format!("/v1/confirmations/{token}/refuse");
        send(server.request(Method::POST, &path)).await.refused(404, "confirmation_not_found");
        for page in ["", "/refuse"].map(|end| format!("{}/confirm/{token}{end}", server.base)) {
            for request in [server.client.get(&page), server.client.post(&page)] {
                assert_eq!(send(request).await.status, 404, "{page}");
            }
        }
    }
}

#[apply(on_both_stores)]
async fn the_reply_tells_nothing_of_the_address(kind: Kind) {
    let (server, smtp, list) = start(kind, json!({})).await;
    let first = server.sign_up("early", person("ada@example.com")).await;
    let token = token_of(&received(&smtp, 1).await[0]);
    let waiting = server.sign_up("early", person("ada@example.com")).await;
    confirm(&server, &token).await.expect(201);
    received(&smtp, 2).await;
    let member = server.sign_up("early", person("ada@example.com")).await;
    server.clock.advance(Duration::minutes(10));
    let later = server.sign_up("early", person("ada@example.com")).await;
    assert!(received(&smtp, 3).await[2].text.contains("/me/"), "a person on the list is sent their link");
    let erased = server.admin_get(&format!("/waitlists/{list}/entries")).await.expect(200)["data"][0]["id"].as_str().unwrap().to_owned();
    server.admin_delete(&format!("/waitlists/{list}/entries/{erased}?erase=true")).await.expect(204);
    let suppressed = server.sign_up("early", person("ada@example.com")).await;
    for reply in [&waiting, &member, &later, &suppressed] {
        assert_eq!(shown(reply), shown(&first));
    }
    let unknown = server.post("/v1/waitlists/acme/early/lost-link", json!({"email": "nobody@example.com"})).await;
    let known = server.post("/v1/waitlists/acme/early/lost-link", json!({"email": "ada@example.com"})).await;
    assert_eq!((unknown.status.as_u16(), shown(&known)), (202, shown(&unknown)));
    server.post("/v1/waitlists/acme/early/lost-link", json!({"email": "nobody"})).await.refused(400, "validation_failed");
}

#[apply(on_both_stores)]
async fn whoever_did_not_sign_up_is_forgotten(kind: Kind) {
    let (server, smtp, list) = start(kind, json!({})).await;
    server.sign_up("early", person("victim@example.com")).await.expect(202);
    let token = token_of(&received(&smtp, 1).await[0]);
    for _ in 0..2 {
        refuse(&server, &token).await.expect(204);
    }
    let shown = get(&server, &token).await.expect(200);
    assert_eq!((&shown["state"], &shown["masked_email"]), (&json!("refused"), &Value::Null));
    confirm(&server, &token).await.refused(410, "confirmation_refused");
    assert_eq!(server.admin_get(&format!("/waitlists/{list}/confirmations")).await.expect(200)["data"], json!([]));
    let check = server.admin_post("/suppressions/check", json!({"email": "victim@example.com"})).await.expect(200);
    assert_eq!(check, json!({"suppressed": true, "reason": "refused"}));
    // The next stranger who types the address causes no mail.
    server.clock.advance(Duration::hours(1));
    server.sign_up("early", person("victim@example.com")).await.expect(202);
    server.sign_up("early", person("bob@example.com")).await.expect(202);
    assert_eq!(received(&smtp, 2).await[1].to, "bob@example.com");
}

#[apply(on_both_stores)]
async fn a_mailbox_is_not_flooded(kind: Kind) {
    let (server, smtp, _) = start(kind, json!({})).await;
    for n in 0..4 {
        server.active_list(&format!("list-{n}"), json!({"email_confirmation": true})).await;
    }
    let names = ["early", "list-0", "list-1", "list-2", "list-3"];
    for minute in 0..40 {
        let each = names.iter().map(|name| server.sign_up(name, person("ada@example.com")));
        join_all(each).await.into_iter().for_each(|reply| assert_eq!(reply.status.as_u16(), 202, "{minute}: {reply:?}"));
        server.clock.advance(Duration::minutes(1));
    }
    server.sign_up("early", person("last@example.com")).await.expect(202);
    let mails = eventually(|| async { Some(smtp.received()).filter(|mails| mails.iter().any(|mail| mail.to == "last@example.com")) }).await;
    assert_eq!(mails.iter().filter(|mail| mail.to == "ada@example.com").count(), 5);
}

#[apply(on_both_stores)]
async fn a_link_ends_and_no_other_token_works(kind: Kind) {
    let (server, smtp, list) = start(kind, json!({})).await;
    server.sign_up("early", person("ada@example.com")).await.expect(202);
    let token = token_of(&received(&smtp, 1).await[0]);
    let (start, end) = token.split_at(5);
    let other = rally_domain::secret::StoreSecret::new([9; 32]);
    let foreign = other.token(rally_domain::secret::TokenUse::Confirm, uuid::Uuid::nil(), 0);
    for bad in ["x", end, &format!("{start}A{end}"), &foreign, "%00"] {
        for reply in [get(&server, bad).await, confirm(&server, bad).await, refuse(&server, bad).await] {
            reply.refused(404, "confirmation_not_found");
        }
    }
    server.clock.advance(Duration::days(7));
    for reply in [get(&server, &token).await, confirm(&server, &token).await, refuse(&server, &token).await] {
        reply.refused(410, "confirmation_expired");
    }
    assert_eq!(server.admin_get(&format!("/waitlists/{list}/confirmations")).await.expect(200)["data"], json!([]));
    // The address may sign up again, and gets another link.
    server.sign_up("early", person("ada@example.com")).await.expect(202);
    assert_ne!(token_of(&received(&smtp, 2).await[1]), token);
}

#[apply(on_both_stores)]
async fn a_list_that_is_full_or_closed_meanwhile_keeps_the_sign_up(kind: Kind) {
    let (server, smtp, list) = start(kind, json!({"max_entries": 1})).await;
    for address in ["ada@example.com", "bob@example.com"] {
        server.sign_up("early", person(address)).await.expect(202);
    }
    let mails = received(&smtp, 2).await;
    let (first, second) = (token_of(&mails[0]), token_of(&mails[1]));
    server.set_status(&list, "paused").await;
    confirm(&server, &first).await.refused(422, "waitlist_not_active");
    server.set_status(&list, "active").await;
    confirm(&server, &first).await.expect(201);
    confirm(&server, &second).await.refused(422, "waitlist_full");
    server.sign_up("early", person("eve@example.com")).await.refused(422, "waitlist_full");
    server.admin_patch(&format!("/waitlists/{list}"), json!({"settings": {"max_entries": 2}})).await.expect(200);
    assert_eq!(confirm(&server, &second).await.expect(201)["position"], 2);
}

#[apply(on_both_stores)]
async fn many_confirmations_at_once_make_one_entry(kind: Kind) {
    let (server, smtp, list) = start(kind, json!({})).await;
    server.sign_up("early", person("ada@example.com")).await.expect(202);
    let token = token_of(&received(&smtp, 1).await[0]);
    let replies = join_all((0..24).map(|_| confirm(&server, &token))).await;
    let ids: HashSet<String> = replies.iter().map(|reply| reply.json()["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!((ids.len(), replies.iter().filter(|reply| reply.status.as_u16() == 201).count()), (1, 1));
    assert_eq!(server.admin_get(&format!("/waitlists/{list}/entries/count")).await.expect(200)["count"], 1);
}

#[apply(on_both_stores)]
async fn an_operator_needs_mail_before_confirmations(kind: Kind) {
    let (server, _smtp, list) = start(kind, json!({})).await;
    server.admin_put("/rally/settings", json!({"notifications": "off"})).await.expect(200);
    let refused = server.sign_up("early", person("ada@example.com")).await.refused(503, "service_unavailable");
    assert!(refused["message"].as_str().unwrap().contains("mail"), "{refused}");
    let body = json!({"slug": "another", "display_name": "Another", "settings": {"email_confirmation": true}});
    let refused = server.admin_post("/waitlists", body).await.refused(400, "validation_failed");
    assert_eq!(refused["errors"][0]["field"], "settings.email_confirmation");
    let path = format!("/waitlists/{list}");
    server.admin_patch(&path, json!({"settings": {"email_confirmation": true}})).await.refused(400, "validation_failed");
    server.admin_patch(&path, json!({"settings": {"email_confirmation": false}})).await.expect(200);
    server.sign_up("early", person("ada@example.com")).await.expect(201);
}

#[apply(on_both_stores)]
async fn an_admin_sees_resends_confirms_and_deletes(kind: Kind) {
    let (server, smtp, list) = start(kind, json!({})).await;
    for address in ["ada@example.com", "bob@example.com", "eve@example.com"] {
        server.sign_up("early", person(address)).await.expect(202);
    }
    received(&smtp, 3).await;
    let path = format!("/waitlists/{list}/confirmations");
    let page = server.admin_get(&path).await.expect(200);
    let id = |n: usize| page["data"][n]["id"].as_str().unwrap().to_owned();
    assert_eq!(page["data"][0]["email"], "ada@example.com");
    assert_eq!((&page["data"][0]["name"], &page["data"][0]["mails_sent"]), (&json!("Ada Lovelace"), &json!(1)));
    server.admin_post(&format!("{path}/{}/resend", id(0)), json!({})).await.expect(202);
    assert_eq!(received(&smtp, 4).await[3].to, "ada@example.com");
    let entry = server.admin_post(&format!("{path}/{}/confirm", id(1)), json!({})).await.expect(201);
    assert_eq!((&entry["email"], &entry["position"]), (&json!("bob@example.com"), &json!(1)));
    assert_eq!(server.admin_post(&format!("{path}/{}/confirm", id(1)), json!({})).await.expect(200)["id"], entry["id"]);
    server.admin_delete(&format!("{path}/{}", id(2))).await.expect(204);
    server.admin_delete(&format!("{path}/{}", id(2))).await.refused(404, "confirmation_not_found");
    server.admin_post(&format!("{path}/{}/resend", id(2)), json!({})).await.refused(404, "confirmation_not_found");
    assert_eq!(server.admin_get(&path).await.expect(200)["data"].as_array().unwrap().len(), 1);
}

#[apply(on_both_stores)]
async fn the_pages_of_the_mail_need_no_script(kind: Kind) {
    let (server, smtp, _) = start(kind, json!({})).await;
    let hostile = json!({"email": "ada@example.com", "name": "<script>alert(1)</script>"});
    server.sign_up("early", hostile).await.expect(202);
    let token = token_of(&received(&smtp, 1).await[0]);
    let page = format!("{}/confirm/{token}", server.base);
    let shown = send(server.client.get(&page)).await;
    assert_eq!((shown.status.as_u16(), shown.headers["referrer-policy"].to_str().unwrap()), (200, "no-referrer"));
    assert!(shown.body.contains("<form") && !shown.body.contains("<script>alert"), "{}", shown.body);
    assert!(shown.body.contains(&format!("/confirm/{token}/refuse")));
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let confirmed = send(client.post(&page)).await;
    assert_eq!(confirmed.status.as_u16(), 303);
    assert!(confirmed.headers["location"].to_str().unwrap().starts_with("https://rally.example/me/"));
    assert_eq!(send(client.post(&page)).await.headers["location"], confirmed.headers["location"]);
    server.sign_up("early", person("bob@example.com")).await.expect(202);
    let mails = received(&smtp, 3).await;
    let token = token_of(mails.iter().find(|mail| mail.to == "bob@example.com").unwrap());
    let page = format!("{}/confirm/{token}/refuse", server.base);
    assert!(send(client.get(&page)).await.body.contains("<form"));
    let refused = send(client.post(&page)).await;
    assert_eq!(
        (refused.status.as_u16(), refused.headers["location"].to_str().unwrap()),
        (303, format!("https://rally.example/confirm/{token}/refuse").as_str())
    );
    assert!(!send(client.get(&page)).await.body.contains("<form"));
    server.clock.advance(Duration::days(7));
    assert_eq!(send(client.get(&page)).await.status.as_u16(), 410);
}

/// A confirmation that was answered is there after the process is killed, and one that was not is there whole or not at all.
#[apply(on_both_stores)]
async fn a_confirmation_survives_a_kill(kind: Kind) {
    let smtp = FakeSmtp::start(SmtpOptions::default()).await;
    let environment = vec![("RALLY_SMTP_URL", smtp.url()), ("RALLY_SMTP_FROM", "Rally <rally@mail.example>".to_owned())];
    let deployment = Deployment::with(kind, environment).await;
    let mut server = deployment.start();
    deployment.put(&server, "/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
    let list = format!("/waitlists/{}", deployment.list);
    deployment.patch(&server, &list, json!({"settings": {"email_confirmation": true}})).await.expect(200);
    for n in 0..20 {
        deployment.sign_up(&server, &format!("p{n}@example.com")).await.expect(202);
    }
    let tokens: Vec<String> = received(&smtp, 20).await.iter().map(token_of).collect();
    let replies = AtomicUsize::new(0);
    let asking = tokens.iter().map(|token| {
        let request = deployment.client.post(format!("{}/v1/confirmations/{token}", server.base));
        async {
            let is_confirmed = request.send().await.is_ok_and(|reply| reply.status().as_u16() == 201);
            replies.fetch_add(usize::from(is_confirmed), Ordering::SeqCst);
            is_confirmed
        }
    });
    let asking: Vec<_> = asking.collect();
    let (answered, ()) = tokio::join!(join_all(asking), async {
        eventually(async || (replies.load(Ordering::SeqCst) > 0).then_some(())).await;
        server.kill();
    });
    assert!(answered.contains(&true));
    let server = deployment.start();
    for (token, answered) in tokens.iter().zip(answered) {
        let reply = send(deployment.client.post(format!("{}/v1/confirmations/{token}", server.base))).await;
        let expected: &[u16] = if answered { &[200] } else { &[200, 201] };
        assert!(expected.contains(&reply.status.as_u16()), "{answered}: {reply:?}");
    }
    let entries = deployment.entries(&server).await;
    let addresses: HashSet<&str> = entries.iter().map(|(address, _)| address.as_str()).collect();
    let mut positions: Vec<u64> = entries.iter().map(|(_, position)| *position).collect();
    positions.sort_unstable();
    assert_eq!((addresses.len(), positions), (20, (1..=20).collect()));
}
