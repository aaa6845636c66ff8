//! The transaction of a sign-up: lock the list, load the facts, decide, write the plan.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::command::{ReferrerFacts, SignUp, SignUpFacts, SignUpPlan, SignUpRejection};
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::error::Fault;
use rally_domain::id::EntryId;
use rally_domain::waitlist::Waitlist;
use uuid::Uuid;

use crate::fault::Abort;
use crate::rows::{EntryRow, WaitlistRow, from_bigint};
use crate::schema::{entries, variants, waitlists};
use crate::{counters, events, mails, settings};

type Outcome<T> = Result<T, Abort<SignUpRejection>>;

pub(crate) async fn run(c: &mut AsyncPgConnection, command: &SignUp) -> Outcome<Entry> {
    let facts = lock_facts(c, command).await?;
    let plan = command.decide(facts).map_err(Abort::Rejected)?;
    apply(c, &plan).await?;
    Ok(plan.entry)
}

async fn lock_facts(c: &mut AsyncPgConnection, command: &SignUp) -> Outcome<SignUpFacts> {
    let totals = lock_totals(c, command).await?;
    let (last_position, [pending, approved, rejected]) = totals.ok_or(Abort::Rejected(SignUpRejection::NoSuchWaitlist))?;
    let waitlist = load_waitlist(c, command).await?;
    Ok(SignUpFacts {
        mail: settings::mail_setup(c, waitlist.workspace_id).await?,
        waitlist,
        last_position,
        entries: pending + approved + rejected,
        email_taken: is_email_taken(c, command).await?,
        code_taken: is_code_taken(c, command).await?,
        referrer: find_referrer(c, command).await?,
        variant_is_active: is_variant_active(c, command).await?,
    })
}

/// The last position and the number of entries by status, in the order of [`EntryStatus::ALL`].
async fn lock_totals(c: &mut AsyncPgConnection, command: &SignUp) -> QueryResult<Option<(u64, [u64; 3])>> {
    use crate::schema::waitlist_totals::dsl::{approved, last_position, pending, rejected, waitlist_totals};
    let query = waitlist_totals.find(command.waitlist_id.uuid()).select((last_position, pending, approved, rejected)).for_update();
    let row: Option<(i64, i64, i64, i64)> = query.first(c).await.optional()?;
    Ok(row.map(|(last, p, a, r)| (from_bigint(last), [p, a, r].map(from_bigint))))
}

/// Read after the lock was taken, so as it is at the latest commit.
async fn load_waitlist(c: &mut AsyncPgConnection, command: &SignUp) -> Outcome<Waitlist> {
    let query = waitlists::table.find(command.waitlist_id.uuid()).select(WaitlistRow::as_select());
    Ok(query.first(c).await.map_err(Abort::Query)?.try_into()?)
}

async fn is_email_taken(c: &mut AsyncPgConnection, command: &SignUp) -> QueryResult<bool> {
    let same = entries::waitlist_id.eq(command.waitlist_id.uuid()).and(entries::email.eq(command.email.as_str()));
    diesel::select(exists(entries::table.filter(same))).get_result(c).await
}

async fn is_code_taken(c: &mut AsyncPgConnection, command: &SignUp) -> QueryResult<bool> {
    let same = entries::referral_code.eq(command.own_code.as_str());
    diesel::select(exists(entries::table.filter(same))).get_result(c).await
}

async fn find_referrer(c: &mut AsyncPgConnection, command: &SignUp) -> Outcome<Option<ReferrerFacts>> {
    let Some(code) = &command.friends_code else { return Ok(None) };
    let query = entries::table
        .filter(entries::referral_code.eq(code.as_str()).and(entries::waitlist_id.eq(command.waitlist_id.uuid())))
        .select((entries::id, entries::status));
    let row: Option<(Uuid, String)> = query.first(c).await.optional()?;
    let facts = row.map(|(id, status)| {
        let status = EntryStatus::parse(&status).map_err(Fault::unexpected)?;
        Ok::<_, Fault>(ReferrerFacts { id: EntryId::new(id), status })
    });
    Ok(facts.transpose()?)
}

async fn is_variant_active(c: &mut AsyncPgConnection, command: &SignUp) -> QueryResult<bool> {
    let Some(id) = command.variant_id else { return Ok(false) };
    let active = variants::table
        .find(id.uuid())
        .filter(variants::waitlist_id.eq(command.waitlist_id.uuid()))
        .filter(variants::active.and(variants::deleted_at.is_null()));
    diesel::select(exists(active)).get_result(c).await
}

async fn apply(c: &mut AsyncPgConnection, plan: &SignUpPlan) -> QueryResult<()> {
    let SignUpPlan { entry, credit, events: told, mail } = plan;
    diesel::insert_into(entries::table).values(EntryRow::from(entry)).execute(c).await?;
    if let Some(referrer) = credit {
        add_referral(c, *referrer).await?;
    }
    counters::add(c, entry).await?;
    events::write(c, told).await?;
    mails::write(c, mail).await
}

async fn add_referral(c: &mut AsyncPgConnection, referrer: EntryId) -> QueryResult<usize> {
    let grown = entries::referral_count.eq(entries::referral_count + 1);
    diesel::update(entries::table.find(referrer.uuid())).set(grown).execute(c).await
}
