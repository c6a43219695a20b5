//! Where the columns of a file stand: found once, from its header.

use super::fields::Fields;
use super::row::{COLUMNS, FIRST_COLUMNS};

/// Without these a row cannot be told from others, its time is not known, or
/// neither is whether it failed. A file that lacks another column says less, but
/// nothing wrong.
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

/// The place of each column in the records of a file.
#[derive(Debug)]
pub struct Columns {
    /// Of each of [`COLUMNS`] the index of its field, from 0.
    places: [Option<usize>; COLUMNS.len()],
    /// Fields of a record.
    count: usize,
}

/// Why a header is not that of our file.
#[derive(Debug, PartialEq, Eq)]
pub struct NotOurs {
    /// Where the column should stand, from 1; or where it stands again.
    pub column: usize,
    /// What should stand there.
    pub expected: &'static str,
    /// What stands there.
    pub found: String,
}

impl Columns {
    /// By the names in a header, in any order.
    ///
    /// # Errors
    /// If a column is missing without which rows make no sense, or is there twice.
    pub fn of(header: &Fields) -> Result<Columns, NotOurs> {
        let mut places = [None; COLUMNS.len()];
        for (index, name) in header.iter().enumerate() {
            let Some(column) = COLUMNS.iter().position(|column| *column == name) else { continue };
            if places[column].replace(index).is_some() {
                let found = format!("{name} again");
                let expected = "each column once";
                return Err(NotOurs { column: index + 1, expected, found });
            }
        }
        for (index, expected) in COLUMNS.into_iter().enumerate() {
            if places[index].is_none() && REQUIRED.contains(&expected) {
                let found = header.get(index).unwrap_or("nothing");
                let found = found.chars().take(40).collect();
                return Err(NotOurs { column: index + 1, expected, found });
            }
        }
        Ok(Columns { places, count: header.len() })
    }

    /// Fields that a record must have.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The field of the column with that index in [`COLUMNS`]; empty where the
    /// file has no such column.
    pub fn cell<'a>(&self, fields: &'a Fields, column: usize) -> &'a str {
        self.places[column].and_then(|place| fields.get(place)).unwrap_or_default()
    }

    /// Columns that are not there. Files of the first version lack the last ones,
    /// and nothing is wrong with them.
    pub fn missing(&self) -> Vec<&'static str> {
        let is_missing = |index: &usize| self.places[*index].is_none();
        let last = self.places.iter().rposition(Option::is_some).unwrap_or(0);
        let missing = (0..FIRST_COLUMNS.max(last)).filter(is_missing);
        missing.map(|index| COLUMNS[index]).collect()
    }

    /// Columns that are not ours and stand before one that is, with their number
    /// from 1. Later versions append theirs at the end.
    pub fn strangers(&self, header: &Fields) -> Vec<(usize, String)> {
        let last = self.places.iter().flatten().max().copied().unwrap_or(0);
        let names = header.iter().enumerate().take(last);
        let strange = names.filter(|(_, name)| !COLUMNS.contains(name));
        strange.map(|(index, name)| (index + 1, name.chars().take(40).collect())).collect()
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
        let columns = Columns::of(&header).expect("all there");
        assert_eq!(columns.count(), COLUMNS.len() + 2);
        assert!((0..COLUMNS.len()).all(|index| columns.cell(&header, index) == COLUMNS[index]));
        assert_eq!(columns.strangers(&header), [(1, "more".to_string())]);
        assert!(columns.missing().is_empty());
    }

    #[test]
    fn what_may_be_missing_is_told_from_what_may_not() {
        let without = |name: &str| {
            let kept: Vec<&str> = COLUMNS.into_iter().filter(|column| *column != name).collect();
            fields(&kept.join(","))
        };
        for name in COLUMNS {
            let found = Columns::of(&without(name));
            assert_eq!(found.is_err(), REQUIRED.contains(&name), "{name}");
            match found {
                Err(error) => assert_eq!(error.expected, name),
                Ok(columns) if name == "cycles" => assert!(columns.missing().is_empty()),
                Ok(columns) => assert_eq!(columns.missing(), [name]),
            }
        }
        let first = fields(&COLUMNS[..FIRST_COLUMNS].join(","));
        assert!(Columns::of(&first).expect("the first version").missing().is_empty());
    }

    #[test]
    fn a_column_that_is_there_twice_is_refused() {
        let header = fields(&format!("{},wall_ns", COLUMNS.join(",")));
        let error = Columns::of(&header).expect_err("twice");
        assert_eq!((error.column, error.found.as_str()), (48, "wall_ns again"));
    }
}
