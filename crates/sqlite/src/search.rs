//! [`EntrySearch`] on SQLite. `entry_terms` has the terms of entries, which `rally_domain::search` makes. A worker writes them after the
//! sign-up, and the transaction of a changed profile replaces them.
//!
//! A search first finds the ids of its page, by at most three statements that each go by one index, and then loads these entries.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{BigInt, Binary, Double, Text};
use diesel::sqlite::Sqlite;
use rally_domain::entry::Entry;
use rally_domain::error::Fault;
use rally_domain::id::WaitlistId;
use rally_domain::paging::{Limit, Page};
use rally_domain::port::EntrySearch;
use rally_domain::referral::Position;
use rally_domain::search::{COUNTED, EntryKey, EntryQuery, EntrySort, TermFilter, looked_through, terms_of};
use rally_domain::timestamp::Timestamp;

use crate::convert::{Blob, from_bigint, instant, to_bigint};
use crate::entries::EntryRow;
use crate::fault::query_fault;
use crate::schema::{entries, entry_terms, waitlist_totals};
use crate::stats::LEADS;
use crate::{SqliteStore, lists};

#[async_trait]
impl EntrySearch for SqliteStore {
    async fn search(
        &self,
        waitlist_id: WaitlistId,
        query: EntryQuery,
        after: Option<EntryKey>,
        limit: Limit,
    ) -> Result<Page<Entry, EntryKey>, Fault> {
        self.database.read(move |c| search(c, waitlist_id, &query, after, limit)).await
    }

    async fn count(&self, waitlist_id: WaitlistId, query: EntryQuery, until: Position) -> Result<u64, Fault> {
        let query = EntryQuery { sort: EntrySort::Position, ..query };
        self.database.read(move |c| count(c, waitlist_id, &query, until).map_err(query_fault)).await
    }

    async fn index(&self, most: usize) -> Result<bool, Fault> {
        // Most calls find nothing, and this read costs no write transaction.
        let lists = self.database.read(|c| behind(c).map_err(query_fault)).await?;
        if lists.is_empty() {
            return Ok(false);
        }
        self.database.write::<_, Infallible>(move |c| Ok(index_lists(c, &lists, most)?)).await.map_err(Into::into)
    }
}

/// The most lists in a batch.
const LISTS_AT_ONCE: usize = 32;

/// The list of a search. `None` if it is gone, or if it is not the one of the referrer: a code counts only on its own list.
fn find_list(c: &mut SqliteConnection, id: WaitlistId, query: &EntryQuery) -> QueryResult<Option<lists::ListState>> {
    if let Some(referrer) = query.referred_by {
        let of = entries::table.find(Blob(referrer.uuid())).select(entries::waitlist_id).first::<Blob>(c).optional()?;
        if of.is_none_or(|list| list.0 != id.uuid()) {
            return Ok(None);
        }
    }
    lists::find(c, id)
}

fn search(
    c: &mut SqliteConnection,
    waitlist_id: WaitlistId,
    query: &EntryQuery,
    after: Option<EntryKey>,
    limit: Limit,
) -> Result<Page<Entry, EntryKey>, Fault> {
    let Some(list) = find_list(c, waitlist_id, query).map_err(query_fault)? else {
        return Ok(Page::from_overfetch(Vec::new(), limit, |last| query.key(last)));
    };
    let rows = find(c, &Search::all(waitlist_id, query, after, limit)).map_err(query_fault)?;
    let mut found = rows.into_iter().map(|row| Ok((row.key(query)?, row.id))).collect::<Result<Vec<_>, Fault>>()?;
    found.sort_by_key(|(key, _)| *key);
    found.truncate(limit.rows() + 1);
    let ids: Vec<Blob> = found.into_iter().map(|(_, id)| id).collect();
    let rows: Vec<EntryRow> = entries::table.filter(entries::id.eq_any(ids)).select(EntryRow::as_select()).load(c).map_err(query_fault)?;
    let mut rows = rows.into_iter().map(|row| list.entry(row)).collect::<Result<Vec<_>, _>>()?;
    rows.sort_by_key(|entry| query.key(entry));
    Ok(Page::from_overfetch(rows, limit, |last| query.key(last)))
}

/// Carries out searches. A page that is likely to be near is looked for there first.
fn find(c: &mut SqliteConnection, searches: &[Search<'_>]) -> QueryResult<Vec<FoundRow>> {
    if let [search] = searches
        && search.may_be_near()
    {
        let counted: CountRow = search.how_many().get_result(c)?;
        for rows in looked_through(from_bigint(counted.number)).iter().copied() {
            let near: Vec<FoundRow> = Search { source: Source::Near(rows), ..*search }.statement().load(c)?;
            if near.len() as u64 == search.most {
                return Ok(near);
            }
        }
    }
    let mut found = Vec::new();
    for search in searches {
        found.extend(search.statement().load::<FoundRow>(c)?);
    }
    Ok(found)
}

/// Some lists with entries whose terms are not written. Of many lists, each gets its turn.
fn behind(c: &mut SqliteConnection) -> QueryResult<Vec<Blob>> {
    use crate::schema::waitlist_totals::dsl::{last_position, search_position, waitlist_id};
    let behind = waitlist_totals::table.filter(search_position.lt(last_position)).order(sql::<Double>("random()"));
    behind.limit(to_bigint(LISTS_AT_ONCE as u64)).select(waitlist_id).load(c)
}

/// Writes the terms of a batch of entries of some lists. Returns whether more may be left. Each list has its share, so that one with many new
/// entries does not keep others waiting.
fn index_lists(c: &mut SqliteConnection, lists: &[Blob], most: usize) -> QueryResult<bool> {
    let share = to_bigint((most / lists.len().max(1)).max(1) as u64);
    let mut is_more_left = lists.len() == LISTS_AT_ONCE;
    for list in lists {
        is_more_left |= index_list(c, *list, share)?;
    }
    Ok(is_more_left)
}

/// Writes the terms of at most so many entries of a list. Returns whether more may be left.
fn index_list(c: &mut SqliteConnection, list: Blob, most: i64) -> QueryResult<bool> {
    let cursors = waitlist_totals::table.find(list).select((waitlist_totals::last_position, waitlist_totals::search_position));
    let Some((last, after)) = cursors.first::<(i64, i64)>(c).optional()? else { return Ok(false) };
    let batch = entries::table.filter(entries::waitlist_id.eq(list).and(entries::position.gt(after))).order(entries::position).limit(most);
    let batch: Vec<EntryRow> = batch.select(EntryRow::as_select()).load(c)?;
    let is_full = to_bigint(batch.len() as u64) == most;
    let next = batch.last().filter(|_| is_full).map_or(last, |row| row.position);
    // A row that does not read as an entry cannot be found, and must not stop those behind it.
    for entry in batch.into_iter().filter_map(|row| Entry::try_from(row).ok()) {
        write_terms(c, &entry)?;
    }
    diesel::update(waitlist_totals::table.find(list)).set(waitlist_totals::search_position.eq(next)).execute(c)?;
    Ok(is_full)
}

/// Writes the terms of an entry. Those that are there stay.
fn write_terms(c: &mut SqliteConnection, entry: &Entry) -> QueryResult<()> {
    for term in terms_of(entry) {
        let row = (
            entry_terms::waitlist_id.eq(Blob(entry.waitlist_id.uuid())),
            entry_terms::position.eq(to_bigint(entry.position.number())),
            entry_terms::term.eq(term),
        );
        diesel::insert_or_ignore_into(entry_terms::table).values(row).execute(c)?;
    }
    Ok(())
}

/// Replaces the terms of an entry, in the transaction of its change.
pub(crate) fn replace_terms(c: &mut SqliteConnection, entry: &Entry) -> QueryResult<()> {
    let (list, position) = (Blob(entry.waitlist_id.uuid()), to_bigint(entry.position.number()));
    let old = entry_terms::table.filter(entry_terms::waitlist_id.eq(list).and(entry_terms::position.eq(position)));
    diesel::delete(old).execute(c)?;
    write_terms(c, entry)
}

/// Has the terms of entries written that are inserted before the last position of their list.
pub(crate) fn index_again(c: &mut SqliteConnection, list: WaitlistId, new: &[Entry]) -> QueryResult<()> {
    let Some(first) = new.iter().map(|entry| entry.position.number()).min() else { return Ok(()) };
    let before = to_bigint(first.saturating_sub(1));
    let is_behind = waitlist_totals::waitlist_id.eq(Blob(list.uuid())).and(waitlist_totals::search_position.gt(before));
    diesel::update(waitlist_totals::table.filter(is_behind)).set(waitlist_totals::search_position.eq(before)).execute(c).map(|_| ())
}

fn count(c: &mut SqliteConnection, list: WaitlistId, query: &EntryQuery, until: Position) -> QueryResult<u64> {
    let mut number = 0;
    if find_list(c, list, query)?.is_none() {
        return Ok(number);
    }
    for search in Search::all(list, query, None, Limit::default()) {
        let every = Search { most: i64::MAX.unsigned_abs(), ..search };
        let counted: CountRow = every.count(until).get_result(c)?;
        number += from_bigint(counted.number);
    }
    Ok(number)
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct FoundRow {
    #[diesel(sql_type = Binary)]
    id: Blob,
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = BigInt)]
    referral_count: i64,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
}

impl FoundRow {
    fn key(&self, query: &EntryQuery) -> Result<EntryKey, Fault> {
        let (position, created_at) = (Position::new(from_bigint(self.position)), instant(self.created_at)?);
        Ok(EntryKey { value: query.sort.value(position, created_at, from_bigint(self.referral_count), query.boost), position })
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
    Id(Blob),
    Text(String),
    Number(i64),
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
        self.text.push('?');
        self
    }

    fn statement<'f>(self) -> BoxedSqlQuery<'f, Sqlite, SqlQuery> {
        let Self { text, binds } = self;
        binds.into_iter().fold(diesel::sql_query(text).into_boxed(), |statement, bind| match bind {
            Bind::Id(id) => statement.bind::<Binary, _>(id),
            Bind::Text(text) => statement.bind::<Text, _>(text),
            Bind::Number(number) => statement.bind::<BigInt, _>(number),
        })
    }

    fn id(&mut self, id: Blob) -> &mut Self {
        self.bind(Bind::Id(id))
    }

    fn number(&mut self, number: u64) -> &mut Self {
        self.bind(Bind::Number(to_bigint(number)))
    }

    fn time(&mut self, instant: Timestamp) -> &mut Self {
        self.bind(Bind::Number(instant.unix_millis()))
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
    list: Blob,
    query: &'a EntryQuery,
    after: Option<EntryKey>,
    most: u64,
    source: Source,
    part: Part,
}

impl<'a> Search<'a> {
    /// The statements that together find a page.
    fn all(list: WaitlistId, query: &'a EntryQuery, after: Option<EntryKey>, limit: Limit) -> Vec<Self> {
        let (list, most) = (Blob(list.uuid()), limit.rows() as u64 + 1);
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

    fn statement<'f>(&self) -> BoxedSqlQuery<'f, Sqlite, SqlQuery> {
        let mut sql = Builder::default();
        self.push_statement(&mut sql);
        sql.statement()
    }

    /// The statement that counts what is found up to a position.
    fn count<'f>(&self, until: Position) -> BoxedSqlQuery<'f, Sqlite, SqlQuery> {
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

    /// Writes the source. A limit keeps the planner from another way, and the order names the index.
    fn push_source(&self, sql: &mut Builder) {
        const FROM: &str = "(SELECT x.* FROM entries x WHERE x.waitlist_id = ";
        match self.source {
            source if source.is_ordered(self.query.sort) => {
                sql.push("entries e");
            }
            Source::Terms => {
                self.push_found(sql);
                sql.push(" found CROSS JOIN entries e ON e.position = found.position AND e.waitlist_id = ").id(self.list);
            }
            Source::Friends => {
                let referrer = Blob(self.query.referred_by.map(|id| id.uuid()).unwrap_or_default());
                sql.push("(SELECT x.* FROM entries x WHERE x.referred_by_entry_id = ").id(referrer);
                sql.push(" ORDER BY x.referred_by_entry_id LIMIT -1 OFFSET 0) e");
            }
            Source::Time | Source::Confirmed | Source::Invited => {
                sql.push("(SELECT x.* FROM ");
                self.push_range(sql);
                sql.push(" LIMIT -1 OFFSET 0) e");
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
                sql.push(FROM).id(self.list).push(" AND x.status = 'rejected' AND x.referral_count > 0");
                sql.push(" ORDER BY x.status, x.position LIMIT -1 OFFSET 0) e");
            }
            Source::Leaders | Source::Others | Source::List => {
                sql.push(FROM).id(self.list).push(" AND ").push(LEADS);
                sql.push(" ORDER BY x.waitlist_id, x.referral_count DESC, x.position LIMIT -1 OFFSET 0) e");
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
    fn how_many<'f>(&self) -> BoxedSqlQuery<'f, Sqlite, SqlQuery> {
        let mut sql = Builder::default();
        sql.push("SELECT count(*) AS number FROM (SELECT 1 FROM ");
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
                sql.id(self.list).term(first).push(" ORDER BY t.waitlist_id, t.term LIMIT -1 OFFSET 0) r WHERE true");
                "r.position"
            }
        };
        let is_backwards = self.query.sort == EntrySort::LastPosition;
        if !self.terms_say_all() {
            sql.push(" ORDER BY ").push(column).push(" LIMIT -1 OFFSET 0)");
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
        let sort = self.query.sort;
        if let Some(EntryKey { value, position }) = self.after {
            let (position, count) = (position.number(), value.unsigned_abs());
            match (sort, self.source, self.part) {
                (EntrySort::MostReferrals, Source::Others, _) if count > 0 => sql.push(""),
                (EntrySort::EffectivePosition, Source::Others, _) => sql.push(" AND e.position > ").number(count),
                (EntrySort::Newest, _, Part::Ties) => {
                    sql.push(" AND e.created_at = ").bind(Bind::Number(-value)).push(" AND e.position > ").number(position)
                }
                (EntrySort::Newest, ..) => sql.push(" AND e.created_at < ").bind(Bind::Number(-value)),
                (EntrySort::MostReferrals, _, Part::Ties) => {
                    sql.push(" AND e.referral_count = ").number(count).push(" AND e.position > ").number(position)
                }
                (EntrySort::MostReferrals, _, Part::Beyond) => sql.push(" AND e.referral_count < ").number(count),
                (EntrySort::LastPosition, ..) => sql.push(" AND e.position < ").number(position),
                _ => sql.push(" AND e.position > ").number(position),
            };
        }
        self.push_filters(sql);
        sql.push(" ORDER BY ").push(match (sort, self.source) {
            (EntrySort::Newest, _) => "e.waitlist_id DESC, e.created_at DESC, e.position",
            (EntrySort::MostReferrals, Source::Leaders) => "e.waitlist_id, e.referral_count DESC, e.position",
            (EntrySort::LastPosition, _) => "e.position DESC",
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
                    sql.push("e.created_at < ").bind(Bind::Number(-value)).push(" OR e.created_at = ").bind(Bind::Number(-value));
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
        format!("max(1, e.position - e.referral_count * {})", self.query.boost.places())
    }

    fn push_filters(&self, sql: &mut Builder) {
        let query = self.query;
        if let Some(status) = query.status {
            sql.push(" AND e.status = ").bind(Bind::Text(status.as_str().to_owned()));
        }
        for (column, wanted) in [("e.confirmed_at", query.confirmed), ("e.invited_at", query.invited)] {
            match wanted {
                Some(true) => sql.push(" AND ").push(column).push(" IS NOT NULL"),
                Some(false) => sql.push(" AND ").push(column).push(" IS NULL"),
                None => sql.push(""),
            };
        }
        if let Some(id) = query.referred_by.filter(|_| self.source != Source::Friends) {
            sql.push(" AND e.referred_by_entry_id = ").id(Blob(id.uuid()));
        }
        if self.source != Source::Time {
            self.push_time(sql, "e.created_at");
        }
        for filter in query.terms.iter().skip(usize::from(self.source == Source::Terms)) {
            sql.push(" AND EXISTS (SELECT 1 FROM entry_terms t WHERE t.waitlist_id = ").id(self.list);
            sql.push(" AND t.position = e.position").term(filter).push(")");
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
