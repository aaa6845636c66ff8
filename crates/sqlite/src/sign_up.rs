//! The transaction of a sign-up: load the facts, decide, write the plan.

use diesel::dsl::exists;
use diesel::prelude::*;
use rally_domain::command::{ReferrerFacts, SignUp, SignUpFacts, SignUpPlan, SignUpRejection};
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::error::Fault;
use rally_domain::id::EntryId;
use rally_domain::waitlist::Waitlist;

use crate::fault::Abort;
use crate::rows::{Blob, EntryRow, WaitlistRow, from_bigint};
use crate::schema::{entries, variants, waitlists};
use crate::{counters, events, mails, settings};

type Outcome<T> = Result<T, Abort<SignUpRejection>>;

pub(crate) fn run(c: &mut SqliteConnection, command: &SignUp) -> Outcome<Entry> {
    let facts = load_facts(c, command)?;
    let plan = command.decide(facts).map_err(Abort::Rejected)?;
    apply(c, &plan)?;
    Ok(plan.entry)
}

fn load_facts(c: &mut SqliteConnection, command: &SignUp) -> Outcome<SignUpFacts> {
    let totals = load_totals(c, command)?;
    let (last_position, [pending, approved, rejected]) = totals.ok_or(Abort::Rejected(SignUpRejection::NoSuchWaitlist))?;
    let waitlist = load_waitlist(c, command)?;
    Ok(SignUpFacts {
        mail: settings::mail_setup(c, waitlist.workspace_id)?,
        waitlist,
        last_position,
        entries: pending + approved + rejected,
        email_taken: is_email_taken(c, command)?,
        code_taken: is_code_taken(c, command)?,
        referrer: find_referrer(c, command)?,
        variant_is_active: is_variant_active(c, command)?,
    })
}

/// The last position and the number of entries by status, in the order of [`EntryStatus::ALL`].
fn load_totals(c: &mut SqliteConnection, command: &SignUp) -> QueryResult<Option<(u64, [u64; 3])>> {
    use crate::schema::waitlist_totals::dsl::{approved, last_position, pending, rejected, waitlist_totals};
    let query = waitlist_totals.find(Blob(command.waitlist_id.uuid())).select((last_position, pending, approved, rejected));
    let row: Option<(i64, i64, i64, i64)> = query.first(c).optional()?;
    Ok(row.map(|(last, p, a, r)| (from_bigint(last), [p, a, r].map(from_bigint))))
}

fn load_waitlist(c: &mut SqliteConnection, command: &SignUp) -> Outcome<Waitlist> {
    let query = waitlists::table.find(Blob(command.waitlist_id.uuid())).select(WaitlistRow::as_select());
    Ok(query.first(c).map_err(Abort::Query)?.try_into()?)
}

fn is_email_taken(c: &mut SqliteConnection, command: &SignUp) -> QueryResult<bool> {
    let same = entries::waitlist_id.eq(Blob(command.waitlist_id.uuid())).and(entries::email.eq(command.email.as_str()));
    diesel::select(exists(entries::table.filter(same))).get_result(c)
}

fn is_code_taken(c: &mut SqliteConnection, command: &SignUp) -> QueryResult<bool> {
    let same = entries::referral_code.eq(command.own_code.as_str());
    diesel::select(exists(entries::table.filter(same))).get_result(c)
}

fn find_referrer(c: &mut SqliteConnection, command: &SignUp) -> Outcome<Option<ReferrerFacts>> {
    let Some(code) = &command.friends_code else { return Ok(None) };
    let query = entries::table
        .filter(entries::referral_code.eq(code.as_str()).and(entries::waitlist_id.eq(Blob(command.waitlist_id.uuid()))))
        .select((entries::id, entries::status));
    let row: Option<(Blob, String)> = query.first(c).optional()?;
    let facts = row.map(|(id, status)| {
        let status = EntryStatus::parse(&status).map_err(Fault::unexpected)?;
        Ok::<_, Fault>(ReferrerFacts { id: EntryId::new(id.0), status })
    });
    Ok(facts.transpose()?)
}

fn is_variant_active(c: &mut SqliteConnection, command: &SignUp) -> QueryResult<bool> {
    let Some(id) = command.variant_id else { return Ok(false) };
    let active = variants::table
        .find(Blob(id.uuid()))
        .filter(variants::waitlist_id.eq(Blob(command.waitlist_id.uuid())))
        .filter(variants::active.and(variants::deleted_at.is_null()));
    diesel::select(exists(active)).get_result(c)
}

fn apply(c: &mut SqliteConnection, plan: &SignUpPlan) -> QueryResult<()> {
    let SignUpPlan { entry, credit, events: told, mail } = plan;
    diesel::insert_into(entries::table).values(EntryRow::from(entry)).execute(c)?;
    if let Some(referrer) = credit {
        add_referral(c, *referrer)?;
    }
    counters::add(c, entry)?;
    for event in told {
        events::write(c, event)?;
    }
    mail.iter().try_for_each(|mail| mails::write(c, mail))
}

fn add_referral(c: &mut SqliteConnection, referrer: EntryId) -> QueryResult<usize> {
    let grown = entries::referral_count.eq(entries::referral_count + 1);
    diesel::update(entries::table.find(Blob(referrer.uuid()))).set(grown).execute(c)
}
