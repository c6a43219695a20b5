//! Executable file of a command, and the reasons for which it cannot be started.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, anyhow};

use crate::machine::executable::search_path;

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
        if name.contains('/') {
            obstacle(Path::new(name)).map_or(Ok(()), |obstacle| Err(anyhow!("{obstacle}")))?;
            return Ok(Executable { path: PathBuf::from(name), words });
        }
        let path = search_path();
        let paths: Vec<PathBuf> = std::env::split_paths(&path).map(|dir| dir.join(name)).collect();
        let executable = paths.iter().find(|path| obstacle(path).is_none());
        let path =
            executable.cloned().ok_or_else(|| match paths.iter().find(|path| path.is_file()) {
                Some(path) => anyhow!("{} is not executable", path.display()),
                None => anyhow!("there is no program {name:?} on the PATH"),
            })?;
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

/// Reason for which a file cannot be executed; `None` if it can.
fn obstacle(path: &Path) -> Option<String> {
    let shown = path.display();
    match path.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Some(format!("there is no {shown}"))
        }
        Err(error) => Some(format!("{shown} cannot be read: {error}")),
        Ok(file) if file.is_dir() => Some(format!("{shown} is a directory")),
        Ok(file) if file.permissions().mode() & 0o111 == 0 => {
            Some(format!("{shown} is not executable (try chmod +x)"))
        }
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(name: &str) -> String {
        let words = [name.to_string()];
        Executable::find(&words).err().expect("no program").to_string()
    }

    #[test]
    fn an_error_names_the_file_and_the_reason() {
        assert_eq!(error(""), "the command is empty");
        assert_eq!(error("./nowhere"), "there is no ./nowhere");
        assert_eq!(error("/dev"), "/dev is a directory");
        assert_eq!(error("no-such-thing"), "there is no program \"no-such-thing\" on the PATH");
        let file = tempfile::NamedTempFile::new().expect("a file");
        let message = error(&file.path().display().to_string());
        assert!(message.ends_with("is not executable (try chmod +x)"), "{message}");
    }

    #[test]
    fn an_executable_is_found_on_the_path() {
        let words = ["sh".to_string(), "-c".to_string()];
        let program = Executable::find(&words).expect("there is a shell");
        assert!(program.path.is_absolute() && program.path.ends_with("sh"));
    }
}
