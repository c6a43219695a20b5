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
use crate::process::wire::{Descriptor, pack, unpack};

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

/// Reply of the server.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    /// Success, without a result.
    Done,
    /// An id or a length.
    Number(u64),
    /// A value, or none.
    Value(Option<Bytes>),
    /// A list of values.
    Values(Vec<Bytes>),
    /// Keys and values of a dictionary.
    Pairs(Vec<(Bytes, Bytes)>),
    /// The request is not possible, and why.
    Rejected(String),
}

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
    fn reply(&mut self, request: Request) -> Reply {
        self.try_reply(request).unwrap_or_else(Reply::Rejected)
    }

    fn try_reply(&mut self, request: Request) -> Result<Reply, String> {
        Ok(match request {
            Request::New(object) => {
                self.last_id += 1;
                self.by_id.insert(self.last_id, object);
                Reply::Number(self.last_id)
            }
            Request::Get(id) => Reply::Value(Some(self.value(id)?.clone())),
            Request::Set(id, bytes) => {
                *self.value(id)? = bytes;
                Reply::Done
            }
            Request::Extend(id, items) => {
                self.list(id)?.extend(items);
                Reply::Done
            }
            Request::Pop(id) => Reply::Value(self.list(id)?.pop()),
            Request::Items(id) => Reply::Values(self.list(id)?.clone()),
            Request::GetItem(id, index) => Reply::Value(Some(self.item(id, index)?.clone())),
            Request::SetItem(id, index, bytes) => {
                *self.item(id, index)? = bytes;
                Reply::Done
            }
            Request::Insert(id, key, bytes) => Reply::Value(self.dict(id)?.insert(key, bytes)),
            Request::Lookup(id, key) => Reply::Value(self.dict(id)?.get(&key).cloned()),
            Request::Remove(id, key) => Reply::Value(self.dict(id)?.remove(&key)),
            Request::Entries(id) => Reply::Pairs(self.dict(id)?.clone().into_iter().collect()),
            Request::Length(id) => Reply::Number(match self.object(id)? {
                Object::Value(_) => return Err("a value has no length".to_string()),
                Object::List(list) => list.len() as u64,
                Object::Dict(dict) => dict.len() as u64,
            }),
            Request::Clear(id) => {
                match self.object(id)? {
                    Object::Value(_) => return Err("a value cannot be cleared".to_string()),
                    Object::List(list) => list.clear(),
                    Object::Dict(dict) => dict.clear(),
                }
                Reply::Done
            }
        })
    }

    fn object(&mut self, id: Id) -> Result<&mut Object, String> {
        self.by_id.get_mut(&id).ok_or_else(|| format!("there is no object {id}"))
    }

    fn value(&mut self, id: Id) -> Result<&mut Bytes, String> {
        match self.object(id)? {
            Object::Value(value) => Ok(value),
            _ => Err(format!("object {id} is not a value")),
        }
    }

    fn list(&mut self, id: Id) -> Result<&mut Vec<Bytes>, String> {
        match self.object(id)? {
            Object::List(list) => Ok(list),
            _ => Err(format!("object {id} is not a list")),
        }
    }

    fn item(&mut self, id: Id, index: u64) -> Result<&mut Bytes, String> {
        let list = self.list(id)?;
        let len = list.len();
        list.get_mut(index as usize)
            .ok_or_else(|| format!("index {index} is out of range for a list of {len} items"))
    }

    fn dict(&mut self, id: Id) -> Result<&mut BTreeMap<Bytes, Bytes>, String> {
        match self.object(id)? {
            Object::Dict(dict) => Ok(dict),
            _ => Err(format!("object {id} is not a dictionary")),
        }
    }
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
    let reply = pack(&objects.reply(request))?;
    client.send(&reply, Timeout::After(Duration::ZERO))
}
