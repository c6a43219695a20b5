//! Real campaigns on this machine: the plain loop, the same under another name,
//! and the same with known handicaps.
//!
//! Each campaign has exactly 12 rounds, the fewest after which a run of its own
//! accord says anything. With all of the same length, their rates mean
//! something, and so does what a minute of measuring finds; what the later looks
//! do to a rate is shown by simulation, where ten thousand campaigns cost
//! seconds.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::findings::{Findings, Verdict};
use crate::backend::slowdown::INJECTED_SLOWDOWNS;
use crate::backend::{BACKENDS, Backend};
use crate::campaign::progress::{Progress, Show};
use crate::campaign::stopping::LOOKS;
use crate::campaign::{Campaign, CampaignError};
use crate::plan::{self, Budget, Calibration, Draws, Request, Rules, Scaling};
use crate::record::{Phase, Plan, Preset, Run, SAMPLES_FILE, read_rows};
use crate::registry::Registry;
use crate::report;

/// Rounds of each campaign.
pub const ROUNDS: u32 = LOOKS[0];

/// What a campaign is forecast to take before any was made: 12 rounds of five
/// visits with two calls of 7 to 14 ms each.
pub const CAMPAIGN: Duration = Duration::from_millis(2000);

/// Calls of 7 to 14 ms: long enough that nothing but the machine's own noise is
/// in them, short enough for hundreds of campaigns.
const CALLS: Calibration = Calibration { call_ns: 7_000_000, call_ns_per_thread: 0, run_ns: None };

/// Draws of a block: few, so that calls are no longer than they should be where
/// the build is slow.
const BLOCK: u64 = 1 << 10;

/// Seed of the random streams.
const SEED: u64 = 20_261_122;

/// News come at least so far apart.
const NEWS_APART: Duration = Duration::from_secs(15);

/// Makes so many campaigns, one after the other, each in a temporary directory.
/// `about` says what measures and where, its plan is ignored. A signal ends it
/// early, and what was found until then is returned.
///
/// # Errors
/// Where a campaign cannot begin, or its files cannot be written or read.
pub fn trial(about: &Run, campaigns: u64, progress: &Progress) -> anyhow::Result<Findings> {
    let registry = registry();
    let silent = Progress::new(Show::Problems);
    let mut findings = Findings::of(&INJECTED_SLOWDOWNS, campaigns, ROUNDS);
    let mut draws = Draws::Calibrated(CALLS);
    let start = Instant::now();
    let mut last_news = start;
    for made in 1..=campaigns {
        let scratch = Scratch::new(made);
        let run = Run { plan: draft(&draws, &registry), sessions: Vec::new(), ..about.clone() };
        match measure(&registry, &silent, run, &draws, &scratch.0)? {
            Ended::Interrupted(signal) => {
                findings.signal = Some(signal);
                break;
            }
            Ended::Measured { failures } => findings.failures += failures,
        }
        draws = take(&mut findings, &scratch.0)?;
        findings.elapsed_s = start.elapsed().as_secs_f64();
        if made == 1 || last_news.elapsed() >= NEWS_APART {
            last_news = Instant::now();
            let left_min = findings.elapsed_s / made as f64 * (campaigns - made) as f64 / 60.0;
            progress.note(&format!("campaign {made} of {campaigns}, about {left_min:.1} min left"));
        }
    }
    Ok(findings)
}

/// The backends of the self-test, the baseline first.
fn registry() -> Registry {
    let hidden = INJECTED_SLOWDOWNS.iter().map(|handicap| handicap as &'static dyn Backend);
    let backends = BACKENDS[..1].iter().copied().chain(hidden).collect();
    Registry { backends, ..Registry::default() }
}

/// A plan over all of these.
fn draft(draws: &Draws, registry: &Registry) -> Plan {
    let request = Request {
        preset: Preset::Sweep,
        kernels: vec!["pi".to_string()],
        backends: registry.backend_names().into_iter().map(String::from).collect(),
        nthread: vec![1],
        inner_nthread: Vec::new(),
        draws: draws.clone(),
        block: BLOCK,
        seed: SEED,
        schedules: Vec::new(),
        chunks: Vec::new(),
        start_methods: Vec::new(),
        pins: Vec::new(),
        scaling: Scaling::Strong,
    };
    let rules = Rules {
        order_seed: rand::random(),
        rounds: ROUNDS,
        precision: None,
        budget: Budget::Unlimited,
        warmup: 1,
        iterations: 1,
        timeout_ns: None,
    };
    let plan = plan::draft(&request, &rules, registry);
    Plan { nthread_source: "the self-test".to_string(), ..plan }
}

/// How a campaign ended.
enum Ended {
    Measured { failures: u64 },
    Interrupted(Signal),
}

fn measure(
    registry: &Registry,
    progress: &Progress,
    run: Run,
    draws: &Draws,
    dir: &Path,
) -> Result<Ended, CampaignError> {
    let measured = Campaign::new(registry, progress, run, dir)
        .and_then(|campaign| campaign.without_warm_up().measure(draws, Budget::Unlimited));
    match measured {
        Err(CampaignError::Interrupted(signal)) => Ok(Ended::Interrupted(signal)),
        Err(error) => Err(error),
        Ok(outcome) => Ok(match outcome.signal {
            Some(signal) => Ended::Interrupted(signal),
            None => Ended::Measured { failures: outcome.failures },
        }),
    }
}

/// Takes up what a campaign found, by its report. Returns its draws: those that
/// follow have the same.
fn take(findings: &mut Findings, dir: &Path) -> anyhow::Result<Draws> {
    let summary = report::read(dir)?;
    let draws = summary.cases.first().and_then(|case| case.case.draws);
    let call_ns = summary.cases.first().and_then(|case| case.median_ns);
    findings.take(call_ns, rounds_s(dir)?, |name| {
        let case = summary.cases.iter().find(|case| case.case.backend == name)?;
        Some(Verdict { speedup: case.speedup?, low: case.speedup_low?, high: case.speedup_high? })
    });
    Ok(draws.map_or(Draws::Calibrated(CALLS), |draws| Draws::Given(vec![draws])))
}

/// How long the rounds of a campaign lasted, from the first row to the last.
fn rounds_s(dir: &Path) -> anyhow::Result<f64> {
    let rows = read_rows(&dir.join(SAMPLES_FILE))?;
    let visits = || rows.iter().filter(|row| row.phase == Phase::Visit);
    let starts = visits().map(|row| row.started_ns);
    let ends = visits().map(|row| row.started_ns + row.wall_ns.unwrap_or(0));
    let span = ends.max().zip(starts.min()).map(|(end, start)| end.saturating_sub(start));
    Ok(span.unwrap_or(0) as f64 / 1e9)
}

/// A directory that is gone when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    /// The campaign creates it, and refuses one that exists.
    fn new(number: u64) -> Scratch {
        let name = format!("nthread-selftest-{}-{number}", std::process::id());
        Scratch(std::env::temp_dir().join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is in the directory for such things.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::BASELINE;

    #[test]
    fn the_plan_has_the_baseline_and_every_handicap_once() {
        let plan = draft(&Draws::Given(vec![1 << 20]), &registry());
        let backends: Vec<&str> = plan.cases.iter().map(|case| case.backend.as_str()).collect();
        let names: Vec<&str> =
            [BASELINE].into_iter().chain(INJECTED_SLOWDOWNS.iter().map(|it| it.name())).collect();
        assert_eq!(backends, names);
        assert!(plan.skipped.is_empty() && plan.stopping.precision.is_none());
    }

    #[test]
    fn nobody_but_the_self_test_knows_its_backends() {
        for handicap in &INJECTED_SLOWDOWNS {
            assert!(Registry::default().backend(handicap.name()).is_none());
            assert!(crate::backend::slowdown::find(handicap.name()).is_some());
        }
    }
}
