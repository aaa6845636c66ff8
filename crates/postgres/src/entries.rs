//! [`EntryStore`] on PostgreSQL.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::command::{
    EntryFacts, EntryRejection, InvitationPlan, InviteRejection, RecordInvitation, ReviewEntry, ReviewPlan, SignUp, SignUpRejection,
};
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{EntryId, WaitlistId};
use rally_domain::paging::{Limit, Page};
use rally_domain::ports::{EntryStore, EntryStream};
use rally_domain::referral::Position;
use rally_group_commit::Refused;
use uuid::Uuid;

use crate::fault::{Abort, query_fault};
use crate::rows::{EntryRow, WaitlistRow, to_bigint};
use crate::schema::{entries, waitlists};
use crate::{PgStore, counters, events, export, mails, settings, transaction};

#[async_trait]
impl EntryStore for PgStore {
    async fn sign_up(&self, command: SignUp) -> Result<Entry, CommandError<SignUpRejection>> {
        match self.sign_ups.submit(command.waitlist_id, command).await {
            Ok(outcome) => outcome,
            Err(refused @ Refused::Full) => Err(Fault::unavailable(refused).into()),
            Err(lost @ Refused::Lost) => Err(Fault::unexpected(lost).into()),
        }
    }

    async fn review(&self, command: ReviewEntry) -> Result<Entry, CommandError<EntryRejection>> {
        transaction!(self, |c| {
            let current = lock_entry(c, command.waitlist_id, command.entry_id).await?;
            match command.decide(current).map_err(Abort::Rejected)? {
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

    async fn record_invitation(&self, command: RecordInvitation) -> Result<Entry, CommandError<InviteRejection>> {
        transaction!(self, |c| {
            let current = lock_entry(c, command.waitlist_id, command.entry_id).await?;
            let InvitationPlan { entry, mail } = command.decide(current).map_err(Abort::Rejected)?;
            write_invitation(c, &entry).await?;
            mails::write(c, mail.iter()).await?;
            Ok(entry)
        })
    }

    async fn delete(&self, waitlist_id: WaitlistId, id: EntryId) -> Result<bool, Fault> {
        let outcome: Result<bool, CommandError<Infallible>> = transaction!(self, |c| {
            let Some(EntryFacts { entry, .. }) = lock_entry(c, waitlist_id, id).await? else { return Ok(false) };
            diesel::delete(entries::table.find(id.uuid())).execute(c).await?;
            let orphans = forget_referrer(c, id).await?;
            mails::delete(c, id).await?;
            counters::remove(c, &entry, orphans).await?;
            Ok(true)
        });
        Ok(outcome?)
    }

    async fn export(&self, waitlist_id: WaitlistId) -> Result<EntryStream, Fault> {
        export::start(self, waitlist_id).await
    }

    async fn find(&self, waitlist_id: WaitlistId, id: EntryId) -> Result<Option<Entry>, Fault> {
        let mut c = self.connection().await?;
        let query = entries::table.find(id.uuid()).filter(entries::waitlist_id.eq(waitlist_id.uuid()));
        let row = query.select(EntryRow::as_select()).first(&mut c).await.optional().map_err(query_fault)?;
        row.map(Entry::try_from).transpose()
    }

    async fn list(
        &self,
        waitlist_id: WaitlistId,
        status: Option<EntryStatus>,
        after: Option<Position>,
        limit: Limit,
    ) -> Result<Page<Entry, Position>, Fault> {
        let mut c = self.connection().await?;
        let mut query = entries::table
            .filter(entries::waitlist_id.eq(waitlist_id.uuid()))
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
        let rows: Vec<EntryRow> = query.load(&mut c).await.map_err(query_fault)?;
        let entries = rows.into_iter().map(Entry::try_from).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::from_overfetch(entries, limit, |last| last.position))
    }
}

/// The entry with what bears on changing it, as they are once the list is locked.
async fn lock_entry<R>(c: &mut AsyncPgConnection, waitlist_id: WaitlistId, id: EntryId) -> Result<Option<EntryFacts>, Abort<R>> {
    counters::lock(c, waitlist_id).await?;
    let query = entries::table
        .inner_join(waitlists::table.on(waitlists::id.eq(entries::waitlist_id)))
        .filter(entries::id.eq(id.uuid()).and(entries::waitlist_id.eq(waitlist_id.uuid())))
        .select((EntryRow::as_select(), WaitlistRow::as_select()));
    let Some((entry, waitlist)) = query.first::<(EntryRow, WaitlistRow)>(c).await.optional()? else { return Ok(None) };
    let entry = Entry::try_from(entry)?;
    let mail = settings::mail_setups(c, &[entry.waitlist_id.uuid()]).await?.remove(&entry.waitlist_id);
    Ok(Some(EntryFacts { entry, waitlist: waitlist.try_into()?, mail }))
}

async fn write_invitation(c: &mut AsyncPgConnection, entry: &Entry) -> QueryResult<usize> {
    let row = EntryRow::from(entry);
    let change = (
        entries::invited_at.eq(row.invited_at),
        entries::invited_to_app_slug.eq(row.invited_to_app_slug),
        entries::updated_at.eq(row.updated_at),
    );
    diesel::update(entries::table.find(row.id)).set(change).execute(c).await
}

async fn write_status(c: &mut AsyncPgConnection, entry: &Entry) -> QueryResult<usize> {
    let row = EntryRow::from(entry);
    let change = (entries::status.eq(row.status), entries::updated_at.eq(row.updated_at));
    diesel::update(entries::table.find(row.id)).set(change).execute(c).await
}

async fn forget_referrer(c: &mut AsyncPgConnection, id: EntryId) -> QueryResult<usize> {
    let referred = entries::table.filter(entries::referred_by_entry_id.eq(id.uuid()));
    let nobody = entries::referred_by_entry_id.eq(None::<Uuid>);
    diesel::update(referred).set(nobody).execute(c).await
}
