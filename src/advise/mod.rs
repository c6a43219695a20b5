//! Search for the number of threads of a program, with few runs, since each may take a
//! minute.
//!
//! The search is a pure function of a [`TimedProgram`]. It starts at the largest count,
//! halves it while the time stays close to the best, searches around the best count for a
//! better one, and bisects between the last count that meets the goal and the first that
//! does not. If the times have one minimum, and no count exceeds perfect scaling, the
//! result is the exact count; with several minima it may not be.
//!
//! Times vary, so a decision that is not significant is repeated with runs of both counts
//! in turn, within a limit of time. If it stays undecided, the recommendation says so.

mod recommendation;
mod times;

pub use recommendation::Recommendation;

use std::time::Duration;

use times::Times;

/// Total time of repeated runs. A longer program has two: one of each count of a decision.
const MAX_REPEATED: Duration = Duration::from_secs(3);

/// Position of the next count, as a share of the way from the best count to its neighbour:
/// the golden section, which needs the fewest runs for any function with one minimum.
/// J. Kiefer, "Sequential minimax search for a maximum", Proc. AMS 4 (1953).
const GOLDEN: f64 = 0.382;

/// Ratio to the best time at which the halving ends. Smaller ratios may be noise if all large
/// counts are oversubscribed and equally slow.
const CLEARLY_SLOWER: f64 = 1.25;

/// Most repeated decisions.
const MAX_REPETITIONS: u32 = 40;

/// A program that can be timed at any thread count.
pub trait TimedProgram {
    /// Error of a failed run.
    type Error;

    /// Time of one run with this number of threads.
    ///
    /// # Errors
    /// If the run fails.
    fn time(&mut self, nthread: u32) -> Result<Duration, Self::Error>;
}

/// Goal of the search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// The smallest count whose time exceeds the best by at most this share.
    Within(f64),
    /// The largest count with at least this efficiency: the speedup over the smallest count,
    /// divided by the ratio of the counts.
    Efficiency(f64),
}

/// Recommends a count among `candidates`, which are sorted and not empty.
///
/// # Errors
/// The first failed run.
pub fn search<P: TimedProgram>(
    program: &mut P,
    candidates: &[u32],
    goal: Goal,
) -> Result<Recommendation, P::Error> {
    let mut search = Search { program, candidates, goal, times: Times::default() };
    match goal {
        Goal::Within(_) => search.halve()?,
        Goal::Efficiency(_) => search.run_ends()?,
    }
    search.bisect()?;
    Ok(search.recommendation())
}

/// State of a search. Counts are given as indices into the candidates.
struct Search<'a, P> {
    program: &'a mut P,
    candidates: &'a [u32],
    goal: Goal,
    times: Times,
}

impl<P: TimedProgram> Search<'_, P> {
    /// Halves the largest count until one is clearly slower, then searches for the best.
    fn halve(&mut self) -> Result<(), P::Error> {
        let mut at = self.candidates.len() - 1;
        self.run(at)?;
        while at > 0 {
            // The largest candidate of at most half the threads.
            let half = self.candidates[at] / 2;
            at = self.candidates[..at].iter().rposition(|count| *count <= half).unwrap_or(0);
            self.run(at)?;
            if self.times.ratio(at, self.times.best()) > self.limit(at).max(CLEARLY_SLOWER) {
                break;
            }
        }
        self.search_around_best()
    }

    /// Measures counts between the best count and its neighbours while one may be faster.
    fn search_around_best(&mut self) -> Result<(), P::Error> {
        while let Some((low, high)) = self.most_promising_gap() {
            let step = (GOLDEN * (high - low) as f64).round().max(1.0) as usize;
            self.run(if low == self.times.best() { low + step } else { high - step })?;
        }
        Ok(())
    }

    /// The gap between the best count and a neighbour that may contain a faster count; of two
    /// gaps the one with the lower bound. The bound is perfect scaling from the lower count.
    fn most_promising_gap(&self) -> Option<(usize, usize)> {
        let best = self.times.best();
        let below = self.times.below(best).map(|below| (below, best));
        let above = self.times.above(best).map(|above| (best, above));
        [below, above]
            .into_iter()
            .flatten()
            .filter(|(low, high)| high - low > 1)
            .map(|(low, high)| {
                let bound = self.times.ratio(low, best) * self.count(low) / self.count(high - 1);
                (bound, (low, high))
            })
            // No count in the gap can be faster than the bound.
            .filter(|(bound, _)| *bound < 1.0)
            .min_by(|(one, _), (other, _)| one.total_cmp(other))
            .map(|(_, gap)| gap)
    }

    /// Measures the smallest count, the reference of efficiency, and the largest.
    fn run_ends(&mut self) -> Result<(), P::Error> {
        self.run(0)?;
        self.run(self.candidates.len() - 1)
    }

    /// Bisects to the count that meets the goal, and repeats decisions that are not
    /// significant.
    fn bisect(&mut self) -> Result<(), P::Error> {
        let mut repeated = Duration::ZERO;
        for _ in 0..MAX_REPETITIONS {
            while let Some(middle) = self.unmeasured_middle() {
                self.run(middle)?;
            }
            // More runs may change the result, so the bisection is repeated afterwards.
            let Some(undecided) = self.undecided() else { return Ok(()) };
            let reference = self.reference();
            let next = self.times.median(undecided) + self.times.median(reference);
            // The first decision is repeated even if the program takes longer.
            if !repeated.is_zero() && repeated + next > MAX_REPEATED {
                return Ok(());
            }
            repeated += next;
            for at in [reference, undecided] {
                self.run_once(at)?;
            }
        }
        Ok(())
    }

    /// The middle between the current result and the neighbour that misses the goal, if there
    /// are counts between them.
    fn unmeasured_middle(&self) -> Option<usize> {
        let result = self.result();
        let (low, high) = match self.goal {
            Goal::Within(_) => (self.times.below(result)?, result),
            Goal::Efficiency(_) => (result, self.times.above(result)?),
        };
        let middle = (low + high) / 2;
        (middle > low).then_some(middle)
    }

    /// The count that meets the goal among the measured ones.
    fn result(&self) -> usize {
        match self.goal {
            // From the best count downwards, while all meet the goal.
            Goal::Within(_) => {
                let mut result = self.times.best();
                while let Some(below) = self.times.below(result).filter(|at| self.meets_goal(*at)) {
                    result = below;
                }
                result
            }
            Goal::Efficiency(_) => {
                let mut good = self.times.measured().filter(|at| self.meets_goal(*at));
                good.next_back().unwrap_or(0)
            }
        }
    }

    /// The count that others are compared with.
    fn reference(&self) -> usize {
        match self.goal {
            Goal::Within(_) => self.times.best(),
            Goal::Efficiency(_) => 0,
        }
    }

    /// Ratio of times, count to reference, up to which a count meets the goal.
    fn limit(&self, at: usize) -> f64 {
        match self.goal {
            Goal::Within(share) => 1.0 + share,
            Goal::Efficiency(share) => self.count(0) / self.count(at) / share,
        }
    }

    fn meets_goal(&self, at: usize) -> bool {
        self.times.ratio(at, self.reference()) <= self.limit(at)
    }

    /// True if a count is not significantly on one side of the limit.
    fn is_undecided(&self, at: usize) -> bool {
        let reference = self.reference();
        // Log ratios, since noise is proportional to the time.
        let off = (self.times.ratio(at, reference) / self.limit(at)).ln().abs();
        at != reference && off < self.times.error(at, reference)
    }

    /// An undecided count: the current result first, then its neighbour that misses the goal.
    fn undecided(&self) -> Option<usize> {
        let result = self.result();
        [Some(result), self.rejected_neighbour(result)]
            .into_iter()
            .flatten()
            .find(|at| self.is_undecided(*at))
    }

    /// The neighbour of the current result that misses the goal.
    fn rejected_neighbour(&self, result: usize) -> Option<usize> {
        match self.goal {
            Goal::Within(_) => self.times.below(result),
            Goal::Efficiency(_) => self.times.above(result),
        }
    }

    fn count(&self, at: usize) -> f64 {
        f64::from(self.candidates[at])
    }

    /// Measures a count, several times if its runs are short.
    fn run(&mut self, at: usize) -> Result<(), P::Error> {
        loop {
            self.run_once(at)?;
            if self.times.is_enough(at) {
                return Ok(());
            }
        }
    }

    fn run_once(&mut self, at: usize) -> Result<(), P::Error> {
        let time = self.program.time(self.candidates[at])?;
        self.times.add(at, time);
        Ok(())
    }

    /// The recommendation after the search.
    fn recommendation(&self) -> Recommendation {
        let result = self.result();
        let candidates = [self.rejected_neighbour(result), Some(result)];
        let undecided = candidates.into_iter().flatten().find(|at| self.is_undecided(*at));
        let alternative = match undecided {
            // If the result may miss the goal, the next count on the other side is meant.
            Some(at) if at == result => match self.goal {
                Goal::Within(_) => self.times.above(result),
                Goal::Efficiency(_) => self.times.below(result),
            },
            other => other,
        };
        let (best, times) = (self.times.best(), &self.times);
        Recommendation {
            nthread: self.candidates[result],
            time: times.median(result),
            best: (self.candidates[best], times.median(best)),
            base: times.measured().next().map(|at| (self.candidates[at], times.median(at))),
            runs: times.measured().map(|at| (self.candidates[at], times.runs(at))).collect(),
            total: times.total(),
            alternative: alternative.map(|at| self.candidates[at]),
            is_flat: self.candidates.len() > 1 && times.are_equal(),
            has_several_minima: matches!(self.goal, Goal::Within(_)) && !times.have_one_minimum(),
            goal: self.goal,
        }
    }
}

#[cfg(test)]
mod tests;
