//! How well the parameters of a fit are known, from the fit itself.

use statrs::distribution::{ContinuousCDF as _, StudentsT};

use super::problem::Problem;
use super::{Loss, Points, Solution};
use crate::stats::Interval;

/// Standard errors and intervals of γ, σ and κ, in this order; `None` for one that
/// stands on a bound, where neither means anything, or is no parameter of the law.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Uncertainty {
    /// Standard errors.
    pub standard_errors: [Option<f64>; 3],
    /// Student's t intervals, cut where a parameter ends: at 0, and at 1 for shares.
    pub intervals: [Option<Interval>; 3],
}

impl Points {
    /// From the covariance of a fit by absolute residuals to these points: s² (JᵀJ)⁻¹,
    /// with as many degrees of freedom as there are points more than parameters that
    /// were free. What stands on a bound is held there.
    pub fn uncertainty(&self, solution: &Solution, confidence: f64) -> Uncertainty {
        let curve = &solution.curve;
        let is_free = |share: f64| share > 0.0 && share < 1.0;
        let free: Vec<usize> = [true, is_free(curve.sigma), is_free(curve.kappa)]
            .iter()
            .enumerate()
            .filter_map(|(k, free)| free.then_some(k))
            .collect();
        let mut found = Uncertainty::default();
        let spare = self.len().saturating_sub(free.len());
        let student = StudentsT::new(0.0, 1.0, spare as f64);
        let (Loss::Absolute, Ok(student)) = (self.loss, student) else { return found };
        let quantile = student.inverse_cdf(0.5 + confidence / 2.0);
        let residual = (solution.scaled_sse / spare as f64).sqrt();
        let variances = inverse_diagonal(&self.products(solution, &free));
        let values = [curve.gamma, curve.sigma, curve.kappa];
        for (k, variance) in free.into_iter().zip(variances.unwrap_or_default()) {
            let unit = if k == 0 { self.scale } else { 1.0 };
            let error = variance.sqrt() * residual * unit;
            let most = if k == 0 { f64::INFINITY } else { 1.0 };
            if error.is_finite() {
                let low = (values[k] - quantile * error).max(0.0);
                let high = (values[k] + quantile * error).min(most);
                found.standard_errors[k] = Some(error);
                found.intervals[k] = Some(Interval { low, high, level: confidence });
            }
        }
        found
    }

    /// JᵀJ of the free parameters, with γ by the scale of the points.
    fn products(&self, solution: &Solution, free: &[usize]) -> Vec<Vec<f64>> {
        let curve = &solution.curve;
        let problem = Problem::new(curve.model, self);
        let mut products = vec![vec![0.0; free.len()]; free.len()];
        for ((n, _), weight) in problem.points() {
            let level = curve.gamma / self.scale;
            let (gamma, [sigma, kappa]) = problem.change(n, curve.shares(), level);
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

/// The diagonal of the inverse of a positive definite matrix, by Cholesky's
/// factors of what it is when its diagonal is made 1. `None` of a singular one.
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
        if lower[i][i].is_nan() || lower[i][i] <= 1e-9 {
            return None;
        }
    }
    let of_column = |column: usize| {
        // L y = e: the squares of y are what the inverse has on its diagonal.
        let mut solved = vec![0.0; size];
        for i in 0..size {
            let known: f64 = (0..i).map(|k| lower[i][k] * solved[k]).sum();
            let right = if i == column { 1.0 } else { 0.0 };
            solved[i] = (right - known) / lower[i][i];
        }
        solved.iter().map(|y| y * y).sum::<f64>() / (unit[column] * unit[column])
    };
    Some((0..size).map(of_column).collect())
}
