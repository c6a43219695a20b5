//! The command line: refused usage, output streams and variables.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Command, Stdio};

use crate::common::{Sweep, Swept, harness};
use serde_json::Value;

/// Checks for bad usage: exit code 2, a message on stderr with these words, nothing on
/// stdout, and no new file.
#[track_caller]
fn refused(sweep: Sweep, words: &[&str]) {
    let before = fs::read_dir(sweep.home()).expect("a directory").count();
    let swept = sweep.run().exits(2);
    for word in words {
        assert!(swept.stderr.contains(word), "{word:?} is not in: {}", swept.stderr);
    }
    assert_eq!(swept.stdout, "");
    assert_eq!(swept.left_in_home().len(), before, "{:?}", swept.left_in_home());
}

/// The plan of a dry run.
#[track_caller]
fn plan(sweep: Sweep) -> Value {
    let swept = sweep.args(["--dry-run"]).run().exits(0);
    assert_eq!(swept.left_in_home(), [""; 0], "a dry run creates nothing");
    serde_json::from_str(&swept.stdout).expect("JSON and nothing else")
}

/// The thread counts of a plan.
fn counts(plan: &Value) -> Vec<u64> {
    let counts = plan["nthread"].as_array().expect("a list");
    counts.iter().map(|count| count.as_u64().expect("a count")).collect()
}

#[test]
fn malformed_lists_of_thread_counts_are_refused_with_the_part_and_an_example() {
    for (list, part) in [
        ("0", "\"0\""),
        ("", "\"\""),
        ("1,,2", "empty"),
        ("1,2,", "empty"),
        ("5..3", "\"5..3\""),
        ("1..", "missing"),
        ("..4", "\"..4\""),
        ("1..16:0", "\":0\""),
        ("1..16*1", "\"*1\""),
        ("1..16x0", "\"x0\""),
        ("1..4:2:2", "\":2\""),
        ("two", "\"two\""),
        ("1;2", "\";2\""),
        ("1.5", "\".5\""),
        ("-1", "\"-1\""),
        ("2 4", "\" 4\""),
        ("0*cpus", "\"0*cpus\""),
        ("99999999999999999999", "\"99999999999999999999\""),
        ("1..99999999999", "\"99999999999\""),
        ("2000", "\"2000\""),
        ("1025", "1024"),
    ] {
        let sweep = Sweep::tiny().args([format!("--nthread={list}")]);
        refused(sweep, &["--nthread", part, "a correct list is 1"]);
    }
}

#[test]
fn a_list_that_begins_with_a_minus_is_refused_by_its_name_too() {
    refused(Sweep::tiny().args(["--nthread", "-1"]), &["--nthread"]);
    refused(Sweep::tiny().args(["--draws", "-5"]), &["--draws"]);
}

#[test]
fn malformed_numbers_are_refused_by_the_name_of_their_flag() {
    for (flag, values) in [
        ("--draws", &["0", "-5", "1.5", "2^64", "1e", "many", "", "1e8,,2", "2^51"][..]),
        ("--block", &["0", "100", "32", "2^31", "x", "", "-64"]),
        ("--seed", &["-1", "x", "", "1.5", "18446744073709551616"]),
        ("--order-seed", &["-1", "x", ""]),
        ("--rounds", &["0", "-1", "x", "", "1.5", "99999999999"]),
        ("--warmup", &["-1", "x", "", "99999999999"]),
        ("--iterations", &["0", "-1", "x", "", "99999999999"]),
        ("--chunk", &["0", "-1", "x", "", "1,,2"]),
        ("--time-budget", &["0", "-1s", "soon", "", "1e99"]),
        ("--timeout", &["0", "-1s", "soon", "", "5 parsecs"]),
        ("--schedule", &["", "statik", "static,,dynamic"]),
        ("--kernel", &["", "pie", "pi,,pi"]),
        ("--backend", &["", "rayonn", "all,rayon"]),
        ("--color", &["", "sometimes"]),
    ] {
        for value in values {
            refused(Sweep::new().args([format!("{flag}={value}")]), &[flag]);
        }
    }
}

#[test]
fn malformed_variables_are_refused_by_their_own_name() {
    for (variable, value) in [
        ("HARNESS_NTHREAD", "0"),
        ("HARNESS_DRAWS", "many"),
        ("HARNESS_BLOCK", "100"),
        ("HARNESS_SEED", "x"),
        ("HARNESS_ORDER_SEED", "x"),
        ("HARNESS_ROUNDS", "x"),
        ("HARNESS_ROUNDS", "0"),
        ("HARNESS_WARMUP", "x"),
        ("HARNESS_ITERATIONS", "x"),
        ("HARNESS_ITERATIONS", "0"),
        ("HARNESS_CHUNK", "0"),
        ("HARNESS_TIME_BUDGET", "soon"),
        ("HARNESS_TIMEOUT", "soon"),
        ("HARNESS_SCHEDULE", "statik"),
        ("HARNESS_KERNEL", "pie"),
        ("HARNESS_BACKEND", "rayonn"),
        ("HARNESS_COLOR", "sometimes"),
        ("HARNESS_QUICK", "maybe"),
        ("HARNESS_DRY_RUN", "maybe"),
        ("HARNESS_QUIET", "maybe"),
        ("HARNESS_NO_PROGRESS", "maybe"),
        ("HARNESS_RUNNER", "no command"),
        ("HARNESS_LIKE", "nowhere"),
        ("HARNESS_ISA", "mmx"),
    ] {
        refused(Sweep::new().env(variable, value), &[variable]);
    }
}

#[test]
fn a_variable_that_is_not_utf8_is_refused() {
    let sweep = Sweep::tiny().env("HARNESS_NTHREAD", OsStr::from_bytes(b"1,\xff"));
    refused(sweep, &["HARNESS_NTHREAD"]);
}

#[test]
fn a_misspelt_name_is_answered_by_the_nearest_one() {
    refused(Sweep::new().args(["--backend", "sequential,ryon"]), &["--backend", "ryon", "rayon"]);
    refused(Sweep::new().args(["--kernel", "pi-rnd"]), &["--kernel", "pi-rnd", "pi-rand"]);
    refused(Sweep::new().args(["--schedule", "dynamik"]), &["--schedule", "dynamik", "dynamic"]);
    refused(Sweep::new().args(["--pin", "close,spred"]), &["--pin", "spred", "spread"]);
    refused(Sweep::new().env("HARNESS_PIN", "cloze"), &["HARNESS_PIN", "cloze", "close"]);
    refused(Sweep::new().args(["--nthreads", "2"]), &["--nthreads", "--nthread"]);
    refused(Sweep::bare().args(["lst"]), &["lst", "list"]);
    refused(Sweep::bare().args(["-n", "1", "--"]), &["no command", "--"]);
    Sweep::bare().args(["-n", "1", "--dry-run", "--", "echo", "--"]).run().exits(0);
}

#[test]
fn a_backend_that_knows_none_of_the_schedules_is_refused() {
    let words = ["process-pipe", "static"];
    let flags = ["--backend", "process-pipe", "--schedule", "guided"];
    refused(Sweep::tiny().args(flags), &["--schedule", words[0], words[1]]);
    let variables = Sweep::tiny().env("HARNESS_SCHEDULE", "guided");
    let variables = variables.env("HARNESS_BACKEND", "rayon,process-pipe");
    refused(variables, &["HARNESS_SCHEDULE", words[0], words[1]]);
    let mixed = Sweep::tiny().args(&flags[2..]).env("HARNESS_BACKEND", "process-pipe,rayon");
    refused(mixed, &["--schedule", words[0], words[1]]);
}

#[test]
fn a_results_directory_that_exists_is_refused_and_left_as_it_was() {
    let sweep = Sweep::tiny();
    let out = sweep.home().join("out");
    fs::create_dir(&out).expect("a directory");
    fs::write(out.join("samples.csv"), "precious").expect("a file");
    let swept = sweep.run().exits(2);
    assert!(swept.stderr.contains("--out") && swept.stderr.contains("out"), "{}", swept.stderr);
    assert!(swept.stderr.contains("exists"), "{}", swept.stderr);
    assert_eq!(swept.stdout, "");
    assert_eq!(swept.read("samples.csv"), "precious");
    assert_eq!(fs::read_dir(&swept.out).expect("a directory").count(), 1);
}

#[test]
fn a_results_directory_that_cannot_be_created_is_refused_by_its_path() {
    let sweep = Sweep::bare().args(["--rounds", "1", "--out", "file/out"]);
    fs::write(sweep.home().join("file"), "").expect("a file");
    refused(sweep, &["file/out"]);
    refused(
        Sweep::bare().args(["--rounds", "1", "--out", "/proc/nowhere/out"]),
        &["/proc/nowhere/out"],
    );
    let long = "x".repeat(300);
    // A parent that could be created must not be left behind.
    refused(Sweep::bare().args(["--rounds", "1", "-o", &format!("new/{long}")]), &[&long]);
}

#[test]
fn a_results_directory_that_exists_is_refused_by_the_name_of_its_variable() {
    let sweep = Sweep::bare().env("HARNESS_OUT", "there");
    fs::create_dir(sweep.home().join("there")).expect("a directory");
    refused(sweep, &["HARNESS_OUT", "there"]);
}

#[test]
fn malformed_runners_are_refused() {
    for (runner, word) in [
        ("noequals", "NAME=COMMAND"),
        ("=sh", "name"),
        ("mine=", "command"),
        ("mine=  ", "command"),
        ("mine='sh", "quote"),
        ("my runner=sh", "my runner"),
        ("a/b=sh", "a/b"),
        ("all=sh", "all"),
        ("rayon=sh", "rayon"),
        ("sequential=sh", "sequential"),
    ] {
        refused(Sweep::new().args(["--runner", runner]), &["--runner", word]);
    }
    let twice = Sweep::new().args(["--runner", "a=sh", "--runner", "a=sh"]);
    refused(twice, &["--runner", "\"a\""]);
}

#[test]
fn a_runner_whose_program_does_not_exist_is_refused() {
    let path = "/nowhere/at/all";
    for backends in ["absent", "all", "rayon"] {
        let sweep = Sweep::tiny().args(["-b", backends, "--runner"]);
        refused(sweep.args([format!("absent={path}")]), &["--runner", "absent", path]);
    }
    let in_path = Sweep::tiny().args(["--runner", "absent=no-such-program x"]);
    refused(in_path, &["--runner", "absent", "no-such-program", "PATH"]);
}

#[test]
fn a_misspelt_variable_is_a_warning() {
    let sweep = Sweep::tiny().args(["-n", "1", "-b", "sequential"]).env("HARNESS_NTHREADS", "4");
    let swept = sweep.run().exits(0);
    assert!(swept.stderr.contains("HARNESS_NTHREADS is no option"), "{}", swept.stderr);
    assert!(swept.stderr.contains("did you mean HARNESS_NTHREAD"), "{}", swept.stderr);
}

#[test]
fn more_threads_than_the_limits_allow_are_refused_before_anything_runs() {
    use nix::sys::resource::Resource;
    let sweep = Sweep::tiny().args(["-n", "1,500"]).limit(Resource::RLIMIT_NOFILE, 100);
    refused(sweep, &["--nthread", "500", "ulimit"]);
    let sweep = Sweep::tiny().env("HARNESS_NTHREAD", "500").limit(Resource::RLIMIT_NOFILE, 100);
    refused(sweep, &["HARNESS_NTHREAD", "500", "ulimit"]);
}

#[test]
fn an_option_of_the_plan_conflicts_with_like() {
    let first = Sweep::tiny().args(["-n", "1", "-b", "sequential"]).run().exits(0);
    for (flag, value) in [
        ("--nthread", Some("2")),
        ("--backend", Some("rayon")),
        ("--kernel", Some("pi")),
        ("--draws", Some("2^16")),
        ("--block", Some("2^10")),
        ("--seed", Some("1")),
        ("--schedule", Some("static")),
        ("--chunk", Some("1")),
        ("--pin", Some("close")),
        ("--weak", None),
        ("--quick", None),
    ] {
        let sweep = Sweep::new().arg_path("--like", &first.out).args([flag]).args(value);
        refused(sweep, &["--like", flag]);
    }
}

#[test]
fn a_directory_without_a_run_is_refused_by_like_and_report() {
    refused(Sweep::new().args(["--like", "nowhere"]), &["--like", "nowhere"]);
    refused(Sweep::bare().args(["report", "nowhere"]), &["nowhere"]);
    for junk in ["", "{}", "[1,2]", "{\"plan\":"] {
        let sweep = Sweep::bare().args(["report", "."]);
        fs::write(sweep.home().join("run.json"), junk).expect("a file");
        refused(sweep, &["run.json"]);
    }
}

#[test]
fn an_invalid_row_is_reported_with_its_line_and_an_invalid_header_refused() {
    let first = Sweep::tiny().args(["-n", "1", "-b", "sequential"]).run().exits(0);
    let with = |from: &str, to: &str| {
        let sweep = Sweep::bare().args(["report", "."]);
        let broken = first.read("samples.csv").replacen(from, to, 1);
        fs::write(sweep.home().join("samples.csv"), broken).expect("a file");
        fs::copy(first.out.join("run.json"), sweep.home().join("run.json")).expect("a file");
        sweep
    };
    let read = with(",setup,", ",lunch,").run().exits(0);
    assert!(
        read.stdout.contains("warning: samples.csv, line 2, column phase: \"lunch\""),
        "{}",
        read.stdout
    );
    refused(with(",phase,", ",lunch,"), &["samples.csv", "line 1", "phase"]);
}

#[test]
fn a_sweep_takes_no_stray_arguments() {
    refused(Sweep::new().args(["results"]), &["results"]);
    refused(Sweep::new().args(["--no-such-flag"]), &["--no-such-flag"]);
    refused(Sweep::bare().args(["report"]), &["DIR"]);
    refused(Sweep::bare().args(["completions", "tcsh"]), &["tcsh", "bash"]);
}

#[test]
fn a_flag_beats_its_variable() {
    let sweep = Sweep::new().env("HARNESS_NTHREAD", "3").env("HARNESS_DRAWS", "junk");
    let plan = plan(sweep.args(["-n", "2", "--draws", "2^20"]));
    assert_eq!(counts(&plan), [2]);
    assert_eq!(plan["cases"][0]["draws"], 1 << 20);
}

#[test]
fn an_empty_variable_is_not_set() {
    let sweep = Sweep::new().args(["-b", "sequential"]).env("HARNESS_NTHREAD", "");
    let plan = plan(sweep.env("HARNESS_DRAWS", "").env("OMP_NUM_THREADS", "3"));
    assert_eq!(counts(&plan), [1, 2, 3]);
    assert!(plan["cases"][0]["draws"].is_null());
}

#[test]
fn every_option_has_a_variable() {
    let variables = [
        ("HARNESS_NTHREAD", "1..3"),
        ("HARNESS_BACKEND", "rayon"),
        ("HARNESS_KERNEL", "pi-rand"),
        ("HARNESS_DRAWS", "1e5,2e5"),
        ("HARNESS_BLOCK", "2^10"),
        ("HARNESS_SEED", "5"),
        ("HARNESS_ORDER_SEED", "6"),
        ("HARNESS_SCHEDULE", "stealing"),
        ("HARNESS_CHUNK", "2"),
        ("HARNESS_PIN", "spread"),
        ("HARNESS_WEAK", "1"),
        ("HARNESS_ROUNDS", "7"),
        ("HARNESS_TIME_BUDGET", "90s"),
        ("HARNESS_WARMUP", "0"),
        ("HARNESS_ITERATIONS", "4"),
        ("HARNESS_TIMEOUT", "2min"),
        ("HARNESS_DRY_RUN", "1"),
    ];
    let sweep = variables.iter().fold(Sweep::new(), |sweep, (name, value)| sweep.env(name, value));
    let plan: Value = serde_json::from_str(&sweep.run().exits(0).stdout).expect("JSON");
    assert_eq!(counts(&plan), [1, 2, 3]);
    let cases = plan["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 8, "rayon at three counts and the baseline, for two draws");
    let last = &cases[cases.len() - 1];
    assert_eq!((&last["kernel"], &last["backend"]), (&"pi-rand".into(), &"rayon".into()));
    assert_eq!(
        (&last["block"], &last["chunk"], &last["seed"]),
        (&1024.into(), &2.into(), &5.into())
    );
    assert_eq!((&last["pin"], &last["scaling"]), (&"spread".into(), &"weak".into()));
    // 200,000 draws are 195.3 blocks of 1024, for each of three workers.
    assert_eq!((&last["nthread"], &last["draws"]), (&3.into(), &(3 * 196 * 1024).into()));
    assert_eq!(plan["order_seed"], 6);
    assert_eq!(plan["stopping"]["rounds"], 7);
    assert_eq!(plan["stopping"]["time_budget_ns"], 90_000_000_000_u64);
    assert_eq!((&plan["warmup"], &plan["iterations"]), (&0.into(), &4.into()));
    assert_eq!(plan["timeout_ns"], 120_000_000_000_u64);
}

#[test]
fn only_the_options_of_the_verb_at_hand_are_read() {
    let junk = |verb: &str| Sweep::bare().args([verb]).env("HARNESS_NTHREAD", "junk");
    junk("list").run().exits(0);
    junk("env").run().exits(0);
    Sweep::bare().args(["completions", "bash"]).env("HARNESS_DRAWS", "junk").run().exits(0);
}

#[test]
fn thread_variables_set_the_top_of_the_default_list() {
    let top = |variable: &str, value: &str| {
        counts(&plan(Sweep::new().args(["-b", "sequential"]).env(variable, value)))
    };
    assert_eq!(top("RAYON_NUM_THREADS", "5"), [1, 2, 3, 4, 5]);
    assert_eq!(top("OMP_NUM_THREADS", "1"), [1]);
    assert_eq!(top("OMP_NUM_THREADS", "4,2"), [1, 2, 3, 4]);
    let both = Sweep::new().env("RAYON_NUM_THREADS", "2").env("OMP_NUM_THREADS", "7");
    assert_eq!(counts(&plan(both)), [1, 2]);
}

#[test]
fn a_run_says_first_where_its_counts_come_from_and_how_to_override_them() {
    let swept = Sweep::tiny().args(["-b", "sequential"]).env("OMP_NUM_THREADS", "1").run().exits(0);
    let first = swept.stderr.lines().next().expect("a line");
    assert!(first.contains("OMP_NUM_THREADS=1") && first.contains("--nthread"), "{first}");
}

#[test]
fn an_invalid_thread_variable_is_ignored_with_a_note() {
    let sweep = Sweep::tiny().args(["-b", "sequential"]).env("RAYON_NUM_THREADS", "many");
    let swept = sweep.env("OMP_NUM_THREADS", "0").run().exits(0);
    for variable in ["RAYON_NUM_THREADS", "OMP_NUM_THREADS"] {
        let is_about = |line: &&str| line.contains(variable) && line.contains("ignored");
        assert_eq!(swept.stderr.lines().filter(is_about).count(), 1, "{}", swept.stderr);
    }
}

#[test]
fn a_dry_run_prints_the_plan_and_creates_nothing() {
    let plan =
        plan(Sweep::new().args(["-n", "1..4", "-b", "rayon,std-thread", "-k", "pi,pi-rand"]));
    let cases = plan["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 2 * (1 + 2 * 4));
    for case in cases {
        assert!(case["draws"].is_null(), "they are not calibrated yet");
    }
    assert!(plan["draws_rule"].as_str().is_some_and(|rule| rule.contains("calibrated")));
    let visits = plan["first_round"].as_array().expect("groups");
    let visits: usize = visits.iter().map(|group| group.as_array().expect("a group").len()).sum();
    assert!(visits >= cases.len());
    for (index, case) in cases.iter().enumerate() {
        let others = cases.iter().filter(|other| *other == case).count();
        assert_eq!(others, 1, "case {index} is there once");
    }
}

#[test]
fn all_selects_every_kernel_of_the_registry_and_conflicts_with_names() {
    let plan = plan(Sweep::new().args(["-n", "1", "-b", "sequential", "-k", "all"]));
    let cases = plan["cases"].as_array().expect("cases");
    let kernels: Vec<_> = cases.iter().map(|case| case["kernel"].as_str()).collect();
    let registry = nthread::Registry::default();
    assert_eq!(kernels, registry.kernel_names().into_iter().map(Some).collect::<Vec<_>>());
    refused(Sweep::new().args(["--kernel", "pi,all"]), &["--kernel", "cannot be combined"]);
}

#[test]
fn draws_of_all_workers_have_a_limit_too() {
    let sweep = Sweep::new().args(["--weak", "--draws", "2^50", "-n", "2", "-b", "rayon"]);
    refused(sweep, &["--draws", "of all workers"]);
}

#[test]
fn another_order_seed_gives_another_order() {
    let order = |seed| {
        plan(Sweep::new().args(["-n", "1..5", "-b", "rayon", "--order-seed", seed]))["first_round"]
            .clone()
    };
    assert_eq!(order("5"), order("5"));
    assert_ne!(order("5"), order("6"));
}

#[test]
fn the_baseline_is_always_there_and_only_once() {
    for backends in ["rayon", "sequential", "rayon,sequential,rayon", "all"] {
        let plan = plan(Sweep::new().args(["-n", "1..3", "-b", backends]));
        let cases = plan["cases"].as_array().expect("cases");
        let baselines = cases.iter().filter(|case| case["backend"] == "sequential").count();
        assert_eq!(baselines, 1, "{backends}");
    }
}

#[test]
fn draws_are_rounded_up_to_whole_blocks() {
    let plan = plan(Sweep::new().args(["--draws", "1,100_000", "--block", "2^10", "-n", "1"]));
    let cases = plan["cases"].as_array().expect("cases");
    let mut draws: Vec<u64> = cases.iter().filter_map(|case| case["draws"].as_u64()).collect();
    draws.dedup();
    assert_eq!(draws, [1024, 100_352]);
}

#[test]
fn the_plans_first_round_is_the_runs_first_round() {
    let options = ["-n", "1..4", "-b", "std-thread,crossbeam,rayon", "--order-seed", "11"];
    let plan = plan(Sweep::tiny().args(options));
    let swept = Sweep::tiny().args(options).run().exits(0);
    let planned = plan["first_round"].as_array().expect("groups").iter().enumerate();
    let planned: Vec<(String, String, String)> = planned
        .flat_map(|(group, visits)| {
            let visits = visits.as_array().expect("a group").iter();
            let cases = &plan["cases"];
            visits.map(move |index| {
                let case = &cases[index.as_u64().expect("an index") as usize];
                let backend = case["backend"].as_str().expect("a name").to_string();
                (group.to_string(), backend, case["nthread"].to_string())
            })
        })
        .collect();
    let visits = swept.rows().into_iter().filter(|row| row["phase"] == "visit");
    let visited: Vec<(String, String, String)> = visits
        .map(|row| (row["group"].clone(), row["backend"].clone(), row["nthread"].clone()))
        .collect();
    assert_eq!(planned, visited);
}

/// Runs a verb that must succeed, with nothing on stderr; returns its stdout.
#[track_caller]
fn prints(args: &[&str]) -> Swept {
    let swept = harness(args).exits(0);
    assert!(!swept.stdout.is_empty());
    assert_eq!(swept.stderr, "");
    assert_eq!(swept.left_in_home(), [""; 0]);
    swept
}

#[test]
fn list_names_every_kernel_and_backend() {
    let list = prints(&["list"]);
    let registry = nthread::Registry::default();
    for name in registry.kernel_names().into_iter().chain(registry.backend_names()) {
        let is_of = |line: &str| line.split_whitespace().next() == Some(name);
        assert!(list.stdout.lines().any(is_of), "{name}");
    }
}

#[test]
fn list_says_why_a_runner_cannot_run_here() {
    let list = prints(&["list", "--runner", "absent=/nowhere/at/all x"]);
    let lines: Vec<&str> = list.stdout.lines().collect();
    let absent = lines.iter().position(|line| line.contains("absent")).expect("absent");
    assert!(lines[absent..].join(" ").contains("/nowhere/at/all cannot be executed: No such file"));
}

#[test]
fn env_of_a_command_that_is_not_there_is_bad_usage() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path().display().to_string();
    for (command, problem) in [
        ("./absent", "./absent cannot be executed"),
        ("no-such-command", "there is no no-such-command in PATH"),
        ("/etc/passwd", "is not executable"),
        ("./prog-{nthread}", "./prog-{nthread} cannot be executed"),
        (directory.as_str(), "is a directory"),
        (" ", "the command is empty"),
    ] {
        let swept = Sweep::bare().args(["env", "--", command]).run().exits(2);
        assert!(swept.stderr.contains(problem), "{problem}: {}", swept.stderr);
        assert_eq!(swept.stdout, "");
    }
    let swept = Sweep::bare().args(["env", "--", "sh"]).run().exits(0);
    assert!(swept.stdout.contains("libraries of sh"), "{}", swept.stdout);
}

#[test]
fn env_says_where_each_value_comes_from() {
    let sweep = Sweep::bare().args(["env"]).env("HARNESS_ROUNDS", "5").env("OMP_NUM_THREADS", "2");
    let text = &sweep.run().exits(0).stdout.clone();
    let line = |word: &str| {
        text.lines().find(|line| line.contains(word)).unwrap_or_else(|| panic!("{word}: {text}"))
    };
    assert!(line("--rounds").contains('5') && line("--rounds").contains("HARNESS_ROUNDS"));
    assert!(line("--seed").contains("default"));
    assert!(line("OMP_NUM_THREADS").contains('2'));
    for fact in ["usable CPUs", "affinity", "cgroup quota", "kernel", "pin close", "pin spread"] {
        line(fact);
    }
}

#[test]
fn help_begins_with_the_common_tasks_and_lists_every_option() {
    let help = prints(&["--help"]);
    let text = &help.stdout;
    assert!(text.trim_start().starts_with("Three common tasks"), "{text}");
    for option in [
        "--nthread",
        "--backend",
        "--kernel",
        "--draws",
        "--block",
        "--seed",
        "--order-seed",
        "--schedule",
        "--chunk",
        "--pin",
        "--weak",
        "--rounds",
        "--time-budget",
        "--quick",
        "--warmup",
        "--iterations",
        "--timeout",
        "--like",
        "--dry-run",
        "--runner",
        "--out",
        "--quiet",
        "--no-progress",
        "--color",
    ] {
        assert!(text.contains(option), "{option}");
    }
    for verb in ["list", "env", "report", "selftest", "completions"] {
        assert!(text.contains(verb), "{verb}");
        prints(&[verb, "--help"]);
    }
    prints(&["-h"]);
}

#[test]
fn version_has_the_commit() {
    let text = &prints(&["--version"]).stdout.clone();
    let is_whole = |text: &str| text.starts_with("harness ") && text.trim_end().ends_with(')');
    assert!(is_whole(text) && text.contains(env!("CARGO_PKG_VERSION")), "{text}");
}

#[test]
fn completions_are_there_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(prints(&["completions", shell]).stdout.contains("nthread"), "{shell}");
    }
}

#[test]
fn a_closed_pipe_ends_the_program_without_a_message() {
    for verb in [&["--help"][..], &["list"], &["env"], &["completions", "bash"], &["--dry-run"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let done = command.args(verb).stdout(writer).stderr(Stdio::piped()).output();
        let done = done.expect("it starts");
        assert_eq!(String::from_utf8_lossy(&done.stderr), "", "{verb:?}");
        // Some systems report a reader that left as SIGPIPE; ours ends well.
        assert_eq!(done.status.code(), Some(0), "{verb:?}: {}", done.status);
    }
}

#[test]
fn a_sweep_with_a_closed_pipe_keeps_its_files() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    command.args(["-n1", "-bsequential", "--draws=2^14", "--rounds=1", "-q", "-oout"]);
    let status = command.current_dir(home.path()).stdout(writer).stderr(Stdio::null()).status();
    assert_eq!(status.expect("it starts").code(), Some(0));
    assert!(home.path().join("out/summary.csv").exists());
}

#[test]
fn quiet_prints_only_the_result() {
    let sweep = Sweep::tiny().args(["-n", "1", "-b", "sequential", "--quiet"]);
    let swept = sweep.run().exits(0);
    let is_about_the_build = |line: &str| line.contains("debug build");
    assert!(swept.stderr.lines().all(is_about_the_build), "{}", swept.stderr);
    assert!(swept.stdout.contains("every answer identical"));
}

#[test]
fn a_pipe_gets_colours_only_on_request() {
    let dir = Sweep::tiny().args(["-n", "1", "-b", "std-thread"]).run().exits(0);
    assert!(!dir.stdout.contains('\x1b'));
    let report = Sweep::bare().args([OsStr::new("report"), dir.out.as_os_str()]);
    let report = report.args(["--color", "always"]).run().exits(0);
    assert!(report.stdout.contains('\x1b'));
}
