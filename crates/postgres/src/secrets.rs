//! [`SecretStore`] on PostgreSQL.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rally_domain::error::Fault;
use rally_domain::port::SecretStore;

use crate::PgStore;
use crate::fault::query_fault;
use crate::schema::store_secrets;

/// The name of the only row.
const NAME: &str = "store";

#[async_trait]
impl SecretStore for PgStore {
    async fn keep_secret(&self, sealed: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let mut c = self.connection().await?;
        let row = (store_secrets::name.eq(NAME), store_secrets::sealed.eq(sealed));
        let insert = diesel::insert_into(store_secrets::table).values(row).on_conflict_do_nothing();
        insert.execute(&mut c).await.map_err(query_fault)?;
        // The insertion waited for one that came first. Its row is committed.
        store_secrets::table.find(NAME).select(store_secrets::sealed).first(&mut c).await.map_err(query_fault)
    }

    async fn reseal_secret(&self, old: Vec<u8>, new: Vec<u8>) -> Result<bool, Fault> {
        let mut c = self.connection().await?;
        let row = store_secrets::table.find(NAME).filter(store_secrets::sealed.eq(old));
        let update = diesel::update(row).set(store_secrets::sealed.eq(new));
        Ok(update.execute(&mut c).await.map_err(query_fault)? > 0)
    }
}
