//! Rate limits: token buckets (GCRA) in memory, one per key, with a bound on the number of keys.
//!
//! Each process counts for itself: several processes behind one address each allow the whole rate. A key that is not used for a
//! period is forgotten. If there are too many keys, the one that was used least recently is forgotten too.

use std::fmt;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;

use governor::clock::Clock as GovernorClock;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use rally_domain::email::Email;
use rally_domain::id::{EntryId, WaitlistId};
use rally_domain::port::Clock;
use sha2::{Digest, Sha256};

use super::error::{ApiError, Code};
use super::extract::client;
use super::rate::Rate;
use super::standing::Standing;

/// The most keys of one limit.
const MAX_KEYS: u64 = 50_000;

type Bucket = RateLimiter<NotKeyed, InMemoryState, PortClock, StateInformationMiddleware>;

/// A rate for each key.
struct Limit<K: Eq + Hash + Send + Sync + 'static> {
    name: &'static str,
    rate: Rate,
    clock: PortClock,
    buckets: Cache<K, Arc<Bucket>>,
}

impl<K: Eq + Hash + Send + Sync + 'static> Limit<K> {
    fn new(name: &'static str, rate: Rate, clock: Arc<dyn Clock>) -> Self {
        let buckets = Cache::builder().max_capacity(MAX_KEYS).eviction_policy(EvictionPolicy::lru()).time_to_idle(rate.period);
        let buckets = buckets.build();
        Self { name, rate, clock: PortClock(clock), buckets }
    }

    /// Counts a request for a key. Returns the state of the limit, as an error if the request was one too many.
    fn take(&self, key: K) -> Result<Standing, Standing> {
        let Rate { count, period } = self.rate;
        let bucket = self.buckets.get_with(key, || {
            let quota = Quota::with_period(period / count.get()).expect("checked when it was read").allow_burst(count);
            Arc::new(RateLimiter::direct_with_clock(quota, self.clock.clone()).with_middleware())
        });
        let standing = |remaining: u32, wait: std::time::Duration| Standing {
            name: self.name,
            quota: count.get(),
            window: seconds(period),
            remaining,
            reset: seconds(wait),
        };
        match bucket.check() {
            Ok(state) => {
                let used = count.get() - state.remaining_burst_capacity().min(count.get());
                Ok(standing(state.remaining_burst_capacity(), period / count.get() * used))
            }
            Err(refused) => Err(standing(0, refused.wait_time_from(self.clock.now()))),
        }
    }
}

/// The error for a request that was one too many.
fn refuse(standing: Standing, message: &str) -> ApiError {
    metrics::counter!("rally_limited_total", "limit" => standing.name).increment(1);
    let retry_after = Some(standing.reset);
    ApiError { retry_after, standings: vec![standing], ..ApiError::new(Code::TooManyRequests, message) }
}

/// Rounds up to whole seconds, and to at least one, so that a client that waits as long as told has waited long enough.
fn seconds(duration: std::time::Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0 || duration.is_zero())
}

/// The limits of a server. A limit that is off is `None`.
pub struct Limits {
    addresses: Option<Limit<(IpAddr, WaitlistId)>>,
    emails: Option<Limit<(Email, WaitlistId)>>,
    admins: Option<Limit<[u8; 32]>>,
    links: Limit<IpAddr>,
    changes: Limit<EntryId>,
}

impl Limits {
    /// Limits with these rates. Without a rate of sign-ups, tries per e-mail address are not limited either.
    pub fn new(signups: Option<Rate>, admins: Option<Rate>, clock: &Arc<dyn Clock>) -> Self {
        Self {
            addresses: signups.map(|rate| Limit::new("address", rate, clock.clone())),
            emails: signups.map(|_| Limit::new("email", Rate::of_email(), clock.clone())),
            admins: admins.map(|rate| Limit::new("token", rate, clock.clone())),
            links: Limit::new("link", Rate::of_links(), clock.clone()),
            changes: Limit::new("change", Rate::of_changes(), clock.clone()),
        }
    }

    /// Counts a sign-up from a client address, also if it fails later.
    ///
    /// # Errors
    /// 429 if it was one too many.
    pub fn take_address(&self, address: Option<IpAddr>, waitlist: WaitlistId) -> Result<Option<Standing>, ApiError> {
        let Some((limit, address)) = self.addresses.as_ref().zip(address) else { return Ok(None) };
        let taken = limit.take((client::network(address), waitlist));
        taken.map(Some).map_err(|standing| refuse(standing, "too many sign-ups from this address; try again later"))
    }

    /// Counts a try to sign up with an e-mail address, also if it fails later.
    ///
    /// # Errors
    /// 429 if it was one too many.
    pub fn take_email(&self, email: &Email, waitlist: WaitlistId) -> Result<Option<Standing>, ApiError> {
        let Some(limit) = &self.emails else { return Ok(None) };
        let taken = limit.take((email.clone(), waitlist));
        taken.map(Some).map_err(|standing| refuse(standing, "too many tries with this e-mail address; try again later"))
    }

    /// Counts a request for a page or a reply that a token in the path opens, whichever token it is.
    ///
    /// # Errors
    /// 429 if it was one too many.
    pub fn take_link(&self, address: Option<IpAddr>) -> Result<(), ApiError> {
        let Some(address) = address else { return Ok(()) };
        let taken = self.links.take(client::network(address));
        taken.map(|_| ()).map_err(|standing| refuse(standing, "too many requests from this address; try again later"))
    }

    /// Counts a change of an entry by its own person, from whatever address.
    ///
    /// # Errors
    /// 429 if it was one too many.
    pub fn take_change(&self, entry: EntryId) -> Result<(), ApiError> {
        let taken = self.changes.take(entry);
        taken.map(|_| ()).map_err(|standing| refuse(standing, "too many changes of this entry; try again later"))
    }

    /// Counts a request with an admin token that was verified before.
    ///
    /// # Errors
    /// 429 if it was one too many.
    pub fn take_admin(&self, token: &str) -> Result<(), ApiError> {
        let Some(limit) = &self.admins else { return Ok(()) };
        // Only a hash of the token is kept, which is useless to a thief.
        let key = Sha256::digest(token).into();
        limit.take(key).map(|_| ()).map_err(|standing| refuse(standing, "too many requests with this token; try again later"))
    }
}

/// The clock port, in the form that governor needs.
#[derive(Clone)]
struct PortClock(Arc<dyn Clock>);

impl fmt::Debug for PortClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PortClock")
    }
}

impl GovernorClock for PortClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let millis = u64::try_from(self.0.now().unix_millis()).unwrap_or(0);
        Nanos::new(millis.saturating_mul(1_000_000))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use rally_domain::timestamp::Timestamp;

    use super::*;

    struct Watch(AtomicI64);

    impl Clock for Watch {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_millis(self.0.load(Ordering::SeqCst)).unwrap()
        }
    }

    fn limit(rate: &str) -> (Arc<Watch>, Limit<u32>) {
        let watch = Arc::new(Watch(AtomicI64::new(1_700_000_000_000)));
        (watch.clone(), Limit::new("test", Rate::parse(rate).unwrap(), watch))
    }

    #[test]
    fn a_burst_passes_and_then_one_at_a_time() {
        let (watch, limit) = limit("3/1m");
        for left in [2, 1, 0] {
            assert_eq!(limit.take(1).unwrap().remaining, left);
        }
        let refused = limit.take(1).unwrap_err();
        assert_eq!((refused.policy(), refused.state()), ("\"test\";q=3;w=60".to_owned(), "\"test\";r=0;t=20".to_owned()));
        assert!(limit.take(2).is_ok(), "another key is another's");
        watch.0.fetch_add(19_999, Ordering::SeqCst);
        assert_eq!(limit.take(1).unwrap_err().reset, 1);
        watch.0.fetch_add(1, Ordering::SeqCst);
        assert!(limit.take(1).is_ok());
        assert!(limit.take(1).is_err());
        watch.0.fetch_add(60_000, Ordering::SeqCst);
        assert_eq!(limit.take(1).unwrap().remaining, 2);
    }

    #[test]
    fn what_a_crowd_of_keys_takes_is_bounded() {
        let (_, limit) = limit("3/1m");
        for key in 0..200_000 {
            limit.take(key).unwrap();
        }
        limit.buckets.run_pending_tasks();
        assert!(limit.buckets.entry_count() <= MAX_KEYS, "{}", limit.buckets.entry_count());
    }
}
