//! A queue: many producers, many consumers, first in, first out.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::AsFd as _;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Error;
use super::frame::{Frames, Patience};
use super::wire::{self, Descriptor};

/// A queue between processes. Children have it by their copy of the variable
/// (fork) or as a part of their argument (spawn).
///
/// It is a socket pair whose two ends everybody has. The kernel hands each
/// packet to one reader, whole: there is no lock, so nobody can die with it.
/// Its room is bounded in bytes, the kernel's notes included; with the usual
/// settings some 270 values wait in it before `put` waits too. A value in a
/// packet is lost only if the process dies that has taken it.
///
/// Since everybody has both ends, nobody hears when all producers are gone:
/// put one last value for each consumer that says so, or wait with a timeout.
pub struct Queue<T> {
    entrance: Frames,
    exit: Frames,
    items: PhantomData<fn(T) -> T>,
}

impl<T: Serialize + DeserializeOwned> Queue<T> {
    /// An empty queue of the usual room.
    ///
    /// # Errors
    /// Where descriptors run out.
    pub fn new() -> Result<Queue<T>, Error> {
        let (entrance, exit) =
            Frames::pair().map_err(|source| Error::system("make a queue", source))?;
        Ok(Queue { entrance, exit, items: PhantomData })
    }

    /// An empty queue in which about so many bytes may wait, some 700 for each
    /// value included. The kernel has a least and a largest room.
    ///
    /// # Errors
    /// Where descriptors run out.
    pub fn with_room(bytes: usize) -> Result<Queue<T>, Error> {
        let queue = Queue::new()?;
        let refused = |source| Error::system("set the room of a queue", source);
        queue.entrance.set_room(bytes).map_err(refused)?;
        Ok(queue)
    }

    /// Puts a value at its end, and waits for room first.
    ///
    /// # Errors
    /// Where a large value finds no memory.
    pub fn put(&self, value: &T) -> Result<(), Error> {
        self.entrance.send(&wire::pack(value)?, Patience::Endless)
    }

    /// As [`Queue::put`], but waits no longer than that.
    ///
    /// # Errors
    /// [`Error::TimedOut`] if there was no room.
    pub fn put_timeout(&self, value: &T, timeout: Duration) -> Result<(), Error> {
        self.entrance.send(&wire::pack(value)?, Patience::For(timeout))
    }

    /// Takes the value at its head, and waits for one first.
    ///
    /// # Errors
    /// [`Error::Garbage`] if something else was put there.
    pub fn get(&self) -> Result<T, Error> {
        wire::unpack(self.exit.receive(Patience::Endless)?)
    }

    /// As [`Queue::get`], but waits no longer than that.
    ///
    /// # Errors
    /// [`Error::TimedOut`] if none came.
    pub fn get_timeout(&self, timeout: Duration) -> Result<T, Error> {
        wire::unpack(self.exit.receive(Patience::For(timeout))?)
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Queue").field(&self.exit).finish()
    }
}

impl<T> Serialize for Queue<T> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let copy = |frames: &Frames| frames.as_fd().try_clone_to_owned().map(Descriptor);
        match (copy(&self.entrance), copy(&self.exit)) {
            (Ok(entrance), Ok(exit)) => (entrance, exit).serialize(serializer),
            (Err(error), _) | (_, Err(error)) => Err(serde::ser::Error::custom(error)),
        }
    }
}

impl<'de, T> Deserialize<'de> for Queue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (entrance, exit) = <(Descriptor, Descriptor)>::deserialize(deserializer)?;
        let (entrance, exit) = (Frames::from(entrance.0), Frames::from(exit.0));
        Ok(Queue { entrance, exit, items: PhantomData })
    }
}
