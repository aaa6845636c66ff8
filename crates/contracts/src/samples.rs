//! Samples that cases start from: workspaces, waitlists and people. Only the fields that matter are spelled out.

use rally_domain::access::ApiKey;
use rally_domain::actor::Actor;
use rally_domain::command::{
    ChangeWaitlistStatus, CheckedSender, CreateApiKey, CreateWaitlist, CreateWorkspace, DeleteEntry, DeleteVariant, DeleteWaitlist,
    DeleteWebhook, DeleteWorkspace, EraseEntry, PutTemplate, RevokeApiKey, SignUp, Suppress, TestMail, UpdateSettings,
};
use rally_domain::consent::Consent;
use rally_domain::custom_field::Metadata;
use rally_domain::email::Email;
use rally_domain::entry::Entry;
use rally_domain::event::{Event, EventKind};
use rally_domain::id::{ApiKeyId, EntryId, EventId, MailId, SuppressionId, VariantId, WaitlistId, WebhookId, WorkspaceId};
use rally_domain::locale::Locale;
use rally_domain::mail::{Links, Mail, MailKind, MailSetup, MailTest, SmtpPolicy, TemplateSource, Transport};
use rally_domain::port::Ports;
use rally_domain::profile::Profile;
use rally_domain::secret::StoreSecret;
use rally_domain::settings::Settings;
use rally_domain::slug::Slug;
use rally_domain::suppression::SuppressionReason;
use rally_domain::text::{ConsentText, DisplayName, Interest, PersonName, Referrer, WorkspaceName};
use rally_domain::timestamp::Timestamp;
use rally_domain::waitlist::{Waitlist, WaitlistStatus};
use rally_domain::workspace::{Notifications, SettingsChange, Workspace, WorkspaceSettings};

use crate::remote::ACTIVE_DOMAIN;
use serde_json::{Value, json};
use time::Duration;

/// The actor of the commands of cases.
pub const ACTOR: Actor = Actor::System;

/// A slug from a literal.
pub fn slug(text: &str) -> Slug {
    Slug::parse(text).expect("a slug")
}

/// An address from a literal.
pub fn email(text: &str) -> Email {
    Email::parse(text).expect("an address")
}

/// The command that creates a workspace of that slug.
pub fn create_workspace(ports: &Ports, text: &str) -> CreateWorkspace {
    CreateWorkspace {
        id: WorkspaceId::new(ports.ids.uuid()),
        slug: slug(text),
        name: WorkspaceName::parse(text).expect("a name"),
        actor: ACTOR,
        now: ports.clock.now(),
    }
}

/// A workspace of that slug.
pub async fn workspace(ports: &Ports, text: &str) -> Workspace {
    ports.workspaces.create(create_workspace(ports, text)).await.expect("a new workspace")
}

/// The command that creates a waitlist of that slug.
pub fn create_waitlist(ports: &Ports, workspace_id: WorkspaceId, text: &str) -> CreateWaitlist {
    CreateWaitlist {
        id: WaitlistId::new(ports.ids.uuid()),
        workspace_id,
        control_variant_id: VariantId::new(ports.ids.uuid()),
        slug: slug(text),
        display_name: DisplayName::parse(text).expect("a name"),
        description: None,
        settings: Settings::default(),
        actor: ACTOR,
        now: ports.clock.now(),
    }
}

/// An active waitlist `list` with those settings in a workspace `acme`.
pub async fn active_list(ports: &Ports, settings: Value) -> Waitlist {
    let workspace = workspace(ports, "acme").await;
    active_list_in(ports, workspace.id, "list", settings).await
}

/// An active waitlist of that slug with those settings.
pub async fn active_list_in(ports: &Ports, workspace_id: WorkspaceId, text: &str, settings: Value) -> Waitlist {
    let settings = Settings::default().merge(settings.as_object().expect("an object")).expect("settings");
    let command = CreateWaitlist { settings, ..create_waitlist(ports, workspace_id, text) };
    let draft = ports.waitlists.create(command, None).await.expect("a new waitlist");
    change_status(ports, &draft, WaitlistStatus::Active).await
}

/// The command that moves a waitlist to a status.
pub fn status_change(ports: &Ports, waitlist: &Waitlist, to: WaitlistStatus) -> ChangeWaitlistStatus {
    let (event_id, now) = (EventId::new(ports.ids.uuid()), ports.clock.now());
    ChangeWaitlistStatus { id: waitlist.id, workspace_id: waitlist.workspace_id, to, event_id, actor: ACTOR, now }
}

/// The oldest stored events, at most that many, without the changes of status that make lists active.
pub async fn told(ports: &Ports, limit: usize) -> Vec<Event> {
    let events = ports.deliveries.events(usize::from(u16::MAX)).await.expect("events").into_iter();
    events.filter(|event| event.kind != EventKind::WaitlistStatusChanged).take(limit).collect()
}

/// The waitlist after it was moved to a status.
pub async fn change_status(ports: &Ports, waitlist: &Waitlist, to: WaitlistStatus) -> Waitlist {
    ports.waitlists.change_status(status_change(ports, waitlist, to)).await.expect("a status it may take")
}

/// The links that fixtures hand out.
pub fn links() -> Links {
    Links::new("http://127.0.0.1:8080", StoreSecret::new([7; 32]))
}

/// The profile of a person with only an address and a name.
pub fn profile(address: &str) -> Profile {
    Profile::new(email(address), PersonName::parse("Somebody").expect("a name"))
}

/// A profile with every field set.
pub fn full_profile(address: &str) -> Profile {
    let consented_at = Timestamp::parse("2026-01-30T08:00:00.123Z").expect("an instant");
    let metadata = json!({"company": "Acme", "deep": {"list": [1, 2.5, null, true, "ü\n"]}, "empty": {}});
    Profile {
        interest: Some(Interest::parse("many\nthings").expect("an interest")),
        referrer: Some(Referrer::parse("a blog").expect("a source")),
        locale: Some(Locale::parse("pt-BR").expect("a tag")),
        metadata: Metadata::parse(metadata.as_object().cloned().expect("an object")).expect("metadata"),
        consent: Some(Consent { text: ConsentText::parse("I agree\nto <all>").expect("a text"), at: consented_at }),
        ..profile(address)
    }
}

/// The command that signs an address up on a list.
pub fn sign_up(ports: &Ports, waitlist: &Waitlist, address: &str) -> SignUp {
    sign_up_as(ports, waitlist, profile(address))
}

/// The command that signs a person up on a list.
pub fn sign_up_as(ports: &Ports, waitlist: &Waitlist, profile: Profile) -> SignUp {
    SignUp::new(waitlist.id, profile, ports.links.clone(), &*ports.clock, &*ports.ids)
}

/// The entry of an address that joined a list.
pub async fn join(ports: &Ports, waitlist: &Waitlist, address: &str) -> Entry {
    ports.entries.sign_up(sign_up(ports, waitlist, address)).await.expect("a new entry")
}

/// The entry of an address that joined a list with a referrer's code.
pub async fn join_by(ports: &Ports, waitlist: &Waitlist, referrer: &Entry, address: &str) -> Entry {
    let friends_code = Some(referrer.referral_code.clone());
    ports.entries.sign_up(SignUp { friends_code, ..sign_up(ports, waitlist, address) }).await.expect("a new entry")
}

/// The command by which an address joins a list with every field set, except the code of a referrer.
pub async fn full_sign_up(ports: &Ports, waitlist: &Waitlist, address: &str) -> SignUp {
    let variant_id = ports.variants.list(waitlist.id).await.expect("variants").first().map(|variant| variant.id);
    SignUp { variant_id, ..sign_up_as(ports, waitlist, full_profile(address)) }
}

/// The instant that many seconds after the clock's.
pub fn later(ports: &Ports, seconds: i64) -> Timestamp {
    ports.clock.now().plus(Duration::seconds(seconds))
}

/// Settings with which notifications are on.
pub fn notifications() -> SettingsChange {
    let name = |name: &str| Some(Some(name.to_owned()));
    SettingsChange {
        notifications: Some(Notifications::ViaEnvoi.into()),
        default_sender_domain_id: Some(Some(ACTIVE_DOMAIN)),
        default_sender_address: Some(Some(email("hello@acme.example"))),
        welcome_template_name: name("welcome"),
        approved_template_name: name("approved"),
        rejected_template_name: name("rejected"),
        brand_name: name("Acme"),
        ..SettingsChange::default()
    }
}

/// Changes the settings of a workspace, as if the mail service had been asked.
pub async fn set(ports: &Ports, workspace_id: WorkspaceId, change: SettingsChange) -> WorkspaceSettings {
    let now = ports.clock.now();
    let after = change.apply(ports.settings.get(workspace_id).await.expect("settings"), now);
    let command = UpdateSettings { workspace_id, change, smtp: None, checked: CheckedSender::of(&after), actor: ACTOR, now };
    ports.settings.update(command).await.expect("settings that fit")
}

/// Changes the settings of a workspace on a server with a mail server.
pub async fn set_over_smtp(ports: &Ports, workspace_id: WorkspaceId, change: SettingsChange, policy: SmtpPolicy) -> WorkspaceSettings {
    let command = UpdateSettings { workspace_id, change, smtp: Some(policy), checked: None, actor: ACTOR, now: ports.clock.now() };
    ports.settings.update(command).await.expect("settings that fit")
}

/// The command that deletes an entry of a list.
pub fn delete_entry(ports: &Ports, waitlist_id: WaitlistId, entry_id: EntryId) -> DeleteEntry {
    DeleteEntry { waitlist_id, entry_id, event_id: EventId::new(ports.ids.uuid()), actor: ACTOR, now: ports.clock.now() }
}

/// The command that erases an entry of a list.
pub fn erase_entry(ports: &Ports, waitlist_id: WaitlistId, entry_id: EntryId) -> EraseEntry {
    let suppression_id = SuppressionId::new(ports.ids.uuid());
    let event_id = EventId::new(ports.ids.uuid());
    EraseEntry { waitlist_id, entry_id, suppression_id, event_id, actor: ACTOR, now: ports.clock.now(), links: ports.links.clone() }
}

/// The command that deletes a variant of a list.
pub fn delete_variant(ports: &Ports, waitlist_id: WaitlistId, id: VariantId) -> DeleteVariant {
    DeleteVariant { id, waitlist_id, actor: ACTOR, now: ports.clock.now() }
}

/// The command that deletes a list of a workspace.
pub fn delete_waitlist(ports: &Ports, workspace_id: WorkspaceId, id: WaitlistId) -> DeleteWaitlist {
    DeleteWaitlist { id, workspace_id, actor: ACTOR, now: ports.clock.now() }
}

/// The command that deletes a webhook of a workspace.
pub fn delete_webhook(ports: &Ports, workspace_id: WorkspaceId, id: WebhookId) -> DeleteWebhook {
    DeleteWebhook { id, workspace_id, actor: ACTOR, now: ports.clock.now() }
}

/// The command that deletes the workspace of that slug.
pub fn delete_workspace(ports: &Ports, text: &str) -> DeleteWorkspace {
    DeleteWorkspace { slug: slug(text), actor: ACTOR, now: ports.clock.now() }
}

/// The command that creates an API key.
pub const fn create_api_key(key: ApiKey) -> CreateApiKey {
    CreateApiKey { key, actor: ACTOR }
}

/// The command that revokes an API key at an instant.
pub const fn revoke_api_key(id: ApiKeyId, now: Timestamp) -> RevokeApiKey {
    RevokeApiKey { id, actor: ACTOR, now }
}

/// The command that suppresses an address in a workspace for a reason.
pub fn suppress(ports: &Ports, workspace_id: WorkspaceId, address: &str, reason: SuppressionReason) -> Suppress {
    Suppress {
        id: SuppressionId::new(ports.ids.uuid()),
        workspace_id,
        address: ports.links.secret().hash_address(&email(address)),
        masked_email: Some(format!("masked {address}")),
        reason,
        actor: ACTOR,
        now: ports.clock.now(),
    }
}

/// The command that tries the template of the welcome on an address.
pub fn test_mail(ports: &Ports, workspace_id: WorkspaceId, address: &str) -> TestMail {
    let (kind, locale, to, now) = (MailKind::Welcome, Locale::english(), email(address), ports.clock.now());
    let settings = WorkspaceSettings::unset(workspace_id);
    let setup = MailSetup::by(Transport::Smtp, &settings, &slug("acme"));
    let tried = MailTest { kind, locale, to, now };
    let mail = Mail::test(MailId::new(ports.ids.uuid()), &setup, &ports.links, workspace_id, tried, "{}");
    TestMail { mail, claim: None, actor: ACTOR }
}

/// The command that writes the template of a kind and locale.
pub fn put_template(ports: &Ports, workspace_id: WorkspaceId, kind: MailKind, locale: &str) -> PutTemplate {
    PutTemplate {
        workspace_id,
        kind,
        locale: Locale::parse(locale).expect("a locale"),
        source: TemplateSource {
            subject: format!("subject {locale}"),
            text: format!("text of {}", kind.as_str()),
            html: Some("<p>html</p>".to_owned()),
        },
        actor: ACTOR,
        now: ports.clock.now(),
    }
}
