use chat_protocol::peer_nodes::PeerNode;
use tokio_util::bytes::Buf;

use super::*;
use crate::outbox::Queue;
use crate::peers::Peers;

const ROOM: &str = "room";

fn message(number: u32) -> ChatMessage {
    ChatMessage {
        message_id: number.to_string(),
        room_id: ROOM.to_owned(),
        username: "alice".to_owned(),
        content: format!("message {number}."),
        sequence_number: number,
        timestamp: String::new(),
    }
}

fn joined(numbers: impl IntoIterator<Item = u32>) -> Joined {
    Joined {
        message: Joined::NEW.to_owned(),
        room_info: JoinRoomSuccess {
            room_id: ROOM.to_owned(),
            room_name: ROOM.to_owned(),
            description: None,
            members: vec!["bob".to_owned()],
            member_count: 1,
            admin_node: "node2".to_owned(),
        },
        messages: numbers.into_iter().map(message).collect(),
    }
}

/// What the client has got, in its order: numbers of messages, and 0 for a success.
fn heard(outbox: &Outbox) -> Vec<u32> {
    let mut queue = Queue::default();
    outbox.take_now(&mut queue);
    let bytes = queue.copy_to_bytes(queue.remaining());
    let text = String::from_utf8_lossy(&bytes);
    let messages = text.match_indices("message ").map(|(at, start)| {
        let number: String = text[at + start.len()..].chars().take_while(char::is_ascii_digit).collect();
        (at, number.parse().unwrap())
    });
    let successes = text.match_indices("join_room_success").map(|(at, _)| (at, 0));
    let mut heard: Vec<_> = messages.chain(successes).collect();
    heard.sort_unstable();
    heard.into_iter().map(|(_, number)| number).collect()
}

#[tokio::test]
async fn a_message_older_than_the_history_comes_before_it_or_not_at_all() {
    let node = PeerNode { id: "node2".to_owned(), address: "http://node2:9090".to_owned() };
    let (peers, _failed) = Peers::new(vec![node], None).unwrap();
    let peer = &peers.all()[0];
    let relay = Relay::new();
    let (old, new) = (Outbox::new(), Outbox::new());
    relay.begin_join(ROOM, peer, &old);
    relay.finish_join("alice", &old, joined([])).unwrap();
    assert_eq!(heard(&old), [0]);
    // Both join, and while they wait more is said than a history holds.
    relay.begin_join(ROOM, peer, &old);
    relay.begin_join(ROOM, peer, &new);
    relay.messages((1..=5).map(|number| (ROOM.to_owned(), message(number))).collect());
    relay.finish_join("alice", &old, joined(3..=4)).unwrap();
    relay.finish_join("bob", &new, joined(3..=4)).unwrap();
    assert_eq!(heard(&new), [0, 3, 4, 5]);
    assert_eq!(heard(&old), [1, 2, 0, 3, 4, 5]);
}

#[tokio::test]
async fn a_join_of_a_room_that_was_deleted_meanwhile_fails() {
    let node = PeerNode { id: "node2".to_owned(), address: "http://node2:9090".to_owned() };
    let (peers, _failed) = Peers::new(vec![node], None).unwrap();
    let relay = Relay::new();
    let outbox = Outbox::new();
    relay.begin_join(ROOM, &peers.all()[0], &outbox);
    relay.deleted(ROOM, None, String::new());
    assert!(matches!(relay.finish_join("bob", &outbox, joined([])), Err(JoinFailed::RoomDeleted)));
}
