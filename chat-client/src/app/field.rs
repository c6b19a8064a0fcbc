//! A line to type into.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::{Input, InputRequest};

/// A line of text with a cursor and a limit.
#[derive(Debug)]
pub(crate) struct Field {
    input: Input,
    chars_max: usize,
    /// The text is a proposal, which the first sign that is typed or pasted replaces, as if it were selected.
    is_proposal: bool,
}

impl Field {
    /// A field with `text` in it that takes `chars_max` code points.
    pub(crate) fn new(text: &str, chars_max: usize) -> Self {
        Self { input: Input::new(text.chars().take(chars_max).collect()), chars_max, is_proposal: false }
    }

    /// A field that proposes `text`: Enter takes it as it is, typing replaces it, and the other keys edit it.
    pub(crate) fn proposing(text: &str, chars_max: usize) -> Self {
        Self { is_proposal: true, ..Self::new(text, chars_max) }
    }

    pub(crate) fn is_proposal(&self) -> bool {
        self.is_proposal
    }

    pub(crate) fn text(&self) -> &str {
        self.input.value()
    }

    /// The text before and after the cursor.
    pub(crate) fn around_cursor(&self) -> (&str, &str) {
        let text = self.input.value();
        let index = text.char_indices().nth(self.input.cursor()).map_or(text.len(), |(index, _)| index);
        text.split_at(index)
    }

    /// Takes the text out.
    pub(crate) fn take(&mut self) -> String {
        self.input.value_and_reset()
    }

    /// Takes in what was pasted, with its line breaks; false when it was too much.
    pub(crate) fn paste(&mut self, text: &str) -> bool {
        // Terminals paste line breaks as the Enter key sends them.
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        text.chars().all(|character| self.insert(character))
    }

    /// Takes in a key; false when it is none for a line of text.
    pub(crate) fn key(&mut self, key: KeyEvent) -> bool {
        use InputRequest as Do;
        let (control, alt) = (key.modifiers.contains(KeyModifiers::CONTROL), key.modifiers.contains(KeyModifiers::ALT));
        let request = match key.code {
            KeyCode::Char(letter) if control || alt => match letter {
                'a' if control => Do::GoToStart,
                'e' if control => Do::GoToEnd,
                'b' if alt => Do::GoToPrevWord,
                'f' if alt => Do::GoToNextWord,
                'w' if control => Do::DeletePrevWord,
                'd' if alt => Do::DeleteNextWord,
                'u' if control => Do::DeleteFromStart,
                'k' if control => Do::DeleteTillEnd,
                'y' if control => Do::Yank,
                'h' if control => Do::DeletePrevChar,
                _ => return false,
            },
            KeyCode::Char(letter) => {
                self.insert(letter);
                return true;
            }
            KeyCode::Backspace if control || alt => Do::DeletePrevWord,
            KeyCode::Backspace | KeyCode::Delete if self.is_proposal => Do::DeleteLine,
            KeyCode::Backspace => Do::DeletePrevChar,
            KeyCode::Delete => Do::DeleteNextChar,
            KeyCode::Left if control || alt => Do::GoToPrevWord,
            KeyCode::Right if control || alt => Do::GoToNextWord,
            KeyCode::Left => Do::GoToPrevChar,
            KeyCode::Right => Do::GoToNextChar,
            KeyCode::Home => Do::GoToStart,
            KeyCode::End => Do::GoToEnd,
            _ => return false,
        };
        self.is_proposal = false;
        self.input.handle(request);
        true
    }

    fn insert(&mut self, character: char) -> bool {
        if std::mem::take(&mut self.is_proposal) {
            self.input.reset();
        }
        let fits = self.input.value().chars().count() < self.chars_max;
        if fits {
            self.input.handle(InputRequest::InsertChar(character));
        }
        fits
    }
}
