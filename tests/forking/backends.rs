//! Backends in a process that has one thread, unlike ordinary tests: this program has
//! no test harness (`harness = false`), so that process backends may fork and threads
//! can be counted.

use std::cell::Cell;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use crate::suite::{EXPECTED, hide_expected_panics, nothing_is_left, run};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nthread::Registry;
use nthread::backend::{
    Chunks, Placement, Report, Schedule, Setup, StartMethod, Team, TeamError, Work,
};
use nthread::campaign::Campaign;
use nthread::campaign::progress::{Progress, Show};
use nthread::kernel::{Isa, Job, Kernel, Pi, Tally};
use nthread::machine::affinity::{self, Task};
use nthread::machine::clock::{Clock, System};
use nthread::plan::{Budget, Draws};
use nthread::process::{Child, Exit, Process, Termination};
use nthread::record::{Case, Phase, Plan, Run, Stopping, read_rows};

/// Thread counts that do not divide the blocks evenly, and more workers than blocks.
const NTHREAD: [usize; 5] = [1, 2, 3, 7, 50];

const JOB: Job = Job { seed: 20_261_122, block: 1 << 8, blocks: 41 };

pub fn main() -> ExitCode {
    hide_expected_panics();
    let mut registry = Registry::default();
    registry.kernels.push(&Broken);
    registry.kernels.push(&Whereabouts);
    nthread::enter(&registry);
    run(&[
        ("every team computes every block once, call after call", every_block_once),
        ("an empty job is a call without blocks", an_empty_job),
        ("dropping a team leaves no thread and no process", dropping_leaves_nothing),
        ("a kernel that panics is an error of every backend", a_panic_is_an_error),
        ("a pinned worker runs on its CPU only", pinned_workers),
        ("a mask that cannot be set is an error of every backend", masks_that_do_not_take),
        ("a failed call does not wait for tasks that were never put", tasks_that_never_come),
        ("a team works after a failed call, or returns an error", after_a_panic),
        ("a child that is killed is a lost worker", a_killed_child),
        ("the exit status shows that a child failed or panicked", a_failing_child),
        ("a child that is dropped is killed and reaped", a_dropped_child),
        ("a visit is timed by the clock that the campaign was given", another_clock),
    ])
}

/// Runs a check for each backend with each schedule, some thread counts and chunks, and
/// each start method: all of these with forks, and some with spawned processes, which
/// take longer.
fn for_each_team(kernel: &'static dyn Kernel, job: Job, check: impl Fn(&str, Made)) {
    for_each_placed(&Placement::default(), kernel, job, |what, _, team| check(what, team));
}

/// Runs a check as above, with pinned workers; it gets their number.
fn for_each_placed(
    placement: &Placement,
    kernel: &'static dyn Kernel,
    job: Job,
    check: impl Fn(&str, usize, Made),
) {
    for backend in Registry::default().backends {
        for &schedule in backend.schedules() {
            for (nthread, chunk) in NTHREAD.into_iter().flat_map(|n| [(n, 1), (n, 5), (n, 100)]) {
                let methods = match backend.start_methods() {
                    [] => &[StartMethod::Fork],
                    methods if (nthread, chunk) == (3, 5) => methods,
                    methods => &methods[..1],
                };
                for &start in methods {
                    let chunks = Chunks { blocks: job.blocks, chunk, schedule, nthread };
                    let name = backend.name();
                    let what = format!("{name}, {schedule} {chunk}, {start}, n = {nthread}");
                    let work = Work::new(kernel, job, Isa::best());
                    let setup = Setup { start, placement: placement.clone() };
                    check(&what, nthread, backend.team(work, chunks, &setup));
                    nothing_is_left(&what);
                }
            }
        }
    }
}

type Made = Result<Box<dyn Team>, TeamError>;

fn whole(reports: &[Report]) -> (Tally, u64) {
    let tally = reports.iter().fold(Tally::default(), |sum, report| sum + report.tally);
    (tally, reports.iter().map(|report| report.blocks).sum())
}

fn every_block_once() {
    let serial = JOB.tally(&Pi, 0..JOB.blocks, Isa::Portable);
    for_each_team(&Pi, JOB, |what, team| {
        let mut team = team.expect(what);
        for _ in 0..2 {
            let reports = team.call().expect(what);
            assert_eq!(whole(&reports), (serial, JOB.blocks), "{what}");
        }
    });
}

fn an_empty_job() {
    for_each_team(&Pi, Job { blocks: 0, ..JOB }, |what, team| {
        let reports = team.and_then(|mut team| team.call()).expect(what);
        assert_eq!(whole(&reports), (Tally::default(), 0), "{what}");
    });
}

fn dropping_leaves_nothing() {
    // Never called; `every_block_once` drops teams after calls.
    for_each_team(&Pi, JOB, |what, team| drop(team.expect(what)));
}

/// A kernel that fails in one block of many.
struct Broken;

impl Kernel for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn about(&self) -> &'static str {
        "fails in one block"
    }

    fn scale(&self) -> f64 {
        1.0
    }

    fn exact(&self) -> Option<f64> {
        None
    }

    fn tally(&self, _: u64, block: u64, draws: u64, _: Isa) -> Tally {
        assert!(block != 13, "{EXPECTED}");
        Tally::from_hits(draws, 0)
    }
}

/// Message of a failed call, which returns an error or panics: the runner reports
/// both as errors.
fn call(team: &mut dyn Team) -> Result<Vec<Report>, String> {
    let call = std::panic::AssertUnwindSafe(|| team.call());
    match std::panic::catch_unwind(call) {
        Ok(called) => called.map_err(|error| error.to_string()),
        Err(panic) => Err(nthread::backend::panic_message(&*panic)),
    }
}

fn a_panic_is_an_error() {
    for_each_team(&Broken, JOB, |what, team| {
        let said = call(&mut *team.expect(what)).expect_err(what);
        assert!(said.contains(EXPECTED), "{what}: {said}");
    });
}

/// A kernel whose tally of a block is the CPU to which its thread is pinned: the
/// number plus one, or 0 if it may use several.
struct Whereabouts;

impl Kernel for Whereabouts {
    fn name(&self) -> &'static str {
        "whereabouts"
    }

    fn about(&self) -> &'static str {
        "the CPU of each block"
    }

    fn scale(&self) -> f64 {
        1.0
    }

    fn exact(&self) -> Option<f64> {
        None
    }

    fn tally(&self, _: u64, _: u64, draws: u64, _: Isa) -> Tally {
        let sum = match affinity::own()[..] {
            [cpu] => cpu as i128 + 1,
            _ => 0,
        };
        Tally { draws, sum, sum_sq: 0 }
    }
}

fn pinned_workers() {
    let before = affinity::read(Task::Current).expect("a mask");
    // Another order than that in which the system itself would use them.
    let places: Vec<Vec<usize>> = before.iter().rev().map(|cpu| vec![*cpu]).collect();
    let placement = Placement::of(places.clone());
    for_each_placed(&placement, &Whereabouts, JOB, |what, nthread, team| {
        let mut team = team.expect(what);
        for _ in 0..2 {
            let reports = team.call().expect(what);
            let workers = if what.starts_with("sequential") { 1 } else { nthread };
            assert_eq!(reports.len(), workers, "{what}");
            assert_eq!(whole(&reports).1, JOB.blocks, "{what}");
            for (worker, report) in reports.iter().enumerate() {
                let [cpu] = places[worker % places.len()][..] else { panic!("one CPU") };
                let sum = i128::from(report.blocks) * (cpu as i128 + 1);
                assert_eq!(report.tally.sum, sum, "{what}, worker {worker}: {report:?}");
            }
        }
        drop(team);
        assert_eq!(affinity::read(Task::Current).expect("a mask"), before, "{what}");
    });
}

/// A number that no CPU has.
const NO_CPU: usize = 1 << 19;

fn masks_that_do_not_take() {
    let before = affinity::read(Task::Current).expect("a mask");
    let halves = vec![before[0], NO_CPU];
    for cpus in [vec![NO_CPU], halves] {
        let placement = Placement::of(vec![cpus]);
        for_each_placed(&placement, &Pi, JOB, |what, _, team| {
            let failed = team.and_then(|mut team| team.call()).expect_err(what);
            let TeamError::NotPinned { worker, cpus, .. } = &failed else { panic!("{failed:?}") };
            assert!(*worker >= 1 && cpus.contains(&NO_CPU.to_string()), "{what}: {failed}");
            assert_eq!(affinity::read(Task::Current).expect("a mask"), before, "{what}");
        });
    }
}

/// A kernel that fails in the first block and is slow in the others, so that the
/// queue of tasks stays full.
struct Slow;

impl Kernel for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn about(&self) -> &'static str {
        "fails at once, in one worker"
    }

    fn scale(&self) -> f64 {
        1.0
    }

    fn exact(&self) -> Option<f64> {
        None
    }

    fn tally(&self, _: u64, block: u64, _: u64, _: Isa) -> Tally {
        assert!(block != 0, "{EXPECTED}");
        sleep();
        Tally::default()
    }
}

fn tasks_that_never_come() {
    let job = Job { blocks: 1000, ..JOB };
    let backends = Registry::default().backends.into_iter();
    for backend in backends.filter(|it| it.name() == "process-queue") {
        for nthread in [2, 3, 7] {
            let schedule = Schedule::Dynamic;
            let chunks = Chunks { blocks: job.blocks, chunk: 1, schedule, nthread };
            let work = Work::new(&Slow, job, Isa::best());
            let mut team = backend.team(work, chunks, &StartMethod::Fork.into()).expect("a team");
            let said = call(&mut *team).expect_err("a block fails");
            assert!(said.contains(EXPECTED), "{said}");
        }
    }
}

fn after_a_panic() {
    for_each_team(&Broken, JOB, |what, team| {
        let mut team = team.expect(what);
        for _ in 0..2 {
            assert!(call(&mut *team).is_err(), "{what}: never a wrong number");
        }
    });
}

/// Starts a child that runs `body`.
fn fork<R: Termination>(body: impl FnOnce() -> R) -> Child {
    Process::new(body).daemon().start().expect("a process")
}

fn a_killed_child() {
    let mut child = fork(sleep);
    kill(Pid::from_raw(child.pid()), Signal::SIGKILL).expect("it runs");
    assert_eq!(child.join().expect("an end"), Exit::Signal(Signal::SIGKILL));
}

fn a_failing_child() {
    let end_of = |mut child: Child| child.join().expect("an end").code();
    assert_eq!(end_of(fork(|| ())), 0);
    assert_eq!(end_of(fork(|| 7)), 7);
    assert_eq!(end_of(fork(|| Err::<(), _>(io::Error::other(EXPECTED)))), 1);
    assert_eq!(end_of(fork(|| -> u8 { panic!("{EXPECTED}") })), 1);
}

fn a_dropped_child() {
    drop(fork(sleep));
}

/// A clock that steps at every reading, as if the machine had been suspended in
/// between.
const STEP: Duration = Duration::from_secs(7);

struct Stepping {
    readings: Cell<u32>,
}

impl Clock for Stepping {
    fn monotonic(&self) -> Duration {
        System.monotonic()
    }

    fn boot(&self) -> Option<Duration> {
        self.readings.set(self.readings.get() + 1);
        Some(System.monotonic() + STEP * self.readings.get())
    }
}

fn another_clock() {
    let case = Case {
        kernel: "pi".to_string(),
        backend: "sequential".to_string(),
        nthread: 1,
        schedule: "static".to_string(),
        chunk: Some(4),
        block: 1 << 14,
        pin: "none".to_string(),
        inner_nthread: 1,
        scaling: "strong".to_string(),
        draws: Some(1 << 16),
        seed: 1,
        ..Case::default()
    };
    let stopping = Stopping { rounds: 2, ..Stopping::default() };
    let plan = Plan { cases: vec![case], stopping, iterations: 1, ..Plan::default() };
    let run = Run { plan, ..Run::default() };
    let home = tempfile::tempdir().expect("a directory");
    let out = home.path().join("out");
    let (registry, progress) = (Registry::default(), Progress::new(Show::Problems));
    let clock = Stepping { readings: Cell::new(0) };
    let campaign = Campaign::new(&registry, &progress, run, &out).expect("it begins");
    let draws = Draws::Given(vec![1 << 16]);
    let outcome = campaign.with_clock(&clock).measure(&draws, Budget::Unlimited);
    assert_eq!(outcome.expect("it ends").failures, 0);
    let rows = read_rows(&out.join("samples.csv")).expect("rows");
    let visits: Vec<_> = rows.iter().filter(|row| row.phase == Phase::Visit).collect();
    assert_eq!(visits.len(), 2);
    for visit in visits {
        let (wall, boot) = (visit.wall_ns.expect("a time"), visit.boot_ns.expect("a time"));
        // The clocks are read one after the other, so their difference is not exact.
        assert!(boot - wall >= STEP.as_nanos() as u64 / 2, "{boot} {wall}");
    }
}

/// A sleep longer than the test.
fn sleep() {
    std::thread::sleep(Duration::from_secs(1000));
}
