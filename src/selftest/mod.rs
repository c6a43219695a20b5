//! Whether the method keeps its word: how often an interval misses the truth,
//! how often equal things are called different, what a warning is worth.
//!
//! [`simulation`] asks machines that are made of random numbers, where the
//! truth is known and campaigns cost nothing. It goes through the very code of a
//! run, and has no statistics of its own. [`trial`] asks this machine: real
//! campaigns over the plain loop, the same loop under another name, and the same
//! with a handicap that is known.

pub mod findings;
pub mod rate;
pub mod simulation;
pub mod trial;
