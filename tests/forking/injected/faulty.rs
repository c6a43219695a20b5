//! Backends of the library with injected faults, and a kernel that causes them.
//!
//! A fault is injected into the counted call of every second visit: a case that fails
//! twice in a row would be retired, and the visits in between are controls of the same
//! case.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::time::ClockId;
use nix::unistd::{Pid, getpid};
use nthread::Registry;
use nthread::backend::{
    Backend, Chunks, Report, Schedule, Setup, StartMethod, Team, TeamError, Work,
};
use nthread::kernel::{Isa, Kernel, Pi, Tally};
use nthread::machine::affinity::{self, Task};
use nthread::process::{Child, Error, Process, Shared};

use super::fault::Fault;
use crate::common::group::{lift, limit};
use crate::common::{is_alive, state_of, wait_until};
use crate::suite::EXPECTED;

/// Variable that names the directory in which the visits are counted.
pub const DIRECTORY: &str = "INJECTED_DIRECTORY";

/// Variable that names the control group whose quota can be set, where there is one.
pub const GROUP: &str = "INJECTED_GROUP";

/// Time for which a process stays stopped.
const STOP: Duration = Duration::from_millis(200);

/// Registry of the library, with the faulty backends and the faulty kernel.
pub fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.kernels.push(&Haunted);
    for fault in Fault::ALL {
        let inner = registry.backend(fault.backend()).expect("one of the library's");
        let name = Box::leak(fault.name().into_boxed_str());
        registry.backends.push(Box::leak(Box::new(Faulty { fault, name, inner })));
    }
    registry
}

/// The file with one line for each visit: `fault` or `clean`.
pub fn journal() -> PathBuf {
    PathBuf::from(std::env::var_os(DIRECTORY).expect("a directory is named")).join("journal")
}

/// Visits so far: true for one with a fault.
pub fn visits_with_fault() -> Vec<bool> {
    let text = fs::read_to_string(journal()).unwrap_or_default();
    text.lines().map(|line| line == "fault").collect()
}

/// Records that a visit begins; returns whether it gets a fault.
fn begin_visit(fault: Fault) -> bool {
    // Competing load is no failure, so no case is retired for it.
    let is_faulty = fault == Fault::OtherLoad || visits_with_fault().len() % 2 == 1;
    let mut file = File::options().create(true).append(true).open(journal()).expect("a file");
    let line: &[u8] = if is_faulty { b"fault\n" } else { b"clean\n" };
    file.write_all(line).expect("a line");
    is_faulty
}

/// A backend with an injected fault.
struct Faulty {
    fault: Fault,
    name: &'static str,
    inner: &'static dyn Backend,
}

impl Backend for Faulty {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        "has an injected fault in every second visit"
    }

    fn schedules(&self) -> &'static [Schedule] {
        self.inner.schedules()
    }

    fn start_methods(&self) -> &'static [StartMethod] {
        &self.inner.start_methods()[..self.inner.start_methods().len().min(1)]
    }

    fn worker_name(&self, worker: usize) -> String {
        self.inner.worker_name(worker)
    }

    fn team(&self, work: Work, chunks: Chunks, setup: &Setup) -> Result<Box<dyn Team>, TeamError> {
        let is_faulty = begin_visit(self.fault);
        let trap = TRAP.get_or_init(|| Trap::of(self.fault));
        // Started before any thread, beside which no process may be forked.
        let helper = match self.fault {
            Fault::OtherLoad => Some(spinner(setup.placement.cpus(0).to_vec())?),
            fault if is_faulty && fault.needs_waker() => Some(trap.waker()?),
            _ => None,
        };
        let team = self.inner.team(work, chunks, setup)?;
        Ok(Box::new(Victims { team, fault: self.fault, is_faulty, calls: 0, _helper: helper }))
    }
}

struct Victims {
    team: Box<dyn Team>,
    fault: Fault,
    is_faulty: bool,
    calls: u32,
    /// Killed and reaped when the visit is over.
    _helper: Option<Child>,
}

impl Team for Victims {
    fn call(&mut self) -> Result<Vec<Report>, TeamError> {
        self.calls += 1;
        // The first call is the warm-up, and is not counted.
        if !self.is_faulty || self.calls != 2 {
            return self.team.call();
        }
        match self.fault {
            Fault::NoDescriptors => {
                let _all_that_there_were = all_descriptors();
                self.team.call()
            }
            Fault::Throttled => self.call_throttled(),
            Fault::IdleWorkerKilled => {
                let worker = Pid::from_raw(self.team.pids()[0]);
                kill(worker, Signal::SIGKILL).expect("it lives");
                wait_until("it is dead", || !is_alive(worker));
                self.team.call()
            }
            // Another process causes the fault.
            Fault::OtherLoad | Fault::Suspended | Fault::ClockStep => self.team.call(),
            _ => {
                trap().set();
                self.team.call()
            }
        }
    }

    fn cpu_clocks_ns(&self) -> Vec<Option<u64>> {
        self.team.cpu_clocks_ns()
    }

    fn pids(&self) -> Vec<i32> {
        self.team.pids()
    }

    fn peak_memory_bytes(&self) -> u64 {
        self.team.peak_memory_bytes()
    }

    fn stops(&self) -> Option<u32> {
        self.team.stops()
    }
}

impl Victims {
    /// Makes a call during which the CPU quota is reduced, and lifted later.
    fn call_throttled(&mut self) -> Result<Vec<Report>, TeamError> {
        let Some(group) = std::env::var_os(GROUP).map(PathBuf::from) else {
            return self.team.call();
        };
        limit(&group).expect("a quota");
        let called = self.team.call();
        lift(&group).expect("no quota");
        called
    }
}

/// Opens files until descriptors run out.
fn all_descriptors() -> Vec<File> {
    setrlimit(Resource::RLIMIT_NOFILE, 128, 128).expect("less is allowed");
    let null = |_| File::open("/dev/null");
    (0..200).map(null).take_while(Result::is_ok).flatten().collect()
}

/// Starts a process that competes for these CPUs.
fn spinner(cpus: Vec<usize>) -> Result<Child, Error> {
    let spin = move || -> io::Result<()> {
        affinity::pin(Task::Current, &cpus)?;
        loop {
            std::hint::spin_loop();
        }
    };
    Process::new(spin).name("spinner").daemon().start()
}

/// Fault that the next computed block triggers, in memory that all processes of the
/// visit share.
struct Trap {
    fault: Fault,
    /// State: set or not, and the pid of the process that triggered it and is stopped.
    words: Shared<AtomicU32>,
}

static TRAP: OnceLock<Trap> = OnceLock::new();

fn trap() -> &'static Trap {
    TRAP.get().expect("a team was made")
}

impl Trap {
    fn of(fault: Fault) -> Trap {
        if matches!(fault, Fault::ChildStoppedEarly | Fault::QueueChildStoppedEarly) {
            // SAFETY: the handler is a function of this program, which makes
            // system calls only.
            let refused = unsafe { libc::pthread_atfork(None, None, Some(in_new_child)) };
            assert_eq!(refused, 0);
        }
        Trap { fault, words: Shared::zeroed(2).expect("memory") }
    }

    fn set(&self) {
        self.words[0].store(1, Ordering::SeqCst);
    }

    /// Returns whether it was set, and the caller has triggered it.
    fn is_sprung(&self) -> bool {
        self.words[0].load(Ordering::Relaxed) == 1 && self.words[0].swap(0, Ordering::SeqCst) == 1
    }

    /// Stops the calling process until another one continues it.
    fn stop(&self) {
        self.words[1].store(getpid().as_raw() as u32, Ordering::SeqCst);
        kill(getpid(), Signal::SIGSTOP).expect("it is me");
    }

    /// Starts a process that continues the stopped process after a while.
    fn waker(&'static self) -> Result<Child, Error> {
        let wake = || {
            let deadline = Instant::now() + Duration::from_secs(60);
            while Instant::now() < deadline {
                let pid = Pid::from_raw(self.words[1].load(Ordering::SeqCst) as i32);
                if pid.as_raw() != 0 && state_of(pid) == Some('T') {
                    std::thread::sleep(STOP);
                    let _ = kill(pid, Signal::SIGCONT);
                    return;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        };
        Process::new(wake).name("waker").daemon().start()
    }
}

/// Handler that runs in each new child of a fork.
extern "C" fn in_new_child() {
    if let Some(trap) = TRAP.get()
        && trap.is_sprung()
    {
        trap.stop();
    }
}

/// The kernel `pi`, in blocks that take the same CPU time in every build, except the
/// block that triggers the fault.
struct Haunted;

/// CPU time of a block.
const BLOCK: Duration = Duration::from_micros(150);

/// Uses this much CPU time, whichever other process uses the CPU meanwhile.
fn use_cpu(time: Duration) {
    let now = || ClockId::CLOCK_THREAD_CPUTIME_ID.now().map(Duration::from).expect("a clock");
    let end = now() + time;
    while now() < end {}
}

impl Kernel for Haunted {
    fn name(&self) -> &'static str {
        "faulty"
    }

    fn about(&self) -> &'static str {
        "pi, until something happens"
    }

    fn scale(&self) -> f64 {
        Pi.scale()
    }

    fn exact(&self) -> Option<f64> {
        Pi.exact()
    }

    fn tally(&self, seed: u64, block: u64, draws: u64, isa: Isa) -> Tally {
        let tally = Pi.tally(seed, block, draws, isa);
        use_cpu(BLOCK);
        match TRAP.get().filter(|trap| trap.is_sprung()) {
            Some(trap) => spoil(trap, tally),
            None => tally,
        }
    }
}

/// Causes the fault.
fn spoil(trap: &Trap, tally: Tally) -> Tally {
    match trap.fault {
        Fault::PoolWorkerKilled | Fault::ChildKilled | Fault::RunnerKilled => {
            kill(getpid(), Signal::SIGKILL).expect("it is me");
        }
        Fault::Panic => panic!("{EXPECTED}"),
        Fault::NoMemory => use_up_memory(),
        Fault::WrongTally => return Tally { sum: tally.sum + 1, ..tally },
        _ => trap.stop(),
    }
    tally
}

/// Allocates memory until it runs out.
fn use_up_memory() {
    setrlimit(Resource::RLIMIT_CORE, 0, 0).expect("less is allowed");
    let status = fs::read_to_string("/proc/self/status").expect("/proc");
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).expect("a size");
    let kib: u64 = size.trim().trim_end_matches(" kB").parse().expect("a number");
    let most = (kib << 10) + (16 << 20);
    setrlimit(Resource::RLIMIT_AS, most, most).expect("less is allowed");
    let mut meals: Vec<Vec<u8>> = Vec::new();
    loop {
        meals.push(std::hint::black_box(vec![1; 1 << 20]));
    }
}
