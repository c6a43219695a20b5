//! The process that owns the objects: one loop, no thread, no lock.
//!
//! It knows neither names nor types. An object is bytes, a list of bytes, or a
//! dictionary from bytes to bytes; what they mean is between the proxies. A
//! client is one connection, and each request on it gets one answer. A client
//! that sends what is no request is cut off, and nobody else notices.

use std::collections::{BTreeMap, HashMap};
use std::os::fd::AsFd as _;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::{Deserialize, Serialize};

use crate::process::Error;
use crate::process::frame::{Frames, Patience};
use crate::process::wire::{Descriptor, pack, unpack};

/// A packed value of somebody.
pub type Bytes = Vec<u8>;

/// The number of an object.
pub type Id = u64;

/// What a proxy asks for.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// A new object: answered by its number.
    New(Object),
    /// The bytes of a value.
    Get(Id),
    /// Other bytes for a value.
    Set(Id, Bytes),
    /// More items at the end of a list.
    Extend(Id, Vec<Bytes>),
    /// The last item of a list, taken out of it.
    Pop(Id),
    /// All items of a list, in order.
    Items(Id),
    /// Items of a list, or entries of a dictionary.
    Length(Id),
    /// One item of a list.
    At(Id, u64),
    /// Another item in the place of one of a list.
    Replace(Id, u64, Bytes),
    /// A value for a key: answered by the one before.
    Insert(Id, Bytes, Bytes),
    /// The value of a key.
    Lookup(Id, Bytes),
    /// The value of a key, taken out.
    Remove(Id, Bytes),
    /// All keys and values, in the order of the keys' bytes.
    Entries(Id),
    /// Nothing is left in a list or dictionary.
    Clear(Id),
}

/// What the server says to it.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    /// It is done.
    Done,
    /// The number of an object, or how many there are.
    Number(u64),
    /// What was asked for, if it is there.
    Found(Option<Bytes>),
    /// Several.
    All(Vec<Bytes>),
    /// Keys and values.
    Pairs(Vec<(Bytes, Bytes)>),
    /// It cannot be done.
    Refused(String),
}

/// What the server owns.
#[derive(Debug, Serialize, Deserialize)]
pub enum Object {
    /// One value.
    Value(Bytes),
    /// A list.
    List(Vec<Bytes>),
    /// A dictionary.
    Dict(BTreeMap<Bytes, Bytes>),
}

/// The objects.
#[derive(Default)]
struct Objects {
    all: HashMap<Id, Object>,
    made: Id,
}

impl Objects {
    fn answer(&mut self, request: Request) -> Reply {
        self.try_answer(request).unwrap_or_else(Reply::Refused)
    }

    fn try_answer(&mut self, request: Request) -> Result<Reply, String> {
        Ok(match request {
            Request::New(object) => {
                self.made += 1;
                self.all.insert(self.made, object);
                Reply::Number(self.made)
            }
            Request::Get(id) => Reply::Found(Some(self.value(id)?.clone())),
            Request::Set(id, bytes) => {
                *self.value(id)? = bytes;
                Reply::Done
            }
            Request::Extend(id, items) => {
                self.list(id)?.extend(items);
                Reply::Done
            }
            Request::Pop(id) => Reply::Found(self.list(id)?.pop()),
            Request::Items(id) => Reply::All(self.list(id)?.clone()),
            Request::At(id, at) => Reply::Found(Some(self.item(id, at)?.clone())),
            Request::Replace(id, at, bytes) => {
                *self.item(id, at)? = bytes;
                Reply::Done
            }
            Request::Insert(id, key, bytes) => Reply::Found(self.dict(id)?.insert(key, bytes)),
            Request::Lookup(id, key) => Reply::Found(self.dict(id)?.get(&key).cloned()),
            Request::Remove(id, key) => Reply::Found(self.dict(id)?.remove(&key)),
            Request::Entries(id) => Reply::Pairs(self.dict(id)?.clone().into_iter().collect()),
            Request::Length(id) => Reply::Number(match self.object(id)? {
                Object::Value(_) => return Err("a value has no length".to_string()),
                Object::List(list) => list.len() as u64,
                Object::Dict(dict) => dict.len() as u64,
            }),
            Request::Clear(id) => {
                match self.object(id)? {
                    Object::Value(_) => return Err("a value cannot be empty".to_string()),
                    Object::List(list) => list.clear(),
                    Object::Dict(dict) => dict.clear(),
                }
                Reply::Done
            }
        })
    }

    fn object(&mut self, id: Id) -> Result<&mut Object, String> {
        self.all.get_mut(&id).ok_or_else(|| format!("there is no object {id}"))
    }

    fn value(&mut self, id: Id) -> Result<&mut Bytes, String> {
        match self.object(id)? {
            Object::Value(value) => Ok(value),
            _ => Err(format!("object {id} is no value")),
        }
    }

    fn list(&mut self, id: Id) -> Result<&mut Vec<Bytes>, String> {
        match self.object(id)? {
            Object::List(list) => Ok(list),
            _ => Err(format!("object {id} is no list")),
        }
    }

    fn item(&mut self, id: Id, at: u64) -> Result<&mut Bytes, String> {
        let list = self.list(id)?;
        let len = list.len();
        list.get_mut(at as usize).ok_or_else(|| format!("there is no item {at} in a list of {len}"))
    }

    fn dict(&mut self, id: Id) -> Result<&mut BTreeMap<Bytes, Bytes>, String> {
        match self.object(id)? {
            Object::Dict(dict) => Ok(dict),
            _ => Err(format!("object {id} is no dictionary")),
        }
    }
}

/// The server's life: until its parent kills it.
pub fn serve(door: Frames) -> Result<(), Error> {
    let (mut objects, mut clients) = (Objects::default(), Vec::<Frames>::new());
    loop {
        let everybody = std::iter::once(&door).chain(&clients);
        let mut watched: Vec<PollFd<'_>> =
            everybody.map(|frames| PollFd::new(frames.as_fd(), PollFlags::POLLIN)).collect();
        match poll(&mut watched, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::system("wait for requests", errno.into())),
        }
        let ready: Vec<bool> = watched.iter().map(|fd| fd.any().unwrap_or(false)).collect();
        let mut is_ready = ready[1..].iter();
        clients.retain(|client| {
            !is_ready.next().is_some_and(|ready| *ready) || attend(&mut objects, client).is_ok()
        });
        if ready[0] {
            // Whoever knocks brings one end of a socket pair. One that cannot
            // be taken in hears that the other end is gone.
            if let Ok(Descriptor(socket)) = door.receive(Patience::Endless).and_then(unpack) {
                clients.push(Frames::from(socket));
            }
        }
    }
}

/// One request of a client, and its answer. A client waits for its answer
/// before it asks again, so there is room for it.
fn attend(objects: &mut Objects, client: &Frames) -> Result<(), Error> {
    let request = unpack(client.receive(Patience::For(std::time::Duration::ZERO))?)?;
    let reply = pack(&objects.answer(request))?;
    client.send(&reply, Patience::For(std::time::Duration::ZERO))
}
