//! Which figures a job has, and what their files are called.

use super::metric::Metric;
use crate::analysis::Job;

/// The figures of a job: what has no draws has no draws per second.
pub(super) fn metrics(job: &Job<'_>) -> impl Iterator<Item = Metric> + use<> {
    let has_draws = job.settings().draws.is_some();
    Metric::ALL.into_iter().filter(move |metric| has_draws || *metric != Metric::Throughput)
}

/// What is added to the file names of each job: nothing for a single one, else
/// kernel and draws, and block and seed where these are not enough.
pub(super) fn suffixes(jobs: &[Job<'_>]) -> Vec<String> {
    if jobs.len() == 1 {
        return vec![String::new()];
    }
    let short: Vec<String> = jobs.iter().map(short_suffix).collect();
    jobs.iter()
        .zip(&short)
        .map(|(job, suffix)| {
            let twins = short.iter().filter(|other| *other == suffix).count();
            match twins {
                1 => suffix.clone(),
                _ => format!("{suffix}-block{}-seed{}", job.settings().block, job.settings().seed),
            }
        })
        .collect()
}

fn short_suffix(job: &Job<'_>) -> String {
    let kernel: String = job
        .settings()
        .kernel
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => c,
            _ => '_',
        })
        .collect();
    let kernel = if kernel.is_empty() { "command" } else { &kernel };
    match job.settings().draws {
        Some(draws) => format!("-{kernel}-{draws}"),
        None => format!("-{kernel}"),
    }
}
