//! A manager: a process that owns values, lists and dictionaries, for others
//! that hold proxies of them.
//!
//! A proxy asks over a connection of its process to the server. Where Python's
//! manager listens at an address and checks a password, this one has no
//! address: whoever wants a connection makes a socket pair and hands one end of
//! it through the *door*, a socket that only the manager's own relatives have.
//! A stranger has nothing to connect to.

mod server;

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{AsFd as _, OwnedFd};
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::child::Child;
use super::frame::{Frames, Patience};
use super::function::{Call, Callable};
use super::start::Process;
use super::wire::{self, Descriptor, Message, pack, unpack};
use super::{Error, family};
use server::{Bytes, Id, Object, Reply, Request, serve};

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
/// its objects are gone.
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
        Ok(Proxy { client: Rc::clone(&self.client), id, items: PhantomData })
    }
}

/// What the proxies of a process share: the door, and a connection of its own.
struct Client {
    door: Frames,
    /// The connection, and the process that made it: a forked child that used
    /// its parent's would read its parent's answers.
    connection: RefCell<Option<(u32, Frames)>>,
}

impl Client {
    fn new(door: Frames) -> Client {
        Client { door, connection: RefCell::new(None) }
    }

    fn ask(&self, request: &Request) -> Result<Reply, Error> {
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

    fn number(&self, request: &Request) -> Result<u64, Error> {
        match self.ask(request)? {
            Reply::Number(number) => Ok(number),
            other => Err(unexpected(&other)),
        }
    }

    fn found(&self, request: &Request) -> Result<Option<Bytes>, Error> {
        match self.ask(request)? {
            Reply::Found(bytes) => Ok(bytes),
            other => Err(unexpected(&other)),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.door).finish()
    }
}

fn unexpected(reply: &Reply) -> Error {
    Error::garbage(format!("an answer to another question: {reply:?}"))
}

/// A value as bytes. It may not hold descriptors: the server keeps bytes only.
fn bytes<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, Error> {
    let message = pack(value)?;
    if message.descriptors.is_empty() {
        Ok(message.bytes.into_vec())
    } else {
        Err(Error::CannotPack { why: "a manager keeps no descriptors".to_string() })
    }
}

fn value_of<T: DeserializeOwned>(bytes: Bytes) -> Result<T, Error> {
    unpack(wire::Bytes::from_vec(bytes).into())
}

/// What every proxy is: an object's number, and whom to ask.
struct Proxy<T> {
    client: Rc<Client>,
    id: Id,
    items: PhantomData<fn(T) -> T>,
}

impl<T> Clone for Proxy<T> {
    fn clone(&self) -> Self {
        Proxy { client: Rc::clone(&self.client), ..*self }
    }
}

impl<T> fmt::Debug for Proxy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<T> Serialize for Proxy<T> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        let door = self.client.door.as_fd().try_clone_to_owned();
        let door = door.map_err(serde::ser::Error::custom)?;
        (Descriptor(door), self.id).serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Proxy<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (door, id) = <(Descriptor, Id)>::deserialize(deserializer)?;
        let client = Rc::new(Client::new(Frames::from(door.0)));
        Ok(Proxy { client, id, items: PhantomData })
    }
}

/// A value that a manager owns. Two calls are two requests: somebody else may
/// come between a `get` and a `set`, as with Python's.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Value<T>(Proxy<T>);

impl<T: Serialize + DeserializeOwned> Value<T> {
    /// What it is.
    ///
    /// # Errors
    /// [`Error::Ended`] if the manager is gone.
    pub fn get(&self) -> Result<T, Error> {
        let found = self.0.client.found(&Request::Get(self.0.id))?;
        value_of(found.unwrap_or_default())
    }

    /// Makes it another.
    ///
    /// # Errors
    /// [`Error::Ended`] if the manager is gone.
    pub fn set(&self, value: &T) -> Result<(), Error> {
        self.0.client.ask(&Request::Set(self.0.id, bytes(value)?)).map(drop)
    }
}

/// A list that a manager owns.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct List<T>(Proxy<T>);

impl<T: Serialize + DeserializeOwned> List<T> {
    /// Appends an item.
    ///
    /// # Errors
    /// [`Error::Ended`] if the manager is gone.
    pub fn push(&self, item: &T) -> Result<(), Error> {
        self.extend(std::slice::from_ref(item))
    }

    /// Appends several in one request: nobody else's come between.
    ///
    /// # Errors
    /// [`Error::Ended`] if the manager is gone.
    pub fn extend(&self, items: &[T]) -> Result<(), Error> {
        let items = items.iter().map(bytes).collect::<Result<_, _>>()?;
        self.0.client.ask(&Request::Extend(self.0.id, items)).map(drop)
    }

    /// Takes the last item out; nobody else gets the same. `None` if it is
    /// empty, where Python raises an IndexError.
    ///
    /// # Errors
    /// [`Error::Ended`] if the manager is gone.
    pub fn pop(&self) -> Result<Option<T>, Error> {
        self.0.client.found(&Request::Pop(self.0.id))?.map(value_of).transpose()
    }

    /// The item at that place, from 0.
    ///
    /// # Errors
    /// [`Error::Refused`] if there is none.
    pub fn get(&self, at: usize) -> Result<T, Error> {
        let found = self.0.client.found(&Request::At(self.0.id, at as u64))?;
        value_of(found.unwrap_or_default())
    }

    /// Puts another item at that place.
    ///
    /// # Errors
    /// [`Error::Refused`] if there is none.
    pub fn set(&self, at: usize, item: &T) -> Result<(), Error> {
        let request = Request::Replace(self.0.id, at as u64, bytes(item)?);
        self.0.client.ask(&request).map(drop)
    }

    /// All items, in order.
    ///
    /// # Errors
    /// [`Error::Ended`] if the manager is gone.
    pub fn to_vec(&self) -> Result<Vec<T>, Error> {
        match self.0.client.ask(&Request::Items(self.0.id))? {
            Reply::All(items) => items.into_iter().map(value_of).collect(),
            other => Err(unexpected(&other)),
        }
    }

    /// How many items it has.
    ///
    /// # Errors
    /// [`Error::Ended`] if the manager is gone.
    pub fn len(&self) -> Result<usize, Error> {
        Ok(self.0.client.number(&Request::Length(self.0.id))? as usize)
    }

    /// Whether it has none.
    ///
    /// # Errors
    /// [`Error::Ended`] if the manager is gone.
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.len()? == 0)
    }

    /// Removes all items.
    ///
    /// # Errors
    /// [`Error::Ended`] if the manager is gone.
    pub fn clear(&self) -> Result<(), Error> {
        self.0.client.ask(&Request::Clear(self.0.id)).map(drop)
    }
}

/// A dictionary that a manager owns. Two keys are the same if they are packed
/// into the same bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Dict<K, V>(Proxy<(K, V)>);

impl<K, V> Dict<K, V>
where
    K: Serialize + DeserializeOwned,
    V: Serialize + DeserializeOwned,
{
    /// Sets the value of a key, and returns the one before.
    ///
    /// # Errors
    /// [`Error::Ended`] if the manager is gone.
    pub fn insert(&self, key: &K, value: &V) -> Result<Option<V>, Error> {
        let request = Request::Insert(self.0.id, bytes(key)?, bytes(value)?);
        self.0.client.found(&request)?.map(value_of).transpose()
    }

    /// The value of a key.
    ///
    /// # Errors
    /// [`Error::Ended`] if the manager is gone.
    pub fn get(&self, key: &K) -> Result<Option<V>, Error> {
        let found = self.0.client.found(&Request::Lookup(self.0.id, bytes(key)?))?;
        found.map(value_of).transpose()
    }

    /// Takes the value of a key out.
    ///
    /// # Errors
    /// [`Error::Ended`] if the manager is gone.
    pub fn remove(&self, key: &K) -> Result<Option<V>, Error> {
        let found = self.0.client.found(&Request::Remove(self.0.id, bytes(key)?))?;
        found.map(value_of).transpose()
    }

    /// All entries, in no order that means anything.
    ///
    /// # Errors
    /// [`Error::Ended`] if the manager is gone.
    pub fn entries(&self) -> Result<Vec<(K, V)>, Error> {
        match self.0.client.ask(&Request::Entries(self.0.id))? {
            Reply::Pairs(pairs) => {
                pairs.into_iter().map(|(k, v)| Ok((value_of(k)?, value_of(v)?))).collect()
            }
            other => Err(unexpected(&other)),
        }
    }

    /// How many entries it has.
    ///
    /// # Errors
    /// [`Error::Ended`] if the manager is gone.
    pub fn len(&self) -> Result<usize, Error> {
        Ok(self.0.client.number(&Request::Length(self.0.id))? as usize)
    }

    /// Whether it has none.
    ///
    /// # Errors
    /// [`Error::Ended`] if the manager is gone.
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.len()? == 0)
    }
}
