//! Whether there were enough calls and rounds, long enough, and alike.

use std::collections::BTreeMap;

use super::{Code, Seen, Warning, percent};
use crate::quantity::pluralize;
use crate::record::{Preset, StopReason, Subject};
use crate::stats::diagnostics;
use crate::visits::{Visit, Which};

/// A call lasts at least so many times the clock's resolution.
const RESOLUTIONS: f64 = 1000.0;

/// And so many times the cost of reading it.
const READINGS: f64 = 200.0;

/// Where a run asks at which size something crosses, so many times shorter calls
/// will do: there, a few percent of a small job's time decide on nothing.
const COARSER: f64 = 50.0;

/// Rounds below which there is no interval at 95%.
const ROUNDS: usize = 6;

/// Thousands of visits show drifts that no reader of a time would care for.
const LEAST_DRIFT_PERCENT: f64 = 0.1;

/// Below this, the mean worker has too little to do beside the busiest.
const BALANCE: f64 = 0.8;

pub fn no_baseline(seen: &Seen<'_>) -> Option<Warning> {
    let is_lonely = |index: usize| {
        let case = &seen.cases[index];
        !case.is_baseline() && case.rounds > 0 && case.pairs_all == 0
    };
    let cases = seen.cases_where(|index, _| is_lonely(index));
    (!cases.is_empty()).then(|| Warning {
        code: Code::NoBaseline,
        message: format!(
            "{} with times and no speedup: no visit to their baseline counts",
            pluralize(cases.len(), "case")
        ),
        advice: "see why the baseline failed, in the column error of samples.csv".to_string(),
        cases,
    })
}

pub fn short_calls(seen: &Seen<'_>) -> Option<Warning> {
    if seen.run.plan.target.is_command() {
        return super::commands::short_runs(seen);
    }
    let clock = &seen.run.clock;
    let least_ns = (RESOLUTIONS * clock.resolution_ns as f64).max(READINGS * clock.reading_ns);
    let is_coarse = matches!(seen.run.plan.preset, Preset::Crossover | Preset::Metg);
    let least_ns = if is_coarse { least_ns / COARSER } else { least_ns };
    let shortfall = |index: usize| {
        let ns = seen.cases[index].median_ns?;
        (ns < least_ns).then_some(least_ns / ns)
    };
    let (worst, times) = seen.worst(|index, _| shortfall(index))?;
    let advice = match seen.cases[worst].case.share() {
        Some(draws) => {
            format!("--draws {:.0} or more", (draws as f64 * times).log2().ceil().exp2())
        }
        None => format!("give each call {} times as much to do", times.ceil()),
    };
    Some(Warning {
        code: Code::ShortCalls,
        message: format!(
            "calls as short as {:.0} ns ({}) are within reach of the clock's own error; {least_ns:.0} ns would do",
            seen.cases[worst].median_ns.unwrap_or_default(),
            seen.name(worst)
        ),
        advice,
        cases: seen.cases_where(|index, _| shortfall(index).is_some()),
    })
}

pub fn warm_up(seen: &Seen<'_>) -> Option<Warning> {
    let made = seen.run.plan.warmup;
    let tried = seen.run.sessions.iter().flat_map(|session| &session.warm_ups);
    let slow: Vec<_> = tried.filter(|it| it.calls > made).collect();
    let most = slow.iter().map(|it| it.calls).max()?;
    let mut cases: Vec<usize> = slow.iter().map(|it| it.case).collect();
    cases.sort_unstable();
    cases.dedup();
    cases.retain(|case| *case < seen.cases.len());
    Some(Warning {
        code: Code::WarmUp,
        message: format!(
            "{} slow at first for up to {} ({}); --warmup was {made}",
            if cases.len() == 1 { "1 backend was" } else { "several backends were" },
            pluralize(most as usize, "call"),
            cases.first().map_or_else(String::new, |case| seen.name(*case)),
        ),
        advice: format!("--warmup {most}"),
        cases,
    })
}

pub fn drift(seen: &Seen<'_>) -> Option<Warning> {
    let visits = diagnostics::residuals(&times(seen));
    let (drift, autocorrelated) =
        (diagnostics::drift(&visits), diagnostics::autocorrelated_visits(&visits));
    let drift = drift.filter(|drift| drift.percent.abs() >= LEAST_DRIFT_PERCENT);
    let message = match (drift, autocorrelated) {
        (Some(drift), _) => {
            let pace = if drift.percent > 0.0 { "slower" } else { "faster" };
            format!(
                "the machine became {pace} by {} over the run",
                percent(drift.percent.abs() / 100.0)
            )
        }
        (None, Some(_)) => "the machine's speed wandered over the run".to_string(),
        (None, None) => return None,
    };
    Some(Warning {
        code: Code::Drift,
        message: format!("{message}: ratios allow for that, absolute times do not"),
        advice: "quote speedups; for absolute times let the machine warm up, and measure again"
            .to_string(),
        cases: Vec::new(),
    })
}

pub fn autocorrelated(seen: &Seen<'_>) -> Option<Warning> {
    let logs: Vec<Vec<f64>> = (0..seen.cases.len())
        .map(|case| seen.visits.log_ratios(case, VisitSelection::Clean))
        .collect();
    let logs: Vec<&[f64]> = logs.iter().map(Vec::as_slice).collect();
    let found = diagnostics::autocorrelated_among(&logs);
    let (worst, _) = seen.worst(|case, _| found[case].map(|it| it.lag_one))?;
    let it = found[worst]?;
    Some(Warning {
        code: Code::Autocorrelated,
        message: format!(
            "rounds resemble the round before ({}: correlation {:.2}; {} rounds say as much as {:.0}): \
             intervals of speedups are too narrow",
            seen.name(worst),
            it.lag_one,
            it.count,
            it.effective_number,
        ),
        advice: "more rounds; from 30 on, summary.json has an interval of batch means, too"
            .to_string(),
        cases: seen.cases_where(|case, _| found[case].is_some()),
    })
}

/// Start in seconds and time in nanoseconds of each visit that counts, case by
/// case. Sessions follow each other without a gap.
fn times(seen: &Seen<'_>) -> Vec<Vec<(f64, f64)>> {
    let mut ends_ns: BTreeMap<u32, u64> = BTreeMap::new();
    for visit in (0..seen.cases.len()).flat_map(|case| seen.visits.of_case(case)) {
        let end_ns = ends_ns.entry(visit.position.session).or_default();
        *end_ns = visit.started_ns.max(*end_ns);
    }
    let offset_ns =
        |session: u32| ends_ns.range(..session).map(|(_, end_ns)| *end_ns as f64).sum::<f64>();
    let time = |visit: &Visit| {
        let started_ns = visit.started_ns as f64 + offset_ns(visit.position.session);
        Some((started_ns / 1e9, visit.clean_ns()?))
    };
    let times = |case| seen.visits.of_case(case).iter().filter_map(time).collect();
    (0..seen.cases.len()).map(times).collect()
}

pub fn few_rounds(seen: &Seen<'_>) -> Option<Warning> {
    let is_few = |index: usize| {
        let case = &seen.cases[index];
        match case.is_baseline() {
            true => (1..ROUNDS).contains(&case.rounds),
            false => case.pairs < ROUNDS && case.pairs_all > 0,
        }
    };
    let cases = seen.cases_where(|index, _| is_few(index));
    (!cases.is_empty()).then(|| Warning {
        code: Code::FewRounds,
        message: format!(
            "{} with fewer than {ROUNDS} rounds: medians without intervals",
            pluralize(cases.len(), "case")
        ),
        advice: format!("--rounds {ROUNDS}, or better 12; or a longer --time-budget"),
        cases,
    })
}

pub fn precision(seen: &Seen<'_>) -> Option<Warning> {
    let asked = seen.run.plan.stopping.precision?;
    let session = seen.run.sessions.last()?;
    let why = match session.stop_reason? {
        StopReason::Budget => "the time budget ended first",
        StopReason::Looks => "the last look was taken first",
        StopReason::Precision | StopReason::Rounds | StopReason::Interrupted => return None,
    };
    let width = |index: usize| seen.cases[index].half_width;
    let limit = asked / (1.0 + asked);
    let (worst, reached) = seen.worst(|index, _| width(index).filter(|width| *width > limit))?;
    Some(Warning {
        code: Code::Precision,
        message: format!(
            "{why}: the least known speedup is known to ±{} ({}), where ±{} would do",
            percent(reached),
            seen.name(worst),
            // What is held against the half-width: S ranges from S / (1 + P).
            percent(limit),
        ),
        advice: if seen.run.plan.target.is_kernel() {
            "a longer --time-budget, a quieter machine, or longer calls (--draws)".to_string()
        } else {
            "more --rounds, a longer --time-budget, a quieter machine, or more work in each run"
                .to_string()
        },
        cases: seen.cases_where(|index, _| width(index).is_some_and(|width| width > limit)),
    })
}

pub fn imbalance(seen: &Seen<'_>) -> Option<Warning> {
    let lack = |index: usize| {
        let case = &seen.cases[index];
        let balance = seen.middle(index, |evidence| evidence.load_balance);
        let balance = balance.filter(|_| case.case.nthread > 1 && !case.oversubscribed)?;
        (balance < BALANCE).then_some(1.0 - balance)
    };
    let (worst, share) = seen.worst(|index, _| lack(index))?;
    Some(Warning {
        code: Code::Imbalance,
        message: format!(
            "workers idle for up to {} of a call while the busiest one works ({})",
            percent(share),
            seen.name(worst)
        ),
        advice: "smaller chunks (--chunk), and --schedule dynamic where it is static".to_string(),
        cases: seen.cases_where(|index, _| lack(index).is_some()),
    })
}
