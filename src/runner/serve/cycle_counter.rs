//! Counter of CPU cycles in user mode, of a thread and all threads and processes that
//! it starts.
//!
//! One counter with one setting needs one structure and one system call. The crates
//! that wrap all of `perf_event_open` bring thousands of generated lines, do not build
//! for every processor, and panic on unexpected answers of the kernel.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::FromRawFd as _;

/// Event to count, in the numbers of `perf_event_open(2)`.
#[derive(Clone, Copy)]
struct EventId {
    kind: u32,
    config: u64,
}

/// `PERF_TYPE_HARDWARE`, `PERF_COUNT_HW_CPU_CYCLES`.
const CYCLES: EventId = EventId { kind: 0, config: 0 };

/// First version of the kernel's `perf_event_attr`. Later ones have more fields at the
/// end, and every kernel accepts this one.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    breakpoint_type: u32,
    breakpoint_address: u64,
}

/// Flag: threads and processes that are started later are counted too.
const INHERIT: u64 = 1 << 1;
const EXCLUDE_KERNEL: u64 = 1 << 5;
const EXCLUDE_HYPERVISOR: u64 = 1 << 6;

/// `PERF_FLAG_FD_CLOEXEC`.
const CLOSE_ON_EXEC: libc::c_ulong = 8;

/// Read format: besides the count, the times for which it was enabled and running.
const WITH_TIMES: u64 = 1 | 1 << 1;

/// Counter of the calling thread, and of the threads and processes that it starts after
/// the counter.
pub struct Counter(File);

/// Value of a counter, with the times for which it was enabled and running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    events: u64,
    enabled_ns: u64,
    running_ns: u64,
}

impl Counter {
    /// Opens a counter of cycles in user mode; `None` where the machine has none, as most
    /// virtual machines, or this process has no permission.
    pub fn of_cycles() -> Option<Counter> {
        Counter::open(CYCLES).ok()
    }

    fn open(event: EventId) -> io::Result<Counter> {
        let attributes = Attributes {
            kind: event.kind,
            size: size_of::<Attributes>() as u32,
            config: event.config,
            read_format: WITH_TIMES,
            flags: INHERIT | EXCLUDE_KERNEL | EXCLUDE_HYPERVISOR,
            ..Attributes::default()
        };
        let (this_thread, any_cpu, no_group) = (0, -1, -1);
        // SAFETY: the kernel reads as many bytes as `size` says, which is the size of the
        // structure; the other arguments are numbers.
        let descriptor = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                &attributes,
                this_thread,
                any_cpu,
                no_group,
                CLOSE_ON_EXEC,
            )
        };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just opened this descriptor, and nothing else owns it.
        Ok(Counter(unsafe { File::from_raw_fd(descriptor as i32) }))
    }

    /// Reads the count of all threads and processes, whether they have ended or still run.
    pub fn read(&self) -> Option<Count> {
        let mut bytes = [0; 24];
        (&self.0).read_exact(&mut bytes).ok()?;
        let (words, _) = bytes.as_chunks::<8>();
        let [events, enabled_ns, running_ns] =
            <[[u8; 8]; 3]>::try_from(words).ok()?.map(u64::from_ne_bytes);
        Some(Count { events, enabled_ns, running_ns })
    }
}

impl Count {
    /// Events since an earlier count; `None` if the counter did not run all the time,
    /// because another process needed it too, or a core has none of its kind.
    pub fn since(self, before: Count) -> Option<u64> {
        let running_ns = self.running_ns.checked_sub(before.running_ns)?;
        let enabled_ns = self.enabled_ns.checked_sub(before.enabled_ns)?;
        // The kernel extrapolates nothing: it counts only while the counter is on a CPU.
        let is_complete = running_ns > 0 && running_ns == enabled_ns;
        if is_complete { self.events.checked_sub(before.events) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cpu_clock;
    use std::thread;
    use std::time::{Duration, Instant};

    /// `PERF_TYPE_SOFTWARE`, `PERF_COUNT_SW_TASK_CLOCK`: nanoseconds on a CPU, which every
    /// machine can count in the same way as cycles.
    const TASK_CLOCK: EventId = EventId { kind: 1, config: 1 };

    fn count(events: u64, enabled_ns: u64, running_ns: u64) -> Count {
        Count { events, enabled_ns, running_ns }
    }

    #[test]
    fn a_count_with_gaps_is_none() {
        let before = count(100, 10, 10);
        assert_eq!(count(350, 30, 30).since(before), Some(250));
        assert_eq!(count(350, 30, 29).since(before), None, "another process had it for a while");
        assert_eq!(count(100, 10, 10).since(before), None, "it did not count at all");
        assert_eq!(count(0, 0, 0).since(before), None);
    }

    /// Spins, and returns its CPU time.
    fn spin() -> u64 {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(2) {}
        cpu_clock::current_thread_ns().expect("a clock")
    }

    #[test]
    fn threads_that_start_later_are_counted_before_and_after_their_end() {
        // A sandbox may forbid it, as it may forbid cycles.
        let Ok(counter) = Counter::open(TASK_CLOCK) else { return };
        let before = counter.read().expect("a count");
        let (spun, wait) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            spun.send(spin()).expect("a receiver");
            let _ = ended.recv();
        });
        let thread_ns = wait.recv().expect("an answer");
        for phase in ["while it runs", "after its end"] {
            let since = counter.read().expect("a count").since(before);
            // A little of its first steps is not counted.
            assert!(since > Some(thread_ns / 2), "{phase}: {since:?} of {thread_ns}");
            if phase == "while it runs" {
                let _ = end.send(());
                thread::sleep(Duration::from_millis(5));
            }
        }
        thread.join().expect("no panic");
    }

    #[test]
    fn where_there_are_cycles_they_are_counted() {
        let Some(counter) = Counter::of_cycles() else { return };
        let Some(before) = counter.read() else { return };
        spin();
        assert!(counter.read().and_then(|after| after.since(before)) != Some(0));
    }
}
