//! Encoding of values as messages: bytes, and descriptors beside them.
//!
//! The bytes are [postcard](https://postcard.jamesmunns.com): short, without
//! names, and readable only as the type that was written. A descriptor cannot be
//! encoded as bytes. While a value is packed, each [`Descriptor`] in it is pushed
//! on a list beside the bytes and encoded as its index; unpacking takes it out
//! again. So connections, queues and shared memory may be parts of any message,
//! as Python's can be pickled for a child.

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;

use super::Error;

/// A packed value. Short ones need no allocation. In a child that was just forked
/// an allocation costs more than everything else: each page of the allocator
/// that the child writes to must be copied first.
pub type Bytes = SmallVec<[u8; 128]>;

/// A packed value with the descriptors that it refers to.
#[derive(Debug, Default)]
pub struct Message {
    /// The packed value.
    pub(super) bytes: Bytes,
    /// Descriptors; `bytes` contains their indices.
    pub(super) descriptors: Vec<OwnedFd>,
}

impl From<Bytes> for Message {
    /// Makes a message without descriptors.
    fn from(bytes: Bytes) -> Message {
        Message { bytes, descriptors: Vec::new() }
    }
}

thread_local! {
    /// Descriptors of the message that is being packed or unpacked.
    static DESCRIPTORS: RefCell<Option<Vec<Option<OwnedFd>>>> = const { RefCell::new(None) };
}

/// Packs a value.
///
/// # Errors
/// Where the value cannot be serialized, or descriptors run out.
pub fn pack<T: Serialize + ?Sized>(value: &T) -> Result<Message, Error> {
    let outer = DESCRIPTORS.replace(Some(Vec::new()));
    let bytes = postcard::to_extend(value, Bytes::new());
    let descriptors = DESCRIPTORS.replace(outer).unwrap_or_default();
    let bytes = bytes.map_err(|error| Error::CannotPack { reason: error.to_string() })?;
    Ok(Message { bytes, descriptors: descriptors.into_iter().flatten().collect() })
}

/// Unpacks a value of the type that [`pack`] has packed.
///
/// # Errors
/// [`Error::InvalidMessage`] where the bytes are no such value. The memory used
/// is bounded by the number of bytes received, not by the lengths in them.
pub fn unpack<T: DeserializeOwned>(message: Message) -> Result<T, Error> {
    let descriptors = message.descriptors.into_iter().map(Some).collect();
    // A value may pack or unpack another one inside it.
    let outer = DESCRIPTORS.replace(Some(descriptors));
    let value = postcard::take_from_bytes(&message.bytes);
    DESCRIPTORS.set(outer);
    match value {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(Error::invalid(format!("{} extra bytes", rest.len()))),
        Err(error) => Err(Error::invalid(error.to_string())),
    }
}

/// A descriptor as a part of a value. The receiver gets a copy.
#[derive(Debug)]
pub struct Descriptor(pub OwnedFd);

/// Serializes a copy of `descriptor`.
///
/// # Errors
/// Outside a message, or where descriptors run out.
pub fn serialize<S: Serializer>(
    descriptor: BorrowedFd<'_>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let copy = descriptor.try_clone_to_owned().map_err(S::Error::custom)?;
    let index = DESCRIPTORS.with_borrow_mut(|list| {
        let list =
            list.as_mut().ok_or("a descriptor can be sent in a message to another process only")?;
        list.push(Some(copy));
        Ok::<usize, &str>(list.len() - 1)
    });
    index.map_err(S::Error::custom)?.serialize(serializer)
}

impl Serialize for Descriptor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self.0.as_fd(), serializer)
    }
}

impl<'de> Deserialize<'de> for Descriptor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let index = usize::deserialize(deserializer)?;
        let descriptor = DESCRIPTORS.with_borrow_mut(|list| list.as_mut()?.get_mut(index)?.take());
        descriptor.map(Descriptor).ok_or_else(|| D::Error::custom("a descriptor is missing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_descriptor_is_sent_beside_the_bytes() {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let value = ("before", Descriptor(writer.into()), "after");
        let message = pack(&value).expect("a message");
        drop(value);
        let (_, writer, _): (String, Descriptor, String) = unpack(message).expect("a value");
        std::io::Write::write_all(&mut std::fs::File::from(writer.0), b"x").expect("a writer");
        assert_eq!(std::io::read_to_string(reader).expect("a reader"), "x");
    }

    #[test]
    fn a_descriptor_cannot_be_json() {
        let (reader, _) = std::io::pipe().expect("a pipe");
        assert!(serde_json::to_string(&Descriptor(reader.into())).is_err());
    }

    #[test]
    fn an_impossible_length_is_an_error_without_allocation() {
        // A length of 2^60 items in postcard, without the items.
        let bytes = vec![0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
        for bytes in [bytes.clone(), [bytes, vec![1; 100]].concat()] {
            let error =
                unpack::<Vec<u64>>(Bytes::from_vec(bytes).into()).expect_err("no such items");
            assert!(matches!(error, Error::InvalidMessage { .. }), "{error}");
        }
    }

    proptest! {
        #[test]
        fn unpack_inverts_pack(value: (u64, i128, String, Vec<Option<f64>>)) {
            let message = pack(&value).expect("a message");
            let back: (u64, i128, String, Vec<Option<f64>>) = unpack(message).expect("a value");
            prop_assert_eq!(format!("{value:?}"), format!("{back:?}"));
        }

        #[test]
        fn arbitrary_bytes_give_an_error_or_a_value(bytes: Vec<u8>) {
            drop(unpack::<Vec<(String, Descriptor)>>(Bytes::from_vec(bytes).into()));
        }
    }
}
