//! Sockets that carry whole messages.
//!
//! On a stream of bytes, a process that dies inside a message leaves every
//! reader in the middle of it for ever. A `SOCK_SEQPACKET` socket passes whole
//! packets or nothing, to any number of readers and from any number of writers,
//! without a lock that a dying process could hold.
//!
//! A packet holds up to [`INLINE_BYTES`] of a message. A larger message is
//! written into a memfd, anonymous memory that is sealed so that nobody can
//! change it any more, and the packet carries its descriptor. So a message of
//! any size is sent at once, whether or not the peer is reading.

use std::fs::File;
use std::io::{self, IoSlice, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::SealFlag;
use nix::poll::PollFlags;
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, setsockopt, socketpair,
    sockopt,
};

use super::Error;
use super::memory::{memfd, memfd_info, seal};
use super::system::{self, MAX_DESCRIPTORS, wait_for};
use super::wire::Message;

/// Largest message that travels in the packet itself, in bytes.
pub const INLINE_BYTES: usize = 1024;

/// First byte of a packet that contains its message.
const INLINE: u8 = 0;

/// First byte of a packet whose message is in the first descriptor; the length
/// follows, as a `u64`.
const SEALED: u8 = 1;

/// Seals that make a memfd immutable.
const SEALS: SealFlag = SealFlag::F_SEAL_SHRINK
    .union(SealFlag::F_SEAL_GROW)
    .union(SealFlag::F_SEAL_WRITE)
    .union(SealFlag::F_SEAL_SEAL);

/// Longest time that a call may block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// Waits without a limit.
    Never,
    /// Waits at most for this time; zero means not at all.
    After(Duration),
}

/// One end of a socket pair.
#[derive(Debug)]
pub struct MessageSocket {
    socket: OwnedFd,
}

impl MessageSocket {
    /// Makes a pair of connected ends.
    ///
    /// # Errors
    /// Where descriptors run out.
    pub fn pair() -> io::Result<(MessageSocket, MessageSocket)> {
        let (family, flags) = (AddressFamily::Unix, SockFlag::SOCK_CLOEXEC);
        let (one, other) = socketpair(family, SockType::SeqPacket, None, flags)?;
        Ok((MessageSocket { socket: one }, MessageSocket { socket: other }))
    }

    /// Sets how many bytes may wait in the socket, the kernel's own bookkeeping
    /// included (some 700 bytes a packet).
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn set_buffer_size(&self, bytes: usize) -> io::Result<()> {
        Ok(setsockopt(&self.socket, sockopt::SndBuf, &bytes)?)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the other end is closed, [`Error::TimedOut`] if
    /// the socket stayed full, [`Error::System`] if there is no memory for a
    /// large message.
    pub fn send(&self, message: &Message, timeout: Timeout) -> Result<(), Error> {
        if message.descriptors.len() >= MAX_DESCRIPTORS {
            let reason = format!("a message holds at most {} descriptors", MAX_DESCRIPTORS - 1);
            return Err(Error::CannotPack { reason });
        }
        let mut descriptors: Vec<RawFd> = Vec::new();
        let large;
        let length = (message.bytes.len() as u64).to_ne_bytes();
        let packet = if message.bytes.len() <= INLINE_BYTES {
            [IoSlice::new(&[INLINE]), IoSlice::new(&message.bytes)]
        } else {
            large = sealed_memfd(&message.bytes)
                .map_err(|source| Error::system("find memory for a large message", source))?;
            descriptors.push(large.as_raw_fd());
            [IoSlice::new(&[SEALED]), IoSlice::new(&length)]
        };
        descriptors.extend(message.descriptors.iter().map(|fd| fd.as_raw_fd()));
        let rights = [ControlMessage::ScmRights(&descriptors)];
        let rights = if descriptors.is_empty() { &[] } else { &rights[..] };
        self.retry_until_ready(PollFlags::POLLOUT, timeout, |flags| {
            let flags = flags | MsgFlags::MSG_NOSIGNAL;
            sendmsg::<()>(self.socket.as_raw_fd(), &packet, rights, flags, None).map(drop)
        })
    }

    /// Receives a message.
    ///
    /// # Errors
    /// [`Error::Disconnected`] if the other end is closed and nothing is left to
    /// read, [`Error::TimedOut`] if nothing arrived in time,
    /// [`Error::InvalidMessage`] if the packet is no message: it is removed, and
    /// the next one can be received.
    pub fn receive(&self, timeout: Timeout) -> Result<Message, Error> {
        let mut packet = [0; 1 + INLINE_BYTES];
        let (bytes, flags, descriptors) =
            self.retry_until_ready(PollFlags::POLLIN, timeout, |flags| {
                system::receive(self.as_fd(), &mut packet, flags)
            })?;
        if flags.contains(MsgFlags::MSG_CTRUNC) {
            let source = Errno::EMFILE.into();
            return Err(Error::system("receive the descriptors of a message", source));
        }
        if flags.contains(MsgFlags::MSG_TRUNC) {
            return Err(Error::invalid("the packet is longer than any valid one"));
        }
        match packet[..bytes] {
            [] => Err(Error::Disconnected),
            [INLINE, ref bytes @ ..] => Ok(Message { bytes: bytes.into(), descriptors }),
            [SEALED, ref length @ ..] => read_sealed(length, descriptors),
            [other, ..] => Err(Error::invalid(format!("unknown packet type {other}"))),
        }
    }

    /// Repeats `attempt` until the socket is ready for it or the time is over.
    fn retry_until_ready<T>(
        &self,
        event: PollFlags,
        timeout: Timeout,
        mut attempt: impl FnMut(MsgFlags) -> nix::Result<T>,
    ) -> Result<T, Error> {
        let (flags, deadline) = match timeout {
            Timeout::Never => (MsgFlags::empty(), None),
            // A deadline that the clock cannot represent is no limit.
            Timeout::After(time) => (MsgFlags::MSG_DONTWAIT, Instant::now().checked_add(time)),
        };
        loop {
            match attempt(flags) {
                Ok(done) => return Ok(done),
                // A reset is reported once, before the data that the peer had
                // sent in time.
                Err(Errno::EINTR | Errno::ECONNRESET) => {}
                Err(Errno::EAGAIN) => {
                    let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
                    if left.is_some_and(|left| left.is_zero()) {
                        return Err(Error::TimedOut);
                    }
                    let left = left.unwrap_or(Duration::from_secs(3600));
                    wait_for(self.socket.as_fd(), event, left)
                        .map_err(|source| Error::system("wait for a message", source))?;
                }
                Err(Errno::EPIPE) => return Err(Error::Disconnected),
                Err(errno) => return Err(Error::system("send or receive", errno.into())),
            }
        }
    }
}

impl AsFd for MessageSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl From<MessageSocket> for OwnedFd {
    fn from(socket: MessageSocket) -> OwnedFd {
        socket.socket
    }
}

impl From<OwnedFd> for MessageSocket {
    fn from(socket: OwnedFd) -> MessageSocket {
        MessageSocket { socket }
    }
}

/// Writes bytes into a memfd and makes it immutable.
fn sealed_memfd(bytes: &[u8]) -> io::Result<File> {
    let mut file = memfd(c"nthread message", bytes.len() as u64)?;
    file.write_all(bytes)?;
    seal(&file, SEALS)?;
    Ok(file)
}

/// Reads the message in a sealed memfd.
fn read_sealed(length: &[u8], mut descriptors: Vec<OwnedFd>) -> Result<Message, Error> {
    let Ok(length) = <[u8; 8]>::try_from(length).map(u64::from_ne_bytes) else {
        return Err(Error::invalid("a large message without a length"));
    };
    if descriptors.is_empty() {
        return Err(Error::invalid(format!("a message of {length} bytes without its memfd")));
    }
    let file = File::from(descriptors.remove(0));
    let unreadable = |source| Error::system("read a large message", source);
    // The sender is not trusted. The file must be sealed, so that it cannot
    // change while it is read; it must have the announced length; and it must be
    // allocated, so that we allocate no more memory than the sender has.
    let info = memfd_info(&file).map_err(unreadable)?;
    if !info.seals.contains(SEALS) || info.bytes != length || !info.is_allocated {
        let reason = format!("a message of {length} bytes in a memfd that is not sealed, complete");
        return Err(Error::invalid(reason + " and of that length"));
    }
    let mut bytes = Vec::new();
    let reserved = bytes.try_reserve_exact(length as usize);
    reserved.map_err(|_| unreadable(Errno::ENOMEM.into()))?;
    bytes.resize(length as usize, 0);
    file.read_exact_at(&mut bytes, 0).map_err(unreadable)?;
    Ok(Message { bytes: bytes.into(), descriptors })
}
