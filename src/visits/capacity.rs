//! Use of the capacity of a call: n times its wall time, where n counts all threads.

use super::metrics::median_of_calls;
use crate::record::Row;

/// Shares of the capacity of a call, medians over the calls of a visit; `None` where unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CapacityShares {
    /// Inside the kernel, in whatever state. Unknown for targets without workers.
    pub inside: Option<f64>,
    /// Inside the kernel, on a CPU.
    pub computing: Option<f64>,
    /// Ready to run and without a CPU, inside the kernel or not.
    pub delayed: Option<f64>,
    /// Inside the kernel, without a CPU, whether ready to run or not. Unknown where workers have
    /// threads inside them, which wait for each other.
    pub without_cpu: Option<f64>,
    /// Between the end of a worker and that of the busiest one.
    pub imbalance: Option<f64>,
    /// Time in which not even the busiest worker was inside the kernel: for starting, feeding
    /// and awaiting workers.
    pub dispatch: Option<f64>,
    /// CPU time of all processes, inside the kernel or not.
    pub cpu: Option<f64>,
}

impl CapacityShares {
    /// Medians over these calls.
    pub fn of_calls(calls: &[&Row]) -> CapacityShares {
        CapacityShares {
            inside: median_of_calls(calls, |row| share(row, inside_ns(row)?)),
            computing: median_of_calls(calls, |row| share(row, computing_ns(row)?)),
            delayed: median_of_calls(calls, |row| share(row, row.run_delay_ns? as f64)),
            without_cpu: median_of_calls(calls, |row| {
                let has_inner = row.case.inner_nthread > 1;
                share(row, inside_ns(row)? - computing_ns(row)?).filter(|_| !has_inner)
            }),
            imbalance: median_of_calls(calls, |row| {
                let busiest_ns = threads(row) * row.busy_max_ns? as f64;
                share(row, (busiest_ns - inside_ns(row)?).max(0.0))
            }),
            dispatch: median_of_calls(calls, |row| {
                let outside_ns = row.wall_ns? as f64 - row.busy_max_ns? as f64;
                share(row, threads(row) * outside_ns.max(0.0))
            }),
            cpu: median_of_calls(calls, |row| {
                share(row, row.user_ns? as f64 + row.system_ns? as f64)
            }),
        }
    }
}

/// Time of all threads inside the kernel. A worker is inside while any thread in it is, so its
/// time counts for all of them.
fn inside_ns(row: &Row) -> Option<f64> {
    Some(f64::from(row.case.inner_nthread.max(1)) * row.busy_sum_ns? as f64)
}

/// CPU time inside the kernel. Two clocks measure it and the time inside, so it may be longer
/// by the error of either.
fn computing_ns(row: &Row) -> Option<f64> {
    Some((row.worker_cpu_sum_ns? as f64).min(inside_ns(row)?))
}

fn threads(row: &Row) -> f64 {
    f64::from(row.case.threads())
}

/// Share of the capacity of a call. Damaged rows may have a wall time of 0, of which there is
/// no share.
fn share(row: &Row, ns: f64) -> Option<f64> {
    let capacity_ns = threads(row) * row.wall_ns? as f64;
    (capacity_ns > 0.0).then(|| ns / capacity_ns)
}
