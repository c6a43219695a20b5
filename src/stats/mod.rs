//! Estimators on plain slices: pure, importing nothing of this crate, each
//! tested against published values.

mod order_statistic;
mod ratio;

pub use order_statistic::{Interval, median, median_interval, ranks};
pub use ratio::Ratio;
