//! Column layout of a samples file, read from its header.

use super::fields::Fields;
use super::row::{COLUMNS, FIRST_COLUMNS};

/// Columns without which a visit, its case, a time or a failure is unknown. A file
/// that lacks another column says less, but nothing wrong.
const REQUIRED: [&str; 22] = [
    "schema",
    "session",
    "round",
    "group",
    "visit",
    "phase",
    "started_ns",
    "kernel",
    "backend",
    "nthread",
    "schedule",
    "chunk",
    "block",
    "pin",
    "start_method",
    "inner_nthread",
    "scaling",
    "draws",
    "seed",
    "label",
    "wall_ns",
    "error",
];

/// Longest column name that a message shows.
const MAX_SHOWN_CHARS: usize = 40;

/// Index of each column in the lines of a file.
#[derive(Debug)]
pub struct Columns {
    /// Index of the field, from 0, of each of [`COLUMNS`].
    indices: [Option<usize>; COLUMNS.len()],
    /// Fields of a line.
    count: usize,
}

/// Column of a header that is missing or repeated.
#[derive(Debug, PartialEq, Eq)]
pub struct HeaderError {
    /// Number of the column, from 1.
    pub column: usize,
    /// Expected name.
    pub expected: &'static str,
    /// Name in the file.
    pub found: String,
}

impl Columns {
    /// Finds the columns by the names in a header, in any order.
    ///
    /// # Errors
    /// If a required column is missing, or a column is there twice.
    pub fn from_header(header: &Fields) -> Result<Columns, HeaderError> {
        let mut indices = [None; COLUMNS.len()];
        for (index, name) in header.iter().enumerate() {
            let Some(column) = COLUMNS.iter().position(|column| *column == name) else { continue };
            if indices[column].replace(index).is_some() {
                let found = format!("{name} twice");
                return Err(HeaderError { column: index + 1, expected: "each column once", found });
            }
        }
        for (index, expected) in COLUMNS.into_iter().enumerate() {
            if indices[index].is_none() && REQUIRED.contains(&expected) {
                let found = header.get(index).unwrap_or("nothing");
                let found = found.chars().take(MAX_SHOWN_CHARS).collect();
                return Err(HeaderError { column: index + 1, expected, found });
            }
        }
        Ok(Columns { indices, count: header.len() })
    }

    /// Number of fields that a line must have.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Field of the column with that index in [`COLUMNS`]; empty where the file has
    /// no such column.
    pub fn field<'a>(&self, fields: &'a Fields, column: usize) -> &'a str {
        self.indices[column].and_then(|index| fields.get(index)).unwrap_or_default()
    }

    /// Columns that the file lacks. The last ones are not among them: files of the
    /// first version do not have them, and nothing is wrong with that.
    pub fn missing(&self) -> Vec<&'static str> {
        let last = self.indices.iter().rposition(Option::is_some).unwrap_or(0);
        let missing = (0..FIRST_COLUMNS.max(last)).filter(|index| self.indices[*index].is_none());
        missing.map(|index| COLUMNS[index]).collect()
    }

    /// Unknown columns that stand before a known one, with their number from 1. Later
    /// versions append theirs at the end.
    pub fn unknown(&self, header: &Fields) -> Vec<(usize, String)> {
        let last = self.indices.iter().flatten().max().copied().unwrap_or(0);
        let names = header.iter().enumerate().take(last);
        let unknown = names.filter(|(_, name)| !COLUMNS.contains(name));
        unknown
            .map(|(index, name)| (index + 1, name.chars().take(MAX_SHOWN_CHARS).collect()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(header: &str) -> Fields {
        let mut fields = Fields::default();
        fields.split(header).expect("fields");
        fields
    }

    #[test]
    fn columns_may_stand_in_any_order_among_others() {
        let reversed: Vec<&str> = COLUMNS.into_iter().rev().collect();
        let header = fields(&format!("more,{},last", reversed.join(",")));
        let columns = Columns::from_header(&header).expect("all there");
        assert_eq!(columns.count(), COLUMNS.len() + 2);
        assert!((0..COLUMNS.len()).all(|index| columns.field(&header, index) == COLUMNS[index]));
        assert_eq!(columns.unknown(&header), [(1, "more".to_string())]);
        assert!(columns.missing().is_empty());
    }

    #[test]
    fn only_required_columns_must_be_there() {
        let without = |name: &str| {
            let kept: Vec<&str> = COLUMNS.into_iter().filter(|column| *column != name).collect();
            fields(&kept.join(","))
        };
        for name in COLUMNS {
            let columns = Columns::from_header(&without(name));
            assert_eq!(columns.is_err(), REQUIRED.contains(&name), "{name}");
            match columns {
                Err(error) => assert_eq!(error.expected, name),
                Ok(columns) if name == COLUMNS[COLUMNS.len() - 1] => {
                    assert!(columns.missing().is_empty())
                }
                Ok(columns) => assert_eq!(columns.missing(), [name]),
            }
        }
        let first = fields(&COLUMNS[..FIRST_COLUMNS].join(","));
        assert!(Columns::from_header(&first).expect("the first version").missing().is_empty());
    }

    #[test]
    fn a_repeated_column_is_an_error() {
        let header = fields(&format!("{},wall_ns", COLUMNS.join(",")));
        let error = Columns::from_header(&header).expect_err("twice");
        assert_eq!((error.column, error.found.as_str()), (COLUMNS.len() + 1, "wall_ns twice"));
    }
}
