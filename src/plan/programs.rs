//! Plans of cases that have no kernel: commands, and functions.

use super::Rules;
use crate::record::{COMMAND, Case, Commands, Plan, Subject};

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
