//! Time and memory of `harness report` for small and large directories. It checks
//! nothing, and prints the measurements.
//!
//! ```text
//! cargo test --release --test all big_reports -- --ignored --nocapture
//! ```

use crate::common::synthetic;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Numbers of cases, and least numbers of rows.
const SHAPES: [(usize, usize); 8] = [
    (20, 1_000),
    (20, 100_000),
    (20, 1_000_000),
    (20, 2_000_000),
    (640, 1_000),
    (640, 100_000),
    (640, 1_000_000),
    (640, 2_000_000),
];

/// Number of runs, of which the fastest counts.
const TIMES: usize = 3;

#[test]
#[ignore = "takes a minute, and a quiet machine"]
fn reports_of_many_rows_are_timed() {
    println!("{:>6} {:>9} {:>9} {:>9} {:>9}", "cases", "rows", "seconds", "CPU s", "MiB");
    for (cases, least_rows) in SHAPES {
        let home = tempfile::tempdir().expect("a temporary directory");
        let dir = home.path().join("run");
        let rows = synthetic::write(&dir, &synthetic::run(cases, 1), least_rows);
        let timed = (0..TIMES).map(|_| timed_report(&dir));
        let (seconds, cpu_seconds, mebibytes) =
            timed.min_by(|one, other| one.0.total_cmp(&other.0)).expect("timed at least once");
        println!("{cases:>6} {rows:>9} {seconds:>9.3} {cpu_seconds:>9.3} {mebibytes:>9.1}");
    }
}

/// Time, CPU time (seconds) and peak memory (MiB) of a report.
#[expect(clippy::zombie_processes, reason = "wait4 waits for it")]
fn timed_report(dir: &Path) -> (f64, f64, f64) {
    let start = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    command.arg("report").arg(dir).stdout(Stdio::null()).process_group(0);
    let child = command.spawn().expect("it starts");
    let mut status = 0;
    // SAFETY: all bytes of a rusage may be 0, and wait4 writes to what it is given.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        let waited = libc::wait4(child.id() as i32, &raw mut status, 0, &raw mut usage);
        assert_eq!(waited, child.id() as i32);
        usage
    };
    assert_eq!(status, 0, "the report failed");
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    (start.elapsed().as_secs_f64(), cpu_seconds, usage.ru_maxrss as f64 / 1024.0)
}
