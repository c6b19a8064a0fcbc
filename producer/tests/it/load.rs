//! Many clients at once.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use reqwest::Client;
use tokio::task::JoinSet;

use crate::{PRODUCER, start};

/// Where the original broke.
const CLIENTS: usize = 2_000;

/// Requests of each of them.
const REQUESTS: usize = 5;

#[tokio::test]
async fn two_thousand_connections_at_once_lose_no_request() {
    let (_producer, address) = start(&[]);
    testing::raise_limit_on_files();
    let clients: Vec<Client> = (0..CLIENTS).map(|_| Client::builder().no_proxy().build().unwrap()).collect();
    let mut answers = JoinSet::new();
    for client in clients {
        answers.spawn(draw(client, address));
    }
    assert_eq!(answers.join_all().await.into_iter().sum::<usize>(), CLIENTS * REQUESTS);
}

/// Draws over one connection; gives the number of right answers.
async fn draw(client: Client, address: SocketAddr) -> usize {
    let mut right = 0;
    for _ in 0..REQUESTS {
        let response = client.get(format!("http://{address}/number")).send().await.unwrap();
        right += usize::from(response.status() == 200 && response.text().await.unwrap().starts_with("{\"number\":"));
    }
    right
}

#[test]
fn connections_beyond_the_limit_on_files_wait_and_are_served_when_others_end() {
    let mut producer = start_with_room_for_36();
    let address = producer.address();
    let mut clients: Vec<TcpStream> = (0..60).map(|_| TcpStream::connect(address).unwrap()).collect();
    for client in &mut clients {
        client.write_all(b"GET /number HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    }
    for mut client in clients {
        // Oldest first: each one that ends makes room for one that waits.
        client.set_read_timeout(Some(testing::LIMIT)).unwrap();
        assert_eq!(client.read(&mut [0; 1]).unwrap(), 1);
    }
    producer.signal(testing::Signal::TERM);
    let (_, _, log) = producer.output();
    assert!(!log.contains("cannot accept"), "{log}");
}

#[test]
fn when_silent_clients_take_all_the_room_the_latest_of_them_make_some_soon() {
    let mut producer = start_with_room_for_36();
    let address = producer.address();
    let mut silent: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(address).unwrap()).collect();
    for client in &mut silent {
        client.write_all(b"GET /number").unwrap();
    }
    assert!(crate::ask(address, "GET", "/number").starts_with("HTTP/1.1 200 OK\r\n"));
    // The first came when there was room, and still has its time.
    silent[0].set_nonblocking(true).unwrap();
    assert_eq!(silent[0].read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
}

/// Starts a producer that may open 100 files: its own 64, and 36 connections.
fn start_with_room_for_36() -> testing::Program {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 100; exec \"$0\" --port=0", PRODUCER]);
    testing::start_command(command)
}
