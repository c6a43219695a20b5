//! Whether the method keeps its word: how often an interval misses the truth,
//! how often equal things are called different, what a warning is worth.
//!
//! [`simulation`] asks machines that are made of random numbers, where the
//! truth is known and campaigns cost nothing. It goes through the very code of a
//! run, and has no statistics of its own.

pub mod rate;
pub mod simulation;
