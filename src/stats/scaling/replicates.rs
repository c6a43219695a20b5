//! How well the parameters of a fit are known, from rounds drawn anew.

use super::problem::Problem;
use super::{Curve, Loss};
use crate::stats::{Interval, Resampler};

/// A replicate's search begins at the fit, and need not be finer than this share of
/// its parameters: they differ by much more from one replicate to the next.
const TOLERANCE: f64 = 1e-4;

/// The parameters of the law, fitted again to each replicate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replicates {
    gammas: Vec<f64>,
    sigmas: Vec<f64>,
    kappas: Vec<f64>,
}

/// Draws whole rounds `count` times, the same rounds at every number of workers, and
/// fits the law of `curve` to the medians of each (by logarithms). `logs` has, for
/// each of `counts` (ascending), the rounds and the logarithms of the throughput
/// measured in each; a count of which a replicate has no round keeps its median.
pub fn replicates(
    curve: &Curve,
    counts: &[f64],
    logs: &[Vec<(u32, f64)>],
    count: usize,
    resampler: &mut Resampler,
) -> Replicates {
    let mut rounds: Vec<u32> = logs.iter().flatten().map(|(round, _)| *round).collect();
    rounds.sort_unstable();
    rounds.dedup();
    let columns: Vec<Column> = logs.iter().map(|logs| Column::new(logs, &rounds)).collect();
    let weights = vec![1.0; counts.len()];
    let mut means = vec![0.0; counts.len()];
    let mut times = vec![0_u32; rounds.len()];
    let mut found = Replicates::default();
    for _ in 0..count {
        times.fill(0);
        resampler.rounds(rounds.len()).iter().for_each(|round| times[*round] += 1);
        for (mean, column) in means.iter_mut().zip(&columns) {
            *mean = column.median(&times);
        }
        let (model, weights, loss) = (curve.model, &weights[..], Loss::Logarithmic);
        let problem = Problem { model, loss, counts, means: &means, weights };
        let (shares, _) = problem.descend(curve.shares(), problem.free(), TOLERANCE);
        found.gammas.push(problem.level(shares).exp());
        found.sigmas.push(shares[0]);
        found.kappas.push(shares[1]);
    }
    for values in [&mut found.gammas, &mut found.sigmas, &mut found.kappas] {
        values.sort_by(f64::total_cmp);
    }
    found
}

impl Replicates {
    /// Of γ, by percentiles.
    pub fn gamma(&self, confidence: f64) -> Option<Interval> {
        percentiles(&self.gammas, (1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0)
    }

    /// Of σ, whose estimate is given: one-sided where that stands on a bound.
    pub fn sigma(&self, estimate: f64, confidence: f64) -> Option<Interval> {
        of_share(&self.sigmas, estimate, confidence)
    }

    /// Of κ, likewise.
    pub fn kappa(&self, estimate: f64, confidence: f64) -> Option<Interval> {
        of_share(&self.kappas, estimate, confidence)
    }
}

fn of_share(sorted: &[f64], estimate: f64, confidence: f64) -> Option<Interval> {
    if estimate <= 0.0 {
        percentiles(sorted, 0.0, confidence).map(|interval| Interval { low: 0.0, ..interval })
    } else if estimate >= 1.0 {
        percentiles(sorted, 1.0 - confidence, 1.0)
            .map(|interval| Interval { high: 1.0, ..interval })
    } else {
        percentiles(sorted, (1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0)
    }
}

fn percentiles(sorted: &[f64], low: f64, high: f64) -> Option<Interval> {
    let at = |share: f64| {
        let place = (share * sorted.len() as f64).floor() as usize;
        sorted.get(place.min(sorted.len().saturating_sub(1))).copied()
    };
    Some(Interval { low: at(low)?, high: at(high)?, level: high - low })
}

/// What was measured at one count, in the order of size: the median of any
/// replicate is found by counting.
struct Column {
    /// Index of the round, and the value.
    sorted: Vec<(usize, f64)>,
    median: f64,
}

impl Column {
    fn new(logs: &[(u32, f64)], rounds: &[u32]) -> Column {
        let index = |(round, log): &(u32, f64)| Some((rounds.binary_search(round).ok()?, *log));
        let mut sorted: Vec<(usize, f64)> = logs.iter().filter_map(index).collect();
        sorted.sort_by(|one, other| one.1.total_cmp(&other.1));
        let mut column = Column { sorted, median: 0.0 };
        column.median = column.median(&vec![1; rounds.len()]);
        column
    }

    /// The median where each round was drawn so many times.
    fn median(&self, times: &[u32]) -> f64 {
        let drawn: u32 = self.sorted.iter().map(|(round, _)| times[*round]).sum();
        let (mut seen, mut lower) = (0, None);
        for (round, value) in &self.sorted {
            seen += times[*round];
            if lower.is_none() && 2 * seen >= drawn && seen > 0 {
                lower = Some(*value);
            }
            if 2 * seen > drawn {
                return f64::midpoint(lower.unwrap_or(*value), *value);
            }
        }
        self.median
    }
}
