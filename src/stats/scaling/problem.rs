//! Objective function of a fit: the sum of squares as a function of σ and κ.
//!
//! γ (or ln γ) is a linear parameter, so its best value for given σ and κ is known in closed
//! form. The remaining problem has two dimensions, on the unit square (variable projection;
//! Golub and Pereyra, 1973).

use super::{Loss, Model, Points};

/// The objective function of one law.
#[derive(Clone, Copy)]
pub struct Problem<'a> {
    pub model: Model,
    pub loss: Loss,
    pub counts: &'a [f64],
    pub means: &'a [f64],
    pub weights: &'a [f64],
}

/// Sum of squares at a point, with its derivatives.
#[derive(Clone, Copy, Debug)]
pub struct Derivatives {
    /// Sum of squares.
    pub sse: f64,
    /// Half of its gradient by σ and κ.
    pub gradient: [f64; 2],
    /// Half of its Hessian in the Gauss–Newton approximation of Kaufman (1975): σσ, σκ, κκ.
    pub hessian: [f64; 3],
}

impl<'a> Problem<'a> {
    /// The objective function for these points.
    pub fn new(model: Model, points: &'a Points) -> Problem<'a> {
        let Points { loss, counts, means, weights, .. } = points;
        Problem { model, loss: *loss, counts, means, weights }
    }

    /// The best γ (divided by the scale of the points), or the best ln γ, for σ and κ.
    pub fn level(&self, shares: [f64; 2]) -> f64 {
        let (mut numerator, mut denominator) = (0.0, 0.0);
        for ((n, mean), weight) in self.points() {
            let shape = self.model.shape(n, shares);
            match self.loss {
                Loss::Absolute => {
                    numerator += weight * shape * mean;
                    denominator += weight * shape * shape;
                }
                Loss::Logarithmic => {
                    numerator += weight * (mean - shape.ln());
                    denominator += weight;
                }
            }
        }
        numerator / denominator
    }

    /// Sum of squares at σ and κ.
    pub fn sse(&self, shares: [f64; 2]) -> f64 {
        let level = self.level(shares);
        let mut sse = 0.0;
        for ((n, mean), weight) in self.points() {
            let residual = self.residual(n, mean, shares, level);
            sse += weight * residual * residual;
        }
        sse
    }

    fn residual(&self, n: f64, mean: f64, shares: [f64; 2], level: f64) -> f64 {
        let shape = self.model.shape(n, shares);
        match self.loss {
            Loss::Absolute => mean - level * shape,
            Loss::Logarithmic => mean - level - shape.ln(),
        }
    }

    /// Sum of squares at σ and κ, with its derivatives.
    pub fn derivatives(&self, shares: [f64; 2]) -> Derivatives {
        let level = self.level(shares);
        // γ follows a change of σ or κ: the change is reduced by its projection on the
        // derivative by γ.
        let (mut norm, mut along) = (0.0, [0.0; 2]);
        for ((n, _), weight) in self.points() {
            let (by_gamma, by_shares) = self.jacobian(n, shares, level);
            norm += weight * by_gamma * by_gamma;
            (0..2).for_each(|k| along[k] += weight * by_gamma * by_shares[k]);
        }
        let mut sum = Derivatives { sse: 0.0, gradient: [0.0; 2], hessian: [0.0; 3] };
        for ((n, mean), weight) in self.points() {
            let (by_gamma, by_shares) = self.jacobian(n, shares, level);
            let residual = self.residual(n, mean, shares, level);
            let [sigma, kappa] = [0, 1].map(|k| by_shares[k] - by_gamma * along[k] / norm);
            sum.sse += weight * residual * residual;
            sum.gradient[0] -= weight * residual * sigma;
            sum.gradient[1] -= weight * residual * kappa;
            sum.hessian[0] += weight * sigma * sigma;
            sum.hessian[1] += weight * sigma * kappa;
            sum.hessian[2] += weight * kappa * kappa;
        }
        sum
    }

    /// Derivatives of the curve at `n` by γ (or ln γ), and by σ and κ.
    pub fn jacobian(&self, n: f64, shares: [f64; 2], level: f64) -> (f64, [f64; 2]) {
        let slopes = self.model.slopes(n, shares);
        match self.loss {
            Loss::Logarithmic => (1.0, slopes),
            Loss::Absolute => {
                let shape = self.model.shape(n, shares);
                (shape, slopes.map(|slope| level * shape * slope))
            }
        }
    }

    /// Count and mean of each point, and its weight.
    pub fn points(&self) -> impl Iterator<Item = ((f64, f64), f64)> + '_ {
        let pairs = self.counts.iter().copied().zip(self.means.iter().copied());
        pairs.zip(self.weights.iter().copied())
    }
}
