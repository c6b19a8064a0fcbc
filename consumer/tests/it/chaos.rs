//! The knobs, in a service that answers nobody.

use std::time::{Duration, Instant};

use testing::knobs::{self, CHAOS_TOKEN, turn_on};

use crate::server::{Server, number};
use crate::start;

/// Waits until the server was asked so many times.
fn wait_for_polls(server: &Server, count: usize) {
    let start = Instant::now();
    while server.heads().len() < count {
        assert!(start.elapsed() < testing::LIMIT, "no poll comes");
        std::thread::yield_now();
    }
}

#[test]
fn polls_come_later_or_wait_until_nothing_hangs() {
    for (knob, terms) in [("latency", r#"{"milliseconds":500,"for_seconds":600}"#), ("hang", r#"{"for_seconds":0.5}"#)]
    {
        let server = Server::start(number(73));
        let mut consumer = start(&server.url(), &[CHAOS_TOKEN]);
        let ops = consumer.address();
        consumer.line();
        let start = Instant::now();
        turn_on(ops, knob, terms);
        // One may have been on its way.
        wait_for_polls(&server, server.heads().len() + 2);
        assert!(start.elapsed() >= Duration::from_millis(500), "{knob}: {:?}", start.elapsed());
        consumer.line_that_starts("Received number: 73");
    }
}

#[test]
fn who_answers_nobody_cannot_be_made_to_fail() {
    let server = Server::start(number(73));
    let mut consumer = start(&server.url(), &[CHAOS_TOKEN]);
    let answer = knobs::ask(consumer.address(), "PUT", "errors", r#"{"percent":50,"for_seconds":60}"#);
    assert!(answer.starts_with("HTTP/1.1 422 "), "{answer}");
    assert!(answer.contains("errors: this service answers no requests of its own that could fail"), "{answer}");
}
