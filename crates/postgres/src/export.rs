//! Exports: every entry of a list, or everything of it, from one snapshot and in batches. An export has a connection of its own and takes
//! none from other requests.

use std::collections::{HashMap, VecDeque};

use diesel::prelude::*;
use diesel::sql_types::{self, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::{TryStreamExt, stream};
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::error::Fault;
use rally_domain::export::{self, Line};
use rally_domain::id::{EntryId, ReferralId, VariantId, WaitlistId};
use rally_domain::ledger::{Referral, ReferralDecision, ReferralSignal, ReferralState};
use rally_domain::port::{EntryStream, LineStream};
use rally_domain::referral::Position;
use rally_domain::text::{DecisionReason, Subject};
use rally_domain::timestamp::Timestamp;
use rally_domain::tombstone::Tombstone;
use rally_domain::waitlist::Waitlist;
use time::{Date, OffsetDateTime};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::convert::{corrupt, from_bigint, to_bigint};
use crate::entries::EntryRow;
use crate::fault::{Abort, query_fault};
use crate::lists::ListState;
use crate::schema::{entries, old_codes, tombstones, waitlist_totals};
use crate::statement::statement;
use crate::{PgStore, lists, variants, waitlists};

/// Rows per batch: enough to be worth a round trip, and few enough to need little memory.
const BATCH: i64 = 500;

/// How many batches are read ahead.
const AHEAD: usize = 1;

type Batches<T> = mpsc::Sender<Result<Vec<T>, Fault>>;

/// Reads a snapshot on a connection of its own. The function sends what it reads.
macro_rules! snapshot {
    ($store:expr, $id:expr, $send:path) => {{
        let mut connection = $store.apart.connection().await?;
        let (batches, read) = mpsc::channel(AHEAD);
        tokio::spawn(async move {
            let failed = batches.clone();
            let mut snapshot = connection.build_transaction().read_only().repeatable_read();
            let outcome: Result<(), Abort<Fault>> = snapshot
                .run(async |c| {
                    // The ledger is one statement, which waits for its reader.
                    c.batch_execute("SET LOCAL statement_timeout = 0").await?;
                    $send(c, $id, &batches).await
                })
                .await;
            if let Err(abort) = outcome {
                let fault = match abort {
                    Abort::Query(error) => query_fault(error),
                    Abort::Rejected(fault) | Abort::Fault(fault) => fault,
                };
                // A reader that has gone away does not need the fault either.
                failed.send(Err(fault)).await.unwrap_or_default();
            }
        });
        Ok(Box::pin(stream::unfold(read, async |mut read| read.recv().await.map(|batch| (batch, read)))))
    }};
}

/// Every entry of a list.
pub(crate) async fn start(store: &PgStore, waitlist_id: WaitlistId) -> Result<EntryStream, Fault> {
    snapshot!(store, waitlist_id, send_all)
}

/// Everything of a list.
pub(crate) async fn start_lines(store: &PgStore, waitlist_id: WaitlistId) -> Result<LineStream, Fault> {
    snapshot!(store, waitlist_id, send_lines)
}

async fn send_all(c: &mut AsyncPgConnection, id: WaitlistId, batches: &Batches<Entry>) -> Result<(), Abort<Fault>> {
    let Some(list) = lists::find(c, id).await? else { return Ok(()) };
    let mut after = 0;
    loop {
        let batch = people(c, id, &list, after).await?;
        let Some(last) = batch.last() else { return Ok(()) };
        after = last.position.number();
        if batches.send(Ok(batch)).await.is_err() {
            return Ok(());
        }
    }
}

/// A batch of the entries behind a position.
async fn people(c: &mut AsyncPgConnection, id: WaitlistId, list: &ListState, after: u64) -> Result<Vec<Entry>, Abort<Fault>> {
    let query = entries::table
        .filter(entries::waitlist_id.eq(id.uuid()).and(entries::position.gt(to_bigint(after))))
        .order(entries::position)
        .limit(BATCH)
        .select(EntryRow::as_select());
    let rows: Vec<EntryRow> = query.load(c).await?;
    Ok(rows.into_iter().map(|row| list.entry(row)).collect::<Result<Vec<_>, _>>()?)
}

async fn send_lines(c: &mut AsyncPgConnection, id: WaitlistId, batches: &Batches<Line>) -> Result<(), Abort<Fault>> {
    let (list, waitlist) = (lists::find(c, id).await?, waitlists::find(c, id).await?);
    let Some((list, waitlist)) = list.zip(waitlist) else { return Ok(()) };
    let last: i64 = waitlist_totals::table.find(id.uuid()).select(waitlist_totals::last_position).first(c).await?;
    let mut lines = vec![Line::Waitlist(export::Waitlist::of(&Waitlist::try_from(waitlist)?, from_bigint(last)))];
    lines.extend(variants::list(c, id).await?.iter().map(|variant| Line::Variant(export::Variant::of(variant))));
    let (mut after, mut stones) = (0, Stones::default());
    loop {
        if batches.send(Ok(std::mem::take(&mut lines))).await.is_err() {
            return Ok(());
        }
        let batch = people(c, id, &list, after).await?;
        let mut codes = old_codes_of(c, &batch).await?;
        for entry in &batch {
            while let Some(stone) = stones.before(c, (id, &list), entry.position).await? {
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
    while let Some(stone) = stones.before(c, (id, &list), Position::new(u64::MAX)).await? {
        lines.push(stone);
        if lines.len() as u64 >= from_bigint(BATCH) && batches.send(Ok(std::mem::take(&mut lines))).await.is_err() {
            return Ok(());
        }
    }
    if batches.send(Ok(lines)).await.is_err() {
        return Ok(());
    }
    send_referrals(c, id, batches).await
}

/// The old codes of some entries, in their order.
async fn old_codes_of(c: &mut AsyncPgConnection, people: &[Entry]) -> QueryResult<HashMap<EntryId, Vec<String>>> {
    let ids: Vec<Uuid> = people.iter().map(|entry| entry.id.uuid()).collect();
    let rows = old_codes::table.filter(old_codes::entry_id.eq_any(ids)).select((old_codes::entry_id, old_codes::code));
    let mut codes: HashMap<EntryId, Vec<String>> = HashMap::new();
    for (id, code) in rows.load::<(Uuid, String)>(c).await? {
        codes.entry(EntryId::new(id)).or_default().push(code);
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
    async fn before(
        &mut self,
        c: &mut AsyncPgConnection,
        (id, list): (WaitlistId, &ListState),
        position: Position,
    ) -> Result<Option<Line>, Abort<Fault>> {
        if self.read.is_empty() && !self.is_end {
            let query = tombstones::table
                .filter(tombstones::waitlist_id.eq(id.uuid()).and(tombstones::position.gt(self.after)))
                .order(tombstones::position)
                .limit(BATCH)
                .select(StoneRow::as_select());
            let rows: Vec<StoneRow> = query.load(c).await?;
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
#[diesel(table_name = tombstones, check_for_backend(diesel::pg::Pg))]
struct StoneRow {
    id: Uuid,
    waitlist_id: Uuid,
    position: i64,
    status: String,
    referral_count: i64,
    referred_by_entry_id: Option<Uuid>,
    variant_id: Option<Uuid>,
    day: Date,
}

impl TryFrom<StoneRow> for Tombstone {
    type Error = Fault;

    fn try_from(row: StoneRow) -> Result<Self, Fault> {
        Ok(Self {
            id: EntryId::new(row.id),
            waitlist_id: WaitlistId::new(row.waitlist_id),
            position: Position::new(from_bigint(row.position)),
            status: EntryStatus::parse(&row.status).map_err(corrupt("status"))?,
            referral_count: from_bigint(row.referral_count),
            referred_by: row.referred_by_entry_id.map(EntryId::new),
            variant_id: row.variant_id.map(VariantId::new),
            day: row.day,
        })
    }
}

statement! {
    /// The rows of the ledger of a state, from the oldest on, without people who are gone.
    Referrals {
        "SELECT r.id, r.state, r.score, r.reasons, r.created_at, r.decided_at, r.decided_by, r.reason, \
            (SELECT e.id FROM entries e WHERE e.id = r.referrer_entry_id) AS referrer, \
            (SELECT e.id FROM entries e WHERE e.id = r.referred_entry_id) AS referred \
        FROM referrals r WHERE r.waitlist_id = "
        list: sql_types::Uuid = Uuid, " AND r.state = "
        state: Text = String, " ORDER BY r.waitlist_id, r.state, r.created_at, r.id"
    }
}

#[derive(QueryableByName)]
struct LedgerRow {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = SmallInt)]
    score: i16,
    #[diesel(sql_type = Text)]
    reasons: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    decided_at: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Text>)]
    decided_by: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    referrer: Option<Uuid>,
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    referred: Option<Uuid>,
}

impl LedgerRow {
    fn line(self, list: WaitlistId) -> Result<Line, Fault> {
        let (by, reason) = (self.decided_by.map(Subject::from_stored), self.reason.map(DecisionReason::from_stored));
        let referral = Referral {
            id: ReferralId::new(self.id),
            waitlist_id: list,
            referrer: self.referrer.map(EntryId::new),
            referred: self.referred.map(EntryId::new),
            state: ReferralState::parse(&self.state).map_err(corrupt("state of a referral"))?,
            score: u8::try_from(self.score).unwrap_or(0),
            reasons: ReferralSignal::split(&self.reasons),
            policy: None,
            created_at: Timestamp::new(self.created_at),
            decision: self.decided_at.map(|at| ReferralDecision { at: Timestamp::new(at), by, reason }),
        };
        Ok(Line::Referral(export::Referral::of(&referral)))
    }
}

/// The rows come one by one, so that memory does not grow with their number.
async fn send_referrals(c: &mut AsyncPgConnection, id: WaitlistId, batches: &Batches<Line>) -> Result<(), Abort<Fault>> {
    for state in ReferralState::ALL {
        let statement = Referrals { list: id.uuid(), state: state.as_str().to_owned() };
        let mut rows = std::pin::pin!(statement.load_stream::<LedgerRow>(c).await?);
        let mut lines = Vec::new();
        while let Some(row) = rows.try_next().await? {
            lines.push(row.line(id)?);
            if lines.len() as u64 >= from_bigint(BATCH) && batches.send(Ok(std::mem::take(&mut lines))).await.is_err() {
                return Ok(());
            }
        }
        if batches.send(Ok(lines)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}
