//! `GET /events`: going on where a client was, at whichever replica.

use devcoin::MinerId;
use serde_json::json;
use testing::needs;

use crate::client::Api;
use crate::listener::Listener;
use crate::redis::Redis;

#[needs("redis-server")]
#[test]
fn who_changes_replicas_all_the_time_gets_each_coin_once() {
    let redis = Redis::start();
    let miner = MinerId::new("pi");
    let apis = [Api::of(&redis), Api::of(&redis)];
    let mut place = Listener::new(apis[0].address).next().unwrap().id.unwrap();
    let mut nonces = Vec::new();
    for round in 0..20 {
        // Some come while it listens, some while it does not.
        redis.record(&miner, round * 20..round * 20 + 10);
        let mut client = Listener::after(apis[usize::try_from(round % 2).unwrap()].address, &place);
        redis.record(&miner, round * 20 + 10..round * 20 + 20);
        let (more, id) = client.next_coins(1);
        nonces.extend(more);
        place = id;
    }
    if nonces.len() < 400 {
        nonces.extend(Listener::after(apis[0].address, &place).next_coins(400 - nonces.len()).0);
    }
    assert_eq!(nonces, (0..400).collect::<Vec<_>>());
}

#[needs("redis-server")]
#[test]
fn a_place_that_is_not_kept_any_more_gives_all_that_is() {
    let redis = Redis::start();
    redis.record(&MinerId::new("pi"), 0..1100);
    let kept = redis.coins();
    let api = Api::of(&redis);
    let id = kept.last().unwrap().id.to_string();
    api.until("/coins?limit=1", |answer| answer.json()["coins"][0]["id"] == id);
    for place in ["0-0", "1-1"] {
        let (nonces, _) = Listener::after(api.address, place).next_coins(1000);
        assert_eq!(nonces, (100..1100).collect::<Vec<_>>());
    }
}

#[needs("redis-server")]
#[test]
fn a_place_can_be_given_in_the_address_and_the_header_wins() {
    let redis = Redis::start();
    redis.record(&MinerId::new("pi"), 0..5);
    let api = Api::of(&redis);
    api.until_it_has(5);
    let [first, third] = [0, 2].map(|coin: usize| redis.coins()[coin].id.to_string());
    let path = format!("/events?after={first}");
    assert_eq!(Listener::with(api.address, &path, "").next_coins(1).0, [1, 2, 3, 4]);
    let header = format!("Last-Event-ID: {third}\r\n");
    assert_eq!(Listener::with(api.address, &path, &header).next_coins(1).0, [3, 4]);
    assert_eq!(Listener::with(api.address, &path, "Last-Event-ID:\r\n").next_coins(1).0, [1, 2, 3, 4]);
}

#[needs("redis-server")]
#[test]
fn a_place_that_is_none_is_400() {
    let api = Api::of(&Redis::start());
    for place in ["x", "1", "1-", "-1", "1-2-3", "99999999999999999999999-0"] {
        let message =
            |name| format!("{name} is '{place}': a coin's place is MILLISECONDS-NUMBER, such as 1789000000000-0");
        let answer = api.get(&format!("/events?after={place}"));
        assert_eq!((answer.status, answer.json()), (400, json!({"status": 400, "message": message("after")})));
        let client = Listener::after(api.address, place);
        assert!(client.head.starts_with("HTTP/1.0 400"), "{}", client.head);
    }
}

#[needs("redis-cli", "redis-server")]
#[test]
fn a_place_of_a_ledger_that_was_emptied_begins_with_the_new_ones_first_coin() {
    let redis = Redis::start();
    let miner = MinerId::new("pi");
    redis.record(&miner, 0..3);
    let api = Api::of(&redis);
    api.until_it_has(3);
    // As after a restart of a machine whose clock was wrong: later than all that this ledger has.
    let mut late = Listener::after(api.address, "99999999999999-0");
    assert_eq!(late.next_coins(3).0, [0, 1, 2]);
    redis.command(&["FLUSHALL"]);
    redis.record(&miner, 0..2);
    assert_eq!(late.next_coins(2).0, [0, 1]);
}
