//! CPU clocks of threads and processes.
//!
//! A reading is a system call, up to a microsecond on a virtual machine. So the
//! clocks of threads that outlive a call are read from outside, before and after
//! the call; a worker that lives for one call only reads its own, once, at its
//! end.

use std::os::unix::thread::JoinHandleExt as _;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

/// CPU time of the calling thread since it began, in nanoseconds; `None` where
/// the clock cannot be read.
pub fn current_thread_ns() -> Option<u64> {
    read_ns(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

/// CPU time of a running thread since it began, in nanoseconds; `None` where
/// the clock cannot be read.
pub fn thread_ns(thread: &JoinHandle<()>) -> Option<u64> {
    let mut clock = 0;
    // SAFETY: the handle shows that the thread was not joined, so its id is
    // valid; the other pointer is to a live variable.
    let error = unsafe { libc::pthread_getcpuclockid(thread.as_pthread_t(), &mut clock) };
    if error == 0 { read_ns(ClockId::from_raw(clock)) } else { None }
}

/// CPU time of a process since it began, in nanoseconds; `None` where the clock
/// cannot be read.
pub fn process_ns(pid: i32) -> Option<u64> {
    read_ns(clock_getcpuclockid(Pid::from_raw(pid)).ok()?)
}

fn read_ns(clock: ClockId) -> Option<u64> {
    clock_gettime(clock).ok().map(|time| Duration::from(time).as_nanos() as u64)
}
