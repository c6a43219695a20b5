//! Shared memory: `Value` and `Array` of Python's multiprocessing.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use memmap2::MmapOptions;
use nix::errno::Errno;
use nix::fcntl::SealFlag;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Error;
use super::memory::{memfd, memfd_info, seal};
use super::system::{MappedSlice, MutexState, Plain, RobustGuard, RobustMutex, Shareable};
use super::wire::{self, Descriptor};

/// Seals of the memory of atomics. No seal can be added or removed later.
const ATOMICS: SealFlag =
    SealFlag::F_SEAL_SHRINK.union(SealFlag::F_SEAL_GROW).union(SealFlag::F_SEAL_SEAL);

/// Seals of the memory of a lock. They differ from [`ATOMICS`], so that neither
/// kind of memory is ever mapped as the other: a process that maps a lock as
/// atomics could overwrite the pointers of the mutex.
const LOCK: SealFlag = SealFlag::F_SEAL_SHRINK.union(SealFlag::F_SEAL_SEAL);

/// A slice in memory that several processes share. A forked child has it by its
/// copy of the variable, a spawned one as a part of its argument.
///
/// The memory has no name that another process could open. All of it is
/// allocated when it is made, and its file cannot be truncated.
pub struct Shared<T> {
    values: MappedSlice<T>,
    /// File to send to processes that do not inherit the mapping.
    file: File,
}

impl<T: Shareable> Shared<T> {
    /// Makes `len` values, all bytes zero.
    ///
    /// # Errors
    /// Where descriptors, memory or addresses run out.
    pub fn zeroed(len: usize) -> Result<Shared<T>, Error> {
        Shared::with_seals(len, ATOMICS)
    }

    fn with_seals(len: usize, seals: SealFlag) -> Result<Shared<T>, Error> {
        if len == 0 {
            return Err(Error::system("make empty shared memory", Errno::EINVAL.into()));
        }
        Shared::try_with_seals(len, seals)
            .map_err(|source| Error::system("make shared memory", source))
    }

    fn try_with_seals(len: usize, seals: SealFlag) -> io::Result<Shared<T>> {
        let bytes = len.checked_mul(size_of::<T>()).ok_or(Errno::ENOMEM)?;
        let file = memfd(c"nthread shared", bytes as u64)?;
        seal(&file, seals)?;
        Shared::map(file)
    }

    /// Maps memory that another process made. That process is not trusted: a file
    /// that can be truncated, or is not allocated, would be a SIGBUS at some
    /// access.
    fn open(file: File, kind: SealFlag) -> Result<Shared<T>, Error> {
        let refused = |source| Error::system("open shared memory", source);
        let info = memfd_info(&file).map_err(refused)?;
        if !info.seals.contains(SealFlag::F_SEAL_SHRINK) || !info.is_allocated {
            return Err(Error::invalid("shared memory that is not allocated and sealed"));
        }
        if info.seals & ATOMICS != kind {
            return Err(Error::invalid("a lock where atomics were expected, or the reverse"));
        }
        Shared::map(file).map_err(refused)
    }

    fn map(file: File) -> io::Result<Shared<T>> {
        Ok(Shared { values: MappedSlice::new(MmapOptions::new().map_raw(&file)?), file })
    }
}

impl<T: Shareable> Deref for Shared<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.values
    }
}

impl<T> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shared").field(&self.file).finish()
    }
}

impl<T> Serialize for Shared<T> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        wire::serialize(self.file.as_fd(), serializer)
    }
}

impl<'de, T: Shareable> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let file = File::from(Descriptor::deserialize(deserializer)?.0);
        Shared::open(file, ATOMICS).map_err(serde::de::Error::custom)
    }
}

/// Stores bytes in words of shared memory, as many as fit. The stores are
/// relaxed: another word must publish them to the reader.
pub(crate) fn store_bytes(words: &[AtomicU64], bytes: &[u8]) {
    for (word, bytes) in words.iter().zip(bytes.chunks(8)) {
        let mut eight = [0; 8];
        eight[..bytes.len()].copy_from_slice(bytes);
        word.store(u64::from_ne_bytes(eight), Ordering::Relaxed);
    }
}

/// Loads the first `length` bytes that [`store_bytes`] has stored; all bytes, if
/// there are fewer.
pub(crate) fn load_bytes(words: &[AtomicU64], length: usize) -> impl Iterator<Item = u8> {
    let bytes = words.iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes());
    bytes.take(length)
}

/// A value under a lock: Python's `Value` and `Array` with their lock. An array
/// is a value too: `Locked<[f64; 6]>`.
///
/// A process that dies while it holds the lock does not block the others: the
/// next one gets the lock, and can see that the value may be half changed.
pub struct Locked<T: Plain> {
    /// Memory of the mutex. The C library keeps a list of the mutexes that a
    /// thread holds, linked through their memory. So each [`LockGuard`] keeps the
    /// memory alive, above all one that is leaked (`mem::forget`).
    memory: Arc<Shared<RobustMutex<T>>>,
}

impl<T: Plain> Locked<T> {
    /// Makes a value in shared memory.
    ///
    /// # Errors
    /// As [`Shared::zeroed`].
    pub fn new(value: T) -> Result<Locked<T>, Error> {
        let memory = Shared::<RobustMutex<T>>::with_seals(1, LOCK)?;
        memory[0].init(value).map_err(|source| Error::system("make a lock", source))?;
        Ok(Locked { memory: Arc::new(memory) })
    }

    /// Locks it; waits while another thread or process holds the lock.
    ///
    /// # Errors
    /// If this thread holds the lock already.
    pub fn lock(&self) -> Result<LockGuard<'_, T>, Error> {
        self.memory[0].lock().map(|locked| self.guard(locked)).map_err(cannot_lock)
    }

    /// Locks it as [`Locked::lock`] does, but waits at most for `timeout`.
    ///
    /// # Errors
    /// [`Error::TimedOut`] if the lock was not free in time.
    pub fn lock_timeout(&self, timeout: Duration) -> Result<LockGuard<'_, T>, Error> {
        // A timed wait for a robust mutex ends at a time of the wall clock, which
        // may be set meanwhile. So the lock is polled instead.
        let (start, mut pause) = (Instant::now(), Duration::from_micros(10));
        loop {
            if let Some(locked) = self.memory[0].try_lock().map_err(cannot_lock)? {
                return Ok(self.guard(locked));
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(Error::TimedOut);
            }
            std::thread::sleep(pause.min(left));
            pause = (pause * 2).min(Duration::from_millis(5));
        }
    }

    fn guard<'a>(&'a self, (guard, state): (RobustGuard<'a, T>, MutexState)) -> LockGuard<'a, T> {
        LockGuard { guard, state, _memory: Arc::clone(&self.memory) }
    }
}

fn cannot_lock(source: io::Error) -> Error {
    Error::system("lock a mutex", source)
}

impl<T: Plain> fmt::Debug for Locked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Locked").field(&self.memory).finish()
    }
}

impl<T: Plain> Serialize for Locked<T> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        self.memory.serialize(serializer)
    }
}

impl<'de, T: Plain> Deserialize<'de> for Locked<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let file = File::from(Descriptor::deserialize(deserializer)?.0);
        let memory = Shared::<RobustMutex<T>>::open(file, LOCK).map_err(D::Error::custom)?;
        if memory.len() != 1 {
            return Err(D::Error::custom("a lock of a value of another type"));
        }
        Ok(Locked { memory: Arc::new(memory) })
    }
}

/// Access to the value of a [`Locked`] while it is locked: `*guard` is the value.
pub struct LockGuard<'a, T: Plain> {
    guard: RobustGuard<'a, T>,
    state: MutexState,
    _memory: Arc<Shared<RobustMutex<T>>>,
}

impl<T: Plain> LockGuard<'_, T> {
    /// Returns whether the previous holder died while it held the lock: the value
    /// may be half changed.
    pub fn was_abandoned(&self) -> bool {
        self.state == MutexState::Abandoned
    }
}

impl<T: Plain> Deref for LockGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T: Plain> std::ops::DerefMut for LockGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}
