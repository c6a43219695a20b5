//! The command line: options, environment variables and verbs.

// A bench uses a part of what the program does with its options.
#![cfg_attr(not(feature = "program"), allow(dead_code))]

mod args;
mod command_line;
pub mod functions;
mod given;
mod measure;
mod output;
mod preset;
mod provenance;
mod rules;

// The verbs of the program.
#[cfg(feature = "program")]
mod advise;
#[cfg(feature = "program")]
mod cases;
#[cfg(feature = "program")]
mod commands;
#[cfg(feature = "program")]
mod compare;
#[cfg(feature = "program")]
mod conflicts;
#[cfg(feature = "program")]
mod environment;
#[cfg(feature = "program")]
mod fit;
#[cfg(feature = "program")]
mod like;
#[cfg(feature = "program")]
mod list;
#[cfg(feature = "program")]
mod placeholders;
#[cfg(feature = "program")]
mod program;
#[cfg(feature = "program")]
mod program_check;
#[cfg(feature = "program")]
mod report;
#[cfg(feature = "program")]
mod resume;
#[cfg(feature = "program")]
mod root;
#[cfg(feature = "program")]
mod runners;
#[cfg(feature = "program")]
mod selftest;
#[cfg(feature = "program")]
mod settings;

#[cfg(feature = "program")]
pub use program::main;
