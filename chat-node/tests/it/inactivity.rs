//! Members who say nothing (protocol, section 4, and section 12, rows 24 and 30).

use std::time::Duration;

use chat_protocol::ServerMessage;
use testing::needs;
use tokio::time::interval;

use crate::harness::start;

#[tokio::test]
async fn a_silent_member_is_removed_goes_on_hearing_and_can_send_after_joining_again() {
    let node = start(&[("INACTIVITY_TIMEOUT", "300ms"), ("CLEANUP_INTERVAL", "50ms")]);
    let (mut alice, mut bob) = (node.client().await, node.client().await);
    let room = alice.create_room("general", "alice").await;
    bob.join(&room, "bob").await;
    // It is told itself.
    let left = expect!(bob, MemberLeft);
    assert_eq!((left.username.as_str(), left.member_count), ("bob", 0));
    assert_eq!(left.reason.as_deref(), Some("Inactivity"));
    bob.send_message(&room, "bob", "am I in?").await;
    let error = expect!(bob, MessageError);
    assert_eq!((error.error_code.0.as_ref(), error.error.as_str()), ("INTERNAL_ERROR", "Failed to add message"));

    alice.join(&room, "alice").await;
    assert_eq!(expect!(bob, MemberJoined).username, "alice");
    let said = alice.say(&room, "alice", "bob hears this").await;
    assert_eq!(expect!(bob, NewMessage), said);

    // Joining again makes a member of it: everybody is told, and it can send.
    let joined = bob.join_among_events(&room, "bob").await;
    assert!(joined.members.contains(&"bob".to_owned()), "{joined:?}");
    assert_eq!(skip_to!(alice, MemberJoined).username, "bob");
    bob.send_message(&room, "bob", "I am in again").await;
    assert_eq!(skip_to!(bob, MessageSent).sequence_number, 2);
}

// Row 24.
#[tokio::test]
async fn who_sends_is_not_removed_and_who_does_not_is() {
    // Long enough for a busy machine to send in time.
    let node = start(&[("INACTIVITY_TIMEOUT", "1500ms"), ("CLEANUP_INTERVAL", "100ms")]);
    let (mut talker, mut silent) = (node.client().await, node.client().await);
    let room = talker.create_room("general", "talker").await;
    talker.join(&room, "talker").await;
    silent.join(&room, "silent").await;
    expect!(talker, MemberJoined);
    let mut left = Vec::new();
    let mut pace = interval(Duration::from_millis(100));
    // The silent one's stay is the clock: it joins again, and is removed again.
    while left.len() < 2 {
        pace.tick().await;
        talker.send_message(&room, "talker", "still talking").await;
        loop {
            match talker.next().await {
                ServerMessage::MessageSent(_) => break,
                ServerMessage::MemberLeft(event) => {
                    left.push(event.username);
                    silent.join_among_events(&room, "silent").await;
                }
                ServerMessage::NewMessage(_) | ServerMessage::MemberJoined(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(left, ["silent", "silent"]);
}

// Row 29: a restart does not bring back who was removed.
#[needs("python3")]
#[tokio::test]
async fn a_member_of_another_node_that_was_removed_stays_removed_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let settings = [
        ("DATA_DIR", directory.path().to_str().unwrap()),
        ("INACTIVITY_TIMEOUT", "500ms"),
        ("CLEANUP_INTERVAL", "100ms"),
    ];
    let (python, mut node) = crate::python_peer::pair(&settings).await;
    let mut alice = node.client().await;
    let room = alice.create_room("general", "alice").await;
    python.call(&node, "join_room", serde_json::json!([room, "pia", "py"])).await;
    python.wait_for_calls("receive_member_event_broadcast", 2).await;
    // The journal has it before it answers this.
    alice.create_room("another", "alice").await;
    node.kill();
    node.start_again();
    assert_eq!(node.client().await.list_rooms().await.rooms[0].member_count, 0);
}
