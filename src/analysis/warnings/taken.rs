//! What the machine took away while it was measured.

use super::{Code, Seen, Warning, percent};
use crate::quantity::pluralize;
use crate::visits::{Disturbance, Visit};

/// The hypervisor may take this share of a run.
const STEAL: f64 = 0.01;

/// Steal is counted in ticks of so long.
const TICK_NS: f64 = 1e7;

/// The clock frequency may fall to this share of the baseline's.
const FREQUENCY: f64 = 0.97;

pub fn clock(seen: &Seen<'_>) -> Option<Warning> {
    disturbed(
        seen,
        Disturbance::Clock,
        Code::Clock,
        "the clocks disagreed during",
        "look at dmesg for the clock source; do not quote absolute times",
    )
}

pub fn suspended(seen: &Seen<'_>) -> Option<Warning> {
    disturbed(
        seen,
        Disturbance::Suspended,
        Code::Suspended,
        "the machine was asleep during",
        "keep it awake while it measures: systemd-inhibit harness …",
    )
}

pub fn stopped(seen: &Seen<'_>) -> Option<Warning> {
    disturbed(
        seen,
        Disturbance::Stopped,
        Code::Stopped,
        "processes were stopped during",
        "find out who sends SIGSTOP, or freezes the cgroup",
    )
}

pub fn throttled(seen: &Seen<'_>) -> Option<Warning> {
    disturbed(
        seen,
        Disturbance::Throttled,
        Code::Throttled,
        "the cgroup quota held up",
        "raise the quota, or ask for no more threads than it has CPUs",
    )
}

/// A warning of the visits that something disturbed.
fn disturbed(
    seen: &Seen<'_>,
    disturbance: Disturbance,
    code: Code,
    what: &str,
    advice: &str,
) -> Option<Warning> {
    let visits_of = |case: usize| -> usize {
        let left_out = seen.cases[case].left_out.iter();
        left_out.filter(|(reason, _)| *reason == disturbance).map(|(_, visits)| *visits).sum()
    };
    let cases = seen.cases_where(|case, _| visits_of(case) > 0);
    let visits: usize = cases.iter().map(|case| visits_of(*case)).sum();
    (visits > 0).then(|| Warning {
        code,
        message: format!("{what} {}, whose pairs are left out", pluralize(visits, "visit")),
        advice: advice.to_string(),
        cases,
    })
}

pub fn starved(seen: &Seen<'_>) -> Option<Warning> {
    // In more than half of its visits: the median of the others is 0.
    let waited = |case: usize| {
        let share = seen.middle(case, |evidence| Some(evidence.starved().unwrap_or(0.0)))?;
        (share > 0.0 && !seen.cases[case].oversubscribed).then_some(share)
    };
    let (worst, share) = seen.worst(|case, _| waited(case))?;
    Some(Warning {
        code: Code::Starved,
        message: format!(
            "workers waited for a CPU for {} of their time ({}): something else used this machine, and \
             speedups are too low",
            percent(share),
            seen.name(worst)
        ),
        advice: "stop what else runs, or measure on fewer threads than there are CPUs".to_string(),
        cases: seen.cases_where(|case, _| waited(case).is_some()),
    })
}

pub fn steal(seen: &Seen<'_>) -> Option<Warning> {
    let usable = seen.machine.usable_cpus.unwrap_or(1);
    let cpus = |visit: &Visit| visit.metrics.cpus.map_or(f64::from(usable), |cpus| cpus as f64);
    let seen_of = |visit: &&Visit| {
        // Damaged rows may say that a visit took no time, and nothing is a share of that.
        let wall_ns = visit.metrics.wall_ns.filter(|ns| *ns > 0)?;
        let steal_ns = visit.metrics.steal_ns?;
        Some((steal_ns as f64, wall_ns as f64 * cpus(visit), cpus(visit)))
    };
    let known: Vec<_> = seen.visits.in_order().iter().filter_map(seen_of).collect();
    let sum = |figure: fn(&(f64, f64, f64)) -> f64| known.iter().map(figure).sum::<f64>();
    let (steal_ns, cpu_ns) = (sum(|it| it.0), sum(|it| it.1));
    // Each CPU's count is off by less than a tick at either end of a visit, and
    // these errors are independent: their squares add up.
    let error_ns = TICK_NS * sum(|it| it.2).sqrt();
    let share = (steal_ns - error_ns) / cpu_ns;
    (share > STEAL).then(|| Warning {
        code: Code::Steal,
        message: format!("the hypervisor took {} of the CPU time", percent(steal_ns / cpu_ns)),
        advice: "others use the same host: measure at another time, or on a machine of your own"
            .to_string(),
        cases: Vec::new(),
    })
}

pub fn frequency(seen: &Seen<'_>) -> Option<Warning> {
    let speed = |case: usize| seen.middle(case, |evidence| evidence.cycles_per_ns);
    let fall = |case: usize| {
        let share = speed(case)? / speed(seen.cases[case].baseline?)?;
        (share < FREQUENCY).then_some(1.0 - share)
    };
    let (worst, share) = seen.worst(|case, _| fall(case))?;
    Some(Warning {
        code: Code::Frequency,
        message: format!(
            "the clock frequency falls by up to {} as threads are added ({})",
            percent(share),
            seen.name(worst)
        ),
        advice:
            "part of what looks like bad scaling is the chip's power limit: switch boost off to \
                 see the rest"
                .to_string(),
        cases: seen.cases_where(|case, _| fall(case).is_some()),
    })
}
