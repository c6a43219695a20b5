//! How workers come to be: how processes are started, and where each worker runs.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::{StartMethod, TeamError};
use crate::machine::affinity::{self, Whose};
use crate::machine::cpu_list;

/// How the workers of a team come to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// How processes are started; threads have no use for it.
    pub start: StartMethod,
    /// Where workers run.
    pub placement: Placement,
}

impl From<StartMethod> for Setup {
    /// Workers that run where the system puts them.
    fn from(start: StartMethod) -> Setup {
        Setup { start, placement: Placement::default() }
    }
}

/// The CPUs on which each worker may run; by default all that this process may use.
///
/// The mask of a pinned worker is set when its life begins, and read back. For one that is not
/// pinned no system call is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement(Option<Arc<[Vec<usize>]>>);

impl Placement {
    /// The CPUs of each worker, in their order. Where there are more workers, it begins again;
    /// without any, nobody is pinned.
    pub fn of(cpus: Vec<Vec<usize>>) -> Placement {
        Placement((!cpus.is_empty()).then(|| cpus.into()))
    }

    /// Whether workers are pinned.
    pub fn is_pinned(&self) -> bool {
        self.0.is_some()
    }

    /// The CPUs of a worker (from 0); none if it is not pinned.
    pub fn cpus(&self, worker: usize) -> &[usize] {
        self.0.as_ref().map_or(&[], |all| &all[worker % all.len()])
    }

    /// Pins the calling thread, which is that worker (from 0).
    ///
    /// # Errors
    /// If its mask did not take.
    pub fn pin_own(&self, worker: usize) -> Result<(), TeamError> {
        self.pin(worker, Whose::Own)
    }

    /// Pins threads that were just started and wait for work.
    ///
    /// # Errors
    /// If one of their masks did not take.
    pub fn pin_threads(&self, threads: &[JoinHandle<()>]) -> Result<(), TeamError> {
        let whose = threads.iter().map(Whose::Thread);
        whose.enumerate().try_for_each(|(worker, whose)| self.pin(worker, whose))
    }

    /// Pins processes that were just started and wait for work.
    ///
    /// # Errors
    /// If one of their masks did not take.
    pub fn pin_processes(&self, pids: &[i32]) -> Result<(), TeamError> {
        let whose = pids.iter().copied().map(Whose::Process);
        whose.enumerate().try_for_each(|(worker, whose)| self.pin(worker, whose))
    }

    fn pin(&self, worker: usize, whose: Whose<'_>) -> Result<(), TeamError> {
        if !self.is_pinned() {
            return Ok(());
        }
        let cpus = self.cpus(worker);
        affinity::pin(whose, cpus).map_err(|source| not_pinned(worker, cpus, source))
    }
}

/// The error of a worker (from 0) whose mask did not take.
pub fn not_pinned(worker: usize, cpus: &[usize], source: io::Error) -> TeamError {
    TeamError::NotPinned { worker: worker + 1, cpus: cpu_list(cpus), source }
}
