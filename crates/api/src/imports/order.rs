//! How an import is ordered, and how its file is read.

use std::collections::HashSet;

use rally_domain::actor::Actor;
use rally_domain::error::{FieldError, Invalid};
use rally_domain::id::ImportId;
use rally_domain::import::{Import, ImportNumbers, ImportState, ImportStep, OnDuplicate};
use rally_domain::port::Ports;
use rally_domain::waitlist::Waitlist;
use rally_intake::{Field, Format, Mapping, Plan, Question, Staged};
use serde::{Deserialize, Serialize};

/// What the parameters of an import that map columns begin with.
const MAP: &str = "map.";

/// The options of an import.
#[derive(Debug, Default)]
pub struct ImportOrder {
    /// The format, or `None` if the file tells.
    pub format: Option<Format>,
    /// What the columns mean.
    pub mapping: Mapping,
    /// What happens to people who are on the list already.
    pub on_duplicate: OnDuplicate,
    /// Whether nothing is changed.
    pub dry_run: bool,
    /// Whether events and mail are written.
    pub notify: bool,
}

impl ImportOrder {
    /// The parameters beside those of columns.
    pub const NAMES: [&str; 4] = ["format", "on_duplicate", "dry_run", "notify"];

    /// Returns the column and the field of a text such as `Work mail = email`. Names may have `=` too: the field begins behind the last one
    /// with spaces around it if a field is there, and else behind the last one with a field behind it.
    pub fn split_map(text: &str) -> Option<(&str, &str)> {
        let spaced = text.rsplit_once(" = ");
        let any = text.rmatch_indices('=').map(|(at, sign)| (&text[..at], &text[at + sign.len()..]));
        let is_field = |(_, field): &(&str, &str)| Field::parse(field.trim()).is_ok();
        let found = spaced.into_iter().chain(any).find(is_field).or(spaced).or_else(|| text.rsplit_once('='));
        found.map(|(column, field)| (column.trim(), field.trim()))
    }

    /// Reads the parameters of a query.
    ///
    /// # Errors
    /// Every parameter that is bad or unknown.
    pub fn parse<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, Vec<FieldError>> {
        let (mut order, mut mapping, mut errors) = (Self::default(), Vec::new(), Vec::new());
        let mut given = HashSet::new();
        for (name, value) in pairs {
            let parsed = match name {
                _ if Self::NAMES.contains(&name) && !given.insert(name) => Err(Invalid::new("must be given once")),
                "format" => Format::parse(value).map(|format| order.format = format),
                "on_duplicate" => OnDuplicate::parse(value).map(|choice| order.on_duplicate = choice),
                "dry_run" => switch(value).map(|on| order.dry_run = on),
                "notify" => switch(value).map(|on| order.notify = on),
                _ => match name.strip_prefix(MAP) {
                    Some(column) => {
                        mapping.push((column, value));
                        Ok(())
                    }
                    // A misspelt dry run would be an import.
                    None => Err(Invalid::new(format!("must be one of {}, {MAP}<column>", Self::NAMES.join(", ")))),
                },
            };
            errors.extend(parsed.err().map(|error| FieldError::new(name, error)));
        }
        match Mapping::parse(mapping) {
            Ok(mapping) => order.mapping = mapping,
            Err(bad) => errors.extend(bad),
        }
        if errors.is_empty() { Ok(order) } else { Err(errors) }
    }

    /// Makes the import into a list.
    pub(super) fn import(&self, ports: &Ports, actor: &Actor, waitlist: &Waitlist) -> Import {
        Import {
            id: ImportId::new(ports.ids.uuid()),
            workspace_id: waitlist.workspace_id,
            waitlist_id: waitlist.id,
            state: ImportState::Uploading,
            step: ImportStep::Read,
            on_duplicate: self.on_duplicate,
            dry_run: self.dry_run,
            notify: self.notify,
            source: String::new(),
            error: None,
            numbers: ImportNumbers::default(),
            mark: Import::FIRST,
            started_by: actor.subject(),
            actor: actor.audited(),
            created_at: ports.clock.now(),
            started_at: None,
            ended_at: None,
        }
    }
}

fn switch(value: &str) -> Result<bool, Invalid> {
    match value {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Invalid::new("must be true or false")),
    }
}

/// How the file of an import is read, as the store keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Source {
    /// What the staging found out.
    pub staged: Staged,
    /// How rows are read.
    pub plan: Plan,
    /// The columns that the caller mapped, with the names of their fields.
    #[serde(default)]
    pub mapped: Vec<(String, String)>,
}

impl Source {
    /// Reads the source of an import. `None` means that the file has not arrived, or cannot be read.
    pub fn of(import: &Import) -> Option<Self> {
        serde_json::from_str(&import.source).ok()
    }
}

/// Returns the columns of a mapping with the names of their fields.
pub(super) fn mapped(mapping: &Mapping) -> Vec<(String, String)> {
    mapping.pairs().iter().map(|(column, field)| (column.clone(), field.to_string())).collect()
}

/// Returns the questions of a list, which columns may answer.
pub(super) fn questions(waitlist: &Waitlist) -> Vec<Question> {
    let fields = waitlist.settings.custom_fields.iter();
    fields.map(|field| Question { key: field.key.clone(), label: field.label.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_where_its_field_begins() {
        for (text, parts) in [
            ("Work mail=email", ("Work mail", "email")),
            ("Work mail = email ", ("Work mail", "email")),
            ("a=b = metadata.a=b", ("a=b", "metadata.a=b")),
            ("a = b = email", ("a = b", "email")),
            ("a=b=email", ("a=b", "email")),
            ("Why = so=metadata.why", ("Why = so", "metadata.why")),
            ("why=metadata.a=b", ("why", "metadata.a=b")),
            ("why = metadata.a=name", ("why", "metadata.a=name")),
            ("age = 7=x", ("age", "7=x")),
            ("age=x", ("age", "x")),
        ] {
            assert_eq!(ImportOrder::split_map(text), Some(parts), "{text}");
        }
        assert_eq!(ImportOrder::split_map("email"), None);
    }

    #[test]
    fn every_bad_parameter_is_named() {
        let good = [("format", "auto"), ("on_duplicate", "update"), ("dry_run", "1"), ("notify", "false"), ("map.Mail", "email")];
        let order = ImportOrder::parse(good.into_iter()).unwrap();
        assert_eq!((order.format, order.on_duplicate, order.dry_run, order.notify), (None, OnDuplicate::Update, true, false));
        let bad =
            [("notify", ""), ("format", "excel"), ("on_duplicate", "merge"), ("dry_run", "maybe"), ("dryrun", "true"), ("map.Mail", "age")];
        let fields: Vec<String> = ImportOrder::parse(bad.into_iter()).unwrap_err().into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["notify", "format", "on_duplicate", "dry_run", "dryrun", "map.Mail"]);
    }
}
