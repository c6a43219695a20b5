//! Sign test of paired differences.

use statrs::function::beta::beta_reg;

/// Two-sided p of the sign test (Arbuthnot, 1710): the probability that the rarer sign
/// among `differences` is as rare or rarer if both are equally likely. Zero differences are
/// left out; 1 if no others remain.
pub fn sign_test(differences: &[f64]) -> f64 {
    let above = differences.iter().filter(|it| **it > 0.0).count();
    let below = differences.iter().filter(|it| **it < 0.0).count();
    let (rarer, other) = (above.min(below), above.max(below));
    if rarer == other {
        return 1.0;
    }
    // P(Bin(n, ½) ≤ k) = I_½(n − k, k + 1).
    (2.0 * beta_reg(other as f64, rarer as f64 + 1.0, 0.5)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::tests::assert_close;

    fn p(above: usize, of: usize) -> f64 {
        let difference = |index| if index < above { 1.0 } else { -0.5 };
        sign_test(&(0..of).map(difference).collect::<Vec<f64>>())
    }

    #[test]
    fn p_is_that_of_scipys_binomtest() {
        let published = [
            (3, 12, 0.14599609375),
            (0, 6, 0.03125),
            (6, 6, 0.03125),
            (1, 12, 0.00634765625),
            (18, 50, 0.06490864707227217),
            (5, 10, 1.0),
        ];
        for (above, of, published) in published {
            assert_close(p(above, of), published);
        }
    }

    #[test]
    fn zero_differences_are_left_out() {
        assert_close(sign_test(&[]), 1.0);
        assert_close(sign_test(&[0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]), 0.03125);
    }
}
