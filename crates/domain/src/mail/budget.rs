//! How many mails strangers may cause.

use std::collections::HashMap;

use time::Duration;

use crate::id::MailId;
use crate::secret::NetworkHash;
use crate::timestamp::Timestamp;

/// The most mails that strangers may cause in a period, for each workspace.
///
/// Such a mail waits until it is *begun*: the budget lets it be claimed. It counts once, however often it is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailBudget {
    /// The number of mails.
    pub mails: u32,
    /// The period.
    pub period: Duration,
}

impl Default for MailBudget {
    fn default() -> Self {
        Self { mails: 1000, period: Duration::HOUR }
    }
}

/// A mail that waits to be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingMail {
    /// The mail.
    pub id: MailId,
    /// The network of the client that caused it.
    pub network: NetworkHash,
    /// When it became due.
    pub due_at: Timestamp,
}

impl MailBudget {
    /// The most networks of waiting mails that a store looks at for one decision, so that its cost has a bound.
    pub const NETWORKS: usize = 1000;

    /// The longest period. A store keeps mails for longer, and of deleted ones what counts, so that all of a period are counted.
    pub const LONGEST: Duration = Duration::DAY;

    /// Returns the start of the period that ends now. Mails that were begun after it count.
    pub fn since(&self, now: Timestamp) -> Timestamp {
        now.plus(-self.period)
    }

    /// Returns how many mails may be begun, if that many were in the period.
    pub fn room(&self, begun: u64) -> usize {
        usize::try_from(u64::from(self.mails).saturating_sub(begun)).unwrap_or(usize::MAX)
    }

    /// Decides which waiting mails of a workspace are begun, at most that many. `begun` has the mails of the period by network.
    ///
    /// The next one is always of the network with the fewest mails, and of those the one that has been due for longest. So whoever floods a
    /// form takes the place of few others.
    pub fn begin(&self, begun: &HashMap<NetworkHash, u64>, mut waiting: Vec<WaitingMail>, most: usize) -> Vec<MailId> {
        let most = most.min(self.room(begun.values().sum()));
        waiting.sort_unstable_by_key(|mail| (mail.due_at, mail.id));
        let mut counts = begun.clone();
        let mut ranked: Vec<_> = waiting.into_iter().map(|mail| (next(&mut counts, mail.network), mail.due_at, mail.id)).collect();
        ranked.sort_unstable();
        ranked.into_iter().take(most).map(|(_, _, id)| id).collect()
    }
}

/// Counts one more mail of a network, and returns how many came before.
fn next(counts: &mut HashMap<NetworkHash, u64>, network: NetworkHash) -> u64 {
    let count = counts.entry(network).or_default();
    *count += 1;
    *count - 1
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn network(n: u8) -> NetworkHash {
        NetworkHash::new([n; 16])
    }

    fn waiting(mails: &[(u128, u8)]) -> Vec<WaitingMail> {
        let start = Timestamp::parse("2026-01-31T09:00:00Z").unwrap();
        let mail = |(at, (id, n)): (usize, &(u128, u8))| WaitingMail {
            id: MailId::new(Uuid::from_u128(*id)),
            network: network(*n),
            due_at: start.plus(Duration::seconds(i64::try_from(at).unwrap())),
        };
        mails.iter().enumerate().map(mail).collect()
    }

    fn begin(mails: u32, begun: &[(u8, u64)], waits: &[(u128, u8)], most: usize) -> Vec<u128> {
        let begun = begun.iter().map(|(n, count)| (network(*n), *count)).collect();
        let budget = MailBudget { mails, period: Duration::HOUR };
        budget.begin(&begun, waiting(waits), most).into_iter().map(|id| id.uuid().as_u128()).collect()
    }

    #[test]
    fn no_more_mails_are_begun_than_there_is_room_for() {
        assert_eq!(begin(3, &[(1, 1)], &[(1, 1), (2, 1), (3, 1)], 9), [1, 2]);
        assert_eq!(begin(3, &[], &[(1, 1), (2, 1), (3, 1)], 1), [1]);
        assert_eq!(begin(3, &[(1, 2), (2, 5)], &[(1, 3)], 9), [0; 0]);
    }

    #[test]
    fn networks_with_few_mails_come_first() {
        let waits = [(1, 1), (2, 1), (3, 1), (4, 2), (5, 3), (6, 2)];
        assert_eq!(begin(9, &[], &waits, 9), [1, 4, 5, 2, 6, 3]);
        assert_eq!(begin(9, &[(1, 1), (3, 2)], &waits, 3), [4, 1, 6]);
    }

    #[test]
    fn the_period_ends_now() {
        let now = Timestamp::parse("2026-01-31T09:00:00Z").unwrap();
        assert_eq!(MailBudget::default().since(now), now.plus(-Duration::HOUR));
        assert_eq!(MailBudget::default().room(999), 1);
    }
}
