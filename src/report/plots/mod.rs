//! The figures of a run as SVG and PNG: time, speedup, efficiency and throughput of each job
//! against the thread count, heat maps, crossovers, winners and granularity.
//!
//! What a figure shows is data ([`crate::view::figure`]); here it gets a place (`layout`) and
//! a look (`style`) and is drawn (`figure` and `chart` with `frame`, `curves` and `legend`; `map`
//! and `heat` with `cells`) on a `canvas`, of which both formats are written (`file`); the
//! bytes depend on nothing but the summary.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::analysis::{Job, Summary};
use crate::record::Target;
use crate::view::crossover::{Ladder, ladders};
use crate::view::figure::lines::Figure;
use crate::view::figure::metric::Metric;
use crate::view::figure::{crossings as charts, heat as heat_map};
use crate::view::job::{JobView, job_views};
use crate::view::nouns::nouns;

mod canvas;
mod cells;
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
/// titles.
pub(super) fn crossings(summary: &Summary) -> Vec<(String, &'static str)> {
    let mut names = Vec::new();
    if charts::granularity(summary).is_some() {
        names.push(("granularity".to_string(), "Efficiency against the size of a task"));
    }
    for (suffix, _) in numbered_ladders(summary) {
        names.push((format!("crossover{suffix}"), "Speedup against the size of the job"));
        names.push((format!("winners{suffix}"), "The fastest of each job"));
    }
    names
}

/// The ladders of jobs, each with the end of its file names: of several a number.
fn numbered_ladders(summary: &Summary) -> Vec<(String, Ladder<'_>)> {
    let ladders = ladders(summary);
    let has_one = ladders.len() == 1;
    let numbered = (1..).zip(ladders).map(|(number, ladder)| {
        (if has_one { String::new() } else { format!("-{number}") }, ladder)
    });
    numbered.collect()
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
pub fn write(summary: &Summary, dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut written = write_crossings(summary, dir)?;
    if !are_jobs_drawn(summary) {
        return Ok(written);
    }
    let views = job_views(summary);
    let jobs: Vec<&Job<'_>> = views.iter().map(|view| &view.job).collect();
    let suffixes = job::suffixes(&jobs);
    for (view, suffix) in views.iter().zip(&suffixes) {
        if let Some(heat) = heat_map::of_inner(view) {
            written.extend(file::write_both(&heat, dir, &format!("{}{suffix}", INNER.0))?);
        }
    }
    let figures: Vec<(&JobView<'_>, &String, Metric)> = views
        .iter()
        .zip(&suffixes)
        .flat_map(|(view, suffix)| job::metrics(&view.job).map(move |it| (view, suffix, it)))
        .collect();
    let write = |&(view, suffix, metric): &(&JobView<'_>, &String, Metric)| {
        let figure = Figure::new(view, metric, MAX_DOTS);
        file::write_both(&figure, dir, &format!("{}{suffix}", metric.file_stem()))
    };
    // Encoding them is most of the work of a small report. Where no threads can be
    // had, one does it all.
    let of_jobs: anyhow::Result<Vec<[PathBuf; 2]>> = match rayon::ThreadPoolBuilder::new().build() {
        Ok(pool) => pool.install(|| figures.par_iter().map(write).collect()),
        Err(_) => figures.iter().map(write).collect(),
    };
    written.extend(of_jobs?.into_iter().flatten());
    Ok(written)
}

fn write_crossings(summary: &Summary, dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    if let Some(chart) = charts::granularity(summary) {
        written.extend(file::write_both(&chart, dir, "granularity")?);
    }
    for (suffix, ladder) in numbered_ladders(summary) {
        let chart = charts::speedup(summary, &ladder);
        written.extend(file::write_both(&chart, dir, &format!("crossover{suffix}"))?);
        let map = charts::winners(summary, &ladder);
        written.extend(file::write_both(&map, dir, &format!("winners{suffix}"))?);
    }
    Ok(written)
}
