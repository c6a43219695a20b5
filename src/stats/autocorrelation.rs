//! Lag-1 autocorrelation of a series, its test, and the effective sample size.
//!
//! Intervals and tests assume independent values. If the values are positively
//! correlated, the effective sample size is below R, and every interval is too narrow.

use statrs::function::erf::erfc;

/// The correlation of values with their predecessors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Autocorrelation {
    /// Number of values, R.
    pub count: usize,
    /// Correlation at lag 1, ρ₁.
    pub lag_one: f64,
}

impl Autocorrelation {
    /// Autocorrelation of values in their order: ρ₁ = Σ (x_r − x̄)(x_{r+1} − x̄) / Σ (x_r − x̄)²
    /// (Box and Jenkins). `None` for fewer than 3 values, or if all are equal.
    pub fn of(values: &[f64]) -> Option<Autocorrelation> {
        let count = values.len();
        let mean = values.iter().sum::<f64>() / count as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let products: f64 = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum();
        (count >= 3 && squares > 0.0)
            .then(|| Autocorrelation { count, lag_one: products / squares })
    }

    /// Effective sample size R (1 − ρ₁) / (1 + ρ₁), which is exact for the mean of an AR(1)
    /// process, and exceeds R if ρ₁ is negative.
    pub fn effective_number(&self) -> f64 {
        self.count as f64 * (1.0 - self.lag_one) / (1.0 + self.lag_one)
    }

    /// One-sided p: the probability of a ρ₁ at least as high if the values are independent.
    /// Then ρ₁ has the mean −1/R, and a variance that is known exactly for normal values
    /// (Dufour and Roy, 1985). At the same rate of false positives this test has much more
    /// power for short series than the limit 1.96 / √R, which neglects the mean and is
    /// two-sided.
    pub fn p_positive(&self) -> f64 {
        let n = self.count as f64;
        let variance = (n.powi(4) - 4.0 * n.powi(3) + 3.0 * n.powi(2) + 4.0 * n - 4.0)
            / ((n + 1.0) * n.powi(2) * (n - 1.0).powi(2));
        let z = (self.lag_one + 1.0 / n) / variance.sqrt();
        erfc(z / std::f64::consts::SQRT_2) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::tests::{LUTEINISING_HORMONE, assert_close};

    #[test]
    fn the_autocorrelation_of_the_hormone_is_that_of_r_and_statsmodels() {
        // R's documentation of acf has this series, and 0.576.
        let found = Autocorrelation::of(&LUTEINISING_HORMONE).expect("it varies");
        assert_close(found.lag_one, 0.5755244755244757);
        assert_close(
            found.effective_number(),
            48.0 * (1.0 - 0.5755244755244757) / 1.5755244755244757,
        );
    }

    #[test]
    fn p_is_that_of_all_permutations() {
        // The formula is exact for normal values, and approximate for all orders of these 6
        // normal quantiles.
        let values = [-1.383, -0.6745, -0.2104, 0.2104, 0.6745, 1.383];
        let mut rhos = Vec::new();
        permute(&mut values.to_vec(), 0, &mut |order| {
            rhos.push(Autocorrelation::of(order).expect("it varies").lag_one);
        });
        let mean = rhos.iter().sum::<f64>() / rhos.len() as f64;
        assert_close(mean, -1.0 / 6.0);
        let beyond = rhos.iter().filter(|rho| **rho > 0.3).count() as f64 / rhos.len() as f64;
        let p = Autocorrelation { count: 6, lag_one: 0.3 }.p_positive();
        assert!((p - beyond).abs() < 0.03, "{p} against {beyond}");
    }

    fn permute(values: &mut [f64], from: usize, see: &mut impl FnMut(&[f64])) {
        if from == values.len() {
            return see(values);
        }
        for other in from..values.len() {
            values.swap(from, other);
            permute(values, from + 1, see);
            values.swap(from, other);
        }
    }

    #[test]
    fn alternating_values_have_a_large_effective_sample_size() {
        let values: Vec<f64> = (0..20).map(|i| f64::from(i % 2)).collect();
        let found = Autocorrelation::of(&values).expect("it varies");
        assert_close(found.lag_one, -0.95);
        assert!(found.effective_number() > 20.0);
        assert!(found.p_positive() > 0.999);
    }

    #[test]
    fn constant_values_have_no_correlation() {
        assert_eq!(Autocorrelation::of(&[1.0; 10]), None);
        assert_eq!(Autocorrelation::of(&[1.0, 2.0]), None);
        assert_eq!(Autocorrelation::of(&[]), None);
    }
}
