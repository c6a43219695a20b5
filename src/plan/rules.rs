//! The rules of a measurement: how long calls are, when a visit and a run end.

use std::fmt;

use super::round_order;
use crate::record::Plan;

/// Blocks that every worker, and every thread inside it, gets at least when the draws
/// are calibrated.
const BLOCKS_PER_WORKER: u64 = 32;

/// How to measure, whatever the cases.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Seed of the order of visits.
    pub order_seed: u64,
    /// Rounds at most; without a precision, exactly so many.
    pub rounds: u32,
    /// The share of itself to which every speedup is to be known; `None` for
    /// exactly so many rounds.
    pub precision: Option<f64>,
    /// And how long they may take.
    pub budget: Budget,
    /// Calls of a visit that are not counted.
    pub warmup: u32,
    /// Calls of a visit that are counted.
    pub iterations: u32,
    /// Limit of a visit; `None` follows the rule.
    pub timeout_ns: Option<u64>,
}

impl Rules {
    /// Lets a plan be measured by these rules.
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

/// How long a run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// As long as its rounds take.
    Unlimited,
    /// So many nanoseconds, looked at before each visit.
    Given(u64),
    /// What the rounds are forecast to take, with a margin, within limits.
    Forecast,
}

/// How many draws a call has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Draws {
    /// As given, each rounded up to whole blocks.
    Given(Vec<u64>),
    /// A power of two, chosen so that a call is long enough to be timed well.
    Calibrated(Calibration),
    /// Each chunk has draws of its own: (blocks of the chunk, draws), whole tasks.
    ByChunk(Vec<(u64, u64)>),
}

/// The rule of a calibration: how long a sequential call lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calibration {
    /// At least this long, in nanoseconds.
    pub call_ns: u64,
    /// And at least this long for each thread of the largest usable count.
    pub call_ns_per_thread: u64,
    /// The whole run lasts at most this long: shorter calls where it would not.
    pub run_ns: Option<u64>,
}

impl Calibration {
    /// The rule of a full sweep: dispatch and timer vanish in a call.
    pub const FULL: Calibration =
        Calibration { call_ns: 50_000_000, call_ns_per_thread: 5_000_000, run_ns: None };

    /// The rule of `--quick`: an answer in about ten seconds.
    pub const QUICK: Calibration = Calibration { run_ns: Some(8_000_000_000), ..Self::FULL };

    /// What a sequential call must last at least, when `usable_nthread` is the
    /// largest thread count that is not oversubscribed.
    pub fn target_ns(&self, usable_nthread: u32) -> u64 {
        self.call_ns.max(self.call_ns_per_thread * u64::from(usable_nthread))
    }
}

impl fmt::Display for Draws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = match self {
            Draws::Calibrated(rule) => rule,
            Draws::Given(_) => return f.write_str("as given, rounded up to whole blocks"),
            Draws::ByChunk(_) => {
                return f.write_str(
                    "as many for each chunk that a call has enough tasks and not too many",
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

/// The fewest draws with which each of so many threads gets enough blocks.
pub fn least_draws(threads: &[u32], block: u64) -> u64 {
    let most = threads.iter().copied().max().unwrap_or(1);
    (BLOCKS_PER_WORKER * u64::from(most) * block).next_power_of_two()
}
