//! Whether the rows of a visit belong together: no row is there twice, and none
//! contradicts another.

use crate::record::{Phase, Row};

/// What the rows of a visit say once each of them is taken once.
pub struct Agreed<'a> {
    /// The rows, in their order.
    pub rows: Vec<&'a Row>,
    /// Those that were there before, by their index.
    pub duplicates: Vec<usize>,
    /// In what two of them contradict each other: the index of one, and what.
    pub contradiction: Option<(usize, String)>,
}

/// Looks at the rows of a visit.
pub fn agree<'a>(rows: &[&'a Row]) -> Agreed<'a> {
    let other_case = rows.iter().position(|row| row.case != rows[0].case);
    let mut contradiction =
        other_case.map(|index| (index, "another case than the rows of its visit before".into()));
    let key = |row: &Row| (row.phase as u8, row.iteration);
    // As they are written: phase by phase, call by call.
    if rows.windows(2).all(|pair| key(pair[0]) < key(pair[1])) {
        return Agreed { rows: rows.to_vec(), duplicates: Vec::new(), contradiction };
    }
    let mut order: Vec<usize> = (0..rows.len()).collect();
    // Rows that are the same stand together, numbered or not.
    let whole_key = |row: &Row| (key(row), row.started_ns, row.wall_ns);
    order.sort_by_key(|index| whole_key(rows[*index]));
    let mut duplicates = Vec::new();
    for alike in order.chunk_by(|one, other| key(rows[*one]) == key(rows[*other])) {
        let (first, others) = (rows[alike[0]], &alike[1..]);
        // Calls without a number are told apart by their start alone.
        let is_numbered =
            first.iteration.is_some() || !matches!(first.phase, Phase::Call | Phase::Warmup);
        for (position, index) in others.iter().enumerate() {
            let is_twin = match is_numbered {
                true => rows[*index] == first,
                false => rows[*index] == rows[alike[position]],
            };
            match is_twin {
                true => duplicates.push(*index),
                false if is_numbered => {
                    let what = "another row of its visit says something else of the same phase";
                    contradiction.get_or_insert((alike[0].max(*index), what.into()));
                }
                false => {}
            }
        }
    }
    duplicates.sort_unstable();
    let is_kept = |index: &usize| duplicates.binary_search(index).is_err();
    let kept = (0..rows.len()).filter(is_kept).map(|index| rows[index]).collect();
    Agreed { rows: kept, duplicates, contradiction }
}

/// What is missing among the calls of a visit that has its last row: of `due`
/// counted calls, or of as many as their own numbers speak of where that is 0.
pub fn lack(rows: &[&Row], due: u32) -> Option<String> {
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
    let due = if due == 0 { numbered.max(count) } else { u64::from(due) };
    let is_whole = count == due && numbered <= due;
    (!is_whole).then(|| format!("the visit has {count} of {} calls", due.max(numbered)))
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

    fn agreed(rows: &[Row]) -> (usize, Vec<usize>, Option<usize>) {
        let rows: Vec<&Row> = rows.iter().collect();
        let agreed = agree(&rows);
        (agreed.rows.len(), agreed.duplicates, agreed.contradiction.map(|it| it.0))
    }

    #[test]
    fn a_row_that_is_there_twice_counts_once() {
        let [a, b] = [call(Some(0), 10), call(Some(1), 20)];
        assert_eq!(agreed(&[a.clone(), b.clone()]), (2, vec![], None));
        assert_eq!(agreed(&[b.clone(), a.clone()]), (2, vec![], None));
        assert_eq!(agreed(&[a.clone(), b.clone(), a.clone()]), (2, vec![2], None));
        let last = Row::default();
        assert_eq!(agreed(&[a, last.clone(), last]), (2, vec![2], None));
    }

    #[test]
    fn rows_that_contradict_each_other_are_found() {
        let [a, b] = [call(Some(0), 10), call(Some(0), 20)];
        assert_eq!(agreed(&[a.clone(), b]), (2, vec![], Some(1)));
        let mut other = call(Some(1), 20);
        other.case.nthread = 7;
        assert_eq!(agreed(&[a, other]).2, Some(1));
    }

    #[test]
    fn calls_without_a_number_are_told_apart_by_what_they_say() {
        let [a, b] = [call(None, 10), call(None, 20)];
        assert_eq!(agreed(&[a.clone(), b.clone()]), (2, vec![], None));
        assert_eq!(agreed(&[a.clone(), a.clone(), b.clone()]), (2, vec![1], None));
        assert_eq!(agreed(&[a.clone(), b, a]), (2, vec![2], None));
    }

    #[test]
    fn a_call_that_is_lost_is_missed() {
        let lack_of = |rows: &[Row], due| lack(&rows.iter().collect::<Vec<_>>(), due);
        let three = [0, 1, 2].map(|iteration| call(Some(iteration), 10));
        assert_eq!(lack_of(&three, 3), None);
        assert_eq!(lack_of(&three, 0), None);
        for rows in [&three[1..], &three[..2], &[three[0].clone(), three[2].clone()]] {
            assert_eq!(lack_of(rows, 3), Some("the visit has 2 of 3 calls".to_string()));
        }
        assert_eq!(lack_of(&three[1..], 0), Some("the visit has 2 of 3 calls".to_string()));
        assert!(lack_of(&[], 0).is_some());
        assert!(lack_of(&[call(None, 0)], 0).is_some());
    }
}
