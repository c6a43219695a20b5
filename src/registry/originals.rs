//! Reference implementations of the backends in Python and C: runners in the directory `runners/`.
//!
//! A sweep includes them only if they are named, since a plain Python loop would make every sweep
//! take minutes. `scripts/runners` installs what they need.

use std::path::Path;
use std::process::Command;

use super::ForeignRunner;
use crate::machine::executable::output_of;

/// A Python script that prints which of the given modules do not exist.
const FIND_MODULES: &str = "import sys, importlib.util
print(*[name for name in sys.argv[1:] if importlib.util.find_spec(name) is None])";

/// A reference implementation.
#[derive(Debug)]
pub struct Original {
    /// The name of the backend.
    pub name: &'static str,
    /// One line for `harness list`.
    pub about: &'static str,
    program: Program,
    /// The Python modules that it needs.
    modules: &'static [&'static str],
}

/// The program of a reference implementation, relative to the directory of the runners.
#[derive(Debug)]
enum Program {
    /// A file in `python/`.
    Python(&'static str),
    /// A file in `python/` that computes in a plain loop if it gets the argument `loop`.
    PythonLoop(&'static str),
    /// A program that `scripts/runners` builds.
    Built(&'static str),
}

const NUMPY: &[&str] = &["numpy"];
const JOBLIB: &[&str] = &["joblib"];
const NUMPY_AND_JOBLIB: &[&str] = &["numpy", "joblib"];

const fn python(
    name: &'static str,
    about: &'static str,
    file: &'static str,
    modules: &'static [&'static str],
) -> Original {
    Original { name, about, program: Program::Python(file), modules }
}

const fn looped(
    name: &'static str,
    about: &'static str,
    file: &'static str,
    modules: &'static [&'static str],
) -> Original {
    Original { name, about, program: Program::PythonLoop(file), modules }
}

/// All reference implementations.
pub const ORIGINALS: &[Original] = &[
    python("python-pool", "multiprocessing.Pool.map, NumPy", "pool_map.py", NUMPY),
    python("python-queue", "Process + Queue, NumPy", "process_queue.py", NUMPY),
    python("python-pipe", "Process + Pipe, NumPy", "process_pipe.py", NUMPY),
    python("python-array", "Process + Array, NumPy", "process_array.py", NUMPY),
    python("python-manager", "Process + Manager, NumPy", "process_manager.py", NUMPY),
    python("python-futures", "ProcessPoolExecutor.map, NumPy", "futures_process.py", NUMPY),
    python("joblib-loky", "joblib.Parallel, processes, NumPy", "joblib_loky.py", NUMPY_AND_JOBLIB),
    python(
        "joblib-threading",
        "joblib.Parallel, threads, NumPy",
        "joblib_threading.py",
        NUMPY_AND_JOBLIB,
    ),
    looped("python-pool-loop", "Pool.map, a plain loop", "pool_map.py", &[]),
    looped("python-queue-loop", "Process + Queue, a plain loop", "process_queue.py", &[]),
    looped("python-pipe-loop", "Process + Pipe, a plain loop", "process_pipe.py", &[]),
    looped("python-array-loop", "Process + Array, a plain loop", "process_array.py", &[]),
    looped("python-manager-loop", "Process + Manager, a plain loop", "process_manager.py", &[]),
    looped(
        "python-futures-loop",
        "ProcessPoolExecutor.map, a plain loop",
        "futures_process.py",
        &[],
    ),
    looped(
        "joblib-loky-loop",
        "joblib.Parallel, processes, a plain loop",
        "joblib_loky.py",
        JOBLIB,
    ),
    looped(
        "joblib-threading-loop",
        "joblib.Parallel, threads, a plain loop: one lock for all",
        "joblib_threading.py",
        JOBLIB,
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
        "numpy_blas.py",
        NUMPY,
    ),
    python(
        "notebook-pool",
        "Pool.map with NumPy's global generator: the same darts in all workers, an error",
        "notebook_pool.py",
        NUMPY,
    ),
];

/// The reference implementation of that name.
pub fn original(name: &str) -> Option<&'static Original> {
    ORIGINALS.iter().find(|original| original.name == name)
}

impl Original {
    /// The runner, in a directory of runners.
    pub fn runner(&self, dir: &Path) -> ForeignRunner {
        let mut command = match self.program {
            Program::Built(program) => {
                vec![with_slash(dir.join(program).to_string_lossy().into_owned())]
            }
            Program::Python(file) | Program::PythonLoop(file) => {
                let script = dir.join("python").join(file);
                vec![interpreter(dir), script.to_string_lossy().into_owned()]
            }
        };
        if matches!(self.program, Program::PythonLoop(_)) {
            command.push("loop".to_string());
        }
        ForeignRunner { name: self.name.to_string(), command }
    }

    /// The reason why it cannot run, if there is one; `missing` are the Python modules that do not
    /// exist.
    fn obstacle(&self, dir: &Path, missing: &Result<Vec<String>, String>) -> Option<String> {
        let runner = self.runner(dir);
        match (&self.program, runner.command.get(1)) {
            // The runner reports a missing file, which says less than the remedy.
            (Program::Built(_), _) => {
                runner.obstacle().map(|_| format!("{} is not built: scripts/runners", self.name))
            }
            (_, Some(script)) if !Path::new(script).is_file() => {
                Some(format!("{script} does not exist: --runners names the directory runners/"))
            }
            _ => match missing {
                Err(problem) => Some(problem.clone()),
                Ok(missing) => {
                    let mut modules = self.modules.iter();
                    let module =
                        modules.find(|module| missing.iter().any(|name| name == *module))?;
                    Some(format!("Python has no module {module}: scripts/runners"))
                }
            },
        }
    }
}

/// Some reference implementations, each with the reason why it cannot run, if there is one. Python
/// is started once for all.
pub fn obstacles<'a>(
    originals: &[&'a Original],
    dir: &Path,
) -> Vec<(&'a Original, Option<String>)> {
    let mut modules: Vec<&str> =
        originals.iter().flat_map(|original| original.modules).copied().collect();
    modules.sort_unstable();
    modules.dedup();
    // Python starts slowly, so it is left out where nothing needs it.
    let has_python = originals.iter().any(|it| !matches!(it.program, Program::Built(_)));
    let missing = match has_python {
        true => missing_modules(&interpreter(dir), &modules),
        false => Ok(Vec::new()),
    };
    originals.iter().map(|original| (*original, original.obstacle(dir, &missing))).collect()
}

/// The Python interpreter that `scripts/runners` installed, else the one in PATH.
fn interpreter(dir: &Path) -> String {
    let installed = dir.join("env/bin/python");
    if installed.is_file() {
        with_slash(installed.to_string_lossy().into_owned())
    } else {
        "python3".into()
    }
}

/// A path with a slash, so that a program in the current directory is not searched in PATH.
fn with_slash(program: String) -> String {
    if program.contains('/') { program } else { format!("./{program}") }
}

/// The modules that the interpreter does not find.
fn missing_modules(interpreter: &str, modules: &[&str]) -> Result<Vec<String>, String> {
    let output = output_of(Command::new(interpreter).args(["-c", FIND_MODULES]).args(modules))
        .map_err(|problem| format!("{interpreter}: {problem}"))?;
    Ok(output.split_whitespace().map(str::to_string).collect())
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
            if let Program::Python(file) | Program::PythonLoop(file) = original.program {
                assert!(dir.join("python").join(file).is_file(), "{file}");
            }
        }
    }

    #[test]
    fn a_missing_file_is_reported_with_a_remedy() {
        let dir = tempfile::tempdir().expect("a directory");
        let all: Vec<&Original> = ORIGINALS.iter().collect();
        let obstacle = |name: &str| {
            let mut obstacles = obstacles(&all, dir.path()).into_iter();
            obstacles.find(|(original, _)| original.name == name).and_then(|(_, reason)| reason)
        };
        assert_eq!(obstacle("openmp").as_deref(), Some("openmp is not built: scripts/runners"));
        assert!(
            obstacle("python-pool").is_some_and(|it| it.contains("pool_map.py does not exist"))
        );
    }

    #[test]
    fn a_missing_module_is_named() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("runners");
        let missing = Ok(vec!["joblib".to_string()]);
        let reason = |name| original(name).and_then(|it| it.obstacle(&sources, &missing));
        let expected = "Python has no module joblib: scripts/runners";
        assert_eq!(reason("joblib-loky").as_deref(), Some(expected));
        assert_eq!(reason("python-pool"), None);
    }

    #[test]
    fn a_missing_interpreter_is_an_obstacle() {
        let problem = missing_modules("/no/such/python", &["numpy"]).expect_err("no interpreter");
        assert!(problem.contains("/no/such/python: No such file"), "{problem}");
    }
}
