//! Search: what the query of a list of entries asks for, how its pages go on, and what it refuses.

use rally_tests::receiver::eventually;
use rally_tests::{Kind, TestServer, on_both_stores};
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use time::Duration;

async fn addresses(server: &TestServer, list: &str, query: &str) -> Vec<String> {
    let page = server.admin_get(&format!("/waitlists/{list}/entries?{query}")).await.expect(200);
    page["data"].as_array().unwrap().iter().map(|entry| entry["email"].as_str().unwrap().to_owned()).collect()
}

/// Signs up one person after the other, each a second later, until all of them are found.
async fn start(kind: Kind) -> (TestServer, String, Vec<Value>) {
    let server = TestServer::start(kind).await;
    let fields = json!([{"key": "size", "type": "number"}, {"key": "tools", "type": "multiselect", "options": ["Mail", "Chat"]}]);
    let list = server.active_list("early", json!({"referral_boost": 2, "custom_fields": fields})).await;
    let mut people = Vec::new();
    for body in [
        json!({"email": "ada@example.com", "name": "Ada King Lovelace", "referrer": "Hacker News"}),
        json!({"email": "king@example.com", "name": "Stephen King", "metadata": {"size": 7, "tools": ["Mail", "Chat"]}}),
        json!({"email": "ang@bücher.example", "name": "Ångström", "metadata": {"size": 70, "tools": ["Chat"]}}),
    ] {
        let code = people.first().map(|first: &Value| first["referral_code"].clone());
        let mut body = body;
        body["referral_code"] = code.unwrap_or_default();
        people.push(server.sign_up("early", body).await.expect(201));
        server.clock.advance(Duration::seconds(1));
    }
    eventually(|| async { (addresses(&server, &list, "q=ang").await.len() == 1).then_some(()) }).await;
    (server, list, people)
}

#[apply(on_both_stores)]
async fn entries_are_found_by_everything_that_can_be_asked(kind: Kind) {
    let (server, list, people) = start(kind).await;
    let id = |index: usize| people[index]["id"].as_str().unwrap();
    let review = json!({"status": "approved"});
    server.admin_patch(&format!("/waitlists/{list}/entries/{}", id(2)), review).await.expect(200);
    let variants = server.admin_get(&format!("/waitlists/{list}/variants")).await.expect(200);
    for (query, expected) in [
        ("q=king", &["ada", "king"][..]),
        ("q=KING%20love", &["ada"]),
        ("q=%40example.com", &["ada", "king"]),
        ("q=%40B%C3%9CCHER.example", &["ang"]),
        ("q=%25", &[]),
        ("q=", &["ada", "king", "ang"]),
        ("status=approved", &["ang"]),
        ("confirmed=false&status=pending", &["ada", "king"]),
        ("confirmed=true", &[]),
        ("invited=false", &["ada", "king", "ang"]),
        (&format!("referred_by={}", id(0)), &["king", "ang"]),
        (&format!("variant_id={}", variants["data"][0]["id"].as_str().unwrap()), &[]),
        ("referrer=Hacker%20News", &["ada"]),
        ("created_since=2026-01-31T09:00:01Z", &["king", "ang"]),
        ("created_until=2026-01-31T09:00:01Z", &["ada"]),
        ("field.size=7.0", &["king"]),
        ("field.tools=Chat&field.tools=Mail", &["king"]),
        ("field.tools=Chat&q=a", &["ang"]),
        ("sort=-position", &["ang", "king", "ada"]),
        ("sort=-created_at&q=king", &["king", "ada"]),
        ("sort=-referral_count", &["ada", "king", "ang"]),
        ("sort=effective_position", &["ada", "king", "ang"]),
    ] {
        let found = addresses(&server, &list, query).await;
        let names: Vec<&str> = found.iter().map(|address| address.split('@').next().unwrap()).collect();
        assert_eq!(names, expected, "{query}");
    }
}

#[apply(on_both_stores)]
async fn a_bad_question_names_its_fields(kind: Kind) {
    let (server, list, _people) = start(kind).await;
    let refused = async |query: &str| server.admin_get(&format!("/waitlists/{list}/entries?{query}")).await.bad_fields();
    let bad = "status=x&confirmed=yes&invited=1&referred_by=x&variant_id=x&created_since=x&created_until=2026-01-31&sort=name&field.none=1";
    let mut fields = refused(bad).await;
    fields.sort_unstable();
    let mut expected =
        ["status", "confirmed", "invited", "referred_by", "variant_id", "created_since", "created_until", "sort", "field.none"].to_vec();
    expected.sort_unstable();
    assert_eq!(fields, expected);
    assert_eq!(refused(&format!("q={}", "x".repeat(255))).await, ["q"]);
    for hidden in ["%00", "a%E2%80%AEb", "%07"] {
        let mut fields = refused(&format!("q={hidden}&referrer={hidden}&field.size={hidden}")).await;
        fields.sort_unstable();
        assert_eq!(fields, ["field.size", "q", "referrer"], "{hidden}");
    }
    assert_eq!(addresses(&server, &list, &format!("q={}", "x".repeat(254))).await, [""; 0]);
}

#[apply(on_both_stores)]
async fn a_cursor_goes_on_with_its_own_question(kind: Kind) {
    let (server, list, _people) = start(kind).await;
    for sort in ["position", "-position", "-created_at", "-referral_count", "effective_position"] {
        let whole = addresses(&server, &list, &format!("sort={sort}&q=%40example.com")).await;
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/waitlists/{list}/entries?sort={sort}&q=%40example.com&limit=1{cursor}");
            let page = server.admin_get(&path).await.expect(200);
            found.push(page["data"][0]["email"].as_str().unwrap().to_owned());
            let Some(next) = page["pagination"]["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
            let other = server.admin_get(&format!("/waitlists/{list}/entries?sort={sort}&q=ada{cursor}")).await;
            assert_eq!(other.bad_fields(), ["cursor"]);
        }
        assert_eq!(found, whole, "{sort}");
        assert_eq!(found.len(), 2);
    }
}

#[apply(on_both_stores)]
async fn a_person_who_changes_their_name_is_found_by_it(kind: Kind) {
    let (server, list, people) = start(kind).await;
    let token = people[0]["status_url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let change = server.request(reqwest::Method::PATCH, &format!("/v1/me/{token}")).json(&json!({"name": "Augusta"}));
    rally_tests::send(change).await.expect(200);
    assert_eq!(addresses(&server, &list, "q=augusta").await, ["ada@example.com"]);
    assert_eq!(addresses(&server, &list, "q=lovelace").await, [""; 0]);
    let path = format!("/waitlists/{list}/entries/{}?erase=true", people[0]["id"].as_str().unwrap());
    server.admin_delete(&path).await.expect(204);
    assert_eq!(addresses(&server, &list, "q=ada").await, [""; 0]);
}
