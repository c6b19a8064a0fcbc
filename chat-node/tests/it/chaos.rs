//! The knobs, where requests come over sockets and from other nodes.

use std::time::{Duration, Instant};

use chat_protocol::Request;
use testing::knobs::{CHAOS_TOKEN, take_back, turn_on};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Error;

use crate::harness::{ask, in_time, start};

#[tokio::test]
async fn every_request_of_clients_and_nodes_fails_and_says_that_it_was_asked_for() {
    let node = start(&[CHAOS_TOKEN]);
    let mut client = node.client().await;
    turn_on(node.xmlrpc, "errors", r#"{"percent":100,"for_seconds":600}"#);
    client.request(&Request::ListRooms).await;
    let message = expect!(client, Error).message;
    assert!(message.starts_with("this error was asked for: "), "{message}");

    let stream = TcpStream::connect(node.address).await.unwrap();
    let refused = in_time(client_async(format!("ws://{}/", node.address), stream)).await;
    assert!(matches!(&refused, Err(Error::Http(answer)) if answer.status() == 500), "{refused:?}");
    for address in [node.address, node.xmlrpc] {
        let answer = ask(address, "GET", "/").await;
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    }

    take_back(node.xmlrpc, "errors");
    client.request(&Request::ListRooms).await;
    expect!(client, RoomsList);
}

#[tokio::test]
async fn a_clients_requests_come_later_or_wait_until_nothing_hangs() {
    let node = start(&[CHAOS_TOKEN]);
    let mut client = node.client().await;
    for (knob, terms) in [("latency", r#"{"milliseconds":500,"for_seconds":600}"#), ("hang", r#"{"for_seconds":0.5}"#)]
    {
        let start = Instant::now();
        turn_on(node.xmlrpc, knob, terms);
        client.request(&Request::ListRooms).await;
        expect!(client, RoomsList);
        assert!(start.elapsed() >= Duration::from_millis(500), "{knob}: {:?}", start.elapsed());
    }
}
