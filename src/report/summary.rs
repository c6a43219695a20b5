//! `summary.csv` and `summary.json`: one tidy row, or object, a case.

use std::path::Path;

use serde_json::Value;

use crate::analysis::Summary;
use crate::record::{CASE_COLUMNS, replace_file};

/// Columns of `summary.csv`: after the settings, as in `samples.csv`, these.
const FIGURES: [&str; 39] = [
    "rounds",
    "pairs",
    "median_ns",
    "median_low_ns",
    "median_high_ns",
    "throughput",
    "baseline",
    "speedup",
    "speedup_low",
    "speedup_high",
    "efficiency",
    "efficiency_low",
    "efficiency_high",
    "karp_flatt",
    "oversubscribed",
    "fastest",
    "rank_low",
    "rank_high",
    "failed_visits",
    "problem",
    "pairs_all",
    "speedup_all",
    "speedup_batch_low",
    "speedup_batch_high",
    "karp_flatt_low",
    "karp_flatt_high",
    "setup_ns",
    "overhead_ns",
    "load_balance",
    "communication",
    "computation_scaling",
    "mean_ns",
    "p90_ns",
    "own_speedup",
    "own_speedup_low",
    "own_speedup_high",
    "equal_count_ratio",
    "equal_count_ratio_low",
    "equal_count_ratio_high",
];

/// Writes `summary.csv`.
///
/// # Errors
/// Where the disk refuses.
pub fn write_csv(summary: &Summary, dir: &Path) -> anyhow::Result<()> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let columns = CASE_COLUMNS.iter().chain(&FIGURES);
    csv.write_record(columns.clone())?;
    for case in &summary.cases {
        let mut object = serde_json::to_value(case)?;
        object["failed_visits"] = case.problems.len().into();
        object["problem"] = case.problems.first().cloned().unwrap_or_default().into();
        csv.write_record(columns.clone().map(|column| cell(&object[*column])))?;
    }
    Ok(replace_file(&dir.join("summary.csv"), &csv.into_inner()?)?)
}

/// Writes `summary.json`.
///
/// # Errors
/// Where the disk refuses.
pub fn write_json(summary: &Summary, dir: &Path) -> anyhow::Result<()> {
    let mut text = serde_json::to_vec_pretty(summary)?;
    text.push(b'\n');
    Ok(replace_file(&dir.join("summary.json"), &text)?)
}

/// A value as a field: text without its quotes, nothing for null.
///
/// Spreadsheets take a field that begins with one of these signs for a formula, and
/// run it. Text comes from outside, so it gets an apostrophe before it, as OWASP has
/// it (CSV Injection); numbers are ours, and keep their sign.
fn cell(value: &Value) -> String {
    const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(FORMULA) => format!("'{text}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_no_formula_and_numbers_keep_their_sign() {
        assert_eq!(cell(&Value::from("=1+1")), "'=1+1");
        assert_eq!(cell(&Value::from("-O3")), "'-O3");
        assert_eq!(cell(&Value::from("rayon")), "rayon");
        assert_eq!(cell(&Value::from(-1.5)), "-1.5");
        assert_eq!(cell(&Value::Null), "");
    }
}
