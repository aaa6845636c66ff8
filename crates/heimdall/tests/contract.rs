//! Heimdall's adapter keeps the promises of its port.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use async_trait::async_trait;
use rally_contracts::doubles::FrozenClock;
use rally_contracts::remote::{DEADLINE, InviterFixture, Misbehaviour, RemoteFixture};
use rally_contracts::samples::email;
use rally_domain::error::RemoteError;
use rally_domain::id::{EntryId, WorkspaceId};
use rally_domain::invite::{InviteError, InviteRequest};
use rally_domain::port::AppInviter;
use rally_domain::text::PersonName;
use rally_fakes::{Fake, Heimdall};
use rally_heimdall::{AcceptUrl, HeimdallInviter};
use uuid::Uuid;

struct Fixture {
    fake: Fake<Heimdall>,
    inviter: Arc<HeimdallInviter>,
}

#[async_trait]
impl RemoteFixture for Fixture {
    async fn fresh() -> Self {
        let mut heimdall = Heimdall::new("key");
        heimdall.users.insert(("app-2".to_owned(), "user@example.com".to_owned()));
        let fake = Fake::start(heimdall).await;
        let clock = Arc::new(FrozenClock::at("2026-01-31T09:00:00Z"));
        let accept = AcceptUrl::parse("https://app.example/{app_slug}/join?code={code}").unwrap();
        let deadline = DEADLINE.try_into().unwrap();
        let inviter = HeimdallInviter::new(fake.base.parse().unwrap(), "key".to_owned().into(), Some(accept), deadline, clock);
        Self { fake, inviter: Arc::new(inviter.unwrap()) }
    }

    fn misbehave(&self, how: Option<Misbehaviour>) {
        self.fake.misbehave(how);
    }

    fn requests(&self) -> usize {
        self.fake.requests().len()
    }
}

impl InviterFixture for Fixture {
    fn inviter(&self) -> Arc<dyn AppInviter> {
        self.inviter.clone()
    }

    fn invites(&self) -> usize {
        self.fake.state().invites.len()
    }
}

rally_contracts::remote_contract!(inviter: Fixture);

fn request(workspace: u128, app: &str) -> InviteRequest {
    InviteRequest {
        workspace_id: WorkspaceId::new(Uuid::from_u128(workspace)),
        app_slug: app.to_owned(),
        entry_id: EntryId::new(Uuid::from_u128(1)),
        email: email("ada@example.com"),
        name: PersonName::parse("Ada").unwrap(),
    }
}

fn lists(fixture: &Fixture) -> usize {
    fixture.fake.requests().iter().filter(|request| request.line.starts_with("GET ")).count()
}

#[tokio::test]
async fn a_link_is_heimdalls_own_or_made_of_the_template() {
    let fixture = Fixture::fresh().await;
    let made = fixture.inviter.invite(request(1, "acme-app")).await.unwrap();
    assert_eq!(made.url.as_deref(), Some("https://app.example/acme-app/join?code=code1"));
    fixture.fake.state().with_links = true;
    let own = fixture.inviter.invite(request(1, "other")).await.unwrap();
    assert_eq!(own.url.as_deref(), Some("https://heimdall.example/other/code2"));
    // Whoever follows the link must come to a page.
    for (number, bad) in ["javascript:alert(1)", "not a link", &format!("https://heimdall.example/{}", "x".repeat(3000))].iter().enumerate()
    {
        fixture.fake.state().link = Some((*bad).to_owned());
        let person = InviteRequest { entry_id: EntryId::new(Uuid::from_u128(10 + number as u128)), ..request(1, "acme-app") };
        let made = fixture.inviter.invite(person).await.unwrap();
        assert!(made.url.is_some_and(|url| url.starts_with("https://app.example/acme-app/join?code=code")), "{bad}");
    }
}

/// The person has changed their name, and is invited again.
#[tokio::test]
async fn a_new_name_makes_one_more_invitation() {
    let fixture = Fixture::fresh().await;
    let renamed = || InviteRequest { name: PersonName::parse("Augusta").unwrap(), ..request(1, "acme-app") };
    let first = fixture.inviter.invite(request(1, "acme-app")).await.unwrap();
    let second = fixture.inviter.invite(renamed()).await.unwrap();
    assert_ne!(second.id, first.id);
    assert_eq!(fixture.inviter.invite(renamed()).await.unwrap().id, second.id);
    assert_eq!(fixture.inviter.invite(request(1, "acme-app")).await.unwrap().id, first.id);
    assert_eq!(fixture.invites(), 2);
}

#[tokio::test]
async fn a_list_of_apps_is_read_to_its_end_and_cached() {
    let fixture = Fixture::fresh().await;
    fixture.inviter.invite(request(1, "acme-app")).await.unwrap();
    assert_eq!(lists(&fixture), 2);
    for _ in 0..3 {
        fixture.inviter.invite(request(1, "acme-app")).await.unwrap();
        assert!(matches!(fixture.inviter.invite(request(1, "none")).await, Err(InviteError::UnknownApp)));
    }
    assert_eq!(lists(&fixture), 2);
    // Another workspace has another list.
    fixture.inviter.invite(request(2, "other")).await.unwrap();
    assert_eq!(lists(&fixture), 4);
}

/// Each page arrives within the deadline, but all of them together do not.
#[tokio::test]
async fn a_list_of_apps_shares_the_deadline_of_its_invitation() {
    let fixture = Fixture::fresh().await;
    fixture.misbehave(Some(Misbehaviour::Late(DEADLINE * 3 / 4)));
    let late = fixture.inviter.invite(request(1, "acme-app")).await;
    assert!(matches!(late, Err(InviteError::Remote(RemoteError::TimedOut { .. }))), "{late:?}");
    assert_eq!((lists(&fixture), fixture.requests()), (2, 2));
    fixture.misbehave(None);
    fixture.inviter.invite(request(1, "acme-app")).await.unwrap();
}

#[tokio::test]
async fn an_app_that_is_gone_is_looked_up_again() {
    let fixture = Fixture::fresh().await;
    fixture.inviter.invite(request(1, "other")).await.unwrap();
    fixture.fake.state().apps[1].1 = "app-3".to_owned();
    assert!(matches!(fixture.inviter.invite(request(1, "acme-app")).await, Err(InviteError::UnknownApp)));
    fixture.inviter.invite(request(1, "acme-app")).await.unwrap();
}
