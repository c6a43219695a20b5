//! Time budget of a run, where none is given.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::record::Row;

/// Multiple of the forecast that a run may last: enough that a machine which slows down
/// still finishes its rounds.
const FORECAST_FACTOR: f64 = 1.5;

/// Shortest and longest budget.
const LIMITS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(600);

/// Budget of a run with this forecast.
pub fn from_forecast(forecast_ns: f64) -> Duration {
    super::forecast::duration(FORECAST_FACTOR * forecast_ns).clamp(*LIMITS.start(), *LIMITS.end())
}

/// Time that earlier sessions used: each up to the end of its last visit.
pub fn used_by_sessions(rows: &[Row]) -> Duration {
    let mut ends: BTreeMap<u32, u64> = BTreeMap::new();
    for row in rows {
        let end_ns = ends.entry(row.session).or_default();
        *end_ns = row.started_ns.saturating_add(row.wall_ns.unwrap_or(0)).max(*end_ns);
    }
    ends.into_values().map(Duration::from_nanos).sum()
}
