//! Moves everything that Rally keeps from the embedded store to PostgreSQL, or back, and proves it.
//!
//! Rows travel as JSON in one neutral form: identities and bytes as hex, instants as milliseconds, documents as text. Each
//! side writes and reads that form itself, in SQL made of the columns that PostgreSQL's catalogue names, so that a column that a
//! migration adds is moved without anybody remembering it. Afterwards the target is read back: the number of rows and the sum of
//! their hashes must be those of the source, table by table. Numbers of documents are compared as the decimals they are.
//!
//! What is not here: migrations, which both sides must have had, and secrets, which are no part of a store.

mod embedded;
mod postgres;
mod shape;

use serde_json::Value;
use sha2::{Digest, Sha256};

pub use embedded::Embedded;
pub use postgres::Postgres;

use crate::shape::Table;

/// Why nothing was moved, or not all.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The target holds something: it would be mixed with what comes.
    #[error("the target is not empty: {0} has rows")]
    NotEmpty(&'static str),
    /// What arrived is not what was sent.
    #[error("{table} differs after the copy: {sent} rows were sent and {arrived} arrived, or some are not the same")]
    Differs {
        /// The table.
        table: &'static str,
        /// Rows of the source.
        sent: u64,
        /// Rows of the target.
        arrived: u64,
    },
    /// A side broke.
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

/// What a table holds: rows, and a sum of their hashes that does not depend on their order.
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

/// Rows that travel together.
const BATCH: usize = 1000;

/// Which way everything goes.
pub enum Way<'a> {
    /// From the embedded store to PostgreSQL.
    Up(&'a mut Embedded, &'a mut Postgres),
    /// From PostgreSQL to the embedded store.
    Down(&'a mut Postgres, &'a mut Embedded),
}

/// Moves everything and proves it; tells after each table what it held.
///
/// # Errors
/// When the target is not empty, a side breaks, or what arrived differs; then the target holds nothing new.
pub async fn run(way: Way<'_>, mut tell: impl FnMut(&'static str, Sum)) -> Result<(), CopyError> {
    match way {
        Way::Up(from, to) => {
            let tables = to.tables().await?;
            for table in &tables {
                if to.sum(table).await?.rows > 0 {
                    return Err(CopyError::NotEmpty(table.name));
                }
            }
            // One moment of the source: whoever would write to it waits.
            from.begin()?;
            to.begin().await?;
            for table in &tables {
                let (mut sent, mut after) = (Sum::default(), 0);
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
            to.commit().await
        }
        Way::Down(from, to) => {
            let tables = from.tables().await?;
            for table in &tables {
                if to.sum(table)?.rows > 0 {
                    return Err(CopyError::NotEmpty(table.name));
                }
            }
            // One moment of the source.
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
