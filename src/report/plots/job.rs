//! The figures of a job, and the names of their files.

use crate::analysis::Job;
use crate::view::figure::metric::Metric;

/// The figures of a job: what has no draws has no draws per second.
pub(super) fn metrics(job: &Job<'_>) -> impl Iterator<Item = Metric> + use<> {
    let has_draws = job.settings().draws.is_some();
    Metric::PLOTTED.into_iter().filter(move |metric| has_draws || *metric != Metric::Throughput)
}

/// The ends of the file names of each job: nothing for a single one, else
/// kernel and draws, how workers were pinned where that differs, and block and
/// seed where these are not enough.
pub(super) fn suffixes(jobs: &[&Job<'_>]) -> Vec<String> {
    if jobs.len() == 1 {
        return vec![String::new()];
    }
    let pins: Vec<String> = jobs.iter().map(|job| plain(&job.settings().pin)).collect();
    let pins_differ = pins.iter().any(|pin| *pin != pins[0]);
    let short: Vec<String> = jobs
        .iter()
        .zip(&pins)
        .map(|(job, pin)| match pins_differ {
            true => format!("{}-{pin}", short_suffix(job)),
            false => short_suffix(job),
        })
        .collect();
    jobs.iter()
        .zip(&short)
        .map(|(job, suffix)| {
            let count = short.iter().filter(|other| *other == suffix).count();
            match count {
                1 => suffix.clone(),
                _ => format!("{suffix}-block{}-seed{}", job.settings().block, job.settings().seed),
            }
        })
        .collect()
}

fn short_suffix(job: &Job<'_>) -> String {
    let kernel = plain(&job.settings().kernel);
    let kernel = if kernel.is_empty() { "command" } else { &kernel };
    match job.settings().baseline_draws() {
        Some(draws) => format!("-{kernel}-{draws}"),
        None => format!("-{kernel}"),
    }
}

/// A word as part of a file name: no field leads out of the directory.
fn plain(word: &str) -> String {
    word.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}
