//! Reader of `samples.csv`, row by row, whatever has happened to the file.
//!
//! A record is a line. A damaged line does not end the reading: it is reported with
//! its number and column, and the next line is read.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::columns::Columns;
use super::fields::Fields;
use super::lines::{Line, Lines};
use super::row::Row;
use super::row_parser::{parse, quoted};

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 1 << 18;

/// Mark with which some programs begin a text file.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Result of reading one record.
#[derive(Debug)]
pub enum Record {
    /// A row.
    Row,
    /// A line that is not a valid row.
    Damaged(DamagedLine),
    /// The file has no more lines.
    EndOfFile,
}

/// Line that is not a valid row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedLine {
    /// Number of the line, from 1.
    pub line: u64,
    /// Column of the damage, if it is confined to one.
    pub column: Option<&'static str>,
    /// Description of the damage.
    pub message: String,
    /// Kind of damage.
    pub kind: DamageKind,
}

/// Kind of damage to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// The row's position was read, but another field is invalid.
    KnownVisit,
    /// The position of the row's visit cannot be read either.
    UnknownVisit,
    /// The row has another version of the columns.
    OtherSchema,
    /// The file ends within the line: after a crash, or while it is being written.
    Torn,
}

/// Error of reading rows.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}")]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
    /// The header lacks a column, or repeats one.
    #[error(
        "{path}, line 1, column {column}: expected {expected:?}, found {found:?}; is this a samples.csv of this harness?"
    )]
    Header {
        /// Path of the file.
        path: PathBuf,
        /// Number of the column, from 1.
        column: usize,
        /// Expected name.
        expected: &'static str,
        /// Name in the file.
        found: String,
    },
    /// A line is not a valid row.
    #[error("{path}, line {line}: {message}")]
    Row {
        /// Path of the file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: u64,
        /// Description of the damage, with its column.
        message: String,
    },
}

impl ReadError {
    /// Creates the error of a damaged line.
    pub fn row(path: &Path, damaged: &DamagedLine) -> ReadError {
        let column = damaged.column.map_or(String::new(), |column| format!("column {column}: "));
        let message = format!("{column}{}", damaged.message);
        ReadError::Row { path: path.to_path_buf(), line: damaged.line, message }
    }
}

/// Reader of rows. One row is in memory at a time.
#[derive(Debug)]
pub struct Reader<R = BufReader<File>> {
    path: PathBuf,
    lines: Lines<R>,
    columns: Columns,
    missing_columns: Vec<&'static str>,
    unknown_columns: Vec<(usize, String)>,
    fields: Fields,
}

impl Reader {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// Where the file cannot be read, or its columns are not ours.
    pub fn open(path: &Path) -> Result<Reader, ReadError> {
        let file = File::open(path)
            .map_err(|source| ReadError::Io { path: path.to_path_buf(), source })?;
        Reader::new(BufReader::with_capacity(BUFFER_BYTES, file), path)
    }
}

impl<R: BufRead> Reader<R> {
    /// Reads the header of a source; `path` is its name in errors.
    ///
    /// # Errors
    /// Where the source cannot be read, or its columns are not ours.
    pub fn new(source: R, path: &Path) -> Result<Reader<R>, ReadError> {
        let path = path.to_path_buf();
        let mut lines = Lines::new(source);
        if let Err(source) = lines.advance() {
            return Err(ReadError::Io { path, source });
        }
        let line = lines.bytes();
        let text = String::from_utf8_lossy(line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line));
        let mut header = Fields::default();
        if header.split(&text).is_err() {
            // Without fields, the first required column is reported as missing.
            header = Fields::default();
        }
        let columns = match Columns::from_header(&header) {
            Ok(columns) => columns,
            Err(error) => {
                let (column, expected, found) = (error.column, error.expected, error.found);
                return Err(ReadError::Header { path, column, expected, found });
            }
        };
        let (missing_columns, unknown_columns) = (columns.missing(), columns.unknown(&header));
        Ok(Reader { path, lines, columns, missing_columns, unknown_columns, fields: header })
    }

    /// Path of the file, as errors name it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Columns that the file lacks and that are not required.
    pub fn missing_columns(&self) -> &[&'static str] {
        &self.missing_columns
    }

    /// Unknown columns among the known ones: their number, from 1, and their name.
    pub fn unknown_columns(&self) -> &[(usize, String)] {
        &self.unknown_columns
    }

    /// Number of the line that was read last, from 1.
    pub fn line(&self) -> u64 {
        self.lines.number()
    }

    /// Reads the next record into `row`. Blank lines are skipped.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn read(&mut self, row: &mut Row) -> Result<Record, ReadError> {
        loop {
            let line = self.lines.advance();
            match line.map_err(|source| ReadError::Io { path: self.path.clone(), source })? {
                Line::EndOfFile => return Ok(Record::EndOfFile),
                Line::Torn => {
                    return Ok(self.damaged(DamageKind::Torn, "the file ends within this line"));
                }
                Line::TooLong => {
                    let message = "the line is longer than 1 MiB";
                    return Ok(self.damaged(DamageKind::UnknownVisit, message));
                }
                Line::Complete if self.lines.bytes().is_empty() => {}
                Line::Complete => break,
            }
        }
        if let Err(message) = self.split_line() {
            return Ok(self.damaged(DamageKind::UnknownVisit, &message));
        }
        Ok(match parse(&self.fields, &self.columns, row) {
            Ok(()) => Record::Row,
            Err(error) => Record::Damaged(DamagedLine {
                line: self.line(),
                column: Some(error.column),
                message: error.message,
                kind: match (error.is_other_schema, error.has_position) {
                    (true, _) => DamageKind::OtherSchema,
                    (false, true) => DamageKind::KnownVisit,
                    (false, false) => DamageKind::UnknownVisit,
                },
            }),
        })
    }

    /// Splits the current line into as many fields as the header has.
    fn split_line(&mut self) -> Result<(), String> {
        let line = self.lines.bytes();
        let text =
            std::str::from_utf8(line).map_err(|error| not_utf8(line, error.valid_up_to()))?;
        self.fields.split(text)?;
        match (self.fields.len(), self.columns.count()) {
            (found, expected) if found == expected => Ok(()),
            (found, expected) => Err(format!("expected {expected} fields, found {found}")),
        }
    }

    fn damaged(&self, kind: DamageKind, message: &str) -> Record {
        let message = message.to_string();
        Record::Damaged(DamagedLine { line: self.line(), column: None, message, kind })
    }
}

/// Describes the bytes at an index that are not UTF-8.
fn not_utf8(line: &[u8], at: usize) -> String {
    let field = line[..at].iter().filter(|byte| **byte == b',').count() + 1;
    let shown = String::from_utf8_lossy(&line[at..line.len().min(at + 4)]);
    format!("field {field}: {} is not UTF-8", quoted(&shown))
}

/// Reads all rows into memory, to go on with a run. A torn last line is left out, as
/// are columns that later versions append.
///
/// # Errors
/// Where the file cannot be read, or the first damaged line.
pub fn read_rows(path: &Path) -> Result<Vec<Row>, ReadError> {
    let mut reader = Reader::open(path)?;
    let mut rows = Vec::new();
    loop {
        let mut row = Row::default();
        match reader.read(&mut row)? {
            Record::Row => rows.push(row),
            Record::Damaged(line) if line.kind == DamageKind::Torn => {}
            Record::Damaged(line) => return Err(ReadError::row(path, &line)),
            Record::EndOfFile => return Ok(rows),
        }
    }
}
