//! Shared libraries that a program loads, found without running it.
//!
//! An executable names its dynamic linker, and that linker lists the libraries that it would load
//! (`ld.so --list PROGRAM`) without starting the program. (`LD_TRACE_LOADED_OBJECTS` in the
//! environment has the same effect, but runs a program that is linked statically.) Libraries that
//! a program opens later with `dlopen` are not seen. Python is the exception: it is started,
//! imports NumPy and prints its memory map.

use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::elf::linker_of;
use super::executable::{find, output_of};

/// Number of bytes at the beginning of a file that are read to recognise its format.
const HEAD_BYTES: u64 = 4096;

/// Maximum depth of scripts whose interpreters are scripts.
const MAX_DEPTH: u32 = 4;

/// A Python script that prints the version of NumPy and the memory map.
const NUMPY_SCRIPT: &str = "import sys\n\
    try:\n import numpy\nexcept ImportError: sys.exit('no NumPy')\n\
    print(numpy.__version__)\nprint(open('/proc/self/maps').read())";

/// The libraries of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkedLibraries {
    /// The files of the libraries, without those that do not exist.
    Dynamic(Vec<PathBuf>),
    /// No libraries: the program is linked statically.
    Static,
    /// Python: the version of its NumPy, and the files that it loads.
    NumPy(String, Vec<PathBuf>),
    /// Unknown, with the reason.
    Unknown(String),
}

/// The libraries of a program; of a script, those of its interpreter.
pub fn inspect(program: &OsStr) -> LinkedLibraries {
    try_inspect(program, MAX_DEPTH).unwrap_or_else(LinkedLibraries::Unknown)
}

fn try_inspect(program: &OsStr, depth: u32) -> Result<LinkedLibraries, String> {
    let path = find(program)?;
    let in_file = |problem: String| format!("{}: {problem}", path.display());
    let head = head_of(&path).map_err(|error| in_file(error.to_string()))?;
    if let Some(interpreter) = interpreter_of_script(&head) {
        return match depth {
            0 => Err("its interpreter is a script of a script, and so on".to_string()),
            _ => try_inspect(OsStr::new(&interpreter), depth - 1),
        };
    }
    if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("python")) {
        return numpy_of(&path);
    }
    if !head.starts_with(b"\x7fELF") {
        return Err(in_file("the file is not a Linux executable".to_string()));
    }
    match linker_of(&path).map_err(in_file)? {
        None => Ok(LinkedLibraries::Static),
        Some(linker) if linker.is_file() => {
            let list = output_of(Command::new(&linker).arg("--list").arg(&path));
            let list = list.map_err(|problem| format!("{}: {problem}", linker.display()))?;
            Ok(LinkedLibraries::Dynamic(parse_linker_list(&list)))
        }
        Some(linker) => Err(in_file(format!(
            "its dynamic linker {} does not exist: is it built for another architecture?",
            linker.display()
        ))),
    }
}

fn head_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    std::fs::File::open(path)?.take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(head)
}

/// The program of a `#!` line; for `env`, the program that it starts.
fn interpreter_of_script(head: &[u8]) -> Option<String> {
    let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line).into_owned();
    let mut words = line.split_whitespace();
    let first = words.next()?;
    if !first.ends_with("/env") {
        return Some(first.to_string());
    }
    // Options of env and assignments precede the program.
    words.find(|word| !word.starts_with('-') && !word.contains('=')).map(str::to_string)
}

/// The paths in lines such as `libm.so.6 => /lib/libm.so.6 (0x00007f…)`.
fn parse_linker_list(text: &str) -> Vec<PathBuf> {
    let path = |line: &str| {
        let path = line.split_once("=> ").map_or(line, |(_, path)| path).trim();
        let path = path.rsplit_once(" (").map_or(path, |(path, _)| path);
        path.starts_with('/').then(|| PathBuf::from(path))
    };
    text.lines().filter_map(path).collect()
}

fn numpy_of(python: &Path) -> Result<LinkedLibraries, String> {
    let output = output_of(Command::new(python).args(["-c", NUMPY_SCRIPT]))
        .map_err(|problem| format!("{}: {problem}", python.display()))?;
    let (version, maps) = output.split_once('\n').unwrap_or((&output, ""));
    Ok(LinkedLibraries::NumPy(version.trim().to_string(), parse_memory_map(maps)))
}

/// The files in `/proc/PID/maps`, without duplicates.
fn parse_memory_map(maps: &str) -> Vec<PathBuf> {
    let paths = maps.lines().filter_map(|line| Some(line[line.find('/')?..].trim_end()));
    let mut files: Vec<PathBuf> = paths.map(PathBuf::from).collect();
    files.dedup();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interpreter_of_a_script_is_read_from_its_first_line() {
        let of = |head: &str| interpreter_of_script(head.as_bytes());
        assert_eq!(of("#!/bin/sh\n"), Some("/bin/sh".to_string()));
        assert_eq!(of("#! /usr/bin/env python3\nimport"), Some("python3".to_string()));
        assert_eq!(of("#!/usr/bin/env -S A=1 python3 -u\n"), Some("python3".to_string()));
        assert_eq!(of("\x7fELF"), None);
    }

    #[test]
    fn the_list_of_the_linker_is_parsed() {
        let text = "\tlinux-vdso.so.1 (0x00007ffd)\n\
                    \tlibopenblas.so.0 => /usr/lib/openblas pthread/libopenblas.so.0 (0x00007f)\n\
                    \tlibgone.so => not found\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let expected =
            ["/usr/lib/openblas pthread/libopenblas.so.0", "/lib64/ld-linux-x86-64.so.2"];
        assert_eq!(parse_linker_list(text), expected.map(PathBuf::from));
    }

    #[test]
    fn memory_maps_name_each_file_once() {
        let maps = "7f0 r--p 0 08:01 42  /a/libopenblas.so\n7f1 r-xp 0 08:01 42  /a/libopenblas.so\n\
                    7f2 rw-p 0 00:00 0 \n7ffd rw-p 0 00:00 0 [stack]\n";
        assert_eq!(parse_memory_map(maps), [PathBuf::from("/a/libopenblas.so")]);
    }

    #[test]
    fn this_test_program_loads_the_c_library() {
        let this = std::env::current_exe().expect("a path");
        match inspect(this.as_os_str()) {
            LinkedLibraries::Dynamic(files) => {
                let is_libc = |file: &PathBuf| file.to_string_lossy().contains("libc");
                assert!(files.iter().any(is_libc), "{files:?}");
            }
            LinkedLibraries::Static => {}
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_program_that_does_not_exist_is_unknown() {
        let libraries = inspect(OsStr::new("no-such-program-anywhere"));
        assert!(
            matches!(libraries, LinkedLibraries::Unknown(reason) if reason.contains("no-such-program"))
        );
    }
}
