//! Checks every reply of a suite, and every request to a webhook, against the OpenAPI document: the status of a reply must be described
//! there, and each body must match. Replies that the document does not list (pages, unknown routes, other methods) are not checked.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::Reply;

/// The document, as the binary prints it.
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| serde_json::to_value(rally_api::http::openapi::document()).unwrap())
}

/// Checks a reply to a request against the document.
///
/// # Panics
/// If the reply is not as described.
pub fn check(method: &Method, path: &str, reply: &Reply) {
    // A wrong method of a described path has no operation.
    let Some((name, operation)) = operation(method, path) else { return };
    let status = reply.status.as_str();
    let described = &operation["responses"][status];
    assert!(described.is_object(), "{name} answers {status}, which the document does not say: {}", reply.body);
    for header in described["headers"].as_object().into_iter().flat_map(Map::keys) {
        assert!(reply.header(header).is_some(), "{name} answers {status} without {header}");
    }
    match described["content"].as_object() {
        None => assert_eq!(reply.body, "", "{name} has a body with {status}, which the document does not say"),
        Some(content) => check_body(&format!("{name} {status}"), content, reply),
    }
}

/// The operation of a request, named by its path in the document.
fn operation(method: &Method, path: &str) -> Option<(String, &'static Value)> {
    let asked: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let parts: Vec<&str> = template.split('/').collect();
        parts.len() == asked.len() && parts.iter().zip(&asked).all(|(part, segment)| part.starts_with('{') || part == segment)
    };
    let paths = document()["paths"].as_object().unwrap().iter().filter(|(template, _)| fits(template));
    // A fixed segment wins over a parameter, as in the router.
    let (template, item) = paths.min_by_key(|(template, _)| template.matches('{').count())?;
    let operation = item.get(method.as_str().to_ascii_lowercase())?;
    Some((format!("{method} {template}"), operation))
}

fn check_body(name: &str, content: &Map<String, Value>, reply: &Reply) {
    let essence = reply.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().to_owned();
    let described = content.get(&essence);
    let described = described.unwrap_or_else(|| panic!("{name} is {essence:?}, which the document does not say"));
    if essence != "application/json" {
        return;
    }
    check_value(name, &described["schema"], &reply.json());
}

/// Checks the body of a request to a webhook against the document.
///
/// # Panics
/// If it is not as described.
pub fn check_event(body: &Value) {
    let kind = body["type"].as_str().unwrap_or_else(|| panic!("an event has no type: {body:#}"));
    // A newer program beside this one may write others.
    let Some(webhook) = document()["webhooks"].get(kind) else { return };
    check_value(kind, &webhook["post"]["requestBody"]["content"]["application/json"]["schema"], body);
}

/// Checks a value against the schema of a name, which is the same every time.
fn check_value(name: &str, schema: &Value, value: &Value) {
    static VALIDATORS: OnceLock<Mutex<HashMap<String, Validator>>> = OnceLock::new();
    let mut validators = VALIDATORS.get_or_init(Mutex::default).lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let validator = validators.entry(name.to_owned()).or_insert_with(|| validator(schema));
    let errors: Vec<String> = validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{name} is not what the document says: {errors:?}\n{value:#}");
}

/// Objects of operators, which may have members that Rally does not know and keeps.
const OPEN: [&str; 5] = ["WaitlistSettings", "ChangeWaitlistSettings", "CustomField", "DeclareCustomField", "VariantCopy"];

/// The schemas of the document, by name, with every other object closed: a reply with a member that is not described is a fault here,
/// although clients ignore it.
fn closed_schemas() -> &'static Value {
    static CLOSED: OnceLock<Value> = OnceLock::new();
    CLOSED.get_or_init(|| {
        let schemas = document()["components"]["schemas"].as_object().unwrap();
        let close =
            |(name, schema): (&String, &Value)| (name.clone(), if OPEN.contains(&&**name) { schema.clone() } else { closed(schema) });
        schemas.iter().map(close).collect::<Map<_, _>>().into()
    })
}

/// A schema whose objects have only the members that are described. An object that extends another one is written out.
fn closed(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let mut members = members.clone();
            for part in members.remove("allOf").iter().flat_map(|parts| parts.as_array().unwrap()) {
                let name = part["$ref"].as_str().and_then(|place| place.rsplit('/').next());
                let part = name.map_or(part, |name| &document()["components"]["schemas"][name]);
                for (key, value) in part.as_object().unwrap() {
                    match (members.get_mut(key), value) {
                        (Some(Value::Object(all)), Value::Object(more)) => all.extend(more.clone()),
                        (Some(Value::Array(all)), Value::Array(more)) => all.extend(more.clone()),
                        _ => drop(members.insert(key.clone(), value.clone())),
                    }
                }
            }
            let mut members: Map<String, Value> = members.iter().map(|(key, value)| (key.clone(), closed(value))).collect();
            if members.get("properties").is_some_and(|named| named.is_object() && !named["type"].is_string()) {
                members.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            members.into()
        }
        Value::Array(parts) => parts.iter().map(closed).collect(),
        other => other.clone(),
    }
}

/// A validator for a schema of the document, whose objects are closed.
///
/// # Panics
/// If the value is not a schema.
pub fn validator(schema: &Value) -> Validator {
    let whole = json!({"allOf": [closed(schema)], "components": {"schemas": closed_schemas()}});
    let options = jsonschema::draft202012::options().should_validate_formats(true);
    options.build(&whole).unwrap_or_else(|error| panic!("{error}: {schema}"))
}
