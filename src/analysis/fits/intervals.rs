//! Intervals of a fit: whole rounds drawn anew.

use super::Fit;
use crate::stats::Resampler;
use crate::stats::scaling::{Curve, replicates};
use crate::visits::CONFIDENCE;

/// Fewer rounds say nothing about how much rounds differ.
const FEWEST_ROUNDS: usize = 6;

/// The same samples give the same intervals.
const SEED: u64 = 0x5EED_0F17;

/// Replicates of a series, where they are cheap, and at least.
const REPLICATES: std::ops::RangeInclusive<usize> = 500..=1000;

/// Replicates times values, where more than the least number are not needed: a run of
/// many rounds is not to wait for its report.
const VALUES: usize = 4_000_000;

impl Fit {
    /// Fills the intervals of the parameters: percentiles of the law, fitted again to
    /// the medians of resampled rounds, the same rounds for all counts. Where a
    /// share stands on its bound, the interval is one-sided.
    pub(super) fn fill_intervals(
        &mut self,
        curve: &Curve,
        counts: &[f64],
        logs: &[Vec<(u32, f64)>],
    ) {
        if logs.iter().any(|logs| logs.len() < FEWEST_ROUNDS) {
            return;
        }
        let values: usize = logs.iter().map(Vec::len).sum();
        let count = (VALUES / values).clamp(*REPLICATES.start(), *REPLICATES.end());
        let found = replicates(curve, counts, logs, count, &mut Resampler::new(SEED));
        let gamma = found.gamma(CONFIDENCE);
        let sigma = found.sigma(curve.sigma, CONFIDENCE);
        let is_fitted = curve.model.parameters() == 3;
        let kappa = found.kappa(curve.kappa, CONFIDENCE).filter(|_| is_fitted);
        (self.gamma_low, self.gamma_high) = (gamma.map(|it| it.low), gamma.map(|it| it.high));
        (self.sigma_low, self.sigma_high) = (sigma.map(|it| it.low), sigma.map(|it| it.high));
        (self.kappa_low, self.kappa_high) = (kappa.map(|it| it.low), kappa.map(|it| it.high));
        self.replicates = count;
    }
}
