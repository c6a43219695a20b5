//! Manager: a process that owns values, lists and dictionaries, to which other
//! processes have proxies.
//!
//! A proxy sends requests over a connection of its process to the server.
//! Python's manager listens at an address and checks a password. This one has no
//! address: a client makes a socket pair and sends one end of it over the
//! *listener*, a socket whose other end only the manager's own processes have.
//! No other process has anything to connect to.

mod client;
mod proxy;
mod server;

pub use proxy::{Dict, List, Value};

use std::os::fd::OwnedFd;
use std::rc::Rc;

use serde::Serialize;

use super::Error;
use super::child::Child;
use super::function::{Callable, FunctionCall};
use super::socket::MessageSocket;
use super::start::Process;
use super::wire::{Descriptor, Message, unpack};
use client::Client;
use proxy::{Proxy, to_bytes};
use server::{Object, Request, serve};

/// The server as the target of a spawned process.
pub(super) static SERVER: Server = Server;

pub(super) struct Server;

impl Callable for Server {
    fn name(&self) -> &'static str {
        "nthread manager"
    }

    fn run(&self, argument: Message) -> Result<u8, Error> {
        let Descriptor(listener) = unpack(argument)?;
        serve(MessageSocket::from(listener)).map(|()| 0)
    }
}

/// The owner of a server process. Dropping it kills the server, and with it all
/// objects. The objects live until then: the server does not count proxies.
#[derive(Debug)]
pub struct Manager {
    server: Child,
    client: Rc<Client>,
}

impl Manager {
    /// Forks a server from this process.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub fn fork() -> Result<Manager, Error> {
        Manager::start(|listener| Ok(Process::new(move || serve(listener))))
    }

    /// Spawns a server.
    ///
    /// # Errors
    /// As [`Process::of`].
    pub fn spawn() -> Result<Manager, Error> {
        Manager::start(|listener| {
            let argument = Descriptor(OwnedFd::from(listener));
            Ok(Process::spawn(FunctionCall::new(SERVER.name(), &argument)?))
        })
    }

    fn start(
        process: impl FnOnce(MessageSocket) -> Result<Process<'static>, Error>,
    ) -> Result<Manager, Error> {
        let (connector, listener) =
            MessageSocket::pair().map_err(|source| Error::system("make a listener", source))?;
        let server = process(listener)?.name("SyncManager").daemon().start()?;
        Ok(Manager { server, client: Rc::new(Client::new(connector)) })
    }

    /// The server process.
    pub fn server(&mut self) -> &mut Child {
        &mut self.server
    }

    /// Process id of the server.
    pub fn pid(&self) -> i32 {
        self.server.pid()
    }

    /// Makes a value that the server owns.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the server has ended.
    pub fn value<T: Serialize>(&self, value: &T) -> Result<Value<T>, Error> {
        Ok(Value(self.proxy(Object::Value(to_bytes(value)?))?))
    }

    /// Makes an empty list that the server owns.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the server has ended.
    pub fn list<T>(&self) -> Result<List<T>, Error> {
        Ok(List(self.proxy(Object::List(Vec::new()))?))
    }

    /// Makes an empty dictionary that the server owns.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the server has ended.
    pub fn dict<K, V>(&self) -> Result<Dict<K, V>, Error> {
        Ok(Dict(self.proxy(Object::Dict(Default::default()))?))
    }

    fn proxy<T>(&self, object: Object) -> Result<Proxy<T>, Error> {
        Ok(Proxy::new(&self.client, self.client.request(&Request::New(object))?))
    }
}
