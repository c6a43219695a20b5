//! `report.html`: one file that opens from a disk, with everything that it needs
//! inside, and asks nothing of a network.
//!
//! The data go in as JSON (`data`) in an element that no browser runs
//! (`page`); the scripts under `assets/html/js` turn it into tables and drawings,
//! and set text as text only. So no field of a file can become markup. Beyond
//! that, the page forbids itself every script but its own, by their hashes.

mod data;
mod facts;
mod page;
#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::Context as _;

use crate::analysis::Summary;
use crate::record::replace_file;

/// The name of the page in a results directory.
const REPORT_FILE: &str = "report.html";

/// Writes `report.html`.
///
/// # Errors
/// Where the disk refuses; the older file is left as it was.
pub fn write_html(summary: &Summary, dir: &Path) -> anyhow::Result<()> {
    let page = page::page(&data::of(summary))?;
    replace_file(&dir.join(REPORT_FILE), page.as_bytes()).context(REPORT_FILE)
}
