//! Where a curve that is known at few places begins to stay above a level.

/// From where on the values lie above the level, and stay there.
///
/// In the order of the places: at the first already, between two, nowhere.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub enum Crossing {
    /// At every place that was measured: the crossing lies at the first, or before.
    First,
    /// At every place beyond this one.
    At(f64),
    /// Not even at the last place: the crossing lies beyond, or there is none.
    Beyond,
}

impl Crossing {
    /// The place; `None` where it lies outside of what was measured.
    pub fn place(self) -> Option<f64> {
        match self {
            Crossing::At(place) => Some(place),
            Crossing::First | Crossing::Beyond => None,
        }
    }
}

/// From which place on the values of `points` (place, value), in their order, lie
/// above `level` at every point; in between, linear between neighbours. `None` of
/// nothing.
///
/// Values that exceed the level and fall below it again do not count: what follows
/// has to hold for all larger places.
pub fn crossing(points: &[(f64, f64)], level: f64) -> Option<Crossing> {
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

/// Both ends of the interval of a crossing: the percentiles of its resampled
/// values, as order statistics. `None` of none.
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
    fn outside_of_the_places_the_end_is_named() {
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
