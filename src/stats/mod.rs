//! Estimators and tests on plain slices: pure functions that import nothing of this
//! crate, each tested against published values.

mod autocorrelation;
mod batch_means;
mod best;
mod chi_square;
mod crossing;
pub mod diagnostics;
mod holm;
mod order_statistic;
mod proportion;
mod ranking;
mod ratio;
mod regret;
mod resampler;
pub mod scaling;
mod sign_test;
mod trend;
mod unpaired;
mod verdict;

pub use autocorrelation::Autocorrelation;
pub use batch_means::batch_means_interval;
pub use best::{Best, best};
pub use chi_square::chi_square_tails;
pub use crossing::{Crossing, crossing, crossing_interval};
pub use holm::holm;
pub use order_statistic::{
    Interval, median, median_interval, median_ranks, quantile, quantile_interval, quantile_ranks,
};
pub use proportion::clopper_pearson;
pub use ranking::{rank_sets, rounds_to_rank};
pub use ratio::{Ratio, half_widths, widest};
pub use regret::{LogDifference, MIN_REGRET_ROUNDS, PairedComparison, Regret};
pub use resampler::Resampler;
pub use sign_test::sign_test;
pub use trend::{MannKendall, mann_kendall, theil_sen};
pub use unpaired::difference_of_medians;
pub use verdict::{POWER, Verdict, smallest_effect, smallest_effect_of_width};

#[cfg(test)]
mod tests {
    /// Luteinising hormone in blood, every ten minutes (Diggle, 1990; R's `lh`).
    #[rustfmt::skip]
    pub const LUTEINISING_HORMONE: [f64; 48] = [
        2.4, 2.4, 2.4, 2.2, 2.1, 1.5, 2.3, 2.3, 2.5, 2.0, 1.9, 1.7, 2.2, 1.8, 3.2, 3.2,
        2.7, 2.2, 2.2, 1.9, 1.9, 1.8, 2.7, 3.0, 2.3, 2.0, 2.0, 2.9, 2.9, 2.7, 2.7, 2.3,
        2.6, 2.4, 1.8, 1.7, 1.5, 1.4, 2.1, 3.3, 3.5, 3.5, 3.1, 2.6, 2.1, 3.4, 3.0, 2.9,
    ];

    /// Asserts that a value is the published one, to nine digits.
    pub fn assert_close(found: f64, published: f64) {
        let off = (found - published).abs();
        assert!(off <= 1e-9 * published.abs().max(1e-3), "{found} is not {published}");
    }
}
