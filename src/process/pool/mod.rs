//! A pool: processes that live on and take tasks: `Pool` of Python's
//! multiprocessing.
//!
//! There is no helper thread. Tasks wait in the parent, at most two at a time
//! with each worker, and everything moves on while somebody asks for answers.
//! A worker that dies fails the task that it had begun, and nothing else: what
//! else it had been handed goes to others, and a new one takes its place.
//! (Python's pool replaces the worker, but waits for the lost task for ever.)

mod crew;
mod lane;
mod worker;

pub(crate) use worker::Seat;
pub use worker::Task;

use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;
use super::function::Call;
use super::start::Process;
use super::wire::{Message, pack, unpack};
use crew::{Answered, Company, Crew, Hire, Id};
use worker::serve;

/// Workers that answer `A` by `R`, all by the same function.
pub struct Pool<A, R> {
    crew: Crew,
    types: PhantomData<fn(A) -> R>,
}

impl<A, R> Pool<A, R>
where
    A: Serialize + DeserializeOwned + 'static,
    R: Serialize + DeserializeOwned + 'static,
{
    /// So many workers, forked from this process. They do `body`, and have a
    /// copy of whatever it refers to.
    ///
    /// # Errors
    /// As [`Process::start`]; or where memory or descriptors run out.
    pub fn fork(workers: usize, body: impl Fn(A) -> R + 'static) -> Result<Pool<A, R>, Error> {
        let body = Rc::new(body);
        let hire: Hire = Box::new(move |places, index, bulk| {
            let (places, body) = (Rc::clone(places), Rc::clone(&body));
            Ok(Process::with(bulk, move |bulk| {
                serve(&places.lanes[index], &places.bell[0], &bulk, &*body)
            }))
        });
        Ok(Pool { crew: Crew::new(workers, hire)?, types: PhantomData })
    }

    /// So many workers, spawned: this program started anew, for `task`.
    ///
    /// # Errors
    /// As [`Process::of`] and [`Process::start`].
    pub fn spawn(workers: usize, task: &Task<A, R>) -> Result<Pool<A, R>, Error> {
        Pool::spawn_told(workers, task.name(), ())
    }

    /// As [`Pool::spawn`], for a function that is known by its name only, and
    /// that every worker is told something for. Its
    /// [`Callable`](super::Callable) unpacks that and the seat.
    pub(crate) fn spawn_told(
        workers: usize,
        function: &'static str,
        told: impl Serialize + 'static,
    ) -> Result<Pool<A, R>, Error> {
        let hire: Hire = Box::new(move |places, index, bulk| {
            // A `Seat`, field by field, without giving the memory away.
            let seat = (&places.lanes, &places.bell, index, &bulk);
            Process::call(Call::new(function, &(&told, seat))?)
        });
        Ok(Pool { crew: Crew::new(workers, hire)?, types: PhantomData })
    }

    /// What `body` makes of each item, in order. Items travel in chunks of
    /// ⌈items / (4 × workers)⌉, as Python's.
    ///
    /// # Errors
    /// The first task that failed, by a panic or by the death of its worker;
    /// all others have been done by then.
    pub fn map(&mut self, items: &[A]) -> Result<Vec<R>, Error> {
        self.map_chunks(items, items.len().div_ceil(4 * self.crew.len()))
    }

    /// As [`Pool::map`], with chunks of that many items.
    ///
    /// # Errors
    /// As [`Pool::map`].
    pub fn map_chunks(&mut self, items: &[A], chunk: usize) -> Result<Vec<R>, Error> {
        let ids = self.submit_all(items, chunk)?;
        let answers: Vec<Answered> = ids.map(|id| self.crew.wait_for(id)).collect();
        let mut all = Vec::with_capacity(items.len());
        for answered in answers {
            all.extend(self.values(answered)?);
        }
        Ok(all)
    }

    /// What `body` makes of the items, as the answers come in, chunk by chunk.
    /// All items are handed in at once; what nobody has begun when the iterator
    /// is dropped is not done.
    ///
    /// # Errors
    /// Where an item cannot be sent.
    pub fn imap_unordered(
        &mut self,
        items: &[A],
        chunk: usize,
    ) -> Result<Unanswered<'_, A, R>, Error> {
        let chunk = chunk.max(1);
        let ids = self.submit_all(items, chunk)?;
        self.crew.follow();
        let (first, left) = (ids.start, ids.count());
        Ok(Unanswered { pool: self, first, left, chunk })
    }

    /// Hands in one item, and returns at once. It is begun when a worker is
    /// free and this process next asks the pool for anything.
    ///
    /// # Errors
    /// Where the item cannot be sent.
    pub fn apply_async(&mut self, item: &A) -> Result<Ticket<R>, Error> {
        self.crew.check_owner()?;
        let id = self.crew.submit(pack(std::slice::from_ref(item))?, Company::Alone);
        self.crew.feed();
        Ok(Ticket { id, pool: self.crew.number, answer: PhantomData })
    }

    /// Whether the answer to a ticket is there.
    pub fn is_ready(&mut self, ticket: &Ticket<R>) -> bool {
        if ticket.pool != self.crew.number {
            return false;
        }
        self.crew.step(Duration::ZERO);
        self.crew.is_answered(ticket.id)
    }

    /// Waits for the answer to a ticket.
    ///
    /// # Errors
    /// If the task failed; [`Error::NotOwner`] for a ticket of another pool.
    pub fn wait(&mut self, ticket: Ticket<R>) -> Result<R, Error> {
        self.crew.check_owner()?;
        if ticket.pool != self.crew.number {
            return Err(Error::NotOwner);
        }
        let answered = self.crew.wait_for(ticket.id);
        let value = self.values(answered)?.pop();
        value.ok_or_else(|| Error::garbage("an answer without a value"))
    }

    /// As [`Pool::wait`], at most so long: then the ticket comes back.
    ///
    /// # Errors
    /// The ticket, if there is no answer yet.
    pub fn wait_timeout(
        &mut self,
        ticket: Ticket<R>,
        timeout: Duration,
    ) -> Result<Result<R, Error>, Ticket<R>> {
        let start = Instant::now();
        loop {
            // Where pool or ticket are not ours, `wait` says so.
            let is_foreign = self.crew.check_owner().is_err() || ticket.pool != self.crew.number;
            if is_foreign || self.is_ready(&ticket) {
                return Ok(self.wait(ticket));
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(ticket);
            }
            self.crew.step(left);
        }
    }

    /// Process ids of the workers, in their order.
    pub fn pids(&self) -> Vec<i32> {
        self.crew.pids()
    }

    /// Lets the workers finish all that was handed in, and waits for their end.
    /// Dropping a pool kills them instead (Python's `terminate`).
    ///
    /// # Errors
    /// If one did not end well.
    pub fn close(self) -> Result<(), Error> {
        self.crew.close()
    }

    fn submit_all(&mut self, items: &[A], chunk: usize) -> Result<std::ops::Range<Id>, Error> {
        self.crew.check_owner()?;
        // All of them, or none: nobody would ever ask for the others' answers.
        let messages: Result<Vec<Message>, Error> = items.chunks(chunk.max(1)).map(pack).collect();
        Ok(self.crew.submit_all(messages?))
    }

    /// The answers in a message, or why there are none.
    fn values(&self, answered: Answered) -> Result<Vec<R>, Error> {
        let values: Result<Vec<R>, String> = unpack(answered.answer?)?;
        values.map_err(|message| {
            let worker = self.crew.name(answered.worker).to_string();
            Error::Panicked { worker, message }
        })
    }
}

impl<A, R> fmt::Debug for Pool<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("workers", &self.crew.len()).finish_non_exhaustive()
    }
}

/// Stands for an answer to come: Python's `AsyncResult`.
#[derive(Debug)]
pub struct Ticket<R> {
    id: Id,
    /// The number of its pool.
    pool: u64,
    answer: PhantomData<fn() -> R>,
}

/// An answer of [`Pool::imap_unordered`].
#[derive(Debug)]
pub struct Answer<R> {
    /// Place of the first of the items that it answers.
    pub first: usize,
    /// The worker, from 0.
    pub worker: usize,
    /// What came out for each item of the chunk, or why nothing did.
    pub values: Result<Vec<R>, Error>,
}

/// Answers as they come in.
pub struct Unanswered<'a, A, R>
where
    A: Serialize + DeserializeOwned + 'static,
    R: Serialize + DeserializeOwned + 'static,
{
    pool: &'a mut Pool<A, R>,
    /// The first of its tasks; the others follow.
    first: Id,
    left: usize,
    chunk: usize,
}

impl<A, R> Iterator for Unanswered<'_, A, R>
where
    A: Serialize + DeserializeOwned + 'static,
    R: Serialize + DeserializeOwned + 'static,
{
    type Item = Answer<R>;

    fn next(&mut self) -> Option<Answer<R>> {
        if self.left == 0 || self.pool.crew.check_owner().is_err() {
            return None;
        }
        let (id, answered) = self.pool.crew.next_from(self.first)?;
        self.left -= 1;
        let (first, worker) = ((id - self.first) as usize * self.chunk, answered.worker);
        Some(Answer { first, worker, values: self.pool.values(answered) })
    }
}

impl<A, R> Drop for Unanswered<'_, A, R>
where
    A: Serialize + DeserializeOwned + 'static,
    R: Serialize + DeserializeOwned + 'static,
{
    fn drop(&mut self) {
        self.pool.crew.forget_from(self.first);
    }
}
