//! Deciding about referrals: whether they count.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use crate::actor::Actor;
use crate::ambient::Ids;
use crate::audit::{AuditAction, Audited, change};
use crate::entry::Entry;
use crate::event::Event;
use crate::id::{EntryId, EventId, ReferralId, WaitlistId};
use crate::ledger::{Effect, Referral, ReferralDecision, ReferralState};
use crate::referral::Position;
use crate::text::DecisionReason;
use crate::timestamp::Timestamp;
use crate::waitlist::Waitlist;

/// Which referrals of a list are decided about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selected {
    /// Those with these ids, as far as they are on the list.
    Ids(Vec<ReferralId>),
    /// The oldest of an entry that are not in the state yet.
    Referrer(EntryId),
    /// The oldest from the network of an entry that are not in the state yet.
    NetworkOf(EntryId),
}

/// Puts referrals into a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecideReferrals {
    /// The waitlist that the referrals must be on.
    pub waitlist_id: WaitlistId,
    /// Which referrals.
    pub selected: Selected,
    /// The state that they get.
    pub state: ReferralState,
    /// Why.
    pub reason: Option<DecisionReason>,
    /// Whether nothing is written: the result says what would be.
    pub dry_run: bool,
    /// Ids for the events: two for each referral.
    pub event_ids: Vec<EventId>,
    /// Who decides.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

impl DecideReferrals {
    /// The most referrals of one command.
    pub const MAX: usize = 1000;

    /// Returns ids for the events of a command.
    pub fn event_ids(selected: &Selected, ids: &dyn Ids) -> Vec<EventId> {
        let referrals = match selected {
            Selected::Ids(ids) => ids.len(),
            Selected::Referrer(_) | Selected::NetworkOf(_) => Self::MAX,
        };
        std::iter::repeat_with(|| EventId::new(ids.uuid())).take(2 * referrals).collect()
    }
}

/// A referrer with its highest number of referrals.
#[derive(Debug, Clone, PartialEq)]
pub struct CreditedEntry {
    /// The entry.
    pub entry: Entry,
    /// The most referrals that it ever had.
    pub referral_peak: u64,
}

/// The stored state that a decision about referrals needs. The store keeps it locked until the plan is written.
#[derive(Debug, Clone, PartialEq)]
pub struct DecideReferralsFacts {
    /// The waitlist.
    pub waitlist: Waitlist,
    /// The referrals, the oldest first.
    pub referrals: Vec<Referral>,
    /// Whether more are selected than one command takes.
    pub more: bool,
    /// Their referrers that still stand.
    pub referrers: HashMap<EntryId, CreditedEntry>,
}

/// What came of a decision about referrals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// The referrals as they are afterwards, the oldest first.
    pub referrals: Vec<Referral>,
    /// How many of them changed.
    pub changed: u64,
    /// Whether more were selected than one command takes.
    pub more: bool,
    /// The entries whose referrals change, the largest change first: at most [`Effect::MAX_REPORTED`].
    pub effects: Vec<Effect>,
}

/// The result of a decision about referrals. The store writes all of it or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct DecideReferralsPlan {
    /// The referrals that change, as they are afterwards.
    pub changed: Vec<Referral>,
    /// The referrals of each referrer before and afterwards, if they change.
    pub counts: BTreeMap<EntryId, (u64, u64)>,
    /// The events to write.
    pub events: Vec<Event>,
    /// What came of it.
    pub decided: Decided,
}

/// Why referrals were not decided about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecideReferralsRejection {
    /// The waitlist does not exist any more.
    #[error("this waitlist does not exist")]
    NoSuchWaitlist,
    /// The waitlist has no such referral.
    #[error("this referral does not exist")]
    NoSuchReferral,
}

impl DecideReferrals {
    /// Decides about referrals, from what they are now. A referral that is in the state already stays as it is.
    ///
    /// # Errors
    /// If the waitlist does not exist.
    pub fn decide(&self, facts: Option<DecideReferralsFacts>) -> Result<Audited<DecideReferralsPlan>, DecideReferralsRejection> {
        let mut facts = facts.ok_or(DecideReferralsRejection::NoSuchWaitlist)?;
        let mut event_ids = self.event_ids.iter().copied();
        let (mut changed, mut events, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        let (workspace_id, action) = (facts.waitlist.workspace_id, action(self.state));
        let mut moves: BTreeMap<EntryId, i64> = BTreeMap::new();
        for referral in facts.referrals.iter_mut().filter(|referral| referral.state != self.state) {
            if let Some(referrer) = referral.referrer.filter(|id| facts.referrers.contains_key(id)) {
                *moves.entry(referrer).or_default() += credit(self.state) - credit(referral.state);
            }
            let change = change("state", referral.state.as_str(), self.state.as_str());
            rows.extend(self.actor.audit(self.now, workspace_id, action, referral.id, change).filter(|_| !self.dry_run));
            referral.state = self.state;
            referral.decision = Some(ReferralDecision { at: self.now, by: self.actor.subject(), reason: self.reason.clone() });
            changed.push(referral.clone());
            events.extend(event_ids.next().map(|id| Event::of_referral(id, self.now, referral, &facts.waitlist)));
        }
        moves.retain(|_, by| *by != 0);
        let mut counts = BTreeMap::new();
        let mut effects: Vec<(Effect, Position)> = Vec::with_capacity(moves.len());
        for (id, by) in moves {
            let CreditedEntry { entry, referral_peak } = &facts.referrers[&id];
            let (before, after) = (entry.referral_count, entry.referral_count.saturating_add_signed(by));
            counts.insert(id, (before, after));
            let boost = facts.waitlist.settings.referral_boost;
            let effect = Effect {
                entry_id: id,
                count_before: before,
                count_after: after,
                effective_before: entry.position.effective(before, boost),
                effective_after: entry.position.effective(after, boost),
            };
            effects.push((effect, entry.position));
            let rewarded = Entry { referral_count: after, ..entry.clone() };
            let reached = facts.waitlist.settings.referral_rewards.reached_first(before.max(*referral_peak), after);
            let tell = |(milestone, id)| Event::of_reward(id, self.now, &rewarded, &facts.waitlist, milestone);
            events.extend(reached.zip(event_ids.by_ref()).map(tell));
        }
        effects.sort_by_key(|(effect, position)| (Reverse((effect.counted(), effect.moved())), *position));
        let decided = Decided {
            changed: changed.len() as u64,
            more: facts.more,
            effects: effects.into_iter().map(|(effect, _)| effect).take(Effect::MAX_REPORTED).collect(),
            referrals: facts.referrals,
        };
        Ok(Audited::new(DecideReferralsPlan { changed, counts, events, decided }, rows))
    }
}

const fn action(state: ReferralState) -> AuditAction {
    match state {
        ReferralState::Credited => AuditAction::ReferralCredit,
        ReferralState::Withheld => AuditAction::ReferralWithhold,
        ReferralState::Revoked => AuditAction::ReferralRevoke,
    }
}

/// What a referral in a state adds to the count of its referrer.
const fn credit(state: ReferralState) -> i64 {
    match state {
        ReferralState::Credited => 1,
        ReferralState::Withheld | ReferralState::Revoked => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;
    use uuid::Uuid;

    use super::super::sign_up::tests::{command as sign_up, facts as sign_up_facts, waitlist};
    use super::*;
    use crate::event::EventKind;
    use crate::ledger::ReferralSignal;

    fn referral(n: u128, referrer: Option<u128>, state: ReferralState) -> Referral {
        Referral {
            id: ReferralId::new(Uuid::from_u128(n)),
            waitlist_id: waitlist(json!({})).id,
            referrer: referrer.map(|id| EntryId::new(Uuid::from_u128(id))),
            referred: None,
            state,
            score: 40,
            reasons: vec![ReferralSignal::SameNetwork],
            policy: None,
            created_at: sign_up().now,
            decision: None,
        }
    }

    fn facts(referrals: Vec<Referral>, referral_peak: u64) -> DecideReferralsFacts {
        let rewards = json!({"milestones": [{"count": 2, "reward": "a mug"}, {"count": 3, "reward": "a shirt"}]});
        let waitlist = waitlist(json!({"referral_rewards": rewards, "referral_boost": 10}));
        let entry = sign_up().decide(sign_up_facts(&waitlist)).unwrap().entry;
        let of = |n: u128, referral_count| {
            let id = EntryId::new(Uuid::from_u128(n));
            (id, CreditedEntry { entry: Entry { id, referral_count, ..entry.clone() }, referral_peak })
        };
        DecideReferralsFacts { referrers: HashMap::from([of(1, 1), of(2, 4)]), waitlist, referrals, more: false }
    }

    fn command(state: ReferralState) -> DecideReferrals {
        DecideReferrals {
            waitlist_id: waitlist(json!({})).id,
            selected: Selected::Ids(Vec::new()),
            state,
            reason: DecisionReason::parse_optional("one person").unwrap(),
            dry_run: false,
            event_ids: (100..120).map(|n| EventId::new(Uuid::from_u128(n))).collect(),
            actor: Actor::System,
            now: sign_up().now.plus(time::Duration::hours(1)),
        }
    }

    use ReferralState::{Credited, Revoked, Withheld};

    #[test]
    fn a_decision_moves_counts_once_and_says_who_made_it() {
        let referrals = vec![referral(11, Some(1), Credited), referral(12, Some(2), Revoked), referral(13, Some(2), Withheld)];
        let (plan, rows) = command(Revoked).decide(Some(facts(referrals.clone(), 9))).unwrap().into_parts();
        let audited: Vec<_> = rows.iter().map(|row| (row.action.as_str(), row.changes["state"].to_string())).collect();
        let revoked = |from: &str| ("referral.revoke", format!(r#"["{from}","revoked"]"#));
        assert_eq!(audited, [revoked("credited"), revoked("withheld")]);
        let dry = DecideReferrals { dry_run: true, ..command(Revoked) }.decide(Some(facts(referrals.clone(), 9))).unwrap();
        assert!(dry.rows.is_empty());
        assert_eq!(plan.counts, BTreeMap::from([(EntryId::new(Uuid::from_u128(1)), (1, 0))]));
        assert_eq!((plan.decided.changed, plan.decided.referrals.len(), plan.events.len()), (2, 3, 2));
        assert_eq!(plan.decided.referrals[1], referrals[1], "it was in the state already");
        let decision = plan.changed[0].decision.clone().unwrap();
        assert_eq!((decision.at, decision.by.is_some(), decision.reason.unwrap().as_str()), (command(Revoked).now, true, "one person"));
        let [effect] = &plan.decided.effects[..] else { panic!("one entry changes") };
        assert_eq!((effect.count_before, effect.count_after), (1, 0));
        assert_eq!((effect.effective_before.number(), effect.effective_after.number()), (32, 42));
    }

    #[test]
    fn the_largest_change_is_told_first_and_rewards_once() {
        let referrals: Vec<Referral> =
            [(11, Some(1)), (12, Some(2)), (13, Some(2)), (14, None), (15, Some(3))].map(|(n, id)| referral(n, id, Withheld)).into();
        let plan = command(Credited).decide(Some(facts(referrals.clone(), 1))).unwrap().plan;
        let counts: Vec<_> = plan.decided.effects.iter().map(|effect| (effect.count_before, effect.count_after)).collect();
        assert_eq!((counts, plan.decided.changed), (vec![(4, 6), (1, 2)], 5));
        let kinds = |plan: &DecideReferralsPlan, kind| plan.events.iter().filter(|event| event.kind == kind).count();
        assert_eq!((kinds(&plan, EventKind::ReferralCredited), kinds(&plan, EventKind::RewardReached)), (5, 1));
        let ids: HashSet<EventId> = plan.events.iter().map(|event| event.id).collect();
        assert_eq!(ids.len(), 6);
        let again = command(Credited).decide(Some(facts(referrals, 2))).unwrap().plan;
        assert_eq!(kinds(&again, EventKind::RewardReached), 0, "it was reached before");
        assert_eq!(command(Credited).decide(None), Err(DecideReferralsRejection::NoSuchWaitlist));
    }
}
