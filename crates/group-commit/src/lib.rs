//! Group commit: commands that wait for the same transaction share one, and each caller gets its own result.
//!
//! Commands wait in *lanes*. The first command of an idle lane is written at once. The commands that arrive meanwhile form the next group,
//! together with commands of other lanes. Each lane gives its share.
//!
//! A group holds its lanes until it has ended. Therefore the commands of a lane are carried out in their order, and a slow lane delays only
//! the group that it is in. A group that has only its commit left may release its lanes before, see [`Hold`]: the next group then waits in
//! the store, and loses no time between the two. If a group would wait for one of its lanes, it gives its commands back, and each of their
//! lanes gets a group of its own. If such a group gives its commands back too, the lane rests for a moment without a writer and is then
//! retried. A command waits no longer than its patience lasts.
//!
//! After a large group the writer waits a moment, until half as many commands have arrived. In a crowd whose callers send again after each
//! answer, one half is then written while the other half returns. Otherwise one caller would be written by itself while all others wait.
//!
//! A group runs in a task of its own and never in the future of a caller. A caller that goes away therefore cannot leave a group half done:
//! a command that has not started is skipped, and a command that has started is carried out. Each lane has a bounded queue.
//!
//! `core.rs` has these rules, without a clock or a task. This file is the shell around it: the tasks of the writers, the timers, the
//! channels of the callers, and the lock. What is not here: the commands themselves, and how a group is written.

mod core;

use std::any::Any;
use std::future::Future;
use std::hash::Hash;
use std::mem::take;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep, timeout};

use crate::core::{Caller, Core, Group, LONG, Order};

/// Why a command was not carried out, or may not have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The lane is full. The command was not carried out.
    #[error("too many are waiting")]
    Full,
    /// The lane stayed locked until the command's patience ended. The command was not carried out.
    #[error("the list stays locked")]
    Locked,
    /// The group broke. The command may have been carried out or not.
    #[error("the group was lost")]
    Lost,
}

/// The rules for forming groups.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The most commands of a group.
    pub group: usize,
    /// The most commands that wait in a lane.
    pub queue: usize,
    /// The number of waiting commands from which a second group is written beside one. With fewer, they form one group. That costs less,
    /// and none waits longer than 50 ms for it.
    pub few: usize,
    /// The most groups that are written at the same time.
    pub writers: usize,
    /// How long a command waits in a lane that gives its commands back.
    pub patience: Duration,
}

/// The result of a group for one command.
#[derive(Debug)]
pub enum Fate<C, R> {
    /// The command was carried out or refused.
    Done(R),
    /// The command was not touched. It goes into a group of its lane only, or if it was in one, it waits until the lane has rested.
    Back(C),
}

/// The hold of a group on its lanes.
#[derive(Clone)]
pub struct Hold {
    alone: bool,
    release: Arc<dyn Fn() + Send + Sync>,
}

impl Hold {
    /// Whether the group is of one lane that was given back.
    pub fn is_alone(&self) -> bool {
        self.alone
    }

    /// Lets the next group of the same lanes begin before this one has ended, if a crowd waits. The caller must have all locks of this
    /// group, so that the next one waits for them in the store, and must give no command back afterwards unless the transaction is
    /// repeated.
    pub fn release(&self) {
        if !self.alone {
            (self.release)();
        }
    }
}

/// Carries out a group and returns one fate for each command, in their order.
pub type Write<C, R> = Box<dyn Fn(Vec<C>, Hold) -> Pin<Box<dyn Future<Output = Vec<Fate<C, R>>> + Send>> + Send + Sync>;

/// Gathers commands in lanes.
pub struct GroupCommit<K, C, R>(Arc<Shell<K, C, R>>);

impl<K, C, R> Clone for GroupCommit<K, C, R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

type Answer<R> = oneshot::Sender<Result<R, Refused>>;

impl<R> Caller for Answer<R> {
    fn has_left(&self) -> bool {
        self.is_closed()
    }
}

struct Shell<K, C, R> {
    home: Handle,
    write: Write<C, R>,
    core: Mutex<Core<K, C, Answer<R>>>,
    /// Ends the pause of a writer. It is used only under the lock, so that it never ends a later pause.
    resume: Notify,
}

impl<K, C, R> GroupCommit<K, C, R>
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    C: Send + 'static,
    R: Send + 'static,
{
    /// Forms groups by `rules` and carries them out with `write` on the runtime `home`, which must outlive all callers.
    pub fn new(rules: Rules, home: Handle, write: Write<C, R>) -> Self {
        Self(Arc::new(Shell { home, write, core: Mutex::new(Core::new(rules)), resume: Notify::new() }))
    }

    /// Carries a command out in a group of its lane.
    ///
    /// # Errors
    /// If the lane is full or stays locked, or if the group broke.
    pub async fn submit(&self, lane: K, command: C) -> Result<R, Refused> {
        let (caller, result) = oneshot::channel();
        self.0.submit(lane, command, caller)?;
        result.await.unwrap_or(Err(Refused::Lost))
    }
}

impl<K, C, R> Shell<K, C, R>
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    C: Send + 'static,
    R: Send + 'static,
{
    fn with_core<T>(&self, event: impl FnOnce(&mut Core<K, C, Answer<R>>) -> T) -> T {
        event(&mut self.core.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn submit(self: &Arc<Self>, lane: K, command: C, caller: Answer<R>) -> Result<(), Refused> {
        let now = Instant::now().into_std();
        let begin = self.with_core(|core| {
            let accepted = core.submitted(lane, command, caller, now)?;
            if accepted.resume {
                self.resume.notify_waiters();
            }
            Ok(accepted.begin)
        })?;
        self.begin_if(begin);
        Ok(())
    }

    /// Starts another writer if the core orders it.
    fn begin_if(self: &Arc<Self>, begin: bool) {
        if begin {
            self.home.spawn(self.clone().work());
        }
    }

    /// Writes one group after the other until no lane has a turn.
    async fn work(self: Arc<Self>) {
        while let Some(mut group) = self.next_group() {
            let held = Arc::new(AtomicBool::new(true));
            // If a group panics, its callers learn of it by their channels. Nobody else is affected.
            let fates = if group.commands.is_empty() { Vec::new() } else { self.write(&mut group, &held).await.unwrap_or_default() };
            // A caller that went away gets no result.
            let ended = group.ended(fates, |caller, result| drop(caller.send(Ok(result))));
            // The signal exists before any command can order it.
            let (order, resumed) = self.with_core(|core| (core.ended(ended, held.swap(false, Relaxed)), self.resume.notified()));
            match order {
                Some(Order::Pause(longest)) => {
                    // The writer goes on even if there are not enough.
                    drop(timeout(longest, resumed).await);
                    self.with_core(Core::resumed);
                }
                Some(Order::Rest(lane, rest)) => self.rest(lane, rest),
                None => {}
            }
        }
    }

    fn next_group(self: &Arc<Self>) -> Option<Group<K, C, Answer<R>>> {
        let (group, begin) = self.with_core(Core::next);
        self.begin_if(begin);
        group
    }

    /// Waits for a group to be written. If that takes long, another writer may start in its place.
    async fn write(
        self: &Arc<Self>,
        group: &mut Group<K, C, Answer<R>>,
        held: &Arc<AtomicBool>,
    ) -> Result<Vec<Fate<C, R>>, Box<dyn Any + Send>> {
        // The closure runs inside the future, so that its panic is caught too.
        let (hold, commands) = (self.hold(group, held.clone()), take(&mut group.commands));
        let writing = async { (self.write)(commands, hold).await };
        let mut writing = pin!(AssertUnwindSafe(writing).catch_unwind());
        if let Ok(written) = timeout(LONG, &mut writing).await {
            return written;
        }
        let begin = self.with_core(|core| core.takes_long(group));
        self.begin_if(begin);
        writing.await
    }

    /// Makes the hold of a group. `held` says whether it still has its lanes, and changes only under the lock.
    fn hold(self: &Arc<Self>, group: &Group<K, C, Answer<R>>, held: Arc<AtomicBool>) -> Hold {
        let (shell, lanes, size) = (self.clone(), group.lanes().to_vec(), group.commands.len());
        let release = move || {
            let begin = shell.with_core(|core| {
                let released = held.load(Relaxed).then(|| core.released(&lanes, size)).flatten();
                held.fetch_and(released.is_none(), Relaxed);
                released.unwrap_or(false)
            });
            shell.begin_if(begin);
        };
        Hold { alone: group.alone, release: Arc::new(release) }
    }

    /// Lets a lane rest without a writer.
    fn rest(self: &Arc<Self>, lane: K, rest: Duration) {
        let this = self.clone();
        self.home.spawn(async move {
            sleep(rest).await;
            let (impatient, begin) = this.with_core(|core| core.rested(lane, Instant::now().into_std()));
            // A caller that went away gets no result.
            impatient.into_iter().for_each(|caller| drop(caller.send(Err(Refused::Locked))));
            this.begin_if(begin);
        });
    }
}

#[cfg(test)]
mod tests;
