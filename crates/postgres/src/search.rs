//! [`EntrySearch`] on PostgreSQL. `entry_terms` has the terms of entries, which `rally_domain::search` makes. A worker writes them after the
//! sign-up, so that a sign-up pays nothing for them, and the transaction of a changed profile replaces them.
//!
//! A search first finds the ids of its page, by at most three statements that each go by one index, and then loads these entries.

use std::collections::BTreeMap;

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{self, Array, BigInt, Double, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::WaitlistId;
use rally_domain::paging::{Limit, Page};
use rally_domain::port::EntrySearch;
use rally_domain::referral::Position;
use rally_domain::search::{COUNTED, EntryKey, EntryQuery, EntrySort, TermFilter, looked_through, terms_of};
use rally_domain::timestamp::Timestamp;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::{from_bigint, to_bigint};
use crate::entries::EntryRow;
use crate::fault::{Abort, query_fault};
use crate::schema::{entries, waitlist_totals, waitlists};
use crate::statement::statement;
use crate::stats::LEADS;
use crate::{PgStore, lists, transaction};

#[async_trait]
impl EntrySearch for PgStore {
    async fn search(
        &self,
        waitlist_id: WaitlistId,
        query: EntryQuery,
        after: Option<EntryKey>,
        limit: Limit,
    ) -> Result<Page<Entry, EntryKey>, Fault> {
        let mut c = self.connection().await?;
        let Some(list) = find_list(&mut c, waitlist_id, &query).await.map_err(query_fault)? else {
            return Ok(Page::from_overfetch(Vec::new(), limit, |last| query.key(last)));
        };
        let found = find(&mut c, &Search::all(waitlist_id, &query, after, limit)).await.map_err(query_fault)?;
        let mut found: Vec<(EntryKey, Uuid)> = found.into_iter().map(|row| (row.key(&query), row.id)).collect();
        found.sort_unstable();
        found.truncate(limit.rows() + 1);
        let ids: Vec<Uuid> = found.into_iter().map(|(_, id)| id).collect();
        let rows: Vec<EntryRow> =
            entries::table.filter(entries::id.eq_any(ids)).select(EntryRow::as_select()).load(&mut c).await.map_err(query_fault)?;
        let mut rows = rows.into_iter().map(|row| list.entry(row)).collect::<Result<Vec<_>, _>>()?;
        rows.sort_by_key(|entry| query.key(entry));
        Ok(Page::from_overfetch(rows, limit, |last| query.key(last)))
    }

    async fn count(&self, waitlist_id: WaitlistId, query: EntryQuery, until: Position) -> Result<u64, Fault> {
        let (query, mut c) = (EntryQuery { sort: EntrySort::Position, ..query }, self.connection().await?);
        let mut number = 0;
        if find_list(&mut c, waitlist_id, &query).await.map_err(query_fault)?.is_none() {
            return Ok(number);
        }
        for search in Search::all(waitlist_id, &query, None, Limit::default()) {
            let every = Search { most: i64::MAX.unsigned_abs(), ..search };
            let counted: CountRow = every.count(until).get_result(&mut c).await.map_err(query_fault)?;
            number += from_bigint(counted.number);
        }
        Ok(number)
    }

    async fn index(&self, most: usize) -> Result<bool, Fault> {
        use crate::schema::waitlist_totals::dsl::{last_position, search_position, waitlist_id};
        // Of many lists, each gets its turn.
        let behind = waitlist_totals::table.filter(search_position.lt(last_position)).order(sql::<Double>("random()"));
        let behind = behind.limit(to_bigint(LISTS_AT_ONCE as u64)).select(waitlist_id);
        let lists: Vec<Uuid> = behind.load(&mut self.connection().await?).await.map_err(query_fault)?;
        if lists.is_empty() {
            return Ok(false);
        }
        if let Some(is_more_left) = index_lists(self, &lists, most).await? {
            return Ok(is_more_left || lists.len() == LISTS_AT_ONCE);
        }
        // One of them was locked, or has changed. It must not stop the others.
        for list in lists.chunks(1).filter(|_| lists.len() > 1) {
            index_lists(self, list, most).await?;
        }
        Ok(true)
    }
}

/// The list of a search. `None` if it is gone, or if it is not the one of the referrer: a code counts only on its own list.
async fn find_list(c: &mut AsyncPgConnection, id: WaitlistId, query: &EntryQuery) -> QueryResult<Option<lists::ListState>> {
    if let Some(referrer) = query.referred_by {
        let of = entries::table.find(referrer.uuid()).select(entries::waitlist_id).first::<Uuid>(c).await.optional()?;
        if of != Some(id.uuid()) {
            return Ok(None);
        }
    }
    lists::find(&*c, id).await
}

/// Carries out searches. A page that is likely to be near is looked for there first.
async fn find(c: &mut AsyncPgConnection, searches: &[Search<'_>]) -> QueryResult<Vec<FoundRow>> {
    if let [search] = searches
        && search.may_be_near()
    {
        let counted: CountRow = search.how_many().get_result(c).await?;
        for rows in looked_through(from_bigint(counted.number)).iter().copied() {
            let near: Vec<FoundRow> = Search { source: Source::Near(rows), ..*search }.statement().load(c).await?;
            if near.len() as u64 == search.most {
                return Ok(near);
            }
        }
    }
    let mut found = Vec::new();
    for search in searches {
        found.extend(search.statement().load::<FoundRow>(c).await?);
    }
    Ok(found)
}

/// The most lists in a batch.
const LISTS_AT_ONCE: usize = 32;

/// Begins a batch. If a crash of the machine undoes it, a later one does the same. A batch waits at most 250 ms for a lock.
const BEGIN_BATCH: &str = "BEGIN; SET LOCAL synchronous_commit = off; SET LOCAL lock_timeout = '250ms'";

/// Why a batch is written again.
#[derive(Debug, thiserror::Error)]
#[error("a list has changed while terms were written, or is locked")]
struct Overtaken;

/// Turns a lock timeout, on any row, into [`Overtaken`]: others are at work on the list.
fn locked(abort: Abort<Overtaken>) -> Abort<Overtaken> {
    if abort.is_locked_out() { Abort::Rejected(Overtaken) } else { abort }
}

/// Writes the terms of a batch of entries of some lists. Returns whether more may be left, or `None` if it was overtaken.
///
/// Sign-ups go on meanwhile: all rows up to the last position are committed. Whatever changes one of them adds to `search_changes`, with the
/// list locked, so that the batch is written again.
async fn index_lists(store: &PgStore, lists: &[Uuid], most: usize) -> Result<Option<bool>, Fault> {
    let outcome: Result<bool, CommandError<Overtaken>> =
        transaction!(store, BEGIN_BATCH, |c| index_batch(c, lists, most).await.map_err(locked));
    match outcome {
        Ok(is_more_left) => Ok(Some(is_more_left)),
        Err(CommandError::Rejected(Overtaken)) => Ok(None),
        Err(CommandError::Fault(fault)) => Err(fault),
    }
}

/// How far a list is.
#[derive(Queryable, Clone, Copy)]
struct Cursor {
    list: Uuid,
    last: i64,
    search: i64,
    changes: i64,
}

async fn index_batch(c: &mut AsyncPgConnection, lists: &[Uuid], most: usize) -> Result<bool, Abort<Overtaken>> {
    use crate::schema::waitlist_totals::dsl::{last_position, search_changes, search_position, waitlist_id};
    // One process at a time is at a list. Sign-ups do not wait for it: they lock the totals.
    let claim = waitlists::table.filter(waitlists::id.eq_any(lists)).order(waitlists::id).select(waitlists::id).for_no_key_update();
    claim.load::<Uuid>(c).await?;
    let columns = (waitlist_id, last_position, search_position, search_changes);
    let of_lists = waitlist_totals::table.filter(waitlist_id.eq_any(lists).and(search_position.lt(last_position))).order(waitlist_id);
    let cursors = of_lists.select(columns).load::<Cursor>(c).await?;
    if cursors.is_empty() {
        return Ok(false);
    }
    // Each list has its share, so that one with many new entries does not keep others waiting.
    let share = (most / cursors.len()).max(1);
    let found: Vec<NextRow> = FindBatch::of(&cursors, share).load(c).await?;
    let mut positions: BTreeMap<Uuid, Vec<i64>> = BTreeMap::new();
    for row in &found {
        positions.entry(row.list).or_default().push(row.position);
    }
    let full = |list: Uuid| positions.get(&list).filter(|positions| positions.len() == share);
    let next = |cursor: &Cursor| full(cursor.list).and_then(|positions| positions.iter().max().copied()).unwrap_or(cursor.last);
    let steps: Vec<Step> = cursors.iter().map(|from| Step { from: *from, next: next(from) }).collect();
    let is_more_left = steps.iter().any(|step| full(step.from.list).is_some());
    let ids: Vec<Uuid> = found.into_iter().map(|row| row.id).collect();
    let batch: Vec<EntryRow> = entries::table.filter(entries::id.eq_any(ids)).select(EntryRow::as_select()).load(c).await?;
    delete_terms(c, steps.iter().map(|step| (step.from.list, step.from.search + 1, step.next))).await?;
    // A row that does not read as an entry cannot be found, and must not stop those behind it.
    let batch: Vec<Entry> = batch.into_iter().filter_map(|row| Entry::try_from(row).ok()).collect();
    write_terms(c, &batch).await?;
    let of_steps = waitlist_totals::table.filter(waitlist_id.eq_any(steps.iter().map(|step| step.from.list))).order(waitlist_id);
    let now = of_steps.select(columns).for_update().load::<Cursor>(c).await?;
    let is_as_before = |(step, now): (&Step, &Cursor)| step.from.search == now.search && step.from.changes == now.changes;
    if now.len() != steps.len() || !steps.iter().zip(&now).all(is_as_before) {
        return Err(Abort::Rejected(Overtaken));
    }
    let (lists, positions) = steps.iter().map(|step| (step.from.list, step.next)).unzip();
    Advance { lists, positions }.execute(c).await?;
    Ok(is_more_left)
}

/// How far a batch brings a list.
struct Step {
    from: Cursor,
    next: i64,
}

#[derive(QueryableByName)]
struct NextRow {
    #[diesel(sql_type = sql_types::Uuid)]
    list: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    position: i64,
}

statement! {
    /// Finds entries without terms, of each list those that come next.
    FindBatch {
        "SELECT asked.list, new.id, new.position FROM unnest("
        lists: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        after: Array<BigInt> = Vec<i64>, ", "
        last: Array<BigInt> = Vec<i64>, ") AS asked (list, after, last) CROSS JOIN LATERAL (
            SELECT id, position FROM entries WHERE waitlist_id = asked.list AND position > asked.after AND position <= asked.last
            ORDER BY position LIMIT " share: BigInt = i64, "
        ) new"
    }
}

impl FindBatch {
    fn of(cursors: &[Cursor], share: usize) -> Self {
        Self {
            lists: cursors.iter().map(|cursor| cursor.list).collect(),
            after: cursors.iter().map(|cursor| cursor.search).collect(),
            last: cursors.iter().map(|cursor| cursor.last).collect(),
            share: to_bigint(share as u64),
        }
    }
}

statement! {
    /// Notes how far lists are.
    Advance {
        "UPDATE waitlist_totals SET search_position = reached.position FROM unnest("
        lists: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        positions: Array<BigInt> = Vec<i64>, ") AS reached (list, position) WHERE waitlist_totals.waitlist_id = reached.list"
    }
}

async fn write_terms(c: &mut AsyncPgConnection, batch: &[Entry]) -> QueryResult<()> {
    let mut write = WriteTerms { lists: Vec::new(), positions: Vec::new(), terms: Vec::new() };
    for entry in batch {
        for term in terms_of(entry) {
            write.lists.push(entry.waitlist_id.uuid());
            write.positions.push(to_bigint(entry.position.number()));
            write.terms.push(term);
        }
    }
    write.execute(c).await.map(|_| ())
}

/// Replaces the terms of an entry, in the transaction of its change. The list is locked.
pub(crate) async fn replace_terms(c: &mut AsyncPgConnection, entry: &Entry) -> QueryResult<()> {
    let (list, position) = (entry.waitlist_id.uuid(), to_bigint(entry.position.number()));
    note_change(c, list, i64::MAX).await?;
    delete_terms(c, std::iter::once((list, position, position))).await?;
    write_terms(c, std::slice::from_ref(entry)).await
}

/// Deletes the terms of entries, of each list those between two positions.
async fn delete_terms(c: &mut AsyncPgConnection, old: impl Iterator<Item = (Uuid, i64, i64)>) -> QueryResult<()> {
    let mut delete = DeleteTerms { lists: Vec::new(), first: Vec::new(), last: Vec::new() };
    for (list, first, last) in old {
        delete.lists.push(list);
        delete.first.push(first);
        delete.last.push(last);
    }
    delete.execute(c).await.map(|_| ())
}

/// Has the terms of entries written that are inserted before the last position of their list.
pub(crate) async fn index_again(c: &mut AsyncPgConnection, list: WaitlistId, new: &[Entry]) -> QueryResult<()> {
    let Some(first) = new.iter().map(|entry| entry.position.number()).min() else { return Ok(()) };
    note_change(c, list.uuid(), to_bigint(first.saturating_sub(1))).await
}

/// Notes that something has changed, and that no more terms are written than up to a position.
async fn note_change(c: &mut AsyncPgConnection, list: Uuid, up_to: i64) -> QueryResult<()> {
    NoteChange { up_to, list }.execute(c).await.map(|_| ())
}

statement! {
    /// Notes a change of a list.
    NoteChange {
        "UPDATE waitlist_totals SET search_changes = search_changes + 1, search_position = least(search_position, "
        up_to: BigInt = i64, ") WHERE waitlist_id = " list: sql_types::Uuid = Uuid, ""
    }
}

statement! {
    /// Writes terms of entries that have none.
    WriteTerms {
        "INSERT INTO entry_terms (waitlist_id, position, term) SELECT * FROM unnest("
        lists: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        positions: Array<BigInt> = Vec<i64>, ", "
        terms: Array<Text> = Vec<String>, ")"
    }
}

statement! {
    /// Deletes terms.
    DeleteTerms {
        "DELETE FROM entry_terms t USING unnest("
        lists: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        first: Array<BigInt> = Vec<i64>, ", "
        last: Array<BigInt> = Vec<i64>, ") AS old (list, first, last)
        WHERE t.waitlist_id = old.list AND t.position >= old.first AND t.position <= old.last"
    }
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct FoundRow {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = BigInt)]
    referral_count: i64,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
}

impl FoundRow {
    fn key(&self, query: &EntryQuery) -> EntryKey {
        let (position, created_at) = (Position::new(from_bigint(self.position)), Timestamp::new(self.created_at));
        EntryKey { value: query.sort.value(position, created_at, from_bigint(self.referral_count), query.boost), position }
    }
}

/// Which entries a statement goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// Those with the first term.
    Terms,
    /// The friends of an entry.
    Friends,
    /// Those of a time.
    Time,
    /// Those whose person has confirmed the address.
    Confirmed,
    /// Those who were invited.
    Invited,
    /// So many that come next by their positions.
    Near(u64),
    /// Those with referrals that are not rejected, in the order of the index of leaders.
    Leaders,
    /// Rejected ones with referrals.
    Rejected,
    /// Those without referrals, which go by their positions.
    Others,
    /// All of the list, in an order that an index has.
    List,
}

impl Source {
    fn of(query: &EntryQuery) -> &'static [Self] {
        let has_time = query.created_since.is_some() || query.created_until.is_some();
        match query.sort {
            _ if !query.terms.is_empty() => &[Self::Terms],
            _ if query.referred_by.is_some() => &[Self::Friends],
            sort if has_time && sort != EntrySort::Newest => &[Self::Time],
            EntrySort::Position | EntrySort::LastPosition if query.status.is_none() && query.confirmed == Some(true) => &[Self::Confirmed],
            EntrySort::Position | EntrySort::LastPosition if query.status.is_none() && query.invited == Some(true) => &[Self::Invited],
            EntrySort::MostReferrals | EntrySort::EffectivePosition => &[Self::Leaders, Self::Rejected, Self::Others],
            _ => &[Self::List],
        }
    }

    /// Whether an index has the rows in the order of the query. Otherwise all of them are read and sorted.
    fn is_ordered(self, sort: EntrySort) -> bool {
        matches!((self, sort), (Self::List | Self::Others, _) | (Self::Leaders, EntrySort::MostReferrals))
    }
}

/// Which rows of an ordered source come after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// All.
    Whole,
    /// Those that are equal to the key, but for the position.
    Ties,
    /// Those after them.
    Beyond,
}

/// A bound value.
enum Bind {
    Id(Uuid),
    Text(String),
    Number(i64),
    Time(OffsetDateTime),
}

/// The text of a statement with its values.
#[derive(Default)]
struct Builder {
    text: String,
    binds: Vec<Bind>,
}

impl Builder {
    fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    fn bind(&mut self, value: Bind) -> &mut Self {
        self.binds.push(value);
        self.text.push_str(&format!("${}", self.binds.len()));
        self
    }

    fn statement<'f>(self) -> BoxedSqlQuery<'f, Pg, SqlQuery> {
        let Self { text, binds } = self;
        binds.into_iter().fold(diesel::sql_query(text).into_boxed(), |statement, bind| match bind {
            Bind::Id(id) => statement.bind::<sql_types::Uuid, _>(id),
            Bind::Text(text) => statement.bind::<Text, _>(text),
            Bind::Number(number) => statement.bind::<BigInt, _>(number),
            Bind::Time(instant) => statement.bind::<Timestamptz, _>(instant),
        })
    }

    fn id(&mut self, id: Uuid) -> &mut Self {
        self.bind(Bind::Id(id))
    }

    fn number(&mut self, number: u64) -> &mut Self {
        self.bind(Bind::Number(to_bigint(number)))
    }

    fn time(&mut self, instant: Timestamp) -> &mut Self {
        self.bind(Bind::Time(instant.instant()))
    }

    fn term(&mut self, filter: &TermFilter) -> &mut Self {
        match filter {
            TermFilter::Is(term) => self.push(" AND t.term = ").bind(Bind::Text(term.clone())),
            TermFilter::StartsWith(start) => {
                self.push(" AND t.term >= ").bind(Bind::Text(start.clone()));
                self.push(" AND t.term < ").bind(Bind::Text(TermFilter::end_of(start)))
            }
        }
    }
}

/// A statement that finds the ids of a page.
#[derive(Clone, Copy)]
struct Search<'a> {
    list: Uuid,
    query: &'a EntryQuery,
    after: Option<EntryKey>,
    most: u64,
    source: Source,
    part: Part,
}

impl<'a> Search<'a> {
    /// The statements that together find a page.
    fn all(list: WaitlistId, query: &'a EntryQuery, after: Option<EntryKey>, limit: Limit) -> Vec<Self> {
        let (list, most) = (list.uuid(), limit.rows() as u64 + 1);
        let goes_by_value = matches!(query.sort, EntrySort::Newest | EntrySort::MostReferrals);
        let mut all = Vec::new();
        for source in Source::of(query).iter().copied() {
            // An index goes on after a key of two columns that have different directions in two steps.
            let in_steps = after.is_some() && goes_by_value && source.is_ordered(query.sort) && source != Source::Others;
            let parts = if in_steps { &[Part::Ties, Part::Beyond][..] } else { &[Part::Whole] };
            all.extend(parts.iter().map(|part| Self { list, query, after, most, source, part: *part }));
        }
        all
    }

    fn statement<'f>(&self) -> BoxedSqlQuery<'f, Pg, SqlQuery> {
        let mut sql = Builder::default();
        self.push_statement(&mut sql);
        sql.statement()
    }

    /// The statement that counts what is found up to a position.
    fn count<'f>(&self, until: Position) -> BoxedSqlQuery<'f, Pg, SqlQuery> {
        let mut sql = Builder::default();
        sql.push("SELECT count(*) AS number FROM (");
        self.push_statement(&mut sql);
        sql.push(") found WHERE found.position <= ").number(until.number());
        sql.statement()
    }

    fn push_statement(&self, sql: &mut Builder) {
        sql.push("SELECT e.id, e.position, e.referral_count, e.created_at FROM ");
        self.push_source(sql);
        sql.push(" WHERE true");
        if self.source.is_ordered(self.query.sort) {
            self.push_ordered(sql);
        } else {
            self.push_unordered(sql);
        }
        sql.push(" LIMIT ").number(self.most);
    }

    /// Writes the source. `OFFSET 0` keeps the planner from another way, and the order names the index.
    fn push_source(&self, sql: &mut Builder) {
        const FROM: &str = "(SELECT x.* FROM entries x WHERE x.waitlist_id = ";
        match self.source {
            source if source.is_ordered(self.query.sort) => {
                sql.push("entries e");
            }
            Source::Terms => {
                self.push_found(sql);
                sql.push(" found CROSS JOIN LATERAL (SELECT x.* FROM entries x WHERE x.waitlist_id = ");
                sql.id(self.list).push(" AND x.position = found.position OFFSET 0) e");
            }
            Source::Friends => {
                let referrer = self.query.referred_by.map(|id| id.uuid()).unwrap_or_default();
                sql.push("(SELECT x.* FROM entries x WHERE x.referred_by_entry_id = ").id(referrer);
                sql.push(" ORDER BY x.referred_by_entry_id OFFSET 0) e");
            }
            Source::Time | Source::Confirmed | Source::Invited => {
                sql.push("(SELECT x.* FROM ");
                self.push_range(sql);
                sql.push(" OFFSET 0) e");
            }
            Source::Near(rows) => {
                let (after, direction) = match self.query.sort {
                    EntrySort::LastPosition => (" AND x.position < ", " DESC"),
                    _ => (" AND x.position > ", ""),
                };
                sql.push(FROM).id(self.list);
                if let Some(key) = self.after {
                    sql.push(after).number(key.position.number());
                }
                sql.push(" ORDER BY x.position").push(direction).push(" LIMIT ").number(rows).push(") e");
            }
            Source::Rejected => {
                // The status is the last one in the order of the index.
                sql.push(FROM).id(self.list).push(" AND (x.status, x.position) > ('rejected', 0) AND x.referral_count > 0");
                sql.push(" ORDER BY x.status, x.position OFFSET 0) e");
            }
            Source::Leaders | Source::Others | Source::List => {
                sql.push(FROM).id(self.list).push(" AND ").push(LEADS);
                sql.push(" ORDER BY x.waitlist_id, x.referral_count DESC, x.position OFFSET 0) e");
            }
        }
    }

    /// Writes which rows the index of the source has, in its order.
    fn push_range(&self, sql: &mut Builder) {
        let order = match self.source {
            Source::Terms => {
                sql.push("entry_terms t WHERE t.waitlist_id = ").id(self.list);
                if let [first, ..] = self.query.terms.as_slice() {
                    sql.term(first);
                }
                " ORDER BY t.waitlist_id, t.term"
            }
            Source::Confirmed => {
                sql.push("entries x WHERE x.waitlist_id = ").id(self.list).push(" AND x.confirmed_at IS NOT NULL");
                " ORDER BY x.waitlist_id, x.confirmed_at"
            }
            Source::Invited => {
                sql.push("entries x WHERE x.waitlist_id = ").id(self.list).push(" AND x.invited_at IS NOT NULL");
                " ORDER BY x.waitlist_id, x.invited_at"
            }
            _ => {
                sql.push("entries x WHERE x.waitlist_id = ").id(self.list);
                self.push_time(sql, "x.created_at");
                " ORDER BY x.waitlist_id DESC, x.created_at DESC"
            }
        };
        sql.push(order);
    }

    /// Whether a page may be found sooner among the next rows by position.
    fn may_be_near(&self) -> bool {
        let by_position = matches!(self.query.sort, EntrySort::Position | EntrySort::LastPosition);
        let is_range = match self.source {
            Source::Terms => matches!(self.query.terms.as_slice(), [TermFilter::StartsWith(_), ..]),
            source => matches!(source, Source::Time | Source::Confirmed | Source::Invited),
        };
        by_position && is_range
    }

    /// The statement that counts the rows that the index of the source has, up to [`COUNTED`].
    fn how_many<'f>(&self) -> BoxedSqlQuery<'f, Pg, SqlQuery> {
        let mut sql = Builder::default();
        sql.push("SELECT count(*) AS number FROM (SELECT FROM ");
        self.push_range(&mut sql);
        sql.push(" LIMIT ").number(COUNTED).push(") many");
        sql.statement()
    }

    /// Writes the positions of the entries with the first term, and only those of the page if nothing else is asked for.
    fn push_found(&self, sql: &mut Builder) {
        let [first, ..] = self.query.terms.as_slice() else { return };
        let column = match first {
            TermFilter::Is(_) => {
                sql.push("(SELECT t.position FROM entry_terms t WHERE t.waitlist_id = ").id(self.list).term(first);
                "t.position"
            }
            TermFilter::StartsWith(_) => {
                // An entry may have several such terms.
                sql.push("(SELECT DISTINCT r.position FROM (SELECT t.position FROM entry_terms t WHERE t.waitlist_id = ");
                sql.id(self.list).term(first).push(" ORDER BY t.waitlist_id, t.term OFFSET 0) r WHERE true");
                "r.position"
            }
        };
        let is_backwards = self.query.sort == EntrySort::LastPosition;
        if !self.terms_say_all() {
            sql.push(" ORDER BY ").push(column).push(" OFFSET 0)");
            return;
        }
        if let Some(after) = self.after {
            sql.push(" AND ").push(column).push(if is_backwards { " < " } else { " > " }).number(after.position.number());
        }
        sql.push(" ORDER BY ").push(column).push(if is_backwards { " DESC LIMIT " } else { " LIMIT " }).number(self.most).push(")");
    }

    /// Whether the first term alone says which entries are on the page.
    fn terms_say_all(&self) -> bool {
        let EntryQuery { status, confirmed, invited, referred_by, created_since, created_until, terms, sort, boost: _ } = self.query;
        let by_position = matches!(sort, EntrySort::Position | EntrySort::LastPosition);
        let others = status.is_some() || confirmed.is_some() || invited.is_some() || referred_by.is_some();
        by_position && terms.len() == 1 && !others && created_since.is_none() && created_until.is_none()
    }

    /// Writes conditions and order so that an index serves both.
    fn push_ordered(&self, sql: &mut Builder) {
        sql.push(" AND e.waitlist_id = ").id(self.list);
        match self.source {
            Source::Leaders => sql.push(" AND e.referral_count > 0 AND e.status <> 'rejected'"),
            Source::Others => sql.push(" AND e.referral_count = 0"),
            _ => sql.push(""),
        };
        let (sort, by_status) = (self.query.sort, self.query.status.filter(|_| self.source == Source::List));
        if let Some(EntryKey { value, position }) = self.after {
            let (position, count) = (position.number(), value.unsigned_abs());
            match (sort, self.source, self.part) {
                (EntrySort::MostReferrals, Source::Others, _) if count > 0 => sql.push(""),
                (EntrySort::EffectivePosition, Source::Others, _) => sql.push(" AND e.position > ").number(count),
                (EntrySort::Newest, _, Part::Ties) => {
                    sql.push(" AND e.created_at = ").time(instant(value)).push(" AND e.position > ").number(position)
                }
                (EntrySort::Newest, ..) => sql.push(" AND e.created_at < ").time(instant(value)),
                (EntrySort::MostReferrals, _, Part::Ties) => {
                    sql.push(" AND e.referral_count = ").number(count).push(" AND e.position > ").number(position)
                }
                (EntrySort::MostReferrals, _, Part::Beyond) => sql.push(" AND e.referral_count < ").number(count),
                (EntrySort::LastPosition, ..) => sql.push(" AND e.position < ").number(position),
                (EntrySort::Position, ..) if by_status.is_some() => {
                    let status = by_status.map(EntryStatus::as_str).unwrap_or_default().to_owned();
                    sql.push(" AND (e.status, e.position) > (").bind(Bind::Text(status)).push(", ").number(position).push(")")
                }
                _ => sql.push(" AND e.position > ").number(position),
            };
        }
        self.push_filters(sql);
        sql.push(" ORDER BY ").push(match (sort, self.source) {
            (EntrySort::Newest, _) => "e.waitlist_id DESC, e.created_at DESC, e.position",
            (EntrySort::MostReferrals, Source::Leaders) => "e.waitlist_id, e.referral_count DESC, e.position",
            (EntrySort::LastPosition, _) if by_status.is_some() => "e.status DESC, e.position DESC",
            (EntrySort::LastPosition, _) => "e.position DESC",
            _ if by_status.is_some() => "e.status, e.position",
            _ => "e.position",
        });
    }

    /// Writes conditions and order for rows that are read in whole.
    fn push_unordered(&self, sql: &mut Builder) {
        let column = if self.source == Source::Terms { "found.position" } else { "e.position" };
        self.push_filters(sql);
        if let Some(EntryKey { value, position }) = self.after {
            let (position, count) = (position.number(), value.unsigned_abs());
            sql.push(" AND (");
            match self.query.sort {
                EntrySort::Position => sql.push(column).push(" > ").number(position),
                EntrySort::LastPosition => sql.push(column).push(" < ").number(position),
                EntrySort::Newest => {
                    sql.push("e.created_at < ").time(instant(value)).push(" OR e.created_at = ").time(instant(value));
                    sql.push(" AND ").push(column).push(" > ").number(position)
                }
                EntrySort::MostReferrals => {
                    sql.push("e.referral_count < ").number(count).push(" OR e.referral_count = ").number(count);
                    sql.push(" AND ").push(column).push(" > ").number(position)
                }
                EntrySort::EffectivePosition => sql
                    .push("(")
                    .push(&self.effective())
                    .push(", ")
                    .push(column)
                    .push(") > (")
                    .number(count)
                    .push(", ")
                    .number(position)
                    .push(")"),
            };
            sql.push(")");
        }
        let first = match self.query.sort {
            EntrySort::Position | EntrySort::LastPosition => String::new(),
            EntrySort::Newest => "e.created_at DESC, ".to_owned(),
            EntrySort::MostReferrals => "e.referral_count DESC, ".to_owned(),
            EntrySort::EffectivePosition => format!("{}, ", self.effective()),
        };
        sql.push(" ORDER BY ").push(&first).push(column).push(if self.query.sort == EntrySort::LastPosition { " DESC" } else { "" });
    }

    fn effective(&self) -> String {
        format!("greatest(1, e.position - e.referral_count * {})", self.query.boost.places())
    }

    fn push_filters(&self, sql: &mut Builder) {
        let query = self.query;
        if let Some(status) = query.status {
            // Not an equation: the planner would forget the order of the index by status.
            let status = || Bind::Text(status.as_str().to_owned());
            sql.push(" AND e.status >= ").bind(status()).push(" AND e.status <= ").bind(status());
        }
        for (column, wanted) in [("e.confirmed_at", query.confirmed), ("e.invited_at", query.invited)] {
            match wanted {
                Some(true) => sql.push(" AND ").push(column).push(" IS NOT NULL"),
                Some(false) => sql.push(" AND ").push(column).push(" IS NULL"),
                None => sql.push(""),
            };
        }
        if let Some(id) = query.referred_by.filter(|_| self.source != Source::Friends) {
            sql.push(" AND e.referred_by_entry_id = ").id(id.uuid());
        }
        if self.source != Source::Time {
            self.push_time(sql, "e.created_at");
        }
        for filter in query.terms.iter().skip(usize::from(self.source == Source::Terms)) {
            sql.push(" AND EXISTS (SELECT FROM entry_terms t WHERE t.waitlist_id = ").id(self.list);
            // As a join the planner could read all entries with the term.
            sql.push(" AND t.position = e.position").term(filter).push(" ORDER BY t.position, t.term OFFSET 0)");
        }
    }

    fn push_time(&self, sql: &mut Builder, column: &str) {
        if let Some(since) = self.query.created_since {
            sql.push(" AND ").push(column).push(" >= ").time(since);
        }
        if let Some(until) = self.query.created_until {
            sql.push(" AND ").push(column).push(" < ").time(until);
        }
    }
}

/// The instant of a key.
fn instant(value: i64) -> Timestamp {
    Timestamp::from_unix_millis(-value).unwrap_or_else(|_| Timestamp::new(OffsetDateTime::UNIX_EPOCH))
}
