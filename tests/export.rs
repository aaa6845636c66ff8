//! The CSV export.

use std::sync::Arc;

use futures_util::stream;
use rally_domain::error::Fault;
use rally_domain::port::MockEntryStore;
use rally_tests::{Kind, TestServer, on_both_stores};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::json;
use tokio::sync::Notify;

const HEADER: &str = "id,email,name,interest,referrer,referral_code,referral_count,referred_by_entry_id,position,effective_position,\
    status,variant_id,invited_at,invited_to_app_slug,metadata,created_at,updated_at\r\n";

#[apply(on_both_stores)]
async fn an_export_is_a_file_that_is_never_stored_on_the_way(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let path = format!("/waitlists/{list}/entries/export.csv");
    let empty = server.admin_get(&path).await;
    assert_eq!((empty.status.as_u16(), empty.body.as_str()), (200, HEADER));
    assert_eq!(empty.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(empty.header("content-disposition"), Some("attachment; filename=\"early-entries.csv\""));
    assert_eq!(empty.header("cache-control"), Some("no-store"));
    let head = rally_tests::send(server.admin_request(Method::HEAD, &path)).await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
    server.admin_get("/waitlists/00000000-0000-7000-8000-000000000000/entries/export.csv").await.refused(404, "waitlist_not_found");
}

#[apply(on_both_stores)]
async fn an_export_starts_with_a_byte_order_mark_if_it_is_asked_for(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let path = format!("/waitlists/{list}/entries/export.csv");
    assert!(server.admin_get(&format!("{path}?bom=1")).await.body.starts_with("\u{feff}id,email"));
    assert_eq!(server.admin_get(&format!("{path}?bom=yes")).await.bad_fields(), ["bom"]);
}

#[apply(on_both_stores)]
async fn an_export_has_a_row_for_every_entry(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({"referral_boost": 2})).await;
    let path = format!("/waitlists/{list}/entries/export.csv");
    let variant = server.admin_get(&format!("/waitlists/{list}/variants")).await.expect(200)["data"][0]["id"].clone();
    let ada = server.join("early", "ada@example.com").await;
    let bob = server
        .sign_up(
            "early",
            json!({
                "email": "bob@example.com", "name": "=HYPERLINK(\"http://evil.example\")", "interest": "two\nlines, \"quoted\"",
                "referrer": "@friend", "referral_code": ada["referral_code"], "metadata": {"a": "é", "b": [1]}, "variant_id": variant,
            }),
        )
        .await
        .expect(201);
    let (now, text) = (rally_tests::NOW, |value: &serde_json::Value| value.as_str().unwrap().to_owned());
    let first =
        format!("{},ada@example.com,Somebody,,,{},1,,1,1,pending,,,,{{}},{now},{now}\r\n", text(&ada["id"]), text(&ada["referral_code"]));
    let second = format!(
        "{},bob@example.com,\"'=HYPERLINK(\"\"http://evil.example\"\")\",\"two\nlines, \"\"quoted\"\"\",'@friend,{},0,{},2,2,pending,{},,,\
         \"{{\"\"a\"\":\"\"é\"\",\"\"b\"\":[1]}}\",{now},{now}\r\n",
        text(&bob["id"]),
        text(&bob["referral_code"]),
        text(&ada["id"]),
        text(&variant),
    );
    assert_eq!(server.admin_get(&path).await.body, format!("{HEADER}{first}{second}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_midway_breaks_the_connection() {
    let midway = Arc::new(Notify::new());
    let server = TestServer::start_on(Kind::Sqlite, |ports| {
        let (mut entries, midway) = (MockEntryStore::new(), midway.clone());
        entries.expect_export().returning(move |_| {
            let midway = midway.clone();
            let fault = stream::once(async move {
                midway.notified().await;
                Err(Fault::unavailable("the database went away"))
            });
            Ok(Box::pin(fault))
        });
        ports.entries = Arc::new(entries);
    })
    .await;
    let list = server.active_list("early", json!({})).await;
    let mut reply = server.admin_request(Method::GET, &format!("/waitlists/{list}/entries/export.csv")).send().await.unwrap();
    assert_eq!(reply.status().as_u16(), 200);
    assert_eq!(reply.chunk().await.unwrap().unwrap(), HEADER);
    midway.notify_one();
    assert!(reply.chunk().await.is_err(), "the file ended as if it were whole");
}

/// Reads the head of a reply and then nothing more, over a socket with a small buffer, like a client that hangs.
async fn stuck_reader(server: &TestServer, path: &str) -> (String, tokio::net::TcpStream) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address: std::net::SocketAddr = server.base.trim_start_matches("http://").parse().unwrap();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let request = format!(
        "GET /v1/workspaces/{}{path} HTTP/1.1\r\nhost: rally\r\nauthorization: Bearer {}\r\n\r\n",
        server.workspace.id,
        server.token("entry.read")
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = vec![0; 12];
    stream.read_exact(&mut head).await.unwrap();
    (String::from_utf8(head).unwrap(), stream)
}

/// More clients hang than the store has connections.
#[apply(on_both_stores)]
async fn readers_that_stop_are_in_nobodys_way(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let ports = &server.ports;
    let waitlist = ports.waitlists.find(server.workspace.id, rally_domain::id::WaitlistId::parse(&list).unwrap()).await.unwrap().unwrap();
    let people = (0..3000).map(|n| {
        let mut command = rally_contracts::samples::sign_up(ports, &waitlist, &format!("p{n}@example.com"));
        command.profile.interest = Some(rally_domain::text::Interest::parse(&"x".repeat(1500)).unwrap());
        ports.entries.sign_up(command)
    });
    for outcome in futures_util::future::join_all(people).await {
        outcome.unwrap();
    }
    let path = format!("/waitlists/{list}/entries/export.csv");
    let (mut stuck, mut refused) = (Vec::new(), 0);
    for _ in 0..20 {
        match stuck_reader(&server, &path).await {
            (head, stream) if head == "HTTP/1.1 200" => stuck.push(stream),
            (head, _) => {
                assert_eq!(head, "HTTP/1.1 503");
                refused += 1;
            }
        }
    }
    assert_eq!((stuck.len(), refused), (2, 18), "a workspace has two exports at once");
    let full = server.admin_get(&path).await;
    full.refused(503, "service_unavailable");
    assert_eq!(full.header("retry-after"), Some("10"));
    // All other requests go on, and the export holds nothing of the store: a deletion of the list is purged to its end.
    for n in 0..20 {
        server.join("early", &format!("q{n}@example.com")).await;
        assert_eq!(server.get("/readyz").await.status.as_u16(), 200);
        assert_eq!(server.get("/v1/waitlists/acme/early").await.status.as_u16(), 200);
        server.admin_get("/waitlists").await.expect(200);
    }
    drop(stuck.pop());
    let whole = rally_tests::receiver::eventually(|| async {
        let reply = server.admin_get(&path).await;
        Some(reply).filter(|reply| reply.status.as_u16() == 200)
    })
    .await;
    assert_eq!(whole.body.lines().count(), 3021);
}
