//! [`ApiKeyStore`] on PostgreSQL.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rally_domain::access::ApiKey;
use rally_domain::command::{CreateApiKey, RevokeApiKey};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{ApiKeyId, WorkspaceId};
use rally_domain::port::ApiKeyStore;
use rally_domain::text::KeyName;
use rally_domain::timestamp::Timestamp;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::digest;
use crate::fault::query_fault;
use crate::schema::api_keys;
use crate::{PgStore, audit, transaction};

#[async_trait]
impl ApiKeyStore for PgStore {
    async fn insert(&self, command: CreateApiKey) -> Result<(), Fault> {
        let outcome: Result<(), CommandError<Infallible>> = transaction!(self, |c| {
            let key = audit::write(c, command.clone().decide()).await?;
            diesel::insert_into(api_keys::table).values(ApiKeyRow::from(&key)).execute(c).await?;
            Ok(())
        });
        Ok(outcome?)
    }

    async fn list(&self, workspace_id: WorkspaceId) -> Result<Vec<ApiKey>, Fault> {
        let mut c = self.connection().await?;
        let query = api_keys::table
            .filter(api_keys::workspace_id.eq(workspace_id.uuid()))
            .order((api_keys::created_at, api_keys::id))
            .select(ApiKeyRow::as_select());
        let rows: Vec<ApiKeyRow> = query.load(&mut c).await.map_err(query_fault)?;
        rows.into_iter().map(ApiKey::try_from).collect()
    }

    async fn revoke(&self, command: RevokeApiKey) -> Result<bool, Fault> {
        let outcome: Result<bool, CommandError<Infallible>> = transaction!(self, |c| {
            let query = api_keys::table.find(command.id.uuid()).select(ApiKeyRow::as_select()).for_no_key_update();
            let current: Option<ApiKeyRow> = query.first(c).await.optional()?;
            let audited = command.decide(current.map(ApiKey::try_from).transpose()?);
            let Some(revoked) = audit::write(c, audited).await? else { return Ok(false) };
            let change = api_keys::revoked_at.eq(revoked.revoked_at.map(Timestamp::instant));
            Ok(diesel::update(api_keys::table.find(revoked.id.uuid())).set(change).execute(c).await? > 0)
        });
        Ok(outcome?)
    }

    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<ApiKey>, Fault> {
        let prefix = prefix.to_owned();
        let mut c = self.connection().await?;
        let query = api_keys::table.filter(api_keys::prefix.eq(prefix).and(api_keys::revoked_at.is_null())).select(ApiKeyRow::as_select());
        let rows: Vec<ApiKeyRow> = query.load(&mut c).await.map_err(query_fault)?;
        rows.into_iter().map(ApiKey::try_from).collect()
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys, check_for_backend(diesel::pg::Pg))]
struct ApiKeyRow {
    id: Uuid,
    workspace_id: Uuid,
    name: String,
    scope: String,
    prefix: String,
    hash: Vec<u8>,
    created_at: OffsetDateTime,
    revoked_at: Option<OffsetDateTime>,
}

impl From<&ApiKey> for ApiKeyRow {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id.uuid(),
            workspace_id: key.workspace_id.uuid(),
            name: key.name.to_string(),
            scope: key.scope.clone(),
            prefix: key.prefix.clone(),
            hash: key.hash.to_vec(),
            created_at: key.created_at.instant(),
            revoked_at: key.revoked_at.map(Timestamp::instant),
        }
    }
}

impl TryFrom<ApiKeyRow> for ApiKey {
    type Error = Fault;

    fn try_from(row: ApiKeyRow) -> Result<Self, Fault> {
        Ok(Self {
            id: ApiKeyId::new(row.id),
            workspace_id: WorkspaceId::new(row.workspace_id),
            name: KeyName::from_stored(row.name),
            scope: row.scope,
            prefix: row.prefix,
            hash: digest(row.hash)?,
            created_at: Timestamp::new(row.created_at),
            revoked_at: row.revoked_at.map(Timestamp::new),
        })
    }
}
