//! Copies all data of Rally from the embedded store to PostgreSQL, or back, and verifies the copy.
//!
//! Rows are copied as JSON in one neutral form: ids and bytes as hex, instants as milliseconds, documents as text. Each side writes and
//! reads that form itself. Its SQL is built from the columns in PostgreSQL's catalogue, so that a new column of a migration is copied
//! without a change here.
//!
//! Afterwards the target is read back. For each table, the number of rows and the sum of their hashes must equal those of the source.
//! Numbers in documents are compared by their decimal value.
//!
//! What is not here: migrations, which both sides must have run, and secrets, which are not in a store.

mod embedded;
mod postgres;
mod shape;

use serde_json::Value;
use sha2::{Digest, Sha256};

pub use embedded::Embedded;
use embedded::Place;
pub use postgres::Postgres;

use crate::shape::Table;

/// Why the data was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The target is not empty. Its rows would be mixed with the copied ones.
    #[error("the target is not empty: {0} has rows")]
    NotEmpty(&'static str),
    /// The rows in the target are not those of the source.
    #[error("{table} differs after the copy: {sent} rows were sent and {arrived} arrived, or some are not the same")]
    Differs {
        /// The table.
        table: &'static str,
        /// Rows of the source.
        sent: u64,
        /// Rows of the target.
        arrived: u64,
    },
    /// A store failed.
    #[error("{0}")]
    Store(String),
}

impl CopyError {
    fn store(error: impl std::error::Error) -> Self {
        let mut line = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            line = format!("{line}: {error}");
            cause = error.source();
        }
        Self::Store(line)
    }
}

/// The content of a table: the number of rows, and a sum of their hashes that does not depend on their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// Rows.
    pub rows: u64,
    hashes: u128,
}

impl Sum {
    fn add(&mut self, table: &Table, rows: &[Value]) -> Result<(), CopyError> {
        for row in rows {
            let hash = Sha256::digest(table.spell(row).map_err(CopyError::store)?);
            let mut low = [0; 16];
            low.copy_from_slice(&hash[..16]);
            self.rows += 1;
            self.hashes = self.hashes.wrapping_add(u128::from_be_bytes(low));
        }
        Ok(())
    }
}

/// The direction of the copy.
pub enum Way<'a> {
    /// From the embedded store to PostgreSQL.
    Up(&'a mut Embedded, &'a mut Postgres),
    /// From PostgreSQL to the embedded store.
    Down(&'a mut Postgres, &'a mut Embedded),
}

/// Copies all data and verifies the copy. Calls `tell` after each table with its content.
///
/// # Errors
/// If the target is not empty, a store fails, or the copy differs. Then the target holds nothing new.
pub async fn run(way: Way<'_>, mut tell: impl FnMut(&'static str, Sum)) -> Result<(), CopyError> {
    match way {
        Way::Up(from, to) => {
            let tables = to.tables().await?;
            for table in &tables {
                if to.sum(table).await?.rows > 0 {
                    return Err(CopyError::NotEmpty(table.name));
                }
            }
            // All reads see one moment of the source. Its writers wait.
            from.begin()?;
            to.begin().await?;
            for table in &tables {
                let (mut sent, mut after) = (Sum::default(), Place::default());
                loop {
                    let rows = from.read(table, &mut after)?;
                    if rows.is_empty() {
                        break;
                    }
                    sent.add(table, &rows)?;
                    to.write(table, rows).await?;
                }
                compare(table, sent, to.sum(table).await?)?;
                tell(table.name, sent);
            }
            to.go_on_with_turns().await?;
            to.commit().await
        }
        Way::Down(from, to) => {
            let tables = from.tables().await?;
            for table in &tables {
                if to.sum(table)?.rows > 0 {
                    return Err(CopyError::NotEmpty(table.name));
                }
            }
            // All reads see one moment of the source.
            from.begin().await?;
            to.begin()?;
            for table in &tables {
                let mut sent = Sum::default();
                from.open(table).await?;
                loop {
                    let rows = from.fetch(table).await?;
                    if rows.is_empty() {
                        break;
                    }
                    sent.add(table, &rows)?;
                    to.write(table, &rows)?;
                }
                from.close().await?;
                compare(table, sent, to.sum(table)?)?;
                tell(table.name, sent);
            }
            to.commit()
        }
    }
}

fn compare(table: &Table, sent: Sum, arrived: Sum) -> Result<(), CopyError> {
    if sent == arrived {
        return Ok(());
    }
    Err(CopyError::Differs { table: table.name, sent: sent.rows, arrived: arrived.rows })
}
