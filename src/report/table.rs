//! The table at the end of a run: for each backend its best thread count.

use std::fmt::Write as _;

use super::ending::how_it_ended;
use super::numbers::{TIME, Unit, digits, thousands};
use crate::analysis::{CONFIDENCE, CaseSummary, Job, Series, Summary, jobs};
use crate::record::Case;
use crate::stats::ranks;

/// Whether the terminal shows colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Plain text.
    Plain,
    /// The fastest row in bold.
    Bold,
}

/// Marks a case with more threads than usable CPUs.
const OVERSUBSCRIBED: &str = "*";

/// One row of the table.
type Row = [String; 8];

/// The tables of a run, and whether it went well.
pub fn table(summary: &Summary, style: Style) -> String {
    tables(summary, style) + &checks(summary)
}

/// The table of every job, with its baseline above and its answer below.
pub fn tables(summary: &Summary, style: Style) -> String {
    let parts: Vec<String> =
        jobs(summary).iter().map(|job| table_of_job(summary, job, style)).collect();
    parts.join("\n")
}

/// How the run ended, and whether its answers were right.
pub fn checks(summary: &Summary) -> String {
    let mut text = how_it_ended(summary);
    let failed: usize = summary.cases.iter().map(|case| case.problems.len()).sum();
    let calls = summary.answers.calls;
    let _ = match (failed, summary.answers.identical()) {
        (0, true) => writeln!(text, "every answer identical: {calls} calls checked"),
        (0, false) => writeln!(text, "every answer checked: {calls} calls"),
        (failed, _) => {
            writeln!(text, "{failed} FAILED VISITS (not counted above); {calls} answers checked")
        }
    };
    for case in summary.cases.iter().filter(|case| !case.problems.is_empty()) {
        let (first, count) = (&case.problems[0], case.problems.len());
        let is_one = case.problems.iter().all(|problem| problem == first);
        let times = if is_one { "×" } else { "failures, the first:" };
        let who = &case.case;
        let _ = writeln!(text, "  {}: {count} {times} {first}", who.title_and_count());
    }
    text
}

fn table_of_job(summary: &Summary, job: &Job<'_>, style: Style) -> String {
    let settings = job.settings();
    let draws = settings.share().map_or("?".to_string(), thousands);
    let whose = if settings.is_weak() { "worker" } else { "call" };
    let mut text = format!(
        "{}, {draws} draws a {whose}{}, {} usable CPUs, {}\n",
        settings.kernel,
        pinned(settings),
        summary.usable_cpus(),
        summary.cpu_model(),
    );
    let _ = writeln!(text, "baseline: {}", baseline_line(job));
    let mut series = job.series();
    // What is decided comes first.
    series.sort_by_key(|series| best_case(series).is_none_or(|case| case.speedup_low.is_none()));
    let best: Vec<&CaseSummary> = series.iter().filter_map(best_case).collect();
    let fastest = best.iter().copied().max_by(|a, b| figure(a).total_cmp(&figure(b)));
    let shown_ns = fastest.or(job.baseline()).and_then(|case| case.median_ns);
    let unit = Unit::fitting(&TIME, shown_ns.unwrap_or(0.0));
    let mut rows = vec![header(unit)];
    rows.extend(series.iter().map(|series| row(series, unit)));
    let bold_row = series
        .iter()
        .position(|series| best_case(series).zip(fastest).is_some_and(|(a, b)| std::ptr::eq(a, b)));
    for (index, line) in align(&rows).into_iter().enumerate() {
        let is_bold = style == Style::Bold && bold_row.is_some_and(|row| row + 1 == index);
        let _ =
            if is_bold { writeln!(text, "\x1b[1m{line}\x1b[0m") } else { writeln!(text, "{line}") };
    }
    if best.iter().any(|case| case.oversubscribed) {
        let _ = writeln!(
            text,
            "{OVERSUBSCRIBED} more threads than the {} usable CPUs",
            summary.usable_cpus()
        );
    }
    text.push_str(&with_all_pairs(&best));
    if let Some(answer) = answer(job) {
        let _ = writeln!(text, "{answer}");
    }
    text
}

/// The answer of a job in one sentence; none where nothing was measured.
pub fn answer(job: &Job<'_>) -> Option<String> {
    let series = job.series();
    let best: Vec<&CaseSummary> = series.iter().filter_map(best_case).collect();
    let fastest = best.iter().copied().max_by(|a, b| figure(a).total_cmp(&figure(b)))?;
    Some(conclusion(job, fastest, &best))
}

/// How workers were pinned, where they were.
pub(super) fn pinned(case: &Case) -> String {
    match case.pin.as_str() {
        "" | "none" => String::new(),
        pin => format!(", pinned {pin}"),
    }
}

/// The baseline's absolute time: without it a speedup says nothing.
pub(super) fn baseline_line(job: &Job<'_>) -> String {
    let Some(case) = job.baseline() else { return "none".to_string() };
    match case.median_ns {
        None => "sequential has no clean visit: no speedups".to_string(),
        Some(ns) => {
            let Unit { name, size } = Unit::fitting(&TIME, ns);
            let time = with_interval(
                Some(ns / size),
                case.median_low_ns.map(|ns| ns / size),
                case.median_high_ns.map(|ns| ns / size),
            );
            let throughput = case
                .throughput
                .map_or(String::new(), |t| format!(", {} G draws/s", digits(t / 1e9)));
            let level = ranks(case.rounds, CONFIDENCE).map_or(String::new(), |(.., level)| {
                format!(", intervals of {:.1}%", 100.0 * level)
            });
            format!("sequential {time} {name}{throughput}; {} rounds{level}", case.rounds)
        }
    }
}

fn header(unit: Unit) -> Row {
    let time = format!("time {} (95%)", unit.name);
    ["backend", "schedule chunk", "best n", &time, "speedup (95%)", "pairs", "eff.", "Gdraws/s"]
        .map(str::to_string)
}

fn row(series: &Series<'_>, unit: Unit) -> Row {
    // What else tells two series of a backend apart is in the next column.
    let name = series.cases[0].case.title();
    let Some(case) = best_case(series) else {
        let dash = || "–".to_string();
        return [
            name,
            schedule(series.cases[0]),
            dash(),
            "no data".into(),
            dash(),
            dash(),
            dash(),
            dash(),
        ];
    };
    let mark = if case.oversubscribed { OVERSUBSCRIBED } else { "" };
    let scaled = |ns: Option<f64>| ns.map(|ns| ns / unit.size);
    [
        name,
        schedule(case),
        format!("{}{mark}", case.case.nthread),
        with_interval(
            scaled(case.median_ns),
            scaled(case.median_low_ns),
            scaled(case.median_high_ns),
        ),
        with_interval(case.speedup, case.speedup_low, case.speedup_high),
        pairs(case),
        case.efficiency.map_or("–".to_string(), |e| format!("{:.0}%", 100.0 * e)),
        case.throughput.map_or("–".to_string(), |t| digits(t / 1e9)),
    ]
}

/// How many pairs a ratio is made of, and of how many.
pub(super) fn pairs(case: &CaseSummary) -> String {
    match case.pairs_all {
        all if all > case.pairs => format!("{} of {all}", case.pairs),
        _ => case.pairs.to_string(),
    }
}

/// The speedups that would have come of the pairs that were left out, too.
pub(super) fn with_all_pairs(best: &[&CaseSummary]) -> String {
    let lost = best.iter().filter(|case| case.pairs_all > case.pairs);
    let figures: Vec<String> = lost
        .filter_map(|case| Some(format!("{} {}", case.case.title(), digits(case.speedup_all?))))
        .collect();
    match figures.is_empty() {
        true => String::new(),
        false => format!("with the pairs that were left out: {}\n", figures.join(", ")),
    }
}

/// The count with the highest speedup (without a baseline: the shortest time).
/// One with more threads than CPUs must be better beyond its interval to be
/// preferred to one without.
pub(super) fn best_case<'a>(series: &Series<'a>) -> Option<&'a CaseSummary> {
    let is_measured = |case: &&CaseSummary| case.median_ns.is_some();
    let measured = || series.cases.iter().copied().filter(is_measured);
    let better = |a: &&CaseSummary, b: &&CaseSummary| figure(a).total_cmp(&figure(b));
    let best = measured().max_by(better)?;
    let modest = measured().filter(|case| !case.oversubscribed).max_by(better);
    Some(modest.filter(|modest| best.oversubscribed && overlap(modest, best)).unwrap_or(best))
}

/// Whether the intervals of two speedups share a point; those without an
/// interval cannot be told apart.
fn overlap(lower: &CaseSummary, higher: &CaseSummary) -> bool {
    lower.speedup_high.zip(higher.speedup_low).is_none_or(|(high, low)| high >= low)
}

/// What a case is judged by: higher is better.
fn figure(case: &CaseSummary) -> f64 {
    case.speedup.or(case.median_ns.map(|ns| -ns)).unwrap_or(f64::NEG_INFINITY)
}

/// One sentence. Which cases cannot be told apart is left to their intervals.
fn conclusion(job: &Job<'_>, fastest: &CaseSummary, best: &[&CaseSummary]) -> String {
    let Some(baseline_ns) = job.baseline().and_then(|case| case.median_ns) else {
        return "no baseline, so no speedup.".to_string();
    };
    let Unit { name: unit, size } = Unit::fitting(&TIME, baseline_ns);
    let who = fastest.case.title_and_count();
    let speedup = with_interval(fastest.speedup, fastest.speedup_low, fastest.speedup_high);
    // Where the work grows, a speedup is a ratio of throughputs, not of times.
    let sequential = match fastest.case.is_weak() {
        true => "throughput".to_string(),
        false => format!("{} {unit}", digits(baseline_ns / size)),
    };
    let others: Vec<String> = best
        .iter()
        .filter(|case| !std::ptr::eq(**case, fastest) && overlap(case, fastest))
        .map(|case| case.case.title())
        .collect();
    let caveat = match others.len() {
        _ if fastest.speedup_low.is_none() => "; too few rounds for intervals".to_string(),
        0 => "; no other backend's interval reaches it".to_string(),
        all if all + 1 == best.len() => "; the intervals of all others overlap with it".to_string(),
        _ => format!("; intervals that overlap with it: {}", others.join(", ")),
    };
    let caveat = if best.len() > 1 { caveat } else { String::new() };
    // Without an interval the median has to do; with one it must lie above 1.
    if fastest.speedup_low.or(fastest.speedup).is_some_and(|low| low <= 1.0) {
        return format!(
            "nothing is shown to beat the sequential {sequential}; best: {who}: {speedup} ×{caveat}."
        );
    }
    format!("fastest: {who}: {speedup} × the sequential {sequential}{caveat}.")
}

/// How chunks met workers, and how many blocks they had.
pub(super) fn schedule(case: &CaseSummary) -> String {
    match (case.case.schedule.as_str(), case.case.chunk) {
        ("", _) => "its own".to_string(),
        (schedule, Some(chunk)) => format!("{schedule} {chunk}"),
        (schedule, None) => schedule.to_string(),
    }
}

/// A value, and its interval where there is one.
pub(super) fn with_interval(value: Option<f64>, low: Option<f64>, high: Option<f64>) -> String {
    match (value, low, high) {
        (None, ..) => "–".to_string(),
        (Some(value), Some(low), Some(high)) => {
            format!("{} ({}–{})", digits(value), digits(low), digits(high))
        }
        (Some(value), ..) => digits(value),
    }
}

/// The rows as lines: text to the left, figures to the right.
fn align(rows: &[Row]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..8).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Row| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column < 2 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Run, Session, StopReason, Stopping};

    fn case(backend: &str, nthread: u32, speedup: (f64, f64, f64)) -> CaseSummary {
        let ns = 50e6 / speedup.0;
        CaseSummary {
            case: Case {
                kernel: "pi".into(),
                backend: backend.into(),
                nthread,
                schedule: "static".into(),
                chunk: Some(64),
                draws: Some(100_000_000),
                ..Case::default()
            },
            rounds: 12,
            pairs: 12,
            pairs_all: 12,
            median_ns: Some(ns),
            median_low_ns: Some(ns * 0.99),
            median_high_ns: Some(ns * 1.01),
            throughput: Some(1e17 / ns),
            speedup: Some(speedup.0),
            half_width: Some((speedup.2 - speedup.1) / (2.0 * speedup.0)),
            speedup_low: Some(speedup.1),
            speedup_high: Some(speedup.2),
            efficiency: Some(speedup.0 / f64::from(nthread)),
            oversubscribed: nthread > 2,
            ..CaseSummary::default()
        }
    }

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
        Summary {
            confidence: 0.95,
            cases,
            run: run(),
            answers: crate::analysis::Answers { calls: 72, identical_calls: 72 },
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
        assert!(table.contains("fastest: process-pool spawn, n = 2"), "{table}");
    }

    #[test]
    fn a_run_is_a_table_with_its_baseline_and_a_conclusion() {
        let summary = summary(vec![
            case("rayon", 1, (0.99, 0.98, 1.0)),
            case("rayon", 2, (1.93, 1.91, 1.94)),
            case("process-pipe", 2, (1.8, 1.75, 1.85)),
        ]);
        let expected = "\
pi, 100,000,000 draws a call, 2 usable CPUs, Some CPU
baseline: sequential 50.0 (49.5–50.5) ms, 2.00 G draws/s; 12 rounds, intervals of 96.1%
backend       schedule chunk  best n     time ms (95%)     speedup (95%)  pairs  eff.  Gdraws/s
rayon         static 64            2  25.9 (25.6–26.2)  1.93 (1.91–1.94)     12   96%      3.86
process-pipe  static 64            2  27.8 (27.5–28.1)  1.80 (1.75–1.85)     12   90%      3.60
fastest: rayon, n = 2: 1.93 (1.91–1.94) × the sequential 50.0 ms; no other backend's interval reaches it.
every answer identical: 72 calls checked
";
        assert_eq!(table(&summary, Style::Plain), expected);
    }

    #[test]
    fn oversubscription_must_win_beyond_doubt_to_be_best() {
        let near = vec![case("a", 2, (1.9, 1.8, 1.95)), case("a", 8, (1.92, 1.85, 1.99))];
        let row = |others| table(&summary(others), Style::Plain);
        assert!(!row(near).contains("8*"));
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
        assert!(text.contains("nothing is shown to beat the sequential 50.0 ms"), "{text}");
        let text = table(&summary(vec![case("a", 2, (1.2, 0.9, 1.6))]), Style::Plain);
        assert!(text.contains("nothing is shown to beat the sequential 50.0 ms"), "{text}");
    }

    #[test]
    fn pairs_that_were_left_out_are_counted_and_their_figure_shown() {
        let mut disturbed = case("a", 2, (1.9, 1.85, 1.95));
        (disturbed.pairs, disturbed.pairs_all, disturbed.speedup_all) = (10, 12, Some(1.7));
        let text = table(&summary(vec![disturbed, case("b", 2, (1.5, 1.4, 1.6))]), Style::Plain);
        assert!(text.contains("  10 of 12  "), "{text}");
        assert!(text.contains("with the pairs that were left out: a 1.70\n"), "{text}");
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
        assert!(text.contains("ended by its time budget in round 12 of 20"), "{text}");
        let precise = Summary { run: ended(StopReason::Precision, 50, Some(0.1)), ..early };
        let text = table(&precise, Style::Plain);
        let known = "enough after 12 rounds; every speedup known to ±5.3% or better (a, n = 2)\n";
        assert!(text.contains(known), "{text}");
        let mut retired = precise.cases.last().expect("a case").clone();
        retired.half_width = None;
        let cases = precise.cases.iter().cloned().chain([retired]).collect();
        let text = table(&Summary { cases, ..precise }, Style::Plain);
        assert!(text.contains("every speedup but one, which has no interval, known to"), "{text}");
    }

    #[test]
    fn a_run_without_any_interval_does_not_just_say_that_it_is_enough() {
        let mut failed = case("a", 2, (1.9, 1.8, 2.0));
        (failed.speedup, failed.half_width) = (None, None);
        let enough =
            Summary { run: ended(StopReason::Precision, 50, Some(0.1)), ..summary(vec![failed]) };
        let text = table(&enough, Style::Plain);
        assert!(text.contains("enough after 12 rounds; no speedup has an interval\n"), "{text}");
    }

    #[test]
    fn numbers_have_three_digits_that_count() {
        let shown = [0.0019, 0.0999, 0.9996, 1.979, 63.54, 372.4, 262_797.1].map(digits);
        assert_eq!(shown, ["0.00190", "0.0999", "1.00", "1.98", "63.5", "372", "262,797"]);
    }
}
