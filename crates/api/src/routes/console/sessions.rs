//! Sessions: those that a person may see, and ending them.

use std::collections::HashMap;

use actix_web::{HttpResponse, get, post, web};
use rally_console::page::{SessionRow, SessionsPage};
use rally_console::urls::Urls;
use rally_domain::command::EndSession;
use rally_domain::email::Email;
use rally_domain::id::{SessionId, WorkspaceId};
use rally_domain::session::Session;

use super::doors::{Posted, SignedIn};
use super::look::{Done, done, show};
use crate::http::error::{ApiError, Code};

/// Lists the sessions.
#[get("/sessions")]
pub async fn list(door: SignedIn) -> Result<HttpResponse, ApiError> {
    let workspaces = door.app.ports.workspaces.list().await?;
    let slugs: HashMap<WorkspaceId, String> = workspaces.into_iter().map(|workspace| (workspace.id, workspace.slug.to_string())).collect();
    let row = |session: Session| SessionRow {
        id: session.id.to_string(),
        person: session.person.to_string(),
        how: how(&session).to_owned(),
        workspace: session.workspace_id.map(|id| slugs.get(&id).cloned().unwrap_or_else(|| id.to_string())),
        created_at: session.created_at.into(),
        seen_at: session.seen_at.into(),
        expires_at: session.expires_at().into(),
        is_current: session.id == door.session.id,
    };
    let sessions = mine(&door).await?.into_iter().map(row).collect();
    Ok(show(&SessionsPage { frame: door.frame(), sessions }))
}

/// How a session began. A link names nobody, and an identity provider names an address.
fn how(session: &Session) -> &'static str {
    match session.api_key_id {
        Some(_) => "key",
        None if Email::parse(session.person.as_str()).is_ok() => "provider",
        None => "link",
    }
}

/// The sessions that a person may see and end, last used first.
async fn mine(door: &SignedIn) -> Result<Vec<Session>, ApiError> {
    let mut sessions = door.app.ports.sessions.list(door.app.ports.clock.now()).await?;
    sessions.retain(|session| door.may_end(session));
    Ok(sessions)
}

/// Ends a session.
#[post("/sessions/{session}/end")]
pub async fn end(posted: Posted<SignedIn>, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let no_session = || ApiError::new(Code::NotFound, "this session does not exist");
    let id = SessionId::parse(&id).map_err(|_| no_session())?;
    let found = mine(&posted).await?.into_iter().find(|session| session.id == id).ok_or_else(no_session)?;
    end_one(&posted, &found).await?;
    Ok(done(&Urls::new(posted.app.ports.links.root()).sessions(), Done::Ended))
}

/// Ends all sessions that a person may end, but not their own.
#[post("/sessions/end-others")]
pub async fn end_others(posted: Posted<SignedIn>) -> Result<HttpResponse, ApiError> {
    for other in mine(&posted).await?.iter().filter(|session| session.id != posted.session.id) {
        end_one(&posted, other).await?;
    }
    Ok(done(&Urls::new(posted.app.ports.links.root()).sessions(), Done::Ended))
}

async fn end_one(door: &SignedIn, session: &Session) -> Result<(), ApiError> {
    door.app.ports.sessions.end(EndSession { id: session.id, actor: door.actor(), now: door.app.ports.clock.now() }).await?;
    Ok(())
}
