//! `harness env`: CPUs and limits, thread variables, thread libraries, and a recommendation.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::program_check;
use crate::cli::args::sweep::sweep_flags;
use crate::cli::given::{Lookup, UsageError, variable_of};
use crate::counts::THREAD_VARIABLES;
use crate::kernel::Isa;
use crate::machine::blas::{self, Library, recognise};
use crate::machine::executable;
use crate::machine::linked_libraries::{self, LinkedLibraries};
use crate::machine::{self, Cpus, Limit, Places, limits};
use crate::quantity::pluralize;
use crate::record::Machine;
use crate::runner::ISA_VARIABLE;

/// Other variables that affect threads, shown if they are set, with their meaning.
const RELATED: [(&str, &str); 12] = [
    ("OMP_DYNAMIC", "whether OpenMP may use fewer threads"),
    ("OMP_PROC_BIND", "whether threads of OpenMP are bound to places"),
    ("OMP_PLACES", "the places of OpenMP's threads"),
    ("OMP_THREAD_LIMIT", "the maximum number of threads of an OpenMP program"),
    ("OMP_MAX_ACTIVE_LEVELS", "the maximum nesting depth of active OpenMP regions"),
    ("OMP_NESTED", "whether nested OpenMP regions have threads (deprecated)"),
    ("KMP_AFFINITY", "the affinity of threads in Intel's and LLVM's OpenMP"),
    ("MKL_DYNAMIC", "whether MKL may use fewer threads"),
    ("LOKY_MAX_CPU_COUNT", "the maximum number of processes of joblib"),
    ("SLURM_CPUS_PER_TASK", "CPUs that Slurm allocated to a task"),
    ("PBS_NUM_PPN", "CPUs a node that PBS allocated"),
    ("NSLOTS", "slots that Grid Engine allocated"),
];

/// The text of `harness env`.
///
/// # Errors
/// If the program of the command cannot be started.
pub fn environment(command: &[String], lookup: Lookup<'_>) -> Result<String, UsageError> {
    if let Some(program) = command.first() {
        program_check::check_here(program)?;
    }
    let (machine, cpus) = (machine::inspect(), Cpus::read());
    let mut text = String::from("machine\n");
    for (name, value) in facts(&machine, &cpus) {
        let _ = writeln!(text, "  {name:<16} {value}");
    }
    let _ = writeln!(text, "  {:<16} {}", "build", build_line());
    text += &thread_variables(&cpus, lookup);
    text += &libraries(command, &cpus, lookup);
    text.push_str("options\n");
    for flag in sweep_flags() {
        let variable = variable_of(&flag);
        match lookup(&variable) {
            Some(value) => drop(writeln!(text, "  {flag:<16} {value}  (from {variable})")),
            None => drop(writeln!(text, "  {flag:<16} default  ({variable} is not set)")),
        }
    }
    let _ = writeln!(text, "recommendation\n  {}", recommendation(&cpus, lookup));
    Ok(text)
}

/// The build on one line.
fn build_line() -> String {
    let dirty = if env!("NTHREAD_DIRTY") == "true" { ", with uncommitted changes" } else { "" };
    let (version, commit) = (env!("CARGO_PKG_VERSION"), env!("NTHREAD_COMMIT"));
    let (rustc, level) = (env!("NTHREAD_RUSTC"), env!("NTHREAD_OPT_LEVEL"));
    format!("{version} ({commit}{dirty}), {rustc}, opt-level {level}")
}

/// Facts of the machine: names and values.
fn facts(machine: &Machine, cpus: &Cpus) -> Vec<(&'static str, String)> {
    let limit = match cpus.limit {
        Limit::Affinity => "the affinity mask",
        Limit::Quota => "the cgroup quota",
        Limit::Online => "the CPUs online",
    };
    let quota = machine.quota_cpus.map_or("none".to_string(), |quota| pluralize(quota, "CPU"));
    let (places, workers) = (Places::read(), cpus.usable as usize);
    let threads = limits::thread_limit(Path::new("/"));
    vec![
        ("host", or_unknown(&machine.hostname)),
        ("CPU", or_unknown(&machine.cpu_model)),
        ("usable CPUs", format!("{} (by {limit})", cpus.usable)),
        ("affinity", or_unknown(&machine.affinity)),
        ("cgroup quota", quota),
        ("online", cpus.online.to_string()),
        ("physical cores", format!("{} within the mask", cpus.cores)),
        ("pin close", placement(&places.close(workers))),
        ("pin spread", placement(&places.spread(workers))),
        (
            "SMT",
            or_unknown(
                &machine.threads_per_core.map(|n| format!("{} a core", pluralize(n, "thread"))),
            ),
        ),
        ("instructions", Isa::available().map(Isa::name).collect::<Vec<_>>().join(", ")),
        ("governor", or_unknown(&machine.governor)),
        ("hypervisor", machine.hypervisor.clone().unwrap_or_else(|| "none".to_string())),
        ("kernel", or_unknown(&machine.kernel)),
        (
            "thread limit",
            threads.map_or("none".to_string(), |remaining| format!("{remaining} more")),
        ),
        (
            "load",
            or_unknown(&machine.load_average_1min.map(|load| format!("{load:.2} over 1 min"))),
        ),
    ]
}

/// A fact of the machine, or "unknown".
pub fn or_unknown(value: &Option<String>) -> String {
    value.clone().unwrap_or_else(|| "unknown".to_string())
}

/// The CPUs of one worker each.
fn placement(cpus: &[usize]) -> String {
    let list: Vec<String> = cpus.iter().map(ToString::to_string).collect();
    let noun = if cpus.len() == 1 { "CPU" } else { "CPUs" };
    format!("{} on {noun} {}", pluralize(cpus.len(), "worker"), list.join(", "))
}

/// The thread variables that are set, with their readers and problems, and the unset ones.
fn thread_variables(cpus: &Cpus, lookup: Lookup<'_>) -> String {
    let mut text = String::from("thread variables\n");
    let counts = THREAD_VARIABLES.iter().map(|variable| (variable.name, variable.read_by, true));
    let related = RELATED.iter().map(|(name, meaning)| (*name, *meaning, false));
    let isa = (ISA_VARIABLE, "the instruction set of the kernels of harness", false);
    let mut unset = Vec::new();
    // The values of related variables are shown as they are: their grammars differ too much for a
    // check.
    for (name, meaning, is_count) in counts.chain(related).chain([isa]) {
        match lookup(name) {
            Some(value) => {
                let problem = is_count.then(|| problem(name, &value, cpus.usable)).flatten();
                let problem = problem.map(|problem| format!(": {problem}")).unwrap_or_default();
                let _ = writeln!(text, "  {name}={value}  ({meaning}){problem}");
            }
            None if is_count => unset.push(name),
            None => {}
        }
    }
    if !unset.is_empty() {
        let _ = writeln!(text, "  not set: {}", unset.join(", "));
    }
    text
}

/// The problem of a thread count, if there is one.
fn problem(name: &str, value: &str, usable: u32) -> Option<String> {
    let is_list = name == "OMP_NUM_THREADS" && value.contains(',');
    match first_number(name, value, usable) {
        None => Some("not a number of threads: programs ignore it, or fail".to_string()),
        Some(0) => {
            Some("0 is not a number of threads: some programs use all CPUs, some fail".into())
        }
        Some(count) if count > u64::from(usable) => {
            Some(format!("more than the {}", pluralize(usable, "usable CPU")))
        }
        Some(_) if is_list => Some(
            "one number for each level of nesting; libraries use the first, or ignore it".into(),
        ),
        Some(_) => None,
    }
}

/// The first number of a value. OpenMP has one for each level of nesting, the outermost first.
/// Julia has one for each of its pools, the main one first, and `auto` for all CPUs:
/// <https://docs.julialang.org/en/v1/manual/environment-variables/#JULIA_NUM_THREADS>.
fn first_number(name: &str, value: &str, usable: u32) -> Option<u64> {
    let first = match name {
        "OMP_NUM_THREADS" | "JULIA_NUM_THREADS" => value.split(',').next().unwrap_or_default(),
        _ => value,
    };
    match (name, first.trim()) {
        ("JULIA_NUM_THREADS", "auto") => Some(usable.into()),
        (_, number) => number.parse().ok(),
    }
}

/// The thread libraries of a command, or those of `python3` and the system.
fn libraries(command: &[String], cpus: &Cpus, lookup: Lookup<'_>) -> String {
    let mut sections = Vec::new();
    let program = match command.first() {
        Some(program) => Some(program.as_str()),
        None => executable::find(OsStr::new("python3")).is_ok().then_some("python3"),
    };
    if let Some(program) = program {
        let (note, files) = libraries_of(OsStr::new(program));
        sections.push((format!("libraries of {program}"), note, recognise(&files)));
    }
    if command.is_empty() {
        let of_system = blas::of_system(Path::new("/"));
        sections.push(("libraries of the system".to_string(), None, of_system));
    }
    let mut text = String::new();
    for (title, note, libraries) in sections {
        let _ = writeln!(text, "{title}");
        if let Some(note) = &note {
            let _ = writeln!(text, "  {note}");
        }
        for library in &libraries {
            let file = library.path.file_name().unwrap_or_default().display();
            let name = library.family.name;
            let _ = writeln!(text, "  {name} ({file}): {}", thread_setting(library, cpus, lookup));
        }
        if libraries.is_empty() && note.is_none() {
            text.push_str("  no known BLAS or thread library\n");
        }
    }
    text
}

/// The libraries of a program, and a note about them.
fn libraries_of(program: &OsStr) -> (Option<String>, Vec<PathBuf>) {
    match linked_libraries::inspect(program) {
        LinkedLibraries::Dynamic(files) => (None, files),
        LinkedLibraries::NumPy(version, files) => (Some(format!("NumPy {version}")), files),
        LinkedLibraries::Static => {
            (Some("statically linked: its libraries cannot be listed".into()), vec![])
        }
        LinkedLibraries::Unknown(reason) => (Some(format!("unknown: {reason}")), vec![]),
    }
}

/// The variable that decides the thread count of a library, or its default.
fn thread_setting(library: &Library, cpus: &Cpus, lookup: Lookup<'_>) -> String {
    let mut steps = Vec::new();
    for name in library.family.variables {
        match lookup(name) {
            // The first variable that is set decides; the others are not read.
            Some(value) => {
                steps.push(format!("{name}={value}"));
                return steps.join(" → ");
            }
            None => steps.push(format!("{name} not set")),
        }
    }
    steps.push(library.family.default.replace("{cpus}", &cpus.affinity.len().to_string()));
    steps.join(" → ")
}

/// A recommendation of one or two sentences, with a shell command.
fn recommendation(cpus: &Cpus, lookup: Lookup<'_>) -> String {
    let advice = wrong_counts(cpus.usable, lookup).or_else(|| missing_counts(cpus, lookup));
    let advice = advice
        .unwrap_or_else(|| format!("Nothing to do: programs can use all {} CPUs. ", cpus.usable));
    format!("{advice}`harness advise -- COMMAND` finds the best thread count.")
}

/// Advice about a thread count that is invalid, too large, contradictory, or 1.
fn wrong_counts(usable: u32, lookup: Lookup<'_>) -> Option<String> {
    let mut counts: Vec<(&str, String, Option<u64>)> = Vec::new();
    for variable in THREAD_VARIABLES {
        if let Some(value) = lookup(variable.name) {
            let number = first_number(variable.name, &value, usable);
            counts.push((variable.name, value, number));
        }
    }
    // The gravest problem first: one recommendation is enough for one look.
    if let Some((name, value, _)) = counts.iter().find(|(_, _, number)| number.unwrap_or(0) == 0) {
        return Some(format!("{name}={value} is not a number of threads: `unset {name}`; then "));
    }
    if let Some((name, value, _)) =
        counts.iter().find(|(_, _, number)| *number > Some(usable.into()))
    {
        return Some(format!(
            "{name}={value} requests more threads than the {usable} usable CPUs: \
             `export {name}={usable}`; "
        ));
    }
    if let Some((_, value, omp)) = counts.iter().find(|(name, ..)| *name == "OMP_NUM_THREADS")
        && let Some((name, other, _)) =
            counts.iter().find(|(name, _, number)| OVERRIDES_OMP.contains(name) && number != omp)
    {
        return Some(format!(
            "{name}={other} and OMP_NUM_THREADS={value} contradict each other, and the first one \
             decides for its library: `unset {name}` unless that is intended; "
        ));
    }
    let (name, ..) = counts.iter().find(|(_, _, number)| *number == Some(1) && usable > 1)?;
    Some(format!(
        "{name}=1 limits programs to one thread, and {usable} CPUs are usable: `export \
         {name}={usable}` unless they start their own workers; "
    ))
}

/// Advice about limits that no thread count accounts for.
fn missing_counts(cpus: &Cpus, lookup: Lookup<'_>) -> Option<String> {
    let usable = cpus.usable;
    if let Some(most) = lookup("OMP_THREAD_LIMIT")
        && most.trim().parse().is_ok_and(|most: u64| most < u64::from(usable))
    {
        return Some(format!(
            "OMP_THREAD_LIMIT={most} limits OpenMP programs, and {usable} CPUs are usable: `unset \
             OMP_THREAD_LIMIT`; "
        ));
    }
    if lookup("OMP_NUM_THREADS").is_some() {
        return None;
    }
    if cpus.limit == Limit::Quota {
        let seen = cpus.affinity.len();
        return Some(format!(
            "Programs see {seen} CPUs, and the cgroup quota gives them {usable}: \
             `export OMP_NUM_THREADS={usable}`; "
        ));
    }
    lookup("SLURM_CPUS_PER_TASK").map(|cpus| {
        format!(
            "Slurm allocated {cpus} CPUs to a task, and no variable limits OpenMP to them: \
             `export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK`; "
        )
    })
}

/// Variables that override OMP_NUM_THREADS for their library.
const OVERRIDES_OMP: [&str; 4] =
    ["OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"];

#[cfg(test)]
#[path = "environment/tests.rs"]
mod tests;
