//! Tests of the texts for made-up variables.

use super::*;

fn cpus(affinity: usize, quota: Option<f64>) -> Cpus {
    let usable = quota.map_or(affinity as u32, |quota| quota.ceil() as u32);
    let limit = if quota.is_some() { Limit::Quota } else { Limit::Online };
    Cpus { affinity: (0..affinity).collect(), online: affinity, quota, usable, cores: 1, limit }
}

fn set(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    move |name| Some(pairs.iter().find(|(key, _)| *key == name)?.1.to_string())
}

#[track_caller]
fn recommends(cpus: &Cpus, pairs: &'static [(&str, &str)], words: &str) {
    let text = recommendation(cpus, &set(pairs));
    assert!(text.contains(words), "{words:?} is not in: {text}");
    assert!(text.contains("harness advise"), "{text}");
}

#[test]
fn each_situation_has_a_recommendation() {
    let eight = cpus(8, None);
    recommends(&eight, &[], "Nothing to do");
    recommends(&eight, &[("OMP_NUM_THREADS", "8")], "Nothing to do");
    recommends(
        &eight,
        &[("OMP_NUM_THREADS", "1")],
        "OMP_NUM_THREADS=1 limits programs to one thread",
    );
    recommends(&eight, &[("MKL_NUM_THREADS", "0")], "`unset MKL_NUM_THREADS`");
    recommends(&eight, &[("OMP_NUM_THREADS", "all")], "`unset OMP_NUM_THREADS`");
    recommends(&eight, &[("OMP_NUM_THREADS", "16,2")], "`export OMP_NUM_THREADS=8`");
    recommends(&eight, &[("SLURM_CPUS_PER_TASK", "4")], "OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK");
    recommends(&eight, &[("JULIA_NUM_THREADS", "auto")], "Nothing to do");
    recommends(&eight, &[("JULIA_NUM_THREADS", "8,1")], "Nothing to do");
    recommends(&eight, &[("OMP_THREAD_LIMIT", "1")], "`unset OMP_THREAD_LIMIT`");
    recommends(&eight, &[("OMP_THREAD_LIMIT", "64")], "Nothing to do");
    let both = &[("OMP_NUM_THREADS", "2"), ("OPENBLAS_NUM_THREADS", "4")];
    recommends(&eight, both, "contradict");
    let limited = cpus(8, Some(1.5));
    recommends(&limited, &[], "Programs see 8 CPUs, and the cgroup quota gives them 2");
    recommends(&limited, &[("OMP_NUM_THREADS", "2")], "Nothing to do");
    recommends(&limited, &[("OMP_NUM_THREADS", "8")], "more threads than the 2 usable CPUs");
}

#[test]
fn problems_are_named_and_unset_variables_listed() {
    let pairs: &[(&str, &str)] =
        &[("OMP_NUM_THREADS", "4,2"), ("GOMAXPROCS", "x"), ("OMP_PLACES", "cores")];
    let text = thread_variables(&cpus(8, None), &set(pairs));
    let line = |word: &str| text.lines().find(|line| line.contains(word)).expect("a line");
    assert!(line("OMP_NUM_THREADS=4,2").contains("each level of nesting"), "{text}");
    assert!(line("GOMAXPROCS=x").contains("the Go runtime"), "{text}");
    assert!(line("GOMAXPROCS=x").contains("not a number"), "{text}");
    assert!(line("OMP_PLACES=cores").contains("the places of OpenMP"), "{text}");
    assert!(line("not set").contains("MKL_NUM_THREADS"), "{text}");
    assert!(!text.contains("KMP_AFFINITY"), "{text}");
}

#[test]
fn the_variable_that_decides_for_a_library_is_shown() {
    let libraries = recognise(&[PathBuf::from("/x/libscipy_openblas64_-1.so")]);
    let setting = |pairs| thread_setting(&libraries[0], &cpus(2, None), &set(pairs));
    assert_eq!(
        setting(&[]),
        "OPENBLAS_NUM_THREADS not set → GOTO_NUM_THREADS not set → OMP_NUM_THREADS not set → as \
         many threads as it sees CPUs: 2"
    );
    assert!(setting(&[("OMP_NUM_THREADS", "1")]).ends_with("→ OMP_NUM_THREADS=1"));
    assert_eq!(setting(&[("OPENBLAS_NUM_THREADS", "2")]), "OPENBLAS_NUM_THREADS=2");
}
