//! Proxies: what stands in a process for an object of a manager.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::AsFd as _;
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::client::{Client, unexpected};
use super::server::{Bytes, Id, Reply, Request};
use crate::process::Error;
use crate::process::frame::Frames;
use crate::process::wire::{self, Descriptor, pack, unpack};

/// What every proxy is: an object's number, and whom to ask.
pub struct Proxy<T> {
    client: Rc<Client>,
    id: Id,
    items: PhantomData<fn(T) -> T>,
}

impl<T> Proxy<T> {
    /// A proxy of the object of that number.
    pub fn new(client: &Rc<Client>, id: Id) -> Proxy<T> {
        Proxy { client: Rc::clone(client), id, items: PhantomData }
    }
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
        let door = self.client.as_fd().try_clone_to_owned();
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
pub struct Value<T>(pub(super) Proxy<T>);

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
pub struct List<T>(pub(super) Proxy<T>);

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
pub struct Dict<K, V>(pub(super) Proxy<(K, V)>);

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

/// A value as bytes. It may not hold descriptors: the server keeps bytes only.
pub fn bytes<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, Error> {
    let message = pack(value)?;
    if message.descriptors.is_empty() {
        Ok(message.bytes.into_vec())
    } else {
        Err(Error::CannotPack { why: "a manager keeps no descriptors".to_string() })
    }
}

pub fn value_of<T: DeserializeOwned>(bytes: Bytes) -> Result<T, Error> {
    unpack(wire::Bytes::from_vec(bytes).into())
}
