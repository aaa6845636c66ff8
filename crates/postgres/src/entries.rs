//! [`EntryStore`] on PostgreSQL.

use std::convert::Infallible;
use std::sync::Arc;

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Bytea, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::try_join;
use rally_domain::command::{
    DeleteEntry, EntryFacts, EntryRejection, EraseEntry, ErasurePlan, InvitationPlan, InviteRejection, Invited, ProfilePlan,
    ProfileRejection, RecordInvitation, ReplaceLink, ReplaceLinkRejection, ReviewEntry, ReviewPlan, SignUp, SignUpRejection, UpdateProfile,
};
use rally_domain::consent::Consent;
use rally_domain::custom_field::Metadata;
use rally_domain::email::Email;
use rally_domain::entry::{Entry, EntryStatus, Friend, Invitation, Records};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{EntryId, VariantId, WaitlistId, WorkspaceId};
use rally_domain::locale::Locale;
use rally_domain::paging::{Limit, Page};
use rally_domain::port::{EntryStore, EntryStream};
use rally_domain::profile::Profile;
use rally_domain::proof_of_work::UsedProof;
use rally_domain::rank::Ranks;
use rally_domain::referral::{Position, ReferralBoost, ReferralCode};
use rally_domain::text::{Interest, PersonName, Referrer};
use rally_domain::timestamp::Timestamp;
use rally_group_commit::Refused;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::{corrupt, from_bigint, object, to_bigint};
use crate::fault::{Abort, query_fault};
use crate::schema::{entries, old_codes};
use crate::statement::insert;
use crate::{
    PgStore, audit, confirmations, counters, events, export, imports, lists, mails, proofs, purges, ranks, referrals, settings,
    suppressions, terms, tombstones, transaction, waitlists,
};

#[async_trait]
impl EntryStore for PgStore {
    async fn sign_up(&self, command: SignUp) -> Result<Entry, CommandError<SignUpRejection>> {
        match self.sign_ups.submit(command.waitlist_id, command).await {
            Ok(outcome) => outcome,
            Err(refused @ (Refused::Full | Refused::Locked)) => Err(Fault::unavailable(refused).into()),
            Err(lost @ Refused::Lost) => Err(Fault::unexpected(lost).into()),
        }
    }

    async fn review(&self, command: ReviewEntry) -> Result<Entry, CommandError<EntryRejection>> {
        transaction!(self, turn = command.waitlist_id.uuid(), |c| {
            let current = lock_entry(c, command.waitlist_id, command.entry_id).await?;
            match audit::write(c, command.decide(current).map_err(Abort::Rejected)?).await? {
                ReviewPlan::None(entry) => Ok(entry),
                ReviewPlan::Change { entry, from, event, mail } => {
                    write_status(c, &entry).await?;
                    counters::change_status(c, entry.waitlist_id, from, entry.status).await?;
                    events::write(c, &event).await?;
                    mails::write(c, mail.iter()).await?;
                    Ok(entry)
                }
            }
        })
    }

    async fn record_invitation(&self, command: RecordInvitation) -> Result<Invited, CommandError<InviteRejection>> {
        transaction!(self, turn = command.waitlist_id.uuid(), |c| {
            let current = lock_entry(c, command.waitlist_id, command.entry_id).await?;
            let audited = command.decide(current).map_err(Abort::Rejected)?;
            let InvitationPlan { invited, event, mail } = audit::write(c, audited).await?;
            write_invitation(c, &invited.entry).await?;
            if let Some(event) = &event {
                events::write(c, event).await?;
            }
            mails::write(c, mail.iter()).await?;
            Ok(invited)
        })
    }

    async fn update_profile(&self, command: UpdateProfile) -> Result<Entry, CommandError<ProfileRejection>> {
        transaction!(self, turn = command.waitlist_id.uuid(), |c| {
            let current = lock_entry(c, command.waitlist_id, command.entry_id).await?;
            let ProfilePlan { entry, event } = command.decide(current).map_err(Abort::Rejected)?;
            write_profile(c, &entry).await?;
            if let Some(event) = &event {
                events::write(c, event).await?;
            }
            terms::replace_terms(c, &entry).await?;
            Ok(entry)
        })
    }

    async fn replace_link(&self, command: ReplaceLink) -> Result<Entry, CommandError<ReplaceLinkRejection>> {
        transaction!(self, turn = command.waitlist_id.uuid(), |c| {
            let current = lock_entry(c, command.waitlist_id, command.entry_id).await?;
            let entry = audit::write(c, command.decide(current).map_err(Abort::Rejected)?).await?;
            write_link(c, &entry).await?;
            Ok(entry)
        })
    }

    async fn delete(&self, command: DeleteEntry) -> Result<bool, Fault> {
        let (waitlist_id, id) = (command.waitlist_id, command.entry_id);
        let outcome: Result<bool, CommandError<Infallible>> = transaction!(self, turn = waitlist_id.uuid(), |c| {
            let Some((entry, hidden)) = take_entry(c, waitlist_id, id).await? else { return Ok(false) };
            let event = audit::write(c, command.decide(&entry)).await?;
            let forgotten = purges::forget_referrer(c, id, FORGOTTEN_AT_ONCE).await?;
            let silenced = referrals::forget_reasons(c, id.uuid(), to_bigint(FORGOTTEN_AT_ONCE as u64)).await?;
            if forgotten.max(silenced) == FORGOTTEN_AT_ONCE {
                purges::forget(c, waitlist_id, id).await?;
            }
            mails::delete(c, id).await?;
            events::drop_undelivered(c, waitlist_id, id).await?;
            referrals::forget_person(c, id).await?;
            proofs::remember(c, UsedProof::of_gone(command.event_id.uuid(), waitlist_id, entry.created_at, command.now)).await?;
            counters::remove(c, &entry, forgotten + hidden).await?;
            events::write(c, &event).await?;
            Ok(true)
        });
        Ok(outcome?)
    }

    async fn erase(&self, command: EraseEntry) -> Result<bool, Fault> {
        let (waitlist_id, id) = (command.waitlist_id, command.entry_id);
        let outcome: Result<bool, CommandError<Infallible>> = transaction!(self, turn = waitlist_id.uuid(), |c| {
            if !counters::lock(c, waitlist_id).await? {
                return Ok(false);
            }
            // A request is locked before its entry, as by those who ask for mail.
            if let Some(row) = find(&*c, id).await?.filter(|row| row.new.waitlist_id == waitlist_id.uuid()) {
                confirmations::erase(c, waitlist_id, &Email::from_stored(row.new.email)).await?;
            }
            let Some((entry, hidden)) = take_entry(c, waitlist_id, id).await? else { return Ok(false) };
            let ErasurePlan { tombstone, suppression, event } = audit::write(c, command.decide(&entry)).await?;
            tombstones::write(c, &tombstone).await?;
            mails::delete(c, id).await?;
            mails::delete_tests(c, &suppression).await?;
            events::drop_undelivered(c, waitlist_id, id).await?;
            referrals::forget_person(c, id).await?;
            proofs::remember(c, UsedProof::of_gone(command.event_id.uuid(), waitlist_id, entry.created_at, command.now)).await?;
            counters::erase(c, &entry, hidden).await?;
            suppressions::write_erased(c, &suppression).await?;
            purges::remove_traces(c, waitlist_id, id).await?;
            events::write(c, &event).await?;
            Ok(true)
        });
        Ok(outcome?)
    }

    async fn friends(&self, id: EntryId, most: usize) -> Result<Vec<Friend>, Fault> {
        let mut c = self.connection().await?;
        referrals::friends(&mut c, id, most).await.map_err(query_fault)
    }

    async fn records(&self, waitlist_id: WaitlistId, id: EntryId) -> Result<Records, Fault> {
        let mut c = self.connection().await?;
        let old_codes = old_codes::table.filter(old_codes::entry_id.eq(id.uuid())).select(old_codes::code);
        let mut old_codes: Vec<String> = old_codes.load(&mut c).await.map_err(query_fault)?;
        old_codes.sort_unstable();
        let (events, mails) = (events::of_entry(&mut c, waitlist_id, id).await?, mails::of_entry(&mut c, id).await?);
        Ok(Records { events, mails, old_codes })
    }

    async fn ranks(&self, waitlist_id: WaitlistId, boost: ReferralBoost) -> Result<Arc<Ranks>, Fault> {
        let mut c = self.connection().await?;
        let mut snapshot = c.build_transaction().read_only().repeatable_read();
        let outcome: Result<Ranks, Abort<Infallible>> = snapshot.run(async |c| Ok(ranks::read(c, waitlist_id, boost).await?)).await;
        outcome.map(Arc::new).map_err(|abort| CommandError::from(abort).into())
    }

    async fn export(&self, waitlist_id: WaitlistId) -> Result<EntryStream, Fault> {
        export::start(self, waitlist_id).await
    }

    async fn find(&self, waitlist_id: WaitlistId, id: EntryId) -> Result<Option<Entry>, Fault> {
        let c = self.connection().await?;
        let (list, row) = try_join!(lists::find(&c, waitlist_id), find(&c, id)).map_err(query_fault)?;
        let entry = list.zip(row).map(|(list, row)| list.entry(row)).transpose()?;
        Ok(entry.filter(|entry| entry.waitlist_id == waitlist_id))
    }

    async fn find_by_id(&self, id: EntryId) -> Result<Option<Entry>, Fault> {
        let c = self.connection().await?;
        let Some(row) = find(&c, id).await.map_err(query_fault)? else { return Ok(None) };
        let list = lists::find(&c, WaitlistId::new(row.new.waitlist_id)).await.map_err(query_fault)?;
        list.map(|list| list.entry(row)).transpose()
    }

    async fn list(
        &self,
        waitlist_id: WaitlistId,
        status: Option<EntryStatus>,
        after: Option<Position>,
        limit: Limit,
    ) -> Result<Page<Entry, Position>, Fault> {
        let c = self.connection().await?;
        let after = after.map_or(0, |position| to_bigint(position.number()));
        let (list, rows) = try_join!(lists::find(&c, waitlist_id), page(&c, waitlist_id, status, after, limit)).map_err(query_fault)?;
        let Some(list) = list else { return Ok(Page::from_overfetch(Vec::new(), limit, |last: &Entry| last.position)) };
        let entries = rows.into_iter().map(|row| list.entry(row)).collect::<Result<Vec<_>, _>>()?;
        // The page of one status may run into the next status.
        let entries = entries.into_iter().take_while(|entry| status.is_none_or(|status| entry.status == status)).collect();
        Ok(Page::from_overfetch(entries, limit, |last| last.position))
    }
}

/// How many referred entries forget their referrer in the transaction that deletes it. The rest follow in batches.
const FORGOTTEN_AT_ONCE: usize = 200;

async fn find(mut c: &AsyncPgConnection, id: EntryId) -> QueryResult<Option<EntryRow>> {
    entries::table.find(id.uuid()).select(EntryRow::as_select()).first(&mut c).await.optional()
}

/// Rows after a position, in the order of the index that serves them. A page of one status begins with that status and may end
/// with others: if the statement compared the status for equality, the planner could read the whole list by position.
async fn page(
    mut c: &AsyncPgConnection,
    list: WaitlistId,
    status: Option<EntryStatus>,
    after: i64,
    limit: Limit,
) -> QueryResult<Vec<EntryRow>> {
    let of_list = entries::table.filter(entries::waitlist_id.eq(list.uuid())).limit(to_bigint(limit.rows() as u64 + 1));
    match status {
        None => {
            let page = of_list.filter(entries::position.gt(after)).order(entries::position);
            page.select(EntryRow::as_select()).load(&mut c).await
        }
        Some(status) => {
            // The DSL has no row comparison.
            let from = sql::<Bool>("(entries.status, entries.position) > (").bind::<Text, _>(status.as_str());
            let page = of_list.filter(from.sql(", ").bind::<BigInt, _>(after).sql(")")).order((entries::status, entries::position));
            page.select(EntryRow::as_select()).load(&mut c).await
        }
    }
}

/// Locks the list, and loads the entry with the facts for a change of it.
pub(crate) async fn lock_entry<R>(c: &mut AsyncPgConnection, waitlist_id: WaitlistId, id: EntryId) -> Result<Option<EntryFacts>, Abort<R>> {
    if !counters::lock(c, waitlist_id).await? {
        return Ok(None);
    }
    let (c, lists) = (&*c, [waitlist_id.uuid()]);
    let (list, row, waitlist, mut mail) = try_join!(
        async { Ok::<_, Abort<R>>(lists::find(c, waitlist_id).await?) },
        async { Ok(find(c, id).await?) },
        async { Ok(waitlists::find(c, waitlist_id).await?) },
        settings::mail_setups(c, &lists),
    )?;
    let Some((list, row)) = list.zip(row) else { return Ok(None) };
    let entry = list.entry(row)?;
    let Some(waitlist) = waitlist.filter(|_| entry.waitlist_id == waitlist_id) else { return Ok(None) };
    Ok(Some(EntryFacts { entry, waitlist: waitlist.try_into()?, mail: mail.remove(&waitlist_id) }))
}

/// Locks the list and deletes the row of the entry. Returns the entry, and how many referrers of it are deleted and still counted: one
/// or none.
async fn take_entry<R>(c: &mut AsyncPgConnection, waitlist_id: WaitlistId, id: EntryId) -> Result<Option<(Entry, usize)>, Abort<R>> {
    if !counters::lock(c, waitlist_id).await? {
        return Ok(None);
    }
    let reader = &*c;
    let (list, row) = try_join!(lists::find(reader, waitlist_id), find(reader, id))?;
    let Some((list, row)) = list.zip(row).filter(|(_, row)| row.new.waitlist_id == waitlist_id.uuid()) else { return Ok(None) };
    diesel::delete(entries::table.find(id.uuid())).execute(c).await?;
    imports::delete_old_codes(c, id).await?;
    let hidden = usize::from(list.hides_referrer(&row));
    Ok(Some((list.entry(row)?, hidden)))
}

/// Writes the invitation and the time of the last change.
pub(crate) async fn write_invitation(c: &mut AsyncPgConnection, entry: &Entry) -> QueryResult<usize> {
    let invitation = entry.invitation.as_ref();
    let change = (
        entries::invited_at.eq(invitation.map(|invitation| invitation.at.instant())),
        entries::invited_to_app_slug.eq(invitation.and_then(|invitation| invitation.app_slug.as_deref())),
        entries::updated_at.eq(entry.updated_at.instant()),
    );
    diesel::update(entries::table.find(entry.id.uuid())).set(change).execute(c).await
}

async fn write_profile(c: &mut AsyncPgConnection, entry: &Entry) -> QueryResult<usize> {
    let profile = &entry.profile;
    let change = (
        entries::name.eq(profile.name.as_str()),
        entries::metadata.eq(Value::Object(profile.metadata.document().clone())),
        entries::locale.eq(profile.locale.as_ref().map(Locale::as_str)),
        entries::updated_at.eq(entry.updated_at.instant()),
    );
    diesel::update(entries::table.find(entry.id.uuid())).set(change).execute(c).await
}

/// Writes the whole profile of an entry, which an import has changed.
pub(crate) async fn write_import(c: &mut AsyncPgConnection, entry: &Entry) -> QueryResult<()> {
    write_profile(c, entry).await?;
    let profile = &entry.profile;
    let change = (
        entries::interest.eq(profile.interest.as_ref().map(Interest::as_str)),
        entries::referrer.eq(profile.referrer.as_ref().map(Referrer::as_str)),
    );
    diesel::update(entries::table.find(entry.id.uuid())).set(change).execute(c).await?;
    terms::replace_terms(c, entry).await
}

async fn write_link(c: &mut AsyncPgConnection, entry: &Entry) -> QueryResult<usize> {
    let generation = entries::link_generation.eq(i32::try_from(entry.link_generation).unwrap_or(i32::MAX));
    let change = (generation, entries::updated_at.eq(entry.updated_at.instant()));
    diesel::update(entries::table.find(entry.id.uuid())).set(change).execute(c).await
}

async fn write_status(c: &mut AsyncPgConnection, entry: &Entry) -> QueryResult<usize> {
    let change = (entries::status.eq(entry.status.as_str()), entries::updated_at.eq(entry.updated_at.instant()));
    diesel::update(entries::table.find(entry.id.uuid())).set(change).execute(c).await
}

insert! {
    /// The columns of an entry that its sign-up writes.
    NewEntryRow of entries {
        id: SqlUuid = Uuid,
        waitlist_id: SqlUuid = Uuid,
        workspace_id: SqlUuid = Uuid,
        email: Text = String,
        name: Text = String,
        interest: Nullable<Text> = Option<String>,
        referrer: Nullable<Text> = Option<String>,
        referral_code: Text = String,
        referral_count: BigInt = i64,
        referred_by_entry_id: Nullable<SqlUuid> = Option<Uuid>,
        position: BigInt = i64,
        status: Text = String,
        variant_id: Nullable<SqlUuid> = Option<Uuid>,
        metadata: Jsonb = Value,
        locale: Nullable<Text> = Option<String>,
        confirmed_at: Nullable<Timestamptz> = Option<OffsetDateTime>,
        consent: Nullable<Text> = Option<String>,
        network: Nullable<Bytea> = Option<Vec<u8>>,
        created_at: Timestamptz = OffsetDateTime,
    }

    /// Inserts entries.
    InsertEntries, with updated_at = created_at
}

/// An entry as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = entries, check_for_backend(diesel::pg::Pg))]
pub(crate) struct EntryRow {
    #[diesel(embed)]
    pub(crate) new: NewEntryRow,
    invited_at: Option<OffsetDateTime>,
    invited_to_app_slug: Option<String>,
    link_generation: i32,
    updated_at: OffsetDateTime,
}

impl From<&Entry> for NewEntryRow {
    fn from(entry: &Entry) -> Self {
        let profile = &entry.profile;
        Self {
            id: entry.id.uuid(),
            waitlist_id: entry.waitlist_id.uuid(),
            workspace_id: entry.workspace_id.uuid(),
            email: profile.email.to_string(),
            name: profile.name.to_string(),
            interest: profile.interest.as_ref().map(ToString::to_string),
            referrer: profile.referrer.as_ref().map(ToString::to_string),
            referral_code: entry.referral_code.to_string(),
            referral_count: to_bigint(entry.referral_count),
            referred_by_entry_id: entry.referred_by.map(EntryId::uuid),
            position: to_bigint(entry.position.number()),
            status: entry.status.as_str().to_owned(),
            variant_id: entry.variant_id.map(VariantId::uuid),
            metadata: Value::Object(profile.metadata.document().clone()),
            locale: profile.locale.as_ref().map(ToString::to_string),
            confirmed_at: entry.confirmed_at.map(Timestamp::instant),
            consent: profile.consent.as_ref().map(Consent::to_stored),
            network: None,
            created_at: entry.created_at.instant(),
        }
    }
}

impl TryFrom<EntryRow> for Entry {
    type Error = Fault;

    fn try_from(EntryRow { new: row, invited_at, invited_to_app_slug, link_generation, updated_at }: EntryRow) -> Result<Self, Fault> {
        let invitation = invited_at.map(|at| Invitation { at: Timestamp::new(at), app_slug: invited_to_app_slug });
        Ok(Self {
            id: EntryId::new(row.id),
            waitlist_id: WaitlistId::new(row.waitlist_id),
            workspace_id: WorkspaceId::new(row.workspace_id),
            profile: Profile {
                email: Email::from_stored(row.email),
                name: PersonName::from_stored(row.name),
                interest: row.interest.map(Interest::from_stored),
                referrer: row.referrer.map(Referrer::from_stored),
                locale: row.locale.map(Locale::from_stored),
                metadata: Metadata::from_stored(object(row.metadata)?),
                consent: row.consent.as_deref().map(Consent::from_stored).transpose().map_err(corrupt("consent"))?,
            },
            referral_code: ReferralCode::from_stored(row.referral_code),
            referral_count: from_bigint(row.referral_count),
            referred_by: row.referred_by_entry_id.map(EntryId::new),
            position: Position::new(from_bigint(row.position)),
            status: EntryStatus::parse(&row.status).map_err(corrupt("entry status"))?,
            variant_id: row.variant_id.map(VariantId::new),
            link_generation: u32::try_from(link_generation).unwrap_or(0),
            confirmed_at: row.confirmed_at.map(Timestamp::new),
            invitation,
            created_at: Timestamp::new(row.created_at),
            updated_at: Timestamp::new(updated_at),
        })
    }
}
