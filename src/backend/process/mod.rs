//! Backends of worker processes: the counterparts of Python's `multiprocessing`,
//! each over [`crate::process`].
//!
//! Four of them start n children in each call. They differ only in how chunks
//! reach the children and reports reach the parent: that is a [`Transport`], one
//! file each. The fifth, the pool, starts its processes once.
//!
//! A forked child has the work in its memory; a spawned one receives the names
//! of kernel and backend.

mod manager;
mod pipe;
mod pool;
mod queue;
mod shm;

use std::marker::PhantomData;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::setup::not_pinned;
use super::work::WorkSpec;
use super::{
    Backend, Chunks, Placement, Report, Schedule, Setup, StartMethod, Team, TeamError, Work,
    panic_message,
};
use crate::kernel::Kernel;
use crate::machine::affinity::{self, Task};
use crate::process::{
    Child, Ends, Error, Exit, FunctionCall, Message, Process, start_all, thread_count, unpack,
};

/// Backend of n children in each call, with one pipe each.
pub const PIPE: PerCall<pipe::PipeTransport> = PerCall(PhantomData);
/// Backend of n children in each call around two queues.
pub const QUEUE: PerCall<queue::QueueTransport> = PerCall(PhantomData);
/// Backend of n children in each call over shared memory.
pub const SHM: PerCall<shm::SharedMemoryTransport> = PerCall(PhantomData);
/// Backend of n children in each call around a manager.
pub const MANAGER: PerCall<manager::ManagerTransport> = PerCall(PhantomData);
/// Backend over a pool of processes.
pub const POOL: pool::ProcessPool = pool::ProcessPool;

/// Longest wait of a parent before it checks that its children are alive.
const TICK: Duration = Duration::from_millis(10);

/// Result of a child.
type WorkerResult = Result<Report, WorkerFailure>;

/// Cause of a missing report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkerFailure {
    /// The child panicked with this message.
    Panicked(String),
    /// The child could not be pinned to its CPUs, and why.
    NotPinned(String),
}

/// Transport of chunks to the children of a call and of reports to their parent.
/// It is made with the team and serves all its calls. A spawned child gets a copy
/// in a message.
pub trait Transport: Serialize + DeserializeOwned + 'static {
    /// Name of the backend.
    const NAME: &'static str;
    /// Description in one line, for `harness list`.
    const ABOUT: &'static str;
    /// Supported schedules, the default first.
    const SCHEDULES: &'static [Schedule];

    /// End of a pipe that a child gets, or `()`.
    type ChildEnd: Ends + Serialize + DeserializeOwned;
    /// End of the same pipe that the parent keeps, or `()`.
    type ParentEnd;

    /// Makes what lives across calls.
    ///
    /// # Errors
    /// Where the system refuses.
    fn create(chunks: Chunks, start: StartMethod) -> Result<Self, Error>;

    /// Prepares the transport for a call.
    ///
    /// # Errors
    /// Where the system refuses.
    fn prepare(&self, _chunks: Chunks) -> Result<(), Error> {
        Ok(())
    }

    /// Makes the ends of the pipe of one child.
    ///
    /// # Errors
    /// Where the system refuses.
    fn ends(&self) -> Result<(Self::ParentEnd, Self::ChildEnd), Error>;

    /// Runs in a child: computes chunks and sends one result.
    ///
    /// # Errors
    /// Where the result cannot be sent.
    fn run_child(&self, end: Self::ChildEnd, task: ChildTask<'_>) -> Result<(), Error>;

    /// Runs in the parent: returns the results in the order of the children;
    /// `None` for a child that has ended without one.
    ///
    /// # Errors
    /// Where results cannot be received.
    fn collect(
        &self,
        chunks: Chunks,
        ends: Vec<Self::ParentEnd>,
        children: &mut [Child],
    ) -> Result<Vec<Option<WorkerResult>>, Error>;

    /// Replaces an error whose cause is the end of a process of the transport.
    fn explain(&mut self, error: TeamError) -> TeamError {
        error
    }

    /// Pids of processes of the transport that live across calls.
    fn pids(&self) -> Vec<i32> {
        Vec::new()
    }
}

/// Task of one child in one call.
#[derive(Clone, Copy)]
pub struct ChildTask<'a> {
    work: Work,
    chunks: Chunks,
    /// Index of the worker, from 0.
    worker: usize,
    /// CPUs to which the child is pinned; empty if it is not.
    cpus: &'a [usize],
}

impl ChildTask<'_> {
    /// Pins the child and computes `chunks`. The child ends after that, so all its
    /// CPU time belongs to the call.
    fn run(&self, chunks: impl Iterator<Item = Range<u64>>) -> WorkerResult {
        if !self.cpus.is_empty() {
            affinity::pin(Task::Current, self.cpus)
                .map_err(|error| WorkerFailure::NotPinned(error.to_string()))?;
        }
        let run = AssertUnwindSafe(|| self.work.run_all(chunks).with_times_of_this_thread());
        catch_unwind(run).map_err(|panic| WorkerFailure::Panicked(panic_message(&*panic)))
    }

    /// Pins the child and computes chunks until `next` returns `None`.
    ///
    /// # Errors
    /// The error of `next`.
    fn run_while_some(
        &self,
        mut next: impl FnMut() -> Result<Option<Range<u64>>, Error>,
    ) -> Result<WorkerResult, Error> {
        let mut failed = None;
        let result = self.run(std::iter::from_fn(|| {
            next().unwrap_or_else(|error| {
                failed = Some(error);
                None
            })
        }));
        failed.map_or(Ok(result), Err)
    }
}

/// Part of the argument of a spawned child; transport and end of a pipe follow.
#[derive(Serialize, Deserialize)]
struct SpawnedTask {
    work: WorkSpec,
    chunks: Chunks,
    worker: usize,
    /// CPUs to which the child is pinned; empty if it is not.
    cpus: Vec<usize>,
}

/// Backend whose children live for one call.
pub struct PerCall<T>(PhantomData<fn() -> T>);

impl<T: Transport> Backend for PerCall<T> {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn about(&self) -> &'static str {
        T::ABOUT
    }

    fn schedules(&self) -> &'static [Schedule] {
        T::SCHEDULES
    }

    fn start_methods(&self) -> &'static [StartMethod] {
        &StartMethod::ALL
    }

    fn unavailable_reason(&self) -> Option<String> {
        unavailable_reason()
    }

    fn worker_name(&self, worker: usize) -> String {
        format!("Process-{}", worker + 1)
    }

    fn team(&self, work: Work, chunks: Chunks, setup: &Setup) -> Result<Box<dyn Team>, TeamError> {
        let transport = T::create(chunks, setup.start)?;
        let setup = setup.clone();
        Ok(Box::new(PerCallTeam { transport, work, chunks, setup, peak_bytes: 0, stops: 0 }))
    }

    fn run_worker(&self, argument: Message, kernels: &[&'static dyn Kernel]) -> Result<u8, Error> {
        let (task, transport, end): (SpawnedTask, T, T::ChildEnd) = unpack(argument)?;
        let work = resolve_work(&task.work, kernels)?;
        let (worker, cpus) = (task.worker, &task.cpus[..]);
        let task = ChildTask { work, chunks: task.chunks, worker, cpus };
        transport.run_child(end, task).map(|()| 0)
    }
}

/// Reason why no process backend can run here, if there is one.
fn unavailable_reason() -> Option<String> {
    thread_count().err().map(|error| format!("cannot count threads in /proc: {error}"))
}

/// Looks up the kernel of a work that was sent to a spawned child.
fn resolve_work(spec: &WorkSpec, kernels: &[&'static dyn Kernel]) -> Result<Work, Error> {
    spec.resolve(kernels).ok_or_else(|| {
        let reason = format!("this program has no such kernel: {spec:?}");
        Error::InvalidMessage { reason }
    })
}

/// Team whose children are started in each call.
struct PerCallTeam<T> {
    transport: T,
    work: Work,
    chunks: Chunks,
    setup: Setup,
    /// Sum of the peaks of the children of a call; the largest of all calls.
    peak_bytes: u64,
    /// Observed stops of the children of all calls.
    stops: u32,
}

impl<T: Transport> Team for PerCallTeam<T> {
    fn call(&mut self) -> Result<Vec<Report>, TeamError> {
        self.try_call().or_else(|error| {
            let error = self.transport.explain(error);
            // Messages of a failed call must not reach the next one.
            self.transport = T::create(self.chunks, self.setup.start)?;
            Err(error)
        })
    }

    fn pids(&self) -> Vec<i32> {
        self.transport.pids()
    }

    fn peak_memory_bytes(&self) -> u64 {
        self.peak_bytes
    }

    fn stops(&self) -> Option<u32> {
        Some(self.stops)
    }
}

impl<T: Transport> PerCallTeam<T> {
    fn try_call(&mut self) -> Result<Vec<Report>, TeamError> {
        self.transport.prepare(self.chunks)?;
        let nthread = self.chunks.nthread;
        let (mut processes, mut ends) = (Vec::with_capacity(nthread), Vec::with_capacity(nthread));
        for worker in 0..nthread {
            let (parent_end, child_end) = self.transport.ends()?;
            ends.push(parent_end);
            processes.push(self.process(worker, child_end)?);
        }
        let mut children = start_all(processes)?;
        let mut results = self.transport.collect(self.chunks, ends, &mut children)?;
        // Children that have ended come first: one that is still running may wait
        // for another that has failed.
        let mut order: Vec<_> = children.iter_mut().map(Child::is_alive).zip(0..nthread).collect();
        order.sort_unstable();
        let mut reports = vec![Report::default(); nthread];
        for (_, worker) in order {
            let result = results[worker].take();
            let placement = &self.setup.placement;
            reports[worker] = join(worker, placement, result, &mut children[worker])?;
        }
        self.stops += children.iter_mut().map(Child::stops).sum::<u32>();
        let peaks = children.iter().filter_map(Child::peak_memory_bytes);
        self.peak_bytes = self.peak_bytes.max(peaks.sum());
        Ok(reports)
    }

    fn process(&self, worker: usize, end: T::ChildEnd) -> Result<Process<'_>, Error> {
        let (chunks, cpus) = (self.chunks, self.setup.placement.cpus(worker));
        let process = match self.setup.start {
            StartMethod::Fork => {
                let task = ChildTask { work: self.work, chunks, worker, cpus };
                Process::without_output(end, move |end| self.transport.run_child(end, task))
            }
            StartMethod::Spawn => {
                let (work, cpus) = (self.work.spec(), cpus.to_vec());
                let task = SpawnedTask { work, chunks, worker, cpus };
                Process::spawn(FunctionCall::new(T::NAME, &(task, &self.transport, end))?)
            }
        };
        Ok(process.name(format!("Process-{}", worker + 1)).daemon())
    }
}

/// Waits for a child and returns its report, or an error that explains why there
/// is none.
fn join(
    index: usize,
    placement: &Placement,
    result: Option<WorkerResult>,
    child: &mut Child,
) -> Result<Report, TeamError> {
    let worker = index + 1;
    let exit = child.join()?;
    match (result, exit) {
        (Some(Ok(report)), Exit::Code(0)) => Ok(report),
        (Some(Err(WorkerFailure::Panicked(message))), _) => {
            Err(TeamError::Panicked { worker, message })
        }
        (Some(Err(WorkerFailure::NotPinned(reason))), _) => {
            Err(not_pinned(index, placement.cpus(index), std::io::Error::other(reason)))
        }
        (_, exit) => {
            let how = if exit == Exit::Code(0) {
                "ended without a result".to_string()
            } else {
                exit.to_string()
            };
            Err(TeamError::Lost { worker, pid: child.pid(), how })
        }
    }
}
