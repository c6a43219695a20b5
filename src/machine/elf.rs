//! Dynamic linker of an ELF executable: its ELF header and program headers, 32 and 64 bits,
//! little-endian (fields as in elf(5)).

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Type of the program header that names the linker, `PT_INTERP`.
const PT_INTERP: u64 = 3;

/// Types of executable files, `ET_EXEC` and `ET_DYN`.
const EXECUTABLE_TYPES: [u64; 2] = [2, 3];

/// Count of program headers that stands for a larger number, `PN_XNUM`.
const PN_XNUM: u64 = 0xffff;

/// Longest path in Linux, with its NUL.
const PATH_MAX: u64 = 4096;

/// The fields of the headers of one ELF class: offset and width in bytes.
struct Layout {
    table: (u64, usize),
    size: (u64, usize),
    count: (u64, usize),
    /// A field of a program header.
    offset: (u64, usize),
    length: (u64, usize),
}

const CLASS_32: Layout =
    Layout { table: (28, 4), size: (42, 2), count: (44, 2), offset: (4, 4), length: (16, 4) };
const CLASS_64: Layout =
    Layout { table: (32, 8), size: (54, 2), count: (56, 2), offset: (8, 8), length: (32, 8) };

/// The dynamic linker of an executable; `None` if it is linked statically.
///
/// # Errors
/// The reason why the headers cannot be read.
pub fn linker_of(path: &Path) -> Result<Option<PathBuf>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    Headers::read(&file)?.linker()
}

/// The headers of an open file.
struct Headers<'a> {
    file: &'a File,
    layout: Layout,
}

impl<'a> Headers<'a> {
    fn read(file: &'a File) -> Result<Headers<'a>, String> {
        let [class, order] = *bytes(file, 4, 2)? else { return Err(truncated()) };
        let layout = match class {
            1 => CLASS_32,
            2 => CLASS_64,
            other => return Err(format!("its ELF class is {other}, neither 32 nor 64 bits")),
        };
        match order {
            1 => Ok(Headers { file, layout }),
            other => Err(format!("its ELF byte order is {other}, not little-endian")),
        }
    }

    fn linker(&self) -> Result<Option<PathBuf>, String> {
        if !EXECUTABLE_TYPES.contains(&self.number(16, 2)?) {
            return Err("the ELF file is not an executable".to_string());
        }
        let Layout { table, size, count, offset, length } = &self.layout;
        let table = self.number(table.0, table.1)?;
        let (size, count) = (self.number(size.0, size.1)?, self.number(count.0, count.1)?);
        if count == PN_XNUM {
            return Err("it has too many program headers".to_string());
        }
        for index in 0..count {
            let header = table.checked_add(index * size).ok_or_else(truncated)?;
            if self.number(header, 4)? == PT_INTERP {
                let field = |(at, width): (u64, usize)| {
                    self.number(header.checked_add(at).ok_or_else(truncated)?, width)
                };
                return self.path(field(*offset)?, field(*length)?).map(Some);
            }
        }
        Ok(None)
    }

    fn path(&self, offset: u64, length: u64) -> Result<PathBuf, String> {
        use std::os::unix::ffi::OsStringExt as _;
        if !(1..=PATH_MAX).contains(&length) {
            return Err(format!("the path of its dynamic linker has {length} bytes"));
        }
        let mut name = bytes(self.file, offset, length as usize)?;
        name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or(name.len()));
        Ok(PathBuf::from(std::ffi::OsString::from_vec(name)))
    }

    /// A little-endian number of `width` bytes.
    fn number(&self, at: u64, width: usize) -> Result<u64, String> {
        let field = bytes(self.file, at, width)?;
        Ok(field.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

/// `count` bytes of a file from the offset `at` on.
fn bytes(file: &File, at: u64, count: usize) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; count];
    match file.read_exact_at(&mut bytes, at) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(truncated()),
        // The offset is larger than any file.
        Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => Err(truncated()),
        Err(error) => Err(error.to_string()),
    }
}

fn truncated() -> String {
    "its ELF headers lead beyond its end".to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of a file: offset, width and value.
    type Field = (usize, usize, u64);

    fn file(fields: &[Field], name: &[u8]) -> Vec<u8> {
        let mut file = vec![0; 5000];
        file[..4].copy_from_slice(b"\x7fELF");
        for (at, width, number) in fields {
            file[*at..at + width].copy_from_slice(&number.to_le_bytes()[..*width]);
        }
        file[5] = 1;
        file.extend(name);
        file
    }

    /// An executable of 32 bits with a loadable segment and, unless `name` is empty, a linker.
    fn of_32_bits(name: &[u8]) -> Vec<u8> {
        let (length, count) = (name.len() as u64, if name.is_empty() { 1 } else { 2 });
        let header = [(4, 1, 1), (16, 2, 2), (28, 4, 52), (42, 2, 32), (44, 2, count)];
        let segments = [(52, 4, 1), (84, 4, 3), (88, 4, 5000), (100, 4, length)];
        file(&[&header[..], &segments].concat(), name)
    }

    /// An executable of 64 bits like that of [`of_32_bits`].
    fn of_64_bits(name: &[u8]) -> Vec<u8> {
        let (length, count) = (name.len() as u64, if name.is_empty() { 1 } else { 2 });
        let header = [(4, 1, 2), (16, 2, 3), (32, 8, 64), (54, 2, 56), (56, 2, count)];
        let segments = [(64, 4, 1), (120, 4, 3), (128, 8, 5000), (152, 8, length)];
        file(&[&header[..], &segments].concat(), name)
    }

    fn linker(bytes: &[u8]) -> Result<Option<PathBuf>, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        linker_of(file.path())
    }

    #[test]
    fn executables_of_both_classes_name_their_linker() {
        let name = Some(PathBuf::from("/lib/ld-linux.so.2"));
        assert_eq!(linker(&of_32_bits(b"/lib/ld-linux.so.2\0")), Ok(name.clone()));
        assert_eq!(linker(&of_64_bits(b"/lib/ld-linux.so.2\0")), Ok(name));
    }

    #[test]
    fn an_executable_without_a_linker_is_static() {
        assert_eq!(linker(&of_32_bits(b"")), Ok(None));
        assert_eq!(linker(&of_64_bits(b"")), Ok(None));
    }

    #[test]
    fn an_unreadable_executable_is_not_static() {
        let whole = of_64_bits(b"/lib/ld.so\0");
        for end in [0, 4, 5, 20, 60, 130, 5003] {
            assert!(linker(&whole[..end]).is_err(), "{end} bytes");
        }
        let with = |at: usize, byte: u8| {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            linker(&bytes)
        };
        assert!(with(4, 3).is_err_and(|problem| problem.contains("class is 3")));
        assert!(with(5, 2).is_err_and(|problem| problem.contains("byte order is 2")));
        assert!(with(16, 1).is_err_and(|problem| problem.contains("not an executable")));
        assert!(with(39, 0xff).is_err(), "a table beyond all files");
        assert!(with(159, 0xff).is_err(), "a path beyond all paths");
    }
}
