//! Measured times, with an estimate of their noise.

use std::collections::BTreeMap;
use std::time::Duration;

/// Total time after which a count is not repeated: short programs have several runs.
const MIN_TOTAL: Duration = Duration::from_millis(300);

/// Most runs of a count before the first decision.
const MAX_RUNS: usize = 5;

/// Assumed relative standard deviation of a run, until repeated runs give an estimate.
const ASSUMED_NOISE: f64 = 0.02;

/// Weight of the assumption, in repeated runs.
const WEIGHT: f64 = 2.0;

/// Limit of a significant difference, in standard errors.
const STANDARD_ERRORS: f64 = 2.0;

/// Times of runs, by the index of their count.
#[derive(Debug, Default)]
pub struct Times {
    runs: BTreeMap<usize, Vec<Duration>>,
}

impl Times {
    /// Adds a run.
    pub fn add(&mut self, at: usize, time: Duration) {
        self.runs.entry(at).or_default().push(time);
    }

    /// True if a count has enough runs for a first decision.
    pub fn is_enough(&self, at: usize) -> bool {
        let runs = self.of(at);
        runs.len() >= MAX_RUNS || runs.iter().sum::<Duration>() >= MIN_TOTAL
    }

    /// Measured counts, the smallest first.
    pub fn measured(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        self.runs.keys().copied()
    }

    /// The next smaller measured count.
    pub fn below(&self, at: usize) -> Option<usize> {
        self.runs.range(..at).next_back().map(|(at, _)| *at)
    }

    /// The next larger measured count.
    pub fn above(&self, at: usize) -> Option<usize> {
        self.runs.range(at + 1..).next().map(|(at, _)| *at)
    }

    /// The count with the smallest median; 0 before the first run.
    pub fn best(&self) -> usize {
        self.measured().min_by_key(|at| self.median(*at)).unwrap_or(0)
    }

    /// Median time of a count.
    pub fn median(&self, at: usize) -> Duration {
        let mut times = self.of(at).to_vec();
        times.sort_unstable();
        match times.len() {
            0 => Duration::ZERO,
            runs if runs % 2 == 1 => times[runs / 2],
            runs => (times[runs / 2 - 1] + times[runs / 2]) / 2,
        }
    }

    /// Ratio of the median times of two counts.
    pub fn ratio(&self, at: usize, other: usize) -> f64 {
        let [time, other] = [at, other].map(|at| self.median(at).as_secs_f64().max(1e-9));
        time / other
    }

    /// Relative standard deviation of a run: that of repeated runs around the median of their
    /// count, pooled with the assumed one.
    pub fn noise(&self) -> f64 {
        // Without the assumed noise, two equal runs would give an error of 0.
        let (mut sum, mut freedom) = (WEIGHT * ASSUMED_NOISE * ASSUMED_NOISE, WEIGHT);
        for (at, runs) in self.runs.iter().filter(|(_, runs)| runs.len() > 1) {
            let median = self.median(*at).as_secs_f64().max(1e-9);
            sum += runs.iter().map(|it| (it.as_secs_f64() / median - 1.0).powi(2)).sum::<f64>();
            freedom += runs.len() as f64 - 1.0;
        }
        (sum / freedom).sqrt()
    }

    /// Limit of a significant log ratio of two medians.
    pub fn error(&self, at: usize, other: usize) -> f64 {
        let [variance, other] = [at, other].map(|at| 1.0 / self.of(at).len().max(1) as f64);
        STANDARD_ERRORS * self.noise() * (variance + other).sqrt()
    }

    /// True if no count differs significantly from the best.
    pub fn are_equal(&self) -> bool {
        let best = self.best();
        self.measured().all(|at| self.ratio(at, best).ln() <= self.error(at, best))
    }

    /// True if the times fall up to the best count and rise beyond it, except for differences
    /// that are not significant.
    pub fn have_one_minimum(&self) -> bool {
        let best = self.best();
        let measured: Vec<usize> = self.measured().collect();
        measured.windows(2).all(|pair| {
            let (near, far) = if pair[1] <= best { (pair[1], pair[0]) } else { (pair[0], pair[1]) };
            self.ratio(near, far).ln() <= self.error(near, far)
        })
    }

    /// Number of runs of a count.
    pub fn runs(&self, at: usize) -> usize {
        self.of(at).len()
    }

    /// Total time of all runs.
    pub fn total(&self) -> Duration {
        self.runs.values().flatten().sum()
    }

    fn of(&self, at: usize) -> &[Duration] {
        self.runs.get(&at).map_or(&[], Vec::as_slice)
    }
}
