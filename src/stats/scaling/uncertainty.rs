//! Standard errors of the parameters of a fit, from its covariance matrix.

use statrs::distribution::{ContinuousCDF as _, StudentsT};

use super::problem::Problem;
use super::{Loss, Points, Solution};
use crate::stats::Interval;

/// Standard errors and intervals of γ, σ and κ, in this order; `None` for a parameter that
/// is at a bound, where neither is defined, or that is not in the law.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Uncertainty {
    /// Standard errors.
    pub standard_errors: [Option<f64>; 3],
    /// Student's t intervals, truncated at 0, and at 1 for σ and κ.
    pub intervals: [Option<Interval>; 3],
}

impl Points {
    /// Standard errors of a fit with absolute loss, from its covariance matrix s² (JᵀJ)⁻¹.
    /// The degrees of freedom are the points minus the free parameters; a parameter at a
    /// bound is not free.
    pub fn uncertainty(&self, solution: &Solution, confidence: f64) -> Uncertainty {
        let curve = &solution.curve;
        let mut free = vec![0];
        for (k, share) in [(1, curve.sigma), (2, curve.kappa)] {
            if share > 0.0 && share < 1.0 {
                free.push(k);
            }
        }
        let mut uncertainty = Uncertainty::default();
        let freedom = self.len().saturating_sub(free.len());
        let student = StudentsT::new(0.0, 1.0, freedom as f64);
        let (Loss::Absolute, Ok(student)) = (self.loss, student) else { return uncertainty };
        let quantile = student.inverse_cdf(0.5 + confidence / 2.0);
        let residual = (solution.scaled_sse / freedom as f64).sqrt();
        let variances = inverse_diagonal(&self.products(solution, &free));
        let values = [curve.gamma, curve.sigma, curve.kappa];
        for (k, variance) in free.into_iter().zip(variances.unwrap_or_default()) {
            let unit = if k == 0 { self.scale } else { 1.0 };
            let error = variance.sqrt() * residual * unit;
            let max = if k == 0 { f64::INFINITY } else { 1.0 };
            if error.is_finite() {
                let low = (values[k] - quantile * error).max(0.0);
                let high = (values[k] + quantile * error).min(max);
                uncertainty.standard_errors[k] = Some(error);
                uncertainty.intervals[k] = Some(Interval { low, high, level: confidence });
            }
        }
        uncertainty
    }

    /// JᵀJ of the free parameters, with γ divided by the scale of the points.
    fn products(&self, solution: &Solution, free: &[usize]) -> Vec<Vec<f64>> {
        let curve = &solution.curve;
        let problem = Problem::new(curve.model, self);
        let mut products = vec![vec![0.0; free.len()]; free.len()];
        for ((n, _), weight) in problem.points() {
            let level = curve.gamma / self.scale;
            let (gamma, [sigma, kappa]) = problem.jacobian(n, curve.shares(), level);
            let row = [gamma, sigma, kappa];
            for (i, a) in free.iter().enumerate() {
                for (j, b) in free.iter().enumerate() {
                    products[i][j] += weight * row[*a] * row[*b];
                }
            }
        }
        products
    }
}

/// Diagonal of the inverse of a positive definite matrix, by a Cholesky factorisation after
/// scaling the diagonal to 1. `None` for a singular matrix.
fn inverse_diagonal(matrix: &[Vec<f64>]) -> Option<Vec<f64>> {
    let size = matrix.len();
    let unit: Vec<f64> = (0..size).map(|i| matrix[i][i].sqrt()).collect();
    let mut lower = vec![vec![0.0; size]; size];
    for i in 0..size {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            let rest = matrix[i][j] / (unit[i] * unit[j]) - known;
            lower[i][j] = if i == j { rest.sqrt() } else { rest / lower[j][j] };
        }
        // The diagonal is scaled to 1, so a tiny pivot means dependent parameters.
        if lower[i][i].is_nan() || lower[i][i] <= 1e-9 {
            return None;
        }
    }
    let mut diagonal = Vec::with_capacity(size);
    for (column, unit) in unit.iter().enumerate() {
        // With L y = e, the sum of the squares of y is the element of the diagonal.
        let mut solved = vec![0.0; size];
        for i in 0..size {
            let known: f64 = (0..i).map(|k| lower[i][k] * solved[k]).sum();
            let right = if i == column { 1.0 } else { 0.0 };
            solved[i] = (right - known) / lower[i][i];
        }
        let squares: f64 = solved.iter().map(|y| y * y).sum();
        diagonal.push(squares / (unit * unit));
    }
    Some(diagonal)
}
