//! Where parallel begins to pay.

use serde::Serialize;

use super::CaseSummary;
use crate::visits::Visits;

/// The smallest job from which a backend beats sequential.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Crossover {}

/// Of every backend and thread count that was measured over several jobs.
pub fn of(_visits: &Visits, _cases: &[CaseSummary]) -> Vec<Crossover> {
    Vec::new()
}
