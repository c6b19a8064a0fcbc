//! `GET /events`: what comes, and its limits.

use devcoin::MinerId;
use serde_json::json;
use testing::{Signal, needs};

use crate::client::Api;
use crate::listener::Listener;
use crate::redis::Redis;

/// Clients of one API, as the manual has it.
const CLIENTS_MAX: usize = 500;

#[needs("redis-server")]
#[test]
fn a_client_is_told_when_to_come_again_and_where_it_is_before_anything_else() {
    let redis = Redis::start();
    redis.record(&MinerId::new("pi"), 0..3);
    let api = Api::of(&redis);
    api.until_it_has(3);
    let mut client = Listener::new(api.address);
    for header in ["200 OK", "content-type: text/event-stream", "cache-control: no-cache", "x-accel-buffering: no"] {
        assert!(client.head.contains(header), "{header}: {}", client.head);
    }
    assert!(client.head.contains("access-control-allow-origin: *"), "{}", client.head);
    let first = client.next().unwrap();
    assert_eq!((first.retry.as_deref(), first.id), (Some("1000"), Some(redis.coins()[2].id.to_string())));
    assert_eq!(client.next().unwrap().name, "stats");
}

#[needs("redis-server")]
#[test]
fn coins_come_as_they_are_recorded_and_stats_again_and_again() {
    let redis = Redis::start();
    let miner = MinerId::new("pi");
    redis.record(&miner, 0..3);
    let api = Api::of(&redis);
    api.until_it_has(3);
    let mut client = Listener::new(api.address);
    client.next_named("stats");
    redis.record(&miner, 3..5);
    let event = client.next_named("coins");
    let recorded = redis.coins().pop().unwrap();
    assert_eq!(event.json()[1], api.get("/coins?limit=1").json()["coins"][0]);
    assert_eq!((event.nonces(), event.id), (vec![3, 4], Some(recorded.id.to_string())));
    let last = loop {
        let stats = client.next_named("stats").json();
        if stats["blocks"] == 5 {
            break stats;
        }
    };
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&last), keys(&api.get("/stats").json()));
}

#[needs("redis-server")]
#[test]
fn a_client_hears_when_the_ledger_goes_away_and_comes_back() {
    let mut redis = Redis::start();
    let miner = MinerId::new("pi");
    redis.record(&miner, 0..3);
    let api = Api::of(&redis);
    api.until_it_has(3);
    let mut client = Listener::new(api.address);
    redis.kill();
    let stale = client.next_named("stale").json();
    assert!(stale["stale"] == true && stale["reason"].as_str().unwrap().contains("127.0.0.1"), "{stale}");
    assert_eq!(client.next_named("stats").json()["stale"], true);
    // Who comes now hears it first.
    let mut late = Listener::new(api.address);
    late.next();
    assert_eq!(late.next().unwrap().name, "stale");

    redis.run();
    assert_eq!(client.next_named("stale").json(), json!({"stale": false}));
    assert_eq!(client.next_named("stats").json()["stale"], false);
    redis.record(&miner, 3..4);
    assert_eq!(client.next_coins(1).0, [3]);
}

#[needs("redis-server")]
#[test]
fn a_client_that_is_there_before_the_ledger_gets_everything_once_it_comes() {
    let mut redis = Redis::start();
    redis.record(&MinerId::new("pi"), 0..3);
    redis.kill();
    let api = Api::without(&redis);
    let mut client = Listener::new(api.address);
    assert_eq!(client.next().unwrap().id.as_deref(), Some("0-0"));
    assert_eq!(client.next().unwrap().name, "stale");
    redis.run();
    assert_eq!(client.next_coins(3).0, [0, 1, 2]);
}

#[needs("redis-server")]
#[test]
fn an_event_has_a_hundred_coins_at_most_and_further_ones_follow_in_order() {
    let redis = Redis::start();
    let miner = MinerId::new("pi");
    let api = Api::of(&redis);
    let mut client = Listener::new(api.address);
    client.next_named("stats");
    redis.record(&miner, 0..750);
    let mut nonces = Vec::new();
    while nonces.len() < 750 {
        let event = client.next_named("coins").nonces();
        assert!(event.len() <= 100, "{}", event.len());
        nonces.extend(event);
    }
    assert_eq!(nonces, (0..750).collect::<Vec<_>>());
}

#[needs("redis-server")]
#[test]
fn a_client_that_does_not_read_holds_nobody_up_and_goes_on_with_what_is_recent() {
    let redis = Redis::start();
    let miner = MinerId::new("pi");
    let api = Api::of(&redis);
    let mut slow = Listener::new(api.address);
    let mut quick = Listener::new(api.address);
    quick.next_named("stats");
    for batch in 0..20 {
        redis.record(&miner, batch * 1000..(batch + 1) * 1000);
        api.until("/coins?limit=1", |answer| answer.json()["coins"][0]["nonce"] == batch * 1000 + 999);
    }
    for client in [&mut quick, &mut slow] {
        let mut last = None;
        while last != Some(19_999) {
            let nonces = client.next_named("coins").nonces();
            assert!(
                nonces.len() <= 100 && nonces.is_sorted() && last < nonces.first().copied(),
                "{last:?}, {nonces:?}"
            );
            last = nonces.last().copied();
        }
    }
}

#[needs("redis-server")]
#[test]
fn a_client_too_many_is_asked_to_come_again_and_gets_the_place_of_one_that_went() {
    let api = Api::of(&Redis::start());
    testing::raise_limit_on_files();
    let mut clients: Vec<_> = (0..CLIENTS_MAX).map(|_| Listener::new(api.address)).collect();
    assert!(clients.iter().all(|client| client.head.starts_with("HTTP/1.0 200 OK")));
    let answer = api.get("/events");
    assert!(answer.status == 503 && answer.head.contains("\r\nretry-after: 5\r\n"), "{answer:?}");
    assert_eq!(answer.json(), json!({"status": 503, "message": "500 clients listen already: come again later"}));
    assert!(api.get("/metrics").body.contains("api_event_clients 500\n"));
    clients.pop();
    api.until("/metrics", |answer| answer.body.contains("api_event_clients 499\n"));
    assert!(Listener::new(api.address).head.starts_with("HTTP/1.0 200 OK"));
}

#[needs("redis-server")]
#[test]
fn events_end_when_the_api_stops() {
    let mut api = Api::of(&Redis::start());
    let mut client = Listener::new(api.address);
    client.next_named("stats");
    api.program.signal(Signal::TERM);
    while client.next().is_some() {}
    let (status, _) = api.program.ended();
    assert_eq!(status.code(), Some(0));
}
