//! Specification of a visit: what is measured, by which process, and its request.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::output_check;
use super::tally_check::Reference;
use crate::command::{self, CommandRequest, Destination};
use crate::counts::assignments;
use crate::function::{self, FunctionRequest};
use crate::machine::{Places, cpu_list};
use crate::plan::Pin;
use crate::record::{Case, CommandPlan, ExpectedOutput, OutputPolicy};
use crate::registry::Registry;
use crate::runner::protocol::{PROTOCOL, VisitRequest};
use crate::runner::{self, ISA_VARIABLE};

/// Case to visit, and the manner of the visit.
#[derive(Clone, Copy)]
pub struct VisitSpec<'a> {
    /// Case to measure; its draws are known, if it has any.
    pub case: &'a Case,
    /// Work of the case.
    pub workload: Workload<'a>,
    /// Number of calls that are not counted.
    pub warmup: u32,
    /// Number of calls that are counted.
    pub iterations: u32,
    /// Time after which the visit is killed.
    pub timeout: Duration,
    /// Instruction set of the kernel.
    pub isa: IsaChoice,
}

/// Work of a case.
#[derive(Clone, Copy)]
pub enum Workload<'a> {
    /// Job of a kernel, and the reference that its tallies are checked against.
    Job(Reference),
    /// Run of a command, and the check of its output.
    Command(CommandWorkload<'a>),
    /// Function of this executable, and the case whose results it must reproduce.
    Function(&'a Case),
}

/// Command of a plan, and its expected output.
#[derive(Clone, Copy)]
pub struct CommandWorkload<'a> {
    /// All commands of the plan; the label of the case selects one.
    pub commands: &'a CommandPlan,
    /// Output of its first run, where that is known.
    pub expected: Option<&'a ExpectedOutput>,
    /// Path, without extensions, of the files that keep its output.
    pub output_path: &'a Path,
    /// Wall time at which the command is ended.
    pub limit: Option<Duration>,
}

/// Choice of the kernel's instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsaChoice {
    /// The portable form, which every machine has: the reference.
    Portable,
    /// The fastest, or the one that HARNESS_ISA names.
    Fastest,
}

impl<'a> VisitSpec<'a> {
    /// Reference of the tallies; `None` where there is no kernel.
    pub fn reference(&self) -> Option<Reference> {
        match self.workload {
            Workload::Job(reference) => Some(reference),
            Workload::Command(_) | Workload::Function(_) => None,
        }
    }

    /// Command of the visit, if it visits one.
    pub fn command(&self) -> Option<CommandWorkload<'a>> {
        match self.workload {
            Workload::Command(command) => Some(command),
            Workload::Job(_) | Workload::Function(_) => None,
        }
    }

    /// Process that makes the visit, and the line that it reads from stdin.
    pub fn process(&self, registry: &Registry, request: &VisitRequest) -> (Command, Vec<u8>) {
        let (mut process, input) = match self.workload {
            Workload::Job(_) => (self.runner(registry), serde_json::to_vec(request)),
            Workload::Command(command) => {
                (own(command::VERB), serde_json::to_vec(&self.command_request(command)))
            }
            Workload::Function(baseline) => {
                (own(function::VERB), serde_json::to_vec(&self.function_request(baseline)))
            }
        };
        // The thread variables of a command are part of its request, if it wants them.
        if self.command().is_none() {
            process.envs(assignments(self.case.nthread, self.case.inner_nthread));
        }
        let mut input = input.unwrap_or_default();
        input.push(b'\n');
        (process, input)
    }

    /// Process of a runner: this executable, or a foreign one.
    fn runner(&self, registry: &Registry) -> Command {
        let foreign = registry.runner(&self.case.backend).map(|runner| &runner.command[..]);
        let mut process = match foreign {
            Some([program, arguments @ ..]) => {
                let mut process = Command::new(program);
                process.args(arguments);
                process
            }
            _ => own(runner::VERB),
        };
        if self.isa == IsaChoice::Portable {
            process.env(ISA_VARIABLE, crate::kernel::Isa::Portable.name());
        }
        process
    }

    /// Request for the shim of a command, with all placeholders filled in.
    fn command_request(&self, workload: CommandWorkload<'_>) -> CommandRequest {
        let commands = workload.commands;
        let words =
            |words: &[String]| words.iter().map(|word| self.case.substitute(word)).collect();
        // Paths were typed by the user, and so are text.
        let path = |path: &PathBuf| PathBuf::from(self.case.substitute(&path.to_string_lossy()));
        let command = commands.find(&self.case.label);
        CommandRequest {
            words: command.map(|command| words(&command.words)).unwrap_or_default(),
            environment: commands
                .environment
                .iter()
                .map(|(name, value)| (name.clone(), self.case.substitute(value)))
                .collect(),
            prepare: commands.prepare.as_deref().map(words),
            cleanup: commands.cleanup.as_deref().map(words),
            directory: commands.directory.as_ref().map(path),
            input: commands.input.as_ref().map(path),
            destination: match commands.output {
                OutputPolicy::Discard => Destination::Null,
                OutputPolicy::Keep => Destination::Files(workload.output_path.to_path_buf()),
                OutputPolicy::Show => Destination::Terminal,
            },
            capture: output_check::capture(commands),
            ok_codes: commands.ok_codes.clone(),
            limit_ns: workload.limit.map(|limit| limit.as_nanos() as u64),
            warmup: self.warmup,
            iterations: self.iterations,
        }
    }

    /// Request for a function of this executable.
    fn function_request(&self, baseline: &Case) -> FunctionRequest {
        FunctionRequest {
            sweep: self.case.kernel.clone(),
            function: self.case.backend.clone(),
            nthread: self.case.nthread,
            baseline: baseline.backend.clone(),
            baseline_nthread: baseline.nthread,
            warmup: self.warmup,
            iterations: self.iterations,
        }
    }

    /// Request for a runner.
    pub fn request(&self, places: &Places) -> VisitRequest {
        let case = self.case;
        VisitRequest {
            protocol: PROTOCOL,
            kernel: case.kernel.clone(),
            backend: case.backend.clone(),
            nthread: case.nthread,
            inner_nthread: case.inner_nthread,
            schedule: non_empty(&case.schedule),
            chunk: case.chunk,
            block: case.block,
            blocks: case.draws.unwrap_or_default() / case.block.max(1),
            seed: case.seed,
            pin: pin(case, places),
            start_method: non_empty(&case.start_method),
            warmup: self.warmup,
            iterations: self.iterations,
        }
    }
}

fn non_empty(text: &str) -> Option<String> {
    Some(text.to_string()).filter(|text| !text.is_empty())
}

/// Builds the command that starts this executable with a verb. `/proc/self/exe` names the
/// running build even if the file is replaced during a sweep.
fn own(verb: &str) -> Command {
    let mut process = Command::new("/proc/self/exe");
    process.arg(verb);
    process
}

/// CPUs of each worker, if the case pins them: as many as it has threads, which share
/// them. `close` gives a worker whole cores where possible, `spread` gives each thread a
/// core while there are enough.
fn pin(case: &Case, places: &Places) -> Option<Vec<String>> {
    let inner = case.inner_nthread.max(1) as usize;
    let threads = case.nthread as usize * inner;
    let cpus = match case.pin.parse() {
        Ok(Pin::Close) => places.close(threads),
        Ok(Pin::Spread) => places.spread(threads),
        Ok(Pin::None) | Err(()) => return None,
    };
    Some(cpus.chunks(inner).map(cpu_list).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_worker_is_pinned_to_as_many_cpus_as_it_has_threads() {
        // A machine whose topology is unknown.
        let places = Places::read_from(Path::new("/nonexistent"), &[0, 1, 2, 3, 4, 5, 6, 7]);
        let lists = |policy: Pin, nthread, inner_nthread| {
            let case = Case { pin: policy.to_string(), nthread, inner_nthread, ..Case::default() };
            pin(&case, &places).unwrap_or_default()
        };
        assert_eq!(lists(Pin::Close, 3, 2), ["0-1", "2-3", "4-5"]);
        assert_eq!(lists(Pin::Spread, 2, 2), ["0,2", "4,6"]);
        assert_eq!(lists(Pin::Spread, 2, 1), ["0", "4"]);
        assert_eq!(lists(Pin::Close, 2, 16), ["0-7", "0-7"]);
        assert!(lists(Pin::None, 2, 2).is_empty());
    }
}
