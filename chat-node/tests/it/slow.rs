//! A client that does not read (protocol, section 12, row 11).

use crate::harness::{Client, start};

/// Far more than a node and the system keep for a client that does not read.
const MESSAGES: usize = 1500;

/// As long as a message can be: 20 kB.
fn long_message() -> String {
    "🦊".repeat(5000)
}

// Row 11.
#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_with_a_reason_and_the_others_go_on() {
    let node = start(&[]);
    let (mut alice, mut bob) = (node.client().await, node.client().await);
    let mut sleeper = Client::connect_with_little_room(node.address).await;
    let room = alice.create_room("general", "alice").await;
    alice.join(&room, "alice").await;
    bob.join(&room, "bob").await;
    sleeper.join(&room, "sleeper").await;
    expect!(alice, MemberJoined);
    expect!(alice, MemberJoined);
    expect!(bob, MemberJoined);

    let content = long_message();
    let mut left = None;
    let mut sent = 0;
    while left.is_none() && sent < MESSAGES {
        alice.send_message(&room, "alice", &content).await;
        sent += 1;
        loop {
            match alice.next().await {
                chat_protocol::ServerMessage::MessageSent(_) => break,
                chat_protocol::ServerMessage::NewMessage(_) => {}
                chat_protocol::ServerMessage::MemberLeft(event) => left = Some(event),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(skip_to!(bob, NewMessage).sequence_number, u32::try_from(sent).unwrap());
    }
    let left = match left {
        Some(event) => event,
        None => expect!(alice, MemberLeft),
    };
    assert_eq!((left.username.as_str(), left.reason.as_deref()), ("sleeper", Some("User disconnected")));
    assert!((node.metric(r#"chat_clients_dropped_total{reason="slow"}"#).await - 1.0).abs() < f64::EPSILON);

    // What was on its way comes whole, in its order; then the reason.
    let mut heard = 0;
    let closed = loop {
        match sleeper.next_or_end().await {
            Ok(chat_protocol::ServerMessage::NewMessage(message)) => {
                heard += 1;
                assert_eq!(message.sequence_number, heard);
            }
            Ok(other) => panic!("{other:?}"),
            Err(closed) => break closed,
        }
    };
    assert_eq!((closed.code, closed.reason.as_str()), (Some(1008), "too slow: too much was left unread"));
    assert!(heard > 0 && (heard as usize) < sent, "{heard} of {sent}");
}

/// A stop does not wait for who takes nothing.
#[tokio::test]
async fn a_client_that_does_not_read_does_not_hold_up_a_stop() {
    let mut node = start(&[("DRAIN_TIMEOUT", "50s")]);
    let mut alice = node.client().await;
    let mut sleeper = Client::connect_with_little_room(node.address).await;
    let room = alice.create_room("general", "alice").await;
    alice.join(&room, "alice").await;
    sleeper.join(&room, "sleeper").await;
    expect!(alice, MemberJoined);
    // More than the system keeps, less than what the node drops a client for.
    for _ in 0..150 {
        alice.say(&room, "alice", &long_message()).await;
    }
    node.program.signal(testing::Signal::TERM);
    let (status, time) = node.program.ended();
    assert_eq!(status.code(), Some(0));
    assert!(time < std::time::Duration::from_secs(25), "{time:?}");
}
