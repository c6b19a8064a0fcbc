//! The answers.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::{ask, start};

/// Draws that the test of the distribution takes.
const DRAWS: usize = 18_000;

#[test]
fn a_number_is_json_and_nothing_else() {
    let (_producer, address) = start(&[("SERVED_BY", "producer.1@pi1")]);
    let answer = ask(address, "GET", "/number");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(head.contains("\r\ncontent-type: application/json\r\n"), "{answer}");
    assert!(head.contains("\r\nx-served-by: producer.1@pi1\r\n"), "{answer}");
    let number: u8 = body.strip_prefix("{\"number\":").unwrap().strip_suffix('}').unwrap().parse().unwrap();
    assert!((1..=180).contains(&number), "{answer}");
}

#[test]
fn numbers_are_uniform_from_1_to_180_both_included() {
    let (_producer, address) = start(&[]);
    let mut counts = BTreeMap::new();
    for number in draw(address, DRAWS) {
        *counts.entry(number).or_insert(0_i32) += 1;
    }
    assert_eq!((counts.first_key_value().unwrap().0, counts.last_key_value().unwrap().0), (&1, &180));
    assert_eq!(counts.len(), 180, "{counts:?}");
    // Each number is expected 100 times. Chi-squared with 179 degrees of freedom exceeds 300 once
    // in 40 million runs.
    let expected = 100;
    let deviation: i32 =
        (1..=180).map(|number| counts.get(&number).map_or(0, |count| *count) - expected).map(|d| d * d).sum();
    assert!(deviation / expected < 300, "chi-squared is {}: {counts:?}", deviation / expected);
}

/// Draws over one kept-alive connection.
fn draw(address: SocketAddr, draws: usize) -> Vec<u8> {
    let mut connection = TcpStream::connect(address).unwrap();
    let mut sender = connection.try_clone().unwrap();
    let writing = std::thread::spawn(move || {
        let last = draws - 1;
        for draw in 0..draws {
            let end = if draw == last { "Connection: close\r\n\r\n" } else { "\r\n" };
            write!(sender, "GET /number HTTP/1.1\r\nHost: test\r\n{end}").unwrap();
        }
    });
    let mut answers = String::new();
    connection.read_to_string(&mut answers).unwrap();
    writing.join().unwrap();
    let numbers = answers.split("{\"number\":").skip(1).map(|rest| rest.split('}').next().unwrap().parse().unwrap());
    let numbers: Vec<u8> = numbers.collect();
    assert_eq!(numbers.len(), draws);
    numbers
}

#[test]
fn the_index_tells_a_person_what_is_here() {
    let (_producer, address) = start(&[]);
    let answer = ask(address, "GET", "/");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    for path in ["/number", "/whoami", "/healthz", "/readyz", "/metrics"] {
        assert!(answer.contains(path), "{answer}");
        assert!(ask(address, "GET", path).starts_with("HTTP/1.1 200 OK\r\n"), "{path}");
    }
}

#[test]
fn another_path_is_404_and_another_method_405_as_json() {
    let (_producer, address) = start(&[]);
    let answer = ask(address, "GET", "/numbers");
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    assert!(answer.ends_with(r#"{"status":404,"message":"nothing is at /numbers"}"#), "{answer}");
    let answer = ask(address, "POST", "/number");
    assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("\r\nallow: GET,HEAD,OPTIONS\r\n"), "{answer}");
    assert!(answer.ends_with(r#"{"status":405,"message":"POST is not possible at /number"}"#), "{answer}");
}

#[test]
fn another_spelling_of_its_path_gives_a_number_too() {
    let (_producer, address) = start(&[]);
    let answer = ask(address, "GET", "/%6eumber");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("{\"number\":"), "{answer}");
}

#[test]
fn a_head_request_gets_the_head_alone() {
    let (_producer, address) = start(&[]);
    let answer = ask(address, "HEAD", "/number");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(answer.contains("\r\ncontent-type: application/json\r\n"), "{answer}");
}

#[test]
fn answers_are_counted() {
    let (_producer, address) = start(&[]);
    draw(address, 10);
    let metrics = ask(address, "GET", "/metrics");
    assert!(metrics.contains(r#"http_requests_total{route="/number",method="GET",status="200"} 10"#), "{metrics}");
    assert!(ask(address, "GET", "/whoami").contains(r#""requests":10"#));
}
