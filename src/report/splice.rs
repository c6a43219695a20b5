//! Puts the essence of a report between two marks of a page that somebody
//! wrote, and touches nothing else of it.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use super::markdown::{commands, essence};
use super::markup::code;
use crate::analysis::Summary;
use crate::record::replace_file;

/// The line after which the essence begins.
pub const BEGIN: &str = "<!-- harness:begin -->";

/// The line before which it ends.
pub const END: &str = "<!-- harness:end -->";

/// The reason why a page was left as it was.
#[derive(Debug, thiserror::Error)]
pub enum SpliceError {
    /// The page cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The page.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The page has not one place for the results: a mark is missing, doubled or misplaced.
    #[error("{}: {problem}", path.display())]
    Marks {
        /// The page.
        path: PathBuf,
        /// The problem, with its lines and its remedy.
        problem: String,
    },
}

/// Replaces what stands between the marks of `page` with the essence of the
/// results in `dir`, and the command that made them. Links lead from the page
/// to `dir`. The bytes around it, the line ends and the permissions stay; the
/// page is replaced as a whole. A page that would not change is not written.
///
/// # Errors
/// If the page cannot be read or written, or its marks are not there once, in
/// order, each on a line of its own.
pub fn splice(summary: &Summary, dir: &Path, page: &Path) -> Result<(), SpliceError> {
    let failed = |source| SpliceError::File { path: page.to_owned(), source };
    // Where the page is a link, the file that it leads to is the page.
    let file = fs::canonicalize(page).map_err(failed)?;
    let dir = fs::canonicalize(dir).map_err(failed)?;
    let old = fs::read(&file).map_err(failed)?;
    let place = place(&old, page)?;
    let home = file.parent().unwrap_or(Path::new("/"));
    let block = block(summary, &way(home, &dir));
    let line_end = if old[..place.start].ends_with(b"\r\n") { "\r\n" } else { "\n" };
    let mut new = old[..place.start].to_vec();
    new.extend(block.replace('\n', line_end).into_bytes());
    new.extend(&old[place.end..]);
    if new == old {
        return Ok(());
    }
    let permissions = fs::metadata(&file).map_err(failed)?.permissions();
    if permissions.readonly() {
        let reason = io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only");
        return Err(failed(reason));
    }
    replace_file(&file, &new).map_err(failed)
}

/// The text between the marks.
fn block(summary: &Summary, dir: &Path) -> String {
    // A word that begins with a dash would be a flag.
    let name = dir.to_string_lossy();
    let name = if name.starts_with('-') { format!("./{name}") } else { name.into_owned() };
    let name = shlex::try_quote(&name).map_or_else(|_| "DIR".into(), |word| word.into_owned());
    let again = code("sh", &format!("harness report {name}"));
    // The empty lines keep the marks from being part of a paragraph or a block.
    format!(
        "\n{}{}\nShown again with\n\n{again}\n",
        essence(summary, dir, "###"),
        commands(summary)
    )
}

/// The range between the marks of a page.
fn place(text: &[u8], page: &Path) -> Result<Range<usize>, SpliceError> {
    let marks = |problem| SpliceError::Marks { path: page.to_owned(), problem };
    let (begin, end) =
        (only_line(text, BEGIN).map_err(marks)?, only_line(text, END).map_err(marks)?);
    if end.bytes.start < begin.bytes.end {
        return Err(marks(format!(
            "{END} in line {} stands above {BEGIN} in line {}: swap them",
            end.number, begin.number
        )));
    }
    Ok(begin.bytes.end..end.bytes.start)
}

/// A line of a page.
struct Line {
    /// The number of the line, from 1.
    number: usize,
    /// The place of the line with its end.
    bytes: Range<usize>,
}

/// The line that consists of a mark and perhaps of spaces around it, or the problem that there
/// is not exactly one.
fn only_line(text: &[u8], mark: &str) -> Result<Line, String> {
    // Bytes, not text: what stands around the marks may be in any encoding.
    let mut start = 0;
    let mut only: Option<Line> = None;
    for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let bytes = start..start + line.len();
        start = bytes.end;
        if line.trim_ascii() != mark.as_bytes() {
            continue;
        }
        let number = index + 1;
        if let Some(Line { number: first, .. }) = only {
            return Err(format!(
                "{mark} stands in line {first} and in line {number}: one of them must go"
            ));
        }
        only = Some(Line { number, bytes });
    }
    only.ok_or_else(|| {
        format!(
            "no line {mark}: write these two where the results belong, each on a line of its \
             own\n{BEGIN}\n{END}"
        )
    })
}

/// The way from one directory to another, both absolute and without links.
fn way(from: &Path, to: &Path) -> PathBuf {
    let (from, to): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let shared = from.iter().zip(&to).take_while(|(one, other)| one == other).count();
    let up = from[shared..].iter().map(|_| Component::ParentDir.as_os_str());
    let down = to[shared..].iter().map(|component| component.as_os_str());
    let way: PathBuf = up.chain(down).collect();
    if way.as_os_str() == OsStr::new("") { PathBuf::from(".") } else { way }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place_in(text: &str) -> Result<&str, String> {
        let range = place(text.as_bytes(), Path::new("README.md"));
        range.map(|range| &text[range]).map_err(|error| error.to_string())
    }

    #[test]
    fn what_stands_between_the_marks_is_replaced_and_nothing_else() {
        let text = format!("a\n{BEGIN}\nold\n{END}\nb `{BEGIN}`");
        assert_eq!(place_in(&text), Ok("old\n"));
        assert_eq!(place_in(&format!("  {BEGIN} \r\n{END}")), Ok(""));
    }

    #[test]
    fn marks_that_are_missing_double_or_reversed_are_named_with_their_lines() {
        let says = |text: &str, words: &[&str]| {
            let error = place_in(text).expect_err("no place");
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        };
        says("nothing", &["README.md", "no line", BEGIN, END]);
        says(&format!("{BEGIN}\n"), &[&format!("no line {END}")]);
        says(&format!("{BEGIN}\n\n{BEGIN}\n{END}\n"), &["line 1 and in line 3"]);
        says(&format!("{END}\n{BEGIN}\n"), &["in line 1 stands above", "in line 2"]);
    }

    #[test]
    fn the_way_between_two_directories_is_relative() {
        let way = |from, to| way(Path::new(from), Path::new(to));
        assert_eq!(way("/a/b", "/a/b/c/d"), Path::new("c/d"));
        assert_eq!(way("/a/b/docs", "/a/b/results/x"), Path::new("../results/x"));
        assert_eq!(way("/a", "/a"), Path::new("."));
        assert_eq!(way("/", "/x"), Path::new("x"));
    }
}
