//! Results directories that nobody measured.

use std::fs;
use std::path::Path;

use nthread::record::{
    COMMAND, Case, CommandPlan, ExpectedTally, Phase, PlannedCommand, Row, Run, Session,
    StopReason, Target, Writer,
};

/// What its cases are like.
pub struct Synthetic {
    /// Names of the backends, besides the baseline.
    pub backends: Vec<String>,
    /// Command lines, instead of backends: the first is the baseline at its smallest
    /// count.
    pub commands: Vec<String>,
    /// Labels of their cases, by backend; what is missing is empty.
    pub labels: Vec<String>,
    /// Thread counts.
    pub counts: Vec<u32>,
    /// Threads inside each worker.
    pub inner: Vec<u32>,
    /// Draws of the jobs.
    pub draws: Vec<u64>,
    /// Rounds.
    pub rounds: u32,
    /// What every visit of the last case failed of, if it did.
    pub error: String,
    /// Model of the CPU.
    pub cpu_model: String,
}

impl Default for Synthetic {
    fn default() -> Synthetic {
        Synthetic {
            backends: vec!["rayon".to_string()],
            commands: Vec::new(),
            labels: Vec::new(),
            counts: vec![1, 2, 4],
            inner: vec![1],
            draws: vec![1 << 20],
            rounds: 8,
            error: String::new(),
            cpu_model: "A model of a machine".to_string(),
        }
    }
}

impl Synthetic {
    /// Writes `run.json` and `samples.csv`.
    pub fn write(&self, dir: &Path) {
        fs::create_dir_all(dir).expect("a directory");
        let cases = self.cases();
        self.run(&cases).write(dir).expect("run.json");
        let mut writer = Writer::create(&dir.join("samples.csv")).expect("samples.csv");
        for round in 0..self.rounds {
            let rows: Vec<Row> =
                (0..cases.len()).flat_map(|index| self.visit(&cases, index, round)).collect();
            writer.append(&rows).expect("a disk that takes it");
        }
    }

    fn cases(&self) -> Vec<Case> {
        if !self.commands.is_empty() {
            return self.commands.iter().flat_map(|label| self.cases_of_command(label)).collect();
        }
        let mut cases = Vec::new();
        for draws in &self.draws {
            let case = |backend: &str, nthread: u32, label: &str| Case {
                kernel: "pi".to_string(),
                backend: backend.to_string(),
                nthread,
                block: 1 << 14,
                draws: Some(*draws),
                scaling: "strong".to_string(),
                pin: "none".to_string(),
                inner_nthread: 1,
                label: label.to_string(),
                ..Case::default()
            };
            cases.push(case("sequential", 1, ""));
            for (index, backend) in self.backends.iter().enumerate() {
                let label = self.labels.get(index).map_or("", String::as_str);
                for &inner_nthread in &self.inner {
                    let at = |count: &u32| Case { inner_nthread, ..case(backend, *count, label) };
                    cases.extend(self.counts.iter().map(at));
                }
            }
        }
        cases
    }

    fn cases_of_command(&self, label: &str) -> Vec<Case> {
        let case = |nthread: &u32| Case {
            backend: COMMAND.to_string(),
            nthread: *nthread,
            inner_nthread: 1,
            scaling: "strong".to_string(),
            label: label.to_string(),
            ..Case::default()
        };
        self.counts.iter().map(case).collect()
    }

    /// What a plan of commands has beside its cases.
    fn plan_commands(&self, run: &mut Run) {
        let command = |label: &String| PlannedCommand {
            label: label.clone(),
            words: label.split(' ').map(str::to_string).collect(),
        };
        let list = self.commands.iter().map(command).collect();
        let environment = [("OMP_NUM_THREADS".to_string(), "{nthread}".to_string())].into();
        run.plan.commands = Some(CommandPlan { list, environment, ..CommandPlan::default() });
        (run.plan.target, run.plan.baseline) = (Target::Command, Some(0));
        run.plan.expected.clear();
    }

    fn run(&self, cases: &[Case]) -> Run {
        let mut run = Run::default();
        run.plan.cases = cases.to_vec();
        run.plan.nthread = self.counts.clone();
        run.plan.expected = self.draws.iter().map(|draws| expected(*draws)).collect();
        run.plan.stopping.rounds = self.rounds;
        run.machine.cpu_model = Some(self.cpu_model.clone());
        run.machine.usable_cpus = Some(32);
        run.build.opt_level = "3".to_string();
        if !self.commands.is_empty() {
            self.plan_commands(&mut run);
        }
        let stop_reason = Some(StopReason::Rounds);
        run.sessions = vec![Session { stop_reason, ..Session::default() }];
        run
    }

    /// The rows of a visit: a law of scaling, a different one for each backend, and noise.
    fn visit(&self, cases: &[Case], index: usize, round: u32) -> [Row; 2] {
        let case = &cases[index];
        let of_backend = match case.is_command() {
            true => self.commands.iter().position(|label| *label == case.label),
            false => self.backends.iter().position(|name| *name == case.backend),
        };
        let (n, number) = (f64::from(case.threads()), of_backend.unwrap_or(0) as f64);
        let (sigma, kappa) = (0.005 + 0.01 * number, 0.00004 * number);
        let speedup = n / (1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0));
        let draws = case.draws.unwrap_or(1 << 30);
        let start_ns = 20_000.0 * (1.0 + number) * f64::from(u8::from(of_backend.is_some()));
        let noise = 1.0 + 0.02 * noise(index as u64, u64::from(round));
        let wall_ns = (start_ns + draws as f64 * 0.5 / speedup) * noise;
        let group = case.draws.and_then(|it| self.draws.iter().position(|other| *other == it));
        let row = Row {
            schema: nthread::record::SCHEMA,
            version: "0.1.0".to_string(),
            round,
            group: group.unwrap_or(0) as u32,
            visit: u64::from(round) * cases.len() as u64 + index as u64,
            case: case.clone(),
            wall_ns: Some(wall_ns as u64),
            ..Row::default()
        };
        let call = Row {
            phase: Phase::Call,
            tally_draws: case.draws,
            tally_sum: case.draws.map(|draws| i128::from(draws / 2)),
            tally_sum_sq: case.draws.map(|draws| i128::from(draws / 2)),
            user_ns: case.is_command().then_some(wall_ns as u64),
            system_ns: case.is_command().then_some(1_000_000),
            max_rss_bytes: case.is_command().then_some(5 << 20),
            ..row.clone()
        };
        let fails = index + 1 == cases.len();
        let error = if fails { self.error.clone() } else { String::new() };
        [call, Row { phase: Phase::Visit, error, ..row }]
    }
}

fn expected(draws: u64) -> ExpectedTally {
    let half = i128::from(draws / 2);
    ExpectedTally {
        kernel: "pi".to_string(),
        block: 1 << 14,
        draws,
        sum: half,
        sum_sq: half,
        ..ExpectedTally::default()
    }
}

/// A number from −1 to 1 that looks like chance and is always the same.
fn noise(case: u64, round: u64) -> f64 {
    let mut bits = (case * 1_000_003 + round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits ^= bits >> 29;
    bits = bits.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits ^= bits >> 32;
    (bits >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}
