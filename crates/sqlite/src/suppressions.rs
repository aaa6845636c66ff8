//! [`SuppressionStore`] on SQLite.

use std::collections::HashMap;
use std::convert::Infallible;

use async_trait::async_trait;
use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool};
use rally_domain::command::{
    LiftSuppression, SignUp, Suppress, SuppressFacts, SuppressRejection, Unsubscribe, UnsubscribePlan, UnsubscribeRejection,
};
use rally_domain::email::Email;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{SuppressionId, WorkspaceId};
use rally_domain::paging::{Limit, Page, SuppressionKey};
use rally_domain::port::SuppressionStore;
use rally_domain::secret::{AddressHash, StoreSecret};
use rally_domain::suppression::{Suppression, SuppressionReason};

use crate::convert::{Blob, corrupt, digest, instant, to_bigint};
use crate::fault::{Abort, query_fault};
use crate::schema::{suppressions, workspaces};
use crate::statement::statement;
use crate::{SqliteStore, audit, entries, events};

#[async_trait]
impl SuppressionStore for SqliteStore {
    async fn suppress(&self, command: Suppress) -> Result<Suppression, CommandError<SuppressRejection>> {
        self.database
            .write(move |c| {
                let facts = SuppressFacts { workspace_exists: workspace_exists(c, command.workspace_id)? };
                let suppression = command.clone().decide(facts).map_err(Abort::Rejected)?;
                let row = SuppressionRow::from(&suppression);
                let key = (suppressions::workspace_id, suppressions::address, suppressions::reason);
                diesel::insert_into(suppressions::table).values(row).on_conflict(key).do_nothing().execute(c)?;
                let kept = of_reason(c, suppression.workspace_id, suppression.address, suppression.reason)?;
                let kept = kept.map(Suppression::try_from).transpose()?.unwrap_or(suppression);
                Ok(audit::write(c, Suppress::kept(&command.actor, command.id, kept))?)
            })
            .await
    }

    async fn unsubscribe(&self, command: Unsubscribe) -> Result<(), CommandError<UnsubscribeRejection>> {
        self.database
            .write(move |c| {
                let current = entries::load_entry(c, command.waitlist_id, command.entry_id)?;
                let UnsubscribePlan { suppression, event } = command.decide(current).map_err(Abort::Rejected)?;
                if write(c, &suppression)? > 0 {
                    events::write(c, &event)?;
                }
                Ok(())
            })
            .await
    }

    async fn lift(&self, command: LiftSuppression) -> Result<bool, Fault> {
        let (workspace_id, id) = (command.workspace_id, Blob(command.id.uuid()));
        let lifted = self.database.write::<_, Infallible>(move |c| {
            let mine = suppressions::table.find(id).filter(suppressions::workspace_id.eq(Blob(workspace_id.uuid())));
            let row: Option<SuppressionRow> = mine.select(SuppressionRow::as_select()).first(c).optional()?;
            let row = if workspace_exists(c, workspace_id)? { row } else { None };
            let current = row.map(Suppression::try_from).transpose()?;
            Ok(audit::write(c, command.decide(current.as_ref()))? && diesel::delete(mine).execute(c)? > 0)
        });
        Ok(lifted.await?)
    }

    async fn lift_reason(&self, workspace_id: WorkspaceId, address: AddressHash, reason: SuppressionReason) -> Result<bool, Fault> {
        let lifted = self.database.write::<_, Infallible>(move |c| {
            let Some(row) = of_reason(c, workspace_id, address, reason)? else { return Ok(false) };
            Ok(workspace_exists(c, workspace_id)? && diesel::delete(suppressions::table.find(row.id)).execute(c)? > 0)
        });
        Ok(lifted.await?)
    }

    async fn find(&self, workspace_id: WorkspaceId, address: AddressHash) -> Result<Vec<Suppression>, Fault> {
        self.database
            .read(move |c| {
                let query = suppressions::table
                    .filter(suppressions::workspace_id.eq(Blob(workspace_id.uuid())))
                    .filter(suppressions::address.eq(address.bytes().as_slice()))
                    .filter(exists(workspaces::table.find(Blob(workspace_id.uuid()))))
                    .order((suppressions::created_at.desc(), suppressions::id.desc()))
                    .select(SuppressionRow::as_select());
                let rows: Vec<SuppressionRow> = query.load(c).map_err(query_fault)?;
                rows.into_iter().map(Suppression::try_from).collect()
            })
            .await
    }

    async fn list(
        &self,
        workspace_id: WorkspaceId,
        after: Option<SuppressionKey>,
        limit: Limit,
    ) -> Result<Page<Suppression, SuppressionKey>, Fault> {
        self.database
            .read(move |c| {
                let mut query = suppressions::table
                    .filter(suppressions::workspace_id.eq(Blob(workspace_id.uuid())))
                    .filter(exists(workspaces::table.find(Blob(workspace_id.uuid()))))
                    .order((suppressions::created_at.desc(), suppressions::id.desc()))
                    .limit(to_bigint(limit.rows() as u64 + 1))
                    .select(SuppressionRow::as_select())
                    .into_boxed();
                if let Some(key) = after {
                    // The index needs a row comparison, and the DSL has none.
                    query = query.filter(
                        sql::<Bool>("(suppressions.created_at, suppressions.id) < (")
                            .bind::<BigInt, _>(key.created_at.unix_millis())
                            .sql(", ")
                            .bind::<Binary, _>(Blob(key.id.uuid()))
                            .sql(")"),
                    );
                }
                let rows: Vec<SuppressionRow> = query.load(c).map_err(query_fault)?;
                let suppressions = rows.into_iter().map(Suppression::try_from).collect::<Result<Vec<_>, _>>()?;
                Ok(Page::from_overfetch(suppressions, limit, |last| SuppressionKey { created_at: last.created_at, id: last.id }))
            })
            .await
    }
}

fn workspace_exists(c: &mut SqliteConnection, id: WorkspaceId) -> QueryResult<bool> {
    diesel::select(exists(workspaces::table.find(Blob(id.uuid())))).get_result(c)
}

fn of_reason(
    c: &mut SqliteConnection,
    workspace_id: WorkspaceId,
    address: AddressHash,
    reason: SuppressionReason,
) -> QueryResult<Option<SuppressionRow>> {
    suppressions::table
        .filter(suppressions::workspace_id.eq(Blob(workspace_id.uuid())))
        .filter(suppressions::address.eq(address.bytes().as_slice()).and(suppressions::reason.eq(reason.as_str())))
        .select(SuppressionRow::as_select())
        .first(c)
        .optional()
}

/// Writes a suppression in the transaction of its cause. One of the same address and reason stays as it is.
pub(crate) fn write(c: &mut SqliteConnection, suppression: &Suppression) -> QueryResult<usize> {
    diesel::insert_or_ignore_into(suppressions::table).values(SuppressionRow::from(suppression)).execute(c)
}

/// Writes the suppression of an erased entry. No suppression shows the address any more.
pub(crate) fn write_erased(c: &mut SqliteConnection, suppression: &Suppression) -> QueryResult<usize> {
    write(c, suppression)?;
    let of_address = suppressions::table
        .filter(suppressions::workspace_id.eq(Blob(suppression.workspace_id.uuid())))
        .filter(suppressions::address.eq(suppression.address.bytes().as_slice()));
    diesel::update(of_address).set(suppressions::masked_email.eq(None::<&str>)).execute(c)
}

/// The suppressions of the people of some sign-ups who were erased. Most workspaces have none, and are asked once.
pub(crate) fn erased<'a>(
    c: &mut SqliteConnection,
    workspace_id: WorkspaceId,
    commands: impl Iterator<Item = &'a SignUp>,
) -> QueryResult<HashMap<Email, SuppressionId>> {
    erased_addresses(c, workspace_id, commands.map(|command| (command.links.secret(), &command.profile.email)))
}

/// The suppressions of people who were erased, by their addresses.
pub(crate) fn erased_addresses<'a>(
    c: &mut SqliteConnection,
    workspace_id: WorkspaceId,
    addresses: impl Iterator<Item = (&'a StoreSecret, &'a Email)>,
) -> QueryResult<HashMap<Email, SuppressionId>> {
    let mut found = HashMap::new();
    if !(AnyErased { workspace: Blob(workspace_id.uuid()) }.get_result::<bool>(c)?) {
        return Ok(found);
    }
    for (secret, email) in addresses {
        let row = of_reason(c, workspace_id, secret.hash_address(email), SuppressionReason::Erased)?;
        found.extend(row.map(|row| (email.clone(), SuppressionId::new(row.id.0))));
    }
    Ok(found)
}

statement! {
    /// Whether a workspace has suppressions of people who were erased.
    AnyErased -> Bool {
        "SELECT EXISTS (SELECT 1 FROM suppressions WHERE reason = 'erased' AND workspace_id = " workspace: Binary = Blob, ")"
    }
}

/// Lifts a suppression in the transaction of its cause.
pub(crate) fn lift(c: &mut SqliteConnection, id: SuppressionId) -> QueryResult<()> {
    diesel::delete(suppressions::table.find(Blob(id.uuid()))).execute(c).map(|_| ())
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = suppressions, check_for_backend(diesel::sqlite::Sqlite))]
struct SuppressionRow {
    id: Blob,
    workspace_id: Blob,
    address: Vec<u8>,
    masked_email: Option<String>,
    reason: String,
    created_at: i64,
}

impl From<&Suppression> for SuppressionRow {
    fn from(suppression: &Suppression) -> Self {
        Self {
            id: suppression.id.uuid().into(),
            workspace_id: suppression.workspace_id.uuid().into(),
            address: suppression.address.bytes().to_vec(),
            masked_email: suppression.masked_email.clone(),
            reason: suppression.reason.as_str().to_owned(),
            created_at: suppression.created_at.unix_millis(),
        }
    }
}

impl TryFrom<SuppressionRow> for Suppression {
    type Error = Fault;

    fn try_from(row: SuppressionRow) -> Result<Self, Fault> {
        Ok(Self {
            id: SuppressionId::new(row.id.0),
            workspace_id: WorkspaceId::new(row.workspace_id.0),
            address: AddressHash::new(digest(row.address)?),
            masked_email: row.masked_email,
            reason: SuppressionReason::parse(&row.reason).map_err(corrupt("reason of a suppression"))?,
            created_at: instant(row.created_at)?,
        })
    }
}
