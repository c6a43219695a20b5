//! Self-test of the method on this machine: rates of false positives and the power of the
//! comparison, measured by real campaigns.
//!
//! [`trial`] runs campaigns with the sequential loop, the same loop under another name, and
//! the same loop with a known slowdown. `benches/calibration` measures the same rates on
//! simulated machines.

pub mod rate;
pub mod results;
pub mod trial;
