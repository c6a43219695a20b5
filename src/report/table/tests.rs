use super::*;
use crate::analysis::synthetic::number;
use crate::analysis::{CaseSummary, Cause, Loss, Part, Spread};
use crate::record::{Run, Session, StopReason, Stopping};
use crate::report::prose::WIDTH;
use crate::view::crafted::case;
use crate::view::number::digits;

fn run() -> Run {
    let mut run = Run::default();
    run.machine.cpu_model = Some("Some CPU".into());
    run.machine.usable_cpus = Some(2);
    run
}

/// A run that ended so.
fn ended(reason: StopReason, rounds: u32, precision: Option<f64>) -> Run {
    let mut run = run();
    run.sessions = vec![Session { stop_reason: Some(reason), ..Session::default() }];
    run.plan.stopping = Stopping { rounds, precision, time_budget_ns: None };
    run
}

fn summary(others: Vec<CaseSummary>) -> Summary {
    let mut cases = vec![case("sequential", 1, (1.0, 1.0, 1.0))];
    cases.extend(others);
    number(&mut cases);
    let rankings = crate::analysis::rankings(&mut cases);
    Summary {
        confidence: 0.95,
        rankings,
        cases,
        run: run(),
        tally_check: crate::analysis::TallyCheck { calls: 72, identical_calls: 72 },
        ..Summary::default()
    }
}

#[test]
fn a_spawned_backend_is_told_from_a_forked_one() {
    let with = |start_method: &str, speedup| {
        let mut case = case("process-pool", 2, speedup);
        case.case.start_method = start_method.into();
        case
    };
    let both = vec![with("fork", (1.9, 1.8, 2.0)), with("spawn", (1.95, 1.85, 2.0))];
    let table = table(&summary(both), Style::Plain);
    assert!(table.contains("\nprocess-pool        static"), "{table}");
    assert!(table.contains("\nprocess-pool spawn  static"), "{table}");
    assert!(table.contains("Use process-pool or process-pool spawn with 2 threads: "), "{table}");
}

#[test]
fn a_run_is_a_table_with_its_baseline_and_a_conclusion() {
    let summary = summary(vec![
        case("rayon", 1, (0.99, 0.98, 1.0)),
        case("rayon", 2, (1.93, 1.91, 1.94)),
        case("process-pipe", 2, (1.5, 1.45, 1.55)),
    ]);
    let expected = "\
Use rayon with 2 threads: 25.9 ms instead of 50.0 ms, 1.93 × as fast as
  sequential (95% CI 1.91–1.94); faster than any other.
process-pipe 29% (25–33) slower.
pi, 100,000,000 draws a call, 2 usable CPUs, Some CPU
baseline: sequential 50.0 (49.5–50.5) ms; 12 rounds, intervals of 96.1%
backend       schedule chunk  best n  time ms     speedup (95%)  eff.  pairs
rayon         static 64            2     25.9  1.93 (1.91–1.94)   96%     12
process-pipe  static 64            2     33.3  1.50 (1.45–1.55)   75%     12
every answer identical: 72 calls checked
";
    assert_eq!(table(&summary, Style::Plain), expected);
}

#[test]
fn indistinguishable_series_and_counts_are_marked() {
    let alike = vec![
        case("rayon", 2, (1.93, 1.91, 1.94)),
        case("std-thread", 1, (1.92, 1.90, 1.95)),
        case("std-thread", 2, (1.93, 1.91, 1.94)),
        case("process-pipe", 2, (1.5, 1.45, 1.55)),
    ];
    let text = table(&summary(alike), Style::Plain);
    assert_eq!(text.matches("≈ 1.93 (1.91–1.94)").count(), 2, "{text}");
    assert!(text.contains("  2 ≈ 1–2  "), "{text}");
    assert!(text.contains("≈ statistically indistinguishable\n"), "{text}");
    // One thread of std-thread costs half as much and is within the margin.
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.starts_with("Use std-thread with 1 thread: 26.0 ms"), "{text}");
    assert!(words.contains("at most 1.0% slower than any other. rayon −1.0% to +0.7%"), "{text}");
}

#[test]
fn no_line_is_wider_than_eighty_columns_whatever_is_in_it() {
    let long = |index: usize, nthread: u32, speedup: f64| {
        let ends = (speedup, speedup * 0.9, speedup * 1.1);
        let mut case =
            case(&format!("{}-{index}", "very-long-backend-name".repeat(3)), nthread, ends);
        case.case.start_method = "spawn".into();
        case.case.label = "a label that somebody gave it, with all settings".into();
        case.case.chunk = Some(1 << 50);
        (case.pairs, case.pairs_all) = (123_456, 7_654_321);
        case
    };
    for speedup in [0.000_012_3, 0.5, 1.9, 123_456.7, 1e12] {
        let cases: Vec<_> = (0..8)
            .flat_map(|index| [long(index, 2, speedup), long(index, 1024, speedup)])
            .collect();
        let mut summary = summary(cases);
        summary.run.machine.cpu_model = Some("CPU @ 2.20GHz ".repeat(20));
        for style in [Style::Plain, Style::Bold] {
            let text = table(&summary, style).replace("\x1b[1m", "").replace("\x1b[0m", "");
            let widest = text.lines().max_by_key(|line| line.chars().count()).expect("a line");
            assert!(widest.chars().count() <= WIDTH, "{widest}\n{text}");
            // Both ends of a name tell it from its like.
            assert!(text.lines().any(|line| line.starts_with("very-")), "{text}");
        }
    }
}

/// A loss with these parts, and the rest of unknown cause.
fn loss(useful: f64, parts: &[(Cause, f64)]) -> Loss {
    let known: f64 = parts.iter().map(|(_, share)| share).sum();
    let rest = (Cause::Unknown, 1.0 - useful - known);
    let parts = parts.iter().chain([&rest]);
    Loss { useful, parts: parts.map(|&(cause, share)| Part { cause, share }).collect() }
}

#[test]
fn a_slower_backend_says_what_it_loses_more_by() {
    let mut best = case("a", 2, (1.95, 1.94, 1.96));
    best.loss = Some(loss(0.975, &[(Cause::Dispatch, 0.02)]));
    let mut slower = case("b", 2, (1.5, 1.49, 1.51));
    slower.loss = Some(loss(0.75, &[(Cause::Dispatch, 0.02), (Cause::Placement, 0.2)]));
    let text = table(&summary(vec![best.clone(), slower.clone()]), Style::Plain);
    let text = text.replace("\n  ", " ");
    let cause = ") slower: threads that shared a CPU while another was idle.";
    assert!(text.contains(cause), "{text}");
    slower.loss = Some(loss(0.75, &[(Cause::Dispatch, 0.12), (Cause::Imbalance, 0.09)]));
    let text = table(&summary(vec![best, slower]), Style::Plain);
    assert!(text.contains(") slower.\n"), "no cause has half of it: {text}");
}

#[test]
fn spawned_threads_beside_a_pool_are_compared_by_mean_and_p90_too() {
    let calls_ns = |median_ns: f64, slow: usize| {
        let factor = |call| if call < slow { 1.3 } else { 1.0 };
        (0..100).map(|call| median_ns * factor(call)).collect::<Vec<f64>>()
    };
    let with_calls = |backend, speedup, slow| {
        let mut case = case(backend, 2, speedup);
        case.spread = Spread::of(&calls_ns(case.median_ns.expect("a median"), slow));
        case
    };
    let pool = with_calls("thread-pool", (1.95, 1.94, 1.96), 0);
    let spawned = with_calls("std-thread", (1.85, 1.84, 1.86), 30);
    let text = table(&summary(vec![pool, spawned]), Style::Plain).replace("\n  ", " ");
    assert!(text.contains(" slower (mean +15%, p90 +37%)."), "{text}");
}

#[test]
fn a_median_that_hides_slow_calls_stands_beside_the_mean_and_their_share() {
    let mut two_modes = case("std-thread", 2, (1.9, 1.8, 2.0));
    let median_ns = two_modes.median_ns.expect("a median");
    let mut calls_ns = vec![median_ns; 70];
    calls_ns.extend([1.3 * median_ns; 30]);
    two_modes.spread = Spread::of(&calls_ns);
    let text = table(&summary(vec![two_modes.clone()]), Style::Plain).replace("\n  ", " ");
    assert!(text.contains("std-thread at 2 threads: mean "), "{text}");
    assert!(text.contains(", 9% above the median; p90 "), "{text}");
    assert!(text.contains("; 30% of calls take 1.30 ×"), "{text}");
    two_modes.spread = Spread::of(&[median_ns; 100]);
    assert!(!table(&summary(vec![two_modes]), Style::Plain).contains("mean"), "one mode");
}

#[test]
fn a_case_that_falls_short_says_for_which_causes() {
    let mut short = case("process-queue", 2, (1.54, 1.5, 1.56));
    short.efficiency_high = Some(0.78);
    short.loss = Some(loss(0.77, &[(Cause::Dispatch, 0.17), (Cause::SlowerComputation, 0.05)]));
    let text = table(&summary(vec![short.clone()]), Style::Plain);
    let why = "process-queue at 2 threads loses 23%: dispatch 17%, slower computation 5%\n";
    assert!(text.contains(why), "{text}");
    short.efficiency_high = Some(0.81);
    let text = table(&summary(vec![short]), Style::Plain);
    assert!(!text.contains("loses"), "not shown: {text}");
}

#[test]
fn below_six_pairs_the_answer_says_that_there_are_no_intervals() {
    let mut few = case("a", 2, (1.9, 1.8, 2.0));
    (few.speedup_low, few.speedup_high, few.pairs) = (None, None, 5);
    few.log_ratios.truncate(5);
    let text = table(&summary(vec![few]), Style::Plain);
    assert!(text.starts_with("Too few rounds for an answer (5 of at least 6)."), "{text}");
    assert!(!text.contains("Use ") && !text.contains("fastest"), "{text}");
}

#[test]
fn details_have_every_case_and_every_figure() {
    let mut one = case("a", 2, (1.5, 1.4, 1.55));
    (one.setup_ns, one.overhead_ns) = (Some(12_300.0), Some(-2e6));
    (one.load_balance, one.communication) = (Some(0.99), Some(0.75));
    (one.karp_flatt, one.karp_flatt_low) = (Some(0.333), Some(0.29));
    one.karp_flatt_high = Some(0.4286);
    let parts =
        [(Cause::Dispatch, 0.2), (Cause::SlowerComputation, 0.078), (Cause::Waiting, -0.001)];
    one.loss = Some(loss(0.75, &parts));
    let others = vec![one, case("a", 4, (1.2, 1.1, 1.3)), case("b", 2, (1.9, 1.8, 2.0))];
    let text = details(&summary(others));
    for figure in ["12.3 µs", "−2.00 ms", "0.99", "0.75", "0.333 (0.290–0.429)", "4*", "maybe"]
    {
        assert!(text.contains(figure), "{figure} in {text}");
    }
    assert_eq!(text.lines().filter(|line| line.starts_with("a  ")).count(), 3, "two, and a split");
    assert!(
        text.contains("loses 25%: dispatch 20%, slower computation 8%, cause unknown −3%"),
        "{text}"
    );
    let split =
        text.split_once("backend  n  useful  dispatch  slower  unknown").expect("a split").1;
    assert!(
        split.trim_start().starts_with("a        2     75%       20%      8%      −3%"),
        "{text}"
    );
    assert!(text.contains("with 80% power"), "{text}");
}

#[test]
fn oversubscription_must_win_beyond_doubt_to_be_best() {
    let near = vec![case("a", 2, (1.9, 1.8, 1.95)), case("a", 8, (1.92, 1.85, 1.99))];
    let row = |others| table(&summary(others), Style::Plain);
    assert!(!row(near).contains(" 8*"));
    let far = vec![case("a", 2, (1.9, 1.8, 1.95)), case("a", 8, (2.92, 2.85, 2.99))];
    let text = row(far);
    assert!(text.contains("8*") && text.contains("* more threads than the 2 usable CPUs"));
}

#[test]
fn a_backend_without_a_clean_visit_says_so_with_the_reason() {
    let mut broken = case("mine", 2, (1.0, 1.0, 1.0));
    (broken.median_ns, broken.speedup) = (None, None);
    broken.problems = vec!["the runner was killed by SIGSEGV".into(); 2];
    let text = table(&summary(vec![broken, case("b", 2, (1.5, 1.4, 1.6))]), Style::Plain);
    assert!(text.contains("no data"), "{text}");
    assert!(text.contains("2 FAILED VISITS"), "{text}");
    assert!(text.contains("mine, n = 2: 2 × the runner was killed by SIGSEGV"), "{text}");
    assert!(!text.contains("identical"), "{text}");
}

#[test]
fn a_slowdown_is_not_called_fastest() {
    let text = table(&summary(vec![case("a", 2, (0.5, 0.4, 0.6))]), Style::Plain);
    assert!(text.starts_with("Use sequential: 50.0 ms; faster than any other.\n"), "{text}");
    // Nothing is shown: neither a recommendation of one thread nor of two.
    let text = table(&summary(vec![case("a", 2, (1.2, 0.9, 1.6))]), Style::Plain);
    assert!(text.starts_with("Undecided; the safest choice is a with 2 threads: "), "{text}");
    assert!(text.contains("1 thread may do as well"), "{text}");
}

#[test]
fn pairs_that_were_left_out_are_counted_and_their_figure_shown() {
    let mut disturbed = case("a", 2, (1.9, 1.85, 1.95));
    (disturbed.pairs, disturbed.pairs_all, disturbed.speedup_all) = (10, 12, Some(1.7));
    let text = table(&summary(vec![disturbed, case("b", 2, (1.5, 1.4, 1.6))]), Style::Plain);
    assert!(text.contains("  10 of 12\n"), "{text}");
    assert!(text.contains("speedup including the excluded pairs: a 1.70\n"), "{text}");
}

#[test]
fn what_is_decided_comes_first() {
    let mut undecided = case("a", 2, (1.9, 1.8, 2.0));
    (undecided.speedup_low, undecided.speedup_high) = (None, None);
    let text = table(&summary(vec![undecided, case("b", 2, (1.5, 1.4, 1.6))]), Style::Plain);
    assert!(text.find("\nb ") < text.find("\na "), "{text}");
}

#[test]
fn a_run_that_ended_early_says_so() {
    let early = Summary {
        run: ended(StopReason::Budget, 20, None),
        ..summary(vec![case("a", 2, (1.9, 1.8, 2.0))])
    };
    let text = table(&early, Style::Plain);
    assert!(text.contains("time budget used up in round 12 of 20"), "{text}");
    let precise = Summary { run: ended(StopReason::Precision, 50, Some(0.1)), ..early };
    let text = table(&precise, Style::Plain);
    let known = "precision reached after 12 rounds; relative half-width of the 95% intervals of the \
                 speedups: at most ±5.3% (a, n = 2)";
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&text).contains(known), "{text}");
    let mut retired = precise.cases.last().expect("a case").clone();
    retired.half_width = None;
    let cases = precise.cases.iter().cloned().chain([retired]).collect();
    let text = table(&Summary { cases, ..precise }, Style::Plain);
    assert!(words(&text).contains("(one speedup has no interval)"), "{text}");
}

#[test]
fn a_run_without_any_interval_does_not_just_say_that_it_is_enough() {
    let mut failed = case("a", 2, (1.9, 1.8, 2.0));
    (failed.speedup, failed.half_width) = (None, None);
    let enough =
        Summary { run: ended(StopReason::Precision, 50, Some(0.1)), ..summary(vec![failed]) };
    let text = table(&enough, Style::Plain);
    assert!(
        text.contains("precision reached after 12 rounds; no speedup has an interval\n"),
        "{text}"
    );
}

#[test]
fn numbers_have_three_digits_that_count() {
    let shown = [0.0019, 0.0999, 0.9996, 1.979, 63.54, 372.4, 262_797.1].map(digits);
    assert_eq!(shown, ["0.00190", "0.0999", "1.00", "1.98", "63.5", "372", "262,797"]);
}
