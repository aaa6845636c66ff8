//! [`EntrySearch`] on SQLite. A search first finds the ids of its page, by at most three statements that each go by one index
//! ([`crate::search_statement`]), and then loads these entries.

use async_trait::async_trait;
use diesel::prelude::*;
use rally_domain::entry::Entry;
use rally_domain::error::Fault;
use rally_domain::id::WaitlistId;
use rally_domain::paging::{Limit, Page};
use rally_domain::port::EntrySearch;
use rally_domain::referral::Position;
use rally_domain::search::{EntryKey, EntryQuery, EntrySort, looked_through};

use crate::convert::{Blob, from_bigint};
use crate::entries::EntryRow;
use crate::fault::query_fault;
use crate::schema::entries;
use crate::search_statement::{CountRow, FoundRow, Search};
use crate::{SqliteStore, lists, terms};

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
        terms::index(self, most).await
    }
}

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
            let near: Vec<FoundRow> = search.near(rows).statement().load(c)?;
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

fn count(c: &mut SqliteConnection, list: WaitlistId, query: &EntryQuery, until: Position) -> QueryResult<u64> {
    let mut number = 0;
    if find_list(c, list, query)?.is_none() {
        return Ok(number);
    }
    for search in Search::all(list, query, None, Limit::default()) {
        let counted: CountRow = search.count(until).get_result(c)?;
        number += from_bigint(counted.number);
    }
    Ok(number)
}
