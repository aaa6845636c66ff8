//! Lookups by mailbox, for lists that take each mailbox once.

use diesel::prelude::*;
use diesel::sql_types::{Binary, Text};
use rally_domain::email::Email;
use rally_domain::id::WaitlistId;

use crate::convert::Blob;

/// The mailbox of `email`, as [`Email::mailbox`] has it. The indexes `entries_mailbox_idx` and `signup_requests_mailbox_idx` have the
/// same text.
macro_rules! mailbox {
    () => {
        "(CASE WHEN substr(email, instr(email, '@') + 1) IN ('gmail.com', 'googlemail.com') \
        THEN replace(substr(email, 1, CASE WHEN instr(email, '+') BETWEEN 2 AND instr(email, '@') THEN instr(email, '+') ELSE instr(email, '@') END - 1), '.', '') || '@gmail.com' \
        ELSE substr(email, 1, CASE WHEN instr(email, '+') BETWEEN 2 AND instr(email, '@') THEN instr(email, '+') ELSE instr(email, '@') END - 1) || substr(email, instr(email, '@')) END)"
    };
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = Binary)]
    id: Blob,
}

/// Whether `email` may not be its own mailbox. `entries_mailbox_idx` has only such entries, so that most sign-ups do not write to it.
macro_rules! may_differ {
    () => {
        "(instr(email, '+') > 0 OR substr(email, -15) = '@googlemail.com' \
        OR (substr(email, -10) = '@gmail.com' AND instr(email, '.') < instr(email, '@')))"
    };
}

fn find(c: &mut SqliteConnection, query: &str, list: WaitlistId, mailbox: &Email) -> QueryResult<Option<Blob>> {
    let query = diesel::sql_query(query).bind::<Binary, _>(Blob(list.uuid())).bind::<Text, _>(mailbox.as_str());
    let row: Option<IdRow> = query.get_result(c).optional()?;
    Ok(row.map(|row| row.id))
}

/// An entry of a mailbox.
pub(crate) fn entry(c: &mut SqliteConnection, list: WaitlistId, mailbox: &Email) -> QueryResult<Option<Blob>> {
    const OTHERS: &str = concat!("SELECT id FROM entries WHERE waitlist_id = ? AND ", may_differ!(), " AND ", mailbox!(), " = ? LIMIT 1");
    match find(c, "SELECT id FROM entries WHERE waitlist_id = ? AND email = ?", list, mailbox)? {
        Some(id) => Ok(Some(id)),
        None => find(c, OTHERS, list, mailbox),
    }
}

/// A waiting request of a mailbox.
pub(crate) fn request(c: &mut SqliteConnection, list: WaitlistId, mailbox: &Email) -> QueryResult<Option<Blob>> {
    let query = concat!("SELECT id FROM signup_requests WHERE state = 'waiting' AND waitlist_id = ? AND ", mailbox!(), " = ? LIMIT 1");
    find(c, query, list, mailbox)
}
