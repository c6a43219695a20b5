//! The Bencher Metric Format: <https://bencher.dev/docs/reference/bencher-metric-format>.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Export, is_measured, names};
use crate::analysis::{CaseSummary, Summary};

/// Bencher refuses the name of a benchmark that has more bytes.
const LONGEST_NAME: usize = 1024;

/// A figure and its interval.
#[derive(Serialize)]
struct Metric {
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper_value: Option<f64>,
}

/// The export: of each case its `latency` (nanoseconds a call) and `throughput` (draws, or
/// runs, a second), which are measures that Bencher knows, and its `speedup`, which
/// Bencher makes when it first sees one.
///
/// # Errors
/// None that can happen: every value can be written as JSON.
pub fn bencher(summary: &Summary) -> serde_json::Result<Export> {
    let cases: Vec<&CaseSummary> = summary.cases.iter().filter(|case| is_measured(case)).collect();
    let settings: Vec<_> = cases.iter().map(|case| &case.case).collect();
    let names = names::whole(&settings, LONGEST_NAME);
    let benchmarks: BTreeMap<String, BTreeMap<&str, Metric>> =
        names.into_iter().zip(&cases).map(|(name, case)| (name, measures(case))).collect();
    Export::of(summary, &benchmarks)
}

fn measures(case: &CaseSummary) -> BTreeMap<&'static str, Metric> {
    let metric = |value: Option<f64>, lower_value, upper_value| {
        value.map(|value| Metric { value, lower_value, upper_value })
    };
    let draws_ns = case.case.draws.unwrap_or(1) as f64 * 1e9;
    // The longest time is the lowest throughput.
    let [lowest, highest] =
        [case.median_high_ns, case.median_low_ns].map(|ns| Some(draws_ns / ns?));
    let latency = metric(case.median_ns, case.median_low_ns, case.median_high_ns);
    let throughput = metric(case.throughput, lowest, highest);
    let is_compared = !case.is_baseline();
    let speedup = metric(case.speedup, case.speedup_low, case.speedup_high).filter(|_| is_compared);
    [("latency", latency), ("throughput", throughput), ("speedup", speedup)]
        .into_iter()
        .filter_map(|(measure, metric)| Some((measure, metric?)))
        .collect()
}
