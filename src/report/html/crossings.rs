//! Where parallel begins to pay, and how small a task may be, for the page to draw.

use serde::Serialize;

use crate::analysis::{Crossover, Granularity, Metg, Summary, Winner};
use crate::report::crossover::{Ladder, known, ladders, sentence};
use crate::report::granularity::{METHOD, cell, name, refusal, shown};
use crate::view::number::thousands;

/// Jobs of several sizes.
#[derive(Debug, Serialize)]
pub(super) struct LadderData {
    name: String,
    sentence: Option<String>,
    /// Of the backends, in the order of their colours.
    names: Vec<String>,
    winners: Vec<WinnerData>,
    crossovers: Vec<CrossoverData>,
}

/// A cell of the map of winners.
#[derive(Debug, Serialize)]
struct WinnerData {
    /// Time of sequential, in nanoseconds.
    work_ns: Option<f64>,
    draws: String,
    nthread: u32,
    /// Nothing: sequential.
    winner: Option<String>,
    speedup: Option<f64>,
    ties: Vec<String>,
}

/// A line of speedups over the work of the job.
#[derive(Debug, Serialize)]
struct CrossoverData {
    name: String,
    nthread: u32,
    earliest: bool,
    /// What is known, in words.
    known: String,
    points: Vec<Point>,
}

/// A value with its interval at a place.
#[derive(Debug, Serialize)]
struct Point {
    at_ns: f64,
    value: f64,
    low: Option<f64>,
    high: Option<f64>,
    /// What it is of.
    of: String,
}

/// The smallest useful tasks.
#[derive(Debug, Serialize)]
pub(super) struct Grains {
    /// What the figures are.
    method: &'static str,
    nthread: u32,
    series: Vec<GrainData>,
}

/// One backend.
#[derive(Debug, Serialize)]
struct GrainData {
    name: String,
    metg_50: String,
    metg_95: String,
    refusals: Vec<String>,
    points: Vec<Point>,
}

/// The jobs of several sizes of a run.
pub(super) fn ladders_of(summary: &Summary) -> Vec<LadderData> {
    ladders(summary).iter().map(|ladder| ladder_data(summary, ladder)).collect()
}

fn ladder_data(summary: &Summary, ladder: &Ladder<'_>) -> LadderData {
    let pin = match ladder.job.pin.as_str() {
        "" | "none" => String::new(),
        pin => format!(", pinned {pin}"),
    };
    let mut names: Vec<String> = Vec::new();
    for it in &ladder.crossovers {
        let name = it.case.title();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    LadderData {
        name: format!("{}{pin}", ladder.job.kernel),
        sentence: sentence(ladder),
        names,
        winners: ladder.winners.iter().map(|it| winner_data(summary, it)).collect(),
        crossovers: ladder.crossovers.iter().map(|it| crossover_data(summary, it)).collect(),
    }
}

fn winner_data(summary: &Summary, winner: &Winner) -> WinnerData {
    let title = |case: &usize| summary.cases.get(*case).map(|case| case.case.title());
    let baseline = &summary.cases[winner.baseline];
    WinnerData {
        work_ns: baseline.median_ns,
        draws: thousands(baseline.case.draws.unwrap_or_default()),
        nthread: winner.nthread,
        winner: winner.case.as_ref().and_then(title),
        speedup: winner.case.and_then(|case| summary.cases.get(case)?.speedup),
        ties: winner.ties.iter().filter_map(title).collect(),
    }
}

fn crossover_data(summary: &Summary, it: &Crossover) -> CrossoverData {
    let point = |case: &usize| {
        let case = summary.cases.get(*case)?;
        Some(Point {
            at_ns: summary.cases.get(case.baseline?)?.median_ns?,
            value: case.speedup?,
            low: case.speedup_low,
            high: case.speedup_high,
            of: format!("{} draws", thousands(case.case.draws?)),
        })
    };
    CrossoverData {
        name: it.case.title(),
        nthread: it.case.nthread,
        earliest: it.earliest,
        known: known(it),
        points: it.cases.iter().filter_map(point).collect(),
    }
}

/// The smallest useful tasks of a run, if it looked for them.
pub(super) fn grains(summary: &Summary) -> Option<Grains> {
    let all = shown(summary);
    let first = all.first()?;
    let series = all.iter().map(|it| grain_data(name(&all, it), it)).collect();
    Some(Grains { method: METHOD, nthread: first.case.nthread, series })
}

fn grain_data(name: String, it: &Granularity) -> GrainData {
    let both: [(u32, &Metg); 2] = [(50, &it.metg_50), (95, &it.metg_95)];
    let points = it.points.iter().map(|grain| Point {
        at_ns: grain.task_ns,
        value: grain.efficiency,
        low: grain.efficiency_low,
        high: grain.efficiency_high,
        of: format!("{} blocks a task, {} tasks", thousands(grain.chunk), thousands(grain.tasks)),
    });
    GrainData {
        name,
        metg_50: cell(it, &it.metg_50),
        metg_95: cell(it, &it.metg_95),
        refusals: both.iter().filter_map(|(percent, it_is)| refusal(it, *percent, it_is)).collect(),
        points: points.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::synthetic::{case, measured};
    use crate::record::{BASELINE, Case, Preset};

    /// Two sizes of job, of which the larger pays.
    fn summary() -> Summary {
        let cases: Vec<Case> = [1 << 10, 1 << 20]
            .into_iter()
            .flat_map(|draws| [case(BASELINE, 1, draws, 1), case("fast", 2, draws, 1)])
            .collect();
        measured(Preset::Crossover, &cases, 9, |index, _| {
            let draws = cases[index].draws.unwrap_or_default() as f64;
            if index % 2 == 0 { draws } else { 8e3 + draws / 2.0 }
        })
    }

    #[test]
    fn a_ladder_has_its_sentence_its_winners_and_its_lines() {
        let ladders = ladders_of(&summary());
        let ladder = &ladders[0];
        assert!(ladder.sentence.as_deref().is_some_and(|it| it.starts_with("fast pays from")));
        let winners: Vec<Option<&str>> =
            ladder.winners.iter().map(|it| it.winner.as_deref()).collect();
        assert_eq!(winners, [None, Some("fast")]);
        assert_eq!(ladder.crossovers[0].points.len(), 2);
        assert!(ladder.crossovers[0].known.starts_with("pays from"), "{ladder:?}");
        assert!(grains(&summary()).is_none());
    }
}
