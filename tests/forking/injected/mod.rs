//! Injected faults: each kind is injected into visits of whole sweeps. A table counts
//! how the results flag these visits, and those in between, which have no fault.
//!
//! ```text
//! cargo test --test forking -- injected                         # 4 of each kind
//! cargo test --test forking -- injected --ignored               # 25 of each kind
//! cargo test --test forking -- injected --times 100 Stopped     # more of some
//! ```
//!
//! Each sweep is made by a process of this program, and so is each visit, so that the
//! runner has the faulty backends.

mod disk;
mod fault;
mod faulty;
mod sweep;
mod table;
mod verdict;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use crate::common::group::Group;
use crate::suite::{self, hide_expected_panics};
use fault::Fault;
use verdict::Verdict;

/// Number of injections of each fault by default.
const TIMES: u32 = 4;

/// Number of injections of each fault in the long form, with `--ignored`.
const MANY_TIMES: u32 = 25;

/// Number of sweeps at a time: most of them sleep most of the time.
const AT_ONCE: usize = 4;

/// Number of sweeps among which the waits for timeouts are divided.
const SHARES: u32 = 3;

/// Seconds for each injected fault after which a process counts as hanging.
const HANG_SECONDS: u32 = 30;

pub fn main() -> ExitCode {
    hide_expected_panics();
    let registry = faulty::registry();
    if std::env::var_os(disk::PROGRAM).is_some() {
        return nthread::run(&registry);
    }
    nthread::enter(&registry);
    let (times, filter) = arguments();
    nix::unistd::alarm::set(HANG_SECONDS * (times + 10));
    if let Ok(name) = std::env::var(sweep::FAULT) {
        sweep::measure(&registry, Fault::find(&name).expect("a fault"));
        return ExitCode::SUCCESS;
    }
    let started = Instant::now();
    let is_asked = |fault: &Fault| format!("{fault:?}").contains(&filter);
    let asked: Vec<Fault> = Fault::ALL.into_iter().filter(is_asked).collect();
    let verdicts = inject(&asked, times);
    table::print(&verdicts);
    println!("{times} of each kind, in {:.0} s", started.elapsed().as_secs_f64());
    verdicts.iter().for_each(|(fault, verdict)| check(*fault, verdict, times as usize));
    ExitCode::SUCCESS
}

/// Number of injections, and the part of a name that selects faults.
fn arguments() -> (u32, String) {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let at = arguments.iter().position(|it| it == "--times");
    let times = at.map(|at| arguments.get(at + 1).and_then(|it| it.parse().ok()));
    let is_name = |(index, it): &(usize, &String)| {
        !it.starts_with('-') && at.is_none_or(|at| *index != at + 1)
    };
    let name = arguments.iter().enumerate().find(is_name).map(|(_, it)| it.clone());
    let default = if suite::wants_long_forms() { MANY_TIMES } else { TIMES };
    (times.map_or(default, |times| times.expect("--times N")), name.unwrap_or_default())
}

/// A planned sweep.
#[derive(Clone, Copy)]
struct Job {
    fault: Fault,
    times: u32,
}

/// Injects these faults this many times, first those that must run alone.
fn inject(faults: &[Fault], times: u32) -> Vec<(Fault, Verdict)> {
    let needs_cpus = |fault: &Fault| matches!(fault, Fault::OtherLoad | Fault::Throttled);
    let (alone, mut together): (Vec<Fault>, Vec<Fault>) =
        faults.iter().partition(|it| needs_cpus(it));
    // The longest sweeps first.
    together.sort_by_key(|fault| (*fault != Fault::StoppedForGood, !fault.needs_waker()));
    let jobs = |faults: &[Fault]| -> Vec<Job> {
        let shares = |fault: &Fault| if *fault == Fault::StoppedForGood { SHARES } else { 1 };
        let jobs = |fault: &Fault| {
            let job = Job { fault: *fault, times: times.div_ceil(shares(fault)) };
            (0..shares(fault)).map(move |_| job)
        };
        faults.iter().flat_map(jobs).collect()
    };
    let mut done = run(jobs(&together), AT_ONCE);
    done.extend(run(jobs(&alone), 1));
    let verdict = |fault: &Fault| {
        let mut sum = Verdict::default();
        done.iter().filter(|(it, _)| it == fault).for_each(|(_, verdict)| sum += verdict.clone());
        (*fault, sum)
    };
    faults.iter().map(verdict).collect()
}

/// Makes sweeps, this many at a time.
fn run(mut jobs: Vec<Job>, at_once: usize) -> Vec<(Fault, Verdict)> {
    jobs.reverse();
    let (jobs, done) = (Mutex::new(jobs), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    let Some(job) = jobs.lock().expect("no panic").pop() else { break };
                    let verdict = run_one(job);
                    done.lock().expect("no panic").push((job.fault, verdict));
                }
            });
        }
    });
    done.into_inner().expect("no panic")
}

fn run_one(Job { fault, times }: Job) -> Verdict {
    let home = tempfile::tempdir().expect("a directory");
    if fault == Fault::DiskFull {
        return disk::inject(times, home.path());
    }
    let group = (fault == Fault::Throttled).then(Group::new);
    let refused = group.as_ref().and_then(|group| group.as_ref().err());
    if let Some(error) = refused {
        println!("no control group with a quota can be made here, so rows are crafted: {error}");
    }
    let is_crafted = refused.is_some();
    let group = group.and_then(Result::ok);
    let output = sweep::start(fault, times, home.path(), group.as_ref().map(|it| it.0.as_path()));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{fault:?}: {}: {stderr}", output.status);
    keep(fault, home.path());
    verdict::of(fault, home.path(), is_crafted)
}

/// Keeps the results in the directory that a variable names.
fn keep(fault: Fault, home: &Path) {
    if let Some(directory) = std::env::var_os("INJECTED_KEEP") {
        let to = Path::new(&directory).join(format!("{fault:?}"));
        std::fs::create_dir_all(&to).expect("a directory");
        for name in ["run.json", "samples.csv"] {
            std::fs::copy(home.join("out").join(name), to.join(name)).expect("a copy");
        }
    }
}

/// Checks all that does not depend on the load of the machine.
fn check(fault: Fault, verdict: &Verdict, times: usize) {
    let what = fault.about();
    assert!(verdict.injected >= times, "{what}: {verdict:?}");
    assert_eq!(verdict.flagged, verdict.injected, "{what}: {verdict:?}");
    assert_eq!(verdict.false_alarms, 0, "{what}: {verdict:?}");
    let is_left_out = fault != Fault::OtherLoad;
    assert!(!is_left_out || verdict.in_headline == 0, "{what}: {verdict:?}");
}
