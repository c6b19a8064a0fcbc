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
