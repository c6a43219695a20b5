//! Child processes that are forked in each call, one pipe each: what
//! `multiprocessing.Process` with a `Pipe` is.

use std::fs::File;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Alone, Child};
use crate::backend::{Backend, Chunks, Report, Schedule, Team, TeamError, Work, panic_message};

/// Bytes that every answer begins with: whether the worker panicked, and its
/// report.
const HEAD_BYTES: usize = 1 + Report::BYTES;

/// Bytes of a panic's message that are passed on at most.
const MESSAGE_BYTES: u64 = 1 << 16;

/// n children in each call, one pipe each.
pub struct Pipe;

impl Backend for Pipe {
    fn name(&self) -> &'static str {
        "process-pipe"
    }

    fn about(&self) -> &'static str {
        "n child processes forked in each call, one pipe each"
    }

    /// A pipe leads one way, from child to parent: a child cannot ask for its
    /// next chunk.
    fn schedules(&self) -> &'static [Schedule] {
        &[Schedule::Static]
    }

    fn start_method(&self) -> Option<&'static str> {
        Some("fork")
    }

    fn obstacle(&self) -> Option<String> {
        super::thread_count().err().map(|error| format!("cannot count threads in /proc: {error}"))
    }

    fn worker_name(&self, worker: usize) -> String {
        format!("Process-{}", worker + 1)
    }

    fn team(&self, work: Work, chunks: Chunks) -> Result<Box<dyn Team>, TeamError> {
        Ok(Box::new(Forked { work, chunks }))
    }
}

struct Forked {
    work: Work,
    chunks: Chunks,
}

/// A child and the end of the pipe that its answer comes from.
struct Worker {
    child: Child,
    answer: File,
}

impl Team for Forked {
    fn call(&mut self) -> Result<Vec<Report>, TeamError> {
        let alone = Alone::check(self.chunks.nthread)?;
        let mut workers = Vec::with_capacity(self.chunks.nthread);
        for worker in 0..self.chunks.nthread {
            let started = self.start(&alone, worker, &workers)?;
            workers.push(started);
        }
        workers.into_iter().enumerate().map(|(worker, started)| receive(worker, started)).collect()
    }
}

impl Forked {
    /// Forks one worker. It inherits the reading ends of its elder siblings'
    /// pipes; a writing end is open in its own child only, since the parent
    /// closes its copy at once. So each pipe ends with its child.
    fn start(&self, alone: &Alone, worker: usize, elders: &[Worker]) -> Result<Worker, TeamError> {
        let nthread = self.chunks.nthread;
        let refused = |source| TeamError::CannotStart { worker: worker + 1, nthread, source };
        let (reader, writer) = io::pipe().map_err(refused)?;
        let answer = File::from(std::os::fd::OwnedFd::from(reader));
        let body = || {
            close_in_child(&answer);
            elders.iter().for_each(|elder| close_in_child(&elder.answer));
            let run = AssertUnwindSafe(|| {
                self.work.run_all(self.chunks.dealer().hand(worker)).with_cpu_of_this_thread()
            });
            send(&writer, &catch_unwind(run).map_err(|panic| panic_message(&*panic)))
        };
        Ok(Worker { child: Child::fork(alone, worker + 1, nthread, body)?, answer })
    }
}

/// Closes a descriptor that only the parent should have.
fn close_in_child(file: &File) {
    use std::os::fd::AsRawFd as _;
    // An error means that it is closed already, which is what we want. The
    // child leaves by `_exit`, so the `File` is never dropped a second time.
    let _ = nix::unistd::close(file.as_raw_fd());
}

/// Sends an answer: 0 and a report, or 1, an empty report and a panic's message.
///
/// Plain bytes, and a head of fixed length: a child that touches the pages of a
/// serializer, and a parent that wakes once more to hear that the pipe has
/// ended, make a call half as long again.
fn send(mut pipe: impl Write, answer: &Result<Report, String>) -> io::Result<()> {
    let (panicked, report, message) = match answer {
        Ok(report) => (0, *report, ""),
        Err(message) => (1, Report::default(), message.as_str()),
    };
    let mut head = [panicked; HEAD_BYTES];
    head[1..].copy_from_slice(&report.to_bytes());
    pipe.write_all(&head)?;
    pipe.write_all(message.as_bytes())
}

/// Reads what [`send`] wrote.
fn read(mut pipe: impl Read) -> io::Result<Result<Report, String>> {
    let mut head = [0; HEAD_BYTES];
    pipe.read_exact(&mut head)?;
    if head[0] == 0 {
        return Ok(Ok(Report::from_bytes(&std::array::from_fn(|i| head[1 + i]))));
    }
    let mut message = Vec::new();
    pipe.take(MESSAGE_BYTES).read_to_end(&mut message)?;
    Ok(Err(String::from_utf8_lossy(&message).into_owned()))
}

/// The answer of a worker, once it has ended.
fn receive(worker: usize, started: Worker) -> Result<Report, TeamError> {
    let worker = worker + 1;
    let pid = started.child.pid();
    let answer = read(started.answer);
    // How a child ended explains why there is no answer.
    started.child.join().map_err(|how| TeamError::Lost { worker, pid, how })?;
    answer
        .map_err(|source| TeamError::Channel { worker, source })?
        .map_err(|message| TeamError::Panicked { worker, message })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Tally;

    #[test]
    fn an_answer_arrives_as_it_was_sent() {
        let tally = Tally { draws: 1, sum: -2, sum_sq: i128::MAX };
        let report = Report { tally, busy_ns: 4, cpu_ns: Some(5), blocks: u64::MAX };
        let silent = Report { cpu_ns: None, ..report };
        for answer in [Ok(report), Ok(silent), Err("why".to_string()), Err(String::new())] {
            let mut pipe = Vec::new();
            send(&mut pipe, &answer).expect("a Vec takes everything");
            assert_eq!(read(&pipe[..]).expect("an answer"), answer);
        }
    }

    #[test]
    fn an_answer_that_breaks_off_is_an_error() {
        let mut pipe = Vec::new();
        send(&mut pipe, &Ok(Report::default())).expect("a Vec takes everything");
        for length in 0..pipe.len() {
            assert!(read(&pipe[..length]).is_err(), "{length} bytes");
        }
    }
}
