//! What takes long: silence. The clock is one that jumps to the next event.

use chat_protocol::{CreateRoom, Request, RoomUser};
use service::Chaos;
use tokio::io::DuplexStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::peers::Peers;
use crate::refused::Refused;
use crate::relay::Relay;
use crate::room::Context;
use crate::rooms::Rooms;
use crate::votes::Votes;

/// Bytes that either side may leave unread.
const PIPE_BYTES: usize = 64 * 1024;

type Client = WebSocketStream<DuplexStream>;

fn node() -> Arc<Node> {
    let (peers, _) = Peers::new(Vec::new(), None).unwrap();
    let context = Context { peers: peers.clone(), journal: None };
    Arc::new(Node {
        id: "node1".into(),
        address: String::new(),
        secret: None,
        peers,
        rooms: Rooms::new("node1".into(), context, Vec::new()),
        relay: Relay::new(),
        votes: Votes::default(),
        chaos: Chaos::default(),
        refused: Refused::default(),
        requests: service::Requests::default(),
        work: TaskTracker::new(),
    })
}

async fn connect(node: &Arc<Node>) -> Client {
    let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
    tokio::spawn(serve(node.clone(), theirs, Closing(CancellationToken::new())));
    WebSocketStream::from_raw_socket(ours, Role::Client, None).await
}

/// Reads up to the next text, and answers pings meanwhile; gives up after an hour.
async fn text(client: &mut Client) -> String {
    let text = async {
        loop {
            if let Message::Text(text) = client.next().await.unwrap().unwrap() {
                return text.to_string();
            }
        }
    };
    timeout(Duration::from_hours(1), text).await.unwrap()
}

async fn ask(client: &mut Client, request: &Request) -> String {
    client.send(Message::text(serde_json::to_string(request).unwrap())).await.unwrap();
    text(client).await
}

/// A new client in a room, which the first one creates.
async fn member(node: &Arc<Node>, username: &str) -> Client {
    let mut client = connect(node).await;
    if node.rooms.all().is_empty() {
        let (room_name, creator_id) = ("general".to_owned(), username.to_owned());
        ask(&mut client, &Request::CreateRoom(CreateRoom { room_name, creator_id, description: None })).await;
    }
    let room_id = node.rooms.all()[0].listing.room_id.clone();
    let joined = ask(&mut client, &Request::JoinRoom(RoomUser { room_id, username: username.to_owned() })).await;
    assert!(joined.contains("join_room_success"), "{joined}");
    client
}

#[tokio::test(start_paused = true)]
async fn a_client_that_answers_no_ping_is_gone_after_40_s_and_the_room_hears_of_it() {
    let node = node();
    let mut witness = member(&node, "witness").await;
    let start = Instant::now();
    let mut mute = member(&node, "mute").await;
    assert!(text(&mut witness).await.contains("member_joined"));

    let left = text(&mut witness).await;
    assert!(left.contains("member_left") && left.contains("User disconnected"), "{left}");
    assert_eq!(start.elapsed().as_secs(), (PING_INTERVAL + PONG_TIMEOUT).as_secs());
    assert_eq!(mute.next().await.unwrap().unwrap(), Message::Ping(Bytes::new()));
    let Message::Close(Some(close)) = mute.next().await.unwrap().unwrap() else { panic!("no close frame") };
    assert_eq!((close.code, close.reason.as_str()), (CloseCode::Error, "no pong within 20 s"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_answers_pings_and_says_nothing_else_stays() {
    let node = node();
    let mut quiet = member(&node, "quiet").await;
    let silence = timeout(Duration::from_mins(30), text(&mut quiet)).await;
    assert!(silence.is_err(), "{silence:?}");
    assert!(ask(&mut quiet, &Request::ListRooms).await.contains("\"member_count\":1"));
}
