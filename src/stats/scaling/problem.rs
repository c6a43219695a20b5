//! The sum of squares as a function of σ and κ.
//!
//! γ (or ln γ) enters linearly, so that its best value for given σ and κ is known:
//! what is left is a problem in two dimensions on the square of 0 to 1 (variable
//! projection; Golub and Pereyra, 1973).

use super::{Loss, Model, Points};

/// What is made small.
#[derive(Clone, Copy)]
pub struct Problem<'a> {
    pub model: Model,
    pub loss: Loss,
    pub counts: &'a [f64],
    pub means: &'a [f64],
    pub weights: &'a [f64],
}

/// The sum of squares at a place, and how it changes there.
#[derive(Clone, Copy, Debug)]
pub struct Slope {
    /// The sum of squares.
    pub sse: f64,
    /// Half of its derivatives by σ and κ: exact.
    pub gradient: [f64; 2],
    /// Half of its second derivatives as Gauss, Newton and Kaufman (1975) have them:
    /// σσ, σκ, κκ.
    pub curvature: [f64; 3],
}

impl<'a> Problem<'a> {
    /// Of points.
    pub fn new(model: Model, points: &'a Points) -> Problem<'a> {
        let Points { loss, counts, means, weights, .. } = points;
        Problem { model, loss: *loss, counts, means, weights }
    }

    /// The best γ (by the scale of the points), or the best ln γ, at σ and κ.
    pub fn level(&self, shares: [f64; 2]) -> f64 {
        let (mut above, mut below) = (0.0, 0.0);
        for ((n, mean), weight) in self.points() {
            let shape = self.model.shape(n, shares);
            match self.loss {
                Loss::Absolute => {
                    above += weight * shape * mean;
                    below += weight * shape * shape;
                }
                Loss::Logarithmic => {
                    above += weight * (mean - shape.ln());
                    below += weight;
                }
            }
        }
        above / below
    }

    /// The sum of squares at σ and κ.
    pub fn sse(&self, shares: [f64; 2]) -> f64 {
        let level = self.level(shares);
        let square = |((n, mean), weight): ((f64, f64), f64)| {
            let shape = self.model.shape(n, shares);
            let residual = match self.loss {
                Loss::Absolute => mean - level * shape,
                Loss::Logarithmic => mean - level - shape.ln(),
            };
            weight * residual * residual
        };
        self.points().map(square).sum()
    }

    /// The same with its derivatives.
    pub fn slope(&self, shares: [f64; 2]) -> Slope {
        let level = self.level(shares);
        // What γ takes up of a change of σ or κ: the change less its projection on
        // the direction in which γ moves the curve.
        let (mut norm, mut along) = (0.0, [0.0; 2]);
        for ((n, _), weight) in self.points() {
            let (shape, changes) = self.change(n, shares, level);
            norm += weight * shape * shape;
            (0..2).for_each(|k| along[k] += weight * shape * changes[k]);
        }
        let mut slope = Slope { sse: 0.0, gradient: [0.0; 2], curvature: [0.0; 3] };
        for ((n, mean), weight) in self.points() {
            let (shape, changes) = self.change(n, shares, level);
            let residual = match self.loss {
                Loss::Absolute => mean - level * shape,
                Loss::Logarithmic => mean - level - self.model.shape(n, shares).ln(),
            };
            let [sigma, kappa] = [0, 1].map(|k| changes[k] - shape * along[k] / norm);
            slope.sse += weight * residual * residual;
            slope.gradient[0] -= weight * residual * sigma;
            slope.gradient[1] -= weight * residual * kappa;
            slope.curvature[0] += weight * sigma * sigma;
            slope.curvature[1] += weight * sigma * kappa;
            slope.curvature[2] += weight * kappa * kappa;
        }
        slope
    }

    /// How the curve at `n` changes with γ (or ln γ), and with σ and κ.
    pub fn change(&self, n: f64, shares: [f64; 2], level: f64) -> (f64, [f64; 2]) {
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
