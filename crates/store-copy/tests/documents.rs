//! Documents are the same to the byte in both stores and after every copy between them.
//!
//! The tests use documents of any shape, with numbers of any size and spelling, on a real PostgreSQL and a real SQLite.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rally_contracts::doubles::{CountingIds, FrozenClock};
use rally_contracts::samples::{active_list, profile, sign_up_as};
use rally_domain::custom_field::Metadata;
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::profile::Profile;
use rally_domain::waitlist::Waitlist;
use rally_postgres::{PgOptions, PgStore};
use rally_sqlite::SqliteStore;
use rally_store_copy::{Embedded, Postgres, Way, run};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// Numbers in any spelling.
fn numbers() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| Value::from(number).to_string()),
        (-2e19..2e19_f64).prop_map(|number| Value::from(number).to_string()),
        "-?(0|[1-9][0-9]{0,40})",
        "-?(0|[1-9][0-9]{0,20})\\.[0-9]{1,20}",
        "-?(0|[1-9][0-9]{0,2})(\\.[0-9]{1,17})?[eE][-+]?[0-3]?[0-9]{1,2}",
        Just("-0".to_owned()),
        Just("-0.0e-7".to_owned()),
    ]
    // 1e400 is refused before it is stored.
    .prop_filter("is a number", |text| serde_json::from_str::<Value>(text).is_ok())
}

fn objects(values: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    proptest::collection::btree_map("[a-zü]{1,12}", values, 0..6).prop_map(|members| {
        let members: Vec<String> = members.into_iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
        format!("{{{}}}", members.join(", "))
    })
}

fn documents() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![4 => numbers(), 1 => Just("null".to_owned()), 1 => "\"[a-z0-9 .ü\u{1f600}]{0,8}\""];
    let deep = leaf.prop_recursive(4, 24, 6, |inner| {
        let list = proptest::collection::vec(inner.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(",")));
        prop_oneof![list, objects(inner)]
    });
    objects(deep)
}

fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap()
}

fn clock() -> Arc<FrozenClock> {
    Arc::new(FrozenClock::at("2026-01-31T09:00:00Z"))
}

async fn embedded(file: &Path) -> Ports {
    let store = SqliteStore::open(file).unwrap();
    store.migrate().await.unwrap();
    Ports::of_store(Arc::new(store), rally_contracts::samples::links(), clock(), Arc::new(CountingIds::default()))
}

async fn fresh_database() -> String {
    rally_pgtest::migrated_database(|url| async move { drop(postgres(&url).await) }).await
}

async fn postgres(url: &str) -> Ports {
    let store = PgStore::new(url, &PgOptions::default()).unwrap();
    store.migrate().await.unwrap();
    Ports::of_store(Arc::new(store), rally_contracts::samples::links(), clock(), Arc::new(CountingIds::default()))
}

/// Signs a person up with each document.
async fn fill(ports: &Ports, documents: &[String]) -> Waitlist {
    let list = active_list(ports, json!({ "kept": object(&documents[0]) })).await;
    for (n, document) in documents.iter().enumerate() {
        let profile = Profile { metadata: Metadata::parse(object(document)).unwrap(), ..profile(&format!("p{n}@example.com")) };
        ports.entries.sign_up(sign_up_as(ports, &list, profile)).await.unwrap();
    }
    list
}

/// Returns the documents as a reader gets them: those of the entries, then that of the list.
async fn read(ports: &Ports, list: &Waitlist) -> Vec<String> {
    let page = ports.entries.list(list.id, None, None, Limit::new(100, 100).unwrap()).await.unwrap();
    let mut documents: Vec<String> = page.items.iter().map(|entry| text(entry.profile.metadata.document())).collect();
    let list = ports.waitlists.find(list.workspace_id, list.id).await.unwrap().unwrap();
    documents.push(text(&list.settings.to_document()));
    documents
}

fn text(document: &Map<String, Value>) -> String {
    Value::Object(document.clone()).to_string()
}

/// Writes documents as earlier versions of Rally did, with the numbers as the parser returned them.
fn write_as_before(file: &Path, documents: &[String]) {
    let mut connection = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    for (n, document) in documents.iter().enumerate().step_by(2) {
        let update = diesel::sql_query("UPDATE entries SET metadata = ?1 WHERE position = ?2");
        let changed = update.bind::<Text, _>(text(&object(document))).bind::<BigInt, _>(n as i64 + 1).execute(&mut connection);
        assert_eq!(changed.unwrap(), 1);
    }
}

async fn everything_is_the_same_everywhere(documents: &[String]) {
    let (directory, url) = (TempDir::new().unwrap(), fresh_database().await);
    let (first, second) = (directory.path().join("first.db"), directory.path().join("second.db"));
    let ports = embedded(&first).await;
    let list = fill(&ports, documents).await;
    let expected: Vec<String> = documents
        .iter()
        .map(|document| text(Metadata::parse(object(document)).unwrap().document()))
        .chain([text(&list.settings.to_document())])
        .collect();
    assert_eq!(read(&ports, &list).await, expected);
    write_as_before(&first, documents);
    assert_eq!(read(&ports, &list).await, expected);

    let moved = postgres(&url).await;
    let (mut from, mut to) = (Embedded::open(&first).unwrap(), Postgres::connect(&url).await.unwrap());
    run(Way::Up(&mut from, &mut to), |_, _| {}).await.unwrap();
    assert_eq!(read(&moved, &list).await, expected);

    let back = embedded(&second).await;
    let (mut from, mut to) = (Postgres::connect(&url).await.unwrap(), Embedded::open(&second).unwrap());
    run(Way::Down(&mut from, &mut to), |_, _| {}).await.unwrap();
    assert_eq!(read(&back, &list).await, expected);

    // The same documents, signed up on PostgreSQL.
    let other = postgres(&fresh_database().await).await;
    let list = fill(&other, documents).await;
    assert_eq!(read(&other, &list).await, expected);
}

#[test]
fn documents_are_the_same_in_both_stores_and_after_every_copy() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = ProptestConfig { cases: 8, max_shrink_iters: 50, ..ProptestConfig::default() };
    let many = proptest::collection::vec(documents(), 1..100);
    let checked = TestRunner::new(config).run(&many, |documents| {
        runtime.block_on(async { everything_is_the_same_everywhere(&documents).await });
        Ok(())
    });
    checked.unwrap();
}

/// Digits that no float has, written by other software, are copied unchanged.
#[test]
fn digits_beyond_a_float_are_kept() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (directory, url) = (TempDir::new().unwrap(), fresh_database().await);
        let file = directory.path().join("rally.db");
        let (source, _target) = (postgres(&url).await, embedded(&file).await);
        fill(&source, &["{}".to_owned()]).await;
        let exact = "{\"n\":0.12345678901234567890123456789}";
        rally_pgtest::execute(&url, &format!("UPDATE entries SET metadata = '{exact}'")).await;
        let (mut from, mut to) = (Postgres::connect(&url).await.unwrap(), Embedded::open(&file).unwrap());
        run(Way::Down(&mut from, &mut to), |_, _| {}).await.unwrap();
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = Text)]
            metadata: String,
        }
        let mut connection = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
        let row: Row = diesel::sql_query("SELECT metadata FROM entries").get_result(&mut connection).unwrap();
        assert_eq!(row.metadata, exact);
    });
}

/// Every table of the database is copied, also the purges that a deletion left.
#[test]
fn every_table_is_copied() {
    #[derive(QueryableByName)]
    struct Name {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let (directory, url) = (TempDir::new().unwrap(), fresh_database().await);
        let (first, second) = (directory.path().join("first.db"), directory.path().join("second.db"));
        let (_first, _moved, _second) = (embedded(&first).await, postgres(&url).await, embedded(&second).await);
        let mut connection = SqliteConnection::establish(first.to_str().unwrap()).unwrap();
        let left = "INSERT INTO purges (kind, target, waitlist_id, after_position, after_id)
            VALUES ('entry', randomblob(16), randomblob(16), 7, NULL), ('held', randomblob(16), NULL, 0, randomblob(16))";
        diesel::sql_query(left).execute(&mut connection).unwrap();
        let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
            AND name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' ORDER BY name";
        let tables: Vec<Name> = diesel::sql_query(tables).load(&mut connection).unwrap();
        let tables: Vec<String> = tables.into_iter().map(|table| table.name).collect();

        let mut told = Vec::new();
        let (mut from, mut to) = (Embedded::open(&first).unwrap(), Postgres::connect(&url).await.unwrap());
        run(Way::Up(&mut from, &mut to), |table, sum| told.push((table.to_owned(), sum))).await.unwrap();
        let mut names: Vec<String> = told.iter().map(|(table, _)| table.clone()).collect();
        names.sort();
        assert_eq!(names, tables);
        let (_, purges) = told.iter().find(|(table, _)| table == "purges").unwrap();
        assert_eq!(purges.rows, 2);

        let mut back = Vec::new();
        let (mut from, mut to) = (Postgres::connect(&url).await.unwrap(), Embedded::open(&second).unwrap());
        run(Way::Down(&mut from, &mut to), |table, sum| back.push((table.to_owned(), sum))).await.unwrap();
        assert_eq!(back, told);
    });
}
