//! Recommended number of threads, and its reason as text and JSON.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::Goal;
use crate::quantity::{format_time, pluralize};

/// CPUs that other programs may use, on average, before a choice is in doubt.
const OTHERS_CPUS: f64 = 0.25;

/// CPUs used at the largest count below which the program seems to have one thread.
const ONE_THREAD_CPUS: f64 = 1.2;

/// Ratio of the first run to the later ones from which it is called cold.
const COLD_RATIO: f64 = 1.2;

/// A ratio with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Estimate of the ratio.
    pub value: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

impl Estimate {
    /// The ratio whose logarithm is `mean` ± `half_width`.
    pub fn from_logs(mean: f64, half_width: f64) -> Estimate {
        let [value, low, high] = [mean, mean - half_width, mean + half_width].map(f64::exp);
        Estimate { value, low, high }
    }

    /// The ratio times a factor.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Estimate {
        let [value, low, high] = [self.value, self.low, self.high].map(|it| it * factor);
        Estimate { value, low, high }
    }
}

/// Reason for which a choice is not decided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Doubt {
    /// The differences are smaller than the noise of the runs made.
    Noise,
    /// The time budget ended.
    TimeBudget,
    /// Later runs of the same count take a small part of the first: the program keeps its
    /// result.
    KeptResult,
    /// Other programs used this number of CPUs during the runs.
    OthersCpus(f64),
}

/// Measurements of one candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Thread count.
    pub nthread: u32,
    /// Number of counted runs.
    pub runs: u32,
    /// Median time over the rounds; `None` without a run.
    pub median: Option<Duration>,
    /// Time divided by that of the recommended count; `None` for that count itself, and with
    /// fewer than three common rounds.
    pub relative_time: Option<Estimate>,
    /// Mean CPU time of a run; `None` if unknown.
    pub cpu_time: Option<Duration>,
    /// CPU time divided by wall time: the CPUs in use on average; `None` if unknown.
    pub cpus_used: Option<f64>,
    /// True if the race ended before the count was excluded.
    pub is_open: bool,
    /// True if a run was stopped because it took much longer than the fastest count.
    pub is_stopped: bool,
}

/// The recommended thread count, with the measurements behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommendation {
    /// Recommended count.
    pub nthread: u32,
    /// Goal of the choice.
    pub goal: Goal,
    /// Reason for which the choice is not decided; `None` if it is.
    pub doubt: Option<Doubt>,
    /// Share by which the count is slower than the best candidate, at most; `None` without
    /// bounds.
    pub bound: Option<f64>,
    /// Speedup over the smallest count; `None` for that count itself.
    pub speedup: Option<Estimate>,
    /// Efficiency relative to the smallest count.
    pub efficiency: Option<Estimate>,
    /// All candidates, the smallest count first.
    pub candidates: Vec<Candidate>,
    /// Rounds of the race.
    pub rounds: usize,
    /// Time of all runs.
    pub total: Duration,
    /// Time of the first run, which was not counted.
    pub first_run: Option<Duration>,
    /// CPUs that other programs used during the runs, on average; `None` if unknown.
    pub others_cpus: Option<f64>,
}

impl Recommendation {
    /// Adds the CPUs that other programs used. Beside a load, the times are those of this load:
    /// a decision is no longer one for the program alone.
    pub fn set_others_cpus(&mut self, cpus: Option<f64>) {
        self.others_cpus = cpus;
        if let (None, Some(cpus)) = (self.doubt, cpus.filter(|cpus| *cpus >= OTHERS_CPUS)) {
            self.doubt = Some(Doubt::OthersCpus(cpus));
        }
    }

    /// The count with the smallest median time.
    pub fn fastest(&self) -> u32 {
        let measured = self.candidates.iter().filter(|candidate| candidate.median.is_some());
        measured.min_by_key(|candidate| candidate.median).map_or(self.nthread, |it| it.nthread)
    }

    /// The recommendation as one JSON object. Times are in seconds.
    pub fn to_json(&self) -> serde_json::Value {
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
        let candidates: Vec<_> = self
            .candidates
            .iter()
            .map(|it| {
                json!({
                    "nthread": it.nthread,
                    "runs": it.runs,
                    "median_s": seconds(it.median),
                    "cpu_s": seconds(it.cpu_time),
                    "relative_time": it.relative_time,
                    "open": it.is_open,
                })
            })
            .collect();
        json!({
            "decided": self.doubt.is_none(),
            "nthread": self.nthread,
            "speedup": self.speedup.map(|it| it.value),
            "low": self.speedup.map(|it| it.low),
            "high": self.speedup.map(|it| it.high),
            "bound": self.bound,
            "efficiency": self.efficiency,
            "candidates": candidates,
            "rounds": self.rounds,
            "others_cpus": self.others_cpus,
            "reason": self.to_string(),
        })
    }

    fn chosen(&self) -> Option<&Candidate> {
        self.candidates.iter().find(|candidate| candidate.nthread == self.nthread)
    }

    /// The counts as a list: "1, 2, 4".
    fn counts(&self) -> String {
        let counts: Vec<String> =
            self.candidates.iter().map(|candidate| candidate.nthread.to_string()).collect();
        counts.join(", ")
    }

    /// The time, the speedup, and the bound or the efficiency.
    fn write_answer(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(chosen) = self.chosen() else { return Ok(()) };
        match self.doubt {
            None => write!(f, "Use {}", threads(self.nthread))?,
            Some(_) => write!(f, "Undecided; {}", threads(self.nthread))?,
        }
        let Some(time) = chosen.median else { return f.write_str(": no run ended in time") };
        write!(f, ": {}", format_time(time))?;
        if self.candidates.len() == 1 {
            return f.write_str(", the only count that was measured");
        }
        let smallest = &self.candidates[0];
        if let (Some(speedup), Some(base)) = (self.speedup, smallest.median) {
            write!(
                f,
                " instead of {}, {:.2} × as fast as {} (95% CI {:.2}–{:.2})",
                format_time(base),
                speedup.value,
                smallest.nthread,
                speedup.low,
                speedup.high
            )?;
        }
        match (self.goal, self.bound, self.efficiency) {
            (Goal::Within(_), Some(bound), _) if bound <= 0.0 => {
                write!(f, "; faster than each other count of {}", self.counts())
            }
            (Goal::Within(_), Some(bound), _) => {
                write!(f, "; at most {} slower than any of {}", percent(bound), self.counts())
            }
            (Goal::Within(_), None, _) => f.write_str("; too few rounds for a bound"),
            (Goal::Efficiency(share), _, Some(efficiency)) if self.nthread != smallest.nthread => {
                write!(
                    f,
                    "; efficiency {:.0}% ({:.0}–{:.0}), asked for {}",
                    100.0 * efficiency.value,
                    100.0 * efficiency.low,
                    100.0 * efficiency.high,
                    percent(share)
                )
            }
            (Goal::Efficiency(share), ..) => {
                write!(
                    f,
                    "; the smallest count, no larger one is known to be {} efficient",
                    percent(share)
                )
            }
        }
    }

    /// The other counts, with their times relative to the recommended one.
    fn write_others(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut texts = Vec::new();
        for other in self.candidates.iter().filter(|other| other.nthread != self.nthread) {
            let Some(time) = other.median else { continue };
            let at_least = if other.is_stopped { "at least " } else { "" };
            let mut text = format!("{}: {at_least}{}", threads(other.nthread), format_time(time));
            if let Some(ratio) = other.relative_time.filter(|_| !other.is_stopped) {
                text += &format!(" ({} to {})", signed(ratio.low - 1.0), signed(ratio.high - 1.0));
            }
            if let Some(cpu) = self.cpu_ratio(other).filter(|ratio| *ratio >= 1.1) {
                text += &format!(" for {cpu:.1} × the CPU time");
            }
            texts.push(text);
        }
        if texts.is_empty() { Ok(()) } else { write!(f, "\n{}.", texts.join("; ")) }
    }

    fn cpu_ratio(&self, other: &Candidate) -> Option<f64> {
        let chosen = self.chosen()?.cpu_time?.as_secs_f64();
        let ratio = other.cpu_time?.as_secs_f64() / chosen;
        (ratio.is_finite() && chosen > 0.0).then_some(ratio)
    }

    fn write_runs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs: u32 = self.candidates.iter().map(|candidate| candidate.runs).sum();
        write!(
            f,
            "\n{} in {}: {} in {}",
            pluralize(self.rounds, "round"),
            format_time(self.total),
            pluralize(runs, "run"),
            pluralize(self.candidates.len(), "count")
        )?;
        if let (Some(first), Some(last)) = (self.first_run, self.candidates.last()) {
            let later = last.median.unwrap_or(first);
            if first.as_secs_f64() > COLD_RATIO * later.as_secs_f64() {
                write!(f, "; first (cold) run {}, not counted", format_time(first))?;
            }
        }
        match self.others_cpus {
            Some(cpus) => write!(f, "; other programs used {:.1} CPUs.", cpus.max(0.0)),
            None => f.write_str("; the CPU use of other programs is unknown."),
        }
    }

    fn write_doubt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open: Vec<String> = self
            .candidates
            .iter()
            .filter(|it| it.is_open && it.nthread != self.nthread && it.median.is_some())
            .map(|it| it.nthread.to_string())
            .collect();
        let alternatives = match open.as_slice() {
            [] => String::new(),
            open => match self.goal {
                Goal::Within(share) => {
                    let (counts, share) = (open.join(", "), percent(share));
                    format!("; {counts} may be within {share} of the best as well")
                }
                Goal::Efficiency(_) => format!("; {} may do as well", open.join(", ")),
            },
        };
        match self.doubt {
            None => Ok(()),
            Some(Doubt::Noise) => write!(
                f,
                "\nThe runs vary too much for {} rounds to decide{alternatives}.",
                self.rounds
            ),
            Some(Doubt::TimeBudget) => write!(
                f,
                "\nThe time budget ended before a decision{alternatives}; try a larger \
                 --time-budget."
            ),
            Some(Doubt::KeptResult) => f.write_str(
                "\nThe first run took more than ten times as long as later ones: the command \
                 seems to keep its result. Undo it before each run, with --prepare.",
            ),
            Some(Doubt::OthersCpus(_)) => f.write_str(
                "\nOther programs used the CPUs: this holds beside them only. Repeat it on an \
                 idle machine.",
            ),
        }
    }

    /// A note where more threads change nothing.
    fn write_flat(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_flat = self.candidates.len() > 1
            && self.doubt.is_none()
            && self.nthread == self.candidates[0].nthread
            && self.candidates.iter().all(|candidate| candidate.is_open);
        if !is_flat {
            return Ok(());
        }
        f.write_str("\nMore threads do not make it faster")?;
        match self.candidates.last().and_then(|last| last.cpus_used.map(|cpus| (last, cpus))) {
            Some((last, cpus)) if cpus < ONE_THREAD_CPUS => write!(
                f,
                ": with {} it used {cpus:.1} CPUs, so it seems to ignore the setting.",
                threads(last.nthread)
            ),
            Some((last, cpus)) => {
                write!(f, ", though with {} it used {cpus:.1} CPUs.", threads(last.nthread))
            }
            None => f.write_str("."),
        }
    }
}

impl fmt::Display for Recommendation {
    /// The answer, the other counts, the runs, and a doubt: a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_answer(f)?;
        f.write_str(".")?;
        self.write_others(f)?;
        self.write_flat(f)?;
        self.write_runs(f)?;
        self.write_doubt(f)
    }
}

fn threads(nthread: u32) -> String {
    pluralize(nthread, "thread")
}

/// A share as a percentage with at most two digits after the point: 5%, 2.5%.
fn percent(share: f64) -> String {
    format!("{}%", (share * 1e3).round() / 1e1)
}

/// A change in percent, with its sign.
fn signed(share: f64) -> String {
    let percent = 100.0 * share;
    let sign = if percent < 0.0 { "−" } else { "+" };
    format!("{sign}{:.0}%", percent.abs())
}
