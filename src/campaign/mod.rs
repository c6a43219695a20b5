//! Campaign: the rounds of visits of a run, each visit in a process of its own, checked
//! and recorded.
//!
//! The campaign computes no kernel. Before the first round it calibrates (`calibration`,
//! `runner_calibration`, `function_calibration`) and determines the expected tallies
//! (`references`). Then it goes through the rounds (`rounds`). The `executor` makes a visit
//! from its specification (`visit_spec`): the `supervisor` runs the process
//! (`runner_process`, `poll_loop`), the `row_builder` turns its events into rows
//! (`protocol_state`, `tally_check`, `output_check`). A failed visit is a row; a case that
//! fails twice in a row is retired; only a signal, a full disk or the end of the plan ends
//! the run. The `run_state` is updated after every visit, and can be rebuilt from the rows:
//! so an interrupted run can be resumed.

mod calibration;
mod dispersion;
mod error;
mod executor;
mod forecast;
mod function_calibration;
mod messages;
mod observer;
mod output_check;
mod poll_loop;
pub mod progress;
mod protocol_state;
mod references;
mod rounds;
mod row_builder;
mod run_state;
mod runner_calibration;
mod runner_process;
mod signals;
pub mod stopping;
#[cfg(feature = "program")]
mod stopwatch;
mod supervisor;
mod tally_check;
mod time_budget;
mod visit_result;
mod visit_spec;
mod warm_up;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::machine::clock::Clock;
use crate::machine::load;
use crate::plan::{Budget, Draws, round_order};
use crate::quantity::utc_now;
use crate::record::{RUN_FILE, Run, SAMPLES_FILE, Session, StopReason, Writer, read_rows};
use crate::registry::Registry;
use dispersion::DispersionTest;
pub use error::CampaignError;
use executor::Executor;
use forecast::Forecast;
use progress::Progress;
use references::reference_of;
use rounds::Rounds;
use run_state::RunState;
#[cfg(feature = "program")]
pub use stopwatch::Stopwatch;

/// Time for which the load of other programs is measured before the first visit.
const LOAD_TIME: Duration = Duration::from_millis(100);

/// Outcome of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Reason for which it stopped.
    pub stop_reason: StopReason,
    /// Signal that ended it, if one did.
    pub signal: Option<Signal>,
    /// Number of visits that failed, in all sessions.
    pub failures: u64,
}

/// Session of a run: the first, or a resumed one.
pub struct Campaign<'a> {
    executor: Executor<'a>,
    run: Run,
    dir: PathBuf,
    /// Number of the session.
    session: u32,
    forecast: Forecast,
    measures_warm_up: bool,
}

impl<'a> Campaign<'a> {
    /// Takes over this process and creates the results directory, which must not exist.
    ///
    /// # Errors
    /// If a system call fails. Nothing is left behind then.
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
        Ok(Campaign {
            executor: Executor::new(registry, progress)?,
            session: run.sessions.len() as u32,
            forecast: Forecast::new(run.machine.usable_cpus.unwrap_or(1)),
            run,
            dir: dir.to_path_buf(),
            measures_warm_up: true,
        })
    }

    /// Replaces the system's clock.
    #[must_use]
    pub fn with_clock(mut self, clock: &'a dyn Clock) -> Campaign<'a> {
        self.executor.set_clock(clock);
        self
    }

    /// Skips the visits that measure the warm-up of each backend before the first round,
    /// which would take long in a series of short campaigns.
    #[must_use]
    pub fn without_warm_up(mut self) -> Campaign<'a> {
        self.measures_warm_up = false;
        self
    }

    /// Calibrates, then measures round by round. Afterwards the directory holds
    /// `samples.csv` and `run.json`.
    ///
    /// # Errors
    /// If it cannot begin (then the directory is removed again), or a row cannot be
    /// written (then every complete visit is kept).
    pub fn measure(mut self, draws: &Draws, budget: Budget) -> Result<Outcome, CampaignError> {
        let begun = self.prepare(draws, budget).and_then(|()| {
            let samples = self.dir.join(SAMPLES_FILE);
            Writer::create(&samples).map_err(|source| self.begin_error(SAMPLES_FILE, source))
        });
        match begun {
            Ok(writer) => {
                let state = RunState::new(&self.run.plan);
                let dispersion = DispersionTest::new(&self.run.plan);
                self.run_session(writer, state, dispersion, Duration::ZERO)
            }
            Err(error) => {
                // Nothing was measured, so there is nothing to keep.
                let _ = std::fs::remove_dir_all(&self.dir);
                Err(error)
            }
        }
    }

    /// Continues an interrupted run in a new session, which records the differences that
    /// `--force` has allowed. Plan, draws and order are the same. An incomplete
    /// group is measured again.
    ///
    /// # Errors
    /// If its files are invalid, or cannot be written.
    pub fn resume(
        registry: &'a Registry,
        progress: &'a Progress,
        run: Run,
        dir: &Path,
        session: Session,
    ) -> Result<Outcome, CampaignError> {
        let mut campaign = Campaign::take_over(registry, progress, run, dir)?;
        let samples = dir.join(SAMPLES_FILE);
        let resume_error = |source| CampaignError::Resume(dir.to_path_buf(), source);
        let writer = Writer::reopen(&samples).map_err(|error| resume_error(error.into()))?;
        // The writer holds a lock. Another session may have run before it was taken, so
        // run.json is read again.
        if Run::read(dir).map_err(resume_error)? != campaign.run {
            return Err(resume_error(anyhow::anyhow!(
                "another process has just resumed it: try again"
            )));
        }
        let rows = read_rows(&samples).map_err(|error| resume_error(error.into()))?;
        let plan = &campaign.run.plan;
        let has_kernels = plan.target.is_kernel();
        if has_kernels && plan.cases.iter().any(|case| reference_of(plan, registry, case).is_none())
        {
            return Err(CampaignError::MissingReference);
        }
        // The rows may hold a session that run.json does not know: no number is used twice.
        let sessions = rows.iter().map(|row| row.session.saturating_add(1));
        campaign.session = sessions.max().unwrap_or(0).max(campaign.session);
        let state = RunState::after(&rows, plan);
        let dispersion = DispersionTest::after(&rows, plan);
        if has_kernels {
            campaign.calibrate(&Draws::default())?;
        }
        campaign
            .begin_session(Session { start: utc_now(), ..session })
            .map_err(|source| CampaignError::Write(dir.join(RUN_FILE), source))?;
        let used_time = time_budget::used_by_sessions(&rows);
        campaign.run_session(writer, state, dispersion, used_time)
    }

    fn calibrate(&mut self, draws: &Draws) -> Result<(), CampaignError> {
        calibration::calibrate(&mut self.executor, &mut self.run.plan, &mut self.forecast, draws)
    }

    /// Calibrates, sets the time budget, and writes `run.json`: everything before the first
    /// visit.
    fn prepare(&mut self, draws: &Draws, budget: Budget) -> Result<(), CampaignError> {
        if self.run.plan.target.is_kernel() {
            self.calibrate(draws)?;
            let plan = &mut self.run.plan;
            references::compute_references(&mut self.executor, plan, &self.forecast)?;
            self.set_budget_from_forecast(budget);
        } else {
            if self.run.plan.target.is_function() {
                let plan = &mut self.run.plan;
                function_calibration::calibrate(&mut self.executor, plan, &mut self.forecast)?;
            }
            self.executor.progress.note(&messages::without_forecast(&self.run.plan));
        }
        let (build, command) = (self.run.build.clone(), self.run.command.clone());
        let session = Session { start: utc_now(), build, command, ..Session::default() };
        self.begin_session(session).map_err(|source| self.begin_error(RUN_FILE, source))
    }

    /// Sets the time budget by the forecast, if it is not given, and announces both.
    fn set_budget_from_forecast(&mut self, budget: Budget) {
        let stopping = &self.run.plan.stopping;
        // A run that ends by its precision is forecast up to its first look.
        let rounds = stopping.precision.map_or(stopping.rounds, |_| stopping::LOOKS[0]);
        let warm_up_cases = self.warm_up_cases();
        let forecast_ns = self.forecast.rounds_ns(&self.run.plan, rounds)
            + warm_up::forecast_ns(&self.run.plan, &self.forecast, &warm_up_cases);
        if budget == Budget::Forecast {
            let budget = time_budget::from_forecast(forecast_ns);
            self.run.plan.stopping.time_budget_ns = Some(budget.as_nanos() as u64);
        }
        let progress = self.executor.progress;
        for note in runner_calibration::notes(&self.run.plan, &self.forecast) {
            progress.note(&note);
        }
        progress.note(&messages::forecast(&self.run.plan, forecast_ns, rounds));
    }

    fn warm_up_cases(&self) -> Vec<usize> {
        match self.measures_warm_up {
            true => warm_up::cases(&self.run.plan, self.executor.registry, &self.forecast),
            false => Vec::new(),
        }
    }

    /// Starts the clock of the session, and records the session in `run.json`.
    fn begin_session(&mut self, session: Session) -> io::Result<()> {
        let other_load_cpus = load::busy_cpus(LOAD_TIME);
        self.executor.start_session();
        let cpu_pressure_percent = load::cpu_pressure_percent(Path::new("/"));
        self.run.sessions.push(Session { other_load_cpus, cpu_pressure_percent, ..session });
        self.run.write(&self.dir)
    }

    fn begin_error(&self, file: &str, source: io::Error) -> CampaignError {
        CampaignError::Begin(self.dir.join(file), source)
    }

    /// Runs the remaining rounds, and records the end of the session.
    fn run_session(
        mut self,
        writer: Writer,
        state: RunState,
        dispersion: DispersionTest,
        used_time: Duration,
    ) -> Result<Outcome, CampaignError> {
        let warm_up_cases = self.warm_up_cases();
        let progress = self.executor.progress;
        let visits = visits_left(&self.run, &state);
        let mut rounds = Rounds {
            executor: &mut self.executor,
            run: &mut self.run,
            session: self.session,
            dir: &self.dir,
            writer,
            forecast: &self.forecast,
            state,
            dispersion,
            used_time,
            longest_group: None,
        };
        progress.begin(visits, rounds.time_left());
        let end = rounds.run(&warm_up_cases);
        progress.end();
        let state = rounds.state;
        let (stop_reason, signal) = match &end {
            Ok(end) => (end.reason, end.signal),
            Err(_) => (StopReason::Interrupted, None),
        };
        if let Some(session) = self.run.sessions.last_mut() {
            session.end = Some(utc_now());
            session.stop_reason = Some(stop_reason);
            session.precision_reached = state.widest_interval().and_then(|(_, width)| width);
        }
        // run.json is written in any case; the error of the rows comes first.
        let written = self.run.write(&self.dir);
        let write_error = |file, source| CampaignError::Write(self.dir.join(file), source);
        end.map_err(|source| write_error(SAMPLES_FILE, source))?;
        written.map_err(|source| write_error(RUN_FILE, source))?;
        Ok(Outcome { stop_reason, signal, failures: state.failures() })
    }
}

/// Number of visits that are left, if no case is retired.
fn visits_left(run: &Run, state: &RunState) -> u64 {
    let visits = round_order(&run.plan, 0).iter().map(Vec::len).sum::<usize>();
    u64::from(run.plan.stopping.rounds.saturating_sub(state.next.0)) * visits as u64
}

/// Creates the results directory, and its missing parents.
fn create_dir(dir: &Path) -> Result<(), CampaignError> {
    let parents = dir.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty());
    let missing: Vec<&Path> = parents.take_while(|parent| !parent.exists()).collect();
    let created = missing.first().map_or(Ok(()), std::fs::create_dir_all);
    created.and_then(|()| std::fs::create_dir(dir)).map_err(|source| {
        // Removes only the parents that were missing, and none that is not empty.
        missing.iter().for_each(|parent| drop(std::fs::remove_dir(parent)));
        CampaignError::CreateDir(dir.to_path_buf(), source)
    })
}
