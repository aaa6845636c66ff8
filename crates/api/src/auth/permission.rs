//! The extractor of admin routes. The signature of a handler says which action the route needs.

use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, COOKIE};
use actix_web::{FromRequest, HttpRequest};
use rally_domain::actor::Actor;
use rally_domain::id::WorkspaceId;
use rally_domain::workspace::Workspace;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::token::{Claims, invalid};
use super::{Action, Scope, is_api_key, verify_api_key};
use crate::app::App;
use crate::http::error::{ApiError, Code};
use crate::http::extract::parameters::id_in_path;

/// The action that a route needs, as a type.
pub trait Permission: 'static {
    /// The action.
    const ACTION: Action;
}

/// The permissions: one for each action that a route needs.
pub mod permit {
    use super::{Action, Permission};

    macro_rules! permissions {
        ($($name:ident)+) => {$(
            #[doc = concat!("Needs [`Action::", stringify!($name), "`].")]
            pub struct $name;

            impl Permission for $name {
                const ACTION: Action = Action::$name;
            }
        )+};
    }

    permissions! {
        WaitlistRead WaitlistCreate WaitlistUpdate WaitlistDelete
        EntryRead EntryUpdate
        VariantRead VariantCreate VariantUpdate VariantDelete
        WebhookRead WebhookCreate WebhookUpdate WebhookDelete
        RallyRead RallySettingsRead RallySettingsUpdate RallyAuditRead
        KeyRead KeyCreate KeyDelete
    }
}

/// An admin who may do the action of `P` in the workspace of the path.
pub struct Granted<P = ()> {
    admin: Admin,
    permission: PhantomData<P>,
}

/// The admin who sent a request, and the workspace.
pub struct Admin {
    /// The workspace of the path.
    pub workspace: Workspace,
    claims: Claims,
}

impl Admin {
    /// An admin of a workspace that the claims are for.
    pub(crate) fn new(workspace: Workspace, claims: Claims, request: &HttpRequest) -> Self {
        Self { workspace, claims: claims.in_request(request) }
    }

    /// The actor of the commands that the request causes.
    pub fn actor(&self) -> Actor {
        self.claims.actor.clone()
    }

    /// Refuses a further action, which only some requests of a route need.
    ///
    /// # Errors
    /// 403 if the admin may not do it.
    pub fn require(&self, action: Action) -> Result<(), ApiError> {
        self.claims.require(action)
    }

    /// The actions that the token allows.
    pub fn scope(&self) -> &Scope {
        &self.claims.scope
    }

    /// Whether the token allows a further action.
    pub fn may(&self, action: Action) -> bool {
        self.claims.scope.allows(action)
    }
}

impl<P> Deref for Granted<P> {
    type Target = Admin;

    fn deref(&self) -> &Admin {
        &self.admin
    }
}

impl<P: Permission> FromRequest for Granted<P> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let admin = authorise(&request, P::ACTION).await?;
            Ok(Self { admin, permission: PhantomData })
        })
    }
}

impl<P> IntoParams for Granted<P> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![id_in_path("workspace_id", "The workspace.")]
    }
}

/// Checks whether the client may do an action in the workspace of the path: first the token, then the workspace, then the action.
pub(crate) async fn authorise(request: &HttpRequest, action: Action) -> Result<Admin, ApiError> {
    let (app, token) = (App::of(request)?, token(request)?);
    let claims = verify(app, &token).await?;
    let (Token::Bearer(text) | Token::Cookie(text)) = &token;
    app.limits.take_admin(text)?;
    admit(app, request, claims, action).await
}

/// Checks once more, for a request that waited, that its credential is valid and allows an action. The request counts once.
///
/// # Errors
/// As [`authorise`] says.
pub(crate) async fn authorise_again(request: &HttpRequest, action: Action) -> Result<Admin, ApiError> {
    let app = App::of(request)?;
    let claims = verify(app, &token(request)?).await?;
    admit(app, request, claims, action).await
}

async fn verify(app: &App, token: &Token) -> Result<Claims, ApiError> {
    match token {
        Token::Bearer(text) if is_api_key(text) => verify_api_key(&*app.ports.api_keys, text).await,
        Token::Bearer(text) | Token::Cookie(text) => app.auth.verify(text).await,
    }
}

async fn admit(app: &App, request: &HttpRequest, claims: Claims, action: Action) -> Result<Admin, ApiError> {
    let no_workspace = || ApiError::new(Code::WorkspaceNotFound, "this workspace does not exist");
    let id = WorkspaceId::parse(request.match_info().get("workspace_id").unwrap_or_default()).map_err(|_| no_workspace())?;
    if !claims.covers(id) {
        return Err(ApiError::new(Code::Forbidden, "this token is for another workspace"));
    }
    claims.require(action)?;
    let workspace = app.ports.workspaces.find(id).await?.ok_or_else(no_workspace)?;
    Ok(Admin::new(workspace, claims, request))
}

/// The credential of a request.
enum Token {
    /// In the `Authorization` header: a JWT or an API key.
    Bearer(String),
    /// In the cookie `auth_token`: a JWT, accepted only for reads.
    Cookie(String),
}

fn token(request: &HttpRequest) -> Result<Token, ApiError> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    match (headers.next(), headers.next()) {
        (Some(header), None) => {
            let (scheme, token) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(invalid)?;
            if scheme.eq_ignore_ascii_case("bearer") { Ok(Token::Bearer(token.trim().to_owned())) } else { Err(invalid()) }
        }
        (None, _) if matches!(*request.method(), Method::GET | Method::HEAD) => cookie(request).map(Token::Cookie).ok_or_else(invalid),
        _ => Err(invalid()),
    }
}

fn cookie(request: &HttpRequest) -> Option<String> {
    let pairs = request.headers().get_all(COOKIE).filter_map(|header| header.to_str().ok()).flat_map(|header| header.split(';'));
    let mut values = pairs.filter_map(|pair| pair.trim().strip_prefix("auth_token="));
    values.next().map(str::to_owned)
}
