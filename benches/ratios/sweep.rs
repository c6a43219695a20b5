//! Share of the wall time of a sweep that is spent in measured calls.

use std::thread;
use std::time::{Duration, Instant};

use nthread::machine::Cpus;
use nthread::record::{Phase, Row, SAMPLES_FILE, read_rows};

use crate::Effort;
use crate::figure::{Target, heading, print};
use crate::program::Program;

/// Prints the shares for a default sweep on this machine.
pub fn measure(effort: Effort) -> anyhow::Result<()> {
    heading("sweep: share of the wall time inside calls and warm-ups");
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let out = dir.path().join("sweep");
    let nthread = format!("-n1..{}", Cpus::read().usable);
    let short = ["--draws=1e6", "--rounds=1"];
    let mut arguments = vec![nthread.as_str()];
    arguments.extend(&short[..effort.or_test(0, 2)]);
    let start = Instant::now();
    let mut program = Program::sweep(&arguments, &out)?;
    while !program.has_ended()? {
        thread::sleep(Duration::from_millis(10));
    }
    let whole_ns = start.elapsed().as_nanos() as f64;

    let rows = read_rows(&out.join(SAMPLES_FILE))?;
    let inside = sum_ns(&rows, |phase| matches!(phase, Phase::Warmup | Phase::Call));
    let visits = sum_ns(&rows, |phase| phase == Phase::Visit);
    let end_of = |row: &Row| row.started_ns + row.wall_ns.unwrap_or_default();
    let session = rows.iter().map(end_of).max().unwrap_or_default() as f64;
    let target = Target::AtLeast(0.9);
    print(effort, "of all rounds, first to last visit", &[inside / session], target, "");
    print(effort, "of the visits", &[inside / visits], Target::Open, "");
    let remark = "with calibration, the reference visit, report and plots";
    print(effort, "of the whole program", &[inside / whole_ns], Target::Open, remark);
    Ok(())
}

/// Wall time of the phases that are `wanted`.
fn sum_ns(rows: &[Row], wanted: impl Fn(Phase) -> bool) -> f64 {
    let wanted = rows.iter().filter(|row| wanted(row.phase));
    wanted.filter_map(|row| row.wall_ns).sum::<u64>() as f64
}
