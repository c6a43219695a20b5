//! The units in which a metric is shown.

use super::metric::Metric;
use crate::view::number::{TIME, Unit, unit};

const RATE: [Unit; 5] = [
    unit("Tdraws/s", 1e12),
    unit("Gdraws/s", 1e9),
    unit("Mdraws/s", 1e6),
    unit("kdraws/s", 1e3),
    unit("draws/s", 1.0),
];

/// The unit for a figure of `metric` whose values are about `value`.
pub(super) fn unit_of(metric: Metric, value: f64) -> Unit {
    match metric {
        Metric::Time => Unit::fitting(&TIME, value),
        Metric::Throughput => Unit::fitting(&RATE, value),
        Metric::Speedup => unit("×", 1.0),
        Metric::Efficiency => unit("%", 0.01),
    }
}
