//! The figures of a run as SVG and PNG: time, speedup, efficiency and throughput of each job
//! against the thread count, heat maps, crossovers, winners and granularity.
//!
//! What a figure shows is data ([`crate::view::figure`]); here it gets a place (`layout`) and
//! a look (`style`) and is drawn (`figure`: `frame`, `curves`, `legend`; `chart`, `map`,
//! `heat`). Both formats come from the same drawing code on a `canvas`; the bytes depend on
//! nothing but the summary.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::analysis::{Job, Summary};
use crate::record::Target;
use crate::view::crossover::ladders;
use crate::view::figure::lines::Figure;
use crate::view::figure::metric::Metric;
use crate::view::figure::{crossings as charts, heat as heat_map};
use crate::view::job::{JobView, job_views};
use crate::view::nouns::nouns;

mod canvas;
mod chart;
mod curves;
mod figure;
mod file;
mod font;
mod frame;
mod heat;
mod job;
mod layout;
mod legend;
mod map;
mod style;
#[cfg(test)]
mod tests;

/// Dots of a case; more rounds are thinned out.
const MAX_DOTS: usize = 200;

/// The reason why a figure could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PlotError {
    /// The directory does not take the file.
    #[error("cannot write the plot {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The picture could not be encoded.
    #[error("cannot encode the plot {} as PNG", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// The error of the encoder.
        source: png::EncodingError,
    },
    /// The drawing library refused a shape.
    #[error("cannot draw a plot: {0}")]
    Draw(String),
}

/// The ends of the file names of each job, before the dot.
pub(super) fn suffixes(jobs: &[Job<'_>]) -> Vec<String> {
    job::suffixes(&jobs.iter().collect::<Vec<_>>())
}

/// The file names of a job's figures without that, and their titles.
pub(super) fn names(
    target: Target,
    job: &Job<'_>,
) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
    let nouns = nouns(target);
    job::metrics(job).map(move |metric| (metric.file_stem(), metric.title(nouns)))
}

/// The file name, before the dot, of a job's heat map without its suffix, and its title.
pub(super) const INNER: (&str, &str) = ("inner", "Speedup by workers and threads inside each");

/// True if each job has figures of its own: not where a run asked for crossovers or
/// granularity, and there are figures of that.
pub(super) fn are_jobs_drawn(summary: &Summary) -> bool {
    !summary.run.plan.preset.measures_threshold() || crossings(summary).is_empty()
}

/// The file names, before the dot, of the figures of crossovers and granularity, and their
/// titles. Of several ladders of jobs each has a number.
pub(super) fn crossings(summary: &Summary) -> Vec<(String, &'static str)> {
    let mut names = Vec::new();
    if charts::granularity(summary).is_some() {
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
    let views = job_views(summary);
    let jobs: Vec<&Job<'_>> = views.iter().map(|view| &view.job).collect();
    let suffixes = job::suffixes(&jobs);
    for (view, suffix) in views.iter().zip(&suffixes) {
        if let Some(heat) = heat_map::of_inner(view) {
            written.extend(write_both(&heat, dir, &format!("{}{suffix}", INNER.0))?);
        }
    }
    let figures: Vec<(&JobView<'_>, &String, Metric)> = views
        .iter()
        .zip(&suffixes)
        .flat_map(|(view, suffix)| job::metrics(&view.job).map(move |it| (view, suffix, it)))
        .collect();
    let write = |&(view, suffix, metric): &(&JobView<'_>, &String, Metric)| {
        let figure = Figure::new(view, metric, MAX_DOTS);
        write_both(&figure, dir, &format!("{}{suffix}", metric.file_stem()))
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

/// Writes the figures of crossovers and granularity. Of several ladders of jobs each has a
/// number.
fn write_crossings(summary: &Summary, dir: &Path) -> Result<Vec<PathBuf>, PlotError> {
    let mut written = Vec::new();
    if let Some(chart) = charts::granularity(summary) {
        written.extend(write_both(&chart, dir, "granularity")?);
    }
    let ladders = ladders(summary);
    for (number, ladder) in (1..).zip(&ladders) {
        let suffix = if ladders.len() > 1 { format!("-{number}") } else { String::new() };
        let chart = charts::speedup(summary, ladder);
        written.extend(write_both(&chart, dir, &format!("crossover{suffix}"))?);
        let map = charts::winners(summary, ladder);
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
