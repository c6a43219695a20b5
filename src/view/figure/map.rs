//! Map of the fastest backends: a row for each job, a column for each thread count, and a
//! colour for each backend.

use serde::Serialize;

/// Everything that a map shows.
#[derive(Clone, Debug, Serialize)]
pub struct Map {
    pub title: String,
    pub subtitle: String,
    pub counts: Vec<u32>,
    /// The jobs, the smallest first.
    pub rows: Vec<Row>,
    /// The winners: sequential first, then others. Each has the colour of its line in the
    /// chart beside the map.
    pub winners: Vec<(String, Option<usize>)>,
}

/// The row of a job.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The time of sequential.
    pub work: String,
    pub draws: String,
    /// The cell at each count.
    pub cells: Vec<Option<Cell>>,
}

/// A job at a thread count.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// The index of its winner.
    pub winner: usize,
    /// The speedup of the winner, if that is not sequential.
    pub speedup: Option<f64>,
    /// The cases that are indistinguishable from it.
    pub ties: Vec<String>,
}
