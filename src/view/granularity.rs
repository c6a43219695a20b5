//! Granularity: the smallest useful task of each backend, in words.

use super::number::{digits, time};
use crate::analysis::{Granularity, Metg, Summary, TaskSize, ThresholdVerdict};

/// The definition of the figures, which could be misread.
pub const METHOD: &str = "METG(50%): the smallest task (chunk) at which a backend is still 50% \
    efficient. Efficiency is the time that the sequential loop takes for the same blocks by \
    n × the time of the call; a block's own cost is part of both. What a call costs by itself \
    (to start threads or processes) is spread over its tasks.";

/// The mark of a task size whose interval leaves the measured range.
const UNDECIDED: &str = "?";

/// The series at the largest count that is not oversubscribed, as far as is known (else at
/// the smallest that there is), the one with the smallest tasks first.
pub fn shown(summary: &Summary) -> Vec<&Granularity> {
    let all = &summary.granularities;
    let counts = all.iter().map(|it| it.case.nthread);
    let usable = counts.clone().filter(|count| !summary.is_oversubscribed(*count)).max();
    let Some(count) = usable.or(counts.min()) else { return Vec::new() };
    let mut shown: Vec<&Granularity> = all.iter().filter(|it| it.case.nthread == count).collect();
    shown.sort_by(|one, other| order(one).total_cmp(&order(other)));
    shown
}

fn order(it: &Granularity) -> f64 {
    match it.metg_50.verdict {
        ThresholdVerdict::Always => 0.0,
        ThresholdVerdict::From => it.metg_50.task_ns.unwrap_or(0.0),
        ThresholdVerdict::Unresolved => f64::MAX,
        ThresholdVerdict::Never | ThresholdVerdict::Implausible => f64::INFINITY,
    }
}

/// The name of a series: with its schedule, where namesakes have another.
pub fn name(shown: &[&Granularity], it: &Granularity) -> String {
    let title = it.case.title();
    match shown.iter().filter(|other| other.case.title() == title).count() {
        0 | 1 => title,
        _ => format!("{title}, {}", it.case.schedule),
    }
}

/// The rows of the table: the name of a series, and the smallest tasks at which it is 50% and
/// 95% efficient.
pub fn rows(shown: &[&Granularity]) -> Vec<[String; 3]> {
    let rows =
        shown.iter().map(|it| [name(shown, it), cell(it, &it.metg_50), cell(it, &it.metg_95)]);
    rows.collect()
}

/// The notes below the table: the meaning of its marks, and the reasons why there is no figure.
pub fn notes(shown: &[&Granularity]) -> Vec<String> {
    let mut notes = Vec::new();
    if rows(shown).iter().flatten().any(|cell| cell.starts_with(UNDECIDED)) {
        notes.push(format!("{UNDECIDED} not decided: the interval leaves the measured tasks"));
    }
    for it in shown {
        let reasons = [refusal(it, 50, &it.metg_50), refusal(it, 95, &it.metg_95)];
        let reasons = reasons.into_iter().flatten();
        notes.extend(reasons.map(|reason| format!("{}: {reason}", name(shown, it))));
    }
    notes
}

/// The size of the task, and its interval.
fn cell(it: &Granularity, metg: &Metg) -> String {
    let [least, most] = [it.points.first(), it.points.last()]
        .map(|point| point.map_or("?".to_string(), |point| time(point.task_ns)));
    let low = metg.task_low_ns.map_or(format!("≤ {least}"), time);
    let high = metg.task_high_ns.map_or(format!("> {most}"), time);
    match metg.verdict {
        ThresholdVerdict::Always => format!("≤ {least}"),
        ThresholdVerdict::Never => format!("> {most}"),
        ThresholdVerdict::Implausible => "refused".to_string(),
        ThresholdVerdict::Unresolved => format!("{UNDECIDED} ({low} – {high})"),
        ThresholdVerdict::From => {
            let at = metg.task_ns.map_or(format!("≤ {least}"), time);
            match metg.task_high_ns {
                Some(_) => format!("{at} ({low} – {high})"),
                None => format!("{at} (too few rounds)"),
            }
        }
    }
}

fn share(point: &TaskSize) -> String {
    format!("{}%", digits(100.0 * point.efficiency))
}

/// The reason why there is no figure, where there is none.
fn refusal(it: &Granularity, percent: u32, metg: &Metg) -> Option<String> {
    let (first, last) = (it.points.first()?, it.points.last()?);
    match metg.verdict {
        ThresholdVerdict::Always => Some(format!(
            "no METG({percent}%): its smallest tasks, {}, are {} efficient",
            time(first.task_ns),
            share(first)
        )),
        ThresholdVerdict::Never => Some(format!(
            "no METG({percent}%): its largest tasks, {}, are only {} efficient",
            time(last.task_ns),
            share(last)
        )),
        ThresholdVerdict::Implausible if percent == 50 => {
            let best = it.points.iter().max_by(|a, b| a.efficiency.total_cmp(&b.efficiency))?;
            Some(format!(
                "no METG: tasks of {} are {} efficient, so the sequential loop is not the pure \
                 time of the kernel",
                time(best.task_ns),
                share(best)
            ))
        }
        _ => None,
    }
}
