//! The CSV export.

use std::sync::Arc;

use futures_util::stream;
use rally_domain::error::Fault;
use rally_domain::ports::MockEntryStore;
use rally_tests::on_both_stores;
use reqwest::Method;
use serde_json::json;
use tokio::sync::Notify;

use rally_tests::{Kind, TestServer};

const HEADER: &str = "id,email,name,interest,referrer,referral_code,referral_count,referred_by_entry_id,position,effective_position,\
    status,variant_id,invited_at,invited_to_app_slug,metadata,created_at,updated_at\r\n";

on_both_stores! {
    async fn an_export_has_a_row_for_every_entry(server: TestServer) {
        let list = server.active_list("early", json!({"referral_boost": 2})).await;
        let path = format!("/waitlists/{list}/entries/export.csv");
        let empty = server.admin_get(&path).await;
        assert_eq!((empty.status.as_u16(), empty.body.as_str()), (200, HEADER));
        assert_eq!(empty.header("content-type"), Some("text/csv; charset=utf-8"));
        assert_eq!(empty.header("content-disposition"), Some("attachment; filename=\"early-entries.csv\""));
        assert_eq!(empty.header("cache-control"), Some("no-store"));

        let variant = server.admin_get(&format!("/waitlists/{list}/variants")).await.expect(200)["data"][0]["id"].clone();
        let ada = server.join("early", "ada@example.com").await;
        let bob = server.sign_up("early", json!({
            "email": "bob@example.com", "name": "=HYPERLINK(\"http://evil.example\")", "interest": "two\nlines, \"quoted\"",
            "referrer": "@friend", "referral_code": ada["referral_code"], "metadata": {"a": "é", "b": [1]}, "variant_id": variant,
        })).await.expect(201);
        let (now, text) = (rally_tests::NOW, |value: &serde_json::Value| value.as_str().unwrap().to_owned());
        let first = format!("{},ada@example.com,Somebody,,,{},1,,1,1,pending,,,,{{}},{now},{now}\r\n", text(&ada["id"]), text(&ada["referral_code"]));
        let second = format!(
            "{},bob@example.com,\"'=HYPERLINK(\"\"http://evil.example\"\")\",\"two\nlines, \"\"quoted\"\"\",'@friend,{},0,{},2,2,pending,{},,,\
             \"{{\"\"a\"\":\"\"é\"\",\"\"b\"\":[1]}}\",{now},{now}\r\n",
            text(&bob["id"]), text(&bob["referral_code"]), text(&ada["id"]), text(&variant),
        );
        assert_eq!(server.admin_get(&path).await.body, format!("{HEADER}{first}{second}"));
        let head = rally_tests::send(server.admin_request(Method::HEAD, &path)).await;
        assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
        server.admin_get("/waitlists/00000000-0000-7000-8000-000000000000/entries/export.csv").await.refused(404, "waitlist_not_found");
    }
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
