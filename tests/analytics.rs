//! Analytics and the timeline.

use rally_tests::{Kind, TestServer, on_both_stores};
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use time::Duration;

/// Moves the server's clock forward to an instant.
fn travel(server: &TestServer, to: &str) {
    let to = rally_domain::timestamp::Timestamp::parse(to).unwrap();
    server.clock.advance(to.instant() - server.ports.clock.now().instant());
}

/// The id of the control variant of a list.
async fn control(server: &TestServer, list: &str) -> Value {
    server.admin_get(&format!("/waitlists/{list}/variants")).await.expect(200)["data"][0]["id"].clone()
}

#[apply(on_both_stores)]
async fn a_list_without_entries_has_analytics_of_zeros(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({"referral_boost": 2})).await;
    let no_signups = json!([{"variant_id": control(&server, &list).await, "kind": "ab", "locale": "en", "signups": 0, "share": 0.0}]);
    assert_eq!(
        server.admin_get(&format!("/waitlists/{list}/analytics")).await.expect(200),
        json!({
            "waitlist_id": list, "total_entries": 0, "awaiting_confirmation": 0, "by_status": {"pending": 0, "approved": 0, "rejected": 0},
            "signups_today": 0, "signups_this_week": 0, "signups_this_month": 0, "referred_count": 0, "viral_coefficient": 0.0,
            "top_referrers": [], "top_referrals": [], "by_variant": no_signups,
        })
    );
}

#[apply(on_both_stores)]
async fn analytics_count_by_status_time_source_referral_and_variant(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({"referral_boost": 2})).await;
    let control = control(&server, &list).await;
    // Sunday, then Monday: another week of the same month.
    travel(&server, "2026-02-01T23:59:59.999Z");
    let ada = server.sign_up("early", json!({"email": "ada@example.com", "name": "Ada", "referrer": "a blog"})).await.expect(201);
    travel(&server, "2026-02-02T00:00:00Z");
    let bob = server.sign_up("early", json!({
        "email": "bob@example.com", "name": "Bob", "referrer": "a blog", "referral_code": ada["referral_code"], "variant_id": control,
    })).await.expect(201);
    server.join_with("early", "eve@example.com", &bob["referral_code"]).await;
    let dan = server.join("early", "dan@example.com").await;
    let entries = format!("/waitlists/{list}/entries");
    server.admin_patch(&format!("{entries}/{}", ada["id"].as_str().unwrap()), json!({"status": "approved"})).await.expect(200);
    server.admin_patch(&format!("{entries}/{}", dan["id"].as_str().unwrap()), json!({"status": "rejected"})).await.expect(200);
    let top = |entry: &Value, name: &str, place: u64, effective: u64| {
        json!({
            "id": entry["id"], "email": entry["email"], "name": name, "referral_code": entry["referral_code"], "referral_count": 1,
            "position": place, "effective_position": effective,
        })
    };
    assert_eq!(
        server.admin_get(&format!("/waitlists/{list}/analytics")).await.expect(200),
        json!({
            "waitlist_id": list, "total_entries": 4, "awaiting_confirmation": 0, "by_status": {"pending": 2, "approved": 1, "rejected": 1},
            "signups_today": 3, "signups_this_week": 3, "signups_this_month": 4, "referred_count": 2, "viral_coefficient": 0.5,
            "top_referrers": [{"referrer": null, "count": 2}, {"referrer": "a blog", "count": 2}],
            "top_referrals": [top(&ada, "Ada", 1, 1), top(&bob, "Bob", 2, 1)],
            "by_variant": [
                {"variant_id": control, "kind": "ab", "locale": "en", "signups": 1, "share": 0.25},
                {"variant_id": null, "kind": null, "locale": null, "signups": 3, "share": 0.75},
            ],
        })
    );
}

#[apply(on_both_stores)]
async fn analytics_follow_deletions_and_the_calendar(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    travel(&server, "2026-02-02T00:00:00Z");
    let ada = server.join("early", "ada@example.com").await;
    let bob = server.join_with("early", "bob@example.com", &ada["referral_code"]).await;
    let eve = server.join_with("early", "eve@example.com", &bob["referral_code"]).await;
    server.join("early", "dan@example.com").await;
    let keys = ["total_entries", "signups_today", "signups_this_week", "signups_this_month", "referred_count"];
    let counts = async || {
        let analytics = server.admin_get(&format!("/waitlists/{list}/analytics")).await.expect(200);
        keys.map(|key| analytics[key].as_u64().unwrap())
    };
    assert_eq!(counts().await, [4, 4, 4, 4, 2]);
    server.admin_delete(&format!("/waitlists/{list}/entries/{}", eve["id"].as_str().unwrap())).await.expect(204);
    travel(&server, "2026-03-01T00:00:00Z");
    assert_eq!(counts().await, [3, 0, 0, 0, 1]);
}

#[apply(on_both_stores)]
async fn a_timeline_has_every_day(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    server.join("early", "a@example.com").await;
    server.clock.advance(Duration::days(2));
    server.join("early", "b@example.com").await;
    server.join("early", "c@example.com").await;
    let path = format!("/waitlists/{list}/analytics/timeline");
    let points = |query: &str| {
        let path = format!("{path}?{query}");
        let server = &server;
        async move { server.admin_get(&path).await.expect(200) }
    };
    let day = |date: &str, count: u64| json!({"date": date, "count": count});
    assert_eq!(
        points("since=2026-01-31T00:00:00Z&until=2026-02-03T00:00:00Z").await,
        json!({
            "granularity": "day", "points": [day("2026-01-31", 1), day("2026-02-01", 0), day("2026-02-02", 2)],
        })
    );
    assert_eq!(points("since=2026-02-02&until=2026-02-03").await["points"], json!([day("2026-02-02", 2)]));
    // Each day that the range touches counts as a whole.
    assert_eq!(
        points("since=2026-02-01T23:59:59.999Z&until=2026-02-02T00:00:00.001Z").await["points"],
        json!([day("2026-02-01", 0), day("2026-02-02", 2)])
    );
    // The times have an offset. The days are UTC.
    assert_eq!(
        points("since=2026-02-01T01:00:00%2B02:00&until=2026-02-01T02:00:00%2B02:00").await["points"],
        json!([day("2026-01-31", 1)])
    );
    assert_eq!(points("since=2023-12-31&until=2024-03-02").await["points"].as_array().unwrap().len(), 62);
    assert_eq!(points("since=2016-01-01&until=2026-01-08").await["points"].as_array().unwrap().len(), 3660);
    let from_noon = points("since=2016-01-01T12:00:00Z&until=2026-01-08T12:00:00Z").await["points"].as_array().unwrap().len();
    assert_eq!(from_noon, 3661);
    // The first and the last year of four digits.
    assert_eq!(points("since=0000-01-01&until=0000-01-02").await["points"], json!([day("0000-01-01", 0)]));
    assert_eq!(points("since=9999-12-31&until=9999-12-31T23:59:59.999Z").await["points"], json!([day("9999-12-31", 0)]));
}

#[apply(on_both_stores)]
async fn a_timeline_needs_a_span_that_makes_sense(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let path = format!("/waitlists/{list}/analytics/timeline");
    for (query, fields) in [
        ("", &["since", "until"][..]),
        ("?since=2026-01-01", &["until"]),
        ("?until=2026-01-01", &["since"]),
        ("?since=yesterday&until=2026-02-30", &["since", "until"]),
        ("?since=2026-01-01&until=", &["until"]),
        ("?since=1767225600&until=2026-01-01", &["since"]),
        ("?since=2026-01-01&until=2026-01-01", &["until"]),
        ("?since=2026-01-02&until=2026-01-01", &["until"]),
        ("?since=2016-01-01&until=2026-01-09", &["until"]),
        ("?since=0000-01-01T00:00:00%2B00:01&until=0000-01-02", &["since"]),
        ("?since=9999-12-31&until=9999-12-31T23:59:00-00:01", &["until"]),
        ("?since=-0001-12-31T00:00:00Z&until=10000-01-01", &["since", "until"]),
    ] {
        assert_eq!(server.admin_get(&format!("{path}{query}")).await.bad_fields(), fields, "{query}");
    }
}
