//! Names that people give to themselves and to rooms: what looks alike is alike, and everything in them is seen.
//!
//! The original takes any text, so names from its nodes and clients may be otherwise: they are kept as they are,
//! and shown with care.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, WhiteSpace};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Why a text is no name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unfit {
    /// Nothing of it can be seen.
    #[error("has nothing that can be seen")]
    Blank,
    /// A line break, a tab, or another control character.
    #[error("contains a line break or another control character (U+{:04X})", u32::from(*.0))]
    Control(char),
    /// A character that takes no room, or turns the direction of writing.
    #[error("contains a character that cannot be seen (U+{:04X})", u32::from(*.0))]
    Unseen(char),
}

/// A name in its one form: composed (Unicode's normalisation form C).
#[must_use]
pub fn normalise(name: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(name)
}

/// Checks a name that is given here.
///
/// # Errors
/// [`Unfit`], which says what is wrong with it.
pub fn check(name: &str) -> Result<(), Unfit> {
    let mut before = None;
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        if is_control(character) {
            return Err(Unfit::Control(character));
        }
        if is_unseen(character) && !shapes(character, before, characters.peek().copied()) {
            return Err(Unfit::Unseen(character));
        }
        before = Some(character);
    }
    if name.chars().any(is_mark_on_screen) { Ok(()) } else { Err(Unfit::Blank) }
}

/// Whether a character is seen neither as a sign nor as a gap, or turns the direction of writing.
#[must_use]
pub fn is_unseen(character: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
        || category(character) == GeneralCategory::Format
}

/// Whether an unseen character changes how its neighbours look, as the joiners in emoji and in the scripts of
/// India and Iran do. Between letters of ASCII it does nothing.
#[must_use]
pub fn shapes(character: char, before: Option<char>, after: Option<char>) -> bool {
    let is_shaped = |character: char| !character.is_ascii() && !is_unseen(character);
    match character {
        // A selector may stand between a sign and its joiner.
        '\u{200C}' | '\u{200D}' => {
            before.is_some_and(|before| is_shaped(before) || before == '\u{FE0F}') && after.is_some_and(is_shaped)
        }
        // As text or as emoji; a digit on a key cap is the only such sign of ASCII.
        '\u{FE0E}' | '\u{FE0F}' => before.is_some_and(is_shaped) || after == Some('\u{20E3}'),
        _ => false,
    }
}

fn is_control(character: char) -> bool {
    matches!(
        category(character),
        GeneralCategory::Control | GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator
    )
}

/// Whether something is seen where this character stands alone.
fn is_mark_on_screen(character: char) -> bool {
    let is_on_others = matches!(category(character), GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark);
    // U+2800 is the Braille pattern without dots.
    let is_gap = CodePointSetData::new::<WhiteSpace>().contains(character) || character == '\u{2800}';
    !(is_on_others || is_gap || is_unseen(character) || is_control(character))
}

fn category(character: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_scripts_are_names() {
        for name in [
            "bob",
            "José",
            "Füchse 🦊👩\u{200d}🚀",
            "你好",
            "שלום",
            "می\u{200c}خواهم",
            "क्\u{200d}ष",
            "❤\u{fe0f}\u{200d}🔥",
            "1\u{fe0f}\u{20e3}",
        ] {
            assert_eq!(check(name), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_no_name_and_no_part_of_one() {
        for blank in ["", "  ", "\u{a0}\u{3000}", "\u{2800}", "\u{301}"] {
            assert_eq!(check(blank), Err(Unfit::Blank), "{blank:?}");
        }
        for (name, unseen) in [
            ("al\u{200b}ice", '\u{200b}'),
            ("al\u{200d}ice", '\u{200d}'),
            ("alice\u{fe0f}", '\u{fe0f}'),
            ("\u{202e}ecila", '\u{202e}'),
            ("\u{2066}alice", '\u{2066}'),
            ("\u{3164}", '\u{3164}'),
            ("so\u{ad}ft", '\u{ad}'),
            ("\u{e0041}", '\u{e0041}'),
        ] {
            assert_eq!(check(name), Err(Unfit::Unseen(unseen)), "{name:?}");
        }
        for (name, control) in
            [("two\nlines", '\n'), ("a\tb", '\t'), ("a\u{9b}b", '\u{9b}'), ("a\u{2028}b", '\u{2028}')]
        {
            assert_eq!(check(name), Err(Unfit::Control(control)), "{name:?}");
        }
        assert_eq!(Unfit::Unseen('\u{202e}').to_string(), "contains a character that cannot be seen (U+202E)");
    }

    #[test]
    fn a_name_has_one_form() {
        assert_eq!(normalise("Jose\u{301}"), "José");
        assert!(matches!(normalise("José"), Cow::Borrowed("José")));
    }
}
