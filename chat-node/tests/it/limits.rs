//! What is refused so that nothing grows without end, and what no node could pass on (protocol, section
//! 12, rows 6, 20 and 22).

use chat_protocol::RoomCreated;
use chat_protocol::limits::{
    DESCRIPTION_CHARS_MAX, ROOM_NAME_CHARS_MAX, ROOMS_MAX, ROOMS_PER_CONNECTION_MAX, USERNAME_CHARS_MAX,
};
use serde_json::{Value, json};

use crate::harness::{Client, start};

/// Text that XML has no place for, as JSON writes it: control characters, code points that are none,
/// and half a surrogate pair.
const NOT_CARRIED: [&str; 7] = [r"a\u0000", r"\u0001", r"\u001b[31m", r"\u000b", r"\ufffe", r"\uffff", HALF_A_PAIR];

const HALF_A_PAIR: &str = r"\ud800";

/// As strange, but carried.
const CARRIED: [&str; 6] = [r"\t\n\r", r"\u007f\u0085", r"\ufffd", r"\ud83e\udd8a", r"</value>&amp;]]>", r#"\"\\"#];

async fn create(client: &mut Client, data: &Value) -> Result<String, String> {
    client.text(&json!({"type": "create_room", "data": data}).to_string()).await;
    match expect!(client, RoomCreated) {
        RoomCreated::Created { room_id, .. } => Ok(room_id),
        RoomCreated::Refused(failure) => Err(failure.message),
    }
}

// Row 22.
#[tokio::test]
async fn texts_of_a_room_have_limits_in_code_points() {
    let node = start(&[]);
    let mut client = node.client().await;
    for (key, chars_max) in
        [("room_name", ROOM_NAME_CHARS_MAX), ("creator_id", USERNAME_CHARS_MAX), ("description", DESCRIPTION_CHARS_MAX)]
    {
        let mut data = json!({"room_name": format!("for {key}"), "creator_id": "alice", "description": "short"});
        data[key] = json!("🦊".repeat(chars_max + 1));
        let message = format!("{key} too long (max {chars_max} characters)");
        assert_eq!(create(&mut client, &data).await, Err(message));
        data[key] = json!("🦊".repeat(chars_max));
        create(&mut client, &data).await.unwrap();
    }
    assert_eq!(client.list_rooms().await.total_count, 3);
}

// Row 22.
#[tokio::test]
async fn a_members_name_has_a_limit_in_code_points() {
    let node = start(&[]);
    let mut client = node.client().await;
    let room = client.create_room("general", "alice").await;
    let request = |name: String| json!({"type": "join_room", "data": {"room_id": room, "username": name}}).to_string();
    client.text(&request("🦊".repeat(USERNAME_CHARS_MAX + 1))).await;
    let error = expect!(client, JoinRoomError);
    assert_eq!(error.error_code.0, "INVALID_REQUEST");
    assert_eq!(error.error, format!("username too long (max {USERNAME_CHARS_MAX} characters)"));
    client.text(&request("🦊".repeat(USERNAME_CHARS_MAX))).await;
    assert_eq!(expect!(client, JoinRoomSuccess).member_count, 1);
}

// Row 22.
#[tokio::test]
async fn a_connection_can_be_in_many_rooms_but_not_in_any_number() {
    let node = start(&[]);
    let mut client = node.client().await;
    let mut rooms = Vec::new();
    for number in 0..=ROOMS_PER_CONNECTION_MAX {
        rooms.push(client.create_room(&number.to_string(), "alice").await);
    }
    let last = rooms.pop().unwrap();
    for room in &rooms {
        client.join(room, "alice").await;
    }
    let request = |room: &str| json!({"type": "join_room", "data": {"room_id": room, "username": "alice"}}).to_string();
    client.text(&request(&last)).await;
    assert_eq!(expect!(client, JoinRoomError).error_code.0, "LIMIT_REACHED");
    // Where it is already, and after it has left another one, it is welcome.
    client.join(&rooms[0], "alice").await;
    client.leave(&rooms[1], "alice").await;
    client.join(&last, "alice").await;
    // A room that is deleted does not count either.
    client.text(&request(&rooms[1])).await;
    assert_eq!(expect!(client, JoinRoomError).error_code.0, "LIMIT_REACHED");
    client.delete(&rooms[2], "alice").await;
    skip_to!(client, DeleteRoomSuccess);
    skip_to!(client, RoomDeleted);
    client.join(&rooms[1], "alice").await;
}

// Row 22.
#[tokio::test]
async fn a_node_has_many_rooms_but_not_any_number() {
    let node = start(&[]);
    let mut client = node.client().await;
    let create = |number: usize| {
        json!({"type": "create_room", "data": {"room_name": number.to_string(), "creator_id": "alice"}}).to_string()
    };
    // In portions, as neither side reads while it writes.
    for first in (0..ROOMS_MAX).step_by(500) {
        for number in first..first + 500 {
            client.text(&create(number)).await;
        }
        for _ in 0..500 {
            assert!(matches!(expect!(client, RoomCreated), RoomCreated::Created { .. }));
        }
    }
    client.text(&create(ROOMS_MAX)).await;
    let RoomCreated::Refused(failure) = expect!(client, RoomCreated) else { panic!("one more is created") };
    assert_eq!(failure.message, "This node has 2000 rooms already: delete one, or use another node");
}

// Row 6.
#[tokio::test]
async fn characters_that_no_node_can_pass_on_are_refused_in_every_text() {
    let node = start(&[]);
    let mut client = node.client().await;
    let room = client.create_room("general", "alice").await;
    client.join(&room, "alice").await;
    for text in NOT_CARRIED {
        client
            .text(&format!(
                r#"{{"type":"send_message","data":{{"room_id":"{room}","username":"alice","content":"{text}"}}}}"#
            ))
            .await;
        assert_eq!(expect!(client, MessageError).error_code.0, "INVALID_CONTENT", "{text}");
        client.text(&format!(r#"{{"type":"join_room","data":{{"room_id":"{room}","username":"{text}"}}}}"#)).await;
        assert_eq!(expect!(client, JoinRoomError).error_code.0, "INVALID_REQUEST", "{text}");
        for (name, creator, description) in [(text, "alice", "fine"), ("fine", text, "fine"), ("fine", "alice", text)] {
            client
                .text(&format!(
                    r#"{{"type":"create_room","data":{{"room_name":"{name}","creator_id":"{creator}","description":"{description}"}}}}"#
                ))
                .await;
            let created = expect!(client, RoomCreated);
            if description == HALF_A_PAIR {
                // What is no text at all is no description, either.
                continue;
            }
            assert!(matches!(created, RoomCreated::Refused(_)), "{text}: {created:?}");
        }
    }
    client.hears_nothing().await;
    assert_eq!(client.say(&room, "alice", "the first").await.sequence_number, 1);
}

// Rows 6 and 7.
#[tokio::test]
async fn other_strange_characters_are_kept_as_they_are() {
    let node = start(&[]);
    let mut client = node.client().await;
    let room = client.create_room("general", "alice").await;
    client.join(&room, "alice").await;
    for text in CARRIED {
        let content: String = serde_json::from_str(&format!("\"{text}\"")).unwrap();
        client.say(&room, "alice", &content).await;
    }
}

#[tokio::test]
async fn a_name_that_shows_as_nothing_or_as_another_one_is_refused() {
    let node = start(&[]);
    let mut client = node.client().await;
    let room = client.create_room("general", "alice").await;
    for (name, wrong) in [
        ("  ", "has nothing that can be seen"),
        ("al\u{200b}ice", "contains a character that cannot be seen (U+200B)"),
        ("\u{202e}ecila", "contains a character that cannot be seen (U+202E)"),
        ("two\nlines", "contains a line break or another control character (U+000A)"),
    ] {
        client.text(&json!({"type": "join_room", "data": {"room_id": room, "username": name}}).to_string()).await;
        let error = expect!(client, JoinRoomError);
        assert_eq!((error.error_code.0.as_ref(), error.error), ("INVALID_REQUEST", format!("username {wrong}")));
        for (room_name, creator_id, what) in [(name, "alice", "room_name"), ("other", name, "creator_id")] {
            let data = json!({"room_name": room_name, "creator_id": creator_id});
            assert_eq!(create(&mut client, &data).await, Err(format!("{what} {wrong}")));
        }
    }
    assert_eq!(client.list_rooms().await.rooms[0].member_count, 0);
}

#[tokio::test]
async fn two_ways_to_write_the_same_name_are_one_member_and_one_room() {
    let node = start(&[]);
    let mut client = node.client().await;
    let (composed, decomposed) = ("José", "Jose\u{301}");
    let room = client.create_room(composed, composed).await;
    let again = json!({"room_name": decomposed, "creator_id": "alice"});
    assert_eq!(create(&mut client, &again).await, Err(format!("Room with name '{composed}' already exists")));
    for name in [composed, decomposed] {
        client.text(&json!({"type": "join_room", "data": {"room_id": room, "username": name}}).to_string()).await;
        assert_eq!(expect!(client, JoinRoomSuccess).members, [composed]);
    }
    client.try_send_message(&room, decomposed, "¡hola!").await.unwrap();
    assert_eq!(expect!(client, NewMessage).username, composed);
    expect!(client, MessageSent);
    client.delete(&room, decomposed).await;
    expect!(client, DeleteRoomInitiated);
}

// Row 20.
#[tokio::test]
async fn content_that_is_no_text_is_refused() {
    let node = start(&[]);
    let mut client = node.client().await;
    let room = client.create_room("general", "alice").await;
    client.join(&room, "alice").await;
    for content in [json!(5), json!(1.5), json!(true), json!(["a"]), json!({"a": 1})] {
        let data = json!({"room_id": room, "username": "alice", "content": content});
        client.text(&json!({"type": "send_message", "data": data}).to_string()).await;
        let error = expect!(client, MessageError);
        assert_eq!(
            (error.error_code.0.as_ref(), error.error.as_str()),
            ("INVALID_CONTENT", "Message content must be text")
        );
    }
    assert_eq!(client.say(&room, "alice", "the first").await.sequence_number, 1);
}

// Row 20: names are text, too; anything else is missing.
#[tokio::test]
async fn a_name_that_is_no_text_is_missing() {
    let node = start(&[]);
    let mut client = node.client().await;
    let room = client.create_room("general", "alice").await;
    for name in [json!(5), json!(true), json!(["a"]), json!({"a": 1})] {
        client.text(&json!({"type": "join_room", "data": {"room_id": room, "username": name}}).to_string()).await;
        assert_eq!(expect!(client, JoinRoomError).error, "Missing room_id or username");
    }
    client.hears_nothing().await;
}
