//! Correction for multiple tests.

/// Corrects the p-values of a family of tests by Holm's method (1979), which bounds the
/// family-wise error rate by the significance level. The order of the values is kept.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut corrected = vec![0.0; p_values.len()];
    // Corrected values must not decrease with the uncorrected ones.
    let mut max: f64 = 0.0;
    for (rank, index) in order.into_iter().enumerate() {
        let tests_left = (p_values.len() - rank) as f64;
        max = max.max(p_values[index] * tests_left).min(1.0);
        corrected[index] = max;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::tests::assert_close;

    #[test]
    fn corrected_values_are_those_of_statsmodels() {
        let found = holm(&[0.01, 0.04, 0.03, 0.005, 0.02, 0.6]);
        for (found, published) in found.into_iter().zip([0.05, 0.09, 0.09, 0.03, 0.08, 0.6]) {
            assert_close(found, published);
        }
        // R: p.adjust(c(0.01, 0.02, 0.03, 0.04), "holm").
        for (found, published) in
            holm(&[0.01, 0.02, 0.03, 0.04]).into_iter().zip([0.04, 0.06, 0.06, 0.06])
        {
            assert_close(found, published);
        }
    }

    #[test]
    fn one_test_needs_no_correction() {
        assert_eq!(holm(&[0.03]), [0.03]);
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }
}
