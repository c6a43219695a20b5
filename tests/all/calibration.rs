//! Rates of error in simulated campaigns of each kind and model: coverage of intervals,
//! false positives among equal cases, and warnings.
//!
//! The seed is fixed, and was not used to choose any threshold. A few hundred campaigns
//! refute gross errors in every run of the tests. The ignored tests (`scripts/check --all`)
//! simulate 2,000 of each kind, where the standard error of a rate is about half a percent,
//! so limits are compared with the interval of the rate. `scripts/calibrate` simulates 10,000.

#[allow(dead_code)]
#[path = "../../benches/calibration/simulation/mod.rs"]
mod simulation;

use std::sync::LazyLock;

use nthread::campaign::stopping::LOOKS;
use nthread::record::StopReason;
use nthread::selftest::rate::Rate;
use nthread::stats::{clopper_pearson, median};
use rand::SeedableRng as _;
use rand_xoshiro::Xoshiro256PlusPlus;
use simulation::campaign::measure;
use simulation::claims::{Claims, claims};
use simulation::model::{HARD_MODELS, MODELS, Model, Scatter, SerialNoise, WORST_FOR_LOOKS};
use simulation::{Calibration, calibrate, tables};

const CAMPAIGNS: u64 = 2000;
const SEED: u64 = 0xca11_b8a7_e000;

/// Campaigns of each model in the short form.
const FEW_CAMPAIGNS: u64 = 250;

/// The confidence of intervals in the short form. It makes fewer than a hundred comparisons,
/// so that correct code fails with a probability below one in a million, whatever the seed.
const NEARLY_CERTAIN: f64 = 1.0 - 1e-8;

/// Models on which intervals of ratios must have their nominal coverage.
static FAIR: LazyLock<Vec<Calibration>> =
    LazyLock::new(|| calibrated(SEED, &fair_models(), CAMPAIGNS));

/// Models on which no plain interval has it.
static HARD: LazyLock<Vec<Calibration>> =
    LazyLock::new(|| calibrated(SEED + 100, &HARD_MODELS, CAMPAIGNS));

fn fair_models() -> Vec<Model> {
    [&MODELS[..], &[WORST_FOR_LOOKS]].concat()
}

fn calibrated(seed: u64, models: &[Model], campaigns: u64) -> Vec<Calibration> {
    let found: Vec<Calibration> = std::thread::scope(|scope| {
        let simulate = |(model, seed)| scope.spawn(move || calibrate(model, campaigns, seed));
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
fn a_few_campaigns_agree_with_the_nominal_rates() {
    let interval =
        |rate: Rate| clopper_pearson(rate.hits, rate.of, NEARLY_CERTAIN).expect("campaigns");
    for found in calibrated(SEED, &fair_models(), FEW_CAMPAIGNS) {
        let model = found.model;
        let coverage = interval(found.ratio.coverage);
        assert!(coverage.high >= 0.93 && coverage.low <= 0.97, "{model}: {coverage:?}");
        for rate in [found.false_positives, found.family_errors] {
            assert!(interval(rate).low <= 0.05, "{model}: {rate}");
        }
        if model.starts_with("shared") {
            let warned = found.absolute.warnings_of_misses;
            assert!(interval(warned).high >= 0.95, "{model}: {warned}");
        } else {
            for rate in [found.ratio.warnings, found.absolute.warnings] {
                assert!(interval(rate).low <= 0.055, "{model}: {rate}");
            }
        }
    }
}

/// Rates of the claims of answers that may fail in 5% of the campaigns.
fn fallible(claims: Claims) -> [Rate; 4] {
    let Claims { wrong, beyond_bound, not_fastest, not_faster, .. } = claims;
    [wrong, beyond_bound, not_fastest, not_faster]
}

#[test]
fn the_claims_of_a_few_answers_are_right() {
    for (model, seed) in MODELS.iter().zip(SEED..) {
        for (rounds, cases) in [(6, 2), (12, 10)] {
            for rate in fallible(claims(model, rounds, cases, FEW_CAMPAIGNS, seed)) {
                let low = clopper_pearson(rate.hits, rate.of, NEARLY_CERTAIN).expect("any").low;
                assert!(low <= 0.05, "{}, {rounds} rounds, {cases} cases: {rate}", model.name);
            }
        }
    }
}

#[test]
#[ignore = "2,000 campaigns of each take some minutes: scripts/check --all"]
fn the_claims_of_answers_are_wrong_in_5_percent_at_most() {
    for (model, seed) in MODELS.iter().zip(SEED..) {
        for rounds in [6, 12, 30] {
            for cases in [2, 10, 40] {
                for rate in fallible(claims(model, rounds, cases, CAMPAIGNS, seed)) {
                    let name = model.name;
                    assert!(low(rate) <= 0.05, "{name}, {rounds} rounds, {cases} cases: {rate}");
                }
            }
        }
    }
}

#[test]
#[ignore = "2,000 campaigns take half a minute: scripts/check --all"]
fn the_interval_of_a_ratio_covers_it_in_93_to_97_percent() {
    for found in &*FAIR {
        let coverage = found.ratio.coverage;
        assert!(high(coverage) >= 0.93 && low(coverage) <= 0.97, "{}: {coverage}", found.model);
    }
}

#[test]
#[ignore = "2,000 campaigns take half a minute: scripts/check --all"]
fn equal_cases_are_called_different_in_5_percent_at_most() {
    for found in &*FAIR {
        for rate in [found.false_positives, found.family_errors] {
            let is_kept = rate.share() <= Some(0.05) && high(rate) <= 0.065;
            assert!(is_kept, "{}: {rate}", found.model);
        }
    }
}

#[test]
#[ignore = "2,000 campaigns take half a minute: scripts/check --all"]
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
#[ignore = "2,000 campaigns take half a minute: scripts/check --all"]
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
#[ignore = "2,000 campaigns take half a minute: scripts/check --all"]
fn most_misses_of_long_runs_with_one_autocorrelated_ratio_have_a_warning() {
    for found in HARD.iter().filter(|found| found.mean_rounds > 35.0) {
        let warned = found.ratio.warnings_of_misses;
        assert!(low(warned) >= 0.85, "{}: {warned}", found.model);
    }
}

/// Share of draws at or below a limit.
fn share_below(scatter: Scatter, limit: f64) -> f64 {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
    let count = 100_000;
    let below = (0..count).filter(|_| scatter.draw(&mut rng) <= limit).count();
    below as f64 / f64::from(count)
}

#[test]
fn noise_has_the_distribution_of_its_name() {
    // P(Z ≤ 1) = .84134, P(t₂ ≤ 1) = ½ + 1 / (2 √3) = .78868.
    for (scatter, limit, expected) in [
        (Scatter::Normal(0.01), 0.01_f64.ln_1p(), 0.84134),
        (Scatter::Lognormal(0.3), 0.3, 0.84134),
        (Scatter::HeavyTail(0.01), 0.01, 0.78868),
        (Scatter::Bimodal(0.01), 0.1, 0.9),
    ] {
        let found = share_below(scatter, limit);
        assert!((found - expected).abs() < 0.005, "{scatter:?}: {found}");
        let half = share_below(scatter, scatter.median());
        assert!((half - 0.5).abs() < 0.006, "{scatter:?}: half is {half}");
    }
}

#[test]
fn autoregressive_noise_has_its_deviation_and_its_correlation() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(12);
    let noise = SerialNoise::Autoregressive(0.05);
    let mut state = noise.start(&mut rng);
    let mut step = || {
        state = noise.after(0.5, state, &mut rng);
        state
    };
    let states: Vec<f64> = (0..100_000).map(|_| step()).collect();
    let mean_square = |lag: usize| {
        let products = states.iter().zip(&states[lag..]).map(|(a, b)| a * b);
        products.sum::<f64>() / (states.len() - lag) as f64
    };
    assert!((mean_square(0).sqrt() - 0.05).abs() < 0.001);
    assert!((mean_square(2) / mean_square(0) - 0.5).abs() < 0.02);
}

#[test]
fn the_deviation_of_a_walk_grows_with_the_root_of_the_rounds() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(13);
    let noise = SerialNoise::Walk(0.01);
    let mut after_25_rounds =
        || (0..50).fold(noise.start(&mut rng), |state, _| noise.after(0.5, state, &mut rng));
    // The median of |Z| is 0.6745.
    let below = (0..4000).filter(|_| after_25_rounds().abs() <= 0.6745 * 0.05).count();
    assert!((1850..2150).contains(&below), "{below} of 4000");
}

#[test]
fn a_campaign_ends_at_a_look_and_its_ratios_are_the_true_ones() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(21);
    let measured = measure(&MODELS[0], &[0.5, -0.25], &mut rng);
    assert!(LOOKS.contains(&(measured.rounds() as u32)));
    for (case, ratio) in [(1, 0.5), (2, -0.25)] {
        let found = median(&measured.log_ratios(0, case)).expect("rounds");
        assert!((found - ratio).abs() < 0.02, "{found} is not {ratio}");
    }
    let visits = measured.visits();
    assert_eq!(visits.len(), 3 * measured.rounds());
    assert!(visits.iter().all(|visit| visit.log_residual.abs() < 0.1));
}

#[test]
fn noise_of_five_percent_needs_all_rounds() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(22);
    let measured = measure(&MODELS[1], &[0.0], &mut rng);
    assert_eq!((measured.rounds(), measured.stop_reason), (50, StopReason::Looks));
}
