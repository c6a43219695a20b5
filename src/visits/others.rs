//! CPU time of other programs during visits.

use std::borrow::Borrow;

use super::Visit;

/// Shortest time over which counters in ticks can be judged: 50 ticks.
pub const MIN_WINDOW_NS: f64 = 50.0 * 1e7;

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
