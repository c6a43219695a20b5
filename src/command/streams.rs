//! What becomes of what a command prints: it is thrown away, kept, shown or
//! digested while the command runs, and never fills the memory.

use std::fs::File;
use std::io::{self, PipeReader, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use sha2::{Digest as _, Sha256};

use super::{Capture, Destination};
use crate::runner::protocol::Printed;

/// Bytes that are read at once: what a pipe holds.
const BUFFER_BYTES: usize = 1 << 16;

/// Bytes of stderr that are kept for a message, the last ones.
const TAIL_BYTES: usize = 2048;

/// Bytes of a file, after which the rest is not kept.
const FILE_BYTES: u64 = 64 << 20;

/// Bytes of a text that is wanted, and of one that is not: enough for a message.
const TEXT_BYTES: usize = 512 << 10;
const EXCERPT_BYTES: usize = 200;

/// stdout and stderr of the runs of a visit.
pub struct Streams {
    stdout: Stream,
    stderr: Stream,
    nowhere: File,
    buffer: Vec<u8>,
}

impl Streams {
    /// Of a visit whose output goes there.
    ///
    /// # Errors
    /// Where a file cannot be created.
    pub fn of(destination: &Destination, capture: Capture) -> anyhow::Result<Streams> {
        let digests = capture != Capture::Nothing;
        let (mut stdout, mut stderr) = (Stream::default(), Stream::default());
        match destination {
            Destination::Nowhere => stderr.tail = Some(Vec::new()),
            Destination::Terminal => {
                stdout.is_shown = true;
                stderr.is_shown = true;
            }
            Destination::Files(name) => {
                stdout.file = Some(Kept::create(name, "out")?);
                stderr.file = Some(Kept::create(name, "err")?);
                stderr.tail = Some(Vec::new());
            }
        }
        stdout.digest = digests.then(|| Digest::new(capture));
        let nowhere = File::options().read(true).write(true).open("/dev/null");
        let nowhere = nowhere.context("cannot open /dev/null")?;
        Ok(Streams { stdout, stderr, nowhere, buffer: vec![0; BUFFER_BYTES] })
    }

    /// Of a command that is not measured. Its stderr is that of this process, which
    /// is there for what it leaves behind, too.
    ///
    /// # Errors
    /// Where /dev/null cannot be opened.
    pub fn of_helper() -> anyhow::Result<Streams> {
        let mut streams = Streams::of(&Destination::Nowhere, Capture::Nothing)?;
        streams.stderr = Stream { is_shown: true, ..Stream::default() };
        Ok(streams)
    }

    /// Nothing to read from.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn nothing(&self) -> io::Result<File> {
        self.nowhere.try_clone()
    }

    /// What the next run is to have as stdout and stderr.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn open(&mut self) -> io::Result<(Stdio, Stdio)> {
        Ok((self.stdout.open(&self.nowhere)?, self.stderr.open(&self.nowhere)?))
    }

    /// What to wait for.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        [&self.stdout, &self.stderr].into_iter().filter_map(|it| Some(it.pipe.as_ref()?.as_fd()))
    }

    /// Takes what is there, as much as a buffer holds.
    ///
    /// # Errors
    /// Where it cannot be kept.
    pub fn take(&mut self) -> anyhow::Result<()> {
        let (stdout, buffer) = (&mut self.stdout, &mut self.buffer);
        stdout.take(buffer)?;
        self.stderr.take(buffer)?;
        Ok(())
    }

    /// Takes all that is left, when nobody is alive who could write more.
    ///
    /// # Errors
    /// Where it cannot be kept.
    pub fn close(&mut self) -> anyhow::Result<()> {
        let (stdout, buffer) = (&mut self.stdout, &mut self.buffer);
        while stdout.take(buffer)? {}
        while self.stderr.take(buffer)? {}
        (self.stdout.pipe, self.stderr.pipe) = (None, None);
        Ok(())
    }

    /// What the last run printed on stdout, where somebody wants to know.
    pub fn printed(&mut self) -> Option<Printed> {
        self.stdout.digest.as_mut().map(Digest::finish)
    }

    /// The last lines of stderr, if there are any.
    pub fn last_words(&self) -> Option<String> {
        last_lines(self.stderr.tail.as_deref()?)
    }
}

/// The last three lines of what was written, on one line; none of nothing.
pub fn last_lines(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.trim().lines().collect();
    (!lines.is_empty()).then(|| lines[lines.len().saturating_sub(3)..].join(" / "))
}

/// One of the two.
#[derive(Default)]
struct Stream {
    /// Of the run at hand, if anybody reads it here.
    pipe: Option<PipeReader>,
    is_shown: bool,
    tail: Option<Vec<u8>>,
    file: Option<Kept>,
    digest: Option<Digest>,
}

impl Stream {
    fn open(&mut self, nowhere: &File) -> io::Result<Stdio> {
        let is_read = self.tail.is_some() || self.file.is_some() || self.digest.is_some();
        if let Some(tail) = &mut self.tail {
            tail.clear();
        }
        match (is_read, self.is_shown) {
            (false, false) => Ok(nowhere.try_clone()?.into()),
            (false, true) => Ok(io::stderr().as_fd().try_clone_to_owned()?.into()),
            (true, _) => {
                let (reader, writer) = io::pipe()?;
                fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
                self.pipe = Some(reader);
                Ok(writer.into())
            }
        }
    }

    /// Takes a buffer full; says whether there may be more.
    fn take(&mut self, buffer: &mut [u8]) -> anyhow::Result<bool> {
        let Some(pipe) = &mut self.pipe else { return Ok(false) };
        match pipe.read(buffer) {
            Ok(0) => {
                self.pipe = None;
                Ok(false)
            }
            Ok(count) => self.keep(&buffer[..count]).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error).context("cannot read what the command prints"),
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        if let Some(tail) = &mut self.tail {
            tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]);
            let excess = tail.len().saturating_sub(TAIL_BYTES);
            tail.drain(..excess);
        }
        if let Some(digest) = &mut self.digest {
            digest.take(bytes);
        }
        if self.is_shown {
            // Where the harness is gone, there is nobody to show it to.
            let _ = io::stderr().write_all(bytes);
        }
        self.file.as_mut().map_or(Ok(()), |file| file.take(bytes))
    }
}

/// A file that does not grow for ever.
struct Kept {
    file: File,
    name: String,
    /// What may still be written; `None` once it was said that the rest is not.
    left: Option<u64>,
}

impl Kept {
    fn create(name: &Path, ending: &str) -> anyhow::Result<Kept> {
        let mut path = name.as_os_str().to_os_string();
        path.push(format!(".{ending}"));
        let name = path.to_string_lossy().into_owned();
        let file = File::create(&path).with_context(|| format!("cannot create {name}"))?;
        Ok(Kept { file, name, left: Some(FILE_BYTES) })
    }

    fn take(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let Some(left) = self.left else { return Ok(()) };
        let fitting = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let mut written = self.file.write_all(&bytes[..fitting]);
        self.left = Some(left - fitting as u64);
        if fitting < bytes.len() {
            self.left = None;
            let note = format!("\n[cut here: only the first {} MiB are kept]\n", FILE_BYTES >> 20);
            written = written.and_then(|()| self.file.write_all(note.as_bytes()));
        }
        written.with_context(|| format!("cannot write {}", self.name))
    }
}

/// The digest of a run's stdout, and its text while it is short.
struct Digest {
    hash: Sha256,
    bytes: u64,
    text: Vec<u8>,
    most_text: usize,
}

impl Digest {
    fn new(capture: Capture) -> Digest {
        let most_text = if capture == Capture::Text { TEXT_BYTES } else { EXCERPT_BYTES };
        Digest { hash: Sha256::new(), bytes: 0, text: Vec::new(), most_text }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        let room = self.most_text - self.text.len();
        self.text.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// What it was, ready for the next run.
    fn finish(&mut self) -> Printed {
        let hash = self.hash.finalize_reset();
        let sha256 = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let text = std::mem::take(&mut self.text);
        let bytes = std::mem::take(&mut self.bytes);
        let is_whole = text.len() as u64 == bytes;
        let text = is_whole.then(|| String::from_utf8_lossy(&text).into_owned());
        Printed { bytes, sha256, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_of_all_and_a_text_only_of_what_is_short() {
        let mut digest = Digest::new(Capture::Digest);
        digest.take(b"a");
        digest.take(b"bc");
        let abc = digest.finish();
        // FIPS 180-4, appendix B.1.
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((abc.bytes, &abc.sha256[..], abc.text.as_deref()), (3, sha256, Some("abc")));
        digest.take(&[b'x'; EXCERPT_BYTES + 1]);
        let long = digest.finish();
        assert_eq!((long.bytes, long.text), (EXCERPT_BYTES as u64 + 1, None));
    }

    #[test]
    fn a_file_says_where_it_was_cut() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut kept = Kept::create(&dir.path().join("it"), "out").expect("a file");
        kept.left = Some(3);
        kept.take(b"abcdef").expect("room");
        kept.take(b"ghi").expect("nothing to do");
        let text = std::fs::read_to_string(dir.path().join("it.out")).expect("a file");
        assert_eq!(text, "abc\n[cut here: only the first 64 MiB are kept]\n");
    }

    #[test]
    fn last_lines_are_three_at_most() {
        assert_eq!(last_lines(b" \n"), None);
        assert_eq!(last_lines(b"a\nb\nc\nd\n").as_deref(), Some("b / c / d"));
    }
}
