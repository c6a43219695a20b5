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
use super::memory::{facts_of, memfd, seal};
use super::system::{Found, Guard, Guarded, Plain, Shareable, Slice};
use super::wire::{self, Descriptor};

/// Seals of the memory of atomics. Nobody can set or take back a seal later.
const ATOMICS: SealFlag =
    SealFlag::F_SEAL_SHRINK.union(SealFlag::F_SEAL_GROW).union(SealFlag::F_SEAL_SEAL);

/// Seals of the memory of a lock. They are others, so that neither is ever
/// mapped as the other: who could write atomics there could write into the
/// pointers of the mutex.
const LOCK: SealFlag = SealFlag::F_SEAL_SHRINK.union(SealFlag::F_SEAL_SEAL);

/// Several values that all processes see which have them: forked children by
/// their copy of the variable, spawned ones as a part of their argument.
///
/// The memory has no name that anybody could open; all of it is there from the
/// beginning, and its file cannot be made shorter.
pub struct Shared<T> {
    values: Slice<T>,
    /// For processes that do not inherit the mapping.
    file: File,
}

impl<T: Shareable> Shared<T> {
    /// So many values, all bytes zero.
    ///
    /// # Errors
    /// Where descriptors, memory or addresses run out.
    pub fn zeroed(len: usize) -> Result<Shared<T>, Error> {
        Shared::make(len, ATOMICS)
    }

    fn make(len: usize, seals: SealFlag) -> Result<Shared<T>, Error> {
        let refused = |source| Error::system("make shared memory", source);
        if len == 0 {
            return Err(Error::system("make shared memory of nothing", Errno::EINVAL.into()));
        }
        let bytes = len.checked_mul(size_of::<T>()).ok_or(Errno::ENOMEM);
        let bytes = bytes.map_err(|errno| refused(errno.into()))?;
        let file = memfd(c"nthread shared", bytes as u64).map_err(refused)?;
        seal(&file, seals).map_err(refused)?;
        Shared::map(file).map_err(refused)
    }

    /// Values in memory that another process made: nothing is believed of it.
    fn open(file: File, kind: SealFlag) -> Result<Shared<T>, Error> {
        let refused = |source| Error::system("open shared memory", source);
        let facts = facts_of(&file).map_err(refused)?;
        if !facts.seals.contains(SealFlag::F_SEAL_SHRINK) || !facts.is_whole {
            return Err(Error::garbage("shared memory that somebody could take away"));
        }
        if facts.seals & ATOMICS != kind {
            return Err(Error::garbage("a lock in the place of atomics, or the reverse"));
        }
        Shared::map(file).map_err(refused)
    }

    fn map(file: File) -> io::Result<Shared<T>> {
        Ok(Shared { values: Slice::new(MmapOptions::new().map_raw(&file)?), file })
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

/// Puts bytes into words of shared memory, as many as fit. Whoever reads them
/// must hear of it by another word: here all is relaxed.
pub(crate) fn store_bytes(words: &[AtomicU64], bytes: &[u8]) {
    for (word, bytes) in words.iter().zip(bytes.chunks(8)) {
        let mut eight = [0; 8];
        eight[..bytes.len()].copy_from_slice(bytes);
        word.store(u64::from_ne_bytes(eight), Ordering::Relaxed);
    }
}

/// The first `length` bytes that [`store_bytes`] put there, or all there are.
pub(crate) fn load_bytes(words: &[AtomicU64], length: usize) -> impl Iterator<Item = u8> {
    let bytes = words.iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes());
    bytes.take(length)
}

/// A value under a lock: Python's `Value` and `Array` with their lock. An array
/// is a value too: `Locked<[f64; 6]>`.
///
/// A process that dies while it holds the lock hangs nobody: the next one gets
/// it, and hears that the value may be half changed.
pub struct Locked<T: Plain> {
    /// The C library keeps a list of the locks that a thread has, through their
    /// memory. So each [`Lock`] keeps it too, above all one that is forgotten.
    memory: Arc<Shared<Guarded<T>>>,
}

impl<T: Plain> Locked<T> {
    /// A value in shared memory.
    ///
    /// # Errors
    /// As [`Shared::zeroed`].
    pub fn new(value: T) -> Result<Locked<T>, Error> {
        let memory = Shared::<Guarded<T>>::make(1, LOCK)?;
        memory[0].init(value).map_err(|source| Error::system("make a lock", source))?;
        Ok(Locked { memory: Arc::new(memory) })
    }

    /// Waits for the lock.
    ///
    /// # Errors
    /// If this thread has it already.
    pub fn lock(&self) -> Result<Lock<'_, T>, Error> {
        self.memory[0].lock().map(|taken| self.taken(taken)).map_err(refused)
    }

    /// Waits for the lock, at most so long.
    ///
    /// # Errors
    /// [`Error::TimedOut`] if somebody has it all the time.
    pub fn lock_timeout(&self, timeout: Duration) -> Result<Lock<'_, T>, Error> {
        // A robust lock can be waited for up to a time of day only, which
        // somebody may change; so it is tried again and again.
        let (start, mut pause) = (Instant::now(), Duration::from_micros(10));
        loop {
            if let Some(taken) = self.memory[0].try_lock().map_err(refused)? {
                return Ok(self.taken(taken));
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(Error::TimedOut);
            }
            std::thread::sleep(pause.min(left));
            pause = (pause * 2).min(Duration::from_millis(5));
        }
    }

    fn taken<'a>(&'a self, (guard, found): (Guard<'a, T>, Found)) -> Lock<'a, T> {
        Lock { guard, found, _memory: Arc::clone(&self.memory) }
    }
}

fn refused(source: io::Error) -> Error {
    Error::system("take a lock", source)
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
        let memory = Shared::<Guarded<T>>::open(file, LOCK).map_err(D::Error::custom)?;
        if memory.len() != 1 {
            return Err(D::Error::custom("a lock of another type"));
        }
        Ok(Locked { memory: Arc::new(memory) })
    }
}

/// The value of a [`Locked`], while it is locked: `*lock` is the value.
pub struct Lock<'a, T: Plain> {
    guard: Guard<'a, T>,
    found: Found,
    _memory: Arc<Shared<Guarded<T>>>,
}

impl<T: Plain> Lock<'_, T> {
    /// Whether the holder before died with it: the value may be half changed.
    pub fn was_abandoned(&self) -> bool {
        self.found == Found::Abandoned
    }
}

impl<T: Plain> Deref for Lock<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T: Plain> std::ops::DerefMut for Lock<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}
