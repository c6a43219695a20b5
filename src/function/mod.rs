//! Functions under test: their requests, and the process that makes one visit.
//!
//! That process is this same executable with the hidden verb [`VERB`]. Its `main` runs
//! from the beginning up to [`Sweep::run`](crate::Sweep::run), because the functions are
//! closures over the data of that `main`. It reports with the events of the runner's
//! [protocol](crate::runner::protocol), without `setup` and `teardown`.

mod serve;

pub(crate) use serve::{describe_call, describe_difference};
pub use serve::{request, serve};

use serde::{Deserialize, Serialize};

/// First argument of an executable that is started to visit a function.
pub const VERB: &str = "__function";

/// Function of a sweep, with its name.
pub struct Function<'a, R> {
    /// Name, unique in the sweep.
    pub name: String,
    /// Body, which takes the number of threads.
    pub body: Box<dyn FnMut(usize) -> R + 'a>,
}

/// Request for one visit to a function.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionRequest {
    /// Name of the sweep: a program may have several.
    pub sweep: String,
    /// Name of the function.
    pub function: String,
    /// Number of threads that it gets.
    pub nthread: u32,
    /// Name of the function whose result all others must have.
    pub baseline: String,
    /// Number of threads that the baseline gets.
    pub baseline_nthread: u32,
    /// Number of calls that are not counted.
    pub warmup: u32,
    /// Number of calls that are counted.
    pub iterations: u32,
}
