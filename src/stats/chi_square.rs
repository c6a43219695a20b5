//! Tails of the χ² distribution.

use statrs::function::gamma::{checked_gamma_lr, checked_gamma_ur};

/// Lower and upper tail of χ² with this number of degrees of freedom at `value`: the
/// regularised incomplete gamma functions P and Q of (degrees / 2, value / 2) (Abramowitz
/// and Stegun, 26.4.19). Both are 1, that is, not significant, without a degree of freedom
/// or if the value is not a number.
pub fn chi_square_tails(value: f64, degrees: usize) -> (f64, f64) {
    if degrees == 0 || value.is_nan() {
        return (1.0, 1.0);
    }
    if value <= 0.0 {
        return (0.0, 1.0);
    }
    let (shape, at) = (degrees as f64 / 2.0, value / 2.0);
    let lower = checked_gamma_lr(shape, at).unwrap_or(1.0);
    (lower, checked_gamma_ur(shape, at).unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Abramowitz and Stegun, table 26.8: χ² that is exceeded with probability Q.
    #[test]
    fn tails_are_those_of_the_published_quantiles() {
        let published = [
            (1, 0.995, 3.92704e-5),
            (1, 0.05, 3.84146),
            (2, 0.99, 0.0201007),
            (2, 0.005, 10.5966),
            (5, 0.975, 0.831211),
            (5, 0.001, 20.515),
            (10, 0.995, 2.15585),
            (10, 0.01, 23.2093),
            (30, 0.95, 18.4926),
            (30, 0.005, 53.672),
            (100, 0.005, 140.169),
        ];
        for (degrees, upper, value) in published {
            let found = chi_square_tails(value, degrees);
            assert!((found.1 / upper - 1.0).abs() < 2e-4, "{degrees}, {upper}: {found:?}");
            assert!((found.0 + found.1 - 1.0).abs() < 1e-12, "{found:?}");
        }
    }

    /// The distribution with two degrees of freedom is exponential: P = 1 − exp(−x/2).
    #[test]
    fn far_tails_keep_their_digits() {
        let (_, upper) = chi_square_tails(60.0, 2);
        assert!((upper / (-30.0_f64).exp() - 1.0).abs() < 1e-9, "{upper}");
        let (lower, _) = chi_square_tails(2e-12, 2);
        assert!((lower / 1e-12 - 1.0).abs() < 1e-6, "{lower}");
    }

    #[test]
    fn without_degrees_of_freedom_nothing_is_significant() {
        assert_eq!(chi_square_tails(5.0, 0), (1.0, 1.0));
        assert_eq!(chi_square_tails(f64::NAN, 3), (1.0, 1.0));
        assert_eq!(chi_square_tails(0.0, 3), (0.0, 1.0));
        assert_eq!(chi_square_tails(f64::INFINITY, 3).1, 0.0);
    }
}
