//! Rules of a measurement: the length of calls, and the end of visits and runs.

use std::fmt;

use super::round_order;
use crate::record::Plan;

/// Minimum of blocks of every worker, and of every thread inside it, with calibrated draws.
const BLOCKS_PER_WORKER: u64 = 32;

/// The rules of a measurement.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The seed of the order of visits.
    pub order_seed: u64,
    /// The maximum of rounds; without a precision, the exact number.
    pub rounds: u32,
    /// The relative half-width of the interval of every speedup that ends the run, if any.
    pub precision: Option<f64>,
    /// The time budget of the run.
    pub budget: Budget,
    /// The warm-up calls of a visit.
    pub warmup: u32,
    /// The measured calls of a visit.
    pub iterations: u32,
    /// The time limit of a visit; by default it follows from the forecast.
    pub timeout_ns: Option<u64>,
}

impl Rules {
    /// Sets the rules of a plan.
    pub fn apply(&self, plan: &mut Plan) {
        plan.order_seed = self.order_seed;
        plan.stopping.rounds = self.rounds;
        plan.stopping.precision = self.precision;
        plan.stopping.time_budget_ns = match self.budget {
            Budget::Given(ns) => Some(ns),
            Budget::Unlimited | Budget::Forecast => None,
        };
        plan.warmup = self.warmup;
        plan.iterations = self.iterations;
        plan.timeout_ns = self.timeout_ns;
        plan.first_round = round_order(plan, 0);
    }
}

/// The time budget of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Budget {
    /// No limit.
    #[default]
    Unlimited,
    /// A limit in nanoseconds, checked before each visit.
    Given(u64),
    /// The forecast time of the rounds with a margin, within limits.
    Forecast,
}

/// The rule for the draws of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Draws {
    /// The given numbers, each rounded up to whole blocks.
    Given(Vec<u64>),
    /// A power of two, calibrated so that a call is long enough for precise timing.
    Calibrated(Calibration),
    /// A number for each chunk, in whole tasks: (blocks of the chunk, draws).
    ByChunk(Vec<(u64, u64)>),
}

/// The rule of a calibration: the duration of a sequential call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calibration {
    /// The minimum duration, in nanoseconds.
    pub call_ns: u64,
    /// The minimum duration for each thread of the largest usable count.
    pub call_ns_per_thread: u64,
    /// The maximum duration of the run, which shortens the calls if necessary.
    pub run_ns: Option<u64>,
}

impl Calibration {
    /// The rule of a full sweep: the overheads of dispatch and timer are negligible.
    pub const FULL: Calibration =
        Calibration { call_ns: 50_000_000, call_ns_per_thread: 5_000_000, run_ns: None };

    /// The rule of `--quick`: the run takes about ten seconds.
    pub const QUICK: Calibration = Calibration { run_ns: Some(8_000_000_000), ..Self::FULL };

    /// The minimum duration of a sequential call. `usable_nthread` is the largest thread count that
    /// is not oversubscribed.
    pub fn target_ns(&self, usable_nthread: u32) -> u64 {
        self.call_ns.max(self.call_ns_per_thread * u64::from(usable_nthread))
    }
}

impl Default for Draws {
    fn default() -> Draws {
        Draws::Given(Vec::new())
    }
}

impl fmt::Display for Draws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = match self {
            Draws::Calibrated(rule) => rule,
            Draws::Given(_) => return f.write_str("as given, rounded up to whole blocks"),
            Draws::ByChunk(_) => {
                return f.write_str(
                    "for each chunk so many that a call has enough tasks and not too many",
                );
            }
        };
        write!(
            f,
            "calibrated: a power of two such that a sequential call lasts max({} ms, {} ms × the \
             largest usable nthread) and every worker gets at least {BLOCKS_PER_WORKER} blocks",
            rule.call_ns / 1_000_000,
            rule.call_ns_per_thread / 1_000_000,
        )?;
        match rule.run_ns {
            Some(ns) => {
                write!(f, "; halved while the run would last over {} s", ns / 1_000_000_000)
            }
            None => Ok(()),
        }
    }
}

/// The smallest power of two of draws with which each thread gets enough blocks.
pub fn least_draws(threads: &[u32], block: u64) -> u64 {
    let most = threads.iter().copied().max().unwrap_or(1);
    (BLOCKS_PER_WORKER * u64::from(most) * block).next_power_of_two()
}
