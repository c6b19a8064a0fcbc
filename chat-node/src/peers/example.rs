//! Calls for tests.

use std::sync::Arc;

use chat_protocol::ChatMessage;
use chat_protocol::xmlrpc::PeerCall;

pub(super) fn message(content: &str) -> Arc<PeerCall> {
    let message = ChatMessage {
        message_id: String::new(),
        room_id: String::new(),
        username: String::new(),
        content: content.to_owned(),
        sequence_number: 1,
        timestamp: String::new(),
    };
    Arc::new(PeerCall::ReceiveMessageBroadcast { room_id: String::new(), message })
}

pub(super) fn rollback() -> Arc<PeerCall> {
    Arc::new(PeerCall::RollbackDeleteRoom { room_id: String::new(), transaction_id: String::new() })
}
