//! A manager: a process that owns values, lists and dictionaries, for others
//! that hold proxies of them.
//!
//! A proxy asks over a connection of its process to the server. Where Python's
//! manager listens at an address and checks a password, this one has no
//! address: whoever wants a connection makes a socket pair and hands one end of
//! it through the *door*, a socket that only the manager's own relatives have.
//! A stranger has nothing to connect to.

mod client;
mod proxy;
mod server;

pub use proxy::{Dict, List, Value};

use std::os::fd::OwnedFd;
use std::rc::Rc;

use serde::Serialize;

use super::Error;
use super::child::Child;
use super::frame::Frames;
use super::function::{Call, Callable};
use super::start::Process;
use super::wire::{Descriptor, Message, unpack};
use client::Client;
use proxy::{Proxy, bytes};
use server::{Object, Request, serve};

/// The server, as the target of a spawned process.
pub(super) static SERVER: Server = Server;

pub(super) struct Server;

impl Callable for Server {
    fn name(&self) -> &'static str {
        "nthread manager"
    }

    fn serve(&self, argument: Message) -> Result<u8, Error> {
        let Descriptor(door) = unpack(argument)?;
        serve(Frames::from(door)).map(|()| 0)
    }
}

/// The owner of a server process. When it is dropped the server is killed, and
/// its objects are gone. They live until then: the server does not count who
/// still has a proxy.
#[derive(Debug)]
pub struct Manager {
    server: Child,
    client: Rc<Client>,
}

impl Manager {
    /// A server that is forked from this process.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub fn fork() -> Result<Manager, Error> {
        Manager::start(|door| Ok(Process::new(move || serve(door))))
    }

    /// A server that is spawned.
    ///
    /// # Errors
    /// As [`Process::of`].
    pub fn spawn() -> Result<Manager, Error> {
        Manager::start(|door| {
            Process::call(Call::new(SERVER.name(), &Descriptor(OwnedFd::from(door)))?)
        })
    }

    fn start(
        process: impl FnOnce(Frames) -> Result<Process<'static>, Error>,
    ) -> Result<Manager, Error> {
        let pair = Frames::pair().map_err(|source| Error::system("make a door", source))?;
        let (door, inside) = pair;
        let server = process(inside)?.name("SyncManager").daemon().start()?;
        Ok(Manager { server, client: Rc::new(Client::new(door)) })
    }

    /// The server process.
    pub fn server(&mut self) -> &mut Child {
        &mut self.server
    }

    /// The server's process id.
    pub fn pid(&self) -> i32 {
        self.server.pid()
    }

    /// A value that the server owns.
    ///
    /// # Errors
    /// [`Error::Ended`] if the server is gone.
    pub fn value<T: Serialize>(&self, value: &T) -> Result<Value<T>, Error> {
        Ok(Value(self.proxy(Object::Value(bytes(value)?))?))
    }

    /// An empty list that the server owns.
    ///
    /// # Errors
    /// [`Error::Ended`] if the server is gone.
    pub fn list<T>(&self) -> Result<List<T>, Error> {
        Ok(List(self.proxy(Object::List(Vec::new()))?))
    }

    /// An empty dictionary that the server owns.
    ///
    /// # Errors
    /// [`Error::Ended`] if the server is gone.
    pub fn dict<K, V>(&self) -> Result<Dict<K, V>, Error> {
        Ok(Dict(self.proxy(Object::Dict(Default::default()))?))
    }

    fn proxy<T>(&self, object: Object) -> Result<Proxy<T>, Error> {
        let id = self.client.number(&Request::New(object))?;
        Ok(Proxy::new(&self.client, id))
    }
}
