//! Rally's ports in memory.
//!
//! This is the reference for authors of stores: every promise of `rally_domain::port` in as few lines as possible. It is for tests, and its
//! data is gone with the process.
//!
//! - A write is one closure over all data, under one lock: load the facts, let the command decide, write the whole plan. The closure takes
//!   the place of a transaction.
//! - A port that only reads does so under the same lock.
//! - A deletion removes an object from the data that readers see, and leaves its rows to a purge.
//!
//! With the feature `flaws` a store can be given one of the mistakes that [`Flaw`] lists. Each flaw stands where authors of stores easily
//! make that mistake.

mod access;
mod audit;
mod confirmations;
mod data;
mod deliveries;
mod entries;
mod entry_jobs;
mod feeds;
mod flaw;
mod imports;
mod mail_templates;
mod mails;
mod proofs;
mod purges;
mod queue;
mod referrals;
mod search;
mod secrets;
mod sessions;
mod settings;
mod stats;
mod suppressions;
mod variants;
mod waitlists;
mod webhooks;
mod workspaces;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::WaitlistId;
use rally_domain::port::{Connections, StoreHealth};

use crate::data::Data;
pub use crate::flaw::Flaw;

/// A store in memory. A clone shares its data and its memory of them. [`MemoryStore::another_process`] shares only the data.
#[derive(Clone, Default)]
pub struct MemoryStore {
    data: Arc<Mutex<Data>>,
    /// The data that this process saw first, for the flaws that never read again.
    #[cfg(feature = "flaws")]
    memory: Arc<Mutex<flaw::Memory>>,
}

impl MemoryStore {
    /// Makes an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an empty store with a flaw.
    #[cfg(feature = "flaws")]
    pub fn flawed(flaw: Flaw) -> Self {
        let store = Self::new();
        store.lock().flaw = flaw::Flawed::with(flaw);
        store
    }

    /// The same data, as another process has it.
    #[must_use]
    pub fn another_process(&self) -> Self {
        Self { data: self.data.clone(), ..Self::default() }
    }

    /// Makes a total of a list wrong, as a defect would. Returns whether there is such a list.
    pub fn miscount(&self, id: WaitlistId) -> bool {
        self.lock().lists.get_mut(&id).map(|list| list.miscount()).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a write. Readers see all of it, or nothing.
    async fn write<T>(&self, work: impl FnOnce(&mut Data) -> T) -> T {
        #[cfg(feature = "flaws")]
        let (outcome, torn) = self.write_flawed(work);
        #[cfg(feature = "flaws")]
        if let Some(rest) = torn {
            flaw::pause().await;
            rest.put_into(&mut self.lock());
        }
        #[cfg(not(feature = "flaws"))]
        let outcome = work(&mut self.lock());
        outcome
    }

    fn read<T>(&self, look: impl FnOnce(&Data) -> T) -> T {
        look(&self.lock())
    }

    /// What a reader is told of something: what is so now.
    #[cfg(not(feature = "flaws"))]
    fn tell<T>(&self, _: Flaw, _: impl std::fmt::Debug, look: impl FnOnce(&Data) -> T) -> T {
        self.read(look)
    }

    /// Facts that are read before the write that they are for: none.
    #[cfg(not(feature = "flaws"))]
    async fn read_early<T>(&self, _: Flaw, _: impl FnOnce(&Data) -> T) -> Option<T> {
        None
    }
}

/// A rule refused a command.
fn rejected<R: std::error::Error>(rejection: R) -> CommandError<R> {
    CommandError::Rejected(rejection)
}

#[async_trait]
impl StoreHealth for MemoryStore {
    async fn ping(&self) -> Result<(), Fault> {
        Ok(())
    }

    fn connections(&self) -> Connections {
        Connections { in_use: 0, most: 1 }
    }
}
