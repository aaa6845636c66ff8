//! Templates of mail on the admin surface: what is listed, written, deleted and previewed, and what is refused.

use rally_domain::id::EntryId;
use rally_domain::mail::MailKind;
use rally_tests::{Kind, TestServer, on_both_stores, send, token};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use time::Duration;

const LANGUAGES: [&str; 13] = ["ar", "de", "en", "es", "fr", "he", "it", "ja", "nl", "pl", "pt-BR", "tr", "zh-Hans"];

async fn put(server: &TestServer, place: &str, body: Value) -> Value {
    server.admin_put(&format!("/mail-templates/{place}"), body).await.expect(200)
}

async fn preview(server: &TestServer, place: &str, body: Value) -> Value {
    server.admin_post(&format!("/mail-templates/{place}/preview"), body).await.expect(200)
}

async fn listed(server: &TestServer) -> Vec<Value> {
    server.admin_get("/mail-templates").await.expect(200)["data"].as_array().unwrap().clone()
}

fn of<'a>(templates: &'a [Value], kind: &str, locale: &str) -> &'a Value {
    let found: Vec<&Value> = templates.iter().filter(|template| template["kind"] == kind && template["locale"] == locale).collect();
    assert_eq!(found.len(), 1, "{kind} {locale}");
    found[0]
}

#[apply(on_both_stores)]
async fn every_kind_is_listed_in_every_language(kind: Kind) {
    let server = TestServer::start(kind).await;
    let templates = listed(&server).await;
    let places: Vec<(&str, &str)> =
        templates.iter().map(|template| (template["kind"].as_str().unwrap(), template["locale"].as_str().unwrap())).collect();
    let expected = MailKind::ALL.into_iter().flat_map(|kind| LANGUAGES.map(|locale| (kind.as_str(), locale)));
    assert_eq!(places, expected.collect::<Vec<_>>());
    for template in &templates {
        assert_eq!((&template["source"], &template["updated_at"]), (&json!("built_in"), &Value::Null));
        // What is listed is a template that may be written as it is.
        let body = json!({"subject": template["subject"], "text": template["text"], "html": template["html"]});
        let place = format!("{}/{}", template["kind"].as_str().unwrap(), template["locale"].as_str().unwrap());
        if template["locale"] == "he" {
            assert_eq!(put(&server, &place, body).await["text"], template["text"]);
        }
    }
}

#[apply(on_both_stores)]
async fn a_template_takes_the_place_of_the_built_in_one(kind: Kind) {
    let server = TestServer::start(kind).await;
    let built_in = of(&listed(&server).await, "welcome", "de").clone();
    let body = json!({"subject": "Hallo", "text": "\tHallo {{ entry.name }}\nzwei", "html": "<p>{{ entry.name }}</p>"});
    let written = put(&server, "welcome/de", body).await;
    let expected = json!({
        "kind": "welcome", "locale": "de", "source": "workspace", "subject": "Hallo", "text": "\tHallo {{ entry.name }}\nzwei",
        "html": "<p>{{ entry.name }}</p>", "updated_at": rally_tests::NOW,
    });
    assert_eq!(written, expected);
    let templates = listed(&server).await;
    assert_eq!((templates.len(), of(&templates, "welcome", "de")), (6 * 13, &expected));
    assert_eq!(of(&templates, "approved", "de")["source"], "built_in");
    server.clock.advance(Duration::seconds(1));
    let again = put(&server, "welcome/de", json!({"subject": "Hallo", "text": "Hallo", "html": null})).await;
    assert_eq!((&again["html"], &again["updated_at"]), (&Value::Null, &json!("2026-01-31T09:00:01.000Z")));
    server.admin_delete("/mail-templates/welcome/de").await.expect(204);
    assert_eq!(of(&listed(&server).await, "welcome", "de"), &built_in);
    server.admin_delete("/mail-templates/welcome/de").await.refused(404, "mail_template_not_found");
}

#[apply(on_both_stores)]
async fn a_workspace_writes_templates_in_any_language(kind: Kind) {
    let server = TestServer::start(kind).await;
    assert_eq!(put(&server, "welcome/SV-se", json!({"subject": "Hej", "text": "Hej"})).await["locale"], "sv-SE");
    let templates = listed(&server).await;
    assert_eq!((templates.len(), of(&templates, "welcome", "sv-SE")["subject"].as_str()), (6 * 13 + 1, Some("Hej")));
    assert_eq!(preview(&server, "welcome/sv-SE", json!({})).await["subject"], "Hej");
    server.admin_post("/mail-templates/approved/sv-SE/preview", json!({})).await.refused(404, "mail_template_not_found");
    server.admin_delete("/mail-templates/welcome/sv-se").await.expect(204);
    server.admin_post("/mail-templates/welcome/sv-SE/preview", json!({})).await.refused(404, "mail_template_not_found");
}

#[apply(on_both_stores)]
async fn a_template_belongs_to_its_workspace(kind: Kind) {
    let server = TestServer::start(kind).await;
    let other = rally_contracts::samples::workspace(&server.ports, "other").await.id.to_string();
    put(&server, "welcome/de", json!({"subject": "Hallo", "text": "Hallo"})).await;
    let foreign = |method: Method, path: &str| {
        let request = server.request(method, &format!("/v1/workspaces/{other}/mail-templates{path}"));
        request.bearer_auth(token(&server, &other, "*"))
    };
    let templates = send(foreign(Method::GET, "")).await.expect(200);
    assert_eq!(of(templates["data"].as_array().unwrap(), "welcome", "de")["source"], "built_in");
    send(foreign(Method::DELETE, "/welcome/de")).await.refused(404, "mail_template_not_found");
    assert_ne!(send(foreign(Method::POST, "/welcome/de/preview")).await.expect(200)["subject"], "Hallo");
}

#[apply(on_both_stores)]
async fn an_unknown_kind_and_a_malformed_locale_are_refused(kind: Kind) {
    let server = TestServer::start(kind).await;
    let body = json!({"subject": "Hallo", "text": "Hallo"});
    for place in ["none/de", "Welcome/de", "welcome%20/de"] {
        let path = format!("/mail-templates/{place}");
        server.admin_put(&path, body.clone()).await.refused(404, "not_found");
        server.admin_delete(&path).await.refused(404, "not_found");
        server.admin_post(&format!("{path}/preview"), body.clone()).await.refused(404, "not_found");
    }
    for subject in ["a\nb", "Hi\r\nBcc: eve@example.com", "\u{200b}", " "] {
        let body = json!({"subject": subject, "text": "Hallo"});
        assert_eq!(server.admin_put("/mail-templates/welcome/de", body).await.bad_fields(), ["subject"], "{subject:?}");
    }
    for place in ["welcome/no_tag", "welcome/d", &format!("welcome/{}", "de-".repeat(40)), "welcome/%00"] {
        let path = format!("/mail-templates/{place}");
        assert_eq!(server.admin_put(&path, body.clone()).await.bad_fields(), ["locale"], "{place}");
        assert_eq!(server.admin_delete(&path).await.bad_fields(), ["locale"], "{place}");
        assert_eq!(server.admin_post(&format!("{path}/preview"), body.clone()).await.bad_fields(), ["locale"], "{place}");
    }
}

/// The first message about a template that is refused when it is written, and alike when it is previewed.
async fn refused(server: &TestServer, kind: &str, field: &str, source: &str) -> String {
    let mut body = json!({"subject": "Hello", "text": "Hello.", "html": "<p>Hello.</p>"});
    body[field] = source.into();
    let written = server.admin_put(&format!("/mail-templates/{kind}/en"), body.clone()).await;
    assert_eq!(written.bad_fields(), [field], "{source}");
    let previewed = server.admin_post(&format!("/mail-templates/{kind}/en/preview"), body).await;
    assert_eq!(previewed.bad_fields(), [field], "{source}");
    let message = |reply: &Value| reply["errors"][0]["message"].as_str().unwrap().to_owned();
    assert_eq!(message(&previewed.json()), message(&written.json()), "{source}");
    message(&written.json())
}

#[apply(on_both_stores)]
async fn a_template_that_could_fail_is_refused_with_its_line_and_reason(kind: Kind) {
    let server = TestServer::start(kind).await;
    for (field, source, line, reason) in [
        ("text", "a\n{% if entry.name %}", "line 2", ""),
        ("subject", "{{ entry.name", "line 1", ""),
        // Branches that are never taken are looked at too.
        ("text", "a\nb\n{% if false %}{{ entry.shoe_size }}{% endif %}", "line 3", "shoe_size"),
        ("html", "{% if 1 == 2 %}\n{{ entry.name|shout }}{% endif %}", "line 2", "shout"),
        ("html", "{% for x in [] %}{{ x|nothing }}{% else %}{% endfor %}", "line 1", "nothing"),
        ("text", "{{ confirm_url }}", "line 1", "confirm_url"),
        ("text", "{{ 1 if entry.name is magic else 2 }}", "line 1", "magic"),
        // No files.
        ("text", "{% include '/etc/passwd' %}", "line 1", "include"),
        ("html", "{% extends 'base' %}", "line 1", ""),
        ("html", "{% import 'base' as base %}", "line 1", ""),
        // No endless or huge work.
        ("text", "{% for a in range(100000000) %}x{% endfor %}", "line 1", ""),
        ("text", &"{% for a in range(1000) %}".repeat(4), "line 1", ""),
        ("text", &format!("{}x{}", "{% for a in range(1000) %}".repeat(3), "{% endfor %}".repeat(3)), "", ""),
        ("text", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "line 1", "m"),
        ("text", "{{ 'x' * 1000000000 }}", "line 1", ""),
        ("html", "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}", "line 1", ""),
        ("text", "{{ entry.name.__class__ }}", "line 1", ""),
        ("text", "{{ 1 / 0 }}", "line 1", ""),
        ("text", "{% if false %}x{% endif %}", "", ""),
    ] {
        let message = refused(&server, "welcome", field, source).await;
        assert!(message.starts_with(line) && message.contains(reason), "{source}: {message}");
    }
    assert!(listed(&server).await.iter().all(|template| template["source"] == "built_in"));
}

#[apply(on_both_stores)]
async fn every_faulty_part_is_named_at_once(kind: Kind) {
    let server = TestServer::start(kind).await;
    for (body, fields) in [
        (json!({}), vec!["subject", "text"]),
        (json!({"subject": null, "text": 7, "html": []}), vec!["subject", "text", "html"]),
        (json!({"subject": "", "text": " ", "html": ""}), vec!["subject", "text", "html"]),
        (json!({"subject": "a\u{0}", "text": "b\u{202e}", "html": "c\u{1}"}), vec!["subject", "text", "html"]),
        (json!({"subject": "{{ a }}", "text": "{{ b }}", "html": "{{ c }}"}), vec!["subject", "text", "html"]),
        (json!({"subject": "s", "text": "t", "html": "{% if %}"}), vec!["html"]),
        (json!({"subject": "é".repeat(201), "text": "t"}), vec!["subject"]),
        (json!({"subject": "s", "text": "é".repeat(16 * 1024 + 1), "html": "x".repeat(64 * 1024 + 1)}), vec!["text", "html"]),
    ] {
        assert_eq!(server.admin_put("/mail-templates/welcome/en", body.clone()).await.bad_fields(), fields, "{body}");
    }
    let largest = json!({"subject": "é".repeat(200), "text": "é".repeat(16 * 1024), "html": "x".repeat(64 * 1024)});
    put(&server, "welcome/en", largest).await;
    let larger = json!({"subject": "s", "text": "t", "html": "x".repeat(256 * 1024)});
    server.admin_put("/mail-templates/welcome/en", larger).await.refused(413, "payload_too_large");
    send(server.admin_request(Method::PUT, "/mail-templates/welcome/en").body("{}")).await.refused(415, "unsupported_media_type");
}

#[apply(on_both_stores)]
async fn the_variables_of_a_kind_are_known_in_it(kind: Kind) {
    let server = TestServer::start(kind).await;
    let text = "{{ confirm_url }} {{ refuse_url }} {{ expires_at|date }} {{ brand.name }}";
    put(&server, "confirm/en", json!({"subject": "Confirm", "text": text})).await;
    for source in ["{{ entry.position }}", "{{ entry.status_url }}", "{{ invite_url }}"] {
        refused(&server, "confirm", "text", source).await;
    }
    put(&server, "invited/en", json!({"subject": "In", "text": "{{ invite_url }} {{ entry.unsubscribe_url }}"})).await;
    refused(&server, "approved", "text", "{{ invite_url }}").await;
}

#[apply(on_both_stores)]
async fn a_workspace_has_200_templates_at_most(kind: Kind) {
    let server = TestServer::start(kind).await;
    let body = || json!({"subject": "s", "text": "t"});
    for n in 0..200 {
        let letter = |n: u8| char::from(b'a' + n);
        put(&server, &format!("link/q{}{}", letter(n / 26), letter(n % 26)), body()).await;
    }
    server.admin_put("/mail-templates/link/de", body()).await.refused(409, "too_many_mail_templates");
    put(&server, "link/qaa", body()).await;
    server.admin_delete("/mail-templates/link/qaa").await.expect(204);
    put(&server, "link/de", body()).await;
}

#[apply(on_both_stores)]
async fn a_preview_shows_the_mail_that_people_would_get(kind: Kind) {
    let server = TestServer::start(kind).await;
    // Every built-in one, without a body.
    for kind in MailKind::ALL.map(MailKind::as_str) {
        let path = format!("/mail-templates/{kind}/de/preview");
        let shown = send(server.admin_request(Method::POST, &path)).await.expect(200);
        for part in ["subject", "text", "html"] {
            assert!(shown[part].as_str().is_some_and(|text| !text.is_empty() && !text.contains("{{")), "{kind} {part}: {shown}");
        }
    }
    put(&server, "welcome/de", json!({"subject": "Stored", "text": "{{ entry.name }}"})).await;
    let stored = preview(&server, "welcome/de", json!({})).await;
    assert_eq!((&stored["subject"], &stored["html"]), (&json!("Stored"), &Value::Null));
    server.admin_put("/rally/settings", json!({"brand_name": "Globex"})).await.expect(200);
    let branded = json!({"subject": "Hi", "text": "[{{ brand.name }}] {{ brand.logo_url }} {{ entry.status_url }}"});
    let shown = preview(&server, "welcome/de", branded).await;
    let page = format!("[Globex]  {}/me/", server.links().base());
    assert!(shown["text"].as_str().unwrap().starts_with(&page), "the brand of the workspace, and links of the server: {shown}");
    let given = json!({"subject": "{{ entry.email }}", "text": "{{ entry.position|number }}", "html": "<b>{{ '<' }}</b>"});
    let shown = preview(&server, "welcome/de", given).await;
    assert_eq!(shown["html"], "<b>&lt;</b>");
    assert_eq!(preview(&server, "welcome/de", json!({})).await["subject"], "Stored", "a preview saves nothing");
    let half = server.admin_post("/mail-templates/welcome/de/preview", json!({"subject": "s"})).await;
    assert_eq!(half.bad_fields(), ["text"]);
    send(server.admin_request(Method::POST, "/mail-templates/welcome/de/preview").body("x")).await.refused(415, "unsupported_media_type");
}

#[apply(on_both_stores)]
async fn a_preview_has_the_data_of_an_entry(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.admin_put("/rally/settings", json!({"brand_name": "Acme"})).await.expect(200);
    let list = server.active_list("early", json!({})).await;
    let person = json!({"email": "ada@example.com", "name": "Ada <b>", "locale": "tr"});
    let ada = server.sign_up("early", person).await.expect(201)["id"].as_str().unwrap().to_owned();
    let text = "{{ entry.email }} {{ entry.name }} {{ entry.locale }} {{ waitlist.display_name }} {{ brand.name }} {{ entry.status_url }}";
    let body = json!({"subject": "{{ entry.name }}", "text": text, "html": "{{ entry.name }}", "entry_id": ada});
    let shown = preview(&server, "approved/en", body.clone()).await;
    let link = server.links().status(EntryId::parse(&ada).unwrap(), 0);
    assert_eq!(shown["text"], format!("ada@example.com Ada <b> tr List early Acme {link}"));
    assert_eq!((&shown["subject"], &shown["html"]), (&json!("Ada <b>"), &json!("Ada &lt;b&gt;")));
    // What only a real mail has is an example.
    let confirm = preview(&server, "confirm/en", json!({"entry_id": ada})).await;
    assert!(confirm["text"].as_str().unwrap().contains("http"), "{confirm}");
    let with = |id: &str| json!({"entry_id": id});
    assert_eq!(server.admin_post("/mail-templates/approved/en/preview", with("17")).await.bad_fields(), ["entry_id"]);
    let missing = server.admin_post("/mail-templates/approved/en/preview", with("00000000-0000-7000-8000-000000000000")).await;
    missing.refused(404, "entry_not_found");
    let other = rally_contracts::samples::workspace(&server.ports, "other").await.id.to_string();
    let foreign = server.request(Method::POST, &format!("/v1/workspaces/{other}/mail-templates/approved/en/preview"));
    send(foreign.bearer_auth(token(&server, &other, "*")).json(&body)).await.refused(404, "entry_not_found");
    // The data of a person needs one more action.
    let path = format!("/v1/workspaces/{}/mail-templates/approved/en/preview", server.workspace.id);
    let ask = |scope: &str, body: &Value| send(server.request(Method::POST, &path).bearer_auth(server.token(scope)).json(body));
    let refused = ask("rally.settings.read", &body).await.refused(403, "forbidden");
    assert!(refused["message"].as_str().unwrap().contains("entry.read"), "{refused}");
    ask("rally.settings.read", &json!({})).await.expect(200);
    // Whoever has their link can change and erase them, which needs yet another one.
    let links = json!({"subject": "s", "text": "{{ entry.status_url }} {{ entry.unsubscribe_url }} {{ entry.name }}", "entry_id": ada});
    let example = preview(&server, "approved/en", json!({"subject": "s", "text": links["text"]})).await["text"].clone();
    let theirs = format!("{link} {} Ada <b>", server.links().unsubscribe(EntryId::parse(&ada).unwrap()));
    assert_eq!(ask("rally.settings.read entry.read entry.update", &links).await.expect(200)["text"], theirs);
    let shown = ask("rally.settings.read entry.read", &links).await.expect(200)["text"].as_str().unwrap().to_owned();
    let of_nobody = example.as_str().unwrap().split(' ').take(2).collect::<Vec<_>>().join(" ");
    assert_eq!(shown, format!("{of_nobody} Ada <b>"));
    server.admin_delete(&format!("/waitlists/{list}")).await.expect(204);
    server.admin_post("/mail-templates/approved/en/preview", body).await.refused(404, "entry_not_found");
}

#[apply(on_both_stores)]
async fn what_people_typed_is_no_template(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({})).await;
    let person = json!({"email": "ada@example.com", "name": "{{ entry.email }}{% if %}"});
    let ada = server.sign_up("early", person).await.expect(201)["id"].clone();
    let body = json!({"subject": "{{ entry.name }}", "text": "{{ entry.name }}", "html": "{{ entry.name }}", "entry_id": ada});
    let shown = preview(&server, "welcome/en", body).await;
    for part in ["subject", "text", "html"] {
        assert_eq!(shown[part], "{{ entry.email }}{% if %}");
    }
}
