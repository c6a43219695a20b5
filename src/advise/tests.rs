use super::*;

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

/// A program whose times follow a law, with noise of ± a share.
struct Synthetic<F> {
    law: F,
    noise: f64,
    rng: Xoshiro256PlusPlus,
    runs: usize,
}

impl<F: Fn(f64) -> f64> TimedProgram for Synthetic<F> {
    type Error = std::convert::Infallible;

    fn time(&mut self, nthread: u32) -> Result<Duration, Self::Error> {
        self.runs += 1;
        let noise = 1.0 + self.noise * (2.0 * self.rng.random::<f64>() - 1.0);
        Ok(Duration::from_secs_f64((self.law)(f64::from(nthread)) * noise))
    }
}

fn program<F: Fn(f64) -> f64>(law: F, noise: f64, seed: u64) -> Synthetic<F> {
    Synthetic { law, noise, rng: Xoshiro256PlusPlus::seed_from_u64(seed), runs: 0 }
}

fn amdahl(serial: f64, seconds: f64) -> impl Fn(f64) -> f64 + Copy {
    move |n| seconds * (serial + (1.0 - serial) / n)
}

/// Gunther's universal scalability law: the peak is at √((1 − σ)/κ).
fn usl(sigma: f64, kappa: f64, seconds: f64) -> impl Fn(f64) -> f64 + Copy {
    move |n| seconds * (1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0)) / n
}

/// Perfect scaling up to some CPUs, then slower by a constant factor.
fn cliff(cpus: f64, seconds: f64) -> impl Fn(f64) -> f64 + Copy {
    move |n| if n <= cpus { seconds / n } else { seconds * 3.0 / cpus }
}

fn fastest(law: impl Fn(f64) -> f64, counts: &[u32]) -> f64 {
    counts.iter().map(|n| law(f64::from(*n))).fold(f64::INFINITY, f64::min)
}

/// The result is the smallest count within 5% of the best by the law itself, up to rounding
/// to nanoseconds.
#[track_caller]
fn check(name: &str, law: impl Fn(f64) -> f64 + Copy, top: u32) {
    let counts: Vec<u32> = (1..=top).collect();
    let mut program = program(law, 0.0, 1);
    let Ok(found) = search(&mut program, &counts, Goal::Within(0.05));
    let over = |n: u32| law(f64::from(n)) / fastest(law, &counts) - 1.05;
    assert!(over(found.nthread) < 1e-6, "{name}, {top}: {found}");
    assert!((1..found.nthread).all(|n| over(n) > -1e-6), "{name}, {top}: {found}");
    assert!(program.runs <= 18, "{name}, {top}: {} runs: {found}", program.runs);
    assert!(!found.has_several_minima, "{name}, {top}: {found}");
}

#[test]
fn the_smallest_count_within_five_percent_is_found_in_few_runs() {
    for top in 1..=64 {
        for serial in [0.0, 0.01, 0.05, 0.1, 0.3, 0.9] {
            check("amdahl", amdahl(serial, 60.0), top);
        }
        for sigma in [0.0, 0.02, 0.05, 0.3, 0.5] {
            for kappa in [1e-5, 5e-4, 2e-3, 0.02, 0.2] {
                check("usl", usl(sigma, kappa, 60.0), top);
            }
        }
    }
}

#[test]
fn a_cliff_is_found_at_any_count() {
    for top in [1, 2, 3, 7, 8, 12, 16, 31, 48, 64] {
        for cpus in (1..=64).map(f64::from) {
            check("cliff", cliff(cpus, 60.0), top);
            check("slope", move |n| if n <= cpus { 60.0 / n } else { 60.0 / cpus * 1.02 }, top);
            check("shares", move |n| (cpus / n).ceil(), top);
        }
    }
}

#[test]
fn several_minima_are_reported() {
    // Falls on both sides of a step of 20%, so there are two minima.
    let law = |n: f64| 60.0 * (0.3 + 0.7 / n) * if n > 9.0 { 1.2 } else { 1.0 };
    let counts: Vec<u32> = (1..=64).collect();
    let Ok(found) = search(&mut program(law, 0.0, 1), &counts, Goal::Within(0.05));
    assert!(found.to_string().contains("the times have several minima"), "{found}");
}

#[test]
fn a_command_that_ignores_the_setting_gets_one_thread_and_a_note() {
    for top in [2, 8, 64] {
        let counts: Vec<u32> = (1..=top).collect();
        let mut program = program(|_| 20.0, 0.0, 1);
        let Ok(found) = search(&mut program, &counts, Goal::Within(0.05));
        assert_eq!(found.nthread, 1);
        assert!(found.to_string().contains("seems to ignore the setting"), "{found}");
        assert!(program.runs <= 16, "{found}");
    }
}

#[test]
fn noise_of_ten_percent_costs_little_time() {
    let counts: Vec<u32> = (1..=64).collect();
    for (name, law) in [
        ("amdahl", Box::new(amdahl(0.05, 0.2)) as Box<dyn Fn(f64) -> f64>),
        ("usl", Box::new(usl(0.02, 0.02, 0.2))),
        ("cliff", Box::new(cliff(8.0, 0.2))),
    ] {
        let best = fastest(&law, &counts);
        let mut worst = Vec::new();
        for seed in 0..200 {
            let mut program = program(&law, 0.1, seed);
            let Ok(found) = search(&mut program, &counts, Goal::Within(0.05));
            worst.push(law(f64::from(found.nthread)) / best);
            assert!(program.runs <= 250, "{name}: {found}");
        }
        worst.sort_by(f64::total_cmp);
        assert!(worst[100] < 1.12, "{name}: half are within {}", worst[100]);
        assert!(worst[190] < 1.25, "{name}: 95% are within {}", worst[190]);
    }
}

#[test]
fn a_long_program_is_run_again_at_most_twice() {
    let counts: Vec<u32> = (1..=8).collect();
    for seed in 0..50 {
        let mut program = program(amdahl(0.3, 60.0), 0.1, seed);
        let Ok(found) = search(&mut program, &counts, Goal::Within(0.05));
        let again: usize = found.runs.iter().map(|(_, runs)| runs - 1).sum();
        assert!(again <= 2, "{found}");
    }
}

#[test]
fn an_efficiency_is_met_by_the_largest_such_count() {
    for (serial, share, expected) in [(0.05, 0.75, 7), (0.0, 0.9, 64), (0.5, 0.9, 1)] {
        let counts: Vec<u32> = (1..=64).collect();
        let mut program = program(amdahl(serial, 60.0), 0.0, 1);
        let Ok(found) = search(&mut program, &counts, Goal::Efficiency(share));
        assert_eq!(found.nthread, expected, "{serial}: {found}");
        assert!(program.runs <= 12, "{found}");
        let n = f64::from(found.nthread);
        assert!(amdahl(serial, 1.0)(1.0) / amdahl(serial, 1.0)(n) / n >= share - 0.02, "{found}");
    }
}

#[test]
fn only_candidates_are_run() {
    let mut program = program(amdahl(0.0, 30.0), 0.0, 1);
    let Ok(found) = search(&mut program, &[3, 6, 12], Goal::Within(0.05));
    assert_eq!(found.nthread, 12);
    assert!(found.runs.iter().all(|(n, _)| [3, 6, 12].contains(n)), "{found}");
    let Ok(found) = search(&mut program, &[5], Goal::Efficiency(0.9));
    assert_eq!(found.nthread, 5);
    assert!(found.to_string().contains(": 6.00 s, the only count that was measured; "), "{found}");
    let Ok(found) = search(&mut program, &[5], Goal::Within(0.05));
    assert!(found.to_string().contains(", the only count that was measured; "), "{found}");
}

#[test]
fn the_reason_has_the_measurements() {
    let found = Recommendation {
        nthread: 4,
        time: Duration::from_millis(10_300),
        best: (6, Duration::from_millis(10_100)),
        base: Some((1, Duration::from_secs(38))),
        runs: vec![(1, 1), (4, 2), (6, 2), (8, 1)],
        total: Duration::from_secs(95),
        alternative: Some(5),
        is_flat: false,
        has_several_minima: false,
        goal: Goal::Within(0.05),
    };
    assert_eq!(
        found.to_string(),
        "4 threads: 10.3 s, within 5% of the best (10.1 s at 6 threads); 6 runs in 95.0 s \
         (1 × 1, 2 × 4, 2 × 6, 1 × 8); statistically indistinguishable from 5"
    );
}
