use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::stats::tests::assert_close;

/// Published and synthetic data with the fits of SciPy, made by scaling.py in the same
/// directory.
const DATA: &str = include_str!("../../../tests/data/scaling.csv");
const FITS: &str = include_str!("../../../tests/data/scaling-fits.csv");

fn data() -> BTreeMap<String, Vec<(f64, f64)>> {
    let mut data: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for line in DATA.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let number = |field: usize| fields[field].parse::<f64>().expect("a number");
        data.entry(fields[0].to_string()).or_default().push((number(1), number(2)));
    }
    data
}

fn usl(loss: Loss, pairs: &[(f64, f64)]) -> Solution {
    Points::new(loss, pairs).and_then(|points| points.fit(Model::Usl)).expect("a fit")
}

/// Asserts that two values agree to `digits` digits; exactly for the bounds 0 and 1.
#[track_caller]
fn assert_is(found: f64, wanted: f64, tolerance: f64) {
    let is_bound = wanted == 0.0 || wanted == 1.0;
    let is_close = (found - wanted).abs() <= tolerance * wanted.abs();
    assert!(if is_bound { found == wanted } else { is_close }, "{found} is not {wanted}");
}

#[test]
fn coefficients_are_those_of_scipy_on_bounds_too() {
    let data = data();
    for line in FITS.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let loss = if fields[1] == "absolute" { Loss::Absolute } else { Loss::Logarithmic };
        let wanted: Vec<f64> =
            fields[2..].iter().map(|field| field.parse().expect("one")).collect();
        let found = usl(loss, &data[fields[0]]);
        let Curve { gamma, sigma, kappa, .. } = found.curve;
        assert_is(found.sse.expect("in range"), wanted[0], 1e-9);
        assert_is(gamma, wanted[1], 1e-9);
        assert_is(sigma, wanted[2], 1e-9);
        assert_is(kappa, wanted[3], 1e-9);
    }
}

#[test]
fn coefficients_and_their_errors_are_those_published_for_specsdm91() {
    let points = Points::new(Loss::Absolute, &data()["specsdm91"]).expect("points");
    let solution = points.fit(Model::Usl).expect("a fit");
    let (curve, sse) = (solution.curve, solution.sse.expect("in range"));
    let published = [89.995_233_1, 0.027_728_475_62, 1.043_654_838e-4, 27_453.719_6, 96.519_561];
    let peak = curve.peak().expect("a peak");
    for (found, published) in
        [curve.gamma, curve.sigma, curve.kappa, sse, peak].into_iter().zip(published)
    {
        assert_is(found, published, 1e-8);
    }
    let found = points.uncertainty(&solution, 0.95);
    let published = [(14.2135, 1e-5), (0.009_121_7, 1e-5), (1.99e-5, 3e-3)];
    for (found, (published, tolerance)) in found.standard_errors.into_iter().zip(published) {
        assert_is(found.expect("an error"), published, tolerance);
    }
    // Student's t of four degrees of freedom.
    let sigma = found.intervals[1].expect("an interval");
    assert_is((sigma.high - sigma.low) / 2.0, 2.776_445 * 0.009_121_7, 1e-4);
}

#[test]
fn a_parameter_at_a_bound_has_no_standard_error() {
    let points = Points::new(Loss::Absolute, &data()["no coherence"]).expect("points");
    let found = points.uncertainty(&points.fit(Model::Usl).expect("a fit"), 0.95);
    assert_eq!(found.standard_errors.map(|error| error.is_some()), [true, true, false]);
    let amdahl = points.uncertainty(&points.fit(Model::Amdahl).expect("a fit"), 0.95);
    assert_eq!(found, amdahl, "without coherence it is Amdahl's law");
}

#[test]
fn the_unit_of_the_data_does_not_matter() {
    let pairs = &data()["specsdm91"];
    for unit in [1e-300, 1e-9, 1e9, 1e300] {
        for loss in [Loss::Absolute, Loss::Logarithmic] {
            let scaled: Vec<(f64, f64)> = pairs.iter().map(|(n, x)| (*n, x * unit)).collect();
            let points = Points::new(loss, &scaled).expect("points");
            let solution = points.fit(Model::Usl).expect("a fit");
            let [gamma, sigma, kappa] = points.uncertainty(&solution, 0.95).intervals;
            let is_absolute = loss == Loss::Absolute;
            assert!([gamma, sigma, kappa].iter().all(|it| it.is_some() == is_absolute));
            assert!(points.aicc(&solution).is_some());
            assert_eq!(solution.sse.is_some(), !is_absolute || (1e-100..1e100).contains(&unit));
            let (found, wanted) = (solution.curve, usl(loss, pairs).curve);
            assert_is(found.gamma, wanted.gamma * unit, 1e-9);
            assert_is(found.sigma, wanted.sigma, 1e-9);
            assert_is(found.kappa, wanted.kappa, 1e-9);
        }
    }
}

#[test]
fn points_of_one_count_weigh_as_many() {
    let pairs = &data()["specsdm91"];
    let twice: Vec<(f64, f64)> = pairs.iter().chain(pairs).copied().collect();
    let (once, twice) = (usl(Loss::Absolute, pairs), usl(Loss::Absolute, &twice));
    assert_is(twice.curve.kappa, once.curve.kappa, 1e-9);
    assert_is(twice.scaled_sse, 2.0 * once.scaled_sse, 1e-9);
}

#[test]
fn laws_without_noise_are_recovered() {
    let counts = [1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0];
    for (model, sigma, kappa) in [
        (Model::Amdahl, 0.0, 0.0),
        (Model::Amdahl, 0.07, 0.0),
        (Model::Amdahl, 1.0, 0.0),
        (Model::Gustafson, 0.0, 0.0),
        (Model::Gustafson, 0.3, 0.0),
        (Model::Gustafson, 1.0, 0.0),
        (Model::Usl, 0.03, 0.002),
        (Model::Usl, 0.0, 1e-7),
        (Model::Usl, 0.2, 0.0),
        (Model::Usl, 1.0, 1.0),
    ] {
        let curve = Curve { model, gamma: 7e8, sigma, kappa };
        let pairs = counts.map(|n| (n, curve.throughput(n)));
        for loss in [Loss::Absolute, Loss::Logarithmic] {
            let points = Points::new(loss, &pairs).expect("points");
            let found = points.fit(model).expect("a fit").curve;
            assert_is(found.gamma, 7e8, 1e-9);
            assert_is(found.sigma, sigma, 1e-7);
            assert_is(found.kappa, kappa, 1e-7);
        }
    }
}

#[test]
fn amdahls_limit_is_the_inverse_of_the_serial_share_and_gunthers_law_has_a_peak() {
    let curve = |model, sigma, kappa| Curve { model, gamma: 10.0, sigma, kappa };
    let amdahl = curve(Model::Amdahl, 0.05, 0.0);
    assert_eq!((amdahl.peak(), amdahl.limit()), (None, Some(200.0)));
    assert_close(amdahl.speedup(8.0), 1.0 / (0.05 + 0.95 / 8.0));
    let gunther = curve(Model::Usl, 0.19, 0.01);
    assert_close(gunther.peak().expect("a peak"), 9.0);
    assert_eq!(gunther.limit(), None);
    assert_eq!(curve(Model::Usl, 0.05, 0.0).limit(), Some(200.0));
    assert_eq!(curve(Model::Usl, 0.0, 0.0).limit(), None);
    assert_eq!(curve(Model::Usl, 1.0, 0.5).peak(), Some(1.0));
    assert_close(curve(Model::Gustafson, 0.1, 0.0).speedup(16.0), 14.5);
}

#[test]
fn values_that_are_no_throughput_are_not_fitted() {
    for bad in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
        assert_eq!(Points::new(Loss::Absolute, &[(1.0, bad)]), None);
    }
    assert_eq!(Points::new(Loss::Absolute, &[(0.0, 1.0)]), None);
    assert_eq!(Points::new(Loss::Absolute, &[]), None);
    let two = Points::new(Loss::Absolute, &[(1.0, 1.0), (2.0, 2.0)]).expect("points");
    assert_eq!(two.fit(Model::Usl), None);
    assert!(two.fit(Model::Amdahl).is_some());
}

#[test]
fn akaikes_criterion_is_that_of_hurvich_and_tsai() {
    // n ln(SSE/n) + 2k + 2k(k+1)/(n − k − 1), k with the variance.
    let found = aicc(2.0, 10, 2, 0.0).expect("enough points");
    assert_close(found, 10.0 * 0.2_f64.ln() + 6.0 + 24.0 / 6.0);
    assert_eq!(aicc(2.0, 5, 3, 0.0), None, "k + 1 points");
    assert!(aicc(2.0, 6, 3, 0.0).is_some());
}

#[test]
fn the_simpler_law_explains_its_own_data_better() {
    let better = |name: &str| {
        let points = Points::new(Loss::Logarithmic, &data()[name]).expect("points");
        let of = |model| points.aicc(&points.fit(model).expect("a fit")).expect("enough points");
        if of(Model::Amdahl) < of(Model::Usl) { Model::Amdahl } else { Model::Usl }
    };
    assert_eq!(better("no coherence"), Model::Amdahl);
    assert_eq!(better("no contention"), Model::Usl);
}

prop_compose! {
    /// Counts up to a million with arbitrary throughputs.
    fn any_pairs()(
        decades in 0.5..6.0_f64,
        pairs in prop::collection::vec((0.0..1.0_f64, -3.0..3.0_f64), 4..16),
    ) -> Vec<(f64, f64)> {
        pairs.into_iter().map(|(n, x)| (10_f64.powf(n * decades).round(), 10_f64.powf(x))).collect()
    }
}

prop_compose! {
    /// A law with noise.
    fn noisy_law()(
        decades in 0.8..6.0_f64,
        (sigma, kappa) in (-6.0..0.0_f64, -12.0..0.0_f64),
        (noise, points) in (0.0..0.5_f64, prop::collection::vec((0.0..1.0_f64, -1.0..1.0_f64), 4..16)),
    ) -> Vec<(f64, f64)> {
        let (sigma, kappa) = (10_f64.powf(sigma), 10_f64.powf(kappa));
        let curve = Curve { model: Model::Usl, gamma: 3.0, sigma, kappa };
        let point = |(n, e): (f64, f64)| {
            let n = 10_f64.powf(n * decades).round();
            (n, curve.throughput(n) * (noise * e).exp())
        };
        points.into_iter().map(point).collect()
    }
}

/// Asserts that no point of a fine grid over the square is lower than the minimum.
fn is_lowest(loss: Loss, pairs: &[(f64, f64)]) -> Result<(), TestCaseError> {
    let points = Points::new(loss, pairs).expect("points");
    for model in [Model::Usl, Model::Amdahl, Model::Gustafson] {
        let Some(found) = points.fit(model) else { continue };
        let problem = problem::Problem::new(model, &points);
        let at = |i: u32, decades: f64| match i {
            0 => 0.0,
            i => 10_f64.powf(decades * (f64::from(i) / 40.0 - 1.0)),
        };
        let shares = [found.curve.sigma, found.curve.kappa];
        prop_assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
        let lowest = problem.sse(shares);
        for sigma in 0..=40 {
            for kappa in 0..=(if model == Model::Usl { 40 } else { 0 }) {
                let there = [at(sigma, 9.0), at(kappa, 15.0)];
                let sse = problem.sse(there);
                let margin = 1e-9 * lowest + points.rounding();
                prop_assert!(lowest <= sse + margin, "{found:?}: {lowest} > {sse} at {there:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_minimum_close_to_a_serial_share_of_one_is_found() {
    // Two minima of nearly the same depth: a coarse grid finds the higher one.
    let pairs = [
        (155.0, 0.0014667846424921),
        (18.0, 23.31342873682642),
        (7.0, 0.0011527764005438443),
        (61.0, 0.008128085776064775),
        (161.0, 10.426808687459692),
        (960.0, 0.17610766503957975),
        (2254.0, 21.540966874852394),
    ];
    is_lowest(Loss::Logarithmic, &pairs).expect("no place is lower");
}

proptest! {
    #[test]
    fn no_place_is_lower_whatever_the_data(pairs in any_pairs()) {
        is_lowest(Loss::Absolute, &pairs)?;
        is_lowest(Loss::Logarithmic, &pairs)?;
    }

    #[test]
    fn no_place_is_lower_than_that_of_a_noisy_law(pairs in noisy_law()) {
        is_lowest(Loss::Absolute, &pairs)?;
        is_lowest(Loss::Logarithmic, &pairs)?;
    }
}
