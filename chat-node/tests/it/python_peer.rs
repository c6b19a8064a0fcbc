//! An original-style node as a peer: Python's standard library, and a channel to command it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};
use testing::Signal;
use tokio::sync::oneshot;

use crate::harness::{Node, in_time, start};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/peer.py");

/// A Python node; it is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct PythonPeer {
    pub(crate) id: String,
    pub(crate) port: u16,
    child: Child,
    commands: Mutex<ChildStdin>,
    waiting: Waiting,
}

/// Who waits for the result of which command; the number of the last one.
type Waiting = Arc<Mutex<(u64, HashMap<u64, oneshot::Sender<Value>>)>>;

impl PythonPeer {
    /// Starts a Python node on a free port. It needs `python3`.
    pub(crate) fn start(id: &str) -> Self {
        Self::start_at(id, 0)
    }

    pub(crate) fn start_at(id: &str, port: u16) -> Self {
        let mut command = Command::new("python3");
        command.args(["-B", PROGRAM, id, &port.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let commands = Mutex::new(child.stdin.take().unwrap());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let greeting = lines.next().unwrap().unwrap();
        let greeting: Value = serde_json::from_str(&greeting).unwrap();
        let port = u16::try_from(greeting["port"].as_u64().unwrap()).unwrap();
        let waiting = Waiting::default();
        let results = waiting.clone();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut answer: Value = serde_json::from_str(&line).unwrap();
                let waiting = results.lock().unwrap().1.remove(&answer["n"].as_u64().unwrap());
                // Who asked may have stopped waiting.
                drop(waiting.map(|waiting| waiting.send(answer["result"].take())));
            }
        });
        Self { id: id.to_owned(), port, child, commands, waiting }
    }

    /// As others are to call it.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// For `PEER_NODES`.
    pub(crate) fn entry(&self) -> String {
        format!("{}:{}", self.id, self.address())
    }

    /// Has the node carry a command out; `arguments` is an object. The command is on its way when this
    /// returns; what it returns waits for the result.
    pub(crate) fn command(&self, name: &str, arguments: Value) -> impl Future<Output = Value> + use<> {
        let (sender, result) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap();
        waiting.0 += 1;
        let n = waiting.0;
        waiting.1.insert(n, sender);
        drop(waiting);
        let mut command = arguments;
        command["n"] = n.into();
        command["do"] = name.into();
        writeln!(self.commands.lock().unwrap(), "{command}").unwrap();
        async { in_time(result).await.unwrap_or_else(|_| panic!("the command failed: see stderr")) }
    }

    pub(crate) async fn ask(&self, name: &str, arguments: Value) -> Value {
        self.command(name, arguments).await
    }

    /// These nodes are its peers, and nobody else.
    pub(crate) async fn knows(&self, nodes: &[&Node]) {
        let peers: HashMap<_, _> = nodes.iter().map(|node| (&node.id, url(node))).collect();
        self.ask("peers", json!({ "peers": peers })).await;
    }

    /// Creates a room; gives its id.
    pub(crate) async fn create_room(&self, name: &str) -> String {
        self.ask("create_room", json!({ "name": name })).await.as_str().unwrap().to_owned()
    }

    /// Says something in a room of its own, as a client of its own.
    pub(crate) async fn say(&self, room_id: &str, contents: &[&str]) {
        let arguments = json!({ "room_id": room_id, "username": "host", "contents": contents });
        self.ask("send", arguments).await;
    }

    /// Calls a node, with Python's client: `{"value": …}`, `{"fault": [code, text]}` or `{"error": …}`.
    pub(crate) async fn try_call(&self, node: &Node, method: &str, parameters: Value) -> Value {
        let arguments = json!({ "address": url(node), "method": method, "parameters": parameters });
        self.ask("call", arguments).await
    }

    /// Calls a node, which answers.
    pub(crate) async fn call(&self, node: &Node, method: &str, parameters: Value) -> Value {
        let mut result = self.try_call(node, method, parameters).await;
        assert!(result.get("value").is_some(), "{method}: {result}");
        result["value"].take()
    }

    /// The calls of a method that others have made here so far.
    pub(crate) async fn calls(&self, method: &str) -> Vec<Value> {
        list(self.ask("calls", json!({ "method": method })).await)
    }

    /// The calls of a method, once there are `count`.
    pub(crate) async fn wait_for_calls(&self, method: &str, count: usize) -> Vec<Value> {
        let calls = list(self.ask("wait_for_calls", json!({ "method": method, "count": count })).await);
        assert!(calls.len() >= count, "{} calls of {method}, not {count}", calls.len());
        calls
    }

    /// The next calls are answered wrongly: see `wrong_answer` in `server.py`.
    pub(crate) async fn misbehave(&self, mischief: Value) {
        self.ask("misbehave", mischief).await;
    }

    pub(crate) async fn behave(&self) {
        self.ask("behave", json!({})).await;
    }

    /// Stops the process (`Signal::STOP`), lets it go on (`Signal::CONT`), or kills it.
    pub(crate) fn signal(&self, signal: Signal) {
        testing::signal(&self.child, signal);
    }

    /// Ends the process; the port is free again.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for PythonPeer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A node's address for its peers.
pub(crate) fn url(node: &Node) -> String {
    format!("http://{}", node.xmlrpc)
}

/// A Python node `py`, and a node of ours that know each other. `settings` are those of ours.
pub(crate) async fn pair(settings: &[(&str, &str)]) -> (PythonPeer, Node) {
    let python = PythonPeer::start("py");
    let entry = python.entry();
    let node = start(&[&[("PEER_NODES", entry.as_str())], settings].concat());
    python.knows(&[&node]).await;
    (python, node)
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        other => panic!("a list instead of {other}"),
    }
}

/// What a broadcast that the Python node got says, in short: the content of a message, or the type and
/// the name of an event.
pub(crate) fn said(call: &Value) -> String {
    let parameters = &call["parameters"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    match call["method"].as_str().unwrap() {
        "receive_message_broadcast" => text(&parameters[1]["content"]),
        _ => format!("{} {}", text(&parameters[1]), text(&parameters[2]["username"])),
    }
}
