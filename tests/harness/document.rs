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
    let Some((name, operation)) = operation(method, path) else { return };
    let status = reply.status.as_str();
    // A wrong method of a described path has no operation, but the envelope is the same everywhere.
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

/// A validator for a schema of the document.
///
/// # Panics
/// If the value is not a schema.
pub fn validator(schema: &Value) -> Validator {
    let whole = json!({"allOf": [schema], "components": document()["components"]});
    let options = jsonschema::draft202012::options().should_validate_formats(true);
    options.build(&whole).unwrap_or_else(|error| panic!("{error}: {schema}"))
}
