//! A process's way to the server.

use std::cell::RefCell;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::server::{Bytes, Reply, Request};
use crate::process::frame::{Frames, Patience};
use crate::process::wire::{Descriptor, pack, unpack};
use crate::process::{Error, family};

/// What the proxies of a process share: the door, and a connection of its own.
pub struct Client {
    door: Frames,
    /// The connection, and the process that made it: a forked child that used
    /// its parent's would read its parent's answers.
    connection: RefCell<Option<(u32, Frames)>>,
}

impl Client {
    pub fn new(door: Frames) -> Client {
        Client { door, connection: RefCell::new(None) }
    }

    pub fn ask(&self, request: &Request) -> Result<Reply, Error> {
        let mut connection = self.connection.borrow_mut();
        let is_own = |made: &mut (u32, Frames)| made.0 == family::generation();
        if !connection.as_mut().is_some_and(is_own) {
            *connection = Some((family::generation(), self.connect()?));
        }
        let Some((_, frames)) = &*connection else { return Err(Error::Ended) };
        frames.send(&pack(request)?, Patience::Endless)?;
        match unpack(frames.receive(Patience::Endless)?)? {
            Reply::Refused(why) => Err(Error::Refused { why }),
            reply => Ok(reply),
        }
    }

    fn connect(&self) -> Result<Frames, Error> {
        let pair = Frames::pair().map_err(|source| Error::system("connect", source))?;
        let (own, theirs) = pair;
        self.door.send(&pack(&Descriptor(OwnedFd::from(theirs)))?, Patience::Endless)?;
        Ok(own)
    }

    pub fn number(&self, request: &Request) -> Result<u64, Error> {
        match self.ask(request)? {
            Reply::Number(number) => Ok(number),
            other => Err(unexpected(&other)),
        }
    }

    pub fn found(&self, request: &Request) -> Result<Option<Bytes>, Error> {
        match self.ask(request)? {
            Reply::Found(bytes) => Ok(bytes),
            other => Err(unexpected(&other)),
        }
    }
}

impl AsFd for Client {
    /// The door, for a proxy that travels to another process.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.door.as_fd()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.door).finish()
    }
}

/// An answer of the wrong kind.
pub fn unexpected(reply: &Reply) -> Error {
    Error::garbage(format!("an answer to another question: {reply:?}"))
}
