//! Pool of worker processes: `Pool` of Python's multiprocessing.
//!
//! There is no helper thread. Tasks wait in the parent, at most two at a time
//! with each worker, and the pool advances while its owner asks for results. A
//! worker that dies fails the task that it was running, and no other: its
//! queued task goes to another worker, and a new worker replaces it. (Python's
//! pool replaces the worker, but waits for the lost task for ever.)

mod channel;
mod dispatcher;
mod worker;

pub use worker::Task;
pub(crate) use worker::WorkerEndpoint;

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;
use super::function::FunctionCall;
use super::start::Process;
use super::wire::{Message, pack, unpack};
use dispatcher::{Batching, Completed, Dispatcher, TaskId, WorkerFactory};
use worker::serve;

/// Worker processes that all run the same function from `A` to `R`.
pub struct Pool<A, R> {
    dispatcher: Dispatcher,
    types: PhantomData<fn(A) -> R>,
}

impl<A, R> Pool<A, R>
where
    A: Serialize + DeserializeOwned + 'static,
    R: Serialize + DeserializeOwned + 'static,
{
    /// Forks `workers` processes from this one. They run `body`, and have copies
    /// of all that it refers to.
    ///
    /// # Errors
    /// As [`Process::start`]; or where memory or descriptors run out.
    pub fn fork(workers: usize, body: impl Fn(A) -> R + 'static) -> Result<Pool<A, R>, Error> {
        let body = Rc::new(body);
        let factory: WorkerFactory = Box::new(move |memory, index, bulk| {
            let (memory, body) = (Rc::clone(memory), Rc::clone(&body));
            Ok(Process::with(bulk, move |bulk| {
                serve(&memory.channels[index], &memory.result_events[0], &bulk, &*body)
            }))
        });
        Ok(Pool { dispatcher: Dispatcher::new(workers, factory)?, types: PhantomData })
    }

    /// Spawns `workers` processes, this program started anew, that run `task`.
    ///
    /// # Errors
    /// As [`Process::of`] and [`Process::start`].
    pub fn spawn(workers: usize, task: &Task<A, R>) -> Result<Pool<A, R>, Error> {
        Pool::spawn_with(workers, task.name(), ())
    }

    /// Spawns a pool as [`Pool::spawn`] does, for a function that is known by its
    /// name only. Each worker gets a copy of `argument`, and its
    /// [`Callable`](super::Callable) unpacks that and a [`WorkerEndpoint`].
    pub(crate) fn spawn_with(
        workers: usize,
        function: &'static str,
        argument: impl Serialize + 'static,
    ) -> Result<Pool<A, R>, Error> {
        let factory: WorkerFactory = Box::new(move |memory, index, bulk| {
            // The fields of a `WorkerEndpoint`, by reference.
            let endpoint = (&memory.channels, &memory.result_events, index, &bulk);
            Ok(Process::spawn(FunctionCall::new(function, &(&argument, endpoint))?))
        });
        Ok(Pool { dispatcher: Dispatcher::new(workers, factory)?, types: PhantomData })
    }

    /// Maps `items` to results, in order. Items are sent in chunks of
    /// ⌈items / (4 × workers)⌉, as Python's.
    ///
    /// # Errors
    /// The error of the first task that failed, by a panic or by the death of its
    /// worker; all others have been done by then.
    pub fn map(&mut self, items: &[A]) -> Result<Vec<R>, Error> {
        self.map_chunks(items, items.len().div_ceil(4 * self.dispatcher.len()))
    }

    /// Maps `items` as [`Pool::map`] does, in chunks of `chunk` items.
    ///
    /// # Errors
    /// As [`Pool::map`].
    pub fn map_chunks(&mut self, items: &[A], chunk: usize) -> Result<Vec<R>, Error> {
        let ids = self.submit_all(items, chunk)?;
        let completed: Vec<Completed> = ids.map(|id| self.dispatcher.wait_for(id)).collect();
        let mut values = Vec::with_capacity(items.len());
        for completed in completed {
            values.extend(self.values(completed)?);
        }
        Ok(values)
    }

    /// Maps `items` chunk by chunk, in the order in which results arrive. All
    /// items are submitted at once; tasks that no worker has begun when the
    /// iterator is dropped are cancelled.
    ///
    /// # Errors
    /// Where an item cannot be sent.
    pub fn imap_unordered(
        &mut self,
        items: &[A],
        chunk: usize,
    ) -> Result<ImapUnordered<'_, A, R>, Error> {
        let chunk = chunk.max(1);
        let ids = self.submit_all(items, chunk)?;
        self.dispatcher.record_arrivals();
        let (first, left) = (ids.start, ids.count());
        Ok(ImapUnordered { pool: self, first, left, chunk })
    }

    /// Submits one item, and returns at once. A worker begins it when one is free
    /// and this process next calls a method of the pool.
    ///
    /// # Errors
    /// Where the item cannot be sent.
    pub fn apply_async(&mut self, item: &A) -> Result<Ticket<R>, Error> {
        self.dispatcher.check_owner()?;
        let id = self.dispatcher.submit(pack(std::slice::from_ref(item))?, Batching::Single);
        self.dispatcher.dispatch();
        Ok(Ticket { id, pool_id: self.dispatcher.pool_id, result: PhantomData })
    }

    /// Returns whether the result of a ticket has arrived.
    pub fn is_ready(&mut self, ticket: &Ticket<R>) -> bool {
        if ticket.pool_id != self.dispatcher.pool_id {
            return false;
        }
        self.dispatcher.advance(Duration::ZERO);
        self.dispatcher.is_completed(ticket.id)
    }

    /// Waits for the result of a ticket.
    ///
    /// # Errors
    /// If the task failed; [`Error::NotOwner`] for a ticket of another pool.
    pub fn wait(&mut self, ticket: Ticket<R>) -> Result<R, Error> {
        self.check_ticket(&ticket)?;
        let completed = self.dispatcher.wait_for(ticket.id);
        let value = self.values(completed)?.pop();
        value.ok_or_else(|| Error::invalid("a result without a value"))
    }

    /// Waits as [`Pool::wait`] does, but at most for `timeout`.
    ///
    /// # Errors
    /// The ticket, if its result has not arrived.
    pub fn wait_timeout(
        &mut self,
        ticket: Ticket<R>,
        timeout: Duration,
    ) -> Result<Result<R, Error>, Ticket<R>> {
        let start = Instant::now();
        loop {
            // For a foreign ticket or pool, `wait` returns the error.
            if self.check_ticket(&ticket).is_err() || self.is_ready(&ticket) {
                return Ok(self.wait(ticket));
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(ticket);
            }
            self.dispatcher.advance(left);
        }
    }

    /// Process ids of the workers, in their order.
    pub fn pids(&self) -> Vec<i32> {
        self.dispatcher.pids()
    }

    /// Waits until all submitted tasks are done, and then for the workers to end.
    /// Dropping a pool kills them instead (Python's `terminate`).
    ///
    /// # Errors
    /// If a worker did not exit with code 0.
    pub fn close(self) -> Result<(), Error> {
        self.dispatcher.close()
    }

    fn check_ticket(&self, ticket: &Ticket<R>) -> Result<(), Error> {
        self.dispatcher.check_owner()?;
        if ticket.pool_id == self.dispatcher.pool_id { Ok(()) } else { Err(Error::NotOwner) }
    }

    fn submit_all(&mut self, items: &[A], chunk: usize) -> Result<Range<TaskId>, Error> {
        self.dispatcher.check_owner()?;
        // All chunks are packed before one is submitted: after an error nobody
        // would ask for the results of those before it.
        let messages: Result<Vec<Message>, Error> = items.chunks(chunk.max(1)).map(pack).collect();
        Ok(self.dispatcher.submit_all(messages?))
    }

    /// Unpacks the values of a result.
    fn values(&self, completed: Completed) -> Result<Vec<R>, Error> {
        let values: Result<Vec<R>, String> = unpack(completed.result?)?;
        values.map_err(|message| {
            let worker = self.dispatcher.name(completed.worker).to_string();
            Error::Panicked { worker, message }
        })
    }
}

impl<A, R> fmt::Debug for Pool<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("workers", &self.dispatcher.len()).finish_non_exhaustive()
    }
}

/// Handle of a result that has not been fetched: Python's `AsyncResult`.
#[derive(Debug)]
pub struct Ticket<R> {
    id: TaskId,
    pool_id: u64,
    result: PhantomData<fn() -> R>,
}

/// Result of one chunk of [`Pool::imap_unordered`].
#[derive(Debug)]
pub struct TaskResult<R> {
    /// Index of the first item of the chunk.
    pub first: usize,
    /// Index of the worker, from 0.
    pub worker: usize,
    /// Results of the items of the chunk, or the error of the task.
    pub values: Result<Vec<R>, Error>,
}

/// Iterator over results in the order in which they arrive; see
/// [`Pool::imap_unordered`].
pub struct ImapUnordered<'a, A, R> {
    pool: &'a mut Pool<A, R>,
    /// Number of its first task; those of the others follow.
    first: TaskId,
    left: usize,
    chunk: usize,
}

impl<A, R> Iterator for ImapUnordered<'_, A, R>
where
    A: Serialize + DeserializeOwned + 'static,
    R: Serialize + DeserializeOwned + 'static,
{
    type Item = TaskResult<R>;

    fn next(&mut self) -> Option<TaskResult<R>> {
        if self.left == 0 || self.pool.dispatcher.check_owner().is_err() {
            return None;
        }
        let (id, completed) = self.pool.dispatcher.next_completed(self.first)?;
        self.left -= 1;
        let (first, worker) = ((id - self.first) as usize * self.chunk, completed.worker);
        Some(TaskResult { first, worker, values: self.pool.values(completed) })
    }
}

impl<A, R> Drop for ImapUnordered<'_, A, R> {
    fn drop(&mut self) {
        self.pool.dispatcher.cancel_from(self.first);
    }
}
