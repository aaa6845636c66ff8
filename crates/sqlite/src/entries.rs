//! [`EntryStore`] on SQLite.

use async_trait::async_trait;
use diesel::prelude::*;
use rally_domain::command::{SignUp, SignUpRejection};
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{EntryId, WaitlistId};
use rally_domain::paging::{Limit, Page};
use rally_domain::ports::EntryStore;
use rally_domain::referral::Position;

use crate::fault::query_fault;
use crate::rows::{Blob, EntryRow, to_bigint};
use crate::schema::entries;
use crate::{SqliteStore, sign_up};

#[async_trait]
impl EntryStore for SqliteStore {
    async fn sign_up(&self, command: SignUp) -> Result<Entry, CommandError<SignUpRejection>> {
        self.write(move |c| sign_up::run(c, &command)).await
    }

    async fn find(&self, waitlist_id: WaitlistId, id: EntryId) -> Result<Option<Entry>, Fault> {
        self.read(move |c| {
            let query = entries::table.find(Blob(id.uuid())).filter(entries::waitlist_id.eq(Blob(waitlist_id.uuid())));
            let row = query.select(EntryRow::as_select()).first(c).optional().map_err(query_fault)?;
            row.map(Entry::try_from).transpose()
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
        self.read(move |c| {
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
            let entries = rows.into_iter().map(Entry::try_from).collect::<Result<Vec<_>, _>>()?;
            Ok(Page::from_overfetch(entries, limit, |last| last.position))
        })
        .await
    }
}
