//! `harness selftest`: real campaigns of the sequential loop, the same loop under another
//! name, and loops with injected slowdowns.

use std::fs;
use std::path::Path;

use crate::common::{Sweep, harness, wait_until};
use nix::sys::signal::Signal;
use serde_json::Value;

fn selftest(options: &[&str]) -> Sweep {
    let sweep = Sweep::bare().args(["selftest"]).args(options);
    let scratch = sweep.home().to_path_buf();
    sweep.env("TMPDIR", scratch)
}

/// Directories of campaigns that were not removed.
fn left_in(home: &Path) -> Vec<String> {
    let entries = fs::read_dir(home).expect("the home").filter_map(Result::ok);
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("nthread-selftest")).collect()
}

#[test]
fn a_campaign_measures_each_slowdown_and_leaves_no_files() {
    let done = selftest(&["--campaigns", "1", "--json"]).run();
    let found: Value = serde_json::from_str(&done.stdout).expect("one JSON object");
    assert_eq!((found["campaigns"].as_u64(), found["failures"].as_u64()), (Some(1), Some(0)));
    let effects = found["effects"].as_array().expect("effects");
    let injected: Vec<u64> =
        effects.iter().filter_map(|effect| effect["injected_percent"].as_u64()).collect();
    assert_eq!(injected, [0, 1, 2, 5]);
    for effect in effects {
        assert_eq!(effect["found"]["of"], 1, "{effect}");
        assert!(effect["slowdown_percent"].is_number(), "{effect}");
    }
    assert!(done.stderr.contains("1 campaigns of 12 rounds"), "{}", done.stderr);
    assert_eq!(left_in(done.home()), [""; 0]);
    done.leaves_nothing_alive();
}

#[test]
fn an_interrupted_selftest_prints_the_results_so_far() {
    let running = selftest(&["--campaigns", "1000"]).start();
    let samples = running.file(&format!("nthread-selftest-{}-1/samples.csv", running.pid()));
    wait_until("the first campaign goes on", || samples.exists());
    running.signal(Signal::SIGINT);
    let done = running.finish().exits(130);
    assert!(
        done.stderr.contains("interrupted by SIGINT: these are the results of 0 of 1000"),
        "{}",
        done.stderr
    );
    assert_eq!(left_in(done.home()), [""; 0]);
    done.leaves_nothing_alive();
}

#[test]
fn only_the_selftest_has_its_backends() {
    let listed = harness(["list"]).exits(0);
    assert!(!listed.stdout.contains("selftest"), "{}", listed.stdout);
    let refused = Sweep::tiny().args(["-b", "selftest-alias"]).run().exits(2);
    let suggested = refused.stderr.replace("\"selftest-alias\"", "");
    assert!(!suggested.contains("selftest"), "{}", refused.stderr);
}

#[test]
fn it_needs_at_least_one_campaign() {
    for campaigns in ["0", "many"] {
        let refused = selftest(&["--campaigns", campaigns]).run().exits(2);
        assert!(refused.stderr.contains("--campaigns"), "{}", refused.stderr);
    }
    let refused = selftest(&[]).env("HARNESS_CAMPAIGNS", "-1").run().exits(2);
    assert!(refused.stderr.contains("HARNESS_CAMPAIGNS"), "{}", refused.stderr);
}
