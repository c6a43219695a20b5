//! CPU time, memory and exit code of a call, round by round.

use super::{Visit, Visits};
use crate::stats::median;

/// Resources that a call of a case used in one round; `None` where unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ResourceUsage {
    /// User CPU time of all workers (nanoseconds).
    pub user_ns: Option<f64>,
    /// System CPU time of all workers (nanoseconds).
    pub system_ns: Option<f64>,
    /// Peak memory of a command, or else of a whole visit.
    pub max_rss_bytes: Option<u64>,
    /// Exit code of a command, of the last of several visits.
    pub exit_status: Option<i32>,
}

impl ResourceUsage {
    /// Summarises the visits of one round: medians, and the largest peak of memory. What
    /// is unknown of one visit is unknown of the round.
    fn of_round(visits: &[&Visit]) -> ResourceUsage {
        let median_of = |metric: fn(&Visit) -> Option<f64>| {
            median(&visits.iter().map(|visit| metric(visit)).collect::<Option<Vec<f64>>>()?)
        };
        let peaks: Option<Vec<u64>> =
            visits.iter().map(|visit| visit.metrics.max_rss_bytes).collect();
        ResourceUsage {
            user_ns: median_of(|visit| visit.metrics.user_ns),
            system_ns: median_of(|visit| visit.metrics.system_ns),
            max_rss_bytes: peaks.and_then(|peaks| peaks.into_iter().max()),
            exit_status: visits.last().and_then(|visit| visit.metrics.exit_status),
        }
    }
}

impl Visits {
    /// Resources that a call of a case used in each round, in the order and number of
    /// [`round_values`](Visits::round_values).
    pub fn round_usage(&self, case: usize) -> Vec<ResourceUsage> {
        let clean: Vec<&Visit> =
            self.of_case(case).iter().filter(|visit| visit.clean_ns().is_some()).collect();
        let rounds = clean.chunk_by(|one, other| one.position.round == other.position.round);
        rounds.map(ResourceUsage::of_round).collect()
    }
}
