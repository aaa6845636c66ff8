//! [`ApiKeyStore`] on SQLite.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use rally_domain::access::ApiKey;
use rally_domain::command::{CreateApiKey, RevokeApiKey};
use rally_domain::error::Fault;
use rally_domain::id::{ApiKeyId, WorkspaceId};
use rally_domain::port::ApiKeyStore;
use rally_domain::text::KeyName;
use rally_domain::timestamp::Timestamp;

use crate::convert::{Blob, digest, instant};
use crate::fault::query_fault;
use crate::schema::api_keys;
use crate::{SqliteStore, audit};

#[async_trait]
impl ApiKeyStore for SqliteStore {
    async fn insert(&self, command: CreateApiKey) -> Result<(), Fault> {
        let done = self.database.write::<_, Infallible>(move |c| {
            let key = audit::write(c, command.decide())?;
            diesel::insert_into(api_keys::table).values(ApiKeyRow::from(&key)).execute(c)?;
            Ok(())
        });
        Ok(done.await?)
    }

    async fn list(&self, workspace_id: WorkspaceId) -> Result<Vec<ApiKey>, Fault> {
        self.database
            .read(move |c| {
                let query = api_keys::table
                    .filter(api_keys::workspace_id.eq(Blob(workspace_id.uuid())))
                    .order((api_keys::created_at, api_keys::id))
                    .select(ApiKeyRow::as_select());
                let rows: Vec<ApiKeyRow> = query.load(c).map_err(query_fault)?;
                rows.into_iter().map(ApiKey::try_from).collect()
            })
            .await
    }

    async fn revoke(&self, command: RevokeApiKey) -> Result<bool, Fault> {
        let done = self.database.write::<_, Infallible>(move |c| {
            let query = api_keys::table.find(Blob(command.id.uuid())).select(ApiKeyRow::as_select());
            let current: Option<ApiKeyRow> = query.first(c).optional()?;
            let audited = command.decide(current.map(ApiKey::try_from).transpose()?);
            let Some(revoked) = audit::write(c, audited)? else { return Ok(false) };
            let change = api_keys::revoked_at.eq(revoked.revoked_at.map(Timestamp::unix_millis));
            Ok(diesel::update(api_keys::table.find(Blob(revoked.id.uuid()))).set(change).execute(c)? > 0)
        });
        Ok(done.await?)
    }

    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<ApiKey>, Fault> {
        let prefix = prefix.to_owned();
        self.database
            .read(move |c| {
                let query =
                    api_keys::table.filter(api_keys::prefix.eq(prefix).and(api_keys::revoked_at.is_null())).select(ApiKeyRow::as_select());
                let rows: Vec<ApiKeyRow> = query.load(c).map_err(query_fault)?;
                rows.into_iter().map(ApiKey::try_from).collect()
            })
            .await
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = api_keys, check_for_backend(diesel::sqlite::Sqlite))]
struct ApiKeyRow {
    id: Blob,
    workspace_id: Blob,
    name: String,
    scope: String,
    prefix: String,
    hash: Vec<u8>,
    created_at: i64,
    revoked_at: Option<i64>,
}

impl From<&ApiKey> for ApiKeyRow {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id.uuid().into(),
            workspace_id: key.workspace_id.uuid().into(),
            name: key.name.to_string(),
            scope: key.scope.clone(),
            prefix: key.prefix.clone(),
            hash: key.hash.to_vec(),
            created_at: key.created_at.unix_millis(),
            revoked_at: key.revoked_at.map(Timestamp::unix_millis),
        }
    }
}

impl TryFrom<ApiKeyRow> for ApiKey {
    type Error = Fault;

    fn try_from(row: ApiKeyRow) -> Result<Self, Fault> {
        Ok(Self {
            id: ApiKeyId::new(row.id.0),
            workspace_id: WorkspaceId::new(row.workspace_id.0),
            name: KeyName::from_stored(row.name),
            scope: row.scope,
            prefix: row.prefix,
            hash: digest(row.hash)?,
            created_at: instant(row.created_at)?,
            revoked_at: row.revoked_at.map(instant).transpose()?,
        })
    }
}
