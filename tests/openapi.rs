//! The OpenAPI document is valid and complete, and changes only on purpose. The harness checks every reply of every suite against
//! it. `./scripts/test.sh` also runs an independent validator on it.

use std::collections::{HashMap, HashSet};

use rally_domain::audit::{AuditAction, AuditActorKind};
use rally_domain::custom_field::FieldType;
use rally_domain::delivery::DeliveryState;
use rally_domain::entry::EntryStatus;
use rally_domain::event::{Event, EventKind};
use rally_domain::id::{EventId, WorkspaceId};
use rally_domain::import::ImportState;
use rally_domain::ledger::{FraudMode, ReferralSignal, ReferralState};
use rally_domain::mail::{MailKind, MailState};
use rally_domain::suppression::SuppressionReason;
use rally_domain::timestamp::Timestamp;
use rally_domain::uuid::Uuid;
use rally_domain::variant::VariantKind;
use rally_domain::waitlist::WaitlistStatus;
use rally_domain::workspace::Notifications;
use rally_tests::document::{document, validator};
use serde_json::{Value, json};

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
    let mut ids = HashSet::new();
    for (name, operation) in operations(document()) {
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name} has no summary");
        assert!(operation["tags"].as_array().is_some_and(|tags| !tags.is_empty()), "{name} has no tag");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{name} has the id of another");
        let admin = name.contains("/v1/workspaces/");
        assert_eq!(operation["security"].is_array(), admin, "{name}: the bearer scheme belongs to the admin surface");
        assert_eq!(operation["x-action"].is_string(), admin, "{name}: the action belongs to the admin surface");
        let responses = operation["responses"].as_object().unwrap();
        if admin {
            for status in ["401", "403", "404", "429", "500", "503"] {
                assert!(responses.contains_key(status), "{name} does not say when it answers {status}");
            }
        }
        if operation.get("requestBody").is_some() {
            for status in ["400", "408", "413", "415"] {
                assert!(responses.contains_key(status), "{name} does not say when it answers {status}");
            }
        }
        assert!(!responses.is_empty(), "{name} has no responses");
        for (status, response) in responses {
            assert!(is_said(&response["description"]), "{name} does not say what its {status} means");
            let described = response["content"].is_object() || status == "204";
            assert!(described, "{name} does not describe its {status}");
        }
    }
}

fn is_said(text: &Value) -> bool {
    text.as_str().is_some_and(|text| !text.trim().is_empty())
}

/// A parameter is known by its name and its place, and is listed once; those of the path are its segments.
#[test]
fn every_parameter_is_described_once() {
    for (name, operation) in operations(document()) {
        let mut found = HashSet::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let (of, place) = (parameter["name"].as_str().unwrap(), parameter["in"].as_str().unwrap());
            assert!(found.insert((place, of)), "{name} describes {of} in its {place} twice");
            assert!(["path", "query", "header"].contains(&place), "{name}: {of} is in a {place}");
            assert!(is_said(&parameter["description"]), "{name} does not say what {of} is");
            assert!(parameter["schema"].is_object(), "{name} does not say what {of} looks like");
            assert!(place != "path" || parameter["required"] == true, "{name}: a path has {of}, or is another");
        }
        let described: HashSet<&str> = found.into_iter().filter(|(place, _)| *place == "path").map(|(_, of)| of).collect();
        let segments = name.split('/').filter_map(|part| part.strip_prefix('{')).map(|part| part.trim_end_matches('}'));
        assert_eq!(described, segments.collect(), "{name}");
    }
}

/// Everything below a value, with its place.
fn walk<'a>(place: &str, value: &'a Value, look: &mut impl FnMut(&str, &'a Value)) {
    look(place, value);
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| walk(&format!("{place}/{key}"), value, look)),
        Value::Array(items) => items.iter().for_each(|value| walk(place, value, look)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_one() {
    let (mut references, mut schemas) = (0, 0);
    walk("", document(), &mut |place, value| {
        if let Some(reference) = value["$ref"].as_str() {
            references += 1;
            let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{place}: {reference} is elsewhere"));
            assert!(document().pointer(pointer).is_some(), "{place}: {reference} is not there");
        }
        if let Some(schema) = value.get("schema") {
            schemas += 1;
            validator(schema);
        }
    });
    for schema in document()["components"]["schemas"].as_object().unwrap().values() {
        validator(schema);
    }
    assert!(references > 100 && schemas > 100, "{references} references and {schemas} schemas");
}

/// A string with few values, and an object with known members, say so.
#[test]
fn every_choice_and_every_object_is_spelt_out() {
    const CHOICES: [&str; 8] = ["status", "state", "kind", "type", "action", "event", "event_type", "granularity"];
    // Answers to custom fields, and other free data.
    const FREE: [&str; 9] = [
        "/AuditRow/properties/changes",
        "/Entry/properties/metadata",
        "/CreateEntry/properties/metadata",
        "/Visitor/properties/metadata",
        "/UpdateVisitor/properties/metadata",
        "/VisitorExportEntry/properties/metadata",
        "/Import/properties/mapping",
        "/VisitorExportEvent/properties/body",
        "/EventEntry/properties/metadata",
    ];
    let schemas = &document()["components"]["schemas"];
    let is =
        |value: &Value, name: &str| value["type"] == name || value["type"].as_array().is_some_and(|types| types.contains(&name.into()));
    walk("", schemas, &mut |place, value| {
        let spelt = !is(value, "object") || value["properties"].is_object() || FREE.contains(&place);
        assert!(spelt, "{place} is an object of nobody knows what");
        let name = place.rsplit_once("/properties/").map(|(_, name)| name);
        let any = is(value, "string") && !value["enum"].is_array();
        assert!(!any || !name.is_some_and(|name| CHOICES.contains(&name)), "{place} is any string");
    });
    for (name, operation) in operations(document()) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let chosen = CHOICES.iter().any(|choice| parameter["name"] == *choice);
            assert!(!chosen || parameter["schema"]["$ref"].is_string(), "{name}: {} is any string", parameter["name"]);
        }
    }
}

/// Enumerations that only the API has, or of which the domain keeps no list.
const OTHER_ENUMERATIONS: [&str; 15] = [
    "AcceptedStatus",
    "AuditTargetType",
    "BulkAction",
    "BulkStatus",
    "Code",
    "ConfirmationRequiredStatus",
    "ConfirmationState",
    "Granularity",
    "Health",
    "MailTemplateSource",
    "OnDuplicate",
    "ProofOfWork",
    "ReplayStateName",
    "Verdict",
    "VisitorReferralState",
];

#[test]
fn every_enumeration_is_that_of_the_domain() {
    let known = [
        ("WaitlistStatus", WaitlistStatus::ALL.map(WaitlistStatus::as_str).to_vec()),
        ("EntryStatus", EntryStatus::ALL.map(EntryStatus::as_str).to_vec()),
        ("VariantKind", VariantKind::ALL.map(VariantKind::as_str).to_vec()),
        ("EventType", EventKind::ALL.map(EventKind::as_str).to_vec()),
        ("MailKind", MailKind::ALL.map(MailKind::as_str).to_vec()),
        ("MailState", MailState::ALL.map(MailState::as_str).to_vec()),
        ("DeliveryState", DeliveryState::ALL.map(DeliveryState::as_str).to_vec()),
        ("AuditAction", AuditAction::ALL.iter().map(|action| action.as_str()).collect()),
        ("AuditActorKind", AuditActorKind::ALL.map(AuditActorKind::as_str).to_vec()),
        ("SuppressionReason", SuppressionReason::ALL.map(SuppressionReason::as_str).to_vec()),
        ("CustomFieldType", FieldType::ALL.map(FieldType::as_str).to_vec()),
        // An upload that has not ended is not shown.
        ("ImportState", ImportState::ALL.iter().filter(|state| **state != ImportState::Uploading).map(|state| state.as_str()).collect()),
        ("Notifications", Notifications::ALL.map(Notifications::as_str).to_vec()),
        ("ReferralState", ReferralState::ALL.map(ReferralState::as_str).to_vec()),
        ("ReferralFraudMode", FraudMode::ALL.map(FraudMode::as_str).to_vec()),
        ("ReferralSignal", ReferralSignal::ALL.map(ReferralSignal::as_str).to_vec()),
    ];
    let schemas = document()["components"]["schemas"].as_object().unwrap();
    for (schema, known) in &known {
        assert_eq!(schemas[*schema]["enum"], json!(known), "{schema}");
    }
    let listed = schemas.iter().filter(|(_, schema)| schema["enum"].is_array()).map(|(name, _)| name.as_str());
    let expected: HashSet<&str> = known.iter().map(|(name, _)| *name).chain(OTHER_ENUMERATIONS).collect();
    assert_eq!(listed.collect::<HashSet<_>>(), expected);
}

/// The body of the event that tests a webhook, by its kind.
fn bodies_of_tests() -> HashMap<&'static str, Value> {
    let workspace = WorkspaceId::new(Uuid::from_u128(1));
    let body =
        |kind| Event::test(EventId::new(Uuid::from_u128(2)), kind, Timestamp::parse("2026-01-31T09:00:00Z").unwrap(), workspace, None).body;
    EventKind::ALL.into_iter().map(|kind| (kind.as_str(), serde_json::from_str(&body(kind)).unwrap())).collect()
}

#[test]
fn every_event_is_described() {
    let event = validator(&json!({"$ref": "#/components/schemas/Event"}));
    let (webhooks, bodies) = (document()["webhooks"].as_object().unwrap(), bodies_of_tests());
    assert_eq!(webhooks.keys().map(String::as_str).collect::<HashSet<_>>(), bodies.keys().copied().collect());
    for (kind, body) in &bodies {
        let received = validator(&webhooks[*kind]["post"]["requestBody"]["content"]["application/json"]["schema"]);
        assert!(event.is_valid(body) && received.is_valid(body), "{body:#}");
        // Every member is described, but for those of free data.
        for member in body["data"].as_object().unwrap().keys() {
            let mut less = body.clone();
            less["data"].as_object_mut().unwrap().remove(member);
            assert!(!event.is_valid(&less) && !received.is_valid(&less), "{kind} may lack {member}");
        }
        let other = if *kind == "reward.reached" { "entry.deleted" } else { "reward.reached" };
        assert!(
            !received.is_valid(&{
                let mut body = body.clone();
                body["type"] = other.into();
                body
            }),
            "{kind} is {other}"
        );
        let mut reduced = body.clone();
        reduced["data"] = json!({"entry": {"id": Uuid::nil().to_string()}});
        assert!(!event.is_valid(&reduced), "{kind} has only ids");
        reduced["erased"] = true.into();
        reduced.as_object_mut().unwrap().remove("test");
        assert!(event.is_valid(&reduced) && !received.is_valid(&reduced), "{reduced:#}");
    }
}

#[test]
fn every_error_code_is_listed() {
    let listed: Vec<&str> =
        document()["components"]["schemas"]["Code"]["enum"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    let known: Vec<&str> = rally_api::http::error::Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(listed, known);
}

/// To accept a change: `RALLY_ACCEPT=1 cargo test --locked --workspace --test suite openapi`.
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
