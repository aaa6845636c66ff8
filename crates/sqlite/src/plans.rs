//! The test that checks SQLite's plan of every statement.
//!
//! A plan does not depend on bound values or on statistics: see [`crate::condition`].

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use rally_contracts::doubles::{CountingIds, FrozenClock};
use rally_contracts::everything::call_everything;
use rally_contracts::samples::links;
use rally_domain::port::Ports;

use crate::SqliteStore;

/// The texts of the statements that this process has carried out.
static STATEMENTS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Notes the text of every statement.
struct Note;

impl Instrumentation for Note {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let shown = query.to_string();
            let text = shown.split(" -- binds: ").next().unwrap_or_default();
            STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner).insert(text.to_owned());
        }
    }
}

/// Statements that may read a whole table, by a part of their text: they find nothing, or the table has a row for each list, webhook or
/// deletion under way.
const WHOLE: [&str; 8] = [
    // All mails, which only a test wants.
    "FROM `mails` ORDER BY",
    "FROM purges",
    "(1=0)",
    "`__diesel_schema_migrations`",
    "FROM `purges`",
    "FROM `waitlist_totals`",
    "FROM waitlist_totals",
    "`previous_secret` FROM `webhooks` ORDER BY",
];

/// Columns with partial indexes that no bound value matches.
const BOUND: [&[&str]; 3] = [&["`deliveries`.`state` = ?"], &["`mails`.`state` = ?"], &["`signup_requests`.`state` = ?", "`email` = ?"]];

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// A table or an index.
#[derive(QueryableByName)]
struct Object {
    #[diesel(sql_type = Text)]
    name: String,
    /// Whether it is an index of some rows alone, which may be read whole.
    #[diesel(sql_type = Bool)]
    partial: bool,
    /// Whether it is an index that a migration makes.
    #[diesel(sql_type = Bool)]
    made: bool,
}

/// A partial index that the text of no statement implies is never read: all its statements read a list or a table instead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_statement_goes_through_an_index_and_every_index_serves_a_statement() {
    set_default_instrumentation(|| Some(Box::new(Note))).unwrap();
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("rally.db");
    let store = SqliteStore::open(&path).unwrap();
    store.migrate().await.unwrap();
    let (clock, ids) = (Arc::new(FrozenClock::at("2026-01-31T09:00:00Z")), Arc::new(CountingIds::default()));
    call_everything(&Ports::of_store(Arc::new(store), links(), clock, ids)).await;
    let statements = STATEMENTS.lock().unwrap().clone();
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let found = "SELECT name, type = 'index' AND coalesce(sql, '') LIKE '% WHERE %' AS partial, type = 'index' AND sql IS NOT NULL AS made \
        FROM sqlite_schema";
    let found: Vec<Object> = diesel::sql_query(found).load(&mut connection).unwrap();
    let names = |wanted: fn(&Object) -> bool| -> BTreeSet<&str> {
        found.iter().filter(|object| wanted(object)).map(|object| object.name.as_str()).collect()
    };
    let (all, partial) = (names(|_| true), names(|object| object.partial));
    let (mut wrong, mut used) = (Vec::new(), BTreeSet::new());
    let verbs = ["SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH"];
    for statement in statements.iter().filter(|text| verbs.iter().any(|verb| text.trim_start().starts_with(verb))) {
        let steps = diesel::sql_query(format!("EXPLAIN QUERY PLAN {statement}")).load::<Step>(&mut connection);
        let steps = steps.unwrap_or_else(|error| panic!("{error}: {statement}"));
        let is_by_key = steps.iter().any(|step| step.detail.contains("PRIMARY KEY") || step.detail.contains("autoindex"));
        let binds = |condition: &str| BOUND.iter().any(|columns| columns.iter().all(|column| condition.contains(column)));
        if statement.split("WHERE").skip(1).any(binds) && !is_by_key {
            wrong.push(format!("no partial index serves a bound state: {statement}"));
        }
        for Step { detail } in steps {
            let index = detail.split("INDEX ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
            let table = detail.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
            used.insert(index.to_owned());
            if all.contains(table) && !partial.contains(index) && !WHOLE.iter().any(|part| statement.contains(part)) {
                wrong.push(format!("{detail}: {statement}"));
            }
        }
    }
    let unused = names(|object| object.made).into_iter().filter(|name| !used.contains(*name));
    wrong.extend(unused.map(|name| format!("{name} is never read")));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
