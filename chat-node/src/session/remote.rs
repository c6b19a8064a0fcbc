//! A client's requests that concern rooms of other nodes.

use chat_protocol::limits::ROOM_ID_BYTES_MAX;
use chat_protocol::text::is_carried;
use chat_protocol::xmlrpc::{Accepted, ForwardReply, JoinReply, PeerCall};
use chat_protocol::{ErrorCode, MessageError, MessageSent, ServerMessage};
use tokio::time::Duration;

use super::Session;
use crate::frame::frame;
use crate::peers::{CallError, Peer};
use crate::relay::JoinFailed;
use crate::room::{DISCONNECTED, Refusal};

/// Longest wait for a room's node to take a member; longer than it waits itself for what it has to
/// tell this node before.
const JOIN_TIMEOUT: Duration = Duration::from_secs(5);

/// How often a connection can join a room under one name without leaving it; then it is refused. Each is told
/// to the room's node, and taken back there when the connection ends.
const JOINS_MAX: u32 = 100;

/// A node that cannot be reached has no rooms, as far as anybody can tell (protocol, section 10); one
/// that is there and fails is unavailable.
fn unavailable(error: &CallError) -> Refusal {
    match error {
        CallError::Unreachable { .. } => Refusal::room_not_found(),
        error => {
            let reason = match error.refusal() {
                Some(refusal) => format!("The administrator node refuses this node: {refusal}"),
                None => format!("Failed to contact administrator node: {error}"),
            };
            Refusal::new(ErrorCode::ADMIN_NODE_UNAVAILABLE, reason)
        }
    }
}

impl Session {
    pub(super) async fn join_remote(&self, room_id: &str, username: &str) -> Result<(), Refusal> {
        if room_id.len() > ROOM_ID_BYTES_MAX || !is_carried(room_id) {
            return Err(Refusal::room_not_found());
        }
        let known = self.node.relay.peer(room_id);
        let found = match known {
            Some(peer) => Some(peer),
            None => self.node.peers.find(room_id).await,
        };
        let peer = found.ok_or_else(Refusal::room_not_found)?;
        if self.node.relay.registrations(room_id, self.outbox.id(), username) >= JOINS_MAX {
            let reason = format!("Joined {JOINS_MAX} times already: leave the room first");
            return Err(Refusal::new(ErrorCode::LIMIT_REACHED, reason));
        }
        // A leave under this name that is still on its way would undo the join.
        peer.flush().await;
        if peer.is_to_hear_of_leave(room_id, username) {
            peer.mark().wait().await;
        }
        if peer.is_to_hear_of_leave(room_id, username) {
            let reason = "The administrator node has not heard yet that this name left: try again";
            return Err(Refusal::new(ErrorCode::ADMIN_NODE_UNAVAILABLE, reason));
        }
        self.node.relay.begin_join(room_id, &peer, &self.outbox);
        let call = PeerCall::JoinRoom {
            room_id: room_id.to_owned(),
            username: username.to_owned(),
            client_node_id: self.node.id.to_string(),
        };
        let refusal = match peer.call::<JoinReply>(&call, JOIN_TIMEOUT).await {
            Ok(JoinReply::Joined(joined)) if joined.room_info.room_id == room_id => {
                let failed = match self.node.relay.finish_join(username, &self.outbox, joined) {
                    Ok(()) => return Ok(()),
                    Err(failed) => failed,
                };
                peer.tell(self.disconnected(room_id, username).into());
                match failed {
                    JoinFailed::RoomDeleted => Refusal::room_not_found(),
                    JoinFailed::TooMuch => {
                        // It has missed something, under whatever name.
                        self.leave_remote(room_id, None, Some(DISCONNECTED));
                        Refusal::new(ErrorCode::INTERNAL_ERROR, "Too much happened in the room while you joined")
                    }
                }
            }
            Ok(JoinReply::Joined(_)) => {
                Refusal::new(ErrorCode::ADMIN_NODE_UNAVAILABLE, "The administrator node answered for another room")
            }
            Ok(JoinReply::Refused { message, error_code }) => Refusal::new(error_code, message),
            Err(error) => {
                // It may have been carried out: nobody must stay a member unawares.
                if matches!(error, CallError::TimedOut(_) | CallError::Broken(_) | CallError::Nonsense(_)) {
                    peer.tell(self.disconnected(room_id, username).into());
                }
                unavailable(&error)
            }
        };
        self.node.relay.abandon_join(room_id, &self.outbox);
        self.node.peers.forget_room(room_id);
        Err(refusal)
    }

    /// The client's outbox gets the answer.
    pub(super) async fn send_remote(&self, peer: &Peer, room_id: String, username: String, content: String) {
        let call = PeerCall::ForwardMessage {
            room_id: room_id.clone(),
            username,
            content: Some(content),
            sender_node_id: self.node.id.to_string(),
        };
        let outbox = self.outbox.clone();
        let answer = |reply| {
            let refused = |Refusal { code, reason }, room_id| {
                ServerMessage::MessageError(MessageError { room_id, error: reason, error_code: code })
            };
            match reply {
                Ok(ForwardReply::Accepted(Accepted { message_id, sequence_number, timestamp })) => {
                    ServerMessage::MessageSent(MessageSent { room_id, message_id, sequence_number, timestamp })
                }
                Ok(ForwardReply::Refused { error, error_code }) => refused(Refusal::new(error_code, error), room_id),
                Err(error) => refused(unavailable(&error), room_id),
            }
        };
        peer.forward(call, move |reply| {
            outbox.push(frame(&answer(reply)));
        })
        .await;
    }

    /// Takes one name, or all, out of a room of another node, and tells that node, unless another
    /// connection here holds the name too. It is told that the name has left, or, where there is a
    /// reason, or a join that must not be undone, that its connections are gone, as often as it
    /// registered the name for them.
    pub(super) fn leave_remote(&self, room_id: &str, username: Option<&str>, reason: Option<&str>) {
        let Some(released) = self.node.relay.remove(room_id, self.outbox.id(), username) else { return };
        for (username, registrations) in released.names {
            if reason.is_none() && !released.others_join {
                released.peer.tell(self.left(room_id, username).into());
                continue;
            }
            for _ in 0..registrations.count {
                released.peer.tell(self.disconnected(room_id, &username).into());
            }
            if registrations.may_be_more && !released.others_join {
                released.peer.tell(self.left(room_id, username).into());
            }
        }
    }

    fn left(&self, room_id: &str, username: String) -> PeerCall {
        PeerCall::LeaveRoom { room_id: room_id.to_owned(), username, client_node_id: self.node.id.to_string() }
    }

    fn disconnected(&self, room_id: &str, username: &str) -> PeerCall {
        PeerCall::NotifyMemberDisconnect {
            room_id: room_id.to_owned(),
            username: username.to_owned(),
            member_node_id: self.node.id.to_string(),
            reason: DISCONNECTED.to_owned(),
        }
    }
}
