//! A client's request to delete a room.

use chat_protocol::{ErrorCode, RoomUser};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::Session;
use crate::deletion::delete;
use crate::room::Refusal;

impl Session {
    /// The tests in their order are those of protocol, section 9.
    pub(super) async fn try_delete(&self, RoomUser { room_id, username }: RoomUser) -> Result<(), Refusal> {
        if room_id.is_empty() || username.is_empty() {
            return Err(Refusal::new(ErrorCode::INVALID_REQUEST, "Missing room_id or username"));
        }
        let room = self.node.rooms.get(&room_id).ok_or_else(Refusal::room_not_found)?;
        let transaction_id = Uuid::new_v4().to_string();
        room.begin_deletion(username, self.outbox.clone(), transaction_id.clone()).await?;
        // Whatever becomes of the client, what is begun is brought to an end.
        let (node, outbox) = (self.node.clone(), self.outbox.clone());
        let (done, finished) = oneshot::channel::<()>();
        self.node.work.spawn(async move {
            delete(&node, &room, outbox, transaction_id).await;
            drop(done);
        });
        // Its error is how it tells.
        let _ = finished.await;
        Ok(())
    }
}
