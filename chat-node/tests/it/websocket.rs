//! The connection (protocol, section 2).

use chat_protocol::limits::WEBSOCKET_MESSAGE_BYTES_MAX;
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::harness::{Client, Node, accept, in_time, start};

const LIST_ROOMS: &str = r#"{"type":"list_rooms"}"#;

/// Opens a WebSocket by hand, with further header lines; gives the answer's head.
async fn open(node: &Node, path: &str, headers: &str) -> (TcpStream, String) {
    in_time(async {
        let mut stream = TcpStream::connect(node.address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: chat\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        (stream, String::from_utf8(head).unwrap())
    })
    .await
}

#[tokio::test]
async fn every_path_and_every_origin_is_accepted() {
    let node = start(&[]);
    for (path, origin) in
        [("/", "null"), ("/ws", "http://elsewhere.test"), ("/any/path?and=query", "x"), ("/healthz", "")]
    {
        let mut request = format!("ws://{}{path}", node.address).into_client_request().unwrap();
        request.headers_mut().insert("Origin", origin.parse().unwrap());
        let (mut client, response) = accept(node.address, request).await;
        assert_eq!(response.status(), 101);
        assert_eq!(client.list_rooms().await.total_count, 0, "{path} {origin}");
    }
}

#[tokio::test]
async fn the_answer_to_the_handshake_is_that_of_the_standard_and_picks_no_subprotocol() {
    let node = start(&[("SERVED_BY", "node1@pi1")]);
    let (_stream, head) = open(&node, "/", "Sec-WebSocket-Protocol: chat\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    // The standard's own example (RFC 6455, section 1.3).
    assert!(head.contains("\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
    assert!(head.contains("\r\nx-served-by: node1@pi1\r\n"), "{head}");
    assert!(!head.contains("sec-websocket-protocol"), "{head}");
}

#[tokio::test]
async fn a_client_that_offers_compression_is_served_without() {
    let node = start(&[]);
    let mut request = format!("ws://{}/", node.address).into_client_request().unwrap();
    let offer = "permessage-deflate; client_max_window_bits".parse().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Extensions", offer);
    let (mut client, response) = accept(node.address, request).await;
    assert_eq!(response.headers().get("Sec-WebSocket-Extensions"), None);
    let room = client.create_room("general", "alice").await;
    client.join(&room, "alice").await;
    client.say(&room, "alice", &"again and ".repeat(400)).await;
}

#[tokio::test]
async fn a_request_that_opens_no_websocket_is_refused_with_400() {
    let node = start(&[]);
    let mut stream = TcpStream::connect(node.address).await.unwrap();
    let request = "GET / HTTP/1.1\r\nHost: chat\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 12];
    in_time(stream.read_exact(&mut head)).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 400");
}

#[tokio::test]
async fn json_in_a_binary_frame_is_a_request_and_its_answer_is_text() {
    let node = start(&[]);
    let mut client = node.client().await;
    client.send(Message::binary(LIST_ROOMS)).await;
    expect!(client, RoomsList);
    client.send(Message::binary(&b"\xff\xfe"[..])).await;
    assert_eq!(expect!(client, Error).message, "Invalid JSON format");
    client.hears_nothing().await;
}

#[tokio::test]
async fn a_ping_gets_a_pong_with_its_payload_between_requests() {
    let node = start(&[]);
    let mut client = node.client().await;
    for payload in [&b""[..], b"hello", &[0xff; 125]] {
        client.send(Message::Ping(Bytes::from_static(payload))).await;
        let pong = in_time(client.socket.next()).await.unwrap().unwrap();
        assert_eq!(pong, Message::Pong(Bytes::from_static(payload)));
        client.hears_nothing().await;
    }
}

#[tokio::test]
async fn fragments_are_joined_with_a_ping_between_them() {
    let node = start(&[]);
    let mut client = node.client().await;
    let (first, rest) = LIST_ROOMS.split_at(5);
    let (second, last) = rest.split_at(3);
    let frame =
        |text: &'static str, opcode, is_final| Message::Frame(Frame::message(text, OpCode::Data(opcode), is_final));
    client.send(frame(first, Data::Text, false)).await;
    client.send(frame(second, Data::Continue, false)).await;
    client.send(Message::Ping(Bytes::from_static(b"still there?"))).await;
    let pong = in_time(client.socket.next()).await.unwrap().unwrap();
    assert_eq!(pong, Message::Pong(Bytes::from_static(b"still there?")));
    client.send(frame(last, Data::Continue, true)).await;
    expect!(client, RoomsList);
}

#[tokio::test]
async fn a_message_over_1_mib_closes_the_connection_with_1009_and_one_of_1_mib_does_not() {
    let node = start(&[]);
    let mut client = node.client().await;
    let spaces = |bytes: usize| format!("{LIST_ROOMS}{}", " ".repeat(bytes - LIST_ROOMS.len()));
    client.text(&spaces(WEBSOCKET_MESSAGE_BYTES_MAX)).await;
    expect!(client, RoomsList);
    client.text(&spaces(WEBSOCKET_MESSAGE_BYTES_MAX + 1)).await;
    let closed = client.closed().await;
    assert_eq!((closed.code, closed.reason.as_str()), (Some(1009), "a message has more than 1048576 bytes"));
    node.metric_becomes("chat_connections", 0.0).await;
}

#[tokio::test]
async fn who_goes_on_sending_what_is_too_much_still_learns_why_the_connection_ends() {
    const BYTES: usize = 16 * WEBSOCKET_MESSAGE_BYTES_MAX;
    let node = start(&[]);
    let (mut stream, _) = open(&node, "/", "").await;
    let head = [&[0x81, 0xff][..], &BYTES.to_be_bytes(), &[0; 4]].concat();
    stream.write_all(&head).await.unwrap();
    // Nothing is read before all is written, whatever the node does meanwhile.
    stream.write_all(&vec![b' '; BYTES]).await.unwrap();
    let socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    assert_eq!(Client { socket }.closed().await.code, Some(1009));
}

#[tokio::test]
async fn fragments_that_are_over_1_mib_together_close_the_connection_with_1009() {
    let node = start(&[]);
    let mut client = node.client().await;
    let half = || Bytes::from(vec![b' '; WEBSOCKET_MESSAGE_BYTES_MAX / 2 + 1]);
    client.send(Message::Frame(Frame::message(half(), OpCode::Data(Data::Text), false))).await;
    client.send(Message::Frame(Frame::message(half(), OpCode::Data(Data::Continue), true))).await;
    assert_eq!(client.closed().await.code, Some(1009));
}

#[tokio::test]
async fn text_that_is_not_utf_8_closes_the_connection_with_1007() {
    let node = start(&[]);
    let mut client = node.client().await;
    client.send(Message::Frame(Frame::message(&b"{\"type\":\"\xff\"}"[..], OpCode::Data(Data::Text), true))).await;
    assert_eq!(client.closed().await.code, Some(1007));
    node.metric_becomes("chat_connections", 0.0).await;
}

#[tokio::test]
async fn a_frame_without_a_mask_closes_the_connection_with_1002() {
    let node = start(&[]);
    let (mut stream, _) = open(&node, "/", "").await;
    stream.write_all(b"\x81\x02{}").await.unwrap();
    let socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    assert_eq!(Client { socket }.closed().await.code, Some(1002));
    node.metric_becomes("chat_connections", 0.0).await;
}

#[tokio::test]
async fn who_breaks_the_rules_leaves_its_rooms_like_everybody_else() {
    let node = start(&[]);
    let (mut alice, mut bob) = (node.client().await, node.client().await);
    let room = alice.create_room("general", "alice").await;
    alice.join(&room, "alice").await;
    bob.join(&room, "bob").await;
    expect!(alice, MemberJoined);
    bob.send(Message::Frame(Frame::message(&b"\xff"[..], OpCode::Data(Data::Text), true))).await;
    assert_eq!(expect!(alice, MemberLeft).reason.as_deref(), Some("User disconnected"));
}

#[tokio::test]
async fn requests_of_one_connection_are_answered_in_their_order() {
    let node = start(&[]);
    let mut client = node.client().await;
    let mut rooms = Vec::new();
    for name in ["one", "two"] {
        let room = client.create_room(name, "alice").await;
        client.join(&room, "alice").await;
        rooms.push(room);
    }
    for number in 1..=50_u32 {
        client.send_message(&rooms[0], "alice", &number.to_string()).await;
        client.send_message(&rooms[1], "alice", &number.to_string()).await;
        client.send_message(&rooms[0], "alice", "").await;
        client.text(&format!(r#"{{"type":"nothing {number}"}}"#)).await;
        client.text(LIST_ROOMS).await;
    }
    for number in 1..=50_u32 {
        for room in &rooms {
            let message = expect!(client, NewMessage);
            assert_eq!((&message.room_id, message.content), (room, number.to_string()));
            let sent = expect!(client, MessageSent);
            assert_eq!((&sent.room_id, sent.sequence_number), (room, number));
        }
        assert_eq!(expect!(client, MessageError).error, "Message content cannot be empty");
        assert_eq!(expect!(client, Error).message, format!("Unknown message type: nothing {number}"));
        expect!(client, RoomsList);
    }
}

#[tokio::test]
async fn a_close_frame_is_answered_with_its_code() {
    let node = start(&[]);
    let client = node.client().await;
    client.close().await;
    node.metric_becomes("chat_connections", 0.0).await;
}
