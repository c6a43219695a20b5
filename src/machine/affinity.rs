//! Affinity masks: the CPUs that a thread may run on.

use std::io;
use std::os::unix::thread::JoinHandleExt as _;
use std::thread::JoinHandle;

use libc::c_ulong;

use super::cpus::{MAX_CPU, cpu_list};

const BITS: usize = c_ulong::BITS as usize;

/// Whose mask is meant.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// The calling thread's.
    Own,
    /// That of the main thread of a process, by its id.
    Process(i32),
    /// A thread's of this process.
    Thread(&'a JoinHandle<()>),
}

/// The affinity mask of the calling thread, or all CPUs where it cannot be had.
pub fn own() -> Vec<usize> {
    // A sandbox may forbid the system call; the usual count is then the best that is known.
    read(Whose::Own).unwrap_or_else(|_| (0..num_cpus::get()).collect())
}

/// An affinity mask, in ascending order.
///
/// # Errors
/// Where the system does not tell it.
pub fn read(whose: Whose<'_>) -> io::Result<Vec<usize>> {
    let mut words = 1024 / BITS;
    loop {
        let mut mask: Vec<c_ulong> = vec![0; words];
        match fill_mask(whose, &mut mask) {
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

/// Sets an affinity mask and reads it back: of a list of CPUs the kernel takes those that it can,
/// and says nothing of the others.
///
/// # Errors
/// Where the system refuses, or the mask is another one afterwards.
pub fn pin(whose: Whose<'_>, cpus: &[usize]) -> io::Result<()> {
    set(whose, cpus)?;
    let found = read(whose)?;
    let is_missing = |cpu: &usize| !found.contains(cpu);
    if cpus.iter().any(is_missing) || found.iter().any(|cpu| !cpus.contains(cpu)) {
        let found = cpu_list(&found);
        return Err(io::Error::other(format!("the affinity mask became {found} instead")));
    }
    Ok(())
}

fn set(whose: Whose<'_>, cpus: &[usize]) -> io::Result<()> {
    let most = cpus.iter().copied().max().unwrap_or(0);
    if most >= MAX_CPU {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // The kernel takes a mask of any length and has no CPUs beyond its own.
    let mut mask: Vec<c_ulong> = vec![0; (most / BITS + 1).max(1024 / BITS)];
    for cpu in cpus {
        mask[cpu / BITS] |= 1 << (cpu % BITS);
    }
    let (size, mask) = (size_of_val(&mask[..]), mask.as_ptr().cast());
    // SAFETY: pointer and size are those of one live slice, which the calls only read; whoever has
    // the handle of a thread has not joined it, so its id is valid.
    unsafe {
        match whose {
            Whose::Own => status(libc::sched_setaffinity(0, size, mask)),
            Whose::Process(pid) => status(libc::sched_setaffinity(pid, size, mask)),
            Whose::Thread(thread) => {
                refused(libc::pthread_setaffinity_np(thread.as_pthread_t(), size, mask))
            }
        }
    }
}

fn fill_mask(whose: Whose<'_>, mask: &mut [c_ulong]) -> io::Result<()> {
    let (size, mask) = (size_of_val(mask), mask.as_mut_ptr().cast());
    // SAFETY: the pointer and the size in bytes are those of one exclusively borrowed slice, and
    // the calls write nothing but that many bytes of it; every bit pattern is a valid integer.
    // Whoever has the handle of a thread has not joined it, so its id is valid.
    unsafe {
        match whose {
            Whose::Own => status(libc::sched_getaffinity(0, size, mask)),
            Whose::Process(pid) => status(libc::sched_getaffinity(pid, size, mask)),
            Whose::Thread(thread) => {
                refused(libc::pthread_getaffinity_np(thread.as_pthread_t(), size, mask))
            }
        }
    }
}

/// What a system call says.
fn status(status: i32) -> io::Result<()> {
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// What a function of pthreads says: it returns the error.
fn refused(error: i32) -> io::Result<()> {
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::thread;

    /// Runs `test` on a thread of its own: the masks of others stay as they are.
    fn apart(test: impl FnOnce() + Send + 'static) {
        thread::spawn(test).join().expect("the test passes");
    }

    #[test]
    fn a_mask_that_is_too_small_is_refused_by_the_kernel_with_einval() {
        let error = fill_mask(Whose::Own, &mut []).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
    }

    #[test]
    fn a_thread_is_where_it_was_pinned() {
        apart(|| {
            let allowed = read(Whose::Own).expect("a mask");
            for cpu in &allowed {
                pin(Whose::Own, &[*cpu]).expect("it is allowed there");
                assert_eq!(read(Whose::Own).expect("a mask"), [*cpu]);
            }
            pin(Whose::Own, &allowed).expect("back again");
        });
    }

    #[test]
    fn another_thread_is_where_it_was_pinned() {
        let (end, wait) = channel::<()>();
        let thread = thread::spawn(move || assert!(wait.recv().is_err()));
        let cpu = read(Whose::Own).expect("a mask")[0];
        pin(Whose::Thread(&thread), &[cpu]).expect("it is allowed there");
        assert_eq!(read(Whose::Thread(&thread)).expect("a mask"), [cpu]);
        drop(end);
        thread.join().expect("an end");
    }

    #[test]
    fn a_cpu_that_does_not_exist_is_refused() {
        apart(|| {
            let before = read(Whose::Own).expect("a mask");
            for cpu in [MAX_CPU - 1, MAX_CPU, usize::MAX] {
                let error = pin(Whose::Own, &[cpu]).expect_err("no such CPU");
                assert_eq!(error.raw_os_error(), Some(libc::EINVAL), "{cpu}");
            }
            assert!(pin(Whose::Own, &[]).is_err(), "a thread must run somewhere");
            assert_eq!(read(Whose::Own).expect("a mask"), before);
        });
    }

    #[test]
    fn a_mask_that_did_not_take_is_an_error() {
        apart(|| {
            let cpu = read(Whose::Own).expect("a mask")[0];
            let error = pin(Whose::Own, &[cpu, MAX_CPU - 1]).expect_err("half of a mask");
            assert_eq!(error.to_string(), format!("the affinity mask became {cpu} instead"));
        });
    }
}
