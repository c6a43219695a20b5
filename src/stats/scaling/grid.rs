//! Where the search for the best σ and κ begins.

use super::Model;
use super::problem::Problem;

/// Steps of σ and of κ between 0 and 1. The logarithm of the sum of squares bends
/// over decades of either, and a step is at most a quarter of one.
const STEPS: [usize; 2] = [40, 64];

/// Steps of σ where κ does not move: they cost little.
const ALONE: usize = 80;

/// Places from which a search begins, at most.
const STARTS: usize = 12;

/// The places of a grid over the square (its sides included) at which the sum of
/// squares is no larger than at any neighbour's: the lowest of them.
pub fn starts(problem: &Problem<'_>) -> Vec<[f64; 2]> {
    let largest = problem.counts.last().copied().unwrap_or(1.0).max(2.0);
    let sigmas = match problem.model {
        Model::Usl => steps(1e-3 / largest, STEPS[0]),
        Model::Amdahl => steps(1e-3 / largest, ALONE),
        // Its shape bends over decades of 1 − σ, too.
        Model::Gustafson => both_ways(steps(1e-3 / largest, ALONE)),
    };
    let kappas = match problem.model {
        Model::Usl => steps(1e-3 / (largest * largest), STEPS[1]),
        Model::Amdahl | Model::Gustafson => vec![0.0],
    };
    let sse: Vec<Vec<f64>> = sigmas
        .iter()
        .map(|sigma| kappas.iter().map(|kappa| problem.sse([*sigma, *kappa])).collect())
        .collect();
    let mut lowest = Vec::new();
    for (i, row) in sse.iter().enumerate() {
        for (j, here) in row.iter().enumerate() {
            if around(&sse, i, j).all(|there| *here <= there) {
                lowest.push((*here, [sigmas[i], kappas[j]]));
            }
        }
    }
    lowest.sort_by(|one, other| one.0.total_cmp(&other.0));
    lowest.into_iter().take(STARTS).map(|(_, shares)| shares).collect()
}

/// What stands in the nine cells around one, and in itself.
fn around(cells: &[Vec<f64>], i: usize, j: usize) -> impl Iterator<Item = f64> + '_ {
    let rows = &cells[i.saturating_sub(1)..(i + 2).min(cells.len())];
    rows.iter().flat_map(move |row| &row[j.saturating_sub(1)..(j + 2).min(row.len())]).copied()
}

/// Such places, and the same counted from 1.
fn both_ways(mut places: Vec<f64>) -> Vec<f64> {
    places.extend(places.clone().into_iter().map(|place| 1.0 - place));
    places.sort_by(f64::total_cmp);
    places.dedup();
    places
}

/// 0, and from `least` to 1 in equal ratios.
fn steps(least: f64, count: usize) -> Vec<f64> {
    let step = |i: usize| least.powf(1.0 - i as f64 / (count - 1) as f64);
    std::iter::once(0.0).chain((0..count).map(step)).collect()
}
