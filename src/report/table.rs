//! The table at the end of a run: for each backend its best thread count.

use std::fmt::Write as _;

use crate::analysis::{CaseSummary, Job, Series, Summary, jobs};

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
type Row = [String; 7];

/// The table of every job, with its baseline above and its answer below.
pub fn table(summary: &Summary, style: Style) -> String {
    let parts: Vec<String> =
        jobs(summary).iter().map(|job| table_of_job(summary, job, style)).collect();
    let mut text = parts.join("\n");
    let failed: usize = summary.cases.iter().map(|case| case.problems.len()).sum();
    let calls = summary.answers.calls;
    let _ = match (failed, summary.answers.identical) {
        (0, true) => writeln!(text, "every answer identical: {calls} calls checked"),
        (0, false) => writeln!(text, "every answer checked: {calls} calls"),
        (failed, _) => {
            writeln!(text, "{failed} FAILED VISITS (not counted above); {calls} answers checked")
        }
    };
    for case in summary.cases.iter().filter(|case| !case.problems.is_empty()) {
        let (who, count) = (&case.case, case.problems.len());
        let _ = writeln!(
            text,
            "  {}, n = {}: {count} × {}",
            who.backend, who.nthread, case.problems[0]
        );
    }
    text
}

fn table_of_job(summary: &Summary, job: &Job<'_>, style: Style) -> String {
    let settings = job.settings();
    let draws = settings.draws.map_or("?".to_string(), grouped);
    let mut text = format!(
        "{}, {draws} draws a call, {} usable CPUs, {}\n",
        settings.kernel, summary.usable_cpus, summary.cpu_model,
    );
    let _ = writeln!(text, "baseline: {}", baseline_line(job));
    let series = job.series();
    let best: Vec<&CaseSummary> = series.iter().filter_map(best_case).collect();
    let fastest = best.iter().copied().max_by(|a, b| figure(a).total_cmp(&figure(b)));
    let unit = fastest.or(job.baseline()).and_then(|case| case.median_ns).map_or(UNITS[0], unit);
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
            summary.usable_cpus
        );
    }
    if let Some(fastest) = fastest {
        let _ = writeln!(text, "{}", conclusion(job, fastest, &best));
    }
    text
}

/// The baseline's absolute time: without it a speedup says nothing.
fn baseline_line(job: &Job<'_>) -> String {
    let Some(case) = job.baseline() else { return "none".to_string() };
    match case.median_ns {
        None => "sequential has no clean visit: no speedups".to_string(),
        Some(ns) => {
            let (scale, name) = unit(ns);
            let time = with_interval(
                Some(ns / scale),
                case.median_low_ns.map(|ns| ns / scale),
                case.median_high_ns.map(|ns| ns / scale),
            );
            let throughput = case
                .throughput
                .map_or(String::new(), |t| format!(", {} G draws/s", digits(t / 1e9)));
            format!("sequential {time} {name}{throughput}; {} rounds", case.rounds)
        }
    }
}

fn header((_, unit): (f64, &str)) -> Row {
    let time = format!("time {unit} (95%)");
    ["backend", "schedule chunk", "best n", &time, "speedup (95%)", "eff.", "Gdraws/s"]
        .map(str::to_string)
}

fn row(series: &Series<'_>, (scale, _): (f64, &str)) -> Row {
    let name = match series.detail.as_str() {
        "" => series.name.clone(),
        _ => series.name.clone(),
    };
    let Some(case) = best_case(series) else {
        let dash = || "–".to_string();
        return [name, schedule(series.cases[0]), dash(), "no data".into(), dash(), dash(), dash()];
    };
    let mark = if case.oversubscribed { OVERSUBSCRIBED } else { "" };
    let scaled = |ns: Option<f64>| ns.map(|ns| ns / scale);
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
        case.efficiency.map_or("–".to_string(), |e| format!("{:.0}%", 100.0 * e)),
        case.throughput.map_or("–".to_string(), |t| digits(t / 1e9)),
    ]
}

/// The count with the highest speedup, or, without a baseline, the shortest
/// time.
fn best_case<'a>(series: &Series<'a>) -> Option<&'a CaseSummary> {
    let measured = series.cases.iter().copied().filter(|case| case.median_ns.is_some());
    measured.max_by(|a, b| figure(a).total_cmp(&figure(b)))
}

/// What a case is judged by: higher is better.
fn figure(case: &CaseSummary) -> f64 {
    case.speedup.or(case.median_ns.map(|ns| -ns)).unwrap_or(f64::NEG_INFINITY)
}

/// One sentence. Which cases cannot be told apart is left to their intervals.
fn conclusion(job: &Job<'_>, fastest: &CaseSummary, best: &[&CaseSummary]) -> String {
    let Some(baseline_ns) = job.baseline().and_then(|case| case.median_ns) else {
        return String::new();
    };
    let (scale, unit) = unit(baseline_ns);
    let name = |case: &CaseSummary| format!("{} at n = {}", case.case.backend, case.case.nthread);
    let speedup = with_interval(fastest.speedup, fastest.speedup_low, fastest.speedup_high);
    let mut text = format!(
        "{} has the highest speedup: {speedup} × the sequential {} {unit}",
        name(fastest),
        digits(baseline_ns / scale),
    );
    let overlaps = |case: &&&CaseSummary| {
        !std::ptr::eq(**case, fastest)
            && matches!((case.speedup_high, fastest.speedup_low), (Some(high), Some(low)) if high >= low)
    };
    let others: Vec<&str> =
        best.iter().filter(overlaps).map(|case| case.case.backend.as_str()).collect();
    if fastest.speedup_low.is_none() {
        text.push_str("; too few rounds for intervals");
    } else if !others.is_empty() {
        let _ = write!(text, "; intervals overlap with {}", others.join(", "));
    }
    text.push('.');
    text
}

/// How chunks met workers, and how many blocks they had.
fn schedule(case: &CaseSummary) -> String {
    match (case.case.schedule.as_str(), case.case.chunk) {
        ("", _) => "its own".to_string(),
        (schedule, Some(chunk)) => format!("{schedule} {chunk}"),
        (schedule, None) => schedule.to_string(),
    }
}

/// A value, and its interval where there is one.
fn with_interval(value: Option<f64>, low: Option<f64>, high: Option<f64>) -> String {
    match (value, low, high) {
        (None, ..) => "–".to_string(),
        (Some(value), Some(low), Some(high)) => {
            format!("{} ({}–{})", digits(value), digits(low), digits(high))
        }
        (Some(value), ..) => digits(value),
    }
}

/// Three or four digits that count.
fn digits(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Units of time: nanoseconds of each, and its name.
const UNITS: [(f64, &str); 4] = [(1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")];

/// The unit in which a time is read most easily.
fn unit(ns: f64) -> (f64, &'static str) {
    UNITS.into_iter().rev().find(|(scale, _)| ns >= *scale).unwrap_or(UNITS[0])
}

/// An integer with its digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The rows as lines: text to the left, figures to the right.
fn align(rows: &[Row]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..7).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Row| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column < 2 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect()
}
