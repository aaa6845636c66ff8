//! Ranks: how many entries of a waitlist stand before another one.

use crate::referral::{Position, ReferralBoost};

/// Where an entry stands on its waitlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank {
    /// How many entries stand before it.
    pub ahead: u64,
    /// How many entries the waitlist has. Rejected ones do not count.
    pub total: u64,
}

/// The order of a waitlist at one moment: all entries that are not rejected, by effective position and then by position.
///
/// An entry takes 8 bytes, and 32 bytes more if it has referrals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranks {
    boost: ReferralBoost,
    /// The last position that was given out.
    last: Position,
    /// The positions of all entries, ascending.
    positions: Vec<Position>,
    /// The referrals of the entries that have any, by position.
    counts: Vec<(Position, u64)>,
    /// The effective positions and positions of the entries that have referrals, ascending.
    moved: Vec<(Position, Position)>,
}

impl Ranks {
    /// Orders the entries that are not rejected: their positions, and the referral counts of those that have referrals. Both come in any
    /// order. `last` is the last position that the waitlist has given out.
    pub fn new(boost: ReferralBoost, last: Position, mut positions: Vec<Position>, mut counts: Vec<(Position, u64)>) -> Self {
        // A stable sort is quick on the ascending runs that a store reads, one for each status.
        positions.sort();
        counts.sort_unstable();
        let moved = moved(boost, &counts);
        Self { boost, last, positions, counts, moved }
    }

    /// The order of a waitlist without entries.
    pub fn empty(boost: ReferralBoost) -> Self {
        Self::new(boost, Position::new(0), Vec::new(), Vec::new())
    }

    /// Returns the positions that one referral is worth in this order.
    pub const fn boost(&self) -> ReferralBoost {
        self.boost
    }

    /// Returns the order of the same entries if one referral is worth another number of positions.
    #[must_use]
    pub fn with_boost(&self, boost: ReferralBoost) -> Self {
        Self { boost, moved: moved(boost, &self.counts), ..self.clone() }
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// Returns the rank of an entry that is not rejected. It has that many referrals now.
    ///
    /// An entry of this order has the rank that it had at the moment of the order. For an entry that signed up later, everybody counts who
    /// signed up between, with no referrals: positions have no gaps when they are given out.
    pub fn find(&self, position: Position, referral_count: u64) -> Rank {
        let total = self.positions.len() as u64;
        if self.positions.binary_search(&position).is_ok() {
            let known = self.counts.binary_search_by_key(&position, |(position, _)| *position);
            let count = known.map_or(0, |index| self.counts[index].1);
            return Rank { ahead: self.before(position.effective(count, self.boost), position), total };
        }
        let effective = position.effective(referral_count, self.boost);
        let ahead = self.before(effective, position);
        let newcomers = |until: Position| until.number().saturating_sub(self.last.number());
        // Who signed up on its effective position stands before it too, unless that is the entry itself.
        let newcomers_ahead = newcomers(effective).saturating_sub(u64::from(effective == position));
        Rank { ahead: ahead + newcomers_ahead, total: total + newcomers(position) }
    }

    /// Counts the entries before a place in the order.
    fn before(&self, effective: Position, position: Position) -> u64 {
        let key = (effective, position);
        let unmoved = self.positions.partition_point(|position| (*position, *position) < key);
        let not_there = self.counts.partition_point(|(position, _)| (*position, *position) < key);
        let moved = self.moved.partition_point(|place| *place < key);
        // Nobody stands behind their position, so whoever is not there has moved to before the place.
        (unmoved + moved - not_there) as u64
    }
}

fn moved(boost: ReferralBoost, counts: &[(Position, u64)]) -> Vec<(Position, Position)> {
    let mut moved: Vec<_> = counts.iter().map(|(position, count)| (position.effective(*count, boost), *position)).collect();
    moved.sort_unstable();
    moved
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn boost(places: u64) -> ReferralBoost {
        ReferralBoost::new(places).unwrap()
    }

    /// The order of entries with these referrals on the positions 1, 2, 3, …; `None` is a rejected or deleted entry.
    fn ranks(places: u64, entries: &[Option<u64>]) -> Ranks {
        let known = || (1..).map(Position::new).zip(entries).filter_map(|(position, count)| Some((position, (*count)?)));
        let counts = known().filter(|(_, count)| *count > 0).collect();
        Ranks::new(boost(places), Position::new(entries.len() as u64), known().map(|(position, _)| position).collect(), counts)
    }

    fn ahead(ranks: &Ranks, position: u64, count: u64) -> u64 {
        ranks.find(Position::new(position), count).ahead
    }

    #[test]
    fn referrals_move_an_entry_forward_and_ties_go_by_position() {
        let ranks = ranks(2, &[Some(0), Some(0), None, Some(1), Some(2)]);
        // The effective positions are 1, 2, 2 and 1.
        assert_eq!([(1, 0), (2, 0), (4, 1), (5, 2)].map(|(position, count)| ahead(&ranks, position, count)), [0, 2, 3, 1]);
        assert_eq!((ranks.len(), ranks.is_empty(), ranks.boost()), (4, false, boost(2)));
        let unmoved = ranks.with_boost(boost(0));
        assert_eq!([1, 2, 4, 5].map(|position| ahead(&unmoved, position, 0)), [0, 1, 2, 3]);
    }

    #[test]
    fn an_entry_of_the_order_has_the_rank_of_its_moment() {
        let ranks = ranks(1, &[Some(0), Some(0), Some(0), Some(2)]);
        assert_eq!([0, 2, 99].map(|count| ranks.find(Position::new(4), count)), [Rank { ahead: 2, total: 4 }; 3]);
    }

    #[test]
    fn a_newcomer_stands_behind_those_that_came_before_it() {
        let ranks = ranks(1, &[Some(0), None, Some(0)]);
        let find = |position, count| ranks.find(Position::new(position), count);
        assert_eq!(find(4, 0), Rank { ahead: 2, total: 3 });
        assert_eq!(find(6, 0), Rank { ahead: 4, total: 5 });
        assert_eq!(find(6, 1), Rank { ahead: 4, total: 5 }, "who signed up fifth has the same effective position");
        assert_eq!(find(6, 2), Rank { ahead: 3, total: 5 });
        assert_eq!(find(6, 5), Rank { ahead: 1, total: 5 });
        assert_eq!(find(2, 0), Rank { ahead: 1, total: 2 }, "it was rejected, and is not any more");
        assert_eq!(Ranks::empty(boost(1)).find(Position::new(1), 0), Rank { ahead: 0, total: 1 });
    }

    proptest! {
        #[test]
        fn ranks_are_those_of_a_sorted_list(places in 0..=5_u64, entries in prop::collection::vec(prop::option::of(0..6_u64), 0..40)) {
            let ranks = ranks(places, &entries);
            let numbered = (1..).map(Position::new).zip(&entries);
            let mut sorted: Vec<_> =
                numbered.filter_map(|(position, count)| Some((position.effective((*count)?, boost(places)), position, (*count)?))).collect();
            sorted.sort();
            for (ahead, (_, position, count)) in sorted.iter().enumerate() {
                prop_assert_eq!(ranks.find(*position, *count), Rank { ahead: ahead as u64, total: sorted.len() as u64 });
            }
            prop_assert_eq!(ranks.with_boost(boost(3)).with_boost(boost(places)), ranks);
        }
    }
}
