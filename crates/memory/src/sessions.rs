//! [`SessionStore`] in memory.

use std::cmp::Reverse;

use async_trait::async_trait;
use rally_domain::command::{
    BeginSession, CreateSignInLink, EndSession, NoteUse, SpendLink, SpendLinkRejection, TrySignIn, TrySignInRejection,
};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{LinkId, SessionId};
use rally_domain::port::SessionStore;
use rally_domain::secret::NetworkHash;
use rally_domain::session::{Session, SignInLink, SignInTries};
use rally_domain::timestamp::Timestamp;

use crate::data::Data;
use crate::flaw::Flaw;
use crate::{MemoryStore, rejected};

/// The most sessions of a list.
const MAX_LISTED: usize = 1000;

#[async_trait]
impl SessionStore for MemoryStore {
    async fn create_link(&self, command: CreateSignInLink) -> Result<(), Fault> {
        let work = |data: &mut Data| {
            let link = data.audit(command.decide());
            let workspace_id = link.workspace_id.filter(|_| !data.flaw.is(Flaw::LinksForgetWorkspaces));
            data.sign_in_links.insert(link.id, SignInLink { workspace_id, ..link });
        };
        self.write(work).await;
        Ok(())
    }

    async fn find_link(&self, id: LinkId, now: Timestamp) -> Result<Option<SignInLink>, Fault> {
        let look = |data: &Data| {
            let link = data.sign_in_links.get(&id).cloned();
            link.filter(|link| !link.is_over(now) || data.flaw.is(Flaw::LinksNeverEnd))
        };
        Ok(self.read(look))
    }

    async fn spend_link(&self, command: SpendLink) -> Result<Session, CommandError<SpendLinkRejection>> {
        let look = |data: &Data| data.sign_in_links.get(&command.id).cloned();
        let early = self.read_early(Flaw::LinksReadEarly, look).await;
        let work = |data: &mut Data| {
            let link = early.unwrap_or_else(|| look(data));
            if data.flaw.is(Flaw::WrongTokensSpendLinks) {
                data.sign_in_links.remove(&command.id);
            }
            let session = command.decide(link.as_ref()).map_err(rejected)?;
            if !data.flaw.is(Flaw::SpentLinksWork) {
                data.sign_in_links.remove(&command.id);
            }
            data.sessions.insert(session.id, session.clone());
            Ok(session)
        };
        self.write(work).await
    }

    async fn begin(&self, command: BeginSession) -> Result<(), Fault> {
        let work = |data: &mut Data| {
            let session = command.session;
            let seen_at = if data.flaw.is(Flaw::SessionsForgetTheirUse) { session.created_at } else { session.seen_at };
            data.sessions.insert(session.id, Session { seen_at, ..session });
        };
        self.write(work).await;
        Ok(())
    }

    async fn find(&self, id: SessionId, now: Timestamp) -> Result<Option<Session>, Fault> {
        let look = |data: &Data| {
            let session = data.sessions.get(&id).filter(|session| data.goes_on(session)).cloned();
            session.filter(|session| !session.is_over(now) || data.flaw.is(Flaw::SessionsNeverEnd))
        };
        Ok(self.tell(Flaw::SessionsKept, (id, now), look))
    }

    async fn note_use(&self, command: NoteUse) -> Result<(), Fault> {
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let Some(session) = data.sessions.get_mut(&command.id).filter(|_| !flaw.is(Flaw::UsesForgotten)) else { return };
            let used = session.clone().used(command.now);
            *session = if flaw.is(Flaw::LateUsesCount) { Session { seen_at: command.now, ..used } } else { used };
        };
        self.write(work).await;
        Ok(())
    }

    async fn list(&self, now: Timestamp) -> Result<Vec<Session>, Fault> {
        let look = |data: &Data| {
            let lists_all = data.flaw.is(Flaw::EndedSessionsListed);
            let listed = |session: &&Session| lists_all || (data.goes_on(session) && !session.is_over(now));
            let mut sessions: Vec<Session> = data.sessions.values().filter(listed).cloned().collect();
            sessions.sort_by_key(|session| Reverse(session.seen_at));
            if data.flaw.is(Flaw::SessionsInOrderOfEnds) {
                sessions.sort_by_key(|session| Reverse(session.expires_at()));
            }
            sessions.truncate(data.flaw.rows(MAX_LISTED));
            sessions
        };
        Ok(self.read(look))
    }

    async fn end(&self, command: EndSession) -> Result<bool, Fault> {
        let work = |data: &mut Data| {
            let current = data.sessions.remove(&command.id);
            let ended = data.audit(command.decide(current.as_ref()));
            if data.flaw.is(Flaw::AllSessionsEnd) {
                data.sessions.clear();
            }
            ended
        };
        Ok(self.write(work).await)
    }

    async fn try_sign_in(&self, command: TrySignIn) -> Result<(), CommandError<TrySignInRejection>> {
        let look = |data: &Data| data.tries_of(command.client);
        let early = self.read_early(Flaw::TriesReadEarly, look).await;
        let work = |data: &mut Data| {
            let tries = early.unwrap_or_else(|| look(data));
            if data.flaw.is(Flaw::RefusedTriesCount) && command.decide(&tries).is_err() {
                let again = (0..SignInTries::MAX).try_fold(SignInTries::default(), |tries, _| tries.with(command.now));
                data.sign_in_tries.insert(command.client, (again.unwrap_or_default(), command.now));
            }
            let tries = command.decide(&tries).map_err(rejected)?;
            let client = data.client(command.client);
            data.sign_in_tries.insert(client, (tries, command.now));
            Ok(())
        };
        self.write(work).await
    }

    async fn forgive(&self, command: TrySignIn) -> Result<(), Fault> {
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let Some((tries, _)) = data.sign_in_tries.get_mut(&command.client).filter(|_| !flaw.is(Flaw::TriesNotForgiven)) else { return };
            *tries = if flaw.is(Flaw::AllTriesForgiven) { SignInTries::default() } else { tries.clone().without(command.now) };
        };
        self.write(work).await;
        Ok(())
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault> {
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let is_over =
                |session: &Session| session.expires_at() < before || (flaw.is(Flaw::LiveSessionsPruned) && session.is_over(before));
            let sessions = data.sessions.values().filter(|session| is_over(session)).map(|session| session.id);
            let sessions: Vec<SessionId> = sessions.take(flaw.prunes(most)).collect();
            sessions.iter().for_each(|id| drop(data.sessions.remove(id)));
            let links = data.sign_in_links.values().filter(|link| link.expires_at() < before).map(|link| link.id);
            let links: Vec<LinkId> = links.take(flaw.prunes(most)).collect();
            for id in &links {
                data.sign_in_links.remove(id);
            }
            let counted = |at: Timestamp| before < at.plus(SignInTries::PERIOD) && !flaw.is(Flaw::TriesPrunedEarly);
            let clients = data.sign_in_tries.iter().filter(|(_, (_, at))| !counted(*at)).map(|(client, _)| *client);
            let clients: Vec<NetworkHash> = clients.take(flaw.prunes(most)).collect();
            clients.iter().for_each(|client| drop(data.sign_in_tries.remove(client)));
            (sessions.len() + links.len() + clients.len()) as u64
        };
        Ok(self.write(work).await)
    }
}

impl Data {
    /// Whether nothing but time ends a session: its API key still works.
    fn goes_on(&self, session: &Session) -> bool {
        let works = |id| self.api_keys.iter().any(|key| key.id == id && key.revoked_at.is_none());
        session.api_key_id.is_none_or(works) || self.flaw.is(Flaw::SessionsOutliveKeys)
    }

    /// The client under which tries are counted.
    fn client(&self, client: NetworkHash) -> NetworkHash {
        if self.flaw.is(Flaw::TriesShared) { NetworkHash::new([0; 16]) } else { client }
    }

    fn tries_of(&self, client: NetworkHash) -> SignInTries {
        self.sign_in_tries.get(&self.client(client)).map(|(tries, _)| tries.clone()).unwrap_or_default()
    }
}
