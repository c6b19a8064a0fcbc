//! Received text, made fit for a terminal.
//!
//! What others send may hold anything: sequences that move the cursor, retitle the window, or turn the
//! reading direction of what follows around. None of that reaches the terminal as it is.

use std::borrow::Cow;
use std::fmt::Write;

use chat_protocol::name::is_unseen;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How a line break looks where everything has to be one line.
const LINE_BREAK: &str = "⏎";

/// Width of a tab that is shown as spaces.
const TAB: &str = "    ";

/// `text` on one line: breaks as `⏎`, what a terminal would obey as an escape such as `\u{1b}`.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' => shown.push_str(LINE_BREAK),
            '\t' => shown.push_str(TAB),
            obeyed if is_obeyed(obeyed) => shown.extend(obeyed.escape_unicode()),
            plain => shown.push(plain),
        }
    }
    Cow::Owned(shown)
}

/// The lines of `text`, each as [`one_line`] shows it.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.split('\n').map(|line| one_line(line.strip_suffix('\r').unwrap_or(line)))
}

/// JSON, with what a terminal would obey in its strings as `\u` escapes; it means the same.
pub(crate) fn json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_obeyed(character) {
            // Writing to a text cannot fail.
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(character);
        }
    }
    shown
}

/// The time of day in `zone`, `HH:MM:SS`, of a timestamp of the chat. One without an offset (protocol, section 4)
/// is shown as the original's client cuts it out.
pub(crate) fn time_of_day(timestamp: &str, zone: &TimeZone) -> String {
    if let Ok(instant) = timestamp.parse::<Timestamp>() {
        return zone.to_datetime(instant).strftime("%H:%M:%S").to_string();
    }
    let time = timestamp.split_once('T').and_then(|(_, time)| time.get(..8));
    let time = time.filter(|time| time.bytes().all(|byte| byte.is_ascii_digit() || byte == b':'));
    time.unwrap_or("--:--:--").to_owned()
}

/// Control characters, marks that change the direction of the text around them, and what is not seen at all, but
/// for what joins and selects signs.
fn is_obeyed(character: char) -> bool {
    let joins = matches!(character, '\u{200C}' | '\u{200D}' | '\u{FE0E}' | '\u{FE0F}');
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') || (is_unseen(character) && !joins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(one_line("\u{1b}[2J\u{7}\u{9b}31m"), r"\u{1b}[2J\u{7}\u{9b}31m");
        assert_eq!(one_line("a\u{202e}b\0"), r"a\u{202e}b\u{0}");
        assert_eq!(one_line("\u{7f}\r"), r"\u{7f}\u{d}");
        assert_eq!(one_line("al\u{200b}ice\u{3164}"), r"al\u{200b}ice\u{3164}");
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        for text in ["", "Füchse 🦊👩‍🚀", "你好, мир", "שלום"] {
            assert!(matches!(one_line(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn json_means_the_same_without_what_a_terminal_would_obey() {
        let content = "\u{9b}31m \u{7f}\u{202e} ü\u{e0041}";
        let shown = json(&serde_json::to_string(content).unwrap());
        assert_eq!(shown, r#""\u009b31m \u007f\u202e ü\udb40\udc41""#);
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), content);
    }

    #[test]
    fn a_time_is_the_one_of_the_readers_zone() {
        let five_hours_behind = TimeZone::fixed(jiff::tz::offset(-5));
        for timestamp in ["2026-11-21T14:20:07.123456+00:00", "2026-11-21T14:20:07Z", "2026-11-21T15:20:07+01:00"] {
            assert_eq!(time_of_day(timestamp, &TimeZone::UTC), "14:20:07", "{timestamp}");
            assert_eq!(time_of_day(timestamp, &five_hours_behind), "09:20:07", "{timestamp}");
        }
    }

    #[test]
    fn a_time_without_an_offset_is_cut_out_if_it_is_one() {
        assert_eq!(time_of_day("2026-11-21T14:20:07.123456", &TimeZone::UTC), "14:20:07");
        for wrong in ["", "now", "T", "2026T\u{1b}[31m567890", "2026T14:20"] {
            assert_eq!(time_of_day(wrong, &TimeZone::UTC), "--:--:--", "{wrong:?}");
        }
    }

    #[test]
    fn line_breaks_are_shown_or_obeyed() {
        assert_eq!(one_line("one\r\ntwo\nthree\tend"), "one⏎two⏎three    end");
        assert_eq!(lines("one\r\ntwo\n\u{1b}").collect::<Vec<_>>(), ["one", "two", r"\u{1b}"]);
    }
}
