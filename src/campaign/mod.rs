//! A run: rounds of visits, each in a process of its own, checked and written
//! down.
//!
//! The campaign computes no kernel. It decides who is next, sends a runner
//! (`visit`), hears it out (`supervise`, `conversation`), writes rows and
//! goes on. A visit that fails is a row; a case that fails twice in a row is
//! retired; only a signal, a full disk or the plan's end ends the run.

mod answer;
mod calibrate;
mod conversation;
pub mod progress;
mod reap;
mod signals;
pub mod stopping;
mod supervise;
pub mod visit;
mod voice;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::kernel::{Kernel, Tally};
use crate::plan::{Budget, Draws, round_order};
use crate::record::{Case, RUN_FILE, Retired, Run, SAMPLES_FILE, Session, StopReason, Writer};
use crate::registry::Registry;
use crate::runner::is_entered;
use answer::Truth;
use calibrate::Forecast;
use progress::Progress;
use supervise::{CutShort, Supervisor};
use visit::{Clerk, Errand, Form, Position, Visited};

/// Without `--time-budget`, a run may last so many times its forecast: enough
/// that a machine which slows down still finishes its rounds.
const BUDGET_FACTOR: f64 = 1.5;

/// And at least this long, and at most this long.
const BUDGET: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(600);

/// Failures in a row after which a case is not visited again.
const FAILURES_TO_RETIRE: u32 = 2;

/// Why a run could not begin, or had to end.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// This executable would not run as a runner.
    #[error(
        "this executable cannot be started again as a runner: call nthread::enter(&registry) first in main"
    )]
    NotEntered,
    /// A process cannot be supervised.
    #[error("cannot take over signals and children: {0}")]
    Supervise(io::Error),
    /// The results directory cannot be created.
    #[error("cannot create the results directory {}", path.display())]
    Out {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be written, and nothing was measured yet.
    #[error("nothing was measured: {} cannot be written", path.display())]
    Begin {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be written any more.
    #[error("every whole visit up to here is kept, but {} cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The sequential backend does not even run alone.
    #[error("the sequential reference of kernel {kernel} failed: {problem}")]
    Reference {
        /// The kernel.
        kernel: String,
        /// What went wrong.
        problem: String,
    },
    /// A kernel of the plan is not in the registry.
    #[error("there is no kernel {0:?}")]
    NoKernel(String),
    /// A signal came before anything was measured.
    #[error("interrupted before the first visit")]
    Interrupted(Signal),
}

impl From<Interrupted> for CampaignError {
    fn from(Interrupted(signal): Interrupted) -> Self {
        CampaignError::Interrupted(signal)
    }
}

/// A signal asked the run to end.
#[derive(Debug)]
struct Interrupted(Signal);

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Why.
    pub stop_reason: StopReason,
    /// The signal that ended it, if one did.
    pub signal: Option<Signal>,
    /// Visits that failed.
    pub failures: u64,
}

/// What has become of a case.
#[derive(Clone, Default)]
struct Fate {
    failures_in_a_row: u32,
    retired: bool,
}

/// A run that goes on.
pub struct Campaign<'a> {
    registry: &'a Registry,
    progress: &'a Progress,
    run: Run,
    usable_cpus: u32,
    dir: PathBuf,
    supervisor: Supervisor,
    forecast: Forecast,
    expected: Vec<(Case, Tally)>,
    session_start: Instant,
    session: u32,
    /// How long the run was stopped in all: no part of its time budget.
    suspended: Duration,
    fates: Vec<Fate>,
    failures: u64,
}

impl<'a> Campaign<'a> {
    /// Takes over this process and creates the results directory, which must
    /// not exist yet.
    ///
    /// # Errors
    /// Where the system refuses. Nothing is left behind then.
    pub fn new(
        registry: &'a Registry,
        progress: &'a Progress,
        run: Run,
        dir: &Path,
    ) -> Result<Campaign<'a>, CampaignError> {
        if !is_entered() {
            return Err(CampaignError::NotEntered);
        }
        let supervisor = Supervisor::new().map_err(CampaignError::Supervise)?;
        create_dir(dir)?;
        Ok(Campaign {
            registry,
            progress,
            usable_cpus: run.machine.usable_cpus.unwrap_or(1),
            fates: vec![Fate::default(); run.plan.cases.len()],
            run,
            dir: dir.to_path_buf(),
            supervisor,
            forecast: Forecast::default(),
            expected: Vec::new(),
            session_start: Instant::now(),
            session: 0,
            suspended: Duration::ZERO,
            failures: 0,
        })
    }

    /// Calibrates, then measures round by round. Afterwards the directory holds
    /// `samples.csv` and `run.json`.
    ///
    /// # Errors
    /// If it cannot begin (then the directory is removed again), or the disk
    /// refuses a row (then every whole visit is kept).
    pub fn measure(mut self, draws: &Draws, budget: Budget) -> Result<Outcome, CampaignError> {
        let samples = self.dir.join(SAMPLES_FILE);
        let path = samples.clone();
        let opened = self.prepare(draws, budget).and_then(|()| {
            Writer::create(&samples).map_err(|source| CampaignError::Begin { path, source })
        });
        let mut writer = match opened {
            Ok(writer) => writer,
            Err(error) => {
                // Nothing was measured, so there is nothing to keep.
                let _ = std::fs::remove_dir_all(&self.dir);
                return Err(error);
            }
        };
        self.progress.begin(self.visits_planned());
        let measured = self.rounds(&mut writer);
        self.progress.end();
        let (stop_reason, signal) = match &measured {
            Ok((reason, signal)) => (*reason, *signal),
            Err(_) => (StopReason::Interrupted, None),
        };
        if let Some(session) = self.run.sessions.last_mut() {
            session.end = Some(now_utc());
            session.stop_reason = Some(stop_reason);
        }
        let refused = |path, source| CampaignError::Write { path, source };
        let closed = self.run.write(&self.dir);
        measured.map_err(|source| refused(samples, source))?;
        closed.map_err(|source| refused(self.dir.join(RUN_FILE), source))?;
        Ok(Outcome { stop_reason, signal, failures: self.failures })
    }

    /// Everything before the first visit; at its end `run.json` is there.
    fn prepare(&mut self, draws: &Draws, budget: Budget) -> Result<(), CampaignError> {
        self.calibrate(draws)?;
        self.find_expected()?;
        let stopping = &self.run.plan.stopping;
        let forecast = self.forecast.rounds_ns(&self.run.plan, stopping.rounds);
        if budget == Budget::Forecast {
            let budget = calibrate::duration(BUDGET_FACTOR * forecast);
            let budget = budget.clamp(*BUDGET.start(), *BUDGET.end());
            self.run.plan.stopping.time_budget_ns = Some(budget.as_nanos() as u64);
        }
        self.announce(forecast);
        self.session_start = Instant::now();
        self.run.sessions.push(Session {
            start: now_utc(),
            build: self.run.build.clone(),
            ..Session::default()
        });
        let path = self.dir.join(RUN_FILE);
        self.run.write(&self.dir).map_err(|source| CampaignError::Begin { path, source })
    }

    /// Says what will happen, and how long it will take.
    fn announce(&self, forecast_ns: f64) {
        let plan = &self.run.plan;
        let budget = match plan.stopping.time_budget_ns {
            Some(ns) if forecast_ns > ns as f64 => {
                format!(", of which the time budget allows {:.0} s", ns as f64 / 1e9)
            }
            Some(ns) => format!(", at most {:.0} s", ns as f64 / 1e9),
            None => String::new(),
        };
        let runners =
            if plan.runners.is_empty() { "" } else { ", if other runners are as fast as ours" };
        self.progress.note(&format!(
            "{} cases, {} rounds: about {:.0} s{budget}{runners}",
            plan.cases.len(),
            plan.stopping.rounds,
            (forecast_ns / 1e9).ceil(),
        ));
    }

    /// Visits of the whole run, if no case is retired.
    fn visits_planned(&self) -> u64 {
        let rounds = self.run.plan.stopping.rounds;
        let visits = |round| round_order(&self.run.plan, round).iter().map(Vec::len).sum::<usize>();
        u64::from(rounds) * visits(0) as u64
    }

    /// Round after round, until the rounds, the time or somebody's patience end.
    fn rounds(&mut self, writer: &mut Writer) -> io::Result<(StopReason, Option<Signal>)> {
        let rounds = self.run.plan.stopping.rounds;
        let mut position = Position { session: self.session, ..Position::default() };
        for round in 0..rounds {
            position.round = round;
            for (group, visits) in (0..).zip(round_order(&self.run.plan, round)) {
                position.group = group;
                for index in visits {
                    if let Some(signal) = self.supervisor.interrupted() {
                        return Ok((StopReason::Interrupted, Some(signal)));
                    }
                    if self.is_time_up() {
                        return Ok((StopReason::Budget, None));
                    }
                    if !self.fates[index].retired {
                        let case = &self.run.plan.cases[index];
                        self.progress.visiting(round, rounds, case);
                        if let Err(Interrupted(signal)) = self.visit(index, position, writer)? {
                            return Ok((StopReason::Interrupted, Some(signal)));
                        }
                    }
                    self.progress.visited();
                    position.visit += 1;
                }
            }
            self.progress.round_ended(round, rounds);
        }
        Ok((StopReason::Rounds, None))
    }

    fn is_time_up(&self) -> bool {
        let budget = self.run.plan.stopping.time_budget_ns.map(Duration::from_nanos);
        budget.is_some_and(|budget| self.session_start.elapsed() >= budget + self.suspended)
    }

    /// One visit, written down when it is over: nothing touches the disk while
    /// a call is timed.
    fn visit(
        &mut self,
        index: usize,
        position: Position,
        writer: &mut Writer,
    ) -> io::Result<Result<(), Interrupted>> {
        let plan = &self.run.plan;
        let case = plan.cases[index].clone();
        let truth = self.expected.iter().find(|(job, _)| job.same_job(&case));
        let (Some((_, tally)), Ok(kernel)) = (truth, self.kernel_of(&case)) else {
            return Err(io::Error::other("the plan has a case without a job"));
        };
        let errand = Errand {
            case: &case,
            truth: Truth { kernel, tally: Some(*tally) },
            warmup: plan.warmup,
            iterations: plan.iterations,
            timeout: self.forecast.timeout(plan, &case),
            form: Form::Fastest,
        };
        match self.send(&errand, position) {
            Ok(visited) => {
                writer.append(&visited.rows)?;
                self.judge(index, position.round, visited.problem);
                Ok(Ok(()))
            }
            Err(interrupted) => Ok(Err(interrupted)),
        }
    }

    /// Remembers whether a visit failed, and retires a case that fails again
    /// and again.
    fn judge(&mut self, index: usize, round: u32, problem: Option<String>) {
        let fate = &mut self.fates[index];
        let Some(error) = problem else {
            fate.failures_in_a_row = 0;
            return;
        };
        self.failures += 1;
        fate.failures_in_a_row += 1;
        fate.retired = fate.failures_in_a_row >= FAILURES_TO_RETIRE;
        let case = &self.run.plan.cases[index];
        let then =
            if fate.retired { "; it failed twice in a row and is not visited again" } else { "" };
        let who = format!("{}, n = {}", case.title(), case.nthread);
        self.progress.problem(&format!("round {}: {who}: {error}{then}", round + 1));
        if fate.retired
            && let Some(session) = self.run.sessions.last_mut()
        {
            session.retired.push(Retired { case: index, round, error });
        }
    }

    /// Sends a runner on an errand; again, if the run was stopped meanwhile.
    fn send(&mut self, errand: &Errand<'_>, position: Position) -> Result<Visited, Interrupted> {
        loop {
            let clerk =
                Clerk { session_start: self.session_start, position, progress: self.progress };
            match visit::visit(&mut self.supervisor, self.registry, errand, clerk) {
                Ok(visited) => return Ok(visited),
                Err(CutShort::Interrupted(signal)) => return Err(Interrupted(signal)),
                Err(CutShort::Suspended(time)) => {
                    self.suspended += time;
                    let (who, n) = (&errand.case.backend, errand.case.nthread);
                    self.progress.problem(&format!(
                        "stopped for {:.1} s during {who}, n = {n}: that visit is made again",
                        time.as_secs_f64()
                    ));
                }
            }
        }
    }

    fn kernel_of(&self, case: &Case) -> Result<&'static dyn Kernel, CampaignError> {
        let kernel = self.registry.kernel(&case.kernel);
        kernel.ok_or_else(|| CampaignError::NoKernel(case.kernel.clone()))
    }
}

/// Creates the results directory, and its parents where they are missing.
fn create_dir(dir: &Path) -> Result<(), CampaignError> {
    let refused = |source| CampaignError::Out { path: dir.to_path_buf(), source };
    let parents = dir.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty());
    let missing: Vec<&Path> = parents.take_while(|parent| !parent.exists()).collect();
    let created = missing.first().map_or(Ok(()), std::fs::create_dir_all);
    created.and_then(|()| std::fs::create_dir(dir)).map_err(|source| {
        // Only those that were missing; one that somebody filled meanwhile stays.
        missing.iter().for_each(|parent| drop(std::fs::remove_dir(parent)));
        refused(source)
    })
}

/// The time, UTC, RFC 3339, to the second.
fn now_utc() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
