//! The embedded side: SQLite, on one connection.

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde_json::Value;

use crate::shape::{Kind, Table};
use crate::{BATCH, CopyError, Sum};

/// The embedded store in its file.
pub struct Embedded(SqliteConnection);

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = Text)]
    row: String,
}

impl Embedded {
    /// Opens the file of a store. The store must have the present version of the schema.
    ///
    /// # Errors
    /// If the file cannot be opened or is not an SQLite database.
    pub fn open(path: &Path) -> Result<Self, CopyError> {
        let url = path.to_str().ok_or_else(|| CopyError::Store("the path is not valid UTF-8".to_owned()))?;
        let mut connection = SqliteConnection::establish(url).map_err(CopyError::store)?;
        let settings = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";
        connection.batch_execute(settings).map_err(CopyError::store)?;
        Ok(Self(connection))
    }

    pub(crate) fn begin(&mut self) -> Result<(), CopyError> {
        self.0.batch_execute("BEGIN IMMEDIATE").map_err(CopyError::store)
    }

    pub(crate) fn commit(&mut self) -> Result<(), CopyError> {
        self.0.batch_execute("COMMIT").map_err(CopyError::store)
    }

    /// Returns the next rows of a table, after the row at `after`.
    pub(crate) fn read(&mut self, table: &Table, after: &mut i64) -> Result<Vec<Value>, CopyError> {
        let pairs = table.each(|name, kind| match kind {
            Kind::Uuid | Kind::Bytes => format!("'{name}', iif({name} IS NULL, NULL, lower(hex({name})))"),
            Kind::Bool | Kind::Number | Kind::Text | Kind::Instant | Kind::Day | Kind::Document => format!("'{name}', {name}"),
        });
        let name = table.name;
        let query = if self.has_rowid(name)? {
            format!("SELECT rowid AS at, json_object({pairs}) AS row FROM {name} WHERE rowid > ?1 ORDER BY rowid LIMIT {BATCH}")
        } else {
            // A table without a rowid. Such tables are small enough for an offset.
            let batch = format!("SELECT * FROM {name} ORDER BY {} LIMIT {BATCH} OFFSET ?1", table.names());
            format!("SELECT ?1 + row_number() OVER () AS at, json_object({pairs}) AS row FROM ({batch})")
        };
        let rows: Vec<Row> = diesel::sql_query(query).bind::<BigInt, _>(*after).load(&mut self.0).map_err(CopyError::store)?;
        *after = rows.last().map_or(*after, |last| last.at);
        rows.iter().map(|row| table.parse(&row.row).map_err(CopyError::store)).collect()
    }

    fn has_rowid(&mut self, table: &str) -> Result<bool, CopyError> {
        #[derive(QueryableByName)]
        struct Has {
            #[diesel(sql_type = BigInt)]
            rowid: i64,
        }
        let query = diesel::sql_query("SELECT NOT wr AS rowid FROM pragma_table_list WHERE schema = 'main' AND name = ?1");
        let has: Has = query.bind::<Text, _>(table).get_result(&mut self.0).map_err(CopyError::store)?;
        Ok(has.rowid != 0)
    }

    pub(crate) fn write(&mut self, table: &Table, rows: &[Value]) -> Result<(), CopyError> {
        let values = table.each(|name, kind| match kind {
            Kind::Uuid | Kind::Bytes => format!("unhex(json_extract(value, '$.{name}'))"),
            Kind::Bool | Kind::Number | Kind::Text | Kind::Instant | Kind::Day | Kind::Document => {
                format!("json_extract(value, '$.{name}')")
            }
        });
        let insert = format!("INSERT INTO {} ({}) SELECT {values} FROM json_each(?1)", table.name, table.names());
        let rows = Value::from(rows).to_string();
        diesel::sql_query(insert).bind::<Text, _>(rows).execute(&mut self.0).map(|_| ()).map_err(CopyError::store)
    }

    pub(crate) fn sum(&mut self, table: &Table) -> Result<Sum, CopyError> {
        let (mut sum, mut after) = (Sum::default(), 0);
        loop {
            let rows = self.read(table, &mut after)?;
            if rows.is_empty() {
                return Ok(sum);
            }
            sum.add(table, &rows)?;
        }
    }
}
