//! A sweep over one faulty backend, in a process of its own.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use nthread::Registry;
use nthread::campaign::Campaign;
use nthread::campaign::progress::{Progress, Show};
use nthread::machine;
use nthread::machine::clock::{Clock, System};
use nthread::plan::{Budget, Draws, Pin, Request, Rules, draft};
use nthread::record::Run;

use super::fault::Fault;
use super::faulty::{DIRECTORY, GROUP, visits_with_fault};

/// Variable that names the fault whose sweep a process of this program makes.
pub const FAULT: &str = "INJECTED_FAULT";

/// Variable with the number of injections.
const TIMES: &str = "INJECTED_TIMES";

/// Draws of a block.
const BLOCK: u64 = 64;

/// Draws of a call: many time slices of the scheduler or periods of the quota where
/// processes compete or a quota is used up; else a few milliseconds.
fn draws(fault: Fault) -> u64 {
    match fault {
        Fault::OtherLoad => 200 * BLOCK,
        Fault::Throttled => 100 * BLOCK,
        _ => 16 * BLOCK,
    }
}

/// Timeout of a visit where the fault is a timeout. Other visits need a twentieth.
const TIMEOUT: Duration = Duration::from_millis(1200);

/// Step of the clock.
const STEP: Duration = Duration::from_millis(30);

/// Makes a sweep into `directory/out` that injects a fault this many times, and waits
/// for its end.
pub fn start(fault: Fault, times: u32, directory: &Path, group: Option<&Path>) -> Output {
    let mut command = Command::new("/proc/self/exe");
    command.env(FAULT, fault.name()).env(TIMES, times.to_string()).env(DIRECTORY, directory);
    if let Some(group) = group {
        command.env(GROUP, group);
        let procs = group.join("cgroup.procs");
        let mut procs = std::fs::File::options().write(true).open(procs).expect("a control group");
        // SAFETY: between fork and exec the closure makes one system call.
        unsafe { command.pre_exec(move || procs.write_all(b"0")) };
    }
    command.output().expect("this program starts")
}

/// Makes the sweep in such a process.
pub fn measure(registry: &Registry, fault: Fault) {
    let number = |name: &str| std::env::var(name).expect(name).parse().expect("a number");
    let times: u32 = number(TIMES);
    let directory = std::env::var_os(DIRECTORY).expect("a directory");
    let machine = machine::inspect();
    let nthread = machine.usable_cpus.unwrap_or(1).min(2);
    let given = Draws::Given(vec![draws(fault)]);
    let mut backends = vec![fault.name()];
    if fault == Fault::OtherLoad {
        // Every visit has a competitor, so the visits without a fault are of another case.
        backends.push(fault.backend().to_string());
    }
    let request = Request {
        kernels: vec!["faulty".to_string()],
        backends,
        nthread: vec![nthread],
        draws: given.clone(),
        block: BLOCK,
        seed: 1,
        pins: if fault == Fault::OtherLoad { vec![Pin::Close] } else { Vec::new() },
        ..Request::default()
    };
    let rules = Rules {
        order_seed: 1,
        rounds: if fault == Fault::OtherLoad { times } else { 2 * times },
        warmup: 1,
        iterations: 1,
        timeout_ns: (fault == Fault::StoppedForGood).then_some(TIMEOUT.as_nanos() as u64),
        ..Rules::default()
    };
    let run = Run { plan: draft(&request, &rules, registry), machine, ..Run::default() };
    let progress = Progress::new(Show::Problems);
    let out = Path::new(&directory).join("out");
    let campaign = Campaign::new(registry, &progress, run, &out).expect("it begins");
    let campaign = match fault {
        Fault::Suspended => campaign.with_clock(&AHEAD),
        Fault::ClockStep => campaign.with_clock(&BEHIND),
        _ => campaign,
    };
    campaign.measure(&given, Budget::Unlimited).expect("it ends");
}

/// A clock that steps once in each visit with a fault.
struct Stepping {
    is_ahead: bool,
}

static AHEAD: Stepping = Stepping { is_ahead: true };
static BEHIND: Stepping = Stepping { is_ahead: false };

impl Clock for Stepping {
    fn monotonic(&self) -> Duration {
        System.monotonic()
    }

    fn boot(&self) -> Option<Duration> {
        // Read first, so that the following does not lie between the readings of both clocks.
        let boot = System.boot()?;
        let steps = visits_with_fault().into_iter().filter(|is_faulty| *is_faulty).count();
        let by = STEP * steps as u32;
        if self.is_ahead { Some(boot + by) } else { boot.checked_sub(by) }
    }
}
