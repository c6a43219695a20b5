//! Before the first visit: how long a call must be, what it must return, and
//! how long the run will take.

use std::collections::BTreeMap;
use std::time::Duration;

use super::errand::{Errand, Form, Task};
use super::visit::Visited;
use super::{Campaign, CampaignError, Truth};
use crate::kernel::Tally;
use crate::plan::{self, Calibration, Draws, MOST_DRAWS, Pin, round_order};
use crate::record::{BASELINE, Case, ExpectedTally, Plan, Position, Row};
use crate::stats::median;

/// A sequential call that is at least this long tells the speed of the kernel.
pub(super) const LONG_ENOUGH_NS: u64 = 10_000_000;

/// Calls of a visit that measures the speed.
pub(super) const CALLS: u32 = 3;

/// Calls are not made shorter than this to make a run shorter.
const SHORTEST_CALL_NS: u64 = 2_000_000;

/// What a visit of the calibration may last at most. Its calls are short; but
/// a kernel of the user's own may have slow blocks.
const PATIENCE: Duration = Duration::from_secs(120);

/// A visit is killed after this many times its predicted length.
const TIMEOUT_FACTOR: f64 = 20.0;

/// And never sooner than this.
const LEAST_TIMEOUT: Duration = Duration::from_secs(5);

/// No forecast is longer: what is added to a clock must fit it.
pub(super) const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// The portable form is at most so many times slower than the fastest.
const PORTABLE_FACTOR: u32 = 16;

/// What the machine can do with one kernel.
#[derive(Clone, Debug)]
pub struct Speed {
    /// The kernel.
    pub kernel: String,
    /// Whose speed it is; `None` for ours.
    pub runner: Option<String>,
    /// Of a call by one worker.
    pub ns_per_draw: f64,
    /// What a visit lasts beyond its calls.
    pub overhead_ns: f64,
}

/// What is known of the durations.
#[derive(Clone, Debug, Default)]
pub struct Forecast {
    speeds: Vec<Speed>,
    usable_cpus: u32,
}

impl Forecast {
    /// How long a visit lasts: perfect speedup up to the usable CPUs, none
    /// beyond.
    pub fn visit_ns(&self, plan: &Plan, case: &Case) -> f64 {
        self.visit_of_ns(case, plan.warmup + plan.iterations)
    }

    /// The same, of a visit of so many calls.
    pub fn visit_of_ns(&self, case: &Case, calls: u32) -> f64 {
        let overhead_ns = self.speed_of(case).map_or(0.0, |speed| speed.overhead_ns);
        f64::from(calls) * self.call_ns(case) + overhead_ns
    }

    /// How long a call lasts.
    pub fn call_ns(&self, case: &Case) -> f64 {
        let ns_per_draw = self.speed_of(case).map_or(0.0, |speed| speed.ns_per_draw);
        let sequential = ns_per_draw * case.draws.unwrap_or_default() as f64;
        sequential / f64::from(case.threads().min(self.usable_cpus).max(1))
    }

    /// The speed of the case's own runner, else ours.
    fn speed_of(&self, case: &Case) -> Option<&Speed> {
        let of = |runner: Option<&str>| {
            let is_it =
                |speed: &&Speed| speed.kernel == case.kernel && speed.runner.as_deref() == runner;
            self.speeds.iter().find(is_it)
        };
        of(Some(&case.backend)).or_else(|| of(None))
    }

    /// Whether the speed of a runner of others was measured.
    pub fn knows(&self, kernel: &str, runner: &str) -> bool {
        self.speeds
            .iter()
            .any(|speed| speed.kernel == kernel && speed.runner.as_deref() == Some(runner))
    }

    /// One more speed.
    pub fn add(&mut self, speed: Speed) {
        self.speeds.push(speed);
    }

    /// Every visit to functions of that sweep lasts about as long.
    pub fn every_visit_lasts(&mut self, sweep: &str, visit_ns: f64) {
        let kernel = sweep.to_string();
        self.speeds.push(Speed { kernel, runner: None, ns_per_draw: 0.0, overhead_ns: visit_ns });
    }

    /// How long so many rounds last.
    pub fn rounds_ns(&self, plan: &Plan, rounds: u32) -> f64 {
        let first = round_order(plan, 0);
        let round = first.iter().flatten().map(|&case| self.visit_ns(plan, &plan.cases[case]));
        f64::from(rounds) * round.sum::<f64>()
    }

    /// When a visit is given up: when the user says so, or by the rule.
    pub fn timeout(&self, plan: &Plan, case: &Case) -> Duration {
        let calls = plan.warmup + plan.iterations;
        match plan.timeout_ns {
            Some(ns) => Duration::from_nanos(ns),
            None if plan.target.is_kernel() => self.patience(case, calls),
            // The duration of a command or function cannot be predicted.
            None => LONGEST,
        }
    }

    /// The rule: no visit lasts that much longer than its forecast.
    pub fn patience(&self, case: &Case, calls: u32) -> Duration {
        duration(TIMEOUT_FACTOR * self.visit_of_ns(case, calls)).max(LEAST_TIMEOUT)
    }
}

impl Campaign<'_> {
    /// Chooses the draws where nobody gave them, and forecasts the run.
    pub(super) fn calibrate(&mut self, draws: &Draws) -> Result<(), CampaignError> {
        let mut kernels: Vec<String> =
            self.run.plan.cases.iter().map(|case| case.kernel.clone()).collect();
        kernels.dedup();
        self.forecast.usable_cpus = self.usable_cpus;
        for kernel in &kernels {
            let speed = self.speed_of(kernel)?;
            self.forecast.add(speed);
        }
        self.measure_pace()?;
        if let Draws::Calibrated(rule) = draws {
            let drafted = self.run.plan.cases.clone();
            let mut rule = *rule;
            self.choose_draws(&kernels, rule);
            while let Some(limit_ns) = rule.run_ns
                && rule.call_ns > SHORTEST_CALL_NS
                && self.forecast.rounds_ns(&self.run.plan, self.run.plan.stopping.rounds)
                    > limit_ns as f64
            {
                rule.call_ns /= 2;
                rule.call_ns_per_thread /= 2;
                self.run.plan.cases.clone_from(&drafted);
                self.choose_draws(&kernels, rule);
            }
        }
        Ok(())
    }

    /// Gives each kernel the draws that the rule asks for.
    fn choose_draws(&mut self, kernels: &[String], rule: Calibration) {
        let cases = &self.run.plan.cases;
        let usable = cases.iter().map(Case::threads).filter(|n| *n <= self.usable_cpus).max();
        let usable = usable.unwrap_or(1);
        let is_weak = cases[0].is_weak();
        // Where the work grows with the workers, the draws are those of one of them.
        let threads = |case: &Case| if is_weak { case.inner_nthread } else { case.threads() };
        let threads: Vec<u32> = cases.iter().map(threads).collect();
        let least = plan::least_draws(&threads, cases[0].block);
        for (kernel, speed) in kernels.iter().zip(&self.forecast.speeds) {
            let draws = rule.target_ns(usable) as f64 / speed.ns_per_draw;
            let draws = (draws.ceil() as u64).clamp(least, MOST_DRAWS).next_power_of_two();
            plan::settle(&mut self.run.plan, kernel, draws);
        }
    }

    /// Measures the sequential speed of a kernel, with calls that grow until
    /// they are long enough.
    fn speed_of(&mut self, kernel: &str) -> Result<Speed, CampaignError> {
        let mut case = self.baseline_case(kernel);
        let most = case.draws.unwrap_or(u64::MAX);
        let mut draws = (32 * case.block).min(most);
        loop {
            case.draws = Some(draws);
            let visited = self.reference_visit(&case, 1, CALLS, Form::Fastest, PATIENCE)?;
            let fastest = visited.call_ns().min().unwrap_or(1).max(1);
            let beyond = visited.wall.as_nanos() as f64 - visited.all_calls_ns() as f64;
            if fastest >= LONG_ENOUGH_NS || draws >= most || draws >= 1 << 50 {
                let calls: Vec<f64> = visited.call_ns().map(|ns| ns as f64).collect();
                let ns_per_draw = median(&calls).unwrap_or(1.0) / draws as f64;
                let kernel = kernel.to_string();
                return Ok(Speed { kernel, runner: None, ns_per_draw, overhead_ns: beyond });
            }
            let growth = (2 * LONG_ENOUGH_NS).div_ceil(fastest).next_power_of_two();
            draws = draws.saturating_mul(growth.clamp(2, 1024)).min(most);
        }
    }

    /// Finds out what every job must return: one visit each, sequential, in the
    /// portable form, not pinned, not measured.
    pub(super) fn find_expected(&mut self) -> Result<(), CampaignError> {
        let mut jobs: Vec<Case> = Vec::new();
        for case in &self.run.plan.cases {
            if !jobs.iter().any(|job| job.same_job(case)) {
                jobs.push(sequential(case));
            }
        }
        for case in jobs {
            let patience = self.forecast.patience(&case, 1) * PORTABLE_FACTOR;
            let visited = self.reference_visit(&case, 0, 1, Form::Portable, patience)?;
            let tally = visited.rows.iter().find_map(|row| {
                Some(Tally {
                    draws: row.tally_draws?,
                    sum: row.tally_sum?,
                    sum_sq: row.tally_sum_sq?,
                })
            });
            let tally = tally.unwrap_or_default();
            self.run.plan.expected.push(ExpectedTally {
                kernel: case.kernel.clone(),
                seed: case.seed,
                block: case.block,
                draws: tally.draws,
                sum: tally.sum,
                sum_sq: tally.sum_sq,
            });
            self.expected.push((case, tally));
        }
        Ok(())
    }

    /// What the jobs must return, as an earlier session found it out.
    pub(super) fn recall_expected(&mut self) {
        for expected in &self.run.plan.expected {
            let tally = Tally { draws: expected.draws, sum: expected.sum, sum_sq: expected.sum_sq };
            let case = Case {
                kernel: expected.kernel.clone(),
                seed: expected.seed,
                block: expected.block,
                draws: Some(expected.draws),
                ..Case::default()
            };
            self.expected.push((case, tally));
        }
    }

    /// The baseline's case of a kernel, the one with the most draws.
    fn baseline_case(&self, kernel: &str) -> Case {
        let is_it = |case: &&Case| case.kernel == kernel && case.is_baseline();
        let baselines = self.run.plan.cases.iter().filter(is_it);
        baselines.max_by_key(|case| case.draws).map(sequential).unwrap_or_default()
    }

    /// A visit that leaves no rows; it must not fail.
    fn reference_visit(
        &mut self,
        case: &Case,
        warmup: u32,
        iterations: u32,
        form: Form,
        timeout: Duration,
    ) -> Result<Visited, CampaignError> {
        let kernel = self.kernel_of(case)?;
        let task = Task::Job(Truth { kernel, tally: None });
        let errand = Errand { case, task, warmup, iterations, timeout, form };
        let visited = self.send(&errand, Position::default())?;
        match visited.problem {
            None => Ok(visited),
            Some(problem) => Err(CampaignError::Reference { kernel: case.kernel.clone(), problem }),
        }
    }
}

/// How long the sessions measured whose rows these are: each up to the end of its
/// last visit.
pub(super) fn time_of_sessions(rows: &[Row]) -> Duration {
    let mut ends: BTreeMap<u32, u64> = BTreeMap::new();
    for row in rows {
        let end_ns = ends.entry(row.session).or_default();
        *end_ns = row.started_ns.saturating_add(row.wall_ns.unwrap_or(0)).max(*end_ns);
    }
    ends.into_values().map(Duration::from_nanos).sum()
}

/// The job of a case, computed in one loop.
fn sequential(case: &Case) -> Case {
    Case {
        backend: BASELINE.to_string(),
        nthread: 1,
        schedule: String::new(),
        chunk: None,
        pin: Pin::None.to_string(),
        start_method: String::new(),
        inner_nthread: 1,
        label: String::new(),
        ..case.clone()
    }
}

/// A forecast as a duration, however odd the forecast.
pub(super) fn duration(nanoseconds: f64) -> Duration {
    Duration::try_from_secs_f64(nanoseconds / 1e9).map_or(LONGEST, |time| time.min(LONGEST))
}
