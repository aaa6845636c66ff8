//! What a form showed when it was opened. A save changes what the person changed, and undoes no change of somebody else.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rally_console::Form;
use rally_domain::error::Invalid;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::doors::Pairs;

/// The hidden field of a form with digests of the values that it was opened with.
const NAME: &str = "seen";

/// Adds to a form what it shows. The values are those that [`Seen::is_changed`] is asked about.
pub(super) fn with_seen(mut form: Form, values: &Map<String, Value>) -> Form {
    form.values.retain(|(name, _)| name != NAME);
    form.values.push((NAME.to_owned(), digests(values)));
    form
}

/// The digests of some values, as text of a field. No name of a field has a space.
pub(super) fn digests(values: &Map<String, Value>) -> String {
    values.iter().map(|(name, value)| format!("{name}={}", digest(value))).collect::<Vec<_>>().join(" ")
}

fn digest(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(&Sha256::digest(as_sent(value).to_string())[..12])
}

/// A value as a browser sends it back: line breaks are one character.
fn as_sent(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(text.replace("\r\n", "\n").replace('\r', "\n")),
        Value::Array(items) => items.iter().map(as_sent).collect(),
        Value::Object(members) => Value::Object(members.iter().map(|(key, member)| (key.clone(), as_sent(member))).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// What a posted form says that it showed.
pub(super) struct Seen(Option<HashMap<String, String>>);

impl Seen {
    pub(super) fn of(form: &Pairs) -> Self {
        let seen = form.iter().find(|(name, _)| name == NAME).filter(|(_, seen)| !seen.is_empty());
        let pair = |pair: &str| pair.split_once('=').map(|(name, digest)| (name.to_owned(), digest.to_owned()));
        Self(seen.map(|(_, seen)| seen.split(' ').filter_map(pair).collect()))
    }

    /// Whether the form says what it showed.
    pub(super) const fn is_known(&self) -> bool {
        self.0.is_some()
    }

    /// Whether a value is another than the form showed. A client that says nothing about that changes every value.
    pub(super) fn is_changed(&self, name: &str, value: &Value) -> bool {
        self.0.as_ref().is_none_or(|seen| seen.get(name).is_none_or(|seen| *seen != digest(value)))
    }
}

/// Returns what a posted form changes: the values that are neither those that it showed nor those that are stored.
///
/// # Errors
/// If somebody else has changed one of them since the form was opened. The form that is returned tells what it is now, and says that it
/// showed that: if it comes again, it is saved. What the person did not change counts as it was shown before.
pub(super) fn changes(form: &Pairs, mut mine: Map<String, Value>, stored: &Map<String, Value>) -> Result<Map<String, Value>, Box<Form>> {
    let (mut seen, absent) = (Seen::of(form), Value::Null);
    let now = |name: &str| stored.get(name).unwrap_or(&absent);
    mine.retain(|name, value| seen.is_changed(name, value) && digest(now(name)) != digest(value));
    let Some(shown) = &mut seen.0 else { return Ok(mine) };
    let both: Vec<&String> = mine.keys().filter(|name| shown.get(*name).is_none_or(|shown| *shown != digest(now(name)))).collect();
    if both.is_empty() {
        return Ok(mine);
    }
    shown.extend(both.iter().map(|name| ((*name).clone(), digest(now(name)))));
    let told: Vec<(String, String)> = both.iter().map(|name| ((*name).clone(), changed_meanwhile(now(name)).to_string())).collect();
    let mut pairs: Vec<String> = shown.iter().map(|(name, digest)| format!("{name}={digest}")).collect();
    pairs.sort_unstable();
    let typed = form.iter().filter(|(name, _)| name != NAME).cloned();
    Err(Form::new(typed.chain([(NAME.to_owned(), pairs.join(" "))])).refused(told).into())
}

/// What to do about a value that somebody else has changed meanwhile.
pub(super) fn changed_meanwhile(now: &Value) -> Invalid {
    const SHOWN: usize = 80;
    let words = match now {
        Value::Null => "empty".to_owned(),
        Value::String(text) if text.chars().count() <= SHOWN => format!("\"{text}\""),
        Value::Bool(on) => if *on { "on" } else { "off" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) if items.iter().all(|item| item.as_str().is_some_and(|text| text.len() <= SHOWN)) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            if items.is_empty() { "empty".to_owned() } else { items.join(", ") }
        }
        Value::String(_) | Value::Array(_) | Value::Object(_) => "another one".to_owned(),
    };
    Invalid::new(format!("was changed meanwhile, and is {words} now. Save again to replace that"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_that_somebody_else_has_changed_too_is_a_conflict() {
        let object = |value: Value| value.as_object().cloned().unwrap();
        let opened = object(json!({"url": "https://a.example", "events": ["a"], "note": null}));
        let form = with_seen(Form::default(), &opened).values;
        let mine = || object(json!({"url": "https://a.example", "events": ["a", "b"], "note": "mine"}));
        assert_eq!(changes(&form, mine(), &opened).unwrap(), object(json!({"events": ["a", "b"], "note": "mine"})));
        // Somebody else changed another value, or this one in the same way.
        let stored = object(json!({"url": "https://b.example", "events": ["a"], "note": "mine"}));
        assert_eq!(changes(&form, mine(), &stored).unwrap(), object(json!({"events": ["a", "b"]})));
        let stored = object(json!({"url": "https://b.example", "events": ["a", "c"], "note": "theirs"}));
        let again = changes(&form, mine(), &stored).unwrap_err();
        let told: Vec<&str> = again.errors.iter().map(|(_, told)| told.as_str()).collect();
        assert!(told.len() == 2 && told[0].contains("is a, c now") && told[1].contains("is \"theirs\" now"), "{told:?}");
        // Once more, it is saved. The URL that somebody else changed is not: this form still shows the old one.
        assert_eq!(changes(&again.values, mine(), &stored).unwrap(), object(json!({"events": ["a", "b"], "note": "mine"})));
        assert_eq!(changes(&Pairs::new(), mine(), &stored).unwrap().len(), 3, "a client without the field changes everything");
    }

    #[test]
    fn what_a_form_showed_is_not_changed() {
        let values = json!({"url": "https://a.example", "events": ["a", "b"], "active": false, "note": null});
        let values = values.as_object().unwrap();
        let seen = Seen::of(&with_seen(Form::new([("seen", "old")]), values).values);
        assert!(values.iter().all(|(name, value)| !seen.is_changed(name, value)));
        let stored = json!({"text": "one\r\ntwo", "rows": [{"hint": "a\rb"}]});
        let lines = Seen::of(&with_seen(Form::default(), stored.as_object().unwrap()).values);
        assert!(!lines.is_changed("text", &json!("one\ntwo")) && !lines.is_changed("rows", &json!([{"hint": "a\nb"}])));
        for (name, other) in [("url", json!("https://b.example")), ("events", json!(["a"])), ("active", json!(true)), ("new", json!(1))] {
            assert!(seen.is_changed(name, &other), "{name}");
        }
        assert!(Seen::of(&Pairs::new()).is_changed("active", &json!(false)), "a client without the field changes everything");
    }
}
