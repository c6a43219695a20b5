//! The dynamic linker that an executable asks for, read from its headers: the ELF
//! header and the program headers of the System V ABI, both classes and both byte
//! orders (elf(5) has their fields).

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// The type of the program header that names the linker, `PT_INTERP`.
const INTERP: u64 = 3;

/// Types of files that can be started: `ET_EXEC` and `ET_DYN`.
const STARTED: [u64; 2] = [2, 3];

/// `PN_XNUM`: there are more program headers than the header can say.
const MORE_THAN_CAN_BE_SAID: u64 = 0xffff;

/// The longest path that Linux takes, with its NUL.
const PATH_BYTES: u64 = 4096;

/// Where the fields of one class stand: offset and width in bytes.
struct Layout {
    table: (u64, usize),
    size: (u64, usize),
    count: (u64, usize),
    /// Within a program header.
    offset: (u64, usize),
    length: (u64, usize),
}

const CLASS_32: Layout =
    Layout { table: (28, 4), size: (42, 2), count: (44, 2), offset: (4, 4), length: (16, 4) };
const CLASS_64: Layout =
    Layout { table: (32, 8), size: (54, 2), count: (56, 2), offset: (8, 8), length: (32, 8) };

/// The linker that an executable names; none if it is linked statically.
///
/// # Errors
/// Why that cannot be told.
pub fn linker_of(path: &Path) -> Result<Option<PathBuf>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let headers = Headers::read(&file)?;
    headers.linker()
}

/// The headers of an open file.
struct Headers<'a> {
    file: &'a File,
    layout: Layout,
    is_little: bool,
}

impl<'a> Headers<'a> {
    fn read(file: &'a File) -> Result<Headers<'a>, String> {
        let [class, order] = *bytes(file, 4, 2)? else { return Err(torn()) };
        let layout = match class {
            1 => CLASS_32,
            2 => CLASS_64,
            other => return Err(format!("its ELF class is {other}, neither 32 nor 64 bits")),
        };
        let is_little = match order {
            1 => true,
            2 => false,
            other => return Err(format!("its ELF byte order is {other}, neither of the two")),
        };
        Ok(Headers { file, layout, is_little })
    }

    fn linker(&self) -> Result<Option<PathBuf>, String> {
        if !STARTED.contains(&self.number(16, 2)?) {
            return Err("it is an ELF file that cannot be started".to_string());
        }
        let Layout { table, size, count, offset, length } = &self.layout;
        let table = self.number(table.0, table.1)?;
        let (size, count) = (self.number(size.0, size.1)?, self.number(count.0, count.1)?);
        if count == MORE_THAN_CAN_BE_SAID {
            return Err("it has too many program headers".to_string());
        }
        for index in 0..count {
            let header = table.checked_add(index * size).ok_or_else(torn)?;
            if self.number(header, 4)? == INTERP {
                let field = |(at, width): (u64, usize)| {
                    self.number(header.checked_add(at).ok_or_else(torn)?, width)
                };
                return self.path(field(*offset)?, field(*length)?).map(Some);
            }
        }
        Ok(None)
    }

    fn path(&self, offset: u64, length: u64) -> Result<PathBuf, String> {
        use std::os::unix::ffi::OsStringExt as _;
        if !(1..=PATH_BYTES).contains(&length) {
            return Err(format!("the path of its dynamic linker has {length} bytes"));
        }
        let mut name = bytes(self.file, offset, length as usize)?;
        name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or(name.len()));
        Ok(PathBuf::from(std::ffi::OsString::from_vec(name)))
    }

    /// A number of `width` bytes.
    fn number(&self, at: u64, width: usize) -> Result<u64, String> {
        let mut field = bytes(self.file, at, width)?;
        if self.is_little {
            field.reverse();
        }
        Ok(field.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

/// So many bytes of a file.
fn bytes(file: &File, at: u64, count: usize) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; count];
    match file.read_exact_at(&mut bytes, at) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(torn()),
        // An offset beyond what a file can have.
        Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => Err(torn()),
        Err(error) => Err(error.to_string()),
    }
}

fn torn() -> String {
    "its ELF headers lead beyond its end".to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a file holds and where: a number of some bytes.
    type Field = (usize, usize, u64);

    fn file(fields: &[Field], order: u8, name: &[u8], at: usize) -> Vec<u8> {
        let mut file = vec![0; at];
        file[..4].copy_from_slice(b"\x7fELF");
        for (at, width, number) in fields {
            let mut bytes = number.to_le_bytes()[..*width].to_vec();
            if order == 2 {
                bytes.reverse();
            }
            file[*at..at + width].copy_from_slice(&bytes);
        }
        file[5] = order;
        file.extend(name);
        file
    }

    /// An executable of 32 bits with a loadable segment and, if it has a name, a linker.
    fn of_32_bits(order: u8, name: &[u8]) -> Vec<u8> {
        let (length, count) = (name.len() as u64, if name.is_empty() { 1 } else { 2 });
        let header = [(4, 1, 1), (16, 2, 2), (28, 4, 52), (42, 2, 32), (44, 2, count)];
        let segments = [(52, 4, 1), (84, 4, 3), (88, 4, 5000), (100, 4, length)];
        file(&[&header[..], &segments].concat(), order, name, 5000)
    }

    /// The same with 64 bits.
    fn of_64_bits(order: u8, name: &[u8]) -> Vec<u8> {
        let (length, count) = (name.len() as u64, if name.is_empty() { 1 } else { 2 });
        let header = [(4, 1, 2), (16, 2, 3), (32, 8, 64), (54, 2, 56), (56, 2, count)];
        let segments = [(64, 4, 1), (120, 4, 3), (128, 8, 5000), (152, 8, length)];
        file(&[&header[..], &segments].concat(), order, name, 5000)
    }

    fn linker(bytes: &[u8]) -> Result<Option<PathBuf>, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        linker_of(file.path())
    }

    #[test]
    fn both_classes_and_both_byte_orders_name_their_linker() {
        let name = Some(PathBuf::from("/lib/ld-linux.so.2"));
        for order in [1, 2] {
            assert_eq!(linker(&of_32_bits(order, b"/lib/ld-linux.so.2\0")), Ok(name.clone()));
            assert_eq!(linker(&of_64_bits(order, b"/lib/ld-linux.so.2\0")), Ok(name.clone()));
        }
    }

    #[test]
    fn what_names_no_linker_is_static() {
        assert_eq!(linker(&of_32_bits(1, b"")), Ok(None));
        assert_eq!(linker(&of_64_bits(1, b"")), Ok(None));
    }

    #[test]
    fn what_cannot_be_read_is_not_called_static() {
        let whole = of_64_bits(1, b"/lib/ld.so\0");
        for end in [0, 4, 5, 20, 60, 130, 5003] {
            assert!(linker(&whole[..end]).is_err(), "{end} bytes");
        }
        let with = |at: usize, byte: u8| {
            let mut bytes = whole.clone();
            bytes[at] = byte;
            linker(&bytes)
        };
        assert!(with(4, 3).is_err_and(|problem| problem.contains("class is 3")));
        assert!(with(5, 0).is_err_and(|problem| problem.contains("byte order is 0")));
        assert!(with(16, 1).is_err_and(|problem| problem.contains("cannot be started")));
        assert!(with(39, 0xff).is_err(), "a table beyond all files");
        assert!(with(159, 0xff).is_err(), "a path beyond all paths");
    }
}
