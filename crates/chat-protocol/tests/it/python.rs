//! Python's own `xmlrpc.client` reads what we write, and we read what it writes.

use std::io::Write;
use std::process::{Command, Stdio};

use chat_protocol::xmlrpc::{Fault, PeerCall, fault_xml, read_response, response_xml};
use serde_json::{Value as Json, json};
use testing::needs;

use crate::examples::{calls, replies};

/// Does one task a line. `read` gives `[method, parameters]` of a call, the value of a response, or
/// `["fault", code, text]`; the others give the body of a request, a response or a fault.
const SCRIPT: &str = r#"
import json, sys
from xmlrpc.client import Fault, dumps, loads
tasks = json.load(sys.stdin)
results = []
for task in tasks:
    if "read" in task:
        try:
            values, method = loads(task["read"])
            results.append([method, list(values)] if method else values[0])
        except Fault as fault:
            results.append(["fault", fault.faultCode, fault.faultString])
    elif "call" in task:
        method, values = task["call"]
        results.append(dumps(tuple(values), method, allow_none=True))
    elif "response" in task:
        results.append(dumps((task["response"],), methodresponse=True, allow_none=True))
    else:
        results.append(dumps(Fault(*task["fault"]), methodresponse=True))
json.dump(results, sys.stdout)
"#;

/// The results of these tasks. It needs `python3`.
fn python(tasks: &[Json]) -> Vec<Json> {
    let mut command = Command::new("python3");
    command.args(["-I", "-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&serde_json::to_vec(tasks).unwrap()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "python3 ended with {}", output.status);
    let results: Vec<Json> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(results.len(), tasks.len());
    results
}

#[needs("python3")]
#[test]
fn python_reads_our_calls() {
    let calls = calls();
    let tasks: Vec<_> = calls.iter().map(|(call, _)| json!({"read": call.to_xml()})).collect();
    for ((call, expected), read) in calls.iter().zip(python(&tasks)) {
        assert_eq!(read, *expected, "{}", call.method());
    }
}

#[needs("python3")]
#[test]
fn we_read_the_calls_of_python() {
    let calls = calls();
    let tasks: Vec<_> = calls.iter().map(|(_, json)| json!({"call": json})).collect();
    for ((call, _), xml) in calls.into_iter().zip(python(&tasks)) {
        let xml = xml.as_str().unwrap();
        assert_eq!(PeerCall::from_xml(xml.as_bytes()), Ok(call), "{xml}");
    }
}

#[needs("python3")]
#[test]
fn python_reads_our_replies() {
    let replies = replies();
    let tasks: Vec<_> = replies.iter().map(|reply| json!({"read": response_xml(&reply.value)})).collect();
    for (reply, read) in replies.iter().zip(python(&tasks)) {
        assert_eq!(read, reply.json);
    }
}

#[needs("python3")]
#[test]
fn we_read_the_replies_of_python() {
    let replies = replies();
    let tasks: Vec<_> = replies.iter().map(|reply| json!({"response": reply.json})).collect();
    for (reply, xml) in replies.iter().zip(python(&tasks)) {
        let xml = xml.as_str().unwrap();
        assert!((reply.is_in)(xml.as_bytes()), "{xml}");
    }
}

#[needs("python3")]
#[test]
fn a_carriage_return_reaches_python_but_python_sends_a_line_feed() {
    let call = |username: &str| PeerCall::JoinRoom {
        room_id: "r".to_owned(),
        username: username.to_owned(),
        client_node_id: "n".to_owned(),
    };
    let parameters = json!(["join_room", ["r", "a\rb\r\nc", "n"]]);
    let results = python(&[json!({"read": call("a\rb\r\nc").to_xml()}), json!({"call": parameters})]);
    assert_eq!(results[0], parameters);
    assert_eq!(PeerCall::from_xml(results[1].as_str().unwrap().as_bytes()), Ok(call("a\nb\nc")));
}

#[needs("python3")]
#[test]
fn parameters_that_python_leaves_out_have_their_defaults() {
    let tasks = [
        json!({"call": ["notify_member_disconnect", ["r", "bob", "node2"]]}),
        json!({"call": ["commit_delete_room", ["r", "t"]]}),
    ];
    let calls: Vec<_> =
        python(&tasks).iter().map(|xml| PeerCall::from_xml(xml.as_str().unwrap().as_bytes()).unwrap()).collect();
    assert!(
        matches!(&calls[0], PeerCall::NotifyMemberDisconnect { reason, .. } if reason == "User disconnected"),
        "{calls:?}"
    );
    assert!(matches!(&calls[1], PeerCall::CommitDeleteRoom { room_name: None, .. }), "{calls:?}");
}

#[needs("python3")]
#[test]
fn faults_are_the_same_on_both_sides() {
    let ours = Fault::unknown_method("<dance> & Füchse");
    let theirs = json!([1, "<class 'Exception'>:method \"system.multicall\" is not supported"]);
    let results = python(&[json!({"read": fault_xml(&ours)}), json!({"fault": theirs})]);
    assert_eq!(results[0], json!(["fault", 1, ours.text]));
    let read = read_response(results[1].as_str().unwrap().as_bytes()).unwrap().unwrap_err();
    assert_eq!(read, Fault::unknown_method("system.multicall"));
    assert!(read.is_unknown_method());
}
