//! Workers of process backends that are killed or stopped in a call: an error row with
//! the reason, and all other backends are measured.

use std::collections::BTreeMap;

use crate::common::{Running, Sweep, Swept, is_alive, name_of};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nthread::Registry;
use nthread::backend::StartMethod;

/// A backend and a way to start its processes.
type Case = (&'static str, StartMethod);

/// Each backend of processes with each way to start them.
fn cases() -> Vec<Case> {
    let backends = Registry::default().backends.into_iter();
    let cases: Vec<Case> = backends
        .flat_map(|backend| backend.start_methods().iter().map(|start| (backend.name(), *start)))
        .collect();
    assert!(cases.len() >= 10, "{cases:?}");
    cases
}

fn name((backend, start): Case) -> String {
    format!("long-{backend}-{start}")
}

/// Our own runner, asked for another job; not where its pace is to be known, which
/// takes short calls.
fn script(case: Case, Job { blocks, chunk }: Job) -> String {
    let ((backend, start), name, harness) = (case, name(case), env!("CARGO_BIN_EXE_harness"));
    format!(
        "sed 's/\"backend\":\"[a-z-]*\"/\"backend\":\"{backend}\"/; \
         s/\"chunk\":null/\"chunk\":{chunk}/; s/\"blocks\":[0-9]*/\"blocks\":{blocks}/; \
         s/\"start_method\":null/\"start_method\":\"{start}\"/' >visit-{name}\n\
         case $(cat visit-{name}) in *'\"warmup\":0'*) exit 9;; esac\n\
         exec '{harness}' __runner <visit-{name}\n"
    )
}

/// A sweep of one round over these cases, beside a backend that is well.
fn sweep(cases: &[Case], job: Job, timeout: &str) -> Running {
    let names: Vec<String> = cases.iter().map(|case| name(*case)).collect();
    let list = format!("{},std-thread", names.join(","));
    let sweep = Sweep::tiny().args(["-n", "2", "--timeout", timeout, "-b", &list]);
    let add = |sweep: Sweep, case: &Case| sweep.runner(&name(*case), &script(*case, job));
    cases.iter().fold(sweep, add).start()
}

/// A job in place of a tiny one.
#[derive(Clone, Copy)]
struct Job {
    blocks: u64,
    chunk: u64,
}

/// A job whose chunks take longer than a test.
const ENDLESS: Job = Job { blocks: 1 << 26, chunk: 1 << 22 };

/// A chunk takes a moment, and all of them minutes.
const MANY_CHUNKS: Job = Job { blocks: 1 << 20, chunk: 1 << 9 };

fn is_worker(pid: Pid) -> bool {
    let name = name_of(pid).unwrap_or_default();
    name.starts_with("Process-") || name.starts_with("PoolWorker-")
}

/// One row of an error for each case, which all the words are in, and none for
/// the others.
#[track_caller]
fn one_error_each<'a>(swept: &Swept, cases: &[Case], words: impl Fn(&str) -> Vec<&'a str>) {
    for case in cases {
        let name = name(*case);
        let [error] = &swept.errors_of(&name)[..] else { panic!("{name}: one visit") };
        for word in words(error) {
            assert!(error.contains(word), "{name}: {word:?} is not in: {error}");
        }
    }
    assert_eq!(swept.errors_of("std-thread"), [""]);
    assert!(swept.errors_of("sequential").iter().all(String::is_empty));
    swept.leaves_nothing_alive();
}

#[test]
fn a_worker_that_is_killed_is_named_with_its_pid_and_the_signal() {
    let mut killed = BTreeMap::new();
    let swept = sweep(&cases(), ENDLESS, "10min").finish_while(|processes| {
        for pid in processes.iter().filter(|pid| is_worker(**pid)) {
            let name = name_of(*pid).unwrap_or_default();
            if kill(*pid, Signal::SIGKILL).is_ok() {
                killed.insert(pid.as_raw(), name);
            }
        }
    });
    let swept = swept.exits(1);
    one_error_each(&swept, &cases(), |_| vec!["worker ", "(pid ", "SIGKILL"]);
    for case in cases() {
        let error = swept.errors_of(&name(case)).remove(0);
        let is_told = |(pid, name): (&i32, &String)| {
            let number = name.rsplit('-').next().unwrap_or_default();
            error.contains(&format!("worker {number} (pid {pid})"))
        };
        assert!(killed.iter().any(is_told), "{error}: {killed:?}");
    }
}

#[test]
fn a_worker_that_is_stopped_is_named_with_its_state_when_the_time_is_over() {
    let cases: Vec<Case> = cases().into_iter().filter(|it| it.1 == StartMethod::Fork).collect();
    let swept = sweep(&cases, ENDLESS, "2s").finish_while(|processes| {
        for pid in processes.iter().filter(|pid| is_worker(**pid)) {
            // It may be gone already.
            let _ = kill(*pid, Signal::SIGSTOP);
        }
    });
    one_error_each(&swept.exits(1), &cases, |error| {
        let worker = if error.contains("PoolWorker-") { "PoolWorker-1" } else { "Process-1" };
        vec!["timeout", worker, "state T, stopped)"]
    });
}

#[test]
fn a_manager_that_is_killed_is_named_with_its_pid_and_the_signal() {
    let cases: Vec<Case> = cases().into_iter().filter(|it| it.0 == "process-manager").collect();
    let mut killed = Vec::new();
    let swept = sweep(&cases, MANY_CHUNKS, "10min").finish_while(|processes| {
        // Once there are workers, which are in the middle of their tasks.
        let is_server = |pid: &&Pid| name_of(**pid).as_deref() == Some("SyncManager");
        if let Some(server) = processes.iter().find(is_server)
            && processes.iter().any(|pid| is_worker(*pid))
            && kill(*server, Signal::SIGKILL).is_ok()
        {
            killed.push(format!("(pid {server})"));
        }
    });
    one_error_each(&swept.exits(1), &cases, |_| vec!["SyncManager", "SIGKILL"]);
}

#[test]
fn with_a_runner_that_is_killed_all_its_processes_end() {
    let mut ended = Vec::new();
    let running = sweep(&cases(), ENDLESS, "10min");
    let supervisor = running.pid();
    let swept = running.finish_while(|processes| {
        let workers: Vec<Pid> = processes.iter().copied().filter(|pid| is_worker(*pid)).collect();
        let Some(runner) = workers.first().and_then(|pid| parent_of(*pid)) else { return };
        // Who has lost its runner is the supervisor's for a moment.
        if workers.len() == 2 && runner != supervisor && kill(runner, Signal::SIGKILL).is_ok() {
            ended.extend(workers);
        }
    });
    // Not by their supervisor, who would have said so.
    let swept = swept.exits(1);
    one_error_each(&swept, &cases(), |error| {
        assert!(!error.contains("left processes behind"), "{error}");
        vec!["SIGKILL"]
    });
    assert!(ended.len() >= 2 * cases().len());
    assert!(!ended.into_iter().any(is_alive));
}

/// The process that started it, if both are there.
fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?;
    parent.parse().ok().map(Pid::from_raw)
}
