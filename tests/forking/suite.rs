//! A runner of tests in a process with one thread, which may fork: one test after the other,
//! each followed by checks that no process, thread, descriptor or file is left.

use std::collections::BTreeSet;
use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::alarm;
use nthread::process::{active_children, thread_count};

/// Name of a test, and its function.
pub type Test = (&'static str, fn());

/// Seconds after which a test counts as hanging.
const HANG_SECONDS: u32 = 120;

/// Message of a panic that a test expects, which is not printed.
pub const EXPECTED: &str = "this block fails";

/// Prints panics, except those that are expected.
pub fn hide_expected_panics() {
    std::panic::set_hook(Box::new(|panic| {
        if !panic.to_string().contains(EXPECTED) {
            eprintln!("{panic}");
        }
    }));
}

/// Returns whether only the long forms of tests are requested, as by `--ignored`.
pub fn wants_long_forms() -> bool {
    std::env::args().any(|argument| argument == "--ignored")
}

/// Runs those tests whose names contain the first argument, if there is one.
pub fn run(tests: &[Test]) -> ExitCode {
    let filter = std::env::args().nth(1).filter(|filter| !filter.starts_with('-'));
    for (name, test) in tests {
        if filter.as_ref().is_none_or(|filter| name.contains(filter.as_str())) {
            let (descriptors, files) = (descriptors(), files_of_ours());
            // The signal ends a test that hangs, and its children with it.
            alarm::set(HANG_SECONDS);
            test();
            alarm::cancel();
            nothing_is_left(name);
            assert_eq!(self::descriptors(), descriptors, "{name}: a descriptor is left");
            assert_eq!(files_of_ours(), files, "{name}: a file is left");
            println!("test {name} ... ok");
        }
    }
    ExitCode::SUCCESS
}

/// Checks that this process has one thread and no child.
#[track_caller]
pub fn nothing_is_left(whose: &str) {
    let children = waitpid(None, Some(WaitPidFlag::WNOHANG));
    assert_eq!(children, Err(Errno::ECHILD), "{whose}: a process is left");
    assert_eq!(active_children(), [], "{whose}: a child is still in the books");
    // A thread that was joined may be in /proc for a moment more.
    let deadline = Instant::now() + Duration::from_secs(60);
    while thread_count().expect("/proc") > 1 {
        assert!(Instant::now() < deadline, "{whose}: a thread is left");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Number of open descriptors.
pub fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("/proc").count()
}

/// Files with the name of this crate where shared memory and sockets might have left
/// some. Other programs make files there too.
fn files_of_ours() -> BTreeSet<String> {
    let places = [std::env::temp_dir(), "/dev/shm".into()];
    let entries = places.iter().filter_map(|place| fs::read_dir(place).ok()).flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| name.contains("nthread")).collect()
}
