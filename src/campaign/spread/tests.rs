//! Honest runners, simulated by the thousand, and dishonest ones.

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use statrs::function::erf::erf_inv;

use super::*;

const DRAWS: u64 = 1 << 24;
const SHARE: f64 = std::f64::consts::FRAC_PI_4;

/// Runners are honest but for what is said of them.
struct Runner {
    rng: Xoshiro256PlusPlus,
    draws: u64,
    /// Workers that throw the same darts.
    twins: u32,
}

impl Runner {
    fn honest(seed: u64) -> Runner {
        Runner { rng: Xoshiro256PlusPlus::seed_from_u64(seed), draws: DRAWS, twins: 1 }
    }

    /// Hits, of a normal distribution: of so many draws nobody can tell.
    fn call(&mut self) -> Tally {
        let uniform: f64 = self.rng.random_range(1e-12..1.0);
        let normal = std::f64::consts::SQRT_2 * erf_inv(2.0 * uniform - 1.0);
        let share = self.draws as f64 / f64::from(self.twins);
        let hits = share * SHARE + normal * (share * SHARE * (1.0 - SHARE)).sqrt();
        Tally::of_hits(self.draws, (hits.round() * f64::from(self.twins)) as u64)
    }
}

/// The visit, from 1, in which answers are found out, and how.
fn found_out(visits: usize, mut visit: impl FnMut() -> Vec<Tally>) -> Option<(usize, String)> {
    let mut history = History::default();
    (1..=visits).find_map(|round| {
        history.visits.push(visit());
        history.judge().err().map(|problem| (round, problem))
    })
}

#[test]
fn a_fixed_answer_is_found_out_in_the_third_visit() {
    let answer = Runner::honest(1).call();
    for calls in [1, 2, 5] {
        let (round, problem) = found_out(9, || vec![answer; calls]).expect("it is fixed");
        assert!(round <= 3, "{calls} calls: {round}");
        assert_eq!(
            problem,
            format!(
                "wrong tally: the same answer in {round} visits: are the random numbers fixed?"
            )
        );
    }
}

#[test]
fn of_few_draws_equal_answers_need_more_visits() {
    // Sums of 2^16 darts agree once in 400 times.
    let answer = Runner { draws: 1 << 16, ..Runner::honest(1) }.call();
    let (round, _) = found_out(9, || vec![answer]).expect("it is fixed");
    assert!((4..=5).contains(&round), "{round}");
}

#[test]
fn a_generator_that_is_seeded_alike_in_every_visit_is_found_out() {
    // The calls of a visit differ, as if all were well.
    let mut runner = Runner::honest(2);
    let answers = [runner.call(), runner.call(), runner.call()];
    let (round, problem) = found_out(9, || answers.to_vec()).expect("it is fixed");
    assert!(round <= 3 && problem.contains("the same answer"), "{round}: {problem}");
}

#[test]
fn a_generator_that_is_seeded_alike_in_every_call_is_found_out() {
    let mut runner = Runner::honest(3);
    let (round, problem) = found_out(9, || vec![runner.call(); 2]).expect("it is fixed");
    assert!(round <= 4 && problem.contains("in every call"), "{round}: {problem}");
}

/// Median of the visits that it takes to find out `twins` equal workers.
fn visits_to_find(twins: u32, calls: usize) -> usize {
    let mut rounds: Vec<usize> = (0..201)
        .map(|seed| {
            let mut runner = Runner { twins, ..Runner::honest(1000 + seed) };
            let visit = || (0..calls).map(|_| runner.call()).collect();
            found_out(200, visit).map_or(200, |found| found.0)
        })
        .collect();
    rounds.sort_unstable();
    rounds[100]
}

#[test]
fn workers_that_share_a_stream_are_found_out_after_some_visits() {
    // A warm-up and a call, as a visit has without any option.
    let found = [2, 4, 8].map(|twins| visits_to_find(twins, 2));
    println!("2, 4, 8 equal workers: {found:?} visits");
    assert!(found[0] > found[1] && found[1] > found[2], "{found:?}");
    assert!((10..=25).contains(&found[1]), "{found:?}");
    let mut runner = Runner { twins: 16, ..Runner::honest(4) };
    let (_, problem) = found_out(200, || vec![runner.call(), runner.call()]).expect("wide");
    assert!(problem.contains("times as far as chance has it"), "{problem}");
}

/// 2,000 runs of 30 rounds at a level that expects 100 false alarms a test, since
/// at the real one there are none to be counted.
#[test]
fn honest_runners_are_believed() {
    let (mut first_look, mut alarms) = ([0; 4], 0);
    for seed in 0..2000 {
        let draws = [1 << 12, 1 << 16, DRAWS][seed as usize % 3];
        let mut runner = Runner { draws, ..Runner::honest(seed) };
        let mut history = History::default();
        for _ in 0..30 {
            history.visits.push(vec![runner.call(), runner.call()]);
            alarms += u32::from(history.judge().is_err());
        }
        let (between, within) = history.squares().expect("answers");
        for (at, squares) in [between, within].iter().enumerate() {
            match squares.oddity(0.05) {
                Some(Oddity::Wide(_)) => first_look[2 * at] += 1,
                Some(_) => first_look[2 * at + 1] += 1,
                None => {}
            }
        }
    }
    assert_eq!(alarms, 0);
    // 100 each, less what the allowance for rounding takes from the narrow ones.
    println!("wide and narrow, between and within: {first_look:?}");
    assert!([0, 2].iter().all(|at| (60..=140).contains(&first_look[*at])), "{first_look:?}");
    assert!([1, 3].iter().all(|at| (20..=140).contains(&first_look[*at])), "{first_look:?}");
}

#[test]
fn answers_of_few_draws_are_not_judged() {
    let answer = Tally::of_hits(64, 50);
    assert_eq!(found_out(50, || vec![answer]), None);
}

#[test]
fn sums_beyond_the_floats_are_told_apart() {
    // Fixed-point sums, of which a float would keep the upper digits only.
    let mut runner = Runner::honest(5);
    let unit = 1_i128 << 40;
    let mut visit = || {
        let Tally { draws, sum, sum_sq } = runner.call();
        vec![Tally { draws, sum: sum * unit, sum_sq: sum_sq * unit * unit }]
    };
    assert_eq!(found_out(20, &mut visit), None);
}

#[test]
fn only_runners_with_numbers_of_their_own_are_judged() {
    let plan = Plan { cases: vec![Default::default()], ..Plan::default() };
    let tally = Runner::honest(6).call();
    let row = Row {
        phase: Phase::Call,
        tally_draws: Some(tally.draws),
        tally_sum: Some(tally.sum),
        tally_sum_sq: Some(tally.sum_sq),
        ..Row::default()
    };
    let last = Row { phase: Phase::Visit, ..row.clone() };
    let visits = |check| {
        let mut spread = Spread::at_start(&plan);
        (0..9).find_map(|_| spread.visited(0, check, &[row.clone(), last.clone()]).err())
    };
    assert_eq!(visits(Check::Exact), None);
    assert!(visits(Check::Z).is_some());
    let rows: Vec<Row> = (0..3)
        .flat_map(|visit| [row.clone(), last.clone()].map(|row| Row { visit, ..row }))
        .collect();
    let after = |expected| Spread::after(&rows, &plan, |_| expected).cases[0].visits.len();
    assert_eq!((after(None), after(Some(tally))), (3, 0));
}
