//! The lines of a file, one after the other, however long or odd it is.

use std::io::{self, BufRead, Read as _};

/// Longer lines are no rows: a file without line ends must not fill the memory.
const LONGEST_BYTES: usize = 1 << 20;

/// What was found where a line should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A line with its end.
    Whole,
    /// The last line of the file, without an end.
    Torn,
    /// A line that is too long to be a row; it was passed over.
    TooLong,
    /// There is none any more.
    None,
}

/// Reads lines. Some may be put back, to be read again.
#[derive(Debug)]
pub struct Lines<R> {
    source: R,
    /// What was put back, and how far that was read again.
    again: Vec<u8>,
    at: usize,
    /// Whether what was put back was followed by a line that is too long.
    was_too_long: bool,
    /// Number of the line that was read last, from 1.
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// From the start of a file.
    pub fn new(source: R) -> Lines<R> {
        Lines { source, again: Vec::new(), at: 0, was_too_long: false, number: 0 }
    }

    /// Number of the line that was read last, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Reads a line, with its end, to the end of `into`.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn push_next(&mut self, into: &mut Vec<u8>) -> io::Result<Line> {
        let before = into.len();
        if self.at < self.again.len() {
            let rest = &self.again[self.at..];
            let length =
                rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
            into.extend_from_slice(&rest[..length]);
            self.at += length;
        } else if std::mem::take(&mut self.was_too_long) {
            self.number += 1;
            return Ok(Line::TooLong);
        } else {
            let most = LONGEST_BYTES as u64 + 1;
            self.source.by_ref().take(most).read_until(b'\n', into)?;
        }
        let is_whole = into[before..].ends_with(b"\n");
        let length = into.len() - before;
        self.number += u64::from(length > 0);
        match length {
            0 => Ok(Line::None),
            _ if is_whole => Ok(Line::Whole),
            1..=LONGEST_BYTES => Ok(Line::Torn),
            _ => {
                into.truncate(before);
                self.skip_line()?;
                Ok(Line::TooLong)
            }
        }
    }

    /// Puts back the last lines that were read, of which there are `count`. The
    /// `last` of all may have been too long, and is none of them.
    pub fn put_back(&mut self, lines: &[u8], count: u64, last: Line) {
        if last == Line::TooLong {
            self.was_too_long = true;
            self.number -= 1;
        }
        self.again = [lines, &self.again[self.at..]].concat();
        self.at = 0;
        self.number -= count;
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.source.fill_buf()?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let (length, is_over) =
                (end.map_or(buffer.len(), |at| at + 1), end.is_some() || buffer.is_empty());
            self.source.consume(length);
            if is_over {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_can_be_put_back_and_keep_their_numbers() {
        let mut lines = Lines::new(&b"a\nb\nc"[..]);
        let mut read = Vec::new();
        assert_eq!(lines.push_next(&mut read).expect("a"), Line::Whole);
        assert_eq!(lines.push_next(&mut read).expect("b"), Line::Whole);
        assert_eq!((&read[..], lines.number()), (&b"a\nb\n"[..], 2));
        lines.put_back(b"b\n", 1, Line::Whole);
        read.clear();
        assert_eq!(lines.push_next(&mut read).expect("b"), Line::Whole);
        assert_eq!((&read[..], lines.number()), (&b"b\n"[..], 2));
        assert_eq!(lines.push_next(&mut read).expect("c"), Line::Torn);
        assert_eq!(lines.push_next(&mut read).expect("nothing"), Line::None);
        assert_eq!(lines.number(), 3);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let text = [vec![b'x'; 3 * LONGEST_BYTES], b"\nb\n".to_vec()].concat();
        let mut lines = Lines::new(&text[..]);
        let mut read = Vec::new();
        assert_eq!(lines.push_next(&mut read).expect("read"), Line::TooLong);
        assert_eq!(lines.push_next(&mut read).expect("read"), Line::Whole);
        assert_eq!((&read[..], lines.number()), (&b"b\n"[..], 2));
        lines.put_back(b"b\n", 1, Line::Whole);
        assert_eq!(lines.number(), 1);
    }

    #[test]
    fn a_line_that_is_too_long_is_found_again_after_those_that_are_put_back() {
        let text = [b"a\n".to_vec(), vec![b'x'; 2 * LONGEST_BYTES], b"\nb\n".to_vec()].concat();
        let mut lines = Lines::new(&text[..]);
        let mut read = Vec::new();
        assert_eq!(lines.push_next(&mut read).expect("a"), Line::Whole);
        assert_eq!(lines.push_next(&mut read).expect("x"), Line::TooLong);
        lines.put_back(b"a\n", 1, Line::TooLong);
        for (expected, number) in [(Line::Whole, 1), (Line::TooLong, 2), (Line::Whole, 3)] {
            assert_eq!(lines.push_next(&mut read).expect("read"), expected);
            assert_eq!(lines.number(), number);
        }
    }
}
