//! Rules about the setup: the build, the machine, and the thread counts.

use super::{Code, Context, Warning};
use crate::analysis::CaseSummary;
use crate::quantity::pluralize;
use crate::record::Case;

/// Largest load of other programs, in CPUs, without a warning.
const IDLE_CPUS: f64 = 0.25;

pub fn unoptimised(context: &Context<'_>) -> Option<Warning> {
    // Commands are separate programs: the speed of the harness does not matter.
    if context.run.plan.target.is_command() {
        return None;
    }
    let sessions = context.run.sessions.iter().map(|session| &session.build);
    let mut builds = sessions.chain([&context.run.build]);
    builds.any(|build| build.opt_level == "0").then(|| Warning {
        code: Code::Unoptimised,
        message: "the harness was built without optimisation".to_string(),
        advice: "build with --release before you quote a number".to_string(),
        cases: Vec::new(),
    })
}

pub fn oversubscribed(context: &Context<'_>) -> Option<Warning> {
    let usable = context.machine.usable_cpus.filter(|cpus| *cpus > 0)?;
    let quota = context.machine.quota_cpus.unwrap_or(f64::INFINITY);
    let cases = context.cases_where(|_, case| {
        let threads = case.case.threads();
        threads > usable && f64::from(threads) <= quota
    });
    (!cases.is_empty()).then(|| Warning {
        code: Code::Oversubscribed,
        message: format!(
            "{} with more threads than the {usable} usable CPUs",
            pluralize(cases.len(), "case")
        ),
        advice: format!(
            "they show the cost of oversubscription; {} leaves them out",
            match context.run.plan.inner_nthread.is_empty() {
                true => format!("--nthread 1..{usable}"),
                false => format!("--nthread times --inner-nthread up to {usable}"),
            }
        ),
        cases,
    })
}

pub fn over_quota(context: &Context<'_>) -> Option<Warning> {
    let quota = context.machine.quota_cpus?;
    let cases = context.cases_where(|_, case| f64::from(case.case.threads()) > quota);
    (!cases.is_empty()).then(|| Warning {
        code: Code::OverQuota,
        message: format!(
            "{} with more threads than the {quota} CPUs of the cgroup quota",
            pluralize(cases.len(), "case")
        ),
        advice: "all threads are throttled once the quota is used up: raise it, or use fewer \
                 threads"
            .to_string(),
        cases,
    })
}

pub fn smt(context: &Context<'_>) -> Option<Warning> {
    let cores = context.machine.usable_cores?;
    if context.machine.threads_per_core? < 2 {
        return None;
    }
    let cases = context.cases_where(|_, case| case.case.threads() > cores && !case.oversubscribed);
    (!cases.is_empty()).then(|| Warning {
        code: Code::Smt,
        message: format!(
            "{} with more threads than the {cores} physical cores: some share a core",
            pluralize(cases.len(), "case")
        ),
        advice: "the second thread of a core adds less; --nthread 1..cores has one thread a core"
            .to_string(),
        cases,
    })
}

/// A chunk is split into whole blocks, so a small one leaves inner threads idle: the case
/// ran with fewer threads than its name says.
pub fn small_chunks(context: &Context<'_>) -> Option<Warning> {
    let is_small = |case: &CaseSummary| {
        let inner = u64::from(case.case.inner_nthread);
        inner > 0 && case.case.chunk.is_some_and(|chunk| chunk < inner)
    };
    let (worst, _) =
        context.worst(|_, case| is_small(case).then(|| f64::from(case.case.inner_nthread)))?;
    let Case { inner_nthread, chunk, .. } = &context.cases[worst].case;
    Some(Warning {
        code: Code::SmallChunks,
        message: format!(
            "chunks of {} for {inner_nthread} threads inside a worker ({}): some threads were idle",
            pluralize(chunk.unwrap_or(0), "block"),
            context.name(worst)
        ),
        advice: format!("--chunk {inner_nthread} or more, or more --draws"),
        cases: context.cases_where(|_, case| is_small(case)),
    })
}

pub fn core_types(context: &Context<'_>) -> Option<Warning> {
    let types = &context.machine.core_types;
    (types.len() > 1).then(|| Warning {
        code: Code::CoreTypes,
        message: format!("the CPUs are of {} types: {}", types.len(), types.join(" and ")),
        advice: "slower cores lower the efficiency: run under taskset on cores of one type"
            .to_string(),
        cases: Vec::new(),
    })
}

pub fn power(context: &Context<'_>) -> Option<Warning> {
    let governor = context.machine.governor.as_deref().unwrap_or_default();
    let message = match (context.machine.on_battery, governor.contains("powersave")) {
        (Some(true), _) => "the machine runs on battery".to_string(),
        (_, true) => format!("the frequency governor is {governor}"),
        _ => return None,
    };
    Some(Warning {
        code: Code::Power,
        message,
        advice: "connect it to mains power, and set the governor to performance".to_string(),
        cases: Vec::new(),
    })
}

pub fn busy_at_start(context: &Context<'_>) -> Option<Warning> {
    let loads = context.run.sessions.iter().filter_map(|session| session.other_load_cpus);
    let load = loads.max_by(f64::total_cmp).filter(|cpus| *cpus > IDLE_CPUS)?;
    Some(Warning {
        code: Code::BusyAtStart,
        message: format!("other programs used {load:.1} CPUs just before the first visit"),
        advice: "find them with top, wait until they have finished, and measure again".to_string(),
        cases: Vec::new(),
    })
}
