//! The API's program, and its plain clients.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use testing::Program;

use crate::redis::Redis;

pub(crate) const API: &str = env!("CARGO_BIN_EXE_api");

/// A running API.
pub(crate) struct Api {
    pub(crate) program: Program,
    pub(crate) address: SocketAddr,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and headers.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Api {
    /// One that knows the Redis's coins by now.
    pub(crate) fn of(redis: &Redis) -> Self {
        let api = Self::start(&redis.url(), "api.1@pi1");
        api.until("/coins", |answer| answer.status == 200);
        api.until("/readyz", |answer| answer.status == 200);
        api
    }

    /// One that knows by now that the Redis does not tell it anything.
    pub(crate) fn without(redis: &Redis) -> Self {
        let api = Self::start(&redis.url(), "api.1@pi1");
        api.until("/readyz", |answer| answer.body.contains("127.0.0.1"));
        api
    }

    /// One that knows the Redis's coins by now, and its replica's address.
    pub(crate) fn of_both(redis: &Redis, replica: &Redis) -> Self {
        let api = Self::start_with(&[("REDIS_URL", &redis.url()), ("REDIS_REPLICA_URL", &replica.url())]);
        api.until("/coins", |answer| answer.status == 200);
        api.until("/readyz", |answer| answer.status == 200);
        api
    }

    pub(crate) fn start(redis_url: &str, served_by: &str) -> Self {
        Self::start_with(&[("REDIS_URL", redis_url), ("SERVED_BY", served_by)])
    }

    fn start_with(environment: &[(&str, &str)]) -> Self {
        let mut program = testing::start(API, &["--port=0"], environment);
        let address = program.address();
        Self { program, address }
    }

    /// Asks on a connection of its own.
    pub(crate) fn ask(&self, method: &str, path: &str) -> Answer {
        let mut connection = TcpStream::connect(self.address).unwrap();
        connection.set_read_timeout(Some(testing::LIMIT)).unwrap();
        write!(connection, "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path)
    }

    /// Asks until the answer is right, and gives it.
    pub(crate) fn until(&self, path: &str, is_right: impl Fn(&Answer) -> bool) -> Answer {
        let start = Instant::now();
        loop {
            let answer = self.get(path);
            if is_right(&answer) {
                return answer;
            }
            assert!(start.elapsed() < testing::LIMIT, "{path} stays {answer:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it tells of so many coins; gives the answer to `GET /coins` then.
    pub(crate) fn until_it_has(&self, coins: usize) -> Vec<Value> {
        self.until("/stats", |answer| answer.status == 200 && answer.json()["blocks"] == coins);
        let has_all =
            |answer: &Answer| answer.status == 200 && answer.json()["coins"].as_array().unwrap().len() == coins;
        self.until("/coins?limit=1000", has_all).json()["coins"].as_array().unwrap().clone()
    }
}
