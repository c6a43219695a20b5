//! The thread counts of a bench, from the environment.

use std::env;
use std::process;

use nthread::counts::{CountSource, resolve};
use nthread::machine::Cpus;

const VARIABLE: &str = "HARNESS_NTHREAD";

/// Counts of `HARNESS_NTHREAD` or `RAYON_NUM_THREADS`, with their meaning in a sweep; else
/// 1 and the number of usable CPUs, since a bench is short.
pub fn counts() -> Vec<u32> {
    let cpus = Cpus::read();
    let lookup = |name: &str| env::var(name).ok();
    let listed = lookup(VARIABLE).filter(|list| !list.is_empty());
    let given = listed.as_deref().map(|list| (CountSource::Variable(VARIABLE), list));
    match resolve(given, &lookup, cpus.usable, cpus.cores) {
        Ok(found) if found.source == CountSource::UsableCpus => {
            let mut counts = vec![1, cpus.usable];
            counts.dedup();
            counts
        }
        Ok(found) => found.counts,
        Err(error) => {
            eprintln!("{error}");
            process::exit(2);
        }
    }
}
