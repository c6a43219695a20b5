//! Crossing of a level by a curve that is known at a few points.

/// The place beyond which all values lie above a level; places are ordered from left to
/// right.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub enum Crossing {
    /// All measured places are above: the crossing lies at or before the first.
    First,
    /// All places beyond this one are above.
    At(f64),
    /// The last place is not above: the crossing lies beyond it, or does not exist.
    Beyond,
}

impl Crossing {
    /// The place; `None` if it lies outside the measured range.
    pub fn place(self) -> Option<f64> {
        match self {
            Crossing::At(place) => Some(place),
            Crossing::First | Crossing::Beyond => None,
        }
    }
}

/// The crossing of `level` by `points` (place, value), which are sorted by place; linear
/// interpolation between neighbours. `None` for an empty slice.
///
/// A curve that exceeds the level and falls below it again has not crossed it yet: all
/// points beyond the crossing lie above the level.
pub fn crossing(points: &[(f64, f64)], level: f64) -> Option<Crossing> {
    // The last points, without a gap, that lie above the level.
    let above = points.iter().rev().take_while(|(_, value)| *value > level).count();
    Some(match points.len() - above {
        0 if above == 0 => return None,
        0 => Crossing::First,
        below if above > 0 => {
            let ((x0, y0), (x1, y1)) = (points[below - 1], points[below]);
            Crossing::At(x0 + (level - y0) / (y1 - y0) * (x1 - x0))
        }
        _ => Crossing::Beyond,
    })
}

/// Percentile interval of a crossing from its bootstrap replicates, as order statistics.
/// `None` without replicates.
pub fn crossing_interval(mut resampled: Vec<Crossing>, confidence: f64) -> Option<[Crossing; 2]> {
    resampled.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    let last = resampled.len().checked_sub(1)?;
    let tail = ((1.0 - confidence) / 2.0 * resampled.len() as f64).floor() as usize;
    Some([resampled[tail.min(last)], resampled[last - tail.min(last)]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_crosses_between_the_neighbours_of_the_level() {
        let points = [(0.0, -2.0), (1.0, -1.0), (2.0, 3.0), (3.0, 4.0)];
        assert_eq!(crossing(&points, 0.0), Some(Crossing::At(1.25)));
        assert_eq!(crossing(&points, 3.5), Some(Crossing::At(2.5)));
    }

    #[test]
    fn a_crossing_outside_the_range_is_first_or_beyond() {
        let points = [(0.0, 1.0), (1.0, 2.0)];
        assert_eq!(crossing(&points, 0.5), Some(Crossing::First));
        assert_eq!(crossing(&points, 2.0), Some(Crossing::Beyond));
        assert_eq!(crossing(&[], 0.0), None);
        assert_eq!(crossing(&points[..1], 0.5), Some(Crossing::First));
    }

    #[test]
    fn a_curve_that_falls_back_has_not_crossed_yet() {
        let points = [(0.0, -1.0), (1.0, 1.0), (2.0, -1.0), (3.0, 1.0)];
        assert_eq!(crossing(&points, 0.0), Some(Crossing::At(2.5)));
        assert_eq!(crossing(&points[..3], 0.0), Some(Crossing::Beyond));
    }

    #[test]
    fn an_interval_may_be_open_at_its_ends() {
        let at = (0..38).map(|i| Crossing::At(f64::from(i)));
        let all: Vec<Crossing> =
            [Crossing::Beyond, Crossing::First].into_iter().chain(at).collect();
        // 2.5% of 40 is one at either end.
        let inner = [Crossing::At(0.0), Crossing::At(37.0)];
        assert_eq!(crossing_interval(all.clone(), 0.95), Some(inner));
        assert_eq!(crossing_interval(all, 0.99), Some([Crossing::First, Crossing::Beyond]));
        assert_eq!(crossing_interval(Vec::new(), 0.95), None);
    }
}
