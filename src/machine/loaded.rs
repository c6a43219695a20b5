//! Which shared libraries a program would load, without running it.
//!
//! An executable says which dynamic linker it wants; that linker lists what it
//! would load (`ld.so --list PROGRAM`) and starts nothing. (`LD_TRACE_LOADED_OBJECTS`
//! in the environment does the same, but runs a program that is linked statically.)
//! What a program opens later, by `dlopen`, is not seen. A Python interpreter is the
//! exception that matters: it is started and asked to import NumPy, and says what it
//! has in memory then.

use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::elf::linker_of;

/// Nobody waits longer for a program that is asked.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes at the beginning of a file that say what it is.
const HEAD_BYTES: u64 = 4096;

/// Interpreters of interpreters that are followed.
const DEPTH: u32 = 4;

/// What Python is asked.
const ASK_NUMPY: &str = "import sys\n\
    try:\n import numpy\nexcept ImportError: sys.exit('no NumPy')\n\
    print(numpy.__version__)\nprint(open('/proc/self/maps').read())";

/// What is known of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// It loads these files, of those that are found.
    Dynamic(Vec<PathBuf>),
    /// It loads none.
    Static,
    /// Python, whose NumPy has this version and loads these files.
    NumPy(String, Vec<PathBuf>),
    /// Nobody knows, for this reason.
    Unknown(String),
}

/// The directories in which programs are looked for: without a PATH those of `execvp`.
pub fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into())
}

/// Whether a path names a file that somebody may execute.
pub fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// A program's file, found as a shell would find it.
pub fn find(program: &OsStr) -> Option<PathBuf> {
    if program.as_encoded_bytes().contains(&b'/') {
        let path = PathBuf::from(program);
        return is_executable(&path).then_some(path);
    }
    std::env::split_paths(&search_path())
        .map(|dir| dir.join(program))
        .find(|path| is_executable(path))
}

/// What a program loads: the interpreter of a script instead of the script.
pub fn inspect(program: &OsStr) -> Program {
    inspect_within(program, DEPTH)
}

fn inspect_within(program: &OsStr, depth: u32) -> Program {
    let Some(path) = find(program) else {
        return Program::Unknown(format!("there is no program {}", program.display()));
    };
    let head = match head_of(&path) {
        Ok(head) => head,
        Err(error) => return Program::Unknown(format!("{}: {error}", path.display())),
    };
    if let Some(interpreter) = interpreter_of_script(&head) {
        return match depth {
            0 => Program::Unknown("scripts stand for scripts without end".to_string()),
            _ => inspect_within(OsStr::new(&interpreter), depth - 1),
        };
    }
    let is_python = |path: &Path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("python"))
    };
    if is_python(&path) {
        return numpy_of(&path);
    }
    if !head.starts_with(b"\x7fELF") {
        return Program::Unknown(format!("{} is no executable of Linux", path.display()));
    }
    match linker_of(&path) {
        Ok(None) => Program::Static,
        Ok(Some(linker)) if linker.is_file() => listed_by(&linker, &path),
        Ok(Some(linker)) => Program::Unknown(format!(
            "{} asks for the dynamic linker {}, which is not here: is it of another architecture?",
            path.display(),
            linker.display()
        )),
        Err(problem) => Program::Unknown(format!("{}: {problem}", path.display())),
    }
}

fn head_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    std::fs::File::open(path)?.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(head)
}

/// What follows `#!`; of `env`, the program that it looks for.
fn interpreter_of_script(head: &[u8]) -> Option<String> {
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line).into_owned();
    let mut words = line.split_whitespace();
    let first = words.next()?;
    if !first.ends_with("/env") {
        return Some(first.to_string());
    }
    let is_program = |word: &&str| !word.starts_with('-') && !word.contains('=');
    words.find(is_program).map(str::to_string)
}

fn listed_by(linker: &Path, program: &Path) -> Program {
    let mut command = Command::new(linker);
    command.arg("--list").arg(program);
    match output_of(&mut command) {
        Ok(text) => Program::Dynamic(libraries_listed(&text)),
        Err(problem) => Program::Unknown(format!("{}: {problem}", linker.display())),
    }
}

/// Paths in lines such as `libm.so.6 => /lib/libm.so.6 (0x00007f…)`.
fn libraries_listed(text: &str) -> Vec<PathBuf> {
    let path = |line: &str| {
        let after = line.split_once("=> ").map_or(line, |(_, after)| after);
        let path = after.trim().rsplit_once(" (").map_or(after.trim(), |(path, _)| path);
        path.starts_with('/').then(|| PathBuf::from(path))
    };
    text.lines().filter_map(path).collect()
}

fn numpy_of(python: &Path) -> Program {
    let mut command = Command::new(python);
    command.args(["-c", ASK_NUMPY]);
    match output_of(&mut command) {
        Ok(text) => {
            let (version, maps) = text.split_once('\n').unwrap_or((&text, ""));
            Program::NumPy(version.trim().to_string(), libraries_mapped(maps))
        }
        Err(problem) => Program::Unknown(format!("{}: {problem}", python.display())),
    }
}

/// The files in `/proc/PID/maps`, each once.
fn libraries_mapped(maps: &str) -> Vec<PathBuf> {
    let paths = maps.lines().filter_map(|line| Some(line[line.find('/')?..].trim_end()));
    let mut files: Vec<PathBuf> = paths.map(PathBuf::from).collect();
    files.dedup();
    files
}

/// What a program prints, if it ends well and soon.
fn output_of(command: &mut Command) -> Result<String, String> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let (sender, receiver) = mpsc::channel();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    std::thread::spawn(move || {
        let mut complaint = Vec::new();
        let (mut text, mut reader) = (Vec::new(), stdout);
        let _ = reader.as_mut().map(|it| it.read_to_end(&mut text));
        let _ = stderr.map(|mut it| it.read_to_end(&mut complaint));
        let _ = sender.send((text, complaint));
    });
    match receiver.recv_timeout(PATIENCE) {
        Ok((text, complaint)) => ended(&mut child, &text, &complaint),
        Err(_) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(format!("no answer within {} s", PATIENCE.as_secs()))
        }
    }
}

fn ended(child: &mut Child, text: &[u8], complaint: &[u8]) -> Result<String, String> {
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() {
        return Ok(String::from_utf8_lossy(text).into_owned());
    }
    let complaint = String::from_utf8_lossy(complaint).trim().to_string();
    Err(complaint.lines().last().map_or_else(|| status.to_string(), str::to_string))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_stands_for_its_interpreter() {
        let of = |head: &str| interpreter_of_script(head.as_bytes());
        assert_eq!(of("#!/bin/sh\n"), Some("/bin/sh".to_string()));
        assert_eq!(of("#! /usr/bin/env python3\nimport"), Some("python3".to_string()));
        assert_eq!(of("#!/usr/bin/env -S A=1 python3 -u\n"), Some("python3".to_string()));
        assert_eq!(of("\x7fELF"), None);
    }

    #[test]
    fn the_linkers_list_is_understood() {
        let text = "\tlinux-vdso.so.1 (0x00007ffd)\n\
                    \tlibopenblas.so.0 => /usr/lib/openblas pthread/libopenblas.so.0 (0x00007f)\n\
                    \tlibgone.so => not found\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let expected =
            ["/usr/lib/openblas pthread/libopenblas.so.0", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(libraries_listed(text), expected.map(PathBuf::from));
    }

    #[test]
    fn memory_maps_name_each_file_once() {
        let maps = "7f0 r--p 0 08:01 42  /a/libopenblas.so\n7f1 r-xp 0 08:01 42  /a/libopenblas.so\n\
                    7f2 rw-p 0 00:00 0 \n7ffd rw-p 0 00:00 0 [stack]\n";
        assert_eq!(libraries_mapped(maps), [PathBuf::from("/a/libopenblas.so")]);
    }

    #[test]
    fn this_test_program_loads_the_c_library_and_is_not_run() {
        let this = std::env::current_exe().expect("a path");
        match inspect(this.as_os_str()) {
            Program::Dynamic(files) => {
                let is_libc = |file: &PathBuf| file.to_string_lossy().contains("libc");
                assert!(files.iter().any(is_libc), "{files:?}");
            }
            Program::Static => {}
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_not_there_is_said() {
        let found = inspect(OsStr::new("no-such-program-anywhere"));
        assert!(matches!(found, Program::Unknown(reason) if reason.contains("no-such-program")));
    }
}
