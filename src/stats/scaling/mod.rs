//! Laws of scaling: throughput as a function of the number of workers.
//!
//! Each law is γ times a shape that is 1 at one worker, so γ is the throughput of one
//! worker:
//!
//! - Amdahl (1967): n / (1 + σ (n − 1)), σ the serial share;
//! - Gustafson (1988): σ + (1 − σ) n, for weak scaling;
//! - Gunther's Universal Scalability Law (2007): n / (1 + σ (n − 1) + κ n (n − 1)),
//!   σ for contention and κ for coherence. Amdahl's law is the special case κ = 0.

mod grid;
mod least_squares;
mod points;
mod problem;
mod replicates;
mod uncertainty;

pub use least_squares::Solution;
pub use points::{Loss, Points};
pub use replicates::{Replicates, replicates};
pub use uncertainty::Uncertainty;

use serde::Serialize;

/// A law of scaling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Model {
    /// S(n) = 1 / (f + (1 − f)/n): a part of the work is serial (Amdahl, 1967).
    Amdahl,
    /// S(n) = s + (1 − s) n: weak scaling (Gustafson, 1988).
    Gustafson,
    /// X(n) = γ n / (1 + σ (n − 1) + κ n (n − 1)): contention and coherence
    /// (Gunther's Universal Scalability Law).
    Usl,
}

impl Model {
    /// Number of fitted parameters, including γ.
    pub fn parameters(self) -> usize {
        match self {
            Model::Amdahl | Model::Gustafson => 2,
            Model::Usl => 3,
        }
    }

    /// Shape at `n` workers: 1 at one worker.
    fn shape(self, n: f64, [sigma, kappa]: [f64; 2]) -> f64 {
        match self {
            Model::Gustafson => sigma + (1.0 - sigma) * n,
            Model::Amdahl | Model::Usl => n / (1.0 + (n - 1.0) * (sigma + kappa * n)),
        }
    }

    /// Derivatives of the logarithm of the shape by σ and by κ.
    fn slopes(self, n: f64, [sigma, kappa]: [f64; 2]) -> [f64; 2] {
        match self {
            Model::Gustafson => [(1.0 - n) / (sigma + (1.0 - sigma) * n), 0.0],
            Model::Amdahl | Model::Usl => {
                let slope = (1.0 - n) / (1.0 + (n - 1.0) * (sigma + kappa * n));
                [slope, slope * n]
            }
        }
    }
}

/// A law with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// The law.
    pub model: Model,
    /// Throughput of one worker, in the unit of the data.
    pub gamma: f64,
    /// Contention, or the serial share: 0 to 1.
    pub sigma: f64,
    /// Coherence, 0 to 1; 0 for laws other than the Universal Scalability Law.
    pub kappa: f64,
}

impl Curve {
    /// Throughput of `n` workers.
    pub fn throughput(&self, n: f64) -> f64 {
        self.gamma * self.speedup(n)
    }

    /// Throughput of `n` workers divided by that of one.
    pub fn speedup(&self, n: f64) -> f64 {
        self.model.shape(n, self.shares())
    }

    /// Number of workers beyond which throughput falls: √((1 − σ)/κ), at least 1. `None` if it
    /// never falls.
    pub fn peak(&self) -> Option<f64> {
        let is_usl = self.model == Model::Usl && self.kappa > 0.0;
        is_usl.then(|| ((1.0 - self.sigma) / self.kappa).sqrt().max(1.0))
    }

    /// Limit of the throughput for many workers, γ/σ. `None` if there is a peak, or neither.
    pub fn limit(&self) -> Option<f64> {
        let limit = match self.model {
            Model::Gustafson => (self.sigma >= 1.0).then_some(self.gamma),
            _ => (self.kappa == 0.0 && self.sigma > 0.0).then(|| self.gamma / self.sigma),
        };
        limit.filter(|limit| limit.is_finite())
    }

    fn shares(&self) -> [f64; 2] {
        [self.sigma, self.kappa]
    }
}

/// Akaike's information criterion, corrected for small samples (Hurvich and Tsai, 1989), of
/// a least squares fit to `points` points: of two models the one with the smaller criterion
/// is preferred. The variance of the residuals counts as one more parameter. `None` unless
/// there are at least two points more than all parameters.
///
/// A sum of squares below `min_sse` is rounding error, and counts as `min_sse`.
pub fn aicc(sse: f64, points: usize, parameters: usize, min_sse: f64) -> Option<f64> {
    let (points, all) = (points as f64, parameters as f64 + 1.0);
    let freedom = points - all - 1.0;
    let correction = 2.0 * all * (all + 1.0) / freedom;
    let value = points * (sse.max(min_sse) / points).ln() + 2.0 * all + correction;
    (freedom > 0.0 && value.is_finite()).then_some(value)
}

#[cfg(test)]
mod tests;
