//! Any CSV file with a header, as people and programs make them.
//!
//! RFC 4180, and what else is met: a byte order mark, lines that end in CR LF,
//! spaces around fields, empty lines, a last line without its end. A line that has
//! more or fewer fields than the header is an error: it may be torn.

use std::fmt;

/// A byte order mark: no text, and some programs begin with it.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// A header, and rows of as many fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The names of the columns.
    pub header: Vec<String>,
    /// The rows.
    pub rows: Vec<TableRow>,
}

/// A row with the place that it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableRow {
    /// Line in the file, from 1.
    pub line: u64,
    /// Fields, one a column.
    pub fields: Vec<String>,
}

/// Error in a table, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableError {
    /// Line, from 1.
    pub line: u64,
    /// Name of the column, if it is about one.
    pub column: Option<String>,
    /// Description of the problem.
    pub message: String,
}

impl std::error::Error for TableError {}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl Table {
    /// Parses the bytes of a file.
    ///
    /// # Errors
    /// Where it is empty, is no text, has two columns of one name, or a line whose
    /// number of fields is not that of the header.
    pub fn read(bytes: &[u8]) -> Result<Table, TableError> {
        let bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(bytes);
        let mut record = csv::StringRecord::new();
        let mut table = Table::default();
        while read_record(&mut reader, &mut record)? {
            let line = record.position().map_or(1, |start| line_of(bytes, start));
            let fields: Vec<String> = record.iter().map(str::to_string).collect();
            if table.header.is_empty() {
                table.header = header(line, fields)?;
            } else if fields.len() == table.header.len() {
                table.rows.push(TableRow { line, fields });
            } else {
                let (there, wanted) = (fields.len(), table.header.len());
                let plural = if there == 1 { "" } else { "s" };
                let message = format!(
                    "{there} field{plural} where the header has {wanted}: is the line torn?"
                );
                return Err(TableError { line, column: None, message });
            }
        }
        if table.header.is_empty() {
            let message = "the file is empty: its first line must name the columns".to_string();
            return Err(TableError { line: 1, column: None, message });
        }
        Ok(table)
    }

    /// The place of a column.
    ///
    /// # Errors
    /// Where there is none of that name; the error says which there are.
    pub fn column(&self, name: &str) -> Result<usize, TableError> {
        self.find(name).ok_or_else(|| {
            let there = self.header.join(", ");
            let by =
                [';', '\t'].into_iter().find(|by| self.header.len() == 1 && there.contains(*by));
            let hint = by
                .map_or(String::new(), |by| format!("; it is separated by {by:?}, not by commas"));
            let message = format!("no column {name:?}; there is: {there:?}{hint}");
            TableError { line: 1, column: None, message }
        })
    }

    /// The place of a column, if there is one of that name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|other| other == name)
    }

    /// An error in a field.
    pub fn error(&self, row: &TableRow, column: usize, message: String) -> TableError {
        TableError { line: row.line, column: self.header.get(column).cloned(), message }
    }
}

/// The line of a record. Empty lines before it are passed over by the reader, and
/// belong to where it says that the record starts.
fn line_of(bytes: &[u8], start: &csv::Position) -> u64 {
    let rest = bytes.get(start.byte() as usize..).unwrap_or_default();
    let empty = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    start.line() + empty.filter(|byte| **byte == b'\n').count() as u64
}

fn read_record(
    reader: &mut csv::Reader<&[u8]>,
    record: &mut csv::StringRecord,
) -> Result<bool, TableError> {
    let line = reader.position().line();
    reader.read_record(record).map_err(|error| {
        let line = error.position().map_or(line, csv::Position::line);
        let message = match error.kind() {
            csv::ErrorKind::Utf8 { err, .. } => format!("field {} is not UTF-8", err.field() + 1),
            _ => error.to_string(),
        };
        TableError { line, column: None, message }
    })
}

/// The first line: no name twice, since nobody could say which is meant.
fn header(line: u64, names: Vec<String>) -> Result<Vec<String>, TableError> {
    for (index, name) in names.iter().enumerate() {
        if !name.is_empty() && names[..index].contains(name) {
            let message = "there are two columns of this name".to_string();
            return Err(TableError { line, column: Some(name.clone()), message });
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        let table = Table::read(text.as_bytes()).expect("a table");
        table.rows.into_iter().map(|row| row.fields).collect()
    }

    fn problem(bytes: &[u8]) -> String {
        Table::read(bytes).expect_err("no table").to_string()
    }

    #[test]
    fn marks_line_ends_spaces_and_quotes_do_not_matter() {
        for text in [
            "a,b\n1,2\n3,4\n",
            "a,b\n1,2\n3,4",
            "\u{feff}a,b\r\n1,2\r\n3,4\r\n",
            " a , b \n1, 2\n\n3 ,4\n\n",
            "\"a\",\"b\"\n\"1\",2\n3,\"4\"\n",
        ] {
            assert_eq!(rows(text), [["1", "2"], ["3", "4"]], "{text:?}");
            assert_eq!(Table::read(text.as_bytes()).expect("a table").header, ["a", "b"]);
        }
    }

    #[test]
    fn a_line_break_in_quotes_is_part_of_a_field_and_lines_are_still_counted() {
        let table = Table::read(b"a,b\n\"x\ny\",2\n3,4\n").expect("a table");
        assert_eq!(table.rows[0].fields[0], "x\ny");
        assert_eq!((table.rows[0].line, table.rows[1].line), (2, 4));
    }

    #[test]
    fn a_torn_line_is_named() {
        assert_eq!(
            problem(b"a,b\n1,2\n3"),
            "line 3: 1 field where the header has 2: is the line torn?"
        );
        assert!(problem(b"a,b\n1,2,3\n").starts_with("line 2: 3 fields"));
        assert!(problem(b"\r\na,b\r\n\r\n\r\n1,2,3\r\n").starts_with("line 5: 3 fields"));
        assert!(problem(b"a,b\n1,2\n\"3,4\n5,6\n").starts_with("line 3: 1 field"));
    }

    #[test]
    fn what_is_no_table_is_an_error() {
        assert!(problem(b"").contains("empty"));
        assert!(problem("\u{feff}\n\n".as_bytes()).contains("empty"));
        assert_eq!(problem(b"a,b,a\n"), "line 1, column a: there are two columns of this name");
        assert_eq!(problem(b"a,b\n1,\xff\n"), "line 2: field 2 is not UTF-8");
    }

    #[test]
    fn a_column_that_is_missing_is_named_with_those_that_are_there() {
        let problem = |text: &str| {
            let table = Table::read(text.as_bytes()).expect("a table");
            table.column("nthread").expect_err("missing").to_string()
        };
        assert_eq!(problem("n,x\n"), "line 1: no column \"nthread\"; there is: \"n, x\"");
        assert!(problem("nthread;throughput\n").ends_with("it is separated by ';', not by commas"));
    }
}
