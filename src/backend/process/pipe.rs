//! Child processes that are forked in each call, one pipe each: what
//! `multiprocessing.Process` with a `Pipe` is.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Child;
use crate::backend::{Backend, Chunks, Report, Schedule, Team, TeamError, Work, panic_message};

/// n children in each call, one pipe each.
pub struct Pipe;

impl Backend for Pipe {
    fn name(&self) -> &'static str {
        "process-pipe"
    }

    fn about(&self) -> &'static str {
        "n child processes forked in each call, one pipe each"
    }

    /// A pipe leads one way, from child to parent: a child cannot ask for its
    /// next chunk.
    fn schedules(&self) -> &'static [Schedule] {
        &[Schedule::Static]
    }

    fn start_method(&self) -> Option<&'static str> {
        Some("fork")
    }

    fn obstacle(&self) -> Option<String> {
        super::thread_count().err().map(|error| format!("cannot count threads in /proc: {error}"))
    }

    fn worker_name(&self, worker: usize) -> String {
        format!("Process-{}", worker + 1)
    }

    fn team(&self, work: Work, chunks: Chunks) -> Result<Box<dyn Team>, TeamError> {
        Ok(Box::new(Forked { work, chunks }))
    }
}

struct Forked {
    work: Work,
    chunks: Chunks,
}

/// A child and the end of the pipe that its answer comes from.
struct Worker {
    child: Child,
    answer: File,
}

impl Team for Forked {
    fn call(&mut self) -> Result<Vec<Report>, TeamError> {
        let mut workers = Vec::with_capacity(self.chunks.nthread);
        for worker in 0..self.chunks.nthread {
            let started = self.start(worker, &workers)?;
            workers.push(started);
        }
        workers.into_iter().enumerate().map(|(worker, started)| receive(worker, started)).collect()
    }
}

impl Forked {
    /// Forks one worker. It inherits the reading ends of its elder siblings'
    /// pipes; a writing end is open in its own child only, since the parent
    /// closes its copy at once. So each pipe ends with its child.
    fn start(&self, worker: usize, elders: &[Worker]) -> Result<Worker, TeamError> {
        let nthread = self.chunks.nthread;
        let refused = |source| TeamError::CannotStart { worker: worker + 1, nthread, source };
        let (reader, writer) = io::pipe().map_err(refused)?;
        let answer = File::from(std::os::fd::OwnedFd::from(reader));
        let body = || {
            close_in_child(&answer);
            elders.iter().for_each(|elder| close_in_child(&elder.answer));
            let run = AssertUnwindSafe(|| self.work.run_all(self.chunks.dealer().hand(worker)));
            let report = catch_unwind(run).map_err(|panic| panic_message(&*panic));
            (&writer).write_all(&serde_json::to_vec(&report)?)
        };
        Ok(Worker { child: Child::fork(worker + 1, nthread, body)?, answer })
    }
}

/// Closes a descriptor that only the parent should have.
fn close_in_child(file: &File) {
    use std::os::fd::AsRawFd as _;
    // An error means that it is closed already, which is what we want. The
    // child leaves by `_exit`, so the `File` is never dropped a second time.
    let _ = nix::unistd::close(file.as_raw_fd());
}

/// The answer of a worker, once its pipe has ended.
fn receive(worker: usize, mut started: Worker) -> Result<Report, TeamError> {
    let worker = worker + 1;
    let pid = started.child.pid();
    let mut answer = Vec::new();
    started
        .answer
        .read_to_end(&mut answer)
        .map_err(|source| TeamError::Channel { worker, source })?;
    started.child.join().map_err(|how| TeamError::Lost { worker, pid, how })?;
    let report: Result<Report, String> = serde_json::from_slice(&answer)
        .map_err(|error| TeamError::Channel { worker, source: error.into() })?;
    report.map_err(|message| TeamError::Panicked { worker, message })
}
