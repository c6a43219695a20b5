//! Queue between processes: many producers, many consumers, first in, first out.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::AsFd as _;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Error;
use super::socket::{MessageSocket, Timeout};
use super::wire::{self, Descriptor};

/// A queue between processes. A forked child has it by its copy of the variable,
/// a spawned one as a part of its argument.
///
/// The queue is a socket pair of which every process has both ends. The kernel
/// gives each packet to one reader, whole. So there is no lock that a dying
/// process could leave locked, and a value is lost only with the process that
/// has received it. The capacity is bounded in bytes, the kernel's bookkeeping
/// included; with the usual settings some 270 values wait before `put` blocks.
///
/// Since every process has both ends, none is notified when all producers have
/// ended: put a last value for each consumer that says so, or use a timeout.
pub struct Queue<T> {
    sender: MessageSocket,
    receiver: MessageSocket,
    items: PhantomData<fn(T) -> T>,
}

impl<T: Serialize + DeserializeOwned> Queue<T> {
    /// Makes an empty queue of the default capacity.
    ///
    /// # Errors
    /// Where descriptors run out.
    pub fn new() -> Result<Queue<T>, Error> {
        let (sender, receiver) =
            MessageSocket::pair().map_err(|source| Error::system("make a queue", source))?;
        Ok(Queue { sender, receiver, items: PhantomData })
    }

    /// Makes an empty queue with room for about `bytes`; each value takes about
    /// 700 bytes more than its own size. The kernel bounds the size from below
    /// and from above.
    ///
    /// # Errors
    /// Where descriptors run out.
    pub fn with_buffer_size(bytes: usize) -> Result<Queue<T>, Error> {
        let queue = Queue::new()?;
        let set = queue.sender.set_buffer_size(bytes);
        set.map_err(|source| Error::system("set the buffer size of a queue", source))?;
        Ok(queue)
    }

    /// Appends a value; waits while the queue is full.
    ///
    /// # Errors
    /// Where there is no memory for a large value.
    pub fn put(&self, value: &T) -> Result<(), Error> {
        self.sender.send(&wire::pack(value)?, Timeout::Never)
    }

    /// Appends a value as [`Queue::put`] does, but waits at most for `timeout`.
    ///
    /// # Errors
    /// [`Error::TimedOut`] if the queue stayed full.
    pub fn put_timeout(&self, value: &T, timeout: Duration) -> Result<(), Error> {
        self.sender.send(&wire::pack(value)?, Timeout::After(timeout))
    }

    /// Removes the first value; waits while the queue is empty.
    ///
    /// # Errors
    /// [`Error::InvalidMessage`] if it is not of this type.
    pub fn get(&self) -> Result<T, Error> {
        wire::unpack(self.receiver.receive(Timeout::Never)?)
    }

    /// Removes the first value as [`Queue::get`] does, but waits at most for
    /// `timeout`.
    ///
    /// # Errors
    /// [`Error::TimedOut`] if the queue stayed empty.
    pub fn get_timeout(&self, timeout: Duration) -> Result<T, Error> {
        wire::unpack(self.receiver.receive(Timeout::After(timeout))?)
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Queue").field(&self.receiver).finish()
    }
}

impl<T> Serialize for Queue<T> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let copies = [&self.sender, &self.receiver].map(|socket| {
            let copy = socket.as_fd().try_clone_to_owned();
            copy.map(Descriptor).map_err(serde::ser::Error::custom)
        });
        let [sender, receiver] = copies;
        (sender?, receiver?).serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Queue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (sender, receiver) = <(Descriptor, Descriptor)>::deserialize(deserializer)?;
        let (sender, receiver) = (sender.0.into(), receiver.0.into());
        Ok(Queue { sender, receiver, items: PhantomData })
    }
}
