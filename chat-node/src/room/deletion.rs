//! The room's deletion, as far as the room itself is concerned (protocol, section 9).

use std::ops::ControlFlow;

use chat_journal::Record;
use chat_protocol::{DeleteRoomFailed, DeleteRoomInitiated, DeleteRoomSuccess, ErrorCode, RoomDeleted, ServerMessage};
use tokio::sync::oneshot;

use super::actor::Actor;
use super::state::State;
use super::{Flow, Refusal, Room, answer};
use crate::frame::frame;
use crate::outbox::Outbox;

/// The steps of a deletion, and what a peer asks of a room that is not its own.
#[derive(Debug)]
pub(super) enum Command {
    Begin { username: String, requester: Outbox, transaction_id: String, reply: oneshot::Sender<Result<(), Refusal>> },
    Seal { reply: oneshot::Sender<Result<(), String>> },
    Finish { requester: Outbox, transaction_id: String, reply: oneshot::Sender<()> },
    Keep { requester: Outbox, transaction_id: String, reason: String, reply: oneshot::Sender<()> },
    Prepare { reply: oneshot::Sender<Result<(), &'static str>> },
    RollBack,
}

impl From<Command> for super::Command {
    fn from(command: Command) -> Self {
        Self::Deletion(command)
    }
}

impl Room {
    /// Checks whether the user may delete the room now, and tells who is concerned that it begins.
    pub(crate) async fn begin_deletion(
        &self,
        username: String,
        requester: Outbox,
        transaction_id: String,
    ) -> Result<(), Refusal> {
        let begin = |reply| Command::Begin { username, requester, transaction_id, reply };
        self.ask(begin).await.unwrap_or_else(|| Err(Refusal::room_not_found()))
    }

    /// From now on the room takes nothing, and the journal has it no more.
    ///
    /// # Errors
    /// Why not; the room goes on as before.
    pub(crate) async fn seal(&self) -> Result<(), String> {
        // A room that is gone is sealed.
        self.ask(|reply| Command::Seal { reply }).await.unwrap_or(Ok(()))
    }

    /// Ends the room and tells its clients.
    pub(crate) async fn finish_deletion(&self, requester: Outbox, transaction_id: String) {
        self.ask(|reply| Command::Finish { requester, transaction_id, reply }).await;
    }

    /// The room stays, for this reason.
    pub(crate) async fn keep(&self, requester: Outbox, transaction_id: String, reason: String) {
        self.ask(|reply| Command::Keep { requester, transaction_id, reason, reply }).await;
    }

    /// A peer prepares a deletion.
    ///
    /// # Errors
    /// The state that the room is in.
    pub(crate) async fn prepare(&self) -> Result<(), &'static str> {
        // A room that is gone has nothing against it.
        self.ask(|reply| Command::Prepare { reply }).await.unwrap_or(Ok(()))
    }

    /// A peer takes back what it prepared.
    pub(crate) async fn roll_back(&self) {
        self.tell(Command::RollBack).await;
    }
}

impl Actor {
    /// The order of frames at the requester, who may be in the room: initiated, initiated, success or
    /// failure, `room_deleted`.
    pub(super) async fn handle_deletion(&mut self, command: Command) -> Flow {
        match command {
            Command::Begin { username, requester, transaction_id, reply } => {
                answer(reply, self.begin_deletion(username, &requester, transaction_id));
            }
            Command::Seal { reply } => answer(reply, self.seal().await),
            Command::Finish { requester, transaction_id, reply } => {
                self.finish_deletion(&requester, transaction_id, reply);
                return ControlFlow::Break(());
            }
            Command::Keep { requester, transaction_id, reason, reply } => {
                self.state = State::Active;
                requester.push(frame(&ServerMessage::DeleteRoomFailed(DeleteRoomFailed {
                    room_id: self.listing.room_id.clone(),
                    reason,
                    error_code: ErrorCode::DELETION_FAILED,
                    transaction_id: Some(transaction_id),
                })));
                answer(reply, ());
            }
            Command::Prepare { reply } => {
                let vote = self.state.obstacle().map_or(Ok(()), Err);
                if vote.is_ok() {
                    self.state = State::prepared_by_peer();
                }
                answer(reply, vote);
            }
            Command::RollBack => {
                if matches!(self.state, State::PreparedByPeer { .. }) {
                    self.state = State::Active;
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn begin_deletion(&mut self, username: String, requester: &Outbox, transaction_id: String) -> Result<(), Refusal> {
        if username != self.listing.creator_id {
            return Err(Refusal::new(ErrorCode::UNAUTHORIZED, "Only the room creator can delete the room"));
        }
        if let Some(state) = self.state.obstacle() {
            let reason = format!("Room is in {state} state, cannot delete");
            return Err(Refusal::new(ErrorCode::INVALID_STATE, reason));
        }
        self.state = State::DeletionPending;
        let initiated = |initiator, transaction_id| {
            frame(&ServerMessage::DeleteRoomInitiated(DeleteRoomInitiated {
                room_id: self.listing.room_id.clone(),
                initiator,
                transaction_id,
                status: "in_progress".to_owned(),
            }))
        };
        requester.push(initiated(None, Some(transaction_id)));
        self.audience.publish(&initiated(Some(username), None), 0);
        Ok(())
    }

    async fn seal(&mut self) -> Result<(), String> {
        let room_id = self.listing.room_id.clone();
        if let Some(journal) = &self.context.journal
            && let Err(error) = journal.write(vec![Record::RoomDeleted { room_id: room_id.clone() }]).await
        {
            error.log(&format!("room {room_id} is not deleted"));
            return Err(format!("The deletion cannot be recorded: {error}"));
        }
        self.state = State::Committing;
        self.unwritten.clear();
        Ok(())
    }

    fn finish_deletion(&mut self, requester: &Outbox, transaction_id: String, reply: oneshot::Sender<()>) {
        let room_id = self.listing.room_id.clone();
        requester.push(frame(&ServerMessage::DeleteRoomSuccess(DeleteRoomSuccess {
            room_id: room_id.clone(),
            transaction_id,
            message: "Room deleted successfully".to_owned(),
        })));
        let room_name = self.listing.room_name.clone();
        let deleted = ServerMessage::RoomDeleted(RoomDeleted {
            room_id,
            message: Some(format!("Room '{room_name}' has been deleted")),
            room_name,
            transaction_id: None,
        });
        self.audience.publish(&frame(&deleted), 0);
        answer(reply, ());
    }
}
