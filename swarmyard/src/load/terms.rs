//! What a run is about, in words.

use std::time::Duration;

use super::latency::Latency;
use super::tally::Tally;

/// What a run is about, in words.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// What is asked, and how.
    pub(crate) title: String,
    /// What is counted.
    pub(crate) things: &'static str,
    /// Latencies that are shown side by side; conditions are about the last one.
    pub(crate) columns: &'static [Column],
    /// In one line, what makes the columns differ.
    pub(crate) explanation: Option<&'static str>,
    /// How long it is to take.
    pub(crate) duration: Duration,
}

/// A latency.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) of: fn(&Tally) -> &Latency,
}

/// The closed loop has one latency: nobody asks while the server does not answer.
pub(crate) const CLOSED: &[Column] = &[MEASURED];

/// The open loop has two.
pub(crate) const OPEN: &[Column] = &[MEASURED, Column { name: "felt", of: |tally| &tally.felt }];

/// A chat has one for who speaks, and one for who listens.
pub(crate) const CHAT: &[Column] =
    &[Column { name: "confirmed", of: |tally| &tally.measured }, Column { name: "delivered", of: |tally| &tally.felt }];

const MEASURED: Column = Column { name: "measured", of: |tally| &tally.measured };

impl Terms {
    /// The latencies, in the order of their columns.
    pub(crate) fn latencies<'a>(&self, tally: &'a Tally) -> Vec<&'a Latency> {
        self.columns.iter().map(|column| (column.of)(tally)).collect()
    }
}
