//! The rows of a `samples.csv`, one after the other, whatever has happened to the
//! file.
//!
//! A line that cannot be understood does not end the reading: it is told, with
//! its line and column, and the next line is read. Quotes that are never closed
//! must not swallow the rest of a file, so a record that does not come out right
//! within a few lines is taken for its first line alone.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::cells::{parse, quoted};
use super::columns::Columns;
use super::fields::{Fields, Flaw};
use super::lines::{Line, Lines};
use super::row::Row;
use super::samples::ReadError;

/// A record does not go on over more lines: fields of ours have no line ends at
/// all.
const MOST_LINES: u64 = 16;

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 1 << 18;

/// Some programs begin a text file with these.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What was read.
#[derive(Debug)]
pub enum Next {
    /// A row.
    Row,
    /// A line that is no row.
    Wrong(Wrong),
    /// There is none any more.
    End,
}

/// A line that is no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Number of its first line, from 1.
    pub line: u64,
    /// The column in which it makes no sense, if it is one column.
    pub column: Option<&'static str>,
    /// What is wrong.
    pub message: String,
    /// What kind of thing is wrong.
    pub kind: WrongKind,
}

/// What kind of thing is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongKind {
    /// Session, round, group and visit are in the row that was read into, but
    /// something else makes no sense.
    HasPlace,
    /// Not even that can be read.
    NoPlace,
    /// It is of another version of the columns.
    OtherSchema,
    /// The file ends within it: a crash, or a file that is being written.
    Torn,
}

/// Reads rows. One is in memory at a time.
#[derive(Debug)]
pub struct Reader<R = BufReader<File>> {
    lines: Lines<R>,
    columns: Columns,
    missing: Vec<&'static str>,
    strangers: Vec<(usize, String)>,
    fields: Fields,
    record: Vec<u8>,
    /// Number of the first line of the record, from 1.
    line: u64,
}

impl Reader {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// Where it cannot be read, or its columns are not ours.
    pub fn open(path: &Path) -> Result<Reader, ReadError> {
        let io = |source| ReadError::Io { path: path.to_path_buf(), source };
        let file = File::open(path).map_err(io)?;
        Reader::new(BufReader::with_capacity(BUFFER_BYTES, file), path)
    }
}

impl<R: BufRead> Reader<R> {
    /// Reads a header; `path` is what errors call the source.
    ///
    /// # Errors
    /// Where it cannot be read, or the columns are not ours.
    pub fn new(source: R, path: &Path) -> Result<Reader<R>, ReadError> {
        let io = |source| ReadError::Io { path: path.to_path_buf(), source };
        let mut lines = Lines::new(source);
        let mut record = Vec::new();
        lines.push_next(&mut record).map_err(io)?;
        let text = String::from_utf8_lossy(without_end(
            record.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&record),
        ));
        let mut header = Fields::default();
        // Of a header whose quotes do not pair, the first column is not ours.
        if header.split(&text).is_err() {
            header = Fields::default();
        }
        let columns = Columns::of(&header).map_err(|not_ours| ReadError::Header {
            path: PathBuf::from(path),
            column: not_ours.column,
            expected: not_ours.expected,
            found: not_ours.found,
        })?;
        let (missing, strangers) = (columns.missing(), columns.strangers(&header));
        Ok(Reader { lines, columns, missing, strangers, fields: header, record, line: 1 })
    }

    /// Columns that the file lacks and can do without.
    pub fn missing(&self) -> &[&'static str] {
        &self.missing
    }

    /// Columns that are not ours and stand among ours: their number from 1, and
    /// their name.
    pub fn strangers(&self) -> &[(usize, String)] {
        &self.strangers
    }

    /// Number of the first line of what was read last, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Reads the next row into `row`. Blank lines are passed over.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn next(&mut self, row: &mut Row) -> io::Result<Next> {
        loop {
            self.record.clear();
            let line = self.lines.push_next(&mut self.record)?;
            self.line = self.lines.number();
            match line {
                Line::None => return Ok(Next::End),
                Line::Torn => return Ok(self.wrong(WrongKind::Torn, "the file ends within it")),
                Line::TooLong => return Ok(self.wrong(WrongKind::NoPlace, "it is too long")),
                Line::Whole if without_end(&self.record).is_empty() => {}
                Line::Whole => break,
            }
        }
        if let Err(message) = self.take_apart()? {
            return Ok(self.wrong(WrongKind::NoPlace, &message));
        }
        Ok(match parse(&self.fields, &self.columns, row) {
            Ok(()) => Next::Row,
            Err(misfit) => Next::Wrong(Wrong {
                line: self.line,
                column: Some(misfit.column),
                message: misfit.message,
                kind: match (misfit.is_other_schema, misfit.has_place) {
                    (true, _) => WrongKind::OtherSchema,
                    (false, true) => WrongKind::HasPlace,
                    (false, false) => WrongKind::NoPlace,
                },
            }),
        })
    }

    /// Takes the record apart that begins with the line that was read, and says
    /// why it is none.
    fn take_apart(&mut self) -> io::Result<Result<(), String>> {
        let first_bytes = self.record.len();
        let (mut joined, mut last) = (0, Line::Whole);
        let problem = loop {
            let split = match std::str::from_utf8(without_end(&self.record)) {
                Ok(text) => self.fields.split(text),
                Err(error) => break not_text(&self.record, error.valid_up_to()),
            };
            match split {
                Ok(()) if self.fields.len() == self.columns.count() => return Ok(Ok(())),
                Ok(()) => {
                    break format!(
                        "{} fields instead of {}",
                        self.fields.len(),
                        self.columns.count()
                    );
                }
                Err(Flaw::Stray) => break "a quote within a field".to_string(),
                Err(Flaw::Open) if joined == MOST_LINES => break "an open quote".to_string(),
                Err(Flaw::Open) => {}
            }
            let before = self.record.len();
            last = self.lines.push_next(&mut self.record)?;
            if self.record.len() == before {
                break "an open quote".to_string();
            }
            joined += 1;
            if last == Line::Torn {
                break "the file ends within it".to_string();
            }
        };
        self.lines.put_back(&self.record[first_bytes..], joined, last);
        Ok(Err(match joined {
            0 => problem,
            _ => "a quote that is not closed".to_string(),
        }))
    }

    fn wrong(&self, kind: WrongKind, message: &str) -> Next {
        Next::Wrong(Wrong { line: self.line, column: None, message: message.to_string(), kind })
    }
}

/// A line without its end, that of Windows included.
fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A message about bytes that are no text.
fn not_text(record: &[u8], at: usize) -> String {
    let column = record[..at].iter().filter(|byte| **byte == b',').count() + 1;
    let end = record.len().min(at + 4);
    let shown = String::from_utf8_lossy(&record[at..end]);
    format!("field {column}: {} is not UTF-8", quoted(&shown))
}
