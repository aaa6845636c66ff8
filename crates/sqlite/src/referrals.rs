//! [`ReferralStore`] on SQLite, and the rows that sign-ups write.

use std::collections::HashMap;

use async_trait::async_trait;
use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool};
use rally_domain::command::{
    CodeOwner, CreditedEntry, DecideReferrals, DecideReferralsFacts, DecideReferralsPlan, DecideReferralsRejection, Decided, ReferrerFacts,
    Selected, SignUp,
};
use rally_domain::email::Email;
use rally_domain::entry::Friend;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{EntryId, ReferralId, WaitlistId};
use rally_domain::ledger::{
    BURST_WITHIN, FraudMode, NEIGHBOURS, NEIGHBOURS_WITHIN, NETWORKS_KEPT, Referral, ReferralDecision, ReferralFilter, ReferralPolicy,
    ReferralSignal, ReferralState, Standing, Suspect,
};
use rally_domain::paging::{Limit, Page, ReferralKey};
use rally_domain::port::ReferralStore;
use rally_domain::referral::{Position, ReferralCode};
use rally_domain::secret::NetworkHash;
use rally_domain::text::{DecisionReason, Subject};
use rally_domain::timestamp::Timestamp;
use rally_domain::waitlist::Waitlist;

use crate::convert::{Blob, corrupt, from_bigint, instant, network, to_bigint};
use crate::entries::EntryRow;
use crate::fault::{Abort, query_fault};
use crate::schema::{entries, referrals, waitlists};
use crate::stats::LEADS;
use crate::waitlists::WaitlistRow;
use crate::{SqliteStore, audit, events, ledger_fill, lists};

#[async_trait]
impl ReferralStore for SqliteStore {
    async fn decide(&self, command: DecideReferrals) -> Result<Decided, CommandError<DecideReferralsRejection>> {
        if command.dry_run {
            let decide = move |c: &mut SqliteConnection| match load_facts::<DecideReferralsRejection>(c, &command) {
                Ok(facts) => Ok(command.decide(facts).map(|audited| audited.into_parts().0.decided)),
                Err(abort) => match CommandError::from(abort) {
                    CommandError::Rejected(rejection) => Ok(Err(rejection)),
                    CommandError::Fault(fault) => Err(fault),
                },
            };
            return self.database.read(decide).await?.map_err(CommandError::Rejected);
        }
        self.database
            .write(move |c| {
                let facts = load_facts(c, &command)?;
                let plan = audit::write(c, command.decide(facts).map_err(Abort::Rejected)?)?;
                write(c, &plan)?;
                Ok(plan.decided)
            })
            .await
    }

    async fn list(
        &self,
        waitlist_id: WaitlistId,
        filter: ReferralFilter,
        after: Option<ReferralKey>,
        limit: Limit,
    ) -> Result<Page<Referral, ReferralKey>, Fault> {
        let key = |last: &Referral| ReferralKey { created_at: last.created_at, id: last.id };
        self.database
            .read(move |c| {
                let nothing = Page::from_overfetch(Vec::new(), limit, key);
                if lists::find(c, waitlist_id).map_err(query_fault)?.is_none() {
                    return Ok(nothing);
                }
                let mut rows = Vec::new();
                match filter.referrer {
                    Some(referrer) => {
                        if on_list(c, waitlist_id, referrer).map_err(query_fault)?.is_some() {
                            let of_referrer = of_referrer(referrer);
                            rows = page(c, of_referrer, filter.state, after, limit).map_err(query_fault)?;
                        }
                    }
                    None => {
                        for state in ReferralState::ALL.into_iter().filter(|state| filter.state.is_none_or(|wanted| wanted == *state)) {
                            let of_list = referrals::table.filter(referrals::waitlist_id.eq(Blob(waitlist_id.uuid()))).into_boxed();
                            rows.extend(page(c, of_list, Some(state), after, limit).map_err(query_fault)?);
                        }
                        rows.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id.0)));
                        rows.truncate(limit.rows() + 1);
                    }
                }
                Ok(Page::from_overfetch(show(c, rows)?, limit, key))
            })
            .await
    }

    async fn suspects(&self, waitlist_id: WaitlistId, most: usize) -> Result<Vec<Suspect>, Fault> {
        self.database
            .read(move |c| {
                if lists::find(c, waitlist_id).map_err(query_fault)?.is_none() {
                    return Ok(Vec::new());
                }
                // SQLite takes the partial index only if the statement has its condition as a text.
                let suspects =
                    referrals::table.filter(referrals::waitlist_id.eq(Blob(waitlist_id.uuid()))).filter(sql::<Bool>("score > 0"));
                let newest = suspects.order((referrals::created_at.desc(), referrals::id.desc())).limit(to_bigint(most as u64));
                let rows: Vec<ReferralRow> = newest.select(ReferralRow::as_select()).load(c).map_err(query_fault)?;
                let suspect = |row: ReferralRow| {
                    Ok(Suspect {
                        referrer: standing(c, row.referrer_entry_id)?,
                        referred: standing(c, row.referred_entry_id)?,
                        network: row.network.map(network).transpose()?,
                        reasons: ReferralSignal::split(&row.reasons),
                        created_at: instant(row.created_at)?,
                    })
                };
                rows.into_iter().map(suspect).collect()
            })
            .await
    }

    async fn standings(&self, waitlist_id: WaitlistId) -> Result<Vec<Standing>, Fault> {
        self.database
            .read(move |c| {
                if lists::find(c, waitlist_id).map_err(query_fault)?.is_none() {
                    return Ok(Vec::new());
                }
                let columns = (entries::id, entries::position, entries::referral_count);
                let of_list = || entries::table.filter(entries::waitlist_id.eq(Blob(waitlist_id.uuid())));
                let leaders = of_list().filter(sql::<Bool>(LEADS)).select(columns);
                let mut rows: Vec<(Blob, i64, i64)> = leaders.load(c).map_err(query_fault)?;
                let rejected = of_list().filter(entries::status.eq("rejected")).filter(entries::referral_count.gt(0)).select(columns);
                rows.extend(rejected.load::<(Blob, i64, i64)>(c).map_err(query_fault)?);
                let standing = |(id, position, count): (Blob, i64, i64)| Standing {
                    entry_id: EntryId::new(id.0),
                    position: Position::new(from_bigint(position)),
                    referral_count: from_bigint(count),
                };
                Ok(rows.into_iter().map(standing).collect())
            })
            .await
    }

    async fn credited_at(&self, entry_id: EntryId, most: usize) -> Result<Vec<Timestamp>, Fault> {
        self.database
            .read(move |c| {
                let credited =
                    || of_referrer(entry_id).filter(referrals::state.eq(ReferralState::Credited.as_str())).limit(to_bigint(most as u64));
                let undecided = credited().filter(referrals::decided_at.is_null()).order((referrals::created_at, referrals::id));
                let mut times: Vec<i64> = undecided.select(referrals::created_at).load(c).map_err(query_fault)?;
                let decided = credited().filter(referrals::decided_at.is_not_null()).order(referrals::decided_at);
                let decided = decided.select(referrals::decided_at).load::<Option<i64>>(c).map_err(query_fault)?;
                times.extend(decided.into_iter().flatten());
                times.sort_unstable();
                times.into_iter().take(most).map(instant).collect()
            })
            .await
    }

    async fn forget_networks(&self, before: Timestamp, entries: usize) -> Result<u64, Fault> {
        ledger_fill::forget_networks(self, before, to_bigint(entries as u64)).await
    }

    async fn fill(&self, entries: usize) -> Result<u64, Fault> {
        ledger_fill::fill(self, to_bigint(entries as u64)).await
    }

    async fn unfilled(&self) -> Result<u64, Fault> {
        self.database.read(|c| ledger_fill::unfilled(c).map_err(query_fault)).await
    }
}

type Boxed<'a> = referrals::BoxedQuery<'a, diesel::sqlite::Sqlite>;

fn of_referrer<'a>(id: EntryId) -> Boxed<'a> {
    referrals::table.filter(referrals::referrer_entry_id.eq(Blob(id.uuid()))).into_boxed()
}

fn page(
    c: &mut SqliteConnection,
    mut query: Boxed<'_>,
    state: Option<ReferralState>,
    after: Option<ReferralKey>,
    limit: Limit,
) -> QueryResult<Vec<ReferralRow>> {
    if let Some(state) = state {
        query = query.filter(referrals::state.eq(state.as_str()));
    }
    if let Some(key) = after {
        // The index needs a row comparison, and the DSL has none.
        query = query.filter(
            sql::<Bool>("(referrals.created_at, referrals.id) < (")
                .bind::<BigInt, _>(key.created_at.unix_millis())
                .sql(", ")
                .bind::<Binary, _>(Blob(key.id.uuid()))
                .sql(")"),
        );
    }
    let newest = query.order((referrals::created_at.desc(), referrals::id.desc())).limit(to_bigint(limit.rows() as u64 + 1));
    newest.select(ReferralRow::as_select()).load(c)
}

/// The network of an entry that is on a list, and when it signed up.
fn on_list(c: &mut SqliteConnection, list: WaitlistId, id: EntryId) -> QueryResult<Option<(Option<Vec<u8>>, i64)>> {
    let entry = entries::table.find(Blob(id.uuid())).filter(entries::waitlist_id.eq(Blob(list.uuid())));
    entry.select((entries::network, entries::created_at)).first(c).optional()
}

/// An entry that a row names, if it still stands.
fn standing(c: &mut SqliteConnection, id: Option<Blob>) -> Result<Option<EntryId>, Fault> {
    let Some(id) = id else { return Ok(None) };
    let stands: bool = diesel::select(exists(entries::table.find(id))).get_result(c).map_err(query_fault)?;
    Ok(stands.then(|| EntryId::new(id.0)))
}

/// The referrals of rows, without the entries that are gone.
fn show(c: &mut SqliteConnection, rows: Vec<ReferralRow>) -> Result<Vec<Referral>, Fault> {
    rows.into_iter().map(|row| row.referral(c)).collect()
}

/// The rows that a command is about, and whether it selects more than it takes.
fn select(c: &mut SqliteConnection, command: &DecideReferrals) -> QueryResult<(Vec<ReferralRow>, bool)> {
    let (list, most) = (Blob(command.waitlist_id.uuid()), DecideReferrals::MAX);
    let others = || referrals::table.filter(referrals::state.ne(command.state.as_str())).into_boxed();
    let mut rows: Vec<ReferralRow> = match &command.selected {
        Selected::Ids(ids) => {
            let mut rows = Vec::with_capacity(ids.len());
            for id in ids {
                let query = referrals::table.find(Blob(id.uuid())).filter(referrals::waitlist_id.eq(list));
                rows.extend(query.select(ReferralRow::as_select()).first(c).optional()?);
            }
            rows.sort_by_key(|row: &ReferralRow| (row.created_at, row.id.0));
            return Ok((rows, false));
        }
        Selected::Referrer(id) => {
            if on_list(c, command.waitlist_id, *id)?.is_none() {
                return Ok((Vec::new(), false));
            }
            let oldest = others().filter(referrals::referrer_entry_id.eq(Blob(id.uuid()))).order((referrals::created_at, referrals::id));
            oldest.limit(to_bigint(most as u64 + 1)).select(ReferralRow::as_select()).load(c)?
        }
        Selected::NetworkOf(id) => {
            let kept_since = command.now.plus(-NETWORKS_KEPT).unix_millis();
            let network = on_list(c, command.waitlist_id, *id)?.filter(|(_, at)| *at > kept_since).and_then(|(network, _)| network);
            let Some(network) = network else { return Ok((Vec::new(), false)) };
            let oldest = others().filter(referrals::network.eq(network)).order((referrals::created_at, referrals::id));
            oldest.limit(to_bigint(most as u64 + 1)).select(ReferralRow::as_select()).load(c)?
        }
    };
    let more = rows.len() > most;
    rows.truncate(most);
    Ok((rows, more))
}

fn load_facts<R>(c: &mut SqliteConnection, command: &DecideReferrals) -> Result<Option<DecideReferralsFacts>, Abort<R>> {
    let Some(list) = lists::find(c, command.waitlist_id)? else { return Ok(None) };
    let waitlist = waitlists::table.find(Blob(command.waitlist_id.uuid())).select(WaitlistRow::as_select());
    let waitlist = Waitlist::try_from(waitlist.first::<WaitlistRow>(c)?)?;
    let (rows, more) = select(c, command)?;
    let mut referrers = HashMap::new();
    for id in rows.iter().filter_map(|row| row.referrer_entry_id) {
        if referrers.contains_key(&EntryId::new(id.0)) {
            continue;
        }
        let query = entries::table.find(id).select((EntryRow::as_select(), entries::referral_peak));
        if let Some((row, peak)) = query.first::<(EntryRow, i64)>(c).optional()? {
            referrers.insert(EntryId::new(id.0), CreditedEntry { entry: list.entry(row)?, referral_peak: from_bigint(peak) });
        }
    }
    Ok(Some(DecideReferralsFacts { referrals: show(c, rows)?, more, referrers, waitlist }))
}

fn write(c: &mut SqliteConnection, plan: &DecideReferralsPlan) -> QueryResult<()> {
    for referral in &plan.changed {
        let decision = referral.decision.as_ref();
        let change = (
            referrals::state.eq(referral.state.as_str()),
            referrals::decided_at.eq(decision.map(|decision| decision.at.unix_millis())),
            referrals::decided_by.eq(decision.and_then(|decision| decision.by.as_ref()).map(Subject::as_str)),
            referrals::reason.eq(decision.and_then(|decision| decision.reason.as_ref()).map(DecisionReason::as_str)),
        );
        diesel::update(referrals::table.find(Blob(referral.id.uuid()))).set(change).execute(c)?;
    }
    for (id, (_, after)) in &plan.counts {
        set_count(c, Blob(id.uuid()), to_bigint(*after))?;
    }
    events::write_all(c, plan.events.iter())
}

/// Sets the referral count of an entry, and remembers the most that it ever had.
pub(crate) fn set_count(c: &mut SqliteConnection, id: Blob, count: i64) -> QueryResult<()> {
    let peak = entries::referral_peak.eq(sql::<BigInt>("max(referral_peak, referral_count)"));
    diesel::update(entries::table.find(id)).set((peak, entries::referral_count.eq(count))).execute(c).map(|_| ())
}

/// The friends of an entry, the newest first.
pub(crate) fn friends(c: &mut SqliteConnection, id: EntryId, most: usize) -> Result<Vec<Friend>, Fault> {
    let of_entry = referrals::table
        .left_join(entries::table.on(referrals::referred_entry_id.eq(entries::id.nullable())))
        .filter(referrals::referrer_entry_id.eq(Blob(id.uuid())))
        .order((referrals::created_at.desc(), referrals::id.desc()))
        .limit(to_bigint(most as u64))
        .select((entries::email.nullable(), referrals::state, referrals::created_at));
    let rows: Vec<(Option<String>, String, i64)> = of_entry.load(c).map_err(query_fault)?;
    let friend = |(email, state, at): (Option<String>, String, i64)| {
        let is_credited = state == ReferralState::Credited.as_str();
        Ok(Friend { email: email.map(Email::from_stored), is_credited, joined_at: instant(at)? })
    };
    rows.into_iter().map(friend).collect()
}

/// Takes what tells of a person out of the row of their own referral.
pub(crate) fn forget_person(c: &mut SqliteConnection, id: EntryId) -> QueryResult<usize> {
    let row = referrals::table.filter(referrals::referred_entry_id.eq(Blob(id.uuid())));
    diesel::update(row).set((referrals::network.eq(None::<&[u8]>), referrals::reason.eq(None::<&str>))).execute(c)
}

/// Takes the words of admins out of some referrals of an entry. Returns how many had any.
pub(crate) fn forget_reasons(c: &mut SqliteConnection, referrer: Blob, most: i64) -> QueryResult<usize> {
    let said = referrals::table.filter(referrals::referrer_entry_id.eq(referrer).and(referrals::reason.is_not_null())).limit(most);
    let said: Vec<Blob> = said.select(referrals::id).load(c)?;
    diesel::update(referrals::table.filter(referrals::id.eq_any(said))).set(referrals::reason.eq(None::<&str>)).execute(c)
}

/// Inserts the referral of a sign-up.
pub(crate) fn insert(c: &mut SqliteConnection, referral: &Referral, network: Option<NetworkHash>) -> QueryResult<()> {
    let decision = referral.decision.as_ref();
    let row = ReferralRow {
        id: Blob(referral.id.uuid()),
        waitlist_id: Blob(referral.waitlist_id.uuid()),
        referrer_entry_id: referral.referrer.map(|id| Blob(id.uuid())),
        referred_entry_id: referral.referred.map(|id| Blob(id.uuid())),
        state: referral.state.as_str().to_owned(),
        score: i32::from(referral.score),
        reasons: ReferralSignal::join(&referral.reasons),
        network: network.map(|network| network.bytes().to_vec()),
        policy: referral.policy.map(|policy| policy.to_string()),
        created_at: referral.created_at.unix_millis(),
        decided_at: decision.map(|decision| decision.at.unix_millis()),
        decided_by: decision.and_then(|decision| decision.by.as_ref()).map(ToString::to_string),
        reason: decision.and_then(|decision| decision.reason.as_ref()).map(ToString::to_string),
    };
    diesel::insert_into(referrals::table).values(row).execute(c).map(|_| ())
}

/// What is known of the codes that the sign-ups of a list use.
#[derive(Default)]
pub(crate) struct UsedCodes {
    /// The referrals of the owner of a code in the last hour, up to the cap of the list.
    pub(crate) recent: HashMap<ReferralCode, u64>,
    /// The referrals of an entry from a network in the last day.
    pub(crate) neighbours: HashMap<(EntryId, NetworkHash), u64>,
}

/// Reads what the signals of referrals need, once for each code and each network of it. A list that judges nothing needs no counts.
pub(crate) fn used_codes(
    c: &mut SqliteConnection,
    waitlist: &Waitlist,
    commands: &[(usize, &SignUp)],
    owners: &HashMap<ReferralCode, CodeOwner>,
) -> QueryResult<UsedCodes> {
    let (mut used, policy) = (UsedCodes::default(), waitlist.settings.referral_policy);
    if policy.mode == FraudMode::Off {
        return Ok(used);
    }
    for (_, command) in commands {
        let Some(code) = &command.friends_code else { continue };
        let Some(CodeOwner::Here(ReferrerFacts { id, .. })) = owners.get(code) else { continue };
        let of_owner = || referrals::table.filter(referrals::referrer_entry_id.eq(Blob(id.uuid()))).select(referrals::created_at);
        if !used.recent.contains_key(code) {
            let newest = of_owner().filter(referrals::created_at.gt(command.now.plus(-BURST_WITHIN).unix_millis()));
            let newest: Vec<i64> = newest.limit(i64::from(policy.hourly_cap)).load(c)?;
            used.recent.insert(code.clone(), newest.len() as u64);
        }
        let key = command.network.map(|network| (*id, network));
        if let Some(key) = key.filter(|key| !used.neighbours.contains_key(key)) {
            let near = of_owner().filter(referrals::network.eq(key.1.bytes().as_slice()));
            let near =
                near.filter(referrals::created_at.gt(command.now.plus(-NEIGHBOURS_WITHIN).unix_millis())).limit(to_bigint(NEIGHBOURS));
            used.neighbours.insert(key, near.load::<i64>(c)?.len() as u64);
        }
    }
    Ok(used)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = referrals, check_for_backend(diesel::sqlite::Sqlite), treat_none_as_default_value = false)]
struct ReferralRow {
    id: Blob,
    waitlist_id: Blob,
    referrer_entry_id: Option<Blob>,
    referred_entry_id: Option<Blob>,
    state: String,
    score: i32,
    reasons: String,
    network: Option<Vec<u8>>,
    policy: Option<String>,
    created_at: i64,
    decided_at: Option<i64>,
    decided_by: Option<String>,
    reason: Option<String>,
}

impl ReferralRow {
    /// The referral, without the entries that do not stand any more.
    fn referral(self, c: &mut SqliteConnection) -> Result<Referral, Fault> {
        let (by, reason) = (self.decided_by.map(Subject::from_stored), self.reason.map(DecisionReason::from_stored));
        Ok(Referral {
            id: ReferralId::new(self.id.0),
            waitlist_id: WaitlistId::new(self.waitlist_id.0),
            referrer: standing(c, self.referrer_entry_id)?,
            referred: standing(c, self.referred_entry_id)?,
            state: ReferralState::parse(&self.state).map_err(corrupt("state of a referral"))?,
            score: u8::try_from(self.score).unwrap_or(0),
            reasons: ReferralSignal::split(&self.reasons),
            policy: self.policy.as_deref().and_then(ReferralPolicy::read),
            created_at: instant(self.created_at)?,
            decision: self.decided_at.map(instant).transpose()?.map(|at| ReferralDecision { at, by, reason }),
        })
    }
}
