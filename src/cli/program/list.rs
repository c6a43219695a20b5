//! `harness list`: kernels, backends and reference implementations.

use std::fmt::Write as _;

use super::runners::{add_runners, list_originals, runners_dir};
use crate::cli::given::Given;
use crate::cli::output::print_result;
use crate::registry::Registry;
use crate::registry::originals::Original;

/// Prints kernels, backends and reference implementations, and whether each can run here.
pub fn list(registry: &Registry, runner: &[Given], dir: Option<&Given>) -> anyhow::Result<u8> {
    let mut registry = registry.clone();
    add_runners(&mut registry, runner)?;
    print_result(&text(&registry, &list_originals(runners_dir(dir)?.as_deref())))
}

fn text(registry: &Registry, originals: &[(&Original, Option<String>)]) -> String {
    let names = registry.kernel_names().into_iter().chain(registry.backend_names());
    let names = names.chain(originals.iter().map(|(original, _)| original.name));
    let width = names.map(|name| name.chars().count()).max().unwrap_or(0);
    let mut text = String::from("kernels\n");
    for kernel in &registry.kernels {
        let _ = writeln!(text, "  {:<width$} {}", kernel.name(), kernel.about());
    }
    text.push_str("backends (the first schedule is the default)\n");
    for name in registry.backend_names() {
        let (about, schedules) = match (registry.backend(name), registry.runner(name)) {
            (Some(backend), _) => {
                let schedules: Vec<_> = backend.schedules().iter().map(|s| s.name()).collect();
                (backend.about().to_string(), schedules.join(", "))
            }
            (None, Some(runner)) => {
                (format!("runner: {}", runner.command.join(" ")), "its own".to_string())
            }
            (None, None) => continue,
        };
        let _ = writeln!(text, "  {name:<width$} {about} [{schedules}]");
        if let Some(reason) = registry.obstacle(name) {
            let _ = writeln!(text, "  {:<width$} CANNOT RUN HERE: {reason}", "");
        }
    }
    text.push_str("reference implementations in Python and C (only if -b names them)\n");
    // An obstacle that all share is shown once.
    let common = originals.first().and_then(|(_, reason)| reason.as_ref());
    let common = common.filter(|_| originals.iter().all(|(_, reason)| reason.as_ref() == common));
    for (original, reason) in originals {
        let _ = writeln!(text, "  {:<width$} {}", original.name, original.about);
        if let Some(reason) = reason.as_ref().filter(|_| common.is_none()) {
            let _ = writeln!(text, "  {:<width$} CANNOT RUN HERE: {reason}", "");
        }
    }
    if let Some(reason) = common {
        let _ = writeln!(text, "  NONE CAN RUN HERE: {reason}");
    }
    text
}
