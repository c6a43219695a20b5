//! Tests that need a process with one thread, since they fork and count threads, or an
//! executable that may be started again: this program has no test harness (`harness = false`).
//!
//! Each suite runs in a process of its own, beside the others. The first argument may
//! name a suite; a further one is a part of a test's name:
//!
//! ```text
//! cargo test --test forking
//! cargo test --test forking -- multiprocessing pool
//! ```

mod backends;
#[path = "../common/mod.rs"]
mod common;
mod evidence;
mod functions;
mod injected;
mod multiprocessing;
mod suite;

use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::{env, fs};

/// Names the suite that a process of this program runs. What such a process starts
/// inherits the variable, so a process that is started again belongs to the same suite.
const SUITE: &str = "NTHREAD_TEST_SUITE";

/// The name of a suite, and its main function.
type Suite = (&'static str, fn() -> ExitCode);

const SUITES: [Suite; 5] = [
    ("backends", backends::main),
    ("evidence", evidence::main),
    ("functions", functions::main),
    ("injected", injected::main),
    ("multiprocessing", multiprocessing::main),
];

fn main() -> ExitCode {
    if let Ok(name) = env::var(SUITE) {
        let suite = SUITES.iter().find(|suite| suite.0 == name);
        return suite.unwrap_or_else(|| panic!("{SUITE}: there is no suite {name:?}")).1();
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    let named = SUITES.iter().find(|suite| Some(suite.0) == arguments.first().map(String::as_str));
    let (suites, arguments) = match named {
        Some(suite) => (vec![*suite], &arguments[1..]),
        None => (SUITES.to_vec(), &arguments[..]),
    };
    // Only the suite of injected faults has a long form.
    let has_work = |suite: &&Suite| !suite::wants_long_forms() || suite.0 == "injected";
    let suites: Vec<&Suite> = suites.iter().filter(has_work).collect();
    // Tests look for files that are left behind, so each suite has a directory for its own.
    let scratch = tempfile::tempdir().expect("a temporary directory");
    // Every suite is started before the first one is waited for.
    let running: Vec<Child> =
        suites.iter().map(|suite| start(suite.0, arguments, scratch.path())).collect();
    let mut is_failed = false;
    for ((name, _), child) in suites.into_iter().zip(running) {
        let output = child.wait_with_output().expect("a child");
        print!("suite {name}\n{}", String::from_utf8_lossy(&output.stdout));
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        if !output.status.success() {
            println!("suite {name} failed: {}", output.status);
            is_failed = true;
        }
    }
    ExitCode::from(u8::from(is_failed))
}

/// Starts a suite in a process of its own, with a temporary directory below `scratch`.
fn start(name: &str, arguments: &[String], scratch: &Path) -> Child {
    let directory = scratch.join(name);
    fs::create_dir(&directory).expect("a directory");
    let mut command = Command::new("/proc/self/exe");
    command.args(arguments).env(SUITE, name).env("TMPDIR", directory);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("this program starts")
}
