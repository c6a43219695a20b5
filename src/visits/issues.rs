//! Issues of the data in a results directory, so that no figure hides them.

/// Kind of issue, the most severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IssueKind {
    /// Missing run.json.
    NoRun,
    /// Calls of the same job returned different tallies, and no reference says which
    /// is right.
    DifferentTallies,
    /// A line is not a valid row.
    DamagedLine,
    /// A line has another version of the columns.
    OtherSchema,
    /// The rows of a visit contradict each other.
    Contradiction,
    /// The rows of a visit are not contiguous.
    NonContiguous,
    /// A case is not in the plan.
    UnknownCase,
    /// A visit in the middle of a session has no last row.
    NoLastRow,
    /// The rows of a session follow those of a later one.
    SessionOrder,
    /// A row is repeated.
    Duplicate,
    /// The file lacks a column.
    MissingColumn,
    /// An unknown column stands among the known ones.
    UnknownColumn,
    /// The file ends within a row.
    Torn,
    /// The file has no rows.
    Empty,
}

/// Issue, with its first occurrence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataIssue {
    /// Kind of the issue.
    pub kind: IssueKind,
    /// Location and description of the first occurrence.
    pub first: String,
    /// Number of occurrences.
    pub count: u64,
}

/// Issues found so far: of each kind the first occurrence and the count.
#[derive(Clone, Debug, Default)]
pub struct DataIssues {
    list: Vec<DataIssue>,
}

impl DataIssues {
    /// Adds an occurrence. Only the first of a kind is described.
    pub fn add(&mut self, kind: IssueKind, description: impl FnOnce() -> String) {
        match self.list.iter_mut().find(|issue| issue.kind == kind) {
            Some(issue) => issue.count += 1,
            None => self.list.push(DataIssue { kind, first: description(), count: 1 }),
        }
    }

    /// Lists the issues, the most severe first.
    pub fn into_list(mut self) -> Vec<DataIssue> {
        self.list.sort_by_key(|issue| issue.kind);
        self.list
    }
}
