//! Cases of [`TemplateStore`](rally_domain::port::TemplateStore).

use futures_util::future::join_all;
use rally_domain::command::{DeleteTemplate, PutTemplate, TemplateRejection};
use rally_domain::error::CommandError;
use rally_domain::id::WorkspaceId;
use rally_domain::locale::Locale;
use rally_domain::mail::{MAX_TEMPLATES, MailKind, MailTemplate, TemplateSource};
use rally_domain::port::Ports;

use crate::Fixture;
use crate::samples::{ACTOR, delete_workspace, later, put_template, workspace};

async fn put(ports: &Ports, id: WorkspaceId, kind: MailKind, locale: &str) -> MailTemplate {
    ports.mail_templates.put(put_template(ports, id, kind, locale)).await.unwrap()
}

/// Deletes a template. Returns whether there was one.
async fn delete(ports: &Ports, workspace_id: WorkspaceId, kind: MailKind, locale: &str) -> bool {
    let locale = Locale::parse(locale).unwrap();
    ports.mail_templates.delete(DeleteTemplate { workspace_id, kind, locale, actor: ACTOR, now: ports.clock.now() }).await.unwrap()
}

fn names(templates: &[MailTemplate]) -> Vec<(MailKind, &str)> {
    templates.iter().map(|template| (template.kind, template.locale.as_str())).collect()
}

/// Writes as many templates as a workspace may have, except that many.
async fn fill(ports: &Ports, id: WorkspaceId, but: usize) {
    let kinds = MailKind::ALL.into_iter().cycle().take(MAX_TEMPLATES as usize - but);
    for (n, kind) in kinds.enumerate() {
        put(ports, id, kind, &format!("en-x-{n}")).await;
    }
}

/// Every field of a template reads back, for every kind, in another process too.
pub async fn a_template_reads_back_as_it_was_written(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let id = workspace(&ports, "acme").await.id;
    for (n, kind) in MailKind::ALL.into_iter().enumerate() {
        assert_eq!(ports.mail_templates.of_kind(id, kind).await.unwrap(), []);
        let source = TemplateSource {
            subject: "Grüße, {{ entry.name }}".to_owned(),
            text: "x\r\n\t{% if brand.name %}".repeat(1000),
            html: (n % 2 == 0).then(|| "<p>&amp;\n</p>".to_owned()),
        };
        let command = PutTemplate { source, now: later(&ports, n as i64), ..put_template(&ports, id, kind, "sr-Latn-RS") };
        let made = ports.mail_templates.put(command.clone()).await.unwrap();
        let PutTemplate { workspace_id, kind, locale, source, now, .. } = command;
        assert_eq!(made, MailTemplate { workspace_id, kind, locale, source, updated_at: now });
        for ports in [&ports, &there] {
            assert_eq!(ports.mail_templates.of_kind(id, kind).await.unwrap(), std::slice::from_ref(&made));
            assert!(ports.mail_templates.list(id).await.unwrap().contains(&made));
        }
    }
}

/// A template replaces all of the one before it, also if it has no HTML. Its neighbours stay.
pub async fn a_template_is_replaced_whole(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let id = workspace(&ports, "acme").await.id;
    let kept = [put(&ports, id, MailKind::Confirm, "de-AT").await, put(&ports, id, MailKind::Link, "de").await];
    let first = put(&ports, id, MailKind::Confirm, "de").await;
    assert!(first.source.html.is_some());
    let source = TemplateSource { subject: "other".to_owned(), text: "other".to_owned(), html: None };
    let again = PutTemplate { source, now: later(&ports, 9), ..put_template(&ports, id, MailKind::Confirm, "de") };
    let second = ports.mail_templates.put(again.clone()).await.unwrap();
    assert_eq!(second, MailTemplate { source: again.source, updated_at: again.now, ..first });
    let [austrian, link] = kept;
    assert_eq!(ports.mail_templates.list(id).await.unwrap(), [second, austrian, link]);
}

/// The deletion of a template leaves the other templates of its kind and those of its locale.
pub async fn a_template_is_deleted_alone(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let (acme, beta) = (workspace(&ports, "acme").await.id, workspace(&ports, "beta").await.id);
    for (id, kind, locale) in [
        (acme, MailKind::Welcome, "de"),
        (acme, MailKind::Welcome, "de-AT"),
        (acme, MailKind::Approved, "de"),
        (beta, MailKind::Welcome, "de"),
    ] {
        put(&ports, id, kind, locale).await;
    }
    assert!(!delete(&ports, acme, MailKind::Approved, "de-AT").await);
    assert!(delete(&there, acme, MailKind::Welcome, "de").await && !delete(&ports, acme, MailKind::Welcome, "de").await);
    let left = [ports.mail_templates.list(acme).await.unwrap(), ports.mail_templates.list(beta).await.unwrap()];
    assert_eq!(names(&left[0]), [(MailKind::Approved, "de"), (MailKind::Welcome, "de-AT")]);
    assert_eq!(names(&left[1]), [(MailKind::Welcome, "de")]);
}

/// Templates are in the order of the bytes of kind and locale, in whatever language the store sorts, and whatever was written first.
pub async fn templates_go_by_kind_and_locale(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let id = workspace(&ports, "acme").await.id;
    for kind in [MailKind::Welcome, MailKind::Approved, MailKind::Link] {
        for locale in ["zh-Hant", "de-LU", "deu", "en", "de-x-a"] {
            put(&ports, id, kind, locale).await;
        }
    }
    let locales = ["de-LU", "de-x-a", "deu", "en", "zh-Hant"];
    let of = |kind| locales.map(|locale| (kind, locale));
    let all = ports.mail_templates.list(id).await.unwrap();
    assert_eq!(names(&all), [of(MailKind::Approved), of(MailKind::Link), of(MailKind::Welcome)].concat());
    assert_eq!(ports.mail_templates.of_kind(id, MailKind::Link).await.unwrap(), all[5..10]);
    assert_eq!(ports.mail_templates.of_kind(id, MailKind::Invited).await.unwrap(), []);
}

/// A template of another workspace is not found, not changed and not counted.
pub async fn a_workspace_has_templates_of_its_own(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let (acme, beta) = (workspace(&ports, "acme").await.id, workspace(&ports, "beta").await.id);
    fill(&ports, acme, 0).await;
    assert_eq!(ports.mail_templates.list(beta).await.unwrap(), []);
    assert_eq!(ports.mail_templates.of_kind(beta, MailKind::Confirm).await.unwrap(), []);
    let before = ports.mail_templates.list(acme).await.unwrap();
    let source = TemplateSource { subject: "mine".to_owned(), text: "mine".to_owned(), html: None };
    let command = PutTemplate { source, ..put_template(&ports, beta, MailKind::Confirm, "en-x-0") };
    let mine = ports.mail_templates.put(command).await.unwrap();
    assert_eq!((ports.mail_templates.list(acme).await.unwrap(), ports.mail_templates.list(beta).await.unwrap()), (before, vec![mine]));
}

/// A workspace with the most templates gets no new one, and can still replace those that it has.
pub async fn a_workspace_has_so_many_templates_at_most(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let id = workspace(&ports, "acme").await.id;
    fill(&ports, id, 0).await;
    let refused = ports.mail_templates.put(put_template(&ports, id, MailKind::Confirm, "de")).await;
    assert!(matches!(refused, Err(CommandError::Rejected(TemplateRejection::TooMany))), "{refused:?}");
    let again = PutTemplate { now: later(&ports, 9), ..put_template(&ports, id, MailKind::Confirm, "en-x-0") };
    assert_eq!(ports.mail_templates.put(again).await.unwrap().updated_at, later(&ports, 9));
    assert_eq!(ports.mail_templates.list(id).await.unwrap().len() as u64, MAX_TEMPLATES);
    assert!(delete(&ports, id, MailKind::Confirm, "en-x-0").await);
    put(&ports, id, MailKind::Confirm, "de").await;
}

/// Of eight templates at once for the last two places, two are written.
pub async fn the_most_templates_are_not_exceeded_under_concurrency(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let id = workspace(&ports, "acme").await.id;
    fill(&ports, id, 2).await;
    let tasks = (0..8).map(|n| {
        let ports = if n % 2 == 0 { ports.clone() } else { there.clone() };
        tokio::spawn(async move { ports.mail_templates.put(put_template(&ports, id, MailKind::Link, &format!("de-x-{n}"))).await })
    });
    let outcomes: Vec<_> = join_all(tasks).await.into_iter().map(|outcome| outcome.expect("no panic")).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 2);
    for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert!(matches!(refused, CommandError::Rejected(TemplateRejection::TooMany)), "{refused:?}");
    }
    assert_eq!(ports.mail_templates.list(id).await.unwrap().len() as u64, MAX_TEMPLATES);
}

/// A template that is written, replaced or deleted shows at once in every process.
pub async fn a_template_shows_in_every_process_at_once(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let id = workspace(&ports, "acme").await.id;
    let shown = async || there.mail_templates.of_kind(id, MailKind::Rejected).await.unwrap();
    assert_eq!(shown().await, []);
    for seconds in 0..2 {
        let command = PutTemplate { now: later(&ports, seconds), ..put_template(&ports, id, MailKind::Rejected, "fr") };
        let made = ports.mail_templates.put(command).await.unwrap();
        assert_eq!(shown().await, [made]);
    }
    assert!(delete(&ports, id, MailKind::Rejected, "fr").await);
    assert_eq!(shown().await, []);
}

/// A deleted workspace has no templates and gets no new ones, and its neighbour keeps its own.
pub async fn a_deleted_workspace_takes_its_templates_with_it(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let (acme, beta) = (workspace(&ports, "acme").await.id, workspace(&ports, "beta").await.id);
    put(&ports, acme, MailKind::Confirm, "de").await;
    let kept = put(&ports, beta, MailKind::Confirm, "de").await;
    assert!(ports.workspaces.delete(delete_workspace(&ports, "acme")).await.unwrap());
    for ports in [&ports, &there] {
        let (all, of_kind) = (ports.mail_templates.list(acme), ports.mail_templates.of_kind(acme, MailKind::Confirm));
        assert_eq!((all.await.unwrap(), of_kind.await.unwrap()), (Vec::new(), Vec::new()));
    }
    for id in [acme, WorkspaceId::new(ports.ids.uuid())] {
        let refused = ports.mail_templates.put(put_template(&ports, id, MailKind::Confirm, "de")).await;
        assert!(matches!(refused, Err(CommandError::Rejected(TemplateRejection::NoSuchWorkspace))), "{refused:?}");
    }
    assert_eq!(ports.mail_templates.list(beta).await.unwrap(), [kept]);
}

/// A template whose language had an older code is found by the newer one after the migration that renames it. A template that has the newer
/// code already stays.
pub async fn templates_of_renamed_languages_are_found(fixture: &impl Fixture, tamper: impl AsyncFn(&str), migration: &str) {
    let ports = fixture.ports();
    let id = workspace(&ports, "acme").await.id;
    for locale in ["fr", "pl-PL", "inh", "he-IL"] {
        put(&ports, id, MailKind::Welcome, locale).await;
    }
    put(&ports, id, MailKind::Link, "de").await;
    tamper("UPDATE mail_templates SET locale = 'iw' WHERE locale = 'fr'").await;
    tamper("UPDATE mail_templates SET locale = 'iw-IL' WHERE locale = 'pl-PL'").await;
    tamper("UPDATE mail_templates SET locale = 'in-ID' WHERE locale = 'de'").await;
    tamper(migration).await;
    let there = fixture.reopen().await;
    let found = there.mail_templates.list(id).await.unwrap();
    assert_eq!(
        names(&found),
        [(MailKind::Link, "id-ID"), (MailKind::Welcome, "he"), (MailKind::Welcome, "he-IL"), (MailKind::Welcome, "inh")]
    );
    assert!(delete(&there, id, MailKind::Welcome, "he").await);
}
