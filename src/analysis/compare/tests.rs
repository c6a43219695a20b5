use super::*;
use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::analysis::synthetic::number;
use crate::record::Case;
use crate::selftest::rate::Rate;
use model::{MODELS, Model, Scatter};

/// The models of noise of the calibration.
#[allow(dead_code)]
#[path = "../../../benches/calibration/simulation/model.rs"]
mod model;

/// Log ratios of a case in a session: the differences of the noise of two visits.
fn log_ratios(scatter: Scatter, rounds: usize, rng: &mut Xoshiro256PlusPlus) -> Vec<f64> {
    (0..rounds).map(|_| scatter.draw(rng) - scatter.draw(rng)).collect()
}

/// The run of a baseline and cases with these speedups, one a round.
fn run(ratios: &[Vec<f64>], baseline_ns: f64) -> Summary {
    let named = |backend: &str, nthread| Case {
        kernel: "pi".into(),
        backend: backend.into(),
        nthread,
        draws: Some(64),
        ..Case::default()
    };
    let rounds = ratios.first().map_or(6, Vec::len);
    let baseline = CaseSummary {
        case: named("sequential", 1),
        rounds,
        median_ns: Some(baseline_ns),
        round_ns: vec![baseline_ns; rounds],
        ..CaseSummary::default()
    };
    let case = |(number, ratios): (usize, &Vec<f64>)| {
        let round_ns: Vec<f64> = ratios.iter().map(|ratio| baseline_ns / ratio).collect();
        CaseSummary {
            case: named("a", number as u32 + 1),
            rounds: ratios.len(),
            pairs: ratios.len(),
            speedup: median(ratios),
            median_ns: median(&round_ns),
            ratios: ratios.clone(),
            round_ns,
            ..CaseSummary::default()
        }
    };
    let mut cases: Vec<CaseSummary> =
        std::iter::once(baseline).chain(ratios.iter().enumerate().map(case)).collect();
    number(&mut cases);
    Summary { confidence: CONFIDENCE, cases, ..Summary::default() }
}

/// A run whose cases have these speedups, with noise.
fn noisy(
    speedups: &[f64],
    rounds: usize,
    scatter: Scatter,
    rng: &mut Xoshiro256PlusPlus,
) -> Summary {
    let case = |speedup: &f64| {
        log_ratios(scatter, rounds, rng).iter().map(|log| speedup * log.exp()).collect()
    };
    run(&speedups.iter().map(case).collect::<Vec<_>>(), 1e6)
}

/// Ratios around a middle one, within a share of it.
fn around(middle: f64, share: f64, rounds: usize) -> Vec<f64> {
    let place = |round: usize| round as f64 / (rounds - 1) as f64 - 0.5;
    // Neighbours are on opposite sides, so that there is no trend.
    let at =
        |round: usize| if round.is_multiple_of(2) { round / 2 } else { rounds - 1 - round / 2 };
    (0..rounds).map(|round| middle * (2.0 * share * place(at(round))).exp()).collect()
}

fn verdicts(comparison: &Comparison) -> Vec<Option<Verdict>> {
    comparison.cases.iter().map(|change| change.verdict).collect()
}

/// Coverage of the interval of the difference of two sessions of equal cases, with the noise
/// of two models.
fn coverage(one: Scatter, other: Scatter, rounds: [usize; 2], campaigns: u64) -> Rate {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(31);
    let mut rate = Rate::default();
    for _ in 0..campaigns {
        let from = log_ratios(one, rounds[0], &mut rng);
        let to = log_ratios(other, rounds[1], &mut rng);
        let found = difference_of_medians(&from, &to, 0.95).expect("enough rounds");
        rate.count((found.low..=found.high).contains(&0.0));
    }
    rate
}

fn scatters() -> Vec<(&'static str, Scatter)> {
    let is_scatter = |model: &&Model| !model.name.starts_with("shared");
    MODELS.iter().filter(is_scatter).map(|model| (model.name, model.scatter)).collect()
}

#[test]
fn the_interval_between_two_sessions_covers_at_least_95_percent() {
    for (name, scatter) in scatters() {
        for rounds in [[6, 6], [6, 50], [12, 12], [25, 15], [50, 50]] {
            let rate = coverage(scatter, scatter, rounds, 1000);
            let share = rate.share().expect("campaigns");
            assert!((0.95..0.999).contains(&share), "{name}, {rounds:?}: {rate}");
        }
    }
}

#[test]
fn the_interval_covers_if_one_session_is_ten_times_as_noisy() {
    let (quiet, loud) = (Scatter::Normal(0.01), Scatter::Lognormal(0.1));
    for rounds in [[6, 6], [6, 50], [50, 6], [12, 12], [50, 50]] {
        let rate = coverage(quiet, loud, rounds, 1000);
        assert!(rate.share().is_some_and(|share| share > 0.945), "{rounds:?}: {rate}");
    }
}

#[test]
fn equal_runs_of_many_cases_fail_in_at_most_5_percent() {
    // A margin of nearly 0 is the hardest case.
    for (name, scatter) in scatters() {
        for (cases, rounds) in [(1, 6), (20, 6), (20, 12)] {
            let mut rng = Xoshiro256PlusPlus::seed_from_u64(32);
            let mut rate = Rate::default();
            for _ in 0..(1000 / cases) {
                let speedups = vec![1.9; cases as usize];
                let [one, other] = [0; 2].map(|_| noisy(&speedups, rounds, scatter, &mut rng));
                let found = compare(&one, &other, Judged::Speedup, 1e-9);
                rate.count(found.conclusion == Conclusion::Regression);
            }
            // 5% plus three standard errors.
            let most = 0.05 + 3.0 * (0.05 * 0.95 / rate.of as f64).sqrt();
            let share = rate.share().expect("campaigns");
            assert!(share <= most, "{name}, {cases} cases, {rounds} rounds: {rate}");
        }
    }
}

#[test]
fn equal_runs_of_which_one_is_ten_times_as_noisy_fail_in_at_most_5_percent() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(35);
    let mut rate = Rate::default();
    for _ in 0..100 {
        let one = noisy(&[1.9; 20], 12, Scatter::Normal(0.01), &mut rng);
        let other = noisy(&[1.9; 20], 12, Scatter::Lognormal(0.1), &mut rng);
        for (one, other) in [(&one, &other), (&other, &one)] {
            let found = compare(one, other, Judged::Speedup, 0.05);
            rate.count(found.conclusion == Conclusion::Regression);
        }
    }
    assert!(rate.share().is_some_and(|share| share <= 0.05), "{rate}");
}

#[test]
fn a_clear_regression_is_detected_among_many_cases_of_six_rounds() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(33);
    let mut rate = Rate::default();
    for _ in 0..100 {
        let before = noisy(&[1.9; 20], 6, Scatter::Normal(0.01), &mut rng);
        let mut speedups = [1.9; 20];
        speedups[7] = 1.9 / 1.25;
        let after = noisy(&speedups, 6, Scatter::Normal(0.01), &mut rng);
        let found = compare(&before, &after, Judged::Speedup, 0.05);
        rate.count(found.with(Verdict::Slower).len() == 1);
    }
    assert!(rate.share().is_some_and(|share| share > 0.95), "{rate}");
}

#[test]
fn verdicts_are_reversed_if_the_runs_are_exchanged() {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(34);
    for _ in 0..200 {
        let mut any = || -> Vec<f64> { (0..5).map(|_| rng.random_range(0.8..1.3)).collect() };
        let (one, other) = (any(), any());
        let rounds = rng.random_range(6..20);
        let one = noisy(&one, rounds, Scatter::Normal(0.01), &mut rng);
        let other = noisy(&other, rounds + 3, Scatter::Normal(0.02), &mut rng);
        for judged in [Judged::Speedup, Judged::Time] {
            let reversed = |verdict: Option<Verdict>| match verdict {
                Some(Verdict::Faster) => Some(Verdict::Slower),
                Some(Verdict::Slower) => Some(Verdict::Faster),
                same => same,
            };
            let there = compare(&one, &other, judged, 0.05);
            let back = compare(&other, &one, judged, 0.05);
            let expected: Vec<_> = verdicts(&back).into_iter().map(reversed).collect();
            assert_eq!(verdicts(&there), expected);
        }
    }
}

#[test]
fn each_case_is_judged_against_the_baseline_of_its_own_run() {
    let same = [around(1.9, 0.005, 12), around(3.5, 0.005, 12)];
    let (before, after) = (run(&same, 50e6), run(&same, 60e6));
    let found = compare(&before, &after, Judged::Speedup, 0.05);
    assert_eq!(verdicts(&found), [None, Some(Verdict::Equivalent), Some(Verdict::Equivalent)]);
    assert_eq!((found.conclusion, found.comparisons), (Conclusion::Passed, 2));
    assert_eq!(found.moved_baselines().len(), 1);
    let found = compare(&before, &after, Judged::Time, 0.05);
    assert_eq!(verdicts(&found), [Some(Verdict::Slower); 3]);
    assert_eq!(found.conclusion, Conclusion::Regression);
}

#[test]
fn changed_cases_have_a_verdict_and_noisy_ones_are_unresolved() {
    let before = [around(1.9, 0.005, 12), around(1.9, 0.005, 12), around(1.9, 0.1, 12)];
    let after = [around(1.6, 0.005, 12), around(2.2, 0.005, 12), around(1.9, 0.1, 12)];
    let found = compare(&run(&before, 5e7), &run(&after, 5e7), Judged::Speedup, 0.05);
    let expected = [Verdict::Slower, Verdict::Faster, Verdict::Unresolved].map(Some);
    assert_eq!(verdicts(&found)[1..], expected);
    assert!((found.cases[1].speedup.ratio.expect("a ratio") - 1.6 / 1.9).abs() < 1e-12);
    let unresolved = &found.cases[3];
    assert!(unresolved.smallest_change.expect("an interval") > 0.1);
    assert!(unresolved.rounds_needed.expect("not on the margin") > 12);
    assert_eq!(found.cases[1].rounds_needed, None);
}

#[test]
fn a_run_is_equivalent_to_itself_if_its_intervals_are_narrow() {
    let run = run(&[around(1.9, 0.005, 12), around(1.9, 0.2, 12), around(1.9, 0.005, 5)], 5e7);
    let found = compare(&run, &run, Judged::Speedup, 0.05);
    let expected = [Verdict::Equivalent, Verdict::Unresolved, Verdict::Unresolved].map(Some);
    assert_eq!(verdicts(&found)[1..], expected);
    assert_eq!(found.cases[3].smallest_change, None);
}

#[test]
fn different_draws_are_compared_per_draw() {
    let before = run(&[around(1.9, 0.005, 12)], 50e6);
    let mut after = run(&[around(1.9, 0.005, 12)], 100e6);
    after.cases.iter_mut().for_each(|case| case.case.draws = Some(128));
    let found = compare(&before, &after, Judged::Time, 0.05);
    assert!(found.cases.iter().all(Change::is_per_draw));
    assert_eq!(verdicts(&found), [Some(Verdict::Equivalent); 2]);
    assert_eq!(found.cases[0].time_ns.before, Some(50e6 / 64.0));
}

#[test]
fn autocorrelated_rounds_widen_the_interval() {
    let slow_and_fast = |middle: f64| -> Vec<f64> {
        (0..40).map(|round| middle * if round / 10 % 2 == 0 { 1.02 } else { 0.98 }).collect()
    };
    let mixed = |middle: f64| -> Vec<f64> {
        (0..40).map(|round| middle * if round % 2 == 0 { 1.02 } else { 0.98 }).collect()
    };
    let width = |one: Vec<f64>, other: Vec<f64>| {
        let found = compare(&run(&[one], 5e7), &run(&[other], 5e7), Judged::Speedup, 0.05);
        let shift = found.cases[1].speedup;
        (shift.high.expect("an interval") / shift.low.expect("an interval")).ln()
    };
    let autocorrelated = width(slow_and_fast(1.9), slow_and_fast(1.9));
    assert!(autocorrelated > 2.0 * width(mixed(1.9), mixed(1.9)));
}
