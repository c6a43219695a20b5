//! Heat maps of speedups: one panel a backend or command, a colour and a figure for each
//! case, over workers × threads inside each or over thread counts × sizes of the job.

use serde::Serialize;

use super::distinct;
use super::lines::remark;
use crate::analysis::{CaseSummary, Grid, grids};
use crate::view::job::JobView;
use crate::view::number::{digits, thousands};
use crate::view::text::{on_cpu, usable_cpus};

/// Everything that a heat map shows.
#[derive(Clone, Debug, Serialize)]
pub struct Heat {
    pub title: String,
    pub subtitle: String,
    /// Usable CPUs in words.
    pub cpus: String,
    pub panels: Vec<Panel>,
    /// Lowest and highest speedup of all panels.
    pub range: Option<(f64, f64)>,
    /// The name of the horizontal axis.
    pub x_name: &'static str,
}

/// The panel of a backend or command.
#[derive(Clone, Debug, Serialize)]
pub struct Panel {
    pub name: String,
    /// The counts across, ascending.
    pub counts: Vec<u32>,
    /// The rows, upwards: a label, and the cell at each count.
    pub rows: Vec<(String, Vec<Option<Cell>>)>,
}

/// A case in a panel.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// The speedup, if it has a colour.
    pub speedup: Option<f64>,
    pub interval: Option<(f64, f64)>,
    /// The colour, lighter for a higher speedup.
    pub colour: Option<(u8, u8, u8)>,
    pub is_oversubscribed: bool,
    /// True if there is exactly one thread for each usable CPU.
    pub is_full: bool,
    pub is_best: bool,
}

/// The heat map of workers and threads inside each; `None` where no worker has threads
/// inside it.
pub fn of_inner(view: &JobView<'_>) -> Option<Heat> {
    let grids = grids(&view.job);
    let range = range(grids.iter().flat_map(Grid::cases));
    let panels = grids.iter().map(|grid| {
        let rows = grid.rows.iter().zip(&grid.inner_nthread).map(|(row, inner)| {
            let cells = row.iter().map(|case| {
                case.map(|case| Cell { is_best: grid.is_best(case), ..cell(view, case, range) })
            });
            (format!("× {inner}"), cells.collect())
        });
        Panel { name: grid.name.clone(), counts: grid.nthread.clone(), rows: rows.collect() }
    });
    let kernel = &view.job.settings().kernel;
    let what = if kernel.is_empty() { String::new() } else { format!(": {kernel}") };
    (!grids.is_empty()).then(|| Heat {
        title: format!(
            "Speedup by workers and threads inside each{what}{}{}",
            remark(view),
            on_cpu(view.summary)
        ),
        subtitle: "workers across, threads inside each worker up; figures: medians of paired \
                   ratios"
            .to_string(),
        cpus: usable_cpus(view.summary),
        panels: panels.collect(),
        range,
        x_name: "workers",
    })
}

/// The heat map of thread counts and sizes of the job, over all jobs that differ from this
/// one only in their draws; `None` where there is no other.
pub fn of_sizes(view: &JobView<'_>, all: &[JobView<'_>]) -> Option<Heat> {
    let own = view.job.settings();
    let mut alike: Vec<&JobView> = all
        .iter()
        .filter(|other| {
            let other = other.job.settings();
            (&other.kernel, &other.pin, &other.scaling) == (&own.kernel, &own.pin, &own.scaling)
        })
        .collect();
    alike.sort_by_key(|view| view.job.settings().baseline_draws());
    let sizes: Vec<_> = alike.iter().map(|view| view.job.settings().baseline_draws()).collect();
    // The sizes are sorted: equal ends are a single size.
    if sizes.first() == sizes.last() {
        return None;
    }
    let series: Vec<_> = alike.iter().map(|view| view.job.series()).collect();
    let range = range(series.iter().flatten().flat_map(|it| it.cases.iter().copied()));
    let mut panels: Vec<Panel> = Vec::new();
    // A series is a panel; it need not be there at every size.
    for line in series.iter().flatten() {
        let name = line.full_name();
        if panels.iter().any(|panel| panel.name == name) {
            continue;
        }
        let own: Vec<_> =
            series.iter().map(|job| job.iter().find(|it| it.full_name() == name)).collect();
        let cases = own.iter().flatten().flat_map(|series| &series.cases);
        let counts = distinct(cases.map(|case| case.case.nthread));
        let rows = alike.iter().zip(&own).map(|(job, series)| {
            let cells = counts.iter().map(|n| {
                let case = series.as_ref()?.cases.iter().find(|it| it.case.nthread == *n)?;
                Some(cell(view, case, range))
            });
            let draws = job.job.settings().baseline_draws().unwrap_or_default();
            (size(draws), cells.collect())
        });
        panels.push(Panel { name, rows: rows.collect(), counts });
    }
    Some(Heat {
        title: "Speedup by threads and draws".to_string(),
        subtitle: "threads across, draws of a call up; figures: medians of paired ratios"
            .to_string(),
        cpus: usable_cpus(view.summary),
        panels,
        range,
        x_name: "threads",
    })
}

/// A number of draws in few letters: a power of two as such.
fn size(draws: u64) -> String {
    match draws.is_power_of_two() && draws > 512 {
        true => format!("2^{} draws", draws.trailing_zeros()),
        false => format!("{} draws", thousands(draws)),
    }
}

fn cell(view: &JobView<'_>, case: &CaseSummary, range: Option<(f64, f64)>) -> Cell {
    let speedup = speedup(case);
    Cell {
        speedup,
        interval: case.speedup_low.zip(case.speedup_high),
        colour: speedup.map(|speedup| colour(speedup, range)),
        is_oversubscribed: case.oversubscribed,
        is_full: view.summary.usable_cpus() == Some(case.case.threads()),
        is_best: false,
    }
}

fn range<'a>(cases: impl Iterator<Item = &'a CaseSummary>) -> Option<(f64, f64)> {
    let speedups: Vec<f64> = cases.filter_map(speedup).collect();
    let lowest = speedups.iter().copied().min_by(f64::total_cmp);
    lowest.zip(speedups.iter().copied().max_by(f64::total_cmp))
}

/// The speedup of a case, if it has a colour.
fn speedup(case: &CaseSummary) -> Option<f64> {
    case.speedup.filter(|speedup| speedup.is_finite() && *speedup > 0.0)
}

/// Five colours of viridis, which differ in lightness (Smith and van der Walt, 2015): the
/// lowest speedup is dark.
const VIRIDIS: [(u8, u8, u8); 5] =
    [(68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)];

/// The colour of a speedup within a range.
pub fn colour(speedup: f64, range: Option<(f64, f64)>) -> (u8, u8, u8) {
    let (low, high) = range.unwrap_or((speedup, speedup));
    let share = if high > low { (speedup - low) / (high - low) } else { 1.0 };
    // Between two neighbours of the five colours, mixed by the distance to each.
    let place = share.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f64;
    let first = (place as usize).min(VIRIDIS.len() - 2);
    let (from, to) = (VIRIDIS[first], VIRIDIS[first + 1]);
    let part = place - first as f64;
    let [red, green, blue] = [(from.0, to.0), (from.1, to.1), (from.2, to.2)].map(|(from, to)| {
        (f64::from(from) + (f64::from(to) - f64::from(from)) * part).round() as u8
    });
    (red, green, blue)
}

impl Heat {
    /// The cases that are shown.
    pub fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.panels.iter().flat_map(|panel| panel.rows.iter().flat_map(|(_, row)| row).flatten())
    }
}

/// The text of a cell.
pub fn figure(cell: Option<&Cell>) -> String {
    cell.and_then(|cell| cell.speedup).map_or("–".to_string(), digits)
}
