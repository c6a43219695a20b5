//! The grammar of `--nthread`.
//!
//! ```text
//! list  = item { "," item }
//! item  = count [ ".." [ "=" ] count [ ":" step | ( "*" | "x" ) factor ] ]
//! count = INT | [ INT "*" ] ( "cpus" | "cores" )
//! ```
//!
//! Both ends of a range belong to it: `1..16` has 16. A star after a count is part of that count
//! only where `cpus` or `cores` follows, so `1..2*cpus` ends at twice the CPUs while `1..cpus*2`
//! doubles from count to count.

use std::collections::BTreeSet;

use super::{CountSource, MAX_NTHREAD};

/// The values of `cpus` and `cores` in a list, on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MachineCounts {
    /// The number of usable CPUs.
    pub cpus: u32,
    /// The number of physical cores within the affinity mask.
    pub cores: u32,
}

/// An error in a list of thread counts: its place, its cause and a correct example.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{part:?} at column {column}: {cause}; a correct list is {}", self.prefix(), cause.example())]
pub struct ListError {
    /// The flag or variable that the list came from, if known.
    pub origin: Option<CountSource>,
    /// The offending part of the text; empty where something is missing.
    pub part: String,
    /// The first character of that part, counted from 1.
    pub column: usize,
    /// The kind of error.
    pub cause: ListCause,
}

impl ListError {
    fn prefix(&self) -> String {
        match &self.origin {
            Some(source) => format!("{source}: "),
            None => String::new(),
        }
    }
}

/// The kinds of errors in a list of thread counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListCause {
    /// An empty item.
    #[error("the list is empty here")]
    Empty,
    /// A range, step or factor lacks its number.
    #[error("a number is missing here")]
    Missing,
    /// A count of zero.
    #[error("a thread count is at least 1")]
    Zero,
    /// A range that ends before it begins.
    #[error("the range ends before it begins")]
    Reversed,
    /// A number that does not fit.
    #[error("the number is too large")]
    Overflow,
    /// A number above [`MAX_NTHREAD`].
    #[error("at most {MAX_NTHREAD} threads are allowed")]
    TooMany,
    /// A step of zero, which never reaches the end.
    #[error("a step is at least 1")]
    StepZero,
    /// A factor of zero or one, which never reaches the end.
    #[error("a factor is at least 2")]
    FactorTooSmall,
    /// Text outside the grammar.
    #[error("this is not a thread count")]
    Junk,
}

impl ListCause {
    fn example(self) -> &'static str {
        match self {
            ListCause::StepZero => "1..16:5",
            ListCause::FactorTooSmall => "1..64*2",
            ListCause::Empty => "1,2,4",
            _ => "1..16",
        }
    }
}

/// Reads a list of thread counts; the result is sorted and without duplicates.
///
/// The upper end of a range must not exceed [`MAX_NTHREAD`], even if its step never reaches that
/// end. So the work is bounded by the length of the text.
pub fn parse_list(text: &str, machine: MachineCounts) -> Result<Vec<u32>, ListError> {
    let mut counts = BTreeSet::new();
    let mut start = 0;
    for piece in text.split(',') {
        let item = piece.trim();
        let position = start + piece.len() - piece.trim_start().len();
        let cursor = Cursor { text, position, end: position + item.len(), machine };
        cursor.read_item(&mut counts)?;
        start += piece.len() + 1;
    }
    Ok(counts.into_iter().collect())
}

/// The rule for the next count of a range.
enum Stride {
    Add(u32),
    Multiply(u32),
}

impl Stride {
    fn after(&self, count: u32) -> Option<u32> {
        match self {
            Stride::Add(step) => count.checked_add(*step),
            Stride::Multiply(factor) => count.checked_mul(*factor),
        }
    }
}

/// A parser of one item: `text[position..end]` is the rest of it.
struct Cursor<'a> {
    text: &'a str,
    position: usize,
    end: usize,
    machine: MachineCounts,
}

impl Cursor<'_> {
    fn read_item(mut self, counts: &mut BTreeSet<u32>) -> Result<(), ListError> {
        let start = self.position;
        if self.rest().is_empty() {
            return Err(self.error(start, ListCause::Empty));
        }
        let first = self.count()?;
        if !self.eat("..") {
            self.expect_end()?;
            counts.insert(first);
            return Ok(());
        }
        self.eat("=");
        let last = self.count()?;
        if last < first {
            return Err(self.error(start, ListCause::Reversed));
        }
        let stride = self.stride()?;
        self.expect_end()?;
        let range = std::iter::successors(Some(first), |count| stride.after(*count));
        counts.extend(range.take_while(|count| *count <= last));
        Ok(())
    }

    fn count(&mut self) -> Result<u32, ListError> {
        let start = self.position;
        let count = match self.word() {
            Some(value) => value,
            None => self.number_or_multiple()?,
        };
        match count {
            0 => Err(self.error(start, ListCause::Zero)),
            1..=MAX_NTHREAD => Ok(count),
            _ => Err(self.error(start, ListCause::TooMany)),
        }
    }

    /// Reads `3` or `3*cpus`; the star of `3*2` is left for [`Cursor::stride`].
    fn number_or_multiple(&mut self) -> Result<u32, ListError> {
        let start = self.position;
        let number = self.integer()?;
        let after_number = self.position;
        if self.eat("*")
            && let Some(value) = self.word()
        {
            return number.checked_mul(value).ok_or_else(|| self.error(start, ListCause::Overflow));
        }
        self.position = after_number;
        Ok(number)
    }

    fn stride(&mut self) -> Result<Stride, ListError> {
        let start = self.position;
        if self.eat(":") {
            return match self.integer()? {
                0 => Err(self.error(start, ListCause::StepZero)),
                step => Ok(Stride::Add(step)),
            };
        }
        if self.eat("*") || self.eat("x") {
            return match self.integer()? {
                0 | 1 => Err(self.error(start, ListCause::FactorTooSmall)),
                factor => Ok(Stride::Multiply(factor)),
            };
        }
        Ok(Stride::Add(1))
    }

    fn word(&mut self) -> Option<u32> {
        if self.eat("cpus") {
            Some(self.machine.cpus)
        } else if self.eat("cores") {
            Some(self.machine.cores)
        } else {
            None
        }
    }

    fn integer(&mut self) -> Result<u32, ListError> {
        let start = self.position;
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return Err(self.unexpected());
        }
        self.position += digits;
        let number = self.text[start..self.position].parse();
        // The text is all digits, so parsing fails only on overflow.
        number.map_err(|_| self.error(start, ListCause::Overflow))
    }

    fn expect_end(&mut self) -> Result<(), ListError> {
        if self.rest().is_empty() { Ok(()) } else { Err(self.unexpected()) }
    }

    fn eat(&mut self, token: &str) -> bool {
        let matches = self.rest().starts_with(token);
        if matches {
            self.position += token.len();
        }
        matches
    }

    fn rest(&self) -> &str {
        &self.text[self.position..self.end]
    }

    /// An error for the rest of the item, which the grammar does not allow here.
    fn unexpected(&mut self) -> ListError {
        let start = self.position;
        let cause = match self.rest() {
            "" => ListCause::Missing,
            _ => ListCause::Junk,
        };
        self.position = self.end;
        self.error(start, cause)
    }

    /// An error about the text from `start` to the current position.
    fn error(&self, start: usize, cause: ListCause) -> ListError {
        ListError {
            origin: None,
            part: self.text[start..self.position].to_owned(),
            column: self.text[..start].chars().count() + 1,
            cause,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MACHINE: MachineCounts = MachineCounts { cpus: 8, cores: 4 };

    fn parse(text: &str) -> Vec<u32> {
        parse_list(text, MACHINE).unwrap_or_else(|error| panic!("{text:?}: {error}"))
    }

    /// Cause, column and part of the error that `text` gives.
    fn refuse(text: &str) -> (ListCause, usize, String) {
        match parse_list(text, MACHINE) {
            Ok(counts) => panic!("{text:?} was read as {counts:?}"),
            Err(error) => (error.cause, error.column, error.part),
        }
    }

    #[test]
    fn a_range_includes_its_upper_end() {
        assert_eq!(parse("1..16"), (1..=16).collect::<Vec<u32>>());
        assert_eq!(parse("1..=16"), parse("1..16"));
        assert_eq!(parse("5..5"), [5]);
    }

    #[test]
    fn a_step_adds_and_a_factor_multiplies() {
        assert_eq!(parse("1..16:5"), [1, 6, 11, 16]);
        assert_eq!(parse("1..17:5"), [1, 6, 11, 16]);
        assert_eq!(parse("1..64*2"), [1, 2, 4, 8, 16, 32, 64]);
        assert_eq!(parse("1..64x2"), parse("1..64*2"));
        assert_eq!(parse("1..=64x4"), [1, 4, 16, 64]);
        assert_eq!(parse("3..9:4294967295"), [3]);
        assert_eq!(parse("3..9x4294967295"), [3]);
    }

    #[test]
    fn cpus_and_cores_are_those_of_the_machine() {
        assert_eq!(parse("cpus"), [8]);
        assert_eq!(parse("cores,cpus,2*cpus"), [4, 8, 16]);
        assert_eq!(parse("cores..cpus:2"), [4, 6, 8]);
        assert_eq!(parse("1..2*cpus"), (1..=16).collect::<Vec<u32>>());
        assert_eq!(parse("1..cpus*2"), [1, 2, 4, 8]);
        assert_eq!(parse("1..cpusx2"), [1, 2, 4, 8]);
        assert_eq!(parse("1..2*cpus*4"), [1, 4, 16]);
        assert_eq!(parse("2*cores..2*cpus:8"), [8, 16]);
    }

    #[test]
    fn the_result_is_sorted_and_has_no_duplicates() {
        assert_eq!(parse(" 4 , 1..3 ,2,\t16 "), [1, 2, 3, 4, 16]);
        assert_eq!(parse("007"), [7]);
    }

    #[test]
    fn an_error_shows_the_part_and_its_column() {
        let junk = |column, part: &str| (ListCause::Junk, column, part.to_owned());
        assert_eq!(refuse(""), (ListCause::Empty, 1, String::new()));
        assert_eq!(refuse("1,,2"), (ListCause::Empty, 3, String::new()));
        assert_eq!(refuse("1, 0"), (ListCause::Zero, 4, "0".to_owned()));
        assert_eq!(refuse("0*cpus"), (ListCause::Zero, 1, "0*cpus".to_owned()));
        assert_eq!(refuse("2,5..3"), (ListCause::Reversed, 3, "5..3".to_owned()));
        assert_eq!(refuse("5.."), (ListCause::Missing, 4, String::new()));
        assert_eq!(refuse("1..9:"), (ListCause::Missing, 6, String::new()));
        assert_eq!(refuse("1..9:0"), (ListCause::StepZero, 5, ":0".to_owned()));
        assert_eq!(refuse("1..9*1"), (ListCause::FactorTooSmall, 5, "*1".to_owned()));
        assert_eq!(refuse("1..9x0"), (ListCause::FactorTooSmall, 5, "x0".to_owned()));
        assert_eq!(refuse("1025"), (ListCause::TooMany, 1, "1025".to_owned()));
        assert_eq!(refuse("129*cpus"), (ListCause::TooMany, 1, "129*cpus".to_owned()));
        assert_eq!(refuse("é"), junk(1, "é"));
        assert_eq!(refuse("1,é"), junk(3, "é"));
        assert_eq!(refuse("-1"), junk(1, "-1"));
        assert_eq!(refuse("..5"), junk(1, "..5"));
        assert_eq!(refuse("1...5"), junk(4, ".5"));
        assert_eq!(refuse("1 ..5"), junk(2, " ..5"));
        assert_eq!(refuse("1_0"), junk(2, "_0"));
        assert_eq!(refuse("4*2"), junk(2, "*2"));
        assert_eq!(refuse("4:2"), junk(2, ":2"));
        assert_eq!(refuse("2xcpus"), junk(2, "xcpus"));
        assert_eq!(refuse("cpuset"), junk(5, "et"));
        assert_eq!(refuse("1..9:cpus"), junk(6, "cpus"));
    }

    #[test]
    fn a_huge_range_is_an_error_and_costs_no_time() {
        assert_eq!(refuse("1..4000000000").0, ListCause::TooMany);
        assert_eq!(refuse("1..5000000000").0, ListCause::Overflow);
        assert_eq!(refuse("4000000000*cpus").0, ListCause::Overflow);
        assert_eq!(refuse(&"9".repeat(10_000)).0, ListCause::Overflow);
        assert_eq!(refuse("1..4000000000*2").0, ListCause::TooMany);
        assert_eq!(parse("1..1024").len(), 1024);
    }

    #[test]
    fn every_example_in_an_error_is_itself_correct() {
        for text in ["", "5..", "0", "5..3", "99999999999", "1025", "1..9:0", "1..9*1", "?"] {
            parse(refuse(text).0.example());
        }
    }

    /// A count as text, and its value.
    fn count() -> impl Strategy<Value = (String, u32)> {
        prop_oneof![
            (1..=MAX_NTHREAD).prop_map(|number| (number.to_string(), number)),
            Just(("cpus".to_owned(), 8)),
            Just(("cores".to_owned(), 4)),
            (1..=128_u32).prop_map(|number| (format!("{number}*cpus"), number * 8)),
            (1..=256_u32).prop_map(|number| (format!("{number}*cores"), number * 4)),
        ]
    }

    /// An item as text, and the counts that it stands for.
    fn item() -> impl Strategy<Value = (String, Vec<u32>)> {
        let dots = prop_oneof![Just(".."), Just("..=")];
        let stride = prop_oneof![
            Just(String::new()),
            (1..2000_u32).prop_map(|step| format!(":{step}")),
            (2..2000_u32).prop_map(|factor| format!("*{factor}")),
            (2..2000_u32).prop_map(|factor| format!("x{factor}")),
        ];
        let range = (count(), dots, count(), stride).prop_map(|(a, dots, b, stride)| {
            let (first, last) = if a.1 <= b.1 { (a, b) } else { (b, a) };
            let text = format!("{}{dots}{}{stride}", first.0, last.0);
            let amount = stride.get(1..).and_then(|text| text.parse::<u32>().ok());
            let is_factor = !stride.is_empty() && !stride.starts_with(':');
            let counts = (first.1..=last.1).filter(|count| match (amount, is_factor) {
                (None, _) => true,
                (Some(step), false) => (count - first.1) % step == 0,
                (Some(factor), true) => {
                    let mut power = u64::from(first.1);
                    while power < u64::from(*count) {
                        power *= u64::from(factor);
                    }
                    power == u64::from(*count)
                }
            });
            (text, counts.collect())
        });
        prop_oneof![count().prop_map(|(text, value)| (text, vec![value])), range]
    }

    proptest! {
        #[test]
        fn every_list_of_the_grammar_gives_its_counts(
            items in prop::collection::vec(item(), 1..5),
            comma in prop_oneof![Just(","), Just(", "), Just(" ,  ")],
        ) {
            let texts: Vec<&str> = items.iter().map(|(text, _)| text.as_str()).collect();
            let expected: BTreeSet<u32> = items.iter().flat_map(|(_, counts)| counts.clone()).collect();
            let expected: Vec<u32> = expected.into_iter().collect();
            prop_assert_eq!(parse_list(&texts.join(comma), MACHINE), Ok(expected));
        }

        #[test]
        fn any_text_is_a_valid_list_or_an_error_that_points_into_it(
            text in prop_oneof!["\\PC{0,20}", "[0-9.=:*x, cpusore]{0,20}"],
        ) {
            match parse_list(&text, MACHINE) {
                Ok(counts) => {
                    prop_assert!(!counts.is_empty());
                    prop_assert!(counts.is_sorted());
                    prop_assert!(counts.iter().all(|count| (1..=MAX_NTHREAD).contains(count)));
                }
                Err(error) => {
                    let tail: String = text.chars().skip(error.column - 1).collect();
                    prop_assert!(tail.starts_with(&error.part));
                }
            }
        }
    }
}
