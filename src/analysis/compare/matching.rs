//! Matching of the cases of two runs by their settings.

use std::collections::BTreeSet;

use crate::analysis::CaseSummary;
use crate::record::Case;

/// The cases of two runs, matched by their settings.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// Indices of the same case before and after, in the order of the run after.
    pub pairs: Vec<(usize, usize)>,
    /// Indices of cases of the run before only.
    pub only_before: Vec<usize>,
    /// Indices of cases of the run after only.
    pub only_after: Vec<usize>,
}

impl Matching {
    /// Matches the cases of two runs. The seed may differ: the work is the same with other
    /// draws. The number of draws may differ if each run has one job size only; with several,
    /// it would be ambiguous which sizes correspond. A chunk may follow from the draws.
    pub fn of(before: &[CaseSummary], after: &[CaseSummary]) -> Matching {
        let mut matching = Matching::default();
        let mut unmatched: Vec<usize> = (0..before.len()).collect();
        for (index, case) in after.iter().enumerate() {
            match find(&case.case, before, &unmatched, after) {
                Some(place) => matching.pairs.push((unmatched.remove(place), index)),
                None => matching.only_after.push(index),
            }
        }
        matching.only_before = unmatched;
        matching
    }
}

/// Position in `unmatched`, indices into `before`, of the same case.
fn find(
    case: &Case,
    before: &[CaseSummary],
    unmatched: &[usize],
    after: &[CaseSummary],
) -> Option<usize> {
    if !have_one_size_each(case, before, after) {
        let settings = without_seed(case);
        return unmatched.iter().position(|it| without_seed(&before[*it].case) == settings);
    }
    let settings = without_size(case);
    let is_unique = [before, after].into_iter().all(|cases| {
        cases.iter().filter(|other| without_size(&other.case) == settings).count() == 1
    });
    unmatched.iter().position(|index| {
        let other = &before[*index].case;
        without_size(other) == settings && (is_unique || other.chunk == case.chunk)
    })
}

/// True if each run has one job size only, for this case's kernel and scaling, and the two
/// sizes differ.
fn have_one_size_each(case: &Case, before: &[CaseSummary], after: &[CaseSummary]) -> bool {
    let [before, after] = [before, after].map(|cases| -> BTreeSet<Option<u64>> {
        let cases = cases.iter().map(|other| &other.case);
        let comparable = cases.filter(|other| {
            (&other.kernel, &other.scaling, other.block)
                == (&case.kernel, &case.scaling, case.block)
        });
        comparable.map(Case::baseline_draws).collect()
    });
    before.len() == 1 && after.len() == 1 && before != after
}

fn without_seed(case: &Case) -> Case {
    Case { seed: 0, ..case.clone() }
}

fn without_size(case: &Case) -> Case {
    Case { draws: None, chunk: None, ..without_seed(case) }
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
    fn cases_match_by_settings_regardless_of_seed_and_order() {
        let before = [case("a", 1, 4, 64), case("b", 2, 4, 64), case("a", 2, 4, 64)];
        let mut after = [case("a", 2, 4, 64), case("a", 1, 4, 64), case("c", 2, 4, 64)];
        after[0].case.seed = 7;
        let expected =
            Matching { pairs: vec![(2, 0), (0, 1)], only_before: vec![1], only_after: vec![2] };
        assert_eq!(Matching::of(&before, &after), expected);
    }

    #[test]
    fn the_chunk_may_follow_from_the_size_of_the_only_job() {
        let before = [case("a", 2, 4, 64), case("a", 4, 2, 64)];
        let after = [case("a", 2, 8, 128), case("a", 4, 4, 128)];
        assert_eq!(Matching::of(&before, &after).pairs, [(0, 0), (1, 1)]);
    }

    #[test]
    fn chunks_that_distinguish_cases_must_match_at_another_size() {
        let before = [case("a", 2, 4, 64), case("a", 2, 8, 64)];
        let after = [case("a", 2, 8, 128), case("a", 2, 16, 128)];
        let expected = Matching { pairs: vec![(1, 0)], only_before: vec![0], only_after: vec![1] };
        assert_eq!(Matching::of(&before, &after), expected);
    }

    #[test]
    fn several_sizes_match_only_themselves() {
        let before = [case("a", 2, 4, 64), case("a", 2, 4, 128)];
        let after = [case("a", 2, 4, 128), case("a", 2, 4, 256)];
        let expected = Matching { pairs: vec![(1, 0)], only_before: vec![0], only_after: vec![1] };
        assert_eq!(Matching::of(&before, &after), expected);
    }
}
