//! The command line: options, environment variables and verbs.

mod args;
mod command_line;
pub mod functions;
mod given;
mod measure;
mod output;
#[cfg(feature = "program")]
mod program;
mod provenance;
mod rules;

#[cfg(feature = "program")]
pub use program::main;
