//! Run delay: the time that threads were ready to run and had no CPU.
//!
//! The kernel keeps it in nanoseconds, as the second field of `schedstat`. To
//! open, read and close that file takes 6 µs on a virtual machine, and 20 to
//! 50 µs in a new thread or process, for which the kernel must make the
//! directories first. So threads that outlive a call are read from outside,
//! before and after the call; a worker that lives for one call only reads its
//! own, at its end, and only if it was busy for long enough.

use std::fs::File;
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

/// Reads the run delay from a `schedstat` file.
pub fn read(path: &Path) -> Option<u64> {
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
}
