//! Workers × threads inside each worker: the cases of one backend or command where
//! both are axes of the sweep.

use super::series::best;
use super::{CaseSummary, Job, Series};
use crate::record::Case;

/// One backend or command over both axes.
pub struct Grid<'a> {
    /// What tells it from others of the job.
    pub name: String,
    /// Numbers of workers, ascending: the columns.
    pub nthread: Vec<u32>,
    /// Threads inside each worker, ascending: the rows.
    pub inner_nthread: Vec<u32>,
    /// The case of each row and column.
    pub rows: Vec<Vec<Option<&'a CaseSummary>>>,
    /// The case with the best counts; one with more threads than CPUs must be better
    /// beyond its interval to be preferred to one without.
    pub best: Option<&'a CaseSummary>,
}

impl<'a> Grid<'a> {
    fn of(series: &[&Series<'a>]) -> Grid<'a> {
        let cases: Vec<&CaseSummary> =
            series.iter().flat_map(|series| series.cases.iter().copied()).collect();
        let counts = |count: fn(&Case) -> u32| {
            let mut counts: Vec<u32> = cases.iter().map(|case| count(&case.case)).collect();
            counts.sort_unstable();
            counts.dedup();
            counts
        };
        let nthread = counts(|case| case.nthread);
        let inner_nthread = counts(inner);
        let find = |n: u32, m: u32| {
            let is_it = |it: &&&CaseSummary| (it.case.nthread, inner(&it.case)) == (n, m);
            cases.iter().find(is_it).copied()
        };
        let row = |&m: &u32| nthread.iter().map(|n| find(*n, m)).collect();
        Grid {
            name: name(series[0]),
            rows: inner_nthread.iter().map(row).collect(),
            best: best(&cases),
            nthread,
            inner_nthread,
        }
    }

    /// Every case of it.
    pub fn cases(&self) -> impl Iterator<Item = &'a CaseSummary> {
        self.rows.iter().flatten().filter_map(|case| *case)
    }

    /// Whether a case is the one with the best counts.
    pub fn is_best(&self, case: &CaseSummary) -> bool {
        self.best.is_some_and(|best| best.index == case.index)
    }
}

/// The grids of a job, one a backend or command, in the order of its series; none
/// where every worker has one thread.
pub fn grids<'a>(job: &Job<'a>) -> Vec<Grid<'a>> {
    if !has_inner(job) {
        return Vec::new();
    }
    let all = job.series();
    let mut families: Vec<Vec<&Series<'a>>> = Vec::new();
    for series in &all {
        match families.iter_mut().find(|family| is_kin(family[0], series)) {
            Some(family) => family.push(series),
            None => families.push(vec![series]),
        }
    }
    families.iter().map(|family| Grid::of(family)).collect()
}

/// Whether some worker of a job has threads inside it.
pub fn has_inner(job: &Job<'_>) -> bool {
    job.cases.iter().any(|case| inner(&case.case) > 1)
}

/// The series of a job, but of those that differ in the threads inside their workers
/// only the one with the best case.
pub fn series_at_best_inner<'a>(job: &Job<'a>) -> Vec<Series<'a>> {
    let mut kept: Vec<Series<'a>> = Vec::new();
    for series in job.series() {
        let Some(place) = kept.iter().position(|other| is_kin(other, &series)) else {
            kept.push(series);
            continue;
        };
        let both: Vec<&CaseSummary> =
            [kept[place].best(), series.best()].into_iter().flatten().collect();
        if best(&both).is_some_and(|best| series.contains(best.index)) {
            kept[place] = series;
        }
    }
    kept
}

fn inner(case: &Case) -> u32 {
    case.inner_nthread.max(1)
}

/// Whether two series differ in nothing but the threads inside their workers.
fn is_kin(one: &Series<'_>, other: &Series<'_>) -> bool {
    let settings = |series: &Series<'_>| {
        let case = &series.cases[0].case;
        let draws = case.share();
        Case { nthread: 0, inner_nthread: 0, chunk: None, draws, ..case.clone() }
    };
    // A chunk may follow from the number of workers.
    let is_alike = |a: &CaseSummary, b: &CaseSummary| {
        a.case.nthread != b.case.nthread || a.case.chunk == b.case.chunk
    };
    settings(one) == settings(other)
        && one.cases.iter().all(|a| other.cases.iter().all(|b| is_alike(a, b)))
}

/// Its title, and in what else it differs from namesakes.
fn name(series: &Series<'_>) -> String {
    let case = &series.cases[0].case;
    let told = [format!("{} inner", case.inner_nthread), case.label.clone()];
    let others = series.detail.split(", ").filter(|word| !told.iter().any(|told| told == word));
    let detail: Vec<&str> = others.filter(|word| !word.is_empty()).collect();
    match detail.is_empty() || case.is_command() {
        true => case.title(),
        false => format!("{} ({})", case.title(), detail.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::jobs;
    use super::super::synthetic::{Noise, measured, with_inner};
    use super::*;
    use crate::record::{BASELINE, Preset};

    #[test]
    fn every_case_has_its_place_by_workers_and_threads_inside() {
        let cases = with_inner(&["a", "b"], &[1, 2, 4], &[1, 2]);
        let mut noise = Noise::new(5);
        let summary = measured(Preset::Sweep, &cases, 9, |index, _| {
            let case = &cases[index];
            let speedup = match case.backend.as_str() {
                BASELINE => 1.0,
                _ => f64::from(case.nthread) * (1.0 + 0.5 * f64::from(case.inner_nthread - 1)),
            };
            1e6 / speedup * noise.factor(0.01)
        });
        let all = jobs(&summary);
        let grids = grids(&all[0]);
        assert_eq!(grids.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        for grid in &grids {
            assert_eq!((&grid.nthread[..], &grid.inner_nthread[..]), (&[1, 2, 4][..], &[1, 2][..]));
            for (row, m) in grid.rows.iter().zip(&grid.inner_nthread) {
                for (case, n) in row.iter().zip(&grid.nthread) {
                    let case = &case.expect("a case").case;
                    assert_eq!((case.nthread, case.inner_nthread), (*n, *m));
                }
            }
            assert_eq!(grid.best.map(|it| it.case.count()).as_deref(), Some("4 × 2"));
        }
        let kept = series_at_best_inner(&all[0]);
        let best: Vec<String> =
            kept.iter().filter_map(|it| it.best()).map(|it| it.case.title_and_count()).collect();
        assert_eq!(best, ["a, n = 4 × 2", "b, n = 4 × 2"]);
    }

    #[test]
    fn without_threads_inside_there_is_no_grid_and_every_series_is_kept() {
        let cases = with_inner(&["a", "b"], &[1, 2], &[1]);
        let summary = measured(Preset::Sweep, &cases, 6, |_, _| 1e6);
        let all = jobs(&summary);
        assert!(grids(&all[0]).is_empty());
        assert_eq!(series_at_best_inner(&all[0]).len(), all[0].series().len());
    }
}
