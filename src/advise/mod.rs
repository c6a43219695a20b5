//! Choice of the number of threads of a program: a race of candidates in interleaved rounds.
//!
//! Each round runs every remaining candidate once, the first from the largest count down, the
//! later ones in random order. From round 3 on the regrets are bounded ([`crate::stats`]): a
//! candidate that is slower than the best by more than the margin leaves, and the race is
//! decided when the smallest remaining count is within it. The race is a pure function of a
//! [`TimedProgram`], so that simulations with known times can judge it.

mod recommendation;

pub use recommendation::{Candidate, Doubt, Estimate, Recommendation};

use std::time::Duration;

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::stats::{LogDifference, PairedComparison, Regret, median, median_interval};

/// Rounds after which the bounds are looked at. The gaps grow, since a look costs certainty.
const LOOKS: [usize; 12] = [3, 4, 5, 6, 8, 10, 12, 15, 18, 21, 25, 30];

/// Error rate of one look. The twelve looks together fail in at most 5% of races, by
/// simulation of candidates exactly at the margin (docs/CALIBRATION.md); by the union bound
/// alone it would be 9%, but looks at the same rounds are not independent.
const LOOK_ERROR_RATE: f64 = 0.0075;

/// Rounds from which the median, too, must not contradict a decision: the bounds are of the
/// mean, which a few slow runs can move.
const SIGN_ROUNDS: usize = 20;

/// Confidence of the interval of a speedup.
const CONFIDENCE: f64 = 0.95;

/// A run is stopped at this multiple of the slowest run of the fastest candidate.
const STOP_FACTOR: u32 = 3;

/// Stopped runs after which a candidate leaves. One may have been disturbed.
const MAX_STOPS: u32 = 2;

/// Time that the runs of one candidate in one round take at least, and their largest number:
/// the mean of several short runs varies less.
const SHORT_ROUND: (Duration, u32) = (Duration::from_millis(100), 10);

/// Ratio of the first run to later ones of the same count from which the program seems to keep
/// its result.
const KEPT_RESULT_RATIO: f64 = 10.0;

/// A program that can be timed at any thread count.
pub trait TimedProgram {
    /// Error of a failed run.
    type Error;

    /// Times one run with this number of threads, and stops it at the limit, if there is one.
    ///
    /// # Errors
    /// If the run fails.
    fn time(&mut self, nthread: u32, limit: Option<Duration>) -> Result<RunTime, Self::Error>;
}

/// Times of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunTime {
    /// Wall time.
    pub wall: Duration,
    /// CPU time of all its processes; `None` if unknown.
    pub cpu: Option<Duration>,
    /// True if the run was stopped at its limit, so that its wall time is a lower bound.
    pub is_stopped: bool,
}

/// Goal of the choice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// The smallest count whose time exceeds the best by at most this share.
    Within(f64),
    /// The largest count with at least this efficiency: the speedup over the smallest count,
    /// divided by the ratio of the counts.
    Efficiency(f64),
}

/// Settings of a race.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Goal of the choice.
    pub goal: Goal,
    /// Runs of the largest count before the first round, which are not counted.
    pub warmup: u32,
    /// Time of all runs after which no further one begins; `None` for no limit.
    pub time_budget: Option<Duration>,
    /// True if runs that take much longer than the fastest candidate are stopped.
    pub stop_slow_runs: bool,
    /// Seed of the order within rounds.
    pub seed: u64,
}

/// Races `candidates`, which are sorted and not empty, and recommends one.
///
/// # Errors
/// The first failed run.
pub fn race<P: TimedProgram>(
    program: &mut P,
    candidates: &[u32],
    settings: Settings,
) -> Result<Recommendation, P::Error> {
    let mut race = Race {
        program,
        settings,
        entries: candidates.iter().map(|nthread| Entry::new(*nthread)).collect(),
        total: Duration::ZERO,
        first_run: None,
        rng: Xoshiro256PlusPlus::seed_from_u64(settings.seed),
    };
    race.warm_up()?;
    let doubt = race.run_rounds()?;
    Ok(race.recommendation(doubt))
}

/// A candidate in the race.
struct Entry {
    nthread: u32,
    /// Logarithm of the mean time of a run in each round, in seconds.
    log_times: Vec<f64>,
    /// Slowest run.
    slowest: Duration,
    /// Number of counted runs.
    runs: u32,
    /// Wall time of these runs.
    wall: Duration,
    /// CPU time of these runs; `None` if it is unknown for some run.
    cpu: Option<Duration>,
    /// Number of rounds with a stopped run.
    stops: u32,
    /// False once the candidate has left the race.
    is_racing: bool,
}

impl Entry {
    fn new(nthread: u32) -> Entry {
        Entry {
            nthread,
            log_times: Vec::new(),
            slowest: Duration::ZERO,
            runs: 0,
            wall: Duration::ZERO,
            cpu: Some(Duration::ZERO),
            stops: 0,
            is_racing: true,
        }
    }

    fn median_log(&self) -> f64 {
        median(&self.log_times).unwrap_or(f64::INFINITY)
    }
}

/// State of a race. Candidates are given as indices into the entries.
struct Race<'a, P> {
    program: &'a mut P,
    settings: Settings,
    entries: Vec<Entry>,
    /// Time of all runs.
    total: Duration,
    /// First run of all: its count and time.
    first_run: Option<(usize, Duration)>,
    rng: Xoshiro256PlusPlus,
}

impl<P: TimedProgram> Race<'_, P> {
    /// Runs the largest count without counting it: the first run reads files that later ones
    /// find in memory.
    fn warm_up(&mut self) -> Result<(), P::Error> {
        let largest = self.entries.len() - 1;
        for _ in 0..self.settings.warmup {
            self.run_once(largest, None)?;
        }
        Ok(())
    }

    /// Runs rounds until the race is decided, or the reason why it is not.
    fn run_rounds(&mut self) -> Result<Option<Doubt>, P::Error> {
        // A single candidate has nothing to be compared with.
        let last = if self.entries.len() == 1 { 1 } else { LOOKS[LOOKS.len() - 1] };
        for round in 1..=last {
            if !self.run_round(round)? {
                return Ok(Some(Doubt::TimeBudget));
            }
            if self.keeps_its_result() {
                return Ok(Some(Doubt::KeptResult));
            }
            if LOOKS.contains(&round) && self.is_decided(round) {
                return Ok(None);
            }
        }
        Ok((self.entries.len() > 1).then_some(Doubt::Noise))
    }

    /// Runs each remaining candidate once. False if the time budget ended before the round did.
    fn run_round(&mut self, round: usize) -> Result<bool, P::Error> {
        let mut order: Vec<usize> = self.racing().collect();
        match round {
            // The largest count first: it is seldom the slowest, so that hopeless small counts
            // are stopped early.
            1 => order.reverse(),
            _ => order.shuffle(&mut self.rng),
        }
        for at in order {
            if self.settings.time_budget.is_some_and(|budget| self.total >= budget) {
                // Rounds are compared whole.
                self.entries.iter_mut().for_each(|entry| entry.log_times.truncate(round - 1));
                return Ok(false);
            }
            self.visit(at)?;
        }
        Ok(true)
    }

    /// Runs a candidate in one round: once, or several times if its runs are short.
    fn visit(&mut self, at: usize) -> Result<(), P::Error> {
        let limit = self.limit(at);
        let (min_time, max_runs) = SHORT_ROUND;
        let (mut sum, mut runs, mut is_stopped) = (Duration::ZERO, 0, false);
        while runs == 0 || (runs < max_runs && sum < min_time && !is_stopped) {
            let run = self.run_once(at, limit)?;
            (sum, runs, is_stopped) = (sum + run.wall, runs + 1, run.is_stopped);
            let entry = &mut self.entries[at];
            entry.slowest = entry.slowest.max(run.wall);
            entry.cpu = entry.cpu.zip(run.cpu).map(|(sum, cpu)| sum + cpu);
        }
        let entry = &mut self.entries[at];
        entry.runs += runs;
        entry.wall += sum;
        let mean = sum / runs;
        // A stopped run lasted at least this long: a lower bound of its time.
        entry.log_times.push(mean.as_secs_f64().max(1e-9).ln());
        entry.stops += u32::from(is_stopped);
        entry.is_racing &= entry.stops < MAX_STOPS;
        Ok(())
    }

    fn run_once(&mut self, at: usize, limit: Option<Duration>) -> Result<RunTime, P::Error> {
        let time = self.program.time(self.entries[at].nthread, limit)?;
        self.total += time.wall;
        self.first_run.get_or_insert((at, time.wall));
        Ok(time)
    }

    /// Time at which a run is stopped; `None` for the fastest candidate itself, and for the
    /// reference of efficiencies.
    fn limit(&self, at: usize) -> Option<Duration> {
        let is_reference = at == 0 && matches!(self.settings.goal, Goal::Efficiency(_));
        if !self.settings.stop_slow_runs || is_reference {
            return None;
        }
        let measured = self.racing().filter(|at| !self.entries[*at].log_times.is_empty());
        let leader = measured.min_by(|one, other| {
            self.entries[*one].median_log().total_cmp(&self.entries[*other].median_log())
        })?;
        (leader != at).then(|| self.entries[leader].slowest * STOP_FACTOR)
    }

    /// Remaining candidates, the smallest first.
    fn racing(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.entries.len()).filter(|at| self.entries[*at].is_racing)
    }

    /// True if later runs of the first run's count are so much faster that the program seems
    /// to keep what it has computed.
    fn keeps_its_result(&self) -> bool {
        self.first_run.is_some_and(|(at, first)| {
            first.as_secs_f64() > KEPT_RESULT_RATIO * self.entries[at].median_log().exp()
        })
    }

    /// Looks at the bounds: removes candidates that miss the goal, and tells whether the race
    /// is decided.
    fn is_decided(&mut self, round: usize) -> bool {
        let racing: Vec<usize> = self.racing().collect();
        match self.settings.goal {
            Goal::Within(margin) => {
                let Some(regrets) = self.regrets(&racing) else { return false };
                for (at, regret) in racing.iter().zip(&regrets) {
                    self.entries[*at].is_racing = regret.low <= margin;
                }
                // The bounds of those that remain do not change: none of those that left was
                // the fastest.
                let smallest =
                    racing.iter().zip(&regrets).find(|(at, _)| self.entries[**at].is_racing);
                smallest.is_some_and(|(at, regret)| {
                    regret.high <= margin && !self.median_contradicts(*at, margin, round)
                })
            }
            Goal::Efficiency(share) => self.is_efficiency_decided(share),
        }
    }

    /// Bounds of the regrets of these candidates.
    fn regrets(&self, candidates: &[usize]) -> Option<Vec<Regret>> {
        Some(self.comparison(candidates)?.regrets(LOOK_ERROR_RATE))
    }

    /// Comparison of candidates over the rounds that all of them have.
    fn comparison(&self, candidates: &[usize]) -> Option<PairedComparison> {
        let logs = candidates.iter().map(|at| &self.entries[*at].log_times);
        let rounds = logs.clone().map(Vec::len).min()?;
        PairedComparison::of(&logs.map(|logs| &logs[..rounds]).collect::<Vec<_>>())
    }

    /// True if the interval of the median shows that some candidate is faster by more than the
    /// margin.
    fn median_contradicts(&self, at: usize, margin: f64, round: usize) -> bool {
        round >= SIGN_ROUNDS
            && self.racing().filter(|other| *other != at).any(|other| {
                let pairs = self.entries[at].log_times.iter().zip(&self.entries[other].log_times);
                let differences: Vec<f64> = pairs.map(|(one, other)| one - other).collect();
                median_interval(&differences, CONFIDENCE)
                    .is_some_and(|interval| interval.low > margin.ln_1p())
            })
    }

    /// Removes counts that miss the efficiency, the largest first, and tells whether the
    /// largest of the others meets it. The smallest count is the reference and stays.
    fn is_efficiency_decided(&mut self, share: f64) -> bool {
        for at in (1..self.entries.len()).rev() {
            if !self.entries[at].is_racing {
                continue;
            }
            match self.efficiency(at) {
                Some(efficiency) if efficiency.low >= share => return true,
                Some(efficiency) if efficiency.high < share => self.entries[at].is_racing = false,
                _ => return false,
            }
        }
        true
    }

    /// Efficiency of a candidate relative to the smallest count, with bounds.
    fn efficiency(&self, at: usize) -> Option<Estimate> {
        let threads = f64::from(self.entries[at].nthread) / f64::from(self.entries[0].nthread);
        let LogDifference { mean, half_width } =
            self.comparison(&[0, at])?.difference(0, 1, LOOK_ERROR_RATE);
        Some(Estimate::from_logs(mean, half_width).scaled(1.0 / threads))
    }

    /// Recommendation after the race; `doubt` is the reason why it is not decided.
    fn recommendation(&self, doubt: Option<Doubt>) -> Recommendation {
        let racing: Vec<usize> = self.racing().collect();
        let regrets = self.regrets(&racing);
        let chosen = match self.settings.goal {
            Goal::Within(_) => self.least_bound(&racing, regrets.as_deref(), doubt.is_none()),
            Goal::Efficiency(share) => self.largest_efficient(share, doubt.is_none()),
        };
        let bound = racing.iter().zip(regrets.iter().flatten()).find(|(at, _)| **at == chosen);
        Recommendation {
            nthread: self.entries[chosen].nthread,
            goal: self.settings.goal,
            doubt,
            bound: bound.map(|(_, regret)| regret.high),
            speedup: self.speedup(0, chosen),
            efficiency: self.efficiency(chosen),
            candidates: (0..self.entries.len()).map(|at| self.candidate(at, chosen)).collect(),
            rounds: self.entries.iter().map(|entry| entry.log_times.len()).max().unwrap_or(0),
            total: self.total,
            first_run: self.first_run.filter(|_| self.settings.warmup > 0).map(|(_, time)| time),
            others_cpus: None,
        }
    }

    /// The smallest remaining count of a decided race; else the one with the smallest bound,
    /// or without bounds the fastest.
    fn least_bound(&self, racing: &[usize], regrets: Option<&[Regret]>, is_decided: bool) -> usize {
        let smallest = racing.first().copied().unwrap_or(0);
        if is_decided {
            return smallest;
        }
        let score = |place: usize| match regrets {
            Some(regrets) => regrets[place].high,
            None => self.entries[racing[place]].median_log(),
        };
        let best = (0..racing.len()).min_by(|one, other| score(*one).total_cmp(&score(*other)));
        best.map_or(smallest, |place| racing[place])
    }

    /// The largest remaining count of a decided race; else the largest with an estimate that
    /// meets the efficiency.
    fn largest_efficient(&self, share: f64, is_decided: bool) -> usize {
        let meets = |at: &usize| {
            is_decided || self.efficiency(*at).is_some_and(|efficiency| efficiency.value >= share)
        };
        self.racing().filter(meets).last().unwrap_or(0)
    }

    /// Speedup of a candidate over another.
    fn speedup(&self, from: usize, to: usize) -> Option<Estimate> {
        let comparison = self.comparison(&[from, to]).filter(|_| from != to)?;
        // One-sided on each side: together the level of the interval.
        let difference = comparison.difference(0, 1, (1.0 - CONFIDENCE) / 2.0);
        Some(Estimate::from_logs(difference.mean, difference.half_width))
    }

    fn candidate(&self, at: usize, chosen: usize) -> Candidate {
        let entry = &self.entries[at];
        Candidate {
            nthread: entry.nthread,
            runs: entry.runs,
            median: median(&entry.log_times).map(|log| Duration::from_secs_f64(log.exp())),
            // How much more or less time it takes than the chosen count.
            relative_time: self.speedup(at, chosen),
            cpu_time: entry.cpu.filter(|_| entry.runs > 0).map(|cpu| cpu / entry.runs),
            cpus_used: entry
                .cpu
                .map(|cpu| cpu.as_secs_f64() / entry.wall.as_secs_f64())
                .filter(|cpus| cpus.is_finite()),
            is_open: entry.is_racing,
            is_stopped: entry.stops > 0,
        }
    }
}

#[cfg(test)]
mod tests;
