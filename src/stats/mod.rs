//! Estimators on plain slices: pure, importing nothing of this crate, each
//! tested against published values.

mod order_statistic;

pub use order_statistic::{Interval, median, median_interval, ranks};
