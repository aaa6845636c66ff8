//! The transaction of a group of sign-ups: lock the list, load what bears on all of them, decide one after the other, write
//! the whole. What does not depend on each other is sent at once (pipelined), so that a group costs six trips to the server.

use std::collections::{HashMap, HashSet};
use std::mem::take;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use futures_util::try_join;
use rally_domain::command::{CodeOwner, GroupFacts, ReferrerFacts, SignUp, SignUpGroup, SignUpRejection};
use rally_domain::email::Email;
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{EntryId, VariantId, WaitlistId};
use rally_domain::referral::ReferralCode;
use rally_domain::waitlist::Waitlist;
use rally_group_commit::{Gather, Rules};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::fault::Abort;
use crate::rows::{EntryRow, WaitlistRow, from_bigint, to_bigint};
use crate::schema::{entries, variants, waitlists};
use crate::statement::statement;
use crate::{Database, counters, events, mails, settings, transaction};

/// Lists are written beside each other, and one list by one group at a time: its row's lock would let no more.
pub(crate) const RULES: Rules = Rules { gather: Gather::OneLane, group: 256, queue: 4096, writers: 8 };

/// What one sign-up of a group comes to.
pub(crate) type Outcome = Result<Entry, CommandError<SignUpRejection>>;

/// Carries out a group. A sign-up that the database itself refuses fails alone: the others are tried without it.
pub(crate) async fn run(database: Database, commands: Vec<SignUp>) -> Vec<Outcome> {
    match write_group(&database, &commands).await {
        Ok(outcomes) => outcomes.into_iter().map(|outcome| outcome.map_err(CommandError::Rejected)).collect(),
        Err(Fault::Unexpected(_)) if commands.len() > 1 => {
            let mut outcomes = Vec::with_capacity(commands.len());
            for command in &commands {
                outcomes.push(write_alone(&database, command).await);
            }
            outcomes
        }
        Err(fault) => commands.iter().map(|_| Err(again(&fault).into())).collect(),
    }
}

async fn write_alone(database: &Database, command: &SignUp) -> Outcome {
    let outcome = write_group(database, std::slice::from_ref(command)).await?.pop();
    outcome.ok_or_else(|| Fault::unexpected("a group of one has no outcome"))?.map_err(CommandError::Rejected)
}

/// The same fault for another caller.
fn again(fault: &Fault) -> Fault {
    match fault {
        Fault::Unavailable(cause) => Fault::unavailable(cause.to_string()),
        Fault::Unexpected(cause) => Fault::unexpected(cause.to_string()),
    }
}

async fn write_group(database: &Database, commands: &[SignUp]) -> Result<Vec<Result<Entry, SignUpRejection>>, Fault> {
    let Some(first) = commands.first() else { return Ok(Vec::new()) };
    let outcome: Result<_, CommandError<SignUpRejection>> = transaction!(database, |c| {
        let Some(facts) = lock_facts(c, first.waitlist_id, commands).await? else {
            return Ok(commands.iter().map(|_| Err(SignUpRejection::NoSuchWaitlist)).collect());
        };
        let mut group = SignUpGroup::new(facts);
        let outcomes: Vec<_> = commands.iter().map(|command| group.decide(command)).collect();
        if !group.plans().is_empty() {
            apply(c, first.waitlist_id, &group).await?;
        }
        Ok(outcomes)
    });
    outcome.map_err(|error| match error {
        CommandError::Fault(fault) => fault,
        CommandError::Rejected(rejection) => Fault::unexpected(rejection),
    })
}

async fn lock_facts(c: &mut AsyncPgConnection, list: WaitlistId, commands: &[SignUp]) -> Result<Option<GroupFacts>, Abort<SignUpRejection>> {
    let Some((last_position, entries)) = lock_totals(c, list).await? else { return Ok(None) };
    // Read after the lock was taken, so as it is at the latest commit.
    let c = &*c;
    let (waitlist, emails, codes, variants) =
        try_join!(load_waitlist(c, list), taken_emails(c, list, commands), owners(c, list, commands), active_variants(c, list, commands))?;
    let mail = settings::mail_setup(c, waitlist.workspace_id).await?;
    Ok(Some(GroupFacts { waitlist, last_position, entries, emails, codes, variants, mail }))
}

/// The last position and the number of entries.
async fn lock_totals(c: &mut AsyncPgConnection, list: WaitlistId) -> QueryResult<Option<(u64, u64)>> {
    use crate::schema::waitlist_totals::dsl::{approved, last_position, pending, rejected, waitlist_totals};
    let query = waitlist_totals.find(list.uuid()).select((last_position, pending + approved + rejected)).for_update();
    let row: Option<(i64, i64)> = query.first(c).await.optional()?;
    Ok(row.map(|(last, number)| (from_bigint(last), from_bigint(number))))
}

async fn load_waitlist(mut c: &AsyncPgConnection, list: WaitlistId) -> Result<Waitlist, Abort<SignUpRejection>> {
    let query = waitlists::table.find(list.uuid()).select(WaitlistRow::as_select());
    Ok(query.first::<WaitlistRow>(&mut c).await?.try_into()?)
}

async fn taken_emails(mut c: &AsyncPgConnection, list: WaitlistId, commands: &[SignUp]) -> Result<HashSet<Email>, Abort<SignUpRejection>> {
    let asked: Vec<&str> = commands.iter().map(|command| command.email.as_str()).collect();
    let query = entries::table.filter(entries::waitlist_id.eq(list.uuid()).and(entries::email.eq_any(asked))).select(entries::email);
    let taken: Vec<String> = query.load(&mut c).await?;
    Ok(taken.into_iter().map(Email::from_stored).collect())
}

async fn owners(
    mut c: &AsyncPgConnection,
    list: WaitlistId,
    commands: &[SignUp],
) -> Result<HashMap<ReferralCode, CodeOwner>, Abort<SignUpRejection>> {
    let asked = commands.iter().flat_map(|command| std::iter::once(&command.own_code).chain(&command.friends_code));
    let asked: Vec<&str> = asked.map(ReferralCode::as_str).collect();
    let query = entries::table
        .filter(entries::referral_code.eq_any(asked))
        .select((entries::referral_code, entries::waitlist_id, entries::id, entries::status));
    let rows: Vec<(String, Uuid, Uuid, String)> = query.load(&mut c).await?;
    let owner = |(code, of, id, status): (String, Uuid, Uuid, String)| {
        let status = EntryStatus::parse(&status).map_err(Fault::unexpected)?;
        let here = CodeOwner::Here(ReferrerFacts { id: EntryId::new(id), status });
        Ok((ReferralCode::from_stored(code), if of == list.uuid() { here } else { CodeOwner::Elsewhere }))
    };
    rows.into_iter().map(owner).collect()
}

async fn active_variants(
    mut c: &AsyncPgConnection,
    list: WaitlistId,
    commands: &[SignUp],
) -> Result<HashSet<VariantId>, Abort<SignUpRejection>> {
    let asked: Vec<Uuid> = commands.iter().filter_map(|command| command.variant_id).map(VariantId::uuid).collect();
    if asked.is_empty() {
        return Ok(HashSet::new());
    }
    let active = variants::table
        .filter(variants::id.eq_any(asked).and(variants::waitlist_id.eq(list.uuid())))
        .filter(variants::active.and(variants::deleted_at.is_null()))
        .select(variants::id);
    let active: Vec<Uuid> = active.load(&mut c).await?;
    Ok(active.into_iter().map(VariantId::new).collect())
}

async fn apply(c: &AsyncPgConnection, list: WaitlistId, group: &SignUpGroup) -> QueryResult<()> {
    try_join!(
        insert_entries(c, group),
        counters::grow(c, list, group.tally()),
        events::insert(c, group.events()),
        mails::write(c, group.mails()),
    )?;
    // These stand on what was just written.
    try_join!(credit(c, group), events::insert_deliveries(c, group.events()))?;
    Ok(())
}

statement! {
    /// New entries, which nobody has referred to yet.
    InsertEntries {
        "INSERT INTO entries (id, waitlist_id, workspace_id, email, name, interest, referrer, referral_code, referral_count, \
            referred_by_entry_id, position, status, variant_id, metadata, created_at, updated_at) \
            SELECT id, waitlist_id, workspace_id, email, name, interest, referrer, referral_code, 0, referred_by_entry_id, position, status, \
            variant_id, metadata, created_at, created_at FROM unnest("
        ids: Array<SqlUuid> = Vec<Uuid>, ", "
        waitlist_ids: Array<SqlUuid> = Vec<Uuid>, ", "
        workspace_ids: Array<SqlUuid> = Vec<Uuid>, ", "
        emails: Array<Text> = Vec<String>, ", "
        names: Array<Text> = Vec<String>, ", "
        interests: Array<Nullable<Text>> = Vec<Option<String>>, ", "
        referrers: Array<Nullable<Text>> = Vec<Option<String>>, ", "
        codes: Array<Text> = Vec<String>, ", "
        referred_by: Array<Nullable<SqlUuid>> = Vec<Option<Uuid>>, ", "
        positions: Array<BigInt> = Vec<i64>, ", "
        statuses: Array<Text> = Vec<String>, ", "
        variant_ids: Array<Nullable<SqlUuid>> = Vec<Option<Uuid>>, ", "
        metadata: Array<Jsonb> = Vec<Value>, ", "
        created_at: Array<Timestamptz> = Vec<OffsetDateTime>,
        ") AS new (id, waitlist_id, workspace_id, email, name, interest, referrer, referral_code, referred_by_entry_id, position, status, \
            variant_id, metadata, created_at)"
    }
}

async fn insert_entries(mut c: &AsyncPgConnection, group: &SignUpGroup) -> QueryResult<usize> {
    fn column<T>(rows: &mut [EntryRow], take: impl FnMut(&mut EntryRow) -> T) -> Vec<T> {
        rows.iter_mut().map(take).collect()
    }
    let mut rows: Vec<EntryRow> = group.entries().map(EntryRow::from).collect();
    let rows = rows.as_mut_slice();
    let insert = InsertEntries {
        ids: column(rows, |row| row.id),
        waitlist_ids: column(rows, |row| row.waitlist_id),
        workspace_ids: column(rows, |row| row.workspace_id),
        emails: column(rows, |row| take(&mut row.email)),
        names: column(rows, |row| take(&mut row.name)),
        interests: column(rows, |row| row.interest.take()),
        referrers: column(rows, |row| row.referrer.take()),
        codes: column(rows, |row| take(&mut row.referral_code)),
        referred_by: column(rows, |row| row.referred_by_entry_id),
        positions: column(rows, |row| row.position),
        statuses: column(rows, |row| take(&mut row.status)),
        variant_ids: column(rows, |row| row.variant_id),
        metadata: column(rows, |row| take(&mut row.metadata)),
        created_at: column(rows, |row| row.created_at),
    };
    insert.execute(&mut c).await
}

statement! {
    /// Lets the counts of referrers grow.
    Credit {
        "UPDATE entries SET referral_count = referral_count + credit.number FROM unnest("
        ids: Array<SqlUuid> = Vec<Uuid>, ", "
        numbers: Array<BigInt> = Vec<i64>,
        ") AS credit (id, number) WHERE entries.id = credit.id"
    }
}

async fn credit(mut c: &AsyncPgConnection, group: &SignUpGroup) -> QueryResult<usize> {
    let credits = group.credits();
    if credits.is_empty() {
        return Ok(0);
    }
    let (ids, numbers) = credits.into_iter().map(|(id, number)| (id.uuid(), to_bigint(number))).unzip();
    Credit { ids, numbers }.execute(&mut c).await
}
