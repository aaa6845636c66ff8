//! The OpenAPI document: complete, and changed on purpose alone.

use serde_json::Value;

fn document() -> Value {
    serde_json::to_value(rally_api::openapi::document()).unwrap()
}

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &'static str)| (format!("{item} {path}"), item);
    let mut found = Vec::new();
    for (path, item) in paths {
        for method in ["get", "post", "put", "patch", "delete"] {
            if let Some(operation) = item.get(method) {
                found.push((of_path((path, method)).0, operation));
            }
        }
    }
    found
}

#[test]
fn every_operation_is_described_in_full() {
    let document = document();
    let mut ids = std::collections::HashSet::new();
    for (name, operation) in operations(&document) {
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name} has no summary");
        assert!(operation["tags"].as_array().is_some_and(|tags| !tags.is_empty()), "{name} has no tag");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{name} has the id of another");
        let admin = name.contains("/v1/workspaces/");
        assert_eq!(operation["security"].is_array(), admin, "{name}: the bearer scheme belongs to the admin surface");
        assert_eq!(operation["x-action"].is_string(), admin, "{name}: the action belongs to the admin surface");
        let responses = operation["responses"].as_object().unwrap();
        if admin {
            for status in ["401", "403", "404", "500", "503"] {
                assert!(responses.contains_key(status), "{name} does not say when it answers {status}");
            }
        }
        if operation.get("requestBody").is_some() {
            for status in ["400", "408", "413", "415"] {
                assert!(responses.contains_key(status), "{name} does not say when it answers {status}");
            }
        }
        for (status, response) in responses {
            let described = response["content"].is_object() || status == "204";
            assert!(described, "{name} does not describe its {status}");
        }
        for segment in name.split('/').filter_map(|part| part.strip_prefix('{')).map(|part| part.trim_end_matches('}')) {
            let parameters = operation["parameters"].as_array().unwrap();
            assert!(parameters.iter().any(|parameter| parameter["name"] == segment), "{name} does not describe {segment}");
        }
    }
}

#[test]
fn every_error_code_is_listed() {
    let document = document();
    let listed: Vec<&str> =
        document["components"]["schemas"]["Code"]["enum"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    let known: Vec<&str> = rally_api::error::Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(listed, known);
}

/// To accept a change: `RALLY_ACCEPT=1 cargo test -p rally-tests openapi`.
#[test]
fn the_document_is_the_one_that_was_reviewed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/openapi.json");
    let document = format!("{:#}\n", document());
    if std::env::var_os("RALLY_ACCEPT").is_some() {
        std::fs::write(path, &document).unwrap();
    }
    let reviewed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(reviewed == document, "the OpenAPI document has changed: compare `rally openapi` with tests/snapshots/openapi.json");
}
