//! Breaking an instance from the page: the instance decides who may.

use std::io::{Read, Write};
use std::net::SocketAddr;

use serde_json::{Value, json};
use testing::Program;
use testing::knobs::CHAOS_TOKEN;

use crate::yard::{NO_API, Viewer};
use crate::{json, send, start};

/// A service of ours that has knobs, the page's server that asks it, and its id there.
struct Broken {
    _both: [Program; 2],
    place: SocketAddr,
    address: SocketAddr,
    viewer: Viewer,
    id: String,
}

impl Broken {
    fn start() -> Self {
        let (instance, place) = start(NO_API, &[CHAOS_TOKEN, ("SERVED_BY", "one")]);
        let (webui, address) = start(NO_API, &[("YARD", &place.to_string())]);
        let mut viewer = Viewer::new(address);
        let told = viewer.next();
        let id = told["instances"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(viewer.instances[&id]["knobs"], json!([]));
        Self { _both: [instance, webui], place, address, viewer, id }
    }

    fn order(&self, method: &str, path: &str, token: &str, terms: &str) -> String {
        order(self.address, method, &format!("/yard/instances/{}{path}", self.id.replace(' ', "%20")), token, terms)
    }

    /// Waits until these knobs are on, as who looks is told.
    fn until(&mut self, effects: &[&str]) {
        let effects_of = |one: &Value| -> Vec<String> {
            let knobs = one["knobs"].as_array().unwrap();
            knobs.iter().map(|knob| knob["effect"].as_str().unwrap().to_owned()).collect()
        };
        while effects_of(&self.viewer.instances[&self.id]) != effects {
            self.viewer.next();
        }
    }
}

/// Asks with a token and a body; gives the whole answer.
fn order(address: SocketAddr, method: &str, path: &str, token: &str, terms: &str) -> String {
    let headers = format!("Connection: close\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n", terms.len());
    let mut connection = send(address, method, path, &headers);
    connection.write_all(terms.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn who_has_the_token_turns_a_knob_and_who_looks_is_told_until_it_is_taken_back() {
    let mut broken = Broken::start();
    let answer = broken.order("PUT", "/chaos/not-ready", CHAOS_TOKEN.1, r#"{"for_seconds":600}"#);
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("content-type: application/json\r\n"), "{answer}");
    let effect = "/readyz says that it is not ready";
    assert_eq!(json(&answer)["effect"], effect, "{answer}");
    broken.until(&[effect]);
    let answer = broken.order("DELETE", "/chaos", CHAOS_TOKEN.1, "");
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    broken.until(&[]);
}

#[test]
fn the_instance_refuses_who_has_not_its_token_and_what_is_no_order() {
    let broken = Broken::start();
    let answer = broken.order("PUT", "/chaos/hang", "trout", r#"{"for_seconds":600}"#);
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("CHAOS_TOKEN"), "{answer}");
    assert!(broken.order("DELETE", "/chaos", "trout", "").starts_with("HTTP/1.1 401 "));
    let answer = broken.order("PUT", "/chaos/hang", CHAOS_TOKEN.1, r#"{"for_seconds":601}"#);
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("600 at most"), "{answer}");
}

#[test]
fn an_instance_is_found_also_where_nobody_looks() {
    let mut broken = Broken::start();
    // Another replica of the page's server: the way in sends each request to the next one.
    let (_other, other) = start(NO_API, &[("YARD", &broken.place.to_string())]);
    broken.address = other;
    let answer = broken.order("PUT", "/chaos/memory", CHAOS_TOKEN.1, r#"{"mebibytes":1,"for_seconds":600}"#);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    broken.until(&["1 MiB of memory are held"]);
}

#[test]
fn no_path_leads_to_anything_but_a_knob_of_an_instance() {
    let broken = Broken::start();
    let hang = r#"{"for_seconds":600}"#;
    for path in ["/chaos/fire", "/chaos/..%2Fwhoami", "/chaos/hang%3Fx", "/whoami", "/chaos/hang/x"] {
        let answer = broken.order("PUT", path, CHAOS_TOKEN.1, hang);
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
    for id in ["nobody", "..", "127.0.0.1:80"] {
        let answer = order(broken.address, "PUT", &format!("/yard/instances/{id}/chaos/hang"), CHAOS_TOKEN.1, hang);
        assert!(answer.starts_with("HTTP/1.1 404 "), "{id}: {answer}");
    }
}
