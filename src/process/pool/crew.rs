//! The workers of a pool, and who does what. It knows no types: tasks and
//! answers are messages.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ops::Range;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::errno::Errno;

use super::lane::{Bell, Content, DEPTH, Habit, Lane};
use super::worker::{Bulk, put};
use crate::process::child::Child;
use crate::process::connection::pipe;
use crate::process::frame::Patience;
use crate::process::shared::Shared;
use crate::process::start::Process;
use crate::process::wire::Message;
use crate::process::{Error, Exit, family};

/// How long a pool sleeps at most before it looks whether workers live.
pub const TICK: Duration = Duration::from_millis(10);

/// Number of a task.
pub type Id = u64;

/// Pools of this process so far.
static POOLS: AtomicU64 = AtomicU64::new(0);

/// Workers, the tasks that wait for them, and the answers that wait to be taken.
pub struct Crew {
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
    pub number: u64,
    /// The process that it belongs to.
    generation: u32,
    habit: Habit,
}

/// Describes the process of the worker with that index and that socket.
pub type Hire = Box<dyn Fn(&Rc<Places>, usize, Bulk) -> Result<Process<'static>, Error>>;

/// The shared memory of a pool: a lane for each worker, and the bell that all
/// ring who have answered.
pub struct Places {
    pub lanes: Shared<Lane>,
    pub bell: Shared<Bell>,
}

/// A task, kept until it is answered.
struct Held {
    id: Id,
    message: Message,
    company: Company,
}

/// What a task was handed in with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// Nothing: it may last for ever, and what it waits behind may too.
    Alone,
    /// Others of the same map, most likely as long.
    Many,
}

/// Who answered, and what.
pub struct Answered {
    pub worker: usize,
    pub answer: Result<Message, Error>,
}

struct Worker {
    child: Child,
    bulk: Bulk,
    /// What it was handed, in order: it does the first.
    held: VecDeque<Held>,
    posted: u32,
    read: u32,
}

impl Crew {
    /// So many workers.
    ///
    /// # Errors
    /// Where one cannot be started, or memory or descriptors run out.
    pub fn new(workers: usize, hire: Hire) -> Result<Crew, Error> {
        if workers == 0 {
            return Err(Error::system("make a pool without workers", Errno::EINVAL.into()));
        }
        let places = Places { lanes: Shared::zeroed(workers)?, bell: Shared::zeroed(1)? };
        let mut crew = Crew {
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
        };
        for index in 0..workers {
            let worker = crew.hire(index)?;
            crew.workers.push(worker);
        }
        Ok(crew)
    }

    /// How many workers there are.
    pub fn len(&self) -> usize {
        self.workers.len()
    }

    /// Process ids, in the order of the workers.
    pub fn pids(&self) -> Vec<i32> {
        self.workers.iter().map(|worker| worker.child.pid()).collect()
    }

    /// What a worker is called.
    pub fn name(&self, worker: usize) -> &str {
        self.workers[worker].child.name()
    }

    /// Lets the workers finish all that was handed in, and waits for their end.
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
    ///
    /// # Errors
    /// [`Error::NotOwner`].
    pub fn check_owner(&self) -> Result<(), Error> {
        if self.generation == family::generation() { Ok(()) } else { Err(Error::NotOwner) }
    }

    /// A worker for that lane.
    fn hire(&self, index: usize) -> Result<Worker, Error> {
        let (bulk, theirs) = pipe()?;
        let process = (self.hire)(&self.places, index, theirs)?;
        let child = process.name(format!("PoolWorker-{}", index + 1)).daemon().start()?;
        Ok(Worker { child, bulk, held: VecDeque::new(), posted: 0, read: 0 })
    }

    /// Hands in a task.
    pub fn submit(&mut self, message: Message, company: Company) -> Id {
        let id = self.tasks;
        self.tasks += 1;
        self.waiting.push_back(Held { id, message, company });
        id
    }

    /// Hands in several, and returns their numbers.
    pub fn submit_all(&mut self, messages: Vec<Message>) -> Range<Id> {
        let first = self.tasks;
        for message in messages {
            self.submit(message, Company::Many);
        }
        first..self.tasks
    }

    /// Whether a task is answered.
    pub fn is_answered(&self, id: Id) -> bool {
        self.answered.contains_key(&id)
    }

    /// Notes the order of answers from now on.
    pub fn follow(&mut self) {
        self.arrived = Some(VecDeque::new());
    }

    /// The next answer to come of the tasks from `first` on.
    pub fn next_from(&mut self, first: Id) -> Option<(Id, Answered)> {
        loop {
            match self.arrived.as_mut()?.pop_front() {
                Some(id) if id >= first => return Some((id, self.answered.remove(&id)?)),
                // Somebody's who has a ticket.
                Some(_) => {}
                None => self.step(TICK),
            }
        }
    }

    /// Nobody wants the answers to the tasks from `first` on.
    pub fn forget_from(&mut self, first: Id) {
        self.arrived = None;
        self.waiting.retain(|task| task.id < first);
        self.answered.retain(|id, _| *id < first);
        let held = self.workers.iter().flat_map(|worker| &worker.held).map(|task| task.id);
        self.unwanted.extend(held.filter(|id| *id >= first));
    }

    /// Hands waiting tasks to whoever has none, and then a second one to those
    /// who have one, so that they need not wait in between. The last ones wait
    /// for whoever is free first: none should lie with one worker while another
    /// has nothing to do. For the same reason nothing is queued with a task that
    /// came alone.
    pub fn feed(&mut self) {
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
    pub fn step(&mut self, patience: Duration) {
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

    /// The answer to a task.
    pub fn wait_for(&mut self, id: Id) -> Answered {
        loop {
            if let Some(answered) = self.answered.remove(&id) {
                return answered;
            }
            self.step(TICK);
        }
    }
}

/// A worker that ended when it should not have.
fn lost(child: &Child, exit: Exit) -> Error {
    Error::Lost { name: child.name().to_string(), pid: child.pid(), exit }
}
