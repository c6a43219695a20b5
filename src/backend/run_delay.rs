//! Run delay: the time that threads were ready to run and had no CPU.
//!
//! The kernel keeps it in nanoseconds, as the second field of `schedstat`. To
//! open, read and close that file takes 6 µs on a virtual machine, and 20 to
//! 50 µs in a new thread or process, for which the kernel must make the
//! directories first. So threads that outlive a call are read from outside,
//! before and after the call; a worker that lives for one call only reads its
//! own, at its end, and only if it was busy for long enough.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use nix::unistd::{getpid, gettid};

/// Run delay of the calling thread since it began, in nanoseconds; `None` where
/// the kernel does not keep it.
///
/// It allocates nothing: a forked child would have to copy the pages of the
/// allocator first, at 3 µs each.
pub fn current_thread_ns() -> Option<u64> {
    // The file of the process has the figures of its first thread, and needs two
    // directories less.
    let is_first = gettid() == getpid();
    let path = if is_first { "/proc/self/schedstat" } else { "/proc/thread-self/schedstat" };
    read(Path::new(path))
}

/// Sum of the run delays of the workers in a process, in nanoseconds; `None` where
/// the kernel does not keep them, or the process has ended or never run.
///
/// In a process with several threads the first one only waits for the others, which are
/// the workers. Its own run delay does not delay the call, and is left out.
pub fn process_ns(pid: i32) -> Option<u64> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let (first, others): (Vec<_>, Vec<_>) =
        tasks.partition(|task| task.file_name().to_str() == Some(pid.to_string().as_str()));
    let workers = if others.is_empty() { first } else { others };
    // Threads that have not run yet or have ended are left out.
    let delays = workers.iter().filter_map(|task| read(&task.path().join("schedstat")));
    delays.reduce(|one, other| one + other)
}

/// Reads the run delay from a `schedstat` file.
fn read(path: &Path) -> Option<u64> {
    // Three numbers of at most 20 digits, each followed by a blank.
    let mut bytes = [0; 3 * 21];
    let length = File::open(path).ok()?.read(&mut bytes).ok()?;
    parse(std::str::from_utf8(&bytes[..length]).ok()?)
}

/// Parses the fields: CPU time, run delay, number of time slices.
fn parse(text: &str) -> Option<u64> {
    let mut fields = text.split_whitespace().map(|field| field.parse::<u64>().ok());
    let (_, delay_ns, slices) = (fields.next()??, fields.next()??, fields.next()??);
    // A thread that reads its own file has run at least once: a kernel that
    // reports no time slices does not keep these figures.
    (slices > 0).then_some(delay_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_of_three_fields_is_the_delay() {
        assert_eq!(parse("162358 7077 3\n"), Some(7077));
        let most = format!("{0} {0} {0}\n", u64::MAX);
        assert_eq!(parse(&most), Some(u64::MAX));
        assert_eq!(most.len(), 3 * 21);
    }

    #[test]
    fn no_time_slices_or_a_malformed_line_is_unknown() {
        for text in ["0 0 0\n", "", "1 2", "a b c"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_run_delay_of_a_process_is_the_sum_of_its_threads() {
        let pid = getpid().as_raw();
        let (own, all) = (current_thread_ns(), process_ns(pid));
        assert_eq!(own.is_some(), all.is_some());
        assert!(own <= all, "{own:?} of {all:?}");
        assert_eq!(process_ns(1 << 23), None, "larger than any pid");
    }
}
