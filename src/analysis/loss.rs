//! Split of the loss of efficiency into its causes.

#[cfg(test)]
mod tests;

use serde::{Serialize, Serializer};

use super::CaseSummary;
use crate::record::Run;
use crate::stats::median;
use crate::visits::{BACKGROUND_CPUS, MAX_SHARE_WITHOUT_CPU, Visit, Visits};

/// Cause of a part of the loss. The order is that in which causes are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Workers shared a CPU while another was idle.
    Placement,
    /// Other programs used the CPUs.
    Others,
    /// More threads than CPUs.
    Oversubscription,
    /// Workers were ready to run and had no CPU, for whatever reason.
    NoCpu,
    /// Workers ended before the busiest one.
    Imbalance,
    /// Starting, feeding and awaiting workers.
    Dispatch,
    /// Waiting, or a serial part: threads did not want a CPU.
    Waiting,
    /// The clock frequency was lower than that of the baseline.
    Frequency,
    /// More CPU time for the work than in the baseline; less, if the part is negative.
    SlowerComputation,
    /// Cause that is not known.
    Unknown,
}

named_variants!(Cause {
    Placement = "placement",
    Others = "others",
    Oversubscription = "oversubscription",
    NoCpu = "no_cpu",
    Imbalance = "imbalance",
    Dispatch = "dispatch",
    Waiting = "waiting",
    Frequency = "frequency",
    SlowerComputation = "slower_computation",
    Unknown = "unknown"
});

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Use of the capacity of a case, n times its time. All shares add up to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Loss {
    /// Share of useful work: the efficiency.
    pub useful: f64,
    /// Share that each cause takes. A cause without a part is not told apart from the unknown
    /// one. A negative share is a gain.
    pub parts: Vec<Part>,
}

/// Share of the capacity that one cause takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Part {
    /// The cause.
    pub cause: Cause,
    /// The share.
    pub share: f64,
}

/// Medians over the clean visits of a case: what the split is computed from.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    threads: f64,
    usable_cpus: Option<f64>,
    /// CPUs that other programs used.
    others_cpus: Option<f64>,
    inside: Option<f64>,
    computing: Option<f64>,
    /// Run delay, if most visits have it: a worker that is busy for a short time does not read
    /// it.
    delayed: Option<f64>,
    without_cpu: Option<f64>,
    imbalance: Option<f64>,
    dispatch: Option<f64>,
    cpu: Option<f64>,
    cycles_per_ns: Option<f64>,
}

impl Use {
    /// The use of the capacity by a case.
    fn new(case: &CaseSummary, usable_cpus: Option<u32>, visits: &Visits) -> Use {
        let clean: Vec<&Visit> =
            visits.of_case(case.index).iter().filter(|visit| visit.clean_ns().is_some()).collect();
        let known = |figure: fn(&Visit) -> Option<f64>| {
            clean.iter().filter_map(|visit| figure(visit)).collect::<Vec<f64>>()
        };
        let median_of = |figure| median(&known(figure));
        let delayed = known(|visit| visit.metrics.capacity.delayed);
        Use {
            threads: f64::from(case.case.threads().max(1)),
            usable_cpus: usable_cpus.map(f64::from),
            others_cpus: visits.others_cpus(case.index),
            inside: median_of(|visit| visit.metrics.capacity.inside),
            computing: median_of(|visit| visit.metrics.capacity.computing),
            delayed: median(&delayed).filter(|_| 2 * delayed.len() > clean.len()),
            without_cpu: median_of(|visit| visit.metrics.capacity.without_cpu),
            imbalance: median_of(|visit| visit.metrics.capacity.imbalance),
            dispatch: median_of(|visit| visit.metrics.capacity.dispatch),
            cpu: median_of(|visit| visit.metrics.capacity.cpu),
            cycles_per_ns: median_of(|visit| visit.metrics.cycles_per_ns),
        }
    }

    /// Largest share of the capacity for which there was no CPU because of the number of
    /// threads.
    fn excess(&self) -> f64 {
        self.usable_cpus.map_or(0.0, |cpus| (1.0 - cpus / self.threads).max(0.0))
    }
}

/// Fills in the loss of each case that has an efficiency over another case.
pub(super) fn fill(run: &Run, visits: &Visits, cases: &mut [CaseSummary]) {
    let usable = super::usable_cpus(run);
    let used = |case: &CaseSummary| Use::new(case, usable, visits);
    let uses: Vec<Use> = cases.iter().map(used).collect();
    for index in 0..cases.len() {
        let Some(baseline) = cases[index].reference.filter(|it| *it != index) else { continue };
        let efficiency = cases[index].efficiency.filter(|it| it.is_finite());
        cases[index].loss = efficiency.and_then(|it| split(&uses[index], &uses[baseline], it));
    }
}

/// The loss of a case over its baseline; `None` if nothing is known besides the efficiency.
fn split(of_case: &Use, baseline: &Use, efficiency: f64) -> Option<Loss> {
    let mut parts = match of_case.inside {
        Some(inside) => parts_of_workers(of_case, baseline, efficiency, inside),
        None => parts_of_processes(of_case, baseline, efficiency)?,
    };
    parts.retain(|part| part.share.is_finite());
    let known: f64 = parts.iter().map(|part| part.share).sum();
    // Medians of terms do not add up exactly, and terms may be unknown.
    parts.push(Part { cause: Cause::Unknown, share: 1.0 - efficiency - known });
    let place = |cause| Cause::ALL.iter().position(|it| *it == cause);
    parts.sort_by_key(|part| place(part.cause));
    Some(Loss { useful: efficiency, parts })
}

/// Parts of a case whose workers tell their time inside the kernel.
fn parts_of_workers(of_case: &Use, baseline: &Use, efficiency: f64, inside: f64) -> Vec<Part> {
    let (mut delay_inside, mut delay_outside) = (0.0, 0.0);
    let mut parts = Vec::new();
    let mut add = |cause, share: Option<f64>| {
        parts.extend(share.map(|share| Part { cause, share }));
    };
    if let Some(computing) = of_case.computing {
        let slower = computing - efficiency;
        let by_frequency = lower_frequency(of_case, baseline)
            .map(|drop| (computing * drop).clamp(0.0, slower.max(0.0)));
        add(Cause::Frequency, by_frequency);
        add(Cause::SlowerComputation, Some(slower - by_frequency.unwrap_or(0.0)));
        match (of_case.delayed, of_case.without_cpu) {
            (Some(delayed), _) => {
                let without = (inside - computing).max(0.0);
                add(Cause::Waiting, Some((without - delayed).max(0.0)));
                delay_inside = delayed.min(without);
                delay_outside = delayed - delay_inside;
            }
            // So much is not due to page faults: workers wanted a CPU.
            (None, Some(without)) if without > MAX_SHARE_WITHOUT_CPU * inside => {
                delay_inside = without;
            }
            (None, without) => add(Cause::NoCpu, without),
        }
    }
    // A worker that has no CPU when a chunk is handed to it delays the call, too.
    let (dispatch, delay_of_dispatch) = without_delay(of_case.dispatch, delay_outside);
    let (imbalance, delay_of_imbalance) =
        without_delay(of_case.imbalance, delay_outside - delay_of_dispatch);
    add(Cause::Dispatch, dispatch);
    add(Cause::Imbalance, imbalance);
    let delay = delay_inside + delay_of_dispatch + delay_of_imbalance;
    if delay > 0.0 {
        parts.extend(parts_of_delay(of_case, delay));
    }
    parts
}

/// A share less as much of the delay as it can hold, and that much.
fn without_delay(share: Option<f64>, delay: f64) -> (Option<f64>, f64) {
    let held = delay.min(share.unwrap_or(0.0)).max(0.0);
    (share.map(|share| share - held), held)
}

/// Drop of the clock frequency against the baseline, as a share.
fn lower_frequency(of_case: &Use, baseline: &Use) -> Option<f64> {
    let ratio = of_case.cycles_per_ns? / baseline.cycles_per_ns.filter(|it| *it > 0.0)?;
    Some((1.0 - ratio).max(0.0))
}

/// Parts of the time for which workers were ready to run and had no CPU: others up to their
/// time, and then the placement if CPUs were idle for at least half of what remains.
fn parts_of_delay(of_case: &Use, delayed: f64) -> Vec<Part> {
    let threads = of_case.threads;
    let mut parts = Vec::new();
    let by_others = of_case.others_cpus.map(|cpus| match cpus >= BACKGROUND_CPUS {
        true => (cpus / threads).min(delayed),
        false => 0.0,
    });
    parts.extend(by_others.map(|share| Part { cause: Cause::Others, share }));
    let rest = delayed - by_others.unwrap_or(0.0);
    let by_excess = rest.min(of_case.excess());
    parts.push(Part { cause: Cause::Oversubscription, share: by_excess });
    let rest = rest - by_excess;
    let own_cpus = threads * of_case.computing.unwrap_or(0.0);
    let idle_cpus = of_case.usable_cpus.zip(of_case.others_cpus);
    let idle_cpus = idle_cpus.map(|(usable, others)| usable - others.max(0.0) - own_cpus);
    // The background of the system is no cause to name, and excludes the placement.
    let is_background_enough = of_case
        .others_cpus
        .is_some_and(|cpus| cpus < BACKGROUND_CPUS && cpus >= threads * rest / 2.0 && cpus > 0.0);
    let cause = match idle_cpus {
        _ if is_background_enough => Cause::NoCpu,
        Some(idle) if idle >= threads * rest / 2.0 => Cause::Placement,
        _ => Cause::NoCpu,
    };
    parts.push(Part { cause, share: rest });
    parts
}

/// Parts of a case of which only the CPU time of its processes is known, as of commands. What
/// the baseline does not use of its capacity is no loss of the case.
fn parts_of_processes(of_case: &Use, baseline: &Use, efficiency: f64) -> Option<Vec<Part>> {
    let (cpu, of_baseline) = (of_case.cpu?, baseline.cpu?);
    let idle = (1.0 - cpu) - (1.0 - of_baseline) * efficiency;
    let mut parts =
        vec![Part { cause: Cause::SlowerComputation, share: cpu - of_baseline * efficiency }];
    // Others take a CPU from the command only where it wants more CPUs than they leave.
    let taken_cpus = of_case.others_cpus.zip(of_case.usable_cpus).map(|(others, usable)| {
        let wanted = of_case.threads.min(usable);
        if others < BACKGROUND_CPUS { 0.0 } else { (others + wanted - usable).max(0.0) }
    });
    let by_others = taken_cpus.map(|cpus| (cpus / of_case.threads).min(idle.max(0.0)));
    parts.extend(by_others.map(|share| Part { cause: Cause::Others, share }));
    let rest = idle - by_others.unwrap_or(0.0);
    let by_excess = of_case.excess().min(rest.max(0.0));
    parts.push(Part { cause: Cause::Oversubscription, share: by_excess });
    parts.push(Part { cause: Cause::Waiting, share: rest - by_excess });
    Some(parts)
}
