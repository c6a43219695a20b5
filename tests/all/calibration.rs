//! Rates of error in 2,000 simulated campaigns of each kind and model: coverage of
//! intervals, false positives among equal cases, and warnings.
//!
//! The seed is fixed, and was not used to choose any threshold. The standard error of a
//! rate of 2,000 campaigns is about half a percent, so limits are compared with the
//! interval of the rate. `scripts/calibrate` simulates 10,000 campaigns.

#[allow(dead_code)]
#[path = "../../benches/calibration/simulation/mod.rs"]
mod simulation;

use std::sync::LazyLock;

use nthread::selftest::rate::Rate;
use simulation::model::{HARD_MODELS, MODELS, Model, WORST_FOR_LOOKS};
use simulation::{Calibration, calibrate, tables};

const CAMPAIGNS: u64 = 2000;
const SEED: u64 = 0xca11_b8a7_e000;

/// Models on which intervals of ratios must have their nominal coverage.
static FAIR: LazyLock<Vec<Calibration>> =
    LazyLock::new(|| calibrated(SEED, &[&MODELS[..], &[WORST_FOR_LOOKS]].concat()));

/// Models on which no plain interval has it.
static HARD: LazyLock<Vec<Calibration>> = LazyLock::new(|| calibrated(SEED + 100, &HARD_MODELS));

fn calibrated(seed: u64, models: &[Model]) -> Vec<Calibration> {
    let found: Vec<Calibration> = std::thread::scope(|scope| {
        let simulate = |(model, seed)| scope.spawn(move || calibrate(model, CAMPAIGNS, seed));
        let running: Vec<_> = models.iter().zip(seed..).map(simulate).collect();
        running.into_iter().map(|it| it.join().expect("no panic")).collect()
    });
    println!("{}", tables(&found));
    found
}

fn low(rate: Rate) -> f64 {
    rate.interval().expect("campaigns").low
}

fn high(rate: Rate) -> f64 {
    rate.interval().expect("campaigns").high
}

#[test]
fn the_interval_of_a_ratio_covers_it_in_93_to_97_percent() {
    for found in &*FAIR {
        let coverage = found.ratio.coverage;
        assert!(high(coverage) >= 0.93 && low(coverage) <= 0.97, "{}: {coverage}", found.model);
    }
}

#[test]
fn equal_cases_are_called_different_in_5_percent_at_most() {
    for found in &*FAIR {
        for rate in [found.false_positives, found.family_errors] {
            let is_kept = rate.share() <= Some(0.05) && high(rate) <= 0.065;
            assert!(is_kept, "{}: {rate}", found.model);
        }
    }
}

#[test]
fn absolute_times_under_correlated_noise_have_a_warning() {
    let shared = FAIR.iter().filter(|found| found.model.starts_with("shared"));
    assert_eq!(shared.clone().count(), 2);
    for found in shared {
        let warned = found.absolute.warnings_of_misses;
        assert!(warned.share() >= Some(0.95), "{}: {warned}", found.model);
        assert!(high(found.absolute.coverage) < 0.93, "{}: a warning is not needed", found.model);
    }
}

#[test]
fn independent_noise_has_warnings_in_5_percent_or_little_more() {
    for found in FAIR.iter().filter(|found| !found.model.starts_with("shared")) {
        for rate in [found.ratio.warnings, found.absolute.warnings] {
            assert!(low(rate) <= 0.055 && high(rate) <= 0.08, "{}: {rate}", found.model);
        }
    }
}

/// The power of any test for an AR(1) process with φ = 0.5 is low with 15 rounds, and
/// below 95% with 50 rounds.
#[test]
fn most_misses_of_long_runs_with_one_autocorrelated_ratio_have_a_warning() {
    for found in HARD.iter().filter(|found| found.mean_rounds > 35.0) {
        let warned = found.ratio.warnings_of_misses;
        assert!(low(warned) >= 0.85, "{}: {warned}", found.model);
    }
}
