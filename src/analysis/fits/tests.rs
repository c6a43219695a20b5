use std::time::Instant;

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;
use crate::analysis::summarise;
use crate::record::{Phase, Row, Run};

const DRAWS: u64 = 1 << 20;

/// A run of backends over these counts on a machine with `usable` CPUs, whose throughput
/// follows a law with relative noise.
struct Simulated {
    curve: Curve,
    counts: Vec<u32>,
    usable: u32,
    rounds: u32,
    noise: f64,
    scaling: &'static str,
    backends: usize,
}

impl Simulated {
    fn of(model: Model, sigma: f64, kappa: f64) -> Simulated {
        Simulated {
            curve: Curve { model, gamma: 2e9, sigma, kappa },
            counts: vec![1, 2, 4, 6, 8, 12, 16, 24],
            usable: 24,
            rounds: 12,
            noise: 0.01,
            scaling: "strong",
            backends: 1,
        }
    }

    fn cases(&self) -> Vec<Case> {
        let case = |backend: usize, nthread: &u32| Case {
            kernel: "pi".into(),
            backend: format!("backend-{backend}"),
            nthread: *nthread,
            chunk: Some(u64::from(64 / nthread)),
            block: 64,
            scaling: self.scaling.into(),
            draws: Some(DRAWS * if self.scaling == "weak" { u64::from(*nthread) } else { 1 }),
            ..Case::default()
        };
        (0..self.backends).flat_map(|b| self.counts.iter().map(move |n| case(b, n))).collect()
    }

    fn run(&self, seed: u64) -> (Run, Vec<Row>) {
        let mut generator = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut run = Run::default();
        run.plan.cases = self.cases();
        run.machine.usable_cpus = Some(self.usable);
        let mut rows = Vec::new();
        for round in 0..self.rounds {
            for (visit, case) in (0..).zip(&run.plan.cases) {
                let uniform: f64 = (0..12).map(|_| generator.random::<f64>()).sum();
                let throughput = self.curve.throughput(f64::from(case.nthread));
                let ns = case.draws.unwrap_or(0) as f64 / throughput * 1e9;
                let ns = ns * (self.noise * (uniform - 6.0)).exp();
                let row = Row { round, visit, case: case.clone(), ..Row::default() };
                let wall_ns = Some(ns.round() as u64);
                rows.push(Row { phase: Phase::Call, wall_ns, ..row.clone() });
                rows.push(Row { phase: Phase::Visit, ..row });
            }
        }
        (run, rows)
    }

    fn fit(&self, seed: u64) -> Fit {
        let (run, rows) = self.run(seed);
        summarise(&run, &rows).fits.remove(0)
    }
}

fn holds(low: Option<f64>, high: Option<f64>, value: f64) -> bool {
    low.zip(high).is_some_and(|(low, high)| (low..=high).contains(&value))
}

#[test]
fn an_injected_law_is_chosen_and_its_parameters_are_estimated() {
    for (model, sigma, kappa, scaling) in [
        (Model::Amdahl, 0.05, 0.0, "strong"),
        (Model::Usl, 0.03, 0.002, "strong"),
        (Model::Gustafson, 0.2, 0.0, "weak"),
    ] {
        let fit = Simulated { scaling, ..Simulated::of(model, sigma, kappa) }.fit(1);
        assert_eq!(fit.law.model, Some(model), "{fit:?}");
        let off = |found: Option<f64>, injected: f64| found.expect("fitted") / injected - 1.0;
        assert!(off(fit.law.gamma, 2e9).abs() < 0.02, "{fit:?}");
        assert!(off(fit.law.sigma, sigma).abs() < 0.2, "{fit:?}");
        assert!((fit.law.kappa.expect("fitted") - kappa).abs() <= 0.1 * kappa, "{fit:?}");
    }
}

#[test]
fn intervals_cover_the_injected_parameters_in_about_95_of_100_runs() {
    let simulated = Simulated::of(Model::Usl, 0.03, 0.002);
    let fits: Vec<Fit> = (0..100).map(|seed| simulated.fit(seed)).collect();
    let count = |it: &dyn Fn(&Fit) -> bool| fits.iter().filter(|fit| it(fit)).count();
    // Of 100 at 95%, fewer than 88 are one in two hundred.
    for found in [
        count(&|fit| holds(fit.law.sigma_low, fit.law.sigma_high, 0.03)),
        count(&|fit| holds(fit.law.kappa_low, fit.law.kappa_high, 0.002)),
        count(&|fit| holds(fit.law.gamma_low, fit.law.gamma_high, 2e9)),
    ] {
        assert!((88..=100).contains(&found), "{found} of 100");
    }
}

#[test]
fn at_a_bound_the_interval_ends_at_the_bound() {
    let without_contention = Simulated::of(Model::Usl, 0.0, 0.004);
    let at_bound = (0..50).map(|seed| without_contention.fit(seed));
    let fits: Vec<Fit> = at_bound.filter(|fit| fit.law.sigma == Some(0.0)).collect();
    assert!(fits.len() > 10, "{} of 50 on the bound", fits.len());
    for fit in fits {
        assert_eq!(fit.law.sigma_low, Some(0.0));
        assert!(fit.law.sigma_high >= Some(0.0));
        assert!(fit.law.kappa_low > Some(0.0));
    }
}

#[test]
fn too_few_counts_are_refused_with_a_reason() {
    let few = |counts: &[u32], usable: u32| {
        let simulated = Simulated::of(Model::Amdahl, 0.1, 0.0);
        Simulated { counts: counts.to_vec(), usable, ..simulated }.fit(1)
    };
    let fit = few(&[1, 2, 4, 6, 8, 12], 4);
    assert_eq!(
        fit.refusal.as_deref(),
        Some("not identifiable: 3 thread counts within the 4 usable CPUs, at least 6 are needed")
    );
    assert_eq!((fit.law.model, fit.throughput(2.0)), (None, None));
    let one = few(&[1, 2, 3, 4, 5, 6], 1).refusal.expect("refused");
    assert!(one.contains("1 thread count within the 1 usable CPU,"), "{one}");
    assert_eq!(few(&[1, 2, 3, 4, 5, 6], 6).refusal, None);
    // Some of these may be oversubscribed.
    let unknown = few(&[1, 2, 3, 4, 5, 6], 0);
    assert_eq!((unknown.law.model, unknown.law.sigma), (None, None));
    let words = unknown.refusal.expect("refused");
    assert!(words.contains("the number of usable CPUs is not known"), "{words}");
}

#[test]
fn oversubscribed_cases_are_not_fitted() {
    let counts = vec![1, 2, 3, 4, 5, 6, 8, 12, 16];
    let mut simulated = Simulated { counts, usable: 8, ..Simulated::of(Model::Amdahl, 0.1, 0.0) };
    let fit = simulated.fit(1);
    assert_eq!((fit.cases.len(), fit.case.nthread), (7, 8));
    simulated.counts.truncate(7);
    assert_eq!(simulated.fit(1).cases.len(), 7);
}

#[test]
fn a_curve_is_shown_up_to_its_peak_and_at_most_twice_the_measured_range() {
    let amdahl = Simulated::of(Model::Amdahl, 0.05, 0.0).fit(1);
    assert!(amdahl.throughput(48.0).is_some() && amdahl.throughput(1.0).is_some());
    assert_eq!((amdahl.throughput(48.1), amdahl.throughput(0.5)), (None, None));
    assert!(amdahl.law.caveat.expect("a caveat").contains("limit extrapolated"));
    // Peaks at 10, at 31 and at 99, of 24 threads that were measured.
    let peak_at = |kappa: f64| Simulated::of(Model::Usl, 0.01, kappa).fit(1);
    let within = peak_at(0.01);
    assert!(within.throughput(24.0).is_some() && within.throughput(24.5).is_none());
    assert_eq!(within.law.caveat, None);
    let beyond = peak_at(0.001);
    let peak = beyond.law.peak_nthread.expect("within twice the largest count");
    assert!(beyond.throughput(peak).is_some() && beyond.throughput(peak + 1.0).is_none());
    assert_eq!(beyond.law.caveat.as_deref(), Some("peak beyond what was measured"));
    let far = Simulated { noise: 1e-4, ..Simulated::of(Model::Usl, 0.01, 0.0001) }.fit(1);
    assert_eq!((far.law.model, far.law.peak_nthread), (Some(Model::Usl), None));
    assert_eq!(far.law.caveat.as_deref(), Some("peak beyond what was measured"));
}

#[test]
fn few_rounds_have_no_fit() {
    let fit = Simulated { rounds: 5, ..Simulated::of(Model::Usl, 0.03, 0.002) }.fit(1);
    // Without intervals nothing tells whether a law describes the points.
    let refusal = fit.refusal.as_deref().unwrap_or_default();
    assert!(refusal.ends_with("rounds, at least 6 are needed"), "{refusal}");
    assert!(fit.law.sigma.is_none() && fit.law.peak_nthread.is_none());
}

#[test]
fn the_settings_of_a_fit_are_those_that_its_cases_share() {
    let simulated = Simulated { scaling: "weak", ..Simulated::of(Model::Gustafson, 0.2, 0.0) };
    let value = serde_json::to_value(simulated.fit(1)).expect("JSON");
    assert_eq!(value["backend"], "backend-0");
    assert_eq!(value["draws"], DRAWS, "of one worker");
    assert!(value.get("nthread").is_none());
    assert_eq!(value["model"], "gustafson");
    assert!(value["chunk"].is_null(), "it follows from the thread count");
}

#[test]
#[ignore = "prints rates: cargo test --release --lib coverage_of_fits -- --ignored --nocapture"]
fn coverage_of_fits() {
    for (model, sigma, kappa, rounds) in [
        (Model::Usl, 0.03, 0.002, 12),
        (Model::Usl, 0.03, 0.002, 30),
        (Model::Usl, 0.0, 0.002, 12),
        (Model::Amdahl, 0.05, 0.0, 12),
    ] {
        let simulated = Simulated { rounds, ..Simulated::of(model, sigma, kappa) };
        let fits = (0..500).map(|seed| simulated.fit(seed));
        let fits: Vec<Fit> = fits.filter(|fit| fit.law.model == Some(model)).collect();
        let count = |it: &dyn Fn(&Fit) -> bool| fits.iter().filter(|fit| it(fit)).count();
        println!(
            "{model:?} {sigma} {kappa}, {rounds} rounds: chosen {} of 500, sigma {}, kappa {}, gamma {}",
            fits.len(),
            count(&|fit| holds(fit.law.sigma_low, fit.law.sigma_high, sigma)),
            count(&|fit| holds(fit.law.kappa_low, fit.law.kappa_high, kappa)),
            count(&|fit| holds(fit.law.gamma_low, fit.law.gamma_high, 2e9)),
        );
    }
}

#[test]
#[ignore = "prints how long it takes: cargo test --release --lib fits_take -- --ignored --nocapture"]
fn fits_take_less_than_half_a_second() {
    for (counts, rounds) in [(16, 50), (64, 300)] {
        let usl = Simulated::of(Model::Usl, 0.03, 0.0004);
        let (counts, usable) = ((1..=counts).collect(), counts);
        let (run, rows) = Simulated { counts, usable, rounds, backends: 10, ..usl }.run(1);
        let visits = Visits::from_rows(&rows, &run.plan);
        let cases = summarise(&run, &rows).cases;
        let start = Instant::now();
        let fits = of(&visits, &cases, Some(usable));
        println!("{usable} counts, {rounds} rounds: {:?}, {}", start.elapsed(), fits[0].replicates);
    }
}
