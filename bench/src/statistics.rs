//! Medians, percentiles, spreads and ratios of a few numbers.

/// The middle of `values`, between the two middle ones if their count is even; not a number if there are none.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 50.0)
}

/// The value that `percent` of `values` do not exceed, between two of them where it falls there.
pub fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = percent / 100.0 * last as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

/// Median, lowest and highest of what the rounds gave.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spread {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

impl Spread {
    /// Of `values`, at least one.
    pub fn of(values: &[f64]) -> Spread {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Spread { median: median(values), low, high }
    }
}

/// The ratios of two series, round by round: what disturbs a round disturbs both.
pub fn paired(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect()
}

/// Which rounds moved away from the others: their baseline is over twice, or under half, the median of all.
pub fn disturbed(baselines: &[f64]) -> Vec<usize> {
    let middle = median(baselines);
    let is_off = |value: f64| value > 2.0 * middle || value < middle / 2.0;
    (0..baselines.len()).filter(|round| is_off(baselines[*round])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_lie_where_they_should() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        let hundred: Vec<f64> = (0..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&hundred, 99.0), 99.0);
        assert_eq!(percentile(&[1.0, 2.0], 75.0), 1.75);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_spread_has_its_ends() {
        assert_eq!(Spread::of(&[5.0, 1.0, 2.0]), Spread { median: 2.0, low: 1.0, high: 5.0 });
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // A slow second round makes both slow; the ratio of the rounds does not move.
        assert_eq!(paired(&[2.0, 20.0], &[1.0, 10.0]), [2.0, 2.0]);
    }

    #[test]
    fn a_round_that_moved_by_more_than_two_is_seen() {
        assert_eq!(disturbed(&[100.0, 110.0, 250.0, 90.0]), [2]);
        assert_eq!(disturbed(&[100.0, 110.0, 40.0, 90.0]), [2]);
        assert_eq!(disturbed(&[100.0, 190.0, 60.0]), [] as [usize; 0]);
    }
}
