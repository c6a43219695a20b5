//! What is odd about commands, and about functions of one's own: nobody knows what
//! they do with the number of threads, nor whether they do the same.

use super::{Code, Seen, Warning, percent};
use crate::analysis::{CaseSummary, Job, Series};
use crate::stats::{median, median_interval};
use crate::visits::CONFIDENCE;

/// Times that differ by less, at every number of threads, do not depend on it.
const ALIKE: f64 = 0.1;

/// The same where there are too few rounds for intervals.
const ALIKE_MEDIANS: f64 = 0.05;

/// A command that takes less consists of the start of its process for a good part:
/// hyperfine's limit, too.
const SHORT_NS: f64 = 5e6;

pub fn different_outputs(seen: &Seen<'_>) -> Option<Warning> {
    let printed = &seen.run.plan.expected_outputs;
    let (first, others) = printed.split_first()?;
    let other = others.iter().find(|other| other.sha256 != first.sha256)?;
    let differs = |case: &CaseSummary| {
        let own = printed.iter().find(|it| it.label == case.case.label);
        own.is_some_and(|own| own.sha256 != first.sha256)
    };
    Some(Warning {
        code: Code::DifferentOutputs,
        message: format!(
            "the commands don't print the same: {} and {} differ",
            first.label, other.label
        ),
        advice: "see that they compute the same: else their times cannot be compared".to_string(),
        cases: seen.cases_where(|_, case| differs(case)),
    })
}

/// A command of which the time stays the same, though there are CPUs for more
/// threads than its smallest count.
pub fn ignores_setting(seen: &Seen<'_>) -> Option<Warning> {
    if seen.run.plan.target.is_kernel() {
        return None;
    }
    let job = Job { cases: seen.cases.iter().collect() };
    let found: Vec<(Series<'_>, f64)> = job
        .series()
        .into_iter()
        .filter_map(|series| change(seen, &series).map(|change| (series, change)))
        .collect();
    let (first, change) = found.first()?;
    let counts = || first.cases.iter().map(|case| case.case.nthread);
    let others = match found.len() - 1 {
        0 => String::new(),
        1 => "; so does another".to_string(),
        more => format!("; so do {more} others"),
    };
    let name = &first.name;
    Some(Warning {
        code: Code::IgnoresSetting,
        message: format!(
            "{name} takes the same time at {} to {} threads, within {}: it seems to ignore the \
             number of threads{others}",
            counts().min()?,
            counts().max()?,
            percent(*change),
        ),
        advice: advice(seen, name),
        cases: seen
            .cases_where(|_, case| found.iter().any(|(series, _)| series.contains(case.index))),
    })
}

fn advice(seen: &Seen<'_>, name: &str) -> String {
    let command = seen.run.plan.commands.as_ref().and_then(|commands| commands.find(name));
    let Some(command) = command else {
        return "see that it starts as many threads as it is told".to_string();
    };
    let words = command.words.iter().map(String::as_str);
    let words = shlex::try_join(words).unwrap_or_else(|_| "CMD".to_string());
    format!(
        "see that it reads {{nthread}} in its arguments, or a variable such as OMP_NUM_THREADS: \
         harness env -- {words}"
    )
}

/// By how much the time of a series changes with the number of threads, if that is
/// next to nothing; `None` where it does, or where nothing else can be expected.
fn change(seen: &Seen<'_>, series: &Series<'_>) -> Option<f64> {
    let first = series.cases.iter().min_by_key(|case| case.case.nthread)?;
    // Where all CPUs, or those of the quota, have a thread already, more change nothing.
    let threads = f64::from(first.case.threads());
    let cpus = seen.machine.usable_cpus.map(f64::from);
    if [cpus, seen.machine.quota_cpus].into_iter().flatten().any(|cpus| threads >= cpus) {
        return None;
    }
    let others = series.cases.iter().filter(|case| case.case.nthread > first.case.nthread);
    let changes: Vec<f64> = others.map(|case| difference(first, case)).collect::<Option<_>>()?;
    changes.into_iter().max_by(f64::total_cmp)
}

/// How far the speeds of two cases are apart at most, as a share; `None` where that
/// is too far for equals, or nobody knows.
fn difference(one: &CaseSummary, other: &CaseSummary) -> Option<f64> {
    let mut logs = Vec::new();
    for (round, log) in &other.log_ratios {
        let own = one.log_ratios.iter().find(|(it, _)| it == round);
        logs.extend(own.map(|(_, own)| log - own));
    }
    let (low, high, limit) = match median_interval(&logs, CONFIDENCE) {
        Some(interval) => (interval.low, interval.high, ALIKE),
        None => (median(&logs)?, median(&logs)?, ALIKE_MEDIANS),
    };
    let furthest = low.abs().max(high.abs());
    (furthest <= limit.ln_1p()).then(|| furthest.exp_m1())
}

/// Commands that are little more than the start of a process.
pub fn short_runs(seen: &Seen<'_>) -> Option<Warning> {
    let time_ns = |case: &CaseSummary| case.median_ns.filter(|ns| *ns < SHORT_NS);
    let (shortest, ns) = seen.worst(|_, case| time_ns(case).map(|ns| -ns))?;
    Some(Warning {
        code: Code::ShortCalls,
        message: format!(
            "runs as short as {:.1} ms ({}): a good part of that is the start of a process",
            -ns / 1e6,
            seen.name(shortest)
        ),
        advice: "give it more work; --command true beside it says what an empty process takes"
            .to_string(),
        cases: seen.cases_where(|_, case| time_ns(case).is_some()),
    })
}
