//! Outputs of a results directory, one file here for each.
//!
//! Everything starts from `run.json` and `samples.csv`, so a report can be made
//! again at any time, on any machine. What is derived carries no clock: the
//! same samples give the same bytes.

// Some text is only shown in reports.
#![cfg_attr(not(feature = "reports"), allow(dead_code))]

mod columns;
#[cfg(feature = "program")]
pub mod compare;
mod crossover;
#[cfg(feature = "program")]
mod export;
mod granularity;
#[cfg(feature = "reports")]
mod html;
mod inner;
#[cfg(feature = "reports")]
mod markdown;
mod markup;
mod models;
mod page;
#[cfg(feature = "reports")]
mod plots;
mod prose;
#[cfg(feature = "program")]
mod side_by_side;
#[cfg(feature = "program")]
mod splice;
mod summary;
mod table;
#[cfg(all(test, feature = "program"))]
mod tests;
mod warnings;

#[cfg(feature = "program")]
pub use export::{Export, bencher, hyperfine1, hyperfine2};
#[cfg(feature = "reports")]
pub use html::write_html;
pub use models::{measured, models};
pub use page::{Depth, page};
#[cfg(feature = "program")]
pub use side_by_side::{Shown, side_by_side};
#[cfg(feature = "program")]
pub use splice::{SpliceError, splice};
pub use summary::{write_csv, write_json};
pub use table::{Style, table};
pub use warnings::warnings;

use std::path::Path;

use anyhow::Context as _;

use crate::analysis::{Summary, summarise_visits};
use crate::record::Run;
use crate::visits::{self, Samples};

/// Reads a results directory and summarises it. Of damaged files what makes sense
/// is read, with warnings; without a run.json the rows have to do.
///
/// # Errors
/// Where its samples are missing, or a file makes no sense.
pub fn read(dir: &Path) -> anyhow::Result<Summary> {
    let run = Run::read_if_exists(dir)?;
    let Samples { plan, visits, issues } = visits::read(dir, run.as_ref().map(|run| &run.plan))?;
    let run = run.unwrap_or_else(|| Run { plan, ..Run::default() });
    Ok(summarise_visits(&run, &visits, &issues))
}

/// Writes every derived file of a results directory, replacing older ones.
///
/// # Errors
/// Where the disk refuses; the older file is left as it was.
pub fn write_all(summary: &Summary, dir: &Path) -> anyhow::Result<()> {
    write_csv(summary, dir).context("summary.csv")?;
    write_json(summary, dir).context("summary.json")?;
    #[cfg(feature = "reports")]
    {
        markdown::write(summary, dir).context("report.md")?;
        plots::write(summary, dir)?;
        write_html(summary, dir)?;
    }
    Ok(())
}
