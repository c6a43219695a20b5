//! Whether the programs of commands can be started, before anything runs.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::given::UsageError;
use super::placeholders::is_fixed;
use crate::machine::loaded::{is_executable, search_path};
use crate::record::{Command, Commands};

/// Refuses commands whose program is not there or cannot be executed. What is not
/// known before a run is passed over: a program whose name holds a count, and all
/// that `--prepare` may build.
///
/// # Errors
/// Which program, and why.
pub fn check(commands: &Commands, baseline: Option<&Command>) -> Result<(), UsageError> {
    let refused = |label: &str, problem: String| UsageError(format!("{label}: {problem}"));
    if let Some(words) = &commands.prepare {
        return match obstacle(commands, words) {
            Some(problem) => Err(refused("--prepare", problem)),
            None => Ok(()),
        };
    }
    for command in commands.list.iter().chain(baseline) {
        if let Some(problem) = obstacle(commands, &command.words) {
            return Err(refused(&command.label, problem));
        }
    }
    Ok(())
}

/// Refuses a program that cannot be started from here.
///
/// # Errors
/// Which program, and why.
pub fn check_here(program: &str) -> Result<(), UsageError> {
    if program.trim().is_empty() {
        return Err(UsageError("--: the command is empty; for example -- ./prog".to_string()));
    }
    match missing(program, Path::new(""), &search_path()) {
        Some(problem) => Err(UsageError(format!("--: {problem}"))),
        None => Ok(()),
    }
}

/// Why a program cannot be started, if that is known. A name with a slash is
/// relative to the directory in which the command runs, and one without is sought
/// in the PATH that the command gets: a child changes its directory and takes its
/// variables before it becomes the program.
fn obstacle(commands: &Commands, words: &[String]) -> Option<String> {
    let program = words.first()?;
    let directory = match &commands.directory {
        Some(directory) if is_fixed(&directory.to_string_lossy()) => directory.as_path(),
        Some(_) => return None,
        None => Path::new(""),
    };
    let path = commands.environment.get("PATH").map_or_else(search_path, OsString::from);
    if !is_fixed(program) || !is_fixed(&path.to_string_lossy()) {
        return None;
    }
    let problem = missing(program, directory, &path)?;
    let is_shells = !program.contains('/') && !is_executable(&directory.join(program));
    let hint = if is_shells {
        " (a built-in of a shell or a whole line of one needs --shell)"
    } else {
        ""
    };
    Some(problem + hint)
}

/// Why no program is found from a directory, with a PATH.
fn missing(program: &str, directory: &Path, path: &OsStr) -> Option<String> {
    if program.contains('/') {
        return not_executable(&directory.join(program));
    }
    let dirs: Vec<PathBuf> = std::env::split_paths(path).collect();
    let is_found = dirs.iter().any(|dir| is_executable(&directory.join(dir).join(program)));
    (!is_found).then(|| {
        let here = directory.join(program);
        match is_executable(&here) {
            true => {
                format!("there is no {program} in PATH; ./{program} is the one in this directory")
            }
            false => format!("there is no {program} in PATH"),
        }
    })
}

fn not_executable(path: &Path) -> Option<String> {
    let shown = path.display();
    match std::fs::metadata(path) {
        Err(error) => Some(format!("{shown} cannot be executed: {error}")),
        Ok(file) if file.is_dir() => Some(format!("{shown} is a directory")),
        Ok(_) if is_executable(path) => None,
        Ok(_) => Some(format!("{shown} is not executable: chmod +x, or name its interpreter")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process;

    /// A directory with an executable `here-only` in it.
    fn home() -> tempfile::TempDir {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("here-only");
        std::fs::write(&path, "#!/bin/sh\n").expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        home
    }

    fn found(commands: &Commands, program: &str) -> bool {
        obstacle(commands, &[program.to_string()]).is_none()
    }

    #[test]
    fn a_program_is_sought_where_a_child_finds_it() {
        let home = home();
        let mut commands = Commands { directory: Some(home.path().into()), ..Commands::default() };
        let starts = |program: &str, path: Option<&Path>| {
            let mut child = process::Command::new(program);
            child.current_dir(home.path());
            if let Some(path) = path {
                child.env("PATH", path);
            }
            child.status().is_ok()
        };
        assert!(found(&commands, "./here-only") && starts("./here-only", None));
        assert!(!found(&commands, "here-only") && !starts("here-only", None));
        let path = home.path().to_string_lossy().into_owned();
        commands.environment.insert("PATH".to_string(), path);
        assert!(found(&commands, "here-only") && starts("here-only", Some(home.path())));
        commands.directory = None;
        assert!(!found(&commands, "./here-only"));
    }
}
