//! The end of a run in a line: why it ended, and how precise its speedups are.

use crate::analysis::Summary;
use crate::quantity::pluralize;
use crate::record::StopReason;

/// The reason why a run ended, unless it made all of its rounds, and the precision of its
/// speedups.
pub fn how_it_ended(summary: &Summary) -> String {
    let rounds = summary.max_rounds();
    let stopping = &summary.run.plan.stopping;
    let planned = match stopping.precision {
        Some(_) => String::new(),
        None => format!(" of {}", stopping.rounds),
    };
    let end = match summary.stop_reason() {
        Some(StopReason::Precision) => {
            format!("precision reached after {}", pluralize(rounds, "round"))
        }
        Some(StopReason::Looks) => {
            format!("last planned look taken after {}", pluralize(rounds, "round"))
        }
        Some(StopReason::Budget) => {
            format!("time budget used up in round {}{planned}", rounds.max(1))
        }
        Some(StopReason::Interrupted) => format!("INTERRUPTED in round {}{planned}", rounds.max(1)),
        None if stopping.rounds > 0 => format!("NOT FINISHED: {rounds}{planned} rounds begun"),
        Some(StopReason::Rounds) | None => return String::new(),
    };
    format!("{end}{}\n", precision(summary))
}

/// The speedup that is known least precisely. Those without an interval are known less
/// precisely than any.
fn precision(summary: &Summary) -> String {
    let compared = summary.cases.iter().filter(|case| !case.is_baseline());
    let unknown = compared.clone().filter(|case| case.half_width.is_none()).count();
    let widths = compared.filter_map(|case| Some((case, case.half_width?)));
    let Some((case, width)) = widths.max_by(|one, other| one.1.total_cmp(&other.1)) else {
        return if unknown > 0 { "; no speedup has an interval".into() } else { String::new() };
    };
    let but = match unknown {
        0 => String::new(),
        1 => " (one speedup has no interval)".to_string(),
        _ => format!(" ({unknown} speedups have no interval)"),
    };
    let name = case.case.title_with_count();
    let percent = 100.0 * width;
    format!(
        "; relative half-width of the 95% intervals of the speedups: at most ±{percent:.1}% \
         ({name}){but}"
    )
}
