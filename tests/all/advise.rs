//! `harness advise`: a thread count on stdout, and its reason on stderr.

use std::fs;

use crate::common::{Sweep, Swept, wait_until};
use nix::sys::signal::Signal;

#[track_caller]
fn advised(args: &[&str]) -> Swept {
    Sweep::bare().args(["advise"]).args(args).run()
}

/// Checks that stdout is one count.
#[track_caller]
fn count(swept: &Swept) -> u32 {
    let text = swept.stdout.strip_suffix('\n').expect("one line");
    text.parse().unwrap_or_else(|_| panic!("{text:?} is no count"))
}

#[test]
fn a_program_that_scales_is_given_more_threads() {
    // 0.4 s, 0.2 s, and 0.6 s beyond: far apart on any machine.
    let script = "case {nthread} in 1) sleep 0.4;; 2) sleep 0.1;; *) sleep 0.9;; esac";
    let swept = advised(&["-n", "1,2,4", "--shell", "--", script]).exits(0);
    assert_eq!(count(&swept), 2);
    for word in ["2 threads: ", "the fastest", "runs in", "× 4"] {
        assert!(swept.stderr.contains(word), "{word}: {}", swept.stderr);
    }
    assert_eq!(swept.left_in_home(), [""; 0], "no results directory");
}

#[test]
fn the_thread_variables_carry_the_count() {
    let script = "test $OMP_NUM_THREADS = {nthread} && test $RAYON_NUM_THREADS = {nthread} \
                  && sleep 0.$((8 / OMP_NUM_THREADS))";
    let args = ["-q", "-n", "1,8", "--shell", "--", script];
    let swept = advised(&args).exits(0);
    assert_eq!((count(&swept), swept.stderr.as_str()), (8, ""));
    // What an earlier search advised does not restrict the next one.
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
    let args = ["-n", "1,2,4", "--efficiency", "75%", "--shell", "--", script];
    let swept = advised(&args).exits(0);
    assert_eq!(count(&swept), 2);
    assert!(swept.stderr.contains("efficient"), "{}", swept.stderr);
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
    count(&advised(&["-n", "1,2", "--ok-codes", "1", "--", "false"]).exits(0));
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
