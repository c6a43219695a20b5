//! Simulated campaigns on machines with known noise, and their rates of error.
//!
//! Each simulated campaign interleaves its cases in random order, round by round, and uses
//! the looks, medians, intervals and diagnostics of a real run: it has no statistics of
//! its own.

pub mod campaign;
pub mod claims;
pub mod model;
mod table;

pub use table::tables;

use rand::SeedableRng as _;
use rand_xoshiro::Xoshiro256PlusPlus;

use campaign::{measure, misses};
use model::{HARD_MODELS, MODELS, Model, WORST_FOR_LOOKS};
use nthread::record::StopReason;
use nthread::selftest::rate::Rate;
use nthread::stats::diagnostics::{autocorrelated, autocorrelated_visits, drift};
use nthread::stats::{holm, sign_test};

/// The true ratio that intervals should cover. Not 1, so that an estimate biased towards
/// 1 would show.
const KNOWN_RATIO: f64 = 1.7;

/// Number of aliases: cases equal to the baseline.
const ALIASES: usize = 6;

/// Significance level of the corrected p of two aliases.
const SIGNIFICANT: f64 = 0.05;

/// Rates of error of the campaigns on one model.
#[derive(Clone, Debug)]
pub struct Calibration {
    /// Name of the model.
    pub model: &'static str,
    /// Interval of a known ratio, in campaigns with one case beside the baseline.
    pub ratio: IntervalRates,
    /// Campaigns in which the interval of an alias's ratio excluded 1.
    pub false_positives: Rate,
    /// Campaigns in which some of six aliases differed significantly by sign tests with
    /// Holm's correction.
    pub family_errors: Rate,
    /// Interval of the baseline's time in those campaigns: the true value is the time at
    /// the machine's median speed, or, where the speed drifts, at the initial speed.
    pub absolute: IntervalRates,
    /// Mean number of rounds of the campaigns with one case.
    pub mean_rounds: f64,
    /// Campaigns with one case that ended because the precision was reached; the others
    /// ended after the last look.
    pub ended_by_precision: Rate,
}

/// Coverage of an interval, and rates of the warning about it.
#[derive(Clone, Copy, Debug, Default)]
pub struct IntervalRates {
    /// Campaigns whose interval covered the true value.
    pub coverage: Rate,
    /// Campaigns with a warning.
    pub warnings: Rate,
    /// Campaigns with a warning, of those whose interval missed the true value.
    pub warnings_of_misses: Rate,
}

impl IntervalRates {
    fn count(&mut self, missed: Option<bool>, warning: bool) {
        let missed = missed.unwrap_or(true);
        self.coverage.count(!missed);
        self.warnings.count(warning);
        if missed {
            self.warnings_of_misses.count(warning);
        }
    }
}

/// Simulates this number of campaigns of each of three kinds on one model. The same seed
/// gives the same campaigns.
pub fn calibrate(model: &Model, campaigns: u64, seed: u64) -> Calibration {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut rates = Calibration {
        model: model.name,
        ratio: IntervalRates::default(),
        false_positives: Rate::default(),
        family_errors: Rate::default(),
        absolute: IntervalRates::default(),
        mean_rounds: 0.0,
        ended_by_precision: Rate::default(),
    };
    for _ in 0..campaigns {
        let known = measure(model, &[KNOWN_RATIO.ln()], &mut rng);
        let ratios = known.log_ratios(0, 1);
        rates.ratio.count(misses(&ratios, KNOWN_RATIO.ln()), autocorrelated(&ratios).is_some());
        rates.mean_rounds += known.rounds() as f64 / campaigns as f64;
        rates.ended_by_precision.count(known.stop_reason == StopReason::Precision);

        let alias = measure(model, &[0.0], &mut rng);
        rates.false_positives.count(misses(&alias.log_ratios(0, 1), 0.0).unwrap_or(false));

        let family = measure(model, &[0.0; ALIASES], &mut rng);
        rates.family_errors.count(any_aliases_differ(&family));
        let visits = family.visits();
        let warning = drift(&visits).is_some() || autocorrelated_visits(&visits).is_some();
        rates.absolute.count(misses(&family.log_times[0], model.scatter.median()), warning);
    }
    rates
}

/// The tables of all models, as Markdown: those on which ratios must be right, the worst
/// case of the looks, and those with autocorrelated ratios.
pub fn report(campaigns: u64, seed: u64) -> String {
    let models = MODELS.iter().chain([&WORST_FOR_LOOKS]).chain(&HARD_MODELS);
    let calibrations: Vec<Calibration> =
        models.zip(seed..).map(|(model, seed)| calibrate(model, campaigns, seed)).collect();
    tables(&calibrations) + "\n" + &claims::table(campaigns, seed)
}

/// True if sign tests of all pairs of aliases find any that differ.
fn any_aliases_differ(family: &campaign::Measured) -> bool {
    let pairs = (1..=ALIASES).flat_map(|a| (a + 1..=ALIASES).map(move |b| (a, b)));
    let p_values: Vec<f64> = pairs.map(|(a, b)| sign_test(&family.log_ratios(a, b))).collect();
    holm(&p_values).into_iter().any(|p| p < SIGNIFICANT)
}
