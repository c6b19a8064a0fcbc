//! Who hears what (protocol, section 4).

use chat_protocol::{MemberEvent, Request, RoomUser};
use serde_json::json;

use crate::harness::{Client, Node, start};

/// Clients in a new room under these names, the first of whom created it. Nobody has anything unread.
async fn in_room<const N: usize>(node: &Node, names: [&str; N]) -> (String, [Client; N]) {
    let mut clients: Vec<Client> = Vec::new();
    let mut room = String::new();
    for name in names {
        let mut client = node.client().await;
        if clients.is_empty() {
            room = client.create_room("general", name).await;
        }
        client.join(&room, name).await;
        for other in &mut clients {
            expect!(other, MemberJoined);
        }
        clients.push(client);
    }
    (room, clients.try_into().unwrap())
}

/// The facts of a member event that do not change from run to run.
fn facts(event: MemberEvent) -> (String, u32, Option<String>) {
    (event.username, event.member_count, event.reason)
}

#[tokio::test]
async fn everybody_but_the_joiner_hears_of_a_join() {
    let node = start(&[]);
    let (room, [mut alice, mut bob]) = in_room(&node, ["alice", "bob"]).await;
    let mut carol = node.client().await;
    carol.join(&room, "carol").await;
    let event = alice.json().await;
    let time = &event["data"]["timestamp"];
    let data = json!({"room_id": room, "username": "carol", "member_count": 3, "timestamp": time});
    assert_eq!(event, json!({"type": "member_joined", "data": data}));
    assert_eq!(bob.json().await, event);
    carol.hears_nothing().await;
}

#[tokio::test]
async fn everybody_else_hears_of_a_leave_without_a_reason_and_the_leaver_hears_nothing_later() {
    let node = start(&[]);
    let (room, [mut alice, mut bob, mut carol]) = in_room(&node, ["alice", "bob", "carol"]).await;
    carol.leave(&room, "carol").await;
    let event = alice.json().await;
    let time = &event["data"]["timestamp"];
    let data = json!({"room_id": room, "username": "carol", "member_count": 2, "timestamp": time});
    assert_eq!(event, json!({"type": "member_left", "data": data}));
    assert_eq!(bob.json().await, event);
    alice.say(&room, "alice", "carol is gone").await;
    carol.hears_nothing().await;
}

#[tokio::test]
async fn a_lost_connection_leaves_all_its_rooms() {
    let node = start(&[]);
    let (room, [mut alice, mut bob]) = in_room(&node, ["alice", "bob"]).await;
    let other = alice.create_room("other", "alice").await;
    alice.join(&other, "alice").await;
    bob.join(&other, "bob").await;
    expect!(alice, MemberJoined);
    drop(bob);
    let mut left = [expect!(alice, MemberLeft), expect!(alice, MemberLeft)];
    left.sort_by_key(|event| event.room_id != room);
    assert_eq!([&left[0].room_id, &left[1].room_id], [&room, &other]);
    for event in left {
        assert_eq!(facts(event), ("bob".to_owned(), 1, Some("User disconnected".to_owned())));
    }
}

#[tokio::test]
async fn everybody_in_the_room_hears_the_same_message_and_nobody_else_does() {
    let node = start(&[]);
    let (room, [mut alice, mut bob]) = in_room(&node, ["alice", "bob"]).await;
    let mut stranger = node.client().await;
    let said = alice.say(&room, "alice", "hello").await;
    assert_eq!(expect!(bob, NewMessage), said);
    stranger.hears_nothing().await;
    bob.hears_nothing().await;
}

#[tokio::test]
async fn joining_again_is_no_event_and_gives_the_history_again() {
    let node = start(&[]);
    let (room, [mut alice, mut bob]) = in_room(&node, ["alice", "bob"]).await;
    let said = alice.say(&room, "alice", "hello").await;
    assert_eq!(expect!(bob, NewMessage), said);
    assert_eq!(bob.join(&room, "bob").await.member_count, 2);
    assert_eq!(expect!(bob, NewMessage), said);
    alice.hears_nothing().await;
    // One leave ends it, however often it joined.
    bob.leave(&room, "bob").await;
    assert_eq!(facts(expect!(alice, MemberLeft)), ("bob".to_owned(), 1, None));
}

// Row 12.
#[tokio::test]
async fn nobody_sends_under_a_name_that_another_connection_joined_under() {
    let node = start(&[]);
    let (room, [mut alice, mut bob]) = in_room(&node, ["alice", "bob"]).await;
    bob.send_message(&room, "alice", "I am alice").await;
    assert_eq!(expect!(bob, MessageError).error_code.0, "NOT_MEMBER");
    let mut stranger = node.client().await;
    stranger.send_message(&room, "alice", "I am alice").await;
    assert_eq!(expect!(stranger, MessageError).error_code.0, "NOT_MEMBER");
    alice.hears_nothing().await;
    assert_eq!(alice.say(&room, "alice", "nobody else was me").await.sequence_number, 1);
}

// Row 13.
#[tokio::test]
async fn leaving_under_somebody_elses_name_succeeds_and_removes_nobody() {
    let node = start(&[]);
    let (room, [mut alice, mut bob]) = in_room(&node, ["alice", "bob"]).await;
    let mut stranger = node.client().await;
    bob.leave(&room, "alice").await;
    stranger.leave(&room, "alice").await;
    stranger.leave(&room, "nobody").await;
    alice.hears_nothing().await;
    alice.say(&room, "alice", "still here").await;
    expect!(bob, NewMessage);
    assert_eq!(bob.list_rooms().await.rooms[0].member_count, 2);
}

// Row 21.
#[tokio::test]
async fn a_name_with_two_connections_stays_when_the_first_one_closes() {
    let node = start(&[]);
    let (room, [mut alice, bob]) = in_room(&node, ["alice", "bob"]).await;
    let mut second = node.client().await;
    assert_eq!(second.join(&room, "bob").await.member_count, 2);
    bob.close().await;
    node.metric_becomes("chat_connections", 2.0).await;
    second.say(&room, "bob", "I have two").await;
    expect!(alice, NewMessage);
    alice.hears_nothing().await;
    second.leave(&room, "bob").await;
    assert_eq!(facts(expect!(alice, MemberLeft)), ("bob".to_owned(), 1, None));
}

// Row 21.
#[tokio::test]
async fn a_name_with_two_connections_stays_when_one_of_them_leaves() {
    let node = start(&[]);
    let (room, [mut alice, mut bob]) = in_room(&node, ["alice", "bob"]).await;
    let mut second = node.client().await;
    second.join(&room, "bob").await;
    bob.leave(&room, "bob").await;
    bob.send_message(&room, "bob", "am I in?").await;
    assert_eq!(expect!(bob, MessageError).error_code.0, "NOT_MEMBER");
    let said = second.say(&room, "bob", "I am in").await;
    assert_eq!(expect!(alice, NewMessage), said);
    alice.hears_nothing().await;
    bob.hears_nothing().await;
}

// Row 23.
#[tokio::test]
async fn a_connection_with_two_names_hears_everything_once_and_sends_under_both() {
    let node = start(&[]);
    let (room, [mut alice, mut both]) = in_room(&node, ["alice", "bob"]).await;
    both.join(&room, "carol").await;
    assert_eq!(expect!(alice, MemberJoined).username, "carol");
    alice.say(&room, "alice", "to both").await;
    expect!(both, NewMessage);
    both.hears_nothing().await;
    for name in ["bob", "carol"] {
        let said = both.say(&room, name, "from one of us").await;
        assert_eq!(expect!(alice, NewMessage), said);
    }
    // It stays for the other name, and hears that the first one left.
    both.request(&Request::LeaveRoom(RoomUser { room_id: room.clone(), username: "bob".to_owned() })).await;
    assert_eq!(facts(expect!(both, MemberLeft)), ("bob".to_owned(), 2, None));
    expect!(both, LeaveRoomSuccess);
    assert_eq!(expect!(alice, MemberLeft).username, "bob");
    both.say(&room, "carol", "still here").await;
    expect!(alice, NewMessage);
    drop(both);
    assert_eq!(facts(expect!(alice, MemberLeft)), ("carol".to_owned(), 1, Some("User disconnected".to_owned())));
}

#[tokio::test]
async fn rooms_do_not_hear_each_other() {
    let node = start(&[]);
    let (room, [mut alice, mut bob]) = in_room(&node, ["alice", "bob"]).await;
    let other = bob.create_room("other", "bob").await;
    bob.join(&other, "bob").await;
    assert_eq!(bob.say(&other, "bob", "hello?").await.sequence_number, 1);
    alice.hears_nothing().await;
    assert_eq!(alice.say(&room, "alice", "hello").await.sequence_number, 1);
}
