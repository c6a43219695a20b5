//! Plans of cases that have no kernel: commands, and functions.

use super::Rules;
use crate::record::{BASELINE, COMMAND, Case, Commands, Plan, Subject};

/// Each command at each thread count and each number of inner threads; the first
/// command at its smallest counts is what others are compared with.
pub fn of_commands(commands: Commands, nthread: &[u32], inner: &[u32], rules: &Rules) -> Plan {
    let inner_or_one = if inner.is_empty() { &[1][..] } else { inner };
    let mut cases = Vec::new();
    for command in &commands.list {
        for &inner_nthread in inner_or_one {
            let case = |&nthread: &u32| Case {
                backend: COMMAND.to_string(),
                nthread,
                inner_nthread,
                scaling: super::Scaling::Strong.to_string(),
                label: command.label.clone(),
                ..Case::default()
            };
            cases.extend(nthread.iter().map(case));
        }
    }
    let mut plan = Plan {
        cases,
        nthread: nthread.to_vec(),
        inner_nthread: inner.to_vec(),
        baseline: Some(0),
        subject: Subject::Commands,
        commands: Some(commands),
        ..Plan::default()
    };
    rules.apply(&mut plan);
    plan
}

/// Each function of a sweep at each thread count; one that is called as the sequential
/// backend is a plain loop, and has one thread only. The first function at its
/// smallest count is what others are compared with. Where `rules` say 0 calls, the
/// campaign finds out how many a visit needs.
pub fn of_functions(sweep: &str, functions: &[&str], nthread: &[u32], rules: &Rules) -> Plan {
    let mut cases = Vec::new();
    for &function in functions {
        let case = |&nthread: &u32| Case {
            kernel: sweep.to_string(),
            backend: function.to_string(),
            nthread,
            inner_nthread: 1,
            scaling: super::Scaling::Strong.to_string(),
            ..Case::default()
        };
        let counts = if function == BASELINE { &[1][..] } else { nthread };
        cases.extend(counts.iter().map(case));
    }
    let mut plan = Plan {
        cases,
        nthread: nthread.to_vec(),
        baseline: Some(0),
        subject: Subject::Functions,
        ..Plan::default()
    };
    rules.apply(&mut plan);
    plan
}
