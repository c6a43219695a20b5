//! What the operating system offers and no safe crate wraps: all unsafe code
//! of the process family.
//!
//! Four ideas carry it:
//!
//! - **fork** copies the calling thread only. A lock that another thread holds
//!   at that moment stays locked in the child for ever; so [`fork`] wants a
//!   proof that there is no other thread.
//! - **shared memory** is reached by several processes at once, none of which
//!   the compiler knows of the others. So what lies in it must be made for
//!   that: atomics ([`Shareable`]), or plain bytes under a lock ([`Plain`]),
//!   valid whatever bytes are there.
//! - **a robust mutex** is unlocked by the kernel when its holder dies, and
//!   tells the next one so.
//! - **a futex** is a word that one may sleep on until somebody changes it. It
//!   has no owner, so nobody can die with it in hands.

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
use nix::sys::socket::MsgFlags;
use nix::sys::wait::{WaitPidFlag, WaitStatus};
use nix::unistd::{ForkResult, Pid};

use super::alone::Alone;
use super::family::generation;
use super::frame::MOST_DESCRIPTORS;

/// Forks. `None` in the child.
pub fn fork(_: &Alone) -> io::Result<Option<Pid>> {
    // SAFETY: this process has one thread, as `Alone` proves, so no lock can be
    // held by a thread that the child would lack: the child may run any code.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Some(child)),
        ForkResult::Child => Ok(None),
    }
}

/// Ends this process at once: no destructor runs, no buffer is flushed that a
/// parent owns too.
pub fn leave(code: u8) -> ! {
    // SAFETY: `_exit` only ends the process.
    unsafe { libc::_exit(i32::from(code)) }
}

/// Waits for a child: what has become of it, and the most memory that it ever
/// had, in bytes, which is good once it has ended.
pub fn wait(child: Pid, flags: WaitPidFlag) -> nix::Result<(WaitStatus, u64)> {
    let mut status = 0;
    // SAFETY: numbers, all of which may be zero.
    let mut usage = unsafe { std::mem::zeroed::<libc::rusage>() };
    // SAFETY: both pointers are to live variables.
    let waited = unsafe { libc::wait4(child.as_raw(), &mut status, flags.bits(), &mut usage) };
    let became = match Errno::result(waited)? {
        0 => WaitStatus::StillAlive,
        _ => WaitStatus::from_raw(child, status)?,
    };
    Ok((became, usage.ru_maxrss as u64 * 1024))
}

/// A descriptor of a child, readable once the child has ended.
pub fn pidfd_open(pid: Pid) -> io::Result<OwnedFd> {
    // SAFETY: takes two numbers and returns one.
    let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made it, and told its number to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor as RawFd) })
}

/// Receives a packet: how many bytes, what the kernel says of it, and its
/// descriptors. If there are more than fit or than this process may have, those
/// that it got come nevertheless, so that somebody closes them. (A crate that
/// says only that some are missing leaves the others open for ever.)
pub fn receive(
    socket: BorrowedFd<'_>,
    packet: &mut [u8],
    flags: MsgFlags,
) -> nix::Result<(usize, MsgFlags, Vec<OwnedFd>)> {
    // Words, since the kernel's notes begin with one.
    let mut notes = [0_u64; 2 + MOST_DESCRIPTORS / 2];
    let mut part = libc::iovec { iov_base: packet.as_mut_ptr().cast(), iov_len: packet.len() };
    // SAFETY: numbers and pointers, all of which may be zero.
    let mut header = unsafe { std::mem::zeroed::<libc::msghdr>() };
    (header.msg_iov, header.msg_iovlen) = (&mut part, 1);
    (header.msg_control, header.msg_controllen) =
        (notes.as_mut_ptr().cast(), size_of_val(&notes) as _);
    let flags = (flags | MsgFlags::MSG_CMSG_CLOEXEC).bits();
    // SAFETY: all pointers are to live variables of the lengths beside them.
    let bytes =
        Errno::result(unsafe { libc::recvmsg(socket.as_raw_fd(), &mut header, flags) })? as usize;
    let mut descriptors = Vec::new();
    // SAFETY: the kernel has written whole notes into `notes` and their length
    // into `header`. The numbers in them are of descriptors that it has just
    // made for this process, and told nobody else.
    unsafe {
        let mut next = libc::CMSG_FIRSTHDR(&header);
        while let Some(note) = next.as_ref() {
            if (note.cmsg_level, note.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
                let numbers = libc::CMSG_DATA(next).cast::<RawFd>();
                let length = note.cmsg_len - libc::CMSG_LEN(0) as usize;
                let all = (0..length / size_of::<RawFd>()).map(|at| numbers.add(at).read());
                descriptors.extend(all.map(|number| OwnedFd::from_raw_fd(number)));
            }
            next = libc::CMSG_NXTHDR(&header, next);
        }
    }
    Ok((bytes, MsgFlags::from_bits_truncate(header.msg_flags), descriptors))
}

/// Sleeps while `word` is `expected`, at most for `timeout`. May wake for no
/// reason; whoever waits must look again.
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

/// What may lie in shared memory and be used by several processes at once.
///
/// # Safety
/// Every pattern of bytes is a valid value (others write there too); it holds no
/// pointer and owns nothing; and every change of it through a shared reference
/// is atomic.
pub unsafe trait Shareable: Sync + Sized {}

/// What may lie in shared memory under a lock.
///
/// # Safety
/// Every pattern of bytes is a valid value (a dead process may have left half
/// of one), and it holds no pointer.
pub unsafe trait Plain: Copy + Send {}

macro_rules! mark {
    ($marker:ident: $($type:ty),*) => { $(
        // SAFETY: an atomic, or a number: no pointer, and valid for all bytes
        // that the marker asks for.
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

/// A struct whose fields are all [`Shareable`], and which is so itself.
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

/// Several values in a mapping that other processes may have too.
pub struct Slice<T> {
    map: MmapRaw,
    items: PhantomData<T>,
}

impl<T: Shareable> Slice<T> {
    /// The whole of a mapping. The caller has seen to it that nobody can make
    /// the file behind it shorter, so that no access can fail.
    pub fn new(map: MmapRaw) -> Slice<T> {
        assert!(align_of::<T>() <= 4096, "a mapping begins at a page");
        Slice { map, items: PhantomData }
    }
}

impl<T: Shareable> Deref for Slice<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        let (start, bytes) = (self.map.as_ptr(), self.map.len());
        // SAFETY: the mapping lives as long as `self`, is aligned to a page,
        // and holds so many items. Whatever bytes are there are a valid `T`, and
        // all changes of them are atomic, as `Shareable` promises.
        unsafe { std::slice::from_raw_parts(start.cast::<T>(), bytes / size_of::<T>().max(1)) }
    }
}

/// A value under a robust mutex, as it lies in shared memory.
#[repr(C)]
pub struct Guarded<T> {
    mutex: UnsafeCell<libc::pthread_mutex_t>,
    value: UnsafeCell<T>,
}

// SAFETY: the value is only reached by whoever holds the mutex.
unsafe impl<T: Plain> Sync for Guarded<T> {}
// SAFETY: not every pattern of bytes is a mutex, but no other comes here: memory
// of locks has seals of its own, is made by `init` and mapped as nothing else.
// The mutex is made for several processes, the value is reached under it only.
unsafe impl<T: Plain> Shareable for Guarded<T> {}

/// How the mutex was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// As the last holder left it.
    Unlocked,
    /// In the hands of a process that died: the value may be half changed.
    Abandoned,
}

impl<T: Plain> Guarded<T> {
    /// Makes the mutex and sets the value, before any other process has it.
    pub fn init(&self, value: T) -> io::Result<()> {
        // SAFETY: the caller is the only one to have this memory so far; all
        // pointers are to live variables, and the attributes are initialised
        // before they are used.
        unsafe {
            let mut attributes = std::mem::zeroed::<libc::pthread_mutexattr_t>();
            check(libc::pthread_mutexattr_init(&mut attributes))?;
            check(libc::pthread_mutexattr_setpshared(
                &mut attributes,
                libc::PTHREAD_PROCESS_SHARED,
            ))?;
            check(libc::pthread_mutexattr_setrobust(&mut attributes, libc::PTHREAD_MUTEX_ROBUST))?;
            // A second lock by the holder is an error, not a hang.
            let kind = libc::PTHREAD_MUTEX_ERRORCHECK;
            check(libc::pthread_mutexattr_settype(&mut attributes, kind))?;
            check(libc::pthread_mutex_init(self.mutex.get(), &attributes))?;
            *self.value.get() = value;
        }
        Ok(())
    }

    /// Waits for the mutex, and takes it.
    pub fn lock(&self) -> io::Result<(Guard<'_, T>, Found)> {
        // SAFETY: the mutex was initialised when the memory was made.
        let answer = unsafe { libc::pthread_mutex_lock(self.mutex.get()) };
        self.taken(answer)
    }

    /// Takes the mutex if nobody has it; `None` if somebody has.
    pub fn try_lock(&self) -> io::Result<Option<(Guard<'_, T>, Found)>> {
        // SAFETY: as above.
        match unsafe { libc::pthread_mutex_trylock(self.mutex.get()) } {
            libc::EBUSY => Ok(None),
            answer => self.taken(answer).map(Some),
        }
    }

    fn taken(&self, answer: i32) -> io::Result<(Guard<'_, T>, Found)> {
        let found = match answer {
            0 => Found::Unlocked,
            libc::EOWNERDEAD => {
                // SAFETY: this thread holds it now, as the answer says.
                check(unsafe { libc::pthread_mutex_consistent(self.mutex.get()) })?;
                Found::Abandoned
            }
            other => return Err(io::Error::from_raw_os_error(other)),
        };
        Ok((Guard { of: self, generation: generation(), not_send: PhantomData }, found))
    }
}

fn check(answer: i32) -> io::Result<()> {
    if answer == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(answer)) }
}

/// The value, while the lock is held. A thread that did not lock a mutex may
/// not unlock it, so this cannot be sent to another.
pub struct Guard<'a, T: Plain> {
    of: &'a Guarded<T>,
    /// The process that has the lock. A forked child has a copy of the guard,
    /// but not the lock.
    generation: u32,
    not_send: PhantomData<*const ()>,
}

impl<T: Plain> Guard<'_, T> {
    /// # Panics
    /// In a child of the process that has the lock.
    fn check_holder(&self) {
        assert!(self.generation == generation(), "this lock is held by another process");
    }
}

impl<T: Plain> Deref for Guard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.check_holder();
        // SAFETY: this process holds the mutex, so nobody changes the value.
        unsafe { &*self.of.value.get() }
    }
}

impl<T: Plain> DerefMut for Guard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.check_holder();
        // SAFETY: this process holds the mutex, so nobody else has the value.
        unsafe { &mut *self.of.value.get() }
    }
}

impl<T: Plain> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: this guard holds the mutex. A child that inherited a copy of
        // the guard does not; then the call is refused and changes nothing.
        unsafe { libc::pthread_mutex_unlock(self.of.mutex.get()) };
    }
}
