//! The yard: who looks is told of every instance, and of each change.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Instant;

use serde_json::{Value, json};
use testing::{LIMIT, Signal};

use crate::instance::{Instance, whoami};
use crate::{ask, read_to, send, start};

pub(crate) const NO_API: &str = "http://127.0.0.1:1";

/// Somebody who looks, and knows what they were told.
pub(crate) struct Viewer {
    stream: TcpStream,
    pub(crate) instances: BTreeMap<String, Value>,
    absent: Value,
}

impl Viewer {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let mut stream = send(address, "GET", "/yard/events", "");
        let head = read_to(&mut stream, "\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("content-type: text/event-stream\r\n"), "{head}");
        assert!(head.contains("x-accel-buffering: no\r\n"), "{head}");
        Self { stream, instances: BTreeMap::new(), absent: Value::Null }
    }

    /// The next event.
    pub(crate) fn next(&mut self) -> Value {
        let event = read_to(&mut self.stream, "\n\n");
        let (_, data) = event.split_once("event: yard\ndata: ").unwrap_or_else(|| panic!("no event: {event}"));
        let told: Value = serde_json::from_str(data.lines().next().unwrap()).unwrap();
        self.take(&told);
        told
    }

    fn take(&mut self, told: &Value) {
        if told["whole"] == true {
            self.instances.clear();
        }
        for instance in told["instances"].as_array().unwrap() {
            self.instances.insert(instance["id"].as_str().unwrap().to_owned(), instance.clone());
        }
        for (id, requests) in told["requests"].as_object().unwrap() {
            self.instances.get_mut(id).unwrap()["requests"] = requests.clone();
        }
        for id in told["forgotten"].as_array().unwrap() {
            self.instances.remove(id.as_str().unwrap());
        }
        if !told["absent"].is_null() {
            self.absent = told["absent"].clone();
        }
    }

    /// Waits until these are there, by `served_by`, each in its state.
    fn until(&mut self, wanted: &[(&str, &str)]) {
        let start = Instant::now();
        loop {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let mut seen: Vec<_> =
                self.instances.values().map(|one| (text(&one["served_by"]), text(&one["state"]))).collect();
            seen.sort_unstable();
            if seen.iter().map(|(name, state)| (name.as_str(), state.as_str())).eq(wanted.iter().copied()) {
                return;
            }
            assert!(start.elapsed() < LIMIT, "there are {seen:?}");
            self.next();
        }
    }
}

fn yard(instances: &[&Instance]) -> String {
    instances.iter().map(|instance| instance.address.to_string()).collect::<Vec<_>>().join(",")
}

#[test]
fn who_looks_is_told_of_every_instance_and_then_of_what_changes() {
    let (one, two) = (Instance::start("one"), Instance::start("two"));
    let (_webui, address) = start(NO_API, &[("YARD", &yard(&[&one, &two]))]);
    let mut viewer = Viewer::new(address);
    let whole = viewer.next();
    assert_eq!((&whole["whole"], &whole["absent"]), (&json!(true), &json!([])), "{whole}");
    viewer.until(&[("one", "answers"), ("two", "answers")]);
    let told = &whole["instances"][0];
    let said = (&told["name"], &told["version"], &told["node"], &told["architecture"], &told["uptime_seconds"]);
    let expected = (&json!("producer"), &json!("1.0.0"), &json!("pi1"), &json!("arm64"), &json!(7));
    assert_eq!(said, expected, "{told}");
    assert_eq!(told["caller"], Value::Null, "who asks is nobody's business");

    let mut busy = whoami("one");
    busy["requests"] = json!(42);
    one.says(&busy);
    let told = loop {
        let told = viewer.next();
        if told["requests"] != json!({}) {
            break told;
        }
    };
    assert_eq!(told["instances"], json!([]), "{told}");
    assert!(viewer.instances.values().any(|one| one["requests"] == 42), "{told}");
    busy["ready"] = json!(false);
    busy["reason"] = json!("stopping");
    one.says(&busy);
    while !viewer.instances.values().any(|one| one["ready"] == false && one["reason"] == "stopping") {
        viewer.next();
    }
}

#[test]
fn nobody_is_asked_while_nobody_looks_and_all_who_look_share_the_questions() {
    let one = Instance::start("one");
    let (_webui, address) = start(NO_API, &[("YARD", &yard(&[&one]))]);
    assert!(ask(address, "GET", "/readyz").starts_with("HTTP/1.1 200 "));
    assert_eq!(one.requests(), 0);
    let mut viewers: Vec<_> = (0..8).map(|_| Viewer::new(address)).collect();
    for _ in 0..4 {
        for viewer in &mut viewers {
            viewer.next();
        }
    }
    // Each has seen four rounds of the same, and a few more may be over by now.
    let asked = one.requests();
    assert!((4..24).contains(&asked), "eight viewers of four rounds asked {asked} times");
    assert_eq!(one.connections(), 1, "the connection is not kept");
    drop(viewers);
    // A connection is closed when nothing was asked on it for several rounds.
    let start = Instant::now();
    while one.open() > 0 {
        assert!(start.elapsed() < LIMIT, "it is still asked");
        std::thread::yield_now();
    }
}

#[test]
fn one_that_is_killed_is_gone_and_a_new_one_is_there() {
    let (one, two) = (Instance::start("one"), Instance::start("two"));
    let place = TcpListener::bind("127.0.0.1:0").unwrap();
    let later = place.local_addr().unwrap();
    drop(place);
    let places = format!("{},{later}", yard(&[&one, &two]));
    let (_webui, address) = start(NO_API, &[("YARD", &places)]);
    let mut viewer = Viewer::new(address);
    viewer.until(&[("one", "answers"), ("two", "answers")]);
    assert_eq!(viewer.absent, json!([later.to_string()]));
    let killed = one.address;
    drop(one);
    viewer.until(&[("one", "gone"), ("two", "answers")]);
    let gone = viewer.instances.values().find(|one| one["state"] == "gone").unwrap();
    assert!(gone["silent_seconds"].is_u64(), "{gone}");
    assert_eq!(viewer.absent, json!([killed.to_string(), later.to_string()]));
    let _new = Instance::at(TcpListener::bind(killed).unwrap(), "200 OK", &whoami("new").to_string());
    viewer.until(&[("new", "answers"), ("one", "gone"), ("two", "answers")]);
}

#[test]
fn who_does_not_answer_as_an_instance_does_is_none_and_holds_nobody_up() {
    // Accepts connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let wrong = [
        Instance::answering("501 Not Implemented", &whoami("original").to_string()),
        Instance::answering("200 OK", "<html>"),
        Instance::answering("200 OK", &format!("{{\"name\":\"{}\"}}", "x".repeat(100_000))),
        Instance::answering("302 Found", ""),
    ];
    let good = Instance::start("good");
    let all: Vec<_> = wrong.iter().chain([&good]).collect();
    let places = format!("{},{}", silent.local_addr().unwrap(), yard(&all));
    let (_webui, address) = start(NO_API, &[("YARD", &places)]);
    let mut viewer = Viewer::new(address);
    viewer.until(&[("good", "answers")]);
    let mut absent: Vec<String> = serde_json::from_value(viewer.absent.clone()).unwrap();
    let mut expected: Vec<_> =
        places.split(',').map(str::to_owned).filter(|one| *one != good.address.to_string()).collect();
    absent.sort_unstable();
    expected.sort_unstable();
    assert_eq!(absent, expected);
}

#[test]
fn a_name_stands_for_its_addresses() {
    let one = Instance::start("one");
    let places = format!("localhost:{},nobody.invalid:5000", one.address.port());
    let (_webui, address) = start(NO_API, &[("YARD", &places)]);
    let mut viewer = Viewer::new(address);
    viewer.until(&[("one", "answers")]);
    assert_eq!(viewer.absent, json!(["nobody.invalid:5000"]));
}

#[test]
fn who_looks_is_told_of_the_end_at_the_stop() {
    let one = Instance::start("one");
    let (mut webui, address) = start(NO_API, &[("YARD", &yard(&[&one])), ("DRAIN_TIMEOUT", "10m")]);
    let mut viewer = Viewer::new(address);
    viewer.next();
    webui.signal(Signal::TERM);
    let mut rest = String::new();
    viewer.stream.read_to_string(&mut rest).unwrap();
    // A clean end of the body, not a cut.
    assert!(rest.ends_with("0\r\n\r\n"), "{rest:?}");
    assert_eq!(webui.ended().0.code(), Some(0));
}
