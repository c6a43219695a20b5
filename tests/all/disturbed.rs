//! Interference with a sweep from outside, and its record in the rows: stops, throttling,
//! and suspended time.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::common::group::{Group, limit};
use crate::common::runner::Lines;
use crate::common::{Running, Sweep, pid_in, state_of, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A sweep whose runner works, in its first visit, until there is a file
/// `open`; and the pid of that runner.
fn waiting(timeout: &str) -> (Running, Pid) {
    let runner = Lines::valid().script().replace(
        "cat >/dev/null\n",
        "cat >/dev/null\n[ -e open ] || { echo $$ >pid.part; mv pid.part pid; }\n\
         while [ ! -e open ]; do :; done\n",
    );
    let options = ["--draws=2^16", "--rounds=2", "-n2", "-b", "waits", "--timeout", timeout];
    let running = Sweep::new().args(options).runner("waits", &runner).start();
    let runner = pid_in(&running.file("pid"));
    (running, runner)
}

/// Lets the runner end.
fn open(running: &Running) {
    fs::write(running.file("open"), "").expect("a file");
}

/// Returns whether a process sleeps and no signal of its children is pending.
fn has_polled(supervisor: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{supervisor}/status")).expect("it is there");
    let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:")).expect("a mask");
    let pending = u64::from_str_radix(pending.trim(), 16).expect("hexadecimal digits");
    let is_told = pending & (1 << (Signal::SIGCHLD as u32 - 1)) == 0;
    is_told && state_of(supervisor) == Some('S')
}

#[test]
fn a_runner_that_is_stopped_and_continued_is_no_failure_and_its_row_says_so() {
    let (running, runner) = waiting("10min");
    for _ in 0..3 {
        kill(runner, Signal::SIGSTOP).expect("it runs");
        wait_until("it is stopped", || state_of(runner) == Some('T'));
        kill(runner, Signal::SIGCONT).expect("it is there");
        wait_until("it runs", || state_of(runner) != Some('T'));
    }
    // Once it has ended, nobody can ask any more whether it was stopped.
    wait_until("its supervisor has looked", || has_polled(running.pid()));
    open(&running);
    let swept = running.finish().exits(0);
    let stops: Vec<u32> =
        swept.visits_of("waits").iter().map(|row| row["stops"].parse().expect("a count")).collect();
    // Signals of one kind do not queue: some may have been seen as one.
    assert!((1..=3).contains(&stops[0]), "{stops:?}");
    assert_eq!(stops[1..], [0]);
    assert_eq!(swept.errors_of("waits"), ["", ""]);
    assert!(swept.visits_of("sequential").iter().all(|row| row["stops"] == "0"));
}

#[test]
fn a_runner_that_stays_stopped_is_a_timeout_that_was_stopped_once() {
    let (running, runner) = waiting("2s");
    kill(runner, Signal::SIGSTOP).expect("it runs");
    wait_until("it is given up", || {
        fs::read_to_string(running.samples()).is_ok_and(|text| text.contains("timeout"))
    });
    open(&running);
    let swept = running.finish().exits(1);
    let first = &swept.visits_of("waits")[0];
    assert_eq!(first["stops"], "1");
    assert!(first["error"].contains("stopped"), "{first:?}");
    assert_eq!(swept.errors_of("waits")[1], "");
}

#[test]
fn time_in_which_the_supervisor_was_stopped_is_no_timeout() {
    let (running, runner) = waiting("3s");
    // Not Ctrl-Z, which stops the runner too: this one it cannot know of.
    running.signal(Signal::SIGSTOP);
    wait_until("it is stopped", || state_of(running.pid()) == Some('T'));
    std::thread::sleep(Duration::from_millis(3500));
    assert_ne!(state_of(runner), Some('T'));
    running.signal(Signal::SIGCONT);
    wait_until("it goes on", || state_of(running.pid()) != Some('T'));
    std::thread::sleep(Duration::from_millis(300));
    open(&running);
    let swept = running.finish().exits(0);
    assert_eq!(swept.errors_of("waits"), ["", ""]);
    assert_eq!(swept.visits_of("waits")[0]["stops"], "0", "the runner was not stopped");
}

#[test]
fn both_clocks_time_a_visit_alike_and_steal_is_counted() {
    let swept = Sweep::tiny().args(["-n", "1,2", "-b", "std-thread,process-pipe"]).run().exits(0);
    for visit in swept.rows().iter().filter(|row| row["phase"] == "visit") {
        let ns = |name: &str| visit[name].parse::<u64>().expect(name);
        let apart = ns("boot_ns").abs_diff(ns("wall_ns"));
        assert!(apart <= 1_000_000 + ns("wall_ns") / 1000, "{visit:?}");
        assert!(ns("steal_ns").is_multiple_of(1_000_000), "whole ticks: {visit:?}");
        assert_eq!(visit["stops"], "0");
    }
    for call in swept.rows().iter().filter(|row| row["phase"] != "visit") {
        for of_visits_only in ["boot_ns", "steal_ns", "throttled_ns"] {
            assert_eq!(call[of_visits_only], "", "{call:?}");
        }
    }
    let load = swept.run_json()["sessions"][0]["other_load_cpus"].as_f64().expect("a number");
    assert!(load >= 0.0);
}

#[test]
fn a_quota_that_cuts_in_is_seen_in_the_rows() {
    let group = match Group::new().and_then(|group| limit(&group.0).map(|()| group)) {
        Ok(group) => group,
        Err(error) => {
            eprintln!("skipped: no control group with a quota can be made here: {error}");
            return;
        }
    };
    let options = ["--draws=2^18", "--iterations=3", "--rounds=2", "-n2", "-b", "std-thread"];
    let swept = Sweep::new().args(options).in_group(&group.0).run().exits(0);
    for backend in ["sequential", "std-thread"] {
        for visit in swept.visits_of(backend) {
            let throttled_ns: u64 = visit["throttled_ns"].parse().expect("it is counted");
            let cpu_ns = |name: &str| visit[name].parse::<u64>().expect(name);
            // Ten quotas' worth of CPU time do not go by without a wait.
            if cpu_ns("user_ns") + cpu_ns("system_ns") > 20_000_000 {
                assert!(throttled_ns > 0, "{visit:?}");
            }
        }
    }
    let throttled =
        |row: &crate::common::Row| row["throttled_ns"].parse().is_ok_and(|ns: u64| ns > 0);
    assert!(swept.rows().iter().any(throttled), "some visit used more than its quota");
    assert_eq!(swept.run_json()["machine"]["quota_cpus"], 0.2);
}

/// Threads of this process that use all CPUs until they are dropped.
struct BusyLoops {
    is_over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl BusyLoops {
    fn start() -> BusyLoops {
        let is_over = Arc::new(AtomicBool::new(false));
        let cpus = thread::available_parallelism().map_or(1, usize::from);
        let threads = (0..cpus)
            .map(|_| {
                let is_over = Arc::clone(&is_over);
                thread::spawn(move || while !is_over.load(Ordering::Relaxed) {})
            })
            .collect();
        BusyLoops { is_over, threads }
    }
}

impl Drop for BusyLoops {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("a busy loop ends");
        }
    }
}

#[test]
fn a_load_that_begins_during_a_sweep_of_a_command_is_noticed_in_its_runs() {
    let sweep = Sweep::new().args(["-n", "1,2", "--rounds", "12", "--", "sleep", "0.1"]);
    let running = sweep.start();
    let samples = running.out.join("samples.csv");
    let rows = || fs::read_to_string(&samples).map_or(0, |text| text.lines().count());
    // Six rounds of two runs, with two rows each and the header.
    wait_until("half of the runs are over", || rows() >= 25);
    let loops = BusyLoops::start();
    let swept = running.finish().exits(0);
    drop(loops);
    let warnings = &swept.json("summary.json")["warnings"];
    let warning = warnings
        .as_array()
        .into_iter()
        .flatten()
        .find(|warning| warning["code"] == "other-programs")
        .unwrap_or_else(|| panic!("no warning: {warnings}"));
    let message = warning["message"].as_str().expect("a message");
    assert!(message.contains("other programs used up to "), "{message}");
}
