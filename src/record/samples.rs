//! `samples.csv` as a file: appended to by the campaign, read by the analysis.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::reader::{Next, Reader, Wrong, WrongKind};
use super::row::{COLUMNS, Row};

/// Name of the file in a results directory.
pub const SAMPLES_FILE: &str = "samples.csv";

/// Appends rows. What it leaves on the disk is always whole rows.
#[derive(Debug)]
pub struct Writer {
    file: Flock<File>,
    /// Length of the file up to the last whole row.
    whole_bytes: u64,
}

impl Writer {
    /// Creates the file, which must not exist yet, with its header.
    ///
    /// # Errors
    /// Where it exists, or cannot be written.
    pub fn create(path: &Path) -> io::Result<Writer> {
        let file = lock(File::create_new(path)?)?;
        let mut writer = Writer { file, whole_bytes: 0 };
        writer.append_header()?;
        Ok(writer)
    }

    /// Opens a file that a run was cut short at, and cuts off what follows its
    /// last whole row. A run may have been cut short before it had the file, or
    /// its header: then it begins with that.
    ///
    /// # Errors
    /// Where it cannot be written, or has the columns of another version; or where
    /// somebody writes to it just now.
    pub fn reopen(path: &Path) -> io::Result<Writer> {
        let mut file = lock(File::options().read(true).append(true).create(true).open(path)?)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole_bytes = whole_rows(&bytes).len() as u64;
        file.set_len(whole_bytes)?;
        let mut writer = Writer { file, whole_bytes };
        if whole_bytes == 0 {
            writer.append_header()?;
        } else if !bytes.starts_with(header().as_bytes()) {
            return Err(io::Error::other(
                "its columns are not those of this version, and no file has rows of two lengths: \
                 `harness --like` makes the same run again",
            ));
        }
        Ok(writer)
    }

    /// Appends rows, all of them or none.
    ///
    /// # Errors
    /// Where the disk refuses. The file is cut back to its last whole row.
    pub fn append(&mut self, rows: &[Row]) -> io::Result<()> {
        let mut csv = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        for row in rows {
            csv.serialize(row)?;
        }
        let bytes = csv.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        self.append_bytes(&bytes)
    }

    fn append_header(&mut self) -> io::Result<()> {
        self.append_bytes(header().as_bytes())
    }

    fn append_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(bytes).and_then(|()| self.file.flush());
        match written {
            Ok(()) => self.whole_bytes += bytes.len() as u64,
            // If even cutting fails, the reader drops the torn row.
            Err(_) => drop(self.file.set_len(self.whole_bytes)),
        }
        written
    }
}

/// The first line.
fn header() -> String {
    format!("{}\n", COLUMNS.join(","))
}

/// Nobody else may write to a file while we do, even after this program was
/// killed: the lock goes with the process.
fn lock(file: File) -> io::Result<Flock<File>> {
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        Errno::EWOULDBLOCK => io::Error::other("another harness measures into it just now"),
        errno => errno.into(),
    })
}

/// The part of a file that consists of whole rows. No field that we write holds
/// a line break: each line is a row.
fn whole_rows(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1)]
}

/// Why rows cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The header is not ours.
    #[error(
        "{path}, line 1, column {column}: expected {expected:?}, found {found:?}; is this a samples.csv of this harness?"
    )]
    Header {
        /// The file.
        path: PathBuf,
        /// Number of the column, from 1.
        column: usize,
        /// What should stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A row that makes no sense.
    #[error("{path}, line {line}: {message}")]
    Row {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: u64,
        /// What is wrong, and in which column.
        message: String,
    },
}

/// Reads all rows into memory, for whoever goes on with a run. A last row that
/// was torn off by a crash is left out, as is whatever later versions appended to
/// the right.
///
/// # Errors
/// Where the file cannot be read, or the first line that is no row.
pub fn read_rows(path: &Path) -> Result<Vec<Row>, ReadError> {
    let mut reader = Reader::open(path)?;
    let mut rows = Vec::new();
    loop {
        let mut row = Row::default();
        let next = reader.next(&mut row);
        match next.map_err(|source| ReadError::Io { path: path.to_path_buf(), source })? {
            Next::Row => rows.push(row),
            Next::Wrong(wrong) if wrong.kind == WrongKind::Torn => {}
            Next::Wrong(wrong) => return Err(ReadError::row(path, &wrong)),
            Next::End => return Ok(rows),
        }
    }
}

impl ReadError {
    /// A line that is no row.
    pub fn row(path: &Path, wrong: &Wrong) -> ReadError {
        let column = wrong.column.map_or(String::new(), |column| format!("column {column}: "));
        let message = format!("{column}{}", wrong.message);
        ReadError::Row { path: path.to_path_buf(), line: wrong.line, message }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Case, Phase, SCHEMA};
    use super::*;

    fn row() -> Row {
        Row {
            schema: SCHEMA,
            version: "0.1.0".into(),
            session: 0,
            round: 3,
            group: 1,
            visit: 17,
            phase: Phase::Call,
            iteration: Some(0),
            started_ns: 123,
            case: Case {
                kernel: "pi".into(),
                backend: "rayon".into(),
                nthread: 2,
                ..Case::default()
            },
            wall_ns: Some(1_000_000),
            cpus: "0-3,8".into(),
            isa: "avx2".into(),
            tally_draws: Some(u64::MAX),
            tally_sum: Some(i128::MIN),
            tally_sum_sq: Some(i128::MAX),
            estimate: Some(std::f64::consts::PI),
            std_error: Some(1e-9),
            exit_status: Some(-9),
            error: "a \"quoted\", comma".into(),
            ..Row::default()
        }
    }

    fn written(rows: &[Row]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join(SAMPLES_FILE);
        Writer::create(&path).and_then(|mut writer| writer.append(rows)).expect("written");
        (dir, path)
    }

    #[test]
    fn what_was_written_is_what_is_read() {
        let rows = [row(), Row { error: String::new(), ..row() }];
        let (_dir, path) = written(&rows);
        assert_eq!(read_rows(&path).expect("readable"), rows);
    }

    #[test]
    fn a_torn_last_row_is_left_out() {
        let (_dir, path) = written(&[row(), row()]);
        let text = std::fs::read_to_string(&path).expect("text");
        let first_row_ends = text.match_indices('\n').nth(1).expect("two rows").0 + 1;
        for cut in first_row_ends..text.len() {
            std::fs::write(&path, &text[..cut]).expect("written");
            assert_eq!(read_rows(&path).expect("readable"), [row()], "cut at {cut}");
        }
    }

    #[test]
    fn a_file_that_was_cut_anywhere_is_gone_on_with() {
        let (_dir, path) = written(&[row(), row()]);
        let text = std::fs::read_to_string(&path).expect("text");
        for cut in 0..=text.len() {
            std::fs::write(&path, &text[..cut]).expect("written");
            let whole = text[..cut].matches('\n').count().saturating_sub(1);
            Writer::reopen(&path).and_then(|mut it| it.append(&[row()])).expect("written");
            assert_eq!(read_rows(&path).expect("readable"), vec![row(); whole + 1], "cut at {cut}");
        }
        std::fs::remove_file(&path).expect("ours");
        drop(Writer::reopen(&path).expect("it begins"));
        assert!(read_rows(&path).expect("readable").is_empty());
    }

    #[test]
    fn a_later_version_may_append_columns() {
        let (_dir, path) = written(&[row()]);
        let text = std::fs::read_to_string(&path).expect("text");
        std::fs::write(&path, text.replace('\n', ",more\n")).expect("written");
        assert_eq!(read_rows(&path).expect("readable"), [row()]);
    }

    #[test]
    fn an_earlier_version_lacks_the_last_columns() {
        let (_dir, path) = written(&[Row { stops: Some(1), ..row() }]);
        let text = std::fs::read_to_string(&path).expect("text");
        let cut = |line: &str| line.rsplitn(4, ',').last().map(|line| format!("{line}\n"));
        let older: String = text.lines().filter_map(cut).collect();
        std::fs::write(&path, older).expect("written");
        assert_eq!(read_rows(&path).expect("readable"), [row()]);
        let refused = Writer::reopen(&path).expect_err("rows of two lengths").to_string();
        assert!(refused.contains("columns"), "{refused}");
    }

    #[test]
    fn a_wrong_field_is_named_with_its_line_and_column() {
        let (_dir, path) = written(&[row(), row()]);
        let text = std::fs::read_to_string(&path).expect("text");
        let at = text.rfind("1000000").expect("wall_ns");
        std::fs::write(&path, format!("{}fast{}", &text[..at], &text[at + 7..])).expect("written");
        let message = read_rows(&path).expect_err("not a number").to_string();
        assert!(message.contains("line 3: column wall_ns"), "{message}");
    }

    #[test]
    fn another_file_is_refused_by_its_header() {
        let (_dir, path) = written(&[]);
        for other in ["", "a,b\n1,2\n"] {
            std::fs::write(&path, other).expect("written");
            assert!(matches!(read_rows(&path), Err(ReadError::Header { column: 1, .. })));
        }
    }
}
