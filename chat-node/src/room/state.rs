//! How far a room's deletion has come, as the room knows it (protocol, section 9).

use tokio::time::{Duration, Instant};

/// How long a peer may leave a room that it prepared to delete undecided; then the room is active
/// again (protocol, section 12, row 16). Longer than the three phases of a deletion together.
const UNDECIDED_MAX: Duration = Duration::from_secs(30);

/// How far a room's deletion has come.
#[derive(Debug)]
pub(super) enum State {
    Active,
    /// Votes are being asked for. Everything goes on: what is taken now reaches everybody before the
    /// deletion does.
    DeletionPending,
    /// A peer has prepared a deletion, which is not its business: nothing comes of it.
    PreparedByPeer {
        until: Instant,
    },
    /// All have agreed: nothing is taken any more (protocol, section 12, row 17).
    Committing,
}

impl State {
    /// As a peer's vote leaves it.
    pub(super) fn prepared_by_peer() -> Self {
        Self::PreparedByPeer { until: Instant::now() + UNDECIDED_MAX }
    }

    pub(super) fn is_sealed(&self) -> bool {
        matches!(self, Self::Committing)
    }

    /// The state's name on the wire; nothing when the room is active.
    pub(super) fn obstacle(&self) -> Option<&'static str> {
        match self {
            Self::PreparedByPeer { until } if Instant::now() >= *until => None,
            Self::Active => None,
            Self::DeletionPending | Self::PreparedByPeer { .. } => Some("DELETION_PENDING"),
            Self::Committing => Some("COMMITTING"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protocol, section 12, row 16.
    #[tokio::test(start_paused = true)]
    async fn a_room_that_a_peer_left_undecided_is_active_again_after_some_time() {
        let state = State::prepared_by_peer();
        tokio::time::advance(UNDECIDED_MAX.checked_sub(Duration::from_millis(1)).unwrap()).await;
        assert_eq!(state.obstacle(), Some("DELETION_PENDING"));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(state.obstacle(), None);
    }
}
