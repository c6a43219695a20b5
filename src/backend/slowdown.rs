//! Sequential loop with an injected slowdown of known size, which the harness must
//! be able to measure.

use std::hint::spin_loop;
use std::time::Instant;

use super::sequential::Sequential;
use super::{Backend, Chunks, Report, Schedule, Setup, Team, TeamError, Work};

/// Backend that runs the loop of [`Sequential`] and then spins for a fraction of
/// the time that the loop took.
pub struct InjectedSlowdown {
    name: &'static str,
    /// The fraction, in percent.
    pub percent: u32,
}

/// Backends of the self-test: the baseline under another name, and slowdowns of
/// increasing size.
pub static INJECTED_SLOWDOWNS: [InjectedSlowdown; 4] = [
    InjectedSlowdown { name: "selftest-alias", percent: 0 },
    InjectedSlowdown { name: "selftest-1-percent", percent: 1 },
    InjectedSlowdown { name: "selftest-2-percent", percent: 2 },
    InjectedSlowdown { name: "selftest-5-percent", percent: 5 },
];

/// Finds a backend of the self-test by name. No registry contains it.
pub fn find(name: &str) -> Option<&'static dyn Backend> {
    let slowdown = INJECTED_SLOWDOWNS.iter().find(|slowdown| slowdown.name == name)?;
    Some(slowdown)
}

impl Backend for InjectedSlowdown {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        "the sequential loop with an injected slowdown"
    }

    fn schedules(&self) -> &'static [Schedule] {
        Sequential.schedules()
    }

    fn team(&self, work: Work, chunks: Chunks, setup: &Setup) -> Result<Box<dyn Team>, TeamError> {
        let inner = Sequential.team(work, chunks, setup)?;
        Ok(Box::new(SlowedTeam { inner, percent: self.percent }))
    }
}

struct SlowedTeam {
    inner: Box<dyn Team>,
    percent: u32,
}

impl Team for SlowedTeam {
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
