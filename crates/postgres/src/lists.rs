//! Whether a waitlist exists, for readers of what belongs to one. A deleted list is gone at once, but its rows are purged later.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{self, Nullable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::entry::Entry;
use rally_domain::error::Fault;
use rally_domain::id::{EntryId, WaitlistId};
use rally_domain::tombstone::Tombstone;
use uuid::Uuid;

use crate::entries::EntryRow;
use crate::statement::statement;

/// The facts about a list that readers of its entries need.
pub(crate) struct ListState {
    /// Deleted entries that other entries still name as their referrer.
    forgotten: HashSet<EntryId>,
}

statement! {
    /// No row if there is no such list. Otherwise one row for each deleted entry that others still name as their referrer, or one
    /// empty row.
    FindList {
        "SELECT p.target FROM waitlist_totals t LEFT JOIN purges p ON p.kind = 'entry' AND p.waitlist_id = t.waitlist_id
        WHERE t.waitlist_id = "
        list: sql_types::Uuid = Uuid, ""
    }
}

#[derive(QueryableByName)]
struct FoundRow {
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    target: Option<Uuid>,
}

/// The state of a list, or `None` if there is no such list.
pub(crate) async fn find(mut c: &AsyncPgConnection, id: WaitlistId) -> QueryResult<Option<ListState>> {
    let rows: Vec<FoundRow> = FindList { list: id.uuid() }.load(&mut c).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    Ok(Some(ListState { forgotten: rows.into_iter().filter_map(|row| row.target.map(EntryId::new)).collect() }))
}

impl ListState {
    /// Whether the referrer of a row was deleted, and the totals still count it.
    pub(crate) fn hides_referrer(&self, row: &EntryRow) -> bool {
        row.new.referred_by_entry_id.is_some_and(|id| self.forgotten.contains(&EntryId::new(id)))
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
