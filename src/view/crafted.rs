//! Cases as a run of twelve rounds would have given them, for the tests of what
//! is shown.

use crate::analysis::CaseSummary;
use crate::record::Case;

/// A case of 100,000,000 draws on 2 CPUs, sequentially 50 ms, with that speedup and
/// its interval.
pub fn case(backend: &str, nthread: u32, speedup: (f64, f64, f64)) -> CaseSummary {
    let ns = 50e6 / speedup.0;
    CaseSummary {
        case: Case {
            kernel: "pi".into(),
            backend: backend.into(),
            nthread,
            schedule: "static".into(),
            chunk: Some(64),
            draws: Some(100_000_000),
            ..Case::default()
        },
        log_ratios: by_round(nthread, speedup),
        rounds: 12,
        pairs: 12,
        pairs_all: 12,
        median_ns: Some(ns),
        median_low_ns: Some(ns * 0.99),
        median_high_ns: Some(ns * 1.01),
        throughput: Some(1e17 / ns),
        speedup: Some(speedup.0),
        half_width: Some((speedup.2 - speedup.1) / (2.0 * speedup.0)),
        speedup_low: Some(speedup.1),
        speedup_high: Some(speedup.2),
        efficiency: Some(speedup.0 / f64::from(nthread)),
        oversubscribed: nthread > 2,
        ..CaseSummary::default()
    }
}

/// Log speedups of 12 rounds within such an interval, in an order of their own.
fn by_round(nthread: u32, (value, low, high): (f64, f64, f64)) -> Vec<(u32, f64)> {
    let place = |round: u32| f64::from((round * (5 + 2 * nthread)) % 11) - 5.0;
    let end = |place: f64| if place < 0.0 { low } else { high };
    let log = |place: f64| value.ln() + place.abs() / 3.0 * (end(place) / value).ln();
    (0..12).map(|round| (round, log(place(round)))).collect()
}
