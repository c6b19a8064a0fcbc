//! Times, as JSON has them.

use std::time::{Duration, UNIX_EPOCH};

/// The last moment that RFC 3339 can write: later ones, which only a wrong clock gives, become this one.
const LAST_MILLISECOND: u64 = 253_402_300_799_999;

/// A time in milliseconds since 1970 as RFC 3339.
pub(crate) fn rfc3339(milliseconds: u64) -> String {
    let time = UNIX_EPOCH + Duration::from_millis(milliseconds.min(LAST_MILLISECOND));
    humantime::format_rfc3339_millis(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_no_clock_shows_is_written_too() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_789_000_000_123), "2026-09-10T00:26:40.123Z");
        assert_eq!(rfc3339(u64::MAX), "9999-12-31T23:59:59.999Z");
    }
}
