//! Recommended thread count, and its reason as text.

use std::fmt;
use std::time::Duration;

use super::Goal;
use crate::quantity::{format_percent, format_percent_short, format_time, pluralize};

/// The recommended thread count, with the measurements behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommendation {
    /// Recommended count.
    pub nthread: u32,
    /// Median time at that count.
    pub time: Duration,
    /// Fastest measured count, with its median time.
    pub best: (u32, Duration),
    /// Smallest measured count, with its median time.
    pub base: Option<(u32, Duration)>,
    /// Measured counts with their numbers of runs.
    pub runs: Vec<(u32, usize)>,
    /// Total time of all runs.
    pub total: Duration,
    /// Alternative count, if the times do not decide between it and the recommended one.
    pub alternative: Option<u32>,
    /// True if no count differs significantly from the best.
    pub is_flat: bool,
    /// True if the times have several minima, so that a count in between may be as good.
    pub has_several_minima: bool,
    /// Goal of the search.
    pub goal: Goal,
}

impl fmt::Display for Recommendation {
    /// The reason, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", threads(self.nthread), format_time(self.time))?;
        let (best, time) = self.best;
        // The reason: the comparison with the best, or the efficiency.
        match self.goal {
            _ if self.runs.len() == 1 => f.write_str(", the only count that was measured")?,
            Goal::Within(_) if best == self.nthread => f.write_str(", the fastest")?,
            Goal::Within(share) => {
                let (share, time) = (format_percent_short(share), format_time(time));
                write!(f, ", within {share} of the best ({time} at {})", threads(best))?;
            }
            Goal::Efficiency(share) => self.write_efficiency(f, share)?,
        }
        let runs: usize = self.runs.iter().map(|(_, runs)| runs).sum();
        let list: Vec<String> =
            self.runs.iter().map(|(nthread, runs)| format!("{runs} × {nthread}")).collect();
        write!(
            f,
            "; {} in {} ({})",
            pluralize(runs, "run"),
            format_time(self.total),
            list.join(", ")
        )?;
        if let Some(other) = self.alternative.filter(|_| !self.is_flat) {
            write!(f, "; statistically indistinguishable from {other}")?;
        }
        if self.is_flat {
            f.write_str(
                "; the command seems to ignore the setting: all counts take the same time",
            )?;
        }
        if self.has_several_minima {
            f.write_str(
                "; the times have several minima: a count that was not measured may be as good",
            )?;
        }
        Ok(())
    }
}

impl Recommendation {
    fn write_efficiency(&self, f: &mut fmt::Formatter<'_>, share: f64) -> fmt::Result {
        let Some((base, time)) = self.base else { return Ok(()) };
        let speedup = time.as_secs_f64() / self.time.as_secs_f64().max(1e-9);
        let efficiency = speedup * f64::from(base) / f64::from(self.nthread);
        write!(f, ", {} efficient", format_percent(efficiency, 0))?;
        if self.nthread != base {
            write!(f, " ({} at {})", format_time(time), threads(base))?;
        }
        write!(f, ": the largest of at least {}", format_percent_short(share))
    }
}

fn threads(nthread: u32) -> String {
    pluralize(nthread, "thread")
}
