//! A scaling law fitted to throughputs, as files of results show it.

use serde::Serialize;

use super::fits::{Candidate, Model};
use crate::stats::Interval;

/// A scaling law fitted to throughputs; without values if nothing was fitted.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FittedLaw {
    /// The law.
    pub model: Option<Model>,
    /// Throughput of one worker, in the unit of the data: in a run draws per second, for
    /// commands and functions calls per second.
    pub gamma: Option<f64>,
    /// Lower end of its interval.
    pub gamma_low: Option<f64>,
    /// Upper end of its interval.
    pub gamma_high: Option<f64>,
    /// Share of contention, or the serial share of the laws of Amdahl and Gustafson.
    pub sigma: Option<f64>,
    /// Lower end of its interval.
    pub sigma_low: Option<f64>,
    /// Upper end of its interval.
    pub sigma_high: Option<f64>,
    /// Share of coherence; 0 for laws other than the Universal Scalability Law.
    pub kappa: Option<f64>,
    /// Lower end of its interval.
    pub kappa_low: Option<f64>,
    /// Upper end of its interval.
    pub kappa_high: Option<f64>,
    /// Sum of the squared residuals: of ln throughput in a run, else of throughput.
    pub sse: Option<f64>,
    /// Akaike's criterion for small samples.
    pub aicc: Option<f64>,
    /// Thread count of the highest throughput.
    pub peak_nthread: Option<f64>,
    /// Limit of the throughput for many threads: always an extrapolation.
    pub limit: Option<f64>,
    /// Caveat about the peak or the limit.
    pub caveat: Option<String>,
}

impl FittedLaw {
    /// The law without intervals; `largest` is the largest measured thread count.
    pub(super) fn of(fitted: &Candidate, largest: f64) -> FittedLaw {
        let Candidate { curve, sse, aicc } = *fitted;
        let (peak_nthread, limit) = (curve.peak(), curve.limit());
        let caveat = if peak_nthread.is_some_and(|peak| peak > largest) {
            Some("peak beyond what was measured".to_string())
        } else {
            limit.map(|_| format!("limit extrapolated from at most {largest} threads"))
        };
        FittedLaw {
            model: Some(curve.model),
            gamma: Some(curve.gamma),
            sigma: Some(curve.sigma),
            kappa: Some(curve.kappa),
            sse,
            aicc,
            peak_nthread,
            limit,
            caveat,
            ..FittedLaw::default()
        }
    }

    /// Sets the intervals of gamma, sigma and kappa.
    pub(super) fn set_intervals(&mut self, intervals: [Option<Interval>; 3]) {
        let [gamma, sigma, kappa] = intervals;
        (self.gamma_low, self.gamma_high) = ends(gamma);
        (self.sigma_low, self.sigma_high) = ends(sigma);
        (self.kappa_low, self.kappa_high) = ends(kappa);
    }
}

/// Both ends of an interval.
fn ends(interval: Option<Interval>) -> (Option<f64>, Option<f64>) {
    interval.map(|Interval { low, high, .. }| (low, high)).unzip()
}
