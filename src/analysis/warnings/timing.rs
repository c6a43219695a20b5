//! Rules about calls and rounds: their number, duration and independence.

use std::collections::BTreeMap;

use super::{Code, Context, Warning, percent};
use crate::analysis::MIN_ROUNDS;
use crate::quantity::pluralize;
use crate::record::StopReason;
use crate::stats::diagnostics;
use crate::visits::VisitSelection;

/// Shortest call, as a multiple of the clock's resolution.
const RESOLUTIONS: f64 = 1000.0;

/// Shortest call, as a multiple of the cost of reading the clock.
const READINGS: f64 = 200.0;

/// Factor by which calls may be shorter in a run for a crossover or METG: there, an error
/// of a few percent at the small jobs does not matter.
const CROSSING_FACTOR: f64 = 50.0;

/// Smallest drift that is relevant: with thousands of visits much smaller ones are
/// significant.
const MIN_DRIFT_PERCENT: f64 = 0.1;

/// Smallest load balance, mean to maximum, without a warning.
const BALANCE: f64 = 0.8;

pub fn no_baseline(context: &Context<'_>) -> Option<Warning> {
    let cases = context
        .cases_where(|_, case| !case.is_baseline() && case.rounds > 0 && case.pairs_all == 0);
    let first = cases.first()?;
    let baseline = context.cases[*first].baseline;
    let was_reached = baseline.is_some_and(|case| !context.visits.of_case(case).is_empty());
    let (reason, advice) = match was_reached {
        true => (
            "no visit of their baseline counts",
            "the column error of samples.csv says why the baseline failed",
        ),
        false => (
            "the run ended before a visit of their baseline",
            "increase --time-budget, or leave it out",
        ),
    };
    Some(Warning {
        code: Code::NoBaseline,
        message: format!("{} without a speedup: {reason}", pluralize(cases.len(), "case")),
        advice: advice.to_string(),
        cases,
    })
}

pub fn short_calls(context: &Context<'_>) -> Option<Warning> {
    if context.run.plan.target.is_command() {
        return super::commands::short_runs(context);
    }
    let clock = &context.run.clock;
    let mut min_ns = (RESOLUTIONS * clock.resolution_ns as f64).max(READINGS * clock.reading_ns);
    if context.run.plan.preset.measures_threshold() {
        min_ns /= CROSSING_FACTOR;
    }
    // The factor by which a call is too short.
    let factor = |index: usize| {
        let ns = context.cases[index].median_ns?;
        (ns < min_ns).then_some(min_ns / ns)
    };
    let (worst, times) = context.worst(|index, _| factor(index))?;
    let advice = match context.cases[worst].case.baseline_draws() {
        Some(draws) => {
            format!("--draws {:.0} or more", (draws as f64 * times).log2().ceil().exp2())
        }
        None => format!("give each call {} times as much work", times.ceil()),
    };
    Some(Warning {
        code: Code::ShortCalls,
        message: format!(
            "calls of {:.0} ns ({}) are too short for the resolution of the clock; {min_ns:.0} ns \
             is enough",
            context.cases[worst].median_ns.unwrap_or_default(),
            context.name(worst)
        ),
        advice,
        cases: context.cases_where(|index, _| factor(index).is_some()),
    })
}

pub fn warm_up(context: &Context<'_>) -> Option<Warning> {
    let warmup = context.run.plan.warmup;
    let mut slow: Vec<_> =
        context.run.sessions.iter().flat_map(|session| &session.warm_ups).collect();
    slow.retain(|it| it.calls > warmup);
    let needed = slow.iter().map(|it| it.calls).max()?;
    let mut cases: Vec<usize> = slow.iter().map(|it| it.case).collect();
    cases.sort_unstable();
    cases.dedup();
    cases.retain(|case| *case < context.cases.len());
    Some(Warning {
        code: Code::WarmUp,
        message: format!(
            "{} for up to {} before a steady state ({}); --warmup was {warmup}",
            if cases.len() == 1 { "1 backend was slow" } else { "several backends were slow" },
            pluralize(needed as usize, "call"),
            cases.first().map_or_else(String::new, |case| context.name(*case)),
        ),
        advice: format!("--warmup {needed}"),
        cases,
    })
}

pub fn drift(context: &Context<'_>) -> Option<Warning> {
    let residuals = diagnostics::residuals(&times(context));
    let drift =
        diagnostics::drift(&residuals).filter(|drift| drift.percent.abs() >= MIN_DRIFT_PERCENT);
    let message = match (drift, diagnostics::autocorrelated_visits(&residuals)) {
        (Some(drift), _) => {
            let direction = if drift.percent > 0.0 { "slower" } else { "faster" };
            format!(
                "the machine became {direction} by {} over the run",
                percent(drift.percent.abs() / 100.0)
            )
        }
        (None, Some(_)) => "the speed of the machine fluctuated over the run".to_string(),
        (None, None) => return None,
    };
    Some(Warning {
        code: Code::Drift,
        message: format!("{message}: speedups are corrected for it, absolute times are not"),
        advice: "quote speedups; for absolute times let the machine warm up and measure again"
            .to_string(),
        cases: Vec::new(),
    })
}

pub fn autocorrelated(context: &Context<'_>) -> Option<Warning> {
    let logs: Vec<Vec<f64>> = (0..context.cases.len())
        .map(|case| context.visits.log_ratios(case, VisitSelection::Clean))
        .collect();
    let logs: Vec<&[f64]> = logs.iter().map(Vec::as_slice).collect();
    let tests = diagnostics::autocorrelated_among(&logs);
    let (worst, _) = context.worst(|case, _| tests[case].map(|test| test.lag_one))?;
    let test = tests[worst]?;
    Some(Warning {
        code: Code::Autocorrelated,
        message: format!(
            "rounds are autocorrelated ({}: correlation {:.2}; the effective number of {} rounds is \
             {:.0}): intervals of speedups are too narrow",
            context.name(worst),
            test.lag_one,
            test.count,
            test.effective_number,
        ),
        advice: "more rounds; from 30 on, summary.json also has intervals by batch means"
            .to_string(),
        cases: context.cases_where(|case, _| tests[case].is_some()),
    })
}

/// Start in seconds and time in nanoseconds of each clean visit, case by case. Sessions
/// follow each other without a gap.
fn times(context: &Context<'_>) -> Vec<Vec<(f64, f64)>> {
    let mut ends_ns: BTreeMap<u32, u64> = BTreeMap::new();
    for visit in (0..context.cases.len()).flat_map(|case| context.visits.of_case(case)) {
        let end_ns = ends_ns.entry(visit.position.session).or_default();
        *end_ns = visit.started_ns.max(*end_ns);
    }
    let mut times = vec![Vec::new(); context.cases.len()];
    for (case, times) in times.iter_mut().enumerate() {
        for visit in context.visits.of_case(case) {
            let Some(time_ns) = visit.clean_ns() else { continue };
            let earlier_ns: f64 =
                ends_ns.range(..visit.position.session).map(|(_, end_ns)| *end_ns as f64).sum();
            times.push(((visit.started_ns as f64 + earlier_ns) / 1e9, time_ns));
        }
    }
    times
}

pub fn few_rounds(context: &Context<'_>) -> Option<Warning> {
    let cases = context.cases_where(|_, case| match case.is_baseline() {
        true => (1..MIN_ROUNDS).contains(&case.rounds),
        false => case.pairs < MIN_ROUNDS && case.pairs_all > 0,
    });
    (!cases.is_empty()).then(|| Warning {
        code: Code::FewRounds,
        message: format!(
            "{} with fewer than {MIN_ROUNDS} rounds: medians without intervals",
            pluralize(cases.len(), "case")
        ),
        advice: format!("--rounds {MIN_ROUNDS}, or better 12; or a longer --time-budget"),
        cases,
    })
}

pub fn precision(context: &Context<'_>) -> Option<Warning> {
    let precision = context.run.plan.stopping.precision?;
    let session = context.run.sessions.last()?;
    let reason = match session.stop_reason? {
        StopReason::Budget => "the time budget ended before the precision was reached",
        StopReason::Looks => "the last look came before the precision was reached",
        StopReason::Precision | StopReason::Rounds | StopReason::Interrupted => return None,
    };
    // A speedup S that ranges from S / (1 + P) has this relative half-width.
    let limit = precision / (1.0 + precision);
    let (worst, half_width) =
        context.worst(|_, case| case.half_width.filter(|width| *width > limit))?;
    Some(Warning {
        code: Code::Precision,
        message: format!(
            "{reason}: the largest relative half-width of a 95% interval is ±{} ({}); the goal is \
             ±{}",
            percent(half_width),
            context.name(worst),
            percent(limit),
        ),
        advice: match context.run.plan.target.is_kernel() {
            true => "a longer --time-budget, a quieter machine, or longer calls (--draws)",
            false => {
                "more --rounds, a longer --time-budget, a quieter machine, or more work in each run"
            }
        }
        .to_string(),
        cases: context.cases_where(|_, case| case.half_width.is_some_and(|width| width > limit)),
    })
}

pub fn imbalance(context: &Context<'_>) -> Option<Warning> {
    let idle_share = |index: usize| {
        let case = &context.cases[index];
        let balance = context.median_of_visits(index, |metrics| metrics.load_balance)?;
        let is_unbalanced = balance < BALANCE && case.case.nthread > 1 && !case.oversubscribed;
        is_unbalanced.then_some(1.0 - balance)
    };
    let (worst, share) = context.worst(|index, _| idle_share(index))?;
    Some(Warning {
        code: Code::Imbalance,
        message: format!(
            "load imbalance: workers are idle for up to {} of a call while the busiest one works \
             ({})",
            percent(share),
            context.name(worst)
        ),
        advice: "smaller chunks (--chunk), and --schedule dynamic instead of static".to_string(),
        cases: context.cases_where(|index, _| idle_share(index).is_some()),
    })
}
