//! `harness advise`: a thread count on stdout, and its reason on stderr.

use std::fs;

use crate::common::{Sweep, Swept, wait_until};
use nix::sys::signal::Signal;

#[track_caller]
fn advised(args: &[&str]) -> Swept {
    Sweep::bare().args(["advise"]).args(args).run()
}

/// A choice that exits with 0 beside any load of the machine.
#[track_caller]
fn chosen(args: &[&str]) -> Swept {
    Sweep::bare().args(["advise", "--fallback", "best"]).args(args).run().exits(0)
}

/// A count alone on stdout.
#[track_caller]
fn count(swept: &Swept) -> u32 {
    let text = swept.stdout.strip_suffix('\n').expect("one line");
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no count"))
}

#[test]
fn a_program_that_scales_is_given_more_threads() {
    // 0.4 s, 0.2 s, and 0.6 s beyond: far apart on any machine.
    let script = "case {nthread} in 1) sleep 0.4;; 2) sleep 0.1;; *) sleep 0.9;; esac";
    let swept = chosen(&["-n", "1,2,4", "--shell", "--", script]);
    assert_eq!(count(&swept), 2);
    for word in ["2 threads: ", "faster than each other count of 1, 2, 4", "3 rounds in"] {
        assert!(swept.stderr.contains(word), "{word}: {}", swept.stderr);
    }
    assert_eq!(swept.left_in_home(), [""; 0], "no results directory");
}

#[test]
fn the_thread_variables_carry_the_count() {
    let script = "test $OMP_NUM_THREADS = {nthread} && test $RAYON_NUM_THREADS = {nthread} \
                  && sleep 0.$((8 / OMP_NUM_THREADS))";
    let args = ["-q", "-n", "1,8", "--fallback", "best", "--shell", "--", script];
    let swept = advised(&args).exits(0);
    assert_eq!((count(&swept), swept.stderr.as_str()), (8, ""));
    // The result of an earlier choice does not restrict the next one.
    let swept = Sweep::bare().env("OMP_NUM_THREADS", "1").args(["advise"]).args(args).run();
    assert_eq!(count(&swept.exits(0)), 8);
}

#[test]
fn one_count_is_not_called_the_fastest_and_a_variable_that_restricts_is_named() {
    let advise = |args: &[&str]| {
        let sweep = Sweep::bare().env("HARNESS_NTHREAD", "1..1").args(["advise"]).args(args);
        sweep.run().exits(0)
    };
    let swept = advise(&["--", "true"]);
    assert_eq!(count(&swept), 1);
    for words in ["the only count that was measured", "HARNESS_NTHREAD=1..1"] {
        assert!(swept.stderr.contains(words), "{words}: {}", swept.stderr);
    }
    assert!(!swept.stderr.contains("fastest"), "{}", swept.stderr);
    // What is typed beats it.
    let swept = advise(&["-n", "2", "--", "true"]);
    assert_eq!(count(&swept), 2);
    assert!(!swept.stderr.contains("HARNESS_NTHREAD"), "{}", swept.stderr);
    assert_eq!(advise(&["-q", "--", "true"]).stderr, "");
}

#[test]
fn the_goal_may_be_an_efficiency() {
    let script = "case {nthread} in 1) sleep 0.8;; 2) sleep 0.4;; *) sleep 0.35;; esac";
    let swept = chosen(&["-n", "1,2,4", "--efficiency", "75%", "--shell", "--", script]);
    assert_eq!(count(&swept), 2);
    assert!(swept.stderr.contains("efficiency "), "{}", swept.stderr);
}

#[test]
fn a_failed_run_is_an_error() {
    let swept = advised(&["-n", "1,2", "--", "false"]).exits(1);
    assert_eq!(swept.stdout, "");
    assert!(swept.stderr.contains("false, n = 2"), "{}", swept.stderr);
    let swept = advised(&["-n", "1,2", "--timeout", "200ms", "--", "sleep", "60"]).exits(1);
    assert_eq!(swept.stdout, "");
    swept.leaves_nothing_alive();
}

#[test]
fn an_exit_code_that_is_allowed_is_no_failure() {
    count(&chosen(&["-n", "1,2", "--ok-codes", "1", "--", "false"]));
}

#[test]
fn an_undecided_choice_prints_a_count_and_exits_with_3() {
    let args = ["-n", "1,2", "--time-budget", "1ms", "--", "sleep", "0.01"];
    let swept = advised(&args).exits(3);
    assert!([1, 2].contains(&count(&swept)));
    assert!(swept.stderr.contains("The time budget ended"), "{}", swept.stderr);
    // A script under `set -e` gets a count of its own, or the best one, and 0.
    for (fallback, expected) in [("7", &[7][..]), ("best", &[1, 2])] {
        let mut args = args.to_vec();
        args.splice(0..0, ["--fallback", fallback]);
        assert!(expected.contains(&count(&advised(&args).exits(0))), "{fallback}");
    }
}

#[test]
fn a_run_that_is_stopped_is_cleaned_up_after() {
    let home = tempfile::tempdir().expect("a directory");
    let log = home.path().join("log");
    let (begin, end) =
        (format!("echo b >> {}", log.display()), format!("echo e >> {}", log.display()));
    let script = "case {nthread} in 1) sleep 20;; *) sleep 0.05;; esac";
    let args = ["-n", "1,2", "--shell", "--prepare", &begin, "--cleanup", &end, "--", script];
    let swept = chosen(&args);
    assert_eq!(count(&swept), 2);
    assert!(swept.stderr.contains("1 thread: at least "), "{}", swept.stderr);
    let log = fs::read_to_string(log).expect("a log");
    assert!(log.lines().collect::<Vec<_>>().chunks(2).all(|pair| pair == ["b", "e"]), "{log}");
    swept.leaves_nothing_alive();
}

#[test]
fn the_choice_as_json() {
    let args = ["--json", "-n", "1,2", "--", "sleep", "0.01"];
    let swept = chosen(&args);
    let json: serde_json::Value = serde_json::from_str(&swept.stdout).expect("JSON");
    for key in ["decided", "nthread", "speedup", "low", "high", "bound", "candidates", "reason"] {
        assert!(json.get(key).is_some(), "{key}: {}", swept.stdout);
    }
    assert_eq!(swept.stderr, "");
}

#[test]
fn ctrl_c_ends_the_search_and_leaves_no_process() {
    let sweep = Sweep::bare().args(["advise", "-n", "1,2", "--shell", "--"]);
    let mark = sweep.home().join("began");
    let running = sweep.args([format!("touch {}; sleep 60", mark.display())]).start();
    wait_until("the first run", || mark.exists());
    running.signal(Signal::SIGINT);
    let swept = running.finish().exits(130);
    assert_eq!(swept.stdout, "");
    swept.leaves_nothing_alive();
}

#[test]
fn bad_usage_is_refused_before_anything_runs() {
    let began = tempfile::tempdir().expect("a directory");
    let touch = format!("touch {}/x", began.path().display());
    for (args, word) in [
        (&[][..], "no command"),
        (&["--within", "5", "--", "true"], "--within"),
        (&["--efficiency", "0%", "--", "true"], "--efficiency"),
        (&["--within", "5%", "--efficiency", "75%", "--", "true"], "--efficiency"),
        (&["-n", "0", "--", "true"], "--nthread"),
        (&["--timeout", "soon", "--", "true"], "--timeout"),
        (&["--fallback", "0", "--", "true"], "--fallback"),
        (&["--warmup", "few", "--", "true"], "--warmup"),
        (&["--time-budget", "soon", "--", "true"], "--time-budget"),
        (&["--", "no-such-program"], "no-such-program"),
        (&["--", "true", "{nthreads}"], "{nthread}"),
        (&["--output", "keep", "--", "true"], "--output"),
        (&["--command", "true", "--", "false"], "one command"),
        (&["-n", "1,2", "--no-thread-env", "--shell", "--", &touch], "{nthread}"),
    ] {
        let swept = advised(args).exits(2);
        assert!(swept.stderr.contains(word), "{word}: {}", swept.stderr);
        assert_eq!(swept.stdout, "");
    }
    assert_eq!(fs::read_dir(began.path()).expect("a directory").count(), 0);
}
