//! What the tables look like, and what each side says for a column.

use serde_json::Value;

/// All tables, each after those it refers to.
pub(crate) const TABLES: [&str; 17] = [
    "workspaces",
    "retired_slugs",
    "workspace_settings",
    "api_keys",
    "stored_replies",
    "webhooks",
    "waitlists",
    "variants",
    "entries",
    "waitlist_totals",
    "waitlist_days",
    "waitlist_sources",
    "waitlist_variants",
    "events",
    "deliveries",
    "attempts",
    "mails",
];

/// A table with its columns.
#[derive(Debug, Clone)]
pub struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: Vec<(String, Kind)>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Uuid,
    Bytes,
    Bool,
    Number,
    Text,
    Instant,
    Day,
    Document,
}

impl Kind {
    /// By the name that PostgreSQL's catalogue has for a type.
    pub(crate) fn of(data_type: &str) -> Option<Self> {
        Some(match data_type {
            "uuid" => Self::Uuid,
            "bytea" => Self::Bytes,
            "boolean" => Self::Bool,
            "smallint" | "integer" | "bigint" => Self::Number,
            "text" => Self::Text,
            "timestamp with time zone" => Self::Instant,
            "date" => Self::Day,
            "jsonb" => Self::Document,
            _ => return None,
        })
    }
}

impl Table {
    /// The names of its columns with commas between.
    pub(crate) fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Something for each column, with commas between.
    pub(crate) fn each(&self, say: impl Fn(&str, Kind) -> String) -> String {
        self.columns.iter().map(|(name, kind)| say(name, *kind)).collect::<Vec<_>>().join(", ")
    }

    /// A row in its neutral form; documents are text of one spelling.
    pub(crate) fn parse(&self, row: &str) -> Result<Value, serde_json::Error> {
        let mut row: Value = serde_json::from_str(row)?;
        for (name, _) in self.columns.iter().filter(|(_, kind)| *kind == Kind::Document) {
            if let Some(text) = row[name].as_str() {
                row[name] = Value::String(serde_json::from_str::<Value>(text)?.to_string());
            }
        }
        Ok(row)
    }
}
