//! [`SecretStore`] on SQLite.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use rally_domain::error::Fault;
use rally_domain::port::SecretStore;

use crate::SqliteStore;
use crate::schema::store_secrets;

/// The name of the only row.
const NAME: &str = "store";

#[async_trait]
impl SecretStore for SqliteStore {
    async fn keep_secret(&self, sealed: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let kept = self.database.write::<_, Infallible>(move |c| {
            let row = (store_secrets::name.eq(NAME), store_secrets::sealed.eq(sealed));
            diesel::insert_or_ignore_into(store_secrets::table).values(row).execute(c)?;
            Ok(store_secrets::table.find(NAME).select(store_secrets::sealed).first(c)?)
        });
        Ok(kept.await?)
    }

    async fn reseal_secret(&self, old: Vec<u8>, new: Vec<u8>) -> Result<bool, Fault> {
        let done = self.database.write::<_, Infallible>(move |c| {
            let row = store_secrets::table.find(NAME).filter(store_secrets::sealed.eq(old));
            Ok(diesel::update(row).set(store_secrets::sealed.eq(new)).execute(c)? > 0)
        });
        Ok(done.await?)
    }
}
