//! Affinity masks of threads: reading and setting them.

use std::io;
use std::os::unix::thread::JoinHandleExt as _;
use std::thread::JoinHandle;

use libc::c_ulong;

use super::cpu_list::{MAX_CPU, cpu_list};

const BITS: usize = c_ulong::BITS as usize;

/// A thread whose mask is read or set.
#[derive(Clone, Copy, Debug)]
pub enum Task<'a> {
    /// The calling thread.
    Current,
    /// The main thread of a process, by its id.
    Process(i32),
    /// Another thread of this process.
    Thread(&'a JoinHandle<()>),
}

/// The affinity mask of the calling thread, or all CPUs if it cannot be read.
pub fn own() -> Vec<usize> {
    // A sandbox may forbid the system call.
    read(Task::Current).unwrap_or_else(|_| (0..num_cpus::get()).collect())
}

/// The CPUs of an affinity mask, in ascending order.
///
/// # Errors
/// If the system refuses.
pub fn read(task: Task<'_>) -> io::Result<Vec<usize>> {
    let mut words = 1024 / BITS;
    loop {
        let mut mask: Vec<c_ulong> = vec![0; words];
        match fill_mask(task, &mut mask) {
            Ok(()) => {
                let is_set = |cpu: &usize| mask[cpu / BITS] >> (cpu % BITS) & 1 == 1;
                return Ok((0..words * BITS).filter(is_set).collect());
            }
            // The kernel was built for more CPUs than the mask has room for.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) && words * BITS < MAX_CPU => {
                words *= 2;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Sets an affinity mask and reads it back, since the kernel silently drops CPUs that it cannot
/// use.
///
/// # Errors
/// If the system refuses, or the mask differs afterwards.
pub fn pin(task: Task<'_>, cpus: &[usize]) -> io::Result<()> {
    set(task, cpus)?;
    let mask = read(task)?;
    if cpus.iter().any(|cpu| !mask.contains(cpu)) || mask.iter().any(|cpu| !cpus.contains(cpu)) {
        let mask = cpu_list(&mask);
        return Err(io::Error::other(format!("the affinity mask became {mask} instead")));
    }
    Ok(())
}

fn set(task: Task<'_>, cpus: &[usize]) -> io::Result<()> {
    let most = cpus.iter().copied().max().unwrap_or(0);
    if most >= MAX_CPU {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // The kernel accepts a mask of any length and ignores bits beyond its own CPUs.
    let mut mask: Vec<c_ulong> = vec![0; (most / BITS + 1).max(1024 / BITS)];
    for cpu in cpus {
        mask[cpu / BITS] |= 1 << (cpu % BITS);
    }
    let (size, mask) = (size_of_val(&mask[..]), mask.as_ptr().cast());
    // SAFETY: pointer and size are those of one live slice, which the calls only read; the handle
    // of a thread exists until the thread is joined, so its id is valid.
    unsafe {
        match task {
            Task::Current => status(libc::sched_setaffinity(0, size, mask)),
            Task::Process(pid) => status(libc::sched_setaffinity(pid, size, mask)),
            Task::Thread(thread) => {
                pthread_status(libc::pthread_setaffinity_np(thread.as_pthread_t(), size, mask))
            }
        }
    }
}

fn fill_mask(task: Task<'_>, mask: &mut [c_ulong]) -> io::Result<()> {
    let (size, mask) = (size_of_val(mask), mask.as_mut_ptr().cast());
    // SAFETY: the pointer and the size in bytes are those of one exclusively borrowed slice, and
    // the calls write nothing but that many bytes of it; every bit pattern is a valid integer.
    // The handle of a thread exists until the thread is joined, so its id is valid.
    unsafe {
        match task {
            Task::Current => status(libc::sched_getaffinity(0, size, mask)),
            Task::Process(pid) => status(libc::sched_getaffinity(pid, size, mask)),
            Task::Thread(thread) => {
                pthread_status(libc::pthread_getaffinity_np(thread.as_pthread_t(), size, mask))
            }
        }
    }
}

/// The result of a system call, which sets `errno`.
fn status(status: i32) -> io::Result<()> {
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The result of a function of pthreads, which returns the error.
fn pthread_status(error: i32) -> io::Result<()> {
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::thread;

    /// Runs `test` on a new thread, so that it does not change the masks of other tests.
    fn on_new_thread(test: impl FnOnce() + Send + 'static) {
        thread::spawn(test).join().expect("the test passes");
    }

    #[test]
    fn a_mask_that_is_too_small_is_refused_by_the_kernel_with_einval() {
        let error = fill_mask(Task::Current, &mut []).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
    }

    #[test]
    fn the_current_thread_is_pinned() {
        on_new_thread(|| {
            let allowed = read(Task::Current).expect("a mask");
            for cpu in &allowed {
                pin(Task::Current, &[*cpu]).expect("it is allowed there");
                assert_eq!(read(Task::Current).expect("a mask"), [*cpu]);
            }
            pin(Task::Current, &allowed).expect("back again");
        });
    }

    #[test]
    fn another_thread_is_pinned() {
        let (end, wait) = channel::<()>();
        let thread = thread::spawn(move || assert!(wait.recv().is_err()));
        let cpu = read(Task::Current).expect("a mask")[0];
        pin(Task::Thread(&thread), &[cpu]).expect("it is allowed there");
        assert_eq!(read(Task::Thread(&thread)).expect("a mask"), [cpu]);
        drop(end);
        thread.join().expect("an end");
    }

    #[test]
    fn a_cpu_that_does_not_exist_is_refused() {
        on_new_thread(|| {
            let before = read(Task::Current).expect("a mask");
            for cpu in [MAX_CPU - 1, MAX_CPU, usize::MAX] {
                let error = pin(Task::Current, &[cpu]).expect_err("no such CPU");
                assert_eq!(error.raw_os_error(), Some(libc::EINVAL), "{cpu}");
            }
            assert!(pin(Task::Current, &[]).is_err(), "a thread must run somewhere");
            assert_eq!(read(Task::Current).expect("a mask"), before);
        });
    }

    #[test]
    fn a_mask_that_is_only_partly_set_is_an_error() {
        on_new_thread(|| {
            let cpu = read(Task::Current).expect("a mask")[0];
            let error = pin(Task::Current, &[cpu, MAX_CPU - 1]).expect_err("half of a mask");
            assert_eq!(error.to_string(), format!("the affinity mask became {cpu} instead"));
        });
    }
}
