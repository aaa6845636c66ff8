//! The test that checks the server's plan of every statement: on a database that was never analyzed, that was analyzed while it
//! was empty, and that has grown since. A connection keeps a plan, so a wrong plan stays wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use rally_contracts::doubles::{CountingIds, FrozenClock};
use rally_contracts::everything::call_everything;
use rally_contracts::samples::workspace;
use rally_domain::port::Ports;
use serde_json::Value;

use crate::{PgOptions, PgStore};

#[derive(QueryableByName)]
struct Prepared {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    statement: String,
    #[diesel(sql_type = Integer)]
    parameters: i32,
}

#[derive(QueryableByName)]
struct Plan {
    #[diesel(sql_type = diesel::sql_types::Json)]
    #[diesel(column_name = "QUERY PLAN")]
    plan: Value,
}

#[derive(QueryableByName)]
struct Index {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    first: String,
}

/// Columns that an index exists for. A statement must find rows by such a column in its index, and must not filter other rows by
/// it.
const KEYS: [&str; 12] = [
    "id",
    "address",
    "email",
    "slug",
    "position",
    "referral_code",
    "waitlist_id",
    "workspace_id",
    "entry_id",
    "event_id",
    "webhook_id",
    "referrer",
];

/// Statements that read a whole table on purpose, by the beginning of their text. None of them serves a request of a visitor.
const WHOLE: [&str; 8] = [
    "SELECT \"webhooks\".\"id\", \"webhooks\".\"secret\"",
    // All mails, which only a test wants.
    "SELECT \"mails\".\"id\", \"mails\".\"workspace_id\"",
    "SELECT (SELECT count(*)",
    "SELECT COUNT(*) FROM \"purges\"",
    // The lists, of which there are few, each with one row.
    "SELECT waitlist_id AS id FROM waitlist_totals",
    "SELECT coalesce(sum(last_position",
    "SELECT t.waitlist_id AS id FROM waitlist_totals t",
    // It reads the deliveries that are being sent: a few thousand rows at most.
    "UPDATE deliveries d SET generation",
];

/// Collects the faults of a plan: a whole table is read, an index is read from one end to the other, or rows are filtered by a
/// key after another index found them.
fn faults(node: &Value, limited: bool, firsts: &BTreeMap<String, String>, faults: &mut Vec<String>) {
    let text = |key: &str| node[key].as_str().unwrap_or_default();
    let (kind, relation, index, condition) = (text("Node Type"), text("Relation Name"), text("Index Name"), text("Index Cond"));
    let limited = limited || kind == "Limit";
    let compares = |condition: &str, column: &str| {
        let words: Vec<&str> = condition.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '=' || c == '>' || c == '<')).collect();
        words.contains(&column)
    };
    if kind == "Seq Scan" || kind.starts_with("Bitmap") {
        faults.push(format!("{kind} on {relation}"));
    }
    if kind.starts_with("Index") {
        let first = firsts.get(index).map(String::as_str).unwrap_or_default();
        let begins_with_it = compares(condition, first) || condition.contains(&format!("{first})"));
        if !(begins_with_it || condition.is_empty() && limited) {
            faults.push(format!("{kind} using {index} from one end to the other: {condition}"));
        }
        let filter = text("Filter");
        // An event has at most one delivery per webhook of its workspace, and there are never many purges.
        let excused = index == "deliveries_event_id_idx" || relation == "purges";
        for key in KEYS.into_iter().chain((relation == "entries").then_some("status")) {
            if compares(filter, key) && !excused {
                faults.push(format!("{kind} using {index} on {relation} looks for {key} in what it reads: {filter}"));
            }
        }
    }
    // A join that compares a key has read all rows that might have it, and looks for each key among them. There are never many purges.
    let of_purges = node["Plans"].as_array().into_iter().flatten().any(|child| child["Relation Name"] == "purges");
    for condition in ["Join Filter", "Hash Cond", "Merge Cond"] {
        for key in KEYS.into_iter().filter(|key| compares(text(condition), key) && !of_purges) {
            faults.push(format!("{kind} looks for {key} in what it reads: {}", text(condition)));
        }
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        self::faults(child, limited, firsts, faults);
    }
}

/// Explains every statement that the store's connection has prepared, and returns those with a faulty plan.
async fn explain(store: &PgStore) -> Vec<String> {
    let mut c = store.connection().await.unwrap();
    let firsts: Vec<Index> = diesel::sql_query(
        "SELECT i.relname::text AS name, a.attname::text AS first FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid \
         JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0] WHERE i.relnamespace = 'public'::regnamespace",
    )
    .load(&mut c)
    .await
    .unwrap();
    let firsts = firsts.into_iter().map(|index| (index.name, index.first)).collect();
    let prepared: Vec<Prepared> = diesel::sql_query(
        "SELECT name::text, statement, coalesce(array_length(parameter_types, 1), 0) AS parameters FROM pg_prepared_statements",
    )
    .load(&mut c)
    .await
    .unwrap();
    let mut wrong = Vec::new();
    let mut explained = 0;
    for Prepared { name, statement, parameters } in prepared {
        let reads = ["SELECT", "UPDATE", "DELETE", "INSERT", "WITH"].iter().any(|verb| statement.starts_with(verb));
        if !reads || statement.contains("pg_") || WHOLE.iter().any(|whole| statement.starts_with(whole)) {
            continue;
        }
        let nulls = vec!["NULL"; usize::try_from(parameters).unwrap()].join(", ");
        let execute = if nulls.is_empty() { format!("\"{name}\"") } else { format!("\"{name}\" ({nulls})") };
        let query = format!("EXPLAIN (FORMAT JSON) EXECUTE {execute}");
        let plan: Plan = diesel::sql_query(query).get_result(&mut c).await.unwrap();
        let mut found = Vec::new();
        faults(&plan.plan[0]["Plan"], false, &firsts, &mut found);
        explained += 1;
        if !found.is_empty() {
            wrong.push(format!("{}\n      {}", statement.split_whitespace().collect::<Vec<_>>().join(" "), found.join("\n      ")));
        }
    }
    assert!(explained > 80, "{explained} statements are too few to be all");
    wrong
}

/// Adds rows to every table that may be large, without the store. Nobody analyzes them.
const GROW: &str = "
INSERT INTO waitlists (id, workspace_id, slug, display_name, status, settings, created_at, updated_at)
    SELECT gen_random_uuid(), w.id, 'l-' || n, 'List', 'active', '{}', now(), now() FROM workspaces w, generate_series(1, 2000) n;
INSERT INTO waitlist_totals (waitlist_id) SELECT id FROM waitlists ON CONFLICT DO NOTHING;
INSERT INTO entries (id, waitlist_id, workspace_id, email, name, referral_code, position, status, metadata, created_at, updated_at)
    SELECT gen_random_uuid(), l.id, l.workspace_id, n || '@example.com', 'Somebody', 'G' || n, 1000 + n, 'pending', '{}', now(), now()
    FROM (SELECT * FROM waitlists LIMIT 1) l, generate_series(1, 20000) n;
INSERT INTO events (id, workspace_id, waitlist_id, entry_id, kind, body, occurred_at)
    SELECT gen_random_uuid(), e.workspace_id, e.waitlist_id, e.id, 'entry.created', '{}', now() FROM entries e;
INSERT INTO webhooks (id, workspace_id, url, events, active, secret, created_at)
    SELECT gen_random_uuid(), w.id, 'https://example.com/', 'entry.created', true, '', now() FROM workspaces w, generate_series(1, 40);
INSERT INTO deliveries (event_id, webhook_id, state, due_at, generation)
    SELECT e.id, w.id, 'pending', now(), 0 FROM (SELECT id FROM events LIMIT 5000) e, (SELECT id FROM webhooks LIMIT 4) w;
INSERT INTO attempts (id, webhook_id, event_id, kind, number, latency_ms, created_at)
    SELECT gen_random_uuid(), d.webhook_id, d.event_id, 'entry.created', 1, 1, now() FROM deliveries d;
INSERT INTO mails (id, workspace_id, waitlist_id, entry_id, template, sender, recipient, data, created_at, due_at)
    SELECT gen_random_uuid(), e.workspace_id, e.waitlist_id, e.id, 't', 's', 'r', '{}', now(), now() FROM entries e;
INSERT INTO tombstones (id, waitlist_id, position, status, referral_count, day, has_traces)
    SELECT gen_random_uuid(), l.id, n, 'pending', 0, now(), n % 2 = 0
    FROM (SELECT * FROM waitlists LIMIT 1) l, generate_series(30000, 45000) n;
INSERT INTO referrals (id, waitlist_id, referrer_entry_id, referred_entry_id, state, score, reasons, network, created_at)
    SELECT gen_random_uuid(), l.id, gen_random_uuid(), gen_random_uuid(), 'credited', n % 2, '', substr(sha256(n::text::bytea), 1, 16), now()
    FROM (SELECT * FROM waitlists LIMIT 1) l, generate_series(1, 20000) n;
INSERT INTO waitlist_sources (waitlist_id, referrer, signups)
    SELECT l.id, 'https://example.com/' || n, n % 10 FROM (SELECT * FROM waitlists LIMIT 1) l, generate_series(1, 10000) n;
INSERT INTO signup_requests (id, workspace_id, waitlist_id, state, email, form, requested_at, expires_at, mails_sent)
    SELECT gen_random_uuid(), l.workspace_id, l.id, 'waiting', n || '@example.com', '{}', now(), now(), 1
    FROM (SELECT * FROM waitlists LIMIT 1) l, generate_series(1, 10000) n;
INSERT INTO used_proofs (id, waitlist_id, expires_at, taken_at)
    SELECT gen_random_uuid(), l.id, now(), now() FROM (SELECT * FROM waitlists LIMIT 1) l, generate_series(1, 10000) n;
INSERT INTO imports (id, workspace_id, waitlist_id, state, step, updates, dry_run, notifies, source, added, updated, skipped, failed,
    mark_1, mark_2, mark_3, created_at)
    SELECT gen_random_uuid(), l.workspace_id, l.id, 'done', 'over', false, false, false, '', 0, 0, 0, 0, 0, 0, 0, now()
    FROM (SELECT * FROM waitlists LIMIT 1) l, generate_series(1, 5000) n;
INSERT INTO import_items (import_id, kind, key_1, key_2, key_3, content)
    SELECT i.id, k, n, n, n, '' FROM (SELECT id FROM imports LIMIT 4) i, generate_series(0, 3) k, generate_series(1, 2000) n;
INSERT INTO import_names (import_id, name, entry_id, number)
    SELECT i.id, 'referrals ' || n, gen_random_uuid(), 0 FROM (SELECT id FROM imports LIMIT 4) i, generate_series(1, 5000) n;
INSERT INTO old_codes (waitlist_id, code, entry_id, created_at)
    SELECT l.id, 'code' || n, gen_random_uuid(), now() FROM (SELECT * FROM waitlists LIMIT 1) l, generate_series(1, 20000) n;
INSERT INTO audit (at, workspace_id, actor_kind, actor_id, action, target_id, changes)
    SELECT now(), w.id, 'key', n % 10, 'entry.approve', n, '{}' FROM workspaces w, generate_series(1, 10000) n;
INSERT INTO mail_shares (address, sent, asked_at) SELECT sha256(n::text::bytea), '[]', now() FROM generate_series(1, 10000) n;
INSERT INTO sessions (id, token, workspace_id, person, scope, created_at, seen_at, expires_at)
    SELECT gen_random_uuid(), '', w.id, 'Ada', '*', now(), now(), now() FROM workspaces w, generate_series(1, 10000) n;
INSERT INTO sign_in_links (id, token, workspace_id, created_at, expires_at)
    SELECT gen_random_uuid(), '', w.id, now(), now() FROM workspaces w, generate_series(1, 10000) n;
INSERT INTO entry_jobs (id, workspace_id, waitlist_id, action, query, until_position, total, state, mark, changed, refused, actor, created_at,
    ended_at)
    SELECT gen_random_uuid(), l.workspace_id, l.id, 'approve', '{}', 1, 1, 'done', 1, 1, '{}', 'system', now(), now()
    FROM (SELECT * FROM waitlists LIMIT 1) l, generate_series(1, 5000) n;
INSERT INTO entry_terms (waitlist_id, position, term)
    SELECT e.waitlist_id, e.position, term FROM entries e, unnest(ARRAY['w' || e.email, 'wsomebody', 'dexample.com']) term
    ON CONFLICT DO NOTHING;
INSERT INTO sign_in_tries (client, tries, last_at) SELECT sha256(n::text::bytea), '[]', now() FROM generate_series(1, 10000) n;
INSERT INTO suppressions (id, workspace_id, address, reason, created_at)
    SELECT gen_random_uuid(), w.id, sha256(n::text::bytea), 'erased', now() FROM workspaces w, generate_series(1, 10000) n;
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_statement_goes_through_its_index_whatever_the_server_knows_of_the_tables() {
    let url = rally_pgtest::new_database().await;
    let store = PgStore::new(&url, &PgOptions { connections: 1, ..PgOptions::default() }).unwrap();
    store.migrate().await.unwrap();
    let ports = Ports::of_store(
        Arc::new(store.clone()),
        rally_contracts::samples::links(),
        Arc::new(FrozenClock::at("2026-01-31T09:00:00Z")),
        Arc::new(CountingIds::default()),
    );
    let run = async |sql: &str| store.connection().await.unwrap().batch_execute(sql).await.unwrap();
    let never = "DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP \
        EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = off)', t); END LOOP; END $$";
    run(never).await;
    call_everything(&ports).await;
    let empty = "DO $$ DECLARE t text; BEGIN FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' \
        AND tablename <> '__diesel_schema_migrations' LOOP EXECUTE format('TRUNCATE %I CASCADE', t); END LOOP; END $$";
    let mut wrong = BTreeMap::new();
    wrong.insert("as it was planned in the first second", explain(&store).await);
    for begin in ["on a fresh database", "on one that was emptied and analyzed"] {
        if begin != "on a fresh database" {
            for sql in [empty, "VACUUM ANALYZE", "DISCARD PLANS"] {
                run(sql).await;
            }
            call_everything(&ports).await;
        }
        workspace(&ports, "grown").await;
        run(GROW).await;
        if begin == "on a fresh database" {
            wrong.insert("grown since it was planned", explain(&store).await);
        }
        run("DISCARD PLANS").await;
        wrong.insert(
            if begin == "on a fresh database" { "grown, and planned anew" } else { "emptied, grown, and planned anew" },
            explain(&store).await,
        );
        run("ANALYZE").await;
        run("DISCARD PLANS").await;
        wrong.insert("analyzed after it had grown", explain(&store).await);
    }
    wrong.retain(|_, wrong| !wrong.is_empty());
    let lines = wrong.iter().map(|(state, wrong)| format!("{state}:\n    {}", wrong.join("\n    ")));
    assert!(wrong.is_empty(), "\n{}", lines.collect::<Vec<_>>().join("\n"));
}
