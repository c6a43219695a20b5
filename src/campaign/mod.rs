//! A run: rounds of visits, each in a process of its own, checked and written
//! down.
//!
//! The campaign computes no kernel. It decides who is next (`rounds`), sends a
//! runner (`visit`), hears it out (`supervise`, `conversation`), writes rows and
//! goes on. A visit that fails is a row; a case that fails twice in a row is
//! retired; only a signal, a full disk or the plan's end ends the run. How far
//! it has come is kept up visit by visit, and can be told from its rows again
//! (`standing`): so a run that was cut short can be resumed.

mod answer;
mod calibrate;
mod conversation;
mod errand;
mod functions;
mod hearing;
mod listen;
mod medians;
mod pace;
mod printed;
pub mod progress;
mod rounds;
mod signals;
mod spread;
mod standing;
pub mod stopping;
mod stopwatch;
mod supervise;
pub mod visit;
mod voice;
mod warm_up;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::kernel::{Kernel, Tally};
use crate::machine::clock::{self, Clock};
use crate::machine::interference::InterferenceMeter;
use crate::machine::{Places, load};
use crate::plan::{Budget, Draws, round_order};
use crate::quantity::pluralize;
use crate::record::{Case, RUN_FILE, Run, SAMPLES_FILE, Session, StopReason, Writer, read_rows};
use crate::registry::Registry;
use crate::runner::is_entered;
use answer::Truth;
use calibrate::Forecast;
use progress::Progress;
use spread::Spread;
use standing::Standing;
pub use stopwatch::Stopwatch;
use supervise::Supervisor;

/// Without `--time-budget`, a run may last so many times its forecast: enough
/// that a machine which slows down still finishes its rounds.
const BUDGET_FACTOR: f64 = 1.5;

/// And at least this long, and at most this long.
const BUDGET: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(600);

/// How long others are looked at before the first visit.
const LOAD_TIME: Duration = Duration::from_millis(100);

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
    /// A results directory cannot be gone on with.
    #[error("{} cannot be resumed", dir.display())]
    Resume {
        /// The directory.
        dir: PathBuf,
        /// What is wrong with it.
        source: anyhow::Error,
    },
    /// A file of an earlier session makes no sense.
    #[error("run.json: {0} makes no sense")]
    Recall(&'static str),
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
    /// A run of a command that is only timed failed.
    #[error("{what}: {problem}")]
    Command {
        /// The command and its count.
        what: String,
        /// What went wrong.
        problem: String,
    },
    /// A signal came while commands were only timed.
    #[error("interrupted by {0}: nothing can be advised")]
    Stopped(Signal),
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
    /// Visits that failed, in all sessions.
    pub failures: u64,
}

/// A run that goes on.
pub struct Campaign<'a> {
    registry: &'a Registry,
    progress: &'a Progress,
    run: Run,
    usable_cpus: u32,
    places: Places,
    dir: PathBuf,
    supervisor: Supervisor<'a>,
    meter: InterferenceMeter,
    tries_warm_up: bool,
    forecast: Forecast,
    expected: Vec<(Case, Tally)>,
    /// Answers so far, of runners with random numbers of their own.
    spread: Spread,
    session_start: Instant,
    session: u32,
    /// What earlier sessions spent of the time budget.
    spent: Duration,
    /// How long this session was stopped in all: no part of its time budget.
    suspended: Duration,
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
        let campaign = Campaign::take_over(registry, progress, run, dir)?;
        create_dir(dir)?;
        Ok(campaign)
    }

    fn take_over(
        registry: &'a Registry,
        progress: &'a Progress,
        run: Run,
        dir: &Path,
    ) -> Result<Campaign<'a>, CampaignError> {
        if !is_entered() {
            return Err(CampaignError::NotEntered);
        }
        let supervisor = Supervisor::new(&clock::System).map_err(CampaignError::Supervise)?;
        Ok(Campaign {
            registry,
            progress,
            usable_cpus: run.machine.usable_cpus.unwrap_or(1),
            session: run.sessions.len() as u32,
            places: Places::read(),
            spread: Spread::at_start(&run.plan),
            run,
            dir: dir.to_path_buf(),
            supervisor,
            meter: InterferenceMeter::new(),
            tries_warm_up: true,
            forecast: Forecast::default(),
            expected: Vec::new(),
            session_start: Instant::now(),
            spent: Duration::ZERO,
            suspended: Duration::ZERO,
            failures: 0,
        })
    }

    /// Times the visits by another clock than the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: &'a dyn Clock) -> Campaign<'a> {
        self.supervisor.clock = clock;
        self
    }

    /// Tries no backend before the first round for how long it warms up: for who
    /// makes many short campaigns and knows.
    pub fn without_warm_up(mut self) -> Campaign<'a> {
        self.tries_warm_up = false;
        self
    }

    /// Calibrates, then measures round by round. Afterwards the directory holds
    /// `samples.csv` and `run.json`.
    ///
    /// # Errors
    /// If it cannot begin (then the directory is removed again), or the disk
    /// refuses a row (then every whole visit is kept).
    pub fn measure(mut self, draws: &Draws, budget: Budget) -> Result<Outcome, CampaignError> {
        let samples = self.dir.join(SAMPLES_FILE);
        let opened = self.prepare(draws, budget).and_then(|()| {
            Writer::create(&samples).map_err(|source| self.cannot_begin(SAMPLES_FILE, source))
        });
        match opened {
            Ok(writer) => {
                let standing = Standing::at_start(&self.run.plan);
                self.go_on(writer, standing)
            }
            Err(error) => {
                // Nothing was measured, so there is nothing to keep.
                let _ = std::fs::remove_dir_all(&self.dir);
                Err(error)
            }
        }
    }

    /// Goes on with a run that was cut short, in a new session that differs in
    /// `forced` from those before: same plan, draws and order. The group that
    /// was not whole is measured again.
    ///
    /// # Errors
    /// If its files make no sense, or cannot be written.
    pub fn resume(
        registry: &'a Registry,
        progress: &'a Progress,
        run: Run,
        dir: &Path,
        session: Session,
    ) -> Result<Outcome, CampaignError> {
        let mut campaign = Campaign::take_over(registry, progress, run, dir)?;
        let samples = dir.join(SAMPLES_FILE);
        let odd = |source| CampaignError::Resume { dir: dir.to_path_buf(), source };
        let writer = Writer::reopen(&samples).map_err(|error| odd(error.into()))?;
        // Only now nobody else can write: what was read before may be old.
        if Run::read(dir).map_err(odd)? != campaign.run {
            return Err(odd(anyhow::anyhow!("somebody has just gone on with it: try again")));
        }
        let rows = read_rows(&samples).map_err(|error| odd(error.into()))?;
        campaign.recall_expected();
        let has_tallies = campaign.run.plan.target.is_kernel();
        if has_tallies
            && campaign.run.plan.cases.iter().any(|case| campaign.truth_of(case).is_none())
        {
            return Err(CampaignError::Recall("plan.expected"));
        }
        // Whatever run.json knows of: no two sessions have the same number.
        let sessions = rows.iter().map(|row| row.session.saturating_add(1));
        campaign.session = sessions.max().unwrap_or(0).max(campaign.session);
        let standing = Standing::after(&rows, &campaign.run.plan);
        campaign.failures = standing.failures();
        campaign.spread = Spread::after(&rows, &campaign.run.plan, |case| {
            campaign.truth_of(&campaign.run.plan.cases[case])?.tally
        });
        campaign.spent = calibrate::time_of_sessions(&rows);
        if has_tallies {
            campaign.calibrate(&Draws::Given(Vec::new()))?;
        }
        campaign
            .begin_session(Session { start: now_utc(), ..session })
            .map_err(|source| CampaignError::Write { path: dir.join(RUN_FILE), source })?;
        campaign.go_on(writer, standing)
    }

    /// Everything before the first visit; at its end `run.json` is there.
    fn prepare(&mut self, draws: &Draws, budget: Budget) -> Result<(), CampaignError> {
        if self.run.plan.target.is_kernel() {
            self.calibrate(draws)?;
            self.find_expected()?;
        }
        self.try_functions()?;
        let stopping = &self.run.plan.stopping;
        // A run that ends by its precision is forecast as far as its first look.
        let rounds = stopping.precision.map_or(stopping.rounds, |_| stopping::LOOKS[0]);
        let forecast = self.forecast.rounds_ns(&self.run.plan, rounds)
            + warm_up::forecast_ns(&self.run.plan, &self.forecast, &self.warm_up_cases());
        let is_forecast = self.run.plan.target.is_kernel();
        if budget == Budget::Forecast && is_forecast {
            let budget = calibrate::duration(BUDGET_FACTOR * forecast);
            let budget = budget.clamp(*BUDGET.start(), *BUDGET.end());
            self.run.plan.stopping.time_budget_ns = Some(budget.as_nanos() as u64);
        }
        match is_forecast {
            true => self.announce(forecast, rounds),
            false => self.announce_unknown(),
        }
        let (build, command) = (self.run.build.clone(), self.run.command.clone());
        let session = Session { start: now_utc(), build, command, ..Session::default() };
        self.begin_session(session).map_err(|source| self.cannot_begin(RUN_FILE, source))
    }

    /// From here on the clock of the session runs, and `run.json` knows of it.
    fn begin_session(&mut self, session: Session) -> io::Result<()> {
        let other_load_cpus = load::busy_cpus(LOAD_TIME);
        self.session_start = Instant::now();
        let cpu_pressure_percent = load::cpu_pressure_percent(Path::new("/"));
        self.run.sessions.push(Session { other_load_cpus, cpu_pressure_percent, ..session });
        self.run.write(&self.dir)
    }

    fn cannot_begin(&self, file: &str, source: io::Error) -> CampaignError {
        CampaignError::Begin { path: self.dir.join(file), source }
    }

    /// The rounds that are left, and the end of the session.
    fn go_on(
        mut self,
        mut writer: Writer,
        mut standing: Standing,
    ) -> Result<Outcome, CampaignError> {
        self.progress.begin(self.visits_left(&standing), self.time_left());
        let measured = self.rounds(&mut writer, &mut standing);
        self.progress.end();
        let (stop_reason, signal) = match &measured {
            Ok((reason, signal)) => (*reason, *signal),
            Err(_) => (StopReason::Interrupted, None),
        };
        if let Some(session) = self.run.sessions.last_mut() {
            session.end = Some(now_utc());
            session.stop_reason = Some(stop_reason);
            session.precision_reached = standing.least_known().and_then(|(_, width)| width);
        }
        let refused = |file, source| CampaignError::Write { path: self.dir.join(file), source };
        let closed = self.run.write(&self.dir);
        measured.map_err(|source| refused(SAMPLES_FILE, source))?;
        closed.map_err(|source| refused(RUN_FILE, source))?;
        Ok(Outcome { stop_reason, signal, failures: self.failures })
    }

    /// Says what will happen, and how long it will take.
    fn announce(&self, forecast_ns: f64, rounds: u32) {
        let plan = &self.run.plan;
        let budget = match plan.stopping.time_budget_ns {
            Some(ns) if forecast_ns > ns as f64 => {
                format!(", of which the time budget allows {:.0} s", ns as f64 / 1e9)
            }
            Some(ns) => format!(", at most {:.0} s", ns as f64 / 1e9),
            None => String::new(),
        };
        let rounds = match plan.stopping.precision {
            None => format!(", {}: about", pluralize(rounds, "round")),
            Some(share) => format!(
                " until every speedup is known to ±{}%: {rounds} rounds take about",
                100.0 * share
            ),
        };
        let (cases, seconds) = (pluralize(plan.cases.len(), "case"), (forecast_ns / 1e9).ceil());
        self.remarks_on_pace().iter().for_each(|remark| self.progress.note(remark));
        self.progress.note(&format!("{cases}{rounds} {seconds:.0} s{budget}"));
    }

    /// Visits that are left, if no case is retired.
    fn visits_left(&self, standing: &Standing) -> u64 {
        let visits = |round| round_order(&self.run.plan, round).iter().map(Vec::len).sum::<usize>();
        let rounds = self.run.plan.stopping.rounds.saturating_sub(standing.next.0);
        u64::from(rounds) * visits(0) as u64
    }

    /// What the jobs must return, and the kernel that says what it means.
    fn truth_of(&self, case: &Case) -> Option<Truth> {
        let (_, tally) = self.expected.iter().find(|(job, _)| job.same_job(case))?;
        Some(Truth { kernel: self.kernel_of(case).ok()?, tally: Some(*tally) })
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
