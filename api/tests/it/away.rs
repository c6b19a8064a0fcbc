//! A Redis that is away, hangs, refuses, or begins anew.

use std::time::Instant;

use devcoin::MinerId;
use serde_json::{Value, json};
use testing::needs;

use crate::client::{Answer, Api};
use crate::redis::Redis;

/// Requests while Redis hangs. If each waited for it, they would take longer than a test may.
const REQUESTS: usize = 100;

fn is_stale(answer: &Answer) -> bool {
    answer.status == 200 && answer.json()["stale"] == true
}

#[needs("redis-server")]
#[test]
fn with_redis_away_the_last_figures_are_given_as_stale_and_once_it_is_back_fresh_ones() {
    let mut redis = Redis::start();
    let miner = MinerId::new("pi");
    redis.record(&miner, 0..3);
    let api = Api::of(&redis);
    api.until_it_has(3);
    redis.kill();
    for path in ["/", "/coins", "/miners", "/stats"] {
        api.until(path, is_stale);
        let aged = api.until(path, |answer| answer.json()["age_seconds"].as_u64() > Some(0)).json();
        assert_eq!((&aged["stale"], &aged["served_by"]), (&json!(true), &json!("api.1@pi1")), "{aged}");
    }
    let answer = api.get("/").json();
    assert_eq!((&answer["status"], &answer["data"]), (&json!(200), &json!({"blocks": 3})));
    assert_eq!(api.get("/coins").json()["coins"].as_array().unwrap().len(), 3);
    assert_eq!(api.get(&format!("/coins/{}", "0".repeat(64))).status, 404);
    let ready = api.get("/readyz");
    assert!(ready.status == 503 && ready.json()["message"].as_str().unwrap().contains("127.0.0.1"), "{ready:?}");
    assert_eq!(api.get("/healthz").status, 200);

    redis.run();
    redis.record(&miner, 3..5);
    let coins = api.until_it_has(5);
    assert_eq!(coins.iter().map(|coin| coin["nonce"].as_u64().unwrap()).collect::<Vec<_>>(), [4, 3, 2, 1, 0]);
    assert_eq!(api.get("/").json().get("stale"), None);
    for path in ["/coins", "/miners", "/stats"] {
        assert_eq!(api.get(path).json()["stale"], false);
    }
    assert_eq!(api.get("/readyz").status, 200);
}

#[needs("redis-server")]
#[test]
fn with_redis_away_its_replica_is_read_and_every_answer_says_so() {
    let mut redis = Redis::start();
    let miner = MinerId::new("pi");
    redis.record(&miner, 0..3);
    let mut replica = redis.replica();
    let api = Api::of_both(&redis, &replica);
    api.until_it_has(3);
    for path in ["/coins", "/miners", "/stats"] {
        assert_eq!(api.get(path).json()["source"], "primary");
    }
    assert_eq!(api.get("/").json().get("source"), None);

    redis.record(&miner, 3..5);
    api.until_it_has(5);
    redis.kill();
    let is_of_replica = |answer: &Answer| {
        let answer = answer.json();
        answer["source"] == "replica" && answer.get("stale").is_none_or(|stale| *stale == false)
    };
    for path in ["/", "/coins", "/miners", "/stats"] {
        api.until(path, is_of_replica);
    }
    // It goes on: what is told is of now.
    api.until("/stats", |answer| answer.json()["per_second"].as_array().unwrap().last() == Some(&json!(0)));
    api.until_it_has(5);
    api.until("/readyz", |answer| answer.status == 200);
    assert!(is_of_replica(&api.get("/stats")));

    replica.kill();
    for path in ["/", "/coins", "/miners", "/stats"] {
        assert_eq!(api.until(path, is_stale).json()["source"], "replica");
    }
    api.until("/readyz", |answer| answer.status == 503);
    replica.run();
    for path in ["/", "/coins", "/miners", "/stats"] {
        api.until(path, is_of_replica);
    }

    redis.run();
    redis.record(&miner, 5..6);
    api.until_it_has(6);
    for path in ["/coins", "/miners", "/stats"] {
        let answer = api.get(path).json();
        assert_eq!((&answer["stale"], &answer["source"]), (&json!(false), &json!("primary")), "{path}");
    }
}

#[needs("redis-server")]
#[test]
fn a_replica_is_read_also_when_redis_hangs() {
    let redis = Redis::start();
    redis.record(&MinerId::new("pi"), 0..3);
    let replica = redis.replica();
    let api = Api::of_both(&redis, &replica);
    api.until_it_has(3);
    redis.hang();
    for path in ["/coins", "/stats"] {
        api.until(path, |answer| answer.json()["source"] == "replica" && answer.json()["stale"] == false);
    }
    redis.go_on();
    for path in ["/coins", "/stats"] {
        api.until(path, |answer| answer.json()["source"] == "primary" && answer.json()["stale"] == false);
    }
}

#[needs("redis-server")]
#[test]
fn answers_do_not_wait_for_a_redis_that_hangs() {
    let redis = Redis::start();
    redis.record(&MinerId::new("pi"), 0..3);
    let api = Api::of(&redis);
    api.until_it_has(3);
    redis.hang();
    api.until("/stats", is_stale);
    let start = Instant::now();
    for _ in 0..REQUESTS {
        for path in ["/", "/coins", "/miners", "/stats"] {
            assert!(is_stale(&api.get(path)));
        }
    }
    assert!(start.elapsed() < testing::LIMIT, "{:?}", start.elapsed());
    redis.go_on();
    redis.record(&MinerId::new("pi"), 0..1);
    api.until_it_has(4);
    assert_eq!(api.get("/stats").json()["stale"], false);
}

#[needs("redis-server")]
#[test]
fn with_a_redis_that_was_never_there_every_answer_is_503_in_the_workshops_form_until_it_comes() {
    let mut redis = Redis::start();
    redis.kill();
    let api = Api::without(&redis);
    for path in ["/", "/coins", "/miners", "/stats", &format!("/coins/{}", "0".repeat(64))] {
        let answer = api.get(path);
        assert!(answer.status == 503 && answer.head.contains("\r\nretry-after: 1\r\n"), "{path}: {answer:?}");
        let Value::Object(failure) = answer.json() else { panic!("{answer:?}") };
        assert_eq!(failure.len(), 3, "{failure:?}");
        assert_eq!((&failure["status"], &failure["message"]), (&json!(503), &json!("Server error")));
        let errors = failure["errors"].as_array().unwrap();
        assert!(errors.len() == 1 && errors[0].as_str().unwrap().contains("127.0.0.1"), "{failure:?}");
    }
    assert_eq!(api.get("/readyz").status, 503);
    redis.run();
    api.until("/readyz", |answer| answer.status == 200);
    assert_eq!(api.get("/").json()["data"], json!({"blocks": 0}));
}

#[needs("redis-server")]
#[test]
fn a_redis_that_refuses_is_500_in_the_workshops_form_and_the_reason_is_told() {
    let redis = Redis::start_with_password("right");
    let api = Api::without(&redis);
    let answer = api.until("/", |answer| answer.status == 500);
    // To come again soon does not help.
    assert!(!answer.head.contains("retry-after"), "{answer:?}");
    let answer = answer.json();
    assert_eq!((&answer["status"], &answer["message"]), (&json!(500), &json!("Server error")));
    assert!(answer["errors"][0].as_str().unwrap().contains("password"), "{answer}");
}

#[needs("redis-cli", "redis-server")]
#[test]
fn a_ledger_that_was_emptied_is_followed_from_its_beginning() {
    let redis = Redis::start();
    let miner = MinerId::new("pi");
    redis.record(&miner, 0..9);
    let api = Api::of(&redis);
    api.until_it_has(9);
    redis.command(&["FLUSHALL"]);
    redis.record(&miner, 0..2);
    let coins = api.until_it_has(2);
    assert_eq!(coins.iter().map(|coin| coin["nonce"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 0]);
    assert_eq!(api.get("/coins").json()["stale"], false);
}
