//! Scaling models of each series of a run.

use serde::Serialize;

use super::CaseSummary;
use crate::record::Case;
use crate::visits::Visits;

pub use crate::stats::scaling::Model;

/// A model of the throughput of one series, or why there is none.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Fit {
    /// What the cases of the series have in common; its thread count is that of
    /// the largest case that was fitted.
    #[serde(skip)]
    pub case: Case,
    /// Indices of the cases that were fitted.
    #[serde(skip)]
    pub cases: Vec<usize>,
    /// The model that explains the data best for its number of parameters.
    pub model: Option<Model>,
    /// Throughput of one worker, in draws per second.
    pub gamma: Option<f64>,
    /// Share of contention, or the serial share of Amdahl's law.
    pub sigma: Option<f64>,
    /// Share of coherence; 0 but for the Universal Scalability Law.
    pub kappa: Option<f64>,
    /// Thread count of the highest throughput, if the model has one.
    pub peak_nthread: Option<f64>,
    /// The throughput that no thread count exceeds, in draws per second.
    pub limit: Option<f64>,
    /// Why nothing was fitted.
    pub refusal: Option<String>,
}

/// The models of every series.
pub fn of(_visits: &Visits, _cases: &[CaseSummary]) -> Vec<Fit> {
    Vec::new()
}
