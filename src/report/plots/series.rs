//! What a figure shows: one series a backend, and the lines to compare with.

use std::collections::BTreeMap;

use super::metric::{Metric, Values};
use crate::analysis::{self, CaseSummary, Job, Summary};
use crate::record::Target;
use crate::view::nouns::{Nouns, job_title, nouns, short_baseline_name, short_title};

/// Dots of a case; more are thinned out.
pub(super) const MAX_DOTS: usize = 200;

/// Everything that one figure shows, before it has a place.
pub(super) struct Plot {
    pub(super) metric: Metric,
    /// The kernel; of commands the only one, or how many there are.
    pub(super) kernel: String,
    /// What the cases are called.
    pub(super) words: Nouns,
    /// What the baseline is called.
    pub(super) baseline: String,
    /// Its threads.
    pub(super) threads_of_baseline: u32,
    /// Of one worker, where the work grows with the workers.
    pub(super) draws: Option<u64>,
    /// What else the heading says of the job; may be empty.
    pub(super) remark: String,
    pub(super) cpu_model: String,
    pub(super) usable_cpus: Option<u32>,
    pub(super) confidence: f64,
    /// Fewest and most rounds of a case that is shown.
    pub(super) rounds: Option<(usize, usize)>,
    /// Whether a case has more rounds than dots.
    pub(super) thinned: bool,
    /// Thread counts of the x axis, ascending.
    pub(super) counts: Vec<u32>,
    pub(super) series: Vec<Series>,
    /// A horizontal line: the baseline.
    pub(super) reference: Option<Reference>,
}

/// One line of the figure.
pub(super) struct Series {
    pub(super) name: String,
    /// What tells it from others of the same name; may be empty.
    pub(super) detail: String,
    /// Threads inside each worker.
    pub(super) inner_nthread: u32,
    /// By thread count, ascending.
    pub(super) points: Vec<Point>,
    /// Thread counts whose case has no data.
    pub(super) missing: Vec<u32>,
}

/// One case.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) nthread: u32,
    pub(super) value: f64,
    pub(super) interval: Option<(f64, f64)>,
    /// The rounds, thinned to [`MAX_DOTS`].
    pub(super) dots: Vec<f64>,
    /// Whether `dots` leaves rounds out.
    pub(super) thinned: bool,
}

/// A horizontal line to compare with.
pub(super) struct Reference {
    pub(super) name: String,
    /// `None` where the baseline has no data.
    pub(super) value: Option<f64>,
}

impl Plot {
    /// What the figure of `metric` shows of `job`.
    pub(super) fn new(summary: &Summary, job: &Job<'_>, metric: Metric) -> Plot {
        let others: Vec<&CaseSummary> =
            job.series().iter().flat_map(|series| series.cases.clone()).collect();
        let baseline = job.baseline();
        let series = series(job.series(), metric);
        let thinned = points(&series).any(|point| point.thinned);
        let mut counts: Vec<u32> = others.iter().map(|case| case.case.nthread).collect();
        if counts.is_empty() {
            counts = job.cases.iter().map(|case| case.case.nthread).collect();
        }
        counts.sort_unstable();
        counts.dedup();
        let rounds = others.iter().map(|case| case.rounds).filter(|n| *n > 0);
        Plot {
            metric,
            kernel: subject_of(summary.target(), job),
            words: nouns(summary.target()),
            baseline: baseline.map_or("the baseline".to_string(), short_baseline_name),
            threads_of_baseline: baseline.map_or(1, |case| case.case.threads()),
            draws: job.settings().share(),
            remark: super::job::remark(job),
            cpu_model: summary.cpu_model().to_string(),
            usable_cpus: summary.usable_cpus(),
            confidence: summary.confidence,
            rounds: rounds.clone().min().zip(rounds.max()),
            thinned,
            counts,
            series,
            reference: reference(job, metric),
        }
    }

    /// Every case that is shown.
    pub(super) fn points(&self) -> impl Iterator<Item = &Point> {
        points(&self.series)
    }

    /// What perfect scaling would give, unless the baseline's line says the same.
    pub(super) fn ideal(&self, nthread: f64) -> Option<f64> {
        let only_one = self.metric == Metric::Speedup && self.counts == [self.threads_of_baseline];
        self.metric.ideal(nthread, self.threads_of_baseline).filter(|_| !only_one)
    }

    /// Whether so many threads are more than the machine has.
    pub(super) fn oversubscribed(&self, threads: u32) -> bool {
        self.usable_cpus.is_some_and(|cpus| threads > cpus)
    }

    /// Whether every series has more threads than the machine has where it has so many
    /// workers.
    pub(super) fn all_oversubscribed(&self, nthread: u32) -> bool {
        let inner = self.series.iter().map(|series| series.inner_nthread).min().unwrap_or(1);
        self.oversubscribed(nthread.saturating_mul(inner))
    }

    /// The pieces of a series that may be joined by a line: it is broken where
    /// oversubscription begins and where a case has no data.
    pub(super) fn pieces<'a>(&self, series: &'a Series) -> Vec<&'a [Point]> {
        let joined = |a: &Point, b: &Point| {
            self.oversubscribed(a.nthread.saturating_mul(series.inner_nthread))
                == self.oversubscribed(b.nthread.saturating_mul(series.inner_nthread))
                && !series.missing.iter().any(|n| (a.nthread..b.nthread).contains(n))
        };
        series.points.chunk_by(joined).collect()
    }
}

/// What the heading says first.
fn subject_of(target: Target, job: &Job<'_>) -> String {
    if !target.is_command() {
        return job.settings().kernel.clone();
    }
    // The only command may have several series, by the threads inside its workers.
    match &job.series()[..] {
        [first, others @ ..] if others.iter().all(|other| other.name == first.name) => {
            short_title(&first.cases[0].case)
        }
        _ => job_title(target, job),
    }
}

fn points(series: &[Series]) -> impl Iterator<Item = &Point> {
    series.iter().flat_map(|series| &series.points)
}

fn series(groups: Vec<analysis::Series<'_>>, metric: Metric) -> Vec<Series> {
    groups
        .into_iter()
        .map(|group| {
            let mut cases: BTreeMap<u32, Option<Values>> = BTreeMap::new();
            for case in &group.cases {
                cases.insert(case.case.nthread, metric.values(case));
            }
            Series {
                inner_nthread: group.cases[0].case.inner_nthread.max(1),
                name: group.name,
                detail: group.detail,
                missing: cases
                    .iter()
                    .filter(|(_, values)| values.is_none())
                    .map(|(nthread, _)| *nthread)
                    .collect(),
                points: cases
                    .into_iter()
                    .filter_map(|(nthread, values)| Some(point(nthread, values?)))
                    .collect(),
            }
        })
        .collect()
}

fn point(nthread: u32, values: Values) -> Point {
    Point {
        nthread,
        value: values.median,
        interval: values.interval,
        thinned: values.rounds.len() > MAX_DOTS,
        dots: thin(&values.rounds, MAX_DOTS),
    }
}

/// The line of the baseline, where it says more than the ideal does.
fn reference(job: &Job<'_>, metric: Metric) -> Option<Reference> {
    let case = job.baseline()?;
    let value = match metric {
        Metric::Time | Metric::Throughput => metric.values(case).map(|values| values.median),
        Metric::Speedup => case.median_ns.map(|_| 1.0),
        Metric::Efficiency => return None,
    };
    Some(Reference { name: short_baseline_name(case), value })
}

/// At most `most` of the values, evenly spaced in their order.
pub(super) fn thin(values: &[f64], most: usize) -> Vec<f64> {
    if values.len() <= most {
        return values.to_vec();
    }
    (0..most).map(|i| values[i * values.len() / most]).collect()
}
