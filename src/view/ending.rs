//! How a run ended, and how much it knows, in a line.

use crate::analysis::Summary;
use crate::quantity::pluralize;
use crate::record::StopReason;

/// Why a run ended, if not with rounds that were asked for, and how well its
/// speedups are known.
pub fn how_it_ended(summary: &Summary) -> String {
    let rounds = summary.cases.iter().map(|case| case.rounds).max().unwrap_or(0);
    let known = least_known(summary);
    let stopping = &summary.run.plan.stopping;
    let planned = match stopping.precision {
        Some(_) => String::new(),
        None => format!(" of {}", stopping.rounds),
    };
    match summary.stop_reason() {
        Some(StopReason::Precision) => {
            format!("enough after {}{known}\n", pluralize(rounds, "round"))
        }
        Some(StopReason::Looks) => {
            format!("last look taken after {}{known}\n", pluralize(rounds, "round"))
        }
        Some(StopReason::Budget) => {
            format!("ended by its time budget in round {}{planned}{known}\n", rounds.max(1))
        }
        Some(StopReason::Interrupted) => {
            format!("INTERRUPTED in round {}{planned}{known}\n", rounds.max(1))
        }
        None if stopping.rounds > 0 => {
            format!("NOT FINISHED: {rounds}{planned} rounds begun{known}\n")
        }
        Some(StopReason::Rounds) | None => String::new(),
    }
}

/// The speedup that is known least well, in words. Those without an interval are
/// known less well than any.
fn least_known(summary: &Summary) -> String {
    let compared = || summary.cases.iter().filter(|case| !case.is_baseline());
    let unknown = compared().filter(|case| case.half_width.is_none()).count();
    let every = match unknown {
        0 => "every speedup".to_string(),
        1 => "every speedup but one, which has no interval,".to_string(),
        _ => format!("every speedup but {unknown}, which have no interval,"),
    };
    let widths = compared().filter_map(|case| Some((case, case.half_width?)));
    let worst = widths.max_by(|one, other| one.1.total_cmp(&other.1));
    if worst.is_none() && unknown > 0 {
        return "; no speedup has an interval".to_string();
    }
    worst.map_or(String::new(), |(case, width)| {
        let who = case.case.title_and_count();
        format!("; {every} known to ±{:.1}% or better ({who})", 100.0 * width)
    })
}
