//! [`ApiKeyStore`] on SQLite.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use rally_domain::access::ApiKey;
use rally_domain::command::{CreateApiKey, RevokeApiKey};
use rally_domain::error::Fault;
use rally_domain::id::WorkspaceId;
use rally_domain::port::ApiKeyStore;

use crate::SqliteStore;
use crate::fault::query_fault;
use crate::rows::{ApiKeyRow, Blob};
use crate::schema::api_keys;

#[async_trait]
impl ApiKeyStore for SqliteStore {
    async fn insert(&self, command: CreateApiKey) -> Result<(), Fault> {
        let done = self.database.write::<_, Infallible>(move |c| {
            diesel::insert_into(api_keys::table).values(ApiKeyRow::from(&command.key)).execute(c)?;
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
            let live = api_keys::table.find(Blob(command.id.uuid())).filter(api_keys::revoked_at.is_null());
            Ok(diesel::update(live).set(api_keys::revoked_at.eq(command.now.unix_millis())).execute(c)? > 0)
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
