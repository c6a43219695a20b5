//! Packets made by hand, for those that no process of this library sends.

use std::fs::File;
use std::io::{IoSlice, IoSliceMut, Write as _};
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg,
    sendmsg, socketpair,
};

/// Seals that the memory of a message must have.
pub const SEALED: SealFlag = SealFlag::all().difference(SealFlag::F_SEAL_FUTURE_WRITE);

/// A pair of sockets as those of a pipe.
pub fn sockets() -> (OwnedFd, OwnedFd) {
    let kind = SockType::SeqPacket;
    socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC).expect("sockets")
}

/// Sends a packet of these bytes and descriptors.
pub fn send(socket: BorrowedFd<'_>, bytes: &[u8], descriptors: &[RawFd]) {
    try_send(socket, bytes, descriptors).expect("somebody has the other end");
}

/// Sends a packet, unless the other end is closed or full.
pub fn try_send(socket: BorrowedFd<'_>, bytes: &[u8], descriptors: &[RawFd]) -> nix::Result<usize> {
    let rights = [ControlMessage::ScmRights(descriptors)];
    let rights = if descriptors.is_empty() { &[] } else { &rights[..] };
    let parts = [IoSlice::new(bytes)];
    sendmsg::<()>(socket.as_raw_fd(), &parts, rights, MsgFlags::MSG_NOSIGNAL, None)
}

/// Receives a packet: its bytes and descriptors. No bytes mean that the other end is closed.
pub fn receive(socket: BorrowedFd<'_>) -> (Vec<u8>, Vec<OwnedFd>) {
    let mut bytes = vec![0; 5000];
    let mut rights = nix::cmsg_space!([RawFd; 8]);
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let came = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut rights), flags);
    let came = came.expect("a packet or the end");
    let mut descriptors = Vec::new();
    for note in came.cmsgs().expect("whole") {
        if let ControlMessageOwned::ScmRights(numbers) = note {
            // SAFETY: the kernel has just made them for this process.
            let own = |number| unsafe { OwnedFd::from_raw_fd(number) };
            descriptors.extend(numbers.into_iter().map(own));
        }
    }
    let length = came.bytes;
    bytes.truncate(length);
    (bytes, descriptors)
}

/// A memfd with these bytes, of this length, and with these seals.
pub fn memory(bytes: &[u8], length: u64, seals: SealFlag) -> File {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let mut file = File::from(memfd_create(c"by hand", flags).expect("a descriptor"));
    file.write_all(bytes).expect("memory");
    file.set_len(length).expect("memory");
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals)).expect("seals");
    file
}

/// The start of a packet whose message, of this length, is in a memfd.
pub fn in_memfd(length: u64) -> Vec<u8> {
    [&[1][..], &length.to_ne_bytes()].concat()
}
