//! The figures that this crate promises, as ratios to what they are measured
//! against: `cargo bench --bench ratios`, or one section of it with
//! `cargo bench --bench ratios -- kernel`.
//!
//! A machine changes its speed while it is being measured, so what is compared
//! runs in turns, in a fresh random order in each repetition ([`race`]); a
//! figure is the median of the ratios within repetitions. A target that is
//! missed is said and fails nothing: that is for people to judge.

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

/// How much is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effort {
    /// Enough for a figure.
    Full,
    /// Everything once, in short: does it run?
    Test,
}

impl Effort {
    /// `full`, or a value for a test.
    fn or_test<T>(self, full: T, test: T) -> T {
        if self == Effort::Full { full } else { test }
    }
}

/// A section: its name, and what measures and prints it.
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
    // As criterion's: `cargo bench` adds --bench, and `cargo test` does not.
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
