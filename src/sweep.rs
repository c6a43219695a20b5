//! Functions of one's own, swept over thread counts: for `cargo bench`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::backend::panic_message;
use crate::cli::functions::{self, Action};
use crate::function::{self, Function};
use crate::record::{BASELINE, COMMAND};
use crate::runner;

/// The worst exit code of the sweeps of this process so far.
static WORST: AtomicU8 = AtomicU8::new(0);

/// The names of these sweeps.
static NAMES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Functions that do the same work, each of which takes a number of threads.
///
/// In a bench target with `harness = false`:
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     let data: Vec<u64> = (0..10_000_000).collect();
///     nthread::Sweep::new("sum")
///         .case("sequential", |_| data.iter().sum::<u64>())
///         .case("std-thread", |n| {
///             let parts = data.chunks(data.len().div_ceil(n));
///             std::thread::scope(|scope| {
///                 let sums = parts.map(|part| scope.spawn(move || part.iter().sum::<u64>()));
///                 let sums: Vec<_> = sums.collect();
///                 sums.into_iter().map(|sum| sum.join().expect("no panic")).sum()
///             })
///         })
///         .run()
/// }
/// ```
///
/// `cargo bench` sweeps every function over the thread counts of this machine, in
/// rounds of a fresh random order, **each visit in a process of its own**, and leaves
/// `samples.csv`, `run.json`, tables and plots in `target/nthread/sum/TIME`.
///
/// # What main must know
///
/// For each visit the program is started again, and its `main` runs from the
/// beginning up to [`run`](Sweep::run), which makes the visit and ends the process. So:
///
/// - What stands before `run` (here: making the data) is done again in each visit,
///   outside of all times. It must come out the same each time.
/// - What it prints on stdout is shown once, by the process that measures, and never
///   by a visit. Of what a visit prints on stderr, the end is shown if it fails.
/// - `main` must reach `run` whatever the arguments: those of a visit are none of
///   its own, and its stdin is not free.
///
/// The thread variables are set to the count in each visit, so that a function may
/// also use rayon's global pool and ignore its argument.
///
/// # How results are checked
///
/// A result must be [`PartialEq`] and nothing else, so it cannot leave its process.
/// Therefore each visit, after its timed calls, calls the first function at the
/// smallest count once, untimed, and compares: a result that differs makes the visit
/// an error row, and the exit code 1. That costs the time of one more call a visit,
/// and the memory of a second result. Sums of floating-point numbers differ with the
/// order of their terms: return what must be equal, such as the sum rounded.
///
/// # The baseline
///
/// Speedups are relative to the first function at the smallest count n₀; the
/// efficiency of a speedup S at n threads is S·n₀/n. A first function that is called
/// `sequential` is taken for a plain loop: it is measured at one thread only.
#[must_use = "nothing is measured before run()"]
pub struct Sweep<'a, R> {
    name: String,
    functions: Vec<Function<'a, R>>,
}

impl<'a, R: PartialEq> Sweep<'a, R> {
    /// No functions yet. The name is that of the results.
    pub fn new(name: &str) -> Sweep<'a, R> {
        Sweep { name: name.to_string(), functions: Vec::new() }
    }

    /// One more function, which does the work with so many threads; the first is what
    /// the others are compared with.
    pub fn case(mut self, name: &str, body: impl FnMut(usize) -> R + 'a) -> Sweep<'a, R> {
        self.functions.push(Function { name: name.to_string(), body: Box::new(body) });
        self
    }

    /// Does what the arguments of this program say: measures, or only tests
    /// (without `--bench`, as in `cargo test --benches`, or with `--test`).
    ///
    /// Returns what `main` is to return: 0, or 1 if a visit failed in this sweep or
    /// in one that ran before it in the same process. So of several sweeps the last
    /// one's is enough. Wrong usage (2), `--help` (0) and a signal (128 + its number)
    /// end the process at once.
    #[must_use = "the exit code says whether every result was right"]
    pub fn run(mut self) -> ExitCode {
        if let Some(order) = function::order() {
            if order.sweep == self.name {
                function::serve(&mut self.functions, order);
            }
            // The visit is to a later sweep of this main.
            return ExitCode::SUCCESS;
        }
        runner::may_be_started_again();
        if let Err(problem) = self.check_names() {
            functions::refuse(&problem);
        }
        let names: Vec<&str> = self.functions.iter().map(|it| it.name.as_str()).collect();
        let code = match functions::action(&self.name, &names) {
            Action::Nothing => 0,
            Action::Test { functions, counts } => self.test(&functions, &counts),
            Action::Measure(settings) => functions::measure(*settings),
        };
        ExitCode::from(WORST.fetch_max(code, Ordering::Relaxed).max(code))
    }

    /// Names go into lists, files and the order of a visit.
    fn check_names(&self) -> Result<(), String> {
        check_name("sweep", &self.name)?;
        let mut sweeps = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if sweeps.contains(&self.name) {
            return Err(format!("this program has two sweeps {:?}", self.name));
        }
        sweeps.push(self.name.clone());
        if self.functions.is_empty() {
            return Err(format!("the sweep {:?} has no case", self.name));
        }
        for (index, Function { name, .. }) in self.functions.iter().enumerate() {
            check_name("case", name)?;
            if self.functions[..index].iter().any(|other| other.name == *name) {
                return Err(format!("the sweep {:?} has two cases {name:?}", self.name));
            }
            if name == COMMAND {
                return Err(format!("a case cannot be called {name:?}: swept programs are"));
            }
            if name == BASELINE && index > 0 {
                return Err(format!("the case {name:?} is the baseline, and must be the first"));
            }
        }
        Ok(())
    }

    /// One call of each function at each of these counts, in this process.
    fn test(&mut self, chosen: &[usize], counts: &[u32]) -> u8 {
        let mut code = 0;
        let first = &mut self.functions[0];
        let least = if first.name == BASELINE { 1 } else { counts[0] };
        let expected = call(first, least);
        let baseline = function::at(&first.name, least);
        for &index in chosen {
            let function = &mut self.functions[index];
            // As when it is measured: a plain loop has one thread, whatever the list.
            let own = if function.name == BASELINE { &[1][..] } else { counts };
            for &nthread in own {
                let verdict = match (call(function, nthread), &expected) {
                    (Err(problem), _) => Err(problem),
                    (Ok(result), Ok(expected)) if result != *expected => {
                        Err(function::another_than(&baseline, &result))
                    }
                    (Ok(_), _) => Ok(()),
                };
                let verdict = verdict.map_or_else(|why| format!("FAILED: {why}"), |()| "ok".into());
                code = code.max(u8::from(verdict != "ok"));
                let name = format!("{}/{}, n = {nthread}", self.name, function.name);
                functions::print(&format!("test {name} ... {verdict}\n"));
            }
        }
        code
    }
}

/// A name that can stand in a list and in a path.
fn check_name(what: &str, name: &str) -> Result<(), String> {
    let is_odd = |c: char| c.is_control() || [',', '/'].contains(&c);
    match name {
        "" => Err(format!("a {what} has an empty name")),
        name if name.trim() != name || name.contains(is_odd) || name.starts_with('.') => {
            Err(format!(
                "the name of the {what} {name:?} has a comma, a slash, a dot at its beginning, a \
                 control character, or blanks at an end: choose a plain one"
            ))
        }
        _ => Ok(()),
    }
}

/// One call.
fn call<R>(function: &mut Function<'_, R>, nthread: u32) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(|| (function.body)(nthread as usize)))
        .map_err(|panic| format!("{} panicked: {}", function.name, panic_message(&*panic)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn a_plain_loop_is_tested_at_one_thread_as_it_is_measured() {
        let calls = RefCell::new(Vec::new());
        let call = |name: &'static str| {
            let calls = &calls;
            move |n| {
                calls.borrow_mut().push((name, n));
                1
            }
        };
        let mut sweep = Sweep::new("x").case("sequential", call("sequential")).case("a", call("a"));
        assert_eq!(sweep.test(&[0, 1], &[2, 4]), 0);
        drop(sweep);
        let expected = [("sequential", 1), ("sequential", 1), ("a", 2), ("a", 4)];
        assert_eq!(calls.into_inner(), expected);
    }
}
