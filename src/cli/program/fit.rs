//! `harness fit`: scaling laws of the measurements in a CSV file.

use std::io::{Read as _, Write as _};
use std::path::Path;

use clap::{Args, ValueHint};
use serde_json::json;

use crate::analysis::{ExternalFit, ThroughputTable};
use crate::cli::given::UsageError;
use crate::cli::measure::FAILED;
use crate::cli::output::print_result;
use crate::record::Table;
use crate::report;

/// The options of `harness fit`.
#[derive(Debug, Args)]
pub struct FitOptions {
    /// CSV file with the columns nthread and throughput, or - for stdin
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: std::path::PathBuf,
    /// Fit each value of COLUMN separately; not needed for a summary.csv of harness
    #[arg(long, value_name = "COLUMN")]
    pub group: Option<String>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Prints the fits. The exit code is 1 if no group could be fitted.
pub fn fit(options: &FitOptions) -> anyhow::Result<u8> {
    let (file, group) = (&options.file, options.group.as_deref());
    let wrong = |error: &dyn std::fmt::Display| UsageError(format!("{}: {error}", file.display()));
    let bytes = read(file).map_err(|error| wrong(&error))?;
    let table = Table::read(&bytes).map_err(|error| wrong(&error))?;
    if let Some(last) = table.rows.last().filter(|_| !bytes.ends_with(b"\n")) {
        let _ = writeln!(
            std::io::stderr(),
            "note: {}, line {}: the last line has no line break; the file may be truncated",
            file.display(),
            last.line
        );
    }
    let measurements = ThroughputTable::of(&table, group).map_err(|error| wrong(&error))?;
    let fits = measurements.fits();
    print_result(&if options.json {
        format!("{:#}\n", json(&measurements, &fits)?)
    } else {
        report::measured(&measurements, &fits)
    })?;
    Ok(if fits.iter().any(|fit| fit.refusal.is_none()) { 0 } else { FAILED })
}

/// The bytes of a file; `-` is stdin.
fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    if file != Path::new("-") {
        return std::fs::read(file);
    }
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// One fit as JSON if the file has no groups, else all of them.
fn json(measurements: &ThroughputTable, fits: &[ExternalFit]) -> anyhow::Result<serde_json::Value> {
    let notes = &measurements.notes;
    Ok(match fits {
        [fit] if !measurements.has_groups => serde_json::to_value(fit)?,
        fits => json!({ "groups": fits, "notes": notes }),
    })
}
