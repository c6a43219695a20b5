//! Fields of one line of a CSV file (RFC 4180).

/// Fields of a line. One value is filled line after line, so that a million lines
/// need no memory of their own.
#[derive(Debug, Default)]
pub struct Fields {
    text: String,
    /// Start and end of each field in `text`.
    spans: Vec<(usize, usize)>,
}

impl Fields {
    /// Splits a line, without its end, at its commas.
    ///
    /// # Errors
    /// Where the quotes do not pair.
    pub fn split(&mut self, line: &str) -> Result<(), &'static str> {
        self.text.clear();
        self.spans.clear();
        if line.as_bytes().contains(&b'"') {
            return self.split_quoted(line);
        }
        self.text.push_str(line);
        let mut start = 0;
        for (at, byte) in line.bytes().enumerate() {
            if byte == b',' {
                self.spans.push((start, at));
                start = at + 1;
            }
        }
        self.spans.push((start, line.len()));
        Ok(())
    }

    // The csv crate would build its state machine anew for each line, and accepts
    // quotes within a field, which only damage puts there.
    fn split_quoted(&mut self, mut rest: &str) -> Result<(), &'static str> {
        loop {
            let start = self.text.len();
            if let Some(quoted) = rest.strip_prefix('"') {
                rest = self.unquote(quoted)?;
            } else {
                let end = rest.find([',', '"']).unwrap_or(rest.len());
                self.text.push_str(&rest[..end]);
                rest = &rest[end..];
            }
            self.spans.push((start, self.text.len()));
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None if rest.is_empty() => return Ok(()),
                None => return Err("unexpected quote within a field"),
            }
        }
    }

    /// Appends a field whose opening quote was read, and returns the text after its
    /// closing quote.
    fn unquote<'a>(&mut self, mut rest: &'a str) -> Result<&'a str, &'static str> {
        loop {
            let (inside, after) = rest.split_once('"').ok_or("unclosed quote")?;
            self.text.push_str(inside);
            match after.strip_prefix('"') {
                None => return Ok(after),
                Some(after) => {
                    // A doubled quote stands for one.
                    self.text.push('"');
                    rest = after;
                }
            }
        }
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Field at an index, from 0.
    pub fn get(&self, index: usize) -> Option<&str> {
        self.spans.get(index).map(|&(start, end)| &self.text[start..end])
    }

    /// Iterator over all fields.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.spans.iter().map(|&(start, end)| &self.text[start..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Result<Vec<String>, &'static str> {
        let mut fields = Fields::default();
        fields.split(line)?;
        Ok(fields.iter().map(str::to_string).collect())
    }

    #[test]
    fn commas_separate_fields_except_within_quotes() {
        assert_eq!(split("a,,b").expect("fields"), ["a", "", "b"]);
        assert_eq!(split("").expect("one"), [""]);
        assert_eq!(split("\"a,b\",\"say \"\"c\"\"\",").expect("fields"), ["a,b", "say \"c\"", ""]);
        assert_eq!(split("\"\",é").expect("fields"), ["", "é"]);
    }

    #[test]
    fn quotes_that_do_not_pair_are_an_error() {
        assert_eq!(split("a,\"b"), Err("unclosed quote"));
        assert_eq!(split("a,\"b\"\""), Err("unclosed quote"));
        assert_eq!(split("a,b\"c"), Err("unexpected quote within a field"));
        assert_eq!(split("\"a\"b,c"), Err("unexpected quote within a field"));
    }
}
