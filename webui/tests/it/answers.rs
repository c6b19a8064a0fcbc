//! The page's files, and the API's answers.

use std::io::Write;
use std::sync::mpsc::channel;

use crate::api::Api;
use crate::{ask, json, read_to, send, start};

const STATS: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\nKeep-Alive: timeout=5\r\n\
                     X-Served-By: api.1\r\nX-Private: 1\r\nConnection: keep-alive, X-Private\r\n\r\n{\"blocks\":7}\r\n";

#[test]
fn the_page_and_all_that_it_loads_comes_from_here_with_a_strict_policy() {
    let (_webui, address) = start("http://127.0.0.1:1", &[]);
    let page = ask(address, "GET", "/");
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("<title>Swarmyard</title>"), "{page}");
    assert!(page.contains("content-security-policy: default-src 'none'; "), "{page}");
    assert!(page.contains("x-served-by: webui.1\r\n"), "{page}");
    let attributes = page.split("src=\"").chain(page.split("href=\"")).skip(1);
    let files: Vec<_> =
        attributes.filter_map(|rest| rest.split('"').next()).filter(|file| file.contains('.')).collect();
    assert!(files.len() >= 4, "{files:?}");
    for file in files.iter().filter(|file| file.starts_with("page/")) {
        let answer = ask(address, "GET", &format!("/{file}"));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{file}: {answer}");
    }
}

#[test]
fn an_answer_of_the_api_is_passed_on_without_what_concerns_the_connection_only() {
    let api = Api::answering(STATS);
    let (_webui, address) = start(&api.url(), &[]);
    let answer = ask(address, "GET", "/api/coins?limit=3&x=%2F");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("{\"blocks\":7}\r\n"), "{answer}");
    assert!(answer.contains("content-type: application/json\r\n"), "{answer}");
    // The API's own name is in its answers' JSON.
    assert!(answer.contains("x-served-by: webui.1\r\n") && !answer.contains("api.1"), "{answer}");
    assert!(!answer.contains("keep-alive") && !answer.contains("x-private"), "{answer}");
    assert!(api.heads()[0].starts_with("get /coins?limit=3&x=%2f http/1.1\n"), "{:?}", api.heads());
}

#[test]
fn the_api_is_told_who_asks_and_nothing_about_the_browsers_connection() {
    let api = Api::answering(STATS);
    let (_webui, address) = start(&api.url(), &[]);
    let headers =
        "X-Forwarded-For: 192.0.2.1\r\nX-Hop: 1\r\nConnection: close, X-Hop\r\nTE: trailers\r\nAccept-Language: de\r\n";
    read_to(&mut send(address, "GET", "/api/", headers), "}\r\n");
    let head = api.heads().remove(0);
    assert!(head.starts_with("get / http/1.1\n"), "{head}");
    assert!(head.contains("\nx-forwarded-for: 192.0.2.1\nx-forwarded-for: 127.0.0.1"), "{head}");
    assert!(head.contains("\naccept-language: de"), "{head}");
    assert!(head.contains(&format!("\nhost: {}", api.address)), "{head}");
    assert!(!head.contains("x-hop") && !head.contains("\nte:"), "{head}");
}

#[test]
fn an_error_of_the_api_is_passed_on_as_it_is() {
    let api = Api::answering(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 45\r\n\r\n\
         {\"status\":503,\"message\":\"redis is not there\"}",
    );
    let (_webui, address) = start(&api.url(), &[]);
    let answer = ask(address, "GET", "/api/stats");
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert_eq!(json(&answer), serde_json::json!({ "status": 503, "message": "redis is not there" }));
}

#[test]
fn a_redirection_is_left_to_the_browser() {
    let api = Api::answering("HTTP/1.1 307 Temporary Redirect\r\nLocation: /miners\r\nContent-Length: 0\r\n\r\n");
    let (_webui, address) = start(&api.url(), &[]);
    let answer = ask(address, "GET", "/api/stats");
    assert!(answer.starts_with("HTTP/1.1 307 ") && answer.contains("location: /miners\r\n"), "{answer}");
    assert_eq!(api.heads().len(), 1);
}

#[test]
fn no_path_leads_to_another_server() {
    let (api, other) = (Api::answering(STATS), Api::answering(STATS));
    let (_webui, address) = start(&api.url(), &[]);
    let paths = ["//OTHER/stats", "/http://OTHER/stats", "/../../stats", "/%2e%2e/%2F%2FOTHER", "/@OTHER/"];
    for (path, asked) in paths.into_iter().zip(1..) {
        let path = path.replace("OTHER", &other.address.to_string());
        let answer = ask(address, "GET", &format!("/api{path}"));
        assert!(answer.starts_with("HTTP/1.1 200 "), "{path}: {answer}");
        assert_eq!((api.heads().len(), other.heads().len()), (asked, 0), "{path}");
    }
}

#[test]
fn only_what_reads_is_passed_on() {
    let api = Api::answering(STATS);
    let (_webui, address) = start(&api.url(), &[]);
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let answer = ask(address, method, "/api/stats");
        assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("allow: GET,HEAD,OPTIONS\r\n"), "{answer}");
        assert_eq!(json(&answer)["message"], format!("{method} is not possible at /api/stats"));
    }
    assert!(ask(address, "GET", "/apis").starts_with("HTTP/1.1 404 "));
    assert_eq!(api.heads(), Vec::<String>::new());
    let answer = ask(address, "HEAD", "/api/stats");
    assert!(answer.contains("content-length: 14\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(api.heads()[0].starts_with("head /stats "), "{:?}", api.heads());
}

#[test]
fn each_request_of_a_browsers_one_connection_may_reach_another_replica() {
    let (sender, _kept) = channel();
    let api = Api::start(move |_, mut connection| {
        connection.write_all(STATS.as_bytes()).unwrap();
        // It could bring another request, which nobody would answer.
        drop(sender.send(connection));
    });
    let (_webui, address) = start(&api.url(), &[]);
    let mut browser = send(address, "GET", "/api/stats", "");
    read_to(&mut browser, "}\r\n");
    browser.write_all(b"GET /api/miners HTTP/1.1\r\nHost: page\r\n\r\n").unwrap();
    read_to(&mut browser, "}\r\n");
    assert_eq!(api.heads().len(), 2);
}

#[test]
fn an_answer_that_breaks_off_does_not_look_complete() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"half\":\r\n",
    ] {
        let api = Api::answering(answer);
        let (_webui, address) = start(&api.url(), &[]);
        let answer = ask(address, "GET", "/api/stats");
        assert!(answer.contains("{\"half\":") || answer.is_empty(), "{answer}");
        assert!(!answer.ends_with("0\r\n\r\n"), "{answer}");
    }
}
