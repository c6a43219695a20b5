//! What a search found, and the reason in words.

use std::fmt;
use std::time::Duration;

use super::Goal;
use crate::quantity::{format_time, pluralize};

/// The count that is advised, and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The count.
    pub nthread: u32,
    /// The median time at that count.
    pub time: Duration,
    /// The fastest count that was run, and its median time.
    pub best: (u32, Duration),
    /// The smallest count that was run, and its median time.
    pub base: Option<(u32, Duration)>,
    /// Counts that were run, and how often.
    pub runs: Vec<(u32, usize)>,
    /// How long all runs lasted.
    pub total: Duration,
    /// The count that cannot be told from the advised one, if there is one.
    pub open: Option<u32>,
    /// Whether no count differed from any other by more than chance.
    pub is_flat: bool,
    /// Whether times go up and down, so that counts between may be as good.
    pub is_uneven: bool,
    /// What was asked for.
    pub goal: Goal,
}

impl fmt::Display for Found {
    /// The reason, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", threads(self.nthread), format_time(self.time))?;
        let (best, time) = self.best;
        match self.goal {
            _ if self.runs.len() == 1 => f.write_str(", the only count that was tried")?,
            Goal::Within(_) if best == self.nthread => f.write_str(", the fastest")?,
            Goal::Within(share) => {
                let (share, time) = (percent(share), format_time(time));
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
        if let Some(other) = self.open.filter(|_| !self.is_flat) {
            write!(f, "; cannot tell {} from {other}", self.nthread)?;
        }
        if self.is_flat {
            f.write_str(
                "; the command seems to ignore the setting: all counts take the same time",
            )?;
        }
        if self.is_uneven {
            f.write_str(
                "; times go up and down with the count: one that was not tried may be as good",
            )?;
        }
        Ok(())
    }
}

impl Found {
    fn write_efficiency(&self, f: &mut fmt::Formatter<'_>, share: f64) -> fmt::Result {
        let Some((base, time)) = self.base else { return Ok(()) };
        let speedup = time.as_secs_f64() / self.time.as_secs_f64().max(1e-9);
        let efficiency = speedup * f64::from(base) / f64::from(self.nthread);
        write!(f, ", {:.0}% efficient", 100.0 * efficiency)?;
        if self.nthread != base {
            write!(f, " ({} at {})", format_time(time), threads(base))?;
        }
        write!(f, ": the largest of at least {}", percent(share))
    }
}

fn threads(nthread: u32) -> String {
    pluralize(nthread, "thread")
}

/// 5%, 2.5%.
fn percent(share: f64) -> String {
    let rounded = (share * 1e4).round() / 1e2;
    format!("{rounded}%")
}
