//! The executable promises of Rally's ports.
//!
//! The author of a store for `rally-domain` proves it with these cases. A case is an async function over a [`Fixture`]: a fresh, isolated
//! store behind the ports, and a way to open the same store once more as another process would. The cases do not test rules: those live in
//! the domain and are tested there. The cases test that a store keeps what it is given, all or nothing, in order, under concurrency.
//!
//! # A complete test of a store
//!
//! [`store_contract!`] makes one test of every case. This is all that a store needs. The example is for the store in memory,
//! `rally-memory`:
//!
//! ```
//! use std::sync::Arc;
//!
//! use rally_contracts::doubles::{CountingIds, FrozenClock};
//! use rally_contracts::{Fixture, async_trait, samples};
//! use rally_domain::port::Ports;
//! use rally_domain::waitlist::Waitlist;
//! use rally_memory::MemoryStore;
//!
//! struct Memory(MemoryStore);
//!
//! fn ports(store: MemoryStore) -> Ports {
//!     let (clock, ids) = (FrozenClock::at("2026-01-31T09:00:00Z"), CountingIds::default());
//!     Ports::of_store(Arc::new(store), samples::links(), Arc::new(clock), Arc::new(ids))
//! }
//!
//! #[async_trait]
//! impl Fixture for Memory {
//!     async fn fresh() -> Self {
//!         Self(MemoryStore::new())
//!     }
//!
//!     fn ports(&self) -> Ports {
//!         ports(self.0.clone())
//!     }
//!
//!     async fn reopen(&self) -> Ports {
//!         ports(self.0.another_process())
//!     }
//!
//!     async fn miscount(&self, waitlist: &Waitlist) -> bool {
//!         self.0.miscount(waitlist.id)
//!     }
//! }
//!
//! rally_contracts::store_contract!(Memory);
//!
//! # // The macro makes tests, which no example runs: here the same cases run from their list.
//! # fn main() {
//! for case in rally_contracts::cases::<Memory>() {
//!     # if !case.name.starts_with("access::") { continue; }
//!     rally_contracts::run(async { (case.run)(&Memory::fresh().await).await });
//! }
//! # }
//! ```
//!
//! # How the cases hold a store to its word
//!
//! Every MUST in the documentation of a port names the case that checks it, or says why none does. Conversely, `rally-memory` can be given
//! hundreds of flaws. Each flaw names the cases that must fail with it. This shows that a store with such a flaw does not pass.
//!
//! Some promises are only about SQL stores: tables that older programs wrote, and rows behind the store's back. Their cases take a closure
//! that runs SQL (such as [`stats::a_rebuild_puts_wrong_counters_right`]), and the store's own tests call them.
//!
//! # What a version number promises
//!
//! This crate has the version of the `rally-domain` that it tests. A change of the second number may add cases that fail for a store which
//! passed before. A change of the third number adds none.

#![expect(clippy::unwrap_used, reason = "a case fails by panicking")]

pub mod abandoned;
pub mod access;
pub mod audit;
pub mod changes;
pub mod claims;
pub mod confirmations;
pub mod deletions;
pub mod deliveries;
pub mod doubles;
mod each_case;
pub mod entries;
pub mod entry_jobs;
pub mod erasures;
pub mod everything;
pub mod exports;
pub mod feeds;
pub mod imports;
pub mod invitations;
pub mod mail_claims;
pub mod mail_log;
pub mod mail_templates;
pub mod mailboxes;
pub mod mails;
pub mod proofs;
pub mod public;
pub mod purges;
pub mod referrals;
pub mod remote;
pub mod replays;
pub mod reviews;
pub mod samples;
pub mod search;
pub mod secrets;
pub mod sessions;
pub mod settings;
pub mod settlements;
pub mod sign_ups;
pub mod stats;
pub mod suppressions;
pub mod variants;
pub mod visits;
pub mod waitlists;
pub mod webhooks;
pub mod workspaces;

pub use async_trait::async_trait;
use futures_util::future::LocalBoxFuture;
use rally_domain::port::Ports;
use rally_domain::waitlist::Waitlist;

/// A fresh store that nothing else uses, removed when the fixture is dropped.
#[async_trait]
pub trait Fixture: Send + Sync + Sized {
    /// Makes one.
    async fn fresh() -> Self;

    /// Its ports, with the doubles of this crate for time and chance, and the links of [`samples::links`].
    fn ports(&self) -> Ports;

    /// Ports on the same stored data that share no memory with the others, like those of another process.
    async fn reopen(&self) -> Ports;

    /// Makes a total of a list, and the referrals of its entries that have any, wrong behind the store's back, as a defect would. Returns
    /// whether it did. A store that counts its rows whenever it is asked has no such total.
    async fn miscount(&self, waitlist: &Waitlist) -> bool;
}

/// A case, to be run over a fresh fixture.
#[derive(Debug)]
pub struct Case<F> {
    /// Its module and its name.
    pub name: &'static str,
    /// Runs it.
    ///
    /// # Panics
    /// If the store breaks the promise.
    pub run: for<'a> fn(&'a F) -> LocalBoxFuture<'a, ()>,
}

/// Every case of a store.
pub fn cases<F: Fixture>() -> Vec<Case<F>> {
    crate::each_case! { list F }
}

/// Runs a case to its end on a runtime of its own with two threads.
///
/// # Panics
/// If the case does, or if no runtime can be made.
pub fn run(case: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(case);
}

/// Waits until another process shows a change. It may show the old state for a second. A slow machine is given two more.
pub(crate) async fn soon(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(3);
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "{what} is not seen");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Makes a test of every case for a type that is a [`Fixture`].
#[macro_export]
macro_rules! store_contract {
    ($fixture:ty) => {
        $crate::each_case! { test $fixture }
    };
}
