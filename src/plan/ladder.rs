//! Default sizes of jobs (`--crossover`) and of tasks (`harness metg`). They do not depend on
//! measurements, so that a plan is known before its run.

/// Draws of a block for crossovers, so small that small jobs have enough blocks: half a microsecond
/// of `pi` on a fast core.
pub const CROSSOVER_BLOCK: u64 = 1 << 10;

/// Draws of a block for METG: the smallest block.
pub const METG_BLOCK: u64 = 1 << 6;

/// Exponents of the draws of the smallest and the largest job: of `pi`, a microsecond to 60 ms.
const JOBS: [u32; 2] = [11, 27];

/// Exponents of the draws of the smallest and the largest task: of `pi`, 50 ns to 2 ms.
const TASKS: [u32; 2] = [6, 22];

/// Draws of a call, unless that makes too many or too few tasks: at least 30 ms of `pi`, compared
/// with which the start of a few processes is short.
const CALL_DRAWS: u64 = 1 << 26;

/// Maximum of tasks of a call: a backend with an overhead of 50 µs a task takes 0.4 s.
const MOST_TASKS: u64 = 1 << 13;

/// Minimum of tasks of a call for each worker: while one worker executes the last task, the others
/// wait for at most 1/32 of the call.
pub const LEAST_TASKS: u64 = 32;

/// The draws of the jobs, each four times as many as the one before.
pub fn jobs() -> Vec<u64> {
    powers(JOBS).collect()
}

/// The chunks in blocks, each four times as large as the one before.
pub fn chunks(block: u64) -> Vec<u64> {
    powers(TASKS).filter(|draws| *draws >= block).map(|draws| draws / block).collect()
}

/// The draws of a call with chunks of that many blocks: the same whole number of tasks for each of
/// `nthread` workers.
pub fn draws_of_tasks(chunk: u64, block: u64, nthread: u32) -> u64 {
    let workers = u64::from(nthread.max(1));
    let task = chunk.saturating_mul(block);
    let least = LEAST_TASKS * workers;
    let tasks = (CALL_DRAWS / task).clamp(least, MOST_TASKS.max(least));
    task.saturating_mul(tasks.next_multiple_of(workers))
}

fn powers([first, last]: [u32; 2]) -> impl Iterator<Item = u64> {
    (first..=last).step_by(2).map(|power| 1 << power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_span_a_microsecond_to_tens_of_milliseconds() {
        let jobs = jobs();
        assert_eq!((jobs.first(), jobs.last(), jobs.len()), (Some(&2048), Some(&(1 << 27)), 9));
        assert!(jobs.iter().all(|draws| draws % CROSSOVER_BLOCK == 0));
    }

    #[test]
    fn chunks_begin_at_one_block_or_at_the_smallest_task() {
        assert_eq!(chunks(64), [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536]);
        assert_eq!(chunks(1 << 20), [1, 4]);
    }

    #[test]
    fn every_call_has_a_whole_number_of_tasks_within_the_limits() {
        for nthread in [1, 2, 3, 64, 1024] {
            for chunk in chunks(64) {
                let draws = draws_of_tasks(chunk, 64, nthread);
                let tasks = draws / (64 * chunk);
                assert_eq!(draws % (64 * chunk * u64::from(nthread)), 0);
                assert!(tasks >= LEAST_TASKS * u64::from(nthread), "{chunk} {nthread}");
                assert!(tasks < MOST_TASKS.max(64 * u64::from(nthread)) + u64::from(nthread));
            }
        }
    }
}
