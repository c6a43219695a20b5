//! CPU time and memory of the supervisor while a visit runs, with the progress bar.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nthread::kernel::{DEFAULT_BLOCK, Isa, Job, Pi};
use nthread::record::{RUN_FILE, SAMPLES_FILE};

use crate::Effort;
use crate::figure::{Target, heading, print};
use crate::program::Program;

/// Interval between two readings.
const LOOK: Duration = Duration::from_millis(2);

/// Prints its share of a CPU, its memory, and the growth of the memory.
pub fn measure(effort: Effort) -> anyhow::Result<()> {
    heading("supervisor: what it uses while visits run, with a progress bar");
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let shares = idle_shares(effort, &dir.path().join("idle"))?;
    print(effort, "% of a CPU during a visit of seconds", &shares, Target::AtMost(1.0), "");
    let [few, many] = effort.or_test([3, 300], [1, 2]);
    let few_kib = resident_kib(few, &dir.path().join("few"))?;
    let many_kib = resident_kib(many, &dir.path().join("many"))?;
    let mib = |kib: &u64| *kib as f64 / 1024.0;
    let last = |of: &[u64]| of.last().map_or(f64::NAN, mib);
    let all: Vec<f64> = many_kib.iter().map(mib).collect();
    print(effort, "MiB resident", &all, Target::AtMost(30.0), "");
    let name = format!("MiB more after {many} rounds than after {few}");
    let growth = last(&many_kib) - last(&few_kib);
    print(effort, &name, &[growth], Target::AtMost(1.0), "of 10 samples each");
    Ok(())
}

/// Percent of a CPU in each second of a visit that takes several.
fn idle_shares(effort: Effort, out: &Path) -> anyhow::Result<Vec<f64>> {
    let seconds = effort.or_test(6, 1);
    let draws = draws_of_a_second() * seconds;
    let draws = draws.to_string();
    let arguments = ["-n1", "-bsequential", "--rounds=1", "--warmup=0", "--draws", &draws];
    let mut program = Program::sweep(&arguments, out)?;
    while !out.join(SAMPLES_FILE).exists() && !program.has_ended()? {
        thread::sleep(LOOK);
    }
    // The first moments belong to the start of the visit.
    thread::sleep(Duration::from_millis(200));
    let mut shares = Vec::new();
    for _ in 0..effort.or_test(4, 0) {
        let (start, before) = (Instant::now(), program.cpu_time()?);
        while start.elapsed() < Duration::from_secs(1) && !program.has_ended()? {
            thread::sleep(10 * LOOK);
        }
        let used = program.cpu_time()?.saturating_sub(before);
        shares.push(100.0 * used.as_secs_f64() / start.elapsed().as_secs_f64());
    }
    while !program.has_ended()? {
        thread::sleep(10 * LOOK);
    }
    Ok(shares)
}

/// Draws of one core per second.
fn draws_of_a_second() -> u64 {
    let job = Job { seed: 1, block: DEFAULT_BLOCK, blocks: 1 << 10 };
    let start = Instant::now();
    job.tally(&Pi, 0..job.blocks, Isa::best());
    (job.draws() as f64 / start.elapsed().as_secs_f64()) as u64
}

/// Readings of the resident memory from the first visit to the last. The report after the
/// last visit is left out, since it reads all samples.
fn resident_kib(rounds: u32, out: &Path) -> anyhow::Result<Vec<u64>> {
    let rounds = rounds.to_string();
    let arguments = ["-n1", "-bstd-thread", "--draws=1e5", "--iterations=10", "--rounds", &rounds];
    let mut program = Program::sweep(&arguments, out)?;
    let mut resident = Vec::new();
    let inode = || fs::metadata(out.join(RUN_FILE)).map(|file| file.ino()).ok();
    let mut first = None;
    while !program.has_ended()? {
        let kib = program.resident_kib();
        first = first.or_else(inode);
        if first.is_some() && inode() == first {
            resident.extend(kib);
        }
        thread::sleep(LOOK);
    }
    Ok(resident)
}
