//! One record of a CSV file, taken apart (RFC 4180).

/// The fields of a record. It is filled again and again, so that a million
/// records need no memory of their own.
#[derive(Debug, Default)]
pub struct Fields {
    text: String,
    spans: Vec<(usize, usize)>,
}

/// Why a record cannot be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The record ends within quotes: it may go on in the next line.
    Open,
    /// A quote stands where none may: within a field, or before the end of one.
    Stray,
}

impl Fields {
    /// Takes apart a record that has no line end.
    ///
    /// # Errors
    /// Where its quotes do not pair.
    pub fn split(&mut self, record: &str) -> Result<(), Flaw> {
        self.text.clear();
        self.spans.clear();
        if record.as_bytes().contains(&b'"') {
            return self.split_quoted(record);
        }
        self.text.push_str(record);
        let mut start = 0;
        for (at, byte) in record.bytes().enumerate() {
            if byte == b',' {
                self.spans.push((start, at));
                start = at + 1;
            }
        }
        self.spans.push((start, record.len()));
        Ok(())
    }

    fn split_quoted(&mut self, mut rest: &str) -> Result<(), Flaw> {
        loop {
            let start = self.text.len();
            if let Some(quoted) = rest.strip_prefix('"') {
                rest = self.unquote(quoted)?;
            } else {
                let (field, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
                if field.contains('"') {
                    return Err(Flaw::Stray);
                }
                self.text.push_str(field);
                rest = after;
            }
            self.spans.push((start, self.text.len()));
            match rest.strip_prefix(',') {
                Some(next) => rest = next,
                None if rest.is_empty() => return Ok(()),
                None => return Err(Flaw::Stray),
            }
        }
    }

    /// Takes a field whose first quote was taken; returns what follows its last.
    fn unquote<'a>(&mut self, mut rest: &'a str) -> Result<&'a str, Flaw> {
        loop {
            let (inside, after) = rest.split_once('"').ok_or(Flaw::Open)?;
            self.text.push_str(inside);
            match after.strip_prefix('"') {
                None => return Ok(after),
                Some(after) => {
                    self.text.push('"');
                    rest = after;
                }
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// The field at that index, from 0.
    pub fn get(&self, index: usize) -> Option<&str> {
        self.spans.get(index).map(|&(start, end)| &self.text[start..end])
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.spans.iter().map(|&(start, end)| &self.text[start..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(record: &str) -> Result<Vec<String>, Flaw> {
        let mut fields = Fields::default();
        fields.split(record)?;
        Ok(fields.iter().map(str::to_string).collect())
    }

    #[test]
    fn commas_part_fields_but_within_quotes() {
        assert_eq!(split("a,,b").expect("fields"), ["a", "", "b"]);
        assert_eq!(split("").expect("one"), [""]);
        assert_eq!(split("\"a,b\",\"say \"\"c\"\"\",").expect("fields"), ["a,b", "say \"c\"", ""]);
        assert_eq!(split("\"a\nb\",é").expect("fields"), ["a\nb", "é"]);
    }

    #[test]
    fn quotes_that_do_not_pair_are_no_fields() {
        assert_eq!(split("a,\"b"), Err(Flaw::Open));
        assert_eq!(split("a,\"b\"\""), Err(Flaw::Open));
        assert_eq!(split("a,b\"c"), Err(Flaw::Stray));
        assert_eq!(split("\"a\"b,c"), Err(Flaw::Stray));
    }
}
