//! Server of a manager: one loop that owns the objects, without threads or locks.
//!
//! The server knows neither names nor types. An object is bytes, a list of
//! bytes, or a dictionary from bytes to bytes; the proxies encode and decode
//! them. Each client has one connection, and each request on it gets one reply.
//! A client that sends an invalid request is disconnected; others are not
//! affected.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::AsFd as _;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::{Deserialize, Serialize};

use crate::process::Error;
use crate::process::socket::{MessageSocket, Timeout};
use crate::process::wire::{Descriptor, Message, pack, unpack};

/// A packed value.
pub type Bytes = Vec<u8>;

/// Identifier of an object.
pub type Id = u64;

/// Request of a proxy.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// Makes an object; replies with its id.
    New(Object),
    /// Gets a value.
    Get(Id),
    /// Sets a value.
    Set(Id, Bytes),
    /// Appends items to a list.
    Extend(Id, Vec<Bytes>),
    /// Removes and returns the last item of a list.
    Pop(Id),
    /// Gets all items of a list, in order.
    Items(Id),
    /// Gets the length of a list or dictionary.
    Length(Id),
    /// Gets one item of a list.
    GetItem(Id, u64),
    /// Replaces one item of a list.
    SetItem(Id, u64, Bytes),
    /// Sets the value of a key; replies with the previous one.
    Insert(Id, Bytes, Bytes),
    /// Gets the value of a key.
    Lookup(Id, Bytes),
    /// Removes a key; replies with its value.
    Remove(Id, Bytes),
    /// Gets all keys and values, in the order of the keys' bytes.
    Entries(Id),
    /// Removes all items of a list or dictionary.
    Clear(Id),
}

/// Reply of the server: the result of the request, or the reason of a rejection.
pub type Reply<T> = Result<T, String>;

/// An object that the server owns.
#[derive(Debug, Serialize, Deserialize)]
pub enum Object {
    /// A value.
    Value(Bytes),
    /// A list.
    List(Vec<Bytes>),
    /// A dictionary.
    Dict(BTreeMap<Bytes, Bytes>),
}

/// All objects by id.
#[derive(Default)]
struct Objects {
    by_id: HashMap<Id, Object>,
    last_id: Id,
}

impl Objects {
    /// Performs a request, and packs the reply.
    fn reply(&mut self, request: Request) -> Result<Message, Error> {
        match self.perform(request) {
            Err(Error::Rejected { reason }) => pack(&Reply::<()>::Err(reason)),
            packed => packed,
        }
    }

    fn perform(&mut self, request: Request) -> Result<Message, Error> {
        match request {
            Request::New(object) => {
                self.last_id += 1;
                self.by_id.insert(self.last_id, object);
                done(self.last_id)
            }
            Request::Get(id) => done(self.value(id)?),
            Request::Set(id, bytes) => {
                *self.value(id)? = bytes;
                done(())
            }
            Request::Extend(id, items) => {
                self.list(id)?.extend(items);
                done(())
            }
            Request::Pop(id) => done(self.list(id)?.pop()),
            Request::Items(id) => done(self.list(id)?),
            Request::GetItem(id, index) => done(self.item(id, index)?),
            Request::SetItem(id, index, bytes) => {
                *self.item(id, index)? = bytes;
                done(())
            }
            Request::Insert(id, key, bytes) => done(self.dict(id)?.insert(key, bytes)),
            Request::Lookup(id, key) => done(self.dict(id)?.get(&key)),
            Request::Remove(id, key) => done(self.dict(id)?.remove(&key)),
            Request::Entries(id) => done(self.dict(id)?.iter().collect::<Vec<_>>()),
            Request::Length(id) => match self.object(id)? {
                Object::Value(_) => rejected("a value has no length"),
                Object::List(list) => done(list.len()),
                Object::Dict(dict) => done(dict.len()),
            },
            Request::Clear(id) => {
                match self.object(id)? {
                    Object::Value(_) => return rejected("a value cannot be cleared"),
                    Object::List(list) => list.clear(),
                    Object::Dict(dict) => dict.clear(),
                }
                done(())
            }
        }
    }

    fn object(&mut self, id: Id) -> Result<&mut Object, Error> {
        match self.by_id.get_mut(&id) {
            Some(object) => Ok(object),
            None => rejected(format!("there is no object {id}")),
        }
    }

    fn value(&mut self, id: Id) -> Result<&mut Bytes, Error> {
        match self.object(id)? {
            Object::Value(value) => Ok(value),
            _ => rejected(format!("object {id} is not a value")),
        }
    }

    fn list(&mut self, id: Id) -> Result<&mut Vec<Bytes>, Error> {
        match self.object(id)? {
            Object::List(list) => Ok(list),
            _ => rejected(format!("object {id} is not a list")),
        }
    }

    fn item(&mut self, id: Id, index: u64) -> Result<&mut Bytes, Error> {
        let list = self.list(id)?;
        let len = list.len();
        match list.get_mut(index as usize) {
            Some(item) => Ok(item),
            None => rejected(format!("index {index} is out of range for a list of {len} items")),
        }
    }

    fn dict(&mut self, id: Id) -> Result<&mut BTreeMap<Bytes, Bytes>, Error> {
        match self.object(id)? {
            Object::Dict(dict) => Ok(dict),
            _ => rejected(format!("object {id} is not a dictionary")),
        }
    }
}

fn done<T: Serialize>(result: T) -> Result<Message, Error> {
    pack(&Reply::Ok(result))
}

fn rejected<T>(reason: impl Into<String>) -> Result<T, Error> {
    Err(Error::Rejected { reason: reason.into() })
}

/// Runs the server until its parent kills it.
pub fn serve(listener: MessageSocket) -> Result<(), Error> {
    let (mut objects, mut clients) = (Objects::default(), Vec::<MessageSocket>::new());
    loop {
        let mut watched: Vec<PollFd<'_>> = std::iter::once(&listener)
            .chain(&clients)
            .map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN))
            .collect();
        match poll(&mut watched, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::system("wait for requests", errno.into())),
        }
        let ready: Vec<bool> = watched.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        let mut is_ready = ready[1..].iter();
        clients.retain(|client| {
            !is_ready.next().is_some_and(|ready| *ready)
                || handle_request(&mut objects, client).is_ok()
        });
        // A new client sends one end of a socket pair. If it cannot be received,
        // it is closed, and the client's end reports a disconnection.
        if ready[0]
            && let Ok(Descriptor(socket)) = listener.receive(Timeout::Never).and_then(unpack)
        {
            clients.push(MessageSocket::from(socket));
        }
    }
}

/// Receives one request of a client and sends the reply. Neither blocks: the
/// request has arrived, and a client waits for its reply before the next
/// request, so there is room for it.
fn handle_request(objects: &mut Objects, client: &MessageSocket) -> Result<(), Error> {
    let request = unpack(client.receive(Timeout::After(Duration::ZERO))?)?;
    client.send(&objects.reply(request)?, Timeout::After(Duration::ZERO))
}
