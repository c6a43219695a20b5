//! Tables of cases: columns, cells and rows, which each output lays out.

use serde::Serialize;

use super::job::{INDISTINGUISHABLE, JobView, OVERSUBSCRIBED};
use super::number::{TIME, Unit, digits, percent, signed_time, time_with_interval, with_interval};
use crate::analysis::CaseSummary;
use crate::stats::median;
use crate::visits::ResourceUsage;

use Column::*;

const MEBIBYTE: f64 = 1_048_576.0;

/// The text of a cell without a value.
const NONE: &str = "–";

/// A column of a table of cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The title of the case.
    Name,
    /// The schedule, and the blocks of a chunk.
    Schedule,
    Count,
    /// The thread count, and the counts that are indistinguishable from it.
    BestCount,
    /// The rounds that count.
    Rounds,
    /// The median time in the unit of the table.
    Time,
    /// The median time in the unit of the table, with its interval.
    TimeInterval,
    /// The median time in a unit of its own, with its interval.
    TimeOwnUnit,
    /// The mean time of a call.
    Mean,
    /// The 90th percentile of the time of a call.
    Percentile90,
    /// The speedup with its interval.
    Speedup,
    /// The speedup with its interval, marked if its series may be the fastest.
    MarkedSpeedup,
    /// The speedup over the same program at its smallest count.
    OwnSpeedup,
    /// The speedup over the same program at its smallest count, with its interval.
    OwnSpeedupInterval,
    /// The ratio to the program of the baseline at the same count, with its interval.
    EqualCountRatio,
    /// The pairs behind the speedup.
    Pairs,
    /// The speedup including the excluded pairs.
    AllPairs,
    Efficiency,
    /// The efficiency with its interval.
    EfficiencyInterval,
    /// The draws per nanosecond.
    Throughput,
    /// Membership in the set of the fastest, in words.
    Fastest,
    /// Membership in the set of the fastest, as a mark.
    FastestMark,
    Rank,
    /// The time to create the team.
    Setup,
    /// The CPU time that parallelism costs.
    Overhead,
    LoadBalance,
    /// The communication efficiency.
    Communication,
    /// The computation scaling.
    ComputationScaling,
    /// The serial fraction by Karp and Flatt.
    KarpFlatt,
    Failed,
    /// The user CPU time of a run.
    UserTime,
    /// The system CPU time of a run.
    SystemTime,
    /// The CPU time of a run in the unit of the table.
    CpuTime,
    /// The peak memory of a run.
    Memory,
}

/// The columns of the short table of a terminal.
pub const SHORT: [Column; 10] = [
    Name,
    Schedule,
    BestCount,
    Time,
    MarkedSpeedup,
    OwnSpeedup,
    Efficiency,
    CpuTime,
    Memory,
    Pairs,
];

/// The columns of Markdown.
pub const MARKDOWN: [Column; 9] = [
    Name,
    Schedule,
    Count,
    TimeInterval,
    Speedup,
    OwnSpeedupInterval,
    EqualCountRatio,
    Efficiency,
    Pairs,
];

/// The columns of the page.
pub const PAGE: [Column; 17] = [
    Name,
    Count,
    FastestMark,
    Speedup,
    OwnSpeedupInterval,
    EqualCountRatio,
    TimeInterval,
    Mean,
    Percentile90,
    EfficiencyInterval,
    Throughput,
    Pairs,
    CpuTime,
    Memory,
    Schedule,
    Rank,
    Failed,
];

/// The columns of the details.
pub const DETAILS: [Column; 26] = [
    Name,
    Schedule,
    Count,
    Rounds,
    TimeOwnUnit,
    Mean,
    Percentile90,
    Speedup,
    OwnSpeedupInterval,
    EqualCountRatio,
    Pairs,
    AllPairs,
    EfficiencyInterval,
    Throughput,
    Fastest,
    Rank,
    Setup,
    Overhead,
    LoadBalance,
    Communication,
    ComputationScaling,
    KarpFlatt,
    Failed,
    UserTime,
    SystemTime,
    Memory,
];

/// A table of cases.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// The columns and their headings.
    pub head: Vec<Head>,
    pub rows: Vec<Row>,
}

/// The head of a column.
#[derive(Clone, Debug, Serialize)]
pub struct Head {
    #[serde(skip)]
    pub column: Column,
    pub name: String,
    /// True if its cells are text, not figures.
    pub is_text: bool,
}

/// A row.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The index of the case.
    pub case: usize,
    pub cells: Vec<Cell>,
}

/// A cell: its text, and the value that it is sorted by.
#[derive(Clone, Debug, Serialize)]
pub struct Cell(pub String, pub Option<f64>);

impl Table {
    /// The table of `cases` of a job with those of `columns` that its target has. All times
    /// of the columns that say so are in `unit`.
    pub fn new(
        view: &JobView<'_>,
        cases: &[&CaseSummary],
        columns: &[Column],
        unit: Unit,
    ) -> Table {
        let columns = columns.iter().filter(|column| column.suits(view));
        let head: Vec<Head> = columns.map(|column| column.head(view, unit)).collect();
        let rows = cases.iter().map(|case| Row {
            case: case.index,
            cells: head.iter().map(|head| head.column.cell(view, case, unit)).collect(),
        });
        Table { rows: rows.collect(), head }
    }

    /// The table without the columns in which no row has a value.
    pub fn without_empty(self) -> Table {
        let is_kept: Vec<bool> = (0..self.head.len())
            .map(|column| {
                self.rows.iter().any(|row| !["", NONE].contains(&row.cells[column].0.as_str()))
            })
            .collect();
        self.keep(&is_kept)
    }

    /// The table without these columns.
    pub fn without(self, columns: &[Column]) -> Table {
        let is_kept: Vec<bool> =
            self.head.iter().map(|head| !columns.contains(&head.column)).collect();
        self.keep(&is_kept)
    }

    fn keep(mut self, is_kept: &[bool]) -> Table {
        fn kept<T>(cells: &mut Vec<T>, is_kept: &[bool]) {
            // `retain` goes through the columns in order, so the nth call is of the nth column.
            let mut column = 0..;
            cells.retain(|_| column.next().is_some_and(|column| is_kept[column]));
        }
        kept(&mut self.head, is_kept);
        self.rows.iter_mut().for_each(|row| kept(&mut row.cells, is_kept));
        self
    }

    /// The headings and the rows as text.
    pub fn texts(&self) -> Vec<Vec<String>> {
        let head = self.head.iter().map(|head| head.name.clone()).collect();
        let rows = self.rows.iter();
        let rows = rows.map(|row| row.cells.iter().map(|cell| cell.0.clone()).collect());
        std::iter::once(head).chain(rows).collect()
    }
}

impl Column {
    /// True if a target has the column: only kernels have chunks and draws; the costs of other
    /// targets are those of their processes.
    fn suits(self, view: &JobView<'_>) -> bool {
        match self {
            Schedule | Throughput => view.nouns.has_workers,
            UserTime | SystemTime | CpuTime | Memory => !view.nouns.has_workers,
            OwnSpeedup | OwnSpeedupInterval => view.has_own_scaling(),
            EqualCountRatio => view.job.cases.iter().any(|it| it.equal_count_ratio.is_some()),
            _ => true,
        }
    }

    fn head(self, view: &JobView<'_>, unit: Unit) -> Head {
        let name = match self {
            Name => view.nouns.one,
            Schedule => "schedule chunk",
            Count => "n",
            BestCount if view.has_inner => "best n × inner",
            BestCount => "best n",
            Rounds => "rounds",
            Time => &format!("time {}", unit.name),
            TimeInterval => &format!("time {} (95%)", unit.name),
            TimeOwnUnit => "time (95%)",
            Mean => "mean",
            Percentile90 => "p90",
            Speedup | MarkedSpeedup => "speedup (95%)",
            OwnSpeedup => "over itself",
            OwnSpeedupInterval => "over itself (95%)",
            EqualCountRatio => "at equal n (95%)",
            Pairs => "pairs",
            AllPairs => "all pairs",
            Efficiency => "eff.",
            EfficiencyInterval => "eff. (95%)",
            Throughput => "Gdraws/s",
            Fastest => "fastest",
            FastestMark => INDISTINGUISHABLE,
            Rank => "rank",
            Setup => "setup",
            Overhead => "overhead",
            LoadBalance => "balance",
            Communication => "comm.",
            ComputationScaling => "scaling",
            KarpFlatt => "Karp–Flatt (95%)",
            Failed => "failed",
            UserTime => "user",
            SystemTime => "system",
            CpuTime => &format!("CPU {}", unit.name),
            Memory => "peak MiB",
        };
        let is_text = matches!(self, Name | Schedule);
        Head { column: self, name: name.to_string(), is_text }
    }

    /// The value of a column of plain figures, and the form of its text; `None` of the others.
    fn figure(self, case: &CaseSummary, unit: Unit) -> Option<Figure> {
        Some(match self {
            Time if case.median_ns.is_some() => (unit.scaled(case.median_ns), digits),
            OwnSpeedup => (case.own_speedup, digits),
            AllPairs => (case.speedup_all, digits),
            Throughput => (case.throughput.map(|per_second| per_second / 1e9), digits),
            Mean => (case.spread.mean_ns, signed_time),
            Percentile90 => (case.spread.p90_ns, signed_time),
            Setup => (case.setup_ns, signed_time),
            Overhead => (case.overhead_ns, signed_time),
            LoadBalance => (case.load_balance, two_decimals),
            Communication => (case.communication, two_decimals),
            ComputationScaling => (case.computation_scaling, two_decimals),
            UserTime => (median_cost(case, |cost| cost.user_ns), signed_time),
            SystemTime => (median_cost(case, |cost| cost.system_ns), signed_time),
            CpuTime => (unit.scaled(case.cpu_ns()), digits),
            Memory => (case.peak_bytes().map(|bytes| bytes as f64 / MEBIBYTE), digits),
            _ => return None,
        })
    }

    fn cell(self, view: &JobView<'_>, case: &CaseSummary, unit: Unit) -> Cell {
        if let Some((value, form)) = self.figure(case, unit) {
            return Cell(value.map_or(NONE.to_string(), form), value);
        }
        let has_data = case.median_ns.is_some();
        let (text, value) = match self {
            Name => (case.case.title(), None),
            Schedule => (schedule(case), None),
            Count => {
                let mark = if case.oversubscribed { OVERSUBSCRIBED } else { "" };
                (format!("{}{mark}", case.case.count_text()), Some(f64::from(case.case.threads())))
            }
            BestCount if !has_data => (NONE.to_string(), None),
            BestCount => (best_count(view, case), None),
            Rounds => (case.rounds.to_string(), Some(case.rounds as f64)),
            Time | TimeInterval if !has_data => ("no data".to_string(), None),
            TimeInterval => {
                let times = [case.median_ns, case.median_low_ns, case.median_high_ns];
                let [value, low, high] = times.map(|ns| unit.scaled(ns));
                (with_interval(value, low, high), value)
            }
            TimeOwnUnit => (time(case), case.median_ns),
            Speedup => (speedup(case), case.speedup),
            MarkedSpeedup => (format!("{}{}", tie_mark(view, case), speedup(case)), case.speedup),
            OwnSpeedupInterval => {
                let (low, high) = (case.own_speedup_low, case.own_speedup_high);
                (with_interval(case.own_speedup, low, high), case.own_speedup)
            }
            EqualCountRatio => {
                let (low, high) = (case.equal_count_ratio_low, case.equal_count_ratio_high);
                (with_interval(case.equal_count_ratio, low, high), case.equal_count_ratio)
            }
            Pairs => (pairs(case), Some(case.pairs as f64)),
            Efficiency => (percent(case.efficiency), case.efficiency),
            EfficiencyInterval => {
                let ends = case.efficiency_low.zip(case.efficiency_high);
                let ends = ends.map_or(String::new(), |(low, high)| {
                    format!(" ({:.0}–{:.0}%)", 100.0 * low, 100.0 * high)
                });
                (percent(case.efficiency) + &ends, case.efficiency)
            }
            Fastest => {
                let words = case.fastest.map_or(NONE, |it| if it { "maybe" } else { "no" });
                (words.to_string(), None)
            }
            FastestMark => {
                let is_fastest = case.fastest == Some(true);
                let mark = if is_fastest { INDISTINGUISHABLE } else { "" };
                (mark.to_string(), Some(f64::from(!is_fastest)))
            }
            Rank => (rank(case), case.rank_low.map(|rank| rank as f64)),
            KarpFlatt => {
                let (low, high) = (case.karp_flatt_low, case.karp_flatt_high);
                (with_interval(case.karp_flatt, low, high), case.karp_flatt)
            }
            Failed => match case.problems.len() {
                0 => (NONE.to_string(), Some(0.0)),
                count => (count.to_string(), Some(count as f64)),
            },
            // The plain figures returned above; a time without data is said in words.
            _ => (NONE.to_string(), None),
        };
        Cell(text, value)
    }
}

/// A value, if there is one, and the form of its text.
type Figure = (Option<f64>, fn(f64) -> String);

fn two_decimals(factor: f64) -> String {
    format!("{factor:.2}")
}

/// The median time of a case with its interval, in a unit of its own.
pub fn time(case: &CaseSummary) -> String {
    time_with_interval(case.median_ns, case.median_low_ns, case.median_high_ns)
}

/// The speedup of a case with its interval.
pub fn speedup(case: &CaseSummary) -> String {
    with_interval(case.speedup, case.speedup_low, case.speedup_high)
}

/// The mark of a series that may have the fastest case, where several may.
fn tie_mark(view: &JobView<'_>, case: &CaseSummary) -> &'static str {
    // Of a single series that may be the fastest the mark says nothing.
    let all = view.job.series();
    let mut tied = all.iter().filter(|it| it.cases.iter().any(|it| it.fastest == Some(true)));
    let is_tied = tied.clone().any(|it| it.cases.iter().any(|it| it.index == case.index));
    if is_tied && tied.nth(1).is_some() { "≈ " } else { "" }
}

/// The best count, and those that are indistinguishable from it, such as `3 ≈ 2–4`.
fn best_count(view: &JobView<'_>, case: &CaseSummary) -> String {
    let inner = case.case.inner_nthread.max(1);
    let mark = |nthread: u32| {
        let is_oversubscribed = view.summary.is_oversubscribed(nthread.saturating_mul(inner));
        if is_oversubscribed { OVERSUBSCRIBED } else { "" }
    };
    let times = if view.has_inner { format!(" × {inner}") } else { String::new() };
    let best = format!("{}{times}{}", case.case.nthread, mark(case.case.nthread));
    let counts = view.ranking.and_then(|it| it.series.iter().find(|it| it.case == case.index));
    match counts.filter(|it| it.nthread_low < it.nthread_high) {
        None => best,
        Some(counts) => {
            let (low, high) = (counts.nthread_low, counts.nthread_high);
            format!("{best} {INDISTINGUISHABLE} {low}–{high}{times}{}", mark(high))
        }
    }
}

/// The number of pairs behind a speedup, and of how many.
fn pairs(case: &CaseSummary) -> String {
    match case.pairs_all {
        all if all > case.pairs => format!("{} of {all}", case.pairs),
        _ => case.pairs.to_string(),
    }
}

fn rank(case: &CaseSummary) -> String {
    match (case.rank_low, case.rank_high) {
        (Some(low), Some(high)) if low == high => low.to_string(),
        (Some(low), Some(high)) => format!("{low}–{high}"),
        _ => NONE.to_string(),
    }
}

/// The schedule, and the blocks of a chunk; a foreign runner has a schedule of its own.
fn schedule(case: &CaseSummary) -> String {
    match (case.case.schedule.as_str(), case.case.chunk) {
        ("", _) => "its own".to_string(),
        (schedule, Some(chunk)) => format!("{schedule} {chunk}"),
        (schedule, None) => schedule.to_string(),
    }
}

/// The median over rounds of a cost that is known of each.
fn median_cost(case: &CaseSummary, cost: fn(&ResourceUsage) -> Option<f64>) -> Option<f64> {
    median(&case.round_usage.iter().map(cost).collect::<Option<Vec<f64>>>()?)
}

/// The unit of the shortest time of some cases.
pub fn unit_of(cases: &[&CaseSummary]) -> Unit {
    let shortest = cases.iter().filter_map(|case| case.median_ns).min_by(f64::total_cmp);
    Unit::fitting(&TIME, shortest.unwrap_or(0.0))
}

/// The rows of the table of best counts: name, best count, indistinguishable counts, and
/// whether the best differs from its neighbours.
pub fn best_counts(view: &JobView<'_>) -> Vec<[String; 4]> {
    let Some(ranking) = view.ranking else { return Vec::new() };
    let cases = ranking.series.iter().filter_map(|it| Some((it, view.summary.cases.get(it.case)?)));
    let rows = cases.map(|(best, CaseSummary { case, .. })| {
        let ties = match (best.nthread_low, best.nthread_high) {
            (low, high) if low == high => "none".to_string(),
            (low, high) => format!("{low} to {high}"),
        };
        let differs = match best.differs_from_neighbours {
            Some(true) => "significantly different from both neighbours",
            Some(false) => "indistinguishable from a neighbour",
            None => "nothing to compare, or too few rounds",
        };
        [case.title(), case.count_text(), ties, differs.to_string()]
    });
    rows.collect()
}
