//! Options of the commands that are swept, and of how they run.

use clap::{ArgAction, Args, ValueHint};

use crate::cli::given::{Given, Switch};

/// The options of commands. `{nthread}` and `{inner}` in them stand for the thread counts.
#[derive(Debug, Default, Args)]
pub struct CommandOptions {
    /// A command to sweep; several are interleaved: --command 'new=./prog -t {nthread}' --command …
    #[arg(long, value_name = "[NAME=]COMMAND", help_heading = "Commands")]
    pub command: Vec<Given>,
    /// The command that speedups are relative to (default: the first command at its smallest count)
    #[arg(long, value_name = "[NAME=]COMMAND", help_heading = "Commands")]
    pub baseline: Option<Given>,
    /// Run the commands with /bin/sh; its start-up is part of the time
    #[arg(long, action = ArgAction::SetTrue, help_heading = "Commands")]
    pub shell: Switch,
    /// Execute COMMAND before each run, untimed
    #[arg(long, value_name = "COMMAND", help_heading = "Commands")]
    pub prepare: Option<Given>,
    /// Execute COMMAND after each run, untimed
    #[arg(long, value_name = "COMMAND", help_heading = "Commands")]
    pub cleanup: Option<Given>,
    /// Set a variable for the commands; VALUE may contain {nthread} and {inner}; may be repeated
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Commands")]
    pub env: Vec<Given>,
    /// Do not set OMP_NUM_THREADS, RAYON_NUM_THREADS and the other thread variables
    #[arg(long, action = ArgAction::SetTrue, help_heading = "Commands")]
    pub no_thread_env: Switch,
    /// Use FILE as the standard input of the commands (default: no input)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Commands")]
    pub input: Option<Given>,
    /// Output of the commands: discard, keep (in the results directory) or show
    /// (default: discard)
    #[arg(long, value_name = "WHAT", help_heading = "Commands")]
    pub output: Option<Given>,
    /// Run the commands in DIR (default: the current directory)
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Commands")]
    pub working_dir: Option<Given>,
    /// Exit codes that count as success (default: 0)
    #[arg(long, value_name = "LIST", help_heading = "Commands")]
    pub ok_codes: Option<Given>,
    /// The output to expect: a text, a regular expression as /…/, `same` at every count, or `any`,
    /// which is not read (default: hashed, to tell whether it depends on the count)
    #[arg(long, value_name = "WHAT", help_heading = "Commands")]
    pub expect_stdout: Option<Given>,
    /// The command to sweep, after --
    #[arg(last = true, value_name = "COMMAND")]
    pub words: Vec<String>,
}
