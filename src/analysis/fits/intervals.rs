//! Bootstrap intervals of a fit: whole rounds are resampled.

use super::Fit;
use crate::analysis::MIN_ROUNDS;
use crate::stats::Resampler;
use crate::stats::scaling::{Curve, replicates};
use crate::visits::CONFIDENCE;

/// Seed of the resampling: the same samples give the same intervals.
const SEED: u64 = 0x5EED_0F17;

/// Fewest and most replicates of a series.
const REPLICATES: std::ops::RangeInclusive<usize> = 500..=1000;

/// Most values of all replicates: a run of many rounds has fewer replicates, so that its
/// report is fast.
const MAX_VALUES: usize = 4_000_000;

impl Fit {
    /// Fills in the intervals of the parameters: percentiles over replicates, each fitted to
    /// the medians of resampled rounds, the same rounds for all counts. The interval of a
    /// parameter at a bound is one-sided.
    pub(super) fn fill_intervals(
        &mut self,
        curve: &Curve,
        counts: &[f64],
        logs: &[Vec<(u32, f64)>],
    ) {
        if logs.iter().any(|logs| logs.len() < MIN_ROUNDS) {
            return;
        }
        let values: usize = logs.iter().map(Vec::len).sum();
        let count = (MAX_VALUES / values).clamp(*REPLICATES.start(), *REPLICATES.end());
        let replicates = replicates(curve, counts, logs, count, &mut Resampler::new(SEED));
        let gamma = replicates.gamma(CONFIDENCE);
        let sigma = replicates.sigma(curve.sigma, CONFIDENCE);
        let is_fitted = curve.model.parameters() == 3;
        let kappa = replicates.kappa(curve.kappa, CONFIDENCE).filter(|_| is_fitted);
        self.law.set_intervals([gamma, sigma, kappa]);
        self.replicates = count;
    }
}
