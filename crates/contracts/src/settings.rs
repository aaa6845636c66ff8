//! Cases of [`SettingsStore`](rally_domain::port::SettingsStore).

use futures_util::future::join_all;
use rally_domain::command::{CheckedSender, UpdateSettings, UpdateSettingsRejection};
use rally_domain::error::CommandError;
use rally_domain::id::WorkspaceId;
use rally_domain::locale::Locale;
use rally_domain::port::Ports;
use rally_domain::workspace::{Brand, Notifications, SettingsChange, WorkspaceSettings};
use serde_json::json;

use crate::Fixture;
use crate::remote::ACTIVE_DOMAIN;
use crate::samples::{ACTOR, active_list, email, notifications, set as set_all, sign_up, slug, workspace};

fn update(ports: &Ports, workspace_id: WorkspaceId, change: SettingsChange) -> UpdateSettings {
    let now = ports.clock.now();
    let checked = CheckedSender::of(&change.apply(WorkspaceSettings::unset(workspace_id), now));
    UpdateSettings { workspace_id, change, smtp: None, checked, actor: ACTOR, now }
}

#[expect(clippy::unnecessary_wraps, reason = "a change sets to a value or to none")]
fn set(text: &str) -> Option<Option<String>> {
    Some(Some(text.to_owned()))
}

/// A change of every setting.
fn everything() -> SettingsChange {
    SettingsChange {
        default_sender_domain_id: Some(Some(ACTIVE_DOMAIN)),
        default_heimdall_app_slug: set("app"),
        brand_name: set("Acme Ünlimited"),
        brand_logo_url: set("https://acme.example/logo.svg"),
        primary_color: set("#1A2B3C"),
        notifications: Some(Notifications::ViaEnvoi.into()),
        default_sender_address: Some(Some(email("hello@acme.example"))),
        reply_to_address: Some(Some(email("help@acme.example"))),
        default_locale: Some(Locale::parse("pt-BR").unwrap()),
        welcome_template_name: set("welcome"),
        approved_template_name: set("approved"),
        rejected_template_name: set("rejected"),
        confirm_template_name: set("confirm"),
        link_template_name: set("link"),
    }
}

/// Settings are unset at first, then read back as they were set, in another process too. The public surface has the brand and the language.
pub async fn settings_read_back_as_they_were_set(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let id = list.workspace_id;
    assert_eq!(ports.settings.get(id).await.unwrap(), WorkspaceSettings::unset(id));
    let settings = ports.settings.update(update(&ports, id, everything())).await.unwrap();
    assert_eq!(settings.updated_at, Some(ports.clock.now()));
    assert_eq!(fixture.reopen().await.settings.get(id).await.unwrap(), settings);
    let brand = Brand {
        name: Some("Acme Ünlimited".to_owned()),
        logo_url: Some("https://acme.example/logo.svg".to_owned()),
        primary_color: Some("#1A2B3C".to_owned()),
    };
    let public = ports.waitlists.find_public(&slug("acme"), &slug("list")).await.unwrap().unwrap();
    assert_eq!((&settings.brand, public.brand.clone()), (&brand, brand.clone()));
    let locale = Locale::parse("pt-BR").unwrap();
    assert_eq!((&settings.default_locale, &public.default_locale), (&locale, &locale));
    let cleared = SettingsChange { brand_name: Some(None), ..SettingsChange::default() };
    let settings = ports.settings.update(update(&ports, id, cleared)).await.unwrap();
    assert_eq!(settings.brand, Brand { name: None, ..brand });
}

/// A setting that is cleared reads back as none.
pub async fn every_setting_can_be_cleared(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let id = workspace(&ports, "acme").await.id;
    ports.settings.update(update(&ports, id, everything())).await.unwrap();
    let nothing = SettingsChange {
        default_sender_domain_id: Some(None),
        default_heimdall_app_slug: Some(None),
        brand_name: Some(None),
        brand_logo_url: Some(None),
        primary_color: Some(None),
        notifications: Some(Notifications::Off.into()),
        default_sender_address: Some(None),
        reply_to_address: Some(None),
        default_locale: Some(Locale::english()),
        welcome_template_name: Some(None),
        approved_template_name: Some(None),
        rejected_template_name: Some(None),
        confirm_template_name: Some(None),
        link_template_name: Some(None),
    };
    let cleared = ports.settings.update(update(&ports, id, nothing)).await.unwrap();
    assert_eq!(cleared, WorkspaceSettings { updated_at: Some(ports.clock.now()), ..WorkspaceSettings::unset(id) });
    assert_eq!(ports.settings.get(id).await.unwrap(), cleared);
}

/// A change of the settings of one workspace does not change those of another.
pub async fn a_workspace_has_settings_of_its_own(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let (acme, beta) = (workspace(&ports, "acme").await.id, workspace(&ports, "beta").await.id);
    let brand = |name: &str| SettingsChange { brand_name: set(name), ..SettingsChange::default() };
    let of_acme = set_all(&ports, acme, brand("Acme")).await;
    let of_beta = set_all(&ports, beta, brand("Beta")).await;
    assert_eq!((ports.settings.get(acme).await.unwrap(), ports.settings.get(beta).await.unwrap()), (of_acme, of_beta));
    let unset = workspace(&ports, "gamma").await.id;
    assert_eq!(ports.settings.get(unset).await.unwrap(), WorkspaceSettings::unset(unset));
}

/// A process that has read the settings before reads a change of another process at once.
pub async fn settings_show_in_every_process_at_once(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let id = workspace(&ports, "acme").await.id;
    assert_eq!(there.settings.get(id).await.unwrap(), WorkspaceSettings::unset(id));
    for name in ["Acme", "Beta"] {
        let settings = set_all(&ports, id, SettingsChange { brand_name: set(name), ..SettingsChange::default() }).await;
        assert_eq!(there.settings.get(id).await.unwrap(), settings);
    }
}

/// Concurrent changes of different settings are all kept, the first change included.
pub async fn concurrent_changes_of_settings_lose_nothing(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let id = workspace(&ports, "acme").await.id;
    let none = SettingsChange::default;
    let changes = [
        SettingsChange { brand_name: set("a"), ..none() },
        SettingsChange { brand_logo_url: set("b"), ..none() },
        SettingsChange { primary_color: set("c"), ..none() },
        SettingsChange { welcome_template_name: set("d"), ..none() },
        SettingsChange { approved_template_name: set("e"), ..none() },
        SettingsChange { rejected_template_name: set("f"), ..none() },
        SettingsChange { confirm_template_name: set("i"), ..none() },
        SettingsChange { link_template_name: set("j"), ..none() },
        SettingsChange { default_sender_domain_id: Some(Some(ACTIVE_DOMAIN)), ..none() },
        SettingsChange { default_heimdall_app_slug: set("h"), ..none() },
    ];
    let tasks = changes.into_iter().enumerate().map(|(n, change)| {
        let ports = if n % 2 == 0 { ports.clone() } else { there.clone() };
        tokio::spawn(async move { ports.settings.update(update(&ports, id, change)).await })
    });
    for outcome in join_all(tasks).await {
        outcome.expect("no panic").unwrap();
    }
    let all = ports.settings.get(id).await.unwrap();
    let texts = [
        all.brand.name,
        all.brand.logo_url,
        all.brand.primary_color,
        all.welcome_template_name,
        all.approved_template_name,
        all.rejected_template_name,
        all.default_heimdall_app_slug,
        all.confirm_template_name,
        all.link_template_name,
    ];
    assert_eq!(texts.map(Option::unwrap), ["a", "b", "c", "d", "e", "f", "h", "i", "j"]);
    assert_eq!(all.default_sender_domain_id, Some(ACTIVE_DOMAIN));
}

/// A stored sender domain that is not an id counts as none. Older programs kept any text. The other settings read as before, and mail goes
/// on.
///
/// # Panics
/// When it fails.
pub async fn a_sender_domain_that_is_no_id_is_none(fixture: &impl Fixture, execute: impl AsyncFn(&str)) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let settings = set_all(&ports, list.workspace_id, notifications()).await;
    execute("UPDATE workspace_settings SET default_sender_domain_id = 'acme.example'").await;
    let read = ports.settings.get(list.workspace_id).await.unwrap();
    assert_eq!(read, WorkspaceSettings { default_sender_domain_id: None, ..settings });
    ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    assert_eq!(ports.mails.depth().await.unwrap().pending, 1);
}

/// A change that turns notifications on without their other settings changes nothing, and a change for a missing workspace is refused.
pub async fn a_refused_change_of_settings_changes_nothing(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let id = workspace(&ports, "acme").await.id;
    let on = SettingsChange { notifications: Some(Notifications::ViaEnvoi.into()), brand_name: set("Acme"), ..SettingsChange::default() };
    let refused = ports.settings.update(update(&ports, id, on)).await;
    let Err(CommandError::Rejected(UpdateSettingsRejection::Incomplete(missing))) = refused else { panic!("{refused:?}") };
    assert_eq!(missing.len(), 5);
    assert_eq!(ports.settings.get(id).await.unwrap(), WorkspaceSettings::unset(id));
    let nowhere = update(&ports, WorkspaceId::new(ports.ids.uuid()), SettingsChange::default());
    let refused = ports.settings.update(nowhere).await;
    assert!(matches!(refused, Err(CommandError::Rejected(UpdateSettingsRejection::NoSuchWorkspace))), "{refused:?}");
}
