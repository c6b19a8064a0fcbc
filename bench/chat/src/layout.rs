//! Finding what is checked in a delivery without parsing it: where it was last time, or else by a
//! search.

use crate::frame::find;
use crate::token::{MARK, TOKEN_BYTES, Token};

/// What stands before a message's number in a node's frame.
const NUMBER_KEY: &[u8; 18] = b"\"sequence_number\":";

/// A message, as a client received it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery {
    /// What the sender put into it.
    pub(crate) token: Token,
    /// The room's number for it; 0 from a server that numbers nothing.
    pub(crate) number: u32,
}

/// Where things were in the last delivery.
#[derive(Debug)]
pub(crate) struct Layout {
    token_at: usize,
    /// Behind the key; nothing for a server that numbers nothing.
    number_at: Option<usize>,
}

impl Layout {
    /// For a server that numbers its messages, or does not.
    pub(crate) fn new(numbered: bool) -> Self {
        Self { token_at: 0, number_at: numbered.then_some(0) }
    }

    /// Reads a text frame; nothing when it is no delivery.
    pub(crate) fn read(&mut self, text: &[u8]) -> Option<Delivery> {
        let token = self.token(text)?;
        let Some(number_at) = self.number_at else { return Some(Delivery { token, number: 0 }) };
        let number_at = if is_at(text, number_at) { number_at } else { find(text, NUMBER_KEY)? + NUMBER_KEY.len() };
        self.number_at = Some(number_at);
        Some(Delivery { token, number: digits(&text[number_at..]) })
    }

    fn token(&mut self, text: &[u8]) -> Option<Token> {
        let at = |place: usize| Token::from_bytes(text.get(place..)?.first_chunk::<TOKEN_BYTES>()?);
        at(self.token_at).or_else(|| {
            self.token_at = find(text, MARK)?;
            at(self.token_at)
        })
    }
}

/// The number of the message that a node's answer is about; 0 when it names none.
pub(crate) fn number(text: &str) -> u32 {
    find(text.as_bytes(), NUMBER_KEY).map_or(0, |at| digits(&text.as_bytes()[at + NUMBER_KEY.len()..]))
}

fn is_at(text: &[u8], number_at: usize) -> bool {
    number_at.checked_sub(NUMBER_KEY.len()).and_then(|start| text.get(start..number_at)) == Some(NUMBER_KEY)
}

fn digits(text: &[u8]) -> u32 {
    let digits = text.iter().map_while(|byte| byte.is_ascii_digit().then(|| u32::from(byte - b'0')));
    digits.fold(0, |number, digit| number.wrapping_mul(10).wrapping_add(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_and_number_are_found_wherever_they_are() {
        let token = Token { sender: 1, counter: 2, sent_us: 3 };
        let bytes = token.to_bytes();
        let content = str::from_utf8(&bytes).unwrap();
        let mut layout = Layout::new(true);
        for (text, number) in [
            (format!(r#"{{"content":"{content}..","sequence_number":7,"timestamp":""}}"#), 7),
            (format!(r#"{{"content":"{content}..","sequence_number":123456,"timestamp":""}}"#), 123_456),
            (format!(r#"{{"sequence_number":89,"content":"{content}"}}"#), 89),
        ] {
            let delivery = layout.read(text.as_bytes()).unwrap();
            assert_eq!((delivery.token, delivery.number), (token, number), "{text}");
        }
        assert!(layout.read(br#"{"type":"message_sent","data":{"sequence_number":89}}"#).is_none());
        assert_eq!(Layout::new(false).read(&bytes).map(|delivery| delivery.number), Some(0));
        assert_eq!(number(r#"{"sequence_number":89}"#), 89);
    }
}
