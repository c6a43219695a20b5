//! Memory that forked children share with their parent, and futexes in it.

use std::io;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;

/// Number of reads of a word before the waiting side yields its CPU.
const SPINS: u32 = 50;

/// Number of yields before it sleeps.
const YIELDS: u32 = 4;

/// A value in an anonymous mapping. It must own nothing on the heap, which a child and its
/// parent do not share.
pub struct Shared<T> {
    value: NonNull<T>,
}

impl<T: Sync> Shared<T> {
    /// Maps memory for a value.
    pub fn new(value: T) -> anyhow::Result<Shared<T>> {
        let (access, kind) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a mapping at a place of the system's choice touches no other.
        let at = unsafe { libc::mmap(ptr::null_mut(), size_of::<T>(), access, kind, -1, 0) };
        let place = NonNull::new(at.cast::<T>()).filter(|_| at != libc::MAP_FAILED);
        let place = place.with_context(|| format!("mmap: {}", io::Error::last_os_error()))?;
        // SAFETY: it is large enough, aligned as a page, and not shared yet.
        unsafe { place.write(value) };
        Ok(Shared { value: place })
    }
}

impl<T: Sync> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the value was written, and is mapped until `self` is dropped;
        // processes may share what threads may.
        unsafe { self.value.as_ref() }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // SAFETY: no reference remains into the mapping any more.
        unsafe { libc::munmap(self.value.as_ptr().cast(), size_of::<T>()) };
    }
}

/// A word that one side sets and the other waits for.
#[derive(Default)]
pub struct Futex(AtomicU32);

const SILENT: u32 = 0;
const RUNG: u32 = 1;
const ASLEEP: u32 = 2;

impl Futex {
    /// Wakes the other side, or makes its next wait return at once.
    pub fn wake(&self) {
        if self.0.swap(RUNG, Ordering::AcqRel) == ASLEEP {
            self.futex(libc::FUTEX_WAKE, 1);
        }
    }

    /// Waits for a wake-up, and resets the word. It polls for a while before it sleeps.
    pub fn wait(&self) {
        for look in 0..SPINS + YIELDS {
            if self.0.load(Ordering::Acquire) == RUNG {
                return self.0.store(SILENT, Ordering::Relaxed);
            }
            if look < SPINS { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
        while self.0.swap(ASLEEP, Ordering::AcqRel) != RUNG {
            self.futex(libc::FUTEX_WAIT, ASLEEP);
        }
        self.0.store(SILENT, Ordering::Relaxed);
    }

    /// Errors are ignored: they mean that the word has changed, or that a signal came, and
    /// the caller reads the word again.
    fn futex(&self, operation: libc::c_int, value: u32) {
        let no_timeout = ptr::null::<libc::timespec>();
        // SAFETY: the word is live, and the system touches nothing else.
        unsafe { libc::syscall(libc::SYS_futex, self.0.as_ptr(), operation, value, no_timeout) };
    }
}
