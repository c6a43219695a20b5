//! The metrics that are plotted over the thread count, and the values of a case.

use super::scale::Scale;
use crate::analysis::CaseSummary;
use crate::view::nouns::Nouns;
use crate::view::number::{TIME, Unit, unit};
use crate::view::text::cut;

/// Characters of the baseline's name that an axis has room for.
const MAX_BASELINE: usize = 40;

const RATE: [Unit; 5] = [
    unit("Tdraws/s", 1e12),
    unit("Gdraws/s", 1e9),
    unit("Mdraws/s", 1e6),
    unit("kdraws/s", 1e3),
    unit("draws/s", 1.0),
];

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// The time of a call.
    Time,
    /// The speedup over the baseline.
    Speedup,
    /// The speedup per thread.
    Efficiency,
    /// Draws per second.
    Throughput,
    /// The mean busy time of the workers, divided by that of the busiest.
    LoadBalance,
    /// The busy time of the busiest worker, divided by the time of the call.
    Communication,
    /// The time of the baseline inside the kernel, divided by that of all workers.
    Computation,
    /// The time to create the team.
    Setup,
    /// The CPU time that parallelism costs.
    Overhead,
}

/// The values of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Values {
    pub median: f64,
    pub interval: Option<(f64, f64)>,
    /// The value of each round, in the order of the rounds.
    pub rounds: Vec<f64>,
}

impl Metric {
    /// The metrics of the plots.
    pub const PLOTTED: [Metric; 4] =
        [Metric::Time, Metric::Speedup, Metric::Efficiency, Metric::Throughput];

    /// All metrics, as the page has them.
    pub const ALL: [Metric; 9] = [
        Metric::Time,
        Metric::Speedup,
        Metric::Efficiency,
        Metric::Throughput,
        Metric::LoadBalance,
        Metric::Communication,
        Metric::Computation,
        Metric::Setup,
        Metric::Overhead,
    ];

    /// The name of its files before the dot.
    pub fn file_stem(self) -> &'static str {
        match self {
            Metric::Time => "time",
            Metric::Speedup => "speedup",
            Metric::Efficiency => "efficiency",
            Metric::Throughput => "throughput",
            Metric::LoadBalance => "load_balance",
            Metric::Communication => "communication",
            Metric::Computation => "computation",
            Metric::Setup => "setup",
            Metric::Overhead => "overhead",
        }
    }

    /// The title of its figure.
    pub fn title(self, nouns: Nouns) -> &'static str {
        match self {
            Metric::Time if nouns.call == "run" => "Time of a run",
            Metric::Time => "Time of a call",
            Metric::Speedup => "Speedup",
            Metric::Efficiency => "Efficiency",
            Metric::Throughput => "Throughput",
            Metric::LoadBalance => "Load balance",
            Metric::Communication => "Communication",
            Metric::Computation => "Computation",
            Metric::Setup => "Cost of setup",
            Metric::Overhead if nouns.call == "run" => "Cost of a run",
            Metric::Overhead => "Cost of a call",
        }
    }

    /// The definition of the metric, or the direction in which it is better.
    pub fn definition(self, nouns: Nouns) -> &'static str {
        match self {
            Metric::Time => "lower is better",
            Metric::Speedup | Metric::Throughput => "higher is better",
            Metric::Efficiency => "speedup per thread",
            Metric::LoadBalance => "mean busy time of the workers, divided by that of the busiest",
            Metric::Communication => {
                "busy time of the busiest worker, divided by the time of the call"
            }
            Metric::Computation => {
                "time of the baseline inside the kernel, divided by that of all workers"
            }
            Metric::Setup => "time to create the team, once for all of its calls",
            Metric::Overhead if nouns.has_workers => {
                "CPU time over the sequential loop, n·T(n) − T(1)"
            }
            Metric::Overhead => "n/n₀ × the time, minus the time of the baseline at n₀ threads",
        }
    }

    /// The label of the value axis.
    pub fn axis_label(self, unit: &str, nouns: Nouns, baseline: &str) -> String {
        match self {
            Metric::Speedup => format!("Speedup over {} ({unit})", cut(baseline, MAX_BASELINE)),
            Metric::Efficiency => format!("Efficiency: speedup per thread ({unit})"),
            _ => format!("{} ({unit})", self.title(nouns)),
        }
    }

    /// The unit for a figure of which the values are about `value`.
    pub fn unit_of(self, value: f64) -> Unit {
        match self {
            Metric::Time | Metric::Setup | Metric::Overhead => Unit::fitting(&TIME, value),
            Metric::Throughput => Unit::fitting(&RATE, value),
            Metric::Speedup => unit("×", 1.0),
            Metric::Efficiency
            | Metric::LoadBalance
            | Metric::Communication
            | Metric::Computation => unit("%", 0.01),
        }
    }

    /// True if a logarithmic value axis suits the metric, given the scale of the counts.
    pub fn suits_log(self, counts: Scale) -> bool {
        match self {
            Metric::Time => true,
            Metric::Speedup | Metric::Throughput => counts == Scale::Log,
            _ => false,
        }
    }

    /// The value of perfect scaling at `nthread`, over a baseline of `baseline` threads.
    pub fn ideal(self, nthread: f64, baseline: u32) -> Option<f64> {
        match self {
            Metric::Speedup => Some(nthread / f64::from(baseline.max(1))),
            Metric::Efficiency
            | Metric::LoadBalance
            | Metric::Communication
            | Metric::Computation => Some(1.0),
            Metric::Time | Metric::Throughput | Metric::Setup | Metric::Overhead => None,
        }
    }

    /// The value that belongs to a throughput and to that of the baseline; `None` for
    /// metrics without scaling laws.
    pub fn of_throughput(self, throughput: f64, baseline: f64, threads_ratio: f64) -> Option<f64> {
        match self {
            Metric::Speedup => Some(throughput / baseline),
            Metric::Efficiency => Some(throughput / baseline / threads_ratio),
            Metric::Throughput => Some(throughput),
            _ => None,
        }
    }

    /// The values of a case; `None` where it has none. Values that cannot be drawn are
    /// left out.
    pub fn values(self, case: &CaseSummary) -> Option<Values> {
        let single = |value: Option<f64>| Some((value?, None, None, Vec::new()));
        let (median, low, high, rounds) = match self {
            Metric::Time => {
                (case.median_ns?, case.median_low_ns, case.median_high_ns, case.round_ns.clone())
            }
            Metric::Throughput => {
                let draws_ns = case.throughput? * case.median_ns?;
                (
                    case.throughput?,
                    case.median_high_ns.map(|ns| draws_ns / ns),
                    case.median_low_ns.map(|ns| draws_ns / ns),
                    case.round_ns.iter().map(|ns| draws_ns / ns).collect(),
                )
            }
            Metric::Speedup => {
                (case.speedup?, case.speedup_low, case.speedup_high, case.ratios.clone())
            }
            Metric::Efficiency => (
                case.efficiency?,
                case.efficiency_low,
                case.efficiency_high,
                case.efficiencies.clone(),
            ),
            Metric::LoadBalance => single(case.load_balance)?,
            Metric::Communication => single(case.communication)?,
            Metric::Computation => single(case.computation_scaling)?,
            Metric::Setup => single(case.setup_ns)?,
            Metric::Overhead => single(case.overhead_ns)?,
        };
        let interval = low.zip(high);
        let interval = interval.filter(|(low, high)| self.can_show(*low) && self.can_show(*high));
        let rounds = rounds.into_iter().filter(|value| self.can_show(*value)).collect();
        self.can_show(median).then_some(Values { median, interval, rounds })
    }

    /// True if a value can be drawn. Only an overhead may be zero or negative.
    fn can_show(self, value: f64) -> bool {
        value.is_finite() && (value > 0.0 || self == Metric::Overhead)
    }
}
