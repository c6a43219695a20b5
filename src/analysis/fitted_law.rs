//! A scaling law fitted to throughputs, as files of results show it.

use serde::Serialize;

use super::description::{Description, LargestResidual, threads};
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
    /// Lower end of its interval.
    pub peak_low: Option<f64>,
    /// Upper end of its interval.
    pub peak_high: Option<f64>,
    /// Limit of the throughput for many threads: always an extrapolation.
    pub limit: Option<f64>,
    /// Caveat about the peak or the limit.
    pub caveat: Option<String>,
    /// True if the law describes the points, false if some point deviates from it by more than
    /// the limit; null if the data do not tell.
    pub describes: Option<bool>,
    /// Thread count whose throughput is farthest from the law.
    pub largest_residual_nthread: Option<f64>,
    /// Measured throughput there, divided by that of the law.
    pub largest_residual: Option<f64>,
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
        self.set_peak_interval();
    }

    /// Sets the interval of the peak √((1 − σ)/κ) by the delta method on its logarithm, as wide as
    /// for errors of σ and κ that add up, whatever their correlation. A peak needs a κ that is
    /// significantly above 0: else there is none to state.
    fn set_peak_interval(&mut self) {
        let Some(peak) = self.peak_nthread else { return };
        let sigma = self.sigma.zip(self.sigma_high);
        let kappa = self.kappa.zip(self.kappa_high).filter(|_| self.kappa_low > Some(0.0));
        let Some((kappa, kappa_high)) = kappa else {
            self.peak_nthread = None;
            self.caveat = Some("no peak is stated: coherence is not significantly above 0".into());
            return;
        };
        // A σ at its bound has no interval, and no error.
        let of_sigma = sigma.map_or(0.0, |(sigma, high)| (high - sigma) / (1.0 - sigma));
        let half_width = 0.5 * (of_sigma + (kappa_high - kappa) / kappa);
        self.peak_low = Some((peak * (-half_width).exp()).max(1.0));
        self.peak_high = Some(peak * half_width.exp());
    }

    /// Notes the largest residual. Returns the reason not to state the law, if there is one.
    pub(super) fn check(&mut self, residual: Option<LargestResidual>) -> Option<String> {
        let residual = residual?;
        self.largest_residual_nthread = Some(residual.nthread);
        self.largest_residual = Some(residual.ratio);
        let text = residual.text();
        let description = residual.description();
        self.describes = match description {
            Description::Describes => Some(true),
            Description::Fails => Some(false),
            Description::Unknown => None,
        };
        match description {
            Description::Describes => None,
            Description::Fails => Some(format!("no law describes these points: {text}")),
            Description::Unknown => Some(format!(
                "not enough data to tell whether a law describes these points: {text}"
            )),
        }
    }

    /// Withdraws what lies beyond the largest measured count, for a law that does not predict
    /// that count from the others.
    pub(super) fn withdraw_extrapolation(&mut self, largest: f64) {
        let is_beyond = self.peak_nthread.is_some_and(|peak| peak > largest);
        if !is_beyond && self.limit.is_none() {
            return;
        }
        self.limit = None;
        if is_beyond {
            (self.peak_nthread, self.peak_low, self.peak_high) = (None, None, None);
        }
        self.caveat = Some(format!(
            "nothing is stated beyond {}: the law does not predict that count from the others",
            threads(largest)
        ));
    }
}

/// Ends of an interval.
fn ends(interval: Option<Interval>) -> (Option<f64>, Option<f64>) {
    interval.map(|Interval { low, high, .. }| (low, high)).unzip()
}
