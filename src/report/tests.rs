//! Tests of sweeps of commands and of functions in every output.

use std::collections::BTreeSet;

use super::compare::Names;
use super::*;
use crate::analysis::synthetic::{Noise, measured_run, measured_with_cpus};
use crate::analysis::{Code, Judged, Summary, compare as compare_runs, jobs};
use crate::record::{
    COMMAND, Case, CommandPlan, ExpectedOutput, OutputCheck, PlannedCommand, Run, Target,
};

/// A run of these commands on as many CPUs, the first at its smallest count being
/// the baseline.
fn commands(labels: &[&str], counts: &[u32]) -> Run {
    let mut run = Run::default();
    let case = |label: &str, nthread| Case {
        backend: COMMAND.into(),
        nthread,
        inner_nthread: 1,
        scaling: "strong".into(),
        label: label.into(),
        ..Case::default()
    };
    run.plan.cases =
        labels.iter().flat_map(|label| counts.iter().map(move |n| case(label, *n))).collect();
    let words = |label: &str| vec![label.to_string(), "--threads={nthread}".to_string()];
    let list = labels.iter().map(|it| PlannedCommand { label: it.to_string(), words: words(it) });
    run.plan.commands = Some(CommandPlan { list: list.collect(), ..CommandPlan::default() });
    run.plan.target = Target::Command;
    run.plan.baseline = Some(0);
    run.plan.iterations = 1;
    run.machine.usable_cpus = Some(8);
    run.machine.cpu_model = Some("Some CPU".into());
    run.build.opt_level = "0".into();
    run
}

/// 20 s by the square root of the threads; the second command is twice as fast.
fn measured(run: &Run, rounds: u32) -> Summary {
    let mut noise = Noise::new(7);
    let first = run.plan.cases[0].title();
    measured_run(run, rounds, |index, _| {
        let case = &run.plan.cases[index];
        let pace = if case.title() == first { 1.0 } else { 2.0 };
        20e9 / pace / f64::from(case.nthread).sqrt() * noise.factor(0.002)
    })
}

/// A sweep `sum` of two functions.
fn functions() -> Run {
    let mut run = commands(&["rayon", "threads"], &[1, 2]);
    run.plan.target = Target::Function;
    run.plan.commands = None;
    for case in &mut run.plan.cases {
        case.backend = std::mem::take(&mut case.label);
        case.kernel = "sum".into();
    }
    run
}

/// Everything that a run says in words.
fn words_of(summary: &Summary) -> String {
    let names = Names { before: "A", after: "B" };
    let both = [summary, summary];
    let comparison = compare_runs(summary, summary, Judged::Speedup, 0.05);
    let named = [("A".to_string(), summary.clone()), ("B".to_string(), summary.clone())];
    [
        page(summary, Style::Plain, Depth::Answer),
        page(summary, Style::Plain, Depth::Details),
        markdown::page(summary),
        models(summary),
        warnings(summary, 100),
        compare::text(&comparison, both, names, Style::Plain),
        compare::markdown(&comparison, both, names),
        side_by_side(&named, Shown::Every),
    ]
    .join("\n")
}

#[test]
fn commands_are_a_table_over_the_first_at_its_smallest_count() {
    let summary = measured(&commands(&["./a {nthread}", "./b {nthread}"], &[1, 2, 4]), 12);
    let expected = "\
Use ./b {nthread} with 4 threads: 5.00 s instead of 20.0 s, 4.00 × as fast as
  ./a {nthread} at 1 thread (95% CI 3.99–4.01); faster than any other.
./a {nthread} 100% (100–100) slower for 2.00 × the CPU time.
2 commands, 8 usable CPUs, Some CPU
baseline: ./a {nthread} at 1 thread: 20.0 (20.0–20.0) s; 12 rounds, intervals of
  96.1%; eff. is that of each command over itself at its smallest count
command        best n  time s     speedup (95%)  over itself  eff.  pairs
./a {nthread}       4    10.0  2.00 (2.00–2.00)         2.00   50%     12
./b {nthread}       4    5.00  4.00 (3.99–4.01)         2.00   50%     12
./a {nthread} at 4 threads loses 50%: serial parts or waiting 75%, faster
  computation −25%
./b {nthread} at 4 threads loses 50%: serial parts or waiting 75%, faster
  computation −25%
every run ended as it should: 72 runs
";
    assert_eq!(table(&summary, Style::Plain), expected);
}

#[test]
fn no_sweep_without_a_kernel_speaks_of_one() {
    let counts = [1, 2, 3, 4, 6, 8];
    let mut expecting = commands(&["./a", "./b"], &counts);
    if let Some(commands) = &mut expecting.plan.commands {
        commands.expect = Some(OutputCheck::Same);
    }
    let mut failing = commands(&["./a", "./b"], &counts);
    failing.plan.stopping.precision = Some(0.000_01);
    for run in [commands(&["./a", "./b"], &counts), expecting, failing, functions()] {
        for rounds in [0, 3, 12] {
            let text = words_of(&measured(&run, rounds));
            for word in
                ["sequential", "draws", "its own ", "identical", "kernel", "backend", "? draws"]
            {
                let line = text.lines().find(|line| line.contains(word));
                assert!(line.is_none(), "{word:?}: {line:?}\n{text}");
            }
        }
    }
}

#[test]
fn functions_are_called_by_the_name_of_their_sweep() {
    let text = table(&measured(&functions(), 12), Style::Plain);
    assert!(text.contains("\nsum: 2 functions, 8 usable CPUs"), "{text}");
    assert!(text.contains("\nbaseline: rayon at 1 thread: 20.0 "), "{text}");
    assert!(text.contains("\nfunction  best n  time s "), "{text}");
    assert!(text.starts_with("Use threads with 2 threads: 7.06 s instead of 20.0 s"), "{text}");
    assert!(text.ends_with("every result the same: 48 calls\n"), "{text}");
}

#[test]
fn a_baseline_of_two_threads_is_said_wherever_a_speedup_stands() {
    let summary = measured(&commands(&["./a"], &[2, 4, 8]), 12);
    let text = table(&summary, Style::Plain);
    assert!(text.contains("\n1 command, "), "{text}");
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("; speedup is over 2 threads, eff. is speedup · 2 / n"), "{text}");
    assert!(
        words.contains("7.07 s instead of 14.1 s, 2.00 × as fast as 2 threads (95% CI 2.00–2.00)"),
        "{text}"
    );
    // √4 times as fast with four times the threads.
    let last = summary.cases[2].efficiency.expect("an efficiency");
    assert!((last - 0.5).abs() < 0.01, "{last}");
}

#[test]
fn a_baseline_of_its_own_has_no_row_and_no_rank() {
    let mut run = commands(&["./a", "./b"], &[1, 2]);
    run.plan.cases.push(Case { label: "./old".into(), ..run.plan.cases[0].clone() });
    run.plan.baseline = Some(4);
    let summary = measured(&run, 12);
    let text = table(&summary, Style::Plain);
    assert!(text.contains("\n2 commands, "), "{text}");
    assert!(text.contains("\nbaseline: ./old at 1 thread: "), "{text}");
    assert!(!text.contains("\n./old"), "{text}");
    assert_eq!(summary.cases[4].rank_low, None);
    assert_eq!(jobs(&summary)[0].series().len(), 2);
}

#[test]
fn a_baseline_that_is_a_point_of_a_series_is_ranked_and_fitted_with_it() {
    let summary = measured(&commands(&["./a", "./b"], &[1, 2, 3, 4, 6, 8]), 12);
    assert_eq!(summary.fits[0].cases, [0, 1, 2, 3, 4, 5]);
    let gamma = summary.fits[0].law.gamma.expect("a law");
    assert!((0.04..0.06).contains(&gamma), "runs a second: {gamma}");
    // A time that falls with the root of the count follows no law.
    let text = models(&summary);
    assert!(text.contains("no law describes these points: at 1 thread"), "{text}");
    let one_count = measured(&commands(&["./a", "./b"], &[1]), 12);
    let ranks = one_count.cases.iter().map(|case| case.rank_low).collect::<Vec<_>>();
    assert_eq!(ranks, [Some(2), Some(1)]);
}

#[test]
fn the_efficiency_of_a_command_is_over_itself_however_slow_the_other_program_is() {
    let near = |value: Option<f64>, expected: f64| {
        assert!((value.expect("a value") / expected - 1.0).abs() < 0.01, "{value:?} {expected}");
    };
    let mut run = commands(&["./a", "./b"], &[1, 2, 4]);
    run.plan.cases.push(Case { label: "./old".into(), ..run.plan.cases[0].clone() });
    for baseline in [0, 6] {
        run.plan.baseline = Some(baseline);
        let summary = measured(&run, 12);
        for (index, own) in [(1, 2_f64.sqrt()), (2, 2.0), (4, 2_f64.sqrt()), (5, 2.0)] {
            let case = &summary.cases[index];
            near(case.own_speedup, own);
            near(case.efficiency, own / f64::from(case.case.nthread));
            let (low, high) = (case.own_speedup_low, case.own_speedup_high);
            assert!(low < case.own_speedup && case.own_speedup < high, "{low:?}–{high:?}");
        }
        for start in [0, 3] {
            assert_eq!(summary.cases[start].own_speedup, None);
            assert_eq!(summary.cases[start].efficiency, Some(1.0));
        }
    }
    run.plan.baseline = Some(0);
    let summary = measured(&run, 12);
    near(summary.cases[5].speedup, 4.0);
    for index in 3..6 {
        near(summary.cases[index].equal_count_ratio, 2.0);
        assert_eq!(summary.cases[index - 3].equal_count_ratio, None);
    }
}

#[test]
fn own_scaling_and_the_ratio_at_equal_counts_are_columns_where_there_are_several_commands() {
    let several = measured(&commands(&["./a", "./b"], &[1, 2, 4]), 12);
    let text = table(&several, Style::Plain);
    assert!(text.contains("over itself  eff."), "{text}");
    assert!(joined(&text).contains("eff. is that of each command over itself"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let details = table::details(&several);
    for heading in ["over itself (95%)", "at equal n (95%)"] {
        assert!(details.contains(heading), "{details}");
    }
    let one = measured(&commands(&["./a"], &[1, 2, 4]), 12);
    assert!(!table(&one, Style::Plain).contains("over itself"));
}

/// A machine that is slower in every other round slows both programs.
#[test]
fn a_drift_of_the_machine_does_not_widen_the_own_speedup() {
    let run = commands(&["./a", "./b"], &[1, 4]);
    let summary = measured_run(&run, 12, |index, round| {
        let pace = f64::from(run.plan.cases[index].nthread) * f64::from(1 + round % 3);
        1e9 / pace
    });
    let last = &summary.cases[3];
    for value in [last.own_speedup, last.own_speedup_low, last.own_speedup_high] {
        assert!((value.expect("a value") - 4.0).abs() < 1e-6, "{value:?}");
    }
}

/// A text on one line.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_serial_fraction_of_a_command_is_over_itself() {
    let mut run = commands(&["./a", "./b"], &[1, 2, 4]);
    let fractions = |run: &Run| -> Vec<bool> {
        measured(run, 12).cases.iter().map(|case| case.karp_flatt.is_some()).collect()
    };
    assert_eq!(fractions(&run), [false, true, true, false, true, true]);
    // A named baseline changes nothing.
    run.plan.cases.push(Case { label: "./old".into(), ..run.plan.cases[0].clone() });
    run.plan.baseline = Some(6);
    assert_eq!(fractions(&run), [false, true, true, false, true, true, false]);
}

#[test]
fn one_command_at_one_count_is_a_table_without_a_conclusion() {
    let text = table(&measured(&commands(&["./a"], &[2]), 12), Style::Plain);
    assert!(text.contains("\n./a "), "{text}");
    assert!(!text.contains("fastest") && !text.contains("beat"), "{text}");
}

#[test]
fn a_command_that_ignores_the_number_of_threads_is_told_apart() {
    let codes = |counts: &[u32], cpus: u32, rounds: u32, power: f64| {
        let mut run = commands(&["sleep 1", "./b"], counts);
        run.machine.usable_cpus = Some(cpus);
        let mut noise = Noise::new(3);
        let summary = measured_run(&run, rounds, |index, _| {
            let case = &run.plan.cases[index];
            let n = if case.label == "./b" { case.nthread.min(cpus) } else { 1 };
            1e9 / f64::from(n).powf(power) * noise.factor(0.002)
        });
        let is_it = |code| summary.warnings.iter().find(|it| it.code == code).cloned();
        is_it(Code::IgnoresSetting)
    };
    for rounds in [2, 12] {
        let warning = codes(&[1, 2, 3, 4], 2, rounds, 0.9).expect("a warning");
        assert_eq!(warning.cases, [0, 1, 2, 3], "{warning:?}");
        assert!(warning.message.starts_with("sleep 1 takes the same time at 1 to 4 threads"));
        assert!(warning.advice.ends_with("harness env -- 'sleep 1' '--threads={nthread}'"));
    }
    let both = codes(&[1, 2], 2, 12, 0.0).expect("a warning");
    assert!(both.message.ends_with("; so does another"), "{both:?}");
    // Nothing else can be expected where every CPU has a thread already.
    assert_eq!(codes(&[2, 4], 2, 12, 0.9), None);
    assert_eq!(codes(&[1], 2, 12, 0.9), None);
}

#[test]
fn a_command_that_works_only_in_its_first_run_keeps_its_result() {
    let run = commands(&["make"], &[1, 2]);
    let warning = |run: &Run, first_ns: f64| {
        let time = |index: usize, round: u32| if (index, round) == (0, 0) { first_ns } else { 9e7 };
        let warnings = measured_run(run, 12, time).warnings;
        warnings.into_iter().find(|it| it.code == Code::KeepsResult)
    };
    let told = warning(&run, 12e9).expect("a warning");
    let expected = "the first run of make took 12.0 s, and later ones with the same number of \
                    threads 90.0 ms: it seems to keep its result";
    assert_eq!((told.message.as_str(), &told.cases[..]), (expected, &[0, 1][..]));
    assert!(told.advice.contains("--prepare"), "{told:?}");
    // A run that is merely cold.
    assert_eq!(warning(&run, 8e8), None);
}

#[test]
fn a_command_that_uses_its_threads_in_vain_does_not_ignore_them() {
    let run = commands(&["sort"], &[1, 2, 4]);
    let cpus = |index: usize| f64::from(run.plan.cases[index].nthread).sqrt();
    let warnings = measured_with_cpus(&run, 12, |_, _| 1e9, cpus).warnings;
    let warning = warnings.iter().find(|it| it.code == Code::IgnoresSetting).expect("a warning");
    let expected = "it does not become faster, although it uses 2.0 CPUs at 4 threads";
    assert!(warning.message.ends_with(expected), "{warning:?}");
}

#[test]
fn a_command_under_a_quota_of_one_cpu_ignores_nothing() {
    let mut run = commands(&["./a"], &[1, 2, 4]);
    run.machine.usable_cpus = Some(8);
    let is_told = |run: &Run| {
        let warnings = measured_run(run, 12, |_, _| 1e9).warnings;
        warnings.iter().any(|it| it.code == Code::IgnoresSetting)
    };
    assert!(is_told(&run));
    run.machine.quota_cpus = Some(1.0);
    assert!(!is_told(&run));
    run.machine.quota_cpus = Some(1.5);
    assert!(is_told(&run));
}

#[test]
fn commands_that_print_something_else_are_no_rivals() {
    let mut run = commands(&["./a", "./b"], &[1, 2]);
    let printed = |label: &str, sha256: &str| ExpectedOutput {
        bytes: 1,
        label: label.to_string(),
        sha256: sha256.to_string(),
    };
    run.plan.expected_outputs = vec![printed("./a", "11"), printed("./b", "11")];
    let code = |run: &Run| {
        let found = measured(run, 12).warnings;
        found.into_iter().find(|it| it.code == Code::DifferentOutputs)
    };
    assert_eq!(code(&run), None);
    run.plan.expected_outputs[1] = printed("./b", "22");
    let warning = code(&run).expect("a warning");
    assert_eq!(warning.message, "the commands print different output: ./a and ./b differ");
    assert_eq!(warning.cases, [2, 3]);
}

#[test]
fn a_command_that_is_hardly_more_than_a_process_is_too_short() {
    let run = commands(&["true"], &[1, 2]);
    let summary = measured_run(&run, 12, |_, _| 0.8e6);
    let codes: BTreeSet<Code> = summary.warnings.iter().map(|it| it.code).collect();
    assert!(codes.contains(&Code::ShortCalls) && !codes.contains(&Code::Unoptimised), "{codes:?}");
    assert!(!words_of(&summary).contains("--draws"));
}

#[test]
fn hyperfine_would_have_named_the_commands_so() {
    let summary = measured(&commands(&["./a {nthread}", "sleep 1"], &[1, 2]), 12);
    let export = hyperfine1(&summary).expect("JSON").text;
    let whole: serde_json::Value = serde_json::from_str(&export).expect("JSON");
    let of = |key: &str| -> Vec<String> {
        let results = whole["results"].as_array().expect("a list").iter();
        results.map(|it| it[key].to_string()).collect()
    };
    let expected = ["./a 1", "./a 2", "sleep 1, n = 1", "sleep 1, n = 2"];
    assert_eq!(of("command"), expected.map(|name| format!("{name:?}")));
    assert_eq!(of("parameters")[1], r#"{"nthread":"2"}"#);
    assert_eq!(whole["results"][0]["memory_usage_byte"][0], 3 << 20);
    let text = bencher(&summary).expect("JSON").text;
    assert!(text.contains("\"sleep 1, n = 1, 1 inner\""), "{text}");
}

#[test]
fn commands_of_two_runs_are_matched_by_their_labels() {
    let before = measured(&commands(&["./a", "./b"], &[1, 2]), 12);
    let after = measured(&commands(&["./a", "./c"], &[1, 2]), 12);
    let comparison = compare_runs(&before, &after, Judged::Speedup, 0.05);
    let shared: Vec<(&str, bool)> =
        comparison.cases.iter().map(|it| (it.case.label.as_str(), it.is_baseline)).collect();
    assert_eq!(shared, [("./a", true), ("./a", false)]);
    assert_eq!((comparison.only_before.len(), comparison.only_after.len()), (2, 2));
    assert!(comparison.cases[0].verdict.is_none() && comparison.cases[1].verdict.is_some());
    let names = Names { before: "A", after: "B" };
    let text = compare::text(&comparison, [&before, &after], names, Style::Plain);
    assert!(text.contains("the baseline itself (./a at 1 thread): 20.0 → 20.0 s"), "{text}");
    // Over another baseline a speedup is another figure.
    let mut other = commands(&["./a", "./b"], &[1, 2]);
    other.plan.baseline = Some(1);
    let other = compare_runs(&before, &measured(&other, 12), Judged::Speedup, 0.05);
    assert!(other.notes.iter().any(|it| it.what == "baseline"), "{:?}", other.notes);
}

#[test]
fn a_summary_is_fitted_again_from_its_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut run = commands(&["./a", "./b"], &[1, 2, 3, 4, 6, 8]);
    run.plan.cases.push(Case { label: "./old".into(), ..run.plan.cases[0].clone() });
    run.plan.baseline = Some(12);
    write_csv(&measured(&run, 12), dir.path()).expect("a file");
    let bytes = std::fs::read(dir.path().join("summary.csv")).expect("a file");
    let table = crate::record::Table::read(&bytes).expect("a table");
    let found = crate::analysis::ThroughputTable::of(&table, None).expect("measurements");
    let groups: Vec<(Option<&str>, usize)> =
        found.groups.iter().map(|it| (it.name.as_deref(), it.points.len())).collect();
    assert_eq!(groups, [(Some("./a"), 6), (Some("./b"), 6)]);
    assert_eq!(found.notes, ["left out: 1 row of the baseline"]);
}

#[test]
fn no_label_is_more_than_text() {
    let hostile = [
        "<script>alert(1)</script>",
        "=cmd()|a `rm -rf` \x1b[31m **x**",
        &"long ".repeat(60),
        "",
        "sequential",
        "{nthread}{{DATA}}",
    ];
    let mut run = commands(&hostile, &[1, 2]);
    run.plan.expected_outputs = hostile
        .iter()
        .map(|label| ExpectedOutput {
            label: label.to_string(),
            sha256: label.to_string(),
            bytes: 1,
        })
        .collect();
    let summary = measured(&run, 12);
    let text = words_of(&summary);
    let steering = text.lines().find(|line| line.contains('\x1b'));
    assert!(steering.is_none(), "{steering:?}");
    let table = table(&summary, Style::Plain);
    assert!(table.lines().all(|line| line.chars().count() <= prose::WIDTH), "{table}");
    let markdown = markdown::page(&summary);
    assert!(!markdown.contains("<script>") && !markdown.contains(" `rm"), "{markdown}");
    let dir = tempfile::tempdir().expect("a directory");
    write_all(&summary, dir.path()).expect("every file");
    let file = |name: &str| std::fs::read_to_string(dir.path().join(name)).expect("a file");
    assert!(!file("report.html").contains("<script>alert"));
    let svg = file("speedup.svg");
    assert!(!svg.contains("<script>"), "{svg}");
    assert!(!file("summary.csv").contains(",=cmd"));
}
