//! Speed relative to hand-written code and to programs in Python and C, with targets:
//! `cargo bench --bench ratios`, or one section with `cargo bench --bench ratios -- kernel`.
//!
//! The speed of a machine changes during a measurement. So all contenders run once in each
//! repetition, in a fresh random order ([`race`]), and a figure is the median of the ratios
//! within repetitions. A missed target is printed, and is no failure.

mod by_hand;
#[path = "../common/chain.rs"]
mod chain;
#[path = "../common/darts.rs"]
mod darts;
mod dispatch;
mod evidence;
mod figure;
mod kernel;
mod messages;
mod peer;
mod processes;
mod program;
mod race;
mod runner;
mod supervisor;
mod sweep;
#[path = "../common/team.rs"]
mod team;
mod throughput;

use std::env;

use nthread::Registry;

/// Amount of measurements.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effort {
    /// Enough for a figure.
    Full,
    /// A short run of everything, as a test.
    Test,
}

impl Effort {
    /// `full`, or a value for a test.
    fn or_test<T>(self, full: T, test: T) -> T {
        if self == Effort::Full { full } else { test }
    }
}

/// A section: its name, and the function that measures and prints it.
type Section = (&'static str, fn(Effort) -> anyhow::Result<()>);

const SECTIONS: &[Section] = &[
    ("kernel", kernel::measure),
    ("dispatch", dispatch::measure),
    ("throughput", throughput::measure),
    ("processes", processes::measure),
    ("evidence", evidence::measure),
    ("runner", runner::measure),
    ("supervisor", supervisor::measure),
    ("sweep", sweep::measure),
];

fn main() -> anyhow::Result<()> {
    nthread::enter(&Registry::default());
    let arguments: Vec<String> = env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    // As in criterion: `cargo bench` passes --bench, and `cargo test` does not.
    let effort = if has("--bench") && !has("--test") { Effort::Full } else { Effort::Test };
    let filters: Vec<_> = arguments.iter().filter(|text| !text.starts_with('-')).collect();
    let is_wanted = |name: &str| {
        filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str()))
    };
    for (_, measure) in SECTIONS.iter().filter(|(name, _)| is_wanted(name)) {
        measure(effort)?;
    }
    Ok(())
}
