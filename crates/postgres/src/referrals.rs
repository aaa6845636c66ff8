//! [`ReferralStore`] on PostgreSQL, and the rows that sign-ups write.

use std::collections::{BTreeSet, HashSet};
use std::convert::Infallible;

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{self, Array, BigInt, Bool, Bytea, Nullable, SmallInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::command::{
    CreditedEntry, DecideReferrals, DecideReferralsFacts, DecideReferralsPlan, DecideReferralsRejection, Decided, Selected,
};
use rally_domain::email::Email;
use rally_domain::entry::Friend;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{EntryId, ReferralId, WaitlistId};
use rally_domain::ledger::{
    NETWORKS_KEPT, Referral, ReferralDecision, ReferralFilter, ReferralPolicy, ReferralSignal, ReferralState, Standing, Suspect,
};
use rally_domain::paging::{Limit, Page, ReferralKey};
use rally_domain::port::ReferralStore;
use rally_domain::referral::Position;
use rally_domain::secret::NetworkHash;
use rally_domain::text::{DecisionReason, Subject};
use rally_domain::timestamp::Timestamp;
use rally_domain::waitlist::Waitlist;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::{corrupt, from_bigint, network, to_bigint};
use crate::entries::EntryRow;
use crate::fault::{Abort, query_fault};
use crate::schema::{entries, referrals};
use crate::statement::statement;
use crate::stats::LEADS;
use crate::{PgStore, audit, counters, events, ledger_fill, lists, transaction, waitlists};

#[async_trait]
impl ReferralStore for PgStore {
    async fn decide(&self, command: DecideReferrals) -> Result<Decided, CommandError<DecideReferralsRejection>> {
        let (ids, more) = self.select(&command).await?;
        if command.dry_run {
            let mut c = self.connection().await?;
            let facts = load_facts(&mut c, &command, &ids, more).await.map_err(CommandError::from)?;
            return Ok(command.decide(facts).map_err(CommandError::Rejected)?.into_parts().0.decided);
        }
        transaction!(self, turn = command.waitlist_id.uuid(), |c| {
            let facts = match counters::lock(c, command.waitlist_id).await? {
                true => load_facts(c, &command, &ids, more).await?,
                false => None,
            };
            let plan = audit::write(c, command.decide(facts).map_err(Abort::Rejected)?).await?;
            write(c, &plan).await?;
            Ok(plan.decided)
        })
    }

    async fn list(
        &self,
        waitlist_id: WaitlistId,
        filter: ReferralFilter,
        after: Option<ReferralKey>,
        limit: Limit,
    ) -> Result<Page<Referral, ReferralKey>, Fault> {
        let mut c = self.connection().await?;
        let key = |last: &Referral| ReferralKey { created_at: last.created_at, id: last.id };
        if lists::find(&c, waitlist_id).await.map_err(query_fault)?.is_none() {
            return Ok(Page::from_overfetch(Vec::new(), limit, key));
        }
        let mut rows = Vec::new();
        match filter.referrer {
            Some(referrer) => {
                if let Some(referrer) = on_list(&mut c, waitlist_id, referrer).await? {
                    rows = page_of_referrer(&mut c, referrer.new.id, filter.state, after, limit).await.map_err(query_fault)?;
                }
            }
            None => {
                for state in ReferralState::ALL.into_iter().filter(|state| filter.state.is_none_or(|wanted| wanted == *state)) {
                    rows.extend(page_of_state(&mut c, waitlist_id, state, after, limit).await.map_err(query_fault)?);
                }
                rows.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
                rows.truncate(limit.rows() + 1);
            }
        }
        Ok(Page::from_overfetch(show(&mut c, rows).await?, limit, key))
    }

    async fn suspects(&self, waitlist_id: WaitlistId, most: usize) -> Result<Vec<Suspect>, Fault> {
        let mut c = self.connection().await?;
        if lists::find(&c, waitlist_id).await.map_err(query_fault)?.is_none() {
            return Ok(Vec::new());
        }
        // The planner takes the partial index only if the statement has its condition as a text.
        let suspects = referrals::table.filter(referrals::waitlist_id.eq(waitlist_id.uuid())).filter(sql::<Bool>("score > 0"));
        let newest = suspects.order((referrals::waitlist_id, referrals::created_at.desc())).limit(to_bigint(most as u64));
        let rows: Vec<ReferralRow> = newest.select(ReferralRow::as_select()).load(&mut c).await.map_err(query_fault)?;
        let standing = standing(&mut c, &rows).await.map_err(query_fault)?;
        let suspect = |row: ReferralRow| {
            Ok(Suspect {
                referrer: row.referrer_entry_id.filter(|id| standing.contains(id)).map(EntryId::new),
                referred: row.referred_entry_id.filter(|id| standing.contains(id)).map(EntryId::new),
                network: row.network.map(network).transpose()?,
                reasons: ReferralSignal::split(&row.reasons),
                created_at: Timestamp::new(row.created_at),
            })
        };
        rows.into_iter().map(suspect).collect()
    }

    async fn standings(&self, waitlist_id: WaitlistId) -> Result<Vec<Standing>, Fault> {
        let mut c = self.connection().await?;
        if lists::find(&c, waitlist_id).await.map_err(query_fault)?.is_none() {
            return Ok(Vec::new());
        }
        let columns = (entries::id, entries::position, entries::referral_count);
        let with_referrals = || entries::table.filter(entries::waitlist_id.eq(waitlist_id.uuid()));
        // The same conditions and the same order as in the index of leaders.
        let leaders = with_referrals().filter(sql::<Bool>(LEADS));
        let leaders = leaders.order((entries::waitlist_id, entries::referral_count.desc(), entries::position)).select(columns);
        let mut rows: Vec<(Uuid, i64, i64)> = leaders.load(&mut c).await.map_err(query_fault)?;
        // The status is the last one in the order of the index.
        let rejected = with_referrals().filter(sql::<Bool>("(status, position) > ('rejected', 0) AND referral_count > 0"));
        let rejected = rejected.order((entries::status, entries::position)).select(columns);
        rows.extend(rejected.load::<(Uuid, i64, i64)>(&mut c).await.map_err(query_fault)?);
        let standing = |(id, position, count)| Standing {
            entry_id: EntryId::new(id),
            position: Position::new(from_bigint(position)),
            referral_count: from_bigint(count),
        };
        Ok(rows.into_iter().map(standing).collect())
    }

    async fn credited_at(&self, entry_id: EntryId, most: usize) -> Result<Vec<Timestamp>, Fault> {
        let mut c = self.connection().await?;
        let credited = || {
            let of_entry = referrals::table.filter(referrals::referrer_entry_id.eq(entry_id.uuid()));
            of_entry.filter(referrals::state.eq(ReferralState::Credited.as_str()))
        };
        let undecided = credited().filter(referrals::decided_at.is_null()).order((referrals::referrer_entry_id, referrals::created_at));
        let undecided = undecided.limit(to_bigint(most as u64)).select(referrals::created_at);
        let mut times: Vec<OffsetDateTime> = undecided.load(&mut c).await.map_err(query_fault)?;
        let decided = credited().filter(sql::<Bool>("decided_at IS NOT NULL")).order((referrals::referrer_entry_id, referrals::decided_at));
        let decided = decided.limit(to_bigint(most as u64)).select(referrals::decided_at);
        times.extend(decided.load::<Option<OffsetDateTime>>(&mut c).await.map_err(query_fault)?.into_iter().flatten());
        times.sort_unstable();
        times.truncate(most);
        Ok(times.into_iter().map(Timestamp::new).collect())
    }

    async fn forget_networks(&self, before: Timestamp, entries: usize) -> Result<u64, Fault> {
        ledger_fill::forget_networks(self, before, to_bigint(entries as u64)).await
    }

    async fn fill(&self, entries: usize) -> Result<u64, Fault> {
        ledger_fill::fill(self, to_bigint(entries as u64)).await
    }

    async fn unfilled(&self) -> Result<u64, Fault> {
        ledger_fill::unfilled(&mut *self.connection().await?).await
    }
}

impl PgStore {
    /// The ids that a command is about, and whether it selects more than it takes.
    async fn select(&self, command: &DecideReferrals) -> Result<(Vec<Uuid>, bool), Fault> {
        let most = DecideReferrals::MAX;
        let entry_id = match &command.selected {
            Selected::Ids(ids) => return Ok((ids.iter().map(|id| id.uuid()).collect(), false)),
            Selected::Referrer(id) | Selected::NetworkOf(id) => *id,
        };
        let mut c = self.connection().await?;
        let Some(entry) = on_list(&mut c, command.waitlist_id, entry_id).await? else { return Ok((Vec::new(), false)) };
        let others = referrals::table.filter(referrals::state.ne(command.state.as_str()));
        let mut ids: Vec<Uuid> = match command.selected {
            Selected::NetworkOf(_) => {
                let kept_since = command.now.plus(-NETWORKS_KEPT).instant();
                let Some(network) = entry.new.network.filter(|_| entry.new.created_at > kept_since) else { return Ok((Vec::new(), false)) };
                let of_network = others.filter(referrals::network.eq(network)).order((referrals::network, referrals::referrer_entry_id));
                let rows = of_network.select((referrals::created_at, referrals::id)).load(&mut c).await;
                let mut rows: Vec<(OffsetDateTime, Uuid)> = rows.map_err(query_fault)?;
                rows.sort_unstable();
                rows.into_iter().map(|(_, id)| id).collect()
            }
            _ => {
                let oldest = others.filter(referrals::referrer_entry_id.eq(entry.new.id)).order((referrals::created_at, referrals::id));
                let oldest = oldest.limit(to_bigint(most as u64 + 1)).select(referrals::id);
                oldest.load(&mut c).await.map_err(query_fault)?
            }
        };
        let more = ids.len() > most;
        ids.truncate(most);
        Ok((ids, more))
    }
}

/// The row of an entry, if it is on a list that exists.
async fn on_list(c: &mut AsyncPgConnection, list: WaitlistId, id: EntryId) -> Result<Option<EntryRow>, Fault> {
    let row = entries::table.find(id.uuid()).select(EntryRow::as_select()).first::<EntryRow>(c).await.optional().map_err(query_fault)?;
    Ok(row.filter(|row| row.new.waitlist_id == list.uuid()))
}

async fn page_of_state(
    c: &mut AsyncPgConnection,
    list: WaitlistId,
    state: ReferralState,
    after: Option<ReferralKey>,
    limit: Limit,
) -> QueryResult<Vec<ReferralRow>> {
    let of_state = referrals::table.filter(referrals::waitlist_id.eq(list.uuid()).and(referrals::state.eq(state.as_str())));
    let mut page =
        of_state.order((referrals::created_at.desc(), referrals::id.desc())).limit(to_bigint(limit.rows() as u64 + 1)).into_boxed();
    if let Some(key) = after {
        // The DSL has no row comparison.
        page = page.filter(
            sql::<Bool>("(referrals.created_at, referrals.id) < (")
                .bind::<Timestamptz, _>(key.created_at.instant())
                .sql(", ")
                .bind::<sql_types::Uuid, _>(key.id.uuid())
                .sql(")"),
        );
    }
    page.select(ReferralRow::as_select()).load(c).await
}

async fn page_of_referrer(
    c: &mut AsyncPgConnection,
    referrer: Uuid,
    state: Option<ReferralState>,
    after: Option<ReferralKey>,
    limit: Limit,
) -> QueryResult<Vec<ReferralRow>> {
    let of_referrer = referrals::table.filter(referrals::referrer_entry_id.eq(referrer));
    let mut page =
        of_referrer.order((referrals::created_at.desc(), referrals::id.desc())).limit(to_bigint(limit.rows() as u64 + 1)).into_boxed();
    if let Some(state) = state {
        page = page.filter(referrals::state.eq(state.as_str()));
    }
    if let Some(key) = after {
        page = page.filter(
            sql::<Bool>("(referrals.created_at, referrals.id) < (")
                .bind::<Timestamptz, _>(key.created_at.instant())
                .sql(", ")
                .bind::<sql_types::Uuid, _>(key.id.uuid())
                .sql(")"),
        );
    }
    page.select(ReferralRow::as_select()).load(c).await
}

/// Which of the entries that some rows name still stand.
async fn standing(c: &mut AsyncPgConnection, rows: &[ReferralRow]) -> QueryResult<HashSet<Uuid>> {
    let named: BTreeSet<Uuid> = rows.iter().flat_map(|row| [row.referrer_entry_id, row.referred_entry_id]).flatten().collect();
    let named: Vec<Uuid> = named.into_iter().collect();
    let standing: Vec<Uuid> = entries::table.filter(entries::id.eq_any(named)).select(entries::id).load(c).await?;
    Ok(standing.into_iter().collect())
}

/// The referrals of rows, without the entries that are gone.
async fn show(c: &mut AsyncPgConnection, rows: Vec<ReferralRow>) -> Result<Vec<Referral>, Fault> {
    let standing = standing(c, &rows).await.map_err(query_fault)?;
    rows.into_iter().map(|row| row.referral(&standing)).collect()
}

async fn load_facts<R>(
    c: &mut AsyncPgConnection,
    command: &DecideReferrals,
    ids: &[Uuid],
    more: bool,
) -> Result<Option<DecideReferralsFacts>, Abort<R>> {
    let list = lists::find(c, command.waitlist_id).await?;
    let waitlist = waitlists::find(c, command.waitlist_id).await?;
    let Some((list, waitlist)) = list.zip(waitlist) else { return Ok(None) };
    let waitlist = Waitlist::try_from(waitlist)?;
    let query = referrals::table.filter(referrals::id.eq_any(ids)).select(ReferralRow::as_select());
    let mut rows: Vec<ReferralRow> = query.load(c).await?;
    // A selection leaves out what came into the state meanwhile.
    let is_left = |row: &ReferralRow| matches!(command.selected, Selected::Ids(_)) || row.state != command.state.as_str();
    rows.retain(|row| row.waitlist_id == command.waitlist_id.uuid() && is_left(row));
    rows.sort_by_key(|row| (row.created_at, row.id));
    let referrers: BTreeSet<Uuid> = rows.iter().filter_map(|row| row.referrer_entry_id).collect();
    let referrers: Vec<Uuid> = referrers.into_iter().collect();
    let query = entries::table.filter(entries::id.eq_any(referrers)).select((EntryRow::as_select(), entries::referral_peak));
    let referrers: Vec<(EntryRow, i64)> = query.load(c).await?;
    let referrer = |(row, peak)| list.entry(row).map(|entry| (entry.id, CreditedEntry { entry, referral_peak: from_bigint(peak) }));
    Ok(Some(DecideReferralsFacts {
        referrers: referrers.into_iter().map(referrer).collect::<Result<_, Fault>>()?,
        referrals: show(c, rows).await?,
        more,
        waitlist,
    }))
}

async fn write(c: &mut AsyncPgConnection, plan: &DecideReferralsPlan) -> QueryResult<()> {
    let [Referral { state, decision: Some(decision), .. }, ..] = &plan.changed[..] else { return Ok(()) };
    let update = UpdateReferrals {
        state: state.as_str(),
        decided_at: decision.at.instant(),
        decided_by: decision.by.as_ref().map(ToString::to_string),
        reason: decision.reason.as_ref().map(ToString::to_string),
        ids: plan.changed.iter().map(|referral| referral.id.uuid()).collect(),
    };
    update.execute(c).await?;
    let (ids, counts) = plan.counts.iter().map(|(id, (_, after))| (id.uuid(), to_bigint(*after))).unzip();
    SetCounts { ids, counts }.execute(c).await?;
    events::write_all(c, plan.events.iter()).await?;
    Ok(())
}

statement! {
    /// Puts referrals into a state.
    UpdateReferrals {
        "UPDATE referrals r SET state = "
        state: Text = &'static str, ", decided_at = "
        decided_at: Timestamptz = OffsetDateTime, ", decided_by = "
        decided_by: Nullable<Text> = Option<String>, ", reason = "
        reason: Nullable<Text> = Option<String>, " FROM unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ") AS decided (id) WHERE r.id = decided.id"
    }
}

statement! {
    /// Sets the referral counts of entries, and remembers the most that they ever had.
    SetCounts {
        "UPDATE entries e SET referral_peak = greatest(e.referral_peak, e.referral_count), referral_count = counted.number FROM unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        counts: Array<BigInt> = Vec<i64>, ") AS counted (id, number) WHERE e.id = counted.id"
    }
}

/// Sets the referral counts of entries.
pub(crate) async fn set_counts(c: &mut AsyncPgConnection, ids: Vec<Uuid>, counts: Vec<i64>) -> QueryResult<usize> {
    SetCounts { ids, counts }.execute(c).await
}

/// The friends of an entry, the newest first.
pub(crate) async fn friends(c: &mut AsyncPgConnection, id: EntryId, most: usize) -> QueryResult<Vec<Friend>> {
    let of_entry = referrals::table
        .left_join(entries::table.on(referrals::referred_entry_id.eq(entries::id.nullable())))
        .filter(referrals::referrer_entry_id.eq(id.uuid()))
        .order((referrals::created_at.desc(), referrals::id.desc()))
        .limit(to_bigint(most as u64))
        .select((entries::email.nullable(), referrals::state, referrals::created_at));
    let rows: Vec<(Option<String>, String, OffsetDateTime)> = of_entry.load(c).await?;
    let friend = |(email, state, at): (Option<String>, String, _)| Friend {
        email: email.map(Email::from_stored),
        is_credited: state == ReferralState::Credited.as_str(),
        joined_at: Timestamp::new(at),
    };
    Ok(rows.into_iter().map(friend).collect())
}

/// Takes what tells of a person out of the row of their own referral.
pub(crate) async fn forget_person(c: &mut AsyncPgConnection, id: EntryId) -> QueryResult<usize> {
    let row = referrals::table.filter(referrals::referred_entry_id.eq(id.uuid()));
    diesel::update(row).set((referrals::network.eq(None::<Vec<u8>>), referrals::reason.eq(None::<String>))).execute(c).await
}

statement! {
    /// Takes the words of admins out of some referrals of an entry.
    ForgetReasons {
        "UPDATE referrals r SET reason = NULL FROM (
            SELECT id FROM referrals WHERE referrer_entry_id = "
        referrer: sql_types::Uuid = Uuid, " AND reason IS NOT NULL ORDER BY referrer_entry_id LIMIT "
        most: BigInt = i64, "
        ) said WHERE r.id = said.id"
    }
}

/// Takes the words of admins out of some referrals of an entry. Returns how many had any.
pub(crate) async fn forget_reasons(c: &mut AsyncPgConnection, referrer: Uuid, most: i64) -> QueryResult<usize> {
    ForgetReasons { referrer, most }.execute(c).await
}

statement! {
    /// Inserts referrals.
    InsertReferrals {
        "INSERT INTO referrals (id, waitlist_id, referrer_entry_id, referred_entry_id, state, score, reasons, network, policy, created_at) \
            SELECT * FROM unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        lists: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        referrers: Array<Nullable<sql_types::Uuid>> = Vec<Option<Uuid>>, ", "
        referred: Array<Nullable<sql_types::Uuid>> = Vec<Option<Uuid>>, ", "
        states: Array<Text> = Vec<&'static str>, ", "
        scores: Array<SmallInt> = Vec<i16>, ", "
        reasons: Array<Text> = Vec<String>, ", "
        networks: Array<Nullable<Bytea>> = Vec<Option<Vec<u8>>>, ", "
        policies: Array<Nullable<Text>> = Vec<Option<String>>, ", "
        created_at: Array<Timestamptz> = Vec<OffsetDateTime>, ")"
    }
}

/// Inserts the referrals of a group of sign-ups.
pub(crate) async fn insert<'a>(
    mut c: &AsyncPgConnection,
    new: impl Iterator<Item = (&'a Referral, Option<NetworkHash>)> + Clone,
) -> QueryResult<usize> {
    if new.clone().next().is_none() {
        return Ok(0);
    }
    let rows = || new.clone().map(|(referral, _)| referral);
    let insert = InsertReferrals {
        ids: rows().map(|referral| referral.id.uuid()).collect(),
        lists: rows().map(|referral| referral.waitlist_id.uuid()).collect(),
        referrers: rows().map(|referral| referral.referrer.map(EntryId::uuid)).collect(),
        referred: rows().map(|referral| referral.referred.map(EntryId::uuid)).collect(),
        states: rows().map(|referral| referral.state.as_str()).collect(),
        scores: rows().map(|referral| i16::from(referral.score)).collect(),
        reasons: rows().map(|referral| ReferralSignal::join(&referral.reasons)).collect(),
        networks: new.clone().map(|(_, network)| network.map(|network| network.bytes().to_vec())).collect(),
        policies: rows().map(|referral| referral.policy.map(|policy| policy.to_string())).collect(),
        created_at: rows().map(|referral| referral.created_at.instant()).collect(),
    };
    insert.execute(&mut c).await
}

/// Writes the decisions about referrals that were inserted.
pub(crate) async fn write_decisions(c: &mut AsyncPgConnection, new: &[Referral]) -> QueryResult<()> {
    for (referral, decision) in new.iter().filter_map(|referral| Some((referral, referral.decision.as_ref()?))) {
        let change = (
            referrals::decided_at.eq(decision.at.instant()),
            referrals::decided_by.eq(decision.by.as_ref().map(Subject::as_str)),
            referrals::reason.eq(decision.reason.as_ref().map(DecisionReason::as_str)),
        );
        diesel::update(referrals::table.find(referral.id.uuid())).set(change).execute(c).await?;
    }
    Ok(())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = referrals, check_for_backend(diesel::pg::Pg))]
struct ReferralRow {
    id: Uuid,
    waitlist_id: Uuid,
    referrer_entry_id: Option<Uuid>,
    referred_entry_id: Option<Uuid>,
    state: String,
    score: i16,
    reasons: String,
    network: Option<Vec<u8>>,
    policy: Option<String>,
    created_at: OffsetDateTime,
    decided_at: Option<OffsetDateTime>,
    decided_by: Option<String>,
    reason: Option<String>,
}

impl ReferralRow {
    /// The referral, without the entries that do not stand any more.
    fn referral(self, standing: &HashSet<Uuid>) -> Result<Referral, Fault> {
        let of = |id: Option<Uuid>| id.filter(|id| standing.contains(id)).map(EntryId::new);
        let (by, reason) = (self.decided_by.map(Subject::from_stored), self.reason.map(DecisionReason::from_stored));
        Ok(Referral {
            id: ReferralId::new(self.id),
            waitlist_id: WaitlistId::new(self.waitlist_id),
            referrer: of(self.referrer_entry_id),
            referred: of(self.referred_entry_id),
            state: ReferralState::parse(&self.state).map_err(corrupt("state of a referral"))?,
            score: u8::try_from(self.score).unwrap_or(0),
            reasons: ReferralSignal::split(&self.reasons),
            policy: self.policy.as_deref().and_then(ReferralPolicy::read),
            created_at: Timestamp::new(self.created_at),
            decision: self.decided_at.map(|at| ReferralDecision { at: Timestamp::new(at), by, reason }),
        })
    }
}

/// The error of a transaction that no rule can refuse.
pub(crate) type Never = CommandError<Infallible>;
