//! The runners in Python and C, each in a tiny sweep beside our own backends.
//!
//! What is missing on a machine is skipped, and said: Python itself, NumPy, joblib
//! (`scripts/runners` sets them up), a C compiler.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Sweep, Swept};
use nthread::registry::originals::{ORIGINALS, obstacles, original};

/// The runners of the sources.
fn runners() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("runners")
}

/// Those of some originals that can run here.
fn those_that_run(names: &[&'static str]) -> Vec<&'static str> {
    let named: Vec<_> = names.iter().filter_map(|name| original(name)).collect();
    assert_eq!(named.len(), names.len());
    let mut running = Vec::new();
    for (original, reason) in obstacles(&named, &runners()) {
        match reason {
            None => running.push(original.name),
            Some(reason) => println!("skipped: {}: {reason}", original.name),
        }
    }
    running
}

/// A small sweep of some originals, if there are any.
fn swept(names: &[&str], options: &[&str]) -> Option<Swept> {
    let named = names.join(",");
    let sweep = Sweep::new().arg_path("--runners", &runners());
    // Python starts slowly on a machine that does other things.
    let rules = ["--rounds", "1", "--timeout", "60s"];
    (!names.is_empty()).then(|| sweep.args(["-b", &named]).args(rules).args(options).run())
}

/// Whether every call of a backend counted the same as the baseline.
fn counts_as_the_baseline(swept: &Swept, backend: &str) {
    let calls = swept.calls_of(backend);
    assert!(!calls.is_empty(), "{backend} made no call");
    let expected = &swept.calls_of("sequential")[0];
    for call in calls {
        for column in ["tally_draws", "tally_sum", "tally_sum_sq"] {
            assert_eq!(call[column], expected[column], "{backend}, n = {}", call["nthread"]);
        }
    }
}

#[test]
fn numpy_with_every_facility_counts_the_hits_of_the_baseline() {
    let names = ORIGINALS.iter().map(|original| original.name);
    let is_exact = |name: &&str| {
        let is_python = name.starts_with("python-") || name.starts_with("joblib-");
        is_python && !name.ends_with("-loop")
    };
    let names: Vec<&str> = names.filter(is_exact).collect();
    assert_eq!(names.len(), 8);
    let names = those_that_run(&names);
    let Some(swept) = swept(&names, &["-n", "1,3", "--draws", "2^15", "--block", "2^11"]) else {
        return;
    };
    assert_eq!(swept.code(), 0, "{}", swept.stderr);
    names.iter().for_each(|name| counts_as_the_baseline(&swept, name));
    swept.leaves_nothing_alive();
}

#[test]
fn the_loop_of_the_notebook_passes_with_random_numbers_of_its_own() {
    let names = ORIGINALS.iter().map(|original| original.name);
    let names: Vec<&str> = names.filter(|name| name.ends_with("-loop")).collect();
    assert_eq!(names.len(), 8);
    let names = those_that_run(&names);
    let Some(swept) = swept(&names, &["-n", "1,3", "--draws", "2^16"]) else { return };
    assert_eq!(swept.code(), 0, "{}", swept.stderr);
    for name in names {
        assert_eq!(swept.calls_of(name).len(), 2, "{name}");
    }
    swept.leaves_nothing_alive();
}

#[test]
fn the_copied_generators_of_the_notebook_are_detected() {
    let names = those_that_run(&["notebook-pool"]);
    let Some(swept) = swept(&names, &["-n", "4", "--draws", "2^20", "--iterations", "3"]) else {
        return;
    };
    assert_eq!(swept.code(), 1);
    let errors = swept.errors_of("notebook-pool");
    let is_caught = |error: &String| error.contains("same");
    assert!(!errors.is_empty() && errors.iter().all(is_caught), "{errors:?}");
}

#[test]
fn numpy_multiplies_to_the_same_integers_in_any_shape() {
    let names = those_that_run(&["numpy-blas"]);
    let job = ["-k", "matmul", "-n", "1,2,3", "--draws", "2^14"];
    for block in ["2^11", "2^12"] {
        let options = [&job[..], &["--block", block]].concat();
        let Some(swept) = swept(&names, &options) else { return };
        assert_eq!(swept.code(), 0, "{}", swept.stderr);
        counts_as_the_baseline(&swept, "numpy-blas");
    }
}

#[test]
fn workers_are_pinned_where_that_was_asked() {
    let names = those_that_run(&["python-pool-loop", "python-array-loop"]);
    let Some(swept) = swept(&names, &["-n", "1", "--draws", "2^14", "--pin", "close"]) else {
        return;
    };
    assert_eq!(swept.code(), 0, "{}", swept.stderr);
    for name in names {
        let cpus = swept.visits_of(name)[0]["cpus"].clone();
        assert!(cpus.parse::<u32>().is_ok(), "{name} ran on {cpus:?}");
    }
}

#[test]
fn openmp_counts_the_hits_of_the_baseline_under_every_schedule() {
    let dir = tempfile::tempdir().expect("a directory");
    let program = dir.path().join("env/openmp");
    fs::create_dir(dir.path().join("env")).expect("a directory");
    let source = runners().join("c/openmp.c");
    let built =
        Command::new("gcc").args(["-O2", "-fopenmp", "-o"]).arg(&program).arg(source).output();
    match built {
        Ok(output) if output.status.success() => {}
        other => return println!("skipped: gcc does not build openmp: {other:?}"),
    }
    let job =
        ["-b", "openmp", "-n", "1,3,5", "--draws", "2^16", "--block", "2^11", "--rounds", "1"];
    let sweep = Sweep::new().arg_path("--runners", dir.path()).args(job);
    let swept = sweep.args(["--pin", "none,close"]).run();
    assert_eq!(swept.code(), 0, "{}", swept.stderr);
    counts_as_the_baseline(&swept, "openmp");
    let recorded = &swept.run_json()["plan"]["runners"]["openmp"][0];
    assert_eq!(recorded.as_str(), program.to_str());
}

#[test]
fn an_original_takes_part_only_where_it_is_named() {
    let all = Sweep::new().args(["-b", "all", "--dry-run"]).arg_path("--runners", &runners()).run();
    assert_eq!(all.code(), 0, "{}", all.stderr);
    assert!(!all.stdout.contains("python-pool") && !all.stdout.contains("openmp"));
}

#[test]
fn a_named_original_that_cannot_run_is_refused_with_the_reason() {
    let empty = tempfile::tempdir().expect("a directory");
    let sweep = || Sweep::new().args(["-b", "rayon,openmp", "--dry-run"]);
    let refused = sweep().arg_path("--runners", empty.path()).run();
    assert_eq!(refused.code(), 2);
    assert!(refused.stderr.contains("openmp is not built: scripts/runners"), "{}", refused.stderr);
    let refused = sweep().run();
    assert_eq!(refused.code(), 2);
    assert!(refused.stderr.contains("--runners"), "{}", refused.stderr);
    let refused = sweep().args(["--runners", "/no/such"]).run();
    assert_eq!(refused.code(), 2);
    assert!(refused.stderr.contains("/no/such is not a directory"), "{}", refused.stderr);
}

#[test]
fn the_list_shows_the_missing_requirement_of_each_original() {
    let empty = tempfile::tempdir().expect("a directory");
    let list = Sweep::bare().args(["list"]).arg_path("--runners", empty.path()).run().exits(0);
    for original in ORIGINALS {
        assert!(list.stdout.contains(original.name), "{}", original.name);
    }
    assert!(list.stdout.contains("openmp is not built: scripts/runners"), "{}", list.stdout);
    let list = Sweep::bare().args(["list"]).run().exits(0);
    assert!(list.stdout.contains("NONE CAN RUN HERE"), "{}", list.stdout);
}
