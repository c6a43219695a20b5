//! Options of commands: their plan, and refused usage.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::common::{Sweep, Swept, harness};
use serde_json::{Value, json};

/// Checks for bad usage: exit code 2, a message with these words, and no new file.
#[track_caller]
fn refused(args: &[&str], words: &[&str]) {
    refused_sweep(Sweep::bare().args(args), words);
}

#[track_caller]
fn refused_sweep(sweep: Sweep, words: &[&str]) {
    let before = fs::read_dir(sweep.home()).expect("a directory").count();
    let swept = sweep.run().exits(2);
    for word in words {
        assert!(swept.stderr.contains(word), "{word:?} is not in: {}", swept.stderr);
    }
    assert_eq!((swept.stdout.as_str(), swept.left_in_home().len()), ("", before));
}

/// The plan of a dry run.
#[track_caller]
fn planned(sweep: Sweep) -> Value {
    let swept: Swept = sweep.args(["--dry-run"]).run().exits(0);
    serde_json::from_str(&swept.stdout).expect("JSON and nothing else")
}

/// `--dry-run` must stand before `--`.
#[track_caller]
fn plan(args: &[&str]) -> Value {
    planned_with(&[], args)
}

#[track_caller]
fn planned_with(variables: &[(&str, &str)], args: &[&str]) -> Value {
    let mut sweep = Sweep::bare().args(["--dry-run"]).args(args);
    for (name, value) in variables {
        sweep = sweep.env(name, value);
    }
    let swept = sweep.run().exits(0);
    assert_eq!(swept.left_in_home(), [""; 0], "a dry run creates nothing");
    serde_json::from_str(&swept.stdout).expect("JSON and nothing else")
}

fn labels(plan: &Value) -> Vec<&str> {
    let list = plan["commands"]["list"].as_array().expect("commands");
    list.iter().map(|command| command["label"].as_str().expect("a label")).collect()
}

fn script(sweep: &Sweep, name: &str, mode: u32) -> String {
    let path = sweep.home().join(name);
    fs::write(&path, "#!/bin/sh\nexit 0\n").expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("permissions");
    path.display().to_string()
}

#[test]
fn a_command_is_planned_at_every_count_with_its_thread_variables() {
    let plan = plan(&["-n", "1,3", "--", "sleep", "0.0{nthread}"]);
    assert_eq!(plan["subject"], "commands");
    assert_eq!(
        plan["commands"]["list"],
        json!([
            { "label": "sleep 0.0{nthread}", "words": ["sleep", "0.0{nthread}"] }
        ])
    );
    assert_eq!(plan["commands"]["environment"]["OMP_NUM_THREADS"], "{nthread}");
    assert_eq!((&plan["warmup"], &plan["iterations"]), (&json!(0), &json!(1)));
    assert_eq!((&plan["timeout_ns"], &plan["baseline"]), (&Value::Null, &json!(0)));
    let counts: Vec<u64> = plan["cases"]
        .as_array()
        .expect("cases")
        .iter()
        .map(|case| case["nthread"].as_u64().expect("a count"))
        .collect();
    assert_eq!(counts, [1, 3]);
    assert!(plan["nthread_source"].as_str().expect("words").contains("--nthread 1,3"));
}

#[test]
fn several_commands_are_interleaved_and_have_names() {
    let plan = plan(&[
        "-n",
        "1,2",
        "--command",
        "new=sleep '0.0{nthread}'",
        "--command",
        "sleep 1",
        "--baseline",
        "old=true",
        "--",
        "true",
    ]);
    assert_eq!(labels(&plan), ["old", "true", "new", "sleep 1"]);
    assert_eq!(plan["cases"].as_array().expect("cases").len(), 7);
    assert_eq!(plan["cases"][0]["label"], "old");
    assert_eq!(plan["baseline"], 0);
    assert_eq!(plan["commands"]["list"][2]["words"], json!(["sleep", "0.0{nthread}"]));
}

#[test]
fn a_label_is_read_by_a_shell_as_the_command_was() {
    let plan =
        plan(&["-n", "1,2", "--", "sh", "-c", "sleep  0.{nthread}; echo 'a b'", "-t{nthread}"]);
    let label = labels(&plan)[0];
    let words = ["sh", "-c", "sleep  0.{nthread}; echo 'a b'", "-t{nthread}"];
    assert_eq!(shlex::split(label).expect("a line"), words, "{label}");
    assert!(label.ends_with(" -t{nthread}"), "{label}");
}

#[test]
fn a_shell_gets_the_whole_text() {
    let words = |plan: &Value| plan["commands"]["list"][0]["words"].clone();
    let text = "sleep 0.01; echo {nthread} $HOME";
    let typed = plan(&["-n", "1", "--shell", "--", text]);
    assert_eq!(words(&typed), json!(["/bin/sh", "-c", text]));
    let named = plan(&["-n", "1", "--shell", "--command", &format!("x={text}")]);
    assert_eq!(words(&named), json!(["/bin/sh", "-c", text]));
    refused(&["--shell", "--", "sleep", "1"], &["--shell takes one word", "'sleep 1'"]);
}

#[test]
fn every_option_has_its_variable_and_a_flag_beats_it() {
    let variables = [
        ("HARNESS_COMMAND", "a=sleep 0.1\nb=true\n"),
        ("HARNESS_ENV", "X={nthread}\nY=2"),
        ("HARNESS_OK_CODES", "3,0,3"),
        ("HARNESS_OUTPUT", "keep"),
        ("HARNESS_EXPECT_STDOUT", "same"),
        ("HARNESS_NO_THREAD_ENV", "1"),
        ("HARNESS_BACKEND", "rayon"),
        ("HARNESS_CROSSOVER", "1"),
    ];
    let of_variables = planned_with(&variables, &["-n", "1,2"]);
    let commands = &of_variables["commands"];
    assert_eq!(labels(&of_variables), ["a", "b"]);
    assert_eq!(commands["environment"], json!({ "X": "{nthread}", "Y": "2" }));
    assert_eq!((&commands["ok_codes"], &commands["output"]), (&json!([0, 3]), &json!("keep")));
    assert_eq!(commands["expect"], "same");
    let typed =
        planned_with(&variables, &["-n", "1,2", "--env", "Z=1", "--", "false", "{nthread}"]);
    assert_eq!(labels(&typed), ["false {nthread}"]);
    assert_eq!(typed["commands"]["environment"], json!({ "Z": "1" }));
    let of_backends = planned_with(&variables, &["-n", "1", "-b", "rayon"]);
    assert_eq!(of_backends["subject"], "kernels");
    let bad = Sweep::bare().env("HARNESS_OK_CODES", "x").args(["--", "true"]);
    refused_sweep(bad, &["HARNESS_OK_CODES", "exit code"]);
}

#[test]
fn an_inner_axis_splits_the_thread_variables() {
    let plan = plan(&["-n", "1,2", "--inner-nthread", "1,4", "--", "sleep", "{inner}"]);
    assert_eq!(plan["inner_nthread"], json!([1, 4]));
    assert_eq!(plan["commands"]["environment"]["RAYON_NUM_THREADS"], "{nthread}");
    assert_eq!(plan["commands"]["environment"]["OPENBLAS_NUM_THREADS"], "{inner}");
    assert_eq!(plan["cases"].as_array().expect("cases").len(), 4);
}

#[test]
fn a_misspelt_option_is_refused_with_the_nearest_one() {
    refused(&["--", "sleep", "{nthreads}"], &["{nthreads}", "did you mean {nthread}?"]);
    refused(&["--env", "T={threads}", "--", "true"], &["--env", "{nthread}"]);
    refused(&["--prepare", "touch {N}", "--", "true"], &["--prepare", "{nthread}"]);
    refused(&["--", "sleep", "{inner}"], &["--inner-nthread"]);
    plan(&["-n", "1", "--", "awk", "BEGIN {print}"]);
}

#[test]
fn a_program_that_cannot_be_started_is_refused_before_anything_runs() {
    refused(&["--", "no-such-program"], &["no-such-program", "PATH"]);
    refused(&["--", "./nothing"], &["./nothing", "No such file"]);
    refused(&["--", "/"], &["directory"]);
    refused(&["--baseline", "no-such-program", "--", "true"], &["no-such-program"]);
    let sweep = Sweep::bare();
    let path = script(&sweep, "plain", 0o644);
    refused_sweep(sweep.args(["--", &path]), &["not executable"]);
    // A shell finds out by itself, and --prepare may build the program first.
    plan(&["-n", "1", "--shell", "--", "no-such-program"]);
    plan(&["-n", "1", "--prepare", "true", "--", "./nothing"]);
}

#[test]
fn a_program_with_a_slash_is_looked_up_in_its_working_directory() {
    let sweep = Sweep::bare();
    fs::create_dir(sweep.home().join("there")).expect("a directory");
    script(&sweep, "there/prog", 0o755);
    let args = ["--dry-run", "-n", "1", "--working-dir", "there", "--", "./prog"];
    sweep.args(args).run().exits(0);
    let sweep = Sweep::bare();
    script(&sweep, "prog", 0o755);
    fs::create_dir(sweep.home().join("there")).expect("a directory");
    refused_sweep(sweep.args(args), &["there/./prog"]);
}

#[test]
fn conflicting_options_are_refused() {
    for flag in [
        "-b=rayon",
        "-k=pi",
        "--draws=1e6",
        "--weak",
        "--crossover",
        "--pin=close",
        "--schedule=static",
        "--chunk=1",
        "--block=64",
        "--seed=1",
        "--start-method=fork",
        "--runner=x=true",
    ] {
        refused(&[flag, "--", "true"], &["a command is swept"]);
    }
    refused(&["metg", "--", "true"], &["harness metg"]);
    for flag in [
        "--prepare=true",
        "--env=A=1",
        "--shell",
        "--no-thread-env",
        "--ok-codes=1",
        "--output=show",
        "--baseline=true",
        "--input=/dev/null",
        "--expect-stdout=same",
    ] {
        refused(&[flag, "--rounds", "1"], &["there is no command"]);
    }
}

#[test]
fn malformed_values_are_refused_by_the_name_of_their_flag() {
    for (flag, values) in [
        ("--env", &["", "A", "=1", "1A=1", "A B=1"][..]),
        ("--ok-codes", &["", "256", "-1", "0,,1", "x"]),
        ("--output", &["", "keeep", "x"]),
        ("--expect-stdout", &["/(/", "//"]),
        ("--input", &["", "/no/such/file", "/"]),
        ("--working-dir", &["", "/no/such/dir", "/dev/null"]),
        ("--command", &["", "x=", "a 'b", "''", "OMP_NUM_THREADS=4 ./prog"]),
        ("--baseline", &["", "x=", "a 'b"]),
        ("--prepare", &["", "'", "no-such-program"]),
        ("--inner-nthread", &["0", "x", ""]),
    ] {
        for value in values {
            refused(&[&format!("{flag}={value}"), "--", "true"], &[flag]);
        }
    }
    refused(&["--env", "A=1", "--env", "A=2", "--", "true"], &["--env", "twice"]);
    refused(
        &["--command", "true", "--", "true"],
        &["two commands have the label \"true\"", "name them"],
    );
    refused(&["--", ""], &["empty"]);
}

#[test]
fn a_command_that_does_not_get_its_count_is_refused() {
    refused(&["-n", "1,2", "--no-thread-env", "--", "sleep", "1"], &["sleep 1", "{nthread}"]);
    plan(&["-n", "4", "--no-thread-env", "--", "sleep", "1"]);
    plan(&["-n", "1,2", "--no-thread-env", "--env", "T={nthread}", "--", "sleep", "1"]);
}

#[test]
fn the_expected_output_is_a_text_an_expression_or_that_of_the_first_run() {
    let expect = |what: &str| {
        plan(&["-n", "1", "--expect-stdout", what, "--", "true"])["commands"]["expect"].clone()
    };
    assert_eq!(expect("same"), "same");
    assert_eq!(expect("42"), json!({ "text": "42" }));
    assert_eq!(expect("/^4[0-9]$/"), json!({ "pattern": "^4[0-9]$" }));
}

#[test]
fn a_quick_run_of_commands_has_few_counts_and_six_rounds() {
    let plan = plan(&["--quick", "--", "true"]);
    assert_eq!((&plan["preset"], &plan["stopping"]["rounds"]), (&json!("quick"), &json!(6)));
    assert_eq!(plan["stopping"]["time_budget_ns"], Value::Null);
}

#[test]
fn a_plan_of_commands_can_be_taken_from_an_earlier_run() {
    let first = Sweep::new()
        .args(["-q", "-n", "1,2", "--rounds", "1", "--command", "a=sleep 0.0{nthread}"])
        .run()
        .exits(0);
    let like = |extra: &[&str]| {
        Sweep::bare().arg_path("--like", &first.out).args(["--rounds", "2"]).args(extra)
    };
    let again = planned(like(&[]));
    let before = first.run_json();
    assert_eq!(again["cases"], before["plan"]["cases"]);
    assert_eq!(again["commands"], before["plan"]["commands"]);
    assert_eq!((&again["warmup"], &again["baseline"]), (&json!(0), &json!(0)));
    refused_sweep(like(&["--", "true"]), &["--like", "-- cannot change them"]);
    refused_sweep(like(&["--env", "A=1"]), &["--like", "--env"]);
}

#[test]
fn an_invalid_plan_in_a_file_is_refused() {
    type Spoil = fn(&mut Value);
    let spoils: [(Spoil, &str); 6] = [
        (|plan| plan["cases"][0]["label"] = json!("b"), "there is no command \"b\""),
        (|plan| plan["baseline"] = json!(7), "no such baseline"),
        (|plan| plan["baseline"] = Value::Null, "no such baseline"),
        (|plan| plan["cases"][1]["nthread"] = json!(0), "no threads"),
        (|plan| plan["commands"]["list"][0]["words"] = json!([]), "is empty"),
        (|plan| plan["subject"] = json!("functions"), "functions"),
    ];
    let first = Sweep::new()
        .args(["-q", "-n", "1,2", "--rounds", "1", "--command", "a=sleep 0.0{nthread}"])
        .run()
        .exits(0);
    for (spoil, word) in spoils {
        let mut run = first.run_json();
        spoil(&mut run["plan"]);
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("run.json"), run.to_string()).expect("a file");
        refused_sweep(Sweep::bare().arg_path("--like", dir.path()), &["--like", word]);
    }
}

#[test]
fn help_shows_how_a_command_is_swept() {
    let help = harness(["--help"]).exits(0).stdout.clone();
    for word in ["harness -n 1..8 -- ", "--command", "harness advise"] {
        assert!(help.contains(word), "{word}");
    }
}

#[test]
fn the_page_on_commands_lists_every_thread_variable() {
    use nthread::counts::{Level, THREAD_VARIABLES};
    let page = include_str!("../../docs/COMMANDS.md");
    let listed: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let expected = THREAD_VARIABLES.iter().map(|variable| {
        let count = match variable.level {
            Level::Outer => "n",
            Level::Inner => "inner",
        };
        format!("| `{}` | {count} | {} |", variable.name, variable.read_by)
    });
    assert_eq!(listed, expected.collect::<Vec<_>>());
}
