//! Export in the format of `hyperfine --export-json`: that of its versions 1.x, and
//! the one of 2.0 (schema version 2). A run of hyperfine is a round of ours;
//! times are seconds.

use std::collections::BTreeMap;

use serde::Serialize;
use statrs::statistics::Statistics;

use super::{Export, is_measured, names};
use crate::analysis::{CaseSummary, Summary};
use crate::stats::median;

const SECOND_NS: f64 = 1e9;

/// Exports in the format of hyperfine 1.x.
///
/// # Errors
/// None that can happen: every value can be written as JSON.
pub fn hyperfine1(summary: &Summary) -> serde_json::Result<Export> {
    let results: Vec<Benchmark> =
        named(summary).into_iter().map(|(name, case)| benchmark(name, case, summary)).collect();
    Export::of(summary, &BTreeMap::from([("results", results)]))
}

/// Exports in the format of hyperfine 2.0.
///
/// # Errors
/// None that can happen: every value can be written as JSON.
pub fn hyperfine2(summary: &Summary) -> serde_json::Result<Export> {
    let results =
        named(summary).into_iter().map(|(name, case)| benchmark2(name, case, summary)).collect();
    let build = &summary.run.build;
    let metadata = Metadata {
        nthread_version: build.version.clone(),
        start_time: summary.run.sessions.first().map(|session| session.start.clone()),
        platform: Platform {
            os: "Linux",
            architecture: build.target.split('-').next().unwrap_or_default().to_string(),
        },
    };
    let whole = Export2 { schema_version: 2, metadata, primary_metric: WALL, results };
    Export::of(summary, &whole)
}

/// The cases that were measured, by their names.
fn named(summary: &Summary) -> Vec<(String, &CaseSummary)> {
    let cases: Vec<&CaseSummary> = summary.cases.iter().filter(|case| is_measured(case)).collect();
    let settings: Vec<_> = cases.iter().map(|case| &case.case).collect();
    names::short(&settings).into_iter().zip(cases).collect()
}

/// The swept settings as parameters of hyperfine. The backend
/// is none: hyperfine's own plot wants exactly one parameter, a number.
fn parameters(case: &CaseSummary, summary: &Summary) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::from([("nthread".to_string(), case.case.nthread.to_string())]);
    let inner = case.case.inner_nthread;
    if summary.cases.iter().any(|other| other.case.inner_nthread > 1) {
        parameters.insert("inner_nthread".to_string(), inner.to_string());
    }
    let share = case.case.baseline_draws();
    if summary.cases.iter().any(|other| other.case.baseline_draws() != share) {
        let draws = share.map(|draws| ("draws".to_string(), draws.to_string()));
        parameters.extend(draws);
    }
    parameters
}

/// `BenchmarkResult` of hyperfine 1.x, field for field.
#[derive(Serialize)]
struct Benchmark {
    command: String,
    mean: f64,
    stddev: Option<f64>,
    median: f64,
    user: Option<f64>,
    system: Option<f64>,
    min: f64,
    max: f64,
    times: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_usage_byte: Option<Vec<u64>>,
    exit_codes: Vec<Option<i32>>,
    parameters: BTreeMap<String, String>,
}

fn benchmark(command: String, case: &CaseSummary, summary: &Summary) -> Benchmark {
    let times: Vec<f64> = case.round_ns.iter().map(|ns| ns / SECOND_NS).collect();
    let statistics = DescriptiveStatistics::of(&times);
    let costs = &case.round_usage;
    let mean_of = |seconds: Option<Vec<f64>>| seconds.map(|seconds| seconds.iter().mean());
    Benchmark {
        command,
        mean: statistics.mean,
        stddev: statistics.stddev,
        median: statistics.median,
        user: mean_of(costs.iter().map(|cost| Some(cost.user_ns? / SECOND_NS)).collect()),
        system: mean_of(costs.iter().map(|cost| Some(cost.system_ns? / SECOND_NS)).collect()),
        min: statistics.min,
        max: statistics.max,
        exit_codes: (0..times.len()).map(|round| Some(exit_code(case, round))).collect(),
        times,
        memory_usage_byte: costs.iter().map(|cost| cost.max_rss_bytes).collect(),
        parameters: parameters(case, summary),
    }
}

/// The exit code of a command. A visit counts only if its runner ended with 0.
fn exit_code(case: &CaseSummary, round: usize) -> i32 {
    case.round_usage.get(round).and_then(|cost| cost.exit_status).unwrap_or(0)
}

/// The figures that both formats have of values.
#[derive(Clone, Copy, Serialize)]
struct DescriptiveStatistics {
    mean: f64,
    /// The sample deviation, with n − 1; none of a single value.
    stddev: Option<f64>,
    median: f64,
    min: f64,
    max: f64,
}

impl DescriptiveStatistics {
    fn of(values: &[f64]) -> DescriptiveStatistics {
        DescriptiveStatistics {
            mean: values.mean(),
            stddev: Some(values.std_dev()).filter(|deviation| deviation.is_finite()),
            median: median(values).unwrap_or(f64::NAN),
            min: Statistics::min(values),
            max: Statistics::max(values),
        }
    }
}

const WALL: &str = "time_wall_clock";

/// The file of hyperfine 2.0. Its `metadata` says `hyperfine_version`; ours does
/// not, since hyperfine did not measure.
#[derive(Serialize)]
struct Export2 {
    schema_version: u32,
    metadata: Metadata,
    primary_metric: &'static str,
    results: Vec<Benchmark2>,
}

#[derive(Serialize)]
struct Metadata {
    nthread_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_time: Option<String>,
    platform: Platform,
}

#[derive(Serialize)]
struct Platform {
    os: &'static str,
    architecture: String,
}

/// A result of hyperfine 2.0.
#[derive(Serialize)]
struct Benchmark2 {
    command: String,
    measurements: Vec<BTreeMap<&'static str, Measurement>>,
    parameters: BTreeMap<String, Parameter>,
    summary: BTreeMap<&'static str, Summary2>,
}

#[derive(Serialize)]
struct Parameter {
    value: String,
}

/// A field of a measurement.
#[derive(Serialize)]
#[serde(untagged)]
enum Measurement {
    Quantity { value: f64, unit: &'static str },
    ExitCode(i32),
}

#[derive(Serialize)]
struct Summary2 {
    unit: &'static str,
    count: usize,
    #[serde(flatten)]
    statistics: DescriptiveStatistics,
}

/// A metric of hyperfine 2.0, its unit, and its value in each round.
type Metric = (&'static str, &'static str, Vec<f64>);

/// The metrics that are known of every round.
fn metrics(case: &CaseSummary) -> Vec<Metric> {
    let seconds = |ns: Option<f64>| ns.map(|ns| ns / SECOND_NS);
    let costs = || case.round_usage.iter();
    let all = [
        (WALL, "second", case.round_ns.iter().map(|ns| seconds(Some(*ns))).collect()),
        (
            "time_cpu",
            "second",
            costs().map(|cost| seconds(Some(cost.user_ns? + cost.system_ns?))).collect(),
        ),
        ("time_user", "second", costs().map(|cost| seconds(cost.user_ns)).collect()),
        ("time_system", "second", costs().map(|cost| seconds(cost.system_ns)).collect()),
        (
            "memory_peak_resident",
            "byte",
            costs().map(|cost| Some(cost.max_rss_bytes? as f64)).collect(),
        ),
    ];
    all.into_iter()
        .filter_map(|(name, unit, values): (_, _, Option<Vec<f64>>)| Some((name, unit, values?)))
        .filter(|(_, _, values)| values.len() == case.round_ns.len())
        .collect()
}

fn benchmark2(command: String, case: &CaseSummary, summary: &Summary) -> Benchmark2 {
    let metrics = metrics(case);
    let measurements = (0..case.round_ns.len()).map(|round| {
        let quantities = metrics.iter().map(|(name, unit, values)| {
            (*name, Measurement::Quantity { value: values[round], unit })
        });
        let exit_code = ("exit_code", Measurement::ExitCode(exit_code(case, round)));
        quantities.chain([exit_code]).collect()
    });
    let summaries = metrics.iter().map(|(name, unit, values)| {
        let statistics = DescriptiveStatistics::of(values);
        (*name, Summary2 { unit, count: values.len(), statistics })
    });
    Benchmark2 {
        command,
        measurements: measurements.collect(),
        parameters: parameters(case, summary)
            .into_iter()
            .map(|(name, value)| (name, Parameter { value }))
            .collect(),
        summary: summaries.collect(),
    }
}
