//! The baseline of a naive design on SQLite: one transaction per sign-up, on one connection, with Rally's settings.
//!
//! A sign-up increments the counter of the list and inserts the entry. Every second sign-up credits a referrer.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

/// Returns the sign-ups per second of that many callers, measured for that time.
///
/// # Panics
/// If the database fails.
pub fn naive(folder: &Path, callers: usize, time: Duration) -> f64 {
    let path = folder.join("naive.db");
    let mut connection = SqliteConnection::establish(path.to_str().expect("a path")).expect("a database");
    connection
        .batch_execute(
            "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             CREATE TABLE lists (id INTEGER PRIMARY KEY, last INTEGER NOT NULL);
             CREATE TABLE people (id INTEGER PRIMARY KEY, list INTEGER NOT NULL REFERENCES lists, email TEXT NOT NULL, name TEXT NOT NULL,
                 code TEXT NOT NULL UNIQUE, position INTEGER NOT NULL, referrals INTEGER NOT NULL, UNIQUE (list, email), UNIQUE (list, position));
             INSERT INTO lists VALUES (1, 0);",
        )
        .expect("a schema");
    let (connection, next, stop) = (Arc::new(Mutex::new(connection)), Arc::new(AtomicU64::new(1)), Arc::new(AtomicBool::new(false)));
    let threads: Vec<_> = (0..callers)
        .map(|_| {
            let (connection, next, stop) = (connection.clone(), next.clone(), stop.clone());
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let n = next.fetch_add(1, Ordering::Relaxed) as i64;
                    let mut connection = connection.lock().expect("no panic");
                    connection.immediate_transaction(|c| sign_up(c, n)).expect("a sign-up");
                }
            })
        })
        .collect();
    thread::sleep(time);
    stop.store(true, Ordering::Relaxed);
    let done = next.load(Ordering::Relaxed).saturating_sub(callers as u64);
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    done as f64 / time.as_secs_f64()
}

fn sign_up(c: &mut SqliteConnection, n: i64) -> QueryResult<()> {
    diesel::sql_query("UPDATE lists SET last = last + 1 WHERE id = 1").execute(c)?;
    diesel::sql_query("INSERT INTO people (id, list, email, name, code, position, referrals) SELECT ?1, 1, ?2, 'Somebody', ?2, last, 0 FROM lists WHERE id = 1")
        .bind::<BigInt, _>(n)
        .bind::<Text, _>(format!("p{n}@example.com"))
        .execute(c)?;
    if n % 2 == 0 {
        diesel::sql_query("UPDATE people SET referrals = referrals + 1 WHERE id = ?1").bind::<BigInt, _>(n / 2).execute(c)?;
    }
    Ok(())
}
