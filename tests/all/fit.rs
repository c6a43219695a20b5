//! `harness fit`: input, output and errors.

use std::fs;

use crate::common::{Sweep, Swept};
use serde_json::Value;

const PUBLISHED: &str = include_str!("../data/scaling.csv");

/// `harness fit` over a file with this text.
fn fit(text: &str, args: &[&str]) -> Swept {
    let sweep = Sweep::bare().input(text);
    sweep.args(["fit", "-"]).args(args).run()
}

fn json(swept: &Swept) -> Value {
    serde_json::from_str(&swept.stdout).expect("JSON and nothing else")
}

/// The rows of one data set, without its name.
fn rows_of(dataset: &str) -> String {
    let rows = PUBLISHED.lines().filter_map(|line| line.strip_prefix(dataset)?.strip_prefix(','));
    rows.fold("nthread,throughput\n".to_string(), |text, row| text + row + "\n")
}

#[test]
fn the_published_coefficients_are_found_to_a_millionth() {
    // The fitted law misses the throughput of one thread by 28%: it is computed, and not stated.
    let found = json(&fit(&rows_of("specsdm91"), &["--json"]).exits(1));
    for (key, published) in [
        ("sigma", 0.027_728_475_62),
        ("kappa", 1.043_654_838e-4),
        ("gamma", 89.995_233_1),
        ("sse", 27_453.719_6),
        ("peak_nthread", 96.519_561),
    ] {
        let value = found[key].as_f64().expect("a number");
        assert!((value / published - 1.0).abs() < 1e-6, "{key}: {value}");
    }
    assert_eq!((&found["model"], &found["limit"]), (&"usl".into(), &Value::Null));
    assert_eq!((&found["group"], &found["describes"]), (&Value::Null, &Value::Bool(false)));
    let refusal = found["refusal"].as_str().expect("a reason");
    assert!(refusal.starts_with("no law describes these points: at 1 thread"), "{refusal}");
    for key in ["sigma_low", "sigma_high", "kappa_low", "kappa_high", "gamma_low", "gamma_high"] {
        assert!(found[key].is_f64(), "{key}");
    }
}

#[test]
fn groups_of_a_column_are_fitted_in_the_order_of_the_file() {
    let found = json(&fit(PUBLISHED, &["--group", "dataset", "--json"]).exits(0));
    let groups = found["groups"].as_array().expect("groups");
    assert_eq!((&groups[0]["group"], &groups[1]["group"]), (&"specsdm91".into(), &"exact".into()));
    let text = fit(PUBLISHED, &["--group", "dataset"]).exits(0);
    assert!(
        text.stdout.contains("\nexact: Universal Scalability Law, 6 points"),
        "{}",
        text.stdout
    );
    assert!(text.stdout.lines().all(|line| line.chars().count() <= 80));
}

#[test]
fn a_file_is_read_by_its_name_and_a_summary_of_ours_by_its_settings() {
    let sweep = Sweep::bare();
    let summary = concat!(env!("CARGO_MANIFEST_DIR"), "/results/epyc-2cpu/summary.csv");
    fs::copy(summary, sweep.home().join("summary.csv")).expect("a copy");
    let swept = sweep.args(["fit", "summary.csv", "--json"]).run().exits(1);
    let found = json(&swept);
    let groups = found["groups"].as_array().expect("groups");
    assert!(
        groups.iter().any(|group| group["group"].as_str().is_some_and(|it| it.contains("rayon")))
    );
    // Two usable CPUs: two counts a group.
    assert!(groups.iter().all(|group| group["refusal"].is_string() && group["points"] == 2));
    assert_eq!(found["notes"][0], "left out: 1 row of the baseline");
}

#[test]
fn an_invalid_file_is_refused_with_line_and_column() {
    let fails = |text: &str, args: &[&str], code: i32, words: &str| {
        let swept = fit(text, args).exits(code);
        assert!(swept.stderr.contains(words), "{words:?} is not in: {}", swept.stderr);
        assert_eq!(swept.stdout, "");
    };
    fails("", &[], 2, "-: line 1: the file is empty");
    fails("n,throughput\n1,2\n", &[], 2, "no column \"nthread\"; there is: \"n, throughput\"");
    fails("nthread,throughput\n1,2\n2,NaN\n", &[], 2, "line 3, column throughput: \"NaN\"");
    fails("\u{feff}nthread,throughput\r\n1,-2\r\n", &["--json"], 2, "\"-2\" is negative");
    fails("nthread,throughput\n1,2\n2", &[], 2, "line 3: 1 field where the header has 2");
    fails("nthread,throughput\n1,2\n", &["--group", "who"], 2, "no column \"who\"");
    let missing = Sweep::bare().args(["fit", "nowhere.csv"]).run().exits(2);
    assert!(missing.stderr.contains("nowhere.csv: No such file"), "{}", missing.stderr);
}

#[test]
fn a_last_line_without_a_line_end_is_a_warning() {
    let lines = "nthread,throughput\n1,1\n2,2\n3,3\n4,4\n5,5\n6,6";
    let torn = fit(lines, &[]).exits(0);
    assert!(torn.stderr.contains("line 7: the last line has no line break"), "{}", torn.stderr);
    assert_eq!(fit(&format!("{lines}\n"), &[]).exits(0).stderr, "");
}

#[test]
fn too_few_thread_counts_are_refused_with_exit_code_1() {
    let swept = fit("nthread,throughput\n1,1\n2,2\n4,3\n", &[]).exits(1);
    let refusal = "not identifiable: 3 thread counts, at least 6 are needed\n";
    assert!(swept.stdout.starts_with(refusal), "{}", swept.stdout);
    // What can be said without a law: throughput, speedup and efficiency of each count.
    assert!(swept.stdout.contains("  4        3             3.00         75%"), "{}", swept.stdout);
    let found = json(&fit("nthread,throughput\n1,1\n", &["--json"]).exits(1));
    assert!(found["refusal"].is_string() && found["sigma"].is_null());
}
