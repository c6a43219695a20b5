//! What a call took beside its time, round by round.

use std::collections::BTreeMap;

use super::{Visit, Visits};
use crate::stats::median;

/// What a call of a case took in one round. What is not known is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// CPU time in user mode of all workers (nanoseconds).
    pub user_ns: Option<f64>,
    /// CPU time in the kernel of all workers (nanoseconds).
    pub system_ns: Option<f64>,
    /// Peak memory: of a command, else of a whole visit.
    pub max_rss_bytes: Option<u64>,
    /// Exit code of a command, of the last of several visits.
    pub exit_status: Option<i32>,
}

impl Cost {
    /// Of the visits of one round: medians, and the most memory of any. Unknown
    /// of one visit is unknown.
    fn of(visits: &[&Visit]) -> Cost {
        let middle = |figure: fn(&Visit) -> Option<f64>| {
            let known: Option<Vec<f64>> = visits.iter().map(|visit| figure(visit)).collect();
            median(&known?)
        };
        let peaks: Option<Vec<u64>> =
            visits.iter().map(|visit| visit.evidence.max_rss_bytes).collect();
        Cost {
            user_ns: middle(|visit| visit.evidence.user_ns),
            system_ns: middle(|visit| visit.evidence.system_ns),
            max_rss_bytes: peaks.and_then(|peaks| peaks.into_iter().max()),
            exit_status: visits.last().and_then(|visit| visit.evidence.exit_status),
        }
    }
}

impl Visits {
    /// What a call of a case took in each round, in the order and number of
    /// [`round_values`](Visits::round_values).
    pub fn round_costs(&self, case: usize) -> Vec<Cost> {
        let mut rounds: BTreeMap<u32, Vec<&Visit>> = BTreeMap::new();
        for visit in self.of_case(case).iter().filter(|visit| visit.clean_ns().is_some()) {
            rounds.entry(visit.position.round).or_default().push(visit);
        }
        rounds.values().map(|visits| Cost::of(visits)).collect()
    }
}
