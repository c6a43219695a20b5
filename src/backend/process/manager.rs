//! Worker processes around a manager, a server process that owns the tasks and
//! the results: the counterpart of `multiprocessing.Manager`.

use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ChildTask, Transport, WorkerResult};
use crate::backend::{Chunks, Schedule, StartMethod, TeamError};
use crate::process::{Child, Error, List, Manager};

/// Longest wait for the exit status of a server that has closed its sockets. A
/// dying process closes them a little before its parent can wait for it.
const EXIT_TIMEOUT: Duration = Duration::from_secs(1);

/// Proxies of two lists, and in the parent the server itself.
#[derive(Serialize, Deserialize)]
pub struct ManagerTransport {
    /// Chunks that no child has taken, the first one last.
    tasks: List<Range<u64>>,
    /// Results with the indices of the children.
    results: List<(usize, WorkerResult)>,
    #[serde(skip)]
    manager: Option<Manager>,
}

impl Transport for ManagerTransport {
    const NAME: &'static str = "process-manager";
    const ABOUT: &'static str =
        "n child processes started in each call, a server process owns tasks and results";
    const SCHEDULES: &'static [Schedule] = &[Schedule::Dynamic, Schedule::Guided];

    type ChildEnd = ();
    type ParentEnd = ();

    fn create(_: Chunks, start: StartMethod) -> Result<Self, Error> {
        let manager = match start {
            StartMethod::Fork => Manager::fork()?,
            StartMethod::Spawn => Manager::spawn()?,
        };
        let (tasks, results) = (manager.list()?, manager.list()?);
        Ok(ManagerTransport { tasks, results, manager: Some(manager) })
    }

    fn prepare(&self, chunks: Chunks) -> Result<(), Error> {
        let mut tasks: Vec<Range<u64>> = chunks.dispatcher().claim_for(0).collect();
        // `pop` takes the last item first.
        tasks.reverse();
        self.tasks.extend(&tasks)
    }

    fn ends(&self) -> Result<((), ()), Error> {
        Ok(((), ()))
    }

    fn run_child(&self, (): (), task: ChildTask<'_>) -> Result<(), Error> {
        let result = task.run_while_some(|| self.tasks.pop())?;
        self.results.push(&(task.worker, result))
    }

    fn collect(
        &self,
        _: Chunks,
        _: Vec<()>,
        children: &mut [Child],
    ) -> Result<Vec<Option<WorkerResult>>, Error> {
        for child in &mut *children {
            child.join()?;
        }
        let mut results = vec![None; children.len()];
        for (worker, result) in self.results.to_vec()? {
            *results.get_mut(worker).ok_or(Error::Disconnected)? = Some(result);
        }
        self.results.clear()?;
        Ok(results)
    }

    /// Replaces the error of a disconnection by the exit status of the server.
    fn explain(&mut self, error: TeamError) -> TeamError {
        let (TeamError::Process(Error::Disconnected), Some(manager)) = (&error, &mut self.manager)
        else {
            return error;
        };
        let (pid, server) = (manager.pid(), manager.server());
        match server.join_timeout(EXIT_TIMEOUT) {
            Ok(Some(exit)) => Error::Lost { name: server.name().to_string(), pid, exit }.into(),
            _ => error,
        }
    }

    fn pids(&self) -> Vec<i32> {
        self.manager.iter().map(Manager::pid).collect()
    }
}
