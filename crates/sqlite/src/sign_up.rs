//! The transaction of a group of sign-ups, of any lists. It loads the facts, decides one sign-up after the other, and writes all
//! plans. There is one writer, so one commit to the disk serves all waiting sign-ups, of all lists.

use std::collections::{BTreeMap, HashMap, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Untyped};
use rally_domain::command::{CodeOwner, GroupFacts, ReferrerFacts, SignUp, SignUpGroup, SignUpRejection};
use rally_domain::email::Email;
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{EntryId, VariantId, WaitlistId};
use rally_domain::referral::ReferralCode;
use rally_domain::waitlist::Waitlist;
use rally_group_commit::{Fate, Hold, Rules};

use crate::convert::{Blob, from_bigint, instant, network, to_bigint};
use crate::entries::EntryRow;
use crate::fault::Abort;
use crate::referrals::UsedCodes;
use crate::schema::{entries, variants, waitlists};
use crate::statement::statement;
use crate::waitlists::WaitlistRow;
use crate::{Database, audit, confirmations, counters, events, imports, mailboxes, mails, proofs, referrals, settings, suppressions};

pub(crate) const RULES: Rules = Rules { group: 256, queue: 4096, few: 1, writers: 1, patience: crate::BUSY_TIMEOUT };

/// The result of one sign-up of a group.
pub(crate) type Outcome = Result<Entry, CommandError<SignUpRejection>>;

type Step<T> = Result<T, Abort<SignUpRejection>>;

/// Of which codes a group looks up the owners. A code that was drawn is new but for one in a billion: the database refuses it, and each
/// sign-up is tried in a group of its own. No constraint refuses an old code of the list, so every group looks for those.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LooksUp {
    /// The codes of friends.
    UsedCodes,
    /// Those and the ones that were drawn.
    AllCodes,
}

/// Carries out a group. If the database fails permanently, each sign-up is tried in a group of its own, so that only the bad one
/// fails.
pub(crate) async fn run(database: Database, commands: Vec<SignUp>, hold: Hold) -> Vec<Fate<SignUp, Outcome>> {
    match write_group(&database, commands.clone(), LooksUp::UsedCodes, Some(hold)).await {
        Ok(outcomes) => outcomes.into_iter().map(|outcome| Fate::Done(outcome.map_err(CommandError::Rejected))).collect(),
        Err(Fault::Unexpected(_)) => {
            let mut outcomes = Vec::with_capacity(commands.len());
            for command in commands {
                outcomes.push(Fate::Done(write_alone(&database, command).await));
            }
            outcomes
        }
        Err(fault) => commands.iter().map(|_| Fate::Done(Err(fault.again().into()))).collect(),
    }
}

async fn write_alone(database: &Database, command: SignUp) -> Outcome {
    let outcome = write_group(database, vec![command], LooksUp::AllCodes, None).await?.pop();
    outcome.ok_or_else(|| Fault::unexpected("a group of one has no outcome"))?.map_err(CommandError::Rejected)
}

/// The next group waits for the writing connection while this one commits.
async fn write_group(
    database: &Database,
    commands: Vec<SignUp>,
    codes: LooksUp,
    hold: Option<Hold>,
) -> Result<Vec<Result<Entry, SignUpRejection>>, Fault> {
    let outcome = database.write::<_, SignUpRejection>(move |c| {
        let mut lists: BTreeMap<WaitlistId, Vec<(usize, &SignUp)>> = BTreeMap::new();
        for (n, command) in commands.iter().enumerate() {
            lists.entry(command.waitlist_id).or_default().push((n, command));
        }
        let mut outcomes: Vec<_> = commands.iter().map(|_| Err(SignUpRejection::NoSuchWaitlist)).collect();
        for (list, commands) in &lists {
            let Some(facts) = load_facts(c, *list, commands, codes)? else { continue };
            let mut group = SignUpGroup::new(facts);
            for (n, command) in commands {
                outcomes[*n] = group.decide(command);
            }
            if !group.plans().is_empty() {
                apply(c, *list, &group)?;
            }
        }
        hold.iter().for_each(Hold::release);
        Ok(outcomes)
    });
    outcome.await.map_err(|error| match error {
        CommandError::Fault(fault) => fault,
        CommandError::Rejected(rejection) => Fault::unexpected(rejection),
    })
}

fn load_facts(c: &mut SqliteConnection, list: WaitlistId, commands: &[(usize, &SignUp)], looks_up: LooksUp) -> Step<Option<GroupFacts>> {
    let Some((last_position, entries)) = load_totals(c, list)? else { return Ok(None) };
    let waitlist = load_waitlist(c, list)?;
    let mail = settings::mail_setup(c, waitlist.workspace_id)?;
    let has_old_codes = imports::has_old_codes(c, list)?;
    let (mut emails, mut codes, mut old_codes) = (HashSet::new(), HashMap::new(), HashSet::new());
    let (mut variants, mut requests) = (HashSet::new(), HashMap::new());
    for (_, command) in commands {
        if is_email_taken(c, list, &command.profile.email)? {
            emails.insert(command.profile.email.clone());
        }
        let drawn = Some(&command.own_code).filter(|_| looks_up == LooksUp::AllCodes);
        for code in drawn.into_iter().chain(&command.friends_code) {
            codes.extend(find_owner(c, list, code)?.map(|owner| (code.clone(), owner)));
        }
        if has_old_codes && imports::old_owner(c, list, command.own_code.as_str())?.is_some() {
            old_codes.insert(command.own_code.clone());
        }
        if let Some(id) = command.variant_id
            && is_variant_active(c, list, id)?
        {
            variants.insert(id);
        }
        if let Some(id) = command.confirms {
            requests.extend(confirmations::find(c, id)?.filter(|kept| kept.waitlist_id == list).map(|kept| (id, kept)));
        }
    }
    let erased = suppressions::erased(c, waitlist.workspace_id, commands.iter().map(|(_, command)| *command))?;
    let (mut have, mut wait) = (HashSet::new(), HashSet::new());
    if waitlist.settings.addresses.one_per_mailbox {
        for mailbox in commands.iter().map(|(_, command)| command.profile.email.mailbox()) {
            if mailboxes::entry(c, list, &mailbox)?.is_some() {
                have.insert(mailbox);
            } else if mailboxes::request(c, list, &mailbox)?.is_some() {
                wait.insert(mailbox);
            }
        }
    }
    let proofs = proofs::used(c, commands.iter().filter_map(|(_, command)| command.proof))?;
    let (mailboxes, waiting_mailboxes) = (have, wait);
    let UsedCodes { recent, neighbours } = referrals::used_codes(c, &waitlist, commands, &codes)?;
    for (code, number) in recent {
        if let Some(CodeOwner::Here(referrer)) = codes.get_mut(&code) {
            referrer.recent = number;
        }
    }
    let rewarded = HashMap::new();
    let mut facts = GroupFacts {
        waitlist,
        last_position,
        entries,
        emails,
        codes,
        old_codes,
        mailboxes,
        waiting_mailboxes,
        proofs,
        variants,
        requests,
        erased,
        mail,
        neighbours,
        rewarded,
    };
    for id in facts.rewarding(commands.iter().map(|(_, command)| *command)) {
        let entry = entries::table.find(Blob(id.uuid())).select(EntryRow::as_select()).first::<EntryRow>(c)?;
        facts.rewarded.insert(id, entry.try_into()?);
    }
    Ok(Some(facts))
}

/// The last position of a list, and the number of entries that stand on it.
pub(crate) fn load_totals(c: &mut SqliteConnection, list: WaitlistId) -> QueryResult<Option<(u64, u64)>> {
    use crate::schema::waitlist_totals::dsl::{approved, erased, last_position, pending, rejected, waitlist_totals};
    let query = waitlist_totals.find(Blob(list.uuid())).select((last_position, pending + approved + rejected - erased));
    let row: Option<(i64, i64)> = query.first(c).optional()?;
    Ok(row.map(|(last, number)| (from_bigint(last), from_bigint(number))))
}

pub(crate) fn load_waitlist<R>(c: &mut SqliteConnection, list: WaitlistId) -> Result<Waitlist, Abort<R>> {
    let query = waitlists::table.find(Blob(list.uuid())).select(WaitlistRow::as_select());
    Ok(query.first::<WaitlistRow>(c)?.try_into()?)
}

fn is_email_taken(c: &mut SqliteConnection, list: WaitlistId, email: &Email) -> QueryResult<bool> {
    let same = entries::waitlist_id.eq(Blob(list.uuid())).and(entries::email.eq(email.as_str()));
    diesel::select(diesel::dsl::exists(entries::table.filter(same))).get_result(c)
}

fn find_owner(c: &mut SqliteConnection, list: WaitlistId, code: &ReferralCode) -> Step<Option<CodeOwner>> {
    let query = entries::table.filter(entries::referral_code.eq(code.as_str())).select(OwnerRow::as_select());
    let Some(row) = query.first::<OwnerRow>(c).optional()? else { return Ok(None) };
    if row.waitlist_id.0 != list.uuid() {
        return Ok(Some(CodeOwner::Elsewhere));
    }
    Ok(Some(CodeOwner::Here(ReferrerFacts {
        id: EntryId::new(row.id.0),
        status: EntryStatus::parse(&row.status).map_err(Fault::unexpected)?,
        mailbox: Email::from_stored(row.email).mailbox(),
        network: row.network.map(network).transpose()?,
        joined_at: instant(row.created_at)?,
        referral_count: from_bigint(row.referral_count),
        referral_peak: from_bigint(row.referral_peak),
        recent: 0,
    })))
}

/// What is read of the owner of a referral code.
#[derive(Queryable, Selectable)]
#[diesel(table_name = entries, check_for_backend(diesel::sqlite::Sqlite))]
struct OwnerRow {
    waitlist_id: Blob,
    id: Blob,
    status: String,
    email: String,
    network: Option<Vec<u8>>,
    created_at: i64,
    referral_count: i64,
    referral_peak: i64,
}

fn is_variant_active(c: &mut SqliteConnection, list: WaitlistId, id: VariantId) -> QueryResult<bool> {
    let active = variants::table
        .find(Blob(id.uuid()))
        .filter(variants::waitlist_id.eq(Blob(list.uuid())))
        .filter(variants::active.and(variants::deleted_at.is_null()));
    diesel::select(diesel::dsl::exists(active)).get_result(c)
}

statement! {
    /// Adds to the referral count of a referrer.
    Credit -> Untyped {
        "UPDATE entries SET referral_count = referral_count + "
        number: BigInt = i64, " WHERE id = "
        id: Binary = Blob, ""
    }
}

impl Credit {
    pub(crate) fn new(id: EntryId, number: u64) -> Self {
        Self { number: to_bigint(number), id: Blob(id.uuid()) }
    }
}

fn apply(c: &mut SqliteConnection, list: WaitlistId, group: &SignUpGroup) -> QueryResult<()> {
    for plan in group.plans() {
        let mut row = EntryRow::from(&plan.entry);
        row.network = plan.network.map(|network| network.bytes().to_vec());
        diesel::insert_into(entries::table).values(row).execute(c)?;
    }
    group.referrals().try_for_each(|(referral, network)| referrals::insert(c, referral, network))?;
    for (referrer, number) in group.credits() {
        Credit::new(referrer, number).execute(c)?;
    }
    counters::grow(c, list, group.tally())?;
    events::write_all(c, group.events())?;
    group.mails().try_for_each(|mail| mails::write(c, mail))?;
    group.used_proofs().try_for_each(|used| proofs::write(c, used))?;
    group.lifts().try_for_each(|id| suppressions::lift(c, id))?;
    audit::write_rows(c, group.audit())?;
    group.confirmed().iter().try_for_each(|done| confirmations::confirm(c, done))
}
