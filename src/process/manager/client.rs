//! Connection of a process to the server of a manager.

use std::cell::RefCell;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use serde::de::DeserializeOwned;

use super::server::{Reply, Request};
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

    /// Sends a request and waits for its reply, whose type depends on the request.
    pub fn request<R: DeserializeOwned>(&self, request: &Request) -> Result<R, Error> {
        let mut connection = self.connection.borrow_mut();
        let generation = current::generation();
        let socket = match &*connection {
            Some((made_in, socket)) if *made_in == generation => socket,
            _ => &connection.insert((generation, self.connect()?)).1,
        };
        socket.send(&pack(request)?, Timeout::Never)?;
        let reply: Reply<R> = unpack(socket.receive(Timeout::Never)?)?;
        reply.map_err(|reason| Error::Rejected { reason })
    }

    fn connect(&self) -> Result<MessageSocket, Error> {
        let (own, servers) =
            MessageSocket::pair().map_err(|source| Error::system("connect", source))?;
        self.connector.send(&pack(&Descriptor(OwnedFd::from(servers)))?, Timeout::Never)?;
        Ok(own)
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
