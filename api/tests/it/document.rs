//! `GET /openapi.json`: it says what is true.

use std::collections::BTreeSet;

use devcoin::MinerId;
use serde_json::Value;
use testing::needs;

use crate::client::{Answer, Api};
use crate::listener::Listener;
use crate::redis::Redis;

#[needs("redis-server")]
#[test]
fn the_document_lists_the_routes_that_there_are() {
    let api = Api::of(&Redis::start());
    let document = api.get("/openapi.json").json();
    assert_eq!(
        (&document["info"]["title"], document["openapi"].as_str().unwrap().split('.').next()),
        (&Value::from("api"), Some("3"))
    );
    let paths: BTreeSet<_> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let own = ["/", "/coins", "/coins/{hash}", "/events", "/miners", "/openapi.json", "/stats"];
    let of_every_service = ["/healthz", "/metrics", "/readyz", "/whoami"];
    assert_eq!(paths, own.into_iter().chain(of_every_service).collect());
}

#[needs("redis-server")]
#[test]
fn every_route_answers_as_the_document_says_with_a_ledger_and_without() {
    let mut redis = Redis::start();
    redis.record(&MinerId::new("pi"), 0..3);
    let api = Api::of(&redis);
    let hash = api.until_it_has(3)[0]["hash"].as_str().unwrap().to_owned();
    let document = api.get("/openapi.json").json();
    check_routes(&api, &document, &hash, 200);
    check_routes(&api, &document, &"0".repeat(64), 200);
    check_routes(&api, &document, "none", 200);
    redis.kill();
    api.until("/readyz", |answer| answer.status == 503);
    check_routes(&api, &document, &hash, 200);

    let without = Api::without(&redis);
    check_routes(&without, &document, &hash, 503);
}

#[needs("redis-server")]
#[test]
fn every_description_says_what_a_route_is_for() {
    let document = Api::of(&Redis::start()).get("/openapi.json").json();
    for (path, operations) in document["paths"].as_object().unwrap() {
        assert!(!operations["get"]["summary"].as_str().unwrap_or_default().is_empty(), "{path}");
        assert_eq!(operations.as_object().unwrap().len(), 1, "{path}");
    }
}

/// Calls each route and holds the answer against its description; `/` is to answer with `status`.
fn check_routes(api: &Api, document: &Value, hash: &str, status: u16) {
    for (path, operations) in document["paths"].as_object().unwrap() {
        let answer = if path == "/events" {
            let head = Listener::new(api.address).head.replace('\n', "\r\n");
            Answer { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head, body: String::new() }
        } else {
            api.get(&path.replace("{hash}", hash))
        };
        assert!(path != "/" || answer.status == status, "{answer:?}");
        let responses = &operations["get"]["responses"];
        let exact = &responses[answer.status.to_string()];
        let response = if exact.is_null() { &responses[format!("{}XX", answer.status / 100)] } else { exact };
        let (kind, content) = response["content"]
            .as_object()
            .and_then(|kinds| kinds.iter().find(|(kind, _)| answer.head.contains(&format!("content-type: {kind}"))))
            .unwrap_or_else(|| panic!("{path} does not say that it answers {answer:?}"));
        if kind == "application/json" {
            check(path, &answer.json(), &content["schema"], document);
        }
    }
}

/// Holds a value against a schema: kinds, required properties, and lengths of arrays.
fn check(path: &str, value: &Value, schema: &Value, document: &Value) {
    if let Some(name) = schema["$ref"].as_str() {
        let schema = document.pointer(&name[1..]).unwrap_or_else(|| panic!("{name} is not described"));
        return check(path, value, schema, document);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(path, value, part, document);
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => Vec::from_iter(kind.as_str()),
    };
    let is_kind = |kind: &&str| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    };
    assert!(kinds.is_empty() || kinds.iter().any(is_kind), "{path}: {value} is not {kinds:?}");
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(!value[name.as_str().unwrap()].is_null(), "{path}: {name} is missing in {value}");
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(name) {
            check(path, value, property, document);
        }
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        assert!(schema["minItems"].as_u64().is_none_or(|least| values.len() as u64 >= least), "{path}: {value}");
        for value in values {
            check(path, value, items, document);
        }
    }
}
