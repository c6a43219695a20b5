//! `harness fit`: Gunther's law for a CSV file.

use std::io::{Read as _, Write as _};
use std::path::Path;

use clap::{Args, ValueHint};
use serde_json::json;

use super::values::UsageError;
use super::{FAILED, print_result};
use crate::analysis::{MeasuredFit, Measurements};
use crate::record::Table;
use crate::report;

/// The options of `harness fit`.
#[derive(Debug, Args)]
pub struct FitOptions {
    /// CSV with the columns nthread and throughput; others are ignored; - is stdin
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: std::path::PathBuf,
    /// One fit for each value of this column; a summary.csv of ours needs none
    #[arg(long, value_name = "COLUMN")]
    pub group: Option<String>,
    /// The result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Does what its options say. Exits with 1 where nothing could be fitted.
pub fn fit(options: &FitOptions) -> anyhow::Result<u8> {
    let (file, group) = (&options.file, options.group.as_deref());
    let wrong = |error: &dyn std::fmt::Display| UsageError(format!("{}: {error}", file.display()));
    let bytes = read(file).map_err(|error| wrong(&error))?;
    let table = Table::read(&bytes).map_err(|error| wrong(&error))?;
    if let Some(last) = table.rows.last().filter(|_| !bytes.ends_with(b"\n")) {
        let _ = writeln!(
            std::io::stderr(),
            "note: {}, line {}: the line has no end: if the file was cut short, its last number \
             may have been, too",
            file.display(),
            last.line
        );
    }
    let measurements = Measurements::of(&table, group).map_err(|error| wrong(&error))?;
    let fits = measurements.fits();
    print_result(&if options.json {
        format!("{:#}\n", json(&measurements, &fits)?)
    } else {
        report::measured(&measurements, &fits)
    })?;
    let is_any = fits.iter().any(|fit| fit.refusal.is_none());
    Ok(if is_any { 0 } else { FAILED })
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

/// One object of a file without groups; else an object with all of them.
fn json(measurements: &Measurements, fits: &[MeasuredFit]) -> anyhow::Result<serde_json::Value> {
    let notes = &measurements.notes;
    Ok(match fits {
        [fit] if !measurements.has_groups => serde_json::to_value(fit)?,
        fits => json!({ "groups": fits, "notes": notes }),
    })
}
