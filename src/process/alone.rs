//! The proof that a process has one thread, and may fork.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;

use super::Error;

/// Threads of this process. Each has a directory, and each directory links
/// back to its parent; `.` and the parent's own entry are the other two links.
///
/// # Errors
/// Where /proc cannot be read.
pub fn thread_count() -> io::Result<u64> {
    Ok(fs::metadata("/proc/self/task")?.nlink().saturating_sub(2))
}

/// Proof that this process has one thread. Counting takes some microseconds;
/// whoever starts several children one after the other counts once. Whoever
/// holds it starts no thread.
#[derive(Debug)]
pub struct Alone(());

impl Alone {
    /// Counts.
    ///
    /// # Errors
    /// [`Error::Threads`] where there are more, or they cannot be counted.
    pub fn check() -> Result<Alone, Error> {
        match thread_count() {
            Ok(1) => Ok(Alone(())),
            Ok(threads) => Err(Error::Threads { threads }),
            Err(source) => Err(Error::system("count threads in /proc", source)),
        }
    }
}
