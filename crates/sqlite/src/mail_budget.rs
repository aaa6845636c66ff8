//! Claims of mail under a budget: mails that strangers caused wait until they are begun.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Nullable};
use rally_domain::id::MailId;
use rally_domain::mail::{MailBudget, WaitingMail};
use rally_domain::secret::NetworkHash;
use rally_domain::timestamp::Timestamp;

use crate::convert::{Blob, from_bigint, instant, to_bigint};
use crate::fault::Abort;
use crate::schema::{begun_mails, mails};

/// The due mails of a workspace that are not kept back, the longest due first.
pub(crate) const READY: &str = "
SELECT id FROM mails INDEXED BY mails_ready_idx
WHERE workspace_id = ?1 AND state = 'pending' AND (network IS NULL OR begun_at IS NOT NULL) AND due_at <= ?2
ORDER BY due_at, created_at, id LIMIT ?3";

/// The next network after another one of which a workspace keeps mails back.
const NEXT_NETWORK: &str = "
SELECT min(network) AS network FROM mails INDEXED BY mails_kept_idx
WHERE workspace_id = ?1 AND state = 'pending' AND network IS NOT NULL AND begun_at IS NULL AND network > ?2";

/// The longest due mails of a network that a workspace keeps back.
const WAITING: &str = "
SELECT id, due_at FROM mails INDEXED BY mails_kept_idx
WHERE workspace_id = ?1 AND state = 'pending' AND network IS NOT NULL AND begun_at IS NULL AND network = ?2 AND due_at <= ?3
ORDER BY due_at, id LIMIT ?4";

/// The mails that a workspace has begun since an instant, by network, up to a number of those, and of deleted ones.
const BEGUN: &str = "
SELECT network, count(*) AS mails FROM (
    SELECT network FROM (
        SELECT network FROM mails INDEXED BY mails_begun_at_idx
        WHERE workspace_id = ?1 AND begun_at IS NOT NULL AND begun_at > ?2 ORDER BY begun_at LIMIT ?3
    ) UNION ALL SELECT network FROM (
        SELECT network FROM begun_mails INDEXED BY begun_mails_of_workspace_idx
        WHERE workspace_id = ?1 AND begun_at > ?2 ORDER BY begun_at LIMIT ?3
    )
) GROUP BY network";

/// How many mails all workspaces keep back.
const KEPT_BACK: &str = "
SELECT count(*) AS mails FROM mails INDEXED BY mails_kept_idx WHERE state = 'pending' AND network IS NOT NULL AND begun_at IS NULL";

#[derive(QueryableByName)]
struct KeptRow {
    #[diesel(sql_type = BigInt)]
    mails: i64,
}

/// How many mails of strangers wait until the budget has room for them.
pub(crate) fn kept_back(c: &mut SqliteConnection) -> QueryResult<u64> {
    diesel::sql_query(KEPT_BACK).get_result::<KeptRow>(c).map(|row| from_bigint(row.mails))
}

#[derive(QueryableByName)]
struct NetworkRow {
    #[diesel(sql_type = Nullable<Binary>)]
    network: Option<Vec<u8>>,
}

#[derive(QueryableByName)]
struct WaitingRow {
    #[diesel(sql_type = Binary)]
    id: Blob,
    #[diesel(sql_type = BigInt)]
    due_at: i64,
}

#[derive(QueryableByName)]
struct BegunRow {
    #[diesel(sql_type = Nullable<Binary>)]
    network: Option<Vec<u8>>,
    #[diesel(sql_type = BigInt)]
    mails: i64,
}

/// Forgets deleted mails that count in no budget any more.
pub(crate) fn forget_deleted(c: &mut SqliteConnection, now: Timestamp) -> QueryResult<usize> {
    diesel::delete(begun_mails::table.filter(begun_mails::forget_at.le(now.unix_millis()))).execute(c)
}

/// Begins the mails of strangers that a budget has room for, at most that many. One transaction writes at a time, so a budget that all
/// processes have holds exactly.
pub(crate) fn begin<R>(c: &mut SqliteConnection, lane: Blob, most: usize, now: Timestamp, budget: MailBudget) -> Result<(), Abort<R>> {
    let Some(first) = next_network(c, lane, &[])? else { return Ok(()) };
    let begun = begun(c, lane, now, budget)?;
    let room = budget.room(begun.values().sum()).min(most);
    if room == 0 {
        return Ok(());
    }
    let (mut waits, mut next) = (Vec::new(), Some(first));
    for _ in 0..MailBudget::NETWORKS {
        let Some(stored) = next else { break };
        let waiting = diesel::sql_query(WAITING).bind::<Binary, _>(lane).bind::<Binary, _>(&stored);
        let waiting = waiting.bind::<BigInt, _>(now.unix_millis()).bind::<BigInt, _>(to_bigint(room as u64));
        for row in waiting.load::<WaitingRow>(c)? {
            waits.push(WaitingMail { id: MailId::new(row.id.0), network: network(&stored), due_at: instant(row.due_at)? });
        }
        next = next_network(c, lane, &stored)?;
    }
    for id in budget.begin(&begun, waits, most) {
        diesel::update(mails::table.find(Blob(id.uuid()))).set(mails::begun_at.eq(now.unix_millis())).execute(c)?;
    }
    Ok(())
}

fn next_network(c: &mut SqliteConnection, lane: Blob, last: &[u8]) -> QueryResult<Option<Vec<u8>>> {
    let next = diesel::sql_query(NEXT_NETWORK).bind::<Binary, _>(lane).bind::<Binary, _>(last);
    next.get_result::<NetworkRow>(c).map(|row| row.network)
}

fn begun(c: &mut SqliteConnection, lane: Blob, now: Timestamp, budget: MailBudget) -> QueryResult<HashMap<NetworkHash, u64>> {
    let query = diesel::sql_query(BEGUN).bind::<Binary, _>(lane).bind::<BigInt, _>(budget.since(now).unix_millis());
    let rows: Vec<BegunRow> = query.bind::<BigInt, _>(i64::from(budget.mails)).load(c)?;
    Ok(rows.into_iter().map(|row| (network(&row.network.unwrap_or_default()), from_bigint(row.mails))).collect())
}

/// A hash of another length is none that this program wrote. All such mails count as one network.
fn network(bytes: &[u8]) -> NetworkHash {
    NetworkHash::new(bytes.try_into().unwrap_or_default())
}
