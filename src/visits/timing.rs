//! Times of visits, for ratios and their intervals.

use super::{Visit, VisitOutcome};

/// Visit with a time and a group, from which pairs are made.
pub trait Timed {
    /// Round, and group within the round, from 0.
    fn group(&self) -> (u32, u32);

    /// Time of a call of an undisturbed visit, in nanoseconds.
    fn clean_ns(&self) -> Option<f64>;

    /// Time of a call in nanoseconds, of a disturbed visit too.
    fn any_ns(&self) -> Option<f64>;
}

impl Timed for Visit {
    fn group(&self) -> (u32, u32) {
        (self.position.round, self.position.group)
    }

    fn clean_ns(&self) -> Option<f64> {
        self.clean_ns()
    }

    fn any_ns(&self) -> Option<f64> {
        self.any_ns()
    }
}

/// Visit in 16 bytes: a run in progress may have very many.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    round: u32,
    group: u32,
    /// Time of a call: negative if the visit was disturbed, NaN if it failed.
    ns: f64,
}

impl From<Visit> for Timing {
    fn from(visit: Visit) -> Timing {
        let (round, group) = visit.group();
        let ns = match visit.outcome {
            VisitOutcome::Clean(ns) => ns,
            VisitOutcome::Disturbed(ns, _) => -ns,
            VisitOutcome::Failed(_) => f64::NAN,
        };
        Timing { round, group, ns }
    }
}

impl Timed for Timing {
    fn group(&self) -> (u32, u32) {
        (self.round, self.group)
    }

    fn clean_ns(&self) -> Option<f64> {
        // The sign, and not `< 0.0`: a disturbed call of 0 ns is -0.0.
        self.ns.is_sign_positive().then_some(self.ns).filter(|ns| !ns.is_nan())
    }

    fn any_ns(&self) -> Option<f64> {
        (!self.ns.is_nan()).then_some(self.ns.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Case, Phase, Plan, Row};
    use crate::visits::{VisitSelection, Visits};

    #[test]
    fn a_timing_is_sixteen_bytes() {
        assert_eq!(size_of::<Timing>(), 16);
    }

    #[test]
    fn timings_give_the_same_ratios_as_visits() {
        let case = |backend: &str| Case {
            backend: backend.to_string(),
            nthread: 1,
            draws: Some(64),
            block: 64,
            ..Case::default()
        };
        let plan = Plan { cases: ["sequential", "a"].map(case).to_vec(), ..Plan::default() };
        let mut visits = Visits::empty(&plan);
        let mut timings = Visits::empty(&plan).into_timings();
        for visit in 0..40_u32 {
            let case = plan.cases[visit as usize % 2].clone();
            let blank = Row { round: visit / 4, group: visit / 2 % 2, case, ..Row::default() };
            let call = Row {
                phase: Phase::Call,
                wall_ns: Some(1000 + u64::from(visit * visit)),
                ..blank.clone()
            };
            let error = if visit % 7 == 3 { "failed".to_string() } else { String::new() };
            let stops = Some(u32::from(visit % 5 == 2));
            let last = Row { phase: Phase::Visit, error, stops, ..blank };
            assert_eq!(visits.add(&[&call, &last]), timings.add(&[&call, &last]));
        }
        let both = [VisitSelection::Clean, VisitSelection::All];
        assert_ne!(visits.log_ratios(1, both[0]), visits.log_ratios(1, both[1]));
        for case in 0..2 {
            assert_eq!(visits.values_by_round(case), timings.values_by_round(case));
            for selection in both {
                let of_visits = visits.log_ratios_by_round(case, selection);
                assert_eq!(of_visits, timings.log_ratios_by_round(case, selection));
            }
        }
    }
}
