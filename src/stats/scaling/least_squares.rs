//! Least squares with bounds.
//!
//! A search that is clamped to a bound can stall there, short of the lowest place
//! on it. So each side of the square and each corner is searched for itself, too,
//! from several starts, and the lowest of all is taken.

use super::grid::starts;
use super::problem::{Problem, Slope};
use super::{Curve, Loss, Model, Points};

/// Steps of one search, at most.
const STEPS: usize = 200;

/// A search ends where a step changes σ and κ by less than this share.
const TOLERANCE: f64 = 1e-12;

/// The lowest place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solution {
    /// The law with its parameters.
    pub curve: Curve,
    /// Sum of the squares of what is left: in the square of the data's unit, or of
    /// logarithms. `None` where that is beyond what a number can hold.
    pub sse: Option<f64>,
    /// The same by the square of the points' scale.
    pub(super) scaled_sse: f64,
}

/// σ and κ that may move; the others stay where the search begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Free {
    pub sigma: bool,
    pub kappa: bool,
}

impl Points {
    /// The law of this kind with the least sum of squares, σ and κ in 0 to 1.
    /// `None` with fewer distinct counts than parameters.
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

    /// Akaike's criterion of such a fit, in the unit of the data; see [`super::aicc`].
    pub fn aicc(&self, solution: &Solution) -> Option<f64> {
        let (points, parameters) = (self.len(), solution.curve.model.parameters());
        let scaled = super::aicc(solution.scaled_sse, points, parameters, self.rounding())?;
        Some(match self.loss {
            Loss::Absolute => scaled + 2.0 * points as f64 * self.scale.ln(),
            Loss::Logarithmic => scaled,
        })
    }

    /// σ and κ of the lowest place, and the sum of squares there.
    fn lowest(&self, problem: &Problem<'_>) -> ([f64; 2], f64) {
        let mut found: Vec<([f64; 2], f64)> = Vec::new();
        for start in starts(problem) {
            found.push(problem.settle(start, problem.free()));
            found.extend(problem.sides(start));
        }
        let least = found.iter().map(|(_, sse)| *sse).fold(f64::INFINITY, f64::min);
        // Where they cannot be told from each other, the one on more bounds: of data
        // without coherence κ is 0, and not what rounding makes of it.
        let enough = least + (least * 1e-13).max(self.rounding());
        let off = |(shares, _): &([f64; 2], f64)| {
            shares.iter().filter(|share| **share > 0.0 && **share < 1.0).count()
        };
        let alike = found.into_iter().filter(|(_, sse)| *sse <= enough);
        alike.min_by_key(off).unwrap_or(([0.0; 2], f64::INFINITY))
    }

    /// The curve of a place, in the unit of the data.
    fn curve(&self, problem: &Problem<'_>, [sigma, kappa]: [f64; 2]) -> Option<Curve> {
        let level = problem.level([sigma, kappa]);
        let gamma = match self.loss {
            Loss::Absolute => level * self.scale,
            Loss::Logarithmic => (level + self.scale.ln()).exp(),
        };
        let curve = Curve { model: problem.model, gamma, sigma, kappa };
        (gamma.is_finite() && gamma > 0.0).then_some(curve)
    }

    /// A sum of squares in the unit of the data.
    fn in_unit(&self, scaled: f64) -> Option<f64> {
        let sse = match self.loss {
            Loss::Absolute => scaled * self.scale * self.scale,
            Loss::Logarithmic => scaled,
        };
        (sse.is_normal() || scaled == 0.0).then_some(sse)
    }
}

impl Problem<'_> {
    /// What may move under this law.
    pub fn free(&self) -> Free {
        Free { sigma: true, kappa: self.model == Model::Usl }
    }

    /// The lowest places on the four sides of the square, near a place, and its
    /// corners.
    fn sides(&self, [sigma, kappa]: [f64; 2]) -> Vec<([f64; 2], f64)> {
        if self.model != Model::Usl {
            return [0.0, 1.0].map(|sigma| ([sigma, 0.0], self.sse([sigma, 0.0]))).to_vec();
        }
        let only_sigma = Free { sigma: true, kappa: false };
        let only_kappa = Free { sigma: false, kappa: true };
        let mut found = Vec::new();
        for bound in [0.0, 1.0] {
            found.push(self.settle([sigma, bound], only_sigma));
            found.push(self.settle([bound, kappa], only_kappa));
            found.extend([0.0, 1.0].map(|kappa| ([bound, kappa], self.sse([bound, kappa]))));
        }
        found
    }

    /// The lowest place that is reached from another, as exactly as it can be told.
    ///
    /// Sums of squares that differ in their last digits say little: the derivatives,
    /// which are exact, become 0 much more sharply. So what Levenberg and Marquardt
    /// find is finished by Newton's steps.
    fn settle(&self, start: [f64; 2], free: Free) -> ([f64; 2], f64) {
        let (mut here, _) = self.descend(start, free, TOLERANCE);
        let mut slope = self.slope(here);
        for _ in 0..STEPS {
            let Some(step) = self.newton(here, &slope, free) else { break };
            let there = [0, 1].map(|k| (here[k] + step[k]).clamp(0.0, 1.0));
            let next = self.slope(there);
            let is_lower = next.sse < slope.sse * (1.0 - 1e-10);
            let is_flatter = next.sse <= slope.sse * (1.0 + 1e-12)
                && next.steepness(there, free) < slope.steepness(here, free);
            if !(is_lower || is_flatter) {
                break;
            }
            (here, slope) = (there, next);
        }
        (here, slope.sse)
    }

    /// Newton's step: second derivatives by differences of the first, which are
    /// exact. None where nothing moves, or the sum of squares is no bowl.
    fn newton(&self, here: [f64; 2], slope: &Slope, free: Free) -> Option<[f64; 2]> {
        let mut bowl = [[0.0; 2]; 2];
        for k in 0..2 {
            let width = 1e-5 * (here[k] + self.invisible()[k]);
            let at = |side: f64| {
                let mut there = here;
                there[k] += side * width;
                self.slope(there).gradient
            };
            let (above, below) = (at(1.0), at(-1.0));
            bowl[k] = [0, 1].map(|other| (above[other] - below[other]) / (2.0 * width));
        }
        let across = f64::midpoint(bowl[0][1], bowl[1][0]);
        let exact = Slope { curvature: [bowl[0][0], across, bowl[1][1]], ..*slope };
        let is_bowl = bowl[0][0] * bowl[1][1] > across * across * (1.0 + 1e-12);
        let both_move = exact.moving(here, free) == [true, true];
        exact.step(here, free, 0.0).filter(|_| is_bowl || !both_move)
    }

    /// Below these neither σ nor κ can be seen at the largest count.
    fn invisible(&self) -> [f64; 2] {
        let largest = self.counts.last().copied().unwrap_or(1.0);
        [1e-6 / largest, 1e-6 / (largest * largest)]
    }

    /// Downhill from a place by the steps of Levenberg (1944) and Marquardt (1963),
    /// within the square, until they are small by `tolerance`.
    pub fn descend(&self, start: [f64; 2], free: Free, tolerance: f64) -> ([f64; 2], f64) {
        let (mut here, mut damping, invisible) = (start, 1e-3, self.invisible());
        let mut slope = self.slope(here);
        for _ in 0..STEPS {
            let Some(step) = slope.step(here, free, damping) else { break };
            let there = [0, 1].map(|k| (here[k] + step[k]).clamp(0.0, 1.0));
            let next = self.slope(there);
            // Near the lowest place the sum no longer tells a good step from none,
            // but the steps still close in on it.
            if next.sse <= slope.sse * (1.0 + 4.0 * f64::EPSILON) {
                let is_small =
                    |k: usize| (there[k] - here[k]).abs() <= tolerance * (here[k] + invisible[k]);
                let is_there = is_small(0) && is_small(1);
                (here, slope) = (there, next);
                damping = if damping < 1e-9 { 0.0 } else { damping / 10.0 };
                if is_there && damping < 1e-3 {
                    break;
                }
            } else if damping > 1e12 {
                break;
            } else {
                damping = (damping * 10.0).max(1e-6);
            }
        }
        (here, slope.sse)
    }
}

impl Slope {
    /// Whether σ and κ move. What stands at a bound and is pushed against it does
    /// not.
    fn moving(&self, here: [f64; 2], free: Free) -> [bool; 2] {
        let is_free = [free.sigma, free.kappa];
        [0, 1].map(|k| {
            let is_pushed = here[k] <= 0.0 && self.gradient[k] >= 0.0
                || here[k] >= 1.0 && self.gradient[k] <= 0.0;
            is_free[k] && !is_pushed && self.curvature[2 * k] > 0.0
        })
    }

    /// How steep it is where something moves, σ and κ each by its own size.
    fn steepness(&self, here: [f64; 2], free: Free) -> f64 {
        let moving = self.moving(here, free);
        let steep = |k: usize| self.gradient[k] * self.gradient[k] / self.curvature[2 * k];
        (0..2).filter(|k| moving[*k]).map(steep).sum()
    }

    /// The step from `here`; none where nothing can move downhill.
    fn step(&self, here: [f64; 2], free: Free, damping: f64) -> Option<[f64; 2]> {
        let [down_sigma, down_kappa] = self.gradient.map(|slope| -slope);
        let [by_sigma, across, by_kappa] = self.curvature;
        let (by_sigma, by_kappa) = (by_sigma * (1.0 + damping), by_kappa * (1.0 + damping));
        match self.moving(here, free) {
            [false, false] => None,
            [true, false] => Some([down_sigma / by_sigma, 0.0]),
            [false, true] => Some([0.0, down_kappa / by_kappa]),
            [true, true] => {
                // By their own sizes, since σ and κ differ by orders of magnitude.
                let (root_sigma, root_kappa) = (by_sigma.sqrt(), by_kappa.sqrt());
                let cosine = across / (root_sigma * root_kappa);
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
