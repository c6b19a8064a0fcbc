//! A stand-in for a manager's engine, of which the tests need that somebody else changes the service at a certain
//! moment. The real one is in `e2e/tests/yard_swarm`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// The service that it knows.
pub(crate) const SERVICE: &str = "yard_webui";

/// A running engine; its threads end with the test's process.
pub(crate) struct Engine {
    pub(crate) address: SocketAddr,
    shared: Arc<Mutex<Known>>,
}

/// What it knows, and was told.
pub(crate) struct Known {
    pub(crate) version: u64,
    pub(crate) spec: Value,
    /// What the service's update is about, as `UpdateStatus` has it.
    pub(crate) update_state: &'static str,
    /// So often others are faster: they change nothing but the version.
    pub(crate) overtaken: u32,
    /// The versions that updates were for, and whether they were taken.
    pub(crate) updates: Vec<(u64, bool)>,
}

/// A service's description, with a few things that have to stay.
fn spec(replicas: u32) -> Value {
    json!({
        "Name": SERVICE,
        "Labels": { "com.docker.stack.namespace": "yard" },
        "TaskTemplate": {
            "ContainerSpec": { "Image": "webui:latest@sha256:0", "StopGracePeriod": 20_000_000_000_u64 },
            "Resources": { "Limits": { "NanoCPUs": 1_000_000_000, "MemoryBytes": 100_663_296 } },
            "ForceUpdate": 18_446_744_073_709_551_615_u64,
        },
        "Mode": { "Replicated": { "Replicas": replicas } },
        "UpdateConfig": { "MaxFailureRatio": 0.25 },
    })
}

impl Engine {
    /// Starts one whose service has so many replicas.
    pub(crate) fn start(replicas: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let known = Known { version: 7, spec: spec(replicas), update_state: "", overtaken: 0, updates: Vec::new() };
        let shared = Arc::new(Mutex::new(known));
        let known = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let known = known.clone();
                // An error is the client's, which has gone.
                thread::spawn(move || drop(serve(&stream.unwrap(), &known)));
            }
        });
        Self { address, shared }
    }

    /// What it knows, to be looked at or changed.
    pub(crate) fn known<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.shared.lock().unwrap())
    }

    /// The description that it has when it is the first one, but for the number of replicas.
    pub(crate) fn replicas_of_the_same(&self) -> u64 {
        self.known(|known| {
            let replicas = known.spec["Mode"]["Replicated"]["Replicas"].as_u64().unwrap();
            assert_eq!(known.spec, spec(replicas.try_into().unwrap()));
            replicas
        })
    }
}

fn serve(mut stream: &TcpStream, known: &Mutex<Known>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        reader.read_exact(&mut body)?;
        let (status, answer) = answer(&head, &body, &mut known.lock().unwrap());
        let answer = answer.to_string();
        let length = answer.len();
        stream.write_all(format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n\r\n{answer}").as_bytes())?;
    }
}

fn answer(head: &str, body: &[u8], known: &mut Known) -> (u16, Value) {
    let target = head.split(' ').nth(1).unwrap();
    let Some(rest) = target.strip_prefix(&format!("/services/{SERVICE}")) else {
        return (404, json!({ "message": format!("service {target} not found") }));
    };
    if head.starts_with("get ") && rest.is_empty() {
        let mut service = json!({ "ID": "a1", "Version": { "Index": known.version }, "Spec": known.spec });
        if !known.update_state.is_empty() {
            service["UpdateStatus"] = json!({ "State": known.update_state, "Message": "x" });
        }
        return (200, service);
    }
    let Some(version) = rest.strip_prefix("/update?version=").filter(|_| head.starts_with("post ")) else {
        return (404, json!({ "message": "page not found" }));
    };
    let version = version.parse().unwrap();
    if known.overtaken > 0 {
        known.overtaken -= 1;
        known.version += 3;
    }
    let is_current = version == known.version;
    known.updates.push((version, is_current));
    if !is_current {
        return (500, json!({ "message": "rpc error: code = Unknown desc = update out of sequence" }));
    }
    known.version += 1;
    known.spec = serde_json::from_slice(body).unwrap();
    (200, json!({ "Warnings": null }))
}
