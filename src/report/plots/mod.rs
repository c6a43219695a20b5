//! Four figures for each job of a run, as SVG and PNG: time of a call,
//! speedup, efficiency and throughput against the thread count.
//!
//! [`write()`] goes through five steps, one file each: the cases of a job
//! (`job`), what is shown of them (`series`, in the terms of a `metric`),
//! where it lies (`axis`), how it looks (`style`) and the drawing (`figure`:
//! `frame`, `curves`, `legend`). Both formats come from the same drawing code
//! on a `canvas`; the bytes depend on nothing but the summary.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::analysis::{Job, Summary, jobs};
use crate::record::{Preset, Target};
use crate::report::crossover::ladders;
use crate::view::nouns::nouns;

mod axis;
mod canvas;
mod chart;
mod crossings;
mod curves;
mod figure;
mod file;
mod font;
mod format;
mod frame;
mod heat;
mod job;
mod legend;
mod map;
mod metric;
mod scale;
mod series;
mod style;
#[cfg(test)]
mod tests;

use metric::Metric;
use series::Plot;

/// Why a figure could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// The directory does not take the file.
    #[error("cannot write the plot {}", path.display())]
    Write {
        /// The file that was meant.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The picture could not be encoded.
    #[error("cannot encode the plot {} as PNG", path.display())]
    Encode {
        /// The file that was meant.
        path: PathBuf,
        /// What the encoder said.
        source: png::EncodingError,
    },
    /// The drawing library refused a shape.
    #[error("cannot draw a plot: {0}")]
    Draw(String),
}

/// What the file names of each job end in, before the dot.
pub(super) fn suffixes(jobs: &[Job<'_>]) -> Vec<String> {
    job::suffixes(jobs)
}

/// The file names of a job's figures without that, and their titles.
pub(super) fn names(
    target: Target,
    job: &Job<'_>,
) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
    let words = nouns(target);
    job::metrics(job).map(move |metric| (metric.file_stem(), metric.title(words)))
}

/// The file name, before the dot, of a job's heat map without its suffix, and its title.
pub(super) const INNER: (&str, &str) = ("inner", "Speedup by workers and threads inside each");

/// Whether each job has figures of its own: not where a run asked for what
/// crosses something, and there are figures of that.
pub(super) fn are_jobs_drawn(summary: &Summary) -> bool {
    let asks_for_less = matches!(summary.run.plan.preset, Preset::Crossover | Preset::Metg);
    !asks_for_less || crossings(summary).is_empty()
}

/// The file names, before the dot, of the figures of what crosses something, and
/// their titles. Of several ladders of jobs each has a number.
pub(super) fn crossings(summary: &Summary) -> Vec<(String, &'static str)> {
    let mut names = Vec::new();
    if crossings::granularity(summary).is_some() {
        names.push(("granularity".to_string(), "Efficiency against the size of a task"));
    }
    let count = ladders(summary).len();
    for number in 1..=count {
        let suffix = if count > 1 { format!("-{number}") } else { String::new() };
        names.push((format!("crossover{suffix}"), "Speedup against the size of the job"));
        names.push((format!("winners{suffix}"), "The fastest of each job"));
    }
    names
}

/// Writes the figures of every job of the run into `dir` and returns their
/// paths: `time.svg`, `time.png`, `speedup.svg` … when the run has one job,
/// else each with a suffix that names the job. Files that exist are replaced
/// as a whole or not at all.
///
/// A job whose workers have threads inside them has a heat map, `inner`. One without
/// draws (a swept command) has no figure of its throughput. Where
/// chunks are an axis there is `granularity`; where jobs are one there are
/// `crossover` and `winners`. A run that asks for nothing else has nothing else.
pub fn write(summary: &Summary, dir: &Path) -> Result<Vec<PathBuf>, PlotError> {
    let mut written = write_crossings(summary, dir)?;
    if !are_jobs_drawn(summary) {
        return Ok(written);
    }
    let jobs = jobs(summary);
    let suffixes = job::suffixes(&jobs);
    for (job, suffix) in jobs.iter().zip(&suffixes) {
        if let Some(heat) = heat::of(summary, job) {
            written.extend(write_both(&heat, dir, &format!("{}{suffix}", INNER.0))?);
        }
    }
    let pairs = jobs.iter().zip(&suffixes);
    let figures: Vec<(&Job<'_>, &String, Metric)> = pairs
        .flat_map(|(job, suffix)| job::metrics(job).map(move |metric| (job, suffix, metric)))
        .collect();
    let write = |&(job, suffix, metric): &(&Job<'_>, &String, Metric)| {
        let plot = Plot::new(summary, job, metric);
        write_both(&plot, dir, &format!("{}{suffix}", metric.file_stem()))
    };
    // Encoding them is most of the work of a small report. Where no threads can be
    // had, one does it all.
    let of_jobs: Result<Vec<[PathBuf; 2]>, PlotError> =
        match rayon::ThreadPoolBuilder::new().build() {
            Ok(pool) => pool.install(|| figures.par_iter().map(write).collect()),
            Err(_) => figures.iter().map(write).collect(),
        };
    written.extend(of_jobs?.into_iter().flatten());
    Ok(written)
}

/// The figures of what crosses something. Of several ladders of jobs each has a
/// number.
fn write_crossings(summary: &Summary, dir: &Path) -> Result<Vec<PathBuf>, PlotError> {
    let mut written = Vec::new();
    if let Some(chart) = crossings::granularity(summary) {
        written.extend(write_both(&chart, dir, "granularity")?);
    }
    let ladders = ladders(summary);
    for (number, ladder) in (1..).zip(&ladders) {
        let suffix = if ladders.len() > 1 { format!("-{number}") } else { String::new() };
        let chart = crossings::speedup(summary, ladder);
        written.extend(write_both(&chart, dir, &format!("crossover{suffix}"))?);
        let map = crossings::winners(summary, ladder);
        written.extend(write_both(&map, dir, &format!("winners{suffix}"))?);
    }
    Ok(written)
}

fn write_both(
    picture: &impl file::Picture,
    dir: &Path,
    name: &str,
) -> Result<[PathBuf; 2], PlotError> {
    let svg = file::svg(picture, &dir.join(format!("{name}.svg")))?;
    Ok([svg, file::png(picture, &dir.join(format!("{name}.png")))?])
}
