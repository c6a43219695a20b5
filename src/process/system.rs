//! Operating system facilities that no safe crate wraps: all unsafe code of this
//! module family.
//!
//! - **fork** copies only the calling thread. A lock that another thread holds
//!   at that moment stays locked in the child for ever. So [`fork`] requires a
//!   proof that there is no other thread.
//! - **Shared memory** is accessed by several processes at once, and the compiler
//!   knows of one of them. So it may hold only atomics ([`Shareable`]), or plain
//!   data under a lock ([`Plain`]), for which every bit pattern is valid.
//! - **A robust mutex** is unlocked by the kernel when its holder dies, and the
//!   next holder is told so.
//! - **A futex** is a word on which a process can sleep until another changes it.
//!   It has no owner, so a dying process cannot leave it locked.

use std::cell::UnsafeCell;
use std::io;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
};
use std::time::Duration;

use memmap2::MmapRaw;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::MsgFlags;
use nix::sys::wait::WaitPidFlag;
use nix::unistd::{ForkResult, Pid};

use super::current::generation;
use super::single_thread::SingleThreaded;

/// Number of descriptors that one packet can carry.
pub const MAX_DESCRIPTORS: usize = 32;

/// Forks this process. Returns the child's pid in the parent and `None` in the
/// child.
pub fn fork(_: &SingleThreaded) -> io::Result<Option<Pid>> {
    // SAFETY: this process has one thread, as `SingleThreaded` proves. So no lock
    // can be held by a thread that the child lacks: the child may run any code.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Some(child)),
        ForkResult::Child => Ok(None),
    }
}

/// Ends this process at once: no destructor runs, and no buffer is flushed of
/// which the parent has a copy too.
pub fn exit_immediately(code: u8) -> ! {
    // SAFETY: `_exit` only ends the process.
    unsafe { libc::_exit(i32::from(code)) }
}

/// Waits for a child to change its state. Returns the raw status, and the resource usage,
/// which is valid once the child has ended; `None` if there is no change.
pub fn wait4(child: Pid, flags: WaitPidFlag) -> nix::Result<Option<(i32, libc::rusage)>> {
    let mut status = 0;
    // SAFETY: numbers, all of which may be zero.
    let mut usage = unsafe { std::mem::zeroed::<libc::rusage>() };
    // SAFETY: both pointers are to live variables. nix has no `wait4`, and no other call
    // reports the usage of one single child.
    let waited = unsafe { libc::wait4(child.as_raw(), &mut status, flags.bits(), &mut usage) };
    Ok((Errno::result(waited)? != 0).then_some((status, usage)))
}

/// Waits until data can be read or the other end is closed. Returns `false` after
/// the timeout.
pub fn wait_readable(descriptor: BorrowedFd<'_>, timeout: Duration) -> io::Result<bool> {
    wait_for(descriptor, PollFlags::POLLIN, timeout)
}

/// Waits for an event, at most for `timeout`. Returns whether it happened; it may
/// return early.
pub fn wait_for(
    descriptor: BorrowedFd<'_>,
    event: PollFlags,
    timeout: Duration,
) -> io::Result<bool> {
    // Rounded up to a millisecond: a caller that waits again for the last
    // microseconds would otherwise poll a thousand times.
    let rounded = timeout.as_millis() + u128::from(!timeout.is_zero());
    let timeout = rounded.min(i32::MAX as u128) as i32;
    let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
    match poll(&mut [PollFd::new(descriptor, event)], timeout) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Opens a descriptor of a child that becomes readable when the child ends.
pub fn pidfd_open(pid: Pid) -> io::Result<OwnedFd> {
    // SAFETY: takes two numbers and returns one.
    let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made the descriptor, and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor as RawFd) })
}

/// Receives a packet. Returns its length in bytes, the kernel's flags and the
/// descriptors.
///
/// Where there are more descriptors than fit or than this process may have, the
/// received ones are returned nevertheless, so that the caller closes them. (A
/// crate that reports only that some are missing leaks the others.)
pub fn receive(
    socket: BorrowedFd<'_>,
    packet: &mut [u8],
    flags: MsgFlags,
) -> nix::Result<(usize, MsgFlags, Vec<OwnedFd>)> {
    // An array of words, since a control message is aligned to one.
    let mut control = [0_u64; 2 + MAX_DESCRIPTORS / 2];
    let mut part = libc::iovec { iov_base: packet.as_mut_ptr().cast(), iov_len: packet.len() };
    // SAFETY: numbers and pointers, all of which may be zero.
    let mut header = unsafe { std::mem::zeroed::<libc::msghdr>() };
    (header.msg_iov, header.msg_iovlen) = (&mut part, 1);
    (header.msg_control, header.msg_controllen) =
        (control.as_mut_ptr().cast(), size_of_val(&control) as _);
    let flags = (flags | MsgFlags::MSG_CMSG_CLOEXEC).bits();
    // SAFETY: all pointers are to live variables of the lengths beside them.
    let bytes =
        Errno::result(unsafe { libc::recvmsg(socket.as_raw_fd(), &mut header, flags) })? as usize;
    let mut descriptors = Vec::new();
    // SAFETY: the kernel has written whole control messages into `control` and
    // their length into `header`. The descriptors in them were just made for
    // this process, and nothing else owns them.
    unsafe {
        let mut next = libc::CMSG_FIRSTHDR(&header);
        while let Some(message) = next.as_ref() {
            if (message.cmsg_level, message.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
                let numbers = libc::CMSG_DATA(next).cast::<RawFd>();
                let length = message.cmsg_len - libc::CMSG_LEN(0) as usize;
                for index in 0..length / size_of::<RawFd>() {
                    descriptors.push(OwnedFd::from_raw_fd(numbers.add(index).read()));
                }
            }
            next = libc::CMSG_NXTHDR(&header, next);
        }
    }
    Ok((bytes, MsgFlags::from_bits_truncate(header.msg_flags), descriptors))
}

/// Sleeps while `word` is `expected`, at most for `timeout`. Wake-ups may be
/// spurious: the caller must read the word again.
pub fn futex_wait(word: &AtomicU32, expected: u32, timeout: Option<Duration>) {
    let time = timeout.map(|timeout| libc::timespec {
        tv_sec: timeout.as_secs().min(i64::MAX as u64) as i64,
        tv_nsec: i64::from(timeout.subsec_nanos()),
    });
    let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: both pointers are to live variables, or null where the kernel
    // allows it. The wait is relative, hence on the monotonic clock.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, expected, time) };
}

/// Wakes one process that sleeps on `word`.
pub fn futex_wake(word: &AtomicU32) {
    // SAFETY: the pointer is to a live variable.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1) };
}

/// A type that several processes may use at once in shared memory.
///
/// # Safety
/// Every bit pattern is a valid value (other processes write there too); the
/// type holds no pointer and owns nothing; and every change through a shared
/// reference is atomic.
pub unsafe trait Shareable: Sync + Sized {}

/// A type that may be in shared memory under a lock: plain old data.
///
/// # Safety
/// Every bit pattern is a valid value (a dead process may have left half of
/// one), and the type holds no pointer.
pub unsafe trait Plain: Copy + Send {}

macro_rules! mark {
    ($marker:ident: $($type:ty),*) => { $(
        // SAFETY: an atomic or a number: no pointer, and every bit pattern is
        // valid.
        unsafe impl $marker for $type {}
    )* };
}
mark!(Shareable: AtomicU8, AtomicU16, AtomicU32, AtomicU64);
mark!(Shareable: AtomicI8, AtomicI16, AtomicI32, AtomicI64);
mark!(Plain: u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize, f32, f64);

// SAFETY: as its items are.
unsafe impl<T: Shareable, const N: usize> Shareable for [T; N] {}
// SAFETY: as its items are.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}

/// Defines a struct of [`Shareable`] fields that is [`Shareable`] itself.
macro_rules! shareable {
    ($(#[$outer:meta])* $vis:vis struct $name:ident {
        $($(#[$inner:meta])* $field_vis:vis $field:ident: $type:ty),* $(,)?
    }) => {
        $(#[$outer])* #[repr(C)]
        $vis struct $name { $($(#[$inner])* $field_vis $field: $type),* }
        const _: () = {
            const fn is_shareable<T: $crate::process::system::Shareable>() {}
            $(is_shareable::<$type>();)*
        };
        // SAFETY: every field is, as the lines above have the compiler check.
        unsafe impl $crate::process::system::Shareable for $name {}
    };
}
pub(super) use shareable;

/// A slice in a mapping that other processes may have too.
pub struct MappedSlice<T> {
    map: MmapRaw,
    items: PhantomData<T>,
}

impl<T: Shareable> MappedSlice<T> {
    /// Views a whole mapping as a slice. The caller has made sure that the file
    /// behind it cannot be truncated, so that no access can fail.
    pub fn new(map: MmapRaw) -> MappedSlice<T> {
        assert!(align_of::<T>() <= 4096, "a mapping is aligned to a page");
        MappedSlice { map, items: PhantomData }
    }
}

impl<T: Shareable> Deref for MappedSlice<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        let (start, bytes) = (self.map.as_ptr(), self.map.len());
        // SAFETY: the mapping lives as long as `self`, is aligned to a page, and
        // holds this many items. Every bit pattern is a valid `T`, and all
        // changes are atomic, as `Shareable` promises.
        unsafe { std::slice::from_raw_parts(start.cast::<T>(), bytes / size_of::<T>().max(1)) }
    }
}

/// A robust mutex and its value, for shared memory.
#[repr(C)]
pub struct RobustMutex<T> {
    mutex: UnsafeCell<libc::pthread_mutex_t>,
    value: UnsafeCell<T>,
}

// SAFETY: the value is accessed only while the mutex is held.
unsafe impl<T: Plain> Sync for RobustMutex<T> {}
// SAFETY: not every bit pattern is a mutex, but the memory holds no other:
// memory of locks has seals of its own, is made by `init` and mapped as nothing
// else. The mutex is made for several processes (`PTHREAD_PROCESS_SHARED`), and
// the value is accessed under it only.
unsafe impl<T: Plain> Shareable for RobustMutex<T> {}

/// State of a mutex that was just locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MutexState {
    /// The last holder has unlocked it.
    Consistent,
    /// The last holder died while it held the mutex: the value may be half
    /// changed.
    Abandoned,
}

impl<T: Plain> RobustMutex<T> {
    /// Initialises mutex and value, before any other process has the memory.
    pub fn init(&self, value: T) -> io::Result<()> {
        // SAFETY: no other process has this memory yet; all pointers are to live
        // variables, and the attributes are initialised before they are used.
        unsafe {
            let mut attributes = std::mem::zeroed::<libc::pthread_mutexattr_t>();
            check(libc::pthread_mutexattr_init(&mut attributes))?;
            check(libc::pthread_mutexattr_setpshared(
                &mut attributes,
                libc::PTHREAD_PROCESS_SHARED,
            ))?;
            check(libc::pthread_mutexattr_setrobust(&mut attributes, libc::PTHREAD_MUTEX_ROBUST))?;
            // A second lock by the holder is an error, not a deadlock.
            let kind = libc::PTHREAD_MUTEX_ERRORCHECK;
            check(libc::pthread_mutexattr_settype(&mut attributes, kind))?;
            check(libc::pthread_mutex_init(self.mutex.get(), &attributes))?;
            *self.value.get() = value;
        }
        Ok(())
    }

    /// Locks the mutex; waits while another thread or process holds it.
    pub fn lock(&self) -> io::Result<(RobustGuard<'_, T>, MutexState)> {
        // SAFETY: the mutex was initialised when the memory was made.
        let code = unsafe { libc::pthread_mutex_lock(self.mutex.get()) };
        self.guard(code)
    }

    /// Locks the mutex if it is free; returns `None` otherwise.
    pub fn try_lock(&self) -> io::Result<Option<(RobustGuard<'_, T>, MutexState)>> {
        // SAFETY: as above.
        match unsafe { libc::pthread_mutex_trylock(self.mutex.get()) } {
            libc::EBUSY => Ok(None),
            code => self.guard(code).map(Some),
        }
    }

    /// Makes a guard from the return code of a call that locks.
    fn guard(&self, code: i32) -> io::Result<(RobustGuard<'_, T>, MutexState)> {
        let state = match code {
            0 => MutexState::Consistent,
            libc::EOWNERDEAD => {
                // SAFETY: this thread holds the mutex now, as the code says.
                check(unsafe { libc::pthread_mutex_consistent(self.mutex.get()) })?;
                MutexState::Abandoned
            }
            error => return Err(io::Error::from_raw_os_error(error)),
        };
        Ok((RobustGuard { mutex: self, generation: generation(), not_send: PhantomData }, state))
    }
}

fn check(code: i32) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) }
}

/// Access to the value while the mutex is held. It is not `Send`: only the thread
/// that has locked a mutex may unlock it.
pub struct RobustGuard<'a, T: Plain> {
    mutex: &'a RobustMutex<T>,
    /// Generation of the process that holds the lock. A forked child has a copy
    /// of the guard, but not the lock.
    generation: u32,
    not_send: PhantomData<*const ()>,
}

impl<T: Plain> RobustGuard<'_, T> {
    /// Checks that this process holds the lock.
    ///
    /// # Panics
    /// In a child of the process that holds the lock.
    fn check_holder(&self) {
        assert!(self.generation == generation(), "this lock is held by another process");
    }
}

impl<T: Plain> Deref for RobustGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.check_holder();
        // SAFETY: this process holds the mutex, so nobody changes the value.
        unsafe { &*self.mutex.value.get() }
    }
}

impl<T: Plain> DerefMut for RobustGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.check_holder();
        // SAFETY: this process holds the mutex, so nobody else has the value.
        unsafe { &mut *self.mutex.value.get() }
    }
}

impl<T: Plain> Drop for RobustGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: this guard holds the mutex. In a child that has a copy of the
        // guard the mutex is not held; the call returns an error and changes
        // nothing.
        unsafe { libc::pthread_mutex_unlock(self.mutex.mutex.get()) };
    }
}
