//! Run delay: the time that threads were ready to run, and had no CPU.
//!
//! The kernel keeps it in nanoseconds, as the second field of `schedstat`. To
//! open, read and close that file takes 6 µs on a virtual machine, and 20 to
//! 50 µs in a thread or process that is new, for which the kernel must make the
//! directories first. So threads that outlive a call are asked from outside,
//! before it begins and after it has ended; a worker that lives for one call
//! only asks for its own, at its end, and only if it was busy for long enough.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use nix::unistd::{getpid, gettid};

/// Run delay of the calling thread since it began, in nanoseconds; `None` where
/// the kernel does not keep it.
///
/// It takes no memory, since a forked child would have to copy the pages of the
/// allocator first, at 3 µs each.
pub fn own_ns() -> Option<u64> {
    // A process has the figures of its first thread, and two directories less
    // to make.
    let is_first = gettid() == getpid();
    let path = if is_first { "/proc/self/schedstat" } else { "/proc/thread-self/schedstat" };
    read(Path::new(path))
}

/// Run delay of the workers in a process, all together, in nanoseconds; `None`
/// where the kernel does not keep it, the process is gone, or never ran.
///
/// Where a process has threads, these are the workers, and its first one waits for
/// them: that one may well be without a CPU for a while, as it has no use for one.
pub fn of_process_ns(pid: i32) -> Option<u64> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let (first, others): (Vec<_>, Vec<_>) =
        tasks.partition(|task| task.file_name().to_str() == Some(pid.to_string().as_str()));
    let workers = if others.is_empty() { first } else { others };
    // A thread that has not run yet has not waited long, nor one that is gone.
    let delays = workers.iter().filter_map(|task| read(&task.path().join("schedstat")));
    delays.reduce(|one, other| one + other)
}

/// Three numbers, the longest of 20 digits, with a blank after each.
fn read(path: &Path) -> Option<u64> {
    let mut bytes = [0; 3 * 21];
    let length = File::open(path).ok()?.read(&mut bytes).ok()?;
    parse(std::str::from_utf8(&bytes[..length]).ok()?)
}

/// Time on CPUs, run delay, times that it was put on a CPU. Whoever reads its
/// own was put there at least once: a kernel that says otherwise, or says so of
/// a process that works, keeps no such figures.
fn parse(text: &str) -> Option<u64> {
    let mut fields = text.split_whitespace().map(|field| field.parse::<u64>().ok());
    let (_, delay_ns, times) = (fields.next()??, fields.next()??, fields.next()??);
    (times > 0).then_some(delay_ns)
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
    fn a_kernel_that_keeps_none_says_nothing() {
        for text in ["0 0 0\n", "", "1 2", "a b c"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_process_has_waited_as_long_as_its_threads() {
        let pid = getpid().as_raw();
        let (own, all) = (own_ns(), of_process_ns(pid));
        assert_eq!(own.is_some(), all.is_some());
        assert!(own <= all, "{own:?} of {all:?}");
        assert_eq!(of_process_ns(1 << 23), None, "beyond all pids");
    }
}
