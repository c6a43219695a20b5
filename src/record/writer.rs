//! Writer of `samples.csv`.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use super::row::{COLUMNS, Row};

/// Name of the file in a results directory.
pub const SAMPLES_FILE: &str = "samples.csv";

/// Writer that appends rows. It always leaves complete rows on the disk.
#[derive(Debug)]
pub struct Writer {
    file: Flock<File>,
    /// Length of the file up to its last complete row.
    complete_bytes: u64,
}

impl Writer {
    /// Creates the file, which must not exist yet, with its header.
    ///
    /// # Errors
    /// Where it exists, or cannot be written.
    pub fn create(path: &Path) -> io::Result<Writer> {
        let file = lock(File::create_new(path)?)?;
        let mut writer = Writer { file, complete_bytes: 0 };
        writer.append_header()?;
        Ok(writer)
    }

    /// Opens the file of an interrupted run, and truncates it to its last complete row.
    /// The run may have been interrupted before it had created the file or written the
    /// header: then the file is created, or the header written.
    ///
    /// # Errors
    /// Where the file cannot be written, has the columns of another version, or is
    /// locked by another process that writes to it.
    pub fn reopen(path: &Path) -> io::Result<Writer> {
        let mut file = lock(File::options().read(true).append(true).create(true).open(path)?)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let complete_bytes = complete_rows(&bytes).len() as u64;
        file.set_len(complete_bytes)?;
        let mut writer = Writer { file, complete_bytes };
        if complete_bytes == 0 {
            writer.append_header()?;
        } else if !bytes.starts_with(header().as_bytes()) {
            return Err(io::Error::other(
                "its columns are not those of this version, and one file cannot hold rows of two \
                 versions: repeat the run with `harness --like`",
            ));
        }
        Ok(writer)
    }

    /// Appends rows, all of them or none.
    ///
    /// # Errors
    /// Where the write fails. The file is truncated to its last complete row.
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
            Ok(()) => self.complete_bytes += bytes.len() as u64,
            // If even that fails, the reader drops the torn row.
            Err(_) => drop(self.file.set_len(self.complete_bytes)),
        }
        written
    }
}

/// Header line.
fn header() -> String {
    format!("{}\n", COLUMNS.join(","))
}

/// Locks the file against other writers. The lock ends with the process, even if it is
/// killed.
fn lock(file: File) -> io::Result<Flock<File>> {
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
        Errno::EWOULDBLOCK => io::Error::other("another harness process is writing to it"),
        errno => errno.into(),
    })
}

/// Part of a file that consists of complete rows. No field that is written holds a
/// line break, so each line is a row.
fn complete_rows(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1)]
}

#[cfg(test)]
mod tests {
    use super::super::{Case, Phase, ReadError, SCHEMA, read_rows};
    use super::*;
    use std::path::PathBuf;

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
    fn rows_are_read_back_as_they_were_written() {
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
    fn a_file_cut_at_any_byte_is_continued() {
        let (_dir, path) = written(&[row(), row()]);
        let text = std::fs::read_to_string(&path).expect("text");
        for cut in 0..=text.len() {
            std::fs::write(&path, &text[..cut]).expect("written");
            let whole = text[..cut].matches('\n').count().saturating_sub(1);
            Writer::reopen(&path).and_then(|mut writer| writer.append(&[row()])).expect("written");
            assert_eq!(read_rows(&path).expect("readable"), vec![row(); whole + 1], "cut at {cut}");
        }
        std::fs::remove_file(&path).expect("ours");
        drop(Writer::reopen(&path).expect("a new file"));
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
        let cut = |line: &str| line.rsplitn(5, ',').last().map(|line| format!("{line}\n"));
        let older: String = text.lines().filter_map(cut).collect();
        std::fs::write(&path, older).expect("written");
        assert_eq!(read_rows(&path).expect("readable"), [row()]);
        let error = Writer::reopen(&path).expect_err("rows of two lengths").to_string();
        assert!(error.contains("columns"), "{error}");
    }

    #[test]
    fn an_invalid_field_is_reported_with_its_line_and_column() {
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
