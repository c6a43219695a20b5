//! The floor under the peak memory of a command.
//!
//! Linux counts into a process's peak what it had before its `exec`, which is the
//! memory of whoever started it. So this process gives back what it can just before it
//! starts the command: the pages of its code, which come back from the page cache one
//! by one where they are needed, and the memory of its own peak.

use std::ffi::c_void;
use std::fs;

use nix::sys::mman::{MmapAdvise, madvise};

/// Makes this process as small as it can be. Where the system refuses, the floor is
/// higher, and nothing else is different.
pub fn lower() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (start, length) in maps.lines().filter_map(code) {
        let Some(start) = std::ptr::NonNull::new(start as *mut c_void) else { continue };
        // SAFETY: the pages are those of a file, mapped to be read and executed and never
        // written: what is given back is read from the file again when it is touched.
        let _ = unsafe { madvise(start, length, MmapAdvise::MADV_DONTNEED) };
    }
    // From here on the peak is what there is now: proc(5).
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Address and length of a line of `maps` that is the code of a file: one that may be
/// executed and not written.
fn code(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let (permissions, path) = (fields.next()?, fields.nth(3)?);
    let is_code = permissions == "r-xp" && path.starts_with('/');
    let address = |hex: &str| usize::from_str_radix(hex, 16).ok();
    let (start, end) = (address(start)?, address(end)?);
    is_code.then_some((start, end.checked_sub(start)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_code_of_files_is_given_back() {
        let of = |permissions, path| {
            code(&format!("1000-3000 {permissions} 00000000 fe:00 12        {path}"))
        };
        assert_eq!(of("r-xp", "/bin/harness"), Some((0x1000, 0x2000)));
        for (permissions, path) in
            [("r--p", "/bin/harness"), ("rwxp", "/bin/x"), ("r-xp", "[vdso]"), ("r-xp", "")]
        {
            assert_eq!(of(permissions, path), None, "{permissions} {path}");
        }
    }

    #[test]
    fn this_process_goes_on_without_its_code() {
        lower();
        assert_eq!(code("junk"), None);
    }
}
