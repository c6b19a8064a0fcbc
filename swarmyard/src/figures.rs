//! Figures, for people.

use std::time::Duration;

/// What a bar is made of, from one eighth of a column to a whole one.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// A number with its thousands apart: `1,234,567`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// The same of a rate, without decimals.
pub(crate) fn whole(rate: f64) -> String {
    // A rate is no less than zero, and no machine reaches the end of the range.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    thousands(rate.round() as u64)
}

/// A latency with the digits that count: `0.18 ms`, `12.3 ms`, `1.02 s`.
pub(crate) fn latency(time: Duration) -> String {
    match milliseconds(time) {
        few @ ..9.995 => format!("{few:.2} ms"),
        some @ ..99.95 => format!("{some:.1} ms"),
        many @ ..999.5 => format!("{many:.0} ms"),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}

/// A time in milliseconds, as programs want it.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// How many a second; none in no time.
pub(crate) fn per_second(count: u64, time: Duration) -> f64 {
    if time.is_zero() {
        return 0.0;
    }
    #[allow(clippy::cast_precision_loss)]
    let count = count as f64;
    count / time.as_secs_f64()
}

/// How many percent of all; nothing is none of it.
pub(crate) fn percent(part: u64, all: u64) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    let (part, all) = (part as f64, all.max(1) as f64);
    100.0 * part / all
}

/// A bar of at most `width` columns, as long as `part` is of `most`; what is there at all is seen.
pub(crate) fn bar(part: u64, most: u64, width: usize) -> String {
    let eighths = u128::from(part.min(most)) * 8 * width as u128 / u128::from(most.max(1));
    // No more than eight times the width.
    let eighths = usize::try_from(eighths).unwrap_or_default().max(usize::from(part > 0 && width > 0));
    let mut bar = EIGHTHS[7].to_string().repeat(eighths / 8);
    bar.extend((eighths % 8).checked_sub(1).map(|rest| EIGHTHS[rest]));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0.4, 999.5, 38_213.7].map(whole), ["0", "1,000", "38,214"]);
    }

    #[test]
    fn a_latency_has_the_digits_that_count() {
        let times = [0, 180, 9_994, 9_996, 12_345, 99_960, 123_456, 999_600, 1_020_000];
        let shown = times.map(|time| latency(Duration::from_micros(time)));
        let expected = ["0.00 ms", "0.18 ms", "9.99 ms", "10.0 ms", "12.3 ms", "100 ms", "123 ms", "1.00 s", "1.02 s"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_bar_is_as_long_as_its_share_and_what_is_there_is_seen() {
        assert_eq!(bar(10, 10, 4), "████");
        assert_eq!(bar(5, 10, 4), "██");
        assert_eq!(bar(3, 10, 4), "█▏");
        assert_eq!(bar(1, 1_000_000, 4), "▏");
        assert_eq!([bar(0, 10, 4), bar(0, 0, 4), bar(1, 1, 0)], ["", "", ""]);
        assert_eq!(bar(u64::MAX, u64::MAX, 3), "███");
    }
}
