//! Connection of a process to the server of a manager.

use std::cell::RefCell;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::server::{Bytes, Reply, Request};
use crate::process::socket::{MessageSocket, Timeout};
use crate::process::wire::{Descriptor, pack, unpack};
use crate::process::{Error, current};

/// Connection that the proxies of a process share.
pub struct Client {
    /// Socket to the server's listener, over which connections are made.
    connector: MessageSocket,
    /// The connection, and the generation of the process that made it: a forked
    /// child that used its parent's would receive its parent's replies.
    connection: RefCell<Option<(u32, MessageSocket)>>,
}

impl Client {
    pub fn new(connector: MessageSocket) -> Client {
        Client { connector, connection: RefCell::new(None) }
    }

    /// Sends a request and waits for its reply.
    pub fn request(&self, request: &Request) -> Result<Reply, Error> {
        let mut connection = self.connection.borrow_mut();
        let generation = current::generation();
        let socket = match &*connection {
            Some((made_in, socket)) if *made_in == generation => socket,
            _ => &connection.insert((generation, self.connect()?)).1,
        };
        socket.send(&pack(request)?, Timeout::Never)?;
        match unpack(socket.receive(Timeout::Never)?)? {
            Reply::Rejected(reason) => Err(Error::Rejected { reason }),
            reply => Ok(reply),
        }
    }

    fn connect(&self) -> Result<MessageSocket, Error> {
        let (own, servers) =
            MessageSocket::pair().map_err(|source| Error::system("connect", source))?;
        self.connector.send(&pack(&Descriptor(OwnedFd::from(servers)))?, Timeout::Never)?;
        Ok(own)
    }

    /// Sends a request that is answered by a number.
    pub fn request_number(&self, request: &Request) -> Result<u64, Error> {
        match self.request(request)? {
            Reply::Number(number) => Ok(number),
            other => Err(unexpected(&other)),
        }
    }

    /// Sends a request that is answered by a value or `None`.
    pub fn request_value(&self, request: &Request) -> Result<Option<Bytes>, Error> {
        match self.request(request)? {
            Reply::Value(bytes) => Ok(bytes),
            other => Err(unexpected(&other)),
        }
    }
}

impl AsFd for Client {
    /// The connector, for a proxy that is sent to another process.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connector.as_fd()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.connector).finish()
    }
}

/// The error of a reply of the wrong kind.
pub fn unexpected(reply: &Reply) -> Error {
    Error::invalid(format!("unexpected reply of the manager: {reply:?}"))
}
