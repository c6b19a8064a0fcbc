//! Holds `chat_protocol::properties::peer_nodes` against what the fuzzer thinks of.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| chat_protocol::properties::peer_nodes(input));
