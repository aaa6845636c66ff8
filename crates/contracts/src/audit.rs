//! Cases of [`AuditLog`](rally_domain::port::AuditLog).

use futures_util::future::join_all;
use rally_domain::actor::Actor;
use rally_domain::audit::{AuditAction, AuditActorKind, AuditFilter, AuditRecord};
use rally_domain::command::{
    BeginSession, ChangeWaitlistStatus, CreateSignInLink, CreateVariant, CreateWaitlist, DecideReferrals, DeleteRequest, DeleteTemplate,
    EndSession, LiftSuppression, MintToken, RenameWorkspace, ReplaceLink, ReplayState, RequestMail, Resend, Review, ReviewEntry,
    RotateSecret, Selected, SignUp, UpdateVariant, UpdateWaitlist, UpdateWebhook,
};
use rally_domain::error::CommandError;
use rally_domain::id::{VariantId, WaitlistId, WorkspaceId};
use rally_domain::import::{Import, ImportState};
use rally_domain::ledger::{ReferralFilter, ReferralState};
use rally_domain::locale::Locale;
use rally_domain::mail::MailKind;
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::suppression::SuppressionReason;
use rally_domain::text::{DisplayName, Subject};
use rally_domain::variant::{VariantCopy, VariantKind, Weight};
use rally_domain::waitlist::{Waitlist, WaitlistStatus};
use rally_domain::webhook::SealedSecret;
use rally_domain::workspace::{Brand, SettingsChange};
use serde_json::{Value, json};

use crate::Fixture;
use crate::access::api_key;
use crate::confirmations::{confirmation, confirming_list, request, waiting};
use crate::imports::{cancel, import, row, run, staged};
use crate::invitations::record;
use crate::referrals::{decision, ledger};
use crate::replays::{replay, resend};
use crate::reviews::review;
use crate::samples::{
    active_list, create_api_key, create_waitlist, delete_entry, delete_variant, delete_waitlist, delete_webhook, delete_workspace,
    erase_entry, join, join_by, later, put_template, revoke_api_key, set, slug, status_change, suppress, told, workspace,
};
use crate::sessions::{link, session};
use crate::webhooks::{update, webhook};

/// An admin with a token, in a request.
fn ada() -> Actor {
    Actor::token(Subject::parse("ada").ok()).in_request("r-1")
}

/// The rows about a workspace that a filter lets through, newest first.
async fn rows(ports: &Ports, workspace_id: impl Into<Option<WorkspaceId>>, filter: AuditFilter) -> Vec<AuditRecord> {
    let limit = Limit::new(u64::from(Limit::MAX), Limit::MAX).unwrap();
    ports.audit.list(workspace_id.into(), filter, None, limit).await.unwrap().items
}

/// The rows of an action about a workspace.
async fn of_action(ports: &Ports, workspace_id: impl Into<Option<WorkspaceId>>, action: AuditAction) -> Vec<AuditRecord> {
    rows(ports, workspace_id, AuditFilter { action: Some(action), ..AuditFilter::default() }).await
}

async fn total(ports: &Ports, workspace_id: WorkspaceId) -> usize {
    rows(ports, workspace_id, AuditFilter::default()).await.len()
}

/// Checks that a workspace has exactly one row of an action, about a target.
async fn has_one(ports: &Ports, workspace_id: impl Into<Option<WorkspaceId>>, action: AuditAction, target: &str) {
    let found = of_action(ports, workspace_id, action).await;
    let targets: Vec<_> = found.iter().map(|record| record.row.target_id.clone().unwrap_or_default()).collect();
    assert_eq!(targets, [target], "{}", action.as_str());
    assert!(!found[0].row.changes.is_empty());
}

/// Every command of an admin writes the row of its action about its target, and no other row.
pub async fn every_change_of_an_admin_has_its_row(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({"email_confirmation": true})).await;
    let id = list.workspace_id;
    has_one(&ports, id, AuditAction::WorkspaceCreate, &id.to_string()).await;
    has_one(&ports, id, AuditAction::WaitlistCreate, &list.id.to_string()).await;
    has_one(&ports, id, AuditAction::WaitlistStatus, &list.id.to_string()).await;
    has_one(&ports, id, AuditAction::SettingsUpdate, &id.to_string()).await;
    let begun = total(&ports, id).await;
    assert_eq!(begun, 4);
    let changed = people(&ports, &list).await + access(&ports, id).await + webhooks(&ports, &list).await + texts(&ports, &list).await;
    assert_eq!(total(&ports, id).await, begun + changed);
    let now = ports.clock.now();
    ports.workspaces.rename(RenameWorkspace { from: slug("acme"), to: slug("apex"), actor: ada(), now }).await.unwrap();
    has_one(&ports, id, AuditAction::WorkspaceRename, &id.to_string()).await;
    ports.waitlists.delete(delete_waitlist(&ports, id, list.id)).await.unwrap();
    has_one(&ports, id, AuditAction::WaitlistDelete, &list.id.to_string()).await;
    ports.workspaces.delete(delete_workspace(&ports, "apex")).await.unwrap();
    has_one(&ports, id, AuditAction::WorkspaceDelete, &id.to_string()).await;
}

/// Changes people. Returns how many changes were made.
async fn people(ports: &Ports, list: &Waitlist) -> usize {
    let id = list.workspace_id;
    let before = total(ports, id).await;
    let ask = async |address: &str| {
        ports.confirmations.request_mail(RequestMail { actor: Actor::Visitor, ..request(ports, list, address) }).await.unwrap();
        waiting(ports, list).await.pop().unwrap()
    };
    let asked = ask("gone@example.com").await;
    let (actor, now, links) = (ada(), ports.clock.now(), ports.links.clone());
    ports.confirmations.resend(Resend { waitlist_id: list.id, id: asked.id, actor, now, links }).await.unwrap();
    has_one(ports, id, AuditAction::ConfirmationResend, &asked.id.to_string()).await;
    assert!(ports.confirmations.delete(DeleteRequest { waitlist_id: list.id, id: asked.id, actor: ada(), now }).await.unwrap());
    has_one(ports, id, AuditAction::ConfirmationDelete, &asked.id.to_string()).await;
    let asked = ask("ada@example.com").await;
    let entry = ports.entries.sign_up(SignUp { actor: ada(), ..confirmation(ports, &asked) }).await.unwrap();
    has_one(ports, id, AuditAction::ConfirmationConfirm, &asked.id.to_string()).await;
    let target = entry.id.to_string();
    ports.entries.review(ReviewEntry { actor: ada(), ..review(ports, &entry, Review::Reject) }).await.unwrap();
    has_one(ports, id, AuditAction::EntryReject, &target).await;
    ports.entries.review(ReviewEntry { actor: ada(), ..review(ports, &entry, Review::Approve) }).await.unwrap();
    has_one(ports, id, AuditAction::EntryApprove, &target).await;
    ports.entries.record_invitation(record(ports, &entry, "app", "https://app.example/invite")).await.unwrap();
    has_one(ports, id, AuditAction::EntryInvite, &target).await;
    ports.entries.replace_link(ReplaceLink { waitlist_id: list.id, entry_id: entry.id, actor: ada(), now }).await.unwrap();
    has_one(ports, id, AuditAction::EntryNewLink, &target).await;
    assert!(ports.entries.delete(delete_entry(ports, list.id, entry.id)).await.unwrap());
    has_one(ports, id, AuditAction::EntryDelete, &target).await;
    let asked = ask("bob@example.com").await;
    let erased = ports.entries.sign_up(confirmation(ports, &asked)).await.unwrap();
    assert!(ports.entries.erase(erase_entry(ports, list.id, erased.id)).await.unwrap());
    has_one(ports, id, AuditAction::EntryErase, &erased.id.to_string()).await;
    let manual = ports.suppressions.suppress(suppress(ports, id, "no@example.com", SuppressionReason::Manual)).await.unwrap();
    has_one(ports, id, AuditAction::SuppressionCreate, &manual.id.to_string()).await;
    assert!(ports.suppressions.lift(LiftSuppression { workspace_id: id, id: manual.id, actor: ada(), now }).await.unwrap());
    has_one(ports, id, AuditAction::SuppressionDelete, &manual.id.to_string()).await;
    assert_eq!(total(ports, id).await, before + 11);
    11
}

/// Changes who may do what. Returns how many changes were made in the workspace.
async fn access(ports: &Ports, id: WorkspaceId) -> usize {
    let now = ports.clock.now();
    let key = api_key(ports, id, "rally_live_1");
    ports.api_keys.insert(create_api_key(key.clone())).await.unwrap();
    has_one(ports, id, AuditAction::KeyCreate, &key.id.to_string()).await;
    assert!(ports.api_keys.revoke(revoke_api_key(key.id, now)).await.unwrap());
    has_one(ports, id, AuditAction::KeyDelete, &key.id.to_string()).await;
    let everywhere = link(ports, None);
    ports.sessions.create_link(CreateSignInLink { link: everywhere.clone(), actor: Actor::CommandLine }).await.unwrap();
    has_one(ports, None, AuditAction::SignInLinkCreate, &everywhere.id.to_string()).await;
    let here = link(ports, Some(id));
    ports.sessions.create_link(CreateSignInLink { link: here.clone(), actor: Actor::CommandLine }).await.unwrap();
    has_one(ports, id, AuditAction::SignInLinkCreate, &here.id.to_string()).await;
    let mut own = session(ports);
    own.workspace_id = Some(id);
    let mut other = session(ports);
    other.workspace_id = Some(id);
    for begun in [&own, &other] {
        ports.sessions.begin(BeginSession { session: begun.clone() }).await.unwrap();
    }
    let actor = Actor::session(&own);
    assert!(ports.sessions.end(EndSession { id: other.id, actor: actor.clone(), now }).await.unwrap());
    has_one(ports, id, AuditAction::SessionEnd, &other.id.to_string()).await;
    assert!(ports.sessions.end(EndSession { id: own.id, actor, now }).await.unwrap(), "signing out is not audited");
    4
}

/// Changes webhooks. Returns how many changes were made.
async fn webhooks(ports: &Ports, list: &Waitlist) -> usize {
    let (id, now) = (list.workspace_id, ports.clock.now());
    let hook = webhook(ports, id).await;
    let target = hook.id.to_string();
    has_one(ports, id, AuditAction::WebhookCreate, &target).await;
    let open = change_status_of(ports, list, json!({"email_confirmation": false})).await;
    let eve = join(ports, &open, "eve@example.com").await;
    let event = told(ports, 100).await.into_iter().find(|event| event.entry_id == Some(eve.id)).unwrap();
    ports.webhooks.resend(resend(ports, &hook, event.id)).await.unwrap();
    has_one(ports, id, AuditAction::WebhookResend, &target).await;
    assert!(ports.webhooks.replay(replay(ports, &hook, ReplayState::All)).await.unwrap() > 0);
    has_one(ports, id, AuditAction::WebhookReplay, &target).await;
    let rotate = RotateSecret { id: hook.id, workspace_id: id, secret: SealedSecret::new(vec![9]), actor: ada(), now };
    ports.webhooks.rotate(rotate, None).await.unwrap();
    has_one(ports, id, AuditAction::WebhookRotate, &target).await;
    ports.webhooks.update(UpdateWebhook { active: Some(false), ..update(&hook) }).await.unwrap();
    has_one(ports, id, AuditAction::WebhookUpdate, &target).await;
    assert!(ports.webhooks.delete(delete_webhook(ports, id, hook.id)).await.unwrap());
    has_one(ports, id, AuditAction::WebhookDelete, &target).await;
    // One of them is the change of the list's settings.
    7
}

/// Changes settings of a list.
async fn change_status_of(ports: &Ports, list: &Waitlist, settings: Value) -> Waitlist {
    let settings = settings.as_object().cloned();
    let (id, workspace_id, now) = (list.id, list.workspace_id, later(ports, 1));
    let update = UpdateWaitlist { id, workspace_id, display_name: None, description: None, settings, actor: ada(), now };
    ports.waitlists.update(update).await.unwrap()
}

/// Changes variants and templates of mail. Returns how many changes were made.
async fn texts(ports: &Ports, list: &Waitlist) -> usize {
    let (id, now) = (list.workspace_id, ports.clock.now());
    let create = CreateVariant {
        id: VariantId::new(ports.ids.uuid()),
        waitlist_id: list.id,
        kind: VariantKind::Locale,
        locale: Locale::parse("de").unwrap(),
        copy: VariantCopy::default(),
        weight: Weight::default(),
        active: true,
        actor: ada(),
        now,
    };
    let variant = ports.variants.create(create).await.unwrap();
    has_one(ports, id, AuditAction::VariantCreate, &variant.id.to_string()).await;
    ports.variants.update(UpdateVariant { active: Some(false), ..crate::variants::update(&variant) }).await.unwrap();
    has_one(ports, id, AuditAction::VariantUpdate, &variant.id.to_string()).await;
    assert!(ports.variants.delete(delete_variant(ports, list.id, variant.id)).await.unwrap());
    has_one(ports, id, AuditAction::VariantDelete, &variant.id.to_string()).await;
    let kind = MailKind::Welcome;
    let mut put = put_template(ports, id, kind, "de");
    ports.mail_templates.put(put.clone()).await.unwrap();
    has_one(ports, id, AuditAction::MailTemplateCreate, "welcome.de").await;
    put.source.html = None;
    ports.mail_templates.put(put).await.unwrap();
    has_one(ports, id, AuditAction::MailTemplateUpdate, "welcome.de").await;
    let delete = DeleteTemplate { workspace_id: id, kind, locale: Locale::parse("de").unwrap(), actor: ada(), now };
    assert!(ports.mail_templates.delete(delete).await.unwrap());
    has_one(ports, id, AuditAction::MailTemplateDelete, "welcome.de").await;
    6
}

/// A row reads back with every field, in every process.
pub async fn a_row_reads_back_as_it_was_written(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let id = workspace(&ports, "acme").await.id;
    let now = later(&ports, 7);
    let display_name = DisplayName::parse("Ünï \"quoted\"").unwrap();
    let create = CreateWaitlist { display_name, actor: ada(), now, ..create_waitlist(&ports, id, "list") };
    let list = ports.waitlists.create(create, None).await.unwrap();
    let mut found = of_action(&there, id, AuditAction::WaitlistCreate).await;
    let AuditRecord { row, .. } = found.pop().unwrap();
    assert_eq!((row.at, row.workspace_id, row.target_id.clone()), (now, Some(id), Some(list.id.to_string())));
    assert_eq!((row.action.as_str(), row.target_kind()), ("waitlist.create", "waitlist"));
    let text = |text: &str| Some(text.to_owned());
    assert_eq!((row.actor.kind, row.actor.id, row.actor.name), (AuditActorKind::Token, text("ada"), text("ada")));
    assert_eq!(row.actor.request_id, text("r-1"));
    assert_eq!(row.changes["display_name"], json!([null, "Ünï \"quoted\""]));
    assert_eq!(row.changes["status"], json!([null, "draft"]));
    assert_eq!(row.changes["settings.referral_boost"][0], Value::Null);
    assert!(!row.changes.contains_key("description"), "what is null before and afterwards has not changed");
}

/// Each of many changes at once has its own row, with what the change before it left.
pub async fn of_many_changes_at_once_each_has_its_row(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let rename = async |n: usize| {
        let ports = if n.is_multiple_of(2) { &ports } else { &there };
        let display_name = DisplayName::parse(&format!("list {n}")).ok();
        let (id, workspace_id, now) = (list.id, list.workspace_id, later(ports, 1));
        let update = UpdateWaitlist { id, workspace_id, display_name, description: None, settings: None, actor: ada(), now };
        ports.waitlists.update(update).await.unwrap();
    };
    join_all((0..12).map(rename)).await;
    let found = of_action(&ports, list.workspace_id, AuditAction::WaitlistUpdate).await;
    let mut steps: Vec<_> = found.into_iter().map(|record| record.row.changes["display_name"].clone()).collect();
    assert_eq!(steps.len(), 12);
    // The rows are a chain from the first name to the last one.
    let mut name = json!(list.display_name.as_str());
    while let Some(next) = steps.iter().position(|step| step[0] == name) {
        name = steps.remove(next)[1].clone();
    }
    assert_eq!(steps, Vec::<Value>::new(), "{name}");
    let now = ports.waitlists.find(list.workspace_id, list.id).await.unwrap().unwrap();
    assert_eq!(name, json!(now.display_name.as_str()));
}

/// A decision about many referrals has a row for each that changed. A dry run has none.
pub async fn a_bulk_decision_has_a_row_for_each(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ann = join(&ports, &list, "ann@example.com").await;
    for n in 0..3 {
        join_by(&ports, &list, &ann, &format!("p{n}@example.com")).await;
    }
    let all: Vec<_> = ledger(&ports, &list, ReferralFilter::default()).await.into_iter().map(|referral| referral.id).collect();
    let revoke = |ids| DecideReferrals { actor: ada(), ..decision(&ports, &list, Selected::Ids(ids), ReferralState::Revoked) };
    ports.referrals.decide(DecideReferrals { dry_run: true, ..revoke(all.clone()) }).await.unwrap();
    assert_eq!(of_action(&ports, list.workspace_id, AuditAction::ReferralRevoke).await, []);
    ports.referrals.decide(revoke(all[..1].to_vec())).await.unwrap();
    ports.referrals.decide(revoke(all.clone())).await.unwrap();
    let found = of_action(&ports, list.workspace_id, AuditAction::ReferralRevoke).await;
    let mut targets: Vec<_> = found.iter().map(|record| record.row.target_id.clone().unwrap()).collect();
    let mut ids: Vec<_> = all.iter().map(ToString::to_string).collect();
    targets.sort_unstable();
    ids.sort_unstable();
    assert_eq!(targets, ids);
    assert!(found.iter().all(|record| record.row.changes["state"] == json!(["credited", "revoked"])));
}

/// An import has a row when its file has arrived and when it has ended, of the actor who began it. A dry run has none.
pub async fn an_import_has_a_row_at_its_start_and_its_end(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let begun = || Import { actor: ada().audited(), ..import(&ports, &list) };
    let rows_of = || vec![row(2, 1, "a@example.com"), row(3, 2, "b@example.com")];
    let before = total(&ports, list.workspace_id).await;
    run(&ports, Import { dry_run: true, ..begun() }, rows_of()).await;
    assert_eq!(total(&ports, list.workspace_id).await, before);
    let done = run(&ports, begun(), rows_of()).await;
    let end = of_action(&ports, list.workspace_id, AuditAction::ImportEnd).await;
    has_one(&ports, list.workspace_id, AuditAction::ImportStart, &done.id.to_string()).await;
    has_one(&ports, list.workspace_id, AuditAction::ImportEnd, &done.id.to_string()).await;
    assert_eq!(Some(&end[0].row.actor), ada().audited().as_ref());
    assert_eq!((&end[0].row.changes["added"], &end[0].row.changes["state"]), (&json!([0, 2]), &json!(["running", "done"])));
    let (cancelled, _) = staged(&ports, begun(), rows_of()).await;
    assert_eq!(cancelled.state, ImportState::Running);
    ports.imports.cancel(cancel(&ports, list.id, cancelled.id)).await.unwrap().unwrap();
    assert_eq!(ports.imports.cancel(cancel(&ports, list.id, cancelled.id)).await.unwrap(), None);
    has_one(&ports, list.workspace_id, AuditAction::ImportCancel, &cancelled.id.to_string()).await;
    assert_eq!(total(&ports, list.workspace_id).await, before + 4);
}

/// What is refused, repeated or changes nothing leaves no row.
pub async fn what_changes_nothing_has_no_row(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let (id, now) = (list.workspace_id, ports.clock.now());
    let entry = join(&ports, &list, "ada@example.com").await;
    ports.entries.review(review(&ports, &entry, Review::Approve)).await.unwrap();
    let hook = webhook(&ports, id).await;
    ports.suppressions.suppress(suppress(&ports, id, "no@example.com", SuppressionReason::Manual)).await.unwrap();
    let before = total(&ports, id).await;
    ports.entries.review(review(&ports, &entry, Review::Approve)).await.unwrap();
    ports.suppressions.suppress(suppress(&ports, id, "no@example.com", SuppressionReason::Manual)).await.unwrap();
    ports.webhooks.update(update(&hook)).await.unwrap();
    ports.waitlists.change_status(status_change(&ports, &list, WaitlistStatus::Active)).await.unwrap();
    change_status_of(&ports, &list, json!({"referral_boost": 1})).await;
    let named = SettingsChange { brand_name: Some(None), ..SettingsChange::default() };
    assert_eq!(set(&ports, id, named).await.brand, Brand::default());
    ports.workspaces.rename(RenameWorkspace { from: slug("acme"), to: slug("acme"), actor: ada(), now }).await.unwrap();
    let refused = ChangeWaitlistStatus { to: WaitlistStatus::Draft, ..status_change(&ports, &list, WaitlistStatus::Draft) };
    assert!(matches!(ports.waitlists.change_status(refused).await, Err(CommandError::Rejected(_))));
    assert!(ports.waitlists.create(create_waitlist(&ports, id, "list"), None).await.is_err());
    assert!(!ports.waitlists.delete(delete_waitlist(&ports, id, WaitlistId::new(ports.ids.uuid()))).await.unwrap());
    let after = rows(&ports, id, AuditFilter::default()).await;
    let actions: Vec<_> = after.iter().map(|record| record.row.action.as_str()).collect();
    assert_eq!(after.len(), before, "{actions:?}");
}

/// What visitors do leaves no row.
pub async fn visitors_leave_no_rows(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({"email_confirmation": true})).await;
    let before = total(&ports, list.workspace_id).await;
    ports.confirmations.request_mail(RequestMail { actor: Actor::Visitor, ..request(&ports, &list, "ada@example.com") }).await.unwrap();
    let asked = waiting(&ports, &list).await.pop().unwrap();
    let entry = ports.entries.sign_up(confirmation(&ports, &asked)).await.unwrap();
    let leave = rally_domain::command::EraseEntry { actor: Actor::Visitor, ..erase_entry(&ports, list.id, entry.id) };
    assert!(ports.entries.erase(leave).await.unwrap());
    assert_eq!(total(&ports, list.workspace_id).await, before);
}

/// Rows stay as they are when what they are about is deleted, its workspace too, and purged.
pub async fn rows_outlive_their_workspace(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let before = rows(&ports, list.workspace_id, AuditFilter::default()).await;
    assert!(ports.workspaces.delete(delete_workspace(&ports, "acme")).await.unwrap());
    while ports.purges.purge(100).await.unwrap() {}
    let after = rows(&there, list.workspace_id, AuditFilter::default()).await;
    assert_eq!(after.len(), before.len() + 1);
    assert!(before.iter().all(|record| after.contains(record)));
}

/// A minted token has a row.
pub async fn a_minted_token_is_noted(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let id = workspace(&ports, "acme").await.id;
    let (subject, scope, expires_at) = (Subject::parse("ada").ok(), "entry.read".to_owned(), later(&ports, 60));
    let mint = MintToken { workspace_id: Some(id), subject, scope, expires_at, actor: Actor::CommandLine, now: ports.clock.now() };
    ports.audit.note_token(mint.clone()).await.unwrap();
    ports.audit.note_token(MintToken { workspace_id: None, ..mint }).await.unwrap();
    for workspace_id in [Some(id), None] {
        let found = of_action(&ports, workspace_id, AuditAction::TokenMint).await;
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].row.actor.kind, found[0].row.target_id.clone()), (AuditActorKind::Cli, None));
        assert_eq!(found[0].row.changes["scope"], json!([null, "entry.read"]));
    }
}

/// Makes a change at each of some seconds.
async fn changes_at(ports: &Ports, list: &Waitlist, seconds: impl Iterator<Item = i64>) {
    for second in seconds {
        let display_name = DisplayName::parse(&format!("list {second}")).ok();
        let (id, workspace_id, now) = (list.id, list.workspace_id, later(ports, second));
        let update = UpdateWaitlist { id, workspace_id, display_name, description: None, settings: None, actor: ada(), now };
        ports.waitlists.update(update).await.unwrap();
    }
}

/// Pages go from the newest row to the oldest, each row once, though rows are added meanwhile. The last page names no next one.
pub async fn pages_go_newest_first(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    changes_at(&ports, &list, 1..=6).await;
    let filter = AuditFilter { action: Some(AuditAction::WaitlistUpdate), ..AuditFilter::default() };
    let (mut after, mut seen) = (None, Vec::new());
    for pages in 1.. {
        let page = ports.audit.list(Some(list.workspace_id), filter.clone(), after, Limit::new(2, Limit::MAX).unwrap()).await.unwrap();
        assert_eq!(page.items.len(), 2);
        seen.extend(page.items);
        after = page.next;
        changes_at(&ports, &list, 10 + pages..=10 + pages).await;
        if after.is_none() {
            assert_eq!(pages, 3);
            break;
        }
    }
    let times: Vec<_> = seen.iter().map(|record| record.row.at).collect();
    let expected: Vec<_> = (1..=6).rev().map(|second| later(&ports, second)).collect();
    assert_eq!(times, expected);
}

/// Rows are found by the id of their target, by the id of their actor and by their action, in their workspace alone.
pub async fn rows_are_found_by_target_actor_and_action(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let other = crate::samples::active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    let beta = workspace(&ports, "beta").await.id;
    changes_at(&ports, &list, 1..=2).await;
    changes_at(&ports, &other, 3..=3).await;
    let elsewhere = crate::samples::active_list_in(&ports, beta, "list", json!({})).await;
    changes_at(&ports, &elsewhere, 4..=4).await;
    let id = list.workspace_id;
    let by_target = |target: &Waitlist| AuditFilter { target: Some(target.id.to_string()), ..AuditFilter::default() };
    assert_eq!(rows(&ports, id, by_target(&list)).await.len(), 4);
    assert_eq!(rows(&ports, id, by_target(&elsewhere)).await, []);
    let by_actor = AuditFilter { actor: Some("ada".to_owned()), ..AuditFilter::default() };
    assert_eq!(rows(&ports, id, by_actor.clone()).await.len(), 3);
    assert_eq!(rows(&ports, beta, by_actor.clone()).await.len(), 1);
    let both = AuditFilter { action: Some(AuditAction::WaitlistUpdate), ..by_target(&list) };
    assert_eq!(rows(&ports, id, both.clone()).await.len(), 2);
    let all = AuditFilter { actor: by_actor.actor, ..both };
    assert_eq!(rows(&ports, id, all.clone()).await.len(), 2);
    assert_eq!(rows(&ports, id, AuditFilter { actor: Some("bob".to_owned()), ..all }).await, []);
    assert_eq!(rows(&ports, None, AuditFilter::default()).await, []);
}

/// A prune deletes rows from before an instant, about so many at a time, and no others.
pub async fn old_rows_are_pruned_so_many_at_a_time(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    changes_at(&ports, &list, 100..105).await;
    let before = total(&ports, list.workspace_id).await;
    assert_eq!(ports.audit.prune(later(&ports, 0), 10).await.unwrap(), 0);
    assert_eq!(ports.audit.prune(later(&ports, 1), 100).await.unwrap(), before as u64 - 5);
    assert_eq!(ports.audit.prune(later(&ports, 104), 3).await.unwrap(), 3);
    assert_eq!(ports.audit.prune(later(&ports, 104), 3).await.unwrap(), 1);
    assert_eq!(ports.audit.prune(later(&ports, 104), 3).await.unwrap(), 0);
    let left = rows(&ports, list.workspace_id, AuditFilter::default()).await;
    assert_eq!(left.iter().map(|record| record.row.at).collect::<Vec<_>>(), [later(&ports, 104)]);
}
