//! Trend of a series: a nonparametric test and a robust slope.
//!
//! The test of Mann (1945) and Kendall (1975) counts the rising and the falling pairs; the
//! slope of Theil (1950) and Sen (1968) is the median of the slopes of all pairs. Neither
//! assumes a distribution of the values.

use statrs::function::erf::erfc;

use super::median;

/// Most values without ties for which the exact distribution of S is used.
const MAX_EXACT: usize = 20;

/// The test of Mann and Kendall.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MannKendall {
    /// Number of rising pairs minus number of falling pairs.
    pub s: i64,
    /// Two-sided probability of such an S in a random order.
    pub p: f64,
}

/// Tests values in their order for a trend. Exact for up to 20 values without ties; else
/// the normal approximation with corrections for ties and continuity. `None` for fewer than
/// 3 values.
pub fn mann_kendall(values: &[f64]) -> Option<MannKendall> {
    if values.len() < 3 {
        return None;
    }
    let (s, sorted) = rises_less_falls(values);
    let ties: Vec<usize> =
        sorted.chunk_by(|a, b| a == b).map(<[f64]>::len).filter(|&size| size > 1).collect();
    let p = if ties.is_empty() && values.len() <= MAX_EXACT {
        exact_p(s, values.len())
    } else {
        normal_p(s, values.len(), &ties)
    };
    Some(MannKendall { s, p })
}

/// The median of the slopes y/x of all pairs of points. Takes time and memory proportional
/// to the square of their number. `None` if no two points differ in x.
pub fn theil_sen(points: &[(f64, f64)]) -> Option<f64> {
    let slopes: Vec<f64> = points
        .iter()
        .enumerate()
        .flat_map(|(index, a)| points[index + 1..].iter().map(move |b| (b.0 - a.0, b.1 - a.1)))
        .filter(|(x, _)| *x != 0.0)
        .map(|(x, y)| y / x)
        .collect();
    median(&slopes)
}

/// Rising minus falling pairs, and the sorted values. A Fenwick tree (1994) over the ranks
/// counts the earlier values below each value, in time n log n.
fn rises_less_falls(values: &[f64]) -> (i64, Vec<f64>) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut tree = vec![0_i64; values.len() + 1];
    let mut s = 0;
    for (earlier, value) in (0..).zip(values) {
        // Equal values share the rank of the first of them.
        let rank = sorted.partition_point(|other| other < value);
        let (below, not_above) = (count_to(&tree, rank), count_to(&tree, rank + 1));
        // Of the earlier values, those below rise to this one; those above fall to it.
        s += below - (earlier - not_above);
        let mut at = rank + 1;
        while at < tree.len() {
            tree[at] += 1;
            at += at & at.wrapping_neg();
        }
    }
    (s, sorted)
}

/// The sum of the first `count` entries of a Fenwick tree.
fn count_to(tree: &[i64], count: usize) -> i64 {
    let mut at = count.min(tree.len() - 1);
    let mut sum = 0;
    while at > 0 {
        sum += tree[at];
        at &= at - 1;
    }
    sum
}

/// Two-sided p of S among all orders of `count` different values. The number of falling
/// pairs of a random order is a sum of independent numbers, uniform on 0..k for the k-th
/// value, so its distribution is a convolution of short ones.
fn exact_p(s: i64, count: usize) -> f64 {
    let pairs = count * (count - 1) / 2;
    let mut probability = vec![1.0];
    for choices in 2..=count {
        let mut next = vec![0.0; probability.len() + choices - 1];
        for (falls, share) in probability.iter().enumerate() {
            let each = share / choices as f64;
            for p in &mut next[falls..falls + choices] {
                *p += each;
            }
        }
        probability = next;
    }
    let falls_at_most = (pairs - s.unsigned_abs() as usize) / 2;
    (2.0 * probability[..=falls_at_most].iter().sum::<f64>()).min(1.0)
}

/// Two-sided p of S by its mean and variance (Kendall, 1975); `ties` are the
/// sizes of the groups of equal values.
fn normal_p(s: i64, count: usize, ties: &[usize]) -> f64 {
    let without_ties = variance_term(count);
    let variance =
        (without_ties - ties.iter().map(|&size| variance_term(size)).sum::<f64>()) / 18.0;
    if variance <= 0.0 {
        return 1.0;
    }
    // S changes in steps of 2, so the correction for continuity is 1.
    let beyond = (s.unsigned_abs() as f64 - 1.0).max(0.0);
    erfc(beyond / variance.sqrt() / std::f64::consts::SQRT_2)
}

fn variance_term(count: usize) -> f64 {
    let n = count as f64;
    n * (n - 1.0) * (2.0 * n + 5.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::tests::{LUTEINISING_HORMONE, assert_close};

    fn p(values: &[f64]) -> f64 {
        mann_kendall(values).expect("enough values").p
    }

    #[test]
    fn few_values_are_tested_exactly() {
        // scipy.stats.kendalltau(range(n), x, method="exact").
        assert_close(p(&[2.1, 1.4, 3.3, 2.8, 4.0, 3.7, 5.2, 4.1]), 0.014136904761904762);
        let twelve = [5, 1, 4, 2, 8, 3, 9, 7, 6, 12, 10, 11].map(f64::from);
        assert_close(p(&twelve), 0.008757732750788306);
        assert_close(p(&[1.0, 2.0, 3.0]), 1.0 / 3.0);
    }

    #[test]
    fn the_tree_counts_the_same_pairs_as_two_loops() {
        let values: Vec<f64> = (0..300_u32).map(|i| f64::from(i * i * 31 % 97)).collect();
        let pairs = || (0..300).flat_map(|i| (0..i).map(move |j| (j, i)));
        let sign = |(j, i): (usize, usize)| match values[i].total_cmp(&values[j]) {
            std::cmp::Ordering::Less => -1,
            std::cmp::Ordering::Equal => 0,
            std::cmp::Ordering::Greater => 1,
        };
        assert_eq!(rises_less_falls(&values).0, pairs().map(sign).sum::<i64>());
    }

    #[test]
    fn ties_are_corrected_for() {
        // pymannkendall.original_test.
        let found = mann_kendall(&LUTEINISING_HORMONE).expect("enough values");
        assert_eq!(found.s, 187);
        assert_close(found.p, 0.0975110611062695);
    }

    #[test]
    fn many_values_are_tested_by_the_normal_approximation() {
        // pymannkendall.original_test.
        let values: Vec<f64> =
            (0..25).map(|i| f64::from(i * 7 % 25) + 0.2 * f64::from(i)).collect();
        let found = mann_kendall(&values).expect("enough values");
        assert_eq!(found.s, 84);
        assert_close(found.p, 0.052566837375503495);
    }

    #[test]
    fn constant_values_have_no_trend() {
        assert_close(p(&[3.0; 30]), 1.0);
        assert_eq!(mann_kendall(&[1.0, 2.0]), None);
        assert_eq!(theil_sen(&[(1.0, 2.0), (1.0, 3.0)]), None);
    }

    #[test]
    fn the_slope_is_that_of_scipys_theilslopes() {
        let x = [0.0, 1.0, 2.0, 3.0, 4.0, 12.0, 18.0];
        let y = [9.0, 15.0, 19.0, 20.0, 45.0, 55.0, 78.0];
        let points: Vec<(f64, f64)> = x.into_iter().zip(y).collect();
        assert_close(theil_sen(&points).expect("a slope"), 3.8333333333333335);
        let hormone: Vec<(f64, f64)> = (0..).map(f64::from).zip(LUTEINISING_HORMONE).collect();
        assert_close(theil_sen(&hormone).expect("a slope"), 0.011538461538461532);
    }
}
