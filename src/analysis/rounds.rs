//! Curves over several cases of a run, and where they cross a level: with an
//! interval by a bootstrap of whole rounds.
//!
//! The median is not smooth, so nothing but percentiles is asked of its
//! resamples: these come close to the exact order statistics. What was measured
//! in one round stays together, over all cases of a curve.

use serde::Serialize;

use crate::stats::{Crossing, Resampler, crossing_interval, median, ranks};
use crate::visits::CONFIDENCE;

/// Resamples of an interval: its ends are the 25th of them from either side.
const RESAMPLES: usize = 1000;

/// Where the resampling begins: the same files give the same interval.
const SEED: u64 = 0x6e74_6872_6561_6421;

/// What is known of where a curve crosses a level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Onset {
    /// It lies within what was measured.
    From,
    /// It lies before all that was measured.
    Always,
    /// It lies beyond all that was measured, or nowhere.
    Never,
    /// The data cannot tell whether it lies within.
    #[default]
    Unresolved,
    /// A value cannot be right, so nothing is said.
    Implausible,
}

/// Where a curve crosses a level, how well that is known, and what to call it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crossed {
    /// What is known.
    pub verdict: Onset,
    /// At the medians of all rounds.
    pub at: Crossing,
    /// Both ends of the interval; `None` of too few rounds.
    pub ends: Option<[Crossing; 2]>,
}

impl Crossed {
    fn new(at: Crossing, ends: Option<[Crossing; 2]>) -> Crossed {
        let [low, high] = ends.unwrap_or([at, at]);
        let verdict = match (low, at, high) {
            (_, _, Crossing::First) => Onset::Always,
            (Crossing::Beyond, ..) => Onset::Never,
            (_, Crossing::Beyond, _) | (_, _, Crossing::Beyond) => Onset::Unresolved,
            (_, _, Crossing::At(_)) => Onset::From,
        };
        Crossed { verdict, at, ends }
    }

    /// The place, and both ends of its interval; `None` for those that lie
    /// outside of what was measured, or are not known.
    pub fn places(&self) -> [Option<f64>; 3] {
        let end = |index: usize| self.ends.and_then(|ends| ends[index].place());
        [self.at.place(), end(0), end(1)]
    }
}

/// The rounds in which the cases of a curve were measured.
pub struct Rounds(Vec<u32>);

/// What was measured of a case, round by round.
pub struct ByRound(Vec<Vec<f64>>);

impl Rounds {
    /// All in which any of the cases was measured; each case as (round, value).
    pub fn of<'a>(measured: impl IntoIterator<Item = &'a Vec<(u32, f64)>>) -> Rounds {
        let rounds = measured.into_iter().flatten().map(|(round, _)| *round);
        let mut rounds: Vec<u32> = rounds.collect();
        rounds.sort_unstable();
        rounds.dedup();
        Rounds(rounds)
    }

    /// The position of each.
    pub fn all(&self) -> Vec<usize> {
        (0..self.0.len()).collect()
    }

    /// One of these cases in the order of the rounds.
    pub fn arrange(&self, measured: &[(u32, f64)]) -> ByRound {
        let mut values = vec![Vec::new(); self.0.len()];
        for (round, value) in measured {
            if let Ok(place) = self.0.binary_search(round) {
                values[place].push(*value);
            }
        }
        ByRound(values)
    }

    /// Where a curve crosses a level, when `crossing` finds that from some of the
    /// rounds (by their position). `None` where it finds nothing of all of them.
    pub fn crossed(&self, crossing: impl Fn(&[usize]) -> Option<Crossing>) -> Option<Crossed> {
        let all = self.all();
        let at = crossing(&all)?;
        // Below so many rounds there is no interval of a median either.
        let resampled = ranks(all.len(), CONFIDENCE).map(|_| {
            let mut resampler = Resampler::new(SEED);
            let resample = |_| crossing(resampler.rounds(all.len()));
            (0..RESAMPLES).filter_map(resample).collect()
        });
        let ends = resampled.and_then(|resampled| crossing_interval(resampled, CONFIDENCE));
        Some(Crossed::new(at, ends))
    }
}

impl ByRound {
    /// The median over these rounds.
    pub fn median(&self, rounds: &[usize]) -> Option<f64> {
        let values: Vec<f64> =
            rounds.iter().flat_map(|round| self.0[*round].iter().copied()).collect();
        median(&values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(low: Crossing, at: Crossing, high: Crossing) -> Onset {
        Crossed::new(at, Some([low, high])).verdict
    }

    #[test]
    fn what_is_called_known_is_known_over_the_whole_interval() {
        use Crossing::{At, Beyond, First};
        assert_eq!(verdict(First, First, First), Onset::Always);
        assert_eq!(verdict(First, First, At(1.0)), Onset::From);
        assert_eq!(verdict(At(1.0), At(2.0), At(3.0)), Onset::From);
        assert_eq!(verdict(At(1.0), At(2.0), Beyond), Onset::Unresolved);
        assert_eq!(verdict(First, At(2.0), Beyond), Onset::Unresolved);
        assert_eq!(verdict(At(1.0), Beyond, Beyond), Onset::Unresolved);
        assert_eq!(verdict(Beyond, Beyond, Beyond), Onset::Never);
        assert_eq!(Crossed::new(At(1.0), None).verdict, Onset::From);
    }

    #[test]
    fn cases_that_miss_a_round_are_arranged_beside_the_others() {
        let (one, other) = (vec![(0, 1.0), (2, 3.0), (2, 5.0)], vec![(1, 7.0)]);
        let rounds = Rounds::of([&one, &other]);
        let one = rounds.arrange(&one);
        assert_eq!(one.median(&[0, 1, 2]), Some(3.0));
        assert_eq!(one.median(&[2, 2]), Some(4.0));
        assert_eq!(one.median(&[1]), None);
    }

    #[test]
    fn below_six_rounds_there_is_no_interval() {
        let crossed = |rounds: u32| {
            let measured: Vec<(u32, f64)> = (0..rounds).map(|round| (round, 1.0)).collect();
            let found = Rounds::of([&measured]).crossed(|_| Some(Crossing::At(1.0)));
            found.expect("a crossing").ends
        };
        assert_eq!(crossed(5), None);
        assert_eq!(crossed(6), Some([Crossing::At(1.0); 2]));
    }
}
