//! What was timed so far, and how far it can be trusted.

use std::collections::BTreeMap;
use std::time::Duration;

/// A count is run again until it took this long, so that a short program is judged
/// by several runs.
const LONG_ENOUGH: Duration = Duration::from_millis(300);

/// But not more often.
const MOST_RUNS: usize = 5;

/// The standard deviation of a run, as a share of its time, that is assumed until
/// runs that were repeated say otherwise.
const ASSUMED_NOISE: f64 = 0.02;

/// The assumption weighs as much as so many repeated runs.
const WEIGHT: f64 = 2.0;

/// Standard errors up to which two times may be the same.
const ERRORS: f64 = 2.0;

/// Times of runs, by the index of their count.
#[derive(Debug, Default)]
pub struct Times {
    runs: BTreeMap<usize, Vec<Duration>>,
}

impl Times {
    /// One more run.
    pub fn add(&mut self, at: usize, time: Duration) {
        self.runs.entry(at).or_default().push(time);
    }

    /// Whether a count was run often enough for a start.
    pub fn is_enough(&self, at: usize) -> bool {
        let runs = self.of(at);
        runs.len() >= MOST_RUNS || runs.iter().sum::<Duration>() >= LONG_ENOUGH
    }

    /// Counts that were run, the smallest first.
    pub fn known(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        self.runs.keys().copied()
    }

    /// The next smaller count that was run.
    pub fn below(&self, at: usize) -> Option<usize> {
        self.runs.range(..at).next_back().map(|(at, _)| *at)
    }

    /// The next larger count that was run.
    pub fn above(&self, at: usize) -> Option<usize> {
        self.runs.range(at + 1..).next().map(|(at, _)| *at)
    }

    /// The count with the smallest median; 0 before any run.
    pub fn best(&self) -> usize {
        self.known().min_by_key(|at| self.median(*at)).unwrap_or(0)
    }

    /// The median of a count's times; the mean of the middle two of an even number.
    pub fn median(&self, at: usize) -> Duration {
        let mut times = self.of(at).to_vec();
        times.sort_unstable();
        match times.len() {
            0 => Duration::ZERO,
            runs if runs % 2 == 1 => times[runs / 2],
            runs => (times[runs / 2 - 1] + times[runs / 2]) / 2,
        }
    }

    /// The median of one count over that of another.
    pub fn ratio(&self, at: usize, other: usize) -> f64 {
        let seconds = |at| self.median(at).as_secs_f64().max(1e-9);
        seconds(at) / seconds(other)
    }

    /// The standard deviation of a run as a share of its time: that of repeated runs
    /// around the median of their count, pooled with the assumed one.
    pub fn noise(&self) -> f64 {
        let (mut sum, mut freedom) = (WEIGHT * ASSUMED_NOISE * ASSUMED_NOISE, WEIGHT);
        for (at, runs) in self.runs.iter().filter(|(_, runs)| runs.len() > 1) {
            let median = self.median(*at).as_secs_f64().max(1e-9);
            sum += runs.iter().map(|it| (it.as_secs_f64() / median - 1.0).powi(2)).sum::<f64>();
            freedom += runs.len() as f64 - 1.0;
        }
        (sum / freedom).sqrt()
    }

    /// By how much the logarithm of a ratio of two medians may be wrong.
    pub fn error(&self, at: usize, other: usize) -> f64 {
        let share = |at| 1.0 / self.of(at).len().max(1) as f64;
        ERRORS * self.noise() * (share(at) + share(other)).sqrt()
    }

    /// Whether no count differs from the best by more than chance may make it.
    pub fn are_alike(&self) -> bool {
        let best = self.best();
        self.known().all(|at| self.ratio(at, best).ln() <= self.error(at, best))
    }

    /// Whether times fall to the best count and rise behind it, but for what chance may
    /// make.
    pub fn are_a_valley(&self) -> bool {
        let best = self.best();
        let known: Vec<usize> = self.known().collect();
        known.windows(2).all(|pair| {
            let (near, far) = if pair[1] <= best { (pair[1], pair[0]) } else { (pair[0], pair[1]) };
            self.ratio(near, far).ln() <= self.error(near, far)
        })
    }

    /// Runs of a count.
    pub fn runs(&self, at: usize) -> usize {
        self.of(at).len()
    }

    /// How long all runs lasted.
    pub fn total(&self) -> Duration {
        self.runs.values().flatten().sum()
    }

    fn of(&self, at: usize) -> &[Duration] {
        self.runs.get(&at).map_or(&[], Vec::as_slice)
    }
}
