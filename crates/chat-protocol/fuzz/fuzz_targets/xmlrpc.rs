//! Holds `chat_protocol::properties::xmlrpc` against what the fuzzer thinks of.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| chat_protocol::properties::xmlrpc(input));
