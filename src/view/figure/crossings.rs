//! The figures of runs over sizes of jobs or tasks: efficiency against task duration,
//! speedup against work, and the map of the winners.

use super::chart::{Chart, Line, Point};
use super::distinct;
use super::map::{Cell, Map, Row};
use super::scale::Scale;
use crate::analysis::{CaseSummary, Crossover, Metg, Summary, ThresholdVerdict};
use crate::view::crossover::Ladder;
use crate::view::granularity::{name, shown};
use crate::view::number::{thousands, time, unit};
use crate::view::text::on_cpu;

/// Efficiency against task duration; `None` where chunks are no axis.
pub fn granularity(summary: &Summary) -> Option<Chart> {
    let shown = shown(summary);
    let first = &shown.first()?.case;
    let lines = shown.iter().map(|it| Line {
        name: name(&shown, it),
        remark: format!("50%: {}, 95%: {}", metg(&it.metg_50), metg(&it.metg_95)),
        points: it
            .points
            .iter()
            .filter_map(|point| {
                let interval = point.efficiency_low.zip(point.efficiency_high);
                let (chunk, tasks) = (thousands(point.chunk), thousands(point.tasks));
                let of = format!("{chunk} blocks a task, {tasks} tasks");
                Point::new(point.task_ns, point.efficiency, interval, of)
            })
            .collect(),
    });
    let title = format!("Efficiency by task duration: {}{}", first.kernel, on_cpu(summary));
    let subtitle = format!(
        "n = {} · tasks are chunks of blocks of {} draws · g = time of a call × n / tasks · \
         bars: intervals, at least {}%",
        first.nthread,
        first.block,
        100.0 * summary.confidence
    );
    Some(Chart::new(
        [title, subtitle],
        ["Task duration g", "Efficiency"],
        (Scale::Linear, unit("%", 0.01)),
        lines.collect(),
        vec![(0.5, "50%"), (0.95, "95%")],
    ))
}

/// Speedup against work, each backend at the count that pays from the smallest job.
pub fn speedup(summary: &Summary, ladder: &Ladder<'_>) -> Chart {
    let lines = earliest(ladder).map(|it| Line {
        name: it.case.title_with_count(),
        remark: match (it.verdict, it.work_ns) {
            (ThresholdVerdict::From, Some(ns)) => format!("pays from {}", time(ns)),
            (ThresholdVerdict::From | ThresholdVerdict::Always, _) => {
                format!("pays from ≤ {}", time(it.smallest_work_ns))
            }
            (ThresholdVerdict::Never, _) => "does not pay".to_string(),
            (ThresholdVerdict::Unresolved | ThresholdVerdict::Implausible, _) => {
                "not decided".to_string()
            }
        },
        points: it.cases.iter().filter_map(|case| point(summary, &summary.cases[*case])).collect(),
    });
    let rounds = summary.max_rounds();
    let title = format!("Where parallel begins to pay: {}{}", ladder.job.kernel, on_cpu(summary));
    let subtitle = format!(
        "{rounds} rounds · marks: medians of paired ratios · bars: intervals, at least {}%",
        100.0 * summary.confidence
    );
    Chart::new(
        [title, subtitle],
        ["Work: time of sequential for the same job", "Speedup over sequential"],
        (Scale::Log, unit("×", 1.0)),
        lines.collect(),
        vec![(1.0, "sequential: 1×")],
    )
}

/// The winner at each job and thread count.
pub fn winners(summary: &Summary, ladder: &Ladder<'_>) -> Map {
    let counts = distinct(ladder.winners.iter().map(|winner| winner.nthread));
    let lines: Vec<String> = earliest(ladder).map(|it| it.case.title()).collect();
    let title = |case: usize| summary.cases[case].case.title();
    let mut winners = vec![("sequential".to_string(), None)];
    let mut rows = Vec::new();
    for row in ladder.winners.chunk_by(|one, other| one.baseline == other.baseline) {
        let mut cells = vec![None; counts.len()];
        for winner in row {
            let name = winner.case.map_or("sequential".into(), title);
            // The winners are numbered as they appear, from the smallest job on.
            if !winners.iter().any(|(other, _)| *other == name) {
                winners.push((name.clone(), lines.iter().position(|other| *other == name)));
            }
            let place = winners.iter().position(|(other, _)| *other == name);
            let column = counts.iter().position(|count| *count == winner.nthread);
            if let (Some(winner_place), Some(column)) = (place, column) {
                cells[column] = Some(Cell {
                    winner: winner_place,
                    speedup: winner.case.and_then(|case| summary.cases[case].speedup),
                    ties: winner.ties.iter().map(|case| title(*case)).collect(),
                });
            }
        }
        let baseline = &summary.cases[row[0].baseline];
        rows.push(Row {
            work: baseline.median_ns.map_or("?".into(), time),
            draws: thousands(baseline.case.draws.unwrap_or_default()),
            cells,
        });
    }
    Map {
        title: format!(
            "The winner by work and thread count: {}{}",
            ladder.job.kernel,
            on_cpu(summary)
        ),
        subtitle: "sequential, unless the whole interval of a backend's speedup is above 1"
            .to_string(),
        counts,
        rows,
        winners,
    }
}

fn earliest<'a>(ladder: &Ladder<'a>) -> impl Iterator<Item = &'a Crossover> {
    ladder.crossovers.iter().copied().filter(|it| it.earliest)
}

fn point(summary: &Summary, case: &CaseSummary) -> Option<Point> {
    let work_ns = summary.cases[case.baseline?].median_ns?;
    let of = format!("{} draws", thousands(case.case.draws.unwrap_or_default()));
    Point::new(work_ns, case.speedup?, case.speedup_low.zip(case.speedup_high), of)
}

fn metg(metg: &Metg) -> String {
    match (metg.verdict, metg.task_ns) {
        (ThresholdVerdict::From, Some(ns)) => time(ns),
        (ThresholdVerdict::From | ThresholdVerdict::Always, _) => "all".to_string(),
        (ThresholdVerdict::Never, _) => "none".to_string(),
        (ThresholdVerdict::Unresolved, _) => "?".to_string(),
        (ThresholdVerdict::Implausible, _) => "refused".to_string(),
    }
}
