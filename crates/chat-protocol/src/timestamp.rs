//! Times as the chat writes them.

use std::time::SystemTime;

/// `time` in UTC as `2026-11-21T14:20:07.000000+00:00` (protocol, section 4).
#[must_use]
pub fn timestamp(time: SystemTime) -> String {
    let mut text = humantime::format_rfc3339_micros(time).to_string();
    if text.ends_with('Z') {
        text.pop();
    }
    text.push_str("+00:00");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_time_has_six_digits_of_a_second_and_an_offset() {
        let time = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
        assert_eq!(timestamp(time), "2023-11-14T22:13:20.123456+00:00");
        assert_eq!(timestamp(SystemTime::UNIX_EPOCH), "1970-01-01T00:00:00.000000+00:00");
    }
}
