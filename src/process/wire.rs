//! Values as messages: bytes, and descriptors beside them.
//!
//! The bytes are [postcard](https://postcard.jamesmunns.com): short, without
//! names, and read back only as the type that wrote them. A descriptor cannot
//! be bytes. While a value is packed it puts its descriptors ([`Descriptor`])
//! into a list beside the bytes and writes its place there; unpacking takes it
//! out again. So connections, queues and shared memory may be parts of any
//! message, as Python's can be pickled for a child.

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;

use super::Error;

/// A packed value. Short ones need no memory from the allocator, which in a
/// child that was forked a moment ago costs more than all else: each page of
/// the allocator's that it writes to must be copied for it first.
pub type Bytes = SmallVec<[u8; 128]>;

/// What travels: bytes, and the descriptors that they refer to.
#[derive(Debug, Default)]
pub struct Message {
    /// The value.
    pub(super) bytes: Bytes,
    /// Its descriptors, in the order of their numbers in `bytes`.
    pub(super) descriptors: Vec<OwnedFd>,
}

impl From<Bytes> for Message {
    /// A message without descriptors.
    fn from(bytes: Bytes) -> Message {
        Message { bytes, descriptors: Vec::new() }
    }
}

thread_local! {
    /// Those of the message that is being packed or unpacked.
    static DESCRIPTORS: RefCell<Option<Vec<Option<OwnedFd>>>> = const { RefCell::new(None) };
}

/// Packs a value.
///
/// # Errors
/// Where the value refuses, or descriptors run out.
pub fn pack<T: Serialize + ?Sized>(value: &T) -> Result<Message, Error> {
    let outer = DESCRIPTORS.replace(Some(Vec::new()));
    let bytes = postcard::to_extend(value, Bytes::new());
    let descriptors = DESCRIPTORS.replace(outer).unwrap_or_default();
    let bytes = bytes.map_err(|error| Error::CannotPack { why: error.to_string() })?;
    Ok(Message { bytes, descriptors: descriptors.into_iter().flatten().collect() })
}

/// Unpacks what [`pack`] packed, as the same type.
///
/// # Errors
/// [`Error::Garbage`] where the bytes are no such value. How much memory it
/// takes is bounded by the bytes that are there, not by what they claim.
pub fn unpack<T: DeserializeOwned>(message: Message) -> Result<T, Error> {
    let own = message.descriptors.into_iter().map(Some).collect();
    let outer = DESCRIPTORS.replace(Some(own));
    let value = postcard::take_from_bytes(&message.bytes);
    DESCRIPTORS.set(outer);
    match value {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(Error::garbage(format!("{} bytes are left over", rest.len()))),
        Err(error) => Err(Error::garbage(error.to_string())),
    }
}

/// A descriptor as a part of a value. What is sent is a copy.
#[derive(Debug)]
pub struct Descriptor(pub OwnedFd);

/// Writes a copy of `descriptor`.
///
/// # Errors
/// Outside a message, or where descriptors run out.
pub fn serialize<S: Serializer>(
    descriptor: BorrowedFd<'_>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let copy = descriptor.try_clone_to_owned().map_err(S::Error::custom)?;
    let place = DESCRIPTORS.with_borrow_mut(|list| {
        let list = list.as_mut().ok_or("descriptors travel in messages between processes only")?;
        list.push(Some(copy));
        Ok::<usize, &str>(list.len() - 1)
    });
    place.map_err(S::Error::custom)?.serialize(serializer)
}

impl Serialize for Descriptor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self.0.as_fd(), serializer)
    }
}

impl<'de> Deserialize<'de> for Descriptor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let place = usize::deserialize(deserializer)?;
        let taken = DESCRIPTORS.with_borrow_mut(|list| list.as_mut()?.get_mut(place)?.take());
        taken.map(Descriptor).ok_or_else(|| D::Error::custom("a descriptor is missing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_descriptor_travels_beside_the_bytes() {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let value = ("before", Descriptor(writer.into()), "after");
        let message = pack(&value).expect("a message");
        drop(value);
        let (_, writer, _): (String, Descriptor, String) = unpack(message).expect("a value");
        std::io::Write::write_all(&mut std::fs::File::from(writer.0), b"x").expect("a writer");
        assert_eq!(std::io::read_to_string(reader).expect("a reader"), "x");
    }

    #[test]
    fn a_descriptor_is_no_text() {
        let (reader, _) = std::io::pipe().expect("a pipe");
        assert!(serde_json::to_string(&Descriptor(reader.into())).is_err());
    }

    #[test]
    fn a_length_beyond_all_memory_is_an_error_and_no_allocation() {
        // 2^60 items, as postcard writes it, and none of them.
        let bytes = vec![0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
        for bytes in [bytes.clone(), [bytes, vec![1; 100]].concat()] {
            let refused =
                unpack::<Vec<u64>>(Bytes::from_vec(bytes).into()).expect_err("there is nothing");
            assert!(matches!(refused, Error::Garbage { .. }), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(value: (u64, i128, String, Vec<Option<f64>>)) {
            let message = pack(&value).expect("a message");
            let back: (u64, i128, String, Vec<Option<f64>>) = unpack(message).expect("a value");
            prop_assert_eq!(format!("{value:?}"), format!("{back:?}"));
        }

        #[test]
        fn garbage_is_an_error_or_a_value_but_never_more(bytes: Vec<u8>) {
            drop(unpack::<Vec<(String, Descriptor)>>(Bytes::from_vec(bytes).into()));
        }
    }
}
