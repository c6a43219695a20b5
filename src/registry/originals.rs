//! The originals: runners in Python and C that come with the sources, in the
//! directory `runners/`.
//!
//! They are what our backends are modelled on, and a plain Python loop would make
//! every sweep last minutes: so they take part where they are named, and only
//! there. `scripts/runners` sets up what they need.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::ForeignRunner;

/// Longer than any interpreter needs to look for a few modules.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks Python which of the modules it is given cannot be found.
const ASK: &str = "import sys, importlib.util
print(*[name for name in sys.argv[1:] if importlib.util.find_spec(name) is None])";

/// A backend in another program of ours.
#[derive(Debug)]
pub struct Original {
    /// Its name as a backend.
    pub name: &'static str,
    /// One line for `harness list`.
    pub about: &'static str,
    program: Program,
    /// Python modules that it cannot do without.
    modules: &'static [&'static str],
}

/// What runs it, relative to the directory of the runners.
#[derive(Debug)]
enum Program {
    /// A file of `python/`, and the word for the notebook's loop if it is that.
    Python(&'static [&'static str]),
    /// A program that `scripts/runners` builds.
    Built(&'static str),
}

const NUMPY: &[&str] = &["numpy"];
const NUMPY_AND_JOBLIB: &[&str] = &["numpy", "joblib"];

const fn python(
    name: &'static str,
    about: &'static str,
    words: &'static [&'static str],
    modules: &'static [&'static str],
) -> Original {
    Original { name, about, program: Program::Python(words), modules }
}

/// All of them.
pub const ORIGINALS: &[Original] = &[
    python("python-pool", "multiprocessing.Pool.map, NumPy", &["pool_map.py"], NUMPY),
    python("python-queue", "Process + Queue, NumPy", &["process_queue.py"], NUMPY),
    python("python-pipe", "Process + Pipe, NumPy", &["process_pipe.py"], NUMPY),
    python("python-array", "Process + Array, NumPy", &["process_array.py"], NUMPY),
    python("python-manager", "Process + Manager, NumPy", &["process_manager.py"], NUMPY),
    python("python-futures", "ProcessPoolExecutor.map, NumPy", &["futures_process.py"], NUMPY),
    python(
        "joblib-loky",
        "joblib.Parallel, processes, NumPy",
        &["joblib_loky.py"],
        NUMPY_AND_JOBLIB,
    ),
    python(
        "joblib-threading",
        "joblib.Parallel, threads, NumPy",
        &["joblib_threading.py"],
        NUMPY_AND_JOBLIB,
    ),
    python("python-pool-loop", "Pool.map, a plain loop", &["pool_map.py", "loop"], &[]),
    python(
        "python-queue-loop",
        "Process + Queue, a plain loop",
        &["process_queue.py", "loop"],
        &[],
    ),
    python("python-pipe-loop", "Process + Pipe, a plain loop", &["process_pipe.py", "loop"], &[]),
    python(
        "python-array-loop",
        "Process + Array, a plain loop",
        &["process_array.py", "loop"],
        &[],
    ),
    python(
        "python-manager-loop",
        "Process + Manager, a plain loop",
        &["process_manager.py", "loop"],
        &[],
    ),
    python(
        "python-futures-loop",
        "ProcessPoolExecutor.map, a plain loop",
        &["futures_process.py", "loop"],
        &[],
    ),
    python(
        "joblib-loky-loop",
        "joblib.Parallel, processes, a plain loop",
        &["joblib_loky.py", "loop"],
        &["joblib"],
    ),
    python(
        "joblib-threading-loop",
        "joblib.Parallel, threads, a plain loop: one lock for all",
        &["joblib_threading.py", "loop"],
        &["joblib"],
    ),
    Original {
        name: "openmp",
        about: "C, #pragma omp parallel for",
        program: Program::Built("env/openmp"),
        modules: &[],
    },
    python(
        "numpy-blas",
        "kernel matmul: Pool.map over NumPy's BLAS and its inner threads",
        &["numpy_blas.py"],
        NUMPY,
    ),
    python(
        "notebook-pool",
        "Pool.map with NumPy's global generator: the same darts in all workers, an error",
        &["notebook_pool.py"],
        NUMPY,
    ),
];

/// The one of that name.
pub fn original(name: &str) -> Option<&'static Original> {
    ORIGINALS.iter().find(|original| original.name == name)
}

impl Original {
    /// The runner in that directory.
    pub fn runner(&self, dir: &Path) -> ForeignRunner {
        let path = |path: &str| dir.join(path).to_string_lossy().into_owned();
        let command = match &self.program {
            Program::Built(program) => vec![in_a_directory(path(program))],
            Program::Python([]) => vec![interpreter(dir)],
            Program::Python([file, words @ ..]) => {
                let script = path(&format!("python/{file}"));
                let words = words.iter().map(|word| word.to_string());
                [interpreter(dir), script].into_iter().chain(words).collect()
            }
        };
        ForeignRunner { name: self.name.to_string(), command }
    }

    /// Why it cannot run with what is in that directory, if it cannot; `missing` are
    /// the Python modules that are not there.
    fn obstacle(&self, dir: &Path, missing: &Result<Vec<String>, String>) -> Option<String> {
        let runner = self.runner(dir);
        match (&self.program, runner.command.get(1)) {
            (Program::Built(_), _) => {
                runner.obstacle().map(|_| format!("{} is not built: scripts/runners", self.name))
            }
            (_, Some(script)) if !Path::new(script).is_file() => {
                Some(format!("{script} is not there: --runners names the directory runners/"))
            }
            _ => match missing {
                Err(problem) => Some(problem.clone()),
                Ok(missing) => {
                    let lost = |module: &&&str| missing.iter().any(|name| name == **module);
                    let module = self.modules.iter().find(lost)?;
                    Some(format!("Python has no module {module}: scripts/runners"))
                }
            },
        }
    }
}

/// Each of some originals, and why it cannot run with what is in that directory, if
/// it cannot. Python is asked once for all.
pub fn obstacles<'a>(
    originals: &[&'a Original],
    dir: &Path,
) -> Vec<(&'a Original, Option<String>)> {
    let mut modules: Vec<&str> =
        originals.iter().flat_map(|original| original.modules).copied().collect();
    modules.sort_unstable();
    modules.dedup();
    let is_python = |original: &&Original| matches!(original.program, Program::Python(_));
    let missing = match originals.iter().any(is_python) {
        true => missing_modules(&interpreter(dir), &modules),
        false => Ok(Vec::new()),
    };
    originals.iter().map(|original| (*original, original.obstacle(dir, &missing))).collect()
}

/// The interpreter that `scripts/runners` set up, else the one in PATH.
fn interpreter(dir: &Path) -> String {
    let own = dir.join("env/bin/python");
    if own.is_file() {
        in_a_directory(own.to_string_lossy().into_owned())
    } else {
        "python3".into()
    }
}

/// A program of the current directory is not looked for in PATH.
fn in_a_directory(program: String) -> String {
    if program.contains('/') { program } else { format!("./{program}") }
}

/// Those of some modules that the interpreter does not find.
fn missing_modules(interpreter: &str, modules: &[&str]) -> Result<Vec<String>, String> {
    let failed = |problem: std::io::Error| format!("{interpreter} does not start: {problem}");
    let mut child = Command::new(interpreter)
        .args(["-c", ASK])
        .args(modules)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let start = Instant::now();
    while child.try_wait().map_err(failed)?.is_none() {
        if start.elapsed() > PATIENCE {
            // It may end by itself just now; then there is nothing to kill.
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("{interpreter} says nothing for {} s", PATIENCE.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    // A line with a few names fits the pipe: it could be written before anybody read.
    let output = child.wait_with_output().map_err(failed)?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout)
            .split_whitespace()
            .map(str::to_string)
            .collect()),
        false => Err(format!("{interpreter} cannot look for modules: {}", output.status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Registry;

    #[test]
    fn no_original_has_the_name_of_another_backend() {
        let registry = Registry::default();
        let mut names = registry.backend_names();
        names.extend(ORIGINALS.iter().map(|original| original.name));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn every_original_is_a_file_of_the_sources() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("runners");
        for original in ORIGINALS {
            if let Program::Python([file, ..]) = original.program {
                assert!(dir.join("python").join(file).is_file(), "{file}");
            }
        }
    }

    #[test]
    fn what_is_missing_is_said_with_what_to_do() {
        let dir = tempfile::tempdir().expect("a directory");
        let all: Vec<&Original> = ORIGINALS.iter().collect();
        let of = |name: &str| {
            let found = obstacles(&all, dir.path());
            found.into_iter().find(|(it, _)| it.name == name).and_then(|(_, reason)| reason)
        };
        assert_eq!(of("openmp").as_deref(), Some("openmp is not built: scripts/runners"));
        assert!(
            of("python-pool").is_some_and(|reason| reason.contains("pool_map.py is not there"))
        );
    }

    #[test]
    fn a_module_that_python_lacks_is_named() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("runners");
        let missing = Ok(vec!["joblib".to_string()]);
        let reason = |name| original(name).and_then(|it| it.obstacle(&sources, &missing));
        let expected = "Python has no module joblib: scripts/runners";
        assert_eq!(reason("joblib-loky").as_deref(), Some(expected));
        assert_eq!(reason("python-pool"), None);
    }

    #[test]
    fn an_interpreter_that_is_not_there_is_an_obstacle() {
        let problem = missing_modules("/no/such/python", &["numpy"]).expect_err("no interpreter");
        assert!(problem.contains("/no/such/python does not start"), "{problem}");
    }
}
