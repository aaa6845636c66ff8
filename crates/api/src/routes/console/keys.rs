//! The API keys of a workspace.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use rally_console::Form;
use rally_console::page::{ConfirmPage, FormPage, KeyRow, KeysPage, Secret, SecretPage};
use rally_domain::access::ApiKey;
use rally_domain::error::FieldError;
use rally_domain::id::ApiKeyId;
use rally_domain::text::KeyName;
use rally_domain::uuid::Builder;

use super::doors::{Open, Posted};
use super::look::{Done, done, refused, show, show_as, typed};
use super::once::{name_of, with_once};
use crate::auth::{Action, Scope, permit};
use crate::http::error::ApiError;
use crate::routes::admin::api_keys::{create_key, newest_first, revoke_key};

/// Lists the keys, newest first.
#[get("/w/{ws}/keys")]
pub async fn list(door: Open<permit::KeyRead>) -> Result<HttpResponse, ApiError> {
    let keys = newest_first(&door.app, door.workspace_id()).await?;
    let row = |key: &ApiKey| KeyRow {
        id: key.id.to_string(),
        name: key.name.to_string(),
        prefix: key.prefix.clone(),
        scope: key.scope.clone(),
        created_at: key.created_at.into(),
        revoked_at: key.revoked_at.map(Into::into),
    };
    Ok(show(&KeysPage { frame: door.frame(), keys: keys.iter().map(row).collect() }))
}

/// The actions that a person may grant.
fn grantable<P>(door: &Open<P>) -> Vec<String> {
    Action::ALL.iter().filter(|action| door.admin.may(**action)).map(|action| action.as_str().to_owned()).collect()
}

/// Asks for a new key.
#[get("/w/{ws}/new-key")]
pub async fn new_key(door: Open<permit::KeyCreate>) -> HttpResponse {
    let form = with_once(Form::default(), &*door.app.ports.ids);
    show(&FormPage::new_key(door.frame(), form, &grantable(&door)))
}

/// Creates a key, and shows it once. The id comes from the form, so that a form that is sent again makes no other key.
#[post("/w/{ws}/new-key")]
pub async fn create(posted: Posted<Open<permit::KeyCreate>>) -> Result<HttpResponse, ApiError> {
    let named = name_of(&posted.form)
        .and_then(|name| name.first_chunk().copied())
        .map(|name| ApiKeyId::new(Builder::from_custom_bytes(name).into_uuid()));
    let id = named.unwrap_or_else(|| ApiKeyId::new(posted.app.ports.ids.uuid()));
    let is_there = async || Ok::<_, ApiError>(newest_first(&posted.app, posted.workspace_id()).await?.iter().any(|key| key.id == id));
    if is_there().await? {
        return Ok(done(&posted.urls().keys(), Done::CreatedBefore));
    }
    match make(&posted, id).await {
        // The same form came twice at once.
        Err(_) if is_there().await? => Ok(done(&posted.urls().keys(), Done::CreatedBefore)),
        Ok((key, shown)) => Ok(show(&SecretPage { frame: posted.frame(), of: Secret::Key(key.name.to_string()), secret: shown })),
        Err(error) => {
            let form = typed(&posted.form, refused(error)?);
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &FormPage::new_key(posted.frame(), form, &grantable(&posted))))
        }
    }
}

async fn make(posted: &Posted<Open<permit::KeyCreate>>, id: ApiKeyId) -> Result<(ApiKey, String), ApiError> {
    let name = KeyName::parse(posted.value("name")).map_err(|error| ApiError::validation(vec![FieldError::new("name", error)]))?;
    let actions = posted.values("actions");
    let scope = (!actions.is_empty()).then(|| Scope::parse(&actions.join(" ")));
    create_key(&posted.app, &posted.admin, id, name, scope).await
}

/// Revokes a key, after asking.
#[post("/w/{ws}/keys/{key}/revoke")]
pub async fn revoke(posted: Posted<Open<permit::KeyDelete>>, place: web::Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let id = ApiKeyId::parse(&place.1).map_err(|_| ApiError::no_api_key())?;
    if !posted.is_confirmed() {
        let keys = newest_first(&posted.app, posted.workspace_id()).await?;
        let key = keys.into_iter().find(|key| key.id == id).ok_or_else(ApiError::no_api_key)?;
        return Ok(show(&ConfirmPage::revoke_key(posted.frame(), &id.to_string(), key.name.as_str(), &key.prefix)));
    }
    revoke_key(&posted.app, &posted.admin, id).await?;
    Ok(done(&posted.urls().keys(), Done::Revoked))
}
