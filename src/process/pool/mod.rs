//! A pool: processes that live on and take tasks: `Pool` of Python's
//! multiprocessing.
//!
//! There is no helper thread. Tasks wait in the parent, at most two at a time
//! with each worker, and everything moves on while somebody asks for answers.
//! A worker that dies fails the task that it had begun, and nothing else: what
//! else it had been handed goes to others, and a new one takes its place.
//! (Python's pool replaces the worker, but waits for the lost task for ever.)

mod lane;
mod worker;

pub(crate) use worker::Seat;
pub use worker::Task;

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::child::Child;
use super::connection::pipe;
use super::frame::Patience;
use super::function::Call;
use super::shared::Shared;
use super::start::Process;
use super::wire::{Message, pack, unpack};
use super::{Error, Exit, family};
use lane::{Bell, Content, DEPTH, Habit, Lane};
use worker::{Bulk, put, serve};

/// How long a pool sleeps at most before it looks whether workers live.
const TICK: Duration = Duration::from_millis(10);

/// Number of a task.
type Id = u64;

/// Pools of this process so far.
static POOLS: AtomicU64 = AtomicU64::new(0);

/// Workers that answer `A` by `R`, all by the same function.
pub struct Pool<A, R> {
    places: Rc<Places>,
    hire: Hire,
    workers: Vec<Worker>,
    /// Tasks that no worker has yet.
    waiting: VecDeque<Held>,
    /// Answers that nobody has asked for yet.
    answered: HashMap<Id, Answered>,
    /// The order in which they came, while somebody takes them in that order.
    arrived: Option<VecDeque<Id>>,
    /// Tasks that were begun, and whose answers nobody wants any more.
    unwanted: HashSet<Id>,
    /// Why a dead worker could not be replaced.
    broken: Option<String>,
    tasks: Id,
    /// Tells its tickets from those of other pools.
    number: u64,
    /// The process that it belongs to.
    generation: u32,
    habit: Habit,
    types: PhantomData<fn(A) -> R>,
}

/// Describes the process of the worker with that index and that socket.
type Hire = Box<dyn Fn(&Rc<Places>, usize, Bulk) -> Result<Process<'static>, Error>>;

/// The shared memory of a pool: a lane for each worker, and the bell that all
/// ring who have answered.
struct Places {
    lanes: Shared<Lane>,
    bell: Shared<Bell>,
}

/// A task, kept until it is answered.
struct Held {
    id: Id,
    message: Message,
    company: Company,
}

/// What a task was handed in with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Company {
    /// Nothing: it may last for ever, and what it waits behind may too.
    Alone,
    /// Others of the same map, most likely as long.
    Many,
}

/// Who answered, and what.
struct Answered {
    worker: usize,
    answer: Result<Message, Error>,
}

struct Worker {
    child: Child,
    bulk: Bulk,
    /// What it was handed, in order: it does the first.
    held: VecDeque<Held>,
    posted: u32,
    read: u32,
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
        Pool::new(workers, hire)
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
        Pool::new(workers, hire)
    }

    fn new(workers: usize, hire: Hire) -> Result<Pool<A, R>, Error> {
        if workers == 0 {
            return Err(Error::system("make a pool without workers", Errno::EINVAL.into()));
        }
        let places = Places { lanes: Shared::zeroed(workers)?, bell: Shared::zeroed(1)? };
        let mut pool = Pool {
            places: Rc::new(places),
            hire,
            workers: Vec::with_capacity(workers),
            waiting: VecDeque::new(),
            answered: HashMap::new(),
            arrived: None,
            unwanted: HashSet::new(),
            broken: None,
            tasks: 0,
            number: POOLS.fetch_add(1, Ordering::Relaxed),
            generation: family::generation(),
            habit: Habit::default(),
            types: PhantomData,
        };
        for index in 0..workers {
            let worker = pool.hire(index)?;
            pool.workers.push(worker);
        }
        Ok(pool)
    }

    /// What `body` makes of each item, in order. Items travel in chunks of
    /// ⌈items / (4 × workers)⌉, as Python's.
    ///
    /// # Errors
    /// The first task that failed, by a panic or by the death of its worker;
    /// all others have been done by then.
    pub fn map(&mut self, items: &[A]) -> Result<Vec<R>, Error> {
        self.map_chunks(items, items.len().div_ceil(4 * self.workers.len().max(1)))
    }

    /// As [`Pool::map`], with chunks of that many items.
    ///
    /// # Errors
    /// As [`Pool::map`].
    pub fn map_chunks(&mut self, items: &[A], chunk: usize) -> Result<Vec<R>, Error> {
        let ids = self.submit_all(items, chunk)?;
        let answers: Vec<Answered> = ids.map(|id| self.wait_for(id)).collect();
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
        self.arrived = Some(VecDeque::new());
        let (first, left) = (ids.start, ids.count());
        Ok(Unanswered { pool: self, first, left, chunk })
    }

    /// Hands in one item, and returns at once. It is begun when a worker is
    /// free and this process next asks the pool for anything.
    ///
    /// # Errors
    /// Where the item cannot be sent.
    pub fn apply_async(&mut self, item: &A) -> Result<Ticket<R>, Error> {
        self.check_owner()?;
        let id = self.submit(pack(std::slice::from_ref(item))?, Company::Alone);
        self.feed();
        Ok(Ticket { id, pool: self.number, answer: PhantomData })
    }

    /// Whether the answer to a ticket is there.
    pub fn is_ready(&mut self, ticket: &Ticket<R>) -> bool {
        if ticket.pool != self.number {
            return false;
        }
        self.step(Duration::ZERO);
        self.answered.contains_key(&ticket.id)
    }

    /// Waits for the answer to a ticket.
    ///
    /// # Errors
    /// If the task failed; [`Error::NotOwner`] for a ticket of another pool.
    pub fn wait(&mut self, ticket: Ticket<R>) -> Result<R, Error> {
        self.check_owner()?;
        if ticket.pool != self.number {
            return Err(Error::NotOwner);
        }
        let answered = self.wait_for(ticket.id);
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
            let is_foreign = self.check_owner().is_err() || ticket.pool != self.number;
            if is_foreign || self.is_ready(&ticket) {
                return Ok(self.wait(ticket));
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(ticket);
            }
            self.step(left);
        }
    }

    /// Process ids of the workers, in their order.
    pub fn pids(&self) -> Vec<i32> {
        self.workers.iter().map(|worker| worker.child.pid()).collect()
    }

    /// Lets the workers finish all that was handed in, and waits for their end.
    /// Dropping a pool kills them instead (Python's `terminate`).
    ///
    /// # Errors
    /// If one did not end well.
    pub fn close(mut self) -> Result<(), Error> {
        self.check_owner()?;
        while !self.waiting.is_empty() || self.workers.iter().any(|it| !it.held.is_empty()) {
            self.step(TICK);
        }
        for (lane, worker) in self.places.lanes.iter().zip(&mut self.workers) {
            lane.tasks[worker.posted as usize % DEPTH].write(&Content::Stop);
            lane.posted.ring();
        }
        for worker in &mut self.workers {
            let exit = worker.child.join()?;
            if !exit.is_success() {
                return Err(lost(&worker.child, exit));
            }
        }
        Ok(())
    }

    /// A child's copy of a pool is no pool: two would hand out the same tasks.
    fn check_owner(&self) -> Result<(), Error> {
        if self.generation == family::generation() { Ok(()) } else { Err(Error::NotOwner) }
    }

    /// A worker for that lane.
    fn hire(&self, index: usize) -> Result<Worker, Error> {
        let (bulk, theirs) = pipe()?;
        let process = (self.hire)(&self.places, index, theirs)?;
        let child = process.name(format!("PoolWorker-{}", index + 1)).daemon().start()?;
        Ok(Worker { child, bulk, held: VecDeque::new(), posted: 0, read: 0 })
    }

    fn submit_all(&mut self, items: &[A], chunk: usize) -> Result<std::ops::Range<Id>, Error> {
        self.check_owner()?;
        let first = self.tasks;
        // All of them, or none: nobody would ever ask for the others' answers.
        let messages: Result<Vec<Message>, Error> = items.chunks(chunk.max(1)).map(pack).collect();
        for message in messages? {
            self.submit(message, Company::Many);
        }
        Ok(first..self.tasks)
    }

    fn submit(&mut self, message: Message, company: Company) -> Id {
        let id = self.tasks;
        self.tasks += 1;
        self.waiting.push_back(Held { id, message, company });
        id
    }

    /// Hands waiting tasks to whoever has none, and then a second one to those
    /// who have one, so that they need not wait in between. The last ones wait
    /// for whoever is free first: none should lie with one worker while another
    /// has nothing to do. For the same reason nothing is queued with a task that
    /// came alone.
    fn feed(&mut self) {
        if let Some(why) = self.broken.clone() {
            for task in std::mem::take(&mut self.waiting) {
                self.settle(task.id, 0, Err(Error::Broken { why: why.clone() }));
            }
        }
        for depth in 0..DEPTH {
            for index in 0..self.workers.len() {
                if depth > 0 && self.waiting.len() < self.workers.len() {
                    return;
                }
                if self.workers[index].held.len() == depth && self.may_follow(index) {
                    let Some(task) = self.waiting.pop_front() else { return };
                    self.post(index, task);
                }
            }
        }
    }

    /// Whether the first task that waits may be queued with what a worker has.
    fn may_follow(&self, index: usize) -> bool {
        let is_many = |task: &Held| task.company == Company::Many;
        let held = &self.workers[index].held;
        held.is_empty() || (held.iter().all(is_many) && self.waiting.front().is_some_and(is_many))
    }

    /// Hands a task to a worker.
    fn post(&mut self, index: usize, task: Held) {
        let (lane, worker) = (&self.places.lanes[index], &mut self.workers[index]);
        match put(&task.message, &worker.bulk) {
            Ok(content) => {
                lane.tasks[worker.posted as usize % DEPTH].write(&content);
                worker.posted = worker.posted.wrapping_add(1);
                worker.held.push_back(task);
                lane.posted.ring();
            }
            // It is dead, which will be found out.
            Err(Error::Ended) => self.waiting.push_front(task),
            Err(error) => self.settle(task.id, index, Err(error)),
        }
    }

    fn settle(&mut self, id: Id, worker: usize, answer: Result<Message, Error>) {
        if self.unwanted.remove(&id) {
            return;
        }
        self.answered.insert(id, Answered { worker, answer });
        self.arrived.iter_mut().for_each(|arrived| arrived.push_back(id));
    }

    /// Takes the answers that are there: whether there were any.
    fn gather(&mut self) -> bool {
        let mut is_any = false;
        for index in 0..self.workers.len() {
            while let Some((id, answer)) = self.next_answer(index) {
                self.settle(id, index, answer);
                is_any = true;
            }
        }
        is_any
    }

    fn next_answer(&mut self, index: usize) -> Option<(Id, Result<Message, Error>)> {
        let (lane, worker) = (&self.places.lanes[index], &mut self.workers[index]);
        if lane.answered.load(Ordering::Acquire) == worker.read {
            return None;
        }
        // Who answers more than it was asked is out of its mind.
        let task = worker.held.pop_front()?;
        let slot = worker.read as usize % DEPTH;
        worker.read = worker.read.wrapping_add(1);
        let answer = match lane.answers[slot].read() {
            Content::Here(bytes) => Ok(bytes.into()),
            // It was sent before the slot was written.
            Content::Elsewhere => worker
                .bulk
                .frames()
                .and_then(|frames| frames.receive(Patience::For(Duration::ZERO))),
            Content::Stop => Err(Error::garbage("an answer that is none")),
        };
        Some((task.id, answer))
    }

    /// Moves on: hands out what waits, and takes what is answered, if need be
    /// after a while.
    fn step(&mut self, patience: Duration) {
        if self.check_owner().is_err() {
            return;
        }
        self.feed();
        let seen = self.places.bell[0].count();
        if !self.gather() {
            if !patience.is_zero() {
                self.places.bell[0].wait(seen, Some(patience.min(TICK)), &mut self.habit);
            }
            if !self.gather() {
                self.bury();
            }
        }
        self.feed();
    }

    /// Finds workers that have died, and sees to what they held and to who
    /// takes their place.
    fn bury(&mut self) {
        for index in 0..self.workers.len() {
            let Ok(Some(exit)) = self.workers[index].child.exit() else { continue };
            // What it answered before it died counts.
            self.gather();
            let begun = self.workers[index].held.pop_front();
            if let Some(task) = begun {
                let lost = lost(&self.workers[index].child, exit);
                self.settle(task.id, index, Err(lost));
            }
            let held = std::mem::take(&mut self.workers[index].held);
            held.into_iter().rev().for_each(|task| self.waiting.push_front(task));
            self.places.lanes[index].reset();
            if self.broken.is_some() {
                continue;
            }
            match self.hire(index) {
                Ok(worker) => self.workers[index] = worker,
                Err(error) => self.broken = Some(error.to_string()),
            }
        }
    }

    fn wait_for(&mut self, id: Id) -> Answered {
        loop {
            if let Some(answered) = self.answered.remove(&id) {
                return answered;
            }
            self.step(TICK);
        }
    }

    /// The answers in a message, or why there are none.
    fn values(&self, answered: Answered) -> Result<Vec<R>, Error> {
        let values: Result<Vec<R>, String> = unpack(answered.answer?)?;
        values.map_err(|message| {
            let worker = self.workers[answered.worker].child.name().to_string();
            Error::Panicked { worker, message }
        })
    }
}

/// A worker that ended when it should not have.
fn lost(child: &Child, exit: Exit) -> Error {
    Error::Lost { name: child.name().to_string(), pid: child.pid(), exit }
}

impl<A, R> fmt::Debug for Pool<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("workers", &self.workers.len()).finish_non_exhaustive()
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
        if self.left == 0 || self.pool.check_owner().is_err() {
            return None;
        }
        let id = loop {
            match self.pool.arrived.as_mut().and_then(VecDeque::pop_front) {
                Some(id) if id >= self.first => break id,
                // Somebody's who has a ticket.
                Some(_) => {}
                None => self.pool.step(TICK),
            }
        };
        self.left -= 1;
        let answered = self.pool.answered.remove(&id)?;
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
        let (pool, first) = (&mut *self.pool, self.first);
        pool.arrived = None;
        if self.left > 0 {
            pool.waiting.retain(|task| task.id < first);
            pool.answered.retain(|id, _| *id < first);
            let held = pool.workers.iter().flat_map(|worker| &worker.held).map(|task| task.id);
            pool.unwanted.extend(held.filter(|id| *id >= first));
        }
    }
}
