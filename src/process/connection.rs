//! Pipes: two ends, each owned by one process.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, RawFd};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::child::wait_readable;
use super::frame::{Frames, Patience};
use super::wire::{self, Descriptor};
use super::{Error, family};

/// A pipe for both directions: what one end sends, the other receives, in
/// order. Python's `Pipe()`.
///
/// # Errors
/// Where descriptors run out.
pub fn pipe<S, R>() -> Result<Pair<S, R>, Error> {
    let (one, other) = Frames::pair().map_err(|source| Error::system("make a pipe", source))?;
    Ok((End::new(one).into(), End::new(other).into()))
}

/// The two ends of a pipe: what one sends, the other receives.
pub type Pair<S, R> = (Connection<S, R>, Connection<R, S>);

/// A pipe for one direction. Python's `Pipe(duplex=False)`, whose first end
/// receives too.
///
/// # Errors
/// Where descriptors run out.
pub fn one_way<T>() -> Result<(Receiver<T>, Sender<T>), Error> {
    let (receiver, sender) = pipe::<Never, T>()?;
    Ok((Receiver(receiver), Sender(sender)))
}

/// A type without values: nothing can be sent the wrong way.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Never {}

/// One end of a pipe: sends `S`, receives `R`.
pub struct Connection<S, R = S> {
    end: End,
    types: PhantomData<fn(S) -> R>,
}

/// The end of a one-way pipe that receives.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Receiver<T>(Connection<Never, T>);

/// The end of a one-way pipe that sends.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Sender<T>(Connection<T, Never>);

impl<S: Serialize, R> Connection<S, R> {
    /// Sends a value of any size. Some 270 may wait unread; then this waits
    /// until one is read.
    ///
    /// # Errors
    /// [`Error::Ended`] if the other end is gone; others as the system has it.
    pub fn send(&self, value: &S) -> Result<(), Error> {
        self.end.frames()?.send(&wire::pack(value)?, Patience::Endless)
    }
}

impl<S, R: DeserializeOwned> Connection<S, R> {
    /// Waits for a value.
    ///
    /// # Errors
    /// [`Error::Ended`] if the other end is gone and nothing is left to read.
    pub fn recv(&self) -> Result<R, Error> {
        wire::unpack(self.end.frames()?.receive(Patience::Endless)?)
    }
}

impl<S, R> Connection<S, R> {
    /// Whether there is something to receive, be it the end, or comes within
    /// this time.
    ///
    /// # Errors
    /// If the system cannot tell.
    pub fn poll(&self, timeout: Duration) -> Result<bool, Error> {
        let ready = wait_readable(self.end.frames()?.as_fd(), timeout);
        ready.map_err(|source| Error::system("wait for a message", source))
    }

    /// What travels here, packed already.
    pub(super) fn frames(&self) -> Result<&Frames, Error> {
        self.end.frames()
    }

    /// The descriptor, for `poll` and its like.
    ///
    /// # Errors
    /// [`Error::NotGiven`] in a process that was not given this end.
    pub fn descriptor(&self) -> Result<BorrowedFd<'_>, Error> {
        Ok(self.end.frames()?.as_fd())
    }
}

impl<T: DeserializeOwned> Receiver<T> {
    /// As [`Connection::recv`].
    ///
    /// # Errors
    /// As [`Connection::recv`].
    pub fn recv(&self) -> Result<T, Error> {
        self.0.recv()
    }

    /// As [`Connection::poll`].
    ///
    /// # Errors
    /// As [`Connection::poll`].
    pub fn poll(&self, timeout: Duration) -> Result<bool, Error> {
        self.0.poll(timeout)
    }
}

impl<T: Serialize> Sender<T> {
    /// As [`Connection::send`].
    ///
    /// # Errors
    /// As [`Connection::send`].
    pub fn send(&self, value: &T) -> Result<(), Error> {
        self.0.send(value)
    }
}

/// An end of a pipe, whatever travels there.
///
/// A fork copies it, and a copy in a process that has no use for it keeps the
/// peer from hearing that the true owner is gone. So a child closes the ends
/// that it was not given; the variables of its parent that it can still see
/// refuse to be used.
pub struct End {
    /// `None` only while it is being dropped.
    frames: Option<Frames>,
    /// The process that it belongs to.
    generation: u32,
}

impl End {
    fn new(frames: Frames) -> End {
        family::add_end(frames.as_fd().as_raw_fd());
        End { frames: Some(frames), generation: family::generation() }
    }

    /// What a child does with an end that it was given: it belonged to its
    /// parent until now. Of one that did not, it got no descriptor.
    pub(super) fn adopt(&mut self) {
        if self.generation + 1 == family::generation() {
            self.generation += 1;
        }
    }

    /// Its descriptor, if it belongs to this process.
    pub(super) fn descriptor(&self) -> Option<RawFd> {
        self.frames().ok().map(|frames| frames.as_fd().as_raw_fd())
    }

    fn frames(&self) -> Result<&Frames, Error> {
        let is_own = self.generation == family::generation();
        self.frames.as_ref().filter(|_| is_own).ok_or(Error::NotGiven)
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let Some(frames) = self.frames.take() else { return };
        if self.generation == family::generation() {
            family::remove_end(frames.as_fd().as_raw_fd());
        } else {
            // It was closed when this process began; its number may be
            // somebody else's by now.
            std::mem::forget(frames);
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
        let frames = self.end.frames().map_err(serde::ser::Error::custom)?;
        wire::serialize(frames.as_fd(), serializer)
    }
}

impl<'de, S, R> Deserialize<'de> for Connection<S, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Descriptor::deserialize(deserializer).map(|it| End::new(Frames::from(it.0)).into())
    }
}

/// Ends of pipes that a child is given: one, several in a tuple, an array or a
/// vector, or none, `()`.
pub trait Ends {
    /// Shows every end to `visitor`.
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

impl<T> Ends for Receiver<T> {
    fn visit(&mut self, visitor: &mut dyn FnMut(&mut End)) {
        self.0.visit(visitor);
    }
}

impl<T> Ends for Sender<T> {
    fn visit(&mut self, visitor: &mut dyn FnMut(&mut End)) {
        self.0.visit(visitor);
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
