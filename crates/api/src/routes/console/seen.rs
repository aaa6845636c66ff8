//! What a form showed when it was opened. A save changes what the person changed, and undoes no change of somebody else.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rally_console::Form;
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
