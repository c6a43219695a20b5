//! Worker processes with one pipe each: the counterpart of
//! `multiprocessing.Process` with a `Pipe`.

use serde::{Deserialize, Serialize};

use super::{ChildTask, Transport, WorkerResult};
use crate::backend::{Chunks, Schedule, StartMethod};
use crate::process::{Child, Error, Receiver, Sender, one_way};

/// Transport over pipes, which are new in each call.
#[derive(Serialize, Deserialize)]
pub struct PipeTransport;

impl Transport for PipeTransport {
    const NAME: &'static str = "process-pipe";
    const ABOUT: &'static str = "n child processes started in each call, one pipe each";
    // A pipe leads from child to parent only: a child cannot request its next
    // chunk.
    const SCHEDULES: &'static [Schedule] = &[Schedule::Static];

    type ChildEnd = Sender<WorkerResult>;
    type ParentEnd = Receiver<WorkerResult>;

    fn create(_: Chunks, _: StartMethod) -> Result<Self, Error> {
        Ok(PipeTransport)
    }

    fn ends(&self) -> Result<(Receiver<WorkerResult>, Sender<WorkerResult>), Error> {
        one_way()
    }

    fn run_child(&self, pipe: Sender<WorkerResult>, task: ChildTask<'_>) -> Result<(), Error> {
        pipe.send(&task.run(task.chunks.dispatcher().claim_for(task.worker)))
    }

    fn collect(
        &self,
        _: Chunks,
        pipes: Vec<Receiver<WorkerResult>>,
        children: &mut [Child],
    ) -> Result<Vec<Option<WorkerResult>>, Error> {
        let mut results = Vec::with_capacity(children.len());
        for (pipe, child) in pipes.into_iter().zip(children) {
            // Waiting first wakes this process once for each child, not twice: a
            // result is sent without a reader. The pipe is closed when its child
            // has ended, since no other process has that end.
            child.join()?;
            results.push(match pipe.recv() {
                Ok(result) => Some(result),
                Err(Error::Disconnected) => None,
                Err(error) => return Err(error),
            });
        }
        Ok(results)
    }
}
