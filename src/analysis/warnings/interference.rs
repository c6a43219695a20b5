//! Rules about interference of the machine with the measurement.

use std::collections::BTreeSet;

use super::{Code, Context, Warning, percent};
use crate::quantity::pluralize;
use crate::visits::{BACKGROUND_CPUS, Disturbance, MIN_WINDOW_NS, Visit, others_cpus};

/// Largest share of CPU time taken by the hypervisor without a warning.
const STEAL: f64 = 0.01;

/// Number of CPUs that other programs may use without a warning.
const OTHERS_CPUS: f64 = 0.25;

/// Unit of the steal counters.
const TICK_NS: f64 = 1e7;

/// Smallest ratio of clock frequencies, case to baseline, without a warning.
const FREQUENCY: f64 = 0.97;

pub fn clock(context: &Context<'_>) -> Option<Warning> {
    disturbed(
        context,
        Disturbance::Clock,
        Code::Clock,
        "the clocks disagreed during",
        "look at dmesg for the clock source; do not quote absolute times",
    )
}

pub fn suspended(context: &Context<'_>) -> Option<Warning> {
    disturbed(
        context,
        Disturbance::Suspended,
        Code::Suspended,
        "the machine was suspended during",
        "keep it awake during the measurement: systemd-inhibit harness …",
    )
}

pub fn stopped(context: &Context<'_>) -> Option<Warning> {
    disturbed(
        context,
        Disturbance::Stopped,
        Code::Stopped,
        "processes were stopped during",
        "find out which program sends SIGSTOP or freezes the cgroup",
    )
}

pub fn throttled(context: &Context<'_>) -> Option<Warning> {
    disturbed(
        context,
        Disturbance::Throttled,
        Code::Throttled,
        "the cgroup quota throttled",
        "raise the quota, or use no more threads than it has CPUs",
    )
}

/// A warning about the visits with one kind of disturbance.
fn disturbed(
    context: &Context<'_>,
    disturbance: Disturbance,
    code: Code,
    observation: &str,
    advice: &str,
) -> Option<Warning> {
    let mut visits = 0;
    let mut cases = Vec::new();
    for (index, case) in context.cases.iter().enumerate() {
        for (_, count) in case.left_out.iter().filter(|(reason, _)| *reason == disturbance) {
            visits += count;
            cases.push(index);
        }
    }
    (visits > 0).then(|| Warning {
        code,
        message: format!("{observation} {}, whose pairs are left out", pluralize(visits, "visit")),
        advice: advice.to_string(),
        cases,
    })
}

pub fn starved(context: &Context<'_>) -> Option<Warning> {
    // The median is positive only if workers waited in more than half of the visits.
    let waiting_share = |case: usize| {
        let share =
            context.median_of_visits(case, |metrics| Some(metrics.starved().unwrap_or(0.0)))?;
        (share > 0.0 && !context.cases[case].oversubscribed).then_some(share)
    };
    let (worst, share) = context.worst(|case, _| waiting_share(case))?;
    let (cause, advice) = match cause_of_waiting(context, worst, share) {
        WaitCause::Others(cpus) => (
            format!("other programs used {cpus:.1} CPUs meanwhile, and speedups are too low"),
            "stop other programs, or measure with fewer threads than CPUs",
        ),
        WaitCause::Placement => (
            "its own workers shared a CPU while another was idle".to_string(),
            "pin the workers: --pin spread",
        ),
        WaitCause::Unknown => (
            "the cause is unknown, and speedups may be too low".to_string(),
            "look for other programs, or measure with fewer threads than CPUs",
        ),
    };
    let (share, name) = (percent(share), context.name(worst));
    Some(Warning {
        code: Code::Starved,
        message: format!("workers waited for a CPU for {share} of their time ({name}): {cause}"),
        advice: advice.to_string(),
        cases: context.cases_where(|case, _| waiting_share(case).is_some()),
    })
}

/// Cause for which workers waited for a CPU.
enum WaitCause {
    /// Other programs used this number of CPUs.
    Others(f64),
    /// Workers shared a CPU while another was idle.
    Placement,
    /// No cause is shown.
    Unknown,
}

/// The cause for which the workers of a case waited for this share of their time. A cause must
/// account for at least half of it.
fn cause_of_waiting(context: &Context<'_>, case: usize, share: f64) -> WaitCause {
    let threads = f64::from(context.cases[case].case.threads());
    let waiting_cpus = share * threads;
    let Some(others) = context.visits.others_cpus(case) else { return WaitCause::Unknown };
    if others >= waiting_cpus / 2.0 {
        return match others >= BACKGROUND_CPUS {
            true => WaitCause::Others(others),
            false => WaitCause::Unknown,
        };
    }
    let usable = context.machine.usable_cpus.map(f64::from);
    // The workers' own use at most: all of their time but the waiting.
    let idle = usable.map(|usable| usable - others.max(0.0) - (threads - waiting_cpus));
    match idle {
        Some(idle) if idle >= waiting_cpus / 2.0 => WaitCause::Placement,
        _ => WaitCause::Unknown,
    }
}

/// Other programs that used the CPUs which the runs of commands needed. The kernel does not
/// tell for how long a command waited, so the use of the CPUs decides.
pub fn other_programs(context: &Context<'_>) -> Option<Warning> {
    if !context.run.plan.target.is_command() {
        return None;
    }
    let usable = f64::from(context.machine.usable_cpus?);
    let in_order = context.visits.in_order();
    let (mut affected, mut most, mut cases) = (0, 0.0_f64, BTreeSet::new());
    for window in windows(&in_order) {
        let Some(others) = others_cpus(window).filter(|cpus| *cpus >= OTHERS_CPUS) else {
            continue;
        };
        let own = window.iter().map(|visit| cpus_used(visit)).fold(0.0, f64::max);
        if others + own > usable - OTHERS_CPUS {
            affected += window.len();
            most = most.max(others);
            cases.extend(window.iter().map(|visit| visit.case));
        }
    }
    (affected > 0).then(|| Warning {
        code: Code::OtherPrograms,
        message: format!(
            "other programs used up to {most:.1} CPUs during {affected} of {}",
            pluralize(in_order.len(), "run")
        ),
        advice: "stop other programs and measure again".to_string(),
        cases: cases.into_iter().collect(),
    })
}

/// Consecutive visits that are long enough together to be judged.
fn windows<'a, 'b>(visits: &'a [&'b Visit]) -> Vec<&'a [&'b Visit]> {
    let mut windows = Vec::new();
    let (mut start, mut wall_ns) = (0, 0.0);
    for (place, visit) in visits.iter().enumerate() {
        wall_ns += visit.metrics.wall_ns.unwrap_or(0) as f64;
        if wall_ns >= MIN_WINDOW_NS {
            windows.push(&visits[start..=place]);
            (start, wall_ns) = (place + 1, 0.0);
        }
    }
    windows
}

/// Mean number of CPUs that the processes of a command used.
fn cpus_used(visit: &Visit) -> f64 {
    let metrics = &visit.metrics;
    let cpu_ns = metrics.user_ns.unwrap_or(0.0) + metrics.system_ns.unwrap_or(0.0);
    visit.any_ns().filter(|ns| *ns > 0.0).map_or(0.0, |wall_ns| cpu_ns / wall_ns)
}

pub fn steal(context: &Context<'_>) -> Option<Warning> {
    let usable = f64::from(context.machine.usable_cpus.unwrap_or(1));
    let (mut steal_ns, mut cpu_ns, mut counters) = (0.0, 0.0, 0.0);
    for visit in context.visits.in_order() {
        let metrics = &visit.metrics;
        // Damaged rows may have a wall time of 0, of which there is no share.
        let Some(wall_ns) = metrics.wall_ns.filter(|ns| *ns > 0) else { continue };
        let Some(steal) = metrics.steal_ns else { continue };
        let cpus = metrics.cpus.map_or(usable, |cpus| cpus as f64);
        steal_ns += steal as f64;
        cpu_ns += wall_ns as f64 * cpus;
        counters += cpus;
    }
    // The count of each CPU in each visit has an error of up to one tick. The errors are
    // independent, so their squares add up.
    let error_ns = TICK_NS * f64::sqrt(counters);
    ((steal_ns - error_ns) / cpu_ns > STEAL).then(|| Warning {
        code: Code::Steal,
        message: format!("the hypervisor took {} of the CPU time", percent(steal_ns / cpu_ns)),
        advice:
            "other machines share this host: measure at another time, or on a dedicated machine"
                .to_string(),
        cases: Vec::new(),
    })
}

pub fn frequency(context: &Context<'_>) -> Option<Warning> {
    let drop = |case: usize| {
        let [of_case, of_baseline] = [Some(case), context.cases[case].baseline]
            .map(|case| context.median_of_visits(case?, |metrics| metrics.cycles_per_ns));
        let share = of_case? / of_baseline?;
        (share < FREQUENCY).then_some(1.0 - share)
    };
    let (worst, share) = context.worst(|case, _| drop(case))?;
    Some(Warning {
        code: Code::Frequency,
        message: format!(
            "the clock frequency is up to {} lower with more threads ({})",
            percent(share),
            context.name(worst)
        ),
        advice: "part of the loss of efficiency comes from the power limit of the processor: \
                 switch turbo off to measure the rest"
            .to_string(),
        cases: context.cases_where(|case, _| drop(case).is_some()),
    })
}
