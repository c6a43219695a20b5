//! One visit to a function of the program that measures: what is asked for
//! ([`Order`]), and the process that does it (`visit`).
//!
//! That process is this same executable with the hidden verb [`VERB`]. Its `main`
//! runs from the beginning up to [`Sweep::run`](crate::Sweep::run), because only
//! there are the functions what they are: closures over the data of that `main`.
//! It says what came of it in the words of the runner's
//! [protocol](crate::runner::protocol), without `setup` and `teardown`.

mod visit;

pub(crate) use visit::{another_than, at};
pub use visit::{order, serve};

use serde::{Deserialize, Serialize};

/// First argument of an executable that is started to visit a function.
pub const VERB: &str = "__function";

/// A function, and what it is called.
pub struct Function<'a, R> {
    /// Its name, the only one of its kind in the sweep.
    pub name: String,
    /// What it does with so many threads.
    pub body: Box<dyn FnMut(usize) -> R + 'a>,
}

/// What a visit is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The sweep: a program may have several.
    pub sweep: String,
    /// The function.
    pub function: String,
    /// Threads that it is given.
    pub nthread: u32,
    /// The function whose result all others must have.
    pub baseline: String,
    /// Threads that this one is given.
    pub baseline_nthread: u32,
    /// Calls that are not counted.
    pub warmup: u32,
    /// Calls that are counted.
    pub iterations: u32,
}
