//! Which text the chat carries.

/// Whether XML can carry `text`, so that it reaches every node as it is: no control characters but
/// tab, line feed and carriage return, no U+FFFE or U+FFFF (protocol, section 12, row 6).
#[must_use]
pub fn is_carried(text: &str) -> bool {
    text.chars().all(|character| match character {
        '\t' | '\n' | '\r' => true,
        '\u{FFFE}' | '\u{FFFF}' => false,
        character => character >= ' ',
    })
}

/// Whether `text` has at most `chars_max` code points.
#[must_use]
pub fn fits(text: &str, chars_max: usize) -> bool {
    // A code point has a byte at least: most text need not be counted.
    text.len() <= chars_max || text.chars().count() <= chars_max
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_carried_unless_xml_has_no_place_for_one_of_its_characters() {
        for good in ["", "hello", "a\tb\nc\rd", "Füchse 🦊", "\u{7f}\u{85}\u{FFFD}\u{10FFFF}"] {
            assert!(is_carried(good), "{good:?}");
        }
        for bad in ["\0", "a\u{1}", "\u{1b}[31m", "\u{FFFE}", "\u{FFFF}"] {
            assert!(!is_carried(bad), "{bad:?}");
        }
    }

    #[test]
    fn length_counts_code_points() {
        assert!(fits("🦊🦊", 2));
        assert!(!fits("🦊🦊a", 2));
    }
}
