//! XML-RPC over HTTP (protocol, section 5), down to the bytes, and what is hostile.

use std::io::Write;
use std::time::{Duration, Instant};

use chat_protocol::xmlrpc::PeerCall;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use testing::needs;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{Node, ask, in_time, start};
use crate::python_peer::pair;

/// Sends bytes on a connection of its own; gives everything up to its end.
async fn exchange(node: &Node, request: &[u8]) -> String {
    in_time(async {
        let mut connection = TcpStream::connect(node.xmlrpc).await.unwrap();
        // A node that refuses may close the connection before it has everything.
        let _ = connection.write_all(request).await;
        let mut answer = Vec::new();
        let _ = connection.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    })
    .await
}

fn post(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn heartbeat() -> Vec<u8> {
    PeerCall::Heartbeat.to_xml().into_bytes()
}

#[track_caller]
fn assert_is_heartbeat(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") || answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    let head = answer.split("\r\n\r\n").next().unwrap().to_lowercase();
    assert!(head.contains("content-type: text/xml") && head.contains("content-length: "), "{answer}");
    assert!(answer.contains("<name>status</name><value><string>ok</string></value>"), "{answer}");
}

#[tokio::test]
async fn calls_come_to_the_root_and_to_rpc2_and_nowhere_else() {
    let node = start(&[]);
    for path in ["/", "/RPC2"] {
        assert_is_heartbeat(&exchange(&node, &post(path, "", &heartbeat())).await);
        let get = ask(node.xmlrpc, "GET", path).await;
        assert!(get.starts_with("HTTP/1.1 501 ") && get.contains("WEBSOCKET_PORT"), "{get}");
    }
    let other = exchange(&node, &post("/other", "", &heartbeat())).await;
    assert!(other.starts_with("HTTP/1.1 404 "), "{other}");
}

#[tokio::test]
async fn a_caller_of_http_1_0_gets_an_answer_and_the_end_of_the_connection() {
    let node = start(&[]);
    let body = heartbeat();
    let head = format!("POST /RPC2 HTTP/1.0\r\nContent-Length: {}\r\n\r\n", body.len());
    assert_is_heartbeat(&exchange(&node, &[head.as_bytes(), &body].concat()).await);
}

#[tokio::test]
async fn a_chunked_request_is_taken() {
    let node = start(&[]);
    let body = heartbeat();
    let (first, second) = body.split_at(20);
    let mut request =
        b"POST /RPC2 HTTP/1.1\r\nHost: test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for part in [first, second, b""] {
        write!(request, "{:x}\r\n", part.len()).unwrap();
        request.extend_from_slice(part);
        request.extend_from_slice(b"\r\n");
    }
    assert_is_heartbeat(&exchange(&node, &request).await);
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_gzip_request_is_taken() {
    let node = start(&[]);
    let request = post("/RPC2", "Content-Encoding: gzip\r\n", &gzip(&heartbeat()));
    assert_is_heartbeat(&exchange(&node, &request).await);
}

/// Row 26.
#[tokio::test]
async fn a_connection_takes_one_call_after_the_other() {
    let node = start(&[]);
    let body = heartbeat();
    let head = format!("POST /RPC2 HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n", body.len());
    let first = [head.as_bytes(), &body].concat();
    let answers = exchange(&node, &[first, post("/RPC2", "", &body)].concat()).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
}

#[tokio::test]
async fn what_is_no_call_is_a_fault_and_harms_nobody() {
    let node = start(&[]);
    let bomb = r#"<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>
        <methodCall><methodName>&b;</methodName></methodCall>"#;
    let external =
        r#"<!DOCTYPE x SYSTEM "file:///etc/passwd"><methodCall><methodName>heartbeat</methodName></methodCall>"#;
    let deep = format!(
        "<methodCall><methodName>heartbeat</methodName><params><param>{}1{}</param></params></methodCall>",
        "<value><array><data>".repeat(10_000),
        "</data></array></value>".repeat(10_000),
    );
    let many = format!(
        "<methodCall><methodName>heartbeat</methodName><params>{}</params></methodCall>",
        "<param><value>1</value></param>".repeat(100_000),
    );
    for body in [bomb, external, &deep, &many, "", "<", "{}", "<methodCall/>"] {
        let answer = exchange(&node, &post("/RPC2", "", body.as_bytes())).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains("<name>faultCode</name><value><int>1</int></value>"), "{answer}");
        assert!(answer.contains("&lt;class '"), "{answer}");
    }
    let not_utf8 = exchange(&node, &post("/RPC2", "", b"<methodCall>\xff</methodCall>")).await;
    assert!(not_utf8.contains("faultCode"), "{not_utf8}");
    assert_is_heartbeat(&exchange(&node, &post("/RPC2", "", &heartbeat())).await);
}

/// Row 22.
#[tokio::test]
async fn a_request_over_4_mib_is_refused_with_413_also_when_it_is_that_large_only_inflated() {
    let node = start(&[]);
    let large = vec![b' '; 4 * 1024 * 1024 + 1];
    for request in [post("/RPC2", "", &large), post("/RPC2", "Content-Encoding: gzip\r\n", &gzip(&large))] {
        let answer = exchange(&node, &request).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }
    let not_gzip = exchange(&node, &post("/RPC2", "Content-Encoding: gzip\r\n", b"plain")).await;
    assert!(not_gzip.starts_with("HTTP/1.1 400 "), "{not_gzip}");
    assert_is_heartbeat(&exchange(&node, &post("/RPC2", "", &heartbeat())).await);
}

/// Row 19.
#[needs("python3")]
#[tokio::test]
async fn connections_that_send_nothing_or_half_a_call_block_nobody() {
    let (python, node) = pair(&[]).await;
    let mut idle = Vec::new();
    for number in 0..40 {
        let mut connection = TcpStream::connect(node.xmlrpc).await.unwrap();
        if number % 2 == 0 {
            let half = b"POST /RPC2 HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n<?xml";
            connection.write_all(half).await.unwrap();
        }
        idle.push(connection);
    }
    let asked = Instant::now();
    python.call(&node, "heartbeat", json!([])).await;
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
}
