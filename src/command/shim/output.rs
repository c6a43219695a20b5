//! Capture of a command's stdout and stderr: each is discarded, shown, written to a file
//! or digested while the command runs, in bounded memory.

use std::fs::File;
use std::io::{self, PipeReader, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use sha2::{Digest as _, Sha256};

use crate::command::{Capture, Destination, last_lines};
use crate::runner::protocol::CapturedOutput;

/// Bytes of one read: the size of a pipe.
const BUFFER_BYTES: usize = 1 << 16;

/// Bytes of stderr that are kept for a message, the last ones.
const TAIL_BYTES: usize = 2048;

/// Size of a file after which further output is dropped.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Longest text that is kept with [`Capture::Text`].
const MAX_TEXT_BYTES: usize = 512 << 10;

/// Longest text that is kept with [`Capture::Digest`]: enough for a message.
const MAX_EXCERPT_BYTES: usize = 200;

/// Stdout and stderr of the runs of a visit.
pub struct OutputStreams {
    stdout: Stream,
    stderr: Stream,
    dev_null: File,
    buffer: Vec<u8>,
}

impl OutputStreams {
    /// Opens the destination of a visit's output.
    ///
    /// # Errors
    /// If a file cannot be created.
    pub fn new(destination: &Destination, capture: Capture) -> anyhow::Result<OutputStreams> {
        let (mut stdout, mut stderr) = (Stream::default(), Stream::default());
        match destination {
            Destination::Null => stderr.tail = Some(Vec::new()),
            Destination::Terminal => {
                stdout.is_shown = true;
                stderr.is_shown = true;
            }
            Destination::Files(name) => {
                stdout.file = Some(CappedFile::create(name, "out")?);
                stderr.file = Some(CappedFile::create(name, "err")?);
                stderr.tail = Some(Vec::new());
            }
        }
        stdout.digest = (capture != Capture::Nothing).then(|| OutputDigest::new(capture));
        let dev_null = File::options().read(true).write(true).open("/dev/null");
        let dev_null = dev_null.context("cannot open /dev/null")?;
        Ok(OutputStreams { stdout, stderr, dev_null, buffer: vec![0; BUFFER_BYTES] })
    }

    /// Discards the stdout of a prepare or cleanup command, and inherits its stderr, which
    /// processes that it leaves behind can then use too.
    ///
    /// # Errors
    /// If /dev/null cannot be opened.
    pub fn for_hook() -> anyhow::Result<OutputStreams> {
        let mut streams = OutputStreams::new(&Destination::Null, Capture::Nothing)?;
        streams.stderr = Stream { is_shown: true, ..Stream::default() };
        Ok(streams)
    }

    /// Opens /dev/null again.
    ///
    /// # Errors
    /// If the descriptor cannot be duplicated.
    pub fn dev_null(&self) -> io::Result<File> {
        self.dev_null.try_clone()
    }

    /// Opens stdout and stderr of the next run.
    ///
    /// # Errors
    /// If a pipe cannot be created.
    pub fn open(&mut self) -> io::Result<(Stdio, Stdio)> {
        Ok((self.stdout.open(&self.dev_null)?, self.stderr.open(&self.dev_null)?))
    }

    /// Descriptors to poll.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        [&self.stdout, &self.stderr].into_iter().filter_map(|it| Some(it.pipe.as_ref()?.as_fd()))
    }

    /// Reads the available output of both streams, one buffer at most of each.
    ///
    /// # Errors
    /// If it cannot be read or written to its file.
    pub fn read(&mut self) -> anyhow::Result<()> {
        self.stdout.read(&mut self.buffer)?;
        self.stderr.read(&mut self.buffer)?;
        Ok(())
    }

    /// Reads the rest of the output, once no process is alive that could write more.
    ///
    /// # Errors
    /// If it cannot be read or written to its file.
    pub fn close(&mut self) -> anyhow::Result<()> {
        for stream in [&mut self.stdout, &mut self.stderr] {
            while stream.read(&mut self.buffer)? {}
            stream.pipe = None;
        }
        Ok(())
    }

    /// Digest of the last run's stdout, if the visit captures it.
    pub fn captured(&mut self) -> Option<CapturedOutput> {
        self.stdout.digest.as_mut().map(OutputDigest::finish)
    }

    /// Last lines of stderr, if there are any.
    pub fn stderr_tail(&self) -> Option<String> {
        last_lines(self.stderr.tail.as_deref()?)
    }
}

/// Stdout or stderr of the runs of a visit.
#[derive(Default)]
struct Stream {
    /// Read end of the present run's pipe, if the shim reads this stream.
    pipe: Option<PipeReader>,
    is_shown: bool,
    tail: Option<Vec<u8>>,
    file: Option<CappedFile>,
    digest: Option<OutputDigest>,
}

impl Stream {
    fn open(&mut self, dev_null: &File) -> io::Result<Stdio> {
        let is_read = self.tail.is_some() || self.file.is_some() || self.digest.is_some();
        if let Some(tail) = &mut self.tail {
            tail.clear();
        }
        match (is_read, self.is_shown) {
            (false, false) => Ok(dev_null.try_clone()?.into()),
            (false, true) => Ok(io::stderr().as_fd().try_clone_to_owned()?.into()),
            (true, _) => {
                let (reader, writer) = io::pipe()?;
                fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
                self.pipe = Some(reader);
                Ok(writer.into())
            }
        }
    }

    /// Reads one buffer; returns whether there may be more.
    fn read(&mut self, buffer: &mut [u8]) -> anyhow::Result<bool> {
        let Some(pipe) = &mut self.pipe else { return Ok(false) };
        match pipe.read(buffer) {
            Ok(0) => {
                self.pipe = None;
                Ok(false)
            }
            Ok(count) => self.process(&buffer[..count]).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error).context("cannot read the output of the command"),
        }
    }

    fn process(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        if let Some(tail) = &mut self.tail {
            tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]);
            let excess = tail.len().saturating_sub(TAIL_BYTES);
            tail.drain(..excess);
        }
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
        if self.is_shown {
            // An error means that the harness is gone.
            let _ = io::stderr().write_all(bytes);
        }
        self.file.as_mut().map_or(Ok(()), |file| file.write(bytes))
    }
}

/// File of limited size.
struct CappedFile {
    file: File,
    name: String,
    /// Bytes that may still be written; `None` once the note about the limit is written.
    room: Option<u64>,
}

impl CappedFile {
    fn create(name: &Path, extension: &str) -> anyhow::Result<CappedFile> {
        let mut path = name.as_os_str().to_os_string();
        path.push(format!(".{extension}"));
        let name = path.to_string_lossy().into_owned();
        let file = File::create(&path).with_context(|| format!("cannot create {name}"))?;
        Ok(CappedFile { file, name, room: Some(MAX_FILE_BYTES) })
    }

    fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let Some(room) = self.room else { return Ok(()) };
        let fitting = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        let mut written = self.file.write_all(&bytes[..fitting]);
        self.room = Some(room - fitting as u64);
        if fitting < bytes.len() {
            self.room = None;
            let mib = MAX_FILE_BYTES >> 20;
            let note = format!("\n[cut here: only the first {mib} MiB are kept]\n");
            written = written.and_then(|()| self.file.write_all(note.as_bytes()));
        }
        written.with_context(|| format!("cannot write {}", self.name))
    }
}

/// Digest of a run's stdout, with its text while it is short.
struct OutputDigest {
    hash: Sha256,
    bytes: u64,
    text: Vec<u8>,
    max_text_bytes: usize,
}

impl OutputDigest {
    fn new(capture: Capture) -> OutputDigest {
        let max_text_bytes =
            if capture == Capture::Text { MAX_TEXT_BYTES } else { MAX_EXCERPT_BYTES };
        OutputDigest { hash: Sha256::new(), bytes: 0, text: Vec::new(), max_text_bytes }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        let room = self.max_text_bytes - self.text.len();
        self.text.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Returns the digest, and starts anew for the next run.
    fn finish(&mut self) -> CapturedOutput {
        let hash = self.hash.finalize_reset();
        let sha256 = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let text = std::mem::take(&mut self.text);
        let bytes = std::mem::take(&mut self.bytes);
        let is_complete = text.len() as u64 == bytes;
        let text = is_complete.then(|| String::from_utf8_lossy(&text).into_owned());
        CapturedOutput { bytes, sha256, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_covers_all_output_and_the_text_only_a_short_one() {
        let mut digest = OutputDigest::new(Capture::Digest);
        digest.update(b"a");
        digest.update(b"bc");
        let abc = digest.finish();
        // FIPS 180-4, appendix B.1.
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!((abc.bytes, &abc.sha256[..], abc.text.as_deref()), (3, sha256, Some("abc")));
        digest.update(&[b'x'; MAX_EXCERPT_BYTES + 1]);
        let long = digest.finish();
        assert_eq!((long.bytes, long.text), (MAX_EXCERPT_BYTES as u64 + 1, None));
    }

    #[test]
    fn a_file_says_where_it_was_cut() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut file = CappedFile::create(&dir.path().join("output"), "out").expect("a file");
        file.room = Some(3);
        file.write(b"abcdef").expect("room");
        file.write(b"ghi").expect("nothing to do");
        let text = std::fs::read_to_string(dir.path().join("output.out")).expect("a file");
        assert_eq!(text, "abc\n[cut here: only the first 64 MiB are kept]\n");
    }
}
