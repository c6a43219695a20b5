//! What was odd about a file, so that no figure is made of it in silence.

use std::collections::BTreeMap;

/// A kind of oddity, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Oddity {
    /// There is no run.json.
    NoRun,
    /// Calls of the same job answered differently, and nobody knows which is
    /// right.
    Answers,
    /// A line cannot be understood.
    Line,
    /// A line is of another version of the columns.
    Schema,
    /// The rows of a visit contradict each other.
    Contradiction,
    /// A case is not in the plan.
    UnknownCase,
    /// A visit in the middle of a session has no last row.
    NoLastRow,
    /// The rows of a session go on after those of a later one.
    Order,
    /// The rows of a visit are not together.
    Scattered,
    /// A row is there twice.
    Duplicate,
    /// The file lacks a column.
    MissingColumn,
    /// A column of others stands among ours.
    StrangeColumn,
    /// The file ends within a row.
    Torn,
    /// There is no row.
    Empty,
}

/// How often something was odd, and where first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What kind of thing.
    pub oddity: Oddity,
    /// Where it was seen first, and what.
    pub first: String,
    /// How often it was seen.
    pub times: u64,
}

/// What was odd: of each kind the first, and how many.
#[derive(Clone, Debug, Default)]
pub struct Remarks {
    seen: BTreeMap<Oddity, (String, u64)>,
}

impl Remarks {
    /// Something was odd.
    pub fn note(&mut self, oddity: Oddity, what: impl FnOnce() -> String) {
        self.seen.entry(oddity).or_insert_with(|| (what(), 0)).1 += 1;
    }

    /// The worst first.
    pub fn list(self) -> Vec<Remark> {
        let remark = |(oddity, (first, times))| Remark { oddity, first, times };
        self.seen.into_iter().map(remark).collect()
    }
}
