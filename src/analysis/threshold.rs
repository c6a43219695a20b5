//! Thresholds of curves over several cases of a run: the place where a curve crosses a
//! level, with a bootstrap interval.
//!
//! The median is not smooth, so only percentile intervals are used; these are close to the
//! exact order statistics. Whole rounds are resampled, so that the values of one round stay
//! together over all cases of a curve.

use serde::Serialize;

use crate::stats::{Crossing, Resampler, crossing_interval, median, median_ranks};
use crate::visits::CONFIDENCE;

/// Bootstrap replicates of an interval: its ends are the 25th values from either side.
const REPLICATES: usize = 1000;

/// Seed of the resampling: the same files give the same interval.
const SEED: u64 = 0x6e74_6872_6561_6421;

/// Position of a threshold relative to the measured range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThresholdVerdict {
    /// The threshold lies within the measured range.
    From,
    /// The threshold lies before the measured range.
    Always,
    /// The threshold lies beyond the measured range, or does not exist.
    Never,
    /// The interval includes an end of the measured range: inconclusive.
    #[default]
    Unresolved,
    /// A value is impossible, so no threshold is given.
    Implausible,
}

/// The threshold of a curve, with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// Position relative to the measured range.
    pub verdict: ThresholdVerdict,
    /// Crossing of the medians of all rounds.
    pub estimate: Crossing,
    /// Ends of the interval; `None` with too few rounds.
    pub ends: Option<[Crossing; 2]>,
}

impl Threshold {
    fn new(estimate: Crossing, ends: Option<[Crossing; 2]>) -> Threshold {
        let [low, high] = ends.unwrap_or([estimate, estimate]);
        // In the order First < At < Beyond; the ends of the interval include the estimate.
        let verdict = match (low, estimate, high) {
            (_, _, Crossing::First) => ThresholdVerdict::Always,
            (Crossing::Beyond, ..) => ThresholdVerdict::Never,
            (_, Crossing::Beyond, _) | (_, _, Crossing::Beyond) => ThresholdVerdict::Unresolved,
            (_, _, Crossing::At(_)) => ThresholdVerdict::From,
        };
        Threshold { verdict, estimate, ends }
    }

    /// Places of the estimate and of both ends of its interval; `None` for those outside the
    /// measured range, or unknown.
    pub fn places(&self) -> [Option<f64>; 3] {
        let [low, high] = self.ends.map_or([None; 2], |ends| ends.map(Crossing::place));
        [self.estimate.place(), low, high]
    }
}

/// The rounds in which the cases of a curve were measured, ascending.
pub struct Rounds(Vec<u32>);

/// Values of a case, grouped by round.
pub struct ValuesByRound(Vec<Vec<f64>>);

impl Rounds {
    /// All rounds of several cases, each given as (round, value).
    pub fn of<'a>(cases: impl IntoIterator<Item = &'a Vec<(u32, f64)>>) -> Rounds {
        let mut rounds: Vec<u32> = cases.into_iter().flatten().map(|(round, _)| *round).collect();
        rounds.sort_unstable();
        rounds.dedup();
        Rounds(rounds)
    }

    /// Positions of all rounds.
    pub fn all(&self) -> Vec<usize> {
        (0..self.0.len()).collect()
    }

    /// Groups the values of one case by round.
    pub fn group(&self, measured: &[(u32, f64)]) -> ValuesByRound {
        let mut values = vec![Vec::new(); self.0.len()];
        for (round, value) in measured {
            if let Ok(place) = self.0.binary_search(round) {
                values[place].push(*value);
            }
        }
        ValuesByRound(values)
    }

    /// The threshold of a curve: `crossing` computes its crossing from a sample of the
    /// rounds, given by position. `None` if there is no crossing for all rounds.
    pub fn threshold(&self, crossing: impl Fn(&[usize]) -> Option<Crossing>) -> Option<Threshold> {
        let all = self.all();
        let estimate = crossing(&all)?;
        // With fewer rounds there is no interval of a median either.
        let ends = median_ranks(all.len(), CONFIDENCE).and_then(|_| {
            let mut resampler = Resampler::new(SEED);
            let replicates = (0..REPLICATES).filter_map(|_| crossing(resampler.rounds(all.len())));
            crossing_interval(replicates.collect(), CONFIDENCE)
        });
        Some(Threshold::new(estimate, ends))
    }
}

impl ValuesByRound {
    /// Median over these rounds.
    pub fn median(&self, rounds: &[usize]) -> Option<f64> {
        let values: Vec<f64> =
            rounds.iter().flat_map(|round| self.0[*round].iter().copied()).collect();
        median(&values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(low: Crossing, at: Crossing, high: Crossing) -> ThresholdVerdict {
        Threshold::new(at, Some([low, high])).verdict
    }

    #[test]
    fn a_verdict_holds_over_the_whole_interval() {
        use Crossing::{At, Beyond, First};
        assert_eq!(verdict(First, First, First), ThresholdVerdict::Always);
        assert_eq!(verdict(First, First, At(1.0)), ThresholdVerdict::From);
        assert_eq!(verdict(At(1.0), At(2.0), At(3.0)), ThresholdVerdict::From);
        assert_eq!(verdict(At(1.0), At(2.0), Beyond), ThresholdVerdict::Unresolved);
        assert_eq!(verdict(First, At(2.0), Beyond), ThresholdVerdict::Unresolved);
        assert_eq!(verdict(At(1.0), Beyond, Beyond), ThresholdVerdict::Unresolved);
        assert_eq!(verdict(Beyond, Beyond, Beyond), ThresholdVerdict::Never);
        assert_eq!(Threshold::new(At(1.0), None).verdict, ThresholdVerdict::From);
    }

    #[test]
    fn values_of_cases_that_miss_a_round_are_grouped_by_round() {
        let (one, other) = (vec![(0, 1.0), (2, 3.0), (2, 5.0)], vec![(1, 7.0)]);
        let rounds = Rounds::of([&one, &other]);
        let one = rounds.group(&one);
        assert_eq!(one.median(&[0, 1, 2]), Some(3.0));
        assert_eq!(one.median(&[2, 2]), Some(4.0));
        assert_eq!(one.median(&[1]), None);
    }

    #[test]
    fn below_six_rounds_there_is_no_interval() {
        let ends = |rounds: u32| {
            let measured: Vec<(u32, f64)> = (0..rounds).map(|round| (round, 1.0)).collect();
            let threshold = Rounds::of([&measured]).threshold(|_| Some(Crossing::At(1.0)));
            threshold.expect("a crossing").ends
        };
        assert_eq!(ends(5), None);
        assert_eq!(ends(6), Some([Crossing::At(1.0); 2]));
    }
}
