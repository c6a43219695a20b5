//! What makes a visit's time not its own.
//!
//! The rules are fixed before anything is measured, and none of them looks at
//! the time of a call: a visit is not left out because it is slow.

use crate::record::{Phase, Row};

/// Time that may pass unexplained in a call: workers wait for pages, and what a
/// hypervisor takes is known in ticks of 10 ms only.
const UNEXPLAINED_NS: u64 = 50_000_000;

/// By so much, or a thousandth, two clocks may differ over a visit.
const CLOCKS_APART_NS: u64 = 1_000_000;

/// Why a visit leaves its pair out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Disturbance {
    /// The cgroup quota held it up.
    Throttled,
    /// A process of it was stopped for a while.
    Stopped,
    /// The machine was asleep meanwhile.
    Suspended,
    /// The clocks disagree on how long it took.
    Clock,
}

impl Disturbance {
    /// All of them.
    pub const ALL: [Disturbance; 4] =
        [Disturbance::Throttled, Disturbance::Stopped, Disturbance::Suspended, Disturbance::Clock];

    /// What disturbed a visit, if anything did.
    pub fn of(rows: &[&Row], last: &Row) -> Option<Disturbance> {
        let calls = || rows.iter().filter(|row| row.phase == Phase::Call);
        let was_stopped = rows.iter().any(|row| row.stops.is_some_and(|stops| stops > 0));
        let steal_ns = last.steal_ns.unwrap_or(0);
        let has_gap = |row: &&&Row| {
            unexplained_ns(row).is_some_and(|ns| ns > UNEXPLAINED_NS.saturating_add(steal_ns))
        };
        if was_stopped || calls().any(|row| has_gap(&row)) {
            return Some(Disturbance::Stopped);
        }
        if last.throttled_ns.is_some_and(|ns| ns > 0) {
            return Some(Disturbance::Throttled);
        }
        let (wall_ns, boot_ns) = (last.wall_ns?, last.boot_ns?);
        if wall_ns.abs_diff(boot_ns) <= CLOCKS_APART_NS.max(wall_ns / 1000) {
            return None;
        }
        Some(if boot_ns > wall_ns { Disturbance::Suspended } else { Disturbance::Clock })
    }
}

/// Time that the workers of a call spent inside the kernel with neither a CPU
/// nor a wish for one. A kernel computes and never waits, so somebody stopped
/// them. Unknown where there are threads inside a worker: these wait for each other.
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

    /// A call that two workers computed for 100 ms each, and its visit.
    fn quiet() -> [Row; 2] {
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

    fn of(rows: &[Row; 2]) -> Option<Disturbance> {
        Disturbance::of(&[&rows[0], &rows[1]], &rows[1])
    }

    #[test]
    fn a_quiet_visit_is_not_disturbed() {
        assert_eq!(of(&quiet()), None);
        assert_eq!(of(&[Row { phase: Phase::Call, ..Row::default() }, Row::default()]), None);
    }

    #[test]
    fn time_that_nobody_used_or_waited_for_was_a_stop() {
        let [call, visit] = quiet();
        let stopped = Row { busy_sum_ns: Some(400 * MS), ..call.clone() };
        assert_eq!(of(&[stopped.clone(), visit.clone()]), Some(Disturbance::Stopped));
        let stolen = Row { steal_ns: Some(200 * MS), ..visit.clone() };
        assert_eq!(of(&[stopped, stolen]), None);
        let starved = Row { busy_sum_ns: Some(400 * MS), run_delay_ns: Some(205 * MS), ..call };
        assert_eq!(of(&[starved, visit]), None);
    }

    #[test]
    fn threads_inside_a_worker_may_wait_for_each_other() {
        let [mut call, visit] = quiet();
        call.busy_sum_ns = Some(400 * MS);
        call.case.inner_nthread = 2;
        assert_eq!(of(&[call, visit]), None);
    }

    #[test]
    fn a_stop_that_was_seen_counts_whatever_the_times() {
        let [call, visit] = quiet();
        let seen = [call.clone(), Row { stops: Some(1), ..visit.clone() }];
        assert_eq!(of(&seen), Some(Disturbance::Stopped));
        let said = |stops| Row { stops: Some(stops), ..call.clone() };
        assert_eq!(of(&[said(1), visit.clone()]), Some(Disturbance::Stopped));
        // A foreign runner may say anything.
        let rows = [said(u32::MAX), said(1), visit];
        let rows: Vec<&Row> = rows.iter().collect();
        assert_eq!(Disturbance::of(&rows, rows[2]), Some(Disturbance::Stopped));
    }

    #[test]
    fn any_throttled_time_counts() {
        let [call, visit] = quiet();
        let throttled = Row { throttled_ns: Some(1), ..visit };
        assert_eq!(of(&[call, throttled]), Some(Disturbance::Throttled));
    }

    #[test]
    fn clocks_that_disagree_tell_a_sleep_from_a_step() {
        let [call, visit] = quiet();
        let boot = |boot_ns| [call.clone(), Row { boot_ns: Some(boot_ns), ..visit.clone() }];
        assert_eq!(of(&boot(120 * MS + MS)), None);
        assert_eq!(of(&boot(120 * MS + MS + 1)), Some(Disturbance::Suspended));
        assert_eq!(of(&boot(118 * MS)), Some(Disturbance::Clock));
    }
}
