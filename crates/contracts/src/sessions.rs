//! Cases of [`SessionStore`](rally_domain::port::SessionStore).

use std::cmp::Reverse;

use futures_util::future::join_all;
use rally_domain::command::{
    BeginSession, CreateSignInLink, EndSession, NoteUse, SpendLink, SpendLinkRejection, TrySignIn, TrySignInRejection,
};
use rally_domain::error::CommandError;
use rally_domain::id::{LinkId, SessionId, WorkspaceId};
use rally_domain::port::Ports;
use rally_domain::secret::NetworkHash;
use rally_domain::session::{Session, SignInLink, SignInTries, TokenHash};
use rally_domain::text::Subject;
use rally_domain::timestamp::Timestamp;
use time::Duration;

use crate::Fixture;
use crate::access::api_key;
use crate::samples::{ACTOR, create_api_key, delete_workspace, later, revoke_api_key, workspace};

/// A session of all workspaces that begins now.
pub fn session(ports: &Ports) -> Session {
    let id = ports.ids.uuid();
    let mut token = [7; 32];
    token[..16].copy_from_slice(id.as_bytes());
    Session {
        id: SessionId::new(id),
        token: TokenHash::new(token),
        workspace_id: None,
        person: Subject::from_stored("Ada".to_owned()),
        scope: "waitlist.* entry.read".to_owned(),
        api_key_id: None,
        created_at: ports.clock.now(),
        seen_at: ports.clock.now(),
    }
}

/// A link to a workspace, or to all of them, that is made now.
pub fn link(ports: &Ports, workspace_id: Option<WorkspaceId>) -> SignInLink {
    SignInLink { id: LinkId::new(ports.ids.uuid()), token: TokenHash::new([3; 32]), workspace_id, created_at: ports.clock.now() }
}

/// The command that begins a session with a link.
pub fn spend(ports: &Ports, link: &SignInLink) -> SpendLink {
    let session = session(ports);
    SpendLink { id: link.id, token: link.token, session_id: session.id, session_token: session.token, now: ports.clock.now() }
}

async fn begin(ports: &Ports, session: &Session) {
    ports.sessions.begin(BeginSession { session: session.clone() }).await.unwrap();
}

async fn keep(ports: &Ports, link: &SignInLink) {
    ports.sessions.create_link(CreateSignInLink { link: link.clone(), actor: ACTOR }).await.unwrap();
}

fn client(byte: u8) -> NetworkHash {
    NetworkHash::new([byte; 16])
}

fn no_link<T: std::fmt::Debug>(outcome: Result<T, CommandError<SpendLinkRejection>>) {
    assert!(matches!(outcome, Err(CommandError::Rejected(SpendLinkRejection::NoSuchLink))), "{outcome:?}");
}

/// Whether a try is allowed.
async fn may_try(ports: &Ports, client: NetworkHash, now: Timestamp) -> bool {
    match ports.sessions.try_sign_in(TrySignIn { client, now }).await {
        Ok(()) => true,
        Err(CommandError::Rejected(TrySignInRejection::TooMany { .. })) => false,
        Err(CommandError::Fault(fault)) => panic!("{fault}"),
    }
}

/// A session reads back with everything that it was written with, in every process.
pub async fn a_session_reads_back_as_it_was_written(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let acme = workspace(&ports, "acme").await.id;
    let key = api_key(&ports, acme, "rally_live_a");
    ports.api_keys.insert(create_api_key(key.clone())).await.unwrap();
    let of_all = session(&ports);
    let of_key = Session { workspace_id: Some(acme), api_key_id: Some(key.id), seen_at: later(&ports, 5), ..session(&ports) };
    for session in [&of_all, &of_key] {
        begin(&ports, session).await;
        assert_eq!(there.sessions.find(session.id, later(&ports, 6)).await.unwrap().as_ref(), Some(session));
    }
    assert_eq!(ports.sessions.find(SessionId::new(ports.ids.uuid()), ports.clock.now()).await.unwrap(), None);
}

/// A session is over after some time without use, and after its longest time.
pub async fn a_session_ends_by_itself(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let session = session(&ports);
    begin(&ports, &session).await;
    let end = session.expires_at();
    assert_eq!(ports.sessions.find(session.id, end.plus(Duration::milliseconds(-1))).await.unwrap(), Some(session.clone()));
    assert_eq!(ports.sessions.list(end.plus(Duration::milliseconds(-1))).await.unwrap().len(), 1);
    assert_eq!(ports.sessions.find(session.id, end).await.unwrap(), None);
    assert_eq!(ports.sessions.list(end).await.unwrap(), []);
}

/// A use lengthens a session, and a late note of an earlier use does not shorten it.
pub async fn a_session_lasts_while_it_is_used(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let (session, other) = (session(&ports), session(&ports));
    begin(&ports, &session).await;
    begin(&ports, &other).await;
    let used = session.created_at.plus(Duration::hours(11));
    there.sessions.note_use(NoteUse { id: session.id, now: used }).await.unwrap();
    ports.sessions.note_use(NoteUse { id: session.id, now: used.plus(Duration::hours(-1)) }).await.unwrap();
    let afterwards = used.plus(Duration::hours(11));
    assert_eq!(ports.sessions.find(session.id, afterwards).await.unwrap(), Some(session.clone().used(used)));
    assert_eq!(ports.sessions.find(other.id, afterwards).await.unwrap(), None);
    ports.sessions.note_use(NoteUse { id: SessionId::new(ports.ids.uuid()), now: used }).await.unwrap();
    assert_eq!(ports.sessions.list(afterwards).await.unwrap(), [session.used(used)]);
}

/// An ended session is gone in every process, and others stay.
pub async fn an_ended_session_is_gone(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let (session, other, now) = (session(&ports), session(&ports), ports.clock.now());
    begin(&ports, &session).await;
    begin(&ports, &other).await;
    assert!(there.sessions.find(session.id, now).await.unwrap().is_some());
    let end = EndSession { id: session.id, actor: ACTOR, now };
    assert!(ports.sessions.end(end.clone()).await.unwrap());
    assert!(!ports.sessions.end(end).await.unwrap());
    assert_eq!(there.sessions.find(session.id, now).await.unwrap(), None);
    assert_eq!(there.sessions.list(now).await.unwrap(), [other]);
}

/// The sessions of an API key end with it.
pub async fn a_revoked_key_ends_its_sessions(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let (acme, now) = (workspace(&ports, "acme").await.id, ports.clock.now());
    let keys = [api_key(&ports, acme, "rally_live_a"), api_key(&ports, acme, "rally_live_b")];
    let mut sessions = Vec::new();
    for key in &keys {
        ports.api_keys.insert(create_api_key(key.clone())).await.unwrap();
        sessions.push(Session { workspace_id: Some(acme), api_key_id: Some(key.id), ..session(&ports) });
        begin(&ports, &sessions[sessions.len() - 1]).await;
    }
    assert!(there.sessions.find(sessions[0].id, now).await.unwrap().is_some());
    assert!(ports.api_keys.revoke(revoke_api_key(keys[0].id, now)).await.unwrap());
    assert_eq!(there.sessions.find(sessions[0].id, now).await.unwrap(), None);
    assert_eq!(there.sessions.find(sessions[1].id, now).await.unwrap().as_ref(), Some(&sessions[1]));
    assert_eq!(there.sessions.list(now).await.unwrap(), [sessions[1].clone()]);
    // A session that another process begins at that moment ends too.
    let late = Session { workspace_id: Some(acme), api_key_id: Some(keys[0].id), ..session(&ports) };
    begin(&there, &late).await;
    assert_eq!(ports.sessions.find(late.id, now).await.unwrap(), None);
    assert_eq!(ports.sessions.list(now).await.unwrap().len(), 1);
}

/// The sessions of a deleted workspace, and the links to it, are gone at once. Those of all workspaces stay.
pub async fn a_deleted_workspace_takes_its_sessions_with_it(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let (acme, now) = (workspace(&ports, "acme").await.id, ports.clock.now());
    let (mine, of_all) = (Session { workspace_id: Some(acme), ..session(&ports) }, session(&ports));
    let (to_acme, to_all) = (link(&ports, Some(acme)), link(&ports, None));
    for session in [&mine, &of_all] {
        begin(&ports, session).await;
    }
    for link in [&to_acme, &to_all] {
        keep(&ports, link).await;
    }
    ports.workspaces.delete(delete_workspace(&ports, "acme")).await.unwrap();
    assert_eq!(ports.sessions.find(mine.id, now).await.unwrap(), None);
    assert_eq!(ports.sessions.list(now).await.unwrap(), [of_all]);
    assert_eq!(ports.sessions.find_link(to_acme.id, now).await.unwrap(), None);
    no_link(ports.sessions.spend_link(spend(&ports, &to_acme)).await);
    assert!(ports.sessions.find_link(to_all.id, now).await.unwrap().is_some());
}

/// Sessions are listed by their last use, the latest first, whenever they began, and no more than a thousand.
pub async fn sessions_go_by_their_last_use(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let mut sessions = Vec::new();
    for (age, seen) in [(0, 2), (167, 3), (120, 1)] {
        let begun = ports.clock.now().plus(Duration::hours(-age));
        sessions.push(Session { created_at: begun, seen_at: later(&ports, seen), ..session(&ports) });
        begin(&ports, &sessions[sessions.len() - 1]).await;
    }
    let shown = ports.sessions.list(later(&ports, 4)).await.unwrap();
    assert_eq!(shown, [sessions[1].clone(), sessions[0].clone(), sessions[2].clone()]);
    for _ in 0..1000 {
        begin(&ports, &session(&ports)).await;
    }
    let shown = ports.sessions.list(later(&ports, 4)).await.unwrap();
    assert_eq!(shown.len(), 1000);
    assert!(shown.is_sorted_by_key(|session| Reverse(session.seen_at)));
}

/// A link reads back with everything that it was written with, in every process.
pub async fn a_link_reads_back_as_it_was_written(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let acme = workspace(&ports, "acme").await.id;
    for link in [link(&ports, None), link(&ports, Some(acme))] {
        keep(&ports, &link).await;
        assert_eq!(there.sessions.find_link(link.id, ports.clock.now()).await.unwrap(), Some(link));
    }
    assert_eq!(there.sessions.find_link(LinkId::new(ports.ids.uuid()), ports.clock.now()).await.unwrap(), None);
}

/// A link works until its time is over.
pub async fn a_link_lasts_a_quarter_of_an_hour(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let link = link(&ports, None);
    keep(&ports, &link).await;
    let end = link.created_at.plus(SignInLink::LIFETIME);
    no_link(ports.sessions.spend_link(SpendLink { now: end, ..spend(&ports, &link) }).await);
    assert_eq!(ports.sessions.find_link(link.id, end).await.unwrap(), None);
    let last = end.plus(Duration::milliseconds(-1));
    assert!(ports.sessions.find_link(link.id, last).await.unwrap().is_some());
    ports.sessions.spend_link(SpendLink { now: last, ..spend(&ports, &link) }).await.unwrap();
}

/// A link begins a session of its workspace, and is gone.
pub async fn a_link_begins_one_session(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let (acme, now) = (workspace(&ports, "acme").await.id, ports.clock.now());
    let link = link(&ports, Some(acme));
    keep(&ports, &link).await;
    let session = ports.sessions.spend_link(spend(&ports, &link)).await.unwrap();
    assert_eq!((session.workspace_id, session.scope.as_str()), (Some(acme), "*"));
    assert_eq!(there.sessions.find(session.id, now).await.unwrap(), Some(session));
    assert_eq!(there.sessions.find_link(link.id, now).await.unwrap(), None);
    no_link(there.sessions.spend_link(spend(&ports, &link)).await);
    assert_eq!(ports.sessions.list(now).await.unwrap().len(), 1);
}

/// However many processes spend a link at once, one session begins.
pub async fn a_link_begins_one_session_under_concurrency(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let link = link(&ports, None);
    keep(&ports, &link).await;
    let spends = (0..8).map(|n| if n % 2 == 0 { &ports } else { &there }).map(|ports| ports.sessions.spend_link(spend(ports, &link)));
    let outcomes = join_all(spends).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    outcomes.into_iter().filter(Result::is_err).for_each(no_link);
    assert_eq!(ports.sessions.list(ports.clock.now()).await.unwrap().len(), 1);
}

/// A client with another token does not use the link up.
pub async fn a_wrong_token_leaves_the_link(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let link = link(&ports, None);
    keep(&ports, &link).await;
    no_link(ports.sessions.spend_link(SpendLink { token: TokenHash::new([4; 32]), ..spend(&ports, &link) }).await);
    assert_eq!(ports.sessions.list(ports.clock.now()).await.unwrap(), []);
    ports.sessions.spend_link(spend(&ports, &link)).await.unwrap();
}

/// Tries of all processes count together, also if they are made at once.
pub async fn tries_of_all_processes_count_together(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let now = ports.clock.now();
    let tries = (0..2 * SignInTries::MAX).map(|n| if n % 2 == 0 { &ports } else { &there }).map(|ports| may_try(ports, client(1), now));
    let allowed = join_all(tries).await.into_iter().filter(|allowed| *allowed).count();
    assert_eq!(allowed, SignInTries::MAX);
    assert!(!may_try(&there, client(1), now.plus(SignInTries::PERIOD).plus(Duration::milliseconds(-1))).await);
    assert!(may_try(&there, client(1), now.plus(SignInTries::PERIOD)).await);
}

/// The tries of a client are its own.
pub async fn every_client_has_tries_of_its_own(fixture: &impl Fixture) {
    let (ports, now) = (fixture.ports(), fixture.ports().clock.now());
    for _ in 0..SignInTries::MAX {
        assert!(may_try(&ports, client(1), now).await);
    }
    assert!(!may_try(&ports, client(1), now).await);
    assert!(may_try(&ports, client(2), now).await);
}

/// A try that was refused does not lengthen the time until the next one.
pub async fn a_refused_try_does_not_count(fixture: &impl Fixture) {
    let (ports, now) = (fixture.ports(), fixture.ports().clock.now());
    for _ in 0..SignInTries::MAX {
        assert!(may_try(&ports, client(1), now).await);
    }
    for minute in 1..10 {
        assert!(!may_try(&ports, client(1), now.plus(Duration::minutes(minute))).await, "{minute}");
    }
    let free = now.plus(SignInTries::PERIOD);
    for _ in 0..SignInTries::MAX {
        assert!(may_try(&ports, client(1), free).await);
    }
    assert!(!may_try(&ports, client(1), free).await);
}

/// A try that succeeded is taken back, and it alone.
pub async fn a_try_that_succeeded_does_not_count(fixture: &impl Fixture) {
    let ports = fixture.ports();
    for second in 0..10 {
        assert!(may_try(&ports, client(1), later(&ports, second)).await);
    }
    ports.sessions.forgive(TrySignIn { client: client(1), now: later(&ports, 9) }).await.unwrap();
    ports.sessions.forgive(TrySignIn { client: client(2), now: later(&ports, 0) }).await.unwrap();
    assert!(may_try(&ports, client(1), later(&ports, 10)).await);
    assert!(!may_try(&ports, client(1), later(&ports, 11)).await);
}

/// A prune deletes what is over, and nothing else.
pub async fn what_is_over_is_pruned(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let (session, link, now) = (session(&ports), link(&ports, None), ports.clock.now());
    begin(&ports, &session).await;
    keep(&ports, &link).await;
    assert!(may_try(&ports, client(1), now).await);
    assert_eq!(ports.sessions.prune(later(&ports, 599), 10).await.unwrap(), 0);
    for _ in 1..SignInTries::MAX {
        assert!(may_try(&ports, client(1), later(&ports, 599)).await);
    }
    assert!(!may_try(&ports, client(1), later(&ports, 599)).await, "the first one still counts");
    assert_eq!(ports.sessions.prune(link.expires_at(), 10).await.unwrap(), 0);
    assert_eq!(ports.sessions.prune(session.expires_at(), 10).await.unwrap(), 2);
    assert!(ports.sessions.find(session.id, now).await.unwrap().is_some());
    assert_eq!(ports.sessions.find_link(link.id, now).await.unwrap(), None);
    assert_eq!(ports.sessions.prune(session.expires_at().plus(Duration::milliseconds(1)), 10).await.unwrap(), 1);
    assert_eq!(ports.sessions.find(session.id, now).await.unwrap(), None);
}

/// A prune deletes about as many as it may.
pub async fn sessions_are_pruned_so_many_at_a_time(fixture: &impl Fixture) {
    let ports = fixture.ports();
    for second in 0..5 {
        let begun = later(&ports, second);
        begin(&ports, &Session { created_at: begun, seen_at: begun, ..session(&ports) }).await;
    }
    let afterwards = ports.clock.now().plus(Duration::days(1));
    for expected in [2, 2, 1, 0] {
        assert_eq!(ports.sessions.prune(afterwards, 2).await.unwrap(), expected);
    }
}
