//! What is known before the first visit: the build, the machine, the counts.

use super::{Code, Seen, Warning};
use crate::analysis::CaseSummary;
use crate::quantity::pluralize;
use crate::record::Case;

/// CPUs that others may use before a machine is called busy.
const QUIET_CPUS: f64 = 0.25;

pub fn unoptimised(seen: &Seen<'_>) -> Option<Warning> {
    // Commands are programs of their own, however slow the harness is.
    if seen.run.plan.target.is_command() {
        return None;
    }
    let sessions = seen.run.sessions.iter().map(|session| &session.build);
    let mut builds = sessions.chain([&seen.run.build]);
    builds.any(|build| build.opt_level == "0").then(|| Warning {
        code: Code::Unoptimised,
        message: "the harness was built without optimisation".to_string(),
        advice: "build with --release before you quote a number".to_string(),
        cases: Vec::new(),
    })
}

pub fn oversubscribed(seen: &Seen<'_>) -> Option<Warning> {
    let usable = seen.machine.usable_cpus.filter(|cpus| *cpus > 0)?;
    let quota = seen.machine.quota_cpus.unwrap_or(f64::INFINITY);
    let is_over = |n: u32| n > usable && f64::from(n) <= quota;
    let cases = seen.cases_where(|_, case| is_over(case.case.threads()));
    (!cases.is_empty()).then(|| Warning {
        code: Code::Oversubscribed,
        message: format!(
            "{} with more threads than the {usable} usable CPUs",
            pluralize(cases.len(), "case")
        ),
        advice: format!(
            "read them as what too many threads cost; {} leaves them out",
            match seen.run.plan.inner_nthread.is_empty() {
                true => format!("--nthread 1..{usable}"),
                false => format!("--nthread times --inner-nthread up to {usable}"),
            }
        ),
        cases,
    })
}

pub fn over_quota(seen: &Seen<'_>) -> Option<Warning> {
    let quota = seen.machine.quota_cpus?;
    let cases = seen.cases_where(|_, case| f64::from(case.case.threads()) > quota);
    (!cases.is_empty()).then(|| Warning {
        code: Code::OverQuota,
        message: format!(
            "{} with more threads than the {quota} CPUs of the cgroup quota",
            pluralize(cases.len(), "case")
        ),
        advice: "the quota stops all threads once it is used up: raise it, or ask for fewer"
            .to_string(),
        cases,
    })
}

pub fn smt(seen: &Seen<'_>) -> Option<Warning> {
    let cores = seen.machine.usable_cores?;
    if seen.machine.threads_per_core? < 2 {
        return None;
    }
    let cases = seen.cases_where(|_, case| case.case.threads() > cores && !case.oversubscribed);
    (!cases.is_empty()).then(|| Warning {
        code: Code::Smt,
        message: format!(
            "{} with more threads than the {cores} physical cores: some share a core",
            pluralize(cases.len(), "case")
        ),
        advice: "expect less of the second thread of a core; --nthread 1..cores has one a core"
            .to_string(),
        cases,
    })
}

/// A worker splits a chunk by whole blocks, so a small one leaves threads without any: the
/// case ran in fewer threads than its name says.
pub fn small_chunks(seen: &Seen<'_>) -> Option<Warning> {
    let least = |case: &CaseSummary| {
        let inner = u64::from(case.case.inner_nthread);
        inner.checked_sub(1).zip(case.case.chunk).filter(|(_, chunk)| *chunk < inner)
    };
    let (worst, _) = seen.worst(|_, case| least(case).map(|(others, _)| others as f64))?;
    let Case { inner_nthread, chunk, .. } = &seen.cases[worst].case;
    Some(Warning {
        code: Code::SmallChunks,
        message: format!(
            "chunks of {} for {inner_nthread} threads inside a worker ({}): some had nothing to do",
            pluralize(chunk.unwrap_or(0), "block"),
            seen.name(worst)
        ),
        advice: format!("--chunk {inner_nthread} or more, or more --draws"),
        cases: seen.cases_where(|_, case| least(case).is_some()),
    })
}

pub fn core_types(seen: &Seen<'_>) -> Option<Warning> {
    let types = &seen.machine.core_types;
    (types.len() > 1).then(|| Warning {
        code: Code::CoreTypes,
        message: format!("the CPUs are of {} types: {}", types.len(), types.join(" and ")),
        advice:
            "threads on slower cores look like bad scaling: run under taskset on cores of one type"
                .to_string(),
        cases: Vec::new(),
    })
}

pub fn power(seen: &Seen<'_>) -> Option<Warning> {
    let governor = seen.machine.governor.as_deref().unwrap_or_default();
    let message = match (seen.machine.on_battery, governor.contains("powersave")) {
        (Some(true), _) => "the machine runs on its battery".to_string(),
        (_, true) => format!("the frequency governor is {governor}"),
        _ => return None,
    };
    Some(Warning {
        code: Code::Power,
        message,
        advice: "plug it in, and set the governor to performance".to_string(),
        cases: Vec::new(),
    })
}

pub fn busy_at_start(seen: &Seen<'_>) -> Option<Warning> {
    let loads = seen.run.sessions.iter().filter_map(|session| session.other_load_cpus);
    let worst = loads.max_by(f64::total_cmp).filter(|cpus| *cpus > QUIET_CPUS)?;
    Some(Warning {
        code: Code::BusyAtStart,
        message: format!("others used {worst:.1} CPUs just before the first visit"),
        advice: "find out who with top, wait until they have finished, and measure again"
            .to_string(),
        cases: Vec::new(),
    })
}
