//! Which addresses a list takes: throw-away domains, domains without mail, and one address for each mailbox.

use std::sync::Arc;

use rally_api::boot::config::Settings;
use rally_contracts::samples;
use rally_domain::error::CommandError;
use rally_domain::id::WaitlistId;
use rally_domain::use_case::join::{self, Join, JoinRejection, Joined};
use rally_fakes::{FakeDns, FakeSmtp, SmtpOptions, Zone};
use rally_mx::DnsMailDomains;
use rally_tests::receiver::eventually;
use rally_tests::{Kind, TestServer, on_both_stores};
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};

fn person(address: &str) -> Value {
    json!({"email": address, "name": "Ada"})
}

async fn set(server: &TestServer, list: &str, settings: Value) {
    server.admin_patch(&format!("/waitlists/{list}"), json!({ "settings": settings })).await.expect(200);
}

#[apply(on_both_stores)]
async fn addresses_of_throw_away_domains_are_refused_where_the_list_says_so(kind: Kind) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "# ours\nthrow.example\n!mailinator.com\n").unwrap();
    let disposable_domains = Some(file.path().to_string_lossy().into_owned());
    let server = TestServer::start_with(kind, |settings| Settings { disposable_domains, ..settings }).await;
    let list = server.active_list("early", json!({})).await;
    server.sign_up("early", person("first@yopmail.com")).await.expect(201);
    set(&server, &list, json!({"block_disposable": true})).await;
    for refused in ["ada@yopmail.com", "ada@x.YopMail.com", "ada@throw.example"] {
        let reply = server.sign_up("early", json!({"email": refused, "name": ""})).await;
        assert_eq!(reply.bad_fields(), ["email", "name"], "{refused}");
    }
    for taken in ["ada@mailinator.com", "ada@x.mailinator.com", "ada@duck.com", "ada@example.com"] {
        server.sign_up("early", person(taken)).await.expect(201);
    }
}

/// A service that takes the domain crate has no handler of Rally in front of the use case.
#[tokio::test]
async fn the_use_case_itself_keeps_the_rules_of_a_list() {
    let server = TestServer::start(Kind::Sqlite).await;
    for (slug, settings, address) in [
        ("blocks", json!({"block_disposable": true}), "ada@yopmail.com"),
        ("asks", json!({"proof_of_work": "on"}), "ada@example.com"),
        ("open", json!({"proof_of_work": "auto"}), "ada@yopmail.com"),
    ] {
        let list = WaitlistId::parse(&server.active_list(slug, settings).await).unwrap();
        let list = server.ports.waitlists.find(server.workspace.id, list).await.unwrap().unwrap();
        let join = Join {
            profile: samples::profile(address),
            friends_code: None,
            given_code: None,
            variant_id: None,
            captcha_token: None,
            proof: None,
            address: None,
            origin: None,
        };
        let outcome = join::run(&server.ports, &list, join, time::Duration::days(1)).await;
        let is_kept = match slug {
            "blocks" => matches!(outcome, Err(CommandError::Rejected(JoinRejection::Disposable))),
            "asks" => matches!(outcome, Err(CommandError::Rejected(JoinRejection::ProofMissing))),
            _ => matches!(outcome, Ok(Joined::OnTheList(_))),
        };
        assert!(is_kept, "{slug}: {outcome:?}");
    }
}

#[apply(on_both_stores)]
async fn addresses_of_domains_without_mail_are_refused_where_the_list_says_so(kind: Kind) {
    let zones = [
        ("mail.example", Zone::Mail),
        ("address.example", Zone::Address),
        ("null.example", Zone::NullMail),
        ("slow.example", Zone::Silent),
    ];
    let dns = FakeDns::start(&zones).await;
    let domains = Arc::new(DnsMailDomains::of_server(dns.address()));
    let server = TestServer::start_on(kind, |ports| ports.mail_domains = Some(domains)).await;
    let list = server.active_list("early", json!({})).await;
    server.sign_up("early", person("first@nothing.example")).await.expect(201);
    assert_eq!(dns.questions(), 0);
    set(&server, &list, json!({"check_mx": true})).await;
    for refused in ["ada@nothing.example", "ada@null.example"] {
        assert_eq!(server.sign_up("early", person(refused)).await.bad_fields(), ["email"], "{refused}");
    }
    for taken in ["ada@mail.example", "ada@address.example", "ada@slow.example"] {
        server.sign_up("early", person(taken)).await.expect(201);
    }
}

#[apply(on_both_stores)]
async fn a_mailbox_joins_once_where_the_list_says_so(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    for taken in ["ada@example.com", "ada+1@example.com", "b.ob@gmail.com"] {
        server.sign_up("early", person(taken)).await.expect(201);
    }
    set(&server, &list, json!({"one_per_mailbox": true})).await;
    for refused in ["ada+2@example.com", "ADA@example.com", "bob@gmail.com", "b.o.b+x@googlemail.com"] {
        server.sign_up("early", person(refused)).await.refused(409, "email_taken");
    }
    for taken in ["a.da@example.com", "eve+list@example.com"] {
        server.sign_up("early", person(taken)).await.expect(201);
        server.sign_up("early", person(taken)).await.refused(409, "email_taken");
    }
    server.sign_up("early", person("eve@example.com")).await.refused(409, "email_taken");
    set(&server, &list, json!({"one_per_mailbox": false})).await;
    server.sign_up("early", person("eve@example.com")).await.expect(201);
}

#[apply(on_both_stores)]
async fn the_mail_of_a_mailbox_goes_to_its_first_address(kind: Kind) {
    let smtp = FakeSmtp::start(SmtpOptions::default()).await;
    let (url, from) = (smtp.url(), Some("rally@mail.example".to_owned()));
    let server = TestServer::start_with(kind, |settings| Settings { smtp_url: Some(url), smtp_from: from, ..settings }).await;
    server.admin_put("/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
    let list = server.active_list("early", json!({"one_per_mailbox": true, "email_confirmation": true})).await;
    server.sign_up("early", person("ada+first@example.com")).await.expect(202);
    server.clock.advance(time::Duration::hours(1));
    let reply = server.sign_up("early", person("ada+second@example.com")).await.expect(202);
    assert_eq!(reply["email"], "ada+second@example.com");
    let mails = eventually(|| async { Some(smtp.received()).filter(|mails| mails.len() == 2) }).await;
    assert!(mails.iter().all(|mail| mail.to == "ada+first@example.com"));
    let requests = server.admin_get(&format!("/waitlists/{list}/confirmations")).await.expect(200);
    assert_eq!(requests["data"].as_array().unwrap().len(), 1);
}
