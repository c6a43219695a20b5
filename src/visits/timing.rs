//! What a figure needs of a visit, and a record that holds no more.

use super::{Outcome, Visit};

/// A visit, as far as times and their pairs are concerned.
pub trait Timed {
    /// Its round, and its group within the round, from 0.
    fn group(&self) -> (u32, u32);

    /// The time of a call in nanoseconds, if nothing is wrong with the visit.
    fn clean_ns(&self) -> Option<f64>;

    /// The time of a call in nanoseconds, even of one that was disturbed.
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

/// A visit of a run that goes on, which may have very many: 16 bytes.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    round: u32,
    group: u32,
    /// Of a call that was disturbed, less than nothing; of one that failed, NaN.
    ns: f64,
}

impl From<Visit> for Timing {
    fn from(visit: Visit) -> Timing {
        let (round, group) = visit.group();
        let ns = match visit.outcome {
            Outcome::Clean(ns) => ns,
            Outcome::Void(ns, _) => -ns,
            Outcome::Failed(_) => f64::NAN,
        };
        Timing { round, group, ns }
    }
}

impl Timed for Timing {
    fn group(&self) -> (u32, u32) {
        (self.round, self.group)
    }

    fn clean_ns(&self) -> Option<f64> {
        // -0.0 is that of a disturbed call, too.
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
    use crate::visits::{Visits, Which};

    #[test]
    fn a_timing_is_sixteen_bytes() {
        assert_eq!(size_of::<Timing>(), 16);
    }

    #[test]
    fn timings_say_what_the_visits_say() {
        let case = |backend: &str| Case {
            backend: backend.to_string(),
            nthread: 1,
            draws: Some(64),
            block: 64,
            ..Case::default()
        };
        let plan = Plan { cases: ["sequential", "a"].map(case).to_vec(), ..Plan::default() };
        let mut visits = Visits::none(&plan);
        let mut timings = Visits::none(&plan).timings();
        for visit in 0..40_u32 {
            let case = plan.cases[visit as usize % 2].clone();
            let blank = Row { round: visit / 4, group: visit / 2 % 2, case, ..Row::default() };
            let call = Row {
                phase: Phase::Call,
                wall_ns: Some(1000 + u64::from(visit * visit)),
                ..blank.clone()
            };
            let error = if visit % 7 == 3 { "it fell".to_string() } else { String::new() };
            let stops = Some(u32::from(visit % 5 == 2));
            let last = Row { phase: Phase::Visit, error, stops, ..blank };
            assert_eq!(visits.add(&[&call, &last]), timings.add(&[&call, &last]));
        }
        let both = [Which::Clean, Which::All];
        assert_ne!(visits.log_ratios(1, both[0]), visits.log_ratios(1, both[1]));
        for case in 0..2 {
            assert_eq!(visits.values_by_round(case), timings.values_by_round(case));
            for which in both {
                let of_visits = visits.log_ratios_by_round(case, which);
                assert_eq!(of_visits, timings.log_ratios_by_round(case, which));
            }
        }
    }
}
