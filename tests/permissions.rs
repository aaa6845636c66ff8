//! The actions that every route of the OpenAPI document needs. A new route cannot be forgotten.

use rally_api::auth::Action;
use rally_domain::audit::{AuditAction, AuditFilter, AuditRow};
use rally_domain::confirmation::DEFAULT_CONFIRMATION_TTL;
use rally_domain::id::{EntryId, WaitlistId};
use rally_domain::paging::Limit;
use rally_domain::use_case;
use rally_domain::use_case::join::Join;
use rally_fakes::{FakeSmtp, SmtpOptions};
use rally_tests::upstreams::Upstreams;
use rally_tests::{Kind, TestServer, on_both_stores, send, token};
use reqwest::{Method, RequestBuilder};
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};

use crate::audit;

/// An operation of the document.
struct Operation {
    id: String,
    method: Method,
    path: String,
    /// The actions that it needs.
    actions: Vec<String>,
    takes_body: bool,
    success: Vec<u16>,
}

fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(rally_api::http::openapi::document()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let statuses = operation["responses"].as_object().unwrap().keys();
            operations.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method,
                path: path.clone(),
                actions: operation["x-action"].as_str().unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
                takes_body: operation["requestBody"].is_object(),
                success: statuses.filter_map(|status| status.parse().ok()).filter(|status| (200..300).contains(status)).collect(),
            });
        }
    }
    operations
}

/// A list with a person and a variant on it.
#[derive(Clone)]
struct Things {
    workspace: String,
    waitlist: String,
    entry: String,
    variant: String,
    referral: String,
    webhook: String,
    event: String,
    suppression: String,
    import: String,
    api_key: String,
    token: String,
    template: String,
    confirmation: String,
    confirm_token: String,
}

impl Things {
    async fn make(server: &TestServer, slug: &str) -> Self {
        server.admin_put("/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
        let waitlist = server.active_list(slug, json!({"proof_of_work": "auto"})).await;
        let joined = server.join(slug, "ada@example.com").await;
        let entry = joined["id"].as_str().unwrap().to_owned();
        server.admin_patch(&format!("/waitlists/{waitlist}/entries/{entry}"), json!({"status": "approved"})).await.expect(200);
        server.join_with(slug, "friend@example.com", &joined["referral_code"]).await;
        let referrals = server.admin_get(&format!("/waitlists/{waitlist}/referrals")).await.expect(200);
        let referral = referrals["data"][0]["id"].as_str().unwrap().to_owned();
        let variants = server.admin_get(&format!("/waitlists/{waitlist}/variants")).await.expect(200);
        let variant = variants["data"][0]["id"].as_str().unwrap().to_owned();
        let webhook = json!({"url": "http://127.0.0.1:9/", "events": ["entry.created"]});
        let webhook = server.admin_post("/webhooks", webhook).await.expect(201)["id"].as_str().unwrap().to_owned();
        let event = server.admin_post(&format!("/webhooks/{webhook}/test"), json!({"event": "entry.created"})).await.expect(202);
        let event = event["event_id"].as_str().unwrap().to_owned();
        let suppression = server.admin_post("/suppressions", json!({"email": "gone@example.com"})).await.expect(201);
        let suppression = suppression["id"].as_str().unwrap().to_owned();
        let import = unfinished_import(server, &waitlist).await;
        let status_url = server.ports.links.status(EntryId::parse(&entry).unwrap(), 0);
        let token = status_url.rsplit_once('/').unwrap().1.to_owned();
        let api_key = server.admin_post("/api-keys", json!({"name": "old"})).await.expect(201)["id"].as_str().unwrap().to_owned();
        server.admin_put("/mail-templates/welcome/en", template()).await.expect(200);
        let template = "welcome/en".to_owned();
        let (confirmation, confirm_token) = waiting(server, &waitlist).await;
        Self {
            workspace: server.workspace.id.to_string(),
            waitlist,
            entry,
            variant,
            referral,
            webhook,
            event,
            suppression,
            import,
            api_key,
            template,
            token,
            confirmation,
            confirm_token,
        }
    }
}

/// The id of an import whose file still arrives, so that no worker ends it.
async fn unfinished_import(server: &TestServer, waitlist: &str) -> String {
    let (ports, id) = (&server.ports, WaitlistId::parse(waitlist).unwrap());
    let waitlist = ports.waitlists.find(server.workspace.id, id).await.unwrap().unwrap();
    let import = rally_contracts::imports::import(ports, &waitlist);
    ports.imports.begin(import.clone(), rally_contracts::samples::later(ports, 3600)).await.unwrap();
    import.id.to_string()
}

/// The id of a sign-up that waits on a list, and the token of its links.
async fn waiting(server: &TestServer, waitlist: &str) -> (String, String) {
    let (ports, id) = (&server.ports, WaitlistId::parse(waitlist).unwrap());
    let waitlist = ports.waitlists.find(server.workspace.id, id).await.unwrap().unwrap();
    let profile = rally_contracts::samples::profile("waiting@example.com");
    let join = Join {
        profile,
        friends_code: None,
        given_code: None,
        variant_id: None,
        captcha_token: None,
        proof: None,
        address: None,
        origin: None,
    };
    use_case::confirm::request(ports, &waitlist, join, DEFAULT_CONFIRMATION_TTL).await.unwrap();
    let waits = ports.confirmations.list(id, ports.clock.now(), None, Limit::default()).await.unwrap().items.remove(0).id;
    let link = ports.links.confirm(waits, None);
    (waits.to_string(), link.rsplit_once('/').unwrap().1.to_owned())
}

fn template() -> Value {
    json!({"subject": "Hello", "text": "Hello."})
}

impl Operation {
    /// The number of things that the path names.
    fn depth(&self) -> usize {
        self.path.replace("{kind}/{locale}", "{template}").matches('{').count()
    }

    fn url(&self, things: &Things, slug: &str) -> String {
        let own_id = match &self.path {
            path if path.contains("/variants/{id}") => &things.variant,
            path if path.contains("/webhooks/{id}") => &things.webhook,
            path if path.contains("/suppressions/{id}") => &things.suppression,
            path if path.contains("/referrals/{id}") => &things.referral,
            path if path.contains("/imports/{id}") => &things.import,
            path if path.contains("/api-keys/{id}") => &things.api_key,
            path if path.contains("/confirmations/{id}") => &things.confirmation,
            _ => &things.waitlist,
        };
        let path = self
            .path
            .replace("{workspace_id}", &things.workspace)
            .replace("{waitlist_id}", &things.waitlist)
            .replace("{entry_id}", &things.entry)
            .replace("{event_id}", &things.event)
            .replace("{id}", own_id)
            .replace("/v1/confirmations/{token}", &format!("/v1/confirmations/{}", things.confirm_token))
            .replace("{token}", &things.token)
            .replace("{kind}/{locale}", &things.template)
            .replace("{workspace_slug}", "acme")
            .replace("{waitlist_slug}", slug);
        assert!(!path.contains('{'), "{}: what stands for the parameters of {path}?", self.id);
        let query = if self.id == "get_timeline" { "?since=2026-01-01&until=2026-02-01" } else { "" };
        format!("{path}{query}")
    }

    /// A body that the operation takes. An operation without one here fails.
    fn body(&self, things: &Things) -> Value {
        match self.id.as_str() {
            "send_lost_link" => json!({"email": "ada@example.com"}),
            "create_entry" => json!({"email": "new@example.com", "name": "New"}),
            "create_waitlist" => json!({"slug": format!("new-{}", &things.waitlist[..8]), "display_name": "New"}),
            "update_waitlist" => json!({"display_name": "New"}),
            "change_waitlist_status" => json!({"status": "paused"}),
            "review_entry" => json!({"status": "rejected"}),
            "change_entries" => json!({"ids": [things.entry], "action": "reject"}),
            "invite_entry_to_app" => json!({"app_slug": "acme-app"}),
            "decide_referral" => json!({"state": "revoked"}),
            "decide_referrals" => json!({"ids": [things.referral], "state": "withheld"}),
            "preview_referral_policy" => json!({"referral_boost": 2}),
            "create_variant" => json!({"kind": "ab", "locale": "en", "copy": {}}),
            "update_variant" => json!({"weight": 2}),
            "create_webhook" => json!({"url": "http://127.0.0.1:9/", "events": ["entry.created"]}),
            "update_webhook" => json!({"events": ["entry.approved"]}),
            "update_visitor" => json!({"name": "New", "mail": {"subscribed": false}}),
            "create_suppression" | "check_suppression" => json!({"email": "bob@example.com"}),
            "create_api_key" => json!({"name": "new"}),
            "put_mail_template" => json!({"subject": "Hello again", "text": "Hello."}),
            "preview_mail_template" => template(),
            "test_mail_template" => json!({"to": "tester@example.com"}),
            "test_webhook" => json!({"event": "entry.created"}),
            "replay_deliveries" => json!({"since": "2020-01-01T00:00:00Z", "until": "2100-02-01T00:00:00Z", "state": "all"}),
            "update_settings" | "update_settings_by_alias" => json!({"brand_name": things.waitlist}),
            other => panic!("{other} takes a body: which one?"),
        }
    }

    /// The action of the audit log that the operation writes. `None` means that it changes nothing that the log is about. An operation that
    /// is not a GET and is not here fails.
    fn audited(&self) -> Option<AuditAction> {
        Some(match self.id.as_str() {
            _ if self.method == Method::GET => return None,
            // Looks, and mails and events that try something.
            "check_suppression" | "preview_mail_template" | "preview_referral_policy" | "test_mail_template" | "test_webhook" => {
                return None;
            }
            "create_waitlist" => AuditAction::WaitlistCreate,
            "update_waitlist" => AuditAction::WaitlistUpdate,
            "change_waitlist_status" => AuditAction::WaitlistStatus,
            "delete_waitlist" => AuditAction::WaitlistDelete,
            "create_variant" => AuditAction::VariantCreate,
            "update_variant" => AuditAction::VariantUpdate,
            "delete_variant" => AuditAction::VariantDelete,
            "review_entry" | "change_entries" => AuditAction::EntryReject,
            "invite_entry_to_app" => AuditAction::EntryInvite,
            "replace_entry_link" => AuditAction::EntryNewLink,
            "delete_entry" => AuditAction::EntryDelete,
            "resend_confirmation" => AuditAction::ConfirmationResend,
            "confirm_for_person" => AuditAction::ConfirmationConfirm,
            "delete_confirmation" => AuditAction::ConfirmationDelete,
            "decide_referral" => AuditAction::ReferralRevoke,
            "decide_referrals" => AuditAction::ReferralWithhold,
            "create_import" => AuditAction::ImportStart,
            "cancel_import" => AuditAction::ImportCancel,
            "update_settings" | "update_settings_by_alias" => AuditAction::SettingsUpdate,
            "put_mail_template" => AuditAction::MailTemplateUpdate,
            "delete_mail_template" => AuditAction::MailTemplateDelete,
            "create_suppression" => AuditAction::SuppressionCreate,
            "delete_suppression" => AuditAction::SuppressionDelete,
            "create_api_key" => AuditAction::KeyCreate,
            "delete_api_key" => AuditAction::KeyDelete,
            "create_webhook" => AuditAction::WebhookCreate,
            "update_webhook" => AuditAction::WebhookUpdate,
            "delete_webhook" => AuditAction::WebhookDelete,
            "rotate_webhook_secret" => AuditAction::WebhookRotate,
            "replay_deliveries" => AuditAction::WebhookReplay,
            "resend_delivery" => AuditAction::WebhookResend,
            other => panic!("{other} changes something: what does the audit log say of it?"),
        })
    }

    fn request(&self, server: &TestServer, url: &str, things: &Things) -> RequestBuilder {
        let request = server.request(self.method.clone(), url);
        match self.id.as_str() {
            "create_import" => request.header("content-type", "text/csv").body("email\nnew@example.com\n"),
            _ if self.takes_body => request.json(&self.body(things)),
            _ => request,
        }
    }
}

/// A server that can do what every route does, with its stand-ins and its mail server.
async fn start(kind: Kind) -> (TestServer, Upstreams, FakeSmtp) {
    let (world, smtp) = (Upstreams::start().await, FakeSmtp::start(SmtpOptions::default()).await);
    let url = smtp.url();
    let server = TestServer::start_with(kind, |settings| rally_api::boot::config::Settings {
        smtp_url: Some(url),
        smtp_from: Some("Rally <rally@mail.example>".to_owned()),
        ..world.settings(settings)
    });
    (server.await, world, smtp)
}

#[apply(on_both_stores)]
async fn every_route_asks_who_where_and_what(kind: Kind) {
    let (server, _world, _smtp) = start(kind).await;
    let other = rally_contracts::samples::workspace(&server.ports, "other").await.id.to_string();
    let mine = server.workspace.id.to_string();
    let mut rows = 0;
    // The end of an import follows when it likes.
    let is_due = |row: &AuditRow| row.action != "import.end";
    let log = async || audit::rows(&server, AuditFilter::default()).await.into_iter().map(|record| record.row).filter(is_due);
    for (n, operation) in operations().iter().enumerate() {
        let slug = format!("list-{n}");
        let things = Things::make(&server, &slug).await;
        let url = operation.url(&things, &slug);
        let (name, request) = (&operation.id, || operation.request(&server, &url, &things));
        let before = log().await.count();
        if operation.actions.is_empty() {
            let reply = send(request()).await;
            assert_eq!(log().await.count(), before, "{name} is audited, and anybody may do it");
            assert!(operation.success.contains(&reply.status.as_u16()), "{name} by anybody: {reply:?}");
            rows += 1;
            server.admin_delete(&format!("/webhooks/{}", things.webhook)).await;
            continue;
        }
        send(request()).await.refused(401, "unauthorized");
        send(request().bearer_auth(token(&server, &other, "*"))).await.refused(403, "forbidden");
        for action in &operation.actions {
            let all_but_it = Action::ALL.iter().map(|action| action.as_str()).filter(|other| other != action).collect::<Vec<_>>();
            assert_eq!(all_but_it.len() + 1, Action::ALL.len(), "{name} needs {action}, which is no action");
            let refused = send(request().bearer_auth(token(&server, &mine, &all_but_it.join(" ")))).await.refused(403, "forbidden");
            assert!(refused["message"].as_str().unwrap().contains(action), "{name}: {refused}");
        }
        assert_eq!(log().await.count(), before, "{name} is audited though it was refused");
        let allowed = request().header("x-request-id", name).bearer_auth(token(&server, &mine, &operation.actions.join(" ")));
        let reply = send(allowed).await;
        assert!(operation.success.contains(&reply.status.as_u16()), "{name} by one who may {:?}: {reply:?}", operation.actions);
        rows += 4;
        let written = log().await.filter(|row| row.actor.request_id.as_ref() == Some(name));
        let written: Vec<String> = written.map(|row| row.action).collect();
        // A replay leaves a delivery alone that is being sent.
        let nothing = operation.id == "replay_deliveries" && reply.json()["events"] == json!(0);
        let expected: Vec<&str> = operation.audited().iter().filter(|_| !nothing).map(|action| action.as_str()).collect();
        assert_eq!(written, expected, "{name}");
        // A workspace has at most so many webhooks.
        server.admin_delete(&format!("/webhooks/{}", things.webhook)).await;
    }
    // This notices a table that lost its rows.
    assert!(rows >= 170, "{rows}");
}

#[apply(on_both_stores)]
async fn what_belongs_elsewhere_is_not_there(kind: Kind) {
    let (server, _world, _smtp) = start(kind).await;
    let other = rally_contracts::samples::workspace(&server.ports, "other").await.id.to_string();
    let things = Things::make(&server, "mine").await;
    let sibling = Things::make(&server, "sibling").await;
    let everywhere = token(&server, "*", "*");
    for operation in operations().iter().filter(|operation| !operation.actions.is_empty()) {
        let ask = |things: &Things| {
            let url = operation.url(things, "mine");
            send(operation.request(&server, &url, things).bearer_auth(&everywhere))
        };
        let with = |workspace: &str, waitlist: &str, inner: &str| Things {
            workspace: workspace.to_owned(),
            waitlist: waitlist.to_owned(),
            entry: inner.to_owned(),
            variant: inner.to_owned(),
            // Named by the same part of the path as a waitlist.
            webhook: if waitlist == things.waitlist { things.webhook.clone() } else { waitlist.to_owned() },
            event: inner.to_owned(),
            suppression: if waitlist == things.waitlist { things.suppression.clone() } else { waitlist.to_owned() },
            api_key: if waitlist == things.waitlist { things.api_key.clone() } else { waitlist.to_owned() },
            token: things.token.clone(),
            confirm_token: things.confirm_token.clone(),
            confirmation: inner.to_owned(),
            referral: inner.to_owned(),
            import: inner.to_owned(),
            // Every workspace may have a template of every kind.
            template: if workspace == things.workspace && waitlist == things.waitlist {
                things.template.clone()
            } else {
                "none/en".to_owned()
            },
        };
        let mut cases = Vec::new();
        if operation.depth() >= 2 {
            // A list of another workspace, a missing one, and an invalid id.
            cases.push(with(&other, &things.waitlist, &things.entry));
            cases.push(with(&things.workspace, "00000000-0000-7000-8000-000000000000", &things.entry));
            cases.push(with(&things.workspace, "17", &things.entry));
        }
        if operation.depth() >= 3 {
            // An entry or a variant of another list, a missing one, and an invalid id.
            cases.push(Things { waitlist: things.waitlist.clone(), event: things.event.clone(), ..sibling.clone() });
            cases.push(with(&things.workspace, &things.waitlist, "00000000-0000-7000-8000-000000000000"));
            cases.push(with(&things.workspace, &things.waitlist, "17"));
        }
        cases.push(with("00000000-0000-7000-8000-000000000000", &things.waitlist, &things.entry));
        cases.push(with("17", &things.waitlist, &things.entry));
        for case in cases {
            let reply = ask(&case).await;
            assert_eq!(reply.status.as_u16(), 404, "{} {}: {reply:?}", operation.id, operation.url(&case, "mine"));
        }
    }
}
