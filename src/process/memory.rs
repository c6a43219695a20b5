//! Nameless memory: made whole, or not at all.

use std::ffi::CStr;
use std::fs::File;
use std::io;

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
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
