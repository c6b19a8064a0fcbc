//! What is said: a line that knows which it is and when it was due and sent.

use std::time::{Duration, Instant};

/// A line of a talk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Line {
    /// Lines count from 0.
    pub(crate) number: u64,
    pub(crate) due: Instant,
}

impl Line {
    /// The line as a text of so many letters, for who knows when the talk began.
    pub(crate) fn text(self, start: Instant, size: usize) -> String {
        let due = self.due.saturating_duration_since(start).as_nanos();
        format!("{:x<size$}", format!("{} {due} ", self.number))
    }

    /// Reads such a text; nothing of any other.
    pub(crate) fn of_text(text: &str, start: Instant) -> Option<Self> {
        let mut words = text.split(' ');
        let number = words.next()?.parse().ok()?;
        let due = Duration::from_nanos(words.next()?.parse().ok()?);
        Some(Self { number, due: start.checked_add(due)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let start = Instant::now();
        for nanoseconds in [0, 1_234_567_890, 86_400_000_000_000] {
            let line = Line { number: 17, due: start + Duration::from_nanos(nanoseconds) };
            let text = line.text(start, 100);
            assert_eq!((text.len(), Line::of_text(&text, start)), (100, Some(line)), "{text}");
        }
        for other in ["", "hello", "1", "1 x", "-1 5 x", "1 99999999999999999999 x"] {
            assert_eq!(Line::of_text(other, start), None, "{other}");
        }
    }
}
