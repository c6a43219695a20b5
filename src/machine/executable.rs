//! Executables: the search for them in PATH, and the output of helper programs.

use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Time limit of a helper program.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The value of PATH, by default that of `execvp`.
pub fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into())
}

/// The file of a program as `execvp` finds it: a name with a slash is a path, another one is
/// searched in PATH.
///
/// # Errors
/// The reason why there is no such executable.
pub fn find(program: &OsStr) -> Result<PathBuf, String> {
    find_from(Path::new(""), &search_path(), program)
}

/// The file of a program for a process in `directory` with another `search_path`.
///
/// # Errors
/// The reason why there is no such executable.
pub fn find_from(
    directory: &Path,
    search_path: &OsStr,
    program: &OsStr,
) -> Result<PathBuf, String> {
    let here = directory.join(program);
    if program.as_encoded_bytes().contains(&b'/') {
        return match obstacle(&here) {
            Some(problem) => Err(problem),
            None => Ok(here),
        };
    }
    let files: Vec<PathBuf> = std::env::split_paths(search_path)
        .map(|entry| directory.join(entry).join(program))
        .filter(|path| path.is_file())
        .collect();
    if let Some(path) = files.iter().find(|path| is_executable(path)) {
        return Ok(path.clone());
    }
    let name = program.display();
    Err(match files.first().and_then(|path| obstacle(path)) {
        Some(problem) => problem,
        None if is_executable(&here) => {
            format!("there is no {name} in PATH; ./{name} is the one in this directory")
        }
        None => format!("there is no {name} in PATH"),
    })
}

fn is_executable(path: &Path) -> bool {
    obstacle(path).is_none()
}

/// The reason why a file cannot be executed, if there is one.
fn obstacle(path: &Path) -> Option<String> {
    let shown = path.display();
    match path.metadata() {
        Err(error) => Some(format!("{shown} cannot be executed: {error}")),
        Ok(file) if file.is_dir() => Some(format!("{shown} is a directory")),
        Ok(file) if !file.is_file() || file.permissions().mode() & 0o111 == 0 => {
            Some(format!("{shown} is not executable: chmod +x, or name its interpreter"))
        }
        Ok(_) => None,
    }
}

/// The output of a helper program that succeeds within the time limit.
///
/// # Errors
/// The last line of its stderr, or the reason why there is no output.
pub fn output_of(command: &mut Command) -> Result<String, String> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let (sender, receiver) = mpsc::channel();
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    std::thread::spawn(move || {
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let _ = stdout.as_mut().map(|stdout| stdout.read_to_end(&mut output));
        let _ = stderr.as_mut().map(|stderr| stderr.read_to_end(&mut errors));
        let _ = sender.send((output, errors));
    });
    let Ok((output, errors)) = receiver.recv_timeout(TIMEOUT) else {
        // The child may end just now, so that there is nothing to kill.
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("no output within {} s", TIMEOUT.as_secs()));
    };
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&output).into_owned());
    }
    let errors = String::from_utf8_lossy(&errors).trim().to_string();
    Err(errors.lines().last().map_or_else(|| status.to_string(), str::to_string))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(program: &str) -> String {
        find(OsStr::new(program)).expect_err("no program")
    }

    #[test]
    fn an_executable_that_does_not_exist_has_a_reason() {
        assert!(error("./nowhere").starts_with("./nowhere cannot be executed: No such file"));
        assert_eq!(error("/dev"), "/dev is a directory");
        assert_eq!(error("no-such-program"), "there is no no-such-program in PATH");
        let file = tempfile::NamedTempFile::new().expect("a file");
        let path = file.path().display().to_string();
        assert!(error(&path).contains("is not executable: chmod +x"), "{path}");
    }

    #[test]
    fn a_program_without_a_slash_is_searched_in_path() {
        let path = find(OsStr::new("sh")).expect("a shell");
        assert!(path.is_absolute() && path.ends_with("sh"));
    }

    #[test]
    fn the_output_of_a_helper_is_read_and_its_last_error_line_reported() {
        let run = |script: &str| output_of(Command::new("sh").args(["-c", script]));
        assert_eq!(run("echo a; echo b"), Ok("a\nb\n".to_string()));
        assert_eq!(run("echo x >&2; echo y >&2; exit 3"), Err("y".to_string()));
        assert!(run("exit 3").is_err_and(|status| status.contains('3')));
        assert!(output_of(&mut Command::new("/no/such/program")).is_err());
    }
}
