//! Proxies of the objects that a manager owns.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::AsFd as _;
use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::client::Client;
use super::server::{Bytes, Id, Request};
use crate::process::Error;
use crate::process::socket::MessageSocket;
use crate::process::wire::{self, Descriptor, pack, unpack};

/// Common part of all proxies: the id of the object and the connection.
pub struct Proxy<T> {
    client: Rc<Client>,
    id: Id,
    items: PhantomData<fn(T) -> T>,
}

impl<T> Proxy<T> {
    /// Makes a proxy of the object with this id.
    pub fn new(client: &Rc<Client>, id: Id) -> Proxy<T> {
        Proxy { client: Rc::clone(client), id, items: PhantomData }
    }

    /// Sends a request for the object of this proxy.
    fn request<R: DeserializeOwned>(
        &self,
        request: impl FnOnce(Id) -> Request,
    ) -> Result<R, Error> {
        self.client.request(&request(self.id))
    }

    /// Sends a request that is answered by a packed value or `None`.
    fn request_value<V: DeserializeOwned>(
        &self,
        request: impl FnOnce(Id) -> Request,
    ) -> Result<Option<V>, Error> {
        self.request::<Option<Bytes>>(request)?.map(from_bytes).transpose()
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
        let connector = self.client.as_fd().try_clone_to_owned();
        let connector = connector.map_err(serde::ser::Error::custom)?;
        (Descriptor(connector), self.id).serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Proxy<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (connector, id) = <(Descriptor, Id)>::deserialize(deserializer)?;
        let client = Rc::new(Client::new(MessageSocket::from(connector.0)));
        Ok(Proxy { client, id, items: PhantomData })
    }
}

/// A value that a manager owns. Two calls are two requests: another process may
/// change the value between a `get` and a `set`, as with Python's.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Value<T>(pub(super) Proxy<T>);

impl<T: Serialize + DeserializeOwned> Value<T> {
    /// Gets the value.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the manager has ended.
    pub fn get(&self) -> Result<T, Error> {
        from_bytes(self.0.request(Request::Get)?)
    }

    /// Sets the value.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the manager has ended.
    pub fn set(&self, value: &T) -> Result<(), Error> {
        let bytes = to_bytes(value)?;
        self.0.request(|id| Request::Set(id, bytes))
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
    /// [`Error::Disconnected`] if the manager has ended.
    pub fn push(&self, item: &T) -> Result<(), Error> {
        self.extend(std::slice::from_ref(item))
    }

    /// Appends several items in one request: no other process can insert items
    /// between them.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the manager has ended.
    pub fn extend(&self, items: &[T]) -> Result<(), Error> {
        let items = items.iter().map(to_bytes).collect::<Result<_, _>>()?;
        self.0.request(|id| Request::Extend(id, items))
    }

    /// Removes and returns the last item; each item is returned to one process
    /// only. `None` if the list is empty, where Python raises an IndexError.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the manager has ended.
    pub fn pop(&self) -> Result<Option<T>, Error> {
        self.0.request_value(Request::Pop)
    }

    /// Gets the item at this index, from 0.
    ///
    /// # Errors
    /// [`Error::Rejected`] if there is none.
    pub fn get(&self, index: usize) -> Result<T, Error> {
        from_bytes(self.0.request(|id| Request::GetItem(id, index as u64))?)
    }

    /// Replaces the item at this index.
    ///
    /// # Errors
    /// [`Error::Rejected`] if there is none.
    pub fn set(&self, index: usize, item: &T) -> Result<(), Error> {
        let bytes = to_bytes(item)?;
        self.0.request(|id| Request::SetItem(id, index as u64, bytes))
    }

    /// Gets all items, in order.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the manager has ended.
    pub fn to_vec(&self) -> Result<Vec<T>, Error> {
        let items: Vec<Bytes> = self.0.request(Request::Items)?;
        items.into_iter().map(from_bytes).collect()
    }

    /// Number of items.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the manager has ended.
    pub fn len(&self) -> Result<usize, Error> {
        self.0.request(Request::Length)
    }

    /// Returns whether it is empty.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the manager has ended.
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.len()? == 0)
    }

    /// Removes all items.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the manager has ended.
    pub fn clear(&self) -> Result<(), Error> {
        self.0.request(Request::Clear)
    }
}

/// A dictionary that a manager owns. Two keys are equal if their packed bytes
/// are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Dict<K, V>(pub(super) Proxy<(K, V)>);

impl<K, V> Dict<K, V>
where
    K: Serialize + DeserializeOwned,
    V: Serialize + DeserializeOwned,
{
    /// Sets the value of a key, and returns the previous one.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the manager has ended.
    pub fn insert(&self, key: &K, value: &V) -> Result<Option<V>, Error> {
        let (key, value) = (to_bytes(key)?, to_bytes(value)?);
        self.0.request_value(|id| Request::Insert(id, key, value))
    }

    /// Gets the value of a key.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the manager has ended.
    pub fn get(&self, key: &K) -> Result<Option<V>, Error> {
        let key = to_bytes(key)?;
        self.0.request_value(|id| Request::Lookup(id, key))
    }

    /// Removes a key, and returns its value.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the manager has ended.
    pub fn remove(&self, key: &K) -> Result<Option<V>, Error> {
        let key = to_bytes(key)?;
        self.0.request_value(|id| Request::Remove(id, key))
    }

    /// Gets all entries, in an unspecified order.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the manager has ended.
    pub fn entries(&self) -> Result<Vec<(K, V)>, Error> {
        let pairs: Vec<(Bytes, Bytes)> = self.0.request(Request::Entries)?;
        pairs.into_iter().map(|(key, value)| Ok((from_bytes(key)?, from_bytes(value)?))).collect()
    }

    /// Number of entries.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the manager has ended.
    pub fn len(&self) -> Result<usize, Error> {
        self.0.request(Request::Length)
    }

    /// Returns whether it is empty.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the manager has ended.
    pub fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.len()? == 0)
    }
}

/// Packs a value without descriptors: the server keeps bytes only.
pub fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Bytes, Error> {
    let message = pack(value)?;
    if message.descriptors.is_empty() {
        Ok(message.bytes.into_vec())
    } else {
        Err(Error::CannotPack { reason: "a manager cannot keep descriptors".to_string() })
    }
}

/// Unpacks a value that [`to_bytes`] has packed.
fn from_bytes<T: DeserializeOwned>(bytes: Bytes) -> Result<T, Error> {
    unpack(wire::Bytes::from_vec(bytes).into())
}
