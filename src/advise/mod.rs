//! How many threads a program should have: a search over thread counts that makes
//! few runs, since each may last a minute.
//!
//! Pure: what is timed is a [`Machine`]. The search starts at the largest count,
//! halves it while that costs little, looks around the best count for a better one
//! (the best may lie in the middle), and bisects between the last count that is
//! good enough and the first that is not. Where the times fall to the best count and
//! rise behind it, and no count does better than perfect scaling, that finds the very
//! count that is asked for; where they go up and down, it may not.
//!
//! Times vary, so a decision that is close is looked at again, with runs of both sides
//! in turn, as far as an allowance of time goes; what stays open is said.

mod found;
mod times;

pub use found::Found;

use std::time::Duration;

use times::Times;

/// Extra runs may last this long in all; those of a program that takes longer are
/// two: one more of each side of one decision.
const ALLOWANCE: Duration = Duration::from_secs(3);

/// How far from the best count, as a share of the way to its neighbour, the next one is
/// tried: the golden section, which needs the fewest runs for a valley of any shape.
/// J. Kiefer, "Sequential minimax search for a maximum", Proc. AMS 4 (1953).
const GOLDEN: f64 = 0.382;

/// A count that is slower than the best by this factor ends the way down. Less may be
/// noise where all large counts are equally bad, as they are beyond the CPUs there are.
const CLEARLY: f64 = 1.25;

/// A search ends after this many decisions were looked at again.
const MOST_DOUBTS: u32 = 40;

/// What can be timed at any thread count.
pub trait Machine {
    /// Why a run did not count.
    type Problem;

    /// How long one run lasts with so many threads.
    ///
    /// # Errors
    /// If it cannot be timed.
    fn time(&mut self, nthread: u32) -> Result<Duration, Self::Problem>;
}

/// Which count is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// The smallest whose time is at most this share above the best.
    Within(f64),
    /// The largest whose efficiency is at least this: the time at the smallest count
    /// over that at n, divided by n over the smallest count.
    Efficiency(f64),
}

/// Finds the count among `candidates`, which are sorted and not empty.
///
/// # Errors
/// The first run that did not count.
pub fn search<M: Machine>(
    machine: &mut M,
    candidates: &[u32],
    goal: Goal,
) -> Result<Found, M::Problem> {
    let mut search = Search { machine, candidates, goal, times: Times::default() };
    match goal {
        Goal::Within(_) => search.descend()?,
        Goal::Efficiency(_) => search.ends()?,
    }
    search.settle()?;
    Ok(search.found())
}

/// A search that goes on. Counts are indices into the candidates.
struct Search<'a, M> {
    machine: &'a mut M,
    candidates: &'a [u32],
    goal: Goal,
    times: Times,
}

impl<M: Machine> Search<'_, M> {
    /// Halves the largest count until one is clearly slower, and looks for the best.
    fn descend(&mut self) -> Result<(), M::Problem> {
        let mut at = self.candidates.len() - 1;
        self.run(at)?;
        while at > 0 {
            let half = self.candidates[at] / 2;
            at = self.candidates[..at].iter().rposition(|count| *count <= half).unwrap_or(0);
            self.run(at)?;
            if self.times.ratio(at, self.times.best()) > self.limit(at).max(CLEARLY) {
                break;
            }
        }
        self.look_around()
    }

    /// Runs between the best count and its neighbours as long as a faster one may lie
    /// there.
    fn look_around(&mut self) -> Result<(), M::Problem> {
        while let Some((low, high)) = self.promising() {
            let step = (GOLDEN * (high - low) as f64).round().max(1.0) as usize;
            self.run(if low == self.times.best() { low + step } else { high - step })?;
        }
        Ok(())
    }

    /// The best count and the neighbour towards which a faster one may lie; of two such
    /// neighbours the more promising: no count does better than the one below it with
    /// perfect scaling.
    fn promising(&self) -> Option<(usize, usize)> {
        let best = self.times.best();
        let below = self.times.below(best).map(|below| (below, best));
        let above = self.times.above(best).map(|above| (best, above));
        let hope = |(low, high): (usize, usize)| {
            let perfect = self.times.ratio(low, best) * self.count(low) / self.count(high - 1);
            (high - low > 1 && perfect < 1.0).then_some((perfect, (low, high)))
        };
        let gaps = [below, above].into_iter().flatten().filter_map(hope);
        gaps.min_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, gap)| gap)
    }

    /// The smallest count, which efficiency is relative to, and the largest.
    fn ends(&mut self) -> Result<(), M::Problem> {
        self.run(0)?;
        self.run(self.candidates.len() - 1)
    }

    /// Bisects to the count that is asked for, and looks again at what is close.
    fn settle(&mut self) -> Result<(), M::Problem> {
        let mut extra = Duration::ZERO;
        for _ in 0..MOST_DOUBTS {
            while let Some(between) = self.unknown_between() {
                self.run(between)?;
            }
            let Some(doubtful) = self.doubtful() else { return Ok(()) };
            let yardstick = self.yardstick();
            let next = self.times.median(doubtful) + self.times.median(yardstick);
            let is_first = extra.is_zero();
            if !is_first && extra + next > ALLOWANCE {
                return Ok(());
            }
            extra += next;
            for at in [yardstick, doubtful] {
                self.run_once(at)?;
            }
        }
        Ok(())
    }

    /// The middle between the answer and the count next to it that is not good
    /// enough, if there are any between them.
    fn unknown_between(&self) -> Option<usize> {
        let answer = self.answer();
        let (low, high) = match self.goal {
            Goal::Within(_) => (self.times.below(answer)?, answer),
            Goal::Efficiency(_) => (answer, self.times.above(answer)?),
        };
        let middle = (low + high) / 2;
        (middle > low).then_some(middle)
    }

    /// The count that answers, as far as is known.
    fn answer(&self) -> usize {
        match self.goal {
            // From the best count downwards, as far as all are good enough.
            Goal::Within(_) => {
                let mut answer = self.times.best();
                while let Some(below) = self.times.below(answer).filter(|at| self.is_good(*at)) {
                    answer = below;
                }
                answer
            }
            Goal::Efficiency(_) => {
                let mut good = self.times.known().filter(|at| self.is_good(*at));
                good.next_back().unwrap_or(0)
            }
        }
    }

    /// What others are compared with.
    fn yardstick(&self) -> usize {
        match self.goal {
            Goal::Within(_) => self.times.best(),
            Goal::Efficiency(_) => 0,
        }
    }

    /// The ratio of times to the yardstick up to which a count is good enough.
    fn limit(&self, at: usize) -> f64 {
        match self.goal {
            Goal::Within(share) => 1.0 + share,
            Goal::Efficiency(share) => self.count(0) / self.count(at) / share,
        }
    }

    fn is_good(&self, at: usize) -> bool {
        self.times.ratio(at, self.yardstick()) <= self.limit(at)
    }

    /// Whether the times do not tell on which side of the limit a count is.
    fn is_close(&self, at: usize) -> bool {
        let yardstick = self.yardstick();
        let off = (self.times.ratio(at, yardstick) / self.limit(at)).ln().abs();
        at != yardstick && off < self.times.error(at, yardstick)
    }

    /// A close decision next to the answer: its own first, then that of the count
    /// which would be the answer instead.
    fn doubtful(&self) -> Option<usize> {
        let answer = self.answer();
        [Some(answer), self.rival(answer)].into_iter().flatten().find(|at| self.is_close(*at))
    }

    /// The count next to the answer that is not good enough.
    fn rival(&self, answer: usize) -> Option<usize> {
        match self.goal {
            Goal::Within(_) => self.times.below(answer),
            Goal::Efficiency(_) => self.times.above(answer),
        }
    }

    fn count(&self, at: usize) -> f64 {
        f64::from(self.candidates[at])
    }

    /// Runs a count; several times if that takes next to no time.
    fn run(&mut self, at: usize) -> Result<(), M::Problem> {
        loop {
            self.run_once(at)?;
            if self.times.is_enough(at) {
                return Ok(());
            }
        }
    }

    fn run_once(&mut self, at: usize) -> Result<(), M::Problem> {
        let time = self.machine.time(self.candidates[at])?;
        self.times.add(at, time);
        Ok(())
    }

    /// What is known at the end.
    fn found(&self) -> Found {
        let answer = self.answer();
        let open = [self.rival(answer), Some(answer)].into_iter().flatten();
        let open: Option<usize> = open.into_iter().find(|at| self.is_close(*at));
        let other = match open {
            Some(at) if at != answer => Some(at),
            // The answer itself may not be good enough: then it is the next one.
            Some(_) => match self.goal {
                Goal::Within(_) => self.times.above(answer),
                Goal::Efficiency(_) => self.times.below(answer),
            },
            None => None,
        };
        let count = |at: usize| self.candidates[at];
        Found {
            nthread: count(answer),
            time: self.times.median(answer),
            best: (count(self.times.best()), self.times.median(self.times.best())),
            base: self.times.known().next().map(|at| (count(at), self.times.median(at))),
            runs: self.times.known().map(|at| (count(at), self.times.runs(at))).collect(),
            total: self.times.total(),
            open: other.map(count),
            is_flat: self.candidates.len() > 1 && self.times.are_alike(),
            is_uneven: matches!(self.goal, Goal::Within(_)) && !self.times.are_a_valley(),
            goal: self.goal,
        }
    }
}

#[cfg(test)]
mod tests;
