//! A sweep over one backend in harm's way, in a process of its own.

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
use super::harm::{DIRECTORY, GROUP, harmed};

/// Names the fault whose sweep a process of this program is to make.
pub const FAULT: &str = "INJECTED_FAULT";

/// How often harm is to be done, for that process.
const TIMES: &str = "INJECTED_TIMES";

/// Draws of a block.
const BLOCK: u64 = 64;

/// Draws of a call: many slices of a scheduler, or of a quota, where others are
/// to compete or a quota is to be used up; else a few milliseconds.
fn draws(fault: Fault) -> u64 {
    match fault {
        Fault::OtherLoad => 200 * BLOCK,
        Fault::Throttled => 100 * BLOCK,
        _ => 16 * BLOCK,
    }
}

/// What a visit may last where one is to be late. The others need a twentieth.
const TIMEOUT: Duration = Duration::from_millis(1200);

/// By so much a clock steps.
const STEP: Duration = Duration::from_millis(30);

/// Starts a sweep into `directory/out` that injects a fault so often, and waits
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

/// What such a process does.
pub fn measure(registry: &Registry, fault: Fault) {
    let number = |name: &str| std::env::var(name).expect(name).parse().expect("a number");
    let times: u32 = number(TIMES);
    let directory = std::env::var_os(DIRECTORY).expect("a directory");
    let machine = machine::inspect();
    let nthread = machine.usable_cpus.unwrap_or(1).min(2);
    let given = Draws::Given(vec![draws(fault)]);
    let mut backends = vec![fault.name()];
    if fault == Fault::OtherLoad {
        // Every visit has company, so the clean ones are another case's.
        backends.push(fault.backend().to_string());
    }
    let request = Request {
        kernels: vec!["haunted".to_string()],
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

/// A boot clock that steps once in each visit that is to come to harm.
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
        // Read first, so that what follows does not come between the two clocks.
        let boot = System.boot()?;
        let steps = harmed().into_iter().filter(|is_harmed| *is_harmed).count();
        let by = STEP * steps as u32;
        if self.is_ahead { Some(boot + by) } else { boot.checked_sub(by) }
    }
}
