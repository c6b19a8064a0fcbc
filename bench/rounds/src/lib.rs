//! For benchmarks: what many rounds say together, as text.

use std::thread;

/// The figure in the middle; of an even number of figures, the mean of the two in the middle; NaN without any.
#[must_use]
pub fn median(figures: &[f64]) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    let upper = figures.len() / 2;
    match figures.get(upper) {
        Some(figure) if figures.len() % 2 == 1 => *figure,
        Some(figure) => f64::midpoint(figures[upper - 1], *figure),
        None => f64::NAN,
    }
}

/// The median, the lowest and the highest of figures that are not below zero.
#[must_use]
pub fn median_and_range(figures: &[f64]) -> [f64; 3] {
    let lowest = figures.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = figures.iter().copied().fold(0.0, f64::max);
    [median(figures), lowest, highest]
}

/// The same as text, with so many decimals: `1,234 (987 to 2,345)`.
#[must_use]
pub fn spread(figures: &[f64], decimals: usize) -> String {
    let [middle, lowest, highest] = median_and_range(figures).map(|figure| thousands(figure, decimals));
    format!("{middle} ({lowest} to {highest})")
}

/// How two contestants compare: the ratios of the same rounds, so that a drift of the machine's speed meets both.
#[must_use]
pub fn ratios(figures: &[f64], reference: &[f64]) -> String {
    let ratios: Vec<_> = figures.iter().zip(reference).map(|(figure, reference)| figure / reference).collect();
    let [middle, lowest, highest] = median_and_range(&ratios);
    format!("{middle:.3} (median of the rounds' ratios, {lowest:.3} to {highest:.3})")
}

/// A number, not below zero, with so many decimals and its thousands apart.
#[must_use]
pub fn thousands(figure: f64, decimals: usize) -> String {
    let text = format!("{figure:.decimals$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let groups: Vec<_> = whole.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",") + rest
}

/// How many processors all programs of a measurement share; 0 when the system does not tell.
#[must_use]
pub fn processors() -> usize {
    thread::available_parallelism().map_or(0, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!([0.0, 999.0, 1000.0, 1_234_567.0].map(|it| thousands(it, 0)), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(spread(&[1234.5, 987.25, 2345.0], 1), "1,234.5 (987.2 to 2,345.0)");
    }

    #[test]
    fn a_ratio_is_that_of_the_same_round() {
        let text = ratios(&[1.0, 20.0, 300.0], &[2.0, 20.0, 200.0]);
        assert_eq!(text, "1.000 (median of the rounds' ratios, 0.500 to 1.500)");
    }
}
