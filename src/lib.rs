//! How should this work be parallelised here, and with how many threads?
//!
//! The program `harness` runs one Monte Carlo kernel under several parallel
//! backends over a sweep of thread counts, checks that every backend computed
//! the same answer, writes every sample to CSV, and turns the CSV into an answer,
//! tables, plots and pages.
//!
//! ```text
//! flags ─ cli ─▶ plan ─▶ campaign ─▶ runner (own process: kernel × backend) ─▶ record ─▶ samples.csv
//!                                                                                          ║ the wall
//!          table · csv · json · plots · pages  ◀─ report ◀─ analysis ◀─ visits ◀───────────╝
//! ```
//!
//! Left of the wall measures, right of it starts from the files of a results
//! directory alone.
//!
//! - [`kernel`]: what is computed, a pure function of (seed, block) into integers
//! - [`backend`]: who computes it, how blocks reach workers and tallies come back,
//!   and on which CPUs
//! - [`process`]: processes and what they say to each other, for the backends
//!   that use them; knows nothing of all this
//! - [`registry`]: the kernels, backends and foreign runners, as a value
//! - [`runner`]: one visit, in a process of its own; its protocol
//! - [`command`]: one visit to a command, the process between harness and it
//! - [`function`]: one visit to a function of the program that measures
//! - [`counts`]: thread counts, their grammar and their defaults
//! - [`quantity`]: counts, percentages and times as text, parsed and formatted
//! - [`plan`]: the cases of a run and the order of visits; measures nothing
//! - [`campaign`]: rounds, supervision, checking, stopping
//! - [`advise`]: how many threads for a program: a search that makes few runs; pure
//! - [`machine`]: CPUs, limits, clocks and other facts of the machine
//! - [`record`]: rows and run.json as plain data: the wall
//! - [`stats`]: estimators on plain slices
//! - [`visits`]: rows gathered into visits, and which of them count
//! - [`analysis`]: speedups, intervals, answers, scaling models, crossovers,
//!   granularity, warnings, and two runs compared
//! - [`report`]: what is found as text, CSV, JSON, Markdown, HTML, plots and exports
//! - [`selftest`]: error rates of the method on this machine
//! - `cli`: the command line: options, environment variables and verbs
//!
//! A function of one's own is swept in a bench, in five lines: [`Sweep`].
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
//! #         Tally::of_hits(draws, draws / 2)
//! #     }
//! # }
//! fn main() -> std::process::ExitCode {
//!     let mut registry = nthread::Registry::default();
//!     registry.kernels.push(&MyKernel); // implements nthread::kernel::Kernel
//!     nthread::run(&registry)
//! }
//! ```
#![deny(missing_docs)]

#[cfg(feature = "program")]
pub mod advise;
pub mod analysis;
pub mod backend;
pub mod campaign;
mod cli;
pub mod command;
pub mod counts;
mod enter;
pub mod function;
pub mod machine;
pub mod plan;
pub mod process;
pub mod quantity;
mod reap;
pub mod record;
pub mod registry;
pub mod report;
pub mod runner;
#[cfg(feature = "program")]
pub mod selftest;
pub mod stats;
mod sweep;
#[cfg_attr(not(feature = "program"), allow(dead_code))]
mod view;
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
