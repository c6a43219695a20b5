//! Several runs side by side: a column each.
//!
//! Nothing is compared here; that is for [`crate::analysis::compare`], two runs at
//! a time.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::slice;

use super::columns::Columns;
use super::compare::when;
use super::prose::wrapped;
use crate::analysis::{CaseSummary, Job, Summary, differences_of_machines, jobs};
use crate::record::{Case, Target};
use crate::view::job::OVERSUBSCRIBED;
use crate::view::nouns::{baseline_name, job_of_runs};
use crate::view::number::thousands;
use crate::view::table::{speedup, time};
use crate::view::text::{clean, usable_cpus};

/// The cases that are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The best thread count of each backend in each run.
    Best,
    /// All cases.
    Every,
}

/// A run and the directory that it was read from.
pub type Named = (String, Summary);

/// A line of a table: what it is about, and a cell for each run.
type Line = (String, Vec<String>);

/// The runs as columns, job by job, with the baselines' absolute times above.
pub fn side_by_side(runs: &[Named], shown: Shown) -> String {
    let mut text = String::new();
    for (number, (dir, summary)) in runs.iter().enumerate() {
        let cpu = if summary.cpu_model().is_empty() { "unknown CPU" } else { summary.cpu_model() };
        let (cpus, when) = (usable_cpus(summary), when(summary));
        let name = column(number);
        text += &wrapped(&format!("{name}: {dir} ({cpu}, {cpus}; {when})"));
    }
    for (number, (_, summary)) in runs.iter().enumerate().skip(1) {
        for it in differences_of_machines(&runs[0].1.run, &summary.run) {
            let (name, what) = (column(number), &it.what);
            text += &wrapped(&format!(
                "ANOTHER MACHINE: {name} has {what} {} and A has {}",
                it.after, it.before
            ));
        }
    }
    let columns: Vec<Vec<Job<'_>>> = runs.iter().map(|(_, summary)| jobs(summary)).collect();
    // Runs with other draws show the same job, unless a run has that job in several sizes.
    let several = has_several_sizes(&columns);
    let mut keys: Vec<Case> = Vec::new();
    for job in columns.iter().flatten() {
        let key = key(job, several);
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    for wanted in keys {
        let found: Vec<Option<&Job<'_>>> = columns
            .iter()
            .map(|jobs| jobs.iter().find(|job| key(job, several) == wanted))
            .collect();
        text += &table_of_job(runs[0].1.target(), &found, shown);
    }
    let shown = match shown {
        Shown::Best => "thread count: speedup over the baseline above (95%), of the best count",
        Shown::Every => "speedup over the baseline above (95%)",
    };
    text + &format!("{shown}\nfor significant differences: harness compare A B\n")
}

/// The name of a column.
fn column(number: usize) -> String {
    let letter = char::from(b'A' + (number % 26) as u8);
    letter.to_string().repeat(1 + number / 26)
}

/// True if some run has jobs of several sizes: then the size tells jobs apart.
fn has_several_sizes(columns: &[Vec<Job<'_>>]) -> bool {
    columns.iter().any(|jobs| {
        let without: Vec<Case> = jobs.iter().map(|job| key(job, false)).collect();
        without.iter().enumerate().any(|(index, one)| without[..index].contains(one))
    })
}

/// The settings that the cases of a job have in common in every run.
fn key(job: &Job<'_>, with_size: bool) -> Case {
    let settings = job.settings();
    Case {
        kernel: settings.kernel.clone(),
        pin: settings.pin.clone(),
        scaling: settings.scaling.clone(),
        block: settings.block,
        draws: settings.baseline_draws().filter(|_| with_size),
        ..Case::default()
    }
}

fn table_of_job(target: Target, found: &[Option<&Job<'_>>], shown: Shown) -> String {
    let Some(first) = found.iter().flatten().next() else { return String::new() };
    let mut text = format!("\n{}\n", clean(&title(target, first, found)));
    let mut lines: Vec<Line> = vec![(String::new(), (0..found.len()).map(column).collect())];
    let baselines = found.iter().map(|job| job.and_then(Job::baseline));
    let times = baselines.map(|case| case.map_or("–".to_string(), time));
    lines.push((clean(&name_of_baselines(found)), times.collect()));
    let cells: Vec<Vec<Line>> =
        found.iter().map(|job| job.map_or(Vec::new(), |job| of_run(job, shown))).collect();
    let mut names: Vec<&String> = Vec::new();
    for (name, _) in cells.iter().flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for name in names {
        let cells = cells.iter().map(|lines| {
            let line = lines.iter().find(|(other, _)| other == name);
            line.map_or("–".to_string(), |(_, cells)| cells.concat())
        });
        lines.push((name.clone(), cells.collect()));
    }
    text.push_str(&aligned(&lines));
    if lines.iter().flat_map(|(_, cells)| cells).any(|cell| cell.contains(OVERSUBSCRIBED)) {
        let _ = writeln!(text, "{OVERSUBSCRIBED} more threads than usable CPUs");
    }
    text
}

/// The name of the baselines, if that is the same in every run.
fn name_of_baselines(found: &[Option<&Job<'_>>]) -> String {
    let baselines = found.iter().flatten().filter_map(|job| job.baseline());
    let names: BTreeSet<String> = baselines.map(baseline_name).collect();
    match names.len() {
        1 => names.into_iter().collect(),
        _ => "baseline".to_string(),
    }
}

/// The job in words, with the draws of each run where they differ.
fn title(target: Target, first: &Job<'_>, found: &[Option<&Job<'_>>]) -> String {
    let settings = first.settings();
    let share = |job: &Job<'_>| job.settings().baseline_draws();
    let draws = |job: &Option<&Job<'_>>| {
        job.map_or("–".to_string(), |job| share(job).map_or("?".to_string(), thousands))
    };
    let sizes: BTreeSet<Option<u64>> = found.iter().flatten().map(|job| share(job)).collect();
    let draws = match sizes.len() {
        1 => draws(&Some(first)),
        _ => found.iter().map(draws).collect::<Vec<_>>().join(" / "),
    };
    job_of_runs(target, settings, draws)
}

/// The lines of one run, of a cell each.
fn of_run(job: &Job<'_>, shown: Shown) -> Vec<Line> {
    let mut lines = Vec::new();
    for series in job.series() {
        let mut name = series.cases[0].case.title();
        if !series.detail.is_empty() {
            let _ = write!(name, " ({})", series.detail);
        }
        let name = clean(&name);
        match shown {
            Shown::Best => {
                let cell = series.best().map_or("no data".to_string(), |case| {
                    format!("{}: {}", count(case), speedup(case))
                });
                lines.push((name, vec![cell]));
            }
            Shown::Every => lines.extend(
                series
                    .cases
                    .iter()
                    .map(|case| (format!("{name}, n = {}", count(case)), vec![speedup(case)])),
            ),
        }
    }
    lines
}

fn count(case: &CaseSummary) -> String {
    let mark = if case.oversubscribed { OVERSUBSCRIBED } else { "" };
    format!("{}{mark}", case.case.count_text())
}

/// Lines as text. Where a line would be too long for a terminal, the names stand
/// above their cells.
fn aligned(lines: &[Line]) -> String {
    let whole = lines.iter().map(|(name, cells)| [slice::from_ref(name), cells].concat());
    let columns = Columns { rows: whole.collect(), texts: 1 };
    if columns.fits() {
        return columns.lines().join("\n") + "\n";
    }
    let cells = lines.iter().map(|(_, cells)| cells.clone()).collect();
    let mut text = String::new();
    for ((name, _), cells) in lines.iter().zip(Columns { rows: cells, texts: 0 }.lines()) {
        if !name.is_empty() {
            let _ = writeln!(text, "{name}");
        }
        let _ = writeln!(text, "  {cells}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::prose::WIDTH;

    fn run(cpu: &str, draws: u64, speedups: &[(&str, u32, f64)]) -> Summary {
        let case = |backend: &str, nthread: u32, speedup: f64| CaseSummary {
            case: Case {
                kernel: "pi".into(),
                backend: backend.into(),
                nthread,
                draws: Some(draws),
                ..Case::default()
            },
            rounds: 12,
            median_ns: Some(50e6 / speedup),
            speedup: Some(speedup),
            speedup_low: Some(speedup * 0.99),
            speedup_high: Some(speedup * 1.01),
            ..CaseSummary::default()
        };
        let cases: Vec<CaseSummary> = std::iter::once(case("sequential", 1, 1.0))
            .chain(
                speedups
                    .iter()
                    .map(|(backend, nthread, speedup)| case(backend, *nthread, *speedup)),
            )
            .collect();
        let mut summary = Summary { cases, ..Summary::default() };
        crate::analysis::synthetic::number(&mut summary.cases);
        summary.run.machine.cpu_model = Some(cpu.into());
        summary
    }

    #[test]
    fn a_run_is_a_column_and_a_backend_a_line() {
        let one = run("One", 64, &[("rayon", 1, 0.99), ("rayon", 2, 1.93), ("crossbeam", 2, 1.9)]);
        let other = run("Two", 128, &[("rayon", 2, 1.5)]);
        let runs = [("a".to_string(), one), ("b".to_string(), other)];
        let text = side_by_side(&runs, Shown::Best);
        assert!(text.contains("ANOTHER MACHINE: B has CPU Two and A has One"), "{text}");
        assert!(text.contains("\npi, 64 / 128 draws a call\n"), "{text}");
        assert!(
            text.contains("\nsequential              50.0 ms              50.0 ms\n"),
            "{text}"
        );
        assert!(
            text.contains("\nrayon       2: 1.93 (1.91–1.95)  2: 1.50 (1.48–1.52)\n"),
            "{text}"
        );
        assert!(
            text.contains("\ncrossbeam   2: 1.90 (1.88–1.92)                    –\n"),
            "{text}"
        );
        let text = side_by_side(&runs, Shown::Every);
        assert!(text.contains("\nrayon, n = 1      0.990 (0.980–1.00)"), "{text}");
    }

    #[test]
    fn three_runs_fit_into_80_columns() {
        let long = run("One", 64, &[("process-manager", 16, 0.123), ("rayon", 16, 12.3)]);
        let runs = ["a", "b", "c"].map(|dir| (dir.to_string(), long.clone()));
        let text = side_by_side(&runs, Shown::Best);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    }

    #[test]
    fn runs_with_several_sizes_have_a_table_for_each() {
        let mut both = run("One", 64, &[("rayon", 2, 1.2)]);
        both.cases.extend(run("One", 128, &[("rayon", 2, 1.8)]).cases);
        crate::analysis::synthetic::number(&mut both.cases);
        let runs =
            [("a".to_string(), both), ("b".to_string(), run("One", 128, &[("rayon", 2, 1.7)]))];
        let text = side_by_side(&runs, Shown::Best);
        assert!(text.contains("\npi, 64 draws a call\n"), "{text}");
        assert!(
            text.contains("\nrayon       2: 1.80 (1.78–1.82)  2: 1.70 (1.68–1.72)\n"),
            "{text}"
        );
    }
}
