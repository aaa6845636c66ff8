//! The first start on the embedded store: creates a demo waitlist, and prints what to try.

use rally_domain::actor::Actor;
use rally_domain::audit::{AuditAction, AuditFilter, AuditRecord};
use rally_domain::command::{ChangeWaitlistStatus, CreateWaitlist, CreateWorkspace};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{EventId, VariantId, WaitlistId, WorkspaceId};
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::settings::Settings;
use rally_domain::slug::Slug;
use rally_domain::text::{Description, DisplayName, WorkspaceName};
use rally_domain::waitlist::{Waitlist, WaitlistStatus};
use rally_domain::workspace::Workspace;

/// A workspace `demo` with an active waitlist `early-access`.
pub struct Demo {
    /// The workspace.
    pub workspace: Workspace,
    /// The waitlist.
    pub waitlist: Waitlist,
}

const WORKSPACE: &str = "demo";
const WAITLIST: &str = "early-access";

/// Whether the store holds nothing but a demo that is not complete: its workspace without a waitlist, or with the draft. A workspace in
/// which anything else was done is somebody's, such as that of a restored backup.
///
/// # Errors
/// Fails if the store has a fault.
pub async fn is_begun(ports: &Ports) -> Result<bool, Fault> {
    let workspaces = ports.workspaces.list().await?;
    let [workspace] = workspaces.as_slice() else { return Ok(false) };
    if workspace.slug.as_str() != WORKSPACE {
        return Ok(false);
    }
    let page = ports.waitlists.list(workspace.id, None, None, Limit::default()).await?;
    let done = ports.audit.list(Some(workspace.id), AuditFilter::default(), None, Limit::default()).await?.items;
    let made = [AuditAction::WorkspaceCreate, AuditAction::WaitlistCreate].map(AuditAction::as_str);
    let is_made = |done: &AuditRecord| made.contains(&done.row.action.as_str());
    let is_draft = |list: &Waitlist| list.slug.as_str() == WAITLIST && list.status == WaitlistStatus::Draft;
    Ok(page.items.iter().all(is_draft) && done.iter().all(is_made))
}

/// Creates what is missing of the demo.
///
/// # Errors
/// Fails if the store has a fault, or refuses the demo.
pub async fn create_demo(ports: &Ports) -> Result<Demo, Fault> {
    let fault = |error: &dyn std::error::Error| Fault::unexpected(crate::chain::chain(error));
    let text = |error| Fault::unexpected(format!("the demo's own words {error}"));
    let (workspace_slug, slug) = (Slug::parse(WORKSPACE).map_err(text)?, Slug::parse(WAITLIST).map_err(text)?);
    let create = CreateWorkspace {
        id: WorkspaceId::new(ports.ids.uuid()),
        slug: workspace_slug.clone(),
        name: WorkspaceName::parse("Demo").map_err(text)?,
        actor: Actor::System,
        now: ports.clock.now(),
    };
    let workspace = match ports.workspaces.find_by_slug(&workspace_slug).await? {
        Some(workspace) => workspace,
        None => ports.workspaces.create(create).await.map_err(|error: CommandError<_>| fault(&error))?,
    };
    let create = CreateWaitlist {
        id: WaitlistId::new(ports.ids.uuid()),
        workspace_id: workspace.id,
        control_variant_id: VariantId::new(ports.ids.uuid()),
        slug: slug.clone(),
        display_name: DisplayName::parse("Early access").map_err(text)?,
        description: Some(Description::parse("Be among the first to try it. Invite friends to move up.").map_err(text)?),
        settings: Settings::default(),
        actor: Actor::System,
        now: ports.clock.now(),
    };
    let draft = match ports.waitlists.find_public(&workspace_slug, &slug).await? {
        Some(found) => found.waitlist.clone(),
        None => ports.waitlists.create(create, None).await.map_err(|error| fault(&error))?,
    };
    let (actor, now) = (Actor::System, ports.clock.now());
    let (event_id, to) = (EventId::new(ports.ids.uuid()), WaitlistStatus::Active);
    let activate = ChangeWaitlistStatus { id: draft.id, workspace_id: workspace.id, to, event_id, actor, now };
    let waitlist = ports.waitlists.change_status(activate).await.map_err(|error| fault(&error))?;
    Ok(Demo { workspace, waitlist })
}

/// A text that says how to make the first workspace of a database.
pub fn where_to_begin(running: &str, console: &str) -> String {
    format!(
        r#"
{running}. There is no workspace yet. Make one in the console. Its link works once, within 15
minutes; `rally console login` prints another one:

  console       {console}

Or make one with `rally workspace create SLUG`, and a token for it with `rally token mint --workspace SLUG`.
"#
    )
}

/// A text with the page to open, and commands to try, which can be pasted into a shell.
pub fn what_to_try(demo: &Demo, base: &str, token: &str, console: &str) -> String {
    let Demo { workspace, waitlist } = demo;
    let page = format!("{base}/w/{}/{}", workspace.slug, waitlist.slug);
    let list = format!("{base}/v1/waitlists/{}/{}", workspace.slug, waitlist.slug);
    let entries = format!("{base}/v1/workspaces/{}/waitlists/{}/entries", workspace.id, waitlist.id);
    format!(
        r#"
Rally is running with a demo waitlist. Open its page in a browser, and sign up. The link to the console works once, within 15
minutes; `rally console login` prints another one:

  page          {page}
  console       {console}
  docs          {base}/docs
  workspace id  {workspace_id}

Or sign up over the API:

  curl -s {list}/entries -H 'content-type: application/json' \
    -d '{{"email": "ada@example.com", "name": "Ada Lovelace"}}'

Sign up a friend with the referral_code of the reply in place of CODE, then see who leads:

  curl -s {list}/entries -H 'content-type: application/json' \
    -d '{{"email": "bob@example.com", "name": "Bob", "referral_code": "CODE"}}'
  curl -s {list}/leaderboard

List the entries as an admin (the token is good for a day):

  curl -s {entries} \
    -H 'authorization: Bearer {token}'
"#,
        workspace_id = workspace.id,
    )
}
