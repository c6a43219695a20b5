//! Runner: the process that makes one visit to a kernel under a backend.
//!
//! The campaign starts this same executable again with the hidden verb [`VERB`] for
//! each visit. A fresh process keeps the pools of one backend out of the samples of
//! the next, makes `fork` safe because only one thread exists, and turns a crash into
//! an error row. Any program that speaks the same [`protocol`] may take its place.

pub(crate) mod process_status;
pub mod protocol;
#[cfg(feature = "program")]
mod serve;
mod strict_object;
pub(crate) mod usage;

#[cfg(feature = "program")]
pub(crate) use serve::serve;

/// First argument of an executable that is started as a runner.
pub const VERB: &str = "__runner";

/// Variable that selects the instruction set of the kernel.
pub const ISA_VARIABLE: &str = "HARNESS_ISA";
