//! Rules about interference of the machine with the measurement.

use super::{Code, Context, Warning, percent};
use crate::quantity::pluralize;
use crate::visits::Disturbance;

/// Largest share of CPU time taken by the hypervisor without a warning.
const STEAL: f64 = 0.01;

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
    Some(Warning {
        code: Code::Starved,
        message: format!(
            "workers waited for a CPU for {} of their time ({}): other programs used this machine, \
             and speedups are too low",
            percent(share),
            context.name(worst)
        ),
        advice: "stop other programs, or measure with fewer threads than CPUs".to_string(),
        cases: context.cases_where(|case, _| waiting_share(case).is_some()),
    })
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
