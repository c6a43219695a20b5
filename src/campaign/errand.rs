//! What a visit is asked for: which process makes it, and what that reads.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::answer::Truth;
use super::printed;
use crate::command::{self, Destination, Order};
use crate::counts::assignments;
use crate::function;
use crate::machine::{Places, cpu_list};
use crate::plan::Pin;
use crate::record::{Case, Commands, ExpectedOutput, Output};
use crate::registry::Registry;
use crate::runner::protocol::{PROTOCOL, Visit};
use crate::runner::{ISA_VARIABLE, VERB};

/// A case, and how to visit it.
#[derive(Clone, Copy)]
pub struct Errand<'a> {
    /// What to measure; its draws are known, if it has any.
    pub case: &'a Case,
    /// What is measured in it.
    pub task: Task<'a>,
    /// Calls that are not counted.
    pub warmup: u32,
    /// Calls that are counted.
    pub iterations: u32,
    /// After this long it is killed.
    pub timeout: Duration,
    /// Whether the kernel runs in its portable form or in the fastest.
    pub form: Form,
}

/// What is measured.
#[derive(Clone, Copy)]
pub enum Task<'a> {
    /// A job, whose answers are held to this.
    Job(Truth),
    /// A command.
    Command(Program<'a>),
    /// A function of this executable, and the case whose results it must have.
    Function(&'a Case),
}

/// A command, and what its runs are held to.
#[derive(Clone, Copy)]
pub struct Program<'a> {
    /// All commands of the plan; the case's label tells which it is.
    pub commands: &'a Commands,
    /// What it printed first, where that is known.
    pub expected: Option<&'a ExpectedOutput>,
    /// The files that keep what it prints, but for their ends.
    pub kept: &'a Path,
}

/// The form of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The one that every machine has: the reference.
    Portable,
    /// The fastest, or the one that HARNESS_ISA names.
    Fastest,
}

impl Errand<'_> {
    /// What the answers are held to; `None` where there is no kernel.
    pub fn truth(&self) -> Option<Truth> {
        match self.task {
            Task::Job(truth) => Some(truth),
            Task::Command(_) | Task::Function(_) => None,
        }
    }

    /// The command that is run, if it is one.
    pub fn program(&self) -> Option<Program<'_>> {
        match self.task {
            Task::Command(program) => Some(program),
            Task::Job(_) | Task::Function(_) => None,
        }
    }

    /// The process that makes the visit, and what it reads on stdin: one line.
    pub fn process(&self, registry: &Registry, visit: &Visit) -> (Command, Vec<u8>) {
        let (mut command, input) = match self.task {
            Task::Job(_) => (self.runner(registry), serde_json::to_vec(visit)),
            Task::Command(program) => {
                (own(command::VERB), serde_json::to_vec(&self.order(program)))
            }
            Task::Function(baseline) => {
                (own(function::VERB), serde_json::to_vec(&self.order_of_function(baseline)))
            }
        };
        // Whether those of a command are set, its order says.
        if self.program().is_none() {
            command.envs(assignments(self.case.nthread, self.case.inner_nthread));
        }
        let mut input = input.unwrap_or_default();
        input.push(b'\n');
        (command, input)
    }

    /// The program of a runner: this one, or a foreign one.
    fn runner(&self, registry: &Registry) -> Command {
        let case = self.case;
        let mut command = match registry.runner(&case.backend).map(|runner| &runner.command[..]) {
            Some([program, arguments @ ..]) => {
                let mut command = Command::new(program);
                command.args(arguments);
                command
            }
            _ => own(VERB),
        };
        if self.form == Form::Portable {
            command.env(ISA_VARIABLE, crate::kernel::Isa::Portable.name());
        }
        command
    }

    /// What the shim of a command is to do.
    fn order(&self, program: Program<'_>) -> Order {
        let commands = program.commands;
        let expand = |text: &str| self.case.filled_in(text);
        let words = |words: &[String]| words.iter().map(|word| expand(word)).collect::<Vec<_>>();
        // It was typed, and so is text.
        let path = |path: &PathBuf| PathBuf::from(expand(&path.to_string_lossy()));
        let found = commands.find(&self.case.label).map(|command| words(&command.words));
        Order {
            words: found.unwrap_or_default(),
            environment: commands
                .environment
                .iter()
                .map(|(name, value)| (name.clone(), expand(value)))
                .collect(),
            prepare: commands.prepare.as_deref().map(words),
            cleanup: commands.cleanup.as_deref().map(words),
            directory: commands.directory.as_ref().map(path),
            input: commands.input.as_ref().map(path),
            destination: match commands.output {
                Output::Discard => Destination::Nowhere,
                Output::Keep => Destination::Files(program.kept.to_path_buf()),
                Output::Show => Destination::Terminal,
            },
            capture: printed::capture(commands.expect.as_ref()),
            ok_codes: commands.ok_codes.clone(),
            warmup: self.warmup,
            iterations: self.iterations,
        }
    }

    /// What the program of a function is to do.
    fn order_of_function(&self, baseline: &Case) -> function::Order {
        function::Order {
            sweep: self.case.kernel.clone(),
            function: self.case.backend.clone(),
            nthread: self.case.nthread,
            baseline: baseline.backend.clone(),
            baseline_nthread: baseline.nthread,
            warmup: self.warmup,
            iterations: self.iterations,
        }
    }

    /// The visit as a runner is asked for it.
    pub fn visit(&self, places: &Places) -> Visit {
        let case = self.case;
        let unless_empty = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        Visit {
            protocol: PROTOCOL,
            kernel: case.kernel.clone(),
            backend: case.backend.clone(),
            nthread: case.nthread,
            inner_nthread: case.inner_nthread,
            schedule: unless_empty(&case.schedule),
            chunk: case.chunk,
            block: case.block,
            blocks: case.draws.unwrap_or_default() / case.block.max(1),
            seed: case.seed,
            pin: pin(case, places),
            start_method: unless_empty(&case.start_method),
            warmup: self.warmup,
            iterations: self.iterations,
        }
    }
}

/// This program, with a verb. Not by a path that a rebuild during a sweep could
/// change.
fn own(verb: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg(verb);
    command
}

/// The CPUs of each worker, if the case has them pinned: as many as it has threads,
/// which share them. `close` gives a worker whole cores where it can, `spread` each
/// thread a core while there are enough.
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
        // A machine of which nothing is known but its CPUs.
        let places = Places::read_from(Path::new("/nonexistent"), &[0, 1, 2, 3, 4, 5, 6, 7]);
        let lists = |how: Pin, nthread, inner_nthread| {
            let case = Case { pin: how.to_string(), nthread, inner_nthread, ..Case::default() };
            pin(&case, &places).unwrap_or_default()
        };
        assert_eq!(lists(Pin::Close, 3, 2), ["0-1", "2-3", "4-5"]);
        assert_eq!(lists(Pin::Spread, 2, 2), ["0,2", "4,6"]);
        assert_eq!(lists(Pin::Spread, 2, 1), ["0", "4"]);
        assert_eq!(lists(Pin::Close, 2, 16), ["0-7", "0-7"]);
        assert!(lists(Pin::None, 2, 2).is_empty());
    }
}
