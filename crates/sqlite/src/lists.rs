//! Whether a waitlist exists, for readers of what belongs to one. A deleted list is gone at once, but its rows are purged later.

use std::collections::HashSet;

use diesel::prelude::*;
use rally_domain::entry::Entry;
use rally_domain::error::Fault;
use rally_domain::id::{EntryId, WaitlistId};
use rally_domain::tombstone::Tombstone;

use crate::convert::Blob;
use crate::counters;
use crate::entries::EntryRow;
use crate::schema::purges;

/// The facts about a list that readers of its entries need.
pub(crate) struct ListState {
    /// Deleted entries that other entries still name as their referrer.
    forgotten: HashSet<EntryId>,
}

/// The state of a list, or `None` if there is no such list.
pub(crate) fn find(c: &mut SqliteConnection, id: WaitlistId) -> QueryResult<Option<ListState>> {
    let list = Blob(id.uuid());
    if !counters::is_there(c, list)? {
        return Ok(None);
    }
    let forgotten = purges::table.filter(purges::kind.eq("entry").and(purges::waitlist_id.eq(list))).select(purges::target);
    let forgotten: Vec<Blob> = forgotten.load(c)?;
    Ok(Some(ListState { forgotten: forgotten.into_iter().map(|id| EntryId::new(id.0)).collect() }))
}

impl ListState {
    /// Whether the referrer of a row was deleted, and the totals still count it.
    pub(crate) fn hides_referrer(&self, row: &EntryRow) -> bool {
        row.referred_by_entry_id.is_some_and(|id| self.forgotten.contains(&EntryId::new(id.0)))
    }

    /// The entry of a row, without a referrer that was deleted.
    pub(crate) fn entry(&self, row: EntryRow) -> Result<Entry, Fault> {
        let mut entry = Entry::try_from(row)?;
        entry.referred_by.take_if(|id| self.forgotten.contains(id));
        Ok(entry)
    }

    /// The tombstone, without a referrer that was deleted.
    pub(crate) fn tombstone(&self, mut tombstone: Tombstone) -> Tombstone {
        tombstone.referred_by.take_if(|id| self.forgotten.contains(id));
        tombstone
    }
}
