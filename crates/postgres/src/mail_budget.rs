//! Claims of mail under a budget: mails that strangers caused wait until they are begun.
//!
//! A claim first locks the row of each workspace that keeps mails back. Therefore no two processes count the begun mails of a workspace at
//! once, and a budget that all processes have holds exactly. A claim that finds no such mail locks nothing.

use std::collections::{BTreeMap, HashMap};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{self, Array, BigInt, Bool, Bytea, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::id::{MailId, WorkspaceId};
use rally_domain::mail::{MailBudget, WaitingMail};
use rally_domain::queue::ClaimRequest;
use rally_domain::secret::NetworkHash;
use rally_domain::timestamp::Timestamp;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::{from_bigint, to_bigint};
use crate::queue::{IdRow, LaneRow};
use crate::schema::{begun_mails, mails};
use crate::statement::statement;

/// How many mails of strangers wait until the budget has room for them. The index has the same condition, word for word.
pub(crate) async fn kept_back(c: &mut AsyncPgConnection) -> QueryResult<u64> {
    let kept = sql::<Bool>("state = 'pending' AND network IS NOT NULL AND begun_at IS NULL");
    mails::table.filter(kept).count().get_result::<i64>(c).await.map(from_bigint)
}

statement! {
    /// Those of some workspaces that keep mails back.
    KeptLanes {
        "SELECT asked.lane FROM unnest("
        lanes: Array<sql_types::Uuid> = Vec<Uuid>, ") AS asked (lane)
        CROSS JOIN LATERAL (
            SELECT FROM mails j
            WHERE j.workspace_id = asked.lane AND j.state = 'pending' AND j.network IS NOT NULL AND j.begun_at IS NULL
            ORDER BY j.network, j.due_at LIMIT 1
        ) something"
    }
}

statement! {
    /// Locks some workspaces, in their order.
    LockLanes {
        "SELECT w.id AS lane FROM unnest("
        lanes: Array<sql_types::Uuid> = Vec<Uuid>, ") AS asked (lane)
        CROSS JOIN LATERAL (SELECT id FROM workspaces WHERE id = asked.lane OFFSET 0 FOR NO KEY UPDATE) w"
    }
}

statement! {
    /// The mails that some workspaces have begun since an instant, by network, up to a number of each workspace's, and of its deleted ones.
    Begun {
        "SELECT asked.lane, begun.network, count(*) AS mails FROM unnest("
        lanes: Array<sql_types::Uuid> = Vec<Uuid>, ") AS asked (lane)
        CROSS JOIN LATERAL (
            (SELECT j.network FROM mails j WHERE j.workspace_id = asked.lane AND j.begun_at > "
        since: Timestamptz = OffsetDateTime, " ORDER BY j.begun_at LIMIT "
        most: BigInt = i64, ")
            UNION ALL
            (SELECT d.network FROM begun_mails d WHERE d.workspace_id = asked.lane AND d.begun_at > "
        after: Timestamptz = OffsetDateTime, " ORDER BY d.begun_at LIMIT "
        limit: BigInt = i64, ")
        ) begun
        WHERE begun.network IS NOT NULL
        GROUP BY asked.lane, begun.network"
    }
}

statement! {
    /// The longest due mails of each network that some workspaces keep back. The statement hops from one network to the next in the index,
    /// so the mails of one network cost another nothing.
    Waiting {
        "WITH RECURSIVE networks (lane, network, number) AS (
            SELECT asked.lane, (
                SELECT j.network FROM mails j
                WHERE j.workspace_id = asked.lane AND j.state = 'pending' AND j.network IS NOT NULL AND j.begun_at IS NULL
                ORDER BY j.network, j.due_at LIMIT 1
            ), 1 FROM unnest("
        lanes: Array<sql_types::Uuid> = Vec<Uuid>, ") AS asked (lane)
            UNION ALL
            SELECT n.lane, (
                SELECT j.network FROM mails j
                WHERE j.workspace_id = n.lane AND j.state = 'pending' AND j.network > n.network AND j.begun_at IS NULL
                ORDER BY j.network, j.due_at LIMIT 1
            ), n.number + 1 FROM networks n WHERE n.network IS NOT NULL AND n.number < "
        networks: sql_types::Integer = i32, "
        )
        SELECT n.lane, n.network, waiting.id, waiting.due_at FROM networks n
        CROSS JOIN LATERAL (
            SELECT j.id, j.due_at FROM mails j
            WHERE j.workspace_id = n.lane AND j.state = 'pending' AND j.network = n.network AND j.begun_at IS NULL AND j.due_at <= "
        now: Timestamptz = OffsetDateTime, "
            ORDER BY j.network, j.due_at, j.id LIMIT "
        most: BigInt = i64, "
        ) waiting"
    }
}

statement! {
    /// Begins mails. From now on they may be claimed. Without CASE the planner could look for them in the index of claims.
    Begin {
        "UPDATE mails m SET begun_at = "
        now: Timestamptz = OffsetDateTime, " FROM unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ") AS asked (id)
        WHERE m.id = asked.id AND CASE m.state WHEN 'pending' THEN m.begun_at IS NULL ELSE false END"
    }
}

statement! {
    /// Claims due mails of some workspaces that are not kept back, a share in each.
    Claim {
        "WITH due AS MATERIALIZED (
            SELECT waiting.id
            FROM unnest("
        lanes: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        shares: Array<BigInt> = Vec<i64>, ") AS turn (lane, share)
            CROSS JOIN LATERAL (
                SELECT j.id FROM mails j
                WHERE j.workspace_id = turn.lane AND j.state = 'pending' AND (j.network IS NULL OR j.begun_at IS NOT NULL) AND j.due_at <= "
        now: Timestamptz = OffsetDateTime, "
                ORDER BY j.due_at, j.created_at, j.id LIMIT turn.share FOR UPDATE SKIP LOCKED
            ) waiting
        )
        UPDATE mails j SET state = 'running', claim = "
        claim: sql_types::Uuid = Uuid, ", lease_until = "
        lease_until: Timestamptz = OffsetDateTime, ", attempt = j.attempt + 1
        FROM due WHERE j.id = due.id
        RETURNING j.id"
    }
}

#[derive(QueryableByName)]
struct BegunRow {
    #[diesel(sql_type = sql_types::Uuid)]
    lane: Uuid,
    #[diesel(sql_type = Bytea)]
    network: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    mails: i64,
}

#[derive(QueryableByName)]
struct WaitingRow {
    #[diesel(sql_type = sql_types::Uuid)]
    lane: Uuid,
    #[diesel(sql_type = Bytea)]
    network: Vec<u8>,
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    due_at: OffsetDateTime,
}

/// Forgets deleted mails that count in no budget any more.
pub(crate) async fn forget_deleted(c: &mut AsyncPgConnection, now: Timestamp) -> QueryResult<usize> {
    diesel::delete(begun_mails::table.filter(begun_mails::forget_at.le(now.instant()))).execute(c).await
}

/// Begins the mails of strangers that a budget has room for, claims the shares of a request, and returns the ids of the mails.
pub(crate) async fn claim(c: &mut AsyncPgConnection, request: &ClaimRequest<WorkspaceId>, budget: MailBudget) -> QueryResult<Vec<Uuid>> {
    begin(c, request, budget).await?;
    let claim = Claim {
        lanes: request.shares.iter().map(|(lane, _)| lane.uuid()).collect(),
        shares: request.shares.iter().map(|(_, share)| to_bigint(*share as u64)).collect(),
        now: request.now.instant(),
        claim: request.claim.uuid(),
        lease_until: request.lease_until.instant(),
    };
    let claimed: Vec<IdRow> = claim.load(c).await?;
    Ok(claimed.into_iter().map(|row| row.id).collect())
}

async fn begin(c: &mut AsyncPgConnection, request: &ClaimRequest<WorkspaceId>, budget: MailBudget) -> QueryResult<()> {
    // In order, so that two claims do not wait for each other.
    let shares: BTreeMap<Uuid, usize> = request.shares.iter().map(|(lane, share)| (lane.uuid(), *share)).collect();
    let kept: Vec<LaneRow> = KeptLanes { lanes: shares.keys().copied().collect() }.load(c).await?;
    if kept.is_empty() {
        return Ok(());
    }
    let mut lanes: Vec<Uuid> = kept.into_iter().map(|row| row.lane).collect();
    lanes.sort_unstable();
    let locked: Vec<LaneRow> = LockLanes { lanes }.load(c).await?;
    let locked: Vec<Uuid> = locked.into_iter().map(|row| row.lane).collect();
    let mut begun: HashMap<Uuid, HashMap<NetworkHash, u64>> = locked.iter().map(|lane| (*lane, HashMap::new())).collect();
    let (since, most) = (budget.since(request.now).instant(), i64::from(budget.mails));
    let count = Begun { lanes: locked, since, most, after: since, limit: most };
    for row in count.load::<BegunRow>(c).await? {
        begun.entry(row.lane).or_default().insert(network(row.network), from_bigint(row.mails));
    }
    begun.retain(|_, begun| budget.room(begun.values().sum()) > 0);
    let most = begun.keys().map(|lane| shares[lane]).max().unwrap_or(0).min(budget.room(0));
    if most == 0 {
        return Ok(());
    }
    let waiting = Waiting {
        lanes: begun.keys().copied().collect(),
        networks: i32::try_from(MailBudget::NETWORKS).unwrap_or(i32::MAX),
        now: request.now.instant(),
        most: to_bigint(most as u64),
    };
    let mut waits: HashMap<Uuid, Vec<WaitingMail>> = HashMap::new();
    for row in waiting.load::<WaitingRow>(c).await? {
        let mail = WaitingMail { id: MailId::new(row.id), network: network(row.network), due_at: Timestamp::new(row.due_at) };
        waits.entry(row.lane).or_default().push(mail);
    }
    let begins = waits.into_iter().flat_map(|(lane, waits)| budget.begin(&begun[&lane], waits, shares[&lane]));
    let ids: Vec<Uuid> = begins.map(MailId::uuid).collect();
    if !ids.is_empty() {
        Begin { now: request.now.instant(), ids }.execute(c).await?;
    }
    Ok(())
}

/// A hash of another length is none that this program wrote. All such mails count as one network.
fn network(bytes: Vec<u8>) -> NetworkHash {
    NetworkHash::new(bytes.try_into().unwrap_or_default())
}
