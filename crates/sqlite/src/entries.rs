//! [`EntryStore`] on SQLite.

use std::convert::Infallible;
use std::sync::Arc;

use async_trait::async_trait;
use diesel::prelude::*;
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

use crate::convert::{Blob, corrupt, from_bigint, instant, object, to_bigint};
use crate::fault::{Abort, query_fault};
use crate::schema::{entries, old_codes, waitlists};
use crate::waitlists::WaitlistRow;
use crate::{
    SqliteStore, audit, confirmations, counters, events, export, imports, lists, mails, proofs, purges, ranks, referrals, settings,
    suppressions, terms, tombstones,
};

#[async_trait]
impl EntryStore for SqliteStore {
    async fn sign_up(&self, command: SignUp) -> Result<Entry, CommandError<SignUpRejection>> {
        match self.sign_ups.submit(command.waitlist_id, command).await {
            Ok(outcome) => outcome,
            Err(refused @ (Refused::Full | Refused::Locked)) => Err(Fault::unavailable(refused).into()),
            Err(lost @ Refused::Lost) => Err(Fault::unexpected(lost).into()),
        }
    }

    async fn review(&self, command: ReviewEntry) -> Result<Entry, CommandError<EntryRejection>> {
        self.database
            .write(move |c| {
                let current = load_entry(c, command.waitlist_id, command.entry_id)?;
                match audit::write(c, command.decide(current).map_err(Abort::Rejected)?)? {
                    ReviewPlan::None(entry) => Ok(entry),
                    ReviewPlan::Change { entry, from, event, mail } => {
                        write_status(c, &entry)?;
                        counters::change_status(c, entry.waitlist_id, from, entry.status)?;
                        events::write(c, &event)?;
                        mail.iter().try_for_each(|mail| mails::write(c, mail))?;
                        Ok(entry)
                    }
                }
            })
            .await
    }

    async fn record_invitation(&self, command: RecordInvitation) -> Result<Invited, CommandError<InviteRejection>> {
        self.database
            .write(move |c| {
                let current = load_entry(c, command.waitlist_id, command.entry_id)?;
                let audited = command.decide(current).map_err(Abort::Rejected)?;
                let InvitationPlan { invited, event, mail } = audit::write(c, audited)?;
                write_invitation(c, &invited.entry)?;
                event.iter().try_for_each(|event| events::write(c, event))?;
                mail.iter().try_for_each(|mail| mails::write(c, mail))?;
                Ok(invited)
            })
            .await
    }

    async fn update_profile(&self, command: UpdateProfile) -> Result<Entry, CommandError<ProfileRejection>> {
        self.database
            .write(move |c| {
                let current = load_entry(c, command.waitlist_id, command.entry_id)?;
                let ProfilePlan { entry, event } = command.decide(current).map_err(Abort::Rejected)?;
                write_profile(c, &entry)?;
                event.iter().try_for_each(|event| events::write(c, event))?;
                terms::replace_terms(c, &entry)?;
                Ok(entry)
            })
            .await
    }

    async fn replace_link(&self, command: ReplaceLink) -> Result<Entry, CommandError<ReplaceLinkRejection>> {
        self.database
            .write(move |c| {
                let current = load_entry(c, command.waitlist_id, command.entry_id)?;
                let entry = audit::write(c, command.decide(current).map_err(Abort::Rejected)?)?;
                write_link(c, &entry)?;
                Ok(entry)
            })
            .await
    }

    async fn delete(&self, command: DeleteEntry) -> Result<bool, Fault> {
        let (waitlist_id, id) = (command.waitlist_id, command.entry_id);
        let done = self.database.write::<_, Infallible>(move |c| {
            let Some((entry, hidden)) = take_entry(c, waitlist_id, id)? else { return Ok(false) };
            let event = audit::write(c, command.decide(&entry))?;
            let forgotten = purges::forget_referrer(c, Blob(id.uuid()), FORGOTTEN_AT_ONCE)?;
            let silenced = referrals::forget_reasons(c, Blob(id.uuid()), FORGOTTEN_AT_ONCE)?;
            if to_bigint(forgotten.max(silenced) as u64) == FORGOTTEN_AT_ONCE {
                purges::forget(c, waitlist_id, id)?;
            }
            mails::delete(c, id)?;
            events::drop_undelivered(c, waitlist_id, id)?;
            referrals::forget_person(c, id)?;
            proofs::remember(c, UsedProof::of_gone(command.event_id.uuid(), waitlist_id, entry.created_at, command.now))?;
            counters::remove(c, &entry, forgotten + hidden)?;
            events::write(c, &event)?;
            Ok(true)
        });
        Ok(done.await?)
    }

    async fn erase(&self, command: EraseEntry) -> Result<bool, Fault> {
        let (waitlist_id, id) = (command.waitlist_id, command.entry_id);
        let done = self.database.write::<_, Infallible>(move |c| {
            let Some((entry, hidden)) = take_entry(c, waitlist_id, id)? else { return Ok(false) };
            let ErasurePlan { tombstone, suppression, event } = audit::write(c, command.decide(&entry))?;
            tombstones::write(c, &tombstone)?;
            mails::delete(c, id)?;
            mails::delete_tests(c, &suppression)?;
            confirmations::erase(c, waitlist_id, &entry.profile.email)?;
            events::drop_undelivered(c, waitlist_id, id)?;
            referrals::forget_person(c, id)?;
            proofs::remember(c, UsedProof::of_gone(command.event_id.uuid(), waitlist_id, entry.created_at, command.now))?;
            counters::erase(c, &entry, hidden)?;
            suppressions::write_erased(c, &suppression)?;
            purges::remove_traces(c, waitlist_id, id)?;
            events::write(c, &event)?;
            Ok(true)
        });
        Ok(done.await?)
    }

    async fn friends(&self, id: EntryId, most: usize) -> Result<Vec<Friend>, Fault> {
        self.database.read(move |c| referrals::friends(c, id, most)).await
    }

    async fn records(&self, waitlist_id: WaitlistId, id: EntryId) -> Result<Records, Fault> {
        self.database
            .read(move |c| {
                let old_codes = old_codes::table.filter(old_codes::entry_id.eq(Blob(id.uuid()))).select(old_codes::code);
                let mut old_codes: Vec<String> = old_codes.load(c).map_err(query_fault)?;
                old_codes.sort_unstable();
                Ok(Records { events: events::of_entry(c, waitlist_id, id)?, mails: mails::of_entry(c, id)?, old_codes })
            })
            .await
    }

    async fn ranks(&self, waitlist_id: WaitlistId, boost: ReferralBoost) -> Result<Arc<Ranks>, Fault> {
        self.database.read(move |c| ranks::read(c, waitlist_id, boost).map(Arc::new).map_err(query_fault)).await
    }

    async fn export(&self, waitlist_id: WaitlistId) -> Result<EntryStream, Fault> {
        Ok(export::start(self, waitlist_id))
    }

    async fn find(&self, waitlist_id: WaitlistId, id: EntryId) -> Result<Option<Entry>, Fault> {
        self.database
            .read(move |c| {
                let Some(list) = lists::find(c, waitlist_id).map_err(query_fault)? else { return Ok(None) };
                let query = entries::table.find(Blob(id.uuid())).filter(entries::waitlist_id.eq(Blob(waitlist_id.uuid())));
                let row = query.select(EntryRow::as_select()).first(c).optional().map_err(query_fault)?;
                row.map(|row| list.entry(row)).transpose()
            })
            .await
    }

    async fn find_by_id(&self, id: EntryId) -> Result<Option<Entry>, Fault> {
        self.database
            .read(move |c| {
                let row = entries::table.find(Blob(id.uuid())).select(EntryRow::as_select()).first(c).optional();
                let Some(row) = row.map_err(query_fault)? else { return Ok(None) };
                let list = lists::find(c, WaitlistId::new(row.waitlist_id.0)).map_err(query_fault)?;
                list.map(|list| list.entry(row)).transpose()
            })
            .await
    }

    async fn list(
        &self,
        waitlist_id: WaitlistId,
        status: Option<EntryStatus>,
        after: Option<Position>,
        limit: Limit,
    ) -> Result<Page<Entry, Position>, Fault> {
        self.database
            .read(move |c| {
                let nothing = Page::from_overfetch(Vec::new(), limit, |last: &Entry| last.position);
                let Some(list) = lists::find(c, waitlist_id).map_err(query_fault)? else { return Ok(nothing) };
                let mut query = entries::table
                    .filter(entries::waitlist_id.eq(Blob(waitlist_id.uuid())))
                    .order(entries::position)
                    .limit(to_bigint(limit.rows() as u64 + 1))
                    .select(EntryRow::as_select())
                    .into_boxed();
                if let Some(status) = status {
                    query = query.filter(entries::status.eq(status.as_str()));
                }
                if let Some(position) = after {
                    query = query.filter(entries::position.gt(to_bigint(position.number())));
                }
                let rows: Vec<EntryRow> = query.load(c).map_err(query_fault)?;
                let entries = rows.into_iter().map(|row| list.entry(row)).collect::<Result<Vec<_>, _>>()?;
                Ok(Page::from_overfetch(entries, limit, |last| last.position))
            })
            .await
    }
}

/// How many referred entries forget their referrer in the transaction that deletes it. The rest follow in batches.
const FORGOTTEN_AT_ONCE: i64 = 200;

/// Loads an entry with the facts for a change of it.
pub(crate) fn load_entry<R>(c: &mut SqliteConnection, waitlist_id: WaitlistId, id: EntryId) -> Result<Option<EntryFacts>, Abort<R>> {
    let query = entries::table
        .inner_join(waitlists::table.on(waitlists::id.eq(entries::waitlist_id)))
        .filter(entries::id.eq(Blob(id.uuid())).and(entries::waitlist_id.eq(Blob(waitlist_id.uuid()))))
        .select((EntryRow::as_select(), WaitlistRow::as_select()));
    let Some((entry, waitlist)) = query.first::<(EntryRow, WaitlistRow)>(c).optional()? else { return Ok(None) };
    let Some(list) = lists::find(c, waitlist_id)? else { return Ok(None) };
    let entry = list.entry(entry)?;
    let mail = settings::mail_setup(c, entry.workspace_id)?;
    Ok(Some(EntryFacts { entry, waitlist: waitlist.try_into()?, mail }))
}

/// Deletes the row of an entry. Returns the entry, and how many referrers of it are deleted and still counted: one or none.
fn take_entry<R>(c: &mut SqliteConnection, waitlist_id: WaitlistId, id: EntryId) -> Result<Option<(Entry, usize)>, Abort<R>> {
    let Some(list) = lists::find(c, waitlist_id)? else { return Ok(None) };
    let query = entries::table.find(Blob(id.uuid())).filter(entries::waitlist_id.eq(Blob(waitlist_id.uuid())));
    let Some(row) = query.select(EntryRow::as_select()).first(c).optional()? else { return Ok(None) };
    diesel::delete(entries::table.find(Blob(id.uuid()))).execute(c)?;
    imports::delete_old_codes(c, id)?;
    let hidden = usize::from(list.hides_referrer(&row));
    Ok(Some((list.entry(row)?, hidden)))
}

fn write_invitation(c: &mut SqliteConnection, entry: &Entry) -> QueryResult<usize> {
    let invitation = entry.invitation.as_ref();
    let change = (
        entries::invited_at.eq(invitation.map(|invitation| invitation.at.unix_millis())),
        entries::invited_to_app_slug.eq(invitation.and_then(|invitation| invitation.app_slug.as_deref())),
        entries::updated_at.eq(entry.updated_at.unix_millis()),
    );
    diesel::update(entries::table.find(Blob(entry.id.uuid()))).set(change).execute(c)
}

fn write_profile(c: &mut SqliteConnection, entry: &Entry) -> QueryResult<usize> {
    let profile = &entry.profile;
    let change = (
        entries::name.eq(profile.name.as_str()),
        entries::metadata.eq(Value::Object(profile.metadata.document().clone()).to_string()),
        entries::locale.eq(profile.locale.as_ref().map(Locale::as_str)),
        entries::updated_at.eq(entry.updated_at.unix_millis()),
    );
    diesel::update(entries::table.find(Blob(entry.id.uuid()))).set(change).execute(c)
}

/// Writes the whole profile of an entry, which an import has changed.
pub(crate) fn write_import(c: &mut SqliteConnection, entry: &Entry) -> QueryResult<()> {
    write_profile(c, entry)?;
    let profile = &entry.profile;
    let change = (
        entries::interest.eq(profile.interest.as_ref().map(Interest::as_str)),
        entries::referrer.eq(profile.referrer.as_ref().map(Referrer::as_str)),
    );
    diesel::update(entries::table.find(Blob(entry.id.uuid()))).set(change).execute(c)?;
    terms::replace_terms(c, entry)
}

fn write_link(c: &mut SqliteConnection, entry: &Entry) -> QueryResult<usize> {
    let generation = entries::link_generation.eq(i32::try_from(entry.link_generation).unwrap_or(i32::MAX));
    let change = (generation, entries::updated_at.eq(entry.updated_at.unix_millis()));
    diesel::update(entries::table.find(Blob(entry.id.uuid()))).set(change).execute(c)
}

fn write_status(c: &mut SqliteConnection, entry: &Entry) -> QueryResult<usize> {
    let change = (entries::status.eq(entry.status.as_str()), entries::updated_at.eq(entry.updated_at.unix_millis()));
    diesel::update(entries::table.find(Blob(entry.id.uuid()))).set(change).execute(c)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = entries, check_for_backend(diesel::sqlite::Sqlite), treat_none_as_default_value = false)]
pub(crate) struct EntryRow {
    id: Blob,
    waitlist_id: Blob,
    workspace_id: Blob,
    email: String,
    name: String,
    interest: Option<String>,
    referrer: Option<String>,
    referral_code: String,
    referral_count: i64,
    pub(crate) referred_by_entry_id: Option<Blob>,
    pub(crate) position: i64,
    status: String,
    variant_id: Option<Blob>,
    invited_at: Option<i64>,
    invited_to_app_slug: Option<String>,
    metadata: String,
    locale: Option<String>,
    link_generation: i32,
    confirmed_at: Option<i64>,
    consent: Option<String>,
    pub(crate) network: Option<Vec<u8>>,
    created_at: i64,
    updated_at: i64,
}

impl From<&Entry> for EntryRow {
    fn from(entry: &Entry) -> Self {
        let profile = &entry.profile;
        Self {
            id: entry.id.uuid().into(),
            waitlist_id: entry.waitlist_id.uuid().into(),
            workspace_id: entry.workspace_id.uuid().into(),
            email: profile.email.to_string(),
            name: profile.name.to_string(),
            interest: profile.interest.as_ref().map(ToString::to_string),
            referrer: profile.referrer.as_ref().map(ToString::to_string),
            referral_code: entry.referral_code.to_string(),
            referral_count: to_bigint(entry.referral_count),
            referred_by_entry_id: entry.referred_by.map(|id| id.uuid().into()),
            position: to_bigint(entry.position.number()),
            status: entry.status.as_str().to_owned(),
            variant_id: entry.variant_id.map(|id| id.uuid().into()),
            invited_at: entry.invitation.as_ref().map(|invitation| invitation.at.unix_millis()),
            invited_to_app_slug: entry.invitation.as_ref().and_then(|invitation| invitation.app_slug.clone()),
            metadata: Value::Object(profile.metadata.document().clone()).to_string(),
            locale: profile.locale.as_ref().map(ToString::to_string),
            link_generation: i32::try_from(entry.link_generation).unwrap_or(i32::MAX),
            confirmed_at: entry.confirmed_at.map(Timestamp::unix_millis),
            consent: profile.consent.as_ref().map(Consent::to_stored),
            network: None,
            created_at: entry.created_at.unix_millis(),
            updated_at: entry.updated_at.unix_millis(),
        }
    }
}

impl TryFrom<EntryRow> for Entry {
    type Error = Fault;

    fn try_from(row: EntryRow) -> Result<Self, Fault> {
        let invitation = match row.invited_at {
            Some(at) => Some(Invitation { at: instant(at)?, app_slug: row.invited_to_app_slug }),
            None => None,
        };
        Ok(Self {
            id: EntryId::new(row.id.0),
            waitlist_id: WaitlistId::new(row.waitlist_id.0),
            workspace_id: WorkspaceId::new(row.workspace_id.0),
            profile: Profile {
                email: Email::from_stored(row.email),
                name: PersonName::from_stored(row.name),
                interest: row.interest.map(Interest::from_stored),
                referrer: row.referrer.map(Referrer::from_stored),
                locale: row.locale.map(Locale::from_stored),
                metadata: Metadata::from_stored(object(&row.metadata)?),
                consent: row.consent.as_deref().map(Consent::from_stored).transpose().map_err(corrupt("consent"))?,
            },
            referral_code: ReferralCode::from_stored(row.referral_code),
            referral_count: from_bigint(row.referral_count),
            referred_by: row.referred_by_entry_id.map(|id| EntryId::new(id.0)),
            position: Position::new(from_bigint(row.position)),
            status: EntryStatus::parse(&row.status).map_err(corrupt("entry status"))?,
            variant_id: row.variant_id.map(|id| VariantId::new(id.0)),
            link_generation: u32::try_from(row.link_generation).unwrap_or(0),
            confirmed_at: row.confirmed_at.map(instant).transpose()?,
            invitation,
            created_at: instant(row.created_at)?,
            updated_at: instant(row.updated_at)?,
        })
    }
}
