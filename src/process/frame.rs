//! Frames: messages over a socket pair that keeps their borders.
//!
//! Over a stream of bytes, whoever dies inside a message leaves all others in
//! the middle of it for ever. A `SOCK_SEQPACKET` socket hands over whole
//! packets or nothing, to any number of readers and from any number of
//! writers, without a lock that somebody could die with.
//!
//! A packet holds up to [`INLINE_BYTES`] of a message. A larger one is written
//! into a memfd, nameless memory that is sealed so that nobody can change it
//! any more, and the packet carries its descriptor. So a message of any size
//! is sent at once, whether or not somebody reads at the other end.

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

use super::child::wait_for;
use super::memory::{facts_of, memfd, seal};
use super::wire::Message;
use super::{Error, system};

/// Bytes of a message that travel in the packet itself.
pub const INLINE_BYTES: usize = 1024;

/// Descriptors of a message at most.
pub const MOST_DESCRIPTORS: usize = 32;

/// First byte of a packet whose message follows.
const INLINE: u8 = 0;

/// First byte of a packet whose message is in the first descriptor; its length
/// follows, as a `u64`.
const SEALED: u8 = 1;

/// No one can change what is sealed so.
const SEALS: SealFlag = SealFlag::F_SEAL_SHRINK
    .union(SealFlag::F_SEAL_GROW)
    .union(SealFlag::F_SEAL_WRITE)
    .union(SealFlag::F_SEAL_SEAL);

/// How long a call may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Until it happens.
    Endless,
    /// So long, and not at all if that is nothing.
    For(Duration),
}

/// One end of a socket pair.
#[derive(Debug)]
pub struct Frames {
    socket: OwnedFd,
}

impl Frames {
    /// A pair of connected ends.
    ///
    /// # Errors
    /// Where descriptors run out.
    pub fn pair() -> io::Result<(Frames, Frames)> {
        let (family, flags) = (AddressFamily::Unix, SockFlag::SOCK_CLOEXEC);
        let (one, other) = socketpair(family, SockType::SeqPacket, None, flags)?;
        Ok((Frames { socket: one }, Frames { socket: other }))
    }

    /// Sets how many bytes may wait in the socket, the kernel's own notes
    /// included (some 700 bytes a packet).
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn set_room(&self, bytes: usize) -> io::Result<()> {
        Ok(setsockopt(&self.socket, sockopt::SndBuf, &bytes)?)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`Error::Ended`] if the other end is gone, [`Error::TimedOut`] if there
    /// was no room for so long, [`Error::System`] if a large message finds no
    /// memory.
    pub fn send(&self, message: &Message, patience: Patience) -> Result<(), Error> {
        if message.descriptors.len() >= MOST_DESCRIPTORS {
            let why = format!("a message holds at most {} descriptors", MOST_DESCRIPTORS - 1);
            return Err(Error::CannotPack { why });
        }
        let mut descriptors: Vec<RawFd> = Vec::new();
        let large;
        let length = (message.bytes.len() as u64).to_ne_bytes();
        let packet = if message.bytes.len() <= INLINE_BYTES {
            [IoSlice::new(&[INLINE]), IoSlice::new(&message.bytes)]
        } else {
            large = sealed(&message.bytes)?;
            descriptors.push(large.as_raw_fd());
            [IoSlice::new(&[SEALED]), IoSlice::new(&length)]
        };
        descriptors.extend(message.descriptors.iter().map(|fd| fd.as_raw_fd()));
        let rights = [ControlMessage::ScmRights(&descriptors)];
        let rights = if descriptors.is_empty() { &[] } else { &rights[..] };
        self.when(PollFlags::POLLOUT, patience, |flags| {
            let flags = flags | MsgFlags::MSG_NOSIGNAL;
            sendmsg::<()>(self.socket.as_raw_fd(), &packet, rights, flags, None).map(drop)
        })
    }

    /// Receives a message.
    ///
    /// # Errors
    /// [`Error::Ended`] if the other end is gone and nothing is left,
    /// [`Error::TimedOut`] if nothing came for so long, [`Error::Garbage`] if
    /// what came is no message: it is gone then, and the next may be one.
    pub fn receive(&self, patience: Patience) -> Result<Message, Error> {
        let mut packet = [0; 1 + INLINE_BYTES];
        let (bytes, flags, descriptors) = self.when(PollFlags::POLLIN, patience, |flags| {
            system::receive(self.as_fd(), &mut packet, flags)
        })?;
        if flags.contains(MsgFlags::MSG_CTRUNC) {
            let source = Errno::EMFILE.into();
            return Err(Error::system("receive the descriptors of a message", source));
        }
        if flags.contains(MsgFlags::MSG_TRUNC) {
            return Err(Error::garbage("a packet is longer than any that is sent here"));
        }
        match packet[..bytes] {
            [] => Err(Error::Ended),
            [INLINE, ref bytes @ ..] => Ok(Message { bytes: bytes.into(), descriptors }),
            [SEALED, ref length @ ..] => open(length, descriptors),
            [other, ..] => Err(Error::garbage(format!("a packet begins with {other}"))),
        }
    }

    /// Does `attempt` once the socket is ready, or says why not.
    fn when<T>(
        &self,
        event: PollFlags,
        patience: Patience,
        mut attempt: impl FnMut(MsgFlags) -> nix::Result<T>,
    ) -> Result<T, Error> {
        let (flags, deadline) = match patience {
            Patience::Endless => (MsgFlags::empty(), None),
            // A time beyond all clocks is no limit.
            Patience::For(time) => (MsgFlags::MSG_DONTWAIT, Instant::now().checked_add(time)),
        };
        loop {
            match attempt(flags) {
                Ok(done) => return Ok(done),
                // A reset is told once, before what the peer sent in time.
                Err(Errno::EINTR | Errno::ECONNRESET) => {}
                Err(Errno::EAGAIN) => {
                    let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
                    if left.is_some_and(|left| left.is_zero()) {
                        return Err(Error::TimedOut);
                    }
                    let left = left.unwrap_or(Duration::from_secs(3600));
                    let ready = wait_for(self.socket.as_fd(), event, left);
                    ready.map_err(|source| Error::system("wait for a message", source))?;
                }
                Err(Errno::EPIPE) => return Err(Error::Ended),
                Err(errno) => return Err(Error::system("pass a message", errno.into())),
            }
        }
    }
}

impl AsFd for Frames {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl From<Frames> for OwnedFd {
    fn from(frames: Frames) -> OwnedFd {
        frames.socket
    }
}

impl From<OwnedFd> for Frames {
    fn from(socket: OwnedFd) -> Frames {
        Frames { socket }
    }
}

/// Bytes in memory that nobody can change.
fn sealed(bytes: &[u8]) -> Result<File, Error> {
    let no_memory = |source| Error::system("find memory for a large message", source);
    let mut file = memfd(c"nthread message", bytes.len() as u64).map_err(no_memory)?;
    file.write_all(bytes).map_err(no_memory)?;
    seal(&file, SEALS).map_err(no_memory)?;
    Ok(file)
}

/// The message in a sealed memfd. Nothing that its sender claims is believed:
/// the file must be sealed, so that it stays as it is; of the length that was
/// said; and its memory must be there, so that we allocate no more than the
/// sender has.
fn open(length: &[u8], mut descriptors: Vec<OwnedFd>) -> Result<Message, Error> {
    let Ok(length) = <[u8; 8]>::try_from(length).map(u64::from_ne_bytes) else {
        return Err(Error::garbage("a large message without a length"));
    };
    if descriptors.is_empty() {
        return Err(Error::garbage(format!("a message of {length} bytes without its memory")));
    }
    let file = File::from(descriptors.remove(0));
    let unreadable = |source| Error::system("read a large message", source);
    let facts = facts_of(&file).map_err(unreadable)?;
    if !facts.seals.contains(SEALS) || facts.bytes != length || !facts.is_whole {
        return Err(Error::garbage(format!("a message of {length} bytes that is not as it says")));
    }
    let mut bytes = Vec::new();
    let no_room = |_| unreadable(Errno::ENOMEM.into());
    bytes.try_reserve_exact(length as usize).map_err(no_room)?;
    bytes.resize(length as usize, 0);
    file.read_exact_at(&mut bytes, 0).map_err(unreadable)?;
    Ok(Message { bytes: bytes.into(), descriptors })
}
