//! The transaction of a group of sign-ups, of one list or several. It locks the lists in the order of their ids, loads the facts
//! for the whole group, decides one sign-up after the other, and writes all plans. Statements that do not depend on each other
//! are sent together (pipelined), so a group costs three round trips to the server, or four if a reward may be reached.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Bytea, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::try_join;
use rally_domain::command::{GroupFacts, SignUp, SignUpGroup, SignUpPlan, SignUpRejection};
use rally_domain::email::Email;
use rally_domain::entry::Entry;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{EntryId, SuppressionId, VariantId, WaitlistId};
use rally_domain::referral::ReferralCode;
use rally_domain::waitlist::Waitlist;
use rally_group_commit::{Fate, Hold, Rules};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::convert::{from_bigint, to_bigint};
use crate::entries::{EntryRow, InsertEntries, NewEntryRow};
use crate::fault::Abort;
use crate::owners::owners;
use crate::schema::{entries, variants, waitlists};
use crate::statement::statement;
use crate::waitlists::WaitlistRow;
use crate::{Database, audit, confirmations, counters, events, mailboxes, mails, proofs, referrals, settings, suppressions, transaction};

/// Groups take at most half of the default connections of a pool, so that reads find one. A command waits no longer than
/// `patience` for a list that stays locked.
pub(crate) const fn rules(patience: Duration) -> Rules {
    Rules { group: 256, queue: 4096, few: 16, writers: 8, patience }
}

/// The result of one sign-up of a group.
pub(crate) type Outcome = Result<Entry, CommandError<SignUpRejection>>;

/// Carries out a group. If the database fails permanently, each sign-up is tried in a group of its own, so that only the bad one
/// fails. If a row stays locked, all commands are returned. They are tried again list by list, and then after a rest.
pub(crate) async fn run(database: Database, commands: Vec<SignUp>, hold: Hold) -> Vec<Fate<SignUp, Outcome>> {
    match write_group(&database, &commands, Some(&hold)).await {
        Ok(outcomes) => outcomes.into_iter().map(|outcome| Fate::Done(outcome.map_err(CommandError::Rejected))).collect(),
        Err(CommandError::Rejected(Locked)) => commands.into_iter().map(Fate::Back).collect(),
        Err(CommandError::Fault(Fault::Unexpected(_))) if commands.len() > 1 => {
            let (end, mut outcomes) = (Instant::now() + database.group_limit, Vec::with_capacity(commands.len()));
            for command in &commands {
                outcomes.push(Fate::Done(match Instant::now() < end {
                    true => write_alone(&database, command).await,
                    false => Err(Fault::unavailable("no time was left").into()),
                }));
            }
            outcomes
        }
        Err(error) => {
            let fault = fault(error);
            commands.iter().map(|_| Fate::Done(Err(fault.again().into()))).collect()
        }
    }
}

async fn write_alone(database: &Database, command: &SignUp) -> Outcome {
    let outcome = write_group(database, std::slice::from_ref(command), None).await.map_err(fault)?.pop();
    outcome.ok_or_else(|| Fault::unexpected("a group of one has no outcome"))?.map_err(CommandError::Rejected)
}

/// A row that the group needs stayed locked for too long.
#[derive(Debug, thiserror::Error)]
#[error("a list or a webhook is locked")]
struct Locked;

/// Turns a lock timeout, on any row, into [`Locked`].
fn locked(abort: Abort<Locked>) -> Abort<Locked> {
    if abort.is_locked_out() { Abort::Rejected(Locked) } else { abort }
}

fn fault(error: CommandError<Locked>) -> Fault {
    match error {
        CommandError::Fault(fault) => fault,
        CommandError::Rejected(locked) => Fault::unavailable(locked),
    }
}

type Written = Vec<Result<Entry, SignUpRejection>>;

/// Writes the whole group or nothing of it. It waits for a silent server only for the time of a group.
async fn write_group(database: &Database, commands: &[SignUp], hold: Option<&Hold>) -> Result<Written, CommandError<Locked>> {
    timeout(database.group_limit, write_in_time(database, commands, hold)).await.map_err(Fault::unavailable)?
}

/// How a group begins. A locked list, or a locked webhook of its workspace, must not hold up the other lists of the group.
const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = '250ms'";
/// How a group of only one list begins. It waits only for a moment, and is tried again after a rest, without a connection.
const BEGIN_ALONE: &str = "BEGIN; SET LOCAL lock_timeout = '25ms'";

/// The next group of the same lists begins while this one commits, and waits in the database for the locks of this one.
async fn write_in_time(database: &Database, commands: &[SignUp], hold: Option<&Hold>) -> Result<Written, CommandError<Locked>> {
    let begin = if hold.is_none_or(Hold::is_alone) { BEGIN_ALONE } else { BEGIN };
    let mut looks_up = LooksUp::UsedCodes;
    transaction!(database, begun by work, |c| {
        let codes = std::mem::replace(&mut looks_up, LooksUp::AllCodes);
        let mut groups = lock_facts(c, begin, commands, codes).await.map_err(locked)?;
        let decide = |command: &SignUp| match groups.get_mut(&command.waitlist_id) {
            Some(group) => group.decide(command),
            None => Err(SignUpRejection::NoSuchWaitlist),
        };
        let outcomes: Vec<_> = commands.iter().map(decide).collect();
        groups.retain(|_, group| !group.plans().is_empty());
        if !groups.is_empty() {
            apply(c, &groups).await.map_err(|error| locked(error.into()))?;
        }
        hold.inspect(|hold| hold.release());
        Ok(outcomes)
    })
}

/// Of which codes a group looks up the owners. A code that was drawn is new but for one in a billion: the database refuses it, and the
/// group is tried again. No constraint refuses an old code of the list, so every group looks for those.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LooksUp {
    /// The codes of friends.
    UsedCodes,
    /// Those and the ones that were drawn.
    AllCodes,
}

type Groups = BTreeMap<WaitlistId, SignUpGroup>;

/// Begins the transaction, locks the lists, and loads the facts for the sign-ups of each list that exists. All this is sent at once. The
/// server takes one statement after the other, so the reads have waited for the locks and see the latest commit.
async fn lock_facts(c: &AsyncPgConnection, begin: &str, commands: &[SignUp], codes: LooksUp) -> Result<Groups, Abort<Locked>> {
    let lists: BTreeSet<Uuid> = commands.iter().map(|command| command.waitlist_id.uuid()).collect();
    let lists: Vec<Uuid> = lists.into_iter().collect();
    let ((), totals, waitlists, mut mail, known, owners, active, requests, used_proofs) = try_join!(
        async { Ok((&mut &*c).batch_execute(begin).await?) },
        lock_totals(c, &lists),
        load_waitlists(c, &lists),
        settings::mail_setups(c, &lists),
        async { Ok(known_addresses(c, commands).await?) },
        async { Ok(owners(c, commands, codes).await?) },
        active_variants(c, commands),
        confirmations::lock_confirmed(c, commands),
        async { Ok(proofs::used(c, commands.iter().filter_map(|command| command.proof)).await?) },
    )?;
    let asked = mailboxes::asked(&waitlists, commands.iter().map(|command| (command.waitlist_id, &command.profile.email)));
    let (have, wait) = try_join!(mailboxes::entries(c, &asked), mailboxes::requests(c, &asked))?;
    let of_list = |found: &[mailboxes::Found], list: WaitlistId| {
        found.iter().map(mailboxes::Found::key).filter(|(of, _)| *of == list).map(|(_, mailbox)| mailbox).collect()
    };
    let known_of = |list: WaitlistId| known.iter().filter(move |known| known.list == list.uuid());
    let totals = totals.into_iter().filter_map(|(list, totals)| Some((waitlists.get(&list)?.clone(), totals)));
    let group = |(waitlist, (last_position, entries)): (Waitlist, (u64, u64))| {
        let list = waitlist.id;
        let facts = GroupFacts {
            last_position,
            entries,
            emails: known_of(list).filter(|known| known.taken).map(KnownAddress::email).collect(),
            codes: owners.seen_from(list),
            old_codes: known_of(list).filter_map(KnownAddress::old_code).collect(),
            mailboxes: of_list(&have, list),
            waiting_mailboxes: of_list(&wait, list),
            proofs: used_proofs.clone(),
            variants: active.iter().filter(|(of, _)| *of == list).map(|(_, variant)| *variant).collect(),
            requests: requests.iter().filter(|(_, request)| request.waitlist_id == list).map(|(id, kept)| (*id, kept.clone())).collect(),
            erased: known_of(list).filter_map(|known| Some((known.email(), SuppressionId::new(known.erased?)))).collect(),
            mail: mail.remove(&list),
            neighbours: owners.neighbours.clone(),
            rewarded: HashMap::new(),
            waitlist,
        };
        (list, facts)
    };
    let mut groups: BTreeMap<WaitlistId, GroupFacts> = totals.map(group).collect();
    load_rewarded(c, &mut groups, commands).await?;
    Ok(groups.into_iter().map(|(list, facts)| (list, SignUpGroup::new(facts))).collect())
}

/// Loads the entries that may reach a reward. If there are any, this takes one more round trip.
async fn load_rewarded(
    mut c: &AsyncPgConnection,
    groups: &mut BTreeMap<WaitlistId, GroupFacts>,
    commands: &[SignUp],
) -> Result<(), Abort<Locked>> {
    for (list, facts) in groups {
        let ids = facts.rewarding(commands.iter().filter(|command| command.waitlist_id == *list));
        if ids.is_empty() {
            continue;
        }
        let ids: Vec<Uuid> = ids.into_iter().map(EntryId::uuid).collect();
        let rows: Vec<EntryRow> = entries::table.filter(entries::id.eq_any(ids)).select(EntryRow::as_select()).load(&mut c).await?;
        for row in rows {
            let entry = Entry::try_from(row)?;
            facts.rewarded.insert(entry.id, entry);
        }
    }
    Ok(())
}

/// Locks the lists in the order of their ids, as every transaction with several lists does. Returns the last position and the
/// number of entries that stand on each.
async fn lock_totals(mut c: &AsyncPgConnection, lists: &[Uuid]) -> Result<Vec<(WaitlistId, (u64, u64))>, Abort<Locked>> {
    use crate::schema::waitlist_totals::dsl::{approved, erased, last_position, pending, rejected, waitlist_id, waitlist_totals};
    let query = waitlist_totals.filter(waitlist_id.eq_any(lists)).order(waitlist_id);
    let rows: Vec<(Uuid, i64, i64)> =
        query.select((waitlist_id, last_position, pending + approved + rejected - erased)).for_update().load(&mut c).await?;
    Ok(rows.into_iter().map(|(list, last, number)| (WaitlistId::new(list), (from_bigint(last), from_bigint(number)))).collect())
}

pub(crate) async fn load_waitlists<R>(mut c: &AsyncPgConnection, lists: &[Uuid]) -> Result<HashMap<WaitlistId, Waitlist>, Abort<R>> {
    let query = waitlists::table.filter(waitlists::id.eq_any(lists)).order(waitlists::id).select(WaitlistRow::as_select());
    let rows: Vec<WaitlistRow> = query.load(&mut c).await?;
    let waitlist = |row| Waitlist::try_from(row).map(|waitlist| (waitlist.id, waitlist));
    Ok(rows.into_iter().map(waitlist).collect::<Result<_, Fault>>()?)
}

statement! {
    /// Finds which addresses are on their list, which were erased in its workspace, and which new codes are old codes of the list. Each
    /// takes one lookup in an index. The first looks for the nearest address in the order of the unique index: if it compared for equality,
    /// the planner could read the whole list by its status or position.
    KnownAddresses {
        "SELECT asked.list, asked.email, nearest.email IS NOT NULL AS taken, s.id AS erased, old.code AS old_code FROM unnest("
        lists: Array<SqlUuid> = Vec<Uuid>, ", "
        emails: Array<Text> = Vec<String>, ", "
        hashes: Array<Bytea> = Vec<Vec<u8>>, ", "
        codes: Array<Text> = Vec<String>,
        ") AS asked (list, email, hash, code) LEFT JOIN LATERAL (
            SELECT entries.email FROM entries WHERE entries.waitlist_id = asked.list AND entries.email >= asked.email
            ORDER BY entries.email LIMIT 1
        ) nearest ON nearest.email = asked.email
        CROSS JOIN LATERAL (
            SELECT workspace_id, EXISTS (
                SELECT FROM suppressions WHERE workspace_id = waitlists.workspace_id ORDER BY workspace_id, address, reason OFFSET 0
            ) AS has_suppressions FROM waitlists WHERE id = asked.list ORDER BY id LIMIT 1
        ) w
        LEFT JOIN LATERAL (
            SELECT id FROM suppressions
            WHERE w.has_suppressions AND workspace_id = w.workspace_id AND address = asked.hash AND reason = 'erased'
            ORDER BY workspace_id, address, reason LIMIT 1
        ) s ON true
        LEFT JOIN LATERAL (
            SELECT code FROM old_codes WHERE waitlist_id = asked.list AND code = asked.code ORDER BY waitlist_id, code LIMIT 1
        ) old ON true
        WHERE nearest.email IS NOT NULL OR s.id IS NOT NULL OR old.code IS NOT NULL"
    }
}

/// What is known of an address and of a new code on a list.
#[derive(QueryableByName)]
struct KnownAddress {
    #[diesel(sql_type = SqlUuid)]
    list: Uuid,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Bool)]
    taken: bool,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    erased: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    old_code: Option<String>,
}

impl KnownAddress {
    fn email(&self) -> Email {
        Email::from_stored(self.email.clone())
    }

    fn old_code(&self) -> Option<ReferralCode> {
        self.old_code.clone().map(ReferralCode::from_stored)
    }
}

/// What is known of the addresses and new codes of some sign-ups. A sign-up of which nothing is known is left out.
async fn known_addresses(mut c: &AsyncPgConnection, commands: &[SignUp]) -> QueryResult<Vec<KnownAddress>> {
    let find = KnownAddresses {
        lists: commands.iter().map(|command| command.waitlist_id.uuid()).collect(),
        emails: commands.iter().map(|command| command.profile.email.to_string()).collect(),
        hashes: commands.iter().map(|command| command.links.secret().hash_address(&command.profile.email).bytes().to_vec()).collect(),
        codes: commands.iter().map(|command| command.own_code.as_str().to_owned()).collect(),
    };
    find.load(&mut c).await
}

async fn active_variants(mut c: &AsyncPgConnection, commands: &[SignUp]) -> Result<Vec<(WaitlistId, VariantId)>, Abort<Locked>> {
    let asked: Vec<Uuid> = commands.iter().filter_map(|command| command.variant_id).map(VariantId::uuid).collect();
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let active = variants::table
        .filter(variants::id.eq_any(asked))
        .filter(variants::active.and(variants::deleted_at.is_null()))
        .order(variants::id)
        .select((variants::waitlist_id, variants::id));
    let active: Vec<(Uuid, Uuid)> = active.load(&mut c).await?;
    Ok(active.into_iter().map(|(list, variant)| (WaitlistId::new(list), VariantId::new(variant))).collect())
}

async fn apply(c: &AsyncPgConnection, groups: &Groups) -> QueryResult<()> {
    let mut credits: BTreeMap<EntryId, u64> = groups.values().flat_map(SignUpGroup::credits).collect();
    let new = groups.values().flat_map(SignUpGroup::plans);
    // New entries are inserted with their credit from others of their group. Only older ones need an update.
    let row = |plan: &SignUpPlan| {
        let referral_count = to_bigint(credits.remove(&plan.entry.id).unwrap_or(0));
        let network = plan.network.map(|network| network.bytes().to_vec());
        NewEntryRow { referral_count, network, ..NewEntryRow::from(&plan.entry) }
    };
    let rows = new.map(row).collect();
    try_join!(
        insert_entries(c, rows),
        credit(c, credits),
        referrals::insert(c, groups.values().flat_map(SignUpGroup::referrals)),
        counters::grow(c, groups.iter().map(|(list, group)| (*list, group.tally())).collect()),
        events::write_all(c, groups.values().flat_map(SignUpGroup::events)),
        mails::write(c, groups.values().flat_map(SignUpGroup::mails)),
        confirmations::confirm(c, groups.values().flat_map(SignUpGroup::confirmed)),
        proofs::write(c, groups.values().flat_map(SignUpGroup::used_proofs)),
        suppressions::lift(c, groups.values().flat_map(SignUpGroup::lifts).map(SuppressionId::uuid).collect()),
        audit::write_rows(c, groups.values().flat_map(SignUpGroup::audit)),
    )?;
    Ok(())
}

async fn insert_entries(mut c: &AsyncPgConnection, rows: Vec<NewEntryRow>) -> QueryResult<usize> {
    InsertEntries::from(rows).execute(&mut c).await
}

statement! {
    /// Adds to the referral counts of referrers.
    Credit {
        "UPDATE entries SET referral_count = referral_count + credit.number FROM unnest("
        ids: Array<SqlUuid> = Vec<Uuid>, ", "
        numbers: Array<BigInt> = Vec<i64>,
        ") AS credit (id, number) WHERE entries.id = credit.id"
    }
}

/// Adds credits to referrers.
pub(crate) async fn credit(mut c: &AsyncPgConnection, credits: BTreeMap<EntryId, u64>) -> QueryResult<usize> {
    if credits.is_empty() {
        return Ok(0);
    }
    let (ids, numbers) = credits.into_iter().map(|(id, number)| (id.uuid(), to_bigint(number))).unzip();
    Credit { ids, numbers }.execute(&mut c).await
}
