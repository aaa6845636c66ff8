//! The PostgreSQL side, on one connection.

use serde_json::Value;
use tokio_postgres::Client;

use crate::shape::{Kind, TABLES, Table};
use crate::{CopyError, Sum};

/// A PostgreSQL database.
pub struct Postgres(Client);

impl Postgres {
    /// Connects to a database, with TLS as its URL says. The database must have the present version of the schema.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn connect(url: &str) -> Result<Self, CopyError> {
        let client = rally_postgres::connect(url).await.map_err(CopyError::store)?;
        // A copy may take any time. The text of a day depends on the style of dates.
        let settings = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET datestyle = ISO";
        client.batch_execute(settings).await.map_err(CopyError::store)?;
        Ok(Self(client))
    }

    /// Reads all tables and their columns from the catalogue.
    pub(crate) async fn tables(&self) -> Result<Vec<Table>, CopyError> {
        let query = "SELECT column_name::text, data_type::text FROM information_schema.columns
            WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position";
        let mut tables = Vec::with_capacity(TABLES.len());
        for name in TABLES {
            let rows = self.0.query(query, &[&name]).await.map_err(CopyError::store)?;
            let column = |row: &tokio_postgres::Row| {
                let (column, data_type): (String, String) = (row.get(0), row.get(1));
                let unknown = || CopyError::Store(format!("{name}.{column} is a {data_type}, which nobody knows how to move"));
                Kind::of(&data_type).ok_or_else(unknown).map(|kind| (column.clone(), kind))
            };
            let columns: Vec<_> = rows.iter().map(column).collect::<Result<_, _>>()?;
            if columns.is_empty() {
                return Err(CopyError::Store(format!("the database has no table {name}: run `rally migrate`")));
            }
            tables.push(Table { name, columns });
        }
        Ok(tables)
    }

    pub(crate) async fn begin(&self) -> Result<(), CopyError> {
        self.run("BEGIN ISOLATION LEVEL REPEATABLE READ").await
    }

    pub(crate) async fn commit(&self) -> Result<(), CopyError> {
        self.run("COMMIT").await
    }

    async fn run(&self, sql: &str) -> Result<(), CopyError> {
        self.0.batch_execute(sql).await.map_err(CopyError::store)
    }

    /// Starts to read a table, in a transaction.
    pub(crate) async fn open(&self, table: &Table) -> Result<(), CopyError> {
        let pairs = table.each(|name, kind| match kind {
            Kind::Uuid => format!("'{name}', replace({name}::text, '-', '')"),
            Kind::Bytes => format!("'{name}', encode({name}, 'hex')"),
            Kind::Bool => format!("'{name}', {name}::int"),
            Kind::Instant => format!("'{name}', floor(extract(epoch FROM {name}) * 1000)::bigint"),
            Kind::Day | Kind::Document => format!("'{name}', {name}::text"),
            Kind::Number | Kind::Text => format!("'{name}', {name}"),
        });
        self.run(&format!("DECLARE moving NO SCROLL CURSOR FOR SELECT json_build_object({pairs})::text FROM {}", table.name)).await
    }

    pub(crate) async fn fetch(&self, table: &Table) -> Result<Vec<Value>, CopyError> {
        let rows = self.0.query(&format!("FETCH {} FROM moving", table.batch()), &[]).await.map_err(CopyError::store)?;
        rows.iter().map(|row| table.parse(row.get(0)).map_err(CopyError::store)).collect()
    }

    /// Makes new events come after the copied ones in the feeds.
    pub(crate) async fn go_on_with_turns(&self) -> Result<(), CopyError> {
        self.run("SELECT setval('events_feed_turn_seq', greatest((SELECT max(feed_turn) FROM events), 0) + 1)").await
    }

    pub(crate) async fn close(&self) -> Result<(), CopyError> {
        self.run("CLOSE moving").await
    }

    pub(crate) async fn write(&self, table: &Table, rows: Vec<Value>) -> Result<(), CopyError> {
        let values = table.each(|name, kind| match kind {
            Kind::Uuid => format!("{name}::uuid"),
            Kind::Bytes => format!("decode({name}, 'hex')"),
            Kind::Bool => format!("{name} <> 0"),
            Kind::Instant => format!("timestamptz 'epoch' + {name} * interval '1 millisecond'"),
            Kind::Day => format!("{name}::date"),
            Kind::Document => format!("{name}::jsonb"),
            Kind::Number | Kind::Text => name.to_owned(),
        });
        let typed = table.each(|name, kind| match kind {
            Kind::Bool | Kind::Number | Kind::Instant => format!("{name} bigint"),
            Kind::Uuid | Kind::Bytes | Kind::Text | Kind::Day | Kind::Document => format!("{name} text"),
        });
        let insert = format!(
            "INSERT INTO {} ({}) SELECT {values} FROM json_to_recordset($1::text::json) AS row ({typed})",
            table.name,
            table.names()
        );
        self.0.execute(&insert, &[&Value::from(rows).to_string()]).await.map(|_| ()).map_err(CopyError::store)
    }

    /// Reads a whole table, in the open transaction or in one of its own.
    pub(crate) async fn sum(&self, table: &Table) -> Result<Sum, CopyError> {
        let mut sum = Sum::default();
        // A cursor needs a transaction. The savepoint fails if there is none.
        let own = self.run("SAVEPOINT reading").await.is_err();
        if own {
            self.begin().await?;
        }
        self.open(table).await?;
        loop {
            let rows = self.fetch(table).await?;
            if rows.is_empty() {
                break;
            }
            sum.add(table, &rows)?;
        }
        self.close().await?;
        if own {
            self.commit().await?
        } else {
            self.run("RELEASE SAVEPOINT reading").await?
        }
        Ok(sum)
    }
}
