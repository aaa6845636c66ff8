//! The settings of a list. Custom fields and rewards are rows.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post};
use rally_console::page::{Conflict, SettingsPage};
use rally_console::{Form, edit_rows, form_of_settings, patch_of_settings};
use rally_domain::audit::AuditAction;
use rally_domain::error::FieldError;
use rally_domain::settings::Settings;
use rally_domain::waitlist::Waitlist;
use serde_json::{Map, Value};

use super::audit::last_done_by;
use super::doors::{OpenedList, Pairs, Posted};
use super::look::{Done, body_of, done, refused, show, show_as, typed};
use super::seen::{Seen, changed_meanwhile, with_seen};
use crate::auth::permit;
use crate::http::error::ApiError;
use crate::routes::admin::waitlists::change::update_list;

/// Shows the settings.
#[get("/w/{ws}/lists/{list}/settings")]
pub async fn show_page(door: OpenedList<permit::WaitlistRead>) -> Result<HttpResponse, ApiError> {
    Ok(show(&settings_page(&door, stored(&door.waitlist)).await?))
}

/// The form with what is stored.
fn stored(waitlist: &Waitlist) -> Form {
    let description = waitlist.description.as_ref().map(|description| description.as_str());
    let form = form_of_settings(waitlist.display_name.as_str(), description, &waitlist.settings.to_document());
    let values = values(&form.values);
    with_seen(form, &values)
}

async fn settings_page<P>(door: &OpenedList<P>, form: Form) -> Result<SettingsPage, ApiError> {
    let setup = door.app.ports.settings.get(door.workspace_id()).await?;
    let setup = rally_domain::mail::MailSetup::of(&setup, &door.admin.workspace.slug);
    let sends_confirmations = setup.is_some_and(|setup| setup.can_confirm());
    Ok(SettingsPage { frame: door.frame(), form, sends_confirmations, ..SettingsPage::default() })
}

/// Saves what the person changed, or changes the rows of the form. What somebody else has changed meanwhile as well is not saved.
#[post("/w/{ws}/lists/{list}/settings")]
pub async fn save(posted: Posted<OpenedList<permit::WaitlistUpdate>>) -> Result<HttpResponse, ApiError> {
    let order = posted.value("do");
    let order = if order.is_empty() { "save" } else { order };
    let form = edit_rows(posted.form.clone(), order);
    if order != "save" {
        let page = settings_page(&posted, Form::new(form)).await?;
        return Ok(show(&SettingsPage { is_unsaved: true, ..page }));
    }
    let now = stored(&posted.waitlist);
    let (there, seen) = (values(&now.values), Seen::of(&form));
    let mut mine = values(&form);
    mine.retain(|name, value| seen.is_changed(name, value) && there.get(name) != Some(value));
    let both: Vec<String> = mine.keys().filter(|name| seen.is_known() && seen.is_changed(name, &there[*name])).cloned().collect();
    if !both.is_empty() {
        let by = last_done_by(&posted, AuditAction::WaitlistUpdate, &posted.waitlist.id.to_string()).await?;
        let conflict = Some(Conflict { by, at: posted.waitlist.updated_at.into(), of: both.clone() });
        let told: Vec<_> = both.iter().map(|name| (name.clone(), changed_meanwhile(&there[name]).to_string())).collect();
        let page = settings_page(&posted, merged(now, there, mine).refused(told)).await?;
        return Ok(show_as(StatusCode::CONFLICT, &SettingsPage { conflict, is_unsaved: true, ..page }));
    }
    match update_list(&posted.app, &posted.admin, posted.waitlist.id, body(mine)).await {
        Ok(_) => Ok(done(&posted.list_urls().settings(), Done::Saved)),
        Err(error) => {
            let page = settings_page(&posted, typed(&form, refused(error)?)).await?;
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &SettingsPage { is_unsaved: true, ..page }))
        }
    }
}

/// The values of the form: the name, the description, and settings with names such as `settings.max_entries`.
fn values(form: &Pairs) -> Map<String, Value> {
    let mut values = body_of(form, &["display_name", "description"]);
    // The API leaves a name that is null as it is, and a form that has none is refused.
    values.entry("display_name").and_modify(|name| *name = Value::from(name.as_str().unwrap_or_default()));
    values.extend(patch_of_settings(form).into_iter().map(|(key, value)| (format!("{SETTINGS}{key}"), stored_value(key, value))));
    values
}

/// A setting as it is stored: an empty one with its default. One that is wrong stays as it is.
fn stored_value(key: String, value: Value) -> Value {
    let alone = Map::from_iter([(key.clone(), value.clone())]);
    Settings::default().merge(&alone).map_or(value, |settings| settings.to_document().remove(&key).unwrap_or_default())
}

/// What stands before the key of a setting.
const SETTINGS: &str = "settings.";

/// Some values of the form as a body of the API.
fn body(values: Map<String, Value>) -> Value {
    let (settings, mut body): (Map<_, _>, Map<_, _>) = values.into_iter().partition(|(name, _)| name.starts_with(SETTINGS));
    let settings: Map<_, _> = settings.into_iter().map(|(name, value)| (name[SETTINGS.len()..].to_owned(), value)).collect();
    body.insert("settings".to_owned(), Value::Object(settings));
    Value::Object(body)
}

/// The form as it is stored now, with what the person changed.
fn merged(stored: Form, there: Map<String, Value>, mine: Map<String, Value>) -> Form {
    let both: Map<String, Value> = there.clone().into_iter().chain(mine).collect();
    let text = |name: &str| both.get(name).and_then(Value::as_str).map(str::to_owned);
    let (name, description) = (text("display_name").unwrap_or_default(), text("description"));
    let Value::Object(mut body) = body(both) else { return stored };
    let settings = body.remove("settings").and_then(|settings| settings.as_object().cloned()).unwrap_or_default();
    with_seen(form_of_settings(&name, description.as_deref(), &settings), &there)
}

/// The list as it would be with the settings of a form. What does not fit stays as it is.
pub(super) fn with_form(waitlist: Waitlist, form: Pairs) -> Waitlist {
    let form = edit_rows(form, "save");
    let patch = patch_of_settings(&form);
    let settings = waitlist.settings.merge(&patch).or_else(|errors| waitlist.settings.merge(&without(patch, &errors)));
    let settings = settings.unwrap_or_else(|_| waitlist.settings.clone());
    let text = |name: &str| form.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone());
    let name = text("display_name").and_then(|name| rally_domain::text::DisplayName::parse(&name).ok());
    let description = match text("description").map(|text| rally_domain::text::Description::parse_optional(&text)) {
        Some(Ok(description)) => description,
        Some(Err(_)) | None => waitlist.description,
    };
    Waitlist { display_name: name.unwrap_or(waitlist.display_name), description, settings, ..waitlist }
}

/// A patch without what is wrong in it: a setting, or an item of one that is a list.
fn without(mut patch: Map<String, Value>, errors: &[FieldError]) -> Map<String, Value> {
    let mut items: Vec<(String, usize)> = Vec::new();
    for error in errors {
        let path = error.field.strip_prefix("settings.").unwrap_or(&error.field);
        let (key, rest) = path.split_at(path.find(['[', '.']).unwrap_or(path.len()));
        let index = rest.strip_prefix('[').and_then(|rest| rest.split(']').next()?.parse().ok());
        match index {
            Some(index) => items.push((key.to_owned(), index)),
            None => drop(patch.remove(key)),
        }
    }
    for (key, value) in &mut patch {
        let mut index = 0;
        value.as_array_mut().into_iter().for_each(|list| {
            list.retain(|_| {
                index += 1;
                !items.contains(&(key.clone(), index - 1))
            });
        });
    }
    patch
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_is_shown_without_what_is_wrong() {
        let patch = json!({
            "max_entries": "many", "consent_text": "I agree",
            "custom_fields": [{"key": "A key", "type": "text"}, {"key": "company", "type": "text"}],
        });
        let patch = patch.as_object().unwrap().clone();
        let errors = Settings::default().merge(&patch).unwrap_err();
        let rest = without(patch, &errors);
        assert_eq!(Value::Object(rest.clone()), json!({"consent_text": "I agree", "custom_fields": [{"key": "company", "type": "text"}]}));
        assert!(Settings::default().merge(&rest).is_ok());
    }

    #[test]
    fn a_form_is_a_body_of_the_api() {
        let pairs = [("display_name", " Early "), ("description", ""), ("settings.max_entries", "5")];
        let form: Pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let body = body(values(&form));
        assert_eq!(
            (&body["display_name"], &body["description"], &body["settings"]["max_entries"]),
            (&"Early".into(), &Value::Null, &5.into())
        );
        let patch = body["settings"].as_object().unwrap();
        assert_eq!(Settings::default().merge(patch).unwrap().max_entries, Some(5));
    }

    #[test]
    fn what_is_stored_and_what_was_typed_are_merged() {
        let document = |settings: Value| {
            let patch = settings.as_object().unwrap().clone();
            form_of_settings("Early", Some("one\ntwo"), &Settings::default().merge(&patch).unwrap().to_document())
        };
        let questions = json!([{"key": "company", "type": "text", "label": "Company", "required": true}]);
        let stored = document(json!({"max_entries": 7, "custom_fields": questions, "allowed_origins": ["https://a.example"]}));
        let there = values(&stored.values);
        assert_eq!(values(&edit_rows(stored.values.clone(), "save")), there, "a form that nobody changed has the values that it showed");
        let mine = json!({"settings.max_entries": "many", "description": null}).as_object().unwrap().clone();
        let form = merged(stored, there.clone(), mine);
        let value = |name: &str| form.value(name).to_owned();
        assert_eq!(
            (value("settings.max_entries"), value("description"), value("display_name")),
            ("many".into(), "".into(), "Early".into())
        );
        assert_eq!(value("settings.custom_fields[0].label"), "Company");
        let seen = Seen::of(&form.values);
        assert!(!seen.is_changed("settings.max_entries", &json!(7)) && !seen.is_changed("description", &json!("one\ntwo")));
    }
}
