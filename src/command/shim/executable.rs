//! Executable file of a command, and the reasons for which it cannot be started.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, anyhow};

use crate::machine::executable;

/// Executable that was found, with its arguments.
pub struct Executable<'a> {
    path: PathBuf,
    words: &'a [String],
}

impl Executable<'_> {
    /// Finds the executable that the first of `words` names, as the shell does. It is
    /// found before anything is timed, so that no run includes the search.
    ///
    /// # Errors
    /// If there is none.
    pub fn find(words: &[String]) -> anyhow::Result<Executable<'_>> {
        let name = words.first().filter(|name| !name.is_empty()).context("the command is empty")?;
        let path = executable::find(OsStr::new(name)).map_err(|problem| anyhow!(problem))?;
        Ok(Executable { path, words })
    }

    /// Builds the command that starts it in the environment of this process.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.arg0(&self.words[0]).args(&self.words[1..]);
        command
    }

    /// Explains an error at its start.
    pub fn explain(&self, error: &io::Error) -> String {
        let path = self.path.display();
        match error.raw_os_error() {
            Some(libc::ENOEXEC) => format!(
                "{path} cannot be started: it is neither a binary nor a script with a first line \
                 such as #!/bin/sh"
            ),
            Some(libc::ENOENT) if self.path.exists() => {
                format!(
                    "{path} cannot be started: the interpreter in its first line does not exist"
                )
            }
            Some(libc::E2BIG) => {
                format!("{path} cannot be started: its arguments and variables are too long")
            }
            _ => format!("{path} cannot be started: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_an_error() {
        let error = |name: &str| {
            Executable::find(&[name.to_string()]).err().expect("no program").to_string()
        };
        assert_eq!(error(""), "the command is empty");
        assert_eq!(error("no-such-thing"), "there is no no-such-thing in PATH");
    }
}
