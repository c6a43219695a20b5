//! The target of a run: the kind of work that its cases measure.

use serde::{Deserialize, Serialize};

use super::Case;

/// Kind of work that the cases of a run measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// Jobs of kernels, computed by backends: every answer is a tally.
    #[default]
    #[serde(rename = "kernels")]
    Kernel,
    /// Commands, each a program of its own.
    #[serde(rename = "commands")]
    Command,
    /// Functions of the executable that measures: the kernel is the name of the
    /// sweep, the backend that of the function.
    #[serde(rename = "functions")]
    Function,
}

impl Target {
    /// The target of cases that were read from rows without a run.json.
    ///
    /// A kernel has draws or, before it is calibrated, a block; a function has neither.
    /// The sequential loop of a sweep of functions is a function as well.
    pub fn of_cases(cases: &[Case]) -> Target {
        if cases.iter().any(Case::is_command) {
            Target::Command
        } else if !cases.is_empty() && cases.iter().all(|it| it.draws.is_none() && it.block == 0) {
            Target::Function
        } else {
            Target::Kernel
        }
    }

    /// True if backends compute jobs of kernels.
    pub fn is_kernel(self) -> bool {
        self == Target::Kernel
    }

    /// True if commands are run.
    pub fn is_command(self) -> bool {
        self == Target::Command
    }

    /// True if functions of the executable are called.
    pub fn is_function(self) -> bool {
        self == Target::Function
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BASELINE, COMMAND};

    #[test]
    fn rows_tell_their_target() {
        let case = |backend: &str, block, draws| {
            let (kernel, backend) = ("sum".to_string(), backend.to_string());
            Case { kernel, backend, block, draws, ..Case::default() }
        };
        let target = |case: Case| Target::of_cases(&[case]);
        assert_eq!(target(case(BASELINE, 0, None)), Target::Function, "a sequential function");
        assert_eq!(target(case("rayon", 64, Some(64))), Target::Kernel);
        assert_eq!(target(case("rayon", 64, None)), Target::Kernel, "not calibrated yet");
        assert_eq!(target(case(COMMAND, 0, None)), Target::Command);
        assert_eq!(Target::of_cases(&[]), Target::Kernel);
    }
}
