//! Consistency checks of the rows of one visit.

use crate::record::{Phase, Row};

/// Rows of a visit without duplicates.
pub struct DistinctRows<'a> {
    /// Rows in their order, each once.
    pub rows: Vec<&'a Row>,
    /// Indices of the rows that repeat another.
    pub duplicates: Vec<usize>,
    /// First contradiction between two rows: index of the later one, and description.
    pub contradiction: Option<(usize, &'static str)>,
}

/// Removes duplicate rows from a visit, and looks for rows that contradict each other.
pub fn deduplicate<'a>(rows: &[&'a Row]) -> DistinctRows<'a> {
    let other_case = rows.iter().position(|row| row.case != rows[0].case);
    let mut contradiction =
        other_case.map(|index| (index, "the row has another case than the rows of its visit"));
    // Rows as they are written, phase by phase and call by call, have no duplicates.
    if rows.windows(2).all(|pair| key(pair[0]) < key(pair[1])) {
        return DistinctRows { rows: rows.to_vec(), duplicates: Vec::new(), contradiction };
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    // Start and duration bring equal rows together even where calls have no number.
    order.sort_by_key(|index| (key(rows[*index]), rows[*index].started_ns, rows[*index].wall_ns));
    let mut duplicates = Vec::new();
    for same_key in order.chunk_by(|one, other| key(rows[*one]) == key(rows[*other])) {
        let first = rows[same_key[0]];
        let is_numbered =
            first.iteration.is_some() || !matches!(first.phase, Phase::Call | Phase::Warmup);
        for pair in same_key.windows(2) {
            let (previous, index) = (pair[0], pair[1]);
            // Several calls without a number are several calls; else a key has one row.
            if rows[index] == if is_numbered { first } else { rows[previous] } {
                duplicates.push(index);
            } else if is_numbered {
                let what = "the row contradicts another row of its visit and phase";
                contradiction.get_or_insert((same_key[0].max(index), what));
            }
        }
    }
    duplicates.sort_unstable();
    let is_distinct = |index: &usize| duplicates.binary_search(index).is_err();
    let distinct = (0..rows.len()).filter(is_distinct).map(|index| rows[index]).collect();
    DistinctRows { rows: distinct, duplicates, contradiction }
}

/// Phase and number, which identify a row within its visit.
fn key(row: &Row) -> (u8, Option<u32>) {
    (row.phase as u8, row.iteration)
}

/// Describes what is missing among the calls of a complete visit, which should have
/// `expected` counted calls; 0 means as many as their own numbers imply.
pub fn missing_calls(rows: &[&Row], expected: u32) -> Option<String> {
    let calls = || rows.iter().filter(|row| row.phase == Phase::Call);
    let count = calls().count() as u64;
    if count == 0 {
        return Some("the visit has no counted call".to_string());
    }
    if calls().any(|row| row.wall_ns.is_none_or(|ns| ns == 0)) {
        return Some("the visit has a call without a time".to_string());
    }
    let last = calls().filter_map(|row| row.iteration).max();
    let numbered = last.map_or(0, |last| u64::from(last) + 1);
    let expected = if expected == 0 { numbered.max(count) } else { u64::from(expected) };
    let is_complete = count == expected && numbered <= expected;
    (!is_complete).then(|| format!("the visit has {count} of {} calls", expected.max(numbered)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(iteration: Option<u32>, wall_ns: u64) -> Row {
        Row {
            phase: Phase::Call,
            iteration,
            wall_ns: Some(wall_ns),
            started_ns: wall_ns,
            ..Row::default()
        }
    }

    fn distinct(rows: &[Row]) -> (usize, Vec<usize>, Option<usize>) {
        let rows: Vec<&Row> = rows.iter().collect();
        let distinct = deduplicate(&rows);
        (distinct.rows.len(), distinct.duplicates, distinct.contradiction.map(|(index, _)| index))
    }

    #[test]
    fn a_duplicate_row_counts_once() {
        let [a, b] = [call(Some(0), 10), call(Some(1), 20)];
        assert_eq!(distinct(&[a.clone(), b.clone()]), (2, vec![], None));
        assert_eq!(distinct(&[b.clone(), a.clone()]), (2, vec![], None));
        assert_eq!(distinct(&[a.clone(), b.clone(), a.clone()]), (2, vec![2], None));
        let last = Row::default();
        assert_eq!(distinct(&[a, last.clone(), last]), (2, vec![2], None));
    }

    #[test]
    fn contradicting_rows_are_found() {
        let [a, b] = [call(Some(0), 10), call(Some(0), 20)];
        assert_eq!(distinct(&[a.clone(), b]), (2, vec![], Some(1)));
        let mut other = call(Some(1), 20);
        other.case.nthread = 7;
        assert_eq!(distinct(&[a, other]).2, Some(1));
    }

    #[test]
    fn calls_without_a_number_differ_by_their_times() {
        let [a, b] = [call(None, 10), call(None, 20)];
        assert_eq!(distinct(&[a.clone(), b.clone()]), (2, vec![], None));
        assert_eq!(distinct(&[a.clone(), a.clone(), b.clone()]), (2, vec![1], None));
        assert_eq!(distinct(&[a.clone(), b, a]), (2, vec![2], None));
    }

    #[test]
    fn a_missing_call_is_reported() {
        let missing =
            |rows: &[Row], expected| missing_calls(&rows.iter().collect::<Vec<_>>(), expected);
        let three = [0, 1, 2].map(|iteration| call(Some(iteration), 10));
        assert_eq!(missing(&three, 3), None);
        assert_eq!(missing(&three, 0), None);
        for rows in [&three[1..], &three[..2], &[three[0].clone(), three[2].clone()]] {
            assert_eq!(missing(rows, 3), Some("the visit has 2 of 3 calls".to_string()));
        }
        assert_eq!(missing(&three[1..], 0), Some("the visit has 2 of 3 calls".to_string()));
        assert!(missing(&[], 0).is_some());
        assert!(missing(&[call(None, 0)], 0).is_some());
    }
}
