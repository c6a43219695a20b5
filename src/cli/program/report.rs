//! `harness report`: tables and plots of results directories.

use std::io::{self, Write as _};

use anyhow::Context as _;
use clap::{Args, ValueEnum, ValueHint};

use crate::analysis::Summary;
use crate::cli::given::{Given, UsageError};
use crate::cli::output::{print_result, style};
use crate::report::{self, Depth};

/// The options of `harness report`.
#[derive(Debug, Args)]
pub struct ReportOptions {
    /// Results directory; several are shown side by side
    #[arg(value_name = "DIR", required = true, value_hint = ValueHint::DirPath)]
    pub dirs: Vec<std::path::PathBuf>,
    /// Show all cases with all columns, not only the best of each backend
    #[arg(long)]
    pub details: bool,
    /// Insert the main results between <!-- harness:begin --> and <!-- harness:end --> of PAGE
    #[arg(long, value_name = "PAGE", value_hint = ValueHint::FilePath)]
    pub splice: Option<std::path::PathBuf>,
    /// Print the cases in the format of another tool, without a table and files
    #[arg(long, value_name = "FORMAT", conflicts_with_all = ["splice", "details"])]
    pub export: Option<ExportFormat>,
    /// Colours: auto, always or never (default: auto)
    #[arg(long, value_name = "WHEN")]
    pub color: Option<Given>,
}

/// The formats of other tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// JSON as hyperfine 1.x exports it
    HyperfineJson,
    /// JSON as hyperfine 2.0 exports it
    #[value(name = "hyperfine2-json")]
    Hyperfine2Json,
    /// Bencher Metric Format
    Bencher,
}

/// Writes all derived files and prints the table.
pub fn report(options: &ReportOptions) -> anyhow::Result<u8> {
    let style = style(options.color.as_ref())?;
    let [dir] = &options.dirs[..] else {
        return several(options);
    };
    let summary = report::read(dir).map_err(|error| UsageError(format!("{error:#}")))?;
    if let Some(format) = options.export {
        return export(&summary, format);
    }
    // A read-only directory can still be shown.
    let written = report::write_all(&summary, dir);
    if let Some(page) = options.splice.as_ref().filter(|_| written.is_ok()) {
        report::splice(&summary, dir, page)
            .map_err(|error| UsageError(format!("--splice: {error}")))?;
    }
    let warnings = report::warnings(&summary, usize::MAX);
    let depth = if options.details { Depth::Details } else { Depth::Answer };
    print_result(&(report::page(&summary, style, depth) + &warnings))?;
    written.with_context(|| {
        format!("cannot write all files of {}; copy it to a writable place", dir.display())
    })?;
    Ok(0)
}

/// Prints the run in the format of another tool, and on stderr the cases that it omits.
fn export(summary: &Summary, format: ExportFormat) -> anyhow::Result<u8> {
    let export = match format {
        ExportFormat::HyperfineJson => report::hyperfine1(summary),
        ExportFormat::Hyperfine2Json => report::hyperfine2(summary),
        ExportFormat::Bencher => report::bencher(summary),
    }?;
    for case in &export.left_out {
        let _ = writeln!(io::stderr(), "left out: {case}: it has no valid visit");
    }
    print_result(&export.text)
}

/// Prints several runs side by side, without writing files.
fn several(options: &ReportOptions) -> anyhow::Result<u8> {
    let of_one = [("--splice", options.splice.is_some()), ("--export", options.export.is_some())];
    if let Some((flag, _)) = of_one.into_iter().find(|(_, is_given)| *is_given) {
        let problem =
            format!("{flag}: this option takes one results directory; leave the others out");
        return Err(UsageError(problem).into());
    }
    let mut runs = Vec::new();
    for dir in &options.dirs {
        let summary = report::read(dir).map_err(|error| UsageError(format!("{error:#}")))?;
        runs.push((dir.display().to_string(), summary));
    }
    let shown = if options.details { report::Shown::Every } else { report::Shown::Best };
    print_result(&report::side_by_side(&runs, shown))
}
