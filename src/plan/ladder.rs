//! Ladders of sizes for the two questions that need them: from which job on
//! parallel pays, and how small a task may be. They follow from nothing measured,
//! so that a plan is known before its run.

/// Draws of a block where small jobs are to have enough blocks: half a microsecond
/// of `pi` on a fast core.
pub const CROSSOVER_BLOCK: u64 = 1 << 10;

/// Draws of a block where small tasks are asked for: the smallest block.
pub const METG_BLOCK: u64 = 1 << 6;

/// Draws of the smallest and the largest job: of `pi`, a microsecond to 60 ms.
const JOBS: [u32; 2] = [11, 27];

/// Draws of the smallest and the largest task: of `pi`, 50 ns to 2 ms.
const TASKS: [u32; 2] = [6, 22];

/// Draws of a call, as long as that makes neither too many nor too few tasks: of
/// `pi`, 30 ms and more, beside which starting a few processes is little.
const CALL_DRAWS: u64 = 1 << 26;

/// Tasks of a call at most: a backend that takes 50 µs for each needs 0.4 s.
const MOST_TASKS: u64 = 1 << 13;

/// Tasks of a call at least, for each worker: while one worker does the last task,
/// the others wait for at most a 32nd of the call.
pub const LEAST_TASKS: u64 = 32;

/// Draws of jobs, each four times as large as the one before.
pub fn jobs() -> Vec<u64> {
    powers(JOBS).collect()
}

/// Chunks, in blocks of that many draws, each four times as large as the one before.
pub fn chunks(block: u64) -> Vec<u64> {
    powers(TASKS).filter(|draws| *draws >= block).map(|draws| draws / block).collect()
}

/// Draws of a call whose tasks are chunks of so many blocks: a whole number of
/// tasks, as many for each of `nthread` workers.
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
    fn every_call_has_a_whole_number_of_tasks_neither_too_many_nor_too_few() {
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
