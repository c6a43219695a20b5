//! Thread settings, end to end: where workers run, and work that grows with
//! them.

use std::collections::BTreeSet;
use std::fs;

use crate::common::runner::Lines;
use crate::common::{Row, Sweep, Swept};
use nthread::Registry;
use nthread::machine::affinity;
use nthread::machine::parse_cpu_list;
use serde_json::{Value, json};

/// The values of some columns, each combination once.
fn seen<const N: usize>(rows: &[Row], columns: [&str; N]) -> BTreeSet<[String; N]> {
    rows.iter().map(|row| columns.map(|column| row[column].clone())).collect()
}

#[test]
fn every_backend_runs_where_it_is_pinned_to_and_says_so() {
    let options = ["-n", "1,3", "-b", "all", "--pin", "none,close,spread"];
    let methods = ["--start-method", "fork,spawn"];
    let swept = Sweep::tiny().args(options).args(methods).run().exits(0);
    let allowed: BTreeSet<usize> = affinity::own().into_iter().collect();
    let calls: Vec<Row> = swept.rows().into_iter().filter(|row| row["phase"] == "call").collect();
    for row in calls.iter().filter(|row| row["pin"] != "none") {
        let cpus: BTreeSet<usize> =
            parse_cpu_list(&row["cpus"]).expect("a list").into_iter().collect();
        let nthread: usize = row["nthread"].parse().expect("a count");
        assert!(!cpus.is_empty() && cpus.is_subset(&allowed), "{row:?}");
        assert!(cpus.len() <= nthread, "{row:?}");
    }
    for backend in Registry::default().backend_names() {
        let of_backend = |row: &&Row| row["backend"] == backend;
        let rows: Vec<Row> = calls.iter().filter(of_backend).cloned().collect();
        let pins: Vec<String> = seen(&rows, ["pin"]).into_iter().map(|[pin]| pin).collect();
        assert_eq!(pins, ["close", "none", "spread"], "{backend}");
    }
    assert_eq!(seen(&calls, ["tally_sum"]).len(), 1, "where one computes changes no answer");
}

#[test]
fn each_pin_has_a_baseline_a_table_and_plots_of_its_own() {
    let options = ["-n", "2", "-b", "rayon", "--pin", "spread,none"];
    let swept = Sweep::tiny().args(options).run().exits(0);
    let summary = swept.json("summary.json");
    let cases = summary["cases"].as_array().expect("cases");
    let compared: Vec<(&str, &str, &Value)> = cases
        .iter()
        .map(|case| {
            let text = |key: &str| case[key].as_str().expect("text");
            (text("backend"), text("pin"), &case["baseline"])
        })
        .collect();
    let (first, second) = (json!(0), json!(2));
    let expected = [
        ("sequential", "spread", &first),
        ("rayon", "spread", &first),
        ("sequential", "none", &second),
        ("rayon", "none", &second),
    ];
    assert_eq!(compared, expected);
    assert_eq!(swept.stdout.matches("baseline: sequential").count(), 2, "{}", swept.stdout);
    assert_eq!(swept.stdout.matches("draws a call, pinned spread, ").count(), 1);
    for pin in ["none", "spread"] {
        assert!(swept.out.join(format!("speedup-pi-65536-{pin}.svg")).exists(), "{pin}");
    }
    let expected = swept.run_json()["plan"]["expected"].as_array().map(Vec::len);
    assert_eq!(expected, Some(1), "a job's tally does not depend on the pin");
}

/// A plan in which all the lists of thread settings have several values.
#[test]
fn lists_of_settings_become_cases_in_every_combination() {
    let lists = ["--draws", "2^15,2^16", "--schedule", "static,dynamic"];
    let more = ["--chunk", "1,2", "--pin", "close,spread", "-n", "2", "-b", "std-thread"];
    let swept = Sweep::tiny().args(&lists[2..]).args(more);
    let swept = swept.env("HARNESS_WARMUP", "0").run().exits(0);
    let calls = swept.calls_of("std-thread");
    let settings = seen(&calls, ["schedule", "chunk", "pin"]);
    assert_eq!((settings.len(), calls.len()), (8, 8));
    let dry = Sweep::new().args(lists).args(more).args(["--dry-run"]).run().exits(0);
    let plan: Value = serde_json::from_str(&dry.stdout).expect("JSON");
    assert_eq!(plan["cases"].as_array().map(Vec::len), Some(4 + 16));
}

/// A weak sweep of given draws.
fn weak() -> Swept {
    let options = ["-n", "1,2,3", "-b", "std-thread,process-pipe", "--rounds", "2"];
    Sweep::new()
        .args(options)
        .args(["--draws", "20_000", "--block", "2^10", "--weak"])
        .run()
        .exits(0)
}

#[test]
fn where_the_work_grows_every_worker_has_the_same_draws() {
    let swept = weak();
    // 20,000 draws are 19.5 blocks of 1024.
    for row in swept.rows() {
        let nthread: u64 = row["nthread"].parse().expect("a count");
        assert_eq!(row["draws"], (nthread * 20_480).to_string());
        assert_eq!(row["scaling"], "weak");
    }
    assert!(swept.stdout.contains("pi, 20,480 draws a worker, "), "{}", swept.stdout);
    assert_eq!(swept.stdout.matches("baseline: ").count(), 1, "one table: {}", swept.stdout);
    assert!(swept.stdout.contains("every answer identical"), "{}", swept.stdout);
    assert!(swept.out.join("speedup.svg").exists(), "one job, though draws differ");
    let expected = swept.run_json()["plan"]["expected"].as_array().expect("tallies").len();
    assert_eq!(expected, 3, "one tally for each count");
}

#[test]
fn where_the_work_grows_a_speedup_is_n_times_the_ratio_of_times() {
    let swept = weak();
    let calls = [swept.calls_of("sequential"), swept.calls_of("std-thread")];
    let wall_ns = |row: &Row| row["wall_ns"].parse::<f64>().expect("a time");
    for case in swept.json("summary.json")["cases"].as_array().expect("cases") {
        assert_eq!((&case["baseline"], &case["karp_flatt"]), (&json!(0), &Value::Null));
        if case["backend"] != "std-thread" {
            continue;
        }
        let nthread = case["nthread"].as_u64().expect("a count");
        let ratios: Vec<f64> = calls[1]
            .iter()
            .filter(|call| call["nthread"] == nthread.to_string())
            .map(|call| {
                let is_beside = |other: &&Row| {
                    (&other["round"], &other["group"]) == (&call["round"], &call["group"])
                };
                let baseline = calls[0].iter().find(is_beside).expect("a baseline");
                wall_ns(baseline) / wall_ns(call)
            })
            .collect();
        // The median of two is taken of the logarithms.
        let [one, other] = ratios[..] else { panic!("two rounds") };
        let efficiency = (one * other).sqrt();
        let near = |key: &str, expected: f64| {
            let value = case[key].as_f64().expect("a number");
            assert!((value / expected - 1.0).abs() < 1e-9, "{key}: {value} and {expected}");
        };
        near("efficiency", efficiency);
        near("speedup", nthread as f64 * efficiency);
    }
}

#[test]
fn the_share_of_one_worker_is_calibrated_where_the_work_grows() {
    let options = ["-n", "1,2", "-b", "std-thread", "--rounds", "1", "--weak"];
    let run = Sweep::new().args(options).run().exits(0).run_json();
    let cases = run["plan"]["cases"].as_array().expect("cases");
    let draws = |case: &Value| case["draws"].as_u64().expect("calibrated");
    let share = draws(&cases[0]);
    assert!(share.is_power_of_two() && share >= 32 * (1 << 14), "{share}");
    for case in cases {
        assert_eq!(draws(case), share * case["nthread"].as_u64().expect("a count"));
    }
}

#[test]
fn a_sweep_like_another_is_pinned_likewise_and_grows_likewise() {
    let options = ["-n", "1,2", "-b", "std-thread", "--pin", "close", "--weak"];
    let first = Sweep::tiny().args(options).run().exits(0);
    let like = Sweep::new().arg_path("--like", &first.out).args(["--rounds", "1"]);
    // A variable never conflicts with a line on the command line.
    let second = like.env("HARNESS_PIN", "spread").run().exits(0);
    let (first, second) = (first.run_json(), second.run_json());
    assert_eq!(first["plan"]["cases"], second["plan"]["cases"]);
    assert_eq!(second["plan"]["cases"][1]["pin"], "close");
    assert_eq!(second["plan"]["cases"][1]["scaling"], "weak");
}

#[test]
fn a_runner_is_told_the_cpu_of_each_worker() {
    let runner = Lines::valid().replacing(r#"{"done":{}}"#, r#"{"done":{"cpus":"CPUS"}}"#).script();
    let listen = "printf '%s' \"$asked\" >visit.json\ncpu=$(sed 's/.*\"pin\":\\[\"\\([0-9]*\\)\".*/\\1/' visit.json)\n";
    // The script's own quotes end where the CPU is put in.
    let runner = runner.replace("cat >/dev/null\n", listen).replace("CPUS", "'$cpu'");
    let sweep = Sweep::tiny().args(["-n", "2", "-b", "obedient", "--pin", "close"]);
    let swept = sweep.runner("obedient", &runner).run().exits(0);
    let visit = fs::read_to_string(swept.home().join("visit.json")).expect("a file");
    let visit: Value = serde_json::from_str(&visit).expect("JSON");
    let pin = visit["pin"].as_array().expect("a list");
    let allowed = affinity::own();
    assert_eq!(pin.len(), 2);
    for cpu in pin {
        let cpu = cpu.as_str().and_then(|cpu| cpu.parse().ok()).expect("a CPU");
        assert!(allowed.contains(&cpu), "{cpu}");
    }
    assert_eq!(swept.calls_of("obedient")[0]["cpus"], pin[0].as_str().expect("text"));
}

#[test]
fn a_runner_that_ignores_the_pin_is_an_error_row() {
    let with = |done: &str| {
        let runner = Lines::valid().replacing(r#"{"done":{}}"#, done).script();
        let sweep =
            Sweep::tiny().args(["-n", "2", "-b", "unpinned,std-thread", "--pin", "close,none"]);
        let swept = sweep.runner("unpinned", &runner).run().exits(1);
        assert_eq!(swept.errors_of("std-thread"), ["", ""], "the others are measured");
        let mut problems: Vec<String> =
            swept.visits_of("unpinned").into_iter().map(|row| row["error"].clone()).collect();
        problems.sort_unstable();
        assert_eq!(problems[0], "", "where nobody asks to pin, nothing is wrong");
        problems.remove(1)
    };
    let silent = with(r#"{"done":{}}"#);
    assert!(silent.contains("\"done\" does not say which CPUs they used"), "{silent}");
    let strayed = with(r#"{"done":{"cpus":"0-100000"}}"#);
    assert!(strayed.contains("but ran on 0-100000"), "{strayed}");
}

/// What our own runner says to a visit that has workers pinned so.
fn visited(backend: &str, pin: Value) -> Swept {
    let visit = json!({
        "protocol": 1, "kernel": "pi", "backend": backend, "nthread": 2, "inner_nthread": 1,
        "schedule": null, "chunk": null, "block": 64, "blocks": 4, "seed": "1", "pin": pin,
        "start_method": null, "warmup": 0, "iterations": 1,
    });
    Sweep::bare().args(["__runner"]).input(&visit.to_string()).run()
}

#[test]
fn a_mask_that_cannot_be_set_is_an_error_of_the_visit() {
    for backend in Registry::default().backend_names() {
        let swept = visited(backend, json!(["524288", "524288"])).exits(1);
        let last = swept.stdout.lines().last().expect("a line");
        assert!(last.contains("cannot pin worker ") && last.contains("CPU 524288"), "{last}");
    }
}

#[test]
fn a_pin_that_makes_no_sense_is_an_error_of_the_visit() {
    for (pin, words) in [
        (json!(["0"]), "1 lists of CPUs for 2 workers"),
        (json!([]), "0 lists of CPUs for 2 workers"),
        (json!(["0", ""]), "is not a list of CPUs"),
        (json!(["0", "one"]), "is not a list of CPUs"),
    ] {
        let swept = visited("std-thread", pin).exits(1);
        assert!(swept.stdout.contains(words), "{}", swept.stdout);
    }
}
