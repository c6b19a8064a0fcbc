//! The API being away, silent, or strange.

use std::net::TcpListener;

use crate::api::Api;
use crate::{ask, json, start};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

#[test]
fn while_the_api_is_away_the_browser_is_told_so_and_it_is_found_when_it_comes() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = port.local_addr().unwrap();
    drop(port);
    let (mut webui, address) = start(&format!("http://{api}"), &[]);
    let message = format!("the API is away: {api} refuses connections (is the API running?)");
    for _ in 0..3 {
        let answer = ask(address, "GET", "/api/events");
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert_eq!(json(&answer), serde_json::json!({ "status": 503, "message": message }));
    }
    // The page does not need the API.
    assert!(ask(address, "GET", "/").starts_with("HTTP/1.1 200 "));
    assert!(ask(address, "GET", "/readyz").starts_with("HTTP/1.1 200 "));

    webui.log_line(&message);
    let _api = Api::at(TcpListener::bind(api).unwrap(), |_, mut connection| {
        drop(std::io::Write::write_all(&mut connection, OK.as_bytes()));
    });
    assert!(ask(address, "GET", "/api/stats").starts_with("HTTP/1.1 200 "));
    // Three failures were one line: the next one tells of the return.
    let line = webui.log_line("API");
    assert!(line.contains("answers again"), "{line}");
}

#[test]
fn a_name_that_does_not_resolve_is_named() {
    let (_webui, address) = start("http://api.invalid:9000", &[]);
    let answer = ask(address, "GET", "/api/stats");
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let message = json(&answer)["message"].as_str().unwrap().to_owned();
    assert!(message.contains("api.invalid"), "{message}");
}

#[test]
fn an_api_that_says_nothing_is_given_up_while_others_are_served() {
    let (sender, connections) = std::sync::mpsc::channel();
    let api = Api::start(move |head, mut connection| {
        if head.starts_with("get /stats") {
            // Open until the test ends.
            drop(sender.send(connection));
        } else {
            drop(std::io::Write::write_all(&mut connection, OK.as_bytes()));
        }
    });
    let (_webui, address) = start(&api.url(), &[]);
    std::thread::scope(|scope| {
        let silent = scope.spawn(|| ask(address, "GET", "/api/stats"));
        let connection = connections.recv_timeout(testing::LIMIT).unwrap();
        assert!(ask(address, "GET", "/api/miners").starts_with("HTTP/1.1 200 "));
        let answer = silent.join().unwrap();
        assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
        let message = format!("the API is silent: no answer from {} within 5 s", api.address);
        assert_eq!(json(&answer)["message"], message);
        drop(connection);
    });
}

#[test]
fn what_is_no_answer_is_called_broken() {
    for answer in ["SSH-2.0-OpenSSH\r\n\r\n", ""] {
        let api = Api::answering(answer);
        let (_webui, address) = start(&api.url(), &[]);
        let answer = ask(address, "GET", "/api/stats");
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
        let message = json(&answer)["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with(&format!("the API's answer is broken: {}: ", api.address)), "{message}");
    }
}
