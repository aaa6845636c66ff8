//! [`EntrySearch`] in memory. Terms are made anew for every search, so nothing is left to write afterwards.

use async_trait::async_trait;
use rally_domain::entry::Entry;
use rally_domain::error::Fault;
use rally_domain::id::WaitlistId;
use rally_domain::paging::{Limit, Page};
use rally_domain::port::EntrySearch;
use rally_domain::referral::Position;
use rally_domain::search::{EntryKey, EntryQuery, terms_of};

use crate::MemoryStore;
use crate::data::Data;
use crate::flaw::Flaw;

#[async_trait]
impl EntrySearch for MemoryStore {
    async fn search(
        &self,
        waitlist_id: WaitlistId,
        query: EntryQuery,
        after: Option<EntryKey>,
        limit: Limit,
    ) -> Result<Page<Entry, EntryKey>, Fault> {
        let flaw = self.read(|data| data.flaw);
        let mut rows = self.read(|data| found(data, waitlist_id, &query));
        rows.sort_by_key(|entry| query.key(entry));
        if flaw.is(Flaw::TiesInReverse) {
            rows.sort_by_key(|entry| (query.key(entry).value, std::cmp::Reverse(entry.position)));
        }
        if flaw.is(Flaw::ManyFoundInPart) && rows.len() > 1000 {
            rows.retain(|entry| entry.position <= Position::new(1000));
        }
        rows.retain(|entry| after.is_none_or(|after| query.key(entry) > after));
        Ok(flaw.page(rows, limit, |last| query.key(last)))
    }

    async fn count(&self, waitlist_id: WaitlistId, query: EntryQuery, until: Position) -> Result<u64, Fault> {
        let found = self.read(|data| (found(data, waitlist_id, &query), data.flaw.is(Flaw::CountsBeforeTheEnd)));
        let (rows, excludes) = found;
        Ok(rows.iter().filter(|entry| entry.position < until || (entry.position == until && !excludes)).count() as u64)
    }

    async fn index(&self, _: usize) -> Result<bool, Fault> {
        Ok(false)
    }
}

fn found(data: &Data, waitlist_id: WaitlistId, query: &EntryQuery) -> Vec<Entry> {
    let flaw = data.flaw;
    let lists = data.lists.iter().filter(|(id, _)| **id == waitlist_id || flaw.is(Flaw::SearchesEveryList));
    let entries = lists.flat_map(|(_, list)| {
        let entries = list.entries();
        entries.values().map(|entry| list.show(entry)).collect::<Vec<_>>()
    });
    // Only flaws keep anybody there.
    let former = data.former.iter().filter(|entry| entry.waitlist_id == waitlist_id).cloned();
    let query = flaw.asked(query);
    entries.chain(former).filter(|entry| query.finds(entry, &flaw.terms(entry.position, terms_of(entry)))).collect()
}
