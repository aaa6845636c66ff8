//! [`SessionStore`] on SQLite.

use std::cmp::Reverse;
use std::convert::Infallible;

use async_trait::async_trait;
use diesel::dsl::exists;
use diesel::prelude::*;
use rally_domain::command::{
    BeginSession, CreateSignInLink, EndSession, NoteUse, SpendLink, SpendLinkRejection, TrySignIn, TrySignInRejection,
};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{ApiKeyId, LinkId, SessionId, WorkspaceId};
use rally_domain::port::SessionStore;
use rally_domain::secret::NetworkHash;
use rally_domain::session::{Session, SignInLink, SignInTries, TokenHash};
use rally_domain::text::Subject;
use rally_domain::timestamp::Timestamp;

use crate::convert::{Blob, corrupt, digest, instant, to_bigint};
use crate::fault::{Abort, query_fault};
use crate::schema::{api_keys, sessions, sign_in_links, sign_in_tries};
use crate::{SqliteStore, audit};

/// The most sessions of a list.
const MAX_LISTED: i64 = 1000;

#[async_trait]
impl SessionStore for SqliteStore {
    async fn create_link(&self, command: CreateSignInLink) -> Result<(), Fault> {
        let done = self.database.write::<_, Infallible>(move |c| {
            let link = audit::write(c, command.decide())?;
            diesel::insert_into(sign_in_links::table).values(LinkRow::from(&link)).execute(c)?;
            Ok(())
        });
        Ok(done.await?)
    }

    async fn find_link(&self, id: LinkId, now: Timestamp) -> Result<Option<SignInLink>, Fault> {
        self.database
            .read(move |c| {
                let row = find_link(c, id).map_err(query_fault)?;
                Ok(row.map(SignInLink::try_from).transpose()?.filter(|link| !link.is_over(now)))
            })
            .await
    }

    async fn spend_link(&self, command: SpendLink) -> Result<Session, CommandError<SpendLinkRejection>> {
        self.database
            .write(move |c| {
                let link = find_link(c, command.id)?.map(SignInLink::try_from).transpose()?;
                let session = command.decide(link.as_ref()).map_err(Abort::Rejected)?;
                diesel::delete(sign_in_links::table.find(Blob(command.id.uuid()))).execute(c)?;
                insert(c, &session)?;
                Ok(session)
            })
            .await
    }

    async fn begin(&self, command: BeginSession) -> Result<(), Fault> {
        let done = self.database.write::<_, Infallible>(move |c| {
            insert(c, &command.session)?;
            Ok(())
        });
        Ok(done.await?)
    }

    async fn find(&self, id: SessionId, now: Timestamp) -> Result<Option<Session>, Fault> {
        self.database
            .read(move |c| {
                let row = find(c, id).map_err(query_fault)?;
                let Some(session) = row.map(Session::try_from).transpose()?.filter(|session| !session.is_over(now)) else {
                    return Ok(None);
                };
                Ok(goes_on(c, &session).map_err(query_fault)?.then_some(session))
            })
            .await
    }

    async fn note_use(&self, command: NoteUse) -> Result<(), Fault> {
        let done = self.database.write::<_, Infallible>(move |c| {
            if let Some(session) = find(c, command.id)?.map(Session::try_from).transpose()? {
                let used = SessionRow::from(&session.used(command.now));
                let change = (sessions::seen_at.eq(used.seen_at), sessions::expires_at.eq(used.expires_at));
                diesel::update(sessions::table.find(used.id)).set(change).execute(c)?;
            }
            Ok(())
        });
        Ok(done.await?)
    }

    async fn list(&self, now: Timestamp) -> Result<Vec<Session>, Fault> {
        self.database
            .read(move |c| {
                let query = sessions::table
                    .filter(sessions::expires_at.gt(now.unix_millis()))
                    .order(sessions::expires_at.desc())
                    .limit(MAX_LISTED)
                    .select(SessionRow::as_select());
                let rows: Vec<SessionRow> = query.load(c).map_err(query_fault)?;
                let mut sessions = Vec::with_capacity(rows.len());
                for session in rows.into_iter().map(Session::try_from) {
                    let session = session?;
                    if goes_on(c, &session).map_err(query_fault)? {
                        sessions.push(session);
                    }
                }
                sessions.sort_by_key(|session| Reverse(session.seen_at));
                Ok(sessions)
            })
            .await
    }

    async fn end(&self, command: EndSession) -> Result<bool, Fault> {
        let id = Blob(command.id.uuid());
        let done = self.database.write::<_, Infallible>(move |c| {
            let current = find(c, command.id)?.map(Session::try_from).transpose()?;
            let is_there = audit::write(c, command.decide(current.as_ref()))?;
            Ok(is_there && diesel::delete(sessions::table.find(id)).execute(c)? > 0)
        });
        Ok(done.await?)
    }

    async fn try_sign_in(&self, command: TrySignIn) -> Result<(), CommandError<TrySignInRejection>> {
        self.database
            .write(move |c| {
                let tries = command.decide(&load_tries(c, command.client)?).map_err(Abort::Rejected)?;
                write_tries(c, command, &tries)?;
                Ok(())
            })
            .await
    }

    async fn forgive(&self, command: TrySignIn) -> Result<(), Fault> {
        let done = self.database.write::<_, Infallible>(move |c| {
            let tries = load_tries(c, command.client)?.without(command.now);
            write_tries(c, command, &tries)?;
            Ok(())
        });
        Ok(done.await?)
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault> {
        let done = self.database.write::<_, Infallible>(move |c| {
            let (most, uncounted) = (to_bigint(most as u64), before.plus(-SignInTries::PERIOD).unix_millis());
            let over = sessions::table.filter(sessions::expires_at.lt(before.unix_millis())).order(sessions::expires_at).limit(most);
            let over: Vec<Blob> = over.select(sessions::id).load(c)?;
            let sessions = diesel::delete(sessions::table.filter(sessions::id.eq_any(over))).execute(c)?;
            let over = sign_in_links::table.filter(sign_in_links::expires_at.lt(before.unix_millis())).order(sign_in_links::expires_at);
            let over: Vec<Blob> = over.limit(most).select(sign_in_links::id).load(c)?;
            let links = diesel::delete(sign_in_links::table.filter(sign_in_links::id.eq_any(over))).execute(c)?;
            let old = sign_in_tries::table.filter(sign_in_tries::last_at.le(uncounted)).order(sign_in_tries::last_at).limit(most);
            let old: Vec<Vec<u8>> = old.select(sign_in_tries::client).load(c)?;
            let tries = diesel::delete(sign_in_tries::table.filter(sign_in_tries::client.eq_any(old))).execute(c)?;
            Ok((sessions + links + tries) as u64)
        });
        Ok(done.await?)
    }
}

fn find_link(c: &mut SqliteConnection, id: LinkId) -> QueryResult<Option<LinkRow>> {
    sign_in_links::table.find(Blob(id.uuid())).select(LinkRow::as_select()).first(c).optional()
}

fn find(c: &mut SqliteConnection, id: SessionId) -> QueryResult<Option<SessionRow>> {
    sessions::table.find(Blob(id.uuid())).select(SessionRow::as_select()).first(c).optional()
}

fn insert(c: &mut SqliteConnection, session: &Session) -> QueryResult<usize> {
    diesel::insert_into(sessions::table).values(SessionRow::from(session)).execute(c)
}

/// Whether a session was begun by a link, or by a key that still works.
fn goes_on(c: &mut SqliteConnection, session: &Session) -> QueryResult<bool> {
    let Some(key) = session.api_key_id else { return Ok(true) };
    let live = api_keys::table.find(Blob(key.uuid())).filter(api_keys::revoked_at.is_null());
    diesel::select(exists(live)).get_result(c)
}

fn load_tries(c: &mut SqliteConnection, client: NetworkHash) -> Result<SignInTries, Fault> {
    let row = sign_in_tries::table.find(client.bytes().as_slice()).select(sign_in_tries::tries);
    let tries: Option<String> = row.first(c).optional().map_err(query_fault)?;
    tries.map_or_else(|| Ok(SignInTries::default()), |tries| SignInTries::from_stored(&tries).map_err(corrupt("tries to sign in")))
}

fn write_tries(c: &mut SqliteConnection, command: TrySignIn, tries: &SignInTries) -> QueryResult<usize> {
    let row = (
        sign_in_tries::client.eq(command.client.bytes().as_slice()),
        sign_in_tries::tries.eq(tries.to_stored()),
        sign_in_tries::last_at.eq(tries.last().unwrap_or(command.now).unix_millis()),
    );
    diesel::replace_into(sign_in_tries::table).values(row).execute(c)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite))]
struct SessionRow {
    id: Blob,
    token: Vec<u8>,
    workspace_id: Option<Blob>,
    person: String,
    scope: String,
    api_key_id: Option<Blob>,
    created_at: i64,
    seen_at: i64,
    expires_at: i64,
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id.uuid().into(),
            token: session.token.bytes().to_vec(),
            workspace_id: session.workspace_id.map(|id| id.uuid().into()),
            person: session.person.to_string(),
            scope: session.scope.clone(),
            api_key_id: session.api_key_id.map(|id| id.uuid().into()),
            created_at: session.created_at.unix_millis(),
            seen_at: session.seen_at.unix_millis(),
            expires_at: session.expires_at().unix_millis(),
        }
    }
}

impl TryFrom<SessionRow> for Session {
    type Error = Fault;

    fn try_from(row: SessionRow) -> Result<Self, Fault> {
        Ok(Self {
            id: SessionId::new(row.id.0),
            token: TokenHash::new(digest(row.token)?),
            workspace_id: row.workspace_id.map(|id| WorkspaceId::new(id.0)),
            person: Subject::from_stored(row.person),
            scope: row.scope,
            api_key_id: row.api_key_id.map(|id| ApiKeyId::new(id.0)),
            created_at: instant(row.created_at)?,
            seen_at: instant(row.seen_at)?,
        })
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sign_in_links, check_for_backend(diesel::sqlite::Sqlite))]
struct LinkRow {
    id: Blob,
    token: Vec<u8>,
    workspace_id: Option<Blob>,
    created_at: i64,
    expires_at: i64,
}

impl From<&SignInLink> for LinkRow {
    fn from(link: &SignInLink) -> Self {
        Self {
            id: link.id.uuid().into(),
            token: link.token.bytes().to_vec(),
            workspace_id: link.workspace_id.map(|id| id.uuid().into()),
            created_at: link.created_at.unix_millis(),
            expires_at: link.expires_at().unix_millis(),
        }
    }
}

impl TryFrom<LinkRow> for SignInLink {
    type Error = Fault;

    fn try_from(row: LinkRow) -> Result<Self, Fault> {
        Ok(Self {
            id: LinkId::new(row.id.0),
            token: TokenHash::new(digest(row.token)?),
            workspace_id: row.workspace_id.map(|id| WorkspaceId::new(id.0)),
            created_at: instant(row.created_at)?,
        })
    }
}
