//! Sweep of a user's functions over thread counts, for `cargo bench`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::backend::panic_message;
use crate::cli::functions::{self, Action};
use crate::enter::declare_verbs_served;
use crate::function::{self, Function};
use crate::record::{BASELINE, COMMAND};

/// Highest exit code of the sweeps of this process so far.
static WORST: AtomicU8 = AtomicU8::new(0);

/// Names of the sweeps of this process.
static NAMES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Sweep over functions that do the same work, each of which takes a number of threads.
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
/// # Requirements for `main`
///
/// For each visit the program is started again, and its `main` runs from the
/// beginning up to [`run`](Sweep::run), which makes the visit and ends the process:
///
/// - The code before `run` (here: making the data) runs again in each visit, untimed.
///   It must make the same data each time.
/// - Its stdout is shown once, by the process that measures, and never by a visit. The
///   end of a visit's stderr is shown if the visit fails.
/// - `main` must reach `run` whatever the arguments: a visit is started with arguments
///   of the harness, and its stdin holds the request.
///
/// The thread variables are set to the count in each visit, so that a function may
/// also use rayon's global pool and ignore its argument.
///
/// # How results are checked
///
/// A result need only be [`PartialEq`], so it cannot be sent to another process.
/// Therefore each visit, after its timed calls, calls the first function at the
/// smallest count once, untimed, and compares: a different result makes the visit
/// an error row, and the exit code 1. This costs one more call in each visit, and the
/// memory of a second result. Sums of floating-point numbers depend on the order of
/// their terms: return a value that must be equal, such as a rounded sum.
///
/// # The baseline
///
/// Speedups are relative to the first function at the smallest count n₀; the
/// efficiency at n threads is S·n₀/n, S being the speedup of a function over itself at
/// its own smallest count n₀. A first function that is called `sequential` is treated
/// as a plain loop: it is measured at one thread only, and efficiency is over it.
#[must_use = "nothing is measured before run()"]
pub struct Sweep<'a, R> {
    name: String,
    functions: Vec<Function<'a, R>>,
}

impl<'a, R: PartialEq> Sweep<'a, R> {
    /// Starts a sweep without functions. The name is used for its results directory.
    pub fn new(name: &str) -> Sweep<'a, R> {
        Sweep { name: name.to_string(), functions: Vec::new() }
    }

    /// Adds a function, which gets the number of threads. The first is the baseline.
    pub fn case(mut self, name: &str, body: impl FnMut(usize) -> R + 'a) -> Sweep<'a, R> {
        self.functions.push(Function { name: name.to_string(), body: Box::new(body) });
        self
    }

    /// Measures or tests, as the arguments of this program say. It only tests without
    /// `--bench`, as in `cargo test --benches`, or with `--test`.
    ///
    /// Returns the exit code for `main`: 0, or 1 if a visit failed in this sweep or
    /// in an earlier one of the same process. With several sweeps the code of the last
    /// one is enough. Wrong usage (2), `--help` (0) and a signal (128 + its number)
    /// end the process at once.
    #[must_use = "the exit code says whether every result was right"]
    pub fn run(mut self) -> ExitCode {
        if let Some(request) = function::request() {
            if request.sweep == self.name {
                function::serve(&mut self.functions, request);
            }
            // The request is for a later sweep of this `main`.
            return ExitCode::SUCCESS;
        }
        declare_verbs_served();
        if let Err(problem) = self.check_names() {
            functions::refuse(&problem);
        }
        let names: Vec<&str> =
            self.functions.iter().map(|function| function.name.as_str()).collect();
        let code = match functions::action(&self.name, &names) {
            Action::Nothing => 0,
            Action::Test { functions, counts } => self.test(&functions, &counts),
            Action::Measure(settings) => functions::measure(*settings),
        };
        ExitCode::from(WORST.fetch_max(code, Ordering::Relaxed).max(code))
    }

    /// Checks the names, which go into lists, file names and requests.
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
                return Err(format!(
                    "a case cannot be named {name:?}, which is reserved for commands"
                ));
            }
            if name == BASELINE && index > 0 {
                return Err(format!("the case {name:?} is the baseline, and must be the first"));
            }
        }
        Ok(())
    }

    /// Calls each selected function once at each of these counts, in this process.
    fn test(&mut self, selected: &[usize], counts: &[u32]) -> u8 {
        let mut code = 0;
        let first = &mut self.functions[0];
        let smallest = if first.name == BASELINE { 1 } else { counts[0] };
        let expected = call(first, smallest);
        let baseline = function::describe_call(&first.name, smallest);
        for &index in selected {
            let function = &mut self.functions[index];
            // A plain loop has one thread here too, as when it is measured.
            let counts = if function.name == BASELINE { &[1][..] } else { counts };
            for &nthread in counts {
                let result = match (call(function, nthread), &expected) {
                    (Err(problem), _) => Err(problem),
                    (Ok(result), Ok(expected)) if result != *expected => {
                        Err(function::describe_difference(&baseline, &result))
                    }
                    (Ok(_), _) => Ok(()),
                };
                code = code.max(u8::from(result.is_err()));
                let result =
                    result.map_or_else(|error| format!("FAILED: {error}"), |()| "ok".into());
                let name = format!("{}/{}, n = {nthread}", self.name, function.name);
                functions::print(&format!("test {name} ... {result}\n"));
            }
        }
        code
    }
}

/// Checks that a name can stand in a list and in a path.
fn check_name(kind: &str, name: &str) -> Result<(), String> {
    match name {
        "" => Err(format!("a {kind} has an empty name")),
        name if name.trim() != name
            || name.contains(|c: char| c.is_control() || [',', '/'].contains(&c))
            || name.starts_with('.') =>
        {
            Err(format!(
                "the name of the {kind} {name:?} contains a comma, a slash or a control character, \
                 starts with a dot, or starts or ends with a blank"
            ))
        }
        _ => Ok(()),
    }
}

/// Calls a function once.
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
