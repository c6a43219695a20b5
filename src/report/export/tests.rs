use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;

use super::*;
use crate::record::{Build, Case, Run, Session};
use crate::visits::ResourceUsage;

/// The fields of hyperfine 1.20's `BenchmarkResult`, with their types: what is
/// not optional there must be there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BenchmarkResult {
    command: String,
    mean: f64,
    stddev: Option<f64>,
    median: f64,
    user: f64,
    system: f64,
    min: f64,
    max: f64,
    times: Option<Vec<f64>>,
    memory_usage_byte: Option<Vec<u64>>,
    exit_codes: Vec<Option<i32>>,
    parameters: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Results<T> {
    results: Vec<T>,
}

/// What Bencher's `json` adapter reads: `HashMap<BenchmarkName,
/// HashMap<MeasureNameId, JsonNewMetric>>`, the last of which is this.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct JsonNewMetric {
    value: f64,
    lower_value: Option<f64>,
    upper_value: Option<f64>,
}

type JsonResultsMap = BTreeMap<String, BTreeMap<String, JsonNewMetric>>;

fn case(backend: &str, nthread: u32, round_ns: &[f64]) -> CaseSummary {
    let median_ns = crate::stats::median(round_ns);
    CaseSummary {
        case: Case {
            kernel: "pi".into(),
            backend: backend.into(),
            nthread,
            schedule: "static".into(),
            chunk: Some(64),
            block: 64,
            inner_nthread: 1,
            pin: "none".into(),
            scaling: "strong".into(),
            draws: Some(1_000_000),
            ..Case::default()
        },
        rounds: round_ns.len(),
        median_ns,
        throughput: median_ns.map(|ns| 1e15 / ns),
        round_ns: round_ns.to_vec(),
        round_usage: round_ns
            .iter()
            .map(|ns| ResourceUsage {
                user_ns: Some(ns * f64::from(nthread)),
                system_ns: Some(1e6),
                max_rss_bytes: Some(4096),
                exit_status: None,
            })
            .collect(),
        ..CaseSummary::default()
    }
}

fn summary() -> Summary {
    let mut rayon = case("rayon", 2, &[5e6, 6e6, 7e6]);
    rayon.median_low_ns = Some(5e6);
    rayon.median_high_ns = Some(8e6);
    (rayon.speedup, rayon.speedup_low, rayon.speedup_high) = (Some(1.8), Some(1.7), Some(1.9));
    let mut baseline = case("sequential", 1, &[10e6, 11e6, 12e6]);
    baseline.speedup = Some(1.0);
    let mut run = Run { sessions: vec![Session::default()], ..Run::default() };
    run.build = Build { target: "x86_64-unknown-linux-gnu".into(), ..Build::default() };
    Summary {
        cases: vec![baseline, rayon, case("one", 1, &[3e6]), case("broken", 1, &[])],
        run,
        ..Summary::default()
    }
}

fn read<T: serde::de::DeserializeOwned>(export: serde_json::Result<Export>) -> T {
    serde_json::from_str(&export.expect("JSON").text).expect("what its reader takes")
}

#[test]
fn hyperfine_1_would_have_written_the_same_fields() {
    let whole: Results<BenchmarkResult> = read(hyperfine1(&summary()));
    let [_, rayon, one] = &whole.results[..] else { panic!("three that were measured") };
    assert_eq!(rayon.command, "rayon, n = 2");
    assert_eq!(rayon.times.as_deref(), Some(&[0.005, 0.006, 0.007][..]));
    assert_eq!((rayon.median, rayon.min, rayon.max), (0.006, 0.005, 0.007));
    assert!((rayon.mean - 0.006).abs() < 1e-15);
    assert!((rayon.stddev.expect("of three") - 0.001).abs() < 1e-12);
    assert!((rayon.user - 0.012).abs() < 1e-15 && (rayon.system - 0.001).abs() < 1e-15);
    assert_eq!(rayon.memory_usage_byte, Some(vec![4096; 3]));
    assert_eq!(rayon.exit_codes, [Some(0); 3]);
    assert_eq!(rayon.parameters, BTreeMap::from([("nthread".into(), "2".into())]));
    assert_eq!((one.stddev, one.min), (None, 0.003));
}

#[test]
fn what_a_runner_does_not_say_is_null_and_not_nought() {
    let mut summary = summary();
    summary.cases[1].round_usage[1] = ResourceUsage::default();
    let whole: serde_json::Value = read(hyperfine1(&summary));
    let rayon = &whole["results"][1];
    assert!(rayon["user"].is_null() && rayon["system"].is_null(), "{rayon}");
    assert!(rayon.get("memory_usage_byte").is_none(), "{rayon}");
    let whole: serde_json::Value = read(hyperfine2(&summary));
    let measured = whole["results"][1]["measurements"][0].as_object().expect("an object");
    assert_eq!(measured.keys().collect::<Vec<_>>(), ["exit_code", "time_wall_clock"]);
}

#[test]
fn hyperfine_2_has_a_measurement_a_round_and_a_summary_a_metric() {
    let whole: serde_json::Value = read(hyperfine2(&summary()));
    assert_eq!(
        (&whole["schema_version"], &whole["primary_metric"]),
        (&2.into(), &"time_wall_clock".into())
    );
    assert_eq!(whole["metadata"]["platform"]["architecture"], "x86_64");
    let rayon = &whole["results"][1];
    assert_eq!(rayon["parameters"]["nthread"]["value"], "2");
    let expected = serde_json::json!({
        "exit_code": 0,
        "memory_peak_resident": { "unit": "byte", "value": 4096.0 },
        "time_cpu": { "unit": "second", "value": 0.011 },
        "time_system": { "unit": "second", "value": 0.001 },
        "time_user": { "unit": "second", "value": 0.01 },
        "time_wall_clock": { "unit": "second", "value": 0.005 },
    });
    assert_eq!(rayon["measurements"][0], expected);
    assert_eq!(rayon["measurements"].as_array().map(Vec::len), Some(3));
    let wall = &rayon["summary"]["time_wall_clock"];
    assert_eq!((&wall["count"], &wall["unit"]), (&3.into(), &"second".into()));
    assert_eq!((&wall["median"], &wall["max"]), (&0.006.into(), &0.007.into()));
}

#[test]
fn bencher_takes_latency_in_nanoseconds_throughput_and_speedup() {
    let all: JsonResultsMap = read(bencher(&summary()));
    let name = "rayon, n = 2, pi, 1000000 draws, static 64, 1 inner, block 64, seed 0";
    let metric = |value, lower, upper| JsonNewMetric {
        value,
        lower_value: Some(lower),
        upper_value: Some(upper),
    };
    let rayon = &all[name];
    assert_eq!(rayon["latency"], metric(6e6, 5e6, 8e6));
    assert_eq!(rayon["throughput"], metric(1e15 / 6e6, 1e15 / 8e6, 1e15 / 5e6));
    assert_eq!(rayon["speedup"], metric(1.8, 1.7, 1.9));
    let baseline = all.iter().find(|(name, _)| name.starts_with("sequential")).expect("it").1;
    assert!(!baseline.contains_key("speedup"));
    let alone = JsonNewMetric { value: 11e6, lower_value: None, upper_value: None };
    assert_eq!(baseline["latency"], alone);
}

#[test]
fn a_case_without_a_visit_that_counts_is_named_and_left_out() {
    for export in [hyperfine1(&summary()), hyperfine2(&summary()), bencher(&summary())] {
        let export = export.expect("JSON");
        assert_eq!(export.left_out, ["broken, n = 1"]);
        assert!(!export.text.contains("broken"));
    }
}

#[test]
fn no_two_cases_have_the_same_name_and_none_is_too_long_for_bencher() {
    let mut summary = summary();
    let mut other = summary.cases[1].clone();
    other.case.draws = Some(2_000_000);
    summary.cases.push(other.clone());
    other.case.schedule = "dynamic".into();
    summary.cases.push(other);
    for label in ["µ".repeat(2000), "µ".repeat(2000) + "x", "a (2)".into(), "a".into(), "a".into()]
    {
        let mut case = case("mine", 1, &[1e6]);
        case.case.label = label;
        summary.cases.push(case);
    }
    let whole: Results<BenchmarkResult> = read(hyperfine1(&summary));
    let names: Vec<&str> = whole.results.iter().map(|result| result.command.as_str()).collect();
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len(), "{names:?}");
    assert!(names.contains(&"rayon, n = 2, 2000000 draws, dynamic 64"), "{names:?}");
    assert_eq!(whole.results[1].parameters["draws"], "1000000");
    let all: JsonResultsMap = read(bencher(&summary));
    assert_eq!(all.len(), names.len());
    assert!(all.keys().all(|name| name.len() <= 1024));
}

#[test]
fn a_name_for_a_history_does_not_depend_on_the_other_cases() {
    let (mut fewer, all) = (summary(), summary());
    fewer.cases.remove(0);
    let names = |summary: &Summary| read::<JsonResultsMap>(bencher(summary));
    let (fewer, all) = (names(&fewer), names(&all));
    assert!(fewer.keys().all(|name| all.contains_key(name)));
}
