//! Times, for people.

use std::time::Duration;

/// A time as people say it: `16 ms`, `4.2 s`.
#[must_use]
pub fn for_people(time: Duration) -> String {
    match time.as_millis() {
        milliseconds @ ..1000 => format!("{milliseconds} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_below_a_second_is_told_in_milliseconds() {
        assert_eq!(for_people(Duration::from_millis(16)), "16 ms");
        assert_eq!(for_people(Duration::from_millis(4240)), "4.2 s");
    }
}
