//! Imports: files of other services become entries in the background, whatever happens to the server meanwhile.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use rally_domain::id::{ClaimId, WaitlistId, WorkspaceId};
use rally_domain::import::ImportState;
use rally_tests::deployment::Deployment;
use rally_tests::process::{output, rally};
use rally_tests::receiver::{Receiver, eventually};
use rally_tests::{Kind, Reply, TestServer, on_both_stores, send};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};

fn imports(list: &str) -> String {
    format!("/waitlists/{list}/imports")
}

/// Sends a file.
async fn upload(server: &TestServer, list: &str, query: &str, kind: &'static str, file: impl Into<reqwest::Body>) -> Reply {
    let request = server.admin_request(Method::POST, &format!("{}{query}", imports(list)));
    send(request.header("content-type", kind).body(file)).await
}

/// The import after it has ended.
async fn ended(server: &TestServer, list: &str, id: &str) -> Value {
    let path = format!("{}/{id}", imports(list));
    eventually(|| async {
        let import = server.admin_get(&path).await.expect(200);
        Some(import).filter(|import| !["queued", "running"].contains(&import["state"].as_str().unwrap()))
    })
    .await
}

/// Imports a CSV file and returns what became of it.
async fn import(server: &TestServer, list: &str, query: &str, file: impl Into<reqwest::Body>) -> Value {
    let begun = upload(server, list, query, "text/csv", file).await.expect(202);
    let id = begun["id"].as_str().unwrap();
    assert_eq!(begun["status_url"], format!("{}/v1/workspaces/{}{}/{id}", server.links().base(), server.workspace.id, imports(list)));
    ended(server, list, id).await
}

/// Whether the numbers are these: added, updated, skipped and failed.
fn numbers(import: &Value) -> [u64; 4] {
    let numbers = ["added", "updated", "skipped", "failed"].map(|name| import[name].as_u64().unwrap());
    assert_eq!(import["read"], numbers.iter().sum::<u64>(), "{import}");
    numbers
}

async fn entries(server: &TestServer, list: &str) -> Vec<Value> {
    let page = server.admin_get(&format!("/waitlists/{list}/entries?limit=100")).await.expect(200);
    page["data"].as_array().unwrap().clone()
}

async fn problems(server: &TestServer, list: &str, import: &Value) -> String {
    server.admin_get(&format!("{}/{}/problems.csv", imports(list), import["id"].as_str().unwrap())).await.body
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../crates/intake/tests/fixtures/{name}.csv", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The export of every service is recognised and imported. Imported again, nobody is added.
#[apply(on_both_stores)]
async fn the_file_of_every_service_is_imported_once(kind: Kind) {
    let server = TestServer::start(kind).await;
    for (n, (format, expected)) in [
        ("prefinery", [3, 0, 0, 0]),
        ("getwaitlist", [2, 0, 0, 0]),
        ("kickofflabs", [2, 0, 0, 0]),
        ("launchlist", [2, 0, 0, 0]),
        ("waitlister", [2, 0, 0, 0]),
        ("mailchimp", [2, 0, 0, 0]),
        ("listmonk", [3, 0, 0, 0]),
        ("generic", [2, 0, 0, 1]),
        ("rally", [2, 0, 0, 0]),
    ]
    .into_iter()
    .enumerate()
    {
        let list = server.active_list(&format!("list-{n}"), json!({})).await;
        let first = import(&server, &list, "", fixture(format)).await;
        assert_eq!((first["state"].as_str(), first["format"].as_str(), numbers(&first)), (Some("done"), Some(format), expected), "{first}");
        let before = entries(&server, &list).await;
        assert_eq!(before.len() as u64, expected[0]);
        let again = import(&server, &list, &format!("?format={format}"), fixture(format)).await;
        assert_eq!(numbers(&again), [0, 0, expected[0], expected[3]], "{format}");
        assert_eq!(entries(&server, &list).await, before);
    }
}

/// Referrers, old codes and counts of a service work on.
#[apply(on_both_stores)]
async fn the_referrals_of_a_service_are_kept(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    import(&server, &list, "", fixture("getwaitlist")).await;
    let people = entries(&server, &list).await;
    assert_eq!((people[0]["email"].as_str(), &people[0]["referral_count"]), (Some("first@queue.example"), &json!(1)));
    assert_eq!(people[1]["referred_by_entry_id"], people[0]["id"]);
    assert_eq!(
        (&people[0]["confirmed_at"], &people[0]["created_at"]),
        (&json!("2022-04-10T18:34:28.000Z"), &json!("2022-04-10T18:34:28.000Z"))
    );
    assert_eq!(people[0]["metadata"].get("imported_referral_count"), None);
    // A friend comes with the code that the service gave out, over the API and over the page.
    server.join_with("early", "friend@example.com", &json!("ABC123XYZ")).await;
    server.join_with("early", "stranger@example.com", &json!("abc123xyz")).await;
    let page = server.get("/w/acme/early?ref=ABC123XYZ").await;
    assert!(page.body.contains("value=\"ABC123XYZ\""), "{}", page.body);
    let people = entries(&server, &list).await;
    assert_eq!(people[2]["referred_by_entry_id"], people[0]["id"]);
    assert_eq!((&people[3]["referred_by_entry_id"], &people[0]["referral_count"]), (&Value::Null, &json!(2)));
    let launch = server.active_list("launch", json!({})).await;
    import(&server, &launch, "", fixture("launchlist")).await;
    let people = entries(&server, &launch).await;
    assert_eq!((people[0]["email"].as_str(), people[1]["email"].as_str()), (Some("paul@launch.example"), Some("nina@launch.example")));
    assert_eq!(people[1]["metadata"]["imported_referral_count"], 3);
}

/// A dry run says what would happen, and nothing happens.
#[apply(on_both_stores)]
async fn a_dry_run_tells_and_changes_nothing(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({"max_entries": 2})).await;
    let file = "Mail;Plan\na@example.com;Pro\nnobody\na@example.com;Pro\nb@example.com;Free\nc@example.com;Pro\n";
    let query = "?map.Mail=email&map.Plan=metadata.plan";
    let dry = import(&server, &list, &format!("{query}&dry_run=true"), file).await;
    assert_eq!((dry["dry_run"].as_bool(), numbers(&dry), entries(&server, &list).await), (Some(true), [2, 0, 1, 2], Vec::new()));
    assert_eq!((&dry["separator"], &dry["encoding"], &dry["total"]), (&json!(";"), &json!("utf-8"), &json!(5)));
    assert_eq!(dry["mapping"], json!({"Mail": "email", "Plan": "metadata.plan"}));
    let real = import(&server, &list, query, file).await;
    assert_eq!(numbers(&real), numbers(&dry));
    let told = problems(&server, &list, &real).await;
    assert_eq!(told, problems(&server, &list, &dry).await);
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[0] == "line,column,reason" && lines[1].starts_with("3,") && lines[2].starts_with("6,,"), "{told}");
    assert_eq!(entries(&server, &list).await[0]["metadata"], json!({"plan": "Pro"}));
}

/// People who are there are updated if it is asked for. Erased people stay away.
#[apply(on_both_stores)]
async fn people_who_are_there_are_updated_and_erased_ones_stay_away(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    let gone = server.join("early", "gone@example.com").await["id"].as_str().unwrap().to_owned();
    server.admin_delete(&format!("/waitlists/{list}/entries/{gone}?erase=true")).await.expect(204);
    let file = "email,name,company\nada@example.com,Ada L.,Acme\ngone@example.com,Gone,\n";
    let skipped = import(&server, &list, "", file).await;
    assert_eq!(numbers(&skipped), [0, 0, 2, 0]);
    assert!(problems(&server, &list, &skipped).await.contains("erased"));
    let updated = import(&server, &list, "?on_duplicate=update", file).await;
    assert_eq!(numbers(&updated), [0, 1, 1, 0]);
    let people = entries(&server, &list).await;
    assert_eq!((people.len(), &people[0]["id"], &people[0]["name"]), (1, &ada["id"], &json!("Ada L.")));
    assert_eq!(people[0]["metadata"], json!({"company": "Acme"}));
}

/// No webhook is called unless the import notifies.
#[apply(on_both_stores)]
async fn nobody_hears_of_an_import_unless_it_notifies(kind: Kind) {
    let (server, receiver) = (TestServer::start(kind).await, Receiver::start().await);
    let list = server.active_list("early", json!({})).await;
    server.admin_post("/webhooks", json!({"url": receiver.url, "events": ["entry.created"]})).await.expect(201);
    import(&server, &list, "", "email\nquiet@example.com\n").await;
    import(&server, &list, "?notify=true", "email\nloud@example.com\n").await;
    let heard = eventually(|| async { receiver.received().pop() }).await;
    assert_eq!(heard.json()["data"]["entry"]["email"], "loud@example.com");
    assert_eq!(receiver.received().len(), 1);
}

/// What is no file of people is refused or fails, and says why.
#[apply(on_both_stores)]
async fn bad_files_are_told(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    for (query, field) in [
        ("?format=excel", "format"),
        ("?map.x=age", "map.x"),
        ("?dry_run=maybe", "dry_run"),
        ("?notify=", "notify"),
        ("?dry_run", "dry_run"),
        ("?dryrun=true", "dryrun"),
    ] {
        assert_eq!(upload(&server, &list, query, "text/csv", "email\n").await.bad_fields(), [field]);
    }
    upload(&server, &list, "", "application/json", "{}").await.refused(415, "unsupported_media_type");
    let request = server.admin_request(Method::POST, &imports(&list)).header("content-type", "text/csv").header("content-encoding", "br");
    let refused = send(request.body("email\n")).await;
    refused.refused(415, "unsupported_media_type");
    assert_eq!(refused.header("accept-encoding"), Some("gzip"));
    upload(&server, &list, "", "text/csv", "PK\u{3}\u{4}rest").await.refused(400, "bad_request");
    for (query, file) in [("", ""), ("?map.Mail=email", "email\na@example.com\n"), ("", "name\nAda\n")] {
        let failed = import(&server, &list, query, file).await;
        assert_eq!((failed["state"].as_str(), numbers(&failed)), (Some("failed"), [0; 4]), "{failed}");
        assert!(failed["error"].as_str().is_some_and(|reason| !reason.is_empty()));
    }
    let none = "00000000-0000-7000-8000-000000000000";
    server.admin_get(&format!("{}/{none}", imports(&list))).await.refused(404, "import_not_found");
    assert_eq!(entries(&server, &list).await, Vec::<Value>::new());
}

/// The cells of a CSV file are read in the types of the list's fields.
#[apply(on_both_stores)]
async fn cells_are_read_in_the_types_of_their_fields(kind: Kind) {
    let server = TestServer::start(kind).await;
    let fields = json!([
        {"key": "team", "type": "number"}, {"key": "news", "type": "boolean"},
        {"key": "tools", "type": "multiselect", "options": ["a", "b"]},
    ]);
    let list = server.active_list("early", json!({ "custom_fields": fields })).await;
    let file = "email,team,news,tools\na@example.com,6,yes,\"a,b\"\nb@example.com,six,,\n";
    let import = import(&server, &list, "", file).await;
    assert_eq!(numbers(&import), [1, 0, 0, 1]);
    assert!(problems(&server, &list, &import).await.contains("3,metadata.team,must be a number"));
    assert_eq!(entries(&server, &list).await[0]["metadata"], json!({"team": 6, "news": true, "tools": ["a", "b"]}));
}

/// A column under the label of a field answers it, in any case. A column that is left out is nowhere.
#[apply(on_both_stores)]
async fn columns_answer_fields_by_their_label(kind: Kind) {
    let server = TestServer::start(kind).await;
    let fields = json!([{"key": "team_size", "label": "How many are you?", "type": "number"}]);
    let list = server.active_list("early", json!({ "custom_fields": fields })).await;
    let file = "email,How Many Are You,Notes,=\na@example.com,6,x,y\nb@example.com,six,x,y\n";
    let done = import(&server, &list, "?map.Notes=ignore&map.%3D=metadata.equals", file).await;
    assert_eq!(numbers(&done), [1, 0, 0, 1]);
    let mapping = json!({"email": "email", "How Many Are You": "metadata.team_size", "Notes": null, "=": "metadata.equals"});
    assert_eq!(done["mapping"], mapping);
    assert!(problems(&server, &list, &done).await.contains("3,metadata.team_size,must be a number"));
    assert_eq!(entries(&server, &list).await[0]["metadata"], json!({"team_size": 6, "equals": "y"}));
}

/// A file that comes again gives people who are there what they lack, however often it comes.
#[apply(on_both_stores)]
async fn a_corrected_file_completes_people_who_are_there(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let file = |referrer: &str, status: &str| {
        format!("email,referral_code,referred_by,referral_count,status\na@example.com,A,,3,\nb@example.com,,{referrer},,{status}\n")
    };
    import(&server, &list, "", file("X", "")).await;
    let state = || async {
        let people = entries(&server, &list).await;
        assert_eq!(people.len(), 2);
        (people[0]["referral_count"].clone(), people[0]["metadata"]["imported_referral_count"].clone())
    };
    assert_eq!(state().await, (json!(0), json!(3)));
    for _ in 0..2 {
        let again = import(&server, &list, "", file("A", "unsubscribed")).await;
        assert_eq!(numbers(&again), [0, 0, 2, 0]);
        assert_eq!(state().await, (json!(1), json!(2)));
    }
    let suppressed = server.admin_get("/suppressions").await.expect(200);
    let reasons: Vec<_> = suppressed["data"].as_array().unwrap().iter().map(|row| row["reason"].as_str()).collect();
    assert_eq!(reasons, [Some("unsubscribed")]);
}

/// Compressed files, JSON objects and other encodings are read.
#[apply(on_both_stores)]
async fn files_come_in_many_forms(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(b"email,note\r\na@example.com,\"two\nlines\"\r\n").unwrap();
    assert_eq!(numbers(&import(&server, &list, "", gzip.finish().unwrap()).await), [1, 0, 0, 0]);
    let lines = "{\"email\": \"b@example.com\", \"seats\": 3}\n{\"email\": 7}\n";
    let begun = upload(&server, &list, "", "application/x-ndjson", lines).await.expect(202);
    let objects = ended(&server, &list, begun["id"].as_str().unwrap()).await;
    assert_eq!(numbers(&objects), [1, 0, 0, 1]);
    let latin = import(&server, &list, "", b"email;city\nc@example.com;K\xf6ln\n".to_vec()).await;
    assert_eq!((latin["encoding"].as_str(), numbers(&latin)), (Some("windows-1252"), [1, 0, 0, 0]));
    let wide: Vec<u8> = "\u{feff}email,city\nd@example.com,Köln\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(import(&server, &list, "", wide).await["encoding"], "utf-16le");
    let people = entries(&server, &list).await;
    let metadata: Vec<&Value> = people.iter().map(|entry| &entry["metadata"]).collect();
    assert_eq!(metadata, [&json!({"note": "two\nlines"}), &json!({"seats": 3}), &json!({"city": "Köln"}), &json!({"city": "Köln"})]);
}

/// A file of that many people, each of whom was brought by the one before.
fn chain(people: usize) -> String {
    let row = |n: usize| format!("p{n}@example.com,c{n},{}\n", n.checked_sub(1).map_or(String::new(), |n| format!("c{n}")));
    std::iter::once("email,referral_code,referred_by\n".to_owned()).chain((0..people).map(row)).collect()
}

/// A cancelled import stops. What it added stays, and it cannot be cancelled twice.
#[apply(on_both_stores)]
async fn an_import_is_cancelled_once(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let id = upload(&server, &list, "", "text/csv", chain(20_000)).await.expect(202)["id"].as_str().unwrap().to_owned();
    let path = format!("{}/{id}", imports(&list));
    eventually(|| async { server.admin_get(&path).await.expect(200)["added"].as_u64().filter(|added| *added > 0) }).await;
    let cancelled = server.admin_delete(&path).await.expect(202);
    assert_eq!(cancelled["state"], "cancelled");
    assert!(cancelled["message"].as_str().unwrap().contains("stay"));
    server.admin_delete(&path).await.refused(409, "import_ended");
    let import = ended(&server, &list, &id).await;
    let count = || async { server.admin_get(&format!("/waitlists/{list}/entries/count")).await.expect(200)["count"].as_u64().unwrap() };
    let added = import["added"].as_u64().unwrap();
    assert!((1..20_000).contains(&added), "it was under way: {import}");
    assert_eq!(count().await, added);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(count().await, added);
}

fn write(directory: &Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_string_lossy().into_owned()
}

/// A service exports the ids of its rows, and is imported again shortly before the switch.
#[apply(on_both_stores)]
async fn a_file_that_is_imported_again_keeps_referrers_of_earlier_rows(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let first =
        "id,email,first_name,family_name,social_id,when,parent_id,referrals\n11,ada@example.com,Ada,L,CODEA,2024-01-01T00:00:00Z,,1\n";
    assert_eq!(numbers(&import(&server, &list, "", first).await), [1, 0, 0, 0]);
    let second = format!("{first}12,bob@example.com,Bob,M,CODEB,2024-01-02T00:00:00Z,11,0\n");
    assert_eq!(numbers(&import(&server, &list, "", second).await), [1, 0, 1, 0]);
    let entries = entries(&server, &list).await;
    assert_eq!((&entries[0]["referral_count"], &entries[1]["referred_by_entry_id"]), (&json!(1), &entries[0]["id"]));
}

/// The CSV of a list of Rally limits credits only where it says how many there were.
#[apply(on_both_stores)]
async fn a_csv_of_rally_without_counts_limits_no_credits(kind: Kind) {
    let server = TestServer::start(kind).await;
    let [ada, bob] = [1, 2].map(|n| format!("01900000-0000-7000-8000-00000000000{n}"));
    for (slug, column, count, credits) in
        [("without", "", "", 1), ("none", ",referral_count", ",0", 0), ("one", ",referral_count", ",1", 1)]
    {
        let list = server.active_list(slug, json!({})).await;
        let file = format!("id,email,referred_by_entry_id{column}\n{ada},ada@example.com,{count}\n{bob},bob@example.com,{ada}{count}\n");
        let done = import(&server, &list, "", file).await;
        assert_eq!((&done["format"], numbers(&done)), (&json!("rally"), [2, 0, 0, 0]));
        let people = entries(&server, &list).await;
        assert_eq!((&people[0]["referral_count"], &people[1]["referred_by_entry_id"]), (&json!(credits), &people[0]["id"]), "{slug}");
    }
}

/// No line of an export ends the import: a code that somebody has becomes an old one, however it is spelt, and a bad line is a problem.
#[apply(on_both_stores)]
async fn bad_lines_of_an_export_are_problems(kind: Kind) {
    let server = TestServer::start(kind).await;
    let (full, empty) = (server.active_list("full", json!({})).await, server.active_list("empty", json!({})).await);
    let code = server.join("full", "ada@example.com").await["referral_code"].as_str().unwrap().to_lowercase();
    let person = |position: u64, change: Value| {
        let mut line = json!({
            "type": "entry", "id": position.to_string(), "email": format!("p{position}@example.com"), "name": "P",
            "referral_code": format!("ABCDEFGHJ{}", char::from(b'A' + position as u8)), "referral_count": 0, "position": position,
            "status": "pending",
            "created_at": "2026-01-31T09:00:00.000Z", "updated_at": "2026-01-31T09:00:00.000Z",
        });
        line.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        line
    };
    let long = "a".repeat(5000);
    let nested = |levels: usize| -> Value { serde_json::from_str(&format!("{}{}", "[".repeat(levels), "]".repeat(levels))).unwrap() };
    let lines = [
        json!({"type": "export", "version": 1}),
        person(1, json!({"referral_code": format!(" {code} ")})),
        person(2, json!({"old_codes": ["\0"]})),
        person(3, json!({"variant_id": "\0"})),
        person(4, json!({"id": "\0"})),
        person(5, json!({"referred_by": "\0"})),
        person(6, json!({"invited_at": "2024-01-01T00:00:00Z", "invited_to_app_slug": "\0"})),
        person(7, json!({"invited_at": "2024-01-01T00:00:00Z", "invited_to_app_slug": long})),
        person(8, json!({"metadata": {"a": nested(40)}})),
        person(9, json!({"metadata": {"a": nested(100)}})),
        json!({"type": "end", "lines": 10}),
    ];
    let file = lines.map(|line| format!("{line}\n")).concat();
    let begun = upload(&server, &empty, "?format=rally", "application/x-ndjson", file).await.expect(202);
    let import = ended(&server, &empty, begun["id"].as_str().unwrap()).await;
    let told = problems(&server, &empty, &import).await;
    assert_eq!((&import["state"], numbers(&import)), (&json!("done"), [2, 0, 0, 7]), "{told}");
    for (line, column) in [
        (9, "metadata"),
        (10, ""),
        (3, "old_codes"),
        (4, "variant_id"),
        (5, "id"),
        (6, "referred_by"),
        (7, "invited_to_app_slug"),
        (8, "invited_to_app_slug"),
    ] {
        assert!(told.lines().any(|row| row.starts_with(&format!("{line},{column},"))), "{line} {column}: {told}");
    }
    let added = entries(&server, &empty).await;
    assert_ne!(added[0]["referral_code"].as_str().unwrap().to_lowercase(), code);
    assert_eq!(entries(&server, &full).await.len(), 1);
}

/// The server is killed while it imports, again and again, and people sign up meanwhile. Nobody is added twice, nobody is lost, and every
/// referral is credited once.
#[apply(on_both_stores)]
async fn a_killed_import_goes_on_where_it_was(kind: Kind) {
    const PEOPLE: usize = 5000;
    let deployment = Deployment::with(kind, vec![("RALLY_LOG", "warn".to_owned())]).await;
    let mut server = deployment.start();
    let url = format!("{}/v1/workspaces/{}{}", server.base, deployment.workspace, imports(&deployment.list));
    let request = deployment.client.post(url).bearer_auth(&deployment.token).header("content-type", "text/csv");
    let begun = send(request.body(chain(PEOPLE))).await.expect(202);
    let path = format!("{}/{}", imports(&deployment.list), begun["id"].as_str().unwrap());
    let (mut answered, mut added) = (Vec::new(), 0);
    for round in 0..3_u64 {
        let signed_up = deployment.sign_up(&server, &format!("person{round}@example.com")).await.expect(201);
        answered.push((format!("person{round}@example.com"), signed_up["position"].as_u64().unwrap()));
        added = eventually(|| async {
            let import = deployment.admin(&server, &path, None).await.expect(200);
            import["added"].as_u64().filter(|now| *now > added)
        })
        .await;
        server.kill();
        assert_eq!(end_lease(&deployment).await, Some(ImportState::Running), "it was over before the kill");
        server = deployment.start();
    }
    let import = eventually(|| async {
        let import = deployment.admin(&server, &path, None).await.expect(200);
        Some(import).filter(|import| import["state"] == "done")
    })
    .await;
    assert_eq!(numbers(&import), [PEOPLE as u64, 0, 0, 0]);
    let addresses = deployment.check(&server, &answered).await;
    assert_eq!(addresses.len(), PEOPLE + answered.len());
    let analytics = deployment.admin(&server, &format!("/waitlists/{}/analytics", deployment.list), None).await.expect(200);
    assert_eq!(analytics["referred_count"], PEOPLE - 1, "{analytics}");
}

/// Ends the lease of a killed server, as a minute would. Returns the state of the import, if it has work left.
async fn end_lease(deployment: &Deployment) -> Option<ImportState> {
    let ports = deployment.ports().await;
    let (claim, later) = (ClaimId::new(ports.ids.uuid()), ports.clock.now().plus(time::Duration::hours(1)));
    let claimed = ports.imports.claim(claim, later, ports.clock.now().plus(-time::Duration::seconds(1))).await.unwrap();
    claimed.map(|import| import.state)
}

/// The command imports a file without a server, and says what happened.
#[apply(on_both_stores)]
async fn the_command_imports_a_file(kind: Kind) {
    let deployment = Deployment::new(kind).await;
    let file = write(deployment.directory.path(), "people.csv", "Mail,Team\nada@example.com,Red\nbroken,Blue\n");
    let run = |arguments: &[&str]| {
        let base = ["import", &file, "--workspace", "acme", "--list", "early", "--map", "Mail=email"];
        let run = output(rally(deployment.directory.path(), deployment.url.as_deref()).args(base).args(arguments));
        (run.status.success(), String::from_utf8(run.stdout).unwrap(), String::from_utf8(run.stderr).unwrap())
    };
    let (done, told, _) = run(&["--dry-run"]);
    assert!(done && told.contains("Would be added 1, updated 0, skipped 0, failed 1.") && told.contains("Line 3, Mail:"), "{told}");
    let (done, told, _) = run(&[]);
    assert!(done && told.contains("added 1") && told.contains("Team -> metadata.Team"), "{told}");
    let csv = deployment.directory.path().join("problems.csv");
    let (done, told, _) = run(&["--problems", &csv.to_string_lossy()]);
    assert!(done && told.contains("skipped 1, failed 1.") && told.contains("All problems are in"), "{told}");
    let csv = std::fs::read_to_string(csv).unwrap();
    assert!(csv.starts_with("line,column,reason\r\n3,Mail,") && csv.lines().count() == 2, "{csv}");
    let (done, told, error) = run(&["--map", "Team=created_at"]);
    assert!(!done && told.contains("failed 2.") && error.contains("no row can be imported"), "{told} {error}");
    let (done, _, error) = run(&["--map", "None=name"]);
    assert!(!done && error.contains("no column None"), "{error}");
    let (done, _, error) = run(&["--format", "excel"]);
    assert!(!done && error.contains("format"), "{error}");
    let server = deployment.start();
    assert_eq!(deployment.entries(&server).await, [("ada@example.com".to_owned(), 1)]);
}

/// An import that fails in the server again and again is tried again later. It holds up no other, neither of the server nor of the command.
#[apply(on_both_stores)]
async fn an_import_that_cannot_go_on_holds_up_no_other(kind: Kind) {
    let deployment = Deployment::new(kind).await;
    let ports = deployment.ports().await;
    let (workspace, list) = (deployment.workspace.parse().unwrap(), deployment.list.parse().unwrap());
    let list = ports.waitlists.find(WorkspaceId::new(workspace), WaitlistId::new(list)).await.unwrap().unwrap();
    let broken = rally_contracts::imports::import(&ports, &list);
    let (id, later) = (broken.id, ports.clock.now().plus(time::Duration::minutes(1)));
    ports.imports.begin(broken, later).await.unwrap();
    ports.imports.arrive(id, Ok("no source".to_owned()), ports.clock.now()).await.unwrap();
    let file = write(deployment.directory.path(), "people.csv", "email\nada@example.com\n");
    let arguments = ["import", &file, "--workspace", "acme", "--list", "early"];
    let run = output(rally(deployment.directory.path(), deployment.url.as_deref()).args(arguments));
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    end_lease(&deployment).await;
    let server = deployment.start();
    let url = format!("{}/v1/workspaces/{}{}", server.base, deployment.workspace, imports(&deployment.list));
    let request = deployment.client.post(url).bearer_auth(&deployment.token).header("content-type", "text/csv");
    let begun = send(request.body("email\ngrace@example.com\n")).await.expect(202);
    let state = async |id: &str| {
        let path = format!("{}/{id}", imports(&deployment.list));
        deployment.admin(&server, &path, None).await.expect(200)["state"].as_str().unwrap().to_owned()
    };
    eventually(|| async { (state(begun["id"].as_str().unwrap()).await == "done").then_some(()) }).await;
    assert_eq!(state(&id.to_string()).await, "running");
}

/// Referrers may form a circle, name themselves, or come later in the file. A code that two rows claim belongs to the first.
#[apply(on_both_stores)]
async fn circles_of_referrers_and_codes_that_clash_are_imported(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let file = "email,referral_code,referred_by\na@example.com,A,C\nb@example.com,B,A\nc@example.com,C,B\nself@example.com,S,S\n\
        late@example.com,B,last@example.com\nlast@example.com,,nobody\n";
    let done = import(&server, &list, "", file).await;
    assert_eq!((done["state"].as_str(), numbers(&done)), (Some("done"), [6, 0, 0, 0]));
    let people = entries(&server, &list).await;
    let by = |n: usize| people[n]["referred_by_entry_id"].clone();
    let id = |n: usize| people[n]["id"].clone();
    assert_eq!([by(0), by(1), by(2), by(3), by(4), by(5)], [id(2), id(0), id(1), Value::Null, id(5), Value::Null]);
    assert_eq!(people.iter().map(|entry| entry["referral_count"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 1, 1, 0, 0, 1]);
    let told = problems(&server, &list, &done).await;
    assert!(told.lines().count() == 3 && told.contains("6,referral_code,") && told.contains("7,referred_by,"), "{told}");
    let ledger = server.admin_get(&format!("/waitlists/{list}/referrals?state=credited&limit=100")).await.expect(200);
    assert_eq!(ledger["data"].as_array().unwrap().len(), 4);
    server.join_with("early", "friend@example.com", &json!("B")).await;
    assert_eq!(entries(&server, &list).await[6]["referred_by_entry_id"], id(1));
}

/// A body of pieces that never ends. It counts the pieces that were taken.
fn endless(piece: &'static [u8]) -> (reqwest::Body, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let count = taken.clone();
    let pieces = stream::repeat_with(move || {
        count.fetch_add(1, Ordering::SeqCst);
        Ok::<_, std::io::Error>(piece)
    });
    (reqwest::Body::wrap_stream(pieces), taken)
}

/// A file that is one endless line is refused as soon as the line is too long for a header. Nothing of it stays.
#[apply(on_both_stores)]
async fn an_endless_line_is_refused_early(kind: Kind) {
    static PIECE: [u8; 64 * 1024] = [b'a'; 64 * 1024];
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let (body, taken) = endless(&PIECE);
    let request = server.admin_request(Method::POST, &imports(&list)).header("content-type", "text/csv").body(body);
    // The server answers while the client still sends, so the client may see the end of the connection instead of the answer.
    if let Ok(reply) = request.send().await {
        assert_eq!(reply.status(), 400);
    }
    let pieces = taken.load(Ordering::SeqCst);
    assert!(pieces < 1000, "{pieces} pieces of 64 KiB were taken");
    assert_eq!(entries(&server, &list).await, Vec::<Value>::new());
}

/// An upload that breaks off adds nobody, and takes nothing from others.
#[apply(on_both_stores)]
async fn an_upload_that_is_cut_off_adds_nobody(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let pieces = stream::iter([Ok("email\na@example.com\n"), Err(std::io::Error::other("gone"))]);
    let request = server.admin_request(Method::POST, &imports(&list)).header("content-type", "text/csv");
    assert!(request.body(reqwest::Body::wrap_stream(pieces)).send().await.is_err());
    assert_eq!(numbers(&import(&server, &list, "", "email\nb@example.com\n").await), [1, 0, 0, 0]);
    let people = entries(&server, &list).await;
    assert_eq!((people.len(), &people[0]["email"]), (1, &json!("b@example.com")));
}

/// Archives and damaged compression are refused. A compressed file that would be too large is, too.
#[apply(on_both_stores)]
async fn archives_are_refused(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(b"email\na@example.com\n").unwrap();
    let whole = gzip.finish().unwrap();
    let cut = whole[..whole.len() - 6].to_vec();
    for file in [b"PK\x03\x04rest of a workbook".to_vec(), cut] {
        upload(&server, &list, "", "text/csv", file).await.refused(400, "bad_request");
    }
    assert_eq!(entries(&server, &list).await, Vec::<Value>::new());
}

/// Two servers share an import and sign people up meanwhile: nobody is added twice, and positions stay dense.
#[tokio::test]
async fn two_servers_and_sign_ups_share_a_list_with_an_import() {
    const PEOPLE: usize = 3000;
    let deployment = Deployment::with(Kind::Postgres, vec![("RALLY_LOG", "warn".to_owned())]).await;
    let servers = [deployment.start(), deployment.start()];
    let url = format!("{}/v1/workspaces/{}{}", servers[0].base, deployment.workspace, imports(&deployment.list));
    let mut paths = Vec::new();
    for _ in 0..2 {
        let request = deployment.client.post(&url).bearer_auth(&deployment.token).header("content-type", "text/csv");
        let begun = send(request.body(chain(PEOPLE))).await.expect(202);
        paths.push(format!("{}/{}", imports(&deployment.list), begun["id"].as_str().unwrap()));
    }
    let mut answered = Vec::new();
    for n in 0..100 {
        let email = format!("live{n}@example.com");
        let signed_up = deployment.sign_up(&servers[n % 2], &email).await.expect(201);
        answered.push((email, signed_up["position"].as_u64().unwrap()));
    }
    let mut added = 0;
    for path in &paths {
        let import = eventually(|| async {
            let import = deployment.admin(&servers[1], path, None).await.expect(200);
            Some(import).filter(|import| import["state"] == "done")
        })
        .await;
        added += numbers(&import)[0];
    }
    assert_eq!(added, PEOPLE as u64);
    assert_eq!(deployment.check(&servers[0], &answered).await.len(), PEOPLE + answered.len());
}

/// The lines of an export without ids.
fn without_ids(file: &str) -> Vec<Value> {
    let mut known: HashMap<String, usize> = HashMap::new();
    let plain = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        for key in ["id", "referred_by", "variant_id", "referrer_entry_id", "referred_entry_id"] {
            let Some(id) = line.get(key).and_then(Value::as_str).map(str::to_owned) else { continue };
            let next = known.len();
            line[key] = (*known.entry(id).or_insert(next)).into();
        }
        line
    };
    file.lines().map(plain).collect()
}

/// A list with friends, an erased person, a variant and old codes.
async fn full_list(server: &TestServer) -> String {
    let list = server
        .active_list("early", json!({"referral_boost": 3, "custom_fields": [{"key": "team", "type": "text", "label": "Team"}]}))
        .await;
    import(server, &list, "", fixture("getwaitlist")).await;
    let ada = server.join("early", "ada@example.com").await;
    let code = &ada["referral_code"];
    for name in ["bob", "cem", "dora"] {
        server.join_with("early", &format!("{name}@example.com"), code).await;
    }
    let variant = json!({"kind": "locale", "locale": "de", "copy": {"display_name": "Früh"}});
    server.admin_post(&format!("/waitlists/{list}/variants"), variant).await.expect(201);
    let people = entries(server, &list).await;
    let id = |n: usize| people[n]["id"].as_str().unwrap();
    server.admin_patch(&format!("/waitlists/{list}/entries/{}", id(2)), json!({"status": "approved"})).await.expect(200);
    server.admin_delete(&format!("/waitlists/{list}/entries/{}?erase=true", id(4))).await.expect(204);
    list
}

/// A list that is not open yet.
async fn draft(server: &TestServer, slug: &str) -> String {
    let draft = server.admin_post("/waitlists", json!({"slug": slug, "display_name": slug})).await.expect(201);
    draft["id"].as_str().unwrap().to_owned()
}

/// Whoever makes a list anew from its export keeps the codes of its people.
#[apply(on_both_stores)]
async fn the_codes_of_a_deleted_list_are_free_at_once(kind: Kind) {
    let server = TestServer::start(kind).await;
    for round in 0..3 {
        let list = server.active_list(&format!("early{round}"), json!({})).await;
        let mut codes = Vec::new();
        for name in ["ada", "bob", "eve"] {
            let joined = server.join(&format!("early{round}"), &format!("{name}@example.com")).await;
            codes.push(joined["referral_code"].as_str().unwrap().to_owned());
        }
        let file = server.admin_get(&format!("/waitlists/{list}/export.jsonl")).await.body;
        server.admin_delete(&format!("/waitlists/{list}")).await.expect(204);
        let copy = draft(&server, &format!("copy{round}")).await;
        let begun = upload(&server, &copy, "?format=rally", "application/x-ndjson", file).await.expect(202);
        ended(&server, &copy, begun["id"].as_str().unwrap()).await;
        let kept: Vec<String> =
            entries(&server, &copy).await.iter().map(|entry| entry["referral_code"].as_str().unwrap().to_owned()).collect();
        assert_eq!(kept, codes, "round {round}");
    }
}

/// An export is restored in an empty list of another deployment, on either store, with the same lines but for ids.
#[apply(on_both_stores)]
async fn an_export_is_restored_elsewhere(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = full_list(&server).await;
    let exported = server.admin_get(&format!("/waitlists/{list}/export.jsonl")).await;
    assert_eq!((exported.status.as_u16(), exported.header("content-type")), (200, Some("application/x-ndjson")));
    assert_eq!(exported.header("content-disposition"), Some("attachment; filename=\"early.jsonl\""));
    let file = exported.body.clone();
    let other = TestServer::start(if kind == Kind::Sqlite { Kind::Postgres } else { Kind::Sqlite }).await;
    let copy = draft(&other, "copy").await;
    let dry = upload(&other, &copy, "?format=rally&dry_run=true", "application/x-ndjson", file.clone()).await.expect(202);
    assert_eq!(numbers(&ended(&other, &copy, dry["id"].as_str().unwrap()).await), [5, 0, 0, 0]);
    let begun = upload(&other, &copy, "?format=rally", "application/x-ndjson", file.clone()).await.expect(202);
    let done = ended(&other, &copy, begun["id"].as_str().unwrap()).await;
    assert_eq!((done["state"].as_str(), numbers(&done)), (Some("done"), [5, 0, 0, 0]), "{done}");
    assert_eq!(problems(&other, &copy, &done).await.lines().count(), 1);
    let again = other.admin_get(&format!("/waitlists/{copy}/export.jsonl")).await.body;
    assert_eq!(without_ids(&again), without_ids(&file));
    upload(&other, &copy, "", "application/x-ndjson", file.clone()).await.refused(409, "waitlist_not_empty");
    let cut = file[..file.len() - 40].to_owned();
    let empty = draft(&other, "empty").await;
    let begun = upload(&other, &empty, "", "application/x-ndjson", cut).await.expect(202);
    let failed = ended(&other, &empty, begun["id"].as_str().unwrap()).await;
    assert!(failed["state"] == "failed" && failed["error"].as_str().unwrap().contains("cut off"), "{failed}");
    // The settings and variants of a list need more than its entries do.
    let token = other.token("entry.update");
    let request = other.request(Method::POST, &format!("/v1/workspaces/{}{}", other.workspace.id, imports(&empty)));
    let request = request.bearer_auth(token).header("content-type", "application/x-ndjson");
    send(request.body(file)).await.refused(403, "forbidden");
}

/// The command writes an export, checks it, and restores it.
#[apply(on_both_stores)]
async fn the_commands_export_verify_and_restore(kind: Kind) {
    let deployment = Deployment::new(kind).await;
    let server = deployment.start();
    let ada = deployment.sign_up(&server, "ada@example.com").await.expect(201);
    let friend = json!({"email": "bob@example.com", "name": "Bob", "referral_code": ada["referral_code"]});
    send(deployment.client.post(format!("{}/v1/waitlists/acme/early/entries", server.base)).json(&friend)).await.expect(201);
    deployment.admin(&server, "/waitlists", Some(json!({"slug": "copy", "display_name": "Copy"}))).await.expect(201);
    drop(server);
    let run = |arguments: &[&str]| {
        let run = output(rally(deployment.directory.path(), deployment.url.as_deref()).args(arguments));
        (run.status.success(), String::from_utf8(run.stdout).unwrap(), String::from_utf8(run.stderr).unwrap())
    };
    let (done, file, error) = run(&["export", "--workspace", "acme", "--list", "early"]);
    assert!(done && file.lines().count() == 7, "{file}{error}");
    let path = write(deployment.directory.path(), "early.jsonl", &file);
    let (good, told, _) = run(&["restore", "--verify", &path]);
    assert!(good && told.contains("Entries 2, erased 0, codes 2, referrals 1, of which 1 count."), "{told}");
    // As an import reads it.
    let edited = write(deployment.directory.path(), "edited.jsonl", &format!("\u{feff}{file}\n"));
    assert!(run(&["restore", "--verify", &edited]).0);
    let broken = write(deployment.directory.path(), "broken.jsonl", &file.replace("\"position\":2", "\"position\":1"));
    let (good, told, error) = run(&["restore", "--verify", &broken]);
    assert!(!good && told.contains("position") && error.contains("1 faults"), "{told}{error}");
    let (done, told, error) = run(&["import", &path, "--workspace", "acme", "--list", "copy", "--format", "rally"]);
    assert!(done && told.contains("added 2"), "{told}{error}");
    let (_, copy, _) = run(&["export", "--workspace", "acme", "--list", "copy"]);
    let codes = |file: &str| file.matches("\"old_codes\":[]").count();
    assert_eq!((codes(&file), codes(&copy), copy.lines().count()), (2, 0, 7));
    let (done, _, error) = run(&["import", &path, "--workspace", "acme", "--list", "copy"]);
    assert!(!done && error.contains("not empty"), "{error}");
}
