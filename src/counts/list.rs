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
        // Each stride is at least 1, or a factor of at least 2: the range ends.
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
        // A star may also begin the factor of a range: then it is put back.
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
mod tests;
