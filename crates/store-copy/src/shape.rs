//! The tables and their columns, and the neutral form of a row.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

/// All tables, each after the tables that it refers to.
pub(crate) const TABLES: [&str; 38] = [
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
    "feeds",
    "deliveries",
    "attempts",
    "mails",
    "purges",
    "store_secrets",
    "suppressions",
    "mail_templates",
    "signup_requests",
    "mail_shares",
    "begun_mails",
    "used_proofs",
    "tombstones",
    "referrals",
    "imports",
    "import_items",
    "import_names",
    "old_codes",
    "sessions",
    "sign_in_links",
    "sign_in_tries",
    "entry_terms",
    "entry_jobs",
    "audit",
];

/// A table with its columns.
#[derive(Debug, Clone)]
pub struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: Vec<(String, Kind)>,
}

/// The type of a column.
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
    /// Finds a type by its name in PostgreSQL's catalogue.
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
    /// Returns the rows of one batch. A batch is in memory several times, and an item of an import may be a piece of a file.
    pub(crate) fn batch(&self) -> usize {
        if self.name == "import_items" { 32 } else { 1000 }
    }

    /// Returns the names of the columns, with commas between.
    pub(crate) fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Returns a text for each column, with commas between.
    pub(crate) fn each(&self, say: impl Fn(&str, Kind) -> String) -> String {
        self.columns.iter().map(|(name, kind)| say(name, *kind)).collect::<Vec<_>>().join(", ")
    }

    /// Reads a row in its neutral form.
    ///
    /// A document is a text with its keys in order and its numbers in the spelling of the store. The numbers are not parsed, because a
    /// store may hold digits that no float has.
    pub(crate) fn parse(&self, row: &str) -> Result<Value, serde_json::Error> {
        let mut row: Value = serde_json::from_str(row)?;
        self.each_document(&mut row, str::to_owned)?;
        Ok(row)
    }

    /// Writes a row in one spelling, whichever store it came from. PostgreSQL keeps the value of a number in a document, not its spelling.
    pub(crate) fn spell(&self, row: &Value) -> Result<String, serde_json::Error> {
        let mut row = row.clone();
        self.each_document(&mut row, decimal)?;
        // A serde_json map has its keys in order.
        Ok(row.to_string())
    }

    fn each_document(&self, row: &mut Value, spell: fn(&str) -> String) -> Result<(), serde_json::Error> {
        for (name, _) in self.columns.iter().filter(|(_, kind)| *kind == Kind::Document) {
            if let Some(text) = row[name].as_str() {
                row[name] = Value::String(rewrite(serde_json::from_str(text)?, spell)?);
            }
        }
        Ok(())
    }
}

/// Writes a document in one spelling, with its numbers spelt by `spell`.
fn rewrite(document: &RawValue, spell: fn(&str) -> String) -> Result<String, serde_json::Error> {
    let text = document.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
            let member = |(key, value): (&String, &&RawValue)| Ok(format!("{}:{}", serde_json::to_string(key)?, rewrite(value, spell)?));
            let members = members.iter().map(member).collect::<Result<Vec<_>, serde_json::Error>>()?;
            Ok(format!("{{{}}}", members.join(",")))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            let items = items.into_iter().map(|item| rewrite(item, spell)).collect::<Result<Vec<_>, _>>()?;
            Ok(format!("[{}]", items.join(",")))
        }
        Some(b'"') => serde_json::to_string(&serde_json::from_str::<String>(text)?),
        Some(b'-' | b'0'..=b'9') => Ok(spell(text)),
        _ => Ok(text.to_owned()),
    }
}

/// Returns the exact value of a JSON number: its significant digits and a power of ten.
fn decimal(number: &str) -> String {
    let (sign, unsigned) = number.strip_prefix('-').map_or(("", number), |unsigned| ("-", unsigned));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let (leading, significant) = (digits.trim_start_matches('0'), digits.trim_matches('0'));
    if significant.is_empty() {
        return "0".to_owned();
    }
    // No store keeps so large an exponent. Such a number stays as its text is.
    let Ok(exponent) = exponent.parse::<i64>() else { return number.to_owned() };
    let trailing = leading.len() - significant.len();
    let power = i128::from(exponent) - fraction.len() as i128 + trailing as i128;
    format!("{sign}{significant}e{power}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spelt(document: &str) -> String {
        let table = Table { name: "entries", columns: vec![("metadata".to_owned(), Kind::Document)] };
        table.spell(&table.parse(&serde_json::json!({ "metadata": document }).to_string()).unwrap()).unwrap()
    }

    #[test]
    fn equal_documents_have_one_spelling() {
        for (embedded, postgres) in [
            ("-0.0", "0.0"),
            ("3.667660290815539e17", "366766029081553900"),
            ("[2.0, {\"b\": 1, \"a\": 1E2}]", "[2, {\"a\": 100, \"b\": 1.0}]"),
            ("1.8446744073709552e+19", "18446744073709552000"),
            ("2.2250738585072014e-308", &format!("0.{}22250738585072014", "0".repeat(307))),
            ("{\"\\u00fc\": \"\\/\"}", "{\"ü\":\"/\"}"),
        ] {
            assert_eq!(spelt(embedded), spelt(postgres), "{embedded}");
        }
        for (one, other) in [
            ("1", "-1"),
            ("1e17", "1.0000000000000002e17"),
            ("9007199254740993", "9007199254740992"),
            ("9007199254740993.0", "9007199254740992"),
            ("0.1", "0.10000000000000001"),
            ("\"1e2\"", "100"),
            ("\"1\"", "\"1.0\""),
            ("[1, 2]", "[2, 1]"),
            ("{}", "[]"),
            ("null", "false"),
        ] {
            assert_ne!(spelt(one), spelt(other), "{one}");
        }
    }

    proptest! {
        /// The decimal point may be anywhere, with zeros around the digits. It is the same number, and not its neighbour.
        #[test]
        fn equal_numbers_have_one_spelling(digits in 1..u64::MAX, shift in 0..30_usize, zeros in 0..5_usize, exponent in -300..300_i64) {
            let written = format!("{digits}e{exponent}");
            let point = digits.to_string().len().saturating_sub(shift);
            let (whole, fraction) = { let text = digits.to_string(); (text[..point].to_owned(), text[point..].to_owned()) };
            let whole = if whole.is_empty() { "0".to_owned() } else { whole };
            let moved = exponent + fraction.len() as i64;
            let respelt = format!("{whole}.{fraction}{}E{moved:+}", "0".repeat(zeros + 1));
            prop_assert_eq!(spelt(&written), spelt(&respelt));
            let neighbour = format!("{}e{exponent}", digits - 1);
            prop_assert_ne!(spelt(&written), spelt(&neighbour));
            prop_assert_ne!(spelt(&written), spelt(&format!("-{respelt}")));
        }
    }
}
