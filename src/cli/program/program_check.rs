//! Checks that the programs of commands can be started, before anything runs.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::placeholders::is_fixed;
use crate::cli::given::UsageError;
use crate::machine::executable::{find, find_from, search_path};
use crate::record::{CommandPlan, PlannedCommand};

/// Checks the programs of commands. Two are unknown before the run and not checked: a program whose
/// name contains a placeholder, and every program if `--prepare` may build it.
///
/// # Errors
/// The label of a command whose program cannot be started, and the reason.
pub fn check(commands: &CommandPlan, baseline: Option<&PlannedCommand>) -> Result<(), UsageError> {
    let programs: Vec<(&str, &[String])> = match &commands.prepare {
        Some(words) => vec![("--prepare", words)],
        None => {
            let all = commands.list.iter().chain(baseline);
            all.map(|command| (command.label.as_str(), &command.words[..])).collect()
        }
    };
    for (label, words) in programs {
        if let Some(problem) = obstacle(commands, words) {
            return Err(UsageError(format!("{label}: {problem}")));
        }
    }
    Ok(())
}

/// Checks that a program can be started in the current directory.
///
/// # Errors
/// The reason why it cannot.
pub fn check_here(program: &str) -> Result<(), UsageError> {
    if program.trim().is_empty() {
        return Err(UsageError("--: the command is empty; for example -- ./prog".to_string()));
    }
    match find(OsStr::new(program)) {
        Err(problem) => Err(UsageError(format!("--: {problem}"))),
        Ok(_) => Ok(()),
    }
}

/// The reason why a program cannot be started, if it is known before the run. A child changes its
/// directory and its variables before it executes the program, so both decide what it finds.
fn obstacle(commands: &CommandPlan, words: &[String]) -> Option<String> {
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
    let problem = find_from(directory, &path, OsStr::new(program)).err()?;
    let may_need_shell = !program.contains('/') && !problem.contains("./");
    let hint = if may_need_shell { " (shell built-ins and shell syntax need --shell)" } else { "" };
    Some(problem + hint)
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

    fn is_found(commands: &CommandPlan, program: &str) -> bool {
        obstacle(commands, &[program.to_string()]).is_none()
    }

    #[test]
    fn a_program_is_searched_where_a_child_finds_it() {
        let home = home();
        let mut commands =
            CommandPlan { directory: Some(home.path().into()), ..CommandPlan::default() };
        let starts = |program: &str, path: Option<&Path>| {
            let mut child = process::Command::new(program);
            child.current_dir(home.path());
            if let Some(path) = path {
                child.env("PATH", path);
            }
            child.status().is_ok()
        };
        assert!(is_found(&commands, "./here-only") && starts("./here-only", None));
        assert!(!is_found(&commands, "here-only") && !starts("here-only", None));
        let path = home.path().to_string_lossy().into_owned();
        commands.environment.insert("PATH".to_string(), path);
        assert!(is_found(&commands, "here-only") && starts("here-only", Some(home.path())));
        commands.directory = None;
        assert!(!is_found(&commands, "./here-only"));
    }
}
