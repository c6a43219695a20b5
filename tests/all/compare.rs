//! `harness compare` and `harness report` of several directories, on directories
//! with synthetic times.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{Swept, harness};
use nthread::record::{
    Case, CommandPlan, Phase, PlannedCommand, Row, Run, SAMPLES_FILE, SCHEMA, Session, Target,
    Writer,
};
use serde_json::Value;
use tempfile::TempDir;

/// A synthetic run.
struct SyntheticRun {
    run: Run,
    /// The time of a call of each case, and the share by which rounds differ.
    times: Vec<(Case, f64, f64)>,
    rounds: u32,
}

fn case(backend: &str, nthread: u32) -> Case {
    Case {
        kernel: "pi".into(),
        backend: backend.into(),
        nthread,
        schedule: "static".into(),
        chunk: Some(4),
        block: 64,
        pin: "none".into(),
        inner_nthread: 1,
        scaling: "strong".into(),
        draws: Some(640),
        seed: 1,
        ..Case::default()
    }
}

impl SyntheticRun {
    /// Twelve rounds of a sequential loop of 50 ms, of rayon 1.9 times, and of
    /// threads 1.8 times as fast, with noise of half a percent.
    fn usual() -> SyntheticRun {
        let mut run = Run::default();
        run.machine.cpu_model = Some("Some CPU".into());
        run.machine.usable_cpus = Some(2);
        run.sessions = vec![Session { start: "2026-11-23T00:00:00Z".into(), ..Session::default() }];
        let times = vec![
            (case("sequential", 1), 50e6, 0.0),
            (case("rayon", 2), 50e6 / 1.9, 0.005),
            (case("std-thread", 2), 50e6 / 1.8, 0.005),
        ];
        SyntheticRun { run, times, rounds: 12 }
    }

    /// Replaces the time of a backend.
    fn taking(mut self, backend: &str, ns: f64, share: f64) -> SyntheticRun {
        for (case, time, noise) in &mut self.times {
            if case.backend == backend {
                (*time, *noise) = (ns, share);
            }
        }
        self
    }

    fn rounds(mut self, rounds: u32) -> SyntheticRun {
        self.rounds = rounds;
        self
    }

    fn changed(mut self, change: impl Fn(&mut Case)) -> SyntheticRun {
        self.times.iter_mut().for_each(|(case, ..)| change(case));
        self
    }

    fn on(mut self, cpu: &str) -> SyntheticRun {
        self.run.machine.cpu_model = Some(cpu.into());
        self
    }

    /// Writes the results directory.
    fn write(mut self, home: &TempDir, name: &str) -> PathBuf {
        let dir = home.path().join(name);
        fs::create_dir(&dir).expect("a directory");
        self.run.plan.cases = self.times.iter().map(|(case, ..)| case.clone()).collect();
        self.run.write(&dir).expect("run.json");
        let mut writer = Writer::create(&dir.join(SAMPLES_FILE)).expect("samples.csv");
        for round in 0..self.rounds {
            for (index, (case, ns, share)) in self.times.iter().enumerate() {
                // To either side in turn, so that no trend is seen.
                let side = if round % 2 == 0 { 1.0 } else { -1.0 };
                let off = side * share * f64::from(1 + round / 2) / f64::from(self.rounds / 2 + 1);
                let visit = u64::from(round) * self.times.len() as u64 + index as u64;
                let row =
                    Row { schema: SCHEMA, round, visit, case: case.clone(), ..Row::default() };
                let wall_ns = Some((ns * (1.0 + off)) as u64);
                let call = Row { phase: Phase::Call, iteration: Some(0), wall_ns, ..row.clone() };
                writer.append(&[call, Row { phase: Phase::Visit, ..row }]).expect("rows");
            }
        }
        dir
    }
}

fn home() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// `harness compare` of two synthetic runs, with arguments.
fn compare(before: SyntheticRun, after: SyntheticRun, args: &[&str]) -> Swept {
    let home = home();
    compare_dirs(&before.write(&home, "before"), &after.write(&home, "after"), args)
}

fn compare_dirs(before: &Path, after: &Path, args: &[&str]) -> Swept {
    let mut all =
        vec!["compare".into(), before.as_os_str().to_owned(), after.as_os_str().to_owned()];
    all.extend(args.iter().map(Into::into));
    harness(all)
}

fn json(compared: &Swept) -> Value {
    serde_json::from_str(&compared.stdout).expect("one JSON object")
}

#[test]
fn a_run_passes_against_itself() {
    let home = home();
    let dir = SyntheticRun::usual().write(&home, "run");
    let compared = compare_dirs(&dir, &dir, &[]).exits(0);
    let text = &compared.stdout;
    assert!(text.ends_with("no regression: 2 cases equivalent, within 5%\n"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
}

#[test]
fn a_regression_exits_with_1_and_names_the_case() {
    let slower = || SyntheticRun::usual().taking("rayon", 50e6 / 1.5, 0.005);
    let compared = compare(SyntheticRun::usual(), slower(), &[]).exits(1);
    let last = compared.stdout.lines().last().expect("a conclusion");
    assert!(compared.stdout.contains("REGRESSION: 1 of 2 cases slower"), "{last}");
    assert!(compared.stdout.contains("\nslower:\n  rayon"), "{}", compared.stdout);
    assert!(compared.stdout.contains("1.90 → 1.50"), "{}", compared.stdout);
    // It stands, whatever else is undecided.
    let noisy = slower().taking("std-thread", 50e6 / 1.8, 0.3);
    compare(SyntheticRun::usual(), noisy, &["--undecided", "pass"]).exits(1);
    // The other way round it is an improvement.
    compare(slower(), SyntheticRun::usual(), &[]).exits(0);
    // A margin of its own size forgives it.
    compare(SyntheticRun::usual(), slower(), &["--margin", "40%"]).exits(0);
}

#[test]
fn noise_is_unresolved_and_the_smallest_detectable_difference_is_shown() {
    let noisy = || SyntheticRun::usual().taking("rayon", 50e6 / 1.9, 0.3);
    let compared = compare(SyntheticRun::usual(), noisy(), &[]).exits(3);
    let words = compared.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("is detected with 80% power"), "{}", compared.stdout);
    assert!(words.contains("more rounds: about"), "{}", compared.stdout);
    assert!(compared.stdout.contains("undecided: 1 of 2 cases"), "{}", compared.stdout);
    compare(SyntheticRun::usual(), noisy(), &["--undecided", "pass"]).exits(0);
    compare(SyntheticRun::usual(), noisy(), &["--undecided", "fail"]).exits(3);
    let few = compare(SyntheticRun::usual(), SyntheticRun::usual().rounds(5), &[]).exits(3);
    assert!(few.stdout.contains("fewer than 6 rounds"), "{}", few.stdout);
}

#[test]
fn a_baseline_that_moved_is_named_and_judged_on_request() {
    let scaled = |case: &str, speedup: f64| (case.to_string(), 60e6 / speedup);
    let (rayon, threads) = (scaled("rayon", 1.9), scaled("std-thread", 1.8));
    let slower = || {
        SyntheticRun::usual()
            .taking("sequential", 60e6, 0.0)
            .taking(&rayon.0, rayon.1, 0.005)
            .taking(&threads.0, threads.1, 0.005)
    };
    let compared = compare(SyntheticRun::usual(), slower(), &[]).exits(0);
    assert!(
        compared.stdout.contains("WARNING: the baseline itself became slower"),
        "{}",
        compared.stdout
    );
    assert!(compared.stdout.contains("50.0 → 60.0 ms"), "{}", compared.stdout);
    let compared = compare(SyntheticRun::usual(), slower(), &["--absolute"]).exits(1);
    assert!(compared.stdout.contains("REGRESSION: 3 of 3 cases slower by raw time"));
    assert!(!compared.stdout.contains("WARNING"), "{}", compared.stdout);
}

#[test]
fn other_machines_are_refused_unless_forced() {
    let refused =
        compare(SyntheticRun::usual(), SyntheticRun::usual().on("Another CPU"), &[]).exits(2);
    assert!(refused.stderr.contains("CPU: Some CPU → Another CPU"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--force") && refused.stdout.is_empty());
    let forced =
        compare(SyntheticRun::usual(), SyntheticRun::usual().on("Another CPU"), &["--force"])
            .exits(0);
    assert!(forced.stdout.contains("FORCED: another machine"), "{}", forced.stdout);
}

#[test]
fn an_error_of_writing_the_result_is_not_exit_code_1() {
    let home = home();
    let dir = SyntheticRun::usual().write(&home, "run");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a full disk");
    let harness = std::process::Command::new(env!("CARGO_BIN_EXE_harness"))
        .arg("compare")
        .args([&dir, &dir])
        .stdout(full)
        .output()
        .expect("it runs");
    assert_eq!(harness.status.code(), Some(2));
    let said = String::from_utf8_lossy(&harness.stderr);
    assert!(said.contains("cannot write to stdout"), "{said}");
}

#[test]
fn runs_that_cannot_be_compared_are_bad_usage() {
    let home = home();
    let run = SyntheticRun::usual().write(&home, "run");
    let nothing = compare_dirs(&run, &home.path().join("none"), &[]).exits(2);
    assert!(nothing.stderr.contains("none/samples.csv"), "{}", nothing.stderr);
    let others =
        SyntheticRun::usual().changed(|case| case.kernel = "other".into()).write(&home, "others");
    let refused = compare_dirs(&run, &others, &[]).exits(2);
    assert!(refused.stderr.contains("no case in common"), "{}", refused.stderr);
    compare_dirs(&run, &run, &["--margin", "5"]).exits(2);
    compare_dirs(&run, &run, &["--undecided", "maybe"]).exits(2);
    compare_dirs(&run, &run, &["--json", "--markdown"]).exits(2);
}

/// A run of a command at 1 and 2 threads.
fn of_command(label: &str) -> SyntheticRun {
    let mut run = SyntheticRun::usual();
    let case = |nthread| Case {
        backend: "command".into(),
        nthread,
        inner_nthread: 1,
        scaling: "strong".into(),
        label: label.into(),
        ..Case::default()
    };
    run.times = vec![(case(1), 50e6, 0.0), (case(2), 26e6, 0.005)];
    run.run.plan.target = Target::Command;
    run.run.plan.baseline = Some(0);
    let command = PlannedCommand { label: label.into(), words: vec![label.into()] };
    run.run.plan.commands = Some(CommandPlan { list: vec![command], ..CommandPlan::default() });
    run
}

#[test]
fn commands_that_differ_by_a_path_are_compared_by_position_and_the_result_says_so() {
    let compared = compare(of_command("/old/prog"), of_command("/new/prog"), &[]).exits(0);
    let text = compared.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("matched by position"), "{text}");
    assert!(text.contains("/old/prog → /new/prog"), "{text}");
    let compared = compare(of_command("/old/prog"), of_command("/new/prog"), &["--json"]);
    let renamed = &json(&compared.exits(0))["renamed"][0];
    assert_eq!((&renamed["before"], &renamed["after"]), (&"/old/prog".into(), &"/new/prog".into()));
    assert_eq!(renamed["by_position"], Value::Bool(true));
}

#[test]
fn commands_of_different_names_are_compared_as_map_says() {
    let map = ["--map", "old={nthread}=new={nthread}"];
    let runs = || (of_command("old={nthread}"), of_command("new={nthread}"));
    let compared = compare(runs().0, runs().1, &map).exits(0);
    assert!(compared.stdout.contains("matched by --map"), "{}", compared.stdout);
    let wrong = compare(runs().0, runs().1, &["--map", "old=other"]).exits(2);
    assert!(wrong.stderr.contains("after: \"new={nthread}\""), "{}", wrong.stderr);
}

#[test]
fn a_refusal_without_common_cases_names_the_map_that_leads_on() {
    let mut other = of_command("./b {nthread}");
    // Another shape, so that positions say nothing.
    other.times.push((Case { nthread: 4, ..other.times[1].0.clone() }, 20e6, 0.005));
    let home = home();
    let before = of_command("./a {nthread}").write(&home, "before");
    let after = other.write(&home, "after");
    let refused = compare_dirs(&before, &after, &[]).exits(2);
    assert!(refused.stderr.contains("no case in common"), "{}", refused.stderr);
    let hint = "--map './a {nthread}=./b {nthread}'";
    assert!(refused.stderr.contains(hint), "{}", refused.stderr);
    let followed = compare_dirs(&before, &after, &["--map", "./a {nthread}=./b {nthread}"]);
    assert!(followed.exits(0).stdout.contains("only after (1)"));
}

#[test]
fn other_draws_are_compared_per_draw_and_lone_cases_listed() {
    let mut twice = SyntheticRun::usual().changed(|case| {
        (case.draws, case.chunk, case.seed) = (Some(1280), Some(8), 2);
    });
    twice.times.iter_mut().for_each(|(_, ns, _)| *ns *= 2.0);
    twice.times.push((Case { draws: Some(1280), ..case("crossbeam", 2) }, 50e6, 0.005));
    let compared = compare(SyntheticRun::usual(), twice, &["--absolute"]).exits(0);
    let text = &compared.stdout;
    assert!(text.contains("pi, 640 → 1,280 draws a call"), "{text}");
    assert!(text.contains("times are per draw"), "{text}");
    assert!(text.contains("only after (1): crossbeam, n = 2"), "{text}");
    assert!(text.contains("not the same: seed: 1 → 1, 2"), "{text}");
}

#[test]
fn the_result_is_one_json_object() {
    let slower = SyntheticRun::usual().taking("rayon", 50e6 / 1.5, 0.005);
    let found = json(&compare(SyntheticRun::usual(), slower, &["--json"]).exits(1));
    assert_eq!((&found["conclusion"], &found["judged"]), (&"regression".into(), &"speedup".into()));
    assert_eq!((&found["comparisons"], &found["baseline_moved"]), (&2.into(), &false.into()));
    let [baseline, rayon, threads] = &found["cases"].as_array().expect("cases")[..] else {
        panic!("three cases")
    };
    assert_eq!((&rayon["backend"], &rayon["verdict"]), (&"rayon".into(), &"slower".into()));
    assert!((rayon["speedup"]["ratio"].as_f64().expect("a ratio") - 1.5 / 1.9).abs() < 1e-6);
    assert!(rayon["speedup"]["joint_high"].as_f64() < Some(1.0 / 1.05));
    assert_eq!((&threads["verdict"], &baseline["verdict"]), (&"equivalent".into(), &Value::Null));
}

#[test]
fn markdown_begins_with_the_conclusion_and_escapes_fields() {
    let label = |case: &mut Case| {
        if case.backend == "rayon" {
            case.label = "<img src=x>|`@all`".into();
        }
    };
    let slower = SyntheticRun::usual().taking("rayon", 50e6 / 1.5, 0.005).changed(label);
    let compared = compare(SyntheticRun::usual().changed(label), slower, &["--markdown"]).exits(1);
    let text = &compared.stdout;
    assert!(text.starts_with("**REGRESSION: 1 of 2 cases slower"), "{text}");
    assert!(
        text.contains("| slower | rayon &lt;img src=x&gt;\\|\\`@&#8288;all\\` | 2 |"),
        "{text}"
    );
    assert!(text.contains("<details><summary>equivalent: 1</summary>"), "{text}");
    assert!(!text.contains("<img") && !text.contains("@all"), "{text}");
}

#[test]
fn several_runs_stand_side_by_side_and_nothing_is_written() {
    let home = home();
    let one = SyntheticRun::usual().write(&home, "one");
    let other =
        SyntheticRun::usual().on("Another CPU").taking("rayon", 25e6, 0.001).write(&home, "two");
    let reported = harness(["report".as_ref(), one.as_os_str(), other.as_os_str()]).exits(0);
    let text = &reported.stdout;
    assert!(text.contains("ANOTHER MACHINE: B has CPU Another CPU"), "{text}");
    assert!(text.contains("sequential  50.0 (50.0–50.0) ms  50.0 (50.0–50.0) ms"), "{text}");
    assert!(text.contains("2: 1.90 (") && text.contains("2: 2.00 ("), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert_eq!(fs::read_dir(&one).expect("a directory").count(), 2);
    harness(["report".as_ref(), one.as_os_str(), home.path().join("none").as_os_str()]).exits(2);
}
