//! Dispatch of the verbs of visits.

use std::ffi::OsStr;
use std::io;
use std::process::ExitCode;

use crate::registry::Registry;
use crate::{command, process, runner};

/// Makes a visit and ends the process, if it was started for one; else returns.
pub fn serve(registry: &Registry) {
    let verb = std::env::args_os().nth(1);
    let code = if verb.as_deref() == Some(OsStr::new(command::VERB)) {
        command::serve()
    } else if verb.as_deref() == Some(OsStr::new(runner::VERB)) {
        process::start::set_process_name("runner");
        runner::serve(registry, io::stdin().lock(), io::stdout().lock())
    } else {
        return;
    };
    std::process::exit(i32::from(code != ExitCode::SUCCESS))
}
