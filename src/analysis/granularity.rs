//! The smallest useful task.

use serde::Serialize;

use super::CaseSummary;
use crate::visits::Visits;

/// The smallest task at which a backend is still efficient.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Granularity {}

/// Of every backend that was measured over several chunks.
pub fn of(_visits: &Visits, _cases: &[CaseSummary]) -> Vec<Granularity> {
    Vec::new()
}
