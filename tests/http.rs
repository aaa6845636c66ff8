//! The HTTP rules of every route: the envelope, methods, types, sizes, ids.

use std::time::{Duration, Instant};

use rally_tests::{Kind, TestServer, on_both_stores, send};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const SIGN_UP: &str = "/v1/waitlists/acme/early/entries";

#[apply(on_both_stores)]
async fn an_unknown_route_and_a_wrong_method_have_the_envelope(kind: Kind) {
    let server = TestServer::start(kind).await;
    for path in ["/nope", "/v1", "/v1/waitlists", "/v1/waitlists/acme/early/nope", "/v1/workspaces/17/nope", "/healthz/"] {
        server.get(path).await.refused(404, "not_found");
    }
    for (method, path, allow) in [
        (Method::DELETE, SIGN_UP, "OPTIONS, POST"),
        (Method::GET, SIGN_UP, "OPTIONS, POST"),
        (Method::POST, "/v1/waitlists/acme/early", "GET, HEAD, OPTIONS"),
        (Method::PUT, "/v1/workspaces/17/waitlists", "GET, HEAD, OPTIONS, POST"),
        (Method::POST, "/v1/workspaces/17/waitlists/18", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        // A fixed segment is not the id of an entry.
        (Method::POST, "/v1/workspaces/17/waitlists/18/entries/count", "GET, HEAD, OPTIONS"),
        (Method::POST, "/healthz", "GET, HEAD, OPTIONS"),
        (Method::POST, "/docs-json", "GET, HEAD"),
    ] {
        let reply = send(server.request(method, path)).await;
        reply.refused(405, "method_not_allowed");
        assert_eq!(reply.header("allow"), Some(allow), "{path}");
    }
    // Nor where an entry takes the method.
    let list = server.active_list("early", json!({})).await;
    for (method, path, allow) in [(Method::DELETE, "count", "GET, HEAD, OPTIONS"), (Method::GET, "bulk", "OPTIONS, POST")] {
        let reply = send(server.admin_request(method, &format!("/waitlists/{list}/entries/{path}"))).await;
        reply.refused(405, "method_not_allowed");
        assert_eq!(reply.header("allow"), Some(allow), "{path}");
    }
    let options = send(server.request(Method::OPTIONS, SIGN_UP)).await;
    assert_eq!((options.status.as_u16(), options.header("allow")), (204, Some("OPTIONS, POST")));
}

#[apply(on_both_stores)]
async fn a_body_must_be_json_of_the_right_type_and_size(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({})).await;
    let post = |content_type: &'static str, body: String| {
        send(server.request(Method::POST, SIGN_UP).header("content-type", content_type).body(body))
    };
    post("text/plain", "{}".to_owned()).await.refused(415, "unsupported_media_type");
    post("application/x-www-form-urlencoded", "email=a".to_owned()).await.refused(415, "unsupported_media_type");
    send(server.request(Method::POST, SIGN_UP)).await.refused(415, "unsupported_media_type");
    for body in ["", "{", "{\"email\":}", "nul", "{\"a\":\"\\ud800\"}", "\u{feff}{}"] {
        post("application/json", body.to_owned()).await.refused(400, "malformed_json");
    }
    post("application/json", format!("{}1{}", "[".repeat(200), "]".repeat(200))).await.refused(400, "malformed_json");
    for body in ["[]", "null", "1", "\"x\"", "[\"ada@example.com\", \"Ada\"]"] {
        assert_eq!(post("application/json", body.to_owned()).await.bad_fields(), ["body"], "{body}");
    }
    let large = |n: usize| json!({"email": "ada@example.com", "name": "Ada", "pad": "x".repeat(n)}).to_string();
    post("application/json", large(65_536)).await.refused(413, "payload_too_large");
    post("application/json; charset=utf-8", large(60_000)).await.expect(201);
    let chunks = (0..20).map(|_| Ok::<_, std::io::Error>("x".repeat(10_000)));
    let endless = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    let chunked = server.request(Method::POST, SIGN_UP).header("content-type", "application/json").body(endless);
    send(chunked).await.refused(413, "payload_too_large");
}

#[apply(on_both_stores)]
async fn a_body_is_taken_as_it_is_and_never_decoded(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let body = json!({"email": "ada@example.com", "name": "Ada"}).to_string();
    let post = |coding: &[&'static str]| {
        let request = server.request(Method::POST, SIGN_UP).header("content-type", "application/json");
        let request = coding.iter().fold(request, |request, coding| request.header("content-encoding", *coding));
        send(request.body(body.clone()))
    };
    for coding in [&["gzip"][..], &["br"], &["x-unknown"], &["identity, gzip"], &["identity", "deflate"], &["\u{fc}"]] {
        let reply = post(coding).await;
        reply.refused(415, "unsupported_media_type");
        assert_eq!(reply.header("accept-encoding"), Some("identity"), "{coding:?}");
    }
    post(&["Identity"]).await.expect(201);
    for (method, path) in [
        (Method::POST, "/waitlists".to_owned()),
        (Method::PATCH, format!("/waitlists/{list}")),
        (Method::PATCH, format!("/waitlists/{list}/status")),
        (Method::POST, format!("/waitlists/{list}/entries/bulk")),
        (Method::POST, format!("/waitlists/{list}/variants")),
        (Method::PUT, "/rally/settings".to_owned()),
        (Method::POST, "/webhooks".to_owned()),
    ] {
        let request = server.admin_request(method, &path).header("content-type", "application/json");
        let reply = send(request.header("content-encoding", "gzip").body("{}")).await;
        reply.refused(415, "unsupported_media_type");
        assert_eq!(reply.header("accept-encoding"), Some("identity"), "{path}");
    }
}

#[apply(on_both_stores)]
async fn a_request_id_is_taken_over_if_it_is_sane(kind: Kind) {
    let server = TestServer::start(kind).await;
    let with = |id: &str| send(server.request(Method::GET, "/healthz").header("x-request-id", id));
    assert_eq!(with("my-id-1").await.header("x-request-id"), Some("my-id-1"));
    for bad in ["two words", &"x".repeat(129)] {
        assert_ne!(with(bad).await.header("x-request-id"), Some(bad));
    }
    let reply = send(server.request(Method::GET, "/nope").header("x-request-id", "my-id-2")).await;
    assert_eq!(reply.refused(404, "not_found")["request_id"], "my-id-2");
}

/// Whoever never ends a chunked body holds no connection, whatever the reply was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunked_body_that_does_not_end_holds_no_connection() {
    let server = TestServer::start(Kind::Sqlite).await;
    let exchange = |line: &'static str| {
        let address = server.base.trim_start_matches("http://").to_owned();
        async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let head = format!("{line} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
            stream.write_all(format!("{head}5\r\n{{\"a\":\r\n").as_bytes()).await.unwrap();
            let mut reply = Vec::new();
            let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut reply)).await;
            assert!(read.is_ok(), "{line} holds the connection");
            String::from_utf8_lossy(&reply).into_owned()
        }
    };
    for (line, status) in [("POST /nope", 404), ("GET /healthz", 200), ("POST /v1/workspaces/acme/waitlists", 401)] {
        let reply = exchange(line).await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{line}: {reply}");
    }
    // A body that was read leaves the connection to the next request.
    server.active_list("early", json!({})).await;
    let mut stream = TcpStream::connect(server.base.trim_start_matches("http://")).await.unwrap();
    for status in [201, 409] {
        let body = json!({"email": "ada@example.com", "name": "Ada"}).to_string();
        let head = format!("POST {SIGN_UP} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n");
        stream.write_all(format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).as_bytes()).await.unwrap();
        let reply = read_reply(&mut stream).await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{reply}");
    }
}

/// Reads the head of a reply and its body, whose length the head tells.
async fn read_reply(stream: &mut TcpStream) -> String {
    let mut reply = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&reply).into_owned();
        let length = |head: &str| head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && length(head).is_some_and(|length| body.len() >= length)
        {
            return text;
        }
        assert!(stream.read_buf(&mut reply).await.unwrap() > 0, "the reply ends early: {text}");
    }
}

/// Real time must pass here: the time that a body may take.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_arrive_is_given_up() {
    let server = TestServer::start(Kind::Sqlite).await;
    server.active_list("early", json!({})).await;
    let mut stream = TcpStream::connect(server.base.trim_start_matches("http://")).await.unwrap();
    let head = format!("POST {SIGN_UP} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{\"email\":");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut reply = vec![0; 4096];
    let started = Instant::now();
    let read = tokio::time::timeout(Duration::from_secs(13), stream.read(&mut reply)).await.expect("an answer in time").unwrap();
    assert!(started.elapsed() > Duration::from_secs(9), "it was given up early");
    let reply = String::from_utf8_lossy(&reply[..read]).into_owned();
    assert!(reply.starts_with("HTTP/1.1 408 ") && reply.contains("\"request_timeout\""), "{reply}");
}
