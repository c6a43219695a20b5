//! The figures of runs that ask where something crosses: efficiency against task
//! duration, speedup against work, and the map of the winners.

use super::chart::{Chart, Dot, Line};
use super::map::{Map, Row};
use super::scale::Scale;
use crate::analysis::{CaseSummary, Crossover, Granularity, Metg, Summary, ThresholdVerdict};
use crate::report::crossover::Ladder;
use crate::report::granularity::{name, shown};
use crate::view::number::{time, unit};
use crate::view::text::on_cpu;

/// Efficiency against task duration; `None` where chunks are no axis.
pub(super) fn granularity(summary: &Summary) -> Option<Chart> {
    let shown = shown(summary);
    let first = &shown.first()?.case;
    let line = |it: &&Granularity| Line {
        name: name(&shown, it),
        remark: format!("50%: {}, 95%: {}", metg(&it.metg_50), metg(&it.metg_95)),
        dots: it
            .points
            .iter()
            .filter_map(|point| {
                let interval = point.efficiency_low.zip(point.efficiency_high);
                dot(point.task_ns, point.efficiency, interval)
            })
            .collect(),
    };
    Some(Chart {
        title: format!("Efficiency by task duration: {}{}", first.kernel, on_cpu(summary)),
        subtitle: format!(
            "n = {} · tasks are chunks of blocks of {} draws · g = time of a call × n / tasks · \
             bars: intervals, at least {}%",
            first.nthread,
            first.block,
            100.0 * summary.confidence
        ),
        x_label: "Task duration g",
        y_label: "Efficiency",
        y_scale: Scale::Linear,
        y_unit: unit("%", 0.01),
        lines: shown.iter().map(line).collect(),
        levels: vec![(0.5, "50%"), (0.95, "95%")],
    })
}

/// Speedup against work, each backend at the count that pays from the smallest job.
pub(super) fn speedup(summary: &Summary, ladder: &Ladder<'_>) -> Chart {
    let line = |it: &&Crossover| Line {
        name: it.case.title_and_count(),
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
        dots: it.cases.iter().filter_map(|case| point(summary, &summary.cases[*case])).collect(),
    };
    let rounds = summary.cases.iter().map(|case| case.rounds).max().unwrap_or(0);
    Chart {
        title: format!("Where parallel begins to pay: {}{}", ladder.job.kernel, on_cpu(summary)),
        subtitle: format!(
            "{rounds} rounds · marks: medians of paired ratios · bars: intervals, at least {}%",
            100.0 * summary.confidence
        ),
        x_label: "Work: time of sequential for the same job",
        y_label: "Speedup over sequential",
        y_scale: Scale::Log,
        y_unit: unit("×", 1.0),
        lines: earliest(ladder).map(|it| line(&it)).collect(),
        levels: vec![(1.0, "sequential: 1×")],
    }
}

/// Who wins at each job and thread count.
pub(super) fn winners(summary: &Summary, ladder: &Ladder<'_>) -> Map {
    let mut counts: Vec<u32> = ladder.winners.iter().map(|winner| winner.nthread).collect();
    counts.sort_unstable();
    counts.dedup();
    let colours: Vec<String> = earliest(ladder).map(|it| it.case.title()).collect();
    let mut winners = vec![("sequential".to_string(), None)];
    let mut rows = Vec::new();
    for row in ladder.winners.chunk_by(|one, other| one.baseline == other.baseline) {
        let mut cells = vec![None; counts.len()];
        for winner in row {
            let name =
                winner.case.map_or("sequential".into(), |case| summary.cases[case].case.title());
            if !winners.iter().any(|(other, _)| *other == name) {
                winners.push((name.clone(), colours.iter().position(|other| *other == name)));
            }
            let place = winners.iter().position(|(other, _)| *other == name);
            let column = counts.iter().position(|count| *count == winner.nthread);
            if let (Some(place), Some(column)) = (place, column) {
                cells[column] = Some((place, !winner.ties.is_empty()));
            }
        }
        let work = summary.cases[row[0].baseline].median_ns.map_or("?".into(), time);
        rows.push(Row { work, cells });
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

fn point(summary: &Summary, case: &CaseSummary) -> Option<Dot> {
    let work_ns = summary.cases[case.baseline?].median_ns?;
    dot(work_ns, case.speedup?, case.speedup_low.zip(case.speedup_high))
}

/// A dot, if it is one that a logarithmic axis can show.
fn dot(x_ns: f64, y: f64, interval: Option<(f64, f64)>) -> Option<Dot> {
    let is_drawable = |value: f64| value.is_finite() && value > 0.0;
    let interval = interval.filter(|(low, high)| is_drawable(*low) && is_drawable(*high));
    (is_drawable(x_ns) && is_drawable(y)).then_some(Dot { x_ns, y, interval })
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
