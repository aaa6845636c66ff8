//! The settings of a list as a form, and back. Custom fields and rewards are rows.

use serde_json::{Map, Value, json};

use crate::form::Form;

const TEXTS: [&str; 8] = [
    "confirmation_message",
    "recaptcha_site_key",
    "confirm_page_url",
    "invite_url",
    "page_url",
    "privacy_url",
    "terms_url",
    "consent_text",
];
const NUMBERS: [&str; 4] = ["max_entries", "referral_boost", "referral_fraud_threshold", "referral_hourly_cap"];
const BOXES: [&str; 7] =
    ["approval_required", "leaderboard_enabled", "badge_enabled", "email_confirmation", "block_disposable", "check_mx", "one_per_mailbox"];
const CHOICES: [&str; 2] = ["referral_fraud", "proof_of_work"];

/// What stands before the index of a row.
pub(crate) const FIELDS: &str = "settings.custom_fields";
pub(crate) const REWARDS: &str = "settings.referral_rewards.milestones";

/// The keys of a declaration that a row shows. The rest stays in `more`.
const SHOWN: [&str; 6] = ["key", "label", "type", "required", "options", "help_text"];

/// Names and values of a form.
type Pairs = Vec<(String, String)>;

fn texts_of(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Shows the stored words and settings of a list, in the form of `Settings::to_document`.
pub fn form_of_settings(display_name: &str, description: Option<&str>, settings: &Map<String, Value>) -> Form {
    let mut values: Pairs =
        vec![("display_name".to_owned(), display_name.to_owned()), ("description".to_owned(), description.unwrap_or_default().to_owned())];
    let mut add = |name: String, value: String| values.push((name, value));
    for key in TEXTS.into_iter().chain(NUMBERS).chain(BOXES).chain(CHOICES) {
        match settings.get(key) {
            Some(Value::String(text)) => add(format!("settings.{key}"), text.clone()),
            Some(Value::Null) | None => {}
            Some(other) => add(format!("settings.{key}"), other.to_string()),
        }
    }
    let origins = settings.get("allowed_origins").map(texts_of).unwrap_or_default();
    add("settings.allowed_origins".to_owned(), origins.join("\n"));
    let rows = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    for (index, row) in rows(settings.get("custom_fields")).iter().enumerate() {
        let mut add = |key: &str, value: String| add(format!("{FIELDS}[{index}].{key}"), value);
        for key in ["key", "label", "type", "help_text"] {
            add(key, row[key].as_str().unwrap_or_default().to_owned());
        }
        if row["required"] == true {
            add("required", "true".to_owned());
        }
        add("options", texts_of(&row["options"]).join("\n"));
        let more = row.as_object().into_iter().flatten().filter(|(key, _)| !SHOWN.contains(&key.as_str()));
        let more: Map<String, Value> = more.map(|(key, value)| (key.clone(), value.clone())).collect();
        if !more.is_empty() {
            add("more", Value::Object(more).to_string());
        }
    }
    for (index, row) in rows(settings.get("referral_rewards").and_then(|rewards| rewards.get("milestones"))).iter().enumerate() {
        add(format!("{REWARDS}[{index}].count"), row["count"].to_string());
        add(format!("{REWARDS}[{index}].reward"), row["reward"].as_str().unwrap_or_default().to_owned());
    }
    Form { values, errors: Vec::new() }
}

/// Returns the value of a posted field that is not blank.
fn given<'a>(posted: &'a [(String, String)], name: &str) -> Option<&'a str> {
    posted.iter().find(|(other, _)| other == name).map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
}

fn number(text: &str) -> Value {
    text.parse::<u64>().map_or_else(|_| Value::from(text), Value::from)
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

/// Returns the posted form as a patch for `Settings::merge`. Blank fields are `null`. What does not fit stays a text, so that it is refused
/// under the name of its field.
///
/// Rows have the indexes that [`edit_rows`] gave them.
pub fn patch_of_settings(posted: &[(String, String)]) -> Map<String, Value> {
    let of = |key: &str| given(posted, &format!("settings.{key}"));
    let mut patch = Map::new();
    for key in TEXTS.into_iter().chain(CHOICES) {
        patch.insert(key.to_owned(), json!(of(key)));
    }
    for key in NUMBERS {
        patch.insert(key.to_owned(), of(key).map_or(Value::Null, number));
    }
    for key in BOXES {
        patch.insert(key.to_owned(), json!(of(key) == Some("true")));
    }
    patch.insert("allowed_origins".to_owned(), json!(of("allowed_origins").map(lines).unwrap_or_default()));
    let fields: Vec<Value> = (0..count_rows(posted, FIELDS)).map(|index| field(posted, index)).collect();
    patch.insert("custom_fields".to_owned(), Value::Array(fields));
    let rewards = (0..count_rows(posted, REWARDS)).map(|index| {
        let of = |key: &str| given(posted, &format!("{REWARDS}[{index}].{key}"));
        json!({"count": of("count").map_or(Value::Null, number), "reward": of("reward")})
    });
    patch.insert("referral_rewards".to_owned(), json!({"milestones": rewards.collect::<Vec<Value>>()}));
    patch
}

/// Returns the declaration of a custom field.
fn field(posted: &[(String, String)], index: usize) -> Value {
    let of = |key: &str| given(posted, &format!("{FIELDS}[{index}].{key}"));
    let more = of("more").and_then(|json| serde_json::from_str(json).ok());
    let mut row: Map<String, Value> = more.unwrap_or_default();
    row.insert("key".to_owned(), json!(of("key").unwrap_or_default()));
    row.insert("type".to_owned(), json!(of("type").unwrap_or("text")));
    row.insert("required".to_owned(), json!(of("required") == Some("true")));
    for key in ["label", "help_text"] {
        if let Some(text) = of(key) {
            row.insert(key.to_owned(), json!(text));
        }
    }
    if let Some(text) = of("options").filter(|_| matches!(of("type"), Some("select" | "multiselect"))) {
        row.insert("options".to_owned(), json!(lines(text)));
    }
    Value::Object(row)
}

/// Splits the name of a row's field into its index and its key.
fn place<'a>(name: &'a str, rows: &str) -> Option<(usize, &'a str)> {
    let (index, key) = name.strip_prefix(rows)?.strip_prefix('[')?.split_once("].")?;
    Some((index.parse().ok()?, key))
}

/// Returns the number of rows, which have the indexes 0, 1, 2, ….
pub(crate) fn count_rows(posted: &[(String, String)], rows: &str) -> usize {
    posted.iter().filter_map(|(name, _)| place(name, rows)).map(|(index, _)| index + 1).max().unwrap_or_default().min(MAX_ROWS)
}

/// More rows than any list may have, so that an index cannot make work.
const MAX_ROWS: usize = 200;

/// Does what a button of the form asks for, and returns the form as it is then.
///
/// `order` is the value of `do`: `add-field`, `remove-field-2`, `up-field-2`, and the same with `reward`. Any other, such as `save`,
/// removes blank rows, and gives the others the indexes 0, 1, 2, … under which [`patch_of_settings`] reads them and errors name them.
pub fn edit_rows(posted: Pairs, order: &str) -> Pairs {
    let (verb, rest) = order.split_once('-').unwrap_or((order, ""));
    let (what, index) = rest.split_once('-').map_or((rest, None), |(what, index)| (what, index.parse().ok()));
    let step_of = |name: &str| match (verb, index) {
        ("add", _) if what == name => Step::Add,
        ("remove", Some(index)) if what == name => Step::Remove(index),
        ("up", Some(index)) if what == name => Step::Up(index),
        ("add" | "remove" | "up", _) => Step::Keep,
        _ => Step::Tidy,
    };
    let posted = edit(posted, FIELDS, "key", &step_of("field"));
    edit(posted, REWARDS, "count", &step_of("reward"))
}

/// What happens to the rows of a kind.
enum Step {
    Add,
    Remove(usize),
    Up(usize),
    Keep,
    Tidy,
}

fn edit(posted: Pairs, rows: &str, first_key: &str, step: &Step) -> Pairs {
    let mut table: Vec<Vec<(String, String)>> = vec![Vec::new(); count_rows(&posted, rows)];
    let mut others: Pairs = Vec::with_capacity(posted.len());
    for (name, value) in posted {
        match place(&name, rows).map(|(index, key)| (index, key.to_owned())) {
            Some((index, key)) => {
                if let Some(row) = table.get_mut(index) {
                    row.push((key, value));
                }
            }
            None => others.push((name, value)),
        }
    }
    match *step {
        Step::Add if table.len() < MAX_ROWS => table.push(vec![(first_key.to_owned(), String::new())]),
        Step::Remove(index) if index < table.len() => drop(table.remove(index)),
        Step::Up(index) if index > 0 && index < table.len() => table.swap(index - 1, index),
        Step::Tidy => {
            let is_typed = |(key, value): &(String, String)| key != "type" && !value.trim().is_empty();
            table.retain(|row| row.iter().any(is_typed));
        }
        _ => {}
    }
    for (index, row) in table.into_iter().enumerate() {
        others.extend(row.into_iter().map(|(key, value)| (format!("{rows}[{index}].{key}"), value)));
    }
    others
}

#[cfg(test)]
mod tests {
    use rally_domain::settings::Settings;

    use super::*;

    fn settings() -> Map<String, Value> {
        let patch = json!({
            "max_entries": 500, "approval_required": false, "confirmation_message": "You are in", "referral_boost": 3,
            "custom_fields": [
                {"key": "company", "label": "Company", "type": "text", "required": true, "placeholder": "Acme"},
                {"key": "tools", "type": "multiselect", "required": false, "options": ["a", "b"], "help_text": "All that fit"},
            ],
            "referral_rewards": {"milestones": [{"count": 3, "reward": "A sticker"}]},
        });
        Settings::default().merge(patch.as_object().unwrap()).unwrap().to_document()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Pairs {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn settings_that_are_posted_as_they_were_shown_stay_the_same() {
        let before = settings();
        let form = form_of_settings("Early access", None, &before);
        let posted = edit_rows(form.values, "save");
        let stored = Settings::from_document(&before).unwrap();
        let after = stored.merge(&patch_of_settings(&posted)).unwrap().to_document();
        for (key, value) in &before {
            assert_eq!(after.get(key), Some(value), "{key}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_under_the_name_of_its_field() {
        let posted = pairs(&[
            ("settings.max_entries", "many"),
            ("settings.custom_fields[0].key", "A key"),
            ("settings.custom_fields[0].type", "text"),
            ("settings.referral_rewards.milestones[0].count", "x"),
            ("settings.referral_rewards.milestones[0].reward", "A sticker"),
        ]);
        let errors = Settings::default().merge(&patch_of_settings(&posted)).unwrap_err();
        let names: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        for name in ["settings.max_entries", "settings.custom_fields[0].key", "settings.referral_rewards.milestones[0].count"] {
            assert!(names.contains(&name), "{name} is not in {names:?}");
        }
    }

    #[test]
    fn rows_are_added_moved_and_removed_with_what_was_typed() {
        let row = |index: usize, key: &str| (format!("{FIELDS}[{index}].key"), key.to_owned());
        let posted = vec![("display_name".to_owned(), "x".to_owned()), row(0, "a"), row(1, ""), row(2, "c")];
        let keys = |order: &str| -> Vec<(usize, String)> {
            let edited = edit_rows(posted.clone(), order);
            edited.iter().filter_map(|(name, value)| Some((place(name, FIELDS)?.0, value.clone()))).collect()
        };
        let row = |index, key: &str| (index, key.to_owned());
        assert_eq!(keys("add-field"), [row(0, "a"), row(1, ""), row(2, "c"), row(3, "")]);
        assert_eq!(keys("remove-field-0"), [row(0, ""), row(1, "c")]);
        assert_eq!(keys("up-field-2"), [row(0, "a"), row(1, "c"), row(2, "")]);
        assert_eq!(keys("save"), [row(0, "a"), row(1, "c")]);
        assert_eq!(keys("up-field-0"), [row(0, "a"), row(1, ""), row(2, "c")]);
    }

    #[test]
    fn an_index_makes_no_work() {
        let posted = pairs(&[("settings.custom_fields[99999999999].key", "a"), ("settings.custom_fields[400].key", "b")]);
        assert!(edit_rows(posted.clone(), "save").is_empty());
        assert!(patch_of_settings(&posted)["custom_fields"].as_array().is_some_and(|rows| rows.len() <= MAX_ROWS));
    }
}
