//! Where sessions of the console are kept, with the links that begin them and the tries that failed.

use async_trait::async_trait;

use crate::command::{BeginSession, CreateSignInLink, EndSession, NoteUse, SpendLink, SpendLinkRejection, TrySignIn, TrySignInRejection};
use crate::error::{CommandError, Fault};
use crate::id::{LinkId, SessionId};
use crate::session::{Session, SignInLink};
use crate::timestamp::Timestamp;

/// Keeps sessions.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Keeps a new link.
    async fn create_link(&self, command: CreateSignInLink) -> Result<(), Fault>;

    /// A link that still works.
    ///
    /// - It MUST read back as it was written: `sessions::a_link_reads_back_as_it_was_written`.
    /// - It MUST NOT be found once its time is over: `sessions::a_link_lasts_a_quarter_of_an_hour`.
    /// - It MUST NOT be found once its workspace is deleted: `sessions::a_deleted_workspace_takes_its_sessions_with_it`.
    async fn find_link(&self, id: LinkId, now: Timestamp) -> Result<Option<SignInLink>, Fault>;

    /// Begins a session with a link, and deletes the link.
    ///
    /// - A link MUST begin one session at most, under concurrency too: `sessions::a_link_begins_one_session`,
    ///   `sessions::a_link_begins_one_session_under_concurrency`.
    /// - A refused command MUST leave the link: `sessions::a_wrong_token_leaves_the_link`.
    async fn spend_link(&self, command: SpendLink) -> Result<Session, CommandError<SpendLinkRejection>>;

    /// Begins a session.
    ///
    /// - It MUST read back as it was written: `sessions::a_session_reads_back_as_it_was_written`.
    async fn begin(&self, command: BeginSession) -> Result<(), Fault>;

    /// A session that is not over.
    ///
    /// - It MUST NOT be found once it is over: `sessions::a_session_ends_by_itself`.
    /// - It MUST NOT be found in any process once it was ended: `sessions::an_ended_session_is_gone`.
    /// - It MUST NOT be found in any process once the API key that began it is revoked: `sessions::a_revoked_key_ends_its_sessions`.
    /// - It MUST NOT be found once its workspace is deleted: `sessions::a_deleted_workspace_takes_its_sessions_with_it`.
    async fn find(&self, id: SessionId, now: Timestamp) -> Result<Option<Session>, Fault>;

    /// Notes that a session was used. A session that is gone stays gone.
    ///
    /// - The session MUST last from the latest use on: `sessions::a_session_lasts_while_it_is_used`.
    /// - A use that is noted late MUST NOT shorten it: `sessions::a_session_lasts_while_it_is_used`.
    async fn note_use(&self, command: NoteUse) -> Result<(), Fault>;

    /// The sessions of all workspaces that are not over, at most 1000.
    ///
    /// - They MUST be ordered by their last use, the latest first, and it MUST NOT list more than 1000:
    ///   `sessions::sessions_go_by_their_last_use`.
    /// - Those that [`find`](Self::find) does not find MUST NOT be listed: `sessions::a_session_ends_by_itself`,
    ///   `sessions::an_ended_session_is_gone`, `sessions::a_revoked_key_ends_its_sessions`.
    async fn list(&self, now: Timestamp) -> Result<Vec<Session>, Fault>;

    /// Ends a session. Returns whether it was there.
    ///
    /// - Other sessions MUST stay: `sessions::an_ended_session_is_gone`.
    async fn end(&self, command: EndSession) -> Result<bool, Fault>;

    /// Counts a try to sign in as failed, until [`forgive`](Self::forgive) takes it back.
    ///
    /// - The tries of all processes MUST count together, under concurrency too: `sessions::tries_of_all_processes_count_together`.
    /// - The tries of another client MUST NOT count: `sessions::every_client_has_tries_of_its_own`.
    /// - A refused try MUST NOT count: `sessions::a_refused_try_does_not_count`.
    async fn try_sign_in(&self, command: TrySignIn) -> Result<(), CommandError<TrySignInRejection>>;

    /// Takes a try back: it succeeded.
    ///
    /// - It MUST NOT count any more, and others MUST: `sessions::a_try_that_succeeded_does_not_count`.
    async fn forgive(&self, command: TrySignIn) -> Result<(), Fault>;

    /// Deletes sessions and links that were over before an instant, and the tries of clients of which none counted at that instant. It
    /// deletes at most about so many of each, and returns how many it deleted.
    ///
    /// - What is not over MUST stay: `sessions::what_is_over_is_pruned`.
    /// - A prune MUST end after about that many: `sessions::sessions_are_pruned_so_many_at_a_time`.
    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault>;
}
