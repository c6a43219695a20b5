//! Reasons for low efficiencies, and what medians hide.

use super::nouns::short_name_at_threads;
use super::number::time;
use crate::analysis::{CaseSummary, Cause, Part};
use crate::quantity::format_percent;

/// The parallel efficiency below which a case is reported to fall short.
const GOOD: f64 = 0.8;

/// The share of the capacity from which a cause is named.
const NAMED: f64 = 0.02;

/// The reason why a case has less than four fifths of the efficiency of its threads, such
/// as "process-queue at 2 threads loses 23%: dispatch 17%, slower computation 5%". `None`
/// where it has not, where that is not significant, where there are more threads than CPUs,
/// or where nothing but the efficiency is known.
pub fn shortfall(case: &CaseSummary) -> Option<String> {
    let efficiency = case.efficiency.filter(|_| !case.oversubscribed)?;
    if case.efficiency_high.unwrap_or(efficiency) >= GOOD {
        return None;
    }
    let loss = case.loss.as_ref()?;
    let mut parts: Vec<&Part> = loss.parts.iter().filter(|it| it.share.abs() >= NAMED).collect();
    parts.sort_by(|one, other| other.share.total_cmp(&one.share));
    let parts: Vec<String> = parts
        .iter()
        .map(|part| format!("{} {}", cause_name(part, case), whole_percent(part.share)))
        .collect();
    let lost = format_percent(1.0 - efficiency, 0);
    Some(format!("{} loses {lost}: {}", short_name_at_threads(&case.case), parts.join(", ")))
}

/// The cause of which a case loses so much more than another one at the same number of threads
/// that it accounts for at least half of the difference. `None` without such a cause.
pub fn cause_against(case: &CaseSummary, other: &CaseSummary) -> Option<&'static str> {
    let (loss, of_other) = case.loss.as_ref().zip(other.loss.as_ref())?;
    let difference = of_other.useful - loss.useful;
    if case.case.threads() != other.case.threads() || difference < NAMED {
        return None;
    }
    let share_of_other =
        |cause| of_other.parts.iter().find(|it| it.cause == cause).map_or(0.0, |it| it.share);
    let excess = |part: &Part| part.share - share_of_other(part.cause);
    let largest = loss.parts.iter().max_by(|one, other| excess(one).total_cmp(&excess(other)))?;
    (excess(largest) >= difference / 2.0).then(|| cause_name(largest, case))
}

/// The name of a cause in a sentence.
fn cause_name(part: &Part, case: &CaseSummary) -> &'static str {
    match part.cause {
        Cause::Placement => "threads that shared a CPU while another was idle",
        Cause::Others => "CPUs used by other programs",
        Cause::Oversubscription => "more threads than CPUs",
        Cause::NoCpu => "waiting for a CPU (cause unknown)",
        Cause::Imbalance => "imbalance",
        Cause::Dispatch => "dispatch",
        // Workers tell their time inside the kernel, and so their waiting there.
        Cause::Waiting if case.communication.is_some() => "waiting inside the kernel",
        Cause::Waiting => "serial parts or waiting",
        Cause::Frequency => "lower clock frequency",
        Cause::SlowerComputation if part.share < 0.0 => "faster computation",
        Cause::SlowerComputation => "slower computation",
        Cause::Unknown => "cause unknown",
    }
}

/// A share in whole percent, of which nothing has a sign but what is below zero.
fn whole_percent(share: f64) -> String {
    let percent = (100.0 * share).round();
    format!("{}{:.0}%", if percent < 0.0 { "−" } else { "" }, percent.abs())
}

/// The heading of a cause in a table.
fn heading(cause: Cause) -> &'static str {
    match cause {
        Cause::NoCpu => "no CPU",
        Cause::SlowerComputation => "slower",
        Cause::Oversubscription => "oversubscr.",
        _ => cause.name(),
    }
}

/// The share of the capacity from which the table has a column for a cause.
const SHOWN: f64 = 0.005;

/// The table of the loss: a heading, and a row for each case that has a split. Empty without
/// such cases.
pub fn loss_table(cases: &[&CaseSummary], one: &str) -> Vec<Vec<String>> {
    let split: Vec<_> =
        cases.iter().filter_map(|case| Some((*case, case.loss.as_ref()?))).collect();
    if split.is_empty() {
        return Vec::new();
    }
    let parts = || split.iter().flat_map(|(_, loss)| &loss.parts);
    let is_shown = |cause: &Cause| parts().any(|it| it.cause == *cause && it.share.abs() >= SHOWN);
    let causes: Vec<Cause> = Cause::ALL.into_iter().filter(is_shown).collect();
    let mut rows = vec![[one, "n", "useful"].map(str::to_string).to_vec()];
    rows[0].extend(causes.iter().map(|cause| heading(*cause).to_string()));
    for (case, loss) in split {
        let mut row = vec![case.case.title(), case.case.count_text(), whole_percent(loss.useful)];
        row.extend(causes.iter().map(|cause| {
            let part = loss.parts.iter().find(|part| part.cause == *cause);
            part.map_or("–".to_string(), |part| whole_percent(part.share))
        }));
        rows.push(row);
    }
    rows
}

/// The mean and the 90th percentile of a case whose median misleads, such as "std-thread at 2
/// threads: mean 28.2 ms, 9% above the median; p90 34.0 ms; 30% of calls take 1.30 ×".
pub fn hidden_by_median(case: &CaseSummary, calls: &str) -> Option<String> {
    let ratio = case.spread.mean_over(case.median_ns)?;
    let (mean_ns, p90_ns) = case.spread.mean_ns.zip(case.spread.p90_ns)?;
    let mode = case.spread.second_mode.map_or(String::new(), |mode| {
        let share = format_percent(mode.share, 0);
        format!("; {share} of {calls} take {:.2} ×", mode.factor)
    });
    Some(format!(
        "{}: mean {}, {} above the median; p90 {}{mode}",
        short_name_at_threads(&case.case),
        time(mean_ns),
        format_percent(ratio - 1.0, 0),
        time(p90_ns)
    ))
}
