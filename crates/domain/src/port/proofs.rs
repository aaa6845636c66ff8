//! Where used proofs of work are kept, and how many sign-ups a list took just now.

use async_trait::async_trait;

use crate::error::Fault;
use crate::id::WaitlistId;
use crate::timestamp::Timestamp;

/// Keeps used proofs of work. [`EntryStore::sign_up`] and [`ConfirmationStore::request_mail`] use them up.
///
/// [`EntryStore::sign_up`]: super::EntryStore::sign_up
/// [`ConfirmationStore::request_mail`]: super::ConfirmationStore::request_mail
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ProofStore: Send + Sync {
    /// How many sign-ups a waitlist took after an instant: entries, requests that wait, and repeated requests on a list that counts them.
    /// It counts to `most`, and no further.
    ///
    /// - Each MUST be counted once, and a request that was confirmed as its entry: `proofs::sign_ups_of_a_moment_are_counted`.
    /// - Nothing of another waitlist MUST be counted, and nothing before the instant: `proofs::sign_ups_of_a_moment_are_counted`.
    /// - A sign-up of another process MUST be counted: `proofs::sign_ups_of_a_moment_are_counted`.
    /// - One whose entry was deleted or erased, or whose request was refused, MUST be counted still:
    ///   `proofs::sign_ups_that_left_are_counted`.
    /// - If there are more than `most`, it MUST return `most`: `proofs::sign_ups_of_a_moment_are_counted`.
    async fn taken_since(&self, waitlist_id: WaitlistId, since: Timestamp, most: u64) -> Result<u64, Fault>;

    /// Forgets used proofs that expired before an instant, at most that many. Returns how many it forgot.
    ///
    /// - Those that expire later MUST stay: `proofs::a_used_proof_is_kept_until_it_expires`.
    /// - It MUST NOT forget more than that: `proofs::used_proofs_are_pruned_so_many_at_a_time`.
    async fn prune(&self, expired_before: Timestamp, most: usize) -> Result<u64, Fault>;
}
