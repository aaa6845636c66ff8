//! The embedded side: SQLite, on one connection.

use std::collections::HashMap;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use serde_json::Value;

use crate::shape::{Kind, Table};
use crate::{CopyError, Sum};

/// The embedded store in its file.
pub struct Embedded(SqliteConnection);

/// How far a table is read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    /// The rowid of the last row.
    rowid: i64,
    /// The last row of a table without a rowid.
    row: Option<String>,
}

/// A column of a primary key.
#[derive(QueryableByName)]
struct KeyColumn {
    #[diesel(sql_type = Text)]
    name: String,
}

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

    /// Returns the next rows of a table, after a place.
    pub(crate) fn read(&mut self, table: &Table, after: &mut Place) -> Result<Vec<Value>, CopyError> {
        let pairs = table.each(|name, kind| match kind {
            Kind::Uuid | Kind::Bytes => format!("'{name}', iif({name} IS NULL, NULL, lower(hex({name})))"),
            Kind::Bool | Kind::Number | Kind::Text | Kind::Instant | Kind::Day | Kind::Document => format!("'{name}', {name}"),
        });
        let (name, batch) = (table.name, table.batch());
        let rows: Vec<Row> = if self.has_rowid(name)? {
            let query =
                format!("SELECT rowid AS at, json_object({pairs}) AS row FROM {name} WHERE rowid > ?1 ORDER BY rowid LIMIT {batch}");
            diesel::sql_query(query).bind::<BigInt, _>(after.rowid).load(&mut self.0)
        } else {
            let key = self.key(name)?;
            let last = table.columns.iter().filter(|(column, _)| key.contains(column));
            let last: HashMap<&str, String> = last.map(|(column, kind)| (column.as_str(), read_back("?1", column, *kind))).collect();
            let last: Vec<&str> = key.iter().filter_map(|column| last.get(column.as_str()).map(String::as_str)).collect();
            let (key, last) = (key.join(", "), last.join(", "));
            let rest = if after.row.is_some() { format!("({key}) > ({last})") } else { "?1 IS NULL".to_owned() };
            let query = format!("SELECT 0 AS at, json_object({pairs}) AS row FROM {name} WHERE {rest} ORDER BY {key} LIMIT {batch}");
            diesel::sql_query(query).bind::<Nullable<Text>, _>(after.row.as_deref()).load(&mut self.0)
        }
        .map_err(CopyError::store)?;
        if let Some(last) = rows.last() {
            *after = Place { rowid: last.at, row: Some(last.row.clone()) };
        }
        rows.iter().map(|row| table.parse(&row.row).map_err(CopyError::store)).collect()
    }

    /// The columns of the primary key of a table, in their order.
    fn key(&mut self, table: &str) -> Result<Vec<String>, CopyError> {
        let query = diesel::sql_query("SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk");
        let key: Vec<KeyColumn> = query.bind::<Text, _>(table).load(&mut self.0).map_err(CopyError::store)?;
        Ok(key.into_iter().map(|column| column.name).collect())
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
        let values = table.each(|name, kind| read_back("value", name, kind));
        let insert = format!("INSERT INTO {} ({}) SELECT {values} FROM json_each(?1)", table.name, table.names());
        let rows = Value::from(rows).to_string();
        diesel::sql_query(insert).bind::<Text, _>(rows).execute(&mut self.0).map(|_| ()).map_err(CopyError::store)
    }

    pub(crate) fn sum(&mut self, table: &Table) -> Result<Sum, CopyError> {
        let (mut sum, mut after) = (Sum::default(), Place::default());
        loop {
            let rows = self.read(table, &mut after)?;
            if rows.is_empty() {
                return Ok(sum);
            }
            sum.add(table, &rows)?;
        }
    }
}

/// The SQL that reads a column from a row in its neutral form.
fn read_back(row: &str, column: &str, kind: Kind) -> String {
    let text = format!("json_extract({row}, '$.{column}')");
    match kind {
        Kind::Uuid | Kind::Bytes => format!("unhex({text})"),
        Kind::Bool | Kind::Number | Kind::Text | Kind::Instant | Kind::Day | Kind::Document => text,
    }
}
