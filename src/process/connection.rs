//! Pipes: pairs of connected ends, each owned by one process.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, RawFd};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::socket::{MessageSocket, Timeout};
use super::system::wait_readable;
use super::wire::{self, Descriptor};
use super::{Error, current};

/// Makes a pipe for both directions: each end receives the values that the other
/// sends, in order. Python's `Pipe()`.
///
/// # Errors
/// Where descriptors run out.
pub fn pipe<S, R>() -> Result<Pair<S, R>, Error> {
    let (one, other) =
        MessageSocket::pair().map_err(|source| Error::system("make a pipe", source))?;
    Ok((End::new(one).into(), End::new(other).into()))
}

/// The two connected ends of a pipe.
pub type Pair<S, R> = (Connection<S, R>, Connection<R, S>);

/// Makes a pipe for one direction. The first end receives, as with Python's
/// `Pipe(duplex=False)`.
///
/// # Errors
/// Where descriptors run out.
pub fn one_way<T>() -> Result<(Receiver<T>, Sender<T>), Error> {
    pipe()
}

/// A type without values, for the direction of a pipe in which nothing is sent.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Never {}

/// One end of a pipe that sends values of `S` and receives values of `R`.
pub struct Connection<S, R = S> {
    end: End,
    types: PhantomData<fn(S) -> R>,
}

/// The receiving end of a one-way pipe.
pub type Receiver<T> = Connection<Never, T>;

/// The sending end of a one-way pipe.
pub type Sender<T> = Connection<T, Never>;

impl<S: Serialize, R> Connection<S, R> {
    /// Sends a value of any size. Some 270 values may wait unread; then the call
    /// blocks until one is read.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the other end is closed; [`Error::System`] if
    /// the system refuses.
    pub fn send(&self, value: &S) -> Result<(), Error> {
        self.end.socket()?.send(&wire::pack(value)?, Timeout::Never)
    }
}

impl<S, R: DeserializeOwned> Connection<S, R> {
    /// Receives a value; waits until there is one.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the other end is closed and nothing is left to
    /// read.
    pub fn recv(&self) -> Result<R, Error> {
        wire::unpack(self.end.socket()?.receive(Timeout::Never)?)
    }
}

impl<S, R> Connection<S, R> {
    /// Waits at most for `timeout`, and returns whether [`Connection::recv`] would
    /// not block: a value has arrived, or the other end is closed.
    ///
    /// # Errors
    /// If the system cannot wait.
    pub fn poll(&self, timeout: Duration) -> Result<bool, Error> {
        wait_readable(self.descriptor()?, timeout)
            .map_err(|source| Error::system("wait for a message", source))
    }

    /// The socket, for messages that are packed already.
    pub(super) fn socket(&self) -> Result<&MessageSocket, Error> {
        self.end.socket()
    }

    /// The descriptor, for `poll` and similar calls.
    ///
    /// # Errors
    /// [`Error::NotGiven`] in a process that was not given this end.
    pub fn descriptor(&self) -> Result<BorrowedFd<'_>, Error> {
        Ok(self.end.socket()?.as_fd())
    }
}

/// An end of a pipe, without the types of its values.
///
/// A fork copies every end, and a copy that stays open in another process keeps
/// the peer from noticing that the owner has closed it. So a child closes the
/// ends that it was not given; the variables of its parent that it can still see
/// return errors.
pub struct End {
    /// `None` only while it is being dropped.
    socket: Option<MessageSocket>,
    /// Generation of the process that owns it.
    generation: u32,
}

impl End {
    fn new(socket: MessageSocket) -> End {
        current::add_end(socket.as_fd().as_raw_fd());
        End { socket: Some(socket), generation: current::generation() }
    }

    /// Moves an end that a child was given from its parent to the child. An end
    /// that did not belong to the parent stays unusable: the child got no
    /// descriptor of it.
    pub(super) fn adopt(&mut self) {
        if self.generation + 1 == current::generation() {
            self.generation += 1;
        }
    }

    /// Descriptor of the end, if it belongs to this process.
    pub(super) fn descriptor(&self) -> Option<RawFd> {
        self.socket().ok().map(|socket| socket.as_fd().as_raw_fd())
    }

    fn is_own(&self) -> bool {
        self.generation == current::generation()
    }

    fn socket(&self) -> Result<&MessageSocket, Error> {
        self.socket.as_ref().filter(|_| self.is_own()).ok_or(Error::NotGiven)
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let Some(socket) = self.socket.take() else { return };
        if self.is_own() {
            current::remove_end(socket.as_fd().as_raw_fd());
        } else {
            // The descriptor was closed when this process began, and its number
            // may belong to another file by now.
            std::mem::forget(socket);
        }
    }
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("End").field(&self.descriptor()).finish()
    }
}

impl<S, R> From<End> for Connection<S, R> {
    fn from(end: End) -> Self {
        Connection { end, types: PhantomData }
    }
}

impl<S, R> fmt::Debug for Connection<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.end.fmt(f)
    }
}

impl<S, R> Serialize for Connection<S, R> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let socket = self.end.socket().map_err(serde::ser::Error::custom)?;
        wire::serialize(socket.as_fd(), serializer)
    }
}

impl<'de, S, R> Deserialize<'de> for Connection<S, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(End::new(Descriptor::deserialize(deserializer)?.0.into()).into())
    }
}

/// Ends of pipes that a child is given: one; several in a tuple, an array or a
/// vector; or none, `()`.
pub trait Ends {
    /// Calls `visitor` with every end.
    fn visit(&mut self, visitor: &mut dyn FnMut(&mut End));
}

impl Ends for () {
    fn visit(&mut self, _: &mut dyn FnMut(&mut End)) {}
}

impl<S, R> Ends for Connection<S, R> {
    fn visit(&mut self, visitor: &mut dyn FnMut(&mut End)) {
        visitor(&mut self.end);
    }
}

impl<A: Ends, B: Ends> Ends for (A, B) {
    fn visit(&mut self, visitor: &mut dyn FnMut(&mut End)) {
        self.0.visit(visitor);
        self.1.visit(visitor);
    }
}

impl<T: Ends> Ends for Vec<T> {
    fn visit(&mut self, visitor: &mut dyn FnMut(&mut End)) {
        self.iter_mut().for_each(|end| end.visit(visitor));
    }
}

impl<T: Ends, const N: usize> Ends for [T; N] {
    fn visit(&mut self, visitor: &mut dyn FnMut(&mut End)) {
        self.iter_mut().for_each(|end| end.visit(visitor));
    }
}
