//! Many campaigns on simulated machines, and how often they were right.
//!
//! Each simulated campaign interleaves its cases in random order round by round
//! and goes through the very looks, medians, intervals and alarms of a run.

mod campaign;
mod model;
mod table;

pub use model::{HARD_MODELS, MODELS, Memory, Model, Scatter, WORST_FOR_LOOKS};
pub use table::tables;

use rand::SeedableRng as _;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::rate::Rate;
use crate::record::StopReason;
use crate::stats::alarm::{autocorrelated, autocorrelated_visits, drift};
use crate::stats::{holm, sign_test};
use campaign::{measure, misses};

/// The ratio that the intervals must hold. Not 1, so that an estimate drawn
/// towards 1 would show.
const KNOWN_RATIO: f64 = 1.7;

/// Aliases of the baseline that are told apart by mistake.
const ALIASES: usize = 6;

/// Two aliases differ if the corrected p is below.
const SIGNIFICANT: f64 = 0.05;

/// How a model's campaigns came out.
#[derive(Clone, Debug)]
pub struct Calibration {
    /// The model.
    pub model: &'static str,
    /// A known ratio, of campaigns with one case beside the baseline.
    pub ratio: Trust,
    /// The interval of an alias's ratio excluded 1, of as many other campaigns.
    pub false_positives: Rate,
    /// Some of six aliases were told apart by sign tests with Holm's correction,
    /// of as many campaigns again.
    pub family_errors: Rate,
    /// The time of the baseline in those: what it is at the machine's median
    /// speed, or, where that wanders off, at the speed of the start.
    pub absolute: Trust,
    /// Rounds of a campaign with one case, on average.
    pub mean_rounds: f64,
    /// Campaigns with one case that ended because the ratio was known well
    /// enough; the others because they had looked for the last time.
    pub ended_by_precision: Rate,
}

/// Whether an interval can be trusted, and whether one is told where not.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trust {
    /// The interval held the truth.
    pub coverage: Rate,
    /// An alarm was raised.
    pub alarms: Rate,
    /// An alarm was raised, of those campaigns whose interval missed.
    pub alarms_of_misses: Rate,
}

impl Trust {
    fn count(&mut self, missed: Option<bool>, alarm: bool) {
        let missed = missed.unwrap_or(true);
        self.coverage.count(!missed);
        self.alarms.count(alarm);
        if missed {
            self.alarms_of_misses.count(alarm);
        }
    }
}

/// Simulates so many campaigns of each of three kinds on one model. The same
/// seed gives the same campaigns.
pub fn calibrate(model: &Model, campaigns: u64, seed: u64) -> Calibration {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut found = Calibration {
        model: model.name,
        ratio: Trust::default(),
        false_positives: Rate::default(),
        family_errors: Rate::default(),
        absolute: Trust::default(),
        mean_rounds: 0.0,
        ended_by_precision: Rate::default(),
    };
    for _ in 0..campaigns {
        let known = measure(model, &[KNOWN_RATIO.ln()], &mut rng);
        let ratios = known.log_ratios(0, 1);
        found.ratio.count(misses(&ratios, KNOWN_RATIO.ln()), autocorrelated(&ratios).is_some());
        found.mean_rounds += known.rounds() as f64 / campaigns as f64;
        found.ended_by_precision.count(known.stop_reason == StopReason::Precision);

        let alias = measure(model, &[0.0], &mut rng);
        found.false_positives.count(misses(&alias.log_ratios(0, 1), 0.0).unwrap_or(false));

        let family = measure(model, &[0.0; ALIASES], &mut rng);
        found.family_errors.count(are_told_apart(&family));
        let visits = family.visits();
        let alarm = drift(&visits).is_some() || autocorrelated_visits(&visits).is_some();
        found.absolute.count(misses(&family.log_times[0], model.scatter.median()), alarm);
    }
    found
}

/// All models, as Markdown: those on which ratios must be right, the worst case
/// of the looks, and those on which no plain interval can be.
pub fn report(campaigns: u64, seed: u64) -> String {
    let models = MODELS.iter().chain([&WORST_FOR_LOOKS]).chain(&HARD_MODELS);
    let found: Vec<Calibration> =
        models.zip(seed..).map(|(model, seed)| calibrate(model, campaigns, seed)).collect();
    tables(&found)
}

/// Whether sign tests of all pairs of aliases find any that differ.
fn are_told_apart(family: &campaign::Measured) -> bool {
    let pairs = (1..=ALIASES).flat_map(|a| (a + 1..=ALIASES).map(move |b| (a, b)));
    let p_values: Vec<f64> = pairs.map(|(a, b)| sign_test(&family.log_ratios(a, b))).collect();
    holm(&p_values).into_iter().any(|p| p < SIGNIFICANT)
}
