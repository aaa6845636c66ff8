//! Exports: every entry of a list, or everything of it, from one snapshot and in batches. An export has a connection of its own and takes
//! none from other requests.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::pin::Pin;

use diesel::connection::DefaultLoadingMode;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text};
use futures_util::{Stream, stream};
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::error::{CommandError, Fault};
use rally_domain::export::{self, Line};
use rally_domain::id::{EntryId, ReferralId, VariantId, WaitlistId};
use rally_domain::ledger::{Referral, ReferralDecision, ReferralSignal, ReferralState};
use rally_domain::port::{EntryStream, LineStream};
use rally_domain::referral::Position;
use rally_domain::text::{DecisionReason, Subject};
use rally_domain::timestamp::Timestamp;
use rally_domain::tombstone::Tombstone;
use tokio::sync::mpsc;

use crate::convert::{Blob, corrupt, from_bigint, instant, to_bigint};
use crate::entries::EntryRow;
use crate::fault::query_fault;
use crate::lists::ListState;
use crate::schema::{entries, old_codes, tombstones, waitlist_totals};
use crate::sign_up::load_waitlist;
use crate::{SqliteStore, lists, variants};

/// Rows per batch: enough to be worth a round trip, and few enough to need little memory.
const BATCH: i64 = 500;

/// How many batches are read ahead.
const AHEAD: usize = 1;

type Batches<T> = mpsc::Sender<Result<Vec<T>, Fault>>;

/// Reads a snapshot on a connection of its own. The function sends what it reads.
fn snapshot<T: Send + 'static>(
    store: &SqliteStore,
    send: impl FnOnce(&mut SqliteConnection, &Batches<T>) -> Result<(), Fault> + Send + 'static,
) -> Pin<Box<dyn Stream<Item = Result<Vec<T>, Fault>> + Send>> {
    let (batches, read) = mpsc::channel(AHEAD);
    let store = store.clone();
    tokio::spawn(async move {
        let failed = batches.clone();
        if let Err(fault) = store.database.read_apart(move |c| send(c, &batches)).await {
            // A reader that has gone away does not need the fault either.
            failed.send(Err(fault)).await.unwrap_or_default();
        }
    });
    Box::pin(stream::unfold(read, async |mut read| read.recv().await.map(|batch| (batch, read))))
}

/// Every entry of a list.
pub(crate) fn start(store: &SqliteStore, waitlist_id: WaitlistId) -> EntryStream {
    snapshot(store, move |c, batches| send_all(c, waitlist_id, batches))
}

/// Everything of a list.
pub(crate) fn start_lines(store: &SqliteStore, waitlist_id: WaitlistId) -> LineStream {
    snapshot(store, move |c, batches| send_lines(c, waitlist_id, batches))
}

fn send_all(c: &mut SqliteConnection, id: WaitlistId, batches: &Batches<Entry>) -> Result<(), Fault> {
    let Some(list) = lists::find(c, id).map_err(query_fault)? else { return Ok(()) };
    let mut after = 0;
    loop {
        let batch = people(c, id, &list, after)?;
        let Some(last) = batch.last() else { return Ok(()) };
        after = last.position.number();
        if batches.blocking_send(Ok(batch)).is_err() {
            return Ok(());
        }
    }
}

/// A batch of the entries behind a position.
fn people(c: &mut SqliteConnection, id: WaitlistId, list: &ListState, after: u64) -> Result<Vec<Entry>, Fault> {
    let query = entries::table
        .filter(entries::waitlist_id.eq(Blob(id.uuid())).and(entries::position.gt(to_bigint(after))))
        .order(entries::position)
        .limit(BATCH)
        .select(EntryRow::as_select());
    let rows: Vec<EntryRow> = query.load(c).map_err(query_fault)?;
    rows.into_iter().map(|row| list.entry(row)).collect()
}

fn send_lines(c: &mut SqliteConnection, id: WaitlistId, batches: &Batches<Line>) -> Result<(), Fault> {
    let Some(list) = lists::find(c, id).map_err(query_fault)? else { return Ok(()) };
    let waitlist = load_waitlist::<Infallible>(c, id).map_err(CommandError::from)?;
    let last = waitlist_totals::table.find(Blob(id.uuid())).select(waitlist_totals::last_position);
    let last: i64 = last.first(c).map_err(query_fault)?;
    let mut lines = vec![Line::Waitlist(export::Waitlist::of(&waitlist, from_bigint(last)))];
    lines.extend(variants::list(c, id)?.iter().map(|variant| Line::Variant(export::Variant::of(variant))));
    let (mut after, mut stones) = (0, Stones::default());
    loop {
        if batches.blocking_send(Ok(std::mem::take(&mut lines))).is_err() {
            return Ok(());
        }
        let batch = people(c, id, &list, after)?;
        let mut codes = old_codes_of(c, &batch).map_err(query_fault)?;
        for entry in &batch {
            while let Some(stone) = stones.before(c, (id, &list), entry.position)? {
                lines.push(stone);
            }
            let codes = codes.remove(&entry.id).unwrap_or_default();
            lines.push(Line::Entry(Box::new(export::Entry::of(entry, codes))));
        }
        match batch.last() {
            Some(last) => after = last.position.number(),
            None => break,
        }
    }
    while let Some(stone) = stones.before(c, (id, &list), Position::new(u64::MAX))? {
        lines.push(stone);
        if lines.len() as u64 >= from_bigint(BATCH) && batches.blocking_send(Ok(std::mem::take(&mut lines))).is_err() {
            return Ok(());
        }
    }
    if batches.blocking_send(Ok(lines)).is_err() {
        return Ok(());
    }
    send_referrals(c, id, batches)
}

/// The old codes of some entries, in their order.
fn old_codes_of(c: &mut SqliteConnection, people: &[Entry]) -> QueryResult<HashMap<EntryId, Vec<String>>> {
    let ids: Vec<Blob> = people.iter().map(|entry| Blob(entry.id.uuid())).collect();
    let rows = old_codes::table.filter(old_codes::entry_id.eq_any(ids)).select((old_codes::entry_id, old_codes::code));
    let mut codes: HashMap<EntryId, Vec<String>> = HashMap::new();
    for (id, code) in rows.load::<(Blob, String)>(c)? {
        codes.entry(EntryId::new(id.0)).or_default().push(code);
    }
    codes.values_mut().for_each(|codes| codes.sort_unstable());
    Ok(codes)
}

/// The tombstones of a list, in the order of their positions.
#[derive(Default)]
struct Stones {
    read: VecDeque<Tombstone>,
    after: i64,
    is_end: bool,
}

impl Stones {
    /// The next one that stands before a position.
    fn before(
        &mut self,
        c: &mut SqliteConnection,
        (id, list): (WaitlistId, &ListState),
        position: Position,
    ) -> Result<Option<Line>, Fault> {
        if self.read.is_empty() && !self.is_end {
            let query = tombstones::table
                .filter(tombstones::waitlist_id.eq(Blob(id.uuid())).and(tombstones::position.gt(self.after)))
                .order(tombstones::position)
                .limit(BATCH)
                .select(StoneRow::as_select());
            let rows: Vec<StoneRow> = query.load(c).map_err(query_fault)?;
            self.is_end = rows.is_empty();
            self.after = rows.last().map_or(self.after, |row| row.position);
            self.read = rows.into_iter().map(Tombstone::try_from).collect::<Result<_, _>>()?;
        }
        let is_next = self.read.front().is_some_and(|stone| stone.position < position);
        let stone = if is_next { self.read.pop_front() } else { None };
        Ok(stone.map(|stone| Line::Tombstone(export::Tombstone::of(&list.tombstone(stone)))))
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tombstones, check_for_backend(diesel::sqlite::Sqlite))]
struct StoneRow {
    id: Blob,
    waitlist_id: Blob,
    position: i64,
    status: String,
    referral_count: i64,
    referred_by_entry_id: Option<Blob>,
    variant_id: Option<Blob>,
    day: String,
}

impl TryFrom<StoneRow> for Tombstone {
    type Error = Fault;

    fn try_from(row: StoneRow) -> Result<Self, Fault> {
        Ok(Self {
            id: EntryId::new(row.id.0),
            waitlist_id: WaitlistId::new(row.waitlist_id.0),
            position: Position::new(from_bigint(row.position)),
            status: EntryStatus::parse(&row.status).map_err(corrupt("status"))?,
            referral_count: from_bigint(row.referral_count),
            referred_by: row.referred_by_entry_id.map(|id| EntryId::new(id.0)),
            variant_id: row.variant_id.map(|id| VariantId::new(id.0)),
            day: Timestamp::parse(&format!("{}T00:00:00Z", row.day)).map_err(corrupt("day"))?.day(),
        })
    }
}

/// The rows of the ledger of a state, from the oldest on, without people who are gone.
const REFERRALS: &str = "SELECT r.id, r.state, r.score, r.reasons, r.created_at, r.decided_at, r.decided_by, r.reason, \
        (SELECT e.id FROM entries e WHERE e.id = r.referrer_entry_id) AS referrer, \
        (SELECT e.id FROM entries e WHERE e.id = r.referred_entry_id) AS referred \
    FROM referrals r WHERE r.waitlist_id = ? AND r.state = ? ORDER BY r.created_at, r.id";

#[derive(QueryableByName)]
struct LedgerRow {
    #[diesel(sql_type = Binary)]
    id: Blob,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Integer)]
    score: i32,
    #[diesel(sql_type = Text)]
    reasons: String,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    decided_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    decided_by: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    referrer: Option<Blob>,
    #[diesel(sql_type = Nullable<Binary>)]
    referred: Option<Blob>,
}

impl LedgerRow {
    fn line(self, list: WaitlistId) -> Result<Line, Fault> {
        let (by, reason) = (self.decided_by.map(Subject::from_stored), self.reason.map(DecisionReason::from_stored));
        let referral = Referral {
            id: ReferralId::new(self.id.0),
            waitlist_id: list,
            referrer: self.referrer.map(|id| EntryId::new(id.0)),
            referred: self.referred.map(|id| EntryId::new(id.0)),
            state: ReferralState::parse(&self.state).map_err(corrupt("state of a referral"))?,
            score: u8::try_from(self.score).unwrap_or(0),
            reasons: ReferralSignal::split(&self.reasons),
            policy: None,
            created_at: instant(self.created_at)?,
            decision: self.decided_at.map(instant).transpose()?.map(|at| ReferralDecision { at, by, reason }),
        };
        Ok(Line::Referral(export::Referral::of(&referral)))
    }
}

/// The rows come one by one, so that memory does not grow with their number.
fn send_referrals(c: &mut SqliteConnection, id: WaitlistId, batches: &Batches<Line>) -> Result<(), Fault> {
    for state in ReferralState::ALL {
        let query = diesel::sql_query(REFERRALS).bind::<Binary, _>(Blob(id.uuid())).bind::<Text, _>(state.as_str());
        let mut lines = Vec::new();
        for row in query.load_iter::<LedgerRow, DefaultLoadingMode>(c).map_err(query_fault)? {
            lines.push(row.map_err(query_fault)?.line(id)?);
            if lines.len() as u64 >= from_bigint(BATCH) && batches.blocking_send(Ok(std::mem::take(&mut lines))).is_err() {
                return Ok(());
            }
        }
        if batches.blocking_send(Ok(lines)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}
