//! The process: settings and the manual.

use crate::{WEBUI, ask, json, start};

#[test]
fn a_wrong_address_of_the_api_is_refused_with_what_is_accepted() {
    let plain = "accepted is an address such as http://api:9000, without a path";
    let cases = [
        ("api:9000", plain),
        ("http://api:9000/v1", plain),
        ("http://bob:secret@api:9000", plain),
        ("https://api", "https is left to a reverse proxy; accepted is http://…"),
    ];
    for (url, accepted) in cases {
        let (code, _, line) = testing::start(WEBUI, &[], &[("API_URL", url)]).output();
        assert_eq!((code, line), (Some(2), format!("webui: API_URL (--api-url <URL>) is '{url}': {accepted}")));
    }
}

#[test]
fn a_place_without_a_port_is_refused_with_what_is_accepted() {
    let (code, _, line) = testing::start(WEBUI, &[], &[("YARD", "producer:5000,consumer")]).output();
    let accepted = "accepted are names or addresses with a port, as in producer:5000,10.0.0.2:5000";
    assert_eq!((code, line), (Some(2), format!("webui: YARD (--yard <NAME:PORT,…>) is 'consumer': {accepted}")));
}

#[test]
fn help_is_the_manual_with_every_variable_and_default() {
    let (code, help, _) = testing::start(WEBUI, &["--help"], &[]).output();
    assert_eq!(code, Some(0));
    for text in [
        "HOST",
        "0.0.0.0",
        "PORT",
        "8080",
        "API_URL",
        "http://api:9000",
        "YARD",
        "producer:5000",
        "DRAIN_TIMEOUT",
        "healthcheck",
    ] {
        assert!(help.contains(text), "{text} is missing in:\n{help}");
    }
}

#[test]
fn it_says_who_it_is_on_the_same_port() {
    let (_webui, address) = start("http://127.0.0.1:1", &[]);
    let whoami = json(&ask(address, "GET", "/whoami"));
    assert_eq!((&whoami["name"], &whoami["served_by"]), (&"webui".into(), &"webui.1".into()));
    assert!(ask(address, "GET", "/metrics").contains("http_requests_total"));
    assert!(ask(address, "GET", "/healthz").starts_with("HTTP/1.1 200 "));
}
