//! Dispatcher of a pool: starts the workers, hands out tasks and collects
//! results. Tasks and results are messages here, without types.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::errno::Errno;

use super::channel::{Channel, Content, DEPTH, EventCount, WaitStrategy};
use super::worker::{BulkConnection, send};
use crate::process::child::Child;
use crate::process::connection::pipe;
use crate::process::shared::Shared;
use crate::process::socket::Timeout;
use crate::process::start::Process;
use crate::process::wire::Message;
use crate::process::{Error, Exit, current};

/// Longest sleep of a pool before it checks that its workers are alive.
pub const TICK: Duration = Duration::from_millis(10);

/// Number of a task.
pub type TaskId = u64;

/// Number of pools that this process has made.
static POOLS: AtomicU64 = AtomicU64::new(0);

/// Workers of a pool, tasks that wait for them, and results that wait for their
/// caller.
pub struct Dispatcher {
    memory: Rc<SharedMemory>,
    factory: WorkerFactory,
    workers: Vec<Worker>,
    /// Tasks that no worker has yet.
    pending: VecDeque<QueuedTask>,
    /// Results that no caller has taken yet.
    completed: HashMap<TaskId, Completed>,
    /// Order in which results arrive, while an iterator takes them in that order.
    arrivals: Option<VecDeque<TaskId>>,
    /// Tasks that a worker has, but whose results are no longer wanted.
    cancelled: HashSet<TaskId>,
    /// Error of replacing a dead worker.
    broken: Option<String>,
    next_id: TaskId,
    /// Number of the pool, which distinguishes its tickets from those of others.
    pub pool_id: u64,
    /// Generation of the process that owns the pool.
    generation: u32,
    strategy: WaitStrategy,
}

/// Makes the process of a worker from its index and its end of the socket.
pub type WorkerFactory =
    Box<dyn Fn(&Rc<SharedMemory>, usize, BulkConnection) -> Result<Process<'static>, Error>>;

/// Shared memory of a pool: a channel for each worker, and the count of results
/// of all workers.
pub struct SharedMemory {
    pub channels: Shared<Channel>,
    pub result_events: Shared<EventCount>,
}

/// A task, kept until its result has arrived.
struct QueuedTask {
    id: TaskId,
    message: Message,
    batching: Batching,
}

/// Way in which a task was submitted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Batching {
    /// A single task. It may take for ever, and so may a task before it.
    Single,
    /// Task of a map, which will probably all take as long.
    Batch,
}

/// Result of a task, and the worker that ran it.
pub struct Completed {
    pub worker: usize,
    pub result: Result<Message, Error>,
}

struct Worker {
    child: Child,
    bulk: BulkConnection,
    /// Tasks that it was given, in order: it is running the first.
    in_flight: VecDeque<QueuedTask>,
    /// Number of tasks written to its channel.
    posted: u32,
    /// Number of results read from its channel.
    read: u32,
}

impl Dispatcher {
    /// Starts the workers.
    ///
    /// # Errors
    /// Where a worker cannot be started, or memory or descriptors run out.
    pub fn new(workers: usize, factory: WorkerFactory) -> Result<Dispatcher, Error> {
        if workers == 0 {
            return Err(Error::system("make a pool without workers", Errno::EINVAL.into()));
        }
        let (channels, result_events) = (Shared::zeroed(workers)?, Shared::zeroed(1)?);
        let mut dispatcher = Dispatcher {
            memory: Rc::new(SharedMemory { channels, result_events }),
            factory,
            workers: Vec::with_capacity(workers),
            pending: VecDeque::new(),
            completed: HashMap::new(),
            arrivals: None,
            cancelled: HashSet::new(),
            broken: None,
            next_id: 0,
            pool_id: POOLS.fetch_add(1, Ordering::Relaxed),
            generation: current::generation(),
            strategy: WaitStrategy::default(),
        };
        for index in 0..workers {
            let worker = dispatcher.start_worker(index)?;
            dispatcher.workers.push(worker);
        }
        Ok(dispatcher)
    }

    /// Number of workers.
    pub fn len(&self) -> usize {
        self.workers.len()
    }

    /// Process ids in the order of the workers.
    pub fn pids(&self) -> Vec<i32> {
        self.workers.iter().map(|worker| worker.child.pid()).collect()
    }

    /// Name of a worker.
    pub fn name(&self, worker: usize) -> &str {
        self.workers[worker].child.name()
    }

    /// Waits until all submitted tasks are done, and then for the workers to end.
    ///
    /// # Errors
    /// If a worker did not exit with code 0.
    pub fn close(mut self) -> Result<(), Error> {
        self.check_owner()?;
        while !self.pending.is_empty()
            || self.workers.iter().any(|worker| !worker.in_flight.is_empty())
        {
            self.advance(TICK);
        }
        for (channel, worker) in self.memory.channels.iter().zip(&mut self.workers) {
            channel.tasks[worker.posted as usize % DEPTH].write(&Content::Stop);
            channel.posted.notify();
        }
        for worker in &mut self.workers {
            let exit = worker.child.join()?;
            if !exit.is_success() {
                return Err(lost(&worker.child, exit));
            }
        }
        Ok(())
    }

    /// Checks that this process owns the pool. A forked child has a copy, but if
    /// both used it, they would hand out the same tasks.
    ///
    /// # Errors
    /// [`Error::NotOwner`].
    pub fn check_owner(&self) -> Result<(), Error> {
        if self.generation == current::generation() { Ok(()) } else { Err(Error::NotOwner) }
    }

    /// Starts the worker of the channel with this index.
    fn start_worker(&self, index: usize) -> Result<Worker, Error> {
        let (bulk, workers_end) = pipe()?;
        let process = (self.factory)(&self.memory, index, workers_end)?;
        let child = process.name(format!("PoolWorker-{}", index + 1)).daemon().start()?;
        Ok(Worker { child, bulk, in_flight: VecDeque::new(), posted: 0, read: 0 })
    }

    /// Submits a task.
    pub fn submit(&mut self, message: Message, batching: Batching) -> TaskId {
        let id = self.next_id;
        self.next_id += 1;
        self.pending.push_back(QueuedTask { id, message, batching });
        id
    }

    /// Submits several tasks, and returns their numbers.
    pub fn submit_all(&mut self, messages: Vec<Message>) -> Range<TaskId> {
        let first = self.next_id;
        for message in messages {
            self.submit(message, Batching::Batch);
        }
        first..self.next_id
    }

    /// Returns whether the result of a task has arrived.
    pub fn is_completed(&self, id: TaskId) -> bool {
        self.completed.contains_key(&id)
    }

    /// Begins to record the order in which results arrive.
    pub fn record_arrivals(&mut self) {
        self.arrivals = Some(VecDeque::new());
    }

    /// Waits for the next result of the tasks from `first` on.
    pub fn next_completed(&mut self, first: TaskId) -> Option<(TaskId, Completed)> {
        loop {
            match self.arrivals.as_mut()?.pop_front() {
                Some(id) if id >= first => return Some((id, self.completed.remove(&id)?)),
                // An earlier task, whose caller has a ticket.
                Some(_) => {}
                None => self.advance(TICK),
            }
        }
    }

    /// Cancels the tasks from `first` on: those that no worker has are removed,
    /// and the results of the others are discarded.
    pub fn cancel_from(&mut self, first: TaskId) {
        self.arrivals = None;
        self.pending.retain(|task| task.id < first);
        self.completed.retain(|id, _| *id < first);
        let in_flight = self.workers.iter().flat_map(|worker| &worker.in_flight);
        self.cancelled.extend(in_flight.map(|task| task.id).filter(|id| *id >= first));
    }

    /// Hands out pending tasks: first one to each idle worker, then a second one
    /// to each, so that it need not wait in between.
    pub fn dispatch(&mut self) {
        if let Some(reason) = self.broken.clone() {
            for task in std::mem::take(&mut self.pending) {
                self.complete(task.id, 0, Err(Error::BrokenPool { reason: reason.clone() }));
            }
        }
        for depth in 0..DEPTH {
            for index in 0..self.workers.len() {
                // The last tasks are not queued behind others, but wait for the
                // first worker that becomes free: no task should wait for one
                // worker while another is idle.
                if depth > 0 && self.pending.len() < self.workers.len() {
                    return;
                }
                if self.workers[index].in_flight.len() == depth && self.can_queue(index) {
                    let Some(task) = self.pending.pop_front() else { return };
                    self.post(index, task);
                }
            }
        }
    }

    /// Returns whether the first pending task may be queued behind the tasks of a
    /// worker. A single task is never queued behind another, nor another behind
    /// it, since either might take for ever.
    fn can_queue(&self, index: usize) -> bool {
        let in_flight = &self.workers[index].in_flight;
        in_flight.is_empty()
            || in_flight
                .iter()
                .chain(self.pending.front())
                .all(|task| task.batching == Batching::Batch)
    }

    /// Sends a task to a worker.
    fn post(&mut self, index: usize, task: QueuedTask) {
        let (channel, worker) = (&self.memory.channels[index], &mut self.workers[index]);
        match send(&task.message, &worker.bulk) {
            Ok(content) => {
                channel.tasks[worker.posted as usize % DEPTH].write(&content);
                worker.posted = worker.posted.wrapping_add(1);
                worker.in_flight.push_back(task);
                channel.posted.notify();
            }
            // The worker is dead, and `reap_dead_workers` will replace it.
            Err(Error::Disconnected) => self.pending.push_front(task),
            Err(error) => self.complete(task.id, index, Err(error)),
        }
    }

    /// Records the result of a task, unless the task was cancelled.
    fn complete(&mut self, id: TaskId, worker: usize, result: Result<Message, Error>) {
        if self.cancelled.remove(&id) {
            return;
        }
        self.completed.insert(id, Completed { worker, result });
        if let Some(arrivals) = &mut self.arrivals {
            arrivals.push_back(id);
        }
    }

    /// Collects all results that have arrived; returns whether there were any.
    fn collect_results(&mut self) -> bool {
        let mut is_any = false;
        for index in 0..self.workers.len() {
            while let Some((id, result)) = self.next_result(index) {
                self.complete(id, index, result);
                is_any = true;
            }
        }
        is_any
    }

    /// Reads the next result of a worker, if it has arrived.
    fn next_result(&mut self, index: usize) -> Option<(TaskId, Result<Message, Error>)> {
        let (channel, worker) = (&self.memory.channels[index], &mut self.workers[index]);
        if channel.completed.load(Ordering::Acquire) == worker.read {
            return None;
        }
        // A faulty worker may count more results than it has tasks.
        let task = worker.in_flight.pop_front()?;
        let slot = worker.read as usize % DEPTH;
        worker.read = worker.read.wrapping_add(1);
        let result = match channel.results[slot].read() {
            Content::Inline(bytes) => Ok(bytes.into()),
            // No waiting: it was sent before the slot was written.
            Content::ViaSocket => worker
                .bulk
                .socket()
                .and_then(|socket| socket.receive(Timeout::After(Duration::ZERO))),
            Content::Stop => Err(Error::invalid("a worker returned a request to stop")),
        };
        Some((task.id, result))
    }

    /// Hands out pending tasks and collects results. If there are none, waits for
    /// one at most for `timeout`, and replaces dead workers.
    pub fn advance(&mut self, timeout: Duration) {
        if self.check_owner().is_err() {
            return;
        }
        self.dispatch();
        let seen = self.memory.result_events[0].count();
        if !self.collect_results() {
            if !timeout.is_zero() {
                let events = &self.memory.result_events[0];
                events.wait(seen, Some(timeout.min(TICK)), &mut self.strategy);
            }
            if !self.collect_results() {
                self.reap_dead_workers();
            }
        }
        self.dispatch();
    }

    /// Replaces workers that have died. The task that a dead worker was running
    /// fails, and its other tasks are pending again.
    fn reap_dead_workers(&mut self) {
        for index in 0..self.workers.len() {
            let Ok(Some(exit)) = self.workers[index].child.exit() else { continue };
            // Results that it sent before it died are valid.
            self.collect_results();
            if let Some(running) = self.workers[index].in_flight.pop_front() {
                let error = lost(&self.workers[index].child, exit);
                self.complete(running.id, index, Err(error));
            }
            let queued = std::mem::take(&mut self.workers[index].in_flight);
            queued.into_iter().rev().for_each(|task| self.pending.push_front(task));
            self.memory.channels[index].reset();
            if self.broken.is_some() {
                continue;
            }
            match self.start_worker(index) {
                Ok(worker) => self.workers[index] = worker,
                Err(error) => self.broken = Some(error.to_string()),
            }
        }
    }

    /// Waits for the result of a task.
    pub fn wait_for(&mut self, id: TaskId) -> Completed {
        loop {
            if let Some(completed) = self.completed.remove(&id) {
                return completed;
            }
            self.advance(TICK);
        }
    }
}

/// The error of a worker that ended unexpectedly.
fn lost(child: &Child, exit: Exit) -> Error {
    Error::Lost { name: child.name().to_string(), pid: child.pid(), exit }
}
