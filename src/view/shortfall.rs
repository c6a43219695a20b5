//! Reasons for low efficiencies.

use super::nouns::short_name_at_threads;
use crate::analysis::CaseSummary;

/// The parallel efficiency below which a case is reported to fall short, and a factor of
/// it to be a reason.
const GOOD: f64 = 0.8;

/// The reason why a case has less than four fifths of the efficiency of its threads, such
/// as "process-queue at 2 threads loses 23%: communication 0.79". `None` where it has not,
/// where that is not significant, where there are more threads than CPUs, or where the busy
/// time of its workers is unknown.
pub fn shortfall(case: &CaseSummary) -> Option<String> {
    let efficiency = case.efficiency.filter(|_| !case.oversubscribed)?;
    if case.efficiency_high.unwrap_or(efficiency) >= GOOD {
        return None;
    }
    let factors: Vec<(&str, f64)> = [
        ("load balance", case.load_balance),
        ("communication", case.communication),
        ("computation scaling", case.computation_scaling),
    ]
    .into_iter()
    .filter_map(|(name, factor)| Some((name, factor?)))
    .collect();
    let low: Vec<String> = factors
        .iter()
        .filter(|(_, factor)| *factor < GOOD)
        .map(|(name, factor)| format!("{name} {factor:.2}"))
        .collect();
    let lowest = factors.iter().min_by(|one, other| one.1.total_cmp(&other.1));
    let reason = match (low.is_empty(), lowest?) {
        (false, _) => low.join(", "),
        (true, (name, factor)) => format!("no single factor; lowest: {name} {factor:.2}"),
    };
    let loss = 100.0 * (1.0 - efficiency);
    Some(format!("{} loses {loss:.0}%: {reason}", short_name_at_threads(&case.case)))
}
