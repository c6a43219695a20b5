//! Scaling models of each series of a run.
//!
//! What is fitted are the medians over rounds of ln throughput, one at each thread
//! count, so that the curves pass where the plotted medians are. Threads that
//! share a CPU follow other laws: oversubscribed cases are left out.

mod intervals;

use serde::ser::{Error as _, SerializeMap as _, Serializer};

use super::series::jobs_of;
use super::{CaseSummary, Series};
use crate::quantity::pluralize;
use crate::record::Case;
use crate::stats::median;
use crate::stats::scaling::{Curve, Loss, Points};
use crate::visits::Visits;

pub use crate::stats::scaling::Model;

/// Fewer thread counts than these cannot tell the laws apart.
pub const FEWEST_COUNTS: usize = 6;

/// A model of the throughput of one series, or why there is none.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Fit {
    /// What the cases of the series have in common; its thread count is that of the
    /// largest case that was fitted, and so are its draws where the work grows with
    /// the workers. A chunk that differs between the cases is none.
    #[serde(flatten, serialize_with = "settings")]
    pub case: Case,
    /// Indices of the cases that were fitted.
    pub cases: Vec<usize>,
    /// The model that explains the data best for its number of parameters.
    pub model: Option<Model>,
    /// Throughput of one worker, in draws per second; of commands and functions, in
    /// calls per second, here and below.
    pub gamma: Option<f64>,
    /// Lower end of its interval.
    pub gamma_low: Option<f64>,
    /// Upper end of its interval.
    pub gamma_high: Option<f64>,
    /// Share of contention, or the serial share of the laws of Amdahl and Gustafson.
    pub sigma: Option<f64>,
    /// Lower end of its interval.
    pub sigma_low: Option<f64>,
    /// Upper end of its interval.
    pub sigma_high: Option<f64>,
    /// Share of coherence; 0 but for the Universal Scalability Law.
    pub kappa: Option<f64>,
    /// Lower end of its interval.
    pub kappa_low: Option<f64>,
    /// Upper end of its interval.
    pub kappa_high: Option<f64>,
    /// Sum of the squared residuals of ln throughput.
    pub sse: Option<f64>,
    /// Akaike's criterion for small samples.
    pub aicc: Option<f64>,
    /// Thread count of the highest throughput, if the model has one at no more than
    /// twice the largest count that was measured.
    pub peak_nthread: Option<f64>,
    /// The throughput that no thread count exceeds by the model, in draws per
    /// second: always an extrapolation.
    pub limit: Option<f64>,
    /// What a reader must know of the peak or the limit.
    pub caveat: Option<String>,
    /// How often the rounds were drawn anew for the intervals; 0: there are none.
    pub replicates: usize,
    /// Every law that was fitted, the best first.
    pub candidates: Vec<Candidate>,
    /// Why nothing was fitted.
    pub refusal: Option<String>,
}

/// A law that was fitted to a series.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Candidate {
    /// The law with its parameters.
    #[serde(flatten)]
    pub curve: Curve,
    /// Sum of the squared residuals, of ln throughput in the models of a run.
    pub sse: Option<f64>,
    /// Akaike's criterion for small samples: the smaller, the better.
    pub aicc: Option<f64>,
}

impl Fit {
    /// Throughput of `n` threads by the model, in draws per second; `None` where it
    /// may not be shown: beyond twice the largest count that was measured, or beyond
    /// both that count and the peak.
    pub fn throughput(&self, n: f64) -> Option<f64> {
        self.candidates.first().and_then(|best| self.throughput_by(&best.curve, n))
    }

    /// The same by another of the candidates.
    pub fn throughput_by(&self, curve: &Curve, n: f64) -> Option<f64> {
        let largest = f64::from(self.case.nthread);
        let last = curve.peak().unwrap_or(f64::INFINITY).clamp(largest, 2.0 * largest);
        (1.0..=last).contains(&n).then(|| curve.throughput(n))
    }
}

/// The models of every series.
pub fn of(visits: &Visits, cases: &[CaseSummary], usable_cpus: Option<u32>) -> Vec<Fit> {
    let mut fits = Vec::new();
    for job in jobs_of(cases) {
        for series in job.series() {
            fits.push(of_series(visits, cases, &series, usable_cpus));
        }
    }
    fits
}

/// The model of one series.
fn of_series(
    visits: &Visits,
    cases: &[CaseSummary],
    series: &Series<'_>,
    usable_cpus: Option<u32>,
) -> Fit {
    let is_fitted = |case: &&&CaseSummary| !case.oversubscribed && case.throughput.is_some();
    let mut fitted: Vec<usize> =
        series.cases.iter().filter(is_fitted).map(|case| case.index).collect();
    fitted.sort_by_key(|index| cases[*index].case.nthread);
    let chunk = series.cases[0].case.chunk;
    let mut fit = Fit {
        case: fitted.last().map_or(series.cases[0], |last| &cases[*last]).case.clone(),
        ..Fit::default()
    };
    fit.case.chunk = chunk.filter(|_| series.cases.iter().all(|case| case.case.chunk == chunk));
    let counts: Vec<f64> = fitted.iter().map(|i| f64::from(cases[*i].case.nthread)).collect();
    let logs: Vec<Vec<(u32, f64)>> =
        fitted.iter().map(|index| logs_by_round(visits, &cases[*index], *index)).collect();
    fit.refusal = refusal(counts.len(), usable_cpus);
    if fit.refusal.is_some() {
        return fit;
    }
    fit.cases = fitted;
    fit.candidates = candidates(&counts, &logs, fit.case.is_weak());
    match fit.candidates.first().copied() {
        None => fit.refusal = Some("no law describes these throughputs".to_string()),
        Some(best) => {
            fit.fill(&best);
            fit.fill_intervals(&best.curve, &counts, &logs);
        }
    }
    fit
}

/// Why so many thread counts are not fitted: they are too few, or nobody knows which
/// of them share a CPU.
fn refusal(counts: usize, usable_cpus: Option<u32>) -> Option<String> {
    let Some(usable_cpus) = usable_cpus else {
        return Some(
            "not identifiable: the number of usable CPUs is not known, and with more \
             threads than CPUs no law holds"
                .to_string(),
        );
    };
    if counts >= FEWEST_COUNTS {
        return None;
    }
    Some(format!(
        "not identifiable: {} within the {}, at least {FEWEST_COUNTS} are needed",
        pluralize(counts, "thread count"),
        pluralize(usable_cpus, "usable CPU"),
    ))
}

/// ln of the throughput (draws per second) of each round.
fn logs_by_round(visits: &Visits, summary: &CaseSummary, index: usize) -> Vec<(u32, f64)> {
    let draws = summary.case.draws.unwrap_or(1) as f64;
    let log = |(round, ns): (u32, f64)| (ns > 0.0).then(|| (round, (draws / ns * 1e9).ln()));
    visits.values_by_round(index).into_iter().filter_map(log).collect()
}

/// Every law that may hold, fitted to the medians; the best by Akaike's criterion
/// first, which is defined from six counts on.
fn candidates(counts: &[f64], logs: &[Vec<(u32, f64)>], is_weak: bool) -> Vec<Candidate> {
    let values = |logs: &Vec<(u32, f64)>| logs.iter().map(|(_, log)| *log).collect::<Vec<f64>>();
    let medians = logs.iter().filter_map(|logs| Some(median(&values(logs))?.exp()));
    let pairs: Vec<(f64, f64)> = counts.iter().copied().zip(medians).collect();
    let Some(points) = Points::new(Loss::Logarithmic, &pairs) else { return Vec::new() };
    let laws: &[Model] = match is_weak {
        true => &[Model::Gustafson, Model::Amdahl, Model::Usl],
        false => &[Model::Amdahl, Model::Usl],
    };
    let candidate = |model: &Model| {
        let solution = points.fit(*model)?;
        let aicc = points.aicc(&solution);
        Some(Candidate { curve: solution.curve, sse: solution.sse, aicc })
    };
    let mut found: Vec<Candidate> = laws.iter().filter_map(candidate).collect();
    let key = |candidate: &Candidate| candidate.aicc.unwrap_or(f64::INFINITY);
    found.sort_by(|one, other| key(one).total_cmp(&key(other)));
    found
}

impl Fit {
    /// What the best law says.
    fn fill(&mut self, best: &Candidate) {
        let Candidate { curve, sse, aicc } = best;
        let measured = f64::from(self.case.nthread);
        self.model = Some(curve.model);
        self.gamma = Some(curve.gamma);
        self.sigma = Some(curve.sigma);
        self.kappa = Some(curve.kappa);
        (self.sse, self.aicc) = (*sse, *aicc);
        self.peak_nthread = curve.peak().filter(|peak| *peak <= 2.0 * measured);
        self.limit = curve.limit();
        if curve.peak().is_some_and(|peak| peak > measured) {
            self.caveat = Some("peak beyond what was measured".to_string());
        } else if self.limit.is_some() {
            let count = self.case.nthread;
            self.caveat = Some(format!("limit extrapolated from at most {count} threads"));
        }
    }
}

/// The settings of the series without the thread count, and without what follows
/// from it: where the work grows with the workers, `draws` are those of one.
fn settings<S: Serializer>(case: &Case, serializer: S) -> Result<S::Ok, S::Error> {
    let settings = serde_json::to_value(case).map_err(S::Error::custom)?;
    let mut map = serializer.serialize_map(None)?;
    for (name, value) in settings.as_object().into_iter().flatten() {
        match name.as_str() {
            "nthread" => {}
            "draws" => map.serialize_entry(name, &case.share())?,
            _ => map.serialize_entry(name, value)?,
        }
    }
    map.end()
}

#[cfg(test)]
mod tests;
