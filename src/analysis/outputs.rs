//! Comparison of what commands print at their thread counts.

use super::CaseSummary;
use crate::record::{Plan, PrintedOutput};

/// Fewest runs of a case that print the same before another case's changing output is a finding.
const MIN_STEADY_RUNS: usize = 6;

/// Result of the comparison of a command's outputs over its cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outputs {
    /// All runs printed the same.
    Identical {
        /// Length of the output.
        bytes: u64,
    },
    /// Each case always printed the same, but not the same as the case with the fewest threads.
    Differ {
        /// Index of the case with the fewest threads.
        first: usize,
        /// Indices of the cases that printed something else.
        others: Vec<usize>,
    },
    /// The case with the fewest threads always printed the same, and others changed their output
    /// from run to run.
    Unsteady {
        /// Index of the case with the fewest threads.
        first: usize,
        /// Indices of the cases with changing output.
        others: Vec<usize>,
    },
    /// The output varies from run to run, so that it cannot be compared between counts.
    Varies,
    /// Some case ran once, and the outputs differ: from run to run, or between counts.
    TooFewRuns,
}

/// Outputs of a command with its name.
pub struct CommandOutputs {
    /// Label of the command.
    pub label: String,
    /// Result of the comparison.
    pub outputs: Outputs,
}

/// Compares the outputs of each command of a plan. A command without the outputs of all its cases
/// is left out.
pub fn compare_outputs(plan: &Plan, cases: &[CaseSummary]) -> Vec<CommandOutputs> {
    let mut found: Vec<CommandOutputs> = Vec::new();
    for case in cases {
        let label = &case.case.label;
        if found.iter().any(|it| it.label == *label) {
            continue;
        }
        let of_command = cases.iter().filter(|it| it.case.label == *label && it.calls > 0);
        let printed: Option<Vec<Printed<'_>>> =
            of_command.map(|case| Some((case, output_of(plan, case)?))).collect();
        if let Some(outputs) = printed.and_then(compared) {
            found.push(CommandOutputs { label: label.clone(), outputs });
        }
    }
    found
}

/// A case and its output.
type Printed<'a> = (&'a CaseSummary, &'a PrintedOutput);

fn output_of<'a>(plan: &'a Plan, case: &CaseSummary) -> Option<&'a PrintedOutput> {
    plan.printed_outputs.iter().find(|output| output.case == case.index)
}

/// Compares the outputs of a command's cases. `None` without any.
fn compared(mut printed: Vec<Printed<'_>>) -> Option<Outputs> {
    printed.sort_by_key(|(case, _)| (case.case.threads(), case.index));
    let (&(first, reference), others) = printed.split_first()?;
    let those = |is_one: &dyn Fn(&Printed<'_>) -> bool| -> Vec<usize> {
        others.iter().filter(|it| is_one(it)).map(|(case, _)| case.index).collect()
    };
    let unsteady = those(&|(_, output)| output.varies);
    if reference.varies {
        return Some(Outputs::Varies);
    }
    if !unsteady.is_empty() {
        return Some(match first.calls >= MIN_STEADY_RUNS {
            true => Outputs::Unsteady { first: first.index, others: unsteady },
            false => Outputs::Varies,
        });
    }
    let different = those(&|(_, output)| output.sha256 != reference.sha256);
    if different.is_empty() {
        return Some(Outputs::Identical { bytes: reference.bytes });
    }
    // One run of a case does not tell whether the next would print the same.
    let is_repeated = printed.iter().all(|(case, _)| case.calls >= 2);
    Some(match is_repeated {
        true => Outputs::Differ { first: first.index, others: different },
        false => Outputs::TooFewRuns,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{COMMAND, Case};

    /// Result for one command at 1, 2 and 4 threads with these outputs, each of `runs` runs.
    fn of(outputs: [(&str, bool); 3], runs: usize) -> Option<Outputs> {
        let mut plan = Plan::default();
        let mut cases = Vec::new();
        for (index, (sha256, varies)) in outputs.into_iter().enumerate() {
            let case = Case {
                backend: COMMAND.to_string(),
                label: "./prog".to_string(),
                nthread: 1 << index,
                ..Case::default()
            };
            plan.cases.push(case.clone());
            cases.push(CaseSummary { case, index, calls: runs, ..CaseSummary::default() });
            let sha256 = sha256.to_string();
            plan.printed_outputs.push(PrintedOutput { case: index, sha256, bytes: 2, varies });
        }
        compare_outputs(&plan, &cases).pop().map(|it| it.outputs)
    }

    #[test]
    fn equal_outputs_are_identical_even_of_one_run_each() {
        let identical = Some(Outputs::Identical { bytes: 2 });
        assert_eq!(of([("a", false); 3], 1), identical);
        assert_eq!(of([("a", false); 3], 12), identical);
    }

    #[test]
    fn counts_that_always_print_something_else_differ() {
        let outputs = [("a", false), ("a", false), ("b", false)];
        assert_eq!(of(outputs, 2), Some(Outputs::Differ { first: 0, others: vec![2] }));
        assert_eq!(of(outputs, 1), Some(Outputs::TooFewRuns));
    }

    #[test]
    fn output_that_changes_from_run_to_run_is_not_compared() {
        assert_eq!(of([("a", true), ("b", true), ("c", true)], 12), Some(Outputs::Varies));
        assert_eq!(of([("a", true), ("b", false), ("b", false)], 12), Some(Outputs::Varies));
    }

    #[test]
    fn output_that_changes_only_with_more_threads_is_a_finding() {
        let outputs = [("a", false), ("a", false), ("b", true)];
        assert_eq!(of(outputs, 6), Some(Outputs::Unsteady { first: 0, others: vec![2] }));
        assert_eq!(of(outputs, 5), Some(Outputs::Varies));
    }

    #[test]
    fn nothing_is_said_of_a_command_with_an_unknown_output() {
        let cases = [CaseSummary { calls: 3, ..CaseSummary::default() }];
        assert!(compare_outputs(&Plan::default(), &cases).is_empty());
    }
}
