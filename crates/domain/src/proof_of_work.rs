//! When a sign-up needs a proof of work, and the proofs that were used. The challenges themselves are made elsewhere.

use time::Duration;
use uuid::Uuid;

use crate::error::{FieldError, Invalid};
use crate::id::{ProofId, WaitlistId};
use crate::mail::Links;
use crate::settings::Settings;
use crate::timestamp::Timestamp;

/// Whether a sign-up needs a proof of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProofOfWork {
    /// It needs none.
    #[default]
    Off,
    /// Every sign-up needs one.
    On,
    /// A sign-up needs one while the list takes many.
    Auto,
}

impl ProofOfWork {
    /// The period in which the sign-ups of a list are counted.
    pub const PERIOD: Duration = Duration::seconds(10);
    /// The most sign-ups in that period that need no proof.
    pub const FREE: u64 = 10;
    /// The highest number that matters. A store need not count further.
    pub const MAX_COUNTED: u64 = 2000;

    /// Parses a name.
    ///
    /// # Errors
    /// If there is no such choice.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = [Self::Off, Self::On, Self::Auto].into_iter().find(|choice| choice.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be off, on or auto"))
    }

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Auto => "auto",
        }
    }

    /// Whether the next sign-up needs a proof, after the list took that many in the last [`PERIOD`](Self::PERIOD).
    pub const fn asks(self, taken: u64) -> bool {
        match self {
            Self::Off => false,
            Self::On => true,
            Self::Auto => taken >= Self::FREE,
        }
    }
}

/// Checks that the settings of a list ask for proofs only if browsers can make them: on a page with https, or on this machine.
///
/// # Errors
/// If they ask for proofs, and the links of this server lead to other pages.
pub fn check_settings(links: &Links, settings: &Settings) -> Result<(), FieldError> {
    if settings.proof_of_work == ProofOfWork::Off || links.lead_to_secure_pages() {
        return Ok(());
    }
    let reason = "must be off: browsers prove work only on pages with https, and RALLY_PUBLIC_URL has http";
    Err(FieldError::new("settings.proof_of_work", Invalid::new(reason)))
}

/// A proof that was checked, for one sign-up. The store takes it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// The identity of its challenge.
    pub id: ProofId,
    /// When its challenge ends. Nobody can use it after that.
    pub expires_at: Timestamp,
}

/// What a store remembers of a proof that was used.
///
/// A sign-up that leaves no other trace of its time is remembered in the same way, so that it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsedProof {
    /// The proof. A sign-up that needed none has an id of its own.
    pub proof: Proof,
    /// The waitlist.
    pub waitlist_id: WaitlistId,
    /// When the list took the sign-up, if neither an entry nor a request says so.
    pub taken_at: Option<Timestamp>,
}

impl UsedProof {
    /// Remembers a sign-up whose entry or request goes, if the list still counts it. The id is new.
    pub fn of_gone(id: Uuid, waitlist_id: WaitlistId, taken_at: Timestamp, now: Timestamp) -> Option<Self> {
        let counts_until = taken_at.plus(ProofOfWork::PERIOD);
        let proof = Proof { id: ProofId::new(id), expires_at: counts_until };
        (now < counts_until).then_some(Self { proof, waitlist_id, taken_at: Some(taken_at) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::StoreSecret;

    #[test]
    fn a_list_asks_from_the_eleventh_sign_up_on() {
        for (taken, asks) in [(0, false), (9, false), (10, true), (u64::MAX, true)] {
            assert_eq!(ProofOfWork::Auto.asks(taken), asks, "{taken}");
            assert!(ProofOfWork::On.asks(taken) && !ProofOfWork::Off.asks(taken));
        }
    }

    #[test]
    fn a_sign_up_that_goes_is_remembered_for_the_period() {
        let (id, list) = (Uuid::from_u128(1), WaitlistId::new(Uuid::from_u128(2)));
        let taken_at = Timestamp::parse("2026-01-31T09:00:00Z").unwrap();
        let gone = |after| UsedProof::of_gone(id, list, taken_at, taken_at.plus(after));
        let kept = gone(Duration::seconds(9)).unwrap();
        assert_eq!((kept.taken_at, kept.waitlist_id, kept.proof.expires_at), (Some(taken_at), list, taken_at.plus(ProofOfWork::PERIOD)));
        assert_eq!(gone(ProofOfWork::PERIOD), None);
    }

    #[test]
    fn a_list_asks_for_proofs_only_where_browsers_can_make_them() {
        let check = |base: &str, choice| {
            let settings = Settings { proof_of_work: choice, ..Settings::default() };
            check_settings(&Links::new(base, StoreSecret::new([7; 32])), &settings)
        };
        for base in ["https://rally.example", "http://127.0.0.1:8080", "http://localhost:8080", "http://a.localhost", "http://[::1]:1"] {
            assert_eq!(check(base, ProofOfWork::On), Ok(()), "{base}");
        }
        for base in ["http://rally.example", "http://10.0.0.1:8080", "http://0.0.0.0:8080", "http://[::]:8080"] {
            assert_eq!(check(base, ProofOfWork::Auto).unwrap_err().field, "settings.proof_of_work", "{base}");
            assert_eq!(check(base, ProofOfWork::Off), Ok(()));
        }
    }

    #[test]
    fn a_choice_has_one_name() {
        for choice in [ProofOfWork::Off, ProofOfWork::On, ProofOfWork::Auto] {
            assert_eq!(ProofOfWork::parse(choice.as_str()).unwrap(), choice);
        }
        for bad in ["", "ON", "true"] {
            assert!(ProofOfWork::parse(bad).is_err(), "{bad}");
        }
    }
}
