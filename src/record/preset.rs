//! Preset of a run: sweep, quick, crossover or METG.

use serde::{Deserialize, Serialize};

/// Preset of a run, which determines its cases and the head of its report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Time of each backend at each thread count.
    #[default]
    Sweep,
    /// Sweep of about ten seconds.
    Quick,
    /// Job size from which on a parallel backend is faster than the sequential one.
    Crossover,
    /// Minimum effective task granularity.
    Metg,
}

impl Preset {
    /// True for a sweep of about ten seconds.
    pub fn is_quick(self) -> bool {
        self == Preset::Quick
    }

    /// True if the run measures from which job size on a backend is faster.
    pub fn is_crossover(self) -> bool {
        self == Preset::Crossover
    }

    /// True if the run measures METG: the draws of its jobs follow from their chunks.
    pub fn is_metg(self) -> bool {
        self == Preset::Metg
    }

    /// True if the run measures a threshold of the size of jobs or tasks, with short calls.
    pub fn measures_threshold(self) -> bool {
        self.is_crossover() || self.is_metg()
    }
}
