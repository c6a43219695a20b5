//! Floor under the peak memory of a command.
//!
//! Linux counts into a process's peak the memory that it had before its `exec`, which is
//! a copy of its parent's. So this process releases what it can just before it starts
//! the command: the pages of its code, which return from the page cache one by one when
//! they are needed, and the record of its own peak.

use std::ffi::c_void;
use std::fs;

use nix::sys::mman::{MmapAdvise, madvise};

/// Reduces the resident memory of this process. If a system call fails, the floor is
/// higher, and nothing else changes.
pub fn lower() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (start, length) in maps.lines().filter_map(code_of_file) {
        let Some(start) = std::ptr::NonNull::new(start as *mut c_void) else { continue };
        // SAFETY: the pages belong to a file that is mapped to be read and executed, never
        // written: after the release they are read from the file again when touched.
        let _ = unsafe { madvise(start, length, MmapAdvise::MADV_DONTNEED) };
    }
    // Resets the peak (VmHWM) to the present size: proc(5).
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Address and length of a mapping in a line of `maps`, if it is the code of a file:
/// executable and not writable.
fn code_of_file(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let (permissions, path) = (fields.next()?, fields.nth(3)?);
    let is_code = permissions == "r-xp" && path.starts_with('/');
    let start = usize::from_str_radix(start, 16).ok()?;
    let end = usize::from_str_radix(end, 16).ok()?;
    is_code.then_some((start, end.checked_sub(start)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_code_of_files_is_released() {
        let of = |permissions, path| {
            code_of_file(&format!("1000-3000 {permissions} 00000000 fe:00 12        {path}"))
        };
        assert_eq!(of("r-xp", "/bin/harness"), Some((0x1000, 0x2000)));
        for (permissions, path) in
            [("r--p", "/bin/harness"), ("rwxp", "/bin/x"), ("r-xp", "[vdso]"), ("r-xp", "")]
        {
            assert_eq!(of(permissions, path), None, "{permissions} {path}");
        }
    }

    #[test]
    fn this_process_continues_after_the_release() {
        lower();
        assert_eq!(code_of_file("junk"), None);
    }
}
