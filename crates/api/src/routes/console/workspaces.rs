//! The workspaces that a person may open, and the keyboard.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post};
use rally_console::page::{ErrorPage, FormPage, HelpPage, WorkspaceRow, WorkspacesPage};
use rally_console::urls::Urls;
use rally_console::{Count, Form, Frame, first_page};
use rally_domain::command::CreateWorkspace;
use rally_domain::error::{CommandError, FieldError};
use rally_domain::id::WorkspaceId;
use rally_domain::paging::Limit;
use rally_domain::slug::Slug;
use rally_domain::text::WorkspaceName;
use rally_domain::workspace::Workspace;

use super::doors::{Posted, SignedIn, can};
use super::look::{refused, see_other, show, show_as, typed};
use crate::app::App;
use crate::auth::Action;
use crate::http::error::{ApiError, Code};

/// The most workspaces whose entries are counted for the page.
const MAX_COUNTED: usize = 20;

/// Shows the workspaces. A session of one workspace is led to the first of its pages that it may open.
#[get("")]
pub async fn home(door: SignedIn) -> Result<HttpResponse, ApiError> {
    let (ports, urls) = (&door.app.ports, Urls::new(door.app.ports.links.root()));
    if let Some(id) = door.session.workspace_id {
        let workspace = ports.workspaces.find(id).await?.ok_or_else(|| ApiError::new(Code::Unauthorized, "sign in first"))?;
        let first = first_page(&urls.workspace(workspace.slug.as_str()), can(&door.claims().scope));
        return Ok(see_other(&first.unwrap_or_else(|| urls.sessions())));
    }
    let all = ports.workspaces.list().await?;
    let counts = all.len() <= MAX_COUNTED && door.claims().scope.allows(Action::RallyRead);
    let mut workspaces = Vec::with_capacity(all.len());
    for workspace in &all {
        workspaces.push(row(&door.app, workspace, counts).await?);
    }
    let frame = Frame { can: can(&door.claims().scope), ..door.frame() };
    Ok(show(&WorkspacesPage { frame, workspaces, may_create: door.owns_all() }))
}

async fn row(app: &App, workspace: &Workspace, counts: bool) -> Result<WorkspaceRow, ApiError> {
    let most = Limit::of::<{ Limit::MAX }>();
    let (mut lists, mut entries, mut after) = (0, 0, None);
    loop {
        let page = app.ports.waitlists.list(workspace.id, None, after, most).await?;
        lists += page.items.len() as u64;
        for list in page.items.iter().filter(|_| counts) {
            entries += app.ports.stats.standing(list.id).await?;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let (slug, name) = (workspace.slug.to_string(), workspace.name.to_string());
    Ok(WorkspaceRow { slug, name, lists: Count(lists), entries: counts.then_some(Count(entries)) })
}

/// Lists the keys of the keyboard.
#[get("/help")]
pub async fn help(door: SignedIn) -> HttpResponse {
    show(&HelpPage { frame: door.frame() })
}

/// Asks for a new workspace.
#[get("/new-workspace")]
pub async fn new_workspace(door: SignedIn) -> Result<HttpResponse, ApiError> {
    if !door.owns_all() {
        return Ok(for_owners(&door));
    }
    Ok(show(&FormPage::new_workspace(door.frame(), Form::default())))
}

/// Says that the session is not one of all workspaces.
fn for_owners(door: &SignedIn) -> HttpResponse {
    let page = ErrorPage { frame: door.frame(), status: 403, is_for_owners: true, ..ErrorPage::default() };
    show_as(StatusCode::FORBIDDEN, &page)
}

/// Creates a workspace.
#[post("/new-workspace")]
pub async fn create_workspace(posted: Posted<SignedIn>) -> Result<HttpResponse, ApiError> {
    if !posted.owns_all() {
        return Ok(for_owners(&posted));
    }
    match create(&posted).await {
        Ok(workspace) => Ok(see_other(&Urls::new(posted.app.ports.links.root()).workspace(workspace.slug.as_str()).lists())),
        Err(error) => {
            let form = typed(&posted.form, refused(error)?);
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &FormPage::new_workspace(posted.frame(), form)))
        }
    }
}

async fn create(posted: &Posted<SignedIn>) -> Result<Workspace, ApiError> {
    let (slug, name) = (Slug::parse(posted.value("slug").trim()), WorkspaceName::parse(posted.value("name")));
    let (slug, name) = match (slug, name) {
        (Ok(slug), Ok(name)) => (slug, name),
        (slug, name) => {
            let errors = [("slug", slug.err()), ("name", name.err())];
            let errors = errors.into_iter().filter_map(|(field, error)| Some(FieldError::new(field, error?)));
            return Err(ApiError::validation(errors.collect()));
        }
    };
    let ports = &posted.app.ports;
    let (id, actor, now) = (WorkspaceId::new(ports.ids.uuid()), posted.actor(), ports.clock.now());
    ports.workspaces.create(CreateWorkspace { id, slug, name, actor, now }).await.map_err(|error| match error {
        CommandError::Rejected(rejection) => ApiError::new(Code::SlugTaken, rejection.to_string()),
        CommandError::Fault(fault) => fault.into(),
    })
}
