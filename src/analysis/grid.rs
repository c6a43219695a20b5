//! Grids of workers × threads inside each worker: the cases of one backend or command if
//! both are axes of the sweep.

use super::series::best;
use super::{CaseSummary, Job, Series};
use crate::record::Case;

/// The cases of one backend or command over both axes.
pub struct Grid<'a> {
    /// Name that distinguishes it from other grids of the job.
    pub name: String,
    /// Numbers of workers, ascending: the columns.
    pub nthread: Vec<u32>,
    /// Threads inside each worker, ascending: the rows.
    pub inner_nthread: Vec<u32>,
    /// The case of each row and column.
    pub rows: Vec<Vec<Option<&'a CaseSummary>>>,
    /// The case with the best counts. An oversubscribed case is chosen only if it is
    /// significantly better than all others.
    pub best: Option<&'a CaseSummary>,
}

impl<'a> Grid<'a> {
    fn of(series: &[&Series<'a>]) -> Grid<'a> {
        let cases: Vec<&CaseSummary> =
            series.iter().flat_map(|series| series.cases.iter().copied()).collect();
        let nthread = distinct(&cases, |case| case.nthread);
        let inner_nthread = distinct(&cases, inner);
        let mut rows = vec![vec![None; nthread.len()]; inner_nthread.len()];
        // Reversed, so that the first of several cases is kept.
        for case in cases.iter().rev() {
            let row = inner_nthread.binary_search(&inner(&case.case));
            let column = nthread.binary_search(&case.case.nthread);
            if let (Ok(row), Ok(column)) = (row, column) {
                rows[row][column] = Some(*case);
            }
        }
        Grid { name: name(series[0]), nthread, inner_nthread, rows, best: best(&cases) }
    }

    /// All cases of the grid.
    pub fn cases(&self) -> impl Iterator<Item = &'a CaseSummary> {
        self.rows.iter().flatten().filter_map(|case| *case)
    }

    /// True for the case with the best counts.
    pub fn is_best(&self, case: &CaseSummary) -> bool {
        self.best.is_some_and(|best| best.index == case.index)
    }
}

/// Distinct counts of these cases, ascending.
fn distinct(cases: &[&CaseSummary], count: fn(&Case) -> u32) -> Vec<u32> {
    let mut counts: Vec<u32> = cases.iter().map(|case| count(&case.case)).collect();
    counts.sort_unstable();
    counts.dedup();
    counts
}

/// The grids of a job, one for each backend or command, in the order of its series. Empty
/// if every worker has one thread.
pub fn grids<'a>(job: &Job<'a>) -> Vec<Grid<'a>> {
    if !has_inner(job) {
        return Vec::new();
    }
    let all = job.series();
    let mut groups: Vec<Vec<&Series<'a>>> = Vec::new();
    for series in &all {
        match groups.iter_mut().find(|group| differ_in_inner_only(group[0], series)) {
            Some(group) => group.push(series),
            None => groups.push(vec![series]),
        }
    }
    groups.iter().map(|group| Grid::of(group)).collect()
}

/// True if some worker of a job has several threads inside it.
pub fn has_inner(job: &Job<'_>) -> bool {
    job.cases.iter().any(|case| inner(&case.case) > 1)
}

/// The series of a job. Of several that differ only in the threads inside their workers,
/// only the one with the best case is kept.
pub fn series_at_best_inner<'a>(job: &Job<'a>) -> Vec<Series<'a>> {
    let mut kept: Vec<Series<'a>> = Vec::new();
    for series in job.series() {
        let Some(place) = kept.iter().position(|other| differ_in_inner_only(other, &series)) else {
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

/// True if two series differ only in the threads inside their workers.
fn differ_in_inner_only(one: &Series<'_>, other: &Series<'_>) -> bool {
    // A chunk may follow from the number of workers, so chunks are compared at equal numbers.
    let have_equal_chunks = one.cases.iter().all(|a| {
        let mut same_count = other.cases.iter().filter(|b| a.case.nthread == b.case.nthread);
        same_count.all(|b| a.case.chunk == b.case.chunk)
    });
    let [one, other] = [one, other].map(|series| {
        let case = &series.cases[0].case;
        let draws = case.baseline_draws();
        Case { nthread: 0, inner_nthread: 0, chunk: None, draws, ..case.clone() }
    });
    one == other && have_equal_chunks
}

/// Title of a series with the settings that distinguish it, without the inner threads.
fn name(series: &Series<'_>) -> String {
    let case = &series.cases[0].case;
    let inner = format!("{} inner", case.inner_nthread);
    let mut detail: Vec<&str> = series.detail.split(", ").collect();
    detail.retain(|word| !word.is_empty() && *word != inner && *word != case.label);
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
    use crate::record::BASELINE;

    #[test]
    fn every_case_is_in_the_row_and_column_of_its_counts() {
        let cases = with_inner(&["a", "b"], &[1, 2, 4], &[1, 2]);
        let mut noise = Noise::new(5);
        let summary = measured(&cases, 9, |index, _| {
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
            assert_eq!(grid.best.map(|it| it.case.count_text()).as_deref(), Some("4 × 2"));
        }
        let kept = series_at_best_inner(&all[0]);
        let best: Vec<String> =
            kept.iter().filter_map(|it| it.best()).map(|it| it.case.title_with_count()).collect();
        assert_eq!(best, ["a, n = 4 × 2", "b, n = 4 × 2"]);
    }

    #[test]
    fn without_inner_threads_there_is_no_grid_and_every_series_is_kept() {
        let cases = with_inner(&["a", "b"], &[1, 2], &[1]);
        let summary = measured(&cases, 6, |_, _| 1e6);
        let all = jobs(&summary);
        assert!(grids(&all[0]).is_empty());
        assert_eq!(series_at_best_inner(&all[0]).len(), all[0].series().len());
    }
}
