//! WebSocket frames, written once for all clients: what a server sends is not masked, so each gets
//! the same bytes.

use axum::body::Bytes;
use chat_protocol::ServerMessage;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// Frames that a client gets as one piece, unless one is larger; a client that is dropped gets the piece
/// at hand whole.
const PIECE_BYTES_MAX: usize = 64 * 1024;

/// Whole frames, one after the other, that are written at one go.
#[derive(Debug, Default)]
pub(crate) struct Frames(Vec<u8>);

impl Frames {
    /// Appends a text frame with this message.
    pub(crate) fn push(&mut self, message: &ServerMessage) {
        let json = message.to_json();
        let header = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
        // Neither fails: the length is that of text in memory, and a `Vec` takes everything.
        let _ = header.format(json.len() as u64, &mut self.0);
        self.0.extend_from_slice(json.as_bytes());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is enough for a piece.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= PIECE_BYTES_MAX
    }

    /// The frames' bytes; none are left.
    pub(crate) fn take(&mut self) -> Bytes {
        // Exact, as it may stay in queues for a while.
        std::mem::take(&mut self.0).into_boxed_slice().into()
    }
}

/// One text frame with this message.
pub(crate) fn frame(message: &ServerMessage) -> Bytes {
    let mut frames = Frames::default();
    frames.push(message);
    frames.take()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat_protocol::Failure;

    #[test]
    fn a_frame_is_final_text_without_a_mask_in_each_of_its_three_lengths() {
        for (length, header) in [(10, 2), (1000, 4), (70_000, 10)] {
            let message = ServerMessage::Error(Failure::new("x".repeat(length)));
            let frame = frame(&message);
            assert_eq!(frame[0], 0x81);
            assert_eq!(frame[1] & 0x80, 0);
            assert_eq!(&frame[header..], message.to_json().as_bytes());
        }
    }
}
