//! Worker processes around one queue of tasks and one of results: the
//! counterpart of `multiprocessing.Process` with a `Queue`.

use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ChildTask, TICK, Transport, WorkerResult};
use crate::backend::{Chunks, Schedule, StartMethod};
use crate::process::{Child, Error, Queue};

/// Transport over two queues. They live across calls, and are empty in between.
#[derive(Serialize, Deserialize)]
pub struct QueueTransport {
    /// Chunks, and a last `None` for each child.
    tasks: Queue<Option<Range<u64>>>,
    /// Results with the indices of the children.
    results: Queue<(usize, WorkerResult)>,
}

impl Transport for QueueTransport {
    const NAME: &'static str = "process-queue";
    const ABOUT: &'static str =
        "n child processes started in each call, one queue of tasks and one of results for all";
    const SCHEDULES: &'static [Schedule] = &[Schedule::Dynamic, Schedule::Guided];

    type ChildEnd = ();
    type ParentEnd = ();

    fn create(_: Chunks, _: StartMethod) -> Result<Self, Error> {
        Ok(QueueTransport { tasks: Queue::new()?, results: Queue::new()? })
    }

    fn ends(&self) -> Result<((), ()), Error> {
        Ok(((), ()))
    }

    fn run_child(&self, (): (), task: ChildTask<'_>) -> Result<(), Error> {
        let result = task.run_while_some(|| self.tasks.get())?;
        self.results.put(&(task.worker, result))
    }

    /// Puts all tasks, then gets all results. A child puts its result when it
    /// ends, so there is room for the results meanwhile.
    fn collect(
        &self,
        chunks: Chunks,
        _: Vec<()>,
        children: &mut [Child],
    ) -> Result<Vec<Option<WorkerResult>>, Error> {
        let mut all_put = true;
        let last = std::iter::repeat_n(None, children.len());
        for task in chunks.dispatcher().claim_for(0).map(Some).chain(last) {
            all_put = all_put && self.put(&task, children)?;
        }
        let mut results = vec![None; children.len()];
        let mut missing = children.len();
        while missing > 0 {
            // A child that has ended now will put nothing later, and if tasks are
            // missing, the others may wait for them for ever. Then only those
            // results count that are in the queue already.
            let mut is_incomplete = !all_put;
            for (child, result) in children.iter_mut().zip(&results) {
                is_incomplete |= child.exit()?.is_some() && result.is_none();
            }
            let timeout = if is_incomplete { Duration::ZERO } else { TICK };
            match self.results.get_timeout(timeout) {
                Ok((worker, result)) => {
                    *results.get_mut(worker).ok_or(Error::Disconnected)? = Some(result);
                    missing -= 1;
                }
                Err(Error::TimedOut) if is_incomplete => break,
                Err(Error::TimedOut) => {
                    // A child that is stopped now may have ended when the stops
                    // are read at the end of the call.
                    for child in &mut *children {
                        child.stops();
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(results)
    }
}

impl QueueTransport {
    /// Puts a task once there is room; returns `false` if there is none after a
    /// child has ended. A child that ends well has taken its last `None`, and
    /// left room.
    fn put(&self, task: &Option<Range<u64>>, children: &mut [Child]) -> Result<bool, Error> {
        let mut timeout = TICK;
        loop {
            match self.tasks.put_timeout(task, timeout) {
                Ok(()) => return Ok(true),
                Err(Error::TimedOut) if timeout.is_zero() => return Ok(false),
                Err(Error::TimedOut) => {}
                Err(error) => return Err(error),
            }
            for child in &mut *children {
                if child.exit()?.is_some() {
                    timeout = Duration::ZERO;
                }
            }
        }
    }
}
