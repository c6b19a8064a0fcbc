//! WebSocket frames (RFC 6455, section 5.2), as far as the load needs them: whole, uncompressed
//! messages. The servers' frames are found in what was read without being copied.

use anyhow::{Context, ensure};

use crate::token::{MARK, TOKEN_BYTES, Token};

/// Opcode of a text frame.
pub(crate) const TEXT: u8 = 1;
/// Opcode of a close frame.
pub(crate) const CLOSE: u8 = 8;
/// Opcode of a ping.
pub(crate) const PING: u8 = 9;
/// Opcode of a pong.
pub(crate) const PONG: u8 = 10;

/// The key that clients mask with. It is always the same, so that a frame can be made in advance; a
/// server unmasks any key alike.
const KEY: [u8; 4] = [0x5a, 0xc3, 0x96, 0x0f];

/// A server's frame.
pub(crate) struct Frame<'a> {
    /// What kind of frame it is.
    pub(crate) opcode: u8,
    /// What it carries.
    pub(crate) payload: &'a [u8],
}

/// Takes the first frame off `bytes`; nothing when it is not all there yet.
///
/// # Errors
/// When it is a frame that the load's servers do not send: masked, compressed, or a fragment.
pub(crate) fn take_frame<'a>(bytes: &mut &'a [u8]) -> anyhow::Result<Option<Frame<'a>>> {
    let &[first, length, ref rest @ ..] = *bytes else { return Ok(None) };
    ensure!(first & 0xf0 == 0x80 && length < 0x80, "a server sent a masked, compressed or fragmented frame");
    let (length, rest) = match (length, rest) {
        (126, &[a, b, ref rest @ ..]) => (usize::from(u16::from_be_bytes([a, b])), rest),
        (127, rest) => match rest.split_first_chunk() {
            Some((length, rest)) => (usize::try_from(u64::from_be_bytes(*length))?, rest),
            None => return Ok(None),
        },
        (126, _) => return Ok(None),
        (length, rest) => (usize::from(length), rest),
    };
    let Some((payload, rest)) = rest.split_at_checked(length) else { return Ok(None) };
    *bytes = rest;
    Ok(Some(Frame { opcode: first & 15, payload }))
}

/// Appends a client's frame to `out`; gives the place where its payload begins.
pub(crate) fn put_frame(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) -> usize {
    out.push(0x80 | opcode);
    match payload.len() {
        length @ 0..126 => out.push(0x80 | length as u8),
        length @ 126..0x1_0000 => {
            out.push(0x80 | 0x7e);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(0x80 | 0x7f);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&KEY);
    let start = out.len();
    out.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    start
}

/// A message's frame, masked already, of which only the token changes.
#[derive(Debug)]
pub(crate) struct MessageFrame {
    frame: Vec<u8>,
    payload_at: usize,
    token_at: usize,
}

impl MessageFrame {
    /// The frame of a message whose text holds a token, any one.
    ///
    /// # Errors
    /// When it holds none.
    pub(crate) fn new(text: &str) -> anyhow::Result<Self> {
        let token_at = find(text.as_bytes(), MARK).context("the message has no token")?;
        let mut frame = Vec::new();
        let payload_at = put_frame(&mut frame, TEXT, text.as_bytes());
        Ok(Self { frame, payload_at, token_at })
    }

    /// Appends the message with this token to `out`.
    pub(crate) fn put(&self, out: &mut Vec<u8>, token: Token) {
        let start = out.len() + self.payload_at + self.token_at;
        out.extend_from_slice(&self.frame);
        let keys = KEY.iter().cycle().skip(self.token_at % KEY.len());
        for ((place, byte), key) in out[start..start + TOKEN_BYTES].iter_mut().zip(token.to_bytes()).zip(keys) {
            *place = byte ^ key;
        }
    }
}

/// The place of `part` in `whole`.
pub(crate) fn find(whole: &[u8], part: &[u8]) -> Option<usize> {
    whole.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_one_by_one_and_only_when_whole() {
        let mut bytes = vec![0x81, 2, b'h', b'i', 0x82, 126, 1, 0];
        bytes.extend([7; 256]);
        let mut rest = &*bytes;
        assert_eq!(take_frame(&mut rest).unwrap().unwrap().payload, b"hi");
        assert_eq!(take_frame(&mut rest).unwrap().unwrap().payload, [7; 256]);
        assert!(take_frame(&mut rest).unwrap().is_none());
        for end in 0..4 {
            assert!(take_frame(&mut &bytes[..end]).unwrap().is_none(), "{end}");
        }
        for end in 4..bytes.len() {
            assert!(take_frame(&mut &bytes[4..end]).unwrap().is_none(), "{end}");
        }
    }

    #[test]
    fn a_frame_that_no_server_should_send_is_an_error() {
        for wrong in [[0x81, 0x82], [0xc1, 2], [0x01, 2]] {
            assert!(take_frame(&mut &wrong[..]).is_err(), "{wrong:x?}");
        }
    }

    #[test]
    fn a_message_made_in_advance_unmasks_to_its_text_with_the_new_token() {
        let token = |number| Token { sender: number, counter: number, sent_us: number };
        let text = |number| format!("a{}{}", str::from_utf8(&token(number).to_bytes()).unwrap(), "-".repeat(300));
        let mut out = Vec::new();
        MessageFrame::new(&text(0)).unwrap().put(&mut out, token(77));
        let payload: Vec<_> = out[8..].iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        assert_eq!(str::from_utf8(&payload).unwrap(), text(77));
        assert!(MessageFrame::new("none").is_err());
    }
}
