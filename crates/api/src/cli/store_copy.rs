//! `rally store copy`: copies all data from one kind of store to the other.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Subcommand;
use rally_store_copy::{CopyError, Embedded, Postgres, Sum, Way};
use secrecy::ExposeSecret;
use serde_json::json;

use super::failure::Failure;
use super::open;
use super::output::{print_json, tell};
use crate::boot::config::{Config, Migrate, StoreConfig};
use crate::boot::store;

#[derive(Subcommand)]
pub(super) enum StoreCommand {
    /// Copy all data into an empty store of the other kind, and verify the copy. Stop all servers on both stores first
    Copy {
        /// The store to read: a data directory, or the URL of a PostgreSQL database
        #[arg(long, value_name = "STORE")]
        from: String,
        /// The store to fill: empty, and of the other kind
        #[arg(long, value_name = "STORE")]
        to: String,
    },
}

pub(super) async fn copy(config: &Config, from: &str, to: &str) -> Result<(), Failure> {
    let (source, target) = (side(config, from), side(config, to));
    let file = |side: &Config| side.data_dir.join(store::DATABASE_FILE);
    if let StoreConfig::Embedded = source.store
        && !file(&source).exists()
    {
        return Err(Failure::Refused(format!("there is no store in {from}")));
    }
    if std::mem::discriminant(&source.store) == std::mem::discriminant(&target.store) {
        return Err(one_kind());
    }
    // Both stores get the schema of this binary. The locks ensure that no server runs on the embedded store.
    let _locks = (store::lock(&source)?, store::lock(&target)?);
    drop((open(&source, Migrate::Never).await?, open(&target, Migrate::AtStart).await?));
    let failed = |error: CopyError| Failure::Refused(error.to_string());
    let mut moved = Vec::new();
    let copied = |table: &str, sum: Sum| {
        tell(&format!("{table}: {} rows", sum.rows));
        moved.push((table.to_owned(), sum.rows));
    };
    match (&source.store, &target.store) {
        (StoreConfig::Embedded, StoreConfig::Postgres(url)) => {
            let mut from = Embedded::open(&file(&source)).map_err(failed)?;
            let mut to = Postgres::connect(url.expose_secret()).await.map_err(failed)?;
            rally_store_copy::run(Way::Up(&mut from, &mut to), copied).await.map_err(failed)?;
        }
        (StoreConfig::Postgres(url), StoreConfig::Embedded) => {
            let mut from = Postgres::connect(url.expose_secret()).await.map_err(failed)?;
            let mut to = Embedded::open(&file(&target)).map_err(failed)?;
            rally_store_copy::run(Way::Down(&mut from, &mut to), copied).await.map_err(failed)?;
        }
        (StoreConfig::Embedded, StoreConfig::Embedded) | (StoreConfig::Postgres(_), StoreConfig::Postgres(_)) => return Err(one_kind()),
    }
    print_json(&json!({ "rows": moved.into_iter().collect::<BTreeMap<_, _>>(), "verified": true }))
}

/// The settings that open one side of a copy.
fn side(config: &Config, store: &str) -> Config {
    let postgres = store.starts_with("postgres://") || store.starts_with("postgresql://");
    let kind = if postgres { StoreConfig::Postgres(store.to_owned().into()) } else { StoreConfig::Embedded };
    let data_dir = if postgres { config.data_dir.clone() } else { PathBuf::from(store) };
    Config { store: kind, data_dir, ..config.clone() }
}

fn one_kind() -> Failure {
    Failure::Refused("both stores are of one kind: copy the embedded one with `rally backup`, PostgreSQL with pg_dump".to_owned())
}
