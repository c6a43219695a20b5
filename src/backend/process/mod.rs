//! Worker processes: the counterparts of what Python's `multiprocessing`
//! offers, each over [`crate::process`].
//!
//! Four of them start n children in each call, which differ only in how the
//! children come by their chunks and their parent by the reports: that is an
//! [`Exchange`], one file each. The fifth, the pool, starts its processes once.
//!
//! A child that was forked has the work in its memory; one that was spawned
//! begins with nothing, and is told the names of kernel and backend.

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
use super::work::Described;
use super::{
    Backend, Chunks, Placement, Report, Schedule, Setup, StartMethod, Team, TeamError, Work,
    panic_message,
};
use crate::kernel::Kernel;
use crate::machine::affinity::{self, Whose};
use crate::process::{
    Call, Child, Ends, Error, Exit, Message, Process, start_all, thread_count, unpack,
};

/// n children in each call, one pipe each.
pub const PIPE: InEachCall<pipe::Pipes> = InEachCall(PhantomData);
/// n children in each call around two queues.
pub const QUEUE: InEachCall<queue::Queues> = InEachCall(PhantomData);
/// n children in each call over shared memory.
pub const SHM: InEachCall<shm::Memory> = InEachCall(PhantomData);
/// n children in each call that talk to a manager.
pub const MANAGER: InEachCall<manager::Lists> = InEachCall(PhantomData);
/// A pool of processes.
pub const POOL: pool::Pool = pool::Pool;

/// How long a parent waits before it looks whether its children live.
const TICK: Duration = Duration::from_millis(10);

/// What a child brings home.
type Answer = Result<Report, Failure>;

/// Why a child brings no report home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// It panicked, and said this.
    Panicked(String),
    /// It is not where it was to be pinned to, and why.
    NotPinned(String),
}

/// How the children of a call come by their chunks, and their parent by the
/// reports. It is made with the team and serves all its calls; a spawned child
/// gets it in a message.
pub trait Exchange: Serialize + DeserializeOwned + 'static {
    /// The name of the backend.
    const NAME: &'static str;
    /// One line for `harness list`.
    const ABOUT: &'static str;
    /// The schedules that it knows, its default first.
    const SCHEDULES: &'static [Schedule];

    /// The end of a pipe that one child is given, or nothing.
    type Given: Ends + Serialize + DeserializeOwned;
    /// The end that the parent keeps of it.
    type Kept;

    /// What survives between calls.
    ///
    /// # Errors
    /// Where the system refuses.
    fn open(chunks: Chunks, start: StartMethod) -> Result<Self, Error>;

    /// Makes it ready for a call.
    ///
    /// # Errors
    /// Where the system refuses.
    fn begin(&self, _chunks: Chunks) -> Result<(), Error> {
        Ok(())
    }

    /// What belongs to one child.
    ///
    /// # Errors
    /// Where the system refuses.
    fn ends(&self) -> Result<(Self::Kept, Self::Given), Error>;

    /// The child's part: takes chunks, and brings home one answer.
    ///
    /// # Errors
    /// Where the answer cannot be brought home.
    fn work(&self, given: Self::Given, share: Share<'_>) -> Result<(), Error>;

    /// The parent's part: one answer a child, in their order; `None` for one
    /// that has ended without.
    ///
    /// # Errors
    /// Where answers cannot be had.
    fn collect(
        &self,
        chunks: Chunks,
        kept: Vec<Self::Kept>,
        children: &mut [Child],
    ) -> Result<Vec<Option<Answer>>, Error>;

    /// A failure that is better explained by how a process of its own ended.
    fn explain(&mut self, error: TeamError) -> TeamError {
        error
    }

    /// Processes of its own that live between calls.
    fn pids(&self) -> Vec<i32> {
        Vec::new()
    }
}

/// What one child has to do.
#[derive(Clone, Copy)]
pub struct Share<'a> {
    work: Work,
    chunks: Chunks,
    /// From 0.
    worker: usize,
    /// Where it is to run; empty if it is not pinned.
    cpus: &'a [usize],
}

impl Share<'_> {
    /// What came of computing chunks, for which the child is pinned first. It ends
    /// after that, so all its CPU time belongs to the call.
    fn answer(&self, chunks: impl Iterator<Item = Range<u64>>) -> Answer {
        if !self.cpus.is_empty() {
            let pinned = affinity::pin(Whose::Own, self.cpus);
            pinned.map_err(|error| Failure::NotPinned(error.to_string()))?;
        }
        let run = AssertUnwindSafe(|| self.work.run_all(chunks).with_times_of_this_thread());
        catch_unwind(run).map_err(|panic| Failure::Panicked(panic_message(&*panic)))
    }

    /// What came of computing chunks that are asked for one by one, until there
    /// is none.
    ///
    /// # Errors
    /// Where one cannot be had.
    fn answer_asking(
        &self,
        mut next: impl FnMut() -> Result<Option<Range<u64>>, Error>,
    ) -> Result<Answer, Error> {
        let mut failed = None;
        let chunks = std::iter::from_fn(|| {
            next().unwrap_or_else(|error| {
                failed = Some(error);
                None
            })
        });
        let answer = self.answer(chunks);
        failed.map_or(Ok(answer), Err)
    }
}

/// What a spawned child is told, but for its exchange and ends.
#[derive(Serialize, Deserialize)]
struct Told {
    work: Described,
    chunks: Chunks,
    worker: usize,
    /// Where it is to run; empty if it is not pinned.
    cpus: Vec<usize>,
}

/// A backend whose children live for one call.
pub struct InEachCall<E>(PhantomData<fn() -> E>);

impl<E: Exchange> Backend for InEachCall<E> {
    fn name(&self) -> &'static str {
        E::NAME
    }

    fn about(&self) -> &'static str {
        E::ABOUT
    }

    fn schedules(&self) -> &'static [Schedule] {
        E::SCHEDULES
    }

    fn start_methods(&self) -> &'static [StartMethod] {
        &StartMethod::ALL
    }

    fn obstacle(&self) -> Option<String> {
        obstacle()
    }

    fn worker_name(&self, worker: usize) -> String {
        format!("Process-{}", worker + 1)
    }

    fn team(&self, work: Work, chunks: Chunks, setup: &Setup) -> Result<Box<dyn Team>, TeamError> {
        let exchange = E::open(chunks, setup.start)?;
        Ok(Box::new(Crew { exchange, work, chunks, setup: setup.clone(), peak_bytes: 0, stops: 0 }))
    }

    fn serve(&self, told: Message, kernels: &[&'static dyn Kernel]) -> Result<u8, Error> {
        let (told, exchange, given): (Told, E, E::Given) = unpack(told)?;
        let work = known(&told.work, kernels)?;
        let (worker, cpus) = (told.worker, &told.cpus[..]);
        let share = Share { work, chunks: told.chunks, worker, cpus };
        exchange.work(given, share).map(|()| 0)
    }
}

/// Why no process backend can run here, if none can.
fn obstacle() -> Option<String> {
    thread_count().err().map(|error| format!("cannot count threads in /proc: {error}"))
}

/// The work that a spawned child was told of.
fn known(work: &Described, kernels: &[&'static dyn Kernel]) -> Result<Work, Error> {
    let unknown = || Error::Garbage { what: format!("there is no such kernel here: {work:?}") };
    work.work(kernels).ok_or_else(unknown)
}

/// The children of each call, one after the other.
struct Crew<E> {
    exchange: E,
    work: Work,
    chunks: Chunks,
    setup: Setup,
    /// Peaks of the children of one call, added up: the most of any call.
    peak_bytes: u64,
    /// How often children of all calls were found to have been stopped.
    stops: u32,
}

impl<E: Exchange> Team for Crew<E> {
    fn call(&mut self) -> Result<Vec<Report>, TeamError> {
        self.try_call().or_else(|error| {
            let error = self.exchange.explain(error);
            // What a failed call left lying about must not reach the next one.
            self.exchange = E::open(self.chunks, self.setup.start)?;
            Err(error)
        })
    }

    fn pids(&self) -> Vec<i32> {
        self.exchange.pids()
    }

    fn peak_memory_bytes(&self) -> u64 {
        self.peak_bytes
    }

    fn stops(&self) -> Option<u32> {
        Some(self.stops)
    }
}

impl<E: Exchange> Crew<E> {
    fn try_call(&mut self) -> Result<Vec<Report>, TeamError> {
        self.exchange.begin(self.chunks)?;
        let nthread = self.chunks.nthread;
        let (mut processes, mut kept) = (Vec::with_capacity(nthread), Vec::with_capacity(nthread));
        for worker in 0..nthread {
            let (ours, theirs) = self.exchange.ends()?;
            kept.push(ours);
            processes.push(self.process(worker, theirs)?);
        }
        let mut children = start_all(processes)?;
        let mut answers = self.exchange.collect(self.chunks, kept, &mut children)?;
        // Who still runs may wait for what another should have done that failed:
        // so those come first that have ended.
        let mut order: Vec<_> = children.iter_mut().map(Child::is_alive).zip(0..nthread).collect();
        order.sort_unstable();
        let mut reports = vec![Report::default(); nthread];
        for (_, worker) in order {
            let answer = answers[worker].take();
            let placement = &self.setup.placement;
            reports[worker] = outcome(worker, placement, answer, &mut children[worker])?;
        }
        self.stops += children.iter_mut().map(Child::stops).sum::<u32>();
        let peaks = children.iter().filter_map(Child::peak_memory_bytes);
        self.peak_bytes = self.peak_bytes.max(peaks.sum());
        Ok(reports)
    }

    fn process(&self, worker: usize, given: E::Given) -> Result<Process<'_>, Error> {
        let (chunks, cpus) = (self.chunks, self.setup.placement.cpus(worker));
        let process = match self.setup.start {
            StartMethod::Fork => {
                let share = Share { work: self.work, chunks, worker, cpus };
                Process::silent(given, move |given| self.exchange.work(given, share))
            }
            StartMethod::Spawn => {
                let (work, cpus) = (self.work.described(), cpus.to_vec());
                let told = Told { work, chunks, worker, cpus };
                Process::call(Call::new(E::NAME, &(told, &self.exchange, given))?)?
            }
        };
        Ok(process.name(format!("Process-{}", worker + 1)).daemon())
    }
}

/// The report of a worker, once it has ended. How it ended explains why there
/// is no answer.
fn outcome(
    index: usize,
    placement: &Placement,
    answer: Option<Answer>,
    child: &mut Child,
) -> Result<Report, TeamError> {
    let worker = index + 1;
    let exit = child.join()?;
    match (answer, exit) {
        (Some(Ok(report)), Exit::Code(0)) => Ok(report),
        (Some(Err(Failure::Panicked(message))), _) => Err(TeamError::Panicked { worker, message }),
        (Some(Err(Failure::NotPinned(why))), _) => {
            Err(not_pinned(index, placement.cpus(index), std::io::Error::other(why)))
        }
        (_, exit) => {
            let how = if exit == Exit::Code(0) {
                "ended without an answer".to_string()
            } else {
                exit.to_string()
            };
            Err(TeamError::Lost { worker, pid: child.pid(), how })
        }
    }
}
