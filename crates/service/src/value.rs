//! Parsers for the values of settings, whose errors say what is accepted.

use std::net::IpAddr;
use std::time::Duration;

/// Parses a time: a number with a unit (`500ms`, `3s`, `1m 30s`), or seconds without (`3`, `0.5`).
///
/// # Errors
/// Says what is accepted.
pub fn duration(text: &str) -> Result<Duration, String> {
    let seconds = || text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    humantime::parse_duration(text)
        .ok()
        .or_else(seconds)
        .ok_or_else(|| "accepted is a time such as 500ms, 3s or 2m".to_owned())
}

/// Parses a time as [`duration`] does, and refuses zero.
///
/// # Errors
/// Says what is accepted.
pub fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("accepted is a time longer than zero, such as 500ms, 3s or 2m".to_owned()),
        time => Ok(time),
    }
}

/// Parses a TCP port; 0 lets the system choose.
///
/// # Errors
/// Says what is accepted.
pub fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "accepted is a port number from 0 (any free one) to 65535".to_owned())
}

/// Parses an IP address.
///
/// # Errors
/// Says what is accepted.
pub fn ip_address(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| "accepted is an IP address such as 127.0.0.1, 0.0.0.0 (all IPv4) or :: (all)".to_owned())
}

/// Parses a switch.
///
/// # Errors
/// Says what is accepted.
pub fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err("accepted are true and false".to_owned()),
    }
}

/// Parses text that can stand in an HTTP header: visible ASCII and spaces.
pub(crate) fn header_text(text: &str) -> Result<String, String> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(text.to_owned());
    }
    Err("accepted is text of plain ASCII letters, digits, signs and spaces".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_takes_units_or_plain_seconds() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("3s"), Ok(Duration::from_secs(3)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("3"), Ok(Duration::from_secs(3)));
        assert_eq!(duration("0.05"), Ok(Duration::from_millis(50)));
    }

    #[test]
    fn a_time_that_is_none_is_refused_and_the_accepted_forms_named() {
        for wrong in ["", "soon", "-1", "3 parsecs", "inf", "NaN", "1e99"] {
            assert!(duration(wrong).is_err_and(|message| message.contains("500ms")), "{wrong}");
        }
        assert!(positive_duration("0s").is_err_and(|message| message.contains("longer than zero")));
    }

    #[test]
    fn a_name_that_no_header_can_carry_is_refused() {
        assert_eq!(header_text("producer.1@pi1"), Ok("producer.1@pi1".to_owned()));
        assert!(header_text("two\r\nlines").is_err());
        assert!(header_text("Füchse").is_err());
    }
}
