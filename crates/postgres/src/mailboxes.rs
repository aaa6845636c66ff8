//! Lookups by mailbox, for lists that take each mailbox once. Other lists send no statement of these.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::email::Email;
use rally_domain::id::WaitlistId;
use rally_domain::waitlist::Waitlist;
use uuid::Uuid;

use crate::statement::statement;

/// The mailbox of `email`, as [`Email::mailbox`] has it. The indexes `entries_mailbox_idx` and `signup_requests_mailbox_idx` have the
/// same text.
macro_rules! mailbox {
    () => {
        "(CASE WHEN split_part(email, '@', 2) IN ('gmail.com', 'googlemail.com') \
        THEN replace(coalesce(nullif(split_part(split_part(email, '@', 1), '+', 1), ''), split_part(email, '@', 1)), '.', '') \
        || '@gmail.com' ELSE coalesce(nullif(split_part(split_part(email, '@', 1), '+', 1), ''), split_part(email, '@', 1)) \
        || '@' || split_part(email, '@', 2) END)"
    };
}

/// Whether `email` may not be its own mailbox. `entries_mailbox_idx` has only such entries, so that most sign-ups do not write to it.
macro_rules! may_differ {
    () => {
        "(strpos(email, '+') > 0 OR email LIKE '%.%@gmail.com' OR email LIKE '%@googlemail.com')"
    };
}

/// How entries of mailboxes are found: by the mailbox itself as an address, and among the addresses that differ from theirs. Each takes
/// one lookup in an index, see `sign_up::KnownAddresses`.
const ENTRIES: &str = concat!(
    ") AS asked (list, mailbox) CROSS JOIN LATERAL (
        (SELECT id, email AS mailbox FROM entries WHERE waitlist_id = asked.list AND email >= asked.mailbox ORDER BY email LIMIT 1)
        UNION ALL
        (SELECT id, ",
    mailbox!(),
    " AS mailbox FROM entries WHERE waitlist_id = asked.list AND ",
    may_differ!(),
    " AND ",
    mailbox!(),
    " >= asked.mailbox ORDER BY ",
    mailbox!(),
    " LIMIT 1)
    ) nearest WHERE nearest.mailbox = asked.mailbox"
);

/// How waiting requests of mailboxes are found.
const REQUESTS: &str = concat!(
    ") AS asked (list, mailbox) CROSS JOIN LATERAL (SELECT r.id, ",
    mailbox!(),
    " AS mailbox FROM signup_requests r WHERE r.state = 'waiting' AND r.waitlist_id = asked.list AND ",
    mailbox!(),
    " >= asked.mailbox ORDER BY ",
    mailbox!(),
    " LIMIT 1) nearest WHERE nearest.mailbox = asked.mailbox"
);

statement! {
    /// Finds entries of some mailboxes.
    EntriesOfMailboxes {
        "SELECT asked.list, asked.mailbox, nearest.id FROM unnest("
        lists: Array<SqlUuid> = Vec<Uuid>, ", "
        mailboxes: Array<Text> = Vec<String>, ENTRIES
    }
}

statement! {
    /// Finds waiting requests of some mailboxes.
    RequestsOfMailboxes {
        "SELECT asked.list, asked.mailbox, nearest.id FROM unnest("
        lists: Array<SqlUuid> = Vec<Uuid>, ", "
        mailboxes: Array<Text> = Vec<String>, REQUESTS
    }
}

/// Who has a mailbox.
#[derive(QueryableByName)]
pub(crate) struct Found {
    #[diesel(sql_type = SqlUuid)]
    list: Uuid,
    #[diesel(sql_type = Text)]
    mailbox: String,
    #[diesel(sql_type = SqlUuid)]
    pub(crate) id: Uuid,
}

impl Found {
    /// The list, and the mailbox.
    pub(crate) fn key(&self) -> (WaitlistId, Email) {
        (WaitlistId::new(self.list), Email::from_stored(self.mailbox.clone()))
    }
}

/// Mailboxes, each with a list that takes it once.
pub(crate) type Asked = HashSet<(WaitlistId, Email)>;

/// The mailboxes of addresses whose lists take each mailbox once.
pub(crate) fn asked<'a>(lists: &HashMap<WaitlistId, Waitlist>, addresses: impl Iterator<Item = (WaitlistId, &'a Email)>) -> Asked {
    let once = |list: &WaitlistId| lists.get(list).is_some_and(|list| list.settings.addresses.one_per_mailbox);
    addresses.filter(|(list, _)| once(list)).map(|(list, email)| (list, email.mailbox())).collect()
}

/// The entries of some mailboxes.
pub(crate) async fn entries(mut c: &AsyncPgConnection, asked: &Asked) -> QueryResult<Vec<Found>> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let (lists, mailboxes) = asked.iter().map(|(list, mailbox)| (list.uuid(), mailbox.to_string())).unzip();
    EntriesOfMailboxes { lists, mailboxes }.load(&mut c).await
}

/// The waiting requests of some mailboxes.
pub(crate) async fn requests(mut c: &AsyncPgConnection, asked: &Asked) -> QueryResult<Vec<Found>> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let (lists, mailboxes) = asked.iter().map(|(list, mailbox)| (list.uuid(), mailbox.to_string())).unzip();
    RequestsOfMailboxes { lists, mailboxes }.load(&mut c).await
}
