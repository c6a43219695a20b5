//! Proof that this process has one thread, and may fork.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;

use super::Error;

/// Number of threads of this process.
///
/// # Errors
/// Where /proc cannot be read.
pub fn thread_count() -> io::Result<u64> {
    // Each thread has a directory, and each directory links back to its parent;
    // `.` and the parent's own entry are the other two links.
    Ok(fs::metadata("/proc/self/task")?.nlink().saturating_sub(2))
}

/// Proof that this process has one thread. The holder must not start another.
///
/// Counting takes some microseconds; a caller that starts several children in a
/// row counts once.
#[derive(Debug)]
pub struct SingleThreaded(());

impl SingleThreaded {
    /// Counts the threads.
    ///
    /// # Errors
    /// [`Error::MultipleThreads`] where there are more, or a system error where
    /// they cannot be counted.
    pub fn check() -> Result<SingleThreaded, Error> {
        match thread_count() {
            Ok(1) => Ok(SingleThreaded(())),
            Ok(threads) => Err(Error::MultipleThreads { threads }),
            Err(source) => Err(Error::system("count threads in /proc", source)),
        }
    }
}
