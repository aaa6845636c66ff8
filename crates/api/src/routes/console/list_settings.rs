//! The settings of a list. Custom fields and rewards are rows.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post};
use rally_console::page::{Conflict, SettingsPage};
use rally_console::{Form, edit_rows, form_of_settings, patch_of_settings};
use rally_domain::error::FieldError;
use rally_domain::waitlist::Waitlist;
use serde_json::{Map, Value};

use super::doors::{OpenedList, Pairs, Posted};
use super::look::{Done, body_of, done, refused, show, show_as, typed};
use crate::auth::permit;
use crate::http::error::ApiError;
use crate::routes::admin::waitlists::change::update_list;

/// Shows the settings.
#[get("/w/{ws}/lists/{list}/settings")]
pub async fn show_page(door: OpenedList<permit::WaitlistRead>) -> Result<HttpResponse, ApiError> {
    let waitlist = &door.waitlist;
    let description = waitlist.description.as_ref().map(|description| description.as_str());
    let form = form_of_settings(waitlist.display_name.as_str(), description, &waitlist.settings.to_document());
    Ok(show(&settings_page(&door, form).await?))
}

async fn settings_page<P>(door: &OpenedList<P>, form: Form) -> Result<SettingsPage, ApiError> {
    let setup = door.app.ports.settings.get(door.workspace_id()).await?;
    let setup = rally_domain::mail::MailSetup::of(&setup, &door.admin.workspace.slug);
    Ok(SettingsPage {
        frame: door.frame(),
        form,
        updated_at: door.waitlist.updated_at.to_string(),
        sends_confirmations: setup.is_some_and(|setup| setup.can_confirm()),
        ..SettingsPage::default()
    })
}

/// Saves the settings, or changes the rows of the form. A list that somebody else has changed meanwhile is not saved.
#[post("/w/{ws}/lists/{list}/settings")]
pub async fn save(posted: Posted<OpenedList<permit::WaitlistUpdate>>) -> Result<HttpResponse, ApiError> {
    let order = posted.value("do");
    let order = if order.is_empty() { "save" } else { order };
    let form = edit_rows(posted.form.clone(), order);
    if order != "save" {
        let page = settings_page(&posted, Form::new(form)).await?;
        return Ok(show(&SettingsPage { is_unsaved: true, ..page }));
    }
    let seen = posted.value("updated_at");
    if !seen.is_empty() && seen != posted.waitlist.updated_at.to_string() {
        let conflict = Some(Conflict { by: None, at: posted.waitlist.updated_at.into() });
        let page = settings_page(&posted, Form::new(form)).await?;
        return Ok(show_as(StatusCode::CONFLICT, &SettingsPage { conflict, is_unsaved: true, ..page }));
    }
    let body = body(&form, &posted.waitlist.settings.to_document());
    match update_list(&posted.app, &posted.admin, posted.waitlist.id, body).await {
        Ok(_) => Ok(done(&posted.list_urls().settings(), Done::Saved)),
        Err(error) => {
            let page = settings_page(&posted, typed(&form, refused(error)?)).await?;
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &SettingsPage { is_unsaved: true, ..page }))
        }
    }
}

/// The form as a body of the API. Settings that stay as they are stored are left out: the server may not be able to turn them on now.
fn body(form: &Pairs, stored: &Map<String, Value>) -> Value {
    let mut body: Map<String, Value> = body_of(form, &["display_name", "description"]);
    // The API leaves a name that is null as it is, and a form that has none is refused.
    body.entry("display_name").and_modify(|name| *name = Value::from(name.as_str().unwrap_or_default()));
    let mut patch = patch_of_settings(form);
    patch.retain(|key, value| stored.get(key) != Some(value));
    body.insert("settings".to_owned(), Value::Object(patch));
    Value::Object(body)
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
    use rally_domain::settings::Settings;
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
        let stored = Settings { max_entries: Some(5), ..Settings::default() };
        assert_eq!(body(&form, &stored.to_document())["settings"].get("max_entries"), None);
        let body = body(&form, &Settings::default().to_document());
        assert_eq!(
            (&body["display_name"], &body["description"], &body["settings"]["max_entries"]),
            (&"Early".into(), &Value::Null, &5.into())
        );
        let patch = body["settings"].as_object().unwrap();
        assert_eq!(Settings::default().merge(patch).unwrap().max_entries, Some(5));
    }
}
