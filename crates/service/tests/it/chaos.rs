//! The knobs that break an instance for a while.
//!
//! Time is paused in most of these tests: it jumps ahead as soon as everybody waits.

use reqwest::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, timeout};

use crate::harness::{Echo, start};

const TOKEN: &str = "--chaos-token=salmon";

/// What tells how an instance is, and is not broken but where a knob says so.
const TELLING: [&str; 5] = ["/healthz", "/readyz", "/metrics", "/whoami", "/chaos"];

/// A ready instance with knobs.
fn start_with_knobs() -> Echo {
    let echo = start([TOKEN]);
    echo.readiness.set_ready();
    echo
}

impl Echo {
    async fn change(&self, method: &str, path: &str, body: &Value) -> Response {
        let request = self.request(method, path).header(AUTHORIZATION, "Bearer salmon").body(body.to_string());
        request.send().await.unwrap()
    }

    async fn turn_on(&self, name: &str, terms: Value) -> Value {
        let answer = self.change("PUT", &format!("/chaos/{name}"), &terms).await;
        assert_eq!(answer.status(), StatusCode::OK);
        json_of(answer).await
    }

    /// The names of the knobs that are on.
    async fn on(&self) -> Vec<String> {
        let list = json_of(self.get("/chaos").await).await;
        let knobs = list["knobs"].as_array().unwrap();
        knobs.iter().map(|knob| knob["knob"].as_str().unwrap().to_owned()).collect()
    }
}

async fn json_of(answer: Response) -> Value {
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

/// How long an answer takes, whatever it is.
async fn time_of(echo: &Echo, path: &str) -> Duration {
    let start = Instant::now();
    echo.get(path).await.bytes().await.unwrap();
    start.elapsed()
}

#[tokio::test]
async fn without_a_token_in_the_settings_there_are_no_knobs() {
    let echo = start([]);
    for (method, path) in [("GET", "/chaos"), ("DELETE", "/chaos"), ("PUT", "/chaos/hang"), ("PUT", "/chaos/x")] {
        let answer = echo.change(method, path, &json!({"for_seconds": 1})).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{method} {path}");
        let expected = json!({"status": 404, "message": format!("nothing is at {path}")});
        assert_eq!(json_of(answer).await, expected);
    }
    assert_eq!(json_of(echo.get("/whoami").await).await["knobs"], Value::Null);
}

#[tokio::test]
async fn who_does_not_have_the_token_changes_nothing() {
    let echo = start_with_knobs();
    for token in ["", "Bearer", "Bearer ", "Bearer trout", "Bearer salmons", "Basic salmon", "salmon"] {
        for (method, path) in [("PUT", "/chaos/hang"), ("DELETE", "/chaos/hang"), ("DELETE", "/chaos")] {
            let mut request = echo.request(method, path).body(r#"{"for_seconds":60}"#);
            if !token.is_empty() {
                request = request.header(AUTHORIZATION, token);
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{token:?}");
            assert_eq!(answer.headers()[WWW_AUTHENTICATE], "Bearer");
            assert!(json_of(answer).await["message"].as_str().unwrap().contains("CHAOS_TOKEN"));
        }
    }
    assert!(echo.on().await.is_empty());
    let request = echo.request("PUT", "/chaos/not-ready").header(AUTHORIZATION, "bearer salmon");
    assert_eq!(request.body(r#"{"for_seconds":60}"#).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn latency_has_requests_wait_and_ends_by_itself() {
    let echo = start_with_knobs();
    let latency = json!({"milliseconds": 5000, "for_seconds": 60});
    let turned = echo.turn_on("latency", latency).await;
    let effect = "requests are answered 5s later";
    assert_eq!(turned, json!({"knob": "latency", "effect": effect, "ends_in_seconds": 60.0}));
    assert_eq!(json_of(echo.get("/whoami").await).await["knobs"][0]["effect"], effect);
    let start = Instant::now();
    for path in ["/slow/0", "/nowhere"] {
        let time = time_of(&echo, path).await;
        assert!(time >= Duration::from_secs(5) && time < Duration::from_secs(8), "{path}: {time:?}");
    }
    for path in TELLING {
        let time = time_of(&echo, path).await;
        assert!(time < Duration::from_secs(1), "{path}: {time:?}");
    }
    while !echo.on().await.is_empty() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(start.elapsed() < Duration::from_secs(65), "{:?}", start.elapsed());
    assert!(time_of(&echo, "/slow/0").await < Duration::from_secs(1));
}

#[tokio::test]
async fn errors_say_that_they_were_asked_for_and_end_when_they_are_taken_back() {
    let echo = start_with_knobs();
    echo.turn_on("errors", json!({"percent": 100, "for_seconds": 600})).await;
    for path in ["/slow/0", "/nowhere"] {
        let answer = echo.get(path).await;
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let message = "this error was asked for: the knob errors is on, and 100 % of the requests fail";
        assert_eq!(json_of(answer).await, json!({"status": 500, "message": message}));
    }
    for path in TELLING {
        assert_eq!(echo.get(path).await.status(), StatusCode::OK, "{path}");
    }
    assert_eq!(echo.change("DELETE", "/chaos/errors", &json!({})).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(echo.get("/slow/0").await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_is_not_ready_says_that_this_was_asked_for_and_serves() {
    let echo = start_with_knobs();
    echo.turn_on("not-ready", json!({"for_seconds": 60})).await;
    let answer = echo.get("/readyz").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let message = "this was asked for: the knob not-ready is on";
    assert_eq!(json_of(answer).await, json!({"status": 503, "message": message}));
    for path in ["/slow/0", "/healthz"] {
        assert_eq!(echo.get(path).await.status(), StatusCode::OK);
    }
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(echo.get("/readyz").await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn what_hangs_gives_no_answer_nor_does_its_health_until_it_is_over() {
    let echo = start_with_knobs();
    let start = Instant::now();
    // Longer than any other limit on requests.
    echo.turn_on("hang", json!({"for_seconds": 90})).await;
    for path in ["/metrics", "/whoami", "/chaos"] {
        let time = time_of(&echo, path).await;
        assert!(time < Duration::from_secs(1), "{path}: {time:?}");
    }
    let answers = ["/slow/0", "/nowhere", "/healthz", "/readyz"].map(|path| echo.get(path));
    let answers = futures_util::future::join_all(answers).await;
    assert!(start.elapsed() >= Duration::from_secs(90), "{:?}", start.elapsed());
    assert_eq!(answers.iter().map(|answer| answer.status().as_u16()).collect::<Vec<_>>(), [200, 404, 200, 200]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_bit_by_bit_stands_still_while_its_service_hangs() {
    let echo = start_with_knobs();
    let start = Instant::now();
    let answer = echo.get("/drip/20").await;
    echo.turn_on("hang", json!({"for_seconds": 60})).await;
    assert_eq!(answer.text().await.unwrap().len(), 20);
    assert!(start.elapsed() >= Duration::from_mins(1), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_hang_does_not_hold_the_stop_up() {
    let mut echo = start(["--drain-timeout=2s", TOKEN]);
    echo.turn_on("hang", json!({"for_seconds": 600})).await;
    let mut client = echo.connect().await;
    client.send("GET /slow/0 HTTP/1.1\r\nHost: x\r\n\r\n").await;
    echo.get("/whoami").await;
    let start = Instant::now();
    echo.shutdown.cancel();
    echo.ended().await;
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_second_knob_of_a_kind_replaces_the_first_and_others_stay() {
    let echo = start_with_knobs();
    echo.turn_on("not-ready", json!({"for_seconds": 300})).await;
    echo.turn_on("latency", json!({"milliseconds": 20_000, "for_seconds": 10})).await;
    echo.turn_on("latency", json!({"milliseconds": 1000, "for_seconds": 60})).await;
    let time = time_of(&echo, "/slow/0").await;
    assert!(time < Duration::from_secs(5), "{time:?}");
    // The first one's time is over, which is not the second one's.
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(echo.on().await, ["latency", "not-ready"]);
    let answer = echo.change("DELETE", "/chaos", &json!({})).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert!(echo.on().await.is_empty());
    assert_eq!(echo.get("/readyz").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_is_no_knob_or_no_order_is_refused_with_what_is_accepted() {
    let echo = start_with_knobs();
    for (path, terms, status, message) in [
        ("/chaos/fire", json!({"for_seconds": 1}), 404, "there is no knob fire; there are latency, errors, not-ready"),
        (
            "/chaos/hang",
            json!({"for_seconds": 601}),
            400,
            "hang: for_seconds is 601: accepted is a number above 0, 600",
        ),
        ("/chaos/hang", json!([]), 400, "hang: the body has to be JSON such as {\"for_seconds\":30}"),
        ("/chaos/latency", json!({"for_seconds": 1}), 400, "latency: missing field `milliseconds`"),
    ] {
        let answer = echo.change("PUT", path, &terms).await;
        assert_eq!(answer.status().as_u16(), status);
        let answer = json_of(answer).await;
        assert!(answer["message"].as_str().unwrap().starts_with(message), "{answer}");
    }
    assert_eq!(echo.change("DELETE", "/chaos/fire", &json!({})).await.status(), StatusCode::NOT_FOUND);
    assert!(echo.on().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn memory_is_held_until_the_knob_is_over() {
    let echo = start_with_knobs();
    echo.turn_on("memory", json!({"mebibytes": 8, "for_seconds": 60})).await;
    assert_eq!(echo.on().await, ["memory"]);
    assert!(time_of(&echo, "/slow/0").await < Duration::from_secs(1));
    let over = async {
        while !echo.on().await.is_empty() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    timeout(Duration::from_secs(65), over).await.unwrap();
}
