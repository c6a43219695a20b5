//! Forecast of the time of visits and rounds, from measured speeds.

use std::time::Duration;

use crate::plan::round_order;
use crate::record::{Case, Plan};

/// A visit is killed after this multiple of its forecast.
const TIMEOUT_FACTOR: f64 = 20.0;

/// Shortest timeout of a visit.
const MIN_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest forecast and timeout, so that a deadline does not overflow the clock.
pub const MAX_DURATION: Duration = Duration::from_secs(365 * 24 * 3600);

/// Speed of one worker at a kernel.
#[derive(Clone, Debug)]
pub struct Speed {
    /// Name of the kernel.
    pub kernel: String,
    /// Name of the foreign runner; `None` for the backends of the harness.
    pub runner: Option<String>,
    /// Time of a call, for each draw.
    pub ns_per_draw: f64,
    /// Time of a visit outside its calls.
    pub overhead_ns: f64,
}

/// Forecast of times. Without speeds every time is 0.
#[derive(Clone, Debug, Default)]
pub struct Forecast {
    speeds: Vec<Speed>,
    usable_cpus: u32,
}

impl Forecast {
    /// Starts without speeds, for a machine with this number of usable CPUs.
    pub fn new(usable_cpus: u32) -> Forecast {
        Forecast { speeds: Vec::new(), usable_cpus }
    }

    /// Number of usable CPUs.
    pub fn usable_cpus(&self) -> u32 {
        self.usable_cpus
    }

    /// Adds a speed.
    pub fn add(&mut self, speed: Speed) {
        self.speeds.push(speed);
    }

    /// Speed at a kernel, of a foreign runner or of the backends of the harness.
    pub fn speed(&self, kernel: &str, runner: Option<&str>) -> Option<&Speed> {
        self.speeds.iter().find(|speed| speed.kernel == kernel && speed.runner.as_deref() == runner)
    }

    /// Speed of a case: that of its own runner, if it was measured.
    fn speed_of(&self, case: &Case) -> Option<&Speed> {
        let own = self.speed(&case.kernel, Some(&case.backend));
        own.or_else(|| self.speed(&case.kernel, None))
    }

    /// Time of a visit of the plan: perfect speedup up to the usable CPUs, none beyond.
    pub fn visit_ns(&self, plan: &Plan, case: &Case) -> f64 {
        self.visit_with_calls_ns(case, plan.warmup + plan.iterations)
    }

    /// Time of a visit with this number of calls.
    pub fn visit_with_calls_ns(&self, case: &Case, calls: u32) -> f64 {
        let overhead_ns = self.speed_of(case).map_or(0.0, |speed| speed.overhead_ns);
        f64::from(calls) * self.call_ns(case) + overhead_ns
    }

    /// Time of a call.
    pub fn call_ns(&self, case: &Case) -> f64 {
        let ns_per_draw = self.speed_of(case).map_or(0.0, |speed| speed.ns_per_draw);
        let sequential = ns_per_draw * case.draws.unwrap_or_default() as f64;
        sequential / f64::from(case.threads().min(self.usable_cpus).max(1))
    }

    /// Time of this number of rounds.
    pub fn rounds_ns(&self, plan: &Plan, rounds: u32) -> f64 {
        let round = round_order(plan, 0);
        let visits = round.iter().flatten().map(|&case| self.visit_ns(plan, &plan.cases[case]));
        f64::from(rounds) * visits.sum::<f64>()
    }

    /// Timeout of a visit of the plan: as given, or a multiple of its forecast. Commands and
    /// functions have none by default, since their times are unknown.
    pub fn timeout(&self, plan: &Plan, case: &Case) -> Duration {
        match plan.timeout_ns {
            Some(ns) => Duration::from_nanos(ns),
            None if plan.target.is_kernel() => {
                self.timeout_with_calls(case, plan.warmup + plan.iterations)
            }
            None => MAX_DURATION,
        }
    }

    /// Timeout of a visit with this number of calls: a multiple of its forecast.
    pub fn timeout_with_calls(&self, case: &Case, calls: u32) -> Duration {
        duration(TIMEOUT_FACTOR * self.visit_with_calls_ns(case, calls)).max(MIN_TIMEOUT)
    }
}

/// Converts a forecast in nanoseconds, which may be negative, infinite or NaN.
pub fn duration(nanoseconds: f64) -> Duration {
    Duration::try_from_secs_f64(nanoseconds / 1e9)
        .map_or(MAX_DURATION, |time| time.min(MAX_DURATION))
}
