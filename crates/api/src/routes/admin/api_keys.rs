//! API keys on the admin surface.

use actix_web::{HttpResponse, delete, get, post, web};
use rally_domain::access::ApiKey;
use rally_domain::command::{CreateApiKey, RevokeApiKey};
use rally_domain::error::Invalid;
use rally_domain::id::{ApiKeyId, WorkspaceId};
use rally_domain::text::KeyName;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Admin, Granted, Scope, issue_api_key, permit};
use crate::http::body::Body;
use crate::http::body::fields::{Field, Fields};
use crate::http::error::{AdminFailure, ApiError, BodyFailure, Code};
use crate::http::extract::admin::AdminApiKeyId;

/// An API key, without the key itself.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
struct KeyView {
    #[schema(format = Uuid)]
    id: String,
    name: String,
    /// The actions that it allows, separated by spaces.
    #[schema(example = "waitlist.* entry.read")]
    scope: String,
    /// The first characters of the key.
    #[schema(example = "rally_live_4fTq9XyZ")]
    prefix: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was revoked. Null if it works.
    #[schema(required, format = DateTime)]
    revoked_at: Option<String>,
}

impl From<&ApiKey> for KeyView {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.to_string(),
            scope: key.scope.clone(),
            prefix: key.prefix.clone(),
            created_at: key.created_at.to_string(),
            revoked_at: key.revoked_at.map(|at| at.to_string()),
        }
    }
}

/// The API keys of a workspace, newest first.
#[derive(Serialize, ToSchema)]
struct ApiKeyList {
    data: Vec<KeyView>,
}

/// A new API key.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedApiKey)]
struct CreatedView {
    #[schema(format = Uuid)]
    id: String,
    name: String,
    /// The actions that it allows, separated by spaces.
    scope: String,
    #[schema(format = DateTime)]
    created_at: String,
    /// The key. This is the only time that it is shown.
    #[schema(example = "rally_live_4fTq9XyZ0aBcDeFgHiJkLmNoPqRsTuVwXyZ01234")]
    key: String,
}

/// An API key to create.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateApiKey)]
struct CreateBody {
    /// The name of the key.
    #[schema(value_type = String, required, max_length = 200)]
    #[serde(default)]
    name: Field<String>,
    /// The actions that it allows, separated by spaces; by default those of the token.
    #[schema(value_type = Option<String>, example = "waitlist.* entry.read")]
    #[serde(default)]
    scope: Field<String>,
}

impl CreateBody {
    fn parse(self) -> Result<(KeyName, Option<Scope>), ApiError> {
        let mut fields = Fields::default();
        let name = fields.required("name", self.name, |text| KeyName::parse(&text));
        let scope = fields.optional("scope", self.scope, |text| parse_scope(&text));
        fields.finish()?;
        Ok((name.ok_or_else(|| ApiError::validation(Vec::new()))?, scope))
    }
}

/// Reads the scope of a new key. A part that grants nothing is a mistake.
fn parse_scope(text: &str) -> Result<Scope, Invalid> {
    let scope = Scope::parse(text);
    if let Some(unknown) = scope.unknown().next() {
        return Err(Invalid::new(format!("has a part that grants nothing: {unknown:?}")));
    }
    if text.trim().is_empty() { Err(Invalid::new("must name an action")) } else { Ok(scope) }
}

/// Creates an API key for an admin. Returns the key as it is stored, and the key to show.
///
/// # Errors
/// 403 if the scope allows more than the admin may do.
pub(crate) async fn create_key(
    app: &App,
    admin: &Admin,
    id: ApiKeyId,
    name: KeyName,
    scope: Option<Scope>,
) -> Result<(ApiKey, String), ApiError> {
    let scope = scope.unwrap_or_else(|| admin.scope().clone());
    if !admin.scope().covers(&scope) {
        return Err(ApiError::new(Code::ScopeExceedsMaker, "a key cannot allow more than the one who creates it may do"));
    }
    let (key, shown) = issue_api_key(&*app.ports.clock, id, admin.workspace.id, name, &scope.to_string());
    app.ports.api_keys.insert(CreateApiKey { key: key.clone(), actor: admin.actor() }).await?;
    Ok((key, shown.expose_secret().to_owned()))
}

/// Returns the API keys of a workspace, newest first.
///
/// # Errors
/// If the store fails.
pub(crate) async fn newest_first(app: &App, workspace_id: WorkspaceId) -> Result<Vec<ApiKey>, ApiError> {
    let mut keys = app.ports.api_keys.list(workspace_id).await?;
    keys.reverse();
    Ok(keys)
}

/// Revokes an API key of a workspace. One that is revoked stays so.
///
/// # Errors
/// 404 if the workspace has no such key.
pub(crate) async fn revoke_key(app: &App, admin: &Admin, id: ApiKeyId) -> Result<(), ApiError> {
    let keys = app.ports.api_keys.list(admin.workspace.id).await?;
    keys.iter().find(|key| key.id == id).ok_or_else(ApiError::no_api_key)?;
    app.ports.api_keys.revoke(RevokeApiKey { id, actor: admin.actor(), now: app.ports.clock.now() }).await?;
    Ok(())
}

/// List API keys
///
/// All of them, newest first, revoked ones too.
#[utoipa::path(
    tag = "Api-Keys", operation_id = "list_api_keys", security(("bearer" = [])), extensions(("x-action" = json!("key.read"))),
    params(Granted),
    responses((status = 200, description = "All API keys of the workspace.", body = ApiKeyList), AdminFailure),
)]
#[get("/api-keys")]
pub async fn list(app: web::Data<App>, admin: Granted<permit::KeyRead>) -> Result<web::Json<ApiKeyList>, ApiError> {
    let keys = newest_first(&app, admin.workspace.id).await?;
    Ok(web::Json(ApiKeyList { data: keys.iter().map(KeyView::from).collect() }))
}

/// Create an API key
///
/// Only this reply shows the key. A key cannot allow more than the one who creates it may do.
#[utoipa::path(
    tag = "Api-Keys", operation_id = "create_api_key", security(("bearer" = [])), extensions(("x-action" = json!("key.create"))),
    params(Granted), request_body = CreateBody,
    responses((status = 201, description = "The key.", body = CreatedView), AdminFailure, BodyFailure),
)]
#[post("/api-keys")]
pub async fn create(app: web::Data<App>, admin: Granted<permit::KeyCreate>, body: Body) -> Result<HttpResponse, ApiError> {
    let (name, scope) = body.json::<CreateBody>().await?.parse()?;
    let (key, shown) = create_key(&app, &admin, ApiKeyId::new(app.ports.ids.uuid()), name, scope).await?;
    let KeyView { id, name, scope, created_at, .. } = KeyView::from(&key);
    Ok(HttpResponse::Created().json(CreatedView { id, name, scope, created_at, key: shown }))
}

/// Revoke an API key
///
/// It stops working at once, and its sessions of the console end. It stays in the list.
#[utoipa::path(
    tag = "Api-Keys", operation_id = "delete_api_key", security(("bearer" = [])), extensions(("x-action" = json!("key.delete"))),
    params(AdminApiKeyId),
    responses((status = 204, description = "The key is revoked."), AdminFailure),
)]
#[delete("/api-keys/{id}")]
pub async fn delete(app: web::Data<App>, id: AdminApiKeyId<permit::KeyDelete>) -> Result<HttpResponse, ApiError> {
    revoke_key(&app, &id.admin, *id).await?;
    Ok(HttpResponse::NoContent().finish())
}
