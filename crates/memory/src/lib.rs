//! Rally's ports in memory.
//!
//! This is the reference for whoever writes a store: every promise of `rally_domain::port` in as few lines as it takes, so that it
//! can be read in one sitting. It is for tests: what it keeps is gone with the process.
//!
//! - A write is one closure over all data, under one lock: load the facts, let the command decide, write the whole plan. What is a
//!   transaction elsewhere is a closure here.
//! - A port that only reads does so under the same lock.
//! - A deletion takes something out of what readers see, and leaves it to a purge to take it apart.
//!
//! With the feature `flaws` a store can be made wrong on purpose, in one of the ways that [`Flaw`] lists. Each flaw stands where a
//! store is easily wrong.

mod access;
mod data;
mod deliveries;
mod entries;
mod flaw;
mod mail_templates;
mod mails;
mod purges;
mod queue;
mod secrets;
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

/// A store in memory. A clone shares its data and what it remembers; [`MemoryStore::another_process`] shares the data alone.
#[derive(Clone, Default)]
pub struct MemoryStore {
    data: Arc<Mutex<Data>>,
    /// What this process saw first, for the flaws that never look again.
    #[cfg(feature = "flaws")]
    memory: Arc<Mutex<flaw::Memory>>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store that is wrong in one way.
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

    /// Makes a total of a list wrong, as a defect would; tells whether there is such a list.
    pub fn miscount(&self, id: WaitlistId) -> bool {
        self.lock().lists.get_mut(&id).map(|list| list.tally.referred += 5).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a write: all of it is seen, or nothing.
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
