//! The four things that are plotted, and how a case shows each of them.

use crate::analysis::CaseSummary;
use crate::view::nouns::Nouns;
use crate::view::text::cut;

/// Letters of the baseline's name that an axis has room for.
const LONGEST_BASELINE: usize = 40;

/// What the y axis of a figure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metric {
    Time,
    Speedup,
    Efficiency,
    Throughput,
}

/// What one case contributes to a figure.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Values {
    pub(super) median: f64,
    pub(super) interval: Option<(f64, f64)>,
    /// One a round, in the order of the rounds.
    pub(super) rounds: Vec<f64>,
}

impl Metric {
    pub(super) const ALL: [Metric; 4] =
        [Metric::Time, Metric::Speedup, Metric::Efficiency, Metric::Throughput];

    pub(super) fn file_stem(self) -> &'static str {
        match self {
            Metric::Time => "time",
            Metric::Speedup => "speedup",
            Metric::Efficiency => "efficiency",
            Metric::Throughput => "throughput",
        }
    }

    /// What it is called, of a job of which the cases are called so.
    pub(super) fn title(self, words: Nouns) -> &'static str {
        match self {
            Metric::Time if words.call == "run" => "Time of a run",
            Metric::Time => "Time of a call",
            Metric::Speedup => "Speedup",
            Metric::Efficiency => "Efficiency",
            Metric::Throughput => "Throughput",
        }
    }

    /// The text along the y axis; `unit` is what [`super::format`] chose.
    pub(super) fn axis_label(self, unit: &str, words: Nouns, baseline: &str) -> String {
        match self {
            Metric::Time => format!("{} ({unit})", self.title(words)),
            Metric::Speedup => format!("Speedup over {} ({unit})", cut(baseline, LONGEST_BASELINE)),
            Metric::Efficiency => format!("Efficiency: speedup per thread ({unit})"),
            Metric::Throughput => format!("Throughput ({unit})"),
        }
    }

    /// What perfect scaling would give at `nthread`, over a baseline of so many.
    pub(super) fn ideal(self, nthread: f64, of_baseline: u32) -> Option<f64> {
        match self {
            Metric::Speedup => Some(nthread / f64::from(of_baseline.max(1))),
            Metric::Efficiency => Some(1.0),
            Metric::Time | Metric::Throughput => None,
        }
    }

    /// The figures of a case, or nothing where it has none. What is not a
    /// positive number never leaves this function.
    pub(super) fn values(self, case: &CaseSummary) -> Option<Values> {
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
            Metric::Efficiency => {
                let by_thread = case.efficiency? / case.speedup?;
                (
                    case.efficiency?,
                    case.efficiency_low,
                    case.efficiency_high,
                    case.ratios.iter().map(|ratio| ratio * by_thread).collect(),
                )
            }
        };
        let interval = low.zip(high).filter(|(l, h)| drawable(*l) && drawable(*h));
        drawable(median).then(|| Values {
            median,
            interval,
            rounds: rounds.into_iter().filter(|v| drawable(*v)).collect(),
        })
    }
}

fn drawable(value: f64) -> bool {
    value.is_finite() && value > 0.0
}
