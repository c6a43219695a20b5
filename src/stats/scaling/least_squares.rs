//! Least squares with bounds on the parameters.
//!
//! A search that is clamped to a bound can stall before it reaches the minimum on that
//! bound. So the sides and corners of the square are searched separately, from several
//! starting points, and the lowest minimum is taken.

use super::grid::starts;
use super::problem::{Derivatives, Problem};
use super::{Curve, Loss, Model, Points};

/// Most steps of one search.
const MAX_STEPS: usize = 200;

/// Relative tolerance of σ and κ: a search ends with a smaller step.
const TOLERANCE: f64 = 1e-12;

/// The minimum of the sum of squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solution {
    /// The law with its parameters.
    pub curve: Curve,
    /// Sum of squared residuals: in the squared unit of the data, or of logarithms. `None` if
    /// it is outside the range of numbers.
    pub sse: Option<f64>,
    /// Sum of squared residuals divided by the squared scale of the points.
    pub(super) scaled_sse: f64,
}

/// Parameters that a search varies; the others keep their starting value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Free {
    pub sigma: bool,
    pub kappa: bool,
}

impl Points {
    /// Fits a law by least squares, with σ and κ in 0 to 1. `None` with fewer distinct counts
    /// than parameters.
    pub fn fit(&self, model: Model) -> Option<Solution> {
        if self.distinct() < model.parameters() {
            return None;
        }
        let problem = Problem::new(model, self);
        let (shares, sse) = self.lowest(&problem);
        let scaled_sse = sse + self.within;
        let (curve, sse) = (self.curve(&problem, shares)?, self.in_unit(scaled_sse));
        Some(Solution { curve, sse, scaled_sse })
    }

    /// Akaike's criterion of a fit, in the unit of the data; see [`super::aicc`].
    pub fn aicc(&self, solution: &Solution) -> Option<f64> {
        let (points, parameters) = (self.len(), solution.curve.model.parameters());
        let scaled = super::aicc(solution.scaled_sse, points, parameters, self.rounding())?;
        Some(match self.loss {
            Loss::Absolute => scaled + 2.0 * points as f64 * self.scale.ln(),
            Loss::Logarithmic => scaled,
        })
    }

    /// σ and κ of the minimum, and its sum of squares.
    fn lowest(&self, problem: &Problem<'_>) -> ([f64; 2], f64) {
        let mut minima: Vec<([f64; 2], f64)> = Vec::new();
        for start in starts(problem) {
            minima.push(problem.minimum(start, problem.free()));
            minima.extend(problem.boundary_minima(start));
        }
        let least = minima.iter().map(|(_, sse)| *sse).fold(f64::INFINITY, f64::min);
        // Of minima that are equal up to rounding, the one on more bounds is taken: for data
        // without coherence κ is exactly 0.
        let limit = least + (least * 1e-13).max(self.rounding());
        minima
            .into_iter()
            .filter(|(_, sse)| *sse <= limit)
            .min_by_key(|(shares, _)| shares.iter().filter(|it| **it > 0.0 && **it < 1.0).count())
            .unwrap_or(([0.0; 2], f64::INFINITY))
    }

    /// The curve with σ and κ, in the unit of the data.
    fn curve(&self, problem: &Problem<'_>, [sigma, kappa]: [f64; 2]) -> Option<Curve> {
        let level = problem.level([sigma, kappa]);
        let gamma = match self.loss {
            Loss::Absolute => level * self.scale,
            Loss::Logarithmic => (level + self.scale.ln()).exp(),
        };
        let curve = Curve { model: problem.model, gamma, sigma, kappa };
        (gamma.is_finite() && gamma > 0.0).then_some(curve)
    }

    /// Converts a sum of squares to the unit of the data.
    fn in_unit(&self, scaled: f64) -> Option<f64> {
        let sse = match self.loss {
            Loss::Absolute => scaled * self.scale * self.scale,
            Loss::Logarithmic => scaled,
        };
        (sse.is_normal() || scaled == 0.0).then_some(sse)
    }
}

impl Problem<'_> {
    /// Parameters of this law that a search varies.
    pub fn free(&self) -> Free {
        Free { sigma: true, kappa: self.model == Model::Usl }
    }

    /// Minima on the four sides of the square near a point, and the corners.
    fn boundary_minima(&self, [sigma, kappa]: [f64; 2]) -> Vec<([f64; 2], f64)> {
        if self.model != Model::Usl {
            return [0.0, 1.0].map(|sigma| ([sigma, 0.0], self.sse([sigma, 0.0]))).to_vec();
        }
        let only_sigma = Free { sigma: true, kappa: false };
        let only_kappa = Free { sigma: false, kappa: true };
        let mut minima = Vec::new();
        for bound in [0.0, 1.0] {
            minima.push(self.minimum([sigma, bound], only_sigma));
            minima.push(self.minimum([bound, kappa], only_kappa));
            minima.extend([0.0, 1.0].map(|kappa| ([bound, kappa], self.sse([bound, kappa]))));
        }
        minima
    }

    /// The minimum that is reached from a starting point, to the precision of numbers.
    ///
    /// Near the minimum the sum of squares is flat, and its last digits are rounding error;
    /// the exact derivatives locate the minimum much better. So the result of
    /// Levenberg–Marquardt is refined by Newton steps.
    fn minimum(&self, start: [f64; 2], free: Free) -> ([f64; 2], f64) {
        let (mut here, _) = self.descend(start, free, TOLERANCE);
        let mut at_here = self.derivatives(here);
        for _ in 0..MAX_STEPS {
            let Some(step) = self.newton_step(here, &at_here, free) else { break };
            let there = [0, 1].map(|k| (here[k] + step[k]).clamp(0.0, 1.0));
            let at_there = self.derivatives(there);
            let is_lower = at_there.sse < at_here.sse * (1.0 - 1e-10);
            let is_flatter = at_there.sse <= at_here.sse * (1.0 + 1e-12)
                && at_there.steepness(there, free) < at_here.steepness(here, free);
            if !(is_lower || is_flatter) {
                break;
            }
            (here, at_here) = (there, at_there);
        }
        (here, at_here.sse)
    }

    /// The Newton step, with a Hessian from differences of the exact gradients. `None` if no
    /// parameter moves, or the Hessian is not positive definite.
    fn newton_step(&self, here: [f64; 2], at_here: &Derivatives, free: Free) -> Option<[f64; 2]> {
        let mut hessian = [[0.0; 2]; 2];
        for k in 0..2 {
            let width = 1e-5 * (here[k] + self.negligible()[k]);
            let [above, below] = [width, -width].map(|width| {
                let mut there = here;
                there[k] += width;
                self.derivatives(there).gradient
            });
            hessian[k] = [0, 1].map(|other| (above[other] - below[other]) / (2.0 * width));
        }
        let mixed = f64::midpoint(hessian[0][1], hessian[1][0]);
        let is_convex = hessian[0][0] * hessian[1][1] > mixed * mixed * (1.0 + 1e-12);
        let exact = Derivatives { hessian: [hessian[0][0], mixed, hessian[1][1]], ..*at_here };
        let both_move = exact.moving(here, free) == [true, true];
        exact.step(here, free, 0.0).filter(|_| is_convex || !both_move)
    }

    /// Values of σ and κ that have no visible effect at the largest count.
    fn negligible(&self) -> [f64; 2] {
        let largest = self.counts.last().copied().unwrap_or(1.0);
        [1e-6 / largest, 1e-6 / (largest * largest)]
    }

    /// Minimises the sum of squares within the square from a starting point, by the method of
    /// Levenberg (1944) and Marquardt (1963), until a step is below `tolerance`.
    pub fn descend(&self, start: [f64; 2], free: Free, tolerance: f64) -> ([f64; 2], f64) {
        let (mut here, mut damping, negligible) = (start, 1e-3, self.negligible());
        let mut at_here = self.derivatives(here);
        for _ in 0..MAX_STEPS {
            let Some(step) = at_here.step(here, free, damping) else { break };
            let there = [0, 1].map(|k| (here[k] + step[k]).clamp(0.0, 1.0));
            let at_there = self.derivatives(there);
            // Near the minimum a good step may not lower the sum by more than rounding, so
            // an equal sum is accepted.
            if at_there.sse <= at_here.sse * (1.0 + 4.0 * f64::EPSILON) {
                let has_converged = (0..2)
                    .all(|k| (there[k] - here[k]).abs() <= tolerance * (here[k] + negligible[k]));
                (here, at_here) = (there, at_there);
                damping = if damping < 1e-9 { 0.0 } else { damping / 10.0 };
                if has_converged && damping < 1e-3 {
                    break;
                }
            } else if damping > 1e12 {
                // The steps are too short to change the sum: this is the minimum.
                break;
            } else {
                damping = (damping * 10.0).max(1e-6);
            }
        }
        (here, at_here.sse)
    }
}

impl Derivatives {
    /// The parameters that can move: free ones that are not pushed against a bound.
    fn moving(&self, here: [f64; 2], free: Free) -> [bool; 2] {
        let is_free = [free.sigma, free.kappa];
        [0, 1].map(|k| {
            let is_pushed = here[k] <= 0.0 && self.gradient[k] >= 0.0
                || here[k] >= 1.0 && self.gradient[k] <= 0.0;
            is_free[k] && !is_pushed && self.hessian[2 * k] > 0.0
        })
    }

    /// Squared gradient of the moving parameters, each relative to its own curvature.
    fn steepness(&self, here: [f64; 2], free: Free) -> f64 {
        let moving = (0..2).zip(self.moving(here, free)).filter(|(_, moves)| *moves);
        moving.map(|(k, _)| self.gradient[k] * self.gradient[k] / self.hessian[2 * k]).sum()
    }

    /// The damped step from `here`; `None` if no parameter can move downhill.
    fn step(&self, here: [f64; 2], free: Free, damping: f64) -> Option<[f64; 2]> {
        let [down_sigma, down_kappa] = self.gradient.map(|slope| -slope);
        let [by_sigma, mixed, by_kappa] = self.hessian;
        let (by_sigma, by_kappa) = (by_sigma * (1.0 + damping), by_kappa * (1.0 + damping));
        match self.moving(here, free) {
            [false, false] => None,
            [true, false] => Some([down_sigma / by_sigma, 0.0]),
            [false, true] => Some([0.0, down_kappa / by_kappa]),
            [true, true] => {
                // Scaled to unit curvature, since σ and κ differ by orders of magnitude.
                let (root_sigma, root_kappa) = (by_sigma.sqrt(), by_kappa.sqrt());
                let cosine = mixed / (root_sigma * root_kappa);
                let determinant = (1.0 - cosine * cosine).max(f64::EPSILON);
                let (s, k) = (down_sigma / root_sigma, down_kappa / root_kappa);
                Some([
                    (s - cosine * k) / determinant / root_sigma,
                    (k - cosine * s) / determinant / root_kappa,
                ])
            }
        }
    }
}
