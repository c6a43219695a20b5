//! Setup of workers: start method of processes, and placement on CPUs.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::{StartMethod, TeamError};
use crate::machine::affinity::{self, Task};
use crate::machine::cpu_list;

/// Setup of the workers of a team.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// Start method of processes; threads do not use it.
    pub start: StartMethod,
    /// CPUs of the workers.
    pub placement: Placement,
}

impl From<StartMethod> for Setup {
    /// Makes a setup without pinning.
    fn from(start: StartMethod) -> Setup {
        Setup { start, placement: Placement::default() }
    }
}

/// CPUs of each worker; by default all that this process may use.
///
/// The mask of a pinned worker is set when it starts, and read back. For a worker
/// that is not pinned no system call is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement(Option<Arc<[Vec<usize>]>>);

impl Placement {
    /// Makes a placement from the CPUs of each worker. Where there are more workers,
    /// the list starts over; an empty list means no pinning.
    pub fn of(cpus: Vec<Vec<usize>>) -> Placement {
        Placement((!cpus.is_empty()).then(|| cpus.into()))
    }

    /// Returns whether workers are pinned.
    pub fn is_pinned(&self) -> bool {
        self.0.is_some()
    }

    /// CPUs of a worker (from 0); empty if it is not pinned.
    pub fn cpus(&self, worker: usize) -> &[usize] {
        self.0.as_ref().map_or(&[], |all| &all[worker % all.len()])
    }

    /// Pins the calling thread as this worker (from 0).
    ///
    /// # Errors
    /// If the mask could not be set.
    pub fn pin_current_thread(&self, worker: usize) -> Result<(), TeamError> {
        self.pin(worker, Task::Current)
    }

    /// Pins threads that were just started and wait for work.
    ///
    /// # Errors
    /// If a mask could not be set.
    pub fn pin_threads(&self, threads: &[JoinHandle<()>]) -> Result<(), TeamError> {
        self.pin_all(threads.iter().map(Task::Thread))
    }

    /// Pins processes that were just started and wait for work.
    ///
    /// # Errors
    /// If a mask could not be set.
    pub fn pin_processes(&self, pids: &[i32]) -> Result<(), TeamError> {
        self.pin_all(pids.iter().copied().map(Task::Process))
    }

    fn pin_all<'t>(&self, tasks: impl Iterator<Item = Task<'t>>) -> Result<(), TeamError> {
        tasks.enumerate().try_for_each(|(worker, task)| self.pin(worker, task))
    }

    fn pin(&self, worker: usize, task: Task<'_>) -> Result<(), TeamError> {
        if !self.is_pinned() {
            return Ok(());
        }
        let cpus = self.cpus(worker);
        affinity::pin(task, cpus).map_err(|source| not_pinned(worker, cpus, source))
    }
}

/// The error of a worker (from 0) whose mask could not be set.
pub fn not_pinned(worker: usize, cpus: &[usize], source: io::Error) -> TeamError {
    TeamError::NotPinned { worker: worker + 1, cpus: cpu_list(cpus), source }
}
