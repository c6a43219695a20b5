//! Starting points of the search for σ and κ, from a grid.

use super::Model;
use super::problem::Problem;

/// Steps of σ and of κ between 0 and 1. The sum of squares varies over decades of either,
/// and a step is at most a quarter of a decade.
const STEPS: [usize; 2] = [40, 64];

/// Steps of σ in a law without κ: they cost little.
const SIGMA_STEPS: usize = 80;

/// Most starting points.
const MAX_STARTS: usize = 12;

/// The local minima of the sum of squares on a grid over the square, sides included; the
/// lowest first.
pub fn starts(problem: &Problem<'_>) -> Vec<[f64; 2]> {
    let largest = problem.counts.last().copied().unwrap_or(1.0).max(2.0);
    let sigmas = match problem.model {
        Model::Usl => steps(1e-3 / largest, STEPS[0]),
        Model::Amdahl => steps(1e-3 / largest, SIGMA_STEPS),
        // The shape also varies over decades of 1 − σ.
        Model::Gustafson => mirrored(steps(1e-3 / largest, SIGMA_STEPS)),
    };
    let kappas = match problem.model {
        Model::Usl => steps(1e-3 / (largest * largest), STEPS[1]),
        Model::Amdahl | Model::Gustafson => vec![0.0],
    };
    let sse: Vec<Vec<f64>> = sigmas
        .iter()
        .map(|sigma| kappas.iter().map(|kappa| problem.sse([*sigma, *kappa])).collect())
        .collect();
    let mut minima = Vec::new();
    for (i, row) in sse.iter().enumerate() {
        for (j, here) in row.iter().enumerate() {
            if neighbourhood(&sse, i, j).all(|there| *here <= there) {
                minima.push((*here, [sigmas[i], kappas[j]]));
            }
        }
    }
    minima.sort_by(|one, other| one.0.total_cmp(&other.0));
    minima.into_iter().take(MAX_STARTS).map(|(_, shares)| shares).collect()
}

/// Values of a cell and of its up to eight neighbours.
fn neighbourhood(cells: &[Vec<f64>], i: usize, j: usize) -> impl Iterator<Item = f64> + '_ {
    let rows = &cells[i.saturating_sub(1)..(i + 2).min(cells.len())];
    rows.iter().flat_map(move |row| &row[j.saturating_sub(1)..(j + 2).min(row.len())]).copied()
}

/// These values and their differences from 1, sorted.
fn mirrored(mut values: Vec<f64>) -> Vec<f64> {
    values.extend(values.clone().into_iter().map(|value| 1.0 - value));
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

/// 0, and a geometric sequence from `min` to 1.
fn steps(min: f64, count: usize) -> Vec<f64> {
    let exponents = (0..count).map(|i| 1.0 - i as f64 / (count - 1) as f64);
    std::iter::once(0.0).chain(exponents.map(|exponent| min.powf(exponent))).collect()
}
