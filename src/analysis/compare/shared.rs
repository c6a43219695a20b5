//! Which cases two runs share.

use std::collections::BTreeSet;

use crate::analysis::CaseSummary;
use crate::record::Case;

/// The cases of two runs, matched by their settings.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// Indices of the same case before and after, in the order of the run after.
    pub pairs: Vec<(usize, usize)>,
    /// Indices of cases that only the run before has.
    pub only_before: Vec<usize>,
    /// Indices of cases that only the run after has.
    pub only_after: Vec<usize>,
}

/// Matches the cases of two runs. The seed may differ: other darts are as much
/// work. So may the draws, where each run has one size of job only: which size
/// would stand for which, were there several? With the draws goes a chunk that
/// follows from them.
pub fn shared(before: &[CaseSummary], after: &[CaseSummary]) -> Shared {
    let mut shared = Shared::default();
    let mut left: Vec<usize> = (0..before.len()).collect();
    for (index, case) in after.iter().enumerate() {
        match partner(&case.case, before, &left, after) {
            Some(place) => shared.pairs.push((left.remove(place), index)),
            None => shared.only_after.push(index),
        }
    }
    shared.only_before = left;
    shared
}

/// The place in `left`, indices into `before`, of the same case.
fn partner(
    case: &Case,
    before: &[CaseSummary],
    left: &[usize],
    after: &[CaseSummary],
) -> Option<usize> {
    let fits = |like: &dyn Fn(&Case, &Case) -> bool| {
        left.iter().position(|index| like(&before[*index].case, case))
    };
    if !have_one_size_each(case, before, after) {
        return fits(&|one, other| settings(one) == settings(other));
    }
    let same = |one: &Case, other: &Case| but_for_size(one) == but_for_size(other);
    let like_it = |cases: &[CaseSummary]| cases.iter().filter(|it| same(&it.case, case)).count();
    let is_alone = like_it(before) == 1 && like_it(after) == 1;
    fits(&|one, other| same(one, other) && (is_alone || one.chunk == other.chunk))
}

/// Whether each run has jobs of one size, of this case's kernel and scaling, and
/// not of the same.
fn have_one_size_each(case: &Case, before: &[CaseSummary], after: &[CaseSummary]) -> bool {
    let sizes = |cases: &[CaseSummary]| -> BTreeSet<Option<u64>> {
        let is_alike = |it: &Case| {
            (&it.kernel, &it.scaling, it.block) == (&case.kernel, &case.scaling, case.block)
        };
        cases.iter().filter(|it| is_alike(&it.case)).map(|it| it.case.share()).collect()
    };
    let (before, after) = (sizes(before), sizes(after));
    before.len() == 1 && after.len() == 1 && before != after
}

fn settings(case: &Case) -> Case {
    Case { seed: 0, ..case.clone() }
}

fn but_for_size(case: &Case) -> Case {
    Case { draws: None, chunk: None, ..settings(case) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(backend: &str, nthread: u32, chunk: u64, draws: u64) -> CaseSummary {
        let (chunk, draws, seed) = (Some(chunk), Some(draws), draws);
        let backend = backend.to_string();
        let case = Case { backend, nthread, chunk, draws, seed, ..Case::default() };
        CaseSummary { case, ..CaseSummary::default() }
    }

    #[test]
    fn the_same_settings_are_the_same_case_whatever_the_seed_and_the_order() {
        let before = [case("a", 1, 4, 64), case("b", 2, 4, 64), case("a", 2, 4, 64)];
        let mut after = [case("a", 2, 4, 64), case("a", 1, 4, 64), case("c", 2, 4, 64)];
        after[0].case.seed = 7;
        let expected =
            Shared { pairs: vec![(2, 0), (0, 1)], only_before: vec![1], only_after: vec![2] };
        assert_eq!(shared(&before, &after), expected);
    }

    #[test]
    fn another_size_of_the_only_job_brings_its_own_chunk() {
        let before = [case("a", 2, 4, 64), case("a", 4, 2, 64)];
        let after = [case("a", 2, 8, 128), case("a", 4, 4, 128)];
        assert_eq!(shared(&before, &after).pairs, [(0, 0), (1, 1)]);
    }

    #[test]
    fn chunks_that_tell_cases_apart_do_so_at_another_size_too() {
        let before = [case("a", 2, 4, 64), case("a", 2, 8, 64)];
        let after = [case("a", 2, 8, 128), case("a", 2, 16, 128)];
        let expected = Shared { pairs: vec![(1, 0)], only_before: vec![0], only_after: vec![1] };
        assert_eq!(shared(&before, &after), expected);
    }

    #[test]
    fn of_several_sizes_none_stands_for_another() {
        let before = [case("a", 2, 4, 64), case("a", 2, 4, 128)];
        let after = [case("a", 2, 4, 128), case("a", 2, 4, 256)];
        let expected = Shared { pairs: vec![(1, 0)], only_before: vec![0], only_after: vec![1] };
        assert_eq!(shared(&before, &after), expected);
    }
}
