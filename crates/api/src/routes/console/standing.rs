//! How many entries stand on a list, for pages that lead to them. The counters of the analytics have those that were erased, too.

use rally_domain::analytics::Counters;
use rally_domain::entry::EntryStatus;
use rally_domain::error::Fault;
use rally_domain::id::WaitlistId;
use rally_domain::referral::Position;
use rally_domain::search::EntryQuery;

use crate::app::App;

/// The entries that stand on a list.
pub(super) struct Standing {
    pub(super) total: u64,
    pub(super) pending: u64,
    pub(super) approved: u64,
    pub(super) rejected: u64,
}

/// The most entries of a status that are counted one by one. Of more, nobody misses those that were erased.
const MAX_COUNTED: u64 = 20_000;

/// The furthest position that a store keeps.
const LAST: Position = Position::new(i64::MAX as u64);

/// Returns the entries that stand on a list with these counters.
pub(super) async fn standing(app: &App, list: WaitlistId, counters: &Counters) -> Result<Standing, Fault> {
    let total = app.ports.stats.standing(list).await?;
    let mut standing = Standing { total, pending: counters.pending, approved: counters.approved, rejected: counters.rejected };
    if total < counters.total() {
        let numbers = [
            (EntryStatus::Pending, &mut standing.pending),
            (EntryStatus::Approved, &mut standing.approved),
            (EntryStatus::Rejected, &mut standing.rejected),
        ];
        for (status, number) in numbers {
            if (1..=MAX_COUNTED).contains(number) {
                let query = EntryQuery { status: Some(status), ..EntryQuery::default() };
                *number = app.ports.search.count(list, query, LAST).await?;
            }
        }
    }
    Ok(standing)
}
