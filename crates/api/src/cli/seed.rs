//! Fills a list for measurements through the store: without HTTP, but with every rule and every counter.

use futures_util::{StreamExt, TryStreamExt, stream};
use rally_domain::actor::Actor;
use rally_domain::command::{ChangeWaitlistStatus, CreateWaitlist, CreateWorkspace, SignUp};
use rally_domain::email::Email;
use rally_domain::entry::Entry;
use rally_domain::error::{CommandError, Fault, Invalid};
use rally_domain::id::{EventId, VariantId, WaitlistId, WorkspaceId};
use rally_domain::port::Ports;
use rally_domain::profile::Profile;
use rally_domain::referral::ReferralCode;
use rally_domain::settings::Settings;
use rally_domain::slug::Slug;
use rally_domain::text::{DisplayName, PersonName, WorkspaceName};
use rally_domain::waitlist::{Waitlist, WaitlistStatus};
use rally_domain::workspace::Workspace;

/// Sign-ups at once. They fill several groups.
const AT_ONCE: usize = 1024;

/// Entries whose referral codes the other entries use.
const REFERRERS: usize = 1000;

/// A list that was filled.
pub struct Seeded {
    /// The workspace.
    pub workspace: Workspace,
    /// The list.
    pub waitlist: Waitlist,
    /// Referral codes of the first entries.
    pub codes: Vec<ReferralCode>,
}

/// Adds entries to an active list. Creates the workspace and the list if they do not exist. After the first 1000 entries, every
/// second entry uses a referral code of one of them.
///
/// # Errors
/// Fails if the store has a fault, or the list refuses a sign-up.
pub async fn run(ports: &Ports, workspace: &Slug, list: &Slug, entries: usize) -> Result<Seeded, Fault> {
    let workspace = find_or_create_workspace(ports, workspace).await?;
    let waitlist = find_or_create_list(ports, &workspace, list).await?;
    // Two runs must not use the same addresses.
    let run = ports.ids.entropy();
    let first: Vec<Entry> = join(ports, &waitlist, run, 0..entries.min(REFERRERS), &[]).await?;
    let codes: Vec<ReferralCode> = first.into_iter().map(|entry| entry.referral_code).collect();
    join(ports, &waitlist, run, codes.len()..entries, &codes).await?;
    Ok(Seeded { workspace, waitlist, codes })
}

async fn join(
    ports: &Ports,
    waitlist: &Waitlist,
    run: u64,
    people: std::ops::Range<usize>,
    codes: &[ReferralCode],
) -> Result<Vec<Entry>, Fault> {
    let keep = codes.is_empty();
    let joining = stream::iter(people).map(|n| async move {
        let friends_code = codes.get(n % (2 * codes.len()).max(1)).cloned();
        let entry = ports.entries.sign_up(sign_up(ports, waitlist, run, n, friends_code)?).await;
        entry.map(|entry| keep.then_some(entry)).map_err(|error| match error {
            CommandError::Fault(fault) => fault,
            CommandError::Rejected(rejection) => Fault::unexpected(rejection),
        })
    });
    let joined: Vec<Option<Entry>> = joining.buffered(AT_ONCE).try_collect().await?;
    Ok(joined.into_iter().flatten().collect())
}

fn sign_up(ports: &Ports, waitlist: &Waitlist, run: u64, n: usize, friends_code: Option<ReferralCode>) -> Result<SignUp, Fault> {
    let invalid = |error: Invalid| Fault::unexpected(error);
    let email = Email::parse(&format!("seed{n}.{run:x}@example.com")).map_err(invalid)?;
    let profile = Profile::new(email, PersonName::parse("Somebody Seeded").map_err(invalid)?);
    let sign_up = SignUp::new(waitlist.id, profile, ports.links.clone(), &*ports.clock, &*ports.ids);
    Ok(SignUp { actor: Actor::CommandLine, friends_code, ..sign_up })
}

async fn find_or_create_workspace(ports: &Ports, slug: &Slug) -> Result<Workspace, Fault> {
    if let Some(found) = ports.workspaces.find_by_slug(slug).await? {
        return Ok(found);
    }
    let name = WorkspaceName::parse(slug.as_str()).map_err(Fault::unexpected)?;
    let (id, now) = (WorkspaceId::new(ports.ids.uuid()), ports.clock.now());
    let command = CreateWorkspace { id, slug: slug.clone(), name, actor: Actor::CommandLine, now };
    ports.workspaces.create(command).await.map_err(Fault::unexpected)
}

async fn find_or_create_list(ports: &Ports, workspace: &Workspace, slug: &Slug) -> Result<Waitlist, Fault> {
    if let Some(found) = ports.waitlists.find_public(&workspace.slug, slug).await? {
        return Ok(found.waitlist.clone());
    }
    let (id, now) = (WaitlistId::new(ports.ids.uuid()), ports.clock.now());
    let command = CreateWaitlist {
        id,
        workspace_id: workspace.id,
        control_variant_id: VariantId::new(ports.ids.uuid()),
        slug: slug.clone(),
        display_name: DisplayName::parse(slug.as_str()).map_err(Fault::unexpected)?,
        description: None,
        settings: Settings::default(),
        actor: Actor::CommandLine,
        now,
    };
    ports.waitlists.create(command, None).await.map_err(Fault::unexpected)?;
    let (to, event_id, actor) = (WaitlistStatus::Active, EventId::new(ports.ids.uuid()), Actor::CommandLine);
    let activate = ChangeWaitlistStatus { id, workspace_id: workspace.id, to, event_id, actor, now };
    ports.waitlists.change_status(activate).await.map_err(Fault::unexpected)
}
