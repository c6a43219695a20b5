//! Whether two runs were made on the same machine, by the same program.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::analysis::Summary;
use crate::record::{Build, Machine, Run};

/// Something that was not the same in both runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What.
    pub what: String,
    /// What it was before.
    pub before: String,
    /// What it was after.
    pub after: String,
}

/// One thing, as each run has it; `None` where it is not known.
type Fact = (&'static str, Option<String>, Option<String>);

/// What makes two machines that cannot be compared. What one of the runs does not
/// know is no difference.
pub fn differences_of_machines(before: &Run, after: &Run) -> Vec<Difference> {
    fn fact<T: ToString>(
        what: &'static str,
        before: &Run,
        after: &Run,
        of: impl Fn(&Machine) -> Option<T>,
    ) -> Fact {
        let text = |run: &Run| of(&run.machine).map(|value| value.to_string());
        (what, text(before), text(after))
    }
    // Of machines that were inspected, no quota means that there is none.
    let quota = |machine: &Machine| {
        let quota = machine.quota_cpus.map_or("none".to_string(), |cpus| format!("{cpus} CPUs"));
        machine.usable_cpus.map(|_| quota)
    };
    different([
        fact("CPU", before, after, |it| it.cpu_model.clone()),
        fact("usable CPUs", before, after, |it| it.usable_cpus),
        fact("usable cores", before, after, |it| it.usable_cores),
        fact("threads of a core", before, after, |it| it.threads_per_core),
        fact("sockets", before, after, |it| it.sockets),
        fact("NUMA nodes", before, after, |it| it.numa_nodes),
        fact("governor", before, after, |it| it.governor.clone()),
        fact("turbo", before, after, |it| it.turbo),
        fact("hypervisor", before, after, |it| it.hypervisor.clone()),
        fact("quota", before, after, quota),
        fact("on battery", before, after, |it| it.on_battery),
    ])
}

/// What else is not the same: to be known, and no hindrance. A new build is what
/// comparisons are made for.
pub fn notes(before: &Summary, after: &Summary) -> Vec<Difference> {
    let (one, other) = (&before.run, &after.run);
    let text = |what, of: &dyn Fn(&Run) -> String| (what, Some(of(one)), Some(of(other)));
    let instructions = |isas: &BTreeSet<String>| {
        (!isas.is_empty()).then(|| isas.iter().cloned().collect::<Vec<_>>().join(", "))
    };
    let seeds = |run: &Run| {
        let seeds: BTreeSet<u64> = run.plan.cases.iter().map(|case| case.seed).collect();
        seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
    };
    let baseline = |run: &Run| {
        let case = run.plan.baseline.and_then(|case| run.plan.cases.get(case));
        case.map_or("sequential".to_string(), |case| case.title_and_count())
    };
    let named = |name: &'static str, of: fn(&Machine) -> &Option<String>| {
        (name, of(&one.machine).clone(), of(&other.machine).clone())
    };
    let mut notes = different([
        named("host", |it| &it.hostname),
        named("kernel of the system", |it| &it.kernel),
        named("affinity mask", |it| &it.affinity),
        text("harness", &|run| build_of(run)),
        text("compiler", &|run| last_build(run).rustc.clone()),
        text("target features", &|run| last_build(run).target_features.clone()),
        text("optimisation", &|run| last_build(run).opt_level.clone()),
        ("instruction set", instructions(&before.isas), instructions(&after.isas)),
        text("baseline", &baseline),
        text("seed", &seeds),
        text("warm-up calls", &|run| run.plan.warmup.to_string()),
        text("counted calls", &|run| run.plan.iterations.to_string()),
    ]);
    notes.extend(environment(one, other));
    notes
}

/// Variables that steer threads and were not set alike.
fn environment(before: &Run, after: &Run) -> Vec<Difference> {
    let names: BTreeSet<&String> =
        before.environment.keys().chain(after.environment.keys()).collect();
    let value = |run: &Run, name: &String| {
        run.environment.get(name).cloned().unwrap_or_else(|| "not set".to_string())
    };
    let difference = |name: &String| {
        let (before, after) = (value(before, name), value(after, name));
        (before != after).then(|| Difference { what: name.clone(), before, after })
    };
    names.into_iter().filter_map(difference).collect()
}

/// The facts that both know, and not alike.
fn different(facts: impl IntoIterator<Item = Fact>) -> Vec<Difference> {
    let differ = |(what, before, after): Fact| {
        let (before, after) = (before?, after?);
        (before != after).then(|| Difference { what: what.to_string(), before, after })
    };
    facts.into_iter().filter_map(differ).collect()
}

/// What measured in the last session; older files have one build for all.
fn last_build(run: &Run) -> &Build {
    let last = run.sessions.last().map(|session| &session.build);
    last.filter(|build| !build.version.is_empty()).unwrap_or(&run.build)
}

/// A build by what tells it from others.
fn build_of(run: &Run) -> String {
    let build = last_build(run);
    let short = |text: &str| text.chars().take(12).collect::<String>();
    let dirty = if build.git_dirty { ", changed" } else { "" };
    let mut text = build.version.clone();
    if !build.git_commit.is_empty() {
        text += &format!(" ({}{dirty})", short(&build.git_commit));
    }
    if !build.executable_sha256.is_empty() {
        text += &format!(" sha256 {}", short(&build.executable_sha256));
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
    fn another_processor_is_another_machine_and_another_kernel_is_not() {
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
    fn what_is_not_known_is_no_difference_but_no_quota_is() {
        let (mut one, other) = (on("A", 2), on("A", 2));
        one.machine.governor = Some("performance".into());
        assert!(differences_of_machines(&one, &other).is_empty());
        one.machine.quota_cpus = Some(1.5);
        let found = differences_of_machines(&one, &other);
        assert_eq!((found[0].before.as_str(), found[0].after.as_str()), ("1.5 CPUs", "none"));
    }

    #[test]
    fn variables_and_builds_that_differ_are_noted() {
        let (mut one, mut other) = (on("A", 2), on("A", 2));
        one.environment.insert("OMP_NUM_THREADS".into(), "4".into());
        other.build = Build { version: "0.2.0".into(), ..Build::default() };
        let summary = |run: Run| Summary { run, ..Summary::default() };
        let found = notes(&summary(one), &summary(other));
        let found: Vec<&str> = found.iter().map(|it| it.what.as_str()).collect();
        assert_eq!(found, ["harness", "OMP_NUM_THREADS"]);
    }
}
