//! P(B) by the law of total probability, from an exercise of school.
//!
//! Of 35,000 people 10,000, 20,000 and 5,000 belong to three populations, in
//! which B happens with probability 100/900, 400/900 and 500/900. A draw picks
//! one person, everybody with the same chance, and then lets B happen or not.
//! Of 35,000 × 900 equally likely outcomes 11,500,000 have B: 23/63.

use rand::{Rng, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::stream::stream_seed;
use super::{Isa, Kernel, Tally};

/// Size of each population, and in how many of [`CHANCES`] B happens in it.
const POPULATIONS: [(u64, u64); 3] = [(10_000, 100), (20_000, 400), (5_000, 500)];

/// People of all populations.
const PEOPLE: u64 = POPULATIONS[0].0 + POPULATIONS[1].0 + POPULATIONS[2].0;

/// Equally likely outcomes for one person.
const CHANCES: u64 = 900;

/// P(B) by picking people.
pub struct TotalProbability;

impl Kernel for TotalProbability {
    fn name(&self) -> &'static str {
        "total-probability"
    }

    fn about(&self) -> &'static str {
        "P(B) over three populations: a person, then B or not; uniform integers, exact"
    }

    fn scale(&self) -> f64 {
        1.0
    }

    fn exact(&self) -> Option<f64> {
        let favourable: u64 = POPULATIONS.iter().map(|(size, chances)| size * chances).sum();
        Some(favourable as f64 / (PEOPLE * CHANCES) as f64)
    }

    // A named generator and a few lines for integers below a bound: those of
    // rand may change between versions, and with them every tally.
    fn tally(&self, seed: u64, block: u64, draws: u64, _isa: Isa) -> Tally {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(stream_seed(seed, block));
        let hits = (0..draws).map(|_| {
            let chances = chances_of(below::<PEOPLE>(&mut rng));
            u64::from(below::<CHANCES>(&mut rng) < chances)
        });
        Tally::of_hits(draws, hits.sum())
    }
}

/// In how many of [`CHANCES`] B happens to that person, of [`PEOPLE`].
fn chances_of(person: u64) -> u64 {
    let [(first, _), (second, _), _] = POPULATIONS;
    let population = usize::from(person >= first) + usize::from(person >= first + second);
    POPULATIONS[population].1
}

/// A number below `BOUND`, each with exactly the same probability.
fn below<const BOUND: u64>(rng: &mut impl Rng) -> u64 {
    loop {
        if let Some(number) = fair::<BOUND>(rng.next_u64()) {
            return number;
        }
    }
}

/// The number below `BOUND` that a random word stands for (Lemire, "Fast random
/// integer generation in an interval", ACM TOMACS 2019).
///
/// word × `BOUND` / 2⁶⁴, rounded down, would favour some numbers, since `BOUND`
/// does not divide 2⁶⁴. The 2⁶⁴ mod `BOUND` words with the least remainders are
/// thrown away, which leaves each number as many words as any other.
fn fair<const BOUND: u64>(word: u64) -> Option<u64> {
    let product = u128::from(word) * u128::from(BOUND);
    let thrown_away = BOUND.wrapping_neg() % BOUND;
    (product as u64 >= thrown_away).then_some((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: u128 = 1 << 64;

    #[test]
    fn as_many_words_stand_for_one_number_as_for_any_other() {
        equally_many_words_each::<PEOPLE>();
        equally_many_words_each::<CHANCES>();
        equally_many_words_each::<{ 3 << 62 }>();
    }

    /// The words of a number follow each other, as products with the bound
    /// grow with the word: so it is enough to find the first and the last.
    fn equally_many_words_each<const BOUND: u64>() {
        let bound = u128::from(BOUND);
        let share = WORDS / bound;
        let word_stands_for = |word: u128| fair::<BOUND>(u64::try_from(word).ok()?);
        for number in (0..bound).step_by((BOUND / 100_000 + 1) as usize) {
            let first = (number * WORDS + WORDS % bound).div_ceil(bound);
            let number = Some(number as u64);
            assert_eq!(word_stands_for(first), number);
            assert_eq!(word_stands_for(first + share - 1), number);
            assert_ne!(word_stands_for(first + share), number);
            assert!(first == 0 || word_stands_for(first - 1) != number);
        }
    }

    #[test]
    fn every_person_has_the_chances_of_the_population() {
        let of_all: u64 = (0..PEOPLE).map(chances_of).sum();
        assert_eq!((of_all, PEOPLE * CHANCES), (11_500_000, 31_500_000));
        assert_eq!([9_999, 10_000, 29_999, 30_000].map(chances_of), [100, 400, 400, 500]);
        assert_eq!(TotalProbability.exact(), Some(23.0 / 63.0));
    }
}
