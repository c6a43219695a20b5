//! Memory that forked children share with their parent, and words in it to
//! wait at.

use std::io;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;

/// Looks at a word before the waiting side gives its CPU away.
const SPINS: u32 = 50;

/// Times that it gives its CPU to others before it sleeps.
const YIELDS: u32 = 4;

/// A value in an anonymous mapping. It should own nothing outside of itself:
/// what a child allocates, its parent does not see.
pub struct Shared<T> {
    value: NonNull<T>,
}

impl<T: Sync> Shared<T> {
    /// Puts it there.
    pub fn new(value: T) -> anyhow::Result<Shared<T>> {
        let (access, kind) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a mapping at a place of the system's choice touches no other.
        let at = unsafe { libc::mmap(ptr::null_mut(), size_of::<T>(), access, kind, -1, 0) };
        let place = NonNull::new(at.cast::<T>()).filter(|_| at != libc::MAP_FAILED);
        let place = place.with_context(|| format!("mmap: {}", io::Error::last_os_error()))?;
        // SAFETY: it is large enough, aligned as a page, and nobody else's yet.
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
        // SAFETY: nobody can have a reference into the mapping any more.
        unsafe { libc::munmap(self.value.as_ptr().cast(), size_of::<T>()) };
    }
}

/// A word that one side sets and the other waits for.
#[derive(Default)]
pub struct Bell(AtomicU32);

const SILENT: u32 = 0;
const RUNG: u32 = 1;
const ASLEEP: u32 = 2;

impl Bell {
    /// Lets the other side go on, or its next wait return at once.
    pub fn ring(&self) {
        if self.0.swap(RUNG, Ordering::AcqRel) == ASLEEP {
            self.futex(libc::FUTEX_WAKE, 1);
        }
    }

    /// Returns once it was rung, and silences it. It looks for a while before
    /// it asks the system to wake it.
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

    /// Errors are no news: they say that the word has changed, or that a signal
    /// came, and who waits looks again.
    fn futex(&self, operation: libc::c_int, value: u32) {
        let no_timeout = ptr::null::<libc::timespec>();
        // SAFETY: the word is live, and the system touches nothing else.
        unsafe { libc::syscall(libc::SYS_futex, self.0.as_ptr(), operation, value, no_timeout) };
    }
}
