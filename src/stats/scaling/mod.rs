//! Laws of scaling: throughput as a function of the number of workers.
//!
//! All three are γ times a shape that is 1 at one worker, so γ is the throughput
//! of one worker:
//!
//! - Amdahl (1967): n / (1 + σ (n − 1)), σ the serial share;
//! - Gustafson (1988): σ + (1 − σ) n, where the work grows with the workers;
//! - Gunther's Universal Scalability Law (2007): n / (1 + σ (n − 1) + κ n (n − 1)),
//!   σ for contention and κ for coherence. Amdahl's law is the one with κ = 0.

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
    /// S(n) = s + (1 − s) n, where the work grows with the workers (Gustafson, 1988).
    Gustafson,
    /// X(n) = γ n / (1 + σ (n − 1) + κ n (n − 1)): contention and coherence
    /// (Gunther's Universal Scalability Law).
    Usl,
}

impl Model {
    /// How many parameters are fitted, γ among them.
    pub fn parameters(self) -> usize {
        match self {
            Model::Amdahl | Model::Gustafson => 2,
            Model::Usl => 3,
        }
    }

    /// The shape at `n` workers, 1 at one.
    fn shape(self, n: f64, [sigma, kappa]: [f64; 2]) -> f64 {
        match self {
            Model::Gustafson => sigma + (1.0 - sigma) * n,
            Model::Amdahl | Model::Usl => n / (1.0 + (n - 1.0) * (sigma + kappa * n)),
        }
    }

    /// The derivatives of ln shape by σ and by κ.
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
    /// Which law.
    pub model: Model,
    /// Throughput of one worker, in the unit of the data.
    pub gamma: f64,
    /// Contention, or the serial share: 0 to 1.
    pub sigma: f64,
    /// Coherence, 0 to 1; 0 but for the Universal Scalability Law.
    pub kappa: f64,
}

impl Curve {
    /// Throughput of `n` workers.
    pub fn throughput(&self, n: f64) -> f64 {
        self.gamma * self.speedup(n)
    }

    /// Throughput of `n` workers by that of one.
    pub fn speedup(&self, n: f64) -> f64 {
        self.model.shape(n, self.shares())
    }

    /// The number of workers beyond which throughput falls, √((1 − σ)/κ), at least
    /// 1. `None` where it never falls.
    pub fn peak(&self) -> Option<f64> {
        let is_usl = self.model == Model::Usl && self.kappa > 0.0;
        is_usl.then(|| ((1.0 - self.sigma) / self.kappa).sqrt().max(1.0))
    }

    /// The throughput that no number of workers exceeds, γ/σ. `None` where there is
    /// a peak instead, or neither.
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

/// Akaike's criterion corrected for small samples (Hurvich and Tsai, 1989), of a
/// least squares fit to `points` points: the model with the smaller one explains
/// the data better for its `parameters`. The variance of the residuals is one more
/// parameter. `None` with fewer than two points more than those.
///
/// Residuals below `least_sse` say nothing about the model any more, only about
/// rounding.
pub fn aicc(sse: f64, points: usize, parameters: usize, least_sse: f64) -> Option<f64> {
    let (points, all) = (points as f64, parameters as f64 + 1.0);
    let spare = points - all - 1.0;
    let value =
        points * (sse.max(least_sse) / points).ln() + 2.0 * all + 2.0 * all * (all + 1.0) / spare;
    (spare > 0.0 && value.is_finite()).then_some(value)
}

#[cfg(test)]
mod tests;
