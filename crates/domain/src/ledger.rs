//! The referral ledger: a row for every referral, what speaks against it, and whether it counts.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use time::Duration;

use crate::error::Invalid;
use crate::id::{EntryId, ReferralId, WaitlistId};
use crate::referral::{Position, ReferralBoost};
use crate::secret::NetworkHash;
use crate::text::{DecisionReason, Subject};
use crate::timestamp::Timestamp;

/// How long the hash of a client's network is kept.
pub const NETWORKS_KEPT: Duration = Duration::days(30);

/// The time in which other referrals of one network count.
pub const NEIGHBOURS_WITHIN: Duration = Duration::days(1);

/// The time in which referrals of one code make a burst.
pub const BURST_WITHIN: Duration = Duration::hours(1);

/// So many others of one code and network, and the next one is scored. A store need not count more.
pub const NEIGHBOURS: u64 = 3;

/// Whether a referral counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReferralState {
    /// It counts.
    Credited,
    /// It waits for a decision, and does not count.
    Withheld,
    /// It was taken back, and does not count.
    Revoked,
}

impl ReferralState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Credited, Self::Withheld, Self::Revoked];

    /// Returns the name on the wire and in a store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credited => "credited",
            Self::Withheld => "withheld",
            Self::Revoked => "revoked",
        }
    }

    /// Reads the name on the wire.
    ///
    /// # Errors
    /// If there is no such state.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be one of credited, withheld, revoked"))
    }
}

/// What speaks against a referral.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReferralSignal {
    /// Referrer and friend read the same mailbox.
    SameMailbox,
    /// The friend signed up from the network of the referrer, or of several other friends.
    SameNetwork,
    /// The code brought more friends in an hour than the list expects.
    Burst,
    /// The friend's address is of a service that gives out throw-away addresses.
    Disposable,
    /// The person of the address was erased before, and is back.
    Returning,
}

impl ReferralSignal {
    /// All signals.
    pub const ALL: [Self; 5] = [Self::SameMailbox, Self::SameNetwork, Self::Burst, Self::Disposable, Self::Returning];

    /// Returns the name on the wire and in a store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SameMailbox => "same_mailbox",
            Self::SameNetwork => "same_network",
            Self::Burst => "burst",
            Self::Disposable => "disposable",
            Self::Returning => "returning",
        }
    }

    /// Returns how much the signal adds to the score.
    pub const fn weight(self) -> u16 {
        match self {
            Self::SameMailbox | Self::Returning => 100,
            Self::Burst => 60,
            Self::Disposable => 50,
            Self::SameNetwork => 40,
        }
    }

    /// Writes signals as a store keeps them: their names, with commas between.
    pub fn join(signals: &[Self]) -> String {
        signals.iter().map(|signal| signal.as_str()).collect::<Vec<_>>().join(",")
    }

    /// Reads signals that a store kept. Those of a newer program are left out.
    pub fn split(text: &str) -> Vec<Self> {
        text.split(',').filter_map(|name| Self::ALL.into_iter().find(|signal| signal.as_str() == name)).collect()
    }
}

/// What a list does about referrals that look dishonest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FraudMode {
    /// Nothing is judged.
    Off,
    /// Referrals are judged, and all of them count.
    #[default]
    Flag,
    /// A referral with a high score does not count until somebody decides.
    Withhold,
}

impl FraudMode {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::Off, Self::Flag, Self::Withhold];

    /// Returns the name on the wire and in a store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Flag => "flag",
            Self::Withhold => "withhold",
        }
    }

    /// Reads the name on the wire.
    ///
    /// # Errors
    /// If there is no such mode.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|mode| mode.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be one of off, flag, withhold"))
    }
}

/// The settings by which a list judges referrals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferralPolicy {
    /// What the list does.
    pub mode: FraudMode,
    /// The score from which on a referral is withheld: 1 to 100.
    pub threshold: u8,
    /// The referrals of one code in an hour that are no burst: 1 to [`ReferralPolicy::MAX_CAP`].
    pub hourly_cap: u16,
}

impl ReferralPolicy {
    /// The largest hourly cap.
    pub const MAX_CAP: u16 = 1000;

    /// Reads the text of [`fmt::Display`].
    pub fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let mode = FraudMode::parse(words.next()?).ok()?;
        Some(Self { mode, threshold: words.next()?.parse().ok()?, hourly_cap: words.next()?.parse().ok()? })
    }
}

impl Default for ReferralPolicy {
    fn default() -> Self {
        Self { mode: FraudMode::default(), threshold: 50, hourly_cap: 20 }
    }
}

/// The mode, the threshold and the cap, as a store keeps them.
impl fmt::Display for ReferralPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.mode.as_str(), self.threshold, self.hourly_cap)
    }
}

/// The facts that the signals of a referral are made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReferralSignals {
    /// Whether referrer and friend read the same mailbox.
    pub same_mailbox: bool,
    /// Whether the friend signed up from the network of the referrer. False if either network is not known.
    pub network_of_referrer: bool,
    /// The other referrals of the code from the friend's network within [`NEIGHBOURS_WITHIN`], counted up to [`NEIGHBOURS`]. 0 if the
    /// network is not known.
    pub neighbours: u64,
    /// The other referrals of the code within [`BURST_WITHIN`], in any state.
    pub recent: u64,
    /// Whether the friend's address is a throw-away one.
    pub disposable: bool,
    /// Whether the person of the address was erased before.
    pub returning: bool,
}

/// What the signals of a referral mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Whether the referral counts.
    pub state: ReferralState,
    /// The sum of the signals, at most 100.
    pub score: u8,
    /// The signals.
    pub reasons: Vec<ReferralSignal>,
}

impl ReferralSignals {
    /// Judges a referral by the policy of its list.
    pub fn judge(&self, policy: ReferralPolicy) -> Judgement {
        let seen = |signal: &ReferralSignal| match signal {
            ReferralSignal::SameMailbox => self.same_mailbox,
            ReferralSignal::SameNetwork => self.network_of_referrer || self.neighbours >= NEIGHBOURS,
            ReferralSignal::Burst => self.recent >= u64::from(policy.hourly_cap),
            ReferralSignal::Disposable => self.disposable,
            ReferralSignal::Returning => self.returning,
        };
        let reasons: Vec<_> = ReferralSignal::ALL.into_iter().filter(|_| policy.mode != FraudMode::Off).filter(seen).collect();
        let sum: u16 = reasons.iter().map(|signal| signal.weight()).sum();
        let score = u8::try_from(sum.min(100)).unwrap_or(100);
        let withheld = policy.mode == FraudMode::Withhold && score >= policy.threshold;
        Judgement { state: if withheld { ReferralState::Withheld } else { ReferralState::Credited }, score, reasons }
    }
}

/// What somebody decided about a referral.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferralDecision {
    /// When.
    pub at: Timestamp,
    /// Who, if the actor has a name.
    pub by: Option<Subject>,
    /// Why, in the words of the admin.
    pub reason: Option<DecisionReason>,
}

/// A row of the ledger: somebody signed up with the code of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referral {
    /// The id of the referral.
    pub id: ReferralId,
    /// The waitlist.
    pub waitlist_id: WaitlistId,
    /// The entry whose code was used. `None` if it is gone.
    pub referrer: Option<EntryId>,
    /// The entry that used it. `None` if it is gone.
    pub referred: Option<EntryId>,
    /// Whether it counts.
    pub state: ReferralState,
    /// How much speaks against it: 0 to 100.
    pub score: u8,
    /// What speaks against it.
    pub reasons: Vec<ReferralSignal>,
    /// The policy that judged it. `None` if it is older than the ledger.
    pub policy: Option<ReferralPolicy>,
    /// When the friend signed up.
    pub created_at: Timestamp,
    /// The last decision about it, if there was one.
    pub decision: Option<ReferralDecision>,
}

impl Referral {
    /// Returns the entry that gets a credit for it, if it counts.
    pub fn credit(&self) -> Option<EntryId> {
        self.referrer.filter(|_| self.state == ReferralState::Credited)
    }
}

/// Returns the credits that referrals give to each referrer.
pub fn credits<'a>(referrals: impl IntoIterator<Item = &'a Referral>) -> BTreeMap<EntryId, u64> {
    let mut credits = BTreeMap::new();
    for referrer in referrals.into_iter().filter_map(Referral::credit) {
        *credits.entry(referrer).or_default() += 1;
    }
    credits
}

/// The filter of a list of referrals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReferralFilter {
    /// Only referrals in this state.
    pub state: Option<ReferralState>,
    /// Only referrals of this entry.
    pub referrer: Option<EntryId>,
}

/// How the place of an entry changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    /// The entry.
    pub entry_id: EntryId,
    /// Its referrals before.
    pub count_before: u64,
    /// Its referrals afterwards.
    pub count_after: u64,
    /// Its effective position before.
    pub effective_before: Position,
    /// Its effective position afterwards.
    pub effective_after: Position,
}

impl Effect {
    /// The most effects that are reported.
    pub const MAX_REPORTED: usize = 100;

    /// Returns by how much the effective position changes.
    pub fn moved(&self) -> u64 {
        self.effective_before.number().abs_diff(self.effective_after.number())
    }

    /// Returns by how much the referrals change.
    pub fn counted(&self) -> u64 {
        self.count_before.abs_diff(self.count_after)
    }
}

/// The place of an entry that has referrals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The entry.
    pub entry_id: EntryId,
    /// Its position.
    pub position: Position,
    /// Its referrals.
    pub referral_count: u64,
}

/// What another boost would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoostPreview {
    /// How many entries would have another effective position.
    pub moved: u64,
    /// Those that would move farthest, the farthest first: at most [`Effect::MAX_REPORTED`].
    pub effects: Vec<Effect>,
}

impl BoostPreview {
    /// Compares two boosts over the entries that have referrals. The others never move.
    pub fn of(standings: &[Standing], from: ReferralBoost, to: ReferralBoost) -> Self {
        let effect = |standing: &Standing| Effect {
            entry_id: standing.entry_id,
            count_before: standing.referral_count,
            count_after: standing.referral_count,
            effective_before: standing.position.effective(standing.referral_count, from),
            effective_after: standing.position.effective(standing.referral_count, to),
        };
        let mut moving: Vec<(u64, &Standing)> = standings.iter().map(|standing| (effect(standing).moved(), standing)).collect();
        moving.retain(|(moved, _)| *moved > 0);
        moving.sort_by_key(|(moved, standing)| (std::cmp::Reverse(*moved), standing.position));
        Self {
            moved: moving.len() as u64,
            effects: moving.iter().take(Effect::MAX_REPORTED).map(|(_, standing)| effect(standing)).collect(),
        }
    }
}

/// A referral that something speaks against, as rings are found by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// The entry whose code was used, if it still stands.
    pub referrer: Option<EntryId>,
    /// The entry that used it, if it still stands.
    pub referred: Option<EntryId>,
    /// The network that the friend signed up from, if it is known.
    pub network: Option<NetworkHash>,
    /// What speaks against it.
    pub reasons: Vec<ReferralSignal>,
    /// When the friend signed up.
    pub created_at: Timestamp,
}

/// Referrals that something speaks against, and that have a code or a network in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    /// Names the ring: `code:` and the id of the referrer, or `network:` and a part of the network's hash.
    pub key: String,
    /// All signals of its referrals.
    pub reasons: Vec<ReferralSignal>,
    /// How many referrals it has.
    pub size: u64,
    /// The referrers that still stand, by their ids: at most [`Ring::MAX_REFERRERS`].
    pub referrers: Vec<EntryId>,
    /// An entry of the ring that signed up from its network, if the network is what the ring has in common.
    pub network_of: Option<EntryId>,
    /// When the first of them signed up.
    pub first_at: Timestamp,
    /// When the last of them signed up.
    pub last_at: Timestamp,
}

impl Ring {
    /// The fewest referrals of a ring.
    pub const LEAST: u64 = 3;
    /// The newest suspects of a list that are searched for rings.
    pub const SEARCHED: usize = 10_000;
    /// The most rings that are found.
    pub const MAX: usize = 100;
    /// The most referrers that a ring names.
    pub const MAX_REFERRERS: usize = 100;

    /// Finds the rings among suspects, the largest first.
    pub fn find(suspects: &[Suspect]) -> Vec<Self> {
        let mut groups: BTreeMap<String, Vec<&Suspect>> = BTreeMap::new();
        for suspect in suspects {
            if let Some(referrer) = suspect.referrer {
                groups.entry(format!("code:{referrer}")).or_default().push(suspect);
            }
            let by_network = suspect.reasons.contains(&ReferralSignal::SameNetwork);
            if let Some(network) = suspect.network.filter(|_| by_network) {
                groups.entry(format!("network:{}", short(network))).or_default().push(suspect);
            }
        }
        let mut rings: Vec<Self> = groups.into_iter().filter_map(|(key, members)| Self::of(key, &members)).collect();
        rings.sort_by(|one, other| other.size.cmp(&one.size).then_with(|| one.key.cmp(&other.key)));
        rings.truncate(Self::MAX);
        rings
    }

    fn of(key: String, members: &[&Suspect]) -> Option<Self> {
        let size = members.len() as u64;
        let first_at = members.iter().map(|member| member.created_at).min().filter(|_| size >= Self::LEAST)?;
        let last_at = members.iter().map(|member| member.created_at).max()?;
        let reasons = ReferralSignal::ALL.into_iter().filter(|signal| members.iter().any(|member| member.reasons.contains(signal)));
        let mut referrers: Vec<EntryId> = members.iter().filter_map(|member| member.referrer).collect();
        referrers.sort_unstable();
        referrers.dedup();
        referrers.truncate(Self::MAX_REFERRERS);
        let network_of = members.iter().filter(|_| key.starts_with("network:")).find_map(|member| member.referred);
        Some(Self { reasons: reasons.collect(), size, referrers, network_of, first_at, last_at, key })
    }
}

/// The first bytes of a hash, which tell the networks of a list apart.
fn short(network: NetworkHash) -> String {
    network.bytes()[..8].iter().fold(String::new(), |mut text, byte| {
        // Writing to a string never fails.
        let _written = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const WITHHOLD: ReferralPolicy = ReferralPolicy { mode: FraudMode::Withhold, threshold: 50, hourly_cap: 20 };

    #[test]
    fn every_signal_adds_its_weight_and_the_score_ends_at_a_hundred() {
        use ReferralSignal::{Burst, Disposable, Returning, SameMailbox, SameNetwork};
        let clean = ReferralSignals { neighbours: 2, recent: 19, ..ReferralSignals::default() };
        let table: [(ReferralSignals, u8, &[ReferralSignal]); 9] = [
            (clean, 0, &[]),
            (ReferralSignals { same_mailbox: true, ..clean }, 100, &[SameMailbox]),
            (ReferralSignals { network_of_referrer: true, ..clean }, 40, &[SameNetwork]),
            (ReferralSignals { neighbours: 3, ..clean }, 40, &[SameNetwork]),
            (ReferralSignals { recent: 20, ..clean }, 60, &[Burst]),
            (ReferralSignals { disposable: true, ..clean }, 50, &[Disposable]),
            (ReferralSignals { disposable: true, network_of_referrer: true, ..clean }, 90, &[SameNetwork, Disposable]),
            (ReferralSignals { returning: true, ..clean }, 100, &[Returning]),
            (ReferralSignals { same_mailbox: true, disposable: true, ..clean }, 100, &[SameMailbox, Disposable]),
        ];
        for (signals, score, reasons) in table {
            let judged = signals.judge(ReferralPolicy::default());
            assert_eq!((judged.state, judged.score, &*judged.reasons), (ReferralState::Credited, score, reasons), "{signals:?}");
            let expected = if score >= 50 { ReferralState::Withheld } else { ReferralState::Credited };
            assert_eq!(signals.judge(WITHHOLD).state, expected, "{signals:?}");
            let off = ReferralPolicy { mode: FraudMode::Off, ..WITHHOLD };
            assert_eq!(signals.judge(off), Judgement { state: ReferralState::Credited, score: 0, reasons: Vec::new() });
        }
    }

    #[test]
    fn names_read_back() {
        assert!(ReferralState::ALL.into_iter().all(|state| ReferralState::parse(state.as_str()) == Ok(state)));
        assert!(FraudMode::ALL.into_iter().all(|mode| FraudMode::parse(mode.as_str()) == Ok(mode)));
        assert_eq!(ReferralSignal::split(&ReferralSignal::join(&ReferralSignal::ALL)), ReferralSignal::ALL);
        assert_eq!((ReferralSignal::split(""), ReferralSignal::split("burst,later")), (Vec::new(), vec![ReferralSignal::Burst]));
        assert_eq!(ReferralPolicy::read(&WITHHOLD.to_string()), Some(WITHHOLD));
        assert!(["", "flag", "flag 50", "maybe 50 20", "flag 500 20"].into_iter().all(|text| ReferralPolicy::read(text).is_none()));
        assert!(ReferralState::parse("waiting").is_err() && FraudMode::parse("on").is_err());
    }

    fn entry(n: u128) -> EntryId {
        EntryId::new(Uuid::from_u128(n))
    }

    #[test]
    fn another_boost_moves_those_that_have_referrals() {
        let standing = |n: u64, referral_count| Standing { entry_id: entry(u128::from(n)), position: Position::new(n), referral_count };
        let boost = |places| ReferralBoost::new(places).unwrap();
        let preview = BoostPreview::of(&[standing(1, 5), standing(9, 1), standing(100, 10)], boost(1), boost(3));
        let moves: Vec<_> = preview.effects.iter().map(|effect| (effect.entry_id, effect.moved())).collect();
        assert_eq!((preview.moved, moves), (2, vec![(entry(100), 20), (entry(9), 2)]));
        assert_eq!(BoostPreview::of(&[standing(9, 1)], boost(2), boost(2)), BoostPreview { moved: 0, effects: Vec::new() });
        let many: Vec<Standing> = (1..=150).map(|n| standing(n + 10, 1)).collect();
        let preview = BoostPreview::of(&many, boost(0), boost(1));
        assert_eq!((preview.moved, preview.effects.len()), (150, Effect::MAX_REPORTED));
    }

    #[test]
    fn rings_have_a_code_or_a_network_in_common() {
        let at = |second| Timestamp::from_unix_millis(second * 1000).unwrap();
        let suspect = |referrer: u128, network: u8, reason, second: i64| Suspect {
            referrer: Some(entry(referrer)),
            referred: Some(entry(1000 + u128::from(second.unsigned_abs()))),
            network: Some(NetworkHash::new([network; 16])),
            reasons: vec![reason],
            created_at: at(second),
        };
        let suspects = [
            suspect(1, 1, ReferralSignal::Burst, 1),
            suspect(1, 2, ReferralSignal::SameNetwork, 2),
            suspect(1, 2, ReferralSignal::SameNetwork, 3),
            suspect(2, 2, ReferralSignal::SameNetwork, 4),
            suspect(3, 1, ReferralSignal::Burst, 5),
            suspect(4, 1, ReferralSignal::Burst, 6),
            Suspect { referrer: None, ..suspect(5, 2, ReferralSignal::SameNetwork, 7) },
        ];
        let rings = Ring::find(&suspects);
        let shown: Vec<_> = rings.iter().map(|ring| (ring.key.as_str(), ring.size, ring.referrers.len(), ring.network_of)).collect();
        let code = format!("code:{}", entry(1));
        assert_eq!(shown, [("network:0202020202020202", 4, 2, Some(entry(1002))), (&*code, 3, 1, None)]);
        assert_eq!((rings[0].first_at, rings[0].last_at), (at(2), at(7)));
        assert_eq!(rings[1].reasons, [ReferralSignal::SameNetwork, ReferralSignal::Burst]);
        assert_eq!(Ring::find(&suspects[4..6]), []);
    }
}
