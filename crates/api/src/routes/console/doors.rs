//! What lets a request into the console: a session, the workspace and the list of the path, and the action that the route needs. A form
//! must also have the token of the session.

use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, ResponseError, web};
use rally_console::page::SignInPage;
use rally_console::{Can, Count, Frame, OpenList, OpenWorkspace, State};
use rally_domain::actor::Actor;
use rally_domain::id::WorkspaceId;
use rally_domain::session::Session;
use rally_domain::slug::Slug;
use rally_domain::waitlist::Waitlist;
use rally_domain::workspace::Workspace;

use super::look::notices;
use super::standing::standing;
use crate::app::App;
use crate::auth::{Action, Admin, Claims, Permission, Scope, find_session};
use crate::http::body::{Body, Parts, SETTINGS_LIMIT};
use crate::http::error::{ApiError, Code};

/// Names and values of a form, in their order.
pub(super) type Pairs = Vec<(String, String)>;

/// Refuses what a page of another site sends.
pub(super) async fn check_origin(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_let_in = App::of(request.request())?.console.lets_in(request.request());
    if *request.method() != Method::GET && !is_let_in {
        let refusal = ApiError::new(Code::Forbidden, "this was not sent from a page of the console");
        return Ok(request.into_response(refusal.error_response()));
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

/// What a request must pass.
pub(super) trait Door: Sized + 'static {
    /// Lets a request in.
    ///
    /// # Errors
    /// 401 without a session, 403 without the action, 404 if the path names nothing.
    fn enter(request: &HttpRequest) -> impl Future<Output = Result<Self, ApiError>>;

    /// Whether a form has the right token.
    fn accepts(&self, token: &str) -> bool;
}

/// A form that was posted with the right token, and what let it in.
pub(super) struct Posted<D> {
    door: D,
    /// The fields, without the token.
    pub(super) form: Pairs,
}

impl<D> Posted<D> {
    /// The first value of a field, or an empty text.
    pub(super) fn value(&self, name: &str) -> &str {
        self.form.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value)
    }

    /// All values of a field.
    pub(super) fn values(&self, name: &str) -> Vec<String> {
        self.form.iter().filter(|(given, _)| given == name).map(|(_, value)| value.clone()).collect()
    }

    /// Whether the person was asked before something is lost, and said yes.
    pub(super) fn is_confirmed(&self) -> bool {
        self.value("confirm") == "yes"
    }
}

impl<D> Deref for Posted<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.door
    }
}

impl<D: Door> FromRequest for Posted<D> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, body) = (request.clone(), Body::from_request(request, payload));
        Box::pin(async move {
            let door = D::enter(&request).await?;
            let form = body.await?.form_up_to(SETTINGS_LIMIT).await?;
            let form = check_token(&door, form)?;
            Ok(Self { door, form })
        })
    }
}

/// A form with a file. Its fields have arrived with the right token, and the file has not.
pub(super) struct Uploaded<D> {
    door: D,
    /// The fields, without the token.
    pub(super) form: Pairs,
    parts: Parts,
    has_file: bool,
}

impl<D> Uploaded<D> {
    /// The next piece of the file. `None` at its end, or if there is none.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, ApiError> {
        if self.has_file { self.parts.piece().await } else { Ok(None) }
    }

    /// Returns what let the form in, and the rest of the file.
    pub(super) const fn take_apart(&mut self) -> (&D, &mut Parts) {
        (&self.door, &mut self.parts)
    }

    /// Reads what is left of the form, so that a browser shows the answer.
    pub(super) async fn drain(&mut self) {
        self.parts.drain().await;
    }
}

impl<D> Deref for Uploaded<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.door
    }
}

impl<D: Door> FromRequest for Uploaded<D> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, body) = (request.clone(), Body::from_request(request, payload));
        Box::pin(async move {
            let door = D::enter(&request).await?;
            let mut parts = body.await?.parts()?;
            // The token comes first, and without it nothing more is read.
            let token = match parts.next().await? {
                Some(name) if name == "csrf" => vec![(name, parts.text(SETTINGS_LIMIT).await?)],
                Some(_) | None => Pairs::new(),
            };
            let (mut form, mut room, mut has_file) = (check_token(&door, token)?, SETTINGS_LIMIT, false);
            while let Some(name) = parts.next().await? {
                has_file = name == "file";
                if has_file {
                    break;
                }
                let value = parts.text(room).await?;
                let size = name.len() + value.len() + size_of::<(String, String)>();
                room = room.checked_sub(size).ok_or_else(|| ApiError::new(Code::PayloadTooLarge, "the form is too large"))?;
                form.push((name, value));
            }
            Ok(Self { door, form, parts, has_file })
        })
    }
}

/// Takes the token out of a form.
fn check_token(door: &impl Door, mut form: Pairs) -> Result<Pairs, ApiError> {
    let token = form.iter().position(|(name, _)| name == "csrf").map(|index| form.remove(index).1);
    if !token.is_some_and(|token| door.accepts(&token)) {
        return Err(ApiError::new(Code::Forbidden, "this was not sent from a page of the console"));
    }
    Ok(form)
}

/// A page lets a request in without a token, and so only if the request changes nothing.
macro_rules! page {
    ($door:ty $(, $permission:ident)?) => {
        impl$(<$permission: Permission>)? FromRequest for $door {
            type Error = ApiError;
            type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let request = request.clone();
                Box::pin(async move {
                    if *request.method() != Method::GET {
                        return Err(ApiError::broken("a form needs its token"));
                    }
                    Self::enter(&request).await
                })
            }
        }
    };
}

/// Anybody, who has no session or does not need one.
pub(super) struct Outside {
    pub(super) app: web::Data<App>,
}

impl Door for Outside {
    async fn enter(request: &HttpRequest) -> Result<Self, ApiError> {
        Ok(Self { app: App::of(request)?.clone() })
    }

    fn accepts(&self, token: &str) -> bool {
        self.app.console.accepts_sign_in(self.app.ports.clock.now(), token)
    }
}

page!(Outside);

impl Outside {
    pub(super) fn frame(&self) -> Frame {
        let csrf = self.app.console.sign_in_token(self.app.ports.clock.now());
        Frame { root: self.app.ports.links.root().to_owned(), csrf, ..Frame::default() }
    }

    /// The page that asks for a key, or offers the identity provider.
    pub(super) fn sign_in_page(&self) -> SignInPage {
        SignInPage { frame: self.frame(), provider: self.app.oidc.is_some(), ..SignInPage::default() }
    }
}

/// A person with a session.
pub(super) struct SignedIn {
    pub(super) app: web::Data<App>,
    pub(super) session: Session,
    claims: Claims,
    frame: Frame,
}

impl Door for SignedIn {
    async fn enter(request: &HttpRequest) -> Result<Self, ApiError> {
        let app = App::of(request)?.clone();
        let no_session = || ApiError::new(Code::Unauthorized, "sign in first");
        let token = app.console.token_of(request).ok_or_else(no_session)?;
        let session = find_session(&app.ports, &token).await?;
        let frame = Frame {
            root: app.ports.links.root().to_owned(),
            csrf: app.console.form_token(&session),
            person: Some(session.person.to_string()),
            notices: notices(request),
            ..Frame::default()
        };
        request.extensions_mut().insert(frame.clone());
        let claims = Claims::from(&session).in_request(request);
        Ok(Self { app, session, claims, frame })
    }

    fn accepts(&self, token: &str) -> bool {
        self.app.console.accepts(&self.session, token)
    }
}

page!(SignedIn);

impl SignedIn {
    pub(super) fn frame(&self) -> Frame {
        self.frame.clone()
    }

    pub(super) fn claims(&self) -> Claims {
        self.claims.clone()
    }

    /// The actor of the commands that the request causes.
    pub(super) fn actor(&self) -> Actor {
        self.claims.actor.clone()
    }

    /// Whether the session is one with every action of all workspaces.
    pub(super) fn owns_all(&self) -> bool {
        self.session.workspace_id.is_none() && self.claims().scope.is_whole()
    }

    /// Whether the session may see and end another one.
    pub(super) fn may_end(&self, other: &Session) -> bool {
        let is_of_mine = self.session.workspace_id.is_none() || self.session.workspace_id == other.workspace_id;
        self.session.id == other.id || (self.claims().scope.is_whole() && is_of_mine)
    }
}

/// A person who may do the action of `P` in the workspace `{ws}`.
pub(super) struct Open<P> {
    signed_in: SignedIn,
    /// What the person may do, and the workspace.
    pub(super) admin: Admin,
    permission: PhantomData<P>,
}

impl<P> Deref for Open<P> {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}

impl<P: Permission> Door for Open<P> {
    async fn enter(request: &HttpRequest) -> Result<Self, ApiError> {
        let mut signed_in = SignedIn::enter(request).await?;
        let workspace = workspace_of(&signed_in, request).await?;
        let claims = signed_in.claims();
        signed_in.frame.can = can(&claims.scope);
        signed_in.frame.workspace = Some(OpenWorkspace { slug: workspace.slug.to_string(), name: workspace.name.to_string() });
        request.extensions_mut().insert(signed_in.frame.clone());
        claims.require(P::ACTION)?;
        Ok(Self { signed_in, admin: Admin::new(workspace, claims, request), permission: PhantomData })
    }

    fn accepts(&self, token: &str) -> bool {
        self.signed_in.accepts(token)
    }
}

page!(Open<P>, P);

/// The actions of a scope that this server has.
pub(super) fn can(scope: &Scope) -> Can {
    Can::of(|name| Action::ALL.iter().any(|action| action.as_str() == name && scope.allows(*action)))
}

/// Finds the workspace of the path. One that the session is not for is answered like one that does not exist.
async fn workspace_of(signed_in: &SignedIn, request: &HttpRequest) -> Result<Workspace, ApiError> {
    let no_workspace = || ApiError::new(Code::WorkspaceNotFound, "this workspace does not exist");
    let slug = Slug::parse(request.match_info().get("ws").unwrap_or_default()).map_err(|_| no_workspace())?;
    let found = signed_in.app.ports.workspaces.find_by_slug(&slug).await?;
    let is_mine = |id: WorkspaceId| signed_in.session.workspace_id.is_none_or(|mine| mine == id);
    found.filter(|workspace| is_mine(workspace.id)).ok_or_else(no_workspace)
}

impl<P> Open<P> {
    /// The id of the workspace.
    pub(super) fn workspace_id(&self) -> WorkspaceId {
        self.admin.workspace.id
    }

    /// The addresses of the workspace.
    pub(super) fn urls(&self) -> rally_console::urls::WorkspaceUrls {
        rally_console::urls::Urls::new(self.app.ports.links.root()).workspace(self.admin.workspace.slug.as_str())
    }
}

/// A person who may do the action of `P` on the list `{list}` of the workspace `{ws}`.
pub(super) struct OpenedList<P> {
    open: Open<P>,
    /// The list.
    pub(super) waitlist: Waitlist,
}

impl<P> Deref for OpenedList<P> {
    type Target = Open<P>;

    fn deref(&self) -> &Open<P> {
        &self.open
    }
}

impl<P: Permission> Door for OpenedList<P> {
    async fn enter(request: &HttpRequest) -> Result<Self, ApiError> {
        let mut open = Open::<P>::enter(request).await?;
        let slug = Slug::parse(request.match_info().get("list").unwrap_or_default()).map_err(|_| ApiError::no_waitlist())?;
        let ports = &open.signed_in.app.ports;
        let named = ports.waitlists.find_public(&open.admin.workspace.slug, &slug).await?.ok_or_else(ApiError::no_waitlist)?;
        // What is public is kept for a moment, and a page shows the list as it is.
        let found = ports.waitlists.find(open.admin.workspace.id, named.waitlist.id).await?;
        let waitlist = found.ok_or_else(ApiError::no_waitlist)?;
        let pending = match open.admin.may(Action::EntryRead) {
            true => {
                let counters = ports.stats.analytics(waitlist.id, ports.clock.now().day()).await?.counters;
                standing(&open.signed_in.app, waitlist.id, &counters).await?.pending
            }
            false => 0,
        };
        open.signed_in.frame.list = Some(OpenList {
            slug: waitlist.slug.to_string(),
            name: waitlist.display_name.to_string(),
            status: State::from(waitlist.status.as_str()),
            pending: Count(pending),
        });
        request.extensions_mut().insert(open.signed_in.frame.clone());
        Ok(Self { open, waitlist })
    }

    fn accepts(&self, token: &str) -> bool {
        self.open.accepts(token)
    }
}

page!(OpenedList<P>, P);

impl<P> OpenedList<P> {
    /// The addresses of the list.
    pub(super) fn list_urls(&self) -> rally_console::urls::ListUrls {
        self.urls().list(self.waitlist.slug.as_str())
    }
}
