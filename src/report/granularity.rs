//! The smallest useful task of each backend, in words.

use std::fmt::Write as _;

use super::columns::Columns;
use super::prose::wrapped;
use crate::analysis::{Granularity, Metg, Summary, TaskSize, ThresholdVerdict};
use crate::view::number::{digits, time};
use crate::view::text::{clean, machine};

/// How the figures came about: what a reader could take wrongly.
pub(super) const METHOD: &str = "METG(50%): the smallest task (chunk) at which a backend is still 50% \
    efficient. Efficiency is the time that the sequential loop takes for the same blocks by \
    n × the time of the call; a block's own cost is part of both. What a call costs by itself \
    (to start threads or processes) is spread over its tasks.";

/// Marks what the data cannot decide.
const UNDECIDED: &str = "?";

/// A table and a sentence for the smallest tasks; empty where chunks are no axis.
pub fn granularity(summary: &Summary) -> String {
    let shown = shown(summary);
    let Some(first) = shown.first() else { return String::new() };
    let mut text = format!(
        "how small may a task be: {}, blocks of {} draws, n = {}\n{}",
        clean(&first.case.kernel),
        first.case.block,
        first.case.nthread,
        wrapped(&machine(summary)),
    );
    let header = ["backend", "METG(50%) (95% interval)", "METG(95%) (95% interval)"];
    let mut rows = vec![header.map(str::to_string).to_vec()];
    rows.extend(shown.iter().map(|it| {
        let ends = [&it.metg_50, &it.metg_95].map(|metg| cell(it, metg));
        let [at_50, at_95] = ends;
        vec![name(&shown, it), at_50, at_95]
    }));
    let undecided = rows.iter().flatten().any(|cell| cell.starts_with(UNDECIDED));
    for line in (Columns { rows, texts: 3 }).lines() {
        let _ = writeln!(text, "{line}");
    }
    if undecided {
        let _ = writeln!(text, "{UNDECIDED} not decided: the interval leaves the measured tasks");
    }
    for it in &shown {
        for (percent, metg) in [(50, &it.metg_50), (95, &it.metg_95)] {
            if let Some(words) = refusal(it, percent, metg) {
                let _ = write!(text, "{}", wrapped(&format!("{}: {words}", it.case.title())));
            }
        }
    }
    text.push_str(&wrapped(METHOD));
    text
}

/// Those at the largest count that is not oversubscribed, as far as is known (else at
/// the smallest that there is), the one with the smallest tasks first.
pub fn shown(summary: &Summary) -> Vec<&Granularity> {
    let all = &summary.granularities;
    let counts = || all.iter().map(|it| it.case.nthread);
    let usable = counts().filter(|count| !summary.is_oversubscribed(*count)).max();
    let Some(count) = usable.or(counts().min()) else { return Vec::new() };
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

/// What a series is called: with its schedule, where namesakes have another.
pub fn name(shown: &[&Granularity], it: &Granularity) -> String {
    let title = it.case.title();
    let is_namesake = |other: &&&Granularity| other.case.title() == title;
    match shown.iter().filter(is_namesake).count() {
        0 | 1 => title,
        _ => format!("{title}, {}", it.case.schedule),
    }
}

/// The task, and its interval.
pub(super) fn cell(it: &Granularity, metg: &Metg) -> String {
    let bound =
        |point: Option<&TaskSize>| point.map_or("?".to_string(), |point| time(point.task_ns));
    let (least, most) = (bound(it.points.first()), bound(it.points.last()));
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

/// Why there is no figure, where there is none.
pub(super) fn refusal(it: &Granularity, percent: u32, metg: &Metg) -> Option<String> {
    let share = |point: &TaskSize| format!("{}%", digits(100.0 * point.efficiency));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::synthetic::{case, measured};
    use crate::record::{BASELINE, Case, Preset};

    /// Tasks of 64 ns to 262 µs, 256 a call, under backends that cost so many
    /// nanoseconds a task, at two threads.
    fn run(backends: &[(&str, f64)], rounds: u32) -> Summary {
        let mut cases: Vec<Case> = Vec::new();
        for chunk in (0..14).step_by(2).map(|power| 1_u64 << power) {
            cases.push(case(BASELINE, 1, 64 * 256 * chunk, 1));
            cases.extend(backends.iter().map(|(name, _)| case(name, 2, 64 * 256 * chunk, chunk)));
        }
        measured(Preset::Metg, &cases, rounds, |index, _| {
            let it = &cases[index];
            let work_ns = it.draws.unwrap_or_default() as f64;
            let cost_ns = backends.iter().find(|(name, _)| *name == it.backend);
            let cost_ns = 256.0 * cost_ns.map_or(0.0, |(_, ns)| *ns);
            if it.is_baseline() { work_ns } else { (work_ns + cost_ns) / 2.0 }
        })
    }

    #[test]
    fn the_table_has_the_smallest_first_and_refuses_in_words() {
        // Tasks of 4.096 µs and 4 µs for each are 50.6% efficient, those of 1.024 µs
        // 20.4%: on the straight line between them, 50% are reached at 8.02 µs.
        let backends = [("slow", 4e3), ("hopeless", 1e9), ("free", 0.0), ("odd", -40.0)];
        let text = granularity(&run(&backends, 9));
        let table: Vec<&str> = text.lines().skip(2).take(5).collect();
        let expected = [
            "backend   METG(50%) (95% interval)      METG(95%) (95% interval)",
            "free      ≤ 64.0 ns                     ≤ 64.0 ns",
            "slow      8.02 µs (8.02 µs – 8.02 µs)   88.2 µs (88.2 µs – 88.2 µs)",
            "hopeless  > 1.00 s                      > 1.00 s",
            "odd       refused                       refused",
        ];
        for (found, expected) in table.iter().zip(expected) {
            let plain = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(plain(found), plain(expected), "{text}");
        }
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "free: no METG(50%): its smallest tasks, 64.0 ns, are 100% efficient",
            "hopeless: no METG(95%): its largest tasks, 1.00 s, are only 0.0262% efficient",
            "odd: no METG: tasks of 24.0 ns are 267% efficient, so the sequential loop is not the",
            "METG(50%): the smallest task",
        ] {
            assert!(words.contains(part), "{part:?} is not in {text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn without_chunks_there_is_nothing_to_say() {
        assert_eq!(granularity(&Summary::default()), "");
    }
}
