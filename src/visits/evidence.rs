//! What was seen beside the times of a visit: shares that can be compared from
//! case to case.

use crate::record::{Phase, Row};
use crate::stats::median;

/// Workers may wait for a CPU for this share of a call.
const DELAY: f64 = 0.02;

/// Where nobody said how long they waited: they may be without a CPU for this
/// share of the time that they spent inside the kernel, which has page faults in
/// it, too.
const WITHOUT_CPU: f64 = 0.1;

/// Medians over the counted calls of a visit. What is not known is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Share of their busy time for which the workers had a CPU; unknown where there
    /// are threads inside them, which wait for each other, too.
    pub cpu_share: Option<f64>,
    /// Share of the call for which a worker was ready to run and had no CPU. Where
    /// that is more than the call has (threads that only wait for the workers want
    /// a CPU, too), of the time that a CPU was wanted: never more than 1.
    pub delay_share: Option<f64>,
    /// Busy time of the mean worker by that of the busiest.
    pub load_balance: Option<f64>,
    /// Busy time of the busiest worker by the time of the call: what is left of the
    /// call went into starting, feeding and waiting for workers.
    pub communication: Option<f64>,
    /// Busy time of all workers (nanoseconds).
    pub busy_sum_ns: Option<f64>,
    /// CPU cycles by nanosecond of CPU time.
    pub cycles_per_ns: Option<f64>,
    /// CPU time in user mode of all workers (nanoseconds).
    pub user_ns: Option<f64>,
    /// CPU time in the kernel of all workers (nanoseconds).
    pub system_ns: Option<f64>,
    /// Peak memory of the whole visit.
    pub max_rss_bytes: Option<u64>,
    /// How a command ended, of the last call: its exit code.
    pub exit_status: Option<i32>,
    /// Time that the hypervisor took away over the whole visit.
    pub steal_ns: Option<u64>,
    /// Wall time of the whole visit.
    pub wall_ns: Option<u64>,
    /// CPUs of which that is the steal time: those on which workers were seen.
    pub cpus: Option<usize>,
}

impl Evidence {
    /// Of the rows of a visit.
    pub fn of(rows: &[&Row], last: &Row) -> Evidence {
        let middle = |figure: fn(&Row) -> Option<f64>| {
            let calls = rows.iter().filter(|row| row.phase == Phase::Call);
            let figures: Vec<f64> = calls.filter_map(|row| figure(row)).collect();
            median(&figures)
        };
        // A command's own peak; that of the visit is of who started it, too.
        let calls = || rows.iter().filter(|row| row.phase == Phase::Call);
        let peak = calls().filter_map(|row| row.max_rss_bytes).max();
        Evidence {
            cpu_share: middle(|row| {
                let busy_ns = row.busy_sum_ns.filter(|_| row.case.inner_nthread <= 1)?;
                by(row.worker_cpu_sum_ns?, busy_ns as f64)
            }),
            delay_share: middle(|row| {
                let delay_ns = row.run_delay_ns?;
                let wanted_ns = delay_ns as f64 + row.worker_cpu_sum_ns.unwrap_or(0) as f64;
                by(delay_ns, (f64::from(row.case.threads()) * row.wall_ns? as f64).max(wanted_ns))
            }),
            load_balance: middle(|row| {
                by(row.busy_sum_ns?, workers(row) * row.busy_max_ns? as f64)
            }),
            communication: middle(|row| by(row.busy_max_ns?, row.wall_ns? as f64)),
            busy_sum_ns: middle(|row| row.busy_sum_ns.map(|ns| ns as f64)),
            cycles_per_ns: middle(|row| by(row.cycles?, row.worker_cpu_sum_ns? as f64)),
            user_ns: middle(|row| row.user_ns.map(|ns| ns as f64)),
            system_ns: middle(|row| row.system_ns.map(|ns| ns as f64)),
            max_rss_bytes: peak.or(last.max_rss_bytes),
            exit_status: calls().filter_map(|row| row.exit_status).next_back(),
            steal_ns: last.steal_ns,
            wall_ns: last.wall_ns,
            cpus: count(&last.cpus),
        }
    }

    /// The share of their time for which workers waited for a CPU, if that is
    /// more than a machine of one's own takes.
    pub fn starved(&self) -> Option<f64> {
        match (self.delay_share, self.cpu_share) {
            (Some(delay), _) => Some(delay).filter(|delay| *delay > DELAY),
            (None, Some(cpu)) => Some(1.0 - cpu).filter(|without| *without > WITHOUT_CPU),
            (None, None) => None,
        }
    }
}

/// How many CPUs a list such as `0-3,8` has; none of an empty one, or of junk.
fn count(list: &str) -> Option<usize> {
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

/// A share; none of nothing.
fn by(part: u64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part as f64 / whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Case;

    #[test]
    fn threads_inside_a_worker_have_a_share_of_their_own_in_its_waiting() {
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
        let of = |call: Row| Evidence::of(&[&call], &Row::default());
        assert_eq!(of(call.clone()).delay_share, Some(0.1));
        assert_eq!(
            (of(call.clone()).load_balance, of(call.clone()).communication),
            (Some(1.0), Some(0.9))
        );
        // Who waits for a thread beside it lacks no CPU.
        let unknown = of(Row { run_delay_ns: None, worker_cpu_sum_ns: Some(45), ..call });
        assert_eq!((unknown.cpu_share, unknown.starved()), (None, None));
    }

    /// The share of a call of 16 ms, in which one worker had a CPU for 8.
    fn delay_share(run_delay_ns: u64) -> f64 {
        let call = Row {
            phase: Phase::Call,
            case: Case { nthread: 1, ..Case::default() },
            wall_ns: Some(16),
            worker_cpu_sum_ns: Some(8),
            run_delay_ns: Some(run_delay_ns),
            ..Row::default()
        };
        Evidence::of(&[&call], &Row::default()).delay_share.expect("a share")
    }

    #[test]
    fn nobody_waits_for_more_than_all_of_the_time() {
        assert_eq!(delay_share(4), 0.25);
        assert_eq!(delay_share(24), 0.75);
        assert_eq!(delay_share(u64::MAX), 1.0);
    }
}
