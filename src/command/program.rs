//! A program that can be started: where it is, and why it cannot.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, anyhow};

use crate::machine::executable::search_path;

/// A program that was found, and its arguments.
pub struct Program<'a> {
    path: PathBuf,
    words: &'a [String],
}

impl Program<'_> {
    /// Finds what `words` name, as the shell does: before anything is timed, so
    /// that no run pays for the search.
    ///
    /// # Errors
    /// Where there is no such program.
    pub fn find(words: &[String]) -> anyhow::Result<Program<'_>> {
        let name = words.first().filter(|name| !name.is_empty()).context("the command is empty")?;
        if name.contains('/') {
            obstacle(Path::new(name)).map_or(Ok(()), |obstacle| Err(anyhow!("{obstacle}")))?;
            return Ok(Program { path: PathBuf::from(name), words });
        }
        let path = search_path();
        let places: Vec<PathBuf> = std::env::split_paths(&path).map(|dir| dir.join(name)).collect();
        let found = places.iter().find(|place| obstacle(place).is_none());
        let path =
            found.cloned().ok_or_else(|| match places.iter().find(|place| place.is_file()) {
                Some(place) => anyhow!("{} may not be executed", place.display()),
                None => anyhow!("there is no program {name:?} on the PATH"),
            })?;
        Ok(Program { path, words })
    }

    /// What starts it, in the environment of this process.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.arg0(&self.words[0]).args(&self.words[1..]);
        command
    }

    /// Why it could not be started.
    pub fn refusal(&self, error: &io::Error) -> String {
        let path = self.path.display();
        match error.raw_os_error() {
            Some(libc::ENOEXEC) => format!(
                "{path} cannot be started: it is no program, and has no first line such as \
                 #!/bin/sh"
            ),
            Some(libc::ENOENT) if self.path.exists() => {
                format!("{path} cannot be started: the interpreter that it names is not there")
            }
            Some(libc::E2BIG) => {
                format!("{path} cannot be started: its arguments and variables are too long")
            }
            _ => format!("{path} cannot be started: {error}"),
        }
    }
}

/// What keeps a file from being a program, if anything does.
fn obstacle(path: &Path) -> Option<String> {
    let shown = path.display();
    match path.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Some(format!("there is no {shown}"))
        }
        Err(error) => Some(format!("{shown} cannot be looked at: {error}")),
        Ok(file) if file.is_dir() => Some(format!("{shown} is a directory, and no program")),
        Ok(file) if file.permissions().mode() & 0o111 == 0 => {
            Some(format!("{shown} may not be executed; chmod +x lets it"))
        }
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str) -> String {
        let words = [name.to_string()];
        Program::find(&words).err().expect("no program").to_string()
    }

    #[test]
    fn what_cannot_be_started_is_named_with_the_reason() {
        assert_eq!(refusal(""), "the command is empty");
        assert_eq!(refusal("./nowhere"), "there is no ./nowhere");
        assert_eq!(refusal("/dev"), "/dev is a directory, and no program");
        assert_eq!(refusal("no-such-thing"), "there is no program \"no-such-thing\" on the PATH");
        let file = tempfile::NamedTempFile::new().expect("a file");
        let refused = refusal(&file.path().display().to_string());
        assert!(refused.ends_with("may not be executed; chmod +x lets it"), "{refused}");
    }

    #[test]
    fn a_program_is_found_as_the_shell_finds_it() {
        let words = ["sh".to_string(), "-c".to_string()];
        let program = Program::find(&words).expect("there is a shell");
        assert!(program.path.is_absolute() && program.path.ends_with("sh"));
    }
}
