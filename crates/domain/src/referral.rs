//! Referrals: referral codes, positions, and rewards.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Invalid;
use crate::text::{Lines, clean};

/// A referral code: 10 characters that identify an entry in the deployment. Nobody can guess it, and it is easy to read out.
///
/// The alphabet leaves out `0 O 1 I L`. Case does not matter: `abc` and `ABC` are one code, kept in upper case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReferralCode(String);

impl ReferralCode {
    /// The number of characters of a code.
    pub const LENGTH: usize = 10;
    const ALPHABET: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";

    /// Makes a code of 64 random bits. The code itself holds 49 of them.
    pub fn from_entropy(mut bits: u64) -> Self {
        let base = Self::ALPHABET.len() as u64;
        let code = (0..Self::LENGTH).map(|_| {
            let digit = bits % base;
            bits /= base;
            char::from(Self::ALPHABET[digit as usize])
        });
        Self(code.collect())
    }

    /// Reads a code in either case and ignores white space around it.
    ///
    /// # Errors
    /// If the text cannot be a referral code.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let code = text.trim().to_ascii_uppercase();
        let well_formed = code.len() == Self::LENGTH && code.bytes().all(|b| Self::ALPHABET.contains(&b));
        if well_formed { Ok(Self(code)) } else { Err(Invalid::new("must be a referral code")) }
    }

    /// Wraps a code from a store without a check, because it was parsed before it was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Returns the code, in upper case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReferralCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A code that a person shared before they were imported, as it was given. Case matters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OldCode(String);

impl OldCode {
    /// The most characters.
    pub const MAX: usize = 200;

    /// Reads a code and ignores white space around it.
    ///
    /// # Errors
    /// If the text is empty, too long, or has a forbidden character.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let code = clean(text, Self::MAX, Lines::One)?;
        if code.is_empty() { Err(Invalid::new("must not be empty")) } else { Ok(Self(code)) }
    }

    /// Returns the code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<ReferralCode> for OldCode {
    fn from(code: ReferralCode) -> Self {
        Self(code.0)
    }
}

/// The order of signing up: 1, 2, 3, …. A position never changes and is never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position(u64);

impl Position {
    /// Wraps a number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Returns the effective position: `max(1, position − count × boost)`.
    pub fn effective(self, referral_count: u64, boost: ReferralBoost) -> Self {
        let gained = referral_count.saturating_mul(u64::from(boost.places()));
        Self(self.0.saturating_sub(gained).max(1))
    }
}

/// The number of positions that one referral is worth: 0 to 1000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferralBoost(u16);

impl ReferralBoost {
    /// The most positions that one referral may be worth.
    pub const MAX: u16 = 1000;

    /// Takes a number of positions.
    ///
    /// # Errors
    /// If the number is more than 1000.
    pub fn new(places: u64) -> Result<Self, Invalid> {
        u16::try_from(places)
            .ok()
            .filter(|places| *places <= Self::MAX)
            .map(Self)
            .ok_or_else(|| Invalid::new(format!("must be an integer from 0 to {}", Self::MAX)))
    }

    /// Returns the number of positions.
    pub const fn places(self) -> u16 {
        self.0
    }
}

impl Default for ReferralBoost {
    fn default() -> Self {
        Self(1)
    }
}

/// The rewards of a waitlist for referrers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferralRewards {
    /// The milestones, by ascending count. No two have the same count.
    #[serde(default)]
    pub milestones: Vec<Milestone>,
}

impl ReferralRewards {
    /// Returns the milestones that a number of referrals has reached, the smallest count first.
    pub fn reached(&self, referral_count: u64) -> Vec<&Milestone> {
        let mut reached: Vec<_> = self.milestones.iter().filter(|milestone| milestone.count <= referral_count).collect();
        reached.sort_by_key(|milestone| milestone.count);
        reached
    }

    /// Returns the milestones that a growing number of referrals reaches for the first time, if `peak` is the most that there ever were.
    pub fn reached_first(&self, peak: u64, referral_count: u64) -> impl Iterator<Item = &Milestone> {
        self.reached(referral_count).into_iter().filter(move |milestone| milestone.count > peak)
    }

    /// Returns the next milestone above a number of referrals, if there is one.
    pub fn next(&self, referral_count: u64) -> Option<&Milestone> {
        self.milestones.iter().filter(|milestone| milestone.count > referral_count).min_by_key(|milestone| milestone.count)
    }
}

/// A reward for a number of referrals that count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestone {
    /// The number of referrals that it takes, at least 1.
    pub count: u64,
    /// The reward, in the words of the admin.
    pub reward: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_code_is_read_in_either_case() {
        let code = ReferralCode::from_entropy(0x1234_5678_9abc_def0);
        assert_eq!(ReferralCode::parse(&format!(" {} ", code.as_str().to_lowercase())), Ok(code));
        for bad in ["", "SHORT", "ABCDEFGHJKM", "ABCDEFGHI0", "ABCDEFGH-J", "ÀBCDEFGHJ"] {
            assert!(ReferralCode::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rewards_are_earned_by_count_in_any_order_of_the_milestones() {
        let milestone = |count, reward: &str| Milestone { count, reward: reward.to_owned() };
        let rewards = ReferralRewards { milestones: vec![milestone(10, "a mug"), milestone(3, "a sticker"), milestone(5, "a shirt")] };
        let reached = |count| rewards.reached(count).iter().map(|milestone| milestone.count).collect::<Vec<_>>();
        assert_eq!((reached(2), reached(3), reached(9), reached(10)), (vec![], vec![3], vec![3, 5], vec![3, 5, 10]));
        let next = |count| rewards.next(count).map(|milestone| milestone.reward.as_str());
        assert_eq!((next(0), next(3), next(5), next(10)), (Some("a sticker"), Some("a shirt"), Some("a mug"), None));
        assert_eq!((ReferralRewards::default().reached(9).len(), ReferralRewards::default().next(0)), (0, None));
    }

    #[test]
    fn an_effective_position_is_at_least_one() {
        let boost = |places| ReferralBoost::new(places).unwrap();
        assert_eq!(Position::new(10).effective(3, boost(1)).number(), 7);
        assert_eq!(Position::new(10).effective(3, boost(0)).number(), 10);
        assert_eq!(Position::new(10).effective(10, boost(1)).number(), 1);
        assert_eq!(Position::new(1).effective(u64::MAX, boost(1000)).number(), 1);
        assert!(ReferralBoost::new(1001).is_err());
    }

    proptest! {
        #[test]
        fn every_code_reads_back(bits in any::<u64>()) {
            let code = ReferralCode::from_entropy(bits);
            prop_assert_eq!(code.as_str().len(), ReferralCode::LENGTH);
            prop_assert_eq!(ReferralCode::parse(code.as_str()), Ok(code));
        }

        #[test]
        fn an_effective_position_is_never_behind_the_position(position in 1..u64::MAX, count in any::<u64>(), places in 0..=1000_u64) {
            let effective = Position::new(position).effective(count, ReferralBoost::new(places).unwrap());
            prop_assert!((1..=position).contains(&effective.number()));
        }

        #[test]
        fn any_text_parses_or_is_refused_without_a_panic(text in any::<String>()) {
            let _checked = ReferralCode::parse(&text);
        }
    }
}
