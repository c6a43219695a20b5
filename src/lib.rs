//! How should this work be parallelised here, and with how many threads?
//!
//! The program `harness` runs one Monte Carlo kernel under several parallel
//! backends over a sweep of thread counts, checks that every backend computed
//! the same answer, writes every sample to CSV, and turns the CSV into an answer,
//! tables, plots and pages.
//!
//! ```text
//!                            sweep
//!                             cli
//!                          selftest
//!              campaign              ║   report
//!               enter                ║    view
//!         command · function         ║  analysis
//!    advise · plan · runner · reap   ║
//!              registry              ║
//!          backend · counts          ║
//!              machine               ║
//!                          visits
//!      kernel · process · quantity · record · stats
//! ```
//!
//! A module uses only modules in lines below its own. Those on the left measure, and write
//! `samples.csv` and `run.json`; those on the right start from these files alone. A test
//! holds both rules.
//!
//! - [`kernel`]: Monte Carlo kernels, pure functions of (seed, block) into integers
//! - [`process`]: processes, pipes, queues, shared memory, managers and pools, in the manner
//!   of Python's `multiprocessing`
//! - `quantity`: counts, percentages and times as text, parsed and formatted
//! - `record`: rows of `samples.csv` and the contents of `run.json`, as plain data
//! - `stats`: estimators and tests on plain slices
//! - `visits`: rows gathered into visits, and the rules by which a visit counts
//! - `machine`: CPUs, limits, clocks and interference of this machine
//! - [`backend`]: ways of running blocks on workers, and of merging their tallies
//! - `counts`: thread counts, their grammar and their defaults
//! - `registry`: the list of kernels, backends and runners
//! - `runner`: one visit to a kernel under a backend, in a process of its own; its protocol
//! - `plan`: the cases of a run and the order of their visits
//! - `advise`: a race of the thread counts of a command in interleaved rounds
//! - `reap`: ends of child processes, and of the processes that they leave behind
//! - `command`: one visit to a command, under a small process that watches it
//! - `function`: one visit to a function of the executable that measures
//! - `enter`: dispatch of the hidden verbs with which this executable starts itself again
//! - `campaign`: rounds, supervision of visits, checks, stopping rule
//! - `analysis`: speedups, intervals, rankings, scaling models, warnings, comparison of runs
//! - `view`: titles, columns, rows, sentences and figures of a run, as data
//! - `report`: the view as terminal text, CSV, JSON, Markdown, HTML, plots and exports
//! - `selftest`: error rates of the method on this machine
//! - `sweep`: functions of one's own, for `cargo bench`
//! - `cli`: the command line, the only module that parses flags
//!
//! The coined words of this crate are *kernel*, *draw*, *block*, *chunk*, *tally*, *job*,
//! *backend*, *team*, *case*, *round*, *group*, *visit*, *sample* and *baseline*:
//! docs/GLOSSARY.md defines them. A visit is one fresh process that runs one case (JMH: a
//! fork; Kalibera and Jones: an execution).
//!
//! A function of one's own is swept in a bench, in five lines: [`Sweep`]. For that the feature
//! `program` is not needed, which sweeps kernels and commands.
//!
//! A crate with a kernel or backend of its own has the whole program in three
//! lines (examples/own-kernel is such a crate):
//!
//! ```no_run
//! # use nthread::kernel::{Isa, Kernel, Tally};
//! # struct MyKernel;
//! # impl Kernel for MyKernel {
//! #     fn name(&self) -> &'static str { "mine" }
//! #     fn about(&self) -> &'static str { "half of all draws hit" }
//! #     fn scale(&self) -> f64 { 1.0 }
//! #     fn exact(&self) -> Option<f64> { Some(0.5) }
//! #     fn tally(&self, _: u64, _: u64, draws: u64, _: Isa) -> Tally {
//! #         Tally::from_hits(draws, draws / 2)
//! #     }
//! # }
//! fn main() -> std::process::ExitCode {
//!     let mut registry = nthread::Registry::default();
//!     registry.kernels.push(&MyKernel); // implements nthread::kernel::Kernel
//!     nthread::run(&registry)
//! }
//! ```
#![deny(missing_docs)]

/// Gives an enum the names of its variants on the command line and in the files: the
/// constant `ALL`, `name`, `Display` and `FromStr`.
macro_rules! named_variants {
    ($type:ident { $($variant:ident = $name:literal),* }) => {
        impl $type {
            /// All values, in their order.
            pub const ALL: [$type; [$($name),*].len()] = [$($type::$variant),*];

            /// Name on the command line and in the files.
            pub fn name(self) -> &'static str {
                match self {
                    $($type::$variant => $name,)*
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $type {
            type Err = ();

            fn from_str(name: &str) -> Result<Self, ()> {
                $type::ALL.into_iter().find(|value| value.name() == name).ok_or(())
            }
        }
    };
}

#[cfg(feature = "program")]
#[doc(hidden)]
pub mod advise;
#[doc(hidden)]
pub mod analysis;
pub mod backend;
#[doc(hidden)]
pub mod campaign;
mod cli;
#[doc(hidden)]
pub mod command;
#[doc(hidden)]
pub mod counts;
mod enter;
#[doc(hidden)]
pub mod function;
#[doc(hidden)]
pub mod machine;
#[doc(hidden)]
pub mod plan;
pub mod process;
#[doc(hidden)]
pub mod quantity;
mod reap;
#[doc(hidden)]
pub mod record;
#[doc(hidden)]
pub mod registry;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod runner;
#[cfg(feature = "program")]
#[doc(hidden)]
pub mod selftest;
#[doc(hidden)]
pub mod stats;
mod sweep;
#[cfg_attr(not(feature = "program"), allow(dead_code))]
mod view;
#[doc(hidden)]
pub mod visits;

pub use enter::enter;
#[doc(inline)]
pub use nthread_kernel as kernel;
pub use registry::Registry;
pub use sweep::Sweep;

/// The whole program over the kernels and backends of `registry`: parses the
/// command line, and sweeps, reports or lists as it says. In a process that was
/// started as a runner it makes one visit instead.
#[cfg(feature = "program")]
#[must_use = "the exit code says whether every answer was right"]
pub fn run(registry: &Registry) -> std::process::ExitCode {
    enter(registry);
    cli::main(registry)
}

/// The programs in the pages of docs/ compile.
#[cfg(doctest)]
#[doc = include_str!("../docs/PROCESSES.md")]
#[doc = include_str!("../docs/FUNCTIONS.md")]
struct Pages;
