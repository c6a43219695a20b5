//! Plan of a run: its cases, and the order of visits. Nothing here measures: the same request gives
//! the same plan.

mod check;
mod kernels;
pub mod ladder;
mod order;
mod pin_and_scaling;
mod rules;
mod targets;

pub use check::check;
pub use kernels::{Request, draft, settle};
pub use order::round_order;
pub use pin_and_scaling::{Pin, Scaling};
pub use rules::{Budget, Calibration, Draws, Rules, least_draws};
pub use targets::{CommandRequest, of_commands, of_functions};

/// Maximum of calls of a visit: their rows are kept in memory until the visit ends.
pub const MOST_CALLS: u32 = 10_000;

/// Maximum of draws of a call: these take days on any machine.
pub const MOST_DRAWS: u64 = 1 << 50;
