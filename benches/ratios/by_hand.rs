//! Hand-written code with two workers for the primitive of each backend, without registry,
//! clocks and error handling.

mod forks;
mod pools;
mod shared;

use std::thread::{self, JoinHandle};

use crossbeam::channel::{Receiver, Sender, unbounded};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use crate::figure::Target;

/// Task of worker 0 or 1.
pub type Task = fn(u64, u64) -> u64;

/// Two workers that are ready: each call runs `task(0, size)` and `task(1, size)`, and
/// adds the results.
pub type Call = Box<dyn FnMut() -> u64>;

/// Makes the workers.
pub type Make = fn(Task, u64) -> anyhow::Result<Call>;

/// Hand-written code with the primitive of a backend.
pub struct ByHand {
    /// Name of the backend.
    pub backend: &'static str,
    /// Description.
    pub how: &'static str,
    /// Starts the workers.
    pub make: Make,
    /// Target of the time of the backend relative to this code.
    pub target: Target,
}

const THREADS: Target = Target::AtMost(1.15);
const FORKED: Target = Target::AtMost(1.2);
const POOLED: Target = Target::AtMost(1.5);

/// Hand-written code for every backend. Where a user has a choice of two primitives, both
/// are there, and the target is that of the one which the backend uses.
pub const BY_HAND: &[ByHand] = &[
    row("process-pipe", "by hand", forks::fork_pipe_wait, FORKED),
    row("process-shm", "by hand", forks::fork_wait_mapping, FORKED),
    row("process-pool", "by hand, futexes", pools::futex_pool, POOLED),
    row("process-pool", "by hand, pipes", pools::pipe_pool, Target::Open),
    row("rayon", "by hand", rayon_pool, THREADS),
    row("thread-pool", "by hand", channel_pool, THREADS),
    row("std-thread", "by hand", std_scope, THREADS),
    row("crossbeam", "by hand", crossbeam_scope, THREADS),
];

const fn row(backend: &'static str, how: &'static str, make: Make, target: Target) -> ByHand {
    ByHand { backend, how, make, target }
}

fn rayon_pool(task: Task, size: u64) -> anyhow::Result<Call> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
    Ok(Box::new(move || {
        pool.install(|| {
            let answers = (0..2_u64).into_par_iter().map(|worker| task(worker, size));
            answers.reduce(|| 0, u64::wrapping_add)
        })
    }))
}

/// Two threads with a channel of tasks and a channel of results.
struct ChannelPool {
    tasks: Option<Sender<u64>>,
    answers: Receiver<u64>,
    threads: Vec<JoinHandle<()>>,
}

fn channel_pool(task: Task, size: u64) -> anyhow::Result<Call> {
    let (tasks, inbox) = unbounded();
    let (outbox, answers) = unbounded();
    let worker = || {
        let (inbox, outbox) = (inbox.clone(), outbox.clone());
        thread::spawn(move || {
            for worker in inbox {
                outbox.send(task(worker, size)).expect("a caller that waits");
            }
        })
    };
    let threads = (0..2).map(|_| worker()).collect();
    let pool = ChannelPool { tasks: Some(tasks), answers, threads };
    Ok(Box::new(move || {
        for worker in 0..2 {
            pool.tasks.iter().for_each(|tasks| tasks.send(worker).expect("workers"));
        }
        pool.answers.iter().take(2).fold(0, u64::wrapping_add)
    }))
}

impl Drop for ChannelPool {
    fn drop(&mut self) {
        self.tasks = None;
        self.threads.drain(..).for_each(|thread| thread.join().expect("a worker that ends"));
    }
}

fn std_scope(task: Task, size: u64) -> anyhow::Result<Call> {
    Ok(Box::new(move || {
        thread::scope(|scope| {
            let workers = [0, 1].map(|worker| scope.spawn(move || task(worker, size)));
            let answers = workers.map(|worker| worker.join().expect("an answer"));
            answers.into_iter().fold(0, u64::wrapping_add)
        })
    }))
}

fn crossbeam_scope(task: Task, size: u64) -> anyhow::Result<Call> {
    Ok(Box::new(move || {
        crossbeam::thread::scope(|scope| {
            let workers = [0, 1].map(|worker| scope.spawn(move |_| task(worker, size)));
            let answers = workers.map(|worker| worker.join().expect("an answer"));
            answers.into_iter().fold(0, u64::wrapping_add)
        })
        .expect("workers that end")
    }))
}

/// Runs `body` in one thread for each of `cpus`, pinned to it, and returns when all have
/// ended: the upper limit of the speed of two workers.
pub fn pinned(cpus: [usize; 2], body: impl Fn(u64) + Sync) {
    thread::scope(|scope| {
        for (worker, cpu) in (0..).zip(cpus) {
            let body = &body;
            scope.spawn(move || {
                let mut set = CpuSet::new();
                set.set(cpu).expect("a CPU number that fits");
                sched_setaffinity(Pid::from_raw(0), &set).expect("a CPU that is allowed");
                body(worker);
            });
        }
    });
}
