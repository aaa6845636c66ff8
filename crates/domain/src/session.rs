//! Sessions of the console, the links that begin them, and the limit of failed sign-ins. A thief cannot use the stored form of a session
//! or of a link.

use time::Duration;

use crate::error::Invalid;
use crate::id::{ApiKeyId, LinkId, SessionId, WorkspaceId};
use crate::text::Subject;
use crate::timestamp::Timestamp;

/// The hash of the token of a session or of a link. Tokens are random, so a plain hash is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Wraps a hash.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A session of the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its identity, by which it is found and ended.
    pub id: SessionId,
    /// The hash of its token.
    pub token: TokenHash,
    /// The workspace that it is for. `None` means all of them.
    pub workspace_id: Option<WorkspaceId>,
    /// Who is signed in, for people.
    pub person: Subject,
    /// The actions that it allows, written like the scope of a token.
    pub scope: String,
    /// The API key that began it. `None` means that a link or an identity provider did.
    pub api_key_id: Option<ApiKeyId>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used.
    pub seen_at: Timestamp,
}

impl Session {
    /// How long a session lasts without use.
    pub const IDLE: Duration = Duration::hours(12);
    /// How long a session lasts at most.
    pub const MAX_AGE: Duration = Duration::days(7);
    /// A use is noted only if the last one is older than this.
    pub const NOTED_EVERY: Duration = Duration::minutes(1);

    /// Returns the instant from which the session is over.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at.plus(Self::MAX_AGE).min(self.seen_at.plus(Self::IDLE))
    }

    /// Whether the session is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.expires_at()
    }

    /// Whether a use at this time is to be noted.
    pub fn is_to_be_noted(&self, now: Timestamp) -> bool {
        now >= self.seen_at.plus(Self::NOTED_EVERY)
    }

    /// Returns the session after a use. A clock that is behind changes nothing.
    #[must_use]
    pub fn used(self, now: Timestamp) -> Self {
        Self { seen_at: self.seen_at.max(now), ..self }
    }
}

/// A link that begins a session, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInLink {
    /// Its identity, by which it is found.
    pub id: LinkId,
    /// The hash of its token.
    pub token: TokenHash,
    /// The workspace that its session is for. `None` means all of them.
    pub workspace_id: Option<WorkspaceId>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl SignInLink {
    /// How long a link works.
    pub const LIFETIME: Duration = Duration::minutes(15);

    /// Returns the instant from which the link no longer works.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at.plus(Self::LIFETIME)
    }

    /// Whether the link no longer works.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.expires_at()
    }
}

/// The tries to sign in of one client that did not succeed. A try counts as failed until it has succeeded, so that tries at once are
/// limited too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignInTries(Vec<Timestamp>);

impl SignInTries {
    /// The most failed tries in a period.
    pub const MAX: usize = 10;
    /// The period.
    pub const PERIOD: Duration = Duration::minutes(10);

    /// Returns the tries with one more. Tries from before the period are forgotten.
    ///
    /// # Errors
    /// If there were too many: the instant from which the next try is allowed.
    pub fn with(&self, now: Timestamp) -> Result<Self, Timestamp> {
        let mut recent: Vec<Timestamp> = self.0.iter().copied().filter(|at| now < at.plus(Self::PERIOD)).collect();
        recent.sort_unstable();
        match recent.len().checked_sub(Self::MAX).and_then(|blocking| recent.get(blocking)) {
            Some(oldest) => Err(oldest.plus(Self::PERIOD)),
            None => {
                recent.push(now);
                Ok(Self(recent))
            }
        }
    }

    /// Returns the tries without the one of this time, which has succeeded.
    #[must_use]
    pub fn without(mut self, at: Timestamp) -> Self {
        if let Some(index) = self.0.iter().position(|tried| *tried == at) {
            self.0.remove(index);
        }
        self
    }

    /// Returns the time of the last try.
    pub fn last(&self) -> Option<Timestamp> {
        self.0.iter().max().copied()
    }

    /// Returns the text that a store keeps.
    pub fn to_stored(&self) -> String {
        let tries: Vec<i64> = self.0.iter().map(|at| at.unix_millis()).collect();
        serde_json::to_string(&tries).expect("numbers serialise")
    }

    /// Reads the text that a store kept.
    ///
    /// # Errors
    /// If the text is not of that form.
    pub fn from_stored(text: &str) -> Result<Self, Invalid> {
        let tries: Vec<i64> = serde_json::from_str(text).map_err(|_| Invalid::new("is not a list of tries"))?;
        Ok(Self(tries.into_iter().map(Timestamp::from_unix_millis).collect::<Result<_, Invalid>>()?))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use uuid::Uuid;

    use super::*;

    pub(crate) fn at(seconds: i64) -> Timestamp {
        Timestamp::parse("2026-01-31T09:00:00Z").unwrap().plus(Duration::seconds(seconds))
    }

    pub(crate) fn link() -> SignInLink {
        SignInLink { id: LinkId::new(Uuid::from_u128(1)), token: TokenHash::new([1; 32]), workspace_id: None, created_at: at(0) }
    }

    pub(crate) fn session() -> Session {
        Session {
            id: SessionId::new(Uuid::from_u128(2)),
            token: TokenHash::new([2; 32]),
            workspace_id: None,
            person: Subject::parse("ada").unwrap(),
            scope: "*".to_owned(),
            api_key_id: None,
            created_at: at(0),
            seen_at: at(0),
        }
    }

    #[test]
    fn a_session_lasts_while_it_is_used_and_not_for_ever() {
        let hours = |hours: i64| at(hours * 3600);
        assert!(!session().is_over(at(12 * 3600 - 1)) && session().is_over(hours(12)));
        let mut used = session();
        for hour in (0..7 * 24).step_by(11) {
            assert!(!used.is_over(hours(hour)), "{hour}");
            used = used.used(hours(hour));
        }
        assert!(!used.is_over(hours(7 * 24).plus(Duration::milliseconds(-1))) && used.is_over(hours(7 * 24)));
        assert_eq!(session().used(at(-5)), session());
    }

    #[test]
    fn a_use_is_noted_once_a_minute() {
        assert!(!session().is_to_be_noted(at(59)) && session().is_to_be_noted(at(60)));
    }

    #[test]
    fn a_link_works_for_a_quarter_of_an_hour() {
        assert!(!link().is_over(at(899)) && link().is_over(at(900)));
    }

    #[test]
    fn ten_failed_tries_in_ten_minutes_are_enough() {
        let mut tries = SignInTries::default();
        for second in 0..10 {
            tries = tries.with(at(second)).unwrap();
        }
        assert_eq!(tries.with(at(10)), Err(at(600)));
        assert_eq!(tries.with(at(599)), Err(at(600)));
        let later = tries.with(at(600)).unwrap();
        assert_eq!(later.with(at(600)), Err(at(601)));
        assert!(tries.with(at(700)).unwrap().with(at(700)).is_ok());
    }

    #[test]
    fn a_try_that_succeeded_does_not_count() {
        let mut tries = SignInTries::default();
        for second in 0..10 {
            tries = tries.with(at(second)).unwrap();
        }
        tries = tries.without(at(9)).without(at(100));
        assert_eq!(tries, SignInTries::from_stored(&tries.to_stored()).unwrap());
        assert!(tries.with(at(10)).is_ok_and(|tries| tries.with(at(11)).is_err()));
        for bad in ["", "{}", "[1.5]", "[\"a\"]", "[9223372036854775807]"] {
            assert!(SignInTries::from_stored(bad).is_err(), "{bad}");
        }
    }
}
