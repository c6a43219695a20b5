//! Simulations of thousands of correct runners, and of faulty ones.

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use statrs::function::erf::erf_inv;

use super::*;
use crate::record::{Case, ExpectedTally};

const DRAWS: u64 = 1 << 24;
const SHARE: f64 = std::f64::consts::FRAC_PI_4;

/// Simulated runner.
struct Runner {
    rng: Xoshiro256PlusPlus,
    draws: u64,
    /// Number of workers that share one random stream.
    sharing: u32,
}

impl Runner {
    fn correct(seed: u64) -> Runner {
        Runner { rng: Xoshiro256PlusPlus::seed_from_u64(seed), draws: DRAWS, sharing: 1 }
    }

    /// Tally of a call. Its hits are normal, which for so many draws is near enough.
    fn call(&mut self) -> Tally {
        let uniform: f64 = self.rng.random_range(1e-12..1.0);
        let normal = std::f64::consts::SQRT_2 * erf_inv(2.0 * uniform - 1.0);
        let share = self.draws as f64 / f64::from(self.sharing);
        let hits = share * SHARE + normal * (share * SHARE * (1.0 - SHARE)).sqrt();
        Tally::from_hits(self.draws, (hits.round() * f64::from(self.sharing)) as u64)
    }
}

/// Number of the visit, from 1, in which the test fails, with its message.
fn first_failure(visits: usize, mut visit: impl FnMut() -> Vec<Tally>) -> Option<(usize, String)> {
    let mut history = History::default();
    (1..=visits).find_map(|round| {
        history.visits.push(visit());
        history.test().err().map(|problem| (round, problem))
    })
}

#[test]
fn a_constant_tally_is_detected_by_the_third_visit() {
    let tally = Runner::correct(1).call();
    for calls in [1, 2, 5] {
        let (round, problem) = first_failure(9, || vec![tally; calls]).expect("a failure");
        assert!(round <= 3, "{calls} calls: {round}");
        assert_eq!(
            problem,
            format!(
                "wrong tally: the same tally in {round} visits: is the seed of its random numbers \
                 constant?"
            )
        );
    }
}

#[test]
fn equal_tallies_of_few_draws_need_more_visits() {
    // Sums of 2^16 darts agree once in 400 times.
    let tally = Runner { draws: 1 << 16, ..Runner::correct(1) }.call();
    let (round, _) = first_failure(9, || vec![tally]).expect("a failure");
    assert!((4..=5).contains(&round), "{round}");
}

#[test]
fn a_seed_that_is_the_same_in_every_visit_is_detected() {
    // The calls of a visit differ.
    let mut runner = Runner::correct(2);
    let tallies = [runner.call(), runner.call(), runner.call()];
    let (round, problem) = first_failure(9, || tallies.to_vec()).expect("a failure");
    assert!(round <= 3 && problem.contains("the same tally"), "{round}: {problem}");
}

#[test]
fn a_seed_that_is_the_same_in_every_call_is_detected() {
    let mut runner = Runner::correct(3);
    let (round, problem) = first_failure(9, || vec![runner.call(); 2]).expect("a failure");
    assert!(round <= 4 && problem.contains("in every call"), "{round}: {problem}");
}

/// Median number of visits until `sharing` equal workers are detected.
fn visits_to_detect(sharing: u32, calls: usize) -> usize {
    let mut rounds: Vec<usize> = (0..201)
        .map(|seed| {
            let mut runner = Runner { sharing, ..Runner::correct(1000 + seed) };
            let visit = || (0..calls).map(|_| runner.call()).collect();
            first_failure(200, visit).map_or(200, |(round, _)| round)
        })
        .collect();
    rounds.sort_unstable();
    rounds[100]
}

#[test]
fn workers_that_share_a_stream_are_detected_after_some_visits() {
    // A warm-up and a call, as in a visit by default.
    let visits = [2, 4, 8].map(|sharing| visits_to_detect(sharing, 2));
    println!("2, 4, 8 equal workers: {visits:?} visits");
    assert!(visits[0] > visits[1] && visits[1] > visits[2], "{visits:?}");
    assert!((10..=25).contains(&visits[1]), "{visits:?}");
    let mut runner = Runner { sharing: 16, ..Runner::correct(4) };
    let (_, problem) =
        first_failure(200, || vec![runner.call(), runner.call()]).expect("a failure");
    assert!(problem.contains("times as much as expected"), "{problem}");
}

/// 2,000 runs of 30 rounds. The deviations are counted at a level at which 100 of them
/// are expected in each test, since at the real level there are none.
#[test]
fn correct_runners_pass() {
    let (mut counts, mut alarms) = ([0; 4], 0);
    for seed in 0..2000 {
        let draws = [1 << 12, 1 << 16, DRAWS][seed as usize % 3];
        let mut runner = Runner { draws, ..Runner::correct(seed) };
        let mut history = History::default();
        for _ in 0..30 {
            history.visits.push(vec![runner.call(), runner.call()]);
            alarms += u32::from(history.test().is_err());
        }
        let (between, within) = history.distances().expect("tallies");
        for (at, distances) in [between, within].iter().enumerate() {
            match distances.deviation(0.05) {
                Some(Deviation::TooLarge(_)) => counts[2 * at] += 1,
                Some(_) => counts[2 * at + 1] += 1,
                None => {}
            }
        }
    }
    assert_eq!(alarms, 0);
    // 100 each, less what the allowance for rounding takes from the narrow ones.
    println!("wide and narrow, between and within: {counts:?}");
    assert!([0, 2].iter().all(|at| (60..=140).contains(&counts[*at])), "{counts:?}");
    assert!([1, 3].iter().all(|at| (20..=140).contains(&counts[*at])), "{counts:?}");
}

#[test]
fn tallies_of_few_draws_are_not_tested() {
    let tally = Tally::from_hits(64, 50);
    assert_eq!(first_failure(50, || vec![tally]), None);
}

#[test]
fn sums_beyond_the_precision_of_floats_are_distinguished() {
    // Fixed-point sums, of which a float would keep only the upper digits.
    let mut runner = Runner::correct(5);
    let unit = 1_i128 << 40;
    let mut visit = || {
        let Tally { draws, sum, sum_sq } = runner.call();
        vec![Tally { draws, sum: sum * unit, sum_sq: sum_sq * unit * unit }]
    };
    assert_eq!(first_failure(20, &mut visit), None);
}

#[test]
fn only_runners_with_random_numbers_of_their_own_are_tested() {
    let plan = Plan { cases: vec![Default::default()], ..Plan::default() };
    let tally = Runner::correct(6).call();
    let row = Row {
        phase: Phase::Call,
        tally_draws: Some(tally.draws),
        tally_sum: Some(tally.sum),
        tally_sum_sq: Some(tally.sum_sq),
        ..Row::default()
    };
    let last = Row { phase: Phase::Visit, ..row.clone() };
    let failure = |check| {
        let mut test = DispersionTest::new(&plan);
        (0..9).find_map(|_| test.add_visit(0, check, &[row.clone(), last.clone()]).err())
    };
    assert_eq!(failure(CheckMode::Exact), None);
    assert!(failure(CheckMode::Z).is_some());
    let rows: Vec<Row> = (0..3)
        .flat_map(|visit| [row.clone(), last.clone()].map(|row| Row { visit, ..row }))
        .collect();
    assert_eq!(DispersionTest::after(&rows, &plan).cases[0].visits.len(), 3);
    let Tally { draws, sum, sum_sq } = tally;
    let expected = vec![ExpectedTally { draws, sum, sum_sq, ..ExpectedTally::default() }];
    let case = Case { draws: Some(draws), ..Case::default() };
    let plan = Plan { cases: vec![case.clone()], expected, ..plan };
    let rows: Vec<Row> = rows.into_iter().map(|row| Row { case: case.clone(), ..row }).collect();
    assert_eq!(DispersionTest::after(&rows, &plan).cases[0].visits.len(), 0);
}
