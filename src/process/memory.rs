//! Nameless memory: made whole, or not at all.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, FcntlArg, SealFlag, fallocate, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::resource::{Resource, getrlimit};

/// Below so many bytes it is not asked whether they are there: asking takes as
/// long as some hundred pages.
const LOOK_BEFORE: u64 = 64 << 20;

/// Bytes that the machine could provide, swap included. To ask for more is to
/// wait until all of it is used up, and then to be killed, or somebody else.
fn available() -> Option<u64> {
    let facts = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kilobytes = |name: &str| -> Option<u64> {
        let line = facts.lines().find_map(|line| line.strip_prefix(name))?;
        line.strip_suffix("kB")?.trim().parse().ok()
    };
    Some((kilobytes("MemAvailable:")? + kilobytes("SwapFree:").unwrap_or(0)).saturating_mul(1024))
}

/// A memfd of so many bytes, all of them there: a page that the system could
/// not provide later would be a signal (SIGBUS) in the middle of somebody's
/// work, instead of an error here. It has no name in any directory; `name` is
/// for the eyes of whoever reads /proc.
///
/// # Errors
/// Where descriptors or memory run out, or a limit is in the way.
pub fn memfd(name: &CStr, bytes: u64) -> io::Result<File> {
    let length = i64::try_from(bytes).map_err(|_| Errno::EFBIG)?;
    // Beyond this limit the kernel sends SIGXFSZ before it says no.
    let (limit, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
    if bytes > limit {
        return Err(Errno::EFBIG.into());
    }
    if bytes > LOOK_BEFORE && available().is_some_and(|available| bytes > available) {
        return Err(Errno::ENOMEM.into());
    }
    let file = File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?);
    if length > 0 {
        loop {
            match fallocate(&file, FallocateFlags::empty(), 0, length) {
                Err(Errno::EINTR) => {}
                other => break other?,
            }
        }
    }
    Ok(file)
}

/// What can be known of a memfd that another process made.
pub struct Facts {
    /// How long it is, in bytes.
    pub bytes: u64,
    /// What nobody can do with it any more.
    pub seals: SealFlag,
    /// Whether all of its memory is there: a file may be long and hold nothing.
    pub is_whole: bool,
}

/// Asks.
///
/// # Errors
/// Where the system does not tell.
pub fn facts_of(file: &File) -> io::Result<Facts> {
    let known = file.metadata()?;
    // What is no memfd has no seals.
    let seals = SealFlag::from_bits_truncate(fcntl(file, FcntlArg::F_GET_SEALS).unwrap_or(0));
    let is_whole = known.blocks().saturating_mul(512) >= known.len();
    Ok(Facts { bytes: known.len(), seals, is_whole })
}

/// Forbids something for ever.
///
/// # Errors
/// Where the system refuses.
pub fn seal(file: &File, seals: SealFlag) -> io::Result<()> {
    fcntl(file, FcntlArg::F_ADD_SEALS(seals)).map(drop).map_err(io::Error::from)
}
