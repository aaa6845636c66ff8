//! The statements that find the page of a search. Each goes by one index.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{self, BigInt, Text, Timestamptz};
use rally_domain::entry::EntryStatus;
use rally_domain::id::WaitlistId;
use rally_domain::paging::Limit;
use rally_domain::referral::Position;
use rally_domain::search::{COUNTED, EntryKey, EntryQuery, EntrySort, TermFilter};
use rally_domain::timestamp::Timestamp;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::{from_bigint, to_bigint};
use crate::stats::LEADS;

#[derive(QueryableByName)]
pub(crate) struct CountRow {
    #[diesel(sql_type = BigInt)]
    pub(crate) number: i64,
}

#[derive(QueryableByName)]
pub(crate) struct FoundRow {
    #[diesel(sql_type = sql_types::Uuid)]
    pub(crate) id: Uuid,
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = BigInt)]
    referral_count: i64,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
}

impl FoundRow {
    pub(crate) fn key(&self, query: &EntryQuery) -> EntryKey {
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
pub(crate) struct Search<'a> {
    list: Uuid,
    query: &'a EntryQuery,
    after: Option<EntryKey>,
    pub(crate) most: u64,
    source: Source,
    part: Part,
}

impl<'a> Search<'a> {
    /// The statements that together find a page.
    pub(crate) fn all(list: WaitlistId, query: &'a EntryQuery, after: Option<EntryKey>, limit: Limit) -> Vec<Self> {
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

    pub(crate) fn statement<'f>(&self) -> BoxedSqlQuery<'f, Pg, SqlQuery> {
        let mut sql = Builder::default();
        self.push_statement(&mut sql);
        sql.statement()
    }

    /// The statement that counts what is found up to a position.
    pub(crate) fn count<'f>(&self, until: Position) -> BoxedSqlQuery<'f, Pg, SqlQuery> {
        let every = Self { most: i64::MAX.unsigned_abs(), ..*self };
        let mut sql = Builder::default();
        sql.push("SELECT count(*) AS number FROM (");
        every.push_statement(&mut sql);
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

    /// The same search among the next rows by position, so many of them.
    pub(crate) fn near(&self, rows: u64) -> Self {
        Self { source: Source::Near(rows), ..*self }
    }

    /// Whether a page may be found sooner among the next rows by position.
    pub(crate) fn may_be_near(&self) -> bool {
        let by_position = matches!(self.query.sort, EntrySort::Position | EntrySort::LastPosition);
        let is_range = match self.source {
            Source::Terms => matches!(self.query.terms.as_slice(), [TermFilter::StartsWith(_), ..]),
            source => matches!(source, Source::Time | Source::Confirmed | Source::Invited),
        };
        by_position && is_range
    }

    /// The statement that counts the rows that the index of the source has, up to [`COUNTED`].
    pub(crate) fn how_many<'f>(&self) -> BoxedSqlQuery<'f, Pg, SqlQuery> {
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
