//! Bootstrap intervals of the parameters of a fit.

use super::problem::Problem;
use super::{Curve, Loss};
use crate::stats::{Interval, Resampler};

/// Relative tolerance of a replicate's parameters: they vary much more between replicates.
const TOLERANCE: f64 = 1e-4;

/// Parameters of the law for each replicate, sorted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replicates {
    gammas: Vec<f64>,
    sigmas: Vec<f64>,
    kappas: Vec<f64>,
}

/// Resamples whole rounds `count` times, the same rounds at every number of workers, and
/// fits the law of `curve` to the medians of the logarithms. `logs` has, for each of
/// `counts` (ascending), the rounds with the logarithms of the throughput; a count without
/// any round in a replicate keeps its median.
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
    let mut multiplicity = vec![0_u32; rounds.len()];
    let mut replicates = Replicates::default();
    for _ in 0..count {
        multiplicity.fill(0);
        resampler.rounds(rounds.len()).iter().for_each(|round| multiplicity[*round] += 1);
        for (mean, column) in means.iter_mut().zip(&columns) {
            *mean = column.median(&multiplicity);
        }
        let (model, weights, loss) = (curve.model, &weights[..], Loss::Logarithmic);
        let problem = Problem { model, loss, counts, means: &means, weights };
        // The parameters of the data are close to those of a replicate, so a single start
        // suffices.
        let (shares, _) = problem.descend(curve.shares(), problem.free(), TOLERANCE);
        replicates.gammas.push(problem.level(shares).exp());
        replicates.sigmas.push(shares[0]);
        replicates.kappas.push(shares[1]);
    }
    for values in [&mut replicates.gammas, &mut replicates.sigmas, &mut replicates.kappas] {
        values.sort_by(f64::total_cmp);
    }
    replicates
}

impl Replicates {
    /// Percentile interval of γ.
    pub fn gamma(&self, confidence: f64) -> Option<Interval> {
        percentiles(&self.gammas, (1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0)
    }

    /// Interval of σ with this estimate: one-sided if the estimate is 0 or 1.
    pub fn sigma(&self, estimate: f64, confidence: f64) -> Option<Interval> {
        share_interval(&self.sigmas, estimate, confidence)
    }

    /// Interval of κ with this estimate: one-sided if the estimate is 0 or 1.
    pub fn kappa(&self, estimate: f64, confidence: f64) -> Option<Interval> {
        share_interval(&self.kappas, estimate, confidence)
    }
}

fn share_interval(sorted: &[f64], estimate: f64, confidence: f64) -> Option<Interval> {
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
    let last = sorted.len().checked_sub(1)?;
    let [low_end, high_end] =
        [low, high].map(|p| sorted[last.min((p * sorted.len() as f64).floor() as usize)]);
    Some(Interval { low: low_end, high: high_end, level: high - low })
}

/// Values of one count, sorted: the median of any replicate is found by counting.
struct Column {
    /// Indices of rounds with their values, sorted by value.
    sorted: Vec<(usize, f64)>,
    median: f64,
}

impl Column {
    fn new(logs: &[(u32, f64)], rounds: &[u32]) -> Column {
        let mut sorted: Vec<(usize, f64)> = Vec::with_capacity(logs.len());
        for (round, log) in logs {
            sorted.extend(rounds.binary_search(round).ok().map(|index| (index, *log)));
        }
        sorted.sort_by(|one, other| one.1.total_cmp(&other.1));
        let mut column = Column { sorted, median: 0.0 };
        column.median = column.median(&vec![1; rounds.len()]);
        column
    }

    /// Median of a replicate that has each round `multiplicity` times.
    fn median(&self, multiplicity: &[u32]) -> f64 {
        let drawn: u32 = self.sorted.iter().map(|(round, _)| multiplicity[*round]).sum();
        // The median is the mean of the two middle values if their number is even.
        let (mut seen, mut lower) = (0, None);
        for (round, value) in &self.sorted {
            seen += multiplicity[*round];
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
