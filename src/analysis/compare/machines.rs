//! Differences of the machines, programs and settings of two runs.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::analysis::Summary;
use crate::record::{Build, Machine, Run};

/// A property that differs between two runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Name of the property.
    pub what: String,
    /// Value before.
    pub before: String,
    /// Value after.
    pub after: String,
}

/// A property with its value in each run; `None` if unknown.
type Property = (&'static str, Option<String>, Option<String>);

/// Differences of the machines that make times incomparable. An unknown value is not a
/// difference.
pub fn differences_of_machines(before: &Run, after: &Run) -> Vec<Difference> {
    fn property<T: ToString>(
        what: &'static str,
        before: &Run,
        after: &Run,
        value: impl Fn(&Machine) -> Option<T>,
    ) -> Property {
        let [before, after] =
            [before, after].map(|run| value(&run.machine).map(|value| value.to_string()));
        (what, before, after)
    }
    // On an inspected machine, a missing quota means that there is none.
    let quota = |machine: &Machine| {
        let quota = machine.quota_cpus.map_or("none".to_string(), |cpus| format!("{cpus} CPUs"));
        machine.usable_cpus.map(|_| quota)
    };
    different([
        property("CPU", before, after, |it| it.cpu_model.clone()),
        property("usable CPUs", before, after, |it| it.usable_cpus),
        property("usable cores", before, after, |it| it.usable_cores),
        property("threads of a core", before, after, |it| it.threads_per_core),
        property("sockets", before, after, |it| it.sockets),
        property("NUMA nodes", before, after, |it| it.numa_nodes),
        property("governor", before, after, |it| it.governor.clone()),
        property("turbo", before, after, |it| it.turbo),
        property("hypervisor", before, after, |it| it.hypervisor.clone()),
        property("quota", before, after, quota),
        property("on battery", before, after, |it| it.on_battery),
    ])
}

/// Other differences, which do not make times incomparable. A new build is the usual purpose
/// of a comparison.
pub fn notes(before: &Summary, after: &Summary) -> Vec<Difference> {
    let (one, other) = (&before.run, &after.run);
    let [isas_before, isas_after] = [before, after].map(|summary| {
        let isas: Vec<&str> = summary.isas.iter().map(String::as_str).collect();
        (!isas.is_empty()).then(|| isas.join(", "))
    });
    // A property of each run that is always known.
    let text = |what, value: fn(&Run) -> String| (what, Some(value(one)), Some(value(other)));
    let [machine, other_machine] = [&one.machine, &other.machine];
    let mut notes = different([
        ("host", machine.hostname.clone(), other_machine.hostname.clone()),
        ("kernel of the system", machine.kernel.clone(), other_machine.kernel.clone()),
        ("affinity mask", machine.affinity.clone(), other_machine.affinity.clone()),
        text("harness", build_text),
        text("compiler", |run| last_build(run).rustc.clone()),
        text("target features", |run| last_build(run).target_features.clone()),
        text("optimisation", |run| last_build(run).opt_level.clone()),
        ("instruction set", isas_before, isas_after),
        text("baseline", baseline),
        text("seed", seeds),
        text("warm-up calls", |run| run.plan.warmup.to_string()),
        text("counted calls", |run| run.plan.iterations.to_string()),
    ]);
    notes.extend(environment(one, other));
    notes
}

/// Title of the baseline.
fn baseline(run: &Run) -> String {
    let case = run.plan.baseline.and_then(|case| run.plan.cases.get(case));
    case.map_or("sequential".to_string(), |case| case.title_with_count())
}

/// Seeds of the cases, ascending.
fn seeds(run: &Run) -> String {
    let seeds: BTreeSet<u64> = run.plan.cases.iter().map(|case| case.seed).collect();
    seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}

/// Environment variables for threads that were set differently.
fn environment(before: &Run, after: &Run) -> Vec<Difference> {
    let names: BTreeSet<&String> =
        before.environment.keys().chain(after.environment.keys()).collect();
    let mut differences = Vec::new();
    for name in names {
        let [before, after] = [before, after]
            .map(|run| run.environment.get(name).cloned().unwrap_or_else(|| "not set".to_string()));
        if before != after {
            differences.push(Difference { what: name.clone(), before, after });
        }
    }
    differences
}

/// The properties that are known in both runs and differ.
fn different(properties: impl IntoIterator<Item = Property>) -> Vec<Difference> {
    let known = properties
        .into_iter()
        .filter_map(|(what, before, after)| Some((what.to_string(), before?, after?)));
    let different = known.filter(|(_, before, after)| before != after);
    different.map(|(what, before, after)| Difference { what, before, after }).collect()
}

/// The build of the last session; older files have one build for all sessions.
fn last_build(run: &Run) -> &Build {
    let last = run.sessions.last().map(|session| &session.build);
    last.filter(|build| !build.version.is_empty()).unwrap_or(&run.build)
}

/// Description of a build: version, commit and checksum.
fn build_text(run: &Run) -> String {
    let build = last_build(run);
    let dirty = if build.git_dirty { ", changed" } else { "" };
    let mut text = build.version.clone();
    if !build.git_commit.is_empty() {
        text += &format!(" ({:.12}{dirty})", build.git_commit);
    }
    if !build.executable_sha256.is_empty() {
        text += &format!(" sha256 {:.12}", build.executable_sha256);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(cpu: &str, usable_cpus: u32) -> Run {
        let mut run = Run::default();
        run.machine.cpu_model = Some(cpu.to_string());
        run.machine.usable_cpus = Some(usable_cpus);
        run
    }

    #[test]
    fn another_processor_is_a_different_machine_and_another_kernel_is_not() {
        let (mut one, other) = (on("A", 2), on("B", 4));
        assert!(differences_of_machines(&one, &one).is_empty());
        let found: Vec<String> =
            differences_of_machines(&one, &other).into_iter().map(|it| it.what).collect();
        assert_eq!(found, ["CPU", "usable CPUs"]);
        one.machine.kernel = Some("6.1".into());
        let mut newer = one.clone();
        newer.machine.kernel = Some("6.12".into());
        assert!(differences_of_machines(&one, &newer).is_empty());
        let summary = |run: Run| Summary { run, ..Summary::default() };
        let notes = notes(&summary(one), &summary(newer));
        assert_eq!(notes.len(), 1);
        assert_eq!((notes[0].before.as_str(), notes[0].after.as_str()), ("6.1", "6.12"));
    }

    #[test]
    fn an_unknown_value_is_no_difference_but_a_missing_quota_is() {
        let (mut one, other) = (on("A", 2), on("A", 2));
        one.machine.governor = Some("performance".into());
        assert!(differences_of_machines(&one, &other).is_empty());
        one.machine.quota_cpus = Some(1.5);
        let found = differences_of_machines(&one, &other);
        assert_eq!((found[0].before.as_str(), found[0].after.as_str()), ("1.5 CPUs", "none"));
    }

    #[test]
    fn different_variables_and_builds_are_noted() {
        let (mut one, mut other) = (on("A", 2), on("A", 2));
        one.environment.insert("OMP_NUM_THREADS".into(), "4".into());
        other.build = Build { version: "0.2.0".into(), ..Build::default() };
        let summary = |run: Run| Summary { run, ..Summary::default() };
        let found = notes(&summary(one), &summary(other));
        let found: Vec<&str> = found.iter().map(|it| it.what.as_str()).collect();
        assert_eq!(found, ["harness", "OMP_NUM_THREADS"]);
    }
}
