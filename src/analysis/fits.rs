//! Scaling models of each series of a run.
//!
//! The laws are fitted to the medians over rounds of the logarithm of throughput, one for
//! each thread count, so that the curves agree with the plotted medians. The laws do not
//! apply to threads that share a CPU: oversubscribed cases are left out.

mod intervals;

use serde::ser::{Error as _, SerializeMap as _, Serializer};

use super::description::{Description, LargestResidual};
use super::fitted_law::FittedLaw;
use super::series::jobs_of;
use super::{CaseSummary, Job, MIN_ROUNDS, Series};
use crate::quantity::pluralize;
use crate::record::Case;
use crate::stats::median;
use crate::stats::scaling::{Curve, Loss, Points, Solution};
use crate::visits::Visits;

pub use crate::stats::scaling::Model;

/// Fewest thread counts of a fit: with fewer the laws cannot be distinguished.
pub const MIN_COUNTS: usize = 6;

/// Largest error of the prediction of the largest count by a law that is used beyond it.
const PREDICTION_ERROR: f64 = 0.05;

/// A scaling model of one series, or the reason for its absence.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Fit {
    /// Common settings of the cases. Its thread count, and its draws for weak scaling, are
    /// those of the largest fitted case; a chunk that differs between the cases is null.
    #[serde(flatten, serialize_with = "settings")]
    pub case: Case,
    /// Indices of the fitted cases.
    pub cases: Vec<usize>,
    /// The best law by Akaike's criterion; its peak only up to twice the largest measured
    /// count.
    #[serde(flatten)]
    pub law: FittedLaw,
    /// Number of bootstrap replicates of the intervals; 0 without intervals.
    pub replicates: usize,
    /// All fitted laws, the best first.
    pub candidates: Vec<Candidate>,
    /// Reason why nothing was fitted.
    pub refusal: Option<String>,
}

/// A law fitted to a series.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Candidate {
    /// The law with its parameters.
    #[serde(flatten)]
    pub curve: Curve,
    /// Sum of the squared residuals, of ln throughput in the models of a run.
    pub sse: Option<f64>,
    /// Akaike's criterion for small samples: smaller is better.
    pub aicc: Option<f64>,
}

impl Fit {
    /// Throughput of `n` threads by the model, in draws per second; `None` beyond the range
    /// that is shown. That range ends at the peak, but not before the largest measured count
    /// nor beyond twice that count.
    pub fn throughput(&self, n: f64) -> Option<f64> {
        // A law that does not describe the points is not drawn through them.
        if self.refusal.is_some() {
            return None;
        }
        self.candidates.first().and_then(|best| self.throughput_by(&best.curve, n))
    }

    /// Throughput of `n` threads by another of the candidates.
    pub fn throughput_by(&self, curve: &Curve, n: f64) -> Option<f64> {
        let largest = f64::from(self.case.nthread);
        let last = curve.peak().unwrap_or(f64::INFINITY).clamp(largest, 2.0 * largest);
        (1.0..=last).contains(&n).then(|| curve.throughput(n))
    }
}

/// The models of all series.
pub fn of(visits: &Visits, cases: &[CaseSummary], usable_cpus: Option<u32>) -> Vec<Fit> {
    let jobs = jobs_of(cases);
    let series = jobs.iter().flat_map(Job::series);
    series.map(|series| of_series(visits, &series, usable_cpus)).collect()
}

/// The model of one series.
fn of_series(visits: &Visits, series: &Series<'_>, usable_cpus: Option<u32>) -> Fit {
    let mut fitted = series.cases.clone();
    fitted.retain(|case| !case.oversubscribed && case.throughput.is_some());
    fitted.sort_by_key(|case| case.case.nthread);
    let mut fit =
        Fit { case: fitted.last().unwrap_or(&series.cases[0]).case.clone(), ..Fit::default() };
    // A default chunk follows from the thread count, and is no common setting.
    let chunk = series.cases[0].case.chunk;
    fit.case.chunk = chunk.filter(|_| series.cases.iter().all(|case| case.case.chunk == chunk));
    // A refused fit has its settings too, so that reports can name the series.
    let rounds = fitted.iter().map(|case| case.rounds).min().unwrap_or(0);
    fit.refusal = refusal(fitted.len(), usable_cpus).or_else(|| few_rounds(rounds));
    if fit.refusal.is_some() {
        return fit;
    }
    let counts: Vec<f64> = fitted.iter().map(|case| f64::from(case.case.nthread)).collect();
    let logs: Vec<Vec<(u32, f64)>> =
        fitted.iter().map(|case| log_throughputs(visits, case)).collect();
    fit.cases = fitted.iter().map(|case| case.index).collect();
    fit.candidates = candidates(&counts, &logs, fit.case.is_weak());
    let residual = |it: &Candidate| LargestResidual::of_rounds(&it.curve, &counts, &logs);
    let describes =
        |it: &&Candidate| residual(it).is_some_and(|it| it.description() == Description::Describes);
    // Akaike's criterion compares only laws that describe the points.
    let best = fit.candidates.iter().find(describes).or(fit.candidates.first()).copied();
    let Some(best) = best else {
        fit.refusal = Some("no law fits these throughputs".to_string());
        return fit;
    };
    fit.candidates.sort_by_key(|it| it.curve != best.curve);
    let largest = f64::from(fit.case.nthread);
    fit.law = FittedLaw::of(&best, largest);
    fit.law.peak_nthread.take_if(|peak| *peak > 2.0 * largest);
    fit.fill_intervals(&best.curve, &counts, &logs);
    fit.refusal = fit.law.check(residual(&best));
    if !predicts_largest(best.curve.model, &points_of(&counts, &logs)) {
        fit.law.withdraw_extrapolation(largest);
    }
    fit
}

/// Reason not to fit a series of few rounds: without intervals nothing tells whether a law
/// describes the points.
fn few_rounds(rounds: usize) -> Option<String> {
    (rounds < MIN_ROUNDS)
        .then(|| format!("{}, at least {MIN_ROUNDS} are needed", pluralize(rounds, "round")))
}

/// Reason not to fit a series: too few thread counts, or an unknown number of CPUs, so that
/// oversubscribed counts are unknown.
fn refusal(counts: usize, usable_cpus: Option<u32>) -> Option<String> {
    let Some(usable_cpus) = usable_cpus else {
        return Some(
            "not identifiable: the number of usable CPUs is not known, and the laws do not \
             apply to more threads than CPUs"
                .to_string(),
        );
    };
    if counts >= MIN_COUNTS {
        return None;
    }
    Some(format!(
        "not identifiable: {} within the {}, at least {MIN_COUNTS} are needed",
        pluralize(counts, "thread count"),
        pluralize(usable_cpus, "usable CPU"),
    ))
}

/// Logarithm of the throughput (draws per second) of each round.
fn log_throughputs(visits: &Visits, summary: &CaseSummary) -> Vec<(u32, f64)> {
    let draws = summary.case.draws.unwrap_or(1) as f64;
    let mut values = visits.values_by_round(summary.index);
    values.retain(|(_, ns)| *ns > 0.0);
    values.iter_mut().for_each(|(_, value)| *value = (draws / *value * 1e9).ln());
    values
}

/// The median throughput of each count.
fn points_of(counts: &[f64], logs: &[Vec<(u32, f64)>]) -> Vec<(f64, f64)> {
    let mut pairs = Vec::with_capacity(counts.len());
    for (count, logs) in counts.iter().zip(logs) {
        let values: Vec<f64> = logs.iter().map(|(_, log)| *log).collect();
        pairs.extend(median(&values).map(|log| (*count, log.exp())));
    }
    pairs
}

/// True if a law that is fitted to all but the largest count predicts that one within 5%. Only
/// then is it used beyond the data.
pub(super) fn predicts_largest(law: Model, pairs: &[(f64, f64)]) -> bool {
    let Some(largest) = pairs.iter().map(|(count, _)| *count).max_by(f64::total_cmp) else {
        return false;
    };
    let (at_largest, others): (Vec<_>, Vec<_>) =
        pairs.iter().copied().partition(|(count, _)| *count == largest);
    let points = Points::new(Loss::Logarithmic, &others);
    let Some(solution) = points.and_then(|points| points.fit(law)) else { return false };
    let measured = at_largest.iter().map(|(_, value)| value).sum::<f64>() / at_largest.len() as f64;
    let ratio = solution.curve.throughput(largest) / measured;
    ratio.ln().abs() <= PREDICTION_ERROR.ln_1p()
}

/// All applicable laws, fitted to the medians. The best by Akaike's criterion comes first;
/// the criterion is defined from six counts on.
fn candidates(counts: &[f64], logs: &[Vec<(u32, f64)>], is_weak: bool) -> Vec<Candidate> {
    let Some(points) = Points::new(Loss::Logarithmic, &points_of(counts, logs)) else {
        return Vec::new();
    };
    let laws: &[Model] = match is_weak {
        true => &[Model::Gustafson, Model::Amdahl, Model::Usl],
        false => &[Model::Amdahl, Model::Usl],
    };
    let mut candidates: Vec<Candidate> =
        laws.iter().filter_map(|law| Candidate::of(&points, *law)).collect();
    candidates.sort_by(|one, other| one.sort_key().total_cmp(&other.sort_key()));
    candidates
}

impl Candidate {
    /// Fits a law to points.
    pub(super) fn of(points: &Points, law: Model) -> Option<Candidate> {
        points.fit(law).map(|solution| Candidate::new(points, &solution))
    }

    /// The law of a solution.
    pub(super) fn new(points: &Points, solution: &Solution) -> Candidate {
        Candidate { curve: solution.curve, sse: solution.sse, aicc: points.aicc(solution) }
    }

    fn sort_key(&self) -> f64 {
        self.aicc.unwrap_or(f64::INFINITY)
    }
}

/// Serializes the settings of the series without the thread count; for weak scaling `draws`
/// are those of one worker.
fn settings<S: Serializer>(case: &Case, serializer: S) -> Result<S::Ok, S::Error> {
    let settings = serde_json::to_value(case).map_err(S::Error::custom)?;
    let mut map = serializer.serialize_map(None)?;
    for (name, value) in settings.as_object().into_iter().flatten() {
        match name.as_str() {
            "nthread" => {}
            "draws" => map.serialize_entry(name, &case.baseline_draws())?,
            _ => map.serialize_entry(name, value)?,
        }
    }
    map.end()
}

#[cfg(test)]
mod tests;
