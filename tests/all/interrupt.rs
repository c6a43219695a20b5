//! Signals and exhausted resources: whatever ends a sweep, its complete visits are kept
//! and no process of it stays alive.

use std::io;

use crate::common::runner::{Lines, script_with_pid};
use crate::common::{
    Running, Sweep, Swept, dispose_of, is_alive, pid_in, report, state_of, wait_until,
};
use nix::sys::resource::Resource;
use nix::sys::signal::{SigHandler, Signal, signal};

/// A sweep that only a signal ends.
fn endless() -> Sweep {
    let options = ["--draws", "2^16", "--rounds", "1000000", "--timeout", "10min", "-n", "2"];
    Sweep::new().args(options)
}

/// The same, in the middle of a visit that would never end; and that runner's
/// pid. The visit before it is over.
fn hanging(commands: &str) -> (Running, nix::unistd::Pid) {
    let sweep = endless().args(["-b", "hangs"]).runner("hangs", &script_with_pid("pid", commands));
    let running = sweep.start();
    let runner = pid_in(&running.file("pid"));
    (running, runner)
}

/// Every visit in the file is whole, and so is the file.
#[track_caller]
fn has_whole_visits(swept: &Swept) {
    assert!(swept.read("samples.csv").ends_with('\n'));
    for visit in swept.visits() {
        assert_eq!(visit.last().expect("rows")["phase"], "visit", "{visit:?}");
    }
}

/// The directory holds a run that was interrupted, and the command that it
/// was told makes a report of it.
#[track_caller]
fn was_interrupted(swept: &Swept) {
    has_whole_visits(swept);
    let dir = swept.out.display().to_string();
    let command = format!("harness report {dir}");
    assert!(swept.stderr.contains(&command), "{}", swept.stderr);
    assert_eq!(swept.stdout, "", "a run without an end has no result");
    let session = swept.run_json()["sessions"][0].clone();
    assert_eq!(session["stop_reason"], "interrupted");
    assert!(session["end"].is_string());
    let table = report(&swept.out).exits(0);
    assert!(table.stdout.contains("baseline: sequential"), "{}", table.stdout);
    swept.leaves_nothing_alive();
}

#[test]
fn an_interrupt_between_and_within_visits_keeps_every_whole_visit() {
    let options = ["-b", "std-thread,process-pipe,rayon"];
    let (int, term) = ((Signal::SIGINT, 130), (Signal::SIGTERM, 143));
    for (signal, code) in [int, term, (Signal::SIGHUP, 129), (Signal::SIGQUIT, 131)] {
        let running = endless().args(options).start();
        running.wait_for_visits(6);
        running.signal(signal);
        let swept = running.finish().exits(code);
        assert!(swept.visits().len() >= 6);
        was_interrupted(&swept);
    }
}

#[test]
fn an_interrupt_ends_the_running_visit_and_everything_below_it() {
    let below = "sh -c 'echo $$ >below.part; mv below.part below; exec sleep 1000' &\n\
                 $(command -v setsid) sh -c 'echo $$ >away.part; mv away.part away; exec sleep 1000' &\n\
                 trap '' INT TERM; wait; sleep 1000";
    let (running, runner) = hanging(below);
    let below = pid_in(&running.file("below"));
    let away = pid_in(&running.file("away"));
    running.signal(Signal::SIGINT);
    let swept = running.finish().exits(130);
    for pid in [runner, below, away] {
        assert!(!is_alive(pid), "it is dead before the program ends");
    }
    assert_eq!(swept.errors_of("hangs"), [""; 0], "the visit that was cut short does not count");
    has_whole_visits(&swept);
    swept.leaves_nothing_alive();
}

#[test]
fn a_second_interrupt_changes_nothing() {
    let (running, _) = hanging("sleep 1000");
    // The first may have ended it already.
    running.signal(Signal::SIGINT);
    let _ = nix::sys::signal::kill(running.pid(), Signal::SIGINT);
    let swept = running.finish();
    assert_eq!(swept.code(), 130);
    has_whole_visits(&swept);
    swept.leaves_nothing_alive();
}

#[test]
fn a_report_of_a_run_without_any_whole_visit_is_still_no_crash() {
    // Whichever visit is first, an interrupt in the very first leaves none.
    let sweep = endless().args(["-b", "hangs", "--order-seed", "1"]);
    let running = sweep.runner("hangs", &script_with_pid("pid", "sleep 1000")).start();
    pid_in(&running.file("pid"));
    running.signal(Signal::SIGINT);
    let swept = running.finish().exits(130);
    let table = report(&swept.out).exits(0);
    assert!(table.stdout.contains("no data"), "{}", table.stdout);
}

#[test]
fn an_interrupt_before_the_first_visit_leaves_no_directory() {
    // A calibration of draws that take a while: 2^40 of them in the reference.
    let sweep = Sweep::new().args(["-n1", "-b", "sequential", "--draws", "2^40", "--rounds", "1"]);
    let running = sweep.start();
    wait_until("its first runner runs", || running.processes().len() > 1);
    running.signal(Signal::SIGINT);
    let swept = running.finish().exits(130);
    assert_eq!(swept.left_in_home(), [""; 0]);
    swept.leaves_nothing_alive();
}

#[test]
fn when_the_supervisor_is_killed_its_runner_and_their_children_end() {
    // A call of 2^40 draws lasts for hours, so the children are in it; the
    // reference visit would last as long, so a runner is asked directly.
    let visit = serde_json::json!({
        "protocol": 1, "kernel": "pi", "backend": "process-pipe", "nthread": 3,
        "inner_nthread": 1, "schedule": "static", "chunk": 1, "block": 1 << 14,
        "blocks": 1_u64 << 26, "seed": "1", "pin": null, "start_method": "fork",
        "warmup": 0, "iterations": 1,
    });
    let runner = Sweep::bare().args(["__runner"]).input(&visit.to_string()).start();
    wait_until("it has forked its children", || runner.processes().len() == 4);
    runner.signal(Signal::SIGKILL);
    let swept = runner.finish();
    assert_eq!(swept.signal(), Some(9));
    swept.leaves_nothing_alive();

    let (running, hangs) = hanging("exec sleep 1000");
    running.signal(Signal::SIGKILL);
    wait_until("the runner has died with its supervisor", || !is_alive(hangs));
    let swept = running.finish();
    assert_eq!(swept.signal(), Some(9));
    has_whole_visits(&swept);
    assert!(swept.run_json()["sessions"][0]["end"].is_null(), "nobody was left to write it");
    report(&swept.out).exits(0);
    swept.leaves_nothing_alive();
}

#[test]
fn a_calibration_that_is_killed_leaves_no_process() {
    let options = ["-n1", "-b", "sequential", "--draws", "2^40", "--rounds", "1"];
    let running = Sweep::new().args(options).start();
    wait_until("its first runner runs", || running.processes().len() > 1);
    running.signal(Signal::SIGKILL);
    let swept = running.finish();
    assert_eq!(swept.signal(), Some(9));
    swept.leaves_nothing_alive();
}

#[test]
fn ctrl_z_stops_the_runner_too_and_its_visit_is_made_again() {
    // It starts no program while it waits: a shell that is stopped in the middle of
    // that sleeps in the kernel instead of being seen as stopped.
    let gate = "while [ ! -e open ]; do :; done\n";
    let runner = Lines::valid().script().replace(
        "cat >/dev/null\n",
        &format!(
            "cat >/dev/null\n[ -e open ] || {{ echo $$ >pid.part; mv pid.part pid; }}\n{gate}"
        ),
    );
    let sweep = Sweep::new().args(["--draws", "2^16", "--rounds", "2", "-n", "2", "-b", "waits"]);
    let running = sweep.args(["--timeout", "10min"]).runner("waits", &runner).start();
    let pid = pid_in(&running.file("pid"));
    running.signal(Signal::SIGTSTP);
    wait_until("the supervisor is stopped", || state_of(running.pid()) == Some('T'));
    wait_until("the runner is stopped", || state_of(pid) == Some('T'));
    // What would let it go on has no effect while it is stopped.
    std::fs::write(running.file("open"), "").expect("a file");
    assert_eq!(state_of(pid), Some('T'));
    running.signal(Signal::SIGCONT);
    let swept = running.finish().exits(0);
    let is_said = |line: &str| line.contains("suspended for") && line.contains("waits");
    assert!(swept.stderr.lines().any(is_said), "{}", swept.stderr);
    assert_eq!(swept.errors_of("waits"), ["", ""], "a visit a round, and both are clean");
    has_whole_visits(&swept);
    swept.leaves_nothing_alive();
}

#[test]
fn the_timeout_does_not_run_while_everything_is_stopped() {
    // Stopped for longer than the timeout, and let go at once afterwards.
    let runner = Lines::valid().script().replace(
        "cat >/dev/null\n",
        "cat >/dev/null\n[ -e open ] || { echo $$ >pid.part; mv pid.part pid; }\n\
         while [ ! -e open ]; do :; done\n",
    );
    let sweep = Sweep::new().args(["--draws", "2^16", "--rounds", "2", "-n", "2", "-b", "waits"]);
    let running = sweep.args(["--timeout", "3s"]).runner("waits", &runner).start();
    let pid = pid_in(&running.file("pid"));
    running.signal(Signal::SIGTSTP);
    wait_until("all is stopped", || {
        [running.pid(), pid].iter().all(|pid| state_of(*pid) == Some('T'))
    });
    std::thread::sleep(std::time::Duration::from_millis(3300));
    std::fs::write(running.file("open"), "").expect("a file");
    running.signal(Signal::SIGCONT);
    let swept = running.finish().exits(0);
    assert!(swept.stderr.contains("suspended for"), "{}", swept.stderr);
    assert_eq!(swept.errors_of("waits"), ["", ""]);
}

#[test]
fn ctrl_c_after_ctrl_z_still_ends_it() {
    let (running, runner) = hanging("exec sleep 1000");
    running.signal(Signal::SIGTSTP);
    wait_until("all is stopped", || {
        [running.pid(), runner].iter().all(|pid| state_of(*pid) == Some('T'))
    });
    running.signal(Signal::SIGINT);
    running.signal(Signal::SIGCONT);
    let swept = running.finish().exits(130);
    assert!(!is_alive(runner));
    swept.leaves_nothing_alive();
}

#[test]
fn a_run_that_inherits_ignored_signals_goes_on() {
    // As under nohup, or in the background of a script.
    let sweep = Sweep::new().args(["--draws=2^14", "--rounds=40", "-n1", "-b", "std-thread"]);
    let running = sweep.before_exec(|| dispose_of(SigHandler::SigIgn)).start();
    running.wait_for_visits(2);
    for ignored in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTSTP] {
        running.signal(ignored);
    }
    let swept = running.finish().exits(0);
    assert_eq!(swept.run_json()["sessions"][0]["stop_reason"], "rounds");
}

/// Ignores the signal that a file over its limit brings, so that writing fails
/// as on a full disk.
fn write_errors_not_signals() -> io::Result<()> {
    // SAFETY: no handler is installed.
    unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }?;
    Ok(())
}

/// A sweep whose visits have rows of some 40 KB each.
fn bulky() -> Sweep {
    let options = ["-n", "2", "-b", "std-thread", "--draws", "2^14", "--rounds", "20"];
    Sweep::new().args(options).args(["--iterations", "150"])
}

#[test]
fn a_disk_that_fills_during_the_run_ends_it_with_whole_visits() {
    let sweep = bulky().before_exec(write_errors_not_signals);
    let swept = sweep.limit(Resource::RLIMIT_FSIZE, 100_000).run().exits(1);
    let path = swept.out.join("samples.csv").display().to_string();
    assert!(swept.stderr.contains(&path), "{}", swept.stderr);
    assert!(swept.stderr.contains("File too large"), "{}", swept.stderr);
    assert_eq!(swept.stdout, "");
    assert!(!swept.visits().is_empty(), "those that fitted are kept");
    has_whole_visits(&swept);
    let session = swept.run_json()["sessions"][0].clone();
    assert!(session["end"].is_string(), "run.json is smaller, so it was still written");
    report(&swept.out).exits(0);
    swept.leaves_nothing_alive();
}

#[test]
fn exceeding_the_file_size_limit_is_an_error_and_no_signal() {
    let swept = bulky().limit(Resource::RLIMIT_FSIZE, 100_000).run();
    assert_eq!(swept.signal(), None, "SIGXFSZ must not end the program");
    assert_eq!(swept.code(), 1);
    has_whole_visits(&swept);
    swept.leaves_nothing_alive();
}

#[test]
fn a_disk_that_is_full_from_the_start_leaves_no_partial_files() {
    let sweep = Sweep::tiny().args(["-n1", "-b", "sequential"]);
    let sweep = sweep.before_exec(write_errors_not_signals).limit(Resource::RLIMIT_FSIZE, 0);
    let swept = sweep.run().exits(1);
    assert!(swept.stderr.contains("run.json"), "{}", swept.stderr);
    assert_eq!(swept.left_in_home(), [""; 0]);
}

#[test]
fn threads_that_cannot_be_created_are_an_error_row() {
    // Room for the program, however large it grows, and for some stacks, but not for
    // 900 of them, which are 28 GiB: large ones, so that there is room for a message
    // where there is none for a stack.
    let options = ["-n", "1,900", "-b", "std-thread,thread-pool,crossbeam,rayon"];
    let sweep = Sweep::tiny().args(options).env("RUST_MIN_STACK", "33554432");
    let sweep = sweep.limit(Resource::RLIMIT_AS, 4 << 30);
    let swept = sweep.run().exits(1);
    for backend in ["std-thread", "thread-pool", "crossbeam", "rayon"] {
        for row in swept.visits_of(backend) {
            let error = &row["error"];
            match row["nthread"].as_str() {
                "1" => assert_eq!(error, "", "{backend}"),
                _ => {
                    assert!(error.contains("cannot start worker"), "{backend}: {error}");
                    assert!(error.contains("of 900"), "{backend}: {error}");
                    assert_ne!(row["exit_status"], "-6", "{backend}: no abort");
                }
            }
        }
    }
    swept.leaves_nothing_alive();
}

/// A user to whom the limit on threads applies, as it does not to root.
const NOBODY: u32 = 65_534;

#[test]
fn a_refused_fork_or_thread_is_an_error_row() {
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
    // Our own runner, asked in another name, and with no room for a second
    // thread or process.
    let tight = |backend: &str| {
        format!(
            "sed 's/\"backend\":\"[a-z-]*\"/\"backend\":\"{backend}\"/; \
             s/\"chunk\":null/\"chunk\":1/' >visit-{backend}\n\
             ulimit -u 1 2>/dev/null || ulimit -p 1 || exit\nexec ./harness __runner <visit-{backend}\n"
        )
    };
    let registry = nthread::Registry::default();
    let backends: Vec<&str> = registry.backend_names().into_iter().skip(1).collect();
    let names: Vec<String> = backends.iter().map(|it| format!("tight-{it}")).collect();
    let list = ["sequential".to_string(), names.join(",")].join(",");
    let sweep = Sweep::bare().args(["-n2", "--draws=2^16", "--rounds=1", "-oout", "-b", &list]);
    let sweep = backends
        .iter()
        .zip(&names)
        .fold(sweep, |sweep, (backend, name)| sweep.runner(name, &tight(backend)));
    // A user who is nobody must be able to read and write there.
    let home = sweep.home();
    std::fs::copy(env!("CARGO_BIN_EXE_harness"), home.join("harness")).expect("a copy");
    std::fs::set_permissions(home, Permissions::from_mode(0o755)).expect("ours");
    let mut sweep = sweep.program("harness");
    if std::fs::metadata(sweep.home()).expect("ours").uid() == 0 {
        chown(sweep.home(), Some(NOBODY), Some(NOBODY)).expect("root may");
        sweep = sweep.user(NOBODY);
    }
    let running = match sweep.try_start() {
        Ok(running) => running,
        Err(error) => {
            eprintln!("skipped: this process cannot become an ordinary user: {error}");
            return;
        }
    };
    let swept = running.finish().exits(1);
    for name in &names {
        let row = &swept.visits_of(name)[0];
        let error = &row["error"];
        assert!(error.contains("cannot start"), "{name}: {error}");
        assert!(error.contains("temporarily unavailable"), "{name}: {error}");
        assert_ne!(row["exit_status"], "-6", "{name}: no abort");
    }
    assert!(swept.errors_of("sequential").iter().all(String::is_empty));
    swept.leaves_nothing_alive();
}
