//! What the tables look like, and what each side says for a column.

use serde_json::{Number, Value};

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
        self.each_document(&mut row, |_| {})?;
        Ok(row)
    }

    /// What a row says, spelt as both sides would: PostgreSQL keeps what a number of a document is, not how it was written.
    pub(crate) fn spell(&self, row: &Value) -> String {
        let mut row = row.clone();
        // It was read once, so it can be read.
        drop(self.each_document(&mut row, spell_numbers));
        // Keys of an object are in order in a serde_json map.
        row.to_string()
    }

    fn each_document(&self, row: &mut Value, change: impl Fn(&mut Value)) -> Result<(), serde_json::Error> {
        for (name, _) in self.columns.iter().filter(|(_, kind)| *kind == Kind::Document) {
            if let Some(text) = row[name].as_str() {
                let mut document: Value = serde_json::from_str(text)?;
                change(&mut document);
                row[name] = Value::String(document.to_string());
            }
        }
        Ok(())
    }
}

/// Writes whole numbers without exponent and fraction, as long as they are exact, and zero without a sign.
fn spell_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|n| number.is_f64() && n.fract() == 0.0).map(|n| n as i128);
            // Beyond these both sides read a float back.
            if let Some(whole) = whole.and_then(|n| u64::try_from(n).map(Number::from).or_else(|_| i64::try_from(n).map(Number::from)).ok())
            {
                *number = whole;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(spell_numbers),
        Value::Object(members) => members.values_mut().for_each(spell_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_spelt_by_what_it_is() {
        let table = Table { name: "entries", columns: vec![("metadata".to_owned(), Kind::Document)] };
        let spelt = |document: &str| table.spell(&table.parse(&serde_json::json!({ "metadata": document }).to_string()).unwrap());
        for (embedded, postgres) in [
            ("1e17", "100000000000000000"),
            ("-0.0", "0.0"),
            ("[2.0, {\"a\": 1E2}]", "[2.0, {\"a\": 100}]"),
            ("-9.2e18", "-9200000000000000000"),
            ("1.8446744073709552e19", "18446744073709552000"),
            ("1e300", &format!("1{}", "0".repeat(300))),
            ("2.2250738585072014e-308", &format!("0.{}22250738585072014", "0".repeat(307))),
        ] {
            assert_eq!(spelt(embedded), spelt(postgres), "{embedded}");
        }
        for (one, other) in [("1", "2"), ("0.1", "0.2"), ("1e17", "1.0000000000000002e17"), ("\"1e2\"", "100")] {
            assert_ne!(spelt(one), spelt(other), "{one}");
        }
    }
}
