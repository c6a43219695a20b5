//! `--crossover` and `harness metg`, end to end: the smallest job for which a parallel
//! backend is faster, and the smallest efficient task.

use std::fs;

use crate::common::{Sweep, Swept, harness, report};
use nix::sys::signal::Signal;
use serde_json::Value;

/// Few small jobs and one round.
fn crossover() -> Sweep {
    let jobs = ["--crossover", "--draws", "2^11,2^13,2^15", "-b", "rayon,std-thread"];
    Sweep::new().args(jobs).args(["-n", "1,2", "--iterations", "2"])
}

/// Few small tasks.
fn metg() -> Sweep {
    let tasks = ["--chunk", "1,4,16", "--draws", "2^15", "-b", "crossbeam,rayon", "-n", "2"];
    let sweep = Sweep::bare().args(["metg", "--out"]);
    let out = sweep.home().join("out");
    sweep.args([out]).args(tasks)
}

fn plan(sweep: Sweep) -> Value {
    let swept = sweep.args(["--dry-run"]).run().exits(0);
    serde_json::from_str(&swept.stdout).expect("a plan")
}

/// The values of a column of a plan's cases, each once, sorted.
fn seen(plan: &Value, column: &str) -> Vec<u64> {
    let cases = plan["cases"].as_array().expect("cases");
    let mut values: Vec<u64> = cases.iter().filter_map(|case| case[column].as_u64()).collect();
    values.sort_unstable();
    values.dedup();
    values
}

#[track_caller]
fn has_files(swept: &Swept, names: &[&str]) {
    for name in names {
        let bytes = fs::read(swept.out.join(name)).unwrap_or_default();
        assert!(!bytes.is_empty(), "{name}");
    }
}

#[track_caller]
fn fits_a_terminal(answer: &str) {
    for line in answer.lines().take_while(|line| !line.starts_with("every answer")) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn a_crossover_run_shows_the_work_from_which_each_backend_is_faster_and_the_winner() {
    let swept = crossover().args(["--rounds", "6"]).run().exits(0);
    let summary = swept.json("summary.json");
    let crossovers = summary["crossovers"].as_array().expect("a list");
    let of = |it: &Value| (it["backend"].clone(), it["nthread"].clone());
    let cases: Vec<(Value, Value)> = crossovers.iter().map(of).collect();
    let expected = [("rayon", 1), ("rayon", 2), ("std-thread", 1), ("std-thread", 2)];
    assert_eq!(cases, expected.map(|(backend, n)| (backend.into(), n.into())));
    for it in crossovers {
        assert_eq!(it["cases"].as_array().map(Vec::len), Some(3), "{it}");
        let verdicts = ["from", "always", "never", "unresolved"];
        assert!(verdicts.contains(&it["verdict"].as_str().unwrap_or_default()), "{it}");
        assert_eq!(
            (&it["draws"].is_null(), &it["chunk"]),
            (&it["work_ns"].is_null(), &Value::Null)
        );
    }
    assert_eq!(summary["winners"].as_array().map(Vec::len), Some(6));
    assert!(swept.stdout.starts_with("where parallel begins to pay: pi, 2,048 to 32,768 draws"));
    assert_eq!(swept.stdout.matches("baseline: sequential").count(), 0, "{}", swept.stdout);
    fits_a_terminal(&swept.stdout);
    has_files(&swept, &["crossover.svg", "crossover.png", "winners.svg", "winners.png"]);
    assert!(!swept.out.join("speedup-pi-2048.svg").exists());
    let page = swept.read("report.md");
    assert!(page.contains("](crossover.png)") && !page.contains("speedup-pi"), "{page}");
    assert!(swept.stdout.contains("crossover.png …"), "{}", swept.stdout);
    let out = swept.out.to_string_lossy().into_owned();
    let details = harness(["report", &out, "--details"]).exits(0);
    assert_eq!(details.stdout.matches("baseline: sequential").count(), 3);
    assert!(details.stdout.starts_with("where parallel begins to pay"));
}

#[test]
fn several_given_draws_are_analysed_below_their_tables() {
    let jobs = ["--draws", "2^14,2^16", "-b", "rayon", "-n", "2", "--rounds", "2"];
    let swept = Sweep::new().args(jobs).run().exits(0);
    let place = |words: &str| swept.stdout.find(words).unwrap_or_else(|| panic!("no {words}"));
    assert!(place("baseline: sequential") < place("where parallel begins to pay"));
    has_files(&swept, &["speedup-pi-65536.svg", "crossover.svg", "winners.png"]);
}

#[test]
fn the_sizes_of_jobs_do_not_depend_on_measurements() {
    let plan = plan(Sweep::new().args(["--crossover"]));
    let draws: Vec<u64> = (11..=27).step_by(2).map(|power| 1 << power).collect();
    assert_eq!((seen(&plan, "draws"), seen(&plan, "block")), (draws, vec![1 << 10]));
    assert_eq!((&plan["preset"], &plan["iterations"]), (&"crossover".into(), &5.into()));
    assert_eq!(plan["stopping"]["rounds"], 9);
    // Each group is compared with one baseline, and so belongs to one job.
    for group in plan["first_round"].as_array().expect("groups") {
        let draws =
            |case: &Value| plan["cases"][case.as_u64().expect("index") as usize]["draws"].as_u64();
        let of_group = group.as_array().expect("a group");
        assert!(of_group.iter().all(|case| draws(case) == draws(&of_group[0])), "{group}");
    }
    let sweep = || Sweep::new().args(["-n", "1", "-b", "rayon"]);
    let by_variable = self::plan(sweep().env("HARNESS_CROSSOVER", "1"));
    assert_eq!(by_variable["preset"], "crossover");
    let quick = self::plan(sweep().env("HARNESS_CROSSOVER", "1").args(["--quick"]));
    assert_eq!(quick["preset"], "quick");
}

#[test]
fn metg_shows_the_smallest_efficient_task() {
    let swept = metg().args(["--rounds", "6"]).run().exits(0);
    let summary = swept.json("summary.json");
    let found = summary["granularities"].as_array().expect("a list");
    let schedules: Vec<&str> = found.iter().filter_map(|it| it["schedule"].as_str()).collect();
    assert_eq!(schedules, ["dynamic", "stealing"]);
    for it in found {
        let tasks: Vec<u64> = it["points"]
            .as_array()
            .expect("points")
            .iter()
            .filter_map(|point| point["tasks"].as_u64())
            .collect();
        assert_eq!(tasks, [512, 128, 32], "{it}");
        for metg in [&it["metg_50"], &it["metg_95"]] {
            assert!(metg["verdict"].is_string() && metg.get("task_ns").is_some(), "{it}");
        }
    }
    assert_eq!(summary["crossovers"], Value::Array(Vec::new()));
    assert!(swept.stdout.starts_with("how small may a task be: pi, blocks of 64 draws, n = 2"));
    for words in ["METG(50%)", "crossbeam", "rayon", "a block's own cost"] {
        assert!(swept.stdout.contains(words), "{words} is not in {}", swept.stdout);
    }
    fits_a_terminal(&swept.stdout);
    has_files(&swept, &["granularity.svg", "granularity.png"]);
    assert!(!swept.out.join("speedup.svg").exists());
}

#[test]
fn each_chunk_of_metg_has_draws_of_its_own_and_a_baseline_of_the_same_job() {
    let plan = plan(Sweep::bare().args(["metg", "-n", "2"]));
    assert_eq!((&plan["preset"], seen(&plan, "block")), (&"metg".into(), vec![64]));
    let cases = plan["cases"].as_array().expect("cases");
    for case in cases.iter().filter(|case| case["backend"] != "sequential") {
        let number = |column: &str| case[column].as_u64().expect("a number");
        let tasks = number("draws") / number("block") / number("chunk");
        assert!((64..=8192).contains(&tasks), "{case}");
        let is_its =
            |other: &&Value| other["backend"] == "sequential" && other["draws"] == case["draws"];
        assert_eq!(cases.iter().filter(is_its).count(), 1, "{case}");
    }
    let skipped = plan["skipped"].as_array().expect("a list");
    assert_eq!(skipped.len(), 1, "{skipped:?}");
    assert_eq!(skipped[0]["backend"], "process-pipe");
}

#[test]
fn conflicting_options_are_refused_by_name() {
    let refused = |args: &[&str], words: &[&str]| {
        let swept = harness(args).exits(2);
        for word in words {
            assert!(swept.stderr.contains(word), "{word} is not in {}", swept.stderr);
        }
        assert_eq!(swept.left_in_home(), [""; 0]);
    };
    refused(&["--crossover", "--quick"], &["--crossover", "--quick"]);
    refused(&["--crossover", "--weak"], &["--weak"]);
    refused(&["--crossover", "--draws", "1e6"], &["--draws", "1e4,1e6,1e8"]);
    refused(&["--crossover", "--precision", "1%"], &["--precision", "--crossover"]);
    refused(&["metg", "--crossover"], &["--crossover", "metg"]);
    refused(&["metg", "--quick"], &["--quick", "metg"]);
    refused(&["metg", "--weak"], &["--weak"]);
    refused(&["metg", "--draws", "1e6,1e7"], &["--draws", "one number"]);
    refused(&["metg", "--chunk", "4"], &["--chunk", "1,4,16,64"]);
    refused(&["metg", "--block", "2^30"], &["--block"]);
    refused(&["metg", "--schedule", "static"], &["--schedule", "static", "dynamic"]);
    refused(&["metg", "-b", "process-pipe"], &["--backend", "process-pipe", "static"]);
    refused(&["metg", "--precision", "1%"], &["--precision", "metg"]);
}

#[test]
fn variables_for_all_runs_do_not_conflict() {
    let steady = |sweep: Sweep| {
        sweep.env("HARNESS_WEAK", "1").env("HARNESS_DRAWS", "2^20").env("HARNESS_CHUNK", "8")
    };
    let crossover = plan(steady(Sweep::new().args(["--crossover", "-b", "rayon"])));
    assert_eq!(seen(&crossover, "draws").len(), 9);
    assert_eq!(crossover["cases"][0]["scaling"], "strong");
    let metg = plan(steady(Sweep::bare().args(["metg", "-b", "rayon", "-n", "2"])));
    assert_eq!(seen(&metg, "draws"), [1 << 20]);
    let some = Sweep::bare().args(["metg"]).env("HARNESS_BACKEND", "process-pipe,rayon");
    assert_eq!(plan(some)["skipped"][0]["backend"], "process-pipe");
    // The baseline's chunk is all of it; the others make 64 tasks at least.
    assert_eq!(seen(&metg, "chunk"), [1, 4, 16, 64, 256, 1 << 14]);
}

#[test]
fn a_run_like_an_earlier_one_has_its_preset() {
    let first = metg().args(["--rounds", "1"]).run().exits(0);
    let like = first.out.to_string_lossy().into_owned();
    let again = Sweep::new().args(["--like", &like]);
    let plan = plan(again);
    let before = first.run_json();
    assert_eq!((&plan["preset"], &plan["cases"]), (&"metg".into(), &before["plan"]["cases"]));
    assert_eq!(plan["stopping"]["rounds"], 9);
    let other = crossover().args(["--rounds", "1"]).run().exits(0);
    let other = other.out.to_string_lossy().into_owned();
    let refused = harness(["metg", "--like", &other]).exits(2);
    assert!(refused.stderr.contains("--like"), "{}", refused.stderr);
    let refused = harness(["--crossover", "--like", &other]).exits(2);
    assert!(refused.stderr.contains("--crossover"), "{}", refused.stderr);
}

#[test]
fn an_interrupted_run_is_resumed_with_its_preset() {
    let running = metg().args(["--rounds", "4"]).start();
    running.wait_for_visits(5);
    running.signal(Signal::SIGINT);
    let cut = running.finish().exits(130);
    let dir = cut.out.to_string_lossy().into_owned();
    let resumed = harness(["resume", &dir]).exits(0);
    assert!(resumed.stdout.starts_with("how small may a task be"), "{}", resumed.stdout);
    let again = report(&cut.out).exits(0);
    assert!(again.stdout.starts_with("how small may a task be"), "{}", again.stdout);
}
