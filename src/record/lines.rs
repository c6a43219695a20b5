//! Line reader with bounded memory.

use std::io::{self, BufRead, Read as _};

/// Longest line, with its end. A file without line ends must not fill the memory.
const MAX_LINE_BYTES: usize = (1 << 20) + 1;

/// State of the line that was read last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The line has its end.
    Complete,
    /// The last line of the file, without its end.
    Torn,
    /// The line was skipped, because it is longer than a row can be.
    TooLong,
    /// The file has no more lines.
    EndOfFile,
}

/// Reader of lines, which keeps one line at a time.
#[derive(Debug)]
pub struct Lines<R> {
    source: R,
    bytes: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// Starts before the first line of a source.
    pub fn new(source: R) -> Lines<R> {
        Lines { source, bytes: Vec::new(), number: 0 }
    }

    /// Number of the current line, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Bytes of the current line without its end, that of Windows included.
    pub fn bytes(&self) -> &[u8] {
        let line = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    /// Reads the next line.
    ///
    /// # Errors
    /// Where the source cannot be read.
    pub fn advance(&mut self) -> io::Result<Line> {
        let mut is_too_long = false;
        loop {
            self.bytes.clear();
            let mut limited = self.source.by_ref().take(MAX_LINE_BYTES as u64);
            let length = limited.read_until(b'\n', &mut self.bytes)?;
            let is_complete = self.bytes.ends_with(b"\n");
            if length == MAX_LINE_BYTES && !is_complete {
                // The rest of the line is read, and dropped, in the next turn.
                is_too_long = true;
                continue;
            }
            if length == 0 && !is_too_long {
                return Ok(Line::EndOfFile);
            }
            self.number += 1;
            return Ok(match (is_too_long, is_complete) {
                (true, _) => Line::TooLong,
                (false, true) => Line::Complete,
                (false, false) => Line::Torn,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_from_one_and_lose_their_ends() {
        let mut lines = Lines::new(&b"a\r\n\nc"[..]);
        for (number, state, bytes) in
            [(1, Line::Complete, &b"a"[..]), (2, Line::Complete, b""), (3, Line::Torn, b"c")]
        {
            assert_eq!(lines.advance().expect("a line"), state);
            assert_eq!((lines.number(), lines.bytes()), (number, bytes));
        }
        assert_eq!(lines.advance().expect("the end"), Line::EndOfFile);
        assert_eq!(lines.number(), 3);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped() {
        for length in [MAX_LINE_BYTES, 2 * MAX_LINE_BYTES, 3 * MAX_LINE_BYTES + 7] {
            let text = [vec![b'x'; length], b"\nb\n".to_vec()].concat();
            let mut lines = Lines::new(&text[..]);
            assert_eq!(lines.advance().expect("read"), Line::TooLong);
            assert_eq!(lines.advance().expect("read"), Line::Complete);
            assert_eq!((lines.bytes(), lines.number()), (&b"b"[..], 2));
        }
    }
}
