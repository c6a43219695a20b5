//! Plans of commands and of functions.

use super::{Rules, Scaling};
use crate::record::{BASELINE, COMMAND, Case, CommandPlan, Plan, PlannedCommand, Target};

/// The commands of a sweep.
#[derive(Clone, Debug, Default)]
pub struct CommandRequest {
    /// The commands that are run at every count, and their settings.
    pub commands: CommandPlan,
    /// The baseline, if it is a further command.
    pub baseline: Option<PlannedCommand>,
}

/// The plan of commands: each command at each thread count and each count of inner threads. The
/// baseline is the named one, run at one thread, or else the first command at its smallest counts.
pub fn of_commands(planned: CommandRequest, nthread: &[u32], inner: &[u32], rules: &Rules) -> Plan {
    let CommandRequest { mut commands, baseline } = planned;
    let inner_or_one = if inner.is_empty() { &[1][..] } else { inner };
    let mut cases: Vec<Case> = baseline.iter().map(|it| case(it, 1, 1)).collect();
    for command in &commands.list {
        for &inner_nthread in inner_or_one {
            cases.extend(nthread.iter().map(|&nthread| case(command, nthread, inner_nthread)));
        }
    }
    // The baseline comes first in the table.
    commands.list.splice(0..0, baseline);
    let mut plan = Plan {
        baseline: (!cases.is_empty()).then_some(0),
        cases,
        nthread: nthread.to_vec(),
        inner_nthread: inner.to_vec(),
        target: Target::Command,
        commands: Some(commands),
        ..Plan::default()
    };
    rules.apply(&mut plan);
    plan
}

/// The plan of functions: each function at each thread count; one with the name of the sequential
/// backend is a plain loop and has one thread only. The first function at its smallest count is the
/// baseline. If `rules` have 0 calls, the campaign calibrates their number.
pub fn of_functions(sweep: &str, functions: &[&str], nthread: &[u32], rules: &Rules) -> Plan {
    let mut cases = Vec::new();
    for &function in functions {
        let counts = if function == BASELINE { &[1][..] } else { nthread };
        cases.extend(counts.iter().map(|&nthread| Case {
            kernel: sweep.to_string(),
            backend: function.to_string(),
            nthread,
            inner_nthread: 1,
            scaling: Scaling::Strong.to_string(),
            ..Case::default()
        }));
    }
    let mut plan = Plan {
        cases,
        nthread: nthread.to_vec(),
        baseline: Some(0),
        target: Target::Function,
        ..Plan::default()
    };
    rules.apply(&mut plan);
    plan
}

fn case(command: &PlannedCommand, nthread: u32, inner_nthread: u32) -> Case {
    Case {
        backend: COMMAND.to_string(),
        nthread,
        inner_nthread,
        scaling: Scaling::Strong.to_string(),
        label: command.label.clone(),
        ..Case::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(label: &str) -> PlannedCommand {
        PlannedCommand { label: label.to_string(), words: vec![label.to_string()] }
    }

    fn rules() -> Rules {
        Rules { order_seed: 1, rounds: 3, iterations: 1, ..Rules::default() }
    }

    fn planned(baseline: Option<PlannedCommand>, inner: &[u32]) -> Plan {
        let commands =
            CommandPlan { list: vec![command("a"), command("b")], ..CommandPlan::default() };
        of_commands(CommandRequest { commands, baseline }, &[2, 4], inner, &rules())
    }

    fn points(plan: &Plan) -> Vec<(&str, u32, u32)> {
        let point = |case: &'_ Case| (case.nthread, case.inner_nthread);
        plan.cases.iter().map(|it| (it.label.as_str(), point(it).0, point(it).1)).collect()
    }

    #[test]
    fn every_command_is_run_at_every_count_and_the_first_is_the_baseline() {
        let plan = planned(None, &[]);
        assert_eq!(points(&plan), [("a", 2, 1), ("a", 4, 1), ("b", 2, 1), ("b", 4, 1)]);
        assert_eq!(plan.baseline, Some(0));
        assert!(plan.first_round.iter().all(|group| group.contains(&0)));
        assert_eq!(plan.warmup, 0);
    }

    #[test]
    fn a_named_baseline_is_run_at_one_thread() {
        let plan = planned(Some(command("old")), &[]);
        assert_eq!(points(&plan)[0], ("old", 1, 1));
        assert_eq!((plan.cases.len(), plan.baseline), (5, Some(0)));
        let list = &plan.commands.as_ref().expect("commands").list;
        assert_eq!(list[0].label, "old");
    }

    #[test]
    fn inner_threads_are_a_second_axis() {
        let plan = planned(None, &[1, 3]);
        assert_eq!(points(&plan)[..4], [("a", 2, 1), ("a", 4, 1), ("a", 2, 3), ("a", 4, 3)]);
        assert_eq!(plan.inner_nthread, [1, 3]);
    }
}
