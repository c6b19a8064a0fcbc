//! What the fuzzer has found, and what it starts from, holds without it.

use std::fs;
use std::path::Path;

use chat_protocol::properties;

fn replay(target: &str, property: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        property(&fs::read(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files > 0, "the corpus of {target} is empty");
}

#[test]
fn the_corpus_of_xmlrpc_holds() {
    replay("xmlrpc", properties::xmlrpc);
}

#[test]
fn the_corpus_of_websocket_json_holds() {
    replay("websocket_json", properties::websocket_json);
}

#[test]
fn the_corpus_of_peer_nodes_holds() {
    replay("peer_nodes", properties::peer_nodes);
}
