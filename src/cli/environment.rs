//! `harness env`: for people with a slow job. How many CPUs there are and why, which
//! variables speak about threads, which libraries listen to them, and what to do.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::args::sweep::sweep_flags;
use super::given::{Lookup, UsageError, variable_of};
use super::program_check;
use super::provenance::build_line;
use crate::counts::THREAD_VARIABLES;
use crate::kernel::Isa;
use crate::machine::blas::{self, Library, recognise};
use crate::machine::loaded::{self, Program};
use crate::machine::{self, Cpus, Limit, Places, limits};
use crate::quantity::pluralize;
use crate::record::Machine;
use crate::runner::ISA_VARIABLE;

/// Variables that are shown if they are set, and what they do.
const RELATED: [(&str, &str); 12] = [
    ("OMP_DYNAMIC", "whether OpenMP may use fewer threads than asked"),
    ("OMP_PROC_BIND", "whether OpenMP's threads stay where they are"),
    ("OMP_PLACES", "where OpenMP's threads may run"),
    ("OMP_THREAD_LIMIT", "the most threads of an OpenMP program"),
    ("OMP_MAX_ACTIVE_LEVELS", "levels of nested OpenMP that have threads"),
    ("OMP_NESTED", "whether nested OpenMP has threads (deprecated)"),
    ("KMP_AFFINITY", "where threads of Intel's and LLVM's OpenMP run"),
    ("MKL_DYNAMIC", "whether MKL may use fewer threads than asked"),
    ("LOKY_MAX_CPU_COUNT", "the most processes of joblib"),
    ("SLURM_CPUS_PER_TASK", "CPUs that Slurm gave to a task"),
    ("PBS_NUM_PPN", "CPUs a node that PBS gave"),
    ("NSLOTS", "slots that Grid Engine gave"),
];

/// All of it, in text.
///
/// # Errors
/// If a command is given whose program cannot be started.
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

/// What is known of the machine, line by line.
fn facts(machine: &Machine, cpus: &Cpus) -> Vec<(&'static str, String)> {
    let or_unknown = |value: Option<String>| value.unwrap_or_else(|| "unknown".to_string());
    let limit = match cpus.limit {
        Limit::Affinity => "the affinity mask",
        Limit::Quota => "the cgroup quota",
        Limit::Online => "the CPUs online",
    };
    let quota = machine.quota_cpus.map_or("none".to_string(), |quota| pluralize(quota, "CPU"));
    let (places, workers) = (Places::read(), cpus.usable as usize);
    let placed = |cpus: Vec<usize>| {
        let cpus: Vec<String> = cpus.iter().map(ToString::to_string).collect();
        let noun = if workers == 1 { "CPU" } else { "CPUs" };
        format!("{} on {noun} {}", pluralize(workers, "worker"), cpus.join(", "))
    };
    let threads = limits::thread_limit(Path::new("/"));
    vec![
        ("host", or_unknown(machine.hostname.clone())),
        ("CPU", or_unknown(machine.cpu_model.clone())),
        ("usable CPUs", format!("{} (by {limit})", cpus.usable)),
        ("affinity", or_unknown(machine.affinity.clone())),
        ("cgroup quota", quota),
        ("online", cpus.online.to_string()),
        ("physical cores", format!("{} within the mask", cpus.cores)),
        ("pin close", placed(places.close(workers))),
        ("pin spread", placed(places.spread(workers))),
        (
            "SMT",
            or_unknown(
                machine.threads_per_core.map(|n| format!("{} a core", pluralize(n, "thread"))),
            ),
        ),
        ("instructions", Isa::available().map(Isa::name).collect::<Vec<_>>().join(", ")),
        ("governor", or_unknown(machine.governor.clone())),
        ("hypervisor", machine.hypervisor.clone().unwrap_or_else(|| "none".to_string())),
        ("kernel", or_unknown(machine.kernel.clone())),
        ("thread limit", threads.map_or("none".to_string(), |room| format!("{room} more"))),
        ("load", or_unknown(machine.load_average_1min.map(|load| format!("{load:.2} over 1 min")))),
    ]
}

/// Those that are set, by whom they are read, and what is odd about them; then those
/// that are not.
fn thread_variables(cpus: &Cpus, lookup: Lookup<'_>) -> String {
    let mut text = String::from("thread variables\n");
    let counts = THREAD_VARIABLES.iter().map(|variable| (variable.name, variable.read_by, true));
    let related = RELATED.iter().map(|(name, what)| (*name, *what, false));
    let isa = (ISA_VARIABLE, "the form of harness's own kernels", false);
    let mut unset = Vec::new();
    for (name, what, is_count) in counts.chain(related).chain([isa]) {
        match lookup(name) {
            Some(value) => {
                let odd = is_count.then(|| oddity(name, &value, cpus.usable)).flatten();
                let odd = odd.map(|odd| format!(": {odd}")).unwrap_or_default();
                let _ = writeln!(text, "  {name}={value}  ({what}){odd}");
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

/// What is strange about a number of threads.
fn oddity(name: &str, value: &str, usable: u32) -> Option<String> {
    let is_list = name == "OMP_NUM_THREADS" && value.contains(',');
    match first_number(name, value, usable) {
        None => Some("no number of threads: programs ignore it, or stop".to_string()),
        Some(0) => Some("0 is no number of threads: some programs take all CPUs, some stop".into()),
        Some(count) if count > u64::from(usable) => {
            Some(format!("more than the {}", pluralize(usable, "usable CPU")))
        }
        Some(_) if is_list => {
            Some("a number for each level of nesting; libraries take the first, or none".into())
        }
        Some(_) => None,
    }
}

/// OpenMP has one number for each level of nesting; the outermost is the first. Julia
/// has one for each of its pools, the main one first, and `auto` for all CPUs:
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

/// The libraries that start threads: of a command, or of `python3` and the system.
fn libraries(command: &[String], cpus: &Cpus, lookup: Lookup<'_>) -> String {
    let mut text = String::new();
    let mut section = |title: &str, remark: Option<String>, found: &[Library]| {
        let _ = writeln!(text, "{title}");
        if let Some(remark) = &remark {
            let _ = writeln!(text, "  {remark}");
        }
        for library in found {
            let file = library.path.file_name().unwrap_or_default().display();
            let name = library.family.name;
            let _ = writeln!(text, "  {name} ({file}): {}", says(library, cpus, lookup));
        }
        if found.is_empty() && remark.is_none() {
            text.push_str("  no BLAS and no thread library that is known\n");
        }
    };
    match command.first() {
        Some(program) => {
            let (remark, files) = loads(OsStr::new(program));
            section(&format!("libraries of {program}"), remark, &recognise(&files));
        }
        None => {
            if loaded::find(OsStr::new("python3")).is_some() {
                let (remark, files) = loads(OsStr::new("python3"));
                section("libraries of python3", remark, &recognise(&files));
            }
            section("libraries of the system", None, &blas::of_system(Path::new("/")));
        }
    }
    text
}

/// What a program loads, and what is to be said about that.
fn loads(program: &OsStr) -> (Option<String>, Vec<PathBuf>) {
    match loaded::inspect(program) {
        Program::Dynamic(files) => (None, files),
        Program::NumPy(version, files) => (Some(format!("NumPy {version}")), files),
        Program::Static => {
            (Some("linked statically: what is in it cannot be seen from outside".into()), vec![])
        }
        Program::Unknown(reason) => (Some(format!("cannot tell: {reason}")), vec![]),
    }
}

/// Which variable a library follows now, and how many threads that makes.
fn says(library: &Library, cpus: &Cpus, lookup: Lookup<'_>) -> String {
    let mut steps = Vec::new();
    for name in library.family.variables {
        match lookup(name) {
            Some(value) => {
                steps.push(format!("{name}={value}"));
                return steps.join(" → ");
            }
            None => steps.push(format!("{name} not set")),
        }
    }
    steps.push(library.family.otherwise.replace("{cpus}", &cpus.affinity.len().to_string()));
    steps.join(" → ")
}

/// What to do, in one or two sentences with the line to type.
fn recommendation(cpus: &Cpus, lookup: Lookup<'_>) -> String {
    let nothing = || {
        let usable = cpus.usable;
        format!("Nothing to do: nothing here keeps a program from its {usable} CPUs. ")
    };
    let what = wrong_counts(cpus.usable, lookup).or_else(|| missing_counts(cpus, lookup));
    let what = what.unwrap_or_else(nothing);
    format!("{what}`harness advise -- COMMAND` measures what is best.")
}

/// What is wrong with the numbers of threads that are set.
fn wrong_counts(usable: u32, lookup: Lookup<'_>) -> Option<String> {
    let count = |name: &'static str| {
        let value = lookup(name)?;
        let number = first_number(name, &value, usable);
        Some((name, value, number))
    };
    let counts: Vec<(&str, String, Option<u64>)> =
        THREAD_VARIABLES.iter().filter_map(|variable| count(variable.name)).collect();
    if let Some((name, value, _)) = counts.iter().find(|(_, _, number)| number.unwrap_or(0) == 0) {
        return Some(format!("{name}={value} is no number of threads: `unset {name}`; then "));
    }
    let too_many = |(_, _, number): &&(&str, String, Option<u64>)| *number > Some(usable.into());
    if let Some((name, value, _)) = counts.iter().find(too_many) {
        return Some(format!(
            "{name}={value} asks for more threads than the {usable} CPUs that can be used: \
             `export {name}={usable}`; "
        ));
    }
    let beats = |outer: u64| {
        let differs = |number: &Option<u64>| number.is_some_and(|number| number != outer);
        counts.iter().find(|(name, _, number)| BEATS_OMP.contains(name) && differs(number))
    };
    if let Some((_, value, Some(outer))) = count("OMP_NUM_THREADS")
        && let Some((name, other, _)) = beats(outer)
    {
        return Some(format!(
            "{name}={other} and OMP_NUM_THREADS={value} contradict each other, and the first one \
             counts for its library: `unset {name}` if that is not meant; "
        ));
    }
    let (name, ..) = counts.iter().find(|(_, _, number)| *number == Some(1) && usable > 1)?;
    Some(format!(
        "Your job is held to one thread by {name}=1, where {usable} CPUs can be used: `export \
         {name}={usable}` unless it starts workers of its own; "
    ))
}

/// What keeps a program from the right number where no variable is wrong.
fn missing_counts(cpus: &Cpus, lookup: Lookup<'_>) -> Option<String> {
    let usable = cpus.usable;
    if let Some(most) = lookup("OMP_THREAD_LIMIT")
        && most.trim().parse().is_ok_and(|most: u64| most < u64::from(usable))
    {
        return Some(format!(
            "OMP_THREAD_LIMIT={most} keeps OpenMP programs from {usable} CPUs that can be used: \
             `unset OMP_THREAD_LIMIT`; "
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
    lookup("SLURM_CPUS_PER_TASK").map(|given| {
        format!(
            "Slurm gave {given} CPUs to a task, and no variable says so to OpenMP: \
             `export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK`; "
        )
    })
}

/// Variables of libraries that follow OMP_NUM_THREADS where their own is not set.
const BEATS_OMP: [&str; 4] =
    ["OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"];

#[cfg(test)]
#[path = "environment/tests.rs"]
mod tests;
