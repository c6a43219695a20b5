//! Real campaigns on this machine: the sequential loop, the same loop under another name,
//! and the same loop with injected slowdowns.
//!
//! Each campaign has exactly 12 rounds, the number of the first look of a run. A fixed
//! length makes the rates comparable. The effect of later looks on the rates is shown by
//! simulation (`benches/calibration`), where ten thousand campaigns take seconds.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::results::{SelftestResults, SpeedupInterval};
use crate::backend::slowdown::INJECTED_SLOWDOWNS;
use crate::backend::{BACKENDS, Backend};
use crate::campaign::progress::{Progress, Show};
use crate::campaign::stopping::LOOKS;
use crate::campaign::{Campaign, CampaignError};
use crate::plan::{self, Budget, Calibration, Draws, Request, Rules};
use crate::record::{Phase, Plan, Run, SAMPLES_FILE, read_rows};
use crate::registry::Registry;
use crate::report;

/// Rounds of each campaign.
pub const ROUNDS: u32 = LOOKS[0];

/// Forecast duration of a campaign: 12 rounds of five visits with two calls of 7 to 14 ms
/// each.
pub const CAMPAIGN: Duration = Duration::from_millis(2000);

/// Calls of 7 to 14 ms: long compared with the overhead of a call, short enough for hundreds
/// of campaigns.
const CALLS: Calibration = Calibration { call_ns: 7_000_000, call_ns_per_thread: 0, run_ns: None };

/// Draws of a block: few, so that calls are short enough in a debug build.
const BLOCK: u64 = 1 << 10;

/// Seed of the random streams.
const SEED: u64 = 20_261_122;

/// Shortest time between two progress messages.
const MESSAGE_INTERVAL: Duration = Duration::from_secs(15);

/// Runs this number of campaigns, one after the other, each in a temporary directory.
/// `template` has the machine and the build; its plan is ignored. A signal interrupts it,
/// and the results of the finished campaigns are returned.
///
/// # Errors
/// If a campaign cannot start, or its files cannot be written or read.
pub fn trial(
    template: &Run,
    campaigns: u64,
    progress: &Progress,
) -> anyhow::Result<SelftestResults> {
    let registry = registry();
    let silent = Progress::new(Show::Problems);
    let mut results = SelftestResults::new(&INJECTED_SLOWDOWNS, campaigns, ROUNDS);
    let mut draws = Draws::Calibrated(CALLS);
    let start = Instant::now();
    let mut last_message = start;
    for number in 1..=campaigns {
        let dir = TempDir::new(number);
        let run = Run { plan: draft(&draws, &registry), sessions: Vec::new(), ..template.clone() };
        match measure(&registry, &silent, run, &draws, &dir.0)? {
            CampaignEnd::Interrupted(signal) => {
                results.signal = Some(signal);
                break;
            }
            CampaignEnd::Measured { failures } => results.failures += failures,
        }
        // Calibrated once: all campaigns measure calls of the same length.
        draws = add_results(&mut results, &dir.0)?;
        results.elapsed_s = start.elapsed().as_secs_f64();
        if number == 1 || last_message.elapsed() >= MESSAGE_INTERVAL {
            last_message = Instant::now();
            let remaining = (campaigns - number) as f64 / number as f64;
            let left_min = results.elapsed_s * remaining / 60.0;
            progress
                .note(&format!("campaign {number} of {campaigns}, about {left_min:.1} min left"));
        }
    }
    Ok(results)
}

/// The backends of the self-test, the baseline first.
fn registry() -> Registry {
    let hidden = INJECTED_SLOWDOWNS.iter().map(|slowdown| slowdown as &'static dyn Backend);
    let backends = BACKENDS[..1].iter().copied().chain(hidden).collect();
    Registry { backends, ..Registry::default() }
}

/// A plan over all backends of the self-test.
fn draft(draws: &Draws, registry: &Registry) -> Plan {
    let request = Request {
        kernels: vec!["pi".to_string()],
        backends: registry.backend_names().into_iter().map(String::from).collect(),
        nthread: vec![1],
        draws: draws.clone(),
        block: BLOCK,
        seed: SEED,
        ..Request::default()
    };
    let rules = Rules {
        order_seed: rand::random(),
        rounds: ROUNDS,
        warmup: 1,
        iterations: 1,
        ..Rules::default()
    };
    let plan = plan::draft(&request, &rules, registry);
    Plan { nthread_source: "the self-test".to_string(), ..plan }
}

/// End of a campaign.
enum CampaignEnd {
    Measured { failures: u64 },
    Interrupted(Signal),
}

fn measure(
    registry: &Registry,
    progress: &Progress,
    run: Run,
    draws: &Draws,
    dir: &Path,
) -> Result<CampaignEnd, CampaignError> {
    let measured = Campaign::new(registry, progress, run, dir)
        .and_then(|campaign| campaign.without_warm_up().measure(draws, Budget::Unlimited));
    match measured {
        Err(CampaignError::Interrupted(signal)) => Ok(CampaignEnd::Interrupted(signal)),
        Err(error) => Err(error),
        Ok(outcome) => Ok(match outcome.signal {
            Some(signal) => CampaignEnd::Interrupted(signal),
            None => CampaignEnd::Measured { failures: outcome.failures },
        }),
    }
}

/// Adds the results of a campaign, read from its directory. Returns the calibrated draws, which
/// the following campaigns use too.
fn add_results(results: &mut SelftestResults, dir: &Path) -> anyhow::Result<Draws> {
    let summary = report::read(dir)?;
    let draws = summary.cases.first().and_then(|case| case.case.draws);
    let call_ns = summary.cases.first().and_then(|case| case.median_ns);
    results.add(call_ns, rounds_s(dir)?, |name| {
        let case = summary.cases.iter().find(|case| case.case.backend == name)?;
        Some(SpeedupInterval {
            speedup: case.speedup?,
            low: case.speedup_low?,
            high: case.speedup_high?,
        })
    });
    Ok(draws.map_or(Draws::Calibrated(CALLS), |draws| Draws::Given(vec![draws])))
}

/// Duration of the rounds of a campaign, from the first row to the last.
fn rounds_s(dir: &Path) -> anyhow::Result<f64> {
    let rows = read_rows(&dir.join(SAMPLES_FILE))?;
    let (mut start, mut end) = (u64::MAX, 0);
    for row in rows.iter().filter(|row| row.phase == Phase::Visit) {
        start = start.min(row.started_ns);
        end = end.max(row.started_ns + row.wall_ns.unwrap_or(0));
    }
    Ok(end.saturating_sub(start) as f64 / 1e9)
}

/// A temporary directory, removed on drop.
struct TempDir(PathBuf);

impl TempDir {
    /// Chooses a name. The campaign creates the directory, and refuses an existing one.
    fn new(number: u64) -> TempDir {
        let name = format!("nthread-selftest-{}-{number}", std::process::id());
        TempDir(std::env::temp_dir().join(name))
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // A failure is ignored: the directory is in that for temporary files.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::BASELINE;

    #[test]
    fn the_plan_has_the_baseline_and_every_slowdown_once() {
        let plan = draft(&Draws::Given(vec![1 << 20]), &registry());
        let backends: Vec<&str> = plan.cases.iter().map(|case| case.backend.as_str()).collect();
        let names: Vec<&str> =
            [BASELINE].into_iter().chain(INJECTED_SLOWDOWNS.iter().map(|it| it.name())).collect();
        assert_eq!(backends, names);
        assert!(plan.skipped.is_empty() && plan.stopping.precision.is_none());
    }

    #[test]
    fn only_the_self_test_has_its_backends() {
        for slowdown in &INJECTED_SLOWDOWNS {
            assert!(Registry::default().backend(slowdown.name()).is_none());
            assert!(crate::backend::slowdown::find(slowdown.name()).is_some());
        }
    }
}
