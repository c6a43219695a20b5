//! Metrics of a visit besides its time: shares that are comparable between cases.

use super::CapacityShares;
use crate::record::{Phase, Row};
use crate::stats::median;

/// Largest share of a call for which workers may wait for a CPU.
const MAX_DELAY_SHARE: f64 = 0.02;

/// Largest share of the time inside the kernel for which workers may be without a CPU,
/// where their waiting time is unknown. Page faults are part of it.
pub const MAX_SHARE_WITHOUT_CPU: f64 = 0.1;

/// Medians over the counted calls of a visit; `None` where unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VisitMetrics {
    /// Wall time of each counted call (nanoseconds).
    pub calls_ns: Vec<f64>,
    /// Use of the capacity of a call.
    pub capacity: CapacityShares,
    /// Share of their busy time for which the workers had a CPU; unknown where workers
    /// have threads inside them, which wait for each other too.
    pub cpu_share: Option<f64>,
    /// Share of the call for which a worker was ready to run and had no CPU. Threads
    /// that only wait for the workers want a CPU too; where that makes it more than the
    /// call, the share is of the time that a CPU was wanted. Never more than 1.
    pub delay_share: Option<f64>,
    /// Busy time of the mean worker, divided by that of the busiest.
    pub load_balance: Option<f64>,
    /// Busy time of the busiest worker, divided by the time of the call. The rest of the
    /// call is for starting, feeding and awaiting workers.
    pub communication: Option<f64>,
    /// Busy time of all workers (nanoseconds).
    pub busy_sum_ns: Option<f64>,
    /// CPU cycles per nanosecond of CPU time.
    pub cycles_per_ns: Option<f64>,
    /// User CPU time of all workers (nanoseconds).
    pub user_ns: Option<f64>,
    /// System CPU time of all workers (nanoseconds).
    pub system_ns: Option<f64>,
    /// Peak memory of the whole visit.
    pub max_rss_bytes: Option<u64>,
    /// Exit code of a command, of the last call.
    pub exit_status: Option<i32>,
    /// Steal time of the hypervisor over the whole visit.
    pub steal_ns: Option<u64>,
    /// CPU time of other programs during the whole visit; only sums over visits may be judged.
    pub others_ns: Option<i64>,
    /// Wall time of the whole visit.
    pub wall_ns: Option<u64>,
    /// Number of CPUs on which workers were seen, which the steal time is of.
    pub cpus: Option<usize>,
}

impl VisitMetrics {
    /// Computes the metrics from the rows of a visit.
    pub fn new(rows: &[&Row], last: &Row) -> VisitMetrics {
        let calls: Vec<&Row> =
            rows.iter().copied().filter(|row| row.phase == Phase::Call).collect();
        let median_of = |metric| median_of_calls(&calls, metric);
        // Calls have the peak of a command alone; that of the visit includes the process
        // that started it.
        let peak = calls.iter().filter_map(|row| row.max_rss_bytes).max();
        VisitMetrics {
            calls_ns: calls.iter().filter_map(|row| Some(row.wall_ns? as f64)).collect(),
            capacity: CapacityShares::of_calls(&calls),
            cpu_share: median_of(|row| {
                let busy_ns = row.busy_sum_ns.filter(|_| row.case.inner_nthread <= 1)?;
                share(row.worker_cpu_sum_ns?, busy_ns as f64)
            }),
            delay_share: median_of(|row| {
                let delay_ns = row.run_delay_ns?;
                let wanted_ns = delay_ns as f64 + row.worker_cpu_sum_ns.unwrap_or(0) as f64;
                share(
                    delay_ns,
                    (f64::from(row.case.threads()) * row.wall_ns? as f64).max(wanted_ns),
                )
            }),
            load_balance: median_of(|row| {
                share(row.busy_sum_ns?, workers(row) * row.busy_max_ns? as f64)
            }),
            communication: median_of(|row| share(row.busy_max_ns?, row.wall_ns? as f64)),
            busy_sum_ns: median_of(|row| row.busy_sum_ns.map(|ns| ns as f64)),
            cycles_per_ns: median_of(|row| share(row.cycles?, row.worker_cpu_sum_ns? as f64)),
            user_ns: median_of(|row| row.user_ns.map(|ns| ns as f64)),
            system_ns: median_of(|row| row.system_ns.map(|ns| ns as f64)),
            max_rss_bytes: peak.or(last.max_rss_bytes),
            exit_status: calls.iter().filter_map(|row| row.exit_status).next_back(),
            steal_ns: last.steal_ns,
            others_ns: last.others_cpu_ns,
            wall_ns: last.wall_ns,
            cpus: cpu_count(&last.cpus),
        }
    }

    /// Share of their time for which workers waited for a CPU, if that is more than an
    /// idle machine causes.
    pub fn starved(&self) -> Option<f64> {
        match (self.delay_share, self.cpu_share) {
            (Some(delay), _) => Some(delay).filter(|delay| *delay > MAX_DELAY_SHARE),
            (None, Some(cpu)) => Some(1.0 - cpu).filter(|without| *without > MAX_SHARE_WITHOUT_CPU),
            (None, None) => None,
        }
    }
}

/// Median of a figure over the calls of which it is known.
pub(super) fn median_of_calls(calls: &[&Row], figure: fn(&Row) -> Option<f64>) -> Option<f64> {
    median(&calls.iter().filter_map(|row| figure(row)).collect::<Vec<f64>>())
}

/// Number of CPUs in a list such as `0-3,8`; `None` for an invalid or empty list.
fn cpu_count(list: &str) -> Option<usize> {
    let span = |part: &str| match part.split_once('-') {
        None => part.parse::<usize>().ok().map(|_| 1),
        Some((first, last)) => {
            last.parse::<usize>().ok()?.checked_sub(first.parse().ok()?)?.checked_add(1)
        }
    };
    list.split(',').map(span).sum()
}

fn workers(row: &Row) -> f64 {
    f64::from(row.case.nthread)
}

/// Quotient of two times; `None` if the divisor is 0.
fn share(part: u64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part as f64 / whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Case;

    #[test]
    fn shares_account_for_threads_inside_a_worker() {
        let call = Row {
            phase: Phase::Call,
            case: Case { nthread: 1, inner_nthread: 4, ..Case::default() },
            wall_ns: Some(100),
            busy_sum_ns: Some(90),
            busy_max_ns: Some(90),
            worker_cpu_sum_ns: Some(300),
            run_delay_ns: Some(40),
            ..Row::default()
        };
        let metrics = |call: Row| VisitMetrics::new(&[&call], &Row::default());
        assert_eq!(metrics(call.clone()).delay_share, Some(0.1));
        assert_eq!(
            (metrics(call.clone()).load_balance, metrics(call.clone()).communication),
            (Some(1.0), Some(0.9))
        );
        // A worker that waits for a thread inside it does not lack a CPU.
        let unknown = metrics(Row { run_delay_ns: None, worker_cpu_sum_ns: Some(45), ..call });
        assert_eq!((unknown.cpu_share, unknown.starved()), (None, None));
    }

    /// Delay share of a call of 16 ms, in which one worker had a CPU for 8 ms.
    fn delay_share(run_delay_ns: u64) -> f64 {
        let call = Row {
            phase: Phase::Call,
            case: Case { nthread: 1, ..Case::default() },
            wall_ns: Some(16),
            worker_cpu_sum_ns: Some(8),
            run_delay_ns: Some(run_delay_ns),
            ..Row::default()
        };
        VisitMetrics::new(&[&call], &Row::default()).delay_share.expect("a share")
    }

    #[test]
    fn the_delay_share_is_at_most_one() {
        assert_eq!(delay_share(4), 0.25);
        assert_eq!(delay_share(24), 0.75);
        assert_eq!(delay_share(u64::MAX), 1.0);
    }
}
