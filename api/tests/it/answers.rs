//! The answers.

use std::time::{Duration, UNIX_EPOCH};

use devcoin::MinerId;
use serde_json::{Value, json};
use testing::needs;

use crate::client::Api;
use crate::redis::Redis;

#[needs("redis-server")]
#[test]
fn the_number_of_coins_has_the_workshops_form_to_the_letter() {
    let redis = Redis::start();
    redis.record(&MinerId::new("pi"), 0..42);
    let api = Api::of(&redis);
    let answer = api.get("/");
    assert!(answer.head.starts_with("HTTP/1.1 200 OK\r\n"), "{answer:?}");
    assert!(answer.head.contains("\r\ncontent-type: application/json\r\n"), "{answer:?}");
    assert_eq!(
        answer.body,
        r#"{"status":200,"message":"Successfully retrieved blocks.","data":{"blocks":42},"served_by":"api.1@pi1"}"#
    );
}

#[needs("redis-server")]
#[test]
fn an_empty_ledger_is_told_of_as_such() {
    let api = Api::of(&Redis::start());
    assert_eq!(api.get("/").json()["data"], json!({"blocks": 0}));
    assert_eq!(api.get("/coins").json()["coins"], json!([]));
    assert_eq!(api.get("/miners").json()["miners"], json!([]));
}

#[needs("redis-server")]
#[test]
fn coins_are_given_newest_first_and_as_many_as_asked_for() {
    let redis = Redis::start();
    let miner = MinerId::new("pi");
    redis.record(&miner, 0..25);
    let api = Api::of(&redis);
    api.until_it_has(25);
    let nonces = |path| {
        let coins = api.get(path).json()["coins"].as_array().unwrap().clone();
        coins.iter().map(|coin| coin["nonce"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(nonces("/coins?limit=2"), [24, 23]);
    assert_eq!(nonces("/coins"), (5..25).rev().collect::<Vec<_>>());
    assert_eq!(nonces("/coins?limit=1000"), (0..25).rev().collect::<Vec<_>>());
}

#[needs("redis-server")]
#[test]
fn a_coin_says_all_about_itself_and_is_found_by_its_hash() {
    let redis = Redis::start();
    let miner = MinerId::new("pi");
    redis.record(&miner, 7..8);
    let recorded = redis.coins().remove(0);
    let api = Api::of(&redis);
    let coin = api.until_it_has(1).remove(0);
    let hash = recorded.coin.hash().to_string();
    let recorded_at = coin["recorded_at"].as_str().unwrap();
    let expected = json!({
        "id": recorded.id.to_string(), "message": recorded.coin.message(), "hash": hash, "difficulty": 12,
        "miner": miner.as_str(), "nonce": 7, "recorded_at": recorded_at,
    });
    assert_eq!(coin, expected);
    let time = humantime::parse_rfc3339(recorded_at).unwrap();
    assert_eq!(time, UNIX_EPOCH + Duration::from_millis(recorded.id.milliseconds));

    for hash in [hash.clone(), hash.to_uppercase()] {
        let answer = api.get(&format!("/coins/{hash}"));
        assert_eq!((answer.status, answer.json()["message"].as_str()), (200, Some(recorded.coin.message().as_str())));
    }
}

#[needs("redis-server")]
#[test]
fn a_coin_that_is_not_kept_is_404_and_the_answer_says_how_many_are() {
    let api = Api::of(&Redis::start());
    let answer = api.get(&format!("/coins/{}", "0".repeat(64)));
    let message = "no coin with this hash among the last 1000: only these are kept, older ones are counted";
    assert_eq!((answer.status, answer.json()), (404, json!({"status": 404, "message": message})));
}

#[needs("redis-server")]
#[test]
fn what_is_no_hash_and_no_limit_is_400_and_the_answer_says_what_is_accepted() {
    let api = Api::of(&Redis::start());
    for limit in ["0", "1001", "-1", "x", "", "1.5"] {
        let answer = api.get(&format!("/coins?limit={limit}"));
        let message = format!("limit is '{limit}': accepted is a number from 1 to 1000");
        assert_eq!((answer.status, answer.json()), (400, json!({"status": 400, "message": message})));
    }
    for hash in ["0", &"g".repeat(64), &"0".repeat(65)] {
        let answer = api.get(&format!("/coins/{hash}"));
        let message = "a coin's hash has 64 hexadecimal digits";
        assert_eq!((answer.status, answer.json()), (400, json!({"status": 400, "message": message})));
    }
    assert_eq!(api.get("/coins?limit=1&limit=2").json()["status"], 400);
}

#[needs("redis-server")]
#[test]
fn miners_and_stats_tell_who_mines_how_much() {
    let redis = Redis::start();
    let (one, other) = (MinerId::new("one"), MinerId::new("other"));
    redis.record(&one, 0..3);
    redis.record(&other, 0..4);
    let api = Api::of(&redis);
    api.until_it_has(7);
    let miners = api.get("/miners").json();
    assert_eq!(
        (&miners["retired_coins"], &miners["stale"], &miners["served_by"]),
        (&json!(0), &json!(false), &json!("api.1@pi1"))
    );
    let mut figures: Vec<_> = miners["miners"]
        .as_array()
        .unwrap()
        .iter()
        .map(|miner| {
            assert!(miner["last_seen"].as_str().unwrap().ends_with('Z'), "{miner}");
            (
                miner["id"].as_str().unwrap(),
                miner["name"].as_str().unwrap(),
                miner["coins"].as_u64(),
                miner["hash_rate"].as_u64(),
                miner["alive"].as_bool(),
            )
        })
        .collect();
    figures.sort_unstable();
    let miner = &miners["miners"][0];
    let origin = ["served_by", "node", "architecture", "version", "uptime_seconds", "knobs"].map(|key| &miner[key]);
    assert_eq!(json!(origin), json!(["yard_miner.2@pi4", "pi4", "arm64", null, 61, "latency"]), "{miner}");
    api.until("/miners", |answer| answer.json()["miners"][0]["coins_per_second_10s"].as_f64() == Some(0.0));
    let alive = |miner, name, coins| (miner, name, Some(coins), Some(250), Some(true));
    assert_eq!(figures, [alive(one.as_str(), "one on pi4", 3), alive(other.as_str(), "oth on pi4", 4)]);

    // The second in which they came has to be over.
    let coins = |stats: &Value| stats["per_second"].as_array().unwrap().iter().filter_map(Value::as_u64).sum::<u64>();
    let stats = api.until("/stats", |answer| coins(&answer.json()) == 7).json();
    assert_eq!(stats["per_second"].as_array().unwrap().len(), 60);
    assert_eq!(stats["coins_per_second_1m"].as_f64().unwrap().to_string()[..6], *"0.1166");
    assert_eq!(
        (&stats["blocks"], &stats["miners_alive"], &stats["hashes_per_second"]),
        (&json!(7), &json!(2), &json!(500))
    );
    assert_eq!((&stats["stale"], &stats["served_by"]), (&json!(false), &json!("api.1@pi1")));
    assert!(stats["coins_per_second_10s"].is_f64() && stats["age_seconds"].is_u64(), "{stats}");
}

#[needs("redis-server")]
#[test]
fn pages_of_every_origin_may_read_every_answer() {
    let api = Api::of(&Redis::start());
    for (method, path) in
        [("GET", "/"), ("GET", "/coins?limit=0"), ("GET", "/nothing"), ("POST", "/stats"), ("GET", "/readyz")]
    {
        let head = api.ask(method, path).head;
        assert!(head.contains("\r\naccess-control-allow-origin: *\r\n"), "{head}");
        assert!(head.contains("\r\naccess-control-expose-headers: X-Served-By\r\n"), "{head}");
        assert!(head.contains("\r\nx-served-by: api.1@pi1"), "{head}");
    }
}

#[needs("redis-server")]
#[test]
fn another_path_is_404_and_another_method_405_as_json() {
    let api = Api::of(&Redis::start());
    assert_eq!(api.get("/blocks").body, r#"{"status":404,"message":"nothing is at /blocks"}"#);
    let answer = api.ask("POST", "/coins");
    assert!(answer.status == 405 && answer.head.contains("\r\nallow: GET,HEAD,OPTIONS\r\n"), "{answer:?}");
    assert_eq!(answer.body, r#"{"status":405,"message":"POST is not possible at /coins"}"#);
}

#[needs("redis-server")]
#[test]
fn a_head_request_gets_the_head_alone() {
    let api = Api::of(&Redis::start());
    for path in ["/", "/coins", "/miners", "/stats", "/events", "/openapi.json"] {
        let answer = api.ask("HEAD", path);
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{path}");
    }
}

#[needs("redis-server")]
#[test]
fn two_replicas_agree() {
    let redis = Redis::start();
    let apis = [Api::of(&redis), Api::of(&redis)];
    // More at once than is kept, and than a replica reads at once.
    for batch in 0..5 {
        redis.record(&MinerId::new("pi"), batch * 700..(batch + 1) * 700);
    }
    let last = redis.coins().pop().unwrap();
    let answers = apis.each_ref().map(|api| {
        api.until("/", |answer| answer.json()["data"]["blocks"] == 3500);
        let coins = api.until("/coins?limit=1000", |answer| answer.json()["coins"][0]["id"] == last.id.to_string());
        let mut miners = api.get("/miners").json()["miners"].clone();
        for miner in miners.as_array_mut().unwrap() {
            // Each has looked at other moments.
            miner["coins_per_second_10s"].take();
        }
        (coins.json()["coins"].clone(), miners)
    });
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].0.as_array().unwrap().len(), 1000);
}
