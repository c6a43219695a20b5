//! Rules about commands, and about functions in benches: the harness does not know what
//! they do with the number of threads, nor whether they compute the same.

use std::time::Duration;

use super::{Code, Context, Warning, percent};
use crate::analysis::{CaseSummary, Outputs, Series, compare_outputs, series};
use crate::quantity::format_time;
use crate::stats::{median, median_interval};
use crate::visits::{CONFIDENCE, Visit};

/// Largest change of time, over all thread counts, that counts as no effect.
const NO_EFFECT: f64 = 0.1;

/// Largest change of the median that counts as no effect with too few rounds for intervals.
const NO_EFFECT_OF_MEDIAN: f64 = 0.05;

/// Growth of the CPUs in use with the number of threads from which a command uses its threads.
const GROWING_USE: f64 = 1.2;

/// Ratio of the first run of a command to later ones of the same count from which it seems to keep
/// its result: a run that is merely cold takes less.
const KEPT_RESULT_RATIO: f64 = 10.0;

/// Shortest run that is not dominated by the start of its process: the limit of hyperfine.
const SHORT_NS: f64 = 5e6;

/// Commands that print something else at other counts, or than each other.
pub fn different_outputs(context: &Context<'_>) -> Option<Warning> {
    different_between_counts(context).or_else(|| different_between_commands(context))
}

/// The first command whose output depends on the number of threads.
fn different_between_counts(context: &Context<'_>) -> Option<Warning> {
    let found = compare_outputs(&context.run.plan, context.cases);
    let first = found.iter().find_map(|command| match &command.outputs {
        Outputs::Differ { first, others } => Some((first, others, "")),
        Outputs::Unsteady { first, others } => Some((first, others, ", from run to run")),
        _ => None,
    });
    let (reference, others, when) = first?;
    let other = context.name(*others.first()?);
    Some(Warning {
        code: Code::DifferentOutputs,
        message: format!(
            "the output changes with the number of threads: {other} prints something else than {}\
             {when}",
            context.name(*reference),
        ),
        advice: "compare what it prints (--output keep) before its times; output that names the \
                 count or a time differs too"
            .to_string(),
        cases: others.clone(),
    })
}

/// Commands that always print the same, but not the same as the first.
fn different_between_commands(context: &Context<'_>) -> Option<Warning> {
    let outputs = &context.run.plan.expected_outputs;
    let (first, others) = outputs.split_first()?;
    let other = others.iter().find(|other| other.sha256 != first.sha256)?;
    Some(Warning {
        code: Code::DifferentOutputs,
        message: format!(
            "the commands print different output: {} and {} differ",
            first.label, other.label
        ),
        advice: "check that they compute the same; otherwise their times are not comparable"
            .to_string(),
        cases: context.cases_where(|_, case| {
            let output = outputs.iter().find(|output| output.label == case.case.label);
            output.is_some_and(|output| output.sha256 != first.sha256)
        }),
    })
}

/// A command whose first run took far longer than later ones of the same count, in CPU time as
/// well: `make` has nothing to do in its second run.
pub fn keeps_result(context: &Context<'_>) -> Option<Warning> {
    let commands = context.run.plan.commands.as_ref()?;
    let mut kept = Vec::new();
    for command in &commands.list {
        let cases = context.cases_where(|_, case| case.case.label == command.label);
        let first = cases
            .iter()
            .filter_map(|case| context.visits.of_case(*case).first())
            .min_by_key(|visit| (visit.position.session, visit.position.visit));
        let times = first.and_then(|first| first_and_later(context, first));
        kept.extend(times.map(|times| (command, cases, times)));
    }
    let (command, _, (first_ns, later_ns)) = kept.first()?;
    let advice = match commands.prepare {
        None => {
            "undo it before each run with --prepare, as `make clean` does; otherwise the \
                 times are those of a run without work"
        }
        Some(_) => {
            "the command of --prepare does not undo it, so the times are those of a run \
                    without work"
        }
    };
    Some(Warning {
        code: Code::KeepsResult,
        message: format!(
            "the first run of {} took {}, and later ones with the same number of threads {}: it \
             seems to keep its result",
            command.label,
            format_time(Duration::from_nanos(*first_ns as u64)),
            format_time(Duration::from_nanos(*later_ns as u64)),
        ),
        advice: advice.to_string(),
        cases: kept.iter().flat_map(|(_, cases, _)| cases.iter().copied()).collect(),
    })
}

/// Time of the first visit of a command, and the median time of later visits of the same case, if
/// both time and CPU time say that the command keeps its result.
fn first_and_later(context: &Context<'_>, first: &Visit) -> Option<(f64, f64)> {
    let later = &context.visits.of_case(first.case)[1..];
    let is_far_above = |figure: fn(&Visit) -> Option<f64>| {
        let one = figure(first)?;
        let others = median(&later.iter().filter_map(figure).collect::<Vec<_>>())?;
        Some((one, others, one > KEPT_RESULT_RATIO * others))
    };
    let (first_ns, later_ns, is_slow) = is_far_above(|visit| visit.any_ns())?;
    // An unknown CPU time does not contradict.
    let cpu = is_far_above(|visit| Some(visit.metrics.user_ns? + visit.metrics.system_ns?));
    let is_work = cpu.is_none_or(|(.., is_far_above)| is_far_above);
    (is_slow && is_work).then_some((first_ns, later_ns))
}

/// A command whose time does not depend on the number of threads, although there are CPUs
/// for more threads than its smallest count.
pub fn ignores_setting(context: &Context<'_>) -> Option<Warning> {
    if context.run.plan.target.is_kernel() {
        return None;
    }
    let mut cases: Vec<&CaseSummary> = context.cases.iter().collect();
    cases.retain(|case| !case.case.is_baseline());
    let mut unaffected = Vec::new();
    for series in series(&cases) {
        let change = max_change(context, &series);
        unaffected.extend(change.map(|change| (series, change)));
    }
    let (first, change) = unaffected.first()?;
    let counts: Vec<u32> = first.cases.iter().map(|case| case.case.nthread).collect();
    let others = match unaffected.len() - 1 {
        0 => String::new(),
        1 => "; so does another".to_string(),
        more => format!("; so do {more} others"),
    };
    let name = &first.name;
    let (fewest, most) = (counts.iter().min()?, counts.iter().max()?);
    let cpus = cpus_used(first);
    // Equal times alone are no proof: a program may use its threads in vain.
    let (conclusion, advice) = match cpus {
        Some((least, more)) if more < GROWING_USE * least => {
            ("it seems to ignore the number of threads".to_string(), advice(context, name))
        }
        Some((_, more)) => (
            format!("it does not become faster, although it uses {more:.1} CPUs at {most} threads"),
            "more threads cost CPU time here; a serial part, memory or I/O may limit it"
                .to_string(),
        ),
        None => ("it does not become faster with more threads".to_string(), advice(context, name)),
    };
    Some(Warning {
        code: Code::IgnoresSetting,
        message: format!(
            "{name} takes the same time at {fewest} to {most} threads, within {}: \
             {conclusion}{others}",
            percent(*change),
        ),
        advice,
        cases: context
            .cases_where(|index, _| unaffected.iter().any(|(series, _)| series.contains(index))),
    })
}

/// CPUs that a command uses on average at its smallest and at its largest count; `None` if its
/// CPU time is unknown.
fn cpus_used(series: &Series<'_>) -> Option<(f64, f64)> {
    let used = |case: &&CaseSummary| Some(case.cpu_ns()? / case.median_ns?);
    let least = series.cases.iter().min_by_key(|case| case.case.nthread)?;
    let most = series.cases.iter().max_by_key(|case| case.case.nthread)?;
    Some((used(least)?, used(most)?))
}

fn advice(context: &Context<'_>, name: &str) -> String {
    let command = context.run.plan.commands.as_ref().and_then(|commands| commands.find(name));
    let Some(command) = command else {
        return "check that it starts as many threads as requested".to_string();
    };
    let words = command.words.iter().map(String::as_str);
    let words = shlex::try_join(words).unwrap_or_else(|_| "CMD".to_string());
    format!(
        "check that it reads {{nthread}} in its arguments, or a variable such as \
         OMP_NUM_THREADS: harness env -- {words}"
    )
}

/// Largest change of the time of a series with the number of threads, if all changes count
/// as no effect. `None` if there is an effect, or none can be expected.
fn max_change(context: &Context<'_>, series: &Series<'_>) -> Option<f64> {
    let first = series.cases.iter().min_by_key(|case| case.case.nthread)?;
    // If the smallest count already uses all CPUs, or the whole quota, more threads cannot
    // have an effect.
    let threads = f64::from(first.case.threads());
    let cpus = context.machine.usable_cpus.map(f64::from);
    if [cpus, context.machine.quota_cpus].into_iter().flatten().any(|cpus| threads >= cpus) {
        return None;
    }
    let others = series.cases.iter().filter(|case| case.case.nthread > first.case.nthread);
    let changes: Vec<f64> = others.map(|case| difference(first, case)).collect::<Option<_>>()?;
    changes.into_iter().max_by(f64::total_cmp)
}

/// Largest relative difference of the speeds of two cases that their interval allows.
/// `None` if it exceeds the limit, or is unknown.
fn difference(one: &CaseSummary, other: &CaseSummary) -> Option<f64> {
    let logs = other.log_ratios_to(one);
    let (low, high, limit) = match median_interval(&logs, CONFIDENCE) {
        Some(interval) => (interval.low, interval.high, NO_EFFECT),
        None => (median(&logs)?, median(&logs)?, NO_EFFECT_OF_MEDIAN),
    };
    let largest = low.abs().max(high.abs());
    (largest <= limit.ln_1p()).then(|| largest.exp_m1())
}

/// Runs that are dominated by the start of a process.
pub fn short_runs(context: &Context<'_>) -> Option<Warning> {
    let is_short = |case: &CaseSummary| case.median_ns.is_some_and(|ns| ns < SHORT_NS);
    let (shortest, ns) =
        context.worst(|_, case| case.median_ns.filter(|_| is_short(case)).map(|ns| -ns))?;
    Some(Warning {
        code: Code::ShortCalls,
        message: format!(
            "runs of {:.1} ms or less ({}): the start of a process is a large part of that",
            -ns / 1e6,
            context.name(shortest)
        ),
        advice: "increase the work of a run; --command true measures an empty process".to_string(),
        cases: context.cases_where(|_, case| is_short(case)),
    })
}
