//! The winner at each job size and thread count, for the crossover map.

use std::collections::BTreeMap;

use serde::Serialize;

use super::CONFIDENCE;
use super::CaseSummary;
use crate::stats::median_interval;
use crate::visits::{VisitSelection, Visits};

/// The winner of one job at one thread count.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Winner {
    /// Index of the job's baseline.
    pub baseline: usize,
    /// Thread count.
    pub nthread: u32,
    /// Index of the fastest case with a speedup significantly above 1; null if there is none:
    /// then sequential wins.
    pub case: Option<usize>,
    /// Cases that are statistically indistinguishable from the winner: the interval of their
    /// paired ratio includes 1.
    pub ties: Vec<usize>,
}

/// A cell of the map: the baseline of the smallest comparable job, the draws, and the thread
/// count.
type Cell = (usize, Option<u64>, u32);

/// The winners of all jobs that differ in the draws only, from the smallest to the largest,
/// at each thread count. Empty if there is only one job size.
pub fn of(visits: &Visits, cases: &[CaseSummary]) -> Vec<Winner> {
    let mut cells: BTreeMap<Cell, Vec<usize>> = BTreeMap::new();
    for (index, summary) in cases.iter().enumerate() {
        let case = &summary.case;
        if case.is_baseline() || case.is_weak() || summary.pairs == 0 {
            continue;
        }
        // Jobs of different sizes belong together: they share the first such baseline.
        let first_baseline = cases.iter().position(|other| {
            let mut other_case = other.case.clone();
            (other_case.draws, other_case.nthread) = (case.draws, case.nthread);
            other.is_baseline() && other_case.is_comparable(case)
        });
        let Some(first_baseline) = first_baseline else { continue };
        cells.entry((first_baseline, case.draws, case.nthread)).or_default().push(index);
    }
    cells
        .iter()
        .filter(|((baseline, draws, _), _)| {
            cells.keys().any(|other| other.0 == *baseline && other.1 != *draws)
        })
        .filter_map(|((.., nthread), indices)| winner(visits, cases, *nthread, indices))
        .collect()
}

/// The winner among the cases of a cell.
fn winner(
    visits: &Visits,
    cases: &[CaseSummary],
    nthread: u32,
    indices: &[usize],
) -> Option<Winner> {
    let baseline = cases[*indices.first()?].baseline?;
    let speedup = |index: &usize| cases[*index].speedup.unwrap_or(0.0);
    let best = indices
        .iter()
        .copied()
        .filter(|index| cases[*index].speedup_low.is_some_and(|low| low > 1.0))
        .max_by(|one, other| speedup(one).total_cmp(&speedup(other)));
    // Without a winner, a case ties with sequential if its interval includes a speedup of 1.
    let ties = indices.iter().copied().filter(|index| match best {
        Some(best) => *index != best && is_tie(visits, best, *index),
        None => cases[*index].speedup_high.is_none_or(|high| high >= 1.0),
    });
    Some(Winner { baseline, nthread, case: best, ties: ties.collect() })
}

/// True if the interval of the paired ratio of two cases includes 1.
fn is_tie(visits: &Visits, one: usize, other: usize) -> bool {
    let [one, other] = [one, other].map(|case| -> BTreeMap<u32, f64> {
        visits.log_ratios_by_round(case, VisitSelection::Clean).into_iter().collect()
    });
    let ratios: Vec<f64> =
        one.iter().filter_map(|(round, log)| Some(log - other.get(round)?)).collect();
    median_interval(&ratios, CONFIDENCE)
        .is_none_or(|interval| interval.low <= 0.0 && interval.high >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{Noise, case, measured};
    use crate::record::{BASELINE, Case};

    /// The winner of the larger of two jobs, if the backends a and b have these
    /// speedups.
    fn winner(a: f64, b: f64) -> (Option<usize>, Vec<usize>) {
        let cases: Vec<Case> = [64, 128]
            .into_iter()
            .flat_map(|draws| [BASELINE, "a", "b"].map(|name| case(name, 2, draws, 1)))
            .collect();
        let mut noise = Noise::new(3);
        let summary =
            measured(&cases, 9, |index, _| 1e6 / [1.0, a, b][index % 3] * noise.factor(0.01));
        let last = summary.winners.last().expect("two jobs").clone();
        (last.case, last.ties)
    }

    #[test]
    fn sequential_wins_unless_a_case_is_significantly_faster() {
        assert_eq!(winner(0.5, 0.6), (None, vec![]));
        assert_eq!(winner(1.0, 0.6), (None, vec![4]));
        assert_eq!(winner(1.8, 0.6), (Some(4), vec![]));
    }

    #[test]
    fn a_case_indistinguishable_from_the_winner_is_a_tie() {
        let (case, ties) = winner(1.8, 1.8);
        assert_eq!((case.is_some(), ties.len()), (true, 1));
        assert_eq!(winner(1.8, 1.6), (Some(4), vec![]));
    }
}
