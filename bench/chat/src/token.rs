//! What a message of the load carries: who sent it, as which of its messages, and when.
//!
//! It has a fixed width and letters only, so that it stands in JSON as it is, is found by its mark,
//! and is read without a parser.

/// What a token begins with; nothing else that a server sends holds it.
pub(crate) const MARK: &[u8; 8] = b"bench-@:";

/// Letters of a number of 32 bits: `a` to `p`, four bits each.
const NUMBER_LETTERS: usize = 8;

/// Bytes of a token with its mark.
pub(crate) const TOKEN_BYTES: usize = MARK.len() + 3 * NUMBER_LETTERS;

/// Who sent a message, as which of its messages, and when.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Token {
    /// The sender's index in its fleet.
    pub(crate) sender: u32,
    /// Counts the sender's messages from 1.
    pub(crate) counter: u32,
    /// Microseconds of the fleet's clock.
    pub(crate) sent_us: u32,
}

impl Token {
    /// The token with its mark.
    pub(crate) fn to_bytes(self) -> [u8; TOKEN_BYTES] {
        let mut bytes = [0; TOKEN_BYTES];
        bytes[..MARK.len()].copy_from_slice(MARK);
        let numbers = bytes[MARK.len()..].chunks_exact_mut(NUMBER_LETTERS);
        for (letters, number) in numbers.zip([self.sender, self.counter, self.sent_us]) {
            for (place, letter) in letters.iter_mut().rev().enumerate() {
                *letter = b'a' + (number >> (4 * place) & 15) as u8;
            }
        }
        bytes
    }

    /// Reads a token; nothing when there is no mark.
    pub(crate) fn from_bytes(bytes: &[u8; TOKEN_BYTES]) -> Option<Self> {
        let (mark, numbers) = bytes.split_first_chunk()?;
        let (sender, numbers) = numbers.split_first_chunk()?;
        let (counter, numbers) = numbers.split_first_chunk()?;
        let (sent_us, _) = numbers.split_first_chunk()?;
        (mark == MARK).then(|| Self { sender: number(*sender), counter: number(*counter), sent_us: number(*sent_us) })
    }
}

/// Packs eight letters into 32 bits, all at once: half of the gaps between them closes in each step.
fn number(letters: [u8; NUMBER_LETTERS]) -> u32 {
    let spread = u64::from_be_bytes(letters).wrapping_sub(0x6161_6161_6161_6161);
    let bytes = (spread | spread >> 4) & 0x00ff_00ff_00ff_00ff;
    let words = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    (words | words >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for number in [0, 1, 15, 16, 0x1234_5678, 0xfedc_ba98, u32::MAX] {
            let token = Token { sender: number, counter: number.wrapping_add(1), sent_us: !number };
            assert_eq!(Token::from_bytes(&token.to_bytes()), Some(token));
        }
        assert_eq!(Token::from_bytes(&[b'a'; TOKEN_BYTES]), None);
    }
}
