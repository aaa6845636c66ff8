//! The promises of the ports that lead to remote services: [`Mailer`], [`AppInviter`] and [`HumanCheck`].
//!
//! A fixture is an adapter and a service that can be told to misbehave. The service must be as strict as the real one: a stand-in that is
//! less strict proves nothing.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rally_domain::error::{Fault, RemoteError};
use rally_domain::id::{EntryId, MailId, SenderDomainId, WorkspaceId};
use rally_domain::invite::{InviteError, InviteRequest};
use rally_domain::mail::{Content, MailOutcome, MailReport, Message, Sender};
use rally_domain::port::{AppInviter, DomainState, HumanCheck, Humanity, Mailer, SenderDirectory};
use rally_domain::text::PersonName;
use rally_domain::timestamp::Timestamp;
use uuid::Uuid;

use crate::samples::email;

/// Ways in which a service misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehaviour {
    /// Resets the connection in place of an answer.
    Reset,
    /// Never answers.
    Hang,
    /// Does what was asked, and never answers.
    Lose,
    /// Answers in another protocol than HTTP.
    Garbage,
    /// Answers 200 to every request, with an unrelated body.
    WrongPage,
    /// Begins an answer and goes on a byte at a time.
    Drip,
    /// Announces a gigabyte and begins to send it.
    Flood,
    /// Announces more than it sends.
    BreakOff,
    /// Answers with that status and a page of HTML.
    Status(u16),
    /// Answers 429 and asks for that many seconds.
    TooMany(u32),
    /// Answers as it should, after that long.
    Late(Duration),
}

impl Misbehaviour {
    /// Those that leave the result unknown, and answer without delay.
    pub const QUICK: [Self; 7] =
        [Self::Reset, Self::Garbage, Self::WrongPage, Self::Flood, Self::BreakOff, Self::Status(500), Self::Status(503)];

    /// Those that would make a client wait for ever.
    pub const SLOW: [Self; 3] = [Self::Hang, Self::Lose, Self::Drip];
}

/// The deadline that a fixture gives its adapter.
pub const DEADLINE: Duration = Duration::from_millis(500);

/// A fresh service behind an adapter with a deadline of [`DEADLINE`].
#[async_trait]
pub trait RemoteFixture: Send + Sync + Sized {
    /// Makes one.
    async fn fresh() -> Self;

    /// Makes the service misbehave from now on, or behave again.
    fn misbehave(&self, how: Option<Misbehaviour>);

    /// Number of requests that were sent to the service so far.
    fn requests(&self) -> usize;
}

/// A domain at `acme.example` that is active.
pub const ACTIVE_DOMAIN: SenderDomainId = SenderDomainId::new(Uuid::from_u128(0xac));
/// One that is not active yet.
pub const PENDING_DOMAIN: SenderDomainId = SenderDomainId::new(Uuid::from_u128(0xbe));
/// A domain that only receives.
pub const RECEIVING_DOMAIN: SenderDomainId = SenderDomainId::new(Uuid::from_u128(0xec));

/// A service that takes mail. It takes none for `unwanted@example.com`. An adapter learns that only from the request that brings the mail.
pub trait MailerFixture: RemoteFixture {
    /// The adapter.
    fn mailer(&self) -> Arc<dyn Mailer>;

    /// Content of the form that the adapter sends.
    fn content(&self) -> Content;

    /// Content of another form.
    fn other_content(&self) -> Content;

    /// The identity of each mail that the service took, in order, as often as it took it.
    fn taken(&self) -> Vec<String>;
}

/// A mail service that keeps templates. It has the three domains, and a template `welcome`. It suppresses `suppressed@example.com`.
pub trait TemplateServiceFixture: MailerFixture {
    /// The adapter, as the directory of domains and templates.
    fn senders(&self) -> Arc<dyn SenderDirectory>;
}

/// A service that invites into the apps `other` and `acme-app`, which it lists on two pages. `user@example.com` is in
/// `acme-app` already.
pub trait InviterFixture: RemoteFixture {
    /// The adapter.
    fn inviter(&self) -> Arc<dyn AppInviter>;

    /// Invitations that the service has made.
    fn invites(&self) -> usize;
}

/// A verifier for which the token `human` is a person's, and `robot` a program's with a low score. `scoreless` is a person's token of a
/// service without scores. Each is good once. `expired`, `seen`, `unheard-of` and `no-reason` are refused. `trouble`, `trouble-too`,
/// `bad-request`, `wrong-secret` and `no-secret` are answered with a failure of the verifier itself.
pub trait HumanFixture: RemoteFixture {
    /// The adapter.
    fn humans(&self) -> Arc<dyn HumanCheck>;
}

/// Runs a call that must not take longer than the deadline, or a moment longer on a slow machine.
async fn in_time<T>(how: Misbehaviour, work: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let outcome = tokio::time::timeout(DEADLINE + Duration::from_secs(2), work).await;
    outcome.unwrap_or_else(|_| panic!("{how:?} kept the caller for {:?}", started.elapsed()))
}

fn workspace() -> WorkspaceId {
    WorkspaceId::new(Uuid::from_u128(1))
}

fn message(id: u128, to: &str, content: Content) -> Message {
    Message {
        id: MailId::new(Uuid::from_u128(id)),
        workspace_id: workspace(),
        from: sender("hello@acme.example"),
        reply_to: None,
        to: email(to),
        content,
        unsubscribe_url: None,
        written_at: Timestamp::parse("2026-01-31T09:00:00Z").unwrap(),
    }
}

fn welcome(id: u128, to: &str) -> Message {
    message(id, to, template("welcome"))
}

fn sender(address: &str) -> Sender {
    Sender { name: None, address: email(address) }
}

fn template(name: &str) -> Content {
    Content::Template { name: name.to_owned(), data: r#"{"entry":{"name":"Ada"}}"#.to_owned() }
}

/// A mail has the same identity on every attempt, and another mail has another one. So a service, or the recipient's mail program, can
/// recognise a copy.
pub async fn a_mail_has_one_identity_on_every_attempt(fixture: &impl MailerFixture) {
    let mailer = fixture.mailer();
    fixture.misbehave(Some(Misbehaviour::Lose));
    let lost = mailer.send(&message(1, "ada@example.com", fixture.content())).await.expect("tried").outcome;
    assert_eq!(lost, MailOutcome::Failed { status: None, retry_after: None });
    fixture.misbehave(None);
    for _ in 0..2 {
        assert_eq!(mailer.send(&message(1, "ada@example.com", fixture.content())).await.expect("tried"), MailReport::accepted());
        let taken = fixture.taken();
        assert!(!taken.is_empty() && taken.iter().all(|identity| *identity == taken[0]), "{taken:?}");
    }
    assert_eq!(mailer.send(&message(2, "ada@example.com", fixture.content())).await.expect("tried"), MailReport::accepted());
    let taken = fixture.taken();
    assert_ne!(taken.first(), taken.last());
}

/// A refusal differs from a failure that may pass. Each attempt is one request, with words for the operator, and the adapter itself retries
/// nothing.
pub async fn a_refusal_is_told_from_what_may_pass(fixture: &impl MailerFixture) {
    let mailer = fixture.mailer();
    let refused = mailer.send(&message(1, "unwanted@example.com", fixture.content())).await.expect("tried");
    assert!(matches!(refused.outcome, MailOutcome::Refused(_) | MailOutcome::Bounced(_)), "{refused:?}");
    assert!(refused.error.is_some_and(|words| !words.is_empty()));
    for how in [Misbehaviour::Status(503), Misbehaviour::Status(500)] {
        fixture.misbehave(Some(how));
        let before = fixture.requests();
        let later = mailer.send(&message(2, "ada@example.com", fixture.content())).await.expect("tried");
        assert!(matches!(later.outcome, MailOutcome::Failed { status: Some(_), retry_after: None }), "{how:?}: {later:?}");
        assert!(later.error.is_some_and(|words| !words.is_empty()));
        assert_eq!(fixture.requests(), before + 1, "{how:?}");
    }
    assert_eq!(fixture.taken(), Vec::<String>::new());
    fixture.misbehave(None);
    assert_eq!(mailer.send(&message(2, "ada@example.com", fixture.content())).await.expect("tried"), MailReport::accepted());
    assert_eq!(fixture.taken().len(), 1);
}

/// Content of a form that the adapter does not send is refused, and the service receives nothing of it.
pub async fn content_of_another_form_is_refused(fixture: &impl MailerFixture) {
    let refused = fixture.mailer().send(&message(1, "ada@example.com", fixture.other_content())).await.expect("tried");
    assert_eq!(refused.outcome, MailOutcome::Refused(400));
    assert!(refused.error.is_some_and(|words| !words.is_empty()));
    assert_eq!(fixture.requests(), 0);
}

/// A mail whose service misbehaves is retried later. The adapter believes no such answer, and waits no longer than the deadline.
pub async fn a_mail_service_that_misbehaves_is_tried_later(fixture: &impl MailerFixture) {
    let mailer = fixture.mailer();
    for how in Misbehaviour::QUICK.into_iter().chain(Misbehaviour::SLOW) {
        fixture.misbehave(Some(how));
        let outcome = in_time(how, mailer.send(&message(1, "ada@example.com", fixture.content()))).await.expect("tried").outcome;
        assert!(matches!(outcome, MailOutcome::Failed { retry_after: None, .. }), "{how:?}: {outcome:?}");
    }
    fixture.misbehave(None);
    assert_eq!(mailer.send(&message(1, "ada@example.com", fixture.content())).await.expect("tried"), MailReport::accepted());
}

/// A mail is sent once, even if the answer to the first request was lost.
pub async fn a_mail_is_sent_once_however_often_it_is_asked(fixture: &impl TemplateServiceFixture) {
    let mailer = fixture.mailer();
    fixture.misbehave(Some(Misbehaviour::Lose));
    let lost = mailer.send(&welcome(1, "ada@example.com")).await.expect("tried").outcome;
    assert_eq!(lost, MailOutcome::Failed { status: None, retry_after: None });
    fixture.misbehave(None);
    for _ in 0..2 {
        assert_eq!(mailer.send(&welcome(1, "ada@example.com")).await.expect("tried").outcome, MailOutcome::Accepted);
        assert_eq!(fixture.taken().len(), 1);
    }
    assert_eq!(mailer.send(&welcome(2, "ada@example.com")).await.expect("tried").outcome, MailOutcome::Accepted);
    assert_eq!(fixture.taken().len(), 2);
}

/// Only the status tells a refusal from a failure that may pass, whatever the body is. The adapter itself retries nothing.
pub async fn a_status_tells_what_is_refused_from_what_may_pass(fixture: &impl TemplateServiceFixture) {
    let mailer = fixture.mailer();
    let after = |seconds| Some(time::Duration::seconds(seconds));
    assert_eq!(mailer.send(&welcome(1, "suppressed@example.com")).await.expect("tried").outcome, MailOutcome::Refused(422));
    assert_eq!(mailer.send(&message(2, "a@example.com", template("none"))).await.expect("tried").outcome, MailOutcome::Refused(404));
    assert_eq!(
        mailer.send(&Message { from: sender("a@else.example"), ..welcome(3, "a@example.com") }).await.expect("tried").outcome,
        MailOutcome::Refused(403)
    );
    assert_eq!(mailer.send(&message(4, "a@example.com", template(".."))).await.expect("tried").outcome, MailOutcome::Refused(400));
    assert_eq!(mailer.send(&welcome(5, "a@example.com")).await.expect("tried").outcome, MailOutcome::Accepted);
    // The key belongs to another mail.
    assert_eq!(mailer.send(&welcome(5, "b@example.com")).await.expect("tried").outcome, MailOutcome::Refused(409));
    for (how, outcome) in [
        (Misbehaviour::Status(400), MailOutcome::Refused(400)),
        (Misbehaviour::Status(401), MailOutcome::KeyRefused(401)),
        (Misbehaviour::Status(408), MailOutcome::Failed { status: Some(408), retry_after: None }),
        (Misbehaviour::Status(409), MailOutcome::Refused(409)),
        (Misbehaviour::Status(422), MailOutcome::Refused(422)),
        (Misbehaviour::TooMany(90), MailOutcome::Failed { status: Some(429), retry_after: after(90) }),
        (Misbehaviour::Status(307), MailOutcome::Failed { status: Some(307), retry_after: None }),
    ] {
        fixture.misbehave(Some(how));
        let before = fixture.requests();
        assert_eq!(mailer.send(&welcome(6, "a@example.com")).await.expect("tried").outcome, outcome, "{how:?}");
        assert_eq!(fixture.requests(), before + 1, "{how:?}");
    }
    assert_eq!(fixture.taken().len(), 1);
}

/// A misbehaving directory is a fault. The adapter believes no such answer, and waits no longer than the deadline.
pub async fn a_directory_that_misbehaves_is_told(fixture: &impl TemplateServiceFixture) {
    let senders = fixture.senders();
    for how in Misbehaviour::QUICK.into_iter().chain(Misbehaviour::SLOW) {
        fixture.misbehave(Some(how));
        assert!(in_time(how, senders.find_domain(workspace(), ACTIVE_DOMAIN)).await.is_err(), "{how:?}");
        assert!(in_time(how, senders.has_template(workspace(), "welcome")).await.is_err(), "{how:?}");
    }
    fixture.misbehave(Some(Misbehaviour::Status(401)));
    let refused = senders.has_template(workspace(), "welcome").await;
    assert!(matches!(refused, Err(RemoteError::KeyRefused { .. })), "{refused:?}");
}

/// Domains and templates of the service are found, and unknown ones are not.
pub async fn domains_and_templates_are_found(fixture: &impl TemplateServiceFixture) {
    let senders = fixture.senders();
    let domain = async |id| senders.find_domain(workspace(), id).await.unwrap().map(|domain| (domain.name, domain.state));
    let acme = |state| Some(("acme.example".to_owned(), state));
    assert_eq!(domain(ACTIVE_DOMAIN).await, acme(DomainState::Active));
    assert_eq!(domain(PENDING_DOMAIN).await, acme(DomainState::NotActive));
    assert_eq!(domain(RECEIVING_DOMAIN).await, acme(DomainState::CannotSend));
    assert_eq!(domain(SenderDomainId::new(Uuid::nil())).await, None);
    for unknown in ["none", "..", "", "a/b?c"] {
        assert!(!senders.has_template(workspace(), unknown).await.unwrap(), "{unknown}");
    }
    assert!(senders.has_template(workspace(), "welcome").await.unwrap());
}

fn request(entry: u128, app: &str, address: &str) -> InviteRequest {
    InviteRequest {
        workspace_id: workspace(),
        app_slug: app.to_owned(),
        entry_id: EntryId::new(Uuid::from_u128(entry)),
        email: email(address),
        name: PersonName::parse("Ada").unwrap(),
    }
}

/// One entry and one app give one invitation, even if the answer to the first request was lost. Another entry or another app is another
/// invitation.
pub async fn one_entry_and_one_app_are_one_invitation(fixture: &impl InviterFixture) {
    let inviter = fixture.inviter();
    // The adapter keeps the list of apps from here on.
    inviter.invite(request(9, "other", "bob@example.com")).await.unwrap();
    fixture.misbehave(Some(Misbehaviour::Lose));
    let lost = inviter.invite(request(1, "acme-app", "ada@example.com")).await;
    assert!(matches!(lost, Err(InviteError::Remote(RemoteError::TimedOut { .. }))), "{lost:?}");
    fixture.misbehave(None);
    let first = inviter.invite(request(1, "acme-app", "ada@example.com")).await.unwrap();
    assert_eq!(inviter.invite(request(1, "acme-app", "ada@example.com")).await.unwrap(), first);
    assert_eq!(fixture.invites(), 2);
    assert!(first.url.is_some_and(|url| url.starts_with("https://")));
    assert_ne!(inviter.invite(request(1, "other", "ada@example.com")).await.unwrap().id, first.id);
    assert_ne!(inviter.invite(request(2, "acme-app", "eve@example.com")).await.unwrap().id, first.id);
}

/// An unknown app and a person who is already a user are refused with different errors.
pub async fn an_unknown_app_and_a_user_are_told_apart(fixture: &impl InviterFixture) {
    let inviter = fixture.inviter();
    for unknown in ["none", "", "ACME-APP", "../x"] {
        let refused = inviter.invite(request(1, unknown, "ada@example.com")).await;
        assert!(matches!(refused, Err(InviteError::UnknownApp)), "{unknown}: {refused:?}");
    }
    let refused = inviter.invite(request(1, "acme-app", "user@example.com")).await;
    assert!(matches!(refused, Err(InviteError::AlreadyUser)), "{refused:?}");
    assert_eq!(fixture.invites(), 0);
}

/// A misbehaving service is a fault. The adapter believes no such answer, and waits no longer than the deadline, whether or not it has the
/// list of apps.
pub async fn an_inviting_service_that_misbehaves_is_told(fixture: &impl InviterFixture) {
    let inviter = fixture.inviter();
    for known in [false, true] {
        for how in Misbehaviour::QUICK.into_iter().chain([Misbehaviour::Status(422), Misbehaviour::Status(400)]) {
            fixture.misbehave(Some(how));
            let outcome = in_time(how, inviter.invite(request(1, "acme-app", "ada@example.com"))).await;
            assert!(matches!(outcome, Err(InviteError::Remote(RemoteError::Failed { .. }))), "{known}, {how:?}: {outcome:?}");
        }
        for how in Misbehaviour::SLOW {
            fixture.misbehave(Some(how));
            // It has its own invitation, so that an invitation whose answer was lost belongs to no other call.
            let outcome = in_time(how, inviter.invite(request(2, "acme-app", "slow@example.com"))).await;
            assert!(matches!(outcome, Err(InviteError::Remote(RemoteError::TimedOut { .. }))), "{known}, {how:?}: {outcome:?}");
        }
        fixture.misbehave(Some(Misbehaviour::Status(401)));
        let refused = inviter.invite(request(1, "acme-app", "ada@example.com")).await;
        assert!(matches!(refused, Err(InviteError::Remote(RemoteError::KeyRefused { .. }))), "{refused:?}");
        fixture.misbehave(Some(Misbehaviour::TooMany(30)));
        let refused = inviter.invite(request(1, "acme-app", "ada@example.com")).await;
        let Err(InviteError::Remote(refused)) = refused else { panic!("{refused:?}") };
        assert_eq!(refused.retry_after(), Some(time::Duration::seconds(30)));
        fixture.misbehave(None);
        inviter.invite(request(1, "acme-app", "ada@example.com")).await.unwrap();
    }
}

/// A token with a score below the least one is not of a person. A token is good once. A text that is no token, or is too long to be one, is
/// not of a person.
pub async fn people_are_told_from_programs(fixture: &impl HumanFixture) {
    let humans = fixture.humans();
    let address: Option<IpAddr> = Some("2001:db8::7".parse().unwrap());
    for (token, verdict) in [
        ("human", Humanity::Human),
        ("human", Humanity::NotHuman),
        ("scoreless", Humanity::Human),
        ("robot", Humanity::NotHuman),
        ("unknown", Humanity::NotHuman),
        ("", Humanity::NotHuman),
        ("a&secret=b", Humanity::NotHuman),
        ("expired", Humanity::NotHuman),
        ("seen", Humanity::NotHuman),
        ("unheard-of", Humanity::NotHuman),
        ("no-reason", Humanity::NotHuman),
    ] {
        assert_eq!(humans.check(token, address).await.unwrap(), verdict, "{token}");
    }
    let before = fixture.requests();
    assert_eq!(humans.check(&"x".repeat(100_000), None).await.unwrap(), Humanity::NotHuman);
    assert_eq!(fixture.requests(), before, "what cannot be a token costs a request");
}

/// A verifier that misbehaves is a fault, and no answer about the person or the program.
pub async fn a_verifier_that_misbehaves_judges_nobody(fixture: &impl HumanFixture) {
    let humans = fixture.humans();
    let statuses = [400, 401, 404, 429].map(Misbehaviour::Status);
    for how in Misbehaviour::QUICK.into_iter().chain(Misbehaviour::SLOW).chain(statuses) {
        fixture.misbehave(Some(how));
        let outcome = in_time(how, humans.check("token", None)).await;
        assert!(matches!(outcome, Err(Fault::Unavailable(_))), "{how:?}: {outcome:?}");
    }
    fixture.misbehave(None);
    for reason in ["trouble", "trouble-too", "bad-request", "wrong-secret", "no-secret"] {
        let outcome = humans.check(reason, None).await;
        assert!(matches!(outcome, Err(Fault::Unavailable(_))), "{reason}: {outcome:?}");
    }
}

/// Makes a test of every case of one port for a type that is its fixture: `remote_contract!(mailer: MyFixture)`, `inviter` or
/// `humans`. `template_service` has further cases for a mailer whose service keeps the templates.
///
/// The tests run on tokio, so the crate that calls this needs `tokio` with `macros` and `rt-multi-thread`. They use sockets of this machine
/// and its clock.
#[macro_export]
macro_rules! remote_contract {
    (mailer: $fixture:ty) => {
        $crate::remote_contract! { @cases $fixture;
            a_mail_has_one_identity_on_every_attempt
            a_refusal_is_told_from_what_may_pass
            content_of_another_form_is_refused
            a_mail_service_that_misbehaves_is_tried_later
        }
    };
    (template_service: $fixture:ty) => {
        $crate::remote_contract! { @cases $fixture;
            a_mail_is_sent_once_however_often_it_is_asked
            a_status_tells_what_is_refused_from_what_may_pass
            a_directory_that_misbehaves_is_told
            domains_and_templates_are_found
        }
    };
    (inviter: $fixture:ty) => {
        $crate::remote_contract! { @cases $fixture;
            one_entry_and_one_app_are_one_invitation
            an_unknown_app_and_a_user_are_told_apart
            an_inviting_service_that_misbehaves_is_told
        }
    };
    (humans: $fixture:ty) => {
        $crate::remote_contract! { @cases $fixture;
            people_are_told_from_programs
            a_verifier_that_misbehaves_judges_nobody
        }
    };
    (@cases $fixture:ty; $($case:ident)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let fixture = <$fixture as $crate::remote::RemoteFixture>::fresh().await;
            $crate::remote::$case(&fixture).await;
        }
    )+};
}
