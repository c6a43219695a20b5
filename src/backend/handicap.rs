//! The plain loop with a handicap that is known exactly: what a harness must be
//! able to find.

use std::hint::spin_loop;
use std::time::Instant;

use super::sequential::Sequential;
use super::{Backend, Chunks, Report, Schedule, Setup, Team, TeamError, Work};

/// The loop of [`Sequential`], which then spins for a share of the time that it
/// took.
pub struct Handicap {
    name: &'static str,
    /// The share, in percent.
    pub percent: u32,
}

/// None at all, which makes it the baseline under another name, and handicaps
/// that are ever easier to find.
pub static HANDICAPS: [Handicap; 4] = [
    Handicap { name: "selftest-alias", percent: 0 },
    Handicap { name: "selftest-1-percent", percent: 1 },
    Handicap { name: "selftest-2-percent", percent: 2 },
    Handicap { name: "selftest-5-percent", percent: 5 },
];

/// The backend of that name that only the self-test knows: no registry has it.
pub fn find(name: &str) -> Option<&'static dyn Backend> {
    let handicap = HANDICAPS.iter().find(|handicap| handicap.name == name)?;
    Some(handicap)
}

impl Backend for Handicap {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        "the plain loop, and then nothing useful for a while"
    }

    fn schedules(&self) -> &'static [Schedule] {
        Sequential.schedules()
    }

    fn team(&self, work: Work, chunks: Chunks, setup: &Setup) -> Result<Box<dyn Team>, TeamError> {
        let inner = Sequential.team(work, chunks, setup)?;
        Ok(Box::new(Handicapped { inner, percent: self.percent }))
    }
}

struct Handicapped {
    inner: Box<dyn Team>,
    percent: u32,
}

impl Team for Handicapped {
    fn call(&mut self) -> Result<Vec<Report>, TeamError> {
        let start = Instant::now();
        let reports = self.inner.call()?;
        if self.percent > 0 {
            let end = start + start.elapsed() * (100 + self.percent) / 100;
            while Instant::now() < end {
                spin_loop();
            }
        }
        Ok(reports)
    }

    fn cpu_clocks_ns(&self) -> Vec<Option<u64>> {
        self.inner.cpu_clocks_ns()
    }
}
