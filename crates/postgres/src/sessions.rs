//! [`SessionStore`] on PostgreSQL.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bytea, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::command::{
    BeginSession, CreateSignInLink, EndSession, NoteUse, SpendLink, SpendLinkRejection, TrySignIn, TrySignInRejection,
};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{ApiKeyId, LinkId, SessionId, WorkspaceId};
use rally_domain::port::SessionStore;
use rally_domain::session::{Session, SignInLink, SignInTries, TokenHash};
use rally_domain::text::Subject;
use rally_domain::timestamp::Timestamp;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::{corrupt, digest, to_bigint};
use crate::fault::{Abort, query_fault};
use crate::schema::{api_keys, sessions, sign_in_links, sign_in_tries};
use crate::statement::statement;
use crate::{PgStore, audit, transaction};

/// The most sessions of a list.
const MAX_LISTED: i64 = 1000;

#[async_trait]
impl SessionStore for PgStore {
    async fn create_link(&self, command: CreateSignInLink) -> Result<(), Fault> {
        let outcome: Result<(), CommandError<Infallible>> = transaction!(self, |c| {
            let link = audit::write(c, command.clone().decide()).await?;
            diesel::insert_into(sign_in_links::table).values(LinkRow::from(&link)).execute(c).await?;
            Ok(())
        });
        Ok(outcome?)
    }

    async fn find_link(&self, id: LinkId, now: Timestamp) -> Result<Option<SignInLink>, Fault> {
        let mut c = self.connection().await?;
        let query = sign_in_links::table.find(id.uuid()).select(LinkRow::as_select());
        let row: Option<LinkRow> = query.first(&mut c).await.optional().map_err(query_fault)?;
        Ok(row.map(SignInLink::try_from).transpose()?.filter(|link| !link.is_over(now)))
    }

    async fn spend_link(&self, command: SpendLink) -> Result<Session, CommandError<SpendLinkRejection>> {
        transaction!(self, |c| {
            let query = sign_in_links::table.find(command.id.uuid()).select(LinkRow::as_select()).for_update();
            let row: Option<LinkRow> = query.first(c).await.optional()?;
            let link = row.map(SignInLink::try_from).transpose()?;
            let session = command.decide(link.as_ref()).map_err(Abort::Rejected)?;
            diesel::delete(sign_in_links::table.find(command.id.uuid())).execute(c).await?;
            insert(c, &session).await?;
            Ok(session)
        })
    }

    async fn begin(&self, command: BeginSession) -> Result<(), Fault> {
        let outcome: Result<(), CommandError<Infallible>> = transaction!(self, |c| {
            insert(c, &command.session).await?;
            Ok(())
        });
        Ok(outcome?)
    }

    async fn find(&self, id: SessionId, now: Timestamp) -> Result<Option<Session>, Fault> {
        let mut c = self.connection().await?;
        let query = sessions::table.find(id.uuid()).select(SessionRow::as_select());
        let row: Option<SessionRow> = query.first(&mut c).await.optional().map_err(query_fault)?;
        let Some(session) = row.map(Session::try_from).transpose()?.filter(|session| !session.is_over(now)) else { return Ok(None) };
        let keys = live_keys(&mut c, session.api_key_id.iter()).await.map_err(query_fault)?;
        Ok(Some(session).filter(|session| goes_on(session, &keys)))
    }

    async fn note_use(&self, command: NoteUse) -> Result<(), Fault> {
        let outcome: Result<(), CommandError<Infallible>> = transaction!(self, |c| {
            let query = sessions::table.find(command.id.uuid()).select(SessionRow::as_select()).for_update();
            let row: Option<SessionRow> = query.first(c).await.optional()?;
            if let Some(session) = row.map(Session::try_from).transpose()? {
                let used = SessionRow::from(&session.used(command.now));
                let change = (sessions::seen_at.eq(used.seen_at), sessions::expires_at.eq(used.expires_at));
                diesel::update(sessions::table.find(command.id.uuid())).set(change).execute(c).await?;
            }
            Ok(())
        });
        Ok(outcome?)
    }

    async fn list(&self, now: Timestamp) -> Result<Vec<Session>, Fault> {
        let mut c = self.connection().await?;
        let query = sessions::table
            .filter(sessions::expires_at.gt(now.instant()))
            .order(sessions::expires_at.desc())
            .limit(MAX_LISTED)
            .select(SessionRow::as_select());
        let rows: Vec<SessionRow> = query.load(&mut c).await.map_err(query_fault)?;
        let mut sessions = rows.into_iter().map(Session::try_from).collect::<Result<Vec<_>, _>>()?;
        let keys = live_keys(&mut c, sessions.iter().filter_map(|session| session.api_key_id.as_ref())).await.map_err(query_fault)?;
        sessions.retain(|session| goes_on(session, &keys));
        sessions.sort_by_key(|session| Reverse(session.seen_at));
        Ok(sessions)
    }

    async fn end(&self, command: EndSession) -> Result<bool, Fault> {
        let outcome: Result<bool, CommandError<Infallible>> = transaction!(self, |c| {
            let query = sessions::table.find(command.id.uuid()).select(SessionRow::as_select()).for_update();
            let current: Option<SessionRow> = query.first(c).await.optional()?;
            let current = current.map(Session::try_from).transpose()?;
            let is_there = audit::write(c, command.decide(current.as_ref())).await?;
            Ok(is_there && diesel::delete(sessions::table.find(command.id.uuid())).execute(c).await? > 0)
        });
        Ok(outcome?)
    }

    async fn try_sign_in(&self, command: TrySignIn) -> Result<(), CommandError<TrySignInRejection>> {
        transaction!(self, |c| {
            let tries = lock_tries(c, command).await?.parse()?;
            let tries = command.decide(&tries).map_err(Abort::Rejected)?;
            write_tries(c, command, &tries).await?;
            Ok(())
        })
    }

    async fn forgive(&self, command: TrySignIn) -> Result<(), Fault> {
        let outcome: Result<(), CommandError<Infallible>> = transaction!(self, |c| {
            let tries = lock_tries(c, command).await?.parse()?;
            write_tries(c, command, &tries.without(command.now)).await?;
            Ok(())
        });
        Ok(outcome?)
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault> {
        let (instant, most) = (before.instant(), to_bigint(most as u64));
        let mut c = self.connection().await?;
        let sessions = PruneSessions { before: instant, most }.execute(&mut c).await.map_err(query_fault)?;
        let links = PruneLinks { before: instant, most }.execute(&mut c).await.map_err(query_fault)?;
        let before = before.plus(-SignInTries::PERIOD).instant();
        let tries = PruneTries { before, most }.execute(&mut c).await.map_err(query_fault)?;
        Ok((sessions + links + tries) as u64)
    }
}

statement! {
    /// Deletes about so many of the sessions that were over first. Those that were over at the same instant are deleted together.
    PruneSessions {
        "DELETE FROM sessions WHERE expires_at < "
        before: Timestamptz = OffsetDateTime, " AND expires_at <= (
            SELECT max(oldest.expires_at) FROM (SELECT expires_at FROM sessions ORDER BY expires_at LIMIT "
        most: BigInt = i64, ") oldest
        )"
    }
}

statement! {
    /// Deletes links in the same way.
    PruneLinks {
        "DELETE FROM sign_in_links WHERE expires_at < "
        before: Timestamptz = OffsetDateTime, " AND expires_at <= (
            SELECT max(oldest.expires_at) FROM (SELECT expires_at FROM sign_in_links ORDER BY expires_at LIMIT "
        most: BigInt = i64, ") oldest
        )"
    }
}

statement! {
    /// Deletes tries in the same way. Those of the given instant do not count any more.
    PruneTries {
        "DELETE FROM sign_in_tries WHERE last_at <= "
        before: Timestamptz = OffsetDateTime, " AND last_at <= (
            SELECT max(oldest.last_at) FROM (SELECT last_at FROM sign_in_tries ORDER BY last_at LIMIT "
        most: BigInt = i64, ") oldest
        )"
    }
}

statement! {
    /// Locks the tries of a client, and makes the row if it is missing.
    LockTries {
        "INSERT INTO sign_in_tries AS t (client, tries, last_at) VALUES ("
        client: Bytea = Vec<u8>, ", '[]', "
        now: Timestamptz = OffsetDateTime, ") ON CONFLICT (client) DO UPDATE SET last_at = t.last_at RETURNING t.tries"
    }
}

#[derive(QueryableByName)]
struct TriesRow {
    #[diesel(sql_type = Text)]
    tries: String,
}

impl TriesRow {
    fn parse(&self) -> Result<SignInTries, Fault> {
        SignInTries::from_stored(&self.tries).map_err(corrupt("tries to sign in"))
    }
}

async fn lock_tries(c: &mut AsyncPgConnection, command: TrySignIn) -> QueryResult<TriesRow> {
    LockTries { client: command.client.bytes().to_vec(), now: command.now.instant() }.get_result(c).await
}

async fn write_tries(c: &mut AsyncPgConnection, command: TrySignIn, tries: &SignInTries) -> QueryResult<usize> {
    let change = (sign_in_tries::tries.eq(tries.to_stored()), sign_in_tries::last_at.eq(tries.last().unwrap_or(command.now).instant()));
    diesel::update(sign_in_tries::table.find(command.client.bytes().to_vec())).set(change).execute(c).await
}

async fn insert(c: &mut AsyncPgConnection, session: &Session) -> QueryResult<usize> {
    diesel::insert_into(sessions::table).values(SessionRow::from(session)).execute(c).await
}

/// Those of some API keys that still work.
async fn live_keys(c: &mut AsyncPgConnection, keys: impl Iterator<Item = &ApiKeyId>) -> QueryResult<HashSet<Uuid>> {
    let keys: Vec<Uuid> = keys.map(|id| id.uuid()).collect();
    if keys.is_empty() {
        return Ok(HashSet::new());
    }
    let live = api_keys::table.filter(api_keys::id.eq_any(keys)).filter(api_keys::revoked_at.is_null());
    // Only the primary key has this order, so the planner takes it.
    Ok(live.order(api_keys::id).select(api_keys::id).load(c).await?.into_iter().collect())
}

/// Whether a session was begun by a link, or by a key that still works.
fn goes_on(session: &Session, live_keys: &HashSet<Uuid>) -> bool {
    session.api_key_id.is_none_or(|id| live_keys.contains(&id.uuid()))
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions, check_for_backend(diesel::pg::Pg))]
struct SessionRow {
    id: Uuid,
    token: Vec<u8>,
    workspace_id: Option<Uuid>,
    person: String,
    scope: String,
    api_key_id: Option<Uuid>,
    created_at: OffsetDateTime,
    seen_at: OffsetDateTime,
    expires_at: OffsetDateTime,
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id.uuid(),
            token: session.token.bytes().to_vec(),
            workspace_id: session.workspace_id.map(WorkspaceId::uuid),
            person: session.person.to_string(),
            scope: session.scope.clone(),
            api_key_id: session.api_key_id.map(ApiKeyId::uuid),
            created_at: session.created_at.instant(),
            seen_at: session.seen_at.instant(),
            expires_at: session.expires_at().instant(),
        }
    }
}

impl TryFrom<SessionRow> for Session {
    type Error = Fault;

    fn try_from(row: SessionRow) -> Result<Self, Fault> {
        Ok(Self {
            id: SessionId::new(row.id),
            token: TokenHash::new(digest(row.token)?),
            workspace_id: row.workspace_id.map(WorkspaceId::new),
            person: Subject::from_stored(row.person),
            scope: row.scope,
            api_key_id: row.api_key_id.map(ApiKeyId::new),
            created_at: Timestamp::new(row.created_at),
            seen_at: Timestamp::new(row.seen_at),
        })
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sign_in_links, check_for_backend(diesel::pg::Pg))]
struct LinkRow {
    id: Uuid,
    token: Vec<u8>,
    workspace_id: Option<Uuid>,
    created_at: OffsetDateTime,
    expires_at: OffsetDateTime,
}

impl From<&SignInLink> for LinkRow {
    fn from(link: &SignInLink) -> Self {
        Self {
            id: link.id.uuid(),
            token: link.token.bytes().to_vec(),
            workspace_id: link.workspace_id.map(WorkspaceId::uuid),
            created_at: link.created_at.instant(),
            expires_at: link.expires_at().instant(),
        }
    }
}

impl TryFrom<LinkRow> for SignInLink {
    type Error = Fault;

    fn try_from(row: LinkRow) -> Result<Self, Fault> {
        Ok(Self {
            id: LinkId::new(row.id),
            token: TokenHash::new(digest(row.token)?),
            workspace_id: row.workspace_id.map(WorkspaceId::new),
            created_at: Timestamp::new(row.created_at),
        })
    }
}
