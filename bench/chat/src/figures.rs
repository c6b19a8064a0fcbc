//! Figures as text.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Rows of cells, printed with aligned columns.
#[derive(Debug)]
pub(crate) struct Table(Vec<Vec<String>>);

impl Table {
    /// A table with these headings.
    pub(crate) fn new(headings: &[&str]) -> Self {
        Self(vec![headings.iter().map(ToString::to_string).collect()])
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.0.push(cells);
    }

    /// Prints it: the first columns, which are text, to the left, the others, numbers, to the right.
    pub(crate) fn print(&self, texts: usize) {
        let columns = self.0.iter().map(Vec::len).max().unwrap_or_default();
        let width =
            |column: usize| self.0.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
        for row in &self.0 {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| match column {
                text if text < texts => format!("{cell:width$}"),
                _ => format!("{cell:>width$}"),
            });
            println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
        }
        println!();
    }
}

/// The lines of the table at the end: what was measured, of whom, and the figure.
#[derive(Debug, Default)]
pub(crate) struct Summary(Vec<[String; 3]>);

impl Summary {
    /// Adds a figure, and prints it.
    pub(crate) fn add(&mut self, what: &str, who: &str, figure: impl Into<String>) {
        let figure = figure.into();
        println!("{what}, {who}: {figure}");
        self.0.push([what.to_owned(), who.to_owned(), figure]);
    }

    /// Prints all of them.
    pub(crate) fn print(&self) {
        let mut table = Table::new(&["what", "of", "figure"]);
        self.0.iter().for_each(|line| table.row(line.to_vec()));
        println!();
        table.print(3);
    }
}

/// The one in the middle.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<_> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    let upper = figures.len() / 2;
    match figures.get(upper) {
        Some(figure) if figures.len() % 2 == 1 => *figure,
        Some(figure) => (figures[upper - 1] + figure) / 2.0,
        None => f64::NAN,
    }
}

/// Ratios of the same rounds of two servers: median, lowest and highest.
pub(crate) fn ratios(figures: &[f64], reference: &[f64]) -> String {
    let ratios: Vec<_> = figures.iter().zip(reference).map(|(figure, reference)| figure / reference).collect();
    let lowest = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = ratios.iter().copied().fold(0.0, f64::max);
    format!("{:.3} (median of the rounds' ratios, {lowest:.3} to {highest:.3})", median(ratios))
}

/// Milliseconds below which this share of the latencies is.
pub(crate) fn quantile_ms(latencies: &Histogram<u64>, share: f64) -> f64 {
    latencies.value_at_quantile(share) as f64 / 1000.0
}

/// p50, p99 and the longest, in milliseconds.
pub(crate) fn latency(latencies: &Histogram<u64>) -> [String; 3] {
    [0.5, 0.99, 1.0].map(|share| format!("{:.2}", quantile_ms(latencies, share)))
}

/// The same as one text.
pub(crate) fn latency_text(latencies: &Histogram<u64>) -> String {
    let [p50, p99, longest] = latency(latencies);
    format!("p50 {p50} ms, p99 {p99} ms, longest {longest} ms")
}

/// A time in milliseconds.
pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", 1000.0 * time.as_secs_f64())
}

/// A number with its thousands apart.
pub(crate) fn thousands(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
    }

    #[test]
    fn thousands_are_apart() {
        assert_eq!(
            ["0", "999", "1,000", "1,234,567"],
            [0.0, 999.0, 1000.0, 1_234_567.0].map(thousands).each_ref().map(|it| &**it)
        );
    }
}
