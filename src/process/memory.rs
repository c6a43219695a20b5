//! Anonymous memory (memfd): allocated completely when it is made.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt as _;

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, FcntlArg, SealFlag, fallocate, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::resource::{Resource, getrlimit};

/// Size above which available memory is checked before allocation. The check
/// takes as long as the allocation of some hundred pages.
const CHECK_ABOVE_BYTES: u64 = 64 << 20;

/// Bytes that the machine can provide, swap included. A process that allocates
/// more waits until all memory is used, and then it or another is killed.
fn available_bytes() -> Option<u64> {
    let meminfo = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kilobytes = |name: &str| -> Option<u64> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.strip_suffix("kB")?.trim().parse().ok()
    };
    Some((kilobytes("MemAvailable:")? + kilobytes("SwapFree:").unwrap_or(0)).saturating_mul(1024))
}

/// Makes a memfd of `bytes` bytes, all of them allocated: a page that the system
/// could not provide later would be a SIGBUS at some access, instead of an error
/// here. The file has no name in any directory; `name` is shown in /proc.
///
/// # Errors
/// Where descriptors or memory run out, or a limit is exceeded.
pub fn memfd(name: &CStr, bytes: u64) -> io::Result<File> {
    let length = i64::try_from(bytes).map_err(|_| Errno::EFBIG)?;
    // Beyond this limit the kernel sends SIGXFSZ before it returns an error.
    let (limit, _) = getrlimit(Resource::RLIMIT_FSIZE)?;
    if bytes > limit {
        return Err(Errno::EFBIG.into());
    }
    if bytes > CHECK_ABOVE_BYTES && available_bytes().is_some_and(|available| bytes > available) {
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

/// Properties of a memfd that another process made.
pub struct MemfdInfo {
    /// Length in bytes.
    pub bytes: u64,
    /// Operations that nobody can do any more.
    pub seals: SealFlag,
    /// `true` if all of its memory is allocated: a file may be long and sparse.
    pub is_allocated: bool,
}

/// Reads the properties of a memfd.
///
/// # Errors
/// Where the system does not give them.
pub fn memfd_info(file: &File) -> io::Result<MemfdInfo> {
    let metadata = file.metadata()?;
    // A file that is no memfd has no seals.
    let seals = SealFlag::from_bits_truncate(fcntl(file, FcntlArg::F_GET_SEALS).unwrap_or(0));
    let is_allocated = metadata.blocks().saturating_mul(512) >= metadata.len();
    Ok(MemfdInfo { bytes: metadata.len(), seals, is_allocated })
}

/// Adds seals, which cannot be removed again.
///
/// # Errors
/// Where the system refuses.
pub fn seal(file: &File, seals: SealFlag) -> io::Result<()> {
    fcntl(file, FcntlArg::F_ADD_SEALS(seals)).map(drop).map_err(io::Error::from)
}
