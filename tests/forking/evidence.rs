//! Resource usage that a runner reports for each backend: run delay, context switches,
//! memory, CPUs and stops. This program has no test harness, since it is started again
//! as the runner, with kernels of its own.

use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use crate::suite::run;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::prctl;
use nix::sys::signal::{Signal, raise};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{Pid, getpid};
use nthread::Registry;
use nthread::backend::{Backend, Report};
use nthread::kernel::{Isa, Kernel, Tally};
use nthread::machine::{cpu_list, parse_cpu_list};
use nthread::runner::VERB;
use nthread::runner::protocol::{Call, Done, Event, PROTOCOL, VisitRequest};

/// Workers of each visit; each has a block of its own.
const NTHREAD: u32 = 2;

pub fn main() -> ExitCode {
    let mut registry = Registry::default();
    registry.kernels.extend([&BUSY as &dyn Kernel, &IDLE, &HUNGRY, &STOPPED]);
    nthread::enter(&registry);
    run(&[
        ("the run delay of busy workers is known", known_run_delay),
        ("workers that share a CPU have a run delay", a_shared_cpu),
        (
            "nobody asks a worker who was busy for a moment, but a process that lives on",
            too_short_to_ask,
        ),
        ("context switches of calls and visits are reported", switches),
        ("peak memory is the sum over all workers", peak_memory),
        ("the CPUs are those that workers may use", cpus),
        ("a process that was stopped is counted", a_stopped_worker),
        ("workers that were not stopped report no stops where that is known", no_stops),
    ])
}

/// A kernel with a name, and the function that computes a block.
struct Deed {
    name: &'static str,
    /// Calls before the one that is checked.
    warmup: u32,
    body: fn(u64),
}

/// Uses a CPU for long enough that a worker reads its run delay; a runner reads that of
/// its threads after a long call.
static BUSY: Deed = Deed { name: "busy", warmup: 1, body: |_| use_cpu(Duration::from_millis(60)) };
static IDLE: Deed = Deed { name: "idle", warmup: 0, body: |_| () };
static HUNGRY: Deed = Deed { name: "hungry", warmup: 0, body: |_| keep(MEAL_BYTES) };
static STOPPED: Deed = Deed { name: "stopped", warmup: 0, body: |block| stop_first(block) };

impl Kernel for Deed {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        "does something, and hits always"
    }

    fn scale(&self) -> f64 {
        1.0
    }

    fn exact(&self) -> Option<f64> {
        Some(1.0)
    }

    fn tally(&self, _: u64, block: u64, draws: u64, _: Isa) -> Tally {
        (self.body)(block);
        Tally::from_hits(draws, draws)
    }
}

/// Uses this much CPU time, however long that takes.
fn use_cpu(time: Duration) {
    let used = || Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock"));
    let start = used();
    while used() - start < time {}
}

const MEAL_BYTES: usize = 64 << 20;

/// Touches memory and leaks it, so that it does not matter whether two blocks are
/// computed at once.
fn keep(bytes: usize) {
    std::mem::forget(black_box(vec![1_u8; bytes]));
}

/// Stops its process in the first block, after a process has been started that will
/// continue it: a parent that waits at a queue checks its children every 10 ms only.
fn stop_first(block: u64) {
    if block > 0 {
        return;
    }
    let wake = "until grep -q '^State:.T' /proc/$0/status; do sleep 0.01; done; \
                sleep 0.2; kill -CONT $0";
    let pid = getpid().to_string();
    let mut waker = Command::new("sh").args(["-c", wake, &pid]).spawn().expect("a shell");
    raise(Signal::SIGSTOP).expect("a signal");
    assert!(waker.wait().expect("an end").success());
}

/// All backends that can run here.
fn backends() -> Vec<&'static dyn Backend> {
    let all = Registry::default().backends.into_iter();
    all.filter(|backend| backend.unavailable_reason().is_none()).collect()
}

/// Names of the backends whose workers are other threads or processes.
fn parallel() -> impl Iterator<Item = &'static str> {
    backends().into_iter().map(|backend| backend.name()).filter(|name| *name != "sequential")
}

fn visit(kernel: &Deed, backend: &str) -> (Call, Done) {
    visit_started_by(kernel, backend, None)
}

fn visit_started_by(kernel: &Deed, backend: &str, start_method: Option<&str>) -> (Call, Done) {
    visit_by(kernel, backend, start_method, NTHREAD)
}

/// Events of a call and of its visit.
fn visit_by(kernel: &Deed, backend: &str, method: Option<&str>, nthread: u32) -> (Call, Done) {
    let visit = VisitRequest {
        protocol: PROTOCOL,
        kernel: kernel.name.to_string(),
        backend: backend.to_string(),
        nthread,
        inner_nthread: 1,
        schedule: None,
        chunk: Some(1),
        block: 16,
        blocks: u64::from(nthread),
        seed: 1,
        pin: None,
        start_method: method.map(str::to_string),
        warmup: kernel.warmup,
        iterations: 1,
    };
    let mut command = Command::new("/proc/self/exe");
    command.arg(VERB).stdin(Stdio::piped()).stdout(Stdio::piped());
    // SAFETY: the closure makes one system call and allocates nothing.
    unsafe { command.pre_exec(|| Ok(prctl::set_pdeathsig(Signal::SIGKILL)?)) };
    let mut runner = command.spawn().expect("a runner");
    let input = serde_json::to_vec(&visit).expect("JSON");
    runner.stdin.take().expect("a pipe").write_all(&input).expect("somebody who reads");
    let (mut call, mut done) = (None, None);
    for line in BufReader::new(runner.stdout.take().expect("a pipe")).lines() {
        match serde_json::from_str(&line.expect("text")).expect("an event") {
            Event::Call(said) => call = Some(said),
            Event::Done(said) => done = Some(said),
            Event::Error(said) => panic!("{}, {backend}: {}", kernel.name, said.message),
            _ => {}
        }
    }
    assert!(runner.wait().expect("an end").success(), "{}, {backend}", kernel.name);
    (call.expect("a call"), done.expect("an end"))
}

fn busy_ns(call: &Call) -> u64 {
    call.workers.iter().map(|worker| worker.busy_ns.expect("a time")).sum()
}

fn known_run_delay() {
    for backend in backends() {
        let name = backend.name();
        let (call, _) = visit(&BUSY, name);
        let delay_ns = call.run_delay_ns.expect(name);
        // No process waits for longer than the call lasts: two workers, their
        // parent, and a server.
        assert!(delay_ns <= 4 * call.wall_ns, "{}: {call:?}", backend.name());
    }
}

/// Runs `body` while this process, and all that it starts, may use one CPU only: the
/// first of its mask.
fn on_one_cpu(body: impl FnOnce(usize)) {
    let this = Pid::from_raw(0);
    let before = sched_getaffinity(this).expect("a mask");
    let first = allowed()[0];
    let mut one = CpuSet::new();
    one.set(first).expect("a CPU");
    sched_setaffinity(this, &one).expect("a CPU that is allowed");
    body(first);
    sched_setaffinity(this, &before).expect("the mask that it was");
}

/// CPUs of the mask of this process.
fn allowed() -> Vec<usize> {
    let mask = sched_getaffinity(Pid::from_raw(0)).expect("a mask");
    (0..CpuSet::count()).filter(|cpu| mask.is_set(*cpu).expect("a CPU")).collect()
}

fn a_shared_cpu() {
    on_one_cpu(|_| {
        for backend in parallel() {
            let (call, _) = visit(&BUSY, backend);
            let (delay_ns, busy_ns) = (call.run_delay_ns.expect(backend), busy_ns(&call));
            // While one worker runs the other waits: half of all busy time.
            assert!(delay_ns > busy_ns / 4, "{backend}: {delay_ns} of {busy_ns}");
        }
    });
}

fn too_short_to_ask() {
    for backend in backends() {
        let (call, _) = visit(&IDLE, backend.name());
        let is_long =
            call.workers.iter().any(|worker| worker.busy_ns >= Some(Report::RUN_DELAY_MIN_BUSY_NS));
        assert!(is_long || call.run_delay_ns.is_none(), "{}", backend.name());
    }
}

fn switches() {
    for backend in backends() {
        let name = backend.name();
        let (call, done) = visit(&BUSY, name);
        let of_call = [call.voluntary_switches, call.involuntary_switches];
        let of_visit = [done.voluntary_switches, done.involuntary_switches];
        for (call, visit) in of_call.into_iter().zip(of_visit) {
            let (call, visit) = (call.expect(name), visit.expect(name));
            assert!(call <= visit, "{}: {call} of {visit}", backend.name());
        }
        // A parent waits for its workers.
        let waits = backend.name() != "sequential";
        assert!(!waits || of_call[0] > Some(0), "{}: {call:?}", backend.name());
    }
}

fn peak_memory() {
    for backend in backends() {
        let name = backend.name();
        let methods = backend.start_methods().iter().map(|method| Some(method.name()));
        let methods: Vec<_> = methods.collect();
        for method in if methods.is_empty() { vec![None] } else { methods } {
            let (_, done) = visit_started_by(&HUNGRY, backend.name(), method);
            let peak_bytes = done.max_rss_bytes.expect(name);
            let meals_bytes = u64::from(NTHREAD) * MEAL_BYTES as u64;
            let what = format!("{}, {method:?}: {peak_bytes} bytes", backend.name());
            assert!(peak_bytes >= meals_bytes, "{what}");
            assert!(peak_bytes < 2 * meals_bytes, "{what}: nothing is counted twice");
        }
    }
}

fn cpus() {
    let allowed = allowed();
    for backend in backends() {
        let (_, done) = visit(&IDLE, backend.name());
        let cpus = parse_cpu_list(&done.cpus).expect(&done.cpus);
        assert!(!cpus.is_empty(), "{}", backend.name());
        assert!(cpus.iter().all(|cpu| allowed.contains(cpu)), "{}: {cpus:?}", backend.name());
    }
    on_one_cpu(|cpu| {
        for backend in backends() {
            let (_, done) = visit(&IDLE, backend.name());
            assert_eq!(done.cpus, cpu_list(&[cpu]), "{}", backend.name());
        }
    });
}

fn a_stopped_worker() {
    for backend in backends() {
        for method in backend.start_methods() {
            // One worker, so that the parent waits for no other meanwhile.
            let (call, _) = visit_by(&STOPPED, backend.name(), Some(method.name()), 1);
            assert_eq!(call.stops, Some(1), "{}, {method}", backend.name());
        }
    }
}

fn no_stops() {
    for backend in backends() {
        let (call, _) = visit(&IDLE, backend.name());
        let has_processes = !backend.start_methods().is_empty();
        assert_eq!(call.stops, has_processes.then_some(0), "{}", backend.name());
    }
}
