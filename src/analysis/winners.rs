//! Who wins at each size of job and each thread count.

use std::collections::BTreeMap;

use serde::Serialize;

use super::CONFIDENCE;
use super::CaseSummary;
use crate::stats::median_interval;
use crate::visits::{VisitSelection, Visits};

/// The winner of one job at one thread count.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Winner {
    /// Index of the baseline: the job.
    pub baseline: usize,
    /// Thread count.
    pub nthread: u32,
    /// Index of the fastest case whose speedup is shown to exceed 1 (its whole
    /// interval does); null: sequential wins, since nothing is shown to beat it.
    pub case: Option<usize>,
    /// Cases that cannot be told from the winner: the interval of their paired
    /// ratio includes 1.
    pub ties: Vec<usize>,
}

/// Of every job of which other jobs differ in draws only, from the smallest to the
/// largest, at each thread count. None where there is but one size of job.
pub fn of(visits: &Visits, cases: &[CaseSummary]) -> Vec<Winner> {
    let mut cells: BTreeMap<(usize, Option<u64>, u32), Vec<usize>> = BTreeMap::new();
    for (index, summary) in cases.iter().enumerate() {
        let case = &summary.case;
        if case.is_baseline() || case.is_weak() || summary.pairs == 0 {
            continue;
        }
        // Which ladder a job belongs to: the first baseline of its kind.
        let is_kin = |other: &CaseSummary| {
            let mut kin = other.case.clone();
            (kin.draws, kin.nthread) = (case.draws, case.nthread);
            other.is_baseline() && kin.is_comparable(case)
        };
        let Some(ladder) = cases.iter().position(is_kin) else { continue };
        cells.entry((ladder, case.draws, case.nthread)).or_default().push(index);
    }
    let sizes = |ladder: usize| {
        let mut draws: Vec<_> =
            cells.keys().filter(|key| key.0 == ladder).map(|key| key.1).collect();
        draws.dedup();
        draws.len()
    };
    let is_one_of_several = |key: &(usize, Option<u64>, u32)| sizes(key.0) > 1;
    let cells = cells.iter().filter(|(key, _)| is_one_of_several(key));
    cells.filter_map(|((.., nthread), rivals)| winner(visits, cases, *nthread, rivals)).collect()
}

fn winner(
    visits: &Visits,
    cases: &[CaseSummary],
    nthread: u32,
    rivals: &[usize],
) -> Option<Winner> {
    let baseline = cases[*rivals.first()?].baseline?;
    let speedup = |case: &usize| cases[*case].speedup.unwrap_or(0.0);
    let beats = |case: &&usize| cases[**case].speedup_low.is_some_and(|low| low > 1.0);
    let best = rivals.iter().filter(beats).max_by(|a, b| speedup(a).total_cmp(&speedup(b)));
    let ties = rivals.iter().copied().filter(|rival| match best {
        Some(best) => rival != best && is_tie(visits, *best, *rival),
        None => cases[*rival].speedup_high.is_none_or(|high| high >= 1.0),
    });
    Some(Winner { baseline, nthread, case: best.copied(), ties: ties.collect() })
}

/// Whether the paired ratio of two cases may be 1.
fn is_tie(visits: &Visits, one: usize, other: usize) -> bool {
    let by_round = |case| -> BTreeMap<u32, f64> {
        visits.log_ratios_by_round(case, VisitSelection::Clean).into_iter().collect()
    };
    let (one, other) = (by_round(one), by_round(other));
    let ratios: Vec<f64> =
        one.iter().filter_map(|(round, log)| Some(log - other.get(round)?)).collect();
    median_interval(&ratios, CONFIDENCE)
        .is_none_or(|interval| interval.low <= 0.0 && interval.high >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{Noise, case, measured};
    use crate::record::{BASELINE, Case, Preset};

    /// The winner of the larger of two jobs, if the backends a and b have these
    /// speedups.
    fn winner(a: f64, b: f64) -> (Option<usize>, Vec<usize>) {
        let cases: Vec<Case> = [64, 128]
            .into_iter()
            .flat_map(|draws| [BASELINE, "a", "b"].map(|name| case(name, 2, draws, 1)))
            .collect();
        let mut noise = Noise::new(3);
        let summary = measured(Preset::Sweep, &cases, 9, |index, _| {
            1e6 / [1.0, a, b][index % 3] * noise.factor(0.01)
        });
        let last = summary.winners.last().expect("two jobs").clone();
        (last.case, last.ties)
    }

    #[test]
    fn sequential_wins_until_something_is_shown_to_beat_it() {
        assert_eq!(winner(0.5, 0.6), (None, vec![]));
        assert_eq!(winner(1.0, 0.6), (None, vec![4]));
        assert_eq!(winner(1.8, 0.6), (Some(4), vec![]));
    }

    #[test]
    fn a_rival_that_cannot_be_told_from_the_winner_is_tied_with_it() {
        let (case, ties) = winner(1.8, 1.8);
        assert_eq!((case.is_some(), ties.len()), (true, 1));
        assert_eq!(winner(1.8, 1.6), (Some(4), vec![]));
    }
}
