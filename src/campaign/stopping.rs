//! When a run has seen enough: looks at precision, never at significance.
//!
//! Whoever stops as soon as an interval excludes 1 finds differences where
//! there are none: in a fifth to a third of all runs, where a twentieth was
//! promised. Precision says nothing about which side of 1 the truth lies on, so
//! looking at it does no such harm; and since a lucky look would still make the
//! intervals a little too short, it takes two in a row, at few fixed places.

use crate::record::StopReason;

/// The rounds after which a run looks.
///
/// An exact interval of a median cannot have just any level: with 20, 25 or 30
/// values it is hardly above 95%, with one value more it is above 97%. Looking
/// where it is high pays for looking at all: simulated, with noise for which
/// chance decides when to stop, an interval of two equal cases excludes 1 in 4.4%
/// of runs, where after 20, 25, 30 and 40 rounds it did in 5.5%.
pub const LOOKS: [u32; 7] = [12, 15, 21, 26, 31, 39, 50];

/// Looks in a row at which every ratio must be known well enough.
const SUCCESSES: u32 = 2;

/// Decides, round by round, whether a run goes on.
#[derive(Clone, Debug)]
pub struct Stopping {
    /// Relative half-width that every ratio must reach; `None` for exactly
    /// `rounds` rounds.
    target: Option<f64>,
    rounds: u32,
    successes: u32,
}

impl Stopping {
    /// A run of at most `rounds` rounds. With a `precision` P (0.01 for ±1%) it
    /// ends sooner, at the second successive look at which half the interval of
    /// every ratio S is at most S · P / (1 + P).
    pub fn new(rounds: u32, precision: Option<f64>) -> Stopping {
        Stopping { target: precision.map(|share| share / (1.0 + share)), rounds, successes: 0 }
    }

    /// Whether the run looks after that many rounds: then [`Stopping::after`]
    /// needs the widths.
    pub fn looks_after(&self, rounds: u32) -> bool {
        self.target.is_some() && LOOKS.contains(&rounds)
    }

    /// After so many rounds, each of which must be told in turn: why the run
    /// ends, if it does. `worst` is the largest relative half-width of a ratio;
    /// `None` if some ratio has no interval.
    pub fn after(&mut self, rounds: u32, worst: Option<f64>) -> Option<StopReason> {
        if let Some(target) = self.target
            && self.looks_after(rounds)
        {
            let is_known = worst.is_some_and(|worst| worst <= target);
            self.successes = if is_known { self.successes + 1 } else { 0 };
            if self.successes >= SUCCESSES {
                return Some(StopReason::Precision);
            }
        }
        let at_end = if self.target.is_some() { StopReason::Looks } else { StopReason::Rounds };
        (rounds >= self.rounds).then_some(at_end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many rounds a run ends, and why, if its ratios are so wide.
    fn ends(
        rounds: u32,
        precision: Option<f64>,
        width: impl Fn(u32) -> Option<f64>,
    ) -> (u32, StopReason) {
        let mut stopping = Stopping::new(rounds, precision);
        let end = |round| stopping.after(round, width(round)).map(|reason| (round, reason));
        (1..).find_map(end).expect("it ends")
    }

    #[test]
    fn two_looks_in_a_row_must_succeed() {
        assert_eq!(ends(50, Some(0.01), |_| Some(0.005)), (15, StopReason::Precision));
        let later = |round| Some(if round < LOOKS[2] { 0.02 } else { 0.005 });
        assert_eq!(ends(50, Some(0.01), later), (LOOKS[3], StopReason::Precision));
        let lucky_once = |round| Some(if round == LOOKS[2] { 0.005 } else { 0.02 });
        assert_eq!(ends(50, Some(0.01), lucky_once), (50, StopReason::Looks));
    }

    #[test]
    fn between_looks_nothing_is_decided() {
        let between = |round| Some(if LOOKS.contains(&round) { 0.02 } else { 0.0 });
        assert_eq!(ends(50, Some(0.01), between), (50, StopReason::Looks));
    }

    #[test]
    fn a_ratio_without_an_interval_is_not_known() {
        assert_eq!(ends(50, Some(0.01), |_| None), (50, StopReason::Looks));
    }

    #[test]
    fn the_limit_is_the_precision_over_one_and_itself() {
        assert_eq!(ends(50, Some(1.0), |_| Some(0.5)), (15, StopReason::Precision));
        assert_eq!(ends(50, Some(1.0), |_| Some(0.501)), (50, StopReason::Looks));
    }

    #[test]
    fn exactly_so_many_rounds_are_not_cut_short() {
        assert_eq!(ends(30, None, |_| Some(0.0)), (30, StopReason::Rounds));
    }
}
