//! Work on all entries of a list that a query finds. A worker does it in groups, in the order of positions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::entry::EntryStatus;
use crate::error::{Fault, Invalid};
use crate::id::{EntryId, JobId, WaitlistId, WorkspaceId};
use crate::referral::Position;
use crate::search::{EntryKey, EntryQuery, TermFilter};
use crate::timestamp::Timestamp;

/// What is done to each entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobAction {
    /// Approve it.
    Approve,
    /// Reject it.
    Reject,
    /// Invite it into the app of the workspace, or by the link of the list, with a mail.
    Invite,
    /// Delete it.
    Delete,
    /// Erase it.
    Erase,
}

impl JobAction {
    /// All actions.
    pub const ALL: [Self; 5] = [Self::Approve, Self::Reject, Self::Invite, Self::Delete, Self::Erase];

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Invite => "invite",
            Self::Delete => "delete",
            Self::Erase => "erase",
        }
    }

    /// Reads a name.
    ///
    /// # Errors
    /// If there is no such action.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|action| action.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be approve, reject, invite, delete or erase"))
    }
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// It waits for a worker.
    Queued,
    /// A worker has begun.
    Running,
    /// All entries were looked at.
    Done,
    /// An admin has ended it.
    Cancelled,
    /// The list is gone.
    Failed,
}

impl JobState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Done, Self::Cancelled, Self::Failed];

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// Reads a stored name.
    ///
    /// # Errors
    /// If there is no such state.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be a state of a job"))
    }

    /// Whether no worker goes on with it.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled | Self::Failed)
    }
}

/// Work on all entries that a query finds, up to a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryJob {
    /// The id.
    pub id: JobId,
    /// The workspace of the list.
    pub workspace_id: WorkspaceId,
    /// The list.
    pub waitlist_id: WaitlistId,
    /// What is done.
    pub action: JobAction,
    /// Which entries, by position. Empty once the job is over, because it may name a person.
    pub query: EntryQuery,
    /// The last position of the list when the job was made. Who comes later is left alone.
    pub until: Position,
    /// How many entries the query found when the job was made.
    pub total: u64,
    /// The state.
    pub state: JobState,
    /// The position up to which entries were looked at. 0 at first.
    pub mark: u64,
    /// How many entries were changed.
    pub changed: u64,
    /// Why others were not, each reason with the number of entries.
    pub refused: BTreeMap<String, u64>,
    /// Who made the job. Each change is theirs.
    pub actor: Actor,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

/// What a worker did to a group of entries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobGroup {
    /// The position up to which entries were looked at.
    pub mark: u64,
    /// How many were changed.
    pub changed: u64,
    /// Why others were not, each reason with the number of entries.
    pub refused: BTreeMap<String, u64>,
    /// The state in which the job is over, if this was the last group.
    pub end: Option<JobState>,
}

impl EntryJob {
    /// The most entries of a group.
    pub const GROUP: u16 = 100;

    /// Returns how many entries were looked at.
    pub fn looked_at(&self) -> u64 {
        self.changed + self.refused.values().sum::<u64>()
    }

    /// Returns the key after which the next group begins.
    pub fn after(&self) -> EntryKey {
        EntryKey { value: 0, position: Position::new(self.mark) }
    }

    /// Returns the job in the hands of a worker.
    #[must_use]
    pub fn claimed(self) -> Self {
        Self { state: JobState::Running, ..self }
    }

    /// Returns the job after a group.
    #[must_use]
    pub fn went_on(mut self, group: JobGroup, now: Timestamp) -> Self {
        self.mark = self.mark.max(group.mark);
        self.changed += group.changed;
        for (reason, number) in group.refused {
            *self.refused.entry(reason).or_default() += number;
        }
        match group.end {
            Some(state) => self.ended(state, now),
            None => self,
        }
    }

    /// Returns the job as an admin has ended it, or `None` if it was over.
    pub fn cancelled(self, now: Timestamp) -> Option<Self> {
        (!self.state.is_over()).then(|| self.ended(JobState::Cancelled, now))
    }

    fn ended(self, state: JobState, now: Timestamp) -> Self {
        Self { state, query: EntryQuery::default(), ended_at: Some(now), ..self }
    }
}

/// A query as a store keeps it.
#[derive(Serialize, Deserialize)]
struct StoredQuery {
    status: Option<String>,
    confirmed: Option<bool>,
    invited: Option<bool>,
    referred_by: Option<String>,
    created_since: Option<String>,
    created_until: Option<String>,
    terms: Vec<StoredTerm>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredTerm {
    Is(String),
    StartsWith(String),
}

/// Returns a query as JSON. Its order is left out.
///
/// # Errors
/// None that happens: every query has a JSON form.
pub fn query_to_json(query: &EntryQuery) -> Result<String, Fault> {
    let EntryQuery { status, confirmed, invited, referred_by, created_since, created_until, terms, sort: _, boost: _ } = query;
    let term = |filter: &TermFilter| match filter {
        TermFilter::Is(term) => StoredTerm::Is(term.clone()),
        TermFilter::StartsWith(start) => StoredTerm::StartsWith(start.clone()),
    };
    let stored = StoredQuery {
        status: status.map(|status| status.as_str().to_owned()),
        confirmed: *confirmed,
        invited: *invited,
        referred_by: referred_by.map(|id| id.to_string()),
        created_since: created_since.map(|at| at.to_string()),
        created_until: created_until.map(|at| at.to_string()),
        terms: terms.iter().map(term).collect(),
    };
    serde_json::to_string(&stored).map_err(Fault::unexpected)
}

/// Reads a stored query.
///
/// # Errors
/// If it is not one.
pub fn query_from_json(json: &str) -> Result<EntryQuery, Fault> {
    let stored: StoredQuery = serde_json::from_str(json).map_err(Fault::unexpected)?;
    let term = |term| match term {
        StoredTerm::Is(term) => TermFilter::Is(term),
        StoredTerm::StartsWith(start) => TermFilter::StartsWith(start),
    };
    let instant = |text: Option<String>| text.as_deref().map(Timestamp::parse).transpose().map_err(Fault::unexpected);
    Ok(EntryQuery {
        status: stored.status.as_deref().map(EntryStatus::parse).transpose().map_err(Fault::unexpected)?,
        confirmed: stored.confirmed,
        invited: stored.invited,
        referred_by: stored.referred_by.as_deref().map(EntryId::parse).transpose().map_err(Fault::unexpected)?,
        created_since: instant(stored.created_since)?,
        created_until: instant(stored.created_until)?,
        terms: stored.terms.into_iter().map(term).collect(),
        ..EntryQuery::default()
    })
}

/// Returns reasons with their numbers as JSON.
///
/// # Errors
/// None that happens.
pub fn reasons_to_json(reasons: &BTreeMap<String, u64>) -> Result<String, Fault> {
    serde_json::to_string(reasons).map_err(Fault::unexpected)
}

/// Reads stored reasons.
///
/// # Errors
/// If they are none.
pub fn reasons_from_json(json: &str) -> Result<BTreeMap<String, u64>, Fault> {
    serde_json::from_str(json).map_err(Fault::unexpected)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::parse("2026-01-31T09:00:00Z").unwrap()
    }

    fn job() -> EntryJob {
        EntryJob {
            id: JobId::new(Uuid::from_u128(1)),
            workspace_id: WorkspaceId::new(Uuid::from_u128(2)),
            waitlist_id: WaitlistId::new(Uuid::from_u128(3)),
            action: JobAction::Approve,
            query: EntryQuery { terms: vec![TermFilter::Is("x".to_owned())], ..EntryQuery::default() },
            until: Position::new(100),
            total: 5,
            state: JobState::Queued,
            mark: 0,
            changed: 0,
            refused: BTreeMap::new(),
            actor: Actor::System,
            created_at: now(),
            ended_at: None,
        }
    }

    #[test]
    fn groups_add_up_until_the_last_one() {
        let refused = |number| BTreeMap::from([("it is there".to_owned(), number)]);
        let job = job().claimed().went_on(JobGroup { mark: 7, changed: 2, refused: refused(1), end: None }, now());
        assert_eq!((job.state, job.mark, job.looked_at(), job.after().position), (JobState::Running, 7, 3, Position::new(7)));
        let job = job.went_on(JobGroup { mark: 0, changed: 1, refused: refused(2), end: Some(JobState::Done) }, now());
        assert_eq!((job.state, job.mark, job.changed, job.looked_at()), (JobState::Done, 7, 3, 6));
        assert_eq!((job.ended_at, &job.query), (Some(now()), &EntryQuery::default()));
        assert_eq!(job.cancelled(now()), None);
    }

    #[test]
    fn a_job_is_cancelled_until_it_is_over() {
        let cancelled = job().cancelled(now()).unwrap();
        assert_eq!((cancelled.state, cancelled.query), (JobState::Cancelled, EntryQuery::default()));
    }

    #[test]
    fn a_query_is_kept_whole() {
        let query = EntryQuery {
            status: Some(EntryStatus::Pending),
            confirmed: Some(true),
            invited: Some(false),
            referred_by: Some(EntryId::new(Uuid::from_u128(9))),
            created_since: Some(now()),
            created_until: Some(now()),
            terms: vec![TermFilter::Is("a\u{1}b".to_owned()), TermFilter::StartsWith("w\"".to_owned())],
            ..EntryQuery::default()
        };
        for query in [query, EntryQuery::default()] {
            assert_eq!(query_from_json(&query_to_json(&query).unwrap()).unwrap(), query);
        }
        assert!(query_from_json("[]").is_err());
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for action in JobAction::ALL {
            assert_eq!(JobAction::parse(action.as_str()).unwrap(), action);
        }
        for state in JobState::ALL {
            assert_eq!(JobState::parse(state.as_str()).unwrap(), state);
        }
        assert!(JobAction::parse("").is_err() && JobState::parse("").is_err());
    }
}
