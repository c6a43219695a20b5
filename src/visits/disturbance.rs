//! Disturbances, for which the pair of a visit is left out.
//!
//! The rules are fixed before anything is measured, and none of them depends on the time
//! of a call: a visit is not left out because it is slow.

use crate::record::{Phase, Row};

/// Longest time of a call that may remain unexplained: workers wait for pages, and
/// steal time is counted in ticks of 10 ms.
const MAX_UNEXPLAINED_NS: u64 = 50_000_000;

/// Largest difference of two clocks over a visit; of long visits, a thousandth.
const MAX_CLOCK_DIFFERENCE_NS: u64 = 1_000_000;

/// Reason for leaving out the pair of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Disturbance {
    /// The cgroup quota throttled the visit.
    Throttled,
    /// A process of the visit was stopped for a while (SIGSTOP).
    Stopped,
    /// The machine was suspended during the visit.
    Suspended,
    /// The clocks disagree on the duration of the visit.
    Clock,
}

impl Disturbance {
    /// All reasons.
    pub const ALL: [Disturbance; 4] =
        [Disturbance::Throttled, Disturbance::Stopped, Disturbance::Suspended, Disturbance::Clock];

    /// Finds the disturbance of a visit, if there is one.
    pub fn detect(rows: &[&Row], last: &Row) -> Option<Disturbance> {
        let was_stopped = rows.iter().any(|row| row.stops.is_some_and(|stops| stops > 0));
        let allowed_ns = MAX_UNEXPLAINED_NS.saturating_add(last.steal_ns.unwrap_or(0));
        let mut calls = rows.iter().filter(|row| row.phase == Phase::Call);
        if was_stopped || calls.any(|row| unexplained_ns(row).is_some_and(|ns| ns > allowed_ns)) {
            return Some(Disturbance::Stopped);
        }
        if last.throttled_ns.is_some_and(|ns| ns > 0) {
            return Some(Disturbance::Throttled);
        }
        // Only the boot clock runs on while the machine is suspended.
        let (wall_ns, boot_ns) = (last.wall_ns?, last.boot_ns?);
        if wall_ns.abs_diff(boot_ns) <= MAX_CLOCK_DIFFERENCE_NS.max(wall_ns / 1000) {
            return None;
        }
        Some(if boot_ns > wall_ns { Disturbance::Suspended } else { Disturbance::Clock })
    }
}

/// Time that the workers of a call spent inside the kernel, neither running nor ready to
/// run. A kernel computes and never waits, so the workers were stopped. Unknown where
/// workers have threads inside them, which wait for each other.
fn unexplained_ns(call: &Row) -> Option<u64> {
    if call.case.inner_nthread > 1 {
        return None;
    }
    let explained = call.worker_cpu_sum_ns?.saturating_add(call.run_delay_ns?);
    Some(call.busy_sum_ns?.saturating_sub(explained))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// Rows of an undisturbed visit: a call of 100 ms by two workers, and the whole.
    fn undisturbed() -> [Row; 2] {
        let call = Row {
            phase: Phase::Call,
            wall_ns: Some(100 * MS),
            busy_sum_ns: Some(200 * MS),
            worker_cpu_sum_ns: Some(190 * MS),
            run_delay_ns: Some(5 * MS),
            ..Row::default()
        };
        let visit = Row {
            wall_ns: Some(120 * MS),
            boot_ns: Some(120 * MS),
            throttled_ns: Some(0),
            steal_ns: Some(0),
            stops: Some(0),
            ..Row::default()
        };
        [call, visit]
    }

    fn detect(rows: &[Row; 2]) -> Option<Disturbance> {
        Disturbance::detect(&[&rows[0], &rows[1]], &rows[1])
    }

    #[test]
    fn an_undisturbed_visit_has_no_disturbance() {
        assert_eq!(detect(&undisturbed()), None);
        assert_eq!(detect(&[Row { phase: Phase::Call, ..Row::default() }, Row::default()]), None);
    }

    #[test]
    fn time_neither_running_nor_ready_to_run_is_a_stop() {
        let [call, visit] = undisturbed();
        let stopped = Row { busy_sum_ns: Some(400 * MS), ..call.clone() };
        assert_eq!(detect(&[stopped.clone(), visit.clone()]), Some(Disturbance::Stopped));
        let stolen = Row { steal_ns: Some(200 * MS), ..visit.clone() };
        assert_eq!(detect(&[stopped, stolen]), None);
        let starved = Row { busy_sum_ns: Some(400 * MS), run_delay_ns: Some(205 * MS), ..call };
        assert_eq!(detect(&[starved, visit]), None);
    }

    #[test]
    fn threads_inside_a_worker_may_wait_for_each_other() {
        let [mut call, visit] = undisturbed();
        call.busy_sum_ns = Some(400 * MS);
        call.case.inner_nthread = 2;
        assert_eq!(detect(&[call, visit]), None);
    }

    #[test]
    fn an_observed_stop_counts_whatever_the_times() {
        let [call, visit] = undisturbed();
        let stopped = [call.clone(), Row { stops: Some(1), ..visit.clone() }];
        assert_eq!(detect(&stopped), Some(Disturbance::Stopped));
        let reported = |stops| Row { stops: Some(stops), ..call.clone() };
        assert_eq!(detect(&[reported(1), visit.clone()]), Some(Disturbance::Stopped));
        // A foreign runner may report any number.
        let rows = [reported(u32::MAX), reported(1), visit];
        let rows: Vec<&Row> = rows.iter().collect();
        assert_eq!(Disturbance::detect(&rows, rows[2]), Some(Disturbance::Stopped));
    }

    #[test]
    fn any_throttled_time_is_a_disturbance() {
        let [call, visit] = undisturbed();
        let throttled = Row { throttled_ns: Some(1), ..visit };
        assert_eq!(detect(&[call, throttled]), Some(Disturbance::Throttled));
    }

    #[test]
    fn clocks_that_disagree_distinguish_suspension_from_a_step() {
        let [call, visit] = undisturbed();
        let boot = |boot_ns| [call.clone(), Row { boot_ns: Some(boot_ns), ..visit.clone() }];
        assert_eq!(detect(&boot(120 * MS + MS)), None);
        assert_eq!(detect(&boot(120 * MS + MS + 1)), Some(Disturbance::Suspended));
        assert_eq!(detect(&boot(118 * MS)), Some(Disturbance::Clock));
    }
}
