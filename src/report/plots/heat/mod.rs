//! A heat map of workers × threads inside each worker: one panel a backend or command,
//! the colour and a figure for the speedup.

mod drawing;

#[cfg(test)]
pub(super) use drawing::{BEST, FULL, HATCH, HATCHES};

use plotters::style::RGBColor;

use crate::analysis::{CaseSummary, Grid, Job, Summary, grids};
use crate::view::number::digits;
use crate::view::text::{on_cpu, usable_cpus};

/// What a heat map shows.
pub(super) struct Heat {
    title: String,
    subtitle: String,
    /// Usable CPUs in words.
    cpus: String,
    panels: Vec<Panel>,
    /// Lowest and highest speedup of all panels.
    range: Option<(f64, f64)>,
}

/// One backend or command.
pub(super) struct Panel {
    name: String,
    nthread: Vec<u32>,
    inner_nthread: Vec<u32>,
    rows: Vec<Vec<Option<Cell>>>,
}

/// One case.
#[derive(Clone, Copy)]
pub(super) struct Cell {
    speedup: Option<f64>,
    is_oversubscribed: bool,
    /// Whether it has exactly one thread for each usable CPU.
    is_full: bool,
    is_best: bool,
}

/// The heat map of a job; `None` where no worker has threads inside it.
pub(super) fn of(summary: &Summary, job: &Job<'_>) -> Option<Heat> {
    let grids = grids(job);
    let speedups = || grids.iter().flat_map(Grid::cases).filter_map(speedup);
    let range = speedups().min_by(f64::total_cmp).zip(speedups().max_by(f64::total_cmp));
    let cpu = on_cpu(summary);
    let kernel = &job.settings().kernel;
    let what = if kernel.is_empty() { String::new() } else { format!(": {kernel}") };
    (!grids.is_empty()).then(|| Heat {
        title: format!(
            "Speedup by workers and threads inside each{what}{}{cpu}",
            super::job::remark(job)
        ),
        subtitle: "workers across, threads inside each worker up; figures: medians of paired \
                   ratios"
            .to_string(),
        cpus: usable_cpus(summary),
        panels: grids.iter().map(|grid| panel(summary, grid)).collect(),
        range,
    })
}

fn panel(summary: &Summary, grid: &Grid<'_>) -> Panel {
    let cell = |case: &Option<&CaseSummary>| {
        let case = (*case)?;
        Some(Cell {
            speedup: speedup(case),
            is_oversubscribed: case.oversubscribed,
            is_full: summary.usable_cpus() == Some(case.case.threads()),
            is_best: grid.is_best(case),
        })
    };
    Panel {
        name: grid.name.clone(),
        nthread: grid.nthread.clone(),
        inner_nthread: grid.inner_nthread.clone(),
        rows: grid.rows.iter().map(|row| row.iter().map(cell).collect()).collect(),
    }
}

/// One that has a colour.
fn speedup(case: &CaseSummary) -> Option<f64> {
    case.speedup.filter(|speedup| speedup.is_finite() && *speedup > 0.0)
}

/// Five colours of viridis, which are told apart by their lightness alone (Smith and
/// van der Walt, 2015): the lowest speedup is dark.
const VIRIDIS: [(u8, u8, u8); 5] =
    [(68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37)];

impl Heat {
    /// Lighter for a higher speedup.
    fn colour(&self, speedup: f64) -> RGBColor {
        let (low, high) = self.range.unwrap_or((speedup, speedup));
        let share = if high > low { (speedup - low) / (high - low) } else { 1.0 };
        let place = share.clamp(0.0, 1.0) * (VIRIDIS.len() - 1) as f64;
        let first = (place as usize).min(VIRIDIS.len() - 2);
        let (from, to) = (VIRIDIS[first], VIRIDIS[first + 1]);
        let mix = |from: u8, to: u8| {
            let part = place - first as f64;
            (f64::from(from) + (f64::from(to) - f64::from(from)) * part).round() as u8
        };
        RGBColor(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
    }

    fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.panels.iter().flat_map(|panel| panel.rows.iter().flatten().flatten())
    }
}

/// What a cell says.
fn figure(cell: Option<Cell>) -> String {
    cell.and_then(|cell| cell.speedup).map_or("–".to_string(), digits)
}
