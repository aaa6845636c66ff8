//! Whatever is wrong with a store, a case of the contract says so: each flaw of the store in memory fails the cases that are named
//! beside it.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rally_contracts::doubles::{CountingIds, FrozenClock};
use rally_contracts::{Case, Fixture, cases, samples};
use rally_domain::port::Ports;
use rally_domain::waitlist::Waitlist;
use rally_memory::{Flaw, MemoryStore};

struct Flawed(MemoryStore);

fn ports(store: MemoryStore) -> Ports {
    Ports::of_store(Arc::new(store), samples::links(), Arc::new(FrozenClock::at("2026-01-31T09:00:00Z")), Arc::new(CountingIds::default()))
}

#[async_trait]
impl Fixture for Flawed {
    async fn fresh() -> Self {
        Self(MemoryStore::new())
    }

    fn ports(&self) -> Ports {
        ports(self.0.clone())
    }

    async fn reopen(&self) -> Ports {
        ports(self.0.another_process())
    }

    async fn miscount(&self, waitlist: &Waitlist) -> bool {
        self.0.miscount(waitlist.id)
    }
}

/// Longer than any case takes that passes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A flaw that shows only if two tasks meet may not show in one run on a busy machine.
const RUNS: usize = 5;

/// Whether a case fails over a store with that flaw, in at least one of some runs.
fn fails(case: &Case<Flawed>, flaw: Flaw) -> bool {
    (0..RUNS).any(|_| {
        let fixture = Flawed(MemoryStore::flawed(flaw));
        let begun = Instant::now();
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| rally_contracts::run((case.run)(&fixture))));
        assert!(begun.elapsed() < PATIENCE, "{} takes {:?} over {flaw:?}", case.name, begun.elapsed());
        outcome.is_err()
    })
}

#[test]
fn every_flaw_fails_the_cases_that_are_to_catch_it() {
    // What panics here is what is looked for.
    std::panic::set_hook(Box::new(|_| {}));
    let all = cases::<Flawed>();
    let next = AtomicUsize::new(0);
    let missed: Vec<String> = std::thread::scope(|scope| {
        let work = || {
            let mut missed = Vec::new();
            while let Some(flaw) = Flaw::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                for name in flaw.caught_by() {
                    match all.iter().find(|case| case.name == *name) {
                        Some(case) if fails(case, *flaw) => {}
                        Some(_) => missed.push(format!("{name} passes over {flaw:?}")),
                        None => missed.push(format!("there is no case {name}")),
                    }
                }
            }
            missed
        };
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no panic but in a case")).collect()
    });
    drop(std::panic::take_hook());
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn there_are_flaws_in_every_port() {
    let modules: BTreeSet<_> = Flaw::ALL.iter().flat_map(|flaw| flaw.caught_by()).filter_map(|name| name.split("::").next()).collect();
    let all: BTreeSet<_> = cases::<Flawed>().iter().filter_map(|case| case.name.split("::").next()).collect();
    assert_eq!(modules, all);
    assert!(Flaw::ALL.len() > 170, "{}", Flaw::ALL.len());
}

/// So many cases were written before it was asked of each that a flaw shows it can fail. There may be fewer, and not more.
const WITHOUT_FLAW: usize = 61;

#[test]
fn a_new_case_has_a_flaw_that_it_catches() {
    let caught: BTreeSet<_> = Flaw::ALL.iter().flat_map(|flaw| flaw.caught_by()).copied().collect();
    let without: Vec<_> = cases::<Flawed>().iter().map(|case| case.name).filter(|name| !caught.contains(name)).collect();
    assert!(without.len() <= WITHOUT_FLAW, "{} cases: {without:#?}", without.len());
}
