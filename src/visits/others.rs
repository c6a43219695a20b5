//! CPU time of other programs during visits.

use std::borrow::Borrow;

use super::{Visit, Visits};

/// Shortest time over which counters in ticks can be judged: 50 ticks.
pub const MIN_WINDOW_NS: f64 = 50.0 * 1e7;

/// Number of CPUs below which others are the background of an idle system, and no cause.
pub const BACKGROUND_CPUS: f64 = 0.1;

/// Mean number of CPUs that other programs used during visits; `None` if unknown, or if the
/// visits are too short together for counters in ticks.
pub fn others_cpus<V: Borrow<Visit>>(visits: &[V]) -> Option<f64> {
    let (mut others_ns, mut wall_ns) = (0.0, 0.0);
    for visit in visits {
        let metrics = &visit.borrow().metrics;
        let Some((others, wall)) = metrics.others_ns.zip(metrics.wall_ns) else { continue };
        others_ns += others as f64;
        wall_ns += wall as f64;
    }
    (wall_ns >= MIN_WINDOW_NS).then(|| others_ns / wall_ns)
}

impl Visits {
    /// Mean number of CPUs that other programs used during the visits to a case, or during all
    /// visits where those to the case are too short together.
    pub fn others_cpus(&self, case: usize) -> Option<f64> {
        others_cpus(self.of_case(case)).or_else(|| {
            let all: Vec<&Visit> = self.by_case.iter().flatten().collect();
            others_cpus(&all)
        })
    }
}
